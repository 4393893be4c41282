"""Covered files: what another disk below the own folder hides, or took along when it went.

Strategy: wherever something was mounted, or is no more, all that is known below that point is in
question until it is seen again. What looks do not find of it is not gone: it is covered, so nothing
of it is told to anybody, and the register says so until it is seen. Mount points are remembered
(engine/own/mount_memory.py), so at a start all below them is in question likewise. If all that is
known below a point had been seen there, and one of those files stands now on what is mounted there,
just as it was, ctime and inode included, that is the disk that it was: what it lacks was deleted,
and another scan says so. What went with a disk that is gone for good is brought back, or given up,
once a person says so (engine/lost_disks.py); what is not to be seen on one that is there is given
up like that, too, be it hidden, or deleted on it elsewhere. If its folder is renamed, or removed,
that is asked for as well: the owner's breaker holds what would be lost
(engine/own/owners_breaker.py). Until it is seen it is lacking here, and that is told to the others
like anything that is lacking. What is met there first with another content, whenever that is, is of
another disk, or was below the mount point, and is not shared unasked (engine/own/disk_doubts.py);
on a disk that is known again it was edited.

Guarantees: no delete is published of a file that a mount hides, nor unasked of one that went with
its disk, be it while this runs or before. Limits: what is deleted between a mount and the first
look, or while potluck does not run, is covered, too, where the disk is not known again: it gives
every file another number at every mount (FAT), nothing of the sample is left on it, or it came
while something was covered. Whoever renames a folder around a mount point and unmounts within the
same moment, or while files are hidden below it, is not understood. A disk that is not known again
has edits that were made on it elsewhere asked for; a snapshot, or an image, of a disk is taken for
that disk. A folder that stands where a file of mine is in question, or the other way round, is not
shared, with all that is in it. If potluck ends in the seconds between the end of such a folder and
the next head, what was in it is deleted like any other file.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from potluck.core.content.facts import NOTHING, Amount, PlaceRow, Stat, amount_of
from potluck.core.content.paths import SafePath, parse_wire_path, within
from potluck.core.content.reconcile import same_stat
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import TO_TYPE, set_off, typable
from potluck.engine.events import OrderId
from potluck.engine.node import Node, tell_trouble
from potluck.engine.own.held_words import CONFIRM, REPAIR
from potluck.engine.own.judging import Judge
from potluck.engine.own.mount_memory import MountMemory
from potluck.engine.troubles import Trouble, TroubleKind


class CoveredListener(Protocol):
    """Looks at the own folder."""

    @property
    def top(self) -> SafePath:
        """The own folder below Shared/."""

    def look_at(self, paths: Iterable[SafePath]) -> None:
        """Look at these paths soon."""

    def scan(self) -> None:
        """Look at everything."""


SAMPLE_FILES = 256
"""By so many files a disk is known again: spread over all that is below its mount point."""


@dataclass(slots=True)
class Questioned:
    """What is in question at one mount point."""

    paths: set[bytes]
    since: OrderId  # what was ordered before this knows nothing of the mount
    sample: Mapping[bytes, PlaceRow]  # what stood there when all that is known had been seen there
    looked: bool = False  # a look is over
    known_again: bool = False  # something stands on what is mounted there just as it is known
    met: bool = False  # something was seen below it since
    told: str = ""  # the path in the register


class CoveredFiles:
    """What is in question at each mount point, by paths below the own folder."""

    def __init__(self, node: Node, judge: Judge, listener: CoveredListener) -> None:
        """Cover nothing."""
        self._node, self._judge, self._listener = node, judge, listener
        self._memory = MountMemory(node.index.meta)
        self._points: dict[bytes, Questioned] = {}
        self._sizes: dict[bytes, Amount] = {}  # of what is in question and was told to others
        self.amount = NOTHING  # of all that
        self._told = NOTHING  # of it
        self._starting = False  # nothing was seen yet

    def __repr__(self) -> str:
        """Return how much is in question."""
        return f"<CoveredFiles: {[len(point.paths) for point in self._points.values()]}>"

    def __contains__(self, path: object) -> bool:
        """Say whether a path is in question."""
        return any(path in point.paths for point in self._points.values())

    def start(self) -> None:
        """What was mounted when this ran last may be gone: nobody looked yet."""
        self._starting = True
        for folder, settled in self._memory.folders().items():
            self._doubt(folder, _sample(self._node, folder) if settled else {})

    def on_mounts(self, changed: Sequence[SafePath]) -> None:
        """Something was mounted at these points, or is no more: look there."""
        top = self._listener.top
        points = [point for point in changed if point.starts_with(top)]
        for folder in [_below(point, top) for point in points]:
            before = self._points.get(folder)
            if before is None:
                self._doubt(folder, _sample(self._node, folder))
            else:  # what was met in its place may hold some of what is known, and tells nothing
                same = self._starting or not before.met
                self._doubt(folder, before.sample if same else {}, before.told)
        self._starting = False
        self._remember()
        self._listener.look_at(points)
        if top in points:
            self._listener.scan()

    def on_there(self, path: bytes, stat: Stat | None, order: OrderId) -> None:
        """Something stands at a path, as a look or scan of this order says."""
        self._starting = False
        self._judge.weigh(path, stat, order)
        for folder, point in self._points.items():
            point.paths.discard(path)
            point.met = point.met or path.startswith(folder + b"/" if folder else b"")
            row = point.sample.get(path)
            if row is not None and stat is not None and order > point.since:
                known = same_stat(row, stat) and self._is_on_disk_of(folder, path)
                point.known_again = point.known_again or known
        self._count_out(path)

    def holds(self, path: bytes) -> bool:
        """Say whether a path that was not found is not gone; a point that went is given up."""
        if path in self:
            return True
        gone = [folder for folder in self._points if within(folder, {path})]
        for folder in gone:
            self._judge.on_taken_along(self._points[folder].paths)
            self._give_up(folder)
        if gone:
            self._remember(gone)
        return False

    def hides_below(self, path: bytes) -> bool:
        """Say whether a path, or anything below it, is in question; b"" is all of the folder."""
        if path in self:
            return True
        start = path + b"/" if path else b""
        points = self._points.values()
        return any(one.startswith(start) for point in points for one in point.paths)

    def settle(self, asked: Collection[SafePath], order: OrderId) -> None:
        """A round that asked for these is over: what was not seen is told, until it is."""
        over = list[bytes]()
        for folder, point in list(self._points.items()):
            where = self._path(folder)
            if order > point.since and any(where.starts_with(path) for path in asked):
                point.looked = True
                known = point.known_again
                self._judge.older.end_doubts(folder, known_again=known, over=known)
            if not point.looked:
                continue
            if not self._node.mounts.at(where):  # what went with a disk inside it is told there
                start = folder + b"/" if folder else b""
                inner = [at for at in self._points if at != folder and at.startswith(start)]
                point.paths.difference_update(*(self._points[at].paths for at in inner))
            if point.paths and not point.known_again:
                _tell(self._node, self._path(folder), point)
                continue
            if point.paths:
                self._listener.scan()  # those are deleted, if that does not find them either
            self._give_up(folder)
            over.append(folder)
        if over:
            self._remember(over)

    def went(self, below: bytes = b"", *, hidden: bool = False) -> list[bytes]:
        """Return what a person was told of that went with its disk.

        `below`: only that at a path or below it, where this is in the folder in which the disk was
        mounted: who names more may mean what else is in question there. `hidden`: also of what a
        disk that is mounted there now hides, or lacks.
        """
        mounts, paths, out = self._node.mounts, set[bytes](), set[bytes]()
        for folder, point in self._points.items():
            if not hidden and mounts.at(self._path(folder)):
                out |= point.paths
            elif point.told and point.looked:
                if not below or not folder or within(below, {folder}):
                    paths |= point.paths
            elif hidden:
                out |= point.paths
        paths -= out
        return sorted(path for path in paths if not below or within(path, {below}))

    def on_held(self, paths: Collection[bytes]) -> None:
        """These are held from now on, whatever was mounted: they are in question no more."""
        over = list[bytes]()
        for folder, point in list(self._points.items()):
            if point.paths.intersection(paths):
                point.paths.difference_update(paths)
                if point.paths:
                    _tell(self._node, self._path(folder), point)
                else:
                    self._give_up(folder)
                    over.append(folder)
        for path in paths:
            self._count_out(path)
        self._remember(over)

    def take_news(self) -> bool:
        """Say whether another amount is in question than when this was asked last."""
        told, self._told = self._told, self.amount
        return self._told != told

    def clear(self) -> None:
        """The own folder has another name now: whatever is in question there is looked at anew."""
        for point in self._points.values():
            _untell(self._node, point)
            point.looked = False

    def _doubt(self, folder: bytes, sample: Mapping[bytes, PlaceRow], told: str = "") -> None:
        paths = set(self._judge.unseen(folder, (), ()))
        if self._judge.knows_file(folder):  # a single file is mounted over another one
            paths.add(folder)
        point = Questioned(paths, self._node.number(), sample, told=told)
        self._points[folder] = point
        self._judge.older.doubts.begin(folder, paths, point.since)
        self._count(folder)

    def _is_on_disk_of(self, folder: bytes, path: bytes) -> bool:
        """Say whether a file is seen on the very disk that is mounted at a folder now."""
        return self._node.mounts.innermost(self._path(path)) == self._path(folder)

    def _give_up(self, folder: bytes) -> None:
        point = self._points.pop(folder)
        self._judge.older.end_doubts(folder, known_again=False)
        for path in point.paths:
            if path not in self:
                self._count_out(path)
        _untell(self._node, point)

    def _remember(self, over: Collection[bytes] = ()) -> None:
        """What is mounted now, or in question, matters at the next start, too; what is over not."""
        top = self._listener.top
        kept = {folder for folder in self._memory.folders() if folder not in over}
        kept |= {_below(point, top) for point in self._node.mounts.inside(top)}
        kept |= self._points.keys()
        self._memory.keep({folder: folder not in self._points for folder in kept})

    def _path(self, path: bytes) -> SafePath:
        top = self._listener.top
        return top.joined(parse_wire_path(path)) if path else top

    def _count(self, folder: bytes) -> None:
        """All that is known below a folder is in question."""
        known = _known(self._node, folder)
        sizes = {row.path: amount_of(row) for row in known if row.path in self}
        for path in sizes:
            self._count_out(path)
        self._sizes |= sizes
        self.amount = Amount.total([self.amount, *sizes.values()])

    def _count_out(self, path: bytes) -> None:
        self.amount = self.amount.less(self._sizes.pop(path, NOTHING))


def _sample(node: Node, folder: bytes) -> dict[bytes, PlaceRow]:
    """Return some of the files that are known below a folder."""
    files = [row for row in _known(node, folder) if row.kind is Kind.FILE]
    return {row.path: row for row in files[:: len(files) // SAMPLE_FILES + 1]}


def _known(node: Node, path: bytes) -> list[PlaceRow]:
    """Return what is known below a mount point, or of the file that it is."""
    places, name = node.index.places, node.own_manifest
    itself = places.get(name, path) if path else None
    alone = [itself] if itself is not None and itself.kind is Kind.FILE else []
    return alone + places.under(name, path)


def _tell(node: Node, path: SafePath, point: Questioned) -> None:
    """Have the register say what is in question at a point."""
    subject, count = str(path), len(point.paths)
    where = shlex.quote(f"{node.settings.folder}/Shared/{subject}")
    what, them, these = f"{count:,} files and folders", "them", "them"
    if count == 1:
        what, them, these = "1 file or folder", "it", "that file or folder"
    named = typable(subject, "PATH") if "/" in subject else "PATH"  # else it is a device
    if node.mounts.at(path):
        reason = (
            f"a disk is mounted there that hides {what} of mine, or lacks {them}: nothing is"
            " deleted anywhere unasked; to see what it hides, unmount it – to give"
            f" {these} up everywhere, {TO_TYPE}{CONFIRM} {named}"
        )
        command = f"findmnt {where}"
    else:
        reason = (
            f"the disk that was mounted there went with {what} of mine: mount it again; nothing is"
            f" deleted anywhere unasked; if that disk is gone for good: to have {these} here from"
            f" the others, {TO_TYPE}{REPAIR} – to give {these} up everywhere,"
            f" {TO_TYPE}{CONFIRM} {named}"
        )
        command = f"ls -la {where}"
    point.told = subject
    trouble = Trouble(TroubleKind.COVERED, subject, reason, command, node.now, None)
    tell_trouble(node, trouble, "covered", shown=set_off(subject))


def _below(point: SafePath, top: SafePath) -> bytes:
    return b"" if point == top else point.relative_to(top).wire


def _untell(node: Node, point: Questioned) -> None:
    if point.told:
        node.troubles.clear(TroubleKind.COVERED, point.told)
        point.told = ""
