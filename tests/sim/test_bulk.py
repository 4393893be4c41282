"""Bulk links of the world: what is served is verified, and every way to fail is told as itself.

Strategy: one stand-in asks, the other answers by hand.
Limits: bandwidth is only a model.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import Busy, FileAsk, FilesAsk, Gone, PiecesAsk, PiecesPage
from potluck.engine import effects as do
from potluck.engine import events as told
from potluck.engine.events import OrderId, Outcome
from tests.fakes.disk import path_of, pieces_of
from tests.sim.invariants import Broken
from tests.sim.standins import Recorder, running, trusting, world_of
from tests.sim.world import World

# -- bulk ------------------------------------------------------------------------------------------
BIG = bytes(range(256)) * 3000
LIST = pieces_of(BIG)
CUT = ((LIST.size_bytes, LIST.piece_size),)


def fetching(ask: FileAsk | FilesAsk | PiecesAsk, sizes: tuple[tuple[int, int], ...] = ()) -> World:
    """Return a world: host 0 has asked host 1 for something; host 1 has BIG as `bob/big`."""
    world = world_of()
    trusting(world)
    world.person(1, "write", path_of("bob/big"), BIG)
    content = LIST if isinstance(ask, FileAsk) else None
    target = world.hosts[1]
    world.perform(
        running(world, 0)[0],
        do.Fetch(OrderId(5), target.device, (target.address,), ask, content, sizes),
    )
    world.run_for(0.05)
    return world


def answer(world: World, reply: object) -> Recorder:
    """Let host 1 answer what it was asked, and return what host 0 made of it."""
    process, engine = running(world, 1)
    request = engine.of(told.RequestHeard)[-1]
    assert request.peer == world.hosts[0].device
    world.perform(process, do.Answer(request.request, reply))  # type: ignore[arg-type]
    world.run_for(0.5)
    return running(world, 0)[1]


def outcome(engine: Recorder) -> Outcome:
    [ended] = engine.of(told.FetchEnded)
    return ended.outcome


SERVE = do.ServePieces(path_of("bob/big"), LIST, tuple(range(LIST.count)))
ASK = FileAsk(LIST.root, list(range(LIST.count)))


def test_pieces_are_verified_and_written_into_a_part():
    world = fetching(ASK)
    engine = answer(world, SERVE)
    assert outcome(engine) is Outcome.DONE
    assert [event.pieces for event in engine.of(told.PiecesVerified)] == [
        (n,) for n in range(LIST.count)
    ]
    part = world.hosts[0].disk.parts[LIST.root]
    assert part.have.complete
    assert bytes(part.data) == BIG
    assert world.bulk.content_bytes == {"ada": len(BIG)}


def test_a_holder_that_lies_breaks_off_is_busy_or_changed_is_told():
    for kind, expected in (
        ("wrong", Outcome.WRONG),
        ("busy", Outcome.BUSY),
        ("gone", Outcome.GONE),
    ):
        world = fetching(ASK)
        world.faults.misbehave(1, kind, 1.0)
        assert outcome(answer(world, SERVE)) is expected
        assert LIST.root not in world.hosts[0].disk.parts
    world = fetching(ASK)
    world.faults.misbehave(1, "break", 1.0)
    assert outcome(answer(world, SERVE)) is Outcome.BROKEN
    world = fetching(ASK)
    world.person(1, "write", path_of("bob/big"), b"other")
    assert outcome(answer(world, SERVE)) is Outcome.GONE


def test_small_files_come_together_without_those_that_are_missing():
    small = b"small"
    roots = [pieces_of(small).root, Root(bytes(32))]
    sizes = ((len(small), limits.PIECE_MIN_BYTES), (3, limits.PIECE_MIN_BYTES))
    world = fetching(FilesAsk(list(roots)), sizes)
    world.person(1, "write", path_of("bob/s"), small)
    serve = do.ServeFiles(((roots[0], path_of("bob/s"), *sizes[0]), (roots[1], None, *sizes[1])))
    engine = answer(world, serve)
    [verified] = engine.of(told.FilesVerified)
    assert (verified.roots, verified.size_bytes) == ((roots[0],), 5)
    assert outcome(engine) is Outcome.DONE


def test_a_piece_list_is_asked_for_until_it_is_whole_and_checked():
    world = fetching(PiecesAsk(LIST.root), CUT)
    answer(world, PiecesPage(LIST.root, len(BIG), LIST.piece_size, 0, LIST.hashes[:32]))
    second = running(world, 1)[1].of(told.RequestHeard)[-1]
    assert second.message.first == 1
    engine = answer(world, PiecesPage(LIST.root, len(BIG), LIST.piece_size, 1, LIST.hashes[32:]))
    assert [event.pieces for event in engine.of(told.PieceListHeard)] == [LIST]
    assert outcome(engine) is Outcome.DONE
    world = fetching(PiecesAsk(LIST.root), CUT)
    assert (
        outcome(answer(world, PiecesPage(LIST.root, len(BIG), LIST.piece_size, 0, bytes(96))))
        is Outcome.WRONG
    )
    world = fetching(PiecesAsk(LIST.root), CUT)
    longer = PiecesPage(LIST.root, 2 * len(BIG), LIST.piece_size, 0, LIST.hashes)
    assert outcome(answer(world, longer)) is Outcome.WRONG


def test_messages_end_a_fetch_and_nobody_answers_twice():
    assert outcome(answer(fetching(ASK), Gone())) is Outcome.GONE
    world = fetching(ASK)
    assert outcome(answer(world, Busy())) is Outcome.BUSY
    with pytest.raises(Broken, match="answered twice"):
        answer(world, Gone())


def test_a_fetch_from_who_is_away_or_dies_is_broken():
    world = world_of()
    order = do.Fetch(OrderId(5), world.hosts[1].device, (world.hosts[1].address,), ASK, LIST, ())
    world.perform(running(world, 0)[0], order)
    world.run_for(2.0)
    assert outcome(running(world, 0)[1]) is Outcome.BROKEN  # no trust
    world = fetching(ASK)
    world.faults.crash(1)
    world.run_for(0.5)
    assert outcome(running(world, 0)[1]) is Outcome.BROKEN
    world = fetching(ASK)
    world.run_for(limits.BULK_STALL_S + 1)  # no answer at all
    assert outcome(running(world, 0)[1]) is Outcome.BROKEN


def test_a_fetch_can_be_cancelled_and_a_full_disk_ends_it():
    world = fetching(ASK)
    world.perform(running(world, 0)[0], do.CancelFetch(OrderId(5)))
    world.run_for(0.1)
    assert outcome(running(world, 0)[1]) is Outcome.BROKEN
    world = fetching(ASK)
    world.faults.full(0, full=True)
    assert outcome(answer(world, SERVE)) is Outcome.DISK
    assert running(world, 0)[1].of(told.SpaceSeen)[-1].free_bytes == 0
