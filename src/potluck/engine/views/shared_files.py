"""Shared files as faces see them: how many there are, who lacks how many, and which.

Strategy: sums come from counts that the index keeps up to date, and from what other devices say
they keep (KEPT); only a listing reads records. Guarantees: nothing is changed; who said nothing yet
lacks everything. Limits: listings and sums are bounded, for an owner may claim any size and any
number.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.node import Node
from potluck.engine.views.values import FileView

FILES_MAX = 10_000  # of one listing: a face that wants more asks for a folder
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

    def listing(self, prefix: str, limit: int = FILES_MAX) -> list[FileView]:
        """Return the files of the share whose path below Shared/ starts with `prefix`."""
        node, found = self._node, list[FileView]()
        for head in node.index.manifests.heads():
            name = ManifestName.of(head)
            label = node.label_of(name.owner)
            if not (label.startswith(prefix) or prefix.startswith(label + "/")):
                continue
            inner, left = prefix[len(label) + 1 :].encode(errors="replace"), limit - len(found)
            for record in node.index.manifests.listing(name, inner, left):
                here = _stands(record, node.index.places.get(name, record.path))
                path, root = f"{label}/{record.path.decode()}", record.root.hex()
                found.append(FileView(path, record.kind.value, record.size, label, here, root))
        return found

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


def _stands(record: FileRecord, row: PlaceRow | None) -> bool:
    """Say whether what a record names stands on this disk."""
    if row is None or row.kind is not record.kind:
        return False
    return record.kind is Kind.FOLDER or row.root == record.root
