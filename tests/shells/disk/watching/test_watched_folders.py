"""Watched folders: what is watched, what is let go, and what a folder's watch stands for.

Strategy: real folders and the real kernel, without a thread: what a watch is for is seen from the
notices that come of a change.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.shells.disk.folder_names import entries_in
from potluck.shells.disk.fsops import Share, enter
from potluck.shells.disk.watching import watched_folders as module
from potluck.shells.disk.watching.inotify import Inotify
from potluck.shells.disk.watching.watched_folders import WatchedFolder, WatchedFolders, child_of
from tests.shells.files import open_descriptors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's own")

ME = parse_wire_path(b"me")


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path)) as opened:
        (tmp_path / "Shared/me/a/b").mkdir(parents=True)
        (tmp_path / "Shared/you/c").mkdir(parents=True)
        yield opened


@pytest.fixture
def own(share: Share) -> Path:
    return Path(share.folder) / "Shared/me"


@pytest.fixture
def inotify() -> Iterator[Inotify]:
    made = Inotify()
    yield made
    made.close()


def is_mine(path: SafePath) -> bool:
    return path.parts[0] == "me"


class Room:
    """Lets so many folders be watched at once, whatever the kernel would give."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        self.most, self.watched = most, set[int]()
        self._watch, self._unwatch = Inotify.watch, Inotify.unwatch
        room = self

        def watch(inotify: Inotify, folder: int, mask: int) -> int:
            number = room._watch(inotify, folder, mask)
            if number not in room.watched and len(room.watched) >= room.most:
                room._unwatch(inotify, number)
                raise OSError(errno.ENOSPC, "no more watches")
            room.watched.add(number)
            return number

        def unwatch(inotify: Inotify, number: int) -> None:
            room.watched.discard(number)
            room._unwatch(inotify, number)

        monkeypatch.setattr(Inotify, "watch", watch)
        monkeypatch.setattr(Inotify, "unwatch", unwatch)


@pytest.fixture
def folders(share: Share, inotify: Inotify) -> WatchedFolders:
    made = WatchedFolders(share, inotify, is_mine, is_mine)
    before = open_descriptors()
    made.rebuild()
    assert open_descriptors() == before
    return made


def told(folders: WatchedFolders, inotify: Inotify, *made: Path) -> list[str]:
    """Make files and return the folders whose watches tell of them."""
    inotify.read()
    for path in made:
        path.touch()
    known = [folders.get(notice.watch) for notice in inotify.read()]
    return sorted({str(folder.path) for folder in known if folder is not None})


def the(folders: WatchedFolders, inotify: Inotify, path: Path) -> WatchedFolder:
    """The watched folder at a path."""
    inotify.read()
    (path / "mark").touch()
    found = folders.get(inotify.read()[0].watch)
    assert found is not None
    return found


def test_everything_below_the_tops_is_watched_and_nothing_else(
    folders: WatchedFolders, inotify: Inotify, own: Path
) -> None:
    you = own.parent / "you"
    made = [own.parent / "1", own / "2", own / "a/3", own / "a/b/4", you / "5", you / "c/6"]
    assert told(folders, inotify, *made) == ["None", "me", "me/a", "me/a/b"]
    assert not folders.refused


def test_a_folder_that_came_later_grows_with_all_below_it(
    folders: WatchedFolders, inotify: Inotify, own: Path
) -> None:
    (own / "new/deep").mkdir(parents=True)
    assert told(folders, inotify, own / "new/1", own / "new/deep/2") == []
    folders.grow(the(folders, inotify, own), ME.child("new"))
    assert told(folders, inotify, own / "new/3", own / "new/deep/4") == ["me/new", "me/new/deep"]


def test_links_and_refused_names_are_not_watched(
    folders: WatchedFolders, inotify: Inotify, own: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (own / "link").symlink_to(tmp_path / "outside")
    (own / "two\nlines").mkdir()
    folders.rebuild()
    made = [tmp_path / "outside/1", own / "two\nlines/3"]
    assert told(folders, inotify, *made) == []


def test_what_is_forgotten_tells_nothing_and_all_below_it_neither(
    folders: WatchedFolders, inotify: Inotify, own: Path
) -> None:
    folders.forget(the(folders, inotify, own), "a")
    folders.forget(the(folders, inotify, own), "never there")
    assert told(folders, inotify, own / "a/1", own / "a/b/2", own / "3") == ["me"]


def test_a_moved_folder_keeps_its_watch_and_stands_for_its_new_path(
    folders: WatchedFolders, inotify: Inotify, own: Path
) -> None:
    outer = the(folders, inotify, own)
    (own / "a").rename(own / "z")
    folders.grow(outer, ME.child("z"))  # told first
    folders.forget(outer, "a")
    assert told(folders, inotify, own / "z/1", own / "z/b/2") == ["me/z", "me/z/b"]


def test_rebuilding_lets_go_of_what_is_not_followed_any_more(
    share: Share, inotify: Inotify, own: Path
) -> None:
    followed = {"me"}
    folders = WatchedFolders(share, inotify, lambda path: path.parts[0] in followed, is_mine)
    folders.rebuild()
    followed.clear()
    followed.add("you")
    folders.rebuild()
    assert told(folders, inotify, own / "1", own.parent / "you/2") == ["you"]


def test_a_watch_the_kernel_ended_is_nobodys(
    folders: WatchedFolders, inotify: Inotify, own: Path
) -> None:
    folder = the(folders, inotify, own / "a/b")
    folders.ended(folder)
    folders.ended(folder)
    assert folders.get(folder.watch) is None


@pytest.mark.parametrize(("number", "limited"), [(errno.ENOSPC, True), (errno.ENOENT, False)])
def test_only_want_of_room_is_a_limit(
    folders: WatchedFolders,
    inotify: Inotify,
    own: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    limited: bool,
) -> None:
    def refused(_self: Inotify, _folder: int, _mask: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Inotify, "watch", refused)
    folders.grow(None, ME)
    assert list(folders.refused) == ([ME] if limited else [])
    assert f"{int(limited)} refused" in repr(folders)


@pytest.mark.parametrize(("number", "limited"), [(errno.EMFILE, True), (errno.EACCES, False)])
def test_a_folder_for_which_there_is_no_descriptor_is_refused_until_there_is_one(
    folders: WatchedFolders,
    own: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    limited: bool,
) -> None:
    (own / "new/deep").mkdir(parents=True)
    new = ME.child("new")
    real = enter

    def none_left(above: int, name: str) -> int:
        if name in {"new", "deep"}:
            raise OSError(number, os.strerror(number))
        return real(above, name)

    def listed(_folder: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Share, "open_folder", lambda _self, _path: none_left(0, "new"))
        folders.grow(None, new)
        assert list(folders.refused) == ([new] if limited else [])
        assert folders.lacks_descriptors is limited
        assert not folders.has_room(), "nobody knows"
    for name, stand_in in (("enter", none_left), ("os.scandir", listed)):
        with monkeypatch.context() as patched:
            patched.setattr(f"{module.__name__}.{name}", stand_in)
            folders.rebuild()
            assert bool(folders.refused) is limited
    assert folders.has_room() is limited
    folders.rebuild()
    assert (dict(folders.refused), folders.lacks_descriptors) == ({}, False)


def test_what_was_refused_is_tried_again_and_forgotten_when_it_is_gone(
    folders: WatchedFolders, inotify: Inotify, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "z/deep").mkdir(parents=True)

    def refused(_self: Inotify, _folder: int, _mask: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    top = the(folders, inotify, own)
    with monkeypatch.context() as patch:
        patch.setattr(Inotify, "watch", refused)
        for name in ("z", "a"):
            folders.grow(top, ME.child(name))
        assert list(folders.refused) == [ME.child("z"), ME.child("a")], "the outermost"
        assert not folders.has_room()
        folders.forget(top, "z")
        assert list(folders.refused) == [ME.child("a")]
    assert folders.has_room()
    folders.rebuild()
    assert (folders.has_room(), dict(folders.refused)) == (False, {})
    assert told(folders, inotify, own / "z/deep/1") == ["me/z/deep"]


def test_a_refused_folder_that_went_away_is_a_reason_to_look_again(
    folders: WatchedFolders, own: Path
) -> None:
    folders.refused[ME.child("never there")] = None
    assert folders.has_room()
    folders.rebuild()
    assert not folders.refused


def test_other_peoples_folders_are_the_first_to_go_without(
    share: Share, inotify: Inotify, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(monkeypatch, most=5)
    folders = WatchedFolders(share, inotify, lambda _path: True, is_mine)
    folders.rebuild()  # Shared/, me, me/a, me/a/b, you; not you/c
    you = own.parent / "you"
    assert told(folders, inotify, you / "x", you / "c/x", own / "a/b/x") == ["me/a/b", "you"]
    assert list(map(str, folders.refused)) == ["you/c"]
    (own / "new").mkdir()
    folders.grow(None, ME.child("new"))
    assert told(folders, inotify, you / "y", own / "new/y") == ["me/new"]
    assert list(map(str, folders.refused)) == ["you/c", "you"]
    (own / "more").mkdir()
    folders.grow(None, ME.child("more"))
    assert list(map(str, folders.refused)) == ["you/c", "you", "me/more"]
    room.most = 20
    folders.rebuild()
    assert told(folders, inotify, you / "c/z", own / "more/z") == ["me/more", "you/c"]


def test_a_watch_that_was_ended_already_does_not_give_way_again(
    share: Share, inotify: Inotify, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(monkeypatch, most=6)
    folders = WatchedFolders(share, inotify, lambda _path: True, is_mine)
    folders.rebuild()
    watch = max(room.watched)  # you/c: the last
    folder = folders.get(watch)
    assert folder is not None
    folders.ended(folder)
    (own / "new").mkdir()
    folders.grow(None, ME.child("new"))
    assert told(folders, inotify, own / "new/y") == ["me/new"]


def test_the_child_of_a_folder_is_a_path_or_refused() -> None:
    assert child_of(None, "me") == ME
    assert child_of(ME, "a") == ME.child("a")
    refused: list[SafePath | None] = [child_of(None, "two\nlines"), child_of(ME, "..")]
    assert refused == [None, None]


@pytest.mark.parametrize("fails", ["Share.open_folder", "enter", "Inotify.watch", "os.scandir"])
def test_a_folder_whose_disk_failed_for_a_moment_is_watched_soon_after(
    folders: WatchedFolders,
    inotify: Inotify,
    own: Path,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    top = the(folders, inotify, own)
    (own / "new/deep").mkdir(parents=True)

    def stale(*_asked: object) -> int:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr(f"{module.__name__}.{fails}", stale)
        folders.grow(top, ME.child("new"))
        assert not folders.refused
        lacking = ME.child("new").child("deep") if fails == "enter" else ME.child("new")
        assert folders.failed.paths == [lacking]
    assert folders.failed.again(0.0, folders.grow) == [lacking]
    assert told(folders, inotify, own / "new/1", own / "new/deep/1") == ["me/new", "me/new/deep"]
    folders.failed.note(lacking, top)
    folders.forget(top, "new")
    assert not folders.failed.paths
    folders.failed.note(ME, None)
    folders.rebuild()
    assert not folders.failed.paths


def test_trying_again_and_again_keeps_nothing_twice(
    share: Share, inotify: Inotify, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a folder that opens, and cannot be listed to its end."""
    folders = WatchedFolders(share, inotify, lambda _path: True, is_mine)
    real = entries_in

    @contextmanager
    def ends_early(descriptor: int) -> Iterator[Iterator[os.DirEntry[str]]]:
        with real(descriptor) as entries:
            yield iter([*entries])
            raise OSError(errno.EIO, "Input/output error")

    folders.rebuild()
    top = the(folders, inotify, own.parent / "you")
    with monkeypatch.context() as patched:
        patched.setattr(module, "entries_in", ends_early)
        folders.failed.note(top.path, None)
        for turn in range(3):
            assert folders.failed.again(100.0 * turn, folders.grow) == []
        assert len(folders._foreign) == 2, "you and you/c"
    deep = parse_wire_path(b"you/c")
    folders.failed.note(deep, top)
    assert deep in folders.failed.again(1000.0, folders.grow)
    again = folders.get(top.watch)
    assert again is not None
    assert again is not top
    assert "c" in again.inner, "of the one that stands for it now"
