"""Lines: what waits to be asked for, one line for each owner, so that owners take turns.

Strategy: what an owner's folder lacks stands in a line of its own, in the order it was wanted.
Owners take turns at the slots; how many of them one may have is for under_way.py.

Guarantees: pure; whoever has something in line has a turn before anybody has a second one. Limits:
a content that several owners share counts as that of the one in whose folder it was wanted first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId

Owner = DeviceId | None
"""Whose folder; None: it is not known."""


class Lines:
    """Contents in line."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lines: dict[Owner, deque[Root]] = {}

    def __repr__(self) -> str:
        return f"<Lines: {len(self)} of {len(self._lines)} owners>"

    def __len__(self) -> int:
        """Return how many are in line, also such as need not be any more."""
        return sum(map(len, self._lines.values()))

    def add(self, owner: Owner, root: Root) -> None:
        """One more, at the end of its owner's line."""
        self._lines.setdefault(owner, deque()).append(root)

    def turns(self) -> Iterator[tuple[Owner, deque[Root]]]:
        """Return each owner's line, once; who had a turn is the last at the next."""
        for owner in list(self._lines):
            line = self._lines.pop(owner)
            if line:
                self._lines[owner] = line
                yield owner, line
