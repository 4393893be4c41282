"""Ends of every kind, graceful and not, and that work goes on afterwards where it stopped.

Strategy: the bridge lets the first part of a file pass and the rest only crawl, so that "half way"
lasts however busy the machine is: no step of a test has to come in time for it. Bytes counted there
say how much was sent twice. After every end the host must be empty and no unfinished file may bear
a final name.
"""

from __future__ import annotations

import os
import signal

import pytest

from potluck.core import limits
from tests.fair_time import at_least
from tests.lan.potluck import (
    full,
    same_outline,
    wait_for,
    wait_ring,
    wait_same,
    write,
    write_random,
)

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(600)]

LEAVE_S = limits.LEAVE_S * 1.5  # promised 5 s, `down` starting its own Python included
READY_S = 30.0  # not promised, only needed to go on
SIZE_BYTES = 40 * limits.MIB
FIRST = "16m"  # passes at once
CRAWL = "8mbit"  # the rest takes 25 s: whoever leaves meanwhile is long gone
BEGUN_BYTES = 12 * limits.MIB  # of the file are there and checked: what passed at once, nearly
FRAMING = 1.08  # Ethernet, IP, TCP and TLS around the content, and acknowledgements
RESENT = 0.10  # promised: less than a tenth is sent twice


@pytest.fixture
def pair(devices):
    """Two in a ring, and a file of 40 MiB on its way from the first to the second, a good part
    there; the rest crawls until `go_on`.
    """
    owner, other = nodes = [node.start() for node in devices(2)]
    wait_ring(nodes, READY_S)
    wait_for(owner.own.is_dir, READY_S, nodes)
    owner.hosts.rate(owner.i, CRAWL, at_once=FIRST)
    start = received(other)
    # renamed into the folder: written there it might be shared by half first
    os.rename(write_random(owner.home / "big", SIZE_BYTES), owner.own / "big.bin")
    wait_for(lambda: come(other) > BEGUN_BYTES, READY_S, nodes)
    return owner, other, start


def go_on(owner) -> None:
    """Let the rest of the file travel without a limit."""
    owner.hosts.rate(owner.i, None)


def come(node) -> int:
    """How many bytes of a file are there."""
    return max([one["done"] for one in node.status().get("transfers", ())], default=0)


def received(node) -> int:
    return node.hosts.counters()[node.i].received


def check_gone(node) -> None:
    """Nothing runs on its host any more, and nothing unfinished stands under a final name."""
    assert node.hosts.pids(node.i) == []
    assert node.part_files() == []


@pytest.mark.parametrize("way", ["down", *map(full, ("exit", "SIGINT", "SIGTERM"))])
def test_leaving_in_the_middle_of_a_transfer(pair, way):
    owner, other, _ = pair
    if way == "exit":
        assert other.run("exit").returncode == 0
        spent = other.stop(0) if other.process.poll() is None else 0.0
    else:
        spent = other.stop(None if way == "down" else getattr(signal, way))
    assert spent <= at_least(LEAVE_S)
    assert other.process.returncode == 0, other.said()
    check_gone(other)
    assert not (other.shared / owner.label / "big.bin").exists()
    wait_ring([owner], READY_S)
    assert owner.stop() <= at_least(LEAVE_S)
    check_gone(owner)


@pytest.mark.full
def test_the_owner_leaves_in_the_middle_of_a_transfer(pair):
    owner, other, start = pair
    assert owner.stop() <= at_least(LEAVE_S)
    check_gone(owner)
    assert not (other.shared / owner.label / "big.bin").exists()
    go_on(owner)
    owner.start()
    wait_same([owner, other], 60)
    assert received(other) - start < SIZE_BYTES * (FRAMING + RESENT)


@pytest.mark.parametrize("way", [full("down"), "kill"])
def test_a_parked_transfer_goes_on_where_it_stopped(pair, way):
    owner, other, start = pair
    if way == "down":
        other.stop()
    else:
        other.kill9()
    check_gone(other)
    assert not (other.shared / owner.label / "big.bin").exists()
    go_on(owner)
    other.start()
    wait_for(lambda: same_outline([owner, other]), 60, [owner, other])
    sent = received(other) - start
    assert sent < SIZE_BYTES * (FRAMING + RESENT), sent / SIZE_BYTES
    wait_same([owner, other], READY_S)
    assert other.part_files() == []


def test_a_cable_pulled_during_a_transfer_and_plugged_in_again(pair):
    owner, other, _ = pair
    other.hosts.cable(other.i, False)
    wait_ring([owner], READY_S)  # it has been missed
    assert not (other.shared / owner.label / "big.bin").exists()
    go_on(owner)
    other.hosts.cable(other.i, True)
    wait_same([owner, other], 90)


def test_who_was_away_catches_up_while_the_owner_is_off(devices):
    owner, middle, late = nodes = [node.start() for node in devices(3)]
    wait_ring(nodes, READY_S)
    late.stop()
    write(owner.own / "news.txt", b"while you were away")
    write_random(owner.own / "folder" / "photo.jpg", 3 * limits.MIB)
    copy = middle.shared / owner.label / "folder" / "photo.jpg"
    wait_for(lambda: copy.exists() and same_outline([owner, middle]), READY_S, nodes)
    owner.stop()
    late.start()
    wait_same([middle, late], READY_S)
    theirs = late.shared / owner.label
    assert (theirs / "news.txt").read_bytes() == b"while you were away"
    assert (theirs / "folder" / "photo.jpg").read_bytes() == copy.read_bytes()


def test_a_deletion_missed_while_away_is_made_up_for(devices):
    owner, other = nodes = [node.start() for node in devices(2)]
    wait_ring(nodes, READY_S)
    note = write(owner.own / "note.txt", b"short life")
    write(owner.own / "stays.txt", b"long life")
    theirs = other.shared / owner.label
    wait_for(
        lambda: (theirs / "note.txt").exists() and (theirs / "stays.txt").exists(), READY_S, nodes
    )
    other.stop()
    note.unlink()
    write(owner.own / "new.txt", b"newer")
    other.start()
    wait_for(
        lambda: not (theirs / "note.txt").exists() and (theirs / "new.txt").exists(), READY_S, nodes
    )
    wait_same(nodes, READY_S)


def test_all_restart_and_nothing_is_sent_again(devices):
    nodes = [node.start() for node in devices(2)]
    wait_ring(nodes, READY_S)
    owner, other = nodes
    write_random(owner.own / "big.bin", 20 * limits.MIB)
    wait_for((other.shared / owner.label / "big.bin").exists, READY_S, nodes)
    wait_for(lambda: all(node.settled() for node in nodes), READY_S, nodes)
    for node in nodes:
        node.stop()
    before = received(other)
    for node in nodes:
        node.start()
    wait_ring(nodes, READY_S)
    wait_for(lambda: all(node.settled() for node in nodes), READY_S, nodes)
    assert received(other) - before < 256 * limits.KIB
    wait_same(nodes, READY_S)
