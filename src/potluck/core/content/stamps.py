"""Stamps of a folder: whether it goes on from where this device left it, or is an older copy.

Strategy: FOLDER carries the last stamps that it was given, the newest first, and the index the
newest that it knows. Each has a number, one higher than the one before, and some random bytes. A
folder that has the stamp of the index goes on from it. One with a later stamp whose line holds that
of the index is ahead: the index is older (a restored state, or a crash between the two writes). Any
other is not what the index speaks of.

Guarantees: pure; a folder that was written first and an index that follows it never look like an
older copy, whatever a crash cuts off. Limits: of a folder that is further ahead than its line is
long nobody knows whether it comes from here; it counts as ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

STAMPS_KEPT: Final = 64
"""Stamps in a folder: some ten hours of use, and every start and end."""
STAMP_MARK_BYTES: Final = 8
"""Random: two lives that begin at the same number have other stamps from then on."""
_NUMBER_BYTES: Final = 8


class Stamp(NamedTuple):
    """One stamp."""

    number: int
    mark: bytes


def goes_on(line: Sequence[Stamp], known: Stamp | None) -> bool:
    """Say whether a folder with these stamps goes on from what an index knows, or is ahead of it.

    An index that knows of none has nothing to compare.
    """
    if known is None:
        return True
    if not line:
        return False
    if known in line:
        return True
    return line[-1].number > known.number  # its line does not reach back so far


def next_line(line: Sequence[Stamp], known: Stamp | None, mark: bytes) -> tuple[Stamp, ...]:
    """Return the stamps that a folder gets next, the new one first."""
    before = [*line] if known is None or known in line else [known, *line]
    highest = max((one.number for one in before), default=0)
    return (Stamp(highest + 1, mark), *before)[:STAMPS_KEPT]


def packed(stamp: Stamp) -> bytes:
    """Return a stamp as the index keeps it."""
    return stamp.number.to_bytes(_NUMBER_BYTES) + stamp.mark


def unpacked(kept: bytes | None) -> Stamp | None:
    """Return the stamp that an index kept, None if it kept none."""
    if kept is None or len(kept) != _NUMBER_BYTES + STAMP_MARK_BYTES:
        return None
    return Stamp(int.from_bytes(kept[:_NUMBER_BYTES]), kept[_NUMBER_BYTES:])


def written(line: Sequence[Stamp]) -> bytes:
    """Return stamps as a folder keeps them: a line of text for each."""
    return b"".join(b"%d %s\n" % (one.number, one.mark.hex().encode()) for one in line)


def read_stamps(text: bytes) -> tuple[Stamp, ...]:
    """Return the stamps that a folder keeps; none if that is not what was written."""
    try:
        pairs = [line.split(b" ") for line in text.splitlines()]
        found = tuple(Stamp(int(number), bytes.fromhex(mark.decode())) for number, mark in pairs)
    except ValueError:
        return ()
    whole = all(0 < one.number < _TOO_HIGH and len(one.mark) == STAMP_MARK_BYTES for one in found)
    return found if whole else ()


_TOO_HIGH: Final = 1 << 60
