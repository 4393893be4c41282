"""Withheld owners: over restarts, and only a person's decision counts again."""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import Folder, Head
from potluck.engine.withheld import (
    DECIDED_GENERATIONS,
    DECIDED_LEAST,
    WithheldOwners,
    is_decision,
)
from tests.engine.builders import key, node

BEN = key(2).device


def head(generation: int, folder: Folder = Folder.OWN) -> Head:
    """A head of d2's; nobody looks at its signature here."""
    name = ManifestName.own(BEN)
    return Head(name.owner, folder, generation, 1, 0, EMPTY_ROOT, b"run")


def test_nobody_is_withheld_at_first() -> None:
    withheld = WithheldOwners(node().index.meta)
    assert BEN not in withheld
    assert not withheld.withholds(head(1))
    assert repr(withheld) == "<WithheldOwners: 0>"


def test_only_a_generation_far_above_counts() -> None:
    withheld = WithheldOwners(node().index.meta)
    withheld.begin(BEN, 3)
    for generation in (1, 3, 4, 2 + DECIDED_LEAST):
        assert withheld.withholds(head(generation))
    assert not withheld.withholds(head(3 + DECIDED_LEAST))
    assert not withheld.withholds(head(3, Folder.EVERYONE)), "that is another folder"
    assert is_decision(3 + DECIDED_GENERATIONS, 3)
    assert withheld.owners() == [BEN]


def test_a_restart_frees_nothing_and_an_end_does() -> None:
    index = node().index
    WithheldOwners(index.meta).begin(BEN, 1 << 40)
    again = WithheldOwners(index.meta)
    assert BEN in again
    assert again.withholds(head((1 << 40) + 1))
    again.end(BEN)
    assert BEN not in again
    assert WithheldOwners(index.meta).owners() == []
