"""Roster frames: statements cut into messages that every link carries.

Strategy: a member may sign statements of up to `limits.STATEMENT_BYTES`, and those of a removal are
nearly as long, while an admission has less than a kilobyte. So whoever sends records cuts them
here, by their bytes as well as by their number: into frames of a control link, into frames of a
pairing, or into one answer to an introduction.

Guarantees: pure; nothing is left out and the order stays; every frame is one that the link takes,
whatever the records are (proof: one record and what stands around it fit the shortest frame, and
one more is only put to the others while all of them fit). Limits: what a frame has besides its
records is bounded here by hand, `REST_BYTES`; a message with more fields needs more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from potluck.core import limits
from potluck.core.wire.catalogue import PairRecords, RosterRecord, RosterRecords, encode

REST_BYTES = 64  # of a frame beside its records: tag, names of fields, length of the list


def batches(
    records: Sequence[RosterRecord], bytes_max: int, count_max: int
) -> Iterator[list[RosterRecord]]:
    """Yield the records in runs of at most so many, and of so many bytes as they are encoded."""
    batch, room = list[RosterRecord](), bytes_max
    for record in records:
        size = len(encode(record))
        if batch and (size > room or len(batch) == count_max):
            yield batch
            batch, room = [], bytes_max
        batch.append(record)
        room -= size
    if batch:
        yield batch


def control_frames(records: Sequence[RosterRecord]) -> list[RosterRecords]:
    """Return the messages that tell a member these records."""
    room = limits.CONTROL_FRAME_BYTES - REST_BYTES
    return [RosterRecords(batch) for batch in batches(records, room, limits.ROSTER_CHUNK)]


def pairing_frames(records: Sequence[RosterRecord]) -> list[PairRecords]:
    """Return the messages that tell a newcomer these records, the last one marked as such."""
    room = limits.PAIRING_FRAME_BYTES - REST_BYTES
    runs = list(batches(records, room, limits.PAIRING_RECORDS))
    return [PairRecords(run, last=number == len(runs)) for number, run in enumerate(runs, 1)]
