"""Landlock: a confined thread writes in its folders and nowhere else; the oracle is the disk.

Strategy: nobody can take a confinement off again, so each test confines a thread of its own, which
hands on what it came to. Each act is tried by an unconfined thread first: it does what it is to be
kept from.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from potluck.shells.state import landlock
from potluck.shells.state.landlock import CUTTING_OFF, Confinement, confine_writes

T = TypeVar("T")


def on_a_thread(work: Callable[[], T]) -> T:
    """What work on a thread of its own returns, or raises."""
    came: list[T | BaseException] = []

    def run() -> None:
        try:
            came.append(work())
        except BaseException as error:  # noqa: BLE001 # house: whatever it is, the test is told
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    (result,) = came
    if isinstance(result, BaseException):
        raise result
    return result


def why_not() -> str:
    """Why writes cannot be confined here, "" if they can."""
    return on_a_thread(lambda: confine_writes([]).reason)


needs_landlock = pytest.mark.skipif(bool(why_not()), reason=f"no Landlock: {why_not()}")


def confined(work: Callable[[], T], *folders: Path) -> T:
    """What work on a thread that may write in these folders only returns, or raises."""

    def run() -> T:
        assert confine_writes(map(str, folders)).on
        return work()

    return on_a_thread(run)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return filled(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    return filled(tmp_path / "theirs")


def filled(folder: Path) -> Path:
    """A folder with a file, an empty folder and a full one."""
    (folder / "full").mkdir(parents=True)
    (folder / "empty").mkdir()
    for name in ("file", "full/file"):
        (folder / name).write_bytes(b"as it was")
    return folder


def outline(top: Path) -> dict[str, bytes]:
    """Everything below a folder."""
    return {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else b""
        for path in top.rglob("*")
    }


ACTS: dict[str, Callable[[Path, Path], object]] = {
    "make": lambda there, _: (there / "new").write_bytes(b"new"),
    "change": lambda there, _: (there / "file").open("r+b").close(),
    "truncate": lambda there, _: os.truncate(there / "file", 0),
    "remove": lambda there, _: (there / "file").unlink(),
    "remove folder": lambda there, _: (there / "empty").rmdir(),
    "make folder": lambda there, _: (there / "folder").mkdir(),
    "make link": lambda there, _: (there / "link").symlink_to("/"),
    "make pipe": lambda there, _: os.mkfifo(there / "pipe"),
    "rename": lambda there, _: (there / "file").rename(there / "other"),
    "move out": lambda there, here: (here / "file").rename(there / "came"),
    "move folder out": lambda there, here: (here / "full").rename(there / "came"),
    "move in": lambda there, here: (there / "file").rename(here / "came"),
    "link out": lambda there, here: os.link(here / "file", there / "came"),
    "climb": lambda _, here: (here / "full/../../theirs/new").write_bytes(b"new"),
}


@needs_landlock
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nothing_is_written_elsewhere(ours: Path, theirs: Path, act: Callable[..., object]) -> None:
    before = outline(theirs), outline(ours)
    with pytest.raises(OSError) as refused:
        confined(lambda: act(theirs, ours), ours)
    assert refused.value.errno in {errno.EACCES, errno.EXDEV}
    assert (outline(theirs), outline(ours)) == before
    on_a_thread(lambda: act(theirs, ours))


@needs_landlock
def test_in_its_folders_everything_goes(ours: Path, theirs: Path) -> None:
    def work() -> None:
        for name in ("make", "truncate", "make folder", "make link", "make pipe", "rename"):
            ACTS[name](ours, ours)
        os.rename(ours / "new", ours / "folder" / "new")
        os.link(ours / "folder" / "new", theirs / "linked")
        (ours / "full").rename(theirs / "moved")
        (theirs / "empty").rmdir()
        (theirs / "file").unlink()

    confined(work, ours, theirs)
    assert (ours / "folder" / "new").read_bytes() == b"new"
    assert outline(theirs)["linked"] == b"new"
    assert outline(theirs)["moved/file"] == b"as it was"
    assert not {"empty", "file"} & outline(theirs).keys()


@needs_landlock
def test_no_device_is_made_even_there(ours: Path) -> None:
    def work() -> None:
        os.mknod(ours / "device", 0o20600, os.makedev(1, 3))

    with pytest.raises(PermissionError):
        confined(work, ours)


@needs_landlock
def test_reading_is_as_free_as_before(ours: Path, theirs: Path) -> None:
    assert confined(lambda: outline(theirs), ours) == outline(theirs)


@needs_landlock
def test_threads_and_programs_that_are_started_later_are_confined_too(
    ours: Path, theirs: Path
) -> None:
    words = [sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", str(theirs / "new")]
    assert confined(lambda: subprocess.run(words, capture_output=True, check=False), ours).stderr
    with pytest.raises(PermissionError):
        confined(lambda: on_a_thread((theirs / "new").touch), ours)
    assert not (theirs / "new").exists()
    subprocess.run(words, check=True)
    assert (theirs / "new").exists()


@needs_landlock
def test_a_thread_that_ran_before_is_not(ours: Path, theirs: Path) -> None:
    began, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        go_on.wait()
        (theirs / "new").touch()

    thread = threading.Thread(target=wait)

    def work() -> None:
        go_on.set()
        thread.join()

    thread.start()
    began.wait()
    confined(work, ours)
    assert (theirs / "new").exists()


@needs_landlock
def test_a_folder_that_comes_back_is_known_again_and_another_one_is_not(
    ours: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"

    def work() -> None:
        on_a_thread(lambda: None)
        go_away.set()
        gone.wait()
        with pytest.raises(PermissionError):
            (ours / "new").touch()
        come_back.set()
        is_back.wait()
        (ours / "new").touch()

    go_away, gone, come_back, is_back = (threading.Event() for _ in range(4))

    def move() -> None:
        go_away.wait()
        ours.rename(away)
        ours.mkdir()
        gone.set()
        come_back.wait()
        ours.rmdir()
        away.rename(ours)
        is_back.set()

    mover = threading.Thread(target=move)
    mover.start()
    confined(work, ours)
    mover.join()
    assert (ours / "new").exists()


def test_where_it_cannot_be_done_it_is_said_and_nothing_changes(
    ours: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> list[str]:
        reasons = list[str]()
        for name, value in (("_CREATE_RULESET", 1 << 20), ("_VERSION_MIN", 99)):
            with monkeypatch.context() as patch:
                patch.setattr(landlock, name, value)
                reasons.append(confine_writes([str(ours)]).reason)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", "darwin")
            reasons.append(confine_writes([str(ours)]).reason)
        if not why_not():
            reasons.append(confine_writes([str(ours), str(ours / "none")]).reason)
        (theirs / "new").touch()
        return reasons

    reasons = on_a_thread(work)
    assert "no Landlock" in reasons[0]
    assert "no Landlock" in reasons[1] or "not switched on" in reasons[1]
    assert reasons[2] == "only Linux can do that"
    assert all("No such file" in reason for reason in reasons[3:])
    assert (theirs / "new").exists()


def test_errors_are_words_for_people() -> None:
    assert "switched on" in str(landlock._Failed(errno.EOPNOTSUPP))
    assert str(landlock._Failed(errno.EIO)) == os.strerror(errno.EIO)


@needs_landlock
def test_what_keeps_nothing_may_be_written_and_a_file_in_its_place_may_not(
    ours: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        os.close(os.open(os.devnull, os.O_WRONLY | os.O_TRUNC))
        subprocess.run(["/bin/sh", "-c", "echo x > /dev/null"], check=True)

    confined(work, ours)
    for other in (theirs / "file", theirs / "none"):
        monkeypatch.setattr(os, "devnull", str(other))
        with pytest.raises(PermissionError):
            confined(lambda path=other: path.open("a").close(), ours)  # type: ignore[misc]


def with_version(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Landlock be of that version."""
    real = landlock._call

    def call(number: int, *arguments: int | bytes | None) -> int:
        if number == landlock._CREATE_RULESET and arguments[0] is None:
            return version
        return real(number, *arguments)

    monkeypatch.setattr(landlock, "_call", call)


@needs_landlock
def test_what_an_early_landlock_leaves_free_is_said(
    ours: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_version(2, monkeypatch)

    def work() -> Confinement:
        came = confine_writes([str(ours)])
        os.truncate(theirs / "file", 0)
        with pytest.raises(PermissionError):
            (theirs / "new").touch()
        os.close(os.open(os.devnull, os.O_WRONLY))
        return came

    assert on_a_thread(work) == Confinement(on=True, reason=CUTTING_OFF)
    assert (theirs / "file").read_bytes() == b""


@needs_landlock
def test_who_was_confined_too_often_is_told_what_was_given_up_all_the_same(ours: Path) -> None:
    def work() -> tuple[Confinement, str]:
        for _ in range(20):
            came = confine_writes([str(ours)])
            if not came.on:
                break
        return came, Path("/proc/thread-self/status").read_text()

    came, status = on_a_thread(work)
    assert not came.on
    assert came.reason.endswith("it starts no set-user-id programs now")
    assert "NoNewPrivs:\t1" in status


def test_a_folder_with_a_name_that_moves_a_cursor_is_shown_escaped() -> None:
    said = on_a_thread(lambda: confine_writes(["/no/\x1b[31m"]).reason)
    assert "\x1b" not in said
