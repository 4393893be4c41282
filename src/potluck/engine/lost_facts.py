"""Lost facts: what others said while the index failed, and was not heard for that.

Strategy: a link on which something was said, or that was opened, in a call that failed is
remembered, and closed once the index works again: whoever speaks there says all of it anew on the
next one. Fetches that are under way then are called off and count as broken, for their end may have
been told, too; so all is asked for once more. Guarantees: nothing waits for an end that was told,
and nobody is taken at a word that was replaced long since. Limits: what was heard on such a link,
or was on its way, and was not lost comes twice; of a large file only what was not verified. Who
asked something is answered as if we were busy, by whoever carries the answer; what the own disk
said is found again by looking (`Wiring.recover`).
"""

from __future__ import annotations

from potluck.engine.effects import CancelFetch, Drop, Effect
from potluck.engine.events import (
    Event,
    FetchEnded,
    LinkId,
    LinkOpened,
    MessageHeard,
    OrderId,
    Outcome,
)
from potluck.engine.node import Node
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.following import Following

LOST_REASON = "something said on this link was lost: the index did not work"


class LostFacts:
    """The links on which something was lost."""

    def __init__(self) -> None:
        """Nothing was lost."""
        self._links = set[LinkId]()

    def __repr__(self) -> str:
        """Return on how many links something was lost."""
        return f"<LostFacts on {len(self._links)} links>"

    def note(self, event: Event | None) -> None:
        """This was lost."""
        match event:
            case MessageHeard(link) | LinkOpened(link):
                self._links.add(link)
            case _:
                pass

    def take(self) -> list[Effect]:
        """The index works again: return what has all that was lost said anew."""
        links, self._links = sorted(self._links), set()
        return [Drop(link, LOST_REASON) for link in links]


def end_fetches(node: Node, downloads: Downloads, following: Following) -> None:
    """End every fetch that is under way as if it had broken off."""
    requests = [one.request for one in following.pursuits.values()]
    for order in [*downloads.orders, *(one.order for one in requests if one is not None)]:
        node.do(CancelFetch(OrderId(order)))
        ended = FetchEnded(OrderId(order), Outcome.BROKEN, "the index failed meanwhile")
        if not downloads.on_ended(ended):
            following.on_ended(ended)
