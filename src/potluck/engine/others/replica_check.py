"""The check of replicas: other people's folders here, looked at until they are as their owners say.

Strategy: one owner after the other, after the own folder and as rarely as that, a scan is compared
with the rows of the index. What differs by its stat is read (engine/others/replica_files.py). What
a scan lacks, or does not know, counts only after a look: looks and group commits are done one after
another, so a look never tells of a moment before a row was written.

Guarantees: nothing found here is ever shared, and nothing is removed. Where much is missing at
once, or a whole folder, that is told, and only what a second look ten seconds later does not find
either is brought back. Only a look that says MISSING makes a row go, so names that looks leave out
count as there; nor does one make the row of a spot go that a group commit changes meanwhile.
Limits: no hints, so an edit is found by the next scan.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import Finding, ManifestName, PlaceRow, Spot
from potluck.core.content.paths import SafePath
from potluck.engine.effects import Look, Scan
from potluck.engine.events import FilesHashed, OrderId, PathSeen, TreeSeen
from potluck.engine.node import Node
from potluck.engine.others.replica_files import ReplicaFiles, ReplicaFilesListener
from potluck.engine.timetable import Timetable

MASS_FILES = 20  # more than so many …
MASS_PART = 4  # … and more than a quarter of a folder missing is no matter of single files
STRAYS_MAX = 1000  # looked at and counted per owner; more help nobody


@dataclass(slots=True)
class CheckRound:
    """The scan of one owner's folder."""

    order: OrderId
    manifest: ManifestName
    top: SafePath
    seen: set[bytes] = field(default_factory=set)
    strange: int = 0  # how much of it the index does not explain


@dataclass(frozen=True, slots=True)
class SpotLook:
    """A look at doubtful spots that is under way."""

    order: OrderId
    spots: dict[str, Spot]  # by path below Shared/, as a person reads it


class ReplicaListener(ReplicaFilesListener, Protocol):
    """Hears what is not as it was left, and knows what else is under way."""

    def is_hindered(self) -> bool:
        """Say whether something more urgent is under way."""


class Strays:
    """Files in somebody's folder that are not theirs: counted, and told if the count is news."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._found: dict[ManifestName, set[bytes]] = {}
        self._told: dict[ManifestName, int] = {}

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Strays: {sum(map(len, self._found.values()))}>"

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
                text = (
                    f"{count} files in {label}'s folder are not {label}'s:"
                    " they stay here and are not shared"
                )
                self._node.tell("stray_files", text, level="warning", subject=label)
            self._told[name] = count


class ReplicaCheck:
    """Other people's folders on this disk."""

    def __init__(self, node: Node, listener: ReplicaListener) -> None:
        """Look at everything soon."""
        self._node, self._listener = node, listener
        self.files = ReplicaFiles(node, listener)
        self._folders: deque[ManifestName] = deque()  # still to be scanned in this round
        self._scan: CheckRound | None = None
        self._look: SpotLook | None = None
        self._doubtful: dict[Spot, None] = {}  # to be looked at
        # what looks did not find, as the index had it then
        self._missing: dict[Spot, PlaceRow] = {}
        self._second = Timetable[Spot]()  # missing, and when to look once more
        self._looked_once: set[Spot] = set()
        self._topless: set[ManifestName] = set()  # whose whole folder the last scan did not find
        self._strays = Strays(node)
        self._rescan_s = node.now

    def __repr__(self) -> str:
        """Return what is under way."""
        scanning, looking = self._scan is not None, self._look is not None
        return f"<ReplicaCheck {scanning=} {looking=} doubtful={len(self._doubtful)}>"

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
                self._folders.extend(_others(self._node))
            if self._folders:
                self._begin_scan(self._folders.popleft())
        if self._can_look:
            self._begin_look()

    @property
    def _can_scan(self) -> bool:
        """Whether the next folder may be scanned: one at a time, and nothing else waits."""
        if self._scan is not None or self._look is not None or self._doubtful:
            return False
        return not self._listener.is_hindered()

    @property
    def _can_look(self) -> bool:
        return self._look is None and bool(self._doubtful)

    def _begin_scan(self, name: ManifestName) -> None:
        layout = self._node.layout
        if layout.has_folder(name):
            self._strays.restart(name)
            self._scan = CheckRound(self._node.number(), name, layout.top_of(name))
            self._node.do(Scan(self._scan.order, (self._scan.top,), own=False))

    def _begin_look(self) -> None:
        spots = list(islice(self._doubtful, limits.PAGE_RECORDS))
        for spot in spots:
            del self._doubtful[spot]
        paths = {self._node.layout.path_of(spot): spot for spot in spots}
        by_name = {str(path): spot for path, spot in paths.items()}
        self._look = SpotLook(self._node.number(), by_name)
        self._node.do(Look(self._look.order, tuple(sorted(paths))))

    def restart(self) -> None:
        """The share is away, or the index failed: what was found is void, all is looked at anew."""
        self._scan = self._look = None
        self._folders.clear()
        self._doubtful.clear()
        self._missing.clear()
        self._second.keep_only(set())
        self._looked_once.clear()
        self._topless.clear()
        self.files.cancel()
        self.scan()

    # -- facts -------------------------------------------------------------------------------------
    def on_tree(self, event: TreeSeen) -> None:
        """Part of what a scan or a look found."""
        if self._scan is not None and event.order == self._scan.order:
            self._on_scanned(self._scan, event)
        elif self._look is not None and event.order == self._look.order:
            self._on_looked(self._look, event)

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
        for seen in event.seen:
            self._on_scanned_path(scan, seen)
        if not event.last:
            return
        self._scan = None
        if event.complete:
            known = self._node.index.places.all_paths(scan.manifest)
            lacking = (path for path in known if path not in scan.seen)
            self._doubtful.update((Spot(scan.manifest, path), None) for path in lacking)
        if not self._doubtful:
            self._conclude()

    def _on_scanned_path(self, scan: CheckRound, seen: PathSeen) -> None:
        missing = seen.finding is Finding.MISSING
        if seen.path == scan.top and missing:
            self._topless.add(scan.manifest)
        elif seen.path == scan.top:
            self._topless.discard(scan.manifest)
        elif not missing and seen.path.starts_with(scan.top):
            spot = Spot(scan.manifest, seen.path.relative_to(scan.top).wire)
            scan.seen.add(spot.path)
            if not self.files.accounts_for(spot, seen) and scan.strange < STRAYS_MAX:
                scan.strange += 1
                self._doubtful[spot] = None

    def _on_looked(self, look: SpotLook, event: TreeSeen) -> None:
        lost = set[Spot]()
        for seen in event.seen:
            spot = look.spots.get(str(seen.path))
            # what is below a folder asked for is for the next scan
            if spot is None or self._listener.is_placing(spot):
                continue
            if self._is_lost(spot, seen):
                lost.add(spot)
        for refusal in event.refused:
            spot = look.spots.get(f"{refusal.folder}/{refusal.name}")
            if spot is None or self._listener.is_placing(spot):
                continue
            # a link, or whatever else is not shared, in the place of a file
            if self.files.row(spot) is not None:
                lost.add(spot)
        self.files.forget(lost)
        if event.last:
            self._look = None
            if not self._doubtful:
                self._conclude()

    def _is_lost(self, spot: Spot, seen: PathSeen) -> bool:
        """Say whether something else stands where a file or folder is known."""
        row = self.files.row(spot)
        if seen.finding is Finding.MISSING:
            if row is not None:
                self._missing[spot] = row
            return False
        if self.files.accounts_for(spot, seen):
            return False
        if row is None:
            self._strays.add(spot)
        return row is not None

    # -- what it means -----------------------------------------------------------------------------
    def _conclude(self) -> None:
        """All that was doubtful was looked at: bring back what is missing, tell of strays."""
        missing = {spot for spot, row in self._missing.items() if self._is_missing(spot, row)}
        self._missing.clear()
        gone = missing & self._looked_once
        self._looked_once.clear()
        by_folder: dict[ManifestName, set[Spot]] = {}
        for spot in missing - gone:
            by_folder.setdefault(spot.manifest, set()).add(spot)
        for name, lost in sorted(by_folder.items()):
            files = sum(self.files.is_file(spot) for spot in lost)
            every, _ = self._node.index.places.totals(name)
            if name in self._topless or _is_much(files, every):
                self._put_off(name, lost, files)
            else:
                gone |= lost
        self.files.forget(gone)
        self._strays.tell()

    def _is_missing(self, spot: Spot, row: PlaceRow) -> bool:
        """Say whether what a look did not find is still to be there, and no second look waits."""
        if self._listener.is_placing(spot) or spot in self._second:
            return False
        return self.files.row(spot) == row

    def _put_off(self, name: ManifestName, lost: Iterable[Spot], files: int) -> None:
        """Tell what is missing, and bring back what a second look does not find either."""
        for spot in lost:
            self._second.put(spot, self._node.now + limits.SECOND_LOOK_S)
        label = self._node.label_of(name.owner)
        text = f"{files} files of {label} are missing here: what stays missing is brought back"
        self._node.tell("files_missing", text, level="warning", subject=label)


def _others(node: Node) -> list[ManifestName]:
    """Return the folders of the other members that share something."""
    names = {ManifestName.of(head) for head in node.index.manifests.heads()}
    return sorted(filter(node.layout.has_folder, names - {node.own_manifest}))


def _is_much(files: int, every: int) -> bool:
    """Say whether so many files of a folder missing are no matter of single files."""
    return files > MASS_FILES and files * MASS_PART > every
