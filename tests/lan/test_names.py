"""Another name, another machine: folders follow, nothing is fetched anew, nothing is deleted.

Strategy: real daemons. What is said is compared with what stands on their disks, by inode, so that
a folder that was fetched again is told from one that was renamed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lan.potluck import Potluck, same_outline, wait_for, wait_ring, write

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(300)]

READY_S = 30.0
FOLLOWS_S = 5.0
FILES = 40


def inodes(node: Potluck, label: str) -> dict[str, int]:
    """Which file is which, below the folder of a label."""
    top = node.shared / label
    return {
        str(path.relative_to(top)): path.stat().st_ino for path in top.rglob("*") if path.is_file()
    }


def on(node: Potluck, *words: object) -> None:
    """Run a command that sees the mounts of a daemon."""
    assert node.process is not None
    command = ["nsenter", "-t", str(node.process.pid), "-m", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def untouched(node: Potluck) -> bool:
    """Whether nothing went to the trash or aside."""
    trash = node.folder / ".potluck" / "trash"
    return not (node.folder / "Put aside").exists() and not any(trash.rglob("*"))


def calm(nodes: list[Potluck]) -> bool:
    return same_outline(nodes) and all(node.settled() for node in nodes)


@pytest.fixture
def three(devices):
    """Three devices; bert, who did not found the group, shares 40 photos; all have them."""
    nodes = []
    for node in devices(3):
        nodes.append(node.start())
        wait_ring(nodes, READY_S)
    bert = nodes[1]
    for number in range(FILES):
        write(bert.own / "photos" / f"{number}.jpg", os.urandom(20_000))
    whole = lambda: all(len(inodes(node, bert.label)) == FILES for node in nodes)  # noqa: E731
    wait_for(lambda: whole() and calm(nodes), READY_S, nodes)
    return nodes


def follows(nodes: list[Potluck], former: str, label: str, before: list[dict[str, int]]) -> bool:
    """Whether everybody has that folder under its new name, the very same files."""
    gone = not any((node.shared / former).exists() for node in nodes)
    same = [inodes(node, label) for node in nodes] == before
    return gone and same


def test_a_new_name_is_one_rename_on_every_disk(three) -> None:
    _, bert, _ = nodes = three
    before = [inodes(node, "bert") for node in nodes]
    with (three[2].shared / "bert/photos/0.jpg").open("rb") as held:
        done = bert.run("rename", "device", "bertha")
        assert done.returncode == 0, done.stderr
        assert "This device is called bertha now" in done.stdout
        wait_for(lambda: follows(nodes, "bert", "bertha", before), FOLLOWS_S, nodes)
        assert len(held.read()) == 20_000
    wait_for(lambda: calm(nodes), READY_S, nodes)
    assert all(map(untouched, nodes))
    write(bert.shared / "bertha" / "later.txt", b"later")
    wait_for(
        lambda: all((node.shared / "bertha/later.txt").exists() for node in nodes), READY_S, nodes
    )
    assert "bertha" in three[0].run("ls").stdout


def test_who_was_killed_or_off_meanwhile_renames_when_it_hears_of_it(three) -> None:
    anna, bert, cora = nodes = three
    before = [inodes(node, "bert") for node in nodes]
    cora.kill9()
    assert bert.run("rename", "device", "bertha").returncode == 0
    wait_for(lambda: follows([anna, bert], "bert", "bertha", before[:2]), FOLLOWS_S, nodes[:2])
    (cora.shared / "bertha").mkdir()
    write(cora.shared / "bertha" / "mine.txt", b"somebody's own")
    cora.start()
    wait_for(lambda: follows(nodes, "bert", "bertha", before), READY_S, nodes)
    [aside] = (cora.folder / "Put aside" / "bertha").rglob("mine.txt")
    assert aside.read_bytes() == b"somebody's own"
    wait_for(lambda: calm(nodes), READY_S, nodes)


@pytest.mark.parametrize("when", ["before_move_folder", "after_move_folder"])
def test_a_crash_in_the_middle_of_the_rename_loses_nothing(three, monkeypatch, when: str) -> None:
    _, bert, cora = nodes = three
    before = [inodes(node, "bert") for node in nodes]
    cora.stop()
    monkeypatch.setenv("POTLUCK_CRASHPOINT", when)
    cora.start()
    monkeypatch.delenv("POTLUCK_CRASHPOINT")
    wait_ring(nodes, READY_S)
    assert bert.run("rename", "device", "bertha").returncode == 0
    assert cora.process is not None
    cora.wait(cora.ended, READY_S)
    cora.start()
    wait_for(lambda: follows(nodes, "bert", "bertha", before), READY_S, nodes)
    wait_for(lambda: calm(nodes), READY_S, nodes)
    assert all(map(untouched, nodes))


def test_another_name_at_the_start_is_a_rename(three) -> None:
    _, bert, _ = nodes = three
    before = [inodes(node, "bert") for node in nodes]
    bert.stop()
    bert.start("--name", "bertha")
    wait_for(lambda: follows(nodes, "bert", "bertha", before), READY_S, nodes)
    bert.stop()
    bert.start("--name", "bertha")
    wait_for(lambda: calm(nodes), READY_S, nodes)
    assert all(map(untouched, nodes))


def test_a_machine_whose_disk_died_is_the_same_device_again(three, tmp_path: Path) -> None:
    anna, bert, cora = nodes = three
    (tmp_path / "phrase").write_text("amber tiger violin\n")
    words = (tmp_path / "identity", "--passphrase-file", tmp_path / "phrase")
    done = bert.run("backup-identity", *words)
    assert done.returncode == 0, done.stderr
    device = bert.status()["device"]
    assert bert.run("restore-identity", *words, "--force").returncode == 5, "while it runs"
    bert.kill9()
    for path in [each for each in bert.home.iterdir() if each != bert.log]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = bert.run("restore-identity", *words)
    assert done.returncode == 0, done.stderr
    write(bert.own / "new.txt", b"new")
    bert.start(open_door=False)
    wait_ring(nodes, READY_S)
    assert bert.status()["device"] == device
    wait_for(lambda: all((node.shared / "bert/new.txt").exists() for node in nodes), READY_S, nodes)
    for node in (anna, cora):
        assert len(inodes(node, "bert")) == FILES + 1, "nothing of the old is deleted"
        assert untouched(node)


def test_a_disk_mounted_inside_comes_along_and_one_mounted_on_the_folder_is_waited_for(
    three,
) -> None:
    anna, bert, cora = nodes = three
    before = [inodes(node, "bert") for node in nodes]
    inside, itself = cora.shared / "bert" / "photos" / "disk", anna.shared / "bert"
    on(cora, "mkdir", inside)
    on(cora, "mount", "-t", "tmpfs", "none", inside)
    on(cora, "touch", inside / "mine")
    on(anna, "mount", "-t", "tmpfs", "none", itself)
    assert bert.run("rename", "device", "bertha").returncode == 0
    moved = cora.shared / "bertha" / "photos" / "disk"
    cora.wait(lambda: inodes(cora, "bertha") == before[2], READY_S)
    on(cora, "test", "-e", moved / "mine")
    anna.wait(lambda: "cannot be renamed" in str(anna.status()), READY_S)
    assert itself.exists()
    on(cora, "umount", moved)
    on(anna, "umount", itself)
    (moved).rmdir()
    wait_for(lambda: follows(nodes, "bert", "bertha", before), READY_S, nodes)
    wait_for(lambda: calm(nodes), READY_S, nodes)
    assert all(map(untouched, nodes))


def test_who_was_called_the_same_follows_its_namesake(devices) -> None:
    """One becomes `anna-2`, and what the other `anna` does comes to it without another start."""
    nodes = devices(2)
    for node in nodes:
        node.label = "anna"
        node.start()
    wait_ring(nodes, READY_S)
    for node in nodes:
        node.label = node.status()["device"]["label"]
        node.own = node.shared / node.label
    anna, other = sorted(nodes, key=lambda node: node.label)
    assert (anna.label, other.label) == ("anna", "anna-2")
    write(anna.own / "a.txt", b"one")
    write(anna.own / "b.txt", b"goes")
    copy = other.shared / anna.label
    wait_for(lambda: (copy / "a.txt").exists() and (copy / "b.txt").exists(), READY_S, nodes)
    write(anna.own / "a.txt", b"another")
    (anna.own / "b.txt").unlink()
    write(other.own / "mine.txt", b"mine")
    changed = lambda: (copy / "a.txt").read_bytes() == b"another"  # noqa: E731
    wait_for(lambda: changed() and not (copy / "b.txt").exists(), READY_S, nodes)
    wait_for(lambda: calm(nodes), READY_S, nodes)
    assert (anna.shared / other.label / "mine.txt").read_bytes() == b"mine"
    assert other.status()["troubles"] == []


def test_an_identity_restored_from_before_a_removal_is_noticed_beside_the_device_itself(
    devices, tmp_path: Path
) -> None:
    """The copy knows no address and calls under the key from before the removal."""
    *nodes, copy = devices(4)
    for node in nodes:
        node.start()
    wait_ring(nodes, READY_S)
    (tmp_path / "phrase").write_text("amber tiger violin\n")
    phrase = ("--passphrase-file", tmp_path / "phrase")
    for node in nodes:
        done = node.run("backup-identity", tmp_path / f"{node.label}.id", *phrase)
        assert done.returncode == 0, done.stderr
    steward = next(
        node
        for node in nodes  # whoever founded the group
        if node.run(
            "remove", next(one.label for one in nodes if one is not node), "--yes"
        ).returncode
        == 0
    )
    assert copy.run("restore-identity", tmp_path / f"{steward.label}.id", *phrase).returncode == 0
    copy.start(open_door=False)
    kinds = lambda node: {one["kind"] for one in node.status().get("troubles", ())}  # noqa: E731
    wait_for(lambda: "clone" in kinds(steward) & kinds(copy), READY_S, [steward, copy])
