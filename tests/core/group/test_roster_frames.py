"""Roster frames: whatever the records are, each frame is one that its link takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.group.roster_frames import REST_BYTES, batches, control_frames, pairing_frames
from potluck.core.wire.catalogue import CONTROL, PAIRING, RosterRecord, encode


def record(size: int) -> RosterRecord:
    return RosterRecord(bytes(size), bytes(limits.ID_BYTES), bytes(limits.SIGNATURE_BYTES))


LONGEST = record(limits.STATEMENT_BYTES)
sizes = st.one_of(
    st.integers(0, limits.STATEMENT_BYTES),
    st.sampled_from([700, limits.STATEMENT_BYTES - 1, limits.STATEMENT_BYTES]),
)


@given(st.lists(sizes.map(record), max_size=100))
def test_every_frame_fits_its_link_and_nothing_is_left_out(records: list[RosterRecord]) -> None:
    told = control_frames(records)
    assert [CONTROL.decode(encode(frame)) for frame in told] == told
    assert [each for frame in told for each in frame.records] == records
    shown = pairing_frames(records)
    assert [PAIRING.decode(encode(frame)) for frame in shown] == shown
    assert [each for frame in shown for each in frame.records] == records
    assert [frame.last for frame in shown] == [False] * (len(shown) - 1) + [True] * bool(shown)


def test_as_many_are_in_a_frame_as_fit() -> None:
    small = [record(700)] * limits.ROSTER_CHUNK
    assert len(control_frames(small)) == 1
    assert len(control_frames([LONGEST] * limits.ROSTER_CHUNK)) == 3
    assert len(pairing_frames(small[: limits.PAIRING_RECORDS])) == 1
    assert len(pairing_frames([LONGEST, LONGEST])) == 2


def test_one_record_fits_the_shortest_frame_and_two_are_not_in_one_by_count() -> None:
    assert len(encode(LONGEST)) <= limits.PAIRING_FRAME_BYTES - REST_BYTES
    assert list(batches([LONGEST, LONGEST], limits.CONTROL_FRAME_BYTES, 1)) == [[LONGEST]] * 2
    assert list(batches([], limits.CONTROL_FRAME_BYTES, 1)) == []
