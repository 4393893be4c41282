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
from potluck.shells.disk.receiving.replacing import Blocked, Replacing
from potluck.shells.disk.receiving.sources import Sources
from tests.shells.files import aside, data_of, expecting, item, read, receive, shared, trash, write

HELD = "1.0.held"
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
        yield Replacing(share, keeper, folders)


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
    replacing.put(wanted, ready(share, wanted), HELD)
    assert [step for step in steps if step[0] != "before_write_whole"] == [
        ("after_compare", True, False),
        ("before_keep", True, False),
        ("before_link", True, False),
        ("after_link", True, True),
        ("after_keep", True, True),
        ("before_hold", True, True),
        ("after_hold", True, True),
        ("before_exchange", True, True),
        ("after_exchange", False, True),
        ("before_release", False, True),
        ("after_release", False, True),
        ("after_rename", False, True),
    ]


def test_a_folder_removed_by_somebody_else_is_made_again(share, replacing, folders):
    assert replacing.make_folder(item("ann/a", Source.FOLDER), HELD).placement is Placement.PLACED
    os.rmdir(full(share, "ann/a"))
    replacing.make_folder(item("ann/a", Source.FOLDER), HELD)
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
        replacing.put(wanted, ready(share, wanted), HELD)
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
    assert replacing.put(wanted, ready(share, wanted), HELD).put_aside == ""
    assert shared(share) == {"ann/docs/a": NEW}


def test_trouble_with_a_folder_that_is_not_fullness_is_an_error(share, replacing, monkeypatch):
    os.makedirs(full(share, "ann/a"))

    def fail(*_args, **_kwargs):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "rmdir", fail)
    with pytest.raises(OSError, match="broken"):
        replacing.remove(item("ann/a", Source.NONE))


# -- leftovers -------------------------------------------------------------------------------------
LEFTOVERS = {"Thumbs.db": b"t", ".DS_Store": b"d", "notes.txt~": b"n"}


def leave_behind(share, *more):
    for name, data in LEFTOVERS.items():
        write(share, f"ann/f/{name}", data)
    for name in more:
        write(share, f"ann/f/{name}", b"a person's")


@pytest.mark.parametrize("becomes", [Source.NONE, Source.PART])
def test_what_file_browsers_left_behind_goes_to_the_trash_with_its_folder(
    share, replacing, becomes
):
    leave_behind(share)
    wanted = item("ann/f", becomes, NEW)
    if becomes is Source.PART:
        assert replacing.put(wanted, ready(share, wanted), HELD).placement is Placement.PLACED
        assert shared(share) == {"ann/f": NEW}
    else:
        assert replacing.remove(wanted).placement is Placement.REMOVED
        assert not os.path.exists(full(share, "ann/f"))
    kept = {name.partition("/ann/f/")[2]: data for name, data in trash(share).items()}
    assert kept == LEFTOVERS


def test_anything_else_keeps_the_folder_with_all_that_is_in_it_and_is_named(share, replacing):
    leave_behind(share, "my\nown", "x1", "x2", "x3")
    os.mkdir(full(share, "ann/f/sub~"))
    with pytest.raises(Blocked) as blocked:
        replacing.remove(item("ann/f", Source.NONE))
    assert str(blocked.value) == (
        "the folder there holds my\\x0aown, sub~, x1 and 2 more, so it stays"
    )
    assert len(os.listdir(full(share, "ann/f"))) == len(LEFTOVERS) + 5
    assert trash(share) == {}


def test_a_link_with_the_name_of_a_leftover_keeps_the_folder(share, replacing):
    os.makedirs(full(share, "ann/f"))
    os.symlink("/", full(share, "ann/f/Thumbs.db"))
    with pytest.raises(Blocked, match=r"Thumbs\.db"):
        replacing.remove(item("ann/f", Source.NONE))


def test_a_leftover_with_a_name_that_is_refused_keeps_the_folder(share, replacing):
    os.makedirs(full(share, "ann/f"))
    with open(full(share, "ann/f/two\nlines~"), "wb"):
        pass
    with pytest.raises(Blocked):
        replacing.remove(item("ann/f", Source.NONE))


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EBUSY, "another disk is mounted"), (errno.ENOTEMPTY, "the folder there is not empty")],
)
def test_a_folder_that_does_not_go_although_it_is_empty_says_why(
    share, replacing, monkeypatch, number, words
):
    os.makedirs(full(share, "ann/f"))

    def fail(*_args, **_kwargs):
        raise OSError(number, "no")

    monkeypatch.setattr(os, "rmdir", fail)
    with pytest.raises(Blocked, match=words):
        replacing.remove(item("ann/f", Source.NONE))


def test_trouble_while_an_emptied_folder_goes_is_an_error(share, replacing, monkeypatch):
    leave_behind(share)
    real = os.rmdir

    def fail(name, **options):
        if os.listdir(full(share, "ann/f")):
            real(name, **options)
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "rmdir", fail)
    with pytest.raises(OSError, match="broken"):
        replacing.remove(item("ann/f", Source.NONE))


def test_a_placed_file_that_is_gone_at_once_has_no_stat(share, replacing, hook):
    wanted = item("ann/a", Source.PART, NEW)
    made = ready(share, wanted)
    hook(lambda name: os.unlink(full(share, "ann/a")) if name == "after_rename" else None)
    assert replacing.put(wanted, made, HELD).stat is None


def test_another_piece_size_of_the_old_version_is_tried_too(share, replacing):
    write(share, "ann/a", OLD)
    expected = expecting(share, "ann/a", OLD)
    os.utime(full(share, "ann/a"), ns=(1, 1))
    wanted = item("ann/a", Source.NONE, **expected | {"expected": None})
    assert replacing.remove(wanted).put_aside == ""
    assert list(trash(share).values()) == [OLD]


def test_a_removal_that_found_nothing_says_so(share, replacing):
    os.mkdir(full(share, "ann"))
    write_file = os.open(full(share, "ann/a"), os.O_CREAT | os.O_WRONLY)
    os.close(write_file)
    found = [item(path, Source.NONE) for path in ("ann/a", "ann/b", "no/such/folder")]
    assert [replacing.remove(each).nothing_there for each in found] == [False, True, True]
