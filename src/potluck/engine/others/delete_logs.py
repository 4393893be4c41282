"""Delete logs: what is remembered of paths that ended, no more of one owner than a home deletes.

Strategy: changes are handed on by number, deletes too, and the index keeps those of every owner
(engine/index/manifests.py). What an owner deletes is its own choice, so its log is counted, once
from the index and then with every stream of pages; where it is too long it is forgotten up to the
head that is held. Who is further back asks for the whole manifest then, as after any log that is
too short.

Guarantees: no log is longer than its quota when a stream was applied. Limits: all or nothing; what
one device forgets others may still know.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import Head
from potluck.engine.index.manifests import Manifests
from potluck.engine.others.page_budget import PageBudget


class DeleteLogs:
    """How long the delete logs of others are."""

    def __init__(self, manifests: Manifests) -> None:
        """Count nothing yet."""
        self._manifests = manifests
        self._known: dict[ManifestName, tuple[int, int]] = {}  # paths, and their bytes; at most

    def __repr__(self) -> str:
        """Return how many were counted."""
        return f"<DeleteLogs: {len(self._known)} counted>"

    def on_applied(self, head: Head, budget: PageBudget) -> None:
        """A stream of pages counts now, and so do the deletes in it."""
        name = ManifestName.of(head)
        if not budget.ended:
            return
        before = self._known.get(name)
        if before is None:  # they are in there by now
            lengths = self._manifests.path_lengths(name)
            paths, path_bytes = lengths.ended, lengths.ended_bytes
        else:
            paths, path_bytes = before[0] + budget.ended, before[1] + budget.ended_bytes
        if paths > limits.OWNER_DELETED or path_bytes > limits.OWNER_DELETED_BYTES:
            self._manifests.raise_floor(name, head.seq)
            paths = path_bytes = 0
        self._known[name] = paths, path_bytes

    def on_whole(self, head: Head) -> None:
        """A whole manifest counts now: what ended before was never all known."""
        self._manifests.raise_floor(ManifestName.of(head), head.seq)
        self._known[ManifestName.of(head)] = 0, 0
