"""Private files: known by what they are, whatever they are called and wherever they are copied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.core.keys.locked import LOCKED_MAGIC
from potluck.shells.disk.private_files import (
    HOME_KEY,
    HOME_KEY_BYTES,
    is_backup,
    is_for_itself,
    is_key,
    is_of_identity,
    is_own_file,
    is_private,
)
from potluck.shells.state import home as home_module
from potluck.shells.state import private_home

KEY = bytes(range(HOME_KEY_BYTES))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    (home / HOME_KEY).write_bytes(KEY)
    (home / "potluck.sqlite").write_bytes(b"index")
    (home / "notes.txt").write_bytes(b"a person's own")
    return home


@pytest.fixture
def home_fd(home: Path) -> Iterator[int]:
    descriptor = os.open(home, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def opened(path: Path, data: bytes) -> int:
    path.write_bytes(data)
    return os.open(path, os.O_RDONLY)


def test_all_that_potluck_keeps_at_home_is_known_by_its_name() -> None:
    kept = {*private_home._NAMES, "device.key.before-1", "potluck.sqlite.before-1-wal"}
    for name in {*kept, "flight-1.jsonl"}:
        assert is_of_identity(name) is name.startswith(
            ("device.key", "potluck.sqlite", "group.copy")
        )
        assert is_for_itself(name) is not is_of_identity(name)
    assert not is_of_identity("notes.txt")
    assert not is_for_itself("notes.txt")
    assert (home_module.KEY_NAME, home_module.SECRET_BYTES) == (HOME_KEY, HOME_KEY_BYTES)


def test_it_is_private_under_every_name(home: Path, home_fd: int, tmp_path: Path) -> None:
    os.link(home / HOME_KEY, tmp_path / "another")
    for path in (home, home / HOME_KEY, home / "potluck.sqlite", tmp_path / "another"):
        assert is_private(home_fd, path.stat())
    (tmp_path / "other").write_bytes(b"x")
    for path in (tmp_path, home / "notes.txt", tmp_path / "other"):
        assert not is_private(home_fd, path.stat())


def test_what_else_is_kept_at_home_is_known_but_is_no_identity(
    home: Path, home_fd: int, tmp_path: Path
) -> None:
    (home / "config.toml").write_bytes(b"")
    os.link(home / "config.toml", tmp_path / "another")
    (tmp_path / "copy").write_bytes(b"")
    for path in (home / "config.toml", tmp_path / "another"):
        assert is_own_file(home_fd, path.stat())
        assert not is_private(home_fd, path.stat())
    for path in (home, home / HOME_KEY, home / "notes.txt", tmp_path / "copy"):
        assert not is_own_file(home_fd, path.stat())


def test_a_copy_of_the_key_is_the_key(home: Path, home_fd: int, tmp_path: Path) -> None:
    for data, known in ((KEY, True), (KEY[:-1] + b"x", False), (KEY + b"x", False), (b"", False)):
        descriptor = opened(tmp_path / "copy", data)
        assert is_key(home_fd, descriptor) is known
        os.close(descriptor)
    (home / HOME_KEY).unlink()
    descriptor = opened(tmp_path / "copy", KEY)
    assert not is_key(home_fd, descriptor), "there is none"
    os.close(descriptor)


def test_a_locked_backup_says_what_it_is(tmp_path: Path) -> None:
    for data, known in ((LOCKED_MAGIC + b"rest", True), (b"text", False)):
        descriptor = opened(tmp_path / "file", data)
        assert is_backup(descriptor) is known
        os.close(descriptor)
