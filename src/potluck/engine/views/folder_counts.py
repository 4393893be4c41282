"""Folder counts: how many small files there are in a folder of which some are still to come.

Strategy: counted in the index, a bounded number of rows at each look, from where the look before
stopped; what was counted stands as long as the manifest stays at its head. How many lack is asked
anew each time, for that changes while they come. So every face says the same of a folder, also one
that began to look later, or after a restart.

Guarantees: one look at all folders together reads at most so many rows, and nothing is said of a
folder that is not counted to its end. Limits: of a folder of which very many files lack, those that
nothing has been decided about yet are not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from potluck.core.content.facts import Spot
from potluck.core.content.last_words import HeadNumber
from potluck.engine.index.listings import Span
from potluck.engine.node import Node

COUNT_ROWS: Final = 2000  # looked at for one state, of all folders together
LACKING_ROWS: Final = 2000  # the same; both together take 10 ms


class FolderCount(NamedTuple):
    """Small files directly in a folder."""

    lacking: int
    every: int | None  # None: not known yet


@dataclass(slots=True)
class Tally:
    """How far a folder is counted."""

    head: HeadNumber
    files: int = 0
    upto: bytes = b""
    complete: bool = False


class FolderCounts:
    """Counts folders of other owners."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._tallies: dict[Spot, Tally] = {}

    def __repr__(self) -> str:
        """Return how many are counted."""
        return f"<FolderCounts of {len(self._tallies)}>"

    def look(self, waiting: Mapping[Spot, int]) -> dict[Spot, FolderCount]:
        """Return the counts of these folders, of which at least so many files lack."""
        index, left = self._node.index, COUNT_ROWS
        rows = LACKING_ROWS // max(1, len(waiting))
        tallies, found = self._tallies, dict[Spot, FolderCount]()
        self._tallies = {}
        for folder, files in waiting.items():
            lacking = max(files, index.needs.rest(*folder, rows, deep=False).small)
            tally = self._tally(folder, tallies.get(folder))
            if not tally.complete and left:
                left -= self._count(folder, tally, left)
            self._tallies[folder] = tally
            known = tally.complete and tally.files >= lacking
            found[folder] = FolderCount(lacking, tally.files if known else None)
        return found

    def _tally(self, folder: Spot, before: Tally | None) -> Tally:
        """Return how far a folder is counted: as before, while its manifest is as it was."""
        head = self._node.index.manifests.head(folder.manifest)
        number = HeadNumber(head.generation, head.seq) if head is not None else HeadNumber(0, 0)
        return before if before is not None and before.head == number else Tally(number)

    def _count(self, folder: Spot, tally: Tally, rows: int) -> int:
        """Count on, and return at how many rows that looked."""
        prefix = folder.path + b"/" if folder.path else b""
        span = Span.below(prefix, tally.upto)
        part = self._node.index.listings.small_files(folder.manifest, span, len(prefix), rows)
        tally.files, tally.upto = tally.files + part.files, part.upto
        tally.complete = part.rows < rows
        return part.rows
