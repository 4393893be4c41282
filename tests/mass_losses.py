"""The eight scenarios of R7, and the line that the test of each writes for the table of figures."""

from __future__ import annotations

from typing import Final

from tests import figures

SCENARIOS: Final = (
    "unmount",
    "empty mount",
    "rm −rf",
    "marker lost",
    "marker re-created",
    "stale NFS",
    "wiped state",
    "cloned disk",
)


def kept(scenario: str, *, files: int, of: int) -> None:
    """With real daemons so many files stood everywhere in the end, of so many."""
    assert scenario in SCENARIOS, scenario
    assert files == of, f"{scenario}: {of - files} files lost"
    figures.record("R7", f"{scenario}: {of - files} of {of} files lost", held=files == of)
