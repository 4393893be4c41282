"""Leavers: who is waited for, how long, and at which head its folder stays then."""

from __future__ import annotations

import pytest

from potluck.core.group.statements import (
    Appoint,
    LastHead,
    Regroup,
    Remove,
    record_hash,
    sign_act,
    sign_removal,
)
from potluck.core.wire.catalogue import Folder, Head
from potluck.engine.group.leavers import LEAVER_LOOK_S, LEAVER_S, Leavers
from potluck.engine.node import Node
from tests.engine.builders import group, key, node

ANN = key(2).device


def left(*heads: LastHead | None, accepted: tuple[bytes, ...] = ()) -> tuple[Node, Leavers]:
    """The founder, and one that left; it named these, one after another."""
    made = node(1)
    made.roster = group(1, 2, 3)
    say(made, *heads, accepted=accepted)
    return made, Leavers(made)


def say(made: Node, *heads: LastHead | None, accepted: tuple[bytes, ...] = ()) -> None:
    assert made.roster is not None
    for head in heads:
        said = Remove(made.roster.group, ANN, [], b"", head, b"", [])
        made.roster.add(sign_removal(key(2), said, list(accepted)))
    made.roster.settle()


def hold(made: Node, generation: int, seq: int, root: bytes = b"h" * 32) -> LastHead:
    made.index.manifests.set_head(Head(ANN, Folder.OWN, generation, seq, 0, root, bytes(16)))
    return LastHead(generation, seq, root)


def test_nobody_is_waited_for_without_a_group_or_while_all_stay() -> None:
    alone = Leavers(node(1))
    assert (alone.deadline(), alone.is_due()) == (None, False)
    made, leavers = left()
    assert (leavers.deadline(), leavers.is_due(), leavers.ready()) == (None, False, {})
    assert made.roster is not None
    assert leavers.last_of(ANN) is None


@pytest.mark.parametrize("named", [None, LastHead(1, 3, b"o" * 32), LastHead(1, 4, b"junk" * 8)])
def test_who_names_nothing_newer_than_is_held_is_not_waited_for(named: LastHead | None) -> None:
    made, leavers = left(named)
    held = hold(made, 1, 4)
    assert leavers.ready().keys() == {ANN}
    assert leavers.last_of(ANN) == held


def test_who_names_nothing_is_not_waited_for_where_nothing_is_held() -> None:
    _, leavers = left(None)
    assert leavers.ready().keys() == {ANN}
    assert leavers.last_of(ANN) is None


@pytest.mark.parametrize("holds", [False, True])
def test_a_head_that_nobody_brings_is_waited_for_so_long_and_no_longer(holds: bool) -> None:
    made, leavers = left(LastHead(1 << 53, 1 << 53, b"j" * 32))
    held = hold(made, 1, 4) if holds else None
    assert leavers.is_due()
    assert leavers.ready() == {}
    assert not leavers.is_due()
    assert leavers.deadline() == made.now + LEAVER_LOOK_S
    made.now += LEAVER_S - 0.5
    assert leavers.is_due()
    say(made, LastHead(1 << 53, 1 << 53, b"k" * 32))
    assert leavers.ready() == {}, "and what it says again makes it no longer"
    made.now += 0.5
    assert leavers.ready().keys() == {ANN}
    assert leavers.last_of(ANN) == held


def test_what_is_brought_in_time_is_where_the_folder_stays() -> None:
    named = LastHead(1, 9, b"n" * 32)
    made, leavers = left(named)
    hold(made, 1, 8)
    assert leavers.ready() == {}
    hold(made, 1, 9, b"n" * 32)
    assert leavers.ready().keys() == {ANN}
    assert leavers.last_of(ANN) == named


def test_of_each_it_is_said_once_and_all_stands_that_it_had_signed() -> None:
    made, leavers = left(None, accepted=(b"a" * 32,))
    assert repr(leavers) == "<Leavers: 1 open>"
    assert made.roster is not None
    made.roster.add([sign_act(key(1), Appoint(made.roster.group, key(3).certificate))])
    made.roster.settle()
    assert leavers.ready() == {ANN: {b"a" * 32, *made.roster.signed_by(ANN)}}
    leavers.on_said(ANN)
    assert (leavers.ready(), leavers.deadline()) == ({}, None)


def test_where_a_steward_named_a_head_that_is_the_last() -> None:
    made, leavers = left()
    hold(made, 1, 4)
    assert made.roster is not None
    said = Remove(made.roster.group, ANN, [], b"", LastHead(1, 2, b"s" * 32), b"", [])
    made.roster.add(sign_removal(key(1), said, []))
    made.roster.settle()
    assert leavers.last_of(ANN) == LastHead(1, 2, b"s" * 32)


def test_what_is_said_after_the_goodbye_does_not_stand_nor_takes_it_anything_back() -> None:
    made, leavers = left()
    roster = made.roster
    assert roster is not None
    early, late = [
        sign_act(key(2), Regroup(roster.group, name, number))
        for number, name in enumerate(("Home", "Away"), 1)
    ]
    roster.add([sign_act(key(1), Appoint(roster.group, key(2).certificate)), early])
    roster.settle()
    roster.add([late])
    say(made, LastHead(1, 9, b"n" * 32), accepted=(record_hash(early),))
    assert leavers.ready() == {}, "its head may come"
    roster.add([sign_act(key(2), Regroup(roster.group, "Gone", 2))])
    say(made, LastHead(1, 9, b"n" * 32))
    say(made, LastHead(1, 9, b"n" * 32), accepted=(record_hash(late),))
    made.now += LEAVER_S
    [words] = leavers.ready().values()
    assert record_hash(early) in words
    assert record_hash(late) not in words
