"""Path folders: what paths say of the folders they are in."""

from __future__ import annotations

from potluck.engine.others.path_folders import (
    common_folder,
    folders_above,
    topmost,
    without_common_end,
)


def test_the_folders_of_a_path() -> None:
    assert folders_above(b"a") == []
    assert folders_above(b"a/b/c") == [b"a", b"a/b"]
    assert common_folder((b"a", b"b"), (b"a", b"c")) == (b"a",)
    assert common_folder((b"a",), (b"a", b"b")) == (b"a",)
    assert common_folder((), (b"a",)) == ()


def test_those_that_are_in_no_other() -> None:
    assert topmost([b"a", b"a/b", b"ab", b"c/d"]) == [b"a", b"ab", b"c/d"]


def test_what_differs_in_two_paths() -> None:
    assert without_common_end(b"a/x/1", b"b/x/1") == (b"a", b"b")
    assert without_common_end(b"x/1", b"b/x/1") == (b"", b"b")
    assert without_common_end(b"a/1", b"a/2") == (b"a/1", b"a/2")
