"""Supervision: what a supervisor that started this program is told of it, in systemd's words.

Strategy: systemd names a datagram socket in NOTIFY_SOCKET (sd_notify(3)); what is said there are
short lines like READY=1. If it also wants to know that the program lives (WATCHDOG_USEC), the main
thread asks the loop thread something now and then and passes the answer on: a loop that does not
turn gives no sign, and the supervisor starts the program again.

Guarantees: without a supervisor nothing happens; a supervisor that does not listen, or a socket
that cannot be reached, never hinders the program. A sign of life is only given after the loop has
answered. Both variables are taken out of the environment, so no program started from here speaks
in our name. Limits: Unix datagram sockets only, by path or in Linux's abstract namespace.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
ALIVE: Final = "WATCHDOG=1"
SIGNS_PER_PERIOD: Final = 3  # so one late answer is no death
_SEND_S: Final = 1.0  # a supervisor whose queue is full must not hold the program up
_MICROSECONDS: Final = 1_000_000


class Supervision:
    """The supervisor of this process, or the lack of one."""

    def __init__(self, environ: MutableMapping[str, str], process: int) -> None:
        """Find out from the environment of this `process` who wants to know."""
        self._address: Final = _address(environ.pop("NOTIFY_SOCKET", ""))
        period, whose = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        mine = self._address and whose in {"", str(process)}
        self._period_s: Final = int(period) / _MICROSECONDS if mine and period.isdigit() else 0.0

    def __repr__(self) -> str:
        """Show whether anybody listens, and how often a sign of life is wanted."""
        listens = "nobody listens" if not self._address else "somebody listens"
        return f"<Supervision: {listens}, every {self.interval_s} s>"

    @property
    def interval_s(self) -> float | None:
        """How often a sign of life is to be given; None: never."""
        return self._period_s / SIGNS_PER_PERIOD if self._period_s else None

    def say(self, *lines: str) -> None:
        """Tell the supervisor, if there is one."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(_SEND_S)
            sock.sendto("\n".join(lines).encode(), self._address)

    def watch(
        self, ended: Callable[[float | None], bool], answers: Callable[[float], bool]
    ) -> None:
        """Give signs of life until `ended(timeout_s)`; `answers(timeout_s)` asks for one.

        Without a wish for them this only waits.
        """
        while not ended(self.interval_s):
            if answers(self._period_s):
                self.say(ALIVE)


def supervision() -> Supervision:
    """Return the supervisor of this process."""
    return Supervision(os.environ, os.getpid())


def _address(name: str) -> str:
    """Return a socket's address: a path, or after an @ a name in the abstract namespace."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""
