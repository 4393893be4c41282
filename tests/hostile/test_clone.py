"""A copied home on two machines: both wait for a person, nothing is lost, and a person ends it.

Strategy: alder and birch meet, birch's home is copied while it is off, and birch and its copy then
run beside each other; both reach alder. The proof takes off what keeps back: no device ever takes
itself, or another one, for two machines.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from potluck.core.keys.sealing import NONCE_BYTES, seal_datagram
from potluck.core.wire.catalogue import Beacon, Envelope, encode
from tests import mass_losses
from tests.devices import free_port, one_ring, until
from tests.hostile.daemons import HOST, Daemon, pair, within
from tests.hostile.rogue import Rogue

pytestmark = [pytest.mark.full, pytest.mark.hostile]
FILES = 30
NOTICED_S = 30.0
DECIDED_S = 40.0
RESTARTS = 20
FORGED = 20
SOCKETS = shutil.ignore_patterns("*.sock")


class Doubled(NamedTuple):
    """A device, another one, and the copy of that."""

    alder: Daemon
    birch: Daemon
    copy: Daemon

    def said(self) -> str:
        """What they printed and believe."""
        return "\n".join(f"--- {one.home} {one.state()}\n{one.said()[-3000:]}" for one in self)

    def birch_at_alder(self) -> dict[str, bytes]:
        """What of birch's folder stands on alder's disk."""
        top = self.alder.copy_of(self.birch)
        return {path.name: path.read_bytes() for path in top.iterdir()}


@contextmanager
def doubled(base: Path, *unguarded: str) -> Iterator[Doubled]:
    """The three of them, the copy just begun."""
    port = free_port()
    alder, birch = (Daemon(base / label, label) for label in ("alder", "birch"))
    copy = Daemon(base / "copy", birch.label)
    three = Doubled(alder, birch, copy)
    with ExitStack() as ends:

        def begin(device: Daemon) -> None:
            if unguarded:
                device.program = ("tests.hostile.unguarded", *unguarded, "--")
            ends.callback(device.close)
            device.begin(port)

        begin(alder)
        begin(birch)
        until(lambda: one_ring(alder, birch), alder.said)
        for number in range(FILES):
            birch.write(f"b{number}", os.urandom(2000))
        there = alder.copy_of(birch)
        until(lambda: there.exists() and len(three.birch_at_alder()) == FILES, alder.said)
        birch.process.terminate()
        birch.ended()
        shutil.rmtree(copy.home)
        shutil.copytree(birch.home, copy.home, symlinks=True, ignore=SOCKETS)
        birch.begin(port)
        until(lambda: one_ring(alder, birch), alder.said)
        begin(copy)
        yield three


def forge(rogue: Rogue, victim: Daemon, port: int) -> None:
    """Say to a device, in its own name and in another run, that it listens at that port."""
    body = msgspec.Raw(encode(Beacon(port, 1, bytes(8), 1)))
    said = encode(Envelope(rogue.device_of(victim), os.urandom(16), 1, body))
    sealed = seal_datagram(rogue.roster.group_key, os.urandom(NONCE_BYTES), said)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.sendto(sealed, (HOST, victim.port))


def own_id(device: Daemon) -> str:
    """Which device it says that it is."""
    return str(next(one["id"] for one in device.state()["devices"] if one["me"]))


def tells(device: Daemon) -> bool:
    """Whether it says that two machines run with one identity."""
    return any(trouble["kind"] == "clone" for trouble in device.state().get("troubles", ()))


def differ(three: Doubled) -> None:
    """The copy loses all it had, and each gets a file of its own."""
    for path in three.copy.own.iterdir():
        path.unlink()
    three.birch.write("new on birch", b"1")
    three.copy.write("new on the copy", b"2")


def test_a_copied_home_waits_for_a_person_and_loses_no_file(tmp_path: Path) -> None:
    with doubled(tmp_path) as three:
        alder, birch, copy = three
        within(NOTICED_S, lambda: all(map(tells, three)), three.said)
        for one in three:
            state = one.state()
            assert (state["state"], state["synced"]) == ("trouble", False)
        before = three.birch_at_alder()
        assert len(before) == FILES
        differ(three)
        alder.write("from alder", b"x")
        there = [one.copy_of(alder) / "from alder" for one in (birch, copy)]
        within(NOTICED_S, lambda: all(path.exists() for path in there), three.said)
        assert three.birch_at_alder() == before, "its folder stays as it is"
        birch.again()
        within(NOTICED_S, lambda: one_ring(alder, birch), three.said)
        assert tells(birch), "a restart decides nothing"
        assert "is this machine" in birch.client.act("keep-here", {})
        copy.ended()
        new = alder.copy_of(birch) / "new on birch"
        within(DECIDED_S, new.exists, three.said)
        within(DECIDED_S, lambda: not any(map(tells, (alder, birch))), three.said)
        assert three.birch_at_alder() == before | {"new on birch": b"1"}
        assert (copy.own / "new on the copy").read_bytes() == b"2", "it is on its own disk"
        copy.again()
        until(copy.state, copy.said)
        assert own_id(copy) != own_id(birch), "it is a new device"
        assert not any(map(tells, (alder, birch, copy)))
        left = three.birch_at_alder()
        mass_losses.kept("cloned disk", files=sum(name in left for name in before), of=FILES)


def test_twenty_restarts_are_no_second_machine(tmp_path: Path) -> None:
    with pair(tmp_path) as two:
        told = set[str]()
        for number in range(RESTARTS):
            if number % 2:  # without a farewell: its links are open for a moment
                two.b.process.kill()
                two.b.process.wait()
                two.b.start(two.b.discovery_port, "--port", str(two.b.port))
                two.b.up()
            else:
                two.b.again()
            within(NOTICED_S, lambda: one_ring(two.a, two.b), two.said)
            assert not any(map(tells, two.devices)), two.said()
            told |= set(two.b.codes())
        told |= set(two.a.codes())
        assert not {"clone_seen", "device_doubled"} & told
        two.delivers(two.b, two.a)


def test_a_member_that_lies_in_anothers_name_silences_nobody(tmp_path: Path) -> None:
    with pair(tmp_path) as two, closing(Rogue("rogue", two)) as rogue:
        with socket.create_server((HOST, 0)) as door:
            door.settimeout(NOTICED_S)
            for port in (door.getsockname()[1], two.a.port, two.b.port):
                forge(rogue, two.b, port)
            called, _ = door.accept()  # birch looks who is there, in its own name
            called.close()
            for number in range(FORGED):
                forge(rogue, two.b, two.a.port)
                two.b.write(f"while it lies {number}", b"1")
        there = two.a.copy_of(two.b) / f"while it lies {FORGED - 1}"
        within(NOTICED_S, there.exists, two.said)
        assert not any(map(tells, two.devices)), two.said()
        two.delivers(two.b, two.a)


@pytest.mark.proof
def test_without_the_guard_nobody_says_so(tmp_path: Path) -> None:
    with doubled(tmp_path, "clones", "forks", "losses") as three:
        differ(three)
        three.alder.write("from alder", b"x")
        there = [one.copy_of(three.alder) / "from alder" for one in (three.birch, three.copy)]
        within(NOTICED_S, lambda: all(path.exists() for path in there), three.said)
        before = FILES + 1
        within(NOTICED_S, lambda: len(three.birch_at_alder()) != before, three.said)
        told = {code for one in three for code in one.codes()}
        assert not {"clone_seen", "device_doubled"} & told
