"""Importing: files and whole folders come in whole, under a free name, and a source goes only when
they are safe.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from potluck.core.content.facts import Hindrance
from potluck.core.content.pieces import piece_size_for
from potluck.core.keys.locked import LOCKED_MAGIC
from potluck.engine.effects import Import, ListedFile
from potluck.engine.events import OrderId
from potluck.engine.own.imports import NOT_AS_LISTED, NOT_LISTED, OWN_FILE, PRIVATE
from potluck.shells.disk import importing
from potluck.shells.disk.content_check import copy_content
from potluck.shells.disk.fsops import Share, open_regular, set_crash_hook
from potluck.shells.disk.importing import import_paths
from potluck.shells.disk.receiving.part_files import PartFiles
from tests.shells.files import (
    OLD_NS,
    content_of,
    data_of,
    open_descriptors,
    path,
    shared,
    temporary,
    write,
)

DATA = data_of(5000)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    (home / "Photos" / "2024").mkdir(parents=True)
    (home / "a.txt").write_bytes(DATA)
    (home / "Photos" / "one.jpg").write_bytes(b"one")
    (home / "Photos" / "2024" / "two.jpg").write_bytes(b"two")
    os.utime(home / "a.txt", ns=(OLD_NS, OLD_NS))
    os.chmod(home / "a.txt", 0o750)
    return home


@pytest.fixture
def hook():
    yield set_crash_hook
    set_crash_hook(None)


def bring(share, *paths, mode="copy"):
    before = open_descriptors()
    result = import_paths(share, Import(OrderId(7), tuple(map(str, paths)), mode, path("me")))
    assert open_descriptors() == before
    assert temporary(share) == []
    assert result.order == 7
    return result


def hashed(data):
    content = content_of(data, piece_size_for(len(data)))
    return content.root, content.piece_size


def take(share, top, *files, into="me/docs"):
    listed = tuple(ListedFile(str(file), *hashed(text.encode())) for file, text in files)
    return import_paths(share, Import(OrderId(7), (str(top),), "reflink", path(into), listed))


def test_of_a_listed_folder_only_that_comes_which_is_as_listed(share, home) -> None:
    photos = home / "Photos"
    (photos / "stray").write_bytes(b"nobody's")
    (photos / "2024" / "bad").write_bytes(b"bad!")
    result = take(
        share,
        photos,
        (photos / "one.jpg", "one"),
        (photos / "2024" / "two.jpg", "two"),
        (photos / "2024" / "bad", "good"),
        (photos / "gone", "gone"),
    )
    top = Path(share.folder) / "Shared" / "me" / "docs" / "Photos"
    assert sorted(one.name for one in top.rglob("*")) == ["2024", "one.jpg", "two.jpg"]
    assert result.added == ("docs/Photos",)
    assert dict(result.failed) == {
        str(photos / "2024" / "bad"): NOT_AS_LISTED,
        str(photos / "gone"): "not there",
        str(photos / "stray"): NOT_LISTED,
    }
    assert temporary(share) == []


def test_what_was_listed_and_is_there_already_is_not_missed(share, home) -> None:
    one = home / "Photos" / "one.jpg"
    assert take(share, one, (one, "one")).added == ("docs/one.jpg",)
    again = take(share, one, (one, "one"))
    assert (again.added, again.failed) == ((), ())
    assert again.already == ((str(one), "docs/one.jpg"),)
    one.write_bytes(b"another")
    assert take(share, one, (one, "one")).added == ()
    assert take(share, one, (one, "another")).instead == (("docs/one (2).jpg", "one.jpg"),)


def test_of_a_folder_of_which_nothing_listed_stands_no_empty_one_comes(share, home) -> None:
    top = home / "Tune"
    (top / "deep").mkdir(parents=True)
    gone = [(top / "a", "a"), (top / "deep" / "b", "b")]
    missing = tuple((str(file), "not there") for file, _ in gone)
    for _ in range(2):
        result = take(share, top, *gone, into="me/docs/new")
        assert (result.added, result.already, result.failed) == ((), (), missing)
        assert not Path(share.folder, "Shared/me/docs").exists()
    Path(share.folder, "Shared/me/docs/Tune/deep").mkdir(parents=True)
    result = take(share, top, *gone)  # the empty one that stands there is no copy of it
    assert (result.added, result.already, result.failed) == ((), (), missing)


def test_what_is_the_same_here_and_there_is_no_copy_of_what_lacks_in_both(share, home) -> None:
    one = home / "Photos" / "one.jpg"
    both = ((one, "one"), (home / "Photos" / "2024" / "two.jpg", "two"))
    gone = home / "Photos" / "gone"
    assert take(share, home / "Photos", *both).added == ("docs/Photos",)
    again = take(share, home / "Photos", *both, (gone, "gone"))
    assert again.already == ((str(home / "Photos"), "docs/Photos"),)
    assert again.failed == ((str(gone), "not there"),)


@pytest.mark.parametrize("mode", ["copy", "move", "reflink"])
def test_files_and_folders_come_in(share, home, mode):
    result = bring(share, home / "a.txt", f"{home}/Photos/", mode=mode)
    assert (result.added, result.failed) == (("a.txt", "Photos"), ())
    assert shared(share) == {
        "me/a.txt": DATA,
        "me/Photos/one.jpg": b"one",
        "me/Photos/2024/two.jpg": b"two",
    }
    seen = share.stat(path("me/a.txt")).stat
    assert (seen.mtime_ns, seen.executable) == (OLD_NS, True)
    assert os.listdir(home) == ([] if mode == "move" else os.listdir(home))
    assert (home / "a.txt").exists() == (mode != "move")


def test_a_taken_name_gets_a_number(share, home):
    for content in (b"first", b"second", b"third"):
        (home / "a.txt").write_bytes(content)
        (home / "Photos" / "one.jpg").write_bytes(content)
        result = bring(share, home / "a.txt", home / "Photos")
    assert result.instead == (("a (3).txt", "a.txt"), ("Photos (3)", "Photos"))
    names = {text.split("/")[1] for text in shared(share)}
    assert names == {"a.txt", "a (2).txt", "a (3).txt", "Photos", "Photos (2)", "Photos (3)"}


@pytest.mark.parametrize("mode", ["copy", "move", "reflink"])
def test_what_is_there_already_is_not_brought_in_once_more(share, home, mode):
    write(share, "me/a.txt", b"another")
    bring(share, home / "a.txt", home / "Photos")
    before = shared(share)
    assert set(before) == {
        "me/a.txt",
        "me/a (2).txt",
        "me/Photos/one.jpg",
        "me/Photos/2024/two.jpg",
    }
    result = bring(share, home / "a.txt", f"{home}/Photos/", mode=mode)
    assert (result.added, result.failed) == ((), ())
    assert result.already == ((f"{home}/a.txt", "a (2).txt"), (f"{home}/Photos", "Photos"))
    assert shared(share) == before
    assert (home / "a.txt").exists(), "what is not brought in is not taken away"
    (home / "Photos" / "2024" / "new.jpg").write_bytes(b"new")
    assert bring(share, home / "Photos", mode=mode).added == ("Photos (2)",)


def test_only_part_of_a_folder_is_all_of_what_is_wanted(share, home):
    bring(share, home / "Photos")
    (home / "Photos" / "one.jpg").unlink()
    assert bring(share, home / "Photos").already == ((f"{home}/Photos", "Photos"),)


def test_a_move_never_replaces_and_keeps_the_file(share, home):
    write(share, "me/a.txt", b"mine")
    inode = (home / "a.txt").stat().st_ino
    assert bring(share, home / "a.txt", mode="move").added == ("a (2).txt",)
    assert share.stat(path("me/a (2).txt")).stat.inode == inode
    assert shared(share)["me/a.txt"] == b"mine"


def test_what_is_not_shared_is_reported_and_stays(share, home):
    os.symlink("one.jpg", home / "Photos" / "link")
    os.symlink("/", home / "Photos" / "root")
    os.mkfifo(home / "Photos" / "pipe")
    (home / "Photos" / "bad\x1bname").write_bytes(b"")
    os.symlink("a.txt", home / "top")
    result = bring(
        share,
        home / "Photos",
        home / "top",
        home / "nothing",
        "/no/such/folder/x",
        "/",
        mode="move",
    )
    assert result.added == ("Photos",)
    assert dict(result.failed) == {
        f"{home}/Photos/bad\\x1bname": "control character",
        f"{home}/Photos/link": "symbolic link",
        f"{home}/Photos/pipe": "named pipe",
        f"{home}/Photos/root": "symbolic link",
        f"{home}/top": "symbolic link",
        f"{home}/nothing": "not there",
        "/no/such/folder/x": os.strerror(errno.ENOENT),
        "/": "empty component",
    }
    assert sorted(os.listdir(home / "Photos")) == ["bad\x1bname", "link", "pipe", "root"]


def test_a_name_that_is_not_utf8_is_reported_readably(share, home):
    os.close(os.open(os.fsencode(home) + b"/x\xff", os.O_CREAT, 0o600))
    ((shown, reason),) = bring(share, os.fsdecode(os.fsencode(home) + b"/x\xff")).failed
    assert (shown, reason) == (f"{home}/x\\xff", "not valid UTF-8")


def test_the_folder_itself_is_never_imported_into_itself(share, home, tmp_path):
    write(share, "me/own", b"own")
    result = bring(share, tmp_path, share.folder, os.path.join(share.folder, "Shared", "me"))
    assert {reason for _, reason in result.failed} == {"it is where shared files go"}
    assert len(result.failed) == 3
    assert sum(text.endswith("/own") for text in shared(share)) == 1


def test_holes_stay_holes(share, tmp_path):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(10_000_000)
    bring(share, tmp_path / "sparse")
    found = os.stat(os.path.join(share.folder, "Shared/me/sparse"))
    assert (found.st_size, found.st_blocks) == (10_000_000, 0)


def test_without_links_what_cannot_be_renamed_leaves_no_empty_file(share, home, monkeypatch):
    def fail(number):
        def call(*_args, **_options):
            raise OSError(number, os.strerror(number))

        return call

    monkeypatch.setattr(os, "link", fail(errno.EPERM))
    monkeypatch.setattr(os, "rename", fail(errno.EIO))
    monkeypatch.setattr(importing, "rename_to_free", fail(errno.EIO), raising=False)
    ((_, reason),) = bring(share, home / "a.txt").failed
    assert reason == Hindrance.IO
    assert shared(share) == {}


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM])
def test_where_no_link_is_possible_a_move_is_a_durable_copy(share, home, monkeypatch, hook, number):
    real, synced = os.link, []

    def link(source, target, **options):
        if options["src_dir_fd"] != share.tmp_fd or number == errno.EPERM:
            raise OSError(number, os.strerror(number))
        real(source, target, **options)

    def check(name):
        if name == "before_remove_source":
            synced.append(shared(share) == {"me/a.txt": DATA} and (home / "a.txt").exists())

    monkeypatch.setattr(os, "link", link)
    hook(check)
    assert bring(share, home / "a.txt", mode="move").added == ("a.txt",)
    assert synced == [True]
    assert shared(share) == {"me/a.txt": DATA}
    assert not (home / "a.txt").exists()
    write(share, "me/one.jpg", b"mine")
    assert bring(share, home / "Photos" / "one.jpg", mode="move").added == ("one (2).jpg",)
    assert shared(share)["me/one.jpg"] == b"mine"


def test_half_a_file_is_never_seen(share, home, hook):
    seen = []
    hook(lambda name: seen.append((name, shared(share))))
    bring(share, home / "a.txt")
    assert seen == [("before_import", {})]


def test_a_copy_is_on_the_disk_before_it_is_seen(share, home, hook, monkeypatch):
    real, synced, seen = os.fsync, [], []

    def fsync(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    hook(lambda name: seen.append(list(synced)))
    bring(share, home / "a.txt")
    assert seen == [[share.stat(path("me/a.txt")).stat.inode]]


def test_a_file_that_changes_while_it_is_copied_is_left_out(share, home, monkeypatch):
    real = copy_content

    def changing(source, target):
        real(source, target)
        (home / "a.txt").write_bytes(b"changed")

    monkeypatch.setattr("potluck.shells.disk.importing.copy_content", changing)
    assert bring(share, home / "a.txt").failed == (
        (f"{home}/a.txt", "it changed while it was copied"),
    )
    assert shared(share) == {}


def test_a_full_disk_ends_one_file(share, home, monkeypatch):
    real = copy_content

    def full(source, target):
        if os.fstat(source).st_size == len(DATA):
            raise OSError(errno.ENOSPC, "full")
        real(source, target)

    monkeypatch.setattr("potluck.shells.disk.importing.copy_content", full)
    result = bring(share, home / "a.txt", home / "Photos", mode="copy")
    assert (result.added, result.failed) == (("Photos",), ((f"{home}/a.txt", "disk full"),))


@pytest.mark.parametrize("mode", ["copy", "reflink"])
def test_a_folder_of_which_nothing_came_leaves_none_behind(share, home, monkeypatch, mode):
    def full(*_files):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr("potluck.shells.disk.importing.copy_content", full)
        result = bring(share, home / "Photos", home / "Photos" / "2024", mode=mode)
    assert result.added == ()
    assert {reason for _, reason in result.failed} == {"disk full"}
    assert os.listdir(share.folder + "/Shared/me") == []
    assert bring(share, home / "Photos").added == ("Photos",), "its name is free"


def test_one_that_failed_does_not_stand_in_the_way_of_the_next(share, home, monkeypatch):
    real, full = copy_content, [True]

    def once(source, target):
        if full:
            full.clear()
            raise OSError(errno.ENOSPC, "full")
        real(source, target)

    other = home / "other" / "2024"
    other.mkdir(parents=True)
    (other / "three.jpg").write_bytes(b"three")
    monkeypatch.setattr("potluck.shells.disk.importing.copy_content", once)
    assert bring(share, home / "Photos" / "2024", other).added == ("2024",)
    assert shared(share) == {"me/2024/three.jpg": b"three"}


def test_a_disk_without_inodes_says_so(share, home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("potluck.shells.disk.importing.copy_content", full)
    monkeypatch.setattr("potluck.shells.disk.fsops.lacks_inodes", lambda _descriptor: True)
    assert bring(share, home / "a.txt", mode="copy").failed == (
        (f"{home}/a.txt", "no inodes left"),
    )


def test_a_source_exchanged_while_it_is_moved_is_not_removed(share, home, hook):
    def exchange(name):
        if name == "before_remove_source":
            os.rename(home / "Photos" / "one.jpg", home / "a.txt")

    hook(exchange)
    bring(share, home / "a.txt", mode="move")
    assert shared(share) == {"me/a.txt": DATA}
    assert (home / "a.txt").read_bytes() == b"one"


def test_a_file_exchanged_before_it_is_linked_is_copied_from_what_was_opened(
    share, home, monkeypatch
):
    real = open_regular

    def exchange(folder, name, *access):
        descriptor = real(folder, name, *access)
        if not access:  # it is the source that is opened to be read
            os.rename(home / "Photos" / "one.jpg", home / "a.txt")
        return descriptor

    monkeypatch.setattr("potluck.shells.disk.importing.open_regular", exchange)
    assert bring(share, home / "a.txt", mode="move").added == ("a.txt",)
    assert shared(share) == {"me/a.txt": DATA}
    assert (home / "a.txt").read_bytes() == b"one"


def test_real_trouble_with_a_link_is_told(share, home, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "link", fail)
    assert bring(share, home / "a.txt").failed == ((f"{home}/a.txt", "input/output error"),)


def test_a_folder_that_cannot_be_made_durable_is_told(share, home, monkeypatch):
    real = os.fsync

    def fail(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("Shared/me"):
            raise OSError(errno.EIO, "write error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    assert bring(share, home / "a.txt").failed == (("me", "input/output error"),)


# -- whole folders ---------------------------------------------------------------------------------
def test_half_a_folder_is_never_seen_nor_left_by_one_that_was_killed(share, home, hook):
    standing = []

    def look(name):
        standing.append((name, sorted(os.listdir(f"{share.folder}/Shared/me"))))
        if name == "before_folder" and len(standing) < 5:
            raise KeyboardInterrupt  # as good as a kill: nothing else is tried

    write(share, "me/a.txt", b"x")
    hook(look)
    with pytest.raises(KeyboardInterrupt):
        bring(share, home / "Photos")
    assert {tuple(names) for _, names in standing} == {("a.txt",)}
    assert bring(share, home / "Photos").added == ("Photos",)
    assert set(shared(share)) == {"me/a.txt", "me/Photos/one.jpg", "me/Photos/2024/two.jpg"}


def test_what_a_killed_import_left_is_removed_by_the_next_start(share, home):
    aside = os.path.join(share.folder, ".potluck", "tmp", "import.7.folder", "Photos", "2024")
    os.makedirs(aside)
    with open(os.path.join(aside, "half"), "wb") as half:
        half.write(b"half")
    assert bring(share, home / "Photos").added == ("Photos",)  # the same number is no obstacle
    os.makedirs(aside)
    PartFiles(share).found()
    assert temporary(share) == []


@pytest.mark.parametrize("error", [errno.EXDEV, errno.ENOTEMPTY, errno.EIO])
def test_a_folder_that_cannot_be_renamed_comes_in_otherwise_or_is_told(
    share, home, monkeypatch, error
):
    real, left = os.rename, [error]

    def fail(*args, **options):
        if left:
            raise OSError(left.pop(), "no")
        real(*args, **options)

    monkeypatch.setattr(os, "rename", fail)
    result = bring(share, home / "Photos")
    if error == errno.EIO:
        assert result.failed == ((f"{home}/Photos", "input/output error"),)
        return
    name = "Photos" if error == errno.EXDEV else "Photos (2)"
    assert (result.added, result.failed) == ((name,), ())
    assert set(shared(share)) == {f"me/{name}/one.jpg", f"me/{name}/2024/two.jpg"}


def test_a_folder_for_another_disk_comes_in_file_by_file(share, home, monkeypatch):
    real = os.fstat

    class Elsewhere:
        def __init__(self, found):
            self._found = found
            self.st_dev = 99

        def __getattr__(self, name):
            return getattr(self._found, name)

    def stat(descriptor):
        found = real(descriptor)
        place = os.readlink(f"/proc/self/fd/{descriptor}")
        return Elsewhere(found) if place.endswith(".potluck/tmp") else found

    monkeypatch.setattr(os, "fstat", stat)
    monkeypatch.setattr(os, "rename", None)
    assert bring(share, home / "Photos").added == ("Photos",)


def test_a_folder_that_is_not_durable_before_its_rename_is_told(share, home, monkeypatch):
    real = os.fsync

    def fail(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("Photos/2024"):
            raise OSError(errno.EIO, "write error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    result = bring(share, home / "Photos")
    assert result.failed == ((f"{home}/Photos/2024", "input/output error"),)


# -- what is private -------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_the_home_is_not_shared_by_any_name(tmp_path, mode):
    mine = tmp_path / "mine"
    mine.mkdir()
    kept = {"device.key": bytes(64), "potluck.sqlite": b"index", "lock": b"1"}
    for name, data in kept.items():
        (mine / name).write_bytes(data)
    (tmp_path / "link").symlink_to(mine)
    (tmp_path / "copy").write_bytes(bytes(64))
    os.link(mine / "device.key", tmp_path / "second name")
    (tmp_path / "around").mkdir()
    os.link(mine / "lock", tmp_path / "around" / "lock")
    with Share(str(tmp_path / "Potluck"), str(mine)) as share:
        paths = [mine, tmp_path / "copy", tmp_path / "second name", tmp_path / "around"]
        paths += [mine / name for name in kept]
        paths += [f"{tmp_path}/link/lock", f"{mine}/../mine/device.key"]
        result = bring(share, *paths, mode=mode)
        assert (result.added, shared(share)) == ((), {})
        for path, reason in result.failed:
            assert reason == (OWN_FILE if path.endswith("lock") else PRIVATE)
        assert len(result.failed) == len(paths)
        assert {name: (mine / name).read_bytes() for name in kept} == kept


def test_a_locked_backup_is_brought_in_and_named(share, home):
    (home / "Photos" / "me.backup").write_bytes(LOCKED_MAGIC + b"x")
    write(share, "me/Photos", b"taken")
    assert bring(share, home / "Photos").backups == ("Photos (2)/me.backup",)
    assert bring(share, home / "Photos" / "me.backup", mode="move").backups == ("me.backup",)
    assert bring(share, home / "a.txt").backups == ()
