"""What stands under another spelling is left alone: with looks that find names by their key, and on
a real exFAT where there is one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from potluck.core.content.facts import Source
from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.engine.effects import Settle
from potluck.engine.events import BatchId, Placed, Placement
from potluck.shells.disk import exact_names, fsops
from potluck.shells.disk.fsops import Share, set_crash_hook, stat_at
from potluck.shells.disk.name_probe import limits_of
from potluck.shells.disk.receiving import replacing
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.spelled import Spelled
from tests.shells.disk.folding import exfat
from tests.shells.files import (
    aside,
    data_of,
    item,
    path,
    place,
    receive,
    shared,
    temporary,
    trash,
    write,
)

OLD, NEW = data_of(3000, 1), data_of(4000, 2)
FOLDING = NameLimits(CaseFolding.ALL)


def found_by_key(folder_fd: int, name: str) -> os.stat_result | None:
    for each in os.listdir(folder_fd):
        if FOLDING.key(each) == FOLDING.key(name):
            return stat_at(folder_fd, each)
    return None


@pytest.fixture(params=["looks that fold", pytest.param("exFAT", marks=pytest.mark.full)])
def share(request, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Share]:
    with ExitStack() as stack:
        if request.param == "exFAT":
            stack.enter_context(exfat(tmp_path / "disk", tmp_path / "image"))
        else:
            monkeypatch.setattr(exact_names, "stat_at", found_by_key)
        share = stack.enter_context(Share(str(tmp_path / "disk")))
        share.names = limits_of(share) if request.param == "exFAT" else FOLDING
        yield share
        set_crash_hook(None)


@pytest.fixture
def parts(share: Share) -> PartFiles:
    return PartFiles(share)


@pytest.fixture
def batches(share: Share, parts: PartFiles) -> Batches:
    return Batches(share, parts)


def put(batches: Batches, *items) -> list[Placed]:
    return list(batches.place(place(*items)).items)


def names(share: Share, folder: str = "ann") -> list[str]:
    return sorted(os.listdir(os.path.join(share.folder, "Shared", folder)))


def test_nothing_is_put_over_what_is_spelled_otherwise(share, parts, batches) -> None:
    write(share, "ann/Foo", OLD)
    receive(parts, NEW)
    (placed,) = put(batches, item("ann/foo", Source.PART, NEW))
    assert placed.placement is Placement.BLOCKED
    assert placed.detail == "“Foo” stands there, and this file system takes both names for one"
    assert shared(share) == {"ann/Foo": OLD}
    assert (aside(share), trash(share)) == ({}, {})


def test_nothing_is_put_into_a_folder_that_is_spelled_otherwise(share, parts, batches) -> None:
    write(share, "ann/Photos/one", OLD)
    receive(parts, NEW)
    wanted = item("ann/photos/two", Source.PART, NEW), item("ann/photos", Source.FOLDER)
    assert [each.placement for each in put(batches, *wanted)] == [Placement.BLOCKED] * 2
    assert shared(share) == {"ann/Photos/one": OLD}
    (placed,) = put(batches, item("ann/Photos/two", Source.PART, NEW))
    assert placed.placement is Placement.PLACED
    assert shared(share) == {"ann/Photos/one": OLD, "ann/Photos/two": NEW}


def test_nothing_is_removed_for_what_is_spelled_otherwise(share, batches, monkeypatch) -> None:
    if share.names == FOLDING:
        monkeypatch.setattr(replacing, "stat_at", found_by_key)
    write(share, "ann/Foo", OLD)
    write(share, "ann/Photos/one", OLD)
    gone = put(
        batches,
        item("ann/foo", Source.NONE),
        item("ann/photos/one", Source.NONE),
        item("ann/nothing/one", Source.NONE),
    )
    assert all(each.placement is Placement.REMOVED and each.nothing_there for each in gone)
    assert shared(share) == {"ann/Foo": OLD, "ann/Photos/one": OLD}


def test_a_file_is_moved_to_another_spelling_of_its_name(share, batches) -> None:
    write(share, "ann/Foo", OLD)
    (placed,) = put(batches, item("ann/foo", Source.MOVED, OLD, local=path("ann/Foo")))
    assert placed.placement is Placement.PLACED
    assert names(share) == ["foo"]
    assert shared(share) == {"ann/foo": OLD}
    assert (aside(share), trash(share), temporary(share)) == ({}, {}, [])


def test_a_file_that_comes_from_elsewhere_does_not_take_its_place(share, batches) -> None:
    write(share, "ann/Foo", OLD)
    write(share, "ann/sub/Foo", NEW)
    (placed,) = put(batches, item("ann/foo", Source.MOVED, NEW, local=path("ann/sub/Foo")))
    assert placed.placement is Placement.BLOCKED
    assert shared(share) == {"ann/Foo": OLD, "ann/sub/Foo": NEW}


def test_a_folder_gets_another_spelling_with_all_that_is_in_it(share, batches) -> None:
    write(share, "ann/Photos/one", OLD)
    (placed,) = put(batches, item("ann/photos", Source.FOLDER, local=path("ann/Photos")))
    assert placed.placement is Placement.PLACED
    assert names(share) == ["photos"]
    assert shared(share) == {"ann/photos/one": OLD}
    assert temporary(share) == []


def test_a_new_spelling_that_is_taken_meanwhile_is_left_to_whoever_took_it(share, batches) -> None:
    if share.names != FOLDING:
        pytest.skip("FUSE remembers the former name for a second, so nobody can take it")
    write(share, "ann/Photos/one", OLD)

    def take(step: str) -> None:
        if step == "in_respell":
            write(share, "ann/photos", NEW)

    set_crash_hook(take)
    (placed,) = put(batches, item("ann/photos", Source.FOLDER, local=path("ann/Photos")))
    assert placed.placement is not Placement.PLACED
    assert shared(share)["ann/photos"] == NEW
    assert OLD in {**shared(share), **aside(share)}.values()
    assert temporary(share) == []


def test_a_crash_while_a_folder_gets_another_spelling_gives_it_its_old_one_back(
    share, batches
) -> None:
    write(share, "ann/Photos/one", OLD)
    wanted = item("ann/photos", Source.FOLDER, local=path("ann/Photos"))

    def crash(step: str) -> None:
        if step == "in_respell":
            raise KeyboardInterrupt

    set_crash_hook(crash)
    with pytest.raises(KeyboardInterrupt):
        put(batches, wanted)
    set_crash_hook(None)
    assert shared(share) == {}
    settled = batches.settle(Settle(BatchId(1), (wanted,))).items[0]
    assert settled.placement is Placement.SOURCE_GONE
    assert shared(share) == {"ann/Photos/one": OLD}
    assert (aside(share), temporary(share)) == ({}, [])


def test_what_stands_under_another_spelling_was_not_placed_before_a_crash(
    share, batches, monkeypatch
) -> None:
    if share.names == FOLDING:
        monkeypatch.setattr(fsops, "stat_at", found_by_key)
    write(share, "ann/Foo", OLD)
    settled = batches.settle(Settle(BatchId(1), (item("ann/foo", Source.PART, OLD),))).items[0]
    assert settled.placement is Placement.SOURCE_GONE
    removed = batches.settle(Settle(BatchId(2), (item("ann/foo", Source.NONE),))).items[0]
    assert removed.placement is Placement.REMOVED
    assert shared(share) == {"ann/Foo": OLD}


def test_nothing_is_brought_back_into_an_own_folder_that_is_spelled_otherwise(
    share, parts, batches
) -> None:
    write(share, "me/Docs/one", OLD)
    receive(parts, NEW)
    wanted = item("me/docs/two", Source.PART, NEW), item("me/docs", Source.FOLDER)
    assert [each.placement for each in put(batches, *wanted)] == [Placement.BLOCKED] * 2
    assert shared(share) == {"me/Docs/one": OLD}


def test_where_names_are_taken_as_they_are_nothing_is_asked(tmp_path) -> None:
    with Share(str(tmp_path / "plain")) as share:
        write(share, "ann/Foo", OLD)
        spelled = Spelled(share, None)  # type: ignore[arg-type]  # it would fail if it asked
        assert spelled.above(path("ann/foo")) == spelled.at(path("ann/foo")) == ""
        assert repr(spelled) == "Spelled(0 folders)"
