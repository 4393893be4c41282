"""Intents: which group commits were begun, so that a crash between rename and row can be settled
(docs/disk.md §4).

Strategy: one row per batch, its items in one msgpack blob, written and made durable before the
first file is touched and deleted in the transaction that records what was placed. Plain arrays of
plain values are stored, never code.

Guarantee: what comes out equals what went in, paths being checked again on the way.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.msgpack import Decoder

from potluck.core.content.facts import Source, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import PieceList, Root
from potluck.core.wire.catalogue import encode
from potluck.engine.effects import PlaceItem
from potluck.engine.events import BatchId
from potluck.engine.index.database import Database


class _Content(Struct, array_like=True, frozen=True):
    root: bytes
    size: int
    piece_size: int
    hashes: bytes


class _Stat(Struct, array_like=True, frozen=True):
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool


class _Item(Struct, array_like=True, frozen=True):
    path: bytes
    source: Source
    content: _Content | None
    local: bytes | None
    mtime_ns: int
    executable: bool
    expected: _Stat | None
    expected_root: bytes | None


_ITEMS = Decoder(list[_Item])


class Intents:
    """Open group commits by batch number."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database

    def open(self, batch: BatchId, items: Iterable[PlaceItem]) -> None:
        """Note that a group commit begins."""
        encoded = encode([_stored(item) for item in items])
        self._database.run("INSERT INTO intent VALUES (?, ?)", (batch, encoded))

    def close(self, batch: BatchId) -> None:
        """Note that a group commit ended; nothing if it was not open."""
        self._database.run("DELETE FROM intent WHERE batch = ?", (batch,))

    def open_batches(self) -> list[tuple[BatchId, tuple[PlaceItem, ...]]]:
        """Return every group commit that began and did not end, in the order of their numbers."""
        rows = self._database.rows("SELECT batch, items FROM intent ORDER BY batch")
        return [
            (BatchId(batch), tuple(map(_restored, _ITEMS.decode(items)))) for batch, items in rows
        ]


def _stored(item: PlaceItem) -> _Item:
    return _Item(
        item.path.wire,
        item.source,
        _stored_content(item.content),
        item.local.wire if item.local is not None else None,
        item.mtime_ns,
        item.executable,
        _stored_stat(item.expected),
        item.expected_root,
    )


def _restored(item: _Item) -> PlaceItem:
    root = item.expected_root
    return PlaceItem(
        _path(item.path),
        item.source,
        _restored_content(item.content),
        _restored_local(item.local),
        item.mtime_ns,
        item.executable,
        _restored_stat(item.expected),
        Root(root) if root is not None else None,
    )


def _stored_content(content: PieceList | None) -> _Content | None:
    if content is None:
        return None
    return _Content(content.root, content.size_bytes, content.piece_size, content.hashes)


def _restored_content(content: _Content | None) -> PieceList | None:
    if content is None:
        return None
    return PieceList(Root(content.root), content.size, content.piece_size, content.hashes)


def _stored_stat(stat: Stat | None) -> _Stat | None:
    if stat is None:
        return None
    return _Stat(stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.executable)


def _restored_stat(stat: _Stat | None) -> Stat | None:
    if stat is None:
        return None
    return Stat(stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.executable)


def _restored_local(local: bytes | None) -> SafePath | None:
    return _path(local) if local is not None else None


def _path(wire: bytes) -> SafePath:
    """Return a path that was stored; behind its label it is as long as a path may travel."""
    label, slash, inner = wire.partition(b"/")
    top = parse_wire_path(label)
    return top.joined(parse_wire_path(inner)) if slash else top
