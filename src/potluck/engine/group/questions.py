"""Questions: the datagrams in clear by which a lonely device and an open door find each other.

Strategy: a lonely device asks (`Solicit`) everybody and every address it has reason to; a device
whose door is open answers (`Offer`) to where the question came from. Who is lonely itself asks
back, so that two devices get to know each other whoever started first and whichever way the
question went. Groups that were found are asked again every two seconds: what a device decides by is
never older than that, also where broadcasts are dropped. A device whose door is closed but at whose
prompt a person sits answers too, and says that it is closed: that person can open it.

Guarantees: strangers are answered only while somebody could let them in. No answer is longer than
its question, and at most `ANSWERS_PER_S` a second go to one address, to at most `QUESTIONERS`
addresses: no use as an amplifier, and no flood of invented sources makes anything grow. Only
answers to our own question count. Limits: nothing here proves who speaks; that is pairing's.
"""

from __future__ import annotations

import math
from itertools import islice

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.wire.catalogue import CLEAR, Address, Offer, Solicit, encode
from potluck.engine.effects import Transmit
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.node import Node

PAD_BYTES = 256  # a question is longer than any answer
QUESTIONERS = 256  # addresses that are answered in one second; more are strangers making noise
HOSTS = limits.NEIGHBOURS  # asked at once when the door is opened
FOUND_AGAIN_S = 2.0  # well below founding's OFFER_LIFE_S, so that one lost answer decides nothing
QUESTION_NONCE_BYTES = 16  # what an answer is known by


class Questions:
    """Asks strangers, and answers them."""

    def __init__(self, node: Node, admission_policy: AdmissionPolicy) -> None:
        """Ask while that policy is undecided, answer while it lets somebody in."""
        self._node, self._admission_policy = node, admission_policy
        self._nonce = node.chance.bytes(QUESTION_NONCE_BYTES)
        self._second: int | None = None  # the last one in which somebody asked
        self._answers: dict[Address, int] = {}  # in this second
        self._asked_back: set[Address] = set()  # in this second
        self._again_s = 0.0

    def __repr__(self) -> str:
        """Say how many were answered in the current second."""
        return f"<Questions answered={len(self._answers)}, again_s={self._again_s:.1f}>"

    def ask(self, to: Address | None) -> None:
        """While without company: is anybody there whose door is open? None asks everybody."""
        if self._admission_policy.lonely and not self._node.leaving:
            self._node.do(Transmit(encode(Solicit(self._nonce, bytes(PAD_BYTES))), to))

    def ask_around(self) -> None:
        """The door was opened: ask everybody once more who was asked at the start."""
        peers, hosts = self._node.settings.peers, islice(self._node.address_book.asked, HOSTS)
        addresses = dict.fromkeys([*peers, *(Address(host, limits.PORT) for host in hosts)])
        for to in (None, *addresses):
            self.ask(to)

    def on_clear(self, data: bytes, source: Address) -> None:
        """A datagram that is not sealed: a question, an answer, or rubbish."""
        try:
            message = CLEAR.decode(data)
        except Malformed:
            return
        if isinstance(message, Offer) and message.nonce == self._nonce:
            self._admission_policy.on_offer(message, source.host)
        elif isinstance(message, Solicit) and message.nonce != self._nonce and source.port:
            self._hear_question(message, source)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._again_s if self._admission_policy.found else None

    def on_tick(self) -> None:
        """Ask the groups that were found how they are."""
        if self._node.now < self._again_s:
            return
        found = self._admission_policy.found
        if found:
            self._again_s = self._node.now + FOUND_AGAIN_S
        for group in found:
            self.ask(group.address)

    def _hear_question(self, question: Solicit, source: Address) -> None:
        second = math.floor(self._node.now)
        if second != self._second:
            self._second, self._answers, self._asked_back = second, {}, set()
        if source not in self._answers and len(self._answers) >= QUESTIONERS:
            return
        self._answers[source] = self._answers.get(source, 0) + 1
        if self._answers[source] > limits.ANSWERS_PER_S:
            return
        if self._admission_policy.is_open or self._node.settings.attended:
            self._answer(question, source)
        if source not in self._asked_back:
            self._asked_back.add(source)
            self.ask(source)  # it may have started after our own questions

    def _answer(self, question: Solicit, source: Address) -> None:
        node, roster = self._node, self._node.roster
        assert roster is not None, "start comes first"
        port, members = node.settings.port, len(roster.members)
        is_open = self._admission_policy.is_open
        offer = Offer(
            question.nonce, roster.group, roster.name, node.own_label, port, members, open=is_open
        )
        data = encode(offer)
        if len(data) <= len(question.pad):
            node.do(Transmit(data, source))
