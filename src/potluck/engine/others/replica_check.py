"""Guests: other people's folders on this disk, looked at until they are their owners' again.

Strategy: one owner after the other, after the own folder and as rarely as that, a scan is compared
with the rows of the index. What differs by its stat is read; the row of another content becomes
that of an unknown one, what is gone loses its row, so both are lacking again and the supply brings
them back; whoever places it puts aside what it did not expect. What a scan lacks, or does not know,
counts only after a look: looks and group commits are done one after another, so a look never tells
of a moment before a row was written.

Guarantees: nothing found here is ever shared, and nothing is removed. A row that changed while its
file was read stays. Where much is missing at once, or a whole folder, that is told, and only what a
second look ten seconds later does not find either is brought back. Only a look that says MISSING
makes a row go, so names that looks leave out count as there. Limits: no hints, so an edit is found
by the next scan; a content changed under size, time and inode is not found here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import Finding, ManifestName, PlaceRow, Spot, Stat
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import Look, Scan
from potluck.engine.events import FilesHashed, Hashed, OrderId, PathSeen, TreeSeen
from potluck.engine.node import Node
from potluck.engine.own.reading import Reading
from potluck.engine.timetable import Timetable

MASS_FILES = 20  # more than so many …
MASS_PART = 4  # … and more than a quarter of a folder missing is no matter of single files
UNKNOWN = Root(bytes(32))  # no content has it
STRAYS_MAX = 1000  # looked at and counted per owner; more help nobody
GRAINS_NS = (
    100,
    1_000,
    10_000_000,
    1_000_000_000,
    2_000_000_000,
)  # what file systems round times down to


@dataclass(slots=True)
class CheckRound:
    """The scan of one owner's folder."""

    order: OrderId
    manifest: ManifestName
    top: SafePath
    seen: set[bytes] = field(default_factory=set)
    strange: int = 0  # how much of it the index does not explain


class ReplicaListener(Protocol):
    """Hears what is not as it was left, and knows what else is under way."""

    def on_replicas_changed(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """Something else, or nothing, stands at these paths of a folder."""

    def is_placing(self, spot: Spot) -> bool:
        """Say whether a group commit changes a spot right now."""

    def is_hindered(self) -> bool:
        """Say whether something more urgent is under way."""


class Files:
    """What the index believes of other people's files, and whether that is still so."""

    def __init__(self, node: Node, listener: ReplicaListener) -> None:
        """Read nothing yet."""
        self._node, self._listener = node, listener
        self.reading = Reading(node)
        self._rows: dict[Spot, PlaceRow] = {}  # of what is read: as the index had it then

    def row(self, spot: Spot) -> PlaceRow | None:
        """Return what is believed to stand at a spot."""
        return self._node.index.places.get(*spot)

    def compare(self, spot: Spot, row: PlaceRow, path: SafePath, stat: Stat) -> None:
        """A file stands where one is known: read it if its stat leaves doubts."""
        if self.reading.has(path):
            self.reading.on_seen(path)
        elif (row.size, row.inode) != (stat.size, stat.inode) or not _same_time(
            row.mtime_ns, stat.mtime_ns
        ):
            record = self._node.index.manifests.get(*spot)
            self._rows[spot] = row
            self.reading.begin([(path, record.piece_size if record is not None else 0)])
        elif row.executable != stat.executable:
            self._put(spot.manifest, _renewed(row, stat, row.root))

    def on_read(self, hashed: Hashed) -> None:
        """A file was read: if it is what was known or is wanted, only its stat is news; else it is
        a local edit.
        """
        spot = self._node.layout.spot_at(hashed.path)
        row = self._rows.pop(spot, None) if spot is not None else None
        if spot is None or row is None or self._listener.is_placing(spot) or self.row(spot) != row:
            return
        record, root = self._node.index.manifests.get(*spot), hashed.pieces.root
        if root == row.root or (record is not None and root == record.root):
            # its list may have been let go while nothing here had this content
            self._node.index.contents.put(hashed.pieces)
            self._put(spot.manifest, _renewed(row, hashed.stat, root))
        # known to stand, as nothing anybody expects: also if its owner drops it now, it is put
        # aside
        else:
            self._put(
                spot.manifest,
                PlaceRow(row.path, Kind.FILE, UNKNOWN, hashed.stat.size, 0, 0, 0, executable=False),
            )

    def forget(self, spots: Iterable[Spot]) -> None:
        """Something else, or nothing, stands at these: whatever the owner wants there is lacking
        again.
        """
        paths: dict[ManifestName, list[bytes]] = {}
        for name, path in sorted(spots):
            paths.setdefault(name, []).append(path)
        for name, gone in paths.items():
            self._node.index.places.remove(name, gone)
            self._listener.on_replicas_changed(name, gone)

    def cancel(self) -> None:
        """What is being read counts no more."""
        self.reading.cancel(self.reading.paths)
        self._rows.clear()

    def _put(self, name: ManifestName, row: PlaceRow) -> None:
        self._node.index.places.put(name, [row])
        self._listener.on_replicas_changed(name, [row.path])


class Strays:
    """Files in somebody's folder that are not theirs: counted in each round, and told when the
    count is another.
    """

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._found: dict[ManifestName, set[bytes]] = {}
        self._told: dict[ManifestName, int] = {}

    def restart(self, name: ManifestName) -> None:
        """A folder is scanned anew."""
        self._found[name] = set()

    def add(self, spot: Spot) -> None:
        """Count one."""
        self._found.setdefault(spot.manifest, set()).add(spot.path)

    def tell(self) -> None:
        """All that was doubtful was looked at."""
        for name, found in self._found.items():
            count, label = len(found), self._node.label_of(name.owner)
            if count and count != self._told.get(name, 0):
                text = f"{count} files in {label}'s folder are not {label}'s: they stay here and are not shared"
                self._node.tell("stray_files", text, level="warning", subject=label)
            self._told[name] = count


class ReplicaCheck:
    """Other people's folders on this disk."""

    def __init__(self, node: Node, listener: ReplicaListener) -> None:
        """Look at everything soon."""
        self._node, self._listener = node, listener
        self.files = Files(node, listener)
        self._folders: deque[ManifestName] = deque()  # still to be scanned in this round
        self._scan: CheckRound | None = None
        self._look: tuple[OrderId, dict[str, Spot]] | None = None
        self._doubtful: dict[Spot, None] = {}  # to be looked at
        self._missing: dict[
            Spot, PlaceRow
        ] = {}  # what looks did not find, as the index had it then
        self._second = Timetable[Spot]()  # missing, and when to look once more
        self._looked_once: set[Spot] = set()
        self._topless: set[ManifestName] = set()  # whose whole folder the last scan did not find
        self._strays = Strays(node)
        self._rescan_s = 0.0

    def scan(self) -> None:
        """Look at everything, after the round under way."""
        self._rescan_s = self._node.now

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if not self._node.share_present:
            return None
        times = [self.files.reading.deadline(), self._second.deadline()]
        if self._can_look:
            times.append(self._node.now)
        if self._can_scan:
            times.append(self._node.now if self._folders else self._rescan_s)
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Look again, scan the next folder."""
        if not self._node.share_present:
            self.restart()
            return
        now = self._node.now
        self._doubt(self.files.reading.due())
        for spot in self._second.due(now):
            self._looked_once.add(spot)
            self._doubtful[spot] = None
        if self._can_scan:
            if not self._folders and now >= self._rescan_s:
                self._rescan_s = now + limits.RESCAN_S
                self._folders.extend(self._others())
            if self._folders:
                self._begin_scan(self._folders.popleft())
        if self._can_look:
            self._begin_look()

    @property
    def _can_scan(self) -> bool:
        """Whether the next folder may be scanned: one at a time, and nothing else waits."""
        return (
            self._scan is None
            and self._look is None
            and not self._doubtful
            and not self._listener.is_hindered()
        )

    @property
    def _can_look(self) -> bool:
        return self._look is None and bool(self._doubtful)

    def _others(self) -> list[ManifestName]:
        """Return the folders of the members that share something."""
        node = self._node
        names = {ManifestName.of(head) for head in node.index.manifests.heads()}
        return sorted(filter(node.layout.has_folder, names - {node.own_manifest}))

    def _begin_scan(self, name: ManifestName) -> None:
        layout = self._node.layout
        if layout.has_folder(name):
            self._strays.restart(name)
            self._scan = CheckRound(self._node.number(), name, layout.top_of(name))
            self._node.do(Scan(self._scan.order, (self._scan.top,), own=False))

    def _begin_look(self) -> None:
        spots = {
            self._node.layout.path_of(spot): spot
            for spot in islice(self._doubtful, limits.PAGE_RECORDS)
        }
        for spot in spots.values():
            del self._doubtful[spot]
        self._look = self._node.number(), {str(path): spot for path, spot in spots.items()}
        self._node.do(Look(self._look[0], tuple(sorted(spots))))

    def restart(self) -> None:
        """The share is not there, or the index failed: what was found counts no more, and all is
        looked at anew.
        """
        self._scan = self._look = None
        for found in (
            self._folders,
            self._doubtful,
            self._missing,
            self._looked_once,
            self._topless,
        ):
            found.clear()
        self._second.keep_only(set())
        self.files.cancel()
        self.scan()

    # -- facts -------------------------------------------------------------------------------------
    def on_tree(self, event: TreeSeen) -> None:
        """Part of what a scan or a look found."""
        if self._scan is not None and event.order == self._scan.order:
            self._on_scanned(self._scan, event)
        elif self._look is not None and event.order == self._look[0]:
            self._on_looked(self._look[1], event)

    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read."""
        files, again = self.files.reading.end(event)
        for hashed in files:
            self.files.on_read(hashed)
        self._doubt(again)

    def _doubt(self, paths: Iterable[SafePath]) -> None:
        for path in paths:
            spot = self._node.layout.spot_at(path)
            if spot is not None:
                self._doubtful[spot] = None

    def _on_scanned(self, scan: CheckRound, event: TreeSeen) -> None:
        name = scan.manifest
        for seen in event.seen:
            if seen.path == scan.top:
                (self._topless.add if seen.finding is Finding.MISSING else self._topless.discard)(
                    name
                )
            elif seen.finding is not Finding.MISSING and seen.path.starts_with(scan.top):
                spot = Spot(name, seen.path.relative_to(scan.top).wire)
                scan.seen.add(spot.path)
                if not self._accounts_for(spot, seen) and scan.strange < STRAYS_MAX:
                    scan.strange += 1
                    self._doubtful[spot] = None
        if event.last:
            self._scan = None
            if event.complete:
                known = self._node.index.places.all_paths(name)
                self._doubtful.update(
                    (Spot(name, path), None) for path in known if path not in scan.seen
                )
            if not self._doubtful:
                self._conclude()

    def _on_looked(self, asked: dict[str, Spot], event: TreeSeen) -> None:
        lost = list[Spot]()
        for seen in event.seen:
            # what is below a folder asked for is for the next scan
            spot = asked.get(str(seen.path))
            if spot is None or self._listener.is_placing(spot):
                continue
            row = self.files.row(spot)
            if seen.finding is Finding.MISSING:
                self._missing.update({spot: row} if row is not None else {})
            elif not self._accounts_for(spot, seen):
                if row is None:
                    self._strays.add(spot)
                else:
                    lost.append(spot)
        # A link, or whatever else is not shared, in the place of a file.
        refused = [asked.get(f"{refusal.folder}/{refusal.name}") for refusal in event.refused]
        self.files.forget(
            lost
            + [
                spot
                for spot in refused
                if spot and self.files.row(spot) and not self._listener.is_placing(spot)
            ]
        )
        if event.last:
            self._look = None
            if not self._doubtful:
                self._conclude()

    # -- what it means -----------------------------------------------------------------------------
    def _accounts_for(self, spot: Spot, seen: PathSeen) -> bool:
        """Say whether the index explains what stands at a spot, if need be after reading it; else
        look at it.
        """
        row, stat = self.files.row(spot), seen.stat
        if self._listener.is_placing(spot):
            return True
        if row is None:
            return stat is None or self._node.index.manifests.get(*spot) is not None
        if stat is None or row.kind is not Kind.FILE:
            return stat is None and row.kind is Kind.FOLDER
        self.files.compare(spot, row, seen.path, stat)
        return True

    def _conclude(self) -> None:
        """Everything doubtful was looked at: bring back what is missing, or look once more later;
        tell of strays.
        """
        still = {spot for spot, row in self._missing.items() if self.files.row(spot) == row}
        missing = {
            spot
            for spot in still
            if not self._listener.is_placing(spot) and spot not in self._second
        }
        self._missing.clear()
        gone = missing & self._looked_once
        self._looked_once.clear()
        for name in sorted({spot.manifest for spot in missing - gone}):
            lost = {spot for spot in missing - gone if spot.manifest == name}
            files = sum(
                row is not None and row.kind is Kind.FILE for row in map(self.files.row, lost)
            )
            every, _ = self._node.index.places.totals(name)
            if name in self._topless or (files > MASS_FILES and files * MASS_PART > every):
                self._put_off(name, lost, files)
            else:
                gone |= lost
        self.files.forget(gone)
        self._strays.tell()

    def _put_off(self, name: ManifestName, lost: Iterable[Spot], files: int) -> None:
        for spot in lost:
            self._second.put(spot, self._node.now + limits.SECOND_LOOK_S)
        label = self._node.label_of(name.owner)
        text = f"{files} files of {label} are missing here: what stays missing is brought back"
        self._node.tell("files_missing", text, level="warning", subject=label)


def _renewed(row: PlaceRow, stat: Stat, root: bytes) -> PlaceRow:
    """Return the row of a file whose stat is news; a time the file system only rounded stays what
    was asked for.
    """
    time_ns = row.mtime_ns if _same_time(row.mtime_ns, stat.mtime_ns) else stat.mtime_ns
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


def _same_time(wanted_ns: int, seen_ns: int) -> bool:
    """Say whether a file has the time it was given, as far as its file system can keep it."""
    lost_ns = wanted_ns - seen_ns
    return lost_ns == 0 or any(0 < lost_ns < grain and seen_ns % grain == 0 for grain in GRAINS_NS)
