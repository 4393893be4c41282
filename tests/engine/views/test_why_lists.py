"""Why, as far as it is about others' lists: a list that comes or waits, and what stands of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from potluck.core.content.facts import Amount, ManifestName, PlaceRow, Spot
from potluck.core.content.knowledge import ManifestKnown
from potluck.core.content.last_words import HeadNumber
from potluck.core.content.loss_window import Loss
from potluck.core.wire.catalogue import ManifestAsk
from potluck.engine import effects
from potluck.engine.disk_facts import Placed
from potluck.engine.events import BatchId, Placement
from potluck.engine.others.pursuit import Failure, PageStop, PursuitState
from potluck.engine.views.asked_path import asked_path
from potluck.engine.views.reasons import Reason, ReasonKind
from potluck.engine.views.why_lists import LISTS, absence_words, blocked
from tests.engine.builders import group
from tests.engine.index.builders import place, record
from tests.engine.views.faces import parts_of, shared
from tests.engine.wire import Box, Wire
from tests.fakes.disk import path_of


def said(box: Box, path: str = "") -> list[Reason]:
    box.engine.node.now = box.wire.now
    parts = parts_of(box)
    return [one for look in LISTS for one in look(parts, asked_path(parts.node, path))]


def behind() -> tuple[Wire, Box, Box]:
    """The second is asked for nothing: it knows of a newer list and waits for its pages."""
    wire, ann, ben = shared()
    wire.unanswered = (ManifestAsk,)
    ann.write("more", b"four")
    assert wire.run(5.0, lambda: bool(said(ben)))
    return wire, ann, ben


def test_nothing_is_open_at_rest() -> None:
    _, ann, ben = shared()
    assert said(ann) == said(ben) == said(ben, "d1/0") == []


def test_a_list_that_is_asked_for_says_of_whom() -> None:
    _, _, ben = behind()
    (one,) = said(ben)
    assert one == Reason(ReasonKind.LIST, "d1", "d1 is asked for the newest list of d1")
    assert said(ben, "d1/0") == [one]
    assert said(ben, "d2") == []


def test_pages_in_turn_and_no_page_asked_yet() -> None:
    _, ann, ben = behind()
    (pursuit,) = [one for one in parts_of(ben).following.pursuits.values() if one.newest]
    pursuit.request, pursuit.stop = None, PageStop(ann.me, 1)
    assert said(ben)[0].text == "the newest list of d1 comes from d1, in turn with others"
    pursuit.stop = None
    assert said(ben)[0].text == "the newest list of d1 waits for its turn"
    pursuit.failures[ann.me] = Failure(3, ben.wire.now + 4.0)
    one = said(ben)[0]
    assert (one.text, one.next_s) == ("d1 could not bring the newest list of d1", ben.wire.now + 4)


def test_a_list_that_nobody_here_has_waits_for_its_owner() -> None:
    wire, ann, ben = behind()
    (pursuit,) = [one for one in parts_of(ben).following.pursuits.values() if one.newest]
    pursuit.request = None
    ben.engine.node.peers[ann.me].heads.clear()
    assert said(ben)[0].text == "nobody who is here has the newest list of d1"
    ann.crash()
    wire.run(3.0)
    pursuit.request = None
    one = said(ben)[0]
    assert one.kind is ReasonKind.LIST_WAITS
    assert one.text.startswith("nobody who is here has the newest list of d1; d1 is away (for ")


@pytest.mark.parametrize("state", [PursuitState.FROZEN, PursuitState.TOO_LARGE])
def test_an_owner_that_is_not_followed_is_wrong(state: PursuitState) -> None:
    _, _, ben = behind()
    (pursuit,) = [one for one in parts_of(ben).following.pursuits.values() if one.newest]
    pursuit.state, pursuit.excess = state, pursuit.newest
    (one,) = said(ben)
    assert (one.kind, one.wrong, one.command) == (ReasonKind.FROZEN, True, "status")


def test_the_last_list_of_who_was_removed_may_be_told_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, ann, ben = shared()
    parts = parts_of(ben)
    name = ManifestName.own(ann.me)

    def manifests(_: object) -> Iterator[ManifestKnown]:
        yield ManifestKnown(
            name, HeadNumber(1, 9), HeadNumber(1, 1), Amount(1, 0, 5), Amount(0, 0, 0)
        )

    monkeypatch.setattr(type(parts.picture), "manifests", manifests)
    (one,) = said(ben)
    assert (one.kind, one.wrong) == (ReasonKind.REMOVED, True)


def test_who_is_away_is_called_so_as_far_as_is_known() -> None:
    wire, ann, ben = shared()
    parts = parts_of(ben)
    assert absence_words(parts, ann.me) == ""
    ann.crash()
    wire.run(7.0)
    ben.engine.node.now = wire.now
    assert absence_words(parts, ann.me) == "d1 is away (for 7 s)"
    ben.engine.node.peers[ann.me].gone_s = None
    assert absence_words(parts, ann.me) == "d1 was not here since potluck was started"
    del ben.engine.node.peers[ann.me]
    assert absence_words(parts, ann.me) == "d1 was not here since potluck was started"
    ben.engine.node.roster = group(2)
    assert absence_words(parts, ann.me).endswith(" was removed")


def test_what_was_not_looked_at_and_what_was_not_found_is_told() -> None:
    _, ann, ben = shared()
    parts, name = parts_of(ben), ManifestName.own(ann.me)
    parts.replica_check._first_looks.doubt(name)
    (one,) = said(ben)
    assert (one.kind, one.path) == (ReasonKind.UNSEEN, "d1")
    assert said(ben, "d2") == []
    parts.replica_check._first_looks._unseen.clear()
    parts.replica_check.missing._absent[Spot(name, b"0")] = place(record("0"))
    (one,) = said(ben)
    assert (one.kind, one.path) == (ReasonKind.ABSENT, "d1/0")
    assert said(ben, "d2/x") == []


def test_what_is_being_changed_is_told() -> None:
    wire, ann, ben = shared()
    wire.ignored = (effects.Place,)
    ann.write("more", b"four")
    parts, name = parts_of(ben), ManifestName.own(ann.me)
    assert wire.run(5.0, lambda: bool(parts.commits.spots()))
    assert {one.path for one in said(ben)} >= {"d1/more"}
    assert said(ben, "d1/0") == []
    parts.receiving.catching_up.append((name, b""))
    assert any("is being compared" in one.text for one in said(ben, "d1/0"))
    assert said(ben, "d2/x") == []
    parts.commits._settling._batches = {BatchId(9): ()}
    assert any("half done" in one.text for one in said(ben, "d2/x"))


def test_what_cannot_be_removed_is_told() -> None:
    _, ann, ben = shared()
    parts, name = parts_of(ben), ManifestName.own(ann.me)
    gone, there = Spot(name, b"old"), Spot(name, b"0")
    for spot in (gone, there):
        path = path_of(f"d1/{spot.path.decode()}")
        placed = Placed(path, None, Placement.BLOCKED, None, "", "something is in it")
        parts.receiving.setbacks.note([(spot, placed, None)])
    (one,) = said(ben)
    assert (one.path, one.text, one.wrong) == ("d1/old", "something is in it", True)
    assert said(ben, "d1/other") == []
    assert blocked(parts, Spot(name, b"well")) is None
    parts.receiving.setbacks._causes._keys[Spot(name, b"odd")] = (name, b"", "")
    parts.receiving.setbacks._causes.of = lambda spot: None  # type: ignore[method-assign]
    assert said(ben) == []


def test_what_is_kept_although_nobody_shares_it_is_something_to_know() -> None:
    _, ann, ben = shared()
    parts, name = parts_of(ben), ManifestName.own(ann.me)
    row: PlaceRow = place(record("kept"))
    parts.node.index.places.put(name, [row])
    assert said(ben, "d1/kept") == [], "it is to go"
    parts.receiving.holds.hold(name, [b"kept"])
    (one,) = said(ben, "d1/kept")
    assert (one.kind, one.open, one.command) == (ReasonKind.HELD, False, "confirm d1/kept")
    assert said(ben, "d1/0") == said(ben, "d2/own") == []
    parts.receiving.held.hold(name, 5, [Loss(b"kept", 5, b"", replaced=False)])
    assert said(ben, "d1/kept") == [], "its owner deleted it: the register says so"
