"""Somebody saves at a path all the time while versions are placed there: every version stays.

Strategy: a hook acts as another program at an exact step; one test lets a thread save as fast as it
can, in both ways programs save, and looks for every content that was ever complete and that nobody
but potluck can have taken away.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from typing import Any

import pytest

from potluck.core.content.facts import Hindrance, Source
from potluck.engine.events import Placement
from potluck.shells.disk import renaming
from potluck.shells.disk.fsops import Share, set_crash_hook
from potluck.shells.disk.keeping import Keeper
from potluck.shells.disk.receiving import swapping
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from tests.shells.files import (
    aside,
    data_of,
    expecting,
    item,
    path,
    place,
    read,
    receive,
    shared,
    temporary,
    trash,
    write,
)

OLD, NEW, LATE = data_of(3000, 1), data_of(4000, 2), data_of(3000, 3)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def parts(share):
    return PartFiles(share)


@pytest.fixture
def batches(share, parts):
    return Batches(share, parts)


@pytest.fixture
def at():
    """Act as another program, once, when a step is reached for the n-th time."""

    def when(step, act, times=1):
        left = [times]

        def hook(name):
            if name == step:
                left[0] -= 1
                if not left[0]:
                    act()

        set_crash_hook(hook)

    yield when
    set_crash_hook(None)


def full(share, text):
    return os.path.join(share.folder, "Shared", text)


def save(share, text, data=LATE):
    """Save as an editor does: write beside it, rename over it."""
    write(share, "saving", data)
    os.makedirs(os.path.dirname(full(share, text)), exist_ok=True)
    os.rename(full(share, "saving"), full(share, text))


def one(batches, wanted):
    (placed,) = batches.place(place(wanted)).items
    return placed


# -- a save at the last moment ---------------------------------------------------------------------
@pytest.mark.parametrize("step", ["after_keep", "before_hold", "before_exchange"])
@pytest.mark.parametrize("source", [Source.PART, Source.LOCAL, Source.MOVED, Source.EMPTY])
def test_what_was_saved_over_the_old_version_is_put_aside(share, parts, batches, at, step, source):
    write(share, "ann/a", OLD)
    write(share, "ann/other", NEW)
    receive(parts, NEW)
    data = None if source is Source.EMPTY else NEW
    wanted = item("ann/a", source, data, local=path("ann/other"), **expecting(share, "ann/a", OLD))
    at(step, lambda: save(share, "ann/a"))
    placed = one(batches, wanted)
    assert placed.placement is Placement.PLACED
    assert read(share, "ann/a") == (data or b"")
    assert [*aside(share).values()] == [LATE]
    assert placed.put_aside.removeprefix("Put aside/") in aside(share)
    assert [*trash(share).values()] == [OLD]
    assert [name for name in temporary(share) if name.endswith(".held")] == []


@pytest.mark.parametrize("source", [Source.PART, Source.LOCAL, Source.MOVED])
def test_what_was_saved_where_nothing_stood_is_put_aside(share, parts, batches, at, source):
    write(share, "ann/other", NEW)
    receive(parts, NEW)
    at("before_rename", lambda: save(share, "ann/a"))
    placed = one(batches, item("ann/a", source, NEW, local=path("ann/other")))
    assert placed.placement is Placement.PLACED
    assert (read(share, "ann/a"), [*aside(share).values()]) == (NEW, [LATE])
    assert trash(share) == {}


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_so_is_a_thing_of_another_kind(share, parts, batches, at, kind):
    write(share, "ann/a", OLD)
    receive(parts, NEW)

    def exchange():
        os.unlink(full(share, "ann/a"))
        if kind == "link":
            os.symlink("/etc/passwd", full(share, "ann/a"))
        else:
            write(share, "ann/a/below", LATE)

    at("before_exchange", exchange)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    placed = one(batches, wanted)
    assert placed.placement is Placement.PLACED
    assert read(share, "ann/a") == NEW
    assert [*aside(share).values()] == [None if kind == "link" else LATE]


def test_what_was_written_in_place_after_it_was_kept_is_put_aside(share, parts, batches, at):
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    at("before_exchange", lambda: write(share, "ann/a", LATE + b"more"))
    one(batches, wanted)
    assert [*aside(share).values()] == [LATE + b"more"]


def test_a_version_that_was_noticed_when_it_was_kept_is_put_aside_once(share, parts, batches, at):
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    at("before_link", lambda: save(share, "ann/a"))
    placed = one(batches, wanted)
    assert placed.put_aside
    assert [*aside(share).values()] == [LATE]


def test_an_equal_file_that_is_written_to_meanwhile_is_put_aside(share, parts, batches, at):
    write(share, "ann/a", NEW)
    receive(parts, NEW)
    at("before_exchange", lambda: write(share, "ann/a", LATE))
    one(batches, item("ann/a", Source.PART, NEW))
    assert (read(share, "ann/a"), [*aside(share).values()]) == (NEW, [LATE])


def test_a_file_that_is_gone_by_then_is_no_trouble(share, parts, batches, at):
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    at("before_exchange", lambda: os.unlink(full(share, "ann/a")))
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    assert one(batches, wanted).placement is Placement.PLACED
    assert shared(share) == {"ann/a": NEW}


def test_what_is_saved_right_after_it_is_not_taken_for_what_was_placed(share, parts, batches, at):
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    at("after_rename", lambda: save(share, "ann/a"))
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    placed = one(batches, wanted)
    assert placed.stat.inode != os.stat(full(share, "ann/a")).st_ino
    assert read(share, "ann/a") == LATE


# -- the file that is to be moved ------------------------------------------------------------------
@pytest.mark.parametrize("over", [True, False], ids=["over a file", "to a free name"])
@pytest.mark.parametrize("taken", [True, False], ids=["saved twice", "saved once"])
def test_a_moved_file_that_was_saved_over_goes_back(share, batches, at, over, taken):
    write(share, "ann/other", NEW)
    expected: dict[str, Any] = {}
    if over:
        write(share, "ann/a", OLD)
        expected = expecting(share, "ann/a", OLD)
    step = "before_hold" if over else "before_rename"
    again = "after_hold" if over else "after_rename"

    def act():
        save(share, "ann/other")
        if taken:
            at(again, lambda: save(share, "ann/other", LATE + b"2"))

    at(step, act)
    wanted = item("ann/a", Source.MOVED, NEW, local=path("ann/other"), **expected)
    assert one(batches, wanted).placement is Placement.SOURCE_GONE
    everywhere = [*shared(share).values(), *aside(share).values()]
    assert LATE in everywhere
    assert not taken or LATE + b"2" in everywhere
    assert not over or OLD in everywhere


def test_a_moved_file_that_vanished_is_source_gone(share, batches, at):
    write(share, "ann/other", NEW)
    write(share, "ann/a", OLD)
    expected = expecting(share, "ann/a", OLD)
    at("before_hold", lambda: os.unlink(full(share, "ann/other")))
    wanted = item("ann/a", Source.MOVED, NEW, local=path("ann/other"), **expected)
    assert one(batches, wanted).placement is Placement.SOURCE_GONE
    assert read(share, "ann/a") == OLD


# -- trouble ---------------------------------------------------------------------------------------
def test_what_came_out_and_cannot_be_kept_goes_back(share, parts, batches, at, monkeypatch):
    write(share, "ann/a", OLD)
    receive(parts, NEW)

    def full_disk(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    def act():
        save(share, "ann/a")
        monkeypatch.setattr("potluck.shells.disk.keeping.Keeper.put_aside", full_disk)

    at("before_exchange", act)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    placed = one(batches, wanted)
    assert (placed.placement, placed.detail) == (Placement.FAILED, Hindrance.SPACE)
    assert read(share, "ann/a") == LATE
    monkeypatch.undo()
    assert one(batches, wanted).placement is Placement.PLACED  # the part file is there still
    assert [*aside(share).values()] == [LATE]


def test_an_old_version_that_is_taken_away_while_it_is_kept_is_looked_at_anew(
    share, parts, batches, at
):
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    at("before_link", lambda: os.unlink(full(share, "ann/a")))
    assert one(batches, wanted).placement is Placement.PLACED
    assert read(share, "ann/a") == NEW


def test_one_that_is_taken_away_each_time_is_told(share, parts, batches, monkeypatch):
    write(share, "ann/a", OLD)
    receive(parts, NEW)

    def gone(*_args, **_options):
        raise FileNotFoundError

    monkeypatch.setattr(Keeper, "trash", gone)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    placed = one(batches, wanted)
    assert (placed.placement, "all the time" in placed.detail) == (Placement.BLOCKED, True)


def test_a_path_that_comes_and_goes_between_any_two_steps_is_told(share, parts, batches):
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    there = full(share, "ann/a")

    def play(name):
        if name == "before_exchange":
            if os.path.exists(there):
                os.rename(there, there + "2")
        elif name == "before_free_place":
            os.rename(there + "2", there)

    set_crash_hook(play)
    try:
        placed = one(batches, item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD)))
    finally:
        set_crash_hook(None)
    assert placed.placement is Placement.BLOCKED
    assert "all the time" in placed.detail
    assert (read(share, "ann/a"), len(temporary(share))) == (OLD, 1)


def test_without_exchange_it_is_one_rename_as_ever(share, parts, batches, monkeypatch):
    monkeypatch.setattr(renaming, "_renameat2", None)
    write(share, "ann/a", OLD)
    receive(parts, NEW)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    assert one(batches, wanted).placement is Placement.PLACED
    assert shared(share) == {"ann/a": NEW}
    assert [*trash(share).values()] == [OLD]
    assert temporary(share) == []


def test_it_shows_what_it_keeps_with(share):
    with Keeper(share, 1e9) as keeper:
        assert "Keeper" in repr(swapping.Swapping(share.tmp_fd, keeper))


# -- as fast as it can -----------------------------------------------------------------------------
SAVES = 300  # in one round: each is held open, so that its inode gets no other file meanwhile


class Saver:
    """A program that saves at one path as fast as it can, in both ways that programs do.

    By a rename it takes out what stood there and knows what that was, as no editor does: so what
    has no name at the end, and was not taken out by it, was lost by somebody else. In place it
    writes into whatever stands there.
    """

    def __init__(self, share, text):
        self.there, self.beside = full(share, text), full(share, "saving")
        self.open: dict[int, int] = {}  # by inode, a descriptor of what was complete once
        self.taken: set[int] = set()  # inodes that it took out itself
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        for number in range(SAVES):
            if self.stop.is_set():
                return
            (self._replace if number % 3 else self._write)(b"saved %d" % number)

    def _replace(self, data):
        into = os.open(self.beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(into, data)
        self._hold(into)
        while True:
            try:
                renaming.change_places(-100, self.beside, -100, self.there)
                break
            except FileNotFoundError:
                os.link(self.beside, self.there)  # nothing else makes anything there
                os.unlink(self.beside)
                return
        self.taken.add(os.stat(self.beside).st_ino)
        os.unlink(self.beside)

    def _write(self, data):
        try:
            into = os.open(self.there, os.O_WRONLY)
        except FileNotFoundError:
            return
        os.pwrite(into, data, 0)
        os.ftruncate(into, len(data))
        self._hold(into)

    def _hold(self, into):
        inode = os.fstat(into).st_ino
        if inode in self.open:
            os.close(into)
        else:
            self.open[inode] = into

    def lost(self):
        """How many it saved that have no name any more, and close them."""
        lost = 0
        for inode, descriptor in self.open.items():
            lost += inode not in self.taken and os.fstat(descriptor).st_nlink == 0
            os.close(descriptor)
        return lost


def race(share, batches, parts, number):
    """Place versions, each over the one before, while somebody saves; return how many were lost."""
    text = f"ann/{number}"
    write(share, text, b"first")
    saver = Saver(share, text)
    saver.thread.start()
    expected: dict[str, Any] = {}
    version = 0
    try:
        while saver.thread.is_alive():
            data, version = b"version %d %d" % (number, version), version + 1
            content = receive(parts, data)
            wanted = item(text, Source.PART, data, **expected)
            (placed,) = batches.place(place(wanted, batch=number * 10_000 + version)).items
            assert placed.placement in {Placement.PLACED, Placement.BLOCKED}, placed
            expected = {"expected": placed.stat, "expected_root": content.root}
    finally:
        saver.stop.set()
        saver.thread.join()
    assert [name for name in temporary(share) if name.endswith(".held")] == []
    return saver.lost()


def test_nothing_that_was_ever_saved_is_lost_while_versions_are_placed(share, parts, batches):
    assert [race(share, batches, parts, number) for number in range(5)] == [0] * 5
    assert aside(share)


def test_that_race_is_lost_where_nobody_can_exchange(share, parts, batches, monkeypatch):
    """So the test above can fail, and the limit that the docs name is real."""
    exchange = renaming.change_places
    deadline, number, lost = time.monotonic() + 60, 0, 0
    monkeypatch.setattr(swapping, "change_places", lambda *_: False)
    monkeypatch.setattr(renaming, "change_places", exchange)  # the saver goes on as before
    while not lost and time.monotonic() < deadline:
        lost, number = race(share, batches, parts, number), number + 1
    assert lost
