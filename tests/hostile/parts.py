"""The two parts of the attacks: those that measure a time, and those that do not.

Strategy: a stage of its own for each (tests/__main__.py). What is in `MEASURED` compares seconds,
speeds or the growth of memory in a while with a bound, or proves that a guard matters by that: it
has the machine to itself. All others see whether something happens at all, with patience, and
run beside other stages. Limits: a test that measures and is in a file that is not named here is
beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
MEASURED: Final = frozenset(
    {
        "test_bounds.py",  # what grows within four seconds
        "test_busy_members.py",  # how late a file comes
        "test_flood_of_strangers.py",  # S5
        "test_floods.py",  # how much more memory, and calls in six seconds
        "test_honest_pair.py",  # the speed of S4
        "test_hostile_paths.py",  # the tries of S3 in a minute
        "test_poison.py",  # that no file comes within four seconds
        "test_relay.py",  # how long an honest request stands
        "test_removed.py",  # S7
        "test_slow_members.py",  # how late a file comes
        "test_strangers.py",  # what is answered within half a second
    }
)
"""Files that have the machine to themselves."""


def unmeasured() -> frozenset[str]:
    """The files that run beside other stages."""
    return frozenset(path.name for path in HERE.glob("test_*.py")) - MEASURED


def part_of(played: set[str]) -> str:
    """Which part those files are that were played; nothing if they are none, or half of one."""
    parts = {"measured": MEASURED, "unmeasured": unmeasured()}
    whole = [name for name, files in parts.items() if files <= played]
    return " and ".join(whole)
