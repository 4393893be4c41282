"""What somebody else's folders still lack on this disk: the difference between records and places.

Strategy: the difference is a table of its own, brought up to date for exactly the paths whose
record or place changed, so neither a start nor a second of a status line ever joins 100,000 rows.
Only received manifests have needs; in the own folder the disk is right by definition. A need that
a person does not want here (skip_list.py, unwanted_paths.py) stays a need, and is marked as
skipped; a folder is not while something that is wanted lacks below it, or something stands there.

Guarantees: a path is in the table exactly if `core.reconcile.decide` would not say NOTHING to it; a
test compares the two. Limits: what stands but is not wanted is no need; `surplus` finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount, ManifestName, PlaceRow
from potluck.core.content.skip_rules import SkipRules
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.index.database import Database, Row
from potluck.engine.index.listings import Span
from potluck.engine.index.names import Named, Names
from potluck.engine.index.rows import PLACE, RECORD, RECORD_WIDTH, place_row_of, prefixed, record_of
from potluck.engine.index.skip_list import SkipList
from potluck.engine.index.unwanted_paths import UnwantedPaths

Lacking = tuple[FileRecord, PlaceRow | None]

_DIFFER: Final = (
    "(p.path IS NULL OR p.is_folder <> r.is_folder OR (r.is_folder = 0 AND"
    " (p.root <> r.root OR p.mtime_ns <> r.mtime_ns OR p.executable <> r.executable)))"
)
_NEED: Final = (  # a file whose content stands already needs no bytes
    "INSERT INTO need"
    " SELECT r.manifest, r.path, CASE WHEN p.root = r.root THEN 0 ELSE r.size END,"
    " r.is_folder, 0"
)
_JOIN_PLACE: Final = "LEFT JOIN place AS p ON p.manifest = r.manifest AND p.path = r.path"
_LACKING: Final = (
    f"SELECT {prefixed(RECORD, 'r')}, {prefixed(PLACE, 'p')} FROM need AS n"
    f" JOIN record AS r ON r.manifest = n.manifest AND r.path = n.path {_JOIN_PLACE}"
    " WHERE n.manifest = ? AND n.path > ? AND n.skipped BETWEEN ? AND ? ORDER BY n.path LIMIT ?"
)
_SEQS: Final = (
    "SELECT r.seq FROM need AS n JOIN record AS r ON r.manifest = n.manifest AND r.path = n.path"
    " WHERE n.manifest = ? LIMIT ?"
)
_SURPLUS: Final = (
    f"SELECT {PLACE} FROM place AS p WHERE p.manifest = ?1 AND NOT EXISTS"
    " (SELECT 1 FROM record AS r WHERE r.manifest = ?1 AND r.path = p.path) ORDER BY p.path DESC"
)
_REFRESH: Final = (
    f"{_NEED} FROM record AS r {_JOIN_PLACE} WHERE r.manifest = ? AND r.path = ? AND {_DIFFER}"
)
_DROP_STAGED: Final = (
    "DELETE FROM need WHERE manifest = ?1 AND path IN (SELECT path FROM staged WHERE manifest = ?1)"
)
_REFRESH_STAGED: Final = (
    f"{_NEED} FROM staged AS s JOIN record AS r ON r.manifest = s.manifest AND r.path = s.path"
    f" {_JOIN_PLACE} WHERE s.manifest = ? AND s.digest IS NOT NULL AND {_DIFFER}"
)
_MARK: Final = (
    "UPDATE need SET skipped = CASE is_folder WHEN 1 THEN ? ELSE ? END"
    " WHERE manifest = ? AND path = ?"
)
_MADE_ALL_THE_SAME: Final = (  # a folder that has something in it, or is to have
    "UPDATE need SET skipped = 0 WHERE manifest = ?1 AND path = ?2 AND skipped AND is_folder AND"
    " (EXISTS (SELECT 1 FROM need AS b WHERE b.manifest = ?1 AND b.path >= ?3 AND b.path < ?4"
    " AND NOT b.skipped) OR EXISTS"
    " (SELECT 1 FROM place AS p WHERE p.manifest = ?1 AND p.path >= ?3 AND p.path < ?4))"
)
_SUMS: Final = (  # total() is a float and cannot overflow, whatever sizes a peer made up
    "SELECT count(*), ifnull(sum(is_folder), 0), total(size), ifnull(sum(skipped), 0),"
    " ifnull(sum(skipped AND is_folder), 0), total(size * skipped) FROM need WHERE manifest = ?"
)
_REST: Final = (
    "SELECT total(NOT is_folder), total(NOT is_folder AND size <= ?) FROM"
    " (SELECT path, size, is_folder FROM need WHERE manifest = ? AND path >= ? AND path < ?"
    " AND NOT skipped LIMIT ?)"
    " WHERE ? OR instr(substr(path, ?), x'2f') = 0"
)


class Rest(NamedTuple):
    """What lacks in a folder, as far as the rows that were looked at tell."""

    files: int
    small: int  # of these, of one piece


class Lack(NamedTuple):
    """How much lacks of a folder."""

    missing: Amount
    skipped: Amount  # of that: not wanted here


class Needs:
    """What is lacking, per manifest."""

    def __init__(
        self, database: Database, names: Names, skip_list: SkipList, unwanted: UnwantedPaths
    ) -> None:
        """Keep it in this database."""
        self._database = database
        self._names, self._skip_list, self._unwanted = names, skip_list, unwanted
        self._missing: dict[int, Lack] = {}

    def __repr__(self) -> str:
        """Return how many counts are in memory."""
        return f"<Needs: {len(self._missing)} counts>"

    def lacking_after(
        self, name: ManifestName, after: bytes, limit: int, *, skipped: bool | None = None
    ) -> list[Lacking]:
        """Return the next `limit` records whose place differs, above path `after`, by path.

        `skipped`: only those that are, or are not; None: all.
        """
        named = self._names.find(name)
        if named is None:
            return []
        least, most = (False, True) if skipped is None else (skipped, skipped)
        rows = self._database.rows(_LACKING, (named.number, after, least, most, limit))
        return [_pair(row) for row in rows]

    def surplus(self, name: ManifestName) -> list[PlaceRow]:
        """Return the places that no record wants, children first."""
        named = self._names.find(name)
        if named is None:
            return []
        return [place_row_of(row) for row in self._database.rows(_SURPLUS, (named.number,))]

    def missing(self, name: ManifestName) -> Amount:
        """Return how much is lacking, skipped or not, in bytes as far as a message can say."""
        return self._lack(name).missing

    def skipped(self, name: ManifestName) -> Amount:
        """Return how much of what is lacking is not wanted here."""
        return self._lack(name).skipped

    def seqs(self, name: ManifestName, limit: int) -> list[int]:
        """Return the numbers of the changes of what is lacking, `limit` at most, in no order."""
        named = self._names.find(name)
        if named is None:
            return []
        return [int(seq) for (seq,) in self._database.rows(_SEQS, (named.number, limit))]

    def skips_any(self, name: ManifestName, path: bytes) -> bool:
        """Say whether anything lacks at a path, or below it, that is not wanted here."""
        named = self._names.find(name)
        if named is None:
            return False
        sql = (
            "SELECT 1 FROM need WHERE manifest = ? AND skipped"
            " AND (path = ? OR (path >= ? AND path < ?)) LIMIT 1"
        )
        below = Span.below(path + b"/" if path else b"")
        return self._database.row(sql, (named.number, path, *below)) is not None

    def is_skipped(self, name: ManifestName, path: bytes) -> bool | None:
        """Say whether what lacks at a path is not wanted here; None: nothing lacks there."""
        named = self._names.find(name)
        if named is None:
            return None
        sql = "SELECT skipped FROM need WHERE manifest = ? AND path = ?"
        row = self._database.row(sql, (named.number, path))
        return None if row is None else bool(row[0])

    def bends(self, name: ManifestName) -> bool:
        """Say whether it may depend on what is below a folder whether that is skipped."""
        named = self._names.find(name)
        return named is not None and self._bends(named)

    def _bends(self, named: Named) -> bool:
        return self._skip_list.rules_of(named.name).has_kept or self._unwanted.has_any(named)

    def _lack(self, name: ManifestName) -> Lack:
        named = self._names.find(name)
        if named is None:
            return Lack(NOTHING, NOTHING)
        known = self._missing.get(named.number)
        if known is None:
            row = self._database.row(_SUMS, (named.number,))
            assert row is not None
            known = Lack(_amount(*row[:3]), _amount(*row[3:]))
            self._missing[named.number] = known
        return known

    def rest(self, name: ManifestName, folder: bytes, rows: int, *, deep: bool) -> Rest:
        """Return what lacks in a folder, as far as so many rows tell.

        `deep`: anywhere below it; else directly in it.
        """
        named, found = self._names.find(name), Rest(0, 0)
        if named is None:
            return found
        span = Span.below(folder + b"/" if folder else b"")
        begin = len(span.start) + 1  # SQLite counts from 1
        asked = (limits.PIECE_MIN_BYTES, named.number, *span, rows, deep, begin)
        for files, small in self._database.rows(_REST, asked):
            found = Rest(int(files), int(small))
        return found

    def refresh(self, named: Named, paths: Iterable[bytes]) -> None:
        """Bring the needs of these paths up to date, after their places changed."""
        if not named.received:
            return
        self._missing.pop(named.number, None)
        rows = [(named.number, path) for path in paths]
        self._unwanted.on_places(named, (path for _, path in rows))
        self._database.run_many("DELETE FROM need WHERE manifest = ? AND path = ?", rows)
        self._database.run_many(_REFRESH, rows)
        self._mark(named, (path for _, path in rows))

    def refresh_staged(self, named: Named) -> None:
        """Bring the needs of all staged paths up to date, after their records changed."""
        self._missing.pop(named.number, None)
        self._database.run(_DROP_STAGED, (named.number,))
        self._database.run(_REFRESH_STAGED, (named.number,))
        self._unwanted.on_records(named)
        if self._may_skip(named):
            sql = "SELECT path FROM staged WHERE manifest = ?"
            self._mark(named, [path for (path,) in self._database.rows(sql, (named.number,))])

    def judge_skips(self, name: ManifestName) -> None:
        """The skip list is another one: mark what is skipped by it, of all that lacks."""
        named = self._names.make(name)
        self._missing.pop(named.number, None)
        self._database.run("UPDATE need SET skipped = 0 WHERE manifest = ?", (named.number,))
        sql = "SELECT path FROM need WHERE manifest = ?"
        self._mark(named, [path for (path,) in self._database.rows(sql, (named.number,))])

    def _may_skip(self, named: Named) -> bool:
        return bool(self._skip_list.rules_of(named.name)) or self._unwanted.has_any(named)

    def _mark(self, named: Named, paths: Iterable[bytes]) -> None:
        """Mark what is skipped of these paths, if they lack, and of the folders they are in."""
        if not self._may_skip(named):
            return
        judged, bends = set(paths), self._bends(named)
        if bends:
            judged |= {folder for path in judged for folder in _folders(path)}
        rules, removed = self._skip_list.rules_of(named.name), self._unwanted.among(named, judged)
        rows = [
            (
                path in removed or _fits(rules, path, is_folder=True),
                path in removed or _fits(rules, path, is_folder=False),
                named.number,
                path,
            )
            for path in judged
        ]
        self._database.run_many(_MARK, [row for row in rows if bends or row[0] or row[1]])
        if bends:
            spans = [(path, *Span.below(path + b"/")) for path in sorted(judged, reverse=True)]
            self._database.run_many(_MADE_ALL_THE_SAME, [(named.number, *each) for each in spans])

    def forget_memory(self) -> None:
        """Count again: the transaction was rolled back."""
        self._missing.clear()


def _fits(rules: SkipRules, path: bytes, *, is_folder: bool) -> bool:
    return rules.skipped_by(path, is_folder=is_folder) is not None


def _folders(path: bytes) -> Iterator[bytes]:
    """Yield the folders that a path is in."""
    while path := path.rpartition(b"/")[0]:
        yield path


def _amount(count: int, folders: int, size: float) -> Amount:
    return Amount(count - folders, folders, min(int(size), limits.FILE_MAX_BYTES))


def _pair(row: Row) -> Lacking:
    """Return the record in a row, and the place behind it if there is one."""
    record, place = row[:RECORD_WIDTH], row[RECORD_WIDTH:]
    return record_of(record), None if None in place else place_row_of(place)
