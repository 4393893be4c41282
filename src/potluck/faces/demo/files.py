"""The files of the demonstration: several kinds, spread over the devices, some changed later.

Strategy: an `Item` is one line on the screen: a title, the device whose folder it lies in, and the
files it is made of. Items are dealt to the devices in turn, so that everybody gives and everybody
takes. Guarantees: the kinds are those that break lesser programs: text, hundreds of small files,
large random bytes, a sparse giant, odd names, an executable, empty ones. Limits: names that some
file systems refuse (a newline, bytes that are not UTF-8) are left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from potluck.core.limits import MIB

SPARSE_BYTES = 1024 * MIB
RANDOM_BYTES = 40 * MIB
SMALL_FILES = 300
ODD_NAMES = (
    "Ünïcödé ☂ 名前 🎉.txt",
    "-starts with a dash",
    "quotes ' and \" and $HOME; rm -rf *.txt",
    "CON.txt",
    "ends with a dot.",
    "a long name " + "x" * 180,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is put into a device's folder."""

    title: str  # for people
    owner: str  # label of the device
    files: dict[str, int]  # path below Shared/ -> size in bytes

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(self.files.values())


@dataclass(frozen=True, slots=True)
class LaterChange:
    """One thing that is done later."""

    words: str  # for people
    removed: frozenset[str]  # paths below Shared/ that are gone after
    added: dict[str, int]  # paths below Shared/ that are there after -> size


def make_items(folders: dict[str, Path], chance: random.Random) -> list[Item]:
    """Write every item into the folders, label -> path of Shared/<label>, in turn; returns what was
    written.
    """
    makers: list[tuple[str, Callable[[Path, random.Random], dict[str, int]]]] = [
        ("a text file", _text),
        (f"a folder of {SMALL_FILES} small files", _small),
        (f"{RANDOM_BYTES // MIB} MiB of random bytes", _random),
        ("a sparse file of 1 GiB", _sparse),
        ("names that are odd", _odd),
        ("an executable script", _executable),
    ]
    labels = list(folders)
    items = []
    for number, (title, maker) in enumerate(makers):
        owner = labels[number % len(labels)]
        written = maker(folders[owner], chance)
        items.append(
            Item(title, owner, {f"{owner}/{path}": size for path, size in written.items()})
        )
    return items


def make_changes(items: list[Item], folders: dict[str, Path]) -> list[LaterChange]:
    """Rename a folder's file, delete another, and add a line to the text; returns what was done."""
    text, small = items[0], items[1]
    renamed, deleted = sorted(small.files)[:2]
    inside = folders[small.owner]
    target = "photos/renamed by the demo.jpg"
    (inside / _below(renamed)).rename(inside / target)
    (inside / _below(deleted)).unlink()
    path = next(iter(text.files))
    with (folders[text.owner] / _below(path)).open("ab") as file:
        file.write(b"One more line.\n")
        size = file.tell()
    return [
        LaterChange(
            f"{small.owner} renames {_below(renamed)}",
            frozenset({renamed}),
            {f"{small.owner}/{target}": small.files[renamed]},
        ),
        LaterChange(f"{small.owner} deletes {_below(deleted)}", frozenset({deleted}), {}),
        LaterChange(f"{text.owner} adds a line to {_below(path)}", frozenset(), {path: size}),
    ]


def after(items: list[Item], changes: list[LaterChange]) -> dict[str, int]:
    """Return every path below Shared/ that must be everywhere in the end, with its size."""
    expected = {path: size for item in items for path, size in item.files.items()}
    for change in changes:
        for path in change.removed:
            del expected[path]
        expected.update(change.added)
    return expected


def _below(path: str) -> str:
    return path.partition("/")[2]


def _write(folder: Path, name: str, content: bytes) -> dict[str, int]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {name: len(content)}


def _text(folder: Path, chance: random.Random) -> dict[str, int]:
    del chance
    return _write(folder, "shopping list.txt", "bread\nmilk\ntea ☕\n".encode())


def _small(folder: Path, chance: random.Random) -> dict[str, int]:
    written: dict[str, int] = {}
    for number in range(SMALL_FILES):
        written |= _write(
            folder, f"photos/{number:03}.jpg", chance.randbytes(chance.randint(1024, 16384))
        )
    return written


def _random(folder: Path, chance: random.Random) -> dict[str, int]:
    return _write(folder, "holiday film.mp4", chance.randbytes(RANDOM_BYTES))


def _sparse(folder: Path, chance: random.Random) -> dict[str, int]:
    name = "disk image.raw"
    with (folder / name).open("wb") as file:
        for offset in (0, SPARSE_BYTES // 2, SPARSE_BYTES - MIB):
            file.seek(offset)
            file.write(chance.randbytes(MIB))
    return {name: SPARSE_BYTES}


def _odd(folder: Path, chance: random.Random) -> dict[str, int]:
    written: dict[str, int] = {}
    for name in ODD_NAMES:
        written |= _write(folder, "odd names/" + name, chance.randbytes(100))
    return written | _write(folder, "odd names/empty file", b"")


def _executable(folder: Path, chance: random.Random) -> dict[str, int]:
    del chance
    written = _write(folder, "run me.sh", b"#!/bin/sh\necho hello\n")
    (folder / "run me.sh").chmod(0o700)
    return written
