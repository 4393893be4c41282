"""A closed door: who asks learns nothing, and who listens to a whole session neither.

Strategy: with the right to it (root), every frame on the loopback device is captured while a closed
pair meets, exchanges a file and leaves; nothing that names anybody or anything may stand in those
bytes.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.group.roster import Roster
from potluck.core.wire.catalogue import CLEAR, Beacon, Offer, Solicit, encode
from potluck.engine.index import Index
from potluck.faces.demo.devices import loopback
from potluck.shells.links.knock import CHALLENGE_BYTES, KnockKind
from potluck.shells.state.home import home_paths
from tests.devices import ROOT, free_port, one_ring, until
from tests.fair_time import at_least
from tests.hostile.daemons import HOST, TRACEBACK, Daemon, within
from tests.hostile.rogue import WAIT_S

# another run of these tests on the same machine may be heard, too: it has other names
RUN = secrets.token_hex(4)
LABELS = (f"quillwort-{RUN}", f"snowberry-{RUN}")
NAME = f"mistletoe-inventory-{RUN}"
CONTENT = f"{RUN} is the secret of the mistletoe, that it has none. ".encode() * 30
ALL_FRAMES = 3  # linux/if_ether.h: ETH_P_ALL
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it


class Closed(Daemon):
    """A daemon whose door can be closed."""

    door: tuple[str, ...] = ()

    def start(self, discovery_port: int, *flags: str) -> Closed:
        """As any device, without --open unless it is asked for."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT / "src"),
            "POTLUCK_NETWORK_DISCOVERY_PORT": str(discovery_port),
        }
        words = [sys.executable, "-m", *self.program, "--home", str(self.home), "up"]
        words += [str(self.folder)]
        words += ["--name", self.label, "--headless", "--interface", loopback(), *self.door, *flags]
        with (self.home / "output").open("ab") as output:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=ROOT,
            )
        return self

    def leave(self) -> None:
        """Leave gracefully."""
        self.client.post("/api/v1/leave")
        self.ended()

    def roster(self) -> Roster:
        """What it knows of its group, read from its index while it does not run."""
        index = Index.open(str(Path(home_paths(str(self.home)).state_dir, "potluck.sqlite")))
        try:
            records = index.roster.all()
        finally:
            index.close()
        roster = Roster(records[0])
        roster.add(records[1:])
        return roster


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[tuple[int, list[Closed]]]:
    """Two devices of one group that are not running, and whose doors will be closed."""
    discovery_port = free_port()
    devices = [Closed(tmp_path / label, label) for label in LABELS]
    try:
        for device in devices:
            device.door = ("--open=always",)
            device.begin(discovery_port)
        until(lambda: one_ring(*devices), devices[0].said)
        for device in devices:
            device.leave()
            device.door = ()
        yield discovery_port, devices
    finally:
        for device in devices:
            device.close()
            assert TRACEBACK not in device.said()


@contextmanager
def captured() -> Iterator[bytearray]:
    """Every byte that passes the loopback device meanwhile."""
    heard, going = bytearray(), threading.Event()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_FRAMES)) as ear:
        # beyond what the system allows others: nothing is missed while we are not let run
        ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 * limits.MIB)
        ear.bind((loopback(), ALL_FRAMES))
        ear.settimeout(0.1)

        def listen() -> None:
            while not going.is_set():
                with suppress(TimeoutError):
                    heard.extend(ear.recv(70_000))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield heard
        finally:
            going.set()
            thread.join()


def secrets_of(roster: Roster) -> dict[str, bytes]:
    """Everything that names somebody or something, by what it is."""
    found = {f"label {label}": label.encode() for label in LABELS}
    found |= {
        "file name": NAME.encode(),
        "content": CONTENT[:40],
        "group": roster.group,
        "group key": roster.group_key,
    }
    for entry in roster.members.values():
        found |= {
            f"id of {entry.label}": entry.device,
            f"certificate of {entry.label}": entry.certificate[:60],
            f"key of {entry.label}": entry.public_key,
            f"sealing key of {entry.label}": entry.sealing,
        }
    hexes = {f"{what}, hex": data.hex().encode() for what, data in found.items()}
    return found | hexes | {f"{what}, HEX": data.upper() for what, data in hexes.items()}


@pytest.mark.skipif(
    not hasattr(socket, "AF_PACKET") or os.geteuid() != 0, reason="listening to a device takes root"
)
def test_a_closed_session_names_nobody(closed: tuple[int, list[Closed]]) -> None:
    discovery_port, (first, second) = closed
    roster = first.roster()
    assert len(roster.members) == 2
    with captured() as heard:
        for device in (first, second):
            device.begin(discovery_port)
        until(lambda: one_ring(first, second), first.said)
        first.write(NAME, CONTENT)
        within(at_least(5), (second.copy_of(first) / NAME).exists, second.said)
        for device in (first, second):
            device.leave()
    assert len(heard) > 10_000
    assert b"plk1" in heard  # the capture does hear what is said
    data = bytes(heard)
    assert [what for what, secret in secrets_of(roster).items() if secret in data] == []


def test_strangers_at_a_closed_door_hear_that_there_is_one_and_nothing_else(
    closed: tuple[int, list[Closed]],
) -> None:
    discovery_port, (first, _) = closed
    roster = first.roster()
    first.begin(discovery_port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_S)
        sock.sendto(encode(Solicit(os.urandom(16), bytes(512))), (HOST, first.port))
        answer = sock.recv(2000)
    offer = CLEAR.decode(answer)
    assert isinstance(offer, Offer)
    assert (offer.open, offer.name, offer.label) == (False, "", "")
    assert [what for what, secret in secrets_of(roster).items() if secret in answer] == []


def test_strangers_at_a_shut_door_get_nothing(closed: tuple[int, list[Closed]]) -> None:
    discovery_port, (first, _) = closed
    first.begin(discovery_port)
    first.client.post("/api/v1/door", {"open": False})
    until(lambda: "shut" in first.said(), first.said)
    with socket.create_connection((HOST, first.port), WAIT_S) as sock:
        sock.sendall(KnockKind.PAIRING.value)
        heard = b""
        with suppress(ConnectionError):
            while more := sock.recv(4096):
                heard += more
    assert len(heard) == CHALLENGE_BYTES
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1.0)
        for port in (first.port, discovery_port):
            sock.sendto(encode(Solicit(os.urandom(16), bytes(512))), (HOST, port))
            sock.sendto(
                encode(Offer(bytes(16), bytes(32), "x", "y", 1, 9, open=True)), (HOST, port)
            )
            sock.sendto(encode(Beacon(1, 1, b"", 1, ask=True)), (HOST, port))
        with pytest.raises(TimeoutError):
            sock.recv(2000)
    assert first.alive()


def request_of(device: Closed) -> dict[str, Any]:
    """What people are asked there, {} if it is nothing."""
    return next(iter(device.state()["requests"]), {})


@pytest.mark.timeout(120)
def test_a_door_that_is_closed_takes_back_what_it_said_yes_to(tmp_path: Path) -> None:
    port, devices = free_port(), [Closed(tmp_path / label, label) for label in LABELS]
    opened, other = devices
    opened.door = ("--open=5",)
    try:
        for device in devices:
            device.begin(port)
        until(lambda: request_of(opened).get("answer") == "open", opened.said)
        opened.client.post("/api/v1/door", {"open": False})
        until(lambda: request_of(opened).get("answer") not in {"open", None}, opened.said)
        other.client.act("approve", {"name": request_of(other)["name"]})
        until(lambda: "yes" in str(request_of(opened)), opened.said)
        for device in devices:
            assert len(device.state()["devices"]) == 1, "nobody said yes there"
        assert request_of(opened)["words"] == request_of(other)["words"]
        opened.client.act("approve", {"name": request_of(opened)["name"]})
        until(lambda: one_ring(*devices), opened.said)
    finally:
        for device in devices:
            device.close()
            assert TRACEBACK not in device.said()
