"""Lines: one for each owner, each in its own order."""

from __future__ import annotations

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.lines import WaitingLine, WaitingLines, line_of
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
ROOTS = [Root(bytes([number]) * 32) for number in range(20)]


def seen(line: WaitingLine, at_most: int, *, anew: bool = True) -> list[Root]:
    """Look at so many, of which all keep their places."""
    found = []
    if anew:
        line.begin_round()
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
    assert seen(lines.of(A), 8) == [ROOTS[2], ROOTS[1]]
    lines.of(B).take()
    assert lines.owners() == [A]
    assert repr(lines) == "<WaitingLines: 2 of 1 owners>"
    lines.add(None, ROOTS[0])
    assert lines.owners() == [A, None]


def test_a_look_sees_the_first_ones_and_goes_on_where_the_last_stopped() -> None:
    line = line_of(ROOTS)
    assert seen(line, 8) == ROOTS[:8]
    assert seen(line, 8) == ROOTS[:4] + ROOTS[8:12]
    assert repr(line) == "<WaitingLine: 12 passed over, 8 ahead>"
    assert seen(line, 8) == ROOTS[:4] + ROOTS[12:16]
    assert seen(line, 8) == ROOTS[:4] + ROOTS[16:]
    assert seen(line, 8) == ROOTS[:8], "and begins again"
    assert seen(line, 2 * len(line)) == ROOTS, "all are where they were"
    assert len(line) == len(ROOTS)


def test_a_content_stands_in_a_line_once() -> None:
    line = line_of([ROOTS[1], ROOTS[0], ROOTS[1]])
    assert seen(line, 2 * len(line)) == [ROOTS[1], ROOTS[0]]
    line.add(ROOTS[0])
    assert len(line) == 2
    line.begin_round()
    line.begin_look(8)
    assert line.see() == ROOTS[1]
    line.add(ROOTS[1])
    line.end_look()
    assert seen(line, 2 * len(line)) == [ROOTS[0], ROOTS[1]], "it left, and came again"


def test_who_is_put_back_comes_after_all_that_were_passed_over() -> None:
    line = line_of(ROOTS[:6])
    assert seen(line, 4) == ROOTS[:4]
    line.begin_look(4)
    assert line.see() == ROOTS[0]
    line.put_back(ROOTS[0])
    assert line.see() == ROOTS[1]
    line.keep(ROOTS[1])
    line.end_look()
    assert seen(line, 2 * len(line)) == [*ROOTS[1:4], ROOTS[0], *ROOTS[4:6]]


def test_who_is_taken_or_turned_is_the_first() -> None:
    line = line_of(ROOTS[:3])
    line.turn()
    assert line.first() == ROOTS[1]
    assert [line.take() for _ in range(3)] == [ROOTS[1], ROOTS[2], ROOTS[0]]
    line.add(ROOTS[1])
    assert line.first() == ROOTS[1]


def test_who_has_no_line_has_an_empty_one() -> None:
    assert len(WaitingLines().of(None)) == 0


def test_a_round_is_over_when_each_was_seen_once() -> None:
    line = line_of(ROOTS)
    assert seen(line, 8) == ROOTS[:8], "some are passed over already"
    line.begin_round()
    found, looks = [], 0
    while line.unseen:
        found += seen(line, 8, anew=False)
        looks += 1
    assert set(found) == set(ROOTS)
    assert looks <= 2 * len(ROOTS) / 8 + 1
    assert seen(line, 8, anew=False) == [], "there is no reason for another look"
    line.begin_round()
    assert line.unseen == len(ROOTS)


def test_who_leaves_or_turns_was_seen() -> None:
    lines = WaitingLines()
    for root in ROOTS[:4]:
        lines.add(A, root)
    line = lines.of(A)
    assert line.unseen == 0, "no round has begun"
    lines.begin_round()
    assert line.unseen == 4
    line.turn()
    assert line.take() == ROOTS[1]
    assert (line.unseen, len(line)) == (2, 3)
    line.add(ROOTS[9])
    for _ in range(3):
        line.turn()
    assert line.unseen == 0, "what joined meanwhile is for the next round"


def test_no_more_are_unseen_than_stand_there() -> None:
    line = line_of(ROOTS[:4])
    assert seen(line, 2) == ROOTS[:2]
    line.begin_round()
    line.begin_look(4)
    assert [line.see(), line.see()] == ROOTS[:2]
    line.end_look()
    assert (line.unseen, len(line)) == (2, 2)
