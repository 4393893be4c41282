"""Slots in the doorway: the two caps, who is evicted first, and that eviction never closes another
thread's socket.

Strategy: socket pairs stand for connections; an evicted one shows as an end at its other side.
"""

import socket

import pytest

from potluck.core.keys.identity import DeviceId
from potluck.shells.links import strangers as strangers_module
from potluck.shells.links.strangers import Strangers


@pytest.fixture
def connection():
    made: list[socket.socket] = []

    def make():
        ours, theirs = socket.socketpair()
        theirs.settimeout(0)
        made.extend((ours, theirs))
        return ours, theirs

    yield make
    for sock in made:
        sock.close()


def is_ended(theirs):
    try:
        return theirs.recv(1) == b""
    except BlockingIOError:
        return False


def test_the_oldest_of_an_address_makes_room(connection):
    doorway = Strangers(per_host=2, in_all=10)
    others = [connection() for _ in range(3)]
    slots = [doorway.enter(ours, "10.0.0.1") for ours, _ in others]
    assert [is_ended(theirs) for _, theirs in others] == [True, False, False]
    assert [slot.evicted for slot in slots] == [True, False, False]
    assert len(doorway) == 2
    assert others[0][0].fileno() >= 0, "closing is the owner's business"


def test_all_addresses_of_one_ipv6_network_are_one_and_known_ones_go_last(connection):
    doorway = Strangers(per_host=2, in_all=10)
    doorway.leave(doorway.enter(connection()[0], "fe80::1%eth0"), proved=True)
    ends = []
    for host in ("fe80::1%eth0", "fe80::2%eth0", "fe80::3%eth0", "fe80::1%eth1", "10.0.0.1"):
        ours, theirs = connection()
        doorway.enter(ours, host)
        ends.append(theirs)
    assert [is_ended(theirs) for theirs in ends] == [False, True, False, False, False]


def test_the_oldest_of_all_makes_room_but_hosts_of_members_go_last(connection):
    doorway = Strangers(per_host=8, in_all=2)
    proved = doorway.enter(connection()[0], "member")
    doorway.leave(proved, proved=True)
    member, member_end = connection()
    doorway.enter(member, "member")
    ends = []
    for number in range(3):
        ours, theirs = connection()
        doorway.enter(ours, f"stranger-{number}")
        ends.append(theirs)
    assert not is_ended(member_end)
    assert [is_ended(theirs) for theirs in ends] == [True, True, False]


def test_a_slot_that_was_left_counts_no_more_and_may_be_left_twice(connection):
    doorway = Strangers(per_host=1, in_all=1)
    slot = doorway.enter(connection()[0], "host")
    doorway.leave(slot)
    doorway.leave(slot)
    assert len(doorway) == 0
    _, theirs = connection()
    assert not is_ended(theirs)


def test_evicted_while_tls_was_being_put_around_it(connection):
    doorway = Strangers(per_host=1, in_all=1)
    first, _ = connection()
    slot = doorway.enter(first, "host")
    first.close()  # as wrap_socket does with the old object
    doorway.enter(connection()[0], "host")
    assert slot.evicted
    wrapped, theirs = connection()
    slot.hold(wrapped)
    assert is_ended(theirs)


def test_known_hosts_are_bounded(connection, monkeypatch):
    monkeypatch.setattr(strangers_module, "KNOWN_HOSTS", 2)
    doorway = Strangers()
    for number in range(4):
        doorway.leave(doorway.enter(connection()[0], f"host-{number}"), proved=True)
    assert list(doorway._known) == ["host-2", "host-3"]


def test_who_is_no_member_any_more_is_evicted_wherever_its_handshake_stands(connection):
    doorway = Strangers()
    pairs = [connection() for _ in range(3)]
    slots = [doorway.enter(ours, "host") for ours, _ in pairs]
    removed, member = DeviceId(b"removed"), DeviceId(b"member")
    slots[0].claimed, slots[1].claimed = removed, member
    doorway.cut_off({removed})
    assert [is_ended(theirs) for _, theirs in pairs] == [True, False, False]
    assert len(doorway) == 2
