"""The own folder's relay: every story that one of its wires is told by, with all of them in place.

That each fails without its wire is shown in tests/engine/test_wiring.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from potluck.engine.own_relay import OwnRelay
from tests.engine import cutting
from tests.engine.test_wiring import NOTICED_BY

WIRES = [wire for wire in cutting.wires() if wire.startswith(f"{OwnRelay.__name__}.")]


def test_its_wires_are_among_those_that_are_cut() -> None:
    assert len(WIRES) == 12


@pytest.mark.parametrize("story", [*dict.fromkeys(NOTICED_BY[wire] for wire in WIRES)])
def test_what_it_tells_is_heard(story: Callable[[], None]) -> None:
    story()
