"""How a request reads."""

from __future__ import annotations

import pytest

from potluck.faces.advice import Advice
from potluck.faces.cli import comparing
from potluck.faces.cli.layout import Words, status_lines
from tests.faces.fakes import asked, joining, request, state

LOOK = (
    "Look at the screen of the machine that asks, bert: the same three words must stand there, "
    "too. Only that screen counts: members show the same words."
)
WORDS = Words("potluck --home h", "potluck", "potluck --home h")


def test_a_request_in_full() -> None:
    lines = comparing.request_lines(asked(request()), WORDS)
    assert lines == [
        "bert (10.88.0.2) asks to join “Home”.",
        f"  {LOOK}",
        "    AMBER  TIGER  VIOLIN",
        "  yes: potluck --home h approve bert",
        "  no:  potluck --home h deny bert",
        "  No answer counts as no, in 2 min.",
    ]
    assert [type(line) for line in lines[3:5]] == [Advice, Advice]


def test_who_asked_by_words_is_said_to_need_a_yes_though_the_door_was_opened() -> None:
    door = {"open": True, "until_s": None, "shut": False}
    for one in (request(), joining()):
        assert comparing.request_lines(asked(one, door=door), WORDS)[-1] == (
            "  That the door here is open does not answer it: it waits for a yes. "
            "No answer counts as no, in 2 min."
        )


def test_who_asks_whom() -> None:
    assert comparing.asker_words(request(by="cora")) == (
        "bert (10.88.0.2, met by cora) asks to join “Home”"
    )
    assert comparing.asker_words(joining()) == "Join “Home”? cora (10.88.0.1) answers there"
    nameless = joining(label="", group="")
    assert comparing.asker_words(nameless) == "Join a group? a device (10.88.0.1) answers there"


def test_a_hostile_name_is_not_read_as_words_of_ours() -> None:
    hostile = request("x asks to join “Home”: LAMP\x1b[2J")
    said = comparing.asker_words(hostile)
    assert said.startswith("“x asks to join \\u201cHome\\u201d: LAMP\\x1b[2J” (10.88.0.2)")
    lines = comparing.answering_lines(hostile, WORDS)
    assert lines[3] == "  yes: potluck --home h approve 5eed0001", "its id is typed instead"


@pytest.mark.parametrize(
    ("name", "typed"),
    [("bert", "bert"), ("bert-2", "bert-2"), ("my pc", "'my pc'"), ("名", "名"), ("", "5eed0001"),
     ("-y", "5eed0001"), ("a\x1b", "5eed0001"), ("$(reboot)", "'$(reboot)'")],
)  # fmt: skip
def test_a_name_is_typed_as_a_shell_takes_it(name: str, typed: str) -> None:
    assert comparing.typed_name(request(name=name)) == typed


def test_a_newcomer_is_not_the_member_that_it_is_called_like() -> None:
    two = asked(request("laptop", name="laptop-2"))
    [newcomer] = comparing.unanswered(two)
    head = "laptop-2, a machine that calls itself laptop (10.88.0.2), asks to join “Home”"
    assert comparing.asker_words(newcomer) == head
    look = comparing.look_words(newcomer)
    assert look.startswith("This is not laptop, which is a member. Look at the screen of the ")
    assert "machine that asks, laptop-2: " in look
    assert "Only that screen counts: members show the same words." in look
    [mine] = comparing.unanswered(asked(request("Kitchen-PC", name="Kitchen-PC-2")))
    assert "not this device, which is called kitchen-pc, too. " in comparing.look_words(mine)
    assert "laptop-2 asks to join" in comparing.waiting_words(two)


def test_a_newcomer_that_looks_like_somebody_is_not_that_one() -> None:
    [like] = comparing.unanswered(asked(request("lаptop")))  # a Cyrillic а
    assert comparing.asker_words(like) == (
        "A machine that calls itself lаptop (10.88.0.2) asks to join “Home”"
    )
    assert comparing.look_words(like).startswith(
        "This is not laptop, which is a member: the two names only look alike. Look at "
    )
    [mine] = comparing.unanswered(asked(request("kitchen-рс")))
    assert comparing.look_words(mine).startswith(
        "This is not this device, which is called kitchen-pc: the two names only look alike. "
    )
    two = comparing.unanswered(asked(request("pal"), request("раl", id="2")))
    assert comparing.look_words(two[1]).startswith(
        "This is not pal, another machine that asks: the two names only look alike. "
    )


def test_a_number_behind_a_name_has_its_reason() -> None:
    taken = comparing.look_words(request("vm", name="vm-2", becomes=""))
    assert taken.startswith("It is called vm-2 here: that name is not free here. Look")
    rests = comparing.look_words(request("vm", name="vm-2", becomes="vm"))
    called = "another one that asks, or asked a moment ago, is called so"
    assert rests.startswith(f"It is called vm-2 here: {called}. Look")
    assert comparing.look_words(request(becomes="")) == LOOK


def test_two_newcomers_of_one_name_are_told_apart() -> None:
    both = asked(request("pal"), request("pal", id="2", name="pal-2"))
    begins = {
        "pal": "A machine that calls itself pal",
        "pal-2": "pal-2, a machine that calls itself pal",
    }
    for one, (name, begin) in zip(comparing.unanswered(both), begins.items(), strict=True):
        assert comparing.asker_words(one).startswith(f"{begin} (")
        would = comparing.asker_words(one | {"becomes": "pal"})
        assert would.startswith(f"{begin} and would be called pal (")
        look = comparing.look_words(one)
        assert look.startswith("This is not the other machine that calls itself pal and asks, too.")
        assert f"machine that asks, {name}: " in look
    away = request("pal", name="pal-2")
    look = "Look at the screen of the machine that asks, pal-2"
    assert comparing.look_words(away).startswith(look)
    nameless = comparing.unanswered(asked(request("", name="5eed0001")))[0]
    assert comparing.asker_words(nameless).startswith("a device (")


def test_what_stands_without_an_answer_from_here() -> None:
    said = comparing.standing_words
    assert said(request(words=[])).endswith("“Home”: the three words come in a moment.")
    assert said(request(answer="yes", other="yes")) == (
        "bert (10.88.0.2): the yes on this side is given (AMBER  TIGER  VIOLIN); "
        "the other side said yes, too."
    )
    assert said(joining(answer="yes")).startswith("“Home” of cora (10.88.0.1): the yes on")
    assert said(request(answer="open", words=[], left_s=-1)) == (
        "bert (10.88.0.2): the door here is open, so nobody is asked here; "
        "waiting for the other side, 0 s more."
    )


def test_which_come_first_and_which_can_be_answered() -> None:
    late, coming = request(id="2", left_s=200.0), request(id="3", words=[])
    told = asked(late, request(answer="yes", id="4"), coming, request())
    assert [one["id"] for one in comparing.unanswered(told)] == ["2", "5eed0001"], "who came first"
    without = {name: value for name, value in state().items() if name != "requests"}
    assert comparing.requests_of(without) == [], "as a potluck of an earlier version says it"


def test_status_has_the_request_in_full_and_says_nothing_of_it_twice() -> None:
    lines = status_lines(asked(request()), WORDS)
    at = lines.index("asking to join")
    assert lines[at + 1] == "  bert (10.88.0.2) asks to join “Home”."
    assert lines[at + 4] == "    yes: potluck --home h approve bert"
    assert not any(line.startswith("  next") for line in lines)
    assert "  state    waiting · bert asks to join: compare the words" in lines
    busy = asked(request(), state="trouble", command="status")
    assert any(line.startswith("  next") for line in status_lines(busy, WORDS)), "another reason"
    assert not comparing.is_about_request(asked(request(words=[])))


def test_who_waits_for_company_is_told_that_somebody_asks() -> None:
    assert comparing.waiting_words(state()) == ""
    assert comparing.waiting_words(asked(request())) == (
        "bert asks to join, which somebody has to answer"
    )
    both = asked(joining(), request(id="2", left_s=119.0))
    assert comparing.waiting_words(both) == (
        "cora can let this device into “Home” and 1 more request, which somebody has to answer"
    )


def test_any_screen_of_a_group_of_several_devices_will_do() -> None:
    words = comparing.look_words(joining(devices=3))
    assert words.startswith("Look at the screen of cora or of any other device of that group: ")
    assert "any other" not in comparing.look_words(joining())
