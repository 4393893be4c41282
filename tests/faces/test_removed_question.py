"""What nobody else has was removed: at a prompt a person is asked, and the answer counts once."""

from __future__ import annotations

from typing import Any

from potluck.faces.removed_question import MAY_ANSWER_S, QUESTION, STAYS, RemovedQuestion


def notice(code: str = "undelivered", level: str = "warning") -> dict[str, Any]:
    return {"code": code, "level": level, "text": "d1/a was removed here", "at_s": 0.0}


def did(line: str) -> list[str]:
    return [f"did {line}"]


def test_a_removal_that_is_a_warning_is_asked_about_and_nothing_else_is() -> None:
    question = RemovedQuestion()
    assert question.on_notice(notice(level="info"), 5.0) == []
    assert question.on_notice(notice(code="joined"), 5.0) == []
    assert question.answered(6.0, did, yes=True) == []
    assert question.on_notice(notice(), 5.0) == [QUESTION]
    assert repr(question) == "<RemovedQuestion until 125>"
    assert question.on_notice(notice(code="joined"), 6.0) == []
    assert question.answered(7.0, did, yes=True) == ["did undo"], "what else is told closes nothing"


def test_an_answer_counts_once_and_in_time() -> None:
    question = RemovedQuestion()
    question.on_notice(notice(), 5.0)
    assert question.answered(5.0 + MAY_ANSWER_S, did, yes=True) == []
    question.on_notice(notice(), 5.0)
    assert question.answered(4.9 + MAY_ANSWER_S, did, yes=False) == [STAYS]
    assert question.answered(5.0, did, yes=True) == []
