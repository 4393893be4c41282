"""Lineage: which states were had, which are named, and which changes two lives have in common."""

from __future__ import annotations

import msgspec

from potluck.core import limits
from potluck.core.wire.catalogue import Head, RunEnd, encode
from potluck.engine.index.group import Meta
from potluck.engine.own.lineage import RECALLED_MAX, RUNS_KEPT, Lineage
from tests.engine.builders import node
from tests.engine.heads import signed_head


def head(run: bytes, generation: int, seq: int, *ends: RunEnd) -> Head:
    made = signed_head(1, generation=generation, seq=seq, run=run)
    return msgspec.structs.replace(made, continues=ends)


def lineage(*heads: Head, meta: Meta | None = None) -> Lineage:
    """In the run after those that ended with these heads."""
    meta = meta or node().index.meta
    made = Lineage(meta)
    made.begin(None, b"first")
    made.write()
    for last in heads:
        made = Lineage(meta)
        made.begin(last, b"now")
        made.write()
    return made


def test_the_first_run_continues_nothing() -> None:
    made = lineage()
    assert (made.told(), made.knows(head(b"a", 1, 1))) == ((), False)
    assert repr(made) == "<Lineage: 0 runs>"


def test_ended_runs_are_known_and_named_the_newest_first() -> None:
    made = lineage(head(b"a", 1, 5), head(b"b", 1, 9))
    assert made.told() == (RunEnd(1, 9, b"b"), RunEnd(1, 5, b"a"))
    for had in (head(b"a", 1, 5), head(b"a", 1, 1), head(b"b", 1, 9)):
        assert made.knows(had)
        assert made.names(had)
    for not_had in (head(b"a", 1, 6), head(b"c", 1, 1), head(b"b", 2, 1)):
        assert not made.knows(not_had)
        assert not made.names(not_had)


def test_a_run_that_published_nothing_is_none() -> None:
    made = lineage(head(b"a", 1, 5), head(b"a", 1, 5))
    assert made.told() == (RunEnd(1, 5, b"a"),)
    same = Lineage(node().index.meta)
    same.begin(head(b"a", 1, 5), b"a")
    assert same.told() == ()


def test_what_the_index_took_back_is_not_known() -> None:
    meta = node().index.meta
    lineage(head(b"a", 1, 5), meta=meta)
    made = Lineage(meta)
    made.begin(head(b"b", 1, 9), b"now")
    kept = meta.get("runs")
    assert kept is not None
    made.adopt(head(b"lost", 1, 12))
    made.write()
    meta.set("runs", kept)  # the transaction is rolled back
    meta.forget_memory()
    assert not made.knows(head(b"lost", 1, 12))
    assert not made.names(head(b"lost", 1, 12))
    assert made.told() == (RunEnd(1, 9, b"b"), RunEnd(1, 5, b"a"))
    made.write()
    assert meta.get("runs") == encode(list(made.told())), "it is written once more"


def test_what_is_not_written_is_of_a_head_that_never_was() -> None:
    meta = node().index.meta
    lineage(head(b"a", 1, 5), meta=meta)
    Lineage(meta).begin(head(b"b", 1, 9), b"c")
    again = Lineage(meta)
    again.begin(head(b"a", 1, 5), b"d")
    assert again.told() == (RunEnd(1, 5, b"a"),)


def test_what_came_before_the_first_list_counts_as_had() -> None:
    made = Lineage(node().index.meta)
    made.begin(head(b"b", 2, 9), b"c")
    assert made.told() == (RunEnd(2, 9, b"b"),)
    assert made.knows(head(b"unknown", 2, 8))
    assert not made.names(head(b"unknown", 2, 8))
    assert not made.knows(head(b"unknown", 2, 10))
    assert made.common_seq(head(b"unknown", 2, 8)) == 8
    assert made.common_seq(head(b"unknown", 2, 10)) == 0


def test_after_an_index_was_lost_nothing_of_before_counts_as_had() -> None:
    made = lineage(head(b"a", 1, 5))
    assert not made.knows(head(b"unknown", 1, 2))
    assert made.common_seq(head(b"unknown", 1, 2)) == 0


def test_the_last_change_that_two_lives_share() -> None:
    made = lineage(head(b"a", 1, 5), head(b"b", 1, 9))
    assert made.common_seq(head(b"b", 1, 12)) == 9
    assert made.common_seq(head(b"b", 1, 7)) == 7
    assert made.common_seq(head(b"c", 1, 20, RunEnd(1, 14, b"b"), RunEnd(1, 5, b"a"))) == 9
    assert made.common_seq(head(b"c", 1, 20, RunEnd(1, 6, b"a"))) == 5


def test_a_state_of_the_past_is_named_once_more() -> None:
    runs = [head(b"r%d" % number, 1, number) for number in range(1, limits.RUNS_TOLD + 8)]
    made = lineage(*runs)
    assert len(made.told()) == limits.RUNS_TOLD
    assert not made.names(runs[0])
    for old in runs[: RECALLED_MAX + 1]:
        assert made.knows(old)
        made.recall(old)
    assert len(made.told()) == limits.RUNS_TOLD
    assert [made.names(old) for old in runs[: RECALLED_MAX + 1]] == [False] + [True] * RECALLED_MAX
    assert made.names(runs[-1])


def test_a_lost_state_is_had_once_it_was_merged_over_restarts() -> None:
    meta = node().index.meta
    lost = head(b"lost", 3, 30, RunEnd(2, 20, b"before"), RunEnd(1, 5, b"a"))
    made = lineage(head(b"a", 1, 9), meta=meta)
    made.adopt(lost)
    made.write()
    again = Lineage(meta)
    again.begin(head(b"b", 4, 31), b"c")
    for known in (made, again):
        assert known.knows(lost)
        assert known.names(lost)
        assert known.knows(head(b"before", 2, 20))


def test_what_both_lives_had_is_had_as_far_as_the_farther_one() -> None:
    made = lineage(head(b"a", 1, 9))
    made.adopt(head(b"lost", 3, 30, RunEnd(1, 5, b"a")))
    assert made.knows(head(b"a", 1, 9))


def test_no_more_runs_are_kept_than_there_is_room_for() -> None:
    meta = node().index.meta
    ends = [RunEnd(1, number, b"r%d" % number) for number in range(RUNS_KEPT + 9, 9, -1)]
    meta.set("runs", encode(ends))
    made = lineage(head(b"new", 1, RUNS_KEPT + 10), head(b"newer", 1, RUNS_KEPT + 11), meta=meta)
    assert made.names(head(b"newer", 1, RUNS_KEPT + 11))
    assert made.knows(head(b"r13", 1, 13))
    assert made.knows(head(b"never", 1, 12))
    assert not made.knows(head(b"never", 1, 13))
