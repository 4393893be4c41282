"""Restless files: told once, only after long, and over when they were read, rest or are gone."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Stat
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT, PieceList
from potluck.engine.effects import Hash, Tell
from potluck.engine.events import FilesHashed, Hashed
from potluck.engine.own.reading import Reading
from potluck.engine.own.restless import CHANGING, TOLD_TRIES, WRITTEN, RestlessFiles
from potluck.engine.troubles import KIND_MAX, TroubleKind
from tests.engine.builders import node, taken

A, B = (parse_wire_path(path) for path in (b"d1/a", b"d1/b"))


class Desk:
    """A device that reads files which will not hold still."""

    def __init__(self) -> None:
        self.node = node(1)
        self.reading = Reading(self.node)
        self.files = RestlessFiles(self.node, self.reading)

    def read(self, *, still: bool) -> None:
        """Read A once."""
        self.reading.begin([(A, 0)])
        (order,) = taken(self.node, Hash)
        whole = Hashed(A, Stat(0, 1, 1, 1, False), PieceList(EMPTY_ROOT, 0, 1 << 18, b""))
        event = FilesHashed(order.order, (), (A,), last=True)
        if still:
            event = FilesHashed(order.order, (whole,), (), last=True)
        self.reading.end(event)
        self.files.on_unstable(event.unstable)
        self.node.now = self.reading.due_s(A) or self.node.now
        self.reading.due()

    @property
    def known(self) -> dict[str, str]:
        return {each.subject: each.reason for each in self.node.troubles.all()}


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_file_that_changes_whenever_it_is_read_is_told_after_half_a_minute(desk: Desk) -> None:
    for _ in range(TOLD_TRIES - 1):
        desk.read(still=False)
    assert (desk.known, desk.node.now) == ({}, 31.0)
    for _ in range(3):
        desk.read(still=False)
    assert desk.known == {"d1/a": CHANGING}
    (trouble,) = desk.node.troubles.all()
    assert trouble.next_s == desk.node.now
    desk.read(still=True)
    assert desk.known == {}


def test_it_is_told_once_and_gone_with_the_file(desk: Desk) -> None:
    for _ in range(TOLD_TRIES + 2):
        desk.reading.begin([(A, 0)])
        (order,) = [effect for effect in desk.node.take() if isinstance(effect, Hash)]
        desk.reading.end(FilesHashed(order.order, (), (A,), last=True))
        desk.node.now = desk.reading.due_s(A) or 0.0
        desk.reading.due()
    desk.files.on_unstable([A])
    desk.files.on_unstable([A])
    (tell,) = taken(desk.node, Tell)
    assert (tell.code, tell.subject) == ("restless", "d1/a")
    assert repr(desk.files) == "<RestlessFiles written=0 changing=1>"
    desk.reading.cancel([A])
    desk.files.settle()
    assert desk.known == {}


def test_a_file_that_is_written_all_the_time_is_told_until_it_rests(desk: Desk) -> None:
    desk.files.on_written([A, B])
    desk.files.on_written([B])
    assert desk.known == {"d1/b": WRITTEN}
    assert [trouble.kind for trouble in desk.node.troubles.all()] == [TroubleKind.WRITTEN]
    assert [tell.level for tell in taken(desk.node, Tell)] == ["info", "info"]
    desk.files.on_written([])
    assert desk.known == {}


def test_each_is_over_when_who_said_it_says_so(desk: Desk) -> None:
    desk.files.on_written([A])
    for _ in range(TOLD_TRIES):
        desk.read(still=False)
    assert [tell.level for tell in taken(desk.node, Tell)] == ["warning"]
    desk.files.on_written([])
    assert desk.known == {"d1/a": CHANGING}
    desk.files.on_written([A])
    desk.read(still=True)
    assert desk.known == {"d1/a": WRITTEN}
    desk.files.clear()
    assert (desk.known, repr(desk.files)) == ({}, "<RestlessFiles written=0 changing=0>")


def test_no_more_are_told_than_anybody_reads(desk: Desk) -> None:
    desk.files.on_written(A.child(f"{number}") for number in range(KIND_MAX + 9))
    assert len(desk.known) == KIND_MAX
