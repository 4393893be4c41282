"""Unreadable paths: told once, with what to type, tried again, and over when they can be read."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ReadFault
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.engine.effects import Tell
from potluck.engine.events import Unreadable
from potluck.engine.troubles import TroubleKind
from potluck.engine.unreadable import FOLDERS_MAX, UNREADABLE_AGAIN_S, UnreadablePaths
from tests.engine.builders import node, taken

TOP, A, B = (parse_wire_path(path) for path in (b"d1", b"d1/a b", b"d1/b"))


def denied(path: SafePath, fault: ReadFault = ReadFault.PERMISSION) -> Unreadable:
    return Unreadable(path, fault, "in the system's words")


@pytest.fixture
def paths() -> UnreadablePaths:
    """Knows of nothing."""
    made = UnreadablePaths(node(1))
    made._node.now = 100.0
    return made


def known(paths: UnreadablePaths) -> list[str]:
    return [each.subject for each in paths._node.troubles.of(TroubleKind.UNREADABLE)]


def test_a_folder_is_told_once_and_stays_with_its_reason_and_what_to_type(
    paths: UnreadablePaths,
) -> None:
    assert paths.note([denied(A)]) == {A}
    assert paths.note([denied(A)]) == {A}
    (tell,) = taken(paths._node, Tell)
    assert (tell.code, tell.subject, tell.level) == ("unreadable", "d1/a b", "warning")
    (trouble,) = paths._node.troubles.all()
    assert trouble.reason == "this user may not read it"
    assert trouble.command == "chmod u+rwx '/Shared/d1/a b'"
    assert (trouble.since_s, trouble.next_s) == (100.0, 100.0 + UNREADABLE_AGAIN_S)
    assert (trouble.reason in tell.text, trouble.command in tell.text) == (True, True)
    assert tell.text.startswith("not read: “d1/a b” (")
    assert tell.text.endswith(f"; try: {tell.command}")


@pytest.mark.parametrize(
    ("fault", "reason", "command"),
    [
        (ReadFault.DESCRIPTORS, "in the system's words", "ulimit -n 65536"),
        (ReadFault.SYSTEM_DESCRIPTORS, "in the system's words", "sysctl fs.file-nr fs.file-max"),
        (ReadFault.DISK, "the disk fails: in the system's words", "dmesg | tail"),
        (ReadFault.PRIVATE, "in the system's words", "mv /Shared/d1/b ~/"),
        (ReadFault.OTHER, "in the system's words", "stat /Shared/d1/b"),
    ],
)
def test_each_fault_has_its_words(
    paths: UnreadablePaths, fault: ReadFault, reason: str, command: str
) -> None:
    paths.note([denied(B, fault)])
    (trouble,) = paths._node.troubles.all()
    assert (trouble.reason, trouble.command) == (reason, command)


def test_a_walk_that_was_there_and_does_not_name_it_ends_it(paths: UnreadablePaths) -> None:
    paths.note([denied(A), denied(B)])
    paths.settle([A.child("deeper")], set())
    assert known(paths) == ["d1/a b", "d1/b"]
    paths.settle([TOP], {B})
    assert known(paths) == ["d1/b"]
    assert paths.deadline() is not None
    paths.settle([TOP], set())
    assert (known(paths), paths.deadline()) == ([], None)


def test_folders_are_tried_again_until_they_are_settled(paths: UnreadablePaths) -> None:
    paths.note([denied(A)])
    for _ in range(2):
        assert paths.due() == []
        paths._node.now += UNREADABLE_AGAIN_S
        assert paths.due() == [A]
    assert paths.deadline() == paths._node.now + UNREADABLE_AGAIN_S


def test_a_file_is_over_when_it_was_read_and_not_before(paths: UnreadablePaths) -> None:
    paths.on_read([], [B])
    paths.on_read([denied(A)], [])
    paths.on_read([denied(A)], [B])
    (trouble,) = paths._node.troubles.all()
    assert trouble.command == "chmod u+r '/Shared/d1/a b'"
    assert len(taken(paths._node, Tell)) == 1
    paths.settle([TOP], set())
    assert (known(paths), paths.deadline()) == (["d1/a b"], None), "a walk does not open files"
    paths.on_read([], [A])
    assert known(paths) == []


def test_what_is_gone_is_no_trouble(paths: UnreadablePaths) -> None:
    paths.note([denied(A), denied(B.child("c"))])
    paths.on_read([denied(B.child("d"))], [])
    paths.on_gone({b"d1/b"})
    assert known(paths) == ["d1/a b"]
    paths.clear()
    assert (known(paths), paths.deadline()) == ([], None)
    assert repr(paths) == "<UnreadablePaths: 0 folders, 0 files>"


def test_no_more_are_remembered_than_anybody_reads(paths: UnreadablePaths) -> None:
    every = [denied(TOP.child(f"{number}")) for number in range(FOLDERS_MAX + 5)]
    assert len(paths.note(every)) == FOLDERS_MAX + 5, "all are held"
    paths.on_read(every, [])
    assert len(known(paths)) == FOLDERS_MAX
    assert repr(paths) == f"<UnreadablePaths: {FOLDERS_MAX} folders, {FOLDERS_MAX} files>"


def test_only_what_was_forbidden_is_worth_another_try_whenever_it_is_seen(
    paths: UnreadablePaths,
) -> None:
    paths.on_read([denied(A), denied(B, ReadFault.DISK)], [])
    assert [paths.was_forbidden(path) for path in (A, B, TOP)] == [True, False, False]
    paths.on_read([], [A])
    assert not paths.was_forbidden(A)
