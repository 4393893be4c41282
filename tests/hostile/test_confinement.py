"""A member whose paths climb out of its folder, against daemons that do not look at paths.

The oracle is what stands outside of every share and every home. Three runs of the same attack:
nothing is written while paths are looked at; nothing while they are not, because of Landlock; and
the proof that the attack is one: with neither guard the file stands outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.devices import until
from tests.hostile.daemons import Daemon, Pair, pair, within
from tests.hostile.rogue import Rogue
from tests.hostile.sharer import Sharer
from tests.shells.state.test_landlock import needs_landlock

pytestmark = pytest.mark.full
EVIL = b"from the attacker"
CLIMBS = b"../" * 4  # from Shared/rogue past Shared, the folder and the home
HARMLESS = b"harmless"


@contextmanager
def climbing(base: Path, *unguarded: str) -> Iterator[tuple[Pair, Sharer]]:
    """A pair to one of which a rogue shares a file outside, and then one that is harmless."""
    with pair(base, *unguarded) as devices:
        rogue = Rogue("rogue", devices)
        sharer = Sharer(rogue, devices.a)
        try:
            sharer.share({HARMLESS: b"first"})
            copy = devices.a.folder / "Shared" / "rogue" / "harmless"
            until(copy.exists, devices.said)
            asked = sharer.pages_asked
            sharer.share({HARMLESS: b"first", CLIMBS + b"escaped": EVIL})
            until(lambda: sharer.pages_asked > asked, devices.said)
            yield devices, sharer
        finally:
            sharer.close()
            rogue.close()


def test_a_path_that_climbs_out_is_refused(tmp_path: Path) -> None:
    with climbing(tmp_path) as (devices, _):
        devices.unharmed()
        assert devices.a.state()["confined"]["on"] is not bool(needs_landlock.args[0])
    assert not (tmp_path / "escaped").exists()


@needs_landlock
def test_where_no_path_is_refused_landlock_does(tmp_path: Path) -> None:
    with climbing(tmp_path, "paths") as (devices, _):
        said = "permission denied"
        until(lambda: said in str(devices.a.state()).casefold(), devices.said)
        assert not (tmp_path / "escaped").exists()
        devices.delivers(devices.b, devices.a)
    assert not (tmp_path / "escaped").exists()


@pytest.mark.proof
def test_with_neither_it_stands_outside(tmp_path: Path) -> None:
    with climbing(tmp_path, "paths", "landlock") as (devices, _):
        within(20, (tmp_path / "escaped").exists, devices.said)
    assert (tmp_path / "escaped").read_bytes() == EVIL


@needs_landlock
def test_a_confined_device_does_everything_else(tmp_path: Path) -> None:
    base = tmp_path / ("deep" * 30)  # so that the control socket lies in a runtime folder
    base.mkdir()
    with pair(base) as devices:
        one, other = devices.a, devices.b
        elsewhere = tmp_path / "elsewhere"
        for name in ("copied", "moved", "cloned"):
            (elsewhere / name).mkdir(parents=True)
            (elsewhere / name / "file").write_bytes(name.encode() * 99)
        inode = (elsewhere / "moved" / "file").stat().st_ino
        for mode, name in (("copy", "copied"), ("move", "moved"), ("reflink", "cloned")):
            body = {"paths": [str(elsewhere / name)], "mode": mode}
            assert one.client.post("/api/v1/add", body)["ok"]
            until((other.copy_of(one) / name / "file").exists, devices.said)
        assert sorted(path.name for path in elsewhere.iterdir()) == ["cloned", "copied"]
        assert (one.own / "moved" / "file").stat().st_ino == inode, "a move on one disk copies"
        copy = other.copy_of(one) / "copied" / "file"
        copy.write_bytes(b"an edit")
        until(lambda: list((other.folder / "Put aside").rglob("file*")), devices.said)
        (one.own / "copied" / "file").unlink()
        trash = other.folder / ".potluck" / "trash"
        until(lambda: not copy.exists() and list(trash.rglob("file")), devices.said)
        # that which moves what a person adds, and that which can start anew
        assert unconfined_threads(one) == 2
        devices.delivers(other, one)


def unconfined_threads(device: Daemon) -> int:
    """How many threads of a daemon never gave up a right."""
    tasks = Path(f"/proc/{device.process.pid}/task").iterdir()
    return sum("NoNewPrivs:\t0" in (task / "status").read_text() for task in tasks)
