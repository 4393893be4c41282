"""The LAN itself: that cables, drops, rates and counters do what the other tests build on.

Strategy: plain sockets in the hosts; every trouble is shown to bite and to end.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress

import pytest

from tests.fair_time import FairTime
from tests.lan.hosts import PREFIX, Hosts, sweep, unavailable, wait_until

pytestmark = pytest.mark.lan
PORT = 9999
ARP_S = 5.0  # a host that did not answer is asked again once a second


def udp(hosts: Hosts, i: int) -> socket.socket:
    sock = hosts.socket(i, kind=socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.settimeout(0.3)
    sock.bind(("", PORT))
    return sock


def arrives(source: socket.socket, target: socket.socket, host: str) -> bool:
    """Whether a datagram gets through; what waited from before is thrown away first."""
    mark = os.urandom(8)
    source.sendto(mark, (host, PORT))
    try:
        while target.recv(100) != mark:
            pass
    except TimeoutError:
        return False
    return True


@pytest.fixture
def pair(hosts):
    lan = hosts(2)
    with udp(lan, 0) as one, udp(lan, 1) as other:
        yield lan, one, other


def test_hosts_reach_each_other_and_nothing_else(pair):
    lan, one, other = pair
    assert arrives(one, other, lan.address(1))
    assert arrives(one, other, lan.address(0).rsplit(".", 1)[0] + ".255")
    names = lan.run(0, ["ls", "/sys/class/net"]).stdout.split()
    assert sorted(names) == ["eth0", "lo"]


def test_a_pulled_cable_stops_everything_until_it_is_plugged_in(pair):
    lan, one, other = pair
    lan.cable(1, False)
    assert not arrives(one, other, lan.address(1))
    wait_until(lambda: "NO-CARRIER" in lan.run(1, ["ip", "link", "show", "eth0"]).stdout, 5)
    lan.cable(1, True)
    wait_until(lambda: arrives(one, other, lan.address(1)), ARP_S)


def test_dropped_multicast_leaves_unicast(pair):
    lan, one, other = pair
    everybody = lan.address(0).rsplit(".", 1)[0] + ".255"
    for deaf in (0, 1):
        lan.drop_multicast(deaf)
        assert not arrives(one, other, everybody)
        assert arrives(one, other, lan.address(1))
        lan.heal()
        assert arrives(one, other, everybody)


def test_two_hosts_torn_apart(pair):
    lan, one, other = pair
    lan.drop_all(0, 1)
    assert not arrives(one, other, lan.address(1))
    assert not arrives(other, one, lan.address(0))
    lan.heal()
    wait_until(lambda: arrives(one, other, lan.address(1)), ARP_S)


def test_a_rate_is_a_rate(hosts):
    lan = hosts(2)
    lan.rate(0, "40mbit")
    with lan.socket(1) as server, lan.socket(0) as client, ExitStack() as hold:
        server.bind(("", PORT))
        server.listen()
        client.connect((lan.address(1), PORT))
        link, _ = server.accept()
        with link:
            before, start = lan.counters(), time.monotonic()
            clock = hold.enter_context(FairTime())
            client.setblocking(False)
            link.settimeout(60)
            got, wanted = 0, 4_000_000
            while got < wanted:
                with suppress(BlockingIOError):
                    client.send(bytes(65536))
                got += len(link.recv(65536))
            spent = time.monotonic() - start
            after = lan.counters()
    assert spent > 0.5  # 0.8 s by the book
    assert clock.spent() < 4
    assert 4_000_000 <= after[0].sent - before[0].sent < 6_000_000
    assert after[1].received - before[1].received >= 4_000_000


def test_neighbours_are_made_known(hosts):
    lan = hosts(3)
    lan.acquaint()
    table = lan.run(0, ["cat", "/proc/net/arp"]).stdout
    assert lan.address(1) in table
    assert lan.address(2) in table


def test_processes_are_seen_and_ended(hosts):
    lan = hosts(1)
    process = lan.popen(0, [sys.executable, "-c", "import os, time; os.fork(); time.sleep(1000)"])
    wait_until(lambda: len(lan.pids(0)) == 2, 5)
    lan.kill(0)
    assert lan.pids(0) == []
    assert process.wait() == -signal.SIGKILL


def test_what_a_dead_run_left_is_swept_and_nothing_else(hosts):
    lan = hosts(1)
    with subprocess.Popen(["true"]) as dead:
        pass
    name = f"{PREFIX}-{dead.pid}-0-h0"
    subprocess.run(["ip", "netns", "add", name], check=True)
    assert name in sweep()
    assert name not in sweep()
    assert lan.run(0, ["true"]).returncode == 0


def test_closing_leaves_nothing(hosts):
    assert unavailable() == ""
    with Hosts(2) as lan:
        process = lan.popen(0, ["sleep", "1000"])
        mark = lan.name(0).rsplit("-", 1)[0]
    assert process.returncode == -signal.SIGKILL
    assert (
        mark
        not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    )
