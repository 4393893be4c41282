"""Chores: at once, then once in each interval, however late the loop is.

Strategy: the disk is a stand-in that does at once what it is asked, on the test's own clock.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from potluck.core import limits
from potluck.shells.disk.trash import TRASH_SHARE
from potluck.shells.loop import chores as module
from potluck.shells.loop.chores import EVERY_S, Chore, Chores


class Disk:
    """A disk pool, a ballast and a share that note what is begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.pruned: list[tuple[Any, float, float, float]] = []

    def see_share(self) -> None:
        self.begun.append("share")

    def see_space(self) -> None:
        self.begun.append("space")

    def tidy(self, work: Any) -> None:
        work()

    def lay(self) -> None:
        self.begun.append("ballast")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()

    def prune(share: Any, now_s: float, keep_s: float, share_of_disk: float) -> int:
        made.begun.append("trash")
        made.pruned.append((share, now_s, keep_s, share_of_disk))
        return 0

    monkeypatch.setattr(module, "prune_trash", prune)
    monkeypatch.setattr(module, "free_old_cycles", lambda: made.begun.append("cycles"))
    monkeypatch.setattr(module, "free_many_cycles", lambda: made.begun.append("many cycles"))
    return made


def chores_of(disk: Any) -> Chores:
    return Chores(disk, disk, disk)


def test_each_is_begun_at_once_and_then_in_its_interval(disk: Disk) -> None:
    chores = chores_of(disk)
    assert chores.deadline() == 0.0
    chores.on_tick(100.0)
    assert disk.begun == ["share", "space", "ballast", "cycles", "many cycles", "trash"]
    assert chores.deadline() == 100.0 + EVERY_S[Chore.SHARE]
    chores.on_tick(101.9)
    assert len(disk.begun) == 6
    chores.on_tick(102.0)
    assert disk.begun[6:] == ["share"]
    chores.on_tick(110.0)
    assert disk.begun[7:] == ["share", "space"]
    chores.on_tick(160.0)
    assert disk.begun[9:] == ["share", "space", "ballast", "many cycles"]
    assert repr(chores) == (
        "<Chores: due SHARE 162, SPACE 170, BALLAST 220, CYCLES 3700, MANY_CYCLES 220, TRASH 3700>"
    )


def test_a_loop_that_was_held_up_begins_each_once(disk: Disk) -> None:
    chores = chores_of(disk)
    chores.on_tick(0.0)
    chores.on_tick(1_000_000.0)
    assert disk.begun == ["share", "space", "ballast", "cycles", "many cycles", "trash"] * 2


def test_the_trash_is_pruned_by_age_and_by_its_share_of_the_disk(disk: Disk) -> None:
    chores_of(disk).on_tick(0.0)
    ((share, now_s, keep_s, share_of_disk),) = disk.pruned
    assert share is disk
    assert abs(now_s - time.time()) < 60
    assert (keep_s, share_of_disk) == (limits.TRASH_S, TRASH_SHARE)


def test_every_chore_has_an_interval() -> None:
    assert set(EVERY_S) == set(Chore)
