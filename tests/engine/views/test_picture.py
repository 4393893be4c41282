"""The picture: each fact comes from the part that knows it.

Strategy: two devices on a wire, stopped in the middle of what they do. What follows from a picture
is tested in tests/core/content/test_knowledge.py.
"""

from __future__ import annotations

import shlex

from msgspec.structs import replace

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import Knowledge, Obstacle, OwnWork, State
from potluck.core.content.last_words import HeadNumber, LastWord
from potluck.core.content.loss_window import Loss
from potluck.core.group.asking_turns import GroupTag
from potluck.core.group.founding import Founding, FoundingState, found_group
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Holding, ManifestAsk, Offer, PiecesAsk
from potluck.engine import effects
from potluck.engine.events import (
    LinkId,
    MadeDurable,
    NotDurable,
    PiecesVerified,
    RestlessSeen,
    ShareSeen,
    SpaceSeen,
    UnwrittenMarker,
)
from potluck.engine.group.request_list import LastEnd, Side
from potluck.engine.group.requests import AskedMember
from potluck.engine.others.disk_room import SPACE
from potluck.engine.others.pursuit import Pursuit
from potluck.engine.person_acts import ForgetAsked, RemoveAsked
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.wiring import Wiring
from tests.engine.builders import group, key, node
from tests.engine.heads import signed_head
from tests.engine.views.faces import shared, shown
from tests.engine.wire import Box, Wire, ring
from tests.fakes.disk import path_of

BIG = 600_000  # bytes: three pieces


def seen(box: Box) -> Knowledge:
    """What a device knows."""
    box.engine.node.now = box.wire.now
    return box.engine.wiring.viewer._picture.knowledge()


def test_everything_stands_at_rest() -> None:
    _, ann, ben = shared()
    picture = seen(ben)
    (one,) = picture.manifests
    assert one.name == ManifestName.own(ann.me)
    assert one.held == one.heard == HeadNumber(1, 1)
    assert (one.whole, one.missing) == (Amount(1, 0, 5), NOTHING)
    assert picture.synced
    (other,) = seen(ann).devices
    assert (other.device, other.label, other.here, other.away_s) == (ben.me, "d2", True, None)
    assert other.said == {one.name: LastWord(HeadNumber(1, 1), NOTHING)}


def test_who_keeps_what_its_owner_deleted_is_not_in_sync() -> None:
    _, ann, ben = shared()
    name = ManifestName.own(ann.me)
    ben.engine.wiring.loss_breaker.held.hold(name, 1, [Loss(b"b", 1, b"root", replaced=False)])
    (one,) = seen(ben).manifests
    assert (one.kept, one.stands, seen(ben).synced) == (True, False, False)


def test_an_owner_that_lacks_all_it_shares_is_offline_and_one_that_lacks_less_is_not() -> None:
    _, ann, ben = shared(2)
    name = ManifestName.own(ann.me)
    assert seen(ben).devices[0].shares == Amount(2, 0, 10)
    for files, offline in ((1, False), (2, True)):
        ben.engine.node.peer(ann.me).kept[name] = Holding(*name, 1, 1, files, 5 * files, 0)
        assert seen(ben).devices[0].offline is offline


def test_an_owner_that_has_something_of_others_has_all_it_shares_on_its_way_back() -> None:
    wire, ann, ben = shared(2)
    ben.write("own", b"of ben")
    wire.run(5.0)
    mine, hers = ManifestName.own(ben.me), ManifestName.own(ann.me)
    kept = ben.engine.node.peer(ann.me).kept
    kept[hers] = Holding(*hers, 1, 1, 2, 10, 0)
    assert not seen(ben).devices[0].offline
    for seq, missing in ((1, 1), (9, 0)):
        kept[mine] = Holding(*mine, 1, seq, missing, 6 * missing, 0)
        assert seen(ben).devices[0].offline, "it has nothing, or speaks of another list"
    kept[ManifestName.own(DeviceId(b"x" * 32))] = kept.pop(mine)
    assert seen(ben).devices[0].offline, "a folder that nobody here knows"


def test_a_head_is_heard_before_it_is_held() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (ManifestAsk,)
    ann.write("more", b"four")
    assert wire.run(2.0, lambda: bool(seen(ben).incoming.asked))
    (one,) = seen(ben).manifests
    assert (one.held, one.heard) == (HeadNumber(1, 1), HeadNumber(1, 2))
    assert seen(ben).incoming.asked == ("d1",)


def test_a_manifest_of_which_nothing_is_held_is_known_by_its_head() -> None:
    wire = Wire()
    wire.unanswered = (ManifestAsk,)
    ann, ben = wire.add(1), wire.add(2)
    ann.write("a", b"1")
    assert wire.run(20.0, lambda: bool(seen(ben).incoming.asked))
    (one,) = seen(ben).manifests
    assert (one.held, one.heard, one.whole) == (None, HeadNumber(1, 1), NOTHING)


def test_pieces_that_are_here_are_not_missing() -> None:
    wire, ann, ben = shared()
    ann.write("film", bytes(range(250)) * (BIG // 250))
    wire.unanswered = (PiecesAsk,)
    assert wire.run(3.0, lambda: seen(ben).missing().size_bytes == BIG)
    assert (seen(ben).incoming.sample, seen(ben).incoming.sample_bytes) == ("d1/film", 0)
    assert seen(ben).incoming.senders == ("d1",)
    downloads = ben.engine.wiring.downloads
    (download,) = downloads.swarm.downloads.values()
    content = ann.index.contents.get(download.root)
    assert content is not None
    downloads.swarm.on_list(content)
    (order,) = downloads.orders
    ben.hear(PiecesVerified(order, content.root, (0,), content.piece_size))
    assert seen(ben).missing() == Amount(1, 0, BIG - content.piece_size)
    assert seen(ben).incoming.sample_bytes == content.piece_size


def test_what_is_being_put_in_place_is_work() -> None:
    wire, ann, ben = shared()
    wire.ignored = (effects.Place,)
    ann.write("more", b"four")
    assert wire.run(3.0, lambda: seen(ben).incoming.placing)


def test_whose_index_is_not_safe_on_the_disk_is_not_in_sync() -> None:
    _, ann, _ = shared()
    ann.hear(NotDurable("too many open files", "/home/index-wal", 1.0))
    assert (seen(ann).index_fails, seen(ann).synced) == (True, False)
    assert ann.engine.view(ann.wire.now).state == "trouble"
    ann.hear(MadeDurable(0))
    assert (seen(ann).index_fails, seen(ann).synced) == (False, True)


def test_who_is_gone_is_gone_for_some_time() -> None:
    wire, ann, ben = shared()
    ben.crash()
    wire.run(7.0)
    (other,) = seen(ann).devices
    assert (other.here, round(other.away_s or 0.0)) == (False, 7)


def test_of_who_was_never_here_nothing_is_known() -> None:
    parts = Wiring(node(1))
    parts.node.roster = group(1, 2)
    (other,) = parts.viewer._picture.devices()
    assert (other.here, other.said, other.away_s) == (False, {}, None)
    parts.node.peer(other.device)
    assert list(parts.viewer._picture.devices()) == [other]


def test_work_on_the_own_folder_is_told() -> None:
    wire = Wire()
    wire.ignored = (effects.Scan,)
    ann = wire.add(1)
    wire.run(3.0)
    assert OwnWork.UNSEEN in seen(ann).own_work


def test_a_file_that_is_being_written_is_told_as_long_as_it_is() -> None:
    _, ann, _ = shared()
    ann.hear(RestlessSeen((), writing=(path_of("d1/log"),)))
    assert seen(ann).own_work == (OwnWork.WRITTEN,)
    ann.hear(RestlessSeen(()))
    assert seen(ann).own_work == ()


def test_what_others_hold_and_is_not_remembered_here_is_open_work() -> None:
    _, ann, _ = shared()
    before = seen(ann).manifests
    ann.engine.node.unmerged = True
    lost = signed_head(1, generation=9)
    ann.engine.wiring.following.seek_own(lost)
    assert seen(ann).own_work == (OwnWork.MERGING,)
    (mine,), (was,) = seen(ann).manifests, before
    assert (mine.heard, mine.held) == (was.heard, was.held), "it is no list to catch up with"
    assert (was.forked, mine.forked) == (False, True), "one number may be of either"


def test_what_hinders_comes_in_order() -> None:
    wire = Wire()
    ann = wire.add(1, open_s=None, folder="/home/me/Potluck")
    ann.engine.wiring.admission_policy.on_foreign()
    assert wire.run(10.0, lambda: bool(seen(ann).hindrances))
    ann.hear(SpaceSeen(0, 2**40))
    ann.hear(ShareSeen(present=False, reason="missing"))
    troubles = ann.engine.node.troubles
    troubles.note(Trouble(TroubleKind.STRAY, "x", "belongs to nobody", "mv x", 0.0, None))
    troubles.note(Trouble(TroubleKind.BLOCKED, "d2/a", "immutable", "lsattr d2/a", 0.0, None))
    share = ann.engine.wiring.own_folder.share
    *first, disk, last = seen(ann).hindrances
    assert first == [
        Obstacle(State.TROUBLE, share.offline_words, "ls -la /home/me/Potluck"),
        Obstacle(State.PAUSED, disk.reason.removeprefix("space on the disk: "), disk.command),
        Obstacle(State.WAITING, "a group is near and none of its devices answers", "peers"),
    ]
    assert (disk.word, disk.reason[:18]) == (State.TROUBLE, "space on the disk:")
    assert disk.command.startswith("df -h ")
    assert last == Obstacle(State.TROUBLE, "d2/a: immutable", "lsattr d2/a")


def test_while_something_arrives_it_is_not_called_paused_for_a_file_without_room() -> None:
    wire, ann, ben = shared()
    full = Trouble(TroubleKind.DISK, SPACE, "no room for d1/film", "df -h", 0.0, None)
    ben.engine.node.troubles.note(full)
    assert seen(ben).hindrances[0] == Obstacle(State.PAUSED, full.reason, full.command)
    wire.unanswered = (PiecesAsk,)
    ann.write("big", bytes(BIG))
    assert wire.run(5.0, lambda: bool(ben.engine.wiring.downloads.orders))
    words = f"{SPACE}: {full.reason}"
    assert seen(ben).hindrances == (Obstacle(State.TROUBLE, words, full.command),)
    ben.hear(SpaceSeen(0, 2**40))
    assert seen(ben).hindrances[0].word is State.PAUSED, "nothing more is asked for"


def test_a_marker_that_cannot_be_written_is_said_with_what_shows_why() -> None:
    ann = Wire().add(1, open_s=None)
    order = UnwrittenMarker(bytes(32), "d1", "", "no inodes left")
    ann.hear(ShareSeen(present=False, reason="not written: no inodes left", unwritten=order))
    first, *_ = seen(ann).hindrances
    words = "the share is offline: its marker is not written: no inodes left"
    folder = ann.engine.node.settings.folder
    assert first == Obstacle(State.TROUBLE, words, f"df -i {shlex.quote(folder)}")


def test_of_an_owner_that_contradicts_itself_nothing_is_heard() -> None:
    parts = Wiring(node(1))
    parts.node.roster = group(1, 2)
    name = ManifestName.own(key(2).device)
    parts.following.pursuits[name] = Pursuit(name)
    assert list(parts.viewer._picture.manifests()) == []


def test_what_an_owner_says_that_nobody_follows_is_heard_and_does_not_stand() -> None:
    _, ann, ben = shared()
    name = ManifestName.own(ann.me)
    assert seen(ben).synced
    pursuit = Pursuit(name)
    ben.engine.wiring.following.pursuits[name] = pursuit
    pursuit.on_excess(signed_head(1, seq=9))
    (one,) = seen(ben).manifests
    assert (one.held, one.heard) == (HeadNumber(1, 1), HeadNumber(1, 9))
    assert (one.stands, seen(ben).synced) == (False, False)
    pursuit.on_contradiction(1)
    (one,) = seen(ben).manifests
    assert (one.held, one.heard, one.forked) == (HeadNumber(1, 1), HeadNumber(1, 1), True)
    assert not seen(ben).synced
    (device,) = (one for one in shown(ben)["devices"] if not one["me"])
    assert not device["known"]


def test_an_owner_that_contradicted_itself_before_anything_was_held_is_not_in_sync() -> None:
    parts = Wiring(node(1))
    parts.node.roster = group(1, 2)
    name = ManifestName.own(key(2).device)
    parts.following.pursuits[name] = pursuit = Pursuit(name)
    pursuit.on_contradiction(7)
    (one,) = parts.viewer._picture.manifests()
    assert (one.heard, one.held, one.stands) == (HeadNumber(7, 0), None, False)


def test_a_request_that_waits_for_a_person_is_said_before_the_group_that_is_near() -> None:
    _, ann, _ = shared()
    wiring = ann.engine.wiring
    there = AskedMember(LinkId(4), "Far", "d9", "10.0.0.9", bytes(32), 60.0)
    wiring.requests.open_there(there, is_open=False)
    obstacles = wiring.viewer._picture.knowledge().hindrances
    words = "Far can let this device in: compare the words with d9"
    assert obstacles == (Obstacle(State.WAITING, words, "approve Far"),)


def test_while_a_yes_waits_for_the_other_side_nothing_is_in_sync_and_nobody_is_asked_anew() -> None:
    _, ann, _ = shared()
    wiring, link = ann.engine.wiring, LinkId(4)
    there = AskedMember(link, "Far", "d9", "10.0.0.9", bytes(32), 60.0)
    wiring.requests.open_there(there, is_open=True)
    assert seen(ann).hindrances == (), "an open door keeps nobody waiting who has company"
    policy = wiring.admission_policy
    policy.founding = Founding(GroupTag(bytes(32)), 0.0, open_door=False, kept=False)
    policy.founding.state = FoundingState.WAITING
    words = "{}, and the side of Far has to say it, too"
    said = Obstacle(State.WAITING, words.format("the door here says yes"), "pending")
    assert seen(ann).hindrances == (said,), "and no other request is advised"
    wiring.requests.on_said(link, here=True)
    policy.founding = None
    said = Obstacle(State.WAITING, words.format("this side said yes"), "pending")
    assert seen(ann).hindrances == (said,), "who said yes waits"
    wiring.requests.over(link, "they said no")
    assert seen(ann).hindrances == ()


def test_of_a_removed_device_its_last_list_counts_and_what_nobody_has_is_stuck() -> None:
    wire, boxes = ring(3)
    founder = next(b for b in boxes if b.engine.node.roster.founder == b.me)  # type: ignore[union-attr]
    owner, other = (box for box in boxes if box is not founder)
    owner.write("a", b"everybody")
    wire.run(10.0)
    label, name = owner.label, ManifestName.own(owner.me)
    owner.write("b", b"nobody")
    assert wire.run(10.0, lambda: owner.index.manifests.count(name) == 2)
    del owner.disk[path_of(f"{label}/b")]
    wire.run(3.0)
    founder.hear(RemoveAsked(1, label))
    assert wire.run(5.0, lambda: owner.left)
    lost = "no device of the group could bring 1 file (6 B) of {}, which is out of the group"
    view = founder.engine.view
    assert wire.run(60.0, lambda: view(wire.now).reason == lost.format(label))
    assert (view(wire.now).state, view(wire.now).command) == ("trouble", f"forget {label}")
    assert (view(wire.now).need_files, view(wire.now).synced) == (0, False)
    (one,) = (one for one in seen(other).manifests if one.name == name)
    assert (one.removed, one.stuck, one.held) == (label, True, one.heard)
    last = other.index.manifests.head(name)
    assert last is not None
    other.index.manifests.set_head(replace(last, seq=0))
    (one,) = (one for one in seen(other).manifests if one.name == name)
    assert (one.heard.seq, one.held, one.stuck) == (2, HeadNumber(1, 0), True)
    newcomer = wire.add(9)
    assert wire.run(30.0, lambda: len(newcomer.engine.node.linked()) == 2)
    assert wire.run(60.0, lambda: newcomer.engine.view(wire.now).reason == lost.format(label))
    founder.hear(ForgetAsked(2, label))
    wire.run(30.0)
    assert [box.engine.view(wire.now).state for box in (founder, newcomer)] == ["in_sync"] * 2
    assert founder.tree.parts == {}


def test_a_wait_beside_a_group_says_what_became_of_the_last_request() -> None:
    _, ann, _ = shared()
    policy, end = ann.engine.wiring.admission_policy, LastEnd(Side.MEMBER, "you said no")
    policy.founding = Founding(GroupTag(bytes(32)), 0.0, open_door=False, kept=False)
    policy.founding.state = FoundingState.WAITING
    offer = Offer(bytes(16), b"x" * 32, "", "", 7685, 1, open=False)
    policy.founding.found[GroupTag(offer.tag)] = found_group(offer, "10.0.0.9", ann.wire.now)
    ann.engine.wiring.requests.list.ends["10.0.0.9"] = end
    words = "a group is near and this device is not a member of it"
    said = f"{words}; the last request is over: you said no"
    assert seen(ann).hindrances == (Obstacle(State.WAITING, said, "approve 10.0.0.9:7685"),)
