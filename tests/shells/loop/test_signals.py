"""Signals: kept for the loop, handed on, given back; and the two that end a program at once.

Strategy: real signals to this process; what must end a process is tried on one of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from potluck.engine.events import LeaveAsked
from potluck.shells.loop import signals as module
from potluck.shells.loop.inbox import RecordAsked
from potluck.shells.loop.loop import Loop
from potluck.shells.loop.signals import LEAVE_SIGNALS, RECORD_SIGNAL, Signals
from tests.shells.peers import Kept


def a_loop() -> tuple[Loop, list[Any]]:
    """A loop that does not run, and what is posted to it."""
    inbox = Kept()
    world = SimpleNamespace(recorder=None, ballast=None, people=None)
    return Loop(cast("Any", None), cast("Any", world), cast("Any", None), inbox), inbox.facts


def handlers() -> dict[signal.Signals, object]:
    return {number: signal.getsignal(number) for number in (*LEAVE_SIGNALS, RECORD_SIGNAL)}


def test_a_wish_to_leave_is_kept_for_the_loop_and_handlers_are_given_back() -> None:
    before = handlers()
    (loop, posted), (later, posted_later) = a_loop(), a_loop()
    with Signals() as signals:
        signals.attach(loop)
        assert posted == []
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            os.kill(os.getpid(), number)
        assert posted == [LeaveAsked()] * 4
        signals.attach(later)
        assert posted_later == [LeaveAsked()]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert repr(signals).endswith("SIGUSR2 taken, leave asked=True>")
    assert handlers() == before


def test_the_record_is_asked_for_once_there_is_a_loop() -> None:
    loop, posted = a_loop()
    with Signals() as signals:
        os.kill(os.getpid(), RECORD_SIGNAL)  # too early: nothing to write, and no end either
        signals.attach(loop)
        assert posted == []
        os.kill(os.getpid(), RECORD_SIGNAL)
        assert posted == [RecordAsked()]


@pytest.mark.parametrize("asks", [False, True])
def test_of_a_first_ctrl_c_a_person_may_be_asked(*, asks: bool) -> None:
    loop, posted = a_loop()
    heard = list[bool]()

    def interrupted(_leave: Callable[[], None]) -> bool:
        heard.append(asks)
        return asks

    with Signals(interrupted) as signals:
        signals.attach(loop)
        os.kill(os.getpid(), signal.SIGINT)
        assert posted == ([] if asks else [LeaveAsked()])
        if asks:
            assert signal.getsignal(signal.SIGINT) is not signal.SIG_DFL
            os.kill(os.getpid(), signal.SIGINT)
            assert posted == [LeaveAsked()]
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert len(heard) == 1


def test_who_is_asked_about_it_can_have_it_leave_from_any_thread() -> None:
    loop, posted = a_loop()
    leaves = list[Callable[[], None]]()

    def interrupted(leave: Callable[[], None]) -> bool:
        leaves.append(leave)
        return True

    with Signals(interrupted) as signals:
        signals.attach(loop)
        os.kill(os.getpid(), signal.SIGINT)
        assert posted == []
        thread = threading.Thread(target=leaves[0])
        thread.start()
        thread.join()
        assert posted == [LeaveAsked()]


def test_whoever_was_asked_and_has_it_leave_ends_it_the_hard_way_next() -> None:
    loop, posted = a_loop()
    with Signals(lambda _leave: True) as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) is not signal.SIG_DFL
        signals.attach(loop)
        assert posted == [LeaveAsked()]
    with Signals(lambda _leave: True) as signals:
        signals.attach(loop)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert posted == [LeaveAsked()] * 2


def test_before_there_is_a_loop_nobody_is_asked() -> None:
    with Signals(lambda _leave: True) as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert repr(signals).endswith("leave asked=True>")


def test_a_second_sigint_kills() -> None:
    code = (
        "import os, signal\n"
        "from potluck.shells.loop.signals import Signals\n"
        "with Signals():\n    while True: os.kill(os.getpid(), signal.SIGINT)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], check=False, env=environment)
    assert ended.returncode == -signal.SIGINT


def test_a_closed_terminal_is_ignored_where_it_was_to_be_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_on_another_thread_signals_are_left_alone() -> None:
    before = handlers()
    seen: list[object] = []

    def enter() -> None:
        with module.Signals():
            seen.append(handlers())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


@pytest.mark.parametrize("number", LEAVE_SIGNALS)
def test_every_signal_to_leave_is_taken(number: signal.Signals) -> None:
    loop, posted = a_loop()
    with Signals() as signals:
        signals.attach(loop)
        os.kill(os.getpid(), number)
    assert posted == [LeaveAsked()]
