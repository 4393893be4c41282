"""The desk: what the local API may ask of the running program, answered from other threads.

Strategy: questions go to the loop thread one at a time (`Loop.ask`) and come back as plain values; notices are kept
here in a short numbered list, commands wait here for their Reply. Rates are measured between two questions, smoothed,
so nothing has to be counted while nobody looks.

Guarantees: every call is thread-safe and takes at most ten seconds; a program that is just leaving answers with its last
state instead of an error. Limits: the last thousand notices; rates are those of the last second or so.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec

from potluck.engine.effects import Reply, Tell
from potluck.engine.events import AddAsked, RescanAsked
from potluck.shells.loop import Loop, leave

NOTICES: Final = 1000
ANSWER_S: Final = 10.0
FRESH_S: Final = 0.05
SMOOTHING: Final = 0.5


class Meter:
    """Bytes per second of a growing count."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._at_s: float | None = None
        self._count = 0
        self.rate = 0.0

    def see(self, count: int, now: float) -> float:
        """Note the count at a time and return the smoothed rate."""
        if self._at_s is not None and now - self._at_s < 0.2:
            return self.rate
        if self._at_s is not None:
            fresh = (count - self._count) / (now - self._at_s)
            self.rate = fresh if self.rate == 0.0 else self.rate + (fresh - self.rate) * SMOOTHING
            self.rate = 0.0 if fresh == 0.0 and self.rate < 1.0 else self.rate
        self._at_s, self._count = now, count
        return self.rate


class Desk:
    """The ControlSource of a running daemon."""

    def __init__(self, unshared_files: int, show: Callable[[Tell], None]) -> None:
        """`unshared_files` were found in a folder without marker; `show` passes notices on at once."""
        self._loop: Loop | None = None
        self._lock = threading.Lock()  # notices: the loop thread takes it, so nobody waits for the loop under it
        self._asking = threading.Lock()  # one question for the state at a time
        self._notices: deque[dict[str, Any]] = deque(maxlen=NOTICES)
        self._numbers = itertools.count(1)
        self._commands = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[Reply]] = {}
        self._state: dict[str, Any] = {}
        self._state_s = 0.0
        self._down, self._up = Meter(), Meter()
        self._per_file: dict[str, Meter] = {}
        self._unshared_files = unshared_files
        self._show = show

    def attach(self, loop: Loop) -> None:
        """Ask this loop from now on."""
        self._loop = loop

    # -- from the loop thread -------------------------------------------------------------------------------------
    def told(self, tell: Tell) -> None:
        """Keep a notice."""
        with self._lock:
            notice = {"number": next(self._numbers), "at_s": time.time(), **_fields(tell)}
            self._notices.append(notice)
        self._show(tell)

    def replied(self, reply: Reply) -> None:
        """Hand the result of a command to the thread that waits for it."""
        box = self._waiting.pop(reply.command, None)
        if box is not None:
            box.put(reply)

    # -- ControlSource --------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """Return the latest snapshot."""
        with self._asking:
            if self._loop is None or time.monotonic() - self._state_s < FRESH_S:
                return self._state
            try:
                view = self._loop.ask(lambda engine, now: engine.view(now), ANSWER_S)
            except (CancelledError, TimeoutError):
                return self._state
            self._state, self._state_s = self._dress(msgspec.to_builtins(view)), time.monotonic()
            return self._state

    def notices(self, after: int) -> list[dict[str, Any]]:
        """Return the notices numbered above `after`."""
        with self._lock:
            return [notice for notice in self._notices if notice["number"] > after]

    def files(self, prefix: str) -> list[dict[str, Any]]:
        """Return the files whose path below Shared/ starts with `prefix`."""
        if self._loop is None:
            return []
        try:
            found: list[dict[str, Any]] = msgspec.to_builtins(self._loop.ask(lambda engine, _: engine.files(prefix)))
        except (CancelledError, TimeoutError):
            return []
        return found

    def leave(self) -> None:
        """Ask for the end."""
        if self._loop is not None:
            leave(self._loop)

    def add(self, paths: list[str], mode: str) -> dict[str, Any]:
        """Bring files into the own folder; a long copy goes on after the answer."""
        if self._loop is None:
            return {"ok": False, "text": "not ready yet"}
        command, box = next(self._commands), queue.SimpleQueue[Reply]()
        self._waiting[command] = box
        self._loop.post(AddAsked(command, tuple(paths), mode))
        try:
            reply = box.get(timeout=ANSWER_S - 1)
        except queue.Empty:
            self._waiting.pop(command, None)
            return {"ok": True, "text": "still adding; potluck ls shows what is there"}
        return {"ok": reply.ok, "text": reply.text}

    def rescan(self) -> None:
        """Ask for a full look at the own folder."""
        if self._loop is not None:
            self._loop.post(RescanAsked())

    def _dress(self, state: dict[str, Any]) -> dict[str, Any]:
        """Add what only a shell knows: version, rates, what lies unshared."""
        now = time.monotonic()
        down, up = self._down.see(state.pop("received_bytes"), now), self._up.see(state.pop("sent_bytes"), now)
        live = {transfer["path"] for transfer in state["transfers"]}
        self._per_file = {path: meter for path, meter in self._per_file.items() if path in live}
        for transfer in state["transfers"]:
            meter = self._per_file.setdefault(transfer["path"], Meter())
            transfer["rate"] = meter.see(transfer["done"], now)
            transfer["from"] = transfer.pop("sources")
        unshared = {"files": self._unshared_files}
        return {"version": own_version(), **state, "rates": {"down": down, "up": up}, "unshared": unshared}


def own_version() -> str:
    """Return the version of the installed package, or of this checkout."""
    try:
        return version("potluck")
    except PackageNotFoundError:
        return "0.1.0"


def _fields(tell: Tell) -> dict[str, str]:
    return {"code": tell.code, "text": tell.text, "level": tell.level, "subject": tell.subject}
