"""A walk over the trash: versions in their order, and whatever else lies there counted."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.shells.disk import trash_walk as module
from potluck.shells.disk.fsops import Share, stat_at
from potluck.shells.disk.trash_walk import all_kept, came_ns, numbered_versions, versions_below
from tests.shells.files import open_descriptors


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


def put(share: Share, text: str) -> Path:
    path = Path(share.folder, ".potluck", "trash", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def seen(share: Share, path: str = "") -> list[tuple[str, int, str]]:
    """Each version with its number and where it lies."""
    below = parse_wire_path(path.encode()) if path else None
    found = versions_below(share.trash_fd, below).versions
    return [(str(of), number, kept.folder[0]) for number, of, kept in numbered_versions(found)]


def test_versions_are_numbered_from_the_newest_of_each_path(share: Share) -> None:
    put(share, "day-000010-replaced/ann/a")
    put(share, "day-000002-deleted/ann/a")
    put(share, "day-000001-deleted/ann/a~2~1")
    put(share, "day-000001-deleted/ann/docs/b")
    put(share, "day-000000 was 20250131/ann~2/a")
    before = open_descriptors()
    assert seen(share, "ann/a") == [("ann/a", 1, "day-000010-replaced"),
                                    ("ann/a", 2, "day-000002-deleted")]  # fmt: skip
    assert ("ann/a~2", 1, "day-000001-deleted") in seen(share, "ann")
    assert ("ann~2/a", 1, "day-000000 was 20250131") in seen(share)
    assert seen(share, "ann/docs") == [("ann/docs/b", 1, "day-000001-deleted")]
    assert seen(share, "ann/do") == []
    assert open_descriptors() == before


@pytest.mark.parametrize(("number", "complete"), [(errno.EIO, False), (errno.ENOENT, True)])
def test_a_folder_that_cannot_be_read_makes_it_incomplete_and_one_that_went_does_not(
    share: Share, monkeypatch: pytest.MonkeyPatch, number: int, complete: bool
) -> None:
    put(share, "day-000000-deleted/ann/a")
    put(share, "day-000000-deleted/ann/bad/b")
    real = os.open

    def fail(name: str, *args: Any, **options: Any) -> int:
        if name == "bad":
            raise OSError(number, os.strerror(number))
        return real(name, *args, **options)

    monkeypatch.setattr(os, "open", fail)
    found = versions_below(share.trash_fd)
    assert ([kept.name for kept in found.versions], found.complete) == (["a"], complete)


def test_of_a_path_only_what_leads_there_is_walked(share: Share) -> None:
    for name in ("ann/docs/a", "ann/docs/deep/b", "ann/other/c", "ben/docs/d", "ann/e"):
        put(share, f"day-000000-deleted/{name}")
    walked = all_kept(share.trash_fd, parse_wire_path(b"ann/docs"))
    assert sorted(str(kept.path) for kept in walked) == [
        "ann/docs/a",
        "ann/docs/deep/b",
        "ann/e",
    ]


def test_within_a_day_the_later_one_is_newer(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    first = put(share, "day-000001-replaced/ann/a~2").stat().st_ino
    put(share, "day-000001-deleted/ann/a")
    monkeypatch.setattr(module, "came_ns", lambda found: 5 if found.st_ino == first else 6)
    assert [top for _, _, top in seen(share)] == ["day-000001-deleted", "day-000001-replaced"]


def test_on_a_disk_that_keeps_no_such_time_the_numbers_say_which_is_newer(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    for changed_s, name in enumerate(("a~10", "a~2", "a")):  # what came last is the oldest file
        os.utime(put(share, f"day-000001-replaced/ann/{name}"), (changed_s, changed_s))

    def as_on_exfat(folder: int, name: str) -> os.stat_result | None:
        found = stat_at(folder, name)
        times = (
            {"st_mtime_ns": found.st_mtime_ns, "st_ctime_ns": found.st_mtime_ns} if found else {}
        )
        return os.stat_result(tuple(found), times) if found is not None else None

    monkeypatch.setattr(module, "stat_at", as_on_exfat)
    newest = versions_below(share.trash_fd).versions
    assert [kept.name for kept in newest] == ["a~10", "a~2", "a"]
    assert [came_ns(kept.found) for kept in newest] == [None, None, None]


def test_hostile_things_are_counted_and_are_no_versions(share: Share, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"s")
    top = put(share, "day-000000-deleted/ann/a").parent
    (top / "link").symlink_to(tmp_path / "outside" / "secret")
    (top / "folder").symlink_to(tmp_path / "outside")
    os.mkfifo(top / "pipe")
    put(share, "day-000000-deleted/ann/\udcff")
    put(share, "day-000000-deleted/ann/\x1b[2J")
    put(share, "day-000000-deleted/stray")
    put(share, "20250131/ann/not taken over yet")
    put(share, "stray")
    (top.parent.parent / "day-000001-deleted").symlink_to(tmp_path / "outside")
    found = versions_below(share.trash_fd)
    assert [str(kept.path) for kept in found.versions] == ["ann/a"]
    assert found.others == 9
    assert found.complete
    assert len(list(all_kept(share.trash_fd))) == 10


def test_what_cannot_be_read_or_goes_meanwhile_is_left_out(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/ann/a")
    put(share, "day-000000-deleted/ann/b")
    seen_at = lambda fd, name: None if name == "b" else stat_at(fd, name)  # noqa: E731
    monkeypatch.setattr(module, "stat_at", seen_at)
    assert [of for of, _, _ in seen(share)] == ["ann/a"]


def test_a_trash_too_large_for_the_time_is_not_all_of_it(share: Share) -> None:
    put(share, "day-000000-deleted/ann/a")
    found = versions_below(share.trash_fd, None, time.monotonic() - 1)
    assert (found.versions, found.complete) == ([], False)
