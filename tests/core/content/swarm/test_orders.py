"""The swarm: facts in, orders out; what is asked of whom, and what if it does not come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from potluck.core import limits
from potluck.core.content.pieces import PieceList, Root, file_root, piece_hash, zero_hash
from potluck.core.content.swarm.download import End, Order, What
from potluck.core.content.swarm.looks import LOOKS, LOOKS_IN_ALL
from potluck.core.content.swarm.orders import LISTS_AHEAD, Swarm
from potluck.core.content.swarm.room import FILE_BYTES, Shortage, reserve_of
from potluck.core.content.swarm.slowness import KEPT_SLOTS
from potluck.core.keys.identity import DeviceId
from tests.core.fakes import ANN, BEN, CLEO, DORA, EMIL

SMALL = limits.PIECE_MIN_BYTES
FAST = 1024 * limits.MIB  # in one second
A, B = ANN.device, BEN.device


def root(number: int) -> Root:
    return Root(number.to_bytes(32, "big"))


def content(pieces: int, *, zeros: tuple[int, ...] = (), piece_size: int = SMALL) -> PieceList:
    hashes = b"".join(
        zero_hash(piece_size) if n in zeros else piece_hash(b"%d" % n) for n in range(pieces)
    )
    size = pieces * piece_size
    return PieceList(file_root(size, piece_size, hashes), size, piece_size, hashes)


def held_by(*devices: DeviceId):
    def holders(_: Root) -> Sequence[DeviceId]:
        return devices

    return holders


def wanting(*contents: PieceList) -> Swarm:
    swarm = Swarm()
    for one in contents:
        swarm.want(one.root, one.size_bytes, one.piece_size)
    return swarm


def listed(*contents: PieceList) -> Swarm:
    """A swarm that wants large contents and has their piece lists; A is fast, B is not known."""
    swarm = wanting(*contents)
    lists = swarm.next_orders(held_by(A), 0.0)
    assert [order.what for order in lists] == [What.LIST] * len(contents)
    for one, order in zip(contents, lists, strict=True):
        swarm.on_list(one)
        swarm.under_way.on_bytes(order.number, FAST, 1.0)
        swarm.on_ended(order.number, 1.0, End.DONE)
    return swarm


def known_to_bring(bytes_a_second: int) -> Swarm:
    """A swarm that wants nothing and has measured A."""
    swarm = wanting(content(2))
    (order,) = orders(swarm, 0.0, A)
    swarm.under_way.on_bytes(order.number, bytes_a_second, 1.0)
    swarm.on_ended(order.number, 1.0, End.DONE)
    swarm.forget(content(2).root)
    return swarm


def orders(swarm: Swarm, now: float, *devices: DeviceId) -> list[Order]:
    return swarm.next_orders(held_by(*devices), now)


# -- small contents --------------------------------------------------------------------------------
def test_small_contents_travel_in_packs_in_the_order_they_were_wanted() -> None:
    swarm = Swarm()
    for number in (3, 1, 2, 1):
        swarm.want(root(number), 10, SMALL)
    assert orders(swarm, 0.0, A) == [Order(1, A, What.PACK, (root(3), root(1), root(2)))]
    assert orders(swarm, 0.0, A) == []
    assert swarm.on_files([root(3), root(1), root(9)]) == [root(3), root(1)]
    assert swarm.on_files([root(3)]) == []
    assert swarm.downloads[root(3)].done_bytes == 10
    assert swarm.downloads[root(2)].done_bytes == 0


def test_a_pack_ends_by_count_and_by_size() -> None:
    many = Swarm()
    for number in range(limits.PACK_FILES + 1):
        many.want(root(number), 1, SMALL)
    assert [len(order.roots) for order in orders(many, 0.0, A)] == [limits.PACK_FILES, 1]
    big = known_to_bring(FAST)
    for number in range(20):
        big.want(root(number), SMALL, SMALL)
    assert [len(order.roots) for order in orders(big, 1.0, A)] == [16, 4]
    just = known_to_bring(FAST)
    for number in range(16):
        just.want(root(number), SMALL, SMALL)
    just.want(root(16), 1, SMALL)
    assert [len(order.roots) for order in orders(just, 1.0, A)] == [16, 1]


def test_a_pack_ends_where_another_holder_begins() -> None:
    swarm = Swarm()
    for number in range(4):
        swarm.want(root(number), 1, SMALL)
    where = {root(0): [A], root(1): [A], root(2): [B], root(3): []}
    found = swarm.next_orders(lambda which: where[which], 0.0)
    assert [(order.peer, order.roots) for order in found] == [
        (A, (root(0), root(1))),
        (B, (root(2),)),
    ]
    where[root(3)] = [A]
    assert [order.roots for order in swarm.next_orders(lambda which: where[which], 0.0)] == [
        (root(3),)
    ]


def test_what_a_pack_did_not_bring_is_asked_of_another_then_again_later() -> None:
    swarm = Swarm()
    swarm.want(root(1), 1, SMALL)
    (first,) = orders(swarm, 0.0, A, B)
    swarm.on_ended(first.number, 0.0, End.DONE)
    (second,) = orders(swarm, 0.1, A, B)
    assert (first.peer, second.peer) == (A, B)
    swarm.on_ended(second.number, 0.1, End.FAILED)
    assert orders(swarm, 0.2, A, B) == []
    assert orders(swarm, limits.RETRY_S - 0.01, A, B) == []
    assert [order.peer for order in orders(swarm, limits.RETRY_S, A, B)] == [A]


def test_a_device_that_is_back_is_asked_at_once() -> None:
    swarm = Swarm()
    swarm.want(root(1), 1, SMALL)
    (order,) = orders(swarm, 0.0, A)
    swarm.on_ended(order.number, 0.0, End.FAILED)
    swarm.on_peer(A)
    assert len(orders(swarm, 0.1, A)) == 1


def test_wrong_bytes_twice_are_the_last() -> None:
    swarm = Swarm()
    swarm.want(root(1), 1, SMALL)
    for strike in range(limits.STRIKES):
        (order,) = orders(swarm, strike * 10.0, A)
        swarm.on_ended(order.number, strike * 10.0, End.WRONG)
    assert orders(swarm, 100.0, A) == []
    assert len(orders(swarm, 100.0, A, B)) == 1


# -- large contents --------------------------------------------------------------------------------
def test_a_large_content_first_needs_its_list() -> None:
    one = content(3)
    swarm = wanting(one)
    assert orders(swarm, 0.0, A) == [Order(1, A, What.LIST, (one.root,))]
    assert orders(swarm, 0.0, A) == []
    assert swarm.on_list(one) is False
    assert swarm.on_list(one) is False
    swarm.on_ended(1, 0.0, End.DONE)
    assert orders(swarm, 0.0, A) == [Order(2, A, What.PIECES, (one.root,), (0, 1, 2))]
    assert swarm.on_pieces(one.root, [0, 1]) is False
    assert swarm.downloads[one.root].done_bytes == 2 * SMALL
    assert swarm.on_pieces(one.root, [2]) is True
    assert swarm.on_pieces(one.root, [2]) is False
    swarm.on_ended(2, 0.0, End.DONE)
    assert orders(swarm, 0.0, A) == []


def test_a_list_that_did_not_come_is_asked_elsewhere() -> None:
    swarm = wanting(content(3))
    (order,) = orders(swarm, 0.0, A, B)
    swarm.on_ended(order.number, 0.0, End.DONE)
    assert [order.peer for order in orders(swarm, 0.0, A, B)] == [B]


def test_a_file_of_zeros_needs_nothing_more() -> None:
    one = content(2, zeros=(0, 1))
    swarm = wanting(one)
    assert swarm.on_list(one) is True
    assert swarm.on_list(content(5)) is False


def test_a_list_that_comes_a_second_time_takes_nothing_away() -> None:
    one = content(3)
    swarm = listed(one)
    swarm.on_pieces(one.root, [0, 1])
    assert swarm.on_list(one) is False
    assert swarm.downloads[one.root].done_bytes == 2 * SMALL


def test_zeros_are_never_asked_and_runs_end_there() -> None:
    one = content(6, zeros=(2, 3))
    swarm = listed(one)
    assert [order.pieces for order in orders(swarm, 0.0, A, B)] == [(0, 1), (4, 5)]


def test_runs_are_bounded_and_no_piece_is_in_two_orders() -> None:
    pieces = limits.RUN_BYTES // SMALL
    swarm = listed(content(2 * pieces + 1))
    found = orders(swarm, 0.0, A, B)
    assert [len(order.pieces) for order in found] == [pieces, pieces, 1]
    everything = [piece for order in found for piece in order.pieces]
    assert len(set(everything)) == len(everything)
    assert [order.peer for order in found] == [A, A, B]


def test_who_brought_a_whole_run_is_asked_for_the_next_at_once() -> None:
    pieces = limits.RUN_BYTES // SMALL
    one = content(2 * pieces + 1)
    swarm = listed(one)
    first, _ = orders(swarm, 0.0, A)
    swarm.on_pieces(one.root, first.pieces)
    swarm.on_ended(first.number, 0.1, End.DONE)
    assert [(order.peer, order.pieces) for order in orders(swarm, 0.1, A)] == [(A, (2 * pieces,))]


def test_pieces_that_did_not_come_are_asked_of_another() -> None:
    one = content(4)
    swarm = listed(one)
    (order,) = orders(swarm, 0.0, A, B)
    swarm.on_pieces(one.root, [0])
    swarm.on_ended(order.number, 0.0, End.DONE)
    assert [(o.peer, o.pieces) for o in orders(swarm, 0.0, A, B)] == [(B, (1, 2, 3))]


def test_whoever_broke_off_rests_even_if_all_of_its_run_came() -> None:
    one = content(2 * (limits.RUN_BYTES // SMALL) + 1)
    swarm = listed(one)
    first, _ = orders(swarm, 0.0, A)
    swarm.on_pieces(one.root, first.pieces)
    swarm.on_ended(first.number, 0.1, End.FAILED)
    assert orders(swarm, 0.1, A) == []


def test_a_run_goes_around_what_others_were_asked() -> None:
    swarm = listed(content(5))
    (download,) = swarm.downloads.values()
    download.asked.update({0, 2})
    assert [order.pieces for order in orders(swarm, 0.0, A, B)] == [(1,), (3, 4)]


def test_facts_about_what_nobody_wants_are_nothing() -> None:
    swarm = wanting(content(3))
    assert swarm.on_pieces(root(9), [0]) is False
    assert swarm.on_pieces(content(3).root, [0]) is False  # before its list
    swarm.on_ended(99, 0.0, End.FAILED)
    assert swarm.forget(root(9)) == []


# -- what a slow peer is asked at once -------------------------------------------------------------
def test_before_anything_is_measured_little_is_asked_at_once() -> None:
    swarm = Swarm()
    for number in range(4):
        swarm.want(root(number), limits.PACK_BYTES_FIRST // 2, SMALL)
    assert [len(order.roots) for order in orders(swarm, 0.0, A)] == [2, 2]
    one = content(100)
    unknown = listed(one)
    (order,) = orders(unknown, 1.0, B)[:1]
    assert len(order.pieces) == limits.RUN_BYTES_FIRST // SMALL


def test_a_pack_is_what_the_peer_brings_in_a_moment() -> None:
    slow = known_to_bring(100_000)
    for number in range(10):
        slow.want(root(number), 20_000, SMALL)
    assert [len(order.roots) for order in orders(slow, 1.0, A)] == [2, 2]
    slowest = known_to_bring(1)
    for number in range(10):
        slowest.want(root(number), limits.PACK_BYTES_MIN // 4, SMALL)
    assert [len(order.roots) for order in orders(slowest, 1.0, A)] == [4, 4]


def test_a_file_larger_than_that_travels_alone() -> None:
    slow = known_to_bring(1)
    for number in range(2):
        slow.want(root(number), SMALL, SMALL)
    assert [order.roots for order in orders(slow, 1.0, A)] == [(root(0),), (root(1),)]


def test_a_run_is_what_the_peer_brings_in_a_few_seconds_but_one_piece() -> None:
    slow = known_to_bring(3 * SMALL // int(limits.RUN_S))
    one = content(9)
    slow.want(one.root, one.size_bytes, one.piece_size)
    (order,) = orders(slow, 1.0, A)
    slow.on_list(one)
    slow.under_way.on_bytes(order.number, 1, 1.1)
    slow.on_ended(order.number, 1.1, End.DONE)
    assert [order.pieces for order in orders(slow, 1.1, A)] == [(0, 1, 2), (3, 4, 5)]
    slowest = known_to_bring(1)
    slowest.want(one.root, one.size_bytes, one.piece_size)
    (order,) = orders(slowest, 1.0, A)
    slowest.on_list(one)
    slowest.on_ended(order.number, 1.1, End.DONE)
    assert [order.pieces for order in orders(slowest, 1.1, A)] == [(0,), (1,)]


def test_bytes_of_an_order_that_is_over_are_not_measured() -> None:
    swarm = known_to_bring(1)
    swarm.under_way.on_bytes(1, FAST, 5.0)
    for number in range(10):
        swarm.want(root(number), limits.PACK_BYTES_MIN // 4, SMALL)
    assert [len(order.roots) for order in orders(swarm, 6.0, A)] == [4, 4]


# -- slots -----------------------------------------------------------------------------------------
def test_news_never_waits_behind_pieces() -> None:
    swarm = listed(content(5000))
    pieces = orders(swarm, 1.0, A)
    assert [order.what for order in pieces] == [What.PIECES] * limits.FETCHES_PER_PEER
    assert orders(swarm, 1.0, A) == []
    swarm.want(root(1), 1, SMALL)
    another = content(3)
    swarm.want(another.root, another.size_bytes, another.piece_size)
    assert [order.what for order in orders(swarm, 1.0, A)] == [What.PACK, What.LIST]
    swarm.want(root(2), 1, SMALL)
    assert orders(swarm, 1.0, A) == []


def test_pieces_of_all_peers_together_leave_the_room_of_news() -> None:
    swarm = listed(content(limits.PIECES_MAX // 1024))
    everybody = [member.device for member in (ANN, BEN, CLEO, DORA, EMIL)]
    assert len(orders(swarm, 1.0, *everybody[1:])) == limits.WORKERS - KEPT_SLOTS, "A is quick"
    for order in list(swarm.orders.values()):
        swarm.on_pieces(order.roots[0], order.pieces)
        swarm.on_ended(order.number, 1.0, End.DONE)
    found = orders(swarm, 1.0, *everybody)
    assert len(found) == limits.WORKERS
    assert {order.what for order in found} == {What.PIECES}
    for number in range(50):
        swarm.want(root(number), SMALL, SMALL)
    packs = orders(swarm, 1.0, *everybody)
    assert [order.what for order in packs] == [What.PACK] * limits.SMALL_WORKERS


def test_lists_are_asked_only_a_little_ahead_of_the_pieces() -> None:
    swarm = listed(content(5000))
    orders(swarm, 1.0, A)
    more = [content(n) for n in range(2, 2 * LISTS_AHEAD)]
    for one in more:
        swarm.want(one.root, one.size_bytes, one.piece_size)
    known = {one.root: one for one in more}
    asked = 0
    while found := orders(swarm, 1.0, A):
        for order in found:
            asked += 1
            assert order.what is What.LIST
            swarm.on_list(known[order.roots[0]])
            swarm.on_ended(order.number, 1.0, End.DONE)
    assert asked <= LISTS_AHEAD + 1
    assert [order.what for order in orders(swarm, 1.0, B)][:2] == [What.PIECES, What.PIECES]


# -- busy ------------------------------------------------------------------------------------------
def test_whoever_is_busy_is_asked_again_when_an_order_ends_there() -> None:
    swarm = Swarm()
    for number in range(2):
        swarm.want(root(number), limits.PACK_BYTES_FIRST, SMALL)
    first, second = orders(swarm, 0.0, A)
    swarm.on_ended(second.number, 0.0, End.BUSY)
    assert orders(swarm, 0.0, A) == []
    swarm.on_files(first.roots)
    swarm.on_ended(first.number, 0.01, End.DONE)
    assert [order.roots for order in orders(swarm, 0.01, A)] == [second.roots]


def test_whoever_is_busy_is_asked_again_as_soon_however_often() -> None:
    swarm = Swarm()
    swarm.want(root(1), 1, SMALL)
    now = 0.0
    for _ in range(10):
        (order,) = orders(swarm, now, A)
        swarm.on_ended(order.number, now, End.BUSY)
        assert orders(swarm, now + limits.BUSY_AGAIN_S - 0.01, A) == []
        now += limits.BUSY_AGAIN_S


def test_while_one_is_busy_another_is_asked_at_once() -> None:
    one = content(3)
    swarm = listed(one)
    (order,) = orders(swarm, 1.0, A, B)
    swarm.on_ended(order.number, 1.0, End.BUSY)
    assert [order.peer for order in orders(swarm, 1.0, A, B)] == [B]


def test_busy_for_pieces_is_not_busy_for_news() -> None:
    swarm = listed(content(3))
    (order,) = orders(swarm, 1.0, A)
    swarm.want(root(1), 1, SMALL)
    swarm.on_ended(order.number, 1.0, End.BUSY)
    assert [order.what for order in orders(swarm, 1.0, A)] == [What.PACK]


def crowded(owners: int, each: int, size_bytes: int, *, lists: bool = False) -> Swarm:
    """A swarm that lacks so many contents of each owner; their lists are here or not."""
    swarm = Swarm()
    for number in range(owners * each):
        one = content(2) if lists else None
        swarm.want(root(number), size_bytes, SMALL, owner_of(number % owners))
        if one is not None:
            swarm.on_list(replace(one, root=root(number), size_bytes=size_bytes))
    return swarm


def owner_of(number: int) -> DeviceId:
    return DeviceId((number + 1000).to_bytes(32, "big"))


def lag(swarm: Swarm) -> None:
    """A was late a moment ago: it is asked last."""
    one = content(7)
    swarm.want(one.root, one.size_bytes, one.piece_size)
    (order,) = swarm.next_orders(lambda which: [A] if which == one.root else [], 0.0)
    swarm.under_way.on_heard(order.number, 0, 10.0)
    assert swarm.overdue(held_by(A, B), 0.0) == [order.number]
    swarm.on_ended(order.number, 0.0, End.FAILED)
    swarm.forget(one.root)


def large(number: int) -> PieceList:
    """One of many large contents."""
    return PieceList(root(number), 2 * SMALL, SMALL, bytes(64))


def test_a_small_file_of_who_is_asked_last_waits_behind_none_of_its_large_ones() -> None:
    """Of so many large ones the last turn saw no small one, however often."""
    swarm = Swarm()
    lag(swarm)
    for number in range(LOOKS + 1):
        swarm.want(root(number), 2 * SMALL, SMALL)
        swarm.on_list(large(number))
    swarm.want(root(99_999), 1, SMALL)
    orders = [swarm.next_orders(held_by(A), 0.0), swarm.next_orders(held_by(A), 0.0, anew=False)]
    assert (root(99_999),) in [order.roots for each in orders for order in each]


def test_a_list_of_who_is_asked_last_waits_behind_none_of_its_small_files() -> None:
    swarm = Swarm()
    lag(swarm)
    for number in range(LOOKS + 1):
        swarm.want(root(number), 1, SMALL)
    swarm.want(root(99_999), 10 * SMALL, SMALL)
    found = swarm.next_orders(held_by(A), 0.0)
    assert (root(99_999),) in [order.roots for order in found]


LACKED = [(1, False), (10 * SMALL, False), (2 * SMALL, True)]
lacked = pytest.mark.parametrize(("size_bytes", "lists"), LACKED)


@lacked
@pytest.mark.parametrize("owners", [1, 33])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("under_way", [False, True])
def test_a_call_looks_at_some_contents_only_whatever_is_wanted(
    size_bytes: int, *, lists: bool, owners: int, late: bool, under_way: bool
) -> None:
    """While nothing was under way it looked at all: 1.7 s for each order that was BUSY at once."""
    swarm = crowded(owners, 12_000 // owners, size_bytes, lists=lists)
    if late:
        lag(swarm)
    if under_way:
        swarm.want(root(99_999), 1, SMALL)
        swarm.next_orders(lambda which: [B] if which == root(99_999) else [], 0.0)
        assert swarm.orders
    holders = [A] if late else []
    for _ in range(20):
        looked = [0]

        def count(_: Root, looked: list[int] = looked) -> Sequence[DeviceId]:
            looked[0] += 1
            return holders

        swarm.next_orders(count, 0.0)
        assert 0 < looked[0] <= 4 * LOOKS_IN_ALL
        assert swarm.unfinished


@lacked
@pytest.mark.parametrize("owners", [1, 33])
@pytest.mark.parametrize("late", [False, True])
def test_nothing_stalls_behind_what_nobody_can_bring(
    size_bytes: int, *, lists: bool, owners: int, late: bool
) -> None:
    """Though nothing happens any more; also if who has it is asked last."""
    each = 3000 // owners
    swarm = crowded(owners, each, size_bytes, lists=lists)
    if late:
        lag(swarm)
    last = root(owners * each - 1)
    anew, calls = True, 0
    while not (
        found := swarm.next_orders(lambda which: [A] if which == last else [], 0.0, anew=anew)
    ):
        assert swarm.unfinished
        anew, calls = False, calls + 1
        assert calls <= 2 * owners * each / min(LOOKS_IN_ALL, LOOKS * owners) + 2
    assert [order.roots for order in found] == [(last,)]


@lacked
def test_a_round_comes_to_an_end(size_bytes: int, *, lists: bool) -> None:
    swarm = crowded(3, 1000, size_bytes, lists=lists)
    seen: set[Root] = set()

    def nobody(which: Root) -> Sequence[DeviceId]:
        seen.add(which)
        return ()

    swarm.next_orders(nobody, 0.0)
    for _ in range(2 * 1000 // LOOKS + 2):
        swarm.next_orders(nobody, 0.0, anew=False)
    assert not swarm.unfinished
    assert len(seen) == 3000
    swarm.next_orders(nobody, 0.0)
    assert swarm.unfinished, "something happened"


def test_behind_ten_thousand_of_busy_owners_one_is_asked_for_in_a_few_calls() -> None:
    """Every order ends BUSY at once, as fast as it is given."""
    owners = 33
    swarm = crowded(owners, 300, 1)
    swarm.want(root(99_999), 1, SMALL, A)
    for number in range(9_900, 10_200):
        swarm.want(root(number), 1, SMALL, owner_of(0))
    swarm.want(root(88_888), 1, SMALL, owner_of(0))
    asked: list[tuple[int, DeviceId, tuple[Root, ...]]] = []

    def holders(which: Root) -> Sequence[DeviceId]:
        number = int.from_bytes(which, "big")
        return [B] if number == 88_888 else [A] if number == 99_999 else [owner_of(number % owners)]

    for call in range(60):
        for order in swarm.next_orders(holders, call * 0.02):
            asked.append((call, order.peer, order.roots))
            if order.peer not in {A, B}:
                swarm.on_ended(order.number, call * 0.02, End.BUSY)
    at = {peer: call for call, peer, _ in asked if peer in {A, B}}
    assert at[A] <= 5
    assert at[B] <= 50, "behind 600 others of that owner"
    assert len({peer for _, peer, _ in asked}) == owners + 2, "nobody is left out"


# -- wanted no more --------------------------------------------------------------------------------
def test_what_is_forgotten_is_cancelled_and_asked_no_more() -> None:
    one = content(3)
    swarm = listed(one)
    (order,) = orders(swarm, 0.0, A)
    assert swarm.forget(one.root) == [order.number]
    swarm.on_ended(order.number, 0.0, End.FAILED)
    assert orders(swarm, 0.0, A) == []
    small = Swarm()
    small.want(root(1), 1, SMALL)
    assert small.forget(root(1)) == []
    assert orders(small, 0.0, A) == []
    large = wanting(content(3))
    assert large.forget(content(3).root) == []
    assert orders(large, 0.0, A) == []


def test_wanted_again_while_the_old_order_runs_it_is_asked_anew() -> None:
    one = content(3)
    swarm = wanting(one)
    (old,) = orders(swarm, 0.0, A)
    swarm.forget(one.root)
    swarm.want(one.root, one.size_bytes, one.piece_size)
    swarm.on_ended(old.number, 0.0, End.FAILED)
    assert [order.what for order in orders(swarm, 0.0, A)] == [What.LIST]


def test_a_small_content_wanted_again_is_asked_once() -> None:
    swarm = Swarm()
    for _ in range(3):
        swarm.want(root(1), 1, SMALL)
        swarm.forget(root(1))
    swarm.want(root(1), 1, SMALL)
    assert [order.roots for order in orders(swarm, 0.0, A, B)] == [(root(1),)]
    assert orders(swarm, 0.0, A, B) == []


def test_one_that_is_wanted_again_as_a_large_content_is_in_no_pack() -> None:
    swarm = Swarm()
    swarm.want(root(1), 1, SMALL)
    swarm.forget(root(1))
    swarm.want(root(1), 3 * SMALL, SMALL)
    assert [order.what for order in orders(swarm, 0.0, A)] == [What.LIST]


def test_one_that_still_stands_in_line_while_it_is_asked_is_not_asked_again() -> None:
    swarm = Swarm()
    for number in (1, 2, 1):
        swarm.forget(root(number))
        swarm.want(root(number), 1, SMALL)
    where = {root(1): [A], root(2): [B]}
    found = swarm.next_orders(lambda which: where[which], 0.0)
    assert [(order.peer, order.roots) for order in found] == [(A, (root(1),)), (B, (root(2),))]


def test_what_came_by_another_way_is_not_asked() -> None:
    swarm = Swarm()
    for number in (1, 2):
        swarm.want(root(number), 1, SMALL)
    swarm.on_files([root(1)])
    (order,) = orders(swarm, 0.0, A)
    assert order.roots == (root(2),)
    swarm.on_files([root(2)])
    swarm.on_ended(order.number, 0.0, End.DONE)
    assert "0 small in line" in repr(swarm)
    assert orders(swarm, 0.0, A) == []


def test_it_says_how_it_stands() -> None:
    swarm = wanting(content(3))
    swarm.want(root(1), 1, SMALL)
    orders(swarm, 0.0, A)
    assert repr(swarm) == "<Swarm 2 wanted, 2 orders, 0 small in line>"


def test_a_content_that_stands_in_line_twice_fills_a_pack_once() -> None:
    swarm = known_to_bring(FAST)
    for number in (1, 1, 1, *range(2, 17)):
        swarm.forget(root(number))
        swarm.want(root(number), SMALL, SMALL)
    assert [len(order.roots) for order in orders(swarm, 1.0, A)] == [16]


def test_one_that_takes_the_place_of_another_keeps_who_rests() -> None:
    swarm = wanting(content(2))
    (order,) = orders(swarm, 0.0, A)
    swarm.on_ended(order.number, 0.0, End.FAILED)
    before = swarm.downloads[order.roots[0]]
    swarm.forget(before.root)
    swarm.want(before.root, 5, SMALL)
    assert orders(swarm, 0.0, A)
    swarm.forget(before.root)
    swarm.want(before.root, 5, SMALL)
    swarm.downloads[before.root].keep_rests(before, 0.0)
    assert orders(swarm, 0.0, A) == []
    assert orders(swarm, limits.RETRY_S, A)


# -- room ------------------------------------------------------------------------------------------
def spare(swarm: Swarm, bytes_: int) -> None:
    """The disk was looked at: so much may be begun."""
    total = 4 * limits.GIB
    swarm.room.on_space(reserve_of(total) + bytes_, total)


def test_small_contents_without_room_leave_others_before_them_and_wait() -> None:
    swarm = Swarm()
    for number, size in ((1, 1000), (2, 100), (3, 100)):
        swarm.want(root(number), size, SMALL)
    spare(swarm, 100 + FILE_BYTES)
    assert [order.roots for order in orders(swarm, 0.0, A)] == [(root(2),)]
    assert list(swarm.room.refused) == [root(1), root(3)]
    swarm.on_files([root(2)])
    swarm.on_ended(1, 1.0, End.DONE)
    assert orders(swarm, 1.0, A) == []
    spare(swarm, 2000 + 2 * FILE_BYTES)
    assert [set(order.roots) for order in orders(swarm, 2.0, A)] == [{root(1), root(3)}]
    assert swarm.room.refused == {}


def test_of_large_contents_the_lists_come_and_what_has_no_room_waits_whole() -> None:
    long, short = content(400, piece_size=4 * SMALL), content(8)
    swarm = wanting(long, short)
    spare(swarm, long.size_bytes - 1)
    lists = orders(swarm, 0.0, A)
    assert [(order.what, order.roots) for order in lists] == [
        (What.LIST, (long.root,)),
        (What.LIST, (short.root,)),
    ]
    for one, order in zip((long, short), lists, strict=True):
        swarm.on_list(one)
        swarm.on_ended(order.number, 1.0, End.DONE)
    assert {order.roots for order in orders(swarm, 2.0, A)} == {(short.root,)}
    lacks_bytes = 1 + short.size_bytes + 2 * FILE_BYTES
    assert swarm.room.shortage() == Shortage(long.root, lacks_bytes, 1, lacks_bytes)
    swarm.forget(long.root)
    assert swarm.room.refused == {}


def test_holes_take_no_room_of_long_contents_and_copies_do() -> None:
    pieces = 1 + limits.COMMIT_BYTES // (4 * SMALL)
    long = content(pieces, zeros=tuple(range(1, pieces)), piece_size=4 * SMALL)
    swarm = listed(long)
    spare(swarm, 4 * SMALL + FILE_BYTES)
    swarm.downloads[long.root].copies = 2
    assert orders(swarm, 2.0, A) == []
    swarm.downloads[long.root].copies = 1
    (order,) = orders(swarm, 2.0, A)
    assert order.pieces == (0,)
    assert swarm.on_pieces(long.root, [0])
    assert repr(swarm.room).endswith(" 0 owed>")


def test_what_was_begun_goes_on_however_full_the_disk_gets() -> None:
    one = content(64)
    swarm = listed(one)
    assert orders(swarm, 2.0, A)
    spare(swarm, 0)
    swarm.on_ended(2, 3.0, End.FAILED)
    assert orders(swarm, 10.0, A)


def test_what_nobody_can_bring_now_keeps_no_room_from_others_and_takes_what_is_left() -> None:
    huge, film = content(64), content(32)
    swarm = listed(huge, film)
    spare(swarm, huge.size_bytes + FILE_BYTES)
    by_a = {huge.root: [A], film.root: [B]}
    begun = swarm.next_orders(lambda which: by_a[which], 2.0)
    assert {order.roots for order in begun} == {(huge.root,)}
    assert film.root in swarm.room.refused
    for order in begun:
        swarm.on_ended(order.number, 3.0, End.FAILED)
    first = swarm.next_orders(lambda which: by_a[which], 3.0)
    assert {order.roots for order in first} == {(film.root,)}, "A rests"
    swarm.on_peer(A)
    found = swarm.next_orders(lambda which: by_a[which], 4.0)
    assert huge.root not in {order.roots[0] for order in found}
    assert huge.root in swarm.room.refused
    for order in first + found:
        swarm.on_pieces(film.root, order.pieces)
        swarm.on_ended(order.number, 5.0, End.DONE)
    spare(swarm, huge.size_bytes + 2 * FILE_BYTES + film.size_bytes)
    swarm.on_peer(A)
    found = swarm.next_orders(lambda which: by_a[which], 6.0)
    assert huge.root in {order.roots[0] for order in found}, "it is begun again"


def test_what_is_asked_keeps_its_room_though_its_other_holders_left() -> None:
    huge = content(64)
    swarm = listed(huge)
    spare(swarm, huge.size_bytes + FILE_BYTES)
    assert orders(swarm, 2.0, A)
    assert orders(swarm, 2.0) == []
    assert repr(swarm.room).endswith(f" {huge.size_bytes + FILE_BYTES} owed>")


def test_what_a_pack_did_not_bring_keeps_no_room() -> None:
    swarm = Swarm()
    swarm.want(root(1), 100, SMALL)
    spare(swarm, 100 + FILE_BYTES)
    (order,) = orders(swarm, 0.0, A)
    swarm.on_ended(order.number, 1.0, End.FAILED)
    assert repr(swarm.room).endswith(" 0 owed>")
    swarm.want(root(2), 100, SMALL)
    assert [order.roots for order in orders(swarm, 1.0, B)]


def test_what_is_laid_out_at_once_is_counted_once_while_it_comes() -> None:
    film, other = content(64), content(16)
    swarm = listed(film, other)
    spare(swarm, film.size_bytes + FILE_BYTES)
    first = orders(swarm, 2.0, A)
    assert {order.roots for order in first} == {(film.root,)}
    swarm.on_pieces(film.root, first[0].pieces[:1])
    assert repr(swarm.room).endswith(f" {FILE_BYTES} owed>"), "all of it is on the disk by now"
    spare(swarm, other.size_bytes + 2 * FILE_BYTES)
    swarm.on_ended(first[0].number, 3.0, End.DONE)
    found = orders(swarm, 3.0, A)
    assert other.root in {order.roots[0] for order in found}
    assert swarm.room.shortage() is None


def test_with_holes_in_it_nothing_is_laid_out_ahead() -> None:
    film = content(64, zeros=(3,))
    swarm = listed(film)
    first = orders(swarm, 2.0, A)
    swarm.on_pieces(film.root, [0])
    rest_bytes = 62 * SMALL + FILE_BYTES
    assert first
    assert repr(swarm.room).endswith(f" {rest_bytes} owed>")


# -- nobody holds up others ------------------------------------------------------------------------
def giant() -> PieceList:
    """What a record of 64 TiB says; nobody has its list."""
    return PieceList(root(64), 2**46, limits.PIECE_MAX_BYTES, b"")


def test_what_the_disk_could_never_hold_is_held_and_its_list_is_not_asked_for() -> None:
    huge, film = giant(), content(32)
    swarm = wanting(huge, film)
    swarm.room.on_space(2**39, 2**40)
    assert [order.roots for order in orders(swarm, 0.0, A)] == [(film.root,)]
    assert orders(swarm, 0.0, A) == []
    shortage = swarm.room.shortage()
    assert shortage is not None
    assert (shortage.root, shortage.contents) == (huge.root, 1)
    swarm.room.on_space(2**47, 2**47)
    assert swarm.room.shortage() is None
    assert [order.roots for order in orders(swarm, 0.0, A)] == [(huge.root,)]
    swarm.room.on_space(2**39, 2**40)
    swarm.forget(huge.root)
    assert swarm.room.shortage() is None


def test_a_file_with_holes_may_be_larger_than_the_disk() -> None:
    sparse = content(40, zeros=tuple(range(39)))
    swarm = wanting(sparse)
    swarm.room.on_space(8 * SMALL, 20 * SMALL)
    (asked,) = orders(swarm, 0.0, A)
    assert asked.what is What.LIST


def test_what_was_wrong_in_a_pack_strikes_itself_and_rests_there() -> None:
    swarm = Swarm()
    for number in range(3):
        swarm.want(root(number), 1, SMALL)
    (pack,) = orders(swarm, 0.0, A)
    swarm.on_files([root(0)])
    swarm.on_unfit(pack.number, [root(1), root(9)], 0.0, wrong=True)
    swarm.on_unfit(pack.number, [root(2)], 0.0, wrong=False)
    swarm.on_unfit(99, [root(1)], 0.0, wrong=True)
    swarm.on_ended(pack.number, 0.0, End.DONE)
    strikes = [swarm.downloads[root(number)].strikes[A] for number in range(3)]
    assert strikes == [0, 1, 0]
    assert orders(swarm, limits.RETRY_S, A) == []
    assert [order.roots for order in orders(swarm, limits.RETRY_S, A, B)] == [(root(1), root(2))]
    swarm.want(root(7), 1, SMALL)
    assert [order.roots for order in orders(swarm, limits.RETRY_S, A)] == [(root(7),)]


def test_who_was_late_is_asked_last_for_what_others_have_not_at_all() -> None:
    one, two = content(4), content(5)
    swarm = wanting(one, two)
    lists = orders(swarm, 0.0, A)
    assert swarm.under_way.on_heard(lists[0].number, 0, 10.0)
    assert swarm.overdue(held_by(A), 10.0) == [], "nobody else has it"
    assert swarm.overdue(held_by(A, B), 10.0) == [lists[0].number]
    swarm.on_ended(lists[0].number, 10.0, End.FAILED)
    swarm.on_ended(lists[1].number, 10.0, End.FAILED)
    found = orders(swarm, 12.0, A, B)
    assert [(order.peer, order.what) for order in found] == [(B, What.LIST)] * 2
    for order in found:
        swarm.on_ended(order.number, 12.0, End.FAILED)
    assert [order.peer for order in orders(swarm, 12.5, A)] == [A, A], "there is nobody else"


def test_what_is_not_wanted_any_more_is_not_late() -> None:
    one = content(4)
    swarm = wanting(one)
    (order,) = orders(swarm, 0.0, A)
    swarm.under_way.on_heard(order.number, 0, 10.0)
    assert swarm.forget(one.root) == [order.number]
    assert swarm.overdue(held_by(A, B), 10.0) == []


def test_the_list_of_one_owners_files_never_waits_for_the_pieces_of_anothers() -> None:
    """Lists are asked only a little ahead: of each owner's files, at each peer."""
    swarm = Swarm()
    for number in range(LISTS_AHEAD + 3):
        one = content(100 + number)
        swarm.want(one.root, one.size_bytes, one.piece_size, A)
        swarm.on_list(one)
    other = content(3)
    orders(swarm, 0.0, A)
    swarm.want(other.root, other.size_bytes, other.piece_size, B)
    assert [order.roots for order in orders(swarm, 0.0, A)] == [(other.root,)]


def test_an_owner_has_half_of_the_slots_while_another_waits() -> None:
    """However many hold what the first one shares, and however much that is."""
    everybody = [member.device for member in (ANN, BEN, CLEO, DORA, EMIL)]
    swarm = Swarm()
    one, other = content(5000), content(9)
    for each, owner in ((one, A), (other, B)):
        swarm.want(each.root, each.size_bytes, each.piece_size, owner)
        swarm.on_list(each)
    holders = {one.root: everybody, other.root: [EMIL.device]}
    found = swarm.next_orders(holders.__getitem__, 0.0)
    assert len(found) == limits.WORKERS
    assert [order.roots[0] for order in found[:5]] == [one.root] * 4 + [other.root]


def test_a_call_looks_at_some_contents_only_however_many_are_wanted() -> None:
    """Each call looked at all of them, for each order that ended: quadratic in large files."""
    looked = [0]

    def holders(_: Root) -> Sequence[DeviceId]:
        looked[0] += 1
        return [A]

    swarm = Swarm()
    for number in range(4000):
        swarm.want(root(number), 10 * SMALL, SMALL, A)
    swarm.next_orders(holders, 0.0)
    looked[0] = 0
    swarm.next_orders(holders, 0.0)
    assert looked[0] <= 3 * LOOKS


def test_of_packs_too_an_owner_has_half_while_another_waits() -> None:
    everybody = [member.device for member in (ANN, BEN, CLEO, DORA, EMIL)]
    swarm = Swarm()
    for number in range(40):
        swarm.want(root(number), SMALL, SMALL, A)
    swarm.want(root(99), SMALL, SMALL, B)
    holders = {root(number): everybody[:4] for number in range(40)} | {root(99): [EMIL.device]}
    swarm.next_orders(lambda which: holders[which] if which != root(99) else [], 0.0)
    assert len(swarm.orders) == limits.SMALL_WORKERS, "nobody else could be asked"
    for number in (1, 2, 3, 4, 5):
        swarm.on_ended(number, 0.0, End.FAILED)
    found = swarm.next_orders(holders.__getitem__, 0.0)
    assert found[0].roots == (root(99),), "it has the fewest"
    assert len(swarm.orders) <= limits.SMALL_WORKERS


def test_of_lists_too_an_owner_has_half_while_another_waits() -> None:
    everybody = [member.device for member in (ANN, BEN, CLEO, DORA)]
    swarm = Swarm()
    large = [content(3 + number) for number in range(limits.SMALL_WORKERS)]
    for one in large:
        swarm.want(one.root, one.size_bytes, one.piece_size, A)
    other = content(50)
    swarm.want(other.root, other.size_bytes, other.piece_size, B)
    holders = {one.root: everybody for one in large} | {other.root: [EMIL.device]}
    found = swarm.next_orders(holders.__getitem__, 0.0)
    assert len(found) == limits.SMALL_WORKERS
    assert [order.roots for order in found].index((other.root,)) == 1, "owners take turns"


def test_the_list_of_one_owner_does_not_wait_for_all_packs_of_another() -> None:
    """Packs of everybody came before the lists of anybody."""
    everybody = [member.device for member in (ANN, BEN, CLEO, DORA)]
    swarm, other = Swarm(), content(50)
    for number in range(40):
        swarm.want(root(number), SMALL, SMALL, A)
    swarm.want(other.root, other.size_bytes, other.piece_size, B)
    holders = {root(number): everybody for number in range(40)} | {other.root: [EMIL.device]}
    found = swarm.next_orders(holders.__getitem__, 0.0)
    assert [order.what for order in found[:3]] == [What.PACK, What.LIST, What.PACK]


def calls_until_asked(swarm: Swarm, which: Root, holders: dict[Root, list[DeviceId]]) -> int:
    """Who is asked brings nothing and ends nothing; A holds what is not named."""
    for calls in range(1, 100):
        found = swarm.next_orders(lambda root: holders.get(root, [A]), float(calls))
        if any(which in order.roots for order in found):
            return calls
    raise AssertionError("it was never asked for")


@pytest.mark.parametrize("ahead", [600, 2000])
def test_what_waits_for_a_busy_holder_holds_up_nothing_behind_it(ahead: int) -> None:
    """Only the first LOOKS of a line were ever looked at, until a slot was free there."""
    swarm = Swarm()
    for number in range(ahead):
        swarm.want(root(number), 10 * SMALL, SMALL, A)
    assert orders(swarm, 0.0, A)
    swarm.want(root(ahead), 10 * SMALL, SMALL, A)
    calls = calls_until_asked(swarm, root(ahead), {root(ahead): [A, B]})
    assert calls <= 2 * ahead / LOOKS + 2


def test_of_what_waits_for_a_busy_holder_the_first_is_asked_first() -> None:
    swarm = Swarm()
    for number in range(3 * LOOKS):
        swarm.want(root(number), 10 * SMALL, SMALL, A)
    asked = []
    for _ in range(40):
        new = orders(swarm, 0.0, A)
        asked += [order.roots[0] for order in new]
        oldest = next(iter(swarm.orders.values()))
        swarm.forget(oldest.roots[0])
        swarm.on_ended(oldest.number, 0.0, End.DONE)
    assert asked == [root(number) for number in range(len(asked))]
    assert len(asked) >= 40


@pytest.mark.parametrize("size_bytes", [SMALL, 10 * SMALL])
@pytest.mark.parametrize("ahead", [600, 2000])
def test_what_two_owners_share_is_asked_in_the_turn_of_each(ahead: int, size_bytes: int) -> None:
    """One named it first, behind much else: the other waited in its line."""
    swarm = Swarm()
    for number in range(ahead):
        swarm.want(root(number), size_bytes, SMALL, A)
    orders(swarm, 0.0, A)
    for owner in (A, B, B):
        swarm.want(root(ahead), size_bytes, SMALL, owner)
    assert calls_until_asked(swarm, root(ahead), {root(ahead): [B, A]}) == 1
    (order,) = [each for each in swarm.orders.values() if each.roots == (root(ahead),)]
    swarm.on_ended(order.number, 1.0, End.FAILED)
    again = swarm.next_orders(lambda which: [B] if which == root(ahead) else [A], 99.0)
    assert (root(ahead),) in [each.roots for each in again], "in the turn of B, and not of A"


def test_the_pieces_of_what_two_owners_share_are_asked_in_the_turn_of_each() -> None:
    everybody = [member.device for member in (ANN, BEN, CLEO, DORA, EMIL)]
    swarm = Swarm()
    one, other = content(5000), content(9)
    for each, owner in ((one, A), (other, A), (other, B)):
        swarm.want(each.root, each.size_bytes, each.piece_size, owner)
        swarm.on_list(each)
    holders = {one.root: everybody, other.root: [EMIL.device]}
    found = swarm.next_orders(holders.__getitem__, 0.0)
    assert [order.roots[0] for order in found[:5]] == [one.root] * 4 + [other.root]
    assert not any(order.what is not What.PIECES for order in found)
    swarm.want(other.root, other.size_bytes, other.piece_size, DORA.device)
    assert swarm.downloads[other.root].owners == [A, B, DORA.device]


def test_who_has_other_things_now_is_asked_at_once_for_what_it_lacked() -> None:
    swarm = Swarm()
    swarm.want(root(1), 10, SMALL, ANN.device)
    now = 0.0
    for _ in range(5):
        (order,) = orders(swarm, now, B)
        swarm.on_ended(order.number, now, End.GONE)
        now = swarm.downloads[root(1)].retry_s[B]
    (order,) = orders(swarm, now, B)
    swarm.on_ended(order.number, now, End.GONE)
    soon = now + limits.RETRY_S
    assert orders(swarm, soon, B) == []
    swarm.on_told(B, [CLEO.device])
    assert orders(swarm, soon, B) == [], "that is of another folder"
    swarm.on_told(B, [ANN.device])
    assert len(orders(swarm, soon, B)) == 1
