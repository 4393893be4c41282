"""Names of versions: the number is the last one, and what is named is a path or nothing."""

from __future__ import annotations

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.core.content.version_names import VersionName, parse_version
from potluck.core.errors import UnsafePath


@pytest.mark.parametrize(
    ("text", "path", "number", "is_folder"),
    [
        ("ann/a.txt", "ann/a.txt", 1, False),
        ("ann/a.txt@3", "ann/a.txt", 3, False),
        ("ann/a@2@1", "ann/a@2", 1, False),
        ("ann/a@b.org", "ann/a@b.org", 1, False),
        ("ann/@2", "ann/@2", 1, False),
        ("ann/a@0", "ann/a", 0, False),
        ("Shared/ann/docs/", "ann/docs", 1, True),
        ("/ann/docs/", "ann/docs", 1, True),
        ("ann/docs/@2", "ann/docs/@2", 1, False),
        ("ann/docs@2/", "ann/docs@2", 1, True),
        ("ann/a@1234567", "ann/a@1234567", 1, False),
    ],
)
def test_what_a_person_means(text: str, path: str, number: int, *, is_folder: bool) -> None:
    wanted = VersionName(parse_wire_path(path.encode()), number, is_folder)
    assert parse_version(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "/", "../a", "ann/../../a", "ann/a\x1b", "ann/\udcff", "a//b"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(UnsafePath):
        parse_version(text)
