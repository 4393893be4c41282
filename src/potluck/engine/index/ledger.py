"""What single records add to a manifest as a whole: its root, its count, its total size.

Strategy: before records change, their old lines are taken; afterwards old and new lines are
accounted for. So root and totals cost as much as the change, never as much as the manifest.

Guarantee: after `account` root and totals are those of the live records, if `before` was read in
the same transaction.
"""

from __future__ import annotations

from typing import Any, Final

from potluck.engine.index.buckets import Buckets, Edits
from potluck.engine.index.database import Database
from potluck.engine.index.names import Named, Names

Line = tuple[Any, Any, Any]
"""What one record adds: digest (bytes, None for no record), size (int), whether it is a folder."""
Lines = dict[bytes, Line]
"""By path."""

_NO_LINE: Line = (None, 0, 0)
# paths in one query: one statement to compile, far below SQLite's limit of variables
_ASKED_AT_ONCE = 256
_ONE: Final = "SELECT path, digest, size, is_folder FROM record WHERE manifest = ? AND path = ?"
_MANY: Final = (
    "SELECT path, digest, size, is_folder FROM record WHERE manifest = ?"
    f" AND path IN ({', '.join('?' * _ASKED_AT_ONCE)})"
)


class Ledger:
    """Lines of live records, and the sums over them."""

    def __init__(self, database: Database, names: Names, buckets: Buckets) -> None:
        """Keep the sums of the manifests in this database."""
        self._database = database
        self._names = names
        self._buckets = buckets

    def lines(self, named: Named, paths: list[bytes]) -> Lines:
        """Return the lines of those paths that are live, in the order of `paths`."""
        if not named.count:
            return {}
        found: Lines = {}
        for at in range(0, len(paths), _ASKED_AT_ONCE):
            some = paths[at : at + _ASKED_AT_ONCE]
            # no path is empty
            blanks = [b""] * (_ASKED_AT_ONCE - len(some) if len(some) > 1 else 0)
            rows = self._database.rows(
                _ONE if len(some) == 1 else _MANY, (named.number, *some, *blanks)
            )
            found |= {row[0]: row[1:] for row in rows}
        return {path: found[path] for path in paths if path in found}

    def account(self, named: Named, before: Lines, after: Lines) -> None:
        """Bring root and totals up to date after paths changed from one line to another."""
        edits = Edits()
        for path in before.keys() | after.keys():
            edits.note(path, before.get(path, _NO_LINE)[0], after.get(path, _NO_LINE)[0])
        self._buckets.write(named.number, self._buckets.preview(named.number, edits))
        count = named.count + len(after) - len(before)
        folders = named.folders + _folders(after) - _folders(before)
        total_bytes = named.total_bytes + _size_bytes(after) - _size_bytes(before)
        self._names.set_totals(named, count, folders, total_bytes)


def _folders(lines: Lines) -> int:
    return sum(is_folder for _, _, is_folder in lines.values())


def _size_bytes(lines: Lines) -> int:
    return sum(size for _, size, _ in lines.values())
