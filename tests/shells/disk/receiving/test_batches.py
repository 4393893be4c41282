"""Placing: every source, what is kept and where, failures one by one, and a kill at every single
step.

Strategy: the crash tests run one batch that does everything in a forked child, and kill it at the
first, second, … crashpoint it reaches. Afterwards every path must hold its old or its new content,
everything old must still be somewhere, and settling and placing again must end as if nothing had
happened.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import replace

import pytest

from potluck.core.content.facts import Hindrance, Source
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.engine.effects import Place, PlaceItem, Settle
from potluck.engine.events import BatchId, Placement
from potluck.shells.disk import fsops, renaming
from potluck.shells.disk.fsops import Share, set_crash_hook
from potluck.shells.disk.receiving import swapping
from potluck.shells.disk.receiving.batches import CRASHPOINTS, Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.part_map import HELD
from tests.shells.files import (
    OLD_NS,
    PIECE,
    aside,
    content_of,
    data_of,
    expecting,
    item,
    open_descriptors,
    path,
    place,
    read,
    receive,
    shared,
    stat,
    temporary,
    trash,
    tree,
    write,
)

NOON = time.mktime((2025, 1, 31, 12, 0, 0, 0, 0, -1))
OLD, NEW, MINE = data_of(3000, 1), data_of(4000, 2), data_of(3000, 3)
BIG = data_of(2 * PIECE + 77, 4)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def parts(share):
    return PartFiles(share)


@pytest.fixture
def batches(share, parts):
    return Batches(share, parts, lambda: NOON)


@pytest.fixture
def hook():
    yield set_crash_hook
    set_crash_hook(None)


def run(batches, *items):
    before = open_descriptors()
    result = batches.place(place(*items))
    assert open_descriptors() == before
    assert [each.path for each in result.items] == [each.path for each in items]
    return result.items


def one(batches, wanted):
    (placed,) = run(batches, wanted)
    return placed


def full(share, text):
    return os.path.join(share.folder, "Shared", text)


# -- sources ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("data", [NEW, BIG], ids=["small", "big"])
def test_a_part_file_becomes_the_file(share, parts, batches, data):
    content = receive(parts, data)
    placed = one(batches, item("ann/deep/er/a.bin", Source.PART, data, executable=True))
    assert (placed.placement, placed.root, placed.put_aside) == (Placement.PLACED, content.root, "")
    assert placed.stat == stat(share, "ann/deep/er/a.bin")
    assert (placed.stat.mtime_ns, placed.stat.executable) == (OLD_NS, True)
    assert read(share, "ann/deep/er/a.bin") == data
    assert os.stat(full(share, "ann/deep/er/a.bin")).st_mode & 0o777 == 0o555
    assert temporary(share) == []


@pytest.mark.parametrize(
    ("text", "mode"), [("ann/a", 0o444), ("me/a", 0o644), ("Everyone/a", 0o644)]
)
def test_only_other_peoples_files_are_read_only(share, parts, batches, text, mode):
    receive(parts, NEW)
    one(batches, item(text, Source.PART, NEW))
    assert os.stat(full(share, text)).st_mode & 0o777 == mode


def test_the_own_label_may_change_between_batches(share, parts, batches):
    for data, text in ((NEW, "me/a"), (OLD, "ann/b")):
        receive(parts, data)
        batches.place(place(item(text, Source.PART, data), own="ann"))
    assert os.stat(full(share, "me/a")).st_mode & 0o777 == 0o444
    assert os.stat(full(share, "ann/b")).st_mode & 0o777 == 0o644
    assert repr(batches) == f"Batches({share.folder!r})"


def test_somebody_else_may_have_the_label_that_was_the_own_one(share, parts, batches):
    """Who has to be called `me-2` from now on follows the other `me` like everybody else."""
    receive(parts, OLD)
    batches.place(place(item("me/a", Source.PART, OLD), own="me"))
    receive(parts, NEW)
    wanted = item("me/a", Source.PART, NEW, **expecting(share, "me/a", OLD))
    (placed,) = batches.place(place(wanted, own="me-2")).items
    assert placed.placement is Placement.PLACED
    gone = item("me/a", Source.NONE, None, **expecting(share, "me/a", NEW))
    (placed,) = batches.place(place(gone, own="me-2")).items
    assert placed.placement is Placement.REMOVED
    assert shared(share) == {}


def test_nothing_that_stands_in_the_own_folder_is_touched_whatever_is_ordered(
    share, parts, batches
):
    for label in ("us", "me"):  # as it is called when that is ordered
        write(share, f"{label}/a", MINE)
        expected = expecting(share, f"{label}/a", MINE)
        for source in (Source.PART, Source.FOLDER, Source.NONE):
            receive(parts, NEW)
            data = NEW if source is Source.PART else None
            wanted = item(f"{label}/a", source, data, **expected)
            (placed,) = batches.place(place(wanted, own=label)).items
            assert placed.placement is Placement.BLOCKED
        receive(parts, NEW)
        wanted = item(f"{label}/b", Source.PART, NEW)
        (placed,) = batches.place(place(wanted, own=label)).items
        assert placed.placement is Placement.PLACED
    assert shared(share) == {"us/a": MINE, "me/a": MINE, "us/b": NEW, "me/b": NEW}
    assert (aside(share), trash(share)) == ({}, {})


def test_one_part_file_at_several_paths(share, parts, batches):
    receive(parts, NEW)
    placed = run(batches, *(item(f"ann/{n}", Source.PART, NEW) for n in range(3)))
    assert {each.placement for each in placed} == {Placement.PLACED}
    assert shared(share) == {f"ann/{n}": NEW for n in range(3)}
    assert len({each.stat.inode for each in placed}) == 3
    assert temporary(share) == []


def test_an_incomplete_or_missing_part_is_source_gone(share, parts, batches):
    with parts.open(content_of(BIG)):
        placed = run(batches, item("ann/a", Source.PART, BIG), item("ann/b", Source.PART, NEW))
    assert {each.placement for each in placed} == {Placement.SOURCE_GONE}
    assert shared(share) == {}


def test_a_part_that_vanished_or_changed_its_length_is_source_gone(share, parts, batches):
    for data, spoil in (
        (NEW, os.unlink),
        (OLD, lambda name, dir_fd: os.truncate(os.open(name, 2, dir_fd=dir_fd), 1)),
    ):
        content = receive(parts, data)
        spoil(f"{content.root.hex()}.part", dir_fd=share.tmp_fd)
        placed = batches.place(place(item("ann/a", Source.PART, data))).items[0]
        assert placed.placement is Placement.SOURCE_GONE


def test_a_local_file_is_copied_and_holes_stay_holes(share, batches):
    data = data_of(PIECE) + bytes(4 * PIECE) + b"end"
    write(share, "bob/a", b"")
    with open(full(share, "bob/a"), "r+b") as file:
        file.write(data[:PIECE])
        file.seek(5 * PIECE)
        file.write(b"end")
    placed = one(batches, item("ann/a", Source.LOCAL, data, local=path("bob/a")))
    assert placed.placement is Placement.PLACED
    assert shared(share) == {"ann/a": data, "bob/a": data}
    assert os.stat(full(share, "ann/a")).st_blocks * 512 < 3 * PIECE


@pytest.mark.parametrize("source", [Source.LOCAL, Source.MOVED])
def test_a_local_file_that_is_not_what_was_promised_is_source_gone(share, batches, source):
    write(share, "bob/a", MINE)
    os.symlink("a", full(share, "bob/link"))
    placed = run(
        batches,
        item("ann/1", source, OLD, local=path("bob/a")),
        item("ann/2", source, OLD, local=path("bob/nothing")),
        item("ann/3", source, OLD, local=path("bob/link")),
        item("ann/4", source, OLD, local=path("bob/a/x")),
        item("ann/5", source, OLD),
        item("ann/6", source, None, local=path("bob/a")),
    )
    assert {each.placement for each in placed} == {Placement.SOURCE_GONE}
    assert temporary(share) == []
    assert sorted(shared(share)) == ["bob/a", "bob/link"]


def test_a_moved_file_is_the_same_file(share, batches):
    write(share, "ann/old/a", OLD)
    before = stat(share, "ann/old/a")
    placed = run(
        batches,
        item("ann/new/a", Source.MOVED, OLD, local=path("ann/old/a")),
        item("ann/old/a", Source.NONE, **expecting(share, "ann/old/a", OLD)),
        item("ann/old", Source.NONE),
    )
    assert [each.placement for each in placed] == [
        Placement.PLACED,
        Placement.REMOVED,
        Placement.REMOVED,
    ]
    assert placed[0].stat.inode == before.inode
    assert shared(share) == {"ann/new/a": OLD}
    assert trash(share) == {}
    assert not os.path.exists(full(share, "ann/old"))


def test_two_files_that_change_places(share, batches):
    write(share, "ann/a", OLD)
    write(share, "ann/b", MINE)
    placed = run(
        batches,
        item("ann/a", Source.MOVED, MINE, local=path("ann/b"), **expecting(share, "ann/a", OLD)),
        item("ann/b", Source.MOVED, OLD, local=path("ann/a"), **expecting(share, "ann/b", MINE)),
    )
    assert {each.placement for each in placed} == {Placement.PLACED}
    assert shared(share) == {"ann/a": MINE, "ann/b": OLD}


def test_a_file_moved_to_two_places_is_copied_to_one(share, batches):
    write(share, "ann/a", OLD)
    placed = run(
        batches,
        item("ann/b", Source.MOVED, OLD, local=path("ann/a")),
        item("ann/c", Source.MOVED, OLD, local=path("ann/a")),
    )
    assert {each.placement for each in placed} == {Placement.PLACED}
    assert shared(share) == {"ann/b": OLD, "ann/c": OLD}


@pytest.mark.parametrize("change", ["exchanged", "removed", "folder removed"])
def test_a_moved_file_that_is_exchanged_at_the_last_moment_stays(share, batches, hook, change):
    write(share, "bob/a", OLD)
    write(share, "ann/a", MINE)

    def act(name):
        if name == "after_sync_files":
            os.unlink(full(share, "bob/a"))
            if change == "exchanged":
                write(share, "bob/b", NEW)
                os.rename(full(share, "bob/b"), full(share, "bob/a"))
            if change == "folder removed":
                os.rmdir(full(share, "bob"))

    hook(act)
    placed = one(batches, item("ann/a", Source.MOVED, OLD, local=path("bob/a")))
    assert placed.placement is Placement.SOURCE_GONE
    assert read(share, "ann/a") == MINE
    assert aside(share) == {}


def test_empty_files_and_folders(share, batches):
    placed = run(
        batches,
        item("ann/sub", Source.FOLDER),
        item("ann/sub/e", Source.EMPTY),
        item("ann/sub", Source.FOLDER),
    )
    assert [each.root for each in placed] == [None, EMPTY_ROOT, None]
    assert {each.placement for each in placed} == {Placement.PLACED}
    assert shared(share) == {"ann/sub/e": b""}
    assert placed[1].stat.mtime_ns == OLD_NS


def test_only_time_and_mode_change_where_the_content_stands(share, batches):
    write(share, "ann/a", OLD)
    before = stat(share, "ann/a")
    wanted = item(
        "ann/a",
        Source.LOCAL,
        OLD,
        local=path("ann/a"),
        executable=True,
        **expecting(share, "ann/a", OLD),
    )
    placed = one(batches, wanted)
    assert placed.placement is Placement.PLACED
    assert (placed.stat.inode, placed.stat.mtime_ns, placed.stat.executable) == (
        before.inode,
        OLD_NS,
        True,
    )
    assert (trash(share), aside(share)) == ({}, {})
    assert one(batches, wanted).placement is Placement.PLACED  # stat differs now, the hash does not
    write(share, "ann/a", MINE)
    assert one(batches, wanted).placement is Placement.SOURCE_GONE
    assert read(share, "ann/a") == MINE


# -- what stood there ------------------------------------------------------------------------------
def test_the_earlier_version_goes_to_the_trash(share, parts, batches):
    write(share, "ann/docs/a.txt", OLD)
    receive(parts, NEW)
    placed = one(
        batches, item("ann/docs/a.txt", Source.PART, NEW, **expecting(share, "ann/docs/a.txt", OLD))
    )
    assert (placed.placement, placed.put_aside) == (Placement.PLACED, "")
    assert shared(share) == {"ann/docs/a.txt": NEW}
    assert trash(share) == {"day-000000-replaced/ann/docs/a.txt": OLD}
    assert aside(share) == {}


def test_an_expected_content_with_another_stat_is_still_the_owners(share, parts, batches):
    write(share, "ann/a", OLD)
    expected = expecting(share, "ann/a", OLD)
    os.utime(full(share, "ann/a"), ns=(5, 5))
    receive(parts, NEW)
    assert one(batches, item("ann/a", Source.PART, NEW, **expected)).put_aside == ""
    assert trash(share) == {"day-000000-replaced/ann/a": OLD}


@pytest.mark.parametrize("known", [True, False], ids=["edited", "unknown"])
def test_a_local_version_is_put_aside(share, parts, batches, known):
    write(share, "ann/docs/a.txt", OLD)
    expected = expecting(share, "ann/docs/a.txt", OLD) if known else {}
    write(share, "ann/docs/a.txt", MINE)
    receive(parts, NEW)
    placed = one(batches, item("ann/docs/a.txt", Source.PART, NEW, **expected))
    assert placed.placement is Placement.PLACED
    assert placed.put_aside == "Put aside/ann/a (ann, 2025-01-31 12.00.00).txt"
    assert aside(share) == {"ann/a (ann, 2025-01-31 12.00.00).txt": MINE}
    assert shared(share) == {"ann/docs/a.txt": NEW}
    assert trash(share) == {}


def test_nothing_put_aside_replaces_another(share, parts, batches):
    for data in (OLD, MINE, BIG):
        write(share, "ann/a", data)
        receive(parts, NEW)
        one(batches, item("ann/a", Source.PART, NEW))
    assert set(aside(share).values()) == {OLD, MINE, BIG}


def test_the_new_content_that_stands_there_already_is_not_put_aside(share, parts, batches):
    write(share, "ann/a", NEW)
    receive(parts, NEW)
    placed = one(batches, item("ann/a", Source.PART, NEW))
    assert (placed.placement, placed.put_aside) == (Placement.PLACED, "")
    assert (trash(share), aside(share)) == ({}, {})
    receive(parts, NEW)
    assert (
        one(batches, item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", NEW))).put_aside
        == ""
    )
    assert trash(share) == {}


def test_a_link_in_place_of_a_file_is_put_aside_as_a_link(share, parts, batches, tmp_path):
    (tmp_path / "target").write_bytes(b"precious")
    write(share, "ann/x", b"")
    os.symlink(tmp_path / "target", full(share, "ann/a"))
    receive(parts, NEW)
    placed = one(batches, item("ann/a", Source.PART, NEW))
    assert placed.placement is Placement.PLACED
    assert aside(share) == {"ann/a (ann, 2025-01-31 12.00.00)": None}
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert read(share, "ann/a") == NEW


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_thing_in_place_of_a_folder_is_never_followed(share, parts, batches, tmp_path, kind):
    outside = tmp_path / "outside"
    outside.mkdir()
    write(share, "ann/x", b"")
    if kind == "link":
        os.symlink(outside, full(share, "ann/docs"))
    else:
        write(share, "ann/docs", MINE)
    receive(parts, NEW)
    placed = one(batches, item("ann/docs/deep/a", Source.PART, NEW))
    assert placed.placement is Placement.PLACED
    assert placed.put_aside == "Put aside/ann/docs (ann, 2025-01-31 12.00.00)"
    assert read(share, "ann/docs/deep/a") == NEW
    assert os.listdir(outside) == []
    assert list(aside(share).values()) == [None if kind == "link" else MINE]


def test_a_label_that_is_a_link_is_never_followed(share, parts, batches, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    os.symlink(outside, full(share, "ann"))
    receive(parts, NEW)
    assert one(batches, item("ann/a", Source.PART, NEW)).placement is Placement.PLACED
    assert os.listdir(outside) == []


def test_a_file_becomes_a_folder_and_a_folder_a_file(share, parts, batches):
    write(share, "ann/a", OLD)
    write(share, "ann/c", MINE)
    os.mkdir(full(share, "ann/b"))
    receive(parts, NEW)
    placed = run(
        batches,
        item("ann/a", Source.FOLDER, **expecting(share, "ann/a", OLD)),
        item("ann/c", Source.FOLDER),
        item("ann/b", Source.PART, NEW),
    )
    assert {each.placement for each in placed} == {Placement.PLACED}
    assert trash(share) == {"day-000000-deleted/ann/a": OLD}
    assert list(aside(share).values()) == [MINE]
    assert os.path.isdir(full(share, "ann/a"))
    assert read(share, "ann/b") == NEW


def test_a_folder_that_is_not_empty_blocks_and_the_part_is_kept(share, parts, batches):
    write(share, "ann/a/mine", MINE)
    receive(parts, NEW)
    wanted = item("ann/a", Source.PART, NEW)
    placed = one(batches, wanted)
    assert placed.placement is Placement.BLOCKED
    assert placed.detail
    assert shared(share) == {"ann/a/mine": MINE}
    os.unlink(full(share, "ann/a/mine"))
    assert one(batches, wanted).placement is Placement.PLACED


def test_a_copy_that_was_not_placed_is_removed(share, batches):
    write(share, "ann/a/mine", MINE)
    write(share, "bob/x", NEW)
    assert (
        one(batches, item("ann/a", Source.LOCAL, NEW, local=path("bob/x"))).placement
        is Placement.BLOCKED
    )
    assert temporary(share) == []


# -- removals --------------------------------------------------------------------------------------
def test_removing_what_is_expected_unexpected_and_missing(share, batches):
    write(share, "ann/old", OLD)
    write(share, "ann/edited", OLD)
    edited = expecting(share, "ann/edited", OLD)
    write(share, "ann/edited", MINE)
    write(share, "ann/file", BIG)
    os.symlink("/etc", full(share, "ann/link"))
    placed = run(
        batches,
        item("ann/old", Source.NONE, **expecting(share, "ann/old", OLD)),
        item("ann/edited", Source.NONE, **edited),
        item("ann/missing", Source.NONE),
        item("nobody/at/all", Source.NONE),
        item("ann/file/below", Source.NONE),
        item("ann/link/passwd", Source.NONE),
        item("ann/link", Source.NONE),
    )
    assert {each.placement for each in placed} == {Placement.REMOVED}
    assert shared(share) == {"ann/file": BIG}
    assert trash(share) == {"day-000000-deleted/ann/old": OLD}
    assert set(aside(share).values()) == {MINE, None}
    assert placed[1].put_aside
    assert os.path.exists("/etc/passwd")


def test_folders_are_removed_only_if_empty(share, batches):
    os.makedirs(full(share, "ann/empty"))
    write(share, "ann/kept/mine", MINE)
    placed = run(batches, item("ann/empty", Source.NONE), item("ann/kept", Source.NONE))
    assert [each.placement for each in placed] == [Placement.REMOVED, Placement.BLOCKED]
    assert shared(share) == {"ann/kept/mine": MINE}


def test_the_trash_makes_room_for_equal_names_and_former_files(share, batches):
    write(share, "ann/a", OLD)
    one(batches, item("ann/a", Source.NONE, **expecting(share, "ann/a", OLD)))
    write(share, "ann/a", NEW)
    one(batches, item("ann/a", Source.NONE, **expecting(share, "ann/a", NEW)))
    write(share, "ann/a/b", MINE)
    one(batches, item("ann/a/b", Source.NONE, **expecting(share, "ann/a/b", MINE)))
    assert trash(share) == {
        "day-000000-deleted/ann/a": OLD,
        "day-000000-deleted/ann/a~2": NEW,
        "day-000000-deleted.2/ann/a/b": MINE,
    }


def test_a_file_exchanged_between_look_and_link_is_put_aside(share, parts, batches, hook):
    write(share, "ann/a", OLD)
    expected = expecting(share, "ann/a", OLD)

    def exchange(name):
        if name == "before_link":
            write(share, "ann/b", MINE)
            os.rename(full(share, "ann/b"), full(share, "ann/a"))

    hook(exchange)
    receive(parts, NEW)
    placed = one(batches, item("ann/a", Source.PART, NEW, **expected))
    assert placed.placement is Placement.PLACED
    assert placed.put_aside.startswith("Put aside/ann/a (")
    assert (list(aside(share).values()), trash(share)) == ([MINE], {})


def test_without_hard_links_the_old_version_is_renamed_away(share, parts, batches, monkeypatch):
    def no_links(*_args, **_kwargs):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    assert (
        one(batches, item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))).placement
        is Placement.PLACED
    )
    assert (shared(share), trash(share)) == ({"ann/a": NEW}, {"day-000000-replaced/ann/a": OLD})


# -- trouble ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "detail"),
    [
        (errno.ENOSPC, Hindrance.SPACE),
        (errno.EDQUOT, Hindrance.QUOTA),
        (errno.EIO, Hindrance.IO),
        (errno.EACCES, Hindrance.DENIED),
        (errno.EPERM, Hindrance.IMMUTABLE),
        (errno.EROFS, Hindrance.READ_ONLY),
        (errno.EMFILE, Hindrance.DESCRIPTORS),
        (errno.ENAMETOOLONG, Hindrance.NAME_LONG),
        (errno.EFBIG, Hindrance.FILE_LARGE),
        (errno.EILSEQ, Hindrance.NAME),
        (errno.ESTALE, Hindrance.AWAY),
    ],
)
def test_an_error_ends_one_item_and_no_other(share, parts, batches, monkeypatch, number, detail):
    real = renaming.rename_to_free

    def fail(source_fd, source, target_fd, target):
        if target == "bad":
            raise OSError(number, os.strerror(number))
        real(source_fd, source, target_fd, target)

    monkeypatch.setattr(swapping, "rename_to_free", fail)
    for data in (OLD, NEW, MINE):
        receive(parts, data)
    placed = run(
        batches,
        item("ann/1", Source.PART, OLD),
        item("ann/bad", Source.PART, NEW),
        item("ann/3", Source.PART, MINE),
    )
    assert [each.placement for each in placed] == [
        Placement.PLACED,
        Placement.FAILED,
        Placement.PLACED,
    ]
    assert placed[1].detail == detail
    assert shared(share) == {"ann/1": OLD, "ann/3": MINE}


def test_a_full_disk_while_copying_is_recognisable(share, batches, monkeypatch):
    write(share, "bob/a", BIG)

    def full_disk(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", full_disk)
    placed = one(batches, item("ann/a", Source.LOCAL, BIG, local=path("bob/a")))
    assert (placed.placement, placed.detail) == (Placement.FAILED, fsops.DISK_FULL)
    assert temporary(share) == []


@pytest.mark.parametrize("count", [1, 2])
def test_a_file_whose_fsync_failed_is_dropped_and_never_placed(share, parts, batches, hook, count):
    calls = []

    def fail(name):
        if name == "sync_file":
            calls.append(name)
            raise OSError(errno.EIO, "write error")

    write(share, "bob/x", MINE)
    receive(parts, NEW)
    hook(fail)
    wanted = [
        item("ann/a", Source.PART, NEW),
        item("ann/b", Source.LOCAL, MINE, local=path("bob/x")),
    ]
    placed = run(batches, *wanted[:count])
    assert {(each.placement, each.detail) for each in placed} == {(Placement.FAILED, Hindrance.IO)}
    assert len(calls) == count
    assert temporary(share) == []
    assert shared(share) == {"bob/x": MINE}
    hook(None)
    assert one(batches, wanted[0]).placement is Placement.SOURCE_GONE


def test_a_ready_file_that_vanished_before_its_fsync_is_fetched_anew(share, parts, batches, hook):
    content = receive(parts, NEW)
    name = f"{content.root.hex()}.part"
    hook(lambda step: os.unlink(name, dir_fd=share.tmp_fd) if step == "after_prepare" else None)
    assert one(batches, item("ann/a", Source.PART, NEW)).placement is Placement.SOURCE_GONE
    hook(lambda step: None)
    receive(parts, NEW)
    assert one(batches, item("ann/a", Source.PART, NEW)).placement is Placement.PLACED


@pytest.mark.parametrize("when", ["before_prepare", "after_prepare", "before_keep"])
def test_a_part_file_exchanged_for_a_link_is_fetched_anew(
    share, parts, batches, hook, tmp_path, when
):
    """Somebody on this machine plants links; what is fetched again is written and placed."""
    (tmp_path / "secret").write_text("secret")
    content = receive(parts, NEW)
    name = f"{content.root.hex()}.part"
    write(share, "ann/a", OLD)
    done: list[str] = []

    def exchange(step: str) -> None:
        if step == when and not done:
            done.append(step)
            os.unlink(name, dir_fd=share.tmp_fd)
            os.symlink(tmp_path / "secret", name, dir_fd=share.tmp_fd)

    hook(exchange)
    assert one(batches, item("ann/a", Source.PART, NEW)).placement is Placement.SOURCE_GONE
    assert read(share, "ann/a") == OLD
    receive(parts, NEW)
    assert one(batches, item("ann/a", Source.PART, NEW)).placement is Placement.PLACED
    assert read(share, "ann/a") == NEW
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_link_that_got_to_the_place_of_a_file_is_not_taken_for_it(share, parts, batches, hook):
    receive(parts, NEW)
    there = os.path.join(share.folder, "Shared/ann/a")

    def exchange(step: str) -> None:
        if step == "after_rename":
            os.unlink(there)
            os.symlink("/etc/passwd", there)

    hook(exchange)
    placed = one(batches, item("ann/a", Source.PART, NEW))
    assert (placed.placement, placed.stat) == (Placement.SOURCE_GONE, None)


def test_a_lack_of_inodes_is_called_so(share, parts, batches, hook, monkeypatch):
    receive(parts, NEW)

    def full(step: str) -> None:
        if step == "before_rename":
            raise OSError(errno.ENOSPC, "No space left on device")

    hook(full)
    monkeypatch.setattr("potluck.shells.disk.receiving.batches.lacks_inodes", lambda _fd: True)
    wanted = (item("ann/a", Source.PART, NEW), item("ann/b", Source.EMPTY))
    placed = run(batches, *wanted, item("ann/c", Source.NONE))
    assert [each.detail for each in placed] == [Hindrance.INODES, Hindrance.INODES, ""]


@pytest.mark.parametrize("count", [1, 2])
def test_every_file_is_on_the_disk_before_any_is_renamed(
    share, parts, batches, hook, monkeypatch, count
):
    real, synced, renamed = os.fsync, [], []

    def fsync(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    wanted = [item("ann/a", Source.PART, NEW), item("ann/b", Source.PART, BIG)][:count]
    for data in (NEW, BIG):
        receive(parts, data)
    monkeypatch.setattr(os, "fsync", fsync)
    hook(lambda name: renamed.append(set(synced)) if name == "before_rename" else None)
    placed = run(batches, *wanted)
    assert {each.stat.inode for each in placed} <= renamed[0]
    assert os.stat(full(share, "ann")).st_ino in synced


@pytest.mark.parametrize("folder", ["Shared/ann/docs", "trash/day-000000-replaced"])
def test_a_folder_whose_fsync_failed_fails_its_items(share, parts, batches, monkeypatch, folder):
    real = os.fsync

    def fail(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(folder):
            raise OSError(errno.EIO, "write error")
        real(descriptor)

    write(share, "ann/docs/a", OLD)
    receive(parts, NEW)
    receive(parts, MINE)
    monkeypatch.setattr(os, "fsync", fail)
    placed = run(
        batches,
        item("ann/docs/a", Source.PART, NEW, **expecting(share, "ann/docs/a", OLD)),
        item("ann/b", Source.PART, MINE),
    )
    assert placed[0].placement is Placement.FAILED
    assert placed[1].placement is (Placement.PLACED if "docs" in folder else Placement.FAILED)


# -- settling --------------------------------------------------------------------------------------
def settle(batches, *items):
    before = open_descriptors()
    settled = batches.settle(Settle(BatchId(1), items)).items
    assert open_descriptors() == before
    return settled


def test_settling_says_what_stands_there(share, batches):
    write(share, "ann/new", NEW)
    write(share, "ann/old", OLD)
    write(share, "ann/empty", b"")
    os.mkdir(full(share, "ann/folder"))
    os.symlink("new", full(share, "ann/link"))
    touched = item("ann/new", Source.LOCAL, NEW, local=path("ann/new"))
    cases = [
        (item("ann/new", Source.PART, NEW), Placement.PLACED),
        (item("ann/old", Source.PART, NEW), Placement.SOURCE_GONE),
        (item("ann/nothing", Source.PART, NEW), Placement.SOURCE_GONE),
        (item("ann/link", Source.PART, NEW), Placement.SOURCE_GONE),
        (item("ann/folder", Source.PART, NEW), Placement.SOURCE_GONE),
        (item("ann/empty", Source.EMPTY), Placement.PLACED),
        (item("ann/new", Source.EMPTY), Placement.SOURCE_GONE),
        (item("ann/folder", Source.FOLDER), Placement.PLACED),
        (item("ann/old", Source.FOLDER), Placement.SOURCE_GONE),
        (item("ann/nothing", Source.NONE), Placement.REMOVED),
        (item("no/such/folder", Source.NONE), Placement.REMOVED),
        (item("ann/old", Source.NONE), Placement.SOURCE_GONE),
        (touched, Placement.SOURCE_GONE),
        (replace(touched, mtime_ns=stat(share, "ann/new").mtime_ns), Placement.PLACED),
    ]
    settled = settle(batches, *(wanted for wanted, _ in cases))
    assert [each.placement for each in settled] == [placement for _, placement in cases]
    assert settled[0].stat == stat(share, "ann/new")
    assert settled[0].root == content_of(NEW).root


def test_settling_makes_durable_what_it_finds(share, batches, monkeypatch):
    write(share, "ann/new", NEW)

    def fail(_descriptor):
        raise OSError(errno.EIO, "write error")

    monkeypatch.setattr(os, "fsync", fail)
    (settled,) = settle(batches, item("ann/new", Source.PART, NEW))
    assert (settled.placement, settled.detail) == (Placement.FAILED, Hindrance.IO)


# -- a kill at every step --------------------------------------------------------------------------
BEFORE = {
    "ann/replaced": data_of(2000, 11),
    "ann/edited": data_of(2001, 12),
    "ann/removed": data_of(2002, 13),
    "ann/unexpected": data_of(2003, 14),
    "ann/moved": data_of(2004, 15),
    "ann/touched": data_of(2005, 16),
    "ann/was file": data_of(2006, 17),
    "ann/in the way": data_of(2007, 18),
    "ann/copied": data_of(2008, 19),
    "ann/mover": data_of(2009, 20),
    "ann/over": data_of(2010, 24),
}
AFTER = {
    "ann/replaced": data_of(3000, 21),
    "ann/edited": data_of(3001, 22),
    "ann/new/er": BIG,
    "ann/again": BIG,
    "ann/moved here": BEFORE["ann/moved"],
    "ann/touched": BEFORE["ann/touched"],
    "ann/in the way/below": data_of(3002, 23),
    "ann/empty": b"",
    "ann/copy": BEFORE["ann/copied"],
    "ann/copied": BEFORE["ann/copied"],
    "ann/over": BEFORE["ann/mover"],
}


def set_up(folder):
    with Share(folder) as share:
        for text, data in BEFORE.items():
            write(share, text, data)
        os.mkdir(full(share, "ann/empty folder"))
        expected = {text: expecting(share, text, data) for text, data in BEFORE.items()}
    unexpected = {"expected": None, "expected_root": None}
    touched = {"local": path("ann/touched"), **expected["ann/touched"]}
    return (
        item("ann/was file", Source.FOLDER, **expected["ann/was file"]),
        item("ann/made folder", Source.FOLDER),
        item("ann/replaced", Source.PART, AFTER["ann/replaced"], **expected["ann/replaced"]),
        item("ann/edited", Source.PART, AFTER["ann/edited"], **unexpected),
        item("ann/new/er", Source.PART, BIG),
        item("ann/again", Source.PART, BIG),
        item("ann/moved here", Source.MOVED, BEFORE["ann/moved"], local=path("ann/moved")),
        item("ann/touched", Source.LOCAL, BEFORE["ann/touched"], **touched),
        item("ann/in the way/below", Source.PART, AFTER["ann/in the way/below"]),
        item("ann/empty", Source.EMPTY),
        item("ann/copy", Source.LOCAL, BEFORE["ann/copied"], local=path("ann/copied")),
        item(
            "ann/over", Source.MOVED, BEFORE["ann/mover"], local=path("ann/mover"),
            **expected["ann/over"]),
        item("ann/mover", Source.NONE, **expected["ann/mover"]),
        item("ann/removed", Source.NONE, **expected["ann/removed"]),
        item("ann/unexpected", Source.NONE, **unexpected),
        item("ann/moved", Source.NONE, **expected["ann/moved"]),
        item("ann/empty folder", Source.NONE),
    )  # fmt: skip


def fetch(parts, items):
    for wanted in items:
        if wanted.source is Source.PART:
            receive(
                parts, next(data for data in AFTER.values() if content_of(data) == wanted.content)
            )


def placed_until(folder, items, kill_at):
    """Place in a child that kills itself at crashpoint `kill_at`; return the names it reached."""
    out, into = os.pipe()
    with warnings.catch_warnings():
        # the child starts no thread but its own
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        lock = threading.Lock()
        reached = []

        def step(name):
            with lock:
                reached.append(name)
                os.write(into, name.encode() + b"\n")
                if len(reached) == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            share = Share(folder)
            parts = PartFiles(share)
            fetch(parts, items)
            set_crash_hook(step)
            Batches(share, parts, lambda: NOON).place(Place(BatchId(1), items, "me"))
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as lines:
        names = lines.read().decode().split("\n")[:-1]
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) == bool(kill_at)
    return names


def plan_again(share, settled, items):
    """Do what the engine does with a batch that did not come to its end."""
    again = []
    for wanted, found in zip(items, settled, strict=True):
        if found.placement is not Placement.SOURCE_GONE:
            continue
        moved_away = wanted.source is Source.MOVED and share.stat(wanted.local).stat is None
        source = Source.PART if moved_away else wanted.source
        expected = wanted.expected
        standing = share.stat(wanted.path).stat
        if (
            expected is not None
            and standing is not None
            and read(share, str(wanted.path)) == BEFORE[str(wanted.path)]
        ):
            expected = standing
        again.append(replace(wanted, source=source, expected=expected))
    return tuple(again)


def held(share):
    """What the next start settles."""
    return [
        data for name, data in tree(f"{share.folder}/.potluck/tmp").items() if name.endswith(HELD)
    ]


def check_nothing_is_lost(share, where):
    everywhere = [*shared(share).values(), *trash(share).values(), *aside(share).values()]
    everywhere += held(share)
    for text, data in BEFORE.items():
        assert data in everywhere, f"{text} is lost at {where}"
    for text, found in shared(share).items():
        assert found in {BEFORE.get(text), AFTER.get(text)}, f"{text} is broken at {where}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_kill_at_any_step_loses_nothing_and_settling_ends_it(tmp_path):
    steps = placed_until(str(tmp_path / "whole"), set_up(str(tmp_path / "whole")), 0)
    assert set(CRASHPOINTS) <= {*steps}, "the batch of this test no longer reaches every step"
    for number, name in enumerate(steps, 1):
        folder = str(tmp_path / str(number))
        items = set_up(folder)
        assert len(placed_until(folder, items, number)) >= number
        where = f"step {number}, {name}"
        with Share(folder) as share:
            parts = PartFiles(share)
            check_nothing_is_lost(share, where)
            parts.found()
            batches = Batches(share, parts, lambda: NOON + 60)
            again = plan_again(share, batches.settle(Settle(BatchId(1), items)).items, items)
            fetch(parts, again)
            placed = batches.place(Place(BatchId(2), again, "me")).items
            assert {each.placement for each in placed} <= {Placement.PLACED, Placement.REMOVED}, (
                where
            )
            check_nothing_is_lost(share, where)
            assert shared(share) == AFTER, where
            assert os.path.isdir(full(share, "ann/was file")), where
            assert not os.path.exists(full(share, "ann/empty folder")), where
            assert temporary(share) == [], where
            assert BEFORE["ann/edited"] in aside(share).values(), where
            assert BEFORE["ann/replaced"] not in aside(share).values(), where


# -- a race ----------------------------------------------------------------------------------------
def test_a_folder_flipped_to_a_link_lets_nothing_escape(share, parts, batches, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    os.makedirs(full(share, "ann/docs"))
    os.symlink(outside, full(share, "ann/trap"))
    stop = threading.Event()
    flips = []

    def flip():
        a, b, c = (full(share, f"ann/{name}") for name in ("docs", "trap", "third"))
        # Any step may fail, because the batches make folders and puts links aside: then plant
        # everything again.
        steps = (
            lambda: os.rename(a, c), lambda: os.rename(b, a), lambda: os.rename(a, b),
            lambda: os.rename(c, a), lambda: os.symlink(outside, b), lambda: os.mkdir(a),
        )  # fmt: skip
        while not stop.is_set():
            for step in steps:
                with suppress(OSError):
                    step()
            flips.append(1)

    flipper = threading.Thread(target=flip)
    flipper.start()
    tries = 0
    try:
        while tries < 150 or (len(flips) < 150 and tries < 5000):
            data = data_of(100 + tries)
            receive(parts, data)
            wanted: PlaceItem = item(f"ann/docs/{tries}", Source.PART, data)
            (placed,) = batches.place(place(wanted, batch=tries)).items
            assert placed.placement in {Placement.PLACED, Placement.BLOCKED, Placement.FAILED}
            tries += 1
    finally:
        stop.set()
        flipper.join(10)
    assert len(flips) >= 150
    assert os.listdir(outside) == []
