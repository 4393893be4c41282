"""Sender bounds: nobody crowds out anybody else, whatever is sent in whatever order."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.sender_bounds import SenderBounds


def test_a_sender_that_has_its_share_makes_room_itself() -> None:
    bounds = SenderBounds[int](each=2, in_all=10)
    assert [bounds.note(number, "loud") for number in range(5)] == [None, None, 0, 1, 2]
    assert bounds.note(10, "quiet") is None
    assert (len(bounds), repr(bounds)) == (3, "<SenderBounds 3/10 of 2 senders>")


def test_when_all_is_full_who_has_most_makes_room() -> None:
    bounds = SenderBounds[int](each=3, in_all=4)
    for number, sender in enumerate(["quiet", "loud", "loud", "loud"]):
        assert bounds.note(number, sender) is None
    assert bounds.note(4, "new") == 1
    assert bounds.note(5, "newer") == 2


def test_what_is_here_takes_no_second_place_and_what_is_forgotten_none() -> None:
    bounds = SenderBounds[int](each=1, in_all=1)
    assert bounds.note(1, "a") is None
    assert bounds.note(1, "b") is None
    bounds.forget(2)
    bounds.forget(1)
    assert (len(bounds), bounds.note(2, "b")) == (0, None)
    bounds.clear()
    assert (len(bounds), bounds.note(3, "c")) == (0, None)


@given(
    st.integers(1, 4),
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcde"), st.booleans()), max_size=80),
)
def test_the_bounds_hold_at_every_moment_and_a_newcomer_is_never_turned_away(
    each: int, in_all: int, story: list[tuple[int, str, bool]]
) -> None:
    bounds, kept = SenderBounds[int](each, in_all), dict[int, str]()
    for key, sender, forgotten in story:
        before = Counter(kept.values())
        gone = bounds.note(key, sender)
        if gone is not None:
            assert kept[gone] == sender or before[kept[gone]] == max(before.values())
            del kept[gone]
        kept.setdefault(key, sender)
        assert key in kept
        assert max(Counter(kept.values()).values()) <= each
        assert len(bounds) == len(kept) <= in_all
        if forgotten:
            bounds.forget(key)
            del kept[key]
