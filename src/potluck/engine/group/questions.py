"""Questions: the datagrams in clear by which a lonely device and an open door find each other.

Strategy: a lonely device asks (`Solicit`) everybody and every address it has reason to; a device
where the door is open, or somebody can be asked, answers (`Offer`) to where the question came from.
Who is lonely itself asks back, so that two devices get to know each other whoever started first and
whichever way the question went. Groups that were found are asked again every two seconds: what a
device decides by is never older than that, also where broadcasts are dropped. Whoever cannot reach
a door that was offered asks its owner to dial instead. A device with company asks where it hears
another group, rarely (other_groups.py), so that people know of it.

Guarantees: strangers are answered only while somebody could let them in; of a closed door they
hear a tag, and neither the group's name nor this device's. No answer is longer than
its question, nor is the question that is asked back (to a beacon it is less than three times as
long), and at most `ANSWERS_PER_S` a second go to one address, to at most `QUESTIONERS` addresses,
of which one host has half at most: no use as an amplifier, and no flood of invented sources makes
anything grow. Only answers to our own question count, and only from where we may dial
(core/ring/own_networks.py): everybody on the network hears the question, and a source can be made
up. Nobody is dialled who did not show, by the
cookie of an offer, that it receives what is sent to the host it asks from. Limits: nothing here
proves who speaks; that is pairing's.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import islice
from typing import Protocol

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.group.founding import FoundGroup, tag_of
from potluck.core.hosts import host_of
from potluck.core.keys.sealing import mark_of
from potluck.core.wire.catalogue import CLEAR, Address, Offer, Solicit, encode
from potluck.engine.effects import Transmit
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.node import Node

PAD_BYTES = 320  # a question is longer than any answer
QUESTIONERS = 256  # addresses that are answered in one second; more are strangers making noise
QUESTIONERS_PER_HOST = QUESTIONERS // 2  # of these at one host: its ports leave room for others
BEACON_BYTES_MIN = 128  # ours have 132 and more; a question is less than three times as long
ASKED_AROUND_MAX = limits.NEIGHBOURS  # asked at once when the door is opened
FOUND_AGAIN_S = 2.0  # well below founding's OFFER_LIFE_S, so that one lost answer decides nothing
JOINING_AGAIN_S = 1.0  # while a person who typed a code waits: everybody is asked again
QUESTION_NONCE_BYTES = 16  # what an answer is known by
COOKIE_SECRET_BYTES = 32  # of the key that cookies are made with, new in each run


class QuestionsListener(Protocol):
    """Hears who wants to be dialled."""

    def on_call_asked(self, address: Address) -> None:
        """A newcomer there cannot reach our door, and hears what we send it."""


class Questions:
    """Asks strangers, and answers them."""

    def __init__(
        self, node: Node, admission_policy: AdmissionPolicy, listener: QuestionsListener
    ) -> None:
        """Ask while that policy is undecided, answer while it lets somebody in."""
        self._node, self._admission_policy = node, admission_policy
        self._listener = listener
        self._secret = b""  # made when the first cookie is
        self._nonce = node.chance.bytes(QUESTION_NONCE_BYTES)
        self._second: int | None = None  # the last one in which somebody asked
        # all in this second
        self._answers: dict[Address, int] = {}
        self._answers_of = Counter[str]()  # how many addresses of each host are among these
        self._asked_back: set[Address] = set()
        self._asked_back_of = Counter[str]()
        self._again_s = 0.0
        self._joins = False  # a code was being tried when it was looked last

    def __repr__(self) -> str:
        """Say how many were answered in the current second."""
        return f"<Questions answered={len(self._answers)}, again_s={self._again_s:.1f}>"

    def ask(self, to: Address | None) -> None:
        """While without company: is anybody there whose door is open? None asks everybody."""
        if self._admission_policy.lonely and not self._node.leaving:
            self._node.do(Transmit(encode(Solicit(self._nonce, bytes(PAD_BYTES))), to))

    def ask_to_call(self, group: FoundGroup) -> None:
        """The door of that group cannot be reached: its device is to dial ours."""
        if self._admission_policy.lonely and not self._node.leaving:
            port = self._node.settings.port
            solicit = Solicit(self._nonce, bytes(PAD_BYTES), port, group.cookie)
            self._node.do(Transmit(encode(solicit), group.address))

    def on_foreign(self, source: Address, size_bytes: int) -> None:
        """A device of another group speaks there: it may be one that cannot be asked by all.

        What is shorter than any beacon is none: the question would be a use as an amplifier.
        """
        if size_bytes < BEACON_BYTES_MIN or not self._is_new(source):
            return
        self.ask(source)
        policy, node = self._admission_policy, self._node
        if not policy.lonely and not node.leaving and policy.others.may_ask(source.host):
            node.do(Transmit(encode(Solicit(self._nonce, bytes(PAD_BYTES))), source))

    def ask_around(self, besides: Address | None = None) -> None:
        """Ask everybody once more who was asked at the start, and this one, if one was named."""
        peers, hosts = (
            self._node.settings.peers,
            islice(self._node.address_book.asked, ASKED_AROUND_MAX),
        )
        addresses = dict.fromkeys([*peers, *(Address(host, limits.PORT) for host in hosts)])
        for to in (None, *addresses, *([] if besides is None else [besides])):
            self.ask(to)

    def on_clear(self, data: bytes, source: Address) -> None:
        """A datagram that is not sealed: a question, an answer, or rubbish."""
        try:
            message = CLEAR.decode(data)
        except Malformed:
            return
        if isinstance(message, Offer) and message.nonce == self._nonce:
            if self._node.address_book.own.holds(Address(source.host, message.port)):
                self._admission_policy.on_offer(message, source.host)
        elif isinstance(message, Solicit) and message.nonce != self._nonce and source.port:
            self._hear_question(message, source)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        policy = self._admission_policy
        if policy.door.joins and not self._joins:
            return self._node.now
        found = policy.lonely and policy.found
        return self._again_s if found or policy.door.joins else None

    def on_tick(self) -> None:
        """Ask the groups that were found how they are, and everybody if a code was typed."""
        policy = self._admission_policy
        found = policy.found if policy.lonely else []  # with company it is asked rarely
        begins = policy.door.joins and not self._joins
        self._joins = policy.door.joins
        if self._node.now < self._again_s and not begins:
            return
        if policy.door.joins:
            self._again_s = self._node.now + JOINING_AGAIN_S
            self.ask_around(policy.join_peer)
        elif found:
            self._again_s = self._node.now + FOUND_AGAIN_S
        for group in found:
            self.ask(group.address)

    def _hear_question(self, question: Solicit, source: Address) -> None:
        self._begin_second()
        if source not in self._answers:
            full = self._answers_of[host_of(source.host)] >= QUESTIONERS_PER_HOST
            if full or len(self._answers) >= QUESTIONERS:
                return
            self._answers_of[host_of(source.host)] += 1
        self._answers[source] = self._answers.get(source, 0) + 1
        if self._answers[source] > limits.ANSWERS_PER_S:
            return
        if self._admission_policy.door.answers:
            self._answer(question, source)
        if question.call and question.cookie == self._cookie(source):
            newcomer = Address(source.host, question.call)
            if self._node.address_book.own.is_plain(newcomer):
                self._listener.on_call_asked(newcomer)
        if len(question.pad) >= PAD_BYTES and self._is_new(source):
            self.ask(source)  # it may have started after our own questions

    def _begin_second(self) -> None:
        second = math.floor(self._node.now)
        if second != self._second:
            self._second, self._answers, self._asked_back = second, {}, set()
            self._answers_of.clear()
            self._asked_back_of.clear()

    def _is_new(self, source: Address) -> bool:
        """Say whether that address was not asked back in this second; from now on it was."""
        self._begin_second()
        full = self._asked_back_of[host_of(source.host)] >= QUESTIONERS_PER_HOST
        if full or source in self._asked_back or len(self._asked_back) >= QUESTIONERS:
            return False
        self._asked_back_of[host_of(source.host)] += 1
        self._asked_back.add(source)
        return True

    def _cookie(self, source: Address) -> bytes:
        """Return what only this device can make, and only a device at that address receives."""
        self._secret = self._secret or self._node.chance.bytes(COOKIE_SECRET_BYTES)
        return mark_of(self._secret, encode(source), limits.COOKIE_BYTES)

    def _answer(self, question: Solicit, source: Address) -> None:
        node, roster = self._node, self._node.roster
        assert roster is not None, "start comes first"
        port, members = node.settings.port, len(roster.members)
        is_open = self._admission_policy.is_open
        name, label = (roster.name, node.own_label) if is_open else ("", "")
        offer = Offer(
            nonce=question.nonce,
            tag=tag_of(roster.group),
            name=name,
            label=label,
            port=port,
            members=members,
            open=is_open,
            cookie=self._cookie(source),
            invite=self._admission_policy.door.invites,
        )
        data = encode(offer)
        if len(data) <= len(question.pad):
            node.do(Transmit(data, source))
