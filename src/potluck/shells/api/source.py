"""The source: what the local API may ask of the running program, answered from other threads.

Strategy: questions go to the loop thread one at a time (`Loop.ask`) and come back as plain values;
notices are kept here in a short numbered list, commands wait here for their Reply. Rates are
measured between two questions, smoothed, so nothing has to be counted while nobody looks.

Whoever only wants to look, or to list, overtakes what waits for the loop. A loop that is in the
middle of something long does not answer for as long: then there is the last snapshot, which says
how old it is, and what the loop answers later is kept for whoever looks next. Whoever needs to know
how things are after all that has happened (`wait`, `close`) asks for a fresh one, which waits for
its turn; only an answer to a question that did so is one. Listings are made of many short
questions, so that no listing, however long, keeps the loop from its work.

Guarantees: every call is thread-safe and takes at most ten seconds; the loop thread never waits for
one that waits for it. A look takes GLANCE_S at most. A program that is just leaving answers with
its last state, and commands at once, and keeps nobody waiting. Files that are being added count as
busy until the engine has them in hand. Trouble that repeats is told once a minute, or after a
thousand others. Limits: a thousand notices, of which no device crowds out another's; rates are
those of the last second or so.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Protocol

import msgspec

from potluck.core import limits
from potluck.core.errors import ERRORS_BY_CODE, NotRunning, PotluckError, TimedOut
from potluck.engine.effects import Reply, Tell
from potluck.engine.engine import Engine
from potluck.engine.events import AddAsked, DoorAsked, FlushAsked, RescanAsked
from potluck.engine.notice_board import crowded_out
from potluck.engine.own.imports import LEAVING
from potluck.engine.person_acts import PersonAct
from potluck.engine.views.values import StateView
from potluck.shells.api.commands import Commands
from potluck.shells.api.meter import Meter
from potluck.shells.api.path_questions import PathQuestions
from potluck.shells.api.versions import TrashVersions
from potluck.shells.loop.loop import Loop, leave
from potluck.shells.state.landlock import Confinement

NOTICES: Final = 1000  # kept: an hour of a lively group, about 300 KiB
COMMAND_S: Final = 9.0  # longest wait for an answer: server.py promises ten
GLANCE_S: Final = 0.015  # longest wait for a look: of 0.15 s the rest is the command's own
FOLDER_S: Final = 0.1  # a folder is added up for so long, then what is known by then is answered
FRESH_S: Final = 0.05  # a state is good so long: several viewers cost the loop one question
TELL_AGAIN_S: Final = 60.0  # the same trouble is told again after this
OLD_S: Final = 0.1  # an age of what is younger, and yet not as new as it was asked for
AGAIN: Final = "try again in a moment"
UNCONFINED: Final = Confinement(on=False, reason="nobody asked for it")
NO_VERSION: Final = "0.1.0"  # of a checkout that was never installed


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the engine found."""

    view: StateView
    adding: bool  # files that the engine had not in hand yet
    at_s: float
    turn_s: float  # when it was asked for, if it waited for its turn, else never


def _look(commands: Commands, turn_s: float, engine: Engine, now: float) -> Seen:
    """On the loop thread: return what is seen now."""
    # looked at first: once it is over, the view is newer than its end
    adding = commands.adding
    return Seen(engine.view(now), adding, time.monotonic(), turn_s)


class Shows(Protocol):
    """Whoever shows a notice at once: the face that started the program (config.DaemonFace)."""

    def told(self, code: str, text: str, level: str, subject: str) -> None:
        """Show a notice, field by field as in effects.Tell."""


class Notices:
    """What people were told, numbered."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock: Final = threading.Lock()  # the loop takes it: nothing may wait inside
        self._kept: Final[list[dict[str, Any]]] = []
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
                if self._troubles.get(tell, 0.0) > now:
                    return False
                self._troubles.pop(tell, None)
                self._troubles[tell] = now + TELL_AGAIN_S
                if len(self._troubles) > NOTICES:
                    del self._troubles[next(iter(self._troubles))]  # the oldest
            self._kept.append({"number": next(self._numbers), "at_s": time.time(), **asdict(tell)})
            if len(self._kept) > NOTICES:
                del self._kept[crowded_out([str(notice["subject"]) for notice in self._kept])]
        return True

    def above(self, number: int) -> list[dict[str, Any]]:
        """Return those with larger numbers."""
        with self._lock:
            return [notice for notice in self._kept if notice["number"] > number]


class RunningSource:
    """The ApiSource of a running program, and the People its shells tell things to."""

    def __init__(
        self, unshared_files: int, face: Shows, confinement: Confinement = UNCONFINED
    ) -> None:
        """`unshared_files` were found in a folder without marker; `face` shows notices at once."""
        self._loop: Loop | None = None
        self.paths: Final = PathQuestions(lambda it: _question(self._loop, it, in_turn=True))
        self._notices: Final = Notices()
        self._commands: Final = Commands()
        self.versions: Final = TrashVersions(self._commands, self.paths.former)
        # guards what follows; held while the loop is asked, so never by the loop
        self._lock: Final = threading.Lock()
        self._state: dict[str, Any] = {}
        self._state_s = 0.0
        self._turn_s = -math.inf  # what happened before this is in it
        self._glance: Future[Seen] | None = None  # under way; nobody may wait for it any more
        self._down, self._up = Meter(), Meter(limits.KEPT_S)  # others say what came
        self._per_file: dict[str, Meter] = {}
        self._unshared_files: Final = unshared_files
        self._face: Final = face
        self._confinement: Final = confinement

    def __repr__(self) -> str:
        """Show what is kept and who waits."""
        return f"<RunningSource: {self._notices!r}, {self._commands!r}>"

    def attach(self, loop: Loop) -> None:
        """Ask this loop from now on."""
        self._loop = loop

    def close(self) -> None:
        """The loop has ended: whoever waits for it, or comes now, is told so."""
        self._commands.close()

    # -- from the loop thread, and others that have something to tell ------------------------------
    def told(self, tell: Tell) -> None:
        """Keep a notice and show it."""
        if self._notices.put(tell):
            self._face.told(tell.code, tell.text, tell.level, tell.subject)

    def replied(self, reply: Reply) -> None:
        """Hand the result of a command to the thread that waits for it, if it still does."""
        self._commands.replied(reply)

    # -- ApiSource ---------------------------------------------------------------------------------
    def state(self, *, fresh: bool = False) -> dict[str, Any]:
        """Return the latest snapshot, or with `fresh` one of now, if there is anybody to ask.

        Its `age_s` is 0 only if it is as new as that. Raises PotluckError if there is none at all.
        """
        patience_s = COMMAND_S if fresh else GLANCE_S
        begun_s = time.monotonic()
        since_s = begun_s if fresh else None
        if not self._lock.acquire(timeout=patience_s):
            return self._aged(since_s)  # somebody asks already, and the loop does not answer
        try:
            if self._glance is not None and self._glance.done():
                self._keep(self._glance)  # it came too late for whoever asked
            good = self._turn_s >= begun_s if fresh else self._state_s > begun_s - FRESH_S
            if self._loop is None or (good and not self._commands.adding):
                return self._aged(since_s)
            if fresh:  # after everything that happened before it was asked for
                look = partial(_look, self._commands, time.monotonic())
                self._glance = self._loop.promise(look)
            elif self._glance is None:
                self._glance = self._loop.inbox.look(partial(_look, self._commands, -math.inf))
            with suppress(CancelledError, TimeoutError):  # whoever asks next finds its answer
                self._glance.result(max(0.0, begun_s + patience_s - time.monotonic()))
                self._keep(self._glance)
            return self._aged(since_s)
        finally:
            self._lock.release()

    def _keep(self, glance: Future[Seen]) -> None:
        """Make what was seen the last snapshot."""
        self._glance = None
        if glance.cancelled():
            return
        seen = glance.result()
        state = self._dress(msgspec.to_builtins(seen.view))
        if seen.adding and state["state"] == "in_sync":
            state |= {"state": "busy", "reason": "adding files", "synced": False}
        self._state, self._state_s = state, seen.at_s
        self._turn_s = max(self._turn_s, seen.turn_s)

    def _aged(self, since_s: float | None) -> dict[str, Any]:
        """Return the last snapshot with its age; it has none if it was asked for in its turn
        `since_s`, or if it is of this moment and nobody needs more.
        """
        state, turn_s, age_s = self._state, self._turn_s, time.monotonic() - self._state_s
        if not state:
            raise _silent(self._loop)
        new = age_s <= FRESH_S if since_s is None else turn_s >= since_s
        return {**state, "age_s": 0.0 if new else max(OLD_S, round(age_s, 1))}

    def notices(self, after: int) -> list[dict[str, Any]]:
        """Return the notices numbered above `after`."""
        return self._notices.above(after)

    def files(self, path: str, after: str, limit: int) -> dict[str, Any]:
        """Return one page of the files that are `path` or below it; raises PotluckError."""
        return _question(self._loop, partial(Engine.files, path=path, after=after, limit=limit))

    def folder(self, path: str, after: str) -> dict[str, Any]:
        """Return what is directly in a folder, or as much of that as is known in a moment.

        Raises PotluckError.
        """
        until_s = time.monotonic() + FOLDER_S
        whole: dict[str, Any] = {"entries": [], "next": after, "known": True}
        while whole["next"] is not None and (not whole["entries"] or time.monotonic() < until_s):
            at = str(whole["next"])
            part = _question(self._loop, partial(Engine.folder, path=path, after=at))
            whole = {**part, "entries": _joined(whole["entries"], part["entries"])}
        return whole

    def door(self, open_s: float | None) -> dict[str, Any]:
        """Open the door for so long, or close it; returns how it is after that.

        Raises PotluckError if that is not known: the order still waits for the loop, then.
        """
        if self._loop is not None:
            self._loop.post(DoorAsked(open_s))
        state = self.state(fresh=True)
        if state["age_s"]:
            raise _silent(self._loop, ", so it is not known whether the door is open or closed")
        door: dict[str, Any] = state["door"]
        return door

    def leave(self) -> None:
        """Ask for the end."""
        if self._loop is not None:
            leave(self._loop)

    def add(self, paths: list[str], mode: str) -> dict[str, Any]:
        """Bring files into the own folder; a long copy goes on after the answer."""
        if self._loop is None:
            return {"ok": False, "text": "not ready yet"}
        asked = partial(AddAsked, paths=tuple(paths), mode=mode)
        reply = self._commands.ask(self._loop, asked, COMMAND_S, adds=True)
        if reply is None:
            return {"ok": True, "text": "still adding, which goes on; what came is in the folder"}
        with self._lock:
            self._state_s = 0.0  # what was seen before does not know of these files
        parts = {"code": reply.code, "cause": reply.cause, "fix": reply.fix}
        said = {name: part for name, part in parts.items() if part}
        return {"ok": reply.ok, "text": reply.text, **said}

    def keepers(self) -> dict[str, Any]:
        """Return which heads are held here, and who said to hold which; raises PotluckError."""
        return _question(self._loop, lambda engine: engine.keepers(time.monotonic()), in_turn=True)

    def flush(self, patience_s: float, waited_s: float = 0.0) -> dict[str, Any]:
        """Have everybody tell what is in its folder by now: {ok, text}; raises PotluckError."""
        if self._loop is None:
            raise _silent(self._loop)
        asked = partial(FlushAsked, patience_s=patience_s, waited_s=waited_s)
        reply = self._commands.ask(self._loop, asked, COMMAND_S)
        if reply is None:
            return {"ok": False, "text": "this device"}
        if reply.text == LEAVING:
            raise NotRunning("potluck does not run any more.", "it has just left", AGAIN)
        return {"ok": reply.ok, "text": reply.text}

    def act(self, act: Callable[[int], PersonAct]) -> dict[str, Any]:
        """Have the engine do what a person asks: {text}; raises PotluckError, also for a no."""
        if self._loop is None:
            raise _silent(self._loop)
        reply = self._commands.ask(self._loop, act, COMMAND_S)
        if reply is None:
            raise _silent(self._loop, ", so it is not known whether that was done")
        if not reply.ok:
            raise _refusal(reply)
        return {"text": reply.text}

    def rescan(self) -> None:
        """Ask for a full look at the own folder."""
        if self._loop is not None:
            self._loop.post(RescanAsked())

    def _dress(self, state: dict[str, Any]) -> dict[str, Any]:
        """Add what only a shell knows: version, rates, what lies unshared, what may be written."""
        now = time.monotonic()
        received_bytes = state.pop("received_bytes")
        down = self._down.see(received_bytes, now)
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
            "rates": {"down": down, "up": up, "received_bytes": received_bytes},
            "unshared": unshared,
            "confined": asdict(self._confinement),
        }


def _silent(loop: Loop | None, unknown: str = "") -> PotluckError:
    """Return why there is no answer, and what is therefore unknown."""
    if loop is None:
        return NotRunning("potluck does not run yet.", "it has just been started", AGAIN)
    if loop.ended.is_set():
        return NotRunning("potluck does not run any more.", "it has just left", AGAIN)
    what = f"potluck runs but does not answer{unknown}."
    return TimedOut(what, "it is in the middle of something long", AGAIN)


def _question(
    loop: Loop | None, question: Callable[[Engine], Any], *, in_turn: bool = False
) -> dict[str, Any]:
    """Ask the engine, before what waits or `in_turn`; half a listing is none, so no answer is
    an error.
    """
    if loop is None:
        raise _silent(loop)
    ask = loop.promise if in_turn else loop.inbox.look
    asked = ask(lambda engine, _: question(engine))
    try:
        view = asked.result(COMMAND_S)
    except TimeoutError as error:
        asked.cancel()  # nobody wants to know any more
        raise _silent(loop) from error
    except CancelledError as error:
        raise NotRunning("potluck does not run any more.", "it has just left", AGAIN) from error
    answer: dict[str, Any] = msgspec.to_builtins(view)
    return answer


def _refusal(reply: Reply) -> PotluckError:
    """Return why an act was not done, as the error that it is."""
    return ERRORS_BY_CODE.get(reply.code, PotluckError)(reply.text, reply.cause, reply.fix)


def _joined(known: list[Any], more: list[Any]) -> list[Any]:
    """Return entries of a folder followed by more; a part of the last one is added to it."""
    if not (known and more) or known[-1]["name"] != more[0]["name"]:
        return known + more
    last, part = known[-1], more[0]
    if last["kind"] != part["kind"]:
        return known + more
    summed = {key: last[key] + part[key] for key in ("files", "folders", "size", "here")}
    return [*known[:-1], {**last, **summed}, *more[1:]]


def own_version() -> str:
    """Return the version of the installed package, or of this checkout."""
    try:
        return version("potluck")
    except PackageNotFoundError:
        return NO_VERSION
