"""Rounds: a look and a scan at once, what each found meanwhile, and what stays in doubt."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Look, Scan
from potluck.engine.events import OrderId
from potluck.engine.folder_facts import IgnoreFileSeen
from potluck.engine.own.ignore_file import IgnoreFile
from potluck.engine.own.rounds import LookRound, Rounds
from tests.engine.builders import node

TOP, A, B = (parse_wire_path(path) for path in (b"d1", b"d1/a", b"d1/b"))
NOW = 100.0


@pytest.fixture
def rounds() -> Rounds:
    """Nothing is under way."""
    here = node(1)
    made = Rounds(here, IgnoreFile(here))
    made._node.now = NOW
    return made


def looking(rounds: Rounds) -> LookRound:
    rounds.begin_look({B, A})
    assert rounds.look is not None
    return rounds.look


def scanning(rounds: Rounds) -> LookRound:
    rounds.begin_scan((TOP,))
    assert rounds.scan is not None
    return rounds.scan


def test_a_look_and_a_scan_are_asked_for_and_found_by_their_numbers(rounds: Rounds) -> None:
    assert not rounds.under_way
    scan, look = scanning(rounds), looking(rounds)
    assert rounds._node.take() == [Scan(scan.order, (TOP,)), Look(look.order, (A, B))]
    assert rounds.find(scan.order) is scan
    assert rounds.find(look.order) is look
    assert rounds.find(OrderId(1)) is None
    assert repr(rounds) == "<Rounds looking=True scanning=True>"
    rounds.end_look(look)
    assert rounds.under_way
    rounds.abandon_scan()
    assert not rounds.under_way
    rounds.end_look(looking(rounds))
    assert not rounds.under_way


def test_what_is_there_is_seen_by_the_scan_and_not_missed_by_the_look(rounds: Rounds) -> None:
    rounds.end_scan([b"a"])
    scan, look = scanning(rounds), looking(rounds)
    look.missing |= {b"a", b"b"}
    rounds.on_there(b"a")
    assert (scan.seen, look.missing, rounds.deadline()) == ({b"a"}, {b"b"}, None)
    rounds.clear()
    rounds.on_there(b"b")
    assert (scan.seen, look.missing) == ({b"a"}, {b"b"})


def test_what_a_look_missed_is_missed_by_the_scan_too_and_no_more_in_doubt(rounds: Rounds) -> None:
    rounds.end_scan([b"a", b"b"])
    scan, look = scanning(rounds), looking(rounds)
    look.missing.add(b"a")
    rounds.end_look(look)
    assert scan.missing == {b"a"}
    rounds._node.now += limits.SECOND_LOOK_S
    assert rounds.due() == [b"b"]


def test_a_doubt_keeps_its_time_and_comes_again_until_it_is_settled(rounds: Rounds) -> None:
    assert not rounds.in_doubt
    rounds.end_scan([b"a"])
    assert rounds.in_doubt
    assert rounds.deadline() == NOW + limits.SECOND_LOOK_S
    rounds._node.now += 4.0
    rounds.end_scan([b"a", b"b"])
    assert rounds.deadline() == NOW + limits.SECOND_LOOK_S
    assert rounds.due() == []
    rounds._node.now = NOW + limits.SECOND_LOOK_S
    assert rounds.due() == [b"a"]
    rounds.end_scan([b"a"])
    rounds._node.now += limits.SECOND_LOOK_S
    assert rounds.due() == [b"a"]
    rounds.clear()
    assert (rounds.deadline(), rounds.in_doubt) == (None, False)


def test_what_is_lacking_is_under_way_and_unsettled_until_it_was_looked_at(rounds: Rounds) -> None:
    assert not rounds.unsettled
    rounds.lacking = [A]
    assert rounds.under_way
    assert rounds.unsettled
    rounds.lacking = []
    look = looking(rounds)
    assert not rounds.unsettled
    look.missing.add(b"a")
    assert rounds.unsettled
    rounds.lacking = [A]
    rounds.clear()
    assert not rounds.under_way
    assert not rounds.unsettled


def test_what_a_scan_sees_of_what_a_look_missed_the_look_has_seen(rounds: Rounds) -> None:
    look = looking(rounds)
    look.missing.add(b"a")
    rounds.on_there(b"a")
    rounds.on_there(b"c")
    assert (look.missing, look.seen) == (set(), {b"a"})


def test_doubts_outside_of_what_was_scanned_stay(rounds: Rounds) -> None:
    rounds.end_scan([b"a", b"b", b"d/x"])
    rounds.end_scan([b"d/y"], [path for path in rounds.doubtful if not path.startswith(b"d")])
    assert rounds.doubtful == [b"a", b"b", b"d/y"]
    assert [rounds.is_doubtful(path) for path in (b"b", b"d/x")] == [True, False]


def test_a_scan_says_once_how_long_it_took(rounds: Rounds) -> None:
    assert rounds.scan_took_s is None
    scanning(rounds)
    rounds._node.now += 2.5
    rounds.end_scan([])
    assert rounds.scan_took_s == 2.5


def test_what_is_lacking_comes_first_and_one_look_at_a_time(rounds: Rounds) -> None:
    touched = {A}
    rounds.lacking = [B]
    rounds.look_on(touched)
    assert rounds.look is not None
    assert (rounds.look.paths, rounds.lacking, touched) == ((B,), [], {A})
    rounds.look_on(touched)
    assert touched == {A}
    rounds.end_look(rounds.look)
    rounds.look_on(touched)
    assert rounds.look is not None
    assert (rounds.look.paths, touched) == ((A,), set())
    rounds.end_look(rounds.look)
    rounds.look_on(touched)
    assert rounds.look is None


def test_what_a_look_that_saw_nothing_was_asked_for_is_due_once_more(rounds: Rounds) -> None:
    rounds.end_scan([b"c"])
    rounds._node.now += 1.0
    rounds.end_look(looking(rounds))
    rounds.put_off([b"a", b"b"])
    assert rounds.under_way, "not everything is known"
    assert rounds.deadline() == NOW + limits.SECOND_LOOK_S
    rounds._node.now = NOW + limits.SECOND_LOOK_S
    assert rounds.due() == [b"c"]
    rounds._node.now += 1.0
    assert rounds.due() == [b"a", b"b"]
    assert (rounds.under_way, rounds.due()) == (False, [])
    rounds.put_off([b"a"])
    rounds.clear()
    assert (rounds.under_way, rounds.deadline()) == (False, None)


def test_what_was_given_up_is_handed_back_and_what_was_in_doubt_stays_so(rounds: Rounds) -> None:
    assert rounds.give_up() == set()
    rounds.end_scan([b"c"])
    looking(rounds)
    rounds.begin_scan([TOP])
    assert rounds.give_up() == {A, B}
    assert (rounds.look, rounds.scan, rounds.doubtful) == (None, None, [b"c"])


def test_what_is_looked_at_is_looked_at_by_the_rules(rounds: Rounds) -> None:
    rounds._ignore_file.on_seen(IgnoreFileSeen(b"*.tmp"))
    rounds._node.take()
    rounds.begin_look([A])
    rounds.begin_scan([TOP])
    assert [effect.rules for effect in rounds._node.take()] == [(b"*.tmp",)] * 2  # type: ignore[union-attr]
