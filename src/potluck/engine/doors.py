"""The doors: how a device comes to be in a group, and how it lets others in.

Strategy: core/founding.py decides whether a lonely device keeps its provisional group, asks another one or waits;
core/admission.py holds the conversation; core/roster.py says who belongs. This part gives them questions in clear
(`Solicit`, `Offer`), pairing links and the index. Discovery is automatic, admission never is: strangers are answered
only while the door is open, and an open door has a time limit that no restart carries over.

Guarantees: a roster record leaves only over a member's link or after both sides of a pairing agreed; an admission is on
the disk before the newcomer hears of it. A device that is about to join elsewhere admits nobody. No answer in clear is
longer than its question. Limits: without `--open` a person has to decide, and the words to compare come later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from potluck.core import limits
from potluck.core.admission import Doorkeeper, Joiner, State
from potluck.core.errors import Malformed, ProtocolError
from potluck.core.founding import AskToJoin, Founding, KeepGroup
from potluck.core.founding import Found as FoundGroup
from potluck.core.identity import DeviceId, device_of
from potluck.core.messages import (
    CLEAR,
    Address,
    LinkKind,
    Message,
    Offer,
    PairNonce,
    RosterDigest,
    RosterRecord,
    RosterRecords,
    Solicit,
    encode,
)
from potluck.core.roster import MemberEntry, Roster, admit, found
from potluck.engine.effects import Dial, Drop, MarkShare, Member, OpenDoor, Send, Transmit, Trust
from potluck.engine.events import DialFailed, LinkId, LinkOpened, OrderId
from potluck.engine.node import Node

PAD_BYTES = 256  # a question is longer than any answer: no use as an amplifier
ASK_BACK_S = 1.0


class Doors:
    """Group membership of this device, and the way in for others."""

    def __init__(self, node: Node) -> None:
        """Belong to no group yet; `start` makes or loads one."""
        self._node = node
        self.founding: Founding | None = None
        self.open_until_s: float | None = None
        self._nonce = b""
        self._joiners: dict[LinkId, tuple[Joiner, FoundGroup]] = {}
        self._keepers: dict[LinkId, tuple[Doorkeeper, float]] = {}
        self._dials: dict[OrderId, FoundGroup] = {}
        self._answered: dict[str, tuple[float, int]] = {}  # host -> second, answers in it
        self._asked_back: dict[str, float] = {}
        # Hooks, wired by engine.py.
        self.regrouped: Callable[[], None] = _ignore
        self.members_changed: Callable[[], None] = _ignore
        self.met: Callable[[DeviceId, Address], None] = _ignore

    # -- the own group --------------------------------------------------------------------------------------------
    def start(self) -> bool:
        """Load the group of an earlier run, or make a provisional one; returns whether there was one."""
        node, settings = self._node, self._node.settings
        stored = self._stored()
        if stored is None:
            genesis = found(node.key, settings.group_name, settings.label, node.chance.bytes(32))
            node.roster = Roster(genesis)
            node.do(MarkShare(node.roster.group, node.own_label, ""))
        else:
            node.roster = stored
        self._nonce = node.chance.bytes(16)
        if settings.open_s is not None:
            self.open_until_s = node.now + settings.open_s
            node.do(OpenDoor(open=True))
        if not self.company:
            self.founding = Founding(
                node.roster.group, node.now, open_door=self.is_open, kept=stored is not None
            )
        self._trust()
        return stored is not None

    def _stored(self) -> Roster | None:
        """Return the roster of an earlier run."""
        records = self._node.index.roster.all()
        if not records:
            return None
        roster = Roster(records[0])
        roster.add(records[1:])
        return roster

    def stored_label(self) -> str:
        """Return the label of an earlier run, or the one that is wished for."""
        stored = self._stored()
        entry = stored.members.get(self._node.me) if stored is not None else None
        return entry.label if entry is not None else self._node.settings.label

    @property
    def is_open(self) -> bool:
        """Whether strangers are let in without asking now."""
        return self.open_until_s is not None and self._node.now < self.open_until_s

    @property
    def company(self) -> bool:
        """Whether the group has other members."""
        return self._node.roster is not None and len(self._node.roster.members) > 1

    def add_records(self, records: Sequence[RosterRecord]) -> None:
        """Unite with what a member (or an introduction) showed."""
        roster = self._node.roster
        if roster is None:
            return
        new = roster.add(records)
        if not new:
            return
        self._keep(roster)
        self._trust()
        self.members_changed()
        for entry in new:
            self._node.tell("member_new", f"{entry.label} is a member of {roster.name} now", subject=entry.label)
        self._spread_digest()

    def on_roster(self, device: DeviceId, message: RosterDigest | RosterRecords) -> None:
        """A member told its roster's digest, or records."""
        roster = self._node.roster
        if roster is None:
            return
        if isinstance(message, RosterRecords):
            self.add_records(message.records)
        elif message.digest != roster.digest:
            records = roster.records()
            for at in range(0, len(records), limits.ROSTER_CHUNK):
                self._node.say(device, RosterRecords(records[at : at + limits.ROSTER_CHUNK]))

    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open: compare rosters."""
        if self._node.roster is not None:
            self._node.say(device, RosterDigest(self._node.roster.digest))

    # -- questions in clear ---------------------------------------------------------------------------------------
    def ask(self, to: Address | None) -> None:
        """While without company: is anybody here whose door is open?"""
        if self.founding is not None and not self._node.leaving:
            self._node.do(Transmit(encode(Solicit(self._nonce, bytes(PAD_BYTES))), to))

    def on_clear(self, data: bytes, source: Address) -> None:
        """A datagram that is not sealed: a question, an answer, or rubbish."""
        try:
            message = CLEAR.decode(data)
        except Malformed:
            return
        if isinstance(message, Solicit) and message.nonce != self._nonce:
            self._answer(message, source)
        elif isinstance(message, Offer) and self.founding is not None and message.nonce == self._nonce:
            self.founding.on_offer(message, source.host, self._node.now)

    def on_foreign(self) -> None:
        """A sealed datagram of another group was heard."""
        if self.founding is not None:
            self.founding.on_foreign(self._node.now)

    def _answer(self, question: Solicit, source: Address) -> None:
        node, roster = self._node, self._node.roster
        if roster is None or not self.is_open or not self._may_answer(source.host):
            return
        offer = Offer(
            question.nonce, roster.group, roster.name, node.own_label, node.settings.port, len(roster.members), open=True
        )
        data = encode(offer)
        if len(data) <= len(question.pad):
            node.do(Transmit(data, source))
        if self.founding is not None and node.now - self._asked_back.get(source.host, -ASK_BACK_S) >= ASK_BACK_S:
            self._asked_back = {h: t for h, t in self._asked_back.items() if node.now - t < ASK_BACK_S}
            self._asked_back[source.host] = node.now
            self.ask(source)  # it started after our own burst: get to know it too

    def _may_answer(self, host: str) -> bool:
        second = math.floor(self._node.now)
        self._answered = {h: v for h, v in self._answered.items() if v[0] == second}
        count = self._answered.get(host, (second, 0))[1]
        self._answered[host] = (second, count + 1)
        return count < limits.ANSWERS_PER_S

    # -- pairing --------------------------------------------------------------------------------------------------
    def on_link_opened(self, event: LinkOpened) -> None:
        """A pairing link is open: begin to ask, or wait for the question."""
        node = self._node
        wish = self._dials.pop(event.dial, None) if event.dial is not None else None
        if wish is not None:
            joiner = Joiner(node.key, node.settings.label, node.chance.bytes(16))
            self._joiners[event.link] = (joiner, wish)
            self._send(event.link, joiner.begin())
        elif node.roster is not None and self.is_open:
            keeper = Doorkeeper(node.key, node.roster, node.own_label, node.chance.bytes(16))
            self._keepers[event.link] = (keeper, node.now + limits.PAIRING_S)
        else:
            node.do(Drop(event.link, "the door is closed"))

    def on_dial_failed(self, event: DialFailed) -> bool:
        """A dial failed; returns whether it was for pairing."""
        wish = self._dials.pop(event.dial, None)
        if wish is not None and self.founding is not None:
            self.founding.on_asked(wish.group, self._node.now, joined=False)
        return wish is not None

    def on_link_closed(self, link: LinkId) -> bool:
        """A link is gone; returns whether it was a pairing link."""
        self._joined(link, joined=False)
        return self._keepers.pop(link, None) is not None

    def on_message(self, link: LinkId, message: Message) -> bool:
        """A message came; returns whether it was on a pairing link."""
        try:
            if link in self._joiners:
                self._hear_member(link, message)
            elif link in self._keepers:
                self._hear_joiner(link, message)
            else:
                return False
        except ProtocolError as error:
            self._node.tell("pairing_failed", f"a pairing failed: {error.what}", level="warning")
            self._node.do(Drop(link, error.what[:200]))
            self._joined(link, joined=False)
            self._keepers.pop(link, None)
        return True

    def _hear_member(self, link: LinkId, message: Message) -> None:
        joiner, wish = self._joiners[link]
        self._send(link, joiner.hear(message))  # type: ignore[arg-type]
        if isinstance(message, PairNonce):
            if joiner.group != wish.group or not self.is_open:
                raise ProtocolError("that is not the group that was offered")
            wish_device = device_of(message.certificate)
            self.met(wish_device, wish.address)
            self._send(link, joiner.want())
        if joiner.state is State.DONE:
            roster = joiner.roster()
            self._joined(link, joined=True)
            self._node.do(Drop(link, "admitted"))
            self._enter(roster)
        elif joiner.state is State.REFUSED:
            self._node.do(Drop(link, "refused"))
            self._joined(link, joined=False)

    def _hear_joiner(self, link: LinkId, message: Message) -> None:
        node, (keeper, _) = self._node, self._keepers[link]
        self._send(link, keeper.hear(message))  # type: ignore[arg-type]
        if keeper.state is State.REVEALED:
            elsewhere = self.founding is not None and not self.founding.may_admit(node.now)
            if elsewhere or not self.is_open or keeper.newcomer is None:
                self._send(link, keeper.deny("not now: this device is about to join another group"))
                del self._keepers[link]
                return
            keeper.allow()
        if keeper.agreed and node.roster is not None and keeper.newcomer is not None:
            del self._keepers[link]
            new = keeper.newcomer
            label = node.roster.free_label(new.label)
            if new.device not in node.roster.members:
                self.add_records([admit(node.key, node.roster.group, new.certificate, new.sealing, label)])
                node.tell("admitted", f"admitted {label} because the door is open", level="warning", subject=label)
            if self.founding is not None:
                self.founding = None  # the provisional group has company: it stays
                node.do(MarkShare(node.roster.group, node.own_label, ""))
            node.when_durable(Send(link, frame) for frame in keeper.welcome(node.roster.records()))

    def _joined(self, link: LinkId, *, joined: bool) -> None:
        ended = self._joiners.pop(link, None)
        if ended is not None and self.founding is not None:
            self.founding.on_asked(ended[1].group, self._node.now, joined=joined)

    def _enter(self, roster: Roster) -> None:
        """Dissolve the provisional group: this device is in that one now."""
        node = self._node
        former = node.own_label
        node.roster = roster
        self.founding = None
        self._keepers.clear()
        self._keep(roster)
        node.do(MarkShare(roster.group, node.own_label, former if former != node.own_label else ""))
        self._trust()
        node.tell("joined", f'joined "{roster.name}" as {node.own_label} ({len(roster.members)} devices)')
        self.regrouped()

    # -- time -----------------------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [until for _, until in self._keepers.values()]
        if self.open_until_s is not None and self.open_until_s < math.inf:
            times.append(self.open_until_s)
        founding = self.founding.deadline() if self.founding is not None else None
        return min([*times, founding] if founding is not None else times, default=None)

    def on_tick(self) -> None:
        """Close the door in time; decide where a lonely device belongs."""
        node = self._node
        if self.open_until_s is not None and node.now >= self.open_until_s:
            self.open_until_s = None
            if self.founding is not None:
                self.founding.open_door = False
            node.do(OpenDoor(open=False))
            node.tell("door_closed", "the door is closed: nobody is admitted without asking any more")
        for link in [link for link, (_, until) in self._keepers.items() if until <= node.now]:
            del self._keepers[link]
            node.do(Drop(link, "too slow"))
        for action in self.founding.on_tick(node.now) if self.founding is not None else ():
            match action:
                case AskToJoin(wish):
                    dial = node.number()
                    self._dials[dial] = wish
                    node.do(Dial(dial, LinkKind.PAIRING, None, wish.address))
                case KeepGroup():
                    self._found()
                case _:
                    self._wait()

    def _found(self) -> None:
        node = self._node
        if node.roster is not None:
            self._keep(node.roster)
            node.do(MarkShare(node.roster.group, node.own_label, ""))
            node.tell("founded", f'no group found here: started "{node.roster.name}"')

    def _wait(self) -> None:
        groups = ", ".join(f'"{f.name}" ({f.label}, {f.address.host})' for f in self.founding.found.values()) if self.founding else ""
        what = f"found {groups}" if groups else "found a group whose door is closed"
        self._node.tell("waiting", f"{what}: this device is not a member yet", level="warning")

    # -- keeping --------------------------------------------------------------------------------------------------
    def _keep(self, roster: Roster) -> None:
        self._node.index.roster.replace(roster.records())
        self._node.when_durable([])

    def _trust(self) -> None:
        roster = self._node.roster
        entries: list[MemberEntry] = list(roster.members.values()) if roster else []
        others = [Member(e.device, e.certificate, e.sealing) for e in entries if e.device != self._node.me]
        self._node.do(Trust(tuple(others)))

    def _spread_digest(self) -> None:
        if self._node.roster is not None:
            for device in self._node.linked():
                self._node.say(device, RosterDigest(self._node.roster.digest))

    def _send(self, link: LinkId, messages: Sequence[Message]) -> None:
        self._node.do(*(Send(link, message) for message in messages))


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""
