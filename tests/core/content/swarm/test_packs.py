"""Packs: what travels together; and how many contents are looked at in vain for it."""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core import limits
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.lines import WaitingLine, line_of
from potluck.core.content.swarm.looks import LOOKS, OrderLook
from potluck.core.content.swarm.packs import Packs
from potluck.core.content.swarm.room import Room, reserve_of
from potluck.core.content.swarm.under_way import UnderWay
from potluck.core.keys.identity import DeviceId
from tests.core.content.swarm.crowd import small_content
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
FIRST = limits.PACK_BYTES_FIRST // limits.KIB  # contents in a pack, before anything was measured


class Shelf:
    """Small contents in one line, and who holds them; A, if nobody is named."""

    def __init__(self, contents: int, **holders: Sequence[DeviceId]) -> None:
        self.downloads: dict[Root, Download] = {}
        for number in range(contents):
            one = small_content(number)
            self.downloads[one.root] = Download(one.root, one.size_bytes, one.piece_size)
        self.line: WaitingLine = line_of(self.downloads)
        self.holders = {self.root(int(name[1:])): held for name, held in holders.items()}
        self.room, self.look = Room(), self.anew()

    @staticmethod
    def root(number: int) -> Root:
        return small_content(number).root

    def anew(self) -> OrderLook:
        """A new call."""
        self.look = OrderLook(lambda root: self.holders.get(root, [A]), 0.0, UnderWay())
        return self.look

    def packs(self) -> Packs:
        return Packs(self.downloads, self.room, self.look, self.line)


def test_a_pack_is_full_or_ends_where_another_holder_begins() -> None:
    shelf = Shelf(FIRST + 4, n2=[B])
    packs = shelf.packs()
    assert packs.next_pack() == (A, (shelf.root(0), shelf.root(1)))
    assert packs.next_pack() == (B, (shelf.root(2),))
    found = packs.next_pack()
    assert found is not None
    assert found[1] == tuple(shelf.root(number) for number in range(3, FIRST + 3))
    assert packs.next_pack() == (A, (shelf.root(FIRST + 3),))
    assert packs.next_pack() is None
    assert not shelf.look.unfinished
    assert repr(packs) == f"<Packs of <WaitingLine: 0 passed over, 0 ahead>, {LOOKS} looks left>"


def test_what_nobody_can_bring_or_has_no_room_goes_to_the_end() -> None:
    shelf = Shelf(4, n0=[])
    shelf.downloads[shelf.root(1)].size_bytes = limits.PIECE_MIN_BYTES
    total = 4 * limits.GIB
    shelf.room.on_space(reserve_of(total) + 100 * limits.KIB, total)
    assert shelf.packs().next_pack() == (A, (shelf.root(2), shelf.root(3)))
    assert [shelf.line.take() for _ in range(len(shelf.line))] == [shelf.root(0), shelf.root(1)]


def test_what_need_not_be_asked_leaves_the_line() -> None:
    shelf = Shelf(3)
    del shelf.downloads[shelf.root(0)]
    shelf.downloads[shelf.root(1)].orders.add(7)
    assert shelf.packs().next_pack() == (A, (shelf.root(2),))
    assert len(shelf.line) == 0


def test_all_packs_of_a_turn_look_in_vain_at_so_many_and_the_next_look_goes_on() -> None:
    """Each pack had as many, and all of the line if nothing was under way."""
    shelf = Shelf(3 * LOOKS)
    shelf.holders = {root: [] for root in shelf.downloads}
    shelf.holders[shelf.root(0)] = shelf.holders[shelf.root(2 * LOOKS)] = [A]
    packs = shelf.packs()
    assert packs.next_pack() == (A, (shelf.root(0),))
    assert shelf.look.unfinished
    assert shelf.line.first() == shelf.root(LOOKS + 1)
    assert packs.next_pack() is None
    assert shelf.line.first() == shelf.root(LOOKS + 1), "no more in this turn"
    shelf.anew()
    assert shelf.packs().next_pack() == (A, (shelf.root(2 * LOOKS),))
    assert shelf.look.unfinished
    shelf.anew()
    assert shelf.packs().next_pack() is None
    assert not shelf.look.unfinished, "all of the line was seen"
