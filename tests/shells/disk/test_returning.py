"""Returning: what is back is told once, and only if it is ours and can be written to."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.shells.disk import returning
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.marker import ShareMarker, Whose
from potluck.shells.disk.returning import ReturnWatch

GROUP, DEVICE, SHARE = b"g" * 32, b"d" * 32, b"s" * 16
WAIT_S = 30.0
LOOKS = 5


class Looks(ShareMarker):
    """Counts how often it was asked."""

    def __init__(self, share: Share, whose: Whose) -> None:
        super().__init__(share, whose)
        self.asked = threading.Semaphore(0)

    def is_back(self) -> bool:
        found = super().is_back()
        self.asked.release()
        return found

    def was_asked(self, times: int = LOOKS) -> bool:
        return all(self.asked.acquire(timeout=WAIT_S) for _ in range(times))


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Share]:
    """A share whose folder is away; it lies in tmp_path/disk, ready to be put in its place."""
    monkeypatch.setattr(returning, "RETURN_LOOK_S", 0.01)
    disk = str(tmp_path / "disk")
    with Share(disk) as share:
        ShareMarker(share, Whose(DEVICE, SHARE)).write(GROUP)
    with Share(str(tmp_path / "Potluck"), stand_in=str(tmp_path / "instead")) as share:
        yield share


def test_what_is_back_is_told_once(away: Share, tmp_path: Path) -> None:
    marker, told = Looks(away, Whose(DEVICE, SHARE)), threading.Semaphore(0)
    watch = ReturnWatch(marker, away.folder, told.release)
    watch.start()
    assert marker.was_asked()
    assert not Path(away.folder).exists(), "nothing is made there"
    assert not told.acquire(blocking=False)
    assert marker.state().reason == "gone"
    os.rename(tmp_path / "disk", away.folder)
    assert told.acquire(timeout=WAIT_S)
    watch.close()
    assert repr(watch) == "<ReturnWatch: looking=False>"
    assert not told.acquire(blocking=False)


@pytest.mark.parametrize("other", [Whose(b"e" * 32, SHARE), Whose(DEVICE, b"x" * 16)])
def test_another_share_is_not_what_is_back(away: Share, tmp_path: Path, other: Whose) -> None:
    shutil.copytree(tmp_path / "disk", away.folder)
    marker, told = Looks(away, other), threading.Semaphore(0)
    watch = ReturnWatch(marker, away.folder, told.release)
    watch.start()
    assert marker.was_asked()
    watch.close()
    assert not told.acquire(blocking=False)
    another = "another share" if other.device == DEVICE else "another device"
    assert marker.state().reason == another


def test_what_cannot_be_written_to_is_not_taken_hold_of(
    away: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tmp_path / "disk", away.folder)
    writable = False
    monkeypatch.setattr(os, "access", lambda _path, _mode: writable)
    marker, told = Looks(away, Whose(DEVICE, SHARE)), threading.Semaphore(0)
    watch = ReturnWatch(marker, away.folder, told.release)
    watch.start()
    assert marker.was_asked()
    assert not told.acquire(blocking=False)
    writable = True
    assert told.acquire(timeout=WAIT_S)
    watch.close()
