"""Looks: who can be asked in which turn, and how much may be looked at in vain."""

from __future__ import annotations

import pytest

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.looks import LOOKS, LOOKS_IN_ALL, OrderLook
from potluck.core.content.swarm.under_way import UnderWay
from potluck.core.keys.identity import DeviceId
from tests.core.content.swarm.crowd import small_content
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device


class Lagging(UnderWay):
    """Some were late a while ago; one owner has its share."""

    def __init__(self, *late: DeviceId) -> None:
        super().__init__()
        self.late = late

    def lags(self, peer: DeviceId, now: float) -> bool:
        return peer in self.late

    def has_its_share(self, owner: DeviceId | None, *, news: bool) -> bool:
        return owner == A


def download(number: int = 1) -> Download:
    one = small_content(number)
    return Download(one.root, one.size_bytes, one.piece_size)


def look_at(*holders: DeviceId, late: tuple[DeviceId, ...] = ()) -> OrderLook:
    return OrderLook(lambda _: holders, 0.0, Lagging(*late))


@pytest.mark.parametrize("owners", [0, 1, 5, 9, 33, 500, 5000])
def test_all_owners_together_have_so_many_looks_and_each_has_one(owners: int) -> None:
    look = OrderLook(lambda _: (), 0.0, UnderWay(), owners)
    assert 1 <= look.at_most <= LOOKS
    assert look.at_most * owners <= max(LOOKS_IN_ALL, owners)
    assert (look.at_most == LOOKS) == (owners * LOOKS <= LOOKS_IN_ALL)
    assert repr(look) == f"<OrderLook at {look.at_most} of each owner, unfinished=False>"


def test_who_was_late_is_asked_in_the_last_turn_for_what_nobody_else_has() -> None:
    one = download()
    both = look_at(A, B, late=(A,))
    assert both.willing(one) == [B]
    both.fair, both.last = True, True
    assert not both.is_due(), "nobody waits for it"
    alone = look_at(A, late=(A,))
    alone.owner = B
    assert alone.willing(one) == []
    assert alone.is_late(one.root)
    alone.owner = A
    assert not alone.is_late(one.root), "it is not its turn"
    alone.fair, alone.last = True, True
    assert alone.is_due()
    assert alone.willing(one) == [A]
    both.last = True
    assert both.willing(one) == []


def test_who_has_its_share_waits_for_the_second_turn() -> None:
    look = look_at(A)
    assert look.is_due()
    assert look.may_ask(B, news=True)
    look.fair = False
    assert not look.is_due()
    look.fair = True
    assert not look.may_ask(A, news=True)
    look.fair = False
    assert look.is_due()
    assert look.may_ask(A, news=True)
    assert look.first([A], news=True) == A


def test_who_rests_is_not_willing() -> None:
    one = download()
    one.retry_s[A] = 1.0
    look = look_at(A)
    assert look.willing(one) == []
    assert not look.is_late(Root(one.root))
