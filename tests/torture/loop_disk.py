"""A disk in a file, in which a bit can be flipped behind the back of the file system.

Strategy: an ext4 in an image, mounted through a loop device; a file is found in the image by its
content, so what is written to it must be like nothing else there. Memory is told to let go of the
file, so that whoever reads it next reads the disk. Guarantees: the file's stat is the same after a
flip, and its bytes are not; both are checked. Limits: Linux, and a user who may mount.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = 4096


class LoopDisk:
    """A mounted image."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder

    def flip(self, path: Path, offset: int = 0) -> None:
        """Flip one bit of the block at an offset of a file."""
        before = path.read_bytes()
        with path.open("rb") as file:
            os.fsync(file.fileno())
        stat = path.stat()
        block = before[offset : offset + BLOCK]
        image = self.image.read_bytes()
        at = image.find(block)
        assert at >= 0, "it is not on the disk"
        assert image.find(block, at + 1) < 0, "something else is like it"
        with self.image.open("r+b") as disk:
            disk.seek(at)
            disk.write(bytes([block[0] ^ 1]))
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        assert path.read_bytes() == before[:offset] + bytes([block[0] ^ 1]) + before[offset + 1 :]
        after = path.stat()
        unchanged = ("st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")
        assert [getattr(after, each) for each in unchanged] == [
            getattr(stat, each) for each in unchanged
        ]


@contextmanager
def loop_disk(folder: Path, size_bytes: int) -> Iterator[LoopDisk]:
    """Such a disk, mounted at a folder; skips where there can be none."""
    image = folder.with_suffix(".img")
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size_bytes)
    for command in (
        ["mkfs.ext4", "-q", str(image)],
        ["mount", "-o", "loop", str(image), str(folder)],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            pytest.skip(f"{error.filename} is not installed")
        if done.returncode:
            pytest.skip(f"{command[0]}: {done.stderr.strip()}")
    try:
        yield LoopDisk(image, folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        image.unlink()
