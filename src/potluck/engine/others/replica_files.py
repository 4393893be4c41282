"""Replica files: what the index believes of other people's files here, and whether it is still so.

Strategy: a file that stands where one is known is compared by its stat, and read if that leaves
doubts. If it then is what was known, or what its owner wants by now, only its stat is news; else it
is a local edit, and its row becomes that of a content nobody has. What is gone loses its row.
Either way it is lacking again, and receiving brings it back; whoever places it puts aside what it
did not expect. A file that stands where one lacks, and has its size, is read as well: since an
index was lost it may be that one, and nobody else may have it. A file that had gone and comes back
as it was is known again: if its owner has dropped it meanwhile, it goes to the trash like any
other.

What the disk damaged goes the same way (`on_verified`): what was read does not tell it from an edit
whose time was set back, and nothing is lost by either.

Guarantees: a row that changed while its file was read stays, and so does the row of a spot that a
group commit changes right now: it is written when the commit ends. Times a file system only rounded
are no news, nor are x bits where it keeps none, so they are neither read for nor written. Limits: a
content changed under size, time and inode is found when the scrub comes by (engine/scrubbing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from potluck.core.content.facts import ManifestName, PlaceRow, Spot, Stat
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import HASH_BYTES, Root
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Hashed, PathSeen
from potluck.engine.node import Node
from potluck.engine.others.local_changes import LocalChanges
from potluck.engine.own.reading import Reading

DEPARTED_MAX = 10_000  # files that went are remembered: a large folder moved away and back
UNKNOWN = Root(bytes(HASH_BYTES))  # no content has it
# what file systems round times down to: most, NTFS, network shares, exFAT, ext3 and HFS+, FAT
GRAINS_NS = (1, 100, 1_000, 10_000_000, 1_000_000_000, 2_000_000_000)


class ReplicaFilesListener(Protocol):
    """Hears what is not as it was left, and knows what is being placed."""

    def on_replicas_changed(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """Something else, or nothing, stands at these paths of a folder."""

    def is_placing(self, spot: Spot) -> bool:
        """Say whether a group commit changes a spot right now."""


class ReplicaFiles:
    """Rows of other people's files, and the reading that keeps them true."""

    def __init__(self, node: Node, changes: LocalChanges, listener: ReplicaFilesListener) -> None:
        """Read nothing yet; what was changed here is noted in `changes`."""
        self._node, self._changes, self._listener = node, changes, listener
        self.reading = Reading(node)
        self._keeps_x = (
            node.settings.keeps_x
        )  # whether the file system keeps x bits; one that does not lies always
        # what went, by spot and inode, as the index had it; oldest first
        self._departed: dict[tuple[Spot, int], PlaceRow] = {}
        self._rows: dict[Spot, PlaceRow] = {}  # of what is read: as the index had it then
        self._unknown: set[Spot] = set()  # what is read and has no row
        # what was read and is not what is wanted: that, and how it stood
        self._unlike: dict[Spot, tuple[bytes, Stat]] = {}
        self._changed: set[Spot] = set()  # whose rows changed here since somebody asked

    def __repr__(self) -> str:
        """Return how much is being read."""
        return f"<ReplicaFiles {self.reading!r}>"

    def take_changed(self) -> set[Spot]:
        """Return whose rows were written, or removed, here since this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    def row(self, spot: Spot) -> PlaceRow | None:
        """Return what is believed to stand at a spot."""
        return self._node.index.places.get(*spot)

    def is_file(self, spot: Spot) -> bool:
        """Say whether a file is believed to stand at a spot."""
        row = self.row(spot)
        return row is not None and row.kind is Kind.FILE

    def accounts_for(self, spot: Spot, seen: PathSeen) -> bool:
        """Say whether the index explains what stands at a spot, perhaps after reading it."""
        row, stat = self.row(spot), seen.stat
        if self._listener.is_placing(spot):
            return True
        if row is None:
            record = self._node.index.manifests.get(*spot)
            if stat is not None and record is None:
                return self._is_back(spot, stat)
            if stat is not None and record is not None:
                self._read_unknown(spot, record, seen.path, stat)
            return True
        if stat is None or row.kind is not Kind.FILE:
            return stat is None and row.kind is Kind.FOLDER
        self.compare(spot, row, seen.path, stat)
        return True

    def compare(self, spot: Spot, row: PlaceRow, path: SafePath, stat: Stat) -> None:
        """A file stands where one is known: read it if its stat leaves doubts."""
        same_file = (row.size, row.inode) == (stat.size, stat.inode)
        if self.reading.has(path):
            self.reading.on_seen(path)
        elif not same_file or not same_time(row.mtime_ns, stat.mtime_ns):
            record = self._node.index.manifests.get(*spot)
            self._changes.arrivals.note(spot, None if same_file else stat)  # perhaps another's
            self._rows[spot] = row
            self.reading.begin([(path, record.piece_size if record is not None else 0)])
        elif row.executable != stat.executable and self._keeps_x:
            self._changes.on_dressed(spot)
            self._put(spot.manifest, _renewed(row, stat, row.root))

    def on_placed(self, wanted: PlaceItem, stat: Stat) -> None:
        """A file was placed: has it the x bit it was given?"""
        if wanted.executable != stat.executable:
            self._keeps_x = False

    def on_read(self, hashed: Hashed) -> None:
        """A file was read: it is what was known, or what is wanted, or a local edit."""
        spot = self._node.layout.spot_at(hashed.path)
        if spot is None:
            return
        row = self._rows.pop(spot, None)
        if spot in self._unknown:
            self._unknown.discard(spot)
            self._on_unknown_read(spot, hashed)
        if row is None or self.row(spot) != row or self._listener.is_placing(spot):
            return
        record, root = self._node.index.manifests.get(*spot), hashed.pieces.root
        wanted = record is not None and root == record.root
        if wanted or root == row.root:
            # its list may have been let go while nothing here had this content
            self._node.index.contents.put(hashed.pieces)
            renewed = _renewed(row, hashed.stat, root)
            if root == row.root and _is_dressed(row, renewed):
                self._changes.on_dressed(spot)
            self._put(spot.manifest, renewed)
        elif row.root != UNKNOWN:  # else this was said already
            if not self._node.mounts.at(hashed.path):  # else its own file is below that one
                self._changes.on_edited(spot)
            self._put(spot.manifest, _edited(row, hashed.stat))

    def _read_unknown(self, spot: Spot, record: FileRecord, path: SafePath, stat: Stat) -> None:
        """A file stands where one lacks: it may be that one, of before the index was lost."""
        alike = record.kind is Kind.FILE and 0 < record.size == stat.size
        if not alike or self._unlike.get(spot) == (record.root, stat):
            return
        if self.reading.has(path):
            self.reading.on_seen(path)
        else:
            self._unknown.add(spot)
            self.reading.begin([(path, record.piece_size)])

    def _on_unknown_read(self, spot: Spot, hashed: Hashed) -> None:
        record, root = self._node.index.manifests.get(*spot), hashed.pieces.root
        if record is None or self.row(spot) is not None or self._listener.is_placing(spot):
            return
        if root == record.root:
            self._unlike.pop(spot, None)
            self._node.index.contents.put(hashed.pieces)
            self._put(spot.manifest, _found(spot.path, root, hashed.stat))
        elif len(self._unlike) < DEPARTED_MAX:
            self._unlike[spot] = record.root, hashed.stat

    def on_verified(self, spot: Spot, hashed: Hashed) -> None:
        """A file was read afresh, and not as it should: fetch it again, unless it was edited."""
        row = self.row(spot)
        if row is None or spot.manifest == self._node.own_manifest:
            return
        same_file = (row.size, row.inode) == (hashed.stat.size, hashed.stat.inode)
        if not same_file or not same_time(row.mtime_ns, hashed.stat.mtime_ns):
            self.compare(spot, row, hashed.path, hashed.stat)
        elif not self._listener.is_placing(spot):
            self._changes.on_damaged(spot)
            self._put(spot.manifest, _edited(row, hashed.stat))

    def remember(self, rows: Mapping[Spot, PlaceRow]) -> None:
        """What stood there may have gone, and may come back."""
        self._departed |= {(spot, row.inode): row for spot, row in rows.items() if row.inode}
        for oldest in list(self._departed)[: max(len(self._departed) - DEPARTED_MAX, 0)]:
            del self._departed[oldest]

    def forget(self, spots: Iterable[Spot]) -> None:
        """What was known of these stands there no more: what is wanted there is lacking again."""
        paths: dict[ManifestName, list[bytes]] = {}
        spots = sorted(spots)
        for spot in spots:
            paths.setdefault(spot.manifest, []).append(spot.path)
        self.remember({spot: row for spot in spots if (row := self.row(spot)) is not None})
        for name, gone in paths.items():
            self._changed.update(Spot(name, path) for path in gone)
            self._node.index.places.remove(name, gone)
            self._listener.on_replicas_changed(name, gone)

    def _is_back(self, spot: Spot, stat: Stat) -> bool:
        """Say whether a file its owner has dropped is one that had gone, and is back as it was."""
        row = self._departed.get((spot, stat.inode))
        if row is None or row.size != stat.size:
            return False
        if not same_time(row.mtime_ns, stat.mtime_ns):
            return False
        del self._departed[spot, stat.inode]
        self._changes.on_returned(spot)
        self._put(spot.manifest, row)
        return True

    def cancel(self) -> None:
        """What is being read counts no more."""
        self.reading.cancel(self.reading.paths)
        self._rows.clear()
        self._unknown.clear()

    def _put(self, name: ManifestName, row: PlaceRow) -> None:
        self._changed.add(Spot(name, row.path))
        self._changes.strange.forget(Spot(name, row.path))
        self._node.index.places.put(name, [row])
        self._listener.on_replicas_changed(name, [row.path])


def _found(path: bytes, root: Root, stat: Stat) -> PlaceRow:
    """Return the row of a file that was read and is what its owner wants."""
    times = stat.mtime_ns, stat.ctime_ns
    return PlaceRow(path, Kind.FILE, root, stat.size, *times, stat.inode, stat.executable)


def _edited(row: PlaceRow, stat: Stat) -> PlaceRow:
    """Return the row of a local edit: known to stand, as nothing anybody expects.

    So it is put aside also if its owner drops that path now.
    """
    return PlaceRow(row.path, Kind.FILE, UNKNOWN, stat.size, 0, 0, 0, executable=False)


def _renewed(row: PlaceRow, stat: Stat, root: bytes) -> PlaceRow:
    """Return the row of a file whose stat is news; a time only rounded stays what was wanted."""
    time_ns = stat.mtime_ns
    if same_time(row.mtime_ns, stat.mtime_ns):
        time_ns = row.mtime_ns
    return PlaceRow(
        row.path,
        Kind.FILE,
        Root(root),
        stat.size,
        time_ns,
        stat.ctime_ns,
        stat.inode,
        executable=stat.executable,
    )


def _is_dressed(before: PlaceRow, after: PlaceRow) -> bool:
    """Say whether a file was given another time or x bit."""
    same = (before.mtime_ns, before.executable) == (after.mtime_ns, after.executable)
    return not same


def same_time(wanted_ns: int, seen_ns: int) -> bool:
    """Say whether a file has the time it was given, as far as its file system can keep it."""
    lost_ns = wanted_ns - seen_ns
    return any(0 <= lost_ns < grain and seen_ns % grain == 0 for grain in GRAINS_NS)
