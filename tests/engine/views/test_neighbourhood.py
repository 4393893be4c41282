"""Neighbourhood: ring, devices, door and groups near by, as they are."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.facts import Amount, ManifestName
from potluck.core.content.knowledge import Knowledge
from potluck.core.group.statements import Remove, sign_removal
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import FilesAsk, ManifestAsk, Offer, RequestTold, encode
from potluck.engine.events import (
    DatagramHeard,
    DoorAsked,
    LeaveAsked,
    LinkId,
    Mount,
    MountsSeen,
    ShareSeen,
    SpaceSeen,
)
from potluck.engine.group.request_ends import OTHER_VERSION
from potluck.engine.group.request_list import LastEnd, Side
from potluck.engine.group.requests import AskedMember
from potluck.engine.own import covered
from potluck.engine.person_acts import AskAsked, DenyAsked
from potluck.engine.views.neighbourhood import MOVING_S, former_members
from potluck.engine.views.values import InviteView, RequestView
from potluck.engine.wiring import Wiring
from tests.engine.builders import address, group, key, member, node
from tests.engine.views.faces import held, shared, shown
from tests.engine.wire import Box, Wire, ring


def test_two_devices_see_the_same_ring() -> None:
    _, ann, ben = shared()
    one, other = shown(ann), shown(ben)
    assert one["ring"] == other["ring"]
    assert one["node"]["digest"] == other["node"]["digest"]
    assert {one["node"]["number"], other["node"]["number"]} == {0, 1}
    assert (one["node"]["of"], one["node"]["last"], one["node"]["next"]) == (2, "d2", "d2")
    assert [device["label"] for device in one["devices"] if device["me"]] == ["d1"]
    assert all(device["online"] for device in one["devices"])
    assert [device["address"] for device in one["devices"]] == ["", "10.0.0.2:7685"]
    assert one["group"] == other["group"]


def test_last_and_next_are_the_neighbours_in_the_circle() -> None:
    _, boxes = ring(3)
    places = sorted((shown(box)["node"] for box in boxes), key=lambda place: place["number"])
    labels = [places[at - 1]["next"] for at in range(3)]
    assert sorted(labels) == ["d1", "d2", "d3"]
    assert [place["last"] for place in places] == [labels[-1], *labels[:-1]]
    assert [place["next"] for place in places] == [*labels[1:], labels[0]]
    by_label = {box.label: shown(box)["node"]["number"] for box in boxes}
    assert [by_label[label] for label in labels] == [0, 1, 2]


def test_who_is_gone_is_shown_offline() -> None:
    wire, ann, ben = shared()
    ben.crash()
    wire.run(5.0)
    (gone,) = [device for device in shown(ann)["devices"] if device["label"] == "d2"]
    assert (gone["online"], gone["node"]) == (False, None)
    assert gone["found_by"]
    assert len(shown(ann)["ring"]) == 1


def test_of_a_share_that_is_offline_nothing_is_said_to_be_here() -> None:
    _, ann, _ = shared()
    assert [device["known"] for device in shown(ann)["devices"]] == [True, True]
    assert shown(ann)["synced"]
    ann.hear(ShareSeen(present=False, reason="missing"))
    assert not shown(ann)["synced"], "what is put there meanwhile is not seen"
    assert [device["known"] for device in shown(ann)["devices"] if device["me"]] == [False]


def row_of(box: Box, label: str) -> tuple[bool, int, int]:
    """What a device shows of one: whether all is known, how many files it has, and lacks."""
    (row,) = [one for one in shown(box)["devices"] if one["label"] == label]
    return row["known"], row["have_files"], row["need_files"]


def test_what_another_disk_hides_of_the_own_folder_is_held_by_nobody_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire, ann, ben = shared(3)
    # or its other files, which stand as they did, would say that it is the same disk
    monkeypatch.setattr(covered, "_sample", lambda *_: {})
    hidden = {path: ann.disk[path] for path in list(ann.disk) if path.parts == ("d1", "0")}
    for path in hidden:
        del ann.disk[path]
    top = ann.engine.wiring.own_folder.top
    ann.hear(MountsSeen((Mount(top, 1),)))
    assert wire.run(5.0, lambda: row_of(ben, "d1") == (True, 2, 1))
    assert row_of(ann, "d1") == (True, 2, 1)
    assert (shown(ann)["need_files"], shown(ann)["synced"]) == (0, False)
    assert row_of(ben, "d2") == (True, 3, 0)
    for path, data in hidden.items():
        ann.disk[path] = data
    ann.hear(MountsSeen(()))
    assert wire.run(5.0, lambda: row_of(ben, "d1") == (True, 3, 0))
    assert row_of(ann, "d1") == (True, 3, 0)


def test_who_has_left_has_no_place() -> None:
    _, ann, _ = shared()
    ann.hear(LeaveAsked())
    assert shown(ann)["node"] is None
    (own,) = [device for device in shown(ann)["devices"] if device["me"]]
    assert (own["online"], own["node"]) == (True, None)


def test_the_door_says_how_long_it_stays_open() -> None:
    wire = Wire()
    closing, open_always, closed = wire.add(1, open_s=60.0), wire.add(2), wire.add(3, open_s=None)
    wire.run(10.0)
    door = shown(closing)["door"]
    assert door["open"]
    assert door["until_s"] == pytest.approx(50.0)
    assert shown(open_always)["door"] == {
        "open": True,
        "until_s": None,
        "shut": False,
        "joins": False,
    }
    assert shown(closed)["door"] == {"open": False, "until_s": None, "shut": False, "joins": False}
    wire.run(60.0)
    assert shown(closing)["door"] == {"open": False, "until_s": None, "shut": False, "joins": False}
    asked = wire.add(4, open_s=None, headless=True)
    wire.run(61.0)
    asked.hear(DoorAsked(None))
    assert shown(asked)["door"] == {"open": False, "until_s": None, "shut": True, "joins": False}
    asked.engine.wiring.admission_policy.door.joins = True
    assert shown(asked)["door"]["joins"], "a code is being tried"


def test_groups_near_by_are_shown_without_what_they_could_do_to_a_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
        "joins": "",
        "group": short_id(bytes(32)),
        "rests_s": 0.0,
        "ended": "",
        "bar": "",
        "asked_here": False,
    }
    assert wire.run(10.0, lambda: shown(ann)["state"] == "waiting")
    assert shown(ann)["reason"]
    policy = ann.engine.wiring.admission_policy
    assert policy.founding is not None
    (near,) = policy.found
    policy.founding.turns.on_in_vain(near.tag, "", 0.0, math.inf, answered=True)
    assert shown(ann)["found"][0]["rests_s"] is None
    ends = ann.engine.wiring.requests.list.ends
    for side in Side:
        ends[address(9).host] = LastEnd(side, "you said no")
        (found,) = shown(ann)["found"]
        assert (found["ended"], found["asked_here"]) == ("you said no", side is Side.MEMBER)
    assert shown(ann)["reason"].endswith("; the last request is over: you said no")
    name = shown(ann)["found"][0]["name"]
    assert shown(ann)["command"] == f"approve '{name}'"
    ends[address(9).host] = LastEnd(Side.JOINER, OTHER_VERSION)
    assert shown(ann)["found"][0]["bar"] == "version"
    assert (shown(ann)["state"], shown(ann)["command"]) == ("trouble", "peers"), "no wait"
    assert policy.want(name), "as it is shown"


@pytest.mark.parametrize("joiner_says_no", [True, False])
def test_after_a_no_both_of_two_lonely_devices_know_it_and_either_can_ask(
    joiner_says_no: bool,
) -> None:
    wire = Wire()
    two = [wire.add(number, open_s=None, headless=True) for number in (1, 2)]
    assert wire.run(10.0, lambda: all(shown(box)["requests"] for box in two))
    member, joiner = sorted(two, key=lambda box: shown(box)["requests"][0]["side"] != "member")
    denier = joiner if joiner_says_no else member
    denier.hear(DenyAsked(1, ""))
    assert wire.run(5.0, lambda: not any(shown(box)["requests"] for box in two))
    for box in two:
        (found,) = shown(box)["found"]
        said = "somebody there said no" if box is joiner else "the other side said no"
        assert found["ended"] == ("you said no" if box is denier else said)
        assert found["asked_here"] == (box is member)
    wire.run(20.0, lambda: shown(member)["state"] == "waiting")
    assert "the last request is over: " in shown(member)["reason"]
    member.hear(AskAsked(2, shown(member)["found"][0]["address"]))
    assert wire.run(10.0, lambda: all(shown(box)["requests"] for box in two))
    assert shown(member)["requests"][0]["side"] == "joiner", "now it asks there"
    assert {one["ended"] for box in two for one in shown(box)["found"]} == {""}


def other_of(box: Box) -> dict[str, Any]:
    """What a device shows of the other one of two."""
    (other,) = [device for device in shown(box)["devices"] if not device["me"]]
    return other


def test_what_everybody_has_and_lacks() -> None:
    wire, ann, ben = shared(3)
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
        assert all(device["known"] for device in state["devices"])
        assert state["deliveries"] == []
    wire.run(2.0)
    assert other_of(ann)["spoke_s"] >= 2.0
    assert other_of(ann)["away_s"] is None


def test_nobody_can_claim_to_lack_more_than_there_is() -> None:
    _, ann, ben = shared()
    kept = ann.engine.node.peers[ben.me].kept
    for name, holding in kept.items():
        kept[name] = msgspec.structs.replace(
            holding, missing_files=limits.SEQ_MAX, missing_bytes=limits.FILE_MAX_BYTES
        )
    other = other_of(ann)
    assert (other["have_files"], other["need_files"], other["need_bytes"]) == (0, 1, 5)


def test_sums_that_no_json_holds_are_cut() -> None:
    _, ann, ben = shared()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ben.index.manifests, "amount", lambda *_: Amount(1, 0, 2**80))
        assert shown(ben)["bytes"] == limits.SEQ_MAX
        ben.engine.node.peers[ann.me].kept.clear()
        assert all(device["need_bytes"] <= limits.SEQ_MAX for device in shown(ben)["devices"])


def test_who_said_nothing_is_not_known_to_have_anything() -> None:
    _, ann, ben = shared()
    ann.engine.node.peers[ben.me].kept.clear()
    other = other_of(ann)
    assert (other["known"], other["have_files"], other["need_files"]) == (False, 0, 1)
    (row,) = shown(ann)["deliveries"]
    assert (row["label"], row["online"], row["known"], row["need_files"]) == ("d2", True, False, 1)


def test_who_is_away_did_not_say_to_lack_what_came_after_its_last_word() -> None:
    wire, ann, ben = shared()
    ben.crash()
    wire.run(5.0)
    kept = ann.engine.node.peers[ben.me].kept
    # as if it had spoken of a folder that is not held here, and ann had joined since
    said = kept.pop(ann.engine.node.own_manifest)
    kept[ManifestName.own(DeviceId(bytes(32)))] = msgspec.structs.replace(said, owner=bytes(32))
    other = other_of(ann)
    assert (other["known"], other["need_files"], other["need_bytes"]) == (False, 0, 0)
    assert other["spoke_s"] > 0


def test_a_new_file_is_not_counted_where_nobody_has_spoken_of_it() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (ManifestAsk,)
    ann.write("more", b"four")
    assert wire.run(2.0, lambda: shown(ann)["files"] == 2)
    other = other_of(ann)
    assert (other["known"], other["have_files"]) == (False, 0)
    assert (shown(ann)["state"], shown(ann)["reason"]) == (
        "sending",
        "d2 has not said yet what is there of my newest files",
    )
    assert wire.run(2.0, lambda: shown(ben)["reason"] == "asking d1 for the newest list")


def test_a_device_that_is_away_is_never_counted() -> None:
    wire, ann, ben = shared()
    ben.crash()
    wire.run(5.0)
    other = other_of(ann)
    assert (other["known"], other["have_files"], other["online"]) == (False, 0, False)
    assert other["away_s"] == pytest.approx(5.0, abs=0.1)
    assert shown(ann)["state"] == "in_sync", "nobody here lacks anything"
    (row,) = shown(ann)["deliveries"]
    assert (row["label"], row["online"], row["known"]) == ("d2", False, False)


def test_a_frozen_device_is_away_though_its_link_stands() -> None:
    wire, ann, ben = shared()
    around = ann.engine.wiring.viewer._neighbourhood
    wire.silent, wire.udp = lambda one, other: True, lambda one, other: False
    ann.write("more", b"four")
    assert wire.run(0.3, lambda: shown(ann)["state"] == "sending")
    assert around.is_here(ben.me)
    assert wire.run(10.0, lambda: shown(ann)["state"] == "in_sync"), "nobody waits for who is away"
    assert ben.me in ann.engine.node.linked(), "nothing ended its link"
    (row,) = shown(ann)["deliveries"]
    assert (row["online"], row["known"]) == (False, False)
    assert (other_of(ann)["online"], other_of(ann)["away_s"]) == (False, None)
    wire.silent, wire.udp = lambda one, other: False, lambda one, other: True
    assert wire.run(20.0, lambda: around.is_here(ben.me) and shown(ann)["deliveries"] == [])
    assert shown(ann)["state"] == "in_sync"


def test_what_stands_here_of_others_is_not_known_until_somebody_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, ann, ben = shared()
    (mine,) = (one for one in shown(ben)["devices"] if one["me"])
    assert mine["known"]
    owner = ManifestName.own(ann.me)
    monkeypatch.setattr(ben.engine.wiring.replica_check, "unseen", lambda: {owner})
    (mine,) = (one for one in shown(ben)["devices"] if one["me"])
    assert not mine["known"]
    assert shown(ben)["reason"].startswith("looking at what is here of ")


def test_a_member_never_seen_in_this_run_is_away() -> None:
    parts = Wiring(node(1))
    parts.node.roster = group(1, 2)
    (mine, other) = parts.viewer.state().devices
    assert (mine.me, mine.known, mine.away_s) == (True, False, None), "nobody looked yet"
    assert (other.online, other.spoke_s, other.away_s) == (False, None, None)


def test_how_far_a_delivery_is_is_told_by_whoever_gets_it() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("more", b"x" * 40)
    assert wire.run(5.0, lambda: bool(shown(ann)["deliveries"]) and other_of(ann)["known"])
    (row,) = shown(ann)["deliveries"]
    assert (row["need_files"], row["need_bytes"]) == (1, 40)
    assert (row["done_bytes"], row["whole_bytes"], row["known"]) == (0, 40, True)
    assert shown(ann)["reason"] == "d2 still lacks 1 file (40 B) of mine"
    name, kept = ann.engine.node.own_manifest, ann.engine.node.peers[ben.me].kept
    kept[name] = msgspec.structs.replace(kept[name], missing_bytes=10)
    (row,) = shown(ann)["deliveries"]
    assert (row["done_bytes"], row["whole_bytes"]) == (30, 40)
    ann.engine.node.peers[ben.me].most_lacking_bytes = limits.FILE_MAX_BYTES
    (row,) = shown(ann)["deliveries"]
    assert (row["done_bytes"], row["whole_bytes"]) == (35, 45), "no more than there is here"


def test_what_a_device_skips_is_not_delivered_and_not_waited_for() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("more", b"x" * 40)
    assert wire.run(5.0, lambda: bool(shown(ann)["deliveries"]) and other_of(ann)["known"])
    name, kept = ann.engine.node.own_manifest, ann.engine.node.peers[ben.me].kept
    kept[name] = msgspec.structs.replace(kept[name], missing_files=2, missing_bytes=45)
    (row,) = shown(ann)["deliveries"]
    assert (row["need_files"], row["need_bytes"]) == (2, 45)
    kept[name] = msgspec.structs.replace(kept[name], skipped_files=1, skipped_bytes=5)
    (row,) = shown(ann)["deliveries"]
    assert (row["need_files"], row["need_bytes"]) == (1, 40)
    kept[name] = msgspec.structs.replace(kept[name], skipped_files=2, skipped_bytes=45)
    assert shown(ann)["deliveries"] == []


def test_a_folder_that_lacks_is_no_file_that_lacks() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("sub/more", b"x" * 40)
    assert wire.run(5.0, lambda: bool(shown(ann)["deliveries"]) and other_of(ann)["known"])
    name, kept = ann.engine.node.own_manifest, ann.engine.node.peers[ben.me].kept
    kept[name] = msgspec.structs.replace(kept[name], missing_files=1, missing_folders=1)
    (row,) = shown(ann)["deliveries"]
    assert (row["need_files"], row["need_folders"]) == (1, 1)
    assert (other_of(ann)["need_files"], other_of(ann)["need_folders"]) == (1, 1)
    kept[name] = msgspec.structs.replace(kept[name], skipped_folders=1)
    (row,) = shown(ann)["deliveries"]
    assert (row["need_files"], row["need_folders"]) == (1, 0)
    assert (other_of(ann)["need_folders"], other_of(ann)["skips_folders"]) == (1, 1)


def test_what_a_device_has_no_room_for_is_told_as_a_part_of_what_it_lacks() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("more", b"x" * 40)
    assert wire.run(5.0, lambda: bool(shown(ann)["deliveries"]) and other_of(ann)["known"])

    def told(row: dict[str, Any]) -> tuple[int, int]:
        return row["no_room_files"], row["no_room_bytes"]

    assert told(other_of(ann)) == (0, 0)
    name, kept = ann.engine.node.own_manifest, ann.engine.node.peers[ben.me].kept
    for files, size_bytes, says in ((1, 30, (1, 30)), (2**50, 2**60, (1, 40))):
        kept[name] = msgspec.structs.replace(
            kept[name], no_room_files=files, no_room_bytes=size_bytes
        )
        (row,) = shown(ann)["deliveries"]
        assert told(row) == told(other_of(ann)) == says
        assert (row["need_files"], row["need_bytes"]) == (1, 40)


def test_what_has_no_room_here_is_in_the_row_of_this_device() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ben.hear(SpaceSeen(0, 2**40))
    ann.write("more", b"x" * 40)
    assert wire.run(5.0, lambda: bool(shown(ben)["need_files"]))
    (me,) = (one for one in shown(ben)["devices"] if one["me"])
    assert (me["no_room_files"], me["no_room_bytes"]) == (1, 40)
    assert wire.run(5.0, lambda: other_of(ann)["no_room_files"] == 1), "and its owner hears it"
    assert shown(ann)["reason"] == (
        "d2 still lacks 1 file (40 B) of mine; no room for 1 file (40 B) on d2"
    )
    ben.hear(SpaceSeen(2**39, 2**40))
    assert wire.run(5.0, lambda: other_of(ann)["no_room_files"] == 0), "there is room again"


def test_of_who_gets_nothing_it_is_not_said_how_far_it_is() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    ann.write("more", b"x" * 40)
    assert wire.run(5.0, lambda: bool(shown(ann)["deliveries"]) and other_of(ann)["known"])
    peer = ann.engine.node.peers[ben.me]
    peer.came_s = None
    (row,) = shown(ann)["deliveries"]
    assert not row["moves"]
    for ago_s, moves in ((1.0, True), (MOVING_S, False)):
        peer.came_s = wire.now - ago_s
        (row,) = shown(ann)["deliveries"]
        assert row["moves"] is moves


def test_before_a_group_is_there_nobody_is() -> None:
    parts = Wiring(node(1))
    around = parts.viewer._neighbourhood
    assert around.group() is None
    assert around.devices(Knowledge(parts.node.me, (), ())) == []


def test_who_asks_to_come_in_is_shown_with_the_words_and_what_to_type() -> None:
    parts = Wiring(node(1))
    parts.node.index.roster.replace(group(1, 2).records())
    parts.start()
    around = parts.viewer._neighbourhood
    assert around.asked is None
    told = RequestTold("12345678", "d5", "d5", "10.0.0.5", ["a", "b", "c"], 60, wanted=True)
    parts.requests.on_message(key(2).device, told)
    (view,) = around.requests()
    assert view == RequestView(
        id="12345678",
        side="member",
        name="d5",
        label="d5",
        group="Home",
        address="10.0.0.5",
        by="d2",
        words=["a", "b", "c"],
        answer="needed",
        other="yes",
        left_s=60.0,
        devices=1,
    )
    assert around.asked is not None
    state = parts.viewer.state()
    assert (state.state, state.command) == ("waiting", "approve d5")
    assert state.reason == "d5 asks to join: compare the words"
    assert state.requests == [view]
    parts.requests.on_message(key(2).device, msgspec.structs.replace(told, allowed=True))
    assert around.requests()[0].answer == "yes"
    there = AskedMember(LinkId(4), "Far", "d9", "10.0.0.9", bytes(32), 60.0)
    parts.requests.open_there(there, is_open=True)
    assert [(one.answer, one.other, one.by) for one in around.requests()] == [
        ("open", "needed", ""),
        ("yes", "yes", "d2"),
    ]


def test_of_a_code_in_force_its_time_and_tries_are_shown_and_nothing_else() -> None:
    parts = Wiring(node(1))
    around = parts.viewer._neighbourhood
    assert around.invite() is None
    parts.invitations.invite(60.0)
    parts.invitations.begin()
    parts.node.now = 20.0
    assert around.invite() == InviteView(40.0, 2)
    parts.node.now = 61.0
    assert around.invite() == InviteView(0.0, 2)


def test_who_is_in_the_group_no_more_is_shown_with_the_reason() -> None:
    parts = Wiring(node(1))
    assert former_members(parts.viewer._node) == []
    roster = group(1, 2, 3, 4)
    roster.add([member(key(4), roster, key(5), "d5")])
    for by, whom in ((1, 4), (2, 2)):
        said = Remove(roster.group, key(whom).device, [], b"", None, b"", [])
        roster.settle()
        roster.add(sign_removal(key(by), said, []))
    roster.settle()
    parts.node.roster = roster
    seen = [(one.label, one.why, one.by) for one in former_members(parts.viewer._node)]
    assert seen == [("d2", "left", ""), ("d4", "removed", "d1"), ("d5", "void", "")]


def test_what_a_device_keeps_of_mine_is_in_its_rows_until_it_is_confirmed() -> None:
    wire, ann, ben = held(by_owner=False)

    def told(row: dict[str, Any]) -> tuple[int, int]:
        return row["held_files"], row["held_bytes"]

    (row,) = shown(ann)["deliveries"]
    assert told(row) == told(other_of(ann)) == (24, 120)
    assert shown(ann)["state"] == "sending", "of what was replaced it lacks the new contents"
    assert "d2 keeps 24 files (120 B) of mine as before, since" in shown(ann)["reason"]
    (me,) = (one for one in shown(ben)["devices"] if one["me"])
    assert told(me) == (0, 0), "here it is a trouble"
    said, name = ann.engine.node.peers[ben.me].held, ann.engine.node.own_manifest
    strange = ManifestName.own(DeviceId(b"x" * 32))
    said |= {name: Amount(2**53, 0, 2**53), strange: Amount(5, 0, 5)}
    assert told(other_of(ann)) == (limits.SEQ_MAX,) * 2, "as JSON can hold it"
    said[name] = Amount(24, 0, 120)
    assert told(other_of(ann)) == (24, 120), "and of folders that are known here"
    assert ben.engine.wiring.loss_breaker.confirm(ann.me) is not None
    assert wire.run(10.0, lambda: told(other_of(ann)) == (0, 0))
    assert wire.run(10.0, lambda: not shown(ann)["reason"])
