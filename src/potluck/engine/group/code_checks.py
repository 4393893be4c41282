"""Code checks: what a member says to whoever claims to know its code.

Strategy: a newcomer that revealed itself may send its share. That begins a try, which counts from
then on (invitations.py); core/group/code_proofs.py does the arithmetic. Both answers, the own share
and the verdict, leave at a set time after what they answer, by the clock and not when they are
computed, and a wrong proof is answered exactly as late as a right one. So neither how long the
arithmetic took nor when an answer came tells anything of the code. Where no invite is in force, the
answer comes as late, and says so.

Guarantees: one try in a conversation. A link that ends before its verdict has used up its try. What
breaks the rules raises ProtocolError and uses it up as well. Nobody is let in here: who proved the
code is told to the door, once. Limits: a stranger can use up the tries of a code without
knowing anything, and the person is told; then a new code is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Doorkeeper, WayIn
from potluck.core.group.code_proofs import CodeProof
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import PairCodeRefused, PairProof, PairShare
from potluck.engine.effects import Send
from potluck.engine.events import LinkId
from potluck.engine.group.invitations import CodeTry, Invitations
from potluck.engine.node import Node

SHARE_AFTER_S = 0.25  # many times what the arithmetic takes on a slow machine
VERDICT_AFTER_S = 1.0  # the same, and a person does not mind; three tries are all there are


@dataclass(slots=True)
class _Check:
    """One conversation about a code."""

    host: str  # of the newcomer
    one: CodeTry | None  # None: no invite is in force
    proof: CodeProof | None
    due_s: float  # when the next answer leaves; inf: the newcomer's proof is waited for
    right: bool | None = None  # None: its proof has not come
    answer: bytes = b""  # the own proof

    @property
    def waits_for_proof(self) -> bool:
        """Whether the own share was sent, and nothing came since."""
        return self.due_s == math.inf


class SaysWhoComesIn(Protocol):
    """Lets newcomers in, or not; what it says to them comes after the answer that left already."""

    def say_yes(self, link: LinkId, by: str, way: WayIn) -> None:
        """Who is on that link knows the code."""

    def say_no(self, link: LinkId, by: str) -> None:
        """Who is on that link does not, and was told so."""


class CodeChecks:
    """The conversations about the own code."""

    def __init__(self, node: Node, invitations: Invitations, door: SaysWhoComesIn) -> None:
        """Check nobody."""
        self._node, self._invitations, self._door = node, invitations, door
        self._checks: dict[LinkId, _Check] = {}

    def __repr__(self) -> str:
        return f"<CodeChecks {len(self._checks)} under way>"

    # -- what the newcomer says --------------------------------------------------------------------
    def hear(
        self, link: LinkId, message: PairShare | PairProof, keeper: Doorkeeper, host: str
    ) -> None:
        """A newcomer at that host claims to know the code; raises ProtocolError."""
        newcomer = keeper.newcomer
        if newcomer is None or not newcomer.by_code:
            raise ProtocolError("a code comes after the own keys, as these said")
        if isinstance(message, PairShare):
            self._hear_share(link, message, newcomer.device, host)
        else:
            self._hear_proof(link, message, keeper.transcript)

    def _hear_share(self, link: LinkId, message: PairShare, newcomer: DeviceId, host: str) -> None:
        """A newcomer that revealed itself begins a try."""
        if link in self._checks:
            raise ProtocolError("one try is all there is in a conversation")
        node, one = self._node, self._invitations.begin()
        if one is None:
            node.counters["codes without an invite"] += 1
            self._checks[link] = _Check(host, None, None, node.now + VERDICT_AFTER_S)
            return
        proof = CodeProof(one.code, newcomer, node.me, node.chance, joins=False)
        self._checks[link] = _Check(host, one, proof, node.now + SHARE_AFTER_S)
        proof.take_share(message.share)

    def _hear_proof(self, link: LinkId, message: PairProof, transcript: bytes) -> None:
        """The newcomer proves that it knows the code, or tries to."""
        check = self._checks.get(link)
        if check is None or check.proof is None or not check.waits_for_proof:
            raise ProtocolError("a proof comes after the shares, once")
        check.right = check.proof.is_proved(message.proof, transcript)
        check.answer = check.proof.proof(transcript)
        check.due_s = self._node.now + VERDICT_AFTER_S

    def on_gone(self, link: LinkId) -> None:
        """That conversation is over, however."""
        check = self._checks.pop(link, None)
        if check is not None and check.one is not None:
            self._invitations.on_failed(check.one, check.host)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        due_s = min((check.due_s for check in self._checks.values()), default=math.inf)
        return due_s if due_s < math.inf else None

    def on_tick(self) -> None:
        """Send the answers whose time has come."""
        due = [(n, check) for n, check in self._checks.items() if check.due_s <= self._node.now]
        for link, check in due:
            if check.right is None and check.proof is not None:
                check.due_s = math.inf
                self._node.do(Send(link, PairShare(check.proof.share)))
            else:
                del self._checks[link]
                self._decide(link, check)

    def _decide(self, link: LinkId, check: _Check) -> None:
        one, invitations = check.one, self._invitations
        if one is not None and check.right and invitations.prove(one):
            self._node.do(Send(link, PairProof(check.answer)))
            self._door.say_yes(link, "", WayIn.CODE)
            return
        running = one is not None and one.invite.running
        if one is not None and not check.right:
            invitations.on_failed(one, check.host)
        left = one.invite.tries_left if one is not None and running else 0
        self._node.do(Send(link, PairCodeRefused(left, running)))
        self._door.say_no(link, "")
