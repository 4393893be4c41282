"""Last words: what a device said last of one manifest, and how much of it lacks room there.

Strategy: what was said is made a part of what it is about when it is taken in: what is skipped is
some of what lacks, and what has no room is some of the rest. Who looks at a folder as it is held
here bounds that once more by what is in it. Guarantees: immutable; of what lacks nothing is said
twice, whatever a device sends. Limits: which files they are is said only where they are few
(core/content/gaps.py), else how many; that there is no room is believed, as everything that a
device says of itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from potluck.core.content.facts import NOTHING, Amount
from potluck.core.wire.catalogue import Gap
from potluck.core.wording import listed, of_amount


class HeadNumber(NamedTuple):
    """Which state of a manifest: a head without its content, ordered by age."""

    generation: int
    seq: int


@dataclass(frozen=True, slots=True)
class LastWord:
    """What a device said last of one manifest."""

    number: HeadNumber  # the head it holds
    missing: Amount  # of that on its disk
    skipped: Amount = NOTHING  # of what is missing: a person does not want it there
    no_room: Amount = NOTHING  # of the rest: not begun, since that disk has no room for it
    gaps: tuple[Gap, ...] = ()  # all that is missing, if it was told what that is

    @property
    def is_taken_back(self) -> bool:
        """Whether what it said before counts no more, and it says nothing of it now."""
        return self.number.generation == 0

    @classmethod
    def of(cls, number: HeadNumber, missing: Amount, skipped: Amount, no_room: Amount) -> LastWord:
        """Return what was said, as far as each is a part of what is missing."""
        skipped = at_most(skipped, missing)
        return cls(number, missing, skipped, at_most(no_room, missing.less(skipped)))

    def with_gaps(self, gaps: tuple[Gap, ...]) -> LastWord:
        """Return the same, with what is missing by number; of nothing there are no gaps."""
        return replace(self, gaps=gaps if self.missing != NOTHING else ())


def at_most(amount: Amount, whole: Amount) -> Amount:
    """Return as much of an amount as can be a part of another one."""
    return Amount(*map(min, amount, whole))


def no_room_words(rows: Iterable[tuple[str, Amount]]) -> str:
    """Return "no room for 3 files (1.2 GB) on nas and for 1 file (1 KB) on ben", "" for none."""
    short = [f"for {of_amount(*amount)} on {label}" for label, amount in rows if amount != NOTHING]
    return f"no room {listed(short)}" if short else ""
