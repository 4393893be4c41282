"""Pruning: too old goes first, then the oldest of whoever has most, and nothing else."""

from __future__ import annotations

import os
import time

import pytest

from potluck.engine.events import SpaceSeen
from potluck.shells.disk import trash as trash_module
from potluck.shells.disk import trash_walk
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.trash import KEEP_DAYS, TRASH_SHARE, prune_trash
from tests.shells.files import open_descriptors, trash

BLOCK = 4096
DAY_S = 86_400
EMPTY = SpaceSeen(10**9, 10**9)  # a disk of which all is free


@pytest.fixture
def share(tmp_path, monkeypatch):
    monkeypatch.setattr(Share, "space", lambda _self: EMPTY)
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def put(share, monkeypatch):
    """Put files into the trash at chosen seconds: ctime cannot be set, so it is looked up here."""
    came: dict[int, int] = {}

    def make(text, second=0, blocks=1):
        full = os.path.join(share.folder, ".potluck/trash", text)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(b"x" * BLOCK * blocks)
            came[os.fstat(file.fileno()).st_ino] = second

    monkeypatch.setattr(trash_walk, "came_ns", lambda found: came.get(found.st_ino, 0) * 10**9)
    return make


def ran(share, days):
    """Say that potluck has run so long with this folder."""
    with open(os.path.join(share.folder, ".potluck/trash.days"), "w", encoding="ascii") as file:
        file.write(f"{days * DAY_S}\n")


def test_what_is_too_old_goes_and_nothing_a_day_younger(share, put):
    put("day-000005-deleted/ann/a")
    put("day-000006-replaced/ann/b")
    put("day-000005 was 20250131/ann/c")
    before = open_descriptors()
    ran(share, 5 + KEEP_DAYS)
    prune_trash(share)
    assert len(trash(share)) == 3
    ran(share, 6 + KEEP_DAYS)
    seen = prune_trash(share)
    assert sorted(trash(share)) == ["day-000006-replaced/ann/b"]
    assert (seen.trash_bytes, seen.early_files) == (BLOCK, 0)
    assert open_descriptors() == before


@pytest.mark.parametrize("years", [-40, -1, 1, 5, 300])
def test_a_clock_that_is_wrong_prunes_nothing(share, put, monkeypatch, years):
    real = time.time
    put("day-000000-deleted/ann/a", 10**9)
    put("20200101/ann/b")
    monkeypatch.setattr(time, "time", lambda: real() + years * 366 * DAY_S)
    os.utime(os.path.join(share.folder, ".potluck/trash/day-000000-deleted/ann/a"), (1, 1))
    for days in (0, KEEP_DAYS):
        ran(share, days)
        prune_trash(share)
    assert len(trash(share)) == 2


def test_without_a_count_nothing_is_too_old(share, put):
    put("day-000000-deleted/ann/a")
    put("day-000900-deleted/ann/a")
    prune_trash(share)
    assert len(trash(share)) == 2


def test_then_the_oldest_of_whoever_has_most(share, put, monkeypatch):
    for n in range(6):
        put(f"day-000000-deleted/ann/{n}", 100 + n)
    put("day-000000 was d/ann~2/6", 106)
    put("day-000001-deleted/ann/7", 1)  # of a later day, whatever the clock said
    put("day-000000-replaced/bob/a", 1)
    put("day-000000-replaced/bob/b", 2)
    monkeypatch.setattr(Share, "space", lambda _self: SpaceSeen(10**9, 4 * BLOCK * 10))
    seen = prune_trash(share)
    assert sorted(trash(share)) == ["day-000000 was d/ann~2/6", "day-000000-replaced/bob/a",
                                    "day-000000-replaced/bob/b",
                                    "day-000001-deleted/ann/7"]  # fmt: skip
    assert (seen.trash_bytes, seen.early_files, seen.early_bytes) == (4 * BLOCK, 6, 6 * BLOCK)


def test_a_disk_is_not_kept_full_by_the_trash(share, put, monkeypatch):
    total = 100 * BLOCK  # of which a part is to stay free, and less is
    for n in range(8):
        put(f"day-000000-deleted/ann/{n}", n)
    full = os.path.join(share.folder, ".potluck/trash/day-000000-deleted/ann/1")
    os.link(full, os.path.join(share.folder, "Shared/1"))  # removing it would free nothing
    monkeypatch.setattr("potluck.shells.disk.trash.reserve_of", lambda _total: 10 * BLOCK)
    monkeypatch.setattr(Share, "space", lambda _self: SpaceSeen(7 * BLOCK, total))
    seen = prune_trash(share)
    assert sorted(name[-1] for name in trash(share)) == ["1", "4", "5", "6", "7"]
    assert (seen.early_files, seen.early_bytes) == (3, 3 * BLOCK)
    monkeypatch.setattr(Share, "space", lambda _self: SpaceSeen(10 * BLOCK, total))
    assert prune_trash(share).early_files == 0
    monkeypatch.setattr(Share, "space", lambda _self: SpaceSeen(0, total))
    assert (prune_trash(share).early_files, len(trash(share))) == (4, 1)


def test_what_is_wanted_back_stays_however_old_or_full(share, put, monkeypatch):
    put("day-000000-deleted/ann/d/a", 1)
    put("day-000000-deleted/ann/d/a~2", 2)
    put("day-000000-deleted/ann/b", 3)
    put("day-000001-deleted/ann/c", 4)
    monkeypatch.setattr(Share, "space", lambda _self: SpaceSeen(0, 10 * BLOCK))
    ran(share, KEEP_DAYS + 1)  # what came on day 0 is too old
    seen = prune_trash(share, frozenset({b"ann/d/a", b"ann/else"}))
    both = ["day-000000-deleted/ann/d/a", "day-000000-deleted/ann/d/a~2"]
    assert sorted(trash(share)) == both
    assert (seen.trash_bytes, seen.early_files) == (2 * BLOCK, 1)
    prune_trash(share)
    assert trash(share) == {}


def test_for_what_is_wanted_back_by_one_nothing_of_the_others_has_to_go(share, put, monkeypatch):
    for n in range(8):
        put(f"day-000000-deleted/ann/{n}", n)
    put("day-000000-deleted/bob/a", 1)
    monkeypatch.setattr(Share, "space", lambda _self: SpaceSeen(10**9, 4 * BLOCK * 10))
    seen = prune_trash(share, frozenset(b"ann/%d" % n for n in range(8)))
    assert (seen.trash_bytes, seen.early_files, len(trash(share))) == (9 * BLOCK, 0, 9)


def test_a_file_that_cannot_be_removed_keeps_nobody(share, put, monkeypatch):
    put("day-000000-deleted/ann/a", 1)
    put("day-000000-deleted/ann/b", 2)
    real = os.unlink

    def unlink(name, **options):
        if name == "a":
            raise PermissionError(1, "immutable")
        real(name, **options)

    monkeypatch.setattr(os, "unlink", unlink)
    ran(share, 99)
    prune_trash(share)
    assert sorted(trash(share)) == ["day-000000-deleted/ann/a"]


@pytest.mark.parametrize("comes", [True, False])
def test_what_comes_under_the_name_of_what_went_in_another_round_stays(
    share, put, monkeypatch, comes
):
    put("day-000000-deleted/ann/a")
    real = trash_module._oldest_first

    def listed(trash_fd):
        owners = real(trash_fd)
        full = os.path.join(share.folder, ".potluck/trash/day-000000-deleted/ann/a")
        os.unlink(full)  # two rounds can be under way at once
        if comes:
            put("day-000000-deleted/ann/a")
            os.utime(full, (1, 1))
        return owners

    monkeypatch.setattr(trash_module, "_oldest_first", listed)
    ran(share, 99)
    assert prune_trash(share).early_files == 0
    assert [*trash(share)] == ["day-000000-deleted/ann/a"] * comes


def test_links_are_not_followed_and_strange_things_are_pruned_too(share, put, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"x")
    top = os.path.join(share.folder, ".potluck/trash")
    os.symlink(outside, os.path.join(top, "day-000000-deleted"))
    put("day-000001-deleted/ann/a")
    os.symlink(outside, os.path.join(top, "day-000001-deleted/link"))
    os.mkfifo(os.path.join(top, "day-000001-deleted/ann/pipe"))
    put("day-000000 was stray")
    ran(share, 99)
    prune_trash(share)
    assert (outside / "precious").exists()
    assert trash(share) == {}


def test_empty_folders_go_once_nobody_can_be_about_to_use_them(share, put):
    deep = os.path.join(share.folder, ".potluck/trash/day-000007-deleted/ann/deep")
    os.makedirs(deep)
    os.makedirs(os.path.join(share.folder, ".potluck/trash/nobody's"))
    put("day-000007-replaced/bob/kept")
    for days, left in ((6, True), (7, True), (8, True), (9, False)):
        ran(share, days)
        prune_trash(share)
        assert os.path.isdir(deep) is left
    assert sorted(os.listdir(share.trash_fd)) == ["day-000007-replaced", "nobody's"]


def test_trouble_with_an_empty_folder_is_told(share, put, monkeypatch):
    os.makedirs(os.path.join(share.folder, ".potluck/trash/day-000000-deleted"))
    ran(share, 9)

    def fail(*_args, **_options):
        raise PermissionError(1, "immutable")

    monkeypatch.setattr(os, "rmdir", fail)
    with pytest.raises(PermissionError):
        prune_trash(share)


def test_it_says_what_is_free_and_what_is_kept(share, put, monkeypatch):
    put("day-000000-deleted/ann/a")
    put("day-000040-deleted/ann/b", blocks=2)
    put("day-000040-deleted/ben/c")
    ran(share, 41)
    monkeypatch.setattr(Share, "space", lambda _: SpaceSeen(10**9, 1000 * BLOCK, 5, 6))
    assert prune_trash(share) == SpaceSeen(10**9, 1000 * BLOCK, 5, 6, 3 * BLOCK)
    monkeypatch.setattr(Share, "space", lambda _: SpaceSeen(10**9, 20 * BLOCK))
    seen = prune_trash(share)
    assert seen.trash_bytes == BLOCK, "a tenth of the disk"
    assert (seen.early_files, seen.early_bytes) == (1, 2 * BLOCK)
    assert TRASH_SHARE == 0.10
