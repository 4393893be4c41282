"""News never waits behind bytes: while a big file crosses a slow link, what else happens is there.

Strategy: a big file that cannot be done in the time of the test is under way to every receiver;
then its owner adds, renames and deletes small files, one after the other, and each change is
awaited at the other end for as long as is promised. All the while both sides must see each other.

Limits: a queue of 256 KiB in front of the slow link, as a small router has it (tests/lan/hosts.py).
"""

from __future__ import annotations

import os

import pytest

from potluck.core import limits
from tests.lan.potluck import full, stays, wait_for, wait_ring, write, write_random

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(300)]

READY_S = 30.0  # not promised, only needed to begin
ROUNDS = 3
UNDER_WAY_BYTES = 256 * limits.KIB  # of the big file are there: it has the link


def begun(nodes, big_bytes):
    """Make a ring in which old files are everywhere; return the owner and the others."""
    for node in nodes:
        node.start()
    wait_ring(nodes, READY_S)
    owner, *others = nodes
    for number in range(ROUNDS):
        write(owner.own / f"old {number}", b"to be deleted")
        write(owner.own / f"name {number}", b"to be renamed")
    wait_for(lambda: all(len(there(owner, one)) == 2 * ROUNDS for one in others), READY_S, nodes)
    write_random(owner.home / "big", big_bytes)
    return owner, others


def there(owner, node):
    """The names in the owner's folder, at a node; without the big file."""
    folder = node.shared / owner.label
    names = os.listdir(folder) if folder.exists() else []
    return sorted(name for name in names if name != "big")


def under_way(node):
    """Whether the big file is crossing to a node, and has begun to."""
    come = [one["done"] for one in node.status().get("transfers", ())]
    return bool(come) and max(come) >= UNDER_WAY_BYTES


def change_and_wait(owner, nodes, within_s):
    """Change three things, one after the other, and await each at the nodes."""

    def arrived():
        here = there(owner, owner)
        return all(there(owner, node) == here for node in nodes)

    for number in range(ROUNDS):
        write(owner.own / f"new {number}", os.urandom(limits.KIB))
        wait_for(arrived, within_s, [owner, *nodes])
        os.rename(owner.own / f"name {number}", owner.own / f"renamed {number}")
        wait_for(arrived, within_s, [owner, *nodes])
        os.unlink(owner.own / f"old {number}")
        wait_for(arrived, within_s, [owner, *nodes])


def nobody_is_missed(nodes):
    return all(node.device(other.label).get("online") for node in nodes for other in nodes)


@pytest.mark.parametrize(
    ("rate", "big_bytes", "within_s"),
    [("10mbit", 300 * limits.MIB, 1.0), full("1mbit", 60 * limits.MIB, 5.0)],
    ids=["10 Mbit/s", "1 Mbit/s"],
)
def test_what_else_its_owner_does_arrives_while_a_big_file_crosses(
    devices, rate, big_bytes, within_s
):
    nodes = devices(2)
    owner, (other,) = begun(nodes, big_bytes)
    other.hosts.rate(other.i, rate)
    os.rename(owner.home / "big", owner.own / "big")
    other.wait(lambda: under_way(other), READY_S)
    change_and_wait(owner, [other], within_s)
    assert under_way(other), "the big file was done too soon to prove anything"
    # who stands still for longer than that is missed for a moment, and rightly
    wait_for(lambda: stays(lambda: nobody_is_missed(nodes), 2.0), READY_S, nodes)


@pytest.mark.full
def test_one_slow_receiver_delays_no_other(devices):
    nodes = devices(3)
    owner, (quick, slow) = begun(nodes, 60 * limits.MIB)
    slow.hosts.rate(slow.i, "1mbit")
    os.rename(owner.home / "big", owner.own / "big")
    wait_for((quick.shared / owner.label / "big").exists, 15.0, nodes)
    wait_for(lambda: under_way(slow), READY_S, nodes)
    write_random(owner.home / "another", 60 * limits.MIB)
    os.rename(owner.home / "another", owner.own / "another")
    wait_for((quick.shared / owner.label / "another").exists, 15.0, nodes)
    os.unlink(owner.own / "another")
    change_and_wait(owner, [quick], 1.0)
    wait_for(lambda: there(owner, slow) == there(owner, owner), 5.0, nodes)
    assert under_way(slow)
    # who stands still for longer than that is missed for a moment, and rightly
    wait_for(lambda: stays(lambda: nobody_is_missed(nodes), 2.0), READY_S, nodes)
