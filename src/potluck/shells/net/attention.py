"""Attention: how much of what strangers send to one socket is looked at.

Strategy: a bucket of tokens for all strangers, and one for each host. While there are tokens for
all, everybody is heard, however loud. Once they are used up there is a *crowd*, for some seconds:
then a host that has used up its own tokens is muted, by this part and, together with others, in the
kernel (packet_filters.py), so that it costs us nothing. Thus a flood is heard for as long as it
takes to see whom it comes from, and whoever was not loud himself is heard again. What comes over
IPv4 and what comes over IPv6 has tokens, room and a crowd of its own, so a flood of the one takes
nothing from the other.

Guarantees: at most `Budget.all_burst` at once and `Budget.all_per_s` a second are heard of all
strangers of each family; what is remembered is bounded; nobody is muted for longer than MUTE_S
without having been loud again. All of an IPv6 /64 are one host, here and in the kernel. Limits:
while there is a crowd of hosts never met before, those who are right among
them are refused as often as the others; who shares a /64 with the loud is muted with them, and the
kernel mutes none from which somebody came whom the caller knows. Sources of datagrams can be made
up, and who is muted so is not heard; hence what members send must pass in another way, which is the
caller's business.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from potluck.core.hosts import host_of
from potluck.shells.net.packet_filters import (
    MUTED_MAX,
    MUTED_NETWORKS_MAX,
    attach,
    detach,
    filter_code,
)

CROWD_S: Final = 10.0  # after the last time when not everybody could be heard
MUTE_S: Final = 10.0  # a lonely device goes on asking for longer, and a dial is repeated
HOSTS_COUNTED: Final = 4096  # hosts of one family remembered; each costs some hundred bytes
# the kernel is told of new ones this often: to build a filter costs about a millisecond
FOLLOW_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Budget:
    """What is heard: so many at once, and then so many a second."""

    all_burst: float
    all_per_s: float
    host_burst: float
    host_per_s: float


@dataclass(slots=True)
class _Tokens:
    """A bucket of tokens."""

    left: float
    counted_s: float

    def earn(self, now: float, per_s: float, burst: float) -> None:
        """Add what came in since it was counted last."""
        self.left = min(burst, self.left + (now - self.counted_s) * per_s)
        self.counted_s = now


class Crowd:
    """What of strangers that share one budget is heard."""

    def __init__(self, budget: Budget, now: float, muted_max: int = MUTED_MAX) -> None:
        """Hear everybody for now."""
        self._budget: Final = budget
        self._muted_max: Final = muted_max
        self._all: Final = _Tokens(budget.all_burst, now)
        self._hosts: Final[OrderedDict[str, _Tokens]] = OrderedDict()  # heard longest ago first
        self._muted: Final[OrderedDict[str, float]] = OrderedDict()  # until when
        self._crowd_until_s = now

    def __repr__(self) -> str:
        """Show how many are known, and how many muted."""
        return f"<Crowd: {len(self._hosts)} hosts, {len(self._muted)} muted>"

    def hears(self, host: str, now: float) -> bool:
        """Say whether something of a stranger of that host is looked at; it counts."""
        loud = not self._spend(host, now)
        if loud and now < self._crowd_until_s:
            self._muted[host] = now + MUTE_S
            self._muted.move_to_end(host)
            if len(self._muted) > self._muted_max:
                self._muted.popitem(last=False)
            return False
        self._all.earn(now, self._budget.all_per_s, self._budget.all_burst)
        if self._all.left < 1:
            self._crowd_until_s = now + CROWD_S
            return False
        self._all.left -= 1
        return True

    def muted(self, now: float) -> list[str]:
        """Return who is muted still, whoever was so last at the end."""
        for host in [host for host, until_s in self._muted.items() if now >= until_s]:
            del self._muted[host]
        return list(self._muted)

    def _spend(self, host: str, now: float) -> bool:
        """Take a token of that host; False if it has none."""
        tokens = self._hosts.get(host)
        if tokens is None:
            tokens = self._hosts[host] = _Tokens(self._budget.host_burst, now)
            if len(self._hosts) > HOSTS_COUNTED:
                self._hosts.popitem(last=False)
        self._hosts.move_to_end(host)
        tokens.earn(now, self._budget.host_per_s, self._budget.host_burst)
        if tokens.left < 1:
            return False
        tokens.left -= 1
        return True


class Attention:
    """What of strangers reaches one socket; used by the loop thread alone."""

    def __init__(self, sock: socket.socket, budget: Budget, now: float) -> None:
        """Hear everybody on this socket for now."""
        self._sock: Final = sock
        self._over_ipv4: Final = Crowd(budget, now)
        self._over_ipv6: Final = Crowd(budget, now, MUTED_NETWORKS_MAX)
        self._followed_s = now
        self._told: tuple[frozenset[str], tuple[bytes, ...]] = (frozenset(), ())

    def __repr__(self) -> str:
        """Show how many are known, and how many muted."""
        return f"<Attention: over IPv4 {self._over_ipv4!r}, over IPv6 {self._over_ipv6!r}>"

    def hears(self, address: str, now: float) -> bool:
        """Say whether something of a stranger at that address is looked at; it counts."""
        host = host_of(address)
        crowd = self._over_ipv6 if ":" in host else self._over_ipv4
        return crowd.hears(host, now)

    def on_tick(
        self,
        now: float,
        never: Callable[[], Collection[str]] = tuple,
        spared: Sequence[bytes] = (),
    ) -> None:
        """Have the kernel follow; `never()` are not muted, what begins with `spared` passes."""
        if now < self._followed_s + FOLLOW_S:
            return
        self._followed_s = now
        muted = frozenset([*self._over_ipv4.muted(now), *self._over_ipv6.muted(now)])
        if not (muted or self._told[0]):
            return
        tell = (muted.difference(map(host_of, never())), tuple(spared))
        if tell == self._told:
            return
        self._told = tell
        if not tell[0]:
            detach(self._sock)
        else:
            attach(self._sock, filter_code(*tell))
