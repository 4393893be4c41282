"""The source: what the local API may ask of the running program, answered from other threads.

Strategy: questions go to the loop thread one at a time (`Loop.ask`) and come back as plain values;
notices are kept here in a short numbered list, commands wait here for their Reply. Rates are
measured between two questions, smoothed, so nothing has to be counted while nobody looks.

Guarantees: every call is thread-safe and takes at most ten seconds; the loop thread never waits for
one that waits for it. A program that is just leaving answers with its last state, and commands at
once, and keeps nobody waiting. Files that are being added count as busy until the engine has them
in hand. Trouble that repeats is told once a minute. Limits: the last thousand notices; rates are
those of the last second or so.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from concurrent.futures import CancelledError
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Protocol

import msgspec

from potluck.engine.effects import Reply, Tell
from potluck.engine.events import AddAsked, RescanAsked
from potluck.engine.own.imports import LEAVING
from potluck.shells.loop.loop import Loop, leave

NOTICES: Final = 1000  # kept: an hour of a lively group, about 300 KiB
COMMAND_S: Final = 9.0  # longest wait for an answer: server.py promises ten
FRESH_S: Final = 0.05  # a state is good so long: several viewers cost the loop one question
TELL_AGAIN_S: Final = 60.0  # the same trouble is told again after this
METER_S: Final = 0.2  # rates over shorter times jump
SMOOTHING: Final = 0.5  # weight of the newest rate: half of a change is seen within a second
STILL_RATE: Final = 1.0  # bytes per second: what is left of a smoothed rate below this is nothing
NO_VERSION: Final = "0.1.0"  # of a checkout that was never installed


class Shows(Protocol):
    """Whoever shows a notice at once: the face that started the program (config.DaemonFace)."""

    def told(self, code: str, text: str, level: str, subject: str) -> None:
        """Show a notice, field by field as in effects.Tell."""


class Meter:
    """Bytes per second of a growing count."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._at_s: float | None = None
        self._count = 0
        self.rate = 0.0

    def __repr__(self) -> str:
        """Show the rate."""
        return f"<Meter: {self.rate:.0f} B/s>"

    def see(self, count: int, now: float) -> float:
        """Note the count at a time and return the smoothed rate."""
        if self._at_s is not None:
            passed_s = now - self._at_s
            if passed_s < METER_S:
                return self.rate
            self._smooth((count - self._count) / passed_s)
        self._at_s, self._count = now, count
        return self.rate

    def _smooth(self, fresh: float) -> None:
        if self.rate == 0.0:
            self.rate = fresh
        else:
            self.rate += (fresh - self.rate) * SMOOTHING
        if fresh == 0.0 and self.rate < STILL_RATE:
            self.rate = 0.0


class Notices:
    """What people were told, numbered."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock: Final = threading.Lock()  # the loop takes it: nothing may wait inside
        self._kept: Final[deque[dict[str, Any]]] = deque(maxlen=NOTICES)
        self._numbers: Final = itertools.count(1)
        self._troubles: dict[Tell, float] = {}  # until when each is not told again

    def __repr__(self) -> str:
        """Show how many are kept."""
        return f"<Notices: {len(self._kept)} kept, {len(self._troubles)} troubles not told again>"

    def put(self, tell: Tell) -> bool:
        """Keep a notice and give it a number; False if it is trouble that was told a moment ago."""
        now = time.monotonic()
        with self._lock:
            if tell.level != "info":
                self._troubles = {
                    told: until_s for told, until_s in self._troubles.items() if until_s > now
                }
                if tell in self._troubles:
                    return False
                self._troubles[tell] = now + TELL_AGAIN_S
            self._kept.append({"number": next(self._numbers), "at_s": time.time(), **asdict(tell)})
        return True

    def above(self, number: int) -> list[dict[str, Any]]:
        """Return those with larger numbers."""
        with self._lock:
            return [notice for notice in self._kept if notice["number"] > number]


class RunningSource:
    """The ApiSource of a running program, and the People its shells tell things to."""

    def __init__(self, unshared_files: int, face: Shows) -> None:
        """`unshared_files` were found in a folder without marker; `face` shows notices at once."""
        self._loop: Loop | None = None
        self._notices: Final = Notices()
        self._commands: Final = itertools.count(1)
        self._adding: Final[dict[int, queue.SimpleQueue[Reply]]] = {}
        self._closed = False
        # guards what follows; held while the loop is asked, so never by the loop
        self._lock: Final = threading.Lock()
        self._state: dict[str, Any] = {}
        self._state_s = 0.0
        self._down, self._up = Meter(), Meter()
        self._per_file: dict[str, Meter] = {}
        self._unshared_files: Final = unshared_files
        self._face: Final = face

    def __repr__(self) -> str:
        """Show what is kept and who waits."""
        adding = f"{len(self._adding)} commands waiting"
        return f"<RunningSource: {self._notices!r}, {adding}, closed={self._closed}>"

    def attach(self, loop: Loop) -> None:
        """Ask this loop from now on."""
        self._loop = loop

    def close(self) -> None:
        """The loop has ended: whoever waits for it, or comes now, is told so."""
        self._closed = True
        for command in list(self._adding):
            self.replied(Reply(command, ok=False, text=LEAVING))

    # -- from the loop thread, and others that have something to tell ------------------------------
    def told(self, tell: Tell) -> None:
        """Keep a notice and show it."""
        if self._notices.put(tell):
            self._face.told(tell.code, tell.text, tell.level, tell.subject)

    def replied(self, reply: Reply) -> None:
        """Hand the result of a command to the thread that waits for it, if it still does."""
        box = self._adding.pop(reply.command, None)
        if box is not None:
            box.put(reply)

    # -- ApiSource ---------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """Return the latest snapshot."""
        with self._lock:
            # looked at first: once it is over, the answer of the loop is newer than its end
            adding = bool(self._adding)
            if self._loop is None or (time.monotonic() - self._state_s < FRESH_S and not adding):
                return self._state
            try:
                view = self._loop.ask(lambda engine, now: engine.view(now), COMMAND_S)
            except (CancelledError, TimeoutError):
                # those who wait for the lock need not try as long again
                self._state_s = time.monotonic()
                return self._state
            self._state, self._state_s = self._dress(msgspec.to_builtins(view)), time.monotonic()
            if adding and self._state["state"] == "in_sync":
                self._state |= {"state": "busy", "reason": "adding files"}
            return self._state

    def notices(self, after: int) -> list[dict[str, Any]]:
        """Return the notices numbered above `after`."""
        return self._notices.above(after)

    def files(self, prefix: str) -> list[dict[str, Any]]:
        """Return the files whose path below Shared/ starts with `prefix`."""
        if self._loop is None:
            return []
        try:
            views = self._loop.ask(lambda engine, _: engine.files(prefix), COMMAND_S)
        except (CancelledError, TimeoutError):
            return []
        found: list[dict[str, Any]] = msgspec.to_builtins(views)
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
        self._adding[command] = box
        self._loop.post(AddAsked(command, tuple(paths), mode))
        if self._closed:  # perhaps it was asked after the loop had ended
            self.replied(Reply(command, ok=False, text=LEAVING))
        try:
            reply = box.get(timeout=COMMAND_S)
        except queue.Empty:
            return {"ok": True, "text": "still adding; potluck ls shows what is there"}
        with self._lock:
            self._state_s = 0.0  # what was seen before does not know of these files
        return {"ok": reply.ok, "text": reply.text}

    def rescan(self) -> None:
        """Ask for a full look at the own folder."""
        if self._loop is not None:
            self._loop.post(RescanAsked())

    def _dress(self, state: dict[str, Any]) -> dict[str, Any]:
        """Add what only a shell knows: version, rates, what lies unshared."""
        now = time.monotonic()
        down = self._down.see(state.pop("received_bytes"), now)
        up = self._up.see(state.pop("sent_bytes"), now)
        live = {transfer["path"] for transfer in state["transfers"]}
        self._per_file = {path: meter for path, meter in self._per_file.items() if path in live}
        for transfer in state["transfers"]:
            meter = self._per_file.setdefault(transfer["path"], Meter())
            transfer["rate"] = meter.see(transfer["done"], now)
            transfer["from"] = transfer.pop("sources")
        unshared = {"files": self._unshared_files}
        return {
            "version": own_version(),
            **state,
            "rates": {"down": down, "up": up},
            "unshared": unshared,
        }


def own_version() -> str:
    """Return the version of the installed package, or of this checkout."""
    try:
        return version("potluck")
    except PackageNotFoundError:
        return NO_VERSION
