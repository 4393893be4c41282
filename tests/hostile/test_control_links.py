"""A hostile member on control links: frames that are none, and statements that are not its own to
make.
"""

from __future__ import annotations

import os
import time

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.content.manifest import sign_head
from potluck.core.content.pieces import file_root
from potluck.core.group.statements import Admit, found
from potluck.core.keys.identity import DeviceKey
from potluck.core.ring.members import accuse, write_record
from potluck.core.wire.catalogue import (
    Address,
    Decrement,
    FileRecord,
    Heads,
    HeadsAsk,
    Holding,
    Join,
    Kept,
    Kind,
    ProbeFor,
    Redirect,
    RosterDigest,
    RosterRecord,
    RosterRecords,
    Status,
    Sync,
    Update,
    Welcome,
    encode,
)
from potluck.core.wire.catalogue import Folder as Manifest
from tests.devices import Device, one_ring, until
from tests.hostile.daemons import Pair
from tests.hostile.rogue import WAIT_S, Control, Rogue, heads_of

EMPTY = file_root(0, limits.PIECE_MIN_BYTES, b"")
FAR = limits.SEQ_MAX
MANY = limits.HEADS_CHUNK  # in one message


# -- frames ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff",
        (limits.CONTROL_FRAME_BYTES + 1).to_bytes(4, "big") + bytes(limits.CONTROL_FRAME_BYTES + 1),
        bytes(4),
        b"\0\0\0\x01\xc1",
        b"\0\0\x10\0" + b"\x91" * 4096,
        b"\0\0\x10\0" + b"\x81\xa1t" * 1365 + b"\0",
        b"\0\0\0\x05\xdd\xff\xff\xff\xff",
        b"\0\0\0\x09\x82\xa1t\xa4ping\xa1",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=[
        "4-GiB",
        "one-too-long",
        "empty",
        "reserved",
        "deep",
        "deep-maps",
        "giant-array",
        "cut",
        "http",
    ],
)
def test_a_frame_that_is_none_ends_the_link_and_nothing_else(link: Control, said: bytes) -> None:
    link.raw(said)
    assert link.ended.wait(WAIT_S)


def test_a_frame_begun_and_never_ended(link: Control) -> None:
    link.raw(b"\0\0\xff\xff" + b"x" * 100)
    link.close()


def test_deep_nesting_in_an_unknown_field_is_ignored_or_ends_the_link(link: Control) -> None:
    link.body(b"\x82\xa1t\xa4ping\xa1x" + b"\x91" * 60_000 + b"\xc0")
    assert link.ended.wait(WAIT_S)


def test_unknown_messages_are_ignored(link: Control) -> None:
    for number in range(500):
        link.body(encode({"t": f"news {number}", "rows": [1, 2, 3]}))
    assert link.answers()


def test_messages_of_other_links_are_ignored(link: Control) -> None:
    for tag in (
        "manifest",
        "file",
        "hello",
        "beacon",
        "solicit",
        "offer",
        "pair_commit",
        "pair_records",
        "piece",
    ):
        link.body(encode({"t": tag}))
    assert link.answers()


def test_numbers_out_of_range_end_the_link(link: Control) -> None:
    link.body(encode({"t": "ping", "sequence": 2**63, "digest": b"", "heads": b""}))
    assert link.ended.wait(WAIT_S)


def test_one_byte_at_a_time(link: Control) -> None:
    frame = encode({"t": "later"})
    for byte in len(frame).to_bytes(4, "big") + frame:
        link.raw(bytes([byte]))
    assert link.answers()


# -- the ring --------------------------------------------------------------------------------------
def test_seats_and_incarnations_out_of_the_world(
    link: Control, rogue: Rogue, attacked: Pair
) -> None:
    """The rogue may ruin its own record; nobody believes in a seat that far away."""
    for incarnation, seat in ((FAR, FAR), (FAR - 1, 10**6), (FAR, 0)):
        mine = write_record(
            rogue.key, rogue.instance, [Address("127.0.0.1", 1)], incarnation, seat, Status.ALIVE
        )
        link.say(
            Update([mine], b""), Sync([mine], b"", reply=True), Join(mine), Welcome(FAR, [mine])
        )
    assert link.answers()
    left = write_record(rogue.key, rogue.instance, [], FAR, 0, Status.LEFT)
    link.say(Update([left], b""))
    until(lambda: one_ring(*attacked.devices))


def test_nobody_else_can_make_a_node_leave_or_move(
    link: Control, rogue: Rogue, attacked: Pair
) -> None:
    record = link.record()
    forged = [
        replace(record, status=Status.LEFT),
        replace(record, incarnation=record.incarnation + 5),
        replace(record, seat=record.seat + 9),
        replace(record, addresses=[Address("127.0.0.1", 9)]),
        replace(record, status=Status.LEFT, incarnation=FAR),
        replace(record, status=Status.DEAD),
        replace(record, status=Status.DEAD, accuser=rogue.key.device, accusation=bytes(64)),
        replace(
            record,
            signature=rogue.key.sign(b"member", encode(record)),
            incarnation=record.incarnation + 1,
        ),
    ]
    with_b = rogue.control(attacked.b)
    for one in forged:
        for at in (link, with_b):
            at.say(
                Decrement(one, 0, b""),
                Update([one], b""),
                Sync([one], b"", reply=False),
                Welcome(1, [one]),
            )
    assert link.answers()
    assert with_b.answers()
    # who stands still for a moment is in doubt for a moment
    until(lambda: all(map(nobody_left, attacked.devices)), attacked.said)
    with_b.close()


def nobody_left(device: Device) -> bool:
    """Whether it knows of two that are alive, and of nobody else."""
    ring = device.state().get("ring", [])
    return len(ring) == 2 and all(one["status"] == "alive" for one in ring)


def test_a_storm_of_accusations_drives_nobody_out(
    link: Control, rogue: Rogue, attacked: Pair
) -> None:
    """Each is refuted by the accused; who is refuted that often is not listened to any more."""
    with_b = rogue.control(attacked.b)
    links = (link, with_b)
    victims = [one.record() for one in links]
    seen: list[int] = []
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for at in links:
            for record in [
                r for one in list(at.heard) if isinstance(one, Update) for r in one.records
            ] or victims:
                if record.status is Status.ALIVE and record.device != rogue.key.device:
                    for status in (Status.SUSPECT, Status.DEAD):
                        for to in links:
                            to.say(Update([accuse(rogue.key, record, status)], b""))
            at.heard.clear()
        seen += [device.of() for device in attacked.devices]
    assert 2 * seen.count(2) > len(seen), seen
    until(lambda: one_ring(*attacked.devices), attacked.said)
    with_b.close()


def test_redirects_probes_and_joins_without_end(link: Control, rogue: Rogue) -> None:
    own = write_record(rogue.key, rogue.instance, [], 1, 0, Status.ALIVE)
    for number in range(300):
        link.say(
            Redirect(os.urandom(32), [Address("127.0.0.1", 1)] * 8),
            ProbeFor(number, os.urandom(32)),
            ProbeFor(number, rogue.key.device),
            Join(own),
            HeadsAsk(os.urandom(32)),
            RosterDigest(os.urandom(32)),
        )
    assert link.answers()


# -- heads -----------------------------------------------------------------------------------------
def record_of(path: bytes, size: int = 0, root: bytes = EMPTY, seq: int = 1) -> FileRecord:
    """A record of a file."""
    return FileRecord(
        path,
        Kind.FILE,
        size,
        0,
        executable=False,
        piece_size=limits.PIECE_MIN_BYTES,
        root=root,
        seq=seq,
    )


def test_heads_that_the_owner_did_not_sign(link: Control, rogue: Rogue, attacked: Pair) -> None:
    rogue.asked.clear()
    rogue.listen(attacked.a)
    honest = rogue.device_of(attacked.b)
    mine = heads_of(rogue.key, [record_of(b"x")], 1)
    lies = [
        replace(mine, signature=b""),
        replace(mine, signature=bytes(64)),
        replace(mine, seq=9),
        replace(mine, owner=honest),
        replace(mine, owner=rogue.device_of(attacked.a), generation=FAR, seq=FAR),
        replace(mine, owner=os.urandom(32)),
        replace(mine, folder=Manifest.EVERYONE),
    ]
    link.say(Heads(lies), *(Heads([lie] * MANY) for lie in lies))
    assert link.answers()
    assert not rogue.asked


def test_two_heads_with_one_number_freeze_the_folder_of_the_liar_only(attacked: Pair) -> None:
    twofaced = Rogue("twofaced", attacked)
    link = twofaced.control(attacked.a)
    link.say(
        Heads([heads_of(twofaced.key, [record_of(b"x")], 1)]),
        Heads([heads_of(twofaced.key, [record_of(b"y")], 1)]),
    )
    until(lambda: "folder_frozen" in attacked.a.codes(), attacked.said)
    link.close()


def test_heads_and_holdings_at_the_end_of_the_numbers(
    link: Control, rogue: Rogue, attacked: Pair
) -> None:
    owner = rogue.device_of(attacked.a)
    head = sign_head(
        replace(heads_of(rogue.key, [], 1), generation=FAR, seq=FAR, count=FAR, signature=b""),
        rogue.key,
    )
    link.say(
        Heads([head]),
        Kept([Holding(owner, Manifest.OWN, FAR, FAR, FAR, limits.FILE_MAX_BYTES)] * MANY),
    )
    link.say(Kept([Holding(os.urandom(32), Manifest.OWN, FAR, FAR, FAR, 0) for _ in range(MANY)]))
    assert link.answers()


# -- the roster ------------------------------------------------------------------------------------
def admission(rogue: Rogue, certificate: bytes, sealing: bytes, label: str) -> RosterRecord:
    """A record that is signed by a member, whatever it says."""
    body = encode(Admit(rogue.roster.group, certificate, sealing, label))
    return RosterRecord(body, rogue.key.device, rogue.key.sign(b"roster", body))


def test_roster_records_that_say_nothing(link: Control, rogue: Rogue, attacked: Pair) -> None:
    ghost = DeviceKey(os.urandom(64))
    bodies = [
        b"",
        b"\xc1",
        b"\x91" * 4000,
        encode({"t": "admit"}),
        encode({"t": "remove"}),
        os.urandom(4096),
    ]
    signed = [
        RosterRecord(body, rogue.key.device, rogue.key.sign(b"roster", body)) for body in bodies
    ]
    lies = [
        *signed,
        RosterRecord(b"", ghost.device, b""),
        found(rogue.key, "other", "rogue", bytes(32)),
        replace(
            admission(rogue, ghost.certificate, ghost.sealing_public, "ghost"), signature=bytes(64)
        ),
        replace(
            admission(rogue, ghost.certificate, ghost.sealing_public, "ghost"),
            by=rogue.device_of(attacked.a),
        ),
        admission(rogue, b"", ghost.sealing_public, "ghost"),
        admission(rogue, ghost.certificate[:-1], ghost.sealing_public, "ghost"),
        *(
            admission(rogue, ghost.certificate, ghost.sealing_public, label)
            for label in (
                "../up",
                "a/b",
                "",
                ".",
                "..",
                "x\n",
                "x\u202ey",
                "Everyone",
                ".potluck",
                "\x1b[2J",
            )
        ),
    ]
    link.say(*(RosterRecords([lie]) for lie in lies), RosterRecords(lies))
    link.say(
        RosterRecords([RosterRecord(os.urandom(900), os.urandom(32), bytes(64)) for _ in range(40)])
    )
    assert link.answers()
    labels = [device["label"] for device in attacked.a.state()["devices"]]
    assert not [
        label for label in labels if label not in ("alder", "birch", "rogue", "twofaced")
    ], labels


@pytest.mark.parametrize(
    "sealing", [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"]
)
def test_a_member_with_a_key_that_agrees_with_nobody_is_none(
    link: Control, rogue: Rogue, attacked: Pair, sealing: bytes
) -> None:
    """Else every knock, which is tried with the keys of all members, would end in its name."""
    ghost = DeviceKey(os.urandom(64))
    link.say(RosterRecords([admission(rogue, ghost.certificate, sealing, "ghost")]))
    assert link.answers()
    assert "ghost" not in [device["label"] for device in attacked.a.state()["devices"]]
    rogue.control(attacked.a).close()


def test_a_flood_on_the_control_link(link: Control, rogue: Rogue, attacked: Pair) -> None:
    """Honest delivery goes on in time while somebody talks as fast as it can."""
    update = encode(
        Update([write_record(rogue.key, rogue.instance, [], 1, 0, Status.ALIVE)] * 64, b"")
    )
    frame = (len(update).to_bytes(4, "big") + update) * 20
    end = time.monotonic() + 2
    while time.monotonic() < end:
        link.raw(frame)
    attacked.unharmed()
