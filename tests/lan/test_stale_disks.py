"""A file system that answers nothing but ESTALE, or EIO, for a while: no file is lost anywhere.

Strategy: the folder of one of three real daemons is on a disk that can be switched to that
(tests/stale_disk.py), as an NFS is whose server is away. It holds files of its own, and of others:
the oracle is the disks of the others, and what this one says of itself must be so meanwhile.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from potluck.engine.unreadable import FILES_AGAIN_S, UNREADABLE_AGAIN_S
from tests import mass_losses
from tests.lan.potluck import Potluck, same_outline, stays, wait_for, wait_ring, write
from tests.lan.test_lost_folders import FILES, READY_S, SECOND_LOOK_S, has_all, photos_of
from tests.lan.test_mounts import share_photos
from tests.stale_disk import StaleDisk, stale_disk

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(300)]

BERTS = 30
TRACEBACK = "Traceback (most recent call last)"


class Three(NamedTuple):
    """Three in sync, and the disk on which the folder of the first lies."""

    anna: Potluck
    bert: Potluck
    cora: Potluck
    disk: StaleDisk

    @property
    def nodes(self) -> tuple[Potluck, Potluck, Potluck]:
        return self[:3]

    def in_sync(self) -> bool:
        return same_outline(self.nodes) and all(node.settled() for node in self.nodes)

    def is_told(self) -> bool:
        """Whether the first says what is wrong with its folder, why, and what to type."""
        state = self.anna.status()
        words, command = state.get("reason") or "", state.get("command")
        said = words.startswith(f"the share is offline: {self.anna.folder} cannot be read")
        return said and command == f"ls -la {self.anna.folder}"

    def keeps_all(self) -> bool:
        """Whether the others hold all that the first shares, and nobody believes that it has it."""
        others = has_all(self.bert) and has_all(self.cora)
        state = self.bert.status()
        devices = state.get("devices", ())
        lacks = [one["need_files"] for one in devices if one["label"] == "anna"]
        counted = bool(state) and lacks == [state["files"]]
        return others and counted and self.alive()

    def alive(self) -> bool:
        process = self.anna.process
        return process is not None and process.poll() is None

    def check_well(self) -> None:
        """By itself all is in sync, what is new is delivered, and nothing was put aside."""
        wait_for(self.in_sync, READY_S + max(UNREADABLE_AGAIN_S, FILES_AGAIN_S), self.nodes)
        write(self.anna.own / "new.txt", b"new")
        wait_for((self.cora.shared / "anna" / "new.txt").exists, READY_S, self.nodes)
        wait_for(self.in_sync, READY_S, self.nodes)
        assert has_all(self.bert)
        assert len({node.tree_hash() for node in self.nodes}) == 1
        for node in self.nodes:
            assert not (node.folder / "Put aside").exists()
            assert TRACEBACK not in node.log.read_text(), node.said()


@pytest.fixture
def three(devices: Callable[[int], list[Potluck]], tmp_path: Path) -> Iterator[Three]:
    anna, bert, cora = nodes = devices(3)
    with stale_disk(anna.folder, tmp_path / "backing") as disk:
        for node in nodes:
            node.start()
        wait_ring(nodes, READY_S)
        for number in range(FILES):
            write(anna.own / "photos" / f"{number}.jpg", os.urandom(20_000))
        for number in range(BERTS):
            write(bert.own / f"{number}.txt", b"bert's")
        three = Three(anna, bert, cora, disk)
        wait_for(lambda: len(cora.outline()) > FILES + BERTS and three.in_sync(), READY_S, nodes)
        yield three


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
def test_a_disk_that_goes_stale_deletes_nothing_and_all_is_well_when_it_is_back(
    three: Three, number: int
) -> None:
    three.disk.fail(number)
    three.anna.wait(three.is_told, READY_S)
    assert os.strerror(number) in three.anna.status()["reason"]
    assert three.anna.run("rescan").returncode == 0
    three.bert.wait(three.keeps_all, READY_S)
    assert stays(lambda: three.is_told() and three.keeps_all(), SECOND_LOOK_S + 3.0)
    three.disk.fail(0)
    three.check_well()
    if number == errno.ESTALE:
        files = min(photos_of(three.bert), photos_of(three.cora))
        mass_losses.kept("stale NFS", files=files, of=FILES)


def test_ended_and_started_while_its_disk_is_stale_it_waits_and_is_well_when_that_is_back(
    three: Three,
) -> None:
    three.disk.fail(errno.ESTALE)
    three.anna.wait(three.is_told, READY_S)
    three.anna.stop()
    assert three.anna.process is not None
    assert three.anna.process.returncode == 0, three.anna.said()
    three.anna.start()
    three.anna.wait(three.is_told, READY_S)
    three.bert.wait(three.keeps_all, READY_S)
    assert stays(three.keeps_all, SECOND_LOOK_S + 3.0)
    three.disk.fail(0)
    three.check_well()


def test_what_others_do_while_it_is_stale_is_done_when_it_is_back(three: Three) -> None:
    anna, bert, disk = three.anna, three.bert, three.disk
    disk.fail(errno.ESTALE)
    (bert.own / "0.txt").unlink()
    write(bert.own / "1.txt", b"another")
    write(bert.own / "new.txt", b"of bert")
    (bert.own / "2.txt").rename(bert.own / "second.txt")
    three.anna.wait(three.is_told, READY_S)
    assert anna.run("wait", "--synced", "--timeout", "2").returncode != 0
    assert bert.run("wait", "--delivered", "--to", "anna", "--timeout", "2").returncode != 0
    theirs = three.cora.shared / "bert"
    wait_for(
        lambda: (
            (theirs / "second.txt").exists()
            and (theirs / "new.txt").exists()
            and (theirs / "1.txt").read_bytes() == b"another"
            and not (theirs / "0.txt").exists()
            and not (theirs / "2.txt").exists()
        ),
        READY_S + SECOND_LOOK_S,
        three.nodes,
    )
    three.bert.wait(three.keeps_all, READY_S)
    assert stays(three.keeps_all, SECOND_LOOK_S)
    disk.fail(0)
    three.check_well()
    assert (anna.shared / "bert" / "new.txt").read_bytes() == b"of bert"


def test_stale_again_and_again_while_much_comes_and_goes_it_loses_nothing(three: Three) -> None:
    for turn in range(6):
        for number in range(60):
            write(three.anna.own / f"mine {turn}" / str(number), os.urandom(3_000 + number))
            write(three.bert.own / f"many {turn}" / str(number), os.urandom(3_000 + number))
            if number == 10 * turn:
                three.disk.fail((errno.ESTALE, errno.EIO)[turn % 2])
                for more in range(20):
                    write(three.bert.own / f"more {turn}" / str(more), os.urandom(2_000 + more))
                three.disk.fail(0)
    three.check_well()


def test_handles_that_stay_stale_are_taken_hold_of_anew(three: Three) -> None:
    three.disk.fail(errno.ESTALE)
    three.anna.wait(three.is_told, READY_S)
    three.disk.lose_handles()
    three.check_well()


def test_a_disk_inside_the_own_folder_that_goes_stale_holds_up_nothing_else(
    devices: Callable[[int], list[Potluck]], tmp_path: Path
) -> None:
    anna, bert = nodes = devices(2)
    with stale_disk(anna.own / "photos", tmp_path / "backing") as disk:
        for node in nodes:
            node.start()
        share_photos(anna, bert)
        disk.fail(errno.ESTALE)
        assert anna.run("rescan").returncode == 0
        named = "anna/photos: the disk fails: Stale file handle"
        anna.wait(lambda: named in (anna.status().get("reason") or ""), READY_S)
        write(anna.own / "beside.txt", b"beside")
        bert.wait((bert.shared / "anna" / "beside.txt").exists, READY_S)
        assert stays(lambda: has_all(bert), SECOND_LOOK_S + 3.0)
        disk.fail(0)
        wait_for(
            lambda: same_outline(nodes) and all(node.settled() for node in nodes),
            READY_S + UNREADABLE_AGAIN_S,
            nodes,
        )
        assert has_all(bert)
