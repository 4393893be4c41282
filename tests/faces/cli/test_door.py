"""`open` and `close`: what is asked, and the warning that belongs to it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potluck.faces.cli.door import door_banner
from potluck.faces.cli.main import run_command
from tests.faces.fakes import FakeSource, alone, running, state

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        yield served


@pytest.fixture
def potluck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*words: str) -> tuple[int, str]:
        code = run_command(["--home", str(tmp_path), *words])
        return code, capsys.readouterr().out

    return call


@pytest.mark.parametrize(
    ("words", "open_s", "long"),
    [
        ([], 3600.0, "for 60 min"),
        (["10"], 600.0, "for 10 min"),
        (["0.5"], 30.0, "for 30 s"),
        (["always"], math.inf, "until it is closed"),
    ],
)
def test_open_says_what_it_means(
    source: FakeSource, potluck: Call, words: list[str], open_s: float, long: str
) -> None:
    code, printed = potluck("open", *words)
    assert code == 0
    first, second = printed.splitlines()
    assert first.startswith(f"OPEN {long}: anyone on this network may join and gets every file; ")
    assert second == "Do this only on a network you trust."
    assert source.asked == [("door", open_s)]


def test_the_warning_is_that_of_up() -> None:
    assert door_banner(600.0)[0].startswith("OPEN for 10 min: anyone on this network may join")
    assert door_banner("always")[0].startswith("OPEN until it is closed: anyone")
    joins = "; this device joins any open group unless it is in a group with others."
    assert door_banner(600.0)[0].endswith(joins), "peers says that such a one joins none by itself"


def test_close_says_whether_it_was_open(source: FakeSource, potluck: Call) -> None:
    assert potluck("close") == (0, "The door was closed already.\n")
    source.current = state(door={"open": True, "until_s": 60.0})
    code, printed = potluck("close")
    assert (code, printed) == (
        0, "The door is closed: nobody is admitted without asking any more.\n",
    )  # fmt: skip
    assert source.asked == [("door", None)] * 2


def test_close_at_a_closed_door_shuts_it_and_says_so(source: FakeSource, potluck: Call) -> None:
    source.asks = True
    until = "  until: potluck open"
    shut = potluck("close")[1]
    others = "Who asks another device of the group is shown here all the same."
    assert shut == f"The door here is shut: nobody can ask this device.\n{until}\n{others}\n"
    assert json.loads(potluck("close", "--json")[1])["data"]["shut"]
    assert potluck("close")[1].startswith(f"The door was shut already.\n{until}")
    assert "shut: nobody can ask this device until: open" in potluck("status")[1]
    assert not json.loads(potluck("open", "--json")[1])["data"]["shut"]
    source.current = alone()
    assert others not in potluck("close")[1]


def test_an_old_snapshot_does_not_say_that_it_was_closed(source: FakeSource, potluck: Call) -> None:
    source.current = state(age_s=7.0)
    code, printed = potluck("close")
    assert (code, printed.startswith("The door is closed:")) == (0, True)
    assert source.freshness == [False], "the order comes first, whatever does not answer"


def test_a_door_that_is_not_as_it_was_wanted_is_an_error(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, is_open in ((["close"], True), (["open", "1"], False)):
        monkeypatch.setattr(source, "door", lambda _, o=is_open: {"open": o, "until_s": None})
        for more in ([], ["--json"]):
            code, printed = potluck(*words, *more)
            assert code == 5
            assert "admitted" not in printed
            assert "OPEN" not in printed


def test_as_json(source: FakeSource, potluck: Call) -> None:
    assert json.loads(potluck("open", "1", "--json")[1])["data"] == {
        "open": True, "until_s": 60.0, "shut": False,
    }  # fmt: skip
    assert json.loads(potluck("--json", "close")[1])["data"] == {
        "open": False, "until_s": None, "shut": False,
    }  # fmt: skip


def test_not_running(potluck: Call) -> None:
    assert [potluck("open")[0], potluck("close")[0]] == [3, 3]
