"""Dropping: each kind is said once, all are counted, and nobody can make the list of kinds long."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from potluck.core.errors import Malformed
from potluck.engine.effects import Reply, Tell
from potluck.shells.loop.dropping import KINDS, Dropping

if TYPE_CHECKING:
    import pytest


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.tells: list[Tell] = []

    def told(self, tell: Tell, /) -> None:
        self.tells.append(tell)

    def replied(self, reply: Reply, /) -> None:
        raise AssertionError(reply)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 # house: as the loop catches it
        return caught


def test_each_kind_is_said_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    people = Listener()
    dropping = Dropping()
    for _ in range(5):
        why = dropping.note("an event", raised(ZeroDivisionError("oops")), people)
    dropping.note("an event", raised(KeyError("other")), people)
    dropping.note("Send", raised(ZeroDivisionError("oops")), people)
    assert why == "a fault in potluck itself: ZeroDivisionError('oops')"
    assert [tell.text for tell in people.tells] == [
        "an event was dropped: a fault in potluck itself: ZeroDivisionError('oops')",
        "an event was dropped: a fault in potluck itself: KeyError('other')",
        "Send was dropped: a fault in potluck itself: ZeroDivisionError('oops')",
    ]
    assert {(tell.code, tell.level) for tell in people.tells} == {("dropped", "error")}
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3
    assert all(record.exc_info for record in caplog.records)
    assert repr(dropping) == "<Dropping: 7 dropped, 3 kinds>"


def test_an_error_of_ours_says_its_three_parts_in_one_line() -> None:
    people = Listener()
    assert Dropping().note("an event", Malformed("no", "because", "do"), people) == (
        "no; probably: because; try: do"
    )


def test_kinds_are_bounded_and_the_count_goes_on() -> None:
    people = Listener()
    dropping = Dropping()
    for number in range(KINDS + 10):
        dropping.note(f"kind {number}", ValueError("never raised"), people)
    assert len(people.tells) == KINDS
    assert dropping.count == KINDS + 10
