"""The entry: help, suggestions, exit codes, three parts, and the law that `status` starts light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from potluck.core.errors import DiskTrouble
from potluck.faces.cli import main
from potluck.faces.cli.main import COMMANDS, EVERYDAY, run_command

HEAVY = (
    "rich",
    "potluck.daemon",
    "potluck.engine",
    "cryptography",
    "starlette",
    "uvicorn",
    "asyncio",
    "msgspec",
    "blake3",
)


def test_help_shows_everyday_commands_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([]) == 0
    shown = capsys.readouterr().out
    assert run_command(["--help"]) == 0
    assert capsys.readouterr().out == shown
    every, more = shown.split("More:")
    assert all(f"\n  {name} " in every for name in EVERYDAY)
    assert all(f"\n  {name} " in more for name in COMMANDS if name not in EVERYDAY)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([name, "--help"]) == 0
    assert "Usage:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "what", "fix"),
    [
        (["stauts"], "There is no command “stauts”.", "did you mean potluck status?"),
        (["frobnicate"], "There is no command “frobnicate”.", "potluck --help"),
        (["status", "--wach"], "There is no option --wach.", "did you mean --watch?"),
        (["--hoem", "x"], "There is no option --hoem.", "did you mean --home?"),
        (["status", "--zzzzzz"], "There is no option --zzzzzz.", "status --help"),
        (["up", "--port", "x"], "Invalid value for '--port'", "up --help"),
        (["up", "--port", "70000"], "Invalid value for '--port'", "up --help"),
        (["up", "a", "b"], "unexpected extra argument", "up --help"),
        (["add"], "Missing argument", "add --help"),
        (["demo", "--devices", "1"], "Invalid value for '--devices'", "demo --help"),
    ],
)
def test_bad_words_are_usage_errors_with_a_next_step(
    words: list[str], what: str, fix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert what in printed.err.splitlines()[0]
    assert printed.err.splitlines()[-1].startswith("  next: ")
    assert fix in printed.err


def test_json_errors_go_to_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["--home", str(tmp_path), "status", "--json"]) == 3
    printed = capsys.readouterr()
    envelope = json.loads(printed.out)
    assert (envelope["schema"], envelope["ok"], envelope["error"]["code"]) == (
        1,
        False,
        "not_running",
    )
    assert envelope["error"]["fix"] == "potluck up"
    assert printed.err == ""


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (DiskTrouble("full"), 8),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (click.ClickException("odd"), 2),
    ],
)
def test_every_end_has_its_exit_code(
    raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(main.potluck, "main", end)
    assert run_command(["status"]) == code


def python(*words: str, stdin: int | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        [sys.executable, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_a_closed_pipe_is_quiet() -> None:
    done = python("-c", (
        "import os, sys, subprocess\n"
        "reading, writing = os.pipe()\n"
        "os.close(reading)\n"
        "command = [sys.executable, '-m', 'potluck', 'version']\n"
        "sys.exit(subprocess.run(command, stdout=writing).returncode)"
    ))  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name", ["status", "ls", "ring", "peers", "wait", "down", "version", "--help"]
)
def test_a_light_command_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    done = python("-X", "importtime", "-m", "potluck", "--home", str(tmp_path), name)
    assert done.returncode == (0 if name in {"version", "--help"} else 3)
    imported = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "potluck.faces.cli.main" in imported
    assert not imported.intersection(HEAVY)
