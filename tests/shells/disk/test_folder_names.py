"""What is in a folder that is open: as it is now, also on a file system that remembers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.shells.disk.folder_names import entries_in, names_in

BTRFS_BYTES = 128 * 2**20  # the least that there is


@pytest.fixture
def remembering(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system whose listings end where the last rewinding found the end."""
    if not shutil.which("mkfs.btrfs") or os.geteuid() != 0:
        pytest.skip("it takes root and mkfs.btrfs")
    image, top = tmp_path / "image", tmp_path / "top"
    top.mkdir()
    with image.open("wb") as file:
        file.truncate(BTRFS_BYTES)
    subprocess.run(["mkfs.btrfs", "-q", str(image)], check=True, capture_output=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", str(image), str(top)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no btrfs can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield top
    finally:
        subprocess.run(["umount", str(top)], check=True)


def seen(folder: Path) -> list[list[str]]:
    """What is listed after each of three files was made, while the folder is open."""
    found, folder_fd = [], os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, name in enumerate("abc"):
            (folder / name).touch()
            if number % 2:
                with entries_in(folder_fd) as entries:
                    found.append(sorted(entry.name for entry in entries))
            else:
                found.append(sorted(names_in(folder_fd)))
    finally:
        os.close(folder_fd)
    return found


def test_what_was_made_since_it_was_opened_is_listed(tmp_path: Path) -> None:
    assert seen(tmp_path) == [["a"], ["a", "b"], ["a", "b", "c"]]


def test_also_where_the_file_system_remembers(remembering: Path) -> None:
    assert seen(remembering) == [["a"], ["a", "b"], ["a", "b", "c"]]


def test_listings_at_one_time_take_nothing_from_each_other(tmp_path: Path) -> None:
    names = [f"{number:03}" for number in range(300)]
    for name in names:
        (tmp_path / name).touch()
    folder_fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with entries_in(folder_fd) as entries:
            first = next(entries).name
            assert sorted(names_in(folder_fd)) == names
            assert sorted([first, *(entry.name for entry in entries)]) == names
    finally:
        os.close(folder_fd)


def test_a_folder_that_was_closed_cannot_be_listed(tmp_path: Path) -> None:
    folder_fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    os.close(folder_fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        names_in(folder_fd)
    with pytest.raises(OSError, match="Bad file descriptor"), entries_in(folder_fd):
        pass
