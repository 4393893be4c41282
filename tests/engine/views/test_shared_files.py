"""Shared files: which there are, and which of them stand here."""

from __future__ import annotations

from potluck.core.content.pieces import EMPTY_ROOT
from potluck.engine.views.shared_files import SharedFiles
from tests.engine.index.builders import folder, place
from tests.engine.views.faces import shared


def test_files_are_listed_by_what_they_begin_with() -> None:
    _, _, ben = shared(2)
    everything = ben.engine.files("")
    assert [(file.path, file.owner, file.kind, file.size, file.here) for file in everything] == [
        ("d1/0", "d1", "file", 5, True),
        ("d1/1", "d1", "file", 5, True),
    ]
    for prefix, count in {
        "d": 2,
        "d1": 2,
        "d1/": 2,
        "d1/1": 1,
        "d12": 0,
        "d2": 0,
        "nobody/": 0,
    }.items():
        assert len(ben.engine.files(prefix)) == count, prefix
    assert ben.engine.files("d1/\ud800") == [], "whatever JSON can bring"


def test_a_listing_is_bounded_however_many_owners_it_is_of() -> None:
    wire, ann, ben = shared(2)
    ben.write("2", b"third")
    ben.write("3", b"fourth")
    assert wire.run(10.0, lambda: len(ann.disk) == 4)
    files = SharedFiles(ben.engine.node)
    assert [len(files.listing("", limit)) for limit in range(1, 6)] == [1, 2, 3, 4, 4]


def test_what_stands_is_here_and_what_does_not_is_not() -> None:
    _, ann, ben = shared()
    index = ben.index
    index.begin()
    record = folder("album", seq=9)
    index.manifests.put(ann.engine.node.own_manifest, [record])
    index.commit()
    assert [(file.path, file.here) for file in ben.engine.files("d1/a")] == [("d1/album", False)]
    assert ben.engine.files("d1/a")[0].root == EMPTY_ROOT.hex()
    index.begin()
    index.places.put(ann.engine.node.own_manifest, [place(record)])
    index.commit()
    assert [file.here for file in ben.engine.files("d1/a")] == [True]
