"""A folder that is gone, empty, another one, or back: no file is lost anywhere, whatever was done.

Strategy: the shared folder of one of two real daemons is a disk of its own, mounted for it alone.
What is done to it is what goes wrong at home; the oracle is always that the other device keeps
every file, and that all is well by itself once the disk is back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import mass_losses
from tests.lan.potluck import Potluck, stays, wait_for, write
from tests.lan.test_mounts import loop_disk, mounted_for_all, on, share_photos

__all__ = ["loop_disk"]  # a fixture

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(300)]

READY_S = 30.0
NOTICED_S = 4.0
SECOND_LOOK_S = 10.0
FILES = 40


def has_all(bert: Potluck) -> bool:
    """The oracle: what anna shares is there, whole."""
    photos = bert.shared / "anna" / "photos"
    return all((photos / f"{n}.jpg").stat().st_size == 20_000 for n in range(FILES))


def photos_of(bert: Potluck, *labels: str) -> int:
    """How many of them are there, under one of these labels."""
    found = [bert.shared / label / "photos" for label in labels or ("anna",)]
    return max(sum(1 for _ in photos.glob("*.jpg")) for photos in found)


def is_offline(node: Potluck) -> bool:
    return "the share is offline" in (node.status().get("reason") or "")


@pytest.fixture
def two(devices: Callable[[int], list[Potluck]], loop_disk: Path) -> list[Potluck]:
    """Two in sync; the folder of the first is a disk of its own, and it is not running."""
    anna, bert = nodes = devices(2)
    anna.folder.mkdir()
    bert.start()  # first, or its mounts would keep the disk
    with mounted_for_all(anna.folder, "-o", "loop", loop_disk):
        anna.start()
        share_photos(anna, bert)
        anna.stop()
    return nodes


def sees(node: Potluck, path: Path) -> bool:
    """Whether a file stands there among the mounts of a daemon."""
    assert node.process is not None
    command = ["nsenter", "-t", str(node.process.pid), "-m", "test", "-s", str(path)]
    return subprocess.run(command, check=False).returncode == 0


def plug_in(node: Potluck, disk: Path) -> None:
    on(node, "mount", "-o", "loop", disk, node.folder)


def all_is_well(two: list[Potluck], loop_disk: Path) -> None:
    """With its disk, and nothing else, the first shares again, also what is new on it."""
    anna, bert = two
    assert anna.process is not None
    before = anna.process.pid
    plug_in(anna, loop_disk)
    on(anna, "sh", "-c", f"echo new > {anna.own}/new.txt")
    anna.wait(lambda: "is back: it is taken hold of by a new start" in anna.said(), NOTICED_S)
    wait_for((bert.shared / "anna" / "new.txt").exists, READY_S, two)
    wait_for(lambda: anna.settled() and bert.settled(), READY_S, two)
    assert anna.process.pid == before
    assert anna.process.poll() is None
    write(bert.own / "hello.txt", b"hello")
    anna.wait(lambda: sees(anna, anna.shared / "bert" / "hello.txt"), READY_S)
    assert has_all(bert)


def test_started_before_its_disk_it_makes_nothing_there_and_is_well_when_that_comes(
    two: list[Potluck], loop_disk: Path
) -> None:
    anna, bert = two
    anna.start()
    anna.wait(lambda: is_offline(anna), READY_S)
    assert stays(lambda: is_offline(anna) and has_all(bert), SECOND_LOOK_S + 3.0)
    assert os.listdir(anna.folder) == [], "nothing is made where the disk belongs"
    all_is_well(two, loop_disk)


def test_started_without_the_folder_it_waits_and_does_not_make_one(
    two: list[Potluck], loop_disk: Path
) -> None:
    anna, bert = two
    anna.folder.rmdir()
    anna.start()
    anna.wait(lambda: is_offline(anna), READY_S)
    assert stays(lambda: has_all(bert) and not anna.folder.exists(), SECOND_LOOK_S)
    anna.folder.mkdir()
    all_is_well(two, loop_disk)


def test_a_disk_that_is_pulled_and_comes_as_another_mount_deletes_nothing(
    two: list[Potluck], loop_disk: Path, tmp_path: Path
) -> None:
    anna, bert = two
    with mounted_for_all(anna.folder, "-o", "loop", loop_disk):
        anna.start()
    wait_for(lambda: anna.settled() and bert.settled(), READY_S, two)
    on(anna, "sync", "-f", anna.folder)
    on(anna, "umount", "-l", anna.folder)
    anna.wait(lambda: is_offline(anna), READY_S)
    copy = shutil.copytree(loop_disk.parent, tmp_path / "copy", ignore=_all_but(loop_disk.name))
    assert stays(lambda: has_all(bert), SECOND_LOOK_S)
    on(anna, "mount", "-o", "loop", Path(copy) / loop_disk.name, anna.folder)
    anna.wait(lambda: "is back: it is taken hold of by a new start" in anna.said(), READY_S)
    wait_for(lambda: anna.settled() and bert.settled(), READY_S, two)
    assert has_all(bert)
    mass_losses.kept("unmount", files=photos_of(bert), of=FILES)


def _all_but(name: str) -> Callable[[str, list[str]], list[str]]:
    return lambda _folder, names: [each for each in names if each != name]


def test_an_empty_disk_in_its_place_deletes_nothing(two: list[Potluck], loop_disk: Path) -> None:
    anna, bert = two
    with mounted_for_all(anna.folder, "-t", "tmpfs", "none"):
        anna.start()
    anna.wait(lambda: is_offline(anna), READY_S)
    assert stays(lambda: is_offline(anna) and has_all(bert), SECOND_LOOK_S + 3.0)
    on(anna, "sh", "-c", f'test -z "$(ls -A {anna.folder})"')
    all_is_well(two, loop_disk)
    mass_losses.kept("empty mount", files=photos_of(bert), of=FILES)


@pytest.mark.parametrize("what", ["the marker", "all of it"])
def test_a_lost_marker_deletes_nothing_not_even_with_a_new_name(
    two: list[Potluck], loop_disk: Path, what: str
) -> None:
    anna, bert = two
    with mounted_for_all(anna.folder, "-o", "loop", loop_disk):
        anna.start()
    wait_for(lambda: anna.settled() and bert.settled(), READY_S, two)
    gone = anna.folder / (".potluck/marker" if what == "the marker" else "*")
    on(anna, "sh", "-c", f"rm -rf {anna.folder}/.potluck/marker {gone}")
    anna.wait(lambda: is_offline(anna), READY_S)
    assert anna.run("rename", "device", "berta").returncode == 0  # has a marker written, as a rule
    assert stays(lambda: _keeps(bert, "anna", "berta"), SECOND_LOOK_S * 2)
    anna.stop()
    with mounted_for_all(anna.folder, "-o", "loop", loop_disk):
        anna.start()
    assert stays(lambda: _keeps(bert, "anna", "berta"), SECOND_LOOK_S * 2)
    if what == "the marker":
        mass_losses.kept("marker lost", files=photos_of(bert, "anna", "berta"), of=FILES)


def test_an_empty_disk_with_the_marker_of_the_other_deletes_nothing(
    two: list[Potluck], loop_disk: Path
) -> None:
    anna, bert = two
    with mounted_for_all(anna.folder, "-o", "loop", loop_disk):
        marker = (anna.folder / ".potluck" / "marker").read_bytes()
    with mounted_for_all(anna.folder, "-t", "tmpfs", "none"):
        write(anna.folder / ".potluck" / "marker", marker)
        anna.start()
    held = f"{FILES} files"
    anna.wait(lambda: held in (anna.status().get("reason") or ""), READY_S)
    assert stays(lambda: has_all(bert), SECOND_LOOK_S)
    mass_losses.kept("marker re-created", files=photos_of(bert), of=FILES)


def test_a_wiped_home_deletes_nothing(two: list[Potluck], loop_disk: Path) -> None:
    anna, bert = two
    for path in [path for path in anna.home.iterdir() if path not in (anna.folder, anna.log)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    with mounted_for_all(anna.folder, "-o", "loop", loop_disk):
        anna.start()
        assert stays(lambda: has_all(bert), SECOND_LOOK_S)
        mine = sum(1 for _ in (anna.own / "photos").glob("*.jpg"))
        anna.stop()
    assert mine == FILES
    mass_losses.kept("wiped state", files=photos_of(bert), of=FILES)


def _keeps(bert: Potluck, *labels: str) -> bool:
    found = [bert.shared / label / "photos" for label in labels]
    return any(photos.exists() and len(list(photos.iterdir())) == FILES for photos in found)
