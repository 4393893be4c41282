"""Near groups: told once, and not above the words of a request to the same group."""

from __future__ import annotations

from potluck.faces.cli.layout import Words
from potluck.faces.near_groups import ASKED_S, NearGroups
from tests.faces.fakes import alone, found, joining

WORDS = Words("potluck --home h", "potluck", "potluck --home h")


def test_a_group_that_nobody_asks_in_time_is_told_once() -> None:
    near, snapshot = NearGroups(WORDS), alone(found=[found()])
    assert near.lines(snapshot, 100.0) == []
    assert near.lines(snapshot, 100.0 + ASKED_S - 0.1) == []
    assert near.lines(snapshot, 100.0 + ASKED_S)[0].startswith("Found “Home”")
    assert near.lines(snapshot, 120.0) == []
    assert repr(near) == "NearGroups(1 near)"


def test_a_group_that_is_asked_meanwhile_is_told_by_its_words() -> None:
    near, hidden = NearGroups(WORDS), found(name="", label="", address="10.88.0.1:7685")
    assert near.lines(alone(found=[hidden]), 100.0) == []
    asks = alone(found=[hidden], requests=[joining()])
    assert near.lines(asks, 103.0) == near.lines(asks, 150.0) == []


def test_what_became_of_a_request_is_told_at_once() -> None:
    near = NearGroups(WORDS)
    ended = found(ended="the other side said no", asked_here=True)
    first, second, *_ = near.lines(alone(found=[ended]), 100.0)
    assert "Somebody there asked to be let in here; that is over: the other side said no." in second
    assert first.startswith("Found “Home”")
    silent = found(group="other", rests_s=None)
    assert "not asked again by itself" in near.lines(alone(found=[silent]), 100.0)[1]


def test_what_became_of_it_is_not_told_once_more_of_another_device_of_the_group() -> None:
    near = NearGroups(WORDS)
    no = found(group="g", rests_s=None, ended="somebody there said no", asked_here=False)
    other = found(group="g", rests_s=None, ended="", address="10.0.0.2:7685")
    assert "somebody there said no" in near.lines(alone(found=[no]), 100.0)[1]
    assert near.lines(alone(found=[other]), 101.0) == []
    again = no | {"ended": "the connection broke"}
    assert "the connection broke" in near.lines(alone(found=[again]), 102.0)[1]


def test_where_no_words_can_follow_it_is_told_once_whether_it_is_just_asked_or_not() -> None:
    near = NearGroups(WORDS)
    apart = found(ended="too old", bar="version", asked_here=False)
    told = near.lines(alone(found=[apart | {"rests_s": 0.0}]), 100.0)
    assert told[1] == "  No words can be compared with it: too old."
    for at_s, rests_s in ((101.0, 8.0), (102.0, 0.0), (103.0, None)):
        assert near.lines(alone(found=[apart | {"rests_s": rests_s}]), at_s) == []


def test_while_a_code_is_tried_none_is_told_and_what_is_watched_is_told_at_once() -> None:
    near, tries = NearGroups(WORDS), {"open": False, "until_s": None, "shut": False, "joins": True}
    near.on_watched(alone(found=[found()]), 100.0)
    assert near.lines(alone(found=[found()], door=tries), 100.0) == []
    assert near.lines(alone(found=[found()]), 100.0)[0].startswith("Found “Home”")


def test_a_group_that_went_and_comes_back_is_waited_for_again() -> None:
    near, snapshot = NearGroups(WORDS), alone(found=[found()])
    near.lines(snapshot, 100.0)
    near.lines(alone(), 105.0)
    assert near.lines(snapshot, 107.0) == []


def test_while_this_device_asks_one_group_another_one_is_not_news() -> None:
    near, other = NearGroups(WORDS), found(name="Attic", address="10.0.0.9:7685")
    asks = alone(found=[other], requests=[joining()])
    assert near.lines(asks, 100.0) == near.lines(asks, 150.0) == []
    free = alone(found=[other])
    assert near.lines(free, 150.0 + ASKED_S - 0.1) == [], "it may be its turn now"
    assert near.lines(free, 150.0 + ASKED_S)[0].startswith("Found “Attic”")


def test_a_group_that_is_asked_again_is_told_by_its_words() -> None:
    """Somebody typed `approve Home`: what became of the last request is no news then."""
    near, no = NearGroups(WORDS), found(rests_s=None, ended="you said no", asked_here=False)
    assert near.lines(alone(found=[no]), 100.0)
    asked = alone(found=[no | {"rests_s": 0.0}])
    assert near.lines(alone(found=[no]), 130.0) == []
    assert near.lines(asked, 130.1) == near.lines(asked, 129.9 + ASKED_S) == []
    assert near.lines(asked, 130.0 + ASKED_S), "it was not asked after all"


def test_after_a_no_it_is_the_same_group_whichever_of_its_doors_is_open() -> None:
    near = NearGroups(WORDS)
    no = found(group="g", rests_s=None, ended="somebody there said no", asked_here=False)
    assert "somebody there said no" in near.lines(alone(found=[no | {"open": True}]), 100.0)[1]
    assert near.lines(alone(found=[no]), 101.0) == []
