"""Ended requests: which ends of requests to join are worth a line of their own.

Strategy: an end without anybody's answer is told in a line if the request had been asked about on
this screen for `SEEN_S`: whoever looked at it has to learn why it went. Of the others, which a
flood is made of, one in a minute is told and the rest is counted. That a notice is about a request
is known by what it is called in it, which no other one is at that time. Guarantees: pure; one
request is asked about at a time, so a minute has at most 60 / `SEEN_S` such lines, and one more,
whatever others do; nothing is left out without being counted. Limits: who was asked about for less
than `SEEN_S` counts as not seen.
"""

from __future__ import annotations

from typing import Any

from potluck.core.wording import set_off
from potluck.faces.line_budget import LineBudget
from potluck.faces.text import count

SEEN_S = 2.0  # asked about for so long, a request was seen by whoever sits there
LATE_S = 10.0  # a notice comes a moment before or after the snapshot without its request
UNSEEN_LINES = 1  # of the others, in a minute: one is news, a flood is a sum
_WAYS = ("of", "to")  # on the side of the group, and of the newcomer
_ANSWERED = (" said no", " said yes", " is a member now")


class EndedRequests:
    """What was asked about here, until a moment after it is over."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._names: dict[str, str] = {}  # of the requests that stand, by id
        self._seen: dict[str, str] = {}  # names of those that were for long enough, by id
        self._gone: dict[str, float] = {}  # since when those that were seen are over
        self._top, self._since_s = "", 0.0  # what is asked about, and since when
        self._unseen = LineBudget(UNSEEN_LINES)

    def __repr__(self) -> str:
        return f"EndedRequests({len(self._names)} stand, {len(self._seen)} seen)"

    def on_state(self, state: dict[str, Any], now: float) -> None:
        """Take a snapshot: which requests stand."""
        self._names = {one["id"]: one["name"] for one in state.get("requests", ())}
        self._gone = {one: self._gone.get(one, now) for one in self._seen if one not in self._names}
        late = {one for one, since_s in self._gone.items() if now - since_s >= LATE_S}
        self._seen = {one: name for one, name in self._seen.items() if one not in late}

    def on_top(self, request: str, now: float) -> None:
        """Note which request is asked about on the screen, by its id; "" for none."""
        if request != self._top:
            self._top, self._since_s = request, now
        if request in self._names and now - self._since_s >= SEEN_S:
            self._seen[request] = self._names[request]

    def may_tell(self, text: str, now: float) -> bool:
        """Say whether the notice of an end has a line; if not it is counted."""
        return text.endswith(_ANSWERED) or self._was_seen(text) or self._unseen.take(now)

    def _was_seen(self, text: str) -> bool:
        names = (set_off(name) for name in self._seen.values())
        starts = tuple(f"the request {way} {name} is over: " for name in names for way in _WAYS)
        return text.startswith(starts)

    def lines(self, now: float) -> list[str]:
        """Return how many were left out, once a minute."""
        ended = self._unseen.due(now)
        return [f"{count(ended, 'more request')} to join ended within a minute."] if ended else []
