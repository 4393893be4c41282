"""A scrub walk: which of the files that stand here is read again next.

Strategy: folder after folder, each by path, from where the last step ended; what is noted between
two steps is one spot. Guarantees: a step looks at a bounded number of rows; a file is passed only
if it is not the one its owner shares just now, for then nobody knows what it should be. Limits:
what comes to stand before the place where the walk is waits for the next one.
"""

from __future__ import annotations

from typing import NamedTuple

from potluck.core.content.facts import ManifestName, PlaceRow, Spot
from potluck.engine.node import Node
from potluck.engine.views.asked_path import AskedPath

WALK_ROWS_MAX = 1000  # looked at in one step: a few milliseconds


class StandingCopy(NamedTuple):
    """A file that stands here and is to be read."""

    spot: Spot
    row: PlaceRow  # as the index has it
    piece_size: int


class ScrubWalk:
    """One walk over all that stands here, or what is below a path."""

    def __init__(self, node: Node, meant: AskedPath, after: Spot | None = None) -> None:
        """Begin after a spot; None: at the beginning."""
        self._node, self._meant = node, meant
        self.after = after
        self.ended = False

    def __repr__(self) -> str:
        """Return where it is."""
        return f"<ScrubWalk of {self._meant.text or 'everything'}, ended={self.ended}>"

    def step(self, most: int) -> list[StandingCopy]:
        """Return the next files, perhaps none; `ended` says that there are no more."""
        found, left = list[StandingCopy](), WALK_ROWS_MAX
        for name in self._folders():
            begun = self.after is not None and self.after.manifest == name
            path = self.after.path if self.after is not None and begun else b""
            for row in self._node.index.places.files_after(name, path, left):
                self.after, left = Spot(name, row.path), left - 1
                found += self._copy_of(self.after, row)
                if len(found) == most:
                    return found
            if left <= 0:
                return found
        self.ended = True
        return found

    def go_back(self, last: Spot) -> None:
        """Only the files up to this one are taken of the last step."""
        self.after, self.ended = last, False

    def _folders(self) -> list[ManifestName]:
        """Return the folders that are not passed yet."""
        index, layout = self._node.index, self._node.layout
        names = sorted(map(ManifestName.of, index.manifests.heads()))
        at = self.after.manifest if self.after is not None else None
        return [
            name
            for name in names
            if layout.has_folder(name) and self._meant.has(name) and (at is None or name >= at)
        ]

    def _copy_of(self, spot: Spot, row: PlaceRow) -> list[StandingCopy]:
        """Return a file if it is meant, and is what its owner shares."""
        record = self._node.index.manifests.get(*spot) if self._meant.holds(spot) else None
        if record is None or record.root != row.root:
            return []
        return [StandingCopy(spot, row, record.piece_size)]
