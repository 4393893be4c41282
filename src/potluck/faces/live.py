"""The live view of `up`: a header, a bar per file on its way and one for all, the prompt.

Events scroll above it.

Strategy: `render` is a pure function from a snapshot to rich Text, so a test reads exactly what a
person sees. The `LiveScreen` owns rich's Live and redraws only when asked, from one thread; whoever
feeds it decides how often. Guarantees: names are never read as rich markup or as control
characters; without colour (NO_COLOR, TERM=dumb) every fact is still in the words. Limits: at most
eight bars at a time, the number of the others is said.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from potluck.faces.cli.layout import group_words, state_words, title
from potluck.faces.text import EMPTY, FULL, bar, duration, fitted, rate, shown, size

BARS = 8
LEAST_SOURCE_COLUMNS = 6
_BAR_COLUMNS = 16
_COLOURS = {
    "in_sync": "green",
    "busy": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "trouble": "bold red",
}


_STYLES = {"✗": "bold red", "!": "yellow"}  # of a line that begins so


class Whole:
    """How much of everything that was missing has come: the bar of the whole."""

    def __init__(self) -> None:
        self._most_bytes = 0

    def __repr__(self) -> str:
        return f"Whole({self._most_bytes} bytes at most)"

    def done(self, need_bytes: int) -> tuple[int, int]:
        """Return (come, wanted) bytes since nothing was missing."""
        self._most_bytes = max(self._most_bytes, need_bytes) if need_bytes else 0
        return self._most_bytes - need_bytes, self._most_bytes


def render(
    state: dict[str, Any] | None, whole: tuple[int, int], typed: str | None, width: int
) -> Text:
    """Return the picture: header, bars, whole, and the prompt line (None: no prompt)."""
    picture = Text(no_wrap=True, overflow="crop")
    if state is None:
        picture.append("potluck is starting…", "dim")
    else:
        _header(picture, state)
        for one in state["transfers"][:BARS]:
            _transfer(picture, one, width)
        if len(state["transfers"]) > BARS:
            picture.append(f"\n  … and {len(state['transfers']) - BARS} more", "dim")
        if whole[1]:
            _whole(picture, state, whole, width)
    if typed is not None:
        picture.append("\n> ", "bold")
        picture.append(typed)
        picture.append("▏", "blink")
        if not typed:
            picture.append("exit · help · status · ring", "dim")
    return picture


def _header(picture: Text, state: dict[str, Any]) -> None:
    picture.append(title(state), "bold")
    picture.append(" · " + group_words(state))
    picture.append("\n" + state_words(state), _COLOURS.get(state["state"], ""))
    if state["door"]["open"]:
        until = state["door"]["until_s"]
        left = "" if until is None else f" for {duration(until)}"
        picture.append(f" · the door is OPEN{left}: anyone here may join", "bold yellow")


def _transfer(picture: Text, one: dict[str, Any], width: int) -> None:
    left = (one["size"] - one["done"]) / one["rate"] if one["rate"] else 0
    sources = ", ".join(shown(label) for label in one["from"])
    time_left = duration(left) if left else ""
    facts = (
        f"{size(one['done']):>8} / {size(one['size']):<8} {rate(one['rate']):>10}  {time_left:<6}"
    )
    name_columns = max(12, min(40, width - _BAR_COLUMNS - len(facts) - 19))
    picture.append(f"\n  ↓ {fitted(shown(one['path']), name_columns)} ")
    _bar(picture, one["done"], one["size"])
    picture.append(f" {facts} ")
    room = width - name_columns - _BAR_COLUMNS - len(facts) - 7
    if room >= LEAST_SOURCE_COLUMNS:
        picture.append(fitted(sources, room).rstrip(), "dim")


def _whole(picture: Text, state: dict[str, Any], whole: tuple[int, int], width: int) -> None:
    come, wanted = whole
    down = state["rates"]["down"]
    left = f"  {duration((wanted - come) / down)}" if down and wanted > come else ""
    name_columns = max(12, min(40, width - _BAR_COLUMNS - 62))
    picture.append(f"\n  Σ {fitted('everything', name_columns)} ", "bold")
    _bar(picture, come, wanted)
    picture.append(f" {size(come):>8} / {size(wanted):<8} {rate(down):>10}{left}")


def _bar(picture: Text, done: float, total: float) -> None:
    drawn = bar(done, total, _BAR_COLUMNS)
    full = drawn.rstrip(EMPTY)
    picture.append(full, "green" if full == FULL * _BAR_COLUMNS else "cyan")
    picture.append(drawn[len(full) :], "dim")


class LiveScreen:
    """A terminal that shows the picture at its bottom and lets events scroll above it."""

    def __init__(self, console: Console | None = None, *, prompt: bool = True) -> None:
        """Draw on `console` (default: standard output); with `prompt` the typed line is shown."""
        self._console = console or Console(highlight=False, markup=False)
        self._state: dict[str, Any] | None = None
        self._typed: str | None = "" if prompt else None
        self._whole = Whole()
        self._progress = (0, 0)
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop"
        )

    def __repr__(self) -> str:
        state = (self._state or {}).get("state", "no state yet")
        return f"LiveScreen({state}, {self._progress[0]} of {self._progress[1]} bytes)"

    def open(self) -> None:
        """Begin to draw."""
        self._live.start()

    def close(self) -> None:
        """Wipe the picture and give the terminal back."""
        self._live.stop()

    def lines(self, lines: list[str]) -> None:
        """Let lines scroll above the picture."""
        for line in lines:
            self._console.print(Text(line, _STYLES.get(line[:1], ""), overflow="fold"))

    def state(self, state: dict[str, Any]) -> None:
        """Take a new snapshot."""
        self._state = state
        self._progress = self._whole.done(state["need_bytes"])

    def typed(self, text: str) -> None:
        """Take what stands on the prompt."""
        if self._typed is not None:
            self._typed = text

    def draw(self) -> None:
        """Draw the picture now."""
        self._live.update(
            render(self._state, self._progress, self._typed, self._console.width), refresh=True
        )
