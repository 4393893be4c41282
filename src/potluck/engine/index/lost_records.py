"""Lost records: what the staged pages of a manifest have and the manifest itself has not, and the
files that it has and they have not.

Strategy: a state of the own folder that was lost is staged whole (engine/own/lost_state.py). Most
of it stands in the present manifest too, so the comparison is left to SQL, page by page.

Guarantees: reads only. Limits: it compares kind and content, not times.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.index.database import Database
from potluck.engine.index.names import Names
from potluck.engine.index.rows import RECORD, record_of

_PAGE_ROWS: Final = 1_000
_UNLIKE: Final = (
    f"SELECT {RECORD} FROM staged AS s WHERE manifest = ?1 AND digest IS NOT NULL AND seq > ?2"
    " AND path > ?3 AND NOT EXISTS (SELECT 1 FROM record AS r WHERE r.manifest = ?1"
    " AND r.path = s.path AND r.is_folder = s.is_folder AND r.root = s.root)"
    " ORDER BY path LIMIT ?4"
)
_ENDED: Final = (
    "SELECT count(*) FROM record AS r WHERE manifest = ?1 AND seq <= ?2 AND NOT is_folder"
    " AND EXISTS (SELECT 1 FROM place AS p WHERE p.manifest = ?1 AND p.path = r.path"
    " AND NOT p.is_folder)"
    " AND NOT EXISTS (SELECT 1 FROM staged AS s WHERE s.manifest = ?1 AND s.path = r.path"
    " AND s.digest IS NOT NULL)"
)


class LostRecords:
    """Staged records that the manifest lacks."""

    def __init__(self, database: Database, names: Names) -> None:
        """Look for them in this database."""
        self._database, self._names = database, names

    def count(self, name: ManifestName) -> int:
        """Return how many records are staged of a manifest."""
        sql = "SELECT count(*) FROM staged WHERE manifest = ? AND digest IS NOT NULL"
        ((count,),) = self._database.rows(sql, (self._names.make(name).number,))
        return int(count)

    def ended(self, name: ManifestName, seq: int) -> int:
        """Count the files of the manifest up to a change number that stand here, and at whose paths
        nothing is staged.
        """
        ((count,),) = self._database.rows(_ENDED, (self._names.make(name).number, seq))
        return int(count)

    def since(self, name: ManifestName, seq: int) -> Iterator[FileRecord]:
        """Return those after a change number, by path: the manifest has nothing at that path, or
        another kind or content.
        """
        number, after = self._names.make(name).number, b""
        while rows := self._database.rows(_UNLIKE, (number, seq, after, _PAGE_ROWS)):
            yield from map(record_of, rows)
            after = rows[-1][0]
