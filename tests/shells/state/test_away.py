"""A folder that is away: known by what was shared last, and nothing is made in its place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from potluck.core.keys.identity import DeviceKey
from potluck.engine.index import Index
from potluck.engine.index.carried import Carried
from potluck.engine.own.share_state import WRITTEN_ONCE
from potluck.shells.state.away import (
    NO_FOLDER,
    is_another,
    is_away,
    seen_instead,
    stand_in,
)
from potluck.shells.state.group_copy import write_copy
from potluck.shells.state.home import KEY_NAME
from potluck.shells.state.last_folder import remember_folder
from potluck.shells.state.private_home import INDEX_NAME


@pytest.fixture
def state(tmp_path: Path) -> str:
    """The state of a device that shared tmp_path/music."""
    home = tmp_path / "home"
    home.mkdir()
    remember_folder(str(home), str(tmp_path / "music"))
    index = Index.open(str(home / INDEX_NAME))
    index.begin()
    index.meta.set(WRITTEN_ONCE, b"1")
    index.commit()
    index.close()
    return str(home)


def test_a_folder_that_is_gone_or_has_nothing_of_potluck_is_away(
    state: str, tmp_path: Path
) -> None:
    music = tmp_path / "music"
    assert is_away(str(music), state)
    assert not music.exists()
    music.mkdir()
    (music / "song").write_bytes(b"la")
    assert is_away(str(music), state)
    assert os.listdir(music) == ["song"]
    (music / ".potluck").mkdir()
    assert not is_away(str(music), state), "its marker says which share it is"


def test_another_folder_is_not_away(state: str, tmp_path: Path) -> None:
    other, home = tmp_path / "other", tmp_path / "home2"
    assert not is_away(str(other), state)
    assert is_another(str(other), state)
    assert not other.exists()
    assert not is_another(str(tmp_path / "music"), state)
    assert not is_another(str(other), str(home)), "nothing was shared there before"
    (other / ".potluck").mkdir(parents=True)
    assert not is_another(str(other), state), "its marker says which share it is"


def test_a_device_without_a_marker_misses_nothing(state: str, tmp_path: Path) -> None:
    music = str(tmp_path / "music")
    index = Index.open(os.path.join(state, INDEX_NAME))
    index.begin()
    index.meta.remove(WRITTEN_ONCE)
    index.commit()
    index.close()
    assert not is_away(music, state)
    Path(state, INDEX_NAME).write_bytes(b"no index" * 1000)
    assert not is_away(music, state), "the start says what is wrong with it"
    Path(state, INDEX_NAME).unlink()
    assert not is_away(music, state)


def test_what_is_kept_beside_a_damaged_index_says_so_too(state: str, tmp_path: Path) -> None:
    Path(state, KEY_NAME).write_bytes(bytes(64))
    device = DeviceKey(bytes(64)).device
    write_copy(state, Carried(device, [], {WRITTEN_ONCE: b"1"}))
    for index in (b"no index" * 1000, b""):
        Path(state, INDEX_NAME).write_bytes(index)
        assert is_away(str(tmp_path / "music"), state)


def test_what_is_seen_instead_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    music = tmp_path / "music"
    assert seen_instead(str(music)) == NO_FOLDER
    music.mkdir()
    assert seen_instead(str(music)) == "has nothing of potluck in it"
    (tmp_path / "file").touch()
    assert seen_instead(str(tmp_path / "file" / "music")) == NO_FOLDER

    def fail(*_args: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(os, "stat", fail)
    assert seen_instead(str(music)) == "cannot be read (Stale file handle)"


def test_the_stand_in_is_private_and_made_once(state: str) -> None:
    path = stand_in(state)
    assert Path(path).stat().st_mode & 0o777 == 0o700
    assert stand_in(state) == path
    assert Path(path).parent == Path(state)
