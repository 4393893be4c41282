"""Lines: one for each owner, each in its own order."""

from __future__ import annotations

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.lines import WaitingLine, WaitingLines
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
ROOTS = [Root(bytes([number]) * 32) for number in range(20)]


def line_of(*roots: Root) -> WaitingLine:
    line = WaitingLine()
    for root in roots:
        line.add(root)
    return line


def seen(line: WaitingLine, at_most: int | None) -> list[Root]:
    """Look at so many, of which all keep their places."""
    found = []
    line.begin_look(at_most)
    while (root := line.see()) is not None:
        found.append(root)
        line.keep(root)
    line.end_look()
    return found


def test_each_owner_has_a_line_that_keeps_its_order() -> None:
    lines = WaitingLines()
    for owner, root in ((A, ROOTS[2]), (B, ROOTS[0]), (A, ROOTS[1])):
        lines.add(owner, root)
    assert len(lines) == 3
    assert lines.owners() == [A, B]
    assert seen(lines.of(A), None) == [ROOTS[2], ROOTS[1]]
    lines.of(B).take()
    assert lines.owners() == [A]
    assert repr(lines) == "<WaitingLines: 2 of 1 owners>"
    lines.add(None, ROOTS[0])
    assert lines.owners() == [A, None]


def test_a_look_sees_the_first_ones_and_goes_on_where_the_last_stopped() -> None:
    line = line_of(*ROOTS)
    assert seen(line, 8) == ROOTS[:8]
    assert seen(line, 8) == ROOTS[:4] + ROOTS[8:12]
    assert repr(line) == "<WaitingLine: 12 passed over, 8 ahead>"
    assert seen(line, 8) == ROOTS[:4] + ROOTS[12:16]
    assert seen(line, 8) == ROOTS[:4] + ROOTS[16:]
    assert seen(line, 8) == ROOTS[:8], "and begins again"
    assert seen(line, None) == ROOTS, "all are where they were"
    assert len(line) == len(ROOTS)


def test_a_content_stands_in_a_line_once() -> None:
    line = line_of(ROOTS[1], ROOTS[0], ROOTS[1])
    assert seen(line, None) == [ROOTS[1], ROOTS[0]]
    line.add(ROOTS[0])
    assert len(line) == 2
    line.begin_look(None)
    assert line.see() == ROOTS[1]
    line.add(ROOTS[1])
    line.end_look()
    assert seen(line, None) == [ROOTS[0], ROOTS[1]], "it left, and came again"


def test_who_is_put_back_comes_after_all_that_were_passed_over() -> None:
    line = line_of(*ROOTS[:6])
    assert seen(line, 4) == ROOTS[:4]
    line.begin_look(4)
    assert line.see() == ROOTS[0]
    line.put_back(ROOTS[0])
    assert line.see() == ROOTS[1]
    line.keep(ROOTS[1])
    line.end_look()
    assert seen(line, None) == [*ROOTS[1:4], ROOTS[0], *ROOTS[4:6]]


def test_who_is_taken_or_turned_is_the_first() -> None:
    line = line_of(*ROOTS[:3])
    line.turn()
    assert line.first() == ROOTS[1]
    assert [line.take() for _ in range(3)] == [ROOTS[1], ROOTS[2], ROOTS[0]]
    line.add(ROOTS[1])
    assert line.first() == ROOTS[1]


def test_who_has_no_line_has_an_empty_one() -> None:
    assert len(WaitingLines().of(None)) == 0
