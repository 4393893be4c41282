"""`invite`, `uninvite`, `join`: a code is shown once, and taken from anywhere but an argument."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.errors import Refused
from potluck.engine.person_acts import InviteAsked, JoinAsked, UninviteAsked
from potluck.faces.advice import LightOnDark
from potluck.faces.cli import output
from potluck.faces.cli.client import Client
from potluck.faces.cli.commands import COMMANDS, ELSEWHERE
from potluck.faces.cli.inviting import qr_lines
from potluck.faces.cli.main import LEAVING_WORDS, run_command, run_typed
from tests.faces.fakes import FakeSource, running

Call = Callable[..., tuple[int, str, str]]
CODE = "amber-tiger-violin"
WORDS = CODE.split("-")


class Source(FakeSource):
    """A potluck that makes one code."""

    def __init__(self) -> None:
        super().__init__()
        self.acted = CODE


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    with running(tmp_path, made := Source()):
        yield made


@pytest.fixture
def potluck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*words: str) -> tuple[int, str, str]:
        code = run_command(["--home", str(tmp_path), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


class Keyboard(Terminal):
    """Nobody types, and reading it would last."""

    reads = 0

    def read(self, _size: int | None = -1, /) -> str:
        self.reads += 1
        return ""

    def readline(self, _size: int = -1, /) -> str:  # type: ignore[override]  # as io has it
        return self.read()


def typed(source: Source) -> str:
    """The code that potluck was asked to join by."""
    acts = [act for act in source.asked if isinstance(act, JoinAsked)]
    assert len(acts) == 1
    assert not any(word in repr(acts) for word in WORDS)
    return acts[0].code._text


# -- invite ----------------------------------------------------------------------------------------
def test_invite_shows_the_code_and_what_to_do_with_it(source: Source, potluck: Call) -> None:
    code, out, _ = potluck("invite")
    assert code == 0
    assert out.splitlines()[0] == f"The code:  {CODE}"
    assert "10 minutes" in out
    assert "join" in out
    assert CODE not in out.replace(f"The code:  {CODE}", "")
    assert source.asked == [InviteAsked(0, 600.0)]


def test_for_as_many_minutes_as_are_wanted(source: Source, potluck: Call) -> None:
    assert potluck("invite", "--minutes", "2.5")[0] == 0
    assert source.asked == [InviteAsked(0, 150.0)]
    for wrong in ("0", "-1", "61", "soon", "nan", "inf", "1e-9", "0.000001"):
        code, _, err = potluck("invite", "--minutes", wrong)
        assert code == 2
        assert "invite --minutes 10" in err or wrong == "soon"
    code, _, err = potluck("invite", "--to-file", "")
    assert (code, err.splitlines()[0]) == (2, "potluck: No file is named.")
    assert len(source.asked) == 1


def test_a_second_code_is_said_to_take_the_place_of_the_first(
    source: Source, potluck: Call
) -> None:
    assert not json.loads(potluck("invite", "--json")[1])["data"]["replaced"]
    source.current = source.current | {"invite": {"left_s": 500.0, "tries": 3}}
    assert potluck("invite")[1].endswith("\nThe code of before counts no more.\n")
    assert json.loads(potluck("invite", "--json")[1])["data"]["replaced"]


def test_whether_there_was_one_is_not_asked_of_an_old_snapshot(
    source: Source, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = source.state, list[bool]()

    def state(*, fresh: bool = False) -> dict[str, Any]:
        asked.append(fresh)
        return real(fresh=fresh)

    monkeypatch.setattr(source, "state", state)
    assert potluck("invite")[0] == 0
    assert asked == [True]


def test_invite_for_scripts(source: Source, potluck: Call) -> None:
    _, out, _ = potluck("invite", "--json")
    assert json.loads(out)["data"] == {"code": CODE, "minutes": 10.0, "replaced": False}


def test_into_a_file_and_nowhere_else(source: Source, potluck: Call, tmp_path: Path) -> None:
    path = tmp_path / "for-the-nas"
    code, out, err = potluck("invite", "--to-file", str(path))
    assert code == 0
    assert path.read_text() == CODE + "\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not any(word in out + err for word in WORDS)
    assert "join --code-file PATH" in out
    code, out, err = potluck("invite", "--to-file", str(path), "--json")
    assert code == 5
    assert len(source.asked) == 1


def test_a_code_that_nobody_can_read_is_not_in_force(
    source: Source, potluck: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = potluck("invite", "--to-file", str(tmp_path / "code"))
    assert (code, "No space left" in err) == (8, True)
    assert [type(act) for act in source.asked] == [InviteAsked, UninviteAsked]


def test_a_qr_code_holds_the_three_words(source: Source, potluck: Call) -> None:
    code, out, _ = potluck("invite", "--qr")
    assert code == 0
    assert out.startswith("\n".join(qr_lines(CODE)))
    assert f"The code:  {CODE}" in out


def test_a_qr_code_is_light_on_dark_whatever_colours_a_terminal_has(
    source: Source, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a light ground it was the wrong way round, and not read by every camera."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    _, out, _ = potluck("invite", "--qr")
    first = qr_lines(CODE)[0]
    assert out.startswith(f"\x1b[97;40m{first}\x1b[0m\n")


def test_a_qr_code_is_square_with_light_around_it() -> None:
    lines = qr_lines(CODE)
    assert {len(line) for line in lines} == {33}  # 25 modules, and 4 of light on each side
    assert len(lines) == 17
    assert lines[:2] == ["█" * 33] * 2
    assert set("".join(lines)) == set("█▀▄ ")
    assert qr_lines("other-code-here") != lines


def test_uninvite(source: Source, potluck: Call) -> None:
    source.acted = "The code counts no more."
    assert potluck("uninvite") == (0, "The code counts no more.\n", "")
    assert source.asked == [UninviteAsked(0)]
    _, out, _ = potluck("uninvite", "--json")
    assert json.loads(out)["data"] == {"text": "The code counts no more."}


# -- join ------------------------------------------------------------------------------------------
def test_what_is_no_text_is_no_code(
    source: Source, potluck: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_text = b"amber \xff\xfe tiger"
    (tmp_path / "code").write_bytes(no_text)
    (tmp_path / "code").chmod(0o600)
    said = [potluck("join", "--code-file", str(tmp_path / "code"))]
    for errors in ("strict", "surrogateescape"):
        typed_in = io.TextIOWrapper(io.BytesIO(no_text), encoding="utf-8", errors=errors)
        monkeypatch.setattr("sys.stdin", typed_in)
        said.append(potluck("join", "--stdin"))
    for code, _, err in said:
        assert code == 2
        assert "no code." in err
        assert "it is not text" in err
        assert "amber" not in err
    assert source.asked == []


@pytest.mark.parametrize("words", [WORDS, [CODE], ["anything"], ["--", "-x"]])
def test_a_code_is_never_an_argument(source: Source, potluck: Call, words: list[str]) -> None:
    code, out, err = potluck("join", *words)
    assert code == 2
    assert "history" in err
    assert "not secret any more" in err
    assert not any(word in out + err for word in WORDS)
    assert source.asked == []


def test_it_is_asked_for_at_a_terminal(
    source: Source, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.acted = "This device is in “Home” now."
    monkeypatch.setattr("sys.stdin", Terminal("Amber tiger VIOLIN\nmore\n"))
    code, out, err = potluck("join")
    assert (code, out) == (0, source.acted + "\n")
    assert err == "The three words: "
    assert typed(source) == "Amber tiger VIOLIN\n"


@pytest.mark.parametrize("stdin", [io.StringIO(CODE), None])
def test_where_nobody_can_be_asked_it_says_what_to_type(
    source: Source, potluck: Call, monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None
) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    code, _, err = potluck("join")
    assert code == 2
    assert "join --stdin" in err
    assert source.asked == []


def test_from_the_standard_input(
    source: Source, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(CODE + "\n"))
    code, out, _ = potluck("join", "--stdin", "--json")
    assert code == 0
    assert json.loads(out)["data"] == {"text": CODE}  # what this potluck answers
    assert typed(source) == CODE + "\n"


def test_from_a_file_that_others_may_read(source: Source, potluck: Call, tmp_path: Path) -> None:
    path = tmp_path / "code"
    path.write_text(CODE)
    path.chmod(0o644)
    code, _, err = potluck("join", "--code-file", str(path))
    assert code == 0
    assert err.startswith("! Others of this machine may read")
    assert typed(source) == CODE
    assert path.exists()


def test_from_a_file_of_this_user(source: Source, potluck: Call, tmp_path: Path) -> None:
    path = tmp_path / "code"
    path.write_text(CODE)
    path.chmod(0o600)
    assert potluck("join", "--code-file", str(path))[2] == ""


def test_from_one_place_only(source: Source, potluck: Call, tmp_path: Path) -> None:
    code, _, err = potluck("join", "--stdin", "--code-file", str(tmp_path))
    assert code == 2
    assert "one place" in err


def test_somebody_who_is_named_is_asked_besides(
    source: Source, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(CODE))
    assert potluck("join", "--stdin", "--peer", "10.0.0.7")[0] == 0
    (act,) = source.asked
    assert isinstance(act, JoinAsked)
    assert act.peer is not None
    assert (act.peer.host, act.peer.port) == ("10.0.0.7", 7685)


@pytest.mark.parametrize(("code", "kind"), [("untrusted", 4), ("refused", 5), ("timed_out", 6)])
def test_a_no_has_an_exit_code_of_its_own(
    source: Source, potluck: Call, monkeypatch: pytest.MonkeyPatch, code: str, kind: int
) -> None:
    from potluck.core.errors import ERRORS_BY_CODE

    source.refusal = ERRORS_BY_CODE[code]("No.", "why", "what next")
    monkeypatch.setattr("sys.stdin", io.StringIO(CODE))
    status, _, err = potluck("join", "--stdin")
    assert status == kind
    assert "what next" in err


def test_nobody_types_a_code_for_a_potluck_that_does_not_run(
    potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(CODE))
    code, _, err = potluck("join")
    assert code == 3
    assert "three words" not in err


# -- at the prompt of potluck ----------------------------------------------------------------------
def test_at_the_prompt_the_words_stand_behind_it(source: Source, tmp_path: Path) -> None:
    source.acted = "Done."
    assert run_typed(["join", *WORDS], Client(str(tmp_path))) == ["Done."]
    assert typed(source) == " ".join(WORDS)


def test_at_the_prompt_nobody_is_asked(source: Source, tmp_path: Path) -> None:
    lines = run_typed(["join"], Client(str(tmp_path)))
    assert lines[0] == "At this prompt the code stands behind the command."
    assert "?" not in "".join(lines), "what is typed next is the next command"
    source.refusal = Refused("No.")
    assert run_typed(["join", *WORDS], Client(str(tmp_path))) == ["No."]


def test_at_the_prompt_no_command_reads_what_is_typed_next(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, client = Keyboard(), Client(str(tmp_path))
    monkeypatch.setattr("sys.stdin", keyboard)
    lines = run_typed(["join", "--stdin"], client)
    assert lines == [
        "--stdin is not for this prompt.",
        "  why:  the standard input is what is typed here",
        "  next: join WORD WORD WORD",
    ]
    for name in COMMANDS.keys() - {*ELSEWHERE, *LEAVING_WORDS}:
        for behind in ([], ["bert"], ["add", "bert"], ["--stdin"]):
            run_typed([name, *behind], client)
    assert not keyboard.reads


def test_at_the_prompt_a_code_is_shown(source: Source, tmp_path: Path) -> None:
    lines = run_typed(["invite"], Client(str(tmp_path)))
    assert lines[0] == f"The code:  {CODE}"


def test_at_the_prompt_a_qr_code_is_a_picture_for_its_screen(
    source: Source, tmp_path: Path
) -> None:
    lines = run_typed(["invite", "--qr"], Client(str(tmp_path)))
    assert all(isinstance(line, LightOnDark) for line in lines[:17])
    assert lines[17] == f"The code:  {CODE}"


def test_where_the_process_may_not_write_the_prompt_of_up_says_who_may(
    source: Source, tmp_path: Path
) -> None:
    client, path = Client(str(tmp_path)), tmp_path / "the code"
    typed_words = ["invite", "--to-file", str(path)]
    source.current = source.current | {"confined": {"on": True, "reason": ""}}
    first, why, step = run_typed([*typed_words, "--minutes", "5"], client)
    assert first == "No code was made, and no file written."
    assert "Landlock" in why
    assert "type it in another terminal: potluck" in step
    assert step.endswith(f" invite --to-file '{path}' --minutes 5")
    assert (source.asked, path.exists()) == ([], False)
    assert "--minutes" not in run_typed(typed_words, client)[-1]
    run_typed(typed_words, client, watching=True)  # a process of its own, which is free
    assert path.read_text() == CODE + "\n"
    path.unlink()
    source.current = source.current | {"confined": {"on": False, "reason": "old Linux"}}
    run_typed(typed_words, client)
    assert path.read_text() == CODE + "\n"
