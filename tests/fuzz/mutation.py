"""Mutation: from one input of a decoder to many others, all of them from one seed.

Strategy: a few edits of a valid example, each of a kind that finds another sort of fault: bits and
bytes (bounds), cuts and repeats (lengths), nesting (recursion), bytes that are no text, numbers at
the edge of what fits. Guarantees: equal seeds give equal inputs; nothing is longer than `LONGEST`.
Limits: blind; no coverage is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

LONGEST = 200_000  # bytes: above every frame but that of pages
NESTED = (b"\x91", b"\x81\xa1a", b"[", b'{"a":', b"\xc7\xff")
SPLINTERS = (
    b"\xff",
    b"\xed\xa0\x80",  # half a surrogate pair in UTF-8
    b"\xc0",
    b"\x00",
    b"..",
    b"/",
    b"\xcf" + b"\xff" * 8,
    b"\xd3\x80" + b"\x00" * 7,
    b"\xcb\x7f\xf0" + b"\x00" * 6,
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"9" * 400,
    b"1e999",
    b"-1",
    b"NaN",
    b'"\\ud800"',
    b"\xef\xbb\xbf",
)


def mutated(seed: bytes, random: Random) -> bytes:
    """Return the seed after one to six edits."""
    data = bytearray(seed)
    for _ in range(random.randint(1, 6)):
        _edit(data, random)
    return bytes(data[:LONGEST])


def inputs(seeds: tuple[bytes, ...], random: Random) -> Iterator[bytes]:
    """Yield inputs without end: every seed, then mutants of them."""
    yield from (*seeds, b"")
    while True:
        yield mutated(random.choice(seeds), random)


def _edit(data: bytearray, random: Random) -> None:
    at = random.randint(0, len(data))
    end = min(len(data), at + random.randint(0, 16))
    match random.randrange(9):
        case 0 if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        case 1 if data:
            data[random.randrange(len(data))] = random.randrange(256)
        case 2:
            del data[at:end]
        case 3:
            data[at:at] = data[at:end] * random.randint(1, 40)
        case 4:
            data[at:at] = random.choice(NESTED) * random.choice((10, 400, 1100, 20_000))
        case 5:
            data[at:end] = random.choice(SPLINTERS)
        case 6:
            data[at:at] = random.choice(SPLINTERS)
        case 7:
            data[at:end] = random.randbytes(random.randint(0, 40))
        case _:
            del data[at:]
