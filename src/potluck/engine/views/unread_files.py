"""Unread files: own files that are shared, and of which something newer may stand here.

Strategy: a file that is being read, waits to be read once more, or is being written is shared as it
was before that. So it is not known to be here as it is shared, and the same is true of the folders
that it is in. Guarantees: a file that was never shared makes nothing uncertain. Limits: of very
many files in hand some are asked about in the index, and any other is taken for one that is shared.
"""

from __future__ import annotations

from typing import Final

from potluck.core.content.paths import SafePath
from potluck.engine.views.reasons import WhyParts

LOOKED_UP: Final = 1_000  # files in hand that are looked up: 20 ms
MAYBE_NEWER: Final = "it is being written, or about to be read, and shared as it was before"
"""What a person reads of such a file."""
MAYBE_NEWER_IN_IT: Final = "files in it are being written, or about to be read"


def unread_paths(parts: WhyParts) -> frozenset[str]:
    """Return the paths below Shared/ of such files, and of the folders that they are in."""
    node, own = parts.node, parts.own_folder
    in_hand = list(dict.fromkeys((*own.reading.paths, *own.written)))
    found = set[str]()
    for number, path in enumerate(in_hand):
        spot = node.layout.spot_at(path)
        name = node.own_manifest
        if spot is None or spot.manifest != name:
            continue
        if number >= LOOKED_UP or node.index.manifests.get(*spot) is not None:
            above: SafePath | None = path
            while above is not None and str(above) not in found:
                found.add(str(above))
                above = above.parent
    return frozenset(found)
