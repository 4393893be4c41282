"""Forked heads: a head of another life of its owner is not followed, unless a person decided."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import Head, RunEnd
from potluck.engine.effects import Tell
from potluck.engine.others.forked_heads import (
    clear,
    follows,
    follows_by_itself,
    is_forked,
    on_told,
    tell,
)
from potluck.engine.others.pursuit import Pursuit
from potluck.engine.troubles import TroubleKind
from potluck.engine.withheld import DECIDED_GENERATIONS
from tests.engine.builders import group, node, taken
from tests.engine.heads import signed_head

HELD = signed_head(2, seq=5, run=b"a")


def other(generation: int, seq: int, run: bytes, *ends: RunEnd) -> Head:
    made = signed_head(2, generation=generation, seq=seq, run=run)
    return msgspec.structs.replace(made, continues=ends)


@pytest.mark.parametrize(
    ("head", "followed", "forked"),
    [
        (HELD, False, False),
        (other(1, 4, b"a"), False, False),
        (other(1, 6, b"a"), True, False),
        (other(2, 1, b"a"), True, False),
        (other(1, 4, b"b"), False, False),
        (other(1, 5, b"b"), False, True),
        (other(1, 6, b"b"), False, True),
        (other(1, 6, b"b", RunEnd(1, 5, b"a")), True, False),
        (other(1, 6, b"b", RunEnd(1, 4, b"a")), False, True),
        (other(1 + DECIDED_GENERATIONS, 1, b"b"), True, False),
    ],
)
def test_what_is_followed_and_what_is_a_fork(head: Head, followed: bool, forked: bool) -> None:
    assert (follows(head, HELD), is_forked(head, HELD)) == (followed, forked)


def test_whatever_comes_first_is_followed() -> None:
    assert follows(HELD, None)
    assert not is_forked(HELD, None)


@pytest.mark.parametrize(
    ("head", "by_itself"),
    [
        (other(1, 6, b"a"), True),
        (other(1, 6, b"b"), False),
        (other(2, 6, b"b", RunEnd(1, 5, b"a")), True),
        (other(1 + DECIDED_GENERATIONS, 6, b"b", RunEnd(1, 5, b"a")), False),
        (other(1 + DECIDED_GENERATIONS, 6, b"a"), False),
    ],
)
def test_what_a_decision_lacks_nobody_removed(head: Head, by_itself: bool) -> None:
    assert follows_by_itself(head, HELD) is by_itself
    assert follows_by_itself(head, None)


def test_it_is_told_once_until_it_is_over() -> None:
    made, pursuit = node(1), Pursuit(ManifestName.of(HELD))
    made.roster = group(1, 2)
    for _ in range(2):
        tell(made, pursuit)
    assert [said.code for said in taken(made, Tell)] == ["folder_forked"]
    (trouble,) = made.troubles.of(TroubleKind.FORKED)
    assert trouble.subject == pursuit.forked == "d2"
    clear(made, pursuit)
    assert (made.troubles.all(), pursuit.forked) == ([], "")


def test_a_new_label_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    made, pursuit = node(1), Pursuit(ManifestName.of(HELD))
    made.roster = group(1, 2)
    tell(made, pursuit)
    monkeypatch.setattr(made, "label_of", lambda _: "new")
    tell(made, pursuit)
    assert [one.subject for one in made.troubles.of(TroubleKind.FORKED)] == ["new"]
    monkeypatch.setattr(made, "label_of", lambda _: "newer")
    clear(made, pursuit)
    assert made.troubles.all() == []


@pytest.mark.parametrize("is_held", [True, False])
@pytest.mark.parametrize("owner", [True, False])
def test_only_an_owner_that_is_where_it_was_ends_it(*, is_held: bool, owner: bool) -> None:
    made, pursuit = node(1), Pursuit(ManifestName.of(HELD))
    made.roster = group(1, 2, 3)
    tell(made, pursuit)
    on_told(made, pursuit, pursuit.name.owner if owner else made.me, is_held=is_held)
    assert (pursuit.forked == "") == (made.troubles.all() == []) == (is_held and owner)
