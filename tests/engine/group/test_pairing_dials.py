"""Pairing dials: whichever side can dial, and what becomes of a wish that neither can fulfil."""

from __future__ import annotations

from dataclasses import replace

from potluck.core import limits
from potluck.core.group.asking_turns import GroupTag
from potluck.core.group.founding import FoundGroup
from potluck.core.wire.catalogue import LinkKind
from potluck.engine.effects import Dial
from potluck.engine.events import DIAL_REFUSED, DialFailed, OrderId
from potluck.engine.group.pairing_dials import Dialled, FailedWish, PairingDials
from potluck.engine.node import Node
from tests.engine.builders import address, node, taken
from tests.engine.listeners import Heard

WISH = FoundGroup(GroupTag(bytes(32)), "Home", "d9", address(9), 2, True, 0.0, b"cookie")
OTHER = FoundGroup(GroupTag(bytes(32)), "Barn", "d8", address(8), 2, True, 0.0)


def dials() -> tuple[Node, Heard, PairingDials]:
    here, heard = node(1), Heard()
    return here, heard, PairingDials(here, heard)


def wishing() -> tuple[Node, Heard, PairingDials, Dial]:
    here, heard, part = dials()
    part.ask(WISH)
    (dial,) = taken(here, Dial)
    assert (dial.kind, dial.peer, dial.address) == (LinkKind.PAIRING, None, address(9))
    return here, heard, part, dial


def failed(dial: OrderId, *, knock: bool = False) -> DialFailed:
    return DialFailed(dial, "timeout", refused=False, knock=knock)


def test_a_door_that_is_reached_at_once_needs_nothing_else() -> None:
    _, heard, part, dial = wishing()
    assert part.opened(dial.dial) == WISH
    assert part.deadline() is None
    assert part.on_tick() is None
    assert heard.notes == [("on_door_reached", "d9")]
    assert part.opened(dial.dial) is Dialled.NOT_WANTED


def test_a_dial_that_hangs_has_the_other_side_asked_once() -> None:
    here, heard, part, dial = wishing()
    assert part.deadline() == limits.PAIRING_CALL_AFTER_S
    assert part.on_tick() is None
    assert heard.notes == []
    here.now = limits.PAIRING_CALL_AFTER_S
    assert part.on_tick() is None
    assert heard.of("on_door_unreached") == [WISH]
    assert part.deadline() is None, "now the dial has to end"
    here.now = 2.0
    assert part.failed(failed(dial.dial))
    assert heard.of("on_door_unreached") == [WISH]
    assert part.deadline() == 2.0 + limits.PAIRING_CALLED_S
    here.now = part.deadline() or 0.0
    assert part.on_tick() == FailedWish(WISH, "timeout")
    assert heard.of("on_door_blocked") == [("d9", address(9), "timeout")]
    assert part.on_tick() is None


def test_a_dial_that_fails_at_once_has_the_other_side_asked_at_once() -> None:
    here, heard, part, dial = wishing()
    assert part.failed(failed(dial.dial))
    assert heard.of("on_door_unreached") == [WISH]
    here.now = limits.PAIRING_CALLED_S
    assert part.on_tick() == FailedWish(WISH, "timeout")


def test_where_somebody_is_who_does_not_let_us_in_no_firewall_is_to_blame() -> None:
    here, heard, part, dial = wishing()
    part.failed(failed(dial.dial, knock=True))
    here.now = limits.PAIRING_CALLED_S
    assert part.on_tick() == FailedWish(WISH, "")
    assert heard.of("on_door_blocked") == []


def test_a_refusal_is_told_as_one_since_firewalls_refuse_too() -> None:
    here, heard, part, dial = wishing()
    part.failed(DialFailed(dial.dial, DIAL_REFUSED, refused=True, knock=False))
    here.now = limits.PAIRING_CALLED_S
    assert part.on_tick() == FailedWish(WISH, DIAL_REFUSED)
    assert heard.of("on_door_blocked") == [("d9", address(9), DIAL_REFUSED)]


def test_a_link_the_member_dials_fulfils_the_wish_if_it_was_asked_and_comes_from_there() -> None:
    here, heard, part, dial = wishing()
    assert part.take_turn(address(9).host) is None, "it was not asked yet"
    here.now = 1.0
    part.on_tick()
    assert part.take_turn(address(8).host) is None
    assert part.take_turn(address(9).host) == WISH
    assert heard.of("on_door_reached") == ["d9"]
    assert part.take_turn(address(9).host) is None
    assert part.failed(failed(dial.dial)), "late, and nobody waits for it"
    assert not part.failed(failed(dial.dial))


def test_the_own_dial_that_succeeds_late_is_not_wanted() -> None:
    here, _, part, dial = wishing()
    here.now = 1.0
    part.on_tick()
    part.take_turn(address(9).host)
    assert repr(part) == "<PairingDials wish=False, calls=0, late=1>"
    assert part.opened(dial.dial) is Dialled.NOT_WANTED
    assert repr(part) == "<PairingDials wish=False, calls=0, late=0>"


def test_a_dial_that_failed_before_the_member_came_is_over() -> None:
    _, _, part, dial = wishing()
    part.failed(failed(dial.dial))
    assert part.take_turn(address(9).host) == WISH
    assert repr(part) == "<PairingDials wish=False, calls=0, late=0>"


def test_another_wish_takes_the_place_of_the_first() -> None:
    here, _, part, dial = wishing()
    part.ask(OTHER)
    (second,) = taken(here, Dial)
    assert part.opened(dial.dial) is Dialled.NOT_WANTED
    assert part.opened(second.dial) == OTHER


def test_a_dial_of_somebody_else_is_not_ours() -> None:
    _, _, part = dials()
    assert not part.failed(failed(OrderId(5)))
    assert part.opened(OrderId(5)) is Dialled.NOT_WANTED


# -- a member --------------------------------------------------------------------------------------
def test_a_newcomer_that_asked_is_dialled_where_it_listens() -> None:
    here, heard, part = dials()
    part.call(address(2))
    (dial,) = taken(here, Dial)
    assert (dial.kind, dial.peer, dial.address) == (LinkKind.PAIRING, None, address(2))
    assert part.opened(dial.dial) is Dialled.NEWCOMER
    assert heard.notes == [("on_door_reached", address(2).host)]


def test_a_newcomer_that_cannot_be_dialled_either_is_told() -> None:
    here, heard, part = dials()
    for knock in (True, False):
        part.call(address(2))
        (dial,) = taken(here, Dial)
        assert part.failed(failed(dial.dial, knock=knock))
        here.now += limits.PAIRING_CALL_REST_S
    assert heard.notes == [("on_door_blocked", address(2).host, address(2), "timeout")]


def test_a_dial_that_fails_after_the_newcomer_came_by_itself_is_no_trouble() -> None:
    here, heard, part = dials()
    part.call(address(2))
    part.call(address(3))
    first, second = taken(here, Dial)
    part.came(address(2).host)
    assert heard.notes == [("on_door_reached", address(2).host)]
    assert part.failed(failed(first.dial))
    assert heard.of("on_door_blocked") == []
    assert part.failed(failed(second.dial))
    assert heard.of("on_door_blocked") == [(address(3).host, address(3), "timeout")]
    assert not part._came


def test_a_call_that_succeeds_though_the_newcomer_came_is_a_link_as_any() -> None:
    here, _, part = dials()
    part.call(address(2))
    (dial,) = taken(here, Dial)
    part.came(address(2).host)
    assert part.opened(dial.dial) is Dialled.NEWCOMER
    assert not part._came


def test_each_host_is_called_rarely_and_only_a_few_at_once() -> None:
    here, _, part = dials()
    part.call(address(2))
    part.call(address(2))
    assert len(taken(here, Dial)) == 1
    here.now = limits.PAIRING_CALL_REST_S
    part.call(address(2))
    for number in range(3, 20):
        part.call(address(number))
    assert len(taken(here, Dial)) == limits.PAIRING_CALLS - 1
    assert len(part._called_s) <= limits.PAIRING_CALLS


def test_a_host_that_lets_dials_hang_takes_no_other_newcomers_place() -> None:
    here, _, part = dials()
    for _ in range(3 * limits.PAIRING_CALLS):
        part.call(address(2))
        here.now += limits.PAIRING_CALL_REST_S
    part.call(address(3))
    assert [dial.address for dial in taken(here, Dial)] == [address(2), address(3)]


def test_a_host_whose_dial_has_ended_is_not_called_again_before_it_rested() -> None:
    here, _, part = dials()
    part.call(address(2))
    (first,) = taken(here, Dial)
    part.failed(failed(first.dial))
    here.now = limits.PAIRING_CALL_REST_S - 0.1
    part.call(address(2))
    assert taken(here, Dial) == []
    here.now = limits.PAIRING_CALL_REST_S
    part.call(address(2))
    assert [dial.address for dial in taken(here, Dial)] == [address(2)]


def test_a_device_behind_a_closed_door_is_known_by_its_host() -> None:
    """It tells no label, and a trouble without a subject would tell nothing."""
    here, heard, part = dials()
    nameless = replace(WISH, label="")
    part.ask(nameless)
    (dial,) = taken(here, Dial)
    assert part.failed(failed(dial.dial))
    here.now = limits.PAIRING_CALLED_S
    assert part.on_tick() == FailedWish(nameless, "timeout")
    host = address(9).host
    assert heard.of("on_door_blocked") == [(host, address(9), "timeout")]
