"""Skip rules: which pattern a path is skipped for, and what is wanted all the same."""

from __future__ import annotations

import pytest

from potluck.core.content.skip_rules import EVERYTHING, skip_rules, why_no_pattern


@pytest.mark.parametrize(
    ("path", "is_folder", "by"),
    [
        (b"a.iso", False, "*.iso"),
        (b"deep/down/a.iso", False, "*.iso"),
        (b"a.iso.txt", False, None),
        (b"videos", True, None),
        (b"films", True, "/films/"),
        (b"films", False, None),
        (b"videos/a", False, "/videos/"),
        (b"videos/more/a", False, "/videos/"),
        (b"old/videos/a", False, None),
        (b"videos/best", True, None),
        (b"videos/best/one", False, None),
        (b"videos/best of/one", False, "/videos/"),
        (b"videos/best/one.iso", False, None),
        (b"x/keep.iso", False, None),
        (b"x", True, None),
        ("für/ä.iso".encode(), False, "*.iso"),
    ],
)
def test_the_pattern_that_fits_is_named(path: bytes, is_folder: bool, by: str | None) -> None:
    rules = skip_rules(["/videos/", "/films/", "*.iso"], ["videos/best", "x/keep.iso"])
    assert rules
    assert rules.skipped_by(path, is_folder=is_folder) == by


@pytest.mark.parametrize(
    ("path", "is_folder", "by"),
    [
        (b"docs", True, None),
        (b"docs/a", False, None),
        (b"docs/old", True, "/docs/old"),
        (b"docs/old/a", False, "/docs/old"),
        (b"docs/old/a.pdf", False, None),
        (b"films", True, "/*"),
        (b"films/deep/a.pdf", False, None),
        (b"films/a", False, "/*"),
    ],
)
def test_of_those_that_fit_the_last_counts(path: bytes, is_folder: bool, by: str | None) -> None:
    rules = skip_rules(["/*", "!/docs", "!docs", "/docs/old", "!*.pdf"], [])
    assert rules.has_kept
    assert rules.skipped_by(path, is_folder=is_folder) == by


def test_everything_can_be_kept_after_something_was_skipped() -> None:
    rules = skip_rules(["*.iso", "!/"], [])
    assert rules.skipped_by(b"a.iso", is_folder=False) is None
    assert not skip_rules(["*.iso"], []).has_kept


def test_the_folders_of_what_is_wanted_are_made() -> None:
    rules = skip_rules([EVERYTHING], ["a/b/c"])
    assert rules.skipped_by(b"a", is_folder=True) is None
    assert rules.skipped_by(b"a/b", is_folder=True) is None
    assert rules.skipped_by(b"a/x", is_folder=False) == EVERYTHING
    assert rules.skipped_by(b"a/b/c", is_folder=False) is None


def test_without_patterns_everything_is_wanted() -> None:
    rules = skip_rules([], ["a"])
    assert not rules
    assert rules.skipped_by(b"b", is_folder=False) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("*.iso", ""),
        (EVERYTHING, ""),
        ("/videos/", ""),
        ("a\nb", "it has more than one line"),
        ("a\rb", "it has more than one line"),
        ("!a", "a pattern that begins like this adds nothing"),
        ("#a", "a pattern that begins like this adds nothing"),
        ("", "there is nothing in it"),
        ("[a", "an open bracket without its end"),
        ("**/[ab]*[ab]*c", ""),
        ("[ab]*[ab]*[ab]*[ab]*c", "more than 3 stars in a pattern"),
    ],
)
def test_what_is_no_pattern_says_why(text: str, why: str) -> None:
    assert why_no_pattern(text) == why
