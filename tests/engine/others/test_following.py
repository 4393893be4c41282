"""Following: honest owners are caught up with; no peer makes us believe, loop or stage for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.manifest import run_end
from potluck.core.content.swarm.pace import LONG_S, SAMPLE_S
from potluck.core.group.statements import Appoint, LastHead, Remove, sign_act, sign_removal
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import DeletedPath, Folder, Gone, Head, ManifestAsk, ManifestPage
from potluck.engine.effects import CancelFetch, Fetch
from potluck.engine.events import (
    FetchEnded,
    FetchHeard,
    ManifestHeard,
    OrderId,
    Outcome,
    SpaceSeen,
)
from potluck.engine.others.following import Following
from potluck.engine.others.frozen_heads import forget_further_heads
from potluck.engine.others.page_turns import PAGE_LOOK_S, PAGE_TURN_S
from potluck.engine.others.pursuit import PAUSE_MAX_S, RESTARTS
from potluck.engine.troubles import TroubleKind
from potluck.engine.withheld import DECIDED_GENERATIONS
from tests.engine.builders import flush, group, key, node
from tests.engine.index.builders import record
from tests.engine.listeners import Heard
from tests.engine.manifests import Device, Wire, answer, ask, forged
from tests.engine.others.page_crowd import Crowd, finish

Change = Callable[[ManifestPage], ManifestPage]


@pytest.fixture
def wire() -> Wire:
    """Three linked devices; the first has published two files and the others know."""
    made = Wire([Device(1), Device(2), Device(3)])
    made.connect()
    made.devices[0].write("a", "b")
    made.wait(1.0)
    made.fetched.clear()
    return made


def asked(device: Device) -> list[Fetch]:
    """The pages that a device asks for now."""
    return [effect for effect in device.tick() if isinstance(effect, Fetch)]


def announced(wire: Wire) -> Fetch:
    """The first device has news, the second has heard of it and asks; nobody else is in play."""
    one, two, three = wire.devices
    two.unlink(three)
    one.write("c")
    one.publishing.on_tick(0)
    one.tick()
    two.following.on_heads(one.id, [one.head_of(one)])
    (fetch,) = asked(two)
    return fetch


def last_of(head: Head) -> LastHead:
    return LastHead(head.generation, head.seq, head.root)


def removed(wire: Wire, last: Head | None) -> tuple[Device, Device, Device]:
    """The first device is removed by the second one, at that head."""
    one, two, three = wire.devices
    for device in (two, three):
        roster = device.node.roster
        assert roster is not None
        roster.add([sign_act(key(1), Appoint(roster.group, key(2).certificate))])
        head = last_of(last) if last is not None else None
        said = Remove(roster.group, one.id, [], b"", head, b"", [])
        roster.add(sign_removal(key(2), said, roster.signed_by(one.id)))
        roster.settle()
        forget_further_heads(device.following, device.node)
        device.unlink(one)
    return one, two, three


# -- no room ---------------------------------------------------------------------------------------
def room(free_bytes: int) -> SpaceSeen:
    """How full the disk of the home is."""
    total = 100 * limits.GIB
    return SpaceSeen(total, total, home_free_bytes=free_bytes, home_total_bytes=total)


def test_while_the_disk_of_the_index_is_full_nothing_is_asked_for_nor_staged(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    page = ask(one, two, fetch)
    two.following.on_space(room(limits.MIB))
    answer(two, fetch, page)
    assert asked(two) == []
    assert two.following.deadline() is None
    assert two.files_of(one) == ["a", "b"]
    two.following.on_space(room(90 * limits.GIB))
    (again,) = asked(two)
    answer(two, again, page)
    assert two.files_of(one) == ["a", "b", "c"]


def test_a_look_at_the_disk_that_changes_nothing_asks_nobody(wire: Wire) -> None:
    two = wire.devices[1]
    assert two.following.deadline() is None
    two.following.on_space(room(90 * limits.GIB))
    assert two.following.deadline() is None


# -- honest owners ---------------------------------------------------------------------------------
def test_changes_and_deletes_are_asked_by_number(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("c")
    one.publishing.drop({b"a"})
    wire.wait(1.0)
    assert two.files_of(one) == ["b", "c"]
    assert [(source, request.since) for asker, source, request in wire.fetched if asker == 2] == [
        (1, 2)
    ]
    assert (two.applied[-1].paths, two.applied[-1].held) == ([b"a", b"c"], False)


def test_a_large_manifest_comes_page_by_page(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write(*(f"{number:05}" for number in range(2 * limits.PAGE_RECORDS + 10)))
    wire.wait(1.0)
    assert len(two.files_of(one)) == 2 * limits.PAGE_RECORDS + 12
    assert [request.since for asker, _, request in wire.fetched if asker == 2] == [2, 1002, 2002]
    assert len(two.applied) == 2


def test_an_owner_who_never_stops_publishing_is_caught_up_with(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write(*(f"{number:05}" for number in range(3000)))
    one.publishing.on_tick(0)
    one.tick()
    two.following.on_heads(one.id, [one.head_of(one)])
    pages = 0
    while fetches := asked(two):
        pages += 1
        answer(two, fetches[0], ask(one, two, fetches[0]))
        if pages < 20:
            one.node.now += 0.06
            one.write(f"more {pages}")
            one.publishing.drop({f"{pages:05}".encode()})
            one.publishing.on_tick(0)
            one.tick()
        two.following.on_heads(one.id, [one.head_of(one)])
    assert two.head_of(one) == one.head_of(one)
    assert pages == 20  # one page for each of its changes, none in vain


def test_without_the_owner_anybody_who_announced_it_is_asked(wire: Wire) -> None:
    one, two, three = wire.devices
    wire.lost = lambda sender, receiver, message: receiver is two
    one.write("c")
    wire.wait(1.0)
    two.unlink(one)
    wire.lost = lambda *_: False
    two.following.on_heads(three.id, [three.head_of(one)])
    wire.run()
    assert two.files_of(one) == ["a", "b", "c"]
    assert wire.fetched[-1][:2] == (2, 3)


def test_an_owner_may_be_far_ahead_of_what_we_heard_of_it(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    page, upto = ask(one, two, fetch), one.head_of(one).seq + limits.AHEAD_CHANGES
    assert isinstance(page, ManifestPage)
    answer(two, fetch, msgspec.structs.replace(page, head=None, upto=upto))
    assert [each.ask for each in asked(two)] == [ManifestAsk(*one.manifest, upto, 1)]


def test_a_last_page_may_bring_the_head_alone(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    page = ask(one, two, fetch)
    assert isinstance(page, ManifestPage)
    answer(two, fetch, msgspec.structs.replace(page, head=None))
    (fetch,) = asked(two)
    answer(two, fetch, msgspec.structs.replace(page, records=[], deleted=[]))
    assert two.files_of(one) == ["a", "b", "c"]


def test_a_source_that_is_behind_its_announcement_brings_us_as_far_as_it_goes(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    page = ask(one, two, fetch)
    one.node.now += 1.0
    one.write("d")
    one.tick()
    two.following.on_heads(one.id, [one.head_of(one)])
    answer(two, fetch, page)
    assert two.files_of(one) == ["a", "b", "c"]
    (fetch,) = asked(two)
    answer(two, fetch, ask(one, two, fetch))
    assert two.files_of(one) == ["a", "b", "c", "d"]


def test_what_an_earlier_run_announced_does_not_count(wire: Wire) -> None:
    one, two, three = wire.devices
    two.unlink(one)
    two.following.on_heads(three.id, [forged(1, msgspec.structs.replace(one.head_of(one), seq=9))])
    two.following.on_linked(three.id)
    assert asked(two) == []


def test_too_short_a_delete_log_costs_the_whole_manifest(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.publishing.drop({b"a"})
    one.write("c")
    one.node.now += 1.0
    one.publishing.on_tick(0)
    one.node.index.manifests.raise_floor(one.manifest, 4)
    wire.run()
    assert two.files_of(one) == ["b", "c"]
    assert [request.since for asker, _, request in wire.fetched if asker == 2] == [2, 0]
    assert two.node.index.manifests.floor(one.manifest) == 4


def test_too_short_a_delete_log_is_seen_on_the_first_page(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.publishing.drop({b"a"})
    one.write(*(f"{number:05}" for number in range(3 * limits.PAGE_RECORDS)))
    one.node.now += 1.0
    one.publishing.on_tick(0)
    one.node.index.manifests.raise_floor(one.manifest, 3 * limits.PAGE_RECORDS + 3)
    wire.run()
    asked_since = [request.since for asker, _, request in wire.fetched if asker == 2]
    # two changes are known; from the first page on everything is asked
    assert asked_since[:2] == [2, 0]
    assert sorted(asked_since[1:]) == asked_since[1:]
    assert len(two.files_of(one)) == 3 * limits.PAGE_RECORDS + 1


def test_a_delete_log_that_reaches_back_as_far_as_we_are_is_long_enough(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.publishing.drop({b"a"})
    one.write("c")
    one.node.now += 1.0
    one.publishing.on_tick(0)
    one.node.index.manifests.raise_floor(one.manifest, 2)
    wire.run()
    assert two.files_of(one) == ["b", "c"]
    assert [request.since for asker, _, request in wire.fetched if asker == 2] == [2]


# -- a new generation ------------------------------------------------------------------------------
def reborn_in_place_of(one: Device, wire: Wire, *paths: str) -> Device:
    """The first device again, without its index, with these files in its folder."""
    reborn = Device(1, run=2)
    wire.devices[0] = reborn
    for other in wire.devices[1:]:
        other.unlink(one)
        other.link(reborn)
        reborn.link(other)
    reborn.write(*paths)
    return reborn


def test_what_an_owner_lost_with_its_index_is_kept_and_merged(wire: Wire) -> None:
    one, two, three = wire.devices
    reborn = reborn_in_place_of(one, wire, "b")
    wire.wait(1.0)
    assert reborn.own_heads
    assert reborn.held == [b"a"]
    assert reborn.head_of(reborn).generation == 2
    assert all(device.files_of(reborn) == ["a", "b"] for device in wire.devices)
    assert not two.applied[-1].held
    reborn.write("d")
    wire.wait(1.0)
    assert two.files_of(reborn) == three.files_of(reborn) == ["a", "b", "d"]
    assert "folder_frozen" not in two.tells
    assert two.node.troubles.all() == []


def test_after_a_decision_deletes_are_held_back_and_everything_is_asked(wire: Wire) -> None:
    one, two, three = wire.devices
    reborn = reborn_in_place_of(one, wire, "b")
    reborn.work = (OwnWork.READING,)
    reborn.publishing.begin_anew(DECIDED_GENERATIONS)
    wire.wait(1.0)
    assert two.files_of(reborn) == three.files_of(reborn) == ["b"]
    last = two.applied[-1]
    assert (last.held, last.paths) == (True, [b"a", b"b"])
    reborn.write("d")
    wire.wait(1.0)
    assert not two.applied[-1].held
    assert two.files_of(reborn) == ["b", "d"]


def test_after_a_decision_deletes_are_held_back_also_if_it_continues_what_is_held(
    wire: Wire,
) -> None:
    one, two, three = wire.devices
    one.publishing.drop([b"a"])
    one.publishing.begin_anew(DECIDED_GENERATIONS)
    wire.wait(1.0)
    assert two.files_of(one) == three.files_of(one) == ["b"]
    assert (two.applied[-1].held, three.applied[-1].held) == (True, True)


def test_an_owner_who_lost_its_index_and_counted_as_far_again_loses_nothing(wire: Wire) -> None:
    one, two, _ = wire.devices
    reborn = reborn_in_place_of(one, wire, "b", "x")  # two changes, as before
    reborn.work = (OwnWork.READING,)
    wire.wait(1.0)
    assert two.files_of(reborn) == ["a", "b"]
    assert two.tells == ["folder_forked"]
    assert [trouble.subject for trouble in two.node.troubles.of(TroubleKind.FORKED)] == ["d1"]
    assert two.following.pursuits[ManifestName.own(reborn.id)].forked == "d1"
    reborn.work = (OwnWork.LOOKING,)
    wire.wait(1.0)
    assert two.files_of(reborn) == ["a", "b", "x"]
    assert two.node.troubles.all() == []


def test_an_owner_that_is_where_it_was_is_no_fork_any_more(wire: Wire) -> None:
    one, two, three = wire.devices
    held, fork = two.head_of(one), Device(1, run=2)
    fork.write("b", "x")
    fork.publishing.on_tick(0)
    two.following.on_heads(one.id, [fork.head_of(fork)])
    two.following.on_heads(three.id, [held])
    assert two.node.troubles.count(TroubleKind.FORKED) == 1, "it is only what the third one has"
    two.following.on_heads(one.id, [held])
    assert two.node.troubles.all() == []


def test_what_two_lives_of_an_owner_wrote_is_kept_by_who_holds_either(wire: Wire) -> None:
    one, two, three = wire.devices
    three.unlink(one)
    one.unlink(three)
    one.write("later")
    wire.wait(1.0)
    assert (two.files_of(one), three.files_of(one)) == (["a", "b", "later"], ["a", "b"])
    backup = Device(1, run=2)  # it was restored as it was before that, and works on
    for path in ("a", "b", "c", "d"):
        backup.write(path)
        backup.publishing.on_tick(0)
        backup.node.now += 1.0
    backup.publishing.drop({b"b"})
    backup.publishing.on_tick(0)
    backup.tick()
    head = backup.head_of(backup)
    two.following.on_heads(three.id, [head])
    assert asked(two) == []
    assert two.files_of(one) == ["a", "b", "later"]
    assert two.tells == ["folder_forked"]
    wire.devices[0] = backup
    for other in (two, three):
        other.unlink(one)
        other.link(backup)
        backup.link(other)
    wire.wait(30.0)
    assert all(device.files_of(backup) == ["a", "b", "c", "d", "later"] for device in wire.devices)
    assert sorted(backup.held) == [b"b", b"later"]


def test_a_lost_state_of_the_generation_that_stands_here_is_fetched_whole(wire: Wire) -> None:
    one, *_ = wire.devices
    one.write("later")
    wire.wait(1.0)
    backup = reborn_in_place_of(one, wire, "a", "b")  # as it was before, and nobody writes
    backup.publishing.on_tick(0)
    assert backup.head_of(backup).generation == one.head_of(one).generation
    wire.wait(1.0)
    assert backup.held == [b"later"]
    assert not backup.lost_state.open
    assert all(device.files_of(backup) == ["a", "b", "later"] for device in wire.devices)


def test_the_pages_of_an_own_state_must_be_those_that_are_wanted(wire: Wire) -> None:
    one, two, _ = wire.devices
    reborn = reborn_in_place_of(one, wire)
    reborn.following.on_heads(two.id, [two.head_of(one)])
    (fetch,) = asked(reborn)
    page = ask(two, reborn, fetch)
    assert isinstance(page, ManifestPage)
    other = forged(1, msgspec.structs.replace(two.head_of(one), seq=9))
    answer(reborn, fetch, msgspec.structs.replace(page, head=other))
    assert asked(reborn) == [], "that source is left alone for a while"
    reborn.following.seek_own(two.head_of(one))
    (fetch,) = asked(reborn)
    answer(reborn, fetch, ask(two, reborn, fetch))
    assert reborn.following.pursuits == {}
    reborn.lost_state.on_tick()
    assert reborn.held == [b"a", b"b"]


def test_who_has_another_state_is_asked_for_an_own_one_in_vain(wire: Wire) -> None:
    one, two, three = wire.devices
    reborn = reborn_in_place_of(one, wire)
    lost = forged(1, msgspec.structs.replace(two.head_of(one), seq=1))
    reborn.following.on_heads(two.id, [two.head_of(one)])
    reborn.following.on_heads(three.id, [lost])
    (fetch,) = asked(reborn)
    assert fetch.peer == two.id


def test_a_head_that_nobody_has_any_more_gives_way_to_one_that_leads_on(wire: Wire) -> None:
    one, two, three = wire.devices
    known = two.head_of(one)
    gone = forged(1, msgspec.structs.replace(known, seq=40, instance=b"lost"))
    gone = forged(1, msgspec.structs.replace(gone, continues=(run_end(known),)))
    here = forged(1, msgspec.structs.replace(known, seq=30))
    two.following.on_heads(three.id, [gone])
    two.following.on_heads(one.id, [here])
    assert two.following.pursuits[one.manifest].newest == gone, "three has it"
    two.unlink(three)
    two.following.on_heads(one.id, [here])
    assert two.following.pursuits[one.manifest].newest == here


def restarted(device: Device) -> None:
    """Another run begins over the same index."""
    device.node.troubles.clear(TroubleKind.FROZEN, "d1")
    device.following = Following(device.node, device.heard)


def test_a_freeze_outlives_a_restart_and_a_thaw_does_too(wire: Wire) -> None:
    one, two, three = wire.devices
    head = one.head_of(one)
    two.following.on_heads(three.id, [forged(1, msgspec.structs.replace(head, root=b"x" * 32))])
    assert asked(two) == []
    restarted(two)
    newer = forged(1, msgspec.structs.replace(head, seq=50, root=b"y" * 32))
    two.following.on_heads(three.id, [newer])
    two.node.now += PAUSE_MAX_S
    assert asked(two) == [], "what it says in that generation is not believed in this run either"
    assert [trouble.subject for trouble in two.node.troubles.of(TroubleKind.FROZEN)] == ["d1"]
    reborn = forged(1, msgspec.structs.replace(head, generation=head.generation + 1))
    two.following.on_heads(three.id, [reborn])
    assert len(asked(two)) == 1
    assert two.node.troubles.of(TroubleKind.FROZEN) == []
    restarted(two)
    two.following.on_heads(three.id, [reborn])
    assert len(asked(two)) == 1
    assert two.node.troubles.of(TroubleKind.FROZEN) == []


# -- heads -----------------------------------------------------------------------------------------
def test_heads_that_prove_nothing_change_nothing(wire: Wire) -> None:
    one, two, three = wire.devices
    good = msgspec.structs.replace(one.head_of(one), seq=9)
    everyone = forged(1, msgspec.structs.replace(good, folder=Folder.EVERYONE))
    other = DeviceId(b"\7" * 32)
    unknown = msgspec.structs.replace(good, owner=other, signature=b"")
    by_another = msgspec.structs.replace(forged(1, good), owner=three.id)
    older = forged(1, msgspec.structs.replace(good, seq=1))
    two.following.on_heads(three.id, [good, everyone, unknown, by_another, older])
    assert asked(two) == []
    assert two.following.strangers() == [three.id]
    assert two.following.strangers() == []
    assert set(two.node.peer(three.id).heads) == {one.manifest}


def test_a_device_without_a_group_believes_no_head(wire: Wire) -> None:
    one, two, _ = wire.devices
    two.node.roster = None
    two.following.on_heads(one.id, [forged(1, msgspec.structs.replace(one.head_of(one), seq=9))])
    assert asked(two) == []


def test_own_heads_are_handed_on_and_not_followed(wire: Wire) -> None:
    one, two, _ = wire.devices
    head = forged(1, msgspec.structs.replace(one.head_of(one), seq=9))
    one.following.on_heads(two.id, [head])
    assert one.own_heads[-1] == head
    assert asked(one) == []


def test_two_signed_heads_of_one_number_freeze_the_folder(wire: Wire) -> None:
    one, two, three = wire.devices
    fetch = announced(wire)
    unsigned = msgspec.structs.replace(two.head_of(one), root=b"x" * 32)
    two.following.on_heads(three.id, [unsigned])
    assert two.tells == []
    newest = one.head_of(one)
    two.following.on_heads(three.id, [forged(1, msgspec.structs.replace(newest, root=b"x" * 32))])
    assert asked(two) == []
    assert two.tells == ["folder_frozen"]
    answer(two, fetch, ask(one, two, fetch))
    two.following.on_heads(
        three.id, [forged(1, unsigned), forged(1, msgspec.structs.replace(newest, seq=50))]
    )
    two.following.on_heads(
        three.id, [forged(1, msgspec.structs.replace(newest, seq=50, root=b"y" * 32))]
    )
    two.node.now += PAUSE_MAX_S
    assert asked(two) == []
    assert (two.files_of(one), two.tells) == (["a", "b"], ["folder_frozen"])
    assert [trouble.subject for trouble in two.node.troubles.of(TroubleKind.FROZEN)] == ["d1"]
    two.following.on_heads(one.id, [forged(1, msgspec.structs.replace(newest, generation=2))])
    assert len(asked(two)) == 1
    assert two.tells == ["folder_frozen", "folder_thawed"]
    assert two.node.troubles.all() == []
    for root in (b"x", b"y"):
        head = msgspec.structs.replace(newest, generation=3, root=root * 32)
        two.following.on_heads(one.id, [forged(1, head)])
    assert [trouble.subject for trouble in two.node.troubles.of(TroubleKind.FROZEN)] == ["d1"]
    two.following.on_heads(one.id, [forged(1, msgspec.structs.replace(newest, generation=4))])
    assert two.node.troubles.all() == []
    assert two.tells == ["folder_frozen", "folder_thawed"], "an owner can go on so for ever"


def test_an_owner_that_contradicts_what_is_held_is_frozen(wire: Wire) -> None:
    one, two, three = wire.devices
    other = msgspec.structs.replace(two.head_of(one), root=b"x" * 32)
    two.following.on_heads(three.id, [forged(1, other)])
    two.tick()
    assert two.tells == ["folder_frozen"]
    assert len(two.heard.of("on_frozen")) == 1


def test_what_came_before_a_folder_is_frozen_counts_no_more(wire: Wire) -> None:
    one, two, three = wire.devices
    two.unlink(three)
    one.write(*(f"{number:05}" for number in range(limits.PAGE_RECORDS + 10)))
    one.publishing.on_tick(0)
    one.tick()
    newest = one.head_of(one)
    two.following.on_heads(one.id, [newest])
    (fetch,) = asked(two)
    answer(two, fetch, ask(one, two, fetch))
    manifests = two.node.index.manifests
    assert manifests.staged_root(one.manifest)[1] == limits.PAGE_RECORDS + 2
    other = forged(1, msgspec.structs.replace(newest, root=b"x" * 32))
    two.following.on_heads(three.id, [other])
    assert manifests.staged_root(one.manifest)[1] == 2


# -- removed owners --------------------------------------------------------------------------------
def test_who_tells_of_a_removed_owner_is_no_stranger_to_the_roster(wire: Wire) -> None:
    one, two, three = removed(wire, None)
    two.following.on_heads(three.id, [forged(1, msgspec.structs.replace(one.head_of(one), seq=9))])
    assert two.following.strangers() == []
    assert asked(two) == []


def test_who_is_beyond_a_removed_owner_s_last_head_goes_back_and_hands_no_delete_on(
    wire: Wire,
) -> None:
    one, two, three = wire.devices
    last = one.head_of(one)
    wire.lost = lambda sender, receiver, message: receiver is three
    one.write("c")
    wire.wait(1.0)
    assert two.files_of(one) == ["a", "b", "c"]
    removed(wire, last)
    two.following.on_heads(three.id, [last])
    (fetch,) = asked(two)
    assert (fetch.peer, fetch_since(fetch)) == (three.id, 0)
    answer(two, fetch, ask(three, two, fetch))
    two.tick()
    assert (two.files_of(one), two.head_of(one)) == (["a", "b"], last)
    assert two.node.index.manifests.page(one.manifest, 0, 9)[1] == []
    assert "folder_put_back" in two.tells


# -- pages that do not belong ----------------------------------------------------------------------
def _of_another(page: ManifestPage) -> ManifestPage:
    return msgspec.structs.replace(page, owner=b"\7" * 32)


def _without_end(page: ManifestPage) -> ManifestPage:
    return msgspec.structs.replace(page, head=None, records=[], upto=page.upto + 1)


def _standing_still(page: ManifestPage) -> ManifestPage:
    return msgspec.structs.replace(page, head=None, upto=2)


def _far_ahead(page: ManifestPage) -> ManifestPage:
    return msgspec.structs.replace(page, head=None, upto=page.upto + limits.AHEAD_CHANGES + 1)


def _numbered_from_the_past(page: ManifestPage) -> ManifestPage:
    return msgspec.structs.replace(page, deleted=[DeletedPath(b"b", 2)])


def _numbered_beyond(page: ManifestPage) -> ManifestPage:
    return msgspec.structs.replace(page, records=[record("c", 99)])


def _numbered_twice(page: ManifestPage) -> ManifestPage:
    return msgspec.structs.replace(page, deleted=[DeletedPath(b"b", 3)])


def _unsigned(page: ManifestPage) -> ManifestPage:
    assert page.head is not None
    return msgspec.structs.replace(page, head=msgspec.structs.replace(page.head, seq=4))


def _with_the_head_of_another_folder(page: ManifestPage) -> ManifestPage:
    assert page.head is not None
    return msgspec.structs.replace(
        page, head=forged(1, msgspec.structs.replace(page.head, folder=Folder.EVERYONE))
    )


def _older_than_known(page: ManifestPage) -> ManifestPage:
    assert page.head is not None
    return msgspec.structs.replace(page, head=forged(1, msgspec.structs.replace(page.head, seq=2)))


@pytest.mark.parametrize(
    "change",
    [
        _of_another,
        _without_end,
        _standing_still,
        _far_ahead,
        _numbered_from_the_past,
        _numbered_beyond,
        _numbered_twice,
        _unsigned,
        _with_the_head_of_another_folder,
        _older_than_known,
    ],
)
def test_a_page_that_does_not_belong_fails_its_source_for_a_while(
    wire: Wire, change: Change
) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    page = ask(one, two, fetch)
    assert isinstance(page, ManifestPage)
    two.following.on_page(ManifestHeard(fetch.order, change(page), 0))
    assert not two.following.on_ended(FetchEnded(fetch.order, Outcome.DONE, ""))
    assert asked(two) == []
    assert two.files_of(one) == ["a", "b"]
    assert two.following.deadline() == two.node.now + 1.0
    two.node.now += 1.0
    (again,) = asked(two)
    answer(two, again, page)
    assert two.files_of(one) == ["a", "b", "c"]
    assert two.following.deadline() is not None
    asked(two)
    assert two.following.deadline() is None


def test_records_that_do_not_add_up_cost_one_whole_manifest_and_then_a_pause(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    asks, now = [], two.node.now
    for _ in range(7):
        page = ask(one, two, fetch)
        assert isinstance(page, ManifestPage)
        assert isinstance(fetch.ask, ManifestAsk)
        asks.append((round(two.node.now - now), fetch.ask.since))
        lie = msgspec.structs.replace(page, records=[record("liar", 3)])
        two.following.on_page(ManifestHeard(fetch.order, lie, 0))
        assert not two.following.on_ended(FetchEnded(fetch.order, Outcome.DONE, ""))
        fetches = asked(two)
        if not fetches:
            due = two.following.deadline()
            assert due is not None
            two.node.now = due
            fetches = asked(two)
        (fetch,) = fetches
    assert asks == [(0, 2), (0, 0), (1, 2), (1, 0), (3, 2), (3, 0), (7, 2)]
    assert two.files_of(one) == ["a", "b"]


def test_a_source_that_cannot_serve_what_it_announced_does_not_hold_up_the_others(
    wire: Wire,
) -> None:
    one, two, three = wire.devices
    wire.lost = lambda sender, receiver, message: receiver is two
    one.write("c")
    wire.wait(1.0)
    head = one.head_of(one)
    two.unlink(one)
    liar = Device(1)  # stands for another link: it announces and has nothing
    two.following.on_heads(three.id, [head])
    (fetch,) = asked(two)
    assert fetch.peer == three.id
    answer(two, fetch, Gone())
    assert asked(two) == []
    two.link(liar)
    two.following.on_heads(one.id, [head])
    (fetch,) = asked(two)
    assert fetch.peer == one.id
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BROKEN, ""))
    two.node.now += 1.0
    (fetch,) = asked(two)
    assert fetch.peer == one.id  # the owner first, if it is its turn again


# -- busy, and room for news -----------------------------------------------------------------------
def test_a_source_that_is_busy_is_asked_again_as_soon_however_often(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    for _ in range(10):
        assert fetch.peer == one.id
        two.following.on_ended(FetchEnded(fetch.order, Outcome.BUSY, ""))
        assert asked(two) == []
        assert two.following.deadline() == two.node.now + limits.BUSY_AGAIN_S
        two.node.now += limits.BUSY_AGAIN_S
        (fetch,) = asked(two)
    answer(two, fetch, ask(one, two, fetch))
    assert two.files_of(one) == ["a", "b", "c"]


def test_while_the_owner_is_busy_another_holder_is_asked(wire: Wire) -> None:
    one, two, three = wire.devices
    fetch = announced(wire)
    two.link(three)
    two.following.on_heads(three.id, [one.head_of(one)])
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BUSY, ""))
    (fetch,) = asked(two)
    assert fetch.peer == three.id
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BROKEN, ""))
    assert asked(two) == []  # the failure of one is no word about the other
    two.node.now += limits.BUSY_AGAIN_S
    (fetch,) = asked(two)
    assert fetch.peer == one.id


def relayed(owners: int) -> tuple[Device, list[Fetch]]:
    """A device to which the first of so many owners told its own head and all others'."""
    roster = group(*range(1, owners + 2))
    devices = [Device(number, roster) for number in range(1, owners + 2)]
    first, us = devices[0], devices[-1]
    heads = []
    for owner in devices[:-1]:
        owner.write("a")
        owner.publishing.on_tick(0)
        owner.tick()
        heads.append(owner.head_of(owner))
    us.link(first)
    us.following.on_heads(first.id, list(reversed(heads)))
    return us, asked(us)


def test_a_device_s_own_news_does_not_wait_for_a_manifest_that_it_relays() -> None:
    us, fetches = relayed(4)
    owners = [fetch.ask.owner for fetch in fetches if isinstance(fetch.ask, ManifestAsk)]
    assert len(owners) == limits.MANIFESTS_PER_PEER
    assert Device(1).id in owners
    own, other = fetches if owners[0] == Device(1).id else reversed(fetches)
    us.following.on_ended(FetchEnded(own.order, Outcome.BROKEN, ""))
    assert asked(us) == []
    us.following.on_ended(FetchEnded(other.order, Outcome.BROKEN, ""))
    assert len(asked(us)) == 1


def test_so_many_manifests_are_asked_for_at_once() -> None:
    roster = group(*range(1, limits.MANIFESTS + 4))
    us = Device(limits.MANIFESTS + 3, roster)
    for number in range(1, limits.MANIFESTS + 3):
        owner = Device(number, roster)
        owner.write("a")
        owner.publishing.on_tick(0)
        owner.tick()
        us.link(owner)
        us.following.on_heads(owner.id, [owner.head_of(owner)])
    fetches = asked(us)
    assert len(fetches) == limits.MANIFESTS
    us.following.on_ended(FetchEnded(fetches[0].order, Outcome.BROKEN, ""))
    assert len(asked(us)) == 1


def test_of_two_holders_the_one_that_failed_less_is_asked(wire: Wire) -> None:
    one, two, three = wire.devices
    four = Device(4, group(1, 2, 3, 4))
    two.node.roster = group(1, 2, 3, 4)
    fetch = announced(wire)
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BROKEN, ""))
    two.unlink(one)
    for other in (three, four):
        two.link(other)
    two.following.on_heads(three.id, [one.head_of(one)])
    (fetch,) = asked(two)
    assert fetch.peer == three.id
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BROKEN, ""))
    two.following.on_heads(four.id, [one.head_of(one)])
    two.node.now += 1.0
    (fetch,) = asked(two)
    assert fetch.peer == four.id
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BROKEN, ""))
    (fetch,) = asked(two)
    assert fetch.peer == three.id


def test_a_source_that_always_fails_is_asked_once_a_minute_at_last(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    waits = []
    for _ in range(9):
        two.following.on_ended(FetchEnded(fetch.order, Outcome.GONE, ""))
        assert asked(two) == []
        two.following.on_heads(one.id, [one.head_of(one)])
        assert asked(two) == []
        due = two.following.deadline()
        assert due is not None
        waits.append(due - two.node.now)
        two.node.now = due
        (fetch,) = asked(two)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_unsafe_names_are_told_once_and_refused_always(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    for _ in range(3):
        answer(two, fetch, ask(one, two, fetch), unsafe=1)
        two.tick()
        two.node.now += PAUSE_MAX_S
        (fetch,) = asked(two)
    assert two.tells == ["manifest_refused"]
    assert two.files_of(one) == ["a", "b"]


def test_what_comes_from_orders_nobody_gave_is_ignored(wire: Wire) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    page = ask(one, two, fetch)
    assert isinstance(page, ManifestPage)
    two.following.on_page(ManifestHeard(OrderId(1), page, 0))
    assert two.files_of(one) == ["a", "b"]
    assert not two.following.on_ended(FetchEnded(OrderId(1), Outcome.DONE, ""))
    two.following.on_page(ManifestHeard(fetch.order, page, 0))
    two.following.on_page(ManifestHeard(fetch.order, page, 0))
    assert not two.following.on_ended(FetchEnded(fetch.order, Outcome.DONE, ""))
    assert two.files_of(one) == ["a", "b", "c"]


def test_a_fetch_that_ends_well_without_a_page_is_a_failure(wire: Wire) -> None:
    two = wire.devices[1]
    fetch = announced(wire)
    assert two.following.on_ended(FetchEnded(fetch.order, Outcome.DONE, ""))
    assert asked(two) == []


def test_a_following_that_nobody_wired_listens_all_the_same() -> None:
    one = Device(1)
    one.write("a")
    one.publishing.on_tick(0)
    alone = node(2)
    alone.roster = group(1, 2)
    following = Following(alone, Heard())
    following.on_heads(
        one.id, [one.head_of(one), forged(2, Head(*alone.own_manifest, 1, 1, 0, b"r" * 32, b""))]
    )
    assert following.deadline() == 0.0
    following.on_tick()
    assert following.deadline() is None


def test_it_says_how_many_manifests_are_behind(wire: Wire) -> None:
    announced(wire)
    assert repr(wire.devices[1].following) == "<Following 1 manifests, 1 behind>"


# -- turns -----------------------------------------------------------------------------------------
def test_pages_give_way_to_who_waits_and_go_on_or_begin_anew_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PAGE_RECORDS", 1)
    crowd = Crowd()
    crowd.announce(*crowd.owners.values())
    crowd.bring()
    crowd.pass_time(PAGE_TURN_S)
    crowd.bring()
    assert crowd.new.id in crowd.asked()
    gone = crowd.owners[next(iter(set(crowd.owners) - set(crowd.asked())))]
    staged = crowd.us.node.index.manifests.staged_root
    assert staged(gone.manifest)[1] > 0, "what came stays"
    crowd.us.unlink(gone)
    crowd.bring(only=crowd.new.id)
    crowd.pass_time(PAGE_LOOK_S)
    assert staged(gone.manifest)[1] == 0, "nobody else has it"
    crowd.announce(gone)
    finish(crowd)


# -- pages that drip -------------------------------------------------------------------------------
def test_a_page_that_drips_is_called_off_and_its_source_has_failed(wire: Wire) -> None:
    _, two, three = wire.devices
    fetch = announced(wire)
    two.following.on_heard(FetchHeard(OrderId(10**6), 0, LONG_S))
    assert flush(two.node) == []
    two.following.on_heard(FetchHeard(fetch.order, 5, LONG_S))
    assert flush(two.node) == [CancelFetch(fetch.order)]
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BROKEN, "cancelled"))
    assert asked(two) == []
    two.link(three)
    two.following.on_heads(three.id, [wire.devices[0].head_of(wire.devices[0])])
    (again,) = asked(two)
    assert again.peer == three.id


def test_a_slow_page_of_another_is_called_off_once_its_owner_is_there(wire: Wire) -> None:
    one, two, three = wire.devices
    fetch = announced(wire)
    head = one.head_of(one)
    two.unlink(one)
    two.following.on_ended(FetchEnded(fetch.order, Outcome.BROKEN, ""))
    two.link(three)
    two.following.on_heads(three.id, [head])
    (slow,) = asked(two)
    assert slow.peer == three.id
    two.following.on_heard(FetchHeard(slow.order, 6000, SAMPLE_S))
    assert flush(two.node) == [], "the owner is away"
    two.node.now += 60.0
    two.link(one)
    two.following.on_heard(FetchHeard(slow.order, 600, 1.0))
    assert CancelFetch(slow.order) not in flush(two.node), "it has not told its head"
    two.following.on_heads(one.id, [head])
    two.following.on_heard(FetchHeard(slow.order, 600, 1.0))
    assert CancelFetch(slow.order) in flush(two.node)


# -- what was signed, and what one owner may have --------------------------------------------------
def fetch_since(fetch: Fetch) -> int:
    """After which number this asks."""
    assert isinstance(fetch.ask, ManifestAsk)
    return fetch.ask.since


def brings(two: Device, three: Device) -> None:
    """Nobody else is held up: what a third device shares comes as ever."""
    two.link(three)
    three.write("of three")
    three.publishing.on_tick(0)
    three.tick()
    two.following.on_heads(three.id, [three.head_of(three)])
    (fetch,) = asked(two)
    answer(two, fetch, ask(three, two, fetch))
    assert two.files_of(three) == ["of three"]


def endless(page: ManifestPage, first: int, count: int) -> ManifestPage:
    """A page of records that leads to no end."""
    made = [record(f"endless {seq}", seq) for seq in range(first, first + count)]
    return msgspec.structs.replace(
        page, records=made, deleted=[], upto=first + count - 1, head=None
    )


def test_pages_that_never_end_are_staged_no_further_than_was_signed(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = wire.devices
    fetch = announced(wire)
    page = ask(one, two, fetch)
    assert isinstance(page, ManifestPage)
    monkeypatch.setattr(limits, "AHEAD_GONE", 0)
    signed = forged(
        1, msgspec.structs.replace(one.head_of(one), seq=2**52, count=limits.PAGE_RECORDS)
    )
    two.following.on_heads(one.id, [signed])
    more = limits.PAGE_RECORDS + 1  # one came with the head that was heard first
    answer(two, fetch, endless(page, 3, more))
    manifests = two.node.index.manifests
    assert manifests.staged_root(one.manifest)[1] == more + 2
    (fetch,) = asked(two)
    answer(two, fetch, endless(page, 3 + more, 1))
    assert manifests.staged_root(one.manifest)[1] == 2
    assert asked(two) == [], "it is left alone for a while"
    assert two.tells == ["manifest_refused"]
    brings(two, three)


def test_heads_of_new_generations_between_pages_stage_nothing_on_and_on(wire: Wire) -> None:
    one, two, three = wire.devices
    fetch = announced(wire)
    page, newest, manifests = ask(one, two, fetch), one.head_of(one), two.node.index.manifests
    assert isinstance(page, ManifestPage)
    for generation in range(2, RESTARTS + 3):
        head = msgspec.structs.replace(newest, seq=2**52, count=900, generation=generation)
        two.following.on_heads(one.id, [forged(1, head)])
        answer(two, fetch, endless(page, fetch_since(fetch) + 1, 900))
        assert manifests.staged_root(one.manifest)[1] <= 2, "what came counts no more"
        if generation < RESTARTS + 2:
            (fetch,) = asked(two)
            assert fetch_since(fetch) == 0
            answer(two, fetch, endless(page, 1, 900))
            (fetch,) = asked(two)
    assert asked(two) == [], "it is left alone for a while"
    assert two.tells == ["manifest_refused"]
    brings(two, three)


def test_an_owner_that_begins_anew_while_its_pages_come_is_caught_up_with(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write(*(f"{number:05}" for number in range(2 * limits.PAGE_RECORDS)))
    fetch = announced(wire)
    answer(two, fetch, ask(one, two, fetch))
    (fetch,) = asked(two)
    late = ask(one, two, fetch)
    reborn = Device(1, run=2)
    reborn.write("b", "x")
    reborn.publishing.on_tick(0)
    reborn.tick()
    head = msgspec.structs.replace(reborn.head_of(reborn), generation=2)
    head = forged(1, msgspec.structs.replace(head, continues=(run_end(one.head_of(one)),)))
    two.following.on_heads(one.id, [head])
    answer(two, fetch, late)
    (fetch,) = asked(two)
    assert fetch.ask == ManifestAsk(*one.manifest, 0, 2)
    in_its_own_words = replace(fetch, ask=ManifestAsk(*one.manifest, 0, 1))
    page = ask(reborn, two, in_its_own_words)
    assert isinstance(page, ManifestPage)
    answer(two, fetch, msgspec.structs.replace(page, head=head))
    assert two.files_of(one) == ["b", "x"]
    assert two.tells == []


def test_an_owner_that_says_more_than_one_may_have_stays_as_it_is_until_it_says_less(
    wire: Wire,
) -> None:
    one, two, _ = wire.devices
    fetch = announced(wire)
    newest = one.head_of(one)
    count = limits.OWNER_RECORDS + 1
    huge = forged(1, msgspec.structs.replace(newest, seq=count, count=count))
    for _ in range(2):
        two.following.on_heads(one.id, [huge])
        assert asked(two) == []
    assert two.tells == ["folder_too_large"]
    answer(two, fetch, ask(one, two, fetch))
    assert two.files_of(one) == ["a", "b"], "what was under way counts no more"
    assert [trouble.subject for trouble in two.node.troubles.of(TroubleKind.TOO_LARGE)] == ["d1"]
    two.following.on_heads(one.id, [newest])
    (fetch,) = asked(two)
    answer(two, fetch, ask(one, two, fetch))
    assert two.files_of(one) == ["a", "b", "c"], "an older head may be followed"
    assert two.node.troubles.count(TroubleKind.TOO_LARGE) == 1
    least = forged(1, msgspec.structs.replace(newest, seq=count + 1))
    two.following.on_heads(one.id, [least])
    (fetch,) = asked(two)
    page = ask(one, two, fetch)
    assert isinstance(page, ManifestPage)
    answer(two, fetch, msgspec.structs.replace(page, head=least))
    assert two.head_of(one) == least
    assert two.node.troubles.all() == []


def test_a_frozen_owner_that_says_too_much_is_told_and_stays_frozen(wire: Wire) -> None:
    one, two, three = wire.devices
    announced(wire)
    newest, count = one.head_of(one), limits.OWNER_RECORDS + 1
    two.following.on_heads(three.id, [forged(1, msgspec.structs.replace(newest, root=b"x" * 32))])
    huge = msgspec.structs.replace(newest, generation=2, seq=count, count=count)
    two.following.on_heads(one.id, [forged(1, huge)])
    assert asked(two) == []
    assert two.tells == ["folder_frozen", "folder_too_large"]


@pytest.mark.parametrize(("held", "enough"), [(8, True), (9, True), (None, True), (8, False)])
def test_names_that_may_be_too_long_are_counted_exactly_before_they_are_refused(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, held: int | None, enough: bool
) -> None:
    one, two, _ = wire.devices
    monkeypatch.setattr(limits, "OWNER_PATH_BYTES", 9)
    two.following.pursuits[one.manifest].path_bytes = held
    fetch = announced(wire)
    if not enough:
        monkeypatch.setattr(limits, "OWNER_PATH_BYTES", 2)
    answer(two, fetch, ask(one, two, fetch))
    if held == 9 or not enough:  # so it may be too much: everything is asked for
        (fetch,) = asked(two)
        assert fetch.ask == ManifestAsk(*one.manifest, 0, 1)
        answer(two, fetch, ask(one, two, fetch))
    assert asked(two) == []
    assert two.files_of(one) == ["a", "b", *["c"] * enough]
    assert two.tells == ["folder_too_large"] * (not enough)
    assert two.following.pursuits[one.manifest].path_bytes == (
        {8: 9, 9: 3, None: 3}[held] if enough else held
    )


def test_more_deletes_than_a_home_has_cost_the_whole_manifest_and_nothing_else(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, _ = wire.devices
    monkeypatch.setattr(limits, "OWNER_DELETED", 2)
    one.write("c", "d", "e")
    wire.wait(1.0)
    wire.fetched.clear()
    one.publishing.drop({b"a", b"b", b"c"})
    wire.wait(1.0)
    assert [request.since for asker, _, request in wire.fetched if asker == 2] == [5, 0]
    assert two.files_of(one) == ["d", "e"]
    assert two.node.index.manifests.path_lengths(one.manifest)[1:] == (0, 0)
    one.publishing.drop({b"d"})
    wire.wait(1.0)
    assert two.files_of(one) == ["e"]
    assert two.node.index.manifests.path_lengths(one.manifest)[1:] == (1, 1)
    assert two.tells == []


def test_what_ends_while_everything_is_read_is_not_there(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write(*(f"{number:05}" for number in range(limits.PAGE_RECORDS + 10)))
    one.publishing.on_tick(0)
    one.node.now += 1.0
    one.publishing.on_tick(0)
    one.tick()
    fresh = Device(2)
    fresh.link(one)
    fresh.following.on_heads(one.id, [one.head_of(one)])
    (fetch,) = asked(fresh)
    answer(fresh, fetch, ask(one, fresh, fetch))
    one.publishing.drop({b"00000", b"01005"})
    one.node.now += 1.0
    one.publishing.on_tick(0)
    one.tick()
    (fetch,) = asked(fresh)
    answer(fresh, fetch, ask(one, fresh, fetch))
    assert fresh.head_of(one) == one.head_of(one)
    assert len(fresh.files_of(one)) == limits.PAGE_RECORDS + 10
    assert two.files_of(one) == ["a", "b"]
