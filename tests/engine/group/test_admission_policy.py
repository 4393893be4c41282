"""Admission policy: many devices become one group, and everything that may go wrong on the way in.

Strategy: whole stories are played by real devices on a LAN without loop or sockets
(tests/engine/lan.py); single decisions are asked of a policy that stands alone.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.errors import UsageError
from potluck.core.group.admission import WayIn
from potluck.core.group.founding import OFFER_LIFE_S, SILENT_REST_S, FoundingState
from potluck.core.group.words import name_of
from potluck.core.keys.identity import short_id
from potluck.core.wire.catalogue import Address, Cause, LinkKind, Message, Offer, PairVerdict
from potluck.engine.effects import Dial, MarkShare, OpenDoor, Tell
from potluck.engine.group.admission_policy import (
    INVITERS,
    INVITERS_PER_HOST,
    SILENCE_S,
    AdmissionPolicy,
    is_only_heard,
)
from potluck.engine.group.membership import Membership
from potluck.engine.group.request_list import Side
from potluck.engine.node import Node
from tests.engine.builders import address, group, node, taken
from tests.engine.lan import Device, Lan, linked_pairs, one_group
from tests.engine.listeners import Heard


# -- many devices ----------------------------------------------------------------------------------
@pytest.mark.parametrize("multicast", [True, False], ids=["multicast", "neighbours"])
@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_however_many_start_in_one_second_they_become_one_group(
    count: int, multicast: bool
) -> None:
    lan = Lan(count, multicast=multicast, delay_s=0.05)
    chance = random.Random(count)
    hosts = [address(number).host for number in range(1, count + 1)]
    devices = [
        lan.add(number, at=chance.uniform(0, 1), neighbours=() if multicast else tuple(hosts))
        for number in range(1, count + 1)
    ]
    lan.run(15.0, lambda: one_group(devices) and linked_pairs(devices))
    assert one_group(devices)
    assert linked_pairs(devices)
    admissions = sum(len(device.told("admitted")) for device in devices)
    assert admissions == count - 1, (
        "everybody was admitted once: nobody was ever in a second group with members"
    )


def test_a_lossy_network_changes_nothing_but_the_time_it_takes() -> None:
    lan = Lan(4, loss=0.2)
    devices = [lan.add(number, at=number / 10) for number in range(1, 5)]
    lan.run(30.0, lambda: one_group(devices) and linked_pairs(devices))
    assert one_group(devices)
    assert linked_pairs(devices)


def test_two_groups_with_members_see_each_other_and_stay_two() -> None:
    lan = Lan()
    pairs = [[lan.add(n, **WAYS["headless"]) for n in numbers] for numbers in ((1, 2), (3, 4))]
    for pair, numbers in zip(pairs, ((1, 2), (3, 4)), strict=True):
        for device in pair:
            device.node.index.roster.replace(group(*numbers).records())
    lan.run(60.0)
    for pair in pairs:
        told = [told for device in pair for told in device.told("other_group")]
        assert 1 <= len(told) <= 2, "once on each device"
        assert any(device.admission_policy.found for device in pair)
        assert all(len(device.labels) == 2 for device in pair)
        assert all(not device.admission_policy.want("10.0.0.1") for device in pair)
        asked = [e for device in pair for e in device.done if isinstance(e, Dial)]
        assert all(dial.kind is not LinkKind.PAIRING for dial in asked), "nobody asks to join"


def test_two_groups_with_members_stay_two() -> None:
    lan = Lan()
    pairs = [[lan.add(1), lan.add(2)], [lan.add(3), lan.add(4)]]
    for pair, numbers in zip(pairs, ((1, 2), (3, 4)), strict=True):
        for device in pair:
            device.node.index.roster.replace(group(*numbers).records())
    lan.run(9.0)
    devices = [device for pair in pairs for device in pair]
    assert [device.labels for device in devices] == [["d1", "d2"]] * 2 + [["d3", "d4"]] * 2
    assert all(device.admission_policy.founding is None for device in devices)


# -- consent ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("closed", [1, 2])
def test_with_one_door_open_nobody_is_admitted(closed: int) -> None:
    lan = Lan()
    devices = [lan.add(number, open_s=None if number == closed else math.inf) for number in (1, 2)]
    lan.run(2.5)
    waiting = devices[closed - 1]
    near = f"“Home” (d{3 - closed}, 10.0.0.{3 - closed})"
    assert waiting.told("waiting") == [f"found {near}: this device is not a member yet"]
    lan.run(20.0)
    (found,) = waiting.admission_policy.found
    assert (found.name, found.label, found.members, found.open) == (
        "Home",
        f"d{3 - closed}",
        1,
        True,
    )
    assert found.address == address(3 - closed)
    assert devices[0].group != devices[1].group
    assert not devices[0].told("admitted") + devices[1].told("admitted")


def test_near_a_group_whose_door_is_closed_a_device_waits_and_says_so() -> None:
    lan = Lan()
    lan.add(1, open_s=None)
    waiting = lan.add(2, open_s=None)
    lan.run(2.5)
    what = "a group is near, and none of its devices has answered so far"
    assert waiting.told("waiting") == [f"{what}: this device is not a member yet"]
    lan.run(20.0)
    assert not waiting.told("founded"), "the group is still there"


def test_once_the_other_group_is_gone_there_is_nothing_to_wait_for() -> None:
    lan = Lan()
    other, waiting = lan.add(1, open_s=None), lan.add(2, open_s=None)
    lan.run(3.0)
    other.stop()
    lan.run(SILENCE_S - 1)
    assert not waiting.told("founded")
    assert waiting.node.index.roster.all() == []
    lan.run(SILENCE_S + 9)
    assert waiting.told("founded") == ["no group found here: started “Home”"]
    assert waiting.node.index.roster.all() != []


def test_the_own_voice_is_nobody_to_wait_for() -> None:
    lan = Lan()
    alone = lan.add(1, open_s=None)
    lan.run(3.0)
    assert alone.told("founded")


def test_an_open_door_closes_in_time_and_a_restart_opens_none() -> None:
    lan = Lan()
    host = lan.add(1, open_s=5.0)
    lan.run(4.9)
    assert host.door_open
    lan.run(5.1)
    assert not host.door_open
    assert len(host.told("door_closed")) == 1
    late = lan.add(2)
    lan.run(12.0)
    assert not late.admission_policy.found
    host = lan.restart(host, open_s=None)
    lan.run(13.0)
    assert not host.door_open


def test_a_door_that_closes_while_a_decision_is_due_joins_nothing() -> None:
    lan = Lan()
    lan.add(1), lan.add(2, open_s=0.3)
    lan.run(9.0)
    assert [len(device.labels) for device in lan.devices.values()] == [1, 1]


# -- things that break -----------------------------------------------------------------------------
def test_who_was_admitted_and_did_not_hear_of_it_gets_in_again_as_the_same() -> None:
    lan = Lan()
    broken: list[Message] = []

    def cut(_: Device, __: Device, message: Message) -> bool:
        if isinstance(message, PairVerdict) and message.admitted and not broken:
            broken.append(message)
            return True
        return False

    lan.cut = cut
    host = lan.add(1)
    lan.run(3.0)
    lan.add(9, open_s=None)  # somebody else's voice in between
    guest = lan.add(3, label="d1")
    lan.run(12.0, lambda: guest.group == host.group and linked_pairs([host, guest]))
    assert broken
    assert guest.labels == host.labels == ["d1", "d1-2"]
    assert host.node.roster is not None
    assert len(host.node.roster.records()) == 2
    marks = [effect for effect in guest.done if isinstance(effect, MarkShare)]
    assert marks[-1] == MarkShare(host.group, "d1-2", "d1")


def one_set(devices: list[Device]) -> bool:
    return (
        len({device.node.roster.digest for device in devices if device.node.roster is not None})
        == 1
    )


def test_two_members_asked_one_after_the_other_admit_the_same_device_once_in_effect() -> None:
    """The first one's verdict is lost and it goes away; the second does not know of the first one's
    admission.
    """
    lan = Lan()
    first, second = lan.add(1), lan.add(2)
    for device in (first, second):
        device.node.index.roster.replace(group(1, 2).records())
    lan.run(1.0)
    first.stop()
    second.stop()
    first = lan.restart(first)
    lan.cut = lambda sender, _, message: sender is first and isinstance(message, PairVerdict)
    guest = lan.add(3)
    lan.run(lan.now + 3.0)
    assert first.told("admitted")
    assert guest.group != first.group
    first.stop()
    second = lan.restart(second)
    lan.run(lan.now + 9.0, lambda: guest.group == second.group)
    lan.cut = lambda *_: False
    first = lan.restart(first)
    devices = [first, second, guest]
    lan.run(lan.now + 20.0, lambda: linked_pairs(devices) and one_set(devices))
    assert one_group(devices)
    assert linked_pairs(devices)
    assert one_set(devices)
    assert guest.labels == ["d1", "d2", "d3"]


def test_a_group_that_was_never_kept_is_another_one_after_a_restart_and_joins_as_well() -> None:
    lan = Lan()
    first = lan.add(1)
    lan.run(1.0)
    before = first.group
    again = lan.restart(first)
    other = lan.add(2)
    lan.run(12.0, lambda: one_group([again, other]))
    assert one_group([again, other])
    assert again.group != before


def test_who_waits_at_a_door_that_moves_away_is_told() -> None:
    """Two ask one that is itself about to join a third; all end up there."""
    lan = Lan(3, delay_s=0.2)
    devices = [lan.add(number, at=0.0) for number in (1, 2, 3, 4)]
    lan.run(20.0, lambda: one_group(devices))
    assert one_group(devices)


# -- single decisions ------------------------------------------------------------------------------
BETTER = Offer(bytes(16), bytes(32), "Better", "d9", 7685, 1, open=True)


def alone(*members: int, open_s: float | None = math.inf) -> tuple[Node, AdmissionPolicy]:
    """Device 1, at time 1, with the group of these or (nobody given) a provisional one."""
    here = node(1, open_s=open_s)
    if members:
        here.index.roster.replace(group(*members).records())
    membership = Membership(here, Heard())
    admission_policy = AdmissionPolicy(here, membership, Heard())
    kept = membership.start()
    admission_policy.start(kept=kept)
    here.now = 1.0
    here.take()
    return here, admission_policy


def told(admission_policy: AdmissionPolicy, name: str) -> list[Any]:
    """Which groups the policy named when it told that."""
    assert isinstance(admission_policy._listener, Heard)
    return admission_policy._listener.of(name)


def test_nobody_is_admitted_while_it_is_open_where_this_device_belongs() -> None:
    here, admission_policy = alone()
    assert admission_policy.why_closed() == ""
    here.now = 0.1
    assert "about to join" in admission_policy.why_closed()
    here.now = 1.0
    admission_policy.on_offer(BETTER, "10.0.0.9")
    assert "about to join" in admission_policy.why_closed()
    here, admission_policy = alone(1, 2)
    assert admission_policy.why_closed() == ""
    here.leaving = True
    assert admission_policy.why_closed() == "the door is closed"
    assert alone(1, 2, open_s=None)[1].why_closed() == "the door is closed"


def test_the_better_group_is_asked_and_after_a_refusal_asked_how_it_is() -> None:
    here, admission_policy = alone()
    admission_policy.on_offer(BETTER, "10.0.0.9")
    admission_policy.on_tick()
    admission_policy.on_tick()
    (wish,) = told(admission_policy, "on_wish")
    assert wish.address == address(9)
    admission_policy.on_refused(wish)
    assert told(admission_policy, "on_wish_refused") == [wish]
    admission_policy.on_tick()
    assert len(told(admission_policy, "on_wish")) == 1, "not at once"
    here.now += 0.5
    admission_policy.on_tick()
    assert len(told(admission_policy, "on_wish")) == 2


def test_company_ends_the_search() -> None:
    here, admission_policy = alone()
    admission_policy.on_offer(BETTER, "10.0.0.9")
    (wish,) = admission_policy.found
    admission_policy.on_members()
    assert admission_policy.founding is not None, "nobody came"
    here.roster = group(1, 2)
    admission_policy.on_members()
    assert admission_policy.founding is None
    admission_policy.on_offer(BETTER, "10.0.0.9")
    admission_policy.on_foreign()
    admission_policy.on_refused(wish)
    admission_policy.on_tick()
    assert here.take() == []
    assert admission_policy.found == []
    assert admission_policy.deadline() is None


def test_who_is_alone_again_looks_around_again() -> None:
    """It could join nobody, by code or by words, until it was started again."""
    here, admission_policy = alone(1, 2)
    assert not admission_policy.lonely
    admission_policy.on_members()
    assert not admission_policy.lonely
    here.roster = group(1)
    admission_policy.on_members()
    assert admission_policy.lonely
    founding = admission_policy.founding
    assert founding is not None
    assert founding.state is FoundingState.KEPT, "it is no new group"
    admission_policy.on_members()
    assert admission_policy.founding is founding
    here.roster = group(2)
    admission_policy.founding = None
    admission_policy.on_members()
    assert not admission_policy.lonely, "it was put out of that group"


def test_a_door_with_company_closes_in_time_too() -> None:
    here, admission_policy = alone(1, 2, open_s=10.0)
    assert admission_policy.deadline() == 10.0
    here.now = 10.0
    assert not admission_policy.is_open
    admission_policy.on_tick()
    assert taken(here, OpenDoor) == [OpenDoor(open=False)]


def test_once_the_own_door_is_closed_nothing_is_joined_without_a_person() -> None:
    here, admission_policy = alone(open_s=10.0)
    here.now = 10.0
    admission_policy.on_offer(BETTER, "10.0.0.9")
    admission_policy.on_tick()
    assert told(admission_policy, "on_wish") == []
    assert admission_policy.waits_for_person


def test_who_answered_a_moment_ago_is_not_said_not_to_answer() -> None:
    """Its last word may be that potluck is ended there."""
    here, policy = alone(open_s=None)
    policy.on_foreign()
    assert is_only_heard(policy, here.now)
    policy.on_offer(BETTER, "10.0.0.9")
    assert not is_only_heard(policy, here.now)
    here.now += OFFER_LIFE_S
    policy.on_foreign()
    assert not is_only_heard(policy, here.now), "it is its farewell"
    here.now += 1.0
    policy.on_foreign()
    assert is_only_heard(policy, here.now), "it speaks on, and answers no more"
    assert not is_only_heard(policy, here.now + SILENCE_S)


def test_a_device_that_lost_who_was_near_says_so() -> None:
    here, policy = alone(open_s=None)
    policy.on_offer(BETTER, "10.0.0.9")
    policy.on_foreign()
    assert policy.founding is not None
    policy.founding.found.clear()
    here.now = limits.FOUND_S
    policy.on_tick()
    assert [one.text for one in taken(here, Tell)] == [
        "a group was near a moment ago, and is looked for again: this device is not a member yet"
    ]


def test_a_person_opens_the_door_and_closes_it() -> None:
    here, admission_policy = alone(open_s=None)
    admission_policy.on_door_asked(None)
    assert here.take() == [], "it was closed already"
    assert admission_policy.near_s == -math.inf, "nothing was heard of another group"
    admission_policy.on_door_asked(90.0)
    assert admission_policy.is_open
    assert admission_policy.deadline() == limits.FOUND_S
    admission_policy.on_door_asked(math.inf)
    opened = [effect for effect in here.take() if isinstance(effect, OpenDoor | Tell)]
    warning = (
        "anyone on this network may join and gets every file; this device joins any open group "
        "unless it is in a group with others"
    )
    assert opened == [
        OpenDoor(open=True),
        Tell("door_opened", f"OPEN for 2 minutes: {warning}", "warning", ""),
        OpenDoor(open=True),
        Tell("door_opened", f"OPEN until it is closed: {warning}", "warning", ""),
    ]
    here.now = 10_000.0
    admission_policy.on_tick()
    assert admission_policy.is_open
    admission_policy.on_door_asked(60.0)
    here.now = 10_059.0
    admission_policy.on_tick()
    assert admission_policy.is_open, "for so long from now on"
    admission_policy.on_door_asked(None)
    assert not admission_policy.is_open
    assert taken(here, OpenDoor)[-1] == OpenDoor(open=False)


def test_a_door_that_is_opened_lets_this_device_join() -> None:
    here, admission_policy = alone(open_s=None)
    here.now = 2.0
    admission_policy.on_offer(BETTER, "10.0.0.9")
    admission_policy.on_tick()
    assert admission_policy.waits_for_person
    admission_policy.on_door_asked(600.0)
    admission_policy.on_tick()
    (wish,) = told(admission_policy, "on_wish")
    assert wish.address == address(9)


def test_a_door_with_company_is_opened_too() -> None:
    here, admission_policy = alone(1, 2, open_s=None)
    admission_policy.on_members()
    assert admission_policy.founding is None
    admission_policy.on_door_asked(59.0)
    assert admission_policy.why_closed() == ""
    (tell,) = taken(here, Tell)
    assert tell.text.startswith("OPEN for 1 minute: anyone")


def open_door(device: Device) -> None:
    """As engine/dispatch.py has it."""
    device.call(partial(device.admission_policy.on_door_asked, 600.0))
    device.call(device.questions.ask_around)


@pytest.mark.parametrize("multicast", [True, False], ids=["multicast", "neighbours"])
@pytest.mark.parametrize("gap_s", [0.0, 3.0, 55.0])
def test_two_devices_whose_doors_are_opened_while_they_run_become_one_group(
    gap_s: float, multicast: bool
) -> None:
    lan = Lan(multicast=multicast)
    hosts = () if multicast else (address(1).host, address(2).host)
    first = lan.add(1, open_s=None, neighbours=hosts)
    second = lan.add(2, open_s=None, neighbours=hosts)
    lan.run(5.0)
    assert first.group != second.group
    open_door(first)
    lan.run(5.0 + gap_s)
    open_door(second)
    lan.run(25.0 + gap_s, lambda: one_group([first, second]))
    assert one_group([first, second])


def test_a_group_that_is_kept_beside_another_one_is_not_said_to_be_alone() -> None:
    here, admission_policy = alone()
    lonely = Offer(bytes(16), b"\xff" * 32, "Other", "d9", 7685, 1, open=True)
    admission_policy.on_offer(lonely, "10.0.0.9")
    here.now = limits.FOUND_S
    admission_policy.on_tick()
    (tell,) = [tell for tell in taken(here, Tell) if tell.code == "founded"]
    assert tell.text == "another group is near; this device keeps its own, “Home”, for now"


def test_of_two_open_doors_it_is_known_who_goes_through_which() -> None:
    here, admission_policy = alone()
    for group_id, members, door, joins in (
        (bytes(32), 1, True, "we"),
        (b"\xff" * 32, 2, True, "we"),
        (b"\xff" * 32, 1, True, "they"),
        (bytes(32), 1, False, ""),
    ):
        offer = Offer(bytes(16), group_id, "Other", "d9", 7685, members, open=door)
        admission_policy.on_offer(offer, "10.0.0.9")
        (found,) = admission_policy.found
        assert admission_policy.who_joins(found) == joins
        here.now += OFFER_LIFE_S + 1.0
    admission_policy.on_offer(BETTER, "10.0.0.9")
    many = Offer(bytes(16), b"\xff" * 32, "Other", "d8", 7685, 2, open=True)
    admission_policy.on_offer(many, "10.0.0.8")
    by_name = {one.name: admission_policy.who_joins(one) for one in admission_policy.found}
    assert by_name == {"Better": "", "Other": "we"}, "only one of them"
    (first, *_) = admission_policy.found
    admission_policy.on_door_asked(None)
    assert admission_policy.who_joins(first) == ""
    here.roster = group(1, 2)
    admission_policy.on_members()
    assert admission_policy.who_joins(first) == ""


def test_it_shows_its_state_in_one_line() -> None:
    _, admission_policy = alone()
    admission_policy.on_offer(BETTER, "10.0.0.9")
    assert repr(admission_policy) == "<AdmissionPolicy open=True, deciding=True, found=1>"


# -- what faces see --------------------------------------------------------------------------------
def test_groups_near_by_are_shown_as_long_as_they_answer() -> None:
    here, admission_policy = alone(open_s=None)
    admission_policy.on_offer(
        Offer(bytes(16), bytes(32), "Home", "d5", 0, 3, open=True), "10.0.0.5"
    )
    assert admission_policy.found == [], "nobody could be dialled there"
    admission_policy.on_offer(
        Offer(bytes(16), bytes(32), "Home", "d5", 7685, 3, open=True), "10.0.0.5"
    )
    assert [(found.name, found.members) for found in admission_policy.found] == [("Home", 3)]
    here.now += OFFER_LIFE_S
    assert len(admission_policy.found) == 1
    here.now += 0.1
    assert admission_policy.found == []


def test_the_next_thing_to_do_is_known() -> None:
    here, admission_policy = alone(open_s=50.0)
    assert admission_policy.deadline() == limits.FOUND_S
    here.now = limits.FOUND_S
    admission_policy.on_tick()
    assert admission_policy.deadline() == 50.0
    here.now = 50.0
    admission_policy.on_tick()
    assert taken(here, OpenDoor) == [OpenDoor(open=False)]
    assert admission_policy.deadline() is None
    here, admission_policy = alone(open_s=None)
    admission_policy.on_foreign()
    here.now = limits.FOUND_S
    admission_policy.on_tick()
    assert admission_policy.deadline() == 1.0 + SILENCE_S
    assert admission_policy.waits_for_person
    here.now = 5.0
    admission_policy.on_offer(BETTER, "10.0.0.9")
    assert admission_policy.deadline() == 5.0 + SILENCE_S
    here.now = 5.0 + SILENCE_S
    admission_policy.on_tick()
    assert not admission_policy.waits_for_person, "nothing was heard for so long"


def test_before_there_is_a_group_nothing_is_decided() -> None:
    here = node(1)
    admission_policy = AdmissionPolicy(here, Membership(here, Heard()), Heard())
    admission_policy.start(kept=False)
    assert not admission_policy.lonely


# -- where people are asked ------------------------------------------------------------------------
WAYS: dict[str, dict[str, Any]] = {
    "open": {"open_s": math.inf, "attended": True},
    "attended": {"open_s": None, "attended": True},
    "headless": {"open_s": None, "headless": True},
    "nobody": {"open_s": None},
}


class Town:
    """Devices on a LAN and their people, and what both sides of each admission were."""

    def __init__(self, seed: int, yes: float) -> None:
        self.lan, self.chance, self.yes = Lan(seed), random.Random(seed), yes
        self.devices: list[Device] = []
        self.said: dict[str, set[str]] = {"member": set(), "joiner": set()}
        self.sealed: dict[str, tuple[Device, bytes]] = {}  # who let somebody in, and whom
        self.homes: dict[Device, bytes] = {}

    def add(self, number: int, at: float, way: str) -> Device:
        device = self.lan.add(number, at=at, **WAYS[way])
        self.devices.append(device)
        doorkeeping: Any = device.pairings.doorkeeping
        entering: Any = device.pairings.entering
        seal, enter = doorkeeping._seal, entering._enter

        def sealing(link: Any, guest: Any) -> None:
            name = name_of(guest.keeper.transcript)
            assert guest.way is WayIn.OPEN or name in self.said["member"]
            assert guest.keeper.newcomer is not None
            self.sealed[name] = device, guest.keeper.newcomer.device
            seal(link, guest)

        def entered(link: Any, entry: Any) -> None:
            name = name_of(entry.joiner.transcript)
            assert entry.way is WayIn.OPEN or name in self.said["joiner"]
            assert name in self.sealed
            assert len(device.labels) == 1, "a group with company is not left"
            enter(link, entry)

        doorkeeping._seal, entering._enter = sealing, entered
        if way in {"attended", "headless"}:
            self._look_later(device)
        return device

    def _look_later(self, device: Device) -> None:
        self.lan.at(self.lan.now + self.chance.uniform(0.5, 20.0), lambda: self._look(device))

    def _look(self, device: Device) -> None:
        """A person looks at the screen, and answers something of it."""
        needed = [one for one in device.requests.list.rows if one.needed]
        if needed:
            one = self.chance.choice(needed)
            yes = self.chance.random() < self.yes
            if yes:
                self.said[one.side.value].add(one.id)
            device.call(partial(device.requests.answer, one.name, yes=yes))
        self._look_later(device)

    def check(self) -> bool:
        """Nobody with company ever changes its group."""
        for device in self.devices:
            if len(device.labels) > 1:
                assert self.homes.setdefault(device, device.group) == device.group
        return False


MANY = [0, 3, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(4, 60))]


@pytest.mark.parametrize("seed", MANY)
def test_whatever_people_say_nobody_gets_in_without_a_yes_on_both_sides(seed: int) -> None:
    chance = random.Random(seed)
    town = Town(seed, yes=chance.choice((0.3, 0.7, 0.95)))
    for number in range(1, chance.randint(2, 5) + 1):
        town.add(number, chance.uniform(0, 40), chance.choice(list(WAYS)))
    town.lan.run(300.0, town.check)
    for keeper, newcomer in town.sealed.values():
        (joined,) = [device for device in town.devices if device.me == newcomer]
        assert joined.group == keeper.group
        assert joined.me in (keeper.node.roster.members if keeper.node.roster else ())
    for device in town.devices:
        dials = [effect for effect in device.done if isinstance(effect, Dial)]
        assert len(dials) < 400, "it asks and asks"


@pytest.mark.parametrize("way", ["attended", "headless"])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_where_all_say_yes_all_are_in_one_group(count: int, way: str) -> None:
    town = Town(count, yes=1.0)
    for number in range(1, count + 1):
        town.add(number, number / 10, way)
    town.lan.run(600.0, lambda: town.check() or one_group(town.devices))
    assert one_group(town.devices)


def test_a_person_at_a_member_that_does_not_talk_to_the_newcomer_decides_too() -> None:
    town = Town(1, yes=1.0)
    first, second = town.lan.add(1, **WAYS["open"]), town.lan.add(2, **WAYS["open"])
    town.lan.run(5.0, lambda: one_group([first, second]))
    for device in (first, second):
        device.call(partial(device.admission_policy.on_door_asked, None))
    third = town.lan.add(3, **WAYS["headless"])
    town.lan.run(9.0)
    rows = {device: device.requests.list.rows for device in (first, second, third)}
    assert len({row.id for (row,) in rows.values()}) == 1, "one name on all screens"
    assert len({row.words for (row,) in rows.values()}) == 1
    (aside,) = [device for device, (row,) in rows.items() if row.teller is not None]
    aside.call(lambda: aside.requests.answer("d3", yes=True))
    third.call(lambda: third.requests.answer("", yes=True))
    town.lan.run(15.0)
    assert one_group([first, second, third])
    assert all(device.requests.list.rows == [] for device in (first, second, third))


def test_a_no_of_anybody_ends_it_for_all() -> None:
    lan = Lan()
    first, second = lan.add(1, **WAYS["headless"]), lan.add(2, **WAYS["headless"])
    lan.run(4.0)
    (joiner,) = [one for one in (first, second) if one.requests.list.rows[0].side is Side.JOINER]
    first.call(lambda: first.requests.answer("", yes=False))
    lan.run(200.0)
    assert all(device.requests.list.rows == [] for device in (first, second))
    assert len(first.told("request")) == len(second.told("request")) == 1, "not by itself again"
    assert joiner.admission_policy.want("Home")
    lan.run(205.0)
    assert len(first.told("request")) == len(second.told("request")) == 2


def test_where_nobody_answers_it_is_asked_again_after_a_pause() -> None:
    lan = Lan()
    devices = [lan.add(number, **WAYS["attended"]) for number in (1, 2)]
    lan.run(limits.PAIRING_PERSON_S + 10.0)
    assert all(device.requests.list.rows == [] for device in devices)
    lan.run(limits.PAIRING_PERSON_S + SILENT_REST_S + 20.0)
    assert [len(device.told("request")) for device in devices] == [2, 2]


def test_a_door_that_is_closed_twice_is_shut_and_nobody_asked() -> None:
    here, admission_policy = alone(open_s=60.0)
    here.settings = replace(here.settings, headless=True)
    admission_policy.on_door_asked(None)
    assert admission_policy.door.answers
    admission_policy.on_door_asked(None)
    assert not admission_policy.door.answers
    admission_policy.on_door_asked(None)
    texts = [tell.text for tell in taken(here, Tell)]
    assert texts == [
        "the door is closed: nobody is admitted without asking any more",
        "the door here is shut: nobody can ask this device; to open it: open",
    ]
    admission_policy.on_offer(BETTER, "10.0.0.9")
    admission_policy.on_tick()
    assert told(admission_policy, "on_wish") == []
    assert not admission_policy.want("Elsewhere")
    assert admission_policy.want("Better")
    admission_policy.on_tick()
    assert [wish.name for wish in told(admission_policy, "on_wish")] == ["Better"]


def test_of_several_groups_of_one_name_a_person_names_one_by_its_address() -> None:
    here, admission_policy = alone(open_s=None)
    here.settings = replace(here.settings, headless=True)
    admission_policy.door.start()
    for number in (1, 2):
        closed = Offer(bytes(16), bytes([number]) * 32, "Home", "", 7685, 2, open=False)
        admission_policy.on_offer(closed, f"10.0.0.{number}")
    with pytest.raises(UsageError) as several:
        admission_policy.want("Home")
    assert str(several.value.cause) == "they are at 10.0.0.1 and 10.0.0.2"
    assert several.value.fix == "approve 10.0.0.1"
    tag = short_id(bytes([2]) * 32)
    for name in ("10.0.0.2", "10.0.0.2:7685", tag):
        assert admission_policy.want(name)
    admission_policy.on_tick()
    assert [wish.address.host for wish in told(admission_policy, "on_wish")] == ["10.0.0.2"]
    assert admission_policy.want("10.0.0.1")
    assert told(admission_policy, "on_wish_withdrawn") == ["the person here wants another group"]
    admission_policy.on_tick()
    hosts = [wish.address.host for wish in told(admission_policy, "on_wish")]
    assert hosts[-1] == "10.0.0.1"


def test_two_groups_with_company_are_told_of_each_other_by_what_they_said() -> None:
    here, admission_policy = alone(open_s=None)
    closed = Offer(bytes(16), bytes(32), "", "", 7685, 2, open=False)
    admission_policy.on_offer(closed, "10.0.0.9")
    here.now = limits.FOUND_S
    admission_policy.on_tick()
    assert [tell.text for tell in taken(here, Tell)] == [
        "found a group whose door is closed: this device is not a member yet"
    ]
    here, admission_policy = alone(1, 2)
    admission_policy.on_committed()
    assert admission_policy.why_not() == ""
    here.leaving = True
    assert admission_policy.why_not() == "this device is leaving"


def test_an_open_door_takes_back_what_people_have_not_answered() -> None:
    _, admission_policy = alone()
    closed = Offer(bytes(16), b"\1" * 32, "", "", 7685, 2, open=False)
    admission_policy.on_offer(closed, "10.0.0.9")
    admission_policy.on_tick()
    admission_policy.on_offer(BETTER, "10.0.0.9")
    admission_policy.on_tick()
    (why,) = told(admission_policy, "on_wish_withdrawn")
    assert why.startswith("the door here is open, and so is that of a group near by: this device ")
    admission_policy.on_committed()
    assert "about to join" in admission_policy.why_not()


# -- while a code is tried -------------------------------------------------------------------------
def inviting_offer(number: int, *, invite: bool = True) -> Offer:
    tag = bytes([number]) * 32
    return Offer(bytes(16), tag, "", "", 7000 + number, 2, open=False, invite=invite)


def test_while_a_code_is_tried_nobody_else_is_asked_nor_let_in() -> None:
    here, heard = node(open_s=math.inf), Heard()
    membership = Membership(here, heard)
    policy = AdmissionPolicy(here, membership, heard)
    policy.start(kept=membership.start())
    here.now = 1.0
    policy.on_offer(BETTER, "10.0.0.9")
    policy.door.joins = True
    policy.on_tick()
    assert heard.of("on_wish") == []
    assert policy.deadline() is None
    assert policy.why_closed()
    assert policy.why_not()
    policy.door.joins = False
    policy.on_tick()
    assert len(heard.of("on_wish")) == 1


def test_who_says_that_a_code_is_in_force_is_noted_within_bounds() -> None:
    here, heard = node(open_s=None), Heard()
    membership = Membership(here, heard)
    policy = AdmissionPolicy(here, membership, heard)
    policy.start(kept=membership.start())
    policy.on_offer(inviting_offer(1), "10.0.0.9")
    assert policy.inviters == {}, "no code was typed"
    policy.door.joins = True
    policy.on_offer(inviting_offer(1, invite=False), "10.0.0.9")
    assert policy.inviters == {}
    for number in range(1, 50):
        policy.on_offer(inviting_offer(number), "10.0.0.9")
    assert len(policy.inviters) == INVITERS_PER_HOST
    assert all(found.by_code for found in policy.inviters.values())
    for number in range(1, 50):
        policy.on_offer(inviting_offer(number), f"10.0.1.{number}")
    assert len(policy.inviters) == INVITERS
    policy.join_peer = Address("10.0.2.7", inviting_offer(99).port)
    policy.on_offer(inviting_offer(98), "10.0.2.8")
    assert len(policy.inviters) == INVITERS
    policy.on_offer(inviting_offer(99), policy.join_peer.host)
    assert policy.join_peer in policy.inviters, "whom a person named has room"


def test_what_was_found_is_told_once() -> None:
    here, admission_policy = alone(open_s=None)
    admission_policy.on_offer(BETTER, "10.0.0.9")
    here.now = limits.FOUND_S
    admission_policy.on_tick()
    assert admission_policy.want("Better")
    admission_policy.on_tick()
    (wish,) = told(admission_policy, "on_wish")
    admission_policy.on_refused(wish, Cause.DENIED)
    admission_policy.on_tick()
    assert admission_policy.waits_for_person
    assert len(taken(here, Tell)) == 1
