"""Unlisted files: only what stands here is known of them."""

from __future__ import annotations

from msgspec.structs import replace

from potluck.core.content.facts import ManifestName
from potluck.engine.views.asked_path import asked_path
from potluck.engine.views.path_values import ROOT_DIGITS
from potluck.engine.views.unlisted_files import ONLY_MINE, UNLISTED, unlisted_info
from tests.engine.index.builders import folder, place, record
from tests.engine.views.faces import parts_of, shared


def test_a_file_that_stands_here_and_in_no_list_is_told_as_it_stands() -> None:
    _, ann, ben = shared()
    row, parts = place(record("kept")), parts_of(ben)
    asked = asked_path(parts.node, "d1/kept")
    said = unlisted_info(parts, asked, row)
    assert (said.path, said.known, said.kind, said.owner) == ("d1/kept", True, "file", "d1")
    assert (said.files, said.size, said.mtime_ns) == (1, 4, row.mtime_ns)
    assert (said.root, said.mine) == (row.root.hex()[:ROOT_DIGITS], False)
    assert (said.here, said.on, said.devices, said.copies) == (True, 1, 2, [])
    assert (said.safe, said.safe_why) == (False, UNLISTED)
    assert asked.name == ManifestName.own(ann.me)
    hollow = unlisted_info(parts, asked, place(folder("kept")))
    assert (hollow.kind, hollow.files, hollow.mtime_ns, hollow.root) == ("folder", 0, None, "")
    parts.node.share_present, parts.node.roster = False, None
    gone = unlisted_info(parts, asked._replace(name=None), replace(row, size=5))
    assert (gone.here, gone.on, gone.devices, gone.owner) == (False, 0, 1, "")


def test_a_file_of_mine_that_is_not_told_yet_says_so() -> None:
    _, ann, _ = shared()
    parts = parts_of(ann)
    said = unlisted_info(parts, asked_path(parts.node, "d1/n"), place(record("n")), "it is new")
    assert (said.mine, said.here, said.on, said.untold) == (True, True, 1, "it is new")
    assert (said.safe, said.safe_why) == (False, ONLY_MINE)
