"""A daemon with one guard off, for the proof that this guard, and nothing else, stops an attack.

Strategy: `python -m tests.hostile.unguarded GUARD …` puts something harmless in the place of one
guard, in its own process, and then runs the program as ever. Nothing of this is in the program: it
has no switch that makes it less safe. Limits: what is replaced is named here by hand, so a guard
that moves must be followed.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable

from potluck.core.content.pieces import HASH_BYTES, PieceList, Root, piece_count
from potluck.core.ring.own_networks import OwnNetworks
from potluck.core.wire.catalogue import PiecesAsk, PiecesPage
from potluck.engine.events import Outcome, PieceListHeard
from potluck.engine.notice_board import NoticeBoard
from potluck.engine.others.page_budget import PageBudget, PageVerdict
from potluck.shells.api import source
from potluck.shells.bulk import asking


def _replace(owner: object, name: str, harmless: Callable[..., object]) -> None:
    """Put something in the place of a guard, which must be there."""
    assert hasattr(owner, name), f"{owner!r} has no {name} any more"
    setattr(owner, name, harmless)


def pages() -> None:
    """Every page of a manifest is staged."""
    _replace(PageBudget, "take", lambda _budget, _page: PageVerdict.WITHIN)


def lists() -> None:
    """A piece list is as long as its holder says."""

    def believing(exchange: asking.BulkExchange, ask: PiecesAsk) -> Outcome:
        hashes, size, piece_size = bytearray(), 1, 1
        while len(hashes) < piece_count(size, piece_size) * HASH_BYTES:
            exchange.stream.send(PiecesAsk(ask.root, len(hashes) // HASH_BYTES))
            page = exchange.reply()
            if not isinstance(page, PiecesPage):
                return Outcome.GONE
            size, piece_size = page.size, page.piece_size
            hashes += page.hashes
        content = PieceList(Root(ask.root), size, piece_size, bytes(hashes))
        exchange.inbox.post(PieceListHeard(exchange.fetch.order, content))
        return Outcome.DONE

    _replace(asking, "_piece_list", believing)


def dials() -> None:
    """Whatever somebody says is dialled."""
    _replace(OwnNetworks, "may_dial", lambda _own, _device, _address: True)
    _replace(OwnNetworks, "is_said_well", lambda _own, _address: True)


def notices() -> None:
    """Everything is told at once, and the oldest goes."""
    _replace(NoticeBoard, "put", lambda board, tell, now, _own: board._say(tell, now))
    _replace(source, "crowded_out", lambda _subjects: 0)


GUARDS: dict[str, Callable[[], None]] = {
    guard.__name__: guard for guard in (pages, lists, dials, notices)
}

if __name__ == "__main__":
    GUARDS[sys.argv.pop(1)]()
    runpy.run_module("potluck", run_name="__main__", alter_sys=True)
