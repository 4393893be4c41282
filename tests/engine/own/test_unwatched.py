"""Unwatched folders: told with the line that helps, scanned often, and never at any cost."""

from __future__ import annotations

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Tell
from potluck.engine.events import WatchesRefused
from potluck.engine.own.unwatched import REST, SETTING_MIN, UNWATCHED_SCAN_S, UnwatchedFolders
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import node, taken

TOP, A, B, FOREIGN = (parse_wire_path(path) for path in (b"d1", b"d1/a", b"d1/b", b"d2/a"))
WATCHES, INSTANCES = "fs.inotify.max_user_watches", "fs.inotify.max_user_instances"


@pytest.fixture
def unwatched() -> UnwatchedFolders:
    """Everything is watched."""
    made = UnwatchedFolders(node(1))
    made._node.now = 100.0
    return made


def told(unwatched: UnwatchedFolders) -> list[str]:
    return [tell.code for tell in taken(unwatched._node, Tell)]


def test_it_is_told_once_with_the_line_that_helps_and_stays_until_it_is_over(
    unwatched: UnwatchedFolders,
) -> None:
    unwatched.on_refused(WatchesRefused((A,), WATCHES, 8192))
    unwatched.on_refused(WatchesRefused((A, B), WATCHES, 8192))
    assert told(unwatched) == ["unwatched"]
    (trouble,) = unwatched._node.troubles.all()
    assert (trouble.kind, trouble.subject) == (TroubleKind.UNWATCHED, WATCHES)
    assert trouble.reason.startswith("2 folders are not watched")
    assert trouble.command == f"sudo sysctl {WATCHES}={SETTING_MIN}"
    unwatched.on_refused(WatchesRefused((), "", 0))
    unwatched.on_refused(WatchesRefused((), "", 0))
    assert (told(unwatched), unwatched._node.troubles.all()) == (["watched"], [])
    assert (unwatched.deadline(), repr(unwatched)) == (None, "<UnwatchedFolders: 0>")


def test_what_was_raised_already_is_doubled(unwatched: UnwatchedFolders) -> None:
    unwatched.on_refused(WatchesRefused((TOP,), INSTANCES, SETTING_MIN))
    (tell,) = taken(unwatched._node, Tell)
    assert f"sudo sysctl {INSTANCES}={2 * SETTING_MIN}" in tell.text
    assert "1 folder is not watched" in tell.text


def test_where_there_is_nothing_to_raise_nothing_is_advised(unwatched: UnwatchedFolders) -> None:
    unwatched.on_refused(WatchesRefused((TOP,), "", 0))
    (trouble,) = unwatched._node.troubles.all()
    assert (trouble.subject, trouble.command) == ("this system", "")
    (tell,) = taken(unwatched._node, Tell)
    assert "try" not in tell.text


def test_own_folders_are_due_at_once_and_then_every_ten_seconds(
    unwatched: UnwatchedFolders,
) -> None:
    unwatched.on_refused(WatchesRefused((A, FOREIGN), WATCHES, 1))
    assert unwatched.deadline() == 100.0
    assert unwatched.due(TOP) == [A]
    unwatched.on_refused(WatchesRefused((A, B), WATCHES, 1))
    assert unwatched.due(TOP) == []
    unwatched.on_scanned(0.1)
    assert unwatched.deadline() == 100.0 + UNWATCHED_SCAN_S
    unwatched._node.now += UNWATCHED_SCAN_S
    assert unwatched.due(TOP) == [A, B]


def test_a_long_scan_is_followed_by_a_longer_rest(unwatched: UnwatchedFolders) -> None:
    unwatched.on_refused(WatchesRefused((A,), WATCHES, 1))
    unwatched.on_scanned(5.0)
    assert unwatched.deadline() == 100.0, "it was a scan of everything"
    assert unwatched.due(TOP) == [A]
    unwatched._node.now += 5.0
    unwatched.on_scanned(5.0)
    assert unwatched.deadline() == 105.0 + REST * 5.0


def test_that_everything_is_watched_is_told_only_if_something_was_not(
    unwatched: UnwatchedFolders,
) -> None:
    unwatched.on_refused(WatchesRefused((), "", 0))
    assert told(unwatched) == []


def test_a_scan_of_everything_after_one_of_a_part_does_not_count(
    unwatched: UnwatchedFolders,
) -> None:
    unwatched.on_refused(WatchesRefused((A,), WATCHES, 1))
    assert unwatched.due(TOP) == [A]
    unwatched.on_scanned(0.1)
    unwatched.on_scanned(50.0)
    assert unwatched.deadline() == 100.0 + UNWATCHED_SCAN_S
