"""Healing: a damaged file of the own folder is exchanged for a whole one, and nothing else is."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

from potluck.core.content.facts import Source
from potluck.core.errors import UnsafePath
from potluck.engine.effects import PlaceItem, Settle
from potluck.engine.events import BatchId, Placement
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.keeping import Keeper
from potluck.shells.disk.receiving import healing
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.healing import Healing
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.replacing import Blocked
from potluck.shells.disk.receiving.sources import ReadyFile, Sources
from tests.shells.disk.receiving.test_replacing import full, hook
from tests.shells.files import (
    aside,
    data_of,
    expecting,
    item,
    place,
    read,
    receive,
    stat,
    trash,
    write,
)

__all__ = ["hook"]

HELD = "1.0.held"
WHOLE = data_of(3000, 1)
DAMAGED = bytes([WHOLE[0] ^ 1]) + WHOLE[1:]


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def heal(share):
    with Folders(share.shared_fd) as folders, Keeper(share, 1e9) as keeper:
        yield Healing(share, keeper, folders)


@pytest.fixture
def wanted(share) -> PlaceItem:
    """A file that the index has as whole, and that is damaged."""
    write(share, "me/a", DAMAGED, mode=0o640)
    return item("me/a", Source.PART, WHOLE, **expecting(share, "me/a", WHOLE))


def ready(share, wanted) -> ReadyFile:
    parts = PartFiles(share)
    receive(parts, WHOLE)
    return Sources(share, parts, (wanted,), "me").prepare(wanted, "copy")


def nothing_came_of_it(share, stands: bytes, part: ReadyFile) -> None:
    assert read(share, "me/a") == stands
    assert not aside(share)
    assert not trash(share)
    assert os.path.exists(os.path.join(share.folder, ".potluck/tmp", part.name)), "for the next try"


def test_the_whole_file_has_the_place_the_mode_and_the_date_of_the_damaged_one(
    share, heal, wanted
) -> None:
    placed = heal.put(wanted, ready(share, wanted), HELD)
    assert (placed.placement, read(share, "me/a")) == (Placement.PLACED, WHOLE)
    assert list(aside(share).values()) == [DAMAGED]
    assert placed.put_aside.startswith("Put aside/me/a (me, ")
    found = os.stat(full(share, "me/a"))
    assert (found.st_mode & 0o777, found.st_mtime_ns) == (0o640, wanted.mtime_ns)
    assert placed.stat == share.stat(wanted.path).stat
    assert not os.listdir(share.tmp_fd)
    assert not trash(share)


def test_what_is_missing_comes_as_ever(share, heal) -> None:
    wanted = item("me/new", Source.PART, WHOLE)
    assert heal.put(wanted, ready(share, wanted), HELD).placement is Placement.PLACED
    assert read(share, "me/new") == WHOLE


@pytest.mark.parametrize("change", ["edited", "touched", "gone", "a folder", "whole again"])
def test_what_is_not_the_damaged_file_stays(share, heal, wanted, change) -> None:
    name = full(share, "me/a")
    if change == "edited":
        write(share, "me/a", b"new")
    elif change == "touched":
        os.utime(name)
    elif change == "whole again":
        write(share, "me/a", WHOLE)
        wanted = item("me/a", Source.PART, WHOLE, **expecting(share, "me/a", WHOLE))
    else:
        os.unlink(name)
        if change == "a folder":
            os.mkdir(name)
    before = os.lstat(name) if os.path.exists(name) else None
    part = ready(share, wanted)
    with pytest.raises(Blocked):
        heal.put(wanted, part, HELD)
    after = os.lstat(name) if os.path.exists(name) else None
    assert (before and before.st_ino) == (after and after.st_ino)
    assert not aside(share)


def test_what_another_program_has_open_for_writing_waits(share, heal, wanted) -> None:
    part = ready(share, wanted)
    with open(full(share, "me/a"), "r+b"), pytest.raises(Blocked, match="another program"):
        heal.put(wanted, part, HELD)
    nothing_came_of_it(share, DAMAGED, part)
    with open(full(share, "me/a"), "rb"):  # who only reads is in nobody's way
        heal.put(wanted, part, HELD)
    assert read(share, "me/a") == WHOLE


def test_where_nobody_knows_leases_it_is_not_waited_for(share, heal, wanted, monkeypatch) -> None:
    def unknown(*_):
        raise OSError(errno.EINVAL, "no leases here")

    monkeypatch.setattr(fcntl, "fcntl", unknown)
    heal.put(wanted, ready(share, wanted), HELD)
    assert read(share, "me/a") == WHOLE


def test_what_is_opened_for_writing_at_the_last_moment_gets_what_is_saved(
    share, heal, wanted, hook
) -> None:
    opened = []

    def open_it(name):
        if name == "before_exchange":
            opened.append(open(full(share, "me/a"), "r+b"))  # noqa: SIM115 - it is written later

    part = ready(share, wanted)
    hook(open_it)
    with pytest.raises(Blocked, match="another program"):
        heal.put(wanted, part, HELD)
    nothing_came_of_it(share, DAMAGED, part)
    with opened[0] as file:
        file.write(b"saved")
    assert read(share, "me/a") == b"saved" + DAMAGED[5:]


def test_what_a_person_saves_at_the_last_moment_stays(share, heal, wanted, hook) -> None:
    def save(name):
        if name == "before_exchange":
            write(share, "me/b", b"saved")
            os.rename(full(share, "me/b"), full(share, "me/a"))

    part = ready(share, wanted)
    hook(save)
    with pytest.raises(Blocked):
        heal.put(wanted, part, HELD)
    nothing_came_of_it(share, b"saved", part)


def test_what_is_removed_at_the_last_moment_is_gone(share, heal, wanted, hook) -> None:
    part = ready(share, wanted)
    hook(lambda name: os.unlink(full(share, "me/a")) if name == "before_exchange" else None)
    with pytest.raises(FileNotFoundError):
        heal.put(wanted, part, HELD)
    assert not os.path.exists(full(share, "me/a"))
    assert os.listdir(share.tmp_fd) == [part.name]


def test_where_two_files_cannot_be_exchanged_nothing_is_touched(
    share, heal, wanted, monkeypatch
) -> None:
    before = os.stat(full(share, "me/a"))
    monkeypatch.setattr(healing, "change_places", lambda *_: False)
    part = ready(share, wanted)
    with pytest.raises(Blocked, match="cannot exchange"):
        heal.put(wanted, part, HELD)
    nothing_came_of_it(share, DAMAGED, part)
    assert os.stat(full(share, "me/a")) == before, "a new change time would be an edit"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), UnsafePath("a link")])
def test_what_cannot_be_put_aside_is_kept_where_it_is(
    share, heal, wanted, monkeypatch, error
) -> None:
    def full_disk(*_, **__):
        raise error

    monkeypatch.setattr(Keeper, "put_aside", full_disk)
    placed = heal.put(wanted, ready(share, wanted), HELD)
    assert (read(share, "me/a"), placed.put_aside) == (WHOLE, f".potluck/tmp/{HELD}")
    with open(os.path.join(share.folder, ".potluck/tmp", HELD), "rb") as file:
        assert file.read() == DAMAGED


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize(
    "step", ["after_compare", "after_hold", "before_exchange", "after_exchange", "after_move"]
)
def test_a_kill_at_any_step_leaves_one_or_the_other_and_loses_neither(
    share, wanted, hook, step
) -> None:
    before = stat(share, "me/a")
    parts = PartFiles(share)
    receive(parts, WHOLE)

    def kill(name):
        if name == step:
            raise Killed

    hook(kill)
    with pytest.raises(Killed):
        Batches(share, parts).place(place(wanted))
    hook(lambda _: None)
    batches = Batches(share, PartFiles(share))
    batches.settle(Settle(BatchId(1), (wanted,)))
    if step in {"after_exchange", "after_move"}:
        assert read(share, "me/a") == WHOLE
        assert list(aside(share).values()) == [DAMAGED]
    else:
        assert (read(share, "me/a"), stat(share, "me/a")) == (DAMAGED, before)
        assert not aside(share)
    assert not trash(share)
    assert not [name for name in os.listdir(share.tmp_fd) if name.endswith(".held")]
