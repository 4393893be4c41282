"""Silence: when it is worth a line that nobody answers, and which of two lines that is.

Strategy: a moment without anybody is no news. A search takes three seconds. Whoever was near a
moment ago, or is in the group and was just let in, has a moment to be found again. A group that is
heard and does not answer may be a newcomer that begins to ask, so that has to last longest.
Guarantees: pure; while somebody is here, or near to be asked, nobody is said not to answer.
Limits: a device that needs longer than that to answer is said not to, and answers later.
"""

from __future__ import annotations

from typing import Any

ALONE_S = 5.0  # before being alone is worth a line: a search takes about three
LOST_S = 10.0  # the same after a group was near: its other devices are looked for
HEARD_FOR_S = 10.0  # before it is worth one that a group does not answer: it may have just begun


class Silence:
    """Since when there is which silence."""

    def __init__(self, now: float) -> None:
        """Nobody was looked for yet."""
        self._alone_s = now  # the last time that anybody else was seen
        self._unheard_s = now  # the last time that no group was heard that does not answer
        self._was_near = False

    def __repr__(self) -> str:
        return f"Silence({self._alone_s:g})"

    def kind(self, state: dict[str, Any], now: float, *, here: bool, near: bool) -> str:
        """Return "alone" or "heard" if that is worth a line by now, else "".

        `here`: somebody of the own group is; `near`: a group is near that can be asked, or asks.
        """
        self._was_near = self._was_near or near
        if here or near:
            self._alone_s = now  # a newcomer needs a moment to find those it was just let in by
        if is_heard(state):
            since_s = max(self._alone_s, self._unheard_s)
            return "heard" if now - since_s >= HEARD_FOR_S else ""
        self._unheard_s = now
        wait_s = LOST_S if self._was_near and len(state["devices"]) == 1 else ALONE_S
        return "alone" if now - self._alone_s >= wait_s else ""


def is_heard(state: dict[str, Any]) -> bool:
    """Say whether a group is near that does not answer; an earlier version does not tell it."""
    return bool(state["tried"].get("heard"))
