"""A device whose FOLDER is on exFAT: names that are one there, and names it cannot hold.

Strategy: real processes, with a real exFAT (tests/shells/disk/folding.py); skipped where there is
none. What is decided and why is tested without one in tests/engine/others/test_local_names.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devices import Device, free_port, one_ring, until
from tests.shells.disk.folding import exfat

pytestmark = pytest.mark.full


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Device, Device]]:
    """Ann on a plain disk, Ben on one that folds."""
    with exfat(tmp_path / "ben" / "Folder", tmp_path / "image"):
        port = free_port()
        devices = [Device(tmp_path / label, label).start(port) for label in ("ann", "ben")]
        try:
            for device in devices:
                device.up()
            until(lambda: one_ring(*devices))
            yield devices[0], devices[1]
        finally:
            for device in devices:
                device.process.terminate()
            for device in devices:
                device.process.wait(60)


def tree(folder: Path) -> dict[str, bytes]:
    """All that stands there; nothing while something is renamed under the eyes of the walk."""
    try:
        found = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in found}
    except FileNotFoundError:
        return {}


def troubles(device: Device) -> set[str]:
    return {one["subject"].split(" and ")[0] for one in device.state().get("troubles", [])}


def test_of_names_that_are_one_there_one_is_placed_and_a_new_case_is_a_rename(two) -> None:
    ann, ben = two
    copy, kept = ben.copy_of(ann), b"what stands here"
    ann.write("foo", b"lower")
    ann.write("Photos/one", kept)
    ann.write("a:b", b"no name for exFAT")
    until(lambda: tree(copy) == {"foo": b"lower", "Photos/one": kept}, ben.said)
    until(lambda: troubles(ben) == {"ann/a:b"}, ben.said)
    ann.write("Foo", b"upper")
    os.rename(ann.own / "Photos", ann.own / "PHOTOS")
    until(lambda: tree(copy) == {"Foo": b"upper", "PHOTOS/one": kept}, ben.said)
    until(lambda: troubles(ben) == {"ann/a:b", "ann/foo"}, ben.said)
    (ann.own / "Foo").unlink()
    (ann.own / "a:b").unlink()
    until(lambda: tree(copy) == {"foo": b"lower", "PHOTOS/one": kept}, ben.said)
    until(ben.settled, ben.said)
    assert not tree(ben.folder / "Put aside")


def test_an_own_file_there_that_gets_another_case_is_renamed_and_not_executable(two) -> None:
    ann, ben = two
    copy = ann.copy_of(ben)
    ben.write("Foo", b"mine")
    until(lambda: tree(copy) == {"Foo": b"mine"}, ann.said)
    assert not os.access(copy / "Foo", os.X_OK)
    os.rename(ben.own / "Foo", ben.own / "foo")
    until(lambda: tree(copy) == {"foo": b"mine"}, ann.said)
    until(ann.settled, ann.said)
