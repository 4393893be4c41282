"""Bringing files of this machine into the own folder: `potluck add`.

Strategy: a source is opened by the path the person gave, and from there on walked by descriptors.
Every file is made in `tmp/` (sharing blocks where the file system can) and appears in the own
folder by one link, so the watcher never sees half a file. A folder is copied as a whole in `tmp/`
and then renamed, so that one that was cut off leaves no half under the final name: what it left is
removed at the next start, and the second try is as the first. A move is a link too where that is
possible, and only then is the source removed. At last the file is closed once under its new name:
a watcher that comes late finds one link only, and could take it for one that is being written.

What stands in the own folder already, under its own name or one of ours (`README (2).md`) and byte
for byte, is not brought in once more: it is reported with that name, and stays where it is. For a
folder that holds if everything in it is found in there so.

Guarantees: never replaces anything: a taken name gets ` (2)`, and that is reported; a source is
removed only after its copy is durable; symbolic links, devices, refused names and what makes this
device itself or is kept beside that (private_files.py) are reported and left where they are; a
folder of which nothing could come in leaves no empty one; mtime, the x bit and holes stay. Where
an order lists files (`take`) only these come, each only if its copy has the listed hash, and where
none of them does nothing is said to have come. Limits: owner, other mode bits and extended
attributes stay behind on a copy; FOLDER itself is not imported into itself. A file that changes
while it is copied is reported and left out. A folder that is moved, or that lies on another disk
than `tmp/`, comes in file by file.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from potluck.core.content.paths import SafePath, parse_wire_path, printable, why_unsafe
from potluck.core.errors import UnsafePath
from potluck.engine.effects import Import
from potluck.engine.events import Imported
from potluck.engine.own.imports import NOT_AS_LISTED, NOT_LISTED, OWN_FILE, PRIVATE
from potluck.shells.disk.comparing import is_same_tree
from potluck.shells.disk.content_check import copy_content, root_of
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import (
    NO_LINKS,
    OPEN_FOLDER,
    Share,
    crashpoint,
    make_file,
    open_regular,
    reason_at,
    reason_of,
    remove_file,
    remove_tree,
    stat_at,
    stat_of,
    what_is,
)
from potluck.shells.disk.keeping import numbered
from potluck.shells.disk.private_files import is_backup, is_key, is_own_file, is_private
from potluck.shells.disk.renaming import rename_to_free
from potluck.shells.disk.unmet import Unmet

NOT_THERE = "not there"
FOLDER_IN_THE_WAY = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})
"""What a kernel says to a folder that is renamed to a taken name."""


def import_paths(share: Share, order: Import) -> Imported:
    """Bring files and folders into `order.into`, made if need be; what fails is in the result."""
    with Folders(share.shared_fd) as folders:
        into = order.into.parts
        stood = len(into)  # or something is in the way, which is said below
        with suppress(OSError, UnsafePath):
            stood = max(1, folders.standing(into))
        importing = _Importing(share, order, folders)
        for path in order.paths:
            importing.bring(path)
        importing.miss()
        if not importing.added:
            folders.drop_made(into, stood)
        failed = folders.sync()
    for parts, reason in failed.items():
        importing.failed.append(("/".join(parts), reason))
    added, already = tuple(importing.added), tuple(importing.already)
    instead, backups = tuple(importing.instead), tuple(importing.backups)
    return Imported(order.order, added, tuple(importing.failed), already, instead, backups)


class _Importing:
    """One Import being carried out."""

    def __init__(self, share: Share, order: Import, folders: Folders) -> None:
        self.added: list[str] = []
        self.failed: list[tuple[str, str]] = []
        self.already: list[tuple[str, str]] = []
        self.instead: list[tuple[str, str]] = []
        self.backups: list[str] = []
        self._share = share
        self._into = order.into
        self._move = order.mode == "move"
        listed = order.listed
        self._listed = None if listed is None else {file.path: file for file in listed}
        self._unmet = Unmet(printable(path) for path in self._listed or ())
        self._below = order.into.parts[1:]  # what the names of what came begin with
        self._tmp_name = f"import.{order.order}"
        self._aside = parse_wire_path(f"import.{order.order}.folder".encode())
        self._shared = self._folders = folders  # the latter: below which the files are made

    def __repr__(self) -> str:
        return f"_Importing({self._into}, {len(self.added)} added, {len(self.failed)} failed)"

    def bring(self, path: str) -> None:
        """Bring one file or folder in under its own name, or one like it."""
        path = os.path.normpath(path)
        try:
            parent = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            self._fail(path, reason_of(error))
            return
        name = os.path.basename(path)
        try:
            same = self._standing(parent, name)
            brought = "" if same else self._bring_entry(parent, name, self._into, path)
        finally:
            os.close(parent)
        if same:
            met = {printable(one) for one in self._listed or () if os.path.lexists(one)}
            for one in met:
                self._unmet.meet(one)
            if met or not self._listed:
                self.already.append((printable(path), "/".join((*self._below, same))))
        elif brought:
            came = "/".join((*self._below, brought))
            self.added.append(came)
            if brought != name:
                self.instead.append((came, name))

    def miss(self) -> None:
        """Note what was listed and did not stand there."""
        failed = {path for path, _ in self.failed}
        self.failed += [(path, NOT_THERE) for path in self._unmet if path not in failed]

    def _standing(self, source: int, name: str) -> str:
        """Return as what an entry of the folder `source` is in there already, "" if it is not."""
        if why_unsafe(name):
            return ""
        try:
            into = self._folders.get(self._into.parts, create=True)
            for taken in _names(name):
                if stat_at(into, taken) is None:
                    return ""
                if is_same_tree(source, name, into, taken):
                    return taken
        except (OSError, UnsafePath):
            pass  # whoever brings it in says why that does not go
        return ""

    def _bring_entry(self, source: int, name: str, into: SafePath, shown: str) -> str:
        """Bring in an entry of the folder `source`; return its new name, "" if that failed."""
        try:
            reason = why_unsafe(name)
            found = stat_at(source, name) if not reason else None
            if found is None:
                self._fail(shown, reason or NOT_THERE)
            elif modes.S_ISDIR(found.st_mode):
                whole = into == self._into and not self._move
                bring = self._bring_whole if whole else self._bring_folder
                return bring(source, name, into, shown)
            elif modes.S_ISREG(found.st_mode):
                return self._bring_file(source, name, into, shown)
            else:
                self._fail(shown, what_is(found))
        except (OSError, UnsafePath) as error:
            self._fail(shown, reason_at(error, self._share.top_fd))
        return ""

    def _bring_whole(self, source: int, name: str, into: SafePath, shown: str) -> str:
        """Copy a folder where nobody looks, and rename it when all that can come is there."""
        tmp_fd, failed, backups = self._share.tmp_fd, len(self.failed), len(self.backups)
        folder = self._shared.get(into.parts, create=True)
        if os.fstat(tmp_fd).st_dev != os.fstat(folder).st_dev:
            return self._bring_folder(source, name, into, shown)
        remove_tree(tmp_fd, self._aside.name)
        try:
            with Folders(tmp_fd) as staged:
                self._folders = staged
                made = self._bring_folder(source, name, self._aside, shown)
                for parts, reason in staged.sync().items():
                    self._fail(os.path.join(shown, *parts[2:]), reason)
                crashpoint("before_folder")
                aside = staged.get(self._aside.parts, create=True)
                taken = _rename_folder(aside, made, folder, name) if made else ""
        finally:
            self._folders = self._shared
            remove_tree(tmp_fd, self._aside.name)
        if not made:
            return ""
        if not taken:  # tried again, file by file
            del self.failed[failed:], self.backups[backups:]
            return self._bring_folder(source, name, into, shown)
        self._shared.touch(into.parts)
        self.backups[backups:] = [taken + each[len(made) :] for each in self.backups[backups:]]
        return taken

    def _bring_folder(self, source: int, name: str, into: SafePath, shown: str) -> str:
        descriptor = os.open(name, OPEN_FOLDER, dir_fd=source)
        try:
            reason = self._why_not(os.fstat(descriptor))
            if reason:
                self._fail(shown, reason)
                return ""
            made = self._make_folder(into, name)
            for entry in sorted(names_in(descriptor)):
                self._bring_entry(descriptor, entry, made, os.path.join(shown, entry))
                self._folders.trim()
        finally:
            os.close(descriptor)
        if not self._has_failed_below(shown):
            if self._move:
                os.rmdir(name, dir_fd=source)
        elif self._was_in_vain(made):
            return ""
        return made.name

    def _was_in_vain(self, made: SafePath) -> bool:
        """Remove a folder into which nothing came; say whether that was so."""
        try:
            os.rmdir(made.name, dir_fd=self._folders.get(made.parts[:-1]))
        except OSError:
            return False  # it is not empty: part of it has come
        self._folders.forget(made.parts)
        return True

    def _make_folder(self, into: SafePath, name: str) -> SafePath:
        parent = self._folders.get(into.parts, create=True)
        for free in _names(name):
            with suppress(FileExistsError):
                os.mkdir(free, 0o755, dir_fd=parent)
                self._folders.touch(into.parts)
                return into.child(free)
        raise AssertionError("names never end")

    def _bring_file(self, source: int, name: str, into: SafePath, shown: str) -> str:
        folder = self._folders.get(into.parts, create=True)
        self._unmet.meet(printable(shown))
        descriptor = open_regular(source, name)
        try:
            kept = self._why_kept(descriptor)
            if kept:
                raise UnsafePath(f"“{name}” is not shared", kept)
            taken = self._link(source, name, folder, descriptor) if self._move else ""
            taken = taken or self._copy(descriptor, folder, name, shown)
            self._folders.touch(into.parts)
            if self._move:
                self._remove_source(source, name, descriptor, folder)
            _say_complete(folder, taken)
            if is_backup(descriptor):
                self.backups.append("/".join((*into.parts[1:], taken)))
        finally:
            os.close(descriptor)
        return taken

    def _link(self, source: int, name: str, folder: int, descriptor: int) -> str:
        """Give the file itself a second name; return it, or "" where only a copy can do."""
        taken = _link_free(source, name, folder, name)
        if taken and not os.path.samestat(
            os.fstat(descriptor), os.stat(taken, dir_fd=folder, follow_symlinks=False)
        ):
            os.unlink(taken, dir_fd=folder)  # exchanged meanwhile
            return ""
        return taken

    def _copy(self, source: int, folder: int, name: str, shown: str) -> str:
        tmp_fd = self._share.tmp_fd
        before = os.fstat(source)
        copy = make_file(tmp_fd, self._tmp_name)
        try:
            copy_content(source, copy)
            if stat_of(os.fstat(source)) != stat_of(before):
                raise OSError(errno.EAGAIN, "it changed while it was copied")
            self._check(shown, copy)
            os.fchmod(copy, 0o755 if before.st_mode & modes.S_IXUSR else 0o644)
            os.utime(copy, ns=(before.st_mtime_ns, before.st_mtime_ns))
            os.fsync(copy)
            crashpoint("before_import")
            return _link_free(tmp_fd, self._tmp_name, folder, name) or _rename_free(
                tmp_fd, self._tmp_name, folder, name
            )
        finally:
            os.close(copy)
            remove_file(tmp_fd, self._tmp_name)

    def _check(self, shown: str, copy: int) -> None:
        """Find out that a copy is what was listed, if anything was; raises UnsafePath."""
        if self._listed is None:
            return
        listed = self._listed.get(shown)
        if listed is None:
            raise UnsafePath(f"“{shown}” is not copied", NOT_LISTED)
        read = root_of(copy, listed.piece_size)
        if read is None or read[0] != listed.root:
            raise UnsafePath(f"“{shown}” is not copied", NOT_AS_LISTED)

    def _remove_source(self, source: int, name: str, descriptor: int, folder: int) -> None:
        os.fsync(folder)  # the new name first, then the old one may go
        crashpoint("before_remove_source")
        found = stat_at(source, name)
        if found is not None and os.path.samestat(found, os.fstat(descriptor)):
            os.unlink(name, dir_fd=source)

    def _why_not(self, found: os.stat_result) -> str:
        """Say why a folder is not to be brought in, "" if it may."""
        own = os.fstat(self._shared.get(self._into.parts, create=True))
        if self._share.is_own_place(found) or os.path.samestat(found, own):
            return "it is where shared files go"
        home_fd = self._share.home_fd
        return PRIVATE if home_fd >= 0 and is_private(home_fd, found) else ""

    def _why_kept(self, descriptor: int) -> str:
        """Say why a file stays in the home, "" if it may be brought in."""
        home_fd, found = self._share.home_fd, os.fstat(descriptor)
        if home_fd < 0:
            return ""
        if is_private(home_fd, found) or is_key(home_fd, descriptor):
            return PRIVATE
        return OWN_FILE if is_own_file(home_fd, found) else ""

    def _has_failed_below(self, shown: str) -> bool:
        """Say whether something stayed behind in a folder, which then stays too, or was not met."""
        below = printable(shown) + os.sep
        failed = any(path.startswith(below) for path, _reason in self.failed)
        return failed or self._unmet.has_below(printable(shown))

    def _fail(self, path: str, reason: str) -> None:
        self.failed.append((printable(path), reason))


def _say_complete(folder: int, name: str) -> None:
    """Close a file once: who watches the folder waits for that.

    Whoever still writes one that was moved in is noticed by the next write.
    """
    with suppress(OSError, UnsafePath):
        os.close(open_regular(folder, name, os.O_WRONLY))


def _names(name: str) -> Iterator[str]:
    """Yield `name`, then `name (2)`, `name (3)`, … with the extension last."""
    return chain((name,), numbered(name, lambda n: f" ({n + 1})"))


def _link_free(source: int, name: str, folder: int, wanted: str) -> str:
    """Link a file into `folder` under the first free name; return it, "" where none can be made."""
    for free in _names(wanted):
        try:
            os.link(name, free, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno in NO_LINKS:
                return ""
            raise
        return free
    raise AssertionError("names never end")


def _rename_folder(source: int, name: str, folder: int, wanted: str) -> str:
    """Rename a folder into `folder` under the first free name; return it, "" across disks."""
    for free in _names(wanted):
        if stat_at(folder, free) is not None:
            continue
        try:
            os.rename(name, free, src_dir_fd=source, dst_dir_fd=folder)
        except OSError as error:
            if error.errno in FOLDER_IN_THE_WAY:
                continue
            if error.errno in NO_LINKS:
                return ""
            raise
        return free
    raise AssertionError("names never end")


def _rename_free(source: int, name: str, folder: int, wanted: str) -> str:
    """Rename a file into `folder` under the first free name; return it."""
    for free in _names(wanted):
        with suppress(FileExistsError):
            rename_to_free(source, name, folder, free)
            return free
    raise AssertionError("names never end")
