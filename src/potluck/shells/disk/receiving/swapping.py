"""Swapping: a ready file and what stands at its path change places, and what came out is judged.

Strategy: between the last look at a path and a plain rename over it somebody may save there. So
nothing is renamed over: where nothing was seen the name is taken only if it is still free; else
the ready file is renamed to a name of its own in `tmp/` (`held_name`), changes places with whatever
stands, and what came out lies under that name until it is known to be kept. If it is what was seen,
and kept by a second link, or equal to the new content, that name goes; anything else is put aside.

Guarantees: whatever stood at a path, at whatever moment, has a name before and after each step. A
held name is never a part file, so what a crash leaves there is not taken for one: the batch is
settled with it (receiving/settling.py). Limits: where nobody can exchange two names (shells/disk/
renaming.py) it is one rename over the path, which replaces what was saved since the last look.
"""

from __future__ import annotations

import os
import stat as modes
from contextlib import suppress
from typing import Final

from potluck.core.errors import UnsafePath
from potluck.engine.effects import PlaceItem
from potluck.shells.disk.fsops import crashpoint, remove_file, stat_at, stat_of
from potluck.shells.disk.keeping import Keeper, Occupant, is_linked
from potluck.shells.disk.receiving.sources import ReadyFile, SourceGone
from potluck.shells.disk.receiving.versions import has_content
from potluck.shells.disk.renaming import change_places, rename_over, rename_to_free

SWAP_TRIES: Final = 8
"""A name that is free and taken again so often between two calls of ours is played with."""


class Restless(Exception):
    """What stands at a path comes and goes between any two calls."""


class Swapping:
    """Puts ready files in place, for the length of a batch."""

    def __init__(self, tmp_fd: int, keeper: Keeper) -> None:
        """Hold things in `tmp_fd`; what nobody kept yet goes to `keeper`."""
        self._tmp_fd = tmp_fd
        self._keeper = keeper

    def __repr__(self) -> str:
        return f"Swapping({self._keeper})"

    def put_in_free_place(
        self, item: PlaceItem, ready: ReadyFile, folder: int, source: int
    ) -> bool:
        """Rename a ready file to a path where nothing was seen; False if something stands there.

        Raises SourceGone, if it is another file by now, or OSError.
        """
        crashpoint("before_rename")
        try:
            rename_to_free(source, ready.name, folder, item.path.name)
        except FileExistsError:
            return False
        crashpoint("after_rename")
        found = stat_at(folder, item.path.name)
        if ready.moved is not None and found is not None and not same_file(found, ready):
            with suppress(FileExistsError):
                rename_to_free(folder, item.path.name, source, ready.name)
            raise SourceGone("the local file was exchanged")
        return True

    def hold(self, item: PlaceItem, source: int, ready: ReadyFile, held: str) -> None:
        """Rename a ready file to its held name; raises SourceGone if it is another one by now."""
        crashpoint("before_hold")
        try:
            rename_to_free(source, ready.name, self._tmp_fd, held)
        except FileNotFoundError as error:
            raise SourceGone("the local file is gone") from error
        crashpoint("after_hold")
        found = stat_at(self._tmp_fd, held)
        if found is not None and not same_file(found, ready):
            self.let_go(item, source, ready.name, held)
            raise SourceGone("the local file was exchanged")

    def let_go(self, item: PlaceItem, source: int, name: str, held: str) -> str:
        """Rename what is held back to the name it had; return where it is, if that is taken."""
        try:
            rename_to_free(self._tmp_fd, held, source, name)
        except FileExistsError:
            found = stat_at(self._tmp_fd, held)
            assert found is not None, "nobody else takes anything from tmp/"
            return self._keeper.put_aside(
                Occupant(item.path, self._tmp_fd, found, held), leave=False
            )
        return ""

    def swap(
        self, item: PlaceItem, ready: ReadyFile, places: tuple[int, int], held: str,
        seen: Occupant | None,
    ) -> str:  # fmt: skip
        """Put the held file at its path; return where what came out went, if it was put aside.

        `places`: the folder of the path, and that in which the ready file lay. `seen`: what stood
        there at the last look and is kept, or is the new content. Raises OSError, UnsafePath or
        Restless; then the ready file has its former name again, if it could be had back.
        """
        folder, source = places
        try:
            return self._swapped(item, folder, held, seen)
        except (OSError, UnsafePath, Restless):
            found = stat_at(self._tmp_fd, held)
            if found is not None and same_file(found, ready):
                self.let_go(item, source, ready.name, held)
            raise

    def _swapped(self, item: PlaceItem, folder: int, held: str, seen: Occupant | None) -> str:
        for _ in range(SWAP_TRIES):
            try:
                came_out = self._exchanged(item, folder, held)
            except FileNotFoundError:
                if self._took_free_place(item, folder, held):
                    return ""
                continue
            return self._judge_or_undo(item, folder, held, seen) if came_out else ""
        raise Restless

    def _exchanged(self, item: PlaceItem, folder: int, held: str) -> bool:
        """Say whether something came out; without exchange the held file replaces what stands."""
        crashpoint("before_exchange")
        if change_places(self._tmp_fd, held, folder, item.path.name):
            crashpoint("after_exchange")
            return True
        rename_over(self._tmp_fd, held, folder, item.path.name)
        return False

    def _took_free_place(self, item: PlaceItem, folder: int, held: str) -> bool:
        crashpoint("before_free_place")
        try:
            rename_to_free(self._tmp_fd, held, folder, item.path.name)
        except FileExistsError:
            return False
        return True

    def _judge_or_undo(self, item: PlaceItem, folder: int, held: str, seen: Occupant | None) -> str:
        try:
            return self._judged(item, held, seen)
        except (OSError, UnsafePath):
            change_places(self._tmp_fd, held, folder, item.path.name)  # it is nowhere kept
            raise

    def _judged(self, item: PlaceItem, held: str, seen: Occupant | None) -> str:
        """See that what came out is kept, then give its held name up; return where, if aside."""
        found = stat_at(self._tmp_fd, held)
        assert found is not None, "nobody else takes anything from tmp/"
        came = Occupant(item.path, self._tmp_fd, found, held)
        if not self._is_kept(item, came, seen):
            return self._keeper.put_aside(came, leave=False)
        crashpoint("before_release")
        remove_file(self._tmp_fd, held)
        crashpoint("after_release")
        return ""

    def _is_kept(self, item: PlaceItem, came: Occupant, seen: Occupant | None) -> bool:
        """Say whether what came out has another name by which it is kept, or needs none."""
        linked = is_linked(came.found)
        if seen is not None and seen.is_still(came.found) and (linked or _equal(item, came)):
            return True
        # one that was exchanged just before it was linked was noticed then
        return linked and bool(self._keeper.lies_aside(came))


def same_file(found: os.stat_result, ready: ReadyFile) -> bool:
    """Say whether that is a ready file, unchanged; a rename changes its ctime and nothing else."""
    if not modes.S_ISREG(found.st_mode):
        return False
    now, then = stat_of(found), ready.stat
    return (now.inode, now.size, now.mtime_ns) == (then.inode, then.size, then.mtime_ns)


def _equal(item: PlaceItem, came: Occupant) -> bool:
    return modes.S_ISREG(came.found.st_mode) and has_content(item, came)
