"""Law 3: every machine of the core that waits for time has one face.

    on_<fact>(…[, now])  -> list[Action] | None    what happened; `now` last, where time matters
    deadline()           -> float | None           when to be called next
    on_tick(now)         -> list[Action]           what to do then

What a tick must know is told before it, by facts; what it needs of chance is given at construction.

Strategy: the machines are not listed here, they are found: every class in core that has one of the
two methods of time. The law is also held against made-up machines that break it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator

import pytest

import potluck.core
from potluck.core.ring.probing import Probing
from potluck.core.ring.ring import Ring


def core_classes() -> Iterator[type]:
    for found in pkgutil.walk_packages(potluck.core.__path__, "potluck.core."):
        module = importlib.import_module(found.name)
        for _, value in inspect.getmembers(module, inspect.isclass):
            if value.__module__ == module.__name__:
                yield value


MACHINES = sorted(
    (found for found in core_classes() if {"on_tick", "deadline"} & set(vars(found))),
    key=lambda machine: machine.__name__,
)


def is_actions(result: object) -> bool:
    return typing.get_origin(result) is list


def arguments_of(method: object) -> list[inspect.Parameter]:
    return list(inspect.signature(method).parameters.values())[1:]  # type: ignore[arg-type]


def breaches(machine: type) -> list[str]:
    """What is wrong with the face of a machine, in words."""
    methods = {name: method for name, method in vars(machine).items() if inspect.isfunction(method)}
    found = [f"{name} is missing" for name in ("on_tick", "deadline") if name not in methods]
    for name, method in methods.items():
        arguments, result = arguments_of(method), typing.get_type_hints(method).get("return")
        names = [argument.name for argument in arguments]
        if name == "deadline":
            if arguments or result not in (float, float | None):
                found.append("deadline() -> float | None")
        elif name == "on_tick":
            if names != ["now"] or not is_actions(result):
                found.append("on_tick(now) -> list[Action]")
        elif name.startswith("on_"):
            if not is_actions(result) and result is not type(None):
                found.append(f"{name} returns actions, or nothing")
            positional = [a.name for a in arguments if a.kind is a.POSITIONAL_OR_KEYWORD]
            if "now" in names and positional[-1:] != ["now"]:
                found.append(f"{name} takes `now` last")
    return found


def test_the_machines_are_found() -> None:
    assert {Probing, Ring} < set(MACHINES)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_every_machine_has_the_same_face(machine: type) -> None:
    assert breaches(machine) == []


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_every_machine_says_how_it_stands(machine: type) -> None:
    assert "__repr__" in vars(machine)


class NoDeadline:
    def on_tick(self, now: float) -> list[int]:
        return []


class TickWithFacts:
    def deadline(self) -> float:
        return 0.0

    def on_tick(self, ring: list[int], now: float) -> list[int]:
        return []


class TickWithoutActions:
    def deadline(self) -> float | None:
        return None

    def on_tick(self, now: float) -> None:
        return


class DeadlineThatNeedsToKnow:
    def deadline(self, wanted: list[int]) -> float | None:
        return None

    def on_tick(self, now: float) -> list[int]:
        return []


class FactThatAnswers:
    def deadline(self) -> float | None:
        return None

    def on_tick(self, now: float) -> list[int]:
        return []

    def on_word(self, now: float) -> bool:
        return True


class FactWithTimeInFront:
    def deadline(self) -> float | None:
        return None

    def on_tick(self, now: float) -> list[int]:
        return []

    def on_word(self, now: float, word: str) -> list[int]:
        return []


class Good:
    def deadline(self) -> float | None:
        return None

    def on_tick(self, now: float) -> list[int]:
        return []

    def on_word(self, word: str, now: float, *, loud: bool) -> list[int]:
        return []

    def on_place(self, place: str) -> None:
        return


@pytest.mark.parametrize(
    ("machine", "breach"),
    [
        (NoDeadline, "deadline is missing"),
        (TickWithFacts, "on_tick(now) -> list[Action]"),
        (TickWithoutActions, "on_tick(now) -> list[Action]"),
        (DeadlineThatNeedsToKnow, "deadline() -> float | None"),
        (FactThatAnswers, "on_word returns actions, or nothing"),
        (FactWithTimeInFront, "on_word takes `now` last"),
        (Good, None),
    ],
)
def test_the_law_can_fail(machine: type, breach: str | None) -> None:
    assert breaches(machine) == ([breach] if breach else [])
