"""Covered files: nothing is deleted that a mount hides, or that went with its disk.

Strategy: the own folder of tests/engine/owntree.py; a mount is its fact, and files that go from the
model of the disk, or come, with it.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import NOTHING
from potluck.core.content.knowledge import OwnWork
from potluck.engine.effects import Look, Scan
from potluck.engine.events import Mount, MountsSeen
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.owntree import Own


@pytest.fixture
def own() -> Own:
    """A device with a folder and two files in it, all published."""
    it = Own()
    it.folders = {"d", "d/e"}
    for name in ("a", "d/b", "d/e/c"):
        it.write(name, name)
    it.settle()
    it.node.now += 5.0
    return it


def mount(own: Own, *mounts: Mount) -> None:
    own.own_folder.covered.on_mounts(own.node.mounts.on_seen(MountsSeen(mounts)))
    own.tick()


def point(own: Own, name: str = "d", number: int = 1) -> Mount:
    return Mount(own.path(name), number)


def hide(own: Own) -> None:
    """What is in d is not to be seen any more, and something is mounted there."""
    own.hidden = {name: own.files.pop(name) for name in ("d/b", "d/e/c")}  # type: ignore[attr-defined]
    own.folders.discard("d/e")
    mount(own, point(own))


def troubles(own: Own) -> list[Trouble]:
    return own.node.troubles.of(TroubleKind.COVERED)


def later(own: Own) -> None:
    """Every look and scan that could find something missing was made."""
    for _ in range(3):
        own.tick(limits.SECOND_LOOK_S)
        own.settle()
    own.own_folder.scan()
    own.settle()
    own.tick(limits.SECOND_LOOK_S)
    own.settle()


def test_what_a_mount_hides_is_not_deleted_and_told(own: Own) -> None:
    before = own.published()
    hide(own)
    assert own.own_folder.work == (OwnWork.LOOKING,), "nothing is claimed until it is looked at"
    assert troubles(own) == []
    own.settle()
    later(own)
    assert own.published() == before
    (trouble,) = troubles(own)
    top = own.own_folder.top
    assert (trouble.subject, trouble.command) == (f"{top}/d", f"findmnt /Shared/{top}/d")
    hidden = "another disk is mounted there and hides 3 files and folders of mine"
    assert trouble.reason == f"{hidden}: nothing is deleted"
    covered = own.own_folder.covered
    hides = {path: covered.hides_below(path) for path in (b"", b"d", b"d/b", b"d/e", b"d/x", b"e")}
    assert [path for path, hidden in hides.items() if not hidden] == [b"d/x", b"e"]
    told = [tell.text for tell in own.tells if tell.code == "covered"]
    assert told == [f"{top}/d: {trouble.reason}; try: {trouble.command}"]
    assert repr(own.own_folder.covered) == "<CoveredFiles: [3]>"


def test_how_much_is_covered_is_counted_and_is_news_once(own: Own) -> None:
    covered = own.own_folder.covered
    assert not covered.take_news()
    hide(own)
    assert covered.amount[:2] == (2, 1)
    mount(own, point(own), point(own, "d/e", 2))
    assert covered.amount[:2] == (2, 1), "nothing counts twice"
    assert (covered.take_news(), covered.take_news()) == (True, False)
    own.settle()
    own.write("d/b", "d/b")
    own.touch("d/b")
    own.settle()
    assert covered.amount[:2] == (1, 1)
    own.own_folder.await_marker()
    assert (covered.amount, covered.take_news()) == (NOTHING, True)


def test_what_is_seen_again_is_judged_as_ever(own: Own) -> None:
    hide(own)
    own.settle()
    own.files |= own.hidden  # type: ignore[attr-defined]
    own.folders.add("d/e")
    mount(own)
    own.settle()
    assert (troubles(own), repr(own.own_folder.covered)) == ([], "<CoveredFiles: []>")
    own.remove("d/b")
    own.touch("d/b")
    own.settle()
    assert "d/b" not in own.published()


def test_what_is_new_on_the_disk_that_hides_others_is_shared_and_deleted(own: Own) -> None:
    hide(own)
    own.settle()
    own.write("d/new", "new")
    own.touch("d/new")
    own.settle()
    assert "d/new" in own.published()
    own.remove("d/new")
    own.touch("d/new")
    own.settle()
    assert "d/new" not in own.published()
    assert "d/b" in own.published()


def test_a_look_that_asks_for_what_is_hidden_says_nothing(own: Own) -> None:
    hide(own)
    own.settle()
    own.touch("d/b", "d/e")
    own.settle()
    assert {"d/b", "d/e", "d/e/c"} <= set(own.published())


def test_what_went_with_its_disk_is_kept_until_its_folder_is_renamed(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    assert troubles(own) == []
    own.remove("d/b")
    mount(own)
    own.settle()
    later(own)
    assert "d/b" in own.published()
    (trouble,) = troubles(own)
    top = own.own_folder.top
    went = "the disk that was mounted there went with 1 file or folder of mine: mount it again"
    deleted = "once that folder is renamed, or potluck starts without the disk, it is deleted"
    assert trouble.reason == f"{went}; {deleted} everywhere"
    assert trouble.command == f"ls -la /Shared/{top}/d"
    own.move("d", "moved")
    own.touch("d", "moved")
    own.settle()
    assert set(own.published()) == {"a", "moved", "moved/e", "moved/e/c"}
    assert troubles(own) == []


def test_a_mount_over_the_whole_own_folder_has_it_scanned(own: Own) -> None:
    before = own.published()
    own.files.clear()
    own.folders.clear()
    mount(own, Mount(own.own_folder.top, 1))
    assert [type(effect) for effect in own.todo] == [Scan]
    own.settle()
    later(own)
    assert own.published() == before
    assert troubles(own)[0].subject == str(own.own_folder.top)


def test_a_mount_in_somebody_elses_folder_is_none_of_its_business(own: Own) -> None:
    other = own.path("d").relative_to(own.own_folder.top)
    mount(own, Mount(other, 1))
    assert not [effect for effect in own.todo if isinstance(effect, Look)]
    assert repr(own.own_folder.covered) == "<CoveredFiles: []>"


def test_only_a_look_at_the_point_says_what_is_hidden(own: Own) -> None:
    hide(own)
    own.todo.clear()  # that look hangs
    covered = own.own_folder.covered
    covered.settle([own.path("a")])
    assert troubles(own) == []
    covered.settle([own.own_folder.top])
    assert len(troubles(own)) == 1
    covered.settle([own.path("a")])
    assert len(troubles(own)) == 1
    own.own_folder.await_marker()
    assert (troubles(own), repr(covered)) == ([], "<CoveredFiles: []>")
