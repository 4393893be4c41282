"""The live view of `up` and `watch`: how things are, what moves, the prompt.

Events scroll above it.

Strategy: `render` is a pure function from a snapshot to rich Text, so a test reads exactly what a
person sees. It is made of parts in the order in which they matter: who and where this is, the one
word with its reason and command, the door's warning, what is wrong, who lacks what, what comes and
goes, the prompt. Every sentence is broken to the width, and of what moves as many rows are drawn as
the height allows. The `LiveScreen` owns rich's Live and redraws only when asked, from one thread;
whoever feeds it decides how often.

Guarantees: no line is wider than the terminal, from 20 columns on, and the prompt is always there;
what is left out is counted. Names are never read as rich markup or as control characters; without
colour (NO_COLOR, TERM=dumb) every fact is still in the words. Limits: at most eight bars at a time.
A terminal that becomes narrower is taken to fold its lines, as most do; on one that cuts them off,
as many rows above the picture are wiped as folding would have made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from potluck.faces import rows
from potluck.faces.advice import Advice, LightOnDark, for_terminal, indented
from potluck.faces.asking import asking_rows, listed_in, on_top, step_from
from potluck.faces.cli.comparing import is_about_request
from potluck.faces.cli.layout import (
    Words,
    delivery_words,
    is_shut,
    next_step,
    reason_words,
    trouble_lines,
)
from potluck.faces.progress import Motion, ViewProgress
from potluck.faces.rows import Pieces, laid_out
from potluck.faces.text import columns, count, duration, fitted, rate, shown, size, wrapped

BARS = 8
UPLOADS = 4
TROUBLES = 3
RENEW_S = 1.0  # without a snapshot what moves is worked out anew: a stall shows
_LEAST_BESIDE = 2  # rows that a request leaves: who this is, and how things are
_LEAST_ROWS = 3  # of what moves, however low the terminal is
_HINT = ("exit", "help", "status", "ring")  # on the empty prompt
_COLOURS = {
    "in_sync": "green",
    "sending": "cyan",
    "receiving": "cyan",
    "busy": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "trouble": "bold red",
}
_TOO_WIDE = "type status: the command is too wide for here"
_STANDSTILL = frozenset({"waiting", "paused"})  # nothing comes, and the reason says why
_STYLES = {"✗": "bold red", "!": "yellow"}  # of a line that begins so
_LIGHT_ON_DARK = "bright_white on black"  # a camera reads it so, on a light terminal, too

TerminalSize = tuple[int, int]
"""Columns and rows of a terminal."""


def render(
    state: dict[str, Any] | None,
    motion: Motion,
    typed: str | None,
    within: TerminalSize,
    words: Words,
    chosen: str = "",
) -> Text:
    """Return the picture for a terminal of that size; `typed` None: no prompt.

    `chosen`: the request that a person stepped to.
    """
    width, height = within
    prompt = [] if typed is None else [_prompt(typed, width)]
    if state is None:
        lines: list[Pieces] = [[("potluck is starting…", "dim")]]
    else:
        lines = asking_rows(state, width, height - 1 - len(prompt) - _LEAST_BESIDE, chosen)
        lines += _standing(state, width, words, height - 1 - len(prompt) - len(lines))
        room = height - 1 - len(lines) - len(prompt)
        lines += _moving(state, motion, width, max(_LEAST_ROWS, room))
    room = max(1, height - 1 - len(prompt))
    if len(lines) > room:  # the prompt comes before anything else
        lines = [*lines[: room - 1], [("…", "dim")]]
    picture = Text(no_wrap=True, overflow="crop")
    for number, row in enumerate([*lines, *prompt]):
        picture.append("\n" if number else "")
        for piece, style in row:
            picture.append(piece, style)
    return picture


# -- how things are --------------------------------------------------------------------------------
def _standing(state: dict[str, Any], width: int, words: Words, room: int) -> list[Pieces]:
    """Return how things are; the door's warning goes first where there is no room for all."""
    title: list[Pieces] = [[(_title(state, width), "bold")]]
    door, reason, wrong = (
        _door(state, width),
        _reason(state, width, words),
        _wrong(state, width, words),
    )
    if len(title + reason + door + wrong) <= room:
        return title + reason + door + wrong
    if len(title + door) < room:
        return title + door + reason + wrong
    return door + title + reason + wrong


def _reason(state: dict[str, Any], width: int, words: Words) -> list[Pieces]:
    """Return the one word for how things are with its reason, and what to type."""
    if is_about_request(state):  # it stands above, in full
        return _sentence(" · ".join(_amounts(state)), width, "")
    said = " · ".join([reason_words(state, words), *_amounts(state)])
    lines = _sentence(said, width, _COLOURS.get(state["state"], ""))
    if state["command"]:
        lines += _advised(Advice("next: ", next_step(state["command"], words)), width)
    return lines


def _door(state: dict[str, Any], width: int) -> list[Pieces]:
    """Return the warning that anybody may join, or that nobody can ask this device."""
    if is_shut(state):
        words = "the door here is shut: nobody can ask this device until somebody types open"
        return _sentence(words, width, "dim")
    if not state["door"]["open"]:
        return []
    until = state["door"]["until_s"]
    long = "" if until is None else f" for {duration(until)}"
    return _sentence(f"the door is OPEN{long}: anyone here may join", width, "bold yellow")


def _wrong(state: dict[str, Any], width: int, words: Words) -> list[Pieces]:
    """Return what is not as it should be and not said yet: a few, and how many more."""
    lines = list[Pieces]()
    wrong = [one for one in state["troubles"] if not _is_reason(one, state["reason"])]
    for one in wrong[:TROUBLES]:
        first, *others = trouble_lines(one, words)
        lines += _sentence(f"✗ {first}", width, "bold red")
        lines += [row for line in others for row in _advised(indented(line, "  "), width)]
    more = state["trouble_count"] - len(state["troubles"]) + max(0, len(wrong) - TROUBLES)
    if more > 0:
        lines += _sentence(f"✗ {count(more, 'more trouble')}: see status", width, "bold red")
    return lines


def _is_reason(trouble: dict[str, Any], reason: str | None) -> bool:
    """Say whether a trouble is the reason itself; another one may have the same cause."""
    return reason in {f"{trouble['subject']}: {trouble['reason']}", trouble["reason"]}


def _title(state: dict[str, Any], width: int) -> str:
    """Return who and where this is, in one line: what matters least is left out first."""
    device, group, node = state["device"], state["group"], state["node"]
    parts = [
        (2, f"potluck {state['version']}"),
        (5, shown(device["label"])),
        (1, shown(device["id"])),
        (4, "in no group yet" if group is None else shown(group["name"])),
    ]
    if node is not None and group is not None:
        parts.append((3, f"node {node['number']} of {node['of']}"))
        if node["of"] > 1:
            parts.append((0, f"last {shown(node['last'])} · next {shown(node['next'])}"))
    while len(parts) > 1 and columns(" · ".join(text for _, text in parts)) > width:
        parts.remove(min(parts))
    return fitted(" · ".join(text for _, text in parts), width).rstrip()


def _amounts(state: dict[str, Any]) -> list[str]:
    """Return how much there is; what is to come stands in the reason, or in a bar."""
    files = count(state["files"], "file")
    return [f"{files} · {size(state['bytes'])}"] if state["files"] else ["no files yet"]


def _sentence(text: str, width: int, style: str) -> list[Pieces]:
    return [[(line, style)] for line in wrapped(text, width, "  ")]


def _advised(line: str, width: int) -> list[Pieces]:
    """Return a line with its command; one that fits on no line is not broken but left to status."""
    rows = list(for_terminal([line], width))
    if isinstance(line, Advice) and columns(rows[-1]) > width:
        rows = [f"{line.before}{_TOO_WIDE}"]
    return [piece for row in rows for piece in _sentence(row, width, "")]


# -- what moves ------------------------------------------------------------------------------------
def _moving(state: dict[str, Any], motion: Motion, width: int, room: int) -> list[Pieces]:
    """Return who lacks what, and bars, in at most `room` rows."""
    lines = _delivery(state, motion, width)
    coming = [rows.incoming(one, motion) for one in state["transfers"]]
    going = [rows.outgoing(one, motion) for one in state["uploads"]]
    stands = state["state"] in _STANDSTILL
    says_more = _says_more(state["transfers"], motion)
    whole = [rows.everything(motion, stands=stands)] if says_more else []
    height = 1 if width >= rows.ONE_LINE_COLUMNS else 2
    fit = max(0, (room - len(lines) - 1) // height - len(whole))  # one line says what is left out
    drawn = coming[: min(BARS, fit)]
    sent = going[: min(UPLOADS, fit - len(drawn))]
    lines += laid_out([*sent, *drawn, *whole], width)
    hidden = len(coming) + len(going) - len(drawn) - len(sent)
    if hidden:
        more = [(fitted(f"  … and {hidden:,} more", width).rstrip(), "dim")]
        lines.insert(len(lines) - height * len(whole), more)
    return lines


def _says_more(transfers: list[dict[str, Any]], motion: Motion) -> bool:
    """Say whether a bar of the whole tells anything that one bar alone does not."""
    alone = transfers[0] if len(transfers) == 1 else None
    if alone is None or alone["files"] > 1:
        return bool(motion.wanted)
    size_bytes: int = alone["size"]
    return motion.wanted > size_bytes


def _delivery(state: dict[str, Any], motion: Motion, width: int) -> list[Pieces]:
    """Return "↑ kitchen-pc 35 % · nas 41 % · desk away   12 MB/s"."""
    said = delivery_words(state["deliveries"])
    sends = bool(state["uploads"] or motion.up_rate >= 1)
    if not said or (state["need_files"] and not sends):
        return []  # what others lack is not sent by a device that lacks it itself
    speed = f"   {rate(motion.up_rate)}" if motion.up_rate >= 1 else ""
    if not any(one["online"] for one in state["deliveries"]):
        return _sentence(said, width, "dim")  # nothing is on its way to them
    return _sentence(f"↑ {said}{speed}", width, "")


def _prompt(typed: str, width: int) -> Pieces:
    """Return the line being typed: its end, if it is long, since there one types."""
    while columns(typed) > width - 4:
        typed = typed[1:]
    hint = ""
    if not typed:
        for word in _HINT:
            longer = f"{hint} · {word}" if hint else word
            hint = longer if columns(longer) <= width - 4 else hint
    return [("> ", "bold"), (typed, ""), ("▏", "blink"), (hint, "dim")]


class LiveScreen:
    """A terminal that shows the picture at its bottom and lets events scroll above it."""

    def __init__(
        self,
        console: Console | None = None,
        *,
        words: Words,
        prompt: bool = True,
        clock: Callable[[], float] = time.monotonic,
        hidden: Callable[[], bool] = lambda: False,
    ) -> None:
        """Draw on `console` (default: standard output); with `prompt` the typed line is shown.

        While the terminal is another program's, `hidden`, nothing is drawn over what that shows.
        """
        self._console = console or Console(highlight=False, markup=False)
        self._words, self._clock, self._hidden = words, clock, hidden
        self._state: dict[str, Any] | None = None
        self._typed: str | None = "" if prompt else None
        self.asking, self.listed, self._chosen = "", dict[str, str](), ""
        self._progress, self._motion, self._moved_s = ViewProgress(), Motion(), clock()
        self._drawn, self._drawn_columns = list[str](), 0
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop"
        )

    def __repr__(self) -> str:
        state = (self._state or {}).get("state", "no state yet")
        return f"LiveScreen({state}, {self._motion.come} of {self._motion.wanted} bytes)"

    def open(self) -> None:
        """Begin to draw."""
        self._live.start()

    def close(self) -> None:
        """Wipe the picture and give the terminal back."""
        self._take_away()

    def lines(self, lines: list[str]) -> None:
        """Let lines scroll above the picture."""
        self._wipe_folded()
        for line in lines:
            is_drawn = isinstance(line, LightOnDark)
            style = _LIGHT_ON_DARK if is_drawn else _STYLES.get(line[:1], "")
            for row in for_terminal([line], self._console.width):
                self._console.print(Text(row, style), soft_wrap=True)  # a long command stays whole

    def state(self, state: dict[str, Any]) -> None:
        """Take a new snapshot."""
        self._state, self._moved_s = state, self._clock()
        self._motion = self._progress.on_state(state, self._moved_s)

    def typed(self, text: str) -> None:
        """Take what stands on the prompt."""
        if self._typed is not None:
            self._typed = text

    def step(self) -> None:
        """Ask about the next request instead."""
        if self._state is not None:
            self._chosen = step_from(self._state, self._chosen)

    def draw(self) -> None:
        """Draw the picture now, or take it away."""
        self.asking, self.listed = "", {}
        if self._hidden():
            self._take_away()
            return
        self._wipe_folded()
        self._live.start()
        self._live.vertical_overflow = "crop"  # taking the picture away made it visible
        if self._state is not None and self._clock() - self._moved_s >= RENEW_S:
            self.state(self._state)
        within = self._console.width, self._console.height
        picture = render(self._state, self._motion, self._typed, within, self._words, self._chosen)
        self._live.update(picture, refresh=True)
        self._drawn, self._drawn_columns = picture.plain.split("\n"), within[0]
        if self._state is not None:
            self.listed = listed_in(self._state, picture.plain, within[0], self._chosen)
            top = on_top(self._state, self._chosen)
            self.asking = str(top["id"]) if top and top["id"] in self.listed else ""

    def _take_away(self) -> None:
        self._wipe_folded()
        self._live.stop()
        self._drawn = []

    def _wipe_folded(self) -> None:
        """Wipe what a terminal that has become narrower made of the picture.

        It folded its lines; rich wipes as many rows as it drew, from where the cursor is then.
        """
        width, height, before = self._console.width, self._console.height, self._drawn_columns
        self._drawn_columns = width
        if width >= before or not self._drawn:
            return
        folded = sum(max(1, -(-min(columns(line), before) // width)) for line in self._drawn)
        wipe = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))
        above = Control((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))
        below = [Control((ControlType.CURSOR_DOWN, 1))] * (len(self._drawn) - 1)
        self._console.control(wipe, *[above] * (min(folded, height) - 1), *below)
