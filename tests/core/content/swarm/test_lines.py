"""Lines: one for each owner, each in its own order."""

from __future__ import annotations

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.lines import WaitingLines
from tests.core.fakes import ANN, BEN

A, B = ANN.device, BEN.device
ROOTS = [Root(bytes([number]) * 32) for number in range(3)]


def test_each_owner_has_a_line_that_keeps_its_order() -> None:
    lines = WaitingLines()
    for owner, root in ((A, ROOTS[2]), (B, ROOTS[0]), (A, ROOTS[1])):
        lines.add(owner, root)
    assert len(lines) == 3
    assert lines.owners() == [A, B]
    assert list(lines.of(A)) == [ROOTS[2], ROOTS[1]]
    lines.of(B).popleft()
    assert lines.owners() == [A]
    assert repr(lines) == "<WaitingLines: 2 of 1 owners>"
    lines.add(None, ROOTS[0])
    assert lines.owners() == [A, None]
