"""Shared files: who has and lacks how many, and which they are."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.engine.views.shared_files import SharedFiles
from tests.engine.index.builders import folder, place
from tests.engine.views.faces import shared, shown


def test_what_everybody_has_and_lacks() -> None:
    _, ann, ben = shared(3)
    for box in (ann, ben):
        state = shown(box)
        assert (state["files"], state["bytes"], state["need_files"], state["need_bytes"]) == (
            3,
            15,
            0,
            0,
        )
        assert [(d["have_files"], d["need_files"], d["need_bytes"]) for d in state["devices"]] == [
            (3, 0, 0)
        ] * 2


def test_nobody_can_claim_to_lack_more_than_there_is() -> None:
    _, ann, ben = shared()
    kept = ann.engine.node.peers[ben.me].kept
    for name, holding in kept.items():
        kept[name] = msgspec.structs.replace(
            holding, missing_files=limits.SEQ_MAX, missing_bytes=limits.FILE_MAX_BYTES
        )
    (other,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (other["have_files"], other["need_files"], other["need_bytes"]) == (0, 1, 5)


def test_sums_that_no_json_holds_are_cut() -> None:
    _, ann, ben = shared()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ben.index.manifests, "total_bytes", lambda *_: 2**80)
        assert shown(ben)["bytes"] == limits.SEQ_MAX
        ben.engine.node.peers[ann.me].kept.clear()
        assert all(device["need_bytes"] <= limits.SEQ_MAX for device in shown(ben)["devices"])


def test_of_whom_nothing_is_known_everything_is_lacking() -> None:
    _, ann, ben = shared()
    files = SharedFiles(ann.engine.node)
    assert files.lacking(ben.me, files.whole()) == (0, 0)
    ann.engine.node.peers[ben.me].kept.clear()
    assert files.lacking(ben.me, files.whole()) == (1, 5)


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
