"""Unanswered calls of the disk: threads that wait in one are found, those that work are not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.engine import effects
from potluck.engine.events import BatchId, DiskSilent, Event, OrderId
from potluck.shells.disk.unanswered import SILENT_S, STOOD_STILL_S, UnansweredCalls, asked_of
from tests.devices import until
from tests.shells.disk.test_pool import FOLDER_ITEM, ITEM, Posted

A, B = parse_wire_path(b"d1/a"), parse_wire_path(b"d1/b")
FACT = DiskSilent((A,), 1.0)  # whatever fact
WAIT_S = 20.0


class Time:
    """Clocks that go when they are told to."""

    def __init__(self) -> None:
        self.now_s, self.used_s = 1000.0, 0.0

    def now(self) -> float:
        return self.now_s

    def used(self, _clock: int) -> float:
        if self.used_s < 0:
            raise OSError("no such thread")
        return self.used_s


class Asker:
    """A thread that asks a disk, which answers when it is let go on."""

    def __init__(self, silence: UnansweredCalls, *asked: SafePath, busy: bool = False) -> None:
        self.goes_on, begun = threading.Event(), threading.Event()
        self.facts: list[Event] = []

        def answers() -> Iterator[Event]:
            begun.set()
            while busy and not self.goes_on.is_set():
                pass
            self.goes_on.wait()
            yield FACT

        watched = silence.watched(asked, answers())
        self.thread = threading.Thread(target=lambda: self.facts.extend(watched), daemon=True)
        self.thread.start()
        assert begun.wait(WAIT_S)

    def end(self) -> None:
        self.goes_on.set()
        self.thread.join(WAIT_S)
        assert self.facts == [FACT]


@pytest.fixture
def clocks() -> Time:
    return Time()


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def silence(posted: Posted, clocks: Time) -> UnansweredCalls:
    return UnansweredCalls(posted, clocks.now, clocks.used)  # type: ignore[arg-type]


def pass_s(silence: UnansweredCalls, clocks: Time, seconds: float) -> None:
    """So much time passes, with a look now and then that finds nothing."""
    end_s = clocks.now_s + seconds
    while clocks.now_s + STOOD_STILL_S / 2 < end_s:
        clocks.now_s += STOOD_STILL_S / 2
        silence.look()
    clocks.now_s = end_s


def looked(silence: UnansweredCalls, posted: Posted) -> list[Event]:
    """What one look posts."""
    before = len(posted.events)
    silence.look()
    return posted.events[before:]


def test_who_waits_in_one_call_for_long_is_told_of_once(
    silence: UnansweredCalls, posted: Posted, clocks: Time
) -> None:
    asker = Asker(silence, A, B)
    pass_s(silence, clocks, SILENT_S - 1)
    assert looked(silence, posted) == []
    clocks.now_s += 1
    assert looked(silence, posted) == [DiskSilent((A, B), SILENT_S)]
    pass_s(silence, clocks, 100)
    assert looked(silence, posted) == []
    assert repr(silence) == "<UnansweredCalls: 1 at work, told: True>"
    asker.end()
    assert looked(silence, posted) == [DiskSilent((), 0.0)]
    assert looked(silence, posted) == []
    assert repr(silence) == "<UnansweredCalls: 0 at work, told: False>"


def test_whose_processor_time_goes_on_is_answered_however_slowly(
    silence: UnansweredCalls, posted: Posted, clocks: Time
) -> None:
    asker = Asker(silence, A)
    for _ in range(5):
        pass_s(silence, clocks, SILENT_S - 1)
        clocks.used_s += 0.000_001
        assert looked(silence, posted) == []
    pass_s(silence, clocks, SILENT_S)
    assert looked(silence, posted) == [DiskSilent((A,), SILENT_S)]
    clocks.used_s += 0.000_001
    assert looked(silence, posted) == [DiskSilent((), 0.0)], "it was not dead after all"
    asker.end()


def test_after_a_pause_of_the_program_itself_nothing_was_silent(
    silence: UnansweredCalls, posted: Posted, clocks: Time
) -> None:
    asker = Asker(silence, A)
    clocks.now_s += 10 * SILENT_S
    assert looked(silence, posted) == []
    pass_s(silence, clocks, SILENT_S)
    assert looked(silence, posted) == [DiskSilent((A,), SILENT_S)]
    asker.end()


def test_of_two_the_one_that_waits_longer_is_named_and_then_the_other(
    silence: UnansweredCalls, posted: Posted, clocks: Time
) -> None:
    first = Asker(silence, A)
    clocks.now_s += 5
    second = Asker(silence, B)
    pass_s(silence, clocks, SILENT_S - 6)
    assert looked(silence, posted) == []
    clocks.now_s += 1
    assert looked(silence, posted) == [DiskSilent((A,), SILENT_S)]
    pass_s(silence, clocks, 5)
    first.end()
    assert looked(silence, posted) == [DiskSilent((B,), SILENT_S)]
    second.end()
    assert looked(silence, posted) == [DiskSilent((), 0.0)]


def test_of_a_thread_that_is_gone_nothing_is_wrong_with_its_clock(
    silence: UnansweredCalls, posted: Posted, clocks: Time
) -> None:
    asker = Asker(silence, A)
    clocks.used_s = -1.0
    assert looked(silence, posted) == []
    asker.end()


def test_without_clocks_of_threads_nothing_is_silent(
    silence: UnansweredCalls, posted: Posted, clocks: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(time, "pthread_getcpuclockid")
    asker = Asker(silence, A)
    pass_s(silence, clocks, 2 * SILENT_S)
    assert looked(silence, posted) == []
    asker.end()


def test_the_clocks_of_the_system_stand_still_while_a_thread_waits(
    posted: Posted, clocks: Time
) -> None:
    silence = UnansweredCalls(posted, clocks.now)  # type: ignore[arg-type]
    waits = Asker(silence, A)

    def told() -> bool:
        pass_s(silence, clocks, SILENT_S + STOOD_STILL_S)
        silence.look()
        return [one.asked for one in posted.of(DiskSilent)] == [(A,)]

    until(told)
    waits.end()


def test_the_clocks_of_the_system_go_on_while_a_thread_works(posted: Posted, clocks: Time) -> None:
    silence = UnansweredCalls(posted, clocks.now)  # type: ignore[arg-type]
    works = Asker(silence, A, busy=True)
    (step,) = silence._steps.values()
    before_s = step.used_s
    until(lambda: looked(silence, posted) == [] and step.used_s > before_s)
    works.end()


def test_what_an_effect_is_about() -> None:
    order = OrderId(1)
    assert asked_of(effects.Look(order, (A, B))) == (A, B)
    assert asked_of(effects.Scan(order, (A,))) == (A,)
    assert asked_of(effects.Hash(order, ((A, 0), (B, 7)))) == (A, B)
    items = (ITEM, FOLDER_ITEM)
    paths = (ITEM.path, FOLDER_ITEM.path)
    assert asked_of(effects.Place(BatchId(1), items, "d1")) == paths
    assert asked_of(effects.Settle(BatchId(1), items)) == paths
    assert asked_of(effects.LookAtTop()) == ()
