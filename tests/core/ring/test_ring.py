"""The ring: transcripts between real rings on fake wires, and messages from peers that lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import pytest
from msgspec import structs

from potluck.core import limits
from potluck.core.ring.members import digest_of
from potluck.core.ring.ring import Changed, Ring, RingAction, RingMessage, Say
from potluck.core.wire.catalogue import (
    CONTROL,
    Address,
    Decrement,
    Join,
    Redirect,
    Status,
    Sync,
    Update,
    Welcome,
    encode,
)
from tests.core.fakes import (
    ALL,
    ANN,
    BEN,
    CLEO,
    DORA,
    EMIL,
    Crowd,
    Dice,
    Member,
    apart,
    member_record,
)
from tests.core.wires import Mesh

ALIVE, SUSPECT, DEAD, LEFT = Status
M = TypeVar("M", bound=RingMessage)
NOWHERE = bytes(8)


def ring_of(member: Member = ANN, *chances: float) -> Ring:
    return Ring(member, ALL, apart, b"run", Dice(0, *chances))


def seated(*others: Member) -> Ring:
    """Ann on seat 1, linked to the others, who sit on 2, 3 …"""
    ring = ring_of()
    records = [member_record(other, 2, seat=2 + n) for n, other in enumerate(others)]
    for other in others:
        ring.on_link_opened(other.device, 0.0)
    ring.on_message(BEN.device, Welcome(1, records), 0.0)
    assert ring.seated
    return ring


def said(actions: Sequence[RingAction], kind: type[M]) -> list[M]:
    return [
        action.message
        for action in actions
        if isinstance(action, Say) and isinstance(action.message, kind)
    ]


def names(ring: Ring) -> list[str]:
    return [record.device.decode().strip("\0") for record in ring.nodes()]


# -- whole stories ---------------------------------------------------------------------------------
def test_two_first_starters_make_one_ring() -> None:
    mesh = Mesh([BEN, ANN])
    mesh.link(BEN, ANN)
    mesh.settle()
    assert names(mesh.rings[ANN.device]) == ["ann", "ben"]
    assert [record.seat for record in mesh.rings[BEN.device].nodes()] == [1, 2]


def test_newcomers_sit_behind_the_others_in_the_order_they_came() -> None:
    mesh = Mesh([CLEO, BEN, ANN])
    mesh.link(CLEO, BEN)
    mesh.deliver_all()
    mesh.link(ANN, BEN)
    mesh.link(ANN, CLEO)
    mesh.settle()
    assert names(mesh.rings[CLEO.device]) == ["ben", "cleo", "ann"]


def test_all_at_once_make_one_ring() -> None:
    mesh = Mesh([EMIL, DORA, CLEO, BEN, ANN])
    mesh.link_all()
    mesh.settle()
    assert len(mesh.rings[ANN.device].nodes()) == 5


def test_two_rings_that_meet_become_one() -> None:
    mesh = Mesh([ANN, BEN, CLEO, DORA])
    mesh.link(ANN, BEN)
    mesh.link(CLEO, DORA)
    mesh.deliver_all()
    assert len(mesh.rings[ANN.device].nodes()) == len(mesh.rings[CLEO.device].nodes()) == 2
    mesh.link_all()
    mesh.settle()
    assert len(mesh.rings[ANN.device].nodes()) == 4


def test_a_leaver_is_gone_after_one_message() -> None:
    mesh = Mesh([ANN, BEN, CLEO])
    mesh.link_all()
    mesh.settle()
    mesh.leave(ANN.device)
    assert names(mesh.rings[BEN.device]) == ["ben", "cleo"]
    mesh.settle()
    gone = [
        change
        for device, change in mesh.changes
        if device == BEN.device and change.device == ANN.device
    ]
    assert gone[-1] == Changed(ANN.device, ALIVE, LEFT)


def test_a_crashed_node_is_dead_everywhere_and_comes_back_on_the_same_seat() -> None:
    mesh = Mesh([ANN, BEN, CLEO])
    mesh.link_all()
    mesh.settle()
    mesh.crash(ANN.device)
    mesh.settle()
    assert names(mesh.rings[BEN.device]) == ["ben", "cleo"]
    mesh.restart(ANN.device)
    mesh.link_all()
    mesh.settle()
    assert sorted(names(mesh.rings[ANN.device])) == ["ann", "ben", "cleo"]


def test_a_quick_restart_keeps_the_seat() -> None:
    mesh = Mesh([ANN, BEN, CLEO])
    mesh.link_all()
    mesh.settle()
    seat = mesh.rings[CLEO.device].beliefs.own.seat
    mesh.crash(CLEO.device)
    mesh.restart(CLEO.device)
    mesh.link_all()
    mesh.settle()
    assert mesh.rings[CLEO.device].beliefs.own.seat == seat
    assert mesh.rings[CLEO.device].beliefs.own.incarnation > 2


def test_halves_that_thought_each_other_dead_meet_again() -> None:
    mesh = Mesh([ANN, BEN, CLEO, DORA])
    mesh.link_all()
    mesh.settle()
    for one in (ANN, BEN):
        for other in (CLEO, DORA):
            mesh.close(one.device, other.device)
            mesh.do(
                one.device,
                mesh.rings[one.device].on_unreachable(other.device, mesh.now, process_gone=False),
            )
            mesh.do(
                other.device,
                mesh.rings[other.device].on_unreachable(one.device, mesh.now, process_gone=False),
            )
    mesh.deliver_all()
    mesh.tick(5.0)
    assert names(mesh.rings[ANN.device]) == ["ann", "ben"]
    mesh.link_all()
    mesh.settle()
    assert len(mesh.rings[ANN.device].nodes()) == 4


def test_a_ring_of_two_hundred_fits_its_frames() -> None:
    members = [Member(f"node {n:03}") for n in range(200)]
    everybody = Crowd(ANN, *members)
    mesh = Mesh([ANN, members[0]], everybody)
    full = mesh.rings[members[0].device]
    records = [
        structs.replace(member_record(member, 2, seat=2 + n), addresses=[])
        for n, member in enumerate(members[1:])
    ]
    full.on_message(members[1].device, Welcome(1, records), 0.0)
    assert len(full.nodes()) == 200
    joined = full.on_link_opened(ANN.device, 0.0) + full.on_message(
        ANN.device, Join(member_record(ANN)), 0.0
    )
    assert not any(page.reply for page in said(joined, Sync))  # a joiner has nothing to tell
    for action in joined:
        if isinstance(action, Say):
            assert len(encode(action.message)) <= limits.CONTROL_FRAME_BYTES
            assert CONTROL.decode(encode(action.message)) == action.message
    ann = mesh.rings[ANN.device]
    for action in joined:
        if (
            isinstance(action, Say)
            and action.to == ANN.device
            and not isinstance(action.message, Update)
        ):
            ann.on_message(members[0].device, action.message, 0.0)
    assert len(ann.nodes()) == 201
    assert ann.beliefs.own.seat == 201


# -- a seat ----------------------------------------------------------------------------------------
def test_a_node_without_a_seat_is_alone_and_asks() -> None:
    ring = ring_of(BEN)
    assert names(ring) == ["ben"]
    assert ring.deadline() is None
    assert ring.on_link_opened(ANN.device, 0.0) == [Say(ANN.device, Join(ring.beliefs.own))]
    assert ring.digest == digest_of([ring.beliefs.own])


def test_of_two_without_a_seat_the_larger_id_gets_no_answer() -> None:
    ben = ring_of(BEN)
    assert ben.on_message(ANN.device, Join(member_record(ANN)), 0.0) == []
    actions = ring_of(ANN).on_message(BEN.device, Join(member_record(BEN)), 0.0)
    assert actions[0] == Changed(ANN.device, None, ALIVE)
    assert [welcome.seat for welcome in said(actions, Welcome)] == [2]


def test_nobody_asks_for_a_seat_in_anothers_name() -> None:
    ring = seated(BEN)
    assert ring.on_message(BEN.device, Join(member_record(CLEO)), 0.0) == []
    forged = structs.replace(member_record(CLEO), signature=b"")
    assert ring.on_message(CLEO.device, Join(forged), 0.0) == []


def test_the_same_join_gets_the_same_seat_and_another_the_next() -> None:
    ring = seated(BEN)
    seats = []
    for joiner in (CLEO, DORA, CLEO):
        (welcome,) = said(ring.on_message(joiner.device, Join(member_record(joiner)), 1.0), Welcome)
        seats.append(welcome.seat)
    assert seats == [3, 4, 3]


def test_a_seat_that_was_never_taken_is_free_again() -> None:
    ring = seated(BEN)
    ring.on_message(CLEO.device, Join(member_record(CLEO)), 1.0)
    (welcome,) = said(
        ring.on_message(DORA.device, Join(member_record(DORA)), 1.0 + limits.RESERVED_S), Welcome
    )
    assert welcome.seat == 3


def test_a_seat_that_was_taken_and_left_is_promised_no_more() -> None:
    ring = seated(BEN)
    ring.on_message(CLEO.device, Join(member_record(CLEO)), 1.0)
    ring.on_message(CLEO.device, Update([member_record(CLEO, 2, seat=3)], NOWHERE), 1.1)
    ring.on_message(CLEO.device, Decrement(member_record(CLEO, 3, LEFT, seat=3), 2, NOWHERE), 1.2)
    (welcome,) = said(ring.on_message(DORA.device, Join(member_record(DORA)), 1.3), Welcome)
    assert welcome.seat == 3


def test_another_node_redirects_to_node_0_and_after_half_a_second_admits_as_deputy() -> None:
    ring = seated(BEN)
    ring.beliefs.write([], 9, 5, ALIVE)  # Ann sits behind Ben now
    first = ring.on_message(CLEO.device, Join(member_record(CLEO)), 1.0)
    assert first == [Say(CLEO.device, Redirect(BEN.device, []))]
    (again,) = said(
        ring.on_message(CLEO.device, Join(member_record(CLEO)), 1.0 + limits.DEPUTY_S), Welcome
    )
    assert again.seat == 6


def test_node_0_itself_gets_its_seat_back_from_anybody() -> None:
    ring = seated(BEN)
    ring.beliefs.write([], 9, 5, ALIVE)
    (welcome,) = said(ring.on_message(BEN.device, Join(member_record(BEN)), 1.0), Welcome)
    assert welcome.seat == 2


def test_redirects_are_followed_once_and_only_over_a_link() -> None:
    ring = ring_of(CLEO)
    ring.on_link_opened(BEN.device, 0.0)
    assert ring.on_message(BEN.device, Redirect(ANN.device, []), 0.1) == []
    ring._links.add(ANN.device)
    assert ring.on_message(BEN.device, Redirect(ANN.device, []), 0.1) == [
        Say(ANN.device, Join(ring.beliefs.own))
    ]
    assert ring.on_message(ANN.device, Redirect(BEN.device, []), 0.1) == [
        Say(BEN.device, Join(ring.beliefs.own))
    ]
    assert ring.on_message(BEN.device, Redirect(ANN.device, []), 0.1) == []
    assert seated(BEN).on_message(BEN.device, Redirect(BEN.device, []), 0.1) == []


def test_when_nobody_answers_a_seat_is_taken() -> None:
    ring = ring_of(BEN)
    ring.on_link_opened(ANN.device, 10.0)
    assert ring.deadline() == 10.0 + limits.DEPUTY_S
    assert ring.on_tick(10.1) == []
    asks = 0
    while not ring.seated:
        due = ring.deadline()
        assert due is not None
        asks += len(said(ring.on_tick(due), Join))
    assert asks == 3
    assert due == 10.0 + 4 * limits.DEPUTY_S
    assert ring.beliefs.own.seat == 1
    assert ring.beliefs.own.incarnation == 2  # one change, told once


def test_a_seat_that_nobody_gave_is_behind_all_that_are_known() -> None:
    ring = ring_of(BEN)
    ring.on_link_opened(ANN.device, 10.0)
    ring.on_message(ANN.device, Sync([member_record(CLEO, 2, seat=3)], NOWHERE, reply=False), 10.1)
    while not ring.seated:
        ring.on_tick(ring.deadline() or 0.0)
    assert ring.beliefs.own.seat == 4


def test_whoever_founds_the_ring_sits_on_its_first_seat_whatever_it_has_heard() -> None:
    ring = ring_of(ANN)
    ring.on_message(BEN.device, Sync([member_record(CLEO, 2, seat=3)], NOWHERE, reply=False), 0.1)
    ring.on_message(BEN.device, Join(member_record(BEN)), 0.2)
    assert ring.beliefs.own.seat == 1


def test_without_any_link_nobody_is_asked() -> None:
    ring = ring_of(BEN)
    ring.on_link_opened(ANN.device, 10.0)
    ring.on_link_closed(ANN.device)
    assert ring.on_tick(10.5) == []
    assert ring.deadline() is None


def test_the_next_contact_is_another_link() -> None:
    ring = ring_of(CLEO)
    ring.on_link_opened(ANN.device, 10.0)
    ring.on_link_opened(BEN.device, 10.0)
    ring.on_link_closed(ANN.device)
    assert ring.on_tick(10.5) == [Say(BEN.device, Join(ring.beliefs.own))]
    ring.on_link_closed(CLEO.device)
    assert ring._search.contact == BEN.device


def test_a_second_welcome_changes_nothing() -> None:
    ring = seated(BEN)
    assert ring.on_message(BEN.device, Welcome(77, []), 1.0) == []
    assert ring.beliefs.own.seat == 1


def test_a_seat_beyond_belief_is_not_taken() -> None:
    ring = ring_of()
    ring.on_link_opened(BEN.device, 0.0)
    ring.on_message(BEN.device, Welcome(2**50, [member_record(BEN, seat=1)]), 0.0)
    assert ring.beliefs.own.seat == 2
    for promised, taken in ((2 + limits.SEAT_GAP, 2 + limits.SEAT_GAP), (3 + limits.SEAT_GAP, 2)):
        ring = ring_of()
        ring.on_message(BEN.device, Welcome(promised, [member_record(BEN, seat=1)]), 0.0)
        assert ring.beliefs.own.seat == taken


def test_no_seat_is_larger_than_a_record_can_hold() -> None:
    ring = ring_of()
    ring.on_message(BEN.device, Welcome(1, [member_record(BEN, seat=limits.SEQ_MAX)]), 0.0)
    (welcome,) = said(ring.on_message(CLEO.device, Join(member_record(CLEO)), 1.0), Welcome)
    assert welcome.seat == limits.SEQ_MAX


# -- telling ---------------------------------------------------------------------------------------
def test_a_link_is_greeted_with_the_own_record() -> None:
    ring = seated(BEN)
    assert ring.on_link_opened(CLEO.device, 1.0) == [
        Say(CLEO.device, Update([ring.beliefs.own], ring.digest))
    ]


def test_news_is_passed_on_and_old_news_is_not() -> None:
    ring = seated(BEN, CLEO)
    record = member_record(DORA, 2, seat=4)
    actions = ring.on_message(BEN.device, Update([record], NOWHERE), 1.0)
    assert actions[0] == Changed(DORA.device, None, ALIVE)
    assert [say.to for say in actions[1:3] if isinstance(say, Say)] == [BEN.device, CLEO.device]
    assert len(said(actions, Sync)) == 1
    assert ring.on_message(BEN.device, Update([record], ring.digest), 1.0) == []


def test_one_ending_is_told_as_decrement_with_the_old_number() -> None:
    ring = seated(BEN, CLEO)
    actions = ring.on_message(
        BEN.device, Decrement(member_record(CLEO, 3, LEFT, seat=3), 2, NOWHERE), 1.0
    )
    assert actions[0] == Changed(CLEO.device, ALIVE, LEFT)
    (hint, _) = said(actions, Decrement)
    assert (hint.old_number, hint.digest) == (2, ring.digest)


def test_an_ending_of_one_that_had_no_number_any_more_is_told_with_zero() -> None:
    ring = seated(BEN, CLEO)
    ring.on_message(BEN.device, Update([member_record(CLEO, 3, DEAD, seat=3, by=BEN)], NOWHERE), 1)
    ring.on_tick(1.0 + limits.SUSPICION_S)
    left = member_record(CLEO, 3, LEFT, seat=3)
    actions = ring.on_message(BEN.device, Update([left], ring.digest), 9.0)
    assert actions[0] == Changed(CLEO.device, DEAD, LEFT)
    assert [hint.old_number for hint in said(actions, Decrement)] == [0, 0]


def test_differing_digests_lead_to_a_sync_at_once_then_half_the_time_never_twice_at_once() -> None:
    ring = ring_of(ANN, 0.4, limits.SYNC_CHANCE)
    ring.on_link_opened(BEN.device, 0.0)
    ring.on_message(BEN.device, Welcome(1, [member_record(BEN, 2, seat=2)]), 0.0)
    (sync,) = said(ring.on_records(BEN.device, [], NOWHERE, 1.0), Sync)
    assert sync.reply
    assert ring.on_records(BEN.device, [], NOWHERE, 1.1) == []
    assert ring.on_records(BEN.device, [], NOWHERE, 1.3) == []  # the die is below the chance
    assert len(said(ring.on_records(BEN.device, [], NOWHERE, 1.5), Sync)) == 1
    assert ring.on_records(BEN.device, [], ring.digest, 9.0) == []
    assert ring.on_records(CLEO.device, [], NOWHERE, 9.0) == []  # no link


def test_after_the_first_sight_it_is_half_the_time() -> None:
    ring = seated(BEN)
    sights = [ring.on_records(BEN.device, [], NOWHERE, 100.0 * n) for n in range(1, 401)]
    assert 0.4 < len([actions for actions in sights if actions]) / len(sights) < 0.6


def test_a_link_that_was_closed_leaves_no_trace() -> None:
    ring = seated(BEN)
    ring.on_records(BEN.device, [], NOWHERE, 1.0)
    ring.on_link_closed(BEN.device)
    assert ring._synced_s == {}


def test_a_sync_is_answered_in_kind_if_asked() -> None:
    ring = seated(BEN)
    (answer,) = said(ring.on_message(BEN.device, Sync([], NOWHERE, reply=True), 1.0), Sync)
    assert answer == Sync(ring.beliefs.records, ring.digest, reply=False)
    assert ring.on_message(BEN.device, Sync([], NOWHERE, reply=False), 1.0) == []
    assert ring_of().on_message(BEN.device, Sync([], NOWHERE, reply=True), 1.0) == []


def test_many_records_travel_in_pages_and_the_last_asks() -> None:
    members = [Member(f"node {n:03}") for n in range(100)]
    ring = Ring(ANN, Crowd(ANN, *members), apart, b"run", Dice())
    ring.on_link_opened(members[0].device, 0.0)
    ring.on_message(
        members[0].device,
        Welcome(1, [member_record(m, seat=n + 2) for n, m in enumerate(members)]),
        0.0,
    )
    pages = said(ring.on_records(members[0].device, [], NOWHERE, 1.0), Sync)
    assert [(len(page.records), page.reply) for page in pages] == [(64, False), (37, True)]


def test_seats_far_beyond_all_others_are_a_lie() -> None:
    ring = seated(BEN)
    far = member_record(CLEO, seat=2 + limits.SEAT_GAP + 1)
    assert ring.on_message(BEN.device, Update([far], ring.digest), 1.0) == []
    assert ring.beliefs.get(CLEO.device) is None
    near = member_record(CLEO, seat=2 + limits.SEAT_GAP)
    assert ring.on_message(BEN.device, Update([near], ring.digest), 1.0)


def test_an_update_reminds_a_node_without_a_seat_to_ask() -> None:
    ring = ring_of(BEN)
    ring._links.add(ANN.device)
    assert said(ring.on_message(ANN.device, Update([member_record(ANN)], NOWHERE), 1.0), Join)


def test_new_addresses_are_told_with_a_higher_incarnation() -> None:
    ring = seated(BEN)
    before = ring.beliefs.own.incarnation
    (update,) = said(ring.on_addresses([Address("h", 1)]), Update)
    assert update.records[0].incarnation == before + 1
    assert ring.on_addresses([Address("h", 1)]) == []
    assert ring_of().on_addresses([Address("h", 1)]) == []


def test_a_suspicion_is_told_to_the_suspect_too() -> None:
    ring = seated(BEN, CLEO)
    actions = ring.on_unreachable(BEN.device, 1.0, process_gone=False)
    assert actions[0] == Changed(BEN.device, ALIVE, SUSPECT)
    assert [action.to for action in actions[1:] if isinstance(action, Say)] == [
        BEN.device,
        CLEO.device,
    ]


def test_without_a_seat_nobody_is_told_anything() -> None:
    ring = ring_of(BEN)
    ring.on_link_opened(ANN.device, 0.0)
    heard = Sync([member_record(CLEO, 2, seat=3)], NOWHERE, reply=False)
    assert ring.on_message(ANN.device, heard, 0.1) == [Changed(CLEO.device, None, ALIVE)]
    assert ring.on_addresses([Address("h", 1)]) == []
    assert ring.leave() == []


def test_lateness_of_the_own_ticks_stretches_patience() -> None:
    ring = seated(BEN)
    ring.on_lateness(3.0)
    ring.on_unreachable(BEN.device, 1.0, process_gone=False)
    assert ring.on_tick(1.0 + limits.SUSPICION_S) == []
    assert ring.beliefs._suspicions[BEN.device].ends_s == 1.0 + 3.0 * limits.SUSPICION_S


def test_it_says_how_it_stands() -> None:
    assert repr(ring_of(BEN)) == "<Ring ALONE, left False, 1 nodes, 0 links>"
    assert repr(seated(BEN, CLEO)) == "<Ring SEATED, left False, 3 nodes, 2 links>"


def test_who_has_left_says_nothing_any_more() -> None:
    ring = seated(BEN)
    before = ring.beliefs.own.incarnation
    (farewell,) = said(ring.leave(), Decrement)
    assert (farewell.record.status, farewell.old_number) == (LEFT, 0)
    assert farewell.record.incarnation == before + 1
    assert ring.on_message(BEN.device, Sync([], NOWHERE, reply=True), 1.0) == []
    assert ring.on_link_opened(CLEO.device, 1.0) == []
    assert ring.on_unreachable(BEN.device, 1.0, process_gone=True) == []
    assert ring.on_addresses([Address("h", 1)]) == []
    assert ring.on_tick(99.0) == []
    assert ring.on_records(BEN.device, [], NOWHERE, 1.0) == []
    assert ring_of().leave() == []


def test_in_a_large_ring_an_update_goes_to_both_neighbours_and_up_to_three_others() -> None:
    members = [Member(f"node {n:03}") for n in range(limits.UPDATE_ALL + 8)]
    ring = Ring(ANN, Crowd(ANN, *members), apart, b"run", Dice(3))
    ring.on_message(
        members[0].device,
        Welcome(1, [member_record(m, seat=n + 2) for n, m in enumerate(members)]),
        0.0,
    )
    assert ring.on_addresses([Address("h", 1)]) == []  # nobody is linked
    for member in members:
        ring.on_link_opened(member.device, 0.0)
    told = {action.to for action in ring.on_addresses([Address("h", 2)]) if isinstance(action, Say)}
    assert {members[0].device, members[-1].device} < told
    assert len(told) <= 5


def test_up_to_so_many_nodes_an_update_goes_to_everybody() -> None:
    members = [Member(f"node {n:03}") for n in range(limits.UPDATE_ALL - 1)]
    ring = Ring(ANN, Crowd(ANN, *members), apart, b"run", Dice(3))
    records = [member_record(m, seat=n + 2) for n, m in enumerate(members)]
    ring.on_message(members[0].device, Welcome(1, records), 0.0)
    for member in members:
        ring.on_link_opened(member.device, 0.0)
    assert len(ring.nodes()) == limits.UPDATE_ALL
    assert len(ring.on_addresses([Address("h", 1)])) == len(members)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_nobody_can_make_another_leave_or_move_it(count: int) -> None:
    ring = seated(BEN, CLEO)
    lies = [
        structs.replace(member_record(CLEO, 9, LEFT), signature=b"x"),
        structs.replace(
            member_record(CLEO, 9, seat=1), signature=member_record(BEN, 9, seat=1).signature
        ),
        structs.replace(
            member_record(CLEO, 2, LEFT, seat=3), signature=member_record(CLEO, 2, seat=3).signature
        ),
    ]
    assert ring.on_message(BEN.device, Update(lies[:count], ring.digest), 1.0) == []
    assert ring.on_message(BEN.device, Decrement(lies[0], 2, ring.digest), 1.0) == []
