"""Discovery: one link per device, the same one at both ends, whatever opens, breaks, restarts or
refuses when.

Strategy: single decisions are driven by hand on a node of a group; whole stories are played by real
devices on a LAN without loop or sockets (tests/engine/lan.py).
"""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.group.roster import Roster
from potluck.core.group.statements import Remove, sign_removal
from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import open_sealed, seal_to
from potluck.core.wire.catalogue import (
    Address,
    Beacon,
    LinkKind,
    Ping,
    Pong,
    RosterRecord,
    encode,
)
from potluck.engine.effects import AnswerIntroduction, Dial, Drop, Effect, Introduce, Send, Transmit
from potluck.engine.events import (
    DialFailed,
    Interface,
    InterfacesSeen,
    IntroductionAnswered,
    IntroductionHeard,
    LinkClosed,
    LinkId,
    LinkOpened,
    OrderId,
)
from potluck.engine.node import Node
from potluck.engine.ring.discovery import (
    HINT,
    INTRODUCTIONS,
    RIVAL_REST_S,
    Discovery,
    wanted,
)
from potluck.engine.ring.rival_links import OTHER_RUN, RIVAL_ANSWER_S, TURN_S
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from tests.engine.builders import address, group, key, member, node, taken
from tests.engine.lan import Device, Lan, linked_pairs, one_group
from tests.engine.listeners import Heard
from tests.engine.wire import ring

BEACON = Beacon(limits.PORT, 1, b"", 2)
SMALL, LARGE = sorted((1, 2), key=lambda number: key(number).device)


class Log:
    """What discovery told the other parts."""

    def __init__(self, discovery: Discovery) -> None:
        assert isinstance(discovery._listener, Heard)
        self.heard = discovery._listener

    @property
    def called(self) -> list[Address | None]:
        return self.heard.of("on_called")

    @property
    def linked(self) -> list[DeviceId]:
        return self.heard.of("on_linked")

    @property
    def unlinked(self) -> list[tuple[DeviceId, bool]]:
        return self.heard.of("on_unlinked")

    @property
    def refused(self) -> list[DeviceId]:
        return self.heard.of("on_refused")


def discovery(
    me: int = 1, *members: int, peers: tuple[Address, ...] = ()
) -> tuple[Node, Discovery]:
    here = node(me, peers=peers)
    here.roster = group(*(members or (1, 2)))
    return here, Discovery(here, SealedDatagrams(here), Heard())


def opened(
    link: int, dial: OrderId | None = None, *, run: bytes = b"run", number: int = 2
) -> LinkOpened:
    where = address(number) if dial is not None else address(number, 0)
    return LinkOpened(LinkId(link), LinkKind.CONTROL, key(number).device, where, run, dial)


def failed(dial: Dial, *, refused: bool = False, knock: bool = False) -> DialFailed:
    return DialFailed(dial.dial, "", refused=refused, knock=knock)


def dials(here: Node, part: Discovery) -> list[Dial]:
    """What is dialled when the time of `here` has come."""
    part.on_tick()
    return taken(here, Dial)


def sight(here: Node, part: Discovery, number: int = 2) -> Dial:
    """A device calls and is dialled."""
    part.on_beacon(key(number).device, BEACON, address(number), "multicast")
    here.now += limits.DIAL_BACKOFF_S[1]  # the one with the larger id is polite
    (dial,) = dials(here, part)
    assert dial.address == address(number)
    return dial


# -- finding ---------------------------------------------------------------------------------------
def test_everything_known_is_tried_at_once() -> None:
    here, part = discovery(1, 1, 2, peers=(address(8),))
    here.index.addresses.remember(key(2).device, address(2), 1)
    here.index.addresses.remember(key(7).device, address(7), 1)  # of a former group
    part.start()
    part.on_tick()
    effects = here.take()
    assert [effect.address for effect in effects if isinstance(effect, Dial)] == [address(2)]
    assert [effect.to for effect in effects if isinstance(effect, Transmit)] == [None, address(8)]
    assert Log(part).called == [None, address(8)]
    assert part.deadline() == 0.25


def test_the_networks_of_this_host_are_asked_through_and_told() -> None:
    here, part = discovery()
    part.start()
    assert (part.own_addresses, part.interfaces, part.neighbours) == ([], (), 0)
    seen = InterfacesSeen(
        (Interface("eth0", "10.0.0.1", "10.0.0.255", 24),), ("10.0.0.7", "10.0.0.1")
    )
    assert part.on_interfaces(seen) == part.own_addresses == [address(1)]
    assert (part.interfaces, part.neighbours) == (("eth0 10.0.0.1",), 2)
    part.on_tick()
    assert address(7) in [effect.to for effect in taken(here, Transmit)]


def test_a_beacon_that_asks_is_answered_to_where_it_came_from() -> None:
    here, part = discovery()
    part.on_beacon(key(2).device, replace(BEACON, ask=True), address(2, 999), "unicast")
    assert [effect.to for effect in taken(here, Transmit)] == [address(2, 999)]
    assert part._node.sighted_at(key(2).device) == [address(2)]
    assert part._book.known[key(2).device].found_by == "was asked"
    here, part = discovery()
    part.on_beacon(key(2).device, BEACON, address(2), "unicast")
    assert part._book.known[key(2).device].found_by == "answer"
    assert here.take() == []


def test_who_asks_back_was_found_by_our_own_question() -> None:
    here, part = discovery(1, 1, 2, peers=(address(2),))
    part.start()
    part.on_beacon(key(2).device, replace(BEACON, ask=True), address(2), "unicast")
    assert part._book.known[key(2).device].found_by == "peer"
    assert here.linked() == []


def test_an_address_without_a_port_is_never_dialled() -> None:
    here, part = discovery()
    here.peer(key(2).device)  # another part has heard of it, and nothing of where it is
    part.on_beacon(key(2).device, replace(BEACON, port=0), address(2), "multicast")
    part.on_told(key(2).device, [address(2, 0)])
    here.now = 9.0
    assert dials(here, part) == []
    part.on_told(key(2).device, [address(2, 0), address(2)])
    here.now = 18.0
    assert [dial.address for dial in dials(here, part)] == [address(2)]


def test_what_is_remembered_of_a_new_member_is_used() -> None:
    here, part = discovery(1, 1, 2)
    for number in (2, 3):
        here.index.addresses.remember(key(number).device, address(number), 1)
    part.on_members()
    here.now = 1.0
    assert [dial.peer for dial in dials(here, part)] == [key(2).device]
    assert part._node.sighted_at(key(3).device) == []


# -- dialling --------------------------------------------------------------------------------------
def test_a_linked_device_is_not_dialled_whatever_is_heard_of_it() -> None:
    here, part = discovery()
    dial = sight(here, part)
    part.on_link_opened(opened(5, dial.dial), key(2).device)
    assert wanted(here) == []
    for _ in range(5):
        here.now += 10.0
        part.on_beacon(key(2).device, BEACON, address(2), "multicast")
        part.on_told(key(2).device, [address(2, 99)])
        part.again(key(2).device)
        assert dials(here, part) == []
    assert part.deadline() is None


def test_a_device_that_does_not_answer_is_tried_at_each_address_ever_less_often() -> None:
    here, part = discovery()
    where = [address(2), address(2, 8000), address(3, 9000)]
    part.on_told(key(2).device, where)
    tried: list[tuple[float, Address]] = []
    while here.now < 60.0:
        due = part.deadline()
        assert due is not None
        here.now = max(here.now, due)
        (dial,) = dials(here, part)
        tried.append((here.now, dial.address))
        assert dials(here, part) == [], "one dial at a time"
        assert part.on_dial_failed(failed(dial))
    assert [place for _, place in tried[:6]] == where * 2
    pauses = [round(later - sooner, 3) for (sooner, _), (later, _) in itertools.pairwise(tried)]
    assert pauses[:6] == list(limits.DIAL_BACKOFF_S)
    assert set(pauses[6:]) == {limits.DIAL_BACKOFF_S[-1]}


def test_a_device_believed_dead_may_be_dialled_again_at_once() -> None:
    here, part = discovery()
    part.on_dial_failed(failed(sight(here, part)))
    assert dials(here, part) == []
    part.again(key(2).device)
    here.now += 1 / limits.DIALS_PER_S
    assert len(dials(here, part)) == 1


def test_a_process_is_gone_when_it_refuses_at_every_address_that_is_known() -> None:
    here, part = discovery()
    log = Log(part)
    part.on_told(key(2).device, [address(2), address(3)])
    for refused, gone in ((True, 0), (False, 0), (True, 0), (True, 1)):
        here.now += 20.0
        (dial,) = dials(here, part)
        part.on_dial_failed(failed(dial, refused=refused))
        assert len(log.refused) == gone
    assert log.refused == [key(2).device]


@pytest.mark.parametrize("refused", [False, True])
def test_a_member_that_is_dialled_in_vain_is_told_with_how_the_dial_failed(refused: bool) -> None:
    here, part = discovery()
    dial = sight(here, part)
    part.on_dial_failed(DialFailed(dial.dial, "why", refused=refused, knock=False))
    assert Log(part).heard.of("on_undialled") == [(key(2).device, address(2), "why")]


def test_what_refused_before_a_link_does_not_count_after_it() -> None:
    here, part = discovery()
    log = Log(part)
    part.on_told(key(2).device, [address(2), address(3)])
    here.now = 1.0
    (dial,) = dials(here, part)
    part.on_dial_failed(failed(dial, refused=True))
    here.now += 1.0
    (dial,) = dials(here, part)
    where = LinkOpened(LinkId(5), LinkKind.CONTROL, key(2).device, address(3), b"run", dial.dial)
    part.on_link_opened(where, key(2).device)
    part.on_link_closed(LinkClosed(LinkId(5), "", clean=False))
    here.now += 1.0
    (dial,) = dials(here, part)
    assert dial.address == address(3)
    part.on_dial_failed(failed(dial, refused=True))
    assert log.refused == [], "nobody has looked at the other address since"


def test_a_single_address_that_refuses_is_enough() -> None:
    here, part = discovery()
    log = Log(part)
    part.on_dial_failed(failed(sight(here, part), refused=True))
    assert log.refused == [key(2).device]


def test_a_dial_that_fails_after_the_other_side_linked_up_says_nothing() -> None:
    here, part = discovery()
    log = Log(part)
    dial = sight(here, part)
    part.on_link_opened(opened(5), key(2).device)
    assert part.on_dial_failed(failed(dial, refused=True, knock=True))
    assert log.refused == []
    assert taken(here, Introduce) == []


def test_dials_of_others_are_not_ours() -> None:
    _, part = discovery()
    assert not part.on_dial_failed(DialFailed(OrderId(4), "", refused=True, knock=True))


# -- links -----------------------------------------------------------------------------------------
def test_a_link_that_we_dialled_tells_where_the_device_is_now_and_after_a_restart() -> None:
    here, part = discovery()
    log = Log(part)
    part.on_link_opened(opened(5, sight(here, part).dial), key(2).device)
    assert log.linked == [key(2).device]
    assert here.peer(key(2).device).address == address(2)
    assert here.index.addresses.of(key(2).device) == [address(2)]
    assert part._dials == {}, "a dial that ended is forgotten"


def test_what_was_reached_last_is_remembered_first_also_over_many_runs() -> None:
    here, part = discovery()
    for run, number in enumerate((3, 4, 2), start=1):
        again = node(1, index=here.index, run=200 - run)
        again.roster = here.roster
        later = Discovery(again, SealedDatagrams(again), Heard())
        later.on_told(key(2).device, [address(number)])
        again.now = 1.0
        (dial,) = dials(again, later)
        where = LinkOpened(
            LinkId(run), LinkKind.CONTROL, key(2).device, address(number), b"run", dial.dial
        )
        later.on_link_opened(where, key(2).device)
    assert here.index.addresses.of(key(2).device) == [address(2), address(4), address(3)]
    assert part._node.sighted_at(key(2).device) == []


def test_a_link_that_came_to_us_is_placed_once_it_is_known_where_the_device_listens() -> None:
    here, part = discovery()
    part.on_link_opened(opened(5), key(2).device)
    assert here.peer(key(2).device).address == address(2, 0)
    assert part._book.known[key(2).device].found_by == "it found us"
    part.on_told(key(2).device, [Address("192.168.9.9", 1), address(2, 8000)])
    assert here.peer(key(2).device).address == address(2, 8000)
    part.on_told(key(2).device, [address(2, 9000)])
    assert here.peer(key(2).device).address == address(2, 8000)
    assert here.index.addresses.of(key(2).device) == [address(2, 8000)], "for the next runs"


def test_a_link_that_answers_our_question_is_credited_to_the_question() -> None:
    here, part = discovery(1, 1, 2, peers=(address(2),))
    part.start()
    part.on_link_opened(opened(5), key(2).device)
    assert part._book.known[key(2).device].found_by == "peer"
    assert here.linked() == [key(2).device]


@pytest.mark.parametrize("stranger", [key(9).device, key(1).device], ids=["stranger", "own clone"])
def test_a_link_to_nobody_of_ours_is_dropped_and_may_be_dialled_again(stranger: DeviceId) -> None:
    here, part = discovery()
    log = Log(part)
    part.on_link_opened(opened(5), stranger)
    assert here.take() == [Drop(LinkId(5), "not a member")]
    assert log.linked == []
    assert here.link_owner == {}


def test_a_device_that_became_a_stranger_while_it_was_dialled_is_dialled_when_it_is_back() -> None:
    here, part = discovery()
    dial = sight(here, part)
    back, here.roster = here.roster, group(1, 3)
    part.on_link_opened(opened(5, dial.dial), key(2).device)
    assert taken(here, Drop) == [Drop(LinkId(5), "not a member")]
    here.roster = back
    here.now += 20.0
    assert len(dials(here, part)) == 1


def test_a_link_that_is_gone_is_dialled_again() -> None:
    here, part = discovery()
    log = Log(part)
    part.on_link_opened(opened(5, sight(here, part).dial), key(2).device)
    part.on_link_closed(LinkClosed(LinkId(99), "", clean=True))
    assert log.unlinked == []
    part.on_link_closed(LinkClosed(LinkId(5), "", clean=False))
    assert log.unlinked == [(key(2).device, False)]
    assert here.linked() == []
    here.now += 1.0
    assert len(dials(here, part)) == 1


def test_a_link_that_is_gone_is_dialled_at_once_however_often_dials_failed_before_it() -> None:
    here, part = discovery()
    dial = sight(here, part)
    for _ in limits.DIAL_BACKOFF_S:
        part.on_dial_failed(failed(dial))
        here.now += limits.DIAL_BACKOFF_S[-1]
        (dial,) = dials(here, part)
    part.on_dial_failed(failed(dial))
    part.on_link_opened(opened(5), key(2).device)
    part.on_link_closed(LinkClosed(LinkId(5), "", clean=False))
    here.now += limits.DIAL_BACKOFF_S[1]
    assert len(dials(here, part)) == 1


def test_all_links_are_dropped_at_the_end() -> None:
    here, part = discovery(1, 1, 2, 3)
    for number in (2, 3):
        part.on_link_opened(opened(number, number=number), key(number).device)
    part.drop_all("leaving")
    assert taken(here, Drop) == [Drop(LinkId(2), "leaving"), Drop(LinkId(3), "leaving")]


@pytest.mark.parametrize("first", ["dialled", "came"])
@pytest.mark.parametrize("me", [1, 2])
def test_of_two_links_the_one_dialled_by_the_smaller_id_stays_whichever_opens_first(
    me: int, first: str
) -> None:
    other = 3 - me
    here, part = discovery(me, 1, 2)
    log = Log(part)
    dial = sight(here, part, other)
    events = [opened(5, dial.dial, number=other), opened(6, number=other)]
    for event in events if first == "dialled" else events[::-1]:
        part.on_link_opened(event, key(other).device)
    stays, goes = (5, 6) if me == SMALL else (6, 5)
    assert here.peer(key(other).device).link == stays
    assert here.link_owner == {LinkId(stays): key(other).device}
    assert taken(here, Drop) == [Drop(LinkId(goes), "duplicate")]
    part.on_link_closed(LinkClosed(LinkId(goes), "duplicate", clean=True))
    assert here.linked() == [key(other).device]
    assert log.unlinked == []
    replaced = (first == "dialled") != (me == SMALL)
    assert len(log.linked) == 1 + replaced, (
        "what was said on the link that goes may never have been heard"
    )


def test_a_link_of_the_others_next_run_takes_the_place_of_the_old_one() -> None:
    here, part = discovery(SMALL, 1, 2)
    log = Log(part)
    part.on_link_opened(opened(5, sight(here, part, LARGE).dial, number=LARGE), key(LARGE).device)
    part.on_link_opened(opened(6, run=b"next", number=LARGE), key(LARGE).device)
    assert taken(here, Drop) == [], "the old one is asked whether anybody is there"
    assert here.peer(key(LARGE).device).instance == b"next"
    assert len(log.linked) == 2
    assert part.deadline() == here.now + RIVAL_ANSWER_S
    here.now += RIVAL_ANSWER_S
    part.on_tick()
    assert taken(here, Drop) == [Drop(LinkId(5), OTHER_RUN)]
    part.on_link_closed(LinkClosed(LinkId(5), OTHER_RUN, clean=True))
    assert here.peer(key(LARGE).device).link == 6


def asked_back(here: Node) -> dict[LinkId, int]:
    """On which links a number is asked back, and which."""
    sent = [(send.link, send.message) for send in taken(here, Send)]
    return {link: message.sequence for link, message in sent if isinstance(message, Ping)}


def test_two_machines_with_one_identity_take_turns() -> None:
    here, part = discovery(SMALL, 1, 2)
    device = key(LARGE).device
    for link, run in ((5, b"run"), (6, b"other")):
        part.on_link_opened(opened(link, run=run, number=LARGE), device)
    numbers = asked_back(here)
    for link, number in numbers.items():
        assert part.rivals.on_message(link, Pong(number, b"", b""))
    assert list(numbers) == [5, 6]
    places = (address(LARGE, 0), address(LARGE, 0))
    assert Log(part).heard.of("on_doubled") == [(device, places)]
    assert taken(here, Drop) == [Drop(LinkId(5), OTHER_RUN)]
    part.on_link_closed(LinkClosed(LinkId(5), OTHER_RUN, clean=True))
    part.on_link_opened(opened(7, run=b"run", number=LARGE), device)
    assert taken(here, Drop) == [Drop(LinkId(7), OTHER_RUN)], "it is the other one's turn"
    here.now += TURN_S
    part.on_link_opened(opened(8, run=b"run", number=LARGE), device)
    assert here.peer(device).link == 8


def test_a_link_of_an_ended_run_that_opens_late_makes_nobody_two_machines() -> None:
    here, part = discovery(SMALL, 1, 2)
    device = key(LARGE).device
    part.on_link_opened(opened(6, run=b"next", number=LARGE), device)
    part.on_link_opened(opened(5, run=b"run", number=LARGE), device)
    assert part.rivals.on_message(LinkId(6), Pong(asked_back(here)[LinkId(6)], b"", b""))
    part.on_link_closed(LinkClosed(LinkId(5), "eof", clean=False))
    assert Log(part).heard.of("on_doubled") == []
    assert taken(here, Drop) == [Drop(LinkId(6), "duplicate")], "it dials again at once"
    assert here.peer(device).link is None


def test_who_is_refused_for_another_machine_of_its_own_rests_before_it_dials_again() -> None:
    here, part = discovery()
    device = key(2).device
    part.on_link_opened(opened(5, sight(here, part).dial), device)
    part.on_link_closed(LinkClosed(LinkId(5), OTHER_RUN, clean=True))
    here.now += RIVAL_REST_S - 0.1
    assert dials(here, part) == []
    here.now += 0.1
    assert [dial.address for dial in dials(here, part)] == [address(2)]


def test_a_second_link_in_the_same_direction_is_the_fresher_one() -> None:
    here, part = discovery(SMALL, 1, 2)
    for link in (5, 6):
        part.on_link_opened(opened(link, number=LARGE), key(LARGE).device)
    assert taken(here, Drop) == [Drop(LinkId(5), "duplicate")]
    assert here.peer(key(LARGE).device).link == 6


def pair(seed: int) -> tuple[Lan, Device, Device]:
    """Two members of one group that remember each other, and so dial each other in the same
    instant.
    """
    lan = Lan(seed, delay_s=0.3)
    one, two = devices = lan.add(1), lan.add(2)
    for device in devices:
        other = 3 - device.number
        device.node.index.roster.replace(group(1, 2).records())
        device.node.index.addresses.remember(key(other).device, address(other), 1)
    return lan, one, two


def duplicates(*devices: Device) -> int:
    return sum(
        isinstance(effect, Drop) and effect.reason == "duplicate"
        for d in devices
        for effect in d.done
    )


@pytest.mark.parametrize("seed", range(12))
def test_when_both_dial_at_once_exactly_one_link_stays_at_both_ends(seed: int) -> None:
    lan, one, two = pair(seed)
    lan.run(5.0)
    assert linked_pairs([one, two])
    assert duplicates(one, two) >= 1, "both links were open for a moment"


@pytest.mark.parametrize("seed", range(8))
def test_and_so_it_is_when_one_of_them_restarts_in_between(seed: int) -> None:
    lan, one, two = pair(seed)
    lan.run(0.1 + seed * 0.1)
    two = lan.restart(two)
    lan.run(9.0)
    assert linked_pairs([one, two])


# -- introductions ---------------------------------------------------------------------------------
def chain_of(effect: Introduce, number: int) -> bytes | None:
    return open_sealed(key(number), b"introduction", effect.sealed)


def introduction(records: object, to: int = 1) -> IntroductionHeard:
    sealed = seal_to(key(to).sealing_public, bytes(32), b"introduction", encode(records))
    return IntroductionHeard(OrderId(3), sealed, address(9))


def guest() -> tuple[Roster, list[RosterRecord]]:
    """A group of 1 and 2, and what makes 4 a member by 3, who was admitted by 1."""
    roster = group(1, 2)
    chain = [member(key(1), roster, key(3), "d3"), member(key(3), roster, key(4), "d4")]
    return roster, chain


def test_a_refused_knock_is_followed_by_an_introduction_and_another_knock_at_the_same_place() -> (
    None
):
    roster, chain = guest()
    here, part = discovery(4)
    roster.add(chain)
    here.roster = roster
    part.on_told(key(2).device, [address(5)])
    dial = sight(here, part)
    part.on_dial_failed(failed(dial, knock=True))
    (shown,) = taken(here, Introduce)
    assert shown.address == address(2)
    assert chain_of(shown, 2) == encode(chain)
    assert part.deadline() == here.now + limits.DIAL_BACKOFF_S[0]
    here.now += limits.DIAL_BACKOFF_S[0]
    assert [again.address for again in dials(here, part)] == [address(2)]


def test_who_never_wants_to_know_us_is_not_bothered_for_ever() -> None:
    here, part = discovery(2, 1, 2)
    dial = sight(here, part, 1)
    pauses = []
    for _ in range(INTRODUCTIONS + 7):
        part.on_dial_failed(failed(dial, knock=True))
        due = part.deadline()
        assert due is not None
        pauses.append(round(due - here.now, 3))
        here.now = due
        (dial,) = dials(here, part)
    assert pauses[:INTRODUCTIONS] == [limits.DIAL_BACKOFF_S[0]] * INTRODUCTIONS
    assert pauses[INTRODUCTIONS:-1] == list(limits.DIAL_BACKOFF_S), "as for anybody, from then on"
    assert pauses[-1] == limits.DIAL_BACKOFF_S[-1]
    part.on_link_opened(opened(5, dial.dial, number=1), key(1).device)
    part.on_link_closed(LinkClosed(LinkId(5), "", clean=True))
    dial = sight(here, part, 1)
    for _ in range(INTRODUCTIONS):  # it knew us once: that is worth another introduction
        part.on_dial_failed(failed(dial, knock=True))
        assert part.deadline() == here.now + limits.DIAL_BACKOFF_S[0]
        here.now += limits.DIAL_BACKOFF_S[0]
        (dial,) = dials(here, part)


def hear(event: IntroductionHeard) -> tuple[bool, Roster]:
    """Whether an introduction to device 1 is accepted, and the roster afterwards."""
    roster, _ = guest()
    here = node(1)
    here.roster = roster
    part = Discovery(here, SealedDatagrams(here), Heard(on_introduced=roster.add))
    part.on_introduction(event)
    (answer,) = taken(here, AnswerIntroduction)
    assert answer.knock == 3
    return answer.accepted, roster


def test_a_chain_from_the_founder_makes_a_member() -> None:
    _, chain = guest()
    accepted, roster = hear(introduction(chain))
    assert accepted
    assert key(4).device in roster.members


def test_a_chain_that_is_known_by_now_is_as_good() -> None:
    roster, chain = guest()
    here, part = discovery(1)
    roster.add(chain)
    here.roster = roster
    part.on_introduction(introduction(chain))
    assert taken(here, AnswerIntroduction) == [AnswerIntroduction(OrderId(3), accepted=True)]


@pytest.mark.parametrize(
    "event",
    [
        introduction([]),
        introduction("no chain"),
        introduction([1, 2]),
        introduction(guest()[1], to=5),
        introduction(guest()[1][1:]),
        introduction([member(key(8), group(8), key(9), "d9")]),
        IntroductionHeard(OrderId(3), b"", address(9)),
    ],
    ids=["empty", "text", "numbers", "to another", "a link is missing", "another group", "nothing"],
)
def test_anything_else_does_not(event: IntroductionHeard) -> None:
    accepted, roster = hear(event)
    assert not accepted
    assert len(roster.members) == 2


def test_the_chain_of_who_was_removed_is_good_for_nothing_though_all_of_it_stands() -> None:
    roster, chain = guest()
    roster.add(chain)
    roster.settle()
    said = Remove(roster.group, key(4).device, [], b"", None, b"", [])
    roster.add(sign_removal(key(1), said, roster.signed_by(key(4).device)))
    assert set(roster.records()).issuperset(chain)
    here, part = discovery(1)
    here.roster = roster
    part.on_introduction(introduction(chain))
    part.on_introduction(introduction([roster.records()[0]]))
    answers = taken(here, AnswerIntroduction)
    assert [(each.accepted, bool(each.sealed)) for each in answers] == [
        (False, True), (False, False),
    ]  # fmt: skip


def test_what_came_with_an_answer_is_judged_as_any_other_statement() -> None:
    _, part = discovery(1)
    words = guest()[1]
    sealed = seal_to(key(1).sealing_public, bytes(32), b"introduction answered", encode(words))
    for each in (sealed, b"nonsense"):
        part.on_introduction(IntroductionAnswered(each))
    assert isinstance(part._listener, Heard)
    assert part._listener.of("on_introduced") == [words, []]


def test_a_chain_is_followed_so_far_and_no_further() -> None:
    roster, chain = guest()
    endless = [
        member(key(7), roster, key(8), f"d{number}")
        for number in range(limits.INTRODUCTION_RECORDS)
    ]
    accepted, after = hear(introduction([*endless, *chain]))
    assert not accepted
    assert len(after.members) == 2


def test_who_was_admitted_while_another_was_away_knows_it_even_without_the_admitter() -> None:
    lan = Lan(5)
    one, two = lan.add(1), lan.add(2)
    lan.run(8.0, lambda: one_group([one, two]) and linked_pairs([one, two]))
    two.stop()
    three = lan.add(3)
    lan.run(lan.now + 9.0, lambda: three.group == one.group and linked_pairs([one, three]))
    assert three.labels == ["d1", "d2", "d3"]
    one.stop()
    assert two.labels == ["d1", "d2"]
    two = lan.restart(two)
    lan.run(lan.now + 9.0, lambda: linked_pairs([two, three]))
    assert linked_pairs([two, three])
    assert two.labels == ["d1", "d2", "d3"]
    one = lan.restart(one)
    lan.run(lan.now + 9.0, lambda: linked_pairs([one, two, three]))
    assert linked_pairs([one, two, three])


def test_a_part_without_a_group_is_quiet() -> None:
    here = node(1)
    part = Discovery(here, SealedDatagrams(here), Heard())
    part.start()
    part.on_tick()
    part.on_introduction(introduction(guest()[1]))
    assert here.take() == [AnswerIntroduction(OrderId(3), accepted=False)]
    here.roster = group(1, 2)
    here.now = 1.0
    part.on_tick()
    part.on_link_opened(opened(5), key(2).device)
    part.on_link_closed(LinkClosed(LinkId(5), "", clean=True))
    part.on_beacon(key(2).device, BEACON, address(2), "unicast")
    here.now = 2.0
    (dial,) = dials(here, part)
    part.on_dial_failed(failed(dial, refused=True))
    assert Log(part).refused == [key(2).device]


# -- others ----------------------------------------------------------------------------------------
def test_who_was_met_on_the_way_in_is_dialled_there() -> None:
    here, part = discovery(1, 1, 2, peers=(address(2),))
    part.start()
    part.on_met(key(2).device, address(2))
    assert part._book.known[key(2).device].found_by == "peer"
    here.now = 1.0
    assert [dial.address for dial in dials(here, part)] == [address(2)]
    part.on_met(key(3).device, address(3))
    assert part._book.known[key(3).device].found_by == "beacon"


def test_it_shows_its_state_in_one_line() -> None:
    here, part = discovery()
    sight(here, part)
    assert repr(part) == "<Discovery known=1, linked=0, dials=1>"


def test_a_large_ring_calls_seldom() -> None:
    pauses = []
    for nodes in (1, 10):
        here, part = discovery()
        part.start()
        part.on_ring(nodes)
        here.now = sum(limits.BURST_S) + 1.0
        part.on_tick()
        pauses.append((part.deadline() or 0.0) - here.now)
    assert pauses[1] == pytest.approx(10 * pauses[0])


def test_who_is_out_is_cut_off_and_heard_no_more() -> None:
    wire, (ann, *rest) = ring(3)
    roster = ann.engine.node.roster
    assert roster is not None
    by = next(box for box in (ann, *rest) if box.me == roster.founder)
    out = next(box for box in rest if box is not by)
    said = Remove(roster.group, out.me, [], b"", None, b"", [])
    roster.add(sign_removal(by.key, said, []))
    roster.settle()

    def look(_now: float) -> list[Effect]:
        ann.engine.wiring.discovery.on_members()
        return ann.engine.node.take()

    ann.call(look)
    assert out.me not in ann.engine.node.linked()
    assert out.me not in ann.engine.node.link_owner.values()
    assert [drop.reason for drop in ann.asked_for(Drop)][-1] == "removed"
    assert wire.now > 0


def test_a_call_under_an_older_key_is_dialled_and_not_answered() -> None:
    here = node(1)
    here.roster = group(1, 2)
    discovery = Discovery(here, SealedDatagrams(here), Heard())
    discovery.on_beacon(key(2).device, Beacon(0, 1, b"", 2), address(2), HINT)
    assert here.sighted_at(key(2).device) == []
    discovery.on_beacon(key(2).device, Beacon(limits.PORT, 1, b"", 2, ask=True), address(2), HINT)
    assert here.sighted_at(key(2).device) == [address(2)]
    assert taken(here, Transmit) == []
    here.peer(key(2).device).link = LinkId(1)
    discovery.on_beacon(key(2).device, Beacon(9000, 1, b"", 2), address(2), HINT)
    assert here.sighted_at(key(2).device) == [address(2)]
