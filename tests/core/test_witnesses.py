"""Witnesses: an accuser is believed on credit, and the credit runs out."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.witnesses import Witnesses

M, X, Y = b"malice", b"target", b"another"


def test_the_same_accusation_may_be_repeated() -> None:
    witnesses = Witnesses()
    assert all(witnesses.listens(M, X, 1, now) for now in (0.0, 0.1, 5.0))
    assert witnesses.listens(M, X, 0, 5.0)


def test_another_accusation_of_the_same_target_waits_ten_seconds() -> None:
    witnesses = Witnesses()
    assert witnesses.listens(M, X, 1, 0.0)
    assert not witnesses.listens(M, X, 2, limits.ACCUSATION_S - 0.1)
    assert witnesses.listens(M, Y, 2, 1.0)
    assert witnesses.listens(Y, X, 2, 1.0)
    assert witnesses.listens(M, X, 2, limits.ACCUSATION_S)
    assert not witnesses.listens(M, X, 3, limits.ACCUSATION_S + 0.1)


def test_who_was_refuted_three_times_is_not_listened_to_for_a_minute() -> None:
    witnesses = Witnesses()
    for now in (0.0, 20.0, 40.0):
        assert witnesses.listens(M, X, int(now), now)
        witnesses.on_refuted([M], now)
    assert not witnesses.listens(M, Y, 1, 41.0)
    assert witnesses.listens(Y, X, 99, 41.0)
    assert not witnesses.listens(M, Y, 1, limits.DEAF_S - 0.1)
    assert witnesses.listens(M, Y, 1, limits.DEAF_S)


def test_memory_is_bounded_and_the_oldest_goes() -> None:
    witnesses = Witnesses()
    for number in range(limits.LIST_ITEMS + 1):
        assert witnesses.listens(M, number.to_bytes(4, "big"), 1, 0.0)
    assert len(witnesses._accused) == limits.LIST_ITEMS
    assert witnesses.listens(M, (0).to_bytes(4, "big"), 2, 0.0)
    assert not witnesses.listens(M, (5).to_bytes(4, "big"), 2, 0.0)
