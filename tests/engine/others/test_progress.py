"""Progress: what is on its way, and how much of it is here.

Strategy: the parts of one device, with wishes and facts put in by hand.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount, ManifestName, Spot
from potluck.core.content.loss_window import Loss
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Order, What
from potluck.core.content.swarm.room import FILE_BYTES
from potluck.core.wire.catalogue import FileRecord, Gap, Holding
from potluck.engine.events import BatchId, LinkId, OrderId, SpaceSeen
from potluck.engine.index.skip_list import SkipEntry
from potluck.engine.others.downloads import Want
from potluck.engine.others.group_commit import Batch
from potluck.engine.others.progress import Progress
from potluck.engine.wiring import Wiring
from tests.engine.builders import group, key, node
from tests.engine.index.builders import piece_list, place, receive, record, root_of

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
    assert (progress.senders(), progress.lacking(), progress.sample()) == ([], {}, None)
    assert repr(progress) == "<Progress fetching=False>"


def test_what_is_here_counts_in_each_folder_that_waits_for_it(parts: Wiring) -> None:
    content = piece_list(3)
    wanted = replace(record("a"), size=content.size_bytes)
    for name in (ANNAS, BERTS):
        receive(parts.node.index, [wanted], 1, name.owner)
        for path in (b"a", b"b"):
            parts.downloads.waiting.setdefault(content.root, {}).setdefault(name, {})[
                Spot(name, path)
            ] = Want(Spot(name, path), wanted, None)
    parts.downloads.swarm.want(content.root, content.size_bytes, content.piece_size)
    whole = Amount(1, 0, content.size_bytes)
    assert parts.progress.lacking() == {ANNAS: whole, BERTS: whole}
    parts.downloads.swarm.on_list(content)
    parts.downloads.swarm.on_pieces(content.root, [0])
    rest = Amount(1, 0, content.size_bytes - content.piece_size)
    assert parts.progress.lacking() == {ANNAS: rest, BERTS: rest}
    sample = parts.progress.sample()
    assert sample is not None
    assert (str(sample[0]), sample[1]) == ("d2/a", content.piece_size)


def test_what_nobody_here_could_bring_was_asked_for_in_vain(parts: Wiring) -> None:
    progress, downloads = parts.progress, parts.downloads
    assert not progress.in_vain(ANNAS), "nothing is wanted"
    wanted = record("a")
    downloads.want(Want(Spot(ANNAS, b"a"), wanted, None))
    assert progress.in_vain(ANNAS), "nobody is here"
    assert not progress.in_vain(BERTS)
    parts.node.peer(BERT).link = LinkId(1)
    parts.node.peer(BERT).kept[ANNAS] = Holding(*ANNAS, 1, 1, 1, wanted.size, 0)
    assert not progress.in_vain(ANNAS), "nobody was asked"
    download = downloads.swarm.downloads[Root(wanted.root)]
    download.retry_s[BERT] = 1.0
    assert progress.in_vain(ANNAS)
    download.orders.add(1)
    assert not progress.in_vain(ANNAS), "somebody is asked"
    download.orders.clear()
    del downloads.swarm.downloads[Root(wanted.root)]
    assert not progress.in_vain(ANNAS), "it is here, and to be placed"


def test_while_the_share_is_offline_all_of_it_is_lacking(parts: Wiring) -> None:
    index, wanted = parts.node.index, record("a")
    huge = replace(record("huge"), size=limits.FILE_MAX_BYTES)
    receive(index, [wanted], 1, ANNA)
    receive(index, [huge, replace(huge, path=b"too")], 1, BERT)
    index.places.put(ANNAS, [place(wanted)])
    all_here = Amount(2, 0, limits.FILE_MAX_BYTES)
    assert parts.progress.lacking() == {ANNAS: NOTHING, BERTS: all_here}
    parts.node.share_present = False
    assert parts.progress.lacking() == {ANNAS: Amount(1, 0, wanted.size), BERTS: all_here}


def test_what_waits_for_a_second_look_is_lacking_at_most_all_there_is(
    parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, here, wanted = parts.node.index, record("a"), record("b")
    receive(index, [here, wanted], 1, ANNA)
    index.places.put(ANNAS, [place(here)])
    assert parts.progress.absent == {}
    absent = {ANNAS: Amount(1, 0, here.size)}
    monkeypatch.setattr(parts.replica_check.missing, "absent", lambda: absent)
    both = Amount(2, 0, here.size + wanted.size)
    assert parts.progress.lacking() == {ANNAS: both}
    absent[ANNAS] = Amount(2, 1, 2 * both.size_bytes)
    assert parts.progress.lacking() == {ANNAS: both}


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
    assert ANNAS in parts.progress.unsettled()


def test_the_own_folder_is_unsettled_until_it_was_looked_at_and_unknown_while_in_doubt(
    parts: Wiring,
) -> None:
    own, rounds = parts.node.own_manifest, parts.own_folder.rounds
    assert parts.progress.unsettled() == {own}
    rounds.begin_scan(())
    rounds.end_scan([b"gone"])
    assert parts.progress.unsettled() == set()
    assert parts.progress.doubted
    parts.node.share_present = False
    assert not parts.progress.doubted, "of an offline share all is lacking, and that is said"
    parts.node.share_present = True
    rounds.end_scan([])
    assert not parts.progress.doubted


def test_what_is_to_be_decided_about_is_not_settled(parts: Wiring) -> None:
    parts.own_folder.rounds.abandon_scan()
    assert parts.progress.unsettled() == set()
    parts.receiving.look_again(Spot(ANNAS, b"a"))
    assert parts.progress.placing
    assert parts.progress.unsettled() == {ANNAS}
    parts.receiving.pending.clear()
    parts.receiving.catching_up.append((BERTS, b""))
    assert parts.progress.unsettled() == {BERTS}
    parts.receiving.catching_up.clear()
    parts.loss_breaker.held.hold(ANNAS, 1, [Loss(b"a", 1, b"root", replaced=False)])
    assert parts.progress.unsettled() == parts.progress.held == {ANNAS}, "held is not settled"
    assert parts.progress.held_back() == {ANNAS: Amount(1, 0, 1)}
    parts.node.share_present = False
    assert parts.progress.held_back() == {}, "it may be anywhere"


def test_what_is_skipped_is_told_of_the_folders_of_others_while_they_are_here(
    parts: Wiring,
) -> None:
    own = parts.node.own_manifest
    for owner in (ANNAS.owner, own.owner):
        receive(parts.node.index, [record("a.iso", text="123"), record("b")], 2, owner)
    parts.node.index.skip_list.set([SkipEntry(b"", "*.iso")], [])
    parts.node.index.needs.judge_skips(ANNAS)
    assert parts.progress.skipped() == {ANNAS: Amount(1, 0, 3)}
    parts.node.share_present = False
    assert parts.progress.skipped() == {}


def test_what_lacks_is_named_where_it_is_all_that_may_lack(
    parts: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, progress = parts.node.index, parts.progress
    for name in (ANNAS, BERTS, parts.node.own_manifest):
        receive(index, [record("a", 3), record("b", 4), record("c", 6)], 6, name.owner)
    index.places.put(ANNAS, [place(record("c", 6))])
    index.places.put(BERTS, [place(record(each, seq)) for each, seq in (("a", 3), ("c", 6))])
    unseen, held, absent = set[ManifestName](), set[ManifestName](), dict[ManifestName, Amount]()
    for what, kept in (("unseen", unseen), ("held", held), ("absent", absent)):
        monkeypatch.setattr(Progress, what, kept)
    found = {ANNAS: (Gap(3, 4),), BERTS: (Gap(4, 4),)}
    assert progress.gaps() == found
    for sure in (unseen, held):
        sure.add(ANNAS)
        assert progress.gaps() == {BERTS: found[BERTS]}
        sure.clear()
    absent[ANNAS] = Amount(1, 0, 1)
    assert progress.gaps() == {BERTS: found[BERTS]}
    absent.clear()
    index.places.put(BERTS, [place(record("b", 4))])
    assert progress.gaps() == {ANNAS: found[ANNAS]}, "nothing lacks"
    monkeypatch.setattr("potluck.engine.others.progress.GAPS_OF", 1)
    assert progress.gaps() == {}, "too much to be looked at"
    monkeypatch.undo()
    parts.node.share_present = False
    assert progress.gaps() == {}


def want(parts: Wiring, name: ManifestName, path: str, wanted: FileRecord) -> None:
    parts.downloads.want(Want(Spot(name, path.encode()), wanted, None))


def test_what_has_no_room_is_told_of_each_folder_that_waits_for_it(parts: Wiring) -> None:
    progress, room = parts.progress, parts.downloads.swarm.room
    large, small = record("large", text="l" * 9000), record("small", text="s" * 40)
    for name in (ANNAS, BERTS):
        want(parts, name, "large", large)
    want(parts, BERTS, "copy", large)
    want(parts, BERTS, "small", small)
    assert (progress.no_room(), progress.room_mark) == ({}, ())
    room.on_space(FILE_BYTES + 1000, 1000)
    mark = progress.room_mark
    assert not room.begin(Root(large.root), 3 * large.size)
    assert progress.no_room() == {ANNAS: Amount(1, 0, 9000), BERTS: Amount(2, 0, 18_000)}
    assert mark != progress.room_mark
    parts.node.share_present = False
    assert progress.no_room() == {}
    parts.node.share_present = True
    room.on_space(2**30, 2**31)
    assert (progress.no_room(), progress.room_mark) == ({}, ())


def test_on_a_full_disk_all_that_waits_has_no_room_but_for_what_comes(parts: Wiring) -> None:
    progress, downloads = parts.progress, parts.downloads
    content = piece_list(3)
    film = replace(record("film"), root=content.root, size=content.size_bytes)
    come, other = record("come", text="c" * 30), record("other", text="o" * 40)
    for one in (film, come, other):
        want(parts, ANNAS, one.path.decode(), one)
    downloads.swarm.on_list(content)
    downloads.swarm.on_pieces(content.root, [0])
    downloads.on_space(SpaceSeen(0, 2**40))
    rest = content.size_bytes - content.piece_size
    mark = progress.room_mark
    assert progress.no_room() == {ANNAS: Amount(3, 0, rest + 70)}
    order = Order(1, ANNA, What.PACK, (Root(come.root),))
    downloads.orders[OrderId(1)] = order
    downloads.swarm.downloads[Root(come.root)].orders.add(1)
    assert progress.no_room() == {ANNAS: Amount(2, 0, rest + 40)}, "it is on its way"
    assert progress.room_mark != mark
    mark = progress.room_mark
    downloads.swarm.on_files([Root(other.root)])
    assert progress.no_room() == {ANNAS: Amount(1, 0, rest)}, "all of it is here"
    del downloads.swarm.downloads[content.root]
    assert progress.no_room() == {}
    downloads.release(Spot(ANNAS, b"other"))
    assert progress.room_mark != mark
    downloads.on_space(SpaceSeen(2**39, 2**40))
    assert (progress.no_room(), progress.room_mark) == ({}, ())
