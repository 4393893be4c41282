"""Which names are those of editors' and file browsers' own files."""

from __future__ import annotations

import pytest

from potluck.core.content.editor_files import ignored


@pytest.mark.parametrize(
    "name",
    [
        ".~lock.letter.odt#", "~$report.docx", ".notes.txt.swp", ".notes.txt.swx", ".#main.c",
        "main.c~", ".DS_Store", "Thumbs.db", "desktop.ini", "film.part.potluck",
        ".goutputstream-X1", ".nfs0000123",
    ],
)  # fmt: skip
def test_files_that_programs_make_beside_others_are_known_by_their_names(name: str) -> None:
    assert ignored(name)


@pytest.mark.parametrize(
    "name", ["lock#", ".~lock.letter", "a.swp.txt", "~home", "notes", ".profile", "#1"]
)
def test_other_names_are_not_left_out(name: str) -> None:
    assert not ignored(name)
