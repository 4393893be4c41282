"""Whole devices on the loopback network, for tests of how a daemon starts, works, fails and ends.

Strategy: a `Device` is a process started by its command line, as a person would; an `Inside` runs
`daemon.run` on a thread of this process, so that a test can look at threads and descriptors and put
faults in. Both are watched through their local API. Devices with one discovery port meet, and every
test draws its own.

Guarantees: nothing waits for a fixed time, everything has a deadline, and a failure shows what the
device said.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from potluck import daemon
from potluck.config.settings import Flags, resolve_settings
from potluck.core.errors import PotluckError, TimedOut
from potluck.faces.cli.client import Client
from potluck.faces.demo.devices import free_port, loopback
from tests.conditions import Condition
from tests.fair_time import FairTime, other_threads

__all__ = ["Device", "Inside", "Seen", "devices_inside", "free_port", "one_ring", "until"]

ROOT = Path(__file__).resolve().parents[1]
WAIT_S = 20.0
ASKED_AGAIN = 5  # a stopped process, and a machine that sleeps, answer later


def until(
    condition: Callable[[], Any],
    said: Callable[[], str] = lambda: "it did not happen in time",
    patience_s: float = WAIT_S,
) -> Any:
    """Wait for a condition; fail after so long with what `said` says."""
    asked = Condition(condition)
    with FairTime() as clock:
        while not (value := asked()):
            assert clock.spent() < patience_s, f"{said()}{asked.missed}"
            threading.Event().wait(0.01)
    return value


def newest_state(client: Client) -> dict[str, Any]:
    """Return what a device says of itself after all that has happened, {} while nothing answers.

    A snapshot of before would say of what was just done that it is not so yet.
    """
    for _ in range(ASKED_AGAIN):
        with contextlib.suppress(TimedOut):
            try:
                return client.newest()
            except TimedOut:
                raise
            except PotluckError:
                break
    return {}


class Seen:
    """What can be seen of a device from outside."""

    def __init__(self, home: Path, label: str) -> None:
        self.label, self.home = label, home
        self.folder = home / "Folder"
        self.own = self.folder / "Shared" / label
        self.client = Client(str(home))
        home.mkdir(parents=True, exist_ok=True)

    def state(self) -> dict[str, Any]:
        """Its state of now, {} while nothing answers; who stands still is asked again."""
        return newest_state(self.client)

    def copy_of(self, other: Seen) -> Path:
        """Where this device keeps what another owns."""
        return self.folder / "Shared" / other.label

    def of(self) -> int:
        """How many nodes its ring has."""
        return int((self.state().get("node") or {}).get("of", 0))

    def settled(self) -> bool:
        """Whether it says that all is here and nothing moves."""
        return bool(self.state().get("state") == "in_sync")

    def notices(self) -> list[dict[str, Any]]:
        """All notices so far."""
        found = []
        stream = self.client.events()
        for kind, data in stream:
            if kind == "state":
                break
            found.append(data)
        stream.close()  # type: ignore[attr-defined]  # it is a generator
        return found

    def codes(self) -> list[str]:
        """The codes of all notices so far."""
        return [notice["code"] for notice in self.notices()]

    def write(self, name: str, data: bytes) -> Path:
        """Put a file into its own folder."""
        path = self.own / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


def one_ring(*devices: Seen) -> bool:
    """Whether all of them are in one ring."""
    return all(device.of() == len(devices) for device in devices)


class Device(Seen):
    """A process."""

    program: tuple[str, ...] = ("potluck",)  # the module that is run, and what it is to know first
    door: tuple[str, ...] = ("--open=always",)  # how it is entered
    environment: Mapping[str, str] = {}  # beside what every device gets

    def start(self, discovery_port: int, *flags: str) -> Device:
        """Start it; it may not answer yet."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        environment = {
            **kept,
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT / "src"),
            "POTLUCK_NETWORK_DISCOVERY_PORT": str(discovery_port),
            **self.environment,
        }
        words = [sys.executable, "-m", *self.program, "--home", str(self.home)]
        words += ["up", str(self.folder)]
        words += [
            "--name",
            self.label,
            *self.door,
            "--headless",
            "--interface",
            loopback(),
            *flags,
        ]
        with (self.home / "output").open("wb") as output:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=ROOT,
            )
        return self

    def said(self) -> str:
        """All that it printed."""
        return (self.home / "output").read_text("utf-8", "replace")

    def up(self) -> Device:
        """Wait until it answers."""
        until(lambda: self.process.poll() is None and self.state(), self.said)
        return self

    def ended(self) -> float:
        """Wait for the end of the process; how long that took."""
        with FairTime() as took:
            self.process.wait(3 * WAIT_S)
        return took.spent()

    def close(self) -> None:
        """Whatever became of it, it is gone afterwards."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Face:
    """What a daemon tells whoever started it."""

    def __init__(self) -> None:
        self.info: dict[str, Any] = {}
        self.codes: list[str] = []  # of what was told
        self.ready = threading.Event()  # it has started, or failed

    def started(self, info: dict[str, Any]) -> None:
        """As DaemonFace."""
        self.info = info
        self.ready.set()

    def told(self, code: str, text: str, level: str, subject: str) -> None:
        """As DaemonFace."""
        del text, level, subject
        self.codes.append(code)

    def state(self, view: dict[str, Any]) -> None:
        """As DaemonFace."""


class Inside(Seen):
    """A daemon on a thread of this process."""

    def start(self, discovery_port: int, toml: str = "", **others: Any) -> Inside:
        """Start it and wait until it answers, or has failed."""
        (self.home / "config.toml").write_text(toml)
        self.settings = resolve_settings(
            Flags(
                folder=str(self.folder),
                name=self.label,
                interfaces=(loopback(),),
                open_s="always",
                headless=True,
                **others,
            ),
            {"POTLUCK_NETWORK_DISCOVERY_PORT": str(discovery_port)},
            config_file=str(self.home / "config.toml"),
            state_dir=str(self.home),
        )
        self.code: int | None = None
        self.error: PotluckError | None = None
        self.face = Face()
        self.thread = threading.Thread(target=self._run, name=f"main of {self.label}")
        self.thread.start()
        assert self.face.ready.wait(WAIT_S)
        until(lambda: self.state() or not self.thread.is_alive())
        return self

    def _run(self) -> None:
        try:
            self.code = daemon.run(self.settings, self.face)
        except PotluckError as error:
            self.error = error
        finally:
            self.face.ready.set()

    def leave(self) -> float:
        """Ask it to leave and wait for its end; how long that took."""
        with FairTime() as took:
            with contextlib.suppress(PotluckError):
                self.client.post("/api/v1/leave")
            self.thread.join(3 * WAIT_S)
        assert not self.thread.is_alive()
        return took.spent()

    def close(self) -> None:
        """Whatever became of it, it is gone afterwards."""
        if self.thread.is_alive():
            self.leave()


@contextlib.contextmanager
def devices_inside(folder: Path) -> Iterator[Callable[..., list[Inside]]]:
    """Start so many devices in this process; they and their threads are gone afterwards."""
    devices: list[Inside] = []

    def start(*labels: str, **others: Any) -> list[Inside]:
        port = free_port()
        new = [
            Inside(folder / f"{label}{len(devices) + n}", label) for n, label in enumerate(labels)
        ]
        devices.extend(new)
        for device in new:
            device.start(port, **others)
        return new

    before = other_threads()
    try:
        yield start
    finally:
        for device in devices:
            device.close()
    until(lambda: other_threads() == before, lambda: f"still there: {other_threads()}")
