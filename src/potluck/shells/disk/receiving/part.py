"""One part file: made, taken up where an earlier run left it, written piece by piece.

Strategy: `<root>.part` is a sparse file of the right length, written at offsets; beside it lies its
map (part_map.py). A piece is written first and marked afterwards, so the map may lag behind the
data but never runs ahead of it. Whoever takes a part up hashes every piece that its map claims,
unless that was done in this run.

Guarantees: pieces of zeros are here from the start, as holes; what is retired is never written
again, whoever still holds it; no descriptor is left open by a failure. Limits: `write` does not
check hashes, its caller has just done so.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from typing import Final, Protocol, Self

from potluck.core import limits
from potluck.core.content.pieces import Bitfield, PieceList, Root, piece_count, piece_size_for
from potluck.core.errors import UnsafePath
from potluck.shells.disk.content_check import is_hole, piece_matches, root_of
from potluck.shells.disk.fsops import (
    crashpoint,
    make_file,
    open_regular,
    plainly,
    remove_file,
    stat_at,
    write_all,
)
from potluck.shells.disk.receiving.part_map import (
    map_name,
    part_name,
    read_map,
    write_bits,
    write_map,
)

ALLOCATE_BYTES: Final = limits.COMMIT_BYTES
"""Above this a file is written long enough to be laid out well anyway."""


class LendsParts(Protocol):
    """Whoever opened a part and closes it for all who hold it."""

    def give_back(self, part: Part) -> None:
        """End one reference."""


class Part:
    """One content being received; made by `PartFiles.open`, closed by everybody who opened it."""

    def __init__(
        self, owner: LendsParts, content: PieceList, descriptors: tuple[int, int], have: Bitfield
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
        """Write the verified bytes of one piece; raises OSError, ValueError for a wrong number."""
        length = self.content.length_of(piece)
        if len(data) != length:
            raise ValueError(f"piece {piece} has {length} bytes, not {len(data)}")
        # Under the lock, or a straggler could still change the mtime of a file that was just
        # placed. It costs nothing: file systems take turns on one file themselves.
        with self._lock, plainly(self._part_fd):
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
            with plainly(self._map_fd):
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
        """Close the descriptors; only for `PartFiles`, when nobody holds this any more."""
        self.retire()
        os.close(self._part_fd)
        os.close(self._map_fd)

    def __repr__(self) -> str:
        state = "retired" if self._retired else "open"
        have = f"{len(self._have)} of {self.content.count} pieces"
        return f"Part({self.content.root.hex()[:8]}, {have}, {state}, {self.references} references)"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def begin(owner: LendsParts, tmp_fd: int, content: PieceList) -> Part:
    """Make a part file of the right length, all holes, and its map; raises OSError."""
    root = content.root
    remove_file(tmp_fd, part_name(root))
    remove_file(tmp_fd, map_name(root))
    have = Bitfield(content.count)
    for piece in range(content.count):
        if content.is_zero(piece):
            have.add(piece)
    part_fd = make_file(tmp_fd, part_name(root))
    try:
        os.ftruncate(part_fd, content.size_bytes)
        if not len(have) and 0 < content.size_bytes <= ALLOCATE_BYTES:
            _allocate(part_fd, content.size_bytes)
        crashpoint("before_map")
        map_fd = make_file(tmp_fd, map_name(root))
    except OSError:
        os.close(part_fd)
        raise
    part = Part(owner, content, (part_fd, map_fd), have)
    try:
        write_map(map_fd, content, have)
    except OSError:
        part.close_files()
        raise
    return part


def take_up(
    owner: LendsParts, tmp_fd: int, content: PieceList, known: Bitfield | None
) -> Part | None:
    """Open what is there of a content; None if that is nothing, or not to be believed.

    `known`: the pieces that were verified in this run; without it every piece that the map claims
    is hashed again. Raises OSError.
    """
    root = content.root
    try:
        part_fd = _open_again(tmp_fd, part_name(root))
    except (FileNotFoundError, UnsafePath):
        return None
    try:
        map_fd = _open_again(tmp_fd, map_name(root))
    except (FileNotFoundError, UnsafePath):
        os.close(part_fd)
        return None
    read = read_map(map_fd, root)
    if read is None or read[0] != content or os.fstat(part_fd).st_size != content.size_bytes:
        os.close(part_fd)
        os.close(map_fd)
        return None
    have = known or _verified(part_fd, content, read[1])
    _fill_zeros(part_fd, content, have)
    write_bits(map_fd, content, have, 0, content.count)
    return Part(owner, content, (part_fd, map_fd), have)


def content_in_map(tmp_fd: int, root: Root) -> PieceList | None:
    """Return the piece list in the map of a part, if both can be believed."""
    try:
        descriptor = open_regular(tmp_fd, map_name(root))
    except (OSError, UnsafePath):
        return None
    try:
        read = read_map(descriptor, root)
    finally:
        os.close(descriptor)
    seen = stat_at(tmp_fd, part_name(root))
    if read is None or seen is None or seen.st_size != read[0].size_bytes:
        return None
    return read[0]


def content_in_part(tmp_fd: int, root: Root) -> PieceList | None:
    """Return the piece list of a part without a map, if it is whole and of one piece."""
    try:
        descriptor = open_regular(tmp_fd, part_name(root))
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
    if read is None or read[0] != root:
        return None
    return PieceList(root, size, piece_size, read[1])


def _open_again(tmp_fd: int, name: str) -> int:
    """Open a file of ours for writing, even one that an interrupted placing made read-only."""
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
