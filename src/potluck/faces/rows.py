"""Rows: one thing that moves, in as many lines and columns as there are.

Strategy: pure functions from an entry of the state to rows, and a row is a list of pieces with
their styles, so that a test reads text and the live view only colours it. With room a row is one
line: name, bar, how much of how much, rate, time left, from whom. On a narrow terminal the name has
a line of its own and what does not fit below it is left out, the least telling first.

Guarantees: no row is wider than the terminal, from 20 columns on; a name is cut only where there is
no room, and in its middle; an amount stands once. Limits: which rows are shown, and how many, is
for live.py to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from potluck.faces.progress import Motion, upload_key
from potluck.faces.text import (
    EMPTY,
    FULL,
    amount,
    bar,
    columns,
    count,
    duration,
    fitted,
    percent,
    rate,
    shown,
    upload_words,
)

ONE_LINE_COLUMNS = 70  # from here on a row has room for name and figures side by side
_INDENT, _GAP = "  ", "  "
_BAR_COLUMNS, _LEAST_BAR = 16, 8
_LEAST_SOURCES = 8  # columns; fewer tell nothing
_MOST_NAME = 60  # columns
_PLACES = (10, 6)  # columns of a rate and of a time left

Pieces = list[tuple[str, str]]
"""Pieces of one line, each with the name of its style."""


@dataclass(frozen=True, slots=True)
class Moving:
    """One thing that moves, as people read it."""

    sign: str  # ↓, ↑ or Σ
    name: str
    done: float | None  # None: nobody knows, and no bar is drawn
    total: float
    figures: tuple[str, ...]  # how much, how fast, how long; the most telling first
    sources: str = ""


def incoming(one: dict[str, Any], motion: Motion) -> Moving:
    """Return what a transfer shows; of a folder's small files how many are here."""
    files, every = one["files"], one["every"]
    sources = ", ".join(shown(label) for label in one["from"])
    if files > 1 and every is None:  # not counted yet
        words = f"{count(files, 'file')} to come"
        return Moving("↓", shown(one["path"]), None, files, (words,), sources)
    if files > 1:
        here, words = every - files, f"{every - files:,} of {count(every, 'file')}"
        return Moving("↓", shown(one["path"]), here, every, (words,), sources)
    speed = motion.rates.get(one["path"], 0.0)
    figures = _figures(one["done"], one["size"], speed, motion)
    return Moving("↓", shown(one["path"]), one["done"], one["size"], figures, sources)


def outgoing(one: dict[str, Any], motion: Motion) -> Moving:
    """Return what an upload shows; the other side may get pieces elsewhere, so no time left."""
    name = f"{shown(one['path'])} → {shown(one['to'])}"
    speed = motion.rates.get(upload_key(one), 0.0)
    figures = (upload_words(one), *([rate(speed)] if speed else []))
    return Moving("↑", name, one["there"], one["size"], figures)


def everything(motion: Motion, *, stands: bool = False) -> Moving:
    """Return what the bar of the whole shows; how many files that are stands in the reason.

    `stands`: it is known that nothing comes now, so what came a moment ago is no rate.
    """
    figures = _figures(motion.come, motion.wanted, 0.0 if stands else motion.rate, motion)
    return Moving("Σ", "everything", motion.come, motion.wanted, figures)


def _figures(done: float, total: float, speed: float, motion: Motion) -> tuple[str, ...]:
    left_s = motion.left_s(total - done, speed)
    figures = [amount(done, total)]
    figures += [rate(speed)] if speed else []
    return (*figures, *([duration(left_s)] if left_s is not None else []))


def laid_out(moving: list[Moving], width: int) -> list[Pieces]:
    """Return the rows of these, their columns below each other."""
    if width < ONE_LINE_COLUMNS:
        return [row for one in moving for row in _two_lines(one, width)]
    figures = [_GAP.join(_padded(one)).rstrip() for one in moving]
    figure_columns = max((columns(text) for text in figures), default=0)
    room = width - figure_columns - len(_INDENT) - 2 - len(_GAP) - 1
    longest = max((columns(one.name) for one in moving), default=0)
    bar_columns = max(_LEAST_BAR, min(_BAR_COLUMNS, room - longest - 1))
    name_columns = min(longest, _MOST_NAME, room - bar_columns)
    rows = []
    for one, text in zip(moving, figures, strict=True):
        row = [
            (f"{_INDENT}{one.sign} {fitted(one.name, name_columns)} ", _style(one)),
            *_bar(one, bar_columns),
            (f"{_GAP}{text}", ""),
        ]
        pad = figure_columns - columns(text)
        left = room - bar_columns - name_columns - len(_GAP)
        if one.sources and left >= _LEAST_SOURCES:
            row.append((f"{' ' * pad}{_GAP}{fitted(one.sources, left).rstrip()}", "dim"))
        rows.append(row)
    return rows


def _two_lines(one: Moving, width: int) -> list[Pieces]:
    """Return a row for a narrow terminal: the name, and below it what fits."""
    name_columns = max(1, width - 2)
    name: Pieces = [(f"{one.sign} {fitted(one.name, name_columns).rstrip()}", _style(one))]
    part = [] if one.done is None else [percent(one.done, one.total)]
    figures = (*part, *one.figures)
    words = ""
    for figure in figures:
        longer = f"{words}{_GAP if words else _INDENT}{figure}"
        if columns(longer) <= width:
            words = longer
    room = width - columns(words) - len(_GAP) - 1
    drawn: Pieces = []
    if room >= _LEAST_BAR and one.done is not None:
        drawn = [("  ", ""), *_bar(one, min(_BAR_COLUMNS, room))]
    return [name, [*drawn, (words, "")]]


def _padded(one: Moving) -> list[str]:
    """Return the figures of a row, each in a column of its own."""
    first, *others = one.figures
    return [
        f"{first:<15}",
        *(f"{text:>{place}}" for text, place in zip(others, _PLACES, strict=False)),
    ]


def _style(one: Moving) -> str:
    return "bold" if one.sign == "Σ" else ""


def _bar(one: Moving, width: int) -> Pieces:
    if one.done is None:
        return [(" " * width, "")]
    drawn = bar(one.done, one.total, width)
    full = drawn.rstrip(EMPTY)
    return [(full, "green" if full == FULL * width else "cyan"), (drawn[len(full) :], "dim")]
