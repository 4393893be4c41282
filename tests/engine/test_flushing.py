"""Flushing: an answer speaks of all that was in the folder before the question, and questions end.

Strategy: two or three devices on a wire; what is written is noticed at once or, where the watcher
is short, only by a scan.
"""

from __future__ import annotations

import pytest

from potluck.core.wire.catalogue import FlushAsk, Flushed
from potluck.engine import effects
from potluck.engine.events import (
    FlushAsked,
    LeaveAsked,
    OrderId,
    PathsTouched,
    ShareSeen,
    WatchDrained,
)
from potluck.engine.flushing import FLUSH_PATIENCE_S, MYSELF, SCAN_PAUSE_S, TAKEN_UP_S
from tests.engine.views.faces import shared, shown
from tests.engine.wire import Box, Wire, ring


def answers(box: Box) -> list[tuple[int, bool, str]]:
    """What people were answered: command, whether all is known, who is silent."""
    replies = box.asked_for(effects.Reply)
    return [(reply.command, reply.ok, reply.text) for reply in replies]


def said(box: Box, kind: type) -> int:
    """How often a device said a message of that kind."""
    return sum(isinstance(send.message, kind) for send in box.asked_for(effects.Send))


def test_whoever_asks_hears_of_everything_written_before() -> None:
    wire, ann, ben = shared()
    ann.write("more", b"four")
    ben.hear(FlushAsked(7, FLUSH_PATIENCE_S))
    assert not shown(ben)["need_files"], "nothing was heard of it yet"
    assert wire.run(2.0, lambda: bool(answers(ben)))
    assert answers(ben) == [(7, True, "")]
    name = ann.engine.node.own_manifest
    pursuit = ben.engine.wiring.following.pursuits[name]
    newest = pursuit.newest or ben.index.manifests.head(name)
    assert newest == ann.index.manifests.head(name)
    assert newest is not None
    assert newest.seq == 2


@pytest.mark.parametrize("edited", [False, True])
def test_what_was_done_to_a_copy_before_the_question_is_told_before_the_answer(
    edited: bool,
) -> None:
    wire, ann, ben = shared()
    (path,) = ben.disk
    if edited:
        ben.disk[path] = b"something else"
    else:
        del ben.disk[path]
    ben.hear(PathsTouched((path,), overflow=False))
    ann.hear(FlushAsked(7, FLUSH_PATIENCE_S))
    wire.ignored = (effects.Place,)
    assert wire.run(2.0, lambda: bool(answers(ann)))
    assert answers(ann) == [(7, True, "")]
    (kept,) = ann.engine.node.peers[ben.me].kept.values()
    assert kept.missing_files == 1, "what is lacking there by now"


def test_what_is_still_read_of_a_copy_is_waited_for() -> None:
    wire, ann, ben = shared()
    (path,) = ben.disk
    ben.disk[path] = b"something else"
    ben.hear(PathsTouched((path,), overflow=False))
    wire.ignored = (effects.Hash,)
    ann.hear(FlushAsked(7, FLUSH_PATIENCE_S))
    assert not wire.run(2.0, lambda: bool(answers(ann)))
    wire.ignored = ()
    wire.carry(ben, ben.asked_for(effects.Hash)[-1])
    assert wire.run(1.0, lambda: bool(answers(ann)))


def test_the_own_folder_is_asked_too_and_a_lonely_device_asks_itself() -> None:
    wire = Wire()
    ann = wire.add(1)
    wire.run(5.0)
    wire.ignored = (effects.Hash,)
    ann.write("a", b"1")
    ann.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    wire.run(FLUSH_PATIENCE_S - 1.0)
    assert answers(ann) == []
    wire.run(1.1)
    assert answers(ann) == [(1, False, MYSELF)]


def test_who_does_not_answer_in_time_is_named() -> None:
    wire, (ann, ben, cleo) = ring(3)
    wire.run(3.0)
    wire.ignored = (effects.DrainWatch,)
    ann.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    wire.ignored = ()
    wire.run(1.0)
    assert answers(ann) == []
    wire.run(FLUSH_PATIENCE_S)
    assert answers(ann) == [(1, False, MYSELF)]
    wire.silent = lambda one, other: cleo in {one, other}
    ann.hear(FlushAsked(2, FLUSH_PATIENCE_S))
    wire.run(0.5)
    assert len(answers(ann)) == 1
    assert said(ben, Flushed) == 2


def test_who_has_less_patience_hears_sooner() -> None:
    wire, ann, _ = shared()
    wire.silent = lambda one, other: True
    ann.hear(FlushAsked(1, 0.5))
    assert not wire.run(0.4, lambda: bool(answers(ann)))
    assert wire.run(0.2, lambda: bool(answers(ann)))
    wire.silent, wire.ignored = lambda one, other: False, (effects.DrainWatch,)
    ann.hear(FlushAsked(2, 1e9))
    assert not wire.run(FLUSH_PATIENCE_S - 0.5, lambda: len(answers(ann)) == 2)
    assert wire.run(1.0, lambda: len(answers(ann)) == 2)


def test_who_goes_is_waited_for_no_more() -> None:
    wire, ann, ben = shared()
    wire.silent = lambda one, other: True
    ann.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    wire.run(0.5)
    assert answers(ann) == []
    ben.crash()
    assert wire.run(1.0, lambda: bool(answers(ann)))
    assert answers(ann) == [(1, True, "")]


def test_who_is_frozen_and_keeps_its_link_is_waited_for_until_the_ring_says_that_it_is_gone() -> (
    None
):
    wire, (ann, _, cleo) = ring(3)
    wire.run(3.0)
    wire.silent = lambda one, other: cleo in {one, other}
    wire.udp = lambda one, other: cleo not in {one, other}
    ann.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    assert not ann.engine.wiring.circle.gone(cleo.me)
    assert wire.run(FLUSH_PATIENCE_S - 1.0, lambda: bool(answers(ann)))
    assert answers(ann) == [(1, True, "")]
    assert ann.engine.wiring.circle.gone(cleo.me)
    assert cleo.me in ann.engine.node.linked(), "nothing ended its link"


@pytest.mark.parametrize("sees_all", [True, False])
def test_whose_share_is_offline_is_not_waited_for_and_shown_as_that(sees_all: bool) -> None:
    wire, ann, ben = shared()
    ann.watched, wire.ignored = sees_all, (effects.Scan,)  # one would find the share again
    ann.hear(ShareSeen(present=False, reason="missing"))
    wire.run(0.5)
    for box in (ann, ben):
        box.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    assert wire.run(2.0, lambda: bool(answers(ann) and answers(ben)))
    for box in (ann, ben):
        assert answers(box) == [(1, True, "")]
        offline = [one["label"] for one in shown(box)["devices"] if one["offline"]]
        assert offline == ["d1"]
    assert not shown(ann)["synced"]


def test_two_questions_at_once_are_answered_by_one_drain_each_at_most() -> None:
    wire, ann, ben = shared()
    for command in (1, 2, 3):
        ann.hear(FlushAsked(command, FLUSH_PATIENCE_S))
    assert wire.run(2.0, lambda: len(answers(ann)) == 3)
    assert sorted(answers(ann)) == [(1, True, ""), (2, True, ""), (3, True, "")]
    assert len(ben.asked_for(effects.DrainWatch)) <= 2
    assert said(ann, FlushAsk) == 3


def test_where_watches_are_short_a_scan_finds_it_and_scans_keep_a_distance() -> None:
    wire, ann, ben = shared()
    ann.watched = False
    ann.write_unseen("unseen", b"four")
    before = len(ann.asked_for(effects.Scan))
    ben.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    assert wire.run(2.0, lambda: bool(answers(ben)))
    assert wire.run(2.0, lambda: shown(ben)["files"] == 2)
    assert len(ann.asked_for(effects.Scan)) == before + 1
    ben.hear(FlushAsked(2, FLUSH_PATIENCE_S))
    wire.run(SCAN_PAUSE_S / 2)
    assert len(ann.asked_for(effects.Scan)) == before + 1
    wire.run(SCAN_PAUSE_S)
    assert len(ann.asked_for(effects.Scan)) == before + 2


def test_who_asks_all_the_time_delays_no_answer_and_causes_no_scan_after_scan() -> None:
    wire, (ann, ben, cleo) = ring(3)
    wire.run(5.0)
    ann.watched, wire.ignored = False, (effects.Scan,)
    before, took_s = len(ann.asked_for(effects.Scan)), 3 * SCAN_PAUSE_S
    cleo.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    wire.run(took_s)
    scan = ann.asked_for(effects.Scan)[before]
    ben.hear(FlushAsked(2, FLUSH_PATIENCE_S))
    wire.run(0.5)
    cleo.hear(FlushAsked(3, FLUSH_PATIENCE_S))
    wire.run(0.5)
    wire.ignored = ()
    wire.carry(ann, scan)
    wire.run(0.5)
    assert said(ann, Flushed) == 1, "to the question before the scan"
    wire.run(took_s - 1.0)
    assert len(ann.asked_for(effects.Scan)) == before + 1
    wire.run(2.0)
    assert len(ann.asked_for(effects.Scan)) == before + 2
    assert said(ann, Flushed) == 3


def test_who_goes_on_asking_takes_its_question_up_and_hears_a_late_answer() -> None:
    wire, ann, ben = shared()
    ann.watched, wire.ignored = False, (effects.Scan,)
    before = len(ann.asked_for(effects.Scan))
    ben.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    wire.run(FLUSH_PATIENCE_S + 0.1)
    assert answers(ben) == [(1, False, "d1")]
    ben.hear(FlushAsked(2, FLUSH_PATIENCE_S, FLUSH_PATIENCE_S + 0.2))
    wire.run(1.0)
    assert said(ben, FlushAsk) == 1
    wire.ignored = ()
    wire.carry(ann, ann.asked_for(effects.Scan)[before])
    assert wire.run(1.0, lambda: answers(ben)[1:] == [(2, True, "")])
    ben.hear(FlushAsked(3, FLUSH_PATIENCE_S))
    wire.run(1.0)
    assert said(ben, FlushAsk) == 2, "a new question needs new answers"


def test_a_question_that_nobody_takes_up_is_forgotten() -> None:
    wire, ann, _ = shared()
    wire.silent = lambda one, other: True
    ann.hear(FlushAsked(1, 0.5))
    wire.run(1.0)
    assert repr(ann.engine.wiring.flushing).startswith("<Flushing 1 questions")
    wire.run(TAKEN_UP_S)
    assert repr(ann.engine.wiring.flushing).startswith("<Flushing 0 questions")
    ann.hear(FlushAsked(2, 0.5, 1e9))
    wire.run(0.6)
    ann.hear(LeaveAsked())
    wire.run(0.1)
    assert [command for command, _, _ in answers(ann)] == [1, 2]


def test_answers_nobody_asked_for_change_nothing() -> None:
    _, ann, ben = shared()
    flushing = ann.engine.wiring.flushing
    flushing.on_drained(WatchDrained(OrderId(99), sees_all=False))
    flushing.on_flushed(ben.me, Flushed(5, None))
    assert flushing.deadline() is None
    flushing.on_flush_ask(ben.me, FlushAsk(6))
    assert flushing.deadline() == ann.engine.node.now
    flushing.on_tick()
    flushing.on_drained(WatchDrained(OrderId(98), sees_all=False))
    assert repr(flushing) == "<Flushing 0 questions, 1 to drain, 0 to settle>"


def test_who_leaves_keeps_nobody_waiting() -> None:
    wire, ann, _ = shared()
    wire.silent = lambda one, other: True
    ann.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    ann.hear(LeaveAsked())
    wire.run(0.01)
    assert answers(ann) == [(1, False, f"{MYSELF} and d2")]


def test_a_question_without_a_group_is_answered_by_this_device_alone() -> None:
    wire = Wire()
    ann = wire.add(1)
    wire.run(5.0)
    ann.engine.node.roster = None
    ann.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    assert wire.run(1.0, lambda: bool(answers(ann)))
    assert answers(ann) == [(1, True, "")]


@pytest.mark.parametrize("pieces", [0, 1])
def test_a_device_that_shares_nothing_says_so(pieces: int) -> None:
    wire, (ann, ben) = ring(2)
    wire.run(3.0)
    for number in range(pieces):
        ben.write(str(number), b"1")
    ann.hear(FlushAsked(1, FLUSH_PATIENCE_S))
    assert wire.run(2.0, lambda: bool(answers(ann)))
    heads = [
        send.message.head
        for send in ben.asked_for(effects.Send)
        if isinstance(send.message, Flushed)
    ]
    assert [head is not None for head in heads] == [pieces > 0]
