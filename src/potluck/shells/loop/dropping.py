"""Dropping: what is said of an event or effect that this program could not handle.

Strategy: such a thing is a fault of potluck itself, whoever caused it, and says so. It is told to
people and written down in full once for each kind (what was dropped, which error, raised on which
line); whatever else there is of a kind is counted. So who has found one cannot fill a log or push
every other notice away.

Guarantees: at most `KINDS` are told in a run; `count` holds all. Limits: two causes that raise the
same error on the same line are one kind. Nothing is decided here: the loop goes on in any case.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Final

from potluck.core.errors import PotluckError
from potluck.shells.loop.people import People, first_line, trouble

KINDS: Final = 50  # told in one run; more help nobody, and the count goes on
DropKind = tuple[str, str, str, int]
"""What was dropped, the error's class, and where it was raised."""
_log = logging.getLogger(__name__)


class Dropping:
    """What was dropped in this run."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._kinds: Final[Counter[DropKind]] = Counter()
        self.count = 0

    def __repr__(self) -> str:
        """Show how much was dropped, and of how many kinds."""
        return f"<Dropping: {self.count} dropped, {len(self._kinds)} kinds>"

    def note(self, what: str, error: Exception, people: People) -> str:
        """Say it in full to people if it is of a new kind, count it in any case; return why."""
        self.count += 1
        why = f"a fault in potluck itself: {error!r}"
        if isinstance(error, PotluckError):
            why = first_line(error)
        kind = _kind_of(what, error)
        if kind in self._kinds:
            self._kinds[kind] += 1
        elif len(self._kinds) < KINDS:
            self._kinds[kind] = 1
            _log.error("%s was dropped", what, exc_info=error)
            people.told(trouble("dropped", f"{what} was dropped: {why}"))
        return why


def _kind_of(what: str, error: Exception) -> DropKind:
    """Return what all of one kind have in common."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None:
        return what, type(error).__name__, "", 0
    return what, type(error).__name__, at.tb_frame.f_code.co_filename, at.tb_lineno
