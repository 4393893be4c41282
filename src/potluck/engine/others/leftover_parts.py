"""Leftover parts: part files of an earlier run that nobody wants so far.

Strategy: kept by content until somebody wants it, and then handed out once; when everything that is
lacking is known, what is left is deleted. Guarantees: each is handed out or dropped, never both.
Limits: that a part fits what is wanted is for whoever takes it to check.
"""

from __future__ import annotations

from potluck.core.content.pieces import Root
from potluck.engine.effects import DropParts
from potluck.engine.events import PartFound
from potluck.engine.node import Node


class LeftoverParts:
    """Part files of an earlier run that nobody wants so far."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._found: dict[Root, PartFound] = {}

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<LeftoverParts: {len(self._found)}>"

    def add(self, part: PartFound) -> None:
        """One was found."""
        self._found[part.pieces.root] = part

    def take(self, root: Root) -> PartFound | None:
        """Return, and forget, the one of a content that is wanted now."""
        return self._found.pop(root, None)

    def drop(self) -> None:
        """Everything that is lacking is known: what nobody wants is not needed."""
        if self._found:
            self._node.do(DropParts(tuple(self._found)))
            self._found.clear()
