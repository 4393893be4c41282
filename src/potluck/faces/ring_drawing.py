"""The ring drawn in plain characters, and told as a list: who is last and next to whom.

Strategy: names on an ellipse, made wider until none covers another; pure functions from the ring of
the local API to lines. Apart from `faces/text.py`, so that `status` need not import it. Guarantee:
whatever is drawn, the list below it says the same. Limits: the ring is drawn for up to 16 nodes, if
there is room for it; others are told as a list only.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

from potluck.faces.text import columns, shown, table

DRAWN_NODES = 16


def ring_lines(ring: list[dict[str, Any]], own_id: str, width: int | None = None) -> list[str]:
    """Return the circle with its node numbers, clockwise, then who is last and next to whom.

    A circle that is wider than `width` is left out.
    """
    if not ring:
        return ["There is no ring yet: this device is alone and in no group."]
    members = sorted(ring, key=lambda node: int(node["number"]))
    names = [
        f"{node['number']} {shown(node['label'])}" + ("*" if node["id"] == own_id else "")
        for node in members
    ]
    drawing = _circle(names) if 1 < len(names) <= DRAWN_NODES else []
    if width is not None and any(columns(line) > width for line in drawing):
        drawing = []
    rows = [["node", "device", "last", "next"]]
    for place, node in enumerate(members):
        last, following = members[place - 1], members[(place + 1) % len(members)]
        rows.append(
            [
                str(node["number"]),
                shown(node["label"]) + (" (this device)" if node["id"] == own_id else ""),
                f"{last['number']} {shown(last['label'])}",
                f"{following['number']} {shown(following['label'])}",
            ]
        )
    return [*drawing, *([""] if drawing else []), *table(rows)]


Caption = tuple[int, int, str]
"""Row, first column, and the text of a name in the drawing."""


class _Ellipse(NamedTuple):
    """A circle as a terminal shows it: cells are about twice as high as wide."""

    half_height: int  # rows
    half_width: int  # columns
    middle: int  # column of the centre

    def spot(self, turn: float) -> tuple[int, int]:
        """Return row and column at `turn` of a full turn, clockwise from the top."""
        angle = turn * math.tau
        row = self.half_height - self.half_height * math.cos(angle)
        return round(row), round(self.middle + self.half_width * math.sin(angle))

    def labels(self, names: list[str]) -> list[Caption]:
        """Return where each name stands, centred on its spot."""
        spots = [self.spot(place / len(names)) for place in range(len(names))]
        return [
            (row, column - columns(name) // 2 - 1, f" {name} ")
            for (row, column), name in zip(spots, names, strict=True)
        ]


def _circle(names: list[str]) -> list[str]:
    """Draw names on an ellipse, node 0 at the top, clockwise, an arrow towards each next one."""
    longest = max(columns(name) for name in names)
    half_height = max(3, math.ceil(len(names) * 0.8))
    half_width = max(14, 3 * half_height)
    while _overlap(
        (ellipse := _Ellipse(half_height, half_width, half_width + longest // 2 + 3)).labels(names)
    ):
        half_width += 2
    canvas = [[" "] * (2 * ellipse.middle + 2) for _ in range(2 * half_height + 1)]
    steps = 12 * (half_width + half_height)
    last_row = 0
    for step in range(steps):
        row, column = ellipse.spot(step / steps)
        if column % 2 == ellipse.middle % 2 or row != last_row:  # every other column, but every row
            canvas[row][column] = "·"
        last_row = row
    for place in range(len(names)):
        turn = (place + 0.5) / len(names)
        row, column = ellipse.spot(turn)
        canvas[row][column] = "→↘↓↙←↖↑↗"[round(turn * 8) % 8]
    labels = ellipse.labels(names)
    return [
        _overlaid(line, [label for label in labels if label[0] == row])
        for row, line in enumerate(canvas)
    ]


def _overlap(labels: list[Caption]) -> bool:
    """Say whether any two names would cover each other."""
    ordered = sorted(labels)
    return any(
        row == next_row and start + columns(text) > next_start
        for (row, start, text), (next_row, next_start, _) in pairwise(ordered)
    )


def _overlaid(line: list[str], labels: list[Caption]) -> str:
    """Write labels over one line of the canvas; wide letters take the cells they cover."""
    for _, start, text in labels:
        cells: list[str] = []
        for letter in text:
            width = columns(letter)
            if width == 0 and cells:
                cells[-1] += letter
            else:
                cells += [letter, *[""] * (width - 1)]
        for offset, cell in enumerate(cells):
            if start + offset < len(line):
                line[start + offset] = cell
    return "".join(line).rstrip()
