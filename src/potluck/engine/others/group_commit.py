"""One group commit as a value: what is placed together, what it touches, what became of it.

Strategy: a `Placeable` is one spot with all that is needed to make it right; a `Batch` is those of
one group commit and knows which others may not be placed meanwhile; a `SpotOutcome` says what the
disk made of one of them, from which the rows of the index follow.

Guarantees: values and questions about them, no state but theirs; what a batch touches is worked
out once, when it is made. Limits: when a batch begins is for engine/others/commits.py to say.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from potluck.core.content.facts import PlaceRow, Source, Spot, Stat
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import EMPTY_ROOT, Root
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement


@dataclass(frozen=True, slots=True)
class Placeable:
    """One spot that can be made right now."""

    spot: Spot
    item: PlaceItem
    source: Spot | None = None  # of `item.local`
    over_folder: bool = False  # a folder goes here: only once everything in it has gone

    @property
    def last(self) -> bool:
        """Whether it must come after everything that is put."""
        return self.over_folder or self.item.source is Source.NONE

    @property
    def size_bytes(self) -> int:
        """How large the content is."""
        return self.item.content.size_bytes if self.item.content is not None else 0

    @property
    def part(self) -> Root | None:
        """The part file it comes from."""
        if self.item.source is not Source.PART or self.item.content is None:
            return None
        return self.item.content.root

    @property
    def moved_from(self) -> Spot | None:
        """The spot that a file is to be moved away from."""
        return self.source if self.item.source is Source.MOVED else None


@dataclass(frozen=True, slots=True)
class SpotOutcome:
    """What became of one spot of a batch."""

    ready: Placeable
    placed: Placed

    @property
    def stands(self) -> bool:
        """Whether what was wanted stands there now."""
        if self.placed.placement is not Placement.PLACED:
            return False
        # a file that somebody took away at once has no stat
        return self.placed.stat is not None or self.ready.item.source is Source.FOLDER

    @property
    def respelled(self) -> Spot | None:
        """The folder that stands here now by another spelling of its name, with all in it."""
        if self.ready.item.source is not Source.FOLDER or not self.stands:
            return None
        return self.ready.source

    @property
    def vanished(self) -> bool:
        """Whether nothing stands there now: removed by us, or by somebody right after placing."""
        if self.placed.placement is Placement.PLACED:
            return not self.stands
        return self.placed.placement is Placement.REMOVED

    @property
    def well(self) -> bool:
        """Whether what was wanted came true."""
        return self.stands or self.placed.placement is Placement.REMOVED


@dataclass(slots=True)
class Batch:
    """One group commit under way, and what no other may touch meanwhile."""

    ready: dict[SafePath, Placeable]
    changing: set[Spot] = field(default_factory=set)  # targets, and files that are moved away
    reading: set[Spot] = field(default_factory=set)  # files that are copied
    parts: set[Root] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Work out what is touched."""
        for ready in self.ready.values():
            self.changing.add(ready.spot)
            if ready.moved_from is not None:
                self.changing.add(ready.moved_from)
            elif ready.source is not None:
                self.reading.add(ready.source)
            if ready.part is not None:
                self.parts.add(ready.part)

    def clashes(self, ready: Placeable) -> bool:
        """Say whether something may not be placed while this batch is under way."""
        if ready.spot in self.changing or ready.spot in self.reading:
            return True
        if ready.source in self.changing or ready.part in self.parts:
            return True
        if ready.moved_from in self.reading:
            return True
        # read, too: a file that gives way to a folder waits for it, and so does what is to be in it
        touched = (self.changing, self.reading)
        return any(folder in spots for folder in ready.spot.above() for spots in touched)


def is_moot(ready: Placeable, moved: Container[Spot | None]) -> bool:
    """Say whether a file that is to go is moved away in the same batch."""
    return ready.item.source is Source.NONE and ready.spot in moved


def gone_spots(done: Sequence[SpotOutcome]) -> set[Spot]:
    """Return where nothing stands any more: what was removed, and what was moved away.

    A file that was to move to several spots has gone only if it came to every one of them.
    """
    gone, moved, kept = set[Spot](), set[Spot](), set[Spot]()
    for each in done:
        if each.vanished:
            gone.add(each.ready.spot)
        if each.ready.moved_from is not None:
            came = each.placed.placement is Placement.PLACED
            (moved if came else kept).add(each.ready.moved_from)
    return gone | (moved - kept)


def giving_way(spot: Spot, path: SafePath, row: PlaceRow) -> Placeable:
    """Return a folder in the place of the file that is known to stand there."""
    stat = Stat(row.size, row.mtime_ns, row.ctime_ns, row.inode, row.executable)
    root = Root(row.root)
    return Placeable(
        spot,
        PlaceItem(
            path, Source.FOLDER, None, None, 0, executable=False, expected=stat, expected_root=root
        ),
    )


def folder_row(path: bytes) -> PlaceRow:
    """Return the row of a folder that stands at a path."""
    return PlaceRow(path, Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)


def row_of(path: bytes, done: SpotOutcome) -> PlaceRow:
    """Return what stands at a path now.

    Time, x bit and root are those that were asked for, even if the file system keeps coarser ones:
    else the spot would never be right, and be placed for ever.
    """
    stat, item = done.placed.stat, done.ready.item
    if stat is None:
        return folder_row(path)
    root = item.content.root if item.content is not None else EMPTY_ROOT
    return PlaceRow(
        path, Kind.FILE, root, stat.size, item.mtime_ns, stat.ctime_ns, stat.inode, item.executable
    )
