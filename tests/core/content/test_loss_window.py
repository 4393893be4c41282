"""The losses of an hour: each path once, and no longer than an hour."""

from __future__ import annotations

from potluck.core.content.breakers import LOSS_BURST_S, LOSS_WINDOW_S
from potluck.core.content.facts import NOTHING, Amount
from potluck.core.content.loss_window import Loss, LossWindow


def loss(path: str, size: int = 10) -> Loss:
    return Loss(path.encode(), size, b"root", replaced=False)


def test_a_path_is_lost_once_however_often_it_is_changed() -> None:
    window = LossWindow()
    window.note([loss("a"), loss("b", 5)], 1.0)
    window.note([loss("a", 99)], 2.0)
    assert window.amount(3.0) == Amount(2, 0, 15)
    assert window.losses(3.0) == [loss("a"), loss("b", 5)]
    assert repr(window) == "<LossWindow: 2 files>"


def test_what_was_not_lost_after_all_counts_no_more() -> None:
    window = LossWindow()
    window.note([loss("a"), loss("b", 5)], 1.0)
    window.forget([b"a", b"never"])
    assert window.amount(1.0) == Amount(1, 0, 5)
    window.forget([b"b"])
    assert window.amount(1.0) == NOTHING


def test_after_an_hour_a_loss_is_forgotten() -> None:
    window = LossWindow()
    window.note([loss("a")], 1.0)
    window.note([loss("b", 5)], 2.0)
    window.note([loss("a")], 3.0)  # keeps its time
    assert window.amount(LOSS_WINDOW_S + 0.9) == Amount(2, 0, 15)
    assert window.amount(LOSS_WINDOW_S + 1.0) == Amount(1, 0, 5)
    assert window.losses(LOSS_WINDOW_S + 2.0) == []


def test_a_window_of_seconds_forgets_after_them() -> None:
    window = LossWindow(LOSS_BURST_S)
    window.note([loss("a")], 1.0)
    assert window.amount(LOSS_BURST_S + 0.9) == Amount(1, 0, 10)
    assert window.amount(LOSS_BURST_S + 1.0) == NOTHING
