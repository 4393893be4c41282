"""The names of this host: what a folder that is meant for it may be called.

Strategy: its addresses, also those potluck does not use, what the table of hosts calls it
(config/labels.py reads that), and, only if somebody needs it, the name that the name service gives
it, asked on a thread of its own.

Guarantees: what cannot be found out is left out; nobody waits longer than `FULL_NAME_S`. Limits:
of the name service one name; other machines may have the same address of a link (fe80::), each on a
link of its own.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterable
from typing import Final

from potluck.config.labels import aliases_in
from potluck.shells.net.interfaces import survey

HOSTS_TABLE: Final = "/etc/hosts"
IPV6_TABLE: Final = "/proc/net/if_inet6"  # a line an address: 32 hexadecimal digits, then more
HOSTS_BYTES: Final = 1 << 20  # of a table of hosts; lists against advertising are longer
IPV6_DIGITS: Final = 32
LOOPBACK: Final = "127."  # every machine has these
FULL_NAME_S: Final = 3.0  # as for peers: longer than a healthy name service needs


def names_of_host(host_name: str, folders: Iterable[str], table: str = HOSTS_TABLE) -> list[str]:
    """Return addresses and aliases.

    The name service is asked only where one of `folders` could be what it says.
    """
    addresses = _addresses()
    names = [*addresses, *aliases_in(_read(table), host_name, addresses)]
    known = {name.casefold() for name in (host_name, *names)}
    if any(_like_full(folder) and folder.casefold() not in known for folder in folders):
        names += full_name(host_name)
    return names


def _addresses() -> list[str]:
    """Return the addresses of this host by which others may know it."""
    return [*_ipv4_addresses(), *_ipv6_addresses()]


def _ipv4_addresses() -> list[str]:
    try:
        seen = survey()
    except OSError:  # the kernel does not say: one source less
        return []
    every = [network.interface.host for network in seen.networks]
    every += [network.host for network in seen.left_out]
    return [host for host in every if host and not host.startswith(LOOPBACK)]


def _ipv6_addresses() -> list[str]:
    """Return them as they are written shortest; potluck itself does not use them."""
    lines = _read(IPV6_TABLE).splitlines()
    every = [ipaddress.IPv6Address(bytes.fromhex(line[:IPV6_DIGITS])) for line in lines]
    return list(dict.fromkeys(str(address) for address in every if not address.is_loopback))


def full_name(host_name: str, wait_s: float = FULL_NAME_S) -> list[str]:
    """Return what the name service calls a host, nothing if it does not answer in time."""
    found: list[str] = []
    asking = threading.Thread(target=_ask, args=(host_name, found), name="fqdn", daemon=True)
    asking.start()
    asking.join(wait_s)
    return found[:1]


def _ask(host_name: str, found: list[str]) -> None:
    found.append(socket.getfqdn(host_name))


def _like_full(folder: str) -> bool:
    """Say whether a folder is called like a host with its domain, and not like an address."""
    return "." in folder.strip(".") and any(letter.isalpha() for letter in folder)


def _read(table: str) -> str:
    try:
        with open(table, encoding="utf-8", errors="replace") as text:
            return text.read(HOSTS_BYTES)
    except OSError:  # no such table here
        return ""
