"""Commits as transcripts: what is ready goes to disk and index in batches, in the right order.

Strategy: the real node and index; the test is the disk and says what became of each item. `begun`
makes what waits for durable intents come out.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow, Source, Spot, Stat
from potluck.core.content.pieces import PieceList
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import Effect, MakeDurable, Place, PlaceItem, Settle
from potluck.engine.events import BatchId, BatchPlaced, BatchSettled, Placed, Placement
from potluck.engine.index import Index
from potluck.engine.others.commits import REMOVE_S, Commits
from potluck.engine.others.group_commit import Placeable
from tests.engine import builders
from tests.engine.index.builders import folder, place, receive, record, root_of
from tests.engine.listeners import Heard

ANNAS = ManifestName.own(builders.key(2).device)
STAT = Stat(1, 7, 8, 9, False)


class Bench:
    """Commits, and what they tell."""

    def __init__(self, index: Index | None = None) -> None:
        self.node = builders.node(1, index=index)
        self.node.roster = builders.group(1, 2)
        self.ended: list[list[tuple[str, Placement]]] = []
        self.again: list[str] = []
        self.heard = Heard(
            on_committed=self._on_committed,
            on_settled=self._on_committed,
            look_again=lambda spot: self.again.append(spot.path.decode()),
        )
        self.commits = Commits(self.node, self.heard)

    def _on_committed(self, done) -> None:
        self.ended.append([(each.ready.spot.path.decode(), each.placed.placement) for each in done])

    def spot(self, path: str) -> Spot:
        return Spot(ANNAS, path.encode())

    def ready(
        self,
        path: str,
        source: Source = Source.PART,
        *,
        local: str = "",
        text: str = "",
        over_folder: bool = False,
    ) -> Placeable:
        spot, from_spot = self.spot(path), self.spot(local) if local else None
        no_file = source in (Source.NONE, Source.FOLDER)
        root = root_of(text or path)
        content = None if no_file else PieceList(root, 1, limits.PIECE_MIN_BYTES, b"")
        expected = STAT if source is Source.NONE and path != "folder" else None
        local_path = self.node.layout.path_of(from_spot) if from_spot else None
        item = PlaceItem(
            self.node.layout.path_of(spot), source, content, local_path, 5, False, expected, None
        )
        return Placeable(spot, item, from_spot, over_folder=over_folder)

    def add(self, *ready: Placeable) -> None:
        for each in ready:
            self.commits.add(each)

    def begun(self, *, deciding: bool = False, fetching: bool = False) -> list[Place]:
        self.commits.flush(deciding=deciding, fetching=fetching)
        return [effect for effect in builders.flush(self.node) if isinstance(effect, Place)]

    def names(self, *, deciding: bool = False, fetching: bool = False) -> list[list[str]]:
        places = self.begun(deciding=deciding, fetching=fetching)
        return [[str(item.path)[3:] for item in each.items] for each in places]

    def later(self, seconds: float = REMOVE_S) -> None:
        self.node.now += seconds

    def placed(self, place: Place, **how: Placement) -> None:
        self.commits.on_placed(
            BatchPlaced(place.batch, tuple(_placed(item, how) for item in place.items))
        )

    def row(self, path: str) -> PlaceRow | None:
        return self.node.index.places.get(ANNAS, path.encode())


def _placed(item: PlaceItem, how: dict[str, Placement]) -> Placed:
    good = Placement.REMOVED if item.source is Source.NONE else Placement.PLACED
    placement = how.get(str(item.path)[3:], good)
    stands = placement is Placement.PLACED and item.source is not Source.FOLDER
    return Placed(
        item.path,
        item.content.root if item.content else None,
        placement,
        STAT if stands else None,
        "",
        "",
    )


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- when ------------------------------------------------------------------------------------------
def test_nothing_is_placed_before_its_intent_is_on_the_disk(bench: Bench) -> None:
    bench.add(bench.ready("a"))
    bench.commits.flush(deciding=False, fetching=False)
    (sync,) = bench.node.take()
    assert isinstance(sync, MakeDurable)
    ((batch, items),) = bench.node.index.intents.open_batches()
    bench.node.on_synced(sync.barrier)
    assert bench.node.take() == [Place(batch, items, bench.node.own_label)]
    assert bench.commits.spots()


def test_what_stands_is_written_down_and_the_intent_goes(bench: Bench) -> None:
    bench.add(bench.ready("a"), bench.ready("f", Source.FOLDER))
    (place_,) = bench.begun()
    assert bench.commits.busy(bench.spot("a"))
    bench.placed(place_)
    assert bench.row("a") == PlaceRow(b"a", Kind.FILE, root_of("a"), 1, 5, 8, 9, executable=False)
    assert bench.row("f") == PlaceRow(b"f", Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
    assert bench.node.index.intents.open_batches() == []
    assert bench.ended == [[("a", Placement.PLACED), ("f", Placement.PLACED)]]
    assert not bench.commits.spots()
    assert not bench.commits.busy(bench.spot("a"))


def test_a_batch_waits_for_more_while_more_is_coming(bench: Bench) -> None:
    bench.add(bench.ready("a"))
    assert bench.names(fetching=True) == []
    assert bench.commits.deadline() == limits.COMMIT_S
    bench.later(limits.COMMIT_S)
    assert bench.names(fetching=True) == [["a"]]
    assert bench.commits.deadline() is None


def test_a_full_batch_does_not_wait(bench: Bench) -> None:
    bench.add(*(bench.ready(f"{number:03}") for number in range(limits.COMMIT_FILES + 1)))
    (names,) = bench.names(fetching=True)
    assert len(names) == limits.COMMIT_FILES
    assert bench.names() == [["256"]]


def test_what_a_full_batch_left_over_waits_for_more_again(bench: Bench) -> None:
    bench.add(*(bench.ready(f"{number:03}") for number in range(limits.COMMIT_FILES + 1)))
    bench.later(limits.COMMIT_S / 2)
    bench.begun(fetching=True)
    assert bench.commits.deadline() == bench.node.now + limits.COMMIT_S
    assert bench.names(fetching=True) == []


def test_a_batch_has_so_many_bytes_and_at_least_one_file(bench: Bench) -> None:
    for name in "abc":
        ready = bench.ready(name)
        content = PieceList(root_of(name), limits.COMMIT_BYTES, limits.PIECE_MIN_BYTES, b"")
        item = PlaceItem(ready.item.path, Source.PART, content, None, 5, False, None, None)
        bench.add(Placeable(ready.spot, item))
    assert bench.names(deciding=True) == [["a"], ["b"]]
    assert bench.names() == []  # two at once and no more
    assert bench.commits.deadline() is None


def test_only_so_many_bytes_are_reason_enough_not_to_wait(bench: Bench) -> None:
    def sized(name: str, size: int) -> Placeable:
        ready = bench.ready(name)
        content = PieceList(root_of(name), size, limits.PIECE_MIN_BYTES, b"")
        item = PlaceItem(ready.item.path, Source.PART, content, None, 5, False, None, None)
        return Placeable(ready.spot, item)

    bench.add(bench.ready("f", Source.FOLDER), sized("a", limits.COMMIT_BYTES - 1))
    assert bench.names(fetching=True) == []
    bench.add(sized("b", 1))
    assert bench.names(fetching=True) == [["f", "a", "b"]]
    bench.add(sized("c", limits.COMMIT_BYTES))
    bench.commits.discard(bench.spot("c"))
    bench.add(sized("d", limits.COMMIT_BYTES - 1))
    assert bench.names(fetching=True) == []


def test_nothing_begins_while_the_share_is_offline(bench: Bench) -> None:
    bench.add(bench.ready("a"), bench.ready("b", Source.NONE))
    bench.node.share_present = False
    bench.later()
    assert (bench.names(), bench.commits.deadline()) == ([], None)
    bench.node.share_present = True
    assert bench.names() == [["a", "b"]]


def test_nothing_to_do_has_no_deadline(bench: Bench) -> None:
    assert (bench.names(), bench.commits.deadline(), bench.commits.spots()) == ([], None, [])


def test_what_was_decided_before_counts_no_more(bench: Bench) -> None:
    bench.add(bench.ready("a"), bench.ready("b", Source.NONE))
    bench.commits.discard(bench.spot("a"))
    bench.commits.discard(bench.spot("b"))
    bench.commits.discard(bench.spot("c"))
    assert not bench.commits.spots()
    bench.add(bench.ready("a"), bench.ready("a", Source.NONE))
    assert bench.names() == []
    bench.later()
    (place_,) = bench.begun()
    assert [item.source for item in place_.items] == [Source.NONE]


# -- in what order ---------------------------------------------------------------------------------
def test_what_goes_comes_last_from_the_leaves_up(bench: Bench) -> None:
    paths = ("folder", "folder/a", "folder/b")
    bench.add(*(bench.ready(path, Source.NONE) for path in paths), bench.ready("a"))
    (first,) = bench.begun()
    assert [str(item.path) for item in first.items] == ["d2/a"]
    assert bench.commits.deadline() is None
    bench.placed(first)
    bench.later()
    assert bench.names() == [["folder/b", "folder/a", "folder"]]


def test_removals_wait_for_what_may_still_need_them(bench: Bench) -> None:
    bench.add(bench.ready("a", Source.NONE))
    assert (bench.commits.deadline(), bool(bench.commits.spots())) == (REMOVE_S, True)
    bench.later()
    assert bench.names(deciding=True) == []
    assert bench.names(fetching=True) == [["a"]]


def test_a_folder_goes_when_nothing_is_under_way(bench: Bench) -> None:
    bench.add(bench.ready("x"))
    (first,) = bench.begun()
    bench.add(bench.ready("folder", Source.NONE), bench.ready("z", Source.NONE))
    bench.later()
    assert bench.names() == [["z"]]
    assert bench.commits.deadline() is None
    bench.placed(first)
    assert bench.names() == []
    bench.add(bench.ready("folder/a", Source.NONE))
    bench.later()
    assert bench.names() == [["folder/a"]]


def test_a_file_takes_the_place_of_a_folder_after_what_was_in_it(bench: Bench) -> None:
    bench.add(
        bench.ready("y", over_folder=True), bench.ready("y/in", Source.NONE), bench.ready("z")
    )
    bench.later()
    assert bench.names() == [["z", "y/in", "y"]]


def test_a_file_makes_room_for_what_is_in_a_folder_now_before_that_comes(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("was")), place(record("stays"))])
    wanted = [folder("was"), record("was/deep/in"), record("was/x"), record("stays")]
    receive(bench.node.index, wanted, 1, ANNAS.owner)
    bench.add(bench.ready("was/deep/in"), bench.ready("was/x"), bench.ready("stays/no"))
    (batch,) = bench.begun()
    assert [str(item.path)[3:] for item in batch.items] == [
        "was",
        "was/deep/in",
        "was/x",
        "stays/no",
    ]
    first = batch.items[0]
    assert (first.source, first.expected_root) == (Source.FOLDER, root_of("was"))
    assert first.expected is not None
    bench.placed(batch)
    row = bench.row("was")
    assert row is not None
    assert row.kind is Kind.FOLDER


def test_a_file_makes_room_once(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("was"))])
    receive(bench.node.index, [folder("was"), record("was/x")], 1, ANNAS.owner)
    bench.add(bench.ready("was/x"), bench.ready("was", Source.FOLDER))
    assert bench.names() == [["was", "was/x"]]


def test_a_removal_that_is_decided_late_is_sorted_in(bench: Bench) -> None:
    bench.add(
        *(bench.ready(f"{number:03}", Source.NONE) for number in range(limits.COMMIT_FILES + 2))
    )
    bench.later()
    (first, second) = bench.names()
    assert (first[0], second) == ("257", ["001", "000"])
    bench.add(bench.ready("a", Source.NONE))
    assert bench.commits.spots()


def test_one_of_the_removals_is_taken_back(bench: Bench) -> None:
    bench.add(bench.ready("x"))
    (first,) = bench.begun()
    bench.add(*(bench.ready(name, Source.NONE) for name in ("a", "b", "folder")))
    bench.later()
    assert bench.names() == []  # the folder is first and waits
    bench.commits.discard(bench.spot("b"))
    bench.placed(first)
    assert bench.names() == [["folder", "a"]]


# -- moves -----------------------------------------------------------------------------------------
def test_a_file_that_moves_is_not_removed_under_its_old_name(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("old"))])
    bench.add(bench.ready("old", Source.NONE), bench.ready("new", Source.MOVED, local="old"))
    bench.later()
    (place_,) = bench.begun()
    assert [str(item.path) for item in place_.items] == ["d2/new"]
    assert bench.commits.busy(bench.spot("old"))
    bench.placed(place_)
    assert bench.row("old") is None
    assert bench.row("new") is not None
    assert bench.again == ["old"]


def test_a_move_that_failed_leaves_the_old_row(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("old"))])
    bench.add(
        bench.ready("new", Source.MOVED, local="old"),
        bench.ready("other", Source.MOVED, local="old"),
    )
    (place_,) = bench.begun()
    bench.placed(place_, new=Placement.FAILED)
    assert bench.row("old") is not None
    assert bench.again == ["old"]


def test_a_file_that_is_wanted_again_is_copied(bench: Bench) -> None:
    bench.heard.tell["leaves"] = lambda _: False
    bench.add(bench.ready("new", Source.MOVED, local="old"), bench.ready("a"))
    (place_,) = bench.begun()
    assert [item.source for item in place_.items] == [Source.LOCAL, Source.PART]


# -- two batches at once ---------------------------------------------------------------------------
CLASHES = {
    "a spot that is being placed": ("a", Source.PART, ""),
    "a spot that is being copied from": ("copied", Source.PART, ""),
    "a source that is being placed": ("new", Source.LOCAL, "a"),
    "a source that is being moved": ("new", Source.LOCAL, "moved"),
    "a move of what is being copied": ("new", Source.MOVED, "copied"),
    "a part that is being placed": ("new", Source.PART, ""),
    "a folder above that is being made": ("f/g/new", Source.PART, ""),
}


@pytest.mark.parametrize("what", CLASHES)
def test_what_would_clash_is_decided_about_anew_after_the_batch(bench: Bench, what: str) -> None:
    bench.add(
        bench.ready("a"),
        bench.ready("b", Source.LOCAL, local="copied"),
        bench.ready("c", Source.MOVED, local="moved"),
        bench.ready("f", Source.FOLDER),
    )
    (first,) = bench.begun()
    path, source, local = CLASHES[what]
    bench.add(bench.ready(path, source, local=local, text="a" if "part" in what else ""))
    bench.add(bench.ready("last", Source.NONE))
    bench.later()
    assert bench.names() == []
    assert bench.commits.spots()
    assert bench.commits.deadline() is None
    bench.placed(first)
    assert bench.again == sorted({path, "moved"})
    assert bench.names() == [["last"]]


def test_what_was_set_aside_and_decided_meanwhile_is_not_looked_at_again(bench: Bench) -> None:
    bench.add(bench.ready("a"))
    (first,) = bench.begun()
    bench.add(bench.ready("new", Source.LOCAL, local="a"))
    assert bench.names() == []
    bench.add(bench.ready("new"))
    assert bench.names() == [["new"]]
    bench.placed(first)
    assert bench.again == []


def test_what_clashed_with_a_batch_that_never_was_is_decided_about_anew(bench: Bench) -> None:
    bench.node.index.commit()
    bench.node.index.begin()
    bench.add(bench.ready("a"))
    bench.commits.flush(deciding=False, fetching=False)
    bench.add(bench.ready("new", Source.LOCAL, local="a"), bench.ready("last", Source.NONE))
    bench.commits.flush(deciding=False, fetching=False)
    bench.node.index.rollback()
    bench.node.index.begin()
    bench.commits.start()
    assert bench.again == ["new"]
    bench.later()
    bench.commits.flush(deciding=False, fetching=False)
    ((_, items),) = bench.node.index.intents.open_batches()
    assert [str(item.path) for item in items] == ["d2/last"]


def test_two_batches_may_copy_the_same_file(bench: Bench) -> None:
    bench.add(bench.ready("a", Source.LOCAL, local="x", text="x"))
    assert bench.names() == [["a"]]
    bench.add(bench.ready("b", Source.LOCAL, local="x", text="x"))
    assert bench.names() == [["b"]]


# -- what came of it -------------------------------------------------------------------------------
def test_what_was_removed_and_what_vanished_has_no_row(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("a")), place(record("b"))])
    bench.add(bench.ready("a"), bench.ready("b", Source.NONE))
    bench.later()
    (place_,) = bench.begun()
    gone = Placed(place_.items[0].path, root_of("a"), Placement.PLACED, None, "", "")
    removed = Placed(place_.items[1].path, None, Placement.REMOVED, None, "", "")
    bench.commits.on_placed(BatchPlaced(place_.batch, (gone, removed)))
    assert (bench.row("a"), bench.row("b")) == (None, None)


def test_a_file_system_with_coarse_times_is_believed_all_the_same(bench: Bench) -> None:
    bench.add(bench.ready("a"))
    (place_,) = bench.begun()
    bench.placed(place_)
    row = bench.row("a")
    assert row is not None
    assert (STAT.mtime_ns, row.mtime_ns) == (7, 5)  # else it would be touched for ever


def test_what_nobody_asked_for_is_ignored(bench: Bench) -> None:
    bench.commits.on_placed(BatchPlaced(BatchId(7), ()))
    bench.add(bench.ready("a"))
    (place_,) = bench.begun()
    strange = Placed(
        bench.node.layout.path_of(bench.spot("b")), None, Placement.PLACED, STAT, "", ""
    )
    bench.commits.on_placed(BatchPlaced(place_.batch, (strange,)))
    assert bench.ended == [[]]
    assert bench.row("b") is None


def test_an_empty_file_needs_no_content() -> None:
    bench = Bench()
    ready = bench.ready("a")
    item = PlaceItem(ready.item.path, Source.EMPTY, None, None, 5, False, None, None)
    bench.add(Placeable(ready.spot, item))
    (place_,) = bench.begun()
    bench.placed(place_)
    row = bench.row("a")
    assert row is not None
    assert row.root == root_of("")


# -- after a crash ---------------------------------------------------------------------------------
def crashed(*ready: Placeable, bench: Bench) -> tuple[Bench, Settle]:
    bench.add(*ready)
    bench.later()
    bench.begun()
    later = Bench(bench.node.index)
    later.commits.start()
    (settle,) = builders.taken(later.node, Settle)
    assert later.commits.settling
    return later, settle


def test_an_interrupted_batch_is_settled_by_what_stands(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("old")), place(record("goes"))])
    later, settle = crashed(
        bench.ready("new", Source.MOVED, local="old"),
        bench.ready("b"),
        bench.ready("goes", Source.NONE),
        bench=bench,
    )
    later.add(later.ready("other"))
    assert (later.names(), later.commits.deadline(), later.commits.settling) == ([], None, True)
    placements = {"b": Placement.SOURCE_GONE}
    placed = tuple(_placed(item, placements) for item in settle.items)
    later.commits.on_settled(BatchSettled(settle.batch, placed))
    assert (later.row("old"), later.row("b"), later.row("goes")) == (None, None, None)
    assert later.row("new") is not None
    assert later.again == ["b", "goes", "new", "old"]
    (settled,) = later.ended
    assert ("goes", Placement.REMOVED) in settled, "its folder may have to go now"
    assert later.node.index.intents.open_batches() == []
    assert later.names() == [["other"]]


def test_what_a_crash_left_on_a_share_that_is_away_is_settled_when_it_is_back(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("goes"))])
    later, settle = crashed(bench.ready("goes", Source.NONE), bench=bench)
    later.node.share_present = False
    later.commits.on_settled(BatchSettled(settle.batch, (), looked=False))
    assert later.row("goes") is not None, "nobody looked"
    assert (later.commits.settling, later.ended, later.again) == (True, [], [])
    later.names()
    assert builders.taken(later.node, Settle) == []
    assert (later.commits.deadline(), len(later.node.index.intents.open_batches())) == (None, 1)
    later.node.share_present = True
    assert later.commits.deadline() == later.node.now
    later.commits.flush(deciding=False, fetching=False)
    assert builders.taken(later.node, Settle) == [settle]
    assert later.commits.deadline() is None, "once is enough"
    placed = tuple(_placed(item, {}) for item in settle.items)
    later.commits.on_settled(BatchSettled(settle.batch, placed))
    assert later.row("goes") is None
    assert later.node.index.intents.open_batches() == []
    later.commits.on_settled(BatchSettled(settle.batch, (), looked=False))
    assert not later.commits.settling, "it was settled meanwhile"


def test_a_batch_of_somebody_who_left_is_closed(bench: Bench) -> None:
    later, settle = crashed(bench.ready("a"), bench=bench)
    later.node.roster = builders.group(1)
    later.commits.on_settled(
        BatchSettled(settle.batch, tuple(_placed(item, {}) for item in settle.items))
    )
    assert later.node.index.intents.open_batches() == []
    assert later.again == []
    later.commits.on_settled(BatchSettled(BatchId(1), ()))


def test_a_listener_that_does_nothing_stops_nothing() -> None:
    bench = Bench()
    commits = Commits(bench.node, Heard())
    commits.add(bench.ready("new", Source.MOVED, local="old"))
    commits.flush(deciding=False, fetching=False)
    (effect,) = [each for each in builders.flush(bench.node) if isinstance(each, Place)]
    assert isinstance(effect, Effect)
    assert [item.source for item in effect.items] == [Source.MOVED]
    commits.on_placed(BatchPlaced(effect.batch, tuple(_placed(item, {}) for item in effect.items)))
    assert not commits.spots()


def test_it_says_how_much_waits_and_is_under_way() -> None:
    assert repr(Bench().commits) == "<Commits waiting=0 batches=0 settling=0>"


def test_it_says_whether_something_is_placed_and_begins_nothing_while_a_folder_moves(
    bench: Bench,
) -> None:
    assert not bench.commits.placing
    bench.add(bench.ready("a"))
    bench.node.moving = True
    assert (bench.begun(), bench.commits.deadline()) == ([], None)
    bench.node.moving = False
    [batch] = bench.begun()
    assert bench.commits.placing
    bench.placed(batch)
    assert not bench.commits.placing


def test_a_folder_that_is_spelled_otherwise_takes_the_rows_of_what_is_in_it_along(
    bench: Bench,
) -> None:
    bench.node.index.places.put(ANNAS, [place(folder("A")), place(record("A/in"))])
    bench.add(bench.ready("a", Source.FOLDER, local="A"))
    (order,) = bench.begun()
    bench.placed(order)
    assert bench.node.index.places.all_paths(ANNAS) == [b"a", b"a/in"]
    moved = bench.row("a/in")
    assert moved is not None
    assert moved.root == root_of("A/in")
    assert {"A", "A/in", "a/in"} <= set(bench.again)


def test_a_folder_that_could_not_be_spelled_otherwise_is_as_it_was(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(folder("A")), place(record("A/in"))])
    bench.add(bench.ready("a", Source.FOLDER, local="A"))
    (order,) = bench.begun()
    bench.placed(order, a=Placement.BLOCKED)
    assert bench.node.index.places.all_paths(ANNAS) == [b"A", b"A/in"]


# -- the trash here --------------------------------------------------------------------------------
def test_what_goes_is_remembered_and_what_was_not_in_the_trash_is_not(bench: Bench) -> None:
    bench.node.index.places.put(ANNAS, [place(record("a"))])
    former = bench.node.index.former
    bench.add(bench.ready("a", Source.NONE))
    bench.later()
    (going,) = bench.begun()
    bench.placed(going)
    assert former.kept(ANNAS, root_of("a"), 1) == ("d2", b"a")
    bench.add(bench.ready("a", Source.KEPT, local="a"))
    (coming,) = bench.begun()
    bench.placed(coming, a=Placement.SOURCE_GONE)
    assert former.kept(ANNAS, root_of("a"), 1) is None


def test_what_a_crash_kept_from_coming_may_be_in_the_trash_still(bench: Bench) -> None:
    former = bench.node.index.former
    bench.node.index.places.put(ANNAS, [place(record("a"))])
    former.note_kept(ANNAS, [(b"a", b"")], "d2")
    bench.node.index.places.remove(ANNAS, [b"a"])
    later, settle = crashed(bench.ready("a", Source.KEPT, local="a"), bench=bench)
    placed = tuple(_placed(item, {"a": Placement.SOURCE_GONE}) for item in settle.items)
    later.commits.on_settled(BatchSettled(settle.batch, placed))
    assert former.kept(ANNAS, root_of("a"), 1) == ("d2", b"a")
