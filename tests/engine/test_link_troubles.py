"""Link troubles: what is told of devices that are there and cannot be reached, and what is not."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Tell
from potluck.engine.events import (
    DIAL_REFUSED,
    DIAL_TIMEOUT,
    DIAL_UNMADE,
    DIAL_UNREACHABLE,
    DIAL_UNTRIED,
    NO_COMMON_VERSION,
    LinkId,
)
from potluck.engine.link_troubles import (
    HEARD_S,
    HUNG_AGAIN_S,
    MANY_BYTES,
    SEARCH_S,
    STANDING_MAX,
    STANDS_S,
    TIMES,
    LinkTroubles,
)
from potluck.engine.node import Node
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import address, group, key, node, taken

BEN = key(2).device


@pytest.fixture
def here() -> Node:
    made = node(1)
    made.now = 100.0
    made.roster = group(1, 2)
    return made


def subjects(here: Node) -> list[str]:
    return [trouble.subject for trouble in here.troubles.of(TroubleKind.LINK)]


def test_a_member_that_is_heard_and_cannot_be_reached_is_told_once(here: Node) -> None:
    part, label = LinkTroubles(here), here.label_of(BEN)
    here.firewall = "ufw"
    part.on_heard(BEN)
    for _ in range(TIMES - 1):
        part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == []
    for _ in range(3):
        part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert (trouble.subject, trouble.command) == (label, "sudo ufw allow 7685")
    assert trouble.reason == (
        f"no connection with {address(2).host}:7685 in either direction: "
        "a firewall on one of the two devices lets nothing in (ufw is on here), a cable is out, "
        "or the way there is overloaded; "
        "TCP and UDP port 7685 must be let in"
    )
    (tell,) = taken(here, Tell)
    assert (tell.code, tell.subject) == ("link_blocked", label)
    assert tell.text == f"{label}: {trouble.reason}; try: {trouble.command}"
    assert tell.command == trouble.command


def test_one_that_fails_in_another_way_is_not_told_again_and_stands_as_it_is(here: Node) -> None:
    part = LinkTroubles(here)
    part.on_blocked("ben", address(2), DIAL_TIMEOUT)
    part.on_blocked("ben", address(2), DIAL_REFUSED)
    assert len(taken(here, Tell)) == 1
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert "it is refused there" in trouble.reason


def test_without_a_firewall_in_sight_none_is_named(here: Node) -> None:
    LinkTroubles(here).on_blocked("ben", address(2), DIAL_TIMEOUT)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert trouble.reason.endswith(
        "a firewall on one of the two devices lets nothing in, a cable is out, "
        "or the way there is overloaded; "
        "TCP and UDP port 7685 must be let in"
    )
    assert trouble.command == ""
    (tell,) = taken(here, Tell)
    assert tell.text == f"ben: {trouble.reason}"
    here.tools = ("nft",)
    LinkTroubles(here).on_blocked("cleo", address(3), DIAL_TIMEOUT)
    assert here.troubles.of(TroubleKind.LINK)[1].command == "sudo nft list ruleset"


@pytest.mark.parametrize(
    ("reason", "begin", "end"),
    [
        (DIAL_REFUSED, "it is refused there", "or nothing listens at that port"),
        (f"{DIAL_UNREACHABLE}: No route to host", "No route to host", "or a cable is out"),
        (DIAL_UNREACHABLE, DIAL_UNREACHABLE, "or a cable is out"),
    ],
)
def test_a_firewall_that_rejects_is_one_of_two_things_it_can_be(
    here: Node, reason: str, begin: str, end: str
) -> None:
    here.firewall = "ufw"
    LinkTroubles(here).on_blocked("ben", address(2), reason)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    head = f"no connection with {address(2).host}:7685 in either direction: {begin}: "
    firewall = "a firewall on one of the two devices rejects it (ufw is on here), "
    assert trouble.reason == head + firewall + end + "; TCP and UDP port 7685 must be let in"
    assert trouble.command == "sudo ufw allow 7685"


def test_want_of_descriptors_here_is_nobodys_firewall(here: Node) -> None:
    here.firewall = "ufw"
    LinkTroubles(here).on_blocked("ben", address(2), f"{DIAL_UNTRIED}: Too many open files")
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    said = "this device cannot make one now (not tried: Too many open files)"
    assert trouble.reason.endswith(f"direction: {said}")
    assert trouble.command == ""


def test_what_the_system_broke_off_is_nobodys_firewall(here: Node) -> None:
    here.firewall = "ufw"
    LinkTroubles(here).on_blocked("ben", address(2), f"{DIAL_UNMADE}: No such name")
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert trouble.reason.endswith("in either direction: none could be made (No such name)")
    assert trouble.command == ""


@pytest.mark.parametrize("reason", [NO_COMMON_VERSION, f"tls: {NO_COMMON_VERSION}: potluck/1"])
def test_another_version_is_told_as_that_whoever_says_so(here: Node, reason: str) -> None:
    LinkTroubles(here).on_blocked("ben", address(2), reason)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert "do not understand each other" in trouble.reason
    assert "up to date" in trouble.reason


def test_what_fails_after_a_connection_was_made_is_no_firewall(here: Node) -> None:
    here.firewall = "ufw"
    LinkTroubles(here).on_blocked("ben", address(2), "not the device")
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert trouble.reason.endswith("direction: one is made, and then fails (not the device)")
    assert trouble.command == ""
    (tell,) = taken(here, Tell)
    assert tell.text == f"ben: {trouble.reason}"


def test_two_versions_that_do_not_understand_each_other_are_named_as_that(here: Node) -> None:
    LinkTroubles(here).on_blocked("10.0.0.2", address(2), NO_COMMON_VERSION)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert "versions of potluck that do not understand each other; the older one" in trouble.reason
    assert trouble.command == "version", "which one this is"
    assert trouble.reason.endswith("up to date; the command, typed on both, tells which it is")
    LinkTroubles(here).on_blocked("10.0.0.2", address(2), f"tls: {NO_COMMON_VERSION}: 2")
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert trouble.reason.endswith("the one there is newer, this one has to be brought up to date")


def test_when_a_member_is_dialled_next_is_told(here: Node) -> None:
    part = LinkTroubles(here)
    here.address_book.on_told(BEN, [address(2)], here.now)
    for _ in range(TIMES):
        part.on_heard(BEN)
        here.address_book.on_dial_ended(BEN, here.now, linked=False)
        part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert trouble.next_s == here.now + limits.DIAL_BACKOFF_S[TIMES - 1]


def test_a_member_of_which_nothing_is_heard_is_away_and_no_trouble(here: Node) -> None:
    part = LinkTroubles(here)
    for _ in range(3):
        part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    part.on_heard(BEN)
    here.now += HEARD_S + 1.0
    for _ in range(3):
        part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == []
    part.on_heard(BEN)
    part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [], "the dials while it was away had to fail"
    part.on_heard(BEN)
    here.now += HEARD_S
    part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [here.label_of(BEN)]


def test_what_was_heard_before_the_cable_was_pulled_proves_nothing(here: Node) -> None:
    part = LinkTroubles(here)
    part.on_heard(BEN)
    for _ in range(3):
        here.now += 1.0
        part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == []
    part.on_heard(BEN)
    part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [here.label_of(BEN)]


def test_a_link_ends_it(here: Node) -> None:
    part = LinkTroubles(here)
    part.on_heard(BEN)
    for _ in range(TIMES):
        part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert repr(part) == "<LinkTroubles: 1>"
    part.on_linked(BEN)
    assert subjects(here) == []
    assert part.deadline() is None
    part.on_heard(BEN)
    part.on_undialled(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [], "it begins anew"


def test_a_link_ends_what_was_told_of_a_newcomer_at_that_host_before_it_was_a_member(
    here: Node,
) -> None:
    part = LinkTroubles(here)
    part.on_door_blocked(address(2).host, address(2), DIAL_TIMEOUT)
    part.on_door_blocked("its label elsewhere", address(2), DIAL_TIMEOUT)
    part.on_door_blocked(address(3).host, address(3), DIAL_TIMEOUT)
    here.peer(BEN).link = LinkId(5)
    here.peer(BEN).address = Address(address(2).host, 0)
    part.on_linked(BEN)
    assert subjects(here) == [address(3).host]


def test_a_newcomer_is_known_by_any_of_its_addresses(here: Node) -> None:
    part = LinkTroubles(here)
    part.on_door_blocked(address(2).host, address(2), DIAL_TIMEOUT)
    here.address_book.on_told(BEN, [address(2)], here.now)
    here.peer(BEN).address = Address("10.9.0.2", 0)
    part.on_linked(BEN)
    assert subjects(here) == []


def test_a_dial_to_a_door_that_ends_after_its_device_came_in_is_no_trouble(here: Node) -> None:
    part = LinkTroubles(here)
    here.peer(BEN).link = LinkId(5)
    here.peer(BEN).address = Address(address(2).host, 0)
    part.on_door_blocked(address(2).host, address(2), DIAL_TIMEOUT)
    assert subjects(here) == []
    here.peer(BEN).link = None
    part.on_door_blocked(address(2).host, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [address(2).host]


def test_a_link_with_one_member_says_nothing_of_another_one_at_the_same_host(here: Node) -> None:
    here.roster = group(1, 2, 3)
    part = LinkTroubles(here)
    part.on_blocked(here.label_of(key(3).device), address(2), DIAL_TIMEOUT)
    here.peer(BEN).address = address(2)
    part.on_linked(BEN)
    assert subjects(here) == ["d3"]


def test_before_there_is_a_group_a_link_ends_only_what_is_told_of_its_host(here: Node) -> None:
    here.roster = None
    part = LinkTroubles(here)
    part.on_blocked("10.0.0.3", address(3), DIAL_TIMEOUT)
    part.on_linked(BEN)
    assert subjects(here) == ["10.0.0.3"]


def test_what_is_reached_after_all_is_over_and_told_anew_the_next_time(here: Node) -> None:
    part = LinkTroubles(here)
    part.on_blocked("10.0.0.2", address(2), DIAL_TIMEOUT)
    part.on_reached("10.0.0.2")
    part.on_reached("10.0.0.3")
    assert subjects(here) == []
    part.on_blocked("10.0.0.2", address(2), DIAL_TIMEOUT)
    assert len(taken(here, Tell)) == 2


def test_what_nobody_tries_any_more_is_let_go(here: Node) -> None:
    part = LinkTroubles(here)
    part.on_blocked("ben", address(2), DIAL_TIMEOUT)
    here.now += 1.0
    part.on_blocked("cleo", address(3), DIAL_TIMEOUT)
    assert part.deadline() == 100.0 + STANDS_S
    here.now = 100.0 + STANDS_S
    part.on_tick()
    assert subjects(here) == ["cleo"]
    part.on_blocked("cleo", address(3), DIAL_TIMEOUT)
    assert part.deadline() == here.now + STANDS_S


# -- bulk links ------------------------------------------------------------------------------------
def unserved(here: Node) -> LinkTroubles:
    """No bulk link with Ben can be made, who is linked and speaks."""
    part = LinkTroubles(here)
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    part.on_said(BEN)
    here.now += SEARCH_S
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    return part


def test_that_no_bulk_link_can_be_made_with_who_is_linked_is_told_of_files(here: Node) -> None:
    part, label = unserved(here), here.label_of(BEN)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert trouble.subject == label
    assert trouble.reason.startswith(
        f"no connection for files with {address(2).host}:7685 in either direction: a firewall"
    )
    assert part.deadline() == here.now + STANDS_S


def test_a_search_for_a_bulk_link_that_began_before_the_cable_was_in_again_says_nothing(
    here: Node,
) -> None:
    part = LinkTroubles(here)
    part.on_said(BEN)
    for _ in range(3):  # the cable is out, and nobody has noticed yet
        here.now += SEARCH_S
        part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == []
    part.on_heard(BEN)
    here.now += SEARCH_S - 0.1
    part.on_said(BEN)
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [], "it may have begun before"
    here.now += 0.1
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [here.label_of(BEN)]


def test_while_nothing_is_heard_a_search_for_a_bulk_link_says_nothing(here: Node) -> None:
    part = LinkTroubles(here)
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    part.on_said(BEN)
    here.now += 2 * SEARCH_S  # its cable is out once more
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == []
    part.on_said(BEN)
    here.now += SEARCH_S - 1
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == [], "it counts from when it is heard again"


def test_after_another_link_searches_for_bulk_links_count_anew(here: Node) -> None:
    for ends in (LinkTroubles.on_linked, LinkTroubles.on_served):
        part = LinkTroubles(here)
        part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
        part.on_said(BEN)
        here.now += SEARCH_S
        ends(part, BEN)
        part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
        assert subjects(here) == []
    part = LinkTroubles(here)
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    part.on_said(BEN)
    here.now += SEARCH_S
    part.on_unlinked(BEN, clean=False)
    part.on_unserved(BEN, address(2), DIAL_TIMEOUT)
    assert subjects(here) == []


def test_whatever_comes_on_a_bulk_link_ends_at_once_that_there_is_none(here: Node) -> None:
    unserved(here).on_received(BEN, 1)
    assert subjects(here) == []
    unserved(here).on_served(BEN)
    assert subjects(here) == []
    LinkTroubles(here).on_served(BEN)
    assert subjects(here) == [], "where nothing is told nothing ends"
    part = LinkTroubles(here)
    part.on_blocked("d3", address(3), DIAL_TIMEOUT)
    part.on_received(BEN, MANY_BYTES)
    assert subjects(here) == ["d3"]


# -- connections that hang -------------------------------------------------------------------------
def hanging(here: Node) -> LinkTroubles:
    """Connections with Ben, who has a link, have hung for long enough."""
    here.tools = ("nft", "ping")
    part = LinkTroubles(here)
    here.peer(BEN).link, here.peer(BEN).address = LinkId(5), address(2)
    part.on_hung(address(2).host)
    here.now += HUNG_AGAIN_S
    part.on_hung(address(2).host)
    return part


def test_connections_that_hang_with_small_packets_too_are_told_once(here: Node) -> None:
    part = hanging(here)
    for _ in range(3):
        here.now += HUNG_AGAIN_S
        part.on_hung(address(2).host)
        part.on_linked(BEN)
        part.on_reached(here.label_of(BEN))
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert (trouble.subject, trouble.since_s) == (here.label_of(BEN), 100.0 + HUNG_AGAIN_S)
    assert trouble.reason.startswith(
        "connections with 10.0.0.2 are made and then hang: packets of "
    )
    assert "asleep" in trouble.reason
    assert "overloaded" in trouble.reason
    assert trouble.command == "ping -c 3 -M do -s 1212 10.0.0.2", "1,240 with 28 bytes of headers"
    (tell,) = taken(here, Tell)
    assert (tell.code, tell.subject) == ("link_hangs", here.label_of(BEN))
    assert part.deadline() == here.now + STANDS_S


def test_what_hung_before_packets_were_small_or_long_ago_is_not_told(here: Node) -> None:
    part = LinkTroubles(here)
    for _ in range(3):
        part.on_hung("10.0.0.9")
        here.now += HUNG_AGAIN_S / 4
        part.on_hung("10.0.0.9")
        here.now += STANDS_S + 1.0
    assert subjects(here) == []


def test_a_member_that_went_hangs_for_a_reason_and_one_that_is_heard_does_not(here: Node) -> None:
    part = hanging(here)
    part.on_unlinked(BEN, clean=False)
    assert subjects(here) == [here.label_of(BEN)], "links may be lost by that"
    part.on_unlinked(BEN, clean=True)
    assert subjects(here) == []
    here.peer(BEN).link = None
    for _ in range(2):
        here.now += HUNG_AGAIN_S
        part.on_hung(address(2).host)
    assert subjects(here) == [], "it is away, or asleep"
    part.on_heard(BEN)
    here.now += HEARD_S + 1.0
    part.on_hung(address(2).host)
    assert subjects(here) == [], "it is by now"
    part.on_heard(BEN)
    part.on_hung(address(2).host)
    assert subjects(here) == [here.label_of(BEN)]


def test_of_a_host_nobody_or_more_than_one_is_known_at_the_host_is_told(here: Node) -> None:
    here.roster = group(1, 2, 3)
    here.peer(key(3).device).address = address(2)
    assert hanging(here) is not None
    assert subjects(here) == [address(2).host]
    here.roster = None
    here.tools = ()
    part = LinkTroubles(here)
    part.on_hung("10.0.0.9")
    here.now += HUNG_AGAIN_S
    part.on_hung("10.0.0.9")
    assert subjects(here) == [address(2).host, "10.0.0.9"]
    _, stranger = here.troubles.of(TroubleKind.LINK)
    assert stranger.command == "", "what is not installed here is not advised"
    assert "ping" not in stranger.reason


def test_many_bytes_end_it_and_few_do_not(here: Node) -> None:
    part = hanging(here)
    part.on_blocked("d3", address(3), DIAL_TIMEOUT)
    part.on_received(BEN, MANY_BYTES - 1)
    assert subjects(here) == [here.label_of(BEN), "d3"], "small packets get through such a path"
    part.on_received(BEN, MANY_BYTES)
    assert subjects(here) == ["d3"]
    part.on_hung(address(2).host)
    assert subjects(here) == ["d3"], "it begins anew"


def test_a_handshake_that_hangs_is_the_same_trouble_and_no_answer_at_all_another(
    here: Node,
) -> None:
    part, label = hanging(here), here.label_of(BEN)
    part.on_blocked(label, address(2), "the other side fell silent")
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert "are made and then hang" in trouble.reason
    for reason in (f"{DIAL_UNTRIED}: Too many open files", DIAL_TIMEOUT):
        part.on_blocked(label, address(2), reason)
        (trouble,) = here.troubles.of(TroubleKind.LINK)
        assert "in either direction" in trouble.reason
    part.on_hung(address(2).host)
    (trouble,) = here.troubles.of(TroubleKind.LINK)
    assert "lets nothing in" in trouble.reason, "more is known by that"


def test_invented_devices_that_a_member_says_to_hear_cost_nothing(here: Node) -> None:
    part = LinkTroubles(here)
    for number in range(1000):
        part.on_heard(DeviceId(number.to_bytes(32, "big")))
    assert not part._members
    here.roster = None
    part.on_heard(BEN)
    assert not part._members


def test_strangers_with_many_addresses_make_room_for_each_other(here: Node) -> None:
    troubles = LinkTroubles(here)
    for number in range(STANDING_MAX + 5):
        here.now += 0.01
        host = f"10.0.{number // 250}.{number % 250}"
        troubles.on_door_blocked(host, Address(host, 7685), DIAL_TIMEOUT)
        troubles.on_hung(host)
    assert repr(troubles) == f"<LinkTroubles: {STANDING_MAX}>"
    assert len(troubles._hung) == STANDING_MAX
    assert here.troubles.count(TroubleKind.LINK) == STANDING_MAX
    here.now += STANDS_S
    troubles.on_tick()
    assert here.troubles.count(TroubleKind.LINK) == 0
