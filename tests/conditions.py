"""Conditions that tests wait for, over folders that others change meanwhile.

Strategy: who lists a folder and then reads what it named may find that it is gone: a device has
just moved it to the trash. So a condition that meets something gone does not hold yet; it is asked
again, as one that is false. Guarantees: what a condition always misses is not hidden: `Condition`
keeps the last thing that was gone, for whoever gives up to say it. Limits: everything else that a
condition raises goes through; reads outside of a wait are their test's own care.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

GONE = (FileNotFoundError, NotADirectoryError)  # a folder on the way may have become a file


class Condition:
    """A condition whose files may vanish while it looks; then it does not hold yet."""

    def __init__(self, asked: Callable[[], Any]) -> None:
        self._asked = asked
        self._gone: OSError | None = None  # at the last look

    def __repr__(self) -> str:
        return f"Condition({self._asked}{self.missed})"

    def __call__(self) -> Any:
        """What it answers now; None if something was gone."""
        self._gone = None
        try:
            return self._asked()
        except GONE as error:
            self._gone = error
            return None

    @property
    def missed(self) -> str:
        """What was gone at the last look, to be said after a reason; else empty."""
        return f"; at the last look: {self._gone}" if self._gone else ""
