"""The library: the own folder, looked at until the manifest says what stands there.

Strategy: hints and scans say where to look, a look says what stands there (`TreeSeen`),
core/reconcile.py says what that means, and only what may have changed is read (engine/reading.py).
What follows goes to engine/publishing.py. One look and one scan may be under way at a time, and any
number of files being read; none waits for another.

Guarantees: the disk is right and the manifest follows; a rename needs no reading, of a file or of a
whole folder; what was read of a file that is gone meanwhile is forgotten. Damage (another content
under an identical stat) is told and never published. What a look finds missing is gone at once,
what a scan lacks only after a look ten seconds later, and nothing is gone, or new, while the marker
is missing. Limits: one tree, one owner: this device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from potluck.core import limits
from potluck.core.content.facts import Finding, PlaceRow, Stat
from potluck.core.content.paths import SafePath, not_portable, parse_wire_path
from potluck.core.content.pieces import Root
from potluck.core.content.reconcile import OwnChange, Verdict, judge_hash, own_change
from potluck.core.errors import UnsafePath
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import Look, Scan
from potluck.engine.events import (
    FilesHashed,
    Hashed,
    NameRefused,
    OrderId,
    PathSeen,
    PathsTouched,
    ShareSeen,
    TreeSeen,
)
from potluck.engine.node import Node
from potluck.engine.own.publishing import Publishing, within
from potluck.engine.own.reading import Reading
from potluck.engine.timetable import Timetable

OFFLINE_LOOK_S = 10.0  # while the share is offline its marker is looked for this often
REFUSED_MAX = limits.LIST_ITEMS  # names told and shown; more help nobody


@dataclass(slots=True)
class LookRound:
    """One Look or Scan under way."""

    order: OrderId
    paths: tuple[SafePath, ...]  # what was asked for
    seen: set[bytes] = field(default_factory=set)  # of a scan: what it, or a look meanwhile, found
    # what it, or a look during a scan, did not find
    missing: set[bytes] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # paths as a person reads them


class RefusedNames:
    """The names in the own folder that are not shared, each told once and forgotten when it is
    gone.
    """

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self.reasons: dict[str, str] = {}  # path as a person reads it -> reason

    def note(self, found: LookRound, refused: Iterable[NameRefused]) -> None:
        """A round met these."""
        for refusal in refused:
            path = f"{refusal.folder}/{refusal.name}"
            found.refused.add(path)
            if self.reasons.get(path) != refusal.reason and (
                path in self.reasons or len(self.reasons) < REFUSED_MAX
            ):
                self.reasons[path] = refusal.reason
                self._node.tell(
                    "file_refused",
                    f"not shared: {path} ({refusal.reason})",
                    level="warning",
                    subject=path,
                )

    def forget(self, found: LookRound) -> None:
        """A round is complete: what it would have met and did not is gone."""
        asked = {path.wire for path in found.paths}
        for path in self.reasons.keys() - found.refused:
            if within(path.encode(), asked):
                del self.reasons[path]


class Judge:
    """Says what a file means that was seen, and what one means that was read."""

    def __init__(self, node: Node, publishing: Publishing) -> None:
        """Judge against what the index knows; what follows goes to `publishing`."""
        self._node, self._publishing = node, publishing

    def on_seen(self, path: bytes, seen: PathSeen, stat: Stat) -> int | None:
        """A file is there; returns None if that says enough, else the piece size of its last
        version: read it.
        """
        node, publishing = self._node, self._publishing
        stands, twin = publishing.stands(path), None
        if stands is None and stat.size:
            twin = node.index.places.by_inode(
                node.own_manifest, stat.inode, stat.size, stat.mtime_ns
            )
        change = own_change(stands, seen.finding, stat, twin)
        if change is OwnChange.NOTHING:
            return None
        source = twin if change is OwnChange.RENAMED else stands
        if source is None:
            return 0
        # A twin's record is read from the index itself: its end may be about to be published.
        known = (
            publishing.record(path)
            if source is stands
            else node.index.manifests.get(node.own_manifest, source.path)
        )
        piece_size = known.piece_size if known is not None and known.kind is Kind.FILE else 0
        if change is OwnChange.HASH or known is None:
            return piece_size
        publishing.put(_row(path, source.root, stat), piece_size)
        return None

    def on_read(self, path: bytes, hashed: Hashed) -> None:
        """A file was read: an edit is shared, damage is told."""
        node, pieces, shown = self._node, hashed.pieces, str(hashed.path)
        stands = self._publishing.stands(path)
        if judge_hash(stands, hashed.stat, pieces.root) is Verdict.DAMAGE:
            node.tell(
                "damage", f"damaged on this disk, not shared: {shown}", level="error", subject=shown
            )
            return
        reason = not_portable(hashed.path.name)
        if reason and stands is None:
            node.tell(
                "not_portable", f"{shown}: {reason}; some systems cannot hold it", subject=shown
            )
        node.index.contents.put(pieces)
        self._publishing.put(_row(path, pieces.root, hashed.stat), pieces.piece_size)


class OwnFolder:
    """The own folder."""

    def __init__(self, node: Node, publishing: Publishing) -> None:
        """Know what the index knows; changes go to `publishing`."""
        self._node, self._publishing = node, publishing
        self._reading, self._judge, self._refused = (
            Reading(node),
            Judge(node, publishing),
            RefusedNames(node),
        )
        self.scan_when_marked = False  # the marker is being written: scan once it is there
        self.share_reason = ""
        self._look: LookRound | None = None
        self._scan: LookRound | None = None
        self._touched: set[SafePath] = set()
        self._doubtful = Timetable[bytes]()  # what a scan lacked, and when to look at it again
        self._rescan_s = 0.0
        self._top: SafePath | None = None

    @property
    def top(self) -> SafePath:
        """The own folder below Shared/."""
        label = self._node.own_label
        if self._top is None or self._top.parts[0] != label:
            self._top = parse_wire_path(label.encode())
        return self._top

    @property
    def refused(self) -> Mapping[str, str]:
        """Paths that are not shared, as a person reads them, and why."""
        return self._refused.reasons

    @property
    def busy(self) -> bool:
        """Whether something is being looked at, read or gathered."""
        under_way = self._look is not None or self._scan is not None
        return under_way or bool(self._touched or len(self._reading) or self._publishing.pending)

    def start(self, *, marked: bool) -> None:
        """Continue where the index ends, and look at everything once: at once if the share was
        `marked` before.
        """
        self._publishing.start()
        self._rescan_s = self._node.now + limits.RESCAN_S
        self.scan_when_marked = not marked
        if marked:
            self.scan()

    def scan(self) -> None:
        """Look at the whole own folder, after the scan under way if there is one, and not before it
        is marked.
        """
        if self._scan is not None or self.scan_when_marked:
            self._rescan_s = self._node.now
            return
        self._rescan_s = self._node.now + (
            limits.RESCAN_S if self._node.share_present else OFFLINE_LOOK_S
        )
        self._scan = LookRound(self._node.number(), (self.top,))
        self._node.do(Scan(self._scan.order, self._scan.paths))

    # -- facts -------------------------------------------------------------------------------------
    def on_touched(self, event: PathsTouched) -> None:
        """The watcher noticed something."""
        if event.overflow:
            self._rescan_s = self._node.now
        # a name in it that is refused, or the folder itself: no hurry
        elif self.top in event.paths:
            self._rescan_s = min(self._rescan_s, self._node.now + limits.SECOND_LOOK_S)
        self.look_at(event.paths)

    def look_at(self, paths: Iterable[SafePath]) -> None:
        """Look at these paths soon; what is not in the own folder is left out."""
        if self._node.share_present:  # else everything is looked at when the share is back
            top = self.top
            self._touched.update(path for path in paths if _is_below(path, top))

    def on_imported(self, names: Iterable[str]) -> None:
        """Files were brought into the own folder; links are not noticed by every watcher."""
        for name in names:
            try:
                self.look_at([self.top.child(name)])
            except UnsafePath:
                self.scan()

    def await_marker(self) -> None:
        """The group, or the folder's name, is another one now: look at everything once the new
        marker is there.
        """
        self._forget_work()
        self._refused.reasons.clear()
        self.scan_when_marked = True

    def on_share(self, event: ShareSeen) -> None:
        """The marker was checked."""
        node, before = self._node, self._node.share_present
        node.share_present, self.share_reason = event.present, event.reason
        wanted, self.scan_when_marked = self.scan_when_marked or not before, False
        if not event.present:
            if before:
                node.tell(
                    "share_offline", f"the share is offline: marker {event.reason}", level="error"
                )
            self._forget_work()
            self._publishing.keep()
            self._rescan_s = node.now + OFFLINE_LOOK_S
        elif wanted:
            self._rescan_s = node.now + limits.RESCAN_S
            if self._scan is None:  # else it is the one that found the share again
                self.scan()

    def on_tree(self, event: TreeSeen) -> None:
        """Part of what a look or a scan found."""
        found = next(
            (r for r in (self._look, self._scan) if r is not None and r.order == event.order), None
        )
        if found is None:
            return
        self._refused.note(found, event.refused)
        top, unread = self.top, list[tuple[SafePath, int]]()
        for seen in event.seen:
            if _is_below(seen.path, top):
                unread += self._on_seen(seen.path.relative_to(top).wire, seen, found)
        self._reading.begin(unread)
        if event.last and found is self._look:
            self._look = None
            self._drop(found.missing)
        elif event.last:
            self._scan = None
            if event.complete:
                self._doubt(found.seen)
        if event.last and event.complete:
            self._refused.forget(found)

    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read."""
        files, again = self._reading.end(event)
        top = self.top
        for hashed in files:
            if _is_below(hashed.path, top):
                self._judge.on_read(hashed.path.relative_to(top).wire, hashed)
        self.look_at(again)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [self._reading.deadline(), self._doubtful.deadline()]
        if self._scan is None and not self.scan_when_marked:
            times.append(self._rescan_s)
        if not self._unsettled:
            times.append(self._publishing.deadline(len(self._reading)))
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Scan, look again, publish."""
        now = self._node.now
        self.look_at(self._reading.due())
        for path in self._doubtful.due(now):
            # if the look cannot say, it is asked again
            self._doubtful.put(path, now + limits.SECOND_LOOK_S)
            self.look_at([self.top.joined(parse_wire_path(path))])
        if now >= self._rescan_s and self._scan is None and not self.scan_when_marked:
            self.scan()
        if self._touched and self._look is None:
            self._look = LookRound(self._node.number(), tuple(sorted(self._touched)))
            self._touched = set()
            self._node.do(Look(self._look.order, self._look.paths))
        if not self._unsettled:
            self._publishing.on_tick(len(self._reading))

    @property
    def _unsettled(self) -> bool:
        """Whether publishing now would tell half of it: a rename whose old path is not judged yet,
        half a repair.
        """
        if self._look is not None and self._look.missing:
            return True
        away = not self._node.share_present or self.scan_when_marked
        return self._publishing.repairing and (
            away or self._scan is not None or len(self._reading) > 0
        )

    # -- what was seen -----------------------------------------------------------------------------
    def _on_seen(
        self, path: bytes, seen: PathSeen, found: LookRound
    ) -> Sequence[tuple[SafePath, int]]:
        """Act on what stands at one path; returns what must be read."""
        if seen.finding is Finding.MISSING:
            found.missing.add(path)
            return ()
        if found is self._scan and found.missing and within(path, found.missing):
            self.look_at([seen.path])  # a look meanwhile did not find it: who saw it last?
            return ()
        self._doubtful.discard(path)
        if self._scan is not None:
            self._scan.seen.add(path)
        if self._look is not None:
            self._look.missing.discard(path)
        if seen.stat is not None:
            self._reading.on_seen(seen.path)
            piece_size = self._judge.on_seen(path, seen, seen.stat)
            return [(seen.path, piece_size)] if piece_size is not None else ()
        self._reading.cancel([seen.path])
        if own_change(self._publishing.stands(path), seen.finding, None) is OwnChange.FOLDER:
            row = PlaceRow(path, Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
            self._publishing.put(row, limits.PIECE_MIN_BYTES)
        return ()

    def _drop(self, paths: set[bytes]) -> None:
        """A look ended: what it did not find is gone, and with it everything below."""
        if not paths:
            return
        for path in paths:
            self._doubtful.discard(path)
        if self._scan is not None:
            self._scan.missing |= paths
        gone = {path.wire for path in map(self.top.joined, map(parse_wire_path, paths))}
        self._reading.cancel([path for path in self._reading.paths if within(path.wire, gone)])
        self._publishing.drop({path for path in paths if self._publishing.stands(path) is not None})

    def _doubt(self, seen: set[bytes]) -> None:
        """After a whole scan: what the index knows and nobody saw is looked at again ten seconds
        later.
        """
        known = self._node.index.places.all_paths(self._node.own_manifest)
        missed = {path for path in known if path not in seen and not self._publishing.is_gone(path)}
        self._doubtful.keep_only(missed)
        for path in missed:
            if path not in self._doubtful:
                self._doubtful.put(path, self._node.now + limits.SECOND_LOOK_S)

    def _forget_work(self) -> None:
        """Whatever is under way is about a folder that is not there any more."""
        self._look = self._scan = None
        self._touched.clear()
        self._doubtful.keep_only(set())
        self._reading.cancel(self._reading.paths)


def _is_below(path: SafePath, top: SafePath) -> bool:
    return len(path.parts) > 1 and path.parts[0] == top.parts[0]


def _row(path: bytes, root: bytes, stat: Stat) -> PlaceRow:
    return PlaceRow(
        path,
        Kind.FILE,
        Root(root),
        stat.size,
        stat.mtime_ns,
        stat.ctime_ns,
        stat.inode,
        stat.executable,
    )
