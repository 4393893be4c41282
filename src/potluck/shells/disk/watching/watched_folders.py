"""The folders that are watched: which watch stands for which of them, from the tops down.

Strategy: a folder is opened from the descriptor of the one it stands in and watched by its own
descriptor, before what is in it is listed; so whatever is made after its watch stands is told by
the watch, and whatever was there before is found by the listing. A folder is known by the number
the kernel gave its watch, and by its name in the folder around it.

Guarantees: no link is followed, no descriptor stays open. The own folders come first: where there
is no room for one of theirs, watches of other people's folders are given up for it. A folder whose
watch could not be had, or was given up, for want of room is `refused`, and nothing below it is
asked for. One whose disk answers with an error is tried again soon (failed_folders.py); what is
gone, is a link or is not ours to read is left out: whoever looks at it will say so.
Limits: about 500 bytes a folder; one thread.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.shells.disk.folder_names import entries_in
from potluck.shells.disk.fsops import Share, enter, stat_at
from potluck.shells.disk.watching.failed_folders import FailedFolders, is_failure
from potluck.shells.disk.watching.inotify import Inotify, Mask

_WANTED: Final = int(
    Mask.MODIFY | Mask.ATTRIB | Mask.CLOSE_WRITE | Mask.MOVED_FROM | Mask.MOVED_TO | Mask.CREATE
    | Mask.DELETE | Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.ONLYDIR | Mask.EXCL_UNLINK
)  # fmt: skip


@dataclass(slots=True, eq=False)
class WatchedFolder:
    """One watched folder."""

    path: SafePath | None  # None: Shared/ itself
    watch: int  # number the kernel gave
    inner: dict[str, WatchedFolder] = field(default_factory=dict)  # watched folders in it, by name
    shut: bool = False  # it cannot be entered any more


class WatchedFolders:
    """Which watch stands for which folder; a moved one keeps its number, so the newest counts."""

    def __init__(
        self,
        share: Share,
        inotify: Inotify,
        follows: Callable[[SafePath], bool],
        is_own: Callable[[SafePath], bool],
    ) -> None:
        self._share = share
        self._inotify = inotify
        self._follows = follows
        self._is_own = is_own
        self._folders: dict[int, WatchedFolder] = {}
        # watches of other people's folders, the newest last
        self._foreign: dict[int, None] = {}
        # the outermost folders that the kernel has no room for (None: Shared/ itself)
        self.refused: dict[SafePath | None, None] = {}
        self.lacks_descriptors = False  # that is why, for one of them at least
        self.failed: Final = FailedFolders()

    def __repr__(self) -> str:
        return f"WatchedFolders({len(self._folders)} watches, {len(self.refused)} refused)"

    def get(self, watch: int) -> WatchedFolder | None:
        """Return the folder of a watch, None if it is not ours any more."""
        return self._folders.get(watch)

    def rebuild(self) -> None:
        """Watch everything anew; watches that stand are kept, so nothing is missed meanwhile."""
        old, self._folders = self._folders, {}
        self._foreign.clear()
        self.refused.clear()
        self.lacks_descriptors = False
        self.failed.clear()
        self.grow(None, None)
        for watch in old.keys() - self._folders.keys():
            self._inotify.unwatch(watch)

    def grow(self, outer: WatchedFolder | None, path: SafePath | None) -> None:
        """Watch the folder at `path`, which stands in `outer`, and all below it."""
        if outer is not None:
            outer = self._folders.get(outer.watch, outer)  # it may have been watched anew since
        try:
            descriptor = self._share.open_folder(path)
        except (OSError, UnsafePath) as error:
            self._not_opened(outer, path, error)
            return
        try:
            self._grow(outer, path, descriptor)
        finally:
            os.close(descriptor)

    def was_or_is_shut(self, folder: WatchedFolder) -> bool:
        """Say whether a folder cannot be entered, or could not when this was asked last."""
        was, folder.shut = folder.shut, not self._can_enter(folder.path)
        return was or folder.shut

    def _can_enter(self, path: SafePath | None) -> bool:
        try:
            descriptor = self._share.open_folder(path)
        except (OSError, UnsafePath):
            return False
        try:
            stat_at(descriptor, ".")  # it may be listed and not be searched
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def has_room(self) -> bool:
        """Try the first of the refused folders again; say whether the kernel watches it now."""
        for path in self.refused:
            try:
                descriptor = self._share.open_folder(path)
            except (OSError, UnsafePath) as error:
                # else it is gone: what else is refused is found by a rebuild
                return not _is_want_of_descriptors(error)
            try:
                return self._watched(None, path, descriptor) is not None
            finally:
                os.close(descriptor)
        return False

    def forget(self, outer: WatchedFolder, name: str) -> None:
        """Stop watching the folder `name` in `outer` and all below it."""
        gone = child_of(outer.path, name)
        if gone is not None:
            self.failed.forget_below(gone)
            below = [path for path in self.refused if path is not None and path.starts_with(gone)]
            for path in below:
                del self.refused[path]
        leaving = []
        if name in outer.inner:
            leaving.append(outer.inner.pop(name))
        while leaving:
            folder = leaving.pop()
            leaving.extend(folder.inner.values())
            if self._folders.get(folder.watch) is folder:
                del self._folders[folder.watch]
                self._inotify.unwatch(folder.watch)

    def ended(self, folder: WatchedFolder) -> None:
        """The kernel ended a watch by itself."""
        self._folders.pop(folder.watch, None)

    def _grow(self, outer: WatchedFolder | None, path: SafePath | None, descriptor: int) -> None:
        folder = self._watched(outer, path, descriptor)
        if folder is None:
            return
        if outer is not None and path is not None:
            outer.inner[path.name] = folder
        for inner in self._folders_in(outer, path, descriptor):
            try:
                inner_descriptor = enter(descriptor, inner.name)
            except (OSError, UnsafePath) as error:
                self._not_opened(folder, inner, error)
                continue
            try:
                self._grow(folder, inner, inner_descriptor)
            finally:
                os.close(inner_descriptor)

    def _not_opened(
        self, outer: WatchedFolder | None, path: SafePath | None, error: OSError | UnsafePath
    ) -> None:
        """A folder has no watch: gone again, a link, or not ours to read, which whoever looks at it
        will say; or we have no descriptor for it now, or its disk fails. Nobody else notices that.
        """
        if _is_want_of_descriptors(error):
            self.refused[path] = None
            self.lacks_descriptors = True
        elif is_failure(error):
            self.failed.note(path, outer)

    def _watched(
        self, outer: WatchedFolder | None, path: SafePath | None, descriptor: int
    ) -> WatchedFolder | None:
        own = path is None or self._is_own(path)
        try:
            watch = self._try(path, descriptor, own=own)
        except OSError as error:
            self._not_opened(outer, path, error)
            return None
        if watch is None:
            return None
        if not own:
            self._foreign.pop(watch, None)
            self._foreign[watch] = None
        folder = self._folders[watch] = WatchedFolder(path, watch)
        return folder

    def _try(self, path: SafePath | None, descriptor: int, *, own: bool) -> int | None:
        """Watch a folder; for an own one others give way. None: there is no room.

        Raises OSError for any other reason.
        """
        while True:
            try:
                return self._inotify.watch(descriptor, _WANTED)
            except OSError as error:
                if error.errno not in {errno.ENOSPC, errno.ENOMEM}:
                    raise
            if not own or not self._give_way():
                self.refused[path] = None
                return None

    def _give_way(self) -> bool:
        """Give up the newest watch of other people's folders; returns whether there was one."""
        while self._foreign:
            folder = self._folders.pop(self._foreign.popitem()[0], None)
            if folder is not None:
                self._inotify.unwatch(folder.watch)
                self.refused[folder.path] = None
                return True
        return False

    def _folders_in(
        self, outer: WatchedFolder | None, path: SafePath | None, descriptor: int
    ) -> list[SafePath]:
        found = []
        try:
            with entries_in(descriptor) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        inner = child_of(path, entry.name)
                        if inner is not None and self._follows(inner):
                            found.append(inner)
        except OSError as error:
            self._not_opened(
                outer, path, error
            )  # or it went away while it was listed: its parent tells
        if path is None:
            found.sort(key=self._is_own, reverse=True)
        return found


def _is_want_of_descriptors(error: OSError | UnsafePath) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


def child_of(folder: SafePath | None, name: str) -> SafePath | None:
    """Return the path of `name` in `folder` (None: Shared/); None if the name is refused."""
    try:
        return parse_wire_path(os.fsencode(name)) if folder is None else folder.child(name)
    except UnsafePath:
        return None
