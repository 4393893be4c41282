"""Witnesses: whose accusations a node listens to.

Strategy: everybody may accuse anybody, so an accuser is believed on credit. One accusation of one target in ten
seconds counts (repeating it, or following SUSPECT with DEAD, is the same accusation). Who said DEAD of somebody that
then answered was wrong; three times within a minute, and it is not listened to until that minute is over. SUSPECT may
be wrong: it only asks for an answer. The accused itself always listens: answering costs it one signature, not
answering could cost it its place.

Guarantees: pure and bounded; deafness delays the truth and never hides it, since every node also probes for itself.
Limits: an honest node behind a bad network loses its credit too; the others then find out without it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from potluck.core import limits


class Witnesses:
    """One node's memory of who accused whom, and who was wrong."""

    def __init__(self) -> None:
        """Trust everybody."""
        self._accused: dict[tuple[bytes, bytes], tuple[int, float]] = {}  # (accuser, target) -> incarnation, when
        self._refuted_s: dict[bytes, deque[float]] = {}

    def listens(self, accuser: bytes, target: bytes, incarnation: int, now: float) -> bool:
        """Say whether this accusation counts, and remember that it was made."""
        wrong = self._refuted_s.get(accuser)
        if wrong is not None and len(wrong) == limits.REFUTED_MAX and now - wrong[0] < limits.DEAF_S:
            return False
        before, when_s = self._accused.get((accuser, target), (incarnation, now))
        if before < incarnation and now - when_s < limits.ACCUSATION_S:
            return False
        if before < incarnation or (accuser, target) not in self._accused:
            self._accused.pop((accuser, target), None)
            self._accused[accuser, target] = (incarnation, now)
        if len(self._accused) > limits.LIST_ITEMS:
            del self._accused[next(iter(self._accused))]
        return True

    def on_refuted(self, accusers: Iterable[bytes], now: float) -> None:
        """The accused has answered: these said DEAD and were wrong."""
        for accuser in accusers:
            self._refuted_s.setdefault(accuser, deque(maxlen=limits.REFUTED_MAX)).append(now)
