"""Joining: a code was typed on this device, and the group it is of is looked for.

Strategy: a device without company asks everybody who is there (questions.py), again each second,
and talks to each device near by that says that an invite of its own is in force, one by one: to the
one that the person named (`--peer`) before all others, if it says so within `FIND_S`. With each it
goes through an ordinary pairing (code_entering.py), in which the code stands for the words: it
sends its share, then its proof, and takes the member's yes only after the member's own proof.
Typing the code is this person's consent; nothing else is asked here. While that goes on this device
asks no other group by itself. A code that was given at the start, which is tried again and again,
gives way to one that is typed; what became of it stands in the register until there is company.

Guarantees: the person gets one answer, whatever happens, within `JOIN_S`. However many claim to
invite, the device that was named is asked first if it answers in time. A device is in a group by a
code only if a member of that group proved to know it: whoever else says yes, or proves something
false, ends the attempt as `Untrusted`. At most `ASKED_MAX` devices, and the named one, are given a
try at what was typed, each once, so a rogue has one guess; a code that was wrong at a device is not
tried there again, however often it is typed. Nothing of the code is told to anybody. Limits: nobody
can know whose code was typed, so each device near by that invites counts a try for a code that is
not its own. Devices that only claim to have an invite can take the time of an attempt, never the
code; then `--peer` names the right one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from potluck.core.errors import (
    PotluckError,
    ProtocolError,
    Refused,
    UsageError,
)
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    PairCodeRefused,
    PairingMessage,
    PairProof,
    PairShare,
)
from potluck.engine.effects import Reply
from potluck.engine.events import NO_COMMON_VERSION
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.joining_ends import (
    CodeRefusal,
    CodeTries,
    in_vain,
    note_in_vain,
    somebody_else,
)
from potluck.engine.group.request_ends import of_versions
from potluck.engine.node import Node, legible
from potluck.engine.person_acts import JoinAsked
from potluck.engine.troubles import TroubleKind

FIND_S = 3.0  # so long others are waited for once somebody was asked: three questions and answers
JOIN_S = 8.0  # the whole attempt: a face gets its answer within nine seconds
ASKED_MAX = 8  # devices that are given a try at one code; more than people invite at once
WRONG_MAX = 64  # codes that are known to be wrong at somebody's
_LEAVING = (
    "potluck is leaving: this device has not joined.",
    "it was asked to end",
    "start it again: potluck up\nthen type the code again",
)
_REPLACED = (
    "The code that was given at the start is given up.",
    "another one was typed meanwhile",
    "status",
)
_TAKEN = (
    "This device is in a group with others.",
    "it joined one before, or somebody came in meanwhile",
    "type the code at a device that is in no group, or alone in its own",
)


class JoiningListener(Protocol):
    """Hears what has to be done to find the group of a code."""

    def on_wish(self, wish: FoundGroup) -> None:
        """This group is to be asked to let us in, for the code."""

    def on_wish_withdrawn(self, why: str) -> None:
        """No group is to be asked any more; `why` is for the person here, and the other side."""


@dataclass(slots=True)
class _Attempt:
    """One code that was typed."""

    command: int
    waits: bool  # it was given at the start: nobody reads the answer, and it is tried again,
    last: bool  # but not after this time
    code: Code
    find_until_s: float
    until_s: float
    tries: CodeTries = field(default_factory=CodeTries)
    current: FoundGroup | None = None  # that is being asked
    proof: CodeProof | None = None  # of the conversation with it
    transcript: bytes = b""
    member: DeviceId | None = None  # with whom that is,
    label: str = ""  # and how it calls itself
    proved: bool = False  # it showed that it knows the code

    @property
    def where(self) -> str:
        """Whom the conversation is with, for a person."""
        host = self.current.address.host if self.current is not None else ""
        return f"{host} ({legible(self.label)})" if self.label else host


class Joining:
    """The way in by a code, on the side of the newcomer."""

    def __init__(
        self,
        node: Node,
        admission_policy: AdmissionPolicy,
        words: Sequence[str],
        listener: JoiningListener,
    ) -> None:
        """Nobody typed a code; codes are made of these words."""
        self._node, self._policy = node, admission_policy
        self._words, self._listener = words, listener
        self._attempt: _Attempt | None = None
        self._wrong: dict[tuple[DeviceId, bytes], None] = {}  # codes, and at whom

    def __repr__(self) -> str:
        attempt = self._attempt
        if attempt is None:
            return "<Joining no code>"
        return f"<Joining asked={len(attempt.tries.asked)}, near={len(self._policy.inviters)}>"

    # -- what a person wants -----------------------------------------------------------------------
    def begin(self, act: JoinAsked) -> None:
        """Look for the group of that code; raises PotluckError if that cannot be."""
        try:
            code = act.code.read(self._words)
        except UsageError as error:
            if act.waits:
                note_in_vain(self._node, error, last=act.last)
            raise
        if not self._policy.lonely:
            raise Refused(*_TAKEN)
        if self._attempt is not None and self._attempt.waits and not act.waits:
            self._end(Refused(*_REPLACED))
        if self._attempt is not None:
            raise Refused(
                "A code is being tried already.",
                "it was typed here a moment ago",
                "first see what came of it, then try again",
            )
        if not act.waits:
            self._node.troubles.clear_kind(TroubleKind.CODE)
        now, founding = self._node.now, self._policy.founding
        self._attempt = _Attempt(act.command, act.waits, act.last, code, now + FIND_S, now + JOIN_S)
        self._policy.inviters.clear()
        self._policy.join_peer = act.peer
        self._policy.door.joins = True
        self._policy.door.settle()
        if founding is not None and founding.asking:
            founding.on_refused(None, now)
        self._listener.on_wish_withdrawn("a code is being tried instead")

    # -- one conversation --------------------------------------------------------------------------
    def start(self, member: DeviceId, transcript: bytes, label: str) -> list[PairingMessage]:
        """The member has shown who it is: return the own share, [] if it was wrong there before."""
        attempt = self._under_way()
        attempt.member, attempt.label = member, label
        if (member, attempt.code.secret()) in self._wrong:
            attempt.tries.refusals.append(CodeRefusal(attempt.where, None))
            return []
        me, chance = self._node.me, self._node.chance
        attempt.proof = CodeProof(attempt.code, me, member, chance, joins=True)
        attempt.transcript = transcript
        return [PairShare(attempt.proof.share)]

    def hear(self, message: PairShare | PairProof | PairCodeRefused) -> list[PairingMessage]:
        """Take what the member says about the code; raises ProtocolError."""
        attempt = self._under_way()
        match message:
            case PairShare():
                if attempt.proof is None:
                    raise ProtocolError("a share comes after the own one")
                attempt.proof.take_share(message.share)
                return [PairProof(attempt.proof.proof(attempt.transcript))]
            case PairProof():
                self._check(attempt, message)
            case PairCodeRefused():
                self._take_refusal(attempt, message)
            case _:
                assert_never(message)
        return []

    def _take_refusal(self, attempt: _Attempt, said: PairCodeRefused) -> None:
        attempt.tries.refusals.append(CodeRefusal(attempt.where, said))
        if attempt.member is not None and said.running:
            self._wrong[attempt.member, attempt.code.secret()] = None
            while len(self._wrong) > WRONG_MAX:
                del self._wrong[next(iter(self._wrong))]

    def require_proof(self) -> None:
        """The member said yes: raises ProtocolError unless it knows the code."""
        if not self._under_way().proved:
            self._end(somebody_else("it says yes without knowing the code"))
            raise ProtocolError("the member has not proved that it knows the code")

    def on_entered(self) -> None:
        """This device is in another group now, by its code if one was typed."""
        roster = self._node.roster
        assert roster is not None, "whoever entered a group has its roster"
        self._end(f"This device is in “{roster.name}” now.")

    def on_members(self) -> None:
        """The group, or who is in it, is another one: with company no code is waited for."""
        if self._node.roster is not None and len(self._node.roster.members) > 1:
            self._node.troubles.clear_kind(TroubleKind.CODE)

    def on_ended(self, *, removed: bool = False, unreached: str = "") -> None:
        """The conversation under way came to nothing; `unreached`: why there was none."""
        attempt = self._attempt
        if attempt is not None:
            if NO_COMMON_VERSION in unreached:
                attempt.tries.other_version = of_versions(unreached)
            attempt.tries.removed = attempt.tries.removed or removed
            attempt.current, attempt.proof = None, None
            attempt.transcript, attempt.proved = b"", False
            attempt.member, attempt.label = None, ""

    def _check(self, attempt: _Attempt, message: PairProof) -> None:
        proof = attempt.proof
        if proof is None or not proof.is_ready:
            raise ProtocolError("a proof comes after the share")
        if not proof.is_proved(message.proof, attempt.transcript):
            self._end(somebody_else("it says that it knows the code, and does not"))
            raise ProtocolError("the member's proof of the code is wrong")
        attempt.proved = True

    def _under_way(self) -> _Attempt:
        if self._attempt is None:
            raise ProtocolError("nobody tries a code any more")
        return self._attempt

    # -- time --------------------------------------------------------------------------------------
    def on_leaving(self) -> None:
        """This device ends."""
        if self._attempt is not None:
            self._end(Refused(*_LEAVING))

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        attempt = self._attempt
        if attempt is None:
            return None
        if attempt.current is not None:
            return attempt.until_s
        if self._following(attempt) is not None:
            return self._node.now
        return attempt.find_until_s if self._waits_for_named(attempt) else _gives_up_s(attempt)

    def on_tick(self) -> None:
        """Ask who is there, talk to the next one, or say what came of it."""
        attempt, now = self._attempt, self._node.now
        if attempt is None:
            return
        if not self._policy.lonely:
            self._end(Refused(*_TAKEN))
        elif now >= attempt.until_s:
            self._end(in_vain(attempt.tries))
        else:
            self._go_on(attempt)

    def _go_on(self, attempt: _Attempt) -> None:
        if attempt.current is not None:
            return
        following = self._following(attempt)
        if following is not None:
            attempt.current = following
            attempt.tries.asked.add(following.address)
            self._listener.on_wish(following)
        elif self._node.now >= _gives_up_s(attempt):
            self._end(in_vain(attempt.tries))

    def _following(self, attempt: _Attempt) -> FoundGroup | None:
        """Return who is to be asked next, if somebody is."""
        near, peer = self._policy.inviters.values(), self._policy.join_peer
        fresh = [found for found in near if found.address not in attempt.tries.asked]
        first = next((found for found in fresh if found.address == peer), None)
        if (
            first is not None
            or self._waits_for_named(attempt)
            or len(attempt.tries.asked) >= ASKED_MAX
        ):
            return first
        return fresh[0] if fresh else None

    def _waits_for_named(self, attempt: _Attempt) -> bool:
        """Say whether the device that the person named may still say that it invites."""
        peer, near = self._policy.join_peer, self._policy.inviters
        return peer is not None and peer not in near and self._node.now < attempt.find_until_s

    def _end(self, outcome: str | PotluckError) -> None:
        """Answer, once the index has what the answer is about."""
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            return
        self._policy.door.joins = False
        self._policy.door.settle()
        self._listener.on_wish_withdrawn("the code was tried")
        if isinstance(outcome, str):
            self._node.when_durable([Reply(attempt.command, ok=True, text=outcome)])
            return
        error = outcome
        if attempt.waits and self._policy.lonely:
            note_in_vain(self._node, error, last=attempt.last)
        self._node.do(
            Reply(
                attempt.command,
                ok=False,
                text=error.what,
                code=error.code,
                cause=error.cause,
                fix=error.fix,
            )
        )


def _gives_up_s(attempt: _Attempt) -> float:
    """Return until when somebody, or somebody else, is waited for who has an invite."""
    return attempt.find_until_s if attempt.tries.asked else attempt.until_s
