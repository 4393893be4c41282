"""Old objects are looked through when the program says so, and not before."""

from __future__ import annotations

import gc
import weakref

from potluck.shells.loop.cycles import (
    AGES,
    MANY,
    free_many_cycles,
    free_old_cycles,
    leave_old_objects_alone,
)


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_old_cycles_are_freed_by_the_chore_alone() -> None:
    before, rounds = gc.get_threshold(), list[int]()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            rounds.append(info["generation"])

    undo = leave_old_objects_alone()
    assert gc.get_freeze_count() > 0, "modules and functions are not looked through"
    knot = Knot()
    gc.collect()  # it is old from now on
    seen = weakref.ref(knot)
    gc.callbacks.append(note)
    try:
        assert gc.get_threshold() == (*before[:2], AGES)
        kept = [[number] for number in range(before[0] * (before[1] + 2) * 15)]
        del knot
        assert 1 in rounds, "young objects are looked through as ever"
        assert 2 not in rounds
        assert seen() is not None
        free_old_cycles()
        assert seen() is None
        assert len(kept) > before[0]
    finally:
        gc.callbacks.remove(note)
        undo()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_many_cycles_are_freed_sooner_and_few_are_left_to_the_hour() -> None:
    undo = leave_old_objects_alone()
    try:
        gc.collect()
        free_many_cycles()
        knot = Knot()
        seen = weakref.ref(knot)
        gc.collect(1)  # it is old from now on
        del knot
        kept = list[list[int]]()
        while gc.get_count()[2] < MANY - 1:
            kept.append([1])
        free_many_cycles()
        assert seen() is not None
        while gc.get_count()[2] < MANY:
            kept.append([1])
        free_many_cycles()
        assert seen() is None
        assert gc.get_count()[2] == 0
    finally:
        undo()
