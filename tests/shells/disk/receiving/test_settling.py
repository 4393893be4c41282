"""What a killed batch held: settled by the next run, whatever it was, at whatever step.

Strategy: the hook ends the batch by an exception that nothing catches, at the first, second, … step
it reaches, after another program saved at the path in the last moment. Kills of the whole process
are in test_batches.py.
"""

from __future__ import annotations

import errno
import os

import pytest

from potluck.core.content.facts import Source
from potluck.engine.effects import Settle
from potluck.engine.events import BatchId, Placement
from potluck.shells.disk.fsops import Share, set_crash_hook
from potluck.shells.disk.keeping import Keeper
from potluck.shells.disk.receiving import settling
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.part_map import held_name, part_name
from potluck.shells.disk.receiving.settling import Settling
from tests.shells.files import (
    PIECE,
    aside,
    content_of,
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
BIG = data_of(2 * PIECE + 77, 4)


class Killed(BaseException):
    """The program ends here."""


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


def full(share, text):
    return os.path.join(share.folder, "Shared", text)


def save(share, text):
    write(share, "saving", LATE)
    os.rename(full(share, "saving"), full(share, text))


def killed(share, wanted, step, late=""):
    """Place an item and end at that step; say whether it was reached, and LATE saved at `late`."""
    parts = PartFiles(share)
    if wanted.source is Source.PART:
        receive(parts, NEW if wanted.content == content_of(NEW) else BIG)
    reached, saved = [0], []

    def hook(name):
        reached[0] += 1
        if name == late:
            save(share, "ann/a")
            saved.append(name)
        if reached[0] == step:
            raise Killed

    set_crash_hook(hook)
    try:
        Batches(share, parts).place(place(wanted))
    except Killed:
        return True, bool(saved)
    finally:
        set_crash_hook(None)
    return False, bool(saved)


def settled(share, wanted):
    """Do what the next start does."""
    parts = PartFiles(share)
    parts.found()
    (placed,) = Batches(share, parts).settle(Settle(BatchId(1), (wanted,))).items
    return placed


def everywhere(share):
    return [*shared(share).values(), *aside(share).values(), *trash(share).values()]


@pytest.mark.parametrize("late", ["", "after_keep", "before_exchange"])
@pytest.mark.parametrize("source", [Source.PART, Source.LOCAL, Source.MOVED, Source.EMPTY])
@pytest.mark.parametrize("new", [NEW, BIG], ids=["small", "big"])
def test_at_whatever_step_it_ended_nothing_is_lost_or_left(tmp_path, late, source, new):
    step, went_on = 0, True
    while went_on:
        step += 1
        with Share(str(tmp_path / f"{step}")) as share:
            write(share, "ann/a", OLD)
            write(share, "ann/other", new)
            data = None if source is Source.EMPTY else new
            expected = expecting(share, "ann/a", OLD)
            wanted = item("ann/a", source, data, local=path("ann/other"), **expected)
            went_on, saved = killed(share, wanted, step, late)
            placed = settled(share, wanted)
            found = everywhere(share)
            assert OLD in found, step
            assert not saved or LATE in found, step
            assert source not in {Source.LOCAL, Source.MOVED} or new in found, step
            assert read(share, "ann/a") in {OLD, LATE, new, b""}, step
            assert (placed.placement is Placement.PLACED) == (read(share, "ann/a") == (data or b""))
            assert OLD not in aside(share).values(), step
            assert new not in trash(share).values(), step
            assert [name for name in temporary(share) if name.endswith(".held")] == [], step
            if placed.put_aside:
                assert placed.put_aside.removeprefix("Put aside/") in aside(share)
    assert step > 10


def test_a_part_that_was_held_is_a_part_again(share):
    write(share, "ann/a", OLD)
    wanted = item("ann/a", Source.PART, BIG, **expecting(share, "ann/a", OLD))
    os.close(os.open(held_name(1, 0), os.O_CREAT | os.O_WRONLY, dir_fd=share.tmp_fd))
    with open(os.path.join(share.folder, ".potluck/tmp", held_name(1, 0)), "wb") as file:
        file.write(BIG)
    assert settled(share, wanted).placement is Placement.SOURCE_GONE
    assert temporary(share) == [part_name(content_of(BIG).root)]
    with open(os.path.join(share.folder, ".potluck/tmp", held_name(1, 0)), "wb") as file:
        file.write(BIG)
    settled(share, wanted)  # there is one already: this one can go
    assert held_name(1, 0) not in temporary(share)


def hold(share, data, kind="file"):
    there = os.path.join(share.folder, ".potluck/tmp", held_name(1, 0))
    if kind == "link":
        os.symlink("/etc/passwd", there)
    elif kind == "folder":
        os.mkdir(there)
        with open(os.path.join(there, "in it"), "wb") as file:
            file.write(data)
    else:
        with open(there, "wb") as file:
            file.write(data)
    return there


def test_the_version_the_index_knows_goes_to_the_trash_if_it_is_not_there(share):
    write(share, "ann/a", OLD)
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    hold(share, OLD)
    settled(share, wanted)
    assert [*trash(share).values()] == [OLD]


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_thing_of_another_kind_is_put_aside(share, kind):
    hold(share, LATE, kind)
    placed = settled(share, item("ann/a", Source.PART, NEW))
    assert placed.put_aside.startswith("Put aside/ann/a (ann, ")
    assert [*aside(share).values()] == [None if kind == "link" else LATE]


def test_what_lies_aside_already_is_not_put_there_twice(share):
    there = hold(share, LATE)
    os.makedirs(os.path.join(share.folder, "Put aside/ann"))
    os.link(there, os.path.join(share.folder, "Put aside/ann/a"))
    assert settled(share, item("ann/a", Source.PART, NEW)).put_aside == ""
    assert [*aside(share)] == ["ann/a"]
    assert temporary(share) == []


def test_a_file_that_was_to_move_and_whose_name_is_taken_is_put_aside(share):
    write(share, "ann/other", LATE)
    hold(share, NEW)
    wanted = item("ann/a", Source.MOVED, NEW, local=path("ann/other"))
    assert settled(share, wanted).put_aside
    assert (shared(share), [*aside(share).values()]) == ({"ann/other": LATE}, [NEW])


def test_what_cannot_be_kept_stays_held_for_the_next_start(share, monkeypatch):
    hold(share, LATE)

    def fail(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Keeper, "put_aside", fail)
    wanted = item("ann/a", Source.PART, NEW)
    assert settled(share, wanted).placement is Placement.SOURCE_GONE
    batches = Batches(share, PartFiles(share))
    batches.place(place(item("ann/b", Source.EMPTY)))
    assert temporary(share) == [held_name(1, 0)]
    monkeypatch.undo()
    assert settled(share, wanted).put_aside
    assert temporary(share) == []


def test_what_no_batch_explains_is_put_aside_before_the_first_one(share):
    hold(share, LATE)
    batches = Batches(share, PartFiles(share))
    batches.place(place(item("ann/b", Source.EMPTY)))
    assert [name.partition("/")[0] for name in aside(share)] == [settling.ORPHANS]
    assert [*aside(share).values()] == [LATE]
    hold(share, LATE)
    batches.place(place(item("ann/c", Source.EMPTY)))
    assert temporary(share) == [held_name(1, 0)]  # in this run it is a batch's own


def test_what_cannot_be_put_aside_keeps_no_batch_from_being_placed(share, tmp_path):
    os.symlink(tmp_path, os.path.join(share.folder, "Put aside"))
    hold(share, LATE)
    batches = Batches(share, PartFiles(share))
    (placed,) = batches.place(place(item("ann/b", Source.EMPTY))).items
    assert placed.placement is Placement.PLACED
    assert temporary(share) == [held_name(1, 0)]


def test_it_shows_of_which_share(share):
    with Keeper(share, 1e9) as keeper:
        assert share.folder in repr(Settling(share, keeper))
