"""Kept beside: another name for each part, and all as before where one cannot have it."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from potluck.core.errors import Refused
from potluck.faces.cli.output import error_lines
from potluck.shells.state.home import KEY_NAME
from potluck.shells.state.kept_beside import check_whole, has_identity, keep_beside
from potluck.shells.state.private_home import INDEX_NAME

PARTS = {KEY_NAME: "k", f"{INDEX_NAME}-wal": "w", INDEX_NAME: "i"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in PARTS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / f"{INDEX_NAME}-shm").touch()
    (tmp_path / "lock").write_text("1")
    return tmp_path


def held(home: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in home.iterdir()}


def test_what_belongs_to_the_index_goes_on_belonging_to_it(home: Path) -> None:
    key, log, index = keep_beside(str(home), ExitStack())
    assert log == f"{index}-wal"
    assert key.removeprefix(KEY_NAME) == index.removeprefix(INDEX_NAME)
    assert held(home) == {key: "k", log: "w", index: "i", f"{INDEX_NAME}-shm": "", "lock": "1"}


def test_it_is_undone(home: Path) -> None:
    before = held(home)
    with ExitStack() as undo:
        keep_beside(str(home), undo)
        assert held(home) != before
    assert held(home) == before


@pytest.mark.parametrize("step", range(3))
def test_where_one_cannot_have_another_name_all_have_their_own(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    before, real, calls = held(home), os.replace, list[str]()

    def fail(former: str, name: str) -> None:
        calls.append(former)
        if len(calls) == step + 1:
            raise PermissionError(1, "Operation not permitted", former)
        real(former, name)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PermissionError), ExitStack() as undo:
        keep_beside(str(home), undo)
    assert held(home) == before


def test_an_identity_is_a_key_or_an_index_that_holds_something(tmp_path: Path) -> None:
    assert not has_identity(str(tmp_path))
    (tmp_path / INDEX_NAME).touch()
    assert not has_identity(str(tmp_path))
    (tmp_path / INDEX_NAME).write_text("i")
    assert has_identity(str(tmp_path))
    (tmp_path / INDEX_NAME).unlink()
    (tmp_path / KEY_NAME).touch()
    assert has_identity(str(tmp_path))


def test_a_home_that_is_half_restored_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_whole(str(tmp_path))
    (tmp_path / f"{KEY_NAME}.restoring").touch()
    with pytest.raises(Refused, match="half restored") as refused:
        check_whole(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["potluck", "--home", "h", "up", "--headless"])
    how = "potluck --home h restore-identity FILE --force"
    assert error_lines(refused.value)[-1].endswith(f": {how}"), "of no other home"
