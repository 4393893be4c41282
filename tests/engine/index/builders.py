"""Values for tests of the index and of whoever uses it, made from nothing but a number or a name.

Strategy: every builder has defaults for all but what a test is about, and equal arguments give
equal values. `index` opens an index in memory inside a transaction, the state in which the engine
uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow
from potluck.core.content.manifest import BucketTree, bucket_hash, bucket_of, record_digest
from potluck.core.content.pieces import (
    EMPTY_ROOT,
    HASH_BYTES,
    PieceList,
    Root,
    file_root,
    piece_count,
    piece_hash,
)
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Head, Kind
from potluck.engine.index import Index

PAGE_BYTES = 4096  # of SQLite
ANNA = DeviceId(b"a" * 32)
BERT = DeviceId(b"b" * 32)
ANNAS = ManifestName.own(ANNA)
BERTS = ManifestName.own(BERT)


def root_of(text: str) -> Root:
    """The root of a one-piece file with this text."""
    data = text.encode()
    return file_root(len(data), limits.PIECE_MIN_BYTES, piece_hash(data) if data else b"")


def record(
    path: str, seq: int = 1, text: str | None = None, *, mtime_ns: int = 5, executable: bool = False
):
    """A file with this text (its own path unless given)."""
    text = path if text is None else text
    size = len(text.encode())
    return FileRecord(
        path.encode(),
        Kind.FILE,
        size,
        mtime_ns,
        executable,
        limits.PIECE_MIN_BYTES,
        root_of(text),
        seq,
    )


def folder(path: str, seq: int = 1) -> FileRecord:
    """A folder."""
    return FileRecord(
        path.encode(), Kind.FOLDER, 0, 0, False, limits.PIECE_MIN_BYTES, EMPTY_ROOT, seq
    )


def records(count: int, first: int = 1, directory: str = "d") -> list[FileRecord]:
    """So many files in one folder, numbered and with change numbers from `first` on."""
    return [record(f"{directory}/{number:06}", number) for number in range(first, first + count)]


def place(of: FileRecord, inode: int = 7, ctime_ns: int = 9) -> PlaceRow:
    """What stands on the disk once a record is placed."""
    root = of.root if of.kind is Kind.FILE else b""
    return PlaceRow(of.path, of.kind, root, of.size, of.mtime_ns, ctime_ns, inode, of.executable)


def head(root: bytes, seq: int, count: int, owner: DeviceId = ANNA, generation: int = 1) -> Head:
    """An unsigned head."""
    return Head(*ManifestName.own(owner), generation, seq, count, root, b"instance")


def manifest_root(live: Iterable[FileRecord]) -> bytes:
    """The root of a manifest with these records, computed from the whole."""
    buckets: dict[int, list[bytes]] = {}
    for one in live:
        buckets.setdefault(bucket_of(one.path), []).append(record_digest(one))
    tree = BucketTree()
    for bucket, digests in buckets.items():
        tree.set(bucket, bucket_hash(b"".join(sorted(digests))))
    return tree.root()


def piece_list(pieces: int, seed: int = 0) -> PieceList:
    """The list of a content with so many pieces, whose hashes are made up."""
    size = pieces * limits.PIECE_MIN_BYTES
    hashes = b"".join(piece_hash(b"%d %d" % (seed, number)) for number in range(pieces))
    assert len(hashes) == piece_count(size, limits.PIECE_MIN_BYTES) * HASH_BYTES
    root = file_root(size, limits.PIECE_MIN_BYTES, hashes)
    return PieceList(root, size, limits.PIECE_MIN_BYTES, hashes)


def index() -> Index:
    """An empty index in memory, in a transaction."""
    made = Index.open(":memory:")
    made.begin()
    return made


def receive(
    into: Index, live: Sequence[FileRecord], seq: int, owner: DeviceId = ANNA
) -> list[bytes]:
    """Receive a whole manifest and return the paths that changed."""
    name = ManifestName.own(owner)
    into.manifests.stage(name, live, [])
    into.manifests.stage_rest_as_deleted(name, seq)
    root, count = into.manifests.staged_root(name)
    return into.manifests.apply_staged(head(root, seq, count, owner))


def damage_pages(path: Path, numbers: Iterable[int]) -> None:
    """Let these pages of a closed database, of which 0 is the first, be no pages any more."""
    data = bytearray(path.read_bytes())
    for number in numbers:
        at = number * PAGE_BYTES
        data[at : at + PAGE_BYTES] = b"\xff" * len(data[at : at + PAGE_BYTES])
    path.write_bytes(data)
