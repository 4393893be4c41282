"""When a scan is due: by the clock, at once, or soon but never without a rest."""

from __future__ import annotations

import pytest

from potluck.engine.own.due_scan import ODD_SCAN_S, DueScan
from potluck.engine.own.unwatched import REST
from tests.engine.builders import node

WAIT_S = 600.0


@pytest.fixture
def due_scan() -> DueScan:
    due_scan = DueScan(node())
    assert (due_scan.due_s <= due_scan._node.now, due_scan.hinted) == (True, False)
    due_scan.on_begun(WAIT_S)
    return due_scan


def in_s(due_scan: DueScan) -> float:
    return due_scan.due_s - due_scan._node.now


def test_a_scan_is_due_by_the_clock_and_at_once_if_something_happened(due_scan: DueScan) -> None:
    assert (in_s(due_scan), due_scan.hinted) == (WAIT_S, False)
    due_scan.on_overflow()
    assert (in_s(due_scan), due_scan.hinted) == (0.0, True)
    due_scan.on_begun(WAIT_S)
    assert (in_s(due_scan), due_scan.hinted) == (WAIT_S, False)
    due_scan.put_off(3.0)
    assert in_s(due_scan) == 3.0


def test_something_odd_is_scanned_for_soon_and_not_put_off_by_more_of_it(due_scan: DueScan) -> None:
    due_scan.on_odd()
    assert (in_s(due_scan), due_scan.hinted) == (ODD_SCAN_S, True)
    due_scan._node.now += 0.5
    due_scan.on_odd()
    assert in_s(due_scan) == ODD_SCAN_S - 0.5
    due_scan.on_begun(WAIT_S)
    assert (in_s(due_scan), due_scan.hinted) == (WAIT_S, False)


def test_odd_things_that_go_on_cause_no_scan_without_a_rest(due_scan: DueScan) -> None:
    due_scan.on_odd()  # while the scan is under way, so it may have missed it
    due_scan._node.now += 5.0
    due_scan.on_scanned(5.0)
    assert in_s(due_scan) == REST * 5.0
    due_scan._node.now += 10.0
    due_scan.on_odd()
    assert in_s(due_scan) == REST * 5.0 - 10.0
    due_scan.on_overflow()
    assert in_s(due_scan) == 0.0, "what may be anywhere does not wait"
    due_scan.on_begun(30.0)
    due_scan.on_odd()
    assert in_s(due_scan) == 30.0, "the clock comes first"
    assert repr(due_scan) == f"<DueScan at {due_scan.due_s:.1f}>"
