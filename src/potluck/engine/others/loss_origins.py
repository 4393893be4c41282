"""Loss origins: by which change of its owner a file was lost, as far as that is known here.

Strategy: a change has a number, and within one generation of an owner's folder numbers only grow,
over its restarts, too. A new generation may bring the changes of another life of its owner under
numbers that were used already. So a change number counts if it is above the first head of its
generation that was held here; of any other loss the head with which it was seen says the number,
which is never too early (core/content/loss_confirms.py). Where a whole list came instead of changes
it says nothing of what it lacks: that may have been shared again meanwhile, and ended once more.
Where the list goes back to an earlier head, since its owner was removed (frozen_heads.py), what is
lost was lost by no change of the owner, and nobody's word is about it.

Guarantees: what is said is the number of the change or a later one. Limits: what was held before
this run is known by its last head only, and that a list went back is known in this run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from potluck.core.content.facts import ManifestName
from potluck.core.content.loss_confirms import LossOrigin
from potluck.core.content.loss_window import Loss
from potluck.core.content.manifest import run_end
from potluck.core.wire.catalogue import Head
from potluck.engine.index import Index


class LossOrigins:
    """The first head of the generation that is held, of every owner."""

    def __init__(self, index: Index) -> None:
        """Begin where the index is."""
        self._index = index
        self._firsts: dict[ManifestName, tuple[int, int]] = {}  # its generation and number
        self._lasts: dict[ManifestName, tuple[int, int]] = {}  # … and those of the one held now
        self._back: set[ManifestName] = set()  # whose list went back to that
        self._read()

    def __repr__(self) -> str:
        """Return of how many owners."""
        return f"<LossOrigins of {len(self._firsts)} folders>"

    def on_head(self, head: Head) -> None:
        """A manifest is held up to a new head."""
        if self._read_at != self._index.meta.undone:
            self._read()
        name, number = ManifestName.of(head), (head.generation, head.seq)
        known = self._firsts.get(name)
        if known is None or known[0] != head.generation:
            self._firsts[name] = number
        if number < self._lasts.get(name, number):
            self._back.add(name)
        elif number > self._lasts.get(name, number):
            self._back.discard(name)
        self._lasts[name] = number

    def of(self, head: Head, losses: Iterable[Loss]) -> dict[bytes, LossOrigin]:
        """Return since when these are lost that were seen with this head, by their paths."""
        if ManifestName.of(head) in self._back:
            return {}
        first = self._firsts.get(ManifestName.of(head), (head.generation, head.seq))[1]
        seen = run_end(head)
        return {
            loss.path: LossOrigin(seen, loss.change if loss.change > first else head.seq)
            for loss in losses
        }

    def renewed(
        self, head: Head, held: Collection[bytes], told: Iterable[bytes]
    ) -> dict[bytes, LossOrigin]:
        """Return since when those are lost that are held, and of which a whole list told nothing.

        Of changes as they came there are none: who ended a path once more told it.
        """
        name = ManifestName.of(head)
        if not held or name in self._back or self._index.manifests.floor(name) < head.seq:
            return {}
        return dict.fromkeys(set(held).difference(told), LossOrigin(run_end(head), head.seq))

    def _read(self) -> None:
        """What is in memory may be of heads that were taken back."""
        self._read_at = self._index.meta.undone
        heads = self._index.manifests.heads()
        self._firsts = {ManifestName.of(head): (head.generation, head.seq) for head in heads}
        self._lasts = dict(self._firsts)
        self._back.clear()
