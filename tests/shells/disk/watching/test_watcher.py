"""The watcher against the real kernel: what is done to files, and the hints that come of it.

Strategy: hints are collected as they are posted, and every wait has a deadline. That something is
*not* hinted is proved by doing a second thing after it and waiting for that: hints keep their
order.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from potluck.core import limits
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.engine.effects import Import
from potluck.engine.events import (
    OrderId,
    PathsTouched,
    RestlessSeen,
)
from potluck.shells.disk.fsops import Share, enter
from potluck.shells.disk.importing import import_paths
from potluck.shells.disk.mounts import MountTable
from potluck.shells.disk.watching import failed_folders, stillness, watched_folders
from potluck.shells.disk.watching import watcher as module
from potluck.shells.disk.watching.growing import FREE_CLOSES
from potluck.shells.disk.watching.inotify import Inotify
from potluck.shells.disk.watching.watcher import Watcher
from tests.shells.disk.watching.hints import DEADLINE_S, ME, Hints, Room

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's own")

MOUNTED = """
import queue, subprocess, sys
from pathlib import Path
from potluck.core.content.paths import parse_wire_path
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.watching.watcher import Watcher

class Inbox:
    hints = queue.SimpleQueue()
    def post(self, event):
        self.hints.put(event)

share = Share(sys.argv[1])
folder = Path(sys.argv[1], "Shared", "me", "d")
folder.mkdir(parents=True)
inbox = Inbox()
watcher = Watcher(share, (parse_wire_path(b"me"),), inbox)
watcher.start()
for words, name in ((["mount", "-t", "tmpfs", "none"], "on it"), (["umount"], "below")):
    subprocess.run([*words, folder], check=True)
    while not inbox.hints.get(timeout=30).overflow:
        pass
    print("overflow")
    (folder / name).write_bytes(b"x")
    while not (paths := getattr(inbox.hints.get(timeout=30), "paths", ())):
        pass
    print(*paths)
watcher.close()
"""
NEVER_S = 3600.0  # longer than any test: what is to happen then does not


@contextmanager
def watching(share: Share, hints: Hints, *, foreign: bool = False) -> Iterator[Watcher]:
    watcher = Watcher(share, (ME,), cast("Any", hints), foreign=foreign)
    watcher.start()
    try:
        yield watcher
    finally:
        hints.open.set()
        watcher.close()


def exchange(one: Path, other: Path) -> None:
    """Swap two names in one step: renameat2 with RENAME_EXCHANGE."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, exchanging = -100, 2
    done = libc.renameat2(here, os.fsencode(one), here, os.fsencode(other), exchanging)
    assert done == 0, os.strerror(ctypes.get_errno())


def marked(own: Path, hints: Hints, name: str = "mark") -> list[str]:
    """Do one thing more and wait until that is hinted; return what was hinted before it."""
    (own / name).write_bytes(b"mark")
    hints.wait_for(f"me/{name}")
    return [path for path in hints.paths if path != f"me/{name}"]


# -- files -----------------------------------------------------------------------------------------
def test_a_written_file_is_hinted(share: Share, own: Path, hints: Hints) -> None:
    with watching(share, hints):
        (own / "note.txt").write_bytes(b"hello")
        hints.wait_for("me/note.txt")
    assert hints.posted == [PathsTouched((ME.child("note.txt"),), overflow=False)]


def test_a_file_that_is_cut_or_made_by_name_is_hinted_before_all_is_said(
    share: Share, own: Path, hints: Hints
) -> None:
    (own / "note").write_bytes(b"hello")
    with watching(share, hints) as watcher:
        os.truncate(own / "note", 2)
        os.mknod(own / "made")
        watcher.drain(OrderId(7))
        hints.wait_until(lambda: bool(hints.drained))
        assert sorted(hints.paths) == ["me/made", "me/note"]


def test_a_file_in_a_folder_that_was_there_is_hinted(share: Share, own: Path, hints: Hints) -> None:
    (own / "a/b/c").mkdir(parents=True)
    with watching(share, hints):
        (own / "a/b/c/note").write_bytes(b"hello")
        hints.wait_for("me/a/b/c/note")
    assert hints.paths == ["me/a/b/c/note"]


def test_a_deleted_file_is_hinted(share: Share, own: Path, hints: Hints) -> None:
    (own / "note").touch()
    with watching(share, hints):
        (own / "note").unlink()
        hints.wait_for("me/note")


@pytest.mark.parametrize(
    "act", [lambda path: path.chmod(0o755), lambda path: os.utime(path, ns=(1, 2))]
)
def test_new_permissions_and_times_are_hinted(
    share: Share, own: Path, hints: Hints, act: Callable[[Path], None]
) -> None:
    (own / "note").touch()
    with watching(share, hints):
        act(own / "note")
        hints.wait_for("me/note")


def test_both_halves_of_a_rename_come_in_one_hint(share: Share, own: Path, hints: Hints) -> None:
    (own / "folder").mkdir()
    (own / "old").touch()
    with watching(share, hints):
        (own / "old").rename(own / "folder/new")
        hints.wait_for("me/folder/new")
    assert [str(path) for path in hints.posted[0].paths] == ["me/old", "me/folder/new"]


def test_a_hard_link_is_hinted_at_once(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "UNCLOSED_S", NEVER_S)  # it does not wait to be closed
    (own / "one").write_bytes(b"x")
    with watching(share, hints):
        os.link(own / "one", own / "two")
        hints.wait_for("me/two")


def test_links_and_pipes_are_hinted_so_that_a_look_can_refuse_them(
    share: Share, own: Path, hints: Hints
) -> None:
    with watching(share, hints):
        (own / "link").symlink_to("nowhere")
        os.mkfifo(own / "pipe")
        hints.wait_for("me/link", "me/pipe")


def test_a_file_moved_in_or_out_is_hinted(
    share: Share, own: Path, tmp_path: Path, hints: Hints
) -> None:
    (tmp_path / "outside").touch()
    with watching(share, hints):
        (tmp_path / "outside").rename(own / "inside")
        hints.wait_for("me/inside")
        hints.clear()
        (own / "inside").rename(tmp_path / "outside")
        hints.wait_for("me/inside")


# -- files that stay open --------------------------------------------------------------------------
def test_a_file_being_written_is_not_hinted(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "UNCLOSED_S", NEVER_S)
    with watching(share, hints), (own / "log").open("wb", buffering=0) as log:
        log.write(b"one line")
        os.fchmod(log.fileno(), 0o600)  # as `cp -p` does: no reason to hint before it is closed
        assert marked(own, hints) == []


def test_a_file_that_stays_open_is_hinted_a_while_after_each_write(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "UNCLOSED_S", 0.1)
    with watching(share, hints), (own / "log").open("wb", buffering=0) as log:
        first = time.monotonic()
        log.write(b"one line")
        hints.wait_for("me/log")
        assert time.monotonic() - first >= stillness.UNCLOSED_S
        hints.clear()
        log.write(b"another line")
        hints.wait_for("me/log")


def test_a_file_that_grows_with_each_close_is_held_until_a_drain_asks_for_it(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("potluck.shells.disk.watching.growing.APPEND_QUIET_S", NEVER_S)
    monkeypatch.setattr("potluck.shells.disk.watching.growing.HELD_S", NEVER_S)

    def append() -> None:
        with (own / "log").open("ab") as log:
            log.write(b"one line")

    with watching(share, hints) as watcher:
        for _ in range(FREE_CLOSES):
            append()
            hints.wait_for("me/log")
            hints.clear()
        append()
        (own / "log").chmod(0o600)  # it says the same once more
        assert marked(own, hints) == []
        hints.wait_until(lambda: bool(hints.restless and hints.restless[-1].writing))
        watcher.drain(OrderId(1))
        hints.wait_until(lambda: hints.drained == [(1, True)])
        assert "me/log" in hints.paths
        hints.wait_until(lambda: not hints.restless[-1].writing)


def test_a_log_that_is_written_without_pause_is_hinted_and_a_large_file_told(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "UNCLOSED_S", 0.1)
    with watching(share, hints):
        with (own / "log").open("wb", buffering=0) as log, (own / "film").open("wb") as film:
            log.write(b"one line")
            film.truncate(limits.GIB)
            log.write(b"another")
            hints.wait_for("me/log")
            while not hints.restless:  # else it would be taken for one that rests
                film.truncate(limits.GIB)
                time.sleep(0.01)
            assert hints.restless[0] == RestlessSeen((ME.child("film"),))
        hints.wait_for("me/film")
        hints.wait_until(lambda: hints.restless[-1] == RestlessSeen(()))


def test_closing_is_hinted_at_once_and_only_once(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stillness, "UNCLOSED_S", NEVER_S)
    with watching(share, hints):
        with (own / "log").open("wb", buffering=0) as log:
            log.write(b"one line")
            assert marked(own, hints) == []
        hints.wait_for("me/log")
        assert marked(own, hints, "later") == ["me/mark", "me/log"]


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_what_was_brought_in_is_complete_however_late_we_look_at_it(
    share: Share,
    own: Path,
    hints: Hints,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    """Once a busy machine called it “still being written” for half a minute."""
    monkeypatch.setattr(stillness, "UNCLOSED_S", NEVER_S)
    source = tmp_path / "film"
    source.write_bytes(b"x")
    with watching(share, hints):
        hints.open.clear()
        (own / "first").write_bytes(b"x")
        hints.wait_for("me/first")  # in whose post the watcher is held now
        import_paths(share, Import(OrderId(1), (str(source),), mode, ME))
        hints.open.set()
        hints.wait_for("me/film")
        assert not any(seen.writing for seen in hints.restless)


def test_more_open_files_than_can_be_kept_in_mind_are_hinted_at_once(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("potluck.shells.disk.watching.stillness.UNCLOSED_MOST", 0)
    with watching(share, hints), (own / "log").open("wb", buffering=0) as log:
        log.write(b"one line")
        hints.wait_for("me/log")


# -- folders ---------------------------------------------------------------------------------------
def test_a_new_folder_is_hinted_and_watched(share: Share, own: Path, hints: Hints) -> None:
    with watching(share, hints):
        (own / "new").mkdir()
        hints.wait_for("me/new")
        (own / "new/file").write_bytes(b"x")
        hints.wait_for("me/new/file")


def test_what_is_made_faster_than_it_can_be_watched_is_below_a_hinted_folder(
    share: Share, own: Path, hints: Hints
) -> None:
    with watching(share, hints):
        (own / "a/b/c/d").mkdir(parents=True)
        (own / "a/b/c/d/file").write_bytes(b"x")
        hints.wait_until(lambda: any("me/a/b/c/d/file".startswith(path) for path in hints.paths))
        hints.clear()
        (own / "a/b/c/d/later").write_bytes(b"x")
        hints.wait_for("me/a/b/c/d/later")


def test_a_folder_moved_in_is_hinted_and_watched_with_all_below(
    share: Share, own: Path, tmp_path: Path, hints: Hints
) -> None:
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "outside/deep/file").touch()
    with watching(share, hints):
        (tmp_path / "outside").rename(own / "inside")
        hints.wait_for("me/inside")
        (own / "inside/deep/file").write_bytes(b"x")
        hints.wait_for("me/inside/deep/file")


def test_a_renamed_folder_is_hinted_by_its_new_name_only(
    share: Share, own: Path, hints: Hints
) -> None:
    (own / "old/deep").mkdir(parents=True)
    with watching(share, hints):
        (own / "old").rename(own / "new")
        hints.wait_for("me/old", "me/new")
        hints.clear()
        (own / "new/deep/file").write_bytes(b"x")
        hints.wait_for("me/new/deep/file")
    assert hints.paths == ["me/new/deep/file"]


@pytest.mark.parametrize("times", [1, 2])
def test_exchanged_folders_are_watched_under_the_names_they_have_now(
    share: Share, own: Path, hints: Hints, times: int
) -> None:
    for name in ("one/in-one", "other/in-other"):
        (own / name).mkdir(parents=True)
    with watching(share, hints):
        for _ in range(times):
            exchange(own / "one", own / "other")
        hints.wait_for("me/one", "me/other")
        marked(own, hints)
        hints.clear()
        for folder in own.glob("o*/in-*"):
            (folder / "file").write_bytes(b"x")
        written = [f"me/{path.relative_to(own)}" for path in own.glob("o*/in-*/file")]
        hints.wait_for(*written)
        assert sorted(hints.paths) == sorted(written)


def test_a_folder_moved_out_is_not_watched_any_more(
    share: Share, own: Path, tmp_path: Path, hints: Hints
) -> None:
    (own / "leaving/deep").mkdir(parents=True)
    with watching(share, hints):
        (own / "leaving").rename(tmp_path / "left")
        hints.wait_for("me/leaving")
        hints.clear()
        (tmp_path / "left/deep/file").write_bytes(b"x")
        (tmp_path / "left/file").write_bytes(b"x")
        assert marked(own, hints) == []


def test_a_deleted_tree_is_hinted_and_its_name_can_be_used_again(
    share: Share, own: Path, hints: Hints
) -> None:
    (own / "tree/deep").mkdir(parents=True)
    (own / "tree/deep/file").touch()
    with watching(share, hints):
        (own / "tree/deep/file").unlink()
        (own / "tree/deep").rmdir()
        (own / "tree").rmdir()
        hints.wait_for("me/tree/deep/file", "me/tree/deep", "me/tree")
        (own / "tree").mkdir()
        hints.clear()
        (own / "tree/file").write_bytes(b"x")
        hints.wait_until(lambda: bool({"me/tree", "me/tree/file"} & set(hints.paths)))


def test_a_folder_gone_before_it_could_be_watched_is_hinted(
    share: Share, own: Path, hints: Hints
) -> None:
    with watching(share, hints):
        hints.open.clear()
        marked(own, hints, "hold")
        (own / "short/lived").mkdir(parents=True)
        (own / "short/lived").rmdir()
        (own / "short").rmdir()
        (own / "link").mkdir()
        (own / "link").rmdir()
        (own / "link").symlink_to("nowhere")
        hints.open.set()
        hints.wait_for("me/short", "me/link")


def test_a_folder_that_cannot_be_listed_is_watched_itself(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir
    (own / "sick").mkdir()
    sick = (own / "sick").stat().st_ino

    def failing(folder: int) -> object:
        if os.fstat(folder).st_ino == sick:
            raise OSError(errno.EIO, "Input/output error")
        return real(folder)

    monkeypatch.setattr(os, "scandir", failing)
    with watching(share, hints):
        (own / "sick/file").write_bytes(b"x")
        hints.wait_for("me/sick/file")


def test_new_times_of_a_folder_are_no_reason_to_look_at_all_below(
    share: Share, own: Path, hints: Hints
) -> None:
    (own / "folder").mkdir()
    with watching(share, hints):
        os.utime(own / "folder", ns=(1, 2))
        (own / "folder").chmod(0o700)
        assert marked(own, hints) == []


def test_a_folder_made_readable_is_hinted_and_watched(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "closed").mkdir()

    def denied(folder: int, name: str) -> int:
        if name == "closed":
            raise PermissionError(13, "Permission denied")
        return enter(folder, name)

    with monkeypatch.context() as patch:
        patch.setattr(watched_folders, "enter", denied)
        watcher = Watcher(share, (ME,), cast("Any", hints))
        watcher.start()
    try:
        (own / "closed").chmod(0o755)
        hints.wait_for("me/closed")
        (own / "closed/file").write_bytes(b"x")
        hints.wait_for("me/closed/file")
    finally:
        watcher.close()


@pytest.mark.parametrize("what", ["list", "search"])
def test_a_folder_that_is_shut_is_hinted_and_again_when_it_is_open(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    (own / "closing").mkdir()
    open_folder, stat = share.open_folder, os.stat
    closing = (own / "closing").stat().st_ino

    def unlisted(path: SafePath | None) -> int:
        if path is not None and path.name == "closing":
            raise PermissionError(13, "Permission denied")
        return open_folder(path)

    def unsearched(name: str, **options: Any) -> os.stat_result:
        found = stat(name, **options)
        if name == "." and found.st_ino == closing:
            raise PermissionError(13, "Permission denied")
        return found

    with watching(share, hints):
        with monkeypatch.context() as patch:
            if what == "list":
                patch.setattr(share, "open_folder", unlisted)
            else:
                patch.setattr(os, "stat", unsearched)
            (own / "closing").chmod(0)
            hints.wait_for("me/closing")
        hints.clear()
        (own / "closing").chmod(0o755)
        hints.wait_for("me/closing")
        hints.clear()
        (own / "closing").chmod(0o700)
        assert marked(own, hints) == []


# -- which folders ---------------------------------------------------------------------------------
def test_foreign_folders_are_left_alone(share: Share, own: Path, hints: Hints) -> None:
    (own.parent / "you").mkdir()
    with watching(share, hints):
        (own.parent / "you/file").write_bytes(b"x")
        (own.parent / "you/new").mkdir()
        (own.parent / "other").mkdir()
        (own.parent / "stray").touch()
        assert marked(own, hints) == []


def test_foreign_folders_are_watched_if_asked(share: Share, own: Path, hints: Hints) -> None:
    (own.parent / "you").mkdir()
    with watching(share, hints, foreign=True):
        (own.parent / "you/file").write_bytes(b"x")
        (own / "file").write_bytes(b"x")
        hints.wait_for("you/file", "me/file")


def test_an_own_folder_that_comes_later_is_watched(share: Share, own: Path, hints: Hints) -> None:
    own.rmdir()
    with watching(share, hints):
        own.mkdir()
        hints.wait_for("me")
        (own / "file").write_bytes(b"x")
        hints.wait_for("me/file")


def test_another_own_folder_can_be_followed(share: Share, own: Path, hints: Hints) -> None:
    with watching(share, hints) as watcher:
        own.rename(own.parent / "me-2")
        (own.parent / "me-2/deep").mkdir()
        hints.wait_for("me")
        watcher.follow((parse_wire_path(b"me-2"),))
        hints.wait_until(lambda: hints.overflowed == 1)
        hints.clear()
        (own.parent / "me-2/deep/file").write_bytes(b"x")
        hints.wait_for("me-2/deep/file")
        own.mkdir()
        (own.parent / "me-2/last").write_bytes(b"x")
        hints.wait_for("me-2/last")
    assert hints.paths == ["me-2/deep/file", "me-2/last"]
    watcher.follow((ME,))  # after close: nothing


def test_a_top_that_is_not_followed_any_more_is_let_go(
    share: Share, own: Path, hints: Hints
) -> None:
    (own.parent / "you").mkdir()
    with watching(share, hints) as watcher:
        watcher.follow((parse_wire_path(b"you"),))
        hints.wait_until(lambda: hints.overflowed == 1)
        (own / "file").write_bytes(b"x")
        (own.parent / "you/file").write_bytes(b"x")
        hints.wait_for("you/file")
    assert hints.paths == ["you/file"]


def test_editor_files_are_not_hinted(share: Share, own: Path, hints: Hints) -> None:
    with watching(share, hints):
        (own / ".letter.swp").write_bytes(b"x")
        (own / ".~lock.letter.odt#").write_bytes(b"x")
        assert marked(own, hints) == []


def test_folders_with_the_names_of_editors_files_are_hinted_and_watched(
    share: Share, own: Path, hints: Hints
) -> None:
    (own / "old~").mkdir()
    with watching(share, hints):
        (own / "old~/file").write_bytes(b"x")
        (own / "my.swp").mkdir()
        hints.wait_for("me/old~/file", "me/my.swp")
        (own / "my.swp/song").write_bytes(b"x")
        hints.wait_for("me/my.swp/song")


def test_an_unsafe_name_touches_its_folder(share: Share, own: Path, hints: Hints) -> None:
    (own / "folder").mkdir()
    with watching(share, hints):
        (own / "folder/two\nlines").write_bytes(b"x")
        (own / "folder/evil\x1b").mkdir()
        (own.parent / "bad\nlabel").mkdir()
        assert set(marked(own, hints)) == {"me/folder"}


def test_a_link_to_a_folder_is_not_followed(
    share: Share, own: Path, tmp_path: Path, hints: Hints
) -> None:
    (tmp_path / "outside").mkdir()
    (own / "link").symlink_to(tmp_path / "outside")
    with watching(share, hints):
        (tmp_path / "outside/file").write_bytes(b"x")
        assert marked(own, hints) == []


# -- load and loss ---------------------------------------------------------------------------------
def test_many_changes_are_gathered(share: Share, own: Path, hints: Hints) -> None:
    names = [f"{number}" for number in range(2000)]
    with watching(share, hints):
        hints.open.clear()
        marked(own, hints, "hold")  # from here on nobody reads
        for name in names:
            (own / name).write_bytes(b"x")
        hints.open.set()
        hints.wait_for(*(f"me/{name}" for name in names))
    assert hints.overflowed == 0
    assert len(hints.posted) < 20


def test_an_overflow_of_the_queue_is_told_and_nothing_is_deaf_afterwards(
    share: Share, own: Path, hints: Hints
) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for name in "ab":
        (own / name).touch()
    with watching(share, hints):
        hints.open.clear()
        marked(own, hints, "hold")  # from here on nobody reads
        for number in range(limit + 1000):  # the kernel joins only equal events
            os.utime(own / "ab"[number % 2])
        (own / "late/deep").mkdir(parents=True)
        hints.open.set()
        hints.wait_until(lambda: hints.overflowed == 1)
        (own / "late/deep/file").write_bytes(b"x")  # that folder's own event was lost
        hints.wait_for("me/late/deep/file")
        assert hints.overflowed == 1


def test_folders_without_a_watch_are_named_with_the_setting_until_there_is_room(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (own / f"{number}" / "deep").mkdir(parents=True)
    room = Room(monkeypatch, 12)
    monkeypatch.setattr(module, "WATCH_AGAIN_S", 0.05)
    with watching(share, hints) as watcher:
        assert watcher.limited
        hints.wait_until(lambda: len(hints.unwatched) >= 14)
        setting, value = hints.refused[-1].setting, hints.refused[-1].value
        assert setting.endswith("watches")
        assert value > 0
        (own / "new").mkdir()
        hints.wait_for("me/new")
        hints.wait_until(lambda: "me/new" in hints.unwatched)
        room.count = 1000
        hints.wait_until(lambda: not hints.unwatched)
        assert hints.overflowed >= 1, "what happened meanwhile is found by a scan"
        hints.clear()
        (own / "19/deep/file").write_bytes(b"x")
        (own / "new/file").write_bytes(b"x")
        hints.wait_for("me/19/deep/file", "me/new/file")


def test_of_too_many_folders_without_a_watch_the_top_is_named(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFUSED_MOST", 3)
    for number in range(5):
        (own / f"{number}").mkdir()
    Room(monkeypatch, 2)
    with watching(share, hints):
        hints.wait_until(lambda: hints.unwatched == ["me"])


def test_without_any_watch_the_top_is_named(
    share: Share, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    Room(monkeypatch, 0)
    with watching(share, hints):
        hints.wait_until(lambda: hints.unwatched == ["me"])


def test_folders_of_others_without_a_watch_are_no_limit_of_the_own_one(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (own.parent / f"you/{number}").mkdir(parents=True)
    real = Inotify.watch
    granted: set[int] = set()

    def limited(self: Inotify, folder: int, mask: int) -> int:
        watch = real(self, folder, mask)
        if len(granted | {watch}) > 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        granted.add(watch)
        return watch

    monkeypatch.setattr(Inotify, "watch", limited)
    with watching(share, hints, foreign=True) as watcher:
        hints.wait_until(lambda: bool(hints.unwatched))
        assert all(path.startswith("you/") for path in hints.unwatched)
        (own / "file").write_bytes(b"x")
        hints.wait_for("me/file")
        watcher.drain(OrderId(7))
        hints.wait_until(lambda: hints.drained == [(7, True)])


def test_a_tree_of_any_size_without_a_limit_is_not_limited(share: Share, hints: Hints) -> None:
    with watching(share, hints) as watcher:
        assert not watcher.limited


def test_a_share_that_is_taken_away_is_an_overflow(
    share: Share, own: Path, tmp_path: Path, hints: Hints
) -> None:
    with watching(share, hints):
        own.parent.rename(tmp_path / "Moved away")
        hints.wait_until(lambda: hints.overflowed >= 1)


# -- starting and stopping -------------------------------------------------------------------------
def test_close_ends_the_thread_and_gives_everything_back(
    share: Share, own: Path, hints: Hints
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    watcher = Watcher(share, (ME,), cast("Any", hints))
    watcher.start()
    assert any(thread.name == "watcher" for thread in threading.enumerate())
    watcher.close()
    watcher.close()
    assert not any(thread.name == "watcher" for thread in threading.enumerate())
    assert len(os.listdir("/proc/self/fd")) == before


def test_close_before_start_gives_everything_back(share: Share, hints: Hints) -> None:
    before = len(os.listdir("/proc/self/fd"))
    Watcher(share, (ME,), cast("Any", hints)).close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_close_does_not_wait_for_a_writer_to_pause(share: Share, own: Path, hints: Hints) -> None:
    done = threading.Event()

    def write() -> None:
        with (own / "log").open("wb", buffering=0) as log:
            while not done.is_set():
                log.write(b"x")
                log.seek(0)

    with watching(share, hints):
        writer = threading.Thread(target=write)
        writer.start()
        marked(own, hints)
        began = time.monotonic()
    assert time.monotonic() - began < DEADLINE_S / 2
    done.set()
    writer.join()


def test_idle_costs_nothing(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []
    real = select.poll

    class Poll:
        def __init__(self) -> None:
            self._poll = real()
            self.register = self._poll.register

        def poll(self, wait_ms: float | None = None) -> list[tuple[int, int]]:
            waits.append(wait_ms)
            return self._poll.poll(wait_ms)

    monkeypatch.setattr(select, "poll", Poll)
    with watching(share, hints):
        marked(own, hints)
        # Asleep without a time-out: nothing but an event ends that.
        deadline = time.monotonic() + DEADLINE_S
        while waits[-1] is not None:
            assert time.monotonic() < deadline


# -- a disk that fails for a moment ----------------------------------------------------------------
@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> set[SafePath | None]:
    """The folders that fail when they are opened; they are tried again soon."""
    failing, real = set[SafePath | None](), Share.open_folder
    monkeypatch.setattr(failed_folders, "FAILED_AGAIN_S", 0.05)

    def open_folder(share: Share, path: SafePath | None) -> int:
        if path in failing:
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(share, path)

    monkeypatch.setattr(Share, "open_folder", open_folder)
    return failing


def test_a_folder_that_came_while_the_disk_failed_is_watched_all_the_same(
    share: Share, own: Path, hints: Hints, stale: set[SafePath | None]
) -> None:
    """Whoever looks at it may come when all is well again, and then no more."""
    with watching(share, hints) as watcher:
        stale.add(ME.child("new"))
        (own / "new").mkdir()
        hints.wait_for("me/new")
        hints.clear()
        watcher.drain(OrderId(1))
        hints.wait_until(lambda: hints.drained == [(1, False)])
        assert hints.paths == []
        stale.clear()
        hints.wait_for("me/new")
        (own / "new/late").write_bytes(b"late")
        hints.wait_for("me/new/late")
        watcher.drain(OrderId(2))
        hints.wait_until(lambda: hints.drained[1:] == [(2, True)])


def test_everything_is_looked_at_once_the_whole_disk_answers_again(
    share: Share, own: Path, hints: Hints, stale: set[SafePath | None]
) -> None:
    with watching(share, hints) as watcher:
        stale.add(None)
        watcher.follow((ME,))
        hints.wait_until(lambda: hints.overflowed == 1)
        (own / "unseen").write_bytes(b"unseen")
        stale.clear()
        hints.wait_until(lambda: hints.overflowed == 2)
        (own / "seen").write_bytes(b"seen")
        hints.wait_for("me/seen")


# -- draining --------------------------------------------------------------------------------------
def test_what_happened_before_a_drain_is_told_before_it_ends(
    share: Share, own: Path, hints: Hints
) -> None:
    with watching(share, hints) as watcher:
        for number in range(50):
            (own / f"f{number}").write_bytes(b"x")
            watcher.drain(OrderId(number))
            hints.wait_until(lambda: len(hints.drained) > number)  # noqa: B023 - at once
            assert f"me/f{number}" in hints.paths
        assert all(sees_all for _, sees_all in hints.drained)


def test_a_drain_waits_for_all_that_is_still_to_be_read(
    share: Share, own: Path, hints: Hints
) -> None:
    with watching(share, hints) as watcher:
        for number in range(3000):
            (own / f"f{number}").write_bytes(b"")
        watcher.drain(OrderId(1))
        watcher.drain(OrderId(2))
        hints.wait_until(lambda: len(hints.drained) == 2)
        assert len({path for path in hints.paths if "/f" in path}) == 3000


def test_a_file_that_is_written_all_the_time_does_not_hold_a_drain_up(
    share: Share, own: Path, hints: Hints
) -> None:
    stopping = threading.Event()

    def write() -> None:
        with (own / "log").open("ab", buffering=0) as log:
            while not stopping.wait(limits.TOUCH_IDLE_S / 5):
                log.write(b"x")

    writer = threading.Thread(target=write)
    with watching(share, hints) as watcher:
        writer.start()
        try:
            (own / "note").write_bytes(b"x")
            watcher.drain(OrderId(1))
            hints.wait_until(lambda: hints.drained == [(1, True)])
        finally:
            stopping.set()
            writer.join()
        assert "me/note" in hints.paths


def test_where_folders_have_no_watch_a_drain_is_no_proof(
    share: Share, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    Room(monkeypatch, 0)
    with watching(share, hints) as watcher:
        watcher.drain(OrderId(1))
        hints.wait_until(lambda: hints.drained == [(1, False)])
        watcher.close()
        watcher.drain(OrderId(2))  # nobody is left to hear of it


def test_a_file_that_is_written_for_long_is_told_until_it_is_closed(
    share: Share, own: Path, hints: Hints
) -> None:
    with watching(share, hints):
        with (own / "film").open("wb") as file:
            file.write(b"x")
            file.flush()
            deadline = time.monotonic() + DEADLINE_S
            while not (hints.restless and hints.restless[-1].writing):
                assert time.monotonic() < deadline
                file.write(b"x")
                file.flush()
        hints.wait_until(lambda: not hints.restless[-1].writing)
        hints.wait_for("me/film")


# -- mounts ----------------------------------------------------------------------------------------
def test_when_something_is_mounted_below_shared_everything_is_looked_at_and_watched_anew(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    stirs, stir = os.pipe()  # readable: the list changed
    mounts = iter([False, False, True])
    monkeypatch.setattr(MountTable, "descriptor", property(lambda _: stirs))
    monkeypatch.setattr(MountTable, "look", lambda _: os.read(stirs, 1) and next(mounts))
    monkeypatch.setattr(select, "POLLPRI", select.POLLIN)
    os.write(stir, b"!")  # for the look at the start
    with watching(share, hints):
        os.write(stir, b"!")
        assert marked(own, hints, "one") == []
        assert hints.overflowed == 0, "something was mounted elsewhere"
        os.write(stir, b"!")
        hints.wait_until(lambda: hints.overflowed == 1)
    for descriptor in (stirs, stir):
        os.close(descriptor)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_is_done_on_a_disk_that_was_mounted_is_hinted(tmp_path: Path) -> None:
    words = ["unshare", "--mount", sys.executable, "-c", MOUNTED, str(tmp_path / "it")]
    source = str(Path(module.__file__).parents[4])
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (0, "overflow\nme/d/on it\noverflow\nme/d/below\n"), (
        done.stderr
    )
