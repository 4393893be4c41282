"""Pieces: how a file is cut into pieces, and the one hash that names it.

Strategy: fixed-size pieces, one BLAKE3 hash each, in a flat list; the *file root* is BLAKE3 in
derive-key mode over size, piece size and the list, so a root names the content and nothing else
(not the name, not the owner). A file of one piece needs no list: its only hash follows from the
bytes. A piece of zeros is known by its hash and never travels: the receiver leaves a hole.

Guarantees: the same bytes with the same piece size give the same root on every device; a wrong
byte, a missing piece or another order gives another. Limits: no content-defined chunking
(docs/goals.md says why). Source of the sizes: Syncthing's block sizes and libtorrent's piece sizes,
see docs/protocol.md §7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NewType

from blake3 import blake3

from potluck.core import limits
from potluck.core.errors import WrongContent

Root = NewType("Root", bytes)
"""32 bytes that name a content."""

HASH_BYTES = 32  # of BLAKE3
_ROOT_CONTEXT = "potluck file v1"


def piece_size_for(size_bytes: int, before: int = 0) -> int:
    """Return the piece size in bytes for a file of `size_bytes`; one that still fits is kept.

    The smallest power of two that gives at most 2,048 pieces, between 256 KiB and 16 MiB. A changed
    file keeps the size it had `before` while that gives 500 to 8,192 pieces, so equal pieces of the
    old version can be used again.
    """
    kept = limits.PIECES_KEPT_MIN, limits.PIECES_KEPT_MAX
    if before and kept[0] <= piece_count(size_bytes, before) <= kept[1]:
        return before
    piece_size = limits.PIECE_MIN_BYTES
    while piece_size < limits.PIECE_MAX_BYTES and piece_size * limits.PIECES_AIM < size_bytes:
        piece_size *= 2
    return piece_size


def piece_count(size_bytes: int, piece_size: int) -> int:
    """Return how many pieces a file has; an empty file has none."""
    return -(-size_bytes // piece_size)


def piece_length(size_bytes: int, piece_size: int, piece: int) -> int:
    """Return the length in bytes of piece number `piece`; only the last one may be short."""
    return min(piece_size, size_bytes - piece * piece_size)


def piece_hash(data: bytes | bytearray | memoryview) -> bytes:
    """Return the 32-byte hash of one piece's bytes."""
    return blake3(data).digest()


@lru_cache(maxsize=64)
def zero_hash(length: int) -> bytes:
    """Return the hash of a piece of `length` zeros."""
    return blake3(bytes(length)).digest()


def file_root(size_bytes: int, piece_size: int, hashes: bytes) -> Root:
    """Return the root of a file from its size, its piece size and its joined piece hashes."""
    head = size_bytes.to_bytes(8, "big") + piece_size.to_bytes(8, "big")
    return Root(blake3(head + hashes, derive_key_context=_ROOT_CONTEXT).digest())


EMPTY_ROOT = file_root(0, limits.PIECE_MIN_BYTES, b"")
"""The root of every empty file."""


@dataclass(frozen=True, slots=True)
class PieceList:
    """The hashes of all pieces of one content."""

    root: Root
    size_bytes: int
    piece_size: int
    hashes: bytes

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return piece_count(self.size_bytes, self.piece_size)

    def hash_of(self, piece: int) -> bytes:
        """Return the hash of piece number `piece`."""
        return self.hashes[piece * HASH_BYTES : (piece + 1) * HASH_BYTES]

    def length_of(self, piece: int) -> int:
        """Return the length of piece number `piece` in bytes."""
        return piece_length(self.size_bytes, self.piece_size, piece)

    def is_zero(self, piece: int) -> bool:
        """Say whether a piece holds nothing but zeros, which need not be asked for."""
        return self.hash_of(piece) == zero_hash(self.length_of(piece))

    def zeros(self) -> Iterator[int]:
        """Return the pieces that hold nothing but zeros, ascending: one search, not a look each."""
        last = self.count - 1
        zero, at = zero_hash(self.length_of(0)), 0
        while (found := self.hashes.find(zero, at)) >= 0:
            piece, beside = divmod(found, HASH_BYTES)
            if not beside and piece < last:
                yield piece
            at = found + HASH_BYTES - beside
        if last >= 0 and self.is_zero(last):  # which may be shorter, and so hash to something else
            yield last

    def check(self) -> None:
        """Raise WrongContent unless the list is the one its root names."""
        whole = len(self.hashes) == self.count * HASH_BYTES
        if not whole or file_root(self.size_bytes, self.piece_size, self.hashes) != self.root:
            raise WrongContent("a piece list does not match its file root")


class Bitfield:
    """Which pieces of one content are here: a mutable set of small integers, one bit each.

    A bit is set, and they are counted, in a time that does not depend on how many there are.
    """

    __slots__ = ("_bits", "_here", "count")

    def __init__(self, count: int, raw: bytes = b"") -> None:
        """Make an empty field for `count` pieces, or one of `to_bytes`; spare bits are dropped."""
        self.count = count
        size = -(-count // 8)
        self._bits = bytearray(raw[:size].ljust(size, b"\0"))
        if self._bits:
            self._bits[-1] &= 0xFF >> (8 * size - count)
        self._here = int.from_bytes(self._bits, "little").bit_count()

    def __contains__(self, piece: int) -> bool:
        """Say whether a piece is here."""
        return piece < self.count and bool(self._bits[piece >> 3] >> (piece & 7) & 1)

    def __len__(self) -> int:
        """Return how many pieces are here."""
        return self._here

    def __repr__(self) -> str:
        return f"<Bitfield {len(self)} of {self.count}>"

    def add(self, piece: int) -> None:
        """Note that a piece is here."""
        if piece not in self:
            self._bits[piece >> 3] |= 1 << (piece & 7)
            self._here += 1

    def discard(self, piece: int) -> None:
        """Note that a piece is not here."""
        if piece in self:
            self._bits[piece >> 3] &= ~(1 << (piece & 7))
            self._here -= 1

    @property
    def complete(self) -> bool:
        """Whether every piece is here."""
        return self._here == self.count

    def missing(self) -> list[int]:
        """Return the numbers of the pieces that are not here, ascending."""
        return [piece for piece in range(self.count) if piece not in self]

    def to_bytes(self) -> bytes:
        """Return the field as ceil(count / 8) bytes, piece 0 in the lowest bit of the first."""
        return bytes(self._bits)
