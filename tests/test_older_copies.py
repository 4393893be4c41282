"""Older copies: the folder is compared with the index at the start, and both are stamped anew."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck import older_copies
from potluck.core.errors import DiskTrouble
from potluck.engine.index import Index
from potluck.engine.own.older_copy import FOLDER_STAMP, OLDER_COPY
from potluck.older_copies import OlderCopies
from potluck.shells.disk import fsops
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.marker import ShareMarker, Whose

WHOSE = Whose(b"d" * 32, b"s" * 16)


class Home:
    """A device, start by start."""

    def __init__(self, base: Path) -> None:
        self.folder, self.index_path = base / "Folder", base / "index"
        with Share(str(self.folder)) as share:
            ShareMarker(share, WHOSE).write(b"g" * 32)

    @property
    def stamps(self) -> Path:
        return self.folder / ".potluck" / "stamps"

    def start(self, *, end: bool = True) -> bool:
        """Say what a start finds; without an end it was killed."""
        index = Index.open(str(self.index_path))
        try:
            with Share(str(self.folder)) as share:
                copies = OlderCopies(share, ShareMarker(share, WHOSE), index, str(self.index_path))
                found = copies.begin()
                assert "is known" in repr(copies)
                if end:
                    copies.end()
        finally:
            index.close()
        return found

    def meta(self, key: str) -> bytes | None:
        index = Index.open(str(self.index_path))
        found = index.meta.get(key)
        index.close()
        return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(autouse=True)
def _no_hook() -> Iterator[None]:
    yield
    fsops.set_crash_hook(None)


def test_a_folder_that_goes_on_is_no_older_copy(home: Home) -> None:
    assert [home.start(end=number % 2 == 0) for number in range(4)] == [False] * 4
    assert home.meta(OLDER_COPY) is None


@pytest.mark.parametrize("end", [True, False], ids=["ended", "killed"])
def test_one_that_was_put_back_is_found_once(home: Home, tmp_path: Path, end: bool) -> None:
    home.start(end=end)
    shutil.copytree(home.folder, tmp_path / "backup")
    home.start(end=end)
    shutil.rmtree(home.folder)
    shutil.copytree(tmp_path / "backup", home.folder)
    assert home.start(end=end)
    assert home.meta(OLDER_COPY) == b"1"
    assert not home.start(), "the engine knows by the index"


def test_a_copy_made_while_it_ran_is_found_after_an_end(home: Home, tmp_path: Path) -> None:
    home.start(end=False)
    shutil.copytree(home.folder, tmp_path / "backup")
    index = Index.open(str(home.index_path))
    with Share(str(home.folder)) as share:
        OlderCopies(share, ShareMarker(share, WHOSE), index, str(home.index_path)).end()
    index.close()
    shutil.rmtree(home.folder)
    shutil.copytree(tmp_path / "backup", home.folder)
    assert home.start()


def test_an_index_that_was_put_back_is_another_matter(home: Home, tmp_path: Path) -> None:
    home.start()
    shutil.copy(home.index_path, tmp_path / "backup")
    home.start()
    shutil.copy(tmp_path / "backup", home.index_path)
    assert not home.start()


def test_both_of_one_backup_agree(home: Home, tmp_path: Path) -> None:
    home.start()
    shutil.copy(home.index_path, tmp_path / "index.backup")
    shutil.copy(home.stamps, tmp_path / "stamps.backup")
    home.start()
    shutil.copy(tmp_path / "index.backup", home.index_path)
    shutil.copy(tmp_path / "stamps.backup", home.stamps)
    assert not home.start()


def test_what_is_not_this_share_is_left_alone(home: Home) -> None:
    home.start()
    stamps = home.stamps.read_bytes()
    (home.folder / ".potluck" / "marker").unlink()
    assert not home.start()
    assert home.stamps.read_bytes() == stamps


@pytest.mark.parametrize("step", ["before_stamp_rename", "folder_stamped"])
def test_a_crash_while_it_is_stamped_is_no_older_copy(home: Home, step: str) -> None:
    home.start()

    def crash(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    fsops.set_crash_hook(crash)
    with pytest.raises(KeyboardInterrupt):
        home.start()
    fsops.set_crash_hook(None)
    assert not home.start()


@pytest.mark.parametrize("step", ["before_stamp_rename", "folder_stamped"])
def test_a_crash_while_an_older_copy_is_stamped_is_known(
    home: Home, tmp_path: Path, step: str
) -> None:
    home.start()
    shutil.copy(home.stamps, tmp_path / "stamps")
    home.start()
    shutil.copy(tmp_path / "stamps", home.stamps)

    def crash(name: str) -> None:
        if name == step:
            raise KeyboardInterrupt

    fsops.set_crash_hook(crash)
    with pytest.raises(KeyboardInterrupt):
        home.start()
    fsops.set_crash_hook(None)
    found = home.start()
    assert home.meta(OLDER_COPY) == b"1"
    assert found is (step == "before_stamp_rename")


def test_where_the_index_cannot_be_written_it_is_found_again(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.start()
    shutil.copy(home.stamps, tmp_path / "stamps")
    home.start()
    shutil.copy(tmp_path / "stamps", home.stamps)

    def full(*_: object, **__: object) -> None:
        raise DiskTrouble("the index cannot be written", "its disk is full", "df")

    with monkeypatch.context() as patch:
        patch.setattr(older_copies, "move_log", full)
        assert home.start(end=False)
        patch.setattr(Index, "commit", full)
        assert home.start()
    assert home.start()
    known = home.meta(FOLDER_STAMP)
    with monkeypatch.context() as patch:
        patch.setattr(Index, "commit", full)
        assert not home.start(), "the folder is ahead"
    assert home.meta(FOLDER_STAMP) == known
    assert not home.start()


def test_an_end_leaves_the_index_alone_while_a_loop_is_stuck_in_it(home: Home) -> None:
    home.start()
    index = Index.open(str(home.index_path))
    with Share(str(home.folder)) as share:
        copies = OlderCopies(share, ShareMarker(share, WHOSE), index, str(home.index_path))
        index.begin()
        index.meta.set("half", b"1")
        copies.user = threading.current_thread()  # it is alive
        copies.end()
        index.meta.set("half", b"2")
        index.rollback()
        assert index.meta.get("half") is None
    index.close()
