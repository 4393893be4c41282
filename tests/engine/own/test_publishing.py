"""Publishing: one transaction per head, numbers without gaps, pace, and heads of a later state."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.facts import PlaceRow, SharedChange
from potluck.core.content.manifest import continues, head_is_signed, run_end, sign_head
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import FileRecord, Head, Holding, Kind
from potluck.engine.events import LinkId
from potluck.engine.node import Node
from potluck.engine.own.publishing import (
    HEAD_MAX_S,
    MERGED_FIRST_S,
    Publishing,
)
from tests.engine.builders import group, key, node
from tests.engine.index.builders import root_of
from tests.engine.listeners import Heard

PIECE = limits.PIECE_MIN_BYTES


class Publisher:
    """A device that publishes, and what it published."""

    def __init__(self, over: Node | None = None, run: int = 1) -> None:
        self.node = node(1, run=run) if over is None else over
        self.node.roster = group(1, 2)
        self.heads: list[Head] = []
        self.heard = Heard(on_published=self.heads.append)
        self.publishing = Publishing(self.node, self.heard)
        self.publishing.start()

    def put(self, path: str, text: str = "x", *, mtime_ns: int = 1, ctime_ns: int = 1) -> None:
        root = root_of(text)
        row = PlaceRow(
            path.encode(), Kind.FILE, root, len(text), mtime_ns, ctime_ns, 7, executable=False
        )
        self.publishing.put(row, PIECE)

    def folder(self, path: str) -> None:
        self.publishing.put(
            PlaceRow(path.encode(), Kind.FOLDER, b"", 0, 0, 0, 0, executable=False), PIECE
        )

    def drop(self, *paths: str) -> None:
        self.publishing.drop({path.encode() for path in paths})

    def changes(self) -> list[SharedChange]:
        """What was new in the last head."""
        last: list[SharedChange] = self.heard.of("on_shared")[-1]
        return last

    def tick(self, later_s: float = 1.0, waiting: int = 0) -> int:
        """Let time pass; returns how many heads that brought."""
        before = len(self.heads)
        self.node.now += later_s
        self.publishing.on_tick(waiting)
        return len(self.heads) - before

    @property
    def records(self) -> dict[str, FileRecord]:
        listed = self.node.index.manifests.listing(self.node.own_manifest, b"", 1000)
        return {record.path.decode(): record for record in listed}

    @property
    def places(self) -> list[bytes]:
        return self.node.index.places.all_paths(self.node.own_manifest)

    def foreign(
        self, generation: int, seq: int, count: int = 3, instance: bytes = b"earlier"
    ) -> Head:
        """An own head of another run."""
        return sign_head(
            Head(*self.node.own_manifest, generation, seq, count, b"r" * 32, instance), key(1)
        )


def test_changes_get_numbers_and_one_signed_head_that_says_what_is_in_the_index() -> None:
    it = Publisher()
    it.folder("d")
    it.put("d/a", "one")
    it.put("b", "two")
    assert (it.publishing.pending, it.records, it.places) == (3, {}, [])
    assert it.tick() == 1
    assert {path: record.seq for path, record in it.records.items()} == {"d": 1, "d/a": 2, "b": 3}
    assert it.records["d"] == FileRecord(b"d", Kind.FOLDER, 0, 0, False, PIECE, EMPTY_ROOT, 1)
    assert it.places == [b"b", b"d", b"d/a"]
    (head,) = it.heads
    manifests = it.node.index.manifests
    assert (head.generation, head.seq, head.count, head.instance) == (1, 3, 3, it.node.instance)
    assert head.root == manifests.root(it.node.own_manifest)
    assert head == manifests.head(it.node.own_manifest)
    assert it.node.roster is not None
    assert head_is_signed(head, it.node.roster.verify)
    assert (it.tick(), it.publishing.pending, it.publishing.deadline(0)) == (0, 0, None)


def test_with_a_head_goes_what_is_new_in_it_and_what_was_said_before() -> None:
    it = Publisher()
    it.folder("d")
    it.put("d/a", "one")
    it.put("b", "two")
    it.put("never", "x")
    it.drop("never")
    it.tick()
    assert [change[:2] for change in it.changes()] == [
        (b"d", None),
        (b"d/a", None),
        (b"b", None),
        (b"never", None),
    ]
    before = it.records
    it.put("b", "three")
    it.put("c", "four")
    it.put("d/a", "other")
    it.drop("c", "b", "d")
    it.drop("d", "b")
    it.put("e", "five")
    it.tick()
    gone = {path: said for path, said, after, _ in it.changes() if after is None}
    assert gone.pop(b"c") is None
    assert gone[b"b"] == before["b"]
    assert {path: said.root for path, said in gone.items() if said is not None} == {
        b"b": root_of("two"),
        b"d": b"",
        b"d/a": root_of("one"),
    }
    assert [change[:2] for change in it.changes() if change.after is not None] == [(b"e", None)]
    it.tick()
    assert len(it.heard.of("on_shared")) == 2


def test_a_restart_goes_on_counting() -> None:
    first = Publisher()
    first.put("a")
    first.tick()
    second = Publisher(first.node)
    second.put("b")
    second.tick()
    assert (second.heads[0].generation, second.heads[0].seq) == (1, 2)


def test_what_was_not_published_is_not_in_the_index_so_a_crash_loses_nothing() -> None:
    first = Publisher()
    first.put("a")
    first.tick()
    first.put("b")
    first.drop("a")
    second = Publisher(first.node)  # the process was killed before the next head
    assert second.publishing.stands(b"a") is not None
    assert second.publishing.stands(b"b") is None


def test_the_same_again_is_no_change_and_a_new_stat_is_only_remembered() -> None:
    it = Publisher()
    it.put("a")
    it.tick()
    it.put("a")
    it.put("a", ctime_ns=2)
    assert (it.publishing.pending, it.tick()) == (0, 0)
    stands = it.publishing.stands(b"a")
    assert stands is not None
    assert stands.ctime_ns == 2
    it.put("a", mtime_ns=2)
    assert it.tick() == 1


def test_what_is_taken_back_before_its_head_was_never_said() -> None:
    it = Publisher()
    it.put("a", "one")
    it.tick()
    it.put("a", "two")
    it.put("b")
    assert it.publishing.record(b"b") is not None
    it.put("a", "one")
    it.drop("b")
    assert (it.tick(), it.records["a"].seq) == (0, 1)
    it.drop("a")
    assert (
        it.publishing.stands(b"a"),
        it.publishing.record(b"a"),
        b"a" in it.publishing.untold[1],
    ) == (None, None, True)
    it.put("a", "one")
    assert (it.tick(), it.records["a"].seq, it.places) == (0, 1, [b"a"])
    record = it.publishing.record(b"a")
    assert record is not None
    assert record.seq == 1


def test_a_folder_takes_everything_below_it_along_published_or_not() -> None:
    it = Publisher()
    for path in ("d", "d/e"):
        it.folder(path)
    it.put("d/e/a")
    it.put("dx")
    it.tick()
    it.put("d/new")
    it.put("d/e/newer")
    it.put("d-new")
    it.drop("d", "not there")
    it.tick()
    assert sorted(it.records) == ["d-new", "dx"]
    assert it.places == [b"d-new", b"dx"]
    _, deleted, _, _ = it.node.index.manifests.page(it.node.own_manifest, 0, 100)
    numbers = sorted(
        [path.seq for path in deleted] + [record.seq for record in it.records.values()]
    )
    assert numbers == [4, 5, 6, 7, 8]
    assert it.heads[-1].seq == 8


def test_what_is_known_below_a_folder_is_what_will_stand_there() -> None:
    it = Publisher()
    it.folder("d")
    for path in ("d/a", "d/b", "dx"):
        it.put(path)
    it.tick()
    it.drop("d/a")
    it.put("d/c")
    known = it.publishing.known_below
    assert sorted(known(b"d")) == [b"d/b", b"d/c"]
    assert sorted(known(b"")) == [b"d", b"d/b", b"d/c", b"dx"]
    assert known(b"dx") == []


def test_a_file_where_a_folder_stood_ends_what_was_in_it() -> None:
    it = Publisher()
    it.folder("d")
    it.put("d/a")
    it.tick()
    it.put("d/b")
    it.put("d")
    it.tick()
    assert {path: record.kind for path, record in it.records.items()} == {"d": Kind.FILE}
    it.folder("d")
    it.tick()
    assert {path: record.kind for path, record in it.records.items()} == {"d": Kind.FOLDER}


def test_a_folder_that_is_seen_again_keeps_what_is_in_it() -> None:
    it = Publisher()
    it.folder("d")
    it.put("d/a")
    it.tick()
    it.put("d/b")
    it.folder("d")
    it.tick()
    assert sorted(it.records) == ["d", "d/a", "d/b"]


def test_what_seemed_deleted_when_the_share_went_away_is_kept() -> None:
    it = Publisher()
    it.put("a")
    it.tick()
    it.drop("a")
    it.publishing.keep()
    assert (it.tick(), sorted(it.records), it.places) == (0, ["a"], [b"a"])


def test_an_idle_device_publishes_at_once_and_a_busy_one_gathers() -> None:
    it = Publisher()
    it.put("a")
    assert it.tick(0.0) == 1
    it.put("b")
    assert it.tick(limits.HEAD_MIN_S / 2) == 0
    due = it.publishing.deadline(0)
    assert due == pytest.approx(limits.HEAD_MIN_S)
    assert it.tick(limits.HEAD_MIN_S / 2) == 1
    it.put("c")
    assert it.tick(limits.HEAD_MIN_S, waiting=300) == 0
    assert it.publishing.deadline(300) == pytest.approx(0.05 + 0.3)
    assert it.tick(0.25, waiting=300) == 1
    it.put("d")
    assert it.publishing.deadline(10**6) == pytest.approx(it.node.now + HEAD_MAX_S)
    assert it.tick(HEAD_MAX_S, waiting=10**6) == 1


def test_very_many_changes_do_not_wait() -> None:
    it = Publisher()
    it.put("first")
    it.tick()
    for number in range(2 * limits.PAGE_RECORDS - 1):
        it.put(f"{number}")
    assert it.tick(0.0, waiting=10**6) == 0
    it.put("two pages of changes")
    assert it.tick(0.0, waiting=10**6) == 1


def test_while_another_machine_has_this_identity_nothing_is_published() -> None:
    it = Publisher()
    it.node.cloned = True
    it.put("a")
    it.publishing.on_other_run(it.foreign(3, 50))
    it.publishing.on_other_run(it.foreign(2, 60))
    assert it.publishing.deadline(0) is None
    assert it.tick() == 0
    assert it.publishing.pending == 1
    it.node.cloned = False
    it.publishing.begin_anew(1000)
    assert it.tick() == 1
    assert (it.heads[0].generation, it.heads[0].seq, it.heads[0].count) == (1003, 61, 1)
    it.publishing.begin_anew(1000)
    assert it.tick() == 1
    assert (it.heads[1].generation, it.heads[1].seq) == (2003, 61)


def test_a_new_generation_is_told_even_if_nothing_changed() -> None:
    it = Publisher()
    it.publishing.begin_anew(1)
    assert it.publishing.repairing
    assert it.publishing.deadline(0) is not None
    assert it.tick() == 1
    assert (it.heads[0].generation, it.heads[0].seq, it.heads[0].count) == (2, 0, 0)
    assert not it.publishing.repairing


def test_a_decision_waits_a_while_for_what_others_hold_and_is_not_known_here() -> None:
    it = Publisher()
    it.node.unmerged = True
    it.publishing.begin_anew(1000)
    assert it.publishing.deadline(0) == it.node.now + MERGED_FIRST_S
    assert it.tick(MERGED_FIRST_S - 1) == 0
    assert it.tick() == 1
    it.put("a")
    assert it.tick() == 1, "only the decision waits"


def test_the_same_can_be_said_once_more_under_another_number() -> None:
    it = Publisher()
    it.put("a")
    it.tick()
    it.publishing.on_other_run(it.foreign(3, 50))
    it.publishing.begin_anew(0)
    assert it.tick() == 1
    first, again = it.heads
    assert (again.generation, again.seq, again.root) == (1, first.seq + 1, first.root)


def test_each_run_continues_the_ones_before_it() -> None:
    first = Publisher(run=1)
    first.put("a")
    first.tick()
    assert first.heads[0].continues == ()
    second = Publisher(node(1, index=first.node.index, run=2))
    assert second.tick() == 0
    second.put("b")
    second.tick()
    third = Publisher(node(1, index=first.node.index, run=3))
    third.put("c")
    third.tick()
    ends = [run_end(head) for head in (second.heads[0], first.heads[0])]
    assert third.heads[0].continues == tuple(ends)
    assert continues(third.heads[0], first.heads[0])
    assert not continues(third.heads[0], first.foreign(1, 1))


def test_a_lost_state_is_continued_with_what_only_the_others_have() -> None:
    it = Publisher()
    it.put("a")
    it.tick()
    lost = it.foreign(4, 70)
    it.publishing.on_other_run(lost)
    it.put("b")
    record = msgspec.structs.replace(it.records["a"], path=b"only there", seq=50)
    it.publishing.lineage.adopt(lost)
    it.publishing.begin_anew(1)
    it.publishing.share_again([record])
    head = it.heads[-1]
    assert (head.generation, head.seq, head.count) == (5, 72, 3)
    assert continues(head, lost)
    assert it.records["only there"] == msgspec.structs.replace(record, seq=72)
    assert it.places == [b"a", b"b"]
    assert [change.path for change in it.changes()] == [b"b"]
    assert not it.publishing.repairing


def test_what_is_held_ends_when_a_person_says_so_and_not_before() -> None:
    it = Publisher()
    for name in "abcd":
        it.put(name, name)
    it.tick()
    assert it.publishing.confirm() is None
    it.node.index.places.remove(it.node.own_manifest, [b"a", b"b", b"c"])
    it.publishing.held.hold([b"a", b"b", b"c"])
    it.publishing.held.write()
    it.put("a", "a")
    it.put("b", "another")
    assert (it.tick(), set(it.records), len(it.publishing.held)) == (1, set("abcd"), 1)
    said = "Confirmed: 1 file (1 B). The other devices put what they have of that in their trash; "
    said += "where it is very much at once, a person is asked first, on one of them."
    assert it.publishing.confirm() == said
    it.publishing.keep()
    later = Publisher(it.node, run=2)
    assert later.publishing.pending == 1, "a crash before the head forgets no word of a person"
    assert (it.tick(), set(it.records)) == (1, set("abd"))
    assert it.changes()[0].before is not None
    assert Publisher(it.node, run=3).publishing.pending == 0


def test_what_was_confirmed_and_stands_again_does_not_end() -> None:
    it = Publisher()
    it.put("a")
    it.tick()
    it.node.index.places.remove(it.node.own_manifest, [b"a"])
    it.publishing.held.hold([b"a"])
    it.publishing.confirm()
    it.put("a")
    it.publishing.keep()
    assert (it.tick(), set(it.records)) == (0, {"a"})


def emptied() -> tuple[Publisher, list[str]]:
    """Thirty files that are shared and were cut off to nothing since the last head."""
    it = Publisher()
    it.folder("f")
    names = [f"f/{number:02}" for number in range(30)]
    for name in names:
        it.put(name, name)
    it.tick()
    for name in names:
        it.put(name, "")
    return it, names


def test_what_is_lost_at_once_is_kept_back_and_what_stands_in_its_place_too() -> None:
    it, names = emptied()
    assert it.tick() == 0
    assert len(it.heard.of("on_held_changed")) == 1
    assert (len(it.publishing.held), it.publishing.pending, it.publishing.deadline(0)) == (
        30,
        0,
        None,
    )
    row = it.publishing.stands(b"f/00")
    assert (row is not None and row.size, it.records["f/00"].size) == (0, 4)
    it.drop("f/00")
    it.put("f/01", names[1])
    assert it.publishing.deadline(0) is not None, "to say how much is held"
    assert it.tick() == 0
    assert len(it.publishing.known_below(b"f")) == 29
    it.publishing.confirm()
    assert (it.tick(), it.records["f/02"].size, "f/00" in it.records) == (1, 0, False)
    assert (it.records["f/01"].size, it.publishing.deadline(0)) == (4, None)


def test_what_was_kept_goes_with_its_folder() -> None:
    it, _ = emptied()
    it.tick()
    it.drop("f")
    assert (it.tick(), it.publishing.stands(b"f/00"), len(it.publishing.held)) == (0, None, 31)
    it.put("f", "a file in its place")
    assert it.tick() == 0
    it.publishing.confirm()
    assert (it.tick(), set(it.records)) == (1, {"f"})


def test_a_publishing_that_nobody_listens_to_still_publishes() -> None:
    publishing = Publishing(node(), Heard())
    publishing.put(PlaceRow(b"a", Kind.FOLDER, b"", 0, 0, 0, 0, executable=False), PIECE)
    publishing.on_tick(0)
    assert publishing.pending == 0


def test_it_says_how_it_stands() -> None:
    one = Publisher()
    one.put("a")
    assert repr(one.publishing) == "<Publishing 1.0, 1 waiting>"
    one.tick()
    assert repr(one.publishing) == "<Publishing 1.1, 0 waiting>"


def test_in_an_older_copy_nothing_is_moved_and_what_stands_is_shared_when_confirmed() -> None:
    one = Publisher()
    one.put("a", "later")
    one.tick()
    publishing = one.publishing
    publishing.older.found = True
    publishing.older.note(b"a", root_of("earlier"))
    publishing.held.hold([b"a"])
    one.put("b", "later")
    assert one.tick() == 1
    assert b"a" in publishing.held, "its content came elsewhere, and that ends nothing here"
    assert publishing.confirm(b"b") is None
    text = publishing.confirm(b"a")
    assert text is not None
    assert text.startswith("Confirmed: 1 file")
    assert text.endswith(" 1 file shared now as what stands here.")
    publishing.older.note(b"b", root_of("earlier"))
    assert publishing.confirm() == "1 file shared now as what stands here."


def test_what_is_shared_instead_of_what_stands_is_wanted_in_its_place_and_ends_nothing() -> None:
    one = Publisher()
    one.put("a", "good")
    one.tick()
    good = one.records["a"]
    one.put("a", "bad one")
    one.put("b")
    one.tick()
    gone = FileRecord(b"gone", Kind.FILE, 4, 1, False, PIECE, root_of("good"), 0)
    one.publishing.share_again([good, gone], instead=True)
    assert one.records["a"].root == root_of("good")
    assert one.records["a"].seq > good.seq + 1
    assert one.publishing.stands(b"a") is not None
    assert not one.publishing.held
    assert one.publishing.older.files.of(by_disk=False, wanted=True) == [b"a"]
    former = one.node.index.former
    assert not former.has(one.node.own_manifest, b"a", root_of("bad one")), "it stands here still"
    assert former.has(one.node.own_manifest, b"a", root_of("good"))


def test_what_goes_is_told_with_its_number_where_somebody_may_lack_it() -> None:
    one = Publisher()
    for name in "abc":
        one.put(name)
    one.tick()
    last = one.records["b"]
    one.drop("a")
    one.tick()
    assert [change.ended for change in one.changes()] == [None]
    own, peer = one.node.own_manifest, one.node.peer(key(2).device)
    peer.link, peer.kept[own] = LinkId(2), Holding(*own, 1, 4, 1, 1, 0)
    one.drop("b")
    one.tick()
    assert [change.ended for change in one.changes()] == [last]
    one.publishing.share_again([one.records["c"]])
    one.publishing.confirm(b"c")
    one.tick()
    (given_up,) = one.changes()
    assert (given_up.path, given_up.after, given_up.ended) == (b"c", None, None), "it was not here"
