"""Codes: read as people type them, shown to nobody by accident, and dead after three tries."""

from __future__ import annotations

from itertools import islice, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.errors import ProtocolError, UsageError
from potluck.core.group.codes import (
    CODE_WORDS,
    INVITE,
    LETTERS_TELL,
    Code,
    Invite,
    InviteInput,
    InviteOver,
    InviteState,
    TypedCode,
    draw_code,
)
from potluck.core.transitions import follow
from tests.core.fakes import Dice

# 2,048 made-up words, no two of which agree in their first four letters
LIST = [
    "".join(letters) + "ling"
    for letters in islice(product("bdfgklmnprstvwxz", "aeio", "bdfgklmnprstvwxz", "aeio"), 2048)
]
CODE = Code(LIST[:CODE_WORDS])
RUNNING = (InviteState.OPEN, InviteState.LAST)


def invite() -> Invite:
    return Invite(CODE, limits.INVITE_S, 100.0)


def tried(times: int) -> Invite:
    made = invite()
    assert all(made.begin(100.0) for _ in range(times))
    return made


# -- codes -----------------------------------------------------------------------------------------
def test_a_code_is_three_words_of_the_list_each_equally_likely() -> None:
    dice = Dice(1)
    drawn = [draw_code(LIST, dice).spoken().split("-") for _ in range(2000)]
    assert all(len(words) == 3 and set(words) <= set(LIST) for words in drawn)
    assert len({word for words in drawn for word in words}) > 1900  # of 2,048, in 6,000 draws
    assert 2**16 % len(LIST) == 0


@given(st.lists(st.sampled_from(LIST), min_size=3, max_size=3), st.data())
def test_however_it_is_typed_the_same_code_is_meant(words: list[str], data: st.DataObject) -> None:
    def typed(word: str) -> str:
        shortened = word[: data.draw(st.integers(LETTERS_TELL, len(word)))]
        return data.draw(st.sampled_from([shortened, shortened.upper(), shortened.title()]))

    between = data.draw(st.sampled_from([" ", "-", "  ", " - ", ", ", "\n", "\t", "_", " – "]))
    text = "  " + between.join(map(typed, words)) + " \r\n"
    assert TypedCode(text).read(LIST).secret() == Code(words).secret()


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("wrong", ["qqqq", "bab", "babaxx", "ba"])
def test_a_word_that_is_none_is_told_by_its_place(place: int, wrong: str) -> None:
    words = LIST[5:8]
    words[place] = wrong
    with pytest.raises(UsageError) as caught:
        TypedCode(" ".join(words)).read(LIST)
    assert ["first", "second", "third"][place] in caught.value.what
    assert not any(word in str(caught.value) for word in (*LIST[5:8], "qqqq", "babaxx"))


@pytest.mark.parametrize("text", ["", "one two", "one two three four", "1 2 3", " - "])
def test_other_than_three_words_are_no_code(text: str) -> None:
    with pytest.raises(UsageError, match="not a code"):
        TypedCode(text).read(LIST)


@settings(max_examples=50)
@given(st.text(max_size=600))
def test_whatever_is_typed_is_a_code_or_a_usage_error_without_it(text: str) -> None:
    said = ""
    try:
        TypedCode(text).read(LIST)
    except UsageError as error:
        said = str(error)
    assert not any(word in said for word in text.split() if len(word) > 9)


def test_of_a_long_text_only_the_beginning_is_read() -> None:
    text = "-".join(LIST[:3]) + " " * limits.TEXT_CHARACTERS + "more"
    assert TypedCode(text).read(LIST).secret() == CODE.secret()


def test_no_code_shows_itself() -> None:
    typed = TypedCode(CODE.spoken())
    shown = f"{CODE!r} {CODE} {typed!r} {typed} {invite()!r} {[CODE]}"
    assert "<Code>" in shown
    assert "<TypedCode>" in shown
    assert not any(word[:LETTERS_TELL] in shown for word in LIST[:3])
    assert CODE.spoken() == "-".join(LIST[:3])


# -- the machine -----------------------------------------------------------------------------------
@pytest.mark.parametrize("state", InviteState)
@pytest.mark.parametrize("happened", InviteInput)
def test_every_pair_of_the_table(state: InviteState, happened: InviteInput) -> None:
    if (state, happened) in INVITE:
        assert state in RUNNING
        assert follow(INVITE, state, happened) is INVITE[state, happened]
    else:
        with pytest.raises(ProtocolError):
            follow(INVITE, state, happened)


def test_the_right_code_is_used_once() -> None:
    made = tried(1)
    assert made.prove(101.0)
    assert made.state is InviteState.USED
    assert not made.running
    assert not made.begin(102.0)
    assert made.deadline() is None


def test_of_two_at_once_that_know_it_the_first_gets_in() -> None:
    made = tried(2)
    assert made.prove(101.0)
    assert not made.prove(101.0)


def test_tries_count_when_they_begin() -> None:
    made = tried(limits.CODE_TRIES)
    assert made.tries_left == 0
    assert made.running
    assert not made.takes_tries
    assert not made.begin(100.0)
    assert made.prove(100.0)  # the third of three that run at once may still be the right one


def test_three_tries_in_vain_are_the_end() -> None:
    made = invite()
    for left in (2, 1):
        assert made.begin(100.0)
        assert made.tries_left == left
        assert made.takes_tries
        assert made.on_failed() == []
    assert made.begin(100.0)
    assert made.on_failed() == [InviteOver(InviteState.GUESSED)]
    assert not made.begin(100.0)
    assert not made.running


def test_the_end_waits_for_the_last_of_several() -> None:
    made = tried(3)
    assert made.on_failed() == made.on_failed() == []
    assert made.on_failed() == [InviteOver(InviteState.GUESSED)]


def test_what_fails_after_the_end_changes_nothing() -> None:
    made = tried(3)
    assert made.prove(100.0)
    assert made.on_failed() == made.on_failed() == []
    assert made.state is InviteState.USED


def test_its_time_is_short() -> None:
    made = tried(1)
    end = 100.0 + limits.INVITE_S
    assert made.deadline() == end
    assert made.on_tick(end - 0.1) == []
    assert not made.begin(end)  # also before the tick
    assert not made.prove(end)
    assert made.on_tick(end) == [InviteOver(InviteState.EXPIRED)]
    assert made.on_tick(end) == []


def test_it_can_be_taken_back_once() -> None:
    made = tried(1)
    assert made.on_taken_back() == [InviteOver(InviteState.WITHDRAWN)]
    assert made.on_taken_back() == []
    assert not made.prove(100.0)


@given(st.lists(st.sampled_from(["begin", "right", "wrong", "tick", "late", "back"]), max_size=30))
def test_no_order_of_things_gives_a_fourth_try_or_a_second_use(steps: list[str]) -> None:
    made, under_way, begun, used, ends = invite(), 0, 0, 0, list[InviteOver]()
    now = 100.0
    for step in steps:
        now += 1.0
        if step == "begin":
            began = made.begin(now)
            under_way, begun = under_way + began, begun + began
        elif step == "right" and under_way:
            under_way, used = under_way - 1, used + made.prove(now)
        elif step == "wrong" and under_way:
            under_way -= 1
            ends += made.on_failed()
        elif step == "back":
            ends += made.on_taken_back()
        elif step in {"tick", "late"}:
            now += limits.INVITE_S * (step == "late")
            ends += made.on_tick(now)
    assert begun <= limits.CODE_TRIES
    assert used + len(ends) == (not made.running)
