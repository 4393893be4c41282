"""Head sizes: how large manifests were at their latest heads, so that what came can be told.

Strategy: a device says how much it lacks of a head (KEPT). What is there is the rest, and what came
is by how much that grew, also while the owner goes on from head to head: then what is lacking alone
says nothing, since as much may be added as comes. So the size of each head is noted when it is held
here, the latest of each manifest.

Guarantees: bounded; of two words of one head no size is needed. Limits: nothing came where a size
is not known, because somebody lags far behind or the head was held before this run; what was
deleted in the same step as something came makes it less.
"""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import Head, Holding
from potluck.engine.node import Node

HEADS_SIZED = 100  # of each manifest: ten seconds of an owner that adds files all the time


class HeadSizes:
    """The sizes of the latest heads."""

    def __init__(self, node: Node) -> None:
        """Know what is held now."""
        self._node = node
        self._sizes: dict[ManifestName, dict[tuple[int, int], int]] = {}
        for head in node.index.manifests.heads():
            self.note(head)

    def __repr__(self) -> str:
        """Return of how many manifests sizes are known."""
        return f"<HeadSizes of {len(self._sizes)} manifests>"

    def note(self, head: Head) -> None:
        """A manifest is held at this head now."""
        name = ManifestName.of(head)
        sizes = self._sizes.setdefault(name, {})
        sizes.pop((head.generation, head.seq), None)
        sizes[head.generation, head.seq] = self._node.index.manifests.amount(name).size_bytes
        if len(sizes) > HEADS_SIZED:
            del sizes[next(iter(sizes))]

    def came_bytes(self, before: Holding, now: Holding) -> int:
        """Return how much came between two words of one device about one manifest."""
        less_bytes = before.missing_bytes - now.missing_bytes
        if _state(before) == _state(now):
            return max(less_bytes, 0)
        sizes = self._sizes.get(ManifestName.of(now), {})
        size_before, size_now = sizes.get(_state(before)), sizes.get(_state(now))
        if size_before is None or size_now is None:
            return 0
        return max(size_now - size_before + less_bytes, 0)


def _state(holding: Holding) -> tuple[int, int]:
    """Return of which head of its manifest a holding speaks."""
    return holding.generation, holding.seq
