"""Fresh replicas: what a head brings over a link, and what stood nowhere on this disk before."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from potluck.core.content.breakers import LOSS_WINDOW_S
from potluck.core.content.facts import ManifestName
from potluck.core.content.loss_window import Loss, LossWindow
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.events import LinkId
from potluck.engine.others.fresh_replicas import FreshReplicas
from tests.engine import builders
from tests.engine.index.builders import folder, place, record, root_of

BEN = builders.key(2).device
BENS = ManifestName.own(BEN)
CARL = ManifestName.own(builders.key(3).device)


class World:
    """A node that hears heads of Ben."""

    def __init__(self) -> None:
        self.node = builders.node(1)
        self.fresh = FreshReplicas(self.node)
        self.window = LossWindow()
        self.link(7)
        self.head([])

    def link(self, number: int | None) -> None:
        self.node.peer(BEN).link = None if number is None else LinkId(number)

    def head(self, records: Sequence[FileRecord], *ended: bytes) -> None:
        self.node.index.manifests.put(BENS, records)
        paths = [*(one.path for one in records), *ended]
        self.fresh.on_applied(BENS, paths, self.window)

    def is_fresh(self, text: str) -> bool:
        return not self.fresh.old(BENS, [Loss(b"any", 1, root_of(text), replaced=False)])


@pytest.fixture
def world() -> World:
    return World()


def test_what_a_head_brings_is_fresh_for_an_hour(world: World) -> None:
    world.node.now = 5.0
    world.head([record("a", text="one"), folder("f"), record("e", text="")], b"gone")
    assert (world.is_fresh("one"), world.is_fresh("other"), world.is_fresh("")) == (1, 0, 0)
    world.node.now = LOSS_WINDOW_S + 4.9
    assert world.is_fresh("one")
    world.node.now = LOSS_WINDOW_S + 5.0
    assert not world.is_fresh("one")
    assert repr(world.fresh) == "<FreshReplicas of 1>"


def test_what_the_first_head_over_a_link_brings_is_old(world: World) -> None:
    world.link(8)
    world.head([record("a", text="one")])
    world.head([record("b", text="two")])
    assert (world.is_fresh("one"), world.is_fresh("two")) == (False, True)


def test_what_comes_while_its_owner_is_not_linked_is_old(world: World) -> None:
    world.link(None)
    world.head([record("a", text="one")])
    world.link(7)
    world.head([record("b", text="two")])
    assert (world.is_fresh("one"), world.is_fresh("two")) == (False, False)
    world.fresh.on_applied(CARL, [], world.window)
    assert repr(world.fresh) == "<FreshReplicas of 1>", "whom nobody ever met"


def test_what_stands_anywhere_on_this_disk_is_old(world: World) -> None:
    world.node.index.places.put(BENS, [place(record("p", text="one"))])
    world.node.index.places.put(CARL, [place(record("p", text="two"))])
    world.head([record("a", text="one"), record("b", text="two"), record("c", text="three")])
    found = [world.is_fresh(text) for text in ("one", "two", "three")]
    assert found == [False, False, True]


def test_what_was_lost_within_the_hour_and_comes_back_is_old(world: World) -> None:
    world.window.note([Loss(b"p", 3, root_of("one"), replaced=False)], 0.0)
    world.head([record("a", text="one"), record("b", text="two")])
    assert (world.is_fresh("one"), world.is_fresh("two")) == (False, True)


def test_a_copy_of_what_is_fresh_makes_it_no_older_and_no_younger(world: World) -> None:
    world.head([record("a", text="one")])
    world.node.index.places.put(BENS, [place(record("a", text="one"))])
    world.node.now = LOSS_WINDOW_S - 1.0
    world.head([record("b", text="one")])
    assert world.is_fresh("one")
    world.node.now = LOSS_WINDOW_S
    assert not world.is_fresh("one")
