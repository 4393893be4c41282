"""A LAN of the engine's network parts, without a loop, a socket or a clock.

Strategy: a `Device` is the real Membership, AdmissionPolicy, Pairings, Questions, SealedDatagrams
and Discovery over a real index, wired as engine/wiring.py wires them; ring and files are left out.
A `Lan` carries their effects with seeded delays: datagrams overtake each other and may be lost or
come twice, links keep their order, knocks are judged by Trust.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import is_sealed
from potluck.core.wire.catalogue import (
    Address,
    Beacon,
    Bye,
    LinkKind,
    Message,
    RequestAnswer,
    RequestOver,
    RequestTold,
    RosterDigest,
    RosterRecords,
)
from potluck.engine import effects
from potluck.engine.effects import Effect
from potluck.engine.events import (
    DatagramHeard,
    DialFailed,
    Interface,
    InterfacesSeen,
    IntroductionHeard,
    LinkClosed,
    LinkId,
    LinkOpened,
    MadeDurable,
    MessageHeard,
    OrderId,
)
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.membership import Membership
from potluck.engine.group.pairings import Pairings
from potluck.engine.group.questions import Questions
from potluck.engine.group.requests import Requests
from potluck.engine.index import Index
from potluck.engine.ring.discovery import Discovery
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from tests.engine.builders import address, node
from tests.engine.codes import no_codes
from tests.engine.listeners import Heard


@dataclass
class End:
    """One end of a link."""

    device: Device
    link: LinkId
    other: End | None = None
    opened: bool = False
    closed: bool = False
    free_s: float = 0.0  # when the last message sent so far arrives
    # what came before the link was seen open
    early: list[Callable[[], None]] = field(default_factory=list)


class Device:
    """The network parts of one device."""

    def __init__(self, lan: Lan, number: int, index: Index | None = None, **settings: Any) -> None:
        self.lan, self.number, self.address = lan, number, address(number)
        self.run = next(lan.runs)
        self.node = node(number, index=index, run=self.run, **settings)
        if index is None:
            self.node.index.commit()
        self.me = self.node.me
        self.heard = Heard()
        self.membership = Membership(self.node, self.heard)
        self.admission_policy = AdmissionPolicy(self.node, self.membership, self.heard)
        self.requests = Requests(self.node, self.heard)
        self.pairings = Pairings(
            self.node,
            self.membership,
            self.admission_policy,
            self.requests,
            no_codes(self.node, self.admission_policy),
            self.heard,
        )
        self.questions = Questions(self.node, self.admission_policy, self.heard)
        self.sealed_datagrams = SealedDatagrams(self.node)
        self.discovery = Discovery(self.node, self.sealed_datagrams, self.heard)
        self.up = False
        self.trusted: set[DeviceId] = set()
        self.door_open = False
        self.ends: dict[LinkId, End] = {}
        self.done: list[Effect] = []
        self.heard.tell = {
            "on_regrouped": self._regrouped,
            "on_members_changed": self._members_changed,
            "on_wish": self.pairings.ask,
            "on_wish_withdrawn": self.pairings.withdraw,
            "on_answered": self.pairings.on_answered,
            "on_wish_refused": lambda wish: self.questions.ask(wish.address),
            "on_met": self.discovery.on_met,
            "on_door_unreached": self.questions.ask_to_call,
            "on_call_asked": self.pairings.call,
            "on_called": self.questions.ask,
            "on_linked": self._on_linked,
            "on_unlinked": lambda device, _clean: self.requests.on_unlinked(device),
            "on_introduced": self.membership.add_records,
        }

    @property
    def refused(self) -> list[DeviceId]:
        return self.heard.of("on_refused")

    @property
    def linked(self) -> list[DeviceId]:
        return self.heard.of("on_linked")

    def _regrouped(self) -> None:
        self.discovery.drop_all("joined another group")
        self.sealed_datagrams.restart()
        self.discovery.on_members()

    def _members_changed(self) -> None:
        self.admission_policy.on_members()
        self.discovery.on_members()

    def _on_linked(self, device: DeviceId) -> None:
        self.membership.on_linked(device)
        self.requests.on_linked(device)
        self.lan.tell_where(self)

    # -- what the loop does ------------------------------------------------------------------------
    def start(self, neighbours: tuple[str, ...] = ()) -> None:
        self.up = True
        self.call(self._start)
        mine = (Interface("eth0", self.address.host, "10.0.0.255", 24),)
        self.call(lambda: self.on_interfaces(InterfacesSeen(mine, neighbours)))

    def _start(self) -> None:
        self.admission_policy.start(kept=self.membership.start())
        self.discovery.start()

    def on_interfaces(self, event: InterfacesSeen) -> None:
        self.discovery.on_interfaces(event)

    def stop(self) -> None:
        """The process is killed: nothing is said, its links break."""
        self.up = False
        for end in list(self.ends.values()):
            self.lan.close(end, clean=False)

    def call(self, work: Callable[[], object]) -> None:
        if not self.up:
            return
        self.node.now = self.lan.now
        self.node.index.begin()
        work()
        self.pairings.on_tick()
        self.requests.on_tick()
        self.admission_policy.on_tick()
        self.questions.on_tick()
        self.discovery.on_tick()
        asked = self.node.take()
        self.node.index.commit()
        self.done += asked
        for effect in asked:
            self.lan.carry(self, effect)

    def deadline(self) -> float | None:
        times = [part.deadline() for part in self._parts]
        return min((time for time in times if time is not None), default=None)

    @property
    def _parts(self) -> tuple[Any, ...]:
        return (
            self.admission_policy,
            self.pairings,
            self.requests,
            self.questions,
            self.discovery,
        )

    def handle(self, event: object) -> None:
        self.call(lambda: self._route(event))

    def _route(self, event: object) -> None:
        match event:
            case DatagramHeard(data, source, way):
                self._hear_datagram(data, source, way)
            case LinkOpened(kind=LinkKind.PAIRING):
                self.pairings.on_link_opened(event)
            case LinkOpened(peer=peer):
                assert peer is not None
                self.discovery.on_link_opened(event, peer)
            case DialFailed():
                assert self.pairings.on_dial_failed(event) or self.discovery.on_dial_failed(event)
            case MessageHeard(link, message):
                self._hear(link, message)
            case LinkClosed(link):
                if not self.pairings.on_link_closed(link):
                    self.discovery.on_link_closed(event)
            case IntroductionHeard():
                self.discovery.on_introduction(event)
            case MadeDurable(barrier):
                self.node.on_synced(barrier)
            case _:
                raise AssertionError(f"nobody sends {event!r} here")

    def _hear_datagram(self, data: bytes, source: Address, way: str) -> None:
        if not is_sealed(data):
            self.questions.on_clear(data, source)
            return
        opened = self.sealed_datagrams.open(data)
        if opened is None:
            if self.sealed_datagrams.is_foreign(data):
                self.admission_policy.on_foreign()
                self.questions.on_foreign(source, len(data))
            return
        sender, message = opened
        assert isinstance(message, Beacon)
        self.discovery.on_beacon(sender, message, source, way)

    def _hear(self, link: LinkId, message: Any) -> None:
        if isinstance(message, Bye) or self.pairings.on_message(link, message):
            return
        device = self.node.link_owner.get(link)
        if device is None:
            return
        if isinstance(message, RosterDigest | RosterRecords):
            self.membership.on_roster(device, message)
        elif isinstance(message, RequestTold | RequestAnswer | RequestOver):
            self.requests.on_message(device, message)

    # -- what tests ask ----------------------------------------------------------------------------
    @property
    def group(self) -> bytes:
        return self.node.roster.group if self.node.roster else b""

    @property
    def labels(self) -> list[str]:
        return (
            sorted(entry.label for entry in self.node.roster.members.values())
            if self.node.roster
            else []
        )

    def told(self, code: str) -> list[str]:
        return [
            effect.text
            for effect in self.done
            if isinstance(effect, effects.Tell) and effect.code == code
        ]


class Lan:
    """The wire and the time."""

    def __init__(
        self, seed: int = 0, *, multicast: bool = True, delay_s: float = 0.01, loss: float = 0.0
    ) -> None:
        self.random = random.Random(seed)
        self.multicast, self.delay_s, self.loss = multicast, delay_s, loss
        self.now = 0.0
        self.runs = count(1)
        self.devices: dict[Address, Device] = {}
        # break the link instead of sending
        self.cut: Callable[[Device, Device, Message], bool] = lambda *_: False
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count(1)

    def add(
        self,
        number: int,
        *,
        at: float | None = None,
        neighbours: tuple[str, ...] = (),
        **settings: Any,
    ) -> Device:
        """Put a device on the LAN and start it, now or later."""
        device = Device(self, number, **settings)
        self.devices[device.address] = device
        self.at(self.now if at is None else at, lambda: device.start(neighbours))
        return device

    def restart(self, device: Device, **settings: Any) -> Device:
        """Kill a device and start it anew over the same index."""
        device.stop()
        return self.add(device.number, index=device.node.index, **settings)

    def at(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (time, next(self._numbers), act))

    def later(self, act: Callable[[], None]) -> None:
        self.at(self.now + self.random.uniform(0.1, 1.0) * self.delay_s, act)

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until then, or until `done`."""
        steps = 0
        while not done():
            due = [(d.deadline(), n, d) for n, d in enumerate(self.devices.values()) if d.up]
            wake = min(((t, n, d) for t, n, d in due if t is not None), default=None)
            event = self._queue[0][0] if self._queue else float("inf")
            if min(event, wake[0] if wake else float("inf")) > until:
                self.now = until
                return
            steps = steps + 1 if wake is not None and wake[0] <= self.now else 0
            assert steps < 1000, "a part asks to be woken and does nothing"
            if wake is not None and wake[0] <= event:
                self.now = max(self.now, wake[0])
                wake[2].call(lambda: None)
            else:
                self.now, _, act = heapq.heappop(self._queue)
                act()

    def tell_where(self, device: Device) -> None:
        """What the ring does: everybody in the group hears where a device is."""
        for other in self.devices.values():
            if other is not device and other.group == device.group:
                told = partial(other.discovery.on_told, device.me, [device.address])
                self.later(partial(other.call, told))

    # -- effects -----------------------------------------------------------------------------------
    def carry(self, device: Device, effect: Effect) -> None:
        match effect:
            case effects.Transmit(data, to):
                self._transmit(device, data, to)
            case effects.Dial():
                self.later(lambda: self._dial(device, effect))
            case effects.Send(link, message):
                self._send(device, link, message)
            case effects.Drop(link):
                if link in device.ends:
                    self.close(device.ends[link], clean=True)
            case effects.Trust(members):
                device.trusted = {member.device for member in members}
            case effects.OpenDoor(is_open):
                device.door_open = is_open
            case effects.Introduce(to, sealed):
                self._introduce(device, to, sealed)
            case effects.MakeDurable(barrier):
                self.later(lambda: device.handle(MadeDurable(barrier)))
            case _:
                pass  # for people and disks

    def _transmit(self, device: Device, data: bytes, to: Address | None) -> None:
        if to is None:  # a broadcast comes back to its sender, too
            targets = list(self.devices.values()) if self.multicast else []
        else:
            targets = [self.devices[to]] if to in self.devices else []
        way = "multicast" if to is None else "unicast"
        for target in targets:
            if self.random.random() >= self.loss:
                heard = DatagramHeard(data, device.address, way)
                self.later(partial(target.handle, heard))

    def _dial(self, device: Device, dial: effects.Dial) -> None:
        if not device.up:
            return  # it was killed while it dialled
        target = self.devices.get(dial.address)
        if target is None or not target.up:
            self._fail(device, dial, refused=target is not None)
            return
        pairing = dial.kind is LinkKind.PAIRING
        if target.door_open if pairing else dial.peer == target.me and device.me in target.trusted:
            self._open(device, target, dial)
        else:
            self._fail(device, dial, knock=True)

    def _fail(
        self, device: Device, dial: effects.Dial, *, refused: bool = False, knock: bool = False
    ) -> None:
        failed = DialFailed(dial.dial, "refused" if refused else "no", refused=refused, knock=knock)
        self.later(lambda: device.handle(failed))

    def _open(self, device: Device, target: Device, dial: effects.Dial) -> None:
        near, far = (
            End(device, LinkId(next(self._numbers))),
            End(target, LinkId(next(self._numbers))),
        )
        near.other, far.other = far, near
        pairing = dial.kind is LinkKind.PAIRING
        for end, mine, where, order in (
            (near, target, dial.address, dial.dial),
            (far, device, None, None),
        ):
            end.device.ends[end.link] = end
            opened = LinkOpened(
                end.link,
                dial.kind,
                None if pairing else mine.me,
                where or Address(mine.address.host, 0),
                b"" if pairing else mine.node.instance,
                order,
            )
            self.later(partial(self._opened, end, opened))

    def _opened(self, end: End, event: LinkOpened) -> None:
        end.device.handle(event)
        end.opened = True
        for act in end.early:
            act()
        end.early.clear()

    def _send(self, device: Device, link: LinkId, message: Message) -> None:
        end = device.ends.get(link)
        if end is None or end.closed or end.other is None:
            return
        other = end.other
        if self.cut(device, other.device, message):
            self.close(end, clean=False)
            return
        self._in_order(end, lambda: other.device.handle(MessageHeard(other.link, message)))

    def _in_order(self, end: End, act: Callable[[], None]) -> None:
        """Deliver at the other end, after everything sent before."""
        other = end.other
        assert other is not None
        end.free_s = max(end.free_s, self.now + self.random.uniform(0.1, 1.0) * self.delay_s)
        self.at(end.free_s, lambda: act() if other.opened else other.early.append(act))

    def close(self, end: End, *, clean: bool) -> None:
        if end.closed:
            return
        end.closed = True
        del end.device.ends[end.link]
        closed = LinkClosed(end.link, "closed", clean)
        tell = partial(end.device.handle, closed)
        self.later(lambda: tell() if end.opened else end.early.append(tell))
        if end.other is not None and not end.other.closed:
            other = end.other
            self._in_order(end, lambda: self.close(other, clean=clean))

    def _introduce(self, device: Device, to: Address, sealed: bytes) -> None:
        target = self.devices.get(to)
        if target is not None:
            knock = OrderId(next(self._numbers))
            self.later(lambda: target.handle(IntroductionHeard(knock, sealed, device.address)))


def linked_pairs(devices: list[Device]) -> bool:
    """Whether every two of these hold exactly one link, the same one at both ends."""
    for device in devices:
        for other in devices:
            peer = device.node.peers.get(other.me)
            if device is other:
                continue
            if peer is None or peer.link is None or peer.link not in device.ends:
                return False
            end, theirs = device.ends[peer.link].other, other.node.peers.get(device.me)
            if end is None or theirs is None or theirs.link != end.link:
                return False
    return all(len(device.ends) == len(devices) - 1 for device in devices)


def one_group(devices: list[Device]) -> bool:
    """Whether all of these are members of one group and everybody knows it."""
    groups = {device.group for device in devices}
    return len(groups) == 1 and all(len(device.labels) == len(devices) for device in devices)
