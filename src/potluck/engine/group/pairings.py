"""Pairings: the links on which a device enters a group, on both sides.

Strategy: a pairing link is for one of three conversations: this device wants to enter somewhere
(entering.py), or by a code (code_entering.py), or somebody wants to enter here (doorkeeping.py).
Which of them it is depends on who dialled, and on whose turn it is where a member dials a newcomer
that asked for it (pairing_dials.py). This part opens the links, carries what comes on them to the
right conversation, and an answer of people to the one it is meant for.

Guarantees: who breaks the rules is dropped and changes nothing else; people hear of that now and
then. Where nobody could let a newcomer in, no conversation begins. A device that got company or
another group ends what it asked elsewhere. Limits: no decisions; those are the conversations'.
"""

from __future__ import annotations

import math
from typing import Protocol

from potluck.core.errors import ProtocolError
from potluck.core.group.founding import FoundGroup
from potluck.core.wire.catalogue import Address, Message, PairingMessage, PairTurn
from potluck.engine.effects import Drop
from potluck.engine.events import DialFailed, LinkClosed, LinkId, LinkOpened
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.code_entering import CodeEntering, Codes
from potluck.engine.group.doorkeeping import Doorkeeping, DoorkeepingListener
from potluck.engine.group.entering import Entering, EnteringListener
from potluck.engine.group.membership import Membership
from potluck.engine.group.pairing_dials import Dialled, PairingDials, PairingDialsListener
from potluck.engine.group.request_ends import DOOR_SHUT, SWITCHED_OFF, bar_of, of_dial
from potluck.engine.group.requests import Requests
from potluck.engine.node import Node

# strangers can make pairings fail as often as they like; people hear of it this often at most
NOTICE_S = 10.0
NOT_ASKED = "nobody was asked to dial"
REASON_CHARACTERS = 200  # of what goes into a BYE; the rest tells nobody more


class PairingsListener(PairingDialsListener, DoorkeepingListener, EnteringListener, Protocol):
    """Hears whom the way in led to."""


class Pairings:
    """The pairing links."""

    def __init__(
        self,
        node: Node,
        membership: Membership,
        admission_policy: AdmissionPolicy,
        requests: Requests,
        codes: Codes,
        listener: PairingsListener,
    ) -> None:
        """No conversation yet."""
        self._node, self._admission_policy, self._requests = node, admission_policy, requests
        self._noticed_s = -math.inf
        self._dials = PairingDials(node, listener)
        parts = (node, membership, admission_policy, requests)
        self.entering = Entering(*parts, listener)
        self.doorkeeping = Doorkeeping(*parts, codes.invitations, listener)
        self.by_code = CodeEntering(node, membership, admission_policy, codes.joining, listener)

    def __repr__(self) -> str:
        """Say how many conversations there are on each side."""
        asking, answering = len(self.entering), len(self.doorkeeping)
        return f"<Pairings {self._dials!r}, asking={asking}, answering={answering}>"

    # -- links -------------------------------------------------------------------------------------
    def ask(self, wish: FoundGroup) -> None:
        """Ask that group to let us in."""
        self._dials.ask(wish)

    def withdraw(self, why: str) -> None:
        """Ask no group any more."""
        self._dials.let_go()
        self.by_code.end(why="not needed any more")
        self.entering.withdraw(why)

    def on_leaving(self) -> None:
        """This device ends: whoever is talked to hears that, and takes it for no broken link.

        Nothing follows from that here any more, so the requests stay on the screen until the end.
        """
        self._dials.let_go()
        self._node.do(*(Drop(link, SWITCHED_OFF) for link in self._requests.links))

    def call(self, newcomer: Address) -> None:
        """A newcomer there asks to be dialled: if it could be let in, it may come that way."""
        if self._admission_policy.door.answers:
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
        elif node.roster is None or not self._admission_policy.door.answers:
            node.do(Drop(event.link, DOOR_SHUT))
        else:
            called = dialled is Dialled.NEWCOMER
            self.doorkeeping.open(event.link, event.address, called=called)

    def on_dial_failed(self, event: DialFailed) -> bool:
        """A dial failed; returns whether it was for pairing."""
        return self._dials.failed(event)

    def on_door_blocked(self, address: Address, reason: str) -> None:
        """That door or newcomer could not be dialled: if it cannot be talked to, people see why."""
        why = of_dial(reason)
        if bar_of(why):
            self._requests.list.note_unasked(address.host, why)

    def on_link_closed(self, link: LinkId, event: LinkClosed | None = None) -> bool:
        """A link is gone, perhaps by itself; returns whether it was a pairing link."""
        if link in self.by_code:
            self.by_code.end(why="it came to nothing")
            return True
        if self._node.leaving and (link in self.entering or link in self.doorkeeping):
            return True  # it was ended here, and nothing follows from that any more
        return self.entering.on_closed(link, event) or self.doorkeeping.on_closed(link, event)

    # -- messages ----------------------------------------------------------------------------------
    def on_message(self, link: LinkId, message: Message) -> bool:
        """A message came; returns whether it was on a pairing link."""
        if not any(link in part for part in (self.entering, self.doorkeeping, self.by_code)):
            return False
        try:
            self._hear(link, message)
        except ProtocolError as error:
            self._notice(error.what)
            self._node.do(Drop(link, error.what[:REASON_CHARACTERS]))
            self.on_link_closed(link)
        return True

    def on_answered(self, link: LinkId, by: str, *, yes: bool) -> None:
        """Somebody, at the device of that label, said yes or no."""
        if link in self.entering:
            if yes:
                self.entering.say_yes(link)
            else:
                self.entering.say_no(link)
        elif yes:
            self.doorkeeping.say_yes(link, by)
        else:
            self.doorkeeping.say_no(link, by)

    def _hear(self, link: LinkId, message: Message) -> None:
        if not isinstance(message, PairingMessage):
            raise ProtocolError(f"{type(message).__name__} is not for a pairing link")
        if isinstance(message, PairTurn):
            self._take_turn(link)
        elif link in self.doorkeeping:
            self.doorkeeping.hear(link, message)
        elif self._is_in(link, message):
            self.doorkeeping.clear()

    def _is_in(self, link: LinkId, message: PairingMessage) -> bool:
        """A member said something; returns whether this device is in its group now."""
        if link in self.by_code:
            return self.by_code.hear(message)
        return self.entering.hear(link, message)

    def _begin(self, link: LinkId, wish: FoundGroup) -> None:
        """A member listens: ask to be let in."""
        if wish.by_code:
            self.by_code.begin(link, wish)
        else:
            self.entering.begin(link, wish)

    def _take_turn(self, link: LinkId) -> None:
        """A member dialled us; it may only if we asked it to."""
        host = self.doorkeeping.turn(link) if link in self.doorkeeping else ""
        wish = self._dials.take_turn(host) if host else None
        if wish is None:
            if link in self.by_code:  # the next one may be the one whose code it is
                self.by_code.end(NOT_ASKED)
                return
            self._node.do(Drop(link, NOT_ASKED))
            self.entering.on_closed(link, None)
        else:
            self._begin(link, wish)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        parts = (self.entering, self.doorkeeping, self.by_code, self._dials)
        times = [part.deadline() for part in parts]
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """End what takes too long."""
        in_vain = self._dials.on_tick()
        if in_vain is not None and in_vain.found.by_code:
            self.by_code.on_unreached(in_vain.reason)
        elif in_vain is not None:
            self.entering.on_unreached(in_vain.found, in_vain.reason)
        self.entering.on_tick()
        self.doorkeeping.on_tick()
        self.by_code.on_tick()

    def _notice(self, what: str) -> None:
        if self._node.now - self._noticed_s >= NOTICE_S:
            self._noticed_s = self._node.now
            self._node.tell("pairing_failed", f"a pairing failed: {what}", level="warning")
