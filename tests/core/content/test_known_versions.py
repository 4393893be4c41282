"""Known versions: what a version in the trash must hold, and when nothing is known of it."""

from __future__ import annotations

import pytest

from potluck.core.content.known_versions import KnownVersion, piece_sizes, possible_contents
from potluck.core.content.pieces import Root
from potluck.core.limits import MIB

KIB = 1024


def known(size: int, mtime_ns: int, *, kept: bool = True, piece_size: int = 0) -> KnownVersion:
    root = Root(b"%d/%d" % (size, mtime_ns))
    return KnownVersion("ann/a", size, mtime_ns, root, piece_size, kept)


@pytest.mark.parametrize("kept", [True, False])
def test_a_version_with_a_known_stat_holds_a_known_content_of_that_size(kept: bool) -> None:
    one, two, longer = (known(*stat, kept=kept) for stat in ((3, 1), (3, 2), (4, 3)))
    assert possible_contents((3, 1), [(3, 1)], [one, two, longer]) == [one, two]
    assert possible_contents((4, 3), [(4, 3)], [one, two, longer]) == [longer]


def test_one_with_an_unknown_time_is_taken_for_what_is_not_found_any_more() -> None:
    one = known(3, 1)
    assert possible_contents((3, 9), [(3, 9)], [one]) == [one]
    assert possible_contents((3, 9), [(3, 9), (3, 1)], [one]) == []  # it lies there: another one
    assert possible_contents((4, 9), [(4, 9)], [one]) == []


def test_what_never_came_to_this_trash_is_not_missed_there() -> None:
    assert possible_contents((3, 9), [(3, 9)], [known(3, 1, kept=False)]) == []
    assert possible_contents((3, 9), [(3, 9)], []) == []


def test_every_piece_size_that_a_file_can_have_is_tried_the_likely_first() -> None:
    assert list(piece_sizes([known(3, 1)])) == [256 * KIB]
    assert list(piece_sizes([known(600 * MIB, 1)])) == [512 * KIB, 256 * KIB, MIB]
    first, *rest = piece_sizes([known(600 * MIB, 1, piece_size=MIB)])
    assert (first, sorted(rest)) == (MIB, [256 * KIB, 512 * KIB])
    assert list(piece_sizes([])) == []
