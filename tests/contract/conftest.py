"""Every test of the contract that takes a `seam` runs twice: over the fake and over the real disk.

Strategy: one fixture, two parameters; `fresh` makes many such disks, `both` gives the two side by
side, for tests that compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from potluck.shells.disk.fsops import Share
from tests.contract.seams import FakeSeam, RealSeam, Seam


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture(params=["fake", "real"])
def seam(request: pytest.FixtureRequest, share: Share) -> Seam:
    return FakeSeam() if request.param == "fake" else RealSeam(share)


@pytest.fixture(params=["fake", "real"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Seam]]:
    """Makes as many disks as a test wants."""
    numbers = count()
    with ExitStack() as shares:

        def make() -> Seam:
            if request.param == "fake":
                return FakeSeam()
            return RealSeam(shares.enter_context(Share(str(tmp_path / f"{next(numbers)}"))))

        yield make


@pytest.fixture
def both(share: Share) -> tuple[Seam, Seam]:
    return FakeSeam(), RealSeam(share)
