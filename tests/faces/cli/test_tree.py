"""The listing: one level folded, everything below, what is here and what is not."""

from __future__ import annotations

from potluck.faces.cli.tree import listing_lines
from tests.faces.fakes import entry

FILES = [
    entry("laptop/a.txt", 1000),
    entry("laptop/photos", 0, kind="folder"),
    entry("laptop/photos/1.jpg", 2000),
    entry("laptop/photos/2.jpg", 3000, here=False),
    entry("laptop/empty", 0, kind="folder"),
    entry("kitchen-pc/b\x1b.txt", 10),
]


def below(prefix: str) -> list[dict[str, object]]:
    return [one for one in FILES if one["path"] == prefix or one["path"].startswith(prefix + "/")]


def test_nothing() -> None:
    assert listing_lines([], "", recursive=False) == ["Nothing is shared yet."]


def test_the_top_shows_the_devices_folders() -> None:
    assert listing_lines(FILES, "", recursive=False) == [
        "  10 B    1 file             kitchen-pc/",
        "  6.0 KB  2 of 3 files here  laptop/",
        "4 files, 6.0 KB, 3 of them here",
    ]


def test_one_folder() -> None:
    lines = listing_lines(below("laptop"), "laptop", recursive=False)
    assert [line.split()[-1] for line in lines[:-1]] == [
        "a.txt", "empty/", "photos/",
    ]  # fmt: skip


def test_everything_below() -> None:
    lines = listing_lines(FILES, "", recursive=True)
    assert lines[0].endswith("kitchen-pc/b\\x1b.txt")
    assert any("not here yet  laptop/photos/2.jpg" in line for line in lines)
    assert not any(line.endswith("/") for line in lines)


def test_one_file() -> None:
    assert listing_lines(below("laptop/a.txt"), "laptop/a.txt", recursive=False) == [
        "  1.0 KB    a.txt",
        "1 file, 1.0 KB",
    ]
