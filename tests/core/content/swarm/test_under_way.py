"""Orders under way: whose turn it is, what takes no slot, what is called off, and for whom."""

from __future__ import annotations

import random

import pytest

from potluck.core import limits
from potluck.core.content.pieces import PieceList, Root, file_root
from potluck.core.content.swarm.download import Download, End, Order, What
from potluck.core.content.swarm.pace import LATE_MIN_S, LONG_S, SAMPLE_S, SLOW_MAX
from potluck.core.content.swarm.slowness import Slowness
from potluck.core.content.swarm.under_way import UnderWay
from potluck.core.keys.identity import DeviceId
from tests.core.content.swarm.crowd import Crowd, small_content
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
MIB, SMALL = limits.MIB, limits.PIECE_MIN_BYTES
PEERS = [DeviceId(bytes([number]) * 32) for number in range(1, 60)]
HALF = limits.WORKERS // 2
KINDS = {What.PACK: True, What.LIST: True, What.PIECES: False}


def wanted(number: int, owner: DeviceId | None = None, size_bytes: int = 4 * SMALL) -> Download:
    return Download(Root(number.to_bytes(32, "big")), size_bytes, SMALL, [owner])


def given(under_way: UnderWay, peer: DeviceId, what: What, download: Download) -> Order:
    order = under_way.give(peer, what, [download], (0,), 0.0)
    under_way.serve(download.owners[0], order)
    return order


def nobody(_order: Order) -> list[DeviceId]:
    return []


@pytest.mark.parametrize(("what", "news"), KINDS.items())
def test_an_owner_has_half_of_the_slots_and_the_fewest_come_first(what: What, news: bool) -> None:
    under_way = UnderWay()
    assert under_way.in_turn([A, B], news=news) == [A, B]
    for number in range(HALF):
        assert not under_way.has_its_share(A, news=news)
        given(under_way, PEERS[number], what, wanted(number, A))
    assert under_way.has_its_share(A, news=news)
    assert not under_way.has_its_share(B, news=news)
    assert not under_way.has_its_share(A, news=not news)
    assert under_way.in_turn([A, B], news=news) == [B, A]


def test_of_those_with_as_many_who_was_served_longest_ago_is_the_first() -> None:
    under_way = UnderWay()
    for owner in (A, B):
        order = given(under_way, owner, What.LIST, wanted(1, owner))
        under_way.end(order, 0.0, End.DONE, brought=True)
    assert under_way.in_turn([B, A, PEERS[0]], news=True) == [PEERS[0], A, B]


@pytest.mark.parametrize("here", [True, False])
def test_what_was_here_already_says_nothing_of_how_fast_its_holder_is(here: bool) -> None:
    under_way = UnderWay()
    order = given(under_way, A, What.PIECES, wanted(1, A))
    under_way.on_bytes(order.number, 0 if here else SMALL, 0.001)
    under_way.end(order, 0.001, End.DONE, brought=True)
    assert (under_way._slowness[False].fast(0.001) == 0) == here
    assert (A in under_way._slowness[False]._quick) == (not here)


@pytest.mark.parametrize(("what", "news"), KINDS.items())
def test_slow_orders_take_no_slot_that_others_wait_for(what: What, news: bool) -> None:
    under_way = UnderWay()

    def fill() -> list[Order]:
        found = []
        under_way.on_look(0.0)
        while under_way.may_ask(0.0, news=news, last=False):
            number = len(under_way.orders)
            found.append(given(under_way, PEERS[number], what, wanted(number)))
        return found

    assert len(fill()) == limits.WORKERS
    assert fill() == []
    slow = list(under_way.orders)
    assert [under_way.on_heard(number, 0, SAMPLE_S) for number in slow] == [True] * len(slow)
    assert len(fill()) == SLOW_MAX
    assert under_way.overdue(nobody, 0.0) == [], "they are slow, and so is the link perhaps"
    for number in under_way.orders:
        under_way.on_heard(number, number, LONG_S)
    assert fill() == []
    slowest = under_way.overdue(nobody, 0.0)
    assert slowest == [1, 2, 3, 4], "so many of them are more than SLOW_MOST"
    for number in slowest:
        order = under_way.orders[number]
        under_way.end(order, 0.0, End.FAILED, brought=False)
        assert not under_way.lags(order.peer, 0.0), "it is not to blame"
    assert under_way.first([order.peer], 0.0, news=news) is None, "it is slow, and others are"
    assert under_way.first([A], 0.0, news=news) == A


def test_who_was_late_has_at_most_half_of_the_slots() -> None:
    under_way = UnderWay()
    for peer in PEERS[: HALF + 1]:
        order = given(under_way, peer, What.PIECES, wanted(1))
        under_way.on_heard(order.number, 0, SAMPLE_S)
        assert under_way.overdue(lambda _order: [A], 0.0) == [order.number]
        assert under_way.overdue(lambda _order: [A], 0.0) == [], "once is enough"
        under_way.end(order, 0.0, End.FAILED, brought=False)
    for peer in PEERS[:HALF]:
        assert under_way.may_ask(0.0, news=False, last=True)
        given(under_way, peer, What.PIECES, wanted(1))
    assert not under_way.may_ask(0.0, news=False, last=True)
    assert under_way.may_ask(0.0, news=False, last=False)


def test_late_is_only_what_somebody_idle_would_bring_sooner() -> None:
    under_way = UnderWay()
    quick = given(under_way, A, What.PIECES, wanted(1))
    under_way.on_bytes(quick.number, 100 * MIB, 1.0)
    under_way.on_bytes(99, 100 * MIB, 1.0)
    under_way.end(quick, 1.0, End.DONE, brought=True)
    order = given(under_way, B, What.PIECES, wanted(2))
    under_way.on_heard(order.number, 0, LATE_MIN_S - 1)
    assert under_way.overdue(lambda _order: [A], 1.0) == []
    under_way.on_heard(order.number, 1, 1.0)
    assert under_way.overdue(nobody, 1.0) == []
    taken = [
        given(under_way, A, What.PIECES, wanted(number))
        for number in range(3, 3 + limits.FETCHES_PER_PEER)
    ]
    assert under_way.overdue(lambda _order: [A], 1.0) == [], "A has no slot for it"
    under_way.end(taken[0], 1.0, End.BUSY, brought=False)
    assert under_way.overdue(lambda _order: [A], 1.0) == [], "it was busy"
    assert under_way.overdue(lambda _order: [A], 2.0) == [order.number]


@pytest.mark.parametrize("what", What)
def test_what_an_order_asks_is_known_before(what: What) -> None:
    """At the rate at which all of it comes in a second, nothing is late after it."""
    under_way, download = UnderWay(), wanted(1)
    order = given(under_way, B, what, download)
    size_bytes = {What.PACK: 4 * SMALL, What.LIST: download.list_bytes, What.PIECES: SMALL}[what]
    under_way.on_heard(order.number, size_bytes, SAMPLE_S)
    assert under_way.overdue(lambda _order: [A], 0.0) == []
    again = given(under_way, B, what, wanted(2))
    under_way.on_heard(again.number, size_bytes // 100, SAMPLE_S)
    found = under_way.overdue(lambda _order: [A], 0.0)
    assert found == ([again.number] if size_bytes // 100 < 4 * limits.KIB * SAMPLE_S else [])


def test_it_says_what_is_under_way() -> None:
    under_way = UnderWay()
    given(under_way, A, What.LIST, wanted(1))
    assert repr(under_way) == (
        "<UnderWay 1 orders, <Paces: 1 orders, 0 slow>, <Lags: 0 peers were late>>"
    )


def test_of_an_order_that_ended_nothing_is_heard() -> None:
    assert not UnderWay().on_heard(7, 0, SAMPLE_S)


# -- a crowd of drips ------------------------------------------------------------------------------
def large_content(rng: random.Random, size_bytes: int) -> PieceList:
    hashes = rng.randbytes(32 * (size_bytes // SMALL))
    return PieceList(file_root(size_bytes, SMALL, hashes), size_bytes, SMALL, hashes)


def crowd_of_liars(seed: int, liars: int, *, guarded: bool = True) -> tuple[Crowd, PieceList]:
    """An owner who is fast, and liars: each says it holds that, and shares files of its own."""
    rng = random.Random(seed)
    names = PEERS[:liars]
    drips = {liar: rng.choice([0, 0.2, 10, 600, 3000]) for liar in names}
    crowd = Crowd({**drips, A: 10.0 * MIB}, guarded=guarded)
    for liar in names:
        for _ in range(3):
            crowd.want(large_content(rng, 8 * MIB), liar)
            crowd.want(small_content(rng.getrandbits(60)), liar)
    for _ in range(50):
        crowd.step()
    honest = large_content(rng, 50 * MIB)
    crowd.want(small_content(rng.getrandbits(60)), A, *names)
    crowd.want(honest, A, *names)
    return crowd, honest


@pytest.mark.parametrize("liars", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("seed", range(3))
def test_however_many_drip_what_a_fast_owner_shares_is_here_within_a_bound(
    seed: int, liars: int
) -> None:
    """Alone it takes 5 s; each pair of liars costs the time after which its orders are slow."""
    crowd, honest = crowd_of_liars(seed, liars)
    crowd.until_here(honest, 5 + 2 * SAMPLE_S + liars * SAMPLE_S / 2)
    assert crowd.peak <= 2 * (limits.WORKERS + SLOW_MAX)


def test_without_that_four_who_drip_stop_everybody() -> None:
    crowd, honest = crowd_of_liars(1, 4, guarded=False)
    with pytest.raises(AssertionError):
        crowd.until_here(honest, 300)


def test_two_who_share_a_slow_link_both_bring_what_they_have() -> None:
    """64 kbit/s for both together: whom nobody knows is tried once instead, and then both go on."""
    crowd = Crowd({A: 4000, B: 4000})
    both = large_content(random.Random(1), 2 * SMALL)
    crowd.want(both, A, B)
    crowd.until_here(both, 600)
    assert [order.peer for order in crowd.called_off] == [A, A]


# -- a crowd of sole holders -----------------------------------------------------------------------
def crowd_of_sole_holders(seed: int, rate: float, slow: float = 10 * MIB) -> tuple[Crowd, Crowd]:
    """Twelve members that share large files of their own at a rate, and an owner with another."""
    rng = random.Random(seed)
    names = PEERS[:12]
    crowd = Crowd({**dict.fromkeys(names, rate), A: 10.0 * MIB, B: slow})
    for name in names:
        for _ in range(3):
            crowd.want(large_content(rng, 256 * MIB), name)
            crowd.want(small_content(rng.getrandbits(60), SMALL), name)
    first = large_content(rng, MIB)
    crowd.want(first, A)
    crowd.until_here(first, 60)
    for _ in range(300):
        crowd.step()
    return crowd, Crowd({A: 10.0 * MIB, B: slow})


@pytest.mark.full
@pytest.mark.parametrize("rate", [600, 5_000, 20 * limits.KIB, 85 * limits.KIB, 140 * limits.KIB])
def test_a_dozen_sole_holders_leave_a_fast_owner_most_of_its_speed(rate: float) -> None:
    crowd, alone = crowd_of_sole_holders(1, rate)
    rng = random.Random(2)
    contents = [large_content(rng, 100 * MIB) for _ in range(3)]
    took = []
    for each in (alone, crowd):
        begun = each.now
        for content in contents:
            each.want(content, A)
            each.until_here(content, 600)
        took.append(each.now - begun)
    assert took[1] <= took[0] / 0.5, took


@pytest.mark.full
@pytest.mark.parametrize("rate", [5_000, 20 * limits.KIB, 140 * limits.KIB])
@pytest.mark.parametrize("slow", [8_000, 125_000])
def test_the_only_source_at_a_slow_link_brings_its_files_beside_them(
    rate: float, slow: float
) -> None:
    crowd, alone = crowd_of_sole_holders(1, rate, slow)
    content, took = large_content(random.Random(3), MIB), []
    for each in (alone, crowd):
        each.want(content, B)
        took.append(each.until_here(content, 3000))
    assert took[1] <= 2 * took[0] + 60, took
    assert crowd.peak <= 2 * (limits.WORKERS + SLOW_MAX)


# -- a crowd of drips that share small files -------------------------------------------------------
def crowd_of_small_drips(rate: float, drips: int, *, known: bool) -> tuple[Crowd, random.Random]:
    """Members that share many small files and drip, and A, who brought one before if `known`."""
    rng = random.Random(4)
    crowd = Crowd({**dict.fromkeys(PEERS[:drips], rate), A: 10.0 * MIB})
    if known:
        first = small_content(rng.getrandbits(60))
        crowd.want(first, A)
        crowd.until_here(first, 1)
    for name in PEERS[:drips]:
        for _ in range(200):
            crowd.want(small_content(rng.getrandbits(60)), name)
    return crowd, rng


CROWDS = [8, pytest.param(16, marks=pytest.mark.full), pytest.param(33, marks=pytest.mark.full)]


@pytest.mark.parametrize("drips", CROWDS)
@pytest.mark.parametrize("rate", [0, 5, 600, 5_000])
def test_a_small_file_of_who_is_quick_does_not_wait_for_drips(rate: float, drips: int) -> None:
    crowd, rng = crowd_of_small_drips(rate, drips, known=True)
    for _ in range(12):
        for _ in range(30):
            crowd.step()
        small = small_content(rng.getrandbits(60))
        crowd.want(small, A)
        assert crowd.until_here(small, LATE_MIN_S) < 1


@pytest.mark.parametrize("drips", CROWDS)
@pytest.mark.parametrize("rate", [0, 5, 600])
def test_the_first_file_of_somebody_new_waits_for_their_trials_only(
    rate: float, drips: int
) -> None:
    crowd, rng = crowd_of_small_drips(rate, drips, known=False)
    crowd.step()
    small = small_content(rng.getrandbits(60))
    crowd.want(small, A)
    crowd.until_here(small, LATE_MIN_S * (1 + drips / 4))


def test_a_slot_of_the_quick_that_ends_may_be_of_somebody_new() -> None:
    """Four that each had thousands of small files to bring took every slot again at once."""
    under_way = UnderWay()
    for peer in PEERS[:4]:
        first = given(under_way, peer, What.PACK, wanted(1, peer))
        under_way.end(first, 0.1, End.DONE, brought=True)
    orders = [given(under_way, peer, What.PACK, wanted(2, peer)) for peer in PEERS[:4] * 2]
    assert under_way.first([A], 0.2, news=True) is None
    under_way.end(orders[0], 0.2, End.DONE, brought=True)
    under_way.on_look(0.2)
    assert under_way.first([A], 0.2, news=True) == A


def test_without_the_slots_that_are_kept_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slowness, "kept", 0)
    monkeypatch.setattr(Slowness, "too_many", lambda _slowness, _numbers: [])
    crowd, rng = crowd_of_small_drips(5, 16, known=True)
    for _ in range(100):
        crowd.step()
    small = small_content(rng.getrandbits(60))
    crowd.want(small, A)
    with pytest.raises(AssertionError):
        crowd.until_here(small, 60)
