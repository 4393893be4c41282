"""Arrivals: a file that came is known by its inode or its time, until it has gone."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, PlaceRow, Spot, Stat
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import Kind
from potluck.engine.others import arrivals
from potluck.engine.others.arrivals import Arrivals
from tests.engine.index.builders import ANNAS, BERTS


def row(size: int, inode: int, mtime_ns: int) -> PlaceRow:
    root = Root(bytes(32))
    return PlaceRow(b"gone", Kind.FILE, root, size, mtime_ns, 0, inode, executable=False)


def stat(size: int, inode: int, mtime_ns: int) -> Stat:
    return Stat(size, mtime_ns, 0, inode, executable=False)


def spot(path: str, of: ManifestName = ANNAS) -> Spot:
    return Spot(of, path.encode())


@pytest.mark.parametrize(
    ("gone", "known"),
    [
        (row(3, 7, 5), True),
        (row(3, 7, 6), True),
        (row(3, 8, 5), True),
        (row(3, 8, 6), False),
        (row(4, 7, 5), False),
        (row(3, 0, 6), False),
    ],
)
def test_a_file_is_known_by_its_size_and_inode_or_time(gone: PlaceRow, known: bool) -> None:
    came = Arrivals()
    came.note(spot("new"), stat(3, 7, 5))
    came.note(spot("other"), stat(3, 0, 5))
    assert came.has(gone) == known


def test_what_has_gone_again_counts_no_more() -> None:
    came = Arrivals()
    came.note(spot("one"), stat(3, 7, 5))
    came.note(spot("two"), stat(3, 9, 5))
    came.note(spot("three", BERTS), stat(2, 1, 1))
    came.note(spot("folder"), None)
    came.note(spot("empty"), stat(0, 4, 5))
    assert repr(came) == "<Arrivals: 3 files>"
    came.forget(spot("one"))
    came.forget(spot("one"))
    assert not came.has(row(3, 7, 6))
    assert came.has(row(3, 7, 5))
    came.keep(ANNAS, {b"one"})
    assert not came.has(row(3, 7, 5))
    assert came.has(row(2, 1, 8))
    came.note(spot("three", BERTS), None)
    assert not came.has(row(2, 1, 8))


def test_it_says_when_it_knows_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "ARRIVALS_MAX", 1)
    came = Arrivals()
    assert not came.full
    came.note(spot("one"), stat(3, 7, 5))
    came.note(spot("two"), stat(4, 8, 6))
    assert came.full
    assert not came.has(row(4, 8, 6))
