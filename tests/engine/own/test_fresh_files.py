"""Fresh files: which contents of the own folder are new, told by what is about to be shared."""

from __future__ import annotations

import pytest

from potluck.core.content import fresh_contents
from potluck.core.content.breakers import LOSS_WINDOW_S
from potluck.engine.own.fresh_files import FreshFiles
from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.pending_record import PendingRecord
from tests.engine import builders
from tests.engine.index.builders import folder, place, record


class World:
    """The own folder of a node."""

    def __init__(self) -> None:
        self.node = builders.node(1)
        self.fresh = FreshFiles(self.node)
        self.held = HeldPaths(self.node)
        self.fresh.on_looked()

    def tell(self, gone: dict[str, str] | None = None, **texts: tuple[str | None, str]) -> None:
        """These are shared now, by path: what was said before, what is said now; others end."""
        changed = {}
        for path, (before, after) in texts.items():
            new = record(path, text=after)
            old = None if before is None else record(path, text=before)
            changed[path.encode()] = PendingRecord(place(new), new, old)
        ends = {path.encode(): record(path, text=text) for path, text in (gone or {}).items()}
        self.fresh.on_told({**ends, b"never said": None}, changed, self.held)

    def is_fresh(self, text: str) -> bool:
        return not self.fresh.old({b"any": record("any", text=text)})


@pytest.fixture
def world() -> World:
    return World()


def test_what_comes_where_nothing_was_is_fresh_for_an_hour(world: World) -> None:
    world.node.now = 5.0
    world.tell(a=(None, "one"), b=("", "two"), c=(None, ""))
    assert (world.is_fresh("one"), world.is_fresh("two"), world.is_fresh("")) == (1, 1, 0)
    world.node.now = LOSS_WINDOW_S + 5.0
    assert not world.is_fresh("one")
    assert repr(world.fresh) == "<FreshFiles looked=True <FreshContents: 2>>"


def test_what_takes_the_place_of_an_old_content_is_old(world: World) -> None:
    world.tell(a=("old", "one"))
    assert not world.is_fresh("one")
    world.tell(b=(None, "two"))
    world.tell(c=("old", "two"))
    assert not world.is_fresh("two"), "also where it was fresh at another path"
    world.tell(d=(None, "three"), e=("old", "three"))
    assert not world.is_fresh("three")


def test_what_takes_the_place_of_a_fresh_one_has_its_time(world: World) -> None:
    world.tell(a=(None, "one"))
    world.node.now = LOSS_WINDOW_S - 1.0
    world.tell(a=("one", "two"), b=("one", ""))
    assert (world.is_fresh("two"), world.is_fresh("")) == (True, False)
    world.node.now = LOSS_WINDOW_S
    assert not world.is_fresh("two")


def test_what_is_moved_copied_or_held_is_old(world: World) -> None:
    name = world.node.own_manifest
    world.tell({"a": "moved"}, b=(None, "moved"))
    world.node.index.places.put(name, [place(record("p", text="copied"))])
    world.node.index.manifests.put(name, [record("h", text="held"), folder("f")])
    world.held.hold([b"h", b"f"])
    world.tell(c=(None, "copied"), d=(None, "held"))
    found = [world.is_fresh(text) for text in ("moved", "copied", "held")]
    assert found == [False, False, False]


def test_what_was_there_at_the_first_look_is_old(world: World) -> None:
    world.fresh.on_away()
    world.tell(a=(None, "one"))
    world.fresh.on_looked()
    world.tell(b=(None, "two"))
    assert (world.is_fresh("one"), world.is_fresh("two")) == (False, True)


def test_what_there_is_no_room_for_is_old(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_contents, "FRESH_MAX", 1)
    world.tell(a=(None, "one"))
    world.tell(b=(None, "two"), c=("old", "one"))
    assert (world.is_fresh("one"), world.is_fresh("two")) == (False, False)


def test_a_folder_is_neither(world: World) -> None:
    new = folder("f")
    world.fresh.on_told({}, {b"f": PendingRecord(place(new), new, None)}, world.held)
    assert repr(world.fresh) == "<FreshFiles looked=True <FreshContents: 0>>"
