"""Invitations: the code that is in force on this device, and what people hear of it.

Strategy: one invite at a time (core/group/codes.py is its machine). While it runs the door can be
reached, so that whoever knows the code finds somebody to prove it to (code_checks.py talks with
them). A new invite takes the place of the one before; a code is handed out once, as the answer to
whoever asked for it, and stands nowhere afterwards but in this process. A member checks its own
invites only: no other device, of the group or not, ever learns a code or what a try was like.

Guarantees: tries are counted when they begin, however they come; the own code, typed here by
mistake, is none, and is tried nowhere. The person hears of every try in
vain (there are three at most), who got in, and why an invite is over. An invite ends with the group
it was made in, and with the program. Limits: who has a code and uses it first gets in; a code is as
secret as the way it was handed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest

from potluck.core import limits
from potluck.core.errors import NotFound, Refused, UsageError
from potluck.core.group.codes import (
    Code,
    Invite,
    InviteOver,
    InviteState,
    TypedCode,
    draw_code,
)
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.node import Node

ANOTHER_CODE = "invite"  # what a person types for another one
REPLACED = "a new code was made: the one before counts no more"
VOID = "this device is in another group now: the code of the former one counts no more"
_OVER = {
    InviteState.EXPIRED: "nobody used the code in time: it counts no more",
    InviteState.WITHDRAWN: "the code was taken back: it counts no more",
    InviteState.GUESSED: f"{limits.CODE_TRIES} tries in vain: the code counts no more; either it "
    "was mistyped, or somebody guesses",
}


@dataclass(frozen=True, slots=True)
class CodeTry:
    """One try that has begun, and counts."""

    invite: Invite

    @property
    def code(self) -> Code:
        """What the other side must know."""
        return self.invite.code


class Invitations:
    """The running invite of this device."""

    def __init__(self, node: Node, admission_policy: AdmissionPolicy, words: Sequence[str]) -> None:
        """No code is in force; new ones are made of these words."""
        self._node, self._admission_policy, self._words = node, admission_policy, words
        self._invite: Invite | None = None

    def __repr__(self) -> str:
        return f"<Invitations {self._invite!r}>"

    # -- what a person wants -----------------------------------------------------------------------
    def invite(self, life_s: float) -> str:
        """Put a new code in force and return it; raises UsageError."""
        longest_s = limits.INVITE_MAX_MINUTES * 60
        if not limits.INVITE_LEAST_S <= life_s <= longest_s:
            raise UsageError(
                "A code cannot count for that long.",
                f"it takes minutes, at most {limits.INVITE_MAX_MINUTES}, and a second at least",
                f"{ANOTHER_CODE} --minutes 10",
            )
        node = self._node
        if self._invite is not None:
            self._tell_over(self._invite.on_taken_back(), REPLACED)
        self._invite = Invite(draw_code(self._words, node.chance), life_s, node.now)
        self._set_door(invites=True)
        return self._invite.code.spoken()

    def uninvite(self) -> str:
        """Take the code back and return what happened; raises NotFound."""
        invite = self._invite
        if invite is None:
            raise NotFound(
                "No code is in force.", "it was used, is too old, or there was none", ANOTHER_CODE
            )
        self._tell_over(invite.on_taken_back())
        return "The code counts no more."

    def check_other(self, typed: TypedCode) -> None:
        """Find out that what was typed here is not the own code; raises Refused."""
        if self._invite is None:
            return
        try:
            code = typed.read(self._words)
        except UsageError:
            return  # whoever would try it says so
        if compare_digest(code.secret(), self._invite.code.secret()):
            raise Refused(
                "That is the code of this device itself.",
                "it was made here, so that another device comes in; it still counts there",
                "give it to the device that is to come in",
            )

    # -- tries -------------------------------------------------------------------------------------
    @property
    def tries_left(self) -> int:
        """How many tries may still begin."""
        return self._invite.tries_left if self._invite is not None else 0

    @property
    def left_s(self) -> float | None:
        """How long the code counts from now on; None if there is none in force."""
        return self._invite.until_s - self._node.now if self._invite is not None else None

    def begin(self) -> CodeTry | None:
        """Count a try; returns it if there was one left."""
        invite = self._invite
        if invite is None or not invite.begin(self._node.now):
            return None
        return CodeTry(invite)

    def prove(self, one: CodeTry) -> bool:
        """That try was right; returns whether it is the one use of its code."""
        if not one.invite.prove(self._node.now):
            return False
        self._forget()
        return True

    def on_failed(self, one: CodeTry, host: str) -> None:
        """That try, from that host, was wrong or was not gone on with."""
        if one.invite.running:
            left = one.invite.tries_left
            what = f"{host} tried a code in vain; {left} {'try' if left == 1 else 'tries'} left"
            self._node.tell("code_wrong", what, level="warning", subject=host)
        self._tell_over(one.invite.on_failed())

    # -- facts and time ----------------------------------------------------------------------------
    def on_regrouped(self) -> None:
        """This device is in another group now: what was promised of the former one is void."""
        if self._invite is not None:
            self._tell_over(self._invite.on_taken_back(), VOID)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._invite.deadline() if self._invite is not None else None

    def on_tick(self) -> None:
        """End what is too old."""
        if self._invite is not None:
            self._tell_over(self._invite.on_tick(self._node.now))

    def _tell_over(self, ends: Sequence[InviteOver], why: str = "") -> None:
        """Say that it is over; `why`: if nobody took it back who is a person."""
        for end in ends:
            level = "warning" if end.why is InviteState.GUESSED else "info"
            self._node.tell("invite_over", why or _OVER[end.why], level=level)
            self._forget()

    def _forget(self) -> None:
        """No code is in force any more; the door is as it was before."""
        self._invite = None
        self._set_door(invites=False)

    def _set_door(self, *, invites: bool) -> None:
        self._admission_policy.door.invites = invites
        self._admission_policy.door.settle()
