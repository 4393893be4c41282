"""`remove`, `leave` and `admin`: nothing is done without a yes."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import click
import pytest

from potluck.core.errors import NotFound
from potluck.engine.person_acts import (
    AdoptAsked,
    AppointAsked,
    ForgetAsked,
    GroupAct,
    LeaveForGoodAsked,
    RemoveAsked,
)
from potluck.faces.cli import removing
from potluck.faces.cli.client import Client
from potluck.faces.cli.leaving import PromptLeaving, UpLeaving
from potluck.faces.cli.watch import WatchLeaving
from potluck.faces.prompt import run_line
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource, device


def acts(source: FakeSource) -> list[object]:
    return [each for each in source.asked if isinstance(each, GroupAct)]


def test_with_yes_it_is_done_at_once(source: FakeSource, potluck: Call) -> None:
    assert potluck("remove", "bert", "--all", "--yes")[0] == 0
    assert potluck("leave", "--yes", "--json")[0] == 0
    assert potluck("admin", "add", "bert")[0] == 0
    assert potluck("remove", "cleo", "--forget", "--yes")[0] == 0
    assert potluck("forget", "bert", "--yes")[0] == 0
    code, said, _ = potluck("adopt", "bert", "--json")
    assert (code, set(json.loads(said)["data"])) == (0, {"text"})
    assert acts(source)[3:] == [
        RemoveAsked(0, "cleo", forget=True),
        ForgetAsked(0, "bert"),
        AdoptAsked(0, "bert"),
    ]
    assert acts(source)[:3] == [
        RemoveAsked(0, "bert", everybody=True),
        LeaveForGoodAsked(0),
        AppointAsked(0, "bert"),
    ]


def test_where_nobody_can_be_asked_nothing_is_done(source: FakeSource, potluck: Call) -> None:
    source.acted = "bert is cut off.\nIts files stay."
    code, _, error = potluck("remove", "bert", "--all")
    assert code == 5
    first, second, third, why, step = error.splitlines()
    assert (first, second) == ("potluck: bert is cut off.", "Its files stay.")
    assert (third, why) == ("Nothing was done.", "  why:  nobody can be asked here")
    assert step.endswith(" remove bert --all --yes")
    assert acts(source) == [RemoveAsked(0, "bert", everybody=True, preview=True)]


@pytest.mark.parametrize("act", ["remove", "forget"])
def test_a_device_without_a_name_is_none(source: FakeSource, potluck: Call, act: str) -> None:
    code, _, error = potluck(act, "", "--yes")
    assert (code, error.splitlines()[0]) == (2, "potluck: No device is named.")
    assert error.splitlines()[-1].endswith(f" {act} NAME")
    assert acts(source) == []


def test_who_is_out_already_was_not_mistyped(source: FakeSource, potluck: Call) -> None:
    former = {"id": "ABCD-EFGH", "label": "the nas", "why": "removed", "by": "alder"}
    source.current = source.current | {"former": [former]}
    source.refusal = NotFound("There is no device called x.", "the name was mistyped", "peers")
    for name in ("the nas", "ABCD-EFGH"):
        code, _, error = potluck("remove", name, "--yes")
        first, why, *steps = error.splitlines()
        assert (code, first) == (7, "potluck: the nas is in the group no more.")
        assert why == "  why:  removed by alder"
        assert "peers" in steps[0]
        assert steps[-1].endswith(" forget 'the nas'")
    for words in (("remove", "nobody"), ("forget", "the nas")):
        code, _, error = potluck(*words, "--yes")
        assert (code, "mistyped" in error) == (7, True)


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_the_person_is_asked(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    monkeypatch.setattr(removing, "is_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda _question, default: answer and not default)
    assert potluck("leave")[0] == 0
    assert (LeaveForGoodAsked(0) in acts(source)) is answer


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("remove LAPTOP", "Remove laptop (0B5K-TTQ1)?"),
        ("remove 0b5kttq", "Remove laptop (0B5K-TTQ1)?"),
        ("remove nobody", "Remove that device?"),
        ("remove twins", "Remove that device?"),
        ("forget Bert{}", "Forget the folder of bert{} (ABCD-EFGH)?"),
        ("forget laptop", "Forget the folder of that device?"),
        ("leave", "Leave for good?"),
    ],
)
def test_the_question_says_who_is_meant_and_not_what_was_typed(
    source: FakeSource,
    potluck: Call,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    question: str,
) -> None:
    asked = list[str]()
    monkeypatch.setattr(removing, "is_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda said, default: asked.append(said))
    former = {"id": "ABCD-EFGH", "label": "bert{}", "why": "removed", "by": "alder"}
    twins = [device("twins", id="TWIN-0001"), device("Twins", id="TWIN-0002")]
    members = [*source.current["devices"], *twins]
    source.current = source.current | {"former": [former], "devices": members}
    assert potluck(*line.split())[0] == 0
    assert asked == [question]


def test_at_the_prompt_it_is_said_how(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "at_prompt", lambda: True)
    code, said, _ = potluck("remove", "bert")
    assert (code, "--yes" in said) == (0, True)
    assert acts(source) == [RemoveAsked(0, "bert", preview=True)]


def test_what_only_who_goes_is_known_to_have_is_said(source: FakeSource, potluck: Call) -> None:
    nas = device("nas", id="NASN-0001", only_files=4, only_bytes=12_000_000)
    source.current = source.current | {
        "devices": [*source.current["devices"], nas],
        "undelivered_files": 1,
        "undelivered_bytes": 5,
    }
    source.acted = "Gone."
    what = "4 files (12.0 MB) that no other device is known to have"
    line = f"nas may have up to {what}: nobody gets any of that then."
    assert potluck("remove", "NAS", "--yes")[1].splitlines() == [line, "Gone."]
    assert line in potluck("remove", "nasn")[2]
    assert json.loads(potluck("remove", "nas", "--yes", "--json")[1])["data"] == {"text": "Gone."}
    for other in ("laptop", "nobody"):
        assert potluck("remove", other, "--yes")[1] == "Gone.\n"
    assert potluck("forget", "nas", "--yes")[1] == "Gone.\n"
    mine = "up to 1 file (5 B) of this device may be on no other one"
    assert potluck("leave", "--yes")[1].splitlines() == [
        f"{mine}: nobody gets any of that then.",
        "Gone.",
    ]


@pytest.mark.parametrize("watching", [False, True])
def test_leave_at_a_prompt_says_what_follows_and_is_done_with_yes(
    source: FakeSource, tmp_path: Path, watching: bool
) -> None:
    client, source.acted = Client(str(tmp_path)), "This device leaves “Home” for good."
    ways_out: PromptLeaving = UpLeaving(client, asks=True)
    if watching:
        ways_out = WatchLeaving(client, threading.Event(), asks=True)
    assert [ways_out.answer(line) for line in ("leave", "leave --yes")] == [None, None]
    assert run_line("leave", client, watching=watching) == [
        "This device leaves “Home” for good.",
        "To do it type: leave --yes",
    ]
    assert acts(source) == [LeaveForGoodAsked(0, preview=True)]
    run_line("leave --yes", client, watching=watching)
    assert acts(source)[1:] == [LeaveForGoodAsked(0)]
    line = run_line("remove 'the nas' --all --forget", client, watching=watching)[-1]
    assert line == "To do it type: remove 'the nas' --all --forget --yes"


def test_admin_does_one_thing(potluck: Call) -> None:
    assert potluck("admin", "drop", "bert")[0] == 2


def test_what_cannot_be_typed_is_meant_by_its_id(source: FakeSource, potluck: Call) -> None:
    hostile = dict(source.current["devices"][0], label="--all", id="ABCD-EFGH-IJKL-MNOP")
    former = {"id": "QRST-UVWX", "label": "-x", "why": "removed", "by": "alder"}
    source.current |= {"devices": [hostile], "former": [former]}
    assert potluck("remove", "--", "--all")[2].endswith(" remove ABCD-EFGH --yes\n")
    source.refusal = NotFound("There is no device called x.", "the name was mistyped", "peers")
    assert potluck("remove", "--yes", "--", "-x")[2].endswith(" forget QRST-UVWX\n")


@pytest.mark.parametrize("words", [("remove", "bert"), ("forget", "bert"), ("leave",)])
def test_a_script_is_asked_nothing_also_at_a_terminal(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(removing, "is_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda _question, default: not default)
    for line in ([*words, "--json"], ["--json", *words]):
        code, said, _ = potluck(*line)
        error = json.loads(said)["error"]
        assert (code, error["message"]) == (2, "With --json nobody can be asked.")
        assert error["fix"].endswith(f"{' '.join(words)} --yes")
    assert acts(source) == []


def test_a_letter_of_another_encoding_is_no_yes(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirm(_question: str, default: bool) -> bool:
        raise UnicodeDecodeError("utf-8", b"\xe9", 0, 1, f"odd, {default}")

    monkeypatch.setattr(removing, "is_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", confirm)
    code, said, _ = potluck("remove", "bert")
    assert (code, said.splitlines()[-1]) == (0, "Nothing was done.")
    assert acts(source) == [RemoveAsked(0, "bert", preview=True)]


@pytest.mark.parametrize("act", ["remove", "forget", "adopt"])
def test_a_name_that_is_no_text_is_said_to_be_none(
    source: FakeSource, potluck: Call, act: str
) -> None:
    code, _, error = potluck(act, "b\udcff")
    assert (code, error.splitlines()[0]) == (2, "potluck: What was typed is not text.")
    assert acts(source) == []
