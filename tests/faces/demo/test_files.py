"""The demonstration's files: every kind, dealt to every device, and what is changed later."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from potluck.core.limits import MIB
from potluck.faces.demo import files


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setattr(files, "SPARSE_BYTES", 8 * MIB)
    monkeypatch.setattr(files, "RANDOM_BYTES", 1000)
    made = {label: tmp_path / label for label in ("a", "b", "c")}
    for folder in made.values():
        folder.mkdir()
    return made


def on_disk(folders: dict[str, Path]) -> dict[str, int]:
    return {
        f"{label}/{path.relative_to(folder)}": path.stat().st_size
        for label, folder in folders.items()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_said_is_what_is_written(folders: dict[str, Path]) -> None:
    items = files.make_items(folders, random.Random(1))
    assert {item.owner for item in items} == set(folders)
    assert files.after(items, []) == on_disk(folders)
    assert any(len(item.files) == files.SMALL_FILES for item in items)
    assert sum(item.size_bytes for item in items) == sum(on_disk(folders).values())


def test_the_kinds_that_break_lesser_programs(folders: dict[str, Path]) -> None:
    files.make_items(folders, random.Random(1))
    found = [path for folder in folders.values() for path in folder.rglob("*")]
    assert any(path.stat().st_mode & 0o100 for path in found if path.is_file())
    assert any(path.is_file() and path.stat().st_size == 0 for path in found)
    sparse = next(path for path in found if path.name == "disk image.raw")
    assert sparse.stat().st_blocks * 512 < sparse.stat().st_size
    assert set(files.ODD_NAMES) <= {path.name for path in found}


def test_changes_are_done_and_told(folders: dict[str, Path]) -> None:
    items = files.make_items(folders, random.Random(1))
    before = on_disk(folders)
    changes = files.make_changes(items, folders)
    assert files.after(items, changes) == on_disk(folders)
    assert len(on_disk(folders)) == len(before) - 1
    assert [change.words.split()[1] for change in changes] == ["renames", "deletes", "adds"]
