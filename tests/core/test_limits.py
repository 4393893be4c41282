"""The limits agree with each other: what must fit into something else does."""

from __future__ import annotations

from pathlib import Path

import msgspec

from potluck.core import limits
from potluck.core.wire.catalogue import (
    Address,
    Folder,
    Head,
    MemberRecord,
    RosterRecord,
    Status,
    encode,
)

SOURCE = Path(limits.__file__).read_text(encoding="utf-8")


def longest_member_record() -> MemberRecord:
    addresses = [Address("x" * 64, 65535)] * limits.ADDRESSES_PER_DEVICE
    top = limits.SEQ_MAX
    signed = {"signature": bytes(64), "accuser": bytes(32), "accusation": bytes(64)}
    return MemberRecord(bytes(32), bytes(16), addresses, top, top, Status.SUSPECT, **signed)


def test_the_longest_page_of_member_records_fits_a_control_frame() -> None:
    assert (
        limits.SYNC_RECORDS * len(encode(longest_member_record()))
        < limits.CONTROL_FRAME_BYTES - 200
    )


def test_usual_records_of_a_ping_fit_a_datagram() -> None:
    record = msgspec.structs.replace(
        longest_member_record(), addresses=[], accuser=b"", accusation=b""
    )
    assert limits.DATAGRAM_RECORDS * len(encode(record)) < limits.DATAGRAM_BYTES - 200


def test_roster_and_head_chunks_fit_a_control_frame() -> None:
    admission = RosterRecord(bytes(900), bytes(32), bytes(64))
    assert limits.ROSTER_CHUNK * len(encode(admission)) < limits.CONTROL_FRAME_BYTES
    head = Head(
        bytes(32),
        Folder.EVERYONE,
        limits.SEQ_MAX,
        limits.SEQ_MAX,
        limits.SEQ_MAX,
        bytes(32),
        bytes(16),
        bytes(64),
    )
    assert limits.HEADS_CHUNK * len(encode(head)) < limits.CONTROL_FRAME_BYTES


def test_patience_is_ordered() -> None:
    assert limits.SUSPICION_FAST_S < limits.SUSPICION_MIN_S < limits.SUSPICION_S
    assert limits.PROBE_TIMEOUT_MIN_S <= limits.PROBE_TIMEOUT_S < limits.PROBE_S
    assert limits.SUSPICION_S < limits.ACCUSATION_S < limits.FORGET_S
    assert tuple(sorted(limits.DIAL_BACKOFF_S)) == limits.DIAL_BACKOFF_S


def test_every_limit_gives_its_reason_or_stands_beside_one() -> None:
    bare = [
        line
        for line in SOURCE.splitlines()
        if line[:1].isupper() and " = " in line and "#" not in line
    ]
    assert len(bare) < 35, bare
