"""Who may be asked for a content, and the effect that asks."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.swarm.download import Download, Order, What
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, FileAsk, FilesAsk, Holding, PiecesAsk
from potluck.engine.events import LinkId, OrderId
from potluck.engine.node import Node
from potluck.engine.others.holders import fetch_of, known_holders
from tests.engine import builders
from tests.engine.index.builders import head, piece_list, record

ANNA, BERT, CARL = (builders.key(number).device for number in (2, 3, 4))
ANNAS, BERTS = ManifestName.own(ANNA), ManifestName.own(BERT)
BIG = piece_list(3)


@pytest.fixture
def node() -> Node:
    node = builders.node(1)
    node.roster = builders.group(1, 2, 3, 4)
    for device in (ANNA, BERT, CARL):
        node.peer(device).link = LinkId(device[0])
        node.peer(device).address = Address("10.0.0.9", 7)
    return node


def test_the_owner_is_the_first_then_who_lacks_least(node: Node) -> None:
    for device, missing in ((BERT, 5), (CARL, 2)):
        node.peer(device).kept[ANNAS] = Holding(*ANNAS, 1, 1, missing, 0)
    holders = known_holders(node, {BIG.root: {ANNAS: {Spot(ANNAS, b"a"): None}}})
    assert holders(BIG.root) == [ANNA, CARL, BERT]
    node.peers[ANNA].link = None
    again = known_holders(node, {BIG.root: {ANNAS: {Spot(ANNAS, b"a"): None}}})
    assert again(BIG.root) == [CARL, BERT]


def test_who_lacks_all_of_the_version_that_is_known_is_not_asked(node: Node) -> None:
    """Each content of a folder that nobody has was asked of everybody, time and again."""
    big = record("a", text="twelve bytes")
    node.index.manifests.put(ANNAS, [big])
    node.index.manifests.set_head(head(node.index.manifests.root(ANNAS), 1, 1, ANNA))
    waiting = {BIG.root: {ANNAS: {Spot(ANNAS, b"a"): None}}}

    def asked(*said: int) -> list[DeviceId]:
        generation, seq, files, size_bytes = said
        node.peer(BERT).kept[ANNAS] = Holding(*ANNAS, generation, seq, files, size_bytes)
        return known_holders(node, waiting)(BIG.root)

    assert asked(1, 1, 1, big.size) == [ANNA]
    assert asked(1, 1, 1, big.size - 1) == [ANNA, BERT], "some pieces"
    assert asked(1, 1, 0, 0) == [ANNA, BERT]
    assert asked(1, 2, 1, big.size) == [ANNA, BERT], "of another version"


def test_of_two_owners_both_are_asked_and_of_nothing_nobody(node: Node) -> None:
    waiting = {BIG.root: {name: {Spot(name, b"a"): None} for name in (BERTS, ANNAS)}}
    other = piece_list(5)
    waiting[other.root] = {ANNAS: {Spot(ANNAS, b"b"): None}}
    holders = known_holders(node, waiting)
    assert holders(other.root) == [ANNA]
    assert set(holders(BIG.root)) == {ANNA, BERT}
    assert holders(piece_list(4).root) == []


@pytest.mark.parametrize(
    ("what", "ask"),
    [
        (What.PACK, FilesAsk([BIG.root])),
        (What.LIST, PiecesAsk(BIG.root)),
        (What.PIECES, FileAsk(BIG.root, [1])),
    ],
)
def test_an_order_becomes_the_effect_that_asks(node: Node, what: What, ask: object) -> None:
    download = Download(BIG.root, BIG.size_bytes, BIG.piece_size)
    download.learn(BIG)
    fetch = fetch_of(node, OrderId(7), Order(1, ANNA, what, (BIG.root,), (1,)), [download])
    assert (fetch.order, fetch.peer, fetch.ask) == (7, ANNA, ask)
    assert fetch.addresses == (Address("10.0.0.9", 7),)
    assert (fetch.content is BIG) == (what is What.PIECES)
    cut = ((BIG.size_bytes, BIG.piece_size),)
    assert fetch.sizes == (() if what is What.PIECES else cut)
