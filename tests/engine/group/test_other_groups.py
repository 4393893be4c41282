"""Other groups: asked rarely, shown, told once; never joined."""

from __future__ import annotations

from msgspec.structs import replace

from potluck.core import limits
from potluck.core.group.founding import found_group, tag_of
from potluck.core.wire.catalogue import Offer
from potluck.engine.effects import Tell
from potluck.engine.group.group_names import GroupNames
from potluck.engine.group.other_groups import (
    ASKED_HOSTS,
    OF_HOST,
    OTHERS_AGAIN_S,
    OTHERS_KEPT_S,
    TOLD_MAX,
    OtherGroups,
)
from potluck.engine.node import Node
from tests.engine.builders import group, node, taken


def device() -> tuple[Node, OtherGroups]:
    """A device with company."""
    here = node(1)
    here.roster = group(1, 2)
    return here, OtherGroups(here, GroupNames())


def offer(number: int, members: int = 2) -> Offer:
    return Offer(bytes(16), number.to_bytes(32, "big"), "", "", 7685, members, open=False)


def test_a_host_is_asked_once_a_minute_and_only_so_many() -> None:
    here, others = device()
    assert others.may_ask("fe80::1%eth0")
    assert not others.may_ask("fe80::2%eth0"), "the same /64"
    assert sum(others.may_ask(f"10.0.0.{number}") for number in range(200)) == ASKED_HOSTS - 1
    here.now = OTHERS_AGAIN_S
    assert others.may_ask("fe80::2%eth0")


def test_it_is_shown_while_it_answers_and_told_once_with_what_can_be_done() -> None:
    here, others = device()
    others.on_offer(offer(9), "10.77.0.3")
    assert others.near == [], "nobody was asked there"
    assert others.may_ask("10.77.0.3")
    assert others.may_ask("10.77.0.4")
    for address in ("10.77.0.3", "10.77.0.4"):
        others.on_offer(offer(9), address)
        others.on_offer(offer(9), address)
    (told,) = taken(here, Tell)
    assert told.text == (
        "Another group is near (10.77.0.3, 2 devices). A closed door tells no name: to see which "
        "group it is, type status on the machine with that address. Groups never merge by "
        "themselves: to bring one of its devices here, type leave there (admin add NAME first, if "
        "that is the only steward of its group), start it again, and compare the words."
    )
    (found,) = others.near
    assert found.address.host == "10.77.0.3", "another of its devices takes no place"
    here.now = OTHERS_KEPT_S + 1.0
    assert others.near == []
    assert others.may_ask("10.77.0.4")
    others.on_offer(offer(9, 3), "10.77.0.4")
    assert [(one.address.host, one.members) for one in others.near] == [("10.77.0.4", 3)]
    assert taken(here, Tell) == []
    assert repr(others) == "<OtherGroups 1>"


def test_a_group_is_told_by_its_name_where_that_is_known() -> None:
    here, names = device()[0], GroupNames()
    others = OtherGroups(here, names)
    names.note(found_group(offer(7), "10.0.0.7", 0.0), "Attic", "")
    for number, said in ((9, ("Den", "den pc")), (7, ("", ""))):
        assert others.may_ask(f"10.0.0.{number}")
        told = replace(offer(number), name=said[0], label=said[1])
        others.on_offer(told, f"10.0.0.{number}")
    assert [told.text.partition(". Groups never")[0] for told in taken(here, Tell)] == [
        "Another group is near: Den (“den pc” at 10.0.0.9, 2 devices)",
        "Another group is near: Attic (10.0.0.7, 2 devices)",
    ]


def test_the_own_group_or_a_lonely_device_is_none() -> None:
    here, others = device()
    assert here.roster is not None
    assert others.may_ask("10.0.0.3")
    own = Offer(bytes(16), tag_of(here.roster.group), "", "", 7685, 2, open=False)
    others.on_offer(own, "10.0.0.3")
    others.on_offer(offer(9, members=1), "10.0.0.3")
    here.roster = None
    others.on_offer(offer(9), "10.0.0.3")
    assert others.near == []
    assert here.take() == []


def test_what_was_known_of_others_may_be_of_a_device_that_is_a_member_now() -> None:
    here, others = device()
    others.on_members()
    assert others.may_ask("10.0.0.3")
    others.on_offer(offer(9), "10.0.0.3")
    others.on_members()
    here.roster = group(1)
    others.on_members()
    assert len(others.near) == 1, "nobody came"
    here.roster = group(1, 3)
    others.on_members()
    assert others.near == []
    taken(here, Tell)
    assert others.may_ask("10.0.0.3"), "another one may be there"
    others.on_offer(offer(9), "10.0.0.3")
    assert (len(others.near), taken(here, Tell)) == (1, []), "it was told before"


def test_who_invents_groups_fills_little_and_tells_once() -> None:
    here, others = device()
    assert others.may_ask("10.0.0.3")
    for number in range(100):
        others.on_offer(offer(number), "10.0.0.3")
    assert len(others.near) == OF_HOST
    assert len(taken(here, Tell)) == 1
    for number in range(2 * TOLD_MAX):
        here.now += OTHERS_AGAIN_S
        assert others.may_ask(f"h{number}")
        others.on_offer(offer(1000 + number), f"h{number}")
    assert len(others._near) <= limits.OFFERS
    assert len(others._told) == TOLD_MAX
