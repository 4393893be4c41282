"""A request as the live view shows it, at several sizes, with hostile names."""

from __future__ import annotations

from typing import Any

import pytest

from potluck.faces.asking import asking_rows, listed_in, on_top, step_from, words_stand_in
from potluck.faces.text import columns
from tests.faces.fakes import asked, joining, request, state

LONG = ["aardvark", "mushroom", "elephant"]


def lines(*requests: dict[str, Any], width: int = 80, room: int = 20) -> list[str]:
    rows = asking_rows(asked(*requests), width, room)
    return ["".join(piece for piece, _ in row) for row in rows]


def test_nobody_asks() -> None:
    assert asking_rows(state(), 80, 20) == []


def test_at_80_columns() -> None:
    assert lines(request()) == [
        "─" * 72,
        "bert (10.88.0.2) asks to join “Home”",
        "Look at the screen of the machine that asks, bert: the same three words must",
        "  stand there, too. Only that screen counts: members show the same words.",
        "",
        "     AMBER    TIGER    VIOLIN ",
        "",
        "y = yes, they are the same · n = no",
        "No answer counts as no, in 2 min.",
        "",
    ]
    assert lines(joining())[1] == "Join “Home”? cora (10.88.0.1) answers there"


def test_at_20_columns_the_words_stand_below_each_other() -> None:
    narrow = lines(request(words=LONG), width=20)
    assert [line.strip() for line in narrow[13:16]] == ["AARDVARK", "MUSHROOM", "ELEPHANT"]
    assert all(columns(line) <= 20 for line in narrow)


@pytest.mark.parametrize("width", [20, 26, 34, 40, 80, 200])
@pytest.mark.parametrize("room", [1, 4, 6, 9, 30])
def test_no_row_is_too_wide_and_the_words_come_before_all_else(width: int, room: int) -> None:
    several = [request("x" * 64, words=LONG), joining(id="2", left_s=119.0)]
    shown = lines(*several, width=width, room=room)
    assert all(columns(line) <= width for line in shown)
    if room >= 9:
        assert words_stand_in(several[0], "\n".join(shown[:room]))


def test_several_come_one_after_the_other_with_how_many() -> None:
    second = request("nas", id="2", left_s=118.0)
    third = request("den", id="3", left_s=119.0, words=[])
    shown = lines(request(), third, second)
    assert shown[1] == "bert (10.88.0.2) asks to join “Home” (1 of 2)"
    assert shown[-1] == "den (10.88.0.2) asks to join “Home”: the three words come in a moment."
    assert shown[-2] == "  nas (10.88.0.2)  AMBER  TIGER  VIOLIN"
    assert "y = yes, they are the same · n = no · Tab = the next one in full" in shown


def crowd(number: int) -> list[dict[str, Any]]:
    """So many who ask, the told time of the last one nearly over."""
    letters = [[f"{word}{one}" for word in ("amber", "tiger", "lemon")] for one in range(number)]
    every = [request(f"d{one}", id=str(one), words=letters[one]) for one in range(number)]
    every[-1]["left_s"] = 1.0
    return every


def test_eight_quiet_ones_hide_nobody_who_can_be_stepped_to() -> None:
    every = crowd(9)
    shown = lines(*every)
    assert shown[1].startswith("d0 "), "a time that is told sorts nobody to the top"
    assert len(shown) <= 20
    text = "\n".join(shown)
    assert [one for one in every if words_stand_in(one, text)] == every
    told = asked(*every)
    listed = listed_in(told, text, 80)
    assert listed == {str(one): f"d{one}" for one in range(9)}
    assert listed_in(told, text.replace("  d8 (10", "  d9 (10"), 80).keys() == listed.keys() - {"8"}
    low = "\n".join(lines(*every, room=9))
    assert low.endswith("  … and 6 more requests: pending")
    assert [*listed_in(told, low, 80)] == ["0", "1", "2"]
    at = ""
    for one in [*range(1, 9), 0]:
        at = step_from(told, at)
        assert at == str(one)
    rows = asking_rows(told, 80, 20, "4")
    assert "".join(piece for piece, _ in rows[1]).startswith(
        "d4 (10.88.0.2) asks to join “Home” (5"
    )
    assert on_top(told, "gone") == on_top(told)
    assert step_from(state(), "") == ""


def test_listed_names_and_words_have_rows_of_their_own_where_one_is_too_narrow() -> None:
    told = [
        request(),
        request("nas", id="2", words=LONG),
        request("d", id="3", words=["a", "bee", "cat"]),
    ]
    narrow = lines(*told, width=24, room=60)
    words = ["      AARDVARK", "      MUSHROOM", "      ELEPHANT"]
    assert narrow[-5:-1] == ["  nas", *words], "below the name, and not where a name begins"
    assert narrow[-1] == "  d  A  BEE  CAT"
    assert "2" in listed_in(asked(*told), "\n".join(narrow), 24)


def test_words_that_do_not_fit_beside_a_long_name_stand_together_below_it() -> None:
    long = request("A" * 64, id="2", words=LONG)
    shown = lines(request(), long)
    assert shown[-2:] == ["  " + "A" * 64, "      AARDVARK  MUSHROOM  ELEPHANT"]
    assert "2" in listed_in(asked(request(), long), "\n".join(shown), 80)


def test_a_listed_name_is_set_off_as_everywhere_with_what_is_typed_for_it() -> None:
    odd = [request(name, id=f"5eed000{n}") for n, name in enumerate(["-y", "my nas", "a\x1b"])]
    shown = lines(request(), *odd)
    assert shown[-3:] == [
        "  -y = 5eed0000 (10.88.0.2)  AMBER  TIGER  VIOLIN",
        "  “my nas” (10.88.0.2)  AMBER  TIGER  VIOLIN",
        "  a\\x1b = 5eed0002 (10.88.0.2)  AMBER  TIGER  VIOLIN",
    ]
    nameless = request("", id="5eed0009", name="5eed0009")
    assert lines(request(), nameless)[-1].startswith("  5eed0009 (10.88.0.2)  ")


def test_that_only_the_asking_screen_counts_is_the_last_to_go() -> None:
    only = "Only the asking machine's screen counts."
    low = lines(request(), request("nas", id="2"), width=40, room=6)
    assert only in low
    assert words_stand_in(request(), "\n".join(low[:6]))
    assert [only in lines(request(), width=40, room=room) for room in (3, 4, 5, 6)] == [True] * 4
    assert only in lines(request(), width=40, room=2), "render cuts what is too much, from below"
    assert only not in lines(joining(), width=40, room=4)
    assert any("Only that screen" in line for line in lines(request(), width=40, room=9))


def test_after_the_yes_here_the_other_side_is_waited_for() -> None:
    [line, more] = lines(request(answer="yes"))
    assert f"{line} {more.strip()}" == (
        "bert (10.88.0.2): the yes on this side is given (AMBER  TIGER  VIOLIN); "
        "waiting for the other side, 2 min more."
    )
    many = lines(*[request(f"d{n}", id=str(n), answer="yes", words=[]) for n in range(5)])
    assert many[-1] == "2 more requests"


def test_words_that_are_cut_off_do_not_stand_there() -> None:
    assert words_stand_in(request(), "… AMBER TIGER VIOLIN")
    assert not words_stand_in(request(), "… AMBER TIGER")
