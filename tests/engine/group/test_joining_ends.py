"""Joining ends: of all that was said of a code the one thing is told that helps most."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.core.errors import PotluckError, Refused, TimedOut, Untrusted
from potluck.core.wire.catalogue import PairCodeRefused
from potluck.engine.effects import Tell
from potluck.engine.group.joining_ends import (
    ASK_FOR_ONE,
    AT_START,
    REFUSALS_SHOWN,
    CodeRefusal,
    CodeTries,
    in_vain,
    note_in_vain,
    somebody_else,
)
from potluck.engine.group.request_ends import OTHER_VERSION
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import address, node, taken

OVER = CodeRefusal("10.0.0.2", PairCodeRefused(0, running=False))
WRONG = CodeRefusal("10.0.0.3", PairCodeRefused(2, running=True))
ONE_LEFT = CodeRefusal("10.0.0.4", PairCodeRefused(1, running=True))
LAST = CodeRefusal("10.0.0.5", PairCodeRefused(0, running=True))
BEFORE = CodeRefusal("10.0.0.6", None)


def tries(*refusals: CodeRefusal, **others: bool | str) -> CodeTries:
    """What somebody who was asked made of the code."""
    made = CodeTries({address(2)}, refusals=[*refusals])
    for name, value in others.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("came", "kind", "what"),
    [
        (CodeTries(), TimedOut, "Nobody near by has a code in force."),
        (tries(), TimedOut, "The device that invites did not answer in time."),
        (tries(other_version=OTHER_VERSION), TimedOut, "runs another version of potluck"),
        (tries(OVER, other_version=OTHER_VERSION), Refused, "That code counts no more."),
        (tries(OVER, WRONG), Refused, "10.0.0.3 has in force; 2 tries are left there."),
        (tries(ONE_LEFT), Refused, "one try is left there."),
        (tries(LAST), Refused, "it was the last try there: that one counts no more."),
        (tries(BEFORE), Refused, "wrong at 10.0.0.6 before: it was not tried there again."),
        (tries(WRONG, removed=True), Refused, "This device was removed from that group."),
    ],
)
def test_each_end_is_told_with_its_cause_and_the_next_step(
    came: CodeTries, kind: type[PotluckError], what: str
) -> None:
    error = in_vain(came)
    assert type(error) is kind
    assert error.what.endswith(what) or what in error.what
    assert error.cause
    assert error.fix


def test_the_page_tells_a_code_to_which_nobody_answers_from_one_that_somebody_refuses() -> None:
    """A used code was said to end with 5: whose it was has none any more, and so is not there."""
    page = (Path(__file__).parents[3] / "docs" / "faces.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith("| `join "))
    refused, unanswered = row.partition(" · 5 ")[2].split(" · 6 ")
    nobody, ended = in_vain(CodeTries()), in_vain(tries(OVER))
    assert (nobody.exit_code, ended.exit_code) == (6, 5)
    for word in ("used", "too old", "taken back"):
        assert word in nobody.cause
        assert word in unanswered
        assert word not in refused


def test_of_many_refusals_a_few_are_shown_and_the_rest_is_counted() -> None:
    assert "more." not in in_vain(tries(*[WRONG] * REFUSALS_SHOWN)).what
    assert in_vain(tries(*[WRONG] * (REFUSALS_SHOWN + 2))).what.endswith("And 2 more.")


def test_where_no_try_is_left_another_code_is_the_way() -> None:
    assert in_vain(tries(LAST)).fix == ASK_FOR_ONE
    assert "compare" in in_vain(tries(LAST, WRONG)).fix


def test_whoever_answers_without_the_code_is_not_trusted() -> None:
    error = somebody_else("it says yes without knowing the code")
    assert type(error) is Untrusted
    assert error.fix.endswith(ASK_FOR_ONE)


def test_what_became_of_the_code_of_the_start_stands_in_the_status() -> None:
    """That nobody answers is told besides: the program goes on looking."""
    here = node(1)
    note_in_vain(here, in_vain(CodeTries()), last=False)
    note_in_vain(here, in_vain(tries(OVER)), last=False)
    (trouble,) = here.troubles.of(TroubleKind.CODE)
    assert (trouble.subject, trouble.command) == (AT_START, "join")
    assert trouble.reason.startswith("that code counts no more: it was used")
    (told,) = taken(here, Tell)
    assert told.code == "code_unanswered"
