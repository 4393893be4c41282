"""Fair turns: who had slots for the shortest time of late comes first."""

from __future__ import annotations

from potluck.core.content.swarm.fair_turns import USED_HALF_S, USED_STEP_S, FairTurns


def test_who_had_slots_for_the_shortest_time_comes_first() -> None:
    turns = FairTurns[str]()
    turns.begin(1, "long", 0.0)
    turns.begin(2, "short", 0.0)
    turns.end(2, USED_STEP_S)
    turns.end(1, 3 * USED_STEP_S)
    assert turns.in_turn(["long", "short", "new"], 3.0) == ["new", "short", "long"]


def test_a_slot_that_is_taken_still_counts_until_now() -> None:
    turns = FairTurns[str]()
    turns.begin(1, "has one", 0.0)
    turns.begin(2, "had one", 0.0)
    turns.end(2, 2.0)
    assert turns.in_turn(["has one", "had one"], 2.0) == ["had one", "has one"]
    turns.begin(3, "had one", 2.0)
    turns.end(1, 2.0)
    assert turns.in_turn(["had one", "has one"], 10.0) == ["has one", "had one"]


def test_of_those_with_as_much_who_has_the_fewest_and_was_served_first() -> None:
    turns = FairTurns[str]()
    for number, key in enumerate(["b", "a", "c"]):
        turns.begin(number, key, 0.0)
    assert turns.taken("a") == 1
    assert turns.taken("d") == 0
    assert repr(turns) == "<FairTurns: 3 slots are taken>"
    turns.end(2, 0.0)
    assert turns.taken("c") == 0
    assert turns.in_turn(["a", "b", "c"], 0.0) == ["c", "b", "a"]


def test_what_was_used_long_ago_counts_less_and_less() -> None:
    turns = FairTurns[str]()
    turns.begin(1, "once", 0.0)
    turns.end(1, 8.0)
    turns.begin(2, "lately", 8.0 + 3 * USED_HALF_S)
    later_s = 8.0 + 3 * USED_HALF_S + 3.0
    turns.end(2, later_s)
    assert turns.in_turn(["lately", "once"], later_s) == ["once", "lately"]
