"""Adding to the own folder: what is free is filled, and whatever stands there stays as it is."""

from __future__ import annotations

import os

import pytest

from potluck.core.content.facts import Source
from potluck.engine.events import Placement
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.keeping import Keeper
from potluck.shells.disk.receiving.adding import Adding
from potluck.shells.disk.receiving.replacing import Blocked
from tests.shells.disk.receiving.test_replacing import full, hook, ready
from tests.shells.files import aside, data_of, item, path, read, shared, trash, write

__all__ = ["hook"]

HELD = "1.0.held"
OLD, NEW = data_of(3000, 1), data_of(4000, 2)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def adding(share):
    with Folders(share.shared_fd) as folders, Keeper(share, 1e9) as keeper:
        yield Adding(share, keeper, folders)


def nothing_is_kept(share):
    return not trash(share) and not aside(share)


def test_what_is_free_is_filled_and_its_folders_are_made(share, adding):
    wanted = item("me/a/b/c", data=NEW, source=Source.PART, mtime_ns=5, executable=True)
    placed = adding.put(wanted, ready(share, wanted), HELD)
    assert placed.placement is Placement.PLACED
    assert read(share, "me/a/b/c") == NEW
    found = os.stat(full(share, "me/a/b/c"))
    assert (found.st_mode & 0o777, found.st_mtime_ns) == (0o755, 5), "writable: it is the person's"
    assert placed.stat == share.stat(wanted.path).stat


def test_a_file_that_goes_from_elsewhere_comes_here(share, adding):
    write(share, "anna/x", NEW)
    wanted = item("me/c", data=NEW, source=Source.MOVED, local=path("anna/x"))
    assert adding.put(wanted, ready(share, wanted), HELD).placement is Placement.PLACED
    assert shared(share) == {"me/c": NEW}


@pytest.mark.parametrize("where", ["me/c", "me/c/inside"])
def test_a_file_that_stands_there_or_in_the_way_stays(share, adding, where):
    write(share, "me/c", OLD)
    wanted = item(where, data=NEW, source=Source.PART)
    with pytest.raises(Blocked, match="own folder") as blocked:
        adding.put(wanted, ready(share, wanted), HELD)
    assert str(blocked.value.at) == "me/c", "what is in the way is named"
    assert shared(share) == {"me/c": OLD}
    assert nothing_is_kept(share)


def test_so_does_an_empty_folder_and_a_link(share, adding):
    os.makedirs(full(share, "me/f"))
    os.symlink("/etc", full(share, "me/l"))
    for where, named in (("me/f", "me/f"), ("me/l", "me/l"), ("me/l/a/inside", "me/l")):
        wanted = item(where, data=NEW, source=Source.PART)
        with pytest.raises(Blocked) as blocked:
            adding.put(wanted, ready(share, wanted), HELD)
        assert str(blocked.value.at) == named
    assert os.listdir(full(share, "me/f")) == []
    assert os.readlink(full(share, "me/l")) == "/etc"
    assert not os.path.exists("/etc/inside")


def test_what_a_person_saves_at_the_last_moment_stays(share, adding, hook):
    wanted = item("me/c", data=NEW, source=Source.PART)
    part = ready(share, wanted)

    def save(name):
        if name == "before_rename":
            write(share, "me/c", OLD)

    hook(save)
    with pytest.raises(Blocked):
        adding.put(wanted, part, HELD)
    assert shared(share) == {"me/c": OLD}


def test_nothing_that_stands_gets_another_time(share, adding):
    write(share, "you/c", OLD)
    wanted = item("you/c", data=OLD, source=Source.LOCAL, local=path("you/c"))
    with pytest.raises(Blocked):
        adding.put(wanted, ready(share, wanted), HELD)


def test_a_folder_is_made_or_is_there(share, adding):
    wanted = item("me/a/b", source=Source.FOLDER)
    for _ in range(2):
        assert adding.make_folder(wanted, HELD).placement is Placement.PLACED
        assert os.path.isdir(full(share, "me/a/b"))
    write(share, "me/c", OLD)
    for where in ("me/c", "me/c/d"):
        with pytest.raises(Blocked):
            adding.make_folder(item(where, source=Source.FOLDER), HELD)
    assert read(share, "me/c") == OLD


def test_nothing_is_removed(share, adding):
    write(share, "me/c", OLD)
    with pytest.raises(Blocked):
        adding.remove(item("me/c", source=Source.NONE))
    assert shared(share) == {"me/c": OLD}
