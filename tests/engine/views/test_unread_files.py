"""A file that is in hand is not known to be here as it is shared, nor is a folder that it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potluck.engine.views import unread_files
from potluck.engine.views.unread_files import MAYBE_NEWER, MAYBE_NEWER_IN_IT, unread_paths
from tests.engine.views.faces import parts_of, shared
from tests.fakes.disk import path_of

if TYPE_CHECKING:
    import pytest


def test_what_waits_to_be_read_counts_on_no_disk_here() -> None:
    _, ann, _ = shared(2)
    parts, info = parts_of(ann), lambda path: ann.engine.info(path, ann.wire.now)
    assert (info("d1/0").here, info("d1/0").on, info("d1/0").safe) == (True, 2, True)
    parts.own_folder.reading.begin([(path_of("d1/0"), 1)])
    assert unread_paths(parts) == {"d1/0", "d1"}
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
    assert unread_paths(parts) == set()
    parts.own_folder.written = (path_of("d1/new"), path_of("d1/0"), path_of("d2/0"))
    assert unread_paths(parts) == {"d1/0", "d1"}
    assert unread_paths(parts_of(ben)) == set()


def test_of_very_many_the_rest_is_taken_for_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, _ = shared()
    parts = parts_of(ann)
    monkeypatch.setattr(unread_files, "LOOKED_UP", 1)
    parts.own_folder.written = (path_of("d1/a"), path_of("d1/sub/new"))
    assert unread_paths(parts) == {"d1/sub/new", "d1/sub", "d1"}
