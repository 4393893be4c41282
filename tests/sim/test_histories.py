"""R2: no short history loses anything when the power fails at any of its points.

`POTLUCK_TIER=full` plays all but three operations in one moment; those as well, and with more than
three letters, by hand: `python -m tests.sim.histories --all`, which takes some minutes. Without
intents, or where none is settled, they all end well, too: a scan takes what stands as its owner
shares it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import pytest

from potluck.engine.effects import Effect
from potluck.engine.node import Node
from potluck.engine.own.lineage import Lineage
from tests import figures
from tests.sim.histories import History, histories

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
MOST = 3  # operations, to receive is one of them
ALL = [text for text in histories() if len(text) <= MOST]
CHOSEN = [text for text in ALL if len(text) < MOST or "R" in text] if FULL else ["M", "E", "N", "D"]
LEAST_POINTS = 12  # a deletion has so many


@pytest.fixture(scope="module")
def points() -> Iterator[dict[str, int]]:
    """How many points each history had where nothing was wrong, for the table at the end."""
    well: dict[str, int] = {}
    yield well
    said = (
        f"{len(well)} of {len(ALL)} histories, the power off at each of {sum(well.values()):,} "
        f"points: {len(CHOSEN) - len(well)} histories not well; left out: three operations in one "
        "moment (python -m tests.sim.histories --all)"
    )
    figures.record("R2", said, held=len(well) == len(CHOSEN))


@pytest.mark.parametrize("text", CHOSEN)
def test_no_point_at_which_the_power_fails_loses_anything(
    text: str, points: dict[str, int]
) -> None:
    cut = History(text).play()
    assert not cut.failures, "\n".join(cut.failures[:5])
    assert len(cut.points) >= LEAST_POINTS, cut.points
    points[text] = len(cut.points)


def at_once(self: Node, effects: Iterable[Effect]) -> None:
    self.do(*effects)


def nothing(_self: object, *_args: object) -> None:
    return None


@pytest.mark.parametrize(
    ("text", "owner", "name", "instead"),
    [
        ("E", Node, "when_durable", at_once),
        ("E", Lineage, "_add", nothing),
    ],
    ids=["before it is durable", "no lineage"],
)
def test_a_wrong_order_of_steps_is_noticed(
    text: str, owner: type, name: str, instead: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, instead)
    assert History(text).play().failures


def test_histories_are_all_and_each_once() -> None:
    every = histories()
    assert len(set(every)) == len(every)
    assert {"M", "E", "N", "D", "DM", "ERM", "NRE", "DRD"} <= set(every)
    assert "EE" not in every, "the engine cannot tell it from one edit"
    assert "DDD" not in every, "there are two files"
