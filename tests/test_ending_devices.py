"""Ctrl-C of a real device at a terminal: it asks while files are on no other device, and only then.

Strategy: two daemons meet on the loopback network and end; the first starts again alone, at a
pseudo-terminal. Part of the full tier.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.devices import ROOT, Device, free_port, until
from tests.hostile.daemons import Daemon, pair

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]
CTRL_C, COLUMNS = b"\x03", 80
QUESTION = "Leave anyway? Press Ctrl-C once more to leave."


def _take_terminal() -> None:
    """In a process before it begins: its input is its terminal, whose keys are its signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A device whose `up` runs at a terminal."""

    def __init__(self, device: Device, *, columns: int = COLUMNS) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        words = ["--home", str(device.home), "up", str(device.folder), "--interface", "lo"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm"}
        environment["POTLUCK_NETWORK_DISCOVERY_PORT"] = str(free_port())  # nobody is near
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "potluck", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - nothing else of this test runs yet
        )
        os.close(slave)
        self._seen = b""

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def insist(self) -> bool:
        """Press Ctrl-C; it has not ended yet."""
        self.press(CTRL_C)
        return False

    def seen(self) -> str:
        """All that was on the screen so far, without colours and line ends."""
        with suppress(OSError):
            while select.select([self._master], [], [], 0)[0]:
                self._seen += os.read(self._master, 65536)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen.decode(errors="replace"))
        return re.sub(r"\s+", " ", text)

    def last(self) -> str:
        """The end of that, for the report of a failure."""
        return self.seen()[-1000:]

    def has(self, words: str) -> bool:
        """Whether all of these words were there: pictures come between the rows of a line."""
        seen = self.seen()
        return all(word in seen for word in words.split())

    def ended(self) -> int | None:
        """Its exit code; reading on, so that it can."""
        self.seen()
        return self.process.poll()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@contextmanager
def at_terminal(device: Device, *, columns: int = COLUMNS) -> Iterator[Terminal]:
    terminal = Terminal(device, columns=columns)
    try:
        until(lambda: terminal.seen() and device.state().get("group"), terminal.last)
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def alone(tmp_path: Path) -> Daemon:
    """One of two devices that had met and had everything; both are off."""
    with pair(tmp_path) as both:
        both.a.write("old", b"everybody has it")
        until((both.b.copy_of(both.a) / "old").exists, both.said)
        until(lambda: both.a.state().get("undelivered_files") == 0 and both.a.settled(), both.said)
    return both.a


def down(device: Device, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), "down", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        line, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_with_all_delivered_ctrl_c_asks_nothing(alone: Daemon) -> None:
    with at_terminal(alone) as terminal:
        terminal.press(CTRL_C)
        until(lambda: terminal.ended() is not None, terminal.last)
        assert terminal.ended() == 0
        assert not terminal.has(QUESTION)
        assert terminal.has("potluck has left")


@pytest.mark.parametrize("columns", [80, 40])
def test_a_file_that_only_this_device_has_is_worth_a_question(alone: Daemon, columns: int) -> None:
    with at_terminal(alone, columns=columns) as terminal:
        alone.write("new", b"1234567")
        until(lambda: alone.state().get("undelivered_files") == 1, terminal.last)
        terminal.press(CTRL_C)
        said = "up to 1 file (7 B) of this device may be on no other one"
        until(lambda: terminal.has(QUESTION), terminal.last)
        assert terminal.has(said)
        assert terminal.ended() is None
        terminal.press(CTRL_C)
        until(lambda: terminal.ended() is not None, terminal.last)
        assert terminal.ended() == 0


def test_twice_always_ends_and_a_script_is_told_and_not_asked(alone: Daemon) -> None:
    with at_terminal(alone) as terminal:
        alone.write("new", b"1234567")
        until(lambda: alone.state().get("undelivered_files") == 1, terminal.last)
        terminal.insist()
        until(lambda: terminal.ended() is not None or terminal.insist(), terminal.last)
    with at_terminal(alone) as terminal:
        until(lambda: alone.state().get("undelivered_files") == 1, terminal.last)
        done = down(alone)
        assert done.returncode == 0
        assert "up to 1 file (7 B) of this device may be on no other one" in done.stdout
        until(lambda: terminal.ended() is not None, terminal.last)
