"""The parsers on bytes and text made by hand, then the real kernel: here, and in a namespace of
known shape.

Strategy: what Linux says is written down as netlink bytes and as a /proc/net/arp of every kind of
line; the choice between networks is a table of names.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import Address
from potluck.engine.events import Interface
from potluck.shells.net import interfaces
from potluck.shells.net.interfaces import (
    IFF_LOOPBACK,
    IFF_POINTOPOINT,
    IFF_RUNNING,
    IFF_UP,
    LeftOut,
    Link,
    UsableNetwork,
    choose,
    parse_address,
    parse_link,
    parse_messages,
    parse_neighbours,
    read_neighbours,
    resolve_names,
    survey,
)
from tests.lan.conftest import hosts  # noqa: F401  (a fixture)

UP = IFF_UP | IFF_RUNNING
ETHERNET = Interface("eth0", "192.168.1.10", "192.168.1.255", 24)


def attribute(kind: int, value: bytes) -> bytes:
    packed = struct.pack("=HH", 4 + len(value), kind) + value
    return packed + bytes(-len(packed) % 4)


def message(kind: int, body: bytes) -> bytes:
    packed = struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body
    return packed + bytes(-len(packed) % 4)


def link_body(index: int, name: str, flags: int) -> bytes:
    return struct.pack("=BxHiII", 0, 1, index, flags, 0) + attribute(3, name.encode() + b"\0")


def address_body(
    index: int, prefix: int, *attributes: bytes, family: int = socket.AF_INET
) -> bytes:
    return struct.pack("=BBBBI", family, prefix, 0, 0, index) + b"".join(attributes)


def test_messages_are_split_at_their_aligned_lengths():
    data = message(16, b"12345") + message(20, b"abcd") + message(3, bytes(4))
    assert list(parse_messages(data)) == [(16, b"12345"), (20, b"abcd"), (3, bytes(4))]


@pytest.mark.parametrize("length", [0, 15, 1000])
def test_a_length_that_cannot_be_ends_the_reading(length):
    lie = struct.pack("=IHHII", length, 16, 0, 1, 0)
    assert list(parse_messages(message(20, b"abcd") + lie)) == [(20, b"abcd")]


def test_link():
    assert parse_link(link_body(7, "wlan0", UP)) == Link(7, "wlan0", UP)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        struct.pack("=BxHiII", 0, 1, 7, UP, 0),
        link_body(1, "x", 0)[:18],
        link_body(1, "x", 0)[:-3],
    ],
)
def test_a_link_without_a_name_is_skipped(body):
    assert parse_link(body) is None


def test_an_address_is_the_local_end():
    near, far = attribute(2, bytes([10, 0, 0, 1])), attribute(1, bytes([10, 0, 0, 2]))
    assert parse_address(address_body(3, 24, far, near)) == (3, "10.0.0.1", 24)
    assert parse_address(address_body(3, 24, far)) == (3, "10.0.0.2", 24)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        address_body(3, 24),
        address_body(3, 33, attribute(2, bytes(4))),
        address_body(3, 24, attribute(2, bytes(5))),
        address_body(3, 64, attribute(1, bytes(16)), family=socket.AF_INET6),
    ],
)
def test_what_is_no_ipv4_address_is_skipped(body):
    assert parse_address(body) is None


@pytest.mark.parametrize(
    ("name", "flags", "only", "reason"),
    [
        ("eth0", UP, (), ""),
        ("wlp3s0", UP, (), ""),
        ("eth0", IFF_UP, (), "cable"),
        ("eth0", IFF_RUNNING, (), "down"),
        ("lo", UP | IFF_LOOPBACK, (), "this machine only"),
        ("lo", UP | IFF_LOOPBACK, ("lo",), ""),
        ("docker0", UP, (), "containers"),
        ("br-0a1b2c", UP, (), "containers"),
        ("virbr0", UP, (), "containers"),
        ("veth12ab", UP, (), "containers"),
        ("cni0", UP, (), "containers"),
        ("podman1", UP, (), "containers"),
        ("lxcbr0", UP, (), "containers"),
        ("docker0", UP, ("docker0",), ""),
        ("docker0", IFF_UP, ("docker0",), "cable"),
        ("tun0", UP, (), "VPN"),
        ("wg0", UP, (), "VPN"),
        ("tailscale0", UP, (), "VPN"),
        ("ppp0", UP, (), "VPN"),
        ("ztabcdef", UP, (), "VPN"),
        ("proton7", UP | IFF_POINTOPOINT, (), "VPN"),
        ("proton7", UP | IFF_POINTOPOINT, ("proton7",), ""),
        ("eth0", UP, ("wlan0", "eth1"), "--interface"),
    ],
)
def test_which_networks_are_used(name, flags, only, reason):
    usable, left_out = choose([Link(5, name, flags)], [(5, "10.1.2.3", 16)], only)
    if reason:
        mine = [entry for entry in left_out if entry.name == name]
        assert not usable
        assert reason in mine[0].reason
        assert mine[0].host == "10.1.2.3"
    else:
        assert usable == (UsableNetwork(Interface(name, "10.1.2.3", "10.1.255.255", 16), 5),)
        assert not left_out


def test_a_reason_names_the_flag_that_would_include_it():
    _, left_out = choose([Link(5, "docker0", UP)], [(5, "172.17.0.1", 16)])
    assert "--interface docker0" in left_out[0].reason


def test_an_interface_that_was_asked_for_and_is_not_there_is_said():
    usable, left_out = choose([Link(2, "eth0", UP)], [(2, "10.0.0.1", 24)], ("eth0", "eth9"))
    assert [network.interface.name for network in usable] == ["eth0"]
    assert left_out == (LeftOut("eth9", "", interfaces.REASON_MISSING),)


def test_an_address_whose_link_went_away_meanwhile_is_skipped():
    assert choose([], [(9, "10.0.0.1", 24)]) == ((), ())


@pytest.mark.parametrize(("prefix", "broadcast"), [(30, "10.0.0.3"), (31, ""), (32, "")])
def test_tiny_networks_have_no_broadcast_address(prefix, broadcast):
    usable, _ = choose([Link(2, "eth0", UP)], [(2, "10.0.0.1", prefix)])
    assert usable[0].interface.broadcast == broadcast


ARP = """\
IP address       HW type     Flags       HW address            Mask     Device
192.168.1.20     0x1         0x2         02:00:00:00:00:20     *        eth0
192.168.1.3      0x1         0x6         02:00:00:00:00:03     *        eth0
192.168.1.9      0x1         0x0         00:00:00:00:00:00     *        eth0
192.168.1.10     0x1         0x2         02:00:00:00:00:10     *        eth0
10.9.9.9         0x1         0x2         02:00:00:00:00:99     *        eth0
192.168.1.77     0x1         0x2         02:00:00:00:00:77     *        wlan0
nonsense         0x1         0x2         02:00:00:00:00:99     *        eth0
192.168.1.8      0x1         zz          02:00:00:00:00:99     *        eth0
192.168.1.8      0x1         0x2
"""


def test_neighbours_are_complete_on_their_own_subnet_and_not_ourselves():
    assert parse_neighbours(ARP, [ETHERNET]) == ("192.168.1.3", "192.168.1.20")


def test_neighbours_are_capped():
    lines = [f"10.0.{n // 250}.{n % 250 + 1} 0x1 0x2 02:00:00:00:00:01 * eth0" for n in range(400)]
    wide = Interface("eth0", "10.0.255.1", "10.0.255.255", 16)
    assert len(parse_neighbours("\n".join(["header", *lines]), [wide])) == limits.NEIGHBOURS


def test_no_neighbour_table_is_no_neighbours(tmp_path):
    assert read_neighbours([ETHERNET], str(tmp_path / "none")) == ()


def test_a_neighbour_table_is_read(tmp_path):
    (tmp_path / "arp").write_text(ARP)
    assert read_neighbours([ETHERNET], str(tmp_path / "arp")) == ("192.168.1.3", "192.168.1.20")


def test_a_system_without_netlink_says_so(monkeypatch):
    monkeypatch.delattr(socket, "AF_NETLINK")
    assert survey().left_out == (LeftOut("", "", interfaces.REASON_SYSTEM),)


def test_the_loopback_of_this_machine_is_seen_if_asked_for():
    usable = survey(("lo",)).networks
    loopback = Interface("lo", "127.0.0.1", "127.255.255.255", 8)
    assert usable == (UsableNetwork(loopback, socket.if_nametoindex("lo")),)


SURVEY = """
import json
from potluck.shells.net.interfaces import survey
found = survey()
networks = [[n.interface.name, n.interface.host, n.interface.prefix] for n in found.networks]
print(json.dumps([networks, [entry.name for entry in found.left_out], found.neighbours]))
"""


# the program as this process sees it, installed or not
WITH_SOURCE = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.lan
def test_a_host_sees_its_own_namespace(hosts):  # noqa: F811
    lan = hosts(2)
    command = [sys.executable, "-c", SURVEY]
    for words in (
        ["link", "add", "docker0", "type", "bridge"],
        ["link", "set", "docker0", "up"],
        ["addr", "add", "172.17.0.1/16", "dev", "docker0"],
        ["addr", "add", "10.200.0.1/16", "dev", "eth0"],
    ):
        assert lan.run(0, ["ip", *words]).returncode == 0
    lan.acquaint()
    done = lan.run(0, command, env=WITH_SOURCE)
    networks, left_out, neighbours = json.loads(done.stdout)
    assert networks == [["eth0", lan.address(0), 24], ["eth0", "10.200.0.1", 16]]
    assert left_out == ["lo", "docker0"]
    assert neighbours == [lan.address(1)]
    lan.cable(0, False)
    networks, left_out, _ = json.loads(lan.run(0, command, env=WITH_SOURCE).stdout)
    assert networks == []
    assert "eth0" in left_out


def with_answers(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str]) -> None:
    def getaddrinfo(host: str, port: int, family: int, kind: int) -> list[Any]:
        assert (family, kind) == (socket.AF_INET, socket.SOCK_STREAM)
        return [
            (family, kind, 6, "", (answer(host), port)),
            (family, kind, 6, "", ("9.9.9.9", port)),
        ]

    monkeypatch.setattr("potluck.shells.net.interfaces.socket.getaddrinfo", getaddrinfo)


def test_addresses_need_no_name_service() -> None:
    assert resolve_names([("127.0.0.1", 7685), ("127.0.0.1", 1), ("127.0.0.1", 7685)]) == (
        [Address("127.0.0.1", 7685), Address("127.0.0.1", 1)],
        [],
    )


def test_none_were_given() -> None:
    assert resolve_names([]) == ([], [])


def test_what_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str) -> str:
        if host == "nas":
            return "10.0.0.9"
        raise socket.gaierror(-2, "Name or service not known")

    with_answers(monkeypatch, answer)
    assert resolve_names([("nsa", 1), ("nas", 2)]) == ([Address("10.0.0.9", 2)], ["nsa"])


def test_a_name_that_no_name_can_be_is_said() -> None:
    assert resolve_names([("x" * 70, 1), ("fe80::1", 2)]) == ([], ["x" * 70, "fe80::1"])


def test_a_name_service_that_does_not_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def answer(host: str) -> str:
        if host == "slow":
            over.wait(30)
        return "10.0.0.1"

    with_answers(monkeypatch, answer)
    try:
        assert resolve_names([("slow", 1), ("quick", 2)], wait_s=0.2) == (
            [Address("10.0.0.1", 2)],
            ["slow"],
        )
    finally:
        over.set()
