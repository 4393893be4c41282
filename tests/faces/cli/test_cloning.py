"""`clone`: which of two machines it is, and nothing without a yes."""

from __future__ import annotations

import pytest

from potluck.engine.person_acts import KeepHereAsked, NewIdentityAsked
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource

WORDS = [("keep-here", KeepHereAsked), ("new-identity", NewIdentityAsked)]


@pytest.mark.parametrize(("what", "act"), WORDS)
def test_with_yes_it_is_done_at_once(
    source: FakeSource, potluck: Call, what: str, act: type[KeepHereAsked | NewIdentityAsked]
) -> None:
    assert potluck("clone", what, "--yes")[0] == 0
    assert act(0) in source.asked


@pytest.mark.parametrize(("what", "act"), WORDS)
def test_where_nobody_can_be_asked_nothing_is_done(
    source: FakeSource, potluck: Call, what: str, act: type[KeepHereAsked | NewIdentityAsked]
) -> None:
    source.acted = "This is what follows."
    code, _, error = potluck("clone", what)
    assert code == 5
    assert "This is what follows." in error
    assert error.splitlines()[-1].endswith(f" clone {what} --yes")
    assert act(0) not in source.asked


def test_anything_else_is_no_decision(source: FakeSource, potluck: Call) -> None:
    before = len(source.asked)
    assert potluck("clone", "both", "--yes")[0] == 2
    assert len(source.asked) == before


def test_without_a_word_the_two_are_named_in_one_line(source: FakeSource, potluck: Call) -> None:
    code, _, error = potluck("clone")
    assert code == 2
    assert "keep-here, new-identity" in error
    assert "x09" not in error
