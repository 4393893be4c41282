"""The contract of placing: what a Place and a Settle do, over the fake disk and over the real one.

Strategy: the cases say in full what must come back and what must stand where afterwards. Then
hundreds of random batches are placed on both disks side by side, and every field that is defined
must be equal, as must the trees, the trash and what was put aside.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from potluck.core.content.facts import Source, Stat
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from tests.contract.seams import Ids, Seam, plain, plain_seen, plain_stat
from tests.shells.files import OLD_NS, PIECE, content_of, data_of, item, path

OLD, NEW, MINE = data_of(3000, 1), data_of(4000, 2), data_of(3500, 3)
BIG = data_of(2 * PIECE + 77, 4)
FAR = {"local": path("bob/far")}
PLACED, REMOVED, BLOCKED, GONE = (
    Placement.PLACED,
    Placement.REMOVED,
    Placement.BLOCKED,
    Placement.SOURCE_GONE,
)


def run(seam: Seam, *items: PlaceItem) -> tuple[Placed, ...]:
    placed = seam.place(items).items
    assert [each.path for each in placed] == [each.path for each in items]
    return placed


def one(seam: Seam, wanted: PlaceItem) -> Placed:
    (placed,) = run(seam, wanted)
    return placed


def how(placed: tuple[Placed, ...]) -> list[Placement]:
    return [each.placement for each in placed]


def stat_of(seam: Seam, text: str) -> Stat:
    (seen,) = seam.look(text)
    assert seen.stat is not None
    return seen.stat


def expecting(seam: Seam, text: str, data: bytes) -> dict[str, Any]:
    return {"expected": stat_of(seam, text), "expected_root": content_of(data).root}


def standing(seam: Seam) -> dict[str, bytes | None]:
    """What stands below Shared/, without the labels."""
    return {text: data for text, data in seam.tree().items() if "/" in text}


def kept(seam: Seam) -> tuple[list[bytes], list[bytes]]:
    return sorted(seam.trash().elements()), sorted(seam.aside().elements())


# -- sources ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("data", [NEW, BIG], ids=["one piece", "many"])
def test_a_fetched_content_becomes_the_file(seam: Seam, data: bytes):
    content = seam.receive(data)
    placed = one(seam, item("ann/deep/er/a", Source.PART, data, executable=True))
    assert (placed.placement, placed.root, placed.put_aside) == (PLACED, content.root, "")
    assert plain_stat(placed.stat) == (len(data), OLD_NS, True)
    assert placed.stat == stat_of(seam, "ann/deep/er/a")
    assert standing(seam) == {"ann/deep": None, "ann/deep/er": None, "ann/deep/er/a": data}
    assert seam.parts() == set()


def test_two_spots_of_one_part(seam: Seam):
    seam.receive(NEW)
    placed = run(seam, *(item(f"ann/{n}", Source.PART, NEW) for n in range(3)))
    assert how(placed) == [PLACED] * 3
    assert len({each.stat.inode for each in placed if each.stat is not None}) == 3
    assert (standing(seam), seam.parts()) == ({f"ann/{n}": NEW for n in range(3)}, set())


def test_a_part_stays_until_its_last_spot_is_placed(seam: Seam):
    seam.receive(NEW)
    seam.write("ann/full/mine", MINE)
    placed = run(seam, item("ann/a", Source.PART, NEW), item("ann/full", Source.PART, NEW))
    assert (how(placed), seam.parts()) == ([PLACED, BLOCKED], {content_of(NEW).root})


def test_what_is_not_complete_is_no_source(seam: Seam):
    seam.receive(BIG, pieces=2)
    wanted = [item("ann/a", Source.PART, BIG), item("ann/b", Source.PART, NEW)]
    assert how(run(seam, *wanted, item("ann/c", Source.PART))) == [GONE] * 3
    assert seam.parts() == {content_of(BIG).root}
    assert standing(seam) == {}


def test_zeros_need_not_be_fetched(seam: Seam):
    zeros = bytes(2 * PIECE)
    assert one(seam, item("ann/zeros", Source.PART, zeros)).placement is PLACED
    assert (standing(seam), seam.parts()) == ({"ann/zeros": zeros}, set())


def test_an_empty_file(seam: Seam):
    placed = one(seam, item("ann/empty", Source.EMPTY, b"", executable=True))
    assert (placed.placement, placed.root) == (PLACED, EMPTY_ROOT)
    assert plain_stat(placed.stat) == (0, OLD_NS, True)


def test_a_copied_source_stays(seam: Seam):
    seam.write("bob/far", OLD)
    before = stat_of(seam, "bob/far")
    placed = one(seam, item("ann/a", Source.LOCAL, OLD, **FAR))
    assert placed.stat is not None
    assert placed.stat.inode != before.inode
    assert stat_of(seam, "bob/far") == before
    assert standing(seam) == {"ann/a": OLD, "bob/far": OLD}


def test_a_moved_source_is_the_same_file(seam: Seam):
    seam.write("bob/far", OLD)
    before = stat_of(seam, "bob/far")
    placed = run(
        seam,
        item("ann/a", Source.MOVED, OLD, **FAR),
        item("bob/far", Source.NONE, **expecting(seam, "bob/far", OLD)),
    )
    assert how(placed) == [PLACED, REMOVED]
    assert placed[0].stat is not None
    assert placed[0].stat.inode == before.inode
    assert plain_stat(placed[0].stat) == (len(OLD), OLD_NS, False)
    assert (standing(seam), kept(seam)) == ({"ann/a": OLD}, ([], []))


def test_a_source_moved_to_two_paths_is_copied_to_one(seam: Seam):
    seam.write("bob/far", OLD)
    wanted = [item(f"ann/{n}", Source.MOVED, OLD, **FAR) for n in range(2)]
    assert how(run(seam, *wanted)) == [PLACED, PLACED]
    assert standing(seam) == {"ann/0": OLD, "ann/1": OLD}


@pytest.mark.parametrize("source", [Source.LOCAL, Source.MOVED])
def test_a_local_source_that_is_not_what_was_promised(seam: Seam, source: Source):
    seam.write("bob/far", MINE)
    placed = run(
        seam,
        item("ann/1", source, OLD, **FAR),
        item("ann/2", source, OLD, local=path("bob/nothing")),
        item("ann/3", source, OLD, local=path("bob/far/below")),
        item("ann/4", source, OLD, local=path("bob")),
        item("ann/5", source, OLD),
        item("ann/6", source, None, **FAR),
    )
    assert how(placed) == [GONE] * 6
    assert standing(seam) == {"bob/far": MINE}


def test_two_files_that_change_places(seam: Seam):
    seam.write("ann/a", OLD)
    seam.write("ann/b", MINE)
    a, b = expecting(seam, "ann/a", OLD), expecting(seam, "ann/b", MINE)
    placed = run(
        seam,
        item("ann/a", Source.MOVED, MINE, local=path("ann/b"), **a),
        item("ann/b", Source.MOVED, OLD, local=path("ann/a"), **b),
    )
    assert how(placed) == [PLACED, PLACED]
    assert standing(seam) == {"ann/a": MINE, "ann/b": OLD}
    assert kept(seam) == (sorted([OLD, MINE]), [])


def test_a_chain_of_renames(seam: Seam):
    for name, data in (("a", OLD), ("b", MINE), ("c", NEW)):
        seam.write(f"ann/{name}", data)
    b, c = expecting(seam, "ann/b", MINE), expecting(seam, "ann/c", NEW)
    placed = run(
        seam,
        item("ann/b", Source.MOVED, OLD, local=path("ann/a"), **b),
        item("ann/c", Source.MOVED, MINE, local=path("ann/b"), **c),
        item("ann/d", Source.MOVED, NEW, local=path("ann/c")),
    )
    assert how(placed) == [PLACED] * 3
    assert standing(seam) == {"ann/b": OLD, "ann/c": MINE, "ann/d": NEW}


def test_only_time_and_bit_change_where_the_content_stands(seam: Seam):
    seam.write("ann/a", OLD)
    before = stat_of(seam, "ann/a")
    known = expecting(seam, "ann/a", OLD)
    wanted = item("ann/a", Source.LOCAL, OLD, local=path("ann/a"), executable=True, **known)
    placed = one(seam, wanted)
    assert placed.stat is not None
    assert plain_stat(placed.stat) == (len(OLD), OLD_NS, True)
    assert placed.stat.inode == before.inode
    assert one(seam, wanted).stat == placed.stat  # its Stat is another now, its hash is not
    seam.write("ann/a", MINE)
    assert one(seam, wanted).placement is GONE
    assert (standing(seam), kept(seam)) == ({"ann/a": MINE}, ([], []))


# -- what stood there ------------------------------------------------------------------------------
def test_what_was_expected_goes_to_the_trash(seam: Seam):
    seam.write("ann/a", OLD)
    seam.receive(NEW)
    placed = one(seam, item("ann/a", Source.PART, NEW, **expecting(seam, "ann/a", OLD)))
    assert (placed.placement, placed.put_aside) == (PLACED, "")
    assert (standing(seam), kept(seam)) == ({"ann/a": NEW}, ([OLD], []))


def test_an_expected_content_with_another_time_is_expected_too(seam: Seam):
    seam.write("ann/a", OLD)
    known = expecting(seam, "ann/a", OLD)
    seam.write("ann/a", OLD, mtime_ns=77)
    seam.receive(NEW)
    assert one(seam, item("ann/a", Source.PART, NEW, **known)).put_aside == ""
    assert kept(seam) == ([OLD], [])


@pytest.mark.parametrize("known", [True, False], ids=["edited", "unknown"])
def test_what_was_not_expected_is_put_aside(seam: Seam, known: bool):
    seam.write("ann/sub/a", OLD)
    expected = expecting(seam, "ann/sub/a", OLD) if known else {}
    seam.write("ann/sub/a", MINE)
    seam.receive(NEW)
    placed = one(seam, item("ann/sub/a", Source.PART, NEW, **expected))
    assert placed.placement is PLACED
    assert placed.put_aside.startswith("Put aside/ann/a")
    assert kept(seam) == ([], [MINE])
    assert standing(seam) == {"ann/sub": None, "ann/sub/a": NEW}


def test_the_new_content_that_stands_already_is_not_kept(seam: Seam):
    seam.write("ann/a", NEW)
    seam.receive(NEW)
    placed = one(seam, item("ann/a", Source.PART, NEW))
    assert (placed.placement, placed.put_aside, kept(seam)) == (PLACED, "", ([], []))
    assert plain_stat(placed.stat) == (len(NEW), OLD_NS, False)


def test_a_file_where_a_folder_must_be_is_put_aside(seam: Seam):
    seam.write("ann/sub", MINE)
    seam.receive(NEW)
    placed = one(seam, item("ann/sub/deep/a", Source.PART, NEW))
    assert placed.placement is PLACED
    assert placed.put_aside.startswith("Put aside/ann/sub")
    assert kept(seam) == ([], [MINE])
    assert standing(seam) == {"ann/sub": None, "ann/sub/deep": None, "ann/sub/deep/a": NEW}


def test_an_empty_folder_gives_way_and_a_full_one_blocks(seam: Seam):
    seam.mkdir("ann/empty")
    seam.write("ann/full/mine", MINE)
    seam.receive(NEW)
    seam.receive(OLD)
    placed = run(seam, item("ann/empty", Source.PART, NEW), item("ann/full", Source.PART, OLD))
    assert how(placed) == [PLACED, BLOCKED]
    assert standing(seam) == {"ann/empty": NEW, "ann/full": None, "ann/full/mine": MINE}
    assert seam.parts() == {content_of(OLD).root}


def test_a_folder_with_nothing_but_leftovers_goes_and_they_are_kept(seam: Seam):
    for folder in ("becomes", "goes"):
        seam.write(f"ann/{folder}/Thumbs.db", MINE)
        seam.write(f"ann/{folder}/note~", OLD)
    seam.receive(NEW)
    placed = run(seam, item("ann/becomes", Source.PART, NEW), item("ann/goes", Source.NONE))
    assert how(placed) == [PLACED, REMOVED]
    assert standing(seam) == {"ann/becomes": NEW}
    trashed, aside = kept(seam)
    assert (sorted(trashed), aside) == (sorted([MINE, MINE, OLD, OLD]), [])


def test_leftovers_beside_anything_else_stay_with_it(seam: Seam):
    seam.write("ann/full/Thumbs.db", OLD)
    seam.write("ann/full/mine", MINE)
    seam.mkdir("ann/nested/inner")
    seam.write("ann/nested/inner/.DS_Store", OLD)
    placed = run(seam, item("ann/full", Source.NONE), item("ann/nested", Source.NONE))
    assert how(placed) == [BLOCKED, BLOCKED]
    assert kept(seam) == ([], [])


# -- folders and removals --------------------------------------------------------------------------
def test_folders_before_files_and_files_before_folders(seam: Seam):
    seam.receive(NEW)
    seam.receive(OLD)
    placed = run(
        seam,
        item("ann/one", Source.FOLDER),
        item("ann/one/a", Source.PART, NEW),
        item("ann/two/b", Source.PART, OLD),
        item("ann/two", Source.FOLDER),
    )
    assert [(each.placement, each.root) for each in placed] == [
        (PLACED, None),
        (PLACED, content_of(NEW).root),
        (PLACED, content_of(OLD).root),
        (PLACED, None),
    ]
    assert placed[0].stat is None
    assert set(standing(seam)) == {"ann/one", "ann/one/a", "ann/two", "ann/two/b"}


def test_a_folder_in_the_place_of_a_file(seam: Seam):
    seam.write("ann/a", OLD)
    seam.write("ann/b", MINE)
    placed = run(
        seam,
        item("ann/a", Source.FOLDER, **expecting(seam, "ann/a", OLD)),
        item("ann/b", Source.FOLDER),
    )
    assert how(placed) == [PLACED, PLACED]
    assert (placed[0].put_aside, bool(placed[1].put_aside)) == ("", True)
    assert (standing(seam), kept(seam)) == ({"ann/a": None, "ann/b": None}, ([OLD], [MINE]))


def test_removals(seam: Seam):
    seam.write("ann/known", OLD)
    seam.write("ann/edited", OLD)
    edited = expecting(seam, "ann/edited", OLD)
    seam.write("ann/edited", MINE)
    seam.mkdir("ann/empty")
    seam.write("ann/full/mine", MINE)
    placed = run(
        seam,
        item("ann/known", Source.NONE, **expecting(seam, "ann/known", OLD)),
        item("ann/edited", Source.NONE, **edited),
        item("ann/missing", Source.NONE),
        item("nobody/at/all", Source.NONE),
        item("ann/full/mine/below", Source.NONE),
        item("ann/empty", Source.NONE),
        item("ann/full", Source.NONE),
    )
    assert how(placed) == [*[REMOVED] * 6, BLOCKED]
    assert [each.root for each in placed] == [None] * 7
    assert [bool(each.put_aside) for each in placed] == [False, True, *[False] * 5]
    assert standing(seam) == {"ann/full": None, "ann/full/mine": MINE}
    assert kept(seam) == ([OLD], [MINE])


def test_a_folder_goes_after_what_was_in_it(seam: Seam):
    seam.write("ann/sub/a", OLD)
    placed = run(
        seam,
        item("ann/sub/a", Source.NONE, **expecting(seam, "ann/sub/a", OLD)),
        item("ann/sub", Source.NONE),
    )
    assert (how(placed), standing(seam)) == ([REMOVED, REMOVED], {})


# -- settling --------------------------------------------------------------------------------------
def test_settling_says_what_stands(seam: Seam):
    seam.write("ann/new", NEW, mtime_ns=7)
    seam.write("ann/empty", b"")
    seam.mkdir("ann/folder")
    touched = item("ann/new", Source.LOCAL, NEW, local=path("ann/new"))
    cases = [
        (item("ann/new", Source.PART, NEW), PLACED, content_of(NEW).root),
        (item("ann/new", Source.PART, OLD), GONE, content_of(OLD).root),
        (item("ann/nothing", Source.PART, NEW), GONE, content_of(NEW).root),
        (item("ann/folder", Source.PART, NEW), GONE, content_of(NEW).root),
        (item("ann/empty", Source.EMPTY), PLACED, EMPTY_ROOT),
        (item("ann/empty", Source.EMPTY, b""), PLACED, EMPTY_ROOT),
        (item("ann/new", Source.EMPTY), GONE, EMPTY_ROOT),
        (item("ann/folder", Source.FOLDER), PLACED, None),
        (item("ann/new", Source.FOLDER), GONE, None),
        (item("ann/nothing", Source.NONE), REMOVED, None),
        (item("no/such/folder", Source.NONE), REMOVED, None),
        (item("ann/new/below", Source.NONE), REMOVED, None),
        (item("ann/new", Source.NONE), GONE, None),
        (item("ann/folder", Source.NONE), GONE, None),
        (touched, GONE, content_of(NEW).root),
        (replace(touched, mtime_ns=7), PLACED, content_of(NEW).root),
    ]
    settled = seam.settle(tuple(wanted for wanted, _, _ in cases)).items
    assert [(each.placement, each.root) for each in settled] == [case[1:] for case in cases]
    assert settled[0].stat == stat_of(seam, "ann/new")
    assert [each.stat for each in settled[7:15]] == [None] * 8


BEFORE = {
    f"ann/{name}": data_of(2000 + number, number)
    for number, name in enumerate(
        (
            "replaced",
            "edited",
            "removed",
            "unexpected",
            "moved",
            "touched",
            "was file",
            "in the way",
        )
    )
}
AFTER: dict[str, bytes | None] = {
    "ann/replaced": NEW, "ann/edited": MINE, "ann/new": None, "ann/new/er": BIG, "ann/again": BIG,
    "ann/moved here": BEFORE["ann/moved"], "ann/touched": BEFORE["ann/touched"],
    "ann/was file": None, "ann/in the way": None, "ann/in the way/below": OLD, "ann/empty": b"",
}  # fmt: skip


def everything(seam: Seam) -> tuple[PlaceItem, ...]:
    """A batch that does all there is to do, and what must be there for it."""
    for text, data in BEFORE.items():
        seam.write(text, data)
    seam.mkdir("ann/empty folder")
    known = {text: expecting(seam, text, data) for text, data in BEFORE.items()}
    touched = {"local": path("ann/touched"), **known["ann/touched"]}
    return (
        item("ann/was file", Source.FOLDER, **known["ann/was file"]),
        item("ann/replaced", Source.PART, NEW, **known["ann/replaced"]),
        item("ann/edited", Source.PART, MINE),
        item("ann/new/er", Source.PART, BIG),
        item("ann/again", Source.PART, BIG),
        item("ann/moved here", Source.MOVED, BEFORE["ann/moved"], local=path("ann/moved")),
        item("ann/touched", Source.LOCAL, BEFORE["ann/touched"], **touched),
        item("ann/in the way/below", Source.PART, OLD),
        item("ann/empty", Source.EMPTY),
        item("ann/removed", Source.NONE, **known["ann/removed"]),
        item("ann/unexpected", Source.NONE),
        item("ann/moved", Source.NONE, **known["ann/moved"]),
        item("ann/empty folder", Source.NONE),
    )


def fetch(seam: Seam) -> None:
    for data in (NEW, MINE, BIG, OLD, BEFORE["ann/moved"]):
        seam.receive(data)


def everywhere(seam: Seam) -> set[bytes | None]:
    return {*seam.tree().values(), *seam.trash(), *seam.aside()}


def plan_again(seam: Seam, items: tuple[PlaceItem, ...]) -> tuple[PlaceItem, ...]:
    """Do what the engine does with a batch that did not come to its end."""
    again, tree = [], seam.tree()
    for wanted, found in zip(items, seam.settle(items).items, strict=True):
        if found.placement is not GONE:
            continue
        text, source, expected = str(wanted.path), wanted.source, wanted.expected
        if source is Source.MOVED and str(wanted.local) not in tree:
            source = Source.PART
        if expected is not None and tree.get(text, b"") == BEFORE[text]:
            expected = stat_of(seam, text)
        again.append(replace(wanted, source=source, expected=expected))
    return tuple(again)


def check_settled(seam: Seam, items: tuple[PlaceItem, ...]) -> None:
    """What is settled as done must be done."""
    for wanted, found in zip(items, seam.settle(items).items, strict=True):
        text = str(wanted.path)
        if found.placement is PLACED:
            assert seam.tree()[text] == AFTER[text]
        elif found.placement is REMOVED:
            assert text not in seam.tree()


def test_after_a_crash_at_any_step_nothing_is_lost_and_placing_again_ends_it(fresh):
    crashed, steps = True, 0
    while crashed:
        seam = fresh()
        items = everything(seam)
        fetch(seam)
        crashed = seam.crash(items, steps)
        assert set(BEFORE.values()) <= everywhere(seam), steps
        check_settled(seam, items)
        again = plan_again(seam, items)
        fetch(seam)
        assert set(how(seam.place(again).items)) <= {PLACED, REMOVED}, steps
        assert standing(seam) == AFTER, steps
        assert set(BEFORE.values()) <= everywhere(seam), steps
        steps += 1
    assert steps > len(everything(fresh()))


# -- side by side ----------------------------------------------------------------------------------
PATHS = ["ann/a", "ann/b", "ann/c", "ann/d", "ann/d/x", "ann/d/y", "ann/e/f/g", "bob/a", "bob/d"]
CONTENTS = [data_of(1000 + 100 * n, n) for n in range(4)] + [BIG, bytes(PIECE + 5), b""]
SEEDS = 200


def furnish(chance: Random, both: tuple[Seam, Seam]) -> None:
    """Let the same things stand on both disks, and the same contents be here."""
    for text in PATHS:
        data, executable = chance.choice(CONTENTS), chance.random() < 0.3
        kind = chance.choice(["file", "file", "folder", ""])
        if any(seam.look(text.rpartition("/")[0])[0].finding.value == "file" for seam in both):
            continue
        for seam in both:
            if kind == "file":
                seam.write(text, data, executable=executable)
            elif kind == "folder":
                seam.mkdir(text)
    for data in CONTENTS[:-1]:
        pieces = chance.choice([None, None, 0])
        for seam in both if data.strip(b"\0") else ():
            if pieces is None or data is BIG:
                seam.receive(data, pieces)


def choose(chance: Random, both: tuple[Seam, Seam], text: str) -> tuple[PlaceItem, ...]:
    """Return one wish, as each of the two disks is told it: they differ in what was seen there."""
    source, data = chance.choice(list(Source)), chance.choice(CONTENTS)
    if source is Source.EMPTY:
        data = b""
    local = path(chance.choice([text, *PATHS]))
    known, right = chance.choice(["stat", "root", "both", "nothing"]), chance.random() < 0.8
    made = []
    for seam in both:
        wanted = item(text, source, data, executable=chance_of(text), local=local)
        seen = seam.look(text)[0]
        stands = seam.tree().get(text)
        if stands is not None and seen.stat is not None:
            stat = seen.stat if right else replace(seen.stat, ctime_ns=1)
            root = content_of(stands if right else b"else").root
            if known in {"stat", "both"}:
                wanted = replace(wanted, expected=stat)
            if known in {"root", "both"}:
                wanted = replace(wanted, expected_root=root)
        if source in {Source.FOLDER, Source.NONE}:
            wanted = replace(wanted, content=None, local=None)
        made.append(wanted)
    return tuple(made)


def chance_of(text: str) -> bool:
    return text.endswith(("a", "x"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_is_placed_both_disks_say_and_do_the_same(seed: int, both: tuple[Seam, Seam]):
    chance = Random(seed)
    furnish(chance, both)
    texts = chance.sample(PATHS, chance.randint(1, len(PATHS)))
    batches = list(zip(*(choose(chance, both, text) for text in texts), strict=True))
    ids = [Ids.of(seam, "ann", "bob") for seam in both]
    facts, settled = [], []
    for seam, items, before in zip(both, batches, ids, strict=True):
        settled.append([plain(each, before) for each in seam.settle(items).items])
        facts.append([plain(each, before) for each in seam.place(items).items])
        settled[-1] += [plain(each, before) for each in seam.settle(items).items]
    fake, real = both
    assert facts[0] == facts[1]
    assert settled[0] == settled[1]
    assert fake.tree() == real.tree()
    assert (fake.trash(), fake.aside()) == (real.trash(), real.aside())
    assert fake.parts() == real.parts()
    assert plain_seen(fake.scan("ann", "bob")) == plain_seen(real.scan("ann", "bob"))
