"""Parts of an earlier run: each is handed out once, or dropped."""

from __future__ import annotations

from potluck.engine.effects import DropParts
from potluck.engine.events import PartFound
from potluck.engine.others.leftover_parts import LeftoverParts
from tests.engine import builders
from tests.engine.index.builders import piece_list


def test_a_part_is_handed_out_once_and_the_rest_is_dropped_once() -> None:
    node = builders.node(1)
    leftovers = LeftoverParts(node)
    taken, left = (PartFound(piece_list(pieces), b"") for pieces in (2, 3))
    leftovers.add(taken)
    leftovers.add(left)
    assert repr(leftovers) == "<LeftoverParts: 2>"
    assert leftovers.take(taken.pieces.root) is taken
    assert leftovers.take(taken.pieces.root) is None
    leftovers.drop()
    leftovers.drop()
    assert node.take() == [DropParts((left.pieces.root,))]
