"""Unmet: what was not come across, and in which folders it is."""

from __future__ import annotations

from potluck.shells.disk.unmet import Unmet


def test_a_folder_has_something_below_until_all_of_it_was_met() -> None:
    unmet = Unmet(["/a/b/c", "/a/b/d", "/a/e"])
    assert [unmet.has_below(one) for one in ("/", "/a", "/a/b", "/a/b/c", "/a/bc")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    for path in ("/a/b/c", "/a/b/c", "/a/b", "/none"):
        unmet.meet(path)
    assert (list(unmet), repr(unmet)) == (["/a/b/d", "/a/e"], "<Unmet: 2>")
    assert unmet.has_below("/a/b")
    unmet.meet("/a/b/d")
    assert (unmet.has_below("/a/b"), unmet.has_below("/a")) == (False, True)
    assert not Unmet([]).has_below("/")
