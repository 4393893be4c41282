"""What is said to people: one line for three parts, and levels that faces know."""

from __future__ import annotations

from potluck.core.errors import DiskTrouble
from potluck.engine.effects import Tell
from potluck.shells.loop.people import first_line, trouble, warning


def test_three_parts_become_one_line() -> None:
    error = DiskTrouble("the index cannot be written", "the disk is full", "free\nsome  space")
    assert (
        first_line(error)
        == "the index cannot be written; probably: the disk is full; try: free; some space"
    )


def test_notices_have_a_level() -> None:
    assert warning("a", "b") == Tell("a", "b", "warning", "")
    assert warning("a", "b", "c") == Tell("a", "b", "warning", "c")
    assert trouble("a", "b") == Tell("a", "b", "error", "")
