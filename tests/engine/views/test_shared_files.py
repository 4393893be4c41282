"""Shared files: who has and lacks how many."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.engine.views.shared_files import SharedFiles
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
