"""The own folder, looked at until the manifest says what stands there.

Strategy: hints and scans say where to look, a look says what stands there (`TreeSeen`),
engine/own/judging.py says what that means, and only what may have changed is read
(engine/own/reading.py). What follows goes to engine/own/publishing.py. One look and one scan may be
under way at a time, and any number of files being read; none waits for another.

Guarantees: the disk is right and the manifest follows; a rename needs no reading, of a file or of a
whole folder; what was read of a file that is gone meanwhile is forgotten. What a look finds missing
is gone at once, what a scan lacks only after a look ten seconds later, and nothing is gone, or new,
while the marker is missing (engine/own/share_state.py). Limits: one tree, one owner: this device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from potluck.core import limits
from potluck.core.content.facts import Finding, PlaceRow, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.reconcile import OwnChange, own_change
from potluck.core.errors import UnsafePath
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import Look, Scan
from potluck.engine.events import FilesHashed, OrderId, PathSeen, PathsTouched, ShareSeen, TreeSeen
from potluck.engine.node import Node
from potluck.engine.own.judging import Judge, RefusedNames
from potluck.engine.own.publishing import Publishing, within
from potluck.engine.own.reading import Reading
from potluck.engine.own.share_state import Share
from potluck.engine.timetable import Timetable

OFFLINE_LOOK_S = 10.0  # while the share is offline its marker is looked for this often

FileToRead = tuple[SafePath, int]
"""Its path below Shared/, and the piece size of its last version."""


@dataclass(slots=True)
class LookRound:
    """One Look or Scan under way."""

    order: OrderId
    paths: tuple[SafePath, ...]  # what was asked for
    # of a scan: what it, or a look meanwhile, found
    seen: set[bytes] = field(default_factory=set)
    # what it, or a look during a scan, did not find
    missing: set[bytes] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # paths as a person reads them


class OwnFolder:
    """The own folder."""

    def __init__(self, node: Node, publishing: Publishing) -> None:
        """Know what the index knows; changes go to `publishing`."""
        self._node, self._publishing = node, publishing
        self._share = Share(node)
        self._reading = Reading(node)
        self._judge = Judge(node, publishing)
        self._refused = RefusedNames(node)
        self._look: LookRound | None = None
        self._scan: LookRound | None = None
        self._touched: set[SafePath] = set()
        self._doubtful = Timetable[bytes]()  # what a scan lacked, and when to look at it again
        self._rescan_s = 0.0
        self._top: SafePath | None = None

    def __repr__(self) -> str:
        """Return what is under way."""
        looking, scanning = self._look is not None, self._scan is not None
        return (
            f"<OwnFolder {self._share.state.name} {looking=} {scanning=}"
            f" touched={len(self._touched)} reading={len(self._reading)}>"
        )

    @property
    def share_reason(self) -> str:
        """Why the marker of the share does not count."""
        return self._share.reason

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
        if self._look is not None or self._scan is not None:
            return True
        return bool(self._touched or len(self._reading) or self._publishing.pending)

    def start(self, *, marked: bool) -> None:
        """Continue where the index ends, and scan: at once if the share was `marked` before."""
        self._publishing.start()
        self._rescan_s = self._node.now + limits.RESCAN_S
        if marked:
            self.scan()
        else:
            self._share.on_renamed()

    def scan(self) -> None:
        """Look at everything: after the scan under way, and not before a new marker is there."""
        if not self._may_scan:
            self._rescan_s = self._node.now
            return
        wait_s = limits.RESCAN_S if self._share.marked else OFFLINE_LOOK_S
        self._rescan_s = self._node.now + wait_s
        self._scan = LookRound(self._node.number(), (self.top,))
        self._node.do(Scan(self._scan.order, self._scan.paths))

    # -- facts -------------------------------------------------------------------------------------
    def on_touched(self, event: PathsTouched) -> None:
        """The watcher noticed something."""
        if event.overflow:
            self._rescan_s = self._node.now
        elif self.top in event.paths:
            # a name in it that is refused, or the folder itself: no hurry
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
        """The group, or the folder's name, is another one: its marker comes, then a scan."""
        self._forget_work()
        self._refused.clear()
        self._share.on_renamed()

    def on_share(self, event: ShareSeen) -> None:
        """The marker was checked."""
        was_marked, was_present = self._share.marked, self._node.share_present
        self._share.on_checked(present=event.present, reason=event.reason)
        if not event.present:
            self._on_offline(news=was_present)
        elif not was_marked:
            self._rescan_s = self._node.now + limits.RESCAN_S
            # else the scan under way is the one that found the share again
            if self._scan is None:
                self.scan()

    def _on_offline(self, *, news: bool) -> None:
        """Nothing that is missing now says anything about files."""
        if news:
            text = f"the share is offline: marker {self._share.reason}"
            self._node.tell("share_offline", text, level="error")
        self._forget_work()
        self._publishing.keep()
        self._rescan_s = self._node.now + OFFLINE_LOOK_S

    def on_tree(self, event: TreeSeen) -> None:
        """Part of what a look or a scan found."""
        found = self._round(event.order)
        if found is None:
            return
        found.refused |= self._refused.note(event.refused)
        top, to_read = self.top, list[FileToRead]()
        for seen in event.seen:
            if _is_below(seen.path, top):
                to_read += self._on_seen(seen.path.relative_to(top).wire, seen, found)
        self._reading.begin(to_read)
        if event.last:
            self._end(found, complete=event.complete)

    def _round(self, order: OrderId) -> LookRound | None:
        """Return the look or the scan under way with this number."""
        for found in (self._look, self._scan):
            if found is not None and found.order == order:
                return found
        return None

    def _end(self, found: LookRound, *, complete: bool) -> None:
        """A look or a scan is over; `complete`: everything it was asked for was looked at."""
        if found is self._look:
            self._look = None
            self._drop(found.missing)
        else:
            self._scan = None
            if complete:
                self._doubt(found.seen)
        if complete:
            self._refused.forget(found.paths, found.refused)

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
        if self._may_scan:
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
        if now >= self._rescan_s and self._may_scan:
            self.scan()
        if self._touched and self._look is None:
            self._look = LookRound(self._node.number(), tuple(sorted(self._touched)))
            self._touched = set()
            self._node.do(Look(self._look.order, self._look.paths))
        if not self._unsettled:
            self._publishing.on_tick(len(self._reading))

    @property
    def _may_scan(self) -> bool:
        """Whether a scan may begin: one at a time, and none before a new marker is there."""
        return self._scan is None and not self._share.awaited

    @property
    def _unsettled(self) -> bool:
        """Whether publishing now would tell half of a rename, or half of a repair."""
        if self._look is not None and self._look.missing:
            return True  # the new path of a file may be known, its old one is not judged yet
        if not self._publishing.repairing:
            return False
        return not self._share.marked or self._scan is not None or len(self._reading) > 0

    # -- what was seen -----------------------------------------------------------------------------
    def _on_seen(self, path: bytes, seen: PathSeen, found: LookRound) -> list[FileToRead]:
        """Act on what stands at one path; returns what must be read."""
        if seen.finding is Finding.MISSING:
            found.missing.add(path)
            return []
        if found is self._scan and found.missing and within(path, found.missing):
            # a look meanwhile did not find it: who saw it last?
            self.look_at([seen.path])
            return []
        self._note_there(path)
        if seen.stat is None:
            self._on_folder(path, seen.path)
            return []
        return self._on_file(path, seen.path, seen.stat)

    def _note_there(self, path: bytes) -> None:
        """Something stands at a path, whatever else is under way."""
        self._doubtful.discard(path)
        if self._scan is not None:
            self._scan.seen.add(path)
        if self._look is not None:
            self._look.missing.discard(path)

    def _on_folder(self, path: bytes, shown: SafePath) -> None:
        """A folder stands at a path; a file that was read there does not count any more."""
        self._reading.cancel([shown])
        change = own_change(self._publishing.stands(path), Finding.FOLDER, None)
        if change is OwnChange.FOLDER:
            row = PlaceRow(path, Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
            self._publishing.put(row, limits.PIECE_MIN_BYTES)

    def _on_file(self, path: bytes, shown: SafePath, stat: Stat) -> list[FileToRead]:
        """A file stands at a path; returns it if it must be read."""
        self._reading.on_seen(shown)
        piece_size = self._judge.on_seen(path, stat)
        return [] if piece_size is None else [(shown, piece_size)]

    def _drop(self, paths: set[bytes]) -> None:
        """A look ended: what it did not find is gone, and with it everything below."""
        if not paths:
            return
        for path in paths:
            self._doubtful.discard(path)
        if self._scan is not None:
            self._scan.missing |= paths
        gone = {self.top.joined(parse_wire_path(path)).wire for path in paths}
        self._reading.cancel([path for path in self._reading.paths if within(path.wire, gone)])
        self._publishing.drop([path for path in paths if self._is_gone(path)])

    def _is_gone(self, path: bytes) -> bool:
        """Say whether something was known to stand where a look found nothing."""
        change = own_change(self._publishing.stands(path), Finding.MISSING, None)
        return change is OwnChange.GONE

    def _doubt(self, seen: set[bytes]) -> None:
        """After a whole scan: what the index knows and nobody saw is looked at again later."""
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
