"""Values: every field that docs/faces.md promises is there, and can be shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from potluck.core.wire.catalogue import FilesAsk
from tests.engine.views.faces import shared, shown

PAGE = Path(__file__).parents[3] / "docs" / "faces.md"


def test_every_promised_field_is_there_and_is_json() -> None:
    promised = re.search(
        r"`status --json` data, at least:\n`(.*?)`", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert promised is not None
    fields = set(re.findall(r'"(\w+)"', promised[1]))
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("more", b"more")
    assert wire.run(5.0, lambda: bool(shown(ben)["transfers"]))
    state = shown(ben)
    found = {key for value in _objects(state) for key in value}
    from_shells = {"rates", "down", "up", "rate", "from", "confined", "on"}
    assert fields - from_shells - {"in_sync", "busy", "paused", "trouble"} <= found


def _objects(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [
        *([value] if isinstance(value, dict) else []),
        *(found for one in inner for found in _objects(one)),
    ]
