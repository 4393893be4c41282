"""`confirm`: what is held is let go by one word."""

from __future__ import annotations

import json

from potluck.engine.person_acts import ConfirmAsked
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource


def test_it_says_what_follows(source: FakeSource, potluck: Call) -> None:
    source.acted = "30 files go."
    assert potluck("confirm")[:2] == (0, "30 files go.\n")
    code, said, _ = potluck("confirm", "bert", "--json")
    assert (code, json.loads(said)["data"]) == (0, {"text": "30 files go."})
    asked = [each for each in source.asked if isinstance(each, ConfirmAsked)]
    assert asked == [ConfirmAsked(0), ConfirmAsked(0, "bert")]


def test_an_empty_name_is_nobody(source: FakeSource, potluck: Call) -> None:
    assert potluck("confirm", "")[0] == 2
    assert not any(isinstance(each, ConfirmAsked) for each in source.asked)
