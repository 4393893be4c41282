"""Head sizes: what came to a device is told also while its owner goes on from head to head."""

from __future__ import annotations

import pytest

from potluck.core.wire.catalogue import Head, Holding
from potluck.engine.others.head_sizes import HEADS_SIZED, HeadSizes
from tests.engine.builders import node
from tests.engine.index.builders import ANNAS, receive, record


@pytest.fixture
def sizes() -> HeadSizes:
    """One head of 100 bytes is held since the start."""
    made = node(1)
    receive(made.index, [record("a", 1, "x" * 100)], 1)
    return HeadSizes(made)


def grow(sizes: HeadSizes, seq: int, size_bytes: int) -> Head:
    """The owner goes on to another head, and that is held."""
    receive(sizes._node.index, [record("a", seq, "x" * size_bytes)], seq)
    head = sizes._node.index.manifests.head(ANNAS)
    assert head is not None
    sizes.note(head)
    return head


def said(seq: int, missing_bytes: int) -> Holding:
    return Holding(*ANNAS, 1, seq, int(missing_bytes > 0), missing_bytes)


def test_of_one_head_it_is_what_is_lacking_less(sizes: HeadSizes) -> None:
    assert sizes.came_bytes(said(7, 90), said(7, 20)) == 70, "of whatever head"
    assert sizes.came_bytes(said(7, 20), said(7, 90)) == 0


def test_from_one_head_to_the_next_it_is_what_is_there_more(sizes: HeadSizes) -> None:
    grow(sizes, 2, 150)
    assert sizes.came_bytes(said(1, 60), said(2, 60)) == 50, "as much was added as came"
    assert sizes.came_bytes(said(1, 60), said(2, 10)) == 100
    assert sizes.came_bytes(said(1, 60), said(2, 110)) == 0
    grow(sizes, 3, 30)
    assert sizes.came_bytes(said(2, 140), said(3, 10)) == 10
    assert sizes.came_bytes(said(2, 60), said(3, 0)) == 0, "what is deleted did not come"


def test_where_a_size_is_not_known_nothing_came(sizes: HeadSizes) -> None:
    grow(sizes, 2, 150)
    assert sizes.came_bytes(said(2, 60), said(5, 0)) == 0
    assert sizes.came_bytes(said(5, 60), said(2, 0)) == 0
    stranger = Holding(bytes(32), ANNAS.folder, 1, 1, 1, 60)
    later = Holding(bytes(32), ANNAS.folder, 1, 2, 0, 0)
    assert sizes.came_bytes(stranger, later) == 0


def test_only_the_latest_sizes_are_kept(sizes: HeadSizes) -> None:
    for seq in range(2, HEADS_SIZED + 2):
        grow(sizes, seq, 100 + seq)
    assert len(sizes._sizes[ANNAS]) == HEADS_SIZED
    assert sizes.came_bytes(said(1, 50), said(3, 50)) == 0, "that is long ago"
    assert sizes.came_bytes(said(2, 50), said(3, 50)) == 1
    sizes.note(grow(sizes, HEADS_SIZED + 2, 500))
    assert len(sizes._sizes[ANNAS]) == HEADS_SIZED, "told twice it is known once"
    assert repr(sizes) == "<HeadSizes of 1 manifests>"
