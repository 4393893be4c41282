"""The own folder, looked at until the manifest says what stands there.

Strategy: hints and scans say where to look, a look says what stands there (engine/own/rounds.py),
engine/own/findings.py and judging.py say what that means, and only what may have changed is read
(engine/own/reading.py). What follows goes to engine/own/publishing.py. One look and one scan may be
under way at a time, and any number of files being read; none waits for another.

Guarantees: the disk is right and the manifest follows; a rename needs no reading, of a file or of a
whole folder; what was read of a file that is gone meanwhile is forgotten. What a look finds missing
is gone at once, what a scan lacks only after a look ten seconds later, and nothing is gone, or new,
while the marker is missing (engine/own/share_state.py), nor what a disk mounted in it hides or took
along (engine/own/covered.py). Limits: one tree, one owner: this device.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from potluck.core import limits
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.engine.events import (
    FilesHashed,
    PathsTouched,
    RestlessSeen,
    ShareSeen,
    TreeSeen,
    WatchesRefused,
)
from potluck.engine.node import Node
from potluck.engine.own.absent_files import AbsentFiles
from potluck.engine.own.covered import CoveredFiles
from potluck.engine.own.due_scan import DueScan
from potluck.engine.own.findings import Findings, is_below
from potluck.engine.own.ignore_file import IgnoreFile
from potluck.engine.own.judging import Judge
from potluck.engine.own.publishing import Publishing
from potluck.engine.own.reading import Reading
from potluck.engine.own.rounds import Rounds
from potluck.engine.own.share_state import SharePresence
from potluck.engine.own.untold_paths import UntoldPaths
from potluck.engine.own.unwatched import UnwatchedFolders

OFFLINE_LOOK_S = 10.0  # while the share is offline its marker is looked for this often


class OwnFolder:
    """The own folder."""

    def __init__(self, node: Node, publishing: Publishing) -> None:
        """Know what the index knows; changes go to `publishing`."""
        self._node, self._publishing = node, publishing
        self.last_change = publishing.last_change
        self.share = SharePresence(node)
        self.ignore_file = IgnoreFile(node)
        self.rounds = Rounds(node, self.ignore_file)
        self._reading = self.reading = Reading(node, snapshots=True)
        judge = self.judge = Judge(node, publishing)
        self.covered = CoveredFiles(node, judge, self)
        wrong = (publishing.damaged, publishing.older.files)
        self.absent = AbsentFiles(self.covered, publishing.held, *wrong, self.rounds)
        self.untold = UntoldPaths(node, publishing, self.absent)
        self._findings = Findings(node, self.rounds, self._reading, judge, self.covered)
        self._unwatched = UnwatchedFolders(node)
        # paths that are not shared, as a person reads them, and why
        self.refused: Mapping[str, str] = self._findings.refused.reasons
        self.left_out = self._findings.left_out  # by the rules of its owner
        self._touched: set[SafePath] = set()
        self.written: tuple[SafePath, ...] = ()  # files that somebody is writing: some, if many
        self._due_scan = DueScan(node)
        self._top: SafePath | None = None

    def __repr__(self) -> str:
        """Return what is under way."""
        touched, reading = len(self._touched), len(self._reading)
        return f"<OwnFolder {self.share.state.name} {self.rounds!r} {touched=} {reading=}>"

    @property
    def top(self) -> SafePath:
        """The own folder below Shared/."""
        label = self._node.own_label
        if self._top is None or self._top.name != label:
            self._top = parse_wire_path(label.encode())
        return self._top

    @property
    def work(self) -> tuple[OwnWork, ...]:
        """What is open: what is not looked at, not read, or not told yet."""
        rounds, hinted = self.rounds, self._due_scan.hinted or self.ignore_file.changes
        open_work = []
        if not rounds.scanned:
            open_work.append(OwnWork.UNSEEN)
        if hinted or self._touched or rounds.under_way:
            open_work.append(OwnWork.LOOKING)
        if rounds.in_doubt:
            open_work.append(OwnWork.DOUBTED)
        if len(self._reading) > 0:
            open_work.append(OwnWork.READING)
        if self._publishing.pending:
            open_work.append(OwnWork.PUBLISHING)
        return tuple(open_work)

    def start(self, *, marked: bool) -> None:
        """Continue where the index ends, and scan: at once if the share was `marked` before."""
        self._publishing.start()
        self.covered.start()
        if marked:
            self.scan()
        else:
            self.share.on_renamed()

    def scan(self) -> None:
        """Look at everything: after the scan under way, and not before a new marker is there."""
        if not self._may_scan:
            self._due_scan.put_off(0.0)
            return
        self._due_scan.on_begun(limits.RESCAN_S if self.share.marked else OFFLINE_LOOK_S)
        self.rounds.begin_scan((self.top,))

    # -- facts -------------------------------------------------------------------------------------
    def on_touched(self, event: PathsTouched) -> None:
        """The watcher noticed something."""
        if event.overflow:
            self._due_scan.on_overflow()
        elif self.top in event.paths:
            # a name in it that is refused, or the folder itself
            self._due_scan.on_odd()
        self.look_at(event.paths)

    def on_watcher(self, event: WatchesRefused | RestlessSeen) -> None:
        """The watcher says what it cannot do."""
        if isinstance(event, WatchesRefused):
            self._unwatched.on_refused(event)
        else:
            self.written = event.writing
            own = (path for path in event.files if is_below(path, self.top))
            self._findings.restless.on_written(own)

    def look_at(self, paths: Iterable[SafePath]) -> None:
        """Look at these paths soon; what is not in the own folder is left out."""
        if self._node.share_present:  # else everything is looked at when the share is back
            top = self.top
            self._touched.update(path for path in paths if is_below(path, top))

    def on_imported(self, names: Iterable[str]) -> None:
        """Files were brought into the own folder; links are not noticed by every watcher."""
        for name in dict.fromkeys(name.partition("/")[0] for name in names):
            try:
                self.look_at([self.top.child(name)])
            except UnsafePath:
                self.scan()

    def await_marker(self) -> None:
        """The group, or the folder's name, is another one: its marker comes, then a scan."""
        self.forget_work()
        self._findings.clear()
        self.share.on_renamed()

    def on_share(self, event: ShareSeen) -> None:
        """The marker was checked."""
        if self.share.writes_again(event):
            self.forget_work()
            return
        was_marked, was_present = self.share.marked, self._node.share_present
        self.share.on_checked(event)
        if not event.present:
            if was_present:
                self.share.tell_offline()
            self.forget_work()
            self._publishing.keep()
            self._due_scan.put_off(OFFLINE_LOOK_S)
        elif not was_marked:
            self._due_scan.put_off(limits.RESCAN_S)
            # else the scan under way is the one that found the share again
            if self.rounds.scan is None:
                self.scan()

    def on_tree(self, event: TreeSeen) -> None:
        """Part of what a look or a scan found, by the rules that count."""
        said = event.ignore_file if self.rounds.find(event.order) is not None else None
        if said is not None and not self.ignore_file.on_seen(said):
            self._due_scan.put_off(0.0)  # everything is judged by the new rules
            self.look_at(self.rounds.give_up())
            return
        self.look_at(self._findings.on_tree(event, self.top))

    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read."""
        self.look_at(self._findings.on_hashed(event, self.top))

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [self._reading.deadline(), self.rounds.deadline()]
        times += [self._findings.unreadable.deadline(), self.ignore_file.deadline()]
        if self._may_scan:
            times += [self._due_scan.due_s, self._unwatched.deadline()]
        if not self._unsettled:
            times.append(self._publishing.deadline(len(self._reading)))
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Scan, look again, publish."""
        unreadable = self._findings.unreadable.due()
        if due := [*self._reading.due(), *unreadable]:
            self.look_at(due)
        if self.top in unreadable:
            self._due_scan.on_odd()
        for path in self.rounds.due():
            self.look_at([self.top.joined(parse_wire_path(path))])
        self._begin_scan()
        if not self.ignore_file.waits:
            self.rounds.look_on(self._touched)
        breaker, older = self._publishing.breaker, self._publishing.older
        breaker.hiding = bool(older.files) or not older.doubts.idle
        if self.rounds.look is not None or (breaker.hiding and len(self._reading)):
            breaker.on_looking()
        if not self._unsettled:
            self._publishing.on_tick(len(self._reading))
        self._publishing.older.on_tick()
        if self.share.marked and self._node.now < self._due_scan.due_s and not self.work:
            self._publishing.breaker.fresh.on_looked()
            files = (path for path in self._reading.paths if is_below(path, self.top))
            unread = (path.relative_to(self.top).wire for path in files)
            self._publishing.older.on_looked(self._publishing.held.amount, unread)

    @property
    def _may_scan(self) -> bool:
        """Whether a scan may begin: one at a time, and none before a new marker is there."""
        waits = self.share.awaited or self.ignore_file.waits
        return self.rounds.scan is None and not waits

    @property
    def _unsettled(self) -> bool:
        """Whether publishing now would tell half of a rename, or half of a repair."""
        rounds = self.rounds
        if rounds.unsettled:
            return True
        unseen = not self.share.marked or rounds.scan is not None or len(self._reading) > 0
        return self._publishing.repairing and unseen

    def _begin_scan(self) -> None:
        """Scan everything if it is time, else what is not watched."""
        if self.rounds.scan_took_s is not None:
            self._unwatched.on_scanned(self.rounds.scan_took_s)
            self._due_scan.on_scanned(self.rounds.scan_took_s)
            self.rounds.scan_took_s = None
        if not self._may_scan:
            return
        if self._node.now >= self._due_scan.due_s:
            self.scan()
        elif parts := self._unwatched.due(self.top):
            self.rounds.begin_scan(parts)

    def forget_work(self) -> None:
        """Whatever is under way is about a folder that is not there any more, or its answers may
        have been lost with the index: then a scan has to follow.
        """
        self.rounds.clear()
        self._touched.clear()
        self._reading.cancel(self._reading.paths)
        self.ignore_file.clear()


def is_open(folder: OwnFolder, paths: Collection[bytes]) -> bool:
    """Say whether one of these, below the own folder, is yet to be looked at, or read.

    While anything is looked at, or told, each of them may be. A file that would not hold still for
    long is, but for the moments of reading it, not.
    """
    alone = {OwnWork.READING, OwnWork.DOUBTED}  # known of which paths
    if not alone.issuperset(folder.work):
        return True
    return any(
        folder.rounds.is_doubtful(path)
        or folder.reading.is_awaited(folder.top.joined(parse_wire_path(path)))
        for path in paths
    )
