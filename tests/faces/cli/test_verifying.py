"""`verify`: it waits until all was read, and says what is damaged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.engine.person_acts import VerifyAsked
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource


def found(**changes: Any) -> dict[str, Any]:
    """What the state says of a verification that has ended well."""
    text = "2 files read again (30 B), each as it should be"
    whole = {"path": "", "running": False, "text": text, "files": 2, "bytes": 30, "skipped": 0}
    names = {"damaged": [], "damaged_count": 0, "unreadable": [], "unreadable_count": 0}
    return {**whole, **names, **changes}


def test_all_is_well(source: FakeSource, potluck: Call) -> None:
    source.current["verify"] = found()
    assert potluck("verify")[:2] == (0, "2 files read again (30 B), each as it should be.\n")
    code, said, _ = potluck("verify", "--json")
    assert (code, json.loads(said)["data"]) == (0, found())
    asked = [each for each in source.asked if isinstance(each, VerifyAsked)]
    assert asked == [VerifyAsked(0)] * 2


@pytest.mark.parametrize("typed", ["laptop", "Shared/laptop"])
def test_what_is_damaged_is_listed(source: FakeSource, potluck: Call, typed: str) -> None:
    source.current["verify"] = found(
        text="9 files read again", damaged=["laptop/a"], damaged_count=3,
        unreadable=["laptop/b"], unreadable_count=1,
    )  # fmt: skip
    code, said, _ = potluck("verify", typed)
    assert code == 8
    assert said.splitlines() == [
        "9 files read again.",
        "  damaged: laptop/a",
        "  damaged: 2 more",
        "  could not be read: laptop/b",
        "Whole ones come from devices that have them; see potluck why",
    ]
    (asked,) = [each for each in source.asked if isinstance(each, VerifyAsked)]
    assert asked.path == "laptop"


def test_it_waits_for_the_end(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [found(running=True), found(running=True), found()]

    def state(*, fresh: bool = False) -> dict[str, Any]:
        return {**source.current, "verify": states.pop(0)}

    monkeypatch.setattr(source, "state", state)
    assert potluck("verify")[0] == 0
    assert not states


def test_a_potluck_that_was_started_anew_knows_nothing(source: FakeSource, potluck: Call) -> None:
    source.current["verify"] = None
    code, _, said = potluck("verify")
    assert code == 3
    assert "started anew" in said
