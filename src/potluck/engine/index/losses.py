"""Losses: files that stand on this disk and that their owner does not want there any more.

Strategy: asked for the paths that a head changed, so a question costs what the change is long. A
content that its owner shares under another path lives on: it stands there already, or is lacking
there, so two tables that have an index are looked into; only for very many losses all records of
that manifest are, once.

Guarantees: a path is a loss exactly if a file stands there and the record is of another content, of
a folder, or missing; by which change is told if the delete log has it. A content lives on only
under a record that has its size, too, and the size of its pieces: any other says of a content what
nobody can fetch. Limits: where much is lacking, all
that is lacking is looked through once for each question that finds a loss. Empty files have no
content that could live on: as many as are lacking count as renamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from potluck.core.content.facts import ManifestName
from potluck.core.content.loss_window import Loss
from potluck.core.content.pieces import piece_size_for
from potluck.engine.index.database import Database
from potluck.engine.index.names import Names

_AT_ONCE: Final = 256  # paths in one question
_AMONG: Final = (
    "SELECT p.path, p.size, p.root, r.path IS NOT NULL, ifnull(r.seq, ifnull(d.seq, 0))"
    " FROM place AS p LEFT JOIN record AS r ON r.manifest = p.manifest AND r.path = p.path"
    " LEFT JOIN deleted AS d ON d.manifest = p.manifest AND d.path = p.path"
    " WHERE p.manifest = ? AND p.path IN ({}) AND p.is_folder = 0 AND p.root IS NOT r.root"
    " ORDER BY p.path"
)
_STANDS: Final = (
    "SELECT 1 FROM place AS p JOIN record AS r ON r.manifest = p.manifest AND r.path = p.path"
    " AND r.root = p.root AND r.size = p.size"
    " WHERE substr(p.root, 1, 8) = ? AND p.root = ? AND p.size > 0 AND p.size = ?"
    " AND +p.manifest = ? LIMIT 1"
)
_WANTED: Final = "SELECT r.root, r.size, r.piece_size, c.piece_size FROM {}"
_LACKING: Final = _WANTED.format(
    # what lacks is walked, and never the whole manifest
    "need AS n CROSS JOIN record AS r ON r.manifest = n.manifest AND r.path = n.path"
    " LEFT JOIN content AS c ON c.root = r.root WHERE n.manifest = ? AND r.is_folder = 0"
)
_EVERY: Final = _WANTED.format(
    "record AS r LEFT JOIN content AS c ON c.root = r.root"
    " WHERE r.manifest = ? AND r.is_folder = 0 AND r.size > 0"
)


class Losses:
    """What stands and is not wanted as it is."""

    def __init__(self, database: Database, names: Names) -> None:
        """Look into this database."""
        self._database = database
        self._names = names

    def __repr__(self) -> str:
        """Return where is looked."""
        return f"<Losses in {self._database.path}>"

    def among(self, name: ManifestName, paths: Iterable[bytes]) -> list[Loss]:
        """Return the losses at these paths of a folder, by path."""
        named = self._names.find(name)
        if named is None:
            return []
        found = list[Loss]()
        for some in _slices(sorted(set(paths))):
            sql = _AMONG.format(", ".join("?" * len(some)))
            rows = self._database.rows(sql, (named.number, *some))
            for path, size, root, wanted, change in rows:
                found.append(Loss(path, size, root, bool(wanted), change))
        return found

    def living_on(self, name: ManifestName, losses: Sequence[Loss]) -> set[bytes]:
        """Return the paths of those whose content their owner shares under another one."""
        named = self._names.find(name)
        if named is None or not losses:
            return set()
        lacking, many = self._wanted(_LACKING, named.number), len(losses) > _AT_ONCE
        wanted = set(self._wanted(_EVERY, named.number) if many else lacking)
        found = {each.path for each in losses if each.size and (each.root, each.size) in wanted}
        empty = [each.path for each in losses if not each.size]
        found.update(empty[: sum(not size for _, size in lacking)])
        for each in () if many else losses:
            if each.size and each.path not in found:
                values = (each.root[:8], each.root, each.size, named.number)
                if self._database.row(_STANDS, values) is not None:
                    found.add(each.path)
        return found

    def _wanted(self, sql: str, number: int) -> list[tuple[bytes, int]]:
        """Return root and size of those records that tell nothing impossible."""
        return [
            (root, size)
            for root, size, piece_size, known in self._database.rows(sql, (number,))
            if piece_size == (known or piece_size_for(size))
        ]


def _slices(paths: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for at in range(0, len(paths), _AT_ONCE):
        yield paths[at : at + _AT_ONCE]
