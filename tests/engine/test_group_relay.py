"""The group's relay: every story that one of its wires is told by, with all of them in place.

That each fails without its wire is shown in tests/engine/test_wiring.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from potluck.engine.group_relay import GroupRelay
from potluck.engine.wiring import Wiring
from tests.engine import cutting
from tests.engine.builders import node
from tests.engine.test_wiring import NOTICED_BY

WIRES = [wire for wire in cutting.wires() if wire.startswith(f"{GroupRelay.__name__}.")]
STORIES = dict.fromkeys(NOTICED_BY[wire] for wire in WIRES)


def test_its_wires_are_among_those_that_are_cut() -> None:
    assert len(WIRES) > 20


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_it_tells_is_heard(story: Callable[[], None]) -> None:
    story()


def test_a_group_that_is_new_begins_a_new_ring() -> None:
    parts = Wiring(node(1))
    parts.start()
    before = parts.circle.ring
    GroupRelay(parts).on_regrouped()
    assert parts.circle.ring is not before
