"""`repair`: own files come back by one word."""

from __future__ import annotations

import json

from potluck.engine.person_acts import RepairAsked
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource


def test_it_says_what_follows(source: FakeSource, potluck: Call) -> None:
    source.acted = "30 files come."
    assert potluck("repair")[:2] == (0, "30 files come.\n")
    code, said, _ = potluck("repair", "--json")
    assert (code, json.loads(said)["data"]) == (0, {"text": "30 files come."})
    assert [each for each in source.asked if isinstance(each, RepairAsked)] == [RepairAsked(0)] * 2
