"""The loop: the one thread that owns the engine, and everything that must not block.

Strategy: wait on the selector (control links, knocks, UDP sockets, a wake-up) until something is
ready or the next deadline; turn what came into events, hand each to the engine, carry its effects
out, repeat. Workers and other threads reach the loop only through `post` and `ask`, which put
something into its inbox.

Guarantees: the engine is called from this thread and no other, with a clock that never goes back,
and never while the effects of an earlier call are still being carried out. An effect is carried out
at once or handed to a pool that never blocks. Trouble of the index is told and does not end the
loop; if the disk is full the ballast is freed and the event tried once more. Whoever asks gets an
answer, or CancelledError as soon as there is nobody to answer. Asked to leave, the loop ends within
LEAVE_MAX_S even if the engine cannot; any other end is kept in `failure`. Limits: a turn handles at
most `TURN_ITEMS` posted items, so that sockets are looked at in between.
"""

from __future__ import annotations

import logging
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from potluck.core.errors import DiskTrouble, PotluckError
from potluck.engine import effects
from potluck.engine.effects import Effect
from potluck.engine.engine import Engine
from potluck.engine.events import DialFailed, Event, LeaveAsked
from potluck.shells.bulk.fetching import Fetching
from potluck.shells.bulk.serving import Serving
from potluck.shells.disk.pool import DiskPool
from potluck.shells.links.control_links import ControlLinks
from potluck.shells.links.dialling import Dialling
from potluck.shells.links.doorway import Doorway
from potluck.shells.links.hello import OpenedLink
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.chores import Chores
from potluck.shells.loop.inbox import Inbox
from potluck.shells.net.lan import Lan, Sight
from potluck.shells.state.store import Store

TURN_ITEMS: Final = 256
NETWORK_POLL_S: Final = 2.0
# the engine needs 0.2 s to leave; beyond this its index hangs, and links are cut without BYE
LEAVE_MAX_S: Final = 2.0
GOODBYE_S: Final = 1.0  # for BYEs to arrive; links give one another no longer either
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """Everything the loop carries effects out with; built by daemon.py."""

    standing: CurrentTrust
    lan: Lan
    links: ControlLinks
    doorway: Doorway
    dialling: Dialling
    serving: Serving
    fetching: Fetching
    disk: DiskPool
    store: Store
    chores: Chores
    transmit: Callable[[effects.Transmit], None]  # sends a datagram, if the settings allow it
    told: Callable[[effects.Tell], None]  # shows a notice
    replied: Callable[[effects.Reply], None]  # hands the result of a command to whoever waits
    marked: Callable[[effects.MarkShare], None]  # the own folder has this label now
    free_ballast: Callable[[], bool]  # make room for the index; False if there is no ballast


@dataclass(frozen=True, slots=True)
class _Question(Generic[T]):
    """What another thread wants to know of the engine."""

    ask: Callable[[Engine, float], T]
    answer: Future[T]

    def settle(self, engine: Engine) -> None:
        """Answer, unless nobody waits any more."""
        if self.answer.set_running_or_notify_cancel():
            try:
                self.answer.set_result(self.ask(engine, time.monotonic()))
            except Exception as error:  # noqa: BLE001 # house: handed to the thread that asked
                self.answer.set_exception(error)


class Loop:
    """Drives one engine until it has left."""

    def __init__(self, engine: Engine, selector: selectors.BaseSelector, inbox: Inbox) -> None:
        """Nothing runs before `run`."""
        self.inbox: Final = inbox
        self.ended: Final = threading.Event()
        self.failure: Exception | None = None  # why the loop ended, if nobody asked it to
        self._engine: Final = engine
        self._selector: Final = selector
        self._acts: dict[type, Callable[[Any], object]] = {}
        self._stopping = False
        self._leave_by_s = math.inf

    def post(self, item: Event | OpenedLink | DialFailed) -> None:
        """Hand a fact to the loop, from any thread."""
        self.inbox.post(item)

    def ask(self, question: Callable[[Engine, float], T], timeout_s: float = 10.0) -> T:
        """Ask the engine something from another thread; raises TimeoutError, or CancelledError
        while stopping.
        """
        answer: Future[T] = Future()
        self.inbox.post(_Question(question, answer))
        if self.ended.is_set():  # perhaps it was put in after the loop looked for the last time
            answer.cancel()
        try:
            return answer.result(timeout_s)
        finally:
            answer.cancel()  # after a time-out nobody wants to know any more

    def run(self, world: World) -> None:
        """The body of the loop thread."""
        self._acts = _acts(world, lambda sight: self._see(world, sight))
        try:
            for sock in world.lan.sockets():
                self._selector.register(sock, selectors.EVENT_READ, _receiver(world.lan, sock))
            # what never began cannot go on: trouble ends the loop
            for effect in self._try(world, self._engine.start):
                self._carry_out(world, effect)
            while not self._stopping:
                self._turn(world)
            self._say_goodbye(world)
        except Exception as error:  # noqa: BLE001 # house: the main thread must learn why there is no loop any more
            _log.critical("the loop has failed", exc_info=error)
            self.failure = error
        finally:
            self.ended.set()
            self.turn_away()

    def turn_away(self) -> None:
        """The loop has ended: let go of what is still put in, so that nobody waits for an answer or
        holds a socket.
        """
        while items := self.inbox.take(TURN_ITEMS):
            for item in items:
                if isinstance(item, _Question):
                    item.answer.cancel()
                elif isinstance(item, OpenedLink):
                    item.sock.close()

    # -- one turn ----------------------------------------------------------------------------------
    def _turn(self, world: World) -> None:
        for key, mask in self._selector.select(self._patience(world)):
            for event in key.data(mask) or ():
                self._handle(world, event)
        for item in self.inbox.take(TURN_ITEMS):
            self._take(world, item)
        now = time.monotonic()
        for event in world.links.on_tick(now):
            self._handle(world, event)
        world.doorway.on_tick(now)
        world.fetching.on_tick(now)
        world.chores.on_tick(now)
        self._see(world, world.lan.poll(now))
        due = self._engine.deadline()
        if due is not None and due <= now:
            self._call(world, self._engine.on_tick)
        if now >= self._leave_by_s and not self._stopping:
            world.told(
                effects.Tell(
                    "left_hard", "left without saying goodbye: the index hangs", "error", ""
                )
            )
            self._stopping = True

    def _patience(self, world: World) -> float:
        now = time.monotonic()
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

    def _take(self, world: World, item: object) -> None:
        """Act on what another thread put in."""
        if isinstance(item, OpenedLink):
            for event in world.links.adopt(item):
                self._handle(world, event)
        elif isinstance(item, _Question):
            item.settle(self._engine)
        else:
            if isinstance(item, LeaveAsked):
                self._leave_by_s = min(self._leave_by_s, time.monotonic() + LEAVE_MAX_S)
            self._handle(world, item)  # type: ignore[arg-type]  # only events are posted besides

    def _see(self, world: World, sight: Sight) -> None:
        """Follow the networks: their sockets come and go."""
        for sock in sight.removed:
            self._selector.unregister(sock)
            sock.close()
        for sock in sight.added:
            self._selector.register(sock, selectors.EVENT_READ, _receiver(world.lan, sock))
        if sight.event is not None:
            # not handled here: effects of an earlier call may still have to be done
            self.inbox.post(sight.event)

    # -- the engine --------------------------------------------------------------------------------
    def _handle(self, world: World, event: Event) -> None:
        self._call(world, lambda now: self._engine.handle(event, now))

    def _call(self, world: World, work: Callable[[float], list[Effect]]) -> None:
        """Call the engine and carry its effects out; trouble is told, once more is tried if that
        may help.
        """
        try:
            wanted = self._try(world, work)
        except DiskTrouble as error:
            world.told(effects.Tell("index_trouble", first_line(error), "error", ""))
        except Exception as error:  # noqa: BLE001 # house: one event that fails must not take a home's files offline
            _tell_dropped(world, "an event", error)
        else:
            for effect in wanted:
                self._carry_out(world, effect)

    def _try(self, world: World, work: Callable[[float], list[Effect]]) -> list[Effect]:
        try:
            return work(time.monotonic())
        except DiskTrouble as error:
            if not world.free_ballast():
                raise
            world.told(
                effects.Tell(
                    "ballast_freed", f"{first_line(error)}; a reserve was used up", "error", ""
                )
            )
            return work(time.monotonic())

    def _carry_out(self, world: World, effect: Effect) -> None:
        if isinstance(effect, effects.Leave):
            self._stopping = True
            return
        try:
            self._acts[type(effect)](effect)
        except Exception as error:  # noqa: BLE001 # house: as for events; a member may have a hand in it
            _tell_dropped(world, type(effect).__name__, error)

    def _say_goodbye(self, world: World) -> None:
        """Let BYEs arrive: for a short while nothing but flushing links and waiting until the
        others have closed.
        """
        until = time.monotonic() + GOODBYE_S
        while world.links.deadline() is not None and time.monotonic() < until:
            for key, mask in self._selector.select(0.05):
                key.data(mask)
            world.links.on_tick(time.monotonic())


def _acts(world: World, see: Callable[[Sight], None]) -> dict[type, Callable[[Any], object]]:
    """Say who carries out which effect."""
    to_disk = world.disk.submit

    def mark(effect: effects.MarkShare) -> None:
        to_disk(effect)
        world.marked(effect)

    return {
        effects.Transmit: world.transmit,
        effects.Dial: world.dialling.dial,
        effects.Send: world.links.send,
        effects.Drop: lambda effect: world.links.drop(effect, time.monotonic()),
        effects.Trust: lambda effect: world.standing.trust(effect.members),
        effects.OpenDoor: world.doorway.open_door,
        effects.Introduce: world.dialling.introduce,
        effects.AnswerIntroduction: world.doorway.answer_introduction,
        effects.LookAround: lambda _: see(world.lan.look_around()),
        effects.Answer: world.serving.answer,
        effects.Look: to_disk,
        effects.Scan: to_disk,
        effects.Hash: to_disk,
        effects.Place: to_disk,
        effects.Settle: to_disk,
        effects.DropParts: to_disk,
        effects.Import: to_disk,
        effects.MakeFolders: to_disk,
        effects.MarkShare: mark,
        effects.Fetch: world.fetching.submit,
        effects.CancelFetch: world.fetching.cancel,
        effects.MakeDurable: world.store.submit,
        effects.Tell: world.told,
        effects.Reply: world.replied,
    }


def _tell_dropped(world: World, what: str, error: Exception) -> None:
    """Write down what went wrong in full, and tell a person in one line."""
    _log.error("%s was dropped", what, exc_info=error)
    why = (
        first_line(error)
        if isinstance(error, PotluckError)
        else f"a fault in potluck itself: {error!r}"
    )
    world.told(effects.Tell("dropped", f"{what} was dropped: {why}", "error", ""))


def _receiver(lan: Lan, sock: socket.socket) -> Callable[[int], list[Event]]:
    return lambda _mask: list(lan.receive(sock))


def first_line(error: PotluckError) -> str:
    """Return the three parts of an error as one line, for a notice."""
    return "; ".join(" ".join(line.split()) for line in str(error).splitlines())


def leave(loop: Loop) -> None:
    """Ask the engine to leave; from any thread, also from a signal handler."""
    loop.post(LeaveAsked())
