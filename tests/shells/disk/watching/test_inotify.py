"""The ctypes reader against the real kernel: masks, names, cookies, errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.shells.disk.watching import inotify
from potluck.shells.disk.watching.inotify import Inotify, Mask, Notice, available

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's own")

EVERYTHING = int(
    Mask.CLOSE_WRITE | Mask.MOVED_FROM | Mask.MOVED_TO | Mask.CREATE | Mask.DELETE | Mask.ONLYDIR
)


@pytest.fixture
def queue() -> Iterator[Inotify]:
    opened = Inotify()
    yield opened
    opened.close()


def watch(queue: Inotify, folder: Path, mask: int = EVERYTHING) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return queue.watch(descriptor, mask)
    finally:
        os.close(descriptor)


def test_linux_has_inotify() -> None:
    assert available()


def test_an_empty_queue_gives_nothing_and_does_not_block(queue: Inotify) -> None:
    assert queue.read() == []


def test_a_written_file_is_made_and_closed(queue: Inotify, tmp_path: Path) -> None:
    number = watch(queue, tmp_path)
    (tmp_path / "naïve name").write_bytes(b"x")
    name = "naïve name".encode()
    assert queue.read() == [
        Notice(number, Mask.CREATE, 0, name),
        Notice(number, Mask.CLOSE_WRITE, 0, name),
    ]


def test_both_halves_of_a_rename_carry_one_cookie(queue: Inotify, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    watch(queue, tmp_path)
    (tmp_path / "old").rename(tmp_path / "new")
    left, came = queue.read()
    assert left.mask == Mask.MOVED_FROM | Mask.ISDIR
    assert came.mask == Mask.MOVED_TO | Mask.ISDIR
    assert left.cookie == came.cookie != 0
    assert (left.name, came.name) == (b"old", b"new")


def test_a_folder_moved_while_watched_keeps_its_number(queue: Inotify, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    before = watch(queue, tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert watch(queue, tmp_path / "b") == before


def test_bytes_that_are_no_utf8_come_as_they_are(queue: Inotify, tmp_path: Path) -> None:
    number = watch(queue, tmp_path, int(Mask.CREATE))
    with open(os.fsencode(tmp_path) + b"/\xff\xfe", "wb"):
        pass
    assert queue.read() == [Notice(number, Mask.CREATE, 0, b"\xff\xfe")]


def test_a_lost_watch_is_told_and_ending_it_again_is_harmless(
    queue: Inotify, tmp_path: Path
) -> None:
    number = watch(queue, tmp_path)
    queue.unwatch(number)
    assert queue.read() == [Notice(number, Mask.IGNORED, 0, b"")]
    queue.unwatch(number)
    (tmp_path / "after").touch()
    assert queue.read() == []


def test_what_is_no_folder_is_refused(queue: Inotify, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with pytest.raises(NotADirectoryError):
            queue.watch(descriptor, EVERYTHING)
    finally:
        os.close(descriptor)


def test_more_events_than_one_read_holds_come_whole(
    queue: Inotify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inotify, "_READ_BYTES", 300)
    watch(queue, tmp_path, int(Mask.CREATE))
    names = [f"{number:03}-{'x' * (number % 40)}" for number in range(50)]
    for name in names:
        (tmp_path / name).touch()
    seen: list[Notice] = []
    while notices := queue.read():
        seen += notices
    assert [notice.name.decode() for notice in seen] == names


def test_a_read_says_whether_it_left_nothing_behind(
    queue: Inotify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(queue, tmp_path)
    monkeypatch.setattr(inotify, "_READ_BYTES", 2 * inotify._LONGEST_BYTES)
    for number in range(3):
        (tmp_path / f"{number:0255}").mkdir()
    assert len(queue.read()) == 2
    assert not queue.emptied
    assert len(queue.read()) == 1
    assert queue.emptied
    queue.read()
    assert queue.emptied
