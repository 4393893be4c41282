"""Joining ends: why a code let nobody in, in words for whoever typed it.

Strategy: what each device that was asked said of the code is collected; of all of it the one thing
is told that helps most. Guarantees: nothing of the code is told. Limits: words only; who is asked
is decided in joining.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from potluck.core.errors import PotluckError, Refused, TimedOut, Untrusted
from potluck.core.limits import INVITE_S
from potluck.core.wire.catalogue import Address, PairCodeRefused
from potluck.engine.node import Node, tell_trouble
from potluck.engine.troubles import Trouble, TroubleKind

REFUSALS_SHOWN = 3  # a person reads no more
AT_START = "the code given at the start"
TRIED_AGAIN = f"it is tried again by itself, until {INVITE_S / 60:g} minutes after the start"
ASK_FOR_ONE = "for a new code, type at the other device: invite"


class CodeRefusal(NamedTuple):
    """What a device that was asked said of the code."""

    where: str  # its address and label, for a person
    said: PairCodeRefused | None  # None: it was not asked, since the code was wrong there before


@dataclass(slots=True)
class CodeTries:
    """What came of one code so far."""

    asked: set[Address] = field(default_factory=set)
    removed: bool = False  # one of them said that this device was removed from its group
    refusals: list[CodeRefusal] = field(default_factory=list)
    other_version: str = ""  # why one of them cannot be understood


def note_in_vain(node: Node, error: PotluckError, *, last: bool) -> None:
    """Have `status` tell what became of the code of the start, and the log while it is tried.

    `last`: it is not tried again, whatever came of it.
    """
    again = isinstance(error, TimedOut) and not last
    reason = f"{error.what[0].lower()}{error.what[1:].removesuffix('.')}: {error.cause}"
    reason += f"; {TRIED_AGAIN}; {ASK_FOR_ONE}" if again else f"; {ASK_FOR_ONE}"
    command = "peers" if again else "join"  # until then nobody has to type another one
    trouble = Trouble(TroubleKind.CODE, AT_START, reason, command, node.now, None)
    if again:
        tell_trouble(node, trouble, "code_unanswered")
    else:  # that is an end, which whoever gave the code writes
        node.troubles.note(trouble)


def somebody_else(cause: str) -> Untrusted:
    """Return that whoever answers is not who it should be."""
    what = "Somebody else answers for the group: this device has not joined."
    return Untrusted(what, cause, f"find out who is on this network; {ASK_FOR_ONE}")


def in_vain(tries: CodeTries) -> PotluckError:
    """Return why nobody let this device in."""
    if tries.removed:
        return Refused(
            "This device was removed from that group.",
            "its key counts there no more, with or without a code",
            "start it with another --home, which makes a new key; then type a new code",
        )
    running = [one for one in tries.refusals if one.said is None or one.said.running]
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
    if tries.refusals:
        return Refused(
            "That code counts no more.", "it was used, is too old, or was taken back", ASK_FOR_ONE
        )
    if tries.other_version:  # who has that very code may come yet
        return TimedOut(
            "The device that invites runs another version of potluck.",
            tries.other_version,
            "potluck version, on both; once the older one is up to date, type a new code",
        )
    if tries.asked:
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


def _not_the_code(one: CodeRefusal) -> str:
    """Say what a device said of the code, and how many tries are left there."""
    if one.said is None:
        return f"That code was wrong at {one.where} before: it was not tried there again."
    left = f"{one.said.tries} tries are left there"
    if one.said.tries == 1:
        left = "one try is left there"
    if not one.said.tries:
        left = "it was the last try there: that one counts no more"
    return f"That is not the code that {one.where} has in force; {left}."
