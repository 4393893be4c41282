"""Shared files as faces see them: how many there are, and who lacks how many.

Strategy: sums come from counts that the index keeps up to date, and from what other devices say
they keep (KEPT); only a listing reads records (listing.py). Guarantees: nothing is changed; who
said nothing yet lacks everything. Limits: sums are bounded, for an owner may claim any size.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.keys.identity import DeviceId
from potluck.engine.node import Node

Amount = tuple[int, int]
"""Files, and their bytes."""


class SharedFiles:
    """Looks at the manifests held here, and at what stands of them."""

    def __init__(self, node: Node) -> None:
        """Look at these."""
        self._node = node

    def whole(self) -> dict[ManifestName, Amount]:
        """Return of each manifest held completely how many files it has, and their bytes."""
        manifests = self._node.index.manifests
        names = map(ManifestName.of, manifests.heads())
        return {name: (manifests.count(name), manifests.total_bytes(name)) for name in names}

    def lacking(self, device: DeviceId, whole: dict[ManifestName, Amount]) -> Amount:
        """Return how many of these files a device lacks, and their bytes."""
        others = [(name, every) for name, every in whole.items() if name.owner != device]
        lacking = [self._lacking(device, name, every) for name, every in others]
        return sum(files for files, _ in lacking), bounded_sum(size for _, size in lacking)

    def _lacking(self, device: DeviceId, name: ManifestName, every: Amount) -> Amount:
        """Return what a device lacks of one folder; all of it unless it says otherwise."""
        if device == self._node.me:
            return self._node.index.needs.missing(name)
        peer = self._node.peers.get(device)
        kept = peer.kept.get(name) if peer is not None else None
        if kept is None:
            return every
        return min(kept.missing_files, every[0]), min(kept.missing_bytes, every[1])


def bounded_sum(sizes: Iterable[int]) -> int:
    """Return a sum of sizes as JSON can hold it: owners may claim any."""
    return min(sum(sizes), limits.SEQ_MAX)
