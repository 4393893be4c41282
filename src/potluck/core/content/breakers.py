"""Breakers: when so much of a folder is lost at once that a person is asked first.

Strategy: what is lost is counted together with what was lost of the same folder within the last
hour, so that many small bites are one large one, and is compared with all that there was in that
hour: what is there still, and what went. Owner and receivers judge by the same rule, each by what
it has seen itself. What is not an hour old when it goes (fresh_contents.py) counts only together
with what went within ten seconds, so that a folder in which a program makes and removes files all
the time is no loss, and one that is emptied is.

Guarantees: up to 20 files are never too many, nor is what is at most a quarter of the files and at
most a quarter of the bytes. Values and sums only: no clock is read. Limits: what was added within
the hour counts as if it had always been there; the hour is cut into minutes, so a loss may count
for up to a minute longer, and the ten seconds into seconds; a loss that was noted before a start is
not known after it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from potluck.core.content.facts import NOTHING, Amount

MASS_FILES: Final = 20
"""More files than this …"""
MASS_PART: Final = 4
"""… and more than one part in so many of the files, or of their bytes, is no matter of single
files."""
LOSS_WINDOW_S: Final = 3600.0
"""What was lost of one folder within so many seconds is counted together."""
LOSS_BURST_S: Final = 10.0
"""What was lost within so many seconds is one loss, however fresh it was."""
_STEPS: Final = 60  # into which the hour is cut


def is_mass(lost: Amount, known: Amount) -> bool:
    """Say whether so much was lost, of all that was `known`, that a person is to be asked."""
    if lost.files <= MASS_FILES:
        return False
    many = lost.files * MASS_PART > known.files
    return many or lost.size_bytes * MASS_PART > known.size_bytes


class RecentLosses:
    """How much of one folder was lost within the last hour, or another time."""

    def __init__(self, window_s: float = LOSS_WINDOW_S) -> None:
        """Nothing was."""
        self._window_s, self._step_s = window_s, max(window_s / _STEPS, 1.0)
        self._steps: deque[tuple[float, Amount]] = deque()  # when each began, and what it lost

    def __repr__(self) -> str:
        """Return in how many minutes, or seconds, something was lost."""
        return f"<RecentLosses in {len(self._steps)} steps>"

    def note(self, lost: Amount, now: float) -> None:
        """So much is lost, too."""
        self._drop_old(now)
        if self._steps and now < self._steps[-1][0] + self._step_s:
            began_s, before = self._steps.pop()
            self._steps.append((began_s, Amount.total([before, lost])))
        else:
            self._steps.append((now, lost))

    def total(self, now: float) -> Amount:
        """Return how much it is."""
        self._drop_old(now)
        return Amount.total(lost for _, lost in self._steps) if self._steps else NOTHING

    def _drop_old(self, now: float) -> None:
        while self._steps and now >= self._steps[0][0] + self._step_s + self._window_s:
            self._steps.popleft()
