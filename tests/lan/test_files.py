"""Every kind of file and every kind of change, seen on the other hosts, and what it cost on the
wire.

Strategy: the owner's folder is changed with ordinary file operations; the others are compared by
outline until they agree, and then once by every byte. Bytes are counted at the bridge, everything
included.
"""

from __future__ import annotations

import os
import shutil
import stat
import time

import pytest

from potluck.core import limits
from tests.lan.potluck import (
    same_outline,
    stays,
    wait_for,
    wait_ring,
    wait_same,
    write,
    write_random,
)

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(300)]

CHANGE_S = 1.0 * 2  # promised 1 s on idle devices
WIRE_BYTES = (
    64 * limits.KIB
)  # a rename or a copy, acknowledgements and the ring's own talk included
TALK_BYTES_PER_S = 4 * limits.KIB  # more than the ring needs, for as long as it takes here
SPARSE_WIRE_BYTES = 2 * limits.MIB
BIG_BYTES = 20 * limits.MIB
FULL_BYTES = 300 * limits.MIB
SPARSE_BYTES = 5 * limits.GIB
READY_S = 30.0  # not promised, only needed to begin
MTIME_NS = 1_234_567_890_123_456_789
NFC, NFD = "caf\u00e9.txt", "cafe\u0301.txt"


def wire(hosts) -> int:
    """Bytes that all hosts sent so far."""
    return sum(count.sent for count in hosts.counters())


@pytest.fixture
def ring(devices):
    """`ring(2)` is a ring of that many, with empty own folders; the first is the owner in every
    test.
    """

    def make(n):
        nodes = [node.start() for node in devices(n)]
        wait_ring(nodes, READY_S)
        wait_for(
            lambda: all((one.shared / other.label).is_dir() for one in nodes for other in nodes),
            READY_S,
            nodes,
        )
        return nodes

    return make


def wait_settled(nodes) -> None:
    wait_for(lambda: same_outline(nodes) and all(node.settled() for node in nodes), READY_S, nodes)


def plant(folder) -> None:
    """One of every kind of file."""
    write(folder / "every byte.bin", bytes(range(256)))
    write(folder / "lines.txt", b"one\r\ntwo\r\nthree\n")
    write(folder / "nul.bin", b"a\0b\0\0c")
    write(folder / "empty", b"")
    write(folder / "one", b"1")
    write(folder / " leading and trailing ", b"spaces")
    write(folder / 'it\'s "quoted" & $HOME; `id` %s {x} [y] #z !', b"shell")
    write(folder / "-rf", b"not an option")
    write(folder / ".hidden", b"dot")
    write(folder / "nfc" / NFC, b"composed")
    write(folder / "nfd" / NFD, b"decomposed")
    write(folder / "日本語 עברית 🎉.txt", b"wide")
    write(folder / ("n" * 251 + ".txt"), b"as long as a name can be")
    write(folder.joinpath(*(f"d{n}" for n in range(40))) / "deep.txt", b"deep")
    (folder / "an empty folder" / "in another").mkdir(parents=True)
    script = write(folder / "run.sh", b"#!/bin/sh\necho hello\n")
    script.chmod(0o755)
    old = write(folder / "old.txt", b"from 2009")
    os.utime(old, ns=(MTIME_NS, MTIME_NS))
    for size in (limits.PIECE_MIN_BYTES - 1, limits.PIECE_MIN_BYTES, limits.PIECE_MIN_BYTES + 1):
        write_random(folder / f"around a piece {size}", size)
    write_random(folder / "big.bin", BIG_BYTES)


def test_every_kind_of_file_arrives_on_all(ring):
    nodes = ring(3)
    owner, *others = nodes
    plant(owner.own)
    wait_for(lambda: len(owner.outline()) > 40, READY_S, nodes)
    wait_same(nodes, 60)
    for node in others:
        theirs = node.shared / owner.label
        assert (theirs / "every byte.bin").read_bytes() == bytes(range(256))
        assert (theirs / "old.txt").stat().st_mtime_ns == MTIME_NS
        assert (theirs / "run.sh").stat().st_mode & stat.S_IXUSR
        assert not (theirs / "lines.txt").stat().st_mode & stat.S_IXUSR
        assert (theirs / "an empty folder" / "in another").is_dir()
        assert os.listdir(theirs / "nfc") == [NFC]
        assert os.listdir(theirs / "nfd") == [NFD]


def test_everybody_owns_a_folder(ring):
    nodes = ring(3)
    for node in nodes:
        write(node.own / f"from {node.label}.txt", node.label.encode())
    wait_for(lambda: same_outline(nodes) and len(nodes[0].outline()) >= 6, READY_S, nodes)
    wait_same(nodes, READY_S)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_a_big_file(ring):
    nodes = ring(3)
    write_random(nodes[0].own / "big.bin", FULL_BYTES)
    wait_same(nodes, 240)


@pytest.mark.full
def test_many_small_files(ring):
    nodes = ring(2)
    for n in range(5_000):
        write(nodes[0].own / f"folder {n % 50}" / f"{n}.txt", b"%d" % n * (n % 500))
    wait_same(nodes, 120)


def test_a_sparse_file_stays_sparse_and_costs_nothing(ring):
    owner, other = nodes = ring(2)
    wait_settled(nodes)
    before = wire(owner.hosts)
    with (owner.own / "disk.img").open("wb") as file:
        file.truncate(SPARSE_BYTES)
    copy = other.shared / owner.label / "disk.img"
    wait_for(lambda: same_outline(nodes) and copy.exists(), 120, nodes)
    cost = wire(owner.hosts) - before
    info = copy.stat()
    assert info.st_size == SPARSE_BYTES
    assert info.st_blocks * 512 < 16 * limits.MIB
    assert cost <= SPARSE_WIRE_BYTES, cost
    assert owner.tree_hash() == other.tree_hash()


def test_a_refused_name_is_told_to_its_owner_and_harms_nothing(ring):
    owner, other = nodes = ring(2)
    (owner.own / "two\nlines.txt").write_text("x")
    write(owner.own / "after.txt", b"fine")
    arrived = other.shared / owner.label / "after.txt"
    wait_for(arrived.exists, READY_S, nodes)
    wait_for(
        lambda: any("lines.txt" in one["path"] for one in owner.status().get("refused", ())),
        READY_S,
        nodes,
    )
    printed = owner.run("status").stdout
    assert "two\nlines" not in printed
    assert "lines.txt" in printed
    assert not any("lines.txt" in name for name in other.outline())
    assert (owner.own / "two\nlines.txt").read_text() == "x"


def test_changes_on_idle_devices_are_seen_within_a_second(ring):
    owner, other = nodes = ring(2)
    theirs = other.shared / owner.label
    wait_settled(nodes)

    def holds(name, data):
        path = theirs / name
        return path.exists() and path.read_bytes() == data

    write(owner.own / "note.txt", b"first")
    wait_for(lambda: holds("note.txt", b"first"), CHANGE_S, nodes)
    wait_settled(nodes)

    write(owner.own / "note.txt", b"second, longer")
    wait_for(lambda: holds("note.txt", b"second, longer"), CHANGE_S, nodes)
    wait_settled(nodes)

    new = write(owner.own / "note.txt~new", b"third, the way editors save")
    os.replace(new, owner.own / "note.txt")
    wait_for(lambda: holds("note.txt", b"third, the way editors save"), CHANGE_S, nodes)
    wait_settled(nodes)

    (owner.own / "note.txt").chmod(0o755)
    wait_for(lambda: (theirs / "note.txt").stat().st_mode & stat.S_IXUSR, CHANGE_S, nodes)
    wait_settled(nodes)

    (owner.own / "folder").mkdir()
    wait_for((theirs / "folder").is_dir, CHANGE_S, nodes)
    os.rename(owner.own / "note.txt", owner.own / "folder" / "renamed.txt")
    wait_for(lambda: holds("folder/renamed.txt", b"third, the way editors save"), CHANGE_S, nodes)
    wait_for(lambda: not (theirs / "note.txt").exists(), CHANGE_S, nodes)
    wait_settled(nodes)

    (owner.own / "folder" / "renamed.txt").unlink()
    wait_for(lambda: not (theirs / "folder" / "renamed.txt").exists(), CHANGE_S, nodes)
    wait_settled(nodes)

    os.rmdir(owner.own / "folder")
    wait_for(lambda: not (theirs / "folder").exists(), CHANGE_S, nodes)
    wait_same(nodes, READY_S)


@pytest.mark.xfail(
    strict=True, reason="pieces of the version before are not used again yet: docs/protocol.md §7"
)
def test_editing_one_piece_sends_one_piece(ring):
    owner, _ = nodes = ring(2)
    big = write_random(owner.own / "big.bin", BIG_BYTES)
    wait_for((nodes[1].shared / owner.label / "big.bin").exists, READY_S, nodes)
    wait_settled(nodes)
    before = wire(owner.hosts)
    with big.open("r+b") as file:
        file.seek(BIG_BYTES // 2)
        file.write(os.urandom(4096))
    edited = big.stat().st_mtime_ns
    copy = nodes[1].shared / owner.label / "big.bin"
    wait_for(lambda: copy.stat().st_mtime_ns == edited, 10, nodes)
    cost = wire(owner.hosts) - before
    assert cost <= limits.PIECE_MIN_BYTES * 1.1 + WIRE_BYTES, cost
    wait_same(nodes, READY_S)


@pytest.mark.parametrize("act", ["rename", "copy"])
def test_a_renamed_or_copied_file_is_not_sent_again(ring, act):
    owner, other = nodes = ring(2)
    big = write_random(owner.own / "big.bin", BIG_BYTES)
    wait_for((other.shared / owner.label / "big.bin").exists, READY_S, nodes)
    wait_settled(nodes)
    before, begun_s = wire(owner.hosts), time.monotonic()
    if act == "rename":
        os.rename(big, owner.own / "new.bin")
    else:
        shutil.copyfile(big, owner.own / "new.bin")
    copy = other.shared / owner.label / "new.bin"
    # promised for small files; hashing 20 MiB again is allowed for
    wait_for(lambda: copy.exists() and same_outline(nodes), CHANGE_S * 2, nodes)
    cost = wire(owner.hosts) - before
    assert cost < WIRE_BYTES + TALK_BYTES_PER_S * (time.monotonic() - begun_s), cost
    wait_same(nodes, READY_S)


@pytest.mark.full
def test_what_another_changes_in_my_folder_never_comes_back(ring):
    owner, other = nodes = ring(2)
    note = write(owner.own / "note.txt", b"mine")
    copy = other.shared / owner.label / "note.txt"
    wait_for(copy.exists, READY_S, nodes)
    wait_settled(nodes)
    copy.chmod(0o644)
    copy.write_bytes(b"overwritten by somebody else")
    assert stays(lambda: note.read_bytes() == b"mine", 3)
    write(owner.own / "after.txt", b"still alive")
    wait_for((other.shared / owner.label / "after.txt").exists, READY_S, nodes)
