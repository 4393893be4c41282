"""Lines for a terminal: no command is broken, nothing is wider than it must be, nothing is lost."""

from __future__ import annotations

import pytest

from potluck.faces.advice import Advice, LightOnDark, for_terminal, indented
from potluck.faces.text import columns


def broken(line: str, width: int) -> list[str]:
    return list(for_terminal([line], width))


def test_what_fits_stays_as_it_is() -> None:
    lines = ["  a   b", "", Advice("next: ", "potluck status")]
    assert list(for_terminal(lines, 20)) == lines


def test_a_row_of_a_picture_stays_as_it_is() -> None:
    row = LightOnDark("██  ▀▀▄▄ ██")
    assert broken(row, 5) == [row]


def test_a_command_that_does_not_fit_beside_goes_below_and_stays_whole() -> None:
    line = Advice("  to share them: ", "potluck add PATH…")
    assert str(line) == "  to share them: potluck add PATH…"
    assert broken(line, 30) == ["  to share them:", "    potluck add PATH…"]
    assert broken(line, 18) == ["  to share them:", "potluck add PATH…"], "no room to set it in"
    assert broken(line, 11) == ["  to share", "      them:", "potluck add PATH…"]


def test_a_command_alone_on_its_line_is_set_in_as_far_as_there_is_room() -> None:
    line = Advice("          ", "potluck up")
    assert broken(line, 20) == ["          potluck up"]
    assert broken(line, 15) == ["potluck up"]


def test_a_line_that_is_set_in_still_knows_its_command() -> None:
    line = indented(Advice("next: ", "potluck status"), "    ")
    assert broken(line, 18) == ["    next:", "potluck status"]
    assert indented("x", "  ") == "  x"


def test_a_row_is_broken_between_its_cells() -> None:
    row = "  kitchen-pc  node 0  10.16.244.1:7685   has all 14 files"
    assert broken(row, 40) == [
        "  kitchen-pc  node 0  10.16.244.1:7685",
        "      has all 14 files",
    ]


def test_a_long_cell_is_broken_between_its_words() -> None:
    fact = "  state    in trouble · the share is offline: no marker is in it"
    assert broken(fact, 40) == [
        "  state    in trouble · the share is",
        "      offline: no marker is in it",
    ]


@pytest.mark.parametrize("width", [20, 27, 40, 79])
def test_no_line_is_wider_and_no_word_is_lost(width: int) -> None:
    line = "    devices   one two three " + "four five  six " * 9 + " 漢字漢字 ends here"
    rows = broken(line, width)
    assert all(columns(row) <= width for row in rows)
    assert " ".join(rows).split() == line.split()
