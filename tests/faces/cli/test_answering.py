"""`pending`, `approve` and `deny` against a served potluck: what is said, asked and refused."""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.errors import NotFound, Refused
from potluck.engine.person_acts import ApproveAsked, AskAsked, DenyAsked
from potluck.faces.cli import answering
from potluck.faces.cli.client import Client
from potluck.faces.cli.main import run_typed
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource, alone, asked, found, joining, request, running, state

YES, NO = ApproveAsked(0, "5eed0001"), DenyAsked(0, "5eed0001")
OTHER = request("nas", id="5eed0002", left_s=118.0, words=["lemon", "crystal", "otter"])


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        served.current = asked(request())
        served.acted = "You said yes; bert's side has not yet."
        yield served


@pytest.fixture
def at_the_prompt(tmp_path: Path) -> Callable[..., list[str]]:
    def type_words(*words: str, **seen: str) -> list[str]:
        return run_typed(
            [*words],
            Client(str(tmp_path)),
            seen={one.removeprefix("id_"): name for one, name in seen.items()},
        )

    return type_words


def typing(monkeypatch: pytest.MonkeyPatch, answer: str | None) -> None:
    def typed(_question: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr(builtins, "input", typed)


def test_pending_names_who_asks_and_what_answers(source: FakeSource, potluck: Call) -> None:
    source.current = asked(request(), OTHER)
    _, out, _ = potluck("pending")
    assert out.index("AMBER  TIGER  VIOLIN") < out.index("LEMON  CRYSTAL  OTTER")
    assert "approve bert" in out
    assert "deny nas" in out
    data = json.loads(potluck("pending", "--json")[1])["data"]
    assert data == [request(), OTHER]
    source.current = state()
    assert potluck("pending")[:2] == (0, "Nobody waits for an answer.\n")


@pytest.mark.parametrize("answer", ["y", "YES "])
def test_approve_shows_the_words_and_asks(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    typing(monkeypatch, answer)
    code, out, _ = potluck("approve")
    assert code == 0
    assert "Look at the screen of the machine that asks, bert:" in out
    assert "    AMBER  TIGER  VIOLIN\n" in out
    assert out.endswith("You said yes; bert's side has not yet.\n")
    assert source.asked == [YES]


@pytest.mark.parametrize("answer", ["", "maybe", None])
def test_whoever_says_nothing_answers_nothing(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch, answer: str | None
) -> None:
    typing(monkeypatch, answer)
    code, _, err = potluck("approve", "bert")
    assert code == 5
    assert "Nothing was answered." in err
    assert ("the input ended" in err and "--words" in err) is (answer is None)
    assert source.asked == []


def test_what_is_to_be_typed_where_nobody_can_be_asked_says_whom_it_replaces_too(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, None)
    _, _, err = potluck("approve", "bert", "--replace", "old bert")
    assert "approve bert --words 'W W W' --replace 'old bert'" in " ".join(err.split())
    assert source.asked == []


def test_who_says_that_they_differ_says_no(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, "n")
    source.acted = "bert was told no."
    code, out, err = potluck("approve")
    assert (code, source.asked, err) == (0, [NO], ""), "what was asked is done"
    assert out.endswith("\nbert was told no.\n")


@pytest.mark.parametrize(
    "words", ["amber tiger violin", "AMBER, Tiger-violin", "“Amber; (tiger) | VIOLIN!”"]
)
def test_scripts_give_the_words(source: FakeSource, potluck: Call, words: str) -> None:
    code, out, _ = potluck("approve", "BERT", "--words", words)
    assert (code, out) == (0, "You said yes; bert's side has not yet.\n")
    assert potluck("approve", "5eed0001", "--yes", "--json")[0] == 0
    assert potluck("approve", "5eed0001", "--yes", "--replace", "old bert")[0] == 0
    assert source.asked == [YES, YES, ApproveAsked(0, "5eed0001", "old bert")]


def test_whom_it_replaces_reaches_the_daemon_also_after_a_yes_and_if_it_is_nobody(
    source: FakeSource, potluck: Call
) -> None:
    source.current = asked(request(answer="given"))
    assert potluck("approve", "bert", "--replace", "old bert")[0] == 0
    assert potluck("approve", "bert@5eed0001", "--yes", "--replace", "")[0] == 0
    assert source.asked == [
        ApproveAsked(0, "5eed0001", "old bert"),
        ApproveAsked(0, "5eed0001", ""),
    ]


def test_whom_a_device_replaces_that_is_in_already_reaches_the_daemon_too(
    source: FakeSource, potluck: Call
) -> None:
    source.current = asked(request(answer="needed"))
    assert potluck("approve", "nora", "--replace", "old bert")[0] == 0
    assert source.asked == [ApproveAsked(0, "nora", "old bert")]


@pytest.mark.parametrize(
    "words", ["amber tiger viola", "tiger amber violin", "amber tiger", "", "a b c d"]
)
def test_other_words_are_refused_before_anything_is_said(
    source: FakeSource, potluck: Call, words: str
) -> None:
    code, _, err = potluck("approve", "bert", "--words", words)
    assert code == 5
    assert "The words of this request are others" in err
    assert "deny bert" in err
    assert source.asked == []


def test_nobody_waits(source: FakeSource, potluck: Call) -> None:
    source.current = state()
    for act in ("approve", "deny"):
        code, _, err = potluck(act)
        assert code == 7
        assert "Nobody waits for an answer." in err
    source.current = asked(request())
    code, _, err = potluck("deny", "nas")
    assert code == 7
    assert "these wait: bert" in err
    assert source.asked == []


def test_of_several_one_has_to_be_named(source: FakeSource, potluck: Call) -> None:
    source.current = asked(request(), OTHER)
    code, _, err = potluck("approve")
    assert code == 2
    assert "bert and nas" in err
    assert "approve nas" in err
    assert source.asked == []
    assert potluck("deny", "nas")[0] == 0
    assert source.asked == [DenyAsked(0, "5eed0002")]


def test_the_only_one_that_needs_an_answer_needs_no_name(source: FakeSource, potluck: Call) -> None:
    source.current = asked(request("den", id="3", answer="yes"), request())
    assert potluck("approve", "--words", "amber tiger violin")[0] == 0
    assert source.asked == [YES]


def test_a_yes_without_a_question_says_to_whom(source: FakeSource, potluck: Call) -> None:
    code, _, err = potluck("approve", "--yes")
    assert code == 2
    assert "--yes needs the id of the request that is meant." in err
    assert "pending --json" in err, "which names the ids"
    assert source.asked == []


def test_a_yes_without_words_says_which_request_it_is_for_and_not_only_whose(
    source: FakeSource, potluck: Call
) -> None:
    code, _, err = potluck("approve", "bert", "--yes")
    assert code == 2
    assert "--yes needs the id of the request, not only the name bert." in err
    assert "approve bert --words 'W W W', as the other screen shows them" in err
    assert not {"amber", "tiger", "violin"} & set(re.findall(r"\w+", err.casefold()))
    assert "approve bert@5eed0001 --yes" in err
    for other in ("bert@5eed0002", "nas@5eed0001"):
        code, _, err = potluck("approve", other, "--yes")
        assert (code, f"No request is called “{other}”." in err) == (7, True)
    assert source.asked == []
    for exact in ("bert@5eed0001", "BERT@5eed0001", "5eed0001"):
        assert potluck("approve", exact, "--yes")[0] == 0
    assert potluck("deny", "bert@5eed0001")[0] == 0
    assert source.asked == [YES, YES, YES, NO]


def test_a_name_counts_before_what_another_one_says_that_its_id_is(
    source: FakeSource, potluck: Call, at_the_prompt: Callable[..., list[str]]
) -> None:
    source.current = asked(request(), OTHER | {"id": "bert", "by": "eve"})
    assert potluck("approve", "bert", "--words", "amber tiger violin")[0] == 0
    assert at_the_prompt("approve", "bert", id_5eed0001="bert", id_bert="nas")
    assert source.asked == [YES, YES]


def test_where_only_other_sides_are_waited_for_none_is_guessed(
    source: FakeSource, potluck: Call
) -> None:
    source.current = asked(request(answer="yes"), OTHER | {"answer": "open"})
    code, _, err = potluck("deny")
    assert code == 7
    assert "No request waits for an answer from here." in err
    assert "the other side is waited for: bert and nas" in err
    assert potluck("deny", "bert")[0] == 0, "a yes can be taken back"
    assert source.asked == [NO]


def test_what_needs_no_answer_gets_none(source: FakeSource, potluck: Call) -> None:
    source.current = asked(request(answer="yes"))
    code, out, _ = potluck("approve", "bert")
    assert code == 0
    assert "waiting for the other side" in out
    assert source.asked == []


def test_too_late_is_refused_by_who_decides(source: FakeSource, potluck: Call) -> None:
    source.refusal = Refused("Too late.", "its time is over", "pending")
    assert potluck("approve", "5eed0001", "--yes")[0] == 5


def test_words_that_do_not_come_are_not_in_time(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.current = asked(request(words=[]))
    monkeypatch.setattr(answering, "WORDS_S", 0.0)
    code, _, err = potluck("approve", "bert", "--yes")
    assert code == 6
    assert "no words to compare with bert yet" in err


def test_words_are_waited_for_and_a_request_may_end_meanwhile(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    then: list[dict[str, Any]] = [asked(request())]
    monkeypatch.setattr(answering, "WORDS_LOOK_S", 0.0)
    still = answering._still

    def looked(client: Client, one: dict[str, Any]) -> dict[str, Any]:
        source.current = then.pop()
        return still(client, one)

    monkeypatch.setattr(answering, "_still", looked)
    source.current = asked(request(words=[]))
    assert potluck("approve", "bert@5eed0001", "--yes")[0] == 0
    then, source.current = [state()], asked(request(words=[]))
    code, _, err = potluck("approve", "bert", "--yes")
    assert code == 5
    assert "The request of bert is over." in err
    assert source.asked == [YES]


def test_with_json_nobody_is_asked(source: FakeSource, potluck: Call) -> None:
    code, out, _ = potluck("approve", "--json")
    assert code == 2
    fix = json.loads(out)["error"]["fix"]
    assert fix.endswith("approve bert --words 'W W W', as the other screen shows them")
    answering_it(source, answer="yes", other="yes")
    data = json.loads(potluck("approve", "5eed0001", "--yes", "--json")[1])["data"]
    assert data == {"text": source.acted, "request": request(answer="yes", other="yes")}
    answering_it(source)
    data = json.loads(potluck("deny", "--json")[1])["data"]
    assert data == {"text": source.acted, "request": None}, "it is over"
    assert source.asked == [YES, NO]


def answering_it(source: FakeSource, **then: Any) -> None:
    """The next act changes the request, or ends it if nothing is said of it."""
    act = FakeSource.act

    def changed(fact: Callable[[int], Any]) -> dict[str, Any]:
        source.current = asked(request(**then)) if then else state()
        return act(source, fact)

    setattr(source, "act", changed)  # noqa: B010 - mypy: no method is assigned


def test_a_group_that_was_found_is_asked_again(source: FakeSource, potluck: Call) -> None:
    source.current = alone(found=[found()])
    source.acted = "Asking “Home”."
    assert potluck("approve", "Home")[:2] == (0, "Asking “Home”.\n")
    assert source.asked == [AskAsked(0, "Home")], "which is no yes to words nobody saw"
    assert potluck("approve", "10.88.0.9:7685")[0] == 0, "potluck knows by what a group is called"
    assert source.asked[1:] == [AskAsked(0, "10.88.0.9:7685")]
    source.refusal = NotFound("No group called Work is near.")
    code, _, err = potluck("approve", "Work")
    assert (code, err) == (7, "potluck: No group called Work is near.\n")
    source.current = alone(found=[])
    assert "Nobody waits for an answer." in potluck("approve", "Work")[2]
    source.current = alone(tried=alone()["tried"] | {"heard": True})
    code, _, err = potluck("approve", "Work")
    assert (code, "a group is near, and none of its devices answers, so it" in err) == (7, True)
    source.current = alone(found=[found()], requests=[joining()])
    assert potluck("approve", "Home", "--words", "a b c")[0] == 5, "there are words to compare"


# -- at the prompt ---------------------------------------------------------------------------------
def test_at_the_prompt_what_could_be_read_is_answered_by_name(
    source: FakeSource, at_the_prompt: Callable[..., list[str]]
) -> None:
    source.current, read = asked(request(), OTHER), {"id_5eed0001": "bert"}
    assert at_the_prompt("approve", "BERT", **read) == ["You said yes; bert's side has not yet."]
    for words in (["nas"], ["nas", "--yes"]):
        lines = at_the_prompt("approve", *words, **read)
        assert "    LEMON  CRYSTAL  OTTER" in lines
        assert lines[-1] == "  next: approve 5eed0002 --yes", "no later request has that name"
    assert source.asked == [YES]
    at_the_prompt("approve", "5eed0002", "--yes")
    assert source.asked[1:] == [ApproveAsked(0, "5eed0002")]
    at_the_prompt("approve", "nas", **read, id_5eed0002="nas")
    at_the_prompt("deny", "nas", **read, id_5eed0002="nas")
    assert source.asked[2:] == [ApproveAsked(0, "5eed0002"), DenyAsked(0, "5eed0002")]
    both = at_the_prompt("approve", **read, id_5eed0002="nas")
    assert both[0] == "2 requests wait for an answer."
    source.current = asked(request())
    assert at_the_prompt("approve", **read) == ["You said yes; bert's side has not yet."]


def test_a_name_typed_for_a_request_that_is_over_means_no_later_one(
    source: FakeSource, at_the_prompt: Callable[..., list[str]]
) -> None:
    source.current = asked(request(id="5eed0009", words=["lemon", "crystal", "otter"]))
    for words in (["approve", "bert"], ["approve", "bert", "--yes"], ["deny", "bert"], ["approve"]):
        lines = at_the_prompt(*words, id_5eed0001="bert")
        assert lines[0] == "That request is over; another one asks: nothing was answered."
    source.current = alone(found=[found()])
    lines = at_the_prompt("approve", "Home", id_5eed0001="Home")
    assert lines[0] == "That request is over: nothing was answered.", "nor is it asked again"
    assert source.asked == []


def test_a_letter_of_another_encoding_is_no_answer(
    source: FakeSource, potluck: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed(_question: str) -> str:
        raise UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "odd")

    monkeypatch.setattr(builtins, "input", typed)
    code, _, err = potluck("approve", "bert")
    assert (code, "Nothing was answered." in err) == (5, True)
    assert source.asked == []
