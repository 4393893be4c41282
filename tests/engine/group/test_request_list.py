"""The request list: names that can be typed and are nobody else's, bounded, told when it ends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.errors import NotFound, UsageError
from potluck.core.group.founding import found_group
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Offer
from potluck.engine.effects import Tell
from potluck.engine.events import LinkId
from potluck.engine.group.request_ends import ENDED_THERE, NOBODY_ASKED, OTHER_VERSION
from potluck.engine.group.request_list import (
    NAME_RESTS_S,
    Request,
    RequestList,
    Side,
    yeses_of,
)
from potluck.engine.group.told_bounds import TOLD_PER_MINUTE
from potluck.engine.node import Node
from tests.engine.builders import group, key, node, taken

BEN, CLEO = key(2).device, key(3).device


def rows() -> tuple[Node, RequestList]:
    here = node(1)
    here.roster = group(1, 2)
    return here, RequestList(here)


def request(number: int, name: str = "", **others: object) -> Request:
    device = key(number).device
    values: dict[str, object] = {
        "link": LinkId(number),
        "device": device,
        "whose": frozenset({device}),
    }
    values |= others
    return Request(
        id=str(values.pop("id", f"{number:08x}")),
        side=values.pop("side", Side.MEMBER),  # type: ignore[arg-type]
        name=name or f"d{number}",
        label=f"d{number}",
        group="Home",
        host=f"10.0.0.{number}",
        words=("a", "b", "c"),
        until_s=120.0,
        **values,  # type: ignore[arg-type]
    )


def test_what_stands_between_two_is_known_whoever_asked_and_whom_it_waits_for() -> None:
    _, listed = rows()
    offer = Offer(bytes(16), b"x" * 32, "", "", 7685, 1, open=False)
    near = [found_group(offer, "10.0.0.5", 1.0)]
    assert listed.between(near[0], near) is None
    told = request(5, teller=BEN, link=None)
    listed.add(told)
    assert listed.between(near[0], near) is None, "another member talks to it"
    came = request(5, id="00000009", here=True)
    listed.add(came)
    assert listed.between(near[0], near) is came
    assert came.standing == "this side said yes, and the side of d5 has to say it, too"
    beside = found_group(replace(offer, tag=b"y" * 32), "10.0.0.5", 1.0)
    assert listed.between(near[0], [*near, beside]) is None, "it may be of either group"
    there = request(6, side=Side.JOINER, whose=frozenset({offer.tag}), open=True, there=True)
    listed.add(there)
    assert listed.between(near[0], [*near, beside]) is there
    assert there.standing.startswith("the door here says yes, and so did the side of Home:")


def test_before_there_is_a_group_it_has_no_name() -> None:
    here, listed = rows()
    assert listed.group == "Home"
    here.roster = None
    assert listed.group == ""


def test_a_newcomer_is_told_by_the_name_that_answers_it_and_no_member_has() -> None:
    here, listed = rows()
    here.roster = group(1, 5)
    listed.add(request(5, "d5-2", device=key(9).device, whose=frozenset({key(9).device})))
    [told] = taken(here, Tell)
    assert told.text.startswith(
        "d5-2 (10.0.0.5), a machine that calls itself d5, not the member d5, asks to join “Home”. "
    )
    assert listed.becomes(listed.rows[0]) == "", "another d5 is a member"
    assert "If the screen of the machine that asks, d5-2, shows the same words" in told.text
    assert listed.rows[0].question == "d5-2 asks to join: compare the words"
    nameless = request(6, "5eed0006")
    nameless.id = nameless.name
    assert nameless.shown_name == "d6", "an id is no name"


def test_the_name_that_it_would_have_here_is_told_where_it_is_another() -> None:
    here, listed = rows()
    listed.add(request(5, "d5-2"))
    [told] = taken(here, Tell)
    asks = (
        "d5-2 (10.0.0.5), a machine that calls itself d5 and would be called d5 "
        "(another one that asks, or asked a moment ago, is called so), asks to "
    )
    assert told.text.startswith(asks)
    assert listed.becomes(listed.rows[0]) == "d5"
    assert listed.becomes(request(6)) == ""
    assert listed.becomes(request(7, "Far", side=Side.JOINER)) == ""
    here.roster = None
    assert listed.becomes(listed.rows[0]) == ""


def test_who_looks_like_a_member_or_another_newcomer_is_told_as_not_that_one() -> None:
    here, listed = rows()
    for number, name in ((7, "ԁ1"), (8, "anna"), (9, "аnna")):  # Cyrillic ԁ and а
        one = request(number, name)
        one.label = name
        listed.add(one)
    member, plain, other = taken(here, Tell)
    asks = "ԁ1 (10.0.0.7), not the member d1, asks to join"
    assert member.text.startswith(asks)
    assert plain.text.startswith("anna (10.0.0.8) asks to join")
    asks = "аnna (10.0.0.9), not the other machine that asks, anna, "
    assert other.text.startswith(asks)
    same = request(8, "anna-2", id="88", link=None, device=None, teller=BEN)
    same.label = "anna"
    listed.end((None, "00000009"), "", quiet=True)
    here.take()
    listed.add(same)
    [told] = taken(here, Tell)
    assert "not the other" not in told.text, "it is the same one"
    here.roster = None
    listed.add(request(7, "ԁ1", id="77", whose=frozenset({b"7"})))
    assert "not the member" not in taken(here, Tell)[0].text


def test_people_are_asked_unless_the_door_is_open() -> None:
    here, listed = rows()
    listed.add(request(5))
    listed.add(request(6, open=True))
    listed.add(request(7, "Far", side=Side.JOINER, device=None))
    member, joiner = taken(here, Tell)
    assert member.text == (
        "d5 (10.0.0.5) asks to join “Home”. Words: a b c. "
        "If the screen of the machine that asks, d5, shows the same words, say yes here: approve d5"
    )
    assert joiner.text == (
        "“Home” can let this device in: d7 (10.0.0.7). Words: a b c. "
        "If d7's screen shows the same words, say yes here: approve Far"
    )
    assert [one.command for one in (member, joiner)] == ["approve d5", "approve Far"]
    assert [one.needed for one in listed.rows] == [True, False, True]
    assert listed.rows[0].question == "d5 asks to join: compare the words"
    assert listed.rows[2].question == "Home can let this device in: compare the words with d7"
    assert len(listed) == 3


def test_a_name_is_given_to_one_and_can_be_typed() -> None:
    _, listed = rows()
    mine = (None, "00000001")
    assert listed.name_for("bert", mine) == "bert"
    listed.add(request(5, "bert"))
    assert listed.name_for("bert", mine) == "bert-2"
    listed.add(request(6, "bert-2"))
    assert listed.name_for("bert", mine) == "bert-3"
    assert listed.name_for("bert-2", mine) == "bert-3", "and never bert-2-2"
    for hidden in ("be\u202ert", " ", ""):
        assert listed.name_for(hidden, mine) == "00000001"
    assert listed.name_for("", (BEN, "00000005")) == "00000005-2", "nor what another is known by"
    assert listed.name_for("00000006", mine) == "00000001", "an id is nobody else's name"
    assert listed.name_for("deadbeef", mine) == "00000001"
    assert listed.name_for("deadbeet", mine) == "deadbeet"


def test_a_name_that_was_shown_is_nobody_elses_for_a_moment() -> None:
    here, listed = rows()
    listed.add(request(5, "bert"))
    listed.end((None, "00000005"), "denied")
    assert listed.name_for("bert", (BEN, "00000007")) == "bert-2"
    assert listed.name_for("bert", (None, "00000008")) == "bert-2", "another one, at this device"
    assert listed.name_for("bert", (None, "00000008"), frozenset({key(6).device})) == "bert-2"
    assert listed.name_for("bert", (None, "00000008"), frozenset({key(5).device})) == "bert", (
        "it asks again"
    )
    assert listed.name_for("bert", (None, "00000005")) == "bert", "it is shown again"
    listed.add(request(9, "nas", link=None, device=None, whose=frozenset(), teller=BEN))
    listed.end((BEN, "00000009"), "")
    assert listed.name_for("nas", (BEN, "0000000a")) == "nas-2", "of the same teller"
    assert listed.name_for("nas", (None, "0000000a"), frozenset({key(9).device})) == "nas-2"
    assert listed.name_for("nas", (None, "0000000a")) == "nas-2", "nobody knows whose it was"
    here.now = NAME_RESTS_S
    assert listed.name_for("bert", (BEN, "00000007")) == "bert"


def test_a_member_tells_of_so_much_and_of_nothing_that_is_ours() -> None:
    here, listed = rows()
    listed.add(request(5))
    assert not listed.may_tell(BEN, "00000005")
    allowed = [listed.may_tell(BEN, f"1{number:07}") for number in range(9)]
    assert sum(allowed) == TOLD_PER_MINUTE
    assert here.counters["requests told that are ours"] == 1
    assert here.counters["requests told too often"] == 9 - TOLD_PER_MINUTE


def test_what_members_say_that_an_id_is_hides_no_other_request() -> None:
    _, listed = rows()
    listed.add(request(6, "told", id="00000005", link=None, teller=BEN))
    listed.add(request(5, "bert"))
    listed.add(request(7, "too", id="bert", link=None, teller=BEN))
    listed.add(request(8, "three", id="bert", link=None, teller=CLEO))
    assert [one.name for one in listed.rows] == ["bert", "told", "too", "three"], "ours first"
    assert listed.find("00000005").name == "bert"
    assert listed.find("bert").name == "bert"
    listed.end((None, "00000005"), "")
    assert listed.find("00000005").name == "told"
    with pytest.raises(UsageError):
        listed.find("bert")


def test_a_request_is_found_by_its_name_its_id_or_as_the_only_one() -> None:
    _, listed = rows()
    with pytest.raises(NotFound, match="Nobody asks"):
        listed.find("")
    listed.add(request(5))
    listed.add(request(6, open=True))
    assert listed.find("").name == "d5", "the other is not asked about"
    assert listed.find("d6").link == listed.find("00000006").link == LinkId(6)
    with pytest.raises(NotFound, match="Nobody called x"):
        listed.find("x")
    listed.add(request(7))
    with pytest.raises(UsageError) as several:
        listed.find("")
    assert several.value.cause.endswith(": d5 or d7")
    assert several.value.fix == "pending"
    for number in (5, 7):
        listed.end((None, f"{number:08x}"), "")
    assert listed.find("").name == "d6"


def test_it_is_told_why_a_request_is_over_unless_that_shows_by_itself() -> None:
    here, listed = rows()
    first, second, third = request(5), request(6), request(7)
    for one in (first, second, third):
        listed.add(one)
    here.take()
    listed.end((None, first.id), "denied by cora")
    listed.end((None, second.id), "", quiet=True)
    listed.end((None, first.id), "once more")
    (told,) = taken(here, Tell)
    assert told.text == "the request of d5 is over: denied by cora"
    assert (first.over, second.over, third.over) == ("denied by cora", "it is over", "")
    assert listed.get(None, third.id) is listed.of(LinkId(7)) is third
    assert listed.get(BEN, third.id) is None


def test_names_are_set_off_as_on_every_screen() -> None:
    here, listed = rows()
    one = request(5, "my nas")
    one.label = "my nas"
    listed.add(one)
    (asks,) = taken(here, Tell)
    assert asks.text.startswith("“my nas” (10.0.0.5) asks to join “Home”. Words: ")
    listed.end((None, one.id), "denied")
    (told,) = taken(here, Tell)
    assert told.text == "the request of “my nas” is over: denied"


def test_what_became_of_the_last_one_of_a_host_is_remembered_until_the_next() -> None:
    _, listed = rows()
    one, told = request(5), request(5, "told", id="77", link=None, teller=BEN)
    listed.add(one)
    listed.end((None, one.id), "denied")
    listed.note_end(one)
    assert listed.ends == {"10.0.0.5": (Side.MEMBER, "denied", frozenset({key(5).device}))}
    listed.add(told)
    assert len(listed.ends) == 1, "it is not a conversation of this device"
    listed.add(one)
    assert listed.ends == {}
    ended = request(6)
    ended.over = ENDED_THERE
    listed.note_end(ended)
    assert listed.ends == {}, "it begins anew"
    for number in range(2 * limits.OFFERS):
        listed.note_end(request(number))
    assert len(listed.ends) == limits.OFFERS


def test_what_members_tell_is_bounded_by_member_and_in_all() -> None:
    here, listed = rows()
    listed.add(request(5))
    for sender in range(10):
        teller = DeviceId(bytes([sender]) * 32)
        for number in range(20):
            listed.add(request(100 + number, f"x{sender}-{number}", link=None, teller=teller))
    assert len(listed) == 1 + limits.REQUESTS_TOLD
    assert listed.get(None, "00000005") is not None
    here.take()
    assert repr(listed) == "<RequestList 33, told=32>"


def test_the_words_stand_on_any_screen_of_a_group_of_several_devices() -> None:
    here, listed = rows()
    listed.add(request(7, "Far", side=Side.JOINER, device=None, devices=3))
    (notice,) = taken(here, Tell)
    assert "If d7's screen, or that of any other device there, shows the same" in notice.text


def test_which_sides_have_said_yes_is_no_where_nobody_talks() -> None:
    assert yeses_of(None) == (False, False)
    assert yeses_of(request(7, here=True)) == (True, False)
    assert yeses_of(request(7, there=True)) == (False, True)


def test_what_became_of_a_request_is_known_at_every_member_of_the_group_that_was_asked() -> None:
    """Who was asked is not always who is heard of afterwards."""
    _, listed = rows()
    tag = b"g" * 32
    asked = request(5, side=Side.JOINER, whose=frozenset({tag, key(5).device}))
    listed.add(asked)
    listed.end((None, asked.id), "the other side said no")
    listed.note_end(asked)
    at_host, elsewhere = listed.last_end("10.0.0.5", b"h" * 32), listed.last_end("10.0.0.6", tag)
    assert at_host is elsewhere is not None
    assert elsewhere.why == "the other side said no"
    assert listed.last_end("10.0.0.6", b"h" * 32) is None
    listed.add(request(6, side=Side.JOINER, whose=frozenset({tag, key(6).device})))
    assert listed.last_end("10.0.0.5", tag) is None, "it is asked again"


def test_why_a_group_could_not_be_asked_is_kept_and_told_to_who_named_it() -> None:
    here, listed = rows()
    before = len(here.notices.kept)
    listed.note_unasked("10.0.0.9", NOBODY_ASKED)
    assert listed.ends["10.0.0.9"][:2] == (Side.JOINER, NOBODY_ASKED)
    assert len(here.notices.kept) == before
    listed.note_unasked("10.0.0.9", OTHER_VERSION, wanted=True)
    assert listed.ends["10.0.0.9"].why == OTHER_VERSION, "not what became of an earlier one"
    text = f"10.0.0.9 could not be asked: {OTHER_VERSION}"
    assert here.notices.kept[-1][2].text == text
    for number in range(2 * limits.OFFERS):
        listed.note_unasked(f"10.0.1.{number}", OTHER_VERSION)
    assert len(listed.ends) == limits.OFFERS
