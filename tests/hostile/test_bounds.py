"""A member that says more than it signed, than was asked, or than anybody can use: what it costs.

Strategy: each attack is one function that returns what it achieved. It is made against the honest
pair, where it must achieve nothing, and against a pair whose one guard is off (unguarded.py), where
it must succeed: so it is that guard that stops it. Limits: an attack on the unguarded is ended as
soon as it shows, long before it does all the harm it could.
"""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.group.statements import admit
from potluck.core.keys.identity import DeviceKey
from potluck.core.ring.members import write_record
from potluck.core.wire.catalogue import (
    Address,
    FileRecord,
    Folder,
    Gone,
    Heads,
    Kind,
    ManifestAsk,
    ManifestPage,
    PiecesAsk,
    PiecesPage,
    RosterRecords,
    Status,
    Update,
)
from potluck.engine.notice_board import OF_ONE_DEVICE
from potluck.shells.links.stream import Stream
from tests.hostile import daemons
from tests.hostile.daemons import Daemon, Pair
from tests.hostile.rogue import Control, Rogue, heads_of

MIB = limits.MIB
ATTACK_S = 4.0  # an attack that works shows within a second or two
ELSEWHERE = "127.99.1.2"  # this machine, and no address of any device's
_labels = itertools.count(1)


@pytest.fixture
def unguarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """A pair with the guard off that the test names."""
    with daemons.pair(tmp_path, request.param) as devices:
        yield devices


def attacking(pair: Pair, attack: Callable[[Rogue, Control], Any]) -> Any:
    """Let a fresh member of this pair attack; returns what it achieved."""
    rogue = Rogue(f"bounded-{next(_labels)}", pair)
    control = rogue.control(pair.a)
    try:
        return attack(rogue, control)
    finally:
        control.close()
        rogue.close()


def watch(growth: Callable[[], int], enough: int) -> int:
    """Watch something grow for a while; returns by how much, at once if it is more than enough."""
    end, before = time.monotonic() + ATTACK_S, growth()
    while time.monotonic() < end and growth() - before <= enough:
        time.sleep(0.05)
    return growth() - before


def index_bytes(device: Daemon) -> int:
    """How much room the index takes."""
    return sum(path.stat().st_size for path in device.home.glob("potluck.sqlite*"))


# -- pages without end -----------------------------------------------------------------------------
PAGES_BYTES = 8 * MIB


def endless_pages(pair: Pair) -> Callable[[Rogue, Control], int]:
    """Sign one record, bring as many as are asked for; returns by how much the index grew."""

    def attack(rogue: Rogue, control: Control) -> int:
        def answer(request: Any, stream: Stream) -> None:
            if not isinstance(request, ManifestAsk):
                stream.send(Gone())
                return
            first = request.since + 1
            records = [
                FileRecord(
                    b"%020d/" % seq + b"/".join(letter * 250 for letter in (b"x", b"y", b"z")),
                    Kind.FILE, 1, 0, False, limits.PIECE_MIN_BYTES, bytes(32), seq,
                )
                for seq in range(first, first + 900)
            ]  # fmt: skip
            page = ManifestPage(rogue.key.device, Folder.OWN, records, [], first + 899, 0, None)
            stream.send(page)

        rogue.answers = answer
        rogue.listen(pair.a)
        control.say(Heads([heads_of(rogue.key, [], 2**52, count=1)]))
        return watch(lambda: index_bytes(pair.a), PAGES_BYTES)

    return attack


def test_pages_without_end_do_not_fill_the_index(attacked: Pair) -> None:
    assert attacking(attacked, endless_pages(attacked)) <= PAGES_BYTES
    told = [notice["text"] for notice in attacked.a.notices()]
    assert [text for text in told if "names more files in the folder of" in text]


@pytest.mark.full
@pytest.mark.parametrize("unguarded", ["pages"], indirect=True)
@pytest.mark.proof
def test_without_the_budget_of_pages_they_do(unguarded: Pair) -> None:
    assert attacking(unguarded, endless_pages(unguarded)) > PAGES_BYTES


# -- a piece list without end ----------------------------------------------------------------------
LIST_BYTES = 60 * MIB


def endless_list(pair: Pair) -> Callable[[Rogue, Control], int]:
    """Sign 100 MiB, list 1 PiB; returns by how much the memory grew."""

    def attack(rogue: Rogue, control: Control) -> int:
        size, junk = 100 * MIB, os.urandom(limits.PIECE_HASHES_BYTES // 32 * 32)
        record = FileRecord(
            b"big", Kind.FILE, size, 0, False, limits.PIECE_MIN_BYTES, os.urandom(32), 1
        )
        head = heads_of(rogue.key, [record], 1)

        def answer(request: Any, stream: Stream) -> None:
            match request:
                case ManifestAsk():
                    stream.send(ManifestPage(owner, Folder.OWN, [record], [], 1, 0, head))
                case PiecesAsk(root, first):
                    most = limits.FILE_MAX_BYTES, limits.PIECE_MAX_BYTES
                    stream.send(PiecesPage(root, *most, first, junk))
                case _:
                    stream.send(Gone())

        owner = rogue.key.device
        rogue.answers = answer
        rogue.listen(pair.a)
        control.say(Heads([head]))
        return watch(lambda: pair.a.memory_bytes, LIST_BYTES)

    return attack


def test_a_list_without_end_does_not_fill_the_memory(attacked: Pair) -> None:
    assert attacking(attacked, endless_list(attacked)) <= LIST_BYTES
    assert "wrong_content" not in attacked.a.codes(), "it may be the record that lies"


@pytest.mark.full
@pytest.mark.parametrize("unguarded", ["lists"], indirect=True)
@pytest.mark.proof
def test_a_daemon_that_believes_the_holder_fills_it(unguarded: Pair) -> None:
    assert attacking(unguarded, endless_list(unguarded)) > LIST_BYTES


# -- addresses of others ---------------------------------------------------------------------------
def far_addresses(_pair: Pair) -> Callable[[Rogue, Control], int]:
    """Say that invented members are elsewhere; returns how often somebody dialled there."""

    def attack(rogue: Rogue, control: Control) -> int:
        came = list[str]()
        with ExitStack() as held:

            def listen(host: str) -> int:
                listener = held.enter_context(socket.create_server((host, 0), backlog=64))

                def accept() -> None:
                    with suppress(OSError):
                        while True:
                            with listener.accept()[0]:
                                came.append(host)

                threading.Thread(target=accept, daemon=True).start()
                return int(listener.getsockname()[1])

            said = [
                Address(ELSEWHERE, listen(ELSEWHERE)),
                Address("localhost", listen("127.0.0.1")),
            ]
            keys = [DeviceKey(os.urandom(64)) for _ in said]
            group = rogue.roster.group
            admitted = [
                admit(rogue.key, group, key.certificate, key.sealing_public, f"far{next(_labels)}")
                for key in keys
            ]
            control.say(RosterRecords(admitted))
            assert control.answers()
            records = [
                write_record(key, os.urandom(16), [address], 1, 50 + seat, Status.ALIVE)
                for seat, (key, address) in enumerate(zip(keys, said, strict=True))
            ]
            control.say(Update(records, bytes(8)))
            return watch(lambda: len(came), 0)

    return attack


def test_addresses_that_a_member_names_elsewhere_are_not_dialled(attacked: Pair) -> None:
    assert attacking(attacked, far_addresses(attacked)) == 0


@pytest.mark.full
@pytest.mark.parametrize("unguarded", ["dials"], indirect=True)
@pytest.mark.proof
def test_a_daemon_that_believes_them_dials_them(unguarded: Pair) -> None:
    assert attacking(unguarded, far_addresses(unguarded)) > 0


# -- notices without end ---------------------------------------------------------------------------
def flipping(pair: Pair) -> Callable[[Rogue, Control], tuple[int, bool]]:
    """Come and leave 1,500 times; returns how many notices there are of it, and whether those that
    were there before still are.
    """

    def attack(rogue: Rogue, control: Control) -> tuple[int, bool]:
        before = {notice["number"] for notice in pair.a.notices()}
        key, counts = DeviceKey(rogue.key.secret), itertools.count(2)
        for _ in range(60):
            turns = [(next(counts), status) for status in (Status.LEFT, Status.ALIVE) * 12]
            records = [
                write_record(key, rogue.instance, [], count, 60, status) for count, status in turns
            ]
            control.say(Update(records, bytes(8)))
            assert control.answers()
        notices = pair.a.notices()
        of_it = [notice for notice in notices if notice["subject"] == rogue.label]
        return len(of_it), before <= {notice["number"] for notice in notices}

    return attack


def test_notices_without_end_crowd_out_nobody_s(attacked: Pair) -> None:
    count, others_stay = attacking(attacked, flipping(attacked))
    assert others_stay
    assert 0 < count <= 4 * OF_ONE_DEVICE


@pytest.mark.full
@pytest.mark.parametrize("unguarded", ["notices"], indirect=True)
@pytest.mark.proof
def test_without_the_board_they_do(unguarded: Pair) -> None:
    count, others_stay = attacking(unguarded, flipping(unguarded))
    assert count > 4 * OF_ONE_DEVICE
    assert not others_stay
