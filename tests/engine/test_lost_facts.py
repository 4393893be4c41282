"""Lost facts: what was said while the index failed is said again, and every fetch begins anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from potluck.core.wire.catalogue import Address, Bye, LinkKind
from potluck.engine.effects import CancelFetch, Drop
from potluck.engine.events import (
    FetchEnded,
    LinkId,
    LinkOpened,
    MessageHeard,
    OrderId,
    Outcome,
    RescanAsked,
)
from potluck.engine.lost_facts import LOST_REASON, LostFacts, end_fetches
from tests.engine import builders


@dataclass
class Fetching:
    """Whoever fetches contents, or lists of files, and what it was told."""

    orders: list[OrderId] = field(default_factory=list)
    pursuits: dict[int, Any] = field(default_factory=dict)
    told: list[tuple[OrderId, Outcome]] = field(default_factory=list)

    def on_ended(self, event: FetchEnded) -> bool:
        """Hear of it; return whether it is about a content."""
        self.told.append((event.order, event.outcome))
        return event.order in self.orders


@dataclass
class Asking:
    """A pursuit or its request, with what is looked at of them."""

    request: Any = None
    order: OrderId | None = None


def test_links_on_which_something_was_lost_are_closed_once_the_index_works() -> None:
    lost = LostFacts()
    assert lost.take() == []
    for event in (
        MessageHeard(LinkId(5), Bye("")),
        RescanAsked(),
        None,
        MessageHeard(LinkId(5), Bye("")),
        LinkOpened(LinkId(3), LinkKind.CONTROL, None, Address("10.0.0.1", 7), b"", None),
    ):
        lost.note(event)
    assert "2 links" in repr(lost)
    assert lost.take() == [Drop(LinkId(3), LOST_REASON), Drop(LinkId(5), LOST_REASON)]
    assert lost.take() == [], "each only once"


def test_every_fetch_under_way_is_called_off_and_counts_as_broken() -> None:
    node = builders.node(1)
    contents = Fetching(orders=[OrderId(1), OrderId(2)])
    lists = Fetching(pursuits={1: Asking(Asking(order=OrderId(7))), 2: Asking()})
    end_fetches(node, contents, lists)  # type: ignore[arg-type]
    assert node.take() == [CancelFetch(OrderId(number)) for number in (1, 2, 7)]
    assert contents.told == [(OrderId(number), Outcome.BROKEN) for number in (1, 2, 7)]
    assert lists.told == [(OrderId(7), Outcome.BROKEN)]
