"""A trace of what an engine was told and what it wanted, and how to go through it once more.

Strategy: the engine is a function from what happened to what should be done, and everything it is
told is an immutable value. So a trace is a list of those values with their times, and a replay is
nothing but the same calls to a fresh engine made with the same settings, key, chance and instance
over an empty index. Whoever drives an engine (shells/loop, the simulation) writes one `Call` for
each call, failed ones included.

Guarantees: pure. Equal engines and an equal trace from the start give equal effects. Limits: a
trace whose beginning is lost can be read, not replayed; what engines look at besides (settings,
key, chance, index) is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from potluck.engine.effects import Effect
from potluck.engine.engine import Engine
from potluck.engine.events import Event


class Moment(Enum):
    """Calls to an engine that carry no event."""

    START = "start"
    TICK = "tick"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to an engine."""

    now: float  # the time it was given, seconds
    told: Event | Moment  # what it was told
    wanted: tuple[Effect, ...] | None  # what it wanted; None: it failed


def replay(engine: Engine, trace: Iterable[Call]) -> list[Call]:
    """Make the calls of a trace to a fresh engine; return them with what this one wanted.

    The result equals the trace if both engines are equal; calls that fail are in it as well.
    """
    return [Call(call.now, call.told, _again(engine, call)) for call in trace]


def _again(engine: Engine, call: Call) -> tuple[Effect, ...] | None:
    try:
        match call.told:
            case Moment.START:
                return tuple(engine.start(call.now))
            case Moment.TICK:
                return tuple(engine.on_tick(call.now))
            case _ as event:
                return tuple(engine.handle(event, call.now))
    except Exception:  # noqa: BLE001 # house: that a call failed is part of the trace
        return None
