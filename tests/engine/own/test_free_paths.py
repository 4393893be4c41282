"""Free paths: a file comes to its own path, or beside what has it, and never over anything."""

from __future__ import annotations

from potluck.engine.own.free_paths import FreePaths
from potluck.engine.own.publishing import Publishing
from tests.engine.builders import node
from tests.engine.index.builders import folder, place, record
from tests.engine.listeners import Heard


def own() -> tuple[Publishing, FreePaths]:
    """A folder in which `a` stands, and `held` is shared and stands not."""
    made = node(1)
    name, index = made.own_manifest, made.index
    index.manifests.put(name, [record("a"), record("held"), folder("d")])
    index.places.put(name, [place(record("a")), place(folder("d"))])
    publishing = Publishing(made, Heard())
    return publishing, FreePaths(publishing)


def test_where_nothing_is_it_comes_to_its_own_path() -> None:
    publishing, paths = own()
    assert paths.path_for(record("b"), "old", {}) == b"b"
    assert paths.path_for(record("d/b"), "old", {}) == b"d/b"
    assert "FreePaths" in repr(paths)
    publishing.drop([b"a"])
    assert paths.path_for(record("a", text="x"), "old", {}) == b"a"


def test_where_the_same_is_nothing_comes() -> None:
    _, paths = own()
    assert paths.path_for(record("a"), "old", {}) is None
    assert paths.path_for(record("held"), "old", {}) is None


def test_where_something_else_is_it_comes_beside() -> None:
    _, paths = own()
    assert paths.path_for(record("a", text="x"), "old", {}) == b"a (old)"
    given = {b"a (old)": record("a (old)", text="y")}
    assert paths.path_for(record("a", text="x"), "old", given) == b"a (old 2)"
    assert paths.path_for(record("held", text="x"), "old", {}) == b"held (old)"


def test_where_a_file_is_in_the_place_of_a_folder_the_folder_is_another() -> None:
    _, paths = own()
    assert paths.path_for(record("a/b"), "old", {}) == b"a (old)/b"
