"""Last answers: how the last question for a content ended with each device that was asked for it.

Strategy: noted when an order ends, and kept for as long as anybody remembers the content, for
people who ask why something is not here. Guarantees: bounded, the oldest content goes first.
Limits: for people only, nothing is decided by it; what is forgotten is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import End
from potluck.core.keys.identity import DeviceId
from potluck.engine.events import Outcome

_ENDS = {
    Outcome.DONE: End.DONE,
    Outcome.BUSY: End.BUSY,
    Outcome.GONE: End.GONE,
    Outcome.WRONG: End.WRONG,
}
NOT_ITS_FAULT = {Outcome.BUSY, Outcome.BROKEN, Outcome.DISK}
"""Ends of an order that say nothing of the content."""
CONTENTS_MAX = 2048  # remembered at once: more than anybody reads about


def end_of(outcome: Outcome) -> End:
    """Return what an outcome means to the swarm."""
    return _ENDS.get(outcome, End.FAILED)


class LastAnswers:
    """What devices answered."""

    def __init__(self) -> None:
        """Know of none."""
        self._answers: dict[Root, dict[DeviceId, Outcome]] = {}

    def __repr__(self) -> str:
        """Return of how many contents there are some."""
        return f"<LastAnswers of {len(self._answers)} contents>"

    def note(self, roots: Iterable[Root], peer: DeviceId, outcome: Outcome) -> None:
        """An order for these contents ended so."""
        for root in roots:
            answers = self._answers.pop(root, {})
            answers[peer] = outcome
            self._answers[root] = answers
            if len(self._answers) > CONTENTS_MAX:
                del self._answers[next(iter(self._answers))]

    def of(self, root: Root) -> Mapping[DeviceId, Outcome]:
        """Return what was answered about a content, by device."""
        return self._answers.get(root, {})
