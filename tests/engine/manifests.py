"""Devices that follow each other over a wire made of nothing: real parts and signatures, no clock.

Strategy: `Device` has the parts of one engine that heads and pages pass through: publishing,
following, announcing and answers. `Wire` hands every Send and every Fetch to the other side, and
moves time from one deadline to the next. What a test wants to forge, lose or delay it carries
itself, with `ask` and `answer`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.manifest import sign_head
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Gone,
    Head,
    Heads,
    HeadsAsk,
    Kept,
    Kind,
    ManifestAsk,
    ManifestPage,
    Message,
)
from potluck.engine.effects import Answer, Effect, Fetch, Send, Tell
from potluck.engine.events import (
    FetchEnded,
    LinkId,
    ManifestHeard,
    Outcome,
    RequestHeard,
    RequestId,
)
from potluck.engine.index import Index
from potluck.engine.others.announcing import Announcing
from potluck.engine.others.answers import Answers
from potluck.engine.others.following import Following
from potluck.engine.own.lost_state import LostState
from potluck.engine.own.publishing import Publishing
from tests.engine.builders import flush, group, key, node
from tests.engine.index.builders import root_of
from tests.engine.listeners import Heard, Neighbour, Partly


@dataclass
class Applied:
    """One manifest brought up to a head."""

    head: Head
    paths: list[bytes]
    held: bool


class Device:
    """The parts of one device that manifests pass through."""

    def __init__(
        self,
        number: int,
        roster: Roster | None = None,
        *,
        run: int = 1,
        index: Index | None = None,
    ) -> None:
        self.number = number
        self.node = node(number, run=run, index=index)
        self.node.roster = roster or group(1, 2, 3)
        self.heard = Heard()
        self.publishing = Publishing(self.node, self.heard)
        self.following = Following(self.node, self.heard)
        self.work: tuple[OwnWork, ...] = ()
        self.lost_state = LostState(self.node, self.publishing, self, self.heard)
        self.neighbour, self.partly = Neighbour(self.node.me), Partly(self.node)
        self.announcing = Announcing(self.node, self.following, self.neighbour, self.partly)
        self.answers = Answers(self.node)
        self.applied: list[Applied] = []
        self.own_heads: list[Head] = []
        self.tells: list[str] = []
        self.heard.tell = {
            "on_published": self.announcing.on_published,
            "on_applied": self._on_applied,
            "on_own_head": self._on_own_head,
            "on_lost_state": self.following.seek_own,
            "on_own_fetched": self.lost_state.on_fetched,
        }
        self.publishing.start()

    @property
    def id(self) -> DeviceId:
        """Who this is."""
        return self.node.me

    @property
    def manifest(self) -> ManifestName:
        """What this device itself shares."""
        return self.node.own_manifest

    def link(self, other: Device) -> None:
        """A control link to another device is open here."""
        self.node.peer(other.id).link = LinkId(other.number)
        self.node.link_owner[LinkId(other.number)] = other.id
        self.following.on_linked(other.id)
        self.announcing.on_linked(other.id)

    def unlink(self, other: Device) -> None:
        """The control link is gone here."""
        self.node.peer(other.id).link = None

    def write(self, *paths: str) -> None:
        """Files stand in the own folder; each holds its own path."""
        for path in paths:
            row = PlaceRow(
                path.encode(), Kind.FILE, root_of(path), len(path), 5, 5, 7, executable=False
            )
            self.publishing.put(row, limits.PIECE_MIN_BYTES)

    def stand(self, owner: Device) -> None:
        """Everything of another owner stands on this disk."""
        places = self.node.index.places
        for record in self.node.index.manifests.listing(owner.manifest, b"", 10_000):
            row = PlaceRow(
                record.path,
                record.kind,
                record.root,
                record.size,
                record.mtime_ns,
                5,
                7,
                executable=record.executable,
            )
            places.put(owner.manifest, [row])

    def tick(self) -> list[Effect]:
        """Do what is due, and return what was asked; what is to be told is kept."""
        self.lost_state.on_tick()
        self.publishing.on_tick(0)
        self.following.on_tick()
        self.announcing.on_tick()
        effects = list(flush(self.node))
        self.tells += [effect.code for effect in effects if isinstance(effect, Tell)]
        return effects

    def files_of(self, owner: Device) -> list[str]:
        """The paths of a manifest as it is known here."""
        records = self.node.index.manifests.listing(owner.manifest, b"", 10_000)
        return [record.path.decode() for record in records]

    def head_of(self, owner: Device) -> Head:
        """The head of a manifest as it is known here."""
        head = self.node.index.manifests.head(owner.manifest)
        assert head is not None
        return head

    def deadline(self) -> float:
        """When something is due next."""
        times = [self.publishing.deadline(0), self.following.deadline(), self.announcing.deadline()]
        times.append(self.lost_state.deadline())
        return min(time for time in times if time is not None)

    @property
    def held(self) -> list[bytes]:
        """What is shared, but is not on this disk."""
        return [record.path for record in self.publishing.held.records()]

    def _on_applied(self, head: Head, paths: Sequence[bytes], held: bool) -> None:
        self.applied.append(Applied(head, list(paths), held))
        self.announcing.on_applied(head)

    def _on_own_head(self, head: Head) -> None:
        self.own_heads.append(head)
        self.lost_state.on_own_head(head)


@dataclass
class Wire:
    """Carries messages between devices; `lost` says what does not arrive."""

    devices: list[Device]
    lost: Callable[[Device, Device, Message], bool] = lambda sender, receiver, message: False
    said: list[tuple[int, int, Message]] = field(default_factory=list)
    fetched: list[tuple[int, int, ManifestAsk]] = field(default_factory=list)

    def connect(self) -> None:
        """Open every link."""
        for one in self.devices:
            for other in self.devices:
                if one is not other:
                    one.link(other)

    def run(self) -> None:
        """Carry everything there is, at this moment of time; fails if it never ends."""
        for _ in range(200):
            effects = [(device, effect) for device in self.devices for effect in device.tick()]
            busy = [self.carry(device, effect) for device, effect in effects]
            if not any(busy):
                return
        raise AssertionError("never quiet")

    def wait(self, seconds: float) -> None:
        """Let time pass, from one deadline to the next."""
        end = self.devices[0].node.now + seconds
        self.run()
        while (due := min(device.deadline() for device in self.devices)) <= end:
            for device in self.devices:
                device.node.now = max(device.node.now, due)
            self.run()
        for device in self.devices:
            device.node.now = end
        self.run()

    def carry(self, sender: Device, effect: Effect) -> bool:
        """Carry one effect; returns whether anything was carried."""
        if isinstance(effect, Send):
            receiver = self._device(sender.node.link_owner[effect.link])
            self.said.append((sender.number, receiver.number, effect.message))
            if not self.lost(sender, receiver, effect.message):
                _hear(receiver, sender.id, effect.message)
            return True
        if isinstance(effect, Fetch) and isinstance(effect.ask, ManifestAsk):
            source = self._device(effect.peer)
            self.fetched.append((sender.number, source.number, effect.ask))
            answer(sender, effect, ask(source, sender, effect))
            return True
        return False

    def probe(self) -> None:
        """Everybody tells everybody the digest of its heads."""
        for one in self.devices:
            for other in self.devices:
                if one is not other:
                    one.announcing.on_digest(other.id, other.announcing.digest)

    def _device(self, device: DeviceId) -> Device:
        return next(each for each in self.devices if each.id == device)


def ask(source: Device, asker: Device, fetch: Fetch) -> ManifestPage | Gone:
    """What a device answers to a request for a page."""
    assert isinstance(fetch.ask, ManifestAsk)
    held = flush(source.node)
    source.answers.on_request(RequestHeard(RequestId(1), asker.id, fetch.ask))
    (reply,) = [effect.reply for effect in flush(source.node) if isinstance(effect, Answer)]
    source.node.do(*held)
    assert isinstance(reply, ManifestPage | Gone)
    return reply


def answer(asker: Device, fetch: Fetch, reply: ManifestPage | Gone, *, unsafe: int = 0) -> None:
    """Hand the answer to a request over, as the fetching worker does."""
    if isinstance(reply, ManifestPage):
        asker.following.on_page(ManifestHeard(fetch.order, reply, unsafe))
        asker.following.on_ended(FetchEnded(fetch.order, Outcome.DONE, ""))
    else:
        asker.following.on_ended(FetchEnded(fetch.order, Outcome.GONE, ""))


def forged(number: int, head: Head) -> Head:
    """A head with a good signature of whoever has that number."""
    return sign_head(head, key(number))


def _hear(receiver: Device, sender: DeviceId, message: Message) -> None:
    match message:
        case Heads(heads):
            receiver.following.on_heads(sender, heads)
        case HeadsAsk():
            receiver.announcing.on_heads_ask(sender, message)
        case Kept(holdings, held):
            receiver.announcing.on_kept(sender, holdings, held)
        case _:
            raise AssertionError(f"{message!r} has no business here")
