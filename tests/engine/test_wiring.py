"""Wiring: each wire is taken away in turn, and a story that needs it fails.

Strategy: a story is a short play of one to three devices, or of the parts of one driven by hand
where no play would bring the turn about. The table at the end says which story notices which wire;
`cutting.wires` finds them in the source, so a wire without a story, or a story without its wire, is
noticed as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FunctionType, MethodType

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Source, Spot, Stat
from potluck.core.content.loss_confirms import sign_confirm
from potluck.core.content.manifest import EMPTY_TREE_ROOT, continues, sign_head
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT, Root
from potluck.core.group.admission import Joiner, Newcomer
from potluck.core.group.statements import Forget, Remove, key_id, sign_act, sign_removal
from potluck.core.keys.sealing import ReplayWindow, open_datagram, seal_to
from potluck.core.ring.members import write_record
from potluck.core.wire.catalogue import (
    CLEAR,
    SEALED,
    Beacon,
    Envelope,
    FilesAsk,
    GroupKeys,
    Head,
    Heads,
    HeadsAsk,
    Kept,
    LinkKind,
    LossConfirm,
    LossConfirms,
    ManifestPage,
    Offer,
    PairAllow,
    Ping,
    Pong,
    RequestTold,
    RosterDigest,
    RosterRecord,
    Solicit,
    Status,
    Update,
    encode,
)
from potluck.engine import effects, events
from potluck.engine.dispatch import Dispatch
from potluck.engine.events import BatchId, BatchPlaced, Hashed, LinkId, OrderId
from potluck.engine.group.requests import Asker
from potluck.engine.group_relay import GroupRelay
from potluck.engine.index_upkeep import BUSY_S
from potluck.engine.link_troubles import HUNG_AGAIN_S, MANY_BYTES, SEARCH_S
from potluck.engine.others.doubled_owners import AWAY_S
from potluck.engine.others.group_commit import Batch, Placeable, SpotOutcome, folder_row
from potluck.engine.others_relay import (
    FollowingRelay,
    OthersRelay,
    SkippingRelay,
)
from potluck.engine.own.older_copy import OLDER_COPY
from potluck.engine.own.undelivered import _Gone
from potluck.engine.own_relay import OwnRelay
from potluck.engine.person_acts import ApproveAsked, KeepHereAsked, SkipAsked
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.wiring import UpkeepRelay, Wiring
from tests.engine import cutting
from tests.engine.builders import address, flush, group, key, member, node, taken
from tests.engine.index.builders import piece_list, receive, record, records
from tests.engine.index.builders import place as standing
from tests.engine.wire import Box, Wire, one_ring, ring
from tests.fakes.disk import path_of

BEN, CLEO = key(2).device, key(3).device
LINK = LinkId(5)


# -- the parts of one device, driven by hand -------------------------------------------------------
def started(*others: int) -> tuple[Wiring, Dispatch]:
    """The parts of device 1, begun, in a group with these or alone."""
    parts = Wiring(node(1))
    if others:
        parts.node.index.roster.replace(group(1, *others).records())
    parts.start()
    parts.node.take()
    return parts, Dispatch(parts)


def looked_at(parts: Wiring, dispatch: Dispatch) -> None:
    """The scan under way of the own folder found nothing."""
    scan = parts.own_folder.rounds.scan
    assert scan is not None
    dispatch.handle(events.TreeSeen(scan.order, (), (), last=True, complete=True))


def linked(*others: int) -> tuple[Wiring, Dispatch]:
    """The same, with a control link to d2."""
    parts, dispatch = started(*others)
    dispatch.handle(events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None))
    parts.node.take()
    return parts, dispatch


def known_head(number: int, generation: int = 1, seq: int = 1) -> Head:
    """A head of an empty manifest, signed by that device in another run."""
    who = key(number)
    name = ManifestName.own(who.device)
    return sign_head(Head(*name, generation, seq, 0, EMPTY_ROOT, b"another"), who)


def scans(parts: Wiring) -> list[effects.Scan]:
    return taken(parts.node, effects.Scan)


def a_start_looks_round_and_opens_the_door() -> None:
    parts = Wiring(node(1))
    parts.start()
    kinds = [type(effect) for effect in parts.node.take()]
    for kind in (effects.LookAround, effects.OpenDoor, effects.MarkShare):
        assert kinds.count(kind) == 1


def another_group_ends_what_was_of_the_old_one() -> None:
    parts, dispatch = started()
    dispatch.handle(events.ShareSeen(present=True, reason=""))
    (scan,) = scans(parts)
    dispatch.handle(events.TreeSeen(scan.order, (), (), last=True, complete=True))
    parts.node.link_owner[LINK] = BEN
    parts.sealed_datagrams._windows[BEN] = ReplayWindow()
    parts.node.index.addresses.remember(BEN, address(2), 1)
    parts.membership.enter(group(2, 1))
    assert effects.Drop(LINK, "joined another group") in parts.node.take()
    assert not parts.sealed_datagrams._windows
    assert parts.node.addresses_of(BEN) == (address(2),)
    assert parts.node.sighted_at(BEN) == [address(2)]
    dispatch.handle(events.ShareSeen(present=True, reason=""))
    assert scans(parts), "the folder has a new marker: everything is looked at"


def another_label_is_another_folder() -> None:
    roster = group(1, 4)
    parts = Wiring(node(3))
    let_in = member(key(4), roster, key(3), "anna")
    parts.node.index.roster.replace([*roster.records(), let_in])
    parts.start()
    dispatch = Dispatch(parts)
    for scan in scans(parts):
        dispatch.handle(events.TreeSeen(scan.order, (), (), last=True, complete=True))
    parts.membership.add_records([member(key(1), roster, key(3), "anna-2")])  # the founder's word
    dispatch.handle(events.ShareSeen(present=True, reason=""))
    assert [str(scan.tops[0]) for scan in scans(parts)] == ["anna-2"]


def a_new_member_is_dialled_where_it_was_once_reached() -> None:
    parts, _ = started(2)
    parts.node.index.addresses.remember(CLEO, address(3), 1)
    parts.membership.add_records(group(1, 2, 3).records())
    assert parts.node.sighted_at(CLEO) == [address(3)]


def who_told_of_a_stranger_is_asked_once_it_is_a_member() -> None:
    parts, dispatch = linked(2)
    dispatch.handle(events.MessageHeard(LINK, Heads([known_head(3)])))
    parts.node.take()
    parts.membership.add_records(group(1, 2, 3).records())
    sent = [send.message for send in taken(parts.node, effects.Send)]
    assert any(isinstance(message, HeadsAsk) for message in sent)


KEY = b"k" * 32  # a group key


def removal(*whom: int, by: int = 1, of: int = 3) -> list[RosterRecord]:
    """The records by which a device removes others from the group of so many."""
    made = list[RosterRecord]()
    for number in whom:
        said = Remove(group(*range(1, of + 1)).group, key(number).device, [], b"", None, b"", [])
        made += sign_removal(key(by), msgspec.structs.replace(said, key=key_id(KEY)), [])
    return made


def another_group_has_other_keys() -> None:
    parts, _ = started()
    parts.key_exchange.make(key_id(KEY), KEY)
    parts.membership.enter(group(2, 1))
    assert parts.node.group_keys.keys == []


def group_keys_outlive_a_restart() -> None:
    parts, _ = started(2)
    parts.key_exchange.make(key_id(KEY), KEY)
    again = Wiring(node(1, index=parts.node.index, run=2))
    again.start()
    assert again.node.group_keys.keys == [KEY]


def what_an_earlier_run_staged_is_dropped_at_the_start() -> None:
    parts, _ = started(2)
    index, name = parts.node.index, ManifestName.own(BEN)
    index.manifests.stage(name, [record("a", 1)], ())
    again = Wiring(node(1, index=index, run=2))
    again.start()
    assert index.lost_records.count(name) == 0


def who_is_linked_is_told_the_group_key() -> None:
    parts, dispatch = started(2, 3)
    parts.membership.add_records(removal(3))
    parts.key_exchange.make(key_id(KEY), KEY)
    parts.node.take()
    dispatch.handle(events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None))
    sent = [send.message for send in taken(parts.node, effects.Send)]
    assert GroupKeys([KEY]) in sent


def who_was_removed_is_no_node() -> None:
    parts, _ = linked(2, 3)
    record = write_record(key(3), bytes(16), [address(3)], 1, 7, Status.ALIVE)
    parts.circle.on_message(BEN, Update([record], b""))
    assert parts.circle.ring.beliefs.get(CLEO) is not None
    parts.membership.add_records(removal(3))
    assert parts.circle.ring.beliefs.get(CLEO) is None


def what_a_removed_owner_says_further_is_not_followed() -> None:
    parts, dispatch = linked(2, 3)
    dispatch.handle(events.MessageHeard(LINK, Heads([known_head(3)])))
    assert ManifestName.own(CLEO) in parts.following.pursuits
    parts.membership.add_records(removal(3))
    assert ManifestName.own(CLEO) not in parts.following.pursuits
    dispatch.handle(events.MessageHeard(LINK, Heads([known_head(3, seq=2)])))
    assert ManifestName.own(CLEO) not in parts.following.pursuits


def forgotten() -> Wiring:
    """The third of three devices was removed, a file of it is known, and a steward forgets it."""
    parts, _ = linked(2, 3)
    roster, name = parts.node.roster, ManifestName.own(CLEO)
    assert roster is not None
    parts.node.index.manifests.set_head(known_head(3))
    parts.node.index.places.put(name, [folder_row(b"f")])
    parts.membership.add_records(removal(3))
    flush(parts.node)
    parts.membership.add_records([sign_act(key(1), Forget(roster.group, CLEO))])
    return parts


def what_a_removed_owner_shared_is_forgotten_by_a_stewards_word() -> None:
    parts = forgotten()
    assert parts.node.index.manifests.head(ManifestName.own(CLEO)) is None


def what_is_forgotten_goes() -> None:
    assert Spot(ManifestName.own(CLEO), b"f") in forgotten().receiving.pending


def who_has_forgotten_a_folder_asks_what_the_others_hold() -> None:
    said = [send.message for send in flush(forgotten().node) if isinstance(send, effects.Send)]
    assert any(isinstance(message, HeadsAsk) for message in said)


def the_empty_folder_of_who_is_forgotten_goes_after_its_files() -> None:
    parts = forgotten()
    parts.node.index.places.remove(ManifestName.own(CLEO), [b"f"])
    parts.node.take()
    OthersRelay(parts).on_committed([])
    assert [drop.label for drop in taken(parts.node, effects.DropFolder)] == ["d3"]


def the_empty_folder_goes_also_after_what_a_crash_interrupted() -> None:
    parts = forgotten()
    parts.node.index.places.remove(ManifestName.own(CLEO), [b"f"])
    parts.node.take()
    OthersRelay(parts).on_settled([])
    assert [drop.label for drop in taken(parts.node, effects.DropFolder)] == ["d3"]


def a_folder_goes_whose_last_file_went_before_a_crash() -> None:
    parts = forgotten()
    spot = Spot(ManifestName.own(CLEO), b"folder/file")
    path = parse_wire_path(b"d3/folder/file")
    item = effects.PlaceItem(path, Source.NONE, None, None, 0, False, None, None)
    placed = events.Placed(path, None, events.Placement.REMOVED, None, "", "")
    OthersRelay(parts).on_settled([SpotOutcome(Placeable(spot, item), placed)])
    assert Spot(spot.manifest, b"folder") in parts.receiving.pending


def bens_files_went() -> tuple[Wiring, list[bytes]]:
    """Thirty files of d2 stand here, and d2 shares none of them any more."""
    parts, _ = linked(2)
    name, files = ManifestName.own(BEN), records(30)
    parts.node.index.places.put(name, list(map(standing, files)))
    parts.node.index.manifests.set_head(known_head(2))
    return parts, [each.path for each in files]


def placed_files(paths: list[bytes]) -> list[SpotOutcome]:
    """A group commit that placed these files of d2."""
    done = []
    for path in paths:
        where = parse_wire_path(b"d2/" + path)
        stat = Stat(1, 1, 1, 1, executable=False)
        item = effects.PlaceItem(where, Source.EMPTY, None, None, 0, False, None, None)
        placed = events.Placed(where, EMPTY_ROOT, events.Placement.PLACED, stat, "", "")
        done.append(SpotOutcome(Placeable(Spot(ManifestName.own(BEN), path), item), placed))
    return done


def held_here(parts: Wiring) -> list[str]:
    return [trouble.subject for trouble in parts.node.troubles.of(TroubleKind.KEPT)]


def who_deletes_very_much_at_once_is_not_followed_in_that() -> None:
    parts, paths = bens_files_went()
    FollowingRelay(parts).on_applied(known_head(2), paths, held=False)
    assert held_here(parts) == ["d2"]
    (told,) = [tell for tell in taken(parts.node, effects.Tell) if tell.code == "losses_held"]
    assert told.command == "confirm d2"


def what_is_placed_and_wanted_no_more_is_a_loss_too() -> None:
    parts, paths = bens_files_went()
    OthersRelay(parts).on_committed(placed_files(paths))
    assert held_here(parts) == ["d2"]


def so_is_what_was_placed_before_a_crash() -> None:
    parts, paths = bens_files_went()
    OthersRelay(parts).on_settled(placed_files(paths))
    assert held_here(parts) == ["d2"]


def whoever_has_another_label_is_confirmed_by_that() -> None:
    parts, paths = bens_files_went()
    FollowingRelay(parts).on_applied(known_head(2), paths, held=False)
    parts.node.label_of = lambda device: "ben"  # type: ignore[method-assign]
    GroupRelay(parts).on_members_changed()
    assert held_here(parts) == ["ben"]


def what_somebody_came_back_without_is_told_by_the_new_label() -> None:
    parts, paths = bens_files_went()
    FollowingRelay(parts).on_applied(known_head(2), paths[:1], held=True)
    parts.node.label_of = lambda device: "ben"  # type: ignore[method-assign]
    GroupRelay(parts).on_members_changed()
    (known,) = parts.node.troubles.of(TroubleKind.LEFT_BEHIND)
    assert known.subject == "ben"


def bens_loss_confirmed(by: int = 1) -> tuple[Wiring, LossConfirm]:
    """What d2 deleted is held here, and somebody's word about it."""
    parts, _ = linked(2, 3)
    name, files = ManifestName.own(BEN), records(30)
    parts.node.index.places.put(name, list(map(standing, files)))
    parts.node.index.manifests.set_head(known_head(2))
    paths = [each.path for each in files]
    FollowingRelay(parts).on_applied(known_head(2), paths, held=False)
    assert held_here(parts) == ["d2"]
    return parts, sign_confirm(group(1).group, known_head(2), key(by))


def what_is_confirmed_elsewhere_is_let_go() -> None:
    parts, word = bens_loss_confirmed(by=3)
    parts.confirmations.on_heard(BEN, [word])
    assert held_here(parts) == []


def after_a_restart_what_was_confirmed_is_let_go() -> None:
    parts, word = bens_loss_confirmed(by=3)
    parts.confirmations._keep(word)
    again = Wiring(node(1, index=parts.node.index))
    again.start()
    assert held_here(again) == []


def after_trouble_what_was_confirmed_is_asked_again() -> None:
    parts, word = bens_loss_confirmed(by=3)
    parts.confirmations._keep(word)
    parts.loss_breaker._asked[ManifestName.own(BEN)] = (word,)  # what came of that is undone
    parts.recover()
    assert held_here(parts) == []


def who_links_hears_what_was_confirmed() -> None:
    parts, dispatch = started(2, 3)
    parts.node.index.manifests.set_head(known_head(3))
    assert parts.confirmations.sign(ManifestName.own(CLEO))
    dispatch.handle(events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None))
    sent = [e.message for e in flush(parts.node) if isinstance(e, effects.Send)]
    assert [message for message in sent if isinstance(message, LossConfirms)]


def the_word_of_who_is_removed_counts_no_more() -> None:
    parts, word = bens_loss_confirmed(by=3)
    parts.loss_breaker.held.release_all(ManifestName.own(BEN))
    parts.confirmations.on_heard(BEN, [word])
    parts.membership.add_records(removal(3))
    assert repr(parts.confirmations) == "<Confirmations: 0 words>"


def another_group_knows_nothing_of_what_was_confirmed() -> None:
    parts, word = bens_loss_confirmed(by=3)
    parts.confirmations.on_heard(BEN, [word])
    GroupRelay(parts).on_regrouped()
    assert repr(parts.confirmations) == "<Confirmations: 0 words>"


def lost_of_mine() -> tuple[Wiring, Spot]:
    """A file that is shared, held, and about to be brought back."""
    parts = Wiring(node(1))
    (file,) = records(1)
    spot = Spot(parts.node.own_manifest, file.path)
    parts.node.index.roster.replace(group(1, 2).records())
    parts.node.index.manifests.put(spot.manifest, [file])
    parts.start()
    parts.node.take()
    parts.publishing.held.hold([spot.path])
    parts.publishing.held.write()
    return parts, spot


def wanted_back() -> tuple[Wiring, Spot]:
    """The same, when a person has said so."""
    parts, spot = lost_of_mine()
    parts.bringing_back.repair()
    return parts, spot


def came_back(spot: Spot) -> list[SpotOutcome]:
    """A group commit that placed it."""
    (done,) = placed_files([spot.path])
    where = parse_wire_path(b"d1/" + spot.path)
    ready = replace(done.ready, spot=spot, item=replace(done.ready.item, path=where))
    return [SpotOutcome(ready, replace(done.placed, path=where))]


def what_a_person_wants_back_is_decided_about() -> None:
    parts, spot = wanted_back()
    assert spot in parts.receiving.pending


def what_is_in_the_way_is_looked_at_before_it_counts() -> None:
    for absent in (False, True):
        parts, spot = wanted_back()
        (done,) = came_back(spot)
        blocked = replace(done.placed, placement=events.Placement.BLOCKED, stat=None)
        parts.bringing_back.on_committed([replace(done, placed=blocked)])
        parts.node.share_present = not absent
        assert parts.own_folder.work
        assert parts.bringing_back.deadline() is None


def what_is_skipped_no_more_is_decided_about() -> None:
    parts, _ = linked(2)
    receive(parts.node.index, [record("a")], 1, BEN)
    SkippingRelay(parts).on_skips_changed()
    assert parts.receiving.catching_up


def the_others_hear_what_is_skipped() -> None:
    parts, _ = linked(2)
    parts.announcing.tell_changed()
    SkippingRelay(parts).on_skips_changed()
    assert parts.announcing._kept_due


def what_nobody_wants_back_is_left_alone() -> None:
    parts, spot = lost_of_mine()
    parts.receiving.look_again(spot)
    parts.receiving.on_tick()
    assert not parts.downloads.waiting


def what_came_back_is_held_no_more() -> None:
    parts, spot = wanted_back()
    OthersRelay(parts).on_committed(came_back(spot))
    assert not parts.publishing.held


def so_is_what_came_back_before_a_crash() -> None:
    parts, spot = wanted_back()
    OthersRelay(parts).on_settled(came_back(spot))
    assert not parts.publishing.held


def what_came_back_is_looked_at() -> None:
    parts, spot = wanted_back()
    OthersRelay(parts).on_committed(came_back(spot))
    assert parts.node.layout.path_of(spot) in parts.own_folder._touched


def what_has_the_name_of_what_was_touched_is_looked_at_too() -> None:
    parts, _ = linked(2)
    known = Spot(ManifestName.own(key(2).device), b"Foo")
    paths = [parts.node.layout.path_of(known)]
    parts.receiving.names.spelled_otherwise = lambda _: paths  # type: ignore[assignment, method-assign]
    assert OthersRelay(parts).spelled_otherwise([]) == paths


def what_is_held_no_more_need_not_come_back() -> None:
    parts, spot = wanted_back()
    parts.publishing.held.release([spot.path])
    OwnRelay(parts).on_held_changed()
    assert repr(parts.bringing_back) == "<BringingBack 0 paths>"


def after_a_restart_what_is_wanted_back_still_comes() -> None:
    parts, spot = wanted_back()
    after = Wiring(node(1, index=parts.node.index, run=2))
    after.start()
    assert spot in after.receiving.pending


def after_trouble_what_is_wanted_back_still_comes() -> None:
    parts, spot = wanted_back()
    parts.receiving.pending.clear()
    parts.recover()
    assert spot in parts.receiving.pending


def after_trouble_an_older_copy_is_one_still() -> None:
    parts, _ = linked(2)
    parts.node.index.meta.set(OLDER_COPY, b"1")
    parts.recover()
    assert parts.publishing.older.found


def what_a_killed_batch_put_aside_is_told() -> None:
    parts = forgotten()
    spot = Spot(ManifestName.own(CLEO), b"file")
    path = parse_wire_path(b"d3/file")
    item = effects.PlaceItem(path, Source.NONE, None, None, 0, False, None, None)
    gone = events.Placement.SOURCE_GONE
    placed = events.Placed(path, None, gone, None, "Put aside/d3/file", "")
    OthersRelay(parts).on_settled([SpotOutcome(Placeable(spot, item), placed)])
    parts.node.now += 3600.0
    parts.replica_check.on_tick()
    assert any("“Put aside/d3/file”" in tell.text for tell in taken(parts.node, effects.Tell))


def who_is_removed_ends() -> None:
    parts, _ = linked(2, 3)
    parts.membership.add_records(removal(3))
    assert not parts.node.leaving
    out, _ = started(2)
    roster = out.node.roster
    assert roster is not None
    other = Wiring(node(2))
    other.node.index.roster.replace(group(1, 2).records())
    other.start()
    other.membership.add_records(removal(2, of=2))
    assert other.node.leaving


def a_group_that_says_no_is_asked_how_it_is() -> None:
    parts, dispatch = started()
    parts.node.now = 1.0
    parts.admission_policy.on_offer(
        Offer(bytes(16), bytes(32), "Better", "d9", limits.PORT, 1, open=True), address(9).host
    )
    parts.admission_policy.on_tick()
    (dial,) = taken(parts.node, effects.Dial)
    dispatch.handle(events.DialFailed(dial.dial, "", refused=True, knock=False))
    parts.node.take()
    parts.node.now += limits.PAIRING_CALLED_S
    parts.pairings.on_tick()
    assert [effect.to for effect in taken(parts.node, effects.Transmit)] == [address(9)]


def another_group_ends_the_own_code() -> None:
    parts, _ = started()
    parts.invitations.invite(60.0)
    parts.membership._listener.on_regrouped()
    assert parts.invitations.left_s is None


def a_lonely_device_asks_strangers_as_it_calls() -> None:
    parts, _ = started()
    parts.discovery._listener.on_called(address(9))
    assert [effect.to for effect in taken(parts.node, effects.Transmit)] == [address(9)]


def offered_a_door() -> tuple[Wiring, Dispatch]:
    """A lonely device that dials the door of device 9."""
    parts, dispatch = started()
    parts.node.now = 1.0
    offer = Offer(bytes(16), bytes(32), "Better", "d9", limits.PORT, 1, open=True)
    parts.admission_policy.on_offer(offer, address(9).host)
    parts.admission_policy.on_tick()
    return parts, dispatch


def links_in_trouble(parts: Wiring) -> list[str]:
    return [trouble.subject for trouble in parts.node.troubles.of(TroubleKind.LINK)]


def a_door_that_cannot_be_dialled_is_asked_to_dial_and_told_if_it_does_not() -> None:
    parts, dispatch = offered_a_door()
    (dial,) = taken(parts.node, effects.Dial)
    dispatch.handle(events.DialFailed(dial.dial, "timeout", refused=False, knock=False))
    asked = [CLEAR.decode(effect.data) for effect in taken(parts.node, effects.Transmit)]
    assert [m.call for m in asked if isinstance(m, Solicit)] == [limits.PORT]
    parts.node.now += limits.PAIRING_CALLED_S
    parts.pairings.on_tick()
    assert links_in_trouble(parts) == ["d9"]


def what_no_version_of_ours_can_talk_to_is_known_to_the_way_in() -> None:
    parts, _ = offered_a_door()
    reason = f"tls: {events.NO_COMMON_VERSION}"
    GroupRelay(parts).on_door_blocked("d9", address(9), reason)
    assert address(9).host in parts.requests.list.ends


def doubled_ben(*others: int) -> tuple[Wiring, Dispatch]:
    """d2 is linked in two runs, and both answer."""
    parts, dispatch = linked(2, *others)
    other = LinkId(6)
    dispatch.handle(events.LinkOpened(other, LinkKind.CONTROL, BEN, address(9), b"other", None))
    sent = [send for send in taken(parts.node, effects.Send) if isinstance(send.message, Ping)]
    asked = [send.message.sequence for send in sent if isinstance(send.message, Ping)]
    for link, number in zip((LINK, other), asked, strict=True):
        dispatch.handle(events.MessageHeard(link, Pong(number, b"", b"")))
    return parts, dispatch


def two_machines(parts: Wiring) -> list[str]:
    return [trouble.subject for trouble in parts.node.troubles.of(TroubleKind.CLONE)]


def a_member_that_runs_on_two_machines_is_told_and_not_followed() -> None:
    parts, dispatch = doubled_ben()
    assert two_machines(parts) == ["d2"]
    dispatch.handle(events.MessageHeard(LinkId(6), Heads([known_head(2)])))
    assert parts.following.pursuits[ManifestName.own(BEN)].newest is None


def that_it_runs_on_two_machines_is_known_after_a_restart() -> None:
    parts, _ = doubled_ben()
    again = Wiring(node(1, index=parts.node.index, run=2))
    again.start()
    assert two_machines(again) == ["d2"]


def one_of_two_machines_that_were_away_is_there_again() -> None:
    parts, dispatch = doubled_ben()
    for link in (LINK, LinkId(6)):
        dispatch.handle(events.LinkClosed(link, "", clean=True))
    parts.node.now += 10 * AWAY_S
    parts.doubled_owners.on_tick()
    (away,) = parts.node.troubles.of(TroubleKind.CLONE)
    assert "none is linked" in away.reason
    dispatch.handle(events.LinkOpened(LinkId(7), LinkKind.CONTROL, BEN, address(2), b"run", None))
    (there,) = parts.node.troubles.of(TroubleKind.CLONE)
    assert "or did a while ago" in there.reason


def when_the_decided_list_is_held_it_is_one_machine_again() -> None:
    parts, _ = doubled_ben()
    FollowingRelay(parts).on_applied(known_head(2, 1 << 20), [], held=False)
    assert two_machines(parts) == []


def whoever_is_put_out_is_no_two_machines_any_more() -> None:
    parts, _ = doubled_ben(3)
    parts.membership.add_records(removal(2))
    assert two_machines(parts) == []


def met_itself() -> tuple[Wiring, Dispatch]:
    """A link with another run of this device."""
    parts, dispatch = started(2)
    me = parts.node.me
    dispatch.handle(events.LinkOpened(LINK, LinkKind.CONTROL, me, address(9), b"other", None))
    parts.node.take()
    return parts, dispatch


def a_restart_does_not_forget_the_other_machine() -> None:
    parts, _ = met_itself()
    again = Wiring(node(1, index=parts.node.index, run=2))
    again.start()
    assert again.node.cloned


def a_member_says_that_the_other_machine_is_kept() -> None:
    parts, dispatch = met_itself()
    link = LinkId(6)
    dispatch.handle(events.LinkOpened(link, LinkKind.CONTROL, BEN, address(2), b"run", None))
    dispatch.handle(events.MessageHeard(link, Heads([known_head(1, 1 << 20)])))
    assert parts.node.leaving


def the_other_machine_is_dialled_when_this_one_is_kept() -> None:
    parts, dispatch = met_itself()
    dispatch.handle(KeepHereAsked(1))
    parts.own_calls.on_tick()
    assert [dial.address for dial in taken(parts.node, effects.Dial)] == [address(9)]


def a_door_that_is_reached_is_no_trouble_any_more() -> None:
    parts, dispatch = offered_a_door()
    (dial,) = taken(parts.node, effects.Dial)
    parts.link_troubles.on_blocked("d9", address(9), "timeout")
    opened = events.LinkOpened(LINK, LinkKind.PAIRING, None, address(9), b"", dial.dial)
    dispatch.handle(opened)
    assert links_in_trouble(parts) == []


def a_newcomer_that_asks_is_dialled() -> None:
    parts, dispatch = started()
    ask = Solicit(b"n" * 16, bytes(400))
    dispatch.handle(events.DatagramHeard(encode(ask), address(2), "unicast"))
    sent = [CLEAR.decode(effect.data) for effect in taken(parts.node, effects.Transmit)]
    (offer,) = [message for message in sent if isinstance(message, Offer)]
    call = Solicit(b"n" * 16, bytes(400), 7700, offer.cookie)
    dispatch.handle(events.DatagramHeard(encode(call), address(2), "unicast"))
    assert [dial.address.port for dial in taken(parts.node, effects.Dial)] == [7700]


def a_member_that_is_heard_and_cannot_be_dialled_is_a_trouble_until_it_is_linked() -> None:
    parts, dispatch = started(2)
    parts.link_troubles.on_heard(BEN)
    for _ in range(2):
        parts.discovery.on_met(BEN, address(2))
        parts.node.now += 10.0
        parts.link_troubles.on_heard(BEN)
        parts.discovery.on_tick()
        (dial,) = taken(parts.node, effects.Dial)
        dispatch.handle(events.DialFailed(dial.dial, "timeout", refused=False, knock=False))
    assert links_in_trouble(parts) == ["d2"]
    opened = events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None)
    dispatch.handle(opened)
    assert links_in_trouble(parts) == []


def bulk_links_that_neither_side_can_dial_are_a_trouble_until_one_comes() -> None:
    parts, dispatch = linked(2)
    parts.node.peer(BEN).address = address(2)
    missed = events.BulkSearch(BEN, LinkKind.BULK, events.SearchStep.MISSED, "timeout")
    found = events.BulkSearch(BEN, LinkKind.BULK, events.SearchStep.FOUND, "timeout")
    asked = events.RequestHeard(events.RequestId(1), BEN, FilesAsk([]))
    for end in (found, asked):
        dispatch.handle(missed)
        assert links_in_trouble(parts) == [], "a cable may be out"
        dispatch.handle(events.MessageHeard(LINK, Pong(1, b"", b"")))
        parts.node.now += SEARCH_S
        dispatch.handle(missed)
        assert links_in_trouble(parts) == ["d2"]
        dispatch.handle(end)
        assert links_in_trouble(parts) == []


def connections_that_hang() -> tuple[Wiring, Dispatch]:
    parts, dispatch = linked(2)
    parts.node.peer(BEN).address = address(2)
    dispatch.handle(events.PathStalled(address(2).host))
    parts.node.now += HUNG_AGAIN_S
    dispatch.handle(events.PathStalled(address(2).host))
    assert links_in_trouble(parts) == ["d2"]
    return parts, dispatch


def connections_that_hang_are_a_trouble_until_many_bytes_come() -> None:
    parts, _ = connections_that_hang()
    parts.downloads._listener.on_received(BEN, MANY_BYTES)
    assert links_in_trouble(parts) == []


def connections_that_hang_are_no_trouble_once_the_device_leaves() -> None:
    for clean in (False, True):
        parts, dispatch = connections_that_hang()
        dispatch.handle(events.LinkClosed(LINK, "", clean))
        assert (links_in_trouble(parts) == []) == clean


def what_is_known_of_held_files_is_asked_anew_when_somebody_links_or_leaves() -> None:
    parts, dispatch = started(2)
    asked = list[bool]()
    parts.publishing.breaker.on_others = lambda: asked.append(True)  # type: ignore[method-assign]
    dispatch.handle(events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None))
    assert len(asked) == 1
    dispatch.handle(events.LinkClosed(LINK, "", clean=True))
    assert len(asked) == 2


def who_was_met_on_the_way_in_is_known_to_be_there() -> None:
    parts, _ = started()
    parts.pairings.entering._listener.on_met(BEN, address(2))
    assert parts.node.addresses_of(BEN) == (address(2),)


def company_ends_what_is_asked_elsewhere() -> None:
    parts, _ = offered_a_door()
    parts.node.roster = group(1, 2)
    parts.admission_policy.on_members()
    assert "wish=False" in repr(parts.pairings)


def what_a_person_answers_reaches_the_conversation() -> None:
    parts, dispatch = started()
    parts.admission_policy.door.open_until_s = None
    parts.node.settings = replace(parts.node.settings, headless=True)
    opened = events.LinkOpened(LINK, LinkKind.PAIRING, None, address(2), b"", None)
    dispatch.handle(opened)
    joiner = Joiner(key(2), "d2", bytes(16))
    for message in joiner.begin():
        dispatch.handle(events.MessageHeard(LINK, message))
    (send,) = taken(parts.node, effects.Send)
    for message in joiner.hear(send.message):  # type: ignore[arg-type]
        dispatch.handle(events.MessageHeard(LINK, message))
    parts.node.take()
    dispatch.handle(ApproveAsked(1, "d2"))
    assert [type(send.message) for send in taken(parts.node, effects.Send)] == [PairAllow]


def asked_here() -> Asker:
    """Device 5 asks to come in."""
    who = key(5)
    newcomer = Newcomer(who.device, who.certificate, who.sealing_public, "d5")
    return Asker(LinkId(9), newcomer, "10.0.0.5", bytes(32), 120.0)


def who_is_linked_hears_who_asks() -> None:
    parts, dispatch = started(2)
    parts.requests.open_here(asked_here(), is_open=False)
    parts.node.take()
    opened = events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None)
    dispatch.handle(opened)
    told = [send.message for send in taken(parts.node, effects.Send)]
    assert any(isinstance(message, RequestTold) for message in told)


def what_a_member_told_goes_with_its_link() -> None:
    parts, dispatch = linked(2)
    told = RequestTold("12345678", "d5", "d5", "10.0.0.5", [], 60)
    dispatch.handle(events.MessageHeard(LINK, told))
    assert len(parts.requests.list) == 1
    dispatch.handle(events.LinkClosed(LINK, "", clean=True))
    assert len(parts.requests.list) == 0


def a_device_that_is_there_again_may_be_asked_at_once() -> None:
    parts, _ = started(2)
    parts.downloads.ask()
    assert parts.downloads.deadline() is None
    opened = events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None)
    parts.discovery.on_link_opened(opened, BEN)
    assert parts.downloads.deadline() == parts.node.now


def what_an_earlier_run_announced_counts_no_more() -> None:
    parts, dispatch = linked(2)
    dispatch.handle(events.MessageHeard(LINK, Heads([known_head(2)])))
    assert parts.node.peer(BEN).heads
    again = events.LinkOpened(LinkId(6), LinkKind.CONTROL, BEN, address(2), b"later", None)
    dispatch.handle(again)
    assert not parts.node.peer(BEN).heads


def a_chain_of_admissions_makes_a_member() -> None:
    parts, dispatch = started(2)
    roster = group(1, 2)
    chain = [member(key(2), roster, key(3), "d3")]
    sealed = seal_to(key(1).sealing_public, bytes(32), b"introduction", encode(chain))
    dispatch.handle(events.IntroductionHeard(OrderId(3), sealed, address(3)))
    assert effects.AnswerIntroduction(OrderId(3), accepted=True) in parts.node.take()


def with_company_no_code_of_the_start_is_waited_for() -> None:
    parts, _ = started(2)
    lack = Trouble(TroubleKind.CODE, "code", "nobody", "", 0.0, None)
    parts.node.troubles.note(lack)
    parts.membership.add_records(group(1, 2, 3).records())
    assert parts.node.troubles.of(TroubleKind.CODE) == []


def in_another_group_no_code_of_the_start_is_waited_for() -> None:
    parts, _ = started()
    lack = Trouble(TroubleKind.CODE, "code", "nobody", "", 0.0, None)
    parts.node.troubles.note(lack)
    parts.membership.enter(group(2, 1))
    assert parts.node.troubles.of(TroubleKind.CODE) == []


def a_folder_of_nobody_is_looked_at_again_when_there_is_a_new_member() -> None:
    parts, dispatch = started(2)
    seen = events.TopSeen((events.TopEntry("d3", True, events.TopKind.FOLDER),), complete=True)
    dispatch.handle(seen)
    strays = [trouble.subject for trouble in parts.node.troubles.of(TroubleKind.STRAY)]
    assert strays == ["Shared/d3"]
    roster = parts.node.roster
    assert roster is not None
    parts.membership.add_records([member(key(2), roster, key(3), "d3")])
    assert parts.strays.deadline() is not None
    dispatch.handle(seen)
    assert parts.node.troubles.count(TroubleKind.STRAY) == 0


def a_folder_of_nobody_is_looked_at_again_when_somebody_is_met() -> None:
    parts, dispatch = started(2)
    seen = events.TopSeen((events.TopEntry("d3", True, events.TopKind.FOLDER),), complete=True)
    dispatch.handle(seen)
    (before,) = parts.node.troubles.of(TroubleKind.STRAY)
    assert not before.command.startswith("mv"), "nobody was met"
    assert parts.strays.deadline() is None
    dispatch.handle(events.LinkOpened(LINK, LinkKind.CONTROL, BEN, address(2), b"run", None))
    assert parts.strays.deadline() is not None


def a_state_of_ours_that_was_lost_is_fetched_and_merged() -> None:
    parts, dispatch = linked(2)
    looked_at(parts, dispatch)
    own = parts.node.own_manifest
    lost = sign_head(Head(*own, 3, 1, 0, EMPTY_TREE_ROOT, b"another"), key(1))
    dispatch.handle(events.MessageHeard(LINK, Heads([lost])))
    parts.following.on_tick()
    asked = [fetch.order for fetch in taken(parts.node, effects.Fetch)]
    page = ManifestPage(*own, [], [], 1, 1, lost)
    for order in asked:
        dispatch.handle(events.ManifestHeard(order, page, 0))
    parts.lost_state.on_tick()
    head = parts.node.index.manifests.head(own)
    assert head is not None
    assert continues(head, lost)


def ben_contradicts_itself() -> tuple[Wiring, Head]:
    """What d2 shares stands here, and d2 signs another state under the same number."""
    parts, dispatch = linked(2)
    parts.node.index.manifests.set_head(known_head(2))
    other = msgspec.structs.replace(known_head(2), root=b"x" * 32)
    forged = sign_head(other, key(2))
    parts.announcing._kept_due = False
    dispatch.handle(events.MessageHeard(LINK, Heads([forged])))
    return parts, forged


def what_was_said_of_a_folder_that_contradicts_itself_is_told_anew() -> None:
    parts, _ = ben_contradicts_itself()
    assert parts.node.troubles.of(TroubleKind.FROZEN) != []
    assert parts.announcing._kept_due


def after_a_restart_who_contradicted_itself_is_frozen() -> None:
    parts, _ = ben_contradicts_itself()
    again = Wiring(node(1, index=parts.node.index))
    again.start()
    assert [one.subject for one in again.node.troubles.of(TroubleKind.FROZEN)] == ["d2"]


def what_clashed_with_a_batch_is_decided_about_after_it() -> None:
    parts, dispatch = started(2)
    parts.receiving.on_tick()
    parts.commits._batches[BatchId(1)] = Batch({})
    parts.commits._aside.add(Spot(ManifestName.own(BEN), b"a"))
    dispatch.handle(BatchPlaced(BatchId(1), ()))
    assert parts.receiving.deadline() == parts.node.now


def after_trouble_memory_is_written_down_and_all_is_looked_at() -> None:
    parts, dispatch = linked(2)
    looked_at(parts, dispatch)
    parts.node.now = 100.0
    parts.node.index.roster.replace([])
    parts.recover()
    assert parts.node.roster is not None
    assert parts.node.index.roster.all() == parts.node.roster.records()
    asked = parts.node.take()
    assert [effect.own for effect in asked if isinstance(effect, effects.Scan)] == [True]
    assert effects.Send(LINK, HeadsAsk(parts.announcing.digest)) in asked
    looked_at(parts, dispatch)
    assert parts.replica_check.deadline() == parts.node.now


def after_trouble_no_lost_answer_about_the_own_folder_is_waited_for() -> None:
    parts, dispatch = linked(2)
    looked_at(parts, dispatch)
    parts.own_folder.scan()
    parts.node.take()  # it failed with the index, and nobody asks for it again
    parts.recover()
    asked = parts.node.take()
    assert [effect.own for effect in asked if isinstance(effect, effects.Scan)] == [True]


# -- devices on a wire -----------------------------------------------------------------------------
def said(box: Box, kind: type, since: float = 0.0) -> list[float]:
    """When a device said something of that kind over a link."""
    return [
        at
        for at, effect in box.done
        if at >= since and isinstance(effect, effects.Send) and isinstance(effect.message, kind)
    ]


def has(box: Box, data: bytes) -> bool:
    return any(data == found for path, found in box.disk.items() if path.parts[0] != ".parts")


def shared(data: bytes = b"hello") -> tuple[Wire, Box, Box]:
    """Two devices; what the first has written stands at the second's, and all is told."""
    wire, (ann, ben) = ring(2)
    ann.write("a", data)
    assert wire.run(2.0, lambda: has(ben, data))
    wire.run(3.0)
    return wire, ann, ben


def two_that_start_become_one_ring_with_company() -> None:
    wire = Wire()
    ann, ben = wire.add(1), wire.add(2)
    assert wire.run(5.0, lambda: one_ring([ann, ben]))
    for box in (ann, ben):
        assert not box.engine.wiring.admission_policy.lonely


def a_beacon_says_where_one_listens_and_how_large_the_ring_is() -> None:
    wire, (ann, _) = ring(2)
    wire.run(30.0)
    roster = ann.engine.node.roster
    assert roster is not None
    beacons = []
    for transmit in ann.asked_for(effects.Transmit):
        inside = open_datagram(roster.group_key, transmit.data)
        if inside is not None:
            beacons.append(SEALED.decode(msgspec.msgpack.decode(inside, type=Envelope).body))
    assert any(isinstance(b, Beacon) and (b.port, b.count) == (limits.PORT, 2) for b in beacons)


def a_new_link_hears_roster_and_heads_at_once() -> None:
    wire, (ann, ben) = ring(2)
    ann.write("a", b"hello")
    wire.run(3.0)
    ben.crash()
    wire.run(1.0)
    again, at = wire.again(ben), wire.now
    assert wire.run(5.0, lambda: ann.engine.node.linked() == [again.me])
    wire.run(0.05)
    assert said(ann, RosterDigest, at)
    assert said(ann, Heads, at)
    assert said(ann, Kept, at)


def a_process_that_breaks_off_is_gone_at_once() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(1.0)
    wire.silent = lambda *_: True  # it does not even refuse to be dialled
    ben.crash()
    assert wire.run(0.01, lambda: ann.status(ben) is Status.SUSPECT), "before any probe is due"


def a_process_that_refuses_everywhere_is_suspected() -> None:
    _, (ann, ben) = ring(2)
    ann.engine.wiring.discovery._listener.on_refused(ben.me)
    assert ann.status(ben) is Status.SUSPECT


def what_one_writes_comes_to_the_other_and_is_told() -> None:
    _, ann, ben = shared()
    name = ManifestName.own(ann.me)
    assert ann.engine.wiring.announcing.digest == ben.engine.wiring.announcing.digest
    assert ann.engine.node.peers[ben.me].kept[name].missing_files == 0
    assert not ben.engine.wiring.receiving.busy


def a_rename_moves_the_file() -> None:
    wire, ann, ben = shared()
    path = parse_wire_path(f"{ann.label}/a".encode())
    new = parse_wire_path(f"{ann.label}/b".encode())
    ann.disk[new] = ann.disk.pop(path)
    ann.hear(events.PathsTouched((path, new), overflow=False))
    assert wire.run(3.0, lambda: new in ben.disk)
    sources = [item.source for place in ben.asked_for(effects.Place) for item in place.items]
    assert Source.MOVED in sources


def a_file_that_somebody_removed_is_told_as_missing_and_comes_back() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    del ben.disk[parse_wire_path(f"{ann.label}/a".encode())]
    ben.hear(events.RescanAsked())
    name = ManifestName.own(ann.me)
    kept = ann.engine.node.peers[ben.me].kept
    assert wire.run(3.0, lambda: kept[name].missing_files == 1)
    assert len(ben.asked_for(effects.Fetch)) == 3, "page and content, and the content again"


def what_one_adds_and_deletes_is_told_on_both_sides() -> None:
    wire, ann, ben = shared()
    assert ann.told("happened") == ["you added a (5 B)"]
    del ann.disk[parse_wire_path(f"{ann.label}/a".encode())]
    ann.hear(events.PathsTouched((parse_wire_path(f"{ann.label}/a".encode()),), overflow=False))
    wire.run(5.0)
    assert ben.told("happened") == [
        f"{ann.label} added a (5 B)",
        f"{ann.label} deleted a (kept 30 days in the trash)",
    ]


def what_goes_before_anybody_had_it_is_told() -> None:
    wire, ann, ben = shared()
    ben.crash()
    ann.write("b", b"never sent")
    wire.run(2.0)
    ann.delete("b")
    wire.run(5.0)
    assert len(ann.told("undelivered")) == 1


def what_is_shared_again_is_not_lost() -> None:
    wire, (ann, _) = ring(2)
    device = ann.engine.wiring.undelivered
    device._lost = {b"a": _Gone(Root(bytes(32)), replaced=False, seq=1, last=(0, 0))}
    ann.write("a", b"text")
    assert wire.run(10.0, lambda: not device._lost)


def what_nobody_had_before_a_restart_is_known_after_it() -> None:
    wire, ann, ben = shared()
    ben.crash()
    ann.write("b", b"never sent")
    wire.run(2.0)
    again = wire.again(ann)
    wire.run(5.0)
    again.delete("b")
    wire.run(5.0)
    assert len(again.told("undelivered")) == 1


def a_file_that_is_brought_back_is_no_deed_of_its_owner() -> None:
    wire, ann, ben = shared()
    del ben.disk[parse_wire_path(f"{ann.label}/a".encode())]
    ben.hear(events.RescanAsked())
    assert wire.run(15.0, lambda: has(ben, b"hello"))
    wire.run(5.0)
    assert len(ben.told("happened")) == 1


def what_its_owner_changes_while_it_is_lost_is_told() -> None:
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk,)
    del ben.disk[parse_wire_path(f"{ann.label}/a".encode())]
    ben.hear(events.RescanAsked())
    kept, name = ann.engine.node.peers[ben.me].kept, ManifestName.own(ann.me)
    assert wire.run(3.0, lambda: kept[name].missing_files == 1)
    wire.run(15.0)
    wire.unanswered = ()
    ann.write("a", b"news")
    assert wire.run(15.0, lambda: has(ben, b"news"))
    wire.run(5.0)
    assert len(ben.told("happened")) == 2


def what_is_missing_is_told_though_nothing_can_be_fetched() -> None:
    wire, ann, ben = shared()
    ben.hear(SkipAsked(1, ("*",)))
    wire.run(3.0)
    ben.disk[parse_wire_path(f"{ann.label}/a".encode())] = b"edited here"
    ben.hear(events.RescanAsked())
    kept = ann.engine.node.peers[ben.me].kept
    assert wire.run(3.0, lambda: kept[ManifestName.own(ann.me)].missing_files == 1)


def what_is_held_of_the_own_folder_lacks_there() -> None:
    wire, ann, ben = shared()
    for number in range(30):
        ann.write(f"{number}", b"%d" % number)
    assert wire.run(5.0, lambda: all(has(ben, b"%d" % number) for number in range(30)))
    wire.run(3.0)
    paths = tuple(path for path in ann.disk if path.parts[0] == ann.label)
    for path in paths:
        del ann.disk[path]
    ann.hear(events.PathsTouched(paths, overflow=False))
    kept = ben.engine.node.peers[ann.me].kept

    def lacking() -> int:
        said = kept.get(ManifestName.own(ann.me))
        return said.missing_files if said is not None else 0

    assert wire.run(5.0, lambda: lacking() == 31)
    assert all(has(ben, b"%d" % number) for number in range(30))


def checks(box: Box, since: float) -> bool:
    """Whether a device began to look at other people's folders."""
    return any(not scan.own for scan in box.asked_for(effects.Scan, since))


def a_file_being_placed_is_not_judged() -> None:
    wire, ann, ben = shared()
    wire.ignored = (effects.Place,)
    ann.write("a", b"another")
    assert wire.run(3.0, lambda: len(ben.asked_for(effects.Place)) == 2)
    at = wire.now
    ben.disk[parse_wire_path(f"{ann.label}/a".encode())] = b"another"
    ben.hear(events.RescanAsked())
    assert wire.run(3.0, lambda: checks(ben, at))
    wire.run(3.0)
    assert not ben.asked_for(effects.Hash, at)


def an_edit_here_is_told_with_where_it_went() -> None:
    wire, ann, ben = shared()
    path = parse_wire_path(f"{ann.label}/a".encode())
    ben.disk[path] = b"edited here"
    ben.hear(events.PathsTouched((path,), overflow=False))
    assert wire.run(3.0, lambda: bool(ben.told("put_aside")))
    (text,) = ben.told("put_aside")
    assert f"{path} was edited here: this version is in “Put aside/{path}”" in text


def what_is_changed_here_again_and_again_rests() -> None:
    wire, ann, ben = shared()
    path = parse_wire_path(f"{ann.label}/a".encode())
    for number in range(3):
        at = wire.now
        ben.disk[path] = b"edited here %d" % number
        ben.hear(events.PathsTouched((path,), overflow=False))
        wire.run(1.0)
    assert not ben.asked_for(effects.Place, at)
    assert [trouble.subject for trouble in ben.engine.node.troubles.all()] == [str(path)]


def what_was_in_the_way_is_gone_and_what_it_blocked_is_tried_at_once() -> None:
    wire, ann, ben = shared()
    mine, way = (parse_wire_path(f"{ann.label}/{name}".encode()) for name in ("f/mine", "f"))
    ann.write("f/x", b"x")
    assert wire.run(3.0, lambda: way.child("x") in ben.disk)
    ben.disk[mine] = b"mine"
    ann.delete("f/x")
    ann.tree.folders.discard(parse_wire_path(f"{ann.label}/f".encode()))
    ann.write("f", b"a file now")
    troubles = ben.engine.node.troubles
    wire.run(100.0)
    assert [trouble.subject for trouble in troubles.all()] == [str(way)]
    del ben.disk[mine]
    ben.hear(events.PathsTouched((mine,), overflow=False))
    assert wire.run(2.0, lambda: way in ben.disk)


def who_is_started_with_another_name_gets_it() -> None:
    wire, ann, _ = shared()
    ann.crash()
    again = Box(wire, ann.number, ann.index, label="anne", named=True)
    again.tree = ann.tree
    again.start()
    assert again.label == "anne"


def founded(box: Box) -> bool:
    roster = box.engine.node.roster
    return roster is not None and roster.founder == box.me


def a_folder_is_not_renamed_while_files_are_placed_in_it() -> None:
    wire, ann, ben = shared()
    founder, other = sorted((ann, ben), key=lambda box: not founded(box))
    wire.ignored, since = (effects.Place,), wire.now
    other.write("new", b"new")
    assert wire.run(5.0, lambda: bool(founder.asked_for(effects.Place, since)))
    wire.relabel(founder, other)
    wire.run(3.0)
    assert not founder.asked_for(effects.MoveFolder)


def being_renamed() -> tuple[Wire, Box, Box, str]:
    """The folder of the second of two devices, on the disk of the first, gets the name told."""
    wire, ann, ben = shared()
    founder, other = sorted((ann, ben), key=lambda box: not founded(box))
    wire.ignored = (effects.MoveFolder,)
    label = wire.relabel(founder, other)
    wire.run(3.0)
    return wire, founder, other, label


def renamed(box: Box) -> None:
    """It has that name now."""
    [move] = box.asked_for(effects.MoveFolder)
    box.tree.move_top(path_of(move.former), path_of(move.label))
    box.hear(events.FolderMoved(move.order, ""))


def what_was_ready_before_a_folder_was_renamed_is_placed_under_its_new_name() -> None:
    wire, box, other, label = being_renamed()
    other.write("new", b"new")
    wire.run(3.0)
    assert not box.asked_for(effects.Place, wire.now - 3.0)
    renamed(box)
    assert wire.run(3.0, lambda: path_of(f"{label}/new") in box.disk)
    assert {path.parts[0] for path in box.disk} <= {label, box.label}


def what_stands_in_the_share_is_looked_at_after_a_folder_was_renamed() -> None:
    wire, box, _, _ = being_renamed()
    since = wire.now
    renamed(box)
    assert wire.run(3.0, lambda: bool(box.asked_for(effects.LookAtTop, since)))


def what_its_owner_drops_while_it_is_hidden_goes_when_it_is_seen_again() -> None:
    wire, ann, ben = shared()
    point = parse_wire_path(f"{ann.label}/f".encode())
    hidden = point.child("x")
    ann.write("f/x", b"x")
    assert wire.run(3.0, lambda: hidden in ben.disk)
    kept = ben.tree.files.pop(hidden)
    ben.hear(events.MountsSeen((events.Mount(point, 1),)))
    wire.run(3.0)
    ann.delete("f/x")
    wire.run(3.0)
    ben.tree.files[hidden] = kept
    ben.hear(events.MountsSeen(()))
    assert wire.run(3.0, lambda: hidden not in ben.disk)


def folders_that_are_touched_wait_for_what_a_crash_left() -> None:
    wire, (ann, ben) = ring(2)
    wire.ignored = (effects.Place, effects.Settle)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: bool(ben.asked_for(effects.Place)))
    ben.crash()
    again = wire.again(ben)
    again.hear(events.PathsTouched((parse_wire_path(ann.label.encode()),), overflow=False))
    wire.run(5.0)
    assert not checks(again, 0.0)


def folders_of_others_wait_for_the_own_one() -> None:
    wire, _, ben = shared()
    wire.ignored = (effects.Hash,)
    ben.write("mine", b"mine")
    at = wire.now
    wire.run(0.5)
    ben.hear(events.RescanAsked())
    wire.run(3.0)
    assert not checks(ben, at)


def folders_of_others_wait_at_a_start_until_the_own_one_was_looked_at() -> None:
    wire, _, ben = shared()
    ben.crash()
    wire.ignored = (effects.Scan,)
    again = wire.again(ben)
    wire.run(5.0)
    assert again.asked_for(effects.Scan)
    assert not checks(again, 0.0)


def test_the_first_look_at_folders_of_others_waits_for_no_file_of_the_own_one() -> None:
    wire, _, ben = shared()
    ben.crash()
    ben.write("mine", b"mine")
    wire.ignored = (effects.Hash,)
    again = wire.again(ben)
    assert wire.run(2.0, lambda: bool(checks(again, 0.0)))
    assert again.engine.wiring.own_folder.work


def folders_of_others_wait_for_what_a_crash_left() -> None:
    wire, (ann, ben) = ring(2)
    wire.ignored = (effects.Place, effects.Settle)
    ann.write("a", b"hello")
    assert wire.run(5.0, lambda: bool(ben.asked_for(effects.Place)))
    ben.crash()
    again = wire.again(ben)
    wire.run(5.0)
    assert not checks(again, 0.0)


def unused_list(box: Box) -> Root:
    """Let the index know a piece list of no file."""
    box.index.begin()
    box.index.contents.put(piece_list(3))
    box.index.commit()
    return piece_list(3).root


def an_idle_device_lets_go_of_piece_lists_that_no_file_has() -> None:
    wire, (ann,) = ring(1)
    root = unused_list(ann)
    assert wire.run(2 * BUSY_S, lambda: ann.index.contents.get(root) is None)


def every_list_stays_while_an_own_file_is_read() -> None:
    wire, (ann,) = ring(1)
    wire.ignored = (effects.Hash,)
    ann.write("a", b"hello")
    root = unused_list(ann)
    wire.run(2 * BUSY_S)
    assert ann.index.contents.get(root) is not None


def every_list_stays_while_a_file_of_others_is_lacking() -> None:
    wire, (ann, ben) = ring(2)
    wire.unanswered = (FilesAsk,)
    ann.write("a", b"hello")
    root = unused_list(ben)
    wire.run(2 * BUSY_S)
    assert ben.index.contents.get(root) is not None


def after_a_restart_the_own_manifest_goes_on() -> None:
    wire, ann, ben = shared()
    ann.crash()
    again = wire.again(ann)
    assert wire.run(10.0, lambda: one_ring([again, ben]))
    again.write("b", b"more")
    assert wire.run(3.0, lambda: has(ben, b"more"))
    assert not again.told("repair"), "it goes on where it was"


def after_a_restart_what_is_lacking_is_taken_up() -> None:
    wire, (ann, ben) = ring(2)
    wire.unanswered = (FilesAsk,)
    ann.write("a", b"hello")
    assert wire.run(3.0, lambda: len(ben.asked_for(effects.Fetch)) == 2)
    ben.crash()
    wire.unanswered = ()
    again = wire.again(ben)
    assert wire.run(10.0, lambda: has(again, b"hello"))


def after_trouble_what_is_lacking_is_taken_up() -> None:
    wire, ann, ben = shared()
    del ben.disk[parse_wire_path(f"{ann.label}/a".encode())]
    ben.index.begin()
    ben.index.places.remove(ManifestName.own(ann.me), [b"a"])
    ben.engine.wiring.recover()
    ben.index.commit()
    assert wire.run(3.0, lambda: has(ben, b"hello"))


def after_trouble_what_was_on_its_way_is_asked_for_again() -> None:
    wire, (ann, ben) = ring(2)
    wire.unanswered = (FilesAsk,)
    ann.write("a", b"hello")
    assert wire.run(3.0, lambda: len(ben.asked_for(effects.Fetch)) == 2)
    wire.unanswered = ()
    ben.index.begin()
    ben.engine.wiring.recover()
    ben.index.commit()
    assert wire.run(10.0, lambda: has(ben, b"hello"))


# -- what the disk damages -------------------------------------------------------------------------
def standing_of_mine() -> tuple[Wiring, Spot]:
    """A file that is shared and stands."""
    parts, spot = lost_of_mine()
    parts.publishing.held.release([spot.path])
    record = parts.node.index.manifests.get(*spot)
    assert record is not None
    parts.node.index.places.put(spot.manifest, [standing(record)])
    parts.receiving.pending.clear()
    return parts, spot


def read_of(parts: Wiring, spot: Spot) -> Hashed:
    """A file that stands, read again: it has other bytes."""
    row = parts.node.index.places.get(*spot)
    assert row is not None
    stat = Stat(row.size, row.mtime_ns, row.ctime_ns, row.inode, row.executable)
    return Hashed(parts.node.layout.path_of(spot), stat, piece_list(1, 77))


def damaged_of_mine() -> tuple[Wiring, Spot]:
    """The same, when it was read."""
    parts, spot = standing_of_mine()
    UpkeepRelay(parts).on_verified(spot, read_of(parts, spot))
    return parts, spot


def what_is_damaged_of_mine_is_decided_about() -> None:
    parts, spot = damaged_of_mine()
    assert spot.path in parts.publishing.damaged
    assert spot in parts.receiving.pending


def what_is_damaged_of_mine_is_wanted() -> None:
    parts, _ = damaged_of_mine()
    parts.receiving.on_tick()
    assert parts.downloads.waiting


def what_is_damaged_of_mine_lacks_here() -> None:
    parts, spot = standing_of_mine()
    parts.announcing._kept_due = False
    parts.publishing.damaged.note(spot.path, b"r" * 32, read_of(parts, spot).stat)
    assert parts.announcing._kept_due


def exchanged(parts: Wiring, spot: Spot) -> list[SpotOutcome]:
    """A group commit that put a whole one there."""
    (done,) = came_back(spot)
    item = replace(done.ready.item, expected=read_of(parts, spot).stat)
    return [SpotOutcome(replace(done.ready, item=item), done.placed)]


def what_was_exchanged_is_damaged_no_more() -> None:
    parts, spot = damaged_of_mine()
    OthersRelay(parts).on_committed(exchanged(parts, spot))
    assert spot.path not in parts.publishing.damaged


def so_is_what_was_exchanged_before_a_crash() -> None:
    parts, spot = damaged_of_mine()
    OthersRelay(parts).on_settled(exchanged(parts, spot))
    assert spot.path not in parts.publishing.damaged


def what_reads_as_it_should_is_damaged_no_more() -> None:
    parts, spot = damaged_of_mine()
    UpkeepRelay(parts).on_whole(spot)
    assert spot.path not in parts.publishing.damaged


def what_is_damaged_of_others_is_lacking() -> None:
    parts, _ = standing_of_mine()
    spot = Spot(ManifestName.own(BEN), b"a")
    (file,) = records(1)
    file = msgspec.structs.replace(file, path=b"a")
    parts.node.index.manifests.put(spot.manifest, [file])
    parts.node.index.places.put(spot.manifest, [standing(file)])
    UpkeepRelay(parts).on_verified(spot, read_of(parts, spot))
    row = parts.node.index.places.get(*spot)
    assert row is not None
    assert row.root != file.root


def what_stands_is_read_again_some_day() -> None:
    parts, _ = started()
    assert parts.scrub.deadline() is not None


def after_trouble_it_is_read_again_what_was_being_read() -> None:
    parts, _ = standing_of_mine()
    parts.scrub._order = OrderId(5)
    parts.recover()
    assert parts.scrub.deadline() is not None


# -- which story notices which wire ----------------------------------------------------------------
NOTICED_BY: dict[str, Callable[[], None]] = {
    "OwnRelay.on_damaged_changed: receiving.look_again(spot)": (
        what_is_damaged_of_mine_is_decided_about
    ),
    "OwnRelay.on_damaged_changed: announcing.on_places_changed()": (
        what_is_damaged_of_mine_lacks_here
    ),
    "OthersRelay.on_committed: healed_files.on_committed(done)": (
        what_was_exchanged_is_damaged_no_more
    ),
    "OthersRelay.on_settled: healed_files.on_committed(done)": (
        so_is_what_was_exchanged_before_a_crash
    ),
    "OthersRelay.is_damaged: return bringing_back.exchanges(spot)": (
        what_is_damaged_of_mine_is_wanted
    ),
    "UpkeepRelay.on_verified: own_folder.judge.on_verified(spot, hashed)": (
        what_is_damaged_of_mine_is_decided_about
    ),
    "UpkeepRelay.on_verified: replica_check.files.on_verified(spot, hashed)": (
        what_is_damaged_of_others_is_lacking
    ),
    "UpkeepRelay.on_whole: publishing.damaged.on_whole(spot)": (
        what_reads_as_it_should_is_damaged_no_more
    ),
    "Wiring.start: scrub.start()": what_stands_is_read_again_some_day,
    "Wiring.recover: end_fetches(node, downloads, following)": (
        after_trouble_what_was_on_its_way_is_asked_for_again
    ),
    "Wiring.recover: scrub.restart()": after_trouble_it_is_read_again_what_was_being_read,
    "SkippingRelay.on_skips_changed: receiving.judge_again()": (
        what_is_skipped_no_more_is_decided_about
    ),
    "SkippingRelay.on_skips_changed: announcing.on_places_changed()": (
        the_others_hear_what_is_skipped
    ),
    "OwnRelay.on_wanted: receiving.look_again(spot)": what_a_person_wants_back_is_decided_about,
    "OthersRelay.is_left_alone: return bringing_back.leaves_alone(spot)": (
        what_nobody_wants_back_is_left_alone
    ),
    "OthersRelay.on_committed: bringing_back.on_committed(done)": what_came_back_is_held_no_more,
    "OthersRelay.on_settled: bringing_back.on_committed(done)": (
        so_is_what_came_back_before_a_crash
    ),
    "OwnRelay.is_looking_at: return not node.share_present or is_open(own_folder, paths)": (
        what_is_in_the_way_is_looked_at_before_it_counts
    ),
    "OwnRelay.on_came: own_folder.look_at(paths)": what_came_back_is_looked_at,
    "OwnRelay.on_held_changed: bringing_back.on_held_changed()": (
        what_is_held_no_more_need_not_come_back
    ),
    "Wiring.start: bringing_back.start()": after_a_restart_what_is_wanted_back_still_comes,
    "Wiring.recover: bringing_back.start()": after_trouble_what_is_wanted_back_still_comes,
    "Wiring.recover: publishing.older.recover()": after_trouble_an_older_copy_is_one_still,
    "FollowingRelay.on_applied: loss_breaker.on_applied(head, paths, held=held)": (
        who_deletes_very_much_at_once_is_not_followed_in_that
    ),
    "ConfirmationsRelay.on_confirmed: loss_breaker.on_confirmed(name)": (
        what_is_confirmed_elsewhere_is_let_go
    ),
    "Wiring.start: take_up_frosts(following, node)": (
        after_a_restart_who_contradicted_itself_is_frozen
    ),
    "Wiring.start: loss_breaker.start()": after_a_restart_what_was_confirmed_is_let_go,
    "Wiring.recover: loss_breaker.start()": after_trouble_what_was_confirmed_is_asked_again,
    "RingRelay.on_linked: confirmations.on_linked(device)": who_links_hears_what_was_confirmed,
    "GroupRelay.on_members_changed: confirmations.on_members()": (
        the_word_of_who_is_removed_counts_no_more
    ),
    "GroupRelay.on_regrouped: confirmations.restart()": (
        another_group_knows_nothing_of_what_was_confirmed
    ),
    "OthersRelay.on_committed: loss_breaker.on_committed(done)": (
        what_is_placed_and_wanted_no_more_is_a_loss_too
    ),
    "OthersRelay.on_settled: loss_breaker.on_committed(done)": (
        so_is_what_was_placed_before_a_crash
    ),
    "GroupRelay.on_members_changed: loss_breaker.on_members()": (
        whoever_has_another_label_is_confirmed_by_that
    ),
    "GroupRelay.on_members_changed: holds.renew()": (
        what_somebody_came_back_without_is_told_by_the_new_label
    ),
    "GroupRelay.on_regrouped: discovery.drop_all('joined another group')": (
        another_group_ends_what_was_of_the_old_one
    ),
    "GroupRelay.on_regrouped: sealed_datagrams.restart()": (
        another_group_ends_what_was_of_the_old_one
    ),
    "GroupRelay.on_regrouped: key_exchange.restart()": another_group_has_other_keys,
    "GroupRelay.on_members_changed: forget_former(circle, node)": who_was_removed_is_no_node,
    "GroupRelay.on_members_changed: forget_further_heads(following, node)": (
        what_a_removed_owner_says_further_is_not_followed
    ),
    "GroupRelay.on_members_changed: forgotten_folders.on_members()": (
        what_a_removed_owner_shared_is_forgotten_by_a_stewards_word
    ),
    "ForgottenRelay.on_forgotten: announcing.recover()": (
        who_has_forgotten_a_folder_asks_what_the_others_hold
    ),
    "ForgottenRelay.on_forgotten: receiving.on_changed(name, paths, held=False)": (
        what_is_forgotten_goes
    ),
    "OthersRelay.on_committed: forgotten_folders.on_committed()": (
        the_empty_folder_of_who_is_forgotten_goes_after_its_files
    ),
    "OthersRelay.on_settled: forgotten_folders.on_committed()": (
        the_empty_folder_goes_also_after_what_a_crash_interrupted
    ),
    "OthersRelay.on_settled: replica_check.changes.on_committed(done)": (
        what_a_killed_batch_put_aside_is_told
    ),
    "OthersRelay.on_settled: receiving.look_above(done)": (
        a_folder_goes_whose_last_file_went_before_a_crash
    ),
    "GroupRelay.on_members_changed: stewardship.on_members()": who_is_removed_ends,
    "GroupRelay.on_left: farewell.on_leave_asked(limits.PUT_OUT_S)": who_is_removed_ends,
    "RingRelay.on_linked: key_exchange.on_linked(device)": who_is_linked_is_told_the_group_key,
    "Wiring.start: node.index.drop_all_staged()": (
        what_an_earlier_run_staged_is_dropped_at_the_start
    ),
    "Wiring.start: key_exchange.start()": group_keys_outlive_a_restart,
    "GroupRelay.on_regrouped: circle.restart()": two_that_start_become_one_ring_with_company,
    "GroupRelay.on_regrouped: discovery.on_members()": another_group_ends_what_was_of_the_old_one,
    "GroupRelay.on_regrouped: own_folder.await_marker()": (
        another_group_ends_what_was_of_the_old_one
    ),
    "GroupRelay.on_regrouped: invitations.on_regrouped()": another_group_ends_the_own_code,
    "GroupRelay.on_relabelled: own_folder.await_marker()": another_label_is_another_folder,
    "GroupRelay.on_members_changed: joining.on_members()": (
        with_company_no_code_of_the_start_is_waited_for
    ),
    "GroupRelay.on_regrouped: joining.on_members()": (
        in_another_group_no_code_of_the_start_is_waited_for
    ),
    "GroupRelay.on_members_changed: admission_policy.on_members()": (
        two_that_start_become_one_ring_with_company
    ),
    "GroupRelay.on_members_changed: discovery.on_members()": (
        a_new_member_is_dialled_where_it_was_once_reached
    ),
    "GroupRelay.on_members_changed: announcing.on_members()": (
        who_told_of_a_stranger_is_asked_once_it_is_a_member
    ),
    "GroupRelay.on_members_changed: strays.on_members()": (
        a_folder_of_nobody_is_looked_at_again_when_there_is_a_new_member
    ),
    "GroupRelay.on_wish: pairings.ask(wish)": two_that_start_become_one_ring_with_company,
    "GroupRelay.on_wish_refused: questions.ask(wish.address)": (
        a_group_that_says_no_is_asked_how_it_is
    ),
    "GroupRelay.on_wish_withdrawn: pairings.withdraw(why)": company_ends_what_is_asked_elsewhere,
    "GroupRelay.on_answered: pairings.on_answered(link, by, yes=yes)": (
        what_a_person_answers_reaches_the_conversation
    ),
    "RingRelay.on_linked: requests.on_linked(device)": who_is_linked_hears_who_asks,
    "RingRelay.on_unlinked: requests.on_unlinked(device)": what_a_member_told_goes_with_its_link,
    "GroupRelay.on_met: discovery.on_met(device, address)": (
        who_was_met_on_the_way_in_is_known_to_be_there
    ),
    "GroupRelay.on_door_unreached: questions.ask_to_call(wish)": (
        a_door_that_cannot_be_dialled_is_asked_to_dial_and_told_if_it_does_not
    ),
    "GroupRelay.on_door_blocked: link_troubles.on_door_blocked(who, address, reason)": (
        a_door_that_cannot_be_dialled_is_asked_to_dial_and_told_if_it_does_not
    ),
    "GroupRelay.on_door_blocked: pairings.on_door_blocked(address, reason)": (
        what_no_version_of_ours_can_talk_to_is_known_to_the_way_in
    ),
    "GroupRelay.on_door_reached: link_troubles.on_reached(who)": (
        a_door_that_is_reached_is_no_trouble_any_more
    ),
    "GroupRelay.on_call_asked: pairings.call(address)": a_newcomer_that_asks_is_dialled,
    "RingRelay.on_doubled: doubled_owners.on_doubled(device, places)": (
        a_member_that_runs_on_two_machines_is_told_and_not_followed
    ),
    "FollowingRelay.on_applied: doubled_owners.on_applied(head)": (
        when_the_decided_list_is_held_it_is_one_machine_again
    ),
    "FollowingRelay.on_own_head: clones.on_own_head(head)": (
        a_member_says_that_the_other_machine_is_kept
    ),
    "Wiring.start: clones.start()": a_restart_does_not_forget_the_other_machine,
    "Wiring.start: doubled_owners.start()": that_it_runs_on_two_machines_is_known_after_a_restart,
    "GroupRelay.on_members_changed: doubled_owners.on_members()": (
        whoever_is_put_out_is_no_two_machines_any_more
    ),
    "GroupRelay.on_decided: own_calls.call_now(place)": (
        the_other_machine_is_dialled_when_this_one_is_kept
    ),
    "RingRelay.on_linked: publishing.breaker.on_others()": (
        what_is_known_of_held_files_is_asked_anew_when_somebody_links_or_leaves
    ),
    "RingRelay.on_unlinked: publishing.breaker.on_others()": (
        what_is_known_of_held_files_is_asked_anew_when_somebody_links_or_leaves
    ),
    "RingRelay.on_linked: link_troubles.on_linked(device)": (
        a_member_that_is_heard_and_cannot_be_dialled_is_a_trouble_until_it_is_linked
    ),
    "RingRelay.on_linked: strays.on_linked()": (
        a_folder_of_nobody_is_looked_at_again_when_somebody_is_met
    ),
    "RingRelay.on_undialled: link_troubles.on_undialled(device, address, reason)": (
        a_member_that_is_heard_and_cannot_be_dialled_is_a_trouble_until_it_is_linked
    ),
    "RingRelay.on_unserved: link_troubles.on_unserved(device, address, reason)": (
        bulk_links_that_neither_side_can_dial_are_a_trouble_until_one_comes
    ),
    "RingRelay.on_served: link_troubles.on_served(device)": (
        bulk_links_that_neither_side_can_dial_are_a_trouble_until_one_comes
    ),
    "RingRelay.on_hung: link_troubles.on_hung(host)": (
        connections_that_hang_are_a_trouble_until_many_bytes_come
    ),
    "RingRelay.on_unlinked: link_troubles.on_unlinked(device, clean=clean)": (
        connections_that_hang_are_no_trouble_once_the_device_leaves
    ),
    "OthersRelay.on_received: link_troubles.on_received(device, size_bytes)": (
        connections_that_hang_are_a_trouble_until_many_bytes_come
    ),
    "RingRelay.beacon: return circle.beacon()": (
        a_beacon_says_where_one_listens_and_how_large_the_ring_is
    ),
    "RingRelay.on_called: questions.ask(to)": a_lonely_device_asks_strangers_as_it_calls,
    "RingRelay.on_linked: membership.on_linked(device)": (
        a_new_link_hears_roster_and_heads_at_once
    ),
    "RingRelay.on_linked: circle.on_linked(device)": two_that_start_become_one_ring_with_company,
    "RingRelay.on_linked: doubled_owners.on_linked(device)": (
        one_of_two_machines_that_were_away_is_there_again
    ),
    "RingRelay.on_linked: following.on_linked(device)": (
        what_an_earlier_run_announced_counts_no_more
    ),
    "RingRelay.on_linked: announcing.on_linked(device)": (
        a_new_link_hears_roster_and_heads_at_once
    ),
    "RingRelay.on_linked: downloads.on_peer(device)": (
        a_device_that_is_there_again_may_be_asked_at_once
    ),
    "RingRelay.on_unlinked: circle.on_unlinked(device, clean=clean)": (
        a_process_that_breaks_off_is_gone_at_once
    ),
    "RingRelay.on_refused: circle.on_refused(device)": (
        a_process_that_refuses_everywhere_is_suspected
    ),
    "RingRelay.on_introduced: membership.add_records(records)": (
        a_chain_of_admissions_makes_a_member
    ),
    "OwnRelay.on_published: announcing.on_published(head)": (
        what_one_writes_comes_to_the_other_and_is_told
    ),
    "OwnRelay.on_shared: happenings.on_shared(changes)": (
        what_one_adds_and_deletes_is_told_on_both_sides
    ),
    "OwnRelay.on_published: undelivered.on_published()": what_is_shared_again_is_not_lost,
    "OwnRelay.on_shared: undelivered.on_shared(changes)": what_goes_before_anybody_had_it_is_told,
    "Wiring.start: undelivered.start()": what_nobody_had_before_a_restart_is_known_after_it,
    "FollowingRelay.on_applied: happenings.on_changed(ManifestName.of(head), paths)": (
        what_its_owner_changes_while_it_is_lost_is_told
    ),
    "OthersRelay.on_committed: happenings.on_committed(done)": (
        what_one_adds_and_deletes_is_told_on_both_sides
    ),
    "OthersRelay.on_replicas_changed: happenings.on_lost(name, paths)": (
        a_file_that_is_brought_back_is_no_deed_of_its_owner
    ),
    "FollowingRelay.on_applied: announcing.on_applied(head)": (
        what_one_writes_comes_to_the_other_and_is_told
    ),
    "FollowingRelay.on_applied: receiving.on_changed(ManifestName.of(head), paths, held=held)": (
        what_one_writes_comes_to_the_other_and_is_told
    ),
    "FollowingRelay.on_frozen: announcing.on_places_changed()": (
        what_was_said_of_a_folder_that_contradicts_itself_is_told_anew
    ),
    "FollowingRelay.on_own_head: lost_state.on_own_head(head)": (
        a_state_of_ours_that_was_lost_is_fetched_and_merged
    ),
    "FollowingRelay.on_own_fetched: lost_state.on_fetched(head)": (
        a_state_of_ours_that_was_lost_is_fetched_and_merged
    ),
    "OwnRelay.on_lost_state: following.seek_own(head)": (
        a_state_of_ours_that_was_lost_is_fetched_and_merged
    ),
    "OthersRelay.on_arrived: receiving.on_arrived(wants)": (
        what_one_writes_comes_to_the_other_and_is_told
    ),
    "OthersRelay.on_committed: replica_check.on_committed(done)": (
        an_edit_here_is_told_with_where_it_went
    ),
    "OthersRelay.on_committed: receiving.on_committed(done)": (
        what_one_writes_comes_to_the_other_and_is_told
    ),
    "OthersRelay.look_again: receiving.look_again(spot)": (
        what_clashed_with_a_batch_is_decided_about_after_it
    ),
    "OthersRelay.leaves: return receiving.leaves(spot)": a_rename_moves_the_file,
    "OthersRelay.on_places_changed: announcing.on_places_changed()": (
        what_one_writes_comes_to_the_other_and_is_told
    ),
    "OwnRelay.on_held_changed: announcing.on_places_changed()": (
        what_is_held_of_the_own_folder_lacks_there
    ),
    "OthersRelay.on_replicas_changed: announcing.on_places_changed()": (
        what_is_missing_is_told_though_nothing_can_be_fetched
    ),
    "OthersRelay.on_replicas_changed: receiving.on_disturbed(name, paths)": (
        what_is_changed_here_again_and_again_rests
    ),
    "OthersRelay.on_cleared: receiving.on_cleared(spot)": (
        what_was_in_the_way_is_gone_and_what_it_blocked_is_tried_at_once
    ),
    "OthersRelay.is_placing: return commits.busy(spot)": a_file_being_placed_is_not_judged,
    "OthersRelay.is_placing_any: return commits.placing": (
        a_folder_is_not_renamed_while_files_are_placed_in_it
    ),
    "OthersRelay.on_folder_moved: receiving.on_folder_moved(top)": (
        what_was_ready_before_a_folder_was_renamed_is_placed_under_its_new_name
    ),
    "OthersRelay.on_folder_moved: strays.on_members()": (
        what_stands_in_the_share_is_looked_at_after_a_folder_was_renamed
    ),
    "OthersRelay.spelled_otherwise: return receiving.names.spelled_otherwise(paths)": (
        what_has_the_name_of_what_was_touched_is_looked_at_too
    ),
    "OthersRelay.is_hidden: return replica_check.hidden.may_hide(spot)": (
        what_its_owner_drops_while_it_is_hidden_goes_when_it_is_seen_again
    ),
    "OthersRelay.on_hidden_changed: receiving.on_hidden_changed()": (
        what_its_owner_drops_while_it_is_hidden_goes_when_it_is_seen_again
    ),
    "OthersRelay.is_hindered: if OwnWork.UNSEEN in own_folder.work: return True": (
        folders_of_others_wait_at_a_start_until_the_own_one_was_looked_at
    ),
    "OthersRelay.is_hindered: if own_folder.work and (not replica_check.unseen()): return True": (
        folders_of_others_wait_for_the_own_one
    ),
    "OthersRelay.is_hindered: return commits.settling": (
        folders_of_others_wait_for_what_a_crash_left
    ),
    "OthersRelay.is_settling: return commits.settling": (
        folders_that_are_touched_wait_for_what_a_crash_left
    ),
    "UpkeepRelay.is_busy: if own_folder.work: return True": (
        every_list_stays_while_an_own_file_is_read
    ),
    "UpkeepRelay.is_busy: return receiving.busy": (
        every_list_stays_while_a_file_of_others_is_lacking
    ),
    "Wiring.start: kept = membership.start()": two_that_start_become_one_ring_with_company,
    "Wiring.start: admission_policy.start(kept=kept)": two_that_start_become_one_ring_with_company,
    "Wiring.start: circle.restart()": two_that_start_become_one_ring_with_company,
    "Wiring.start: discovery.start()": two_that_start_become_one_ring_with_company,
    "Wiring.start: own_folder.start(marked=kept)": after_a_restart_the_own_manifest_goes_on,
    "Wiring.start: receiving.start()": after_a_restart_what_is_lacking_is_taken_up,
    "Wiring.start: index_upkeep.start()": (an_idle_device_lets_go_of_piece_lists_that_no_file_has),
    "Wiring.start: node.do(LookAround())": a_start_looks_round_and_opens_the_door,
    "Wiring.start: renaming.start()": who_is_started_with_another_name_gets_it,
    "Wiring.recover: if not admission_policy.lonely: membership.recover()": (
        after_trouble_memory_is_written_down_and_all_is_looked_at
    ),
    "Wiring.recover: own_folder.forget_work()": (
        after_trouble_no_lost_answer_about_the_own_folder_is_waited_for
    ),
    "Wiring.recover: own_folder.scan()": after_trouble_memory_is_written_down_and_all_is_looked_at,
    "Wiring.recover: replica_check.restart()": (
        after_trouble_memory_is_written_down_and_all_is_looked_at
    ),
    "Wiring.recover: announcing.recover()": (
        after_trouble_memory_is_written_down_and_all_is_looked_at
    ),
    "Wiring.recover: receiving.start()": after_trouble_what_is_lacking_is_taken_up,
}
STORIES = list(dict.fromkeys(NOTICED_BY.values()))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_with_every_wire_in_place_the_story_goes_well(story: Callable[[], None]) -> None:
    story()


@pytest.mark.parametrize("wire", cutting.wires())
def test_without_one_wire_its_story_fails(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*cutting.without(wire))
    with pytest.raises(AssertionError):
        NOTICED_BY[wire]()


def test_the_table_names_every_wire_and_no_other() -> None:
    wires = cutting.wires()
    assert sorted(NOTICED_BY) == sorted(wires)
    assert len(set(wires)) == len(wires), "a line that stands there twice could not be told apart"


def test_a_provisional_group_is_not_written_down_after_trouble() -> None:
    parts, _ = started()
    parts.recover()
    assert parts.node.index.roster.all() == []


def test_what_looks_at_the_parts_sees_them() -> None:
    parts, _ = linked(2)
    view = parts.viewer.state()
    assert (view.own_folder, view.port) == ("d1", parts.node.settings.port)
    assert [device.label for device in view.devices] == ["d1", "d2"]


def test_no_part_keeps_a_function_that_somebody_else_put_there() -> None:
    parts: list[object] = [Wiring(node(1))]
    seen, kept = set[int](), list[str]()
    while parts:
        part = parts.pop()
        seen.add(id(part))
        for name, value in getattr(part, "__dict__", {}).items():
            if type(value).__module__.startswith("potluck.engine") and id(value) not in seen:
                parts.append(value)
            elif isinstance(value, FunctionType | MethodType | partial):
                kept.append(f"{type(part).__name__}.{name}")
    assert len(seen) > 30
    assert kept == []
