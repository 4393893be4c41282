"""Rival links: two runs that both answer are two machines, nothing else is."""

from __future__ import annotations

import pytest

from potluck.core.wire.catalogue import Heads, Ping, Pong, Unknown
from potluck.engine.effects import Drop, Send
from potluck.engine.events import LinkId
from potluck.engine.node import Node
from potluck.engine.ring.rival_links import OTHER_RUN, RIVAL_ANSWER_S, TURN_S, RivalLinks
from tests.engine.builders import address, key, node, taken
from tests.engine.listeners import Heard

BEN = key(2).device
OLD, NEW = LinkId(5), LinkId(50)


class Here:
    """A node that d2 was linked to, and whose link another run takes the place of."""

    def __init__(self) -> None:
        self.node: Node = node()
        self.heard = Heard()
        self.part = RivalLinks(self.node, self.heard)

    def ask(self, link: LinkId = OLD) -> int:
        """Another run takes the place; what number is to be answered."""
        peer = self.node.peer(BEN)
        peer.link, peer.address = link, address(2)
        self.part.ask(peer, NEW, address(9))
        old, new = taken(self.node, Send)
        assert (old.link, new.link) == (link, NEW)
        assert old.message == new.message
        assert isinstance(old.message, Ping)
        return old.message.sequence

    def answer(self, link: LinkId, number: int) -> bool:
        return self.part.on_message(link, Pong(number, b"", b""))


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.mark.parametrize("order", [(OLD, NEW), (NEW, OLD)])
def test_two_runs_that_both_answer_are_two_machines(here: Here, order: tuple[LinkId, ...]) -> None:
    number = here.ask()
    for link in order:
        assert here.heard.notes == []
        assert here.answer(link, number)
    assert here.heard.of("on_doubled") == [(BEN, (address(2), address(9)))]
    assert taken(here.node, Drop) == [Drop(OLD, OTHER_RUN)]
    assert here.part.deadline() is None
    assert repr(here.part) == "<RivalLinks asked=0, doubled=1>"


def test_whatever_else_is_said_there_proves_nothing(here: Here) -> None:
    number = here.ask()
    for message in (
        Pong(number + 1, b"", b""),
        Heads([]),
        Unknown("later"),
        Ping(number, b"", b""),
    ):
        assert here.part.on_message(OLD, message)
    assert not here.answer(LinkId(6), number), "that is another link"
    assert here.answer(NEW, number)
    assert not here.part.on_message(NEW, Heads([])), "what else is said there is heard"
    assert here.heard.notes == []


@pytest.mark.parametrize("alive", [OLD, NEW])
def test_one_that_answers_alone_proves_nothing(here: Here, alive: LinkId) -> None:
    number = here.ask()
    for _ in range(2):
        here.answer(alive, number)
    here.node.now = RIVAL_ANSWER_S
    here.part.on_tick()
    assert taken(here.node, Drop) == [Drop(OLD, OTHER_RUN)]
    assert not here.answer(NEW, number)
    assert here.heard.notes == []


def test_where_the_new_link_ends_the_old_one_is_to_begin_again(here: Here) -> None:
    number = here.ask()
    here.answer(OLD, number)
    assert not here.part.on_closed(NEW), "it was the one that counts"
    assert taken(here.node, Drop) == [Drop(OLD, "duplicate")]
    assert here.heard.notes == []
    assert here.part.deadline() is None


def test_silence_proves_nothing_and_ends_the_link(here: Here) -> None:
    number = here.ask()
    assert here.part.deadline() == RIVAL_ANSWER_S
    here.node.now = RIVAL_ANSWER_S - 0.1
    here.part.on_tick()
    assert here.node.take() == []
    here.node.now = RIVAL_ANSWER_S
    here.part.on_tick()
    assert here.node.take() == [Drop(OLD, OTHER_RUN)]
    assert not here.answer(OLD, number), "it comes too late"
    assert here.heard.notes == []


def test_the_end_of_the_old_link_proves_nothing(here: Here) -> None:
    here.ask()
    assert here.part.on_closed(OLD)
    assert not here.part.on_closed(OLD)
    here.node.now = RIVAL_ANSWER_S
    here.part.on_tick()
    assert here.node.take() == []
    assert here.heard.notes == []


def test_an_ordinary_restart_is_never_kept_waiting(here: Here) -> None:
    for number in range(20):
        assert here.part.may_follow(BEN)
        here.ask(LinkId(number))
    assert here.heard.notes == []


def test_two_runs_take_turns(here: Here) -> None:
    number = here.ask()
    for link in (OLD, NEW):
        here.answer(link, number)
    assert not here.part.may_follow(BEN)
    here.node.now = TURN_S
    assert here.part.may_follow(BEN)
    here.ask(LinkId(6))
    assert not here.part.may_follow(BEN), "the turn of the other one has begun"
    assert here.part.may_follow(key(3).device)


def test_where_it_is_not_known_from_where_a_link_came(here: Here) -> None:
    peer = here.node.peer(BEN)
    peer.link = OLD
    here.part.ask(peer, NEW, address(9))
    for sent in taken(here.node, Send):
        assert isinstance(sent.message, Ping)
        here.answer(sent.link, sent.message.sequence)
    assert here.heard.of("on_doubled") == [(BEN, (address(9), address(9)))]


def test_one_device_is_asked_one_question_at_a_time(here: Here) -> None:
    """A member whose every link was another run kept them all open: descriptors ran out."""
    first = here.ask()
    second = here.ask(LinkId(6))
    assert repr(here.part) == "<RivalLinks asked=1, doubled=0>"
    assert not here.answer(OLD, first)
    assert here.answer(LinkId(6), second)
    assert here.answer(NEW, second)
    assert len(here.heard.of("on_doubled")) == 1
