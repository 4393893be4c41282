"""`status`, `peers`, `ring` and `ls` against a served potluck: lines, JSON, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.faces.cli.main import run_command
from tests.faces.fakes import FakeSource, entry, running, state, trouble


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        yield served


@pytest.fixture
def potluck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def call(*words: str) -> tuple[int, str]:
        code = run_command(["--home", str(tmp_path), *words])
        return code, capsys.readouterr().out

    return call


def data(printed: str) -> Any:
    envelope = json.loads(printed)
    assert envelope["ok"]
    return envelope["data"]


def test_status(source: FakeSource, potluck: Callable[..., tuple[int, str]]) -> None:
    assert "14 files · 1.6 GB" in potluck("status")[1]
    assert data(potluck("status", "--json")[1]) == data(potluck("--json", "status")[1]) == state()


@pytest.mark.parametrize(
    ("word", "code"),
    [("in_sync", 0), ("busy", 10), ("paused", 10), ("waiting", 10), ("trouble", 11)],
)
def test_status_check(
    source: FakeSource, potluck: Callable[..., tuple[int, str]], word: str, code: int
) -> None:
    source.current = state(state=word)
    assert potluck("status", "--check")[0] == code
    assert potluck("status")[0] == 0


def test_a_trouble_that_is_shown_is_told_to_a_check_whatever_the_word_is(
    source: FakeSource, potluck: Callable[..., tuple[int, str]]
) -> None:
    for word in ("paused", "waiting", "receiving", "busy"):
        full = trouble("space on the disk", kind="disk", wrong=True)
        source.current = state(state=word, troubles=[full], trouble_count=1)
        assert potluck("status", "--check")[0] == 11, word
        aside = trouble("x", kind="stray", wrong=False)
        source.current = state(state=word, troubles=[aside], trouble_count=1)
        assert potluck("status", "--check")[0] == 10, word


def test_status_watch_prints_again_until_the_daemon_ends(
    source: FakeSource, potluck: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []

    def interrupt(nap_s: float) -> None:
        naps.append(nap_s)
        if len(naps) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    code, printed = potluck("status", "--watch", "--json")
    assert code == 130
    assert len(printed.splitlines()) == 3


def test_peers_and_ring(source: FakeSource, potluck: Callable[..., tuple[int, str]]) -> None:
    assert "192.168.1.23:7685" in potluck("peers")[1]
    assert data(potluck("peers", "--json")[1]).keys() == {
        "devices", "former", "found", "tried", "requests",
    }  # fmt: skip
    assert "0 kitchen-pc*" in potluck("ring")[1]
    assert [node["number"] for node in data(potluck("ring", "--json")[1])["ring"]] == [0, 1]


def test_ls(source: FakeSource, potluck: Callable[..., tuple[int, str]]) -> None:
    source.listed = [entry("laptop/a"), entry("laptop/b/c"), entry("laptop-2/d")]
    assert "laptop-2/" in potluck("ls")[1]
    assert [one["path"] for one in data(potluck("ls", "Shared/laptop/", "--json")[1])] == [
        "laptop/a",
        "laptop/b/c",
    ]
    assert "b/c" in potluck("ls", "laptop", "-r")[1]
    assert potluck("ls", "nothing")[0] == 7


def test_ls_with_the_number_of_copies(
    source: FakeSource, potluck: Callable[..., tuple[int, str]]
) -> None:
    source.listed = [entry("laptop/a"), entry("laptop/b/c"), entry("laptop/b/d")]
    printed = potluck("ls", "-l", "Shared/laptop")[1]
    assert "on 1 of 2, known only here  a" in printed
    assert "on 1 of 2, known only here  b/" in printed
    assert potluck("ls", "--copies")[0] == 0
    told = data(potluck("ls", "-l", "laptop", "--json")[1])
    assert [(one["name"], one["files"], one["on"]) for one in told] == [("a", 1, 1), ("b", 2, 1)]
    assert potluck("ls", "-l", "nothing")[0] == 7
    assert potluck("ls", "-l", "-r")[0] == 2


def test_not_running(potluck: Callable[..., tuple[int, str]]) -> None:
    assert [potluck(name)[0] for name in ("status", "peers", "ring", "ls")] == [3, 3, 3, 3]
