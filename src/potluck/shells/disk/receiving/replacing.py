"""One path: compare what stands there with what is expected, keep it, put the new thing there.

Strategy: the parent is walked to without following links; a file or a link where a folder must be
is moved to `Put aside/`. What the index expects goes to the trash, by a second link; what it does
not expect goes to `Put aside/`. A folder in which nothing is left but what file browsers and
editors leave behind goes, and they go to the trash; any other that is not empty stays and blocks.
Then the new file is put there so that nothing saved since the last look is lost (swapping.py).

Guarantees: never unlinks before the new file stands; deletes nothing but empty folders and files
equal to the new one; what is removed is moved. Limits: durable only after `Folders.sync` and
`Keeper.sync`.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from contextlib import suppress
from typing import Final

from potluck.core.content.editor_files import ignored
from potluck.core.content.paths import SafePath, parse_wire_path, printable
from potluck.core.errors import UnsafePath
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.folders import Components, Folders
from potluck.shells.disk.fsops import Share, crashpoint, enter, stat_at, stat_of
from potluck.shells.disk.keeping import Keeper, Occupant
from potluck.shells.disk.receiving.sources import ReadyFile, SourceGone, root_wanted
from potluck.shells.disk.receiving.spelled import Spelled, taken
from potluck.shells.disk.receiving.swapping import SWAP_TRIES, Restless, Swapping, same_file
from potluck.shells.disk.receiving.versions import is_expected, is_new

_NOT_EMPTY: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY})
"""What kernels say of a folder that is not empty, or that something is mounted on."""
_RESTLESS: Final = "another program makes and removes things there all the time"
_NAMES_SHOWN: Final = 3
"""Of what is in the way: enough to find it."""


class Blocked(Exception):
    """Something that is kept is in the way."""

    def __init__(self, reason: str, at: SafePath | None = None) -> None:
        """Say for what reason; it stands `at` this path, None: not known."""
        super().__init__(reason)
        self.at = at


class Replacing:
    """Changes paths below `Shared/`, for the length of a batch."""

    def __init__(self, share: Share, keeper: Keeper, folders: Folders) -> None:
        """Take ready files from `tmp/`, keep what they replace with `keeper`."""
        self._tmp_fd = share.tmp_fd
        self._keeper = keeper
        self._swapping = Swapping(share.tmp_fd, keeper)
        self._folders = folders
        self._spelled = Spelled(share, folders)

    def __repr__(self) -> str:
        return f"Replacing({self._folders}, {self._keeper})"

    def put(self, item: PlaceItem, ready: ReadyFile, held: str) -> Placed:
        """Put a ready file at its path, by way of `held` in `tmp/` if something stands there.

        Raises Blocked, SourceGone, UnsafePath or OSError.
        """
        if ready.stands:
            return self._placed(item, ready, "")
        folder, aside = self._way(item.path)
        if (other := self._spelled.at(item.path)) and not self._spelled.is_source(
            item.path, other, ready
        ):
            raise Blocked(taken(other))
        self._source(ready)  # before anything is kept, and again after: hashing may have taken long
        seen, kept = self._cleared(item, folder)
        aside = kept or aside
        source = self._source(ready)
        places = folder, source
        if seen is not None or not self._swapping.put_in_free_place(item, ready, *places):
            aside = self._swap(item, ready, places, held, seen) or aside
            crashpoint("after_rename")
        self._folders.touch(item.path.parts[:-1])
        if ready.moved is not None:
            self._folders.touch(ready.moved.parts[:-1])
        return self._placed(item, ready, aside)

    def make_folder(self, item: PlaceItem, held: str) -> Placed:
        """Make a folder, and keep a file that stands there; raises Blocked, UnsafePath or OSError.

        One that stands there as `item.local`, and has to be spelled otherwise now, is renamed.
        """
        folder, aside = self._way(item.path)
        if other := self._spelled.at(item.path):
            meant = item.local is not None and item.local.name == other
            if not meant or not self._respell(item, other, held):
                raise Blocked(taken(other))
        found = stat_at(folder, item.path.name)
        if found is not None and not modes.S_ISDIR(found.st_mode):
            aside = self._keep(item, Occupant(item.path, folder, found), leave=False) or aside
            found = None
        if found is None:
            self._folders.forget(item.path.parts)
            crashpoint("before_mkdir")
            self._folders.get(item.path.parts, create=True)
            self._folders.touch(item.path.parts[:-1])
            crashpoint("after_mkdir")
        return Placed(item.path, None, Placement.PLACED, None, aside, "")

    def remove(self, item: PlaceItem) -> Placed:
        """Move a file away, or remove an empty folder; raises Blocked, UnsafePath or OSError."""
        parent = item.path.parts[:-1]
        try:
            folder = self._folders.get(parent)
        except (FileNotFoundError, NotADirectoryError, UnsafePath):
            return _removed(item, "", None)  # nothing can stand below what is no folder of ours
        if self._spelled.above(item.path) or self._spelled.at(item.path):
            return _removed(item, "", None)  # what stands there has another name
        found = stat_at(folder, item.path.name)
        aside = ""
        if found is not None:
            if modes.S_ISDIR(found.st_mode):
                self._remove_folder(item.path, folder)
            else:
                aside = self._keep(item, Occupant(item.path, folder, found), leave=False)
            self._folders.touch(parent)
        return _removed(item, aside, found)

    def _way(self, path: SafePath) -> tuple[int, str]:
        """Return the descriptor of a path's folder, and where what stood in its way was put."""
        components = path.parts[:-1]
        if other := self._spelled.above(path):
            raise Blocked(taken(other))
        try:
            return self._folders.get(components, create=True), ""
        except (UnsafePath, NotADirectoryError):
            aside = self._clear_way(components)
        return self._folders.get(components, create=True), aside

    def _clear_way(self, components: Components) -> str:
        for depth, name in enumerate(components):
            folder = self._folders.get(components[:depth])
            found = stat_at(folder, name)
            if found is not None and not modes.S_ISDIR(found.st_mode):
                path = parse_wire_path("/".join(components[: depth + 1]).encode())
                self._folders.forget(path.parts)
                self._folders.touch(path.parts[:-1])
                return self._keeper.put_aside(Occupant(path, folder, found), leave=False)
        return ""

    def _respell(self, item: PlaceItem, other: str, held: str) -> bool:
        """Give a folder its new spelling; if both are taken by now it is put aside."""
        try:
            return self._spelled.respell(item.path, other, held)
        except OSError:
            found = stat_at(self._tmp_fd, held)
            if found is not None:
                self._keeper.put_aside(Occupant(item.path, self._tmp_fd, found, held), leave=False)
            raise

    def _swap(
        self, item: PlaceItem, ready: ReadyFile, places: tuple[int, int], held: str,
        seen: Occupant | None,
    ) -> str:  # fmt: skip
        """Put a file where something stands; return where that went, if it was not what we saw."""
        self._swapping.hold(item, places[1], ready, held)
        try:
            return self._swapping.swap(item, ready, places, held, seen)
        except Restless as error:
            raise Blocked(_RESTLESS) from error

    def _cleared(self, item: PlaceItem, folder: int) -> tuple[Occupant | None, str]:
        """Clear a path, anew if what stood there was taken away while it was looked at."""
        for _ in range(SWAP_TRIES):
            with suppress(FileNotFoundError):
                return self._clear(item, folder)
        raise Blocked(_RESTLESS)

    def _clear(self, item: PlaceItem, folder: int) -> tuple[Occupant | None, str]:
        """Keep what stands where a file is to be put; return that, and where, if put aside."""
        found = stat_at(folder, item.path.name)
        crashpoint("after_compare")
        if found is None:
            return None, ""
        if modes.S_ISDIR(found.st_mode):
            self._remove_folder(item.path, folder)
            return None, ""
        occupant = Occupant(item.path, folder, found)
        if modes.S_ISREG(found.st_mode) and is_new(item, occupant):
            return occupant, ""
        return occupant, self._keep(item, occupant, leave=True)

    def _keep(self, item: PlaceItem, occupant: Occupant, *, leave: bool) -> str:
        crashpoint("before_keep")
        if modes.S_ISREG(occupant.found.st_mode) and is_expected(item, occupant):
            aside = self._keeper.trash(occupant, leave=leave)
        else:
            aside = self._keeper.put_aside(occupant, leave=leave)
        crashpoint("after_keep")
        return aside

    def _remove_folder(self, path: SafePath, folder: int) -> None:
        self._folders.forget(path.parts)
        crashpoint("before_rmdir")
        try:
            os.rmdir(path.name, dir_fd=folder)
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
            self._clear_leftovers(path, folder)
            _remove_emptied(path, folder)
        crashpoint("after_rmdir")

    def _clear_leftovers(self, path: SafePath, folder: int) -> None:
        """Keep what was left in a folder that is to go; raises Blocked if that is anything else."""
        descriptor = enter(folder, path.name)
        try:
            names = sorted(names_in(descriptor))
            leftovers = [_leftover(path, descriptor, name) for name in names]
            others = [name for name, left in zip(names, leftovers, strict=True) if left is None]
            if others:
                raise Blocked(_holds(others))
            for left in leftovers:
                if left is not None:
                    self._keeper.trash(left, leave=False)
        finally:
            os.close(descriptor)

    def _source(self, ready: ReadyFile) -> int:
        """Return the folder a ready file lies in, if that is still the file that was verified."""
        try:
            folder = self._tmp_fd
            if ready.moved is not None:
                folder = self._folders.get(ready.moved.parts[:-1])
        except (FileNotFoundError, NotADirectoryError, UnsafePath) as error:
            raise SourceGone("the local file is gone") from error
        found = stat_at(folder, ready.name)
        if found is None or stat_of(found) != ready.stat:
            raise SourceGone("the local file was exchanged")
        return folder

    def _placed(self, item: PlaceItem, ready: ReadyFile, aside: str) -> Placed:
        found = stat_at(self._folders.get(item.path.parts[:-1]), item.path.name)
        if found is not None and not modes.S_ISREG(found.st_mode):
            raise SourceGone("another program exchanged it at the last moment")
        seen = stat_of(found) if found is not None else None
        if found is not None and not same_file(found, ready):
            seen = ready.stat  # saved over already: a look finds that it is not what we placed
        return Placed(item.path, root_wanted(item), Placement.PLACED, seen, aside, "")


def _leftover(path: SafePath, folder: int, name: str) -> Occupant | None:
    """Return a file that nobody will miss in a folder that goes; None for anything else."""
    found = stat_at(folder, name)
    if found is None or not ignored(name) or not modes.S_ISREG(found.st_mode):
        return None
    try:
        return Occupant(path.child(name), folder, found)
    except UnsafePath:
        return None


def _remove_emptied(path: SafePath, folder: int) -> None:
    """Remove a folder that was just emptied; raises Blocked if it is not, or is a disk."""
    try:
        os.rmdir(path.name, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise Blocked("another disk is mounted on the folder there") from error
        if error.errno in _NOT_EMPTY:
            raise Blocked("the folder there is not empty") from error
        raise


def _holds(names: list[str]) -> str:
    """Say what keeps a folder from going."""
    shown = ", ".join(printable(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    rest = f" and {more:,} more" if more > 0 else ""
    return f"the folder there holds {shown}{rest}, so it stays"


def _removed(item: PlaceItem, aside: str, found: os.stat_result | None) -> Placed:
    return Placed(item.path, None, Placement.REMOVED, None, aside, "", nothing_there=found is None)
