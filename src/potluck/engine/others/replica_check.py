"""The check of replicas: other people's folders here, looked at until they are as their owners say.

Strategy: what the watcher touched is looked at within moments (engine/others/replica_hints.py).
Besides, one owner after the other, after the own folder and as rarely as that, a scan is compared
with the rows of the index. What differs by its stat is read (engine/others/replica_files.py). What
a scan lacks, or does not know, counts only after a look: looks and group commits are done one after
another, so a look never tells of a moment before a row was written; hence our own placing is never
taken for somebody's change. What is missing is judged together (engine/others/missing_files.py).
What stood here at the start is only remembered until then (engine/others/first_looks.py), and so
is a folder in which something was mounted or unmounted: it is scanned at once. While a folder gets
another name nothing is looked at, and afterwards everything is.

Guarantees: nothing found here is ever shared, and nothing is removed but what its owner dropped.
Only a look that says MISSING makes a row go, so names that looks leave out count as there; nor does
one make the row of a spot go that a group commit changes meanwhile. Whoever has to know what stands
here (`catch_up`) has all that was touched by then looked at without delay. What a scan cannot enter
is told, and the scan done again until it can. Limits: without hints an edit is found by the next
scan; a change of rights that leaves the x bit alone is not seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import Finding, ManifestName, Spot
from potluck.core.content.paths import SafePath
from potluck.engine.effects import Scan
from potluck.engine.events import FilesHashed, OrderId, PathSeen, PathsTouched, TreeSeen
from potluck.engine.node import Node
from potluck.engine.others.first_looks import FirstLooks
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.hidden_files import HiddenFiles
from potluck.engine.others.local_changes import LocalChanges
from potluck.engine.others.missing_files import MissingFiles, MissingListener
from potluck.engine.others.older_replicas import OlderReplicas
from potluck.engine.others.replica_files import ReplicaFiles, ReplicaFilesListener
from potluck.engine.others.replica_hints import CatchUp, ReplicaHints
from potluck.engine.others.replica_looks import LooksListener, ReplicaLooks
from potluck.engine.unreadable import UnreadablePaths

STRANGE_MAX = 1000  # looked at for each owner and scan; more help nobody


@dataclass(slots=True)
class CheckRound:
    """The scan of one owner's folder."""

    order: OrderId
    manifest: ManifestName
    top: SafePath
    seen: set[bytes] = field(default_factory=set)
    unreadable: set[SafePath] = field(default_factory=set)  # folders
    void: bool = False  # something was mounted in that folder meanwhile
    strange: int = 0  # how much of it the index does not explain


class ReplicaListener(ReplicaFilesListener, LooksListener, MissingListener, Protocol):
    """Hears what is not as it was left, and knows what else is under way."""

    def is_hindered(self) -> bool:
        """Say whether something more urgent is under way."""

    def is_settling(self) -> bool:
        """Say whether it is still unknown what a crash interrupted."""

    def on_hidden_changed(self) -> None:
        """Something else may be hidden now, and something hidden no more."""

    def spelled_otherwise(self, paths: Sequence[SafePath]) -> list[SafePath]:
        """Return what is known here and has, to this disk, the name of one of these paths."""


class ReplicaCheck:
    """Other people's folders on this disk."""

    def __init__(self, node: Node, listener: ReplicaListener) -> None:
        """Look at everything soon."""
        self._node, self._listener = node, listener
        self.changes = LocalChanges(node)
        self.files = ReplicaFiles(node, self.changes, listener)
        self._first_looks = FirstLooks(node)
        self.hidden = HiddenFiles(node, self._first_looks)
        older = OlderReplicas(node, self._first_looks)
        self.missing = MissingFiles(node, self.files, self.changes, self.hidden, older, listener)
        self._hints = ReplicaHints(node)
        self.catch_up = CatchUp(node, self._hints)
        self._folders: deque[ManifestName] = deque()  # still to be scanned in this round
        self._scan: CheckRound | None = None
        self._looks = ReplicaLooks(node, self.files, self.missing, self.changes, listener)
        self._rescan_s = node.now
        self._unreadable = UnreadablePaths(node)

    def __repr__(self) -> str:
        """Return what is under way."""
        return f"<ReplicaCheck scanning={self._scan is not None} {self._looks!r}>"

    def unseen(self) -> set[ManifestName]:
        """Return the folders of which something is to stand here, and nobody looked yet."""
        return self._first_looks.unseen()

    def scan(self) -> None:
        """Look at everything, after the round under way."""
        self._rescan_s = self._node.now

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if not self._node.share_present or self._node.moving:
            return self.changes.deadline()
        times = [self.files.reading.deadline(), self.missing.deadline(), self.changes.deadline()]
        times.append(self._unreadable.deadline())
        if not self._looks.under_way:
            times.append(self._node.now if self._looks.waits else self._hints.deadline())
        if self._may_scan_now:
            times.append(self._node.now)
        elif self._can_scan and not self._listener.is_hindered():
            times.append(self._rescan_s)
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Look again, scan the next folder, tell what was found."""
        self.changes.on_tick()
        if not self._node.share_present or self._node.moving:
            self.restart()
            return
        self._looks.doubt_paths(self.files.reading.due())
        self._looks.doubt(self.missing.due())
        self._folders += _around(self._node, self._unreadable.due())
        if not self._looks.under_way:
            self._looks.doubt(self._hints.due())
            self.catch_up.on_taken()
        if self._can_scan:
            self._scan_next()
        self._looks.begin()
        self._note_seen()

    @property
    def _can_scan(self) -> bool:
        """Whether a scan may begin: one at a time, and never while something is in doubt."""
        return self._scan is None and self._looks.idle

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
        if (not self._folders and now < self._rescan_s) or self._listener.is_hindered():
            return
        if not self._folders:
            self._rescan_s = now + limits.RESCAN_S
            self._folders.extend(_others(self._node))
        if self._folders:
            self._begin_scan(self._folders.popleft())

    def _begin_scan(self, name: ManifestName) -> None:
        layout = self._node.layout
        if layout.has_folder(name):
            self._scan = CheckRound(self._node.number(), name, layout.top_of(name))
            self._node.do(Scan(self._scan.order, (self._scan.top,), own=False))

    def restart(self) -> None:
        """The share is away, or the index failed: what was found is void, all is looked at anew."""
        self._scan = None
        self.catch_up.cancel()
        self._folders.clear()
        self._looks.restart()
        self.missing.restart()
        self._hints.clear()
        self.files.cancel()
        self._first_looks.restart()
        self.changes.strange.doubt()
        self._unreadable.clear()
        self.scan()

    # -- facts -------------------------------------------------------------------------------------
    def on_touched(self, event: PathsTouched) -> None:
        """The watcher noticed something."""
        if event.overflow:
            self.scan()
        if self._node.share_present:
            self._hints.on_touched((*event.paths, *self._listener.spelled_otherwise(event.paths)))

    def on_mounts(self, changed: Sequence[SafePath]) -> None:
        """Something was mounted at these points, or is no more: look there before claiming it."""
        self._looks.doubt(self.hidden.uncover(changed))
        for name in _around(self._node, changed):
            self._first_looks.doubt(name)
            self._hints.scan(name)
            if self._scan is not None and self._scan.manifest == name:
                self._scan.void = True
        self._listener.on_hidden_changed()

    def on_tree(self, event: TreeSeen) -> None:
        """Part of what a scan or a look found."""
        if self._scan is not None and event.order == self._scan.order:
            self._on_scanned(self._scan, event)
            return
        took_s = self._looks.on_tree(event)
        if took_s is not None:
            self._hints.on_looked(took_s)
            self._conclude()

    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read."""
        files, again = self.files.reading.end(event)
        for hashed in files:
            self.files.on_read(hashed)
        if files:
            self.missing.review()
        self._looks.doubt_paths(again)
        self._note_seen()

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over: what was changed here may be put right."""
        self.changes.on_committed(done)
        for each in done:
            if each.placed.stat is not None:
                self.files.on_placed(each.ready.item, each.placed.stat)
        spots = {spot for each in done for spot in (each.ready.spot, each.ready.source)}
        self.missing.review(spot for spot in spots if spot is not None)

    def _conclude(self) -> None:
        """A scan or a look is over: if nothing is in doubt any more, what is missing is judged."""
        if self._looks.idle:
            self.missing.conclude()
            self._note_seen()

    def _note_seen(self) -> None:
        """What was scanned has been seen when nothing that the scan found is in doubt any more."""
        self.changes.strange.settle()
        settled = self._looks.idle and not self.files.reading
        if settled and self._scan is None:
            self.catch_up.on_settled()
        if settled and self._first_looks.on_settled():
            self._listener.on_places_changed()
            self._listener.on_hidden_changed()

    # -- scans -------------------------------------------------------------------------------------
    def _on_scanned(self, scan: CheckRound, event: TreeSeen) -> None:
        for seen in event.seen:
            self._on_scanned_path(scan, seen)
        scan.unreadable |= self._unreadable.note(event.unreadable)
        if not event.last:
            return
        self._scan = None
        self._unreadable.settle([scan.top], scan.unreadable)
        if not (scan.unreadable or scan.void):
            self._first_looks.on_scanned(scan.manifest)
        if event.complete:
            known = self._node.index.places.all_paths(scan.manifest)
            lacking = (path for path in known if path not in scan.seen)
            self._looks.doubt(Spot(scan.manifest, path) for path in lacking)
            self.changes.keep_strays(scan.manifest, scan.seen)
        self._conclude()

    def _on_scanned_path(self, scan: CheckRound, seen: PathSeen) -> None:
        missing = seen.finding is Finding.MISSING
        if seen.path == scan.top:
            self.missing.on_top(scan.manifest, missing=missing)
        elif not missing and seen.path.starts_with(scan.top):
            spot = Spot(scan.manifest, seen.path.relative_to(scan.top).wire)
            scan.seen.add(spot.path)
            if not self.files.accounts_for(spot, seen):
                self.changes.arrivals.note(spot, seen.stat)
                if scan.strange < STRANGE_MAX:
                    scan.strange += 1
                    self._looks.doubt([spot])


def _others(node: Node) -> list[ManifestName]:
    """Return the folders of the other members that share something."""
    names = {ManifestName.of(head) for head in node.index.manifests.heads()}
    return sorted(filter(node.layout.has_folder, names - {node.own_manifest}))


def _around(node: Node, paths: Sequence[SafePath]) -> list[ManifestName]:
    """Return the folders of others in which any of these paths is."""
    tops = {name: node.layout.top_of(name) for name in _others(node)} if paths else {}
    return [name for name, top in tops.items() if any(path.starts_with(top) for path in paths)]
