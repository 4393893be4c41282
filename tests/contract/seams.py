"""The two disks of the contract behind one face: the fake one, and the shells over a real folder.

Strategy: a `Seam` does what a person does (write, make a folder), what a fetch does (receive a
content), and hands effects over; what comes back is the fact, word for word. `plain` takes from a
fact what no two disks can have in common: ctime, the number of an inode, the words for people.
Inodes are given back as the path that had them before (`Ids`), so a moved file is told from a copy.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from potluck.core.content.facts import Stat
from potluck.core.content.pieces import PieceList, Root
from potluck.engine.effects import Hash, Look, Place, PlaceItem, Scan, Settle
from potluck.engine.events import (
    BatchId,
    BatchPlaced,
    BatchSettled,
    Hashed,
    OrderId,
    PathSeen,
    Placed,
    Placement,
)
from potluck.shells.disk.fsops import Share, set_crash_hook
from potluck.shells.disk.hashing import hash_files
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.part_map import root_in
from potluck.shells.disk.scanner import look_at, scan
from tests.fakes.disk import File, Part, Tree, path_of, pieces_of
from tests.fakes.placing import NoJudge, Placing, settle
from tests.shells import files

WRITTEN_NS = 1_650_000_000_000_000_000
"""The mtime of whatever a person wrote, unless a test says otherwise."""
NOON_S = 1_738_324_800.0
"""When the real disk believes it keeps things: any day will do."""


class Seam(Protocol):
    """A disk, as the engine and the person in front of it meet it."""

    def write(self, text: str, data: bytes, *, mtime_ns: int = ..., executable: bool = ...) -> None:
        """A person writes a file, in place if it is there."""

    def mkdir(self, text: str) -> None:
        """A person makes a folder."""

    def receive(self, data: bytes, pieces: int | None = None) -> PieceList:
        """A content comes: all of it, or only its first pieces."""

    def place(self, items: tuple[PlaceItem, ...]) -> BatchPlaced:
        """Place a batch."""

    def settle(self, items: tuple[PlaceItem, ...]) -> BatchSettled:
        """Settle a batch."""

    def crash(self, items: tuple[PlaceItem, ...], steps: int) -> bool:
        """Place a batch and die after so many steps; False if it was over before."""

    def look(self, *texts: str) -> list[PathSeen]:
        """See what stands at these paths."""

    def scan(self, *texts: str) -> list[PathSeen]:
        """See what stands below these folders."""

    def hash(self, *texts: str, piece_size: int = 0) -> list[Hashed | None]:
        """Read these files; None for what cannot be read."""

    def tree(self) -> dict[str, bytes | None]:
        """Every file below Shared/ with its bytes, every folder as None."""

    def trash(self) -> Counter[bytes]:
        """What lies in the trash."""

    def aside(self) -> Counter[bytes]:
        """What was put aside."""

    def parts(self) -> set[Root]:
        """Which contents have a part file."""


class FakeSeam:
    """The dictionaries of tests/fakes."""

    def __init__(self) -> None:
        self.disk = Tree()

    def write(
        self, text: str, data: bytes, *, mtime_ns: int = WRITTEN_NS, executable: bool = False
    ) -> None:
        old = self.disk.files.get(path_of(text))
        inode = old.inode if old is not None else self.disk.new_inode()
        self.disk.put(path_of(text), File(data, mtime_ns, self.disk.tick(), inode, executable))

    def mkdir(self, text: str) -> None:
        self.disk.make_folders(path_of(text))

    def receive(self, data: bytes, pieces: int | None = None) -> PieceList:
        content = pieces_of(data, files.PIECE)
        part = Part.empty(content)
        for piece in range(content.count if pieces is None else pieces):
            at = piece * content.piece_size
            part.write(piece, data[at : at + content.piece_size])
        self.disk.parts[content.root] = part
        return content

    def place(self, items: tuple[PlaceItem, ...]) -> BatchPlaced:
        placing = Placing(self.disk, items, NoJudge())
        for _step in placing.steps():
            pass
        return BatchPlaced(BatchId(1), tuple(placing.placed))

    def settle(self, items: tuple[PlaceItem, ...]) -> BatchSettled:
        return BatchSettled(BatchId(1), settle(self.disk, items))

    def crash(self, items: tuple[PlaceItem, ...], steps: int) -> bool:
        running = Placing(self.disk, items, NoJudge()).steps()
        return len(list(islice(running, steps))) == steps

    def look(self, *texts: str) -> list[PathSeen]:
        return list(self.disk.walk(map(path_of, texts)))

    def scan(self, *texts: str) -> list[PathSeen]:
        return self.look(*texts)

    def hash(self, *texts: str, piece_size: int = 0) -> list[Hashed | None]:
        here = [(path_of(text), self.disk.see(path_of(text)).stat) for text in texts]
        return [self.disk.hashed(path, piece_size, stat) for path, stat in here]

    def tree(self) -> dict[str, bytes | None]:
        found: dict[str, bytes | None] = {str(path): None for path in self.disk.folders}
        return found | {str(path): file.data for path, file in self.disk.files.items()}

    def trash(self) -> Counter[bytes]:
        return Counter(data for _path, data in self.disk.trash)

    def aside(self) -> Counter[bytes]:
        return Counter(data for _path, data in self.disk.aside)

    def parts(self) -> set[Root]:
        return set(self.disk.parts)


class Crash(Exception):
    """The process dies here; no handler of the shells knows it."""


class RealSeam:
    """The shells over a folder."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self._restart()

    def _restart(self) -> None:
        self._parts = PartFiles(self.share)
        self._parts.found()
        self._batches = Batches(self.share, self._parts, lambda: NOON_S)

    def write(
        self, text: str, data: bytes, *, mtime_ns: int = WRITTEN_NS, executable: bool = False
    ) -> None:
        full = os.path.join(self.share.folder, "Shared", text)
        if os.path.exists(full):
            os.chmod(full, 0o644)
        files.write(self.share, text, data, 0o755 if executable else 0o644)
        os.utime(full, ns=(mtime_ns, mtime_ns))

    def mkdir(self, text: str) -> None:
        os.makedirs(os.path.join(self.share.folder, "Shared", text), exist_ok=True)

    def receive(self, data: bytes, pieces: int | None = None) -> PieceList:
        if pieces is None:
            return files.receive(self._parts, data)
        content = files.content_of(data)
        with self._parts.open(content) as part:
            for piece in range(pieces):
                at = piece * content.piece_size
                part.write(piece, data[at : at + content.piece_size])
            part.mark(range(pieces))
        return content

    def place(self, items: tuple[PlaceItem, ...]) -> BatchPlaced:
        placed = self._batches.place(Place(BatchId(1), items, "me"))
        assert not [name for name in files.temporary(self.share) if name.endswith(".copy")]
        return placed

    def settle(self, items: tuple[PlaceItem, ...]) -> BatchSettled:
        return self._batches.settle(Settle(BatchId(1), items))

    def crash(self, items: tuple[PlaceItem, ...], steps: int) -> bool:
        with _dying_after(steps):
            try:
                self._batches.place(Place(BatchId(1), items, "me"))
            except Crash:
                self._restart()
                return True
        return False

    def look(self, *texts: str) -> list[PathSeen]:
        order = Look(OrderId(1), tuple(map(path_of, texts)))
        return [seen for page in look_at(self.share, order) for seen in page.seen]

    def scan(self, *texts: str) -> list[PathSeen]:
        order = Scan(OrderId(1), tuple(map(path_of, texts)))
        return [seen for page in scan(self.share, order) for seen in page.seen]

    def hash(self, *texts: str, piece_size: int = 0) -> list[Hashed | None]:
        order = Hash(OrderId(1), tuple((path_of(text), piece_size) for text in texts))
        read = {each.path: each for page in hash_files(self.share, order) for each in page.files}
        return [read.get(path_of(text)) for text in texts]

    def tree(self) -> dict[str, bytes | None]:
        top = os.path.join(self.share.folder, "Shared")
        found = dict(files.tree(top))
        for folder, names, _files in os.walk(top):
            found |= {os.path.relpath(os.path.join(folder, name), top): None for name in names}
        return found

    def trash(self) -> Counter[bytes]:
        return Counter(data for data in files.trash(self.share).values() if data is not None)

    def aside(self) -> Counter[bytes]:
        return Counter(data for data in files.aside(self.share).values() if data is not None)

    def parts(self) -> set[Root]:
        found = {root_in(name) for name in files.temporary(self.share)}
        return {root for root in found if root is not None}


@contextmanager
def _dying_after(steps: int) -> Iterator[None]:
    left = steps

    def step(_name: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash

    set_crash_hook(step)
    try:
        yield
    finally:
        set_crash_hook(None)


# -- facts without what is not defined -------------------------------------------------------------
@dataclass(frozen=True)
class Ids:
    """Which path had which inode before the batch."""

    before: dict[int, str]

    @classmethod
    def of(cls, seam: Seam, *tops: str) -> Ids:
        """Look at everything below these folders."""
        seen = seam.scan(*tops)
        return cls({each.stat.inode: str(each.path) for each in seen if each.stat is not None})

    def name(self, stat: Stat | None) -> str | None:
        """The path whose file this is, "new" if it is another, None if it is none."""
        return None if stat is None else self.before.get(stat.inode, "new")


def plain_stat(stat: Stat | None) -> tuple[int, int, bool] | None:
    """What two disks can have in common of a Stat."""
    return None if stat is None else (stat.size, stat.mtime_ns, stat.executable)


def plain(placed: Placed, ids: Ids | None = None) -> tuple[object, ...]:
    """What two disks must have in common of a Placed: all but ctime, inode and words."""
    return (
        str(placed.path),
        placed.root,
        placed.placement,
        plain_stat(placed.stat),
        ids.name(placed.stat) if ids is not None else "",
        placed.put_aside.partition(" (")[0],  # the real one adds whose it was, and when
        _is_told(placed),
        placed.nothing_there,
    )


def plain_seen(seen: list[PathSeen]) -> list[tuple[object, ...]]:
    """What two disks must have in common of a look: all but the order among neighbours."""
    return sorted((str(each.path), each.finding, plain_stat(each.stat)) for each in seen)


def _is_told(placed: Placed) -> bool:
    """Whether there is a reason to tell; there must be none where all went well."""
    went_well = placed.placement in {Placement.PLACED, Placement.REMOVED}
    assert bool(placed.detail) != went_well, placed
    return bool(placed.detail)
