"""Unsettled batches: what a crash interrupted, until somebody looked what it left on the disk.

Strategy: each is looked at once. Who should look may answer that the share is not there: then it is
asked for again when it is.

Guarantees: what nobody has looked at stays unsettled, and nothing is believed of it. Limits: what
is made of an answer, and the intents in the index, are for engine/others/commits.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from potluck.engine.effects import PlaceItem, Settle
from potluck.engine.events import BatchId, BatchSettled
from potluck.engine.node import Node


class Unsettled:
    """The batches of an earlier run, and what they were to place."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._batches: Mapping[BatchId, tuple[PlaceItem, ...]] = {}
        self._unlooked: set[BatchId] = set()  # the share was not there

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Unsettled {len(self._batches)} batches, {len(self._unlooked)} not looked at>"

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._batches)

    def start(self, batches: Mapping[BatchId, tuple[PlaceItem, ...]]) -> None:
        """It is these; have them looked at."""
        self._batches = dict(batches)
        self._look(batches)

    @property
    def waits(self) -> bool:
        """Whether some are to be looked at now: the share is back."""
        return bool(self._unlooked) and self._node.share_present

    def look_again(self) -> None:
        """Have those looked at that wait for it."""
        if self.waits:
            self._look(sorted(self._unlooked))

    def settle(self, event: BatchSettled) -> tuple[PlaceItem, ...] | None:
        """Return what a batch was to place, which is settled now; None if nobody looked."""
        if not event.looked and event.batch in self._batches:
            self._unlooked.add(event.batch)
            return None
        items = self._batches.get(event.batch, ())
        self._batches = {one: of for one, of in self._batches.items() if one != event.batch}
        return items

    def _look(self, batches: Collection[BatchId]) -> None:
        self._unlooked.clear()
        self._node.do(*(Settle(batch, self._batches[batch]) for batch in batches))
