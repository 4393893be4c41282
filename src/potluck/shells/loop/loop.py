"""The loop: the one thread that owns the engine, and everything that must not block.

Strategy: wait on the selector (control links, knocks, UDP sockets, a wake-up) until something is
ready or the next deadline; turn what came into events, hand each to the engine, carry its effects
out, repeat. Workers and other threads reach the loop only through its inbox. Which shell carries
out which effect stands in `_act`, one line each.

Guarantees: the engine is called from this thread and no other, with a clock that never goes back,
and never while the effects of an earlier call are still being carried out. An effect is carried out
at once or handed to a pool that never blocks. Trouble of the index is told and does not end the
loop, but an index that is damaged does (shells/state/mending.py). Every call is noted (calls.py) in
the flight record, which is written down when an event is dropped (loop/dropping.py says so,
once for each kind). Whoever asks gets an answer, or CancelledError as soon as there is nobody to
answer. Asked to leave, the loop ends within LEAVE_MAX_S even if the engine cannot; any other end is
kept in `failure`. Limits: a turn takes at most `TURN_ITEMS` posted items; then it looks at sockets.
"""

from __future__ import annotations

import logging
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, fields
from functools import partial
from typing import Final, Protocol, assert_never

from potluck.core.errors import DiskTrouble, IndexDamaged
from potluck.engine import effects
from potluck.engine.effects import Effect, NetworkEffect
from potluck.engine.engine import Engine
from potluck.engine.events import AddAsked, Event, LeaveAsked, OrderId
from potluck.engine.recording import Moment
from potluck.shells.bulk.fetching import Fetching
from potluck.shells.bulk.serving import Serving
from potluck.shells.disk.pool import DiskPool
from potluck.shells.links.control_links import ControlLinks
from potluck.shells.links.dialling import Dialling
from potluck.shells.links.doorway import Doorway
from potluck.shells.links.segments import Segments
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.calls import Calls
from potluck.shells.loop.chores import Chores
from potluck.shells.loop.dropping import Dropping
from potluck.shells.loop.inbox import Inbox, OpenedLink, Posted, Question, RecordAsked, Result
from potluck.shells.loop.people import People, first_line, trouble
from potluck.shells.loop.recorder import Recorder
from potluck.shells.net.lan import Lan, Sight
from potluck.shells.state.ballast import Ballast
from potluck.shells.state.store import Store

# of the inbox in one turn: about 50 ms of work, then the sockets are looked at
TURN_ITEMS: Final = 256
# the loop wakes at least this often and lets the LAN look whether its networks have changed
NETWORK_POLL_S: Final = 2.0
# the engine needs 0.2 s to leave; beyond this its index hangs, and links are cut without BYE
LEAVE_MAX_S: Final = 2.0
GOODBYE_S: Final = 1.0  # for BYEs to arrive; links give one another no longer either
GOODBYE_STEP_S: Final = 0.05  # between two looks at whether the others have closed
ASK_S: Final = 10.0  # longest wait for an answer: what the local API promises
_log = logging.getLogger(__name__)


class FollowsLabel(Protocol):
    """Whoever must know which folder is the own one: assembly.py."""

    def drain(self, order: OrderId, /) -> None:
        """Have everything told that the watcher noticed so far, then WatchDrained."""

    def follow(self, label: str, /) -> None:
        """The own folder has this label from now on."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything the loop carries effects out with; built by assembly.py."""

    trust: CurrentTrust
    lan: Lan
    links: ControlLinks
    doorway: Doorway
    dialling: Dialling
    segments: Segments
    serving: Serving
    fetching: Fetching
    disk: DiskPool
    store: Store
    chores: Chores
    ballast: Ballast
    people: People
    own_label: FollowsLabel
    recorder: Recorder

    def parts(self) -> list[object]:
        """Return all of them; each says in its repr how it is."""
        return [getattr(self, field.name) for field in fields(self)]


class Loop:
    """Drives one engine until it has left."""

    def __init__(
        self, engine: Engine, world: World, selector: selectors.BaseSelector, inbox: Inbox
    ) -> None:
        """Nothing runs before `run`."""
        self.inbox: Final = inbox
        self.ended: Final = threading.Event()
        self.failure: Exception | None = None  # why the loop ended, if nobody asked it to
        self._engine: Final = engine
        self._world: Final = world
        self._calls: Final = Calls(engine, world.recorder, world.ballast, world.people)
        self._selector: Final = selector
        self._dropping: Final = Dropping()
        self._stopping = False
        self._leave_by_s = math.inf

    def __repr__(self) -> str:
        """Show whether it runs, leaves or has failed."""
        leaving = self._leave_by_s < math.inf
        return f"<Loop: ended={self.ended.is_set()}, leaving={leaving}, failure={self.failure!r}>"

    def post(self, item: Posted) -> None:
        """Hand something to the loop, from any thread."""
        self.inbox.post(item)

    def ask(self, question: Callable[[Engine, float], Result], timeout_s: float = ASK_S) -> Result:
        """Ask the engine something from another thread.

        Raises TimeoutError, or CancelledError once the loop has ended.
        """
        answer = self.promise(question)
        try:
            return answer.result(timeout_s)
        finally:
            answer.cancel()  # after a time-out nobody wants to know any more

    def promise(self, question: Callable[[Engine, float], Result]) -> Future[Result]:
        """Ask the engine from another thread, and wait for the answer when it pleases.

        It is cancelled once the loop has ended.
        """
        answer: Future[Result] = Future()
        self.inbox.post(Question(question, answer))
        return answer

    def run(self) -> None:
        """The body of the loop thread."""
        try:
            for sock in self._world.lan.sockets():
                self._listen(sock)
            # what never began cannot go on: trouble ends the loop
            self._carry_out(self._calls.call(Moment.START))
            while not self._stopping:
                self._turn()
            _say_goodbye(self._world.links, self._selector)
        except IndexDamaged as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 # house: the main thread must learn why it ended
            _log.critical("the loop has failed", exc_info=error)
            self.failure = error
        finally:
            self.ended.set()
            self.inbox.turn_away()

    # -- one turn ----------------------------------------------------------------------------------
    def _turn(self) -> None:
        world = self._world
        for key, mask in self._selector.select(self._patience()):
            self._tell_what_came(key.fileobj, partial(key.data, mask))
        self.inbox.answer_looks(self._engine)
        for item in self.inbox.take(TURN_ITEMS):
            self._take(item)
        now = time.monotonic()
        for event in world.links.on_tick(now):
            self._tell_engine(event)
        world.doorway.on_tick(now)
        world.fetching.on_tick(now)
        short_of_room = self._engine.short_of_room(now)
        world.chores.on_tick(now, self._engine.prune_order, short_of_room=short_of_room)
        self._see(world.lan.poll(now))
        due = self._engine.deadline()
        if due is not None and due <= now:
            self._tell_engine(Moment.TICK)
        if self._engine.index.damaged:
            raise IndexDamaged(cause="SQLite found it damaged while potluck ran")
        if now >= self._leave_by_s and not self._stopping:
            why = "left without saying goodbye: the index hangs"
            world.people.told(trouble("left_hard", why))
            self._stopping = True

    def _tell_what_came(self, sock: object, bring: Callable[[], Iterable[Event] | None]) -> None:
        """Tell the engine what a socket brought, and its link how long all that took.

        A fault there ends its connection, and no other.
        """
        began_s = time.thread_time()
        try:
            events = bring() or ()
        except Exception as error:  # house: whoever is at the other end may cause it
            cut = self._world.links.cut(sock)
            if cut is None and not self._world.doorway.cut(sock):
                raise
            self._drop("what came on a connection", error)
            events = cut or ()
        for event in events:
            self._tell_engine(event)
        self._world.links.took(sock, time.thread_time() - began_s, time.monotonic())

    def _patience(self) -> float:
        """Return how long the selector may wait, in seconds."""
        world, now = self._world, time.monotonic()
        deadlines = (
            self._engine.deadline(),
            world.links.deadline(),
            world.doorway.deadline(),
            world.fetching.deadline(),
            world.chores.deadline(),
            self._leave_by_s,
            now + NETWORK_POLL_S,
        )
        return max(0.0, min(deadline for deadline in deadlines if deadline is not None) - now)

    def _take(self, item: Posted) -> None:
        """Act on what another thread put in."""
        match item:
            case OpenedLink():
                self._tell_what_came(item.sock, partial(self._world.links.adopt, item))
            case Question():
                item.settle(self._engine)
            case RecordAsked():
                self._write_record("asked for")
            case LeaveAsked():
                self._leave_by_s = min(self._leave_by_s, time.monotonic() + LEAVE_MAX_S)
                self._tell_engine(item)
            case _:
                self._tell_engine(item)

    # -- networks ----------------------------------------------------------------------------------
    def _see(self, sight: Sight) -> None:
        """Follow the networks: their sockets come and go."""
        for sock in sight.removed:
            self._selector.unregister(sock)
            sock.close()
        for sock in sight.added:
            self._listen(sock)
        if sight.event is not None:
            # not handled here: effects of an earlier call may still have to be done
            self.inbox.post(sight.event)

    def _listen(self, sock: socket.socket) -> None:
        self._selector.register(sock, selectors.EVENT_READ, partial(self._hear, sock))

    def _hear(self, sock: socket.socket, _mask: int) -> list[Event]:
        """Return the datagrams that wait on a socket of the LAN."""
        return [*self._world.lan.receive(sock)]

    # -- the engine --------------------------------------------------------------------------------
    def _tell_engine(self, told: Event | Moment) -> None:
        """Call the engine and carry its effects out; trouble is told to people."""
        try:
            wanted = self._calls.call(told)
        except DiskTrouble as error:
            if not isinstance(error, IndexDamaged):  # who mends it tells it
                self._world.people.told(trouble("index_trouble", first_line(error)))
            _refuse(self._world.people, told, first_line(error))
        except Exception as error:  # noqa: BLE001 # house: one bad event must not end it all
            _refuse(self._world.people, told, self._drop("an event", error))
        else:
            self._carry_out(wanted)
        self.inbox.answer_looks(self._engine)

    def _carry_out(self, wanted: list[Effect]) -> None:
        for effect in wanted:
            try:
                self._act(effect)
            except Exception as error:  # noqa: BLE001 # house: as for events; a peer may cause it
                self._drop(type(effect).__name__, error)

    def _act(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - one table
        """Have the shell whose business it is carry out one effect."""
        world = self._world
        match effect:
            case effects.Answer():
                world.serving.answer(effect)
            case effects.Fetch():
                world.fetching.submit(effect)
            case effects.CancelFetch():
                world.fetching.cancel(effect)
            case effects.MakeDurable():
                world.store.submit(effect)
            case effects.MarkShare():
                world.disk.submit(effect)
                world.own_label.follow(effect.label)
            case effects.DrainWatch():
                world.own_label.drain(effect.order)
            case effects.Look() | effects.LookAtTop() | effects.Scan():
                world.disk.submit(effect)
            case effects.Hash() | effects.Import() | effects.PruneTrash():
                world.disk.submit(effect)
            case effects.Place() | effects.Settle() | effects.DropParts():
                world.disk.submit(effect)
            case effects.MakeFolders() | effects.MoveFolder() | effects.DropFolder():
                world.disk.submit(effect)
            case effects.Tell():
                world.people.told(effect)
            case effects.Reply():
                world.people.replied(effect)
            case effects.Leave():
                self._stopping = True
            case effects.LookAround():
                self._see(world.lan.look_around())
            case _:
                _act_on_network(world, effect)

    # -- trouble and the end -----------------------------------------------------------------------
    def _drop(self, what: str, error: Exception) -> str:
        """Say what went wrong, and have the last events written down; return why."""
        why = self._dropping.note(what, error, self._world.people)
        if self._world.recorder.may_repeat(time.monotonic()):
            self._write_record(f"{what} was dropped")
        return why

    def _write_record(self, why: str) -> None:
        """Have a disk thread write the flight record down."""
        world = self._world
        parts = [self, self.inbox, self._dropping, *world.parts()]
        world.disk.tidy(world.recorder.record(why, parts).write)


def _act_on_network(world: World, effect: NetworkEffect) -> None:  # noqa: C901 - one table
    """Have the shell of networks, doors or links carry out one effect."""
    match effect:
        case effects.Transmit():
            world.lan.transmit(effect)
        case effects.Dial():
            world.dialling.dial(effect)
        case effects.DialToServe():
            world.dialling.call(effect)
        case effects.Introduce():
            world.dialling.introduce(effect)
        case effects.Narrow():
            world.segments.narrow(effect)
        case effects.OpenDoor():
            world.doorway.open_door(effect)
        case effects.AnswerIntroduction():
            world.doorway.answer_introduction(effect)
        case effects.Trust():
            gone = world.trust.trust(effect.members)
            for part in (world.serving, world.fetching, world.doorway.strangers):
                part.cut_off(gone)
        case effects.Send():
            world.links.send(effect)
        case effects.Drop():
            world.links.drop(effect, time.monotonic())
        case _:
            assert_never(effect)


def _refuse(people: People, told: Event | Moment, why: str) -> None:
    """Answer whoever waits for files to be added: the engine never will."""
    if isinstance(told, AddAsked):
        people.replied(effects.Reply(told.command, ok=False, text=why))


def _say_goodbye(links: ControlLinks, selector: selectors.BaseSelector) -> None:
    """Let BYEs arrive: for a short while only flush links and wait until the others closed."""
    until = time.monotonic() + GOODBYE_S
    while links.deadline() is not None and time.monotonic() < until:
        for key, mask in selector.select(GOODBYE_STEP_S):
            key.data(mask)
        links.on_tick(time.monotonic())


def leave(loop: Loop) -> None:
    """Ask the engine to leave; from any thread, also from a signal handler."""
    loop.post(LeaveAsked())
