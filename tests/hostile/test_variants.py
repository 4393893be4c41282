"""Many small kinds of abuse by one member, each as a storm: what none of them may do.

Strategy: one table of what is said on a control or bulk link; after each of them the pair must be
unharmed (daemons.py), have met no fault of potluck's own, and have stayed within the memory it may
have. Limits: nothing here is known to harm with any one guard off, so there are no proofs; whatever
does harm once gets a test of its own beside its proof.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.group.statements import admit
from potluck.core.ring.members import write_record
from potluck.core.wire.catalogue import (
    Address,
    Decrement,
    DialMe,
    FilesAsk,
    FlushAsk,
    Folder,
    Head,
    Heads,
    HeadsAsk,
    Holding,
    Join,
    Kept,
    LinkKind,
    ManifestAsk,
    PairRecords,
    PairVerdict,
    ProbeFor,
    ProbeResult,
    Redirect,
    RosterDigest,
    RosterRecord,
    RosterRecords,
    Status,
    Sync,
    Update,
    Welcome,
    encode_frame,
)
from potluck.engine.faults import FAULTS
from tests.hostile.daemons import Pair
from tests.hostile.rogue import Rogue, heads_of

STORM = 200
VERDICT = PairVerdict(admitted=True, reason="", signature=bytes(64))
Says = Callable[[Rogue, Pair], Iterator[object]]
pytestmark = pytest.mark.full


def holding(owner: bytes, number: int) -> Holding:
    return Holding(owner, Folder.OWN, 1, number, limits.SEQ_MAX, 2**40, limits.SEQ_MAX)


def foreign_heads(rogue: Rogue, _pair: Pair) -> Iterator[object]:
    """Of 200 owners that are nobody, again and again others."""
    head = heads_of(rogue.key, [], 5)
    for _ in range(20):
        yield Heads([replace(head, owner=os.urandom(32)) for _ in range(limits.HEADS_CHUNK)])


def millions_kept(rogue: Rogue, pair: Pair) -> Iterator[object]:
    """To hold 200 manifests of nobody, of each honest one all numbers there are."""
    for number in range(60):
        yield Kept([holding(os.urandom(32), number) for _ in range(limits.HEADS_CHUNK)])
        yield Kept([holding(rogue.device_of(one), number) for one in pair.devices] * 20)


def twisted_founder(rogue: Rogue, _pair: Pair) -> Iterator[object]:
    """The records of the roster with one byte changed, another signer, or another signature."""
    for record in rogue.roster.records():
        for at in range(0, len(record.body), max(len(record.body) // 30, 1)):
            body = bytearray(record.body)
            body[at] ^= 1
            yield RosterRecords([RosterRecord(bytes(body), record.by, record.signature)])
            signed = rogue.key.sign(b"roster", bytes(body))
            yield RosterRecords([RosterRecord(bytes(body), rogue.key.device, signed)])
            yield RosterRecords([RosterRecord(record.body, rogue.key.device, record.signature)])


def admits_the_honest_anew(rogue: Rogue, _pair: Pair) -> Iterator[object]:
    """Under other labels, and itself, and the founder."""
    group = rogue.roster.group
    for entry in rogue.roster.members.values():
        for number in range(20):
            label = f"again {number}"
            yield RosterRecords([admit(rogue.key, group, entry.certificate, entry.sealing, label)])


def many_seats(rogue: Rogue, _pair: Pair) -> Iterator[object]:
    """Records of its own with every seat and number."""
    key = rogue.key
    for number in range(STORM):
        seat = [0, 1, 2**32, limits.SEQ_MAX - 1][number % 4]
        record = write_record(key, rogue.instance, [], number + 2, seat, Status.ALIVE)
        yield Update([record], bytes(8))
        yield Decrement(record, seat, bytes(8))
        yield Join(record)
        yield Welcome(seat, [record])


def foreign_members(rogue: Rogue, pair: Pair) -> Iterator[object]:
    """Records of the honest, signed by the rogue, of nobody, and dead."""
    for number in range(STORM):
        record = write_record(rogue.key, rogue.instance, [], number + 500, 3, Status.DEAD)
        victim = rogue.device_of(pair.devices[number % 2])
        yield Update([replace(record, device=victim)], bytes(8))
        yield Sync([replace(record, device=os.urandom(32))] * 5, os.urandom(8), True)


def redirects(rogue: Rogue, pair: Pair) -> Iterator[object]:
    for number in range(STORM):
        addresses = [Address("127.0.0.1", 1 + number), Address("fe80::1", 9)]
        yield Redirect(os.urandom(32), addresses)
        yield Redirect(rogue.device_of(pair.a), addresses)


EACH: dict[str, Says] = {
    "heads of nobody": foreign_heads,
    "kept by the million": millions_kept,
    "the founder's records twisted": twisted_founder,
    "the honest let in anew": admits_the_honest_anew,
    "every seat": many_seats,
    "members of others": foreign_members,
    "redirects": redirects,
    "dial me": lambda _r, _p: (DialMe(kind) for _ in range(STORM) for kind in LinkKind),
    "probes for nobody": lambda _r, _p: (ProbeFor(n, os.urandom(32)) for n in range(5 * STORM)),
    "probes in a loop": lambda r, p: (ProbeFor(n, r.device_of(p.a)) for n in range(5 * STORM)),
    "probes for itself": lambda r, _p: (ProbeFor(n, r.key.device) for n in range(5 * STORM)),
    "results of no probe": lambda _r, _p: (ProbeResult(n, os.urandom(32)) for n in range(STORM)),
    "flushes": lambda _r, _p: (FlushAsk(n) for n in range(5 * STORM)),
    "digests": lambda _r, _p: (RosterDigest(os.urandom(8)) for _ in range(5 * STORM)),
    "asks for heads": lambda _r, _p: (HeadsAsk(os.urandom(8)) for _ in range(5 * STORM)),
    "pairing on a control link": lambda r, _p: (
        PairRecords(r.roster.records(), last=True) if n % 2 else VERDICT for n in range(STORM)
    ),
}


def without_faults(pair: Pair) -> None:
    for device in pair.devices:
        assert not device.state()["counters"].get(FAULTS), device.said()


@pytest.mark.parametrize("says", EACH.values(), ids=EACH)
def test_a_storm_on_a_control_link_harms_nobody(attacked: Pair, rogue: Rogue, says: Says) -> None:
    link = rogue.control(attacked.a)
    for message in says(rogue, attacked):
        link.say(message)
    link.close()
    attacked.unharmed()
    without_faults(attacked)


@pytest.mark.parametrize("kind", [LinkKind.BULK, LinkKind.NEWS])
def test_frames_that_do_not_belong_on_a_bulk_link_cost_that_link(
    attacked: Pair, rogue: Rogue, kind: LinkKind
) -> None:
    head: Head = heads_of(rogue.key, [], 5)
    frames = [
        Heads([head]), RosterRecords(rogue.roster.records()), DialMe(kind), FlushAsk(1),
        FilesAsk([os.urandom(32)] * limits.PACK_FILES), VERDICT,
        ManifestAsk(rogue.device_of(attacked.a), Folder.OWN, limits.SEQ_MAX, limits.SEQ_MAX),
    ]  # fmt: skip
    for frame in frames:
        stream = rogue.open(attacked.a, kind)
        with suppress(OSError):
            for _ in range(50):
                stream.send_bytes(encode_frame(frame))
        stream.close()
    attacked.unharmed()
    without_faults(attacked)
