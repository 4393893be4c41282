"""Held paths: kept until shared again, and across restarts."""

from __future__ import annotations

from potluck.engine.others.holds import Holds
from tests.engine.index.builders import ANNA, BERT, index


def test_what_is_held_is_held_for_its_owner_only() -> None:
    held = Holds(index())
    assert held.hold(ANNA, [b"a", b"b"]) == 2
    assert held.hold(ANNA, [b"b", b"c"]) == 1
    assert held.has((ANNA, b"a"))
    assert not held.has((BERT, b"a"))


def test_a_restart_forgets_nothing_and_a_release_lasts() -> None:
    kept = index()
    Holds(kept).hold(ANNA, [b"a", b"b"])
    Holds(kept).release(ANNA, [b"a", b"other"])
    later = Holds(kept)
    assert (later.has((ANNA, b"a")), later.has((ANNA, b"b"))) == (False, True)


def test_nothing_is_written_where_nothing_changes() -> None:
    kept = index()
    held = Holds(kept)
    assert held.hold(ANNA, []) == 0
    held.release(ANNA, [b"a"])
    assert kept.meta.get(f"held {ANNA.hex()}") is None
