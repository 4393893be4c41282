"""Segments: to which hosts connections are made with small packets.

Strategy: some paths lose large packets in silence (a tunnel, a wrongly set switch), and then a
connection is made and hangs at its first long flight. TCP agrees on the size of its segments when a
connection is made, so a small size set before that, by either side, keeps both below what gets
through. The loop thread says to which hosts, workers ask before they dial; the listening socket is
set once for everybody, since who will come to it is not known.

Guarantees: read without a lock: one reference is swapped. Limits: the smaller packets cost a few
per cent of the rate to that host, and, once anybody needed them, from everybody who dials us.
"""

from __future__ import annotations

import socket
from typing import Final

from potluck.core import limits
from potluck.engine.effects import Narrow


class Segments:
    """The hosts to which packets are small; `narrow` is called by the loop thread only."""

    def __init__(self, listener: socket.socket | None = None) -> None:
        """Begin with large packets for all; `listener` accepts connections."""
        self._listener: Final = listener
        self._hosts: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show how many hosts there are."""
        return f"<Segments: small to {len(self._hosts)} hosts>"

    def narrow(self, effect: Narrow) -> None:
        """From now on connections with that host have small packets."""
        self._hosts = self._hosts | {effect.host}
        if self._listener is not None:
            _limit(self._listener)

    def prepare(self, sock: socket.socket, host: str) -> None:
        """Set what a socket needs before it dials that host."""
        if host in self._hosts:
            _limit(sock)


def _limit(sock: socket.socket) -> None:
    if hasattr(socket, "TCP_MAXSEG"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, limits.SMALL_SEGMENT_BYTES)
