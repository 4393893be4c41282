"""Hosts: IPv4 addresses one by one, all of one IPv6 /64 together."""

from __future__ import annotations

import pytest

from potluck.core.hosts import host_of


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.77.0.3", "10.77.0.3"),
        ("fe80::1%eth0", "fe80::/64%eth0"),
        ("fe80::ffff:1%eth0", "fe80::/64%eth0"),
        ("fe80::1%eth1", "fe80::/64%eth1"),
        ("fd00:1:2:3:4:5:6:7", "fd00:1:2:3::/64"),
        ("fd00:1:2:4::7", "fd00:1:2:4::/64"),
        ("::ffff:10.77.0.3", "10.77.0.3"),
        ("home.example", "home.example"),
    ],
)
def test_what_counts_as_one_host(address: str, host: str) -> None:
    assert host_of(address) == host
