"""Entering: the conversation in which this device wants to be let into a group.

Strategy: core/group/admission.py holds the conversation; this part carries what is said, and finds
out what says yes on this side as soon as the group is known: the open door here, at once where the
other one is open too and else as soon as the group's people have said yes; or the person here, who
compares words (requests.py). A door that closes before that came to its end takes its yes back: the
person is asked, or the conversation ends. Who types a code has another one (code_entering.py).

Guarantees: nothing is entered without a yes here, nor another group than the one that was found.
Who has said yes here lets nobody in until that came to something (core/group/founding.py); company
that came meanwhile ends the asking. Every conversation ends in time. Limits: one group at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Joiner, JoinerState, WayIn
from potluck.core.group.asking_turns import VERSION_REST_S
from potluck.core.group.founding import FoundGroup, forget_host, tag_of
from potluck.core.keys.identity import DeviceId, device_of
from potluck.core.wire.catalogue import (
    Address,
    Cause,
    Message,
    PairAllow,
    PairingMessage,
    PairNonce,
)
from potluck.engine.effects import Drop, Send
from potluck.engine.events import LinkClosed, LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.membership import Membership
from potluck.engine.group.request_ends import (
    DOOR_CLOSED,
    REFUSALS,
    SAID_NO,
    TOO_SLOW,
    Bar,
    bar_of,
    is_switched_off,
    of_dial,
    of_group,
    of_silence,
)
from potluck.engine.group.request_list import yeses_of
from potluck.engine.group.requests import AskedMember, Requests
from potluck.engine.node import Node


@dataclass(slots=True)
class _Entry:
    """A conversation in which this device wants to enter."""

    joiner: Joiner
    found: FoundGroup
    until_s: float
    way: WayIn = WayIn.WORDS
    member: DeviceId | None = None  # whom we talk with


class EnteringListener(Protocol):
    """Hears where this device got to."""

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member of the group we enter, or one whom we let in, is at that address."""


class Entering:
    """The groups that this device asks."""

    def __init__(
        self,
        node: Node,
        membership: Membership,
        admission_policy: AdmissionPolicy,
        requests: Requests,
        listener: EnteringListener,
    ) -> None:
        """Nobody is asked."""
        self._node, self._membership, self._requests = node, membership, requests
        self._policy, self._listener = admission_policy, listener
        self._wishes: dict[LinkId, _Entry] = {}

    def __len__(self) -> int:
        """Return how many conversations there are."""
        return len(self._wishes)

    def __contains__(self, link: LinkId) -> bool:
        """Say whether that link is one of these."""
        return link in self._wishes

    def __repr__(self) -> str:
        """Say how many groups are asked."""
        return f"<Entering {len(self)}>"

    def begin(self, link: LinkId, found: FoundGroup) -> None:
        """Ask to be let in."""
        node = self._node
        nonce = node.chance.bytes(limits.PAIRING_NONCE_BYTES)
        joiner = Joiner(node.key, node.own_label, nonce)
        self._wishes[link] = _Entry(joiner, found, node.now + limits.PAIRING_S)
        _send(self._node, link, joiner.begin())

    def hear(self, link: LinkId, message: PairingMessage) -> bool:
        """The member said something; returns whether we are in. Raises ProtocolError."""
        wish = self._wishes[link]
        _send(self._node, link, wish.joiner.hear(message))
        if isinstance(message, PairNonce):
            self._judge(link, wish, message)
        elif isinstance(message, PairAllow):
            self._requests.on_said(link, there=True)
            by_door = wish.way is WayIn.OPEN and self._policy.is_open
            if by_door and wish.joiner.state is JoinerState.OFFERED:
                self._want(link, wish)
        elif wish.joiner.state is JoinerState.DONE:
            self._enter(link, wish)
            return True
        elif wish.joiner.state is JoinerState.REFUSED:
            self._node.do(Drop(link, "refused"))
            self.end(link, wish.joiner.refused)
        return False

    def say_yes(self, link: LinkId) -> None:
        """The person here says yes, whether the door here says it too or not."""
        wish = self._wishes.get(link)
        if wish is not None and wish.joiner.state is JoinerState.OFFERED:
            wish.way = WayIn.WORDS
            self._want(link, wish)

    def say_no(self, link: LinkId) -> None:
        """The person here says no."""
        if link in self._wishes:
            self._node.do(Drop(link, SAID_NO))
            self.end(link, Cause.DENIED, "you said no")

    def end(self, link: LinkId, cause: Cause = Cause.OTHER, why: str = "") -> bool:
        """The conversation came to nothing; returns whether there was one."""
        wish = self._wishes.pop(link, None)
        if wish is None:
            return False
        talk = self._requests.talk(link)
        why = why or REFUSALS.get(cause, of_silence(yeses_of(talk)))
        if talk is None:
            _note_unasked(self._policy, self._requests, wish.found, why)
        self._requests.over(link, why)
        self._policy.on_refused(wish.found, cause)
        return True

    def on_unreached(self, found: FoundGroup, reason: str) -> None:
        """There was no link to talk on; `reason` as in FailedWish."""
        why = of_dial(reason)
        _note_unasked(self._policy, self._requests, found, why)
        rest_s = VERSION_REST_S if bar_of(why) is Bar.VERSION else None
        self._policy.on_refused(found, rest_s=rest_s)

    def on_closed(self, link: LinkId, gone: LinkClosed | None) -> bool:
        """That link is gone (None: for what was said on it); returns whether it is known."""
        wish = self._wishes.get(link)
        if wish is not None and is_switched_off(gone):
            forget_host(self._policy.founding, wish.found.address.host)
        return self.end(link, why=of_group(gone, yeses_of(self._requests.talk(link))))

    def withdraw(self, why: str) -> None:
        """No group is asked any more: this device is at home, or goes elsewhere."""
        for link in list(self._wishes):
            del self._wishes[link]
            self._node.do(Drop(link, why))
            self._requests.over(link, why, kept=False)

    def _judge(self, link: LinkId, wish: _Entry, said: PairNonce) -> None:
        """The group is known: does the door here say yes by itself, or is the person asked?"""
        policy, joiner = self._policy, wish.joiner
        if joiner.group is None or tag_of(joiner.group) != wish.found.tag:
            raise ProtocolError("that is not the group that was offered")
        wish.member = device_of(said.certificate)
        wish.until_s = self._node.now + limits.PAIRING_PERSON_S
        wish.way = WayIn.OPEN if policy.is_open else WayIn.WORDS
        by_itself = wish.way is WayIn.OPEN
        policy.names.note(wish.found, joiner.group_name, joiner.member_label)
        if by_itself and wish.found.open:
            self._want(link, wish)
        else:
            self._ask(link, wish)

    def _ask(self, link: LinkId, wish: _Entry) -> None:
        """Show the request, and ask the person here unless the door says yes."""
        joiner = wish.joiner
        assert wish.member is not None, "the group is known"
        whose = frozenset[bytes]({wish.found.tag, wish.member})
        asked = AskedMember(
            link, joiner.group_name, joiner.member_label, wish.found.address.host,
            joiner.transcript, wish.until_s, wish.found.members, whose,
        )  # fmt: skip
        self._policy.wanted = None
        by_itself = wish.way is WayIn.OPEN
        self._requests.open_there(asked, is_open=by_itself)

    def _want(self, link: LinkId, wish: _Entry) -> None:
        assert wish.member is not None, "the group is known"
        if self._membership.company:
            return  # whoever has company stays where it is
        _send(self._node, link, wish.joiner.want())
        self._policy.on_committed()
        self._listener.on_met(wish.member, wish.found.address)
        self._requests.on_said(link, here=True)

    def _enter(self, link: LinkId, wish: _Entry) -> None:
        self._membership.enter(wish.joiner.roster())
        self._node.do(Drop(link, "admitted"))
        del self._wishes[link]
        self._requests.over(
            link, f"this device is a member of {wish.joiner.group_name} now", done=True
        )
        self._policy.on_members()

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if any(_is_void(self._node, self._policy, wish) for wish in self._wishes.values()):
            return self._node.now
        return min((wish.until_s for wish in self._wishes.values()), default=None)

    def _take_back(self, link: LinkId, wish: _Entry) -> None:
        """Ask the person here instead of the door, or ask that group no more."""
        if wish.joiner.state is JoinerState.OFFERED and self._policy.door.asks:
            wish.way = WayIn.WORDS
            self._requests.over(link, DOOR_CLOSED, kept=False)
            self._ask(link, wish)
        else:
            self._node.do(Drop(link, DOOR_CLOSED))
            self.end(link, why=DOOR_CLOSED)

    def on_tick(self) -> None:
        """End what takes too long, and what the door here says no more."""
        for link, wish in list(self._wishes.items()):
            if _is_void(self._node, self._policy, wish):
                self._take_back(link, wish)
            elif wish.until_s <= self._node.now:
                self._node.do(Drop(link, TOO_SLOW))
                self.end(link, Cause.OTHER if wish.member is None else Cause.SILENCE)


def _send(node: Node, link: LinkId, messages: Sequence[Message]) -> None:
    node.do(*(Send(link, message) for message in messages))


def _is_void(node: Node, policy: AdmissionPolicy, wish: _Entry) -> bool:
    """Say whether the door said yes, or would have, and is closed by now."""
    by_door = wish.member is not None and wish.way is WayIn.OPEN
    undecided = wish.joiner.state in {JoinerState.OFFERED, JoinerState.CONSENTED}
    return by_door and undecided and not (policy.is_open or node.leaving)


def _note_unasked(policy: AdmissionPolicy, requests: Requests, found: FoundGroup, why: str) -> None:
    """There are no words to compare: say why to who waits for them.

    Of what a device asked by itself, a broken link or a firewall is the link's matter.
    """
    wanted = policy.wanted == found.tag
    if wanted or bar_of(why):
        requests.list.note_unasked(found.address.host, why, wanted=wanted)
    policy.wanted = None if wanted else policy.wanted
