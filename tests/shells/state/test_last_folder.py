"""The folder that was shared last: kept whole, never trusted further than a path."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from potluck.shells.state.last_folder import (
    FOLDER_FILE_BYTES,
    LAST_FOLDER_NAME,
    last_folder,
    remember_folder,
)


@pytest.mark.parametrize("folder", ["/a b/ü", "/with\nbreak", os.fsdecode(b"/not/\xff/text")])
def test_any_path_comes_back_as_it_was(tmp_path: Path, folder: str) -> None:
    assert last_folder(str(tmp_path)) is None
    for each in ("/first", folder):
        remember_folder(str(tmp_path), each)
        assert last_folder(str(tmp_path)) == each
    [kept] = tmp_path.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_same_folder_is_not_written_again(tmp_path: Path) -> None:
    remember_folder(str(tmp_path), "/folder")
    before = (tmp_path / LAST_FOLDER_NAME).stat().st_ino
    remember_folder(str(tmp_path), "/folder")
    assert (tmp_path / LAST_FOLDER_NAME).stat().st_ino == before


@pytest.mark.parametrize(
    "kept", [b"", b"relative", b"/a\0b", b"/" + b"x" * FOLDER_FILE_BYTES], ids=lambda kept: kept[:9]
)
def test_what_is_no_path_is_nothing(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / LAST_FOLDER_NAME).write_bytes(kept)
    assert last_folder(str(tmp_path)) is None


def test_a_state_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    remember_folder(str(tmp_path / "not" / "there"), "/folder")
    (tmp_path / LAST_FOLDER_NAME).mkdir()
    remember_folder(str(tmp_path), "/folder")
    assert last_folder(str(tmp_path)) is None
