"""The doors: many devices become one group, and everything that may go wrong on the way in.

Strategy: real devices on a LAN without loop or sockets (tests/engine/lan.py) for whole stories; single pairings are
played by hand where a stranger does what no potluck would do.
"""

from __future__ import annotations

import math
import random

import pytest

from potluck.core import limits
from potluck.core.admission import Doorkeeper, Joiner
from potluck.core.founding import OFFER_LIFE_S
from potluck.core.messages import (
    LinkKind,
    Message,
    Offer,
    PairConsent,
    PairingMessage,
    PairNonce,
    PairRecords,
    PairReveal,
    PairVerdict,
    RosterDigest,
)
from potluck.engine.doors import NOTICE_S, SILENCE_S, Doors
from potluck.engine.effects import Dial, Drop, Effect, MarkShare, OpenDoor, Send, Tell
from potluck.engine.events import DialFailed, LinkId, LinkOpened, OrderId
from potluck.engine.membership import Membership
from potluck.engine.node import Node
from tests.engine.builders import address, flush, group, key, member, node, taken
from tests.engine.lan import Device, Lan, linked_pairs, one_group

LINK = LinkId(77)


# -- many devices ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("multicast", [True, False], ids=["multicast", "neighbours"])
@pytest.mark.parametrize("count", [2, 3, 5, 8])
def test_however_many_start_in_one_second_they_become_one_group(count: int, multicast: bool) -> None:
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
    assert admissions == count - 1, "everybody was admitted once: nobody was ever in a second group with members"


def test_a_lossy_network_changes_nothing_but_the_time_it_takes() -> None:
    lan = Lan(4, loss=0.2)
    devices = [lan.add(number, at=number / 10) for number in range(1, 5)]
    lan.run(30.0, lambda: one_group(devices) and linked_pairs(devices))
    assert one_group(devices)
    assert linked_pairs(devices)


def test_two_groups_with_members_stay_two() -> None:
    lan = Lan()
    pairs = [[lan.add(1), lan.add(2)], [lan.add(3), lan.add(4)]]
    for pair, numbers in zip(pairs, ((1, 2), (3, 4)), strict=True):
        for device in pair:
            device.node.index.roster.replace(group(*numbers).records())
    lan.run(9.0)
    devices = [device for pair in pairs for device in pair]
    assert [device.labels for device in devices] == [["d1", "d2"]] * 2 + [["d3", "d4"]] * 2
    assert all(device.doors.founding is None for device in devices)


# -- consent --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("closed", [1, 2])
def test_with_one_door_open_nobody_is_admitted(closed: int) -> None:
    lan = Lan()
    devices = [lan.add(number, open_s=None if number == closed else math.inf) for number in (1, 2)]
    lan.run(2.5)
    waiting = devices[closed - 1]
    near = f'"Home" (d{3 - closed}, 10.0.0.{3 - closed})'
    assert waiting.told("waiting") == [f"found {near}: this device is not a member yet"]
    lan.run(20.0)
    (found,) = waiting.doors.found
    assert (found.name, found.label, found.members, found.open) == ("Home", f"d{3 - closed}", 1, True)
    assert found.address == address(3 - closed)
    assert devices[0].group != devices[1].group
    assert not devices[0].told("admitted") + devices[1].told("admitted")


def test_near_a_group_whose_door_is_closed_a_device_waits_and_says_so() -> None:
    lan = Lan()
    lan.add(1, open_s=None)
    waiting = lan.add(2, open_s=None)
    lan.run(2.5)
    assert waiting.told("waiting") == ["found a group whose door is closed: this device is not a member yet"]
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
    assert waiting.told("founded") == ['no group found here: started "Home"']
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
    assert not late.doors.found
    host = lan.restart(host, open_s=None)
    lan.run(13.0)
    assert not host.door_open


def test_a_door_that_closes_while_a_decision_is_due_joins_nothing() -> None:
    lan = Lan()
    lan.add(1), lan.add(2, open_s=0.3)
    lan.run(9.0)
    assert [len(device.labels) for device in lan.devices.values()] == [1, 1]


# -- things that break ----------------------------------------------------------------------------------------------
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
    guest = lan.add(2, label="d1")
    lan.run(12.0, lambda: guest.group == host.group and linked_pairs([host, guest]))
    assert broken
    assert guest.labels == host.labels == ["d1", "d1-2"]
    assert host.node.roster is not None
    assert len(host.node.roster.records()) == 2
    marks = [effect for effect in guest.done if isinstance(effect, MarkShare)]
    assert marks[-1] == MarkShare(host.group, "d1-2", "d1")


def one_set(devices: list[Device]) -> bool:
    return len({device.node.roster.digest for device in devices if device.node.roster is not None}) == 1


def test_two_members_asked_one_after_the_other_admit_the_same_device_once_in_effect() -> None:
    """The first one's verdict is lost and it goes away; the second does not know of the first one's admission."""
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


# -- one pairing by hand: somebody wants to enter -------------------------------------------------------------------
def host(*members: int, open_s: float | None = math.inf) -> tuple[Node, Doors]:
    """Device 1, at time 1, with the group of these or (nobody given) a provisional one."""
    here = node(1, open_s=open_s)
    if members:
        here.index.roster.replace(group(*members).records())
    membership = Membership(here)
    doors = Doors(here, membership)
    membership.changed = doors.on_members
    kept = membership.start()
    doors.start(kept=kept)
    here.now = 1.0
    here.take()
    return here, doors


def opened(link: int = LINK, dial: OrderId | None = None) -> LinkOpened:
    return LinkOpened(LinkId(link), LinkKind.PAIRING, None, address(2), b"", dial)


def messages(effects: list[Effect] | tuple[Effect, ...]) -> list[PairingMessage]:
    return [e.message for e in effects if isinstance(e, Send) and isinstance(e.message, PairingMessage)]


def knock(here: Node, doors: Doors, number: int = 2) -> tuple[Joiner, PairReveal]:
    """A newcomer opens a link and is about to reveal itself."""
    joiner = Joiner(key(number), f"d{number}", bytes([number]) * 16)
    doors.on_link_opened(opened())
    for message in joiner.begin():
        assert doors.on_message(LINK, message)
    (nonce,) = messages(here.take())
    assert isinstance(nonce, PairNonce)
    (reveal,) = joiner.hear(nonce)
    assert isinstance(reveal, PairReveal)
    return joiner, reveal


def enter(here: Node, doors: Doors, number: int = 2) -> list[PairingMessage]:
    """What a newcomer hears once it has said everything."""
    joiner, reveal = knock(here, doors, number)
    doors.on_message(LINK, reveal)
    assert messages(here.take()) == []
    for message in joiner.want():
        doors.on_message(LINK, message)
    return messages(list(flush(here)))


def test_a_newcomer_is_admitted_and_the_provisional_group_stays() -> None:
    here, doors = host()
    verdict, records = enter(here, doors)
    assert isinstance(verdict, PairVerdict)
    assert verdict.admitted
    assert isinstance(records, PairRecords)
    assert len(records.records) == 2
    assert doors.founding is None
    assert here.index.roster.all() == records.records


def test_nothing_leaves_before_the_admission_is_on_the_disk() -> None:
    here, doors = host(1, 3)
    joiner, reveal = knock(here, doors)
    doors.on_message(LINK, reveal)
    for message in joiner.want():
        doors.on_message(LINK, message)
    assert messages(here.take()) == []
    here.on_synced(1)
    assert len(messages(here.take())) == 2


def refusal(said: list[PairingMessage]) -> str:
    (verdict,) = said
    assert isinstance(verdict, PairVerdict)
    assert not verdict.admitted
    return verdict.reason


def test_a_device_that_still_listens_or_is_about_to_join_elsewhere_admits_nobody() -> None:
    here, doors = host()
    here.now = 0.1
    assert "about to join" in refusal(enter(here, doors))
    doors.on_link_closed(LINK)
    here.now = 1.0
    better = Offer(bytes(16), bytes(32), "Better", "d9", 7685, 1, open=True)
    doors.on_offer(better, "10.0.0.9")
    assert "about to join" in refusal(enter(here, doors))
    assert here.roster is not None
    assert len(here.roster.members) == 1


def test_a_decision_to_join_elsewhere_between_reveal_and_consent_counts() -> None:
    here, doors = host()
    joiner, reveal = knock(here, doors)
    doors.on_message(LINK, reveal)
    doors.on_offer(Offer(bytes(16), bytes(32), "Better", "d9", 7685, 1, open=True), "10.0.0.9")
    doors.on_tick()
    assert len(taken(here, Dial)) == 1
    doors.on_message(LINK, *joiner.want())
    assert "about to join" in refusal(messages(list(flush(here))))


def test_a_door_that_closed_during_the_conversation_admits_nobody() -> None:
    here, doors = host(1, 3, open_s=10.0)
    joiner, reveal = knock(here, doors)
    doors.on_message(LINK, reveal)
    here.now = 10.0
    doors.on_tick()
    assert OpenDoor(open=False) in here.take()
    doors.on_message(LINK, *joiner.want())
    assert refusal(messages(list(flush(here)))) == "the door is closed"


def test_our_own_clone_is_not_admitted() -> None:
    here, doors = host(1, 3)
    assert "cannot be a member" in refusal(enter(here, doors, number=1))


def test_a_closed_door_drops_the_link_and_so_does_a_leaving_device() -> None:
    here, doors = host(1, 2, open_s=None)
    doors.on_link_opened(opened())
    assert here.take() == [Drop(LINK, "the door is closed")]
    here, doors = host(1, 2)
    here.leaving = True
    doors.on_link_opened(opened())
    assert here.take() == [Drop(LINK, "the door is closed")]


def test_only_so_many_stand_at_the_door_and_each_only_so_long() -> None:
    here, doors = host(1, 2)
    for link in range(limits.STRANGERS):
        doors.on_link_opened(opened(link))
    assert here.take() == []
    doors.on_link_opened(opened())
    assert here.take() == [Drop(LINK, "too many at the door")]
    assert doors.deadline() == 1.0 + limits.PAIRING_S
    here.now = 1.0 + limits.PAIRING_S
    doors.on_tick()
    assert len(taken(here, Drop)) == limits.STRANGERS
    assert doors.deadline() is None


def test_a_newcomer_that_has_been_welcomed_and_stays_is_dropped_in_the_end() -> None:
    here, doors = host(1, 3)
    enter(here, doors)
    here.now += limits.PAIRING_S
    doors.on_tick()
    assert taken(here, Drop) == [Drop(LINK, "too slow")]


@pytest.mark.parametrize("nonsense", [PairConsent(), PairRecords([], last=True), RosterDigest(b"")])
def test_whoever_breaks_the_rules_is_dropped_and_people_hear_of_it_now_and_then(nonsense: Message) -> None:
    here, doors = host(1, 2)
    for _ in range(3):
        doors.on_link_opened(opened())
        assert doors.on_message(LINK, nonsense)
        assert not doors.on_message(LINK, nonsense), "it is no pairing any more"
    effects = here.take()
    assert len([effect for effect in effects if isinstance(effect, Drop)]) == 3
    assert [effect.code for effect in effects if isinstance(effect, Tell)] == ["pairing_failed"]
    here.now += NOTICE_S
    doors.on_link_opened(opened())
    doors.on_message(LINK, nonsense)
    assert len(taken(here, Tell)) == 1


def test_links_and_dials_of_others_are_not_ours() -> None:
    _, doors = host(1, 2)
    assert not doors.on_message(LINK, PairConsent())
    assert not doors.on_link_closed(LINK)
    assert not doors.on_dial_failed(DialFailed(OrderId(5), "", refused=True, knock=False))
    doors.on_link_opened(opened())
    assert doors.on_link_closed(LINK)


# -- one pairing by hand: we want to enter --------------------------------------------------------------------------
def asking() -> tuple[Node, Doors, Dial]:
    """Device 1, that has just decided to ask the group of device 9."""
    here, doors = host()
    doors.on_offer(Offer(bytes(16), group(9, 8).group, "Home", "d9", 7685, 2, open=True), "10.0.0.9")
    doors.on_tick()
    (dial,) = taken(here, Dial)
    assert (dial.kind, dial.peer, dial.address) == (LinkKind.PAIRING, None, address(9))
    return here, doors, dial


def nonce(number: int = 9) -> PairNonce:
    who = key(number)
    return PairNonce(bytes(16), who.certificate, who.sealing_public, group(9, 8).group, "Home", "d9")


def test_a_dial_that_fails_is_repeated_later_and_the_question_at_once() -> None:
    here, doors, dial = asking()
    asked: list[object] = []
    doors.ask = asked.append
    assert doors.on_dial_failed(DialFailed(dial.dial, "refused", refused=True, knock=False))
    assert asked == [address(9)]
    doors.on_tick()
    assert here.take() == []
    here.now += 0.5
    doors.on_tick()
    assert len(taken(here, Dial)) == 1


def test_a_member_that_says_nothing_is_given_up_in_time() -> None:
    here, doors, dial = asking()
    doors.on_link_opened(opened(dial=dial.dial))
    assert len(messages(here.take())) == 1
    assert doors.deadline() == here.now + limits.PAIRING_S
    here.now += limits.PAIRING_S
    doors.on_tick()
    assert Drop(LINK, "too slow") in here.take()
    assert doors.founding is not None
    assert doors.founding.asking is None


def test_a_no_of_the_member_ends_it() -> None:
    here, doors, dial = asking()
    doors.on_link_opened(opened(dial=dial.dial))
    doors.on_message(LINK, PairVerdict(admitted=False, reason="no", signature=b""))
    assert Drop(LINK, "refused") in here.take()
    assert not doors.on_message(LINK, PairConsent())


def test_another_group_than_the_one_that_was_offered_is_not_entered() -> None:
    here, doors, dial = asking()
    doors.on_link_opened(opened(dial=dial.dial))
    here.take()
    other = PairNonce(bytes(16), key(9).certificate, key(9).sealing_public, bytes(32), "Home", "d9")
    doors.on_message(LINK, other)
    effects = here.take()
    assert not any(isinstance(message, PairConsent) for message in messages(effects))
    assert any(isinstance(effect, Drop) for effect in effects)


def test_a_member_is_known_by_where_it_was_asked() -> None:
    here, doors, dial = asking()
    met: list[object] = []
    doors.met = lambda *who: met.append(who)
    doors.on_link_opened(opened(dial=dial.dial))
    doors.on_message(LINK, nonce())
    assert met == [(key(9).device, address(9))]
    assert any(isinstance(message, PairConsent) for message in messages(here.take()))


def test_whoever_waits_here_is_sent_away_when_this_device_enters_another_group() -> None:
    here, doors, dial = asking()
    doors.on_link_opened(opened(78))
    doors.on_link_opened(opened(dial=dial.dial))
    member_side = group(9, 8)
    keeper = Doorkeeper(key(9), member_side, "d9", bytes(16))
    heard = messages(here.take())
    while heard:
        for message in [answer for said in heard for answer in keeper.hear(said)]:
            doors.on_message(LINK, message)
        heard = messages(here.take())
    keeper.allow()
    member_side.add([member(key(9), member_side, key(1), "d1")])
    for frame in keeper.welcome(member_side.records()):
        doors.on_message(LINK, frame)
    assert taken(here, Drop) == [Drop(LINK, "admitted"), Drop(LinkId(78), "this device is in another group now")]
    assert here.roster is not None
    assert here.roster.group == member_side.group
    assert doors.founding is None
    assert not doors.on_link_closed(LINK)


def test_a_verdict_that_is_not_signed_by_the_member_is_none() -> None:
    here, doors, dial = asking()
    doors.on_link_opened(opened(dial=dial.dial))
    doors.on_message(LINK, nonce())
    doors.on_message(LINK, PairVerdict(admitted=True, reason="", signature=bytes(64)))
    assert any(isinstance(effect, Drop) for effect in here.take())
    assert doors.founding is not None, "still in its own group"


def test_company_that_came_meanwhile_ends_the_search() -> None:
    here, doors, dial = asking()
    doors.on_link_opened(opened(dial=dial.dial))
    doors.on_members()
    assert doors.founding is not None, "nobody came"
    here.roster = group(1, 2)
    doors.on_members()
    assert doors.founding is None
    here.take()
    doors.on_link_closed(LINK)
    doors.on_offer(Offer(bytes(16), bytes(32), "Late", "d5", 7685, 2, open=True), "10.0.0.5")
    doors.on_foreign()
    doors.on_tick()
    assert here.take() == []
    assert doors.found == []


# -- what faces see -------------------------------------------------------------------------------------------------
def test_groups_near_by_are_shown_as_long_as_they_answer() -> None:
    here, doors = host(open_s=None)
    doors.on_offer(Offer(bytes(16), bytes(32), "Home", "d5", 0, 3, open=True), "10.0.0.5")
    assert doors.found == [], "nobody could be dialled there"
    doors.on_offer(Offer(bytes(16), bytes(32), "Home", "d5", 7685, 3, open=True), "10.0.0.5")
    assert [(found.name, found.members) for found in doors.found] == [("Home", 3)]
    here.now += OFFER_LIFE_S + 0.1
    assert doors.found == []


def test_the_next_thing_to_do_is_known() -> None:
    here, doors = host(open_s=50.0)
    assert doors.deadline() == limits.FOUND_S
    here.now = limits.FOUND_S
    doors.on_tick()
    assert doors.deadline() == 50.0
    here.now = 50.0
    doors.on_tick()
    assert taken(here, OpenDoor) == [OpenDoor(open=False)]
    assert doors.deadline() is None
    here, doors = host(open_s=None)
    doors.on_foreign()
    here.now = limits.FOUND_S
    doors.on_tick()
    assert doors.deadline() == 1.0 + SILENCE_S
    assert here.roster is not None
