"""The loop over stand-ins that a test decides, and over a real engine: what comes in, what goes
out, every end.

Strategy: `Stage` is a world of shells that only write down what they were asked; the scripted
engine answers as a test says. The loop runs on a thread of its own, as in the program, and tests
wait for what must come, with a deadline.
"""

from __future__ import annotations

import logging
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest

from potluck.core import limits
from potluck.core.errors import DiskTrouble, IndexDamaged, Malformed
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.wire.catalogue import Address, LinkKind
from potluck.engine import effects
from potluck.engine.effects import Effect, Leave, LookAround, PruneTrash, Reply, Tell
from potluck.engine.engine import Engine, EngineSettings
from potluck.engine.events import (
    AddAsked,
    DatagramHeard,
    InterfacesSeen,
    LeaveAsked,
    LinkClosed,
    LinkId,
    OrderId,
    RescanAsked,
)
from potluck.engine.index import Index
from potluck.engine.recording import Moment
from potluck.shells.loop import loop as module
from potluck.shells.loop.chores import PruneOrder
from potluck.shells.loop.inbox import Inbox, OpenedLink, RecordAsked
from potluck.shells.loop.loop import TURN_ITEMS, Loop, World, leave
from potluck.shells.loop.recorder import Recorder
from potluck.shells.loop.redaction import SALT_BYTES
from potluck.shells.net.lan import NOTHING_NEW, Sight
from tests.engine.builders import Chance
from tests.fair_time import FairTime
from tests.shells.peers import WAIT_S, until

FULL = DiskTrouble("the index cannot be written", "the disk is full", "free some space")
Now = float


class Script:
    """An engine that does what the test says; by default nothing, and it leaves when asked."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.on_start: Callable[[], list[Effect]] = list
        self.on_event: Callable[[Any], list[Effect]] = lambda event: (
            [Leave()] if event == LeaveAsked() else []
        )
        self.due: float | None = None
        self.busy = self.short = False
        self.index = SimpleNamespace(damaged=False)

    def start(self, _now: Now) -> list[Effect]:
        return self._watched(self.on_start)

    def handle(self, event: Any, _now: Now) -> list[Effect]:
        self.heard.append(event)
        return self._watched(lambda: self.on_event(event))

    def on_tick(self, now: Now) -> list[Effect]:
        self.due = None
        return self._watched(lambda: self.on_event(("tick", now)))

    def deadline(self) -> float | None:
        return self.due

    def short_of_room(self, _now: Now) -> bool:
        return self.short

    def prune_order(self) -> PruneTrash:
        return PruneTrash(frozenset({b"wanted"}))

    def _watched(self, work: Callable[[], list[Effect]]) -> list[Effect]:
        assert not self.busy
        self.busy = True
        try:
            return work()
        finally:
            self.busy = False


class Stage:
    """The world and one loop in it; it is its own People, and its own own label."""

    def __init__(self, engine: Any, people: Any = None) -> None:
        self.engine = engine
        self.selector = selectors.DefaultSelector()
        self.inbox = Inbox(self.selector)
        self.done: list[Any] = []  # every effect that was carried out, in order
        self.tells: list[Tell] = []
        self.connections: dict[Any, list[Any]] = {}  # what ends with each of them
        self.visitors: list[Any] = []  # sockets in the doorway
        self.tidied: list[Any] = []  # work given to the disk that has no event
        self.cut_off: list[Any] = []  # whose links were ended, once for each part that has some
        self.reserve = 0  # how often the ballast can be freed
        self.begun = 0  # how often chores were looked at
        self.short: list[bool] = []  # whether files waited for room then
        self.sights: list[Sight] = []  # what LookAround leads to
        self.datagrams: list[DatagramHeard] = []
        self.late: list[Any] = []  # what links noticed meanwhile
        self.took: list[tuple[Any, float]] = []  # for how long sockets kept the loop busy
        self.saying_goodbye_until_s: float | None = None
        self.recorder = Recorder("", bytes(SALT_BYTES))
        world = self.world(people or self)
        self.loop = Loop(cast("Engine", engine), world, self.selector, self.inbox)
        self.thread = threading.Thread(target=self.loop.run)

    def world(self, people: Any) -> World:
        keep = self.done.append
        wait = SimpleNamespace(deadline=lambda: None, on_tick=lambda _now: None)
        links = SimpleNamespace(
            send=keep,
            drop=lambda effect, _now: keep(effect),
            adopt=self._adopt,
            cut=self.connections.get,
            took=lambda sock, seconds, _now: self.took.append((sock, seconds)),
            deadline=lambda: self.saying_goodbye_until_s,
            on_tick=self._links_tick,
        )
        lan = SimpleNamespace(
            sockets=list,
            look_around=self._look,
            poll=lambda _now: NOTHING_NEW,
            receive=self._receive,
            transmit=keep,
        )
        parts = {
            "trust": SimpleNamespace(trust=self._trust),
            "lan": lan,
            "links": links,
            "doorway": SimpleNamespace(
                **vars(wait),
                open_door=keep,
                answer_introduction=keep,
                cut=self.visitors.__contains__,
                strangers=SimpleNamespace(cut_off=self.cut_off.append),
            ),
            "dialling": SimpleNamespace(dial=keep, call=keep, introduce=keep),
            "segments": SimpleNamespace(narrow=keep),
            "serving": SimpleNamespace(answer=keep, cut_off=self.cut_off.append),
            "fetching": SimpleNamespace(
                **vars(wait), submit=keep, cancel=keep, cut_off=self.cut_off.append
            ),
            "disk": SimpleNamespace(submit=keep, tidy=self.tidied.append),
            "store": SimpleNamespace(submit=keep),
            "chores": SimpleNamespace(deadline=lambda: None, on_tick=self._chores_tick),
            "ballast": SimpleNamespace(free=self._free),
        }
        return World(**cast("Any", parts), people=people, own_label=self, recorder=self.recorder)

    def told(self, tell: Tell, /) -> None:
        self.tells.append(tell)

    def replied(self, reply: Reply, /) -> None:
        self.done.append(reply)

    def follow(self, label: str, /) -> None:
        self.done.append(("own label", label))

    def drain(self, order: OrderId, /) -> None:
        self.done.append(("drain", order))

    def _trust(self, members: Any) -> str:
        self.done.append(members)
        return "gone"

    def _adopt(self, opened: OpenedLink) -> list[Any]:
        if opened.sock in self.connections:
            raise ValueError("broken")
        return [opened]

    def _chores_tick(self, _now: Now, prune: PruneOrder, *, short_of_room: bool) -> None:
        assert isinstance(prune(), PruneTrash)
        self.begun += 1
        self.short.append(short_of_room)

    def _free(self) -> bool:
        self.reserve -= 1
        return self.reserve >= 0

    def _look(self) -> Sight:
        self.done.append("looked")
        return self.sights.pop(0) if self.sights else NOTHING_NEW

    def _receive(self, sock: socket.socket) -> list[DatagramHeard]:
        sock.recv(100)
        return self.datagrams

    def _links_tick(self, _now: Now) -> list[Any]:
        late, self.late = self.late, []
        return late

    def start(self) -> Stage:
        self.thread.start()
        return self

    def join(self) -> None:
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()

    def close(self) -> None:
        if self.thread.is_alive():
            leave(self.loop)
            self.join()
        self.inbox.close()
        self.selector.close()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def stage(script: Script) -> Iterator[Stage]:
    one = Stage(script)
    yield one
    one.close()


def reply(number: int) -> Reply:
    return Reply(number, ok=True, text="")


# -- effects and events ----------------------------------------------------------------------------
def test_every_effect_reaches_its_shell(
    stage: Stage, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    # effects without fields cannot be weighed
    monkeypatch.setattr(Recorder, "note", lambda _recorder, _call: None)
    kinds = [
        kind
        for kind in get_args(Effect)
        if kind not in (Leave, Tell, LookAround, effects.Trust, effects.DrainWatch)
    ]
    wanted = [object.__new__(kind) for kind in kinds]
    trust, mark = effects.Trust(()), effects.MarkShare(b"g", "me", "")
    wanted = [mark if isinstance(effect, effects.MarkShare) else effect for effect in wanted]
    drain = effects.DrainWatch(OrderId(7))
    script.on_start = lambda: [*wanted, trust, drain, LookAround(), Tell("c", "t", "info", "")]
    stage.start()
    until(lambda: stage.tells)
    assert [tell.code for tell in stage.tells] == ["c"], "nothing was dropped"
    label, drained = ("own label", "me"), ("drain", OrderId(7))
    done = [effect for effect in stage.done if effect not in ("looked", (), label, drained)]
    assert [id(effect) for effect in done] == [id(effect) for effect in wanted]
    marked_at = next(at for at, effect in enumerate(stage.done) if effect is mark)
    assert stage.done[marked_at + 1] == label
    assert stage.done[-3:] == [(), drained, "looked"]  # whom to trust comes first
    assert stage.cut_off == ["gone"] * 3, "whoever is trusted no more is cut off everywhere"


def test_events_and_effects_keep_their_order(stage: Stage, script: Script) -> None:
    script.on_event = lambda event: (
        [reply(event.link), reply(-event.link)] if event != LeaveAsked() else [Leave()]
    )
    stage.start()
    for number in range(1, 3 * TURN_ITEMS):
        stage.loop.post(LinkClosed(LinkId(number), "", clean=True))
    until(lambda: len(stage.done) == 6 * TURN_ITEMS - 2)
    numbers = [effect.command for effect in stage.done]
    assert numbers == [
        signed for number in range(1, 3 * TURN_ITEMS) for signed in (number, -number)
    ]


def test_what_a_look_around_finds_is_told_after_the_effects_before_it(
    stage: Stage, script: Script
) -> None:
    seen = InterfacesSeen((), ())
    ear, voice = socket.socketpair()
    stage.sights = [Sight(seen, (ear,), ()), Sight(None, (), (ear,))]
    stage.datagrams = [DatagramHeard(b"x", Address("10.0.0.1", 1), "unicast")]
    script.on_start = lambda: [LookAround(), reply(1)]
    answers: dict[Any, list[Effect]] = {
        LeaveAsked(): [Leave()],
        seen: [reply(2)],
        stage.datagrams[0]: [LookAround()],
    }
    script.on_event = lambda event: answers[event]
    stage.start()
    until(lambda: len(stage.done) == 3)
    assert stage.done == ["looked", reply(1), reply(2)]
    voice.send(b"x")  # what comes on a socket that was added is heard
    until(lambda: stage.datagrams[0] in script.heard)
    until(lambda: ear.fileno() < 0)  # the second look took the socket away
    voice.close()


def test_links_that_were_opened_are_adopted_and_ends_of_others_heard(
    stage: Stage, script: Script
) -> None:
    ours, theirs = socket.socketpair()
    opened = OpenedLink(
        cast("Any", ours), LinkKind.CONTROL, DeviceId(b"d" * 32), Address("h", 1), b"", None
    )
    closed = LinkClosed(LinkId(1), "gone", clean=False)
    stage.late = [closed]
    stage.start().loop.post(opened)
    until(lambda: {closed, opened} <= set(script.heard))
    until(lambda: ours in [sock for sock, seconds in stage.took if seconds > 0])
    for sock in (ours, theirs):
        sock.close()


def test_the_engine_is_called_when_it_wants_to_be(stage: Stage, script: Script) -> None:
    times: list[float] = []
    script.due = time.monotonic() + 0.05
    due = script.due

    def on_event(event: Any) -> list[Effect]:
        if event == LeaveAsked():
            return [Leave()]
        times.append(event[1])
        return []

    script.on_event = on_event
    stage.start()
    until(lambda: times)
    assert times[0] >= due
    assert len(times) == 1


def test_chores_are_looked_at_in_every_turn(stage: Stage) -> None:
    stage.start()
    begun = stage.loop.ask(lambda _engine, _now: stage.begun)
    until(lambda: stage.begun > begun)


def test_chores_hear_whether_files_wait_for_room(stage: Stage, script: Script) -> None:
    stage.start().loop.post(RescanAsked())
    until(lambda: stage.short)
    script.short = True
    stage.loop.post(RescanAsked())
    until(lambda: True in stage.short)
    assert stage.short[0] is False


# -- questions -------------------------------------------------------------------------------------
def test_a_question_is_answered_on_the_loop_thread_with_its_clock(
    stage: Stage, script: Script
) -> None:
    stage.start()
    before = time.monotonic()
    engine, now, thread = stage.loop.ask(
        lambda engine, now: (engine, now, threading.current_thread())
    )
    assert cast("Any", engine) is script
    assert before <= now <= time.monotonic()
    assert thread is stage.thread


def test_the_error_of_an_answer_comes_to_the_one_who_asked(stage: Stage) -> None:
    stage.start()
    with pytest.raises(ZeroDivisionError):
        stage.loop.ask(lambda _engine, now: now / 0)
    assert stage.loop.ask(lambda _engine, _now: "well") == "well"


def test_a_look_is_answered_between_two_events_whatever_waits(stage: Stage, script: Script) -> None:
    first, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        first.set()
        go_on.wait(10)

    def heard(_engine: object, _now: float) -> int:
        return len(script.heard)

    stage.start()
    busy = threading.Thread(target=lambda: stage.loop.ask(lambda _e, _n: hold()))
    busy.start()
    first.wait(10)
    for number in range(3):
        stage.inbox.post(LinkClosed(LinkId(number), "", clean=True))
    in_turn, look = stage.loop.promise(heard), stage.inbox.look(heard)
    go_on.set()
    busy.join()
    assert in_turn.result(10) - look.result(10) >= 2, "it did not wait for what was posted before"


def test_a_question_that_takes_too_long_is_given_up_and_never_asked(stage: Stage) -> None:
    begun, go_on, asked = threading.Event(), threading.Event(), []

    def keep_busy() -> None:
        begun.set()
        go_on.wait(WAIT_S)

    stage.start()
    stage.inbox.post(LinkClosed(LinkId(1), "", clean=True))
    busy = threading.Thread(target=lambda: stage.loop.ask(lambda _e, _n: keep_busy(), WAIT_S))
    busy.start()
    assert begun.wait(WAIT_S)
    with pytest.raises(TimeoutError):
        stage.loop.ask(lambda _engine, _now: asked.append(1), timeout_s=0.05)
    go_on.set()
    busy.join()
    stage.loop.ask(lambda _engine, _now: None)
    assert not asked


def test_nobody_waits_for_a_loop_that_has_ended(stage: Stage) -> None:
    stage.start()
    leave(stage.loop)
    stage.join()
    with FairTime() as clock, pytest.raises(CancelledError):
        stage.loop.ask(lambda _engine, _now: 1)
    assert clock.spent() < module.ASK_S / 2


def test_questions_and_links_that_come_too_late_are_let_go(stage: Stage, script: Script) -> None:
    ours, theirs = socket.socketpair()
    opened = OpenedLink(cast("Any", ours), LinkKind.PAIRING, None, Address("h", 1), b"", None)
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            stage.loop.ask(lambda _engine, _now: 1)
        except CancelledError as error:
            caught.append(error)

    asking = threading.Thread(target=ask)

    def ends(
        _event: Any,
    ) -> list[Effect]:  # in the middle of a turn: what comes now is looked at no more
        asking.start()
        until(stage.inbox._items.qsize)
        stage.loop.post(opened)
        return [Leave()]

    script.on_event = ends
    stage.start()
    leave(stage.loop)
    stage.join()
    asking.join(WAIT_S)
    assert len(caught) == 1
    assert ours.fileno() < 0
    theirs.close()


# -- trouble ---------------------------------------------------------------------------------------
def failing(times: int, error: Exception) -> Callable[[Any], list[Effect]]:
    """Fail so often, then answer."""
    left = iter(range(times))

    def on_event(event: Any) -> list[Effect]:
        if event == LeaveAsked():
            return [Leave()]
        if next(left, None) is not None:
            raise error
        return [reply(7)]

    return on_event


def test_a_full_disk_costs_the_ballast_and_the_event_is_tried_once_more(
    stage: Stage, script: Script
) -> None:
    stage.reserve = 1
    script.on_event = failing(1, FULL)
    stage.start().loop.post(RescanAsked())
    until(lambda: stage.done)
    assert stage.done == [reply(7)]
    assert script.heard == [RescanAsked(), RescanAsked()]
    assert [tell.code for tell in stage.tells] == ["ballast_freed"]
    assert "the disk is full" in stage.tells[0].text
    assert "\n" not in stage.tells[0].text


@pytest.mark.parametrize(
    ("ballast", "told"), [(0, ["index_trouble"]), (1, ["ballast_freed", "index_trouble"])]
)
def test_trouble_that_stays_is_told_and_the_loop_goes_on(
    stage: Stage, script: Script, ballast: int, told: list[str]
) -> None:
    stage.reserve = ballast
    script.on_event = failing(1 + ballast, FULL)
    stage.start().loop.post(RescanAsked())
    stage.loop.post(RescanAsked())
    until(lambda: stage.done)
    assert stage.done == [reply(7)]  # the second event
    assert [tell.code for tell in stage.tells] == told
    assert stage.loop.failure is None


@pytest.mark.parametrize("heard", [True, False])
def test_a_damaged_index_ends_the_loop_whoever_found_it(
    stage: Stage, script: Script, caplog: pytest.LogCaptureFixture, *, heard: bool
) -> None:
    stage.reserve = 1

    def damaged(_event: object) -> list[Effect]:
        script.index.damaged = True
        if heard:
            raise IndexDamaged("the index is damaged")
        return [reply(7)]

    script.on_event = damaged
    stage.start().loop.post(RescanAsked())
    until(stage.loop.ended.is_set)
    assert isinstance(stage.loop.failure, IndexDamaged)
    assert stage.tells == [], "who mends it tells it"
    assert stage.reserve == 1
    assert not caplog.records


@pytest.mark.parametrize("error", [Malformed("no", "because"), ZeroDivisionError("oops")])
def test_a_fault_in_one_event_is_told_and_the_loop_goes_on(
    stage: Stage, script: Script, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    script.on_event = failing(1, error)
    stage.start().loop.post(RescanAsked())
    stage.loop.post(RescanAsked())
    until(lambda: stage.done)
    assert [tell.code for tell in stage.tells] == ["dropped"]
    assert (
        "because"
        if isinstance(error, Malformed)
        else "a fault in potluck itself: ZeroDivisionError('oops')"
    ) in (stage.tells[0].text)
    assert caplog.records[0].exc_info


@pytest.mark.parametrize("error", [FULL, ZeroDivisionError("oops")])
def test_whoever_waits_for_an_event_that_was_dropped_is_answered(
    stage: Stage, script: Script, error: Exception
) -> None:
    script.on_event = failing(1, error)
    stage.start().loop.post(AddAsked(5, (), "copy"))
    until(lambda: stage.done)
    (answer,) = stage.done
    assert isinstance(answer, effects.Reply)
    assert (answer.command, answer.ok) == (5, False)
    assert answer.text in stage.tells[0].text


def test_a_fault_in_one_effect_takes_no_other_with_it(stage: Stage, script: Script) -> None:
    script.on_start = lambda: [
        cast("Any", "no effect at all"),
        effects.Trust(cast("Any", None)),
        reply(1),
    ]
    stage.start()
    until(lambda: reply(1) in stage.done)
    assert [tell.code for tell in stage.tells] == ["dropped"]
    assert stage.tells[0].text.startswith("str was dropped")


def test_a_fault_in_the_first_words_of_a_link_ends_that_link(stage: Stage, script: Script) -> None:
    ours, theirs = socket.socketpair()
    closed = LinkClosed(LinkId(1), "a fault", clean=False)
    stage.connections[ours] = [closed]
    opened = OpenedLink(cast("Any", ours), LinkKind.PAIRING, None, Address("h", 1), b"", None)
    stage.start().loop.post(opened)
    until(lambda: closed in script.heard)
    assert [tell.code for tell in stage.tells] == ["dropped"]
    assert stage.loop.failure is None
    for sock in (ours, theirs):
        sock.close()


@pytest.mark.parametrize("visitor", [False, True])
def test_a_fault_on_one_connection_ends_that_connection(
    stage: Stage, script: Script, visitor: bool
) -> None:
    ours, theirs = socket.socketpair()
    closed = LinkClosed(LinkId(1), "a fault", clean=False)
    if visitor:
        stage.visitors.append(ours)
    else:
        stage.connections[ours] = [closed]

    def broken(_mask: int) -> list[Any]:
        stage.selector.unregister(ours)
        raise ValueError("broken")

    stage.selector.register(ours, selectors.EVENT_READ, broken)
    theirs.send(b"x")
    stage.start()
    until(lambda: stage.tells)
    assert "what came on a connection was dropped" in stage.tells[0].text
    stage.loop.post(RescanAsked())
    until(lambda: RescanAsked() in script.heard)
    assert (closed in script.heard) is not visitor
    assert stage.loop.failure is None
    for sock in (ours, theirs):
        sock.close()


def test_a_fault_of_the_loop_itself_is_kept_and_ends_it(
    stage: Stage, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = socket.socketpair()
    caught: list[str] = []

    def broken(_mask: int) -> list[Any]:
        raise ValueError("broken")

    stage.selector.register(ours, selectors.EVENT_READ, broken)
    theirs.send(b"x")
    stage.start()
    assert stage.loop.ended.wait(WAIT_S)
    stage.join()
    assert repr(stage.loop.failure) == "ValueError('broken')"
    assert caplog.records[-1].levelno == logging.CRITICAL
    with pytest.raises(CancelledError):
        stage.loop.ask(lambda _engine, _now: caught.append("asked"))
    for sock in (ours, theirs):
        sock.close()


def test_an_engine_that_cannot_begin_ends_the_loop(stage: Stage, script: Script) -> None:
    def full() -> list[Any]:
        raise DiskTrouble("the index cannot be written")

    script.on_start = full
    stage.start()
    assert stage.loop.ended.wait(WAIT_S)
    stage.join()
    assert isinstance(stage.loop.failure, DiskTrouble)


# -- the flight record -----------------------------------------------------------------------------
def test_every_call_is_noted_also_one_that_fails(stage: Stage, script: Script) -> None:
    stage.reserve = 1
    script.on_event = failing(1, FULL)
    script.due = time.monotonic()
    script.on_start = lambda: [reply(1)]
    stage.start()
    until(lambda: reply(7) in stage.done)
    noted = stage.recorder.calls()
    assert [(call.told, call.wanted) for call in noted] == [
        (Moment.START, (reply(1),)),
        (Moment.TICK, None),
        (Moment.TICK, (reply(7),)),
    ]
    assert sorted(call.now for call in noted) == [call.now for call in noted]


def test_the_record_is_written_when_something_is_dropped_but_not_over_and_over(
    stage: Stage, script: Script
) -> None:
    script.on_event = failing(3, ZeroDivisionError("oops"))
    stage.start()
    for _ in range(4):
        stage.loop.post(RescanAsked())
    until(lambda: stage.done)
    (write,) = stage.tidied
    record = write.__self__
    assert record.why == "an event was dropped"
    assert [call.told for call in record.calls] == [Moment.START, RescanAsked()]
    assert "Loop: ended=False" in record.parts[0]


def test_the_record_is_written_whenever_it_is_asked_for(stage: Stage) -> None:
    stage.start()
    for _ in range(2):
        stage.loop.post(RecordAsked())
    until(lambda: len(stage.tidied) == 2)
    assert {write.__self__.why for write in stage.tidied} == {"asked for"}


# -- ends ------------------------------------------------------------------------------------------
def test_leaving_ends_the_loop_without_a_failure(stage: Stage) -> None:
    stage.start()
    leave(stage.loop)
    stage.join()
    assert stage.loop.ended.is_set()
    assert stage.loop.failure is None
    assert not stage.tells


@pytest.mark.parametrize("trouble", ["silent", "failing"])
def test_an_engine_that_cannot_leave_is_left(
    stage: Stage, script: Script, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def on_event(_event: Any) -> list[Effect]:
        if trouble == "failing":
            raise FULL
        return []

    monkeypatch.setattr(module, "LEAVE_MAX_S", 0.1)
    script.on_event = on_event
    stage.start()
    leave(stage.loop)
    stage.join()
    assert stage.tells[-1].code == "left_hard"


def test_goodbyes_are_waited_for_but_not_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GOODBYE_S", 0.3)
    ours, theirs = socket.socketpair()

    def heard_the_end(_mask: int) -> list[Any]:
        ours.recv(10)
        stage.saying_goodbye_until_s = None
        return []

    stage.start()
    stage.loop.ask(
        lambda _engine, _now: stage.selector.register(ours, selectors.EVENT_READ, heard_the_end)
    )
    stage.saying_goodbye_until_s = math.inf
    leave(stage.loop)
    assert not stage.loop.ended.wait(0.1)
    theirs.send(b"x")
    stage.join()
    assert stage.saying_goodbye_until_s is None
    for sock in (ours, theirs):
        sock.close()


def test_a_goodbye_that_is_not_heard_ends_by_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GOODBYE_S", 0.1)
    stage.saying_goodbye_until_s = 0.0
    stage.start()
    leave(stage.loop)
    stage.join()


# -- with a real engine ----------------------------------------------------------------------------
def test_a_real_engine_starts_answers_and_leaves() -> None:
    index = Index.open(":memory:")
    settings = EngineSettings(label="den", port=7685, open_s=None, sweep=False)
    stage = Stage(Engine(settings, DeviceKey(b"k" * 64), index, Chance(1), b"i" * 16))
    stage.start()
    view = stage.loop.ask(lambda engine, now: engine.view(now))
    assert view.device["label"] == "den"
    assert any(isinstance(effect, effects.Transmit) for effect in stage.done)
    with FairTime() as clock:
        leave(stage.loop)
        stage.join()
    assert clock.spent() < limits.LEAVE_S
    assert stage.loop.failure is None
    assert not [tell for tell in stage.tells if tell.level == "error"]
    stage.close()
    index.close()
