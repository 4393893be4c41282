"""Packet filters: what the kernel drops before it reaches a socket of this program.

Strategy: a classic BPF program (Linux, SO_ATTACH_FILTER, no privilege needed) with one comparison
for each IPv4 source that is muted, and two for each IPv6 network of 64 bits, which is one host
(core/hosts.py). Those of one family are compared with packets of that family alone, and have room
of their own. What begins like a datagram of the own group passes from anywhere. A drop is made
while the packet is being delivered: nobody is woken for it, no buffer fills, and of a connection
not even the first packet arrives.

Guarantees: pure but for `attach` and `detach`; the program is as long as its lists are, below what
the kernel takes. Where there is no such filter (another system, no memory for it) `attach` says so,
and what was there before is gone. Limits: a network with a zone is not muted (accept() tells none).
A connection inherits the filter of its listener: whoever accepts it has to `detach`.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv6Network
from typing import Final

# an instruction for each comparison, and one to load what is compared for each of IPv6; older
# kernels have 20 KiB for all of a socket, and make up to two of one
MUTED_MAX: Final = 500  # IPv4 sources
MUTED_NETWORKS_MAX: Final = 100  # IPv6 networks
MARK_BYTES: Final = 8  # of a datagram: how many of its first bytes may spare it
SPARED_MAX: Final = 8  # marks
_TOGETHER: Final = 60  # sources before one end: a comparison passes over fewer than 256 steps
# linux/socket.h
_ATTACH: Final = 26
_DETACH: Final = 27
# linux/filter.h: a load of 4 or 1 bytes, one of 4 that were stored, a mask, a comparison, the end
_LOAD_WORD: Final = 0x20
_LOAD_BYTE: Final = 0x30
_LOAD_STORED: Final = 0x60
_STORE: Final = 0x02
_MASK: Final = 0x54
_IF_EQUAL: Final = 0x15
_JUMP: Final = 0x05
_RETURN: Final = 0x06
_NETWORK_HEADER: Final = 0xFFF00000  # SKF_NET_OFF: offsets from here are into the IP header
_SOURCE_AT: Final = _NETWORK_HEADER + 12
_SOURCE6_AT: Final = _NETWORK_HEADER + 8
_UDP_HEADER_BYTES: Final = 8
_ALL: Final = 0xFFFFFFFF  # bytes that pass
_NONE: Final = 0
_INSTRUCTION: Final = struct.Struct("=HBBI")  # what, how far if so, how far if not, with what
_PASS: Final = (_RETURN, 0, 0, _ALL)

_Step = tuple[int, int, int, int]


def filter_code(muted: Iterable[str], spared: Sequence[bytes] = ()) -> bytes:
    """Return the filter that drops what these hosts send, but not what begins with `spared`.

    Only for a socket of datagrams may anything be spared; each mark has MARK_BYTES bytes. What is
    neither an IPv4 address nor an IPv6 network as core/hosts.py writes it is not muted.
    """
    hosts = list(muted)
    alone = [steps for steps in map(_of_address, hosts) if steps][:MUTED_MAX]
    wide = [steps for steps in map(_of_network, hosts) if steps][:MUTED_NETWORKS_MAX]
    first = [(_LOAD_WORD, 0, 0, _SOURCE_AT), *_drop(alone), _PASS]
    steps = [step for mark in spared[:SPARED_MAX] for step in _spare(mark)]
    # the version stands in the upper half of the first byte of the IP header
    steps += [(_LOAD_BYTE, 0, 0, _NETWORK_HEADER), (_MASK, 0, 0, 0xF0)]
    steps += [(_IF_EQUAL, 1, 0, 0x40), (_JUMP, 0, 0, len(first)), *first]
    steps += [(_IF_EQUAL, 1, 0, 0x60), _PASS]
    for at in (0, 1):
        steps += [(_LOAD_WORD, 0, 0, _SOURCE6_AT + 4 * at), (_STORE, 0, 0, at)]
    steps += [*_drop(wide), _PASS]
    return b"".join(_INSTRUCTION.pack(*step) for step in steps)


def _of_address(host: str) -> list[_Step]:
    """Return how to see that a packet is of that IPv4 address; nothing if it is none."""
    with suppress(AddressValueError):
        return [(_IF_EQUAL, 0, 0, int(IPv4Address(host)))]
    return []


def _of_network(host: str) -> list[_Step]:
    """Return how to see that a packet is of that IPv6 network; nothing if it is none."""
    try:
        network = IPv6Network(host)
    except ValueError:
        return []
    high, low = struct.unpack("!II", network.network_address.packed[:8])
    steps = [(_LOAD_STORED, 0, 0, 0), (_IF_EQUAL, 0, 2, high)]
    return [*steps, (_LOAD_STORED, 0, 0, 1), (_IF_EQUAL, 0, 0, low)]


def _drop(known: Sequence[list[_Step]]) -> list[_Step]:
    """Drop what is one of these: of each the last comparison says so, and so it jumps."""
    dropping: list[_Step] = []
    for at in range(0, len(known), _TOGETHER):
        steps = [step for each in known[at : at + _TOGETHER] for step in each]
        for place, (code, _, otherwise, what) in enumerate(steps):
            is_last = code == _IF_EQUAL and otherwise == 0
            dropping.append((code, (len(steps) - place) * is_last, otherwise, what))
        dropping += [(_JUMP, 0, 0, 1), (_RETURN, 0, 0, _NONE)]
    return dropping


def _spare(mark: bytes) -> list[_Step]:
    """Let pass what begins like this; a datagram too short to be compared is dropped."""
    first, second = struct.unpack("!II", mark)
    return [
        (_LOAD_WORD, 0, 0, _UDP_HEADER_BYTES),
        (_IF_EQUAL, 0, 3, first),
        (_LOAD_WORD, 0, 0, _UDP_HEADER_BYTES + 4),
        (_IF_EQUAL, 0, 1, second),
        (_RETURN, 0, 0, _ALL),
    ]


def attach(sock: socket.socket, code: bytes) -> bool:
    """Put this filter in the place of the one that is there; False if the system has none."""
    detach(sock)
    steps = ctypes.create_string_buffer(code, len(code))
    count = len(code) // _INSTRUCTION.size
    try:
        sock.setsockopt(
            socket.SOL_SOCKET, _ATTACH, struct.pack("@HP", count, ctypes.addressof(steps))
        )
    except OSError:
        return False
    return True


def detach(sock: socket.socket) -> None:
    """Take away the filter of a socket, if it has one."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
