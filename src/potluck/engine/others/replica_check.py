"""The check of replicas: other people's folders here, looked at until they are as their owners say.

Strategy: what the watcher touched is looked at within moments (engine/others/replica_hints.py).
Besides, one owner after the other, after the own folder and as rarely as that, a scan is compared
with the rows of the index. What differs by its stat is read (engine/others/replica_files.py). What
a scan lacks, or does not know, counts only after a look: looks and group commits are done one after
another, so a look never tells of a moment before a row was written; hence our own placing is never
taken for somebody's change. What is missing is judged together (engine/others/missing_files.py).

Guarantees: nothing found here is ever shared, and nothing is removed but what its owner dropped.
Only a look that says MISSING makes a row go, so names that looks leave out count as there; nor does
one make the row of a spot go that a group commit changes meanwhile. Limits: without hints an edit
is found by the next scan; a change of rights that leaves the x bit alone is not seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import Finding, ManifestName, Spot
from potluck.core.content.paths import SafePath
from potluck.engine.effects import Look, Scan
from potluck.engine.events import FilesHashed, OrderId, PathSeen, PathsTouched, TreeSeen
from potluck.engine.node import Node
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.local_changes import LocalChanges
from potluck.engine.others.missing_files import MissingFiles
from potluck.engine.others.replica_files import ReplicaFiles, ReplicaFilesListener
from potluck.engine.others.replica_hints import ReplicaHints

STRANGE_MAX = 1000  # looked at for each owner and scan; more help nobody


@dataclass(slots=True)
class CheckRound:
    """The scan of one owner's folder."""

    order: OrderId
    manifest: ManifestName
    top: SafePath
    seen: set[bytes] = field(default_factory=set)
    strange: int = 0  # how much of it the index does not explain


@dataclass(slots=True)
class SpotLook:
    """A look at doubtful spots that is under way."""

    order: OrderId
    since_s: float
    spots: dict[str, Spot]  # by path below Shared/, as a person reads it
    folders: list[Spot] = field(default_factory=list)  # those of them that are folders
    inside: set[Spot] = field(default_factory=set)  # what was seen in those


class ReplicaListener(ReplicaFilesListener, Protocol):
    """Hears what is not as it was left, and knows what else is under way."""

    def on_cleared(self, spot: Spot) -> None:
        """Nothing stands where nothing is known: what stood there may have been in the way."""

    def is_hindered(self) -> bool:
        """Say whether something more urgent is under way."""

    def is_settling(self) -> bool:
        """Say whether it is still unknown what a crash interrupted."""


class ReplicaCheck:
    """Other people's folders on this disk."""

    def __init__(self, node: Node, listener: ReplicaListener) -> None:
        """Look at everything soon."""
        self._node, self._listener = node, listener
        self.changes = LocalChanges(node)
        self.files = ReplicaFiles(node, self.changes, listener)
        self._missing = MissingFiles(node, self.files, self.changes, listener)
        self._hints = ReplicaHints(node)
        self._folders: deque[ManifestName] = deque()  # still to be scanned in this round
        self._scan: CheckRound | None = None
        self._look: SpotLook | None = None
        self._doubtful: dict[Spot, None] = {}  # to be looked at
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
            return self.changes.deadline()
        times = [self.files.reading.deadline(), self._missing.deadline(), self.changes.deadline()]
        if self._look is None:
            times.append(self._node.now if self._doubtful else self._hints.deadline())
        if self._may_scan_now:
            times.append(self._node.now)
        elif self._can_scan and not self._listener.is_hindered():
            times.append(self._rescan_s)
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Look again, scan the next folder, tell what was found."""
        self.changes.on_tick()
        if not self._node.share_present:
            self.restart()
            return
        self._doubt(self.files.reading.due())
        self._doubtful.update((spot, None) for spot in self._missing.due())
        if self._look is None:
            self._doubtful.update((spot, None) for spot in self._hints.due())
        if self._can_scan:
            self._scan_next()
        if self._look is None and self._doubtful:
            self._begin_look()

    @property
    def _can_scan(self) -> bool:
        """Whether a scan may begin: one at a time, and never while something is in doubt."""
        return self._scan is None and self._look is None and not self._doubtful

    @property
    def _may_scan_now(self) -> bool:
        """Whether there is a folder to be scanned, and nothing is in its way."""
        if not self._can_scan or self._listener.is_settling():
            return False
        return self._hints.has_folders or (bool(self._folders) and not self._listener.is_hindered())

    def _scan_next(self) -> None:
        """Scan the next folder: one that was touched itself comes before all others."""
        now = self._node.now
        if self._hints.has_folders and not self._listener.is_settling():
            self._begin_scan(self._hints.take_folder())
            return
        if self._listener.is_hindered():
            return
        if not self._folders and now >= self._rescan_s:
            self._rescan_s = now + limits.RESCAN_S
            self._folders.extend(_others(self._node))
        if self._folders:
            self._begin_scan(self._folders.popleft())

    def _begin_scan(self, name: ManifestName) -> None:
        layout = self._node.layout
        if layout.has_folder(name):
            self._scan = CheckRound(self._node.number(), name, layout.top_of(name))
            self._node.do(Scan(self._scan.order, (self._scan.top,), own=False))

    def _begin_look(self) -> None:
        spots = list(islice(self._doubtful, limits.PAGE_RECORDS))
        for spot in spots:
            del self._doubtful[spot]
        layout = self._node.layout
        paths = {layout.path_of(spot): spot for spot in spots if layout.has_folder(spot.manifest)}
        by_name = {str(path): spot for path, spot in paths.items()}
        self._look = SpotLook(self._node.number(), self._node.now, by_name)
        self._node.do(Look(self._look.order, tuple(sorted(paths))))

    def restart(self) -> None:
        """The share is away, or the index failed: what was found is void, all is looked at anew."""
        self._scan = self._look = None
        self._folders.clear()
        self._doubtful.clear()
        self._missing.restart()
        self._hints.clear()
        self.files.cancel()
        self.scan()

    # -- facts -------------------------------------------------------------------------------------
    def on_touched(self, event: PathsTouched) -> None:
        """The watcher noticed something."""
        if event.overflow:
            self.scan()
        if self._node.share_present:
            self._hints.on_touched(event.paths)

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

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over: what was changed here may be put right."""
        self.changes.on_committed(done)

    def _doubt(self, paths: Iterable[SafePath]) -> None:
        for path in paths:
            spot = self._node.layout.spot_at(path)
            if spot is not None:
                self._doubtful[spot] = None

    # -- scans -------------------------------------------------------------------------------------
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
            self.changes.keep_strays(scan.manifest, scan.seen)
        if not self._doubtful:
            self._missing.conclude()

    def _on_scanned_path(self, scan: CheckRound, seen: PathSeen) -> None:
        missing = seen.finding is Finding.MISSING
        if seen.path == scan.top:
            self._missing.on_top(scan.manifest, missing=missing)
        elif not missing and seen.path.starts_with(scan.top):
            spot = Spot(scan.manifest, seen.path.relative_to(scan.top).wire)
            scan.seen.add(spot.path)
            if not self.files.accounts_for(spot, seen) and scan.strange < STRANGE_MAX:
                scan.strange += 1
                self._doubtful[spot] = None

    # -- looks -------------------------------------------------------------------------------------
    def _on_looked(self, look: SpotLook, event: TreeSeen) -> None:
        lost = set[Spot]()
        for seen in event.seen:
            self._on_looked_path(look, seen, lost)
        for refusal in event.refused:
            spot = look.spots.get(f"{refusal.folder}/{refusal.name}")
            if spot is not None and not self._listener.is_placing(spot):
                self._on_refused(spot, lost)
        self.files.forget(lost)
        if event.last:
            self._end_look(look, complete=event.complete)

    def _on_looked_path(self, look: SpotLook, seen: PathSeen, lost: set[Spot]) -> None:
        asked = look.spots.get(str(seen.path))
        spot = asked or self._node.layout.spot_at(seen.path)
        if spot is None:
            return
        look.inside.add(spot)
        if self._listener.is_placing(spot):
            return
        if seen.finding is Finding.MISSING:
            self._on_not_there(spot)
        elif self.files.accounts_for(spot, seen):
            if asked is not None and seen.finding is Finding.FOLDER:
                look.folders.append(asked)
        elif self.files.row(spot) is None:
            self.changes.on_added(spot, seen.stat)
        else:
            self._on_replaced(spot, lost)

    def _on_not_there(self, spot: Spot) -> None:
        self._missing.on_missing(spot)
        if self.files.row(spot) is None:
            self.changes.on_not_there(spot)
            self._listener.on_cleared(spot)

    def _on_refused(self, spot: Spot, lost: set[Spot]) -> None:
        """A link, or whatever else is not shared, stands there."""
        if self.files.row(spot) is not None:
            self._on_replaced(spot, lost)
        elif self._node.index.places.under(*spot):
            self._missing.on_missing(spot)  # nothing stands below what is no folder
        else:
            self.changes.on_added(spot, None)

    def _on_replaced(self, spot: Spot, lost: set[Spot]) -> None:
        """Something else stands where a file or folder is known."""
        self.changes.on_replaced(spot)
        lost.add(spot)
        for inner in self._node.index.places.under(*spot):
            lost.add(Spot(spot.manifest, inner.path))

    def _end_look(self, look: SpotLook, *, complete: bool) -> None:
        """A look is over: what it did not see in the folders it saw is looked at by itself."""
        self._look = None
        self._hints.on_looked(self._node.now - look.since_s)
        for folder in look.folders if complete else []:
            for inner in self._node.index.places.under(*folder):
                spot = Spot(folder.manifest, inner.path)
                if spot not in look.inside:
                    self._doubtful[spot] = None
        if not self._doubtful:
            self._missing.conclude()


def _others(node: Node) -> list[ManifestName]:
    """Return the folders of the other members that share something."""
    names = {ManifestName.of(head) for head in node.index.manifests.heads()}
    return sorted(filter(node.layout.has_folder, names - {node.own_manifest}))
