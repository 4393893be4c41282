"""`skip`, `keep` and `get`: what is asked for, and what is said of it."""

from __future__ import annotations

import json

from potluck.engine.person_acts import GetAsked, KeepAsked, SkipAsked
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource


def test_they_say_what_follows(source: FakeSource, potluck: Call) -> None:
    source.acted = "skipped: *.iso\nskipped: bert/"
    assert potluck("skip")[:2] == (0, source.acted + "\n")
    assert potluck("skip", "bert/", "*.iso")[0] == 0
    assert potluck("keep", "bert/docs")[0] == 0
    code, said, _ = potluck("get", "*.iso", "--json")
    assert (code, json.loads(said)["data"]) == (0, {"text": source.acted})
    assert potluck("get")[0] == 2
    asked = [each for each in source.asked if isinstance(each, SkipAsked | KeepAsked | GetAsked)]
    assert asked == [
        SkipAsked(0),
        SkipAsked(0, ("bert/", "*.iso")),
        KeepAsked(0, ("bert/docs",)),
        GetAsked(0, ("*.iso",)),
    ]
