"""The live view, read from a recorded console: what a person sees, at several sizes, with hostile
names.
"""

from __future__ import annotations

import io
import re
from typing import IO, Any, cast

import pytest
from rich.console import Console

from potluck.faces.advice import Advice, LightOnDark
from potluck.faces.cli.layout import Words
from potluck.faces.live import BARS, RENEW_S, TROUBLES, LiveScreen, render
from potluck.faces.progress import Motion
from potluck.faces.text import columns
from tests.faces.fakes import asked, delivery, rates, request, state, transfer, trouble, upload

WORDS = Words("potluck --home h", "potluck", "potluck --home h")
COMING = Motion(come=300, wanted=700, rate=100)


def busy(**changes: Any) -> dict[str, Any]:
    wanted = {"state": "receiving", "need_files": 3, "need_bytes": 400, "synced": False,
              "reason": "3 files (400 B) to come from laptop"} | changes  # fmt: skip
    return state(**wanted)


def lines(
    snapshot: dict[str, Any] | None = None,
    *,
    motion: Motion | None = None,
    typed: str | None = None,
    width: int = 80,
    height: int = 24,
) -> list[str]:
    within = (width, height)
    return render(snapshot, motion or Motion(), typed, within, WORDS).plain.splitlines()


def test_before_the_first_state() -> None:
    assert lines() == ["potluck is starting…"]


def test_in_sync_it_is_two_lines_and_the_prompt() -> None:
    assert lines(state(), typed="", width=100) == [
        "potluck 0.1.0 · kitchen-pc · 7F3A-91C2 · Home · node 0 of 2 · last laptop · next laptop",
        "in sync · 14 files · 1.6 GB",
        "> ▏exit · help · status · ring",
    ]


def test_the_title_leaves_out_what_matters_least() -> None:
    titles = [lines(state(), width=width)[0] for width in (80, 50, 40, 30, 20, 8)]
    assert titles == [
        "potluck 0.1.0 · kitchen-pc · 7F3A-91C2 · Home · node 0 of 2",
        "potluck 0.1.0 · kitchen-pc · Home · node 0 of 2",
        "kitchen-pc · Home · node 0 of 2",
        "kitchen-pc · Home",
        "kitchen-pc · Home",
        "kit…n-pc",
    ]
    assert lines(state(group=None))[0].endswith("7F3A-91C2 · in no group yet")
    alone = {"number": 0, "of": 1, "last": "x", "next": "x", "digest": ""}
    assert lines(state(node=alone))[0].endswith("Home · node 0 of 1")


def test_the_reason_says_what_is_to_come_and_nothing_says_it_again() -> None:
    picture = lines(busy(transfers=[transfer()]), motion=COMING)
    assert picture[1] == "receiving · 3 files (400 B) to come from laptop · 14 files · 1.6 GB"
    assert "\n".join(picture).count("400 B") == 1
    waiting = busy(state="waiting", reason="waiting for laptop (away for 5 min): v.bin")
    assert lines(waiting)[1].startswith("waiting for laptop (away for 5 min): v.bin · ")


def test_a_reason_that_is_long_is_broken_and_its_command_has_a_line() -> None:
    snapshot = busy(state="trouble", reason="the share is offline: " + "no marker " * 9,
                    command="status")  # fmt: skip
    picture = lines(snapshot, width=40)
    assert picture[1].startswith("in trouble · the share is offline: no")
    assert picture[2].startswith("  ")
    assert "next: potluck --home h status" in picture
    shell = busy(state="trouble", reason="no watches", command="sudo sysctl fs.inotify=1")
    assert "next: sudo sysctl fs.inotify=1" in lines(shell)


def test_an_open_door_has_a_line_of_its_own() -> None:
    picture = lines(state(door={"open": True, "until_s": 3000}))
    assert "the door is OPEN for 50 min: anyone here may join" in picture
    always = lines(state(door={"open": True, "until_s": None}), width=40)
    assert always[2:4] == ["the door is OPEN: anyone here may join"]


@pytest.mark.parametrize(
    ("width", "height"), [(80, 7), (80, 6), (80, 5), (80, 4), (40, 5), (40, 6)]
)
def test_where_rows_lack_the_door_is_said_first(width: int, height: int) -> None:
    two = [trouble(), trouble("nas", reason="cannot be reached")]
    wide_open = busy(
        state="trouble",
        reason="laptop/x: denied",
        command="chmod u+rx x",
        door={"open": True, "until_s": 3000},
        troubles=two,
        trouble_count=2,
    )
    picture = lines(wide_open, typed="", width=width, height=height)
    assert len(picture) < height
    assert "the door is OPEN for 50 min: anyone here may join" in " ".join(map(str.strip, picture))
    assert picture[-1].startswith("> ")
    assert height < 6 or "kitchen-pc" in picture[0]


def test_each_trouble_has_its_reason_and_its_command_on_lines_of_their_own() -> None:
    two = [trouble(), trouble("nas", reason="cannot be reached", command="", since_s=0.5)]
    picture = lines(busy(state="trouble", troubles=two, trouble_count=2))
    at = picture.index("✗ laptop/locked: permission denied (for 2 min, tried again in 30 s)")
    assert picture[at + 1 : at + 3] == [
        "  next: chmod u+rx locked",
        "✗ nas: cannot be reached (tried again in 30 s)",
    ]


def test_a_trouble_that_is_the_reason_is_not_said_twice() -> None:
    snapshot = busy(state="trouble", reason="laptop/locked: permission denied",
                    troubles=[trouble()], trouble_count=1)  # fmt: skip
    assert "\n".join(lines(snapshot)).count("permission denied") == 1


def test_other_troubles_of_the_same_cause_are_shown_or_counted() -> None:
    same = [trouble(f"kitchen-pc/{number}", command="") for number in range(5)]
    reason = "kitchen-pc/0: permission denied"
    snapshot = busy(state="trouble", reason=reason, troubles=same, trouble_count=5)
    picture = lines(snapshot)
    shown = [line for line in picture if line.startswith("✗ kitchen-pc/")]
    assert [line.split(":")[0] for line in shown] == [f"✗ kitchen-pc/{at}" for at in (1, 2, 3)]
    assert "✗ 1 more trouble: see status" in picture
    full = trouble("space on the disk", reason="disk full: 2 GB needed", command="")
    paused = busy(state="paused", reason=full["reason"], troubles=[full], trouble_count=1)
    assert not any(line.startswith("✗") for line in lines(paused))


def test_more_troubles_are_counted() -> None:
    many = [trouble(f"{number}", reason=f"reason {number}") for number in range(TROUBLES + 1)]
    picture = lines(busy(troubles=many, trouble_count=TROUBLES + 3))
    assert "✗ 3 more troubles: see status" in picture
    assert sum(line.startswith("✗ ") for line in picture) == TROUBLES + 1


def test_the_sender_sees_who_lacks_what() -> None:
    rows = [delivery(), delivery("nas", done_bytes=410), delivery("desk", online=False)]
    snapshot = state(state="sending", deliveries=rows, uploads=[upload()])
    picture = lines(snapshot, motion=Motion(up_rate=12_000_000))
    assert "↑ kitchen-pc 35 % · nas 41 % · desk away   12.0 MB/s" in picture
    assert any(line.startswith("  ↑ laptop/movie.bin → kitchen-pc █") for line in picture)


def test_who_lacks_files_itself_and_sends_none_shows_no_senders_row() -> None:
    rows = [delivery()]
    assert not any(line.startswith("↑") for line in lines(busy(deliveries=rows)))
    assert "↑ kitchen-pc 35 %" in lines(busy(deliveries=rows, uploads=[upload()]))
    assert "↑ kitchen-pc 35 %   5 B/s" in lines(busy(deliveries=rows), motion=Motion(up_rate=5))


def test_while_it_is_waited_for_somebody_nothing_has_a_rate() -> None:
    waiting = busy(state="waiting", reason="waiting for laptop")
    moving = Motion(come=300_000_000, wanted=700_000_000, rate=10**8, fastest=10**8)
    (whole,) = (line for line in lines(waiting, motion=moving) if "Σ" in line)
    assert whole.endswith("300 / 700 MB")


def test_who_is_away_is_named_without_an_arrow() -> None:
    assert "desk away" in lines(state(deliveries=[delivery("desk", online=False)]))


def test_bars_for_what_comes_and_for_the_whole() -> None:
    picture = lines(busy(transfers=[transfer()]), motion=COMING)
    assert picture[2].startswith("  ↓ kitchen-pc/holiday.mp4 █")
    assert len(picture) == 3, "one file is all there is to come"
    picture = lines(busy(transfers=[transfer(), transfer("b")]), motion=COMING)
    assert picture[4].startswith("  Σ everything             █")
    more = Motion(wanted=2_000_000_000)
    assert lines(busy(transfers=[transfer()]), motion=more)[3].startswith("  Σ everything")
    small = busy(transfers=[transfer("laptop/photos", files=9)])
    assert lines(small, motion=COMING)[3].startswith("  Σ everything")


@pytest.mark.parametrize("width", [20, 27, 40, 70, 80, 100, 200])
@pytest.mark.parametrize("height", [8, 15, 24, 60])
def test_the_picture_fits_and_the_prompt_is_there(width: int, height: int) -> None:
    snapshot = busy(
        reason="a reason " * 9, command="sudo " + "x" * 50, door={"open": True, "until_s": 60},
        transfers=[transfer("somebody/" + "long name " * 30), transfer("漢" * 70)] * 9,
        uploads=[upload()] * 9, troubles=[trouble("y" * 70)] * 9, trouble_count=9,
        deliveries=[delivery("z" * 63)] * 9,
    )  # fmt: skip
    picture = lines(snapshot, motion=COMING, typed="t" * 300, width=width, height=height)
    assert all(columns(line) <= width for line in picture)
    assert len(picture) < height
    assert picture[-1].startswith("> t")


def test_of_many_rows_those_that_fit_are_drawn_and_the_others_counted() -> None:
    many = [transfer(f"a/{number}") for number in range(BARS + 5)]
    picture = lines(busy(transfers=many), motion=COMING)
    assert sum("↓" in line for line in picture) == BARS
    assert picture[-2] == "  … and 5 more"
    assert picture[-1].startswith("  Σ")
    low = lines(busy(transfers=many, uploads=[upload()]), motion=COMING, width=40, height=15)
    assert sum("↓" in line for line in low) == 4
    assert "  … and 10 more" in low


def test_without_files_it_says_so() -> None:
    assert lines(state(files=0, bytes=0))[1] == "in sync · no files yet"


def screen_on(
    output: io.StringIO, now: list[float], *, prompt: bool = True, width: int = 100
) -> LiveScreen:
    console = Console(
        file=output, force_terminal=True, width=width, height=24, color_system=None, markup=False
    )
    return LiveScreen(console, words=WORDS, prompt=prompt, clock=lambda: now[0])


def test_a_screen_draws_and_lets_lines_scroll_above() -> None:
    output = io.StringIO()
    screen = screen_on(output, [0.0])
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
    assert repr(screen) == "LiveScreen(in_sync, 0 of 0 bytes)"


def test_while_the_terminal_is_another_programs_nothing_is_drawn_over_it() -> None:
    output, hidden = io.StringIO(), [False]
    console = Console(file=output, force_terminal=True, width=60, height=24, color_system=None)
    screen = LiveScreen(console, words=WORDS, hidden=lambda: hidden[0])
    screen.open()
    screen.state(state())
    screen.draw()
    hidden[0] = True
    screen.draw()
    assert output.getvalue().rindex("\x1b[?25h") > output.getvalue().rindex("\x1b[?25l")
    before = len(output.getvalue())
    screen.draw()
    assert len(output.getvalue()) == before
    screen.lines(["laptop is here"])
    assert "in sync" not in output.getvalue()[before:]
    assert "laptop is here" in output.getvalue()[before:]
    hidden[0] = False
    screen.draw()
    assert "in sync" in output.getvalue()[before:]
    screen.close()


def test_a_picture_for_cameras_is_light_on_dark_whatever_colours_the_terminal_has() -> None:
    """On a light terminal the QR code at the prompt was the wrong way round."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=60, color_system="standard")
    screen = LiveScreen(console, words=WORDS)
    screen.lines([LightOnDark("█▀ ▄")])
    assert "\x1b[97;40m█▀ ▄\x1b[0m" in output.getvalue()


def test_no_command_is_broken_in_what_scrolls_above() -> None:
    output = io.StringIO()
    screen = screen_on(output, [0.0], width=20)
    screen.open()
    screen.lines([Advice("  try: ", "potluck --home /a/b/c status"), "one two three four five six"])
    screen.close()
    drawn = [line.removeprefix("\x1b[2K") for line in output.getvalue().splitlines()]
    assert "potluck --home /a/b/c status" in drawn
    assert "one two three four" in drawn


def test_in_the_picture_a_command_begins_a_line() -> None:
    told = lines(busy(state="trouble", reason="x", command="chmod u+rx /a/b/c/d"), width=24)
    assert "  chmod u+rx /a/b/c/d" in told


def test_a_command_that_is_too_wide_for_the_picture_is_not_broken() -> None:
    told = lines(busy(state="trouble", reason="x", command="chmod u+rx /a/b/c/d/e/f"), width=20)
    assert not any("chmod" in line for line in told)
    assert "next: type status:" in told


def test_a_stall_shows_although_no_snapshot_comes() -> None:
    output, now = io.StringIO(), [0.0]
    screen = screen_on(output, now)
    screen.open()
    for came in (0, 1_000_000):
        moved = rates(received_bytes=came)
        screen.state(busy(need_bytes=10_000_000 - came, rates=moved))
        now[0] += 1.0
    screen.draw()
    assert "500 KB/s" in output.getvalue()
    for _ in range(12):
        now[0] += RENEW_S
        screen.draw()
    before = len(output.getvalue())
    screen.draw()
    screen.close()
    assert "B/s" not in output.getvalue()[before:]


def test_without_a_prompt_nothing_is_typed() -> None:
    output = io.StringIO()
    screen = screen_on(output, [0.0], prompt=False)
    screen.open()
    screen.typed("x")
    screen.draw()
    screen.close()
    assert ">" not in output.getvalue()


class Folding:
    """A terminal that folds its lines when it becomes narrower, as most do: what stands on it."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows, self.row = [""], 0

    def narrow(self, width: int) -> None:
        assert self.row == len(self.rows) - 1
        self.rows = [row[at : at + width] for row in self.rows
                     for at in range(0, max(1, len(row)), width)]  # fmt: skip
        self.width, self.row = width, len(self.rows) - 1

    def write(self, text: str) -> int:
        for code in re.findall(r"\x1b\[\??\d*[A-Za-z]|\n|\r|[^\x1b\n\r]+", text):
            if code == "\n":
                self.row += 1
                self.rows += [""] * (self.row + 1 - len(self.rows))
            elif code.endswith("A") and code.startswith("\x1b"):
                self.row -= int(code[2:-1])
                assert self.row >= 0
            elif code.endswith("B") and code.startswith("\x1b"):
                self.row += int(code[2:-1])
                assert self.row < len(self.rows)
            elif code == "\x1b[2K":
                self.rows[self.row] = ""
            elif not code.startswith("\x1b") and code != "\r":
                self.rows[self.row] += code
        while len(self.rows) > self.row + 1 and not self.rows[-1]:
            self.rows.pop()
        return len(text)

    def flush(self) -> None:
        """Everything stands there already."""


@pytest.mark.parametrize("told", [[], ["nas joined"]])
def test_a_narrower_terminal_keeps_nothing_of_the_old_picture(told: list[str]) -> None:
    terminal = Folding(80)
    console = Console(file=cast("IO[str]", terminal), force_terminal=True, width=80, height=24,
                      color_system=None, markup=False)  # fmt: skip
    screen = LiveScreen(console, words=WORDS)
    screen.open()
    screen.state(busy(transfers=[transfer()]))
    screen.lines(["laptop joined"])
    screen.draw()
    for width in (40, 30, 29):
        terminal.narrow(width)
        console.width = width
        screen.lines(told)
        screen.draw()
        drawn = lines(busy(transfers=[transfer()]), typed="", width=width)
        shown = [row.rstrip() for row in terminal.rows]
        assert shown[-len(drawn) :] == [row.rstrip() for row in drawn]
        assert set(shown[: -len(drawn)]) <= {"laptop joined", *told}
    terminal.narrow(20)
    console.width = 20
    screen.close()
    assert {row.rstrip() for row in terminal.rows} <= {"laptop joined", *told, ""}


# -- somebody asks to join -------------------------------------------------------------------------
def test_a_request_stands_on_top_and_nothing_says_it_twice() -> None:
    picture = lines(asked(request()), typed="")
    assert picture[1] == "bert (10.88.0.2) asks to join “Home”"
    assert picture[-3:] == [
        "potluck 0.1.0 · kitchen-pc · 7F3A-91C2 · Home · node 0 of 2",
        "14 files · 1.6 GB",
        "> ▏exit · help · status · ring",
    ]
    assert "compare the words" not in "\n".join(picture)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("height", [8, 12, 24])
def test_a_request_fits_and_leaves_the_prompt(width: int, height: int) -> None:
    several = asked(
        request(), request("nas", id="2", left_s=118.0), files=3, transfers=[transfer()]
    )
    picture = lines(several, typed="x", width=width, height=height)
    assert len(picture) < height
    assert all(columns(line) <= width for line in picture)
    assert picture[-1] == "> x▏"
    assert all(word in "\n".join(picture) for word in ("AMBER", "TIGER", "VIOLIN"))


def test_only_a_request_whose_words_stand_there_can_be_answered() -> None:
    hidden = [False]
    console = Console(file=io.StringIO(), force_terminal=True, width=60, height=24,
                      color_system=None)  # fmt: skip
    screen = LiveScreen(console, words=WORDS, hidden=lambda: hidden[0])
    screen.open()
    screen.step()
    screen.draw()
    assert screen.asking == ""
    screen.state(asked(request()))
    assert screen.asking == "", "it is not drawn yet"
    screen.draw()
    assert screen.asking == "5eed0001"
    screen.state(asked(request(), request("nas", id="2", words=["lemon", "crystal", "otter"])))
    screen.step()
    screen.draw()
    assert (screen.asking, screen.listed) == ("2", {"5eed0001": "bert", "2": "nas"})
    screen.step()
    hidden[0] = True
    screen.draw()
    assert (screen.asking, screen.listed) == ("", {})
    hidden[0] = False
    console.height = 3
    screen.draw()
    assert screen.asking == "", "there is no room for the words"
    console.height = 24
    screen.state(state())
    screen.draw()
    assert screen.asking == ""
    screen.close()


def test_a_shut_door_is_told() -> None:
    shut = state(door={"open": False, "until_s": None, "shut": True})
    assert "the door here is shut: nobody can ask this device until somebody types open" in lines(
        shut
    )
