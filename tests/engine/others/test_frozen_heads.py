"""Frozen heads: all bring the folder of a removed owner to its last head, wherever they are."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import sign_head
from potluck.core.group.statements import Remove, sign_removal
from potluck.core.wire.catalogue import Folder, Head
from potluck.engine.others import forked_heads, frozen_heads
from potluck.engine.others.frozen_heads import counts, forget_further_heads, leads_on
from potluck.engine.others.pursuit import Pursuit, PursuitState
from potluck.engine.person_acts import RemoveAsked
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import group, key, node
from tests.engine.manifests import Device
from tests.engine.manifests import Wire as Heads
from tests.engine.others.test_following import announced, last_of, removed
from tests.engine.others.test_following import wire as heads
from tests.engine.others.test_moving_folders import names
from tests.engine.wire import Box, ring

__all__ = ["heads"]

ANNA = ManifestName.own(key(2).device)


def head(generation: int, seq: int, root: bytes = b"r" * 32) -> Head:
    return sign_head(Head(*ANNA, generation, seq, 1, root, b"i" * 16), key(2))


def test_what_counts_of_a_removed_device_is_its_last_head_and_what_led_there() -> None:
    made, last = node(1), head(1, 5)
    assert not counts(made, last), "no group"
    made.roster = group(1, 2, 3)
    other = head(1, 5, b"o" * 32)
    assert counts(made, other)
    assert leads_on(made, last, None)
    assert not leads_on(made, head(1, 4), last)
    assert frozen_heads.is_disputed(made, other, [None, last])
    said = Remove(made.roster.group, ANNA.owner, [], b"", last_of(last), b"", [])
    made.roster.add(sign_removal(key(1), said, []))
    made.roster.settle()
    assert [counts(made, head(*each)) for each in ((1, 4), (1, 5), (1, 6), (2, 1))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not counts(made, other)
    assert [leads_on(made, last, head(*each)) for each in ((1, 4), (1, 5), (1, 6), (2, 1))] == [
        True, False, True, True,
    ]  # fmt: skip
    assert leads_on(made, last, other), "of two of one number the removal says which"
    assert not leads_on(made, head(1, 6), last)
    assert not leads_on(made, head(1, 4), head(1, 6)), "back to the last one only"
    assert not frozen_heads.is_disputed(made, other, [last])


def test_who_tells_heads_of_devices_that_nobody_knows_is_told_apart() -> None:
    made, known = node(1), head(1, 5)
    assert not frozen_heads.is_strange(made, known), "no group"
    made.roster = group(1, 3)
    everyone = msgspec.structs.replace(known, folder=Folder.EVERYONE)
    assert frozen_heads.is_strange(made, known)
    assert not frozen_heads.is_strange(made, everyone)
    assert not counts(made, everyone)
    made.roster = group(1, 2)
    assert not frozen_heads.is_strange(made, known)
    assert not counts(made, everyone)


def test_a_contradiction_is_known_over_restarts_until_it_is_over() -> None:
    made, told = node(1), list[Pursuit]()
    made.roster = group(1, 2)

    @dataclass
    class Follows:
        pursuits: dict[ManifestName, Pursuit]

    frozen, following = Pursuit(ANNA), Follows({})
    frozen.on_contradiction(7)
    frozen_heads.keep_frost(made, frozen)
    again = frozen_heads.taken_up(following, made, ANNA, told.append)
    assert (again.state, again.frozen_in) == (PursuitState.FROZEN, 7)
    assert (told, following.pursuits) == ([again], {ANNA: again})
    made.roster = group(1, 3)
    other = frozen_heads.taken_up(following, made, ANNA, told.append)
    assert (other.state, len(told)) == (PursuitState.CURRENT, 1), "no member"
    made.roster = group(1, 2)
    frozen_heads.forget_frost(made, ANNA)
    other = frozen_heads.taken_up(following, made, ANNA, told.append)
    assert (other.state, len(told)) == (PursuitState.CURRENT, 1)


def test_a_start_takes_up_who_contradicted_itself_once() -> None:
    made = node(1)
    made.roster = group(1, 2)

    @dataclass
    class Follows:
        pursuits: dict[ManifestName, Pursuit]

    frozen, following = Pursuit(ANNA), Follows({})
    assert not frozen_heads.is_frozen(made, ANNA)
    frozen.on_contradiction(7)
    frozen_heads.keep_frost(made, frozen)
    assert frozen_heads.is_frozen(made, ANNA)
    frozen_heads.take_up_frosts(following, made)
    assert following.pursuits[ANNA].state is PursuitState.FROZEN
    (trouble,) = made.troubles.of(TroubleKind.FROZEN)
    assert (trouble.subject, trouble.wrong) == ("d2", True)
    known = following.pursuits[ANNA]
    frozen_heads.take_up_frosts(following, made)
    assert following.pursuits[ANNA] is known, "after trouble with the index"


def test_of_an_owner_on_two_machines_nothing_leads_on_or_is_disputed() -> None:
    made = node(1)
    made.roster = group(1, 2, 3)
    made.withheld.begin(ANNA.owner, 1)
    assert not leads_on(made, head(2, 9), head(1, 5))
    assert not leads_on(made, head(2, 9), None)
    assert not frozen_heads.is_disputed(made, head(1, 5, b"o" * 32), [head(1, 5)])
    assert leads_on(made, head(1 << 17, 9), head(1, 5)), "a person decided"


def test_of_a_removed_owner_the_last_head_is_followed_and_no_other(heads: Heads) -> None:
    announced(heads)
    last = heads.devices[0].head_of(heads.devices[0])
    one, two, three = removed(heads, last)
    assert last.owner in {name.owner for name in two.following.pursuits}
    one.write("d")
    one.publishing.on_tick(0)
    one.tick()
    two.following.on_heads(three.id, [one.head_of(one)])
    assert two.following.pursuits[one.manifest].newest == last
    assert not two.following.strangers()


def test_a_last_head_that_does_not_continue_what_is_held_deletes_nothing() -> None:
    first, two, three = Device(1), Device(2), Device(3)
    known = Heads([first, three])
    known.connect()
    first.write("a", "of the lost life")
    known.wait(1.0)
    restored = Device(1, run=2)
    three.unlink(first)
    restored.write("a", "b", "c")
    fork = Heads([restored, two])
    fork.connect()
    fork.wait(1.0)
    last = restored.head_of(restored)
    removed(Heads([restored, two, three]), last)
    after = Heads([two, three])
    after.connect()
    after.wait(30.0)
    after.probe()
    after.wait(30.0)
    assert three.head_of(restored) == last
    assert three.applied[-1].held


def test_where_a_removal_names_no_head_none_is_followed(heads: Heads) -> None:
    announced(heads)
    one, two, three = removed(heads, None)
    assert one.manifest not in two.following.pursuits
    two.following.on_heads(three.id, [one.head_of(one)])
    assert one.manifest not in two.following.pursuits


@pytest.mark.parametrize("reborn", [False, True])
def test_who_is_beyond_the_last_head_goes_back_to_it(heads: Heads, reborn: bool) -> None:
    one, two, three = heads.devices
    last = one.head_of(one)
    heads.lost = lambda sender, receiver, message: receiver is three
    one.write("c")
    one.publishing.drop({b"a"})
    if reborn:
        one.publishing.begin_anew(1)
    heads.wait(1.0)
    assert (two.files_of(one), three.files_of(one)) == (["b", "c"], ["a", "b"])
    removed(heads, last)
    heads.lost = lambda *_: False
    two.following.on_heads(three.id, [last])
    heads.wait(1.0)
    assert two.files_of(one) == ["a", "b"]
    assert two.head_of(one) == last
    assert (two.applied[-1].paths, two.applied[-1].held) == ([b"a", b"b", b"c"], False)
    assert two.node.index.manifests.page(one.manifest, 0, 100)[1] == [], "no delete is handed on"
    assert "folder_put_back" in two.tells


def test_a_removal_ends_what_kept_an_owner_from_being_followed() -> None:
    made = node(1)
    made.roster = group(1, 2, 3)
    last = head(1, 5)

    @dataclass
    class Follows:
        pursuits: dict[ManifestName, Pursuit]

    stopped, members = Pursuit(ANNA), Pursuit(ManifestName.own(key(3).device))
    stopped.state = PursuitState.FROZEN
    made.troubles.note(Trouble(TroubleKind.FROZEN, "d2", "", "", 0.0, None))
    said = Remove(made.roster.group, ANNA.owner, [], b"", last_of(last), b"", [])
    made.roster.add(sign_removal(key(1), said, []))
    made.roster.settle()
    following = Follows({ANNA: stopped, members.name: members})
    forked_heads.tell(made, stopped)
    forget_further_heads(following, made)
    assert following.pursuits == {members.name: members}
    assert made.troubles.total == 0


# -- whole devices ---------------------------------------------------------------------------------
def test_all_have_one_folder_in_the_end_whoever_knew_more_or_less_of_it() -> None:
    """The steward was away during the last changes, another for longer; the third had them all."""
    wire, boxes = ring(4)
    founder = next(b for b in boxes if b.engine.node.roster.founder == b.me)  # type: ignore[union-attr]
    owner, other, behind = (box for box in boxes if box is not founder)
    for name in ("a", "f/b"):
        owner.write(name, b"first " + name.encode())
    wire.run(20.0)
    behind.crash()
    owner.write("c", b"missed by one")
    owner.delete("f/b")
    wire.run(20.0)
    founder.crash()
    owner.write("d", b"missed by two")
    owner.write("a", b"second")
    wire.run(20.0)
    label = owner.label
    assert names(other, label) == [f"{label}/{name}" for name in ("a", "c", "d")]
    owner.crash()
    steward = wire.again(founder)
    steward.hear(RemoveAsked(1, label))
    wire.run(30.0)
    left = [steward, other, wire.again(behind)]
    assert wire.run(60.0, lambda: all(whole(box, owner, left) for box in left))
    wire.run(30.0)
    assert all(whole(box, owner, left) for box in left)
    assert names(steward, label) == [f"{label}/{name}" for name in ("a", "c")]
    kept = [data for _, data in other.tree.trash]
    assert b"missed by two" in kept
    assert len(other.told("folder_put_back")) == 1


def whole(box: Box, owner: Box, boxes: list[Box]) -> bool:
    """Whether the folder of that owner is as at the first of these, and nothing lacks."""
    trees = [{path: one.disk[path] for path in one.disk} for one in (box, boxes[0])]
    mine, its = ({p: d for p, d in t.items() if p.parts[0] == owner.label} for t in trees)
    return mine == its and box.engine.view(box.wire.now).state == "in_sync"
