"""The removed question: what nobody else has went from the own folder, and a person is asked.

Strategy: the notice that says so (engine/own/undelivered.py) opens a question at a prompt, and a
line `y` or `n` answers it: a yes is done as `undo`, which has all come back that went in that go,
as far as another device has it after all; a no leaves it removed. Guarantees: whoever does not
answer in time is taken to mean no, and so is a yes for something that went earlier: the last such
notice alone is asked about, while nobody asks to join and nothing else was asked. Limits: it comes
after the file is gone, since nothing can hold up who removes a file on a disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

MAY_ANSWER_S: Final = 120.0  # a question counts so long, as any other at a prompt
_UNDO: Final = "undo"  # what a yes is typed as
_CODE, _LEVEL = "undelivered", "warning"  # of the notice
QUESTION: Final = (
    "Have it back, as far as another device has it after all?"
    " y and Enter = yes, all that went last is shared again (undo); n and Enter = no."
)
STAYS: Final = "It stays removed; what any other device has of it, undo has back later, too."


class RemovedQuestion:
    """Asks whether what went is to come back."""

    def __init__(self) -> None:
        """Ask nothing."""
        self._until_s = 0.0

    def __repr__(self) -> str:
        """Return until when an answer counts."""
        return f"<RemovedQuestion until {self._until_s:.0f}>"

    def on_notice(self, notice: dict[str, Any], now: float) -> list[str]:
        """Return what is asked after a notice, nothing if it is about something else."""
        if (notice["code"], notice["level"]) != (_CODE, _LEVEL):
            return []
        self._until_s = now + MAY_ANSWER_S
        return [QUESTION]

    def answered(self, now: float, do: Callable[[str], list[str]], *, yes: bool) -> list[str]:
        """Return what follows from an answer, nothing if none is asked for; `do` runs a typed
        line. The next answer counts no more.
        """
        is_open, self._until_s = now < self._until_s, 0.0
        if not is_open:
            return []
        return do(_UNDO) if yes else [STAYS]
