"""Request bounds: which newcomers people are asked about, when more ask than anybody can compare.

Strategy: everybody whose conversation stands at the door has a place, one of each host
(core/hosts.py) and device, and at most `limits.REQUESTS_PER_MINUTE` new ones a minute from one
host. At most `limits.REQUESTS` of these are shown at once; the others wait, and their conversations
with them, so the words of one who waits stay the same. Whoever is shown stays for `SHOWN_S` at
least; a request that somebody here said yes to stays until it is over. Then, if others wait, the
one that was shown for longest makes room, and waits as they do. Who comes next is drawn by chance,
among hosts that were not shown within the last `SHOWN_LATELY_S` first. The second half of the
places is filled one by one, so that they do not all become free at once.

Guarantees: pure; nobody is shown for less than `SHOWN_S` because of others; while others wait a
place becomes free every `NEXT_S`, so whoever waits comes before all that were shown lately, and no
history counts for longer than that. Memory is bounded by what stands at the door. Limits: whoever
has more than some thirty IPv4 addresses always has one that was not shown lately; then it is chance
when an honest newcomer is shown, and a code (`invite`) the way in.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from potluck.core import limits
from potluck.core.chance import Chance, draw_index
from potluck.core.hosts import host_of
from potluck.core.keys.identity import DeviceId
from potluck.engine.events import LinkId

MINUTE_S = 60.0
HOSTS_MAX = 1024  # that are remembered: a home has less, and 100 bytes each
SHOWN_S = 15.0  # at least: a glance at another screen, and three words
SHOWN_LATELY_S = 60.0  # who was shown within it lets those go first who were not
SHOWN_AT_ONCE = limits.REQUESTS // 2  # so many are shown as they come
NEXT_S = SHOWN_S / limits.REQUESTS  # then one in so long


@dataclass(slots=True)
class _Place:
    """One conversation at the door that people can be asked about."""

    device: DeviceId
    host: str
    shown_s: float | None = None  # since when it is shown; None: it waits
    safe: bool = False  # somebody here said yes: it stays shown


class NextShown(NamedTuple):
    """Who is shown from now on, and who makes room for it."""

    shown: LinkId
    hidden: LinkId | None


class RequestBounds:
    """Who is shown, who waits, and who asked lately."""

    def __init__(self, chance: Chance) -> None:
        """Nobody has asked."""
        self._chance = chance
        self._places: dict[LinkId, _Place] = {}  # the oldest first
        self._asked_s: OrderedDict[str, list[float]] = OrderedDict()  # by host
        self._shown_s: OrderedDict[str, float] = OrderedDict()  # when a host was shown last
        self._next_s = -math.inf

    def __repr__(self) -> str:
        """Say how many are shown, and how many wait."""
        waiting = len(self._waiting())
        return f"<RequestBounds {len(self._places) - waiting} shown, {waiting} wait>"

    # -- facts -------------------------------------------------------------------------------------
    def why_full(self, address: str, device: DeviceId, now: float) -> str:
        """Say why people cannot be asked about that newcomer just now; "" if they can."""
        host = host_of(address)
        if any(one.host == host and one.device != device for one in self._places.values()):
            return "another device at this address asks just now"
        lately = [s for s in self._asked_s.get(host, ()) if now - s < MINUTE_S]
        if len(lately) >= limits.REQUESTS_PER_MINUTE:
            return "this address has asked too often"
        return ""

    def enter(self, link: LinkId, address: str, device: DeviceId, now: float) -> LinkId | None:
        """A newcomer has a place; return the conversation of the same device before, if any."""
        host = host_of(address)
        same = [other for other, one in self._places.items() if one.device == device]
        self._places[link] = _Place(device, host)
        times = [s for s in self._asked_s.pop(host, ()) if now - s < MINUTE_S]
        self._asked_s[host] = [*times, now]
        while len(self._asked_s) > HOSTS_MAX:
            self._asked_s.popitem(last=False)
        return same[0] if same else None

    def leave(self, link: LinkId) -> None:
        """That conversation is over."""
        self._places.pop(link, None)

    def keep(self, link: LinkId) -> None:
        """Somebody here said yes to it."""
        if link in self._places:
            self._places[link].safe = True

    # -- turns -------------------------------------------------------------------------------------
    def take_turn(self, now: float) -> NextShown | None:
        """Say who is shown from now on; None: nobody new, for now."""
        due_s = self.deadline()
        if due_s is None or due_s > now:
            return None
        waiting = self._waiting()
        late = [link for link in waiting if self._was_shown_lately(link, now)]
        fresh = [link for link in waiting if link not in late] or late
        link, gone = fresh[draw_index(self._chance, len(fresh))], None
        if len(self._places) - len(waiting) >= limits.REQUESTS:
            gone = min(self._ripening(), key=lambda pair: pair[0])[1]
            self._places[gone].shown_s = None
            self._note_shown(gone, now)
        self._places[link].shown_s, self._next_s = now, now + NEXT_S
        self._note_shown(link, now)
        return NextShown(link, gone)

    def deadline(self) -> float | None:
        """Return when `take_turn` has somebody; None: not before something happens."""
        waiting = len(self._waiting())
        shown = len(self._places) - waiting
        if not waiting:
            return None
        if shown < SHOWN_AT_ONCE:
            return -math.inf
        if shown < limits.REQUESTS:
            return self._next_s
        ripe_s = min((shown_s + SHOWN_S for shown_s, _ in self._ripening()), default=None)
        return None if ripe_s is None else max(self._next_s, ripe_s)

    def _waiting(self) -> list[LinkId]:
        return [link for link, one in self._places.items() if one.shown_s is None]

    def _ripening(self) -> list[tuple[float, LinkId]]:
        """Return who is shown, since when, and may be made to wait in time."""
        places = self._places.items()
        return [(p.shown_s, link) for link, p in places if p.shown_s is not None and not p.safe]

    def _was_shown_lately(self, link: LinkId, now: float) -> bool:
        shown_s = self._shown_s.get(self._places[link].host, -math.inf)
        return now - shown_s < SHOWN_LATELY_S

    def _note_shown(self, link: LinkId, now: float) -> None:
        host = self._places[link].host
        self._shown_s.pop(host, None)
        self._shown_s[host] = now
        while len(self._shown_s) > HOSTS_MAX:
            self._shown_s.popitem(last=False)
