"""A trace goes through a fresh engine once more, and the same comes out.

Strategy: the calls of three whole engines on a wire are noted as a loop notes them, then each trace
is given to an engine made alike.
"""

from __future__ import annotations

from typing import Any

import pytest

from potluck.core.errors import DiskTrouble
from potluck.engine.effects import Effect
from potluck.engine.engine import Engine
from potluck.engine.events import LeaveAsked, RescanAsked
from potluck.engine.index import Index
from potluck.engine.recording import Call, Moment, replay
from tests.engine.builders import Chance, settings
from tests.engine.wire import Box, one_ring, ring


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> dict[Engine, list[Call]]:
    """What every engine made in this test was told and wanted, from its start."""
    noted: dict[Engine, list[Call]] = {}

    def watch(name: str) -> None:
        real = getattr(Engine, name)

        def watched(engine: Engine, *words: Any) -> list[Effect]:
            wanted: list[Effect] = real(engine, *words)
            told = {"start": Moment.START, "on_tick": Moment.TICK}.get(name, words[0])
            noted.setdefault(engine, []).append(Call(words[-1], told, tuple(wanted)))
            return wanted

        monkeypatch.setattr(Engine, name, watched)

    for name in ("start", "on_tick", "handle"):
        watch(name)
    return noted


def made_alike(box: Box) -> Engine:
    """An engine like the one in this box, which has seen nothing."""
    instance = bytes([box.number, box.run]) * 8
    index = Index.open(":memory:")
    return Engine(settings(box.number), box.key, index, Chance(box.run), instance)


def test_a_run_of_three_devices_is_repeated_call_by_call(
    traces: dict[Engine, list[Call]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, boxes = ring(3, seed=5)
    boxes[0].write("song.mp3", b"hello")
    assert wire.run(10.0, lambda: len(boxes[1].engine.files("d1").files) == 1)
    boxes[0].delete("song.mp3")
    boxes[2].hear(LeaveAsked())
    wire.run(5.0)
    assert one_ring(boxes[:2])
    monkeypatch.undo()
    for box in boxes:
        trace = traces[box.engine]
        assert len(trace) > 50
        assert sum(len(call.wanted or ()) for call in trace) > 50
        again = replay(made_alike(box), trace)
        assert again == trace


def test_another_engine_wants_something_else(
    traces: dict[Engine, list[Call]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, (ann, ben) = ring(2)
    wire.run(1.0)
    monkeypatch.undo()
    assert replay(made_alike(ben), traces[ann.engine]) != traces[ann.engine]


class Failing:
    """An engine that can nothing but start."""

    def start(self, _now: float) -> list[Effect]:
        return []

    def on_tick(self, _now: float) -> list[Effect]:
        raise DiskTrouble("the index cannot be written")

    def handle(self, _event: object, now: float) -> list[Effect]:
        raise ZeroDivisionError(now)


def test_calls_that_fail_are_part_of_a_trace() -> None:
    trace = [
        Call(0.0, Moment.START, ()),
        Call(1.0, Moment.TICK, None),
        Call(2.0, RescanAsked(), None),
    ]
    engine: Any = Failing()
    assert replay(engine, trace) == trace
