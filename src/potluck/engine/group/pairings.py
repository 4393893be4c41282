"""Pairings: the conversations by which a device enters a group, on both sides.

Strategy: core/group/admission.py holds a conversation; this part ties it to a pairing link, carries
what is said, and asks admission_policy.py whether it may go on. Who is admitted becomes a member in
membership.py before it hears of it.

Guarantees: no roster record leaves before both sides agreed and the admission is on the disk. Who
was admitted and did not hear of it gets in again, with the same record. Every pairing ends in time,
at most `limits.STRANGERS` stand at the door at once, and whoever breaks the rules is dropped and
changes nothing else. Limits: nobody compares words yet; an open door trusts the network for the
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
from potluck.core.wire.catalogue import Address, LinkKind, Message, PairingMessage, PairNonce
from potluck.engine.effects import Dial, Drop, Send
from potluck.engine.events import DialFailed, LinkId, LinkOpened, OrderId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.membership import Membership
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


class PairingsListener(Protocol):
    """Hears whom the way in led to."""

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member of the group we enter is at that address."""


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
        self._dials: dict[OrderId, FoundGroup] = {}
        self._asking: dict[LinkId, _Asking] = {}
        self._answering: dict[LinkId, _Answering] = {}

    def __repr__(self) -> str:
        """Say how many conversations there are on each side."""
        asking, answering = len(self._asking), len(self._answering)
        return f"<Pairings dials={len(self._dials)}, asking={asking}, answering={answering}>"

    # -- links -------------------------------------------------------------------------------------
    def ask(self, wish: FoundGroup) -> None:
        """Ask that group to let us in."""
        dial = self._node.number()
        self._dials[dial] = wish
        self._node.do(Dial(dial, LinkKind.PAIRING, None, wish.address))

    def on_link_opened(self, event: LinkOpened) -> None:
        """A pairing link is open: begin to ask, or wait for the question."""
        node, until_s = self._node, self._node.now + limits.PAIRING_S
        wish = self._dials.pop(event.dial, None) if event.dial is not None else None
        if wish is not None:
            joiner = Joiner(
                node.key, node.settings.label, node.chance.bytes(limits.PAIRING_NONCE_BYTES)
            )
            self._asking[event.link] = _Asking(joiner, wish, until_s)
            self._send(event.link, joiner.begin())
        elif node.roster is None or not self._admission_policy.is_open:
            node.do(Drop(event.link, "the door is closed"))
        elif len(self._answering) >= limits.STRANGERS:
            node.do(Drop(event.link, "too many at the door"))
        else:
            nonce = node.chance.bytes(limits.PAIRING_NONCE_BYTES)
            keeper = Doorkeeper(node.key, node.roster, node.own_label, nonce)
            self._answering[event.link] = _Answering(keeper, until_s)

    def on_dial_failed(self, event: DialFailed) -> bool:
        """A dial failed; returns whether it was for pairing."""
        wish = self._dials.pop(event.dial, None)
        if wish is not None:
            self._admission_policy.on_refused(wish)
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
            self._node.do(Drop(link, error.what[:REASON_CHARACTERS]))
            self._end(link)
        return True

    def _hear(self, link: LinkId, message: Message) -> None:
        if not isinstance(message, PairingMessage):
            raise ProtocolError(f"{type(message).__name__} is not for a pairing link")
        if link in self._asking:
            self._hear_member(link, message)
        else:
            self._hear_newcomer(link, message)

    def _end(self, link: LinkId) -> None:
        """A pairing came to nothing, or has done its work."""
        self._answering.pop(link, None)
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

    # -- somebody wants to enter -------------------------------------------------------------------
    def _hear_newcomer(self, link: LinkId, message: PairingMessage) -> None:
        keeper = self._answering[link].keeper
        self._send(link, keeper.hear(message))
        if keeper.state is not DoorkeeperState.CONSENTED:
            return
        refusal = self._admission_policy.why_closed() or self._admit(keeper.newcomer)
        if refusal:
            self._send(link, keeper.deny(refusal))
            return
        keeper.allow()
        records = self._node.roster.records() if self._node.roster is not None else []
        self._node.when_durable(Send(link, frame) for frame in keeper.welcome(records))

    def _admit(self, newcomer: Newcomer | None) -> str:
        """Make a newcomer a member; returns why not, "" if it is one."""
        node = self._node
        if newcomer is None or not self._membership.admit(newcomer):
            return "this device cannot be a member here"
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
        return min(times, default=None)

    def on_tick(self) -> None:
        """End what takes too long."""
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
