"""Looking at the tree: what stands at these paths, and everything below these folders.

Strategy: walk by directory descriptors, one `scandir` per folder and one `fstatat` per file; a name
is joined to nothing, so whoever swaps a folder for a symbolic link while we walk gains nothing.
Parents come before children, in pages of at most `limits.PAGE_RECORDS`, so that a million files are
never held at once. `look_at` and `scan` are one walk; they differ in who asked.

Guarantees: nothing is opened but folders, nothing is followed. A path is MISSING only if the folder
it would stand in could be read, or is itself not there; whatever could not be read is named on its
page and makes the last one say `complete=False`, so a bad disk never looks like a deleted file and
one unreadable folder holds back only what lies below it. Without `Shared/` itself nothing is named:
nothing was looked at. Names that are refused are reported escaped, never raw; names of editors'
files are left out, as files only: a folder may have any of them. So is what the owner's rules
ignore (ignoring.py), folders with all below. Limits: a walk is not a snapshot;
the watcher's hints and the next scan cover what changed behind its back.
"""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterable, Iterator

from potluck.core import limits
from potluck.core.content.editor_files import ignored
from potluck.core.content.facts import Finding
from potluck.core.content.paths import SafePath, printable
from potluck.core.errors import UnsafePath
from potluck.engine.effects import Look, Scan
from potluck.engine.events import NameRefused, OrderId, PathSeen, TreeSeen, Unreadable
from potluck.engine.folder_facts import TOO_LARGE, IgnoreFileSeen
from potluck.shells.disk.exact_names import ExactNames
from potluck.shells.disk.faults import unreadable
from potluck.shells.disk.folder_names import entries_in
from potluck.shells.disk.fsops import Share, enter, stat_at, stat_of, what_is
from potluck.shells.disk.ignoring import Ignoring, inside


def look_at(share: Share, effect: Look) -> Iterator[TreeSeen]:
    """Yield what stands at the paths of `effect` and, where those are folders, all below them."""
    return _Walk(share, effect.order).pages(effect.paths, _rules_of(effect))


def scan(share: Share, effect: Scan) -> Iterator[TreeSeen]:
    """Yield the top folders of `effect` and everything below them."""
    return _Walk(share, effect.order).pages(effect.tops, _rules_of(effect))


def _rules_of(effect: Look | Scan) -> tuple[bytes, ...] | None:
    """Return the rules by which to walk, None where there are none: in somebody else's folder."""
    return effect.rules if effect.own else None


class _Walk:
    """One walk: the page being filled, and whether everything could be read so far."""

    def __init__(self, share: Share, order: OrderId) -> None:
        self._share = share
        self._order = order
        self._complete = True
        self._seen: list[PathSeen] = []
        self._refused: list[NameRefused] = []
        self._unreadable: list[Unreadable] = []
        self._told: set[SafePath] = set()  # what was unreadable so far
        self._walked: SafePath | None = None  # the last folder asked for; all below it was seen too
        self._ignoring: Ignoring | None = None
        self._ignored: list[SafePath] = []
        self._ignore_file: IgnoreFileSeen | None = None
        self._exact = ExactNames(share)

    def __repr__(self) -> str:
        return f"_Walk({self._order}, {len(self._seen)} on the page, complete={self._complete})"

    def pages(
        self, asked: Iterable[SafePath], rules: tuple[bytes, ...] | None
    ) -> Iterator[TreeSeen]:
        """Yield all pages; the last one always comes, and says so."""
        paths = sorted(set(asked), key=_by_parts)
        if self._share_is_readable() and self._rules_are_settled(paths, rules):
            for path in paths:
                if self._walked is None or not path.starts_with(self._walked):
                    yield from self._path(path)
        yield self._page(last=True)

    def _share_is_readable(self) -> bool:
        """Without `Shared/` nothing can be called missing: an absent disk is no deleted file."""
        try:
            os.close(self._share.open_folder(None))
        except OSError:
            self._complete = False
        return self._complete

    def _rules_are_settled(self, paths: list[SafePath], rules: tuple[bytes, ...] | None) -> bool:
        """Read what is left out; if that is something new nothing may be looked at."""
        if rules is None or not paths:
            return True
        top = paths[0]
        while (above := top.parent) is not None:
            top = above
        self._ignoring = Ignoring(self._share, top, rules)
        self._ignore_file = self._ignoring.seen
        self._complete = not self._ignoring.changed
        return self._complete

    def _leaves_out(self, path: SafePath, *, is_folder: bool) -> bool:
        """Say whether the owner shares no such path, and note it."""
        ignoring = self._ignoring
        if ignoring is None or not ignoring.leaves_out(path, is_folder=is_folder):
            return False
        self._ignored.append(path)
        return True

    def _path(self, path: SafePath) -> Iterator[TreeSeen]:
        around = None if self._ignoring is None else self._ignoring.around(path)
        if around is not None:
            self._ignored.append(around)
            return
        try:
            parent = self._share.open_folder(path.parent)
        except (FileNotFoundError, NotADirectoryError, UnsafePath):  # not there, or behind a link
            self._seen.append(PathSeen(path, Finding.MISSING, None))
        except OSError as error:
            self._failed(self._outermost(path), error)
        else:
            try:
                yield from self._named(parent, path)
            finally:
                os.close(parent)
        if self._is_full():
            yield self._page()

    def _named(self, parent: int, path: SafePath) -> Iterator[TreeSeen]:
        try:
            found = stat_at(parent, path.name)
        except OSError as error:
            self._failed(path, error)
            return
        if found is None or not self._exact.has(path):
            self._seen.append(PathSeen(path, Finding.MISSING, None))
        elif self._leaves_out(path, is_folder=modes.S_ISDIR(found.st_mode)):
            return
        elif modes.S_ISDIR(found.st_mode):
            self._walked = path
            self._seen.append(PathSeen(path, Finding.FOLDER, None))
            yield from self._opened(parent, path)
        elif not ignored(path.name):
            self._found(path, found)

    def _opened(self, parent: int, folder: SafePath) -> Iterator[TreeSeen]:
        """Yield full pages of what is below `folder`, which stands in the open folder `parent`."""
        try:
            descriptor = enter(parent, folder.name)
        except (FileNotFoundError, NotADirectoryError, UnsafePath):
            return  # gone or swapped since it was listed: what was in it is not there
        except OSError as error:
            self._failed(self._closed(parent, folder), error)
            return
        try:
            inner: list[SafePath] = []
            yield from self._listed(descriptor, folder, inner)
            for path in inner:
                yield from self._opened(descriptor, path)
        finally:
            os.close(descriptor)

    def _listed(
        self, descriptor: int, folder: SafePath, inner: list[SafePath]
    ) -> Iterator[TreeSeen]:
        """Yield full pages of what is in one folder; the folders in it are appended to `inner`."""
        try:
            with entries_in(descriptor) as entries:
                for entry in entries:
                    self._entry(entry, folder, inner)
                    if self._is_full():
                        yield self._page()
        except OSError as error:
            self._failed(folder, error)

    def _entry(self, entry: os.DirEntry[str], folder: SafePath, inner: list[SafePath]) -> None:
        name = entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if ignored(name) and not is_folder:
            return
        ignoring = self._ignoring
        leaves_out = ignoring is not None and ignoring.leaves_out_in(
            inside(folder.parts), name, is_folder=is_folder
        )
        try:
            path = folder.child(name)
        except UnsafePath as error:
            if not leaves_out:
                self._refused.append(NameRefused(folder, printable(name), error.cause))
            return
        if leaves_out:
            self._ignored.append(path)
            return
        if is_folder:
            inner.append(path)
            self._seen.append(PathSeen(path, Finding.FOLDER, None))
            return
        try:
            self._found(path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return  # deleted since it was listed: not there, which is what leaving it out says
        except PermissionError as error:  # the folder may be listed and not be searched
            self._failed(folder, error)
        except OSError as error:
            self._failed(path, error)

    def _found(self, path: SafePath, found: os.stat_result) -> None:
        """Note something that is no folder: a file, or what is not shared."""
        no_file = not modes.S_ISREG(found.st_mode)
        reason = what_is(found) if no_file else ""
        if not reason and found.st_size > limits.FILE_MAX_BYTES:
            reason = TOO_LARGE
        if not reason:
            self._seen.append(PathSeen(path, Finding.FILE, stat_of(found)))
        elif (folder := path.parent) is not None:
            self._refused.append(NameRefused(folder, printable(path.name), reason, no_file))

    # -- what cannot be read -----------------------------------------------------------------------
    def _failed(self, path: SafePath, error: OSError) -> None:
        self._complete = False
        if path not in self._told:
            self._told.add(path)
            self._unreadable.append(unreadable(path, error))

    @staticmethod
    def _closed(parent: int, folder: SafePath) -> SafePath:
        """Return what stops us: `folder`, or the one around it, which may not be searched."""
        try:
            stat_at(parent, folder.name)
        except PermissionError:
            return folder.parent or folder
        except OSError:  # a disk that is mounted there and fails says nothing of what is round it
            return folder
        return folder

    def _outermost(self, path: SafePath) -> SafePath:
        """Return the outermost folder above `path` that cannot be entered."""
        closed = path
        while (folder := closed.parent) is not None:
            try:
                os.close(self._share.open_folder(folder))
            except (OSError, UnsafePath):
                closed = folder
            else:
                break
        return closed

    def _is_full(self) -> bool:
        count = len(self._seen) + len(self._refused) + len(self._unreadable) + len(self._ignored)
        return count >= limits.PAGE_RECORDS

    def _page(self, *, last: bool = False) -> TreeSeen:
        page = TreeSeen(
            self._order,
            tuple(self._seen),
            tuple(self._refused),
            last,
            complete=self._complete,
            unreadable=tuple(self._unreadable),
            ignored=tuple(self._ignored),
            ignore_file=self._ignore_file,
        )
        self._seen, self._refused, self._unreadable, self._ignored = [], [], [], []
        self._ignore_file = None
        return page


def _by_parts(path: SafePath) -> tuple[str, ...]:
    """Order folders directly before what is in them; by bytes `a-b` would stand in between."""
    return path.parts
