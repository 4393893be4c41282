"""The listing: a folder folded, everything below, what is here and what is not, as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from potluck.faces.cli.tree import ROWS_AT_ONCE, copied_lines, file_lines, folder_lines
from tests.faces.fakes import entry

FILES = [
    entry("kitchen-pc/b\x1b.txt", 10),
    entry("laptop/a.txt", 1000),
    entry("laptop/empty", 0, kind="folder"),
    entry("laptop/photos", 0, kind="folder"),
    entry("laptop/photos/1.jpg", 2000),
    entry("laptop/photos/2.jpg", 3000, here=False),
]


def one(name: str, files: int = 1, size: int = 100, **changes: Any) -> dict[str, Any]:
    """One entry of a folder."""
    usual = {
        "name": name,
        "kind": "file",
        "files": files,
        "folders": 0,
        "size": size,
        "here": files,
    }
    return usual | changes


def pages(*entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, some in enumerate(entries, 1):
        yield {"entries": some, "next": number < len(entries) or None, "known": True}


def below(prefix: str) -> list[dict[str, Any]]:
    return [one for one in FILES if one["path"] == prefix or one["path"].startswith(prefix + "/")]


def test_nothing() -> None:
    assert [*folder_lines(pages([]), top=True)] == ["Nothing is shared yet."]
    assert [*folder_lines(pages([]), top=False)] == ["0 files, 0 B"]


def test_the_top_shows_the_devices_folders() -> None:
    devices = [
        one("kitchen-pc", 1, 10, kind="folder"),
        one("laptop", 3, 6000, kind="folder", folders=2, here=2),
    ]
    assert [*folder_lines(pages(devices), top=True)] == [
        "  10 B    1 file             kitchen-pc/",
        "  6.0 KB  2 of 3 files here  laptop/",
        "4 files in 2 folders, 6.0 KB, 3 of them here",
    ]


def test_folders_count_as_folders() -> None:
    entries = [
        one("a.txt", 1, 1000),
        one("empty", 0, 0, kind="folder"),
        one("f", 1, 5, kind="folder"),
    ]
    assert [*folder_lines(pages(entries), top=False)] == [
        "  1.0 KB           a.txt",
        "  0 B     0 files  empty/",
        "  5 B     1 file   f/",
        "2 files in 2 folders, 1.0 KB",
    ]


def test_a_large_folder_comes_in_parts_and_is_one_line() -> None:
    parts = pages(
        [one("a", 2, 10, kind="folder", here=1)],
        [one("a", 3, 10, kind="folder", folders=1)],
        [one("a", 1, 10, kind="folder", here=0), one("a", 1, 1), one("b", 1, 1, here=0)],
    )
    assert [*folder_lines(parts, top=False)] == [
        "  30 B  4 of 6 files here  a/",
        "  1 B                      a",
        "  1 B   not here           b",
        "8 files in 2 folders, 32 B, 5 of them here",
    ]


def test_a_line_is_written_as_soon_as_its_entry_is_whole() -> None:
    asked: list[int] = []

    def slowly() -> Iterator[dict[str, Any]]:
        for number in range(5):
            asked.append(number)
            yield {"entries": [one(f"{number}")], "next": number < 4 or None, "known": True}

    lines = folder_lines(slowly(), top=False)
    next(lines)
    assert asked == [0, 1], "the first entry is whole when the second comes"


def test_everything_below() -> None:
    assert [*file_lines(FILES, "")] == [
        "  10 B              kitchen-pc/b\\x1b.txt",
        "  1.0 KB            laptop/a.txt",
        "  2.0 KB            laptop/photos/1.jpg",
        "  3.0 KB  not here  laptop/photos/2.jpg",
        "4 files in 2 folders, 6.0 KB, 3 of them here",
    ]
    assert [*file_lines(below("laptop/photos"), "laptop/photos")][-1] == (
        "2 files, 5.0 KB, 1 of them here"
    ), "the folder that was asked for is not in itself"


def test_one_file() -> None:
    assert [*file_lines(below("laptop/a.txt"), "laptop/a.txt")] == [
        "  1.0 KB  a.txt",
        "1 file, 1.0 KB",
    ]


def test_columns_are_those_of_the_first_rows() -> None:
    files = [entry(f"laptop/{number:05}", 1) for number in range(ROWS_AT_ONCE)]
    late = [entry("laptop/z", 123_400), entry("laptop/zz", 1, here=False)]
    lines = [*file_lines([*files, *late], "")]
    assert lines[0] == "  1 B  laptop/00000"
    assert lines[-3:-1] == ["  123 KB  laptop/z", "  1 B  not here  laptop/zz"]


def copy(name: str, on: int, devices: int, alone: str = "", **changes: Any) -> dict[str, Any]:
    return one(name, **changes) | {"on": on, "devices": devices, "alone": alone}


def test_each_entry_with_its_copies_and_of_parts_the_first_counts() -> None:
    some = [copy("a", 3, 4), copy("b", 1, 4, "only"), copy("c", 1, 4, "known")]
    part = copy("f", 2, 4, kind="folder", files=2)
    rest = copy("f", 0, 0, kind="folder", files=3)
    large = copy("g", 0, 0, kind="folder", files=9)
    empty = copy("h", 0, 0, kind="folder", files=0, size=0)
    lines = [*copied_lines(pages([*some, part], [rest, large, empty]), top=False)]
    assert [line.rstrip() for line in lines] == [
        "  100 B  on 3 of 4                   a",
        "  100 B  on 1 of 4, only here        b",
        "  100 B  on 1 of 4, known only here  c",
        "  200 B  5 files  on 2 of 4                   f/",
        "  100 B  9 files  not known                   g/",
        "  0 B    0 files                              h/",
        "17 files in 3 folders, 600 B",
    ]
