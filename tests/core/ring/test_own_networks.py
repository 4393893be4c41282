"""Own networks: what somebody only says is dialled where we are, and nowhere else."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.ring.own_networks import OwnNetworks
from potluck.core.wire.catalogue import Address
from tests.core.fakes import BEN, CLEO

B, C = BEN.device, CLEO.device
LAN = [("10.0.0.7", 24), ("192.168.4.1", 30)]
V6 = [("fe80::7", 64), ("fd00:1::7", 64), ("2001:db8:5::7", 64)]
PORT = 7777


def networks(*where: tuple[str, int], port: int = PORT) -> OwnNetworks:
    made = OwnNetworks(port)
    made.on_networks(where)
    return made


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "10.0.0.7", "10.0.0.254", "192.168.4.2", "fe80::1", "fd00:1::1"]
)
def test_one_host_in_an_own_network_may_be_dialled(host: str) -> None:
    assert networks(*LAN, *V6).holds(Address(host, PORT))
    assert not networks().holds(Address(host, PORT)), "on no network nobody is near"


def test_a_global_prefix_of_an_own_interface_is_ours() -> None:
    assert networks(*V6).holds(Address("2001:db8:5::9", PORT))
    assert not networks(*V6).holds(Address("2001:db8:6::9", PORT))


def test_an_address_with_the_zone_it_came_through_may_be_dialled_and_is_never_told() -> None:
    zoned = Address("fe80::1%eth0", PORT)
    assert networks(*V6).holds(zoned)
    assert not networks(*V6).is_said_well(zoned)
    assert networks(*V6).is_said_well(Address("fe80::1", PORT))


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "nas.local",
        "example.org",
        "10.0.0.1.example.org",
        "\x1b[31mRED\nline",
        "a" * 64,
        "10.0.0.01",
        "10.0.1",
        "0x0a000001",
        "167772161",
        "10.0.0.1 ",
        "10.0.0.1:80",
        "10.0.0.1/24",
        "[fe80::1]",
        "FE80::1",
        "fe80:0::1",
        "::ffff:10.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "239.192.76.85",
        "ff02::1",
        "::",
    ],
)
def test_what_is_no_literal_address_of_one_host_is_not_even_kept(host: str) -> None:
    own = networks(*LAN, *V6, ("0.0.0.1", 1), ("128.0.0.1", 1))
    address = Address(host, PORT)
    assert not own.is_plain(address)
    assert not own.is_said_well(address)
    assert not own.holds(address)
    own.on_linked(B, host)
    assert not own.may_dial(B, address)


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8", "10.0.1.1", "192.168.4.5", "169.254.1.1", "127.0.0.1", "::1", "2001:db8::1"],
)
def test_another_network_is_not_ours(host: str) -> None:
    own = networks(*LAN, *V6)
    assert own.is_plain(Address(host, PORT)), "it may become ours"
    assert not own.holds(Address(host, PORT))


@pytest.mark.parametrize("host", ["10.0.0.0", "10.0.0.255", "192.168.4.0", "192.168.4.3"])
def test_a_network_and_everybody_on_it_are_no_host(host: str) -> None:
    assert not networks(*LAN).holds(Address(host, PORT))


def test_where_two_are_alone_both_are_hosts() -> None:
    own = networks(("10.5.0.0", 31))
    assert own.holds(Address("10.5.0.0", PORT))
    assert own.holds(Address("10.5.0.1", PORT))


def test_on_the_loopback_network_only_our_own_addresses_there_count() -> None:
    own = networks(("127.0.0.1", 8), ("::1", 128))
    assert own.holds(Address("127.0.0.1", PORT))
    assert own.holds(Address("::1", PORT))
    assert not own.holds(Address("127.99.1.2", PORT))
    assert not own.holds(Address("127.0.0.2", PORT))


@pytest.mark.parametrize(
    ("port", "dialled"),
    [(0, False), (22, False), (25, False), (80, False), (1023, False), (1024, True), (65535, True)],
)
def test_no_service_of_the_system_is_dialled_because_somebody_says_so(
    port: int, dialled: bool
) -> None:
    assert networks(*LAN).holds(Address("10.0.0.1", port)) is dialled


def test_the_known_port_and_our_own_are_dialled_whatever_they_are() -> None:
    assert networks(*LAN).holds(Address("10.0.0.1", limits.PORT))
    assert networks(*LAN, port=443).holds(Address("10.0.0.1", 443))


def test_what_a_person_gave_is_dialled_as_given_and_its_host_on_other_ports() -> None:
    own = networks(*LAN)
    own.on_given([Address("172.16.0.9", 80)])
    assert own.holds(Address("172.16.0.9", 80))
    assert own.holds(Address("172.16.0.9", PORT))
    assert not own.holds(Address("172.16.0.9", 25))
    assert not own.holds(Address("172.16.1.9", PORT))


def test_where_a_dial_led_to_that_device_it_is_dialled_again_and_nobody_else() -> None:
    own, there = networks(*LAN), Address("172.16.0.9", 80)
    own.on_reached(B, [there])
    assert own.may_dial(B, there)
    assert not own.may_dial(B, Address("172.16.0.9", PORT))
    assert not own.may_dial(C, there)
    assert not own.holds(there)


def test_the_host_of_a_link_is_that_device_s_own_and_nobody_else_s() -> None:
    own = networks(*LAN)
    own.on_linked(B, "172.16.0.9")
    assert own.may_dial(B, Address("172.16.0.9", PORT))
    assert not own.may_dial(B, Address("172.16.0.9", 25))
    assert not own.may_dial(C, Address("172.16.0.9", PORT))
    assert repr(own) == "<OwnNetworks 2, 1 devices were linked>"


def test_where_a_device_was_is_known_by_its_links_and_by_dials() -> None:
    own = networks()
    own.on_linked(B, "10.0.0.7")
    own.on_reached(B, [Address("10.0.0.8", 9)])
    assert [own.was_at(B, f"10.0.0.{n}") for n in (7, 8, 9)] == [True, True, False]
    assert not own.was_at(C, "10.0.0.7")


def test_what_is_remembered_is_bounded_by_device_and_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = networks()
    hosts = [f"10.1.0.{number}" for number in range(1, limits.ADDRESSES_PER_DEVICE + 2)]
    for host in [*hosts, hosts[1]]:
        own.on_linked(B, host)
    assert not own.may_dial(B, Address(hosts[0], PORT))
    own.on_linked(B, "10.2.0.1")
    assert own.may_dial(B, Address(hosts[1], PORT)), "it was seen again"
    assert not own.may_dial(B, Address(hosts[2], PORT))
    monkeypatch.setattr(limits, "SIGHTED", 1)
    own.on_linked(B, "10.2.0.2")
    assert own.may_dial(B, Address("10.2.0.2", PORT))
    own.on_linked(C, "10.3.0.1")
    assert own.may_dial(C, Address("10.3.0.1", PORT))
    assert not own.may_dial(B, Address("10.2.0.2", PORT))


def test_networks_come_and_go() -> None:
    own = networks(*LAN)
    own.on_networks([("192.168.7.9", 24)])
    assert not own.holds(Address("10.0.0.1", PORT))
    assert own.holds(Address("192.168.7.1", PORT))


def test_what_a_person_gave_vouches_for_the_network_it_is_in() -> None:
    """On the other side of a router: whoever is beside the one that was given may be dialled."""
    made = networks(*LAN, *V6)
    made.on_given([Address("10.9.0.5", PORT), Address("2001:db8:9::5", PORT)])
    near = ["10.9.0.7", "2001:db8:9::7"]
    far = ["10.9.1.7", "2001:db8:a::7", "10.9.0.255", "10.9.0.0"]
    assert [made.holds(Address(host, PORT)) for host in near + far] == [True] * 2 + [False] * 4
    made.on_networks([])
    assert made.holds(Address("10.9.0.7", PORT))
    made.on_given([])
    assert not made.holds(Address("10.9.0.7", PORT))


def test_a_given_name_a_zone_or_this_machine_vouches_for_no_network() -> None:
    made = networks(*LAN)
    made.on_given([Address(host, PORT) for host in ("nas.local", "127.0.0.1", "fe80::5%eth0")])
    assert not made.holds(Address("127.0.0.2", PORT))
    assert not made.holds(Address("10.9.0.7", PORT))
