"""What a device said last: no part of it is more than what it is a part of."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING, Amount
from potluck.core.content.last_words import HeadNumber, LastWord, at_most, no_room_words
from potluck.core.wire.catalogue import Gap

H1, H2 = HeadNumber(1, 9), HeadNumber(2, 1)
MISSING = Amount(3, 1, 300)
MUCH = Amount(2**40, 2**40, 2**40)


def test_heads_are_ordered_by_age() -> None:
    assert H1 < H2


@pytest.mark.parametrize(
    ("skipped", "no_room", "said"),
    [
        (NOTHING, Amount(2, 0, 200), (NOTHING, Amount(2, 0, 200))),
        (Amount(1, 0, 100), Amount(3, 0, 300), (Amount(1, 0, 100), Amount(2, 0, 200))),
        (MUCH, MUCH, (MISSING, NOTHING)),
        (NOTHING, MUCH, (NOTHING, MISSING)),
    ],
    ids=["both are true", "what is skipped needs no room", "a liar", "another liar"],
)
def test_what_has_no_room_is_a_part_of_what_lacks_and_is_not_skipped(
    skipped: Amount, no_room: Amount, said: tuple[Amount, Amount]
) -> None:
    word = LastWord.of(H1, MISSING, skipped, no_room)
    assert (word.number, word.missing, (word.skipped, word.no_room)) == (H1, MISSING, said)


def test_what_lacks_is_named_only_where_something_lacks() -> None:
    gaps = (Gap(3, 4),)
    lacks, whole = (LastWord.of(H1, each, NOTHING, NOTHING) for each in (MISSING, NOTHING))
    assert (lacks.with_gaps(gaps).gaps, whole.with_gaps(gaps).gaps) == (gaps, ())
    assert lacks.with_gaps(()) == lacks


def test_each_figure_is_bounded_by_itself() -> None:
    assert at_most(Amount(1, 2, 300), Amount(2, 1, 200)) == Amount(1, 1, 200)


def test_who_has_no_room_is_named_with_how_much_that_is() -> None:
    ben, nas = ("ben", Amount(1, 0, 1000)), ("nas", Amount(3, 0, 2_000_000))
    assert no_room_words([]) == no_room_words([("ben", NOTHING)]) == ""
    assert no_room_words([ben, ("cat", NOTHING)]) == "no room for 1 file (1.0 KB) on ben"
    assert no_room_words([nas, ben]) == (
        "no room for 3 files (2.0 MB) on nas and for 1 file (1.0 KB) on ben"
    )


def test_what_stands_at_no_list_is_taken_back() -> None:
    assert LastWord(HeadNumber(0, 0), NOTHING).is_taken_back
    assert not LastWord(HeadNumber(1, 1), NOTHING).is_taken_back
