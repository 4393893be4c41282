"""Unread files: own files that are shared, and of which something newer may stand here.

Strategy: a file that is being read, waits to be read once more, or is being written is shared as it
was before that. So it is not known to be here as it is shared, and the same is true of the folders
that it is in. Guarantees: a file that was never shared makes nothing uncertain. Limits: while very
many files are in hand nothing is looked up: then each own folder counts as one with such files in
it, and of files those that are in hand.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from potluck.core.content.paths import SafePath
from potluck.engine.views.asked_path import AskedPath
from potluck.engine.views.reasons import WhyParts

LOOKED_UP: Final = 1_000  # files in hand that are looked up: 20 ms
MAYBE_NEWER: Final = "it is being written, or about to be read, and shared as it was before"
"""What a person reads of such a file."""
MAYBE_NEWER_IN_IT: Final = "files in it are being written, or about to be read"


@dataclass(frozen=True, slots=True)
class UnreadPaths:
    """Which own paths something newer may stand at, or in."""

    parts: WhyParts
    known: Collection[str] = ()  # paths below Shared/, of files and of folders that they are in
    every: bool = False  # there are too many to be known

    def has(self, asked: AskedPath, *, is_file: bool) -> bool:
        """Say whether a path is one of these."""
        node, own = self.parts.node, self.parts.own_folder
        if not self.every or asked.name != node.own_manifest:
            return asked.text in self.known
        if not is_file or asked.spot is None:
            return True
        path = node.layout.path_of(asked.spot)
        return own.reading.has(path) or path in own.written


def unread_paths(parts: WhyParts) -> UnreadPaths:
    """Return the paths of such files, and of the folders that they are in."""
    node, own = parts.node, parts.own_folder
    if len(own.reading) > LOOKED_UP:
        return UnreadPaths(parts, every=True)
    in_hand = list(dict.fromkeys((*own.reading.paths, *own.written)))
    found = set[str]()
    for path in in_hand:
        spot, above = node.layout.spot_at(path), list[SafePath]()
        if spot is not None and spot.manifest == node.own_manifest:
            above = [path] * (node.index.manifests.get(*spot) is not None)
        while above and (parent := above[-1].parent) is not None:
            above.append(parent)
        found.update(map(str, above))
    return UnreadPaths(parts, found)
