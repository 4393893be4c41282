"""The client: answers, errors as they were, nobody there, and a stream that ends in time."""

from __future__ import annotations

import ast
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import potluck
from potluck.core.errors import NotFound, NotRunning, PotluckError, Refused, TimedOut
from potluck.engine.person_acts import ApproveAsked
from potluck.faces.cli import client as client_module
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.output import collected, is_ours
from tests import whole_house
from tests.faces.fakes import FakeSource, entry, running, state

SOURCES = Path(potluck.__file__).parent
ARGUMENTS = re.compile(r"[a-z-]+(?: (?:\{\}|[A-Z]+…?|--?[a-z-]+|add|device|group))*")


def test_questions_and_answers(tmp_path: Path) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.listed = [entry("a/ü & b"), entry("b")]
        client = client_of(str(tmp_path))
        assert client.state() == client.state(fresh=False) == state()
        assert source.freshness == [True, False]
        source.current = old = state(age_s=0.1)
        with pytest.raises(TimedOut, match="runs but does not answer"):
            client.state()
        assert client.newest() == client.state(fresh=False) == old
        assert [one["path"] for one in client.files("a/ü & b")] == ["a/ü & b"]
        assert [one["path"] for one in client.files("\udcff")] == []
        assert client.post("/api/v1/rescan") == {}
        assert client.post("/api/v1/add", {"paths": ["/a"], "mode": "copy"})["ok"]
        assert client.act("approve", {"name": "bert"}) == "done"
        assert source.asked == ["rescan", ("add", ["/a"], "copy"), ApproveAsked(0, "bert")]
        source.refusal = Refused("no", "why", "how")
        with pytest.raises(Refused, match="no"):
            client.act("approve", {})


def test_errors_come_back_as_they_were(tmp_path: Path) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.failure = NotFound("no such thing", "why", "how")
        with pytest.raises(NotFound) as caught:
            client_of(str(tmp_path)).state()
        assert (caught.value.what, caught.value.cause, caught.value.fix) == (
            "no such thing",
            "why",
            "how",
        )
        with pytest.raises(PotluckError, match="nothing at GET /x"):
            Client(str(tmp_path)).get("/x")


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(NotRunning) as caught:
        client_of(str(tmp_path)).state()
    assert caught.value.fix == "potluck up"
    with pytest.raises(NotRunning):
        next(client_of(str(tmp_path)).events())


def test_one_that_hangs_is_not_one_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "CALL_S", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "control.sock"))
        silent.listen()
        with pytest.raises(TimedOut, match="runs but does not answer"):
            Client(str(tmp_path)).state()


def test_one_that_is_stopped_is_said_to_be_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that holds the home and the socket, stopped as Ctrl-Z stops it."""
    monkeypatch.setattr(client_module, "LOOK_S", 0.05)
    monkeypatch.setattr(client_module, "CALL_S", 600.0)
    program = (
        "import socket, sys\n"
        "from potluck.shells.state.home import claim_home\n"
        "held = claim_home(sys.argv[1])\n"
        "served = socket.socket(socket.AF_UNIX)\n"
        "served.bind(sys.argv[1] + '/control.sock')\n"
        "served.listen()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", program, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        with pytest.raises(TimedOut, match="it is stopped") as caught:
            Client(str(tmp_path)).state()
        process.kill()
    assert f"kill -CONT {process.pid}" in caught.value.fix
    assert "fg" in caught.value.fix


def test_one_that_takes_no_more_questions_is_silent_and_there(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent, ExitStack() as waiting:
        silent.bind(str(tmp_path / "control.sock"))
        silent.listen(0)
        for _ in range(99):
            one = waiting.enter_context(socket.socket(socket.AF_UNIX))
            one.setblocking(False)
            try:
                one.connect(str(tmp_path / "control.sock"))
            except BlockingIOError:
                break
        else:
            pytest.fail("it never had enough")
        with pytest.raises(TimedOut, match="runs but does not answer"):
            Client(str(tmp_path)).newest()


def test_events_until_the_end(tmp_path: Path) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.tell("one")
        source.tell("two")
        stream = Client(str(tmp_path)).events(after=1)
        assert next(stream)[1]["text"] == "two"
        assert next(stream) == ("state", state())
    assert list(stream) == []


def engines_advice() -> list[str]:
    """Every next step that the engine, and the shells around it, give with an error."""
    errors = whole_house.error_names((SOURCES / "core/errors.py").read_text())
    return sorted(
        {
            step
            for area in ("core", "engine", "shells")
            for path in (SOURCES / area).rglob("*.py")
            for fix in whole_house.fixes(ast.parse(path.read_text()), errors)
            for _, text in whole_house.texts(fix)
            for step in text.splitlines()
        }
    )


def test_every_command_of_ours_that_the_engine_advises_is_told_as_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["potluck", "--home", "a home", "status"])
    ours = [step for step in engines_advice() if is_ours(step)]
    assert len(ours) >= 10, "it finds them"
    prose = [step for step in ours if not ARGUMENTS.fullmatch(step)]
    assert not prose, "a sentence that begins like a command would be told as one"
    with running(tmp_path, FakeSource()) as source:
        for step in ours:
            source.refusal = Refused("No.", "so it is", step)
            with pytest.raises(Refused) as refused:
                Client(str(tmp_path)).act("leave", {})
            assert refused.value.fix == f"potluck --home 'a home' {step}"
            with collected(), pytest.raises(Refused) as refused:
                Client(str(tmp_path)).act("leave", {})
            assert refused.value.fix in {step, f"potluck --home 'a home' {step}"}
        source.refusal = Refused("No.", "so it is", "ls -la /srv\nask there for it")
        with pytest.raises(Refused) as refused:
            Client(str(tmp_path)).act("leave", {})
        assert refused.value.fix == source.refusal.fix
