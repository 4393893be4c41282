"""Endings: what a head ends, and what counts as one go."""

from __future__ import annotations

from potluck.engine.node import Node
from potluck.engine.own.endings import ENDINGS_LONGEST_S, ENDINGS_PAUSE_S, Endings
from tests.engine.builders import node
from tests.engine.index.builders import folder, record


def sharing(*names: str) -> tuple[Node, Endings]:
    """A device that shares these files."""
    made = node(1)
    made.index.manifests.put(made.own_manifest, [record(name) for name in names])
    return made, Endings(made)


def bursts(made: Node) -> dict[bytes, int]:
    found = made.index.former.below(made.own_manifest, b"", 99)
    return {each.record.path: each.burst for each in found}


def test_what_ends_close_together_has_one_number() -> None:
    made, endings = sharing("a", "b", "c", "d")
    endings.note([], [b"a"])
    made.now += ENDINGS_PAUSE_S - 1
    endings.note([record("b", text="new")], [])
    made.now += ENDINGS_PAUSE_S
    endings.note([], [b"c"])
    assert bursts(made) == {b"a": 1, b"b": 1, b"c": 2}
    assert repr(endings) == "<Endings 2>"
    again = Endings(made)  # a start begins a new one
    again.note([], [b"d"])
    assert bursts(made)[b"d"] == 3


def test_what_goes_on_for_long_is_not_one_for_ever() -> None:
    names = [f"{n:03}" for n in range(int(ENDINGS_LONGEST_S / ENDINGS_PAUSE_S) + 40)]
    made, endings = sharing(*names)
    for name in names:
        endings.note([], [name.encode()])
        made.now += ENDINGS_PAUSE_S - 1
    assert set(bursts(made).values()) > {1, 2}


def test_what_only_comes_is_no_ending() -> None:
    made, endings = sharing("a", "b")
    endings.note([], [b"a"])
    for _ in range(9):  # new files all the time do not make two deletes one
        made.now += ENDINGS_PAUSE_S / 8
        endings.note([record("new"), folder("d")], [])
    endings.note([], [b"b"])
    assert bursts(made) == {b"a": 1, b"b": 2}


def test_a_folder_in_the_place_of_a_file_ends_it() -> None:
    made, endings = sharing("a")
    endings.note([folder("a")], [])
    (only,) = made.index.former.below(made.own_manifest, b"", 9)
    assert only.gone


def test_what_is_held_went_with_what_was_told_shortly_before_or_after() -> None:
    for told_first in (True, False):
        made, endings = sharing("a", "b")
        assert endings.held_go == 0
        if told_first:
            endings.note([], [b"a"])
            made.now += ENDINGS_PAUSE_S - 1
        endings.on_held(0, 1)
        assert endings.held_go == (1 if told_first else 0)
        made.now += ENDINGS_PAUSE_S - 1
        endings.note([], [b"b"])
        assert endings.held_go == bursts(made)[b"b"]
        assert Endings(made).held_go == endings.held_go, "also after a start"


def test_what_is_held_later_is_another_matter() -> None:
    made, endings = sharing("a", "b")
    endings.note([], [b"a"])
    endings.on_held(0, 1)
    made.now += ENDINGS_PAUSE_S
    endings.note([], [b"b"])
    assert endings.held_go == 1
    made.now += ENDINGS_PAUSE_S
    endings.on_held(1, 1)
    endings.on_held(2, 0)
    assert endings.held_go == 1, "of what was held before that is true still"
    endings.on_held(0, 0)
    assert endings.held_go == 0, "nothing is held any more"
    endings.on_held(0, 1)
    assert endings.held_go == 0


def test_what_is_confirmed_has_the_number_of_what_went_with_it() -> None:
    made, endings = sharing("a", "b", "c", "d")
    endings.on_confirmed([b"x"])
    endings.note([], [b"a"])
    endings.on_held(0, 1)
    made.now += ENDINGS_LONGEST_S
    endings.on_confirmed([])
    endings = Endings(made)  # also after a start
    endings.on_confirmed([b"x"])
    endings.note([], [b"b"])
    assert bursts(made) == {b"a": 1, b"b": 1}
    made.now += ENDINGS_PAUSE_S
    endings.note([], [b"c"])
    endings.on_confirmed([b"x"])
    made.now += ENDINGS_PAUSE_S
    endings.note([], [b"d"])
    assert bursts(made) == {b"a": 1, b"b": 1, b"c": 2, b"d": 3}, "something else went since"
