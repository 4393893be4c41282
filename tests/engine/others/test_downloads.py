"""Downloads as transcripts: who waits for a content, what is asked, what becomes of its parts.

Strategy: the real node and swarm; the test is the wire and the disk. `arrived` says what is told to
those who wait.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.pieces import PieceList, Root, file_root, zero_hash
from potluck.core.content.swarm.looks import LOOKS
from potluck.core.content.swarm.pace import SAMPLE_S
from potluck.core.content.swarm.room import FILE_BYTES, FREE_PART
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, FileAsk, FileRecord, FilesAsk, Holding, PiecesAsk
from potluck.engine.effects import CancelFetch, DropParts, Effect, Fetch, PruneTrash, Tell
from potluck.engine.events import (
    FetchEnded,
    FetchHeard,
    FilesVerified,
    LinkId,
    OrderId,
    Outcome,
    PartFound,
    PartsFound,
    PieceListHeard,
    PiecesVerified,
    SpaceSeen,
)
from potluck.engine.others.downloads import (
    KEPT_AGAIN_S,
    LOOK_ON_BUSY_S,
    LOOK_ON_S,
    Downloads,
    Want,
)
from tests.engine import builders
from tests.engine.index.builders import piece_list, record, root_of
from tests.engine.listeners import Heard

ANNA, BERT, CARL = (builders.key(number).device for number in (2, 3, 4))
ANNAS = ManifestName.own(ANNA)
BIG = piece_list(3)


class Wire:
    """Downloads, and what they asked the world for."""

    def __init__(self) -> None:
        self.node = builders.node(1)
        self.node.roster = builders.group(1, 2, 3, 4)
        self.heard = Heard()
        self.downloads = Downloads(self.node, self.heard)

    @property
    def arrived(self) -> list[list[Spot]]:
        return [[want.spot for want in wants] for wants in self.heard.of("on_arrived")]

    def link(self, *devices: DeviceId) -> None:
        for device in devices:
            peer = self.node.peer(device)
            peer.link, peer.address = LinkId(device[0]), Address("10.0.0.9", 7)
            self.downloads.on_peer(device)

    def keeps(self, device: DeviceId, owner: DeviceId, missing: int) -> None:
        name = ManifestName.own(owner)
        self.node.peer(device).kept[name] = Holding(*name, 1, 1, missing, 0)
        self.downloads.on_kept(device, {owner})

    def want(self, of: FileRecord, owner: DeviceId = ANNA) -> Spot:
        spot = Spot(ManifestName.own(owner), of.path)
        self.downloads.want(Want(spot, of, None))
        return spot

    def effects(self) -> list[Effect]:
        self.downloads.ask()
        return self.node.take()

    def fetches(self) -> list[Fetch]:
        return [effect for effect in self.effects() if isinstance(effect, Fetch)]

    def fetch(self) -> Fetch:
        (fetch,) = self.fetches()
        return fetch

    def end(self, fetch: Fetch, outcome: Outcome = Outcome.DONE, detail: str = "") -> None:
        assert self.downloads.on_ended(FetchEnded(fetch.order, outcome, detail))

    def bring(self, fetch: Fetch) -> None:
        assert isinstance(fetch.ask, FilesAsk)
        roots = tuple(Root(root) for root in fetch.ask.roots)
        self.downloads.on_files(FilesVerified(fetch.order, roots, 5))
        self.end(fetch)


@pytest.fixture
def wire() -> Wire:
    wire = Wire()
    wire.link(ANNA)
    return wire


def big(path: str = "big", content: PieceList = BIG) -> FileRecord:
    return replace(record(path), root=content.root, size=content.size_bytes)


# -- asking ----------------------------------------------------------------------------------------
def test_small_contents_are_asked_in_one_pack_and_arrive(wire: Wire) -> None:
    wire.want(record("a"))
    wire.want(record("b"))
    fetch = wire.fetch()
    assert fetch.ask == FilesAsk([root_of("a"), root_of("b")])
    assert fetch.sizes == ((1, limits.PIECE_MIN_BYTES),) * 2
    assert (fetch.peer, fetch.addresses) == (ANNA, (Address("10.0.0.9", 7),))
    wire.bring(fetch)
    assert wire.arrived == [[Spot(ANNAS, b"a")], [Spot(ANNAS, b"b")]]
    assert wire.downloads.parts[root_of("a")] == PieceList(
        root_of("a"), 1, limits.PIECE_MIN_BYTES, b""
    )
    assert wire.downloads.received_bytes == 5
    assert wire.fetches() == []


def test_a_large_content_is_listed_first_then_asked_in_pieces(wire: Wire) -> None:
    wire.want(big())
    fetch = wire.fetch()
    assert (fetch.ask, fetch.sizes) == (PiecesAsk(BIG.root), ((BIG.size_bytes, BIG.piece_size),))
    wire.downloads.on_list(PieceListHeard(fetch.order, BIG))
    assert wire.node.index.contents.get(BIG.root) == BIG
    wire.end(fetch)
    fetch = wire.fetch()
    assert (fetch.ask, fetch.content) == (FileAsk(BIG.root, [0, 1, 2]), BIG)
    wire.downloads.on_pieces(PiecesVerified(fetch.order, BIG.root, (0, 1), 7))
    assert wire.arrived == []
    wire.downloads.on_pieces(PiecesVerified(fetch.order, BIG.root, (2,), 4))
    assert wire.arrived == [[Spot(ANNAS, b"big")]]
    wire.downloads.on_pieces(PiecesVerified(fetch.order, BIG.root, (2,), 4))
    assert len(wire.arrived) == 1
    wire.end(fetch)
    assert wire.downloads.received_bytes == 15
    assert wire.heard.of("on_received") == [(ANNA, 7), (ANNA, 4), (ANNA, 4)]


def test_a_content_of_zeros_needs_only_its_list(wire: Wire) -> None:
    size = 2 * limits.PIECE_MIN_BYTES
    hashes = zero_hash(limits.PIECE_MIN_BYTES) * 2
    zeros = PieceList(
        file_root(size, limits.PIECE_MIN_BYTES, hashes), size, limits.PIECE_MIN_BYTES, hashes
    )
    wire.want(big(content=zeros))
    wire.downloads.on_list(PieceListHeard(wire.fetch().order, zeros))
    assert wire.arrived == [[Spot(ANNAS, b"big")]]


def test_a_list_that_is_not_wanted_or_not_as_promised_is_left(wire: Wire) -> None:
    wire.downloads.on_list(PieceListHeard(OrderId(1), BIG))
    assert wire.node.index.contents.get(BIG.root) is None
    wire.want(replace(big(), size=BIG.size_bytes + 1))
    wire.downloads.on_list(PieceListHeard(OrderId(1), BIG))
    assert wire.node.index.contents.get(BIG.root) is None


def test_nothing_is_asked_while_nothing_happens(wire: Wire) -> None:
    assert wire.downloads.deadline() is not None
    assert wire.fetches() == []
    assert wire.downloads.deadline() is None
    assert wire.fetches() == []


def test_an_end_of_somebody_elses_order_is_not_ours(wire: Wire) -> None:
    assert not wire.downloads.on_ended(FetchEnded(OrderId(1), Outcome.DONE, ""))


def test_nothing_is_asked_while_leaving_or_offline(wire: Wire) -> None:
    wire.want(record("a"))
    wire.node.leaving = True
    assert (wire.downloads.deadline(), wire.fetches()) == (None, [])
    wire.node.leaving, wire.node.share_present = False, False
    assert (wire.downloads.deadline(), wire.fetches()) == (None, [])
    wire.node.share_present = True
    assert len(wire.fetches()) == 1


# -- who waits -------------------------------------------------------------------------------------
def test_a_content_wanted_twice_is_fetched_once_and_told_to_both(wire: Wire) -> None:
    wire.want(record("b", text="x"))
    wire.want(record("a", text="x"))
    wire.bring(wire.fetch())
    assert wire.arrived == [[Spot(ANNAS, b"a"), Spot(ANNAS, b"b")]]


def test_wanting_again_changes_nothing(wire: Wire) -> None:
    wanted = record("a")
    spot = wire.want(wanted)
    wire.want(wanted)
    wire.downloads.release(spot)
    wire.downloads.release(spot)
    assert wire.downloads.swarm.downloads == {}


def test_a_content_is_fetched_as_long_as_somebody_waits(wire: Wire) -> None:
    first, second, third = (
        wire.want(record("a", text="x")),
        wire.want(record("b", text="x")),
        wire.want(record("c", text="x"), BERT),
    )
    fetch = wire.fetch()
    assert str(wire.downloads.path_of(root_of("x"))) == "d2/a"
    wire.downloads.release(first)
    wire.downloads.release(second)
    assert str(wire.downloads.path_of(root_of("x"))) == "d3/c"
    assert wire.effects() == []
    wire.downloads.release(third)
    assert wire.downloads.path_of(root_of("x")) is None
    assert wire.effects() == [CancelFetch(fetch.order), DropParts((root_of("x"),))]


def test_a_spot_waits_for_one_content_at_a_time(wire: Wire) -> None:
    wire.want(record("a", text="old"))
    wire.fetch()
    wire.want(record("a", text="new"))
    assert set(wire.downloads.swarm.downloads) == {root_of("new")}
    wire.want(record("a", text="new", mtime_ns=9))
    wire.bring(wire.fetch())
    assert wire.arrived == [[Spot(ANNAS, b"a")]]


def test_a_spot_that_wants_its_content_with_another_time_waits_for_what_is_on_its_way(
    wire: Wire,
) -> None:
    wire.want(record("a"))
    fetch = wire.fetch()
    wire.want(record("a", mtime_ns=9))
    assert wire.effects() == []
    wire.bring(fetch)
    (want,) = wire.heard.of("on_arrived")[0]
    assert want.record.mtime_ns == 9


def test_what_comes_when_nobody_wants_it_any_more_is_dropped(wire: Wire) -> None:
    wire.downloads.on_files(FilesVerified(OrderId(1), (root_of("x"),), 1))
    wire.downloads.on_pieces(PiecesVerified(OrderId(1), BIG.root, (0,), 1))
    assert wire.effects() == [DropParts((root_of("x"),)), DropParts((BIG.root,))]


def test_a_part_that_was_begun_after_nobody_wanted_it_any_more_goes_too(wire: Wire) -> None:
    spot = wire.want(record("a"))
    order = wire.fetch().order
    wire.downloads.release(spot)
    assert wire.effects() == [CancelFetch(order), DropParts((root_of("a"),))]
    assert wire.downloads.on_ended(FetchEnded(order, Outcome.BROKEN, "cancelled"))
    assert wire.effects() == [DropParts((root_of("a"),))]


def test_a_part_that_somebody_wants_again_stays_when_an_order_that_was_called_off_ends(
    wire: Wire,
) -> None:
    spot = wire.want(record("a"))
    order = wire.fetch().order
    wire.downloads.release(spot)
    wire.want(record("b", text="a"))
    wire.effects()
    assert wire.downloads.on_ended(FetchEnded(order, Outcome.BROKEN, "cancelled"))
    assert not [effect for effect in wire.effects() if isinstance(effect, DropParts)]


def test_a_part_goes_when_nobody_waits_for_it_any_more(wire: Wire) -> None:
    spot = wire.want(record("a"))
    wire.bring(wire.fetch())
    wire.downloads.release(spot)
    assert wire.effects() == [DropParts((root_of("a"),))]
    assert wire.downloads.parts == {}


def test_a_part_that_was_placed_needs_no_dropping_and_the_others_are_named(wire: Wire) -> None:
    first, second = wire.want(record("a", text="x")), wire.want(record("b", text="x"))
    wire.bring(wire.fetch())
    assert wire.downloads.on_part_gone(root_of("x")) == [first, second]
    wire.downloads.release(first)
    wire.downloads.release(second)
    assert wire.downloads.on_part_gone(root_of("x")) == []
    assert wire.effects() == []


def test_who_comes_when_the_part_is_here_waits_for_it_to_be_placed(wire: Wire) -> None:
    wire.want(record("a", text="x"))
    wire.bring(wire.fetch())
    wire.want(record("b", text="x"))
    assert wire.fetches() == []
    assert wire.downloads.on_part_gone(root_of("x")) == [Spot(ANNAS, b"a"), Spot(ANNAS, b"b")]


def test_a_part_that_is_lost_is_no_longer_here_and_is_fetched_when_it_is_wanted(wire: Wire) -> None:
    wire.want(record("a", text="x"))
    wire.bring(wire.fetch())
    wire.downloads.on_part_gone(root_of("x"))
    assert wire.downloads.parts == {}
    wire.want(record("b", text="x"))
    assert wire.fetch().ask == FilesAsk([root_of("x")])


# -- whom ------------------------------------------------------------------------------------------
def test_the_owner_is_asked_first_then_who_lacks_least() -> None:
    wire = Wire()
    wire.link(BERT, CARL)
    wire.keeps(BERT, ANNA, 5)
    wire.keeps(CARL, ANNA, 0)
    wire.want(record("a"))
    fetch = wire.fetch()
    assert fetch.peer == CARL
    wire.end(fetch, Outcome.GONE)
    fetch = wire.fetch()
    assert fetch.peer == BERT
    wire.link(ANNA)
    wire.end(fetch, Outcome.BROKEN)
    assert wire.fetch().peer == ANNA


def test_of_all_that_have_it_the_owner_is_asked() -> None:
    wire = Wire()
    wire.link(BERT, ANNA)
    wire.keeps(BERT, ANNA, 0)
    wire.want(record("a"))
    assert wire.fetch().peer == ANNA


def test_a_content_of_two_owners_is_asked_from_both() -> None:
    wire = Wire()
    wire.link(BERT)
    wire.want(record("a", text="x"), ANNA)
    assert wire.fetches() == []
    wire.want(record("b", text="x"), BERT)
    assert wire.fetch().peer == BERT


def test_a_device_that_comes_to_hold_something_is_asked_soon() -> None:
    wire = Wire()
    wire.link(BERT)
    wire.want(record("a"))
    assert wire.fetches() == []
    wire.keeps(BERT, ANNA, 0)
    assert wire.downloads.deadline() == KEPT_AGAIN_S
    wire.node.now = KEPT_AGAIN_S
    assert wire.fetch().peer == BERT


def test_a_holder_that_failed_is_asked_again_after_a_rest(wire: Wire) -> None:
    wire.want(record("a"))
    wire.end(wire.fetch(), Outcome.BROKEN)
    assert wire.fetches() == []
    assert wire.downloads.deadline() == limits.RETRY_S
    wire.node.now = limits.RETRY_S
    assert wire.fetch().peer == ANNA


def test_each_holder_that_failed_is_asked_again_after_its_own_rest() -> None:
    wire = Wire()
    wire.link(ANNA, BERT)
    wire.want(record("a"), ANNA)
    wire.want(record("b"), BERT)
    first, second = wire.fetches()
    wire.end(first, Outcome.BROKEN)
    wire.node.now = 0.5
    wire.end(second, Outcome.BROKEN)
    assert wire.fetches() == []
    for due, peer in ((limits.RETRY_S, first.peer), (limits.RETRY_S + 0.5, second.peer)):
        assert wire.downloads.deadline() == due
        wire.node.now = due
        assert wire.fetch().peer == peer


def test_who_lacks_it_is_asked_rarely_until_it_says_something_new(wire: Wire) -> None:
    wire.want(record("a"))
    times = list[float]()
    while wire.node.now < 300.0:
        for fetch in wire.fetches():
            times.append(wire.node.now)
            wire.end(fetch, Outcome.GONE)
        due_s = wire.downloads.deadline()
        assert due_s is not None
        wire.node.now = max(due_s, wire.node.now)
    for fetch in wire.fetches():
        wire.end(fetch, Outcome.GONE)
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[:6] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0]
    assert max(pauses) == 60.0
    wire.keeps(ANNA, BERT, 0)
    wire.node.now += KEPT_AGAIN_S
    assert wire.fetches() == [], "of another folder"
    wire.node.now += limits.RETRY_S
    wire.keeps(ANNA, ANNA, 0)
    wire.node.now += KEPT_AGAIN_S
    assert wire.fetch().peer == ANNA


def test_a_holder_that_was_busy_is_asked_again_as_soon_however_often(wire: Wire) -> None:
    wire.want(record("a"))
    wire.want(record("b"))
    wire.end(wire.fetch(), Outcome.BROKEN)
    wire.node.now = limits.RETRY_S
    for _ in range(10):
        wire.end(wire.fetch(), Outcome.BUSY)
        assert wire.fetches() == []
        assert wire.downloads.deadline() == wire.node.now + limits.BUSY_AGAIN_S
        wire.node.now += limits.BUSY_AGAIN_S
    assert wire.fetch().peer == ANNA


def test_what_a_peer_brings_decides_how_much_is_asked_of_it_at_once(wire: Wire) -> None:
    wire.want(record("a"))
    fetch = wire.fetch()
    wire.node.now = 1.0
    wire.downloads.on_files(FilesVerified(fetch.order, (root_of("a"),), 10 * limits.PACK_BYTES))
    wire.downloads.on_files(FilesVerified(OrderId(77), (), 1))  # of an order that is over
    wire.end(fetch, Outcome.DONE)
    for number in range(20):
        wire.want(replace(record(f"{number}"), size=limits.PIECE_MIN_BYTES))
    assert [len(one.sizes) for one in wire.fetches()] == [16, 4]


def test_a_look_that_had_more_to_see_goes_on_a_moment_later_and_ends() -> None:
    """One call looked at all of it: with many members that are busy that took seconds."""
    wire = Wire()
    wire.link(BERT)
    for number in range(3 * LOOKS):
        wire.want(record(f"{number}", text=f"{number}"), ANNA)
    assert wire.fetches() == []
    wire.keeps(BERT, ANNA, 0)
    wire.node.peer(BERT).kept.clear()
    times: list[float] = []
    while (time := wire.downloads.deadline()) is not None:
        assert len(times) < 10, times
        times.append(round(time, 6))
        wire.node.now = time
        assert wire.fetches() == []
    assert times[:2] == [LOOK_ON_S, 2 * LOOK_ON_S]
    assert times[2] == KEPT_AGAIN_S, "what is to come is not forgotten"
    assert len(times) == 5


def test_while_orders_are_under_way_a_look_goes_on_later() -> None:
    wire = Wire()
    wire.link(BERT)
    wire.want(record("b", text="b"), BERT)
    for number in range(2 * LOOKS):
        wire.want(record(f"{number}", text=f"{number}"), ANNA)
    assert wire.fetch().peer == BERT
    assert wire.downloads.deadline() == LOOK_ON_BUSY_S
    wire.node.now = LOOK_ON_BUSY_S
    assert wire.fetches() == []
    assert wire.downloads.deadline() is None


def test_ends_of_a_crowd_that_is_busy_bring_on_one_look_for_several() -> None:
    """Each brought on one: a crowd that answers at once kept this device busy."""
    wire = Wire()
    wire.link(BERT, CARL)
    for number in range(2 * LOOKS):
        wire.want(record(f"{number}", text=f"{number}"), ANNA)
    for text, owner in (("b", BERT), ("c", CARL)):
        wire.want(record(text, text=text), owner)
    first, second = wire.fetches()
    wire.node.now = LOOK_ON_S / 4
    for fetch in (first, second):
        wire.end(fetch, Outcome.BUSY)
    assert wire.downloads.deadline() == LOOK_ON_S
    wire.want(record("d", text="d"), BERT)
    assert wire.downloads.deadline() == wire.node.now, "a wish is looked for at once"
    wire.node.now = LOOK_ON_S
    assert wire.fetches() == []
    wire.node.now = LOOK_ON_S / 4 + limits.BUSY_AGAIN_S
    found = wire.fetches()
    assert {fetch.peer for fetch in found} == {BERT, CARL}
    wire.node.now += LOOK_ON_S
    wire.end(found[0], Outcome.BUSY)
    assert wire.downloads.deadline() == wire.node.now, "the last look was long enough ago"


# -- trouble ---------------------------------------------------------------------------------------
def test_wrong_bytes_are_told(wire: Wire) -> None:
    wire.want(record("a"))
    wire.end(wire.fetch(), Outcome.WRONG)
    assert [tell.code for tell in builders.taken(wire.node, Tell)] == ["wrong_content"]


def test_a_disk_that_cannot_be_written_is_told_once_until_it_can(wire: Wire) -> None:
    wire.link(BERT)
    told = []
    for number, detail in enumerate(["full", "full", "worn out"]):
        wire.want(record(f"{number}"))
        wire.want(record("big", text="b"))
        fetch = wire.fetches()[0]
        wire.end(fetch, Outcome.DISK, detail)
        told += [tell.text for tell in builders.taken(wire.node, Tell)]
    assert told == ["cannot write here: full", "cannot write here: worn out"]
    wire.want(record("c"))
    fetch = wire.fetch()
    wire.downloads.on_files(FilesVerified(fetch.order, (root_of("c"),), 1))
    wire.end(fetch, Outcome.DISK, "worn out")
    assert len(builders.taken(wire.node, Tell)) == 1


def test_what_could_not_be_written_is_named(wire: Wire) -> None:
    for name in ("a", "b"):
        wire.want(record(name))
    fetch = wire.fetch()
    wire.downloads.release(Spot(ANNAS, b"b"))
    wire.end(fetch, Outcome.DISK, "full")
    (trouble,) = wire.node.troubles.all()
    assert trouble.subject == str(wire.node.layout.path_of(Spot(ANNAS, b"a")))
    assert trouble.next_s == wire.node.now + limits.RETRY_S


def test_a_piece_that_could_be_written_ends_the_trouble_with_the_disk(wire: Wire) -> None:
    wire.link(BERT)
    for _ in range(2):
        wire.want(record("a"))
        wire.end(wire.fetches()[0], Outcome.DISK, "full")
        assert [tell.code for tell in builders.taken(wire.node, Tell)] == ["disk"]
        wire.downloads.on_pieces(PiecesVerified(OrderId(1), BIG.root, (0,), 1))
        wire.node.now += limits.RETRY_S


def test_what_others_say_of_their_trouble_is_not_ours(wire: Wire) -> None:
    wire.want(record("a"))
    wire.end(wire.fetch(), Outcome.BUSY, "two fetches are enough")
    assert builders.taken(wire.node, Tell) == []


def test_a_full_disk_pauses_and_resumes(wire: Wire) -> None:
    wire.want(record("a"))
    wire.downloads.on_space(SpaceSeen(100 * limits.MIB, 100 * limits.GIB))
    assert wire.downloads.paused == "disk full"
    assert [(t.code, t.level) for t in builders.taken(wire.node, Tell)] == [("paused", "error")]
    wire.downloads.on_space(SpaceSeen(99 * limits.MIB, 100 * limits.GIB))
    assert (wire.effects(), wire.downloads.deadline()) == ([], None)
    wire.downloads.on_space(SpaceSeen(90 * limits.GIB, 100 * limits.GIB))
    assert wire.downloads.paused == ""
    assert wire.node.troubles.all() == []
    effects = wire.effects()
    assert [type(effect) for effect in effects] == [Tell, Fetch]


def test_a_file_that_has_no_room_is_said_and_fetched_once_it_has(wire: Wire) -> None:
    total, size = 100 * limits.GIB, record("a").size
    spare = total // FREE_PART + FILE_BYTES + size
    wire.downloads.on_space(SpaceSeen(spare - 1, total))
    wire.want(record("a"))
    assert [type(effect) for effect in wire.effects()] == [PruneTrash, Tell]
    (trouble,) = wire.node.troubles.all()
    assert trouble.reason.startswith("no room for d2/a on the disk of ")
    assert trouble.reason.endswith(": 1 B more must be free")
    assert wire.downloads.deadline() is None
    wire.downloads.on_space(SpaceSeen(spare, total))
    assert [type(effect) for effect in wire.effects()] == [Fetch]
    assert wire.node.troubles.all() == []


def test_of_a_file_that_has_no_room_and_is_not_wanted_any_more_nothing_is_said(wire: Wire) -> None:
    wire.downloads.on_space(SpaceSeen(limits.GIB, 100 * limits.GIB))
    wire.want(record("a"))
    wire.effects()
    assert wire.node.troubles.all()
    wire.downloads.release(Spot(ANNAS, b"a"))
    wire.effects()
    assert wire.node.troubles.all() == []


@pytest.mark.parametrize(
    ("free_bytes", "total_bytes"),
    [
        pytest.param(10 * limits.GIB, 1000 * limits.GIB, id="large: a hundredth"),
        pytest.param(limits.FREE_MIN_BYTES, 50 * limits.GIB, id="as much as always"),
        pytest.param(256 * limits.MIB, 1024 * limits.MIB, id="small: a quarter"),
    ],
)
def test_how_much_of_a_disk_stays_free(wire: Wire, free_bytes: int, total_bytes: int) -> None:
    wire.downloads.on_space(SpaceSeen(free_bytes, total_bytes))
    assert wire.downloads.paused == ""
    wire.downloads.on_space(SpaceSeen(free_bytes - 1, total_bytes))
    assert wire.downloads.paused == "disk full"


# -- lies about sizes ------------------------------------------------------------------------------
def test_each_size_that_is_said_of_a_content_is_tried(wire: Wire) -> None:
    wire.link(BERT)
    wire.want(replace(big("lie"), size=5), BERT)
    fetch = wire.fetch()
    assert isinstance(fetch.ask, FilesAsk)
    wire.want(big("true"))
    wire.end(fetch, Outcome.WRONG)
    fetch = wire.fetch()
    assert fetch.ask == PiecesAsk(BIG.root)
    assert fetch.peer == ANNA  # who failed rests, whatever is asked
    wire.end(fetch, Outcome.BUSY)
    # it is nobody's fault
    assert wire.downloads.swarm.downloads[BIG.root].size_bytes == BIG.size_bytes
    wire.node.now = limits.RETRY_S
    fetch = wire.fetches()[0]
    wire.downloads.on_list(PieceListHeard(fetch.order, BIG))
    wire.end(fetch, Outcome.WRONG)
    # the list proved the size: no more doubt
    assert wire.downloads.swarm.downloads[BIG.root].content == BIG


def test_orders_for_a_size_in_doubt_are_cancelled(wire: Wire) -> None:
    wire.link(BERT)
    wire.want(replace(record("lie", text="x"), size=2), BERT)
    wire.want(record("true", text="x"))
    first = wire.fetch()
    wire.end(first, Outcome.DONE)  # it had nothing of that size
    assert wire.downloads.swarm.downloads[root_of("x")].size_bytes == 1
    assert wire.fetch().sizes == ((1, limits.PIECE_MIN_BYTES),)


def test_three_sizes_are_tried_in_turn() -> None:
    wire = Wire()
    wire.link(ANNA, BERT, CARL)
    for size, owner in ((2, ANNA), (1, BERT), (3, CARL)):
        wire.want(replace(record("a", text="x"), size=size), owner)
    tried = []
    for _ in range(3):
        tried.append(wire.downloads.swarm.downloads[root_of("x")].size_bytes)
        wire.end(wire.fetch(), Outcome.GONE)
    assert tried == [2, 1, 3]


def test_many_sizes_that_one_says_delay_what_another_says_by_one_try() -> None:
    wire = Wire()
    wire.link(ANNA, BERT)
    for size in range(2, 402):
        wire.want(replace(record(f"lie {size}", text="x"), size=size), BERT)
    wire.want(record("a", text="x"), ANNA)
    first = wire.fetch()
    wire.end(first, Outcome.GONE)
    second = wire.fetch()
    assert (second.peer, second.sizes) == (ANNA, ((1, limits.PIECE_MIN_BYTES),))
    wire.bring(second)
    assert len(wire.arrived[0]) == 401


def test_who_was_asked_for_a_size_it_never_said_is_asked_for_its_own_at_once(wire: Wire) -> None:
    wire.want(replace(record("lie", text="x"), size=2), BERT)
    wire.want(record("true", text="x"), ANNA)
    first = wire.fetch()
    assert (first.peer, first.sizes) == (ANNA, ((2, limits.PIECE_MIN_BYTES),))
    wire.end(first, Outcome.GONE)
    second = wire.fetch()
    assert (second.peer, second.sizes) == (ANNA, ((1, limits.PIECE_MIN_BYTES),))
    wire.end(second, Outcome.GONE)
    assert wire.fetches() == [], "its own size it has not either: it rests"


def test_an_order_that_brings_nothing_changes_no_size_if_all_say_the_same(wire: Wire) -> None:
    wire.want(record("a", text="x"))
    download = wire.downloads.swarm.downloads[root_of("x")]
    wire.end(wire.fetch(), Outcome.GONE)
    assert wire.downloads.swarm.downloads[root_of("x")] is download


def test_an_order_that_ends_after_its_content_was_forgotten_is_no_doubt(wire: Wire) -> None:
    spot = wire.want(record("a"))
    fetch = wire.fetch()
    wire.downloads.release(spot)
    wire.end(fetch, Outcome.GONE)


# -- part files of an earlier run ------------------------------------------------------------------
def test_a_part_that_is_wanted_already_is_continued(wire: Wire) -> None:
    wire.want(big())
    wire.downloads.on_parts(PartsFound((PartFound(BIG, b"\3"),)))
    assert wire.fetch().ask == FileAsk(BIG.root, [2])
    assert wire.node.index.contents.get(BIG.root) == BIG


def test_a_part_waits_until_it_is_wanted(wire: Wire) -> None:
    wire.downloads.on_parts(PartsFound((PartFound(BIG, b"\5"),)))
    wire.want(big())
    assert wire.fetch().ask == FileAsk(BIG.root, [1])
    wire.downloads.leftovers.drop()
    assert wire.effects() == []


def test_a_part_adds_to_what_came_meanwhile(wire: Wire) -> None:
    wire.want(big())
    fetch = wire.fetch()
    wire.downloads.on_list(PieceListHeard(fetch.order, BIG))
    wire.downloads.on_pieces(PiecesVerified(fetch.order, BIG.root, (2,), 1))
    wire.downloads.on_parts(PartsFound((PartFound(BIG, b"\1"),)))
    wire.end(fetch)
    assert wire.fetch().ask == FileAsk(BIG.root, [1])


def test_whole_parts_are_not_fetched_again(wire: Wire) -> None:
    wire.want(big())
    wire.want(record("a"))
    small = PieceList(root_of("a"), 1, limits.PIECE_MIN_BYTES, b"")
    wire.downloads.on_parts(PartsFound((PartFound(BIG, b"\7"), PartFound(small, b"\1"))))
    assert wire.arrived == [[Spot(ANNAS, b"big")], [Spot(ANNAS, b"a")]]
    assert wire.fetches() == []


def test_a_small_part_that_is_not_whole_is_fetched(wire: Wire) -> None:
    small = PieceList(root_of("a"), 1, limits.PIECE_MIN_BYTES, b"")
    wire.downloads.on_parts(PartsFound((PartFound(small, b"\0"),)))
    wire.want(record("a"))
    assert len(wire.fetches()) == 1


def test_a_part_of_another_size_is_dropped(wire: Wire) -> None:
    wire.want(replace(big(), size=BIG.size_bytes + 1))
    wire.downloads.on_parts(PartsFound((PartFound(BIG, b"\3"),)))
    assert DropParts((BIG.root,)) in wire.effects()


def test_parts_that_nobody_wants_are_dropped_in_the_end(wire: Wire) -> None:
    wire.downloads.leftovers.drop()
    wire.downloads.on_parts(PartsFound((PartFound(BIG, b"\3"),)))
    for _ in range(2):
        wire.downloads.leftovers.drop()  # once is enough
    assert wire.effects() == [DropParts((BIG.root,))]


def test_hooks_stand_empty_until_they_are_wired() -> None:
    wire = Wire()
    downloads = Downloads(wire.node, Heard())
    downloads.want(Want(Spot(ANNAS, b"a"), record("a"), None))
    downloads.on_files(FilesVerified(OrderId(1), (root_of("a"),), 1))
    assert root_of("a") in downloads.parts


def test_a_device_that_is_back_is_asked_at_once_even_if_it_failed(wire: Wire) -> None:
    wire.want(record("a"))
    wire.end(wire.fetch(), Outcome.BROKEN)
    assert wire.fetches() == []
    wire.downloads.on_peer(BERT)  # somebody else is no reason
    assert wire.fetches() == []
    wire.downloads.on_peer(ANNA)
    assert wire.fetch().peer == ANNA


def test_it_says_how_much_is_wanted(wire: Wire) -> None:
    wire.want(record("a"))
    wire.fetch()
    assert repr(wire.downloads.leftovers) == "<LeftoverParts: 0>"
    assert repr(wire.downloads) == "<Downloads wanted=1 orders=1 parts=0 >"


# -- nobody holds up others ------------------------------------------------------------------------
def test_an_order_that_is_late_is_called_off_and_asked_of_another() -> None:
    wire = Wire()
    wire.link(BERT)
    wire.keeps(BERT, ANNA, 0)
    wire.want(big())
    fetch = wire.fetch()
    assert fetch.peer == BERT
    wire.link(ANNA)
    heard = FetchHeard(fetch.order, 1, SAMPLE_S)
    wire.downloads.on_heard(FetchHeard(OrderId(99), 1, SAMPLE_S))
    assert wire.effects() == []
    wire.downloads.on_heard(heard)
    assert wire.effects() == [CancelFetch(fetch.order)]
    wire.downloads.on_heard(heard)
    assert wire.effects() == []
    wire.end(fetch, Outcome.BROKEN, "cancelled")
    assert wire.fetch().peer == ANNA


def test_a_wrong_item_is_told_and_is_the_holders(wire: Wire) -> None:
    wire.want(record("a"))
    wire.want(record("b"))
    fetch = wire.fetch()
    here, wrong = root_of("a"), root_of("b")
    wire.downloads.on_files(FilesVerified(fetch.order, (here,), 1, wrong=(wrong,)))
    (told,) = [effect for effect in wire.effects() if isinstance(effect, Tell)]
    assert told.code == "wrong_content"
    assert wire.downloads.swarm.downloads[wrong].strikes == {ANNA: 1}
    assert wire.downloads.swarm.downloads[here].strikes == {}


def test_an_item_of_another_size_is_the_records_fault_and_the_true_size_is_asked_for() -> None:
    wire = Wire()
    wire.link(ANNA, BERT)
    lie = replace(record("a"), size=7)
    wire.want(lie, BERT)
    wire.want(record("a"), ANNA)
    fetch = wire.fetch()
    assert fetch.sizes == ((7, limits.PIECE_MIN_BYTES),)
    true = (root_of("a"), 1, limits.PIECE_MIN_BYTES)
    wire.downloads.on_files(FilesVerified(fetch.order, (), 0, unfit=(true,)))
    wire.end(fetch)
    again = wire.fetch()
    assert again.sizes == ((1, limits.PIECE_MIN_BYTES),)
    wire.end(again, Outcome.GONE)
    wire.node.now += limits.RETRY_S
    more = wire.fetch()
    assert more.sizes == ((1, limits.PIECE_MIN_BYTES),), "who lacks it says nothing of its size"
    wire.bring(more)
    assert wire.arrived


def test_a_true_size_that_nobody_says_changes_nothing(wire: Wire) -> None:
    wire.want(replace(record("a"), size=7))
    fetch = wire.fetch()
    true = (root_of("a"), 1, limits.PIECE_MIN_BYTES)
    wire.downloads.on_files(FilesVerified(fetch.order, (), 0, unfit=(true,)))
    wire.end(fetch)
    wire.node.now += limits.RETRY_S
    assert wire.fetches() == [], "it rests there for longer"
