"""Ready files: verified, with time and mode, and nothing left behind by what failed.

The whole way to the path is in test_placing.py; here is what the steps before the rename leave in
`tmp/`.
"""

from __future__ import annotations

import os

import pytest

from potluck.core.content.facts import Source
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.shells.disk.content_check import copy_content
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.receiving import sources as module
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.sources import SourceGone, Sources, root_wanted
from tests.shells.files import (
    OLD_NS,
    content_of,
    data_of,
    item,
    path,
    receive,
    shared,
    stat,
    temporary,
    write,
)

DATA = data_of(5000)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path)) as share:
        yield share


def ready(share, *items, label="me"):
    parts = PartFiles(share)
    for wanted in items:
        if wanted.source is Source.PART:
            receive(parts, DATA)
    sources = Sources(share, parts, items, label)
    return sources, [sources.prepare(wanted, f"{n}.copy") for n, wanted in enumerate(items)]


def test_the_last_use_of_a_part_is_the_part_itself(share):
    sources, made = ready(share, item("ann/a", Source.PART, DATA), item("ann/b", Source.PART, DATA))
    root = content_of(DATA).root
    assert [each.part for each in made] == [None, root]
    assert temporary(share) == sorted(["0.copy", f"{root.hex()}.part"])
    for each in made:
        sources.discard(each)
    assert temporary(share) == [f"{root.hex()}.part"]


def test_time_and_mode_are_set_before_the_fsync(share):
    sources, (made,) = ready(share, item("ann/a", Source.EMPTY, executable=True))
    descriptor = sources.open(made, path("ann/a"))
    assert share.stat_fd(descriptor) == made.stat
    assert (made.stat.mtime_ns, made.stat.executable, made.stat.size) == (OLD_NS, True, 0)
    os.close(descriptor)


def test_a_moved_file_that_is_already_as_it_should_be_is_not_changed(share):
    write(share, "ann/a", DATA, 0o444)
    os.utime(os.path.join(share.folder, "Shared/ann/a"), ns=(OLD_NS, OLD_NS))
    before = stat(share, "ann/a")
    sources, (made,) = ready(share, item("ann/b", Source.MOVED, DATA, local=path("ann/a")))
    assert made.moved == path("ann/a")
    assert stat(share, "ann/a") == before == made.stat
    sources.discard(made)
    assert shared(share) == {"ann/a": DATA}


def test_a_local_file_about_to_be_replaced_is_copied_and_not_moved(share):
    write(share, "ann/a", DATA)
    _, made = ready(
        share,
        item("ann/b", Source.MOVED, DATA, local=path("ann/a")),
        item("ann/a", Source.EMPTY),
    )
    assert made[0].moved is None
    assert temporary(share) == ["0.copy", "1.copy"]


def test_a_file_of_the_own_folder_is_never_changed_and_never_moved_away(share):
    write(share, "me/a", DATA)
    before = stat(share, "me/a")
    with pytest.raises(SourceGone, match="own folder"):
        ready(share, item("me/a", Source.LOCAL, DATA, local=path("me/a")))
    _, (made,) = ready(share, item("ann/b", Source.MOVED, DATA, local=path("me/a")))
    assert (made.moved, temporary(share)) == (None, ["0.copy"])
    assert stat(share, "me/a") == before


def test_a_wrong_copy_is_removed_at_once(share):
    write(share, "ann/a", data_of(5000, 9))
    with pytest.raises(SourceGone):
        ready(share, item("ann/b", Source.LOCAL, DATA, local=path("ann/a")))
    with pytest.raises(SourceGone, match="no content"):
        ready(share, item("ann/b", Source.PART))
    assert not any(name.endswith(".copy") for name in temporary(share))


def test_discarding_twice_is_no_trouble(share):
    sources, (made,) = ready(share, item("ann/a", Source.EMPTY))
    sources.discard(made)
    sources.discard(made)
    assert temporary(share) == []


def test_roots_wanted():
    assert root_wanted(item("a", Source.EMPTY)) == EMPTY_ROOT
    assert root_wanted(item("a", Source.PART, DATA)) == content_of(DATA).root
    assert root_wanted(item("a", Source.NONE, DATA)) is None
    assert root_wanted(item("a", Source.FOLDER)) is None


def test_of_versions_of_one_size_only_the_right_one_is_copied(share, monkeypatch):
    folder = os.path.join(share.folder, ".potluck", "trash", "day-000001-deleted", "ann")
    os.makedirs(folder)
    for number in range(9):
        with open(os.path.join(folder, f"a~{number + 2}"), "wb") as file:
            file.write(DATA if number == 4 else data_of(5000, 10 + number))
    copied: list[int] = []

    def copy(source: int, target: int) -> None:
        copied.append(source)
        copy_content(source, target)

    monkeypatch.setattr(module, "copy_content", copy)
    ready(share, item("ann/b", Source.KEPT, DATA, local=path("ann/a")))
    assert len(copied) == 1


def test_a_version_that_changes_while_it_is_copied_is_none(share, monkeypatch):
    folder = os.path.join(share.folder, ".potluck", "trash", "day-000001-deleted", "ann")
    os.makedirs(folder)
    with open(os.path.join(folder, "a"), "wb") as file:
        file.write(DATA)
    monkeypatch.setattr(module, "copy_content", lambda _, target: os.write(target, b"other"))
    with pytest.raises(SourceGone, match="the trash here does not hold it any more"):
        ready(share, item("ann/b", Source.KEPT, DATA, local=path("ann/a")))
    assert temporary(share) == []


def test_an_earlier_version_is_copied_out_of_the_trash_and_stays_there(share):
    folder = os.path.join(share.folder, ".potluck", "trash", "day-000001-deleted", "ann")
    os.makedirs(folder)
    for name, data in (("a", data_of(5000, 9)), ("a~2", DATA)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    wanted = item("ann/b", Source.KEPT, DATA, local=path("ann/a"))
    sources, (made,) = ready(share, wanted)
    assert temporary(share) == ["0.copy"]
    assert (made.stat.size, made.stat.mtime_ns) == (5000, wanted.mtime_ns)
    assert sorted(os.listdir(folder)) == ["a", "a~2"]
    sources.discard(made)
    os.unlink(os.path.join(folder, "a~2"))
    with pytest.raises(SourceGone, match="the trash here does not hold it any more"):
        ready(share, item("ann/b", Source.KEPT, DATA, local=path("ann/a")))
