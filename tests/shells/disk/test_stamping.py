"""Stamping: a folder gets new stamps, durably, unless it does not go on from what is known."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from potluck.core.content.stamps import unpacked
from potluck.engine.events import ShareSeen
from potluck.shells.disk import fsops
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.stamping import STAMP_EVERY_S, FolderStamps

SEEN = ShareSeen(present=True, reason="")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def file_of(share: Share) -> Path:
    return Path(share.folder, ".potluck", "stamps")


def test_each_stamp_goes_on_from_the_one_before(share: Share) -> None:
    stamps = FolderStamps(share, None)
    assert stamps.goes_on()
    assert "none" in repr(stamps)
    kept = [stamps.renew() for _ in range(3)]
    assert len(set(kept)) == 3
    assert stamps.known == unpacked(kept[-1])
    assert "3" in repr(stamps)
    for one in kept:
        assert FolderStamps(share, unpacked(one)).goes_on(), "an index that is older"
    assert not list(file_of(share).parent.glob("stamps.new"))


def test_a_copy_from_before_is_told_and_gets_none_unasked(share: Share, tmp_path: Path) -> None:
    stamps = FolderStamps(share, None)
    stamps.renew()
    shutil.copy(file_of(share), tmp_path / "old")
    known = unpacked(stamps.renew())
    shutil.copy(tmp_path / "old", file_of(share))
    assert not stamps.goes_on()
    assert (stamps.renew(), stamps.on_seen(SEEN).stamp) == (b"", b"")
    assert not FolderStamps(share, known).goes_on(), "at the next start it is told again"
    assert stamps.renew(whatever=True)
    assert FolderStamps(share, known).goes_on()
    file_of(share).unlink()
    assert not stamps.goes_on(), "a copy from before there were stamps"


def test_now_and_then_is_not_always(share: Share) -> None:
    clock = Clock()
    stamps = FolderStamps(share, None, clock)
    assert stamps.on_seen(SEEN).stamp
    assert stamps.on_seen(SEEN) == SEEN
    clock.now_s += STAMP_EVERY_S
    gone = ShareSeen(present=False, reason="missing")
    assert stamps.on_seen(gone) == gone
    assert stamps.on_seen(SEEN).stamp


def test_a_disk_that_says_no_leaves_it_as_it_was(share: Share) -> None:
    stamps = FolderStamps(share, None)
    known = unpacked(stamps.renew())

    def fails(name: str) -> None:
        if name == "before_stamp_rename":
            raise OSError(28, os.strerror(28))

    fsops.set_crash_hook(fails)
    try:
        assert stamps.renew() == b""
    finally:
        fsops.set_crash_hook(None)
    assert stamps.known == known
    assert FolderStamps(share, known).goes_on()
    assert stamps.renew(), "what a failure left is no hindrance"


def test_what_cannot_be_read_is_not_known_to_be_the_same(share: Share) -> None:
    stamps = FolderStamps(share, None)
    known = unpacked(stamps.renew())
    file_of(share).unlink()
    file_of(share).mkdir()
    assert not stamps.goes_on()
    assert FolderStamps(share, None).goes_on()
    assert stamps.renew() == stamps.renew(whatever=True) == b""
    assert stamps.known == known
