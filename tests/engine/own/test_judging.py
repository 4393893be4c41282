"""Judging: what a stat and a reading mean, and which names are refused, told and forgotten."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.facts import PlaceRow, Spot, Stat
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.own.judging import Judge
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import key
from tests.engine.owntree import Own

NEW = Stat(size=7, mtime_ns=12_345, ctime_ns=12_345, inode=999, executable=False)


@pytest.fixture
def own() -> Own:
    """A device with a folder and a file in it, both published."""
    it = Own()
    it.folders = {"d"}
    it.write("a", "alpha")
    it.settle()
    it.tells.clear()
    return it


@pytest.fixture
def judge(own: Own) -> Judge:
    """Judges what is in that folder."""
    return Judge(own.node, own.publishing)


# -- what was seen ---------------------------------------------------------------------------------
def test_a_known_stat_says_enough(own: Own, judge: Judge) -> None:
    assert judge.on_seen(b"a", own.files["a"].stat) is None
    assert own.publishing.pending == 0


def test_what_was_in_the_way_and_went_is_in_it_no_more(own: Own, judge: Judge) -> None:
    """As a link, which nothing else knows of."""
    breaker = own.publishing.breaker
    breaker.in_the_way = {b"link", b"other"}
    judge.on_gone([b"link", b"none"])
    assert breaker.in_the_way == {b"other"}
    assert own.publishing.pending == 0


def test_an_edit_is_read_in_the_pieces_of_its_last_version(own: Own, judge: Judge) -> None:
    record = msgspec.structs.replace(own.published()["a"], piece_size=1 << 20)
    own.node.index.manifests.put(own.node.own_manifest, [record])
    assert judge.on_seen(b"a", replace(own.files["a"].stat, mtime_ns=9)) == 1 << 20
    assert own.publishing.pending == 0


def test_what_is_shared_and_comes_back_is_read_in_the_pieces_of_its_last_version(
    own: Own, judge: Judge
) -> None:
    record = msgspec.structs.replace(own.published()["a"], piece_size=1 << 20)
    own.node.index.manifests.put(own.node.own_manifest, [record])
    own.node.index.places.remove(own.node.own_manifest, [b"a"])
    assert judge.on_seen(b"a", NEW) == 1 << 20


def test_what_has_no_version_before_is_read_in_pieces_to_choose(own: Own, judge: Judge) -> None:
    assert judge.on_seen(b"new", NEW) == 0
    assert judge.on_seen(b"d", NEW) == 0  # a folder until now
    assert judge.on_seen(b"d", own.files["a"].stat) == 0  # and a known file, moved there
    own.node.index.manifests.delete(own.node.own_manifest, [b"a"], 90)
    assert judge.on_seen(b"a", NEW) == 0


def test_a_changed_x_bit_hides_no_write_before_it(own: Own, judge: Judge) -> None:
    stat = replace(own.files["a"].stat, executable=True, ctime_ns=5)
    assert judge.on_seen(b"a", stat) == own.published()["a"].piece_size


def test_a_renamed_file_is_shared_unread_even_if_its_old_path_has_just_ended(
    own: Own, judge: Judge
) -> None:
    before = own.published()["a"]
    own.publishing.drop([b"a"])
    assert judge.on_seen(b"b", own.files["a"].stat) is None
    after = own.publishing.record(b"b")
    assert after is not None
    assert (after.root, after.size, after.kind) == (before.root, 5, Kind.FILE)


def test_a_twin_without_a_record_is_read(own: Own, judge: Judge) -> None:
    own.node.index.manifests.delete(own.node.own_manifest, [b"a"], 90)
    assert judge.on_seen(b"b", own.files["a"].stat) == 0
    assert judge.on_seen(b"a", replace(own.files["a"].stat, executable=True)) == 0
    assert own.publishing.pending == 0


def test_an_empty_file_has_no_twin(own: Own, judge: Judge) -> None:
    own.write("empty", "")
    own.touch("empty")
    own.settle()
    assert judge.on_seen(b"other", own.files["empty"].stat) == 0


# -- what was read ---------------------------------------------------------------------------------
def test_what_was_read_is_what_is_said_of_it(own: Own, judge: Judge) -> None:
    own.write("a", "another text")
    read = own.hashed("a")
    judge.on_read(b"a", read)
    stands, said = own.publishing.stands(b"a"), own.publishing.record(b"a")
    assert stands is not None
    assert said is not None
    assert (stands.root, stands.size, stands.inode) == (read.pieces.root, 12, read.stat.inode)
    assert (stands.mtime_ns, stands.ctime_ns) == (read.stat.mtime_ns, read.stat.ctime_ns)
    assert (said.root, said.size, said.piece_size) == (
        read.pieces.root,
        12,
        limits.PIECE_MIN_BYTES,
    )


def test_damage_is_told_and_not_published(own: Own, judge: Judge) -> None:
    own.files["a"].text = b"alphb"
    judge.on_read(b"a", own.hashed("a"))
    judge.on_read(b"a", own.hashed("a"))
    own.tick()
    assert own.codes() == ["damage"]
    assert own.publishing.pending == 0


def test_damage_is_no_edit_when_a_backup_chmod_or_touch_came_by(own: Own, judge: Judge) -> None:
    before = own.published()["a"]
    own.files["a"].text = b"alphb"
    judge.on_read(b"a", own.hashed("a"))
    stat = own.files["a"].stat
    own.change("a", ctime_ns=stat.ctime_ns + 5, executable=True)
    judge.on_read(b"a", own.hashed("a"))
    assert damaged(own) == ["d1/a"]
    said, stands = own.publishing.record(b"a"), own.publishing.stands(b"a")
    assert said is not None
    assert stands is not None
    assert (said.root, said.executable) == (before.root, True), "the x bit alone is news"
    assert stands.ctime_ns == stat.ctime_ns + 5, "it is exchanged as it stands now"
    own.change("a", mtime_ns=stat.mtime_ns + 9)
    judge.on_read(b"a", own.hashed("a"))
    touched = own.publishing.record(b"a")
    assert touched is not None
    assert (touched.root, touched.mtime_ns) == (before.root, stat.mtime_ns + 9)
    own.write("a", "new bytes")
    judge.on_read(b"a", own.hashed("a"))
    assert damaged(own) == [], "somebody wrote it"
    assert own.publishing.record(b"a") != touched


def test_what_is_damaged_and_renamed_is_shared_as_it_should_be_and_still_damaged(
    own: Own, judge: Judge
) -> None:
    before = own.published()["a"]
    own.files["a"].text = b"alphb"
    judge.on_read(b"a", own.hashed("a"))
    assert judge.on_seen(b"b", own.files["a"].stat) is None
    judge.on_gone([b"a"])
    after = own.publishing.record(b"b")
    assert after is not None
    assert after.root == before.root
    assert damaged(own) == ["d1/b"]
    own.node.index.manifests.delete(own.node.own_manifest, [b"a"], 90)
    assert judge.on_seen(b"c", own.files["a"].stat) == 0
    assert damaged(own) == ["d1/b"], "what has no record is read"


def test_what_is_read_afresh_is_damaged_if_it_is_mine_and_was_not_edited(
    own: Own, judge: Judge
) -> None:
    mine = Spot(own.node.own_manifest, b"a")
    own.files["a"].text = b"alphb"
    hashed = own.hashed("a")
    edited = replace(hashed, stat=replace(hashed.stat, ctime_ns=9))
    others = Spot(mine.manifest._replace(owner=key(2).device), b"a")
    for spot, read in ((mine, edited), (others, hashed), (mine._replace(path=b"x"), hashed)):
        judge.on_verified(spot, read)
    assert (damaged(own), own.publishing.pending) == ([], 0)
    judge.on_verified(mine, hashed)
    assert damaged(own) == ["d1/a"]


def damaged(own: Own) -> list[str]:
    return [each.subject for each in own.node.troubles.of(TroubleKind.DAMAGED)]


@pytest.mark.parametrize("end", ["written", "gone", "a folder", "its folder is gone"])
def test_damage_stays_until_another_thing_stands_there(own: Own, judge: Judge, end: str) -> None:
    name = "d/b" if end == "its folder is gone" else "a"
    own.write("d/b", "beta")
    own.touch("d/b")
    own.settle()
    own.files[name].text = b"x" * own.files[name].stat.size
    judge.on_read(name.encode(), own.hashed(name))
    judge.on_read(b"d/b" if name == "a" else b"a", own.hashed("d/b" if name == "a" else "a"))
    assert damaged(own) == [f"d1/{name}"]
    if end == "written":
        own.write("a", "new")
        judge.on_read(b"a", own.hashed("a"))
    elif end == "a folder":
        judge.on_folder(b"a")
    else:
        judge.on_gone([b"a" if end == "gone" else b"d"])
    assert damaged(own) == []


def test_the_other_names_of_a_file_are_its_links(own: Own, judge: Judge) -> None:
    own.files["link"] = own.files["a"]
    own.touch("link")
    own.settle()
    stat = own.files["a"].stat
    assert judge.links(b"a", stat) == [b"link"]
    assert judge.links(b"link", stat) == [b"a"]
    assert judge.links(b"new", replace(stat, size=0)) == []
    assert judge.links(b"new", replace(stat, inode=77)) == []


def test_a_name_that_some_systems_cannot_hold_is_told_when_it_is_new(
    own: Own, judge: Judge
) -> None:
    for text in ("x", "y"):
        own.write("what?", text)
        judge.on_read(b"what?", own.hashed("what?"))
    own.settle()
    own.tick()
    assert own.codes() == ["not_portable"]
    assert "what?" in own.published()


# -- folders, and what is gone ---------------------------------------------------------------------
def test_a_folder_is_shared_once(own: Own, judge: Judge) -> None:
    judge.on_folder(b"d")
    assert own.publishing.pending == 0
    judge.on_folder(b"a")  # a file until now
    nothing_but_there = PlaceRow(b"a", Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
    assert own.publishing.stands(b"a") == nothing_but_there
    own.settle()
    said = {msgspec.structs.replace(record, seq=0) for record in own.published().values()}
    of_a_folder = (Kind.FOLDER, 0, 0, False, limits.PIECE_MIN_BYTES, EMPTY_ROOT, 0)
    assert said == {FileRecord(path, *of_a_folder) for path in (b"a", b"d")}


def test_a_folder_is_known_where_one_stands_and_nowhere_else(own: Own, judge: Judge) -> None:
    assert [judge.knows_folder(path) for path in (b"d", b"a", b"new")] == [True, False, False]
    assert [judge.knows_file(path) for path in (b"d", b"a", b"new")] == [False, True, False]
    judge.on_folder(b"new")
    assert judge.knows_folder(b"new"), "not published yet"


def test_only_what_was_known_can_be_gone(own: Own, judge: Judge) -> None:
    judge.on_gone([b"a", b"never"])
    assert b"a" in own.publishing.untold[1]
    assert own.publishing.pending == 1


def test_what_nobody_saw_is_unseen_unless_its_end_is_known(own: Own, judge: Judge) -> None:
    assert judge.unseen(b"", {b"a"}, set()) == [b"d"]
    own.publishing.drop([b"a"])
    assert judge.unseen(b"", set(), set()) == [b"d"]
    assert judge.unseen(b"", set(), {b"d"}) == []
    own.write("d/x", "text")
    own.write("dx", "text")
    for name in ("d/x", "dx"):
        judge.on_read(name.encode(), own.hashed(name))
    assert judge.unseen(b"d", set(), set()) == [b"d/x"], "not in the index yet"


# -- a disk that keeps no x bits -------------------------------------------------------------------
def test_where_no_x_bits_are_kept_a_file_has_the_one_it_had_and_a_new_one_has_none(
    own: Own, judge: Judge
) -> None:
    own.node.settings = replace(own.node.settings, keeps_x=False)
    seen = replace(own.files["a"].stat, executable=True)
    assert judge.on_seen(b"a", seen) is None, "it is as it was"
    own.write("new", "text", executable=True)
    judge.on_read(b"new", own.hashed("new"))
    record = own.publishing.record(b"new")
    assert record is not None
    assert not record.executable
    own.publishing.drop([b"a"])
    assert judge.on_seen(b"b", seen) is None
    renamed = own.publishing.record(b"b")
    assert renamed is not None
    assert not renamed.executable


def test_an_earlier_version_of_an_older_copy_is_known_and_not_shared(
    own: Own, judge: Judge
) -> None:
    first = own.hashed("a")
    own.write("a", "written since")
    own.touch("a")
    own.settle()
    later = own.published()["a"]
    own.publishing.older.found = True
    own.write("a", "alpha")
    hashed = own.hashed("a")
    assert hashed.pieces.root == first.pieces.root
    judge.on_read(b"a", hashed)
    stands = own.publishing.stands(b"a")
    assert stands is not None
    assert (stands.root, own.publishing.record(b"a")) == (first.pieces.root, later)
    assert b"a" in own.publishing.older.files
    assert own.publishing.pending == 0


def test_what_a_disk_took_along_is_asked_for(own: Own, judge: Judge) -> None:
    judge.on_taken_along({b"x"})
    assert own.publishing.breaker.taken_along == {b"x"}


def test_what_is_met_is_weighed_only_while_a_disk_may_have_put_it_there() -> None:
    own = Own()
    own.write("a", "first")
    own.touch("a")
    own.settle()
    judge, doubts = own.own_folder.judge, own.publishing.older.doubts
    known = own.files["a"].stat
    judge.weigh(b"a", replace(known, size=1), own.node.number())
    assert doubts.idle
    for stat, doubted in ((known, False), (replace(known, size=1), True), (None, True)):
        doubts.begin(b"", [b"a"], own.node.number())
        judge.weigh(b"a", stat, own.node.number())
        assert doubts.ends(b"a") is doubted
