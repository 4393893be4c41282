"""Counted words: of what devices say that they hold, what is about the list that is known here.

Strategy: after a backup was put back an owner may sign the numbers of a lost life once more, so a
number does not say which list is meant; the run that signed it does. A word is kept as it was said
and judged whenever somebody reads it, by the head that is held here then: one about a list that
this head does not go on from is taken for one that was taken back, and nothing is known of that
device's copy, until the two lives are merged, say: then the same word may count. So is every word
about the own list where none is known. A later list of another owner than the head held here is
none that is known here, and its word is left as it is: no reader may take it for one about that
head.

Guarantees: no word about a list of a lost life counts as one about the list held here. Limits: who
names no run, as an earlier version does, is believed; of who is more than RUNS_TOLD runs behind
nothing is known; a virtual machine whose memory is restored goes on in the same run.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import is_of_another_run
from potluck.core.wire.catalogue import Head, Holding
from potluck.engine.node import Node, Peer


def counted_words(node: Node, said: Iterable[Holding]) -> list[Holding]:
    """Return these words of a device, each as far as it counts now."""
    head = node.index.manifests.head
    return [counted_word(node, one, head(ManifestName.of(one))) for one in said]


def word_of(node: Node, peer: Peer, name: ManifestName) -> Holding | None:
    """Return what a device said last of a folder, as far as that counts now."""
    said = peer.kept.get(name)
    return None if said is None else counted_word(node, said, node.index.manifests.head(name))


def counted_word(node: Node, said: Holding, head: Head | None) -> Holding:
    """Return a word about a folder of which that head is held, or one that says nothing."""
    name = ManifestName.of(said)
    own = name == node.own_manifest
    lost = own and bool(said.instance)  # of a list that is not known here any more
    if head is not None:
        lost = is_of_another_run(said, head, own=own)
    return Holding(*name, 0, 0, 0, 0) if lost else said
