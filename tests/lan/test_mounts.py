"""Another disk is mounted in a shared folder: it is noticed at once, and nothing is lost by it.

Strategy: real daemons; a tmpfs is mounted in the mounts of one of them only. What is said is
compared with what can be seen there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lan.potluck import Potluck, same_outline, stays, wait_for, wait_ring, write

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(300)]

READY_S = 30.0
NOTICED_S = 2.0
BACK_S = 3.0
SECOND_LOOK_S = 10.0
FILES = 40
LOOP_BYTES = 32 << 20


def on(node: Potluck, *words: object) -> None:
    """Run a command that sees the mounts of a daemon."""
    assert node.process is not None
    command = ["nsenter", "-t", str(node.process.pid), "-m", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def mount(node: Potluck, folder: Path, source: str = "none") -> None:
    on(node, "mount", "-t", "tmpfs", source, folder)


def hidden_below(node: Potluck, subject: str) -> bool:
    """Whether it says, first of all, that something hides files there, and what shows it."""
    state = node.status()
    reason, command = state.get("reason") or "", state.get("command") or ""
    of_mine = reason.startswith(f"{subject}: a disk is mounted there that hides ")
    hides = of_mine or reason.startswith(f"{subject}: another disk is mounted there")
    return hides and state["state"] == "trouble" and command == f"findmnt {node.shared}/{subject}"


def share_photos(anna, bert):
    """The first shares 40 photos, which the second has then, and both are in sync."""
    nodes = [anna, bert]
    wait_ring(nodes, READY_S)
    for number in range(FILES):
        write(anna.own / "photos" / f"{number}.jpg", os.urandom(20_000))
    wait_for(
        lambda: (
            len(bert.outline()) > FILES
            and same_outline(nodes)
            and all(node.settled() for node in nodes)
        ),
        READY_S,
        nodes,
    )


@pytest.fixture
def two(devices):
    """Two devices; the first shares 40 photos, which the second has, and both are in sync."""
    anna, bert = [node.start() for node in devices(2)]
    share_photos(anna, bert)
    return anna, bert


@contextmanager
def mounted_for_all(point: Path, *words: object) -> Iterator[None]:
    """Something is mounted where every daemon that is started meanwhile sees it, to its end."""
    subprocess.run(["mount", *map(str, words), str(point)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


@pytest.fixture
def loop_disk(tmp_path: Path) -> Path:
    """An image of a disk; skips where there are no loop devices, or nothing that formats one."""
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(LOOP_BYTES)
    for command in (["mkfs.ext4", "-q", str(image)], ["losetup", "-f"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            pytest.skip(f"{error.filename} is not installed")
        if done.returncode:
            pytest.skip(f"{command[0]}: {done.stderr.strip()}")
    return image


@pytest.mark.full
def test_a_disk_over_somebody_elses_folder_is_noticed_and_so_is_that_it_went(two) -> None:
    anna, bert = two
    photos = bert.shared / "anna" / "photos"
    mount(bert, photos)
    bert.wait(lambda: not bert.settled(), NOTICED_S)
    bert.wait(lambda: hidden_below(bert, "anna/photos"), NOTICED_S)
    anna.wait(lambda: anna.device("bert").get("missing_files") or not anna.settled(), NOTICED_S)
    assert stays(lambda: hidden_below(bert, "anna/photos"), SECOND_LOOK_S + 2.0)
    on(bert, "umount", photos)
    wait_for(lambda: bert.settled() and anna.settled(), BACK_S, [anna, bert])
    assert same_outline([anna, bert])
    assert not (bert.folder / "Put aside").exists()


def test_a_disk_over_a_folder_of_mine_deletes_nothing_anywhere(two) -> None:
    anna, bert = two
    photos, before = anna.own / "photos", bert.outline()
    mount(anna, photos)
    anna.wait(lambda: hidden_below(anna, "anna/photos"), NOTICED_S)
    assert stays(lambda: bert.outline() == before, SECOND_LOOK_S + 3.0)
    on(anna, "sh", "-c", f"echo new > {photos}/new.txt")
    bert.wait((bert.shared / "anna/photos/new.txt").exists, READY_S)
    on(anna, "umount", photos)
    anna.wait(lambda: not hidden_below(anna, "anna/photos"), BACK_S)
    anna.wait(lambda: "went with 1 file" in (anna.status().get("reason") or ""), BACK_S)
    assert stays((bert.shared / "anna/photos/new.txt").exists, SECOND_LOOK_S + 3.0)
    photos.rename(anna.own / "pictures")
    give_up(anna, bert.shared / "anna/photos/new.txt")
    wait_for(lambda: same_outline(two) and anna.settled() and bert.settled(), READY_S, two)
    assert len(list((bert.shared / "anna" / "pictures").iterdir())) == FILES


def give_up(anna: Potluck, copy: Path) -> None:
    """The folder of a disk that went is gone: what it took along is asked for, and goes then."""
    anna.wait(lambda: "that I share: not here" in (anna.status().get("reason") or ""), READY_S)
    assert copy.exists()
    assert anna.run("confirm").returncode == 0


def share_on_a_disk(anna: Potluck, bert: Potluck, point: Path) -> None:
    """Three files of anna's lie on a disk that is mounted in a folder of hers; bert has them."""
    point.mkdir(parents=True)
    mount(anna, point)
    on(anna, "sh", "-c", f"for name in a b c; do echo $name > {point}/$name.txt; done")
    wait_for(lambda: on_disk(bert, anna, point) and bert.settled(), READY_S, [anna, bert])


def on_disk(bert: Potluck, anna: Potluck, point: Path) -> bool:
    """Whether bert has the three."""
    copy = bert.shared / point.relative_to(anna.shared)
    return all((copy / f"{name}.txt").exists() for name in "abc")


@pytest.mark.full
def test_a_disk_that_takes_the_place_of_another_between_two_looks_deletes_nothing(two) -> None:
    anna, bert = two
    disk = anna.own / "disk"
    share_on_a_disk(anna, bert, disk)
    assert anna.process is not None
    os.kill(anna.process.pid, signal.SIGSTOP)
    on(anna, "umount", disk)
    mount(anna, disk, "other")
    os.kill(anna.process.pid, signal.SIGCONT)
    anna.wait(lambda: hidden_below(anna, "anna/disk"), NOTICED_S)
    for node in two:
        node.wait(lambda node=node: node.device("anna").get("need_files") == 3, NOTICED_S)
    assert stays(lambda: on_disk(bert, anna, disk), SECOND_LOOK_S + 3.0)


@pytest.mark.full
def test_a_disk_that_goes_after_the_folder_round_it_was_renamed_deletes_nothing(two) -> None:
    anna, bert = two
    share_on_a_disk(anna, bert, anna.own / "par" / "dk")
    (anna.own / "par").rename(anna.own / "par2")
    point = anna.own / "par2" / "dk"
    wait_for(lambda: on_disk(bert, anna, point) and anna.settled() and bert.settled(), READY_S, two)
    on(anna, "umount", point)
    went = "anna/par2/dk: the disk that was mounted there went with 3 files"
    anna.wait(lambda: (anna.status().get("reason") or "").startswith(went), BACK_S)
    assert stays(lambda: on_disk(bert, anna, point), SECOND_LOOK_S + 3.0)


def test_what_is_done_to_hidden_files_is_done_here_when_they_are_seen_again(two) -> None:
    anna, bert = two
    photos, copies = anna.own / "photos", bert.shared / "anna" / "photos"
    mount(bert, copies)
    bert.wait(lambda: hidden_below(bert, "anna/photos"), NOTICED_S)
    (photos / "0.jpg").unlink()
    write(photos / "1.jpg", b"another")
    (photos / "2.jpg").rename(photos / "second.jpg")
    write(photos / "new.jpg", b"new")
    # of what fails for one reason the first is named, and which comes first is a matter of chance
    told = re.compile(r"(new|second|1)\.jpg.*: another disk is mounted there")
    bert.wait(lambda: told.search(bert.said()), READY_S)
    assert stays(lambda: hidden_below(bert, "anna/photos"), SECOND_LOOK_S)
    assert anna.run("wait", "--delivered", "--timeout", "3").returncode != 0
    on(bert, "umount", copies)
    wait_for(lambda: same_outline(two) and bert.settled() and anna.settled(), READY_S, two)
    assert not (bert.folder / "Put aside").exists()
    assert "are not shared" not in bert.said()


@pytest.mark.full
def test_a_file_mounted_on_somebody_elses_file_is_told_with_what_shows_it(two) -> None:
    anna, bert = two
    photo = bert.shared / "anna" / "photos" / "0.jpg"
    other = write(bert.home / "other", b"other")
    on(bert, "mount", "--bind", other, photo)
    command = f"findmnt {photo}"
    bert.wait(lambda: bert.status().get("command") == command, READY_S)
    assert "mounted right there" in bert.status()["reason"]
    assert "was edited here" not in bert.said()
    on(bert, "umount", photo)
    wait_for(lambda: bert.settled() and anna.settled(), READY_S, two)
    assert same_outline(two)


@pytest.mark.full
def test_a_disk_over_the_whole_share_is_an_offline_share(two) -> None:
    anna, bert = two
    mount(bert, bert.shared)
    bert.wait(lambda: "offline" in (bert.status().get("reason") or ""), NOTICED_S * 2)
    on(bert, "umount", bert.shared)
    wait_for(lambda: bert.settled() and anna.settled(), READY_S, two)
    assert same_outline(two)


def test_what_went_with_a_dead_disk_is_given_up_or_brought_back_by_the_next_command(two) -> None:
    anna, bert = two
    disk = anna.own / "disk"
    share_on_a_disk(anna, bert, disk)
    on(anna, "umount", "-l", disk)
    went = "anna/disk: the disk that was mounted there went with 3 files"
    anna.wait(lambda: (anna.status().get("reason") or "").startswith(went), BACK_S)
    assert anna.run("confirm").returncode != 0, "nothing goes that was not named"
    assert anna.run("confirm", "anna/disk/a.txt").returncode == 0
    bert.wait(lambda: not (bert.shared / "anna/disk/a.txt").exists(), READY_S)
    assert anna.run("repair").returncode == 0
    wait_for(lambda: same_outline(two) and anna.settled() and bert.settled(), READY_S, two)
    assert sorted(path.name for path in disk.iterdir()) == ["b.txt", "c.txt"]


def test_other_files_of_the_same_names_are_shared_only_when_a_person_says_so(two) -> None:
    anna, bert = two
    photos, copy = anna.own / "photos", bert.shared / "anna" / "photos" / "1.jpg"
    other, good = anna.home / "other", copy.read_bytes()
    other.mkdir()
    mount(anna, other)
    on(anna, "sh", "-c", f"echo another > {other}/1.jpg")
    on(anna, "mount", "--bind", other, photos)
    told = "1 file (photos/1.jpg) with another content than I share"
    anna.wait(lambda: told in anna.run("status").stdout, READY_S)
    assert told in anna.run("why", "anna/photos/1.jpg").stdout
    assert stays(lambda: copy.read_bytes() == good, SECOND_LOOK_S + 3.0)
    assert anna.run("repair").returncode != 0, "what is on another disk cannot be exchanged"
    on(anna, "umount", photos)
    wait_for(lambda: anna.settled() and bert.settled(), READY_S, two)
    assert same_outline(two)
    assert told not in anna.run("status").stdout
    assert not list((bert.folder / ".potluck" / "trash").rglob("*.jpg"))
    on(anna, "mount", "--bind", other, photos)
    anna.wait(lambda: told in anna.run("status").stdout, READY_S)
    assert anna.run("confirm", "anna/photos/1.jpg").returncode == 0
    bert.wait(lambda: copy.read_bytes() == b"another\n", READY_S)


# -- what is missing at the next start -------------------------------------------------------------
@pytest.mark.full
def test_a_disk_that_is_missing_at_the_next_start_deletes_nothing_anywhere(two) -> None:
    anna, bert = two
    disk = anna.own / "disk"
    share_on_a_disk(anna, bert, disk)
    anna.stop()  # its mounts go with it, as after the computer was started again
    anna.start()
    went = "anna/disk: the disk that was mounted there went with 3 files"
    anna.wait(lambda: (anna.status().get("reason") or "").startswith(went), READY_S)
    bert.wait(lambda: bert.device("anna").get("need_files") == 3, READY_S)
    assert stays(lambda: on_disk(bert, anna, disk), SECOND_LOOK_S + 3.0)
    disk.rmdir()
    give_up(anna, bert.shared / "anna/disk/a.txt")
    bert.wait(lambda: not on_disk(bert, anna, disk), READY_S)
    wait_for(lambda: same_outline(two) and anna.settled() and bert.settled(), READY_S, two)


@pytest.mark.full
def test_a_disk_with_its_files_is_known_again_whatever_its_numbers(two, loop_disk) -> None:
    anna, bert = two
    disk = anna.own / "disk"
    disk.mkdir()
    on(anna, "mount", "-o", "loop", loop_disk, disk)
    on(
        anna,
        "sh",
        "-c",
        f"rmdir {disk}/lost+found; for n in a b c; do echo $n > {disk}/$n.txt; done",
    )
    wait_for(lambda: on_disk(bert, anna, disk) and bert.settled(), READY_S, two)
    anna.stop()
    anna.start()
    anna.wait(lambda: "anna/disk: the disk" in (anna.status().get("reason") or ""), READY_S)
    on(anna, "mount", "-o", "loop", loop_disk, disk)
    wait_for(lambda: anna.settled() and bert.settled(), READY_S, two)
    assert on_disk(bert, anna, disk)


@pytest.mark.full
def test_a_bind_mount_brings_no_false_alarm_and_what_is_deleted_in_it_is_deleted(two) -> None:
    anna, bert = two
    elsewhere, point = anna.home / "elsewhere", anna.own / "bound"
    for name in "abc":
        write(elsewhere / f"{name}.txt", name.encode())
    point.mkdir()
    on(anna, "mount", "--bind", elsewhere, point)
    wait_for(lambda: on_disk(bert, anna, point) and bert.settled(), READY_S, two)
    anna.stop()
    (elsewhere / "b.txt").unlink()
    gone = bert.shared / "anna" / "bound" / "b.txt"
    with mounted_for_all(point, "--bind", elsewhere):
        anna.start()
    wait_for(lambda: not gone.exists(), READY_S + SECOND_LOOK_S, two)
    wait_for(lambda: anna.settled() and bert.settled(), READY_S, two)
    on(anna, "umount", point)
    went = "anna/bound: the disk that was mounted there went with 2 files"
    anna.wait(lambda: (anna.status().get("reason") or "").startswith(went), READY_S)
    assert stays((gone.parent / "a.txt").exists, SECOND_LOOK_S + 3.0)
