"""Trees as they stand on the disk: read one, take its hash, tell where several differ.

Strategy: nothing that potluck believes is used here. Every file below a folder is opened and read;
its content hash is SHA-256 over the 64 KiB blocks that hold anything but zeros, each with its
offset, and over the size: two files have the same hash if and only if their bytes are equal, and
the holes of a sparse file need not be read. Names, kinds, sizes, mtimes and the executable bit
count, too. Symbolic links are not followed; they count as what they are. Limits: a tree must not
change while it is read; the devices have ended before.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 65536
_ZEROS = bytes(BLOCK_BYTES)


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a tree."""

    kind: str  # "file", "folder", or "other"
    size: int  # bytes, of a file
    mtime_ns: int  # of a file
    executable: bool  # of a file
    content: str  # hexadecimal hash, of a file


@dataclass(frozen=True, slots=True)
class Tree:
    """Everything below one folder."""

    entries: dict[str, Entry]  # path below the folder -> what is there

    @property
    def files(self) -> int:
        """How many files."""
        return sum(entry.kind == "file" for entry in self.entries.values())

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries.values())

    @property
    def digest(self) -> str:
        """The hash of the whole tree, hexadecimal."""
        whole = hashlib.sha256()
        for path in sorted(self.entries):
            whole.update(repr((os.fsencode(path), self.entries[path])).encode())
        return whole.hexdigest()


def read_tree(folder: Path) -> Tree:
    """Read everything below `folder`; raises OSError if something cannot be read."""
    entries: dict[str, Entry] = {}
    pending = [folder]
    while pending:
        for found in pending.pop().iterdir():
            path = str(found.relative_to(folder))
            entries[path] = _entry(found)
            if entries[path].kind == "folder":
                pending.append(found)
    return Tree(entries)


def differences(reference: Tree, other: Tree) -> list[str]:
    """Return, in words, each path where `other` differs from `reference`."""
    found = []
    for path in sorted(reference.entries.keys() | other.entries.keys()):
        ours, theirs = reference.entries.get(path), other.entries.get(path)
        if ours == theirs:
            continue
        if ours is None:
            found.append(f"{path}: too much")
        elif theirs is None:
            found.append(f"{path}: missing")
        else:
            parts = [
                name for name in Entry.__slots__ if getattr(ours, name) != getattr(theirs, name)
            ]
            found.append(f"{path}: another {' and '.join(parts)}")
    return found


def _entry(path: Path) -> Entry:
    facts = path.lstat()
    if stat.S_ISDIR(facts.st_mode):
        return Entry("folder", 0, 0, executable=False, content="")
    if not stat.S_ISREG(facts.st_mode):
        return Entry("other", 0, 0, executable=False, content="")
    executable = bool(facts.st_mode & stat.S_IXUSR)
    return Entry("file", facts.st_size, facts.st_mtime_ns, executable, content_hash(path))


def content_hash(path: Path) -> str:
    """Return the hash of one file's bytes."""
    content = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size_bytes = os.fstat(descriptor).st_size
        content.update(b"%d;" % size_bytes)
        for start, end in _extents(descriptor, size_bytes):
            for offset in range(start, end, BLOCK_BYTES):
                block = os.pread(descriptor, BLOCK_BYTES, offset)
                if block != _ZEROS[: len(block)]:
                    content.update(b"%d:" % offset)
                    content.update(block)
    finally:
        os.close(descriptor)
    return content.hexdigest()


def _extents(descriptor: int, size_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield the parts that hold data, widened to whole blocks, each block once."""
    offset = 0
    while offset < size_bytes:
        try:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError:
            return  # ENXIO: nothing but a hole follows
        start = max(offset, start // BLOCK_BYTES * BLOCK_BYTES)
        offset = min(-(-end // BLOCK_BYTES) * BLOCK_BYTES, size_bytes)
        yield start, offset
