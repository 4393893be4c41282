"""Answers by a key: which request a `y` or an `n` means, when it was typed.

Strategy: the view says which request is on the screen (`OnScreen`), and the prompt asks which one
stood there when a key was typed, long enough to be read. A lone `y` or `n` on an empty line answers
at once; in a line with anything else it is a letter. A line that is just `y`, `yes`, `n` or `no`
answers the request that stood there when the line was begun, and which requests a name means in a
longer line is told by what stood there then, too (`AnswerKeys.seen`). The rest of a `yes` whose
first letter has answered already is swallowed, and so is a key that comes when the last request has
just gone, which is said: it was meant for that one. An answer that was typed before there was a
request to read is taken off the line when one appears, and that is said (`is_stale`): it would
stand in the way of the next key. Tab on the empty line steps to the next request.

Guarantees: no key answers a request that was not on the screen when it was typed, nor one that had
been there for less than half a second, nor one twice; Enter alone answers nothing. Limits: a key is
known to have been typed after the last look at the keyboard, 0.2 s ago at most unless a command was
running meanwhile; so one that is typed too early for that answers nothing, which is said. Of a
terminal that gives whole lines only, it is known when Enter was pressed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

UNREAD_S = 0.5  # nobody reads a new request faster; a key in this time was meant for what was there
GONE_S = 2.0  # a key in this time after the last request went was meant for it
_ACTS = {"y": "approve", "yes": "approve", "n": "deny", "no": "deny"}
_RESTS = {"approve": "es", "deny": "o"}
_ANSWERS = re.compile(r"(?:yes|ye|y|no|n)+", re.IGNORECASE)  # as impatient people type them
STEP_KEY = b"\t"
NOBODY_ASKS = ("Nobody asks for a yes or a no on this screen.", "  next: pending")
TOO_LATE = ("That request was over before that was typed: nothing was answered.",)
TOO_EARLY = (
    "That was typed before the request could be read: nothing was answered. Look, then type again.",
)


class Showing(NamedTuple):
    """A request on the screen."""

    request: str  # its id, "" for none
    since_s: float


class OnScreen:
    """Which request is on the screen: told by one thread, asked by another."""

    def __init__(self) -> None:
        """Show none."""
        self._showing = Showing("", 0.0)
        self._gone = Showing("", 0.0)  # what was there before nothing was, and since when
        self._listed: dict[str, tuple[str, float]] = {}  # by id: the name, and since when

    def __repr__(self) -> str:
        return f"OnScreen({self._showing.request or 'nothing'})"

    def show(
        self, request: str, now: float | None = None, listed: Mapping[str, str] | None = None
    ) -> None:
        """Note what the screen shows by now: the request on top, and the names of all by id."""
        at_s, before = time.monotonic() if now is None else now, self._listed
        if request != self._showing.request:
            self._gone = Showing(self._showing.request, at_s)
            self._showing = Showing(request, at_s)
        self._listed = {
            one: before[one] if one in before and before[one][0] == name else (name, at_s)
            for one, name in (listed or {}).items()
        }

    def at(self, typed_s: float) -> str:
        """Return the request that a key means which was typed then or later, "" for none."""
        showing = self._showing
        return showing.request if typed_s - showing.since_s >= UNREAD_S else ""

    def gone(self, typed_s: float) -> str:
        """Return the request that has gone a moment before a key was typed, "" for none."""
        gone = self._gone
        is_late = not self._showing.request and typed_s - gone.since_s < GONE_S
        return gone.request if is_late else ""

    def read(self, typed_s: float) -> dict[str, str]:
        """Return the names, by id, of the requests that could be read by then, words and all."""
        listed = self._listed.items()
        return {one: name for one, (name, since_s) in listed if typed_s - since_s >= UNREAD_S}

    @property
    def request(self) -> str:
        """The request that is there now."""
        return self._showing.request


class AnswerKeys:
    """Takes the answers out of what is typed."""

    def __init__(
        self,
        screen: OnScreen,
        answer: Callable[[str, str], bool],
        say: Callable[[list[str]], None],
        step: Callable[[], None] = lambda: None,
        otherwise: Callable[[str], bool] = lambda _act: False,
    ) -> None:
        """Ask `screen`; `answer` is told (request, act) and returns whether that was taken.

        `step` has the next request asked about. `otherwise` is told the act while nobody asks to
        join, and returns whether another question was open.
        """
        self._screen, self._answer, self._say, self._step = screen, answer, say, step
        self._otherwise = otherwise
        self.seen: dict[str, str] = {}  # what could be read when the finished line was begun
        self._began_seen = self._meant_seen = self.seen
        self._began = self._meant = ""  # by the line being typed, by what is typed now
        self._rest = ""
        self._done = ""  # the request that was answered last

    def __repr__(self) -> str:
        return f"AnswerKeys({self._screen!r})"

    def pressed(self, data: bytes, before: str, typed_s: float) -> bool:
        """Say whether what was typed is a key that answers, or would and came too early.

        `before` is what stands on the line, `typed_s` the earliest it can have been typed.
        """
        self._meant, self._meant_seen = self._screen.at(typed_s), self._screen.read(typed_s)
        if before:
            return False
        self._began, self._began_seen = self._meant, self._meant_seen
        if data == STEP_KEY:
            self._step()
            return True
        act = _ACTS.get(data.decode(errors="replace").casefold())
        if act is None or len(data) != 1:
            return False
        if not self._screen.request:
            return self._came_late(self._screen.gone(typed_s), act)
        self._rest = _RESTS[act]
        if self._meant:
            self._give(self._meant, act)
        else:
            self._say(list(TOO_EARLY))
        return True

    def _came_late(self, gone: str, act: str) -> bool:
        """Say whether a key was meant for a request that has gone, and have the person told."""
        self._rest = _RESTS[act] if gone else ""
        if gone and gone != self._done:
            self._say(list(TOO_LATE))
        return bool(gone)

    def is_stale(self, before: str) -> bool:
        """Say whether what stands on the line goes: it answers nothing that could be read by then.

        The person is told; a whole word that was begun for another request answers that one still.
        """
        word = before.strip().casefold()
        meant = self._began and (self._began == self._screen.request or word in _ACTS)
        if meant or not self._is_run(word):
            return False
        self._say(list(TOO_EARLY))
        return True

    def entered(self, line: str) -> bool:
        """Say whether a finished line was an answer, or the rest of one."""
        rest, self._rest = self._rest, ""
        began, self._began = self._began, self._meant
        self.seen, self._began_seen = self._began_seen, self._meant_seen
        word = line.strip().casefold()
        if rest and word == rest:
            return True
        act = _ACTS.get(word)
        if act is None and (began or not self._is_run(word)):
            return False
        if began and act is not None:
            self._give(began, act)
        elif self._screen.request:
            self._say(list(TOO_EARLY))
        elif act is None or not self._otherwise(act):
            self._say(list(NOBODY_ASKS))
        return True

    def _is_run(self, word: str) -> bool:
        """Say whether a line is answers and nothing else, and somebody asks."""
        return bool(self._screen.request and _ANSWERS.fullmatch(word))

    def _give(self, request: str, act: str) -> None:
        """Answer a request, once."""
        if request and request != self._done and self._answer(request, act):
            self._done = request
