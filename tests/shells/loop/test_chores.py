"""Chores: at once, then once in each interval, however late the loop is.

Strategy: the disk is a stand-in that does at once what it is asked, on the test's own clock.
"""

from __future__ import annotations

from typing import Any

import pytest

from potluck.engine.effects import PruneTrash
from potluck.shells.loop import chores as module
from potluck.shells.loop.chores import EVERY_S, SPACE_AGAIN_S, Chore, Chores

ALL = [
    "share", "space", "ballast", "group copy", "cycles", "many cycles", "trash days", "trash",
]  # fmt: skip


class Disk:
    """A disk pool, a ballast and a share that note what is begun."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def see_share(self) -> None:
        self.begun.append("share")

    def see_space(self) -> None:
        self.begun.append("space")

    def tidy(self, work: Any) -> None:
        work()

    def submit(self, effect: Any) -> None:
        assert effect == PruneTrash()
        self.begun.append("trash")

    def count(self) -> None:
        self.begun.append("trash days")

    def refresh(self) -> None:
        self.begun.append("group copy")

    def lay(self) -> None:
        self.begun.append("ballast")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()

    monkeypatch.setattr(module, "free_old_cycles", lambda: made.begun.append("cycles"))
    monkeypatch.setattr(module, "free_many_cycles", lambda: made.begun.append("many cycles"))
    return made


def chores_of(disk: Any) -> Chores:
    return Chores(disk, disk, disk, disk)


def test_each_is_begun_at_once_and_then_in_its_interval(disk: Disk) -> None:
    chores = chores_of(disk)
    assert chores.deadline() == 0.0
    chores.on_tick(100.0, PruneTrash)
    assert disk.begun == ALL
    assert chores.deadline() == 100.0 + EVERY_S[Chore.SHARE]
    chores.on_tick(101.9, PruneTrash)
    assert len(disk.begun) == 8
    chores.on_tick(102.0, PruneTrash)
    assert disk.begun[8:] == ["share"]
    chores.on_tick(110.0, PruneTrash)
    assert disk.begun[9:] == ["share", "space", "group copy"]
    chores.on_tick(160.0, PruneTrash)
    assert disk.begun[12:] == ["share", "space", "ballast", "group copy", "many cycles"]
    assert repr(chores) == (
        "<Chores: due SHARE 162, SPACE 170, BALLAST 220, GROUP_COPY 165, CYCLES 3700, "
        "MANY_CYCLES 220, TRASH_DAYS 700, TRASH 3700>"
    )


def test_a_loop_that_was_held_up_begins_each_once(disk: Disk) -> None:
    chores = chores_of(disk)
    chores.on_tick(0.0, PruneTrash)
    chores.on_tick(1_000_000.0, PruneTrash)
    assert disk.begun == ALL * 2


def test_a_disk_for_whose_room_files_wait_is_looked_at_every_second(disk: Disk) -> None:
    chores = chores_of(disk)
    chores.on_tick(0.0, PruneTrash)
    for tenth in range(1, 51):
        chores.on_tick(tenth / 10, PruneTrash, short_of_room=True)
    assert disk.begun[8:].count("space") in {4, 5}
    assert chores.deadline() <= 5.0 + SPACE_AGAIN_S


def test_while_nobody_knows_what_is_wanted_the_trash_stays(disk: Disk) -> None:
    chores_of(disk).on_tick(0.0, lambda: None)
    assert disk.begun == ALL[:-1]


def test_every_chore_has_an_interval() -> None:
    assert set(EVERY_S) == set(Chore)
