"""A whole session, heard by somebody who is no member, names nobody and nothing (S6).

Strategy: hosts of their own on one bridge, and an ear on the bridge that hears every frame. Three
members of one group meet again behind closed doors, share, edit, rename and delete; one crashes and
comes back, one comes later and leaves again, all leave. What was heard is searched for the name of
every file, every label, device, group, certificate, key and content, in every form. The proof that
they would be found: in the same session without the seal on datagrams they are, and so they are
behind an open door.

Limits: an address, a size and a moment say something too; they are not hidden.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from potluck.core import limits
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import short_id
from potluck.core.keys.sealing import MAGIC
from potluck.engine.index import Index
from potluck.shells.state.home import home_paths
from tests.figures import record
from tests.hostile.searching import found_in
from tests.lan.conftest import devices, hosts  # noqa: F401 - fixtures
from tests.lan.hosts import Hosts
from tests.lan.potluck import Potluck, wait_for, wait_ring, write

pytestmark = [pytest.mark.full, pytest.mark.lan]
READY_S = 30.0
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it
SOL_PACKET, PACKET_STATISTICS = 263, 6  # linux/socket.h, linux/if_packet.h
APPLICATION_DATA = b"\x17\x03\x03"  # of TLS
RUN = secrets.token_hex(4)
LABELS = tuple(f"{word}-{RUN}-hill" for word in ("quillwort", "snowberry", "tamarind", "ulex"))
NAMES = tuple(f"mistletoe-{kind}-{RUN}" for kind in ("inventory", "letter", "second", "later"))
CONTENT = f"{RUN} is the secret of the mistletoe, that it has none. ".encode() * 30


class Unsealed(Potluck):
    """A device that seals nothing it says without a link."""

    program = ("tests.hostile.unguarded", "sealing", "--")


class Heard:
    """What the ear heard."""

    def __init__(self) -> None:
        self.data, self.missed = bytearray(), 0


@contextmanager
def ear(network: Hosts) -> Iterator[Heard]:
    """Hear every frame on the bridge meanwhile."""
    heard, over = Heard(), threading.Event()
    with network.ear() as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 * limits.MIB)
        sock.settimeout(0.1)

        def listen() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    heard.data.extend(sock.recv(70_000))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield heard
        finally:
            over.set()
            thread.join()
            statistics = sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
            heard.missed = struct.unpack("=II", statistics)[1]


def roster_of(node: Potluck) -> Roster:
    """What a device that does not run knows of its group."""
    index = Index.open(str(Path(home_paths(str(node.home)).state_dir, "potluck.sqlite")))
    try:
        records = index.roster.all()
    finally:
        index.close()
    roster = Roster(records[0])
    roster.add(records[1:])
    return roster


def secrets_of(roster: Roster) -> dict[str, bytes]:
    """Everything that names somebody or something, by what it is."""
    found = {f"file name {name}": name.encode() for name in NAMES}
    found |= {f"label {label}": label.encode() for label in LABELS}
    found |= {
        "content": CONTENT[:40],
        "group": roster.group,
        "short group": short_id(roster.group).encode(),
        "group name": roster.name.encode(),
        "group key": roster.group_key,
    }
    for entry in roster.members.values():
        found |= {
            f"id of {entry.label}": entry.device,
            f"short id of {entry.label}": short_id(entry.device).encode(),
            f"certificate of {entry.label}": entry.certificate,
            f"key of {entry.label}": entry.public_key,
            f"sealing key of {entry.label}": entry.sealing,
        }
    return found


@pytest.fixture
def group(hosts: Callable[[int], Hosts], tmp_path: Path) -> tuple[Hosts, list[Potluck], Roster]:  # noqa: F811
    """Four hosts; three have been members of one group, and do not run."""
    network = hosts(4)
    nodes = [Potluck(network, number, tmp_path, label) for number, label in enumerate(LABELS)]
    for node in nodes[:3]:
        node.start()
    wait_ring(nodes[:3], READY_S)
    for node in nodes[:3]:
        node.stop()
    roster = roster_of(nodes[0])
    assert len(roster.members) == 3
    return network, nodes, roster


def session(nodes: list[Potluck]) -> None:
    """All that devices do with each other behind closed doors."""
    one, other, third = nodes

    def equal() -> bool:
        return one.outline() == other.outline() and one.settled() and other.settled()

    for node in (one, other):
        node.start(open_door=False)
    wait_ring([one, other], READY_S)
    for name in NAMES[:2]:
        write(one.own / name, CONTENT)
    write(other.own / NAMES[2] / NAMES[0], os.urandom(100_000))
    wait_for(equal, READY_S, nodes)
    write(one.own / NAMES[0], CONTENT * 2)
    (one.own / NAMES[1]).rename(one.own / NAMES[3])
    wait_for(equal, READY_S, nodes)
    other.kill9()
    other.start(open_door=False)
    wait_ring([one, other], READY_S)
    (one.own / NAMES[0]).unlink()
    wait_for(equal, READY_S, nodes)
    third.start(open_door=False)
    wait_ring(nodes, READY_S)
    wait_for(lambda: third.outline() == one.outline() and third.settled(), READY_S, nodes)
    for node in (third, one, other):
        node.stop()


def test_who_hears_a_closed_session_learns_no_name(
    group: tuple[Hosts, list[Potluck], Roster],
) -> None:
    network, nodes, roster = group
    with ear(network) as heard:
        session(nodes[:3])
    assert heard.missed == 0
    data = bytes(heard.data)
    assert data.count(MAGIC) > 10
    assert data.count(APPLICATION_DATA) > 10
    found = found_in(data, secrets_of(roster))
    record(
        "S6",
        f"{len(found)} of {len(secrets_of(roster))} names, ids, keys and certificates found in "
        f"{len(data):,} bytes of a closed session",
        held=not found,
    )
    assert found == []


@pytest.mark.proof
def test_without_the_seal_the_same_session_names_them(
    group: tuple[Hosts, list[Potluck], Roster],
) -> None:
    network, nodes, roster = group
    unsealed = [Unsealed(network, node.i, node.home.parent, node.label) for node in nodes[:2]]
    with ear(network) as heard:
        for node in unsealed:
            node.start(open_door=False)
        wait_ring(unsealed, READY_S)
        for node in unsealed:
            node.stop()
    found = found_in(bytes(heard.data), secrets_of(roster))
    assert {f"id of {label}" for label in LABELS[:2]} <= set(found)


def test_behind_an_open_door_the_group_is_named(group: tuple[Hosts, list[Potluck], Roster]) -> None:
    network, nodes, roster = group
    member, newcomer = nodes[0], nodes[3]
    with ear(network) as heard:
        for node in (member, newcomer):
            node.start()
        wait_ring([member, newcomer], READY_S)
        for node in (member, newcomer):
            node.stop()
    found = found_in(bytes(heard.data), secrets_of(roster))
    assert {"group name", f"label {member.label}"} <= set(found)
