"""Folder descriptors of a batch: walked once, fsynced once, never too many."""

from __future__ import annotations

import errno
import os

import pytest

from potluck.core.errors import UnsafePath
from potluck.shells.disk import folders as module
from potluck.shells.disk.folders import Folders
from tests.shells.files import open_descriptors


@pytest.fixture
def top(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def synced(monkeypatch):
    found = []
    real = os.fsync

    def fsync(descriptor):
        found.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def test_folders_are_made_once_and_their_parents_synced_once(top, tmp_path, synced):
    before = open_descriptors()
    with Folders(top) as folders:
        first = folders.get(("a", "b", "c"), create=True)
        assert folders.get(("a", "b", "c")) == first
        folders.touch(("a", "b", "c"))
        folders.touch(("a", "b", "c"))
        assert folders.sync() == {}
        assert folders.sync() == {}
    assert (tmp_path / "a" / "b" / "c").is_dir()
    assert synced == ["c", "b", "a", tmp_path.name]
    assert open_descriptors() == before


def test_nothing_is_made_unasked_and_no_link_followed(top, tmp_path):
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "file").write_bytes(b"")
    with Folders(top) as folders:
        with pytest.raises(FileNotFoundError):
            folders.get(("a",))
        with pytest.raises(UnsafePath):
            folders.get(("link", "etc"), create=True)
        with pytest.raises(NotADirectoryError):
            folders.get(("file", "x"), create=True)


def test_trim_closes_many_and_syncs_them_before(top, synced, monkeypatch):
    monkeypatch.setattr(module, "_OPEN", 2)
    with Folders(top) as folders:
        before = open_descriptors()
        for name in "abc":
            folders.get((name,), create=True)
        folders.touch(("a",))
        assert open_descriptors() == before + 3
        folders.trim()
        assert open_descriptors() == before
        assert synced[0] == "a"
        folders.get(("a",))
        folders.trim()
        assert open_descriptors() == before + 1


def test_forget_closes_what_is_below(top):
    with Folders(top) as folders:
        before = open_descriptors()
        for parts in (("a", "b"), ("ab",)):
            folders.get(parts, create=True)
            folders.touch(parts)
        folders.forget(("a",))
        assert open_descriptors() == before + 1
        os.rmdir("a/b", dir_fd=top)
        os.rmdir("a", dir_fd=top)
        assert folders.sync() == {}


def test_what_was_made_in_vain_goes_again_as_far_as_nothing_came_into_it(top, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("/")
    before = open_descriptors()
    with Folders(top) as folders:
        path = ("a", "b", "c", "d")
        assert folders.standing(()) == folders.standing(("x", "y")) == 0
        assert folders.standing(path) == 1
        with pytest.raises(UnsafePath):
            folders.standing(("link", "etc"))
        folders.get(path[:3], create=True)  # d was not made
        folders.drop_made(path, 1)
        assert os.listdir(tmp_path / "a") == []
        folders.get(path, create=True)
        (tmp_path / "a" / "b" / "mine").write_bytes(b"mine")
        folders.drop_made(path, 1)
        assert os.listdir(tmp_path / "a" / "b") == ["mine"]
        folders.drop_made(("link", "etc"), 0)
        assert folders.sync() == {}
    assert (tmp_path / "link").is_symlink()
    assert open_descriptors() == before


def test_a_failed_fsync_is_told_and_not_repeated(top, monkeypatch):
    calls = []

    def fail(descriptor):
        calls.append(descriptor)
        raise OSError(errno.EIO, "broken")

    with Folders(top) as folders:
        folders.get(("a",), create=True)
        monkeypatch.setattr(os, "fsync", fail)
        assert folders.sync() == {(): "input/output error"}
        assert folders.sync() == {(): "input/output error"}
    assert len(calls) == 1
