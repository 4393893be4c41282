"""Wanted folders: how many small files each folder still waits for, for one line on a screen.

Strategy: counted up when a spot begins to wait for a small content and down when it does not any
more, so that a screen costs nothing while 100,000 files come. Guarantees: a folder without a
waiting file is forgotten. Limits: large files stand on lines of their own and do not count here.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.facts import Spot
from potluck.core.wire.catalogue import FileRecord


class WantedFolders:
    """Small files that are waited for, by the folder they stand in."""

    def __init__(self) -> None:
        """Wait for none."""
        self.folders: dict[Spot, dict[Spot, int]] = {}  # spot -> bytes; the path of a top is empty

    def __repr__(self) -> str:
        """Return how many folders wait."""
        return f"<WantedFolders: {len(self.folders)}>"

    def add(self, spot: Spot, record: FileRecord) -> None:
        """A spot waits for what its record says."""
        if record.size <= limits.PIECE_MIN_BYTES:
            self.folders.setdefault(folder_of(spot), {})[spot] = record.size

    def remove(self, spot: Spot) -> None:
        """It waits for nothing more."""
        folder = folder_of(spot)
        waiting = self.folders.get(folder, {})
        waiting.pop(spot, None)
        if not waiting:
            self.folders.pop(folder, None)


def folder_of(spot: Spot) -> Spot:
    """Return the folder a spot stands in; the path of the owner's own top is empty."""
    return Spot(spot.manifest, spot.path.rpartition(b"/")[0])
