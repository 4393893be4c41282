"""Answer keys: which request a key means, and when a letter is only a letter."""

from __future__ import annotations

import math

import pytest

from potluck.faces.answer_keys import (
    GONE_S,
    NOBODY_ASKS,
    TOO_EARLY,
    TOO_LATE,
    UNREAD_S,
    AnswerKeys,
    OnScreen,
)


class Person:
    """Types, and sees what became of it."""

    def __init__(self) -> None:
        self.screen = OnScreen()
        self.answered: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.taken = True
        self.steps = list[str]()
        step = lambda: self.steps.append("next")  # noqa: E731 - one line
        self.keys = AnswerKeys(self.screen, self._answer, self.said.extend, step)

    def _answer(self, request: str, act: str) -> bool:
        self.answered.append((request, act))
        return self.taken

    def press(self, data: bytes, now: float, before: str = "") -> bool:
        return self.keys.pressed(data, before, now)

    def enter(self, line: str, now: float) -> bool:
        """Type a line letter by letter, and Enter; say whether it was an answer."""
        for number, letter in enumerate(line):
            assert not self.press(letter.encode(), now, line[:number])
        assert not self.press(b"\n", now, line)
        return self.keys.entered(line)


@pytest.fixture
def person() -> Person:
    person = Person()
    person.screen.show("a", 100.0)
    return person


@pytest.mark.parametrize(
    ("key", "act"), [(b"y", "approve"), (b"Y", "approve"), (b"n", "deny"), (b"N", "deny")]
)
def test_a_lone_key_answers_at_once(person: Person, key: bytes, act: str) -> None:
    assert person.press(key, 101.0)
    assert person.answered == [("a", act)]


@pytest.mark.parametrize("data", [b"x", b"\n", b"\x1b", b"yy", b"\xff", "ý".encode(), b"ye", b""])
def test_nothing_else_answers(person: Person, data: bytes) -> None:
    assert not person.press(data, 101.0)
    assert not person.keys.entered("")
    assert not person.keys.entered("status")
    assert person.answered == []


def test_in_the_middle_of_a_line_it_is_a_letter(person: Person) -> None:
    assert not person.press(b"y", 101.0, "rename m")
    assert not person.press(b"n", 101.0, "ope")
    assert person.answered == []


def test_a_new_request_has_to_stand_for_a_moment(person: Person) -> None:
    person.screen.show("b", 102.0)
    assert person.press(b"y", 102.0 + UNREAD_S - 0.01), "it is taken, and answers nothing"
    assert person.answered == []
    assert person.said == list(TOO_EARLY)
    assert person.press(b"y", 102.0 + UNREAD_S)
    assert person.answered == [("b", "approve")]
    assert person.said == list(TOO_EARLY), "once"


def test_every_key_that_comes_too_early_is_told(person: Person) -> None:
    """The first two were lost without a word: both people waited for the other."""
    person.screen.show("b", 102.0)
    assert person.press(b"y", 102.05)
    assert person.press(b"n", 102.25)
    assert person.said == list(TOO_EARLY) * 2
    assert person.answered == []


def test_a_key_that_comes_when_the_request_has_just_gone_is_no_letter(person: Person) -> None:
    """It stood before the next command: `njoin`."""
    person.screen.show("", 102.0)
    assert person.press(b"n", 102.0 + GONE_S - 0.1)
    assert person.answered == []
    assert person.said == list(TOO_LATE)
    assert person.keys.entered("o"), "of a no the rest is none either"
    assert not person.press(b"n", 102.0 + GONE_S), "by now it is a letter"
    assert not person.press(b"j", 102.1)


def test_a_second_key_for_what_was_answered_says_nothing(person: Person) -> None:
    assert person.press(b"y", 101.0)
    person.screen.show("", 101.1)
    assert person.press(b"y", 101.2)
    assert person.said == []
    assert person.answered == [("a", "approve")]


def test_what_is_typed_before_a_request_comes_never_answers_it() -> None:
    person = Person()
    assert not person.press(b"y", 100.0), "nobody asks: it is a letter"
    person.screen.show("a", 100.1)
    assert not person.press(b"\n", 105.0, "y")
    assert person.keys.entered("y")
    assert person.answered == []
    assert person.said == list(TOO_EARLY)


@pytest.mark.parametrize("typed", ["y", "Y", "yy", "nyn", "ye", "no", "yes"])
def test_what_was_typed_too_early_goes_from_the_line_when_a_request_appears(typed: str) -> None:
    person = Person()
    assert not person.press(typed.encode(), 100.0)
    assert not person.keys.is_stale(typed), "it is what was typed, and nobody asks"
    person.screen.show("a", 100.1)
    assert person.keys.is_stale(typed)
    assert person.said == list(TOO_EARLY)
    assert person.press(b"y", 101.0), "the next key is the first on the line, and answers"
    assert person.answered == [("a", "approve")]


def test_a_run_of_answers_with_enter_is_no_command_while_somebody_asks() -> None:
    person = Person()
    assert not person.press(b"yy", 100.0)
    person.screen.show("a", 100.1)
    assert person.keys.entered("yy")
    assert person.said == list(TOO_EARLY)
    assert person.answered == []
    person.screen.show("", 100.2)
    assert not person.enter("yy", 100.2 + GONE_S)


@pytest.mark.parametrize("typed", ["", "status", "yesterday", "now"])
def test_anything_else_stays_on_the_line(typed: str) -> None:
    person = Person()
    person.press(typed.encode(), 100.0)
    person.screen.show("a", 100.1)
    assert not person.keys.is_stale(typed)
    assert person.said == []


def test_what_was_typed_for_a_request_that_is_there_stays_on_the_line(person: Person) -> None:
    assert not person.press(b"yy", 101.0)
    assert not person.keys.is_stale("yy")
    person.screen.show("b", 101.1)
    assert person.keys.is_stale("yy")
    assert not person.press(b"yes", 102.0)
    person.screen.show("c", 102.1)
    assert not person.keys.is_stale("yes"), "it answers b, by a line"


def test_a_line_answers_the_request_that_stood_there_when_it_was_begun(person: Person) -> None:
    assert not person.press(b"yes", 101.0), "as it is pasted, say"
    person.screen.show("b", 101.1)
    assert not person.press(b"\n", 103.0, "yes")
    assert person.keys.entered("yes")
    assert person.answered == [("a", "approve")]


@pytest.mark.parametrize(("line", "act"), [("y", "approve"), (" NO ", "deny"), ("Yes", "approve")])
def test_lines_of_a_pipe_answer_what_is_there(person: Person, line: str, act: str) -> None:
    assert not person.press(f"ring\n{line}\n".encode(), math.inf)
    assert not person.keys.entered("ring")
    assert person.keys.entered(line)
    assert person.answered == [("a", act)]


def test_where_nobody_asks_that_is_said(person: Person) -> None:
    person.screen.show("", 101.0)
    assert person.enter("n", 105.0)
    assert person.said == list(NOBODY_ASKS)


def test_a_no_while_nobody_asks_may_answer_another_question() -> None:
    screen, open_acts, said = OnScreen(), ["deny"], list[str]()
    keys = AnswerKeys(screen, lambda *_: True, said.extend, otherwise=open_acts.__contains__)
    assert keys.entered("no")
    assert said == []
    assert keys.entered("yes")
    assert said == list(NOBODY_ASKS)


@pytest.mark.parametrize(("key", "rest"), [(b"y", "es"), (b"n", "o")])
def test_the_rest_of_the_word_is_swallowed_once(person: Person, key: bytes, rest: str) -> None:
    person.press(key, 101.0)
    assert person.enter(rest, 101.1)
    assert not person.enter(rest, 101.2)
    assert len(person.answered) == 1


def test_nothing_is_answered_twice_unless_it_was_not_taken(person: Person) -> None:
    person.taken = False
    person.press(b"y", 101.0)
    person.taken = True
    person.press(b"y", 102.0)
    person.press(b"y", 102.1)
    assert person.answered == [("a", "approve")] * 2
    person.screen.show("a", 103.0)
    person.press(b"n", 104.0)
    assert len(person.answered) == 2


def test_a_name_in_a_line_means_what_could_be_read_when_it_was_begun(person: Person) -> None:
    person.screen.show("a", 100.0, {"a": "pal"})
    assert not person.press(b"a", 101.0)
    person.screen.show("b", 101.5, {"b": "pal"})
    assert not person.press(b"\n", 103.0, "approve pal")
    assert not person.keys.entered("approve pal")
    assert person.keys.seen == {"a": "pal"}
    person.enter("ring", 101.5 + UNREAD_S - 0.01)
    assert person.keys.seen == {}, "nobody has read it yet"
    person.screen.show("b", 101.8, {"b": "pal", "c": "mum"})
    person.enter("approve pal", 101.5 + UNREAD_S)
    assert person.keys.seen == {"b": "pal"}, "it has stood there all the time"
    person.screen.show("b", 103.0, {"b": "mum"})
    person.enter("approve mum", 103.1)
    assert person.keys.seen == {}, "it has another name since then"


def test_tab_steps_to_the_next_request(person: Person) -> None:
    assert person.press(b"\t", 101.0)
    assert not person.press(b"\t", 101.0, "ring")
    assert person.steps == ["next"]
    assert person.answered == []


def test_they_say_what_they_are(person: Person) -> None:
    assert repr(person.keys) == "AnswerKeys(OnScreen(a))"
    assert repr(OnScreen()) == "OnScreen(nothing)"
    person.screen.show("c")  # now, by the clock
    assert person.screen.at(math.inf) == "c"
