"""The plainest lines mean what the parser says they mean; all others are left to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import PotluckError
from potluck.faces.cli import main
from potluck.faces.cli.plain import FLAGS, PlainLine, plain_line, run_plain
from tests.faces.fakes import FakeSource, running, state

WORDS = [*FLAGS, "--json", "--check", "-r", "--recursive", "--watch", "--home", "--home=x", "a/b"]
WORDS += ["", "-", "--", "--help", "-h", "--verbose", "Shared", "-rx", "--version", "-x"]
WORDS += ["--synced", "--delivered", "--timeout", "--peers", "7", "--to"]


def parsed(words: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Return what the parser makes of a command line of one command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("POTLUCK_HOME", raising=False)
        for variable, value in environment.items():
            patch.setenv(variable, value)
        outer = main.potluck.make_context("potluck", list(words))
        name, command, rest = main.potluck.resolve_command(outer, [*outer._protected_args])
        assert command is not None
        inner = command.make_context(name, [*rest, *outer.args], parent=outer)
    as_json = outer.params["as_json"] or inner.params["as_json"]
    return {"name": name, "home": outer.params["home"], **inner.params, "as_json": as_json}


@given(
    words=st.lists(st.sampled_from(WORDS), max_size=6),
    environment=st.sampled_from([{}, {"POTLUCK_HOME": "/h"}, {"POTLUCK_HOME": ""}]),
)
def test_what_is_understood_means_what_the_parser_says(
    words: list[str], environment: dict[str, str]
) -> None:
    line = plain_line(words, environment)
    if line is None:
        return
    try:
        said = parsed(words, environment)
    except (PotluckError, click.ClickException, click.exceptions.Exit) as error:
        raise AssertionError(f"{words} is understood and means nothing") from error
    assert (line.name, line.home) == (said["name"], said["home"])
    assert ("json" in line.flags) is said["as_json"]
    assert ("check" in line.flags) is said.get("check", False)
    assert ("recursive" in line.flags) is said.get("recursive", False)
    assert line.path == said.get("path", "")
    assert not said.get("watch", False)
    assert ("synced" in line.flags) is said.get("synced", False)
    assert ("delivered" in line.flags) is said.get("delivered", False)
    assert line.figures.get("timeout") == said.get("timeout")
    assert line.figures.get("peers") == said.get("peers")
    assert not said.get("labels")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("status", PlainLine("status", None, frozenset(), "", {})),
        ("status --check", PlainLine("status", None, frozenset({"check"}), "", {})),
        ("--home x peers --json", PlainLine("peers", "x", frozenset({"json"}), "", {})),
        ("ls -r a/b", PlainLine("ls", None, frozenset({"recursive"}), "a/b", {})),
        (
            "wait --timeout 5 --synced",
            PlainLine("wait", None, frozenset({"synced"}), "", {"timeout": 5}),
        ),
        ("ls", PlainLine("ls", None, frozenset(), "", {})),
    ],
)
def test_what_people_type_to_look_is_understood(words: str, line: PlainLine) -> None:
    assert plain_line(words.split(), {}) == line


@pytest.mark.parametrize(
    "words",
    [
        *("", "up", "status --watch", "status x", "ls a b", "--home", "--home -x status"),
        *("status --help", "--json status", "statu", "ls -- -x", "--home x", "peers --check"),
        *("wait --timeout 0.5", "wait --to x", "wait --peers", "wait --peers 1 --peers 2"),
    ],
)
def test_anything_else_is_left_to_the_parser(words: str) -> None:
    assert plain_line(words.split(), {}) is None
    assert run_plain(words.split()) is None


def test_the_home_of_the_environment_is_used() -> None:
    line = plain_line(["ring"], {"POTLUCK_HOME": "/h"})
    assert line is not None
    assert line.home == "/h"


@pytest.mark.parametrize(
    "words", ["status", "status --check", "peers", "ring", "ls", "ls -r", "wait"]
)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_both_say_the_same(
    words: str, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--home", str(tmp_path), *words.split(), *more]
    assert run_plain(line) == main.run_command(line) == 3, "nothing runs there"
    capsys.readouterr()
    with running(tmp_path, FakeSource()) as served:
        served.current = state(state="trouble")
        code, printed = run_plain(line), capsys.readouterr()
        assert (main.run_command(line), capsys.readouterr()) == (code, printed)
    assert code == (11 if "--check" in words else 0)
    assert printed.out
