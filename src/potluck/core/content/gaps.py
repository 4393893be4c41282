"""Gaps: which records of an owner's list a device lacks, by the numbers of the changes.

Strategy: every record of a list has the number of the change that made it, and no two have the same
one, so runs of these numbers say briefly what lacks: a folder that nobody wants there was shared in
one go, most likely, and is one run. They are said only where they are all that lacks and few enough
to be told; then whatever else stands in that list is there.

Guarantees: pure; whatever a device sends as its gaps, each question has an answer. Limits: more
than `limits.GAPS_TOLD` runs are not told at all: then it is not known what lacks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from potluck.core import limits
from potluck.core.wire.catalogue import Gap


def gaps_of(seqs: Iterable[int]) -> tuple[Gap, ...]:
    """Return the runs of these numbers, the lowest first; nothing if they are too many to tell."""
    runs = list[list[int]]()
    for seq in sorted(seqs):
        if runs and seq <= runs[-1][1] + 1:
            runs[-1][1] = seq
        elif len(runs) == limits.GAPS_TOLD:
            return ()
        else:
            runs.append([seq, seq])
    return tuple(Gap(first, last) for first, last in runs)


def lacking_of(gaps: Sequence[Gap], seqs: Iterable[int]) -> list[int]:
    """Return which of these numbers lie in a gap."""
    firsts, lasts = list[int](), list[int]()
    for gap in sorted(gaps, key=lambda gap: gap.first):
        firsts.append(gap.first)
        lasts.append(max(gap.last, lasts[-1] if lasts else 0))
    before = ((seq, bisect_right(firsts, seq)) for seq in seqs)
    return [seq for seq, at in before if at and seq <= lasts[at - 1]]


def before_gaps(gaps: Sequence[Gap], seq: int) -> int:
    """Return the highest number, `seq` at most, up to which nothing lacks."""
    return min([seq, *(max(gap.first - 1, 0) for gap in gaps)])
