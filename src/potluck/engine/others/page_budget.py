"""The budget of a stream of pages: how much of a manifest may be staged before it counts.

Strategy. Pages count only once they add up to a signed head, and until then they cost our disk. An
honest source sends what is live at the moment of each page, each change under a number of its own.
So of the records numbered up to a head that we know, none came that is not live under that head: at
most as many as the owner signed, and at most one for each number. What its owner did since is
numbered beyond it: one entry a number, and no more than somebody does while heads are on their way.
A newer head that is heard meanwhile extends the first bound by what it says, and by what may have
come and gone before; however many such heads are signed, one stream brings everything twice at
most, and what had gone. After that, and at a new generation, what came counts no more and the
stream begins anew; how often is looked at elsewhere. What ended is bounded
by what a home deletes; a longer log is not kept, since the whole manifest says the same. Over all
there is a quota of bytes for the paths of one owner. They are counted from above, from one stream
to the next; where that is too much, the whole manifest is asked for and counted exactly.

Guarantees: pure; no honest stream of a home is refused, however its head moves, but for an owner
that does more than AHEAD_CHANGES while one head is on its way: it is asked again with the next.
However many heads are signed, one stream is no longer than OWNER_RECORDS and AHEAD_CHANGES.
Limits: what an owner signs for itself it may fill up to its quota; how many records a head may say
is looked at where heads are heard (engine/others/following.py).
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import NamedTuple

from potluck.core import limits
from potluck.core.wire.catalogue import Head, ManifestPage


class PageVerdict(Enum):
    """What is to become of a page."""

    WITHIN = auto()  # it is staged
    ANEW = auto()  # the whole manifest is the shorter way, or the only one to count exactly
    MOVED = auto()  # the heads moved so far while it came that the stream is to begin anew
    BEYOND = auto()  # more than its owner signed: the source lies
    TOO_LARGE = auto()  # more than one owner may have, though its owner signed it


class _Ahead(NamedTuple):
    """A record, or a path that ended, numbered beyond the head that was heard of."""

    seq: int
    path_bytes: int
    live: bool


class PageBudget:
    """What may still come in one stream of pages."""

    def __init__(self, goal: Head, since: int, path_bytes: int = 0) -> None:
        """Pages lead from change number `since`, 0 for everything, to this head at least.

        `path_bytes`: how long the paths are at most that are live up to that number.
        """
        self.goal = goal
        self.path_bytes = path_bytes
        self.ended, self.ended_bytes = 0, 0  # how many deleted paths came, and their length
        self._whole = not since
        self._signed = min(goal.count, max(goal.seq - since, 0))
        self._granted, self._largest = self._signed, goal.count  # in this stream, and in one head
        self._reborn = self._capped = False
        self._ahead: deque[_Ahead] = deque()

    def __repr__(self) -> str:
        """Return how many records may still come, and how many entries are ahead of the goal."""
        return f"<PageBudget {self._signed} signed, {len(self._ahead)} ahead>"

    def on_goal(self, goal: Head) -> None:
        """A newer head was heard of while the pages come."""
        self._reborn = self._reborn or goal.generation > self.goal.generation
        self._largest = max(self._largest, goal.count)
        # what was made and has gone again since may have come, too
        more = min(max(goal.seq - self.goal.seq, 0), goal.count + limits.AHEAD_GONE)
        twice = 2 * self._largest + limits.AHEAD_GONE
        room = min(twice, limits.OWNER_RECORDS + limits.AHEAD_CHANGES) - self._granted
        self._capped = self._capped or more > room
        more = min(more, max(room, 0))
        self.goal, self._signed, self._granted = goal, self._signed + more, self._granted + more
        while self._ahead and self._ahead[0].seq <= goal.seq:
            self._signed -= self._ahead.popleft().live

    def take(self, page: ManifestPage) -> PageVerdict:
        """Count a page and say what is to become of it."""
        if self._reborn:
            return PageVerdict.MOVED
        live = [_Ahead(each.seq, len(each.path), live=True) for each in page.records]
        gone = [_Ahead(each.seq, len(each.path), live=False) for each in page.deleted]
        ahead = [each for each in (*live, *gone) if each.seq > self.goal.seq]
        self._ahead.extend(sorted(ahead))
        self._signed -= sum(each.seq <= self.goal.seq for each in live)
        self.path_bytes += sum(each.path_bytes for each in live)
        self.ended += len(gone)
        self.ended_bytes += sum(each.path_bytes for each in gone)
        ahead_bytes = sum(each.path_bytes for each in self._ahead) if ahead else 0
        far = len(self._ahead) > limits.AHEAD_CHANGES or ahead_bytes > limits.AHEAD_PATH_BYTES
        if self._signed < 0 or far:
            moved = self._capped and not far
            return PageVerdict.MOVED if moved else PageVerdict.BEYOND
        return self._of_everything() if self._whole else self._of_changes()

    def _of_everything(self) -> PageVerdict:
        """What ended need not be kept beside everything that is live, but ends somewhere."""
        if self.path_bytes > limits.OWNER_PATH_BYTES:
            return PageVerdict.TOO_LARGE
        return PageVerdict.BEYOND if self.ended > limits.OWNER_DELETED_READ else PageVerdict.WITHIN

    def _of_changes(self) -> PageVerdict:
        few = self.ended <= limits.OWNER_DELETED and self.ended_bytes <= limits.OWNER_DELETED_BYTES
        short = self.path_bytes <= limits.OWNER_PATH_BYTES
        return PageVerdict.WITHIN if few and short else PageVerdict.ANEW
