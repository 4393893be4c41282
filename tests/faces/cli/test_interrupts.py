"""A first Ctrl-C asks, if there is something to ask; else, and the second time, it leaves."""

from __future__ import annotations

import threading

import pytest

from potluck.core.errors import NotRunning
from potluck.faces.cli.interrupts import Interrupts

WAIT_S = 30.0


def test_before_somebody_can_be_asked_nobody_is() -> None:
    left = threading.Event()
    assert not Interrupts(lambda: ["sure?"], print).take(left.set)
    assert not left.is_set()


def test_what_is_asked_is_shown_once_and_the_second_is_not_taken() -> None:
    left = threading.Event()
    shown, is_shown = list[list[str]](), threading.Event()

    def show(lines: list[str]) -> None:
        shown.append(lines)
        is_shown.set()

    interrupts = Interrupts(lambda: ["sure?"], show)
    interrupts.start()
    assert interrupts.take(left.set)
    assert repr(interrupts) == "Interrupts(taken=True)"
    assert not interrupts.take(left.set)
    assert is_shown.wait(WAIT_S)
    assert shown == [["sure?"]]
    assert not left.is_set()


@pytest.mark.parametrize("answers", [True, False])
def test_without_a_question_it_leaves(*, answers: bool) -> None:
    left = threading.Event()

    def question() -> list[str]:
        if not answers:
            raise NotRunning("No potluck is running here.", "it was not started", "up")
        return []

    interrupts = Interrupts(question, print)
    interrupts.start()
    assert interrupts.take(left.set)
    assert left.wait(WAIT_S)
