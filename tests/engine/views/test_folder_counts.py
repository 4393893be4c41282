"""Folder counts: what is said of a folder is counted to its end, in bounded parts."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.engine.views import folder_counts
from potluck.engine.views.folder_counts import FolderCounts
from tests.engine import builders
from tests.engine.index.builders import folder, place, receive, record

ANNAS = ManifestName.own(builders.key(2).device)
PHOTOS, TOP = Spot(ANNAS, b"photos"), Spot(ANNAS, b"")
LIVE = [folder("photos"), *(record(f"photos/{number}") for number in range(8)), record("a")]


def test_what_lacks_of_how_many_does_not_depend_on_who_began_to_look_when() -> None:
    node = builders.node(1)
    receive(node.index, LIVE, 9, ANNAS.owner)
    first = FolderCounts(node)
    assert first.look({PHOTOS: 8}) == {PHOTOS: (8, 8)}
    node.index.places.put(ANNAS, [place(one) for one in LIVE[1:6]])
    assert first.look({PHOTOS: 2, TOP: 1}) == {PHOTOS: (3, 8), TOP: (1, 1)}
    assert FolderCounts(node).look({PHOTOS: 2}) == {PHOTOS: (3, 8)}
    assert repr(first) == "<FolderCounts of 2>"
    receive(node.index, LIVE[:-2], 10, ANNAS.owner)
    assert first.look({PHOTOS: 1}) == {PHOTOS: (2, 7)}
    assert repr(first) == "<FolderCounts of 1>"


@pytest.mark.parametrize(
    ("rows", "known"), [(5, [None, 8, 8, 8]), (8, [None, 8, 8, 8]), (9, [8, 8, 8, 8])]
)
def test_a_large_folder_is_counted_a_part_at_a_look(
    rows: int, known: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_counts, "COUNT_ROWS", rows)
    monkeypatch.setattr(folder_counts, "LACKING_ROWS", 2)
    node = builders.node(1)
    receive(node.index, LIVE, 9, ANNAS.owner)
    counts = FolderCounts(node)
    looks = [counts.look({PHOTOS: 3, TOP: 1}) for _ in range(4)]
    assert [look[PHOTOS] for look in looks] == [(3, every) for every in known]
    assert looks[3][TOP] == (1, 1)


def test_more_that_lack_than_there_are_is_not_said() -> None:
    node = builders.node(1)
    assert FolderCounts(node).look({PHOTOS: 2}) == {PHOTOS: (2, None)}
