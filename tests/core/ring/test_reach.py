"""Reach: who is dialled, and who is left alone for how long."""

from __future__ import annotations

from itertools import pairwise

from potluck.core import limits
from potluck.core.ring.reach import Reach
from tests.core.fakes import BEN, CLEO

B, C = BEN.device, CLEO.device


def test_nobody_is_doubted_before_a_dial_failed() -> None:
    reach = Reach()
    assert reach.dialable(B, 0.0)
    reach.on_undialled(B, 0.0)
    assert not reach.dialable(B, 0.0)
    assert reach.dialable(C, 0.0)
    assert repr(reach) == "<Reach: 1 could not be dialled>"


def test_a_device_is_tried_again_ever_more_rarely() -> None:
    reach, now, tried = Reach(), 0.0, [0.0]
    for _ in range(5):
        reach.on_undialled(B, now)
        reach.on_undialled(B, now + 1.0)  # two workers dialled at the same time
        now = next(now + pause for pause in (60.0, 120.0, 300.0) if reach.dialable(B, now + pause))
        assert not reach.dialable(B, now - 0.1)
        tried.append(now)
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses == [*limits.UNDIALLED_S, 300.0, 300.0]


def test_one_dial_that_works_ends_all_doubt() -> None:
    reach = Reach()
    reach.on_undialled(B, 0.0)
    reach.on_undialled(B, 60.0)
    reach.on_dialled(B)
    reach.on_dialled(C)
    assert reach.dialable(B, 60.0)
    reach.on_undialled(B, 61.0)
    assert reach.dialable(B, 61.0 + limits.UNDIALLED_S[0])


def test_a_device_that_does_not_dial_when_asked_may_as_well_be_dialled() -> None:
    reach = Reach()
    reach.on_undialled(B, 0.0)
    reach.on_not_called(B, 4.0)
    reach.on_not_called(C, 4.0)
    assert reach.dialable(B, 4.0)
    reach.on_undialled(B, 5.0)
    assert not reach.dialable(B, 5.0 + limits.UNDIALLED_S[0]), "it is the second time"
