"""Mount points: what is mounted, where that changed, and what it is above of."""

from __future__ import annotations

from potluck.core.content.paths import parse_wire_path
from potluck.engine.events import Mount, MountsSeen
from potluck.engine.mount_points import MountPoints

A, B, INNER = (parse_wire_path(wire) for wire in (b"anna/a", b"anna/b", b"anna/a/inner"))


def test_what_came_and_what_went_has_changed_and_what_stayed_has_not() -> None:
    points = MountPoints()
    assert points.on_seen(MountsSeen(())) == []
    assert points.on_seen(MountsSeen((Mount(B, 7), Mount(A, 6)))) == [A, B]
    assert points.on_seen(MountsSeen((Mount(A, 6),))) == [B]
    assert points.on_seen(MountsSeen((Mount(A, 9),))) == [A], "another disk in the same place"
    assert points.on_seen(MountsSeen((Mount(A, 9), Mount(A, 10)))) == [A], "one upon the other"
    assert points.on_seen(MountsSeen((Mount(A, 9, 1),))) == [A], "who has that number now?"
    assert points.on_seen(MountsSeen((Mount(B, 9, 1),))) == [A, B], "its folder was renamed"
    assert (repr(points), len(points)) == ("<MountPoints: 1>", 1)


def test_a_point_is_above_what_lies_below_it_and_not_above_itself() -> None:
    points = MountPoints()
    points.on_seen(MountsSeen((Mount(INNER, 2), Mount(A, 1))))
    assert (points.at(A), points.at(B)) == (True, False)
    assert (points.below(A), points.below(INNER), points.below(B)) == (True, True, False)
    assert sorted(points.inside(A)) == [A, INNER]
    assert (points.inside(INNER), points.inside(B)) == ([INNER], [])
    assert points.innermost(INNER.child("x")) == INNER
    assert (points.innermost(A.child("x")), points.innermost(A)) == (A, A)
    assert points.innermost(B) is None
    assert points.above(A.child("x")) == A
    assert points.above(INNER.child("x")) == A, "the outermost: it hides the other one's folder"
    assert points.above(INNER) == A
    assert (points.above(A), points.above(B)) == (None, None)
    assert points.above(parse_wire_path(b"anna/ab/x")) is None
