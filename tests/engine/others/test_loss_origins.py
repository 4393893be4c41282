"""Loss origins: which change of its owner took a file away, and when only a later one is sure."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.content.loss_confirms import LossOrigin
from potluck.core.content.loss_window import Loss
from potluck.core.content.manifest import run_end
from potluck.engine.index import Index
from potluck.engine.others.loss_origins import LossOrigins
from tests.engine.index.builders import head


@pytest.fixture
def index() -> Index:
    return Index.open(":memory:")


def changes(origins: LossOrigins, seq: int, generation: int, *numbers: int) -> list[int]:
    """What is said of losses with these numbers, seen with that head."""
    seen = head(b"r" * 32, seq, 1, generation=generation)
    origins.on_head(seen)
    lost = [Loss(b"%d" % at, 1, b"", replaced=False, change=at) for at in numbers]
    found = origins.of(seen, lost)
    assert {origin.seen for origin in found.values()} <= {run_end(seen)}
    return [found[b"%d" % at].change for at in numbers]


def test_within_a_generation_a_change_is_told_by_its_number(index: Index) -> None:
    origins = LossOrigins(index)
    assert repr(origins) == "<LossOrigins of 0 folders>"
    assert changes(origins, 10, 1, 8, 0) == [10, 10], "the first that is held here"
    assert changes(origins, 20, 1, 8, 10, 11, 20, 0) == [20, 20, 11, 20, 20]


def test_of_a_new_generation_the_head_says_it(index: Index) -> None:
    origins = LossOrigins(index)
    changes(origins, 10, 1)
    assert changes(origins, 20, 2, 15) == [20]
    assert changes(origins, 25, 2, 15, 22) == [25, 22]


def test_after_a_start_what_is_held_is_the_beginning(index: Index) -> None:
    index.begin()
    index.manifests.set_head(head(b"r" * 32, 10, 1))
    index.commit()
    origins = LossOrigins(index)
    assert changes(origins, 20, 1, 9, 11) == [20, 11]


def test_heads_that_the_index_took_back_are_not_remembered(index: Index) -> None:
    origins = LossOrigins(index)
    changes(origins, 10, 2)
    index.begin()
    index.rollback()
    assert changes(origins, 20, 2, 15) == [20]


def test_of_whom_nothing_is_known_the_head_says_it(index: Index) -> None:
    seen = head(b"r" * 32, 10, 1)
    lost = Loss(b"a", 1, b"", replaced=True, change=10)
    assert LossOrigins(index).of(seen, [lost]) == {b"a": LossOrigin(run_end(seen), 10)}


def test_of_what_a_whole_list_does_not_tell_the_head_says_it(index: Index) -> None:
    origins, seen = LossOrigins(index), head(b"r" * 32, 10, 1)
    index.manifests.set_head(seen)
    assert origins.renewed(seen, {b"a": 1}, []) == {}, "changes came, and none of it"
    index.manifests.raise_floor(ManifestName.of(seen), 10)
    assert origins.renewed(seen, {}, [b"b"]) == {}
    assert origins.renewed(seen, {b"a": 1, b"b": 1}, [b"b"]) == {
        b"a": LossOrigin(run_end(seen), 10)
    }


def test_of_what_goes_with_an_earlier_head_nothing_is_said(index: Index) -> None:
    origins = LossOrigins(index)
    changes(origins, 20, 1)
    back, lost = head(b"r" * 32, 10, 1), Loss(b"a", 1, b"", replaced=False, change=10)
    index.manifests.set_head(back)
    index.manifests.raise_floor(ManifestName.of(back), 20)
    for _ in range(2):
        origins.on_head(back)
        assert (origins.of(back, [lost]), origins.renewed(back, {b"a": 1}, [])) == ({}, {})
    assert changes(origins, 21, 1, 21) == [21]
