"""What a fetch worker does with what came over a bulk link: verify, write into part files, post the
facts.

Strategy: one function per kind of reply; each mirrors what the real worker promises: nothing is
written before its hash was checked, a wrong byte ends the fetch as WRONG, a full disk as DISK.
Limits: facts are posted one piece at a time, the real worker bundles them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import PieceList, Root, file_root, piece_hash
from potluck.core.errors import PotluckError, UnsafePath
from potluck.core.wire.catalogue import (
    Busy,
    Done,
    FileAsk,
    FilesAsk,
    Gone,
    ManifestAsk,
    ManifestPage,
    Message,
    PiecesAsk,
    PiecesPage,
    Unknown,
)
from potluck.engine.events import (
    FilesVerified,
    ManifestHeard,
    Outcome,
    PieceListHeard,
    PiecesVerified,
)
from tests.fakes.disk import Part

if TYPE_CHECKING:
    from tests.sim.bulk import Transfer


def take_message(transfer: Transfer, message: Message | Unknown) -> None:
    """Take a reply that is one message."""
    order = transfer.order
    if isinstance(message, Gone):
        transfer.end(Outcome.GONE, "gone")
    elif isinstance(message, Busy):
        transfer.end(Outcome.BUSY, "busy")
    elif isinstance(message, ManifestPage) and isinstance(order.ask, ManifestAsk):
        transfer.asker.post(ManifestHeard(order.order, *_safe(message)))
    elif isinstance(message, PiecesPage) and isinstance(order.ask, PiecesAsk):
        _take_list(transfer, message)
    elif isinstance(message, Done):
        transfer.end(Outcome.GONE, "nothing came")
    else:
        transfer.world.fail(f"{type(message).__name__} does not answer {type(order.ask).__name__}")


def _safe(page: ManifestPage) -> tuple[ManifestPage, int]:
    records, unsafe = [], 0
    for record in page.records:
        try:
            parse_wire_path(record.path)
            records.append(record)
        except UnsafePath:
            unsafe += 1
    return msgspec.structs.replace(page, records=records), unsafe


def _take_list(transfer: Transfer, page: PiecesPage) -> None:
    if ((page.size, page.piece_size),) != transfer.order.sizes:
        transfer.end(Outcome.WRONG, "a page of another piece list came")
        return
    transfer.hashes += page.hashes
    whole = PieceList(Root(page.root), page.size, page.piece_size, transfer.hashes)
    got = len(transfer.hashes) // 32
    if page.hashes and got < whole.count:
        transfer.ask(PiecesAsk(page.root, got))
        return
    try:
        whole.check()
    except PotluckError:
        transfer.end(Outcome.WRONG, "the piece list does not match its root")
        return
    transfer.asker.post(PieceListHeard(transfer.order.order, whole))
    transfer.end(Outcome.DONE, "")


def take_piece(transfer: Transfer, piece: int, data: bytes) -> None:
    """Verify one piece and write it into the part file."""
    content = transfer.order.content
    if content is None or not isinstance(transfer.order.ask, FileAsk):
        transfer.world.fail("pieces came for an order that asked for none")
    disk = transfer.asker.host.disk
    if piece_hash(data) != content.hash_of(piece):
        transfer.end(Outcome.WRONG, f"piece {piece} is wrong")
    elif disk.full:
        transfer.end(Outcome.DISK, "disk full")
    else:
        disk.parts.setdefault(content.root, Part.empty(content)).write(piece, data)
        _count(transfer, len(data))
        transfer.asker.post(PiecesVerified(transfer.order.order, content.root, (piece,), len(data)))


def take_files(transfer: Transfer, contents: list[bytes | None]) -> None:
    """Verify small files and write each into a part file."""
    order = transfer.order
    if not isinstance(order.ask, FilesAsk):
        transfer.world.fail("files came for an order that asked for none")
    disk = transfer.asker.host.disk
    if disk.full:
        transfer.end(Outcome.DISK, "disk full")
        return
    good, wrong, size_bytes = list[Root](), 0, 0
    for root, sizes, data in zip(order.ask.roots, order.sizes, contents, strict=True):
        if data is None:
            continue
        hashes = b"".join(
            piece_hash(data[at : at + sizes[1]]) for at in range(0, len(data), sizes[1])
        )
        if len(data) != sizes[0] or file_root(len(data), sizes[1], hashes) != root:
            wrong += 1
            continue
        part = Part.empty(PieceList(Root(root), len(data), sizes[1], hashes))
        for piece in range(part.content.count):
            part.write(piece, data[piece * sizes[1] : (piece + 1) * sizes[1]])
        disk.parts[part.content.root] = part
        good.append(part.content.root)
        size_bytes += len(data)
    _count(transfer, size_bytes)
    if good:
        transfer.asker.post(FilesVerified(order.order, tuple(good), size_bytes))
    if wrong:
        transfer.end(Outcome.WRONG, f"{wrong} files are wrong")


def _count(transfer: Transfer, size_bytes: int) -> None:
    label = transfer.asker.host.label
    counted = transfer.world.bulk.content_bytes
    counted[label] = counted.get(label, 0) + size_bytes
