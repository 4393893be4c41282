"""The disk pool: real files, batches and part files that are played, and disks that fail.

Strategy: events are collected as they are posted and waited for with a deadline. What must not wait
for each other is proved by holding one of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from potluck.core import limits
from potluck.core.content.facts import Finding, Source
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT, PieceList, Root
from potluck.core.content.stamps import packed
from potluck.core.errors import DiskTrouble
from potluck.engine.effects import (
    DropFolder,
    DropParts,
    Hash,
    Import,
    Look,
    MakeFolders,
    MarkShare,
    MoveFolder,
    Place,
    PlaceItem,
    PruneTrash,
    Scan,
    Settle,
    Tell,
)
from potluck.engine.events import (
    BatchId,
    BatchPlaced,
    BatchSettled,
    DiskSilent,
    Event,
    FilesHashed,
    FolderMoved,
    Imported,
    Mount,
    MountsSeen,
    OrderId,
    PartFound,
    PartsFound,
    Placement,
    ShareSeen,
    SpaceSeen,
    TopSeen,
    TreeSeen,
    UnwrittenMarker,
)
from potluck.engine.own.restored import RESTORE
from potluck.shells.disk import hashing
from potluck.shells.disk import pool as module
from potluck.shells.disk.disk_effects import DiskEffect
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.hashing import hash_files
from potluck.shells.disk.marker import Marker, ShareMarker, Whose
from potluck.shells.disk.pool import DiskPool
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.stamping import FolderStamps
from potluck.shells.loop.workers import Workers
from tests.shells.peers import occupied, until

DEADLINE_S = 10.0
GROUP, DEVICE, SHARE = b"g" * 32, b"d" * 32, b"s" * 16
ORDER, BATCH = OrderId(5), BatchId(6)
ME = parse_wire_path(b"me")
CONTENT = PieceList(EMPTY_ROOT, 0, limits.PIECE_MIN_BYTES, b"")
ITEM = PlaceItem(
    ME.child("file"),
    Source.EMPTY,
    CONTENT,
    None,
    0,
    executable=False,
    expected=None,
    expected_root=None,
)
FOLDER_ITEM = PlaceItem(
    ME.child("folder"),
    Source.FOLDER,
    None,
    None,
    0,
    executable=False,
    expected=None,
    expected_root=None,
)
FULL = OSError(28, "No space left on device")
T = TypeVar("T")


class Posted:
    """The events that were posted, and what was reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reports: list[tuple[str, str]] = []
        self._changed = threading.Condition()

    def post(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def told(self, tell: Tell) -> None:
        with self._changed:
            self.reports.append((tell.code, tell.text))
            self._changed.notify_all()

    def wait_until(self, met: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(met, DEADLINE_S), f"not in {DEADLINE_S} s: {self.events}"

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def wait_for(self, kind: type[T], *, last: bool = False) -> T:
        self.wait_until(
            lambda: any(not last or getattr(event, "last", False) for event in self.of(kind))
        )
        return self.of(kind)[-1]


class PlayedBatches(Batches):
    """Places nothing, and says so; may be held or broken."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.began, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def _act(self) -> None:
        self.began.set()
        assert self.go_on.wait(DEADLINE_S)
        if self.error is not None:
            raise self.error

    def place(self, order: Place) -> BatchPlaced:
        self._act()
        return BatchPlaced(order.batch, ())

    def settle(self, order: Settle) -> BatchSettled:
        self._act()
        return BatchSettled(order.batch, ())


class PlayedPartFiles(PartFiles):
    """Part files that are a list."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.dropped = threading.Event()

    def found(self) -> tuple[PartFound, ...]:
        if self.error is not None:
            raise self.error
        return (PartFound(CONTENT, b""),)

    def drop(self, roots: Iterable[Root]) -> None:
        if self.error is not None:
            raise self.error
        assert list(roots) == [EMPTY_ROOT]
        self.dropped.set()


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "pot")) as opened:
        (tmp_path / "pot/Shared/me").mkdir()
        ShareMarker(opened, Whose(DEVICE, SHARE)).write(GROUP)
        yield opened


@pytest.fixture
def own(share: Share) -> Path:
    return Path(share.folder) / "Shared/me"


@pytest.fixture
def batches() -> PlayedBatches:
    return PlayedBatches()


@pytest.fixture
def part_files() -> PlayedPartFiles:
    return PlayedPartFiles()


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def pool(
    share: Share, batches: PlayedBatches, part_files: PlayedPartFiles, posted: Posted
) -> Iterator[DiskPool]:
    here = cast("Any", posted)  # the loop's inbox, and the people
    made = DiskPool(share, batches, part_files, here, Whose(DEVICE, SHARE), here)
    yield made
    batches.go_on.set()
    assert made.close(DEADLINE_S)


def hash_of(*names: str) -> Hash:
    return Hash(ORDER, tuple((ME.child(name), 0) for name in names))


# -- every effect ends in its event ----------------------------------------------------------------
def test_a_look_ends_in_tree_seen(pool: DiskPool, own: Path, posted: Posted) -> None:
    (own / "file").touch()
    pool.submit(Look(ORDER, (ME.child("file"),)))
    tree = posted.wait_for(TreeSeen, last=True)
    assert [(str(seen.path), seen.finding) for seen in tree.seen] == [("me/file", Finding.FILE)]
    assert tree.complete


def test_a_scan_ends_in_share_seen_and_tree_seen(pool: DiskPool, own: Path, posted: Posted) -> None:
    (own / "file").touch()
    pool.submit(Scan(ORDER, (ME,)))
    tree = posted.wait_for(TreeSeen, last=True)
    assert posted.events == [ShareSeen(present=True, reason=""), tree]
    assert len(tree.seen) == 2


def test_a_scan_of_the_own_folder_stamps_it_now_and_then(
    pool: DiskPool, share: Share, posted: Posted
) -> None:
    stamps = FolderStamps(share, None)
    pool.stamps = stamps
    for number in range(3):
        if number == 2:
            Path(share.folder, ".potluck", "marker").unlink()
        posted.events.clear()
        pool.submit(Scan(ORDER, (ME,)))
        posted.wait_for(TreeSeen, last=True)
        (seen,) = (event for event in posted.events if isinstance(event, ShareSeen))
        assert stamps.known is not None
        assert seen.stamp == (b"" if number else packed(stamps.known))


def test_a_scan_of_somebody_elses_folder_says_nothing_of_the_share(
    pool: DiskPool, own: Path, posted: Posted
) -> None:
    (own.parent / "guest").mkdir()
    (own.parent / "guest" / "file").touch()
    pool.submit(Scan(ORDER, (parse_wire_path(b"guest"),), own=False))
    tree = posted.wait_for(TreeSeen, last=True)
    assert posted.events == [tree]
    assert [str(seen.path) for seen in tree.seen] == ["guest", "guest/file"]


def test_without_the_marker_nothing_of_somebody_elses_is_missing(
    pool: DiskPool, share: Share, posted: Posted
) -> None:
    (Path(share.folder) / ".potluck" / "marker").unlink()
    pool.submit(Scan(ORDER, (parse_wire_path(b"guest"),), own=False))
    assert posted.wait_for(TreeSeen) == TreeSeen(ORDER, (), (), last=True, complete=False)
    assert len(posted.events) == 1


def test_a_hash_ends_in_files_hashed(pool: DiskPool, own: Path, posted: Posted) -> None:
    (own / "file").touch()
    pool.submit(hash_of("file", "gone"))
    hashed = posted.wait_for(FilesHashed, last=True)
    assert [one.pieces.root for one in hashed.files] == [EMPTY_ROOT]
    assert hashed.unstable == (ME.child("gone"),)


def test_what_is_read_slowly_afresh_is_in_nobodys_way(
    pool: DiskPool, own: Path, posted: Posted
) -> None:
    (own / "slow").write_bytes(b"xy")
    (own / "file").touch()
    pool.submit(replace(hash_of("slow"), order=OrderId(2), afresh=True, bytes_s=1))
    pool.submit(hash_of("file"))
    assert [one.path.name for one in posted.wait_for(FilesHashed, last=True).files] == ["file"]
    slow = hashed_by(posted, OrderId(2))
    assert [one.path.name for one in slow.files] == ["slow"]


def hashed_by(posted: Posted, order: OrderId) -> FilesHashed:
    """What came of that order, as soon as it has."""
    deadline_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline_s:
        for event in list(posted.events):
            if isinstance(event, FilesHashed) and event.order == order:
                return event
        time.sleep(0.01)
    raise AssertionError(posted.events)


def test_a_place_and_a_settle_end_in_theirs(pool: DiskPool, posted: Posted) -> None:
    pool.submit(Place(BATCH, (ITEM,), "me"))
    pool.submit(Settle(BATCH, (ITEM,)))
    posted.wait_for(BatchSettled)
    assert posted.events == [BatchPlaced(BATCH, ()), BatchSettled(BATCH, ())]


def test_what_a_crash_left_is_not_looked_for_in_another_folder(
    pool: DiskPool, share: Share, posted: Posted
) -> None:
    (Path(share.folder) / ".potluck" / "marker").unlink()
    pool.submit(Settle(BATCH, (ITEM,)))
    posted.wait_for(BatchSettled)
    missing = ShareSeen(present=False, reason="missing")
    assert posted.events == [missing, BatchSettled(BATCH, (), looked=False)]


def test_parts_are_dropped_and_found(
    pool: DiskPool, part_files: PlayedPartFiles, posted: Posted
) -> None:
    pool.submit(DropParts((EMPTY_ROOT,)))
    assert part_files.dropped.wait(DEADLINE_S)
    pool.find_parts()
    assert posted.wait_for(PartsFound) == PartsFound((PartFound(CONTENT, b""),))


def test_marking_writes_the_marker_and_makes_the_own_folder(
    pool: DiskPool, share: Share, own: Path, posted: Posted
) -> None:
    own.rmdir()
    pool.submit(MarkShare(b"n" * 32, "me", former=""))
    assert posted.wait_for(ShareSeen) == ShareSeen(present=True, reason="", label="me")
    found = ShareMarker(share, Whose(DEVICE, SHARE)).read()
    assert found == Marker(b"n" * 32, DEVICE, SHARE)
    assert own.is_dir()


def test_a_new_label_takes_the_own_folder_along(pool: DiskPool, own: Path, posted: Posted) -> None:
    (own / "file").write_bytes(b"mine")
    pool.submit(MarkShare(GROUP, "me-2", former="me"))
    assert posted.wait_for(ShareSeen).present
    assert (own.parent / "me-2/file").read_bytes() == b"mine"
    assert not own.exists()


@pytest.mark.parametrize("former", ["nobody", "a file", "a link"])
def test_a_new_label_without_a_former_folder_renames_nothing(
    pool: DiskPool, own: Path, posted: Posted, former: str
) -> None:
    (own.parent / "a file").touch()
    (own.parent / "a link").symlink_to("me")
    (own / "file").write_bytes(b"mine")
    pool.submit(MarkShare(GROUP, "me-2", former=former))
    assert posted.wait_for(ShareSeen).present
    assert list((own.parent / "me-2").iterdir()) == []
    assert (own / "file").read_bytes() == b"mine"
    assert (own.parent / "a link").is_symlink()


def test_the_folder_of_another_device_gets_another_name(
    pool: DiskPool, share: Share, own: Path, posted: Posted
) -> None:
    ShareMarker(share, Whose(DEVICE, SHARE)).write(GROUP)
    (own.parent / "ann").mkdir()
    (own.parent / "ann/file").write_bytes(b"hers")
    pool.submit(MoveFolder(ORDER, "ann", "anne"))
    assert posted.wait_for(FolderMoved) == FolderMoved(ORDER, "")
    assert (own.parent / "anne/file").read_bytes() == b"hers"


def test_an_empty_folder_of_nobody_goes_and_what_stands_there_is_told(
    pool: DiskPool, share: Share, own: Path, posted: Posted
) -> None:
    ShareMarker(share, Whose(DEVICE, SHARE)).write(GROUP)
    (own.parent / "ann").mkdir()
    pool.submit(DropFolder("ann"))
    assert "ann" not in {entry.name for entry in posted.wait_for(TopSeen).entries}
    assert not (own.parent / "ann").exists()


def test_an_import_ends_in_imported(
    pool: DiskPool, own: Path, tmp_path: Path, posted: Posted
) -> None:
    (tmp_path / "letter").write_bytes(b"hello")
    pool.submit(Import(ORDER, (str(tmp_path / "letter"),), "copy", ME))
    assert posted.wait_for(Imported).added
    assert (own / "letter").read_bytes() == b"hello"


def test_a_version_is_restored_without_the_rights_of_an_import(
    pool: DiskPool, own: Path, share: Share, posted: Posted
) -> None:
    imports = Workers("imports", 1)
    pool.import_on(imports)
    assert imports.close(5.0)  # whatever is given to them is not done
    kept = Path(share.folder, ".potluck", "trash", "day-000000-deleted", "me", "letter")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"hello")
    pool.submit(Import(ORDER, ("me/letter",), RESTORE, ME))
    assert posted.wait_for(Imported).added == ("letter",)
    assert (own / "letter").read_bytes() == b"hello"


def test_pruning_the_trash_ends_in_how_full_the_disk_is(
    pool: DiskPool, own: Path, posted: Posted
) -> None:
    pool.submit(PruneTrash())
    assert posted.wait_for(SpaceSeen).trash_bytes == 0


def test_space_is_seen(pool: DiskPool, posted: Posted) -> None:
    pool.see_space()
    assert posted.wait_for(SpaceSeen).total_bytes > 0


def test_owner_folders_are_made(pool: DiskPool, own: Path, posted: Posted) -> None:
    pool.submit(MakeFolders(("me", "ann")))
    pool.see_space()  # behind it
    posted.wait_for(SpaceSeen)
    assert sorted(path.name for path in own.parent.iterdir()) == ["ann", "me"]


def test_whoever_asked_is_answered_whatever_goes_wrong(
    pool: DiskPool, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("no such thing")

    monkeypatch.setattr("potluck.shells.disk.pool.look_at", broken)
    pool.submit(Look(ORDER, (ME.child("a"),)))
    tree = posted.wait_for(TreeSeen, last=True)
    assert not tree.complete
    ((code, text),) = posted.reports
    assert (code, "a fault of potluck (LookupError)" in text) == ("disk_trouble", True)
    pool.see_space()
    posted.wait_for(SpaceSeen)  # the lane goes on


# -- a share that is not there ---------------------------------------------------------------------
def test_that_the_share_went_or_came_is_told_once(
    pool: DiskPool, share: Share, posted: Posted
) -> None:
    folder = Path(share.folder)
    away = folder.with_name("away")
    for step in (str, folder.rename, lambda _: None, lambda _: away.rename(folder), str):
        step(away)
        pool.see_share()
        pool.see_space()  # behind it
        posted.wait_for(SpaceSeen)
        posted.events[:] = [event for event in posted.events if not isinstance(event, SpaceSeen)]
    gone, back = posted.events
    assert (gone, back) == (
        ShareSeen(present=False, reason="gone"),
        ShareSeen(present=True, reason=""),
    )


def test_what_is_mounted_is_told_before_what_was_seen_with_it(
    pool: DiskPool, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = MountsSeen((Mount(ME.child("d"), 1),))
    monkeypatch.setattr(pool._mounts, "tell", lambda: posted.post(mounted))
    pool.submit(Look(ORDER, (ME,)))
    posted.wait_for(TreeSeen)
    assert [type(event) for event in posted.events] == [MountsSeen, TreeSeen]
    pool.see_share()
    until(lambda: posted.events[2:] == [mounted])


def test_that_a_new_share_has_no_marker_yet_is_no_news(
    pool: DiskPool, share: Share, posted: Posted
) -> None:
    (Path(share.folder) / ".potluck/marker").unlink()
    for _ in range(2):
        pool.see_share()
    pool.see_space()
    posted.wait_for(SpaceSeen)
    assert not any(isinstance(event, ShareSeen) for event in posted.events)


def test_while_the_disk_hangs_looks_at_the_share_do_not_pile_up(
    pool: DiskPool, posted: Posted
) -> None:
    with occupied(pool._prompt):
        for _ in range(100):
            pool.see_share()
            pool.see_space()
        assert len(pool._prompt._jobs) == 2
    posted.wait_for(SpaceSeen)
    pool.see_space()
    until(lambda: sum(isinstance(event, SpaceSeen) for event in posted.events) == 2)


def test_what_does_not_answer_is_told_with_what_it_was_asked_about(
    pool: DiskPool, batches: PlayedBatches, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("potluck.shells.disk.unanswered.SILENT_S", 0.0)
    batches.go_on.clear()
    pool.submit(Place(BatchId(1), (ITEM,), "d1"))
    assert batches.began.wait(DEADLINE_S)

    def told() -> bool:
        pool.see_share()
        return any(one.asked == (ITEM.path,) for one in posted.of(DiskSilent))

    until(told)
    batches.go_on.set()
    posted.wait_for(BatchPlaced)

    def over() -> bool:
        pool.see_share()
        return posted.of(DiskSilent)[-1] == DiskSilent((), 0.0)

    until(over)


@pytest.mark.parametrize("mounted", ["me/disk", "me", "me/disk/deep"])
def test_what_is_looked_at_where_another_disk_is_mounted_holds_up_nothing_else(
    pool: DiskPool, posted: Posted, mounted: str
) -> None:
    there, elsewhere = parse_wire_path(b"me/disk"), parse_wire_path(b"me/other")
    mount = Mount(parse_wire_path(mounted.encode()), 1)
    pool._mounts._table.mounts = (mount,)
    with occupied(pool._mounted):
        pool.submit(Look(OrderId(1), (there,)))
        pool.submit(Hash(OrderId(2), ((there, 0),)))
        assert len(pool._mounted._jobs) == 2
        if mounted != "me":
            pool.submit(Look(OrderId(3), (elsewhere,)))
            posted.wait_until(lambda: [one.order for one in posted.of(TreeSeen)] == [OrderId(3)])
    posted.wait_until(lambda: OrderId(1) in [one.order for one in posted.of(TreeSeen)])
    posted.wait_for(FilesHashed)


def test_want_of_descriptors_is_no_news_of_the_share(
    pool: DiskPool, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [ShareSeen(present=True, reason=""), None, ShareSeen(present=True, reason="")]
    monkeypatch.setattr(pool._marker, "glance", iter(seen).__next__)
    for _ in seen:
        pool.see_share()
        until(lambda: not pool._glances)
    pool.see_space()  # behind them
    posted.wait_for(SpaceSeen)
    assert not any(isinstance(event, ShareSeen) for event in posted.events)


def test_a_scan_of_another_share_finds_nothing_missing(
    pool: DiskPool, share: Share, posted: Posted
) -> None:
    ShareMarker(share, Whose(DEVICE, b"x" * 16)).write(GROUP)
    pool.submit(Scan(ORDER, (ME, ME.child("no"))))
    tree = posted.wait_for(TreeSeen, last=True)
    assert posted.events == [ShareSeen(present=False, reason="another share"), tree]
    assert tree == TreeSeen(ORDER, (), (), last=True, complete=False)


def test_a_look_that_misses_something_checks_the_share_first(
    pool: DiskPool, share: Share, posted: Posted
) -> None:
    (Path(share.folder) / ".potluck/marker").unlink()
    pool.submit(Look(ORDER, (ME.child("gone"),)))
    tree = posted.wait_for(TreeSeen, last=True)
    assert posted.events == [ShareSeen(present=False, reason="missing"), tree]
    assert tree == TreeSeen(ORDER, (), (), last=True, complete=False)


@pytest.mark.parametrize("own", [True, False])
def test_a_look_behind_a_link_that_took_the_place_of_the_own_folder_misses_nothing(
    pool: DiskPool, share: Share, posted: Posted, *, own: bool
) -> None:
    elsewhere = Path(share.folder + ".elsewhere")
    elsewhere.mkdir()
    top = Path(share.folder) / "Shared/me"
    if top.exists():
        top.rmdir()
    top.symlink_to(elsewhere)
    pool.submit(Look(ORDER, (ME.child("gone"),), own=own))
    tree = posted.wait_for(TreeSeen, last=True)
    assert bool(tree.seen) is not own, "of somebody else's folder that is a delete"
    assert [seen.present for seen in posted.of(ShareSeen)] == ([False] if own else [])


def test_a_look_in_a_share_that_is_there_tells_what_is_missing(
    pool: DiskPool, posted: Posted
) -> None:
    pool.submit(
        Look(ORDER, tuple(ME.child(f"{number}") for number in range(limits.PAGE_RECORDS + 1)))
    )
    posted.wait_for(TreeSeen, last=True)
    assert sum(len(tree.seen) for tree in posted.of(TreeSeen)) == limits.PAGE_RECORDS + 1
    assert posted.of(ShareSeen) == []


# -- lanes -----------------------------------------------------------------------------------------
def test_a_big_hash_delays_nobody(
    pool: DiskPool, own: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROMPT_BYTES", 10)
    (own / "big").write_bytes(b"x" * 11)
    (own / "small").write_bytes(b"x")
    held = threading.Event()
    real = hash_files

    def hash_held(share: Share, effect: Hash, *how: object) -> Iterator[FilesHashed]:
        if any(path.name == "big" for path, _ in effect.files):
            assert held.wait(DEADLINE_S)
        return real(share, effect, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "hash_files", hash_held)
    pool.submit(hash_of("big", "small"))
    pool.submit(Look(ORDER, (ME,)))
    pool.submit(Place(BATCH, (), "me"))
    posted.wait_for(BatchPlaced)
    posted.wait_for(TreeSeen, last=True)
    (first,) = posted.of(FilesHashed)
    assert [one.path.name for one in first.files] == ["small"]
    assert not first.last
    pool.submit(Scan(ORDER, (ME,)))  # the other patient thread
    posted.wait_for(ShareSeen)
    held.set()
    last = posted.wait_for(FilesHashed, last=True)
    assert [one.path.name for one in last.files] == ["big"]


def test_a_hash_of_big_files_only_has_no_empty_part(
    pool: DiskPool, own: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROMPT_BYTES", 10)
    (own / "big").write_bytes(b"x" * 11)
    pool.submit(hash_of("big"))
    posted.wait_for(FilesHashed, last=True)
    assert len(posted.of(FilesHashed)) == 1


def test_a_hash_of_many_files_goes_on_patiently(
    pool: DiskPool, own: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROMPT_FILES", 3)
    names = [f"{number}" for number in range(10)]
    for name in names:
        (own / name).touch()
    pool.submit(hash_of(*names))
    posted.wait_for(FilesHashed, last=True)
    assert [len(event.files) for event in posted.of(FilesHashed)] == [3, 7]
    assert [event.last for event in posted.of(FilesHashed)] == [False, True]


def test_what_cannot_be_measured_is_left_to_hashing(
    pool: DiskPool, own: Path, posted: Posted
) -> None:
    (own / "link").symlink_to("nowhere")
    (own / "folder").mkdir()
    pool.submit(hash_of("link", "folder"))
    assert len(posted.wait_for(FilesHashed, last=True).unstable) == 2


# -- disks that fail -------------------------------------------------------------------------------
def test_a_place_that_fails_is_told_item_by_item(
    pool: DiskPool, batches: PlayedBatches, posted: Posted
) -> None:
    batches.error = FULL
    pool.submit(Place(BATCH, (ITEM, FOLDER_ITEM), "me"))
    pool.submit(Settle(BATCH, (ITEM,)))
    settled = posted.wait_for(BatchSettled)
    (placed,) = posted.of(BatchPlaced)
    for event, count in ((placed, 2), (settled, 1)):
        assert event.batch == BATCH
        assert len(event.items) == count
        assert {item.placement for item in event.items} == {Placement.FAILED}
        assert {item.detail for item in event.items} == {"disk full"}
    assert [item.root for item in placed.items] == [EMPTY_ROOT, None]
    assert posted.reports == [("disk_trouble", "the disk did not do what was asked: disk full")] * 2


def test_a_disk_without_inodes_says_so(
    pool: DiskPool, batches: PlayedBatches, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("potluck.shells.disk.fsops.lacks_inodes", lambda _descriptor: True)
    batches.error = FULL
    pool.submit(Place(BATCH, (ITEM,), "me"))
    assert posted.wait_for(BatchPlaced).items[0].detail == "no inodes left"


def test_trouble_in_three_parts_is_told_in_one_line(
    pool: DiskPool, batches: PlayedBatches, posted: Posted
) -> None:
    batches.error = DiskTrouble("the disk failed", "it is old", "buy another")
    pool.submit(Place(BATCH, (ITEM,), "me"))
    assert posted.wait_for(BatchPlaced).items[0].detail == "the disk failed: it is old"


def unwritten(label: str, why: str) -> ShareSeen:
    order = UnwrittenMarker(GROUP, label, "", why)
    return ShareSeen(present=False, reason=f"not written: {why}", unwritten=order)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (Look(ORDER, (ME,)), TreeSeen(ORDER, (), (), last=True, complete=False)),
        (Scan(ORDER, (ME,)), TreeSeen(ORDER, (), (), last=True, complete=False)),
        (hash_of("a", "b"), FilesHashed(ORDER, (), (ME.child("a"), ME.child("b")), last=True)),
        (MarkShare(GROUP, "me", former=""), unwritten("me", "input/output error")),
        (MarkShare(GROUP, "../me", former=""), unwritten("../me", "dot component")),
        (Import(ORDER, ("/a",), "copy", ME), Imported(ORDER, (), (("/a", "input/output error"),))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_fails_ends_in_what_is_true(
    pool: DiskPool,
    share: Share,
    posted: Posted,
    monkeypatch: pytest.MonkeyPatch,
    effect: DiskEffect,
    expected: Event,
) -> None:
    def failing(*_args: object) -> None:
        raise OSError(5, "Input/output error")

    for name in ("look_at", "scan", "hash_files", "import_paths"):
        monkeypatch.setattr(module, name, failing)
    monkeypatch.setattr(ShareMarker, "write", failing)
    pool.submit(effect)
    posted.wait_until(lambda: expected in posted.events)
    assert [code for code, _ in posted.reports] == ["disk_trouble"]


def test_parts_that_cannot_be_dropped_or_found_are_told(
    pool: DiskPool, part_files: PlayedPartFiles, posted: Posted
) -> None:
    part_files.error = OSError(5, "Input/output error")
    pool.submit(DropParts((EMPTY_ROOT,)))
    posted.wait_until(lambda: len(posted.reports) == 1)
    pool.find_parts()
    assert posted.wait_for(PartsFound) == PartsFound(())
    assert len(posted.reports) == 2


def test_a_failure_ends_no_thread(pool: DiskPool, batches: PlayedBatches, posted: Posted) -> None:
    batches.error = FULL
    pool.submit(Place(BATCH, (ITEM,), "me"))
    posted.wait_for(BatchPlaced)
    batches.error = None
    pool.submit(Place(BatchId(7), (), "me"))
    posted.wait_until(lambda: BatchPlaced(BatchId(7), ()) in posted.events)


# -- the end ---------------------------------------------------------------------------------------
def test_close_ends_the_running_batch_and_drops_the_rest(
    pool: DiskPool, batches: PlayedBatches, posted: Posted
) -> None:
    batches.go_on.clear()
    pool.submit(Place(BATCH, (), "me"))
    pool.submit(Place(BatchId(7), (), "me"))
    assert batches.began.wait(DEADLINE_S)
    assert not pool.close(0.05)
    batches.go_on.set()
    assert pool.close(DEADLINE_S)
    assert posted.events == [BatchPlaced(BATCH, ())]
    pool.submit(Place(BatchId(8), (), "me"))
    assert posted.events == [BatchPlaced(BATCH, ())]
    assert repr(pool).startswith("<DiskPool stopping: ")


def test_close_ends_a_hash_between_two_pieces(
    pool: DiskPool, own: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "big").write_bytes(b"x" * 3 * limits.PIECE_MIN_BYTES)
    monkeypatch.setattr(module, "PROMPT_BYTES", 10)
    started, go_on = threading.Event(), threading.Event()
    read: list[int] = []
    real = hashing.read_exactly

    def slow(descriptor: int, view: memoryview, offset: int) -> bool:
        read.append(offset)
        started.set()
        assert go_on.wait(DEADLINE_S)
        return real(descriptor, view, offset)

    monkeypatch.setattr("potluck.shells.disk.hashing.read_exactly", slow)
    pool.submit(hash_of("big"))
    assert started.wait(DEADLINE_S)
    assert not pool.close(0.05)
    go_on.set()
    assert pool.close(DEADLINE_S)
    assert read == [0]
    assert posted.wait_for(FilesHashed, last=True).unstable == (ME.child("big"),)


def test_close_ends_a_walk_between_two_pages(
    pool: DiskPool, own: Path, posted: Posted, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, seen = threading.Event(), threading.Event()

    def endless(_share: Share, effect: Scan) -> Iterator[TreeSeen]:
        while True:
            yield TreeSeen(effect.order, (), (), last=False, complete=True)
            seen.set()
            assert held.wait(DEADLINE_S)

    monkeypatch.setattr(module, "scan", endless)
    pool.submit(Scan(ORDER, (ME,)))
    assert seen.wait(DEADLINE_S)
    assert not pool.close(0.05)
    held.set()
    assert pool.close(DEADLINE_S)
    assert len(posted.of(TreeSeen)) == 2


def test_threads_have_names(pool: DiskPool, batches: PlayedBatches, posted: Posted) -> None:
    pool.submit(Place(BATCH, (), "me"))
    posted.wait_for(BatchPlaced)
    assert any(thread.name.startswith("disk-prompt") for thread in threading.enumerate())
