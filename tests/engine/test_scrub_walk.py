"""A scrub walk: every file that stands as its owner shares it, once, in order."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.engine import scrub_walk
from potluck.engine.node import Node
from potluck.engine.scrub_walk import ScrubWalk
from potluck.engine.views.asked_path import AskedPath, asked_path
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, head, place, record, root_of

ALL = AskedPath("", None, b"")


def share(here: Node, number: int, *names: str) -> ManifestName:
    """These files of a device stand here."""
    name = ManifestName.own(key(number).device)
    rows = [record(one) for one in names]
    here.index.manifests.put(name, rows)
    here.index.manifests.set_head(head(root_of("any"), 1, len(rows), key(number).device))
    here.index.places.put(name, [place(one) for one in rows])
    return name


@pytest.fixture
def here() -> Node:
    made = node(1)
    made.roster = group(1, 2)
    share(made, 1, "a", "d/b", "d/c")
    share(made, 2, "a")
    share(made, 3, "of no member")
    return made


def walked(here: Node, walk: ScrubWalk, most: int = 2) -> list[list[str]]:
    """What each step gives, to the end."""
    steps = []
    while not walk.ended:
        found = walk.step(most)
        steps.append([str(here.layout.path_of(one.spot)) for one in found])
    return steps


def test_all_is_walked_over_folder_by_folder(here: Node) -> None:
    walk = ScrubWalk(here, ALL)
    assert repr(walk) == "<ScrubWalk of everything, ended=False>"
    steps = walked(here, walk)
    assert [len(step) for step in steps] == [2, 2, 0]
    assert sorted(name for step in steps for name in step) == ["d1/a", "d1/d/b", "d1/d/c", "d2/a"]


def test_it_goes_on_where_another_one_was_or_further_back(here: Node) -> None:
    first = ScrubWalk(here, ALL)
    one, two = first.step(2)
    rest = walked(here, ScrubWalk(here, ALL, first.after))
    assert rest == walked(here, first)
    first.go_back(one.spot)
    assert first.step(1) == [two]


def test_one_path_is_walked_over(here: Node) -> None:
    for text, names in (("d1/d", ["d1/d/b", "d1/d/c"]), ("d2", ["d2/a"]), ("d1/a", ["d1/a"])):
        steps = walked(here, ScrubWalk(here, asked_path(here, text)))
        assert [name for step in steps for name in step] == names


def test_what_its_owner_shares_otherwise_is_passed(here: Node) -> None:
    mine = here.own_manifest
    here.index.manifests.put(mine, [record("a", text="newer"), folder("f")])
    here.index.manifests.delete(mine, [b"d/b"], 9)
    found = walked(here, ScrubWalk(here, asked_path(here, "d1")))
    assert [name for step in found for name in step] == ["d1/d/c"]


def test_a_step_looks_at_a_bounded_number_of_rows(
    here: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub_walk, "WALK_ROWS_MAX", 1)
    walk = ScrubWalk(here, asked_path(here, "d1/d/c"))
    steps = walked(here, walk, most=9)
    assert [step for step in steps if step] == [["d1/d/c"]]
    assert len(steps) >= 3


def test_nothing_is_walked_over_where_nothing_is_shared() -> None:
    alone = node(1)
    walk = ScrubWalk(alone, ALL)
    assert (walk.step(5), walk.ended, walk.after) == ([], True, None)
    assert isinstance(Spot(alone.own_manifest, b"a"), Spot)
