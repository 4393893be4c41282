"""Real devices under attack: two honest daemons on the loopback network, and what must hold after
every attack.

Strategy: the pair is started once and attacked again and again, since an honest daemon must survive
all of it in one life. `Pair.unharmed` is the oracle of every case: one ring of exactly the honest
ones, a fresh file of 1 KiB travels in time, no traceback was printed, nothing outside the share
changed, memory stays within bounds.

Guarantees: everything is watched from outside (local API, /proc, the disk); every wait has a
deadline. Limits: a rogue that was admitted stays a member; it takes no seat, so the honest ring
does not count it.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from potluck.core import limits
from potluck.core.wire.catalogue import Address
from tests.devices import Device, free_port, one_ring, until
from tests.fair_time import FairTime, at_least

HOST = "127.0.0.1"
DELIVERY_S = at_least(5.0)
MEMORY_BYTES = 200 * limits.MIB
STATE = (
    "Folder",
    "output",
    ".cache",
    ".config",
)  # what a daemon may write in its home, beside its own state
TRACEBACK = "Traceback (most recent call last)"


class Daemon(Device):
    """A process with a known port."""

    port = 0
    discovery_port = 0

    def begin(self, discovery_port: int, *flags: str) -> Daemon:
        """Start it on a port of its own and wait until it answers."""
        self.port, self.discovery_port = unused_port(), discovery_port
        self.start(discovery_port, "--port", str(self.port), *flags)
        self.up()
        return self

    def again(self) -> None:
        """End it and start it once more where it was, with all its guards."""
        self.process.terminate()
        self.ended()
        self.program = Device.program
        self.start(self.discovery_port, "--port", str(self.port))
        self.up()

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(HOST, self.port)

    @property
    def memory_bytes(self) -> int:
        """How much memory it has resident."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def processor_s(self) -> float:
        """How many seconds of a processor it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def shared(self) -> list[str]:
        """Everything below Shared/, escaped as Python writes it."""
        top = os.fsencode(self.folder / "Shared")
        return [
            ascii(os.path.relpath(os.path.join(at, name), top))
            for at, dirs, files in os.walk(top)
            for name in (*dirs, *files)
        ]

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None


class Pair:
    """Two honest daemons of one group."""

    def __init__(self, base: Path, discovery_port: int, *devices: Daemon) -> None:
        self.base, self.discovery_port, self.devices = base, discovery_port, devices
        self.a, self.b = devices
        self._outside = self.seen_outside()
        self._number = 0

    def unharmed(self) -> None:
        """Fail unless the pair is as healthy as if nobody had attacked it."""
        for device in self.devices:
            assert device.alive(), device.said()
        until(lambda: one_ring(*self.devices), self.said)
        for source, target in ((self.a, self.b), (self.b, self.a)):
            self.delivers(source, target)
        for device in self.devices:
            assert TRACEBACK not in device.said(), device.said()
            assert device.memory_bytes < MEMORY_BYTES, (
                f"{device.label}: {device.memory_bytes} bytes"
            )
        assert self.seen_outside() == self._outside

    def delivers(self, source: Daemon, target: Daemon) -> None:
        """Write a fresh file; fail unless it comes to the other side in time."""
        self._number += 1
        name, data = f"fresh {self._number}", os.urandom(1024)
        source.write(name, data)
        copy = target.copy_of(source) / name
        within(DELIVERY_S, lambda: copy.exists() and copy.read_bytes() == data, self.said)

    def said(self) -> str:
        """What all of them printed and believe, for the report of a failure."""
        return "\n".join(
            f"--- {one.label} {one.state()}\n{one.said()[-3000:]}" for one in self.devices
        )

    def seen_outside(self) -> dict[str, bytes]:
        """All files near the homes that are not the daemons' own."""
        ours = {device.label for device in self.devices}
        others = [path for path in self.base.iterdir() if path.name not in ours]
        strange = [path for other in others for path in (other, *other.rglob("*"))]
        near = [
            path
            for one in self.devices
            for path in one.folder.iterdir()
            if path.name not in ("Shared", ".potluck")
        ]
        return {str(path): path.read_bytes() for path in (*strange, *near) if path.is_file()}


def unused_port() -> int:
    """A port nobody uses for anything, not even a connection that is over."""
    while True:
        port = free_port()
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("", port))
            return port


def within(seconds: float, condition: Callable[[], object], said: Callable[[], str] = str) -> None:
    """Wait for a condition, at most so long."""
    with FairTime() as clock:
        while not condition():
            assert clock.spent() < seconds, f"not within {seconds} s\n{said()}"
            time.sleep(0.01)


@contextmanager
def still(device: Daemon) -> Iterator[None]:
    """It stands still in the block: what is done there it finds all at once."""
    os.kill(device.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(device.process.pid, signal.SIGCONT)


@contextmanager
def pair(base: Path, *unguarded: str) -> Iterator[Pair]:
    """Two daemons that have met; without the guards in unguarded.py that are named."""
    discovery_port = free_port()
    (base / "bystander").write_bytes(b"outside of every share")
    devices = [Daemon(base / label, label) for label in ("alder", "birch")]
    try:
        for device in devices:
            if unguarded:
                device.program = ("tests.hostile.unguarded", *unguarded, "--")
            device.begin(discovery_port)
        until(lambda: one_ring(*devices), lambda: devices[0].said() + devices[1].said())
        yield Pair(base, discovery_port, *devices)
    finally:
        for device in devices:
            device.close()
