"""Page turns: whoever waits for a manifest has a turn, and what others began goes on after it."""

from __future__ import annotations

import math

import pytest

from potluck.core import limits
from potluck.core.content.swarm.pace import LATE_MIN_S, LONG_S, SAMPLE_S
from potluck.core.wire.catalogue import ManifestAsk
from potluck.engine.effects import CancelFetch, Fetch
from potluck.engine.events import FetchEnded, FetchHeard, Outcome
from potluck.engine.others.page_turns import PAGE_LOOK_S, PAGE_TURN_S, PageTurns
from tests.engine.builders import flush, group, node
from tests.engine.manifests import Device
from tests.engine.others.page_crowd import CROWD, Crowd, finish


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """Each owner was quick with a page, has one under way, and many to come."""
    monkeypatch.setattr(limits, "PAGE_RECORDS", 1)
    crowd = Crowd()
    crowd.announce(*list(crowd.owners.values())[:CROWD])
    crowd.bring()
    assert len(crowd.under_way) == CROWD
    return crowd


def test_nobody_waits_for_the_last_page_of_all_others(crowd: Crowd) -> None:
    """Eight that brought page after page had all slots for as long as they liked."""
    crowd.announce(crowd.new)
    assert crowd.new.id not in crowd.asked()
    assert repr(crowd.us.following._turns).endswith("8 slots are taken>, somebody waits>")
    crowd.bring()
    assert crowd.new.id not in crowd.asked(), "their turn is not over"
    crowd.pass_time(PAGE_TURN_S)
    crowd.bring()
    assert crowd.new.id in crowd.asked()
    crowd.bring(only=crowd.new.id)
    assert crowd.us.files_of(crowd.new) == ["a"]
    finish(crowd)


def test_what_waits_for_its_turn_goes_on_where_it_was(crowd: Crowd) -> None:
    crowd.announce(crowd.new)
    crowd.pass_time(PAGE_TURN_S)
    crowd.bring()
    stopped = set(crowd.owners) - set(crowd.asked())
    assert stopped, "somebody's turn is over"
    crowd.bring(only=crowd.new.id)
    crowd.pass_time(PAGE_LOOK_S)
    went_on = [fetch for fetch in crowd.under_way if fetch.peer in stopped]
    assert went_on
    for fetch in went_on:
        assert isinstance(fetch.ask, ManifestAsk)
        assert fetch.ask.since > 0, "not from the beginning"


def test_as_long_as_nobody_waits_no_slot_is_given_back(crowd: Crowd) -> None:
    asked = crowd.asked()
    crowd.pass_time(10 * PAGE_TURN_S)
    crowd.bring()
    assert crowd.asked() == asked
    assert crowd.us.following.deadline() is None
    assert repr(crowd.us.following._turns) == "<PageTurns: <FairTurns: 8 slots are taken>>"


def test_who_waits_looks_again_by_and_by(crowd: Crowd) -> None:
    """What is over by the clock alone, as that somebody was slow, nobody tells."""
    crowd.announce(crowd.new)
    assert crowd.us.following.deadline() == crowd.us.node.now + PAGE_LOOK_S


def test_what_stopped_at_somebody_who_is_gone_begins_anew(crowd: Crowd) -> None:
    crowd.announce(crowd.new)
    crowd.pass_time(PAGE_TURN_S)
    crowd.bring()
    gone = next(iter(set(crowd.owners) - set(crowd.asked())))
    crowd.us.unlink(crowd.owners[gone])
    crowd.bring(only=crowd.new.id)
    crowd.pass_time(PAGE_LOOK_S)
    assert gone not in crowd.asked()
    manifests = crowd.us.node.index.manifests
    assert manifests.staged_root(crowd.owners[gone].manifest)[1] == 0
    crowd.announce(crowd.owners[gone])
    finish(crowd)


def test_a_page_that_is_slow_gives_its_slot_to_who_waits(crowd: Crowd) -> None:
    crowd.announce(crowd.new)
    crowd.us.following.on_heard(FetchHeard(crowd.under_way[0].order, 1, LATE_MIN_S))
    crowd.look()
    assert crowd.new.id in crowd.asked()


def test_a_request_that_ends_without_a_page_gives_its_slot_to_who_waits(crowd: Crowd) -> None:
    crowd.announce(crowd.new)
    fetch = crowd.under_way.pop(0)
    crowd.us.following.on_ended(FetchEnded(fetch.order, Outcome.GONE, ""))
    crowd.look()
    assert crowd.new.id in crowd.asked()


def test_who_was_busy_is_asked_again_in_a_moment_or_when_it_answers_something(crowd: Crowd) -> None:
    fetch = crowd.under_way.pop(0)
    crowd.us.following.on_ended(FetchEnded(fetch.order, Outcome.BUSY, ""))
    crowd.look()
    assert fetch.peer not in crowd.asked()
    assert crowd.us.following.deadline() == limits.BUSY_AGAIN_S
    crowd.us.following._turns.on_answer(fetch.peer)
    crowd.us.following.on_linked(crowd.new.id)
    assert crowd.us.following._turns.next_look_s(crowd.us.following.pursuits.values()) == math.inf
    crowd.pass_time(limits.BUSY_AGAIN_S)
    assert fetch.peer in crowd.asked()


def test_one_source_is_asked_for_one_manifest_of_others_at_a_time_and_they_take_turns() -> None:
    """What waited between two pages stayed behind the whole of what came after it there."""
    roster = group(1, 2, 3, 4)
    *owners, us = (Device(number, roster) for number in range(1, 5))
    us.link(owners[0])
    for owner in owners:
        owner.write("a")
        owner.publishing.on_tick(0)
        owner.tick()
        us.following.on_heads(owners[0].id, [owner.head_of(owner)])
    asked = [each for each in us.tick() if isinstance(each, Fetch)]
    assert len(asked) == limits.MANIFESTS_PER_PEER
    assert asked[0].ask != asked[1].ask
    assert us.following._turns.waited_for, "not for a slot of all, but for that of one source"


def test_a_page_that_drips_is_called_off_and_so_is_one_whose_owner_waits(crowd: Crowd) -> None:
    fetch, relay = crowd.under_way[0], crowd.owners[crowd.under_way[1].peer]
    crowd.us.following.on_heard(FetchHeard(fetch.order, 1, LONG_S))
    assert CancelFetch(fetch.order) in flush(crowd.us.node)
    crowd.us.following.on_heads(relay.id, [crowd.new.head_of(crowd.new)])
    crowd.pass_time(0.0)
    (relayed,) = [each for each in crowd.under_way if is_of(each, crowd.new)]
    crowd.us.following.on_heard(FetchHeard(relayed.order, 1, SAMPLE_S))
    assert CancelFetch(relayed.order) not in flush(crowd.us.node), "its owner is away"
    crowd.us.link(crowd.new)
    crowd.us.following.on_heard(FetchHeard(relayed.order, 1, 1.0))
    assert CancelFetch(relayed.order) not in flush(crowd.us.node), "it has not told its head"
    crowd.us.following.on_heads(crowd.new.id, [crowd.new.head_of(crowd.new)])
    crowd.us.following.on_heard(FetchHeard(relayed.order, 1, 1.0))
    assert CancelFetch(relayed.order) in flush(crowd.us.node)


@pytest.mark.parametrize(("path_bytes", "counted"), [(10**9, None), (2, 1)])
def test_what_is_held_is_not_asked_for_again_and_its_names_are_counted_where_few_are_allowed(
    monkeypatch: pytest.MonkeyPatch, path_bytes: int, counted: int | None
) -> None:
    monkeypatch.setattr(limits, "PAGE_RECORDS", 1)
    crowd = Crowd()
    crowd.announce(crowd.new)
    crowd.bring()
    (pursuit,) = crowd.us.following.pursuits.values()
    pursuit.path_bytes = None
    monkeypatch.setattr(limits, "OWNER_PATH_BYTES", path_bytes)
    crowd.new.node.now += 10.0
    crowd.new.write("b")
    crowd.new.publishing.on_tick(0)
    crowd.new.tick()
    crowd.announce(crowd.new)
    (fetch,) = crowd.under_way
    assert isinstance(fetch.ask, ManifestAsk)
    assert fetch.ask.since == 1
    assert pursuit.path_bytes == counted


def test_a_manifest_of_another_generation_is_asked_for_whole() -> None:
    crowd = Crowd()
    crowd.announce(crowd.new)
    crowd.bring()
    crowd.new.publishing.begin_anew(1)
    crowd.new.node.now += 10.0
    crowd.new.publishing.on_tick(0)
    crowd.new.tick()
    crowd.announce(crowd.new)
    (fetch,) = crowd.under_way
    assert isinstance(fetch.ask, ManifestAsk)
    assert fetch.ask.since == 0


def is_of(fetch: Fetch, owner: Device) -> bool:
    """Whether this asks for a page of what a device shares."""
    return isinstance(fetch.ask, ManifestAsk) and fetch.ask.owner == owner.id


def test_the_end_of_what_nobody_asked_is_none() -> None:
    turns = PageTurns(node(1))
    turns.end(FetchEnded(7, Outcome.DONE, "").order, brought=True)  # type: ignore[arg-type]
    assert repr(turns) == "<PageTurns: <FairTurns: 0 slots are taken>>"
