"""Rounds: the look and the scan of the own folder that are under way, and what they left in doubt.

Strategy: a look is asked about a few paths and says what stands there; a scan walks over everything
and takes long. Both may run at once, so each remembers what the other found meanwhile: what a look
did not find, a scan may have seen before it went, and what a scan never met, a look may have seen
since. What a complete scan lacks is not gone but doubtful: a look at it is due ten seconds later,
and again as long as looks cannot say.

A look that could see nothing at all, for want of descriptors say, is repeated after the same time.

What a look at a folder lacks of what is known below it is lacking, and the very next look asks for
it by name: a walk is no snapshot, and what was moved within it may only have been overtaken.

Guarantees: at most one look and one scan at a time; whatever is seen is no longer missing and no
longer doubtful; a look for what is lacking asks for nothing else, so it ends in an answer. Limits:
paths only; what a round means is decided by engine/own/findings.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from potluck.core import limits
from potluck.core.content.paths import SafePath
from potluck.engine.effects import Look, Scan
from potluck.engine.events import OrderId
from potluck.engine.node import Node
from potluck.engine.own.ignore_file import IgnoreFile
from potluck.engine.timetable import Timetable


@dataclass(slots=True)
class LookRound:
    """One Look or Scan under way."""

    order: OrderId
    paths: tuple[SafePath, ...]  # what was asked for
    began_s: float
    # what it found, and of a scan also what a look found meanwhile
    seen: set[bytes] = field(default_factory=set)
    # what it, or a look during a scan, did not find
    missing: set[bytes] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # paths as a person reads them
    unreadable: set[SafePath] = field(default_factory=set)  # nothing below is known
    # of a look: what it was asked for and met, where a folder was known
    folders: set[bytes] = field(default_factory=set)
    ignored: set[bytes] = field(default_factory=set)  # left out, with all below
    inside: bytes = b""  # the folder of what was seen last, on this page
    asked: frozenset[SafePath] = field(init=False)

    def __post_init__(self) -> None:
        """Know what was asked for by name."""
        self.asked = frozenset(self.paths)


class Rounds:
    """What is being looked at."""

    def __init__(self, node: Node, ignore_file: IgnoreFile) -> None:
        """Look at nothing, and never at what is ignored."""
        self._node, self._ignore_file = node, ignore_file
        self.look: LookRound | None = None
        self.scan: LookRound | None = None
        self.scanned = False  # everything was looked at once, whatever was found
        self.scan_took_s: float | None = None  # the last scan, until somebody asked
        self._doubtful = Timetable[bytes]()  # what a scan lacked, and when to look at it again
        self._unseen = Timetable[bytes]()  # what a look that saw nothing was asked for, likewise
        # what the last look at the folder around it lacked: asked for by name before anything else
        self.lacking: list[SafePath] = []

    def __repr__(self) -> str:
        """Return what is under way."""
        looking, scanning = self.look is not None, self.scan is not None
        return f"<Rounds {looking=} {scanning=}>"

    @property
    def under_way(self) -> bool:
        """Whether something is being looked at, or to be."""
        waits = bool(self.lacking) or bool(self._unseen.times)
        return self.look is not None or self.scan is not None or waits

    @property
    def unsettled(self) -> bool:
        """Whether the old path of a file, whose new one may be known, is not judged yet."""
        return bool(self.lacking) or (self.look is not None and bool(self.look.missing))

    def look_on(self, touched: set[SafePath]) -> None:
        """Look at what is lacking, else at what was touched, which is taken then, if it can be."""
        if self.look is not None:
            return
        if self.lacking:
            lacking, self.lacking = self.lacking, []
            self.begin_look(lacking)
        elif touched:
            self.begin_look(touched)
            touched.clear()

    def begin_look(self, paths: Iterable[SafePath]) -> None:
        """Look at these paths; no look is under way."""
        self.look = LookRound(self._node.number(), tuple(sorted(paths)), self._node.now)
        self._node.do(Look(self.look.order, self.look.paths, rules=self._ignore_file.rules))

    def begin_scan(self, tops: Iterable[SafePath]) -> None:
        """Look at everything below `tops`; no scan is under way."""
        self.scan = LookRound(self._node.number(), tuple(sorted(tops)), self._node.now)
        self._node.do(Scan(self.scan.order, self.scan.paths, rules=self._ignore_file.rules))

    def find(self, order: OrderId) -> LookRound | None:
        """Return the look or the scan under way with this number."""
        for found in (self.look, self.scan):
            if found is not None and found.order == order:
                return found
        return None

    def on_there(self, path: bytes) -> None:
        """Something stands at a path, whoever saw it."""
        self._doubtful.discard(path)
        if self.scan is not None:
            self.scan.seen.add(path)
        if self.look is not None and path in self.look.missing:
            self.look.missing.discard(path)
            self.look.seen.add(path)

    def end_look(self, look: LookRound) -> None:
        """A look is over: what it did not find is gone, whatever a scan saw before."""
        self.look = None
        for path in look.missing:
            self._doubtful.discard(path)
        if self.scan is not None:
            self.scan.missing |= look.missing

    def put_off(self, paths: Iterable[bytes]) -> None:
        """A look could see nothing: what it was asked for is looked at later."""
        for path in paths:
            self._unseen.put(path, self._node.now + limits.SECOND_LOOK_S)

    def end_scan(self, doubtful: Collection[bytes], outside: Collection[bytes] = ()) -> None:
        """A scan is over; these paths it lacks, and their time runs on if they were in doubt.

        Doubts about paths `outside` of what it looked at stay as they are.
        """
        self.abandon_scan()
        self._doubtful.keep_only({*doubtful, *outside})
        for path in doubtful:
            if path not in self._doubtful:
                self._doubtful.put(path, self._node.now + limits.SECOND_LOOK_S)

    @property
    def doubtful(self) -> list[bytes]:
        """What is in doubt."""
        return list(self._doubtful.times)

    def is_doubtful(self, path: bytes) -> bool:
        """Say whether something is in doubt at a path below the own folder."""
        return path in self._doubtful

    @property
    def in_doubt(self) -> bool:
        """Whether anything is."""
        return bool(self._doubtful.times)

    def abandon_scan(self) -> None:
        """A scan is over that could look at nothing: what it lacks says nothing."""
        if self.scan is not None:
            self.scan_took_s = self._node.now - self.scan.began_s
        self.scan, self.scanned = None, True

    def give_up(self) -> set[SafePath]:
        """Nothing was looked at: return what the look was asked for; a scan is to begin anew."""
        paths = set[SafePath]() if self.look is None else set(self.look.paths)
        self.look, self.scan = None, None
        return paths

    def clear(self) -> None:
        """Nothing that is under way, was seen or is in doubt counts any more."""
        self.look, self.scan, self.scanned = None, None, False
        self.lacking = []
        self._doubtful.keep_only(set())
        self._unseen.keep_only(set())

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when something is to be looked at once more."""
        times = [self._doubtful.deadline(), self._unseen.deadline()]
        return min((time for time in times if time is not None), default=None)

    def due(self) -> list[bytes]:
        """Return what is to be looked at now; if a look cannot say, it is due again."""
        paths = self._doubtful.due(self._node.now)
        for path in paths:
            self._doubtful.put(path, self._node.now + limits.SECOND_LOOK_S)
        return paths + self._unseen.due(self._node.now)
