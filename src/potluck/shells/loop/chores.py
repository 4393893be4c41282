"""Chores: what the program does now and then, by itself, as long as it runs.

Strategy: a table of what and how often. Each chore is begun at the first turn of the loop and then
once in its interval, counted from when it was begun last. What it begins goes to the disk pool, so
that the loop thread never waits for it.

Guarantees: a loop that was held up begins each chore once, not as often as it was missed. Limits:
no chore knows whether its last round has ended; intervals are long enough for that not to matter.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, assert_never

from potluck.engine.effects import PruneTrash
from potluck.shells.disk.pool import DiskPool
from potluck.shells.disk.trash_days import AGE_STEP_S, TrashDays
from potluck.shells.loop.cycles import free_many_cycles, free_old_cycles
from potluck.shells.state.ballast import Ballast
from potluck.shells.state.group_copy import GroupCopy


class Chore(Enum):
    """What is done now and then."""

    SHARE = auto()  # look whether the folder is still the share
    SPACE = auto()  # look how much is free
    BALLAST = auto()  # lay the ballast again if there is plenty
    GROUP_COPY = auto()  # keep what makes this device a member beside the index
    CYCLES = auto()  # free what only holds itself
    MANY_CYCLES = auto()  # the same, if there may be much of it
    TRASH_DAYS = auto()  # count the time by which the trash ages
    TRASH = auto()  # remove what is too old there, or too much


EVERY_S: Final[dict[Chore, float]] = {
    Chore.SHARE: 2.0,  # nobody tells of a disk that goes, or of a folder above that is renamed
    Chore.SPACE: 10.0,  # downloads pause before a disk is full; one writes 1 GiB in that time
    Chore.BALLAST: 60.0,  # somebody has to make room first, which takes minutes
    Chore.GROUP_COPY: 5.0,  # what is newer is lost with an index that is damaged as a whole
    Chore.CYCLES: 3600.0,  # it stops every thread for a moment, and there is hardly ever any
    Chore.MANY_CYCLES: 60.0,  # what a program that breaks off connections leaves
    Chore.TRASH_DAYS: AGE_STEP_S,
    Chore.TRASH: 3600.0,  # it holds 30 days; an hour more is nothing
}


PruneOrder = Callable[[], PruneTrash | None]
SPACE_AGAIN_S: Final = 1.0  # between two looks while the index waits for room


class Chores:
    """The table, with when each is due; owned by the loop thread."""

    def __init__(
        self, disk: DiskPool, ballast: Ballast, trash_days: TrashDays, group_copy: GroupCopy
    ) -> None:
        """Begin each at the first `on_tick`."""
        self._disk: Final = disk
        self._ballast: Final = ballast
        self._trash_days: Final = trash_days
        self._group_copy: Final = group_copy
        self._due_s: Final = dict.fromkeys(Chore, 0.0)

    def __repr__(self) -> str:
        """Show when each is due, on the loop's clock."""
        due = ", ".join(f"{chore.name} {due_s:.0f}" for chore, due_s in self._due_s.items())
        return f"<Chores: due {due}>"

    def deadline(self) -> float:
        """Return when `on_tick` must be called next, monotonic."""
        return min(self._due_s.values())

    def on_tick(self, now: float, prune: PruneOrder, *, short_of_room: bool = False) -> None:
        """Begin what is due; while files wait for room on a disk that is looked at often.

        `prune` says what of the trash may not go; None: nothing may.
        """
        if short_of_room:
            self._due_s[Chore.SPACE] = min(self._due_s[Chore.SPACE], now + SPACE_AGAIN_S)
        for chore, due_s in self._due_s.items():
            if now >= due_s:
                self._due_s[chore] = now + EVERY_S[chore]
                self._begin(chore, prune)

    def _begin(self, chore: Chore, prune: PruneOrder) -> None:
        match chore:
            case Chore.SHARE:
                self._disk.see_share()
            case Chore.SPACE:
                self._disk.see_space()
            case Chore.BALLAST:
                self._disk.tidy(self._ballast.lay)
            case Chore.GROUP_COPY:
                self._disk.tidy(self._group_copy.refresh)
            case Chore.CYCLES:
                self._disk.tidy(free_old_cycles)
            case Chore.MANY_CYCLES:
                self._disk.tidy(free_many_cycles)
            case Chore.TRASH_DAYS:
                self._disk.tidy(self._trash_days.count)
            case Chore.TRASH:  # what goes early is told
                order = prune()
                if order is not None:
                    self._disk.submit(order)
            case _:
                assert_never(chore)
