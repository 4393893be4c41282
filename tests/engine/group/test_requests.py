"""Requests: told to all who are linked, answered by any of them, over for all."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.errors import NotFound, Refused
from potluck.core.group.admission import Newcomer
from potluck.core.group.words import name_of, three_words
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Message, RequestAnswer, RequestOver, RequestTold
from potluck.engine.effects import Send, Tell
from potluck.engine.events import LinkId
from potluck.engine.group.request_bounds import NEXT_S, SHOWN_S
from potluck.engine.group.request_ends import of_teller
from potluck.engine.group.request_list import yeses_of
from potluck.engine.group.requests import WAITS, AskedMember, Asker, Requests
from potluck.engine.group.told_bounds import TOLD_PER_MINUTE
from potluck.engine.node import Node
from tests.engine.builders import address, group, key, node, taken
from tests.engine.listeners import Heard

BEN, CLEO = key(2).device, key(3).device
LINK = LinkId(9)
NAME = name_of(bytes(32))


def asked(number: int = 5, label: str = "d5", link: int = LINK, said: bytes = bytes(32)) -> Asker:
    who = key(number)
    newcomer = Newcomer(who.device, who.certificate, who.sealing_public, label)
    return Asker(LinkId(link), newcomer, address(number).host, said, 120.0)


def member(*, linked: bool = True) -> tuple[Node, Heard, Requests]:
    """Device 1 of a group of three, linked to d2 and d3."""
    here, heard = node(1), Heard()
    here.roster = group(1, 2, 3)
    if linked:
        here.peer(BEN).link, here.peer(CLEO).link = LinkId(2), LinkId(3)
    return here, heard, Requests(here, heard)


def sent(here: Node) -> list[tuple[int, Message]]:
    every = [(send.link, send.message) for send in taken(here, Send)]
    return sorted(every, key=lambda pair: pair[0])


TOLD = RequestTold(
    NAME, "d5", "d5", "10.0.0.5", list(three_words(bytes(32))), 120, device=key(5).device
)


def test_who_asks_here_is_told_to_all_who_are_linked_and_to_those_who_come() -> None:
    here, _, requests = member()
    requests.open_here(asked(), is_open=False)
    assert sent(here) == [(2, TOLD), (3, TOLD)]
    requests.on_said(LINK, there=True)
    assert [message.wanted for _, message in sent(here)] == [True, True]  # type: ignore[union-attr]
    requests.on_said(LinkId(8), there=True)
    assert sent(here) == []
    here.now = 20.5
    requests.on_linked(CLEO)
    ((_, again),) = sent(here)
    assert isinstance(again, RequestTold)
    assert (again.left_s, again.wanted, again.allowed) == (99, True, False)
    requests.over(LINK, "denied")
    assert sent(here) == [(2, RequestOver(NAME, "denied")), (3, RequestOver(NAME, "denied"))]
    requests.over(LINK, "twice")
    assert sent(here) == []


def test_who_asks_again_keeps_its_name_also_on_the_screens_of_other_members() -> None:
    _, _, requests = member()
    requests.on_message(BEN, TOLD)
    requests.on_message(BEN, RequestOver(NAME, "the other side said no"))
    requests.on_message(CLEO, replace(TOLD, request="00000001"))
    assert [one.name for one in requests.list.rows] == ["d5"], "whoever it talks to this time"
    requests.on_message(CLEO, RequestOver("00000001", "it is over"))
    requests.on_message(CLEO, replace(TOLD, request="00000002", device=key(6).device))
    requests.on_message(CLEO, replace(TOLD, request="00000003", device=b""))
    assert [one.name for one in requests.list.rows] == ["d5-2", "d5-3"], "another, or nobody knows"
    requests.open_here(asked(said=b"again"), is_open=False)
    assert requests.list.rows[0].name == "d5"


def test_a_group_that_is_asked_again_keeps_its_name_whoever_answers_there() -> None:
    _, _, requests = member()
    for label, host, said in (("d9", "10.0.0.9", bytes(32)), ("d8", "10.0.0.8", b"later")):
        there = AskedMember(LINK, "Far", label, host, said, 120.0, whose=frozenset({b"far"}))
        requests.open_there(there, is_open=False)
        assert [one.name for one in requests.list.rows] == ["Far"]
        requests.over(LINK, "you said no")
    other = AskedMember(
        LINK, "Far", "eve", "10.0.0.7", b"third", 120.0, whose=frozenset({b"new", b"eve"})
    )
    requests.open_there(other, is_open=False)
    assert [one.name for one in requests.list.rows] == ["Far-2"]
    requests.over(LINK, "potluck was ended there")
    again = other._replace(transcript=b"fourth", whose=frozenset({b"newer", b"eve"}))
    requests.open_there(again, is_open=False)
    assert [one.name for one in requests.list.rows] == ["Far-2"], "begun anew, by the same device"


def replaced_by(requests: Requests, link: LinkId) -> DeviceId | None:
    talk = requests.talk(link)
    return talk.replaces if talk is not None else None


def test_whom_a_newcomer_replaces_is_kept_as_long_as_its_request() -> None:
    _, _, requests = member()
    requests.open_here(asked(), is_open=False)
    assert replaced_by(requests, LINK) is None
    requests.list.rows[0].replaces = CLEO
    assert replaced_by(requests, LINK) == CLEO
    assert replaced_by(requests, LinkId(8)) is None
    requests.over(LINK, "somebody said no")
    assert replaced_by(requests, LINK) is None


def test_where_this_device_asks_is_nobody_elses_business() -> None:
    here, _, requests = member()
    there = AskedMember(LINK, "Far", "d9", "10.0.0.9", bytes(32), 120.0)
    requests.open_there(there, is_open=False)
    requests.on_said(LINK, here=True)
    requests.on_linked(BEN)
    requests.over(LINK, "no")
    assert sent(here) == []


def test_what_a_member_tells_is_asked_here_once_and_answered_there() -> None:
    here, heard, requests = member()
    requests.on_message(BEN, TOLD)
    (notice,) = taken(here, Tell)
    assert notice.code == "request"
    requests.on_message(BEN, TOLD)
    assert here.take() == []
    assert requests.answer("", yes=True) == "You said yes; d5's side has not yet."
    assert sent(here) == [(2, RequestAnswer(NAME, yes=True))]
    with pytest.raises(Refused, match="does not wait"):
        requests.answer("d5", yes=True)
    assert requests.answer("d5", yes=False) == "You said no to d5."
    assert sent(here) == [(2, RequestAnswer(NAME, yes=False))]
    here.peer(BEN).link = None
    with pytest.raises(Refused, match="reached nobody"):
        requests.answer("d5", yes=False)
    assert heard.notes == []


def test_what_a_member_tells_ends_when_it_says_so_or_its_time_is_over_or_its_link() -> None:
    here, _, requests = member()
    requests.on_message(BEN, TOLD)
    requests.on_message(CLEO, RequestOver(NAME, "not mine"))
    assert len(requests.list) == 1
    requests.on_message(BEN, RequestOver(NAME, "denied by d3"))
    assert [notice.text for notice in taken(here, Tell)][1:] == [
        "the request of d5 is over: denied by d3"
    ]
    assert requests.deadline() is None
    requests.on_message(BEN, TOLD)
    here.now = 10.0
    requests.on_message(BEN, TOLD)
    assert requests.deadline() == 120.0, "it is not made longer"
    requests.on_tick()
    assert len(requests.list) == 1
    here.now = 120.0
    requests.on_tick()
    assert len(requests.list) == 0
    requests.on_message(BEN, TOLD)
    requests.on_unlinked(CLEO)
    assert len(requests.list) == 1
    requests.answer("d5", yes=True)
    taken(here, Tell)
    requests.on_unlinked(BEN)
    assert len(requests.list) == 0
    (notice,) = taken(here, Tell)
    why = of_teller("d2", said_yes=True)
    assert (notice.code, notice.text) == ("request_over", f"the request of d5 is over: {why}")
    requests.on_message(BEN, TOLD)
    requests.on_message(BEN, RequestTold("1" * 8, "d6", "d6", "10.0.0.6", [], 120, open=True))
    taken(here, Tell)
    requests.on_unlinked(BEN)
    assert [one.text for one in taken(here, Tell)] == [
        f"the request of d5 is over: {of_teller('d2', said_yes=False)}"
    ], "nobody here was asked about the other one"
    requests.on_message(BEN, TOLD)
    taken(here, Tell)
    here.leaving = True
    requests.on_unlinked(BEN)
    assert taken(here, Tell) == []


def test_what_no_conversation_can_be_called_is_no_request() -> None:
    here, _, requests = member()
    for odd in ("d5", "1" * 7, "1" * 9, "A" * 8, ""):
        requests.on_message(BEN, replace(TOLD, request=odd))
    assert len(requests.list) == 0
    assert here.counters["requests told by no id"] == 5


def test_of_an_open_door_elsewhere_people_are_not_asked() -> None:
    here, _, requests = member()
    requests.on_message(BEN, RequestTold(NAME, "d5", "d5", "10.0.0.5", [], 120, open=True))
    allowed = RequestTold("1" * 8, "d6", "d6", "10.0.0.6", [], 120, allowed=True)
    requests.on_message(BEN, allowed)
    assert taken(here, Tell) == []
    assert [(one.open, one.here, one.needed) for one in requests.list.rows] == [
        (True, False, False),
        (False, True, False),
    ]


def test_an_answer_of_a_member_reaches_our_conversation_or_is_counted() -> None:
    here, heard, requests = member()
    requests.on_message(BEN, RequestAnswer(NAME, yes=True))
    requests.on_message(BEN, TOLD)
    requests.on_message(CLEO, RequestAnswer(NAME, yes=True))
    assert here.counters["answers to no request"] == 2
    here.take()
    requests.open_here(asked(), is_open=False)
    requests.on_message(BEN, RequestAnswer(NAME, yes=True))
    assert heard.of("on_answered") == [(LINK, "d2", True)]


def test_where_this_device_asks_no_member_answers() -> None:
    here, heard, requests = member()
    there = AskedMember(LINK, "Far", "d9", "10.0.0.9", bytes(32), 120.0)
    requests.open_there(there, is_open=False)
    requests.on_message(BEN, RequestAnswer(NAME, yes=True))
    assert heard.notes == []
    assert here.counters["answers to no request"] == 1


def test_a_person_hears_what_came_of_an_answer() -> None:
    here, heard, requests = member(linked=False)
    with pytest.raises(NotFound):
        requests.answer("", yes=True)
    requests.open_here(asked(), is_open=False)
    assert requests.answer("d5", yes=True) == "You said yes; d5's side has not yet."
    assert heard.of("on_answered") == [(LINK, "d1", True)]
    requests.on_said(LINK, there=True)
    assert requests.answer("d5", yes=True) == "You said yes, and so has d5's side."
    heard.tell["on_answered"] = lambda link, *_, **__: requests.over(link, "d5 is in", done=True)
    assert requests.answer("d5", yes=True) == "d5 is in."
    here.roster = None
    requests.open_here(asked(), is_open=True)
    assert requests.list.rows[0].name == NAME


def test_nobody_is_told_of_herself_in_the_third_person() -> None:
    _, heard, requests = member(linked=False)
    requests.open_here(asked(label="d2"), is_open=False)
    name = requests.list.rows[0].name
    assert name == "d2-2", "a member is called d2"
    assert requests.answer(name, yes=True) == "You said yes; d2-2's side has not yet."
    heard.tell["on_answered"] = lambda link, *_, **__: requests.over(link, "d1 said no")
    assert requests.answer(name, yes=False) == "You said no to d2-2."
    requests.open_here(asked(), is_open=False)
    done = "d5 is a member now: d1 said yes"
    heard.tell["on_answered"] = lambda link, *_, **__: requests.over(link, done, done=True)
    assert requests.answer("d5", yes=True) == "d5 is a member now."


def test_the_same_device_once_more_takes_its_own_place() -> None:
    _, _, requests = member(linked=False)
    assert requests.why_full(asked()) == ""
    assert requests.open_here(asked(), is_open=False) is None
    again = asked(link=10, said=b"x" * 32)
    assert requests.open_here(again, is_open=False) == LINK
    assert len(requests.list) == 1
    requests.over(LINK, "it asks again")
    assert requests.deadline() == 0.0
    requests.on_tick()
    assert [row.link for row in requests.list.rows] == [LinkId(10)]
    assert repr(requests) == "<Requests <RequestList 1, told=0>>"


def test_that_a_newcomer_is_in_is_told_once_by_its_record() -> None:
    here, _, requests = member()
    requests.open_here(asked(), is_open=False)
    here.take()
    requests.over(LINK, "d5 is a member now", done=True)
    over = RequestOver(NAME, "d5 is a member now", done=True)
    assert sent(here) == [(2, over), (3, over)]
    requests.on_message(BEN, TOLD)
    here.take()
    requests.on_message(BEN, over)
    assert requests.list.rows == []
    assert taken(here, Tell) == []


def test_a_no_is_called_by_its_name_on_the_own_screen() -> None:
    _, heard, requests = member()
    requests.open_here(asked(), is_open=False)
    heard.tell["on_answered"] = lambda link, *_, **__: requests.over(link, "d1 said no")
    assert requests.answer("d5", yes=False) == "You said no to d5."


def test_who_makes_room_keeps_its_conversation_its_words_and_what_was_said() -> None:
    here, _, requests = member()
    number = 20
    while here.now < SHOWN_S:
        number += 1
        said = number.to_bytes(32, "big")
        requests.open_here(asked(number, f"d{number}", link=number, said=said), is_open=False)
        requests.on_tick()
        here.now += NEXT_S
    first, *_ = requests.list.rows
    assert first.link == LinkId(21)
    here.take()
    requests.open_here(asked(99, "d99", link=99, said=b"9" * 32), is_open=False)
    requests.on_tick()
    assert LinkId(21) not in [row.link for row in requests.list.rows]
    assert RequestOver(first.id, WAITS) in [message for _, message in sent(here)]
    requests.on_said(LinkId(21), there=True)
    assert sent(here) == []
    requests.over(LinkId(99), "denied")
    here.now += NEXT_S
    assert requests.deadline() == here.now
    requests.on_tick()
    (back,) = [row for row in requests.list.rows if row.link == LinkId(21)]
    assert (back.words, back.name, back.there, back.over) == (first.words, "d21", True, "")
    requests.on_said(LinkId(21), here=True)
    requests.over(LinkId(21), "in", done=True)


def test_what_a_lying_member_tells_is_little_and_charged_to_it() -> None:
    here, _, requests = member()
    requests.open_here(asked(), is_open=False)
    (ours,) = requests.list.rows
    here.take()
    requests.on_message(BEN, replace(TOLD, words=["zoo", "zoo", "zoo"], left_s=1))
    assert requests.list.rows == [ours], "this device talks to that one itself"
    for number in range(200):
        told = replace(TOLD, request=f"{number:08x}", left_s=limits.PAIRING_PERSON_S * 9)
        requests.on_message(BEN, told)
        requests.on_message(BEN, RequestOver(f"{number:08x}", "x" * 200))
        requests.on_message(BEN, RequestAnswer(f"{number:08x}", yes=True))
    told_of = taken(here, Tell)
    assert len(told_of) == 2 * TOLD_PER_MINUTE
    assert {one.subject for one in told_of} == {"d2"}, "and not to whoever it makes up"
    assert here.counters["requests told that are ours"] == 1
    assert here.counters["requests told too often"] == 200 - TOLD_PER_MINUTE
    here.now = 60.0
    for number in range(TOLD_PER_MINUTE):
        requests.on_message(BEN, replace(TOLD, request=f"{number:08x}", left_s=9999))
    rows = [row for row in requests.list.rows if row.teller == BEN]
    assert len(rows) == limits.REQUESTS_OF_TELLER
    assert {row.until_s for row in rows} == {60.0 + limits.PAIRING_PERSON_S}
    assert requests.list.rows[0] is ours
    requests.on_message(CLEO, replace(TOLD, request=rows[0].id, words=["b", "b", "b"]))
    requests.answer(rows[0].name, yes=True)
    assert sent(here) == [(2, RequestAnswer(rows[0].id, yes=True))], "whose words were shown"


def test_what_a_member_told_of_ends_in_time_by_who_was_silent() -> None:
    here, _, requests = member()
    requests.on_message(BEN, replace(TOLD, wanted=True))
    here.now = 120.0
    requests.on_tick()
    why = "the other side said yes, but nobody here answered in time"
    assert here.notices.kept[-1][2].text == f"the request of d5 is over: {why}"


def test_what_became_of_a_conversation_is_remembered_unless_it_is_nothing_to_know() -> None:
    _, _, requests = member()
    for done, kept in ((True, True), (False, False)):
        requests.open_here(asked(), is_open=False)
        requests.over(LINK, "x", done=done, kept=kept)
        assert requests.list.ends == {}
    requests.open_here(asked(), is_open=False)
    requests.on_said(LINK, there=True)
    assert yeses_of(requests.talk(LINK)) == (False, True)
    requests.over(LINK, "d1 said no", here="you said no")
    assert [end.why for end in requests.list.ends.values()] == ["you said no"]
    assert yeses_of(requests.talk(LINK)) == (False, False)


def test_who_waits_to_be_shown_is_among_those_that_hear_that_potluck_ends_here() -> None:
    """They took it for a link that broke."""
    _, _, requests = member()
    links = [LinkId(number) for number in range(20, 32)]
    for number, link in enumerate(links, 5):
        requests.open_here(asked(number, f"d{number}", link, bytes([number])), is_open=False)
    requests.on_message(BEN, TOLD)
    assert len([one for one in requests.list.rows if one.link is not None]) < len(links)
    assert sorted(requests.links) == links


def test_who_has_a_yes_here_makes_room_for_nobody() -> None:
    here, _, requests = member()
    number = 20
    while here.now < 2 * SHOWN_S:
        number += 1
        said = number.to_bytes(32, "big")
        requests.open_here(asked(number, f"d{number}", link=number, said=said), is_open=False)
        requests.on_said(LinkId(21), here=True)
        requests.on_tick()
        here.now += NEXT_S
    links = [row.link for row in requests.list.rows]
    assert LinkId(21) in links
    assert LinkId(22) not in links, "others did"


def test_no_member_draws_out_how_long_a_request_waits() -> None:
    here, _, requests = member()
    requests.on_message(BEN, TOLD)
    here.now = 100.0
    requests.on_message(BEN, TOLD)
    here.now = 120.0
    requests.on_tick()
    assert requests.list.rows == []
