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
from typing import NamedTuple, Protocol, assert_never

from potluck.core.errors import (
    PotluckError,
    ProtocolError,
    Refused,
    TimedOut,
    Untrusted,
    UsageError,
)
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Address,
    PairCodeRefused,
    PairingMessage,
    PairProof,
    PairShare,
)
from potluck.engine.effects import Reply
from potluck.engine.events import NO_COMMON_VERSION
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.node import Node, legible, tell_trouble
from potluck.engine.person_acts import JoinAsked
from potluck.engine.troubles import Trouble, TroubleKind

FIND_S = 3.0  # so long others are waited for once somebody was asked: three questions and answers
JOIN_S = 8.0  # the whole attempt: a face gets its answer within nine seconds
ASKED_MAX = 8  # devices that are given a try at one code; more than people invite at once
WRONG_MAX = 64  # codes that are known to be wrong at somebody's
REFUSALS_SHOWN = 3  # a person reads no more
AT_START = "the code given at the start"
ASK_FOR_ONE = "for a new code, type at the other device: invite"
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


class _Refusal(NamedTuple):
    """What a device that was asked said of the code."""

    where: str  # its address and label, for a person
    said: PairCodeRefused | None  # None: it was not asked, since the code was wrong there before


@dataclass(slots=True)
class _Attempt:
    """One code that was typed."""

    command: int
    waits: bool  # it was given at the start: nobody reads the answer, and it is tried again
    code: Code
    find_until_s: float
    until_s: float
    asked: set[Address] = field(default_factory=set)
    current: FoundGroup | None = None  # that is being asked
    proof: CodeProof | None = None  # of the conversation with it
    transcript: bytes = b""
    member: DeviceId | None = None  # with whom that is,
    label: str = ""  # and how it calls itself
    proved: bool = False  # it showed that it knows the code
    removed: bool = False  # one of them said that this device was removed from its group
    refusals: list[_Refusal] = field(default_factory=list)
    other_version: bool = False  # one of them cannot be understood

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
        return f"<Joining asked={len(attempt.asked)}, near={len(self._policy.inviters)}>"

    # -- what a person wants -----------------------------------------------------------------------
    def begin(self, act: JoinAsked) -> None:
        """Look for the group of that code; raises PotluckError if that cannot be."""
        try:
            code = act.code.read(self._words)
        except UsageError as error:
            if act.waits:
                _note_in_vain(self._node, error)
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
        self._attempt = _Attempt(act.command, act.waits, code, now + FIND_S, now + JOIN_S)
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
            attempt.refusals.append(_Refusal(attempt.where, None))
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
        attempt.refusals.append(_Refusal(attempt.where, said))
        if attempt.member is not None and said.running:
            self._wrong[attempt.member, attempt.code.secret()] = None
            while len(self._wrong) > WRONG_MAX:
                del self._wrong[next(iter(self._wrong))]

    def require_proof(self) -> None:
        """The member said yes: raises ProtocolError unless it knows the code."""
        if not self._under_way().proved:
            self._end(_untrusted("it says yes without knowing the code"))
            raise ProtocolError("the member has not proved that it knows the code")

    def on_entered(self) -> None:
        """This device is in another group now, by its code if one was typed."""
        roster = self._node.roster
        assert roster is not None, "whoever entered a group has its roster"
        self._end(f'This device is in "{roster.name}" now.')

    def on_members(self) -> None:
        """The group, or who is in it, is another one: with company no code is waited for."""
        if self._node.roster is not None and len(self._node.roster.members) > 1:
            self._node.troubles.clear_kind(TroubleKind.CODE)

    def on_ended(self, *, removed: bool = False) -> None:
        """The conversation under way came to nothing."""
        attempt = self._attempt
        if attempt is not None:
            attempt.removed = attempt.removed or removed
            attempt.current, attempt.proof = None, None
            attempt.transcript, attempt.proved = b"", False
            attempt.member, attempt.label = None, ""

    def on_blocked(self, address: Address, reason: str) -> None:
        """Nobody there can be talked to; `reason` as in DialFailed."""
        attempt = self._attempt
        if attempt is not None and address in attempt.asked and NO_COMMON_VERSION in reason:
            attempt.other_version = True

    def _check(self, attempt: _Attempt, message: PairProof) -> None:
        proof = attempt.proof
        if proof is None or not proof.is_ready:
            raise ProtocolError("a proof comes after the share")
        if not proof.is_proved(message.proof, attempt.transcript):
            self._end(_untrusted("it says that it knows the code, and does not"))
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
            self._end(_in_vain(attempt))
        else:
            self._go_on(attempt)

    def _go_on(self, attempt: _Attempt) -> None:
        if attempt.current is not None:
            return
        following = self._following(attempt)
        if following is not None:
            attempt.current = following
            attempt.asked.add(following.address)
            self._listener.on_wish(following)
        elif self._node.now >= _gives_up_s(attempt):
            self._end(_in_vain(attempt))

    def _following(self, attempt: _Attempt) -> FoundGroup | None:
        """Return who is to be asked next, if somebody is."""
        near, peer = self._policy.inviters.values(), self._policy.join_peer
        fresh = [found for found in near if found.address not in attempt.asked]
        first = next((found for found in fresh if found.address == peer), None)
        if first is not None or self._waits_for_named(attempt) or len(attempt.asked) >= ASKED_MAX:
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
            _note_in_vain(self._node, error)
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


def _note_in_vain(node: Node, error: PotluckError) -> None:
    """Have `status` tell what became of the code of the start, and the log while it is tried."""
    reason = f"{error.what[0].lower()}{error.what[1:].removesuffix('.')}: {error.cause}"
    kind, reason = TroubleKind.CODE, f"{reason}; {ASK_FOR_ONE}"
    trouble = Trouble(kind, AT_START, reason, "join", node.now, None)
    if isinstance(error, TimedOut):
        tell_trouble(node, trouble, "code_unanswered")
    else:  # that is an end, which whoever gave the code writes
        node.troubles.note(trouble)


def _gives_up_s(attempt: _Attempt) -> float:
    """Return until when somebody, or somebody else, is waited for who has an invite."""
    return attempt.find_until_s if attempt.asked else attempt.until_s


def _untrusted(cause: str) -> Untrusted:
    what = "Somebody else answers for the group: this device has not joined."
    return Untrusted(what, cause, f"find out who is on this network; {ASK_FOR_ONE}")


def _in_vain(attempt: _Attempt) -> PotluckError:
    """Return why nobody let this device in."""
    if attempt.removed:
        return Refused(
            "This device was removed from that group.",
            "its key counts there no more, with or without a code",
            "start it with another --home, which makes a new key; then type a new code",
        )
    running = [one for one in attempt.refusals if one.said is None or one.said.running]
    if running:
        left = any(one.said is None or one.said.tries for one in running)
        more = len(running) - REFUSALS_SHOWN
        shown = [_not_the_code(one) for one in running[:REFUSALS_SHOWN]]
        shown += [f"And {more} more."] if more > 0 else []
        return Refused(
            " ".join(shown),
            "it was mistyped, or it is the code of another device; each that invites near by "
            "counts a try",
            "compare it with the other screen, then type it again" if left else ASK_FOR_ONE,
        )
    if attempt.refusals:
        return Refused(
            "That code counts no more.", "it was used, is too old, or was taken back", ASK_FOR_ONE
        )
    if attempt.other_version:
        return Refused(
            "The device that invites runs another version of potluck.",
            "the two versions do not understand each other",
            "bring the older one up to date, then type a new code",
        )
    if attempt.asked:
        return TimedOut(
            "The device that invites did not answer in time.",
            "the network is slow, or a firewall is between",
            "try again",
        )
    return TimedOut(
        "Nobody near by has a code in force.",
        "it was used, is too old or was taken back, or the other device is off or on another "
        "network",
        f"{ASK_FOR_ONE}\nif it is on another network: potluck join --peer HOST",
    )


def _not_the_code(one: _Refusal) -> str:
    """Say what a device said of the code, and how many tries are left there."""
    if one.said is None:
        return f"That code was wrong at {one.where} before: it was not tried there again."
    left = f"{one.said.tries} tries are left there"
    if one.said.tries == 1:
        left = "one try is left there"
    if not one.said.tries:
        left = "it was the last try there: that one counts no more"
    return f"That is not the code that {one.where} has in force; {left}."
