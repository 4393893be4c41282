"""Kept things: names that are free and fit, links kept as links, nothing lost when a move fails."""

from __future__ import annotations

import errno
import os
import time
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.content.facts import Hindrance
from potluck.shells.disk import keeping
from potluck.shells.disk.fsops import Share, reason_of, stat_at
from potluck.shells.disk.keeping import Keeper, Occupant, numbered
from potluck.shells.disk.trash_layout import Why
from potluck.shells.disk.trash_walk import versions_below
from tests.shells.files import aside, open_descriptors, path, shared, trash, write

NOON = time.mktime((2025, 1, 31, 12, 0, 0, 0, 0, -1))


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def keeper(share):
    before = open_descriptors()
    with Keeper(share, NOON) as keeper:
        yield keeper
    assert open_descriptors() <= before + 1  # the folder of `occupant`


@pytest.fixture
def occupant(share):
    opened = []

    def make(text):
        folder = share.open_folder(path(text).parent)
        opened.append(folder)
        found = stat_at(folder, path(text).name)
        assert found is not None
        return Occupant(path(text), folder, found)

    yield make
    for folder in opened:
        os.close(folder)


def test_a_number_of_another_disk_does_not_say_that_a_file_lies_aside(share, keeper, occupant):
    write(share, "ann/a", b"mine")
    mine = occupant("ann/a")
    keeper.put_aside(mine, leave=True)
    assert keeper.lies_aside(mine)
    mode, inode, disk, *rest = mine.found  # `Put aside/` can be on another one
    elsewhere = os.stat_result([mode, inode, disk + 1, *rest])
    assert not keeper.lies_aside(Occupant(mine.path, mine.folder_fd, elsewhere))


def test_a_try_after_one_that_failed_keeps_nothing_twice(share, occupant):
    write(share, "ann/a", b"old")
    write(share, "ann/b", b"mine")
    places = set()
    for minute in range(3):  # the folder is read-only, say, so nothing could be put there
        with Keeper(share, NOON + 60 * minute) as keeper:
            assert keeper.trash(occupant("ann/a"), leave=True) == ""
            places.add(keeper.put_aside(occupant("ann/b"), leave=True))
    assert [*trash(share)] == ["day-000000-replaced/ann/a"]
    assert [f"Put aside/{name}" for name in aside(share)] == [*places]


def test_another_file_of_a_name_is_kept_beside_the_first(share, keeper, occupant):
    for data in (b"old", b"new"):
        write(share, "ann/a", data)
        keeper.trash(occupant("ann/a"), leave=True)
        os.unlink(os.path.join(share.folder, "Shared/ann/a"))
    assert {*trash(share).values()} == {b"new", b"old"}


@pytest.mark.parametrize("leave", [True, False])
def test_trash_and_aside_keep_the_same_file(share, keeper, occupant, leave):
    write(share, "ann/a.tar.gz", b"old")
    write(share, "ann/b", b"mine")
    inode = occupant("ann/a.tar.gz").found.st_ino
    assert keeper.trash(occupant("ann/a.tar.gz"), leave=leave) == ""
    assert (
        keeper.put_aside(occupant("ann/b"), leave=leave)
        == "Put aside/ann/b (ann, 2025-01-31 12.00.00)"
    )
    keeper.sync()
    top = "day-000000-replaced" if leave else "day-000000-deleted"
    assert trash(share) == {f"{top}/ann/a.tar.gz": b"old"}
    assert aside(share) == {"ann/b (ann, 2025-01-31 12.00.00)": b"mine"}
    assert os.stat(f"{top}/ann/a.tar.gz", dir_fd=share.trash_fd).st_ino == inode
    assert len(shared(share)) == (2 if leave else 0)


def test_equal_names_are_numbered(share, keeper, occupant):
    for n in range(3):
        write(share, "ann/a.txt", b"%d" % n)
        keeper.put_aside(occupant("ann/a.txt"), leave=False)
        write(share, "ann/a.txt", b"%d" % n)
        keeper.trash(occupant("ann/a.txt"), leave=n == 1, why=Why.REPLACED)
        if n == 1:
            # or the next write would go into its link
            os.unlink(os.path.join(share.folder, "Shared/ann/a.txt"))
    stem = "ann/a (ann, 2025-01-31 12.00.00)"
    assert aside(share) == {f"{stem}.txt": b"0", f"{stem} 2.txt": b"1", f"{stem} 3.txt": b"2"}
    assert trash(share) == {
        f"day-000000-replaced/ann/a.txt{tail}": b"%d" % n for n, tail in enumerate(("", "~2", "~3"))
    }


def test_the_day_of_the_trash_is_that_of_the_program_whatever_the_clock_says(share, occupant):
    with open(os.path.join(share.folder, ".potluck/trash.days"), "w", encoding="ascii") as file:
        file.write(f"{12 * 86_400}\n")
    for now_s in (0.0, NOON + 5 * 366 * 86_400):
        write(share, "ann/a", b"a")
        with Keeper(share, now_s) as keeper:
            keeper.trash(occupant("ann/a"), leave=False)
    assert sorted(trash(share)) == ["day-000012-deleted/ann/a", "day-000012-deleted/ann/a~2"]


def test_where_a_link_or_a_file_is_in_the_way_there_is_another_folder_of_that_day(
    share, keeper, occupant, tmp_path
):
    os.symlink(tmp_path, os.path.join(share.folder, ".potluck/trash/day-000000-deleted"))
    write(share, "ann/docs/a", b"a")
    keeper.trash(occupant("ann/docs/a"), leave=False)
    assert trash(share)["day-000000-deleted.2/ann/docs/a"] == b"a"
    assert not (tmp_path / "ann").exists()


def test_a_whole_folder_can_be_put_aside(share, keeper, occupant):
    write(share, "ann/docs/a", b"a")
    keeper.put_aside(occupant("ann/docs"), leave=False)
    assert aside(share) == {"ann/docs (ann, 2025-01-31 12.00.00)/a": b"a"}


@pytest.mark.parametrize("text", ["ann/docs", "ann/docs/a"])
def test_a_move_that_fails_leaves_nothing_under_the_new_name(
    share, keeper, occupant, monkeypatch, text
):
    write(share, "ann/docs/a", b"a")
    kept = occupant(text)

    def fail(*_args, **_kwargs):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(keeping, "rename_to_free", fail)
    with pytest.raises(OSError, match="broken"):
        keeper.put_aside(kept, leave=False)
    assert os.listdir(os.path.join(share.folder, "Put aside", "ann")) == []
    assert shared(share) == {"ann/docs/a": b"a"}


def test_a_process_that_is_killed_at_the_move_leaves_no_empty_version(
    share, keeper, occupant, monkeypatch
):
    write(share, "ann/a", b"a")

    def die(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(keeping, "rename_to_free", die)
    with pytest.raises(KeyboardInterrupt):
        keeper.trash(occupant("ann/a"), leave=False)
    assert (trash(share), shared(share)) == ({}, {"ann/a": b"a"})


def test_a_link_that_fails_for_real_is_an_error(share, keeper, occupant, monkeypatch):
    write(share, "ann/a", b"a")
    kept = occupant("ann/a")

    def fail(*_args, **_kwargs):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(OSError, match="broken"):
        keeper.trash(kept, leave=True)


def test_a_thing_that_was_kept_and_is_gone_at_once_is_no_trouble(
    share, keeper, occupant, monkeypatch
):
    write(share, "ann/a", b"a")
    kept = occupant("ann/a")
    monkeypatch.setattr("potluck.shells.disk.keeping.stat_at", lambda *_args: None)
    assert keeper.trash(kept, leave=True) == ""


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.EIO, Hindrance.IO), (errno.ENOSPC, Hindrance.SPACE), (errno.ENXIO, "write error")],
)
def test_a_failed_sync_is_told(share, keeper, occupant, monkeypatch, number, reason):
    write(share, "ann/a", b"a")
    keeper.put_aside(occupant("ann/a"), leave=True)

    def fail(_descriptor):
        raise OSError(number, "write error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=reason) as raised:
        keeper.sync()
    assert reason_of(raised.value) == reason


@given(st.text("aé😀. ", min_size=1, max_size=255).filter(lambda name: len(name.encode()) <= 255))
def test_numbered_names_fit_and_differ(name):
    drawn = list(islice(numbered(name, lambda n: f" ({n})"), 12))
    assert len(set(drawn)) == 12
    assert all(0 < len(each.encode()) <= 255 for each in drawn)


LONG = ["n" * 255, "n" * 254, "n" * 246, "n" * 253 + "~2", "é" * 127]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("leave", [True, False])
@pytest.mark.parametrize("name", LONG)
def test_of_a_long_name_every_version_is_found_again(
    share, occupant, monkeypatch, name, leave, links
):
    def no_links(*_args, **_folders):
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    for n in range(4):
        write(share, f"ann/d/{name}", b"v%d" % n)
        with Keeper(share, NOON) as keeper:
            for _ in range(2 if leave and links else 1):  # a second try keeps nothing twice
                assert keeper.trash(occupant(f"ann/d/{name}"), leave=leave) == ""
        Path(share.folder, "Shared/ann/d", name).unlink(missing_ok=True)
    found = versions_below(share.trash_fd, path(f"ann/d/{name}")).versions
    assert {str(kept.path) for kept in found} == {f"ann/d/{name}"}
    assert sorted((kept.order[2], _read(share, kept)) for kept in found) == [
        (n + 1, b"v%d" % n) for n in range(4)
    ]


def test_many_versions_of_a_long_name_hold_few_folders_open(share, occupant):
    name, before = "n" * 255, len(os.listdir("/proc/self/fd"))
    with Keeper(share, NOON) as keeper:
        for n in range(80):
            write(share, f"ann/{name}", b"v%d" % n)
            assert keeper.trash(occupant(f"ann/{name}"), leave=False) == ""
        assert len(os.listdir("/proc/self/fd")) - before < 120  # two for each version else
    found = versions_below(share.trash_fd, path(f"ann/{name}")).versions
    assert len(found) == 80


def _read(share, kept):
    return Path(share.folder, ".potluck", "trash", *kept.folder, kept.name).read_bytes()


def test_the_extension_stays_last_unless_it_is_no_extension():
    assert next(numbered("a.txt", lambda n: f" ({n})")) == "a (1).txt"
    assert next(numbered(".bashrc", lambda n: f" ({n})")) == ".bashrc (1)"
    assert next(numbered("a." + "x" * 100, lambda n: "!")) == "a." + "x" * 100 + "!"
