"""Free paths: under which path a file that is shared again comes, so that nothing is in its way.

Strategy: core/content/merging.py says what becomes of one path; here it gets its facts, from what
stands in the own folder, what is shared there and what was given away in the same go. What cannot
come to its own path goes beside it, with words that say what it is.

Guarantees: no path is given that anything has. Limits: one file at a time, folders first.
"""

from __future__ import annotations

from collections.abc import Mapping

from potluck.core.content.facts import PlaceRow
from potluck.core.content.merging import Merge, beside, merge
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.own.publishing import Publishing

Given = Mapping[bytes, FileRecord]
"""What was given a path already, by that path."""


class FreePaths:
    """Finds paths in the own folder."""

    def __init__(self, publishing: Publishing) -> None:
        """Ask what stands, and what is shared."""
        self._publishing = publishing

    def __repr__(self) -> str:
        return f"<FreePaths of {self._publishing!r}>"

    def path_for(self, record: FileRecord, words: str, given: Given) -> bytes | None:
        """Return where a record can be shared again; None: it is there already."""
        path, depth = record.path, self._blocked_at(record.path)
        what, number = merge(record, self._at(path, given), blocked=depth is not None), 1
        while what is Merge.BESIDE:
            at = depth if depth is not None else record.path.count(b"/")
            path = beside(record.path, at, words if number == 1 else f"{words} {number}")
            what, number = merge(record, self._at(path, given), blocked=False), number + 1
        return path if what is Merge.BACK else None

    def _at(self, path: bytes, given: Given) -> PlaceRow | FileRecord | None:
        """Return what has a path: what is shared again there, stands there, or is held there."""
        there = given.get(path) or self._publishing.stands(path)
        return there if there is not None else self._publishing.record(path)

    def _blocked_at(self, path: bytes) -> int | None:
        """Return at which part of a path a file stands where a folder must be; None: nowhere."""
        parts = path.split(b"/")
        for depth in range(len(parts) - 1):
            stands = self._publishing.stands(b"/".join(parts[: depth + 1]))
            if stands is not None and stands.kind is not Kind.FOLDER:
                return depth
        return None
