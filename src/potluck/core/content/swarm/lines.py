"""Lines: what waits to be asked for, one line for each owner, so that owners take turns.

Strategy: what an owner's folder lacks stands in a line of its own, in the order it was wanted.
Owners take turns at the slots; who is the next, and how many one may have, is for under_way.py.

A look at a few of a long line sees its first ones, who come first, and as many behind these, each
time where the last look stopped: what waits for somebody busy holds up nothing that stands behind.

A round begins when something happened; it is over when each one that stood there was seen, in as
many looks as that takes: then there is no reason for another look.

Guarantees: pure; each line keeps its order, whatever becomes of the others, and a content stands in
it once; with k seen in a look, all of a line of n are within about 2 n / k looks, and in a round.
Limits: a content that several owners share stands in the line of each of them, also of one who
shares it no more. What joins during a round is seen in the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId

Owner = DeviceId | None
"""Whose folder; None: it is not known."""


class WaitingLine:
    """What one owner's folder lacks: those that were passed over, then those not yet seen."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._passed: deque[Root] = deque()
        self._ahead: deque[Root] = deque()
        self._stands: set[Root] = set()
        # of the look under way: how many are left to see, and who of the first ones stays
        self._first = self._more = 0
        self._stay: list[Root] = []
        self._seeing_first = False
        self._unseen = 0  # of a round

    def __repr__(self) -> str:
        return f"<WaitingLine: {len(self._passed)} passed over, {len(self._ahead)} ahead>"

    def __len__(self) -> int:
        return len(self._passed) + len(self._ahead)

    def add(self, root: Root) -> None:
        """One more, at the end, if it does not stand here."""
        if root not in self._stands:
            self._stands.add(root)
            self._ahead.append(root)

    # -- rounds ------------------------------------------------------------------------------------
    @property
    def unseen(self) -> int:
        """How many are to be seen until the round is over."""
        return max(0, min(self._unseen, len(self)))

    def begin_round(self) -> None:
        """Something happened: each of them is to be seen once more."""
        self._unseen = len(self)

    # -- one after the other -----------------------------------------------------------------------
    def first(self) -> Root:
        """Return who is the first of those not yet seen."""
        return self._ahead[0]

    def take(self) -> Root:
        """Take the first of those not yet seen out of the line."""
        root = self._ahead.popleft()
        self._stands.discard(root)
        self._unseen -= 1
        return root

    def turn(self) -> None:
        """The first of those not yet seen goes to the end."""
        self._ahead.rotate(-1)
        self._unseen -= 1

    # -- looks -------------------------------------------------------------------------------------
    def begin_look(self, at_most: int) -> None:
        """See so many, the first ones and those where the last look stopped; none after a round."""
        if not self._ahead:
            self._ahead, self._passed = self._passed, self._ahead
        at_most = at_most if self.unseen else 0
        self._first = min(len(self._passed), at_most // 2)
        self._more = min(len(self._ahead), at_most - self._first)

    def see(self) -> Root | None:
        """Take the next one of this look out of the line; None: it is over."""
        self._seeing_first = self._first > 0
        if self._seeing_first:
            self._first -= 1
            root = self._passed.popleft()
        elif self._more:
            self._more -= 1
            self._unseen -= 1
            root = self._ahead.popleft()
        else:
            return None
        self._stands.discard(root)
        return root

    def keep(self, root: Root) -> None:
        """The one just seen keeps its place."""
        self._stands.add(root)
        if self._seeing_first:
            self._stay.append(root)
        else:
            self._passed.append(root)

    def put_back(self, root: Root) -> None:
        """The one just seen goes behind all that were passed over."""
        self._stands.add(root)
        self._passed.append(root)

    def end_look(self) -> None:
        """The look is over: the first ones that stay are the first again."""
        self._passed.extendleft(reversed(self._stay))
        self._stay.clear()


def line_of(roots: Iterable[Root]) -> WaitingLine:
    """Return a line of these, of which a round begins."""
    line = WaitingLine()
    for root in roots:
        line.add(root)
    line.begin_round()
    return line


class WaitingLines:
    """Contents in line."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lines: dict[Owner, WaitingLine] = {}

    def __repr__(self) -> str:
        return f"<WaitingLines: {len(self)} of {len(self._lines)} owners>"

    def __len__(self) -> int:
        """Return how many are in line, also such as need not be any more."""
        return sum(map(len, self._lines.values()))

    def add(self, owner: Owner, root: Root) -> None:
        """One more, at the end of its owner's line, if it does not stand there."""
        self._lines.setdefault(owner, WaitingLine()).add(root)

    def owners(self) -> list[Owner]:
        """Return whose lines are not empty; empty ones are let go."""
        self._lines = {owner: line for owner, line in self._lines.items() if line}
        return list(self._lines)

    def of(self, owner: Owner) -> WaitingLine:
        """Return the line of an owner, to be taken from; an empty one if nothing of it waits."""
        return self._lines.get(owner, WaitingLine())

    def begin_round(self) -> None:
        """Something happened: all are to be seen once more."""
        for line in self._lines.values():
            line.begin_round()
