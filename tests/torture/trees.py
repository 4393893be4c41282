"""Trees as they stand on the disk, and how two of them differ.

Strategy: a look at names, kinds, sizes, x bits and dates is cheap and polled; contents are compared
once, at the end. Guarantees: what is in one and not in the other is named, which is which, too.
Limits: dates of folders are local and not compared.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from tests.torture.writer import digest

Seen = Mapping[str, tuple[object, ...]]
SHOWN = 8  # differences that are told


def outline(top: Path) -> dict[str, tuple[object, ...]]:
    """Path -> kind, and of a file size, x bit and date; what vanishes meanwhile is left out."""
    found: dict[str, tuple[object, ...]] = {}
    for at, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = os.path.join(at, name)
            try:
                info = os.lstat(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            below = os.path.relpath(path, top)
            if stat.S_ISDIR(info.st_mode):
                found[below] = ("folder",)
            else:
                runs = bool(info.st_mode & stat.S_IXUSR)
                found[below] = ("file", info.st_size, runs, info.st_mtime_ns)
    return found


def contents(top: Path) -> dict[str, bytes]:
    """Path -> content, of every file."""
    return {
        os.path.relpath(os.path.join(at, name), top): digest(Path(at, name).read_bytes())
        for at, _, files in os.walk(top)
        for name in files
    }


def difference(expected: Mapping[str, object], found: Mapping[str, object]) -> str:
    """How what was found differs, "" if it does not."""
    lost = sorted(expected.keys() - found.keys())
    more = sorted(found.keys() - expected.keys())
    other = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    kinds = (("lost", lost), ("too many", more), ("different", other))
    return "; ".join(
        f"{len(names)} {word}: {[(name, expected.get(name), found.get(name)) for name in shown]}"
        for word, names in kinds
        if (shown := names[:SHOWN])
    )
