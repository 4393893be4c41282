"""Covered files: nothing is deleted that a mount hides, or that went with its disk.

Strategy: the own folder of tests/engine/owntree.py; a mount is its fact, and files that go from the
model of the disk, or come, with it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core import limits
from potluck.core.content.facts import NOTHING
from potluck.core.content.knowledge import OwnWork
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.effects import Hash, Look, Scan
from potluck.engine.events import Mount, MountsSeen, ShareSeen
from potluck.engine.own.covered import SAMPLE_FILES
from potluck.engine.own.mount_memory import MountMemory
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
    assert trouble.reason == (
        "a disk is mounted there that hides 3 files and folders of mine, or lacks them: nothing is"
        " deleted anywhere unasked; to see what it hides, unmount it – to give them up everywhere,"
        f" type: confirm {top}/d"
    )
    covered = own.own_folder.covered
    hides = {path: covered.hides_below(path) for path in (b"", b"d", b"d/b", b"d/e", b"d/x", b"e")}
    assert [path for path, hidden in hides.items() if not hidden] == [b"d/x", b"e"]
    told = [tell.text for tell in own.tells if tell.code == "covered"]
    assert told == [f"{top}/d: {trouble.reason}; try: {trouble.command}"]
    assert repr(own.own_folder.covered) == "<CoveredFiles: [3]>"


def test_of_a_single_file_that_a_mount_hides_is_said_it(own: Own) -> None:
    del own.files["d/e/c"]
    mount(own, point(own, "d/e"))
    own.settle()
    (trouble,) = troubles(own)
    assert "hides 1 file or folder of mine, or lacks it: nothing" in trouble.reason
    assert "; to see what it hides, unmount it – to give that file or folder up" in trouble.reason


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
    own.write("d/e/c", "d/e/c")
    own.folders.add("d/e")
    own.touch("d/e")
    own.settle()
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


def test_what_went_with_its_disk_is_kept_and_held_when_its_folder_is_renamed(own: Own) -> None:
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
    kept = "nothing is deleted anywhere unasked; if that disk is gone for good"
    back = "to have that file or folder here from the others, type: repair"
    gone = f"to give that file or folder up everywhere, type: confirm {top}/d"
    assert trouble.reason == f"{went}; {kept}: {back} – {gone}"
    assert trouble.command == f"ls -la /Shared/{top}/d"
    own.move("d", "moved")
    own.touch("d", "moved")
    own.settle()
    assert set(own.published()) == {"a", "d", "d/b", "moved", "moved/e", "moved/e/c"}
    assert troubles(own) == []
    assert own.publishing.breaker.taken_along == set()
    (held,) = own.node.troubles.of(TroubleKind.HELD)
    assert held.reason.startswith("1 file and 1 folder (3 B) that I share: not here (d/b); ")
    assert own.publishing.confirm() is not None
    own.settle()
    assert set(own.published()) == {"a", "moved", "moved/e", "moved/e/c"}


def test_a_folder_that_is_renamed_with_its_disk_in_it_loses_nothing(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    own.move("d", "moved")
    mount(own, point(own, "moved"))
    own.touch("d", "moved")
    own.settle()
    later(own)
    assert set(own.published()) == {"a", "moved", "moved/b", "moved/e", "moved/e/c"}
    assert len(own.publishing.held) == 0


def test_what_went_with_a_disk_inside_is_told_there_alone(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    own.remove("d/b")
    mount(own)
    own.settle()
    away, own.files, folders, own.folders = own.files, {}, own.folders, set()
    mount(own, Mount(own.own_folder.top, 2))  # an empty one over everything …
    own.settle()
    later(own)
    own.files, own.folders = away, folders
    mount(own)  # … that took nothing along when it went
    own.settle()
    later(own)
    assert [trouble.subject for trouble in troubles(own)] == [str(own.path("d"))]
    assert own.own_folder.covered.amount[:2] == (1, 0)


def test_only_what_was_told_of_and_what_no_other_disk_hides_is_known_to_have_gone(own: Own) -> None:
    covered = own.own_folder.covered
    mount(own, point(own), point(own, "d/e", 2))
    own.settle()
    own.remove("d/b")
    own.remove("d/e/c")
    mount(own)
    assert covered.went() == covered.went(hidden=True) == [], "nobody looked yet"
    own.settle()
    later(own)
    assert (covered.went(), covered.went(b"d/e")) == ([b"d/b", b"d/e/c"], [b"d/e/c"])
    assert covered.went(b"d") == [b"d/b"], "what is above the folder of a disk names none of it"
    mount(own, point(own, "d", 3))
    assert covered.went(hidden=True) == [], "nobody looked at that yet"
    own.settle()
    later(own)
    assert covered.went() == [], "the one that is mounted now may hide them"
    assert covered.went(hidden=True) == [b"d/b", b"d/e/c"]
    assert covered.went(b"d/e", hidden=True) == [b"d/e/c"]


def test_what_is_held_is_in_question_no_more_and_the_rest_is_told(own: Own) -> None:
    covered = own.own_folder.covered
    own.write("d/e/f", "f")
    own.touch("d/e/f")
    own.settle()
    mount(own, point(own), point(own, "d/e", 2))
    own.settle()
    for name in ("d/b", "d/e/c", "d/e/f"):
        own.remove(name)
    mount(own)
    own.settle()
    later(own)
    assert ["2 files" in trouble.reason for trouble in troubles(own)] == [False, True]
    covered.on_held([b"d/e/c"])
    assert (covered.went(), covered.amount[:2]) == ([b"d/b", b"d/e/f"], (2, 0))
    assert ["1 file or" in trouble.reason for trouble in troubles(own)] == [True, True]
    covered.on_held([b"d/b"])
    assert ([trouble.subject for trouble in troubles(own)]) == [str(own.path("d/e"))]
    assert remembered(own) == {b"d/e": False}
    covered.on_held([b"d/e/f"])
    assert (covered.amount, troubles(own), remembered(own)) == (NOTHING, [], {})


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
    covered.settle([own.path("a")], own.node.number())
    assert troubles(own) == []
    covered.settle([own.own_folder.top], own.node.number())
    assert len(troubles(own)) == 1
    covered.settle([own.path("a")], own.node.number())
    assert len(troubles(own)) == 1
    covered.clear()  # the own folder has another name, and the disk is still away
    assert (troubles(own), repr(covered)) == ([], "<CoveredFiles: [3]>")
    covered.settle([own.path("a")], own.node.number())
    assert troubles(own) == [], "looks at the former name say nothing of this one"
    covered.settle([own.own_folder.top], own.node.number())
    assert len(troubles(own)) == 1


# -- the same disk, and the next start -------------------------------------------------------------
def remembered(own: Own) -> dict[bytes, bool]:
    """What the next start will know."""
    return MountMemory(own.node.index.meta).folders()


def restarted(own: Own) -> Own:
    """The same device after a restart: what the index knows, and the disk as it stands."""
    again = Own(start=False)
    again.node.index, again.node.now = own.node.index, own.node.now
    again.own_folder.covered._memory = MountMemory(own.node.index.meta)
    again.files, again.folders = own.files, own.folders
    again._inode, again._time_ns = own._inode, own._time_ns
    again.own_folder.start(marked=True)
    again.tick()
    return again


def test_a_disk_that_is_missing_at_the_next_start_deletes_nothing(own: Own) -> None:
    before = own.published()
    mount(own, point(own))
    own.settle()
    away = {name: own.files.pop(name) for name in ("d/b", "d/e/c")}
    own.folders.discard("d/e")
    for start in range(3):
        own = restarted(own)
        own.settle()
        later(own)
        assert own.published() == before, start
        assert troubles(own)[0].reason.startswith("the disk that was mounted there went with 3 ")
        assert own.own_folder.covered.amount[:2] == (2, 1)
    own.files |= away
    own.folders.add("d/e")
    mount(own, point(own))
    own.settle()
    assert (troubles(own), own.published()) == ([], before)
    assert remembered(own) == {b"d": True}


def test_a_folder_that_was_removed_while_its_disk_was_away_is_asked_for(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    own.remove("d")
    own.folders.discard("d")
    own = restarted(own)
    own.settle()
    later(own)
    assert set(own.published()) == {"a", "d", "d/b", "d/e", "d/e/c"}
    assert (len(own.publishing.held), troubles(own), remembered(own)) == (4, [], {})
    assert own.publishing.confirm() is not None
    own.settle()
    assert set(own.published()) == {"a"}
    assert troubles(own) == []
    assert remembered(own) == {}


def test_files_that_stand_in_the_folder_itself_end_the_question(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    own = restarted(own)  # what was on the disk was copied into the folder
    own.settle()
    assert (troubles(own), repr(own.own_folder.covered)) == ([], "<CoveredFiles: []>")
    assert remembered(own) == {}
    own.remove("d/b")
    own = restarted(own)
    own.settle()
    later(own)
    assert "d/b" not in own.published()


def test_what_was_deleted_on_the_same_disk_while_this_did_not_run_is_deleted(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    own.remove("d/b")
    own = restarted(own)
    mount(own, point(own, number=9))
    own.settle()
    later(own)
    assert "d/b" not in own.published()
    assert "d/e/c" in own.published()
    assert troubles(own) == []


@pytest.mark.parametrize("field", ["ctime_ns", "inode", "mtime_ns"])
def test_a_copy_of_the_disk_is_not_the_disk(own: Own, field: str) -> None:
    mount(own, point(own))
    own.settle()
    own.remove("d/b")
    own.change("d/e/c", **{field: 5})
    own = restarted(own)
    mount(own, point(own, number=9))
    own.settle()
    later(own)
    assert "d/b" in own.published()
    assert "hides 1 file or folder of mine" in troubles(own)[0].reason


def test_what_stands_on_a_disk_inside_says_nothing_of_the_one_around_it(own: Own) -> None:
    own.write("d/e/f", "f")
    own.touch("d/e/f")
    own.settle()
    mount(own, point(own), point(own, "d/e", 2))
    own.settle()
    own.remove("d/b")
    own.remove("d/e/f")
    own = restarted(own)
    mount(own, point(own, number=8), point(own, "d/e", 9))
    own.settle()
    later(own)
    assert {"d/b", "d/e/f"} <= set(own.published())
    assert [trouble.subject for trouble in troubles(own)] == [str(own.path("d"))]


def test_what_was_ordered_before_the_mount_says_nothing_of_it(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    own.remove("d/b")
    own.own_folder.scan()
    own.touch("d")
    late = [event for effect in own.todo for event in own.answers(effect)]
    own.todo.clear()
    mount(own, point(own, number=2))
    for event in late:
        own.tell(event)
    own.own_folder.covered.settle([own.own_folder.top], own.node.number())
    assert own.own_folder.covered.amount[:2] == (1, 0)
    assert "d/b" in own.published()


def test_the_memory_outlives_another_name_of_the_own_folder(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    own.remove("d/b")
    mount(own)
    own.settle()
    own.own_folder.await_marker()
    assert remembered(own) == {b"d": False}
    own.tell(ShareSeen(present=True, reason=""))
    own.tick()
    own.settle()
    later(own)
    assert "d/b" in own.published()
    assert len(troubles(own)) == 1


def test_what_came_on_another_disk_does_not_make_that_the_one_that_it_was(own: Own) -> None:
    hide(own)
    own.write("d/new", "new")
    own.touch("d/new")
    own.settle()
    later(own)
    mount(own, point(own, number=2))  # a stick was plugged in elsewhere: every mount counts anew
    own.settle()
    later(own)
    assert {"d/b", "d/e/c", "d/new"} <= set(own.published())
    own = restarted(own)
    mount(own, point(own, number=3))
    own.settle()
    later(own)
    assert {"d/b", "d/e/c", "d/new"} <= set(own.published())
    assert "hides 3 files and folders of mine" in troubles(own)[0].reason


def test_what_was_put_below_an_absent_disk_is_not_deleted_when_that_is_back(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    away = own.files.pop("d/b")
    own = restarted(own)
    own.settle()
    own.write("d/new", "new")
    own.touch("d/new")
    own.settle()
    assert "d/new" in own.published()
    del own.files["d/new"]
    own.files["d/b"] = away
    mount(own, point(own))
    own.settle()
    later(own)
    assert {"d/b", "d/new"} <= set(own.published())


def test_a_disk_is_known_again_by_a_sample_of_its_files() -> None:
    own = Own()
    own.folders = {"d"}
    for number in range(3 * SAMPLE_FILES):
        own.write(f"d/{number:04}", f"{number}")
    own.settle()
    own.node.now += 5.0
    mount(own, point(own))
    (questioned,) = own.own_folder.covered._points.values()
    assert SAMPLE_FILES // 2 < len(questioned.sample) <= SAMPLE_FILES
    assert max(questioned.sample) > f"d/{2 * SAMPLE_FILES:04}".encode(), "from all of it"


# -- files of the same name ------------------------------------------------------------------------
def other(own: Own, number: int = 1) -> Own:
    """Another disk is mounted at d, with another d/b; what it hides is kept in `hidden`."""
    hide(own)
    own.write("d/b", "another disk's")
    own.files["d/b"].stat = replace(own.files["d/b"].stat, inode=900 + number)
    return own


def kept(own: Own) -> str:
    """What is said of files with another content."""
    own.tick()
    return " ".join(one.reason for one in own.node.troubles.of(TroubleKind.OLDER))


def unmount(own: Own) -> None:
    own.files |= own.hidden  # type: ignore[attr-defined]
    own.folders.add("d/e")
    mount(own)
    own.settle()


def test_what_another_disk_has_under_the_same_name_is_not_shared(own: Own) -> None:
    before = own.published()
    other(own).settle()
    later(own)
    assert own.published() == before
    assert "1 file (d/b) with another content than I share" in kept(own)
    assert "unmount that disk" in kept(own)
    (told,) = (tell for tell in own.tells if tell.code == "another_disk")
    assert told.text.endswith(f"type: confirm {own.own_folder.top}/d/b")
    assert own.own_folder.absent.amount.files == 2
    unmount(own)
    later(own)
    assert own.published() == before
    assert (kept(own), own.own_folder.absent.amount) == ("", NOTHING)


@pytest.mark.parametrize("stood", [True, False])
def test_what_is_written_on_it_later_is_kept_until_a_person_confirms(own: Own, stood: bool) -> None:
    before = own.published()
    (other if stood else hide)(own)
    own.settle()
    later(own)
    for text in ("half of a copy", "the whole copy"):
        own.write("d/b", text)
        own.touch("d/b")
        own.settle()
        assert own.published() == before
        assert "1 file (d/b) with another content than I share" in kept(own)
    assert own.publishing.confirm(b"d/b") == "1 file shared now as what stands here."
    for text in ("the whole copy", "edited after that"):
        own.write("d/b", text)
        own.touch("d/b")
        own.settle()
        assert own.published()["d/b"].root == own.hashed("d/b").pieces.root
        assert kept(own) == ""


def test_what_an_empty_disk_gets_later_leaves_all_as_it_was_when_it_goes(own: Own) -> None:
    before = own.published()
    hide(own)
    own.settle()
    later(own)
    own.write("d/b", "of another disk")
    own.touch("d/b")
    own.settle()
    unmount(own)
    later(own)
    assert own.published() == before
    assert (kept(own), own.own_folder.absent.amount) == ("", NOTHING)


@pytest.mark.parametrize("how", ["written", "renamed into its place", "with its folder"])
@pytest.mark.parametrize("again", [False, True])
def test_what_comes_where_its_file_went_from_the_other_disk_is_kept_too(
    own: Own, how: str, again: bool
) -> None:
    before = own.published()
    other(own).settle()
    later(own)
    own.remove("d/b")
    own.touch("d/b")
    own.settle()
    later(own)
    assert own.published() == before
    if again:
        own = restarted(own)
        mount(own, point(own, number=2))
        own.settle()
        later(own)
    if how == "renamed into its place":
        own.write("d/new", "new there")
        own.touch("d/new")
        own.settle()
        own.move("d/new", "d/b")
        own.touch("d/new")
    elif how == "with its folder":
        own.folders.discard("d")
        own.touch("d")
        own.settle()
        own.folders.add("d")
        own.write("d/b", "new there")
        own.touch("d")
    else:
        own.write("d/b", "new there")
    own.touch("d/b")
    own.settle()
    later(own)
    assert own.published()["d/b"] == before["d/b"]
    assert "1 file (d/b) with another content than I share" in kept(own)
    assert own.own_folder.absent.amount.files == 2 + (how == "renamed into its place")
    assert own.publishing.confirm(b"d/b") == "1 file shared now as what stands here."
    own.touch("d/b")
    own.settle()
    assert own.published()["d/b"].root == own.hashed("d/b").pieces.root
    assert "d/new" not in own.published()


def test_what_went_from_the_other_disk_is_as_it_was_when_that_goes(own: Own) -> None:
    before = own.published()
    other(own).settle()
    own.remove("d/b")
    own.touch("d/b")
    own.settle()
    later(own)
    unmount(own)
    later(own)
    assert own.published() == before
    assert (kept(own), own.own_folder.absent.amount) == ("", NOTHING)
    own.write("d/b", "edited")
    own.touch("d/b")
    own.settle()
    assert own.published()["d/b"].root == own.hashed("d/b").pieces.root


def test_what_is_moved_to_where_another_disk_stands_is_held_and_shared_once_that_is(
    own: Own,
) -> None:
    before = own.published()
    other(own).settle()
    later(own)
    own.move("a", "d/b")
    own.touch("a", "d/b")
    own.settle()
    later(own)
    assert own.published() == before
    assert [one.path for one in own.publishing.held.records()] == [b"a"]
    assert own.publishing.confirm(b"d/b") == "1 file shared now as what stands here."
    own.touch("d/b")
    own.settle()
    later(own)
    assert set(own.published()) == set(before) - {"a"}
    assert own.published()["d/b"].root == before["a"].root
    assert not own.publishing.held.records()


def test_a_file_that_is_mounted_over_one_of_mine_is_not_shared(own: Own) -> None:
    before, mine = own.published(), own.files["d/b"]
    own.files["d/b"] = replace(mine, stat=replace(mine.stat, inode=901))
    own.write("d/b", "another disk's")
    mount(own, point(own, "d/b"))
    own.settle()
    later(own)
    assert own.published() == before
    assert "1 file (d/b) with another content than I share" in kept(own)
    own.files["d/b"] = mine
    mount(own)
    own.settle()
    later(own)
    assert own.published() == before
    assert (kept(own), own.own_folder.absent.amount) == ("", NOTHING)


def test_a_restart_keeps_it_and_who_confirms_it_has_it_shared(own: Own) -> None:
    before = own.published()
    other(own).settle()
    own = restarted(own)
    mount(own, point(own, number=2))
    own.settle()
    later(own)
    assert own.published() == before
    assert "1 file (d/b)" in kept(own)
    assert own.publishing.confirm(b"d/b") == "1 file shared now as what stands here."
    own.touch("d/b")
    own.settle()
    assert own.published()["d/b"].root == own.hashed("d/b").pieces.root
    assert kept(own) == ""


def test_what_an_unmount_uncovers_is_not_shared(own: Own) -> None:
    mount(own, point(own))
    own.settle()
    before = own.published()
    own.write("d/b", "what was below the mount point")
    mount(own)
    own.settle()
    later(own)
    assert own.published() == before
    assert "or type: repair" in kept(own)


@pytest.mark.parametrize("away", [True, False])
def test_a_disk_that_was_edited_elsewhere_is_shared_as_it_comes_back(own: Own, away: bool) -> None:
    mount(own, point(own))
    own.settle()
    if away:
        disk, own.files = own.files, {"a": own.files["a"]}
        own.folders.discard("d/e")
        mount(own)
        own.settle()
        own.files = disk
        own.folders.add("d/e")
        own.write("d/b", "edited elsewhere")
        mount(own, point(own, number=2))
    else:
        own.write("d/b", "edited elsewhere")
        own = restarted(own)
        mount(own, point(own, number=2))
    own.settle()
    own.touch("d/b")
    own.settle()
    assert own.published()["d/b"].root == own.hashed("d/b").pieces.root
    assert kept(own) == ""
    assert "another_disk" not in own.codes()


@pytest.mark.parametrize("met", [False, True])
def test_what_was_deleted_on_a_disk_while_it_was_away_is_deleted_if_it_is_known(
    own: Own, met: bool
) -> None:
    mount(own, point(own))
    own.settle()
    disk, own.files = own.files, {"a": own.files["a"]}
    own.folders.discard("d/e")
    mount(own)
    own.settle()
    if met:  # in its place; then what is on it may have come from there
        own.write("d/new", "new")
        own.touch("d/new")
        own.settle()
    own.files = {name: file for name, file in disk.items() if name != "d/e/c"}
    own.folders.add("d/e")
    mount(own, point(own, number=2))
    own.settle()
    later(own)
    assert ("d/e/c" in own.published()) == met
    assert "d/b" in own.published()
    assert bool(troubles(own)) == met


def assert_back(own: Own, before: dict[str, FileRecord]) -> None:
    """The disk that hid my files is unmounted: all is as it was, and nothing is told of it."""
    mount(own)
    own.settle()
    later(own)
    assert own.published() == before
    assert not troubles(own)


def test_a_file_of_another_disk_in_place_of_a_folder_of_mine_ends_nothing(own: Own) -> None:
    before = own.published()
    disk, folders = own.files, own.folders
    own.files, own.folders = {"a": disk["a"]}, {"d"}
    own.write("d/e", "a file")
    mount(own, point(own))
    own.settle()
    later(own)
    assert own.published() == before
    assert "hides 3 files and folders of mine" in troubles(own)[0].reason
    own.files, own.folders = disk, folders
    assert_back(own, before)


def test_a_folder_of_another_disk_in_place_of_a_file_of_mine_is_not_shared(own: Own) -> None:
    before = own.published()
    disk, folders = own.files, own.folders
    own.files, own.folders = {"a": disk["a"]}, {"d", "d/b"}
    own.write("d/b/y", "in the way")
    own.write("d/b/z", "in the way")
    mount(own, point(own))
    own.settle()
    own.touch("d/b/y")
    later(own)
    assert own.published() == before
    assert troubles(own)
    own.files, own.folders = disk, folders
    assert_back(own, before)


def test_what_a_look_of_before_brings_of_another_disk_is_not_shared_either(own: Own) -> None:
    before = own.published()
    own.own_folder.scan()
    own.tick()
    other(own).settle()
    later(own)
    assert own.published() == before


def test_what_is_read_of_another_disk_for_an_edit_of_before_is_not_shared(own: Own) -> None:
    before = own.published()
    own.write("d/b", "edited")
    own.touch("d/b")
    own.answer()
    assert [type(effect) for effect in own.todo] == [Hash]
    other(own).settle()
    later(own)
    assert own.published() == before
