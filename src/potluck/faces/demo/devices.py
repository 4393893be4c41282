"""One device of the demonstration: a real potluck as a process of its own, seen only through its
local API and its disk.

Strategy: each gets a home, a folder and a log of its own and is started exactly as a person would
start it; nothing but the loopback network connects it with the others. Its standard input is a pipe
that we hold: should the demonstration be killed, the pipe ends and the device leaves by itself.
Guarantees: `end` stops the process by its id, gently first. Limits: a device that does not answer
within 30 s counts as failed, and its log is shown.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from potluck.core.errors import PotluckError, TimedOut
from potluck.faces.cli.client import Client
from potluck.shells.state.home import home_paths

LABELS = (
    "kitchen-pc",
    "laptop",
    "attic-pc",
    "garden-pi",
    "tv-box",
    "studio-mac",
    "old-netbook",
    "workshop",
)
START_S = 30.0  # eight Pythons start at once on a small machine
END_S = 10.0  # twice what a device may take to leave; then it is made to
UP_LOOK_S = 0.1  # between two looks whether it answers
LOG_LINES = 12  # of a device that failed: as much as fits under its error


class Device:
    """One running potluck."""

    def __init__(self, number: int, root: Path, discovery_port: int) -> None:
        """Prepare the `number`-th device below `root`; those with one `discovery_port` meet."""
        self.label = LABELS[number] if number < len(LABELS) else f"device-{number}"
        self.home = root / self.label
        self.folder = self.home / "Potluck"
        self.log = self.home / "output.txt"
        self.client = Client(home_paths(str(self.home)).state_dir)
        self._discovery_port = discovery_port
        self._process: subprocess.Popen[bytes] | None = None  # nothing runs yet

    def __repr__(self) -> str:
        return f"Device({self.label}, process {self._process and self._process.pid})"

    @property
    def shared(self) -> Path:
        """The tree that must be equal everywhere."""
        return self.folder / "Shared"

    def start(self) -> None:
        """Start the process, as `up` on a closed network."""
        self.home.mkdir(mode=0o700, parents=True)
        words = [
            sys.executable,
            "-m",
            "potluck",
            "--home",
            str(self.home),
            "up",
            str(self.folder),
            "--name",
            self.label,
        ]
        words += ["--open=always", "--headless", "--interface", loopback(), "--while-stdin"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (this Python, with arguments made here)
                words,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(self._discovery_port),
                start_new_session=True,
            )

    def wait_until_up(self) -> dict[str, Any]:
        """Return the first state of the local API; raises PotluckError with the log."""
        deadline = time.monotonic() + START_S
        while True:
            self.check()
            try:
                return self.client.state()
            except PotluckError as error:
                if time.monotonic() > deadline:
                    raise TimedOut(
                        f"{self.label} does not answer.", str(error), self._tail()
                    ) from error
            time.sleep(UP_LOOK_S)

    def check(self) -> None:
        """Raise PotluckError if the process has ended by itself."""
        code = self._process.poll() if self._process is not None else None
        if code is not None:
            raise PotluckError(
                f"{self.label} has ended by itself (exit code {code}).",
                "its own words follow",
                self._tail(),
            )

    def leave(self) -> None:
        """Ask the device to leave its group and end."""
        self.client.post("/api/v1/leave")

    def end(self) -> None:
        """Wait for the process to end; ask, then insist. Never raises."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        insistence: tuple[Callable[[], None], ...] = (lambda: None, process.terminate, process.kill)
        for insist in insistence:
            insist()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                continue
            break
        self._process = None

    def _tail(self) -> str:
        try:
            with self.log.open(encoding="utf-8", errors="replace") as log:
                return "\n        " + "\n        ".join(log.read().splitlines()[-LOG_LINES:])
        except OSError as error:
            return str(error)


def loopback() -> str:
    """Return the name of the loopback interface."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in ("lo", "lo0") if name in names), "lo")


def free_port() -> int:
    """Return a UDP port that nobody uses: two demonstrations at once must not meet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
    return port


def _environment(discovery_port: int) -> dict[str, str]:
    """Return our environment without settings meant for the person's own potluck."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POTLUCK_")}
    kept["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)
    kept["POTLUCK_NETWORK_DISCOVERY_PORT"] = str(discovery_port)
    return kept
