"""Wanted folders: small files by folder, as long as they are waited for."""

from __future__ import annotations

import msgspec

from potluck.core import limits
from potluck.core.content.facts import Spot
from potluck.engine.others.wanted_folders import WantedFolders, folder_of
from tests.engine.index.builders import ANNAS, record


def test_small_files_stand_under_their_folder_until_they_are_here() -> None:
    wanted = WantedFolders()
    spots = [Spot(ANNAS, path) for path in (b"a", b"d/b", b"d/c")]
    for spot in spots:
        wanted.add(spot, record("x", text="12345"))
    assert {folder.path: sum(files.values()) for folder, files in wanted.folders.items()} == {
        b"": 5,
        b"d": 10,
    }
    assert repr(wanted) == "<WantedFolders: 2>"
    wanted.remove(spots[0])
    wanted.remove(spots[1])
    assert list(wanted.folders) == [folder_of(spots[2])]
    wanted.remove(spots[2])
    wanted.remove(spots[2])
    assert wanted.folders == {}


def test_a_changed_file_counts_once_and_a_large_one_not_at_all() -> None:
    wanted, spot = WantedFolders(), Spot(ANNAS, b"a")
    wanted.add(spot, record("x", text="1"))
    wanted.add(spot, record("x", text="12"))
    assert wanted.folders == {Spot(ANNAS, b""): {spot: 2}}
    large = msgspec.structs.replace(record("y"), size=limits.PIECE_MIN_BYTES + 1)
    wanted.add(Spot(ANNAS, b"y"), large)
    assert len(wanted.folders[Spot(ANNAS, b"")]) == 1
