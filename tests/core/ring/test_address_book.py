"""Sightings: whom to call, ask and dial, and when, as a plan read from outside."""

from __future__ import annotations

from itertools import pairwise

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.ring.address_book import (
    POLITE_S,
    SWEEP_STEP_S,
    AddressBook,
    AddressBookAction,
    Ask,
    Meet,
    SendBeacon,
)
from potluck.core.wire.catalogue import Address
from tests.core.fakes import ANN, BEN, CLEO

HERE, THERE = Address("10.0.0.2", 7685), Address("10.0.0.3", 7685)
B, C = BEN.device, CLEO.device


def plan(me: DeviceId = ANN.device, *, sweep: bool = False, started: bool = True) -> AddressBook:
    sightings = AddressBook(me, 7685, sweep=sweep)
    if started:
        sightings.on_start({}, [], 0.0)
        sightings._calls_s = [1e9]  # calls have their own test
    return sightings


def tick(
    sightings: AddressBook, now: float, *wanted: DeviceId, alone: bool = True
) -> list[AddressBookAction]:
    return sightings.on_tick(wanted, 3, alone, 0.5, now)


def run(
    sightings: AddressBook, until: float, *wanted: DeviceId, alone: bool = True
) -> list[tuple[float, AddressBookAction]]:
    """Wake up whenever asked to; what was done when."""
    done = []
    while (due := sightings.deadline(wanted)) is not None and due <= until:
        done += [(round(due, 3), action) for action in tick(sightings, due, *wanted, alone=alone)]
    return done


def test_calls_come_in_a_burst_and_then_by_the_number_of_nodes() -> None:
    sightings = plan(started=False)
    sightings.on_start({}, [], 10.0)
    times = [time for time, action in run(sightings, 50.0) if action == SendBeacon()]
    assert times == [10.0, 10.25, 11.0, 12.0, 14.0, 29.0, 44.0]


def test_before_the_start_nothing_is_due() -> None:
    sightings = plan(started=False)
    assert sightings.deadline([B]) is None
    assert tick(sightings, 5.0, B) == []


def test_remembered_devices_are_dialled_and_peers_asked_at_once() -> None:
    sightings = plan(started=False)
    sightings.on_start({B: [HERE], ANN.device: [THERE]}, [THERE], 0.0)
    assert tick(sightings, 0.0, B) == [SendBeacon(), Ask(THERE), Meet(B, HERE)]
    assert ANN.device not in sightings.known
    asked = [time for time, action in run(sightings, 5.0) if action == Ask(THERE)]
    assert asked == [0.25, 1.0]


def test_neighbours_are_asked_once_per_network() -> None:
    sightings = plan()
    own = [("10.0.0.1", 24)]
    for now in (0.0, 5.0):
        sightings.on_networks(own, ["10.0.0.1", "10.0.0.9"], now)
        asks = [action for _, action in run(sightings, now + 4.0)]
        assert asks == ([Ask(Address("10.0.0.9", limits.PORT))] * 2 if now == 0.0 else [])
    assert sightings.asked == {"10.0.0.9": "neighbour"}


def test_on_another_network_the_same_address_is_asked_again_and_calls_burst() -> None:
    sightings = plan(started=False)
    sightings.on_start({}, [THERE], 0.0)
    sightings.on_networks([("10.0.0.1", 24)], ["10.0.0.9"], 0.0)
    run(sightings, 15.0)
    sightings.on_networks([("10.0.0.7", 24)], ["10.0.0.9"], 20.0)
    done = [action for time, action in run(sightings, 24.0) if time >= 20.0]
    assert done.count(SendBeacon()) == len(limits.BURST_S)
    assert done.count(Ask(Address("10.0.0.9", limits.PORT))) == 2
    assert sightings.asked == {THERE.host: "peer", "10.0.0.9": "neighbour"}


def test_only_so_many_neighbours_are_asked() -> None:
    sightings = plan()
    sightings.on_networks(
        [("10.0.0.1", 8)], (f"10.1.{n // 250}.{n % 250}" for n in range(1000)), 0.0
    )
    assert len(sightings.asked) == limits.NEIGHBOURS


def test_the_smaller_id_dials_first_the_other_is_polite() -> None:
    for me, expected in ((ANN.device, 5.0), (CLEO.device, 5.0 + POLITE_S)):
        sightings = plan(me)
        sightings.on_sighted(B, HERE, "beacon", 5.0)
        assert sightings.deadline([B]) == expected
        assert run(sightings, 6.0, B) == [(expected, Meet(B, HERE))]


def test_only_one_dial_to_one_device_at_a_time_and_only_if_wanted() -> None:
    sightings = plan()
    sightings.on_sighted(B, HERE, "beacon", 5.0)
    assert tick(sightings, 5.0) == []
    assert tick(sightings, 5.0, C) == []
    assert tick(sightings, 5.0, B) == [Meet(B, HERE)]
    assert tick(sightings, 5.1, B) == []
    assert sightings.deadline([B]) == 1e9


def test_failed_dials_back_off_and_go_through_the_addresses() -> None:
    sightings = plan()
    sightings.on_told(B, [HERE, THERE], 0.0)
    dials = []
    for _ in range(8):
        due = sightings.deadline([B])
        assert due is not None
        (meet,) = tick(sightings, due, B)
        assert isinstance(meet, Meet)
        dials.append((round(due, 2), meet.address))
        sightings.on_dial_ended(B, due, linked=False)
    pauses = [round(b - a, 2) for (a, _), (b, _) in pairwise(dials)]
    assert pauses == [*limits.DIAL_BACKOFF_S, limits.DIAL_BACKOFF_S[-1]]
    assert [address for _, address in dials] == [HERE, THERE] * 4


def test_a_fresh_sighting_ends_the_back_off_and_goes_before_what_was_told() -> None:
    sightings = plan()
    sightings.on_told(B, [HERE], 0.0)
    tick(sightings, 1.0, B)
    for _ in range(6):
        sightings.on_dial_ended(B, 1.0, linked=False)
    sightings.on_sighted(B, THERE, "beacon", 2.0)
    sightings.on_sighted(B, THERE, "beacon", 2.0)
    assert tick(sightings, 2.0, B) == [Meet(B, THERE)]
    assert sightings.known[B].addresses == [THERE, HERE]


def test_a_sighting_never_delays_a_dial_that_is_due() -> None:
    sightings = plan(CLEO.device)
    sightings.on_sighted(B, HERE, "beacon", 5.0)
    sightings.on_sighted(B, HERE, "beacon", 5.2)
    assert sightings.deadline([B]) == 5.0 + POLITE_S


def test_where_a_dial_succeeded_is_the_first_place_next_time() -> None:
    sightings = plan()
    many = [Address(f"10.0.0.{n}", 1) for n in range(limits.ADDRESSES_PER_DEVICE)]
    sightings.on_told(B, many, 0.0)
    sightings.on_reached(B, many[3])
    assert sightings.known[B].addresses == [many[3], *many[:3], *many[4:]]
    sightings.on_reached(B, HERE)
    assert len(sightings.known[B].addresses) == limits.ADDRESSES_PER_DEVICE
    sightings.on_reached(C, HERE)
    assert tick(sightings, 0.0, C) == [Meet(C, HERE)]


def test_how_a_device_was_found_is_remembered() -> None:
    sightings = plan(started=False)
    sightings.on_start({B: [HERE]}, [], 0.0)
    sightings.on_sighted(B, THERE, "beacon", 0.0)
    assert sightings.known[B].found_by == "remembered"
    sightings.on_dial_ended(B, 0.0, linked=False)
    sightings.on_sighted(B, THERE, "beacon", 1.0)
    assert sightings.known[B].found_by == "beacon"


def test_a_link_that_ends_is_dialled_again() -> None:
    for me, pause in ((ANN.device, 0.0), (CLEO.device, POLITE_S)):
        sightings = plan(me)
        sightings.on_sighted(B, HERE, "beacon", 0.0)
        run(sightings, 1.0, B)
        sightings.on_dial_ended(B, 1.0, linked=True)
        sightings.on_unlinked(B, 9.0)
        assert sightings.deadline([B]) == 9.0 + pause


def test_again_overrides_the_back_off() -> None:
    sightings = plan()
    sightings.on_sighted(B, HERE, "beacon", 0.0)
    tick(sightings, 0.0, B)
    sightings.on_dial_ended(B, 0.0, linked=False)
    sightings.again(B, 0.05)
    assert tick(sightings, 0.05, B) == [Meet(B, HERE)]


def test_what_is_said_of_oneself_or_of_nobody_is_nothing() -> None:
    sightings = plan()
    sightings.on_sighted(ANN.device, HERE, "beacon", 0.0)
    sightings.on_told(ANN.device, [HERE], 0.0)
    sightings.on_dial_ended(B, 0.0, linked=True)
    sightings.on_unlinked(B, 0.0)
    sightings.again(B, 0.0)
    assert sightings.known == {}


def test_addresses_are_bounded() -> None:
    sightings = plan()
    many = [Address(f"10.0.0.{n}", 1) for n in range(20)]
    sightings.on_told(B, many, 0.0)
    assert sightings.known[B].addresses == many[: limits.ADDRESSES_PER_DEVICE]
    sightings.on_sighted(B, many[-1], "beacon", 0.0)
    assert sightings.known[B].addresses == [many[-1], *many[: limits.ADDRESSES_PER_DEVICE - 1]]


def test_devices_are_bounded_and_one_that_is_dialled_stays() -> None:
    sightings = plan()
    sightings.on_sighted(B, HERE, "beacon", 0.0)
    tick(sightings, 0.0, B)
    for number in range(limits.SIGHTED + 10):
        sightings.on_told(DeviceId(number.to_bytes(32, "little")), [HERE], 0.0)
    assert len(sightings.known) == limits.SIGHTED
    assert B in sightings.known
    for sighting in sightings.known.values():
        sighting.dialling = True
    sightings.on_told(C, [HERE], 0.0)
    assert B not in sightings.known


def test_after_a_second_alone_the_own_subnet_is_swept_slowly_and_once() -> None:
    sightings = plan(sweep=True)
    sightings.on_networks([("10.0.0.1", 24)], ["10.0.0.9"], 0.0)
    done = [
        (time, action.address.host)
        for time, action in run(sightings, 60.0)
        if isinstance(action, Ask)
    ]
    swept = [(time, host) for time, host in done if time >= limits.SWEEP_AFTER_S]
    # without ourselves and the neighbour
    assert len({host for _, host in swept}) == len(swept) == 252
    seconds = swept[-1][0] - swept[0][0]
    assert len(swept) / (seconds + SWEEP_STEP_S) <= limits.SWEEP_PER_S
    assert tick(sightings, 99.0) == []


def test_no_sweep_with_company() -> None:
    sightings = plan(sweep=True)
    sightings.on_networks([("10.0.0.1", 24)], [], 0.0)
    assert tick(sightings, 0.5) == []
    assert run(sightings, 60.0, alone=False) == []
    assert tick(sightings, 61.0) == []


def test_large_local_and_ipv6_networks_are_never_swept() -> None:
    sightings = plan(sweep=True)
    own = [
        ("10.0.0.1", 21),
        ("127.0.0.1", 24),
        ("169.254.0.1", 24),
        ("fd00::1", 64),
        ("10.9.0.1", 30),
    ]
    sightings.on_networks(own, [], 0.0)
    assert [action for _, action in run(sightings, 60.0)] == [Ask(Address("10.9.0.2", limits.PORT))]
    unwanted = plan(sweep=False)
    unwanted.on_networks([("10.9.0.1", 30)], [], 0.0)
    assert run(unwanted, 60.0) == []
