"""A folder that comes back from a backup or a snapshot, under a newer state, with real daemons:
what was made since stays with the others, whenever they are met, until a person decides.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devices import Device, free_port, one_ring, until
from tests.test_backups import House

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

FIRST = {"first": b"of both", "other": b"before", "note": b"as it began", "old/went": b"to go"}
LATER = {"later": b"made since", "other": b"changed since", "deep/er": b"in a folder"}
NOTE = b"of the lost time"
NEW = {"new": b"after the copy came", "note": b"written after the copy came"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(
        [Device(tmp_path / label, label) for label in ("alder", "birch", "cedar")], free_port()
    )
    try:
        made.start(*made.devices)
        until(lambda: one_ring(*made.devices), made.said)
        made.write(FIRST)
        until(lambda: all(made.has(each, FIRST) for each in made.devices[1:]), made.said)
        yield made
    finally:
        for device in made.devices:
            device.close()


def live_on(house: House, backup: Path) -> None:
    """The folder is backed up, and worked on."""
    house.stop(house.owner)
    shutil.copytree(house.owner.folder, backup, symlinks=True)
    house.start(house.owner)
    until(lambda: one_ring(*house.devices), house.said)
    house.write({**LATER, "note": NOTE})
    (house.owner.own / "old" / "went").unlink()
    others = house.devices[1:]
    until(lambda: all(house.has(each, {**LATER, "note": NOTE}) for each in others), house.said)
    gone = [each.copy_of(house.owner) / "old" / "went" for each in others]
    until(lambda: not any(path.exists() for path in gone), house.said)


def put_back(house: House, backup: Path) -> None:
    """The folder is the old one again; what the device knows stays."""
    shutil.rmtree(house.owner.folder)
    shutil.copytree(backup, house.owner.folder, symlinks=True)


def kinds(device: Device) -> set[str]:
    return {one["kind"] for one in device.state().get("troubles", ())}


def looked_through(house: House) -> bool:
    return "older_copy_seen" in house.owner.codes()


@pytest.mark.parametrize("alone", [False, True], ids=["met at once", "worked on first"])
@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_what_was_made_since_stays(house: House, tmp_path: Path, alone: bool, killed: bool) -> None:
    live_on(house, tmp_path / "backup")
    if killed:
        house.owner.process.kill()
        house.owner.ended()
    else:
        house.stop(house.owner)
    put_back(house, tmp_path / "backup")
    owner, others = house.owner, house.devices[1:]
    if alone:
        house.stop(*others)
    house.start(owner)
    house.write(NEW)
    until(lambda: looked_through(house), house.said)
    until(lambda: {"held", "older"} <= kinds(owner), house.said)
    house.stop(owner)
    house.start(owner)  # and it is still so
    if alone:
        house.start(*others)
    until(lambda: one_ring(*house.devices), house.said)
    until(lambda: all(house.has(each, NEW) for each in others), house.said)
    until(lambda: {"held", "older"} <= kinds(owner), house.said)
    for device in others:
        assert house.has(device, LATER), "nothing was deleted, and nothing overtaken"
        assert not list((device.folder / ".potluck" / "trash").rglob("later*"))
    assert house.has(owner, {"other": FIRST["other"]})
    assert "text" in owner.client.post("/api/v1/act/repair", {})
    until(lambda: house.has(owner, {**LATER, **NEW}), house.said)
    until(lambda: not {"held", "older"} & kinds(owner), house.said)
    aside = [path for path in (owner.folder / "Put aside").rglob("*") if path.is_file()]
    assert FIRST["other"] in {path.read_bytes() for path in aside}
    until(lambda: all(house.has(each, {**LATER, **NEW}) for each in others), house.said)
    assert "older_copy" not in owner.codes(), "the folder goes on from there again"


def test_who_wants_the_old_state_says_so(house: House, tmp_path: Path) -> None:
    live_on(house, tmp_path / "backup")
    house.stop(house.owner)
    put_back(house, tmp_path / "backup")
    house.start(house.owner)
    until(lambda: looked_through(house), house.said)
    until(lambda: one_ring(*house.devices), house.said)
    typed = house.owner.client.post("/api/v1/act/confirm", {"name": ""})
    assert "shared now as what stands here" in typed["text"]
    others = house.devices[1:]
    until(lambda: all(house.has(each, FIRST) for each in others), house.said)
    gone = [each.copy_of(house.owner) / "later" for each in others]
    until(lambda: not any(path.exists() for path in gone), house.said)
    until(lambda: not {"held", "older"} & kinds(house.owner), house.said)


def test_a_file_that_is_copied_in_by_hand_is_an_edit(house: House, tmp_path: Path) -> None:
    live_on(house, tmp_path / "backup")
    own = Path("Shared", house.owner.label, "other")
    shutil.copy2(tmp_path / "backup" / own, house.owner.folder / own)
    others = house.devices[1:]
    until(lambda: all(house.has(each, {"other": FIRST["other"]}) for each in others), house.said)
    assert not {"held", "older"} & kinds(house.owner)
