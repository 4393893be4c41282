"""How questions ended is remembered, of a bounded number of contents."""

from __future__ import annotations

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import End
from potluck.core.keys.identity import DeviceId
from potluck.engine.events import Outcome
from potluck.engine.others.last_answers import CONTENTS_MAX, LastAnswers, end_of

ANN, BEN = DeviceId(b"a" * 32), DeviceId(b"b" * 32)


def test_the_last_answer_of_each_device_counts() -> None:
    answers, root = LastAnswers(), Root(b"r" * 32)
    answers.note([root], ANN, Outcome.BUSY)
    answers.note([root], BEN, Outcome.GONE)
    answers.note([root], ANN, Outcome.BROKEN)
    assert answers.of(root) == {ANN: Outcome.BROKEN, BEN: Outcome.GONE}
    assert answers.of(Root(b"s" * 32)) == {}


def test_the_content_that_was_asked_for_longest_ago_is_forgotten_first() -> None:
    answers = LastAnswers()
    roots = [Root(number.to_bytes(32)) for number in range(CONTENTS_MAX + 1)]
    answers.note(roots[:-1], ANN, Outcome.BUSY)
    answers.note(roots[:1], BEN, Outcome.BUSY)
    answers.note(roots[-1:], ANN, Outcome.BUSY)
    assert len(answers.of(roots[0])) == 2
    assert answers.of(roots[1]) == {}
    assert repr(answers) == f"<LastAnswers of {CONTENTS_MAX} contents>"


def test_what_says_nothing_of_the_content_is_a_failure_to_the_swarm() -> None:
    assert [end_of(outcome) for outcome in (Outcome.DONE, Outcome.BUSY)] == [End.DONE, End.BUSY]
    assert [end_of(outcome) for outcome in (Outcome.GONE, Outcome.WRONG)] == [End.GONE, End.WRONG]
    assert {end_of(outcome) for outcome in (Outcome.BROKEN, Outcome.DISK)} == {End.FAILED}
