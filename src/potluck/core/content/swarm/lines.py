"""Lines: what waits to be asked for, one line for each owner, so that owners take turns.

Strategy: what an owner's folder lacks stands in a line of its own, in the order it was wanted.
Owners take turns at the slots; who is the next, and how many one may have, is for under_way.py.

Guarantees: pure; each line keeps its order, whatever becomes of the others. Limits: a content that
several owners share counts as that of the one in whose folder it was wanted first.
"""

from __future__ import annotations

from collections import deque

from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId

Owner = DeviceId | None
"""Whose folder; None: it is not known."""


class WaitingLines:
    """Contents in line."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lines: dict[Owner, deque[Root]] = {}

    def __repr__(self) -> str:
        return f"<WaitingLines: {len(self)} of {len(self._lines)} owners>"

    def __len__(self) -> int:
        """Return how many are in line, also such as need not be any more."""
        return sum(map(len, self._lines.values()))

    def add(self, owner: Owner, root: Root) -> None:
        """One more, at the end of its owner's line."""
        self._lines.setdefault(owner, deque()).append(root)

    def owners(self) -> list[Owner]:
        """Return whose lines are not empty; empty ones are let go."""
        self._lines = {owner: line for owner, line in self._lines.items() if line}
        return list(self._lines)

    def of(self, owner: Owner) -> deque[Root]:
        """Return one of these lines, to be taken from."""
        return self._lines[owner]
