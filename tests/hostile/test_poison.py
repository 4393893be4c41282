"""Poison: small things of which a decoder might choke, as records, datagrams and introductions.

The oracle of each: files go on moving both ways, an honest newcomer gets in, `status` says that all
that was heard of is here and nothing is wrong, the counters of what nobody could use rise, and no
fault of potluck itself is told. Then the proof: with the guard of the decoders off the same
datagram raises inside the engine, which costs that datagram alone; with that guard off, too, no
file moves any more.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from potluck.core import limits
from potluck.core.errors import DiskTrouble
from potluck.core.group.statements import Admit
from potluck.core.keys.identity import DeviceKey
from potluck.core.keys.sealing import seal_to
from potluck.core.wire import framing
from potluck.core.wire.catalogue import Address, RosterRecord, RosterRecords, encode
from potluck.engine.engine import Engine
from potluck.engine.faults import FAULTS
from potluck.shells.links.knock import CHALLENGE_BYTES, introduction_knock
from tests.devices import Inside, Seen, devices_inside, one_ring, until
from tests.hostile.daemons import HOST, Pair, within
from tests.hostile.rogue import WAIT_S, Control, Rogue

REFUSED = "datagrams refused"
DEEP = b"\x91" * 1000 + b"\xc0"
DATAGRAMS = {
    "deep": b"\x91" * 1050 + b"\xc0",
    "deep-field": b"\x82\xa1t\xa6beacon\xa1z" + DEEP,
    "not-utf-8": b"\x81\xa1t\xa2\xff\xfe",
    "array-without-end": b"\xdd\xff\xff\xff\xff",
    "map-without-end": b"\xdf\xff\xff\xff\xff",
    "bytes-without-end": b"\xc6\xff\xff\xff\xff",
    "reserved": b"\xc1",
    "timestamp": b"\xd7\xff" + b"\xff" * 8,
    "nothing": b"",
}


def bodies(rogue: Rogue) -> list[bytes]:
    """What a member can sign that is no statement, or says nothing possible."""
    other = DeviceKey(os.urandom(64))
    made = Admit(rogue.roster.group, other.certificate, other.sealing_public, "xxxxx")
    whole, certificate = encode(made), other.certificate
    return [
        whole.replace(b"xxxxx", b"xx\xff\xffx"),
        whole.replace(b"xxxxx", b"\xed\xa0\x80xx"),
        bytes([whole[0] + 1]) + whole[1:] + b"\xa1z" + DEEP,
        whole.replace(certificate, bytes(len(certificate))),
        whole.replace(certificate, certificate[:-40] + bytes(40)),
        whole.replace(b"xxxxx", b"../.."),
        b"\x81\xa1t\xa2\xff\xfe",
        b"\x82\xa1t\xa5later\xa1z" + DEEP,
        b"\x91" * limits.STATEMENT_BYTES,
        b"",
    ]


def poison(rogue: Rogue) -> list[RosterRecord]:
    """These, signed by the rogue; and the same by nobody, waiting for their signer."""
    key = rogue.key
    signed = [RosterRecord(body, key.device, key.sign(b"roster", body)) for body in bodies(rogue)]
    return [*signed, *(RosterRecord(one.body, os.urandom(32), b"") for one in signed)]


def counted(device: Seen, name: str) -> int:
    """How often something came that nobody could use."""
    return int(device.state()["counters"].get(name, 0))


def without_faults(pair: Pair) -> None:
    """Nothing was a fault of potluck's, and all is well."""
    for device in pair.devices:
        assert counted(device, FAULTS) == 0
        assert "dropped" not in device.codes()
        until(lambda device=device: device.state()["synced"], pair.said)  # type: ignore[misc]
        assert device.state()["trouble_count"] == 0


def test_records_that_are_poison_stop_neither_files_nor_newcomers(
    attacked: Pair, rogue: Rogue, link: Control
) -> None:
    for record in poison(rogue):
        link.say(RosterRecords([record]))
        attacked.unharmed()
    link.say(*(RosterRecords(poison(rogue)[: limits.ROSTER_CHUNK]) for _ in range(30)))
    assert link.answers()
    newcomer = Rogue("newcomer", attacked)
    newcomer.close()
    assert newcomer.key.device in newcomer.roster.members
    without_faults(attacked)


@pytest.mark.parametrize("body", DATAGRAMS.values(), ids=DATAGRAMS)
def test_datagrams_that_are_poison_are_counted_and_nothing_else(
    attacked: Pair, rogue: Rogue, body: bytes
) -> None:
    before = [counted(device, REFUSED) for device in attacked.devices]
    for _ in range(5):
        for device in attacked.devices:
            rogue.datagram(body, device)
    for device, refused in zip(attacked.devices, before, strict=True):
        until(lambda device=device, refused=refused: counted(device, REFUSED) >= refused + 5)  # type: ignore[misc]
    attacked.unharmed()
    without_faults(attacked)


def test_introductions_that_are_poison_are_refused(attacked: Pair, rogue: Rogue) -> None:
    sealing = next(
        entry.sealing
        for entry in rogue.roster.members.values()
        if entry.device == rogue.device_of(attacked.a)
    )
    chains = [DEEP, b"\x91\x84\xa4body\xc4\x00\xa1z" + DEEP, b"\xdd\xff\xff\xff\xff", b"\xff"]
    for chain in chains:
        sealed = seal_to(sealing, os.urandom(32), b"introduction", chain)
        with socket.create_connection((HOST, attacked.a.port), WAIT_S) as sock:
            sock.recv(CHALLENGE_BYTES)
            sock.sendall(introduction_knock(sealed))
            assert sock.recv(1) in {b"N", b""}
    without_faults(attacked)


# -- the proof -------------------------------------------------------------------------------------
class Attackable:
    """A daemon inside this process, as a rogue sees it."""

    def __init__(self, inside: Inside) -> None:
        self.label, self.port = inside.label, int(inside.state()["port"])
        self.address = Address(HOST, self.port)


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[tuple[Rogue, Callable[[], None], list[Inside]]]:
    """Two honest devices, a rogue in their group, and what poisons the second of them."""
    with devices_inside(tmp_path) as start:
        devices = start("alder", "birch")
        until(lambda: one_ring(*devices))
        pair = type("Both", (), {"a": Attackable(devices[0]), "b": Attackable(devices[1])})
        rogue = Rogue("rogue", cast("Any", pair))
        until(lambda: len(devices[1].state()["devices"]) >= 2)

        def attack() -> None:
            rogue.datagram(DATAGRAMS["deep"], cast("Any", pair).b)

        yield rogue, attack, devices
        rogue.close()


def arrives(source: Inside, target: Inside, name: str, seconds: float) -> None:
    """A fresh file comes to the other side in time."""
    source.write(name, os.urandom(1024))
    within(seconds, (target.copy_of(source) / name).exists)


@pytest.mark.proof
def test_without_the_decoders_guard_a_datagram_costs_itself_alone(
    inside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, attack, (alder, birch) = inside
    monkeypatch.setattr(framing, "_NOT_A_MESSAGE", (msgspec.DecodeError,))
    for number in range(4):
        attack()
        until(lambda number=number: counted(birch, FAULTS) == number + 1)  # type: ignore[misc]
        arrives(alder, birch, f"file {number}", 5.0)
    assert birch.codes().count("dropped") == 1, "told once"
    until(birch.settled)


@pytest.mark.proof
def test_without_either_guard_no_file_moves(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, attack, (alder, birch) = inside
    transact = Engine._transact

    def as_if_it_were_the_disk(engine: Engine, work: Callable[[], object]) -> None:
        try:
            transact(engine, work)
        except Exception as error:
            engine._trouble.on_failed(engine.node.now, DiskTrouble(repr(error)))
            raise

    monkeypatch.setattr(framing, "_NOT_A_MESSAGE", (msgspec.DecodeError,))
    monkeypatch.setattr(Engine, "_transact", as_if_it_were_the_disk)
    for number in range(4):
        attack()
        until(lambda number=number: counted(birch, FAULTS) == number + 1)  # type: ignore[misc]
    with pytest.raises(AssertionError, match="not within"):
        arrives(alder, birch, "never", 4.0)
    assert birch.state()["state"] == "trouble"
