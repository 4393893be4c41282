"""Rows: what moves, read at several widths."""

from __future__ import annotations

import pytest

from potluck.faces.progress import Motion, upload_key
from potluck.faces.rows import Moving, Pieces, everything, incoming, laid_out, outgoing
from potluck.faces.text import columns
from tests.faces.fakes import transfer, upload

MOTION = Motion(
    come=300_000_000, wanted=700_000_000, rate=100_000_000, fastest=112_000_000,
    rates={"kitchen-pc/holiday.mp4": 112_000_000, upload_key(upload()): 5_000_000},
)  # fmt: skip


def plain(rows: list[Pieces]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def drawn(*moving: Moving, width: int = 80) -> list[str]:
    return plain(laid_out(list(moving), width))


def test_a_file_has_bar_amount_rate_and_time_left() -> None:
    assert drawn(incoming(transfer(), MOTION)) == [
        "  ↓ kitchen-pc/holiday.mp4 ███████████▊░░░  1.1 / 1.4 GB       112 MB/s     3 s"
    ]


def test_with_more_room_its_sources_are_shown() -> None:
    (line,) = drawn(incoming(transfer() | {"from": ["attic", "nas"]}, MOTION), width=110)
    assert line.endswith("3 s  attic, nas")


def test_what_does_not_move_has_no_rate_and_no_time_left() -> None:
    assert drawn(incoming(transfer("a/b"), MOTION)) == [
        "  ↓ a/b ████████████▌░░░  1.1 / 1.4 GB  kitchen-pc"
    ]


def test_small_files_are_one_row_a_folder() -> None:
    small = transfer("laptop/photos", files=2315, every=3000, done=0, size=9000)
    (line,) = drawn(incoming(small, Motion()))
    assert "↓ laptop/photos " in line
    assert "685 of 3,000 files" in line
    (line,) = drawn(incoming(transfer("laptop/x", files=7), Motion()))
    assert "7 files to come" in line
    assert "░" not in line, "how many there are is not known"


def test_an_upload_says_to_whom() -> None:
    (line,) = drawn(outgoing(upload(), MOTION))
    assert "↑ laptop/movie.bin → kitchen-pc " in line
    assert "350 MB / 1.0 GB" in line
    assert line.endswith("5.0 MB/s")
    again = outgoing(upload("a", there=2_000_000_000), MOTION)
    assert "1.0 / 1.0 GB" in drawn(again)[0]


def test_of_an_upload_nobody_spoke_of_yet_no_part_is_shown() -> None:
    fresh = outgoing(upload(sent=None, there=None), Motion())
    (line,) = drawn(fresh)
    assert line.split() == ["↑", "laptop/movie.bin", "→", "kitchen-pc", "1.0", "GB"]
    assert drawn(fresh, width=50) == ["↑ laptop/movie.bin → kitchen-pc", "  1.0 GB"]


def test_what_came_is_no_bar_where_what_was_there_before_is_not_known() -> None:
    again = outgoing(upload(sent=108_000, size=12_000_000, there=None), MOTION)
    (line,) = drawn(again)
    assert "108 KB sent of 12.0 MB" in line
    assert "5.0 MB/s" in line
    assert not {"█", "░"} & set(line)


def test_the_whole_says_how_much() -> None:
    (line,) = drawn(everything(MOTION))
    assert "Σ everything " in line
    assert "300 / 700 MB" in line


def test_columns_stand_below_each_other() -> None:
    lines = drawn(incoming(transfer("a"), MOTION), incoming(transfer(), MOTION))
    assert lines[0].index("1.1") == lines[1].index("1.1")


def test_a_name_is_cut_only_where_there_is_no_room() -> None:
    name = "laptop/" + "x" * 40 + ".mp4"
    assert name in drawn(incoming(transfer(name), MOTION), width=100)[0]
    motion = Motion(rates={name: 112_000_000}, fastest=1)
    (line,) = drawn(incoming(transfer(name), motion), width=80)
    assert "↓ laptop/xxxxxxx…xxxxxxxxxxx.mp4 ████" in line


def test_a_narrow_terminal_gets_two_lines() -> None:
    assert drawn(incoming(transfer(), MOTION), width=40) == [
        "↓ kitchen-pc/holiday.mp4",
        "  78 %  1.1 / 1.4 GB  112 MB/s  3 s",
    ]
    assert drawn(everything(MOTION), width=50) == [
        "Σ everything",
        "  █████▏░░░░░░  42 %  300 / 700 MB  100 MB/s  4 s",
    ]
    assert drawn(incoming(transfer(), MOTION), width=20) == [
        "↓ kitchen-…liday.mp4",
        "  78 %  1.1 / 1.4 GB",
    ]


@pytest.mark.parametrize("width", [20, 21, 30, 40, 60, 69, 70, 71, 80, 100, 200])
def test_no_row_is_wider_than_the_terminal(width: int) -> None:
    motion = Motion(
        come=999_900_000_000, wanted=999_999_000_000_000, rate=99_900_000, fastest=99_900_000,
        rates={"漢" * 50: 99_900_000, "a": 2000},
    )  # fmt: skip
    moving = [
        incoming(transfer("漢" * 50) | {"from": ["x" * 60]}, motion),
        incoming(transfer("a"), motion),
        incoming(transfer("b" * 90, files=3), motion),
        outgoing(upload("long/" * 30, "y" * 63), motion),
        outgoing(upload("long/" * 30, sent=999_000_000_000, there=None), motion),
        everything(motion),
    ]
    for line in drawn(*moving, width=width):
        assert columns(line) <= width
    for one in moving:
        for line in drawn(one, width=width):
            assert columns(line) <= width


def test_nothing_moves_in_no_rows() -> None:
    assert laid_out([], 80) == []
