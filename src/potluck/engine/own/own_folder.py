"""The own folder, looked at until the manifest says what stands there.

Strategy: hints and scans say where to look, a look says what stands there (engine/own/rounds.py),
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

from potluck.core import limits
from potluck.core.content.facts import Finding
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.engine.events import FilesHashed, PathSeen, PathsTouched, ShareSeen, TreeSeen
from potluck.engine.node import Node
from potluck.engine.own.judging import Judge, RefusedNames
from potluck.engine.own.publishing import Publishing, within
from potluck.engine.own.reading import Reading
from potluck.engine.own.rounds import LookRound, Rounds
from potluck.engine.own.share_state import SharePresence

OFFLINE_LOOK_S = 10.0  # while the share is offline its marker is looked for this often

FileToRead = tuple[SafePath, int]
"""Its path below Shared/, and the piece size of its last version."""


class OwnFolder:
    """The own folder."""

    def __init__(self, node: Node, publishing: Publishing) -> None:
        """Know what the index knows; changes go to `publishing`."""
        self._node, self._publishing = node, publishing
        self.share = SharePresence(node)
        self._rounds = Rounds(node)
        self._reading = Reading(node)
        self._judge = Judge(node, publishing)
        self._refused = RefusedNames(node)
        # paths that are not shared, as a person reads them, and why
        self.refused: Mapping[str, str] = self._refused.reasons
        self._touched: set[SafePath] = set()
        self._rescan_s = 0.0
        self._top: SafePath | None = None

    def __repr__(self) -> str:
        """Return what is under way."""
        touched, reading = len(self._touched), len(self._reading)
        return f"<OwnFolder {self.share.state.name} {self._rounds!r} {touched=} {reading=}>"

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
        open_work = {
            OwnWork.UNSEEN: not self._rounds.scanned,
            OwnWork.LOOKING: self._rounds.under_way or bool(self._touched),
            OwnWork.READING: len(self._reading) > 0,
            OwnWork.PUBLISHING: bool(self._publishing.pending),
        }
        return tuple(work for work, is_open in open_work.items() if is_open)

    @property
    def busy(self) -> bool:
        """Whether something is being looked at, read or gathered."""
        return bool(set(self.work) - {OwnWork.UNSEEN})

    def start(self, *, marked: bool) -> None:
        """Continue where the index ends, and scan: at once if the share was `marked` before."""
        self._publishing.start()
        self._rescan_s = self._node.now + limits.RESCAN_S
        if marked:
            self.scan()
        else:
            self.share.on_renamed()

    def scan(self) -> None:
        """Look at everything: after the scan under way, and not before a new marker is there."""
        if not self._may_scan:
            self._rescan_s = self._node.now
            return
        wait_s = limits.RESCAN_S if self.share.marked else OFFLINE_LOOK_S
        self._rescan_s = self._node.now + wait_s
        self._rounds.begin_scan(self.top)

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
        self.share.on_renamed()

    def on_share(self, event: ShareSeen) -> None:
        """The marker was checked."""
        was_marked, was_present = self.share.marked, self._node.share_present
        self.share.on_checked(present=event.present, reason=event.reason)
        if not event.present:
            if was_present:
                text = f"the share is offline: marker {event.reason}"
                self._node.tell("share_offline", text, level="error")
            self._forget_work()
            self._publishing.keep()
            self._rescan_s = self._node.now + OFFLINE_LOOK_S
        elif not was_marked:
            self._rescan_s = self._node.now + limits.RESCAN_S
            # else the scan under way is the one that found the share again
            if self._rounds.scan is None:
                self.scan()

    def on_tree(self, event: TreeSeen) -> None:
        """Part of what a look or a scan found."""
        found = self._rounds.find(event.order)
        if found is None:
            return
        found.refused |= self._refused.note(event.refused)
        top, to_read = self.top, list[FileToRead]()
        for seen in event.seen:
            if _is_below(seen.path, top):
                to_read += self._on_seen(seen.path.relative_to(top).wire, seen, found)
        self._reading.begin(to_read)
        if not event.last:
            return
        if found is self._rounds.look:
            self._end_look(found)
        elif event.complete:
            self._rounds.end_scan(self._judge.unseen(found.seen))
        else:
            self._rounds.abandon_scan()
        if event.complete:
            self._refused.forget(found.paths, found.refused)

    def _end_look(self, look: LookRound) -> None:
        """A look is over: what it did not find is gone, and with it everything below."""
        self._rounds.end_look(look)
        if not look.missing:
            return
        gone = {self.top.joined(parse_wire_path(path)).wire for path in look.missing}
        self._reading.cancel([path for path in self._reading.paths if within(path.wire, gone)])
        self._judge.on_gone(look.missing)

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
        times = [self._reading.deadline(), self._rounds.deadline()]
        if self._may_scan:
            times.append(self._rescan_s)
        if not self._unsettled:
            times.append(self._publishing.deadline(len(self._reading)))
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Scan, look again, publish."""
        now = self._node.now
        self.look_at(self._reading.due())
        for path in self._rounds.due():
            self.look_at([self.top.joined(parse_wire_path(path))])
        if now >= self._rescan_s and self._may_scan:
            self.scan()
        if self._touched and self._rounds.look is None:
            self._rounds.begin_look(self._touched)
            self._touched = set()
        if not self._unsettled:
            self._publishing.on_tick(len(self._reading))

    @property
    def _may_scan(self) -> bool:
        """Whether a scan may begin: one at a time, and none before a new marker is there."""
        return self._rounds.scan is None and not self.share.awaited

    @property
    def _unsettled(self) -> bool:
        """Whether publishing now would tell half of a rename, or half of a repair."""
        rounds = self._rounds
        if rounds.look is not None and rounds.look.missing:
            return True  # the new path of a file may be known, its old one is not judged yet
        unseen = not self.share.marked or rounds.scan is not None or len(self._reading) > 0
        return self._publishing.repairing and unseen

    # -- what was seen -----------------------------------------------------------------------------
    def _on_seen(self, path: bytes, seen: PathSeen, found: LookRound) -> list[FileToRead]:
        """Act on what stands at one path; returns what must be read."""
        if seen.finding is Finding.MISSING:
            found.missing.add(path)
            return []
        if found is self._rounds.scan and found.missing and within(path, found.missing):
            # a look meanwhile did not find it: who saw it last?
            self.look_at([seen.path])
            return []
        self._rounds.on_there(path)
        if seen.stat is None:
            self._reading.cancel([seen.path])
            self._judge.on_folder(path)
            return []
        self._reading.on_seen(seen.path)
        piece_size = self._judge.on_seen(path, seen.stat)
        return [] if piece_size is None else [(seen.path, piece_size)]

    def _forget_work(self) -> None:
        """Whatever is under way is about a folder that is not there any more."""
        self._rounds.clear()
        self._touched.clear()
        self._reading.cancel(self._reading.paths)


def _is_below(path: SafePath, top: SafePath) -> bool:
    return path.starts_with(top) and path != top
