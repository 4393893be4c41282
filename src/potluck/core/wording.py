"""Wording: numbers, sizes, times and lists of names as people read them in a sentence.

Strategy: one function for each kind of thing, so that the engine's reasons and what faces draw use
the same words. Guarantees: pure; nothing is longer than a line; a name that was set off cannot be
read as words of ours, whoever chose it, and one in a command that is advised is one word of it, in
a shell and at the prompt of potluck, and no option. Limits: English; other names are put in as they
are, and whoever shows them takes out what moves a cursor.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from potluck.core.content.paths import printable

TO_TYPE = "type: "  # before a command of ours in a sentence, for the faces to know it by
TO_TYPE_THERE = "type there: "  # the same, on another machine
LISTED = 3  # names in a sentence; the others are counted
_POINTS = frozenset('()[]{}<>,:;"“”„→·')  # what parts a sentence of ours
_OWN_WORDS = frozenset({"and", "are", "files", "folder", "in", "is", "more", "to", "was", "were"})
_OPENED, _CLOSED = r"\u201c", r"\u201d"  # as `printable` writes letters that it takes out
_PLAIN_WORD = re.compile(r"[\w][\w.@%+-]*")  # typed as it stands, and never taken for an option
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_STEP = 1000.0  # of the units, as file managers count
_TURN = 999.5  # from here on the next unit is shorter
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_TWICE = 1.5  # of a unit of time: below it the smaller one says more


def listed(names: Iterable[str]) -> str:
    """Return "a", "a and b", "a, b, c and 4 more"; nothing for nobody."""
    every = list(dict.fromkeys(names))
    more = len(every) - LISTED
    if more > 0:
        return f"{', '.join(every[:LISTED])} and {more} more"
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


def set_off(name: str) -> str:
    r"""Return the name of a file for a sentence: in “quotes” if it could be read as a part of it.

    Such quotes in the name itself become `\u201c` and `\u201d`: where it ends is always known.
    """
    plain = not any(letter.isspace() or letter in _POINTS for letter in name)
    if plain and name and name.casefold() not in _OWN_WORDS:
        return name
    return f"“{name.replace('“', _OPENED).replace('”', _CLOSED)}”"


def typable(name: str, otherwise: str) -> str:
    """Return what is typed to mean a name, quoted where that is needed; `otherwise`, an id of the
    same or nothing, where it could not be typed or would be taken for an option.
    """
    if _PLAIN_WORD.fullmatch(name):
        return name
    is_typable = name != "" and printable(name) == name and not name.startswith("-")
    return shlex.quote(name) if is_typable else otherwise


def of_amount(files: int, folders: int, size_bytes: float) -> str:
    """Return "3 files and 1 folder (1.4 GB)"."""
    parts = [plural(files, "file")] if files or not folders else []
    if folders:
        parts.append(plural(folders, "folder"))
    size = f" ({of_size(size_bytes)})" if size_bytes else ""
    return " and ".join(parts) + size


def plural(number: int, noun: str) -> str:
    """Return "1 file", "2,000 files"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def of_size(size_bytes: float) -> str:
    """Return bytes as people read them, "1.4 GB"."""
    power = 0
    while power < len(_UNITS) - 1 and size_bytes >= _TURN:
        size_bytes, power = size_bytes / _STEP, power + 1
    digits = 0 if power == 0 or size_bytes >= 100 else 1
    return f"{size_bytes:.{digits}f} {_UNITS[power]}"


def of_time(seconds: float) -> str:
    """Return how long something lasts, "40 s", "5 min", "3 h", "2 days"."""
    for unit_s, name in ((_DAY_S, "days"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= unit_s * _TWICE:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds:.0f} s"


def lack_words(amounts: Sequence[tuple[int, int, int]]) -> str:
    """Say what each of some devices lacks; two that lack the same file make no two files of it.

    An amount is files, folders and bytes. Which files they are nobody said, so how many lack
    somewhere is known of one device only.
    """
    files, folders, size_bytes = map(max, zip(*amounts, strict=True))
    if len(amounts) == 1:
        return f"lacks {of_amount(files, folders, size_bytes)}"
    if all(amount == (files, folders, size_bytes) for amount in amounts):
        return f"lack {of_amount(files, folders, size_bytes)}"
    if all(amount[:2] == (files, folders) for amount in amounts):
        return f"lack {of_amount(files, folders, 0)} (up to {of_size(size_bytes)})"
    return f"lack up to {of_amount(files, folders, size_bytes)}"
