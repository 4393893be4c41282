"""The entry: help, suggestions, exit codes, three parts, and the law that `status` starts light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import click
import pytest

from potluck.core.errors import DiskTrouble
from potluck.faces.cli import main
from potluck.faces.cli.commands import COMMANDS, EVERYDAY
from potluck.faces.cli.main import run_command, suggestion
from tests.faces.fakes import FakeSource, running

HEAVY = (
    "http.client",
    "email",
    "ssl",
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

SLOW = ("click", "dataclasses", "inspect", "pathlib", "platformdirs", "difflib", "tempfile")
"""Half of the time that a look takes, if it imports them: docs/decisions/009."""


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
        (["frobnicate"], "There is no command “frobnicate”.", "potluck help"),
        (["opne"], "There is no command “opne”.", "potluck help"),
        (["help", "stauts"], "There is no command “stauts”.", "did you mean potluck status?"),
        (["up", "--opne"], "There is no option --opne.", "up --help"),
        (["up", "--opn=10"], "There is no option --opn.", "up --help"),
        (["up", "--open", "10"], "“10” would be the folder", "up --open=10\n"),
        (["up", "--open", "1h"], "“1h” would be the folder", "up --open=60\n"),
        (["up", "--open", "30s"], "“30s” would be the folder", "up --open=0.5\n"),
        (["up", "--open", "always"], "“always” would be the folder", "up --open=always\n"),
        (["open", "soon"], "open cannot be “soon”.", "write open (60 minutes), open 30, or"),
        (["open", "0"], "open cannot be “0”.", "write open"),
        (["open", "-5"], "open cannot be “-5”.", "write open"),
        (["wait", "--to"], "Option '--to' requires an argument.", "wait --help"),
        (["--home"], "Option '--home' requires an argument.", "potluck --help"),
        (["add", "--mvoe", "x"], "There is no option --mvoe.", "did you mean --move?"),
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
    assert "\n  next: " in printed.err
    assert fix in printed.err
    asks_for_it = words[0] == "open" or "would be the folder" in what
    assert asks_for_it or "open" not in printed.err.splitlines()[-1], "it is never suggested"


@pytest.mark.parametrize("word", ["clear", "closed", "opem", "opens"])
def test_no_word_about_the_door_is_ever_suggested(word: str) -> None:
    assert suggestion(word, [*COMMANDS]) not in {"open", "close"}
    assert suggestion("statsu", [*COMMANDS]) == "status"


def test_the_version_and_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == run_command(["version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[1]
    assert run_command(["help"]) == run_command(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown[: len(shown) // 2] == shown[len(shown) // 2 :]
    assert run_command(["help", "ls"]) == run_command(["ls", "--help"]) == 0
    first, second = capsys.readouterr().out.split("Usage: ")[1:]
    assert first == second


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

    monkeypatch.setattr(main.potluck, "make_context", end)
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


@pytest.mark.parametrize(
    "name", ["status", "ls", "ring", "peers", "wait", "open", "close", "down", "version", "--help"]
)
def test_a_light_command_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    plain = name in {"status", "ls", "ring", "peers", "wait"}
    with running(tmp_path, FakeSource()) if plain else nullcontext():
        done = python("-X", "importtime", "-m", "potluck", "--home", str(tmp_path), name)
    assert done.returncode == (0 if plain or name in {"version", "--help"} else 3)
    imported = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert ("potluck.faces.cli.main" in imported) is not plain
    heavy = HEAVY if name != "version" else HEAVY[3:]  # the metadata of a package is an e-mail
    assert not imported.intersection(heavy)
    assert not plain or not imported.intersection(SLOW), "they are promised in 0.15 s"
