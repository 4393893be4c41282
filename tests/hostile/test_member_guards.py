"""Attacks on one guard each, most of them by a member: with the guard they achieve nothing, without
it they do.

Strategy: as in test_guards.py; the guards are those of unguarded_members.py. What another user of
the machine tries is done by a process of another user. Limits: that takes root; elsewhere these
two are skipped.
"""

from __future__ import annotations

import itertools
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.group.statements import Admit
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.ring.members import accuse, write_record
from potluck.core.wire.catalogue import (
    Decrement,
    Done,
    FileAsk,
    FileRecord,
    Gone,
    Head,
    Heads,
    Holding,
    Kept,
    ManifestAsk,
    ManifestPage,
    MemberRecord,
    PieceHeader,
    PiecesAsk,
    PiecesPage,
    RosterRecord,
    RosterRecords,
    Status,
    Update,
    encode,
)
from potluck.core.wire.catalogue import Folder as Manifest
from potluck.shells.links import knock
from potluck.shells.links.knock import CHALLENGE_BYTES
from potluck.shells.links.stream import Stream
from tests.devices import free_port, until
from tests.hostile import test_guards
from tests.hostile.daemons import Daemon, Pair
from tests.hostile.rogue import Rogue, heads_of
from tests.hostile.test_bulk_links import BIG, BIG_HASHES, BIG_ROOT, PIECE, content_of, serve
from tests.hostile.test_control_links import record_of
from tests.hostile.test_guards import MOMENT_S, PROOF_S, achieved, shows, stays_open
from tests.hostile.test_strangers import bare_context, client_hello, connect

pytestmark = pytest.mark.full
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="to be another user takes root")
NOBODY = 65534
MANY_PAGES = 200
CLAIMS = 30_000
HEARD_S = 60.0  # of fair time: until all that was said was heard
CLAIMED_BYTES = 5 * limits.MIB
EVIL = b"evil"
EVIL_ROOT = content_of(EVIL)[0]
_numbers = itertools.count(1)


# -- strangers -------------------------------------------------------------------------------------
def reads_a_certificate(pair: Pair, _rogue: Rogue) -> bool:
    """Knock wrongly, and see who is there."""
    with connect(pair.a) as sock:
        sock.recv(CHALLENGE_BYTES, socket.MSG_WAITALL)
        sock.sendall(b"K" + bytes(knock.CHALLENGE_BYTES + knock.PROOF_BYTES))
        with suppress(ssl.SSLError, OSError), bare_context().wrap_socket(sock) as secured:
            return bool(secured.getpeercert(binary_form=True))
    return False


def half_a_handshake(pair: Pair, _rogue: Rogue) -> bool:
    """Begin a TLS handshake and stay."""
    begun = b"P" + client_hello()[:40]  # before: to knock there is a second
    with connect(pair.a) as sock:
        sock.sendall(begun)
        return stays_open(sock, limits.HANDSHAKE_S + 2.0)


# -- the ring --------------------------------------------------------------------------------------
def dead_by_the_word_of_two(pair: Pair, rogue: Rogue) -> bool:
    """Invent two devices that sit in the ring, and have both say that another one is dead."""
    control, other = rogue.control(pair.a), rogue.control(pair.b)
    seated: list[DeviceKey] = []

    def is_believed() -> bool:
        witnesses = [DeviceKey(os.urandom(64)) for _ in range(2)]  # nobody listens twice to one
        seated.extend(witnesses)
        control.say(
            RosterRecords([admitted(rogue, key, f"witness {next(_numbers)}") for key in witnesses]),
            Update([seat_of(key, Status.ALIVE) for key in witnesses], b""),
        )
        assert control.answers()
        accused = other.record()
        control.say(Update([accuse(key, accused, Status.DEAD) for key in witnesses], b""))
        return shows(lambda: is_called_dead(pair), MOMENT_S)

    try:
        return shows(is_believed)
    finally:
        control.say(Update([seat_of(key, Status.LEFT) for key in seated], b""))
        control.close()
        other.close()


def seat_of(key: DeviceKey, status: Status) -> MemberRecord:
    """The record of a device that is said to sit in the ring, or to have left it."""
    number = 1 if status is Status.ALIVE else 2
    return write_record(key, bytes(16), [], number, 10, status)


def is_called_dead(pair: Pair) -> bool:
    """Whether the first of a pair says that the other is gone."""
    return any(
        notice["code"] == "node_dead" and notice["subject"] == pair.b.label
        for notice in pair.a.notices()
    )


def admitted(rogue: Rogue, key: DeviceKey, label: str) -> RosterRecord:
    """The record by which a rogue lets somebody in, under any name."""
    body = encode(Admit(rogue.roster.group, key.certificate, key.sealing_public, label))
    return RosterRecord(body, rogue.key.device, rogue.key.sign(b"roster", body))


def the_decrement_of_somebody_else(pair: Pair, rogue: Rogue) -> bool:
    """Say goodbye for another node."""
    control, other = rogue.control(pair.a), rogue.control(pair.b)
    record = other.record()
    incarnations = itertools.count(record.incarnation + 5, 5)

    def is_believed() -> bool:
        left = replace(record, status=Status.LEFT, incarnation=next(incarnations))
        control.say(Decrement(left, 1, b""))
        return pair.a.of() not in {0, len(pair.devices)}

    try:
        return shows(is_believed)
    finally:
        control.close()
        other.close()


def a_name_for_the_screen(pair: Pair, rogue: Rogue) -> bool:
    """Let a device in whose name clears the screen."""
    control, label = rogue.control(pair.a), f"\x1b[2J{next(_numbers)}"
    try:
        control.say(RosterRecords([admitted(rogue, DeviceKey(os.urandom(64)), label)]))
        assert control.answers()
        return any("\x1b" in device["label"] for device in pair.a.state()["devices"])
    finally:
        control.close()


# -- folders ---------------------------------------------------------------------------------------
def publish(rogue: Rogue, owner: DeviceId, record: FileRecord, head: Head) -> None:
    """Have the one record of a manifest, and its content."""

    def answer(request: Any, stream: Stream) -> None:
        if isinstance(request, ManifestAsk):
            page = ManifestPage(owner, Manifest.OWN, [record], [], record.seq, 0, head)
            stream.send(page)
        else:
            serve(request, stream, EVIL)

    rogue.answers = answer


def a_file_in_the_folder_of_somebody_else(pair: Pair, rogue: Rogue) -> bool:
    """Sign for another owner, and put a file into its folder."""
    owner = rogue.device_of(pair.b)
    record = record_of(b"evil", len(EVIL), EVIL_ROOT)
    head = replace(heads_of(rogue.key, [record], 1), owner=owner, generation=9)
    publish(rogue, owner, record, head)
    rogue.listen(pair.a)
    control = rogue.control(pair.a)

    def is_there() -> bool:
        control.say(Heads([head]), Kept([Holding(owner, Manifest.OWN, 9, 1, 0, 0)]))
        return (pair.a.copy_of(pair.b) / "evil").exists()

    try:
        return shows(is_there)
    finally:
        control.close()


def two_heads_of_one_number(pair: Pair, rogue: Rogue) -> bool:
    """Sign two contents of a folder under one number, and have one of them taken for it."""
    records = [record_of(name, len(EVIL), EVIL_ROOT) for name in (b"x", b"y")]
    heads = [heads_of(rogue.key, [record], 1) for record in records]
    publish(rogue, rogue.key.device, records[0], heads[0])
    rogue.listen(pair.a)
    control = rogue.control(pair.a)
    control.say(Heads(heads), Kept([Holding(rogue.key.device, Manifest.OWN, 1, 1, 0, 0)]))
    try:
        return shows((pair.a.folder / "Shared" / rogue.label / "x").exists)
    finally:
        control.close()


def is_asked_for(pair: Pair, rogue: Rogue, head: Head, pages: int) -> bool:
    """Whether so many pages of a manifest are asked for, each of which says nothing."""
    page = ManifestPage(rogue.key.device, Manifest.OWN, [], [], 0, 0, None)
    rogue.answers = lambda _request, stream: stream.send(page)
    rogue.listen(pair.a)
    control = rogue.control(pair.a)
    control.say(Heads([head]))
    try:
        return shows(lambda: sum(isinstance(one, ManifestAsk) for one in rogue.asked) >= pages)
    finally:
        control.close()


def ten_million_records(pair: Pair, rogue: Rogue) -> bool:
    """Sign more than anybody may have, and be asked for it."""
    count = 10_000_000
    return is_asked_for(pair, rogue, heads_of(rogue.key, [], count, count=count), 1)


def pages_of_nothing(pair: Pair, rogue: Rogue) -> bool:
    """Answer with pages that say nothing, and be asked for the next one for ever."""
    return is_asked_for(pair, rogue, heads_of(rogue.key, [], 5), MANY_PAGES)


def claims_without_end(pair: Pair, rogue: Rogue) -> bool:
    """Say to hold tens of thousands of folders, and have all that remembered."""
    control = rogue.control(pair.a)
    assert control.answers()
    before = pair.a.memory_bytes

    def grown() -> bool:
        return pair.a.memory_bytes - before > CLAIMED_BYTES

    try:
        for _ in range(CLAIMS // limits.HEADS_CHUNK):
            owners = [os.urandom(32) for _ in range(limits.HEADS_CHUNK)]
            control.say(Kept([Holding(one, Manifest.OWN, 1, 1, 1, 1) for one in owners]))
        number = control.ask()
        # who remembers all of them is busy with that for long, and need not come to an answer
        assert until(lambda: grown() or control.answered(number), patience_s=HEARD_S)
        return grown()
    finally:
        control.close()


def wrong_pieces(pair: Pair, rogue: Rogue) -> bool:
    """List the right pieces of a large file, and send others."""
    record = record_of(b"big", len(BIG), BIG_ROOT)
    head = heads_of(rogue.key, [record], 1)

    def answer(request: Any, stream: Stream) -> None:
        match request:
            case ManifestAsk():
                own = rogue.key.device
                stream.send(ManifestPage(own, Manifest.OWN, [record], [], 1, 0, head))
            case PiecesAsk():
                stream.send(PiecesPage(BIG_ROOT, len(BIG), PIECE, 0, BIG_HASHES))
            case FileAsk():
                for piece in request.pieces:
                    length = min(PIECE, len(BIG) - piece * PIECE)
                    stream.send(PieceHeader(piece, length))
                    stream.send_bytes(bytes(length))
                stream.send(Done())
            case _:
                stream.send(Gone())

    rogue.answers = answer
    rogue.listen(pair.a)
    control = rogue.control(pair.a)
    control.say(Heads([head]))
    try:
        return shows((pair.a.folder / "Shared" / rogue.label / "big").exists)
    finally:
        control.close()


ATTACKS: dict[str, Callable[[Pair, Rogue], bool]] = {
    "knocks": reads_a_certificate,
    "handshakes": half_a_handshake,
    "kin": dead_by_the_word_of_two,
    "labels": a_name_for_the_screen,
    "disputes": two_heads_of_one_number,
    "counts": ten_million_records,
    "plausible": pages_of_nothing,
    "claims": claims_without_end,
    "pieces": wrong_pieces,
}
SIGNED = {
    "decrement": the_decrement_of_somebody_else,
    "folder": a_file_in_the_folder_of_somebody_else,
}


@pytest.mark.parametrize("attack", [*ATTACKS.values(), *SIGNED.values()], ids=[*ATTACKS, *SIGNED])
def test_with_its_guard_an_attack_achieves_nothing(
    attacked: Pair, attack: Callable[[Pair, Rogue], bool]
) -> None:
    rogue = Rogue(f"guarded-{time.monotonic_ns() % 10**6}", attacked)
    try:
        assert not attack(attacked, rogue)
    finally:
        rogue.close()


@pytest.mark.proof
@pytest.mark.parametrize("guard", ATTACKS)
def test_without_its_guard_it_does(
    tmp_path: Path, guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_guards, "SHOWS_S", PROOF_S)
    assert achieved(tmp_path, guard, ATTACKS[guard])


@pytest.mark.proof
@pytest.mark.parametrize("attack", SIGNED.values(), ids=SIGNED)
def test_where_no_signature_is_looked_at_it_does(
    tmp_path: Path, attack: Callable[[Pair, Rogue], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_guards, "SHOWS_S", PROOF_S)
    assert achieved(tmp_path, "signatures", attack)


# -- other users of the machine --------------------------------------------------------------------
READS = "sys.stdout.buffer.write(open('potluck.sqlite', 'rb').read(16))"
ASKS = f"""
sock = socket.socket(socket.AF_UNIX)
sock.settimeout({MOMENT_S * 10})
sock.connect('control.sock')
sock.sendall(b'GET /api/v1/state HTTP/1.1\\r\\nHost: potluck\\r\\n\\r\\n')
sys.stdout.buffer.write(sock.recv(100))
"""


def gets(device: Daemon, program: str) -> bytes:
    """What a program of another user gets that was started in the home of a device.

    What it imports it imports before: this Python may be for root alone.
    """
    begin = f"import os, socket, sys; os.chdir({str(device.home)!r}); os.setgroups([])"
    begin += f"; os.setgid({NOBODY}); os.setuid({NOBODY})\n"
    run = subprocess.run([sys.executable, "-c", begin + program], capture_output=True, check=False)
    return run.stdout


def begun_in_an_open_home(base: Path, *guards: str) -> Daemon:
    """A device whose home its owner made for everybody to look into."""
    device = Daemon(base / "alder", "alder")
    device.home.chmod(0o755)
    if guards:
        device.program = ("tests.hostile.unguarded", *guards, "--")
    return device.begin(free_port())


def has_read_the_index(base: Path, *guards: str) -> bool:
    """Whether another user has."""
    device = begun_in_an_open_home(base, *guards)
    try:
        return gets(device, READS).startswith(b"SQLite")
    finally:
        device.close()


def has_asked_for_the_state(base: Path, *guards: str) -> bool:
    """Whether another user was answered, once its owner had opened the socket to everybody."""
    device = begun_in_an_open_home(base, *guards)
    try:
        device.home.chmod(0o755)
        (device.home / "control.sock").chmod(0o666)
        return gets(device, ASKS).startswith(b"HTTP/1.1 200")
    finally:
        device.close()


@needs_root
def test_another_user_reads_no_index(tmp_path: Path) -> None:
    assert not has_read_the_index(tmp_path)


@needs_root
@pytest.mark.proof
def test_in_a_home_that_is_left_open_it_does(tmp_path: Path) -> None:
    assert has_read_the_index(tmp_path, "home")


@needs_root
def test_another_user_is_not_answered(tmp_path: Path) -> None:
    assert not has_asked_for_the_state(tmp_path)


@needs_root
@pytest.mark.proof
def test_where_nobody_asks_who_calls_it_is(tmp_path: Path) -> None:
    assert has_asked_for_the_state(tmp_path, "callers")
