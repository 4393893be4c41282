"""Asking turns: which of the groups near by is asked next, and which is left alone for now.

Strategy: what a stranger says of itself, its tag and how many devices it has, costs it nothing, so
neither decides for long. What counts is the *host* that speaks. After a no, or where nobody
answered, that group rests, and for a while so does everything else at that host. A host that was
asked in vain like this, or for `VAIN_S` in any other way, goes behind all others: those never
asked come first, then whoever was asked longest ago. Only among equals the rules of founding.py
count: company first, then the lower tag.

An open door that lets nobody in for as long is no reason to wait, nor is the next one there. A
group of another version is asked again for good, each `VERSION_REST_S`: it may be brought up to
date.

Guarantees: pure; bounded; each host that can be asked is, after at most as many others as there are
hosts. What a person wants is asked, whatever rests. Limits: whoever has many hosts (core/hosts.py)
has many turns, each as long as people take to answer; a person can name the right one.
"""

from __future__ import annotations

import math
from typing import NewType, TypeVar

from potluck.core import limits

ASK_RETRY_S = 0.4  # about what two lonely devices need to see who of them goes to whom
VERSION_REST_S = 8.0  # one side has to be brought up to date first: looked for now and then
TRIES = 20  # a device that is about to join elsewhere says no for a second or two
VAIN_S = 10.0  # so long a host may be asked in vain before it is another's turn
HOST_REST_S = 60.0  # after a no, or silence: whoever stands there has had its say
HOSTS_ASKED = 1024  # that are remembered; the one that was asked longest ago goes

GroupTag = NewType("GroupTag", bytes)
"""What strangers know a group by: 32 bytes that order groups the same on all devices."""


_Key = TypeVar("_Key")


class AskingTurns:
    """Who was asked in vain, and when."""

    def __init__(self) -> None:
        """Nobody was asked."""
        self._rests_s: dict[tuple[GroupTag, str], float] = {}  # host "": wherever it is offered
        self._refusals: dict[tuple[GroupTag, str], int] = {}  # asked in vain so often
        self._since_s: dict[str, float] = {}  # since when a host is asked in vain,
        self._in_vain_s: dict[str, float] = {}  # when it was last,
        self._tired: dict[str, float] = {}  # and since when it is no reason to wait
        self._behind_s: dict[str, float] = {}  # when a host went behind the others
        self._host_rests_s: dict[str, float] = {}

    def __repr__(self) -> str:
        """Say how much rests."""
        return f"<AskingTurns {len(self._rests_s)} rest, {len(self._behind_s)} hosts behind>"

    @property
    def _by_host(self) -> tuple[dict[str, float], ...]:
        times = (self._since_s, self._in_vain_s, self._tired)
        return (*times, self._behind_s, self._host_rests_s)

    # -- facts -------------------------------------------------------------------------------------
    def on_asked(self, host: str, now: float) -> None:
        """That host is asked."""
        if now - self._in_vain_s.get(host, -math.inf) > VAIN_S:
            self._since_s.pop(host, None)
        self._since_s.setdefault(host, now)
        _shorten(self._since_s, HOSTS_ASKED)

    def on_in_vain(
        self, tag: GroupTag, host: str, now: float, rest_s: float, *, answered: bool
    ) -> None:
        """That group came to nothing there, and rests so long; `answered`: by people, or silence.

        Anything else is held against this host only: who speaks for a group is not known.
        """
        key = (tag, "" if answered else host)
        self._rests_s.pop(key, None)
        self._rests_s[key] = now + rest_s
        _shorten(self._rests_s, limits.OFFERS)
        if rest_s == ASK_RETRY_S:
            self._refusals[key] = self._refusals.get(key, 0) + 1
            _shorten(self._refusals, limits.OFFERS)
        if self._refusals.get(key, 0) >= TRIES:
            self._rests_s[key] = math.inf
        if answered:
            _put(self._host_rests_s, host, now + HOST_REST_S)
        for_long = now - self._since_s.get(host, now) >= VAIN_S
        if for_long and rest_s in {ASK_RETRY_S, VERSION_REST_S}:
            _put(self._tired, host, now)
        if answered or for_long:
            self._since_s.pop(host, None)
            _put(self._behind_s, host, now)
        _put(self._in_vain_s, host, now)

    def on_wanted(self, tag: GroupTag, host: str) -> None:
        """A person wants that group there."""
        for key in ((tag, ""), (tag, host)):
            self._rests_s.pop(key, None)
            self._refusals.pop(key, None)
        for table in self._by_host:
            table.pop(host, None)

    def clear(self) -> None:
        """Everything is asked anew."""
        self._rests_s.clear()
        self._refusals.clear()
        for table in self._by_host:
            table.clear()

    # -- answers -----------------------------------------------------------------------------------
    def rests_until_s(self, tag: GroupTag, host: str) -> float:
        """Return when that group may be asked there; -inf: it never was in vain."""
        rests = [self._rests_s.get(key, -math.inf) for key in ((tag, ""), (tag, host))]
        return max(*rests, self._host_rests_s.get(host, -math.inf))

    def behind_s(self, host: str) -> float:
        """Return when that host went behind the others; -inf: it is before all who did."""
        return self._behind_s.get(host, -math.inf)

    def in_vain_s(self, host: str) -> float:
        """Return when that host was last asked in vain; -inf: it never was."""
        return self._in_vain_s.get(host, -math.inf)

    def is_tired_of(self, host: str) -> bool:
        """Say whether that host let nobody in for so long that its open doors count no more."""
        return host in self._tired


def _put(table: dict[str, float], host: str, at_s: float) -> None:
    """Note that of a host, as the newest."""
    table.pop(host, None)
    table[host] = at_s
    _shorten(table, HOSTS_ASKED)


def _shorten(table: dict[_Key, float] | dict[_Key, int], count: int) -> None:
    """Forget what came first beyond so many."""
    while len(table) > count:
        del table[next(iter(table))]
