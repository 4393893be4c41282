"""Real sockets on loopback, and on two cards of two namespaces: who hears what, and what never gets
out.

Strategy: loopback carries multicast and directed broadcast if asked to, so that most of this runs
anywhere. Each test draws its own discovery port from the system, so that tests and real potlucks
never hear each other.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from potluck.core import limits
from potluck.core.keys.sealing import MAGIC
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Transmit
from potluck.engine.events import DatagramHeard, Interface
from potluck.shells.net import datagrams as datagrams_module
from potluck.shells.net import group_attention as group_attention_module
from potluck.shells.net.attention import FOLLOW_S, Budget
from potluck.shells.net.datagrams import RECEIVE_MAX, Datagrams
from potluck.shells.net.interfaces import UsableNetwork
from tests.lan.conftest import hosts  # noqa: F401  (a fixture)

LOOPBACK = UsableNetwork(
    Interface("lo", "127.0.0.1", "127.255.255.255", 8), socket.if_nametoindex("lo")
)
HEARD_S = 20.0


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def make(stack, discovery_port, *, port=None, networks=(LOOPBACK,)):
    made = Datagrams(port or free_port(), discovery_port)
    stack.callback(made.close)
    made.update(networks)
    return made


def hear(datagrams, count=1):
    """What the sockets brought until `count` datagrams came; fails if they do not come."""
    heard: list[DatagramHeard] = []
    end = time.monotonic() + HEARD_S
    while len(heard) < count:
        assert time.monotonic() < end, f"only {heard}, counted {dict(datagrams.counts)}"
        for sock in datagrams.sockets():
            heard += datagrams.receive(sock)
    return heard


def port_of(datagrams):
    return datagrams.sockets()[0].getsockname()[1]


def test_everybody_on_the_host_hears_what_is_said_to_everybody(stack):
    discovery = free_port()
    speaker, first, second = (make(stack, discovery) for _ in range(3))
    speaker.transmit(Transmit(b"hello", None))
    for listener in (first, second):
        heard = hear(listener, 2)
        assert {event.way for event in heard} == {"multicast", "broadcast"}
        assert {event.data for event in heard} == {b"hello"}
        assert {event.source for event in heard} == {Address("127.0.0.1", port_of(speaker))}


def test_what_is_said_to_one_reaches_only_that_one(stack):
    discovery = free_port()
    speaker, first, second = (make(stack, discovery) for _ in range(3))
    speaker.transmit(Transmit(b"psst", Address("127.0.0.1", port_of(first))))
    (event,) = hear(first)
    assert (event.way, event.data) == ("unicast", b"psst")
    assert not any(second.receive(sock) for sock in second.sockets())


def test_on_the_discovery_port_itself_nothing_is_heard_three_times(stack):
    discovery = free_port()
    owner = make(stack, discovery, port=discovery)
    speaker = make(stack, discovery)
    speaker.transmit(Transmit(b"hello", None))
    speaker.transmit(Transmit(b"psst", Address("127.0.0.1", discovery)))
    heard = hear(owner, 3)
    assert sorted((event.way, event.data) for event in heard) == [
        ("broadcast", b"hello"),
        ("multicast", b"hello"),
        ("unicast", b"psst"),
    ]
    assert owner.counts["heard by the ears"] >= 1


def test_a_second_potluck_does_not_steal_what_is_said_to_the_owner_of_the_discovery_port(stack):
    discovery = free_port()
    owner = make(stack, discovery, port=discovery)
    other = make(stack, discovery)
    speaker = make(stack, discovery)
    for n in range(10):
        speaker.transmit(Transmit(b"%d" % n, Address("127.0.0.1", discovery)))
    assert [event.data for event in hear(owner, 10)] == [b"%d" % n for n in range(10)]
    assert not any(other.receive(sock) for sock in other.sockets())


def test_own_words_are_not_heard(stack):
    lonely = make(stack, free_port())
    lonely.transmit(Transmit(b"anybody?", None))
    end = time.monotonic() + HEARD_S
    while lonely.counts["own"] < 2:
        assert time.monotonic() < end
        assert not any(lonely.receive(sock) for sock in lonely.sockets())


@pytest.mark.parametrize(
    ("size", "fits"),
    [(limits.DATAGRAM_BYTES, True), (limits.DATAGRAM_BYTES + 1, False), (9000, False)],
)
def test_what_is_too_long_is_dropped_and_counted(stack, size, fits):
    speaker, listener = make(stack, free_port()), make(stack, free_port())
    to = Address("127.0.0.1", port_of(listener))
    speaker.transmit(Transmit(b"x" * size, to))
    speaker.transmit(Transmit(b"after", to))
    heard = hear(listener, 2 if fits else 1)
    assert [len(event.data) for event in heard] == ([size, 5] if fits else [5])
    assert listener.counts["too long"] == (0 if fits else 1)


def test_one_call_returns_after_a_bounded_number(stack):
    speaker, listener = make(stack, free_port()), make(stack, free_port())
    to = Address("127.0.0.1", port_of(listener))
    for _ in range(RECEIVE_MAX + 10):
        speaker.transmit(Transmit(b"x", to))
    unicast = listener.sockets()[0]
    assert len(listener.receive(unicast)) == RECEIVE_MAX
    assert len(listener.receive(unicast)) == 10
    assert listener.receive(unicast) == []


@pytest.mark.parametrize(
    "host",
    [
        "127.255.255.255",
        "255.255.255.255",
        limits.MULTICAST_GROUP,
        "224.0.0.1",
        "0.0.0.0",
        "localhost",
        "example.invalid",
        "127.1",
        "::1",
        "",
        "127.0.0.1\0",
    ],
)
def test_only_ordinary_literal_addresses_are_sent_to(stack, host):
    speaker = make(stack, free_port())
    speaker.transmit(Transmit(b"x", Address(host, 9)))
    assert dict(speaker.counts) == {"address refused": 1}


def test_what_the_system_refuses_is_counted_and_not_raised(stack):
    speaker = make(stack, free_port())
    speaker.transmit(Transmit(b"x", Address("127.0.0.1", 0)))
    speaker.transmit(Transmit(b"x" * 70_000, Address("127.0.0.1", 9)))
    assert sum(speaker.counts.values()) == 2
    assert all(name.startswith("send failed") for name in speaker.counts)


def test_a_network_that_is_gone_is_counted_and_not_raised(stack):
    gone = UsableNetwork(Interface("gone0", "10.255.255.1", "10.255.255.255", 24), 9999)
    speaker = make(stack, free_port(), networks=[gone])
    assert speaker.counts["multicast receiver refused"] == 1
    assert speaker.counts["broadcast receiver refused"] == 1
    assert len(speaker.sockets()) == 1
    speaker.transmit(Transmit(b"x", None))
    assert sum(speaker.counts.values()) == 4


def test_a_discovery_port_that_somebody_does_not_share_leaves_the_unicast_socket(stack):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as selfish:
        selfish.bind(("", 0))
        lonely = make(stack, selfish.getsockname()[1])
    assert len(lonely.sockets()) == 1
    assert lonely.counts["multicast receiver refused"] == 1


def test_updates_open_and_hand_back_receivers(stack):
    datagrams = Datagrams(free_port(), free_port())
    stack.callback(datagrams.close)
    unicast = datagrams.sockets()
    assert datagrams.update([]) == ([], [])
    added, removed = datagrams.update([LOOPBACK])
    assert (len(added), removed) == (2, [])
    assert datagrams.update([LOOPBACK]) == ([], [])
    assert datagrams.sockets() == unicast + added
    again, gone = datagrams.update([])
    assert (again, gone) == ([], added)
    assert all(sock.fileno() >= 0 for sock in gone)
    for sock in gone:
        sock.close()
    assert datagrams.sockets() == unicast


def test_a_second_address_on_the_same_card_joins_the_group_once(stack):
    second = UsableNetwork(Interface("lo", "127.0.0.2", "127.255.255.255", 8), LOOPBACK.index)
    datagrams = Datagrams(free_port(), free_port())
    stack.callback(datagrams.close)
    added, _ = datagrams.update([LOOPBACK, second])
    assert len(added) == 2
    datagrams.transmit(Transmit(b"x", None))
    assert not [name for name in datagrams.counts if "failed" in name]


def test_a_network_without_broadcast_has_one_ear(stack):
    small = UsableNetwork(Interface("lo", "127.0.0.1", "", 32), LOOPBACK.index)
    datagrams = make(stack, free_port(), networks=[small])
    assert len(datagrams.sockets()) == 2


def test_a_closed_socket_is_counted_and_not_raised(stack):
    datagrams = make(stack, free_port())
    sock = datagrams.sockets()[0]
    sock.close()
    assert datagrams.receive(sock) == []
    assert datagrams.counts["receive failed"] == 1
    datagrams.transmit(Transmit(b"x", Address("127.0.0.1", 9)))
    assert sum(datagrams.counts.values()) == 2


def test_a_full_send_buffer_is_counted(stack):
    datagrams = make(stack, free_port())
    voice = datagrams.sockets()[0]

    class Full:
        def sendmsg(self, *_):
            raise BlockingIOError

        def close(self):
            voice.close()

    datagrams._voice = Full()
    datagrams.transmit(Transmit(b"x", Address("127.0.0.1", 9)))
    assert dict(datagrams.counts) == {"send buffer full": 1}


def test_of_strangers_so_much_is_heard_and_of_what_is_sealed_as_ours_more(stack, monkeypatch):
    budget = Budget(all_burst=2, all_per_s=0, host_burst=1, host_per_s=0)
    monkeypatch.setattr(datagrams_module, "STRANGERS_HEARD", budget)
    listener, speaker = make(stack, free_port()), make(stack, free_port())
    to = Address("127.0.0.1", port_of(listener))
    ours, theirs = MAGIC + b"ours", MAGIC + b"them"
    listener.transmit(Transmit(ours, Address("127.0.0.1", port_of(speaker))))
    for _ in range(4):
        speaker.transmit(Transmit(theirs, to))
    speaker.transmit(Transmit(ours + b"1", to))
    assert [event.data for event in hear(listener, 3)] == [theirs, theirs, ours + b"1"]
    assert listener.counts["of strangers, too many"] == 2
    listener.on_tick(time.monotonic() + FOLLOW_S)
    speaker.transmit(Transmit(theirs, to))
    speaker.transmit(Transmit(ours + b"2", to))
    assert [event.data for event in hear(listener)] == [ours + b"2"]
    assert listener.counts["of strangers, too many"] == 2, "the kernel dropped it"


# A host that says one thing to everybody on each of its cards, or listens on them.
SCRIPT = """
import json, select, sys, time
from potluck.engine.effects import Transmit
from potluck.shells.net.datagrams import Datagrams
from potluck.shells.net.interfaces import survey
datagrams = Datagrams(int(sys.argv[1]))
datagrams.update(survey().networks)
print("ready", flush=True)
if sys.argv[2] == "speak":
    datagrams.transmit(Transmit(b"hello", None))
else:
    end, heard = time.monotonic() + 60, []
    while len(heard) < int(sys.argv[3]) and time.monotonic() < end:
        for sock in select.select(datagrams.sockets(), [], [], 0.1)[0]:
            heard += [[e.way, e.source.host, e.source.port] for e in datagrams.receive(sock)]
    print(json.dumps(sorted(heard)))
"""


# the program as this process sees it, installed or not
WITH_SOURCE = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_what_seems_sealed_as_ours_is_bounded_too_but_not_where_we_speak_to(stack, monkeypatch):
    budget = Budget(all_burst=2, all_per_s=0, host_burst=1, host_per_s=0)
    monkeypatch.setattr(group_attention_module, "UNKNOWN_HEARD", budget)
    listener, speaker = make(stack, free_port()), make(stack, free_port())
    ours, to = MAGIC + b"ours", Address("127.0.0.1", port_of(listener))
    listener.transmit(Transmit(ours, Address("127.0.0.9", port_of(speaker))))
    for _ in range(4):
        speaker.transmit(Transmit(ours, to))
    speaker.transmit(Transmit(b"the last one", to))
    assert [event.data for event in hear(listener, 3)] == [ours, ours, b"the last one"]
    assert listener.counts["of our group, too many"] == 2
    listener.transmit(Transmit(ours, Address("127.0.0.1", port_of(speaker))))
    for _ in range(4):
        speaker.transmit(Transmit(ours, to))
    assert len(hear(listener, 4)) == 4


@pytest.mark.lan
def test_two_hosts_hear_each_other_on_the_card_it_was_said_on(hosts):  # noqa: F811
    lan = hosts(2)
    # A second network between the same two hosts: each word must arrive once per card and way.
    lan.cross(0, 1, "eth1", "10.254.0")
    words = [sys.executable, "-c", SCRIPT]
    listener = lan.popen(
        1, [*words, 7685, "listen", 4], stdout=subprocess.PIPE, text=True, env=WITH_SOURCE
    )
    assert listener.stdout.readline() == "ready\n"
    assert lan.run(0, [*words, 7700, "speak"], env=WITH_SOURCE).returncode == 0
    out, _ = listener.communicate(timeout=90)
    here = lan.address(0)
    assert json.loads(out) == sorted(
        [way, host, 7700] for way in ("multicast", "broadcast") for host in (here, "10.254.0.1")
    )
