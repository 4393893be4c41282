"""Findings: what looks, scans and readings of the own folder found, and what that means.

Strategy: pages come one by one, each path on them is judged at once (engine/own/judging.py), and
the end of a round says what is not there. A look was asked for paths by name: what it says is
missing is gone, and so is what it gives no answer for, a link or a lock in the place of a file. A
folder that is seen is compared with what is known below it, whatever was moved, exchanged or
swapped to get there: what was not met is asked for by name in the very next look, and gone if that
does not find it either. What a scan lacks is only doubtful (engine/own/rounds.py). A file that a
look finds changed has the other names of its inode looked at too: hard links are hinted at by one
name only.

Guarantees: nothing below a folder that could not be read is gone, or doubted, nor what another disk
covers (engine/own/covered.py), and nothing at all if a round could not look at anything; everything
else is judged as if that folder were not there. Nothing is shared below what is not known as a
folder: that is looked at first. What was read of a file does not count once its path, or a folder
above it, is something else. Limits: a round is trusted for what it names; whether the share is
there is known to share_state.py.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from dataclasses import dataclass

from potluck.core.content.facts import Finding
from potluck.core.content.paths import SafePath, parse_wire_path, within
from potluck.engine.events import FilesHashed, PathSeen, TreeSeen
from potluck.engine.node import Node
from potluck.engine.own.covered import CoveredFiles
from potluck.engine.own.judging import Judge
from potluck.engine.own.left_out import IgnoredPaths
from potluck.engine.own.reading import Reading
from potluck.engine.own.refused import RefusedNames
from potluck.engine.own.restless import RestlessFiles
from potluck.engine.own.rounds import LookRound, Rounds
from potluck.engine.unreadable import UnreadablePaths

FileToRead = tuple[SafePath, int]
"""Its path below Shared/, and the piece size of its last version."""


class Findings:
    """What was found, page by page."""

    def __init__(
        self, node: Node, rounds: Rounds, reading: Reading, judge: Judge, covered: CoveredFiles
    ) -> None:
        """Act on rounds of these, through `judge`; what is `covered` is not gone."""
        self._rounds, self._reading, self._judge = rounds, reading, judge
        self._covered = covered
        self.refused = RefusedNames(node)
        self.unreadable = UnreadablePaths(node)
        self.restless = RestlessFiles(node, reading)
        self.left_out = IgnoredPaths(node, reading)

    def __repr__(self) -> str:
        """Return what could not be shared or read."""
        return f"<Findings {self.refused!r} {self.unreadable!r} {self.restless!r}>"

    def on_tree(self, event: TreeSeen, top: SafePath) -> list[SafePath]:
        """Part of what a look or a scan found below `top`; returns what to look at again."""
        found = self._rounds.find(event.order)
        if found is None:
            return []
        found.refused |= self.refused.note(event.refused)
        found.unreadable |= self.unreadable.note(event.unreadable)
        if event.ignored:
            self.left_out.note(event.ignored)
            ignored = (path for path in event.ignored if is_below(path, top))
            found.ignored.update(path.relative_to(top).wire for path in ignored)
        found.inside = b""
        again, to_read = list[SafePath](), list[FileToRead]()
        for seen in event.seen:
            if is_below(seen.path, top) and not self._is_in_place_of_mine(seen, top):
                self._on_seen(seen, seen.path.relative_to(top).wire, found, again, to_read)
        self._reading.begin(to_read)
        if event.last:
            self._end(found, top, trusted=_is_trusted(found, top, complete=event.complete))
        return again

    def on_hashed(self, event: FilesHashed, top: SafePath) -> list[SafePath]:
        """Files were read; returns what to look at again."""
        files, again = self._reading.end(event)
        closed = [each for each in event.unreadable if is_below(each.path, top)]  # else a scrub's
        self.unreadable.on_read(closed, (hashed.path for hashed in files))
        unreadable = {each.path for each in closed}
        unstable = (path for path in event.unstable if is_below(path, top))
        self.restless.on_unstable(path for path in unstable if path not in unreadable)
        for hashed in files:
            if is_below(hashed.path, top):
                self._judge.on_read(hashed.path.relative_to(top).wire, hashed)
        return again

    def clear(self) -> None:
        """The folder has another name now."""
        self.refused.clear()
        self.unreadable.clear()
        self.restless.clear()
        self._covered.clear()

    # -- one path ----------------------------------------------------------------------------------
    def _on_seen(
        self,
        seen: PathSeen,
        path: bytes,
        found: LookRound,
        again: list[SafePath],
        to_read: list[FileToRead],
    ) -> None:
        """Act on what stands at one path."""
        if seen.finding is Finding.MISSING:
            if not self._covered.holds(path):
                found.missing.add(path)
            return
        if found is self._rounds.scan and found.missing and within(path, found.missing):
            # a look meanwhile did not find it: who saw it last?
            again.append(seen.path)
            return
        above = path.rpartition(b"/")[0]
        if above not in (b"", found.inside) and not self._judge.knows_folder(above):
            # what stands there changed since: whoever looks at it sees this as well
            again.append(_below(parse_wire_path(seen.path.parts[0].encode()), above))
            return
        found.inside = above
        found.seen.add(path)
        asked = found is self._rounds.look and seen.path in found.asked
        if asked and self._judge.knows_folder(path):
            found.folders.add(path)
        self._rounds.on_there(path)
        self._covered.on_there(path, seen.stat, found.order)
        if seen.stat is None:
            self._reading.cancel([seen.path])
            self._judge.on_folder(path)
            return
        self._reading.on_seen(seen.path)
        if self.unreadable.was_forbidden(seen.path):
            self._reading.hurry(seen.path)
        piece_size = self._judge.on_seen(path, seen.stat)
        if piece_size is None:
            return
        to_read.append((seen.path, piece_size))
        # a scan comes by the other links of this file itself
        if found is self._rounds.look and not self._reading.has(seen.path):
            top = parse_wire_path(seen.path.parts[0].encode())
            again += [_below(top, link) for link in self._judge.links(path, seen.stat)]

    def _is_in_place_of_mine(self, seen: PathSeen, top: SafePath) -> bool:
        """Say whether a file stands where a folder of mine is in question, or the other way round,
        or this is in such a folder: it is another disk's, most likely, and hides mine.
        """
        if not self._covered.hides_below(b"") or seen.finding is Finding.MISSING:
            return False
        path = seen.path.relative_to(top).wire
        if seen.stat is not None and self._judge.knows_folder(path):
            return self._covered.hides_below(path)
        at = path if seen.stat is None else path.rpartition(b"/")[0]
        while at and not (at in self._covered and self._judge.knows_file(at)):
            at = at.rpartition(b"/")[0]
        return bool(at)

    # -- the end of a round ------------------------------------------------------------------------
    def _end(self, found: LookRound, top: SafePath, *, trusted: bool) -> None:
        closed = {path.relative_to(top).wire for path in found.unreadable if is_below(path, top)}
        held = _Held(closed, self._covered)
        if found is self._rounds.look:
            lacking = self._lacking(found, top, held) if trusted else []
            if not trusted and not found.unreadable:  # those are tried again by themselves
                asked = {path.relative_to(top).wire for path in found.paths if is_below(path, top)}
                self._rounds.put_off(asked - found.seen - found.missing)
            self._rounds.end_look(found)
            self._rounds.lacking = [_below(top, path) for path in lacking]
            self._on_gone(found.missing, top)
        elif trusted:
            self._end_scan(found, top, held)
        else:
            self._rounds.abandon_scan()
        if trusted:
            self.refused.forget(found.paths, found.refused, found.unreadable)
            self.unreadable.settle(found.paths, found.unreadable)
            self._covered.settle(found.paths, found.order)

    def _lacking(self, look: LookRound, top: SafePath, held: Container[bytes]) -> list[bytes]:
        """Return what a look did not meet below the folders it met, but for what lies below more of
        it; what it was asked for by name and gives no answer for is missing.
        """
        lacking = set(self._unread(look, top)) if look.folders else set[bytes]()
        for path in look.folders:
            lacking.update(self._judge.unseen(path, look.seen, held))
        asked = {path.relative_to(top).wire for path in look.paths}
        for path in asked - look.seen - look.missing:
            if not within(path, held):
                # a walk may have been overtaken; a name that was asked for by itself was not
                walked = within(path.rpartition(b"/")[0], asked & look.seen)
                (lacking if walked else look.missing).add(path)
        lacking = {path for path in lacking if not within(path, look.missing)}
        return [path for path in lacking if not within(path.rpartition(b"/")[0], lacking)]

    def _unread(self, look: LookRound, top: SafePath) -> Iterable[bytes]:
        """Yield the files in hand below folders that were known, which nobody met there."""
        for path in self._reading.paths:
            if is_below(path, top):
                below = path.relative_to(top).wire
                if below not in look.seen and within(below, look.folders):
                    yield below

    def _on_gone(self, missing: Collection[bytes], top: SafePath) -> None:
        """These are gone, and with them everything below."""
        if not missing:
            return
        gone = {_below(top, path).wire for path in missing}
        self._reading.cancel([path for path in self._reading.paths if within(path.wire, gone)])
        self.unreadable.on_gone(gone)
        self.restless.settle()
        self._judge.on_gone(missing)

    def _end_scan(self, scan: LookRound, top: SafePath, held: Container[bytes]) -> None:
        """A scan is over: what it lacks of what it was to look at is doubtful."""
        if top in scan.paths:
            unseen = self._judge.unseen(b"", scan.seen, held)
            self.left_out.count = len(scan.ignored)
            if scan.ignored:
                self.left_out.on_scanned(scan.ignored, unseen, self._rounds.doubtful)
            self._rounds.end_scan(unseen)
            self._judge.older.on_scanned(whole=not scan.unreadable)
            return
        parts = {path.relative_to(top).wire for path in scan.paths}
        doubtful = [path for path in parts if path not in scan.seen and not within(path, held)]
        for part in parts:
            doubtful += self._judge.unseen(part, scan.seen, held)
        outside = [path for path in self._rounds.doubtful if not within(path, parts)]
        self._rounds.end_scan(doubtful, outside)


@dataclass(frozen=True, slots=True)
class _Held:
    """The paths of which a round says nothing."""

    closed: Container[bytes]
    covered: Container[bytes]

    def __contains__(self, path: object) -> bool:
        return path in self.closed or path in self.covered


def is_below(path: SafePath, top: SafePath) -> bool:
    """Say whether a path is inside a folder."""
    return path.starts_with(top) and path != top


def _below(top: SafePath, path: bytes) -> SafePath:
    return top.joined(parse_wire_path(path))


def _is_trusted(found: LookRound, top: SafePath, *, complete: bool) -> bool:
    """Say whether what a round does not name is not there: all of it was looked at, or all but what
    is named as unreadable, and that is not the own folder itself.
    """
    if complete:
        return True
    return bool(found.unreadable) and not any(top.starts_with(path) for path in found.unreadable)
