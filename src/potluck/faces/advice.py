"""Lines for a terminal: sentences and rows are broken where they can be, commands never.

Strategy: a line that ends in a command to type is an `Advice`, which knows where that begins, so
whoever writes to a terminal needs no grammar. What is too wide for it is broken between the cells
of a row or the words of a sentence; a command goes to a line of its own, set in as far as there is
room.

Guarantees: no command is broken here, so it can be copied as it stands; nothing is left out; a row
of a picture (`LightOnDark`) stays as it is.
Limits: a command that is wider than the terminal is folded by the terminal itself; two spaces or
more part the cells of a row, also where they stand in a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Self

from potluck.faces.text import columns, wrapped

_HANGING = "    "  # what goes on on the next line is set in so far
_FURTHER = "  "  # a command below its line


class Advice(str):
    """A line that ends in a command to type, or in a path: in what a person copies."""

    __slots__ = ("before", "command")
    before: str
    command: str

    def __new__(cls, before: str, command: str) -> Self:
        """Join what stands before the command and the command."""
        line = super().__new__(cls, before + command)
        line.before, line.command = before, command
        return line


class LightOnDark(str):
    """A line of a picture for cameras: light on dark, whatever the terminal's own colours are."""

    __slots__ = ()


def indented(line: str, by: str) -> str:
    """Return a line set in."""
    return Advice(by + line.before, line.command) if isinstance(line, Advice) else by + line


def for_terminal(lines: Iterable[str], width: int) -> Iterator[str]:
    """Yield lines of at most `width` columns; only a command alone on its line may be wider."""
    for line in lines:
        if columns(line) <= width or isinstance(line, LightOnDark):
            yield line
        elif isinstance(line, Advice):
            yield from _advised(line, width)
        else:
            yield from _broken(line, width)


def _advised(line: Advice, width: int) -> Iterator[str]:
    before = line.before.rstrip()
    if before:
        yield from for_terminal([before], width)
    below = _indent(line) + (_FURTHER if before else "") + line.command
    yield below if columns(below) <= width else line.command


def _broken(line: str, width: int) -> list[str]:
    """Break a row between its cells, and a cell between its words where it fits on no line."""
    indent = _indent(line)
    first, *others = re.split("( {2,})", line.strip())
    hanging = indent + _HANGING
    rows = wrapped(indent + first, width, hanging)
    for gap, cell in zip(others[::2], others[1::2], strict=True):
        joined, alone = rows[-1] + gap + cell, hanging + cell
        if columns(joined) > width >= columns(alone):
            rows.append(alone)
        else:
            rows[-1:] = wrapped(joined, width, hanging)
    return [row.rstrip() for row in rows]


def _indent(line: str) -> str:
    return " " * (len(line) - len(line.lstrip(" ")))
