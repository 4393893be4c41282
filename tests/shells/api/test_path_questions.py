"""What is asked of a path is asked of the engine, at the time of now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from potluck.engine.engine import Engine
from potluck.shells.api.path_questions import PathQuestions


class Asked:
    """An engine that says what it was asked."""

    def why(self, path: str, now: float) -> tuple[str, str, float]:
        return "why", path, now

    def info(self, path: str, now: float) -> tuple[str, str, float]:
        return "info", path, now


def test_each_question_is_put_with_path_and_time() -> None:
    def ask(question: Callable[[Engine], Any]) -> dict[str, Any]:
        return {"answer": question(Asked())}  # type: ignore[arg-type]

    questions = PathQuestions(ask)
    for name, answered in (("why", questions.why), ("info", questions.info)):
        before = time.monotonic()
        said, path, now = answered("d1/a")["answer"]
        assert (said, path) == (name, "d1/a")
        assert before <= now <= time.monotonic()
