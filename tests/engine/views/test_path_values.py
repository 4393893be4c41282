"""Answers about paths fit JSON."""

from __future__ import annotations

import json

import msgspec

from potluck.engine.views.path_values import CopyView, InfoView, ReasonView, WhyView


def test_they_are_json_of_the_same_names() -> None:
    reason = ReasonView("owner_away", "d2/a", 0, "away", 1.5, None, "", open=True)
    why = WhyView("d2/a", True, False, "busy", "", [reason], 0)
    read = json.loads(msgspec.json.encode(why))
    assert read["reasons"][0]["kind"] == "owner_away"
    info = InfoView("d2/a", known=True, copies=[CopyView("d2", "all", "", "")])
    assert json.loads(msgspec.json.encode(info))["copies"][0]["label"] == "d2"
    assert InfoView("x", known=False).copies == []
