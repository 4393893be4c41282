"""Kept copies: what lies in the trash is found by the path that it is a version of."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.receiving import kept_copies as module
from potluck.shells.disk.receiving.kept_copies import KeptCopies


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


def put(share: Share, text: str, data: bytes) -> Path:
    path = Path(share.folder, ".potluck", "trash", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def found(share: Share, path: str, size: int) -> list[bytes]:
    versions = KeptCopies(share.trash_fd).versions(parse_wire_path(path.encode()), size)
    return [os.read(descriptor, 99) for descriptor in versions]


def test_versions_of_a_path_come_the_last_day_first_and_only_those_of_that_size(
    share: Share,
) -> None:
    put(share, "day-000001-deleted/ann/d/a", b"one")
    put(share, "day-000004-replaced/ann/d/a", b"fou")
    put(share, "day-000004-replaced/ann/d/a~2", b"4.2")
    put(share, "day-000004-replaced/ann/d/a~2~1", b"an a~2")
    put(share, "day-000004-replaced/ann/d/b", b"two")
    put(share, "day-000004-replaced/ben/d/a", b"six")
    put(share, "day-000002-deleted/ann/d/a", b"of another size")
    got = found(share, "ann/d/a", 3)
    assert (set(got[:2]), got[2:]) == ({b"fou", b"4.2"}, [b"one"])
    assert found(share, "ann/d/a~2", 6) == [b"an a~2"]
    assert found(share, "ann/d/nothing", 3) == []
    assert found(share, "ann/e/a", 3) == []


def test_each_version_of_a_long_name_is_found(share: Share) -> None:
    name = "n" * 255
    for n, data in enumerate((b"one", b"two", b"tri"), 1):
        put(share, f"day-000001-replaced-whole.{n}/ann/{name}", data)
    put(share, f"day-000001-replaced/ann/{name}", b"old")  # as an earlier potluck kept it
    assert set(found(share, f"ann/{name}", 3)) == {b"one", b"two", b"tri", b"old"}


def test_a_folder_of_the_trash_is_listed_once(share: Share) -> None:
    put(share, "day-000001-deleted/ann/a", b"one")
    kept = KeptCopies(share.trash_fd)
    assert len(list(kept.versions(parse_wire_path(b"ann/a"), 3))) == 1
    put(share, "day-000001-deleted/ann/b", b"two")
    assert list(kept.versions(parse_wire_path(b"ann/b"), 3)) == []
    assert repr(kept) == "KeptCopies(1 folders)"


def test_no_link_is_followed_and_what_was_taken_over_is_left(share: Share, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine")
    kept = put(share, "day-000001-deleted/ann/d/a", b"one!")
    kept.unlink()
    kept.symlink_to(secret)
    put(share, "day-000002 was 20250131/ann/d/a", b"old!")
    put(share, "stray", b"")
    assert found(share, "ann/d/a", 4) == []
    folder = kept.parent.parent / "e"
    folder.symlink_to(tmp_path)
    assert found(share, "ann/e/secret", 4) == []


@pytest.mark.parametrize("name", ["open_regular", "names_in"])
def test_where_descriptors_are_short_nothing_is_said_to_be_gone(
    share: Share, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    put(share, "day-000001-deleted/ann/a", b"one")
    monkeypatch.setattr(module, name, failing(errno.EMFILE, share.trash_fd))
    with pytest.raises(OSError, match="no"):
        found(share, "ann/a", 3)
    monkeypatch.setattr(module, name, failing(errno.EACCES, share.trash_fd))
    assert found(share, "ann/a", 3) == []


def failing(fault: int, but_for: int) -> Callable[..., list[str]]:
    def fail(folder_fd: int, *_: object) -> list[str]:
        if folder_fd == but_for:
            return names_in(folder_fd)
        raise OSError(fault, "no")

    return fail
