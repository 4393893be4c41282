"""Folder facts: what is told of the own folder cannot change and hides nothing.

Strategy: that each is in the union of events, is frozen and says what it means is tested in
test_events.py.
"""

from __future__ import annotations

import dataclasses

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.engine.folder_facts import OrderId, PathsTouched, WatchDrained

PATH = parse_wire_path(b"d1/a")


def test_a_hint_cannot_be_changed_after_it_was_told() -> None:
    hint = PathsTouched((PATH,), overflow=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        hint.overflow = True  # type: ignore[misc]


def test_facts_of_the_same_kind_differ_by_what_they_say() -> None:
    assert WatchDrained(OrderId(1), sees_all=True) != WatchDrained(OrderId(1), sees_all=False)
