"""Gaps: runs of numbers, and what lies in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.content.gaps import before_gaps, gaps_of, lacking_of
from potluck.core.wire.catalogue import Gap


@pytest.mark.parametrize(
    ("seqs", "gaps"),
    [
        ([], ()),
        ([7], (Gap(7, 7),)),
        ([3, 1, 2, 2], (Gap(1, 3),)),
        ([9, 1, 8, 3], (Gap(1, 1), Gap(3, 3), Gap(8, 9))),
    ],
)
def test_numbers_that_follow_each_other_are_one_run(seqs: list[int], gaps: tuple[Gap, ...]) -> None:
    assert gaps_of(seqs) == gaps


def test_more_runs_than_a_message_may_hold_are_not_told_at_all() -> None:
    most = [2 * number for number in range(limits.GAPS_TOLD)]
    assert len(gaps_of(most)) == limits.GAPS_TOLD
    assert gaps_of([*most, 2 * limits.GAPS_TOLD]) == ()
    assert len(gaps_of([*most, most[-1] + 1])) == limits.GAPS_TOLD


@given(st.sets(st.integers(1, 60)))
def test_what_lacks_lies_in_a_gap_and_nothing_else_does(seqs: set[int]) -> None:
    assert lacking_of(gaps_of(seqs), range(62)) == sorted(seqs)
    most = before_gaps(gaps_of(seqs), 50)
    assert not seqs & set(range(1, most + 1))
    assert most == 50 or most + 1 in seqs


def test_gaps_that_a_device_made_up_are_answered() -> None:
    odd = (Gap(9, 2), Gap(3, 3), Gap(1, 5))
    assert lacking_of(odd, [0, 3, 7]) == [3]
    assert before_gaps(odd, 4) == 0
    assert before_gaps((Gap(0, 0),), 4) == 0
