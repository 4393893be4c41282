"""Names in the trash: whatever a file was called, its name there gives that back."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.limits import COMPONENT_BYTES
from potluck.shells.disk.trash_layout import (
    Top,
    Why,
    path_in,
    read_top,
    stays_whole,
    taken_over_name,
    top_name,
    trash_names,
    turn_of,
)

NAMES = st.text("a~2é.", min_size=1, max_size=40)


LONG = st.integers(200, 255).map(lambda n: "x" * n) | st.integers(240, 253).map(
    lambda n: "x" * n + "~2"
)


@given(NAMES | LONG)
def test_every_name_that_a_file_may_have_there_gives_its_own_back(name: str) -> None:
    whole = stays_whole(name)
    tops = [read_top(top_name(0, Why.DELETED, n, whole=whole)) for n in (1, 2, 3)]
    stored = [(top, each) for top in tops for each in islice(trash_names(name), 12)]
    assert len(set(stored)) == (3 if whole else 12)
    for top, each in stored:
        assert top is not None
        assert len(each.encode()) <= COMPONENT_BYTES
        if name not in {".", ".."}:
            assert str(path_in(top, ("ann", each))) == f"ann/{name}"


def test_a_folder_of_whole_names_says_the_how_manieth_all_in_it_are() -> None:
    tops = [read_top(top_name(3, Why.REPLACED, n, whole=True)) for n in (1, 2, 12)]
    assert tops == [Top(3, Why.REPLACED, turn=n) for n in (1, 2, 12)]
    assert [turn_of(top, "a~7") for top in tops] == [1, 2, 12]


def test_what_an_earlier_potluck_cut_is_read_as_ever() -> None:
    cut = "x" * 253 + "~2"
    assert str(path_in(Top(0, Why.REPLACED), ("ann", cut))) == "ann/" + "x" * 253
    assert str(path_in(Top(0, Why.REPLACED), ("ann", "x" * 255))) == "ann/" + "x" * 255


@given(NAMES, NAMES)
def test_two_names_never_have_one_in_common(one: str, other: str) -> None:
    if one != other:
        assert not set(islice(trash_names(one), 30)) & set(islice(trash_names(other), 30))


@pytest.mark.parametrize("why", [Why.DELETED, Why.REPLACED])
def test_a_folder_says_its_day_and_why(why: Why) -> None:
    for series in (1, 2, 10):
        assert read_top(top_name(12, why, series)) == Top(12, why)
    assert top_name(2, why) < top_name(12, why)


def test_a_name_says_the_how_manieth_it_is() -> None:
    names = islice(trash_names("a"), 3)
    assert [turn_of(None, name) for name in (*names, "b~1")] == [1, 2, 3, 1]


def test_what_was_taken_over_says_the_day_and_what_it_was() -> None:
    assert read_top(taken_over_name(7, "20250131")) == Top(7, Why.UNKNOWN, "20250131")
    long = taken_over_name(7, "\udcff" + "é" * 200, 3)
    assert len(long.encode()) <= COMPONENT_BYTES
    assert long.endswith("~3")
    assert taken_over_name(7, "\udcff") == "day-000007 was \udcff"


@pytest.mark.parametrize(
    "name", ["20250131", "day-1-deleted", "day-0000001-deleted", "day-000001", "day-٠٠٠٠٠١-deleted",
             "day-000001-deleted.", "day-000001-stolen", "day-000001-deleted-whole",
             "day-000001-deleted\n"]
)  # fmt: skip
def test_another_name_is_none_of_ours(name: str) -> None:
    assert read_top(name) is None


def test_in_what_was_taken_over_nothing_is_taken_off() -> None:
    assert str(path_in(Top(0, Why.UNKNOWN, "x"), ("ann", "a~2"))) == "ann/a~2"


@pytest.mark.parametrize(
    "parts", [("stray",), ("ann", "\udcff"), ("ann", "a\x1b"), ("ann", "a\\b")]
)
def test_what_could_be_no_shared_file_is_a_version_of_nothing(parts: tuple[str, ...]) -> None:
    assert path_in(Top(0, Why.DELETED), parts) is None
