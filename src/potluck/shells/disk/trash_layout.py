"""The names in the trash: what each says of when something came there, why, and what it was.

Strategy: the trash is `day-NNNNNN-replaced/<label>/<path>` and the same with `deleted`, where the
day counts how long the program has run (trash_days.py). A name that is taken there gets `~2`, `~3`;
one that itself ends like that gets `~1`, so that taking one such end off gives the name back. A
name that would be too long with a number has none: it lies as it is in the first folder
`day-NNNNNN-replaced-whole.N` in which it is free, and N is its number. What was found under any
other name is called `day-NNNNNN was NAME`, and in there nothing is taken off.

Guarantees: names only, no file is touched; every name that a file gets in there gives its path
back. Limits: an earlier potluck cut a name that was too long with its number, and what it kept so
is read as a version of another path, the one with the cut name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Final

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.core.limits import COMPONENT_BYTES

DAY_MAX: Final = 999_999
_OURS: Final = re.compile(
    r"day-([0-9]{6})-(replaced|deleted)(?:-whole\.([0-9]{1,6})|\.[0-9]{1,6})?"
)
_TAKEN_OVER: Final = re.compile(r"day-([0-9]{6}) was (.*)", re.DOTALL)
_NUMBERED: Final = re.compile(r"(.+)~([0-9]{1,9})", re.DOTALL)
_NUMBER_BYTES: Final = len("~123456789")  # the longest that is read


class Why(StrEnum):
    """Why something came into the trash."""

    REPLACED = "replaced"
    DELETED = "deleted"
    UNKNOWN = ""  # an earlier potluck did not say


@dataclass(frozen=True, slots=True)
class Top:
    """What the name of a folder directly in the trash says."""

    day: int  # of the program, on which it was begun
    why: Why
    was: str = ""  # what it was called before it was taken over
    turn: int = 0  # of all in there, and their names are whole; 0: each name says its own


def top_name(day: int, why: Why, series: int = 1, *, whole: bool = False) -> str:
    """Return the name of a folder directly in the trash; `whole`: for names without numbers."""
    if whole:
        return f"day-{day:06d}-{why}-whole.{series}"
    return f"day-{day:06d}-{why}" + (f".{series}" if series > 1 else "")


def taken_over_name(day: int, was: str, series: int = 1) -> str:
    """Return the name under which a thing of another name stays in the trash."""
    return _cut(f"day-{day:06d} was {was}", f"~{series}" if series > 1 else "")


def read_top(name: str) -> Top | None:
    """Return what a name directly in the trash says, None for one that is not ours."""
    if ours := _OURS.fullmatch(name):
        return Top(int(ours[1]), Why(ours[2]), turn=int(ours[3] or 0))
    if taken_over := _TAKEN_OVER.fullmatch(name):
        return Top(int(taken_over[1]), Why.UNKNOWN, taken_over[2])
    return None


def stays_whole(name: str) -> bool:
    """Say whether a name has no room for a number, so that it lies in a folder for such names."""
    return len(name.encode("utf-8", "surrogateescape")) > COMPONENT_BYTES - _NUMBER_BYTES


def trash_names(name: str) -> Iterator[str]:
    """Yield the names under which something can lie in a folder of the trash, the first choice
    first; without an end, but of one that stays whole it is that name alone.
    """
    if stays_whole(name):
        yield name
        return
    if not _NUMBERED.fullmatch(name):
        yield name
    for n in count(1 if _NUMBERED.fullmatch(name) else 2):
        yield f"{name}~{n}"


def turn_of(top: Top | None, name: str) -> int:
    """Return the how-manieth a name in the trash is of its kind: 1, and then what it ends with."""
    if top is not None and top.turn:
        return top.turn
    numbered = _NUMBERED.fullmatch(name)
    return int(numbered[2]) if numbered is not None else 1


def path_in(top: Top, parts: tuple[str, ...]) -> SafePath | None:
    """Return which path below Shared/ lies as `parts` in a folder of the trash, None: no path."""
    if len(parts) < 2:
        return None
    *folders, name = parts
    if top.why is not Why.UNKNOWN and not top.turn and (numbered := _NUMBERED.fullmatch(name)):
        name = numbered[1]
    try:
        return parse_wire_path("/".join([*folders, name]).encode())
    except (UnsafePath, UnicodeEncodeError):
        return None


def _cut(name: str, tail: str) -> str:
    """Return a name with that end, cut before it where it would be too long."""
    data = name.encode("utf-8", "surrogateescape")
    if len(data) + len(tail) > COMPONENT_BYTES:
        name = data[: COMPONENT_BYTES - len(tail)].decode("utf-8", "ignore")
    return name + tail
