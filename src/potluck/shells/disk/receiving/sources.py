"""Where a placed content comes from: each becomes one file, verified and ready to be renamed.

Strategy: the part file itself is what is placed; only where a batch places one root at several
paths are the others copied from it. A local file is copied into `tmp/` (sharing blocks where the
file system can) and the copy is hashed, or, if it is to go anyway, hashed where it stands and moved
later. One from the trash is copied and hashed, and stays there. mtime and mode are set here, before
the fsync, so that after it nothing but one rename is left to do.

Guarantees: nothing here changes what stands at a target path; a `ReadyFile` holds exactly the
content promised. Limits: a moved file is read once more to hash it; that costs time and makes a
rename safe against an edit meanwhile.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from potluck.core.content.facts import Source, Stat
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import EMPTY_ROOT, PieceList, Root
from potluck.core.errors import UnsafePath
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from potluck.shells.disk.content_check import content_matches, copy_content
from potluck.shells.disk.fsops import Share, make_file, open_regular, remove_file
from potluck.shells.disk.receiving.kept_copies import KeptCopies
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.part_map import part_name

EVERYONE: Final = "Everyone"
"""The label of the folder that everybody writes."""
_WRITABLE: Final = 0o644
_READ_ONLY: Final = 0o444
"""Other people's files: a program that saves over one is told, before it loses what was typed."""
_EXECUTABLE: Final = 0o111


class SourceGone(Exception):
    """The part file or the local file is not what was promised."""


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """A file that only has to be renamed, or that stands already."""

    name: str  # in tmp/, or in the folder of `moved`
    stat: Stat  # as it was verified
    part: Root | None  # the part file this is
    moved: SafePath | None  # the local file this is
    stands: bool = False  # at its path already; only time and mode were changed


class Sources:
    """Makes the files of one batch ready."""

    def __init__(
        self, share: Share, part_files: PartFiles, items: tuple[PlaceItem, ...], own: str
    ) -> None:
        """Look at the whole batch, to know which sources are used more than once.

        `own`: what the own folder is called, which stays writable.
        """
        self._share = share
        self._part_files = part_files
        self._own = own
        self._writable = frozenset({own, EVERYONE})
        self._part_uses = Counter(root_wanted(item) for item in items if item.source is Source.PART)
        self._moves = Counter(item.local for item in items if item.source is Source.MOVED)
        self._kept = KeptCopies(share.trash_fd)
        self._targets = {item.path for item in items if item.source is not Source.NONE}

    def __repr__(self) -> str:
        return f"Sources({self._share.folder!r}, writable {sorted(self._writable)})"

    def prepare(self, item: PlaceItem, copy_name: str) -> ReadyFile:
        """Make the file of one item ready, under `copy_name` in `tmp/` if a new one is needed.

        Raises SourceGone, UnsafePath or OSError; then nothing is left behind.
        """
        match item.source:
            case Source.PART:
                return self._part(item, copy_name)
            case Source.LOCAL if item.local == item.path:
                return self._standing(item)
            case Source.LOCAL:
                return self._copied(item, copy_name)
            case Source.MOVED:
                return self._moved(item, copy_name)
            case Source.KEPT:
                return self._from_trash(item, copy_name)
            case _:
                return self._made(item, copy_name, None)

    def discard(self, ready: ReadyFile) -> None:
        """Remove a copy that was not placed; part files and local files stay."""
        if ready.part is None and ready.moved is None and not ready.stands:
            remove_file(self._share.tmp_fd, ready.name)

    def open(self, ready: ReadyFile, path: SafePath) -> int:
        """Return a descriptor of a ready file, for its fsync; raises UnsafePath or OSError."""
        if ready.stands or ready.moved is not None:
            return self._share.open_file(ready.moved or path)
        return open_regular(self._share.tmp_fd, ready.name)

    def _part(self, item: PlaceItem, copy_name: str) -> ReadyFile:
        content = _content_of(item)
        if not self._part_files.seal(content):
            raise SourceGone("the part file is not complete")
        name = part_name(content.root)
        try:
            descriptor = open_regular(self._share.tmp_fd, name)
        except (FileNotFoundError, UnsafePath) as error:
            # else it would be taken for complete for ever, and never be fetched again
            self._part_files.drop((content.root,))
            raise SourceGone("the part file is gone") from error
        try:
            if os.fstat(descriptor).st_size != content.size_bytes:
                self._part_files.drop((content.root,))
                raise SourceGone("the part file has another length")
            self._part_uses[content.root] -= 1
            if self._part_uses[content.root]:
                return self._made(item, copy_name, descriptor)
            self._dress(descriptor, item)
            return ReadyFile(name, self._share.stat_fd(descriptor), content.root, None)
        finally:
            os.close(descriptor)

    def _standing(self, item: PlaceItem) -> ReadyFile:
        """Only time and mode change, where the content already stands; never in the own folder."""
        if item.path.parts[0] == self._own:
            raise SourceGone("the own folder is left as it is")
        descriptor = self._open_local(item.path)
        try:
            unchanged = item.expected == self._share.stat_fd(descriptor)
            if not unchanged and not content_matches(descriptor, _content_of(item)):
                raise SourceGone("the file has another content")
            self._dress(descriptor, item)
            stat = self._share.stat_fd(descriptor)
            return ReadyFile(item.path.name, stat, None, None, stands=True)
        finally:
            os.close(descriptor)

    def _copied(self, item: PlaceItem, copy_name: str) -> ReadyFile:
        descriptor = self._open_local(_local_of(item))
        try:
            return self._made(item, copy_name, descriptor)
        finally:
            os.close(descriptor)

    def _moved(self, item: PlaceItem, copy_name: str) -> ReadyFile:
        local = _local_of(item)
        self._moves[local] -= 1
        # wanted again, about to be replaced, or of the own folder: take a copy
        if self._moves[local] or local in self._targets or local.parts[0] == self._own:
            return self._copied(item, copy_name)
        descriptor = self._open_local(local)
        try:
            if not content_matches(descriptor, _content_of(item)):
                raise SourceGone("the local file has another content")
            self._dress(descriptor, item)
            return ReadyFile(local.name, self._share.stat_fd(descriptor), None, local)
        finally:
            os.close(descriptor)

    def _from_trash(self, item: PlaceItem, copy_name: str) -> ReadyFile:
        content = _content_of(item)
        with closing(self._kept.versions(_local_of(item), content.size_bytes)) as versions:
            for descriptor in versions:
                # thousands of versions may have that size: none of the others is copied
                if content_matches(descriptor, content):
                    with suppress(SourceGone):  # changed meanwhile; perhaps the next
                        return self._made(item, copy_name, descriptor)
        raise SourceGone("the trash here does not hold it any more")

    def _made(self, item: PlaceItem, copy_name: str, source: int | None) -> ReadyFile:
        """Make a new file, a copy of `source` or empty, and verify it."""
        tmp_fd = self._share.tmp_fd
        descriptor = make_file(tmp_fd, copy_name)
        done = False
        try:
            if source is not None:
                copy_content(source, descriptor)
                if not content_matches(descriptor, _content_of(item)):
                    raise SourceGone("the local file has another content")
            self._dress(descriptor, item)
            done = True
            return ReadyFile(copy_name, self._share.stat_fd(descriptor), None, None)
        finally:
            os.close(descriptor)
            if not done:
                remove_file(tmp_fd, copy_name)

    def _open_local(self, path: SafePath) -> int:
        try:
            return self._share.open_file(path)
        except (FileNotFoundError, NotADirectoryError, UnsafePath) as error:
            raise SourceGone("the local file is gone") from error

    def _dress(self, descriptor: int, item: PlaceItem) -> None:
        """Set time and mode, where they are not as they should be."""
        mode = mode_of(item, self._writable)
        found = os.fstat(descriptor)
        if found.st_mode & 0o7777 != mode:
            os.fchmod(descriptor, mode)
        if found.st_mtime_ns != item.mtime_ns:
            os.utime(descriptor, ns=(item.mtime_ns, item.mtime_ns))


def mode_of(item: PlaceItem, writable: frozenset[str]) -> int:
    """Return the permissions of a placed file: read-only unless it is under a `writable` label."""
    mode = _WRITABLE if item.path.parts[0] in writable else _READ_ONLY
    return mode | _EXECUTABLE if item.executable else mode


def _content_of(item: PlaceItem) -> PieceList:
    if item.content is None:
        raise SourceGone("the order names no content")
    return item.content


def root_wanted(item: PlaceItem) -> Root | None:
    """Return the root of the content an item asks for; None for a folder or a removal."""
    if item.source is Source.EMPTY:
        return EMPTY_ROOT
    if item.source in {Source.FOLDER, Source.NONE} or item.content is None:
        return None
    return item.content.root


def outcome(item: PlaceItem, placement: Placement, detail: str = "") -> Placed:
    """Return what became of an item that has no file to show for it."""
    return Placed(item.path, root_wanted(item), placement, None, "", detail)


def _local_of(item: PlaceItem) -> SafePath:
    if item.local is None:
        raise SourceGone("the order names no local file")
    return item.local
