"""Which stages of a tier run side by side, and on which network each of them is.

Strategy: a stage is of one kind. Many *wait*, for real devices; two of them and one that *computes*
(the simulation, say) keep two processors busy and no more. Once nothing waits any more, two
compute. What measures, or fills the processors by itself, is *alone*. Real devices on this
machine's own network ask at the port that potlucks have when they may choose (limits.PORT), and
their doors are mostly open: those of two stages would meet. So each stage has a network of its own,
with a loopback and nothing else, where the rights for that are there. Limits: without them (it
takes root on Linux) stages of such devices are never beside each other, and the run takes longer.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Kind = Literal["computes", "waits", "alone"]
WAITING: Final = 2  # so many that wait run side by side
COMPUTING: Final = 1  # … and so many that compute beside them
COMPUTING_ONLY: Final = 2  # … and where nothing waits
APART: Final = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "a stage")


@dataclass(frozen=True)
class Stage:
    """One step of the run."""

    name: str
    arguments: tuple[str, ...]  # for this Python
    tests: bool = True  # False: a tool that counts no tests
    kind: Kind = "computes"
    meets: bool = False  # True: real devices on this machine's own network


def next_of(
    waiting: Sequence[Stage], running: Sequence[Stage], *, apart: bool = True
) -> Stage | None:
    """The first stage that may begin now; what is to be alone is overtaken by nobody.

    `apart` says whether each stage has a network of its own.
    """
    overtakable = list(waiting)
    for place, stage in enumerate(waiting):
        if stage.kind == "alone":
            overtakable = list(waiting[:place])
            if not place and not running:
                return stage
            break
    idle = not any(stage.kind == "waits" for stage in (*overtakable, *running))
    room = {"waits": WAITING, "computes": COMPUTING_ONLY if idle else COMPUTING}
    for stage in overtakable:
        beside = [one.kind for one in running]
        if "alone" in beside or beside.count(stage.kind) >= room[stage.kind]:
            continue
        if apart or not stage.meets or not any(one.meets for one in running):
            return stage
    return None


@cache
def can_be_apart() -> bool:
    """Whether a stage can have a network of its own here."""
    if not all(map(shutil.which, ("unshare", "ip", "sh"))):
        return False
    tried = subprocess.run([*APART, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def command(words: Sequence[str]) -> list[str]:
    """The command that runs these words, on a network of their own where that is possible."""
    return [*APART, *words] if can_be_apart() else list(words)
