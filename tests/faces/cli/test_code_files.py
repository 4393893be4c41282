"""Files that hold a code: new, for this user only, and never another file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from potluck.core.errors import DiskTrouble, NotFound, NotRunning, Refused, UsageError
from potluck.faces.cli.code_files import CODE_FILE_BYTES, read_code, write_code

CODE = "amber-tiger-violin"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_new_file_is_for_this_user_only(tmp_path: Path, umask: int) -> None:
    path, before = tmp_path / "code", os.umask(umask)
    try:
        write_code(str(path), lambda: CODE, pytest.fail)
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    assert read_code(str(path)) == (CODE + "\n", False)


@pytest.mark.parametrize("what", ["file", "link", "folder", "dangling"])
def test_nothing_that_is_there_is_written_over(tmp_path: Path, what: str) -> None:
    path = tmp_path / "code"
    other = tmp_path / "other"
    if what == "file":
        path.write_text("mine")
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
        if what == "link":
            other.write_text("mine")
    with pytest.raises(Refused) as caught:
        write_code(str(path), pytest.fail, pytest.fail)  # no code is made that nobody can read
    assert caught.value.fix
    assert what != "file" or path.read_text() == "mine"
    assert other.exists() == (what == "link")


def test_no_code_is_made_for_a_file_that_would_be_shared(tmp_path: Path) -> None:
    """The others were told that its file was added, and could read it."""
    (tmp_path / "pot" / "Shared" / "me").mkdir(parents=True)
    (tmp_path / "pot" / ".potluck").mkdir()
    (tmp_path / "pot" / ".potluck" / "marker").write_bytes(b"")
    path = tmp_path / "pot" / "Shared" / "me" / "code"
    with pytest.raises(Refused, match="is in a folder that is shared: no code was made"):
        write_code(str(path), pytest.fail, pytest.fail)
    assert not path.exists()


def test_where_nothing_can_be_written_no_code_is_made(tmp_path: Path) -> None:
    with pytest.raises(DiskTrouble):
        write_code(str(tmp_path / "none" / "code"), pytest.fail, pytest.fail)


def fails(error: Exception) -> Callable[[], str]:
    def made() -> str:
        raise error

    return made


@pytest.mark.parametrize(
    ("error", "kind"), [(Refused("no"), Refused), (OSError(28, "No space left"), DiskTrouble)]
)
def test_where_no_code_is_made_no_file_stays(
    tmp_path: Path, error: Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        write_code(str(tmp_path / "code"), fails(error), pytest.fail)
    assert list(tmp_path.iterdir()) == []


def test_that_others_may_read_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "code"
    path.write_text(CODE)
    path.chmod(0o640)
    assert read_code(str(path)) == (CODE, True)


def test_what_is_not_there_or_no_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_code(str(tmp_path / "none"))
    with pytest.raises(UsageError):
        read_code(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError):
        read_code(str(tmp_path / "pipe"))
    (tmp_path / "large").write_bytes(bytes(CODE_FILE_BYTES + 1))
    with pytest.raises(UsageError):
        read_code(str(tmp_path / "large"))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DiskTrouble):
        read_code(str(tmp_path / "loop"))


def test_a_file_that_cannot_be_read_is_trouble_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int, size_bytes: int) -> bytes:
        raise OSError(5, "Input/output error")

    (tmp_path / "code").write_text(CODE)
    monkeypatch.setattr(os, "read", broken)
    with pytest.raises(DiskTrouble):
        read_code(str(tmp_path / "code"))


def test_letters_that_are_none_are_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "code").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="holds no code"):
        read_code(str(tmp_path / "code"))


@pytest.mark.parametrize("is_back", [True, False])
@pytest.mark.parametrize("gone", [True, False])
def test_a_code_that_cannot_be_written_down_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_back: bool, gone: bool
) -> None:
    folder, asked = tmp_path / "folder", list[str]()
    folder.mkdir()

    def made() -> str:
        if gone:
            (folder / "code").unlink()
            folder.rmdir()
        return CODE

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    def take_back() -> None:
        asked.append("uninvite")
        if not is_back:
            raise NotRunning

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskTrouble, match="No space left") as caught:
        write_code(str(folder / "code"), made, take_back)
    assert asked == ["uninvite"]
    assert ("uninvite" in caught.value.fix) == (not is_back)
    assert not (folder / "code").exists()


def test_a_folder_that_has_gone_does_not_hide_why_no_code_was_made(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def made() -> str:
        (folder / "code").unlink()
        folder.rmdir()
        raise Refused("no")

    with pytest.raises(Refused, match="no"):
        write_code(str(folder / "code"), made, pytest.fail)
