"""Progress: what is on its way, and how much of it is here.

Strategy: the parts of one device, with wishes and facts put in by hand.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.swarm.orders import Order, What
from potluck.engine.events import BatchId, OrderId
from potluck.engine.others.downloads import Want
from potluck.engine.others.group_commit import Batch
from potluck.engine.wiring import Wiring
from tests.engine.builders import group, key, node
from tests.engine.index.builders import piece_list, record, root_of

ANNA, BERT = key(2).device, key(3).device
ANNAS, BERTS = ManifestName.own(ANNA), ManifestName.own(BERT)


@pytest.fixture
def parts() -> Wiring:
    made = Wiring(node(1))
    made.node.roster = group(1, 2, 3)
    return made


def test_at_rest_nothing_is_on_its_way(parts: Wiring) -> None:
    progress = parts.progress
    assert (progress.fetching, progress.placing, progress.paused) == (False, False, "")
    assert (progress.senders(), progress.here_bytes(), progress.sample()) == ([], {}, None)
    assert repr(progress) == "<Progress fetching=False>"


def test_what_is_here_counts_in_each_folder_that_waits_for_it(parts: Wiring) -> None:
    content, wanted = piece_list(3), record("a")
    for name in (ANNAS, BERTS):
        for path in (b"a", b"b"):
            parts.downloads.waiting.setdefault(content.root, {}).setdefault(name, {})[
                Spot(name, path)
            ] = Want(Spot(name, path), wanted, None)
    parts.downloads.swarm.want(content.root, content.size_bytes, content.piece_size)
    assert parts.progress.here_bytes() == {}
    parts.downloads.swarm.on_list(content)
    parts.downloads.swarm.on_pieces(content.root, [0])
    assert parts.progress.here_bytes() == {ANNAS: content.piece_size, BERTS: content.piece_size}
    sample = parts.progress.sample()
    assert sample is not None
    assert (str(sample[0]), sample[1]) == ("d2/a", content.piece_size)


def test_what_is_complete_and_not_placed_is_no_sample(parts: Wiring) -> None:
    spot = Spot(ANNAS, b"a")
    parts.downloads.waiting[root_of("a")] = {ANNAS: {spot: Want(spot, record("a"), None)}}
    assert parts.progress.sample() is None


def test_who_is_asked_is_named_once(parts: Wiring) -> None:
    for number, peer in enumerate((BERT, ANNA, BERT)):
        parts.downloads.orders[OrderId(number)] = Order(number, peer, What.PACK, (root_of("a"),))
    assert parts.progress.fetching
    assert parts.progress.senders() == ["d2", "d3"]


def test_what_is_being_placed_and_why_nothing_is_fetched(parts: Wiring) -> None:
    parts.commits._batches[BatchId(1)] = Batch({}, changing={Spot(ANNAS, b"a")})
    parts.downloads.paused = "disk full"
    assert (parts.progress.placing, parts.progress.paused) == (True, "disk full")
    assert parts.progress.unsettled() == {ANNAS}


def test_what_is_to_be_decided_about_is_not_settled(parts: Wiring) -> None:
    assert parts.progress.unsettled() == set()
    parts.receiving.look_again(Spot(ANNAS, b"a"))
    assert parts.progress.placing
    assert parts.progress.unsettled() == {ANNAS}
    parts.receiving.pending.clear()
    parts.receiving.catching_up.append((BERTS, b""))
    assert parts.progress.unsettled() == {BERTS}
