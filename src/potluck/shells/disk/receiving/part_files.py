"""Part files: what has been received of contents that are not complete, in `.potluck/tmp/`.

Strategy: `<root>.part` is a sparse file of the right length, written at offsets; `<root>.map` is a
header with the piece list and a bitmap of the pieces that are written. A piece is written first and
marked afterwards, so the map may lag behind the data but never runs ahead of it. A content of one
piece needs no map: its bytes say themselves whether they are all there.

Guarantees: one Part per root however many workers write it; a torn header is noticed (the list must
hash to the root in the file's name) and the part dropped; after a restart every piece that a map
claims is hashed again, since a power cut may keep the map and lose the data. Pieces of zeros are
here from the start, as holes. Limits: `write` does not check hashes, its caller has just done so; a
whole small file is durable only once placed.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Self

from potluck.core import limits
from potluck.core.content.pieces import Bitfield, PieceList, Root, piece_count, piece_size_for
from potluck.core.errors import UnsafePath
from potluck.engine.events import PartFound
from potluck.shells.disk.content_check import is_hole, piece_matches, root_of
from potluck.shells.disk.fsops import Share, crashpoint, open_regular, stat_at, write_all
from potluck.shells.disk.receiving.part_map import (
    map_name,
    part_name,
    read_map,
    root_in,
    write_bits,
    write_map,
)

_ALLOCATE_BYTES: Final = (
    limits.COMMIT_BYTES
)  # above this a file is written long enough to be laid out well anyway
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Part:
    """One content being received; made by `Parts.open`, closed by everybody who opened it."""

    def __init__(
        self, owner: PartFiles, content: PieceList, descriptors: tuple[int, int], have: Bitfield
    ) -> None:
        """Take over the descriptors of the part file and its map."""
        self.content: Final = content
        self.references = 1  # guarded by the lock of `owner`
        self._owner = owner
        self._part_fd, self._map_fd = descriptors
        self._have = have
        self._lock = threading.Lock()
        self._retired = False

    def write(self, piece: int, data: bytes | bytearray | memoryview) -> None:
        """Write the verified bytes of one piece; raises OSError, ValueError if their number is
        wrong.
        """
        if len(data) != self.content.length_of(piece):
            raise ValueError(
                f"piece {piece} has {self.content.length_of(piece)} bytes, not {len(data)}"
            )
        # Under the lock, or a straggler could still change the mtime of a file that was just
        # placed. It costs nothing: file systems take turns on one file themselves.
        with self._lock:
            if not self._retired and piece not in self._have:
                write_all(self._part_fd, memoryview(data), piece * self.content.piece_size)

    def mark(self, pieces: Iterable[int]) -> None:
        """Note in the map that these pieces are written; raises OSError."""
        with self._lock:
            new = [piece for piece in pieces if piece not in self._have]
            if not new or self._retired:
                return
            for piece in new:
                self._have.add(piece)
            write_bits(self._map_fd, self.content, self._have, min(new), max(new))

    def have(self) -> Bitfield:
        """Return a copy of the field of the pieces that are here."""
        with self._lock:
            return Bitfield(self.content.count, self._have.to_bytes())

    def retire(self) -> None:
        """Let nothing more be written: the file is being placed or was dropped."""
        with self._lock:
            self._retired = True

    def close(self) -> None:
        """Give this reference up; the last one closes the files, which stay on the disk."""
        self._owner.give_back(self)

    def close_files(self) -> None:
        """Close the descriptors; only for `Parts`, when nobody holds this any more."""
        self.retire()
        os.close(self._part_fd)
        os.close(self._map_fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


class PartFiles:
    """All part files of one share."""

    def __init__(self, share: Share) -> None:
        """Work in the `tmp/` of `share`."""
        self._tmp_fd = share.tmp_fd
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._open: dict[Root, Part] = {}
        self._known: dict[Root, Bitfield] = {}  # not open, and believed: verified in this run
        self._writing: set[Root] = set()

    def open(self, content: PieceList) -> Part:
        """Return the Part of a content, made or taken up where an earlier run left it; raises
        OSError.
        """
        with self._lock:
            part = self._open.get(content.root)
            if part is not None:
                part.references += 1
                return part
            part = self._take_up(content) or self._begin(content)
            self._open[content.root] = part
            self._known.pop(content.root, None)
            return part

    def give_back(self, part: Part) -> None:
        """End one reference to an open Part."""
        with self._lock:
            part.references -= 1
            if part.references:
                return
            if self._open.get(part.content.root) is part:
                del self._open[part.content.root]
                self._known[part.content.root] = part.have()
            part.close_files()

    def write_whole(self, content: PieceList, data: bytes | bytearray | memoryview) -> None:
        """Write the verified bytes of a content of one piece in one go, without a map; raises
        OSError.
        """
        if len(data) != content.size_bytes or content.count != 1:
            raise ValueError("not the bytes of one whole piece")
        root = content.root
        with self._changed:
            while root in self._writing:
                self._changed.wait()
            known = self._known.get(root)
            if known is not None and known.complete:
                return
            self._writing.add(root)
        written = False
        try:
            self._write_new(root, data)
            written = True
        finally:
            with self._changed:
                self._writing.discard(root)
                if written:
                    self._retire(root)
                    self._known[root] = Bitfield(1, b"\x01")
                self._changed.notify_all()

    def seal(self, content: PieceList) -> bool:
        """Say whether every piece was verified in this run; if so, let nobody write any more.

        A content of zeros only is always complete: nothing of it ever travels.
        """
        with self._lock:
            part = self._open.get(content.root)
            known = part.have() if part is not None else self._known.get(content.root)
        if (
            known is None
            and content.count
            and all(content.is_zero(piece) for piece in range(content.count))
        ):
            with self.open(content) as made:  # nobody may have asked for it yet
                known = made.have()
        if known is None or not known.complete:
            return False
        with self._lock:
            self._retire(content.root)
            self._known[content.root] = known
        return True

    def found(self) -> tuple[PartFound, ...]:
        """Read, verify and return what earlier runs left, and remove what is of no use; once, at
        start.
        """
        found = []
        names = set(os.listdir(self._tmp_fd))
        for name in sorted(names):
            root = root_in(name)
            part = (
                self._recover(root, with_map=map_name(root) in names) if root is not None else None
            )
            if part is not None:
                found.append(part)
            elif root is not None:
                self.drop((root,))
            elif not (name.endswith(".map") and f"{name[:-4]}.part" in names):
                self._unlink(name)
        return tuple(found)

    def drop(self, roots: Iterable[Root]) -> None:
        """Remove the part files of these roots; those still open become useless to their holders."""
        for root in roots:
            with self._lock:
                self._retire(root)
            self._unlink(part_name(root))
            self._unlink(map_name(root))

    def placed(self, root: Root) -> None:
        """Remove what is left of a part whose file was renamed to its place."""
        with self._lock:
            self._retire(root)
        self._unlink(map_name(root))

    # -- on the disk -------------------------------------------------------------------------------
    def _write_new(self, root: Root, data: bytes | bytearray | memoryview) -> None:
        self._unlink(part_name(root))
        descriptor = os.open(part_name(root), _NEW, 0o600, dir_fd=self._tmp_fd)
        try:
            crashpoint("before_write_whole")
            write_all(descriptor, memoryview(data))
        finally:
            os.close(descriptor)

    def _begin(self, content: PieceList) -> Part:
        """Make a part file of the right length, all holes, and its map."""
        root = content.root
        self._unlink(part_name(root))
        self._unlink(map_name(root))
        have = Bitfield(content.count)
        for piece in range(content.count):
            if content.is_zero(piece):
                have.add(piece)
        part_fd = os.open(part_name(root), _NEW, 0o600, dir_fd=self._tmp_fd)
        try:
            os.ftruncate(part_fd, content.size_bytes)
            if not len(have) and 0 < content.size_bytes <= _ALLOCATE_BYTES:
                _allocate(part_fd, content.size_bytes)
            crashpoint("before_map")
            map_fd = os.open(map_name(root), _NEW, 0o600, dir_fd=self._tmp_fd)
        except OSError:
            os.close(part_fd)
            raise
        part = Part(self, content, (part_fd, map_fd), have)
        try:
            write_map(map_fd, content, have)
        except OSError:
            part.close_files()
            raise
        return part

    def _take_up(self, content: PieceList) -> Part | None:
        """Open what is there of a content, or return None if that is nothing, or not to be
        believed.
        """
        root = content.root
        try:
            part_fd = _open_again(self._tmp_fd, part_name(root))
        except (FileNotFoundError, UnsafePath):
            return None
        try:
            map_fd = _open_again(self._tmp_fd, map_name(root))
        except (FileNotFoundError, UnsafePath):
            os.close(part_fd)
            return None
        read = read_map(map_fd, root)
        if read is None or read[0] != content or os.fstat(part_fd).st_size != content.size_bytes:
            os.close(part_fd)
            os.close(map_fd)
            return None
        have = self._known.get(root) or _verified(part_fd, content, read[1])
        _fill_zeros(part_fd, content, have)
        write_bits(map_fd, content, have, 0, content.count)
        return Part(self, content, (part_fd, map_fd), have)

    def _recover(self, root: Root, *, with_map: bool) -> PartFound | None:
        content = self._mapped(root) if with_map else self._whole(root)
        if content is None:
            return None
        if not with_map:
            with self._lock:
                self._known[root] = Bitfield(1, b"\x01")
            return PartFound(content, b"\x01")
        with self.open(content) as part:
            return PartFound(content, part.have().to_bytes())

    def _mapped(self, root: Root) -> PieceList | None:
        try:
            descriptor = open_regular(self._tmp_fd, map_name(root))
        except (OSError, UnsafePath):
            return None
        try:
            read = read_map(descriptor, root)
        finally:
            os.close(descriptor)
        seen = stat_at(self._tmp_fd, part_name(root))
        return (
            read[0]
            if read is not None and seen is not None and seen.st_size == read[0].size_bytes
            else None
        )

    def _whole(self, root: Root) -> PieceList | None:
        """Return the piece list of a part without a map, if it is whole and of one piece."""
        try:
            descriptor = open_regular(self._tmp_fd, part_name(root))
        except (OSError, UnsafePath):
            return None
        try:
            size = os.fstat(descriptor).st_size
            piece_size = piece_size_for(size)
            if piece_count(size, piece_size) != 1:
                return None
            read = root_of(descriptor, piece_size)
        finally:
            os.close(descriptor)
        return (
            PieceList(root, size, piece_size, read[1])
            if read is not None and read[0] == root
            else None
        )

    def _retire(self, root: Root) -> None:
        part = self._open.pop(root, None)
        if part is not None:
            part.retire()
        self._known.pop(root, None)

    def _unlink(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._tmp_fd)


def _open_again(tmp_fd: int, name: str) -> int:
    """Open a file of ours for writing, even if an interrupted placing has already made it
    read-only.
    """
    descriptor = open_regular(tmp_fd, name)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return open_regular(tmp_fd, name, os.O_RDWR)


def _verified(descriptor: int, content: PieceList, claimed: Bitfield) -> Bitfield:
    """Return the claimed pieces that really are there."""
    have = Bitfield(content.count)
    for piece in range(content.count):
        if piece in claimed and piece_matches(descriptor, content, piece):
            have.add(piece)
    return have


def _fill_zeros(descriptor: int, content: PieceList, have: Bitfield) -> None:
    """Make sure that pieces of zeros are zeros: a hole is left alone, older data is overwritten."""
    for piece in range(content.count):
        if piece not in have and content.is_zero(piece):
            offset, length = piece * content.piece_size, content.length_of(piece)
            if not is_hole(descriptor, offset, length):
                write_all(descriptor, bytes(length), offset)
            have.add(piece)


def _allocate(descriptor: int, size_bytes: int) -> None:
    """Take the space at once, so that a full disk says so now and the file lies in one run."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
            raise
