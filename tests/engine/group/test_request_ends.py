"""Request ends: the table of who did what, as each side says it."""

from __future__ import annotations

import pytest

from potluck.core.wire.catalogue import Cause
from potluck.engine.events import DIAL_TIMEOUT, NO_COMMON_VERSION, LinkClosed, LinkId
from potluck.engine.group.request_ends import (
    DOOR_FULL,
    DOOR_SHUT,
    NOBODY_ASKED,
    OTHER_VERSION,
    REFUSALS,
    REGROUPED,
    SAID_NO,
    SWITCHED_OFF,
    TOO_SLOW,
    VERSIONS_APART,
    Bar,
    Yeses,
    bar_of,
    is_switched_off,
    of_dial,
    of_group,
    of_newcomer,
    of_silence,
    of_teller,
    of_versions,
)

NONE = Yeses()


def gone(reason: str, *, clean: bool = True) -> LinkClosed:
    return LinkClosed(LinkId(7), reason, clean)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Yeses(here=True), "nobody there answered in time, though somebody here said yes"),
        (Yeses(there=True), "the other side said yes, but nobody here answered in time"),
        (NONE, "nobody answered in time, neither here nor there"),
        (Yeses(True, True), "it did not come to its end in time, though both sides said yes"),
    ],
)
def test_silence_is_of_whoever_said_no_yes_whichever_side_ends_it(said: Yeses, why: str) -> None:
    assert of_silence(said) == why
    assert of_newcomer(gone(TOO_SLOW), said) == of_group(gone(TOO_SLOW), said) == why


@pytest.mark.parametrize(
    ("closed", "of_the_newcomer", "of_the_group"),
    [
        (gone(SAID_NO), "the other side said no", "the other side said no"),
        (gone(SWITCHED_OFF), "potluck was ended there", "potluck was ended there"),
        (gone("cut off", clean=False), "the connection broke", "the connection broke"),
        (None, "the other side broke the rules", "the other side broke the rules"),
        (gone("it has company"), "the other side took it back", "the other side ended it"),
        (gone(DOOR_FULL), "the other side took it back", "too many stand at its door"),
        (gone(DOOR_SHUT), "the other side took it back", NOBODY_ASKED),
        (gone(REGROUPED), "the other side took it back", "it is in another group now"),
    ],
)
def test_a_link_that_is_gone_says_as_much_as_is_known(
    closed: LinkClosed | None, of_the_newcomer: str, of_the_group: str
) -> None:
    assert of_newcomer(closed, NONE) == of_the_newcomer
    assert of_group(closed, NONE) == of_the_group


def test_a_group_that_could_not_even_be_asked_has_a_cause() -> None:
    assert of_dial("") == NOBODY_ASKED
    assert of_dial(f"tls: {NO_COMMON_VERSION}") == OTHER_VERSION
    said = f"tls: The request was refused.\n  probably: {NO_COMMON_VERSION}"
    newer = f"{VERSIONS_APART}; the one there is newer, this one has to be brought up to date"
    older = f"{VERSIONS_APART}; the one there is older and has to be brought up to date"
    assert of_versions(f"{said}: 2") == of_dial(f"{said}: 2") == newer
    assert of_versions(f"{said}: 0") == older
    for unclear in ("", ": 1", ": potluck/1", ": 99999999999999", ": x"):
        assert of_versions(said + unclear) == OTHER_VERSION
    for why in (newer, older, OTHER_VERSION):
        assert bar_of(why) is Bar.VERSION
    assert bar_of(REFUSALS[Cause.REMOVED]) is Bar.REMOVED
    assert bar_of(NOBODY_ASKED) is Bar.SHUT
    for why in ("", "you said no", REFUSALS[Cause.BUSY]):
        assert bar_of(why) is Bar.NONE
    assert of_dial(DIAL_TIMEOUT) == "no connection with it could be made (timeout)"


def test_where_the_member_that_talks_is_not_linked_a_yes_of_here_may_be_void() -> None:
    gone = "there is no link any more to ben, which talked to it"
    assert of_teller("ben", said_yes=False) == gone
    void = "; the yes that was said here counts only if ben still runs"
    assert of_teller("ben", said_yes=True) == gone + void


def test_who_hangs_up_since_it_is_ended_says_so() -> None:
    assert is_switched_off(gone(SWITCHED_OFF))
    assert not is_switched_off(gone(SWITCHED_OFF, clean=False))
    assert not is_switched_off(gone(TOO_SLOW))
    assert not is_switched_off(None)


def test_every_cause_but_silence_has_words() -> None:
    assert REFUSALS.keys() == set(Cause) - {Cause.SILENCE}
