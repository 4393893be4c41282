"""Announcing: who is told what and when, what is asked again; equal digests are silent."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder, Gap, Heads, HeadsAsk, HeldBack, Holding, Kept
from potluck.engine.effects import Fetch, MakeDurable, Send
from potluck.engine.index.skip_list import SkipEntry
from potluck.engine.others.announcing import DIGEST_PATIENCE_S, KEPT_SOON_S
from tests.engine.builders import flush, group, taken
from tests.engine.manifests import Device, Wire, forged


@pytest.fixture
def wire() -> Wire:
    """Three linked devices that hold nothing yet."""
    made = Wire([Device(1), Device(2), Device(3)])
    made.connect()
    made.run()
    made.said.clear()
    return made


def said(wire: Wire, kind: type) -> list[tuple[int, int]]:
    """Who said messages of this kind to whom since the last question."""
    found = [
        (sender, receiver) for sender, receiver, message in wire.said if isinstance(message, kind)
    ]
    wire.said.clear()
    return sorted(found)


# -- heads -----------------------------------------------------------------------------------------
def test_a_change_reaches_everybody_and_each_copy_comes_from_its_owner(wire: Wire) -> None:
    one, two, three = wire.devices
    one.write("a", "b")
    wire.run()
    assert two.files_of(one) == three.files_of(one) == ["a", "b"]
    assert [fetch[:2] for fetch in wire.fetched] == [(2, 1), (3, 1)]
    assert said(wire, Heads) == [(1, 2), (1, 3)]
    assert one.announcing.digest == two.announcing.digest == three.announcing.digest


def test_a_head_leaves_only_when_the_index_is_on_the_disk() -> None:
    one, two = Device(1), Device(2)
    one.link(two)
    flush(one.node)
    one.write("a")
    one.publishing.on_tick(0)
    effects = one.node.take()
    (sync,) = [effect for effect in effects if isinstance(effect, MakeDurable)]
    assert not [effect for effect in effects if isinstance(effect, Send)]
    one.node.on_synced(sync.barrier)
    assert [type(effect.message) for effect in taken(one.node, Send)] == [Heads]


def test_who_is_not_linked_to_the_owner_hears_it_from_those_who_are() -> None:
    one, two, three = Device(1), Device(2), Device(3)
    wire = Wire([one, two, three])
    for here, there in ((one, two), (two, one), (two, three), (three, two)):
        here.link(there)
    one.write("a")
    wire.run()
    assert two.files_of(one) == ["a"]
    one.unlink(two)
    two.unlink(one)
    wire.wait(limits.HEADS_ASK_S)
    three.neighbour.device = two.id
    wire.wait(limits.HEADS_ASK_S * 2)
    assert three.files_of(one) == ["a"]
    assert three.applied[0].head.owner == one.id


def test_a_head_whose_owner_left_meanwhile_is_handed_on_to_those_who_lack_it() -> None:
    one, two, three = Device(1), Device(2), Device(3)
    wire = Wire([one, two, three])
    for here, there in ((one, two), (two, one), (two, three), (three, two)):
        here.link(there)
    wire.run()
    one.write("a")
    for effect in one.tick():
        wire.carry(one, effect)
    (fetch,) = [effect for effect in two.tick() if isinstance(effect, Fetch)]
    two.unlink(one)
    one.unlink(two)
    wire.carry(two, fetch)
    wire.run()
    assert three.files_of(one) == ["a"]
    assert [asked[:2] for asked in wire.fetched] == [(2, 1), (3, 2)]
    two.following.on_heads(three.id, three.node.index.manifests.heads())
    wire.said.clear()
    two.announcing.on_applied(two.applied[-1].head)  # who announced it need not be told
    wire.run()
    assert said(wire, Heads) == []


def test_a_push_that_got_lost_is_found_by_the_digest(wire: Wire) -> None:
    one, two, _ = wire.devices
    wire.lost = lambda sender, receiver, message: isinstance(message, Heads) and receiver is two
    one.write("a")
    wire.run()
    assert two.files_of(one) == []
    wire.lost = lambda *_: False
    wire.probe()
    wire.run()
    assert two.files_of(one) == []  # it may be on its way
    wire.wait(0.25)
    wire.probe()
    wire.run()
    assert two.files_of(one) == ["a"]


def test_a_difference_that_stays_is_asked_about_ever_less_often(wire: Wire) -> None:
    one, two, _ = wire.devices
    asked = []
    for _ in range(1200):
        two.node.now += 0.05
        two.announcing.on_digest(one.id, b"other")
        if any(isinstance(effect.message, HeadsAsk) for effect in taken(two.node, Send)):
            asked.append(round(two.node.now, 2))
    waits = [round(after - before) for before, after in pairwise(asked)]
    assert waits[:5] == [1, 2, 4, 8, 10]
    assert set(waits[5:]) == {10}
    two.announcing.on_digest(one.id, two.announcing.digest)
    two.announcing.on_digest(one.id, b"other")
    two.node.now += 0.25
    two.announcing.on_digest(one.id, b"other")
    assert [type(effect.message) for effect in taken(two.node, Send)] == [HeadsAsk]


def test_a_difference_that_is_as_old_as_a_push_may_take_is_asked_about(wire: Wire) -> None:
    one, two, _ = wire.devices
    two.announcing.on_digest(one.id, b"other")
    assert taken(two.node, Send) == []
    two.node.now += DIGEST_PATIENCE_S
    two.announcing.on_digest(one.id, b"other")
    assert [type(effect.message) for effect in taken(two.node, Send)] == [HeadsAsk]


def test_equal_digests_are_silent(wire: Wire) -> None:
    wire.devices[0].write("a")
    wire.run()
    wire.wait(2 * limits.KEPT_S)
    wire.said.clear()
    for _ in range(5):
        wire.probe()
        wire.wait(0.3)
    one, two, _ = wire.devices
    one.announcing.on_heads_ask(two.id, HeadsAsk(two.announcing.digest))
    wire.run()
    assert wire.said == []


def test_everyone_asks_last_now_and_then(wire: Wire) -> None:
    one, two, three = wire.devices
    for device, last in ((one, three), (two, one), (three, two)):
        device.neighbour.device = last.id
    wire.wait(limits.HEADS_ASK_S * 1.5)
    assert said(wire, HeadsAsk) == [(1, 3), (2, 1), (3, 2)]


def test_many_heads_go_in_several_messages() -> None:
    one, two = Device(1), Device(2)
    one.write("a")
    flush(one.node)
    one.publishing.on_tick(0)
    (head,) = one.node.index.manifests.heads()
    heads = [
        replace(head, owner=bytes([n // 256, n % 256]) * 16) for n in range(limits.HEADS_CHUNK + 1)
    ]
    one.node.index.manifests.heads = lambda: heads  # type: ignore[method-assign]
    flush(one.node)
    one.link(two)
    messages = [effect.message for effect in flush(one.node) if isinstance(effect, Send)]
    assert [len(message.heads) for message in messages if isinstance(message, Heads)] == [
        limits.HEADS_CHUNK,
        1,
    ]
    assert [len(message.holdings) for message in messages if isinstance(message, Kept)] == [
        limits.HEADS_CHUNK,
        1,
    ]


def test_whose_index_failed_asks_everybody_again(wire: Wire) -> None:
    one = wire.devices[0]
    one.announcing.digest = b"made up"
    one.announcing.recover()
    assert one.announcing.digest == wire.devices[1].announcing.digest
    wire.run()
    assert said(wire, HeadsAsk) == [(1, 2), (1, 3)]


def test_heads_of_an_owner_who_becomes_a_member_are_learned_at_once() -> None:
    small, large = group(1, 2), group(1, 2, 3)
    one, two, three = Device(1, large), Device(2, small), Device(3, large)
    wire = Wire([one, two, three])
    one.link(three)
    three.link(one)
    three.write("a")
    wire.run()
    one.link(two)
    two.link(one)
    wire.run()
    assert (one.files_of(three), two.files_of(three)) == (["a"], [])
    two.node.roster = large
    wire.said.clear()
    two.announcing.on_members()
    wire.run()
    assert two.files_of(three) == ["a"]
    assert said(wire, HeadsAsk) == [(2, 1)]
    two.announcing.on_members()
    wire.run()
    assert said(wire, HeadsAsk) == []


# -- kept ------------------------------------------------------------------------------------------
def test_what_stands_here_is_told_at_once_and_then_at_most_once_a_second(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a-long-one")
    wire.run()
    holding = wire.devices[2].node.peer(two.id).kept[one.manifest]
    assert (holding.missing_files, holding.missing_bytes) == (1, 10)
    wire.said.clear()
    two.partly.fetching = True
    for number in range(10):
        two.partly.here[one.manifest] = number
        wire.wait(0.25)
    assert said(wire, Kept) == [(2, 1), (2, 1), (2, 3), (2, 3)]  # two seconds passed
    two.partly.fetching = False
    two.announcing.on_places_changed()
    wire.wait(5.0)
    assert said(wire, Kept) == [(2, 1), (2, 3)]
    two.announcing.on_places_changed()
    wire.wait(5.0)
    assert said(wire, Kept) == [], "nothing changed"


def test_pieces_that_are_here_are_not_lacking(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a", "b", "c")
    wire.run()
    two.partly.fetching = True
    for here, lacking in ((2, 1), (7, 0)):  # what is here may be of another version
        two.partly.here[one.manifest] = here
        wire.wait(limits.KEPT_S)
        assert one.node.peer(two.id).kept[one.manifest].missing_bytes == lacking


def test_that_nothing_is_lacking_any_more_is_told_at_once(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a")
    wire.run()
    wire.said.clear()
    two.stand(one)
    two.announcing.on_places_changed()
    assert two.announcing.deadline() == two.node.now + KEPT_SOON_S
    wire.wait(KEPT_SOON_S)
    assert said(wire, Kept) == [(2, 1), (2, 3)]
    kept = one.node.peer(two.id).kept[one.manifest]
    assert (kept.missing_files, kept.missing_bytes) == (0, 0)


def test_before_a_question_is_answered_what_changed_is_told(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a")
    wire.run()
    wire.said.clear()
    two.announcing.tell_changed()
    wire.run()
    assert said(wire, Kept) == [], "nothing changed"
    two.stand(one)
    two.announcing.on_places_changed()
    two.announcing.tell_changed()
    assert [type(send.message) for send in taken(two.node, Send)] == [Kept, Kept]


def test_of_what_is_still_being_changed_nothing_is_said_to_be_whole(wire: Wire) -> None:
    one, two, three = wire.devices
    one.write("a")
    wire.run()
    two.stand(one)
    two.announcing.on_places_changed()
    wire.wait(limits.KEPT_S)
    kept = one.node.peer(two.id).kept
    assert kept[one.manifest].seq == 1
    one.publishing.drop([b"a"])
    two.partly.changing = {one.manifest}
    wire.wait(2.0)
    assert kept[one.manifest].seq == 1, "what is to go may stand there still"
    two.unlink(three)
    two.link(three)
    wire.wait(limits.KEPT_S)
    assert one.manifest not in three.node.peer(two.id).kept or (
        three.node.peer(two.id).kept[one.manifest].seq == 1
    )
    two.partly.changing = set()
    wire.wait(limits.KEPT_S)
    assert kept[one.manifest].seq == 2
    assert three.node.peer(two.id).kept[one.manifest].seq == 2


def test_a_share_that_goes_offline_takes_back_what_was_said_and_says_it_again(wire: Wire) -> None:
    one, two, three = wire.devices
    one.write("a")
    two.write("b", "c")
    wire.run()
    two.stand(one)
    two.announcing.on_places_changed()
    wire.wait(limits.KEPT_S)
    kept = one.node.peer(two.id).kept
    assert [kept[name].missing_files for name in (one.manifest, two.manifest)] == [0, 0]
    wire.said.clear()
    two.node.share_present = False
    two.announcing.on_share()
    wire.run()
    assert said(wire, Kept) == [(2, 1), (2, 3)], "at once"
    assert [kept[name].missing_files for name in (one.manifest, two.manifest)] == [1, 2]
    two.announcing.on_share()
    wire.wait(limits.KEPT_S * 2)
    assert said(wire, Kept) == [], "it is offline still"
    three.unlink(two)
    two.link(three)
    wire.run()
    assert three.node.peer(two.id).kept[one.manifest].missing_files == 1
    two.node.share_present = True
    two.announcing.on_share()
    wire.run()
    assert [kept[name].missing_files for name in (one.manifest, two.manifest)] == [0, 0]


def test_what_came_is_told_while_the_owner_goes_on_from_head_to_head(wire: Wire) -> None:
    one, two, three = wire.devices
    for owner in (one, three):
        owner.write("a")
        wire.run()
        was = one.head_of(owner)
        owner.write("more")
        wire.wait(1.0)
        head, whole = one.head_of(owner), one.node.index.manifests.amount(owner.manifest).size_bytes
        before = Holding(*owner.manifest, was.generation, was.seq, 1, 0)
        now = Holding(*owner.manifest, head.generation, head.seq, 0, 0)
        one.announcing.on_kept(two.id, [before])
        came_bytes = one.announcing.on_kept(two.id, [now])
        assert 0 < came_bytes < whole


def test_what_came_is_what_is_lacking_less_of_the_same_heads(wire: Wire) -> None:
    one, two, three = wire.devices

    def came(*lacking: tuple[Device, int, int]) -> int:
        kept = [Holding(*of.manifest, 1, seq, 1, missing) for of, seq, missing in lacking]
        return one.announcing.on_kept(two.id, kept)

    assert came((one, 1, 100), (three, 1, 50)) == 0, "it had the rest before"
    assert came((one, 1, 70), (three, 1, 10)) == 70
    assert came((one, 1, 90)) == 0
    assert came((one, 2, 20)) == 0, "what is not wanted any more is not lacking either"
    assert came((one, 2, 5)) == 15


def test_who_comes_back_has_to_say_again_what_it_holds(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a")
    wire.run()
    peer = one.node.peer(two.id)
    assert peer.kept
    assert peer.spoke_s == one.node.now
    one.unlink(two)
    one.link(two)
    assert not peer.kept


def test_what_a_device_skips_it_does_not_lack_and_when_something_came_is_known(wire: Wire) -> None:
    one, two, _ = wire.devices
    peer = one.node.peer(two.id)
    wire.run()
    assert peer.came_s is None
    for missing, skipped, lacks in ((9, 4, 5), (4, 4, 0), (3, 9, 0)):
        said = Holding(*one.manifest, 1, 1, 1, missing, 0, 1, skipped)
        one.announcing.on_kept(two.id, [said])
        assert (peer.lacking_bytes, peer.most_lacking_bytes) == (lacks, 5 if lacks else 0)
    assert peer.came_s == one.node.now


def test_what_has_no_room_is_told_as_a_part_of_what_lacks_and_taken_back(wire: Wire) -> None:
    one, two, three = wire.devices
    one.write("a", "b", "c")
    wire.run()
    wire.wait(limits.KEPT_S * 2)
    wire.said.clear()
    size_bytes = one.node.index.manifests.amount(one.manifest).size_bytes
    for short, files, told_bytes in (
        (Amount(1, 0, 1), 1, 1),
        (Amount(2, 0, 2), 2, 2),
        (Amount(9, 9, 2**60), 3, size_bytes),
        (Amount(9, 9, 2**60), 3, size_bytes),
        (NOTHING, 0, 0),
    ):
        news = two.partly.short.get(one.manifest) != short
        two.partly.short = {one.manifest: short} if files else {}
        wire.wait(limits.KEPT_S)
        assert said(wire, Kept) == ([(2, 1), (2, 3)] if news else []), "once, if it is news"
        wire.said.clear()
        for other in (one, three):
            kept = other.node.peer(two.id).kept[one.manifest]
            assert (kept.missing_files, kept.missing_bytes) == (3, size_bytes)
            assert (kept.no_room_files, kept.no_room_bytes) == (files, told_bytes)


def test_what_lacks_is_told_with_how_much_and_once_it_is_known(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a", "b")
    wire.run()
    two.partly.changing = {one.manifest}
    two.announcing.on_places_changed()
    wire.wait(limits.KEPT_S * 2)
    kept = one.node.peer(two.id).kept
    assert (kept[one.manifest].missing_files, kept[one.manifest].gaps) == (2, ())
    two.partly.which, two.partly.changing = {one.manifest: (Gap(1, 2),)}, set()
    wire.wait(limits.KEPT_S * 2)
    assert kept[one.manifest].gaps == (Gap(1, 2),), "all was looked at, and nothing came"
    wire.said.clear()
    wire.wait(limits.KEPT_S * 5)
    assert said(wire, Kept) == []


def test_what_is_skipped_needs_no_room(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a.iso", "b")
    wire.run()
    two.node.index.skip_list.set([SkipEntry(b"", "*.iso")], [])
    two.node.index.needs.judge_skips(one.manifest)
    two.partly.short = {one.manifest: Amount(2, 0, 2**40)}
    wire.wait(limits.KEPT_S)
    kept = one.node.peer(two.id).kept[one.manifest]
    assert (kept.missing_files, kept.skipped_files, kept.no_room_files) == (2, 1, 1)
    assert kept.no_room_bytes == kept.missing_bytes - kept.skipped_bytes


def test_that_there_is_no_room_is_told_at_most_once_a_second(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a")
    wire.run()
    wire.wait(limits.KEPT_S * 2)
    wire.said.clear()
    for number in range(1, 31):
        two.partly.short = {one.manifest: Amount(1, 0, number % 2)}
        wire.wait(limits.KEPT_S / 10)
    told = said(wire, Kept)
    assert 2 <= told.count((2, 1)) <= 4
    assert told.count((2, 1)) == told.count((2, 3))


def test_how_much_somebody_ever_lacked_is_remembered_until_it_lacks_nothing(wire: Wire) -> None:
    one, two, _ = wire.devices
    peer = one.node.peer(two.id)
    for missing, most in ((5, 5), (3, 5), (9, 9), (0, 0), (2, 2)):
        one.announcing.on_kept(two.id, [Holding(*one.manifest, 1, 1, 1, missing)])
        assert peer.most_lacking_bytes == most


def test_nothing_is_lacking_of_the_own_folder(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a")
    wire.run()
    one.announcing.on_places_changed()
    wire.wait(limits.KEPT_S)
    said = Holding(*one.manifest, 1, 1, 0, 0, instance=one.node.instance)
    assert two.node.peer(one.id).kept[one.manifest] == said


def test_holdings_are_bounded_whoever_makes_them_up(wire: Wire) -> None:
    one, two, _ = wire.devices
    many = [
        Holding(number.to_bytes(32, "big"), Folder.OWN, 1, 1, 0, 0)
        for number in range(limits.LIST_ITEMS + 10)
    ]
    one.announcing.on_kept(two.id, many)
    one.announcing.on_kept(two.id, [Holding(many[0].owner, Folder.OWN, 1, 2, 0, 0)])
    kept = one.node.peer(two.id).kept
    assert len(kept) == limits.LIST_ITEMS
    assert kept[ManifestName.of(many[0])].seq == 2


# -- time ------------------------------------------------------------------------------------------
def test_deadlines_never_lie_in_the_past(wire: Wire) -> None:
    one, two, _ = wire.devices
    two.write("a", "b")
    one.announcing.on_places_changed()
    wire.run()
    assert one.announcing.deadline() > one.node.now
    one.announcing.on_places_changed()
    assert one.announcing.deadline() == one.node.now + limits.KEPT_S


def test_what_is_due_is_done_at_its_deadline(wire: Wire) -> None:
    one, two, _ = wire.devices
    two.write("a")
    wire.run()
    one.neighbour.device = two.id
    one.announcing._told.clear()  # else nothing new is to be said
    one.announcing.on_places_changed()
    flush(one.node)
    one.node.now = one.announcing.deadline()
    one.announcing.on_tick()
    assert {type(effect.message) for effect in taken(one.node, Send)} == {Kept}
    one.node.now = one.announcing.deadline()
    one.announcing.on_tick()
    assert {type(effect.message) for effect in taken(one.node, Send)} == {HeadsAsk}


def test_what_stands_is_told_once_when_a_link_opens() -> None:
    one, two = Device(1), Device(2)
    one.write("a")
    one.publishing.on_tick(0)
    one.link(two)
    one.announcing.on_tick()
    messages = [effect.message for effect in flush(one.node) if isinstance(effect, Send)]
    assert len([message for message in messages if isinstance(message, Kept)]) == 1


def test_a_new_device_alone_says_nothing_to_itself() -> None:
    one = Device(1)
    one.announcing.on_tick()
    assert one.node.take() == []


def test_it_says_how_many_differ() -> None:
    one = Device(1)
    one.announcing.on_digest(Device(2).id, b"other")
    assert repr(one.announcing) == f"<Announcing {one.announcing.digest.hex()}, 1 differ>"


# -- what is held back -----------------------------------------------------------------------------
def test_what_is_held_is_told_when_it_changes_and_taken_back(wire: Wire) -> None:
    one, two, three = wire.devices
    one.write("a")
    wire.run()
    wire.wait(limits.KEPT_S * 2)
    wire.said.clear()
    two.partly.changing = {one.manifest}  # of what is held nothing is said besides
    for amount in (Amount(30, 0, 2**60), Amount(31, 0, 5), Amount(31, 0, 5), NOTHING):
        news = two.partly.held.get(one.manifest, NOTHING) != amount
        two.partly.held = {one.manifest: amount} if amount != NOTHING else {}
        wire.wait(limits.KEPT_S)
        assert said(wire, Kept) == ([(2, 1), (2, 3)] if news else []), "once, if it is news"
        wire.said.clear()
        least = Amount(amount.files, 0, min(amount.size_bytes, limits.FILE_MAX_BYTES))
        for other in (one, three):
            assert other.node.peer(two.id).held.get(one.manifest, NOTHING) == least


def test_what_was_said_of_a_folder_that_is_frozen_is_taken_back(wire: Wire) -> None:
    one, two, three = wire.devices
    one.write("a")
    wire.run()
    two.stand(one)
    two.announcing.on_places_changed()
    wire.wait(limits.KEPT_S)
    kept = one.node.peer(two.id).kept
    assert kept[one.manifest].missing_files == 0
    other = replace(two.head_of(one), root=b"x" * 32)
    two.following.on_heads(three.id, [forged(1, other)])
    two.announcing.on_places_changed()
    wire.wait(limits.KEPT_S)
    assert (kept[one.manifest].generation, kept[one.manifest].seq) == (0, 0), "of none of its heads"
    two.unlink(one)
    two.link(one)
    wire.run()
    assert (kept[one.manifest].generation, kept[one.manifest].seq) == (0, 0), "over a new link, too"


def test_what_is_held_is_told_over_a_new_link_and_what_was_said_before_is_forgotten() -> None:
    one, two = Device(1), Device(2)
    one.node.peer(two.id).held[one.manifest] = Amount(9, 0, 9)
    two.partly.held = {one.manifest: Amount(3, 0, 3)}
    two.announcing.tell_changed()
    one.link(two)
    assert one.node.peer(two.id).held == {}
    two.partly.held = {}  # it is over, and the others have not heard of that yet
    two.link(one)
    (message,) = [one.message for one in flush(two.node) if isinstance(one, Send)]
    assert message == Kept([], [HeldBack(*one.manifest, 3, 3, lacks=False)])
    two.announcing.tell_changed()
    (over,) = [one.message for one in flush(two.node) if isinstance(one, Send)]
    assert over == Kept([], [HeldBack(*one.manifest, 0, 0)])
    one.announcing.on_kept(two.id, message.holdings, message.held)
    assert one.node.peer(two.id).held == {one.manifest: Amount(3, 0, 3)}
    assert one.node.peer(two.id).spoke_s is None, "that says nothing of what it has"


def test_of_what_is_held_the_last_that_came_takes_back_what_was_said_to_lack(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a")
    wire.run()
    two.partly.changing = {one.manifest}
    two.partly.held = {one.manifest: Amount(30, 0, 30)}
    seen = one.node.peer(two.id)
    wire.wait(limits.KEPT_S * 2)
    assert seen.kept[one.manifest].missing_files == 1
    two.stand(one)
    two.announcing.on_places_changed()
    wire.wait(limits.KEPT_S * 2)
    assert one.manifest not in seen.kept, "it lacks nothing, and says no more of that head"
    has = Holding(*one.manifest, 1, 1, 0, 0)
    for lacks in (False, True):
        word = HeldBack(*one.manifest, 31, 30, lacks=lacks)
        one.announcing.on_kept(two.id, [has], [])
        one.announcing.on_kept(two.id, [], [word])
        assert seen.kept[one.manifest] == has, "that it has all of it stands"
    seen.held[one.manifest] = Amount(30, 0, 30)
    assert seen.held == {one.manifest: Amount(30, 0, 30)}


def test_what_is_held_is_bounded_whoever_makes_it_up(wire: Wire) -> None:
    one, two, _ = wire.devices
    many = [
        HeldBack(number.to_bytes(32, "big"), Folder.OWN, 1, 1)
        for number in range(limits.LIST_ITEMS + 10)
    ]
    one.announcing.on_kept(two.id, [], many)
    held = one.node.peer(two.id).held
    assert len(held) == limits.LIST_ITEMS
    one.announcing.on_kept(two.id, [], [replace(many[0], files=7), replace(many[1], files=0)])
    assert (len(held), held[ManifestName.of(many[0])].files) == (limits.LIST_ITEMS - 1, 7)


def test_much_that_is_held_goes_in_several_messages(wire: Wire) -> None:
    _, two, _ = wire.devices
    names = [ManifestName.own(DeviceId(bytes([number]) * 32)) for number in range(50)]
    two.partly.held = dict.fromkeys(names, Amount(1, 0, 1))
    two.node.now += limits.KEPT_S
    two.announcing.on_tick()
    told = [effect.message for effect in taken(two.node, Send)]
    kept = [message for message in told if isinstance(message, Kept)]
    assert [len(message.held) for message in kept] == [limits.HEADS_CHUNK] * 2 + [10] * 2


def test_what_was_said_of_the_own_folder_is_taken_back_while_it_is_in_doubt(wire: Wire) -> None:
    one, two, _ = wire.devices
    one.write("a")
    one.announcing.on_places_changed()
    wire.wait(2 * limits.KEPT_S)
    heard, own = two.node.peer(one.id).kept, one.manifest
    before = heard[own]
    assert before.seq == 1
    one.partly.doubted = True
    wire.wait(2 * limits.KEPT_S)
    assert (heard[own].generation, heard[own].seq) == (0, 0), "it stands at none"
    one.partly.doubted = False
    wire.wait(2 * limits.KEPT_S)
    assert heard[own] == before
    assert two.node.peer(one.id).spoke_s is not None
    two.announcing.on_linked(one.id)
    assert (heard, two.node.peer(one.id).spoke_s) == ({}, None), "it may have begun anew"


def test_a_doubt_that_was_over_before_all_heard_of_it_is_taken_back_from_who_did(
    wire: Wire,
) -> None:
    one, two, three = wire.devices
    one.write("a")
    one.announcing.on_places_changed()
    wire.wait(2 * limits.KEPT_S)
    before = two.node.peer(one.id).kept[one.manifest]
    assert three.node.peer(one.id).kept[one.manifest] == before
    one.partly.doubted = True
    one.announcing.on_linked(two.id)  # in that moment a link is opened anew
    one.partly.doubted = False
    wire.wait(2 * limits.KEPT_S)
    assert two.node.peer(one.id).kept[one.manifest] == before
