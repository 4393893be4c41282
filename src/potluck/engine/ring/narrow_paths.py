"""Narrow paths: hosts with which a connection was made and then hung.

Strategy: a path that loses large packets in silence lets a connection begin and nothing long
through. From outside that looks like a host that fell silent just then; both are answered the same
way, by small packets from the next connection on, since those cost little and do no harm to a host
that was only asleep. Whether that was enough shows in what hangs later: each time is passed on, and
link_troubles.py has it said if it goes on. Guarantees: each host is made narrow once; at most
`HOSTS` of them are, so nobody makes it grow. Limits: what is lost is guessed; a host stays narrow
until the end of the run.
"""

from __future__ import annotations

from typing import Protocol

from potluck.engine.effects import Narrow
from potluck.engine.events import PathStalled
from potluck.engine.node import Node

HOSTS = 1024  # more than a group has addresses on a LAN of the size we are made for


class NarrowPathsListener(Protocol):
    """Hears with whom connections hang."""

    def on_hung(self, host: str) -> None:
        """A connection with that host was made and hung, for the first time or once more."""


class NarrowPaths:
    """Decides with whom packets are small."""

    def __init__(self, node: Node, listener: NarrowPathsListener) -> None:
        """Know of none."""
        self._node, self._listener = node, listener
        self._hosts: set[str] = set()

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<NarrowPaths: {len(self._hosts)}>"

    def on_stalled(self, event: PathStalled) -> None:
        """A connection with a host hung."""
        host = event.host
        if host not in self._hosts:
            if len(self._hosts) >= HOSTS:
                return
            self._hosts.add(host)
            self._node.do(Narrow(host))
        self._listener.on_hung(host)
