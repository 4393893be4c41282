"""What is said to people: where notices and the results of commands go.

Strategy: shells that have something to tell a person are given a `People`, which is the source of
the local API (api/source.py) in the program and a list in tests. What is said is a `Tell`, the same
value the engine uses, so there is one kind of notice.

Guarantees: none of these calls blocks, and each is safe from any thread. Limits: nothing is shown
here; the faces decide how.
"""

from __future__ import annotations

from typing import Protocol

from potluck.core.errors import PotluckError
from potluck.engine.effects import Reply, Tell


class People(Protocol):
    """Whoever shows notices and knows who waits for which command: api/source.py."""

    def told(self, tell: Tell, /) -> None:
        """Show a notice."""

    def replied(self, reply: Reply, /) -> None:
        """Hand the result of a command to whoever waits for it."""


def warning(code: str, text: str, subject: str = "", command: str = "") -> Tell:
    """Return the notice of something that is in the way and may pass; `command`: how it ends."""
    return Tell(code, text, "warning", subject, command)


def trouble(code: str, text: str) -> Tell:
    """Return the notice of something that does not work."""
    return Tell(code, text, "error", "")


def first_line(error: PotluckError) -> str:
    """Return the three parts of an error as one line, for a notice."""
    return "; ".join(" ".join(line.split()) for line in str(error).splitlines())
