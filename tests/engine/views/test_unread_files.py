"""A file that is in hand is not known to be here as it is shared, nor is a folder that it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potluck.engine.views import unread_files
from potluck.engine.views.asked_path import asked_path
from potluck.engine.views.unread_files import MAYBE_NEWER, MAYBE_NEWER_IN_IT, unread_paths
from tests.engine.views.faces import hanging, parts_of, shared
from tests.fakes.disk import path_of

if TYPE_CHECKING:
    import pytest


def test_what_waits_to_be_read_counts_on_no_disk_here() -> None:
    _, ann, _ = shared(2)
    parts, info = parts_of(ann), lambda path: ann.engine.info(path, ann.wire.now)
    assert (info("d1/0").here, info("d1/0").on, info("d1/0").safe) == (True, 2, True)
    parts.own_folder.reading.begin([(path_of("d1/0"), 1)])
    assert set(unread_paths(parts).known) == {"d1/0", "d1"}
    said = info("d1/0")
    assert (said.here, said.stands, said.on, said.safe, said.untold) == (
        (False, None, 1, False, MAYBE_NEWER)
    )
    assert (info("d1").here, info("d1").untold) == (False, MAYBE_NEWER_IN_IT)
    assert (info("d1/1").here, info("d1/1").on) == (True, 2)
    copies = ann.engine.wiring.explaining.copies(["d1/0", "d1/1"])
    assert [one.on for one in copies if one is not None] == [1, 2]


def test_what_is_being_written_does_not_either_and_what_is_new_makes_nothing_unsure() -> None:
    _, ann, ben = shared()
    parts = parts_of(ann)
    parts.own_folder.written = (path_of("d1/new"), path_of("d1/sub/new"), path_of("d1"))
    assert set(unread_paths(parts).known) == set()
    parts.own_folder.written = (path_of("d1/new"), path_of("d1/0"), path_of("d2/0"))
    assert set(unread_paths(parts).known) == {"d1/0", "d1"}
    assert set(unread_paths(parts_of(ben)).known) == set()


def test_of_very_many_nothing_is_looked_up_and_own_folders_are_unsure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, ann, ben = shared(2)
    monkeypatch.setattr(unread_files, "LOOKED_UP", 1)
    reading = parts_of(ann).own_folder.reading
    reading.begin([(path_of("d1/0"), 1), (path_of("d1/new"), 1)])
    unread = unread_paths(parts_of(ann))
    assert unread.every
    info = {path: ann.engine.info(path, ann.wire.now) for path in ("d1", "d1/0", "d1/1")}
    assert {path: one.here for path, one in info.items()} == {
        "d1": False,
        "d1/0": False,
        "d1/1": True,
    }
    ben_too = unread_paths(parts_of(ben))
    assert not ben_too.every
    asked = asked_path(parts_of(ann).node, "d2")
    assert not unread.has(asked, is_file=False), "what others share is none of this"


def test_that_nobody_else_has_it_is_said_of_a_file_that_is_being_written_too() -> None:
    _, ann, _, _ = hanging()
    parts = parts_of(ann)
    (before,) = ann.engine.wiring.explaining.copies(["d1/more"])
    assert before is not None
    assert (before.on, before.alone) == (1, "known")
    parts.own_folder.written = (path_of("d1/more"),)
    (after,) = ann.engine.wiring.explaining.copies(["d1/more"])
    assert after is not None
    assert (after.on, after.alone) == (0, "known")
