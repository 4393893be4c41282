"""What every test shares: the tier that is running, and how hard hypothesis tries in it.

Strategy: the tier comes from the environment (`POTLUCK_TIER`, set by `python3 pot.py test --full`),
so that a bare `pytest` behaves like the default tier. What a tier leaves out is decided here, in
one place; so is that one of many drawn runs (`volume`) does not begin when the time that the tier
has for them is over (`POTLUCK_VOLUME_UNTIL`), which only a slow machine sees.
"""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, settings

TIER = os.environ.get("POTLUCK_TIER", "default")
LEFT_OUT = {
    "default": {"full", "bench"},
    "full": {"bench"},
    "release": set(),
    "nightly": {"bench"},
}

# Derandomised in the default tier: a change must not fail on a seed that the last run did not see.
settings.register_profile("default", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("full", max_examples=1_000, deadline=None, print_blob=True)
settings.register_profile(
    "release",
    max_examples=10_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", settings.get_profile("full"))
settings.load_profile(TIER)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the tier does not hold, unless markers were asked for by hand."""
    if config.option.markexpr:
        return
    left_out = LEFT_OUT[TIER]
    gone = [item for item in items if any(item.get_closest_marker(name) for name in left_out)]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in set(gone)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out one of many when the time for them is over."""
    until_s = float(os.environ.get("POTLUCK_VOLUME_UNTIL", "inf"))
    if item.get_closest_marker("volume") and time.time() > until_s:
        pytest.skip("one of many runs: the time of this tier for them is over")


@pytest.fixture(scope="session")
def tier() -> str:
    """The tier that is running: `default`, `full`, `release` or `nightly`."""
    return TIER
