"""Group attention: how much of what looks as if the own group had sealed it reaches the engine.

Strategy: such a datagram begins with bytes that anybody can overhear, and only opening it shows
whose it is, which costs the engine some fifty times as much as to refuse it here. So it has tokens
like a stranger's (attention.py), by host and in all, but many more. Hosts to which this device
sealed something itself, lately, are members' or were asked whether they are: these have tokens of
their own, so a flood from anywhere else takes nothing from them.

Guarantees: below `all_per_s` nobody is refused; what a host sends beyond takes nothing from others
of its kind that are not loud; what is remembered is bounded. Limits: the kernel hands over
everything that is marked so, which costs a hundredth of a millisecond each; sources of datagrams
can be made up, and then who really is there is refused as often as whoever speaks in its name.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from potluck.core import limits
from potluck.core.hosts import host_of
from potluck.shells.net.attention import Budget, Crowd

# One that is opened in vain costs a turn of the engine, 0.4 ms: a quarter of a core at most, beside
# what comes at once. A large group makes some ten a second, and some hundred while it starts; there
# is more than one of each, and a datagram may always be lost.
KNOWN_HEARD: Final = Budget(all_burst=1024, all_per_s=500, host_burst=128, host_per_s=64)
UNKNOWN_HEARD: Final = Budget(all_burst=1024, all_per_s=125, host_burst=32, host_per_s=8)


class GroupAttention:
    """What is marked as sealed by the own group and is looked at."""

    def __init__(self, now: float) -> None:
        """Know nobody, and hear everybody for now."""
        self._known: Final = Crowd(KNOWN_HEARD, now)
        self._unknown: Final = Crowd(UNKNOWN_HEARD, now)
        self._hosts: Final[OrderedDict[str, None]] = OrderedDict()  # sent to longest ago first

    def __repr__(self) -> str:
        """Show how many hosts something was sent to."""
        return f"<GroupAttention: {len(self._hosts)} hosts known>"

    def on_sent(self, address: str) -> None:
        """Something sealed is sent there."""
        host = host_of(address)
        self._hosts[host] = None
        self._hosts.move_to_end(host)
        if len(self._hosts) > limits.SIGHTED:
            self._hosts.popitem(last=False)

    def hears(self, address: str, now: float) -> bool:
        """Say whether something from that address is looked at; it counts."""
        host = host_of(address)
        crowd = self._known if host in self._hosts else self._unknown
        return crowd.hears(host, now)
