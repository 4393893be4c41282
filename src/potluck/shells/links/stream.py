"""One TLS connection that a thread may block on: frames and raw bytes, in and out.

Strategy: a stream belongs to one thread at a time (two threads in one OpenSSL object crash
CPython). Reads ask for exactly what is needed, so raw bytes after a frame go straight into the
caller's buffer and are copied once, by OpenSSL. Waiting happens in short steps; between them
the `user` of the stream is asked whether to go on, which is how a worker is called off. With a
`window` the other side is told how much it may have on its way (Linux: TCP_WINDOW_CLAMP; elsewhere
the kernel's own choice stands), and next to nothing while it `gives_way` to something else. Whoever
wants to know how it goes is told what came and how long it was waited for: pauses of this device,
and the time in which it does something else, are not in that.

Guarantees: a frame's length is compared with its catalogue's limit before its body is allocated;
silence longer than allowed raises TimeoutError; the other side's end raises EOFError, never a short
read. Limits: a peer that sends one byte per step is slow, not silent: handshakes therefore carry a
deadline, not a patience, and what is asked of a member is judged by its pace (core/content/swarm).
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import sys
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from potluck.core import limits
from potluck.core.content.swarm.windows import ReceiveWindow
from potluck.core.wire.catalogue import Catalogue, Unknown, encode_frame, frame_length

Heard = TypeVar("Heard")
STEP_S: Final = 0.25  # how long a call-off may go unnoticed
SLICE_BYTES: Final = 128 * limits.KIB  # sent within `stall_s`: 70 kbit/s, slower is no use
KEEPALIVE_S: Final = 5  # idle seconds before the kernel asks whether the other host is still there
KEEPALIVE_STEP_S: Final = 1  # between two such questions
KEEPALIVE_TRIES: Final = 3  # unanswered, the connection ends: a dead host is noticed within 8 s
# where Linux's struct tcp_info has tcpi_total_retrans, and where that ends
TOTAL_RETRANS_AT: Final = 100
TCP_INFO_BYTES: Final = 104
NO_SOCKET: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
"""Why this machine makes no socket now, whoever is at the other end."""
PREFIX_BYTES: Final = 4  # the length in front of a frame


class StreamUser(Protocol):
    """Whoever works on a stream and may be called off: an order, or a session that serves."""

    def check(self) -> None:
        """Raise something if the work is not to go on."""


class Stream:
    """A blocking, authenticated connection."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        """Take a connection after its handshake; it waits in steps from now on."""
        self.sock: Final = sock
        sock.settimeout(STEP_S)
        self.user: StreamUser | None = None  # nobody calls a handshake off: it has a deadline
        self.window: ReceiveWindow | None = (
            None  # what may be on its way to us; the kernel's choice
        )
        # whether something more urgent comes from there now: then this comes as slowly as can be
        self.gives_way: Callable[[], bool] | None = None
        self.heard = False  # whether a byte came since somebody last set this to False
        # longest silence in the middle of something, either way
        self.stall_s: Final = limits.BULK_STALL_S
        # told what came and how long it was waited for, about once in limits.PACE_TOLD_S of waiting
        self._tells: Callable[[int, float], None] | None = None
        self._untold_bytes, self._untold_s = 0, 0.0
        self.deadline = 0.0  # monotonic; beyond it nothing is read any more; 0: none

    @property
    def host(self) -> str:
        """The address of the other end, "" once that is not known any more."""
        try:
            return str(self.sock.getpeername()[0])
        except OSError:
            return ""

    def __repr__(self) -> str:
        """Show who uses it."""
        return f"<Stream {self.sock.fileno()}: user {self.user!r}, heard={self.heard}>"

    def receive(self, catalogue: Catalogue[Heard], wait_s: float | None = None) -> Heard | Unknown:
        """Return the next frame, begun within `wait_s` (or `stall_s`).

        Raises ProtocolError, OSError, EOFError.
        """
        prefix = bytearray(PREFIX_BYTES)
        self.receive_into(memoryview(prefix), wait_s)
        body = bytearray(frame_length(prefix, catalogue.frame_bytes))
        self.receive_into(memoryview(body))
        return catalogue.decode(body)

    def receive_into(self, view: memoryview, wait_s: float | None = None) -> None:
        """Fill `view`; raises TimeoutError after `wait_s` without a byte, EOFError at the end."""
        at, wanted = 0, len(view)
        patience_s = self.stall_s if wait_s is None else wait_s
        while at < wanted:
            at += self._some(view[at:], patience_s)

    def _some(self, view: memoryview, wait_s: float) -> int:
        give_up = 0.0
        while True:
            if self.deadline:
                remaining_s(self.deadline)
            begun = time.monotonic()
            try:
                count = self.sock.recv_into(view)
            except TimeoutError:
                self._count(0, begun)
                if self.user is not None:
                    self.user.check()
                now = time.monotonic()
                give_up = give_up or now + wait_s - STEP_S
                if now >= give_up:
                    raise
                continue
            if count == 0:
                raise EOFError("the other side closed the connection")
            self.heard = True
            self._count(count, begun)
            if self.window is not None:
                self._limit(self.window, count)
            return count

    def _count(self, count: int, begun: float) -> None:
        """Bytes came, or none in a step; a longer wait than a step is a pause of this device."""
        if self._tells is None:
            return
        self._untold_bytes += count
        self._untold_s += min(time.monotonic() - begun, 2 * STEP_S)
        if self._untold_s >= limits.PACE_TOLD_S:
            self._tells(self._untold_bytes, self._untold_s)
            self._untold_bytes, self._untold_s = 0, 0.0
            if self.user is not None:  # a byte now and then is no silence, and ends nothing else
                self.user.check()

    def tell(self, tells: Callable[[int, float], None] | None) -> None:
        """From now on tell what comes and how long it is waited for; None: nobody."""
        self._tells = tells
        self._untold_bytes, self._untold_s = 0, 0.0

    def measure(self, queue_s: float) -> None:
        """From now on let no more be on its way than came in `queue_s`; to begin with, little."""
        if self.window is None:
            self.window = ReceiveWindow(time.monotonic(), queue_s)
            self._clamp(limits.WINDOW_START_BYTES)

    def _limit(self, window: ReceiveWindow, count: int) -> None:
        size_bytes = window.on_bytes(count, time.monotonic())
        # said again and again: the kernel widens it by itself whenever much is read at once
        if size_bytes is not None:
            if self.gives_way is not None and self.gives_way():
                size_bytes = limits.WINDOW_MIN_BYTES
            self._clamp(size_bytes)

    def _clamp(self, size_bytes: int) -> None:
        if hasattr(socket, "TCP_WINDOW_CLAMP"):
            with contextlib.suppress(OSError):  # a connection that is over needs no window
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, size_bytes)

    def send(self, message: object) -> None:
        """Send one frame; raises OSError."""
        self.send_bytes(encode_frame(message))

    def send_bytes(self, data: bytes | memoryview) -> None:
        """Send ready-made bytes; the other side may pause `stall_s`; raises OSError.

        In slices, since OpenSSL has one deadline for all it is given at once: a slow link is no
        silent one, and may well need minutes for a piece of 16 MiB.
        """
        view = memoryview(data)
        self.sock.settimeout(self.stall_s)
        try:
            for start in range(0, len(view), SLICE_BYTES):
                self.sock.sendall(view[start : start + SLICE_BYTES])
        finally:
            self.sock.settimeout(STEP_S)

    def unread(self) -> bool:
        """Say whether an idle connection has something to read: if it owes nothing, its end."""
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(STEP_S)
        return True

    def cut(self) -> None:
        """End the connection, whatever its thread waits for; not TLS, which is that thread's.

        Only while nobody may close it: else its descriptor may be another's by now.
        """
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close; never fails."""
        self.sock.close()


def remaining_s(deadline: float) -> float:
    """Return the seconds left until `deadline` (monotonic); raises TimeoutError if none are."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the handshake took too long")
    return left


def read_to_end(sock: socket.socket, most_bytes: int, deadline: float) -> bytes:
    """Return what comes until the other side closes, or the first `most_bytes` of it.

    Raises OSError, after `deadline` (monotonic) too.
    """
    data = b""
    while len(data) < most_bytes:
        sock.settimeout(remaining_s(deadline))
        more = sock.recv(most_bytes - len(data))
        if not more:
            break
        data += more
    return data


def set_options(sock: socket.socket) -> None:
    """Set what every connection wants: no delay for small frames, and a dead host found soon."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_STEP_S),
        ("TCP_KEEPCNT", KEEPALIVE_TRIES),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def set_user_timeout(sock: socket.socket, seconds: float) -> None:
    """Let the kernel (Linux) give up when sent bytes stay unacknowledged for so long."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def resent(sock: socket.socket) -> int:
    """Return how many packets of a connection had to be sent again (Linux; elsewhere 0)."""
    if not hasattr(socket, "TCP_INFO"):
        return 0
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    except OSError:
        return 0
    return int.from_bytes(info[TOTAL_RETRANS_AT:TCP_INFO_BYTES], sys.byteorder)
