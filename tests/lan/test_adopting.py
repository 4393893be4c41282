"""What becomes of the folder of a removed device, among real daemons: it is forgotten, or adopted.

Strategy: trees on the disks are compared; that nothing is sent again is seen by the bytes that the
hosts received meanwhile.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.lan.potluck import Potluck, wait_for, wait_ring, write

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(300)]

READY_S = 30.0
GOES_S = 30.0
FILES, FILE_BYTES = 40, 200_000


def content(top: Path) -> dict[str, bytes]:
    try:
        return {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()}
    except FileNotFoundError:  # it is renamed just now, or goes
        return {}


def trashed(node: Potluck) -> int:
    """How many contents are in the trash; one may be there twice after a crash."""
    every = (node.folder / ".potluck" / "trash").rglob("*")
    return len({path.read_bytes() for path in every if path.is_file()})


def received_bytes(node: Potluck) -> int:
    """What came to a host over the network so far."""
    assert node.process is not None
    lines = Path(f"/proc/{node.process.pid}/net/dev").read_text().splitlines()[2:]
    return sum(int(line.split(":")[1].split()[0]) for line in lines if "lo:" not in line)


@pytest.fixture
def left(devices):
    """A steward and another member, both with 40 files of a third, which was removed."""
    nodes = [node.start() for node in devices(3)]
    wait_ring(nodes, READY_S)
    steward = next(n for n in nodes if n.run("admin", "add", n.label).returncode == 0)
    out, other = (n for n in nodes if n is not steward)
    for number in range(FILES):
        write(out.own / "photos" / f"{number}.jpg", os.urandom(FILE_BYTES))
    wait_for(lambda: all(len(content(n.shared / out.label)) == FILES for n in nodes), 60.0, nodes)
    done = steward.run("remove", out.label, "--yes")
    assert done.returncode == 0, done.stderr
    assert out.process is not None
    out.wait(out.ended, READY_S)
    wait_ring([steward, other], READY_S)
    return steward, other, out


def test_a_forgotten_folder_goes_to_the_trash_everywhere_also_where_it_was_not_heard_at_once(left):
    steward, other, out = left
    refused = other.run("forget", out.label, "--yes")
    assert (refused.returncode, steward.label in refused.stderr) == (5, True)
    write(other.own / "mine.txt", b"mine")
    write(other.shared / "stray.txt", b"a stray")
    wait_for((steward.shared / other.label / "mine.txt").exists, READY_S, [steward])
    other.kill9()
    done = steward.run("remove", out.label, "--forget", "--yes")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not (steward.shared / out.label).exists(), GOES_S, [steward])
    assert trashed(steward) == FILES
    other.start(open_door=False)
    wait_for(lambda: trashed(other) > 0, GOES_S, [other])
    other.kill9()
    other.start(open_door=False)
    wait_for(lambda: not (other.shared / out.label).exists(), GOES_S, [other])
    assert trashed(other) == FILES
    assert (other.shared / "stray.txt").read_bytes() == b"a stray"
    assert (other.own / "mine.txt").read_bytes() == b"mine"
    assert out.label not in steward.run("ls").stdout + other.run("ls").stdout
    assert steward.run("wait", "--synced", "--timeout", "60").returncode == 0
    assert len(content(out.own)) == FILES, "what it has it keeps"


def test_an_adopted_folder_is_part_of_the_own_one_everywhere_and_nothing_is_sent(left):
    steward, other, out = left
    files = content(steward.shared / out.label)
    before = received_bytes(other)
    done = steward.run("adopt", out.label)
    assert done.returncode == 0, done.stderr
    place = Path(steward.label) / out.label
    wait_for(
        lambda: all(content(n.shared / place) == files for n in (steward, other)), GOES_S, left[:2]
    )
    nodes = [steward, other]
    wait_for(lambda: not any((n.shared / out.label).exists() for n in nodes), GOES_S, nodes)
    assert received_bytes(other) - before < FILES * FILE_BYTES / 4
    assert [trashed(n) for n in nodes] == [FILES, FILES]
    assert steward.run("wait", "--synced", "--timeout", "60").returncode == 0


def answered(node: Potluck, *options: str) -> bool:
    """Say yes to whoever asks there by now; False if nobody does."""
    ids = [request["id"] for request in node.status().get("requests", ())]
    return [node.run("approve", each, *options, "--yes").returncode for each in ids] == [0]


def refused(node: Potluck, *options: str) -> bool:
    """Say whether it is refused there, with what to type instead, to answer so whoever asks."""
    ids = [request["id"] for request in node.status().get("requests", ())]
    done = [node.run("approve", each, *options, "--yes") for each in ids]
    said = [("steward" in each.stderr, "once it is in: approve " in each.stderr) for each in done]
    return [each.returncode for each in done] == [5] and said == [(True, True)]


def test_a_machine_installed_anew_has_name_and_files_of_the_one_before(left):
    steward, other, out = left
    files = content(steward.shared / out.label)
    nodes = [steward, other]
    for node in nodes:
        assert node.run("close").returncode == 0
    shutil.rmtree(out.home)
    new = Potluck(out.hosts, out.i, out.home.parent, "again").start(open_door=False)
    hosts: list[Potluck] = []  # who talks to the newcomer: that is a matter of chance

    def is_answered() -> bool:
        """Say yes where the newcomer is talked to; a steward there says whom it replaces, too."""
        if answered(steward, "--replace", out.label):
            hosts.append(steward)
        elif refused(other, "--replace", out.label) and answered(other):
            hosts.append(other)
        return bool(hosts)

    try:
        wait_for(lambda: new.status().get("requests"), READY_S, [*nodes, new])
        wait_for(is_answered, READY_S, [*nodes, new])
        wait_for(lambda: answered(new), READY_S, [*nodes, new])
        everybody = [*nodes, new]
        if hosts == [
            other
        ]:  # nobody has the place of another without the word of a steward's person
            wait_ring(everybody, READY_S)
            done = steward.run("approve", new.label, "--replace", out.label)
            assert done.returncode == 0, done.stderr
        wait_for(
            lambda: all(content(n.shared / out.label) == files for n in everybody), 60.0, everybody
        )
        wait_for(
            lambda: all(
                {path.name for path in n.shared.iterdir()} == {d.label for d in nodes} | {out.label}
                for n in everybody
            ),
            60.0,
            everybody,
        )
        wait_for(lambda: all(n.settled() for n in everybody), READY_S, everybody)
        assert trashed(new) == FILES
    finally:
        new.stop()
