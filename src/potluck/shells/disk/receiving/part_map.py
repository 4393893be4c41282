"""The map of a part file: which content it is part of, and which of its pieces are written.

Strategy: a header (magic, size, piece size, all piece hashes) that never changes, then a bitmap,
one bit a piece, overwritten in place. The file is named after the root, and the root is a hash over
everything in the header, so the name is the header's checksum. The bitmap needs none: who reads it
after a crash hashes the claimed pieces again.

Guarantees: a torn, short, long or foreign map reads as None, never as something else; no size in it
is believed before the length of the file agrees with it. Limits: format 1 only; another magic means
the part is dropped and fetched again.
"""

from __future__ import annotations

import os
from typing import Final

from potluck.core import limits
from potluck.core.content.pieces import HASH_BYTES, Bitfield, PieceList, Root, piece_count
from potluck.core.errors import WrongContent
from potluck.shells.disk.fsops import write_all

HELD: Final = ".held"
"""How names in `tmp/` end under which a batch holds something (swapping.py): no part file."""
_MAGIC: Final = b"potluck map 1\n\0\0"
_NUMBER_BYTES: Final = 8
"""Of the size, and of the piece size after it."""
_HEAD_BYTES: Final = len(_MAGIC) + 2 * _NUMBER_BYTES


def part_name(root: Root) -> str:
    """Return the name in `tmp/` of the part file of a root."""
    return f"{root.hex()}.part"


def map_name(root: Root) -> str:
    """Return the name in `tmp/` of the map of a root."""
    return f"{root.hex()}.map"


def held_name(batch: int, number: int) -> str:
    """Return the name in `tmp/` under which what an item of a batch moves is held meanwhile."""
    return f"{batch}.{number}{HELD}"


def root_in(name: str) -> Root | None:
    """Return the root a part file is named after, None if this is not the name of one."""
    try:
        root = Root(bytes.fromhex(name.removesuffix(".part")))
    except ValueError:
        return None
    return root if len(root) == HASH_BYTES and part_name(root) == name else None


def write_map(descriptor: int, content: PieceList, have: Bitfield) -> None:
    """Write a whole map into an empty file; raises OSError."""
    numbers = (content.size_bytes, content.piece_size)
    head = _MAGIC + b"".join(number.to_bytes(_NUMBER_BYTES, "big") for number in numbers)
    write_all(descriptor, head + content.hashes + have.to_bytes())


def write_bits(descriptor: int, content: PieceList, have: Bitfield, first: int, last: int) -> None:
    """Bring the bits of the pieces `first` to `last` up to date; raises OSError."""
    low, high = first // 8, last // 8
    write_all(descriptor, have.to_bytes()[low : high + 1], _HEAD_BYTES + len(content.hashes) + low)


def read_map(descriptor: int, root: Root) -> tuple[PieceList, Bitfield] | None:
    """Return what the map of `root` says, or None if it cannot be believed; raises OSError."""
    head = os.pread(descriptor, _HEAD_BYTES, 0)
    if len(head) != _HEAD_BYTES or not head.startswith(_MAGIC):
        return None
    size = int.from_bytes(head[len(_MAGIC) : -_NUMBER_BYTES], "big")
    piece_size = int.from_bytes(head[-_NUMBER_BYTES:], "big")
    if not limits.PIECE_MIN_BYTES <= piece_size <= limits.PIECE_MAX_BYTES:
        return None
    count = piece_count(size, piece_size)
    bits = -(-count // 8)
    if os.fstat(descriptor).st_size != _HEAD_BYTES + count * HASH_BYTES + bits:
        return None
    body = os.pread(descriptor, count * HASH_BYTES + bits, _HEAD_BYTES)
    content = PieceList(root, size, piece_size, body[: count * HASH_BYTES])
    try:
        content.check()
    except WrongContent:
        return None
    return content, Bitfield(count, body[count * HASH_BYTES :])
