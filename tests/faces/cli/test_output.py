"""Output: the program's name as it was started, envelopes, three parts, and no colour off a
terminal.
"""

from __future__ import annotations

import json
import sys

import pytest  # noqa: TC002 - its fixtures are read at run time

from potluck.core.errors import PotluckError
from potluck.faces.cli import output


def test_the_program_is_named_as_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/potluck", "status"])
    assert (output.program(), output.command("up")) == ("potluck", "potluck up")
    monkeypatch.setattr(sys, "argv", ["/x/potluck/__main__.py", "--home", "a b", "status"])
    assert output.program() == "python3 pot.py"
    assert output.command("up") == "python3 pot.py --home 'a b' up"
    monkeypatch.setattr(sys, "argv", ["potluck", "--home=h", "status"])
    assert output.command("down") == "potluck --home h down"


def test_envelopes_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_json({"ü": 1})
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "ok": True, "data": {"ü": 1}}
    output.say_error(PotluckError("It failed.", "the cause", "the next"), as_json=False)
    assert capsys.readouterr().err == "potluck: It failed.\n  why:  the cause\n  next: the next\n"
    output.say_error(PotluckError("It failed."), as_json=False)
    assert capsys.readouterr().err == "potluck: It failed.\n"


def test_styles_only_where_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    assert output.styled("x", "red") == "x"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.styled("x", "red") == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.styled("x", "red") == "x"
