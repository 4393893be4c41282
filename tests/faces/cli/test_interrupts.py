"""A first Ctrl-C asks, if there is something to ask; else, and the second time, it leaves."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from potluck.core.errors import NotRunning
from potluck.faces.cli.interrupts import Interrupts
from tests.devices import until

WAIT_S = 30.0


@pytest.fixture
def left() -> Iterator[list[int]]:
    """Has something in it when this process is told to leave."""
    told = list[int]()
    before = signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    yield told
    signal.signal(signal.SIGTERM, before)


def test_before_somebody_can_be_asked_nobody_is() -> None:
    assert not Interrupts(lambda: ["sure?"], print).take()


def test_what_is_asked_is_shown_once_and_the_second_is_not_taken(left: list[int]) -> None:
    shown, is_shown = list[list[str]](), threading.Event()

    def show(lines: list[str]) -> None:
        shown.append(lines)
        is_shown.set()

    interrupts = Interrupts(lambda: ["sure?"], show)
    interrupts.start()
    assert interrupts.take()
    assert repr(interrupts) == "Interrupts(taken=True)"
    assert not interrupts.take()
    assert is_shown.wait(WAIT_S)
    assert shown == [["sure?"]]
    assert left == []


@pytest.mark.parametrize("answers", [True, False])
def test_without_a_question_it_leaves(left: list[int], *, answers: bool) -> None:
    def question() -> list[str]:
        if not answers:
            raise NotRunning("No potluck is running here.", "it was not started", "up")
        return []

    interrupts = Interrupts(question, print)
    interrupts.start()
    assert interrupts.take()
    until(lambda: left == [signal.SIGTERM])
