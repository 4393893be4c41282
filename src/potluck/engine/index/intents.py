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
    content, stat = item.content, item.expected
    return _Item(
        item.path.wire,
        item.source,
        _Content(content.root, content.size_bytes, content.piece_size, content.hashes)
        if content
        else None,
        item.local.wire if item.local else None,
        item.mtime_ns,
        item.executable,
        _Stat(stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.executable)
        if stat
        else None,
        item.expected_root,
    )


def _restored(item: _Item) -> PlaceItem:
    content, stat, root = item.content, item.expected, item.expected_root
    return PlaceItem(
        path=_path(item.path),
        source=item.source,
        content=PieceList(Root(content.root), content.size, content.piece_size, content.hashes)
        if content
        else None,
        local=_path(item.local) if item.local else None,
        mtime_ns=item.mtime_ns,
        executable=item.executable,
        expected=Stat(stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.executable)
        if stat
        else None,
        expected_root=Root(root) if root is not None else None,
    )


def _path(wire: bytes) -> SafePath:
    """Return the path that was stored; with its label in front it may be longer than a path that
    travels.
    """
    label, slash, inner = wire.partition(b"/")
    return (
        parse_wire_path(label).joined(parse_wire_path(inner)) if slash else parse_wire_path(label)
    )
