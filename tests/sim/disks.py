"""Fake disks: the folder `Shared/`, the trash, what was put aside, part files, and what the owner
did when.

Strategy: a disk is a dict from SafePath to a file (bytes, times, inode) or a folder, and every
change goes through one of four primitive acts (`put`, `remove`, `to_trash`, `put_aside`). A
`Chronicle` remembers what every owner ever had at every path, so that the invariants can tell an
owner's version from a fabricated or half-written one. Guarantees: inode, mtime and ctime behave as
on a local file system (a rename keeps inode and mtime, a write changes mtime and ctime), so an
engine that trusts stats is tested honestly. Limits: no permissions, no links, no case folding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from potluck.core.content.facts import Finding, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import (
    Bitfield,
    PieceList,
    Root,
    file_root,
    piece_hash,
    piece_size_for,
)
from potluck.engine.events import PathSeen

Version = tuple[Root, int, bool]
"""What a receiver must reproduce of a file: the root at its first piece size, mtime in ns, the x
bit.
"""


def path_of(text: str) -> SafePath:
    """Return a path below Shared/ from `label/folder/name`."""
    return parse_wire_path(text.encode())


@lru_cache(maxsize=4096)
def pieces_of(data: bytes, piece_size: int = 0) -> PieceList:
    """Return the piece list of `data`, at the default piece size unless one is given."""
    size = piece_size or piece_size_for(len(data))
    hashes = b"".join(piece_hash(data[at : at + size]) for at in range(0, len(data), size))
    return PieceList(file_root(len(data), size, hashes), len(data), size, hashes)


@dataclass(frozen=True, slots=True)
class File:
    """A regular file."""

    data: bytes
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool = False

    @property
    def stat(self) -> Stat:
        """What stat() says."""
        return Stat(len(self.data), self.mtime_ns, self.ctime_ns, self.inode, self.executable)

    @property
    def version(self) -> Version:
        """What must be equal everywhere."""
        return pieces_of(self.data).root, self.mtime_ns, self.executable


@dataclass(slots=True)
class Part:
    """A content on its way in: `<root>.part` and `<root>.map`."""

    content: PieceList
    data: bytearray
    have: Bitfield

    @classmethod
    def empty(cls, content: PieceList) -> Part:
        """Start one: all holes, so pieces of zeros are here already."""
        part = cls(content, bytearray(content.size_bytes), Bitfield(content.count))
        for piece in range(content.count):
            if content.is_zero(piece):
                part.have.add(piece)
        return part

    def verify(self) -> None:
        """Hash every piece the map claims, as is done at start: a power cut may keep the map and
        lose the data.
        """
        for piece in range(self.content.count):
            at = piece * self.content.piece_size
            data = self.data[at : at + self.content.length_of(piece)]
            if piece in self.have and piece_hash(data) != self.content.hash_of(piece):
                self.have.discard(piece)

    def write(self, piece: int, data: bytes) -> None:
        """Write one verified piece."""
        at = piece * self.content.piece_size
        self.data[at : at + len(data)] = data
        self.have.add(piece)


@dataclass
class Chronicle:
    """What every owner ever did: label path -> every content that stood there (None: a folder);
    what was ever gone.
    """

    versions: dict[SafePath, set[bytes | None]] = field(default_factory=dict)
    gone: set[SafePath] = field(default_factory=set)

    def stood(self, path: SafePath, data: bytes | None) -> None:
        """The owner has `data` (None: a folder) at `path` now; what stood there as the other kind
        is gone.
        """
        before = self.versions.setdefault(path, set())
        if data is None and before - {None}:
            self.gone.add(path)
        before.add(data)


class Tree:
    """One file system with FOLDER on it."""

    def __init__(self, label: str, chronicle: Chronicle, wall_ns: int) -> None:
        self.label = label
        self.chronicle = chronicle
        self.files: dict[SafePath, File] = {}
        self.folders: set[SafePath] = set()
        self.parts: dict[Root, Part] = {}
        self.trash: list[tuple[SafePath, bytes]] = []
        self.aside: list[tuple[SafePath, bytes]] = []
        self.outside: dict[str, bytes] = {}
        self.marker: bytes | None = None
        self.full = False
        self.mounted = True
        self.free_bytes = 2**40
        self._clock_ns = wall_ns
        self._inodes = 100

    # -- the four acts everything else is made of --------------------------------------------------
    def tick(self) -> int:
        """Return a wall time in ns that never repeats on this disk."""
        self._clock_ns += 1_000_003
        return self._clock_ns

    def new_inode(self) -> int:
        """Return a file number that was never used."""
        self._inodes += 1
        return self._inodes

    def put(self, path: SafePath, file: File) -> None:
        """Let `file` stand at `path`, folders above it included."""
        self.make_folders(path.parent)
        self.files[path] = file

    def take(self, path: SafePath) -> File:
        """Remove the file at `path` and return it."""
        return self.files.pop(path)

    def make_folders(self, path: SafePath | None) -> None:
        """Make a folder and all above it."""
        while path is not None and path not in self.folders:
            self.folders.add(path)
            path = path.parent

    def remove_folder(self, path: SafePath) -> None:
        """Remove an empty folder."""
        self.folders.remove(path)

    # -- looking -----------------------------------------------------------------------------------
    def below(self, top: SafePath) -> list[SafePath]:
        """Return every file and folder below `top`, parents first."""
        return sorted(
            path for path in (*self.folders, *self.files) if path != top and path.starts_with(top)
        )

    def see(self, path: SafePath) -> PathSeen:
        """Return what stands at one path."""
        if path in self.files:
            return PathSeen(path, Finding.FILE, self.files[path].stat)
        return PathSeen(path, Finding.FOLDER if path in self.folders else Finding.MISSING, None)

    def walk(self, paths: tuple[SafePath, ...]) -> Iterator[PathSeen]:
        """Yield what stands at each path and below it."""
        for path in paths:
            yield self.see(path)
            if path in self.folders:
                yield from (self.see(below) for below in self.below(path))

    def tree(self, label: str) -> dict[SafePath, Version | None]:
        """Return one owner's tree as it stands here; None stands for a folder; the top is left out."""
        top = path_of(label)
        found: dict[SafePath, Version | None] = {
            path: None for path in self.folders if path.starts_with(top)
        }
        found.update(
            {path: file.version for path, file in self.files.items() if path.starts_with(top)}
        )
        found.pop(top, None)
        return found


class Disk(Tree):
    """A file system and the person in front of it."""

    def person(self, verb: str, *args: Any) -> list[SafePath]:
        """Let the person do something (`write`, `rename`, …), note it in the chronicle, return what
        a watcher names.
        """
        before = self.own()
        touched: list[SafePath] = getattr(self, verb)(*args)
        after = self.own()
        for path in before.keys() - after.keys():
            self.chronicle.gone.add(path)
        for path, data in after.items():
            if (
                path not in before
                or before[path] is not data
                or path not in self.chronicle.versions
            ):
                self.chronicle.stood(path, data)
        # folders made in passing
        made = [path for path in after.keys() - before.keys() if after[path] is None]
        return [
            *touched,
            *sorted(path for path in made if not any(path.starts_with(told) for told in touched)),
        ]

    def own(self) -> dict[SafePath, bytes | None]:
        """Return the person's own tree: the bytes of each file, None for a folder."""
        mine: dict[SafePath, bytes | None] = {
            path: None for path in self.folders if path.parts[0] == self.label
        }
        mine.update(
            {path: file.data for path, file in self.files.items() if path.parts[0] == self.label}
        )
        return mine

    def write(self, path: SafePath, data: bytes, executable: bool | None = None) -> list[SafePath]:
        """Write a whole file in place (or make it); return the paths a watcher would name."""
        if path in self.folders or any(above in self.files for above in _above(path)):
            return []
        old = self.files.get(path)
        now = self.tick()
        bit = old.executable if old and executable is None else bool(executable)
        self.put(path, File(data, now, now, old.inode if old else self.new_inode(), bit))
        return [path]

    def append(self, path: SafePath, data: bytes) -> list[SafePath]:
        """Append to a file."""
        return self.write(path, self.files[path].data + data) if path in self.files else []

    def touch(self, path: SafePath) -> list[SafePath]:
        """Set the mtime to now."""
        if path not in self.files:
            return []
        now = self.tick()
        self.files[path] = replace(self.files[path], mtime_ns=now, ctime_ns=now)
        return [path]

    def chmod(self, path: SafePath) -> list[SafePath]:
        """Flip the x bit."""
        if path not in self.files:
            return []
        file = self.files[path]
        self.files[path] = replace(file, executable=not file.executable, ctime_ns=self.tick())
        return [path]

    def mkdir(self, path: SafePath) -> list[SafePath]:
        """Make a folder, and those above it."""
        if path in self.files or any(above in self.files for above in _above(path)):
            return []
        self.make_folders(path)
        return [path]

    def copy(self, old: SafePath, new: SafePath) -> list[SafePath]:
        """Copy a file (cp: a new mtime)."""
        return (
            self.write(new, self.files[old].data, self.files[old].executable)
            if old in self.files
            else []
        )

    def rename(self, old: SafePath, new: SafePath) -> list[SafePath]:
        """Rename a file or a folder with all in it; nothing happens where something stands already."""
        taken = (
            new in self.files
            or new in self.folders
            or any(above in self.files for above in _above(new))
        )
        if taken or new.starts_with(old) or (old not in self.files and old not in self.folders):
            return []
        if old in self.files:
            self.put(new, replace(self.take(old), ctime_ns=self.tick()))
            return [old, new]
        for path in self.below(old):
            target = new.joined(path.relative_to(old))
            if path in self.files:
                self.put(target, self.take(path))
        for path in [*reversed(self.below(old)), old]:
            self.make_folders(new if path == old else new.joined(path.relative_to(old)))
            self.remove_folder(path)
        return [old, new]

    def delete(self, path: SafePath) -> list[SafePath]:
        """Delete a file or a folder with all in it, for good."""
        touched = [*reversed(self.below(path)), path]
        for each in touched:
            if each in self.files:
                self.take(each)
            elif each in self.folders:
                self.remove_folder(each)
        return touched

    def rot(self, path: SafePath) -> None:
        """Damage one byte of a file without the file system noticing."""
        file = self.files[path]
        self.files[path] = replace(file, data=bytes([file.data[0] ^ 1]) + file.data[1:])


def _above(path: SafePath) -> Iterator[SafePath]:
    above = path.parent
    while above is not None:
        yield above
        above = above.parent
