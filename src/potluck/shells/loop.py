"""The loop: the one thread that owns the engine, and everything that must not block.

Strategy: wait on the selector (control links, knocks, UDP sockets, a wake-up) until something is ready or the next
deadline; turn what came into events, hand each to the engine, carry its effects out, repeat. Workers and other
threads reach the loop only through `post` and `ask`: a queue and one byte on a socket pair.

Guarantees: the engine is called from this thread and no other, with a clock that never goes back. An effect is carried
out at once or handed to a pool that never blocks. Trouble of the index is told and does not end the loop; if the
disk is full the ballast is freed and the event tried once more. After `Leave` the loop ends by itself.
Limits: a turn handles at most `TURN_ITEMS` posted items, so that sockets are looked at in between.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from potluck.core.errors import DiskTrouble, PotluckError
from potluck.engine import effects
from potluck.engine.effects import Effect
from potluck.engine.engine import Engine
from potluck.engine.events import DialFailed, Event, LeaveAsked
from potluck.shells.dialling import Dialling
from potluck.shells.disk import DiskPool
from potluck.shells.doorway import Doorway
from potluck.shells.fetching import Fetching
from potluck.shells.lan import Lan, Sight
from potluck.shells.links import Links
from potluck.shells.opened import OpenedLink
from potluck.shells.serving import Serving
from potluck.shells.store import Store
from potluck.shells.tls import Standing

TURN_ITEMS: Final = 256
NETWORK_POLL_S: Final = 2.0
SPACE_POLL_S: Final = 10.0
IDLE_S: Final = 60.0
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """Everything the loop carries effects out with; built by daemon.py."""

    standing: Standing
    lan: Lan
    links: Links
    doorway: Doorway
    dialling: Dialling
    serving: Serving
    fetching: Fetching
    disk: DiskPool
    store: Store
    told: Callable[[effects.Tell], None]  # shows a notice
    replied: Callable[[effects.Reply], None]  # hands the result of a command to whoever waits
    marked: Callable[[effects.MarkShare], None]  # the own folder has this label now
    free_ballast: Callable[[], bool]  # make room for the index; False if there is no ballast


class Inbox:
    """How other threads reach the loop: a queue, and a byte that wakes the selector."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Watch the wake-up with this selector."""
        self._items: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._hear, self._wake = socket.socketpair()
        self._hear.setblocking(False)
        self._wake.setblocking(False)
        selector.register(self._hear, selectors.EVENT_READ, self._on_wake)

    def post(self, item: object) -> None:
        """Hand something to the loop; from any thread, never blocks."""
        self._items.put(item)
        with contextlib.suppress(BlockingIOError, OSError):  # a full pipe wakes as well as one byte more
            self._wake.send(b"!")

    def take(self, count: int) -> list[object]:
        """Return up to `count` items; wakes again if more are waiting."""
        items: list[object] = []
        with contextlib.suppress(queue.Empty):
            while len(items) < count:
                items.append(self._items.get_nowait())
        if len(items) == count:
            self.post(None)
        return items

    def _on_wake(self, _mask: int) -> list[Event]:
        with contextlib.suppress(BlockingIOError):
            self._hear.recv(4096)
        return []


class Loop:
    """Drives one engine until it has left."""

    def __init__(self, engine: Engine, selector: selectors.BaseSelector, inbox: Inbox) -> None:
        """Nothing runs before `run`."""
        self.inbox: Final = inbox
        self.ended: Final = threading.Event()
        self._engine: Final = engine
        self._selector: Final = selector
        self._world: World | None = None
        self._acts: dict[type, Callable[[Any], object]] = {}
        self._questions: Final[set[Future[Any]]] = set()  # asked by other threads, to be called off at the end
        self._stopping = False
        self._space_s = 0.0

    def post(self, item: Event | OpenedLink | DialFailed) -> None:
        """Hand a fact to the loop, from any thread."""
        self.inbox.post(item)

    def ask(self, question: Callable[[Engine, float], T], timeout_s: float = 10.0) -> T:
        """Ask the engine something from another thread; raises TimeoutError, or CancelledError while stopping."""
        answer: Future[T] = Future()

        def reply() -> None:
            try:
                answer.set_result(question(self._engine, time.monotonic()))
            except Exception as error:  # house: handed to the thread that asked
                answer.set_exception(error)

        self._questions.add(answer)
        self.inbox.post(reply)
        if self.ended.is_set():
            answer.cancel()
        try:
            return answer.result(timeout_s)
        finally:
            self._questions.discard(answer)

    def run(self, world: World) -> None:
        """The body of the loop thread."""
        self._world = world
        self._acts = _acts(world, self._see)
        try:
            for sock in world.lan.sockets():
                self._selector.register(sock, selectors.EVENT_READ, _receiver(world.lan, sock))
            self._call(self._engine.start)
            while not self._stopping:
                self._turn(world)
            self._say_goodbye(world)
        finally:
            self.ended.set()
            for question in list(self._questions):
                question.cancel()

    # -- one turn -------------------------------------------------------------------------------------------------
    def _turn(self, world: World) -> None:
        ready = self._selector.select(self._patience(world))
        for key, mask in ready:
            for event in key.data(mask) or ():
                self._handle(event)
        for item in self.inbox.take(TURN_ITEMS):
            self._take(item)
        now = time.monotonic()
        for event in world.links.on_tick(now):
            self._handle(event)
        world.doorway.on_tick(now)
        world.fetching.on_tick(now)
        self._see(world.lan.poll(now))
        if now >= self._space_s:
            self._space_s = now + SPACE_POLL_S
            world.disk.see_space()
        due = self._engine.deadline()
        if due is not None and due <= now:
            self._call(self._engine.on_tick)

    def _patience(self, world: World) -> float:
        now = time.monotonic()
        deadlines = (
            self._engine.deadline(),
            world.links.deadline(),
            world.doorway.deadline(),
            world.fetching.deadline(),
            self._space_s,
            now + NETWORK_POLL_S,
        )
        return max(0.0, min(deadline for deadline in deadlines if deadline is not None) - now)

    def _take(self, item: object) -> None:
        if isinstance(item, OpenedLink):
            assert self._world is not None
            for event in self._world.links.adopt(item):
                self._handle(event)
        elif callable(item):
            item()
        elif item is not None:
            self._handle(item)  # type: ignore[arg-type]  # events only are posted

    def _see(self, sight: Sight) -> None:
        """Follow the networks: their sockets come and go."""
        assert self._world is not None
        for sock in sight.removed:
            self._selector.unregister(sock)
            sock.close()
        for sock in sight.added:
            self._selector.register(sock, selectors.EVENT_READ, _receiver(self._world.lan, sock))
        if sight.event is not None:
            self._handle(sight.event)

    # -- the engine -----------------------------------------------------------------------------------------------
    def _handle(self, event: Event) -> None:
        self._call(lambda now: self._engine.handle(event, now))

    def _call(self, work: Callable[[float], list[Effect]]) -> None:
        assert self._world is not None
        for last_try in (False, True):
            try:
                wanted = work(time.monotonic())
            except DiskTrouble as error:
                self._world.told(effects.Tell("index_trouble", str(error).replace("\n", "; "), "error", ""))
                if last_try or not self._world.free_ballast():
                    return
                continue
            except Exception as error:  # house: a fault of ours in one event must not take the files of a home offline
                _log.exception("an event was dropped")
                what = error.what if isinstance(error, PotluckError) else f"a fault in potluck itself: {error!r}"
                self._world.told(effects.Tell("dropped", what, "error", ""))
                return
            for effect in wanted:
                self._carry_out(effect)
            return

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, effects.Leave):
            self._stopping = True
            return
        self._acts[type(effect)](effect)

    def _say_goodbye(self, world: World) -> None:
        """Let BYEs leave: a short while of nothing but flushing links."""
        until = time.monotonic() + 1.0
        while len(world.links) and time.monotonic() < until:
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
        effects.Transmit: world.lan.transmit,
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
        effects.Sync: world.store.submit,
        effects.Tell: world.told,
        effects.Reply: world.replied,
    }


def _receiver(lan: Lan, sock: socket.socket) -> Callable[[int], list[Event]]:
    return lambda _mask: list(lan.receive(sock))


def leave(loop: Loop) -> None:
    """Ask the engine to leave; from any thread, also from a signal handler."""
    loop.post(LeaveAsked())
