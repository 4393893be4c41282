"""Unwanted paths: what a person removed here of somebody else's folder, and does not want back.

Strategy: one row for each path, beside the patterns of `skip` (skip_list.py): a need that is in it
is marked as skipped (needs.py). A path leaves it when a person wants it after all, when something
stands there again, and when its owner shares nothing there any more.

Guarantees: an unwanted path is shared by its owner and nothing is known to stand there, whenever a
transaction is over. It is the path that is unwanted, so another version of the file is, too, and
what its owner puts into an unwanted folder is not: each path counts for itself. Limits: with the
index it is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from potluck.core.content.facts import ManifestName
from potluck.engine.index.database import Database
from potluck.engine.index.listings import Span
from potluck.engine.index.names import Named, Names

_UNTRUE: Final = (
    "(EXISTS (SELECT 1 FROM place AS p WHERE p.manifest = u.manifest AND p.path = u.path)"
    " OR NOT EXISTS (SELECT 1 FROM record AS r WHERE r.manifest = u.manifest AND r.path = u.path))"
)
_AT_OR_BELOW: Final = "manifest = ? AND (path = ? OR (path >= ? AND path < ?))"


class UnwantedPaths:
    """Which paths of received manifests were removed here."""

    def __init__(self, database: Database, names: Names) -> None:
        """Keep them in this database."""
        self._database, self._names = database, names
        self._numbers: set[int] | None = None  # of the manifests that have any

    def __repr__(self) -> str:
        """Return of how many manifests something is unwanted."""
        return f"<UnwantedPaths: of {len(self._of())} manifests>"

    # -- what a person says ------------------------------------------------------------------------
    def add(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """A person removed these: whoever says so then has their places removed."""
        number = self._names.make(name).number
        rows = [(number, path) for path in paths]
        self._database.run_many("INSERT OR IGNORE INTO unwanted VALUES (?, ?)", rows)
        self._numbers = None

    def want(self, name: ManifestName, path: bytes) -> int:
        """A path, and all below it, is wanted after all (b"": everything); return how many were.

        Whoever says so has the needs judged anew.
        """
        number, below = self._names.make(name).number, Span.below(path + b"/" if path else b"")
        values = (number, path, *below)
        sql = f"DELETE FROM unwanted WHERE {_AT_OR_BELOW} RETURNING path"
        self._numbers = None
        return len(self._database.rows(sql, values))

    def want_these(self, name: ManifestName, paths: Iterable[bytes]) -> int:
        """Just these are wanted after all; return how many of them were not."""
        number, count = self._names.make(name).number, 0
        for path in paths:
            sql = "DELETE FROM unwanted WHERE manifest = ? AND path = ? RETURNING path"
            count += len(self._database.rows(sql, (number, path)))
        self._numbers = None
        return count

    # -- what is known -----------------------------------------------------------------------------
    def has(self, name: ManifestName, path: bytes) -> bool:
        """Say whether a path was removed here."""
        named = self._names.find(name)
        if named is None or named.number not in self._of():
            return False
        return bool(self.among(named, [path]))

    def has_any(self, named: Named) -> bool:
        """Say whether anything of a manifest is unwanted."""
        return named.number in self._of()

    def among(self, named: Named, paths: Iterable[bytes]) -> set[bytes]:
        """Return which of these paths of a manifest are unwanted."""
        if named.number not in self._of():
            return set()
        sql = "SELECT 1 FROM unwanted WHERE manifest = ? AND path = ?"
        return {path for path in paths if self._database.row(sql, (named.number, path))}

    def first(self, name: ManifestName, limit: int) -> list[bytes]:
        """Return the first unwanted paths of a manifest; below 0: all."""
        named = self._names.find(name)
        if named is None:
            return []
        sql = "SELECT path FROM unwanted WHERE manifest = ? ORDER BY path LIMIT ?"
        return [path for (path,) in self._database.rows(sql, (named.number, limit))]

    # -- what follows from changes -----------------------------------------------------------------
    def on_places(self, named: Named, paths: Iterable[bytes]) -> None:
        """Something else, or nothing, stands at these paths."""
        if named.number in self._of():
            sql = f"DELETE FROM unwanted AS u WHERE manifest = ? AND path = ? AND {_UNTRUE}"
            self._database.run_many(sql, [(named.number, path) for path in paths])
            self._numbers = None

    def on_records(self, named: Named) -> None:
        """The records of a manifest changed."""
        if named.number in self._of():
            sql = f"DELETE FROM unwanted AS u WHERE manifest = ? AND {_UNTRUE}"
            self._database.run(sql, (named.number,))
            self._numbers = None

    def forget_memory(self) -> None:
        """Read it again: the transaction was rolled back."""
        self._numbers = None

    def _of(self) -> set[int]:
        if self._numbers is None:
            rows = self._database.rows("SELECT DISTINCT manifest FROM unwanted")
            self._numbers = {number for (number,) in rows}
        return self._numbers
