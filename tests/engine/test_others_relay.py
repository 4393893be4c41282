"""The others' relay: every story that one of its wires is told by, with all of them in place.

That each fails without its wire is shown in tests/engine/test_wiring.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from potluck.engine.others_relay import (
    ConfirmationsRelay,
    FollowingRelay,
    ForgottenRelay,
    OthersRelay,
    SkippingRelay,
)
from tests.engine import cutting
from tests.engine.test_wiring import NOTICED_BY

PARTS = (ConfirmationsRelay, FollowingRelay, ForgottenRelay, OthersRelay, SkippingRelay)
RELAYS = [f"{relay.__name__}." for relay in PARTS]
WIRES = [wire for wire in cutting.wires() if wire.startswith(tuple(RELAYS))]
STORIES = dict.fromkeys(NOTICED_BY[wire] for wire in WIRES)


def test_its_wires_are_among_those_that_are_cut() -> None:
    assert len(WIRES) > 20


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_it_tells_is_heard(story: Callable[[], None]) -> None:
    story()
