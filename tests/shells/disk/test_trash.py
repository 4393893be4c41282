"""Pruning: too old goes first, then the oldest of whoever has most, and nothing else."""

from __future__ import annotations

import os

import pytest

from potluck.engine.events import SpaceSeen
from potluck.shells.disk import trash as module
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.trash import prune_now, prune_trash
from tests.shells.files import open_descriptors, trash

BLOCK = 4096


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def put(share, monkeypatch):
    """Put files into the trash at chosen seconds: ctime cannot be set, so it is looked up here."""
    came: dict[int, int] = {}

    def make(text, second, blocks=1):
        full = os.path.join(share.folder, ".potluck/trash", text)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(b"x" * BLOCK * blocks)
            came[os.fstat(file.fileno()).st_ino] = second

    monkeypatch.setattr(module, "_came_ns", lambda found: came.get(found.st_ino, 0) * 10**9)
    return make


def test_what_is_too_old_goes(share, put):
    put("20250101/ann/a", 100)
    put("20250102/ann/b", 200)
    before = open_descriptors()
    assert prune_trash(share, 250, 100, 0.1) == 1
    assert sorted(trash(share)) == ["20250102/ann/b"]
    assert open_descriptors() == before


def test_then_the_oldest_of_whoever_has_most(share, put, monkeypatch):
    for n in range(6):
        put(f"d/ann/{n}", 100 + n)
    put("d/ann~2/6", 106)
    put("d/bob/a", 1)
    put("d/bob/b", 2)
    monkeypatch.setattr(type(share), "space", lambda _self: SpaceSeen(0, 4 * BLOCK * 10))
    assert prune_trash(share, 1000, 1e6, 0.1) == 5
    assert sorted(trash(share)) == ["d/ann/5", "d/ann~2/6", "d/bob/a", "d/bob/b"]


def test_a_file_that_cannot_be_removed_keeps_nobody(share, put, monkeypatch):
    put("d/ann/a", 1)
    put("d/ann/b", 2)
    real = os.unlink

    def unlink(name, **options):
        if name == "a":
            raise PermissionError(1, "immutable")
        real(name, **options)

    monkeypatch.setattr(os, "unlink", unlink)
    assert prune_trash(share, 1000, 10, 0.1) == 1
    assert sorted(trash(share)) == ["d/ann/a"]


def test_links_are_not_followed_and_stray_files_are_pruned_too(share, put, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"x")
    os.symlink(outside, os.path.join(share.folder, ".potluck/trash/link"))
    put("stray", 1)
    prune_trash(share, 1e9, 10, 0.1)
    assert (outside / "precious").exists()
    assert "stray" not in trash(share)


def test_empty_folders_go_once_nobody_can_be_about_to_use_them(share, put):
    put("d/ann/deep/a", 1)
    prune_trash(share, 100, 10, 0.1)
    assert os.path.isdir(os.path.join(share.folder, ".potluck/trash/d/ann/deep"))
    put("e/bob/kept", 10**12)
    prune_trash(share, 4e9, 4e9, 1.0)
    assert os.listdir(share.trash_fd) == ["e"]


def test_trouble_with_an_empty_folder_is_told(share, put, monkeypatch):
    os.makedirs(os.path.join(share.folder, ".potluck/trash/d"))

    def fail(*_args, **_options):
        raise PermissionError(1, "immutable")

    monkeypatch.setattr(os, "rmdir", fail)
    with pytest.raises(PermissionError):
        prune_trash(share, 4e9, 1, 1.0)


def test_pruned_now_it_says_what_is_free_and_what_is_kept(share, put, monkeypatch):
    day_s = 86_400
    put("old/ann/a", 10 * day_s)
    put("new/ann/b", 50 * day_s, blocks=2)
    put("new/ben/c", 50 * day_s)
    monkeypatch.setattr(Share, "space", lambda _: SpaceSeen(7, 1000 * BLOCK, 5, 6))
    assert prune_now(share, 51.0 * day_s) == SpaceSeen(7, 1000 * BLOCK, 5, 6, 3 * BLOCK)
    monkeypatch.setattr(Share, "space", lambda _: SpaceSeen(7, 20 * BLOCK))
    seen = prune_now(share, 51.0 * day_s)
    assert seen.trash_bytes == BLOCK, "a tenth of the disk"
    assert (seen.early_files, seen.early_bytes) == (1, 2 * BLOCK)
