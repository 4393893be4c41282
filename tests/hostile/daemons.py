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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from potluck.core import limits
from potluck.core.wire.catalogue import Address
from tests.devices import Device, free_port, one_ring, until
from tests.fair_time import FairTime

HOST = "127.0.0.1"
DELIVERY_S = 5.0
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

    def begin(self, discovery_port: int, *flags: str) -> Daemon:
        """Start it on a port of its own and wait until it answers."""
        self.port = free_port()
        self.start(discovery_port, "--port", str(self.port), *flags)
        self.up()
        return self

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(HOST, self.port)

    @property
    def memory_bytes(self) -> int:
        """How much memory it has resident."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

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
        self._outside = self._seen_outside()
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
        assert self._seen_outside() == self._outside

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

    def _seen_outside(self) -> dict[str, bytes]:
        """All files near the homes that are not the daemons' own."""
        ours = {device.label for device in self.devices}
        strange = [
            path
            for path in self.base.rglob("*")
            if path.relative_to(self.base).parts[0] not in ours
        ]
        near = [
            path
            for one in self.devices
            for path in one.folder.iterdir()
            if path.name not in ("Shared", ".potluck")
        ]
        return {str(path): path.read_bytes() for path in (*strange, *near) if path.is_file()}


def within(seconds: float, condition: Callable[[], object], said: Callable[[], str] = str) -> None:
    """Wait for a condition, at most so long."""
    with FairTime() as clock:
        while not condition():
            assert clock.spent() < seconds, f"not within {seconds} s\n{said()}"
            time.sleep(0.01)


@contextmanager
def pair(base: Path, guard: str = "") -> Iterator[Pair]:
    """Two daemons that have met; `guard`: the one that is off in both (unguarded.py)."""
    discovery_port = free_port()
    (base / "bystander").write_bytes(b"outside of every share")
    devices = [Daemon(base / label, label) for label in ("alder", "birch")]
    try:
        for device in devices:
            if guard:
                device.program = ("tests.hostile.unguarded", guard)
            device.begin(discovery_port)
        until(lambda: one_ring(*devices), lambda: devices[0].said() + devices[1].said())
        yield Pair(base, discovery_port, *devices)
    finally:
        for device in devices:
            device.close()
