"""A file system that takes some names for one, for tests: a real one where there is one here.

Strategy: none of the kernels our tests run on needs to know vfat, exFAT or case folding, so a real
one is exFAT through FUSE (`mount.exfat-fuse`, `mkfs.exfat`), as root, on a loop device. Where any
of that is missing the test is skipped, with what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SIZE_BYTES = 64 << 20
NEEDED = ("mkfs.exfat", "mount.exfat-fuse", "losetup", "umount")


@contextmanager
def exfat(at: Path, image: Path) -> Iterator[None]:
    """Have an empty exFAT mounted there; skips the test where that cannot be."""
    where = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    programs = {name: shutil.which(name, path=where) for name in NEEDED}
    missing = [name for name, found in programs.items() if found is None]
    if missing or os.geteuid() or not os.path.exists("/dev/fuse"):
        why = ", ".join(missing) or "root and /dev/fuse"
        pytest.skip(f"a file system that folds names needs {why}")
    with image.open("wb") as file:
        file.truncate(SIZE_BYTES)
    at.mkdir(parents=True, exist_ok=True)
    device = _run(programs["losetup"], "--find", "--show", str(image))
    if device is None:
        pytest.skip("a file system that folds names needs a loop device")
    try:
        if _run(programs["mkfs.exfat"], device) is None:
            pytest.skip("mkfs.exfat does not work here")
        if _run(programs["mount.exfat-fuse"], device, str(at)) is None:
            pytest.skip("mount.exfat-fuse does not work here")
        try:
            yield
        finally:
            _run(programs["umount"], "--lazy", str(at))
    finally:
        _run(programs["losetup"], "--detach", device)


def _run(*words: str | None) -> str | None:
    """Run a program; return what it says, None if it fails."""
    line = [word for word in words if word is not None]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else None
