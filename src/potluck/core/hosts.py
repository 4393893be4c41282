"""Hosts: which addresses count as one, wherever something is bounded by address.

Strategy: an IPv4 address is scarce on a LAN, so each is a host of its own. An IPv6 network gives
one machine as many addresses as it likes, so all of one /64 are one host, the link-local ones of
each interface apart. An IPv4 address that is written as an IPv6 one is itself.

Guarantees: pure; whatever is no address stands for itself. Limits: devices that share a /64 share
its bounds; who holds many IPv4 addresses counts as many hosts.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

SHARED_BITS: Final = 64  # of an IPv6 address, which whoever is on that network makes up
REMEMBERED: Final = 4096  # addresses whose host need not be worked out again


@lru_cache(maxsize=REMEMBERED)
def host_of(address: str) -> str:
    """Return what counts as one host for that address."""
    try:
        written = ip_address(address)
    except ValueError:
        return address
    if not isinstance(written, IPv6Address):
        return address
    if written.ipv4_mapped is not None:
        return str(written.ipv4_mapped)
    network = IPv6Address(int(written) >> SHARED_BITS << SHARED_BITS)
    scope = f"%{written.scope_id}" if written.scope_id else ""
    return f"{network}/{SHARED_BITS}{scope}"
