"""Disks of the world: stats, looks, hints, placing, crashes between any two steps, and lost
renames.

Strategy: effects asked for by hand on a stand-in's disk.
Limits: the real fsops have their own tests.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from potluck.core.content.facts import Source
from potluck.core.content.paths import SafePath
from potluck.engine import effects as do
from potluck.engine import events as told
from potluck.engine.effects import PlaceItem
from potluck.engine.events import BatchId, OrderId, Placement
from tests.fakes.disk import File, path_of, pieces_of
from tests.fakes.placing import settle
from tests.sim.disks import Disk
from tests.sim.invariants import Broken
from tests.sim.standins import running, world_of
from tests.sim.test_bulk import ASK, BIG, LIST, SERVE, answer, fetching
from tests.sim.world import World


# -- disks -----------------------------------------------------------------------------------------
def test_stats_change_as_on_a_real_file_system():
    world = world_of()
    disk = world.hosts[0].disk
    old, new = path_of("ada/old"), path_of("ada/new")
    disk.person("write", old, b"one")
    first = disk.files[old].stat
    disk.person("rename", old, new)
    moved = disk.files[new].stat
    assert (moved.inode, moved.mtime_ns) == (first.inode, first.mtime_ns)
    assert moved.ctime_ns > first.ctime_ns
    disk.person("append", new, b"!")
    assert disk.files[new].stat.mtime_ns > moved.mtime_ns
    disk.rot(new)
    assert disk.files[new].data == b"nne!"


def test_looks_and_scans_report_what_stands_there():
    world = world_of()
    process, engine = running(world, 0)
    for number in range(60):
        world.person(0, "write", path_of(f"ada/f/{number}"), b"x")
    world.perform(process, do.Look(OrderId(1), (path_of("ada/f/3"), path_of("ada/no"))))
    world.run_for(0.1)
    [seen] = engine.of(told.TreeSeen)
    assert [(str(each.path), each.finding.value) for each in seen.seen] == [
        ("ada/f/3", "file"),
        ("ada/no", "missing"),
    ]
    world.perform(process, do.Scan(OrderId(2), (path_of("ada"),)))
    world.run_for(0.1)
    assert not engine.of(told.ShareSeen)[-1].present
    world.perform(process, do.MarkShare(bytes(32), "ada", ""))
    world.perform(process, do.Scan(OrderId(3), (path_of("ada"),)))
    world.run_for(0.1)
    assert engine.of(told.ShareSeen)[-1].present
    pages = [page for page in engine.of(told.TreeSeen) if page.order == 3]
    assert len(pages) == 2
    assert [page.complete for page in pages] == [False, True]
    assert len([each for page in pages for each in page.seen]) == 62


def test_hashing_tells_what_held_still():
    world = world_of()
    process, engine = running(world, 0)
    still, moving = path_of("ada/still"), path_of("ada/moving")
    world.person(0, "write", still, BIG)
    world.person(0, "write", moving, b"1")
    world.perform(process, do.Hash(OrderId(1), ((still, 0), (moving, 0))))
    world.person(0, "write", moving, b"2")
    world.run_for(0.1)
    [hashed] = engine.of(told.FilesHashed)
    assert [each.pieces for each in hashed.files] == [LIST]
    assert (hashed.unstable, hashed.last) == ((moving,), True)


def test_a_watcher_hints_and_sometimes_only_says_that_it_missed_something():
    world = world_of()
    world.person(0, "write", path_of("ada/a"), b"1")
    world.run_for(0.1)
    assert running(world, 0)[1].of(told.PathsTouched)[-1] == told.PathsTouched(
        (path_of("ada/a"), path_of("ada")), overflow=False
    )
    world.hint_loss = 1.0
    world.person(0, "write", path_of("ada/a"), b"2")
    world.run_for(5.0)
    assert running(world, 0)[1].of(told.PathsTouched)[-1] == told.PathsTouched((), overflow=True)


def item(path: str, source: Source, data: bytes = b"", **more: object) -> PlaceItem:
    content = pieces_of(data) if source not in {Source.NONE, Source.FOLDER} else None
    plain = PlaceItem(
        path_of(path), source, content, None, 77, executable=True, expected=None, expected_root=None
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def owned(world: World, path: str, data: bytes | None) -> None:
    """Let bob have (or have had) something, so that the oracle accepts it elsewhere."""
    world.chronicle.stood(path_of(path), data)


def place(world: World, *items: PlaceItem) -> tuple[told.Placed, ...]:
    process, engine = running(world, 0)
    world.perform(process, do.Place(BatchId(world.new_number()), items, "me"))
    world.run_for(1.0)
    placed: tuple[told.Placed, ...] = engine.of(told.BatchPlaced)[-1].items
    return placed


def test_placing_publishes_with_time_and_bit_and_uses_the_part_up():
    world = fetching(ASK)
    answer(world, SERVE)
    [placed] = place(world, item("bob/big", Source.PART, BIG))
    disk = world.hosts[0].disk
    assert placed.placement is Placement.PLACED
    assert placed.stat == disk.files[path_of("bob/big")].stat
    assert (placed.stat.mtime_ns, placed.stat.executable) == (77, True)
    assert not disk.parts


def test_placing_trashes_what_was_expected_and_puts_aside_what_was_not():
    world = world_of()
    disk = world.hosts[0].disk
    path = path_of("bob/a")
    owned(world, "bob/a", b"")
    disk.write(path, b"old")
    place(world, item("bob/a", Source.EMPTY, expected=disk.files[path].stat))
    assert (disk.trash, disk.aside) == ([(path, b"old")], [])
    disk.write(path, b"an edit of mine")
    [placed] = place(world, item("bob/a", Source.EMPTY, expected_root=pieces_of(b"").root))
    assert placed.put_aside
    assert disk.aside == [(path, b"an edit of mine")]
    assert disk.files[path].data == b""


def test_placing_folders_copies_moves_and_removals():
    world = world_of()
    disk = world.hosts[0].disk
    for path in ("bob/f/copy", "bob/f/moved", "bob/f/moved too"):
        owned(world, path, b"data")
    disk.write(path_of("bob/src"), b"data")
    local = {"local": path_of("bob/src")}
    world.chronicle.gone.add(path_of("bob/x"))
    disk.write(path_of("bob/x"), b"")
    results = place(
        world,
        item("bob/f", Source.FOLDER),
        item("bob/f/copy", Source.LOCAL, b"data", **local),
        item("bob/f/moved", Source.MOVED, b"data", **local),
        item("bob/f/moved too", Source.MOVED, b"data", **local),
        item("bob/x", Source.NONE, expected_root=pieces_of(b"").root),
        item("bob/f", Source.NONE),
    )
    kinds = [result.placement for result in results]
    assert kinds == [
        Placement.PLACED,
        Placement.PLACED,
        Placement.PLACED,
        Placement.PLACED,
        Placement.REMOVED,
        Placement.BLOCKED,
    ]
    assert {str(path) for path in disk.files} == {"bob/f/copy", "bob/f/moved", "bob/f/moved too"}


def test_the_oracle_sees_fabricated_contents_and_removals_nobody_asked_for():
    world = world_of()
    with pytest.raises(Broken, match="never had"):
        place(world, item("bob/a", Source.EMPTY))
    world = world_of()
    world.hosts[0].disk.write(path_of("bob/a"), b"")
    with pytest.raises(Broken, match="always had"):
        place(world, item("bob/a", Source.NONE, expected_root=pieces_of(b"").root))
    world = world_of()
    world.person(0, "write", path_of("ada/a"), b"")
    with pytest.raises(Broken, match="its own file"):
        place(world, item("ada/a", Source.NONE, expected_root=pieces_of(b"").root))


@pytest.mark.parametrize("steps", range(7))
def test_a_place_can_be_killed_between_any_two_steps_and_settled(steps: int):
    world = world_of()
    disk: Disk = world.hosts[0].disk
    items = tuple(item(f"bob/{name}", Source.EMPTY) for name in "abc")
    for each in items:
        owned(world, str(each.path), b"")
    world.faults.crash_in_place(0, steps)
    world.perform(running(world, 0)[0], do.Place(BatchId(1), items, "me"))
    world.run_for(1.0)
    assert not world.hosts[0].running
    done = [result.placement is Placement.PLACED for result in settle(disk, items)]
    assert done == [each.path in disk.files for each in items]
    assert sum(done) == min(3, max(0, steps - 1))  # two steps make them ready
    world.start(0)
    world.perform(running(world, 0)[0], do.Settle(BatchId(1), items))
    world.run_for(0.1)
    assert running(world, 0)[1].of(told.BatchSettled)[0].items == settle(disk, items)


def _three(files: dict[SafePath, File]) -> bool:
    return len(files) == 3


def test_a_power_cut_takes_back_only_the_latest_renames():
    left = set()
    for seed in range(30):
        world = world_of(seed=seed)
        items = tuple(item(f"bob/{name}", Source.EMPTY) for name in "abc")
        for each in items:
            owned(world, str(each.path), b"")
        world.perform(running(world, 0)[0], do.Place(BatchId(1), items, "me"))
        files = world.hosts[0].disk.files
        world.run_until(partial(_three, files), 1.0, every=0.0)
        world.faults.power_cut(0)
        left.add("".join(sorted(path.name for path in world.hosts[0].disk.files)))
    assert left == {"", "a", "ab", "abc"}
