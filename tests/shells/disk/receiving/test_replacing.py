"""One path: the order of its steps, and the races that only an exact moment shows.

What is kept where is in test_placing.py; here a hook acts as another program between two steps.
"""

from __future__ import annotations

import errno
import os

import pytest

from potluck.core.content.facts import Source
from potluck.core.errors import UnsafePath
from potluck.engine.events import Placement
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import Share, set_crash_hook
from potluck.shells.disk.keeping import Keeper
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.replacing import Replacing
from potluck.shells.disk.receiving.sources import Sources
from tests.shells.files import aside, data_of, expecting, item, read, receive, shared, trash, write

OLD, NEW = data_of(3000, 1), data_of(4000, 2)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def folders(share):
    with Folders(share.shared_fd) as folders:
        yield folders


@pytest.fixture
def replacing(share, folders):
    with Keeper(share, 1e9) as keeper:
        yield Replacing(share.tmp_fd, keeper, folders)


@pytest.fixture
def hook():
    yield set_crash_hook
    set_crash_hook(None)


def ready(share, wanted):
    parts = PartFiles(share)
    receive(parts, NEW)
    return Sources(share, parts, (wanted,), "me").prepare(wanted, "copy")


def full(share, text):
    return os.path.join(share.folder, "Shared", text)


def test_the_old_version_is_kept_before_the_rename(share, replacing, hook):
    write(share, "ann/a", OLD)
    steps = []
    hook(
        lambda name: steps.append((name, read(share, "ann/a") == OLD, OLD in trash(share).values()))
    )
    wanted = item("ann/a", Source.PART, NEW, **expecting(share, "ann/a", OLD))
    replacing.put(wanted, ready(share, wanted))
    assert [step for step in steps if step[0] != "before_write_whole"] == [
        ("after_compare", True, False),
        ("before_keep", True, False),
        ("before_link", True, False),
        ("after_link", True, True),
        ("after_keep", True, True),
        ("before_rename", True, True),
        ("after_rename", False, True),
    ]


def test_a_folder_removed_by_somebody_else_is_made_again(share, replacing, folders):
    assert replacing.make_folder(item("ann/a", Source.FOLDER)).placement is Placement.PLACED
    os.rmdir(full(share, "ann/a"))
    replacing.make_folder(item("ann/a", Source.FOLDER))
    assert os.path.isdir(full(share, "ann/a"))
    assert folders.sync() == {}


def test_links_planted_faster_than_they_are_put_aside_end_the_item(share, replacing, hook):
    os.mkdir(full(share, "ann"))
    os.symlink("/", full(share, "ann/docs"))

    def plant(name):
        if name == "after_move":
            os.symlink("/", full(share, "ann/docs"))

    hook(plant)
    wanted = item("ann/docs/a", Source.PART, NEW)
    with pytest.raises(UnsafePath):
        replacing.put(wanted, ready(share, wanted))
    assert set(aside(share).values()) == {None}


def test_a_thing_that_gives_way_by_itself_is_no_trouble(share, replacing, folders, monkeypatch):
    os.mkdir(full(share, "ann"))
    os.symlink("/", full(share, "ann/docs"))
    real = folders.get
    calls: list[tuple[str, ...]] = []

    def vanish(parts, **options):
        if parts == ("ann", "docs") and not calls:
            calls.append(parts)
            os.unlink(full(share, "ann/docs"))
            raise UnsafePath("a link")
        return real(parts, **options)

    monkeypatch.setattr(folders, "get", vanish)
    wanted = item("ann/docs/a", Source.PART, NEW)
    assert replacing.put(wanted, ready(share, wanted)).put_aside == ""
    assert shared(share) == {"ann/docs/a": NEW}


def test_trouble_with_a_folder_that_is_not_fullness_is_an_error(share, replacing, monkeypatch):
    os.makedirs(full(share, "ann/a"))

    def fail(*_args, **_kwargs):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "rmdir", fail)
    with pytest.raises(OSError, match="broken"):
        replacing.remove(item("ann/a", Source.NONE))


def test_a_placed_file_that_is_gone_at_once_has_no_stat(share, replacing, hook):
    wanted = item("ann/a", Source.PART, NEW)
    made = ready(share, wanted)
    hook(lambda name: os.unlink(full(share, "ann/a")) if name == "after_rename" else None)
    assert replacing.put(wanted, made).stat is None


def test_another_piece_size_of_the_old_version_is_tried_too(share, replacing):
    write(share, "ann/a", OLD)
    expected = expecting(share, "ann/a", OLD)
    os.utime(full(share, "ann/a"), ns=(1, 1))
    wanted = item("ann/a", Source.NONE, **expected | {"expected": None})
    assert replacing.remove(wanted).put_aside == ""
    assert list(trash(share).values()) == [OLD]
