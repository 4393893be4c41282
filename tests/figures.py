"""The figures of docs/figures.md that the tests measure themselves, and the table of them.

Strategy: a test that has measured one writes a line into the file that POTLUCK_FIGURES names; the
run of a tier makes that file and prints the table at its end. Several tests may measure one figure;
it is held if it is in every line, and if every part has a line where it has parts. Guarantees:
nothing here knows a result, only goals; what nobody measured says so. Limits: without the variable,
as in a bare pytest, nothing is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "POTLUCK_FIGURES"
GOALS: Final[Mapping[str, str]] = {
    "P7": "receiver killed −9 while a large file comes: ≤ 1 % of the file sent twice",
    "R1": "kill −9, 200 cycles: 0 lost, 0 partial, 0 spurious copies, index whole",
    "R2": "power loss at every point of all histories of ≤ 3 operations: 0 violations",
    "R3 (files)": "1,000 faults at file calls of group commits: 0 lost, the next try ends it",
    "R3 (index)": "faults in calls of the index (1,000 are the goal): 0 lost, goes on by itself",
    "R4": "disk full, 20 cycles: no exit, complete ≤ 10 s after space returns",
    "R5": "5 real nodes, cut and healed: byte-identical trees ≤ 10 s after healing",
    "R6": "simulation, 2,000 seeds, every 20th twice with equal traces: 0 failed",
    "R7": "mass deletion, 8 scenarios with real daemons: 0 files lost anywhere",
    "R8": "clocks ±10 years and jumping: nothing refused, no wrong winner",
    "R9": "one flipped bit in own, peer's or temporary file: found, healed, never spread",
    "R10": "watcher queue overflow, 20,000 files: all shared after one rescan",
    "S1": "5 M fuzzed inputs or more, 0 uncaught, memory grows by less than 64 MiB",
    "S2": "2,000 hostile names × create, update, delete, clean-up: 0 effects outside the share",
    "S3": "symlink race, 1 M tries with Landlock off: 0 escapes",
    "S4": "30 hostile behaviours with a proof each, honest pair ≥ 80 % of its speed, RSS < 200 MiB",
    "S5": "flood of strangers for 10 s: 1 KiB file ≤ 5 s, newcomer ≤ 10 s",
    "S6": "0 names, ids or certificates in a whole captured session (door closed)",
    "S7": "a removed device is cut off ≤ 2 s, its old roster, tickets and beacons refused",
}
"""What docs/figures.md asks for, in short."""
PARTS: Final[Mapping[str, int]] = {"R1": 4, "R6": 4, "R7": 8, "S4": 4}
"""Of how many parts a figure is, each called by what stands before the colon of its line."""


def record(figure: str, measured: str, *, held: bool) -> None:
    """Keep what a test has measured, and whether that is what is asked for."""
    assert figure in GOALS, figure
    path = os.environ.get(VARIABLE)
    if path:
        line = json.dumps({"figure": figure, "measured": measured, "held": held})
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def table(path: Path) -> list[str]:
    """The lines of the table of all that was kept in a file."""
    kept = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [line for figure in GOALS for line in _rows(figure, kept)]


def _rows(figure: str, kept: Iterable[Mapping[str, object]]) -> list[str]:
    mine = [each for each in kept if each["figure"] == figure]
    verdict = "not measured"
    if mine:
        verdict = "held" if all(each["held"] for each in mine) else "NOT HELD"
        parts = {str(each["measured"]).partition(":")[0] for each in mine}
        if verdict == "held" and len(parts) < PARTS.get(figure, 1):
            verdict = f"{len(parts)} of {PARTS[figure]}"
    rows = [f"{figure}  {verdict:<12}  goal: {GOALS[figure]}"]
    return rows + [f"    {each['measured']}" for each in mine]
