"""Effects: every wish is a frozen value, and the union names all of them."""

from __future__ import annotations

import dataclasses
import inspect
from typing import get_args

import pytest

from potluck.engine import effects, events
from potluck.engine.events import OrderId

PARTS = {"Member", "ServePieces", "ServeFiles", "PlaceItem"}  # of which wishes are made


def classes() -> dict[str, type]:
    """Every dataclass of the module."""
    own = {name: value for name, value in vars(effects).items() if inspect.isclass(value)}
    return {
        n: c
        for n, c in own.items()
        if c.__module__ == effects.__name__ and dataclasses.is_dataclass(c)
    }


def test_every_wish_is_in_the_union() -> None:
    assert {kind.__name__ for kind in get_args(effects.Effect)} == classes().keys() - PARTS


@pytest.mark.parametrize("kind", classes().values(), ids=classes())
def test_a_wish_is_frozen_and_says_what_it_means(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert (kind.__doc__ or "").rstrip().endswith(".")


def test_nothing_is_both_a_fact_and_a_wish() -> None:
    assert not classes().keys() & {kind.__name__ for kind in get_args(events.Event)}


def test_a_scan_is_of_the_own_folder_unless_it_says_otherwise() -> None:
    assert effects.Scan(OrderId(1), ()).own
