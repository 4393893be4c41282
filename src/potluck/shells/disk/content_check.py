"""File content by descriptor: does it match its hashes, what is its root, and how it is copied.

Strategy: whatever is going to be placed is hashed where it lies, after the copying, so nothing can
change between the check and the use. A copy shares blocks where the file system can (FICLONE),
else the kernel copies (copy_file_range), else we do; each way leaves holes as holes.

Guarantees: positional reads and writes only, so descriptors may be shared between threads; one
piece in memory. Limits: a file that somebody writes while it is copied gives a copy that does not
match, never a wrong one unseen.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from typing import Final

from blake3 import blake3

from potluck.core import limits
from potluck.core.content.pieces import (
    HASH_BYTES,
    PieceList,
    Root,
    file_root,
    piece_count,
    piece_length,
)

_FICLONE: Final = 0x40049409
"""The number of ioctl_ficlone(2); Python has no name for it."""
_COPY_BYTES: Final = 8 * limits.MIB
"""At most so much in one call: a call costs nothing beside it, and by hand it is our memory."""
_CANNOT: Final = frozenset(
    {
        errno.EOPNOTSUPP,
        errno.ENOTTY,
        errno.EXDEV,
        errno.EINVAL,
        errno.ENOSYS,
        errno.EPERM,
        errno.EBADF,
        errno.ETXTBSY,
    }
)
"""What kernels say of a shortcut that these two files do not allow; the next way is tried."""


def piece_matches(descriptor: int, content: PieceList, piece: int) -> bool:
    """Read one piece of an open file; say whether its hash is the one listed. Raises OSError."""
    data = _read(descriptor, content.length_of(piece), piece * content.piece_size)
    return data is not None and blake3(data).digest() == content.hash_of(piece)


def content_matches(descriptor: int, content: PieceList) -> bool:
    """Read an open file and say whether it is exactly this content; raises OSError.

    A content of one piece needs no list: its only hash follows from the bytes.
    """
    if os.fstat(descriptor).st_size != content.size_bytes:
        return False
    if content.count == 1 and not content.hashes:
        found = root_of(descriptor, content.piece_size)
        return found is not None and found[0] == content.root
    if len(content.hashes) != content.count * HASH_BYTES:
        return False
    return all(piece_matches(descriptor, content, piece) for piece in range(content.count))


def root_of(descriptor: int, piece_size: int) -> tuple[Root, bytes] | None:
    """Return root and joined hashes of an open file, None if it shrank; raises OSError."""
    size = os.fstat(descriptor).st_size
    hashes = bytearray()
    for piece in range(piece_count(size, piece_size)):
        data = _read(descriptor, piece_length(size, piece_size, piece), piece * piece_size)
        if data is None:
            return None
        hashes += blake3(data).digest()
    return file_root(size, piece_size, bytes(hashes)), bytes(hashes)


def is_hole(descriptor: int, offset: int, length: int) -> bool:
    """Say whether that range of an open file certainly holds no data, so reads as zeros."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA) >= offset + length
    except OSError as error:
        if error.errno == errno.ENXIO:  # no data from there to the end
            return True
        raise


def copy_content(source: int, target: int) -> None:
    """Make the empty file `target` hold what `source` holds, holes as holes; raises OSError."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    else:
        return
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    for start, end in _extents(source, size):
        _copy_range(source, target, start, end)


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges that hold data."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def _copy_range(source: int, target: int, start: int, end: int) -> None:
    kernel = hasattr(os, "copy_file_range")
    while start < end:
        wanted = min(end - start, _COPY_BYTES)
        try:
            count = os.copy_file_range(source, target, wanted, start, start) if kernel else 0
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            count = 0
        if not count:  # some kernels copy nothing from some file systems and call it success
            kernel = False
            count = _copy_by_hand(source, target, wanted, start)
        if not count:  # the source shrank; whoever asked compares the hashes
            return
        start += count


def _copy_by_hand(source: int, target: int, wanted: int, offset: int) -> int:
    data = os.pread(source, wanted, offset)
    return os.pwrite(target, data, offset) if data else 0


def _read(descriptor: int, length: int, offset: int) -> bytes | bytearray | None:
    """Read exactly `length` bytes, or return None if the file ends before."""
    data = os.pread(descriptor, length, offset)
    if len(data) == length:
        return data
    whole = bytearray(data)
    while len(whole) < length:
        more = os.pread(descriptor, length - len(whole), offset + len(whole))
        if not more:
            return None
        whole += more
    return whole
