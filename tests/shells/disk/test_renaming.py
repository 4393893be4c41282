"""Renames that replace nothing, with the kernel's help and without it."""

from __future__ import annotations

import ctypes
import errno
import os

import pytest

from potluck.shells.disk import renaming
from potluck.shells.disk.renaming import change_places, rename_over, rename_to_free


@pytest.fixture
def folder(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    (tmp_path / "one").write_text("1")
    yield tmp_path, descriptor
    os.close(descriptor)


def fail_with(monkeypatch, number):
    def fail(*_args):
        ctypes.set_errno(number)
        return -1

    monkeypatch.setattr(renaming, "_renameat2", fail)


def unknown(monkeypatch, how):
    if how == "no call":
        monkeypatch.setattr(renaming, "_renameat2", None)
    elif how:
        fail_with(monkeypatch, how)


@pytest.mark.parametrize("how", [0, "no call", errno.EINVAL, errno.ENOSYS])
def test_a_name_that_is_taken_is_never_replaced(folder, monkeypatch, how):
    unknown(monkeypatch, how)
    path, descriptor = folder
    (path / "two").write_text("2")
    with pytest.raises(FileExistsError):
        rename_to_free(descriptor, "one", descriptor, "two")
    assert (path / "two").read_text() == "2"
    rename_to_free(descriptor, "one", descriptor, "three")
    assert (path / "three").read_text() == "1"


def test_two_things_change_places_whatever_they_are(folder):
    path, descriptor = folder
    (path / "two").mkdir()
    assert change_places(descriptor, "one", descriptor, "two")
    assert (path / "two").read_text() == "1"
    assert (path / "one").is_dir()
    with pytest.raises(FileNotFoundError):
        change_places(descriptor, "one", descriptor, "nothing")


@pytest.mark.parametrize("how", ["no call", errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_who_cannot_exchange_says_so_and_changes_nothing(folder, monkeypatch, how):
    unknown(monkeypatch, how)
    path, descriptor = folder
    (path / "two").write_text("2")
    assert not change_places(descriptor, "one", descriptor, "two")
    assert (path / "two").read_text() == "2"
    rename_over(descriptor, "one", descriptor, "two")
    assert (path / "two").read_text() == "1"


def test_any_other_error_is_one(folder, monkeypatch):
    fail_with(monkeypatch, errno.ENOSPC)
    with pytest.raises(OSError, match="No space left"):
        rename_to_free(folder[1], "one", folder[1], "two")
