"""Hashing: from a file on the disk to the list of its pieces.

Strategy: open once, look at the descriptor, read piece by piece into one reused buffer, look at the
descriptor again. Holes are skipped with SEEK_DATA: a piece that lies wholly in a hole is known
without reading it. A file touched in the running tick of the kernel's clock is hashed after that
tick, because a second change in it would leave the same times behind and never be noticed (git
calls this the racy entry).

A file that never holds still is taken as a snapshot when the order calls it restless. It is read a
second time, as far as it reached when the first reading began, and counts if every piece reads the
same again: whatever each piece was at its two readings it was in between too, so between the last
piece of the first reading and the first of the second they all stood there at once. What was
appended since belongs to the next reading. Its stat is that from before, so the next look sees that
the file is another one and has it read again.

An order that wants files `afresh` wants to know what the disk has: what memory holds of a file is
let go before it is read, and again after, so that nobody else's files are crowded out.

Guarantees: a `Hashed` names bytes that stood in the file at one moment. Of one that is not restless
size, mtime, ctime and inode were the same before and after. What is no regular file is never read,
and opening it never blocks. A file that cannot be read is named with the reason, and so is the
private key of this device, under whatever name it lies there. Limits: one thread
per order; on file systems whose times are coarser than the clock's tick (FAT: 2 s) a change within
one step is found by its hash only, when the piece is served; of a restless file a piece that was
changed and changed back between its readings may be of another moment, and a file that was cut
short and grown again over bytes not read yet is what it was before that. Afresh is as far as the
system says: what is not written yet, what a program has mapped, and what the disk itself remembers
is read from there.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from potluck.core import limits
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import (
    HASH_BYTES,
    PieceList,
    file_root,
    piece_count,
    piece_hash,
    piece_length,
    piece_size_for,
    zero_hash,
)
from potluck.core.errors import UnsafePath
from potluck.engine.effects import Hash
from potluck.engine.events import FilesHashed, Hashed, OrderId, Unreadable
from potluck.shells.disk.faults import PrivateKeyFound, unreadable
from potluck.shells.disk.fsops import Share, stat_of
from potluck.shells.disk.private_files import is_key

TICK_NS: Final = 10_000_000
"""The longest tick of a Linux clock (HZ=100); most have 4 ms."""
_TICK_LOOK_S: Final = 0.001
"""Between two looks at the clock: the tick is over soon after it is over."""
_TICK_LOOKS: Final = 20
"""A file written without pause is not waited for; its next event brings it back."""
_CLOCK_REALTIME_COARSE: Final = 5
"""Linux, <time.h>: the clock that stamps files; Python has no name for it."""
_BLOCK_BYTES: Final = 512
"""The unit of st_blocks, whatever the file system's own."""


def never() -> bool:
    """Say no: the default of those who may be asked to stop."""
    return False


def at_once(size_bytes: int) -> None:
    """Rest after so much was read: not at all."""


class Buffer:
    """One piece of memory for reading, reused; it grows to the largest piece asked for."""

    def __init__(self) -> None:
        self._bytes = bytearray(limits.PIECE_MIN_BYTES)

    def __repr__(self) -> str:
        return f"Buffer({len(self._bytes)} bytes)"

    def view(self, length: int) -> memoryview:
        """Return the first `length` bytes; the next reader overwrites what they held before."""
        if length > len(self._bytes):
            self._bytes = bytearray(length)
        return memoryview(self._bytes)[:length]


@dataclass(slots=True)
class _Batch:
    """What will stand in the next FilesHashed."""

    files: list[Hashed] = field(default_factory=list)
    unstable: list[SafePath] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    size_bytes: int = 0

    def told(self, order: OrderId, *, last: bool) -> FilesHashed:
        """Return what became of these files."""
        done, left = tuple(self.files), tuple(self.unstable)
        return FilesHashed(order, done, left, last, tuple(self.unreadable))

    def is_full(self) -> bool:
        return (
            len(self.files) + len(self.unstable) >= limits.COMMIT_FILES
            or self.size_bytes >= limits.COMMIT_BYTES
        )


def hash_files(
    share: Share,
    effect: Hash,
    stopping: Callable[[], bool] = never,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[FilesHashed]:
    """Yield what became of the files of `effect`, at most 256 files or about 64 MiB at a time.

    Once `stopping()` says yes, nothing is read. `sleep` is how an order that has time takes it.
    """
    rest = at_once if not effect.bytes_s else lambda size: sleep(size / effect.bytes_s)
    reader = _Reader(Buffer(), stopping, rest, afresh=effect.afresh)
    restless = frozenset(effect.restless)
    batch = _Batch()
    for path, piece_size_before in effect.files:
        if batch.is_full():
            yield batch.told(effect.order, last=False)
            batch = _Batch()
        try:
            hashed = reader.read(share, path, piece_size_before, restless=path in restless)
        except OSError as error:
            batch.unreadable.append(unreadable(path, error))
            hashed = None
        if hashed is None:
            batch.unstable.append(path)
        else:
            batch.files.append(hashed)
            batch.size_bytes += hashed.stat.size
    yield batch.told(effect.order, last=True)


def hash_file(share: Share, path: SafePath, piece_size_before: int) -> Hashed | None:
    """Return the pieces of one file; None if it changed, is gone or is no file.

    Raises OSError where the disk or the file's permissions say no.
    """
    return _Reader(Buffer(), never).read(share, path, piece_size_before, restless=False)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads files, one after the other, into one buffer."""

    buffer: Buffer
    stopping: Callable[[], bool]
    rest: Callable[[int], object] = at_once  # after so many bytes
    afresh: bool = False

    def read(
        self, share: Share, path: SafePath, piece_size_before: int, *, restless: bool
    ) -> Hashed | None:
        """Return the pieces of one file; None if it changed, is gone, is no file, or we are to
        stop.
        """
        try:
            descriptor = share.open_file(path)
        except (FileNotFoundError, NotADirectoryError, UnsafePath):
            return None  # gone, or swapped for something that is not shared
        try:
            if share.home_fd >= 0 and is_key(share.home_fd, descriptor):
                raise PrivateKeyFound("it is the private key of this device, which is never shared")
            before = _stat_out_of_tick(descriptor)
            size = before.st_size
            if size > limits.FILE_MAX_BYTES:
                return None  # it grew since it was seen: the next look refuses it
            piece_size = piece_size_for(size, piece_size_before)
            self._forget(descriptor)
            hashes = self._hashes(descriptor, before, piece_size)
            if hashes is None:
                return None
            stat = stat_of(before)
            if stat_of(os.fstat(descriptor)) != stat:
                # is it what it was between the two readings?
                stood = restless and self._hashes(descriptor, before, piece_size, hashes)
                if not stood:
                    return None
            root = file_root(size, piece_size, hashes)
            return Hashed(path, stat, PieceList(root, size, piece_size, hashes))
        finally:
            self._forget(descriptor)
            os.close(descriptor)

    def _forget(self, descriptor: int) -> None:
        """Have memory let go of what it holds of a file, where the disk is to be read."""
        if self.afresh and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def _hashes(
        self, descriptor: int, before: os.stat_result, piece_size: int, expected: bytes = b""
    ) -> bytes | None:
        """Return the joined hashes of all pieces; None if the file shrank, we are to stop, or a
        hash is not the `expected` one.
        """
        size = before.st_size
        sparse = before.st_blocks * _BLOCK_BYTES < size
        data_from = 0  # every byte between the piece's start and here is in a hole
        hashes = bytearray()
        for piece in range(piece_count(size, piece_size)):
            if self.stopping():
                return None
            start = piece * piece_size
            length = piece_length(size, piece_size, piece)
            if sparse and data_from <= start:
                data_from = _next_data(descriptor, start, size)
            if data_from >= start + length:
                hashes += zero_hash(length)
            else:
                view = self.buffer.view(length)
                if not read_exactly(descriptor, view, start):
                    return None
                hashes += piece_hash(view)
                self.rest(length)
            if expected and not expected.startswith(hashes[-HASH_BYTES:], piece * HASH_BYTES):
                return None
        return bytes(hashes)


def read_exactly(descriptor: int, view: memoryview, offset: int) -> bool:
    """Read exactly `view` from `offset`; False if the file ends before that."""
    filled = 0
    while filled < len(view):
        count = os.preadv(descriptor, [view[filled:]], offset + filled)
        if not count:
            return False
        filled += count
    return True


def _next_data(descriptor: int, offset: int, size: int) -> int:
    """Return where the first byte in no hole stands, from `offset` on; `size` if there is none."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        # ENXIO: a hole up to the end. Anything else: no holes are known here, so all is read.
        return size if error.errno == errno.ENXIO else offset


def _stat_out_of_tick(descriptor: int) -> os.stat_result:
    """Return the descriptor's stat, taken after the clock's tick of its last change."""
    result = os.fstat(descriptor)
    for _ in range(_TICK_LOOKS):
        if not 0 <= result.st_ctime_ns - _file_clock_ns() <= TICK_NS:
            break  # the tick is over; or the clock was set back, which waiting does not mend
        time.sleep(_TICK_LOOK_S)
        result = os.fstat(descriptor)
    return result


def _file_clock_ns() -> int:
    """Return the time that a file changed now would get."""
    linux = sys.platform == "linux"
    return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE) if linux else time.time_ns()
