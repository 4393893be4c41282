"""Counted words: of what devices say that they hold, what is about the list that is known here.

Strategy: after a backup was put back an owner may sign the numbers of a lost life once more, so a
number does not say which list is meant; the run that signed it does. A word about a list that the
head held here does not go on from is taken for one that was taken back: nothing is known of that
device's copy. So is every word about the own list where none is known. A word about a later list of
another owner than the head held here is kept as it is, and judged again whenever it is looked at,
since that list may come from another run.

Guarantees: no word about a list of a lost life counts as one about the list held here. Limits: who
names no run, as an earlier version does, is believed; of who is more than RUNS_TOLD runs behind
nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import is_of_another_run
from potluck.core.wire.catalogue import Head, Holding
from potluck.engine.node import Node


def counted_words(node: Node, said: Iterable[Holding]) -> list[Holding]:
    """Return these words of a device, each as far as it counts now."""
    head = node.index.manifests.head
    return [counted_word(node, one, head(ManifestName.of(one))) for one in said]


def counted_word(node: Node, said: Holding, head: Head | None) -> Holding:
    """Return a word about a folder of which that head is held, or one that says nothing."""
    name = ManifestName.of(said)
    own = name == node.own_manifest
    lost = own and bool(said.instance)  # of a list that is not known here any more
    if head is not None:
        lost = is_of_another_run(said, head, own=own)
    return Holding(*name, 0, 0, 0, 0) if lost else said
