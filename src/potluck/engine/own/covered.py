"""Covered files: what another disk below the own folder hides, or took along when it went.

Strategy: wherever something was mounted, or is no more, all that is known below that point is in
question until it is seen again. What looks do not find of it is not gone: it is covered, so nothing
of it is told to anybody, and the register says so until it is seen. A person who really wants it
gone renames, or removes, the folder at which the disk was mounted, once nothing is mounted there.
Until it is seen it is lacking here, and that is told to the others like anything that is lacking.

Guarantees: no delete is published of a file that a mount hides, nor of one that went with its disk
while this runs. Limits: what is deleted on a mounted disk while it is in question (from the mount
to the first look, and so whenever anything is mounted anywhere) is covered, too. Memory only: a
disk that is missing at the next start took its files along unnoticed. Whoever renames a folder
around a mount point and unmounts within the same moment, or while files are hidden below it, is not
understood.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from potluck.core.content.facts import NOTHING, Amount, amount_of
from potluck.core.content.paths import SafePath, within
from potluck.core.wording import set_off
from potluck.engine.node import Node, tell_trouble
from potluck.engine.own.judging import Judge
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


class CoveredFiles:
    """What is in question at each mount point, by path below the own folder."""

    def __init__(self, node: Node, judge: Judge, listener: CoveredListener) -> None:
        """Cover nothing."""
        self._node, self._judge, self._listener = node, judge, listener
        self._below: dict[SafePath, set[bytes]] = {}
        self._looked: set[SafePath] = set()  # points where a look is over
        self._sizes: dict[bytes, Amount] = {}  # of what is in question and was told to others
        self.amount = NOTHING  # of all that
        self._told = NOTHING  # of it

    def __repr__(self) -> str:
        """Return how much is in question."""
        return f"<CoveredFiles: {[len(paths) for paths in self._below.values()]}>"

    def __contains__(self, path: object) -> bool:
        """Say whether a path is in question."""
        return any(path in paths for paths in self._below.values())

    def on_mounts(self, changed: Sequence[SafePath]) -> None:
        """Something was mounted at these points, or is no more: look there."""
        top = self._listener.top
        points = [point for point in changed if point.starts_with(top)]
        for point in points:
            folder = _below(point, top)
            self._below[point] = set(self._judge.unseen(folder, (), ()))
            self._count(folder)
            self._looked.discard(point)
        self._listener.look_at(points)
        if top in points:
            self._listener.scan()

    def on_there(self, path: bytes) -> None:
        """Something stands at a path."""
        for paths in self._below.values():
            paths.discard(path)
        self._count_out(path)

    def holds(self, path: bytes) -> bool:
        """Say whether a path that was not found is not gone; a point that went is given up."""
        if path in self:
            return True
        for point in list(self._below):
            if within(_below(point, self._listener.top), {path}):
                self._give_up(point)
        return False

    def hides_below(self, path: bytes) -> bool:
        """Say whether a path, or anything below it, is in question; b"" is all of the folder."""
        if path in self:
            return True
        start = path + b"/" if path else b""
        return any(one.startswith(start) for paths in self._below.values() for one in paths)

    def settle(self, asked: Collection[SafePath]) -> None:
        """A round that asked for these is over: what was not seen is told, until it is."""
        for point, paths in list(self._below.items()):
            if any(point.starts_with(path) for path in asked):
                self._looked.add(point)
            if point not in self._looked:
                continue
            if paths:
                self._tell(point, len(paths))
            else:
                self._give_up(point)

    def take_news(self) -> bool:
        """Say whether another amount is in question than when this was asked last."""
        told, self._told = self._told, self.amount
        return self._told != told

    def clear(self) -> None:
        """The own folder has another name now."""
        for point in list(self._below):
            self._give_up(point)

    def _give_up(self, point: SafePath) -> None:
        paths = self._below.pop(point)
        self._looked.discard(point)
        for path in paths:
            if path not in self:
                self._count_out(path)
        self._node.troubles.clear(TroubleKind.COVERED, str(point))

    def _count(self, folder: bytes) -> None:
        """All that is known below a folder is in question."""
        node = self._node
        known = node.index.places.under(node.own_manifest, folder)
        sizes = {row.path: amount_of(row) for row in known if row.path in self}
        for path in sizes:
            self._count_out(path)
        self._sizes |= sizes
        self.amount = Amount.total([self.amount, *sizes.values()])

    def _count_out(self, path: bytes) -> None:
        self.amount = self.amount.less(self._sizes.pop(path, NOTHING))

    def _tell(self, point: SafePath, count: int) -> None:
        node, subject = self._node, str(point)
        where = shlex.quote(f"{node.settings.folder}/Shared/{subject}")
        what = "1 file or folder" if count == 1 else f"{count:,} files and folders"
        if node.mounts.at(point):
            reason = f"another disk is mounted there and hides {what} of mine: nothing is deleted"
            command = f"findmnt {where}"
        else:
            reason = (
                f"the disk that was mounted there went with {what} of mine: mount it again;"
                " once that folder is renamed, or potluck starts without the disk,"
                " it is deleted everywhere"
            )
            command = f"ls -la {where}"
        trouble = Trouble(TroubleKind.COVERED, subject, reason, command, node.now, None)
        tell_trouble(node, trouble, "covered", shown=set_off(subject))


def _below(point: SafePath, top: SafePath) -> bytes:
    return b"" if point == top else point.relative_to(top).wire
