"""One pair of honest daemons for all the attacks of a module, and a rogue that it has admitted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile import daemons
from tests.hostile.rogue import Control, Rogue


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[daemons.Pair]:
    """Two honest daemons that have met."""
    with daemons.pair(tmp_path_factory.mktemp("hostile")) as devices:
        yield devices


@pytest.fixture
def attacked(pair: daemons.Pair) -> Iterator[daemons.Pair]:
    """The pair; when the test is over it must be unharmed."""
    yield pair
    pair.unharmed()


@pytest.fixture(scope="module")
def rogue(pair: daemons.Pair) -> Iterator[Rogue]:
    """A member that the pair has admitted."""
    rogue = Rogue("rogue", pair)
    yield rogue
    rogue.close()


@pytest.fixture
def link(attacked: daemons.Pair, rogue: Rogue) -> Iterator[Control]:
    """A control link to the first of the pair."""
    control = rogue.control(attacked.a)
    yield control
    control.close()
