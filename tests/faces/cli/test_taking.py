"""`take`: what is asked for, and what is said of it."""

from __future__ import annotations

import json

from potluck.engine.person_acts import TakeAsked
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource


def test_it_says_what_was_copied(source: FakeSource, potluck: Call) -> None:
    source.acted = "copied bert/a as ann/a\nnot copied: 1 file"
    assert potluck("take", "Shared/bert/a")[:2] == (0, source.acted + "\n")
    code, said, _ = potluck("take", "bert/a", "docs", "--json")
    assert (code, json.loads(said)["data"]) == (0, {"text": source.acted})
    asked = [each for each in source.asked if isinstance(each, TakeAsked)]
    assert asked == [TakeAsked(0, "bert/a"), TakeAsked(0, "bert/a", "docs")]
