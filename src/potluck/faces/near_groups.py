"""Near groups: which of the groups that were found near by are worth a line, and when.

Strategy: two devices that meet ask each other by themselves within moments, and then the three
words stand on both screens: that another group was found is no news before that, and puzzling above
them. So a group is told when nobody has asked within `ASKED_S`, or at once where something else is
to be said of it: what became of the last request, or that it is not asked by itself. While
this device asks one group, the others are not about to be asked: they wait. What comes of a code is
told first, and a group that one talks to is told by its request.

Guarantees: the same group is told once, however many of its devices answer, until its door, the own
one or what is to be done about it changes. Limits: a group that is found, goes, and comes back is
waited for again.
"""

from __future__ import annotations

from typing import Any

from potluck.faces.cli.company import rests_s, strangers, told_found_lines, tries_code
from potluck.faces.cli.comparing import requests_of
from potluck.faces.cli.layout import Words

ASKED_S = 6.0  # it takes some three until one asks and both have told their words


class NearGroups:
    """What was said of them so far."""

    def __init__(self, words: Words) -> None:
        """None was found."""
        self._words = words
        self._met_s: dict[object, float] = {}  # since when each is near
        self._said = set[object]()

    def __repr__(self) -> str:
        return f"NearGroups({len(self._met_s)} near)"

    def on_watched(self, state: dict[str, Any], now: float) -> None:
        """A view begins to watch: what is near was there before."""
        self._met_s = {_which(one): now - ASKED_S for one in state["found"]}

    def lines(self, state: dict[str, Any], now: float) -> list[str]:
        """Return the lines for those that are to be told now."""
        near = {_which(one) for one in state["found"]}
        self._met_s = {which: self._met_s.get(which, now) for which in near}
        lines, asks = list[str](), any(one["side"] == "joiner" for one in requests_of(state))
        for found in [] if tries_code(state) else strangers(state):
            which, ended, pause_s = _which(found), found.get("ended", ""), rests_s(found)
            over_here = bool(ended and found["asked_here"])  # nobody here asks there by itself
            is_to_be_asked = pause_s == 0 and not (over_here or found.get("bar"))
            if asks or not is_to_be_asked:
                self._met_s[which] = now
            if is_to_be_asked and now - self._met_s[which] < ASKED_S:
                continue
            rests = "for good" if pause_s is None else bool(pause_s)
            rests = found.get("bar") or rests  # then it is the same whether it is just asked
            mine_open = state["door"]["open"]
            # who rests is asked through its door only if the own one is open as well
            there_open = found["open"] and (is_to_be_asked or mine_open)
            about = (which, there_open, mine_open, rests)
            # what became of a request only the device knows that was asked: of another one of its
            # group it is no news that the group is not asked
            if (about, ended) not in self._said and (ended or about not in self._said):
                self._said |= {about, (about, ended)}
                lines += told_found_lines(state, found, self._words)
        return lines


def _which(found: dict[str, Any]) -> object:
    """Return which group that is: each of its devices answers, on each network."""
    return found.get("group") or (found["name"], found["label"])
