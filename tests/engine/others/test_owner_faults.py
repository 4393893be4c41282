"""Owner faults: each is told by name, once for each of its causes."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import Folder
from potluck.engine.effects import Tell
from potluck.engine.node import Node
from potluck.engine.others.owner_faults import OwnerFaults
from potluck.engine.others.pursuit import Pursuit
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import group, key, node, taken
from tests.engine.index.builders import head

BEN = key(2).device
BENS = ManifestName(BEN, Folder.OWN)


@pytest.fixture
def here() -> Node:
    made = node(1)
    made.roster = group(1, 2, 3)
    return made


def said(here: Node) -> list[tuple[str, str, str]]:
    return [(tell.code, tell.level, tell.subject) for tell in taken(here, Tell)]


def test_a_frost_is_told_once_and_stands_until_it_is_over(here: Node) -> None:
    faults, pursuit = OwnerFaults(here), Pursuit(BENS)
    for _ in range(2):
        pursuit.frosts += 1
        faults.tell_frozen(pursuit)
        assert [trouble.subject for trouble in here.troubles.of(TroubleKind.FROZEN)] == ["d2"]
        faults.tell_thawed(pursuit)
        assert here.troubles.all() == []
    assert said(here) == [("folder_frozen", "error", "d2"), ("folder_thawed", "info", "d2")]


def test_unsafe_names_are_told_once_of_each_owner(here: Node) -> None:
    faults, pursuit = OwnerFaults(here), Pursuit(BENS)
    faults.tell_unsafe(pursuit)
    faults.tell_unsafe(pursuit)
    assert said(here) == [("manifest_refused", "warning", "d2")]


def test_a_source_that_says_too_much_is_named_once_with_the_owner(here: Node) -> None:
    faults, pursuit, cleo = OwnerFaults(here), Pursuit(BENS), key(3).device
    faults.tell_beyond(pursuit, cleo)
    faults.tell_beyond(pursuit, cleo)
    (tell,) = taken(here, Tell)
    assert (tell.code, tell.subject) == ("manifest_refused", "d3")
    assert tell.text == (
        "d3 names more files in the folder of d2 than d2 signed: what it said is dropped"
    )
    assert repr(faults) == "<OwnerFaults: 1 sources>"


def test_an_owner_whose_heads_move_on_and_on_is_named_once_with_the_source(here: Node) -> None:
    faults, pursuit, cleo = OwnerFaults(here), Pursuit(BENS), key(3).device
    faults.tell_restless(pursuit, cleo)
    faults.tell_restless(pursuit, cleo)
    (tell,) = taken(here, Tell)
    assert (tell.code, tell.subject) == ("manifest_refused", "d2")
    assert tell.text == (
        "d2 signed newer and newer states of its folder, each time before its pages had come from"
        " d3: it is asked less often"
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (limits.OWNER_RECORDS + 1, "it has 2,500,001 files and folders, more than the 2,500,000"),
        (limits.OWNER_RECORDS, "the names of its files take more than the 537 MB"),
    ],
)
def test_a_folder_that_is_too_large_is_told_with_its_number_until_it_is_smaller(
    here: Node, count: int, words: str
) -> None:
    faults = OwnerFaults(here)
    for _ in range(2):
        faults.tell_too_large(head(b"r" * 32, count, count, BEN))
    (tell,) = taken(here, Tell)
    assert (tell.code, tell.level, tell.subject) == ("folder_too_large", "error", "d2")
    assert words in tell.text
    assert [trouble.subject for trouble in here.troubles.of(TroubleKind.TOO_LARGE)] == ["d2"]
    faults.clear_too_large(Pursuit(BENS))
    assert here.troubles.all() == []
