"""What a crash interrupted waits until somebody could look."""

from __future__ import annotations

from potluck.core.content.facts import Source
from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import PlaceItem, Settle
from potluck.engine.events import BatchId, BatchSettled
from potluck.engine.others.unsettled import Unsettled
from tests.engine import builders

ONE, TWO = BatchId(1), BatchId(2)
ITEMS = (
    PlaceItem(parse_wire_path(b"ann/a"), Source.NONE, None, None, 0, False, None, None),
)  # fmt: skip


def test_each_is_looked_at_once() -> None:
    node = builders.node(1)
    unsettled = Unsettled(node)
    assert not unsettled
    unsettled.start({ONE: ITEMS, TWO: ()})
    assert builders.taken(node, Settle) == [Settle(ONE, ITEMS), Settle(TWO, ())]
    assert not unsettled.waits
    assert unsettled.settle(BatchSettled(ONE, ())) == ITEMS
    assert unsettled.settle(BatchSettled(ONE, ())) == ()
    assert unsettled.settle(BatchSettled(ONE, (), looked=False)) == (), "it was settled before"
    assert repr(unsettled) == "<Unsettled 1 batches, 0 not looked at>"
    unsettled.look_again()
    assert builders.taken(node, Settle) == []


def test_on_a_share_that_is_away_they_wait_until_it_is_back() -> None:
    node = builders.node(1)
    unsettled = Unsettled(node)
    unsettled.start({ONE: ITEMS})
    node.take()
    node.share_present = False
    assert unsettled.settle(BatchSettled(ONE, (), looked=False)) is None
    assert (len(unsettled), unsettled.waits) == (1, False)
    unsettled.look_again()
    assert builders.taken(node, Settle) == []
    node.share_present = True
    assert unsettled.waits
    unsettled.look_again()
    assert builders.taken(node, Settle) == [Settle(ONE, ITEMS)]
    assert not unsettled.waits
