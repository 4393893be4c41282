"""Adding to the own folder: a received file is put where nothing stands, and nothing is replaced.

Strategy: what a person wants brought back (engine/bringing_back.py) comes like any other
content, but the own folder is the person's. So one rename puts the file there only if its name is
free, and folders are made where none are.

Guarantees: whatever stands in the own folder stays as it is, whoever put it there and when: nothing
is moved, removed, replaced, or given another time or mode; no link is followed. Limits: durable
only after `Folders.sync`, as in replacing.py.
"""

from __future__ import annotations

import stat as modes
from collections.abc import Iterator
from typing import Final

from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from potluck.shells.disk.fsops import crashpoint, stat_at
from potluck.shells.disk.receiving.replacing import Blocked, Replacing
from potluck.shells.disk.receiving.sources import ReadyFile

TAKEN: Final = "something stands there, and the own folder is left as it is"
"""Why nothing was put there."""


class Adding(Replacing):
    """A Replacing that replaces nothing."""

    def put(self, item: PlaceItem, ready: ReadyFile, held: str) -> Placed:
        """Put a ready file at its path if that is free; raises Blocked if not, or as there."""
        del held  # nothing changes places
        if ready.stands:
            raise Blocked(TAKEN, item.path)
        folder = self._free_way(item)
        if not self._swapping.put_in_free_place(item, ready, folder, self._source(ready)):
            raise Blocked(TAKEN, item.path)
        self._folders.touch(item.path.parts[:-1])
        if ready.moved is not None:
            self._folders.touch(ready.moved.parts[:-1])
        return self._placed(item, ready, "")

    def make_folder(self, item: PlaceItem, held: str) -> Placed:
        """Make a folder, unless one is there; raises Blocked, UnsafePath or OSError."""
        del held  # nothing is renamed
        found = stat_at(self._free_way(item), item.path.name)
        if found is not None and not modes.S_ISDIR(found.st_mode):
            raise Blocked(TAKEN, item.path)
        if found is None:
            self._folders.forget(item.path.parts)
            crashpoint("before_mkdir")
            self._folders.get(item.path.parts, create=True)
            self._folders.touch(item.path.parts[:-1])
            crashpoint("after_mkdir")
        return Placed(item.path, None, Placement.PLACED, None, "", "")

    def remove(self, item: PlaceItem) -> Placed:
        """Nothing is removed; raises Blocked."""
        raise Blocked(f"{item.path}: {TAKEN}")

    def _free_way(self, item: PlaceItem) -> int:
        """Return the folder of a path; raises Blocked if a file or a link is in its way."""
        if self._spelled.above(item.path):
            raise Blocked(TAKEN)
        try:
            folder = self._folders.get(item.path.parts[:-1], create=True)
        except (UnsafePath, NotADirectoryError) as error:
            raise Blocked(TAKEN, self._in_the_way(item.path)) from error
        if self._spelled.at(item.path):
            raise Blocked(TAKEN)
        return folder

    def _in_the_way(self, path: SafePath) -> SafePath | None:
        """Return what is no folder on the way to a path, the outermost; None: all are by now."""
        above = [parent for parent in _parents(path) if self._is_no_folder(parent)]
        return above[-1] if above else None

    def _is_no_folder(self, path: SafePath) -> bool:
        """Say whether something that is no folder stands at a path, or above it."""
        try:
            self._folders.get(path.parts)
        except (UnsafePath, NotADirectoryError):
            return True
        except FileNotFoundError:
            return False
        return False


def _parents(path: SafePath) -> Iterator[SafePath]:
    """Go through the folders that a path is in, from the innermost."""
    above = path.parent
    while above is not None:
        yield above
        above = above.parent
