"""Rival links: two control links of one device, and whether two machines are behind them.

Strategy: a device that was started again opens a link in another run while its old one may not be
known to be dead. The new one counts at once; on both a number that nobody can guess is asked back
(a PING), and the old one is dropped when both have answered, or after a moment. If both do, two
runs live side by side: two machines with one identity, each proven by a TLS link of its own. One
answer is not enough: a link that opens late may be that of the run that has ended. Once that is
known of a device its runs take turns: the one whose link is refused rests before it dials again
(`OTHER_RUN`), so that the two do not put each other out without end.

Guarantees: an end of a link, silence, and a PONG to anything else prove nothing, so no restart is
taken for a second machine, and nobody but the holder of that device's key can make it seem so.
What else is said on the old link is not heard. Limits: where one of the two does not reach this
device nothing is seen here. Turns are of this run of ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Message, Ping, Pong, Unknown
from potluck.engine.effects import Drop, Send
from potluck.engine.events import LinkId
from potluck.engine.node import Node, Peer

OTHER_RUN = "another run of this device has its turn"  # why a link is refused, or ends
RIVAL_ANSWER_S = (
    3.0  # the old run has so long to answer: it is linked, so it answers in milliseconds
)
TURN_S = 10.0  # of each of two runs, once it is known that there are two
_NUMBER_BYTES = 6  # of the number to be answered: fits every counter on the wire (2^53)


class RivalsListener(Protocol):
    """Hears that a device runs twice."""

    def on_doubled(self, device: DeviceId, places: tuple[Address, Address]) -> None:
        """Two machines run with that identity, and each proved it to this device, from there."""


@dataclass(slots=True)
class RivalQuestion:
    """What was asked on a link that another run of the same device took the place of, and there."""

    device: DeviceId
    number: int
    silent: set[LinkId]  # of the two links, those on which nobody has answered
    places: tuple[Address, Address]  # of the old run, of the new one
    until_s: float


class RivalLinks:
    """Old links that are asked whether anybody is still there."""

    def __init__(self, node: Node, listener: RivalsListener) -> None:
        """Know of none."""
        self._node, self._listener = node, listener
        self._asked: dict[LinkId, RivalQuestion] = {}
        self._turns_s: dict[DeviceId, float] = {}  # of who runs twice: when the turn began

    def __repr__(self) -> str:
        """Say how many are asked, and how many devices run twice."""
        return f"<RivalLinks asked={len(self._asked)}, doubled={len(self._turns_s)}>"

    # -- facts -------------------------------------------------------------------------------------
    def may_follow(self, device: DeviceId) -> bool:
        """Say whether another run of a device that is linked may take the place of its link."""
        return self._node.now >= self._turns_s.get(device, -math.inf) + TURN_S

    def ask(self, peer: Peer, link: LinkId, there: Address) -> None:
        """Another run, from `there`, takes the place of the link of this device: is it alone?"""
        node, old = self._node, peer.link
        assert old is not None, "it is linked"
        for each in [one for one, asked in self._asked.items() if asked.device == peer.device]:
            self._end(each, OTHER_RUN)  # one question of a device at a time
        number = int.from_bytes(node.chance.bytes(_NUMBER_BYTES))
        places, until_s = (peer.address or there, there), node.now + RIVAL_ANSWER_S
        self._asked[old] = RivalQuestion(peer.device, number, {old, link}, places, until_s)
        if peer.device in self._turns_s:
            self._turns_s[peer.device] = node.now
        node.do(*(Send(each, Ping(number, b"", b"")) for each in (old, link)))

    def on_message(self, link: LinkId, message: Message | Unknown) -> bool:
        """Something was said on a link; returns whether it was an old one, or an answer to us."""
        answered = False
        for old, question in list(self._asked.items()):
            is_answer = isinstance(message, Pong) and message.sequence == question.number
            if is_answer and link in question.silent:
                answered = True
                question.silent.discard(link)
                if not question.silent:
                    self._end(old, OTHER_RUN)
                    self._turns_s.setdefault(question.device, self._node.now)
                    self._listener.on_doubled(question.device, question.places)
        return answered or link in self._asked

    def on_closed(self, link: LinkId) -> bool:
        """A link is gone; returns whether it was an old one."""
        if self._asked.pop(link, None) is not None:
            return True
        for old in [old for old, question in self._asked.items() if link in question.silent]:
            self._end(old, "duplicate")  # the run that is alive dials again
        return False

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return min((question.until_s for question in self._asked.values()), default=None)

    def on_tick(self) -> None:
        """Drop the links on which nobody answers."""
        for link, question in list(self._asked.items()):
            if self._node.now >= question.until_s:
                self._end(link, OTHER_RUN)

    def _end(self, link: LinkId, reason: str) -> None:
        del self._asked[link]
        self._node.do(Drop(link, reason))
