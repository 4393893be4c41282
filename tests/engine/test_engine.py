"""The engine: a function of facts and time, that outlives its own index and never spins."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from potluck.core.errors import DiskTrouble, NoRoom, ProtocolError
from potluck.core.wire.catalogue import Ping, Pong
from potluck.engine import effects, events
from potluck.engine.events import ShareSeen, SpaceSeen
from potluck.engine.index import Index
from potluck.engine.index_trouble import ROOM_BYTES, ROOM_REST_S
from potluck.engine.notice_board import COUNTED_S, OF_ONE_DEVICE
from tests.engine.wire import Box, Wire, one_ring, ring


def pages(box: Box, statement: str) -> int:
    """Ask SQLite for, or set, a number of pages."""
    (value,) = box.index._database.rows(f"PRAGMA {statement}")[0]
    assert isinstance(value, int)
    return value


def fill(box: Box) -> None:
    """From now on the index cannot grow: SQLITE_FULL, as on a full disk."""
    pages(box, f"max_page_count = {pages(box, 'page_count')}")


def free(box: Box) -> None:
    """There is room again."""
    pages(box, "max_page_count = 1000000")


# -- a function ------------------------------------------------------------------------------------
def test_equal_calls_give_equal_effects() -> None:
    def story() -> list[list[tuple[float, Any]]]:
        wire, boxes = ring(3, seed=5)
        boxes[0].write("a", b"hello")
        wire.run(3.0)
        boxes[1].hear(events.LeaveAsked())
        wire.run(3.0)
        return [box.done for box in boxes]

    assert story() == story()


def test_faces_read_without_changing_anything() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    wire.run(2.0)
    deadline, done = ann.engine.deadline(), len(ann.done)
    assert ann.engine.view(wire.now).files == 1
    assert [file.path for file in ben.engine.files("d1").files] == ["d1/a"]
    assert [entry.name for entry in ben.engine.folder("d1").entries] == ["a"]
    assert {record.device for record in ann.engine.wiring.circle.ring.beliefs.records} == {
        ann.me,
        ben.me,
    }
    assert ann.engine.stored_label() == "d1"
    assert ann.engine.prune_order() == effects.PruneTrash()
    assert (ann.engine.deadline(), len(ann.done)) == (deadline, done)


def test_who_keeps_which_head_is_told_as_it_is_at_the_moment_of_asking() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    wire.run(2.0)
    deadline, done = ann.engine.deadline(), len(ann.done)
    keepers = ann.engine.keepers(wire.now + 1.0)
    assert [(head.folder, head.seq) for head in keepers.heads] == [("own", 1)]
    assert [[kept.missing for kept in device.kept] for device in keepers.devices] == [[0]]
    assert ann.engine.node.now == wire.now + 1.0
    for answered in (ann.engine.why, ann.engine.info):
        assert answered("d1/a", wire.now).known
        assert ann.engine.node.now == wire.now
        assert answered("d1/a", wire.now + 1.0).known
        assert ann.engine.node.now == wire.now + 1.0
    assert ann.engine.copied("d1", "", wire.now + 2.0).entries[0].name == "a"
    assert ann.engine.node.now == wire.now + 2.0
    assert ann.engine.former("d1", wire.now + 3.0).versions == []
    assert ann.engine.node.now == wire.now + 3.0
    assert (ann.engine.deadline(), len(ann.done)) == (deadline, done)
    ben.crash()
    assert wire.run(30.0, lambda: not ann.engine.keepers(wire.now).devices[0].online)


def test_a_restart_knows_what_was_known() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    wire.run(2.0)
    ben.crash()
    again = wire.again(ben)
    assert again.engine.stored_label() == "d2"
    assert [file.path for file in again.engine.files("").files] == ["d1/a"]
    assert wire.run(10.0, lambda: one_ring([ann, again]))
    assert not again.asked_for(effects.Fetch), "nothing is lacking"


def test_probes_say_what_is_held_here_at_that_moment() -> None:
    wire, (ann, ben) = ring(2)
    wire.udp = lambda *_: False  # so that probes go over links
    wire.run(5.0)
    before, begun = ann.engine.wiring.announcing.digest, wire.now
    ann.write("a", b"hello")
    wire.run(20.0)
    after = ann.engine.wiring.announcing.digest
    sent = [send.message for send in ann.asked_for(effects.Send, begun)]
    heads = [message.heads for message in sent if isinstance(message, Ping | Pong)]
    assert (heads[-1], before != after) == (after, True)
    assert ben.engine.wiring.announcing.digest == after


# -- notices ---------------------------------------------------------------------------------------
def test_what_was_counted_is_told_when_its_time_has_come() -> None:
    wire, (ann, _) = ring(2)
    wire.run(5.0)
    for number in range(OF_ONE_DEVICE + 5):
        ann.engine.node.tell("flood", f"number {number}", subject="d2")
    wire.run(2 * COUNTED_S)
    told = ann.told("flood")
    assert told[-1] == f"number {OF_ONE_DEVICE + 4} (and 4 more such notices about d2)"
    assert len(told) == OF_ONE_DEVICE + 1


# -- the index fails -------------------------------------------------------------------------------
def many(box: Box) -> None:
    """More files than a page of the index holds."""
    for number in range(60):
        box.write(f"{number:03}" + "x" * 100, b"%d" % number)


def test_a_full_index_costs_files_but_not_the_ring() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    fill(ann)
    many(ann)
    wire.run(120.0)
    assert ann.troubles
    assert one_ring([ann, ben])
    assert not ben.told("node_dead")
    assert len(ann.troubles) < 200, "told, but not over and over"
    free(ann)
    assert wire.run(180.0, lambda: len(ben.engine.files("d1").files) == 60)
    assert wire.run(10.0, lambda: ben.engine.view(wire.now).state == "in_sync")


def test_a_receiver_whose_index_is_full_catches_up() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    fill(ben)
    many(ann)
    wire.run(120.0)
    assert ben.troubles
    assert one_ring([ann, ben])
    free(ben)
    assert wire.run(
        300.0,
        lambda: (
            ben.engine.view(wire.now).need_files == 0 and len(ben.engine.files("d1").files) == 60
        ),
    )
    assert wire.run(
        60.0, lambda: len([path for path in ben.disk if str(path).startswith("d1/")]) == 60
    )
    assert ben.index.intents.open_batches() == []


def caught_up(ann: Box, ben: Box, wire: Wire) -> None:
    """Write a few files at Ann's, and see that all is well at Ben's in the end."""
    for number in range(8):
        ann.write(f"{number}", b"%d" % number)
        wire.run(0.05)
    wire.run(20.0)
    assert len(ben.troubles) == 1
    assert {
        path: data for path, data in ben.disk.items() if str(path).startswith("d1/")
    } == ann.disk
    assert len(ben.engine.files("d1").files) == 8
    view = ben.engine.view(wire.now)
    assert (view.need_files, view.state) == (0, "in_sync")
    assert one_ring([ann, ben])


@pytest.mark.parametrize("lost", range(1, 24, 2))
def test_any_one_commit_may_fail(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    connection, commit = ben.index._database._connection, ben.index.commit
    seen = {"changes": connection.total_changes, "writes": 0}

    def fails_once() -> None:
        wrote = connection.total_changes > seen["changes"]
        seen["changes"], seen["writes"] = connection.total_changes, seen["writes"] + wrote
        if wrote and seen["writes"] == lost:
            _fails()
        commit()

    monkeypatch.setattr(ben.index, "commit", fails_once)
    caught_up(ann, ben, wire)


@pytest.mark.parametrize("lost", range(1, 120, 14))
def test_any_one_write_may_fail(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    failing(ben.index, lost, monkeypatch)
    caught_up(ann, ben, wire)


def failing(index: Index, lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one write of this index fail: the `lost`-th from now on."""
    database, left = index._database, [lost]
    run_many, run = database.run_many, database.run

    def one_less() -> None:
        left[0] -= 1
        if left[0] == 0:
            _fails()

    def run_many_or_fail(sql: str, rows: Any) -> int:
        one_less()
        return run_many(sql, rows)

    def run_or_fail(sql: str, values: Any = ()) -> int:
        if sql not in {"BEGIN", "COMMIT", "ROLLBACK"}:
            one_less()
        return run(sql, values)

    monkeypatch.setattr(database, "run_many", run_many_or_fail)
    monkeypatch.setattr(database, "run", run_or_fail)


@pytest.mark.parametrize("lost", range(1, 7))
def test_any_one_write_may_fail_while_joining(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(1)
    ann = wire.add(1)
    wire.run(3.0)
    index = Index.open(":memory:")
    failing(index, lost, monkeypatch)
    ben = wire.add(2, index=index)
    assert wire.run(40.0, lambda: one_ring([ann, ben]))
    assert len(ben.troubles) == 1
    ben.crash()
    again = wire.again(ben)
    assert wire.run(20.0, lambda: one_ring([ann, again])), "what was lost was written down later"


def test_what_a_failed_fact_led_to_reaches_the_world_with_the_next_call() -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    ann.hear(events.AddAsked(1, ("/a",), "copy"))
    fine = ann.index.commit
    ann.index.commit = _fails  # type: ignore[method-assign]
    with pytest.raises(DiskTrouble):
        ann.engine.handle(events.AddAsked(2, ("/b",), "copy"), wire.now)
    ann.index.commit = fine  # type: ignore[method-assign]
    assert ann.engine.deadline() == wire.now
    asked = ann.call(ann.engine.on_tick)
    assert [effect.paths for effect in asked if isinstance(effect, effects.Import)] == [("/b",)]


def test_trouble_with_what_is_due_is_raised_by_the_next_tick() -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    ann.engine.wiring.own_folder.on_tick = _fails  # type: ignore[method-assign]
    ann.hear(events.AddAsked(1, ("/a",), "copy"))
    assert ann.asked_for(effects.Import), "the fact itself is not lost"
    assert ann.engine.deadline() == wire.now
    with pytest.raises(DiskTrouble):
        ann.engine.on_tick(wire.now)
    deadline = ann.engine.deadline()
    assert deadline is not None
    assert deadline > wire.now


def test_files_go_on_as_soon_as_the_index_has_room() -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    fine = ann.index.commit

    def fails() -> None:
        raise NoRoom

    ann.index.commit = fails  # type: ignore[method-assign]
    for _ in range(6):
        with pytest.raises(NoRoom):
            ann.engine.handle(events.RescanAsked(), wire.now)
    ann.index.commit = fine  # type: ignore[method-assign]
    assert ann.engine.short_of_room(wire.now + 50.0)
    later, looked = wire.now + ROOM_REST_S, list[float]()
    ann.engine.wiring.recover = lambda: looked.append(later)  # type: ignore[method-assign]
    ann.engine.handle(events.SpaceSeen(1, 2), later)
    assert looked == []
    ann.engine.handle(events.SpaceSeen(1, 2, home_free_bytes=ROOM_BYTES), later)
    assert looked == [later], "all is looked at once more"
    assert not ann.engine.short_of_room(later)


def test_an_index_that_is_damaged_is_known_to_be() -> None:
    _, (ann,) = ring(1)
    assert not ann.engine.index.damaged
    ann.index.damage("a test says so")
    assert ann.engine.index.damaged


def test_an_error_that_is_not_the_disks_is_rolled_back_as_well() -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    ann.engine.wiring.imports.on_add = _breaks  # type: ignore[method-assign, assignment]
    with pytest.raises(ProtocolError):
        ann.engine.handle(events.AddAsked(1, ("/a",), "copy"), wire.now)
    assert not ann.index._database.in_transaction
    wire.run(5.0)
    assert ann.engine.view(wire.now).state == "in_sync"


def test_a_fault_in_one_fact_costs_that_fact_and_its_link_and_nothing_rests() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    link = ann.engine.node.peers[ben.me].link
    assert link is not None
    heard = ann.engine.wiring.circle.on_heard
    ann.engine.wiring.circle.on_heard = _breaks  # type: ignore[method-assign, assignment]
    for number in range(10):
        with pytest.raises(ProtocolError):
            ann.engine.handle(events.MessageHeard(link, Ping(number, b"", b"")), wire.now)
    ann.engine.wiring.circle.on_heard = heard  # type: ignore[method-assign]
    assert [drop.link for drop in ann.call(ann.engine.on_tick) if isinstance(drop, effects.Drop)]
    ann.write("a", b"hello")
    assert wire.run(2.0, lambda: [f.path for f in ben.engine.files("d1").files] == ["d1/a"])
    assert ann.engine.node.troubles.total == 0
    assert "Faults 10" in repr(ann.engine)


MAY_BE_WRONG = (
    events.MessageHeard,
    events.DatagramHeard,
    events.LinkOpened,
    events.ManifestHeard,
    events.FilesVerified,
    events.PathsTouched,
)


def wrong_now_and_then(box: Box, seed: int) -> list[ProtocolError]:
    """For ten seconds one fact in seven is a fault, before or after it was handled; return them."""
    handle, call, chance = box.engine.dispatch.handle, box.call, Random(seed)
    faults, until_s = list[ProtocolError](), box.wire.now + 10.0

    def wrong(event: events.Event) -> None:
        is_wrong = isinstance(event, MAY_BE_WRONG) and chance.random() < 1 / 7
        is_wrong = is_wrong and box.wire.now < until_s
        if not is_wrong or chance.random() < 0.5:
            handle(event)
        if is_wrong:
            _breaks()

    def as_the_loop(work: Any) -> list[effects.Effect]:
        try:
            return call(work)
        except ProtocolError as error:
            faults.append(error)
            return []

    box.engine.dispatch.handle = wrong  # type: ignore[method-assign]
    box.call = as_the_loop  # type: ignore[method-assign]
    return faults


@pytest.mark.parametrize("seed", range(6))
def test_whichever_facts_are_faults_all_arrives_in_the_end(seed: int) -> None:
    wire, (ann, ben) = ring(2, seed)
    wire.run(5.0)
    faults = wrong_now_and_then(ben, seed)
    for number in range(12):
        for box in (ann, ben):
            box.write(f"{number}", b"%d" % number)
        wire.run(0.3)
    assert wire.run(90.0, lambda: len(ben.engine.files("d1").files) == 12)
    assert wire.run(90.0, lambda: len(ann.engine.files("d2").files) == 12)
    assert wire.run(30.0, lambda: ben.engine.view(wire.now).need_files == 0)
    assert wire.run(30.0, lambda: one_ring([ann, ben]))
    assert faults


def test_a_part_that_is_wrong_whenever_it_is_due_stops_no_other_and_does_not_spin() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    faults = list[Exception]()
    tick = ann.engine.on_tick

    def told(now: float) -> Any:
        try:
            return tick(now)
        except ProtocolError as error:
            faults.append(error)
            return []

    ann.engine.on_tick = told  # type: ignore[method-assign]
    ann.engine.wiring.strays.on_tick = _breaks  # type: ignore[method-assign]
    ann.engine.wiring.link_troubles.on_tick = _breaks  # type: ignore[method-assign]
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: [f.path for f in ben.engine.files("d1").files] == ["d1/a"])
    before = len(faults)
    wire.run(60.0)
    assert before <= len(faults) < before + 70, "each is tried now and then"
    assert one_ring([ann, ben])


def test_what_a_fault_made_the_index_lose_is_found_again() -> None:
    wire, (ann, _) = ring(2)
    wire.run(5.0)
    scans = len(ann.asked_for(effects.Scan))
    ann.engine.wiring.imports.on_add = _writes_and_breaks(ann)  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(ProtocolError):
            ann.engine.handle(events.AddAsked(1, ("/a",), "copy"), wire.now)
    wire.run(3.0)
    assert len(ann.asked_for(effects.Scan)) == scans + 1
    assert ann.engine.node.index.meta.get("unheard of") is None


def test_a_company_whose_index_fails_is_tried_again_and_does_not_spin() -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    ann.engine.wiring.discovery.on_tick = _fails  # type: ignore[method-assign]
    wire.run(20.0)
    assert 1 <= len(ann.troubles) < 25


def test_a_commit_that_is_wrong_when_nothing_was_due_is_told() -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    ann.engine._do_due(_breaks)
    with pytest.raises(ProtocolError):
        ann.engine.on_tick(wire.now)


def _writes_and_breaks(box: Box) -> Any:
    def on_add(*_: object) -> None:
        box.index.meta.set("unheard of", b"x")
        _breaks()

    return on_add


def test_what_was_to_be_said_of_a_change_that_was_undone_is_never_said() -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    said = effects.Reply(1, ok=True, text="it is on the disk")

    def promises_and_fails(*_: object) -> None:
        ann.engine.node.when_durable([said])
        _fails()

    ann.engine.wiring.imports.on_add = promises_and_fails  # type: ignore[method-assign, assignment]
    with pytest.raises(DiskTrouble):
        ann.engine.handle(events.AddAsked(1, ("/a",), "copy"), wire.now)
    wire.run(20.0)
    assert said not in ann.asked_for(effects.Reply)


def _fails() -> None:
    raise DiskTrouble("the index cannot be written")


def _breaks(*_: object) -> None:
    raise ProtocolError("that should have been caught")


# -- time ------------------------------------------------------------------------------------------
def lonely() -> tuple[Wire, Box]:
    wire = Wire()
    return wire, wire.add(1)


def lonely_and_closed() -> tuple[Wire, Box]:
    wire = Wire()
    return wire, wire.add(1, open_s=None, peers=())


def with_a_door_that_closes() -> tuple[Wire, Box]:
    wire = Wire()
    return wire, wire.add(1, open_s=20.0)


def pair() -> tuple[Wire, Box]:
    wire, (_, ben) = ring(2)
    return wire, ben


def needs_nobody_can_meet() -> tuple[Wire, Box]:
    wire, (ann, ben) = ring(2)
    wire.ignored = (effects.ServeFiles,)
    ann.write("a", b"hello")
    ann.write("b", b"other")
    assert wire.run(5.0, lambda: bool(ann.engine.view(wire.now).files))
    ann.disk.clear()
    return wire, ben


def needs_and_no_holder() -> tuple[Wire, Box]:
    wire, ben = needs_nobody_can_meet()
    wire.run(3.0)
    next(box for box in wire.boxes.values() if box is not ben).crash()
    return wire, ben


def settling() -> tuple[Wire, Box]:
    wire, (ann, ben) = ring(2)
    wire.ignored = (effects.Place, effects.Settle)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: bool(ben.asked_for(effects.Place)))
    ben.crash()
    return wire, wire.again(ben)


def paused() -> tuple[Wire, Box]:
    wire, (ann, ben) = ring(2)
    ben.hear(SpaceSeen(0, 2**40))
    ann.write("a", b"hello")
    return wire, ben


def share_offline() -> tuple[Wire, Box]:
    wire, (ann, ben) = ring(2)
    wire.ignored = (effects.Scan, effects.MarkShare)
    ben.hear(ShareSeen(present=False, reason="missing"))
    ann.write("a", b"hello")
    return wire, ben


def disk_that_never_answers() -> tuple[Wire, Box]:
    wire, (ann, ben) = ring(2)
    wire.ignored = (effects.MakeDurable, effects.Look, effects.Hash, effects.Scan, effects.Place)
    for box in (ann, ben):
        box.write("a", b"hello")
    return wire, ben


def index_full() -> tuple[Wire, Box]:
    wire, (_, ben) = ring(2)
    fill(ben)
    many(ben)
    return wire, ben


SITUATIONS = [
    lonely,
    lonely_and_closed,
    with_a_door_that_closes,
    pair,
    needs_nobody_can_meet,
    needs_and_no_holder,
    settling,
    paused,
    share_offline,
    disk_that_never_answers,
    index_full,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_a_deadline_is_met_by_progress_and_no_engine_spins(situation: Any) -> None:
    wire, box = situation()
    tick, idle = box.engine.on_tick, [0]

    def watched(now: float) -> Any:
        wanted = tick(now)
        deadline = box.engine.deadline()
        assert deadline is not None
        idle[0] = 0 if wanted or deadline > now else idle[0] + 1
        assert idle[0] < 5, "woken for nothing again and again"
        return wanted

    box.engine.on_tick = watched
    wire.run(20.0)
    calls = box.calls
    wire.run(60.0)
    assert box.calls - calls < 60 * 30, (
        "thirty calls a second are more than enough for one that has nothing to do"
    )


def test_the_more_they_are_the_less_often_each_of_them_calls() -> None:
    wire, boxes = ring(3)
    wire.run(10.0)
    begun = wire.now
    wire.run(30.0)
    calls = [effect for box in boxes for effect in box.asked_for(effects.Transmit, begun)]
    together = sum(call.to is None for call in calls)
    assert 3 <= together <= 12, "about one in five seconds, however many they are"


def test_before_anything_is_said_a_deadline_is_there() -> None:
    _, ann = lonely()
    assert ann.engine.deadline() is not None


def test_it_shows_its_state_in_one_line() -> None:
    _, (ann, _) = ring(2)
    shown = "<Engine <Node 'd1', linked=1, waits=0, leaving=False>, <IndexTrouble failures=0, "
    assert repr(ann.engine).startswith(shown)
