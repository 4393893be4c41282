"""Views: every field that docs/faces.md promises is there, can be shown, and says what is the case."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import FilesAsk, Offer, encode
from potluck.engine import effects, events
from potluck.engine.events import DatagramHeard, LeaveAsked, ShareSeen, SpaceSeen
from potluck.engine.views.viewer import LIST_MAX, Viewer
from potluck.engine.wiring import Wiring
from tests.engine.builders import address, node
from tests.engine.index.builders import OWN, folder, place
from tests.engine.wire import Box, Wire, ring

PAGE = Path(__file__).parents[3] / "docs" / "faces.md"


def shown(box: Box) -> dict[str, Any]:
    """The state as a face reads it."""
    read: dict[str, Any] = json.loads(msgspec.json.encode(box.engine.view(box.wire.now)))
    return read


def shared(files: int = 1) -> tuple[Wire, Box, Box]:
    """Two devices; the first has shared something, the second has it too."""
    wire, (ann, ben) = ring(2)
    for number in range(files):
        ann.write(f"{number}", b"%05d" % number)
    assert wire.run(10.0, lambda: len(ben.disk) == files)
    wire.run(3.0)
    return wire, ann, ben


# -- the promise -----------------------------------------------------------------------------------
def test_every_promised_field_is_there_and_is_json() -> None:
    promised = re.search(
        r"`status --json` data, at least:\n`(.*?)`", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert promised is not None
    fields = set(re.findall(r'"(\w+)"', promised[1]))
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("more", b"more")
    assert wire.run(5.0, lambda: bool(shown(ben)["transfers"]))
    state = shown(ben)
    found = {key for value in _objects(state) for key in value}
    from_shells = {"rates", "down", "up", "rate", "from"}
    assert fields - from_shells - {"in_sync", "busy", "paused", "trouble"} <= found


def _objects(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [
        *([value] if isinstance(value, dict) else []),
        *(found for one in inner for found in _objects(one)),
    ]


def test_before_the_start_there_is_something_to_show() -> None:
    parts = Wiring(node(1, folder="/home/me/Potluck"))
    state = Viewer(parts).state()
    assert (state.group, state.devices, state.files) == (None, [], 0)
    assert state.device["label"] == "d1"
    msgspec.json.encode(state)
    assert Viewer(parts).files("") == []


# -- the ring --------------------------------------------------------------------------------------
def test_two_devices_see_the_same_ring() -> None:
    _, ann, ben = shared()
    one, other = shown(ann), shown(ben)
    assert one["ring"] == other["ring"]
    assert one["node"]["digest"] == other["node"]["digest"]
    assert {one["node"]["number"], other["node"]["number"]} == {0, 1}
    assert (one["node"]["of"], one["node"]["last"], one["node"]["next"]) == (2, "d2", "d2")
    assert [device["label"] for device in one["devices"] if device["me"]] == ["d1"]
    assert all(device["online"] for device in one["devices"])
    assert one["group"] == other["group"]


def test_who_is_gone_is_shown_offline() -> None:
    wire, ann, ben = shared()
    ben.crash()
    wire.run(5.0)
    (gone,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (gone["online"], gone["node"]) == (False, None)
    assert gone["found_by"]
    assert len(shown(ann)["ring"]) == 1


def test_who_has_left_has_no_place() -> None:
    _, ann, _ = shared()
    ann.hear(LeaveAsked())
    assert shown(ann)["node"] is None


# -- files -----------------------------------------------------------------------------------------
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


def test_what_is_lacking_is_shown_as_such_here_and_there() -> None:
    wire, ann, ben = shared()
    wire.ignored = (effects.Place,)
    ann.write("more", b"four")
    wire.run(5.0)
    state = shown(ben)
    assert (state["state"], state["reason"]) == ("busy", "1 files to come")
    assert (state["need_files"], state["need_bytes"]) == (1, 4)
    (told,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (told["have_files"], told["need_files"], told["need_bytes"]) == (1, 1, 4)


def test_of_whom_nothing_is_heard_nothing_is_assumed() -> None:
    _, ann, ben = shared()
    ann.engine.node.peers[ben.me].kept.clear()
    (other,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (other["have_files"], other["need_files"]) == (0, 1)


def test_nobody_can_claim_to_lack_more_than_there_is() -> None:
    _, ann, ben = shared()
    kept = ann.engine.node.peers[ben.me].kept
    for name, holding in kept.items():
        kept[name] = msgspec.structs.replace(
            holding, missing_files=limits.SEQ_MAX, missing_bytes=limits.FILE_MAX_BYTES
        )
    (other,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (other["have_files"], other["need_files"], other["need_bytes"]) == (0, 1, 5)


def test_sums_that_no_json_holds_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, ben = shared()
    monkeypatch.setattr(ben.index.manifests, "total_bytes", lambda *_: 2**80)
    assert shown(ben)["bytes"] == limits.SEQ_MAX
    ben.engine.node.peers[ann.me].kept.clear()
    assert all(device["need_bytes"] <= limits.SEQ_MAX for device in shown(ben)["devices"])


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
    assert len(Viewer(ben.engine.wiring).files("", limit=1)) == 1


def test_what_stands_is_here_and_what_does_not_is_not() -> None:
    _, ann, ben = shared()
    index = ben.index
    index.begin()
    record = folder("album", seq=9)
    index.manifests.put(ann.me, OWN, [record])
    index.commit()
    assert [(file.path, file.here) for file in ben.engine.files("d1/a")] == [("d1/album", False)]
    assert ben.engine.files("d1/a")[0].root == EMPTY_ROOT.hex()
    index.begin()
    index.places.put(ann.me, OWN, [place(record)])
    index.commit()
    assert [file.here for file in ben.engine.files("d1/a")] == [True]


# -- what goes on ----------------------------------------------------------------------------------
def test_a_transfer_names_path_sources_and_progress() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("film", b"x" * 100)
    assert wire.run(5.0, lambda: bool(shown(ben)["transfers"]))
    assert shown(ben)["transfers"] == [
        {"path": "d1/film", "sources": ["d1"], "done": 0, "size": 100}
    ]
    ann.delete("film")
    wire.run(5.0)
    assert ben.engine.wiring.receiving.swarm.orders, "it goes on at the worker, but for nothing"
    assert shown(ben)["transfers"] == []


def test_states_and_their_reasons() -> None:
    _, ann, _ = shared()
    assert (shown(ann)["state"], shown(ann)["reason"]) == ("in_sync", None)
    ann.hear(SpaceSeen(0, 2**40))
    assert shown(ann)["state"] == "paused"
    assert shown(ann)["reason"]
    ann.hear(ShareSeen(present=False, reason="missing"))
    assert (shown(ann)["state"], shown(ann)["reason"]) == (
        "trouble",
        "the share is offline: marker missing",
    )


def test_looking_at_the_own_files_is_being_busy() -> None:
    wire = Wire()
    wire.ignored = (effects.Scan, effects.Hash)
    ann = wire.add(1)
    wire.run(5.0)
    ann.hear(events.RescanAsked())
    assert (shown(ann)["state"], shown(ann)["reason"]) == ("busy", "looking at the own files")


def test_the_door_says_how_long_it_stays_open() -> None:
    wire = Wire()
    closing, open_always, closed = wire.add(1, open_s=60.0), wire.add(2), wire.add(3, open_s=None)
    wire.run(10.0)
    door = shown(closing)["door"]
    assert door["open"]
    assert door["until_s"] == pytest.approx(50.0)
    assert shown(open_always)["door"] == {"open": True, "until_s": None}
    assert shown(closed)["door"] == {"open": False, "until_s": None}
    wire.run(60.0)
    assert shown(closing)["door"] == {"open": False, "until_s": None}


def test_groups_near_by_are_shown_without_what_they_could_do_to_a_screen() -> None:
    wire = Wire()
    ann = wire.add(1, open_s=None)
    nonce = ann.engine.wiring.questions._nonce
    offer = Offer(nonce, bytes(32), "Ho\x1b[2Jme", "la\nptop", 7685, 3, open=False)
    wire.run(0.1)
    ann.hear(DatagramHeard(encode(offer), address(9), "unicast"))
    (found,) = shown(ann)["found"]
    assert found == {
        "name": "Ho�[2Jme",
        "label": "la�ptop",
        "address": "10.0.0.9:7685",
        "members": 3,
        "open": False,
    }
    assert wire.run(10.0, lambda: shown(ann)["state"] == "waiting")
    assert shown(ann)["reason"]


def test_where_we_are_and_what_was_tried() -> None:
    wire = Wire()
    ann = wire.add(1, folder="/home/me/Potluck")
    state = shown(ann)
    assert (state["folder"], state["own_folder"]) == (
        "/home/me/Potluck",
        "/home/me/Potluck/Shared/d1",
    )
    assert state["tried"] == {"interfaces": ["eth0 10.0.0.1"], "neighbours": 0}
    assert state["port"] == 7685


def test_lists_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, _ = shared()
    many = {f"d1/{number}": "control character" for number in range(LIST_MAX + 50)}
    monkeypatch.setattr(type(ann.engine.wiring.own_folder), "refused", many)
    refused = shown(ann)["refused"]
    assert len(refused) == LIST_MAX
    assert refused[0] == {"path": "d1/0", "reason": "control character"}
