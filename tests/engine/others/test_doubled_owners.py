"""Doubled owners: of a folder for which two machines speak nothing is followed until one does."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.group.statements import LastHead, Remove, sign_removal
from potluck.core.wire.catalogue import Flushed, Head
from potluck.engine.effects import Tell
from potluck.engine.events import LinkId
from potluck.engine.index import Index
from potluck.engine.others.doubled_owners import AWAY_S, SETTLES_S, DoubledOwners
from potluck.engine.others.following import Following
from potluck.engine.troubles import TroubleKind
from potluck.engine.withheld import DECIDED_GENERATIONS
from tests.engine.builders import address, group, key, node, taken
from tests.engine.heads import signed_head
from tests.engine.listeners import Heard

BEN, CLEO = key(2).device, key(3).device
NAME = ManifestName.own(BEN)
PLACES = (address(2), address(9, 0))


class Here:
    """Device 1 of three, linked to d2 and d3."""

    def __init__(self, run: int = 1, index: Index | None = None) -> None:
        self.node = node(1, run=run, index=index)
        self.node.roster = group(1, 2, 3)
        for link, device in ((5, BEN), (6, CLEO)):
            self.node.peer(device).link = LinkId(link)
        self.following = Following(self.node, Heard())
        self.part = DoubledOwners(self.node, self.following)
        self.part.start()

    def hear(self, *heads: Head) -> bool:
        """Somebody tells of these; whether anything is asked for."""
        self.following.on_heads(CLEO, heads)
        self.following.on_heads(BEN, heads)
        pursuit = self.following.pursuits.get(NAME)
        return pursuit is not None and pursuit.newest is not None

    @property
    def reasons(self) -> list[str]:
        """Why it says that somebody is two machines."""
        return [trouble.reason for trouble in self.node.troubles.of(TroubleKind.CLONE)]


@pytest.fixture
def here() -> Here:
    return Here()


def test_two_machines_are_told_with_where_both_are(here: Here) -> None:
    for _ in range(2):
        here.part.on_doubled(BEN, PLACES)
    (reason,) = here.reasons
    assert "(at 10.0.0.2:7685 and at 10.0.0.9)" in reason
    for words in ("clone keep-here", "the other one ends when it hears of that"):
        assert words in reason
    assert [(tell.code, tell.level) for tell in taken(here.node, Tell)] == [
        ("device_doubled", "error")
    ]
    assert repr(here.part) == "<DoubledOwners: 1>"


def test_none_of_its_heads_is_followed_whoever_brings_it(here: Here) -> None:
    here.node.index.manifests.set_head(signed_head(2))
    here.part.on_doubled(BEN, PLACES)
    assert not here.hear(signed_head(2, seq=5), signed_head(2, generation=3))
    assert not here.hear(signed_head(2, run=b"one"), signed_head(2, run=b"two"))
    assert here.node.troubles.count(TroubleKind.FROZEN) == 0


def test_what_was_on_its_way_is_let_go(here: Here) -> None:
    assert here.hear(signed_head(2, generation=4))
    here.following.on_tick()
    here.part.on_doubled(BEN, PLACES)
    assert NAME not in here.following.pursuits
    assert not here.hear(signed_head(2, generation=5))
    assert here.hear(signed_head(2, generation=4 + DECIDED_GENERATIONS))


def test_a_restart_of_this_device_frees_nothing(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    again = Here(2, here.node.index)
    (reason,) = again.reasons
    assert "two machines run with its identity, or did a while ago, so" in reason
    assert not again.hear(signed_head(2, seq=5))


def test_a_head_far_above_ends_it_when_it_is_held(here: Here) -> None:
    here.node.index.manifests.set_head(signed_head(2))
    here.part.on_doubled(BEN, PLACES)
    here.node.take()
    decided = signed_head(2, generation=1 + DECIDED_GENERATIONS)
    assert here.hear(decided)
    assert len(here.reasons) == 1
    here.part.on_applied(decided)
    assert here.reasons == []
    assert [tell.code for tell in taken(here.node, Tell)] == ["device_single"]
    here.part.on_applied(signed_head(3))
    here.part.on_doubled(BEN, PLACES)
    assert here.reasons == [], "the other machine is about to hear of it"
    here.node.now += SETTLES_S
    here.part.on_doubled(BEN, PLACES)
    assert len(here.reasons) == 1


def test_an_owner_without_a_head_is_free_again_with_its_first_decided_one(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    assert not here.hear(signed_head(2))
    assert here.hear(signed_head(2, generation=1 + DECIDED_GENERATIONS))


def away(here: Here, later_s: float) -> None:
    """The link to d2 ends, and time passes."""
    peer = here.node.peer(BEN)
    peer.link, peer.gone_s = None, here.node.now
    here.node.now += later_s
    if (due := here.part.deadline()) is not None and due <= here.node.now:
        here.part.on_tick()


def test_of_machines_that_are_away_for_long_it_is_not_said_that_they_run(here: Here) -> None:
    assert here.part.deadline() is None
    here.part.on_doubled(BEN, PLACES)
    for _ in range(5):
        here.node.now += AWAY_S - 1.0
        here.part.on_tick()
        here.part.on_doubled(BEN, PLACES)
        assert "two machines run with its identity (at" in here.reasons[0], "both are seen"
    here.node.now += AWAY_S
    here.part.on_tick()
    assert "two machines run with its identity, or did a while ago" in here.reasons[0], "one is"
    away(here, AWAY_S - 1.0)
    assert "two machines run" in here.reasons[0]
    here.node.take()
    away(here, AWAY_S)
    (reason,) = here.reasons
    assert "two machines ran with its identity, and none is linked with this device now" in reason
    assert "that is to be d2: type there: clone keep-here; if no machine is to be it any more " in (
        reason
    )
    assert reason.endswith("type: remove d2"), "this device is a steward"
    assert here.part.deadline() is None
    assert [tell.code for tell in taken(here.node, Tell)] == ["device_doubled"]
    assert not here.hear(signed_head(2, seq=5)), "nothing is free for that"


def test_one_that_comes_back_may_be_one_of_two(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    away(here, AWAY_S)
    here.part.on_linked(CLEO)
    here.part.on_linked(BEN)
    here.part.on_linked(BEN)
    assert "two machines run with its identity, or did a while ago" in here.reasons[0]
    here.part.on_doubled(BEN, PLACES)
    assert "two machines run with its identity (at" in here.reasons[0]
    away(here, AWAY_S)
    assert "none is linked" in here.reasons[0]
    here.part.on_applied(signed_head(2, generation=1 + DECIDED_GENERATIONS))
    assert (here.reasons, here.part.deadline()) == ([], None)


def test_a_restart_waits_as_long_for_either(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    again = Here(2, here.node.index)
    again.node.peers.clear()
    assert again.part.deadline() == again.node.now + AWAY_S
    again.node.now += AWAY_S
    again.part.on_tick()
    assert "none is linked" in again.reasons[0]


def test_who_can_put_it_out_is_named_if_anybody_can(here: Here) -> None:
    here.node.roster = group(3, 1, 2)
    here.part.on_doubled(BEN, PLACES)
    away(here, AWAY_S)
    assert here.reasons[0].endswith("any more, on d3 type there: remove d2")
    here = Here()
    here.node.roster = group(2, 1, 3)
    here.part.on_doubled(BEN, PLACES)
    away(here, AWAY_S)
    assert "nobody can remove it, since there is no other steward" in here.reasons[0]


def removed(here: Here, by: int) -> None:
    """The device is out, by a steward's word or its own."""
    roster = here.node.roster
    assert roster is not None
    head = signed_head(2, seq=9)
    last = LastHead(head.generation, head.seq, head.root)
    said = Remove(roster.group, BEN, [], b"", last, b"", [])
    roster.add(sign_removal(key(by), said, roster.signed_by(BEN)))
    roster.settle()
    here.part.on_members()


def test_that_it_leaves_frees_nothing(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    removed(here, 2)
    assert len(here.reasons) == 1
    assert not here.hear(signed_head(2, seq=9))


def test_a_stewards_word_says_where_its_folder_stays(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    here.part.on_members()
    assert len(here.reasons) == 1
    removed(here, 1)
    assert here.reasons == []
    assert here.hear(signed_head(2, seq=9))


def test_without_a_group_there_is_nobody_to_free(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    here.node.roster = None
    here.part.on_members()
    assert len(here.reasons) == 1


def test_an_answer_to_a_question_is_no_way_round(here: Here) -> None:
    here.part.on_doubled(BEN, PLACES)
    answered = Flushed(1, signed_head(2, seq=7)).head
    assert answered is not None
    assert not here.hear(answered)
