"""`.potluckignore` between two real devices: what it names stays, and goes when it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.core.limits import SECOND_LOOK_S
from tests.devices import until
from tests.hostile.daemons import Pair, pair

pytestmark = pytest.mark.full

GONE_S = 3 * SECOND_LOOK_S


def standing(folder: Path) -> set[str]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def waits_for(devices: Pair, folder: Path, *files: str) -> None:
    until(
        lambda: standing(folder) == set(files),
        lambda: f"{standing(folder)}\n{devices.said()}",
        GONE_S,
    )


def test_what_the_owner_ignores_is_not_shared_until_it_is_ignored_no_more(tmp_path: Path) -> None:
    with pair(tmp_path) as devices:
        mine, theirs = devices.a, devices.b
        copy = theirs.copy_of(mine)
        for name in ("a.tmp", "keep.tmp", "build/x.o", "two words/y"):
            mine.write(name, name.encode())
        waits_for(devices, copy, "a.tmp", "keep.tmp", "build/x.o", "two words/y")

        mine.write(".potluckignore", b"*.tmp\n!keep.tmp\n/build/\n")
        mine.write("late.tmp", b"too late")
        mine.write("plain", b"plain")
        waits_for(devices, copy, ".potluckignore", "keep.tmp", "two words/y", "plain")
        assert {"a.tmp", "late.tmp", "build/x.o"} <= standing(mine.own), (
            "they stay with their owner"
        )
        trash = theirs.folder / ".potluck" / "trash"
        assert {path.name for path in trash.rglob("*") if path.is_file()} == {"a.tmp", "x.o"}
        until(lambda: mine.state().get("ignored") == 3, mine.said)

        file = mine.own / ".potluckignore"
        file.rename(mine.own / "rules")
        file.symlink_to("rules")
        mine.again()
        mine.write("other", b"other")
        waits_for(devices, copy, "keep.tmp", "two words/y", "plain", "rules", "other")

        file.unlink()
        waits_for(
            devices, copy, "a.tmp", "late.tmp", "keep.tmp", "build/x.o", "two words/y", "plain",
            "rules", "other",
        )  # fmt: skip
