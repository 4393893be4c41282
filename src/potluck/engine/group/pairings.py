"""Pairings: the conversations by which a device enters a group, on both sides.

Strategy: core/group/admission.py holds a conversation; this part ties it to a pairing link, carries
what is said, and asks admission_policy.py whether it may go on. Who is admitted becomes a member in
membership.py before it hears of it.

Guarantees: no roster record leaves before both sides agreed and the admission is on the disk. Who
was admitted and did not hear of it gets in again, with the same record. Every pairing ends in time,
at most `limits.STRANGERS` stand at the door at once and `limits.STRANGERS_PER_ADDRESS` of one
address, of which the oldest makes room; whoever breaks the rules is dropped and changes nothing
else. Limits: nobody compares words yet; an open door trusts the network for the
length of the conversation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import (
    Doorkeeper,
    DoorkeeperState,
    Joiner,
    JoinerState,
    Newcomer,
)
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId, device_of
from potluck.core.sender_bounds import SenderBounds
from potluck.core.wire.catalogue import Address, Message, PairingMessage, PairNonce, PairTurn
from potluck.engine.effects import Drop, Send
from potluck.engine.events import DialFailed, LinkId, LinkOpened
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.membership import Membership
from potluck.engine.group.pairing_dials import Dialled, PairingDials, PairingDialsListener
from potluck.engine.node import Node

# strangers can make pairings fail as often as they like; people hear of it this often at most
NOTICE_S = 10.0
REASON_CHARACTERS = 200  # of what goes into a BYE; the rest tells nobody more


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
    address: Address  # where the newcomer is; its port only if we dialled it
    called: bool  # we dialled, because it asked us to


class PairingsListener(PairingDialsListener, Protocol):
    """Hears whom the way in led to."""

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member of the group we enter, or one whom we let in, is at that address."""


class Pairings:
    """The pairing links, and what is said on them."""

    def __init__(
        self,
        node: Node,
        membership: Membership,
        admission_policy: AdmissionPolicy,
        listener: PairingsListener,
    ) -> None:
        """No conversation yet."""
        self._node, self._membership, self._admission_policy = node, membership, admission_policy
        self._listener = listener
        self._noticed_s = -math.inf
        self._dials = PairingDials(node, listener)
        self._asking: dict[LinkId, _Asking] = {}
        self._answering: dict[LinkId, _Answering] = {}
        each, in_all = limits.STRANGERS_PER_ADDRESS, limits.STRANGERS
        self._at_door = SenderBounds[LinkId](each, in_all)  # by host

    def __repr__(self) -> str:
        """Say how many conversations there are on each side."""
        asking, answering = len(self._asking), len(self._answering)
        return f"<Pairings {self._dials!r}, asking={asking}, answering={answering}>"

    # -- links -------------------------------------------------------------------------------------
    def ask(self, wish: FoundGroup) -> None:
        """Ask that group to let us in."""
        self._dials.ask(wish)

    def call(self, newcomer: Address) -> None:
        """A newcomer there asks to be dialled: if the door is open, it may come in that way."""
        if self._admission_policy.is_open:
            self._dials.call(newcomer)

    def on_link_opened(self, event: LinkOpened) -> None:
        """A pairing link is open: begin to ask, or wait for the question."""
        node = self._node
        dialled: FoundGroup | Dialled = Dialled.NOT_WANTED
        if event.dial is not None:
            dialled = self._dials.opened(event.dial)
            if dialled is Dialled.NOT_WANTED:
                node.do(Drop(event.link, "not needed any more"))
                return
        else:
            self._dials.came(event.address.host)
        if isinstance(dialled, FoundGroup):
            self._begin(event.link, dialled)
        elif node.roster is None or not self._admission_policy.is_open:
            node.do(Drop(event.link, "the door is closed"))
        else:
            gone = self._at_door.note(event.link, event.address.host)
            if gone is not None:
                node.do(Drop(gone, "too many at the door"))
                del self._answering[gone]
            called = dialled is Dialled.NEWCOMER
            nonce = node.chance.bytes(limits.PAIRING_NONCE_BYTES)
            keeper = Doorkeeper(node.key, node.roster, node.own_label, nonce)
            until_s = node.now + limits.PAIRING_S
            self._answering[event.link] = _Answering(keeper, until_s, event.address, called)
            self._send(event.link, [PairTurn()] if called else [])

    def _begin(self, link: LinkId, wish: FoundGroup) -> None:
        """Ask to be let in."""
        node = self._node
        nonce = node.chance.bytes(limits.PAIRING_NONCE_BYTES)
        joiner = Joiner(node.key, node.settings.label, nonce)
        self._asking[link] = _Asking(joiner, wish, node.now + limits.PAIRING_S)
        self._send(link, joiner.begin())

    def on_dial_failed(self, event: DialFailed) -> bool:
        """A dial failed; returns whether it was for pairing."""
        return self._dials.failed(event)

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
            self._node.do(Drop(link, error.what[:REASON_CHARACTERS]))
            self._end(link)
        return True

    def _hear(self, link: LinkId, message: Message) -> None:
        if not isinstance(message, PairingMessage):
            raise ProtocolError(f"{type(message).__name__} is not for a pairing link")
        if isinstance(message, PairTurn):
            self._take_turn(link)
        elif link in self._asking:
            self._hear_member(link, message)
        else:
            self._hear_newcomer(link, message)

    def _take_turn(self, link: LinkId) -> None:
        """A member dialled us; it may only if we asked it to."""
        answering = self._answering.pop(link, None)
        self._at_door.forget(link)
        wish = None
        if answering is not None and not answering.called:
            wish = self._dials.take_turn(answering.address.host)
        if wish is None:
            self._node.do(Drop(link, "nobody was asked to dial"))
            self._end(link)
        else:
            self._begin(link, wish)

    def _end(self, link: LinkId) -> None:
        """A pairing came to nothing, or has done its work."""
        self._answering.pop(link, None)
        self._at_door.forget(link)
        asking = self._asking.pop(link, None)
        if asking is not None:
            self._admission_policy.on_refused(asking.wish)

    # -- we want to enter --------------------------------------------------------------------------
    def _hear_member(self, link: LinkId, message: PairingMessage) -> None:
        joiner, wish = self._asking[link].joiner, self._asking[link].wish
        self._send(link, joiner.hear(message))
        if isinstance(message, PairNonce):
            if joiner.group != wish.group or not self._admission_policy.is_open:
                raise ProtocolError(
                    "that is not the group that was offered, or the own door is closed by now"
                )
            self._send(link, joiner.want())
            self._listener.on_met(device_of(message.certificate), wish.address)
        if joiner.state is JoinerState.DONE:
            self._membership.enter(joiner.roster())
            self._node.do(Drop(link, "admitted"))
            del self._asking[link]
            self._entered()
        elif joiner.state is JoinerState.REFUSED:
            self._node.do(Drop(link, "refused"))
            self._end(link)

    def _entered(self) -> None:
        """This device has company elsewhere: whoever waits here finds the new group by itself."""
        self._admission_policy.on_members()
        for link in self._answering:
            self._node.do(Drop(link, "this device is in another group now"))
        self._answering.clear()
        self._at_door.clear()

    # -- somebody wants to enter -------------------------------------------------------------------
    def _hear_newcomer(self, link: LinkId, message: PairingMessage) -> None:
        answering = self._answering[link]
        keeper = answering.keeper
        self._send(link, keeper.hear(message))
        if keeper.state is not DoorkeeperState.CONSENTED:
            return
        refusal = self._admission_policy.why_closed() or self._admit(keeper.newcomer)
        if refusal:
            self._send(link, keeper.deny(refusal))
            return
        if answering.called and keeper.newcomer is not None:
            self._listener.on_met(keeper.newcomer.device, answering.address)
        keeper.allow()
        records = self._node.roster.records() if self._node.roster is not None else []
        self._node.when_durable(Send(link, frame) for frame in keeper.welcome(records))

    def _admit(self, newcomer: Newcomer | None) -> str:
        """Make a newcomer a member; returns why not, "" if it is one."""
        node = self._node
        if newcomer is None or not self._membership.admit(newcomer):
            return "this device cannot be a member here, or the group has no room for one more"
        label = node.label_of(newcomer.device)
        node.tell(
            "admitted", f"admitted {label} because the door is open", level="warning", subject=label
        )
        return ""

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [asking.until_s for asking in self._asking.values()]
        times += [answering.until_s for answering in self._answering.values()]
        given_up = self._dials.deadline()
        times += [] if given_up is None else [given_up]
        return min(times, default=None)

    def on_tick(self) -> None:
        """End what takes too long."""
        in_vain = self._dials.on_tick()
        if in_vain is not None:
            self._admission_policy.on_refused(in_vain)
        pairings: dict[LinkId, _Asking | _Answering] = {**self._asking, **self._answering}
        for link, pairing in pairings.items():
            if pairing.until_s <= self._node.now:
                self._node.do(Drop(link, "too slow"))
                self._end(link)

    def _notice(self, what: str) -> None:
        if self._node.now - self._noticed_s >= NOTICE_S:
            self._noticed_s = self._node.now
            self._node.tell("pairing_failed", f"a pairing failed: {what}", level="warning")

    def _send(self, link: LinkId, messages: Sequence[Message]) -> None:
        self._node.do(*(Send(link, message) for message in messages))
