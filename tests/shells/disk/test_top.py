"""The top of the share: names as they are or escaped, and never more than can be told.

Strategy: real folders; what stands there is made by ordinary means.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.core import limits
from potluck.engine.events import TopEntry, TopKind, TopSeen
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.top import look_at_top


def test_what_stands_there_is_told_by_name_and_kind_alone(tmp_path: Path) -> None:
    with Share(str(tmp_path)) as share:
        assert look_at_top(share) == TopSeen((), complete=True)
        top = tmp_path / "Shared"
        for folder in ("me/inner", "old~"):
            (top / folder).mkdir(parents=True)
        (top / "file").write_bytes(b"x")
        (top / "note~").write_bytes(b"an editor's")
        (top / "link").symlink_to("me")
        os.mkfifo(top / "pipe")
        (top / ".potluck").mkdir()
        (top / "a\x1b[0m").write_bytes(b"")
        (top / os.fsdecode(b"\xff")).write_bytes(b"")
        seen = look_at_top(share)
    assert seen.complete
    assert sorted(seen.entries, key=lambda entry: entry.name) == [
        TopEntry(".potluck", plain=False, kind=TopKind.FOLDER),
        TopEntry("\\xff", plain=False, kind=TopKind.FILE),
        TopEntry("a\\x1b[0m", plain=False, kind=TopKind.FILE),
        TopEntry("file", plain=True, kind=TopKind.FILE),
        TopEntry("link", plain=True, kind=TopKind.LINK),
        TopEntry("me", plain=True, kind=TopKind.FOLDER),
        TopEntry("old~", plain=True, kind=TopKind.FOLDER),
        TopEntry("pipe", plain=True, kind=TopKind.SPECIAL),
    ]


def test_of_too_many_it_says_that_they_are_not_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PAGE_RECORDS", 3)
    with Share(str(tmp_path)) as share:
        for number in range(4):
            (tmp_path / "Shared" / str(number)).mkdir()
        seen = look_at_top(share)
        assert (len(seen.entries), seen.complete) == (3, False)
        (tmp_path / "Shared" / "0").rmdir()
        assert look_at_top(share).complete


def test_without_shared_nothing_is_told(tmp_path: Path) -> None:
    with Share(str(tmp_path)) as share:
        (tmp_path / "Shared").rename(tmp_path / "elsewhere")
        with pytest.raises(FileNotFoundError):
            look_at_top(share)
