"""One pair of honest daemons for all the attacks of a module, and a rogue that it has admitted.

What is counted for S4 are cases of tests that passed: proofs, and the others. It is written down
when the run ends, and only by a run of a whole part (parts.py): a few say nothing about all.

A proof shows that harm *can* be done once a guard is off. Many attacks are a race with a daemon,
which has two processors one day and a tenth of one the next, so a proof has three tries, and one
success is enough; the figure says how many needed more than the first. What must never happen has
one: a single harm is a fault.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.figures import record
from tests.hostile import daemons
from tests.hostile.parts import part_of
from tests.hostile.rogue import Control, Rogue

PROOFS = 30  # S4 in docs/figures.md: the part that measures nothing has so many by itself
PROOF_TRIES = 3
_passed: dict[str, bool] = {}  # by the id of the case
_proofs: set[str] = set()
_tried_again: set[str] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note which tests are proofs, and let these try again."""
    for item in items:
        if item.get_closest_marker("proof"):
            _proofs.add(item.nodeid)
            item.add_marker(pytest.mark.flaky(reruns=PROOF_TRIES - 1))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a case ended; what was skipped, or is tried again, counts for nothing."""
    outcome: str = report.outcome
    if outcome == "rerun":
        _tried_again.add(report.nodeid)
    elif not report.skipped and "tests/hostile/" in report.nodeid:
        _passed[report.nodeid] = _passed.get(report.nodeid, True) and report.passed


def pytest_sessionfinish() -> None:
    """Write down how many attacks of a part did no harm, and how many proofs there are."""
    part = part_of({name.partition("::")[0].rpartition("/")[2] for name in _passed})
    if not part:
        return
    harmless = sum(passed for name, passed in _passed.items() if name not in _proofs)
    proofs = sum(passed for name, passed in _passed.items() if name in _proofs)
    failed = sum(not passed for passed in _passed.values())
    record(
        "S4",
        f"{part}: {harmless} cases of attack that did no harm, {proofs} proofs that one does "
        f"without its guard ({len(_tried_again)} of them not at the first try), {failed} failed",
        held=not failed and (part == "measured" or proofs >= PROOFS),
    )


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """Have a link that nobody closed fail the test that left it, not the one that is running when
    the garbage collector comes by.
    """
    yield
    gc.collect()


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
