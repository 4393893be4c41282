"""Words and figures: each function from values to text, at its edges."""

from __future__ import annotations

import pytest

from potluck.faces import text


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (1_400_000_000, "1.4 GB"),
        (112e6, "112 MB"),
        (999_950, "1.0 MB"),
        (1e19, "10000 PB"),
    ],
)
def test_sizes(count: float, shown: str) -> None:
    assert text.size(count) == shown
    assert text.rate(count) == shown + "/s"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "1 s"), (89, "89 s"), (120, "2 min"), (7200, "2 h")]
)
def test_times_left(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_counts() -> None:
    assert [text.count(number, "file") for number in (0, 1, 1234)] == [
        "0 files",
        "1 file",
        "1,234 files",
    ]


def test_a_bar_is_full_only_when_all_is_done() -> None:
    assert text.bar(0, 10, 4) == "░░░░"
    assert text.bar(5, 10, 4) == "██░░"
    assert text.bar(9.99, 10, 4) == "███▉"
    assert text.bar(10, 10, 4) == text.bar(99, 10, 4) == text.bar(0, 0, 4) == "████"
    assert all(len(text.bar(part, 97, 7)) == 7 for part in range(98))


def test_columns_know_wide_and_combining_letters() -> None:
    assert [text.columns(one) for one in ("abc", "名前", "e\u0301")] == [3, 4, 1]


def test_long_names_are_cut_in_the_middle() -> None:
    assert text.fitted("short", 8) == "short   "
    assert text.fitted("a long name.txt", 9) == "a lo….txt"
    assert all(
        text.columns(text.fitted("名前名前名前.txt", width)) == width for width in range(3, 20)
    )


def test_tables_stand_in_columns() -> None:
    assert text.table([["a", "名前", "x"], ["bbb", "c", ""]], indent="") == [
        "a    名前  x",
        "bbb  c",
    ]
    assert text.table([]) == []


def test_foreign_names_cannot_move_the_cursor() -> None:
    assert text.shown("a\x1b[2Jb\nc\u202e") == "a\\x1b[2Jb\\x0ac\\u202e"


def test_an_amount_names_its_unit_once_where_that_goes() -> None:
    assert text.amount(1.1e9, 1.4e9) == "1.1 / 1.4 GB"
    assert text.amount(9e8, 1.4e9) == "900 MB / 1.4 GB"
    assert text.amount(0, 100) == "0 / 100 B"


def test_only_all_of_it_is_a_hundred_percent_and_only_nothing_none() -> None:
    shares = [text.percent(*each) for each in ((35, 100), (999, 1000), (5, 5), (0, 0), (7, 5))]
    assert shares == ["35 %", "99 %", "100 %", "100 %", "100 %"]
    few = [text.percent(*each) for each in ((0, 400), (4, 400_000_000), (9, 1000), (1, 100))]
    assert few == ["0 %", "<1 %", "<1 %", "1 %"]


def test_sentences_are_broken_between_words() -> None:
    assert text.wrapped("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert text.wrapped("  the quick", 6, "    ") == ["  the", "    qu", "    ic", "    k"]
    assert text.wrapped("", 10) == [""]
    assert text.wrapped("漢漢漢", 5) == ["漢漢", "漢"]
    assert text.wrapped("漢a", 0) == ["漢", "a"]


def test_nothing_fits_into_no_columns() -> None:
    assert [text.fitted("abc", width) for width in (-1, 0, 1, 2)] == ["", "", "…", "…c"]


def test_what_lacks_is_counted_in_files_and_folders() -> None:
    assert text.lacking_words(1, 0, 1000) == "1 file (1.0 KB)"
    assert text.lacking_words(0, 1, 0) == "1 folder"
    assert text.lacking_words(0, 0, 10) == "10 B"
    assert text.lacking_words(0, 0, 0) == ""
