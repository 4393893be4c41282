"""The limits agree with each other: what must fit into something else does."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import msgspec

from potluck.core import limits
from potluck.core.keys.sealing import OVERHEAD_BYTES
from potluck.core.wire.catalogue import (
    Address,
    Envelope,
    Folder,
    Head,
    MemberRecord,
    Ping,
    RosterRecord,
    RunEnd,
    Status,
    encode,
)
from tests.core.fakes import key


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


def test_the_longest_accusation_fits_a_sealed_ping() -> None:
    ping = Ping(limits.SEQ_MAX, bytes(8), bytes(8), [longest_member_record()])
    envelope = Envelope(bytes(32), bytes(16), limits.SEQ_MAX, msgspec.Raw(encode(ping)))
    assert len(encode(envelope)) + OVERHEAD_BYTES <= limits.DATAGRAM_BYTES


def test_what_a_pairing_carries_fits_its_frame() -> None:
    admission = RosterRecord(bytes(900), bytes(32), bytes(64))
    assert limits.PAIRING_RECORDS * len(encode(admission)) <= limits.PAIRING_FRAME_BYTES
    assert len(key(1).certificate) < limits.CERTIFICATE_BYTES / 3


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
        (RunEnd(limits.SEQ_MAX, limits.SEQ_MAX, bytes(16)),) * limits.RUNS_TOLD,
    )
    assert limits.HEADS_CHUNK * len(encode(head)) < limits.CONTROL_FRAME_BYTES


def test_patience_is_ordered() -> None:
    assert limits.SUSPICION_FAST_S < limits.SUSPICION_MIN_S < limits.SUSPICION_S
    assert limits.PROBE_TIMEOUT_MIN_S <= limits.PROBE_TIMEOUT_S < limits.PROBE_S
    assert limits.SUSPICION_S < limits.ACCUSATION_S < limits.FORGET_S
    assert tuple(sorted(limits.DIAL_BACKOFF_S)) == limits.DIAL_BACKOFF_S


def without_reason(source: str) -> list[str]:
    """The names that are set on the top level with no comment beside or directly above them."""
    lines = source.splitlines()
    found = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign):
            continue
        above = lines[node.lineno - 2] if node.lineno > 1 else ""
        beside = [line for line in lines[node.lineno - 1 : node.end_lineno] if "#" in line]
        if not beside and (not above.startswith("# ") or above.startswith("# --")):
            found.append(ast.unparse(node.targets[0]))
    return found


def test_every_limit_gives_its_reason() -> None:
    assert without_reason(Path(limits.__file__).read_text(encoding="utf-8")) == []


def test_a_limit_without_reason_is_found() -> None:
    told = "A = 1  # since\n# why\nB = 2\n"
    bare = "# -- a title ---\nC = 3\n\nD = (\n    4,\n)\n"
    assert without_reason(told + bare) == ["C", "D"]


def test_no_limit_is_there_for_nobody() -> None:
    """What is used by tests alone, as an oracle or a unit, is named here."""
    package = Path(limits.__file__).parents[1]
    source = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    used = Counter(re.findall(r"\b[A-Z]\w*", source))
    assert {name for name in vars(limits) if name.isupper() and used[name] == 1} == {"GIB"}
