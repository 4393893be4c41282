"""What the commands that only look print and return, asked of a served potluck."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.core.errors import NotFound
from potluck.faces.cli.client import Client
from potluck.faces.cli.looks import show_listing, show_peers, show_ring, show_status
from tests.faces.fakes import FakeSource, running, state


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        yield served


@pytest.fixture
def client(tmp_path: Path, source: FakeSource) -> Client:
    del source
    return Client(str(tmp_path))


def test_how_old_a_snapshot_is_is_said(
    client: Client, source: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    source.current = {**state(), "age_s": 6.0}
    assert show_status(client, watch=False, check=False, as_json=False) == 0
    assert "as it was 6 s ago" in capsys.readouterr().out


@pytest.mark.parametrize(("word", "code"), [("in_sync", 0), ("busy", 10), ("trouble", 11)])
def test_a_check_is_an_exit_code(client: Client, source: FakeSource, word: str, code: int) -> None:
    source.current = state(state=word)
    assert show_status(client, watch=False, check=True, as_json=True) == code
    assert show_status(client, watch=False, check=False, as_json=True) == 0


def test_an_old_snapshot_is_no_proof_for_a_check(client: Client, source: FakeSource) -> None:
    source.current = state(age_s=0.1)
    assert show_status(client, watch=False, check=True, as_json=True) == 10
    assert source.freshness == [True], "one of now was asked for"


def test_peers_and_ring_are_drawn(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    show_peers(client, as_json=False)
    show_ring(client, as_json=False)
    assert capsys.readouterr().out.count("kitchen-pc") > 1


def test_what_is_not_shared_is_said(client: Client) -> None:
    for recursive in (False, True):
        with pytest.raises(NotFound, match="Nothing is shared as “nowhere”"):
            show_listing(client, "Shared/nowhere/", recursive=recursive, as_json=False)
