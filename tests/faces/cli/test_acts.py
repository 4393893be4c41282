"""`add`, `wait` and `version` against a served potluck."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from potluck.engine.own.imports import LOCKED_COPY
from potluck.faces.cli import acts
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource, alone, state


@pytest.mark.parametrize(
    ("options", "mode"),
    [([], "copy"), (["--copy"], "copy"), (["--move"], "move"), (["--reflink"], "reflink")],
)
def test_add(
    source: FakeSource, potluck: Call, tmp_path: Path, options: list[str], mode: str
) -> None:
    file = tmp_path / "a file"
    file.write_text("x")
    assert potluck("add", str(file), *options)[:2] == (0, "1 file is in your folder now.\n")
    assert source.asked == [("add", [str(file)], mode)]
    assert json.loads(potluck("add", str(file), "--json")[1])["data"]["ok"]


def test_add_takes_relative_names(
    source: FakeSource, potluck: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert potluck("add", "f")[0] == 0
    assert source.asked[0][1] == [str(tmp_path / "f")]


def test_add_what_is_not_there(source: FakeSource, potluck: Call, tmp_path: Path) -> None:
    code, _, said = potluck("add", "/no/such/file")
    assert (code, source.asked) == (7, [])
    assert "There is no /no/such/file" in said
    assert "there is no folder /no/such" in said
    (tmp_path / "holiday").mkdir()
    assert f"did you mean {tmp_path}/holiday?" in potluck("add", f"{tmp_path}/holidya")[2]
    assert f"look what is in {tmp_path}, or" in potluck("add", f"{tmp_path}/zz")[2]
    assert "ls" not in said.split(), "ours shows what is shared, not what is here"


def test_add_that_is_refused(source: FakeSource, potluck: Call, tmp_path: Path) -> None:
    source.answer = {"ok": False, "text": "The disk is full."}
    code, _, said = potluck("add", str(tmp_path))
    assert code == 5
    assert "The disk is full." in said
    source.answer["code"] = "disk"
    assert potluck("add", str(tmp_path))[0] == 8
    assert json.loads(potluck("add", str(tmp_path), "--json")[1])["error"]["code"] == "disk"


def test_what_is_advised_to_who_adds_is_typed_as_the_command_was(
    source: FakeSource, potluck: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["potluck", "--home", "h", "add"])
    fix = f"status\n{LOCKED_COPY}\nmake room"
    source.answer = {"ok": False, "text": "not added: /k", "cause": "a key", "fix": fix}
    assert potluck("add", str(tmp_path))[2].splitlines() == [
        "potluck: not added: /k",
        "  why:  a key",
        "  next: potluck --home h status",
        "        for a copy that is locked: potluck --home h backup-identity FILE",
        "        make room",
    ]


def test_wait_returns_at_once_when_it_is_true(source: FakeSource, potluck: Call) -> None:
    assert potluck("wait")[:2] == (0, "2 devices, 14 files: in sync.\n")
    assert potluck("wait", "--synced", "--peers", "1", "--timeout", "5")[0] == 0
    assert json.loads(potluck("wait", "--json")[1])["data"] == state()


def test_wait_returns_when_it_becomes_true(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.current = state(state="busy", need_files=1)

    def arrive(_: float) -> None:
        source.current = state()

    monkeypatch.setattr("time.sleep", arrive)
    assert potluck("wait", "--timeout", "60")[0] == 0


@pytest.mark.parametrize(
    ("words", "current", "part"),
    [
        (["--peers", "1"], alone(), "0 other devices online, 1 wanted"),
        (
            ["--synced"],
            state(state="paused", reason="disk full", synced=False),
            "paused: disk full",
        ),
    ],
)
def test_wait_gives_up_and_says_what_for(
    source: FakeSource, potluck: Call, words: list[str], current: dict[str, object], part: str
) -> None:
    source.current = current
    code, _, said = potluck("wait", *words, "--timeout", "0")
    assert code == 6
    assert part in said


def test_waiting_for_devices_does_not_wait_for_files(source: FakeSource, potluck: Call) -> None:
    source.current = state(state="busy", need_files=1)
    assert potluck("wait", "--peers", "1", "--timeout", "0")[0] == 0


def test_version(potluck: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    number = potluck("version")[1].split()[1]
    assert json.loads(potluck("version", "--json")[1])["data"] == {"version": number}

    def missing(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", missing)
    assert acts.program_version()[0].isdigit()
    monkeypatch.setattr(metadata, "version", lambda _: "9.9")
    assert acts.program_version() == "9.9"
