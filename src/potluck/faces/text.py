"""Words and figures for people: sizes, rates, times, bars, tables.

Strategy: pure functions from values to text, without any library, so that `status` need not import
one and every line can be tested as a string. Guarantee: a name that came from somewhere else goes
through `shown`, which leaves no control, bidirectional or zero-width character, so no file name can
move a cursor or forge a line. Limits: a bar counts eighths of a column.
"""

from __future__ import annotations

import math
import unicodedata
from typing import Any

from potluck.core.content.paths import printable

FULL, EMPTY = "█", "░"
_PARTS = " ▏▎▍▌▋▊▉"
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def shown(name: object) -> str:
    """Return a foreign name, or a sentence that may hold one, fit for a terminal."""
    return printable(str(name))


def size(count: float) -> str:
    """Return bytes as people read them, "1.4 GB" (powers of 1000, as file managers count)."""
    power = 0
    while power < len(_UNITS) - 1 and count >= 999.5:
        count, power = count / 1000, power + 1
    digits = 0 if power == 0 or count >= 100 else 1
    return f"{count:.{digits}f} {_UNITS[power]}"


def amount(done: float, total: float) -> str:
    """Return how much of how much, "1.1 / 1.4 GB", "900 MB / 1.4 GB"."""
    come, whole = size(done).split(), size(total)
    return (
        f"{come[0]} / {whole}" if whole.endswith(" " + come[1]) else f"{' '.join(come)} / {whole}"
    )


def upload_words(upload: dict[str, Any]) -> str:
    """Return how much of an upload is there, or only came, or how large it is, as far as known."""
    if upload["there"] is not None:
        return amount(min(upload["there"], upload["size"]), upload["size"])
    if upload["sent"] is not None:
        return f"{size(upload['sent'])} sent of {size(upload['size'])}"
    return size(upload["size"])


def percent(done: float, total: float) -> str:
    """Return a share, "35 %"; only all of it is "100 %", only nothing "0 %"."""
    part = 1.0 if total <= 0 else max(0.0, min(1.0, done / total))
    whole = math.floor(part * 100)
    return "<1 %" if part > 0 and not whole else f"{whole} %"


def rate(per_s: float) -> str:
    """Return bytes per second, "112 MB/s"."""
    return size(per_s) + "/s"


def duration(seconds: float) -> str:
    """Return a time left, "3 s", "4 min", "2 h"."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def count(number: int, noun: str) -> str:
    """Return "1 file", "14 files"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def bar(done: float, total: float, width: int = 20) -> str:
    """Return a bar of `width` columns; nothing to do is done, and only all of it looks full."""
    part = 1.0 if total <= 0 else max(0.0, min(1.0, done / total))
    eighths = int(part * width * 8)
    whole, rest = divmod(eighths, 8)
    drawn = FULL * whole + (_PARTS[rest] if rest else "")
    return drawn + EMPTY * (width - len(drawn))


def columns(text: str) -> int:
    """Return how many columns a terminal uses for `text`."""
    return sum(map(_letter_columns, text))


def _letter_columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def fitted(text: str, width: int) -> str:
    """Return `text` in exactly `width` columns, cut in the middle with …: both ends tell."""
    if width <= 0:
        return ""
    if columns(text) > width:
        head, tail = text, text
        while columns(head) > max(0, width - 1) // 2:
            head = head[:-1]
        while tail and columns(tail) > width - 1 - columns(head):
            tail = tail[1:]
        text = f"{head}…{tail}" if width else ""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return `text` in lines of at most `width` columns, broken between words where that goes.

    Every line but the first begins with `indent`.
    """
    width = max(width, columns(indent) + 2)  # room for the widest letter
    words = text.lstrip(" ")
    lines, line = list[str](), text[: len(text) - len(words)]
    for word in words.split(" "):
        joined = f"{line} {word}" if line.strip() else line + word
        if columns(joined) <= width:
            line = joined
            continue
        if line.strip():
            lines.append(line)
            line = indent
        line += word
        while columns(line) > width:
            end = next(end for end in range(len(line), 0, -1) if columns(line[:end]) <= width)
            lines.append(line[:end])
            line = indent + line[end:]
    return [*lines, line]


def table(rows: list[list[str]], indent: str = "  ") -> list[str]:
    """Return rows as lines whose columns stand below each other; the last column is left ragged."""
    if not rows:
        return []
    widths = [max(columns(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [(indent + "  ".join(map(_padded, row, widths))).rstrip() for row in rows]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - columns(cell))


def lacking_words(files: int, folders: int, size_bytes: int) -> str:
    """Return "2 files and 1 folder (1.0 GB)", "" for nothing."""
    parts = [count(files, "file")] if files else []
    parts += [count(folders, "folder")] if folders else []
    if not parts:
        return size(size_bytes) if size_bytes else ""
    return " and ".join(parts) + (f" ({size(size_bytes)})" if size_bytes else "")
