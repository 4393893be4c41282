"""Doorkeeping: the conversations in which somebody wants to enter here.

Strategy: core/group/admission.py holds each conversation; this part carries what is said, and finds
out what says yes on this side as soon as everything is revealed: the open door, which asks nobody,
or the people of the group, who compare words (requests.py). Whatever it is calls `say_yes` or
`say_no`, once or never, before or after the newcomer's own yes; a code that was checked does the
same. When both sides have said yes the newcomer becomes a member in membership.py, and hears of it
when that is on the disk.

Guarantees: no roster record leaves before both sides agreed and the admission is on the disk. Who
was admitted and did not hear of it gets in again, with the same record. Every conversation ends in
time: what needs no person in `limits.PAIRING_S`, what needs one in `limits.PAIRING_PERSON_S`. At
most `limits.AT_DOOR` stand at the door at once and `limits.STRANGERS_PER_ADDRESS` of one address,
of which the oldest makes room. Nobody is let in by a device that has said yes to another group. A
device that was removed, also in the middle of its conversation, hears at once that it was, whatever
way in it chose, and nobody is asked about it.
Who waits at a door that closes is asked about like everybody else then.
Limits: an open door trusts the network for the length of the conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from potluck.core import limits
from potluck.core.group.admission import Doorkeeper, DoorkeeperState, WayIn
from potluck.core.group.founding import forget_host
from potluck.core.hosts import host_of
from potluck.core.keys.identity import DeviceId
from potluck.core.sender_bounds import SenderBounds
from potluck.core.wire.catalogue import (
    Address,
    Cause,
    Message,
    PairingMessage,
    PairProof,
    PairShare,
    PairTurn,
)
from potluck.engine.effects import Drop, Send
from potluck.engine.events import LinkClosed, LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.code_checks import CodeChecks
from potluck.engine.group.invitations import Invitations
from potluck.engine.group.membership import Membership
from potluck.engine.group.request_ends import (
    DOOR_CLOSED,
    DOOR_FULL,
    REGROUPED,
    TOO_SLOW,
    is_switched_off,
    of_newcomer,
    of_silence,
)
from potluck.engine.group.request_list import yeses_of
from potluck.engine.group.requests import Asker, Requests
from potluck.engine.node import Node

NEW_KEY = "its machine needs a new key: start it there with another --home"
NOBODY_ANSWERED = "nobody answered in time"  # in a verdict; people here are told who did not

_OVER = (DoorkeeperState.REFUSED, DoorkeeperState.DONE)


@dataclass(slots=True)
class _Guest:
    """A conversation in which somebody wants to enter here."""

    keeper: Doorkeeper
    until_s: float
    address: Address  # where the newcomer is; its port only if we dialled it
    called: bool  # we dialled, because it asked us to
    way: WayIn = WayIn.OPEN
    by: str = ""  # who said yes


class DoorkeepingListener(Protocol):
    """Hears whom the way in led to."""

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member of the group we enter, or one whom we let in, is at that address."""


class Doorkeeping:
    """Everybody who stands at the door."""

    def __init__(
        self,
        node: Node,
        membership: Membership,
        admission_policy: AdmissionPolicy,
        requests: Requests,
        invitations: Invitations,
        listener: DoorkeepingListener,
    ) -> None:
        """Nobody is there."""
        self._node, self._membership, self._requests = node, membership, requests
        self._admission_policy, self._listener = admission_policy, listener
        self._guests: dict[LinkId, _Guest] = {}
        each, in_all = limits.STRANGERS_PER_ADDRESS, limits.AT_DOOR
        self._at_door = SenderBounds[LinkId](each, in_all)  # by host
        self._checks = CodeChecks(node, invitations, self)

    def __len__(self) -> int:
        """Return how many conversations there are."""
        return len(self._guests)

    def __contains__(self, link: LinkId) -> bool:
        """Say whether that link is one of these."""
        return link in self._guests

    def __repr__(self) -> str:
        """Say how many are at the door."""
        return f"<Doorkeeping {len(self)}>"

    # -- links -------------------------------------------------------------------------------------
    def open(self, link: LinkId, address: Address, *, called: bool) -> None:
        """Somebody is at the door; `called`: we dialled, because it asked us to."""
        node = self._node
        assert node.roster is not None, "start comes first"
        gone = self._at_door.note(link, host_of(address.host))
        if gone is not None:
            node.do(Drop(gone, DOOR_FULL))
            self.end(gone, "too many stand at the door here")
        nonce = node.chance.bytes(limits.PAIRING_NONCE_BYTES)
        keeper = Doorkeeper(node.key, node.roster, node.own_label, nonce)
        self._guests[link] = _Guest(keeper, node.now + limits.PAIRING_S, address, called)
        _send(self._node, link, [PairTurn()] if called else [])

    def turn(self, link: LinkId) -> str:
        """It is not a newcomer but a member that dialled us: return its host, "" if it may not."""
        guest = self._guests[link]
        self.end(link, "it is a member that dials")
        return "" if guest.called else guest.address.host

    def on_closed(self, link: LinkId, gone: LinkClosed | None) -> bool:
        """That link is gone (None: for what was said on it); returns whether it is known."""
        guest = self._guests.get(link)
        if guest is not None and is_switched_off(gone):
            forget_host(self._admission_policy.founding, guest.address.host)
        return self.end(link, of_newcomer(gone, yeses_of(self._requests.talk(link))))

    def end(self, link: LinkId, why: str) -> bool:
        """The conversation is over; returns whether there was one."""
        self._at_door.forget(link)
        self._checks.on_gone(link)
        if self._guests.pop(link, None) is None:
            return False
        self._requests.over(link, why)
        return True

    def clear(self) -> None:
        """This device is in another group: whoever waits here finds that one by itself."""
        for link in list(self._guests):
            self._node.do(Drop(link, REGROUPED))
            self.end(link, REGROUPED)

    # -- the conversation --------------------------------------------------------------------------
    def hear(self, link: LinkId, message: PairingMessage) -> None:
        """The newcomer said something; raises ProtocolError."""
        guest = self._guests[link]
        if isinstance(message, PairShare | PairProof):
            if guest.keeper.state is DoorkeeperState.REFUSED:
                return  # it was said before it heard that: no try of a code is used up
            self._checks.hear(link, message, guest.keeper, guest.address.host)
            return
        before = guest.keeper.state
        _send(self._node, link, guest.keeper.hear(message))
        if guest.keeper.state is DoorkeeperState.REVEALED:
            self._judge(link, guest)
        elif guest.keeper.agreed and before is not DoorkeeperState.DONE:
            self._welcome(link, guest)
        elif guest.keeper.state is DoorkeeperState.CONSENTED:
            self._requests.on_said(link, there=True)
            if guest.way is WayIn.OPEN:
                self._let_in(link, guest)

    def say_yes(self, link: LinkId, by: str, way: WayIn = WayIn.WORDS) -> None:
        """This side says yes: a person, `by` her device's label, or a code that was right."""
        guest = self._guests.get(link)
        waiting = (DoorkeeperState.REVEALED, DoorkeeperState.CONSENTED)
        if guest is None or guest.keeper.state not in waiting:
            return
        guest.by, guest.way = by, way
        self._let_in(link, guest)

    def say_no(self, link: LinkId, by: str) -> None:
        """This side says no."""
        guest = self._guests.get(link)
        if guest is not None and guest.keeper.newcomer is not None and not guest.keeper.agreed:
            self._deny(link, guest, "somebody there said no", Cause.DENIED, by)

    def _judge(self, link: LinkId, guest: _Guest) -> None:
        """Everything is revealed: does the door say yes by itself, or are people asked?"""
        node, policy, newcomer = self._node, self._admission_policy, guest.keeper.newcomer
        assert newcomer is not None, "it has just revealed itself"
        out = _why_out(node, guest)
        if out:
            node.tell("removed_asks", f"refused: {out}", subject=node.label_of(newcomer.device))
            self._deny(link, guest, out, Cause.REMOVED)
            return
        guest.until_s = node.now + limits.PAIRING_PERSON_S
        guest.way = WayIn.OPEN if policy.is_open else WayIn.WORDS
        if newcomer.by_code:
            guest.way, guest.until_s = WayIn.CODE, node.now + limits.PAIRING_S
            return
        asker = Asker(link, newcomer, guest.address.host, guest.keeper.transcript, guest.until_s)
        if guest.way is WayIn.OPEN:
            self._requests.open_here(asker, is_open=True)
            return
        refusal = policy.why_not() or ("" if policy.door.asks else "the door is closed")
        refusal = refusal or self._requests.why_full(asker)
        if refusal:
            self._deny(link, guest, refusal, Cause.BUSY)
            return
        earlier = self._requests.open_here(asker, is_open=False)
        if earlier is not None:
            words = "the same device asks again"
            self._deny(earlier, self._guests[earlier], words, Cause.BUSY)
            self._requests.on_tick()

    def _let_in(self, link: LinkId, guest: _Guest) -> None:
        """This side says yes, unless it may not by now."""
        is_open = guest.way is WayIn.OPEN
        policy = self._admission_policy
        refusal = policy.why_closed() if is_open else policy.why_not()
        if refusal:
            cause = Cause.OTHER if is_open else Cause.BUSY
            self._deny(link, guest, refusal, cause)
            return
        if guest.keeper.state is DoorkeeperState.CONSENTED and not self._admit(link, guest):
            words = "this device cannot be a member here, or the group has no room for one more"
            self._deny(link, guest, words, Cause.OTHER)
            return
        _send(self._node, link, guest.keeper.allow())
        if guest.keeper.agreed:
            self._seal(link, guest)
        else:
            self._requests.on_said(link, here=True)

    def _welcome(self, link: LinkId, guest: _Guest) -> None:
        """Both have said yes, the newcomer last: is it still so on this side?"""
        refusal = self._admission_policy.why_not()
        if not refusal and not self._admit(link, guest):
            refusal = "this device cannot be a member here, or the group has no room for one more"
        if refusal:
            self._node.do(Drop(link, refusal))
            self.end(link, refusal)
        else:
            self._seal(link, guest)

    def _seal(self, link: LinkId, guest: _Guest) -> None:
        """It is a member: tell it, once that is on the disk."""
        newcomer = guest.keeper.newcomer
        assert newcomer is not None, "both have said yes"
        if guest.called:
            self._listener.on_met(newcomer.device, guest.address)
        records = self._node.roster.records() if self._node.roster is not None else []
        self._node.when_durable(Send(link, frame) for frame in guest.keeper.welcome(records))
        label = self._node.label_of(newcomer.device)
        by = f": {guest.by} said yes" if guest.by else ""
        self._requests.over(link, f"{label} is a member now{by}", done=True)
        guest.until_s = self._node.now + limits.PAIRING_S

    def _admit(self, link: LinkId, guest: _Guest) -> bool:
        """Make a newcomer a member; returns whether it is one."""
        node, newcomer = self._node, guest.keeper.newcomer
        talk = self._requests.talk(link)
        replaces = talk.replaces if talk is not None else None
        if newcomer is None or not self._membership.admit(newcomer, replaces):
            return False
        label = node.label_of(newcomer.device)
        why = {
            WayIn.OPEN: "the door is open",
            WayIn.WORDS: f"{_who(node, guest.by)} said yes",
            WayIn.CODE: "it knew the code",
        }[guest.way]
        level = "warning" if guest.way is WayIn.OPEN else "info"
        node.tell("admitted", f"admitted {label} because {why}", level=level, subject=label)
        return True

    def _deny(self, link: LinkId, guest: _Guest, reason: str, cause: Cause, by: str = "") -> None:
        """Say no, and why; `by`: whose no it is, if a person's."""
        _send(self._node, link, guest.keeper.deny(reason, cause))
        if by:
            self._requests.over(link, f"{by} said no", here=f"{_who(self._node, by)} said no")
        else:
            self._requests.over(link, reason)
        guest.until_s = min(guest.until_s, self._node.now + limits.PAIRING_S)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        answer_s = self._checks.deadline()
        times = [guest.until_s for guest in self._guests.values()]
        guests, policy = self._guests.values(), self._admission_policy
        if any(
            _is_out(self._node, guest) or _is_void(self._node, policy, guest) for guest in guests
        ):
            return self._node.now
        return min([*times, *([] if answer_s is None else [answer_s])], default=None)

    def on_tick(self) -> None:
        """Answer whoever claims to know a code; end what takes too long."""
        self._checks.on_tick()
        for link, guest in list(self._guests.items()):
            if _is_out(self._node, guest):
                out = _why_out(self._node, guest)
                self._deny(link, guest, out, Cause.REMOVED)
                self._node.do(Drop(link, "removed"))
                self.end(link, out)
                continue
            if _is_void(self._node, self._admission_policy, guest):
                self._requests.over(link, DOOR_CLOSED, kept=False)
                self._judge(link, guest)
            if guest.until_s > self._node.now:
                continue
            waits = guest.keeper.newcomer is not None and not guest.keeper.agreed
            if waits and guest.keeper.state is not DoorkeeperState.REFUSED:
                self._requests.over(link, of_silence(yeses_of(self._requests.talk(link))))
                self._deny(link, guest, NOBODY_ANSWERED, Cause.SILENCE)
            self._node.do(Drop(link, TOO_SLOW))
            self.end(link, NOBODY_ANSWERED)


def _send(node: Node, link: LinkId, messages: Sequence[Message]) -> None:
    node.do(*(Send(link, message) for message in messages))


def _why_out(node: Node, guest: _Guest) -> str:
    """Say why a device may not come back with the key it shows; "" if it may come."""
    newcomer, roster = guest.keeper.newcomer, node.roster
    if newcomer is None or roster is None or not roster.standing.is_removed(newcomer.device):
        return ""
    fate = "was removed from this group"
    if newcomer.device in roster.standing.left:
        fate = "has left this group for good"
    return f"{node.label_of(newcomer.device)} {fate}; {NEW_KEY}"


def _is_out(node: Node, guest: _Guest) -> bool:
    """Say whether a device was removed in the middle of its conversation."""
    return guest.keeper.state not in _OVER and bool(_why_out(node, guest))


def _is_void(node: Node, policy: AdmissionPolicy, guest: _Guest) -> bool:
    """Say whether the door would have said yes, and is closed by now."""
    by_door = guest.keeper.state is DoorkeeperState.REVEALED and guest.way is WayIn.OPEN
    return by_door and not (policy.is_open or node.leaving)


def _who(node: Node, by: str) -> str:
    """Return who said something, for the screen of this device: `by` is a label."""
    return "you" if by == node.own_label else by or "somebody here"
