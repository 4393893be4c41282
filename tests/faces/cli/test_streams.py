"""Streams: closed, full, read by nobody, without letters, without a home, one column wide; whatever
a command is given, it ends as it should and never with a traceback.

Strategy: every command is run as a process of its own, started as people start it, against a served
potluck. Those of one condition run side by side, since a process costs a tenth of a second.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from potluck.faces.cli import streams
from potluck.faces.cli.commands import COMMANDS
from tests.faces.fakes import FakeSource, entry, running, state, wait_for

# each command, and how it ends where nothing is the matter with its streams
WORDS: dict[str, tuple[list[str], int]] = {
    "up": (["up", "--headless"], 5),  # one runs on this home already
    "down": (["down", "--help"], 0),
    "status": (["status"], 0),
    "add": (["add", "/no/such/ü"], 7),
    "ls": (["ls", "-r"], 0),
    "trash": (["trash", "--help"], 0),
    "history": (["history", "--help"], 0),
    "restore": (["restore", "--help"], 0),
    "info": (["info", "--help"], 0),
    "why": (["why"], 0),
    "peers": (["peers"], 0),
    "ring": (["ring"], 0),
    "pending": (["pending"], 0),
    "approve": (["approve", "bert", "--yes"], 7),
    "deny": (["deny"], 7),  # nobody asks
    "open": (["open", "10"], 0),
    "close": (["close"], 0),
    "invite": (["invite", "--minutes", "soon"], 2),
    "uninvite": (["uninvite"], 0),
    "join": (["join", "three", "words"], 2),
    "rename": (["rename", "device", "anna"], 0),
    "remove": (["remove", "--help"], 0),
    "forget": (["forget", "--help"], 0),
    "adopt": (["adopt", "bert"], 0),
    "leave": (["leave", "--help"], 0),
    "admin": (["admin", "drop", "x"], 2),
    "clone": (["clone", "both"], 2),
    "confirm": (["confirm", "bert"], 0),
    "repair": (["repair"], 0),
    "verify": (["verify", "--help"], 0),
    "skip": (["skip"], 0),
    "keep": (["keep", "bert/docs"], 0),
    "get": (["get", "*.iso"], 0),
    "take": (["take", "bert/a"], 0),
    "undo": (["undo"], 0),
    "rescan": (["rescan"], 0),
    "wait": (["wait", "--peers", "0"], 0),
    "watch": (["watch", "--help"], 0),  # it does not end by itself; below it is ended
    "service": (["service", "status"], 7),  # nobody installed one for this home
    "backup-identity": (["backup-identity", "/no/ü", "--passphrase-file", "/no/such"], 7),
    "restore-identity": (["restore-identity", "/no/ü", "--passphrase-file", "/no/such"], 7),
    "demo": (["demo", "--devices", "1"], 2),
    "exit": (["exit", "--bye"], 2),
    "quit": (["quit", "now"], 2),
    "stop": (["stop", "--help"], 0),
    "version": (["version"], 0),
    "help": (["help"], 0),
}
MORE = [(["--help"], 0), (["ls", "--json"], 0), (["status", "--json"], 0), (["ls"], 0), ([], 0),
        (["--version"], 0), (["frobnicate"], 2), (["add", "/x", "--json"], 7)]  # fmt: skip
EVERY = [*WORDS.values(), *MORE]


def test_every_command_is_tried() -> None:
    assert WORDS.keys() == COMMANDS.keys()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    source = FakeSource()
    source.current = state(reason="“ü” · 名 ↓ …")
    source.listed = [entry(f"kitchen-pc/ü 名 {number}.txt") for number in range(60)]
    source.page_files = 7
    with running(tmp_path / "home", source):
        yield tmp_path / "home"


def together(
    home: Path,
    start: Callable[[list[str], dict[str, str]], subprocess.Popen[bytes]],
    **changes: str,
) -> Iterator[tuple[list[str], int, subprocess.Popen[bytes], bytes]]:
    """Run every command at once; yield words, how it should end, the process, its errors."""
    environment = {name: text for name, text in os.environ.items() if name != "POTLUCK_HOME"}
    environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **changes}
    begun = []
    for words, code in EVERY:
        line = [sys.executable, "-m", "potluck", "--home", str(home), *words]
        begun.append((words, code, start(line, environment)))
    for words, code, process in begun:
        _, said = process.communicate(timeout=120)
        yield words, code, process, said or b""


def shell(redirect: str) -> Callable[[list[str], dict[str, str]], subprocess.Popen[bytes]]:
    """Start a command through a shell that does this to its streams."""

    def start(line: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" {redirect}', "sh", *line],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    return start


@pytest.mark.parametrize("redirect", [">&-", "<&- >&- 2>&-", ">/dev/null 2>/dev/full"])
def test_closed_streams(home: Path, redirect: str) -> None:
    for words, code, process, said in together(home, shell(redirect)):
        assert (words, process.returncode) == (words, code), said
        assert b"Traceback" not in said
        assert b"Exception ignored" not in said


def test_a_full_device_is_a_sentence_and_exit_8(home: Path) -> None:
    for words, code, process, said in together(home, shell(">/dev/full")):
        on_output = code == 0 or "--json" in words
        expected = code if not on_output or code else 8
        assert (words, process.returncode) == (words, expected), said
        assert b"Traceback" not in said
        assert b"Exception ignored" not in said
        if expected == 8:
            assert b"No space left on device" in said
            assert len(said.splitlines()) == 3


def test_a_pipe_that_nobody_reads_is_quiet(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    def start(line: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            line, env=environment, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE
        )

    for words, code, process, said in together(home, start):
        assert (words, process.returncode) == (words, code), said
        assert code or said == b"", words
        assert b"Traceback" not in said
        assert b"Exception ignored" not in said
    os.close(writing)


@pytest.mark.parametrize(
    "changes",
    [
        {"PYTHONIOENCODING": "ascii", "HOME": "", "TERM": "dumb"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "HOME": "/no/such"},
        {"PYTHONIOENCODING": "latin-1", "TERM": "unknown"},
    ],
    ids=["ascii", "C", "latin-1"],
)
def test_few_letters_and_no_home(home: Path, changes: dict[str, str]) -> None:
    for words, code, process, said in together(home, shell(""), **changes):
        assert (words, process.returncode) == (words, code), said
        assert b"Traceback" not in said


@pytest.mark.parametrize(("rows", "columns"), [(1, 1)])
def test_narrow_terminals(home: Path, rows: int, columns: int) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def start(line: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            line, env=environment, stdin=slave, stdout=slave, stderr=subprocess.PIPE
        )

    reader = _Drain(master)
    for words, code, process, said in together(home, start, COLUMNS=""):
        assert (words, process.returncode) == (words, code), said
        assert b"Traceback" not in said
    reader.end()
    os.close(slave)


# -- a view, which ends when potluck does ----------------------------------------------------------
class WatchedSource(FakeSource):
    """Counts the views that follow it."""

    def __init__(self) -> None:
        super().__init__()
        self.current = state(reason="“ü” · 名 ↓ …")
        self.tell("“ü” · 名 ↓ …")
        self.views = 0

    def notices(self, after: int) -> list[dict[str, Any]]:
        self.views += not after
        return super().notices(after)


@contextmanager
def watched(
    home: Path, starts: list[Callable[[list[str], dict[str, str]], subprocess.Popen[bytes]]]
) -> Iterator[tuple[WatchedSource, list[subprocess.Popen[bytes]]]]:
    """Serve a potluck with so many views that all follow it."""
    environment = {name: text for name, text in os.environ.items() if name != "POTLUCK_HOME"}
    environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    line = [sys.executable, "-m", "potluck", "--home", str(home), "watch"]
    with running(home, WatchedSource()) as source:
        assert isinstance(source, WatchedSource)
        processes = [start(line, environment) for start in starts]
        wait_for(lambda: source.views >= len(starts))
        yield source, processes


def test_a_view_on_streams_that_are_closed_or_full_ends_when_potluck_ends(tmp_path: Path) -> None:
    redirects = ["", ">&-", "<&- >&- 2>&-", ">/dev/null 2>/dev/full"]
    with watched(tmp_path, [shell(redirect) for redirect in redirects]) as (_, processes):
        pass
    for redirect, process in zip(redirects, processes, strict=True):
        out, said = process.communicate(timeout=60)
        assert (redirect, process.returncode, said) == (redirect, 0, b"")
        assert redirect or out.endswith(b"potluck has ended.\n")


def test_a_view_that_nobody_reads_any_more_ends_and_potluck_goes_on(tmp_path: Path) -> None:
    with watched(tmp_path, [shell("")]) as (source, (process,)):
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Watching: ")
        process.stdout.close()
        wait_for(lambda: told_and_ended(source, process))
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (0, b"")
        process.stderr.close()


def told_and_ended(source: FakeSource, process: subprocess.Popen[bytes]) -> bool:
    """Have something to write for a view; say whether it has ended."""
    source.tell("laptop joined")
    source.told[-1]["at_s"] = time.time()
    return process.poll() is not None


DRAIN = """
import os, time
while True:
    try:
        os.read(0, 65536)
    except BlockingIOError:
        time.sleep(0.01)
    except OSError:
        break
"""


class _Drain:
    """Reads what comes out of a terminal, so that nobody who writes to it has to wait."""

    def __init__(self, master: int) -> None:
        os.set_blocking(master, False)
        self._process = subprocess.Popen([sys.executable, "-c", DRAIN], stdin=master)
        os.close(master)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


# -- in this process -------------------------------------------------------------------------------
def test_letters_that_are_lacking_are_written_in_others() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    streams.prepare_streams()
    streams.forgive_letters(stream)
    assert not streams.knows_every_letter(stream)
    assert streams.knows_every_letter(io.StringIO())
    stream.write("“a” · ü … ✓ █░ \udcff")
    stream.flush()
    assert raw.getvalue() == b'"a" - \\xfc ... + #. \\udcff'
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", streams.LETTERS)


def test_what_was_closed_takes_every_letter_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    streams.prepare_streams()
    assert (sys.stdout.errors, sys.stderr.errors) == (streams.LETTERS, streams.LETTERS)


def test_what_is_no_real_stream_is_left_alone() -> None:
    streams.forgive_letters(None)
    streams.let_go(None)
    streams.let_go(io.StringIO())


class Failing(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BrokenPipeError(), ""),
        (OSError(28, "No space left on device"),
         "potluck: nothing more is written here (No space left on device); it goes on.\n"),
        (ValueError("closed"), ""),
    ],
)  # fmt: skip
def test_a_daemon_goes_on_without_its_words(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    err: Any = io.StringIO()
    monkeypatch.setattr(sys, "stdout", Failing(error))
    monkeypatch.setattr(sys, "stderr", err)
    streams.write_or_go_on("text")
    assert err.getvalue() == said
    monkeypatch.setattr(sys, "stderr", Failing(error))
    streams.write_or_go_on("text")
    monkeypatch.setattr(sys, "stdout", None)
    streams.write_or_go_on("text")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_stream_that_failed_is_said_once_even_where_nothing_takes_everything(
    monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    err: Any = io.StringIO()
    if not is_there:
        monkeypatch.setattr(os, "devnull", "/no/such/device")
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        monkeypatch.setattr(sys, "stderr", err)
        for _ in range(3):
            streams.write_or_go_on("text\n")
        monkeypatch.undo()
        streams.let_go(full)
    assert err.getvalue().count("nothing more is written here") == 1
