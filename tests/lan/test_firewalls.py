"""Firewalls: whoever can dial dials. Real daemons behind real rules, of nftables in their own
namespaces.

Strategy: "inbound denied" is what ufw does by default: answers come in, and nothing else but a
ping. Which of two lonely devices has to come to the other is chance, so each case is played with
the firewall on one and on the other side, and more than once. Limits: promises of docs/figures.md
are not measured here: a dial into a firewall takes as long as it takes.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
from array import array

import pytest

from tests.lan.hosts import Hosts
from tests.lan.potluck import (
    Potluck,
    full,
    stays,
    wait_for,
    wait_ring,
    write,
    write_random,
)

pytestmark = [pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(300)]

JOIN_S = 40.0
FILES_S = 60.0
SAID_S = 40.0
BIG_BYTES = 3_000_000

DENIED = """
table inet denied {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    icmp type echo-request accept
    {verdict}
  }}
}}
"""
VERDICTS = {
    "drop": "",  # not a word, as ufw has it
    "reset": "meta l4proto tcp reject with tcp reset; reject",  # looks like nobody listening
    "prohibited": "reject with icmpx type admin-prohibited",  # as firewalld has it
}
# as some routers and offices have it, in both directions
NO_DATAGRAMS = """
table inet no_datagrams {
  chain input { type filter hook input priority 0; iif lo accept; meta l4proto udp drop; }
  chain output { type filter hook output priority 0; oif lo accept; meta l4proto udp drop; }
}
"""
# what is longer is lost, and nobody says so; lengths are those of the wire, so a card must not
# join packets (see `_plain_card`)
NARROW = """
table inet narrow {
  chain input { type filter hook input priority 0; iif lo accept; meta length > 1300 drop; }
}
"""
# SIOCETHTOOL, and its commands that switch off segmentation and joining of packets by the card
_SIOCETHTOOL = 0x8946
_OFFLOADS = (0x1F, 0x24, 0x2C, 0x19, 0x17)


def filter_at(hosts: Hosts, i: int, rules: str) -> None:
    """Load rules into the namespace of one host."""
    done = hosts.run(i, ["nft", "-f", "-"], stdin=None, input=rules)
    assert done.returncode == 0, done.stderr


def deny_at(node: Potluck, verdict: str) -> None:
    """Let nothing in at the host of a device but what it asked for."""
    filter_at(node.hosts, node.i, DENIED.format(verdict=VERDICTS[verdict]))


def _plain_card() -> None:
    """Have eth0 of this namespace send and take packets as they are on the wire."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in _OFFLOADS:
            value = array("B", struct.pack("II", command, 0))
            address, _ = value.buffer_info()
            fcntl.ioctl(sock, _SIOCETHTOOL, struct.pack("16sP", b"eth0", address))


def both_ways(nodes: list[Potluck]) -> None:
    """Each writes a small and a large file; all come to all others."""
    for node in nodes:
        write(node.own / "small.txt", b"x" * 1000)
        write_random(node.own / "large.bin", BIG_BYTES)

    def there(holder: Potluck, owner: Potluck) -> bool:
        large = holder.shared / owner.label / "large.bin"
        small = holder.shared / owner.label / "small.txt"
        return small.exists() and large.exists() and large.stat().st_size == BIG_BYTES

    def all_there() -> bool:
        return all(there(one, other) for one in nodes for other in nodes if one is not other)

    wait_for(all_there, FILES_S, nodes)


@pytest.mark.parametrize("denying", [0, 1])
@pytest.mark.parametrize(
    ("verdict", "turn"),
    [("drop", 0), full("drop", 1), full("drop", 2), full("reset", 0), full("prohibited", 0)],
)
def test_inbound_denied_on_one_of_two_they_join_and_files_pass_both_ways(
    devices, denying, verdict, turn
):
    nodes = devices(2)
    deny_at(nodes[denying], verdict)
    for node in nodes:
        node.start()
    wait_ring(nodes, JOIN_S)
    both_ways(nodes)


@pytest.mark.full
@pytest.mark.parametrize("denying", [0, 2], ids=["its member", "the newcomer"])
def test_a_newcomer_comes_into_a_group_if_one_of_them_lets_nothing_in(devices, denying):
    nodes = devices(3)
    deny_at(nodes[denying], "drop")
    for node in nodes[:2]:
        node.start()
    wait_ring(nodes[:2], JOIN_S)
    nodes[2].start()
    wait_ring(nodes, JOIN_S)
    both_ways(nodes)


@pytest.mark.parametrize("verdict", [full("drop"), "reset", full("prohibited")])
def test_inbound_denied_on_both_is_said_on_both_with_the_port(devices, verdict):
    nodes = devices(2)
    for node in nodes:
        deny_at(node, verdict)
        node.start()

    def said() -> bool:
        logs = [node.log.read_text(encoding="utf-8", errors="replace") for node in nodes]
        return all("a firewall on one of the two" in log and "7685" in log for log in logs)

    wait_for(said, SAID_S, nodes)


@pytest.mark.full
def test_where_udp_is_blocked_those_who_have_met_go_on_and_others_do_not_meet(devices):
    nodes = devices(3)
    met, stranger = nodes[:2], nodes[2]
    for node in met:
        node.start()
    wait_ring(met, JOIN_S)
    for node in nodes:
        filter_at(node.hosts, node.i, NO_DATAGRAMS)
    met[1].stop()
    met[1].start()
    wait_ring(met, JOIN_S)
    both_ways(met)
    door = f"{met[0].hosts.address(met[0].i)}:7685"
    stranger.start("--peer", door)
    wait_for(lambda: f"and {door} by UDP" in stranger.run("peers").stdout, SAID_S, nodes)
    assert stays(lambda: not stranger.status().get("found"), 5.0)
    wait_ring(met, JOIN_S)


@pytest.mark.full
def test_packets_longer_than_1300_bytes_are_lost_and_files_come_all_the_same(devices):
    nodes = devices(2)
    for node in nodes:
        code = f"import sys; sys.path.insert(0, {sys.path[0]!r})"
        call = "from tests.lan.test_firewalls import _plain_card; _plain_card()"
        done = node.hosts.run(node.i, [sys.executable, "-c", f"{code}; {call}"])
        assert done.returncode == 0, done.stderr
        filter_at(node.hosts, node.i, NARROW)
        node.start()
    wait_ring(nodes, JOIN_S)
    both_ways(nodes)
