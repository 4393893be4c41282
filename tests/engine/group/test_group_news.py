"""Group news: another name and other stewards are told once, on every member."""

from __future__ import annotations

from potluck.core.group.statements import Appoint, Regroup, Remove, sign_act, sign_removal
from potluck.engine.effects import Tell
from potluck.engine.group.group_news import GroupFacts, facts_of, tell_news
from potluck.engine.group.membership import Membership
from potluck.engine.node import Node
from tests.engine.builders import group, key, node, taken
from tests.engine.listeners import Heard

NEWS = {"group_renamed", "steward_new", "steward_over"}


def member(me: int, *others: int) -> tuple[Node, Membership]:
    """A device in the group of device 1 and these."""
    here = node(me)
    here.index.roster.replace(group(1, *others).records())
    made = Membership(here, Heard())
    assert made.start()
    here.take()
    return here, made


def told(here: Node) -> list[tuple[str, str]]:
    return [(each.text, each.subject) for each in taken(here, Tell) if each.code in NEWS]


def test_each_member_hears_once_of_a_name_and_of_a_steward() -> None:
    for me, who in ((1, "d2"), (2, "this device"), (3, "d2")):
        here, membership = member(me, 2, 3)
        roster = here.roster
        assert roster is not None
        said = [
            sign_act(key(1), Regroup(roster.group, "The Den", roster.next_name_number)),
            sign_act(key(1), Appoint(roster.group, key(2).certificate)),
        ]
        source = key(1).device if me > 1 else None
        membership.add_records(said, source)
        assert told(here) == [
            ("the group “Home” is called “The Den” from now on", ""),
            (f"{who} is a steward now, by the word of d1: it may remove devices", "d2"),
        ]
        membership.add_records(said, source)
        assert told(here) == []
        again = node(me, index=here.index, run=2)
        Membership(again, Heard()).start()
        assert told(again) == [], "what an earlier run knew"


def test_whose_word_does_not_count_is_not_named() -> None:
    here, membership = member(1, 2, 3, 4)
    roster = here.roster
    assert roster is not None
    mine = sign_act(key(4), Appoint(roster.group, key(3).certificate))
    membership.add_records([mine], key(4).device)
    assert told(here) == []
    membership.add_records([sign_act(key(1), Appoint(roster.group, key(3).certificate))])
    assert told(here) == [
        ("d3 is a steward now, by the word of d1: it may remove devices", "d3"),
    ]


def test_who_is_no_steward_any_more_is_told_while_it_is_a_member() -> None:
    here, _ = member(1, 2)
    before = facts_of(here)
    tell_news(here, GroupFacts(before.name, frozenset({key(n).device for n in (1, 2, 3)})))
    assert told(here) == [("d2 is no steward any more", "d2")]
    here, _ = member(2, 2, 3)
    tell_news(here, GroupFacts(before.name, frozenset({key(n).device for n in (1, 2)})))
    assert told(here) == [("this device is no steward any more", "d2")]
    tell_news(here, GroupFacts(before.name, frozenset()))
    assert told(here) == [("d1 is a steward now: it may remove devices", "d1")], "as the founder"


def test_who_is_out_hears_of_that_alone() -> None:
    here, membership = member(2, 2, 3)
    roster = here.roster
    assert roster is not None
    out = sign_removal(key(1), Remove(roster.group, here.me, [], b"", None, b"", []), [])
    named = sign_act(key(1), Regroup(roster.group, "The Den", roster.next_name_number))
    membership.add_records([*out, named], key(1).device)
    assert roster.name == "The Den"
    assert told(here) == []
