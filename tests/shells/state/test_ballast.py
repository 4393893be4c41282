"""The ballast: laid where there is plenty, given up once, and never half there."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from potluck.core import limits
from potluck.shells.state.ballast import PLENTY_BYTES, Ballast


def with_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    disk = SimpleNamespace(f_bavail=free_bytes // 4096, f_frsize=4096)
    monkeypatch.setattr("potluck.shells.state.ballast.os.statvfs", lambda _: disk)


def test_it_takes_real_room_and_gives_it_once(tmp_path: Path) -> None:
    path = tmp_path / "ballast"
    ballast = Ballast(str(path))
    ballast.lay()
    assert path.stat().st_size == limits.BALLAST_BYTES
    assert path.stat().st_blocks * 512 >= limits.BALLAST_BYTES  # not a hole
    ballast.lay()
    assert ballast.free()
    assert not ballast.free()
    ballast.lay()
    assert path.exists()


def test_it_does_not_take_what_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ballast = Ballast(str(tmp_path / "ballast"))
    with_free(monkeypatch, PLENTY_BYTES - 4096)
    ballast.lay()
    assert os.listdir(tmp_path) == []
    with_free(monkeypatch, PLENTY_BYTES)
    ballast.lay()
    assert os.listdir(tmp_path) == ["ballast"]


@pytest.mark.parametrize("failure", ["short", "full"])
def test_half_a_ballast_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    def write(_descriptor: int, _data: bytes) -> int:
        if failure == "full":
            raise OSError(28, "No space left on device")
        return 4096

    monkeypatch.setattr("potluck.shells.state.ballast.os.write", write)
    Ballast(str(tmp_path / "ballast")).lay()
    assert os.listdir(tmp_path) == []


def test_a_home_that_is_gone_is_not_its_business(tmp_path: Path) -> None:
    ballast = Ballast(str(tmp_path / "gone" / "ballast"))
    ballast.lay()
    assert not ballast.free()
