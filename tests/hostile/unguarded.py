"""A daemon of which one guard is off: shows that a hostile test fails without that guard.

Strategy: run as `python -m tests.hostile.unguarded GUARD …` in place of `python -m potluck …`: the
guard is replaced in this process, then the program runs as ever. Guarantees: the product knows
nothing of this. Limits: a guard is off for the whole life of the process.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable

from potluck.core.content.swarm.pace import Paces
from potluck.core.content.swarm.room import Room
from potluck.core.errors import WrongContent
from potluck.shells.bulk import asking


def _no(*_: object, **_named: object) -> bool:
    return False


def _wrong(*_: object) -> bool:
    raise WrongContent("a file does not match its root")


def _nobody_is_slow() -> None:
    setattr(Paces, "on_heard", _no)  # noqa: B010  # mypy knows better than to assign it


def _everything_has_room() -> None:
    setattr(Room, "never_holds", _no)  # noqa: B010  # likewise


def _an_item_is_the_pack() -> None:
    setattr(asking, "_meant_piece_size", _wrong)  # noqa: B010  # likewise


GUARDS: dict[str, Callable[[], None]] = {
    "paces": _nobody_is_slow,
    "room": _everything_has_room,
    "items": _an_item_is_the_pack,
}

if __name__ == "__main__":
    GUARDS[sys.argv.pop(1)]()
    runpy.run_module("potluck", run_name="__main__", alter_sys=True)
