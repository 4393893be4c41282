"""Absent files: what a mount hides and what is held, together."""

from __future__ import annotations

from potluck.core.content.facts import Amount
from tests.engine.index.builders import record
from tests.engine.owntree import Own


def test_what_is_held_is_not_here() -> None:
    own = Own()
    absent = own.own_folder.absent
    own.node.index.manifests.put(own.node.own_manifest, [record("a", 1)])
    own.publishing.held.hold([b"a"])
    assert (b"a" in absent, b"b" in absent, absent.amount.files) == (True, False, 1)
    assert repr(absent) == f"<AbsentFiles {tuple(absent.amount)}>"
    assert isinstance(absent.amount, Amount)
