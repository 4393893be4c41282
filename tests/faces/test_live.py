"""The live view, read from a recorded console: what a person sees, at several widths, with hostile
names.
"""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from potluck.faces.live import BARS, LiveScreen, Whole, render
from tests.faces.fakes import state, transfer


def busy(**changes: object) -> dict[str, object]:
    return state(
        state="busy", need_files=3, need_bytes=400, rates={"down": 100, "up": 0}, **changes
    )


def test_before_the_first_state() -> None:
    assert render(None, (0, 0), None, 80).plain == "potluck is starting…"


def test_in_sync_it_is_two_lines_and_the_prompt() -> None:
    lines = render(state(), (0, 0), "", 100).plain.splitlines()
    assert (
        lines[0]
        == "potluck 0.1.0 · kitchen-pc · 7F3A-91C2 · Home · node 0 of 2 · last laptop · next laptop"
    )
    assert lines[1] == "in sync · 14 files · 1.6 GB"
    assert lines[2].startswith("> ▏exit")


def test_each_transfer_has_bar_rate_time_left_and_source() -> None:
    lines = render(busy(transfers=[transfer()]), (300, 700), None, 120).plain.splitlines()
    for part in (
        "↓ kitchen-pc/holiday.mp4",
        "████████████",
        "1.1 GB / 1.4 GB",
        "112 MB/s",
        " 3 s",
        "kitchen-pc",
    ):
        assert part in lines[2]
    for part in ("Σ everything", "300 B / 700 B", "100 B/s", "4 s"):
        assert part in lines[3]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_every_line_fits_the_terminal(width: int) -> None:
    one = transfer("somebody/" + "long name " * 30)
    for line in render(
        busy(transfers=[one, transfer(rate=0)]), (1, 2), "", width
    ).plain.splitlines()[2:]:
        assert len(line) <= width


def test_many_transfers_are_counted_not_drawn() -> None:
    many = [transfer(f"a/{number}") for number in range(BARS + 5)]
    picture = render(busy(transfers=many), (0, 0), None, 100).plain
    assert picture.count("↓") == BARS
    assert "… and 5 more" in picture


def test_an_open_door_is_loud() -> None:
    assert (
        "the door is OPEN for 50 min"
        in render(state(door={"open": True, "until_s": 3000}), (0, 0), None, 99).plain
    )
    assert (
        "OPEN: anyone"
        in render(state(door={"open": True, "until_s": None}), (0, 0), None, 99).plain
    )


def test_the_whole_counts_from_the_most_that_was_missing() -> None:
    whole = Whole()
    assert [whole.done(need) for need in (0, 100, 60, 80, 0, 50)] == [
        (0, 0),
        (0, 100),
        (40, 100),
        (20, 100),
        (0, 0),
        (0, 50),
    ]


def test_a_screen_draws_and_lets_lines_scroll_above() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100, color_system=None, markup=False)
    screen = LiveScreen(console)
    screen.open()
    screen.state(state(transfers=[transfer("a/[red]x\x1b[2J")]))
    screen.typed("exi")
    screen.lines(["laptop joined", "✗ bad", "! odd [bold]"])
    screen.draw()
    screen.close()
    drawn = output.getvalue()
    for part in ("laptop joined", "✗ bad", "! odd [bold]", "> exi▏", "a/[red]x\\x1b[2J"):
        assert part in drawn
    assert "\x1b[2J" not in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")  # the cursor is back


def test_without_a_prompt_nothing_is_typed() -> None:
    output = io.StringIO()
    screen = LiveScreen(Console(file=output, width=100), prompt=False)
    screen.open()
    screen.typed("x")
    screen.draw()
    screen.close()
    assert ">" not in output.getvalue()
