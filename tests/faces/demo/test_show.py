"""The bars: what counts as there, when a row is complete, and what a log shows."""

from __future__ import annotations

import io

import pytest  # noqa: TC002 - its fixtures are read at run time

from potluck.faces.demo import show
from potluck.faces.demo.files import Item
from potluck.faces.demo.show import DeviceReport, ItemRow
from tests.faces.fakes import entry, state, transfer

ITEM = Item("a film", "a", {"a/film": 100, "a/title": 0})


def holding(label: str, *here: str, done: int | None = None) -> DeviceReport:
    return DeviceReport(
        label, frozenset(here), {} if done is None else {"a/film": (done, 5.0, ("b",))}
    )


def row(*others: DeviceReport) -> ItemRow:
    return show.rows([ITEM], [holding("a", *ITEM.files), *others])[0]


def test_rows_add_up_what_the_receivers_hold() -> None:
    nothing = row(holding("b"), holding("c"))
    assert (nothing.done, nothing.total, nothing.whole, nothing.devices, nothing.complete) == (
        0,
        200,
        1,
        3,
        False,
    )
    partly = row(holding("b", done=40), holding("c", "a/film"))
    assert (partly.done, partly.whole, partly.speed, partly.sources) == (140, 1, 5.0, ("b",))
    assert row(holding("b", *ITEM.files), holding("c", *ITEM.files)).complete


def test_what_is_under_way_never_counts_for_more_than_the_file() -> None:
    assert row(holding("b", done=999)).done == 100


def test_a_holding_is_made_of_what_the_api_says() -> None:
    files = [entry("a/x"), entry("a/y", here=False), entry("a/folder", kind="folder")]
    made = show.holding("b", files, state(transfers=[transfer("a/y", done=7)]))
    assert made.here == {"a/x"}
    assert made.under_way == {"a/y": (7, 112_000_000.0, ("kitchen-pc",))}


def test_a_line_is_full_only_when_everybody_has_every_file() -> None:
    line = show.row_line(row(holding("b", "a/film")), 10)
    assert "█" * show.BAR_COLUMNS not in line
    assert "on 1 of 2   from a" in line
    whole = show.row_line(row(holding("b", *ITEM.files)), 10)
    assert whole.startswith("  ✓ a film      █")
    assert "░" not in whole
    assert "5 B/s via b" in show.row_line(row(holding("b", done=1)), 10)


def test_a_log_gets_a_line_per_quarter_and_one_at_the_end() -> None:
    written: list[str] = []
    bars = show.PlainBars(written.append)
    for done in (0, 10, 30, 40, 60, 80, 90):
        bars.show([row(holding("b", done=done))])
    bars.show([row(holding("b", *ITEM.files))])
    bars.show([row(holding("b", *ITEM.files))])
    bars.close()
    assert [line.split()[0] for line in written] == ["↓", "↓", "↓", "✓"]


def test_an_item_that_is_complete_at_once_is_still_shown() -> None:
    written: list[str] = []
    show.PlainBars(written.append).show([row(holding("b", *ITEM.files))])
    assert len(written) == 1


def test_a_terminal_gets_all_rows_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdout", terminal)
    bars = show.bars(quiet=False)
    bars.show([row(holding("b"))])
    bars.show([row(holding("b", *ITEM.files))])
    bars.close()
    assert "✓ a film" in terminal.getvalue()


def test_quiet_bars_write_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show.bars(quiet=True).show([row(holding("b", *ITEM.files))])
    assert capsys.readouterr().out == ""
    show.bars(quiet=False).show([row(holding("b", *ITEM.files))])
    assert "a film" in capsys.readouterr().out
