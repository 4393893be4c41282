"""Names that a person gave for devices (`--peer`), turned into addresses before the engine starts.

Strategy: the system's resolver may block for half a minute and cannot be called off, so each name is asked for on a
thread of its own, and all together get a few seconds. The engine knows addresses only.

Guarantees: returns in time whatever the name service does, and says which names led nowhere, so that a mistyped one is
told instead of being silently left out. Limits: IPv4, the first address of a name; asked once, at start.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from typing import Final

from potluck.core.messages import Address

RESOLVE_S: Final = 3.0  # longer than a healthy name service needs, short enough for somebody who waits at a terminal


def resolve(peers: Iterable[tuple[str, int]], wait_s: float = RESOLVE_S) -> tuple[list[Address], list[str]]:
    """Return the addresses of (host, port) pairs, in their order, and the hosts for which there is none."""
    wanted = list(dict.fromkeys(peers))
    found: dict[tuple[str, int], Address] = {}
    threads = [threading.Thread(target=_look_up, args=(peer, found), name="resolve", daemon=True) for peer in wanted]
    deadline = time.monotonic() + wait_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    known = dict(found)  # whoever answers later is not heard
    return [known[peer] for peer in wanted if peer in known], [peer[0] for peer in wanted if peer not in known]


def _look_up(peer: tuple[str, int], found: dict[tuple[str, int], Address]) -> None:
    host, port = peer
    try:
        answers = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter: a name that no name can be
        return
    found[peer] = Address(str(answers[0][4][0]), port)
