"""Leaving: who still lacks what, the one question, and `down` against a served potluck."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.faces.cli.client import Client
from potluck.faces.cli.leaving import (
    LEAVE_WORDS,
    NAMED_DEVICES,
    UNSAFE,
    Parting,
    UpLeaving,
    parting,
)
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource, alone, delivery, device, running, state, trouble

GB = 10**9


def group(*others: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return state(devices=[state()["devices"][0], *others], **changes)


def lacking(label: str = "kitchen-pc", **changes: Any) -> dict[str, Any]:
    return delivery(label, id=label, need_files=2, need_bytes=GB, **changes)


# -- what is said ----------------------------------------------------------------------------------
def test_nothing_is_said_when_everybody_has_everything() -> None:
    for quiet in ({}, state(), alone(), state(files=0, deliveries=[lacking()])):
        assert parting(quiet) == Parting()


def test_the_only_other_device_lacks_what_only_this_one_has() -> None:
    said = parting(group(device("kitchen-pc", id="kitchen-pc"), deliveries=[lacking()]))
    assert said == Parting(
        ("kitchen-pc still lacks 2 files (1.0 GB) that only this device has",), asks=True
    )
    folders = lacking() | {"need_files": 0, "need_folders": 2, "need_bytes": 0}
    (line,) = parting(group(device(id="kitchen-pc"), deliveries=[folders])).lines
    assert line == "kitchen-pc still lacks 2 folders that only this device has"
    short = lacking() | {"no_room_files": 1, "no_room_bytes": GB}
    (line,) = parting(group(device(id="kitchen-pc"), deliveries=[short])).lines
    assert line == (
        "kitchen-pc still lacks 2 files (1.0 GB) that only this device has; "
        "no room there for 1 file (1.0 GB)"
    )


def test_with_more_devices_it_is_not_known_that_only_this_one_has_it() -> None:
    both = [device("a", id="a"), device("b", id="b")]
    said = parting(group(*both, deliveries=[lacking("a"), lacking("b", known=False)]))
    assert said == Parting(
        (
            "a still lacks 2 files (1.0 GB)",
            "b has not said yet what it has",
            "nobody else who is here is known to have everything",
        ),
        asks=True,
    )


def test_with_an_index_that_is_not_safe_nobody_is_said_to_have_everything() -> None:
    both = [device("a", id="a"), device("nas", id="nas")]
    failing = [trouble(kind="index", subject="saving the index")]
    said = parting(group(*both, deliveries=[lacking("a")], troubles=failing))
    assert said == Parting((UNSAFE, "a still lacks 2 files (1.0 GB)"), asks=True)
    said = parting(group(*both, files=0, troubles=failing))
    assert said == Parting((UNSAFE,), asks=True)
    assert parting(group(*both, troubles=failing)) == Parting((UNSAFE,), asks=True)
    assert parting(group(troubles=failing)) == Parting(), "there is nobody to share with"
    assert parting(group(*both, troubles=[trouble(kind="disk")])) == Parting()


def test_who_has_everything_makes_the_question_needless() -> None:
    both = [device("a", id="a"), device("nas", id="nas")]
    said = parting(group(*both, deliveries=[lacking("a")]))
    assert said == Parting(
        ("a still lacks 2 files (1.0 GB)", "nas has everything, so they can get it there")
    )


def test_who_is_away_is_only_mentioned() -> None:
    gone = device("desk", id="desk", online=False, known=False)
    said = parting(group(gone, deliveries=[lacking("desk", online=False)]))
    assert said == Parting(("desk is away: it is not known what it has",))


def test_a_device_that_still_reads_its_own_files_is_not_done() -> None:
    reading = {"state": "busy", "reason": "reading my files"}
    assert parting(group(device(), **reading)) == Parting(
        ("this device is not done yet: reading my files",), asks=True
    )
    assert parting(group(device(), need_files=1, **reading)) == Parting()
    assert parting(alone(files=1, **reading)) == Parting()


def test_what_is_not_shared_is_named_and_is_no_question() -> None:
    kinds = {"unreadable": "permission denied", "written": "still being written", "link": "away"}
    own = [
        {"kind": kind, "subject": f"laptop/{kind}", "reason": why} for kind, why in kinds.items()
    ]
    line = (
        "Not shared as it is now, so not delivered: laptop/unreadable (permission denied) "
        "and laptop/written (still being written)."
    )
    assert parting(group(device(), troubles=own)) == Parting((line,))
    assert parting(group(device(), troubles=own, files=0)) == Parting((line,)), (
        "there may be no other"
    )
    assert parting(alone(troubles=own)) == Parting(), "there is nobody to share it with"
    both = parting(group(device("a", id="a"), deliveries=[lacking("a")], troubles=own))
    assert (both.lines[-1], len(both.lines), both.asks) == (line, 2, True)


def test_what_no_other_device_is_known_to_have_is_worth_a_question_whoever_is_here() -> None:
    gone = device("desk", id="desk", online=False, known=False)
    only = {"undelivered_files": 3, "undelivered_bytes": 12_000_000}
    said = parting(group(gone, deliveries=[lacking("desk", online=False)], **only))
    first = "up to 3 files (12.0 MB) of this device may be on no other one"
    assert said == Parting((first, "desk is away: it is not known what it has"), asks=True)
    one = parting(group(gone, undelivered_files=1, undelivered_bytes=0))
    assert one.lines == ("up to 1 file of this device may be on no other one",)
    said = parting(group(device("a", id="a"), deliveries=[lacking("a")], **only))
    assert len(said.lines) == 1, "who lacks it says so already"
    before = group(gone)
    del before["undelivered_files"]
    assert parting(before) == Parting(), "an earlier version of potluck"


def test_many_devices_are_counted() -> None:
    many = [lacking(f"d{number}") for number in range(NAMED_DEVICES + 2)]
    here = [device(one["label"], id=one["id"]) for one in many]
    said = parting(group(*here, deliveries=many))
    assert len(said.lines) == NAMED_DEVICES + 2
    assert said.lines[-2] == "2 more devices not known to have everything"


# -- at the prompt ---------------------------------------------------------------------------------
@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        yield served


@pytest.fixture
def behind(source: FakeSource) -> FakeSource:
    source.current = group(device("kitchen-pc", id="kitchen-pc"), deliveries=[lacking()])
    return source


def at(tmp_path: Path, *, asks: bool = True) -> UpLeaving:
    return UpLeaving(Client(str(tmp_path)), asks=asks)


@pytest.mark.parametrize("word", sorted(LEAVE_WORDS))
def test_every_word_for_it_leaves(source: FakeSource, tmp_path: Path, word: str) -> None:
    assert at(tmp_path).answer(f" {word.upper()} ") == ["Leaving…"]
    assert source.asked == ["leave"]


def test_other_lines_are_not_its_business(source: FakeSource, tmp_path: Path) -> None:
    assert [at(tmp_path).answer(line) for line in ("", "status", "exits", "exit -h")] == [None] * 4
    for_good = ("leave", "LEAVE", "leave --yes", "leave -y")
    assert [at(tmp_path).answer(line) for line in for_good] == [None] * 4, "more than exit"
    assert source.asked == []


def test_the_prompt_asks_once_and_a_second_exit_leaves(behind: FakeSource, tmp_path: Path) -> None:
    prompt = at(tmp_path)
    first = prompt.answer("exit")
    assert first == [
        "kitchen-pc still lacks 2 files (1.0 GB) that only this device has",
        "Leave anyway? Type exit once more to leave.",
    ]
    assert behind.asked == []
    assert prompt.answer("exit") == [first[0], "Leaving…"]
    assert behind.asked == ["leave"]


def test_a_no_stays_and_is_asked_again_and_a_yes_says_what_to_type(
    behind: FakeSource, tmp_path: Path
) -> None:
    prompt = at(tmp_path)
    assert prompt.decided(yes=False) == prompt.decided(yes=True) == [], "nothing was asked"
    for ask, again in (
        (lambda: prompt.answer("exit"), "Type exit once more to leave."),
        (prompt.interrupted, "Press Ctrl-C once more to leave."),
    ):
        assert (ask() or [])[-1] == f"Leave anyway? {again}"
        assert prompt.decided(yes=True) == [again]
        assert prompt.decided(yes=False) == ["potluck goes on."]
        assert prompt.decided(yes=False) == []
    assert behind.asked == []


def test_ctrl_c_asks_what_exit_asks_and_once(behind: FakeSource, tmp_path: Path) -> None:
    prompt = at(tmp_path)
    assert prompt.interrupted() == [
        "kitchen-pc still lacks 2 files (1.0 GB) that only this device has",
        "Leave anyway? Press Ctrl-C once more to leave.",
    ]
    assert prompt.interrupted() == []
    assert behind.asked == []
    answer = prompt.answer("exit")
    assert (answer or [])[-1] == "Leaving…", "it was asked already"
    assert at(tmp_path, asks=False).interrupted() == []


def test_ctrl_c_asks_nothing_where_nothing_lacks(source: FakeSource, tmp_path: Path) -> None:
    assert at(tmp_path).interrupted() == []
    assert source.asked == []


def test_who_is_sure_or_a_pipe_is_told_and_not_asked(behind: FakeSource, tmp_path: Path) -> None:
    for prompt, line in ((at(tmp_path), "exit --yes"), (at(tmp_path, asks=False), "exit")):
        said = prompt.answer(line)
        assert said is not None
        assert [len(said), said[-1]] == [2, "Leaving…"]


def test_a_potluck_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    said = at(tmp_path).answer("exit")
    assert said is not None
    assert said[0] == "No potluck is running here."


# -- the command -----------------------------------------------------------------------------------
@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], list[str]]:
    """Sit at a terminal and answer so; None: the input ends."""
    asked: list[str] = []

    def sits(answer: str | None) -> list[str]:
        def answered(question: str) -> str:
            asked.append(question)
            if answer is None:
                raise EOFError
            return answer

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", answered)
        return asked

    return sits


@pytest.mark.parametrize("word", ["down", "exit"])
def test_leaving_waits_for_the_process_to_let_go(
    source: FakeSource, potluck: Call, word: str
) -> None:
    assert potluck(word)[:2] == (0, "potluck has left and ended.\n")
    assert source.asked == ["leave"]


def test_leaving_as_json(behind: FakeSource, potluck: Call) -> None:
    said = json.loads(potluck("down", "--json")[1])["data"]["said"]
    assert said == ["kitchen-pc still lacks 2 files (1.0 GB) that only this device has"]
    assert behind.asked == ["leave"]


def test_a_process_that_does_not_let_go(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.on_leave = lambda: None
    monkeypatch.setattr("potluck.faces.cli.leaving.DOWN_S", 0.2)
    code, _, said = potluck("down")
    assert code == 6
    assert "has not ended" in said
    assert "kill" in said


def test_nothing_to_leave(potluck: Call) -> None:
    assert potluck("down")[0] == 3


@pytest.mark.parametrize(("answer", "code"), [("y", 0), (" YES ", 0), ("", 5), ("n", 5), (None, 5)])
def test_at_a_terminal_one_is_asked(
    behind: FakeSource,
    potluck: Call,
    terminal: Callable[[str | None], list[str]],
    answer: str | None,
    code: int,
) -> None:
    asked = terminal(answer)
    got, out, err = potluck("down")
    assert (got, asked) == (code, ["Leave anyway? [y/N] "])
    assert out.startswith("kitchen-pc still lacks 2 files (1.0 GB)")
    assert ("potluck goes on." in err) == bool(code)
    assert behind.asked == ([] if code else ["leave"])


def test_yes_is_not_asked(
    behind: FakeSource, potluck: Call, terminal: Callable[[str | None], list[str]]
) -> None:
    asked = terminal("n")
    assert potluck("down", "--yes")[0] == 0
    assert (asked, behind.asked) == ([], ["leave"])


def test_a_script_is_told_and_not_asked(behind: FakeSource, potluck: Call) -> None:
    assert "still lacks" in potluck("down")[1]
    assert behind.asked == ["leave"]


def test_without_a_standard_input_nobody_is_asked(
    behind: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert potluck("down")[0] == 0
    assert behind.asked == ["leave"]


def test_a_letter_of_another_encoding_is_no_yes_to_leaving(
    behind: FakeSource, potluck: Call, terminal: Callable[[str | None], list[str]], monkeypatch
) -> None:
    def typed(_question: str) -> str:
        raise UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "odd")

    terminal("y")
    monkeypatch.setattr("builtins.input", typed)
    assert potluck("down")[0] == 5
    assert behind.asked == []
