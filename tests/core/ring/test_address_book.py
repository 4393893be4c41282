"""The address book: whom to call, ask and dial, and when, as a plan read from outside."""

from __future__ import annotations

from itertools import pairwise

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.ring.address_book import (
    ASKS_PER_CALL,
    POLITE_S,
    SWEEP_STEP_S,
    AddressBook,
    AddressBookAction,
    Ask,
    Meet,
    SendBeacon,
    let_rest,
)
from potluck.core.wire.catalogue import Address
from tests.core.fakes import ANN, BEN, CLEO, Dice

HERE, THERE = Address("10.0.0.2", 7685), Address("10.0.0.3", 7685)
B, C = BEN.device, CLEO.device
WAKES = 1000  # more than any story here needs


def plan(me: DeviceId = ANN.device, *, sweep: bool = False, started: bool = True) -> AddressBook:
    book = AddressBook(me, Dice(0, *[1.0] * 9), sweep=sweep)
    book.own.on_networks([("10.0.0.1", 24)])
    if started:
        book.on_start({}, [], 0.0)
        book._calls_s = [1e9]  # calls have their own test
    return book


def tick(
    book: AddressBook, now: float, *wanted: DeviceId, alone: bool = True
) -> list[AddressBookAction]:
    book.on_wanted(wanted)
    book.on_company(3, alone=alone)
    return book.on_tick(now)


def due_with(book: AddressBook, *wanted: DeviceId) -> float | None:
    book.on_wanted(wanted)
    return book.deadline()


def run(
    book: AddressBook, until: float, *wanted: DeviceId, alone: bool = True
) -> list[tuple[float, AddressBookAction]]:
    """Wake up whenever asked to; what was done when."""
    done: list[tuple[float, AddressBookAction]] = []
    for _ in range(WAKES):
        due = due_with(book, *wanted)
        if due is None or due > until:
            return done
        done += [(round(due, 3), action) for action in tick(book, due, *wanted, alone=alone)]
    raise AssertionError("it asks to be woken for ever")


def test_calls_come_in_a_burst_and_then_by_the_number_of_nodes() -> None:
    book = plan(started=False)
    book.on_start({}, [], 10.0)
    times = [time for time, action in run(book, 50.0) if action == SendBeacon()]
    assert times == [10.0, 10.25, 11.0, 12.0, 14.0, 29.0, 44.0]


def test_until_the_nodes_are_counted_one_is_alone_and_calls_for_one() -> None:
    book = AddressBook(ANN.device, Dice(0, *[1.0] * 9), sweep=True)
    book.on_start({}, [], 10.0)
    book.on_networks([("10.9.0.1", 30)], [], 10.0)
    calls: list[float] = []
    asked: list[float] = []
    for _ in range(len(limits.BURST_S) + 3):  # one of them for the sweep
        due = book.deadline()
        assert due is not None
        for action in book.on_tick(due):
            (calls if action == SendBeacon() else asked).append(due)
    assert asked == [10.0 + limits.SWEEP_AFTER_S]
    assert calls[-1] - calls[-2] == limits.BROADCAST_INTERVAL_S
    book.on_company(0, alone=True)  # after a farewell nobody is in the ring
    last = calls[-1] + limits.BROADCAST_INTERVAL_S  # planned before
    assert book.on_tick(last) == [SendBeacon()]
    assert book.deadline() == last + limits.BROADCAST_INTERVAL_S


def test_before_the_start_nothing_is_due() -> None:
    book = plan(started=False)
    assert due_with(book, B) is None
    assert tick(book, 5.0, B) == []


def test_remembered_devices_are_dialled_and_peers_asked_at_once() -> None:
    book = plan(started=False)
    book.on_start({B: [HERE], ANN.device: [THERE]}, [THERE], 0.0)
    assert tick(book, 0.0, B) == [SendBeacon(), Ask(THERE), Meet(B, HERE)]
    assert ANN.device not in book.known
    asked = [time for time, action in run(book, 5.0) if action == Ask(THERE)]
    assert asked == [0.25, 1.0, 4.0], "with the burst, and again with its last call: it is alone"


def test_neighbours_are_asked_once_per_network() -> None:
    book = plan()
    own = [("10.0.0.1", 24)]
    for now in (0.0, 5.0):
        book.on_networks(own, ["10.0.0.1", "10.0.0.9"], now)
        asks = [action for _, action in run(book, now + 4.0)]
        assert asks == ([Ask(Address("10.0.0.9", limits.PORT))] * 2 if now == 0.0 else [])
    assert book.asked == {"10.0.0.9": "neighbour"}


def test_who_stays_alone_asks_its_neighbours_again_a_few_at_a_time() -> None:
    book = plan(started=False)
    book.on_start({}, [], 0.0)
    hosts = [f"10.0.1.{number}" for number in range(ASKS_PER_CALL + 2)]
    book.on_networks([("10.0.0.1", 16)], hosts, 0.0)
    asks = [action for _, action in run(book, 4.0) if isinstance(action, Ask)]
    assert len(asks) == 2 * len(hosts) + ASKS_PER_CALL, "some again with the last of the burst"
    calls: list[list[str]] = []
    for _, action in run(book, 40.0):
        if isinstance(action, Ask):
            calls[-1].append(action.address.host)
        else:
            calls.append([])
    assert calls == [
        [*hosts[ASKS_PER_CALL:], *hosts[: ASKS_PER_CALL - 2]],
        [*hosts[-4:], *hosts[: ASKS_PER_CALL - 4]],
    ]
    assert {action for _, action in run(book, 99.0, alone=False)} == {SendBeacon()}


def test_each_neighbour_is_asked_at_its_times_whenever_the_others_are() -> None:
    book = plan()
    own = [("10.0.0.1", 24)]
    book.on_networks(own, ["10.0.0.9"], 5.0)
    assert tick(book, 5.0) == [Ask(Address("10.0.0.9", limits.PORT))]
    book.on_networks(own, ["10.0.0.3"], 5.1)
    first, second = limits.BURST_S[:2]
    asked = [(due, ask.address.host) for due, ask in run(book, 9.0) if isinstance(ask, Ask)]
    assert asked == [
        (5.1 + first, "10.0.0.3"),
        (5.0 + second, "10.0.0.9"),
        (5.1 + second, "10.0.0.3"),
    ]


def test_networks_that_are_known_before_the_start_are_swept_after_it() -> None:
    book = plan(sweep=True, started=False)
    book.on_networks([("10.9.0.1", 30)], [], 0.0)
    assert book.deadline() is not None
    book.on_start({}, [], 70.0)
    asked = [due for due, action in run(book, 75.0) if isinstance(action, Ask)]
    assert asked == [70.0 + limits.SWEEP_AFTER_S]


def test_who_is_alone_asks_its_neighbours_and_peers_each_time_it_calls() -> None:
    book = plan()
    book.on_start({}, [THERE], 0.0)
    book.on_networks([("10.0.0.1", 24)], ["10.0.0.9", "10.0.0.1", THERE.host], 0.0)
    run(book, 4.5)
    done = run(book, 30.0)
    calls = [time for time, action in done if action == SendBeacon()]
    for host in ("10.0.0.9", THERE.host):
        asked = [time for time, action in done if action == Ask(Address(host, limits.PORT))]
        assert asked == calls
    assert Ask(Address("10.0.0.1", limits.PORT)) not in [action for _, action in done]
    done = run(book, 60.0, alone=False)
    assert {action for _, action in done} == {SendBeacon()}


def test_a_neighbour_that_is_new_is_asked_even_if_a_sweep_came_too_early_for_it() -> None:
    book = plan(sweep=True)
    book.on_networks([("10.0.0.1", 30)], [], 0.0)
    run(book, 3.0)
    assert "10.0.0.2" in book.asked
    book.on_networks([("10.0.0.1", 30)], ["10.0.0.2"], 5.0)
    assert [action for _, action in run(book, 5.3, alone=False)] == [
        Ask(Address("10.0.0.2", limits.PORT))
    ] * 2
    book.on_networks([("10.0.0.1", 30)], ["10.0.0.2"], 6.0)
    assert run(book, 6.3, alone=False) == [], "it is no news"


def test_on_another_network_the_same_address_is_asked_again_and_calls_burst() -> None:
    book = plan(started=False)
    book.on_start({}, [THERE], 0.0)
    book.on_networks([("10.0.0.1", 24)], ["10.0.0.9"], 0.0)
    run(book, 15.0)
    book.on_networks([("10.0.0.7", 24)], ["10.0.0.9"], 20.0)
    done = [action for time, action in run(book, 24.0) if time >= 20.0]
    assert done.count(SendBeacon()) == len(limits.BURST_S)
    assert done.count(Ask(Address("10.0.0.9", limits.PORT))) == 3
    assert book.asked == {THERE.host: "peer", "10.0.0.9": "neighbour"}


def test_only_so_many_neighbours_are_asked() -> None:
    book = plan()
    book.on_networks([("10.0.0.1", 8)], (f"10.1.{n // 250}.{n % 250}" for n in range(1000)), 0.0)
    assert len(book.asked) == limits.NEIGHBOURS


def test_the_smaller_id_dials_first_the_other_is_polite() -> None:
    for me, expected in ((ANN.device, 5.0), (CLEO.device, 5.0 + POLITE_S)):
        book = plan(me)
        book.on_sighted(B, HERE, "beacon", 5.0)
        assert due_with(book, B) == expected
        assert tick(book, 4.9, B) == []
        assert run(book, 6.0, B) == [(expected, Meet(B, HERE))]


def test_only_one_dial_to_one_device_at_a_time_and_only_if_wanted() -> None:
    book = plan()
    book.on_sighted(B, HERE, "beacon", 5.0)
    assert tick(book, 5.0) == []
    assert tick(book, 5.0, C) == []
    assert tick(book, 5.0, B) == [Meet(B, HERE)]
    assert tick(book, 5.1, B) == []
    assert due_with(book, B) == 1e9


def test_failed_dials_back_off_and_go_through_the_addresses() -> None:
    book = plan()
    book.on_told(B, [HERE, THERE], 0.0)
    dials = []
    for _ in range(8):
        due = due_with(book, B)
        assert due is not None
        (meet,) = tick(book, due, B)
        assert isinstance(meet, Meet)
        dials.append((round(due, 2), meet.address))
        book.on_dial_ended(B, due, linked=False)
    pauses = [round(b - a, 2) for (a, _), (b, _) in pairwise(dials)]
    assert pauses == [*limits.DIAL_BACKOFF_S, limits.DIAL_BACKOFF_S[-1]]
    assert [address for _, address in dials] == [HERE, THERE] * 4


def test_a_fresh_sighting_ends_the_back_off_and_goes_before_what_was_told() -> None:
    book = plan()
    book.on_told(B, [HERE], 0.0)
    tick(book, 1.0, B)
    for _ in range(5):
        book.on_dial_ended(B, 1.0, linked=False)
    book.on_sighted(B, THERE, "beacon", 2.0)
    book.on_sighted(B, THERE, "beacon", 2.0)
    assert tick(book, 2.0, B) == [Meet(B, THERE)]
    assert book.known[B].addresses == [THERE, HERE]


def test_a_sighting_never_delays_a_dial_that_is_due() -> None:
    book = plan(CLEO.device)
    book.on_sighted(B, HERE, "beacon", 5.0)
    book.on_sighted(B, HERE, "beacon", 5.2)
    assert due_with(book, B) == 5.0 + POLITE_S


def test_where_a_dial_succeeded_is_the_first_place_next_time() -> None:
    book = plan()
    many = [Address(f"10.0.0.{n + 1}", 7777) for n in range(limits.ADDRESSES_PER_DEVICE)]
    book.on_told(B, many, 0.0)
    book.on_reached(B, many[3])
    assert book.known[B].addresses == [many[3], *many[:3], *many[4:]]
    book.on_reached(B, HERE)
    assert len(book.known[B].addresses) == limits.ADDRESSES_PER_DEVICE
    book.on_reached(C, HERE)
    assert tick(book, 0.0, C) == [Meet(C, HERE)]


def test_how_a_device_was_found_is_remembered() -> None:
    book = plan(started=False)
    book.on_start({B: [HERE]}, [], 0.0)
    book.on_sighted(B, THERE, "beacon", 0.0)
    assert book.known[B].found_by == "remembered"
    book.on_dial_ended(B, 0.0, linked=False)
    book.on_dial_ended(B, 0.0, linked=True)
    book.on_sighted(B, THERE, "beacon", 0.5)
    assert book.known[B].found_by == "remembered"  # the dial did it, in the end
    book.on_dial_ended(B, 0.5, linked=False)
    book.on_sighted(B, THERE, "beacon", 1.0)
    assert book.known[B].found_by == "beacon"


def test_a_link_that_ends_is_dialled_again() -> None:
    for me, pause in ((ANN.device, 0.0), (CLEO.device, POLITE_S)):
        book = plan(me)
        book.on_sighted(B, HERE, "beacon", 0.0)
        run(book, 1.0, B)
        book.on_dial_ended(B, 1.0, linked=True)
        book.on_unlinked(B, 9.0)
        assert due_with(book, B) == 9.0 + pause


def test_where_dials_failed_the_first_address_is_dialled_again_after_a_link() -> None:
    for tries in (1, 2):
        book = plan()
        book.on_told(B, [HERE, THERE], 0.0)
        for _ in range(tries):
            book.on_dial_ended(B, 1.0, linked=False)
        book.on_unlinked(B, 20.0)  # it had dialled us meanwhile
        assert tick(book, 20.0, B) == [Meet(B, HERE)]


def test_again_overrides_the_back_off() -> None:
    book = plan()
    book.on_sighted(B, HERE, "beacon", 0.0)
    tick(book, 0.0, B)
    book.on_dial_ended(B, 0.0, linked=False)
    book.again(B, 0.05)
    assert tick(book, 0.05, B) == []
    assert due_with(book, B) == 0.2, "so many dials a second to one device"
    assert tick(book, 0.2, B) == [Meet(B, HERE)]


def test_what_is_said_of_oneself_or_of_nobody_is_nothing() -> None:
    book = plan()
    book.on_sighted(ANN.device, HERE, "beacon", 0.0)
    book.on_told(ANN.device, [HERE], 0.0)
    book.on_dial_ended(B, 0.0, linked=True)
    book.on_unlinked(B, 0.0)
    book.again(B, 0.0)
    assert book.known == {}


def test_addresses_are_bounded() -> None:
    book = plan()
    many = [Address(f"10.0.0.{n + 1}", 7777) for n in range(20)]
    book.on_told(B, many, 0.0)
    assert book.known[B].addresses == many[: limits.ADDRESSES_PER_DEVICE]
    book.on_sighted(B, many[-1], "beacon", 0.0)
    assert book.known[B].addresses == [many[-1], *many[: limits.ADDRESSES_PER_DEVICE - 1]]


def test_devices_are_bounded_and_one_that_is_dialled_stays() -> None:
    book = plan()
    book.on_sighted(B, HERE, "beacon", 0.0)
    tick(book, 0.0, B)
    for number in range(limits.SIGHTED + 10):
        book.on_told(DeviceId(number.to_bytes(32, "little")), [HERE], 0.0)
    assert len(book.known) == limits.SIGHTED
    assert B in book.known
    for sighting in book.known.values():
        sighting.dialling = True
    book.on_told(C, [HERE], 0.0)
    assert B not in book.known


def test_after_a_second_alone_the_own_subnet_is_swept_slowly_and_once() -> None:
    book = plan(sweep=True)
    book.on_networks([("10.0.0.1", 24)], ["10.0.0.9"], 0.0)
    done = [
        (time, action.address.host) for time, action in run(book, 60.0) if isinstance(action, Ask)
    ]
    swept = [(time, host) for time, host in done if time >= limits.SWEEP_AFTER_S]
    # without ourselves and the neighbour
    assert len({host for _, host in swept}) == len(swept) == 252
    seconds = swept[-1][0] - swept[0][0]
    assert len(swept) / (seconds + SWEEP_STEP_S) <= limits.SWEEP_PER_S
    assert tick(book, 99.0) == []


def test_no_sweep_with_company() -> None:
    book = plan(sweep=True)
    book.on_networks([("10.0.0.1", 24)], [], 0.0)
    assert tick(book, 0.5) == []
    assert run(book, 60.0, alone=False) == []
    assert tick(book, 61.0) == []


def test_large_local_and_ipv6_networks_are_never_swept() -> None:
    book = plan(sweep=True)
    own = [
        ("10.0.0.1", 21),
        ("127.0.0.1", 24),
        ("169.254.0.1", 24),
        ("fd00::1", 64),
        ("10.9.0.1", 30),
    ]
    book.on_networks(own, [], 0.0)
    assert [action for _, action in run(book, 60.0)] == [Ask(Address("10.9.0.2", limits.PORT))]
    assert book.asked == {"10.9.0.2": "sweep"}
    unwanted = plan(sweep=False)
    unwanted.on_networks([("10.9.0.1", 30)], [], 0.0)
    assert run(unwanted, 60.0) == []


def test_calls_are_spread_by_chance_around_their_pace() -> None:
    book = AddressBook(ANN.device, Dice(3), sweep=False)
    book.on_start({}, [], 0.0)
    times = [time for time, action in run(book, 5000.0) if action == SendBeacon()]
    pauses = [after - before for before, after in pairwise(times[len(limits.BURST_S) :])]
    pace = 3 * limits.BROADCAST_INTERVAL_S
    assert 0.5 * pace <= min(pauses) < 0.7 * pace
    assert 1.3 * pace < max(pauses) <= 1.5 * pace


def test_who_came_to_us_is_known_with_how_it_may_have_found_us() -> None:
    book = plan()
    book.on_came(B, "it found us", 1.0)
    assert (book.known[B].found_by, book.known[B].addresses) == ("it found us", [])
    assert due_with(book, B) == 1e9  # nowhere to dial
    book.on_told(B, [HERE], 1.1)
    assert due_with(book, B) == 1.0 + POLITE_S


def test_what_was_told_is_dialled_after_the_other_side_had_its_time() -> None:
    book = plan()
    book.on_told(B, [HERE], 2.0)
    assert due_with(book, B) == 2.0 + POLITE_S


def test_the_largest_network_that_is_swept() -> None:
    book = plan(sweep=True)
    book.on_networks([("10.8.0.1", limits.SWEEP_PREFIX)], [], 0.0)
    assert len([action for _, action in run(book, 60.0)]) == 2**10 - 3  # ends, and ourselves


def test_it_says_how_it_stands() -> None:
    book = plan()
    book.on_networks([("10.0.0.1", 24)], ["10.0.0.9"], 0.0)
    book.on_sighted(B, HERE, "beacon", 0.0)
    assert repr(book) == "<AddressBook 1 devices, 2 questions planned, <Sweep 0 unswept>>"


# -- what others say -------------------------------------------------------------------------------
def test_only_what_is_ours_is_dialled_of_all_that_is_said() -> None:
    book = plan()
    said = ["localhost", "nas.local", "8.8.8.8", "10.0.1.9", "10.0.0.255", "127.0.0.1", "::1", ""]
    book.on_told(B, [Address(host, 7777) for host in said], 0.0)
    for host in said:
        book.on_sighted(C, Address(host, 7777), "beacon", 0.0)
    assert [action for _, action in run(book, 60.0, B, C)] == []
    book.on_told(B, [HERE], 60.0)
    assert Meet(B, HERE) in [action for _, action in run(book, 61.0, B, C)]


def test_what_was_said_is_dialled_once_this_host_is_on_that_network() -> None:
    book, far = plan(), Address("192.168.7.5", 7777)
    book.on_sighted(B, far, "beacon", 0.0)
    assert tick(book, 1.0, B) == []
    book.on_networks([("192.168.7.9", 24)], [], 2.0)
    assert Meet(B, far) in tick(book, 2.0, B)
    book.on_dial_ended(B, 2.0, linked=True)
    book.on_unlinked(B, 3.0)
    book.on_networks([("10.0.0.1", 24)], [], 3.0)
    assert Meet(B, far) not in tick(book, 4.0, B), "it was said, and never proved"


def test_a_device_that_calls_without_end_is_dialled_no_oftener_than_so_many_times_a_second() -> (
    None
):
    book, dials = plan(), 0
    for step in range(1000):
        now = step / 100
        book.on_sighted(B, Address("10.0.0.2", 2000 + step), "beacon", now)
        for action in tick(book, now, B):
            dials += isinstance(action, Meet)
            book.on_dial_ended(B, now, linked=False)
    assert 10 < dials <= 10 * limits.DIALS_PER_S


def test_who_is_to_rest_is_not_dialled_however_often_it_is_sighted() -> None:
    book = plan()
    let_rest(book, B, 5.0)  # nobody knows it
    book.on_sighted(B, HERE, "beacon", 0.0)
    let_rest(book, B, 5.0)
    book.on_sighted(B, HERE, "beacon", 1.0)
    assert tick(book, 4.9, B) == []
    assert due_with(book, B) == 5.0
    assert tick(book, 5.0, B) == [Meet(B, HERE)]
