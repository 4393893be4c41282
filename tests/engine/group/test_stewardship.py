"""Stewardship: who may put out whom, and what follows everywhere."""

from __future__ import annotations

from functools import partial

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import sign_head
from potluck.core.errors import NotFound, PotluckError, Refused, UsageError
from potluck.core.group.removals import SignedAct
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    Appoint,
    Forget,
    LastHead,
    Relabel,
    Remove,
    Succeed,
    key_id,
    record_hash,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import short_id
from potluck.core.wire.catalogue import Folder, Head, RosterRecord
from potluck.engine import effects
from potluck.engine.effects import Reply, Tell
from potluck.engine.group.key_exchange import KeyExchange
from potluck.engine.group.leavers import LEAVER_LOOK_S, LEAVER_S
from potluck.engine.group.membership import OUT, Membership
from potluck.engine.group.stewardship import RECOMMENDED, Stewardship
from potluck.engine.node import Node
from potluck.engine.others.frozen_heads import counts
from potluck.engine.person_acts import AppointAsked, GroupAct, LeaveForGoodAsked, RemoveAsked
from tests.engine.builders import key, member, node, taken
from tests.engine.group.test_membership import inside, link
from tests.engine.listeners import Heard
from tests.engine.wire import Box, one_ring, ring


def of(box: Box | Node) -> Roster:
    roster = box.engine.node.roster if isinstance(box, Box) else box.roster
    assert roster is not None
    return roster


def reply(box: Box, act: GroupAct) -> Reply:
    """Do it, and return what the person is answered."""
    box.hear(act)
    return box.asked_for(Reply)[-1]


def others(boxes: list[Box]) -> tuple[Box, list[Box]]:
    """The founder, and the rest."""
    founder = next(box for box in boxes if box.me == of(box).founder)
    return founder, [box for box in boxes if box is not founder]


def test_a_removed_device_is_out_everywhere_and_ends() -> None:
    wire, boxes = ring(4)
    founder, (out, *rest) = others(boxes)
    out.write("a", b"hello")
    assert wire.run(5.0, lambda: all(f"{out.label}/a" in map(str, box.disk) for box in boxes))
    began = wire.now
    assert "is removed" in reply(founder, RemoveAsked(1, out.label)).text
    assert wire.run(2.0, lambda: all(out.me not in of(box).members for box in rest))
    assert wire.run(2.0, lambda: out.left)
    assert wire.now - began < 2.0
    assert founder.label in out.told("removed")[0]
    assert out.index.meta.get(OUT)
    assert wire.run(5.0, lambda: one_ring([founder, *rest]))
    assert founder.told("member_out")
    last = of(founder).standing.last_head(out.me)
    assert last is not None
    assert all(of(box).standing.last_head(out.me) == last for box in rest)
    (former,) = founder.engine.view(wire.now).former
    assert (former.label, former.why, former.by) == (out.label, "removed", founder.label)
    (valid,) = of(founder).standing.keys
    assert wire.run(
        2.0, lambda: all(box.engine.node.group_keys.lacking([valid]) == [] for box in rest)
    )
    assert all(f"{out.label}/a" in map(str, box.disk) for box in (founder, *rest))


def test_who_is_no_steward_is_told_who_is() -> None:
    wire, boxes = ring(3)
    founder, (ann, ben) = others(boxes)
    refused = reply(ann, RemoveAsked(1, ben.label))
    assert (refused.ok, refused.code) == (False, Refused.code)
    assert founder.label in refused.cause
    assert reply(ann, AppointAsked(2, ben.label)).code == Refused.code
    assert "is a steward now" in reply(founder, AppointAsked(3, ann.label)).text
    assert wire.run(2.0, lambda: ann.me in of(ann).standing.stewards)
    assert "is a steward already" in reply(ann, AppointAsked(4, ann.label)).text
    assert "is removed" in reply(ann, RemoveAsked(5, founder.label)).text
    assert wire.run(2.0, lambda: founder.left), "a stolen founder can be put out"
    assert wire.run(5.0, lambda: one_ring([ann, ben]))


def test_who_was_off_when_it_was_removed_hears_of_it_and_ends() -> None:
    wire, boxes = ring(3)
    founder, (out, other) = others(boxes)
    out.crash()
    assert wire.run(10.0, lambda: one_ring([founder, other]))
    assert "is removed" in reply(founder, RemoveAsked(1, out.label)).text
    assert wire.run(5.0, lambda: out.me not in of(other).members)
    founder.crash()
    other.crash()
    other, founder = wire.again(other), wire.again(founder)
    assert wire.run(20.0, lambda: one_ring([founder, other]))
    founder.crash()  # the steward need not be there
    out = wire.again(out)
    assert wire.run(5.0, lambda: out.left)
    text = f"this device was removed from “Home” by {founder.label}; its files stay here"
    assert out.told("removed") == [f"{text}; to begin anew, as a new device: up"]


def test_who_leaves_is_out_and_a_steward_makes_the_key() -> None:
    wire, boxes = ring(3)
    founder, (ann, ben) = others(boxes)
    assert reply(founder, LeaveForGoodAsked(1)).code == Refused.code, "the only steward"
    assert "for good" in reply(ann, LeaveForGoodAsked(2, preview=True)).text
    assert not of(founder).standing.epoch
    assert "has left" in reply(ann, LeaveForGoodAsked(3)).text
    assert ann.told("removed")[0].startswith("this device has left “Home” for good; its files")
    assert wire.run(3.0, lambda: ann.left and ann.me in of(ben).standing.removals)
    assert of(ben).standing.removals[ann.me][0].by == founder.me
    assert wire.run(3.0, lambda: not ben.engine.node.group_keys.lacking(of(ben).standing.keys))
    assert "left" in ben.told("member_out")[0]
    assert ben.label in [entry.label for entry in of(founder).members.values()]


def test_an_act_without_effect_says_why() -> None:
    _, (box,) = ring(1)
    assert reply(box, LeaveForGoodAsked(1)).code == Refused.code
    assert reply(box, RemoveAsked(2, box.label)).fix == "leave"
    assert reply(box, RemoveAsked(3, "nobody")).code == NotFound.code
    assert reply(box, RemoveAsked(4, "")).code == NotFound.code


class Alone:
    """One device with its group, and nobody on the wire."""

    def __init__(self, *numbers: int, me: int = 1) -> None:
        self.heard_of_group = Heard()
        self.node, self.membership = inside(*numbers, me=me, listener=self.heard_of_group)
        self.heard = Heard()
        self.exchange = KeyExchange(self.node)
        self.part = Stewardship(self.node, self.membership, self.exchange, self.heard)

    def recommended(self) -> list[tuple[str, str]]:
        """What is told, since it was asked last, of a second steward: the text and its command."""
        told = [told for told in taken(self.node, Tell) if told.code == "one_steward"]
        return [(each.text, each.command) for each in told]


def test_a_name_may_be_the_beginning_of_an_id() -> None:
    alone = Alone(1, 2, 3)
    ids = {number: short_id(key(number).device) for number in (2, 3)}
    text = alone.part.remove(RemoveAsked(1, ids[2][:6].lower(), preview=True))
    assert text.startswith(f"d2 ({ids[2]}) ")
    assert repr(alone.part) == "<Stewardship steward=True>"
    assert repr(Stewardship(node(), alone.membership, alone.exchange, alone.heard)) == (
        "<Stewardship steward=False>"
    )


def test_whom_a_removed_device_let_in_stays_unless_they_are_to_go_as_well() -> None:
    for everybody in (False, True):
        alone = Alone(1, 2)
        roster = of(alone.node)
        alone.membership.add_records([member(key(2), roster, key(3), "guest")])
        text = alone.part.remove(RemoveAsked(1, "d2", everybody, preview=True))
        assert ("guest" in text, "is out" in text) == (True, everybody)
        assert key(2).device in roster.members
        text = alone.part.remove(RemoveAsked(1, "d2", everybody))
        assert "guest" in text
        assert (key(3).device in roster.members) is not everybody
        assert alone.node.group_keys.lacking(roster.standing.keys) == []


def test_two_removals_that_crossed_leave_one_key_in_the_end() -> None:
    alone = Alone(1, 2, 3, 4)
    roster = of(alone.node)
    alone.part.appoint(AppointAsked(1, "d2"))
    said = [
        Remove(roster.group, key(whom).device, [], b"", None, key_id(bytes([whom]) * 32), [])
        for whom in (3, 4)
    ]
    alone.membership.add_records(
        [*sign_removal(key(1), said[0], []), *sign_removal(key(2), said[1], [])]
    )
    assert len(roster.standing.keys) == 2
    link(alone.node, 2)
    alone.part.on_members()
    assert len(roster.standing.keys) == 1
    assert alone.node.group_keys.lacking(roster.standing.keys) == []


def test_whose_admission_is_void_is_out_and_told_so() -> None:
    alone = Alone(1, 2, me=2)
    roster = of(alone.node)
    alone.membership.add_records([member(key(2), roster, key(3), "guest")])
    guest = node(3)
    guest.index.roster.replace(roster.records())
    theirs = Alone.__new__(Alone)
    theirs.node, theirs.heard = guest, Heard()
    theirs.membership = Membership(guest, theirs.heard)
    assert theirs.membership.start()
    theirs.exchange = KeyExchange(guest)
    theirs.part = Stewardship(guest, theirs.membership, theirs.exchange, theirs.heard)
    out = Remove(roster.group, key(2).device, [], b"", None, b"", [])
    theirs.membership.add_records(sign_removal(key(1), out, []))
    theirs.part.on_members()
    assert theirs.heard.of("on_left") == [()] or theirs.heard.notes
    told = [e for e in guest.take() if isinstance(e, effects.Tell) and e.code == "removed"]
    assert "whoever let this device in" in told[0].text


def test_errors_have_three_parts() -> None:
    alone = Alone(1, 2, me=2)
    for act in (RemoveAsked(1, "d1"), RemoveAsked(1, "d2"), RemoveAsked(1, "x")):
        with pytest.raises(PotluckError) as caught:
            alone.part.remove(act)
        assert caught.value.what
        assert caught.value.cause
        assert caught.value.fix


def test_who_is_appointed_stays_whatever_becomes_of_who_let_it_in() -> None:
    alone = Alone(1, 2)
    roster = of(alone.node)
    alone.membership.add_records([member(key(2), roster, key(3), "d3")])
    alone.part.appoint(AppointAsked(1, "d3"))
    alone.part.remove(RemoveAsked(2, "d2", everybody=True))
    assert key(3).device in roster.members
    assert key(3).device in roster.standing.stewards


def test_too_little_of_an_id_is_nobodys_name_and_what_fits_two_is_refused() -> None:
    alone = Alone(1, 2, 3)
    shown = short_id(key(2).device)
    for size in range(1, 4):
        with pytest.raises(NotFound):
            alone.part.remove(RemoveAsked(1, shown[:size]))
        with pytest.raises(NotFound):
            alone.part.appoint(AppointAsked(1, shown[:size].lower()))
    word = Relabel(of(alone.node).group, key(3).device, shown, 1)
    alone.membership.add_records([sign_act(key(3), word)])
    with pytest.raises(UsageError) as refused:
        alone.part.remove(RemoveAsked(1, shown))
    for who in (f"d2 ({shown})", f"{shown} ({short_id(key(3).device)})"):
        assert who in refused.value.cause
    assert len(of(alone.node).members) == 3


def test_what_is_done_is_said_of_the_device_that_is_meant() -> None:
    alone = Alone(1, 2)
    shown = f"d2 ({short_id(key(2).device)})"
    assert alone.part.appoint(AppointAsked(1, "D2")).startswith(f"{shown} is a steward now")
    asked = RemoveAsked(2, "D2", preview=True, forget=True)
    assert alone.part.remove(asked).startswith(f"{shown} is cut off")
    assert "Its files go to the trash on every device of the group." in alone.part.remove(asked)
    assert alone.part.remove(RemoveAsked(2, "D2")).startswith(f"{shown} is removed;")
    with pytest.raises(NotFound) as gone:
        alone.part.remove(RemoveAsked(3, "d2"))
    assert gone.value.what == f"{shown} was removed already."


def test_what_a_leaver_accepted_stands_though_it_was_not_heard_of_yet() -> None:
    alone = Alone(1, 2)
    roster = of(alone.node)
    late = member(key(2), roster, key(3), "late")
    said = Remove(roster.group, key(2).device, [], b"", None, b"", [])
    name = sign_act(key(2), Relabel(roster.group, key(2).device, "anna", 1))
    alone.membership.add_records([name, *sign_removal(key(2), said, [record_hash(late)])])
    alone.part.on_members()
    assert roster.standing.removals[key(2).device]
    alone.membership.add_records([late])
    assert key(3).device in roster.members


def test_a_founder_with_company_hears_once_how_it_could_be_removed_itself() -> None:
    alone = Alone(1)
    told = alone.recommended
    alone.part.on_members()
    assert told() == [], "there is nobody else"
    roster = of(alone.node)
    roster.add([member(key(1), roster, key(3), "d3")])
    alone.part.on_members()
    text = "If this computer is lost, nobody can remove it from “Home”; so that a second one can: "
    assert told() == [(f"{text}admin add d3", "admin add d3")]
    roster.add([member(key(1), roster, key(2), "d2")])
    alone.part.on_members()
    again = Stewardship(alone.node, alone.membership, alone.exchange, Heard())
    again.on_members()
    assert told() == [], "only once, also after a restart"
    alone.node.index.meta.set(RECOMMENDED, b"another group")
    alone.part.appoint(AppointAsked(1, "d3"))
    alone.part.on_members()
    assert told() == [], "there is a second one"


def test_who_came_first_is_recommended_whatever_the_others_call_themselves() -> None:
    alone = Alone(1)
    told, roster = alone.recommended, of(alone.node)
    roster.add([member(key(1), roster, key(3), "zoe")])
    roster.settle()
    roster.add([member(key(1), roster, key(2), "aaa")])
    alone.part.on_members()
    assert [command for _, command in told()] == ["admin add zoe"]
    with pytest.raises(Refused) as refused:
        alone.part.leave(LeaveForGoodAsked(1, preview=False))
    assert refused.value.fix == "admin add zoe"


def test_one_of_two_machines_does_not_leave_for_both() -> None:
    alone = Alone(1, 2, me=2)
    alone.node.cloned = True
    with pytest.raises(Refused) as refused:
        alone.part.leave(LeaveForGoodAsked(1, preview=False))
    assert refused.value.fix == "clone new-identity"


def test_who_did_not_found_the_group_hears_nothing_of_it() -> None:
    alone = Alone(1, 2, me=2)
    alone.part.on_members()
    assert alone.recommended() == []


def test_who_removes_whom_it_was_let_in_by_stays_and_so_do_other_stewards() -> None:
    alone = Alone(1, 2, 3, 4, me=2)
    roster = of(alone.node)
    ways = [member(key(4), roster, key(5), "d5"), member(key(3), roster, key(6), "d6")]
    words = [sign_act(key(1), Appoint(roster.group, key(n).certificate)) for n in (2, 5)]
    alone.membership.add_records([*ways, *words])
    asked = RemoveAsked(1, "d1", everybody=True, preview=True)
    text = alone.part.remove(asked)
    assert "What it let in is out, too: d3 and d6.\n" in text
    assert "This device stays, and so does every other steward." in text
    assert "What it let in stays: d4." in text
    assert len(roster.members) == 6
    text = alone.part.remove(RemoveAsked(1, "d1", everybody=True))
    stay = {key(number).device for number in (2, 4, 5)}
    assert roster.members.keys() == stay, "itself, a steward, and who let that one in"
    assert "(d3 and d6) is out, too. What it let in (d4) stays." in text
    again = Roster(roster.records()[0])
    again.add(roster.records())
    assert again.members.keys() == stay, "for whoever learns of it later as well"


def test_of_a_leaver_nothing_goes_though_the_steward_was_away() -> None:
    wire, boxes = ring(3)
    founder, (ann, ben) = others(boxes)
    founder.crash()
    wire.run(3.0)
    ann.write("new", b"made while the founder was away")
    name = f"{ann.label}/new"
    assert wire.run(5.0, lambda: name in map(str, ben.disk))
    assert "It is told to 1 device here" in reply(ann, LeaveForGoodAsked(1)).text
    assert wire.run(5.0, lambda: ann.me in of(ben).standing.left)
    said = of(ben).left_at(ann.me)
    assert said is not None
    assert of(ben).frozen_at(ann.me) == said
    founder = wire.again(founder)
    assert wire.run(20.0, lambda: ann.me in of(ben).standing.removals)
    assert of(ben).standing.last_head(ann.me) == said
    assert wire.run(20.0, lambda: name in map(str, founder.disk))
    wire.run(5.0)
    assert name in map(str, ben.disk)
    assert ben.told("folder_put_back") == []


def left(alone: Alone, number: int, head: LastHead | None = None) -> list[RosterRecord]:
    """What a device signs that leaves."""
    roster, device = of(alone.node), key(number).device
    said = Remove(roster.group, device, [], b"", head, b"", [])
    return sign_removal(key(number), said, roster.signed_by(device))


def test_who_left_and_comes_back_is_told_that_it_left_though_a_steward_put_it_out() -> None:
    back = Alone(1, 2, me=2)  # by a backup from before
    roster = of(back.node)
    said = Remove(roster.group, key(2).device, [], b"", None, b"", [])
    back.membership.add_records([*left(back, 2), *sign_removal(key(1), said, [])])
    assert roster.standing.removals[key(2).device]
    back.part.on_members()
    (told,) = [each for each in taken(back.node, Tell) if each.code == "removed"]
    assert told.text.startswith("this device has left “Home” for good; its files stay here")


def removals_of(alone: Alone) -> list[SignedAct]:
    mine = alone.node.me
    every = of(alone.node).acts.values()
    return [said for said in every if isinstance(said.act, Remove) and said.by == mine]


def test_of_several_that_left_each_is_put_out_once_with_one_key() -> None:
    alone = Alone(*range(1, 12))
    roster = of(alone.node)
    alone.heard_of_group.tell["on_members_changed"] = alone.part.on_members
    heads = {number: LastHead(1, number, bytes([number]) * 32) for number in range(2, 12)}
    for number, head in heads.items():
        signed = Head(key(number).device, Folder.OWN, 1, number, 0, head.root, bytes(16))
        alone.node.index.manifests.set_head(signed)
    alone.membership.add_records([w for n, head in heads.items() for w in left(alone, n, head)])
    assert len(removals_of(alone)) == len(heads)
    assert len(roster.standing.keys) == 1
    assert {n: roster.standing.last_head(key(n).device) for n in heads} == heads


def test_whoever_leaves_naming_what_nobody_has_is_settled_at_what_is_held_by_the_first() -> None:
    junk = LastHead(1 << 53, 1 << 53, b"j" * 32)
    first, other = Alone(1, 2, 3), Alone(1, 2, 3, me=3)
    for alone in (first, other):
        alone.heard_of_group.tell["on_members_changed"] = alone.part.on_members
        alone.membership.add_records(left(alone, 2, junk))
        alone.part.on_tick()
        assert removals_of(alone) == []
    assert other.part.deadline() is None, "no steward"
    assert first.part.deadline() == first.node.now + LEAVER_LOOK_S
    assert of(first.node).frozen_at(key(2).device) == junk
    first.node.now += LEAVER_S
    first.part.on_tick()
    assert len(removals_of(first)) == 1
    assert of(first.node).frozen_at(key(2).device) is None, "nothing of it was held"
    assert first.part.deadline() is None
    assert Stewardship(node(), first.membership, first.exchange, first.heard).deadline() is None


def test_a_head_that_a_leaver_invents_is_no_trouble_for_good_and_undoes_no_freeze() -> None:
    wire, boxes = ring(4)
    founder, (out, ally, other) = others(boxes)
    out.write("a", b"hello")
    rest = (founder, ally, other)
    assert wire.run(10.0, lambda: all(f"{out.label}/a" in map(str, box.disk) for box in rest))
    wire.run(5.0)
    name, roster = ManifestName.own(out.me), of(out)
    held = out.index.manifests.head(name)
    assert held is not None
    head = LastHead(1 << 53, 1 << 53, b"j" * 32)
    said = Remove(roster.group, out.me, [], b"", head, b"", [])
    signed = sign_removal(out.key, said, roster.signed_by(out.me))
    tell = partial(ally.engine.wiring.membership.add_records, signed)
    ally.call(partial(ally.engine._call, tell))
    assert wire.run(5.0, lambda: out.me in of(founder).standing.left)
    wire.run(5.0)
    assert founder.engine.view(wire.now).state != "trouble"
    last = LastHead(held.generation, held.seq, held.root)
    assert wire.run(LEAVER_S + 5.0, lambda: all(of(b).frozen_at(out.me) == last for b in rest))
    wire.run(20.0)
    assert {box.engine.view(wire.now).state for box in rest} == {"in_sync"}
    later = sign_head(Head(*name, held.generation, held.seq + 9, 0, b"l" * 32, bytes(16)), out.key)
    assert [counts(box.engine.node, later) for box in rest] == [False] * 3
    assert all(f"{out.label}/a" in map(str, box.disk) for box in rest)


def test_a_folder_stays_where_it_is_when_another_key_is_made() -> None:
    alone = Alone(1, 2, 3, 4)
    roster, first = of(alone.node), LastHead(1, 1, b"r" * 32)
    alone.part.appoint(AppointAsked(1, "d2"))
    for by, whom in ((1, 3), (2, 4)):
        made = key_id(bytes([whom]) * 32)
        said = Remove(roster.group, key(whom).device, [], b"", first, made, [])
        alone.membership.add_records(sign_removal(key(by), said, []))
    device = min(roster.standing.removals)
    newer = Head(device, Folder.OWN, 1, 9, 0, b"n" * 32, bytes(16))
    alone.node.index.manifests.set_head(newer)
    alone.part.on_members()
    assert len(roster.standing.keys) == 1
    heads = [head for each in roster.standing.removals[device] for head in each.heads]
    assert set(heads) == {first}


def test_what_the_roster_did_not_take_is_not_said_to_be_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = Alone(1, 2, 3)
    alone.part.appoint(AppointAsked(1, "d3"))
    monkeypatch.setattr(alone.membership, "add_records", lambda *_: None)
    asked = [
        (lambda: alone.part.remove(RemoveAsked(1, "d2")), "is still a member", "remove d2"),
        (lambda: alone.part.appoint(AppointAsked(2, "d2")), "is no steward", "admin add d2"),
        (lambda: alone.part.leave(LeaveForGoodAsked(3)), "has not left", "remove d1"),
    ]
    for act, what, fix in asked:
        with pytest.raises(Refused) as refused:
            act()
        assert what in refused.value.what
        assert "no room" in refused.value.cause
        assert refused.value.fix.endswith(fix)


def test_who_leaves_while_nobody_is_there_is_told_that_nobody_heard_it() -> None:
    alone = Alone(1, 2, me=2)
    unheard = "they go on listing this one until a steward types there: remove d2"
    assert alone.part.leave(LeaveForGoodAsked(1, preview=True)).endswith(unheard)
    assert alone.part.leave(LeaveForGoodAsked(2)).endswith(unheard)


@pytest.mark.parametrize("leaves", [False, True])
def test_what_a_steward_signed_for_later_goes_with_it(leaves: bool) -> None:
    """A removal accepted all that stood: what it had said of a member came true with that one's."""
    wire, boxes = ring(4)
    founder, (steward, victim, friend) = others(boxes)
    victim.write("a", b"hello")
    assert wire.run(5.0, lambda: f"{victim.label}/a" in map(str, founder.disk))
    assert "is a steward now" in reply(founder, AppointAsked(1, steward.label)).text
    group = of(founder).group
    words = [
        sign_act(steward.key, Forget(group, victim.me)),
        sign_act(steward.key, Succeed(group, victim.me, friend.me)),
    ]
    assert wire.run(2.0, lambda: steward.me in of(steward).standing.stewards)
    tell = partial(steward.engine.wiring.membership.add_records, words)
    steward.call(partial(steward.engine._call, tell))
    assert wire.run(5.0, lambda: set(map(record_hash, words)) <= set(of(founder).acts))
    if leaves:
        reply(steward, LeaveForGoodAsked(2))
    else:
        assert "is removed" in reply(founder, RemoveAsked(2, steward.label)).text
    assert wire.run(20.0, lambda: steward.me not in of(founder).members)
    wire.run(LEAVER_S)
    assert "is removed" in reply(founder, RemoveAsked(3, victim.label)).text
    assert wire.run(5.0, lambda: victim.me not in of(friend).members)
    wire.run(5.0)
    for box in (founder, friend):
        assert f"{victim.label}/a" in map(str, box.disk)
        assert victim.me not in of(box).forgotten
        assert not of(box).force.successors
