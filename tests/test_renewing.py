"""A new disk for an old device: an empty folder takes the place of one that is gone, and nothing
else ever does.

Strategy: what is refused by hand, over the home of a device that ran inside this process; the way
of the files with two real devices, of which one is killed at each step.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.assembly import SHARE_ID
from potluck.core.content.facts import ManifestName
from potluck.core.errors import DiskTrouble, Refused
from potluck.core.wire.records import RosterRecord
from potluck.engine.group.membership import OUT
from potluck.engine.index import Index
from potluck.engine.own.older_copy import OLDER_COPY
from potluck.engine.own.share_state import WRITTEN_ONCE
from potluck.renewing import folder_before, is_marked_over, renew
from potluck.shells.disk.marker import ShareMarker
from potluck.shells.state.last_folder import last_folder
from potluck.shells.state.private_home import INDEX_NAME
from tests.devices import Device, devices_inside, free_port, one_ring, until


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a device that shared its Folder, and has left."""
    base = tmp_path_factory.mktemp("left")
    with devices_inside(base) as start:
        device, other = start("alder", "birch")
        until(lambda: one_ring(device, other))
        device.write("a", b"one")
        until((other.copy_of(device) / "a").exists)
    return Path(device.home)


@pytest.fixture
def state(left: Path, tmp_path: Path) -> str:
    """A copy of it, whose folder is gone."""
    home = shutil.copytree(left, tmp_path / "home", ignore=shutil.ignore_patterns("*.sock"))
    (home / "folder").write_bytes(os.fsencode(tmp_path / "gone"))
    return str(home)


def change(state: str, how: Callable[[Index], object]) -> None:
    index = Index.open(str(Path(state, INDEX_NAME)))
    index.begin()
    how(index)
    index.commit()
    index.close()


def meta(state: str, key: str, value: bytes | None = None) -> bytes | None:
    if value is not None:
        change(state, lambda index: index.meta.set(key, value))
    index = Index.open(str(Path(state, INDEX_NAME)))
    found = index.meta.get(key)
    index.close()
    return found


def mark_over(folder: Path) -> str:
    """Have the marker name another device."""
    path = folder / ".potluck" / "marker"
    ids = json.loads(path.read_text()) | {"device": "00" * 32, "share": "11" * 16}
    path.write_text(json.dumps(ids))
    return path.read_text()


def refusal(folder: Path, state: str) -> str:
    before = sorted(map(str, folder.rglob("*"))) if folder.exists() else None
    with pytest.raises(Refused) as caught:
        renew(str(folder), state)
    assert (sorted(map(str, folder.rglob("*"))) if folder.exists() else None) == before
    return f"{caught.value.what} {caught.value.cause} {caught.value.fix}"


def test_it_is_the_folder_from_now_on_and_once_is_enough(state: str, tmp_path: Path) -> None:
    new, share_id = tmp_path / "new", meta(state, SHARE_ID)
    assert folder_before(str(new), state) == str(tmp_path / "gone")
    assert not new.exists(), "asking changes nothing"
    (new / "lost+found").mkdir(parents=True)
    assert renew(str(new), state) == str(tmp_path / "gone")
    assert last_folder(state) == str(new)
    assert (new / "Shared" / "alder").is_dir()
    assert meta(state, SHARE_ID) not in {share_id, None}
    index = Index.open(str(Path(state, INDEX_NAME)))
    heads = index.manifests.heads()
    assert sum(head.count for head in heads) == 1
    assert [index.places.all_paths(ManifestName.of(head)) for head in heads] == [[] for _ in heads]
    index.close()
    after = meta(state, SHARE_ID)
    (new / "Shared" / "alder" / "mine").write_text("a person's")
    assert renew(str(new), state) is None, "it is that folder already, with whatever is in it"
    assert meta(state, SHARE_ID) == after


def test_a_folder_with_anything_in_it_is_refused(state: str, tmp_path: Path) -> None:
    full = tmp_path / "full"
    (full / "deep" / "er").mkdir(parents=True)
    (full / "deep" / "er" / "file").write_text("x")
    assert f"{full} is not empty." in refusal(full, state)
    shutil.rmtree(full / "deep")
    (full / "link").symlink_to(tmp_path, target_is_directory=True)
    assert f"{full} is not empty." in refusal(full, state)
    (full / "link").unlink()
    (full / ".potluck" / "trash").mkdir(parents=True)
    (full / ".potluck" / "tmp").mkdir()
    (full / "Shared").mkdir()
    (full / ".potluck" / "trash" / "kept").write_text("x")
    assert f"{full} is not empty." in refusal(full, state)


def test_the_folder_of_another_device_is_refused(state: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    renew(str(other), state)
    text = (other / ".potluck" / "marker").read_text()
    me = text.partition('"device": "')[2].partition('"')[0]
    (other / ".potluck" / "marker").write_text(text.replace(me, "00" * 32))
    (Path(state) / "folder").write_bytes(os.fsencode(tmp_path / "gone"))
    assert "is the folder of another device" in refusal(other, state)
    (other / ".potluck" / "marker").write_text("no marker")
    assert folder_before(str(other), state) == str(tmp_path / "gone")


def test_the_folder_of_this_device_that_another_one_marked_becomes_its_own_again(
    state: str, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    own, share_id = folder / "Shared" / "alder", meta(state, SHARE_ID)
    renew(str(folder), state)
    (own / "mine").write_text("a person's")
    own_marker, share_id = (folder / ".potluck" / "marker").read_text(), meta(state, SHARE_ID)
    assert not is_marked_over(str(folder), state)
    mark_over(folder)
    assert is_marked_over(str(folder), state)
    assert not is_marked_over(str(tmp_path / "other"), state)
    assert folder_before(str(folder), state) == str(folder)
    assert meta(state, OLDER_COPY) is None, "asking changes nothing"
    assert renew(str(folder), state) == str(folder)
    assert (folder / ".potluck" / "marker").read_text() == own_marker
    assert (meta(state, SHARE_ID), meta(state, OLDER_COPY)) == (share_id, b"1")
    assert (own / "mine").read_text() == "a person's"
    assert renew(str(folder), state) is None


def test_while_the_folder_before_is_there_with_files_it_is_refused(
    state: str, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    (gone / "lost+found").mkdir(parents=True)
    assert folder_before(str(tmp_path / "new"), state) == str(gone), "an empty disk"
    assert folder_before(str(gone), state) == str(gone), "in its own place, too"
    (gone / "file").write_text("x")
    said = refusal(tmp_path / "new", state)
    assert said.startswith(f"{gone}, the folder of this device, is still there.")
    assert "potluck repair" in said
    shutil.rmtree(gone)
    gone.write_text("a file")
    assert f"{gone} cannot be looked at." in refusal(tmp_path / "new", state)


def test_a_new_folder_on_a_disk_that_fails_is_refused(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    (new / ".potluck").mkdir(parents=True)
    real_stat, real_scan = os.stat, os.scandir

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *args: Any, **more: Any) -> Any:
            if str(path).startswith(str(new)):
                raise OSError(errno.ESTALE, "Stale file handle")
            return real(path, *args, **more)

        return call

    monkeypatch.setattr(os, "stat", failing(real_stat))
    monkeypatch.setattr(os, "scandir", failing(real_scan))
    with pytest.raises(Refused, match="cannot be looked at"):
        folder_before(str(new), state)


@pytest.mark.parametrize("what", ["no index", "no folder", "no marker", "out"])
def test_a_device_that_shared_nothing_is_refused(state: str, tmp_path: Path, what: str) -> None:
    if what == "no index":
        (Path(state) / INDEX_NAME).unlink()
    elif what == "no folder":
        (Path(state) / "folder").unlink()
    elif what == "out":
        meta(state, OUT, b"left")
    else:
        change(state, lambda index: index.meta.remove(WRITTEN_ONCE))
    assert "--repair is for a device that shared a folder before." in refusal(
        tmp_path / "new", state
    )


@pytest.mark.parametrize("records", [[], None])
def test_a_device_without_company_is_refused(
    state: str, tmp_path: Path, records: list[RosterRecord] | None
) -> None:
    if records is None:  # a group that cannot be understood
        change(state, lambda index: index.roster.replace(index.roster.all()[1:]))
    else:
        change(state, lambda index: index.roster.replace(records))
    assert "This device has no company" in refusal(tmp_path / "new", state)


def test_a_disk_that_takes_no_marker_is_told_and_changes_nothing(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    before = meta(state, SHARE_ID)
    monkeypatch.setattr(ShareMarker, "write", fails)
    with pytest.raises(DiskTrouble, match="cannot be made the folder"):
        renew(str(tmp_path / "new"), state)
    assert (meta(state, SHARE_ID), last_folder(state)) == (before, str(tmp_path / "gone"))


# -- with real devices -----------------------------------------------------------------------------
@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def two(tmp_path: Path, port: int) -> Iterator[list[Device]]:
    devices = [Device(tmp_path / label, label) for label in ("alder", "birch")]
    try:
        for device in devices:
            device.start(port).up()
        until(lambda: one_ring(*devices))
        for number in range(30):
            devices[0].write(f"d/{number}", b"photo %d" % number)
            devices[1].write(f"{number}", b"of birch %d" % number)
        until(lambda: copies(devices) == [30, 30])
        until(lambda: all(device.settled() for device in devices))
        yield devices
    finally:
        for device in devices:
            device.close()


def copies(devices: list[Device]) -> list[int]:
    """How many files of the other one each has."""
    one, other = devices
    pairs = (one.copy_of(other), other.copy_of(one))
    return [sum(1 for path in place.rglob("*") if path.is_file()) for place in pairs]


@pytest.mark.full
@pytest.mark.timeout(200)
def test_a_folder_that_another_one_marked_is_taken_back_and_deletes_nothing(
    two: list[Device], port: int
) -> None:
    alder, birch = two
    alder.close()
    marker = mark_over(alder.folder)
    (alder.own / "d" / "3").unlink()
    alder.write("new", b"new")
    alder.start(port).up()
    until(lambda: "its marker is of another device" in alder.said(), alder.said)
    _, _, then = alder.said().partition("if this one is to be its own again, end potluck, then ")
    assert f"up {alder.folder} --repair\n" in then
    alder.close()
    assert (alder.folder / ".potluck" / "marker").read_text() == marker
    alder.environment = {"POTLUCK_CRASHPOINT": "folder_taken_back"}
    alder.start(port, "--repair").ended()
    alder.environment = {}
    alder.start(port, "--repair").up()
    until((birch.copy_of(alder) / "new").exists, alder.said)
    until(birch.settled, alder.said)
    assert copies(two) == [30, 31], "what was missing there stays with the others"
    assert (birch.copy_of(alder) / "d" / "3").exists()


@pytest.mark.full
@pytest.mark.timeout(200)
def test_a_new_disk_is_filled_by_one_word_whenever_it_is_killed(
    two: list[Device], tmp_path: Path, port: int
) -> None:
    alder, birch = two
    alder.close()
    shutil.rmtree(alder.folder)
    alder.folder, steps = tmp_path / "new", ["new_folder_marked", "new_folder_known"]
    alder.own = alder.folder / "Shared" / "alder"
    for step in steps:
        alder.environment = {"POTLUCK_CRASHPOINT": step}
        alder.start(port, "--repair").ended()
        assert list(alder.folder.glob("Shared/*/*")) == []
    alder.environment = {}
    alder.start(port, "--repair").up()
    alder.close()  # kill -9, wherever it is
    alder.start(port).up()
    until(lambda: copies(two) == [30, 30] and len(list(alder.own.glob("d/*"))) == 30, alder.said)
    until(lambda: alder.settled() and birch.settled(), alder.said)
    contents = sorted(path.read_bytes() for path in alder.own.glob("d/*"))
    assert contents == sorted(b"photo %d" % number for number in range(30))
    assert not list((birch.folder / ".potluck" / "trash").rglob("*/alder/*")), "nothing was deleted"
    assert last_folder(str(alder.home)) == str(alder.folder)
