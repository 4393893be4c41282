"""Packet filters: what the kernel drops before it reaches a socket of this program.

Strategy: a classic BPF program (Linux, SO_ATTACH_FILTER, no privilege needed) with one comparison
for each IPv4 source that is muted. What begins like a datagram of the own group passes from
anywhere. A drop is made while the packet is being delivered: nobody is woken for it, no buffer
fills, and of a connection not even the first packet arrives.

Guarantees: pure but for `attach` and `detach`; the program is as long as its lists are, below what
the kernel takes. Where there is no such filter (another system, no memory for it) `attach` says so,
and what was there before is gone. Limits: IPv4 alone; whatever arrives over IPv6 passes. A
connection inherits the filter of its listener: whoever accepts it has to `detach`.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address
from typing import Final

MUTED_MAX: Final = 500  # two instructions each; older kernels have 20 KiB for all of a socket
MARK_BYTES: Final = 8  # of a datagram: how many of its first bytes may spare it
SPARED_MAX: Final = 8  # marks
# linux/socket.h
_ATTACH: Final = 26
_DETACH: Final = 27
# linux/filter.h: a load of 4 or 1 bytes, a mask, a comparison, the end
_LOAD_WORD: Final = 0x20
_LOAD_BYTE: Final = 0x30
_MASK: Final = 0x54
_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_NETWORK_HEADER: Final = 0xFFF00000  # SKF_NET_OFF: offsets from here are into the IP header
_SOURCE_AT: Final = _NETWORK_HEADER + 12
_UDP_HEADER_BYTES: Final = 8
_ALL: Final = 0xFFFFFFFF  # bytes that pass
_NONE: Final = 0
_INSTRUCTION: Final = struct.Struct("=HBBI")  # what, how far if so, how far if not, with what


def filter_code(muted: Iterable[str], spared: Sequence[bytes] = ()) -> bytes:
    """Return the filter that drops what these sources send, but not what begins with `spared`.

    Only for a socket of datagrams may anything be spared; each mark has MARK_BYTES bytes. What is
    no IPv4 address is not muted.
    """
    steps = [step for mark in spared[:SPARED_MAX] for step in _spare(mark)]
    # version 4 stands in the upper half of the first byte of the IP header
    steps += [(_LOAD_BYTE, 0, 0, _NETWORK_HEADER), (_MASK, 0, 0, 0xF0)]
    steps += [(_IF_EQUAL, 1, 0, 0x40), (_RETURN, 0, 0, _ALL), (_LOAD_WORD, 0, 0, _SOURCE_AT)]
    for host in list(muted)[:MUTED_MAX]:
        with suppress(AddressValueError):
            steps += [(_IF_EQUAL, 0, 1, int(IPv4Address(host))), (_RETURN, 0, 0, _NONE)]
    steps.append((_RETURN, 0, 0, _ALL))
    return b"".join(_INSTRUCTION.pack(*step) for step in steps)


def _spare(mark: bytes) -> list[tuple[int, int, int, int]]:
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
