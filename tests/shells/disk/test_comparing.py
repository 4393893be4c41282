"""Comparing: the same to the last byte, or not the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.core.errors import UnsafePath
from potluck.shells.disk import comparing
from potluck.shells.disk.comparing import is_same_tree
from potluck.shells.disk.fsops import stat_at
from tests.shells.files import open_descriptors


@pytest.fixture
def same(tmp_path: Path) -> Iterator[object]:
    def ask(name: str = "a", standing: str = "b") -> bool:
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            return is_same_tree(folder, name, folder, standing)
        finally:
            os.close(folder)

    before = open_descriptors()
    yield ask
    assert open_descriptors() == before


def test_files(tmp_path: Path, same, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_READ_BYTES", 4)
    (tmp_path / "a").write_bytes(b"0123456789")
    for content, alike in {b"0123456789": True, b"012345678x": False, b"x123456789": False,
                           b"012345678": False, b"": False}.items():  # fmt: skip
        (tmp_path / "b").write_bytes(content)
        assert same() == alike, content
    assert same("a", "a")
    assert not same("a", "missing")
    assert not same("missing", "a")


def test_a_file_that_grew_meanwhile_is_another_one(
    tmp_path: Path, same, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"01")
    (tmp_path / "b").write_bytes(b"01")
    real = os.pread

    def growing(descriptor: int, count: int, at: int) -> bytes:
        return b"2" if at == 2 and count == 1 else real(descriptor, count, at)

    monkeypatch.setattr(os, "pread", growing)
    assert not same()


def test_folders(tmp_path: Path, same) -> None:
    for top in ("a", "b"):
        (tmp_path / top / "deep").mkdir(parents=True)
        (tmp_path / top / "deep" / "1").write_bytes(b"1")
    assert same()
    (tmp_path / "b" / "more").write_bytes(b"more")
    assert same(), "nothing of the first one is missing there"
    assert not same("b", "a")
    (tmp_path / "b" / "deep" / "1").write_bytes(b"2")
    assert not same()
    assert not same("a", "a"), "a folder is not in itself"
    (tmp_path / "file").write_bytes(b"")
    assert not same("a", "file")
    assert not same("file", "a")


def test_links_and_the_unreadable_are_the_same_as_nothing(tmp_path: Path, same) -> None:
    os.symlink("x", tmp_path / "a")
    os.symlink("x", tmp_path / "b")
    assert not same()


def test_what_is_exchanged_for_a_link_is_not_followed(
    tmp_path: Path, same, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    real = stat_at

    def exchanging(folder: int, name: str) -> os.stat_result | None:
        found = real(folder, name)
        if name == "b":
            (tmp_path / "b").unlink()
            os.symlink("a", tmp_path / "b")
        return found

    monkeypatch.setattr("potluck.shells.disk.comparing.stat_at", exchanging)
    with pytest.raises((UnsafePath, OSError)):
        same()


def test_a_tree_that_is_too_deep_is_another_one(
    tmp_path: Path, same, monkeypatch: pytest.MonkeyPatch
) -> None:
    for top in ("a", "b"):
        (tmp_path / top / "1" / "2").mkdir(parents=True)
    assert same()
    monkeypatch.setattr(comparing, "DEEPEST", 2)
    assert not same()
