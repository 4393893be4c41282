"""Disk facts: what the disk is said to have done cannot change and hides nothing.

Strategy: that each is in the union of events, is frozen and says what it means is tested in
test_events.py.
"""

from __future__ import annotations

import dataclasses

import pytest

from potluck.engine.disk_facts import LogStuck, NotDurable, Placement


def test_a_failure_cannot_be_changed_after_it_was_told() -> None:
    fact = NotDurable("disk full", "/home/index", None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact.again_s = 1.0  # type: ignore[misc]


def test_what_is_tried_again_is_another_failure_than_what_is_not() -> None:
    assert NotDurable("disk full", "/home/index", None) != NotDurable(
        "disk full", "/home/index", 1.0
    )
    assert LogStuck("full", "df -h /", 5.0) != LogStuck("full", "", 5.0)


def test_each_placement_has_a_word_of_its_own() -> None:
    assert len(set(map(str, Placement))) == len(Placement)
