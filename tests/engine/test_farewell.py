"""The farewell: said once, heard by all, over in time, and nothing is begun after it."""

from __future__ import annotations

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.core.wire.catalogue import FilesAsk, HeadsAsk, LinkKind, Solicit, Status, encode
from potluck.engine import effects, events
from potluck.engine.effects import Leave, Reply
from potluck.engine.events import BatchPlaced, LeaveAsked, OrderId, Placement
from potluck.engine.farewell import BEGINNINGS, FAREWELL_S, without_beginnings
from tests.engine.wire import Box, Wire, one_ring, ring
from tests.fakes.disk import File, pieces_of


def left(box: Box) -> int:
    """How often a device was told to end."""
    return len(box.asked_for(Leave))


def leave(box: Box) -> int:
    """Let a device leave; returns how many effects it had asked for before."""
    count = len(box.done)
    box.hear(LeaveAsked())
    return count


def begun(box: Box, count: int) -> list[object]:
    """What a device began after its first `count` effects."""
    return [effect for _, effect in box.done[count:] if isinstance(effect, BEGINNINGS)]


def test_leaving_twice_is_leaving_once() -> None:
    wire, (ann, ben) = ring(2)
    at = wire.now
    ann.hear(LeaveAsked())
    wire.run(FAREWELL_S / 2)
    ann.hear(LeaveAsked())
    assert wire.run(1.0, lambda: ann.left)
    assert wire.now - at == pytest.approx(FAREWELL_S)
    assert left(ann) == 1
    assert ann.engine.deadline() is None
    assert ben.status(ann) is Status.LEFT
    ann.up = True
    ann.hear(LeaveAsked())
    wire.run(5.0)
    assert left(ann) == 1


def test_what_is_gathered_is_told_before_a_device_leaves() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: bool(ben.engine.wiring.happenings.deadline()))
    ben.hear(LeaveAsked())
    told = [effect.text for effect in ben.asked_for(effects.Tell)]
    assert "d1 added a (5 B)" in told


def test_a_lonely_device_leaves_too() -> None:
    wire = Wire()
    ann = wire.add(1)
    ann.hear(LeaveAsked())
    assert wire.run(1.0, lambda: ann.left)


def test_a_device_leaves_before_it_has_begun() -> None:
    wire = Wire()
    ann = Box(wire, 1, None)
    ann.up = True
    ann.hear(LeaveAsked())
    ann.call(ann.engine.start)
    assert ann.call(lambda _: ann.engine.on_tick(FAREWELL_S)) == [Leave()]


@pytest.mark.parametrize("step", range(0, 40, 3))
def test_a_device_leaves_in_the_middle_of_joining(step: int) -> None:
    wire = Wire(step)
    ann = wire.add(1)
    wire.run(5.0)
    ben = wire.add(2)
    calls = len(ben.done)
    wire.run(10.0, lambda: len(ben.done) - calls >= step or one_ring([ann, ben]))
    at = wire.now
    ben.hear(LeaveAsked())
    assert wire.run(1.0, lambda: ben.left)
    assert wire.now - at <= FAREWELL_S + 1e-9
    again = wire.again(ben)
    assert wire.run(30.0, lambda: one_ring([ann, again]))


def test_a_fetch_under_way_goes_nowhere() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: bool(ben.asked_for(effects.Fetch, wire.now - 0.001)))
    count = leave(ben)
    assert wire.run(1.0, lambda: ben.left)
    assert begun(ben, count) == []
    again = wire.again(ben)
    assert wire.run(10.0, lambda: b"hello" in again.disk.values())


def test_a_batch_that_is_placed_while_leaving_is_still_recorded() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: bool(ben.asked_for(effects.Place)))
    (place,) = ben.asked_for(effects.Place)
    count = leave(ben)
    ben.hear(
        BatchPlaced(
            place.batch,
            tuple(
                events.Placed(
                    i.path, pieces_of(b"hello").root, Placement.PLACED, File(b"hello").stat, "", ""
                )
                for i in place.items
            ),
        )
    )
    assert ben.index.intents.open_batches() == []
    assert ben.index.places.by_root(pieces_of(b"hello").root)
    assert begun(ben, count) == []


def test_a_batch_whose_intents_become_durable_too_late_waits_for_the_next_start() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: bool(ben.index.intents.open_batches()))
    ben.hear(LeaveAsked())
    assert wire.run(1.0, lambda: ben.left)
    assert ben.asked_for(effects.Place) == []
    again = wire.again(ben)
    assert wire.run(10.0, lambda: b"hello" in again.disk.values())
    assert again.asked_for(effects.Settle)


def test_after_the_farewell_the_network_is_not_heard_and_everybody_gets_an_answer() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(1.0)
    link = ann.engine.node.peers[ben.me].link
    assert link is not None
    ann.hear(LeaveAsked())
    solicit = encode(Solicit(bytes(16), bytes(400)))
    assert ann.hear(events.DatagramHeard(solicit, ben.address, "multicast")) == []
    assert ann.hear(events.MessageHeard(link, HeadsAsk(b"other"))) == []
    assert ann.hear(events.InterfacesSeen((), ())) == []
    assert ann.hear(events.DialFailed(OrderId(1), "refused", refused=True, knock=False)) == []
    opened = events.LinkOpened(events.LinkId(99), LinkKind.CONTROL, ben.me, ben.address, b"", None)
    assert ann.hear(opened) == [effects.Drop(events.LinkId(99), "leaving")]
    knocked = events.IntroductionHeard(OrderId(5), b"", ben.address)
    assert ann.hear(knocked) == [effects.AnswerIntroduction(OrderId(5), accepted=False)]
    asked = events.RequestHeard(events.RequestId(6), ben.me, FilesAsk([]))
    (answer,) = ann.engine.handle(asked, wire.now)
    assert isinstance(answer, effects.Answer)
    assert type(answer.reply).__name__ == "Busy"
    (reply,) = ann.hear(events.AddAsked(7, ("/a",), "copy"))
    assert isinstance(reply, Reply)
    assert not reply.ok


def test_a_command_that_waits_for_its_files_is_answered() -> None:
    _, (ann,) = ring(1)
    ann.hear(events.AddAsked(7, ("/a",), "copy"))
    ann.hear(LeaveAsked())
    assert [reply.command for reply in ann.asked_for(Reply)] == [7]


def test_what_would_begin_something_is_left_out() -> None:
    look, gone = (
        effects.Look(OrderId(1), (parse_wire_path(b"d1/a"),)),
        effects.CancelFetch(OrderId(1)),
    )
    assert without_beginnings([look, gone, Leave()]) == [gone, Leave()]


def test_it_shows_its_state_in_one_line() -> None:
    _, (ann,) = ring(1)
    farewell = ann.engine.wiring.farewell
    assert repr(farewell) == "<Farewell end_s=None>"
    ann.hear(LeaveAsked())
    assert repr(farewell) == f"<Farewell end_s={ann.wire.now + FAREWELL_S}>"
