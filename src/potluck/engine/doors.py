"""The doors: how a device comes to be in a group, and how it lets others in.

Strategy: core/founding.py decides whether a lonely device keeps its provisional group, asks another one or waits;
core/admission.py holds the conversation on a pairing link; engine/membership.py holds the roster. This part joins the
three and keeps time. Discovery is automatic, admission never is: without an open door on both sides nothing happens,
and an open door has a time limit that no restart carries over.

A device that waits for a person because another group is near stops waiting once that group has been silent for half
a minute, and keeps its own: there is nothing to wait for any more. Half a minute, since a closed group is known by its
beacons only, and two devices may say nothing for 15 s.

Guarantees: no roster record leaves before both sides of a pairing agreed and the admission is on the disk. A device
that is about to join elsewhere admits nobody. Who was admitted and did not hear of it gets in again, with the same
record. Every pairing ends in time.
Limits: without `--open` a person has to decide, and the words to compare come later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from potluck.core import limits
from potluck.core.admission import Doorkeeper, Joiner, Newcomer, State
from potluck.core.errors import ProtocolError
from potluck.core.founding import OFFER_LIFE_S, AskToJoin, Founding, KeepGroup
from potluck.core.founding import Found as FoundGroup
from potluck.core.identity import DeviceId, device_of
from potluck.core.messages import Address, LinkKind, Message, Offer, PairingMessage, PairNonce
from potluck.engine.effects import Dial, Drop, OpenDoor, Send
from potluck.engine.events import DialFailed, LinkId, LinkOpened, OrderId
from potluck.engine.membership import Membership
from potluck.engine.node import Node

SILENCE_S = 30.0  # nothing of the other groups heard for so long: they are gone
NOTICE_S = 10.0  # strangers can make pairings fail as often as they like; people hear of it this often at most


@dataclass(frozen=True, slots=True)
class _Asking:
    """A pairing in which we want to enter."""

    joiner: Joiner
    wish: FoundGroup
    until_s: float


@dataclass(frozen=True, slots=True)
class _Answering:
    """A pairing in which somebody wants to enter here."""

    keeper: Doorkeeper
    until_s: float


class Doors:
    """The way in, for this device and for others."""

    def __init__(self, node: Node, membership: Membership) -> None:
        """The door is closed and nothing is decided; `start` begins."""
        self._node, self._membership = node, membership
        self.founding: Founding | None = None  # until this device has company
        self.open_until_s: float | None = None
        self._near_s = -math.inf  # when another group was last heard of
        self._noticed_s = -math.inf
        self._dials: dict[OrderId, FoundGroup] = {}
        self._asking: dict[LinkId, _Asking] = {}
        self._answering: dict[LinkId, _Answering] = {}
        # Hooks, wired by engine.py.
        self.met: Callable[[DeviceId, Address], None] = _ignore  # a member of a group we enter is there
        self.ask: Callable[[Address], None] = _ignore  # put the question of a lonely device to that address

    def start(self, *, kept: bool) -> None:
        """Open the door if that is wished; `kept`: the group is of an earlier run."""
        node = self._node
        if node.settings.open_s is not None:
            self.open_until_s = node.now + node.settings.open_s
            node.do(OpenDoor(open=True))
        if node.roster is not None and not self._membership.company:
            self.founding = Founding(node.roster.group, node.now, open_door=self.is_open, kept=kept)

    # -- facts ----------------------------------------------------------------------------------------------------
    @property
    def is_open(self) -> bool:
        """Whether strangers are let in without asking now."""
        return self.open_until_s is not None and self._node.now < self.open_until_s and not self._node.leaving

    @property
    def found(self) -> list[FoundGroup]:
        """The groups near by, as a lonely device heard of them within the last seconds."""
        groups = self.founding.found.values() if self.founding is not None else ()
        return [group for group in groups if self._node.now - group.heard_s <= OFFER_LIFE_S]

    def on_offer(self, offer: Offer, host: str) -> None:
        """A group near by answered our question."""
        if self.founding is not None and offer.port:
            self.founding.on_offer(offer, host, self._node.now)
            self._near_s = self._node.now

    def on_foreign(self) -> None:
        """A sealed datagram of another group was heard."""
        if self.founding is not None:
            self.founding.on_foreign(self._node.now)
            self._near_s = self._node.now

    def on_members(self) -> None:
        """The group has company: it stays, whatever else is near."""
        if self._membership.company:
            self.founding = None

    # -- pairing links --------------------------------------------------------------------------------------------
    def on_link_opened(self, event: LinkOpened) -> None:
        """A pairing link is open: begin to ask, or wait for the question."""
        node, until_s = self._node, self._node.now + limits.PAIRING_S
        wish = self._dials.pop(event.dial, None) if event.dial is not None else None
        if wish is not None:
            joiner = Joiner(node.key, node.settings.label, node.chance.bytes(16))
            self._asking[event.link] = _Asking(joiner, wish, until_s)
            self._send(event.link, joiner.begin())
        elif node.roster is None or not self.is_open:
            node.do(Drop(event.link, "the door is closed"))
        elif len(self._answering) >= limits.STRANGERS:
            node.do(Drop(event.link, "too many at the door"))
        else:
            keeper = Doorkeeper(node.key, node.roster, node.own_label, node.chance.bytes(16))
            self._answering[event.link] = _Answering(keeper, until_s)

    def on_dial_failed(self, event: DialFailed) -> bool:
        """A dial failed; returns whether it was for pairing."""
        wish = self._dials.pop(event.dial, None)
        if wish is not None:
            self._refused(wish)
        return wish is not None

    def on_link_closed(self, link: LinkId) -> bool:
        """A link is gone; returns whether it was a pairing link."""
        ours = link in self._asking or link in self._answering
        self._end(link)
        return ours

    def on_message(self, link: LinkId, message: Message) -> bool:
        """A message came; returns whether it was on a pairing link."""
        if link not in self._asking and link not in self._answering:
            return False
        try:
            self._hear(link, message)
        except ProtocolError as error:
            self._notice(error.what)
            self._node.do(Drop(link, error.what[:200]))
            self._end(link)
        return True

    def _hear(self, link: LinkId, message: Message) -> None:
        if not isinstance(message, PairingMessage):
            raise ProtocolError(f"{type(message).__name__} is not for a pairing link")
        if link in self._asking:
            self._hear_member(link, message)
        else:
            self._hear_newcomer(link, message)

    # -- we want to enter -----------------------------------------------------------------------------------------
    def _hear_member(self, link: LinkId, message: PairingMessage) -> None:
        joiner, wish = self._asking[link].joiner, self._asking[link].wish
        self._send(link, joiner.hear(message))
        if isinstance(message, PairNonce):
            if joiner.group != wish.group or not self.is_open:
                raise ProtocolError("that is not the group that was offered, or the own door is closed by now")
            self._send(link, joiner.want())
            self.met(device_of(message.certificate), wish.address)
        if joiner.state is State.DONE:
            self._membership.enter(joiner.roster())
            self._node.do(Drop(link, "admitted"))
            del self._asking[link]
            self._entered()
        elif joiner.state is State.REFUSED:
            self._node.do(Drop(link, "refused"))
            self._end(link)

    def _entered(self) -> None:
        """This device has company elsewhere: whoever waits here finds the new group by itself."""
        self.founding = None
        for link in self._answering:
            self._node.do(Drop(link, "this device is in another group now"))
        self._answering.clear()

    def _end(self, link: LinkId) -> None:
        """A pairing came to nothing, or has done its work."""
        self._answering.pop(link, None)
        asking = self._asking.pop(link, None)
        if asking is not None:
            self._refused(asking.wish)

    def _refused(self, wish: FoundGroup) -> None:
        if self.founding is not None:
            self.founding.on_asked(wish.group, self._node.now, joined=False)
            self.ask(wish.address)  # it may be in another group by now, or have company

    # -- somebody wants to enter ----------------------------------------------------------------------------------
    def _hear_newcomer(self, link: LinkId, message: PairingMessage) -> None:
        keeper = self._answering[link].keeper
        self._send(link, keeper.hear(message))
        if keeper.state is not State.CONSENTED:
            return
        refusal = self._admit(keeper.newcomer)
        if refusal:
            self._send(link, keeper.deny(refusal))
            return
        keeper.allow()
        records = self._node.roster.records() if self._node.roster is not None else []
        self._node.when_durable(Send(link, frame) for frame in keeper.welcome(records))

    def _admit(self, newcomer: Newcomer | None) -> str:
        """Make a newcomer a member; returns why not, "" if it is one."""
        node = self._node
        if not self.is_open:
            return "the door is closed"
        if self.founding is not None and not self.founding.may_admit(node.now):
            return "not now: this device is about to join another group"
        if newcomer is None or not self._membership.admit(newcomer):
            return "this device cannot be a member here"
        label = node.label_of(newcomer.device)
        node.tell("admitted", f"admitted {label} because the door is open", level="warning", subject=label)
        return ""

    # -- time -----------------------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [asking.until_s for asking in self._asking.values()]
        times += [answering.until_s for answering in self._answering.values()]
        if self.open_until_s is not None and self.open_until_s < math.inf:
            times.append(self.open_until_s)
        if self.founding is not None:
            decision = self.founding.deadline()
            times += [decision] if decision is not None else []
            times += [self._near_s + SILENCE_S] if self.founding.waiting else []
        return min(times, default=None)

    def on_tick(self) -> None:
        """Close the door in time, end what takes too long, decide where a lonely device belongs."""
        node = self._node
        if self.open_until_s is not None and node.now >= self.open_until_s:
            self._close()
        pairings: dict[LinkId, _Asking | _Answering] = {**self._asking, **self._answering}
        for link, pairing in pairings.items():
            if pairing.until_s <= node.now:
                node.do(Drop(link, "too slow"))
                self._end(link)
        if self.founding is None:
            return
        if self.founding.waiting and node.now >= self._near_s + SILENCE_S:
            self.founding.waiting, self.founding.foreign_s = False, None
        for action in self.founding.on_tick(node.now):
            match action:
                case AskToJoin(wish):
                    dial = node.number()
                    self._dials[dial] = wish
                    node.do(Dial(dial, LinkKind.PAIRING, None, wish.address))
                case KeepGroup():
                    self._membership.keep()
                    name = node.roster.name if node.roster is not None else ""
                    node.tell("founded", f'no group found here: started "{name}"')
                case _:
                    self._wait()

    def _close(self) -> None:
        self.open_until_s = None
        if self.founding is not None:
            self.founding.open_door = False
        self._node.do(OpenDoor(open=False))
        self._node.tell("door_closed", "the door is closed: nobody is admitted without asking any more")

    def _wait(self) -> None:
        groups = ", ".join(f'"{group.name}" ({group.label}, {group.address.host})' for group in self.found)
        what = f"found {groups}" if groups else "found a group whose door is closed"
        self._node.tell("waiting", f"{what}: this device is not a member yet", level="warning")

    def _notice(self, what: str) -> None:
        if self._node.now - self._noticed_s >= NOTICE_S:
            self._noticed_s = self._node.now
            self._node.tell("pairing_failed", f"a pairing failed: {what}", level="warning")

    def _send(self, link: LinkId, messages: Sequence[Message]) -> None:
        self._node.do(*(Send(link, message) for message in messages))


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""
