"""The bars of the demonstration: one row per item, how much of it has reached the others.

Strategy: `rows` is pure: items and what each device says it holds, in; rows, out. A row counts
bytes on all receivers, what is under way included. On a terminal the rows are redrawn in place;
elsewhere a row is printed when it has passed another quarter, so that a log stays readable.
Guarantee: every item is shown at least once, complete or not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from potluck.faces.demo.files import Item
from potluck.faces.text import bar, columns, rate, shown, size

BAR_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What one device says it holds at one moment."""

    label: str  # which device
    here: frozenset[str]  # paths below Shared/ that are wholly there
    # path -> bytes done, bytes per second, sources
    under_way: dict[str, tuple[int, float, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item and how far it has come."""

    title: str  # for people
    owner: str  # label
    done: int  # bytes on receivers
    total: int  # bytes wanted on receivers
    whole: int  # devices that hold all of it, the owner included
    devices: int  # devices in all
    speed: float  # bytes per second, over all receivers
    sources: tuple[str, ...]  # labels it comes from now

    @property
    def complete(self) -> bool:
        """Whether everybody has it."""
        return self.whole == self.devices


def holding(label: str, files: list[dict[str, Any]], state: dict[str, Any]) -> DeviceReport:
    """Make a Holding of what a local API says."""
    here = frozenset(
        entry["path"] for entry in files if entry["here"] and entry["kind"] != "folder"
    )
    under_way = {
        one["path"]: (int(one["done"]), float(one["rate"]), tuple(one["from"]))
        for one in state["transfers"]
    }
    return DeviceReport(label, here, under_way)


def rows(items: list[Item], holdings: list[DeviceReport]) -> list[ItemRow]:
    """Return one row per item."""
    return [_row(item, holdings) for item in items]


def _row(item: Item, holdings: list[DeviceReport]) -> ItemRow:
    done, whole, speed, sources = 0, 1, 0.0, set[str]()
    receivers = [one for one in holdings if one.label != item.owner]
    for one in receivers:
        missing = [path for path in item.files if path not in one.here]
        whole += not missing
        done += sum(item.files[path] for path in item.files if path in one.here)
        for path in missing:
            part, per_s, come_from = one.under_way.get(path, (0, 0.0, ()))
            done, speed = done + min(part, item.files[path]), speed + per_s
            sources |= set(come_from)
    total = item.size_bytes * len(receivers)
    return ItemRow(
        item.title, item.owner, done, total, whole, len(holdings), speed, tuple(sorted(sources))
    )


def row_line(row: ItemRow, title_columns: int) -> str:
    """Return a row as a line."""
    mark = "✓" if row.complete else "↓"
    title = row.title + " " * (title_columns - columns(row.title))
    # Where the last byte stands but not the last name, the bar must not look full yet.
    done = row.done if row.complete else min(row.done, row.total * 0.99)
    line = f"  {mark} {title}  {bar(done, row.total, BAR_COLUMNS)}"
    line += f" {size(row.done):>8} / {size(row.total):<8}"
    line += f" on {row.whole} of {row.devices}   from {shown(row.owner)}"
    if not row.complete and row.speed:
        line += f" · {rate(row.speed)} via {', '.join(map(shown, row.sources))}"
    return line


class PlainBars:
    """Prints a row when it has passed another quarter."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._shown: dict[str, tuple[int, bool]] = {}

    def __repr__(self) -> str:
        return f"PlainBars({len(self._shown)} rows shown)"

    def show(self, current: list[ItemRow]) -> None:
        """Print what has come far enough since the last time."""
        width = max((columns(row.title) for row in current), default=0)
        for row in current:
            quarter = int(4 * row.done / row.total) if row.total else 0
            progress = (quarter, row.complete)
            never_shown = (-1 if row.complete else 0, False)
            if progress != self._shown.get(row.title, never_shown):
                self._shown[row.title] = progress
                self._write(row_line(row, width) + "\n")

    def close(self) -> None:
        """Nothing to end."""


class LiveBars:
    """Redraws the rows in place."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415  (a pipe needs none of it)
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(console=Console(highlight=False, markup=False), auto_refresh=False)
        self._live.start()

    def show(self, current: list[ItemRow]) -> None:
        """Draw all rows."""
        from rich.text import Text  # noqa: PLC0415

        width = max((columns(row.title) for row in current), default=0)
        picture = Text(no_wrap=True, overflow="crop")
        for row in current:
            picture.append(row_line(row, width) + "\n", "green" if row.complete else "")
        self._live.update(picture, refresh=True)

    def close(self) -> None:
        """Leave the last picture standing."""
        self._live.stop()


def bars(*, quiet: bool) -> PlainBars | LiveBars:
    """Return bars that suit the standard output."""
    if quiet:
        return PlainBars(len)
    return LiveBars() if sys.stdout.isatty() else PlainBars(sys.stdout.write)
