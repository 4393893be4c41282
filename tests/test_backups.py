"""A device that is restored from an old backup, with real daemons: what it wrote in the lost life
stays, whether it meets the others before it works on or afterwards.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.devices import Device, free_port, one_ring, until

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

FIRST = {"first": b"of both lives", "other": b"before"}
LATER = {
    "later": b"of the life that was lost",
    "other": b"changed in it",
    "deep/er": b"in a folder",
}
NEW = {"new": b"of the restored life"}


@dataclass
class House:
    """Three devices; the first is going to be restored."""

    devices: list[Device]
    discovery_port: int

    @property
    def owner(self) -> Device:
        return self.devices[0]

    def start(self, *devices: Device) -> None:
        for device in devices:
            device.start(self.discovery_port).up()

    def stop(self, *devices: Device) -> None:
        for device in devices:
            device.process.terminate()
            device.ended()

    def write(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            self.owner.write(name, data)

    def said(self) -> str:
        return "\n".join(f"--- {each.label}\n{each.said()[-2000:]}" for each in self.devices)

    def has(self, device: Device, files: dict[str, bytes]) -> bool:
        """Whether a device has the owner's files, each under its name."""
        place = device.copy_of(self.owner) if device is not self.owner else device.own
        return all(
            (place / name).is_file() and (place / name).read_bytes() == data
            for name, data in files.items()
        )

    def contents(self, device: Device) -> set[bytes]:
        """Everything that a device has of the owner."""
        place = device.copy_of(self.owner) if device is not self.owner else device.own
        return {path.read_bytes() for path in place.rglob("*") if path.is_file()}


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
    """The owner is backed up, and lives on."""
    house.stop(house.owner)
    shutil.copytree(house.owner.home, backup, symlinks=True)
    house.start(house.owner)
    until(lambda: one_ring(*house.devices), house.said)
    house.write(LATER)
    until(lambda: all(house.has(each, LATER) for each in house.devices[1:]), house.said)
    house.stop(house.owner)


def restore(house: House, backup: Path, *, folder: bool) -> None:
    """The owner's state is the old one again, and its folder if that is said."""
    home = house.owner.home
    kept = home.parent / "kept"
    shutil.copytree(house.owner.folder, kept, symlinks=True)
    shutil.rmtree(home)
    shutil.copytree(backup, home, symlinks=True)
    if not folder:
        shutil.rmtree(house.owner.folder)
        shutil.copytree(kept, house.owner.folder, symlinks=True)


def test_a_device_that_was_restored_and_shares_nothing_new_knows_what_it_lost(
    house: House, tmp_path: Path
) -> None:
    live_on(house, tmp_path / "backup")
    restore(house, tmp_path / "backup", folder=True)
    house.start(house.owner)
    until(lambda: "lost_state" in house.owner.codes(), house.said)
    typed = house.owner.client.post("/api/v1/act/repair", {})
    assert "text" in typed
    until(lambda: house.has(house.owner, {"later": LATER["later"]}), house.said)
    until(lambda: LATER["other"] in house.contents(house.owner), house.said)
    deeper = {"deep/er": LATER["deep/er"]}
    until(lambda: all(house.has(each, deeper) for each in house.devices), house.said)


@pytest.mark.parametrize("folder", [True, False], ids=["state and folder", "state only"])
@pytest.mark.parametrize("alone", [False, True], ids=["met at once", "worked on first"])
def test_what_a_lost_life_wrote_is_kept(
    house: House, tmp_path: Path, folder: bool, alone: bool
) -> None:
    live_on(house, tmp_path / "backup")
    restore(house, tmp_path / "backup", folder=folder)
    others = house.devices[1:]
    if alone:
        house.stop(*others)
    house.start(house.owner)
    for number in range(12):
        house.write({f"{name} {number}": data + b"%d" % number for name, data in NEW.items()})
        until(lambda: house.owner.state().get("state") != "busy", house.said)
    if alone:
        house.start(*others)
    new = {f"new {number}": NEW["new"] + b"%d" % number for number in range(12)}
    until(lambda: all(house.has(each, new) for each in others), house.said)
    for device in others:
        assert {*FIRST.values(), *LATER.values()} - {FIRST["other"]} <= house.contents(device)
        assert house.has(device, {"later": LATER["later"], "deep/er": LATER["deep/er"]})
        assert not list((device.folder / ".potluck" / "trash").rglob("later*"))
    assert not folder or "lost_state" in house.owner.codes()
    if folder:
        typed = house.owner.client.post("/api/v1/act/repair", {})
        assert "text" in typed
        until(lambda: house.has(house.owner, {"later": LATER["later"]}), house.said)
        until(lambda: LATER["other"] in house.contents(house.owner), house.said)
