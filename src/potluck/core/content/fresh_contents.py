"""Fresh contents: which contents of one folder came into being within the last hour.

Strategy: a content is known by its root, with the time at which it was first heard of. Who keeps
this book sees to it that nothing is noted that was there before; a content that is not noted is an
old one, so whatever is forgotten, not known or too much here is guarded as well as ever.

Guarantees: nothing is fresh for longer than an hour, and no more than 10,000 contents are at a
time: what is more counts as old. Values only: the time is told by the caller, by this device's own
clock that never goes back. Limits: memory only, so after a start everything is old.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from potluck.core.content.breakers import LOSS_WINDOW_S

FRESH_MAX: Final = 10_000
"""Contents of one folder that are known to be fresh at a time: about 2 MB."""


class FreshContents:
    """The contents of one folder that are not an hour old."""

    def __init__(self) -> None:
        """Everything is old."""
        self._since: dict[bytes, float] = {}  # by root, roughly the oldest first

    def __repr__(self) -> str:
        """Return how many may be fresh."""
        return f"<FreshContents: {len(self._since)}>"

    def room(self, now: float) -> int:
        """Return how many more can be noted."""
        while self._since:
            root = next(iter(self._since))
            if now < self._since[root] + LOSS_WINDOW_S:
                break
            del self._since[root]
        return FRESH_MAX - len(self._since)

    def note(self, roots: Iterable[bytes], since_s: float, now: float) -> None:
        """These have come into being at that time; what is fresh already keeps its own."""
        for root in dict.fromkeys(roots):
            if self.since(root, now) is None and self.room(now) > 0:
                self._since.pop(root, None)
                self._since[root] = since_s

    def forget(self, roots: Iterable[bytes]) -> None:
        """These are old ones after all."""
        for root in roots:
            self._since.pop(root, None)

    def since(self, root: bytes, now: float) -> float | None:
        """Return when a content came into being, None if it is an old one."""
        since_s = self._since.get(root)
        return since_s if since_s is not None and now < since_s + LOSS_WINDOW_S else None

    def among(self, roots: Iterable[bytes], now: float) -> Collection[bytes]:
        """Return which of these are fresh."""
        return {root for root in roots if self.since(root, now) is not None}
