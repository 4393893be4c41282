"""Held paths: kept until shared again, and across restarts."""

from __future__ import annotations

from potluck.engine.held import Held
from tests.engine.index.builders import ANNA, BERT, index


def test_what_is_held_is_held_for_its_owner_only() -> None:
    held = Held(index())
    assert held.hold(ANNA, [b"a", b"b"]) == 2
    assert held.hold(ANNA, [b"b", b"c"]) == 1
    assert held.has((ANNA, b"a"))
    assert not held.has((BERT, b"a"))


def test_a_restart_forgets_nothing_and_a_release_lasts() -> None:
    kept = index()
    Held(kept).hold(ANNA, [b"a", b"b"])
    Held(kept).release(ANNA, [b"a", b"other"])
    later = Held(kept)
    assert (later.has((ANNA, b"a")), later.has((ANNA, b"b"))) == (False, True)


def test_nothing_is_written_where_nothing_changes() -> None:
    kept = index()
    held = Held(kept)
    assert held.hold(ANNA, []) == 0
    held.release(ANNA, [b"a"])
    assert kept.meta.get(f"held {ANNA.hex()}") is None
