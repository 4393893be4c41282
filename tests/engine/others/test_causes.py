"""Causes: one trouble for each, with how many paths, as long as one of them lasts."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Hindrance, ManifestName, Spot
from potluck.engine.node import Node
from potluck.engine.others.causes import ONE_FOR_ALL, Causes, Failing
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine import builders

ANNAS, BENS = (ManifestName.own(builders.key(number).device) for number in (2, 3))


@pytest.fixture
def node() -> Node:
    made = builders.node(1)
    made.now = 5.0
    return made


def spot(path: str, manifest: ManifestName = ANNAS) -> Spot:
    return Spot(manifest, path.encode())


def failing(path: str, detail: str = Hindrance.OTHER_DISK, due_s: float | None = 7.0) -> Failing:
    return Failing(f"d2/{path}", detail, f"says {detail}", f"look at {path}", due_s)


def test_why_a_path_fails_and_since_when_is_known_while_it_does(node: Node) -> None:
    causes = Causes(node)
    causes.note(spot("a"), failing("a"))
    node.now = 9.0
    causes.note(spot("a"), failing("a", due_s=11.0))
    assert causes.of(spot("a")) == (failing("a", due_s=11.0), 5.0)
    assert (causes.of(spot("b")), list(causes.spots())) == (None, [spot("a")])
    causes.clear(spot("a"))
    assert (causes.of(spot("a")), list(causes.spots())) == (None, [])


def subjects(node: Node) -> list[str]:
    return [trouble.subject for trouble in node.troubles.all()]


@pytest.mark.parametrize("detail", sorted(ONE_FOR_ALL))
def test_what_is_wrong_with_a_disk_is_one_trouble_for_each_owner(node: Node, detail: str) -> None:
    causes = Causes(node)
    for number in range(60):
        path = f"photos/{number % 3}/{number}"
        causes.note(spot(path), failing(path, detail))
    causes.note(spot("x", BENS), Failing("d3/x", detail, "says", "look", 7.0))
    first = Trouble(
        TroubleKind.BLOCKED,
        "d2/photos/0/0 and 59 more",
        f"says {detail}",
        "look at photos/0/0",
        5.0,
        7.0,
    )
    assert (node.troubles.all()[0], subjects(node)[1:]) == (first, ["d3/x"])
    assert repr(causes) == "<Causes: 61 paths, 2 causes>"


def test_where_this_user_may_not_write_is_one_trouble_for_each_folder(node: Node) -> None:
    causes = Causes(node)
    for path in ("a/1", "b/1", "a/2", "1", "2", "3"):
        causes.note(spot(path), failing(path, Hindrance.DENIED))
    assert sorted(subjects(node)) == ["d2/1 and 2 more", "d2/a/1 and 1 more", "d2/b/1"]


@pytest.mark.parametrize("detail", [Hindrance.NAME_LONG, Hindrance.IMMUTABLE, "a folder is there"])
def test_what_is_wrong_with_a_path_is_its_own(node: Node, detail: str) -> None:
    causes = Causes(node)
    for path in ("a/1", "a/2"):
        causes.note(spot(path), failing(path, detail))
    assert sorted(subjects(node)) == ["d2/a/1", "d2/a/2"]


def test_it_lasts_as_long_as_one_of_its_paths_and_is_called_by_the_first_of_them(
    node: Node,
) -> None:
    causes, paths = Causes(node), [f"photos/{number}" for number in range(1000)]
    for path in paths:
        causes.note(spot(path), failing(path))
        node.now += 1.0
    for number, path in enumerate(paths[:-1]):
        causes.clear(spot(path))
        more = len(paths) - number - 2
        called = f"d2/{paths[number + 1]}"
        (trouble,) = node.troubles.all()
        assert trouble.subject == (f"{called} and {more} more" if more else called)
        assert trouble.since_s == 5.0 + number + 1
    causes.clear(spot(paths[-1]))
    causes.clear(spot(paths[-1]))
    assert node.troubles.all() == []
    assert repr(causes) == "<Causes: 0 paths, 0 causes>"


def test_a_path_that_fails_for_another_reason_goes_there_with_its_time(node: Node) -> None:
    causes = Causes(node)
    for path in ("a", "b"):
        causes.note(spot(path), failing(path))
    node.now = 9.0
    causes.note(spot("a"), failing("a", Hindrance.NAME_LONG))
    causes.note(spot("b"), failing("b", Hindrance.OTHER_DISK))
    told = {(one.subject, one.reason, one.since_s) for one in node.troubles.all()}
    assert told == {("d2/a", "says name too long", 5.0), ("d2/b", "says other file system", 5.0)}


def test_the_next_try_is_that_of_whichever_path_comes_first(node: Node) -> None:
    causes = Causes(node)
    tries: list[tuple[float, str, float | None, float | None]] = [
        (5.0, "a", None, None),
        (5.0, "b", 20.0, 20.0),
        (5.0, "c", 10.0, 10.0),
        (5.0, "d", 15.0, 10.0),
        (5.0, "e", None, 10.0),
        (10.0, "c", 30.0, 30.0),
    ]
    for now, path, due_s, next_s in tries:
        node.now = now
        causes.note(spot(path), failing(path, due_s=due_s))
        (trouble,) = node.troubles.all()
        assert trouble.next_s == next_s


def test_what_fails_below_one_path_for_one_reason_is_one_trouble_and_the_first_is_news(
    node: Node,
) -> None:
    causes = Causes(node)
    why = ("not here", "not here", "", None, b"photos")
    assert causes.note(spot("photos/1"), Failing("d2/photos/1", *why))
    assert not causes.note(spot("photos/2"), Failing("d2/photos/2", *why))
    assert causes.note(spot("x"), Failing("d2/x", *why[:4], b"x"))
    assert subjects(node) == ["d2/photos/1 and 1 more", "d2/x"]
