"""Narrow paths: hosts with which a connection was made and then hung.

Strategy: a path that loses large packets in silence lets a connection begin and nothing long
through. From outside that looks like a host that fell silent just then; both are answered the same
way, by small packets from the next connection on, since those cost little and do no harm to a host
that was only asleep. Guarantees: each host once; at most `HOSTS` of them, so nobody makes it grow.
Limits: what is lost is guessed, so nobody is told of it; a host stays narrow until the end of the
run.
"""

from __future__ import annotations

from potluck.engine.effects import Narrow
from potluck.engine.events import PathStalled
from potluck.engine.node import Node

HOSTS = 1024  # more than a group has addresses on a LAN of the size we are made for


class NarrowPaths:
    """Decides with whom packets are small."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._hosts: set[str] = set()

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<NarrowPaths: {len(self._hosts)}>"

    def on_stalled(self, event: PathStalled) -> None:
        """A connection with a host hung."""
        if event.host not in self._hosts and len(self._hosts) < HOSTS:
            self._hosts.add(event.host)
            self._node.do(Narrow(event.host))
