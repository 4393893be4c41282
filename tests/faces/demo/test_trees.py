"""Trees read from the disk: equal means equal in every way that counts, and each difference is
found and named.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from potluck.faces.demo.trees import BLOCK_BYTES, content_hash, differences, read_tree

TIME = (1_700_000_000_123_456_789, 1_700_000_000_123_456_789)


def plant(root: Path) -> Path:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "empty").mkdir()
    for name, content in (("a/b/file", b"x" * 100_000), ("top", b"y"), ("none", b"")):
        (root / name).write_bytes(content)
        os.utime(root / name, ns=TIME)
    return root


def test_equal_trees_have_one_digest(tmp_path: Path) -> None:
    first, second = read_tree(plant(tmp_path / "1")), read_tree(plant(tmp_path / "2"))
    assert first.digest == second.digest
    assert differences(first, second) == []
    assert (first.files, first.size_bytes, len(first.entries)) == (3, 100_001, 6)


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(99_999)
        file.write(b"X")
    os.utime(path, ns=TIME)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: flip(root / "a/b/file"), "a/b/file: another content"),
        (lambda root: (root / "top").chmod(0o755), "top: another executable"),
        (lambda root: os.utime(root / "top", ns=(TIME[0], TIME[1] + 1)), "top: another mtime_ns"),
        (lambda root: (root / "top").unlink(), "top: missing"),
        (lambda root: (root / "a/empty").rmdir(), "a/empty: missing"),
        (lambda root: (root / "more").mkdir(), "more: too much"),
        (lambda root: (root / "link").symlink_to("top"), "link: too much"),
        (
            lambda root: ((root / "none").unlink(), (root / "none").mkdir()),
            "none: another kind and mtime_ns and content",
        ),
    ],
)
def test_every_difference_is_named(
    tmp_path: Path, change: Callable[[Path], object], said: str
) -> None:
    first, other = plant(tmp_path / "1"), plant(tmp_path / "2")
    change(other)
    trees = read_tree(first), read_tree(other)
    assert differences(*trees) == [said]
    assert trees[0].digest != trees[1].digest


def test_holes_count_as_the_zeros_they_are(tmp_path: Path) -> None:
    size = 5 * BLOCK_BYTES + 17
    sparse, solid = tmp_path / "sparse", tmp_path / "solid"
    with sparse.open("wb") as file:
        file.truncate(size)
        file.seek(2 * BLOCK_BYTES + 100)
        file.write(b"data")
    solid.write_bytes(sparse.read_bytes())
    assert content_hash(sparse) == content_hash(solid)
    with sparse.open("r+b") as file:
        file.truncate(size + 1)
    assert content_hash(sparse) != content_hash(solid)


def test_the_same_bytes_elsewhere_are_another_content(tmp_path: Path) -> None:
    for name, offset in (("a", 0), ("b", BLOCK_BYTES)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(2 * BLOCK_BYTES)
            file.seek(offset)
            file.write(b"data")
    assert content_hash(tmp_path / "a") != content_hash(tmp_path / "b")
