"""The viewer: what goes on, in one word and with its reason, and what a transfer shows."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core.content.facts import Amount, ManifestName
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import Root
from potluck.core.content.verification import Verification
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import Address, FileAsk, FilesAsk, Holding
from potluck.engine import effects, events
from potluck.engine.events import RequestHeard, RequestId, ShareSeen, SpaceSeen
from potluck.engine.group.admission_policy import SILENCE_S
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.views.neighbourhood import LIST_MAX
from potluck.engine.wiring import Wiring
from tests.engine.builders import node
from tests.engine.views.faces import held, shared, shown
from tests.engine.wire import Wire


def test_before_the_start_there_is_something_to_show() -> None:
    viewer = Wiring(node(1, folder="/home/me/Potluck")).viewer
    state = viewer.state()
    assert (state.group, state.devices, state.files) == (None, [], 0)
    assert state.device["label"] == "d1"
    msgspec.json.encode(state)
    assert viewer.listing.page("", "").files == []


def test_what_is_lacking_is_shown_as_such_here_and_there() -> None:
    wire, ann, ben = shared()
    wire.ignored = (effects.Place,)
    ann.write("more", b"four")
    wire.run(5.0)
    state = shown(ben)
    assert (state["state"], state["reason"]) == (
        "receiving",
        "1 file to come, being put in place",
    )
    assert (state["need_files"], state["need_bytes"]) == (1, 0), "its bytes are here"
    (told,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (told["have_files"], told["need_files"], told["need_bytes"]) == (1, 1, 4)


def test_what_no_other_device_is_known_to_have_is_counted_on_both_sides() -> None:
    wire, ann, ben = shared()
    assert (shown(ann)["undelivered_files"], shown(ann)["undelivered_bytes"]) == (0, 0)
    wire.unanswered = (FilesAsk,)
    ann.write("more", b"four")
    assert wire.run(5.0, lambda: shown(ben)["need_files"] == 1)
    wire.run(2.0)
    assert (shown(ann)["undelivered_files"], shown(ann)["undelivered_bytes"]) == (1, 4)
    rows = {one["label"]: (one["only_files"], one["only_bytes"]) for one in shown(ben)["devices"]}
    assert rows == {"d1": (1, 4), "d2": (0, 0)}


def test_more_than_is_remembered_is_counted_by_what_the_others_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire, ann, _ = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("a", b"1")
    ann.write("b", b"2")
    monkeypatch.setattr("potluck.engine.own.undelivered.OPEN_MAX", 1)
    assert wire.run(10.0, lambda: shown(ann)["undelivered_files"] == 2)


def test_an_own_file_in_question_is_not_listed_as_here() -> None:
    """Something is mounted in the own folder; what stands there is not known until it is seen."""
    wire, ann, _ = shared()
    wire.run(2.0)
    wiring = ann.engine.wiring
    listed = wiring.viewer.listing.page("d1", "").files
    assert [one.here for one in listed] == [True]
    wiring.own_folder.covered.on_mounts([parse_wire_path(b"d1")])
    assert [one.here for one in wiring.viewer.listing.page("d1", "").files] == [False]
    wire.run(5.0)
    assert wiring.viewer.listing.page("d1", "").files == listed, "it was seen again"


def test_a_transfer_names_path_sources_and_progress() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("film", b"x" * 100)
    assert wire.run(5.0, lambda: bool(shown(ben)["transfers"]))
    assert shown(ben)["transfers"] == [
        {"path": "d1/film", "sources": ["d1"], "done": 0, "size": 100, "files": 1, "every": None}
    ]
    ann.delete("film")
    wire.run(5.0)
    assert ben.engine.wiring.downloads.swarm.orders, "it goes on at the worker, but for nothing"
    assert shown(ben)["transfers"] == []


def test_states_and_their_reasons() -> None:
    _, ann, _ = shared()
    assert (shown(ann)["state"], shown(ann)["reason"]) == ("in_sync", None)
    ann.hear(SpaceSeen(0, 2**40))
    assert shown(ann)["state"] == "paused"
    assert shown(ann)["reason"]
    (full,) = shown(ann)["troubles"]
    assert full["wrong"], "for `status --check`, as `why` has it"
    assert ann.engine.why("", 0.0).state == "trouble"
    ann.hear(ShareSeen(present=False, reason="missing"))
    assert shown(ann)["state"] == "trouble"
    assert shown(ann)["reason"] == (
        "the share is offline: its folder is not the folder that it was "
        "(there is no marker of potluck in it); plug its disk in, or put it back, and nothing "
        "else: that is noticed"
    )


def test_of_an_offline_share_nothing_is_here_and_nothing_comes() -> None:
    wire, ann, ben = shared()
    ben.write("another", b"4321")
    wire.run(5.0)
    ben.hear(ShareSeen(present=False, reason="missing"))
    wire.run(0.1)
    state = shown(ben)
    assert (state["files"], state["need_files"], state["need_bytes"]) == (2, 0, 0)
    for at in (ann, ben):
        rows = [one for one in shown(at)["devices"] if one["label"] == "d2"]
        assert [(row["have_files"], row["need_files"]) for row in rows] == [(0, 2)]
    assert shown(ann)["state"] == "in_sync", "nobody is waited for who cannot receive"
    ben.hear(ShareSeen(present=True, reason=""))
    wire.run(5.0)
    (row,) = [one for one in shown(ann)["devices"] if one["label"] == "d2"]
    assert (row["have_files"], row["need_files"]) == (2, 0)


def test_looking_at_the_own_files_is_being_busy() -> None:
    wire, ann, _ = shared()
    wire.ignored = (effects.Scan, effects.Hash)
    ann.hear(events.RescanAsked())
    assert (shown(ann)["state"], shown(ann)["reason"]) == ("busy", "looking at my files")
    assert not shown(ann)["synced"]


def test_before_the_first_look_nothing_is_in_sync() -> None:
    wire = Wire()
    wire.ignored = (effects.Scan,)
    ann = wire.add(1)
    wire.run(5.0)
    assert (shown(ann)["state"], shown(ann)["reason"]) == (
        "busy",
        "looking at my files for the first time since the start",
    )


def test_where_we_are_and_what_was_tried() -> None:
    wire = Wire()
    ann = wire.add(1, folder="/home/me/Potluck", peers=(Address("10.0.0.9", 7685),))
    state = shown(ann)
    assert (state["folder"], state["own_folder"]) == (
        "/home/me/Potluck",
        "/home/me/Potluck/Shared/d1",
    )
    assert state["tried"] == {
        "interfaces": ["eth0 10.0.0.1"],
        "neighbours": 0,
        "named": ["10.0.0.9:7685"],
        "heard": False,
    }
    assert state["port"] == 7685


def test_a_group_near_by_is_a_reason_to_wait() -> None:
    wire = Wire()
    ann = wire.add(1, open_s=None)
    ann.engine.wiring.admission_policy.on_foreign()
    assert wire.run(10.0, lambda: shown(ann)["state"] == "waiting")
    assert shown(ann)["reason"] == "a group is near and none of its devices answers"
    assert shown(ann)["tried"]["heard"]
    ann.wire.run(SILENCE_S + 1.0)
    assert (shown(ann)["state"], shown(ann)["tried"]["heard"]) == ("in_sync", False)


def test_what_the_rules_leave_out_is_counted() -> None:
    _, ann, _ = shared()
    assert shown(ann)["ignored"] == 0
    ann.engine.wiring.own_folder.left_out.count = 3
    assert shown(ann)["ignored"] == 3


def test_what_was_read_again_is_shown() -> None:
    _, ann, _ = shared()
    assert shown(ann)["verify"] is None
    done = Verification("ben", files=2, size_bytes=30)
    done.damaged.add("ben/a")
    ann.engine.node.verification = done
    assert shown(ann)["verify"] == {
        "path": "ben",
        "running": True,
        "text": "2 files read again (30 B); 1 damaged: ben/a",
        "files": 2,
        "bytes": 30,
        "skipped": 0,
        "damaged": ["ben/a"],
        "damaged_count": 1,
        "unreadable": [],
        "unreadable_count": 0,
    }


def test_lists_are_bounded() -> None:
    _, ann, _ = shared()
    many = {f"d1/{number}": "control character" for number in range(LIST_MAX + 50)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ann.engine.wiring.own_folder, "refused", many)
        refused = shown(ann)["refused"]
    assert len(refused) == LIST_MAX
    assert refused[0] == {"path": "d1/0", "reason": "control character"}


def test_what_is_wrong_is_shown_until_it_is_over() -> None:
    wire, ann, _ = shared()
    node = ann.engine.node
    node.troubles.note(
        Trouble(TroubleKind.BLOCKED, "d2/a\x1b", "immutable", "lsattr", node.now, node.now + 60)
    )
    node.troubles.note(Trouble(TroubleKind.STRAY, "x", "nobody's", "mv x", node.now, None))
    wire.run(2.0)
    state = shown(ann)
    assert (state["state"], state["reason"], state["command"]) == (
        "trouble",
        "d2/a\N{REPLACEMENT CHARACTER}: immutable",
        "lsattr",
    )
    blocked, stray = state["troubles"]
    assert (blocked["kind"], blocked["subject"]) == ("blocked", "d2/a\N{REPLACEMENT CHARACTER}")
    assert (blocked["since_s"], blocked["next_s"]) == (
        pytest.approx(2, abs=1),
        pytest.approx(58, abs=1),
    )
    assert (stray["kind"], stray["next_s"], state["trouble_count"]) == ("stray", None, 2)
    node.troubles.clear_kind(TroubleKind.BLOCKED)
    assert shown(ann)["state"] == "in_sync", "what belongs to nobody hinders nothing"


def test_who_keeps_which_head_is_told_for_those_who_wait_for_delivery() -> None:
    wire, ann, ben = shared()
    ben.write("mine", b"hers")
    assert wire.run(5.0, lambda: len(ann.disk) == 2)
    wire.run(2.0)
    keepers = ann.engine.keepers(wire.now)
    mine, hers = short_id(ann.me), short_id(ben.me)
    assert {(head.owner, head.folder, head.generation, head.seq) for head in keepers.heads} == {
        (mine, "own", 1, 1),
        (hers, "own", 1, 1),
    }
    (device,) = keepers.devices
    assert (device.id, device.label, device.online) == (hers, "d2", True)
    assert {(kept.head.owner, kept.head.seq, kept.missing) for kept in device.kept} == {
        (mine, 1, 0),
        (hers, 1, 0),
    }
    ann.engine.node.unmerged = True  # he may speak of what she lost, under the same number
    (device,) = ann.engine.keepers(wire.now).devices
    assert [kept.head.owner for kept in device.kept] == [hers]


def test_small_files_are_one_row_a_folder_and_one_file_has_its_own_name() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    for number in range(3):
        ann.write(f"photos/{number}", b"%d" % number)
    assert wire.run(5.0, lambda: bool(shown(ben)["transfers"]))
    wire.run(0.5)
    (row,) = shown(ben)["transfers"]
    assert (row["path"], row["files"], row["size"], row["sources"]) == ("d1/photos", 3, 3, ["d1"])
    assert row["every"] == 3
    for number in range(2):
        ann.delete(f"photos/{number}")
    assert wire.run(5.0, lambda: shown(ben)["need_files"] == 1)
    (row,) = shown(ben)["transfers"]
    assert (row["path"], row["files"]) == ("d1/photos/2", 1)


def test_small_files_at_the_top_stand_under_their_owner() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("x", b"1")
    ann.write("y", b"2")
    assert wire.run(5.0, lambda: bool(shown(ben)["transfers"]))
    wire.run(0.5)
    (row,) = shown(ben)["transfers"]
    assert (row["path"], row["files"]) == ("d1", 2)


def test_what_is_handed_over_is_shown_to_whoever_has_it() -> None:
    wire, ann, ben = shared()
    ann.write("film", bytes(range(250)) * 2400)  # three pieces
    wire.unanswered = (FileAsk,)
    assert wire.run(3.0, lambda: bool(ben.engine.wiring.downloads.orders))
    (row,) = shown(ben)["transfers"]
    assert (row["path"], row["sources"], row["done"]) == ("d1/film", ["d1"], 0)
    assert (row["size"], row["files"]) == (600_000, 1)
    downloads = ben.engine.wiring.downloads
    root = next(iter(downloads.swarm.downloads))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloads, "waiting", {})
        assert shown(ben)["transfers"] == [], "nobody waits for it any more"
    ask = RequestHeard(RequestId(900), ben.me, FileAsk(root, [0]))
    ann.hear(ask)
    (upload,) = shown(ann)["uploads"]
    content = ann.index.contents.get(root)
    assert content is not None
    assert upload == {
        "path": "d1/film",
        "to": "d2",
        "sent": None,
        "size": content.size_bytes,
        "there": None,
    }, "it is asked for, and nobody said how much of it is there already"
    uploads, name = ann.engine.wiring.answers.uploads, ann.engine.node.own_manifest
    uploads.on_came(ben.me, 10)
    (upload,) = shown(ann)["uploads"]
    assert (upload["sent"], upload["there"]) == (10, None), "it may have had some of it before"
    head = ann.index.manifests.head(name)
    assert head is not None
    lacks = Holding(*name, head.generation, head.seq, 1, 100_000)
    ann.engine.node.peer(ben.me).kept[name] = lacks
    (upload,) = shown(ann)["uploads"]
    assert (upload["sent"], upload["there"]) == (10, 500_000), "the rest was there before"
    (row,) = shown(ann)["deliveries"]
    assert (row["done_bytes"], row["whole_bytes"]) == (500_000, 600_000), "the same"
    kept = ann.engine.node.peer(ben.me).kept
    kept[name] = Holding(*name, head.generation, head.seq, 9, 10**9)
    (upload,) = shown(ann)["uploads"]
    assert (upload["sent"], upload["there"]) == (10, None), "it lacks other things as well"
    kept[name] = lacks
    uploads.note(ben.me, Root(bytes(32)), parse_wire_path(b"d1/song"), 1000, 1000)
    (both,) = shown(ann)["uploads"]
    assert (both["path"], both["there"], both["size"]) == ("d1/film and 1 more", 501_000, 601_000)
    wire.silent, wire.udp = lambda one, other: True, lambda one, other: False
    assert wire.run(10.0, lambda: not any(one["online"] for one in shown(ann)["deliveries"]))
    uploads.note(ben.me, root, parse_wire_path(b"d1/film"), 600_000, 1)
    assert uploads.handings()
    assert shown(ann)["uploads"] == [], "nothing goes to who is frozen"


def test_what_a_device_has_no_room_for_is_told_of_folders_that_are_known_here() -> None:
    wire, ann, ben = shared()
    name, other = ann.engine.node.own_manifest, ManifestName.own(DeviceId(b"x" * 32))
    kept = ann.engine.node.peer(ben.me).kept
    for folder in (name, other):
        kept[folder] = Holding(*folder, 1, 1, 9, 10**9, no_room_files=8, no_room_bytes=10**8)
    (device,) = ann.engine.keepers(wire.now).devices
    said = {one.head.owner: one for one in device.kept}
    mine, strange = said[short_id(name.owner)], said[short_id(other.owner)]
    assert (mine.missing, mine.no_room_files, mine.no_room_bytes) == (9, 1, 5), "no more is here"
    assert (strange.missing, strange.no_room_files, strange.no_room_bytes) == (9, 0, 0)


def test_who_keeps_something_as_it_was_is_told_to_who_waits_for_it() -> None:
    wire, ann, ben = held(by_owner=False)
    strange = ManifestName.own(DeviceId(b"x" * 32))
    ann.engine.node.peer(ben.me).held[strange] = Amount(5, 0, 5)
    (device,) = ann.engine.keepers(wire.now).devices
    assert (device.held_files, device.held_bytes) == (24, 120), "of folders that are known here"
