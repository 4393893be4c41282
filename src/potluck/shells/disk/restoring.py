"""Bringing versions back from the trash into the own folder: `potluck restore`.

Strategy: a version is copied in `tmp/`, with its time and x bit, made durable, and appears under
its path by one link, which never goes over anything. What stands there gets a second name in the
trash, then it and the copy change places, so that a restore can be taken back by another. What is
somebody else's comes into the own folder, below `Restored from <label>`, under the first free name.
Of a folder only what is missing there now is brought back, the newest version of each. Where it is
remembered what a version must be, its copy is hashed before it gets a name, and refused if it is
nothing of that (core/content/known_versions.py).

Guarantees: the trash keeps what is restored from it; nothing is overwritten; links, devices and
pipes in the trash are no versions; a version that changes while it is copied is not restored; at
every moment one of both versions stands at the path; what fails leaves no folder that it made.
Limits: where the file system cannot exchange two names, or has no links, nothing stands there for a
moment, and a crash then leaves it so: both versions are in the trash. What is saved there just
before the exchange is in `tmp/` until it is in the trash, and a crash in between loses it. What is
restored is writable. What is not remembered, as after the index was lost, is compared with nothing.
Onto another disk, mounted inside the own folder, nothing comes, which is said.
"""

from __future__ import annotations

import errno
import os
import stat as modes
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from potluck.core.content.facts import Finding
from potluck.core.content.known_versions import (
    KnownVersion,
    SizeAndTime,
    piece_sizes,
    possible_contents,
)
from potluck.core.content.paths import SafePath, parse_wire_path, printable
from potluck.core.content.version_names import parse_version
from potluck.core.errors import UnsafePath
from potluck.engine.effects import Import
from potluck.engine.events import Imported
from potluck.engine.own.restored import NOT_AS_IT_CAME, NOT_IN_TRASH, STANDS_ALL, TOO_FEW
from potluck.shells.disk.comparing import is_same_tree
from potluck.shells.disk.content_check import copy_content, root_of
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import (
    NO_LINKS,
    Share,
    crashpoint,
    make_file,
    open_regular,
    reason_at,
    remove_file,
    stat_at,
    stat_of,
    what_is,
)
from potluck.shells.disk.keeping import Keeper, Occupant, numbered
from potluck.shells.disk.renaming import change_places, rename_to_free
from potluck.shells.disk.trash_layout import Why
from potluck.shells.disk.trash_walk import KeptFile, numbered_versions, versions_below

_TRIES: Final = 5  # against a program that puts something there again and again
_FROM: Final = "Restored from"


def restore_paths(share: Share, order: Import) -> Imported:
    """Bring the versions back that `order.paths` name; what fails is in the result."""
    restoring = _Restoring(share, order)
    with (
        Folders(share.shared_fd) as folders,
        Folders(share.trash_fd) as trash,
        Keeper(share, time.time()) as keeper,
    ):
        restoring.begin(folders, trash, keeper)
        for text in order.paths:
            restoring.bring(text)
        try:
            keeper.sync()
        except OSError as error:
            restoring.fail("the trash", reason_at(error, share.top_fd))
        for parts, reason in folders.sync().items():
            restoring.fail("/".join(parts), reason)
    done = restoring.done
    return Imported(
        order.order, tuple(done.added), tuple(done.failed), tuple(done.already),
        tuple(done.instead), kept=tuple(done.kept), versions=tuple(done.versions),
        changed=tuple(done.changed),
    )  # fmt: skip


@dataclass(slots=True)
class _Done:
    """What came of it."""

    added: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    already: list[tuple[str, str]] = field(default_factory=list)
    instead: list[tuple[str, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    versions: list[tuple[int, int]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


class _Restoring:
    """One Import from the trash being carried out."""

    _folders: Folders
    _trash: Folders
    _keeper: Keeper

    def __init__(self, share: Share, order: Import) -> None:
        self.done = _Done()
        self._share = share
        self._own = order.into
        self._tmp_name = f"restore.{order.order}"
        self._known = defaultdict[str, list[KnownVersion]](list)
        for one in order.known:
            self._known[one.path].append(one)
        self._lying = defaultdict[str, set[SizeAndTime]](set)

    def __repr__(self) -> str:
        return f"_Restoring({self._own}, {self.done})"

    def begin(self, folders: Folders, trash: Folders, keeper: Keeper) -> None:
        """Work with these."""
        self._folders, self._trash, self._keeper = folders, trash, keeper

    def bring(self, text: str) -> None:
        """Bring back what a person named."""
        try:
            wanted = parse_version(text)
            found = versions_below(self._share.trash_fd, wanted.path).versions
            below = list(numbered_versions(found))
            for _, path, kept in below:
                self._lying[str(path)].add(_stat(kept))
            exact = [kept for _, path, kept in below if path == wanted.path]
            if exact and not wanted.is_folder:
                stats = [kept.found for kept in exact]
                self.done.versions += [(found.st_size, found.st_mtime_ns) for found in stats]
                if not 0 < wanted.number <= len(exact):
                    self.fail(text, TOO_FEW)
                    return
                self._bring_one(wanted.path, exact[wanted.number - 1])
            elif wanted.number == 1:
                newest = [(path, kept) for number, path, kept in below if number == 1]
                self._bring_folder(text, [each for each in newest if each[0] != wanted.path])
            else:
                self.fail(text, NOT_IN_TRASH)
        except (OSError, UnsafePath) as error:
            self.fail(text, reason_at(error, self._share.top_fd))

    def _bring_folder(self, text: str, newest: list[tuple[SafePath, KeptFile]]) -> None:
        """Bring back what is missing of a folder."""
        lacking = [each for each in newest if self._is_missing(each[0])]
        if not lacking:
            self.fail(text, STANDS_ALL if newest else NOT_IN_TRASH)
        for path, kept in lacking:
            try:
                self._bring_one(path, kept)
            except (OSError, UnsafePath) as error:
                self.fail(str(path), reason_at(error, self._share.top_fd))
            self._folders.trim()
            self._trash.trim()

    def _is_missing(self, path: SafePath) -> bool:
        try:
            return self._share.stat(path).finding is Finding.MISSING
        except UnsafePath:  # a link stands there, which is no file of theirs
            return True

    def _bring_one(self, path: SafePath, kept: KeptFile) -> None:
        """Bring one version back; raises OSError or UnsafePath."""
        is_own = path.parts[0] == self._own.name
        target = path if is_own else self._own_place(path)
        stood = self._folders.standing(target.parts[:-1])
        descriptor = open_regular(self._trash.get(kept.folder), kept.name)
        taken = ""
        try:
            self._copy(descriptor, path, kept)
            folder = self._folders.get(target.parts[:-1], create=True)
            if is_own:
                taken = self._put_back(target, folder)
            else:
                taken = self._put_beside(target, folder, path)
            self._folders.touch(target.parts[:-1])
        finally:
            os.close(descriptor)
            remove_file(self._share.tmp_fd, self._tmp_name)
            if not taken:
                self._folders.drop_made(target.parts[:-1], stood)
        if taken:
            _say_complete(folder, taken)
            name = "/".join((*target.parts[1:-1], taken))
            self.done.added.append(name)
            if not is_own:
                self.done.instead.append((name, str(path)))

    def _own_place(self, path: SafePath) -> SafePath:
        """Return where in the own folder a version of somebody else's file comes."""
        inner = "/".join((f"{_FROM} {path.parts[0]}", *path.parts[1:]))
        return self._own.joined(parse_wire_path(inner.encode()))

    def _copy(self, source: int, path: SafePath, kept: KeptFile) -> None:
        """Make a durable copy in tmp/; raises OSError or UnsafePath."""
        before = stat_of(os.fstat(source))
        remove_file(self._share.tmp_fd, self._tmp_name)
        copy = make_file(self._share.tmp_fd, self._tmp_name)
        try:
            copy_content(source, copy)
            if not before == stat_of(os.fstat(source)) == stat_of(kept.found):
                raise OSError(errno.EAGAIN, "it changed in the trash while it was copied")
            self._check(path, kept, copy)
            os.fchmod(copy, 0o755 if before.executable else 0o644)
            os.utime(copy, ns=(before.mtime_ns, before.mtime_ns))
            os.fsync(copy)
        finally:
            os.close(copy)
        crashpoint("before_restore")

    def _check(self, path: SafePath, kept: KeptFile, copy: int) -> None:
        """Find out that a copy is what is known of that version, if anything is; raises."""
        name = str(path)
        wanted = possible_contents(_stat(kept), self._lying[name], self._known[name])
        if not wanted:
            return
        roots = {one.root for one in wanted}
        for piece_size in piece_sizes(wanted):
            read = root_of(copy, piece_size)
            if read is not None and read[0] in roots:
                return
        where = "/".join((self._share.folder, ".potluck/trash", *kept.folder, kept.name))
        self.done.changed.append(where)
        raise UnsafePath(f"“{path}” is not restored", NOT_AS_IT_CAME)

    def _put_back(self, target: SafePath, folder: int) -> str:
        """Have the copy appear in its place; return its name, "" if the same stands there."""
        moved = False
        for _ in range(_TRIES):
            if self._linked_back(folder, target.name, moved=moved):
                if moved:
                    self.done.kept.append("/".join(target.parts[1:]))
                return target.name
            found = stat_at(folder, target.name)
            if found is None:
                continue  # gone again
            if self._stands(folder, target.name):
                self.done.already.append((str(target), str(target)))
                return ""
            if not modes.S_ISREG(found.st_mode):
                raise UnsafePath(f"“{target}” is in the way", f"a {what_is(found)} stands there")
            occupant = Occupant(target, folder, found)
            moved = not self._keeper.trash(occupant, leave=True, why=Why.REPLACED)
            crashpoint("after_kept")
            if moved and self._took_its_place(occupant):
                self.done.kept.append("/".join(target.parts[1:]))
                return target.name
        raise OSError(errno.EEXIST, "something is put there again and again")

    def _took_its_place(self, occupant: Occupant) -> bool:
        """Have the copy stand where that stood, which is in the trash; False if nothing does now.

        What is saved there at the last moment goes to the trash as well.
        """
        tmp_fd, folder, name = self._share.tmp_fd, occupant.folder_fd, occupant.path.name
        self._keeper.sync()  # it must not be lost together with what stood there
        try:
            if not change_places(tmp_fd, self._tmp_name, folder, name):
                self._keeper.trash(occupant, leave=False, why=Why.REPLACED)
                crashpoint("after_moved_away")
                return False
        except FileNotFoundError:
            return False
        crashpoint("after_exchange")
        came = stat_at(tmp_fd, self._tmp_name)
        assert came is not None, "nobody else takes anything from tmp/"
        if occupant.is_still(came):
            return True
        later = Occupant(occupant.path, tmp_fd, came, self._tmp_name)
        try:
            self._keeper.trash(later, leave=False, why=Why.REPLACED)
        except (OSError, UnsafePath):
            change_places(tmp_fd, self._tmp_name, folder, name)  # it is nowhere kept
            raise
        return True

    def _linked_back(self, folder: int, name: str, *, moved: bool) -> bool:
        """Give the copy its name; where that fails, say what `moved` away from there before."""
        try:
            return self._link(folder, name)
        except OSError as error:
            if not moved:
                raise
            reason = reason_at(error, self._share.top_fd)
            text = f"what stood there is in the trash, and: {reason}"
            raise OSError(text) from error  # without a number, which would say less

    def _put_beside(self, target: SafePath, folder: int, path: SafePath) -> str:
        """Have the copy appear under the first free name; return it, "" if the same stands so."""
        for name in chain((target.name,), numbered(target.name, lambda n: f" ({n + 1})")):
            if self._link(folder, name):
                return name
            if self._stands(folder, name):
                self.done.already.append((str(path), "/".join((*target.parts[:-1], name))))
                return ""
        raise AssertionError("names never end")

    def _stands(self, folder: int, name: str) -> bool:
        return is_same_tree(self._share.tmp_fd, self._tmp_name, folder, name)

    def _link(self, folder: int, name: str) -> bool:
        """Give the copy a name in `folder`; False if that is taken."""
        tmp_fd = self._share.tmp_fd
        try:
            os.link(
                self._tmp_name, name, src_dir_fd=tmp_fd, dst_dir_fd=folder, follow_symlinks=False
            )
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            try:
                rename_to_free(tmp_fd, self._tmp_name, folder, name)
            except FileExistsError:
                return False
        return True

    def fail(self, path: str, reason: str) -> None:
        """Note why something was not restored."""
        self.done.failed.append((printable(path), reason))


def _stat(kept: KeptFile) -> SizeAndTime:
    found = stat_of(kept.found)
    return found.size, found.mtime_ns


def _say_complete(folder: int, name: str) -> None:
    """Close a file once: who watches the folder waits for that (importing.py)."""
    with suppress(OSError, UnsafePath):
        os.close(open_regular(folder, name, os.O_WRONLY))
