"""Shared files as faces see them: which there are, and which of them stand here.

Strategy: records are read by path, those whose path begins as asked. Guarantees: nothing is
changed. Limits: listings are bounded, for an owner may claim any number.
"""

from __future__ import annotations

from potluck.core.content.facts import ManifestName, PlaceRow
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.node import Node
from potluck.engine.views.values import FileView

FILES_MAX = 10_000  # of one listing: a face that wants more asks for a folder


class SharedFiles:
    """Looks at the manifests held here, and at what stands of them."""

    def __init__(self, node: Node) -> None:
        """Look at these."""
        self._node = node

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


def _stands(record: FileRecord, row: PlaceRow | None) -> bool:
    """Say whether what a record names stands on this disk."""
    if row is None or row.kind is not record.kind:
        return False
    return record.kind is Kind.FOLDER or row.root == record.root
