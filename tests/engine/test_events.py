"""Events: every fact is a frozen value, and the union names all of them."""

from __future__ import annotations

import dataclasses
import inspect
from typing import get_args

import pytest

from potluck.engine import disk_facts, events, folder_facts, person_acts

MODULES = {module.__name__ for module in (events, disk_facts, folder_facts, person_acts)}
PARTS = {
    "UnwrittenMarker",
    "Interface",
    "PathSeen",
    "TopEntry",
    "Mount",
    "NameRefused",
    "Unprepared",
    "Unreadable",
    "Hashed",
    "PartFound",
    "Placed",
}  # of which facts are made


def classes() -> dict[str, type]:
    """Every dataclass of the module."""
    every = {**vars(events), **vars(person_acts)}
    own = {name: value for name, value in every.items() if inspect.isclass(value)}
    return {n: c for n, c in own.items() if c.__module__ in MODULES and dataclasses.is_dataclass(c)}


def test_every_fact_is_in_the_union() -> None:
    assert {kind.__name__ for kind in get_args(events.Event)} == classes().keys() - PARTS


@pytest.mark.parametrize("kind", classes().values(), ids=classes())
def test_a_fact_is_frozen_and_says_what_it_means(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert not hasattr(kind, "__dict__") or "__slots__" in vars(kind)
    assert (kind.__doc__ or "").rstrip().endswith((".", ")"))


def test_equal_facts_are_equal() -> None:
    assert events.MadeDurable(1) == events.MadeDurable(1) != events.MadeDurable(2)


def test_words_that_leave_the_program_are_plain() -> None:
    assert [str(outcome) for outcome in events.Outcome] == [
        "done",
        "gone",
        "busy",
        "broken",
        "wrong",
        "disk",
    ]
    assert str(events.Placement.SOURCE_GONE) == "source gone"
