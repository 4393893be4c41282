"""Real names of what stands, with a look that finds names by their key as folding systems do."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.core.content.paths import parse_wire_path
from potluck.shells.disk import exact_names
from potluck.shells.disk.exact_names import ExactNames, other_name
from potluck.shells.disk.fsops import Share, stat_at
from tests.shells.files import write

FOLDING = NameLimits(CaseFolding.ALL)


@pytest.fixture
def share(tmp_path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        share.names = FOLDING
        write(share, "ann/Foo", b"foo")
        yield share


@pytest.fixture
def ann(share: Share, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The folder of Ann, where names are found by their key."""
    monkeypatch.setattr(exact_names, "stat_at", found_by_key)
    descriptor = share.open_folder(path("ann"))
    yield descriptor
    os.close(descriptor)


def found_by_key(folder_fd: int, name: str) -> os.stat_result | None:
    for each in os.listdir(folder_fd):
        if FOLDING.key(each) == FOLDING.key(name):
            return stat_at(folder_fd, each)
    return None


def path(text: str):
    return parse_wire_path(text.encode())


def test_what_stands_has_one_real_name(ann: int) -> None:
    assert other_name(FOLDING, ann, "foo") == "Foo"
    assert other_name(FOLDING, ann, "Foo") == ""
    assert other_name(FOLDING, ann, "bar") == ""


def test_a_short_name_of_the_file_systems_own_is_known_by_its_inode(ann: int, monkeypatch) -> None:
    def short(folder_fd: int, name: str) -> os.stat_result | None:
        return stat_at(folder_fd, "Foo" if name == "FOO~1" else name)

    monkeypatch.setattr(exact_names, "stat_at", short)
    assert other_name(FOLDING, ann, "FOO~1") == "Foo"


def test_what_went_since_it_was_found_stands_as_nothing(share: Share, ann, monkeypatch) -> None:
    found = stat_at(share.shared_fd, "ann")
    monkeypatch.setattr(exact_names, "stat_at", lambda *_: found)
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    assert other_name(FOLDING, ann, "gone") == ""


def test_a_walk_knows_what_is_listed_under_that_name(share: Share) -> None:
    exact = ExactNames(share)
    assert exact.has(path("ann/Foo"))
    assert not exact.has(path("ann/foo"))
    assert not exact.has(path("ANN/Foo"))
    assert exact.has(path("ann/Foo/in")), "nobody can say: it is no folder"
    assert repr(exact) == "ExactNames(2 folders listed)"


def test_where_names_are_taken_as_they_are_nothing_is_listed(share: Share) -> None:
    share.names = NameLimits()
    exact = ExactNames(share)
    assert exact.has(path("nobody/nothing"))
    assert repr(exact) == "ExactNames(0 folders listed)"


def test_a_folder_that_cannot_be_listed_says_nothing(share: Share, monkeypatch) -> None:
    def failing(_descriptor: int) -> list[str]:
        raise OSError("no")

    monkeypatch.setattr(os, "listdir", failing)
    assert ExactNames(share).has(path("ann/foo"))
