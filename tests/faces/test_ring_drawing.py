"""The ring as it is drawn, and as a list below."""

from __future__ import annotations

import pytest

from potluck.faces import ring_drawing, text
from tests.faces.fakes import ME, state


def node(number: int, label: str | None = None) -> dict[str, object]:
    return {"number": number, "id": str(number), "label": label or f"node-{number}", "seat": number}


def test_no_ring_is_said() -> None:
    assert "no ring yet" in ring_drawing.ring_lines([], "")[0]


def test_one_node_is_its_own_last_and_next() -> None:
    assert ring_drawing.ring_lines([node(0)], "0")[-1].split() == [
        "0",
        "node-0",
        "(this",
        "device)",
        "0",
        "node-0",
        "0",
        "node-0",
    ]


@pytest.mark.parametrize("number", range(2, 17))
def test_every_node_stands_in_the_drawing(number: int) -> None:
    lines = ring_drawing.ring_lines([node(place) for place in range(number)], "1")
    drawing, rows = lines[: lines.index("")], lines[lines.index("") + 2 :]
    for place in range(number):
        assert any(f" {place} node-{place}" in line for line in drawing)
    assert sum(line.count("*") for line in drawing) == 1
    assert [row.split()[0] for row in rows] == [str(place) for place in range(number)]
    assert rows[0].endswith(f"{number - 1} node-{number - 1}  1 node-1")


def test_a_large_ring_is_a_list() -> None:
    assert len(ring_drawing.ring_lines([node(place) for place in range(40)], "1")) == 41


def test_a_circle_wider_than_the_terminal_is_not_drawn():
    nodes = [node(place) for place in range(4)]
    drawn = ring_drawing.ring_lines(nodes, "1")
    width = max(map(text.columns, drawn[:-6]))
    assert ring_drawing.ring_lines(nodes, "1", width) == drawn
    assert ring_drawing.ring_lines(nodes, "1", width - 1) == drawn[-5:], "the list stays"


def test_wide_and_hostile_labels_keep_the_drawing_straight() -> None:
    lines = ring_drawing.ring_lines([node(0, "名前のPC"), node(1, "e\u0301\x1b[31m")], "")
    assert any("0 名前のPC" in line for line in lines)
    assert "\x1b" not in "".join(lines)


def test_the_ring_of_a_state() -> None:
    assert any("0 kitchen-pc*" in line for line in ring_drawing.ring_lines(state()["ring"], ME))
