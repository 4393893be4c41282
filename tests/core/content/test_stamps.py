"""Stamps: which folder goes on from what an index knows, and what is kept of them."""

from __future__ import annotations

import pytest

from potluck.core.content.stamps import (
    STAMPS_KEPT,
    Stamp,
    goes_on,
    next_line,
    packed,
    read_stamps,
    unpacked,
    written,
)

A, B, C, OTHER = (
    Stamp(number, mark * 8) for number, mark in ((1, b"a"), (2, b"b"), (3, b"c"), (2, b"o"))
)


@pytest.mark.parametrize(
    ("line", "known", "expected"),
    [
        ((), None, True),
        ((A,), None, True),
        ((B, A), B, True),
        ((C, B, A), B, True),  # the index is the older one, or a crash came in between
        ((A,), B, False),
        ((), B, False),
        ((OTHER, A), B, False),  # two lives that began at one number
        ((C, OTHER, A), B, False),
        ((Stamp(90, b"x" * 8), Stamp(80, b"y" * 8)), B, True),  # its line does not reach back
        ((C, B), A, True),
    ],
)
def test_what_goes_on(line: tuple[Stamp, ...], known: Stamp | None, expected: bool) -> None:
    assert goes_on(line, known) is expected


def test_a_folder_that_is_written_first_never_looks_older() -> None:
    line, known = tuple[Stamp, ...](), None
    for step in range(3 * STAMPS_KEPT):
        copy = line
        line = next_line(line, known, step.to_bytes(8))
        assert goes_on(line, known), "a crash before the index"
        known = line[0]
        assert goes_on(line, known)
        assert not step or not goes_on(copy, known), "a copy from before"
    assert len(line) == STAMPS_KEPT


def test_an_older_copy_that_is_stamped_goes_on_from_both() -> None:
    line = next_line((A,), C, b"n" * 8)
    assert line == (Stamp(4, b"n" * 8), C, A)
    assert goes_on(line, C)
    assert goes_on(line, A)


def test_what_is_kept_is_read_again() -> None:
    assert read_stamps(written((B, A))) == (B, A)
    assert read_stamps(b"") == ()
    assert unpacked(packed(C)) == C
    assert unpacked(None) is None
    assert unpacked(b"short") is None


@pytest.mark.parametrize(
    "text",
    [
        b"nothing\n",
        b"1 zz\n",
        b"1 61\n",
        b"0 " + b"61" * 8,
        b"-1 " + b"61" * 8,
        b"1 \xff\n",
        b"9" * 30 + b" " + b"61" * 8,
    ],
)
def test_what_was_not_written_so_is_nothing(text: bytes) -> None:
    assert read_stamps(text) == ()
