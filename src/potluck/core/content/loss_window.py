"""Loss window: which files of somebody else's folder went within a time, each counted once.

Strategy: a file is lost when its owner deletes it or puts another content in its place. It is noted
by its path, with the time of its first loss, so a document that is saved all day is one lost file
and not a hundred; what turns out not to be lost is forgotten again. How much is too much says
core/content/breakers.py.

Guarantees: sums are of what is noted now; what is older than the hour, or the seconds for which a
window is made, counts no more. Values only: the time is told by the caller, and never goes back.
Limits: memory only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from potluck.core.content.breakers import LOSS_WINDOW_S
from potluck.core.content.facts import Amount


class Loss(NamedTuple):
    """A file that stands on this disk, and that its owner does not want there any more."""

    path: bytes
    size: int
    root: bytes
    replaced: bool  # its owner has another content there, or a folder; else nothing
    change: int = 0  # the number of the owner's change that did it; 0: not known any more


class LossWindow:
    """The losses of one folder within the last hour, or another time."""

    def __init__(self, window_s: float = LOSS_WINDOW_S) -> None:
        """Nothing was lost."""
        self._window_s = window_s
        self._known: dict[bytes, tuple[float, Loss]] = {}  # the oldest first
        self._size_bytes = 0

    def __repr__(self) -> str:
        """Return how many files were lost."""
        return f"<LossWindow: {len(self._known)} files>"

    def note(self, losses: Iterable[Loss], now: float) -> None:
        """These are lost; what is noted already keeps its time."""
        for loss in losses:
            if loss.path not in self._known:
                self._known[loss.path] = now, loss
                self._size_bytes += loss.size

    def forget(self, paths: Iterable[bytes]) -> None:
        """These are not lost after all."""
        for path in paths:
            known = self._known.pop(path, None)
            self._size_bytes -= known[1].size if known is not None else 0

    def losses(self, now: float) -> list[Loss]:
        """Return what was lost within that time before `now`."""
        old = list[bytes]()
        for path, (since_s, _) in self._known.items():
            if now < since_s + self._window_s:
                break
            old.append(path)
        self.forget(old)
        return [loss for _, loss in self._known.values()]

    def amount(self, now: float) -> Amount:
        """Return how much that is."""
        files = len(self.losses(now))
        return Amount(files, 0, self._size_bytes)
