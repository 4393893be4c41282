"""Path questions: what is asked of one path, answered on the loop thread.

Strategy: each is one question to the engine, in turn with what happened before it was asked.
Guarantees: thread-safe; a loop that does not answer is an error. Limits: an answer is of one
moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from potluck.engine.engine import Engine

Questioning = Callable[[Callable[[Engine], Any]], dict[str, Any]]
"""Puts a question to the engine and returns its answer; raises PotluckError."""


class PathQuestions:
    """What may be asked of a path."""

    def __init__(self, ask: Questioning) -> None:
        """Ask by this."""
        self._ask: Final = ask

    def why(self, path: str) -> dict[str, Any]:
        """Return why a path is not in sync; raises PotluckError."""
        return self._ask(lambda engine: engine.why(path, time.monotonic()))

    def copied(self, path: str, after: str) -> dict[str, Any]:
        """Return what is in a folder, and on how many devices that is; raises PotluckError."""
        return self._ask(lambda engine: engine.copied(path, after, time.monotonic()))

    def former(self, path: str) -> dict[str, Any]:
        """Return what this device shared at a path before; raises PotluckError."""
        return self._ask(lambda engine: engine.former(path, time.monotonic()))

    def info(self, path: str) -> dict[str, Any]:
        """Return what is known of a path, and of who has it; raises PotluckError."""
        return self._ask(lambda engine: engine.info(path, time.monotonic()))
