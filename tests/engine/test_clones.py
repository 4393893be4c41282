"""Clones: a device that runs twice shares nothing until a person says which of the two it is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from potluck.core.errors import Refused
from potluck.core.wire.catalogue import Address
from potluck.engine.clones import MET_S, Clones
from potluck.engine.effects import Tell
from potluck.engine.group.membership import OUT, Membership
from potluck.engine.index import Index
from potluck.engine.own.publishing import Publishing
from potluck.engine.person_acts import KeepHereAsked, NewIdentityAsked
from potluck.engine.troubles import TroubleKind
from potluck.engine.withheld import DECIDED_GENERATIONS
from tests.engine.builders import address, flush, group, node
from tests.engine.heads import signed_head
from tests.engine.listeners import Heard

DECIDED = signed_head(1, generation=1 + DECIDED_GENERATIONS)


@dataclass
class Here:
    """Device 1 of two, in some run."""

    run: int = 1
    index: Index | None = None

    def __post_init__(self) -> None:
        self.node = node(1, run=self.run, index=self.index)
        self.heard = Heard()
        self.publishing = Publishing(self.node, self.heard)
        membership = Membership(self.node, self.heard)
        self.node.roster = group(1, 2)
        self.part = Clones(self.node, self.publishing, membership, self.heard)
        self.part.start()

    def again(self) -> Here:
        """The next run."""
        return Here(self.run + 1, self.node.index)

    def told(self) -> list[str]:
        """The codes of what people are told."""
        return [effect.code for effect in flush(self.node) if isinstance(effect, Tell)]

    @property
    def reasons(self) -> list[str]:
        """Why it says that it is two machines."""
        return [trouble.reason for trouble in self.node.troubles.of(TroubleKind.CLONE)]

    def out(self) -> bytes | None:
        """Why its next start is another device's."""
        return self.node.index.meta.get(OUT)


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture
def cloned(here: Here) -> Here:
    """The same, when the other machine has proved itself."""
    here.part.on_clone(address(9))
    here.node.take()
    return here


def test_nothing_is_said_where_nothing_is(here: Here) -> None:
    assert (here.node.cloned, here.reasons) == (False, [])
    assert repr(here.part) == "<Clones cloned=False>"
    here.part.on_own_head(DECIDED)
    assert here.heard.notes == [], "it lost its memory: that is repaired, and ends nobody"


def test_it_is_told_once_with_what_ends_it(here: Here) -> None:
    here.part.on_clone(Address("10.0.0.9", 0))
    here.part.on_clone(address(9))
    (reason,) = here.reasons
    assert "at 10.0.0.9)" in reason
    for words in ("clone keep-here", "the other one ends when it hears of that"):
        assert words in reason
    assert here.told() == ["clone_seen"]
    assert here.node.cloned


def test_a_restart_decides_nothing(cloned: Here) -> None:
    again = cloned.again()
    assert again.node.cloned
    assert "at 10.0.0.9:7685" in again.reasons[0]
    assert again.told() == ["clone_seen"]


def test_whoever_keeps_it_publishes_far_above_and_tells_the_other(cloned: Here) -> None:
    cloned.publishing.on_other_run(signed_head(1, generation=7, seq=3))
    cloned.publishing.on_tick(0)
    assert cloned.heard.of("on_published") == []
    assert "ends when it hears" in cloned.part.keep_here(KeepHereAsked(1, preview=True))
    assert cloned.node.cloned
    preview = cloned.part.keep_here(KeepHereAsked(1, preview=True))
    assert "and is not here stays with them. Another" in preview
    cloned.node.unmerged = True
    preview = cloned.part.keep_here(KeepHereAsked(1, preview=True))
    assert "stays with them. They hold a state of it" in preview
    cloned.node.unmerged = False
    assert "this machine from now on" in cloned.part.keep_here(KeepHereAsked(1))
    assert (cloned.node.cloned, cloned.reasons) == (False, [])
    assert cloned.heard.of("on_decided") == [address(9)]
    cloned.publishing.on_tick(0)
    (head,) = cloned.heard.of("on_published")
    assert (head.generation, head.seq) == (7 + DECIDED_GENERATIONS, 3)
    assert not cloned.again().node.cloned


def test_whoever_keeps_it_does_not_wait_for_the_same_one_again(cloned: Here) -> None:
    cloned.part.keep_here(KeepHereAsked(1))
    cloned.part.on_clone(address(9))
    cloned.part.on_clone_heads([])
    cloned.part.on_clone_heads([signed_head(1)])
    assert not cloned.node.cloned


def test_where_both_keep_it_nothing_is_decided(cloned: Here) -> None:
    cloned.part.keep_here(KeepHereAsked(1))
    cloned.part.on_clone_heads([DECIDED])
    assert cloned.node.cloned
    assert cloned.heard.of("on_left") == []


def test_one_that_decided_and_was_never_dialled_waits_when_it_knows_where() -> None:
    here = Here()
    here.part.keep_here(KeepHereAsked(1))
    assert here.heard.of("on_decided") == [], "nobody knows where it is"
    here.part.on_clone_heads([DECIDED])
    assert not here.node.cloned
    here.part.on_clone(address(9))
    assert here.node.cloned, "at the next meeting"


def test_a_decision_for_the_other_machine_ends_this_one(cloned: Here) -> None:
    for head in (signed_head(1, generation=2), signed_head(1, generation=9)):
        cloned.part.on_own_head(head)
    own = signed_head(1, generation=1 + DECIDED_GENERATIONS, run=cloned.node.instance)
    cloned.part.on_own_head(own)
    assert cloned.heard.of("on_left") == []
    cloned.part.on_own_head(DECIDED)
    assert cloned.heard.of("on_left") == [()]
    assert cloned.told() == ["removed"]
    assert b"kept on another machine" in (cloned.out() or b"")


def test_a_copy_that_is_started_after_the_decision_ends_when_both_meet(here: Here) -> None:
    here.part.on_clone(address(9))
    here.part.on_clone_heads([DECIDED])
    assert here.heard.of("on_left") == [()]


def test_of_two_decisions_the_one_far_above_counts(here: Here) -> None:
    here.part.keep_here(KeepHereAsked(1))
    here.part.on_clone(address(9))
    assert not here.node.cloned
    here.part.on_clone_heads([signed_head(1, generation=1 + 2 * DECIDED_GENERATIONS)])
    assert here.heard.of("on_left") == [()]


def test_another_identity_ends_this_machine_at_once(cloned: Here) -> None:
    assert "asks to be let in" in cloned.part.renew(NewIdentityAsked(1, preview=True))
    assert cloned.out() is None
    assert "clone keep-here" in cloned.part.renew(NewIdentityAsked(1))
    assert cloned.heard.of("on_left") == [()]
    assert b"new identity" in (cloned.out() or b"")


def test_who_saw_no_other_machine_gives_nothing_up_and_is_told_so(here: Here) -> None:
    for preview in (True, False):
        with pytest.raises(Refused, match="nothing was given up"):
            here.part.renew(NewIdentityAsked(1, preview=preview))
    said = here.part.keep_here(KeepHereAsked(1, preview=True))
    assert said.startswith("No other machine with this identity was seen here. ")


def test_the_other_machine_has_to_be_there_to_give_the_identity_up(cloned: Here) -> None:
    cloned.node.now += MET_S - 20.0
    preview = cloned.part.renew(NewIdentityAsked(1, preview=True))
    assert "was met 40 s ago. Afterwards, on it, type there: clone keep-here" in preview
    assert "If both become new devices, nobody is d1 any more" in preview
    assert "since d1 is the only steward, nobody can remove a device then." in preview
    cloned.node.now += MET_S + 20.0
    for act in (NewIdentityAsked(1, preview=True), NewIdentityAsked(1)):
        with pytest.raises(Refused, match="not met for 2 min: nothing was given up") as refused:
            cloned.part.renew(act)
    assert "another device by now" in refused.value.cause
    assert "clone keep-here" in refused.value.fix
    assert cloned.out() is None
    cloned.part.on_clone(address(9))
    assert "clone keep-here" in cloned.part.renew(NewIdentityAsked(1))


def test_after_a_restart_it_has_to_be_met_again(cloned: Here) -> None:
    cloned.node.roster = group(2, 1)
    again = cloned.again()
    again.node.roster = group(2, 1)
    with pytest.raises(Refused, match="not met since potluck was started here") as refused:
        again.part.renew(NewIdentityAsked(1))
    assert "steward" not in refused.value.cause, "another one is"
