"""Hosts and processes: what lives through a crash and what does not.

Strategy: a `Host` is a machine (key, disk, index, clocks, power); a `Process` is one run of potluck
on it (engine, instance, links, trust). Every host's monotonic clock has its own origin, and a power
cut sets it back, so an engine that sends or stores its `now` is found out. A paused process hears
everything later and ticks late. Guarantees: an exception out of an engine is a finding with the
event that caused it. Limits: one process per host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from potluck.core import limits
from potluck.core.keys.identity import DeviceId, DeviceKey, short_id
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Effect, Member
from potluck.engine.events import (
    Event,
    Interface,
    InterfacesSeen,
    LinkId,
    OrderId,
    PartFound,
    PartsFound,
    RequestId,
    ShareSeen,
    SpaceSeen,
)
from tests.sim.disks import Disk

if TYPE_CHECKING:
    from tests.fakes.placing import Placing
    from tests.sim.bulk import Request, Transfer
    from tests.sim.links import End
    from tests.sim.world import World

SPIN = 1000
"""Ticks at one instant that mean an engine's deadline never advances (S9)."""


class EngineLike(Protocol):
    """The face of the engine that the world needs."""

    def start(self, now: float) -> Sequence[Effect]:
        """Begin."""

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        """Take one fact."""

    def deadline(self) -> float | None:
        """Return when on_tick is due."""

    def on_tick(self, now: float) -> Sequence[Effect]:
        """Act on the clock."""

    def view(self, now: float) -> Any:
        """Return what the faces show."""


class SeededChance:
    """Chance for an engine, from the world's seed."""

    def __init__(self, host: Host) -> None:
        self._random = host.world.random_for(f"engine {host.label} {host.runs}")

    def bytes(self, count: int) -> bytes:
        """Return `count` bytes."""
        return self._random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        """Return a float between two."""
        return self._random.uniform(low, high)


class Host:
    """One machine."""

    def __init__(self, world: World, number: int, label: str) -> None:
        self.world = world
        self.number = number
        self.label = label
        self.key = DeviceKey(world.random_for(f"key {label}").randbytes(64))
        self.device: DeviceId = self.key.device
        self.shown = short_id(self.device)  # how others call it on a screen
        self.address = Address(f"10.0.0.{number + 1}", limits.PORT)
        self.disk = Disk(
            label, world.chronicle, 1_700_000_000_000_000_000 + world.chance.randrange(10**15)
        )
        self.index: Any = None
        self.durable: Any = None  # an image of the index as of the last sync
        self.process: Process | None = None
        self.powered = True
        self.origin = float(world.chance.randrange(10_000))
        self.up_free_at = 0.0
        self.down_free_at = 0.0
        self.runs = 0
        self.misbehaviour: dict[
            str, float
        ] = {}  # "wrong", "gone", "busy", "break": chance per reply
        self.copied = False  # it is a second machine with the identity of another one
        self.lied = False  # it sent wrong bytes once, so others may refuse its files for an hour

    @property
    def running(self) -> bool:
        """Whether potluck runs here."""
        return self.process is not None


class Process:
    """One run of potluck on one host."""

    def __init__(self, host: Host, engine: EngineLike, instance: bytes) -> None:
        self.host = host
        self.world = host.world
        self.engine = engine
        self.instance = instance
        self.alive = True
        self.began_s = host.world.now
        self.leaving = False
        self.paused = False
        self.resumed_s = 0.0  # when it was paused last
        self.inbox: list[Event] = []
        self.trust: dict[DeviceId, Member] = {}
        self.door = False
        self.links: dict[LinkId, End] = {}
        self.requests: dict[RequestId, Request] = {}
        self.transfers: dict[OrderId, Transfer] = {}
        self.performing = 0  # how many events' effects: one is answered at once, inside another
        self.placings: list[Placing] = []
        self.handled = 0
        self.looks = 0  # at the ring it shows
        self._armed: float | None = None
        self._spins = 0
        self._spin_at = -1.0

    @property
    def now(self) -> float:
        """What this machine's monotonic clock shows."""
        return self.world.now + self.host.origin

    def start(self) -> None:
        """Start the engine and tell it what the shells find at start, in any order.

        Looks at the marker and its being written are one after the other, and so are their results.
        """
        self._do("start", None)
        facts: list[Event | None] = [self.interfaces(), None, self.parts(), self.space()]
        self.world.chance.shuffle(facts)
        for fact in facts:
            self.world.later(
                self.world.chance.uniform(0, 0.005),
                lambda fact=fact: self.post(fact or self.share()),  # type: ignore[misc]
            )

    # -- facts found at start ----------------------------------------------------------------------
    def interfaces(self) -> InterfacesSeen:
        """Look at the network."""
        here = Interface("eth0", self.host.address.host, "10.0.0.255", 24)
        others = [
            each.address.host for each in self.world.hosts if each is not self.host and each.powered
        ]
        known = tuple(host for host in others if self.world.chance.random() < self.world.neighbours)
        return InterfacesSeen((here,), known)

    def share(self) -> ShareSeen:
        """Look at the marker."""
        present = self.host.disk.marker is not None and self.host.disk.mounted
        return ShareSeen(present, "" if present else "missing")

    def parts(self) -> PartsFound:
        """Look at the part files."""
        parts = self.host.disk.parts.values()
        for part in parts:
            part.verify()
        return PartsFound(tuple(PartFound(part.content, part.have.to_bytes()) for part in parts))

    def space(self) -> SpaceSeen:
        """Look how full the disk is."""
        return SpaceSeen(0 if self.host.disk.full else self.host.disk.free_bytes, 2**41)

    # -- running -----------------------------------------------------------------------------------
    def post(self, event: Event) -> None:
        """Tell the engine a fact, now or when it wakes up."""
        if not self.alive:
            return
        if self.paused:
            self.inbox.append(event)
            return
        self._do("handle", event)

    def resume(self) -> None:
        """Wake up: late ticks first or late facts first, as chance has it."""
        self.paused, self.resumed_s = False, self.world.now
        if self.world.chance.random() < 0.5:
            self._do("on_tick", None)
        while self.inbox:  # what is in it still is what the engine cannot know yet
            self.post(self.inbox.pop(0))
        self._arm()

    def end(self) -> None:
        """The process is gone."""
        self.world.judge.remember(self)
        self.alive = False
        self.host.process = None
        for request in list(self.requests.values()):
            request.server_died()
        for transfer in self.transfers.values():
            transfer.ended = True  # what was on its way finds nobody
        self.transfers.clear()

    def _do(self, verb: str, event: Event | None) -> None:
        now = self.now
        if self._armed is not None and verb == "on_tick":
            now = max(now, self._armed)
        self.handled += 1
        self.world.note(self, verb, event)
        try:
            if event is not None:
                effects = self.engine.handle(event, now)
            else:
                effects = self.engine.start(now) if verb == "start" else self.engine.on_tick(now)
        except Exception as error:  # noqa: BLE001 # house: too late for an answer, so the log is where it can be seen
            self.world.fail(
                f"{verb}({_short(event)}) raised {type(error).__name__}: {error}", error
            )
        self.performing += 1
        for effect in effects:
            if self.alive:
                self.world.perform(self, effect)
        self.performing -= 1
        if self.alive:
            self._arm()
            self.world.judge.after(self, event)

    def _arm(self) -> None:
        due = self.engine.deadline()
        if due is None or due == self._armed:
            return
        self._armed = due
        delay = max(0.0, due - self.now) + self.world.chance.uniform(0, 0.0005)
        self.world.later(delay, lambda: self._tick(due))

    def _tick(self, due: float) -> None:
        if not self.alive or self.paused or self._armed != due:
            return
        self._spins = self._spins + 1 if self.world.now - self._spin_at < 0.0006 else 0
        self._spin_at = self.world.now
        if self._spins > SPIN:
            self.world.fail(f"S9: {self.host.label} ticks for ever at {due - self.host.origin:.3f}")
        self._do("on_tick", None)
        if self._armed == due:
            self._armed = None
            self._arm()


def _short(event: object) -> str:
    text = repr(event)
    return text if len(text) < 400 else text[:400] + "…"
