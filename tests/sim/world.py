"""The world: one heap, one clock, one source of chance, real engines on fake machines.

Strategy: everything that will happen is (time, sequence, action) on one heap; every effect an
engine returns is carried out at once by one handler, and whatever follows from it is pushed on the
heap. Chance comes from the seed alone. Every event an engine is told goes into the trace hash, so
two runs can be compared byte for byte. Guarantees: nothing happens between two actions; an unknown
effect, an exception, or a broken invariant ends the run with the one line that repeats it. Limits:
handling takes no time; only pauses and latencies are modelled.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random
from typing import Any, NoReturn, Protocol

from blake3 import blake3

from potluck.core.content.paths import SafePath
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Effect, Leave, Reply, Tell, Transmit
from potluck.engine.events import PathsTouched
from tests.fakes.disk import path_of
from tests.sim.bulk import Bulk
from tests.sim.desk import HINT_S, Desk
from tests.sim.disks import Chronicle
from tests.sim.faults import Faults
from tests.sim.hosts import EngineLike, Host, Process
from tests.sim.invariants import Broken, Invariants
from tests.sim.links import Links
from tests.sim.lives import Lives
from tests.sim.network import Network, Policy

NAMES = (
    "ada",
    "bob",
    "cyd",
    "dan",
    "eve",
    "fay",
    "gus",
    "hal",
    "ivy",
    "jon",
    "kim",
    "leo",
    "mia",
    "ned",
    "oda",
)


class Factory(Protocol):
    """Whoever makes engines and indexes: the real thing, or a stand-in."""

    def index(self, host: Host) -> Any:
        """Return a new, empty index."""

    def copy(self, index: Any) -> Any:
        """Return an independent copy of an index as the disk would hold it."""

    def image(self, index: Any) -> Any:
        """Return what an index holds, to be restored if ever; far cheaper than a copy."""

    def restored(self, image: Any) -> Any:
        """Return an index that holds what an image says."""

    def engine(self, host: Host, instance: bytes) -> EngineLike:
        """Return an engine over the host's index."""


class World:
    """A seeded LAN of hosts."""

    def __init__(
        self, seed: int, factory: Factory, *, nodes: int = 0, policy: Policy | None = None
    ) -> None:
        self.seed = seed
        self.factory = factory
        self.now = 0.0
        self.chance = self.random_for("world")
        self.chronicle = Chronicle()
        self.hosts: list[Host] = []
        self.neighbours = 0.5  # share of the other hosts that a neighbour table lists
        # share of a person's acts that the watcher misses (an overflow tells so later)
        self.hint_loss = 0.0
        self.power_cuts = False  # whether images of indexes are kept at every sync
        self.told: list[tuple[float, str, Tell]] = []
        self.replies: list[tuple[str, Reply]] = []
        self.replay = f"seed {seed}"
        self.events = 0
        self.recent: list[str] = []
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._sequence = 0
        self._trace = blake3()
        self.network = Network(self, policy or Policy())
        self.links = Links(self)
        self.bulk = Bulk(self)
        self.desk = Desk(self)
        self.faults = Faults(self)
        self.lives = Lives(self)
        self.judge = Invariants(self)
        self._handlers: dict[type, Callable[[Process, Any], None]] = {
            **self.links.handlers,
            **self.bulk.handlers,
            **self.desk.handlers,
            Transmit: self.network.transmit,
        }
        for _number in range(nodes):
            self.add_host()

    # -- time --------------------------------------------------------------------------------------
    def later(self, delay: float, action: Callable[[], object]) -> None:
        """Let something happen after `delay` seconds."""
        self._sequence += 1
        heapq.heappush(self._heap, (self.now + max(0.0, delay), self._sequence, action))

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        self.run_until(lambda: False, seconds)

    def run_until(self, condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
        """Let time pass until a condition holds or `seconds` are over; say whether it holds."""
        end = self.now + seconds
        look_at = self.now
        while True:
            if self.now >= look_at:
                if condition():
                    return True
                look_at = self.now + every
            if not self._heap or self._heap[0][0] > end:
                self.now = end
                return condition()
            at, _sequence, action = heapq.heappop(self._heap)
            self.now = max(self.now, at)
            action()

    def random_for(self, name: str) -> Random:
        """Return a source of chance of its own for `name`, which depends on the seed alone."""
        return Random(f"{self.seed} {name}")

    def new_number(self) -> int:
        """Return a number never used before."""
        self._sequence += 1
        return self._sequence

    # -- hosts -------------------------------------------------------------------------------------
    def add_host(self, label: str = "") -> Host:
        """Plug in one more machine; nothing runs on it yet."""
        number = len(self.hosts)
        host = Host(
            self, number, label or (NAMES[number] if number < len(NAMES) else f"node{number}")
        )
        host.index = self.factory.index(host)
        host.durable = self.image_of(host.index)
        self.hosts.append(host)
        return host

    def start(self, *numbers: int) -> None:
        """Start potluck on some hosts (all of them if none is named), now."""
        for number in numbers or range(len(self.hosts)):
            host = self.hosts[number]
            if host.process is None:
                host.powered = True
                if host.runs:
                    host.index = self.factory.copy(host.index)
                host.runs += 1
                instance = self.random_for(f"instance {host.label} {host.runs}").randbytes(16)
                host.process = Process(host, self.factory.engine(host, instance), instance)
                host.process.start()

    def running(self) -> list[Host]:
        """Return the hosts where potluck runs and is not about to leave."""
        return [
            host for host in self.hosts if host.process is not None and not host.process.leaving
        ]

    def host_at(self, address: Address) -> Host | None:
        """Return the host that has an address now."""
        return next((host for host in self.hosts if host.address.host == address.host), None)

    def image_of(self, index: Any) -> Any:
        """Return what an index holds, or None when nobody will ever lose power here."""
        return self.factory.image(index) if self.power_cuts else None

    def relabelled(self, host: Host, label: str, former: str) -> None:
        """A device learned at admission that its label is another one; its folder goes with it."""
        if former:
            host.disk.rename(path_of(former), path_of(label))
        host.label = host.disk.label = label
        for path, data in host.disk.own().items():
            self.chronicle.stood(path, data)

    # -- people ------------------------------------------------------------------------------------
    def person(self, number: int, verb: str, *args: Any) -> None:
        """Let the person at one host do something to its disk; the watcher hints, unless it misses
        it.
        """
        host = self.hosts[number]
        touched = host.disk.person(verb, *args)
        self._trace.update(f"{self.now:.6f} {host.label} does {verb} {touched}".encode())
        self.remember(f"{self.now:10.4f} {host.label:6} person: {verb} {args!r:.80}")
        self.judge.truth.tampered(host.label, [p for p in touched if p.parts[0] != host.label])
        self.lives.touched(touched)
        if touched and host.process is not None:
            self.hint(host.process, tuple(touched))

    def hint(self, process: Process, paths: tuple[SafePath, ...]) -> None:
        """Let the watcher of one process notice paths, or miss them and say later that something
        was missed.
        """
        if not paths:
            return
        missed = self.chance.random() < self.hint_loss
        event = PathsTouched((), overflow=True) if missed else PathsTouched(paths, overflow=False)
        delay = self.chance.uniform(0.5, 3.0) if missed else self.chance.uniform(0.0001, HINT_S)
        self.later(delay, lambda: process.post(event))

    # -- effects -----------------------------------------------------------------------------------
    def perform(self, process: Process, effect: Effect) -> None:
        """Carry out one effect."""
        handler = self._handlers.get(type(effect))
        if handler is not None:
            handler(process, effect)
        elif isinstance(effect, Tell):
            self.told.append((self.now, process.host.label, effect))
            self.remember(
                f"{self.now:10.4f} {process.host.label:6} tells {effect.code}: {effect.text}"
            )
        elif isinstance(effect, Reply):
            self.replies.append((process.host.label, effect))
        elif isinstance(effect, Leave):
            process.end()
            self.links.process_ended(process, polite=True)
        else:
            self.fail(f"unknown effect {effect!r}")

    # -- proof -------------------------------------------------------------------------------------
    def note(self, process: Process, verb: str, event: object) -> None:
        """Put one event into the trace."""
        self.events += 1
        line = f"{self.now:.6f} {process.host.label} {verb} {event!r}"
        self._trace.update(line.encode())
        self.remember(line[:300])

    def remember(self, line: str) -> None:
        """Keep the last lines for a report."""
        self.recent.append(line)
        if len(self.recent) > 4000:
            del self.recent[:2000]

    @property
    def trace(self) -> str:
        """The hash over everything that was said to any engine so far."""
        return self._trace.hexdigest()

    def fail(self, what: str, cause: Exception | None = None) -> NoReturn:
        """End the run with what is wrong, where, and how to see it again."""
        raise Broken(
            f"{what}\n  at {self.now:.4f} s, event {self.events}\n  replay: {self.replay}"
        ) from cause
