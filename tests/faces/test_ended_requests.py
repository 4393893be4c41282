"""Ended requests: what somebody looked at has its line, a flood is a sum."""

from __future__ import annotations

import pytest

from potluck.engine.effects import Tell
from potluck.engine.group.request_list import Side
from potluck.faces.ended_requests import LATE_S, SEEN_S, EndedRequests
from tests.engine.builders import taken
from tests.engine.group.test_request_list import request as row
from tests.engine.group.test_request_list import rows
from tests.faces.fakes import asked, joining, request, state

OVER = "the request of bert is over: "


def seen_for(long_s: float, **changes: str) -> EndedRequests:
    ended = EndedRequests()
    ended.on_state(asked(request(**changes)), 100.0)
    ended.on_top("5eed0001", 100.0)
    ended.on_top("5eed0001", 100.0 + long_s)
    return ended


def test_what_was_asked_about_here_has_its_line_each_time() -> None:
    """The prompt of one that came back within a minute went without a word."""
    ended = seen_for(SEEN_S)
    assert ended.may_tell(f"{OVER}the other side took it back", 103.0)
    ended.on_state(state(), 103.1)
    again = request(id="5eed0002")
    ended.on_state(asked(again), 117.0)
    ended.on_top("5eed0002", 117.0)
    ended.on_top("5eed0002", 117.0 + SEEN_S)
    ended.on_state(state(), 121.9)
    ended.on_top("", 121.9)
    assert ended.may_tell(f"{OVER}the connection broke", 122.0), "the notice may come later"
    assert ended.lines(300.0) == [], "none was only counted"


def test_what_nobody_could_see_is_one_line_a_minute_and_a_sum() -> None:
    ended = seen_for(SEEN_S - 0.1)
    others = [f"the request of d{one} is over: the connection broke" for one in range(5)]
    told = [ended.may_tell(text, 103.0) for text in [f"{OVER}the connection broke", *others]]
    assert told == [True, False, False, False, False, False]
    assert ended.may_tell(f"{OVER}cora said no", 104.0), "somebody answered it"
    assert ended.lines(162.9) == []
    assert ended.lines(163.0) == ["5 more requests to join ended within a minute."]


def test_who_answers_here_hears_of_the_end_as_well() -> None:
    ended = seen_for(SEEN_S)
    ended.on_top("", 103.0)
    ended.on_state(asked(request(answer="yes")), 103.0)
    ended.on_state(asked(request(answer="yes")), 103.0 + 2 * LATE_S)
    ended.may_tell("the request of d1 is over: the connection broke", 103.0 + 2 * LATE_S)
    assert ended.may_tell(f"{OVER}the connection broke", 104.0 + 2 * LATE_S)


def test_what_is_over_for_long_counts_no_more_nor_does_what_no_snapshot_has() -> None:
    ended = seen_for(SEEN_S)
    ended.on_state(state(), 103.0)
    ended.on_state(state(), 103.0 + LATE_S - 0.1)
    assert repr(ended) == "EndedRequests(0 stand, 1 seen)"
    ended.on_state(state(), 103.0 + LATE_S)
    assert repr(ended) == "EndedRequests(0 stand, 0 seen)"
    ended.on_top("5eed0001", 120.0)
    ended.on_top("5eed0001", 120.0 + SEEN_S)
    assert repr(ended) == "EndedRequests(0 stand, 0 seen)"


@pytest.mark.parametrize("side", [Side.MEMBER, Side.JOINER])
@pytest.mark.parametrize("name", ["bert", "my nas"])
def test_the_notice_is_the_one_that_the_engine_tells(side: Side, name: str) -> None:
    here, listed = rows()
    one = row(5, name, side=side)
    listed.add(one)
    taken(here, Tell)
    listed.end((None, one.id), "the connection broke")
    (told,) = taken(here, Tell)
    ended = EndedRequests()
    shown = joining(id=one.id, name=name) if side is Side.JOINER else request(name, id=one.id)
    ended.on_state(asked(shown), 100.0)
    ended.on_top(one.id, 100.0)
    ended.on_top(one.id, 100.0 + SEEN_S)
    assert [ended.may_tell(told.text, 103.0) for _ in range(3)] == [True] * 3
