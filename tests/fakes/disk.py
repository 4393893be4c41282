"""The fake disk: `Shared/`, the trash, what was put aside and part files, in dictionaries.

Strategy: a `Tree` is a dict from SafePath to a `File` and a set of folders; every change goes
through a few primitive acts (`put`, `take`, `make_folders`, `remove_folder`). A `File` never
changes: another one takes its place, so whoever looked at a file can see whether it is still the
same. Tests that know contents only by their roots put `NamedFile`s and `NamedPart`s in; all else is
equal for them.

Guarantees: inode, mtime and ctime behave as on a local file system (a rename keeps inode and mtime,
a write changes mtime and ctime), so an engine that trusts stats is tested honestly. What the tree
says to a Look, a Scan and a Hash, and what `tests/fakes/placing.py` makes of it, is what the real
disk says: `tests/contract/` runs both through the same cases. Limits: no permissions, no links, no
names that are refused; folding.py folds case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from potluck.core.content.editor_files import ignored
from potluck.core.content.facts import Finding, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import (
    EMPTY_ROOT,
    Bitfield,
    PieceList,
    Root,
    file_root,
    piece_hash,
    piece_size_for,
)
from potluck.engine.events import Hashed, PathSeen, Placement, TopEntry, TopKind, TopSeen

Version = tuple[Root, int, bool]
"""What a receiver must reproduce: the root at the first piece size, mtime in ns, the x bit."""
TICK_NS = 1_000_003
"""How far the clock of a disk moves with every change; odd, so that nobody rounds it unnoticed."""


@lru_cache(maxsize=65536)
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
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    executable: bool = False

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        return len(self.data)

    @property
    def stat(self) -> Stat:
        """What stat() says."""
        return Stat(self.size_bytes, self.mtime_ns, self.ctime_ns, self.inode, self.executable)

    @property
    def version(self) -> Version:
        """What must be equal everywhere."""
        return self.root(), self.mtime_ns, self.executable

    def root(self, piece_size: int = 0) -> Root:
        """What hashing it gives, at the default piece size unless one is given."""
        return pieces_of(self.data, piece_size).root

    def holds(self, content: PieceList) -> bool:
        """Whether it is exactly this content."""
        same_size = self.size_bytes == content.size_bytes
        return same_size and self.root(content.piece_size) == content.root


@dataclass(frozen=True, slots=True)
class NamedFile(File):
    """A file whose content is known by its root alone."""

    named: Root = EMPTY_ROOT
    length: int = 0

    @property
    def size_bytes(self) -> int:
        """How long it would be."""
        return self.length

    def root(self, piece_size: int = 0) -> Root:
        """The root it was given, at any piece size."""
        return self.named


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

    @classmethod
    def whole(cls, data: bytes, content: PieceList | None = None) -> Part:
        """One that is complete."""
        part = cls.empty(content or pieces_of(data))
        for piece in range(part.content.count):
            at = piece * part.content.piece_size
            part.write(piece, data[at : at + part.content.length_of(piece)])
        return part

    @property
    def complete(self) -> bool:
        """Whether every piece is here."""
        return self.have.complete

    def verify(self) -> None:
        """Hash every piece the map claims, as is done at start: a power cut may lose the data."""
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

    def file(self, content: PieceList) -> File:
        """What it is once it is renamed."""
        return File(bytes(self.data))


@dataclass(slots=True)
class NamedPart(Part):
    """A complete part of which nothing but the root is known."""

    @classmethod
    def of(cls, root: Root) -> NamedPart:
        """Let the content with this root be here."""
        return cls(PieceList(root, 0, piece_size_for(0), b""), bytearray(), Bitfield(0))

    @property
    def complete(self) -> bool:
        """It always is."""
        return True

    def verify(self) -> None:
        """There is nothing to hash."""

    def file(self, content: PieceList) -> File:
        """What it is once it is renamed: whatever is wanted."""
        return NamedFile(b"", named=content.root, length=content.size_bytes)


@dataclass
class Tree:
    """One file system with FOLDER on it."""

    clock_ns: int = 1_700_000_000_000_000_000
    files: dict[SafePath, File] = field(default_factory=dict)
    folders: set[SafePath] = field(default_factory=set)
    parts: dict[Root, Part] = field(default_factory=dict)
    trash: list[tuple[SafePath, bytes]] = field(default_factory=list)
    aside: list[tuple[SafePath, bytes]] = field(default_factory=list)
    # what becomes of an item for its path alone, and in which words
    trouble: dict[SafePath, tuple[Placement, str]] = field(default_factory=dict)
    full: bool = False
    inodes: int = 100

    # -- the acts everything else is made of -------------------------------------------------------
    def tick(self) -> int:
        """Return a wall time in ns that never repeats on this disk."""
        self.clock_ns += TICK_NS
        return self.clock_ns

    def new_inode(self) -> int:
        """Return a file number that was never used."""
        self.inodes += 1
        return self.inodes

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

    def move_top(self, former: SafePath, label: SafePath) -> tuple[str, ...]:
        """Rename a folder directly in Shared/; return where that went which stood at the name."""
        if former not in self.folders:
            return ()
        before = [path for path in self.below(label) if path in self.files]
        self.aside += [(path, self.take(path).data) for path in before]
        self.folders = {path for path in self.folders if not path.starts_with(label)}
        for path in [*self.below(former), former]:
            moved = label if path == former else label.joined(path.relative_to(former))
            if path in self.files:
                self.put(moved, self.take(path))
            else:
                self.make_folders(moved)
        self.folders = {path for path in self.folders if not path.starts_with(former)}
        return (f"Put aside/{label}",) if before else ()

    # -- looking -----------------------------------------------------------------------------------
    def below(self, top: SafePath) -> list[SafePath]:
        """Return every file and folder below `top`, parents first."""
        return sorted(
            path for path in (*self.folders, *self.files) if path != top and path.starts_with(top)
        )

    def looked_at(self, path: SafePath) -> bool:
        """Say whether looks tell of what stands there: not of files browsers leave behind."""
        return path not in self.files or not ignored(path.name)

    def see(self, path: SafePath) -> PathSeen:
        """Return what stands at one path."""
        if path in self.files:
            return PathSeen(path, Finding.FILE, self.files[path].stat)
        return PathSeen(path, Finding.FOLDER if path in self.folders else Finding.MISSING, None)

    def top(self) -> TopSeen:
        """Return what stands directly in Shared/."""
        tops = sorted({path.parts[0] for path in (*self.folders, *self.files)})
        kinds = {path.name: TopKind.FILE for path in self.files if len(path.parts) == 1}
        seen = (TopEntry(name, plain=True, kind=kinds.get(name, TopKind.FOLDER)) for name in tops)
        return TopSeen(tuple(seen), complete=True)

    def walk(self, paths: Iterable[SafePath]) -> Iterator[PathSeen]:
        """Yield what stands at each path and, where that is a folder, below it; nothing twice."""
        walked: SafePath | None = None
        for path in sorted(set(paths), key=lambda path: path.parts):
            if walked is not None and path.starts_with(walked):
                continue
            if not self.looked_at(path):
                continue
            yield self.see(path)
            if path in self.folders:
                walked = path
                yield from map(self.see, filter(self.looked_at, self.below(path)))

    def hashed(self, path: SafePath, piece_size_before: int, before: Stat | None) -> Hashed | None:
        """Return what reading a file gives, None if it is gone or not what it was `before`."""
        file = self.files.get(path)
        if file is None or file.stat != before:
            return None
        piece_size = piece_size_for(file.size_bytes, piece_size_before)
        return Hashed(path, file.stat, pieces_of(file.data, piece_size))


def lineage(path: SafePath) -> Iterator[SafePath]:
    """Yield the folders above a path, the nearest first."""
    above = path.parent
    while above is not None:
        yield above
        above = above.parent
