"""The four exchanges on a bulk link, from the side that asks: request, replies, checks, reports.

Strategy: each exchange is one function `(BulkExchange) -> Outcome` that reads exactly the replies
its request can have. `Done`, `Gone` and `Busy` end any of them and leave the link usable;
everything unexpected raises. Content is received into one buffer, hashed there, and written before
a fact about it is posted; of what an earlier run left half here only what lacks is asked for. Facts
come in batches, so that neither 20,000 small files nor a fast disk floods the engine.

Guarantees: nothing unverified is written or reported; sizes come from our own order, those of a
piece list, too, or are bounded by limits.PACK_BYTES in a pack, so a peer cannot make us allocate.
Each item of a pack is judged by itself; one whose bytes have the root asked for at another size or
piece size is not the holder's fault, and told apart; nor is a piece list of another length. Raises
ProtocolError (WrongContent for a wrong hash), DiskTrouble for our own disk, OSError and EOFError
for the link, Cancelled between two pieces. Limits: a multi-page piece list is asked for page by
page, without read-ahead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

import msgspec

from potluck.core import limits
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import (
    HASH_BYTES,
    PieceList,
    Root,
    file_root,
    piece_count,
    piece_hash,
)
from potluck.core.errors import DiskTrouble, Malformed, UnsafePath, WrongContent
from potluck.core.wire.catalogue import (
    BULK_REPLY,
    BulkReply,
    Busy,
    DeletedPath,
    Done,
    FileAsk,
    FileRecord,
    FilesAsk,
    FilesHeader,
    Gone,
    ManifestAsk,
    ManifestPage,
    PieceHeader,
    PiecesAsk,
    PiecesPage,
    Unknown,
)
from potluck.engine.effects import Fetch
from potluck.engine.events import (
    FilesVerified,
    ManifestHeard,
    Outcome,
    PieceListHeard,
    PiecesVerified,
)
from potluck.shells.bulk.holding import HoldsParts
from potluck.shells.links.stream import Stream
from potluck.shells.loop.inbox import Inbox

BATCH_PIECES: Final = 8  # reported at once: 2 MiB of the smallest pieces
BATCH_FILES: Final = 64  # likewise, of small files
BATCH_S: Final = 0.05  # a report waits no longer: the view shows a transfer four times a second
NOT_HERE: Final = -1  # the length of a file in a FILES header that the holder does not have


class Cancelled(Exception):
    """The engine gave the order up."""


class CalledOff(Protocol):
    """An order that may be given up meanwhile: fetching.py."""

    def check(self) -> None:
        """Raise Cancelled if it was."""


@dataclass(slots=True)
class BulkExchange:
    """What one request works with."""

    fetch: Fetch
    stream: Stream
    parts: HoldsParts
    inbox: Inbox  # for the facts
    order: CalledOff

    def reply(self) -> BulkReply | Unknown:
        """Return the next reply frame."""
        return self.stream.receive(BULK_REPLY)


def carry_out(exchange: BulkExchange) -> Outcome:
    """Do what the order asks on its stream, post the facts; say how it ended: DONE, GONE, BUSY."""
    match exchange.fetch.ask:
        case ManifestAsk() as ask:
            return _manifest(exchange, ask)
        case PiecesAsk() as ask:
            return _piece_list(exchange, ask)
        case FileAsk() as ask:
            return _pieces(exchange, ask)
        case FilesAsk() as ask:
            return _files(exchange, ask)


def _ended(reply: BulkReply | Unknown) -> Outcome:
    """Return what an ending reply means; anything else breaks the protocol here."""
    match reply:
        case Done():
            return Outcome.DONE
        case Gone():
            return Outcome.GONE
        case Busy():
            return Outcome.BUSY
        case _:
            raise Malformed("that is not an answer to the request", type(reply).__name__)


def _without_content(reply: BulkReply | Unknown) -> Outcome:
    """Return what a reply means that is not the content asked for: a bare `Done` is a `Gone`."""
    outcome = _ended(reply)
    return Outcome.GONE if outcome is Outcome.DONE else outcome


@contextmanager
def _own_disk() -> Iterator[None]:
    """Tell a failure of our own disk from one of the link: both are OSError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DiskTrouble("received content could not be written", reason) from error


# -- manifests -------------------------------------------------------------------------------------
def _manifest(exchange: BulkExchange, ask: ManifestAsk) -> Outcome:
    """Receive one page; the engine asks for the next one itself."""
    exchange.stream.send(ask)
    page = exchange.reply()
    if not isinstance(page, ManifestPage):
        return _without_content(page)
    if (page.owner, page.folder) != (ask.owner, ask.folder):
        raise WrongContent("a page of another manifest came")
    records = [record for record in page.records if _is_safe(record)]
    deleted = [record for record in page.deleted if _is_safe(record)]
    unsafe = len(page.records) - len(records) + len(page.deleted) - len(deleted)
    safe_page = msgspec.structs.replace(page, records=records, deleted=deleted)
    exchange.inbox.post(ManifestHeard(exchange.fetch.order, safe_page, unsafe))
    return Outcome.DONE


def _is_safe(record: FileRecord | DeletedPath) -> bool:
    try:
        parse_wire_path(record.path)
    except UnsafePath:
        return False
    return True


# -- piece lists -----------------------------------------------------------------------------------
def _piece_list(exchange: BulkExchange, ask: PiecesAsk) -> Outcome:
    """Ask for page after page until the list is whole, then check it against its root."""
    if len(exchange.fetch.sizes) != 1:
        raise Malformed("the order does not say how long its file is")
    ((size_bytes, piece_size),) = exchange.fetch.sizes
    count = piece_count(size_bytes, piece_size)
    if count > max(limits.PIECES_KEPT_MAX, piece_count(size_bytes, limits.PIECE_MAX_BYTES)):
        raise WrongContent("a file is cut into more pieces than any needs", f"{count} pieces")
    whole_bytes = count * HASH_BYTES
    hashes = bytearray()
    while not hashes or len(hashes) < whole_bytes:
        exchange.order.check()
        exchange.stream.send(PiecesAsk(ask.root, len(hashes) // HASH_BYTES))
        page = exchange.reply()
        if not isinstance(page, PiecesPage):
            return _without_content(page)
        if page.root != ask.root:
            raise WrongContent("a page of another piece list came")
        if (page.size, page.piece_size) != (size_bytes, piece_size):
            return Outcome.GONE  # one of the two sizes is wrong, and perhaps the one we were told
        _check_follows(page, len(hashes), whole_bytes)
        hashes += page.hashes
    content = PieceList(Root(ask.root), size_bytes, piece_size, bytes(hashes))
    content.check()
    exchange.inbox.post(PieceListHeard(exchange.fetch.order, content))
    return Outcome.DONE


def _check_follows(page: PiecesPage, have_bytes: int, whole_bytes: int) -> None:
    """Raise WrongContent unless the page goes on where the last one ended, and not too far."""
    if page.first * HASH_BYTES != have_bytes or len(page.hashes) % HASH_BYTES:
        raise WrongContent("a page of a piece list does not follow the one before")
    if not page.hashes or have_bytes + len(page.hashes) > whole_bytes:
        raise WrongContent("a page of a piece list is empty or too long")


# -- pieces of one content -------------------------------------------------------------------------
def _pieces(exchange: BulkExchange, ask: FileAsk) -> Outcome:
    """Receive the pieces asked for, in whatever order they come, each at most once; those that an
    earlier run left here are not asked for.
    """
    content = exchange.fetch.content
    if content is None or not all(piece < content.count for piece in ask.pieces):
        raise Malformed("the order does not say what its pieces must hash to")
    with _PieceWriter(exchange, content) as writer:
        lacking = writer.lacking(ask.pieces)
        if not lacking:
            return Outcome.DONE
        missing = set(lacking)
        exchange.stream.send(FileAsk(ask.root, lacking))
        while isinstance(reply := exchange.reply(), PieceHeader):
            if reply.piece not in missing or reply.length != content.length_of(reply.piece):
                raise WrongContent("a piece came that was not asked for", f"number {reply.piece}")
            missing.discard(reply.piece)
            writer.take(reply.piece)
            exchange.order.check()
    outcome = _ended(reply)
    return Outcome.GONE if missing and outcome is Outcome.DONE else outcome


class _PieceWriter:
    """Receives, verifies and writes pieces, each on the map at once; reports them in batches, the
    last one on leaving.
    """

    def __init__(self, exchange: BulkExchange, content: PieceList) -> None:
        self._exchange: Final = exchange
        self._content: Final = content
        self._room: Final = memoryview(bytearray(min(content.piece_size, content.size_bytes)))
        self._batch: Final[list[int]] = []
        self._begun = 0.0

    def __repr__(self) -> str:
        """Show how much waits to be reported."""
        return f"<_PieceWriter: {len(self._batch)} pieces not reported>"

    def __enter__(self) -> Self:
        with _own_disk():
            self._part = self._exchange.parts.open(self._content)
        return self

    def __exit__(self, *_exc: object) -> None:
        """Report what is written, however the exchange ended: those pieces need not come again."""
        try:
            self._report()
        finally:
            self._part.close()

    def lacking(self, pieces: Sequence[int]) -> list[int]:
        """Return which of these are not here; reports the others, of which no byte came."""
        have = self._part.have()
        here = tuple(piece for piece in pieces if piece in have)
        if here:
            self._tell(here, 0)
        return [piece for piece in pieces if piece not in have]

    def take(self, piece: int) -> None:
        """Receive the bytes of one piece; raises WrongContent if they are others."""
        data = self._room[: self._content.length_of(piece)]
        self._exchange.stream.receive_into(data)
        if piece_hash(data) != self._content.hash_of(piece):
            raise WrongContent("a piece does not match its hash", f"number {piece}")
        with _own_disk():
            self._part.write(piece, data)
            self._part.mark((piece,))
        now = time.monotonic()
        if not self._batch:
            self._begun = now
        self._batch.append(piece)
        if len(self._batch) >= BATCH_PIECES or now - self._begun >= BATCH_S:
            self._report()

    def _report(self) -> None:
        if not self._batch:
            return
        pieces = tuple(self._batch)
        self._batch.clear()
        self._tell(pieces, sum(self._content.length_of(piece) for piece in pieces))

    def _tell(self, pieces: tuple[int, ...], size_bytes: int) -> None:
        order, root = self._exchange.fetch.order, self._content.root
        self._exchange.inbox.post(PiecesVerified(order, root, pieces, size_bytes))


# -- many small contents ---------------------------------------------------------------------------
def _files(exchange: BulkExchange, ask: FilesAsk) -> Outcome:
    """Receive a pack of small contents in one go, then check and keep one after the other."""
    sizes = exchange.fetch.sizes
    if len(sizes) != len(ask.roots):
        raise Malformed("the order does not say how long its files are")
    exchange.stream.send(ask)
    header = exchange.reply()
    if not isinstance(header, FilesHeader):
        return _without_content(header)
    come_bytes = sum(length for length in header.lengths if length > 0)
    if len(header.lengths) != len(sizes) or come_bytes > limits.PACK_BYTES:
        raise WrongContent("the files that are to come are not those that were asked for")
    room = memoryview(bytearray(come_bytes))
    exchange.stream.receive_into(room)
    pack = _Pack(exchange)
    try:
        at = 0
        for root, promised, length in zip(ask.roots, sizes, header.lengths, strict=True):
            if length >= 0:
                pack.take(Root(root), promised, room[at : at + length])
                at += length
    finally:
        pack.report()
    return Outcome.DONE


@dataclass(slots=True)
class _Pack:
    """Checks and keeps small contents; reports them in batches."""

    exchange: BulkExchange
    roots: list[Root] = field(default_factory=list)
    size_bytes: int = 0
    wrong: list[Root] = field(default_factory=list)
    unfit: list[tuple[Root, int, int]] = field(default_factory=list)

    def take(self, root: Root, promised: tuple[int, int], data: memoryview) -> None:
        """Keep one content, or note that it is not as its record says: size and piece size."""
        size_bytes, piece_size = promised
        content = content_of(data, piece_size)
        if content.root != root or len(data) != size_bytes:
            meant = _meant_piece_size(data, root)
            if meant:
                self.unfit.append((root, len(data), meant))
            else:
                self.wrong.append(root)
            return
        with _own_disk():
            self._keep(content, data)
        self.roots.append(root)
        self.size_bytes += len(data)
        if len(self.roots) >= BATCH_FILES:
            self.report()

    def _keep(self, content: PieceList, data: memoryview) -> None:
        if content.count == 1:
            self.exchange.parts.write_whole(content, data)
            return
        part = self.exchange.parts.open(content)
        try:
            for piece in range(content.count):
                part.write(piece, data[piece * content.piece_size :][: content.length_of(piece)])
            part.mark(tuple(range(content.count)))
        finally:
            part.close()

    def report(self) -> None:
        """Post what is kept since the last report, and what is not."""
        roots, wrong, unfit = tuple(self.roots), tuple(self.wrong), tuple(self.unfit)
        if roots or wrong or unfit:
            order = self.exchange.fetch.order
            self.exchange.inbox.post(FilesVerified(order, roots, self.size_bytes, wrong, unfit))
        self.roots, self.size_bytes, self.wrong, self.unfit = [], 0, [], []


def _meant_piece_size(data: memoryview, root: Root) -> int:
    """Return with which piece size bytes are the content `root` at their own size; 0: with none."""
    piece_size = limits.PIECE_MIN_BYTES
    while piece_size <= limits.PIECE_MAX_BYTES:
        if content_of(data, piece_size).root == root:
            return piece_size
        piece_size *= 2
    return 0


def content_of(data: memoryview, piece_size: int) -> PieceList:
    """Return the piece list of a content that is whole in memory."""
    starts = range(0, len(data), piece_size)
    hashes = b"".join(piece_hash(data[start : start + piece_size]) for start in starts)
    return PieceList(file_root(len(data), piece_size, hashes), len(data), piece_size, hashes)
