"""Succession: a machine that was installed anew has name, folder and files of the one before."""

from __future__ import annotations

from functools import partial

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.errors import NotFound, Refused, UsageError
from potluck.core.group.admission import Newcomer
from potluck.core.group.roster import Roster
from potluck.core.group.statements import Remove, Succeed, sign_act, sign_removal
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import RequestTold
from potluck.engine import effects, succession
from potluck.engine.effects import Effect, Import, MoveFolder
from potluck.engine.events import FolderMoved, Imported, LinkId, Mount, MountsSeen, OrderId
from potluck.engine.group.forgetting import Forgetting
from potluck.engine.group.membership import Membership
from potluck.engine.group.named_devices import NO_PLACE, NO_STEWARD
from potluck.engine.group.requests import Asker
from potluck.engine.person_acts import RemoveAsked
from potluck.engine.succession import BRING_AGAIN_S, HEIR_S
from potluck.engine.wiring import Wiring
from tests.engine.builders import group, key, node
from tests.engine.group.test_requests import replaced_by
from tests.engine.others.test_moving_folders import names, sharing
from tests.engine.wire import Box, Wire
from tests.fakes.disk import path_of

FILES = ("a", "f/b", "f/g/c")


def replaced(
    ignored: tuple[type, ...] = (), host: int = 0
) -> tuple[Wire, list[Box], Box, Box, str]:
    """A group, first its founder; a device of it was removed and has been installed anew.

    Which of the others lets it in again: the founder, or the other one.

    Also the new device, the old one, and the label of both.
    """
    wire, boxes, old = sharing()
    founder = boxes[0]
    label = old.label
    founder.hear(RemoveAsked(1, label))
    assert wire.run(5.0, lambda: old.left)
    wire.ignored = ignored
    del wire.boxes[old.address]
    box = installed_anew(wire, boxes, old, host)
    rest = [each for each in boxes if each is not old]
    assert wire.run(60.0, lambda: all(len(b.engine.node.linked()) == 2 for b in (*rest, box)))
    assert box.label == label
    return wire, rest, box, old, label


def installed_anew(wire: Wire, boxes: list[Box], old: Box, host: int = 0) -> Box:
    """Let a new device in that has the place of that one."""
    new = key(9)
    newcomer = Newcomer(new.device, new.certificate, new.sealing_public, "again")
    by = [each for each in boxes if each is not old][host]
    assert wire.run(5.0, lambda: old.me not in roster_of(by).members)
    membership = by.engine.wiring.membership
    by.call(partial(by.engine._call, lambda: membership.admit(newcomer, old.me)))
    return wire.add(9)


def test_what_the_old_device_shared_is_in_the_folder_of_the_new_one_at_the_same_paths() -> None:
    wire, rest, new, old, label = replaced()
    boxes = [*rest, new]
    assert wire.run(60.0, lambda: all(gone_as(box, old) for box in boxes))
    wire.run(10.0)
    for box in boxes:
        assert sorted(names(box, label)) == [f"{label}/{name}" for name in FILES]
        assert box.tree.aside == []
    assert new.told("inherited") == [
        f"what {label} shared before it was installed anew is in its folder again"
    ]
    assert repr(new.engine.wiring.succession) == "<Succession: 0 folders, 0 under way>"


def gone_as(box: Box, old: Box) -> bool:
    """Whether the folder of before is not there any more, under whatever name."""
    top = box.engine.node.layout.name_of(old.me)
    held = box.index.places.all_paths(ManifestName.own(old.me))
    return not names(box, top) and not held and old.me in forgotten(box)


def roster_of(box: Box) -> Roster:
    roster = box.engine.node.roster
    assert roster is not None
    return roster


def forgotten(box: Box) -> frozenset[bytes]:
    return frozenset(roster_of(box).forgotten)


def test_until_all_is_brought_in_nothing_is_forgotten() -> None:
    wire, rest, new, old, label = replaced((Import,))
    assert wire.run(60.0, lambda: bool(new.asked_for(Import)))
    [order] = new.asked_for(Import)
    folder = new.engine.node.layout.name_of(old.me)
    assert folder == f"{label}-{short_id(old.me)}"
    assert order.paths == (f"/Shared/{folder}/a", f"/Shared/{folder}/f")
    assert str(order.into) == label
    wire.run(60.0)
    assert len(new.asked_for(Import)) == 1, "asked for once"
    new.hear(Imported(OrderId(order.order + 99), (), ()))
    new.hear(Imported(order.order, ("a",), (("/Shared/x/f", "no space"),)))
    [told] = new.told("not_inherited")
    assert told.endswith(f"no space); it is tried again, or: adopt {folder}")
    wire.run(BRING_AGAIN_S / 2)
    assert not any(forgotten(box) for box in (*rest, new))
    wire.ignored = ()
    assert wire.run(BRING_AGAIN_S + 60.0, lambda: all(gone_as(box, old) for box in (*rest, new)))


def test_what_fails_is_tried_again_soon_then_seldom_and_each_reason_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(succession, "BRING_AGAIN_MAX_S", 3 * BRING_AGAIN_S)
    wire, _, new, _, _ = replaced((Import,))
    assert wire.run(60.0, lambda: bool(new.asked_for(Import)))
    waits = list[float]()
    for reason in ["changed", *["no space"] * 3]:
        asked, began = new.asked_for(Import), wire.now
        new.hear(Imported(asked[-1].order, (), (("/Shared/x/f", reason),)))
        is_asked = partial(lambda count: len(new.asked_for(Import)) > count, len(asked))
        assert wire.run(100.0, is_asked)
        waits.append(wire.now - began)
    least = [BRING_AGAIN_S, 2 * BRING_AGAIN_S, 3 * BRING_AGAIN_S, 3 * BRING_AGAIN_S]
    late = [wait - at_least for wait, at_least in zip(waits, least, strict=True)]
    assert all(0 <= each <= 2 * HEIR_S for each in late), waits
    told = new.told("not_inherited")
    assert ["(changed)" in told[0], "(no space)" in told[1], len(told)] == [True, True, 2]


def test_what_was_brought_in_once_is_not_brought_in_again() -> None:
    wire, _, new, _, _ = replaced((Import,))
    assert wire.run(60.0, lambda: bool(new.asked_for(Import)))
    [order] = new.asked_for(Import)
    new.hear(Imported(order.order, ("a", "f"), ()))  # and then somebody deletes it
    wire.run(BRING_AGAIN_S)
    assert len(new.asked_for(Import)) == 1


def test_a_taken_name_that_keeps_the_old_folder_is_told_with_what_to_type() -> None:
    wire, rest, new, old, label = replaced((Import,))
    assert wire.run(60.0, lambda: bool(new.asked_for(Import)))
    [order] = new.asked_for(Import)
    new.hear(Imported(order.order, ("a (2)", "f"), (), instead=(("a (2)", "a"),)))
    folder = new.engine.node.layout.name_of(old.me)
    [told] = new.told("inherited")
    assert told == (
        f"what {label} shared before it was installed anew is in its folder again, a as “a (2)”, "
        f"since something else has that name there; so {folder} stays beside it until somebody "
        f"types on a steward: forget {folder}"
    )
    wire.run(BRING_AGAIN_S)
    assert not any(forgotten(box) for box in (*rest, new))


def test_what_is_hidden_by_something_mounted_waits() -> None:
    wire, _, new, old, _ = replaced((Import, effects.Look, effects.Scan))
    folder = new.engine.node.layout.name_of(old.me)
    new.hear(MountsSeen((Mount(path_of(f"{folder}/f"), 7),)))
    before = len(new.asked_for(Import))
    wire.run(30.0)
    assert len(new.asked_for(Import)) == before


def parts(me: int = 1) -> Wiring:
    """Those of a device whose group has lost one, and whom a newcomer asks; 1 is its steward."""
    made = Wiring(node(me))
    made.node.index.roster.replace(group(1, 2, 3).records())
    made.start()
    roster = made.node.roster
    assert roster is not None
    said = Remove(roster.group, key(2).device, [], b"", None, b"", [])
    made.membership.add_records(sign_removal(key(1), said, []))
    return made


def roster_in(made: Wiring) -> Roster:
    assert made.node.roster is not None
    return made.node.roster


def newcomer(number: int) -> Newcomer:
    who = key(number)
    return Newcomer(who.device, who.certificate, who.sealing_public, f"d{number}")


def test_whom_a_newcomer_replaces_counts_for_its_request_only() -> None:
    made = parts()
    asker = Asker(LinkId(9), newcomer(5), "10.0.0.5", bytes(32), 120.0)
    made.requests.open_here(asker, is_open=False)
    assert made.succession.approve("d5", "d2").startswith("You said yes")
    assert replaced_by(made.requests, LinkId(9)) == key(2).device
    made.requests.over(LinkId(9), "somebody said no")
    assert replaced_by(made.requests, LinkId(9)) is None
    again = Asker(LinkId(10), newcomer(5), "10.0.0.5", bytes([1]) * 32, 120.0)
    made.requests.open_here(again, is_open=False)
    assert replaced_by(made.requests, LinkId(10)) is None, "it asks anew"
    assert made.requests.answer("d5", yes=True).startswith("You said yes")
    made.requests.on_said(LinkId(10), here=True)
    assert made.membership.admit(newcomer(6), key(2).device)
    assert made.node.label_of(key(6).device) == "d2"
    with pytest.raises(Refused) as refused:
        made.succession.approve("d5", short_id(key(2).device))
    assert refused.value.cause == "d2 has its place"


def test_whom_a_newcomer_replaces_may_be_said_after_the_yes_while_it_is_not_in() -> None:
    made = parts()
    asker = Asker(LinkId(9), newcomer(5), "10.0.0.5", bytes(32), 120.0)
    made.requests.open_here(asker, is_open=False)
    made.requests.on_said(LinkId(9), here=True)
    with pytest.raises(UsageError) as refused:
        made.succession.approve("d5", "")
    assert (refused.value.cause, refused.value.fix) == ("--replace names nobody", "approve d5")
    said = made.succession.approve("d5", "d2")
    place = f"d2 ({short_id(key(2).device)})"
    assert said == f"d5 gets the place of {place} when it comes in; yes was said."
    other = Asker(LinkId(10), newcomer(6), "10.0.0.6", bytes([1]) * 32, 120.0)
    made.requests.open_here(other, is_open=True)
    said = made.succession.approve("d6", "d2")
    assert said.endswith("when it comes in; the door is open, so nobody need say yes.")
    assert replaced_by(made.requests, LinkId(9)) == key(2).device


def test_a_member_is_not_replaced_and_only_whoever_talks_to_the_newcomer_can_say_so() -> None:
    made = parts()
    with pytest.raises(Refused) as refused:
        made.succession.approve("d5", "d3")
    assert refused.value.fix == "if it is the same machine, installed anew: remove d3"
    with pytest.raises(NotFound):
        made.succession.approve("d5", "d2")
    told = RequestTold("a" * 8, "d5", "d5", "10.0.0.5", ["a", "b", "c"], 60)
    made.requests.on_message(key(3).device, told)
    with pytest.raises(Refused) as refused:
        made.succession.approve("d5", "d2")
    assert refused.value.cause == "another device talks to the newcomer"
    assert refused.value.fix == "once it is in: approve d5 --replace d2"


def test_who_is_no_steward_answers_nobody_and_says_what_to_type() -> None:
    made = parts(me=3)
    asker = Asker(LinkId(9), newcomer(5), "10.0.0.5", bytes(32), 120.0)
    made.requests.open_here(asker, is_open=False)
    with pytest.raises(Refused) as refused:
        made.succession.approve("d5", "d2")
    assert refused.value.what.endswith("nobody was answered.")
    assert refused.value.cause == "this device is none; steward is d1"
    whom = short_id(key(5).device)
    assert refused.value.fix.splitlines() == [
        "approve d5",
        f"on a steward, once it is in: approve {whom} --replace d2",
    ]
    assert replaced_by(made.requests, LinkId(9)) is None
    made.requests.on_message(key(1).device, RequestTold("a" * 8, "d6", "d6", "10.0.0.6", [], 60))
    with pytest.raises(Refused) as refused:
        made.succession.approve("d6", "d2")
    assert refused.value.fix.endswith("once it is in: approve NAME --replace d2")
    with pytest.raises(Refused) as refused:
        made.succession.approve("d3", "d2")
    fix = f"on a steward: approve {short_id(key(3).device)} --replace d2"
    assert refused.value.fix == fix


def test_without_any_steward_nobody_gives_a_place() -> None:
    made = parts(me=3)
    said = Remove(roster_in(made).group, key(1).device, [], b"", None, b"", [])
    accepted = roster_in(made).signed_by(key(1).device)
    made.membership.add_records(sign_removal(key(1), said, accepted))
    with pytest.raises(Refused) as refused:
        made.succession.approve("d3", "d2")
    assert refused.value.cause == NO_STEWARD


def test_a_steward_gives_a_place_to_a_device_that_is_in_and_nobody_gets_two() -> None:
    made = parts()
    text = made.succession.approve("d3", "d2")
    ids = [short_id(key(number).device) for number in (3, 2)]
    assert text == f"d3 ({ids[0]}) has the place of d2 ({ids[1]}): it is called d2."
    assert made.node.label_of(key(3).device) == "d2"
    assert made.membership.admit(newcomer(4))
    said = Remove(roster_in(made).group, key(4).device, [], b"", None, b"", [])
    made.membership.add_records(sign_removal(key(1), said, []))
    with pytest.raises(Refused) as refused:
        made.succession.approve(ids[0], "d4")
    assert (refused.value.cause, refused.value.fix) == (
        "it has that of another device",
        "adopt d4",
    )


def test_a_place_that_the_roster_does_not_take_is_not_said_to_be_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = parts()
    monkeypatch.setattr(Membership, "add_records", lambda _membership, _records: None)
    with pytest.raises(Refused) as refused:
        made.succession.approve("d3", "d2")
    assert refused.value.cause == NO_PLACE
    assert refused.value.fix.startswith("on another steward: approve ")


def test_without_a_group_there_is_nothing_to_do() -> None:
    made = Wiring(node(1)).succession
    assert made.deadline() is None
    made.on_tick()
    made.on_imported(Imported(OrderId(1), (), ()))


def test_before_the_old_folder_is_known_nothing_is_brought_in() -> None:
    wire, rest, new, old, _ = replaced((effects.Fetch,))
    wire.run(10.0)
    assert new.index.manifests.head(ManifestName.own(old.me)) is None
    assert new.asked_for(Import) == []
    assert not any(forgotten(box) for box in (*rest, new))


def test_a_device_that_is_in_has_all_of_the_old_one_by_a_stewards_word() -> None:
    wire, boxes, old = sharing()
    founder, host = [box for box in boxes if box is not old]
    label = old.label
    founder.hear(RemoveAsked(1, label))
    assert wire.run(5.0, lambda: old.left)
    del wire.boxes[old.address]
    who = key(9)
    newcomer = Newcomer(who.device, who.certificate, who.sealing_public, "nora")
    admit = partial(host.engine.wiring.membership.admit, newcomer, old.me)
    host.call(partial(host.engine._call, admit))
    nora = wire.add(9)
    rest = [founder, host, nora]
    assert wire.run(60.0, lambda: len(nora.engine.node.linked()) == 2)
    nora.write("own", b"hers")
    assert wire.run(20.0, lambda: "nora/own" in names(founder, "nora"))
    wire.run(20.0)
    assert nora.label == "nora", "what its host said is no steward's word"
    assert sorted(names(nora, label)) == [f"{label}/{name}" for name in FILES]
    approve = partial(founder.engine.wiring.succession.approve, "nora", label)
    founder.call(partial(founder.engine._call, approve))
    assert wire.run(60.0, lambda: all(gone_as(box, old) for box in rest))
    wire.run(10.0)
    for box in rest:
        assert sorted(names(box, label)) == sorted(f"{label}/{name}" for name in (*FILES, "own"))
        assert names(box, "nora") == []
        assert box.tree.aside == []


def test_two_members_together_take_no_removed_ones_place() -> None:
    wire, boxes, old = sharing()
    founder, host = [box for box in boxes if box is not old]
    who = key(9)
    newcomer = Newcomer(who.device, who.certificate, who.sealing_public, "nora")
    admit = partial(host.engine.wiring.membership.admit, newcomer)
    host.call(partial(host.engine._call, admit))
    nora = wire.add(9)
    assert wire.run(60.0, lambda: len(nora.engine.node.linked()) == 3)
    nora.write("own", b"hers")
    assert wire.run(20.0, lambda: "nora/own" in names(founder, "nora"))
    label = old.label
    founder.hear(RemoveAsked(1, label))
    assert wire.run(5.0, lambda: old.left)
    said = Succeed(roster_of(nora).group, old.me, nora.me)
    both = [sign_act(host.key, said), sign_act(who, said)]
    tell = partial(host.engine.wiring.membership.add_records, both)
    host.call(partial(host.engine._call, tell))
    wire.run(60.0)
    assert nora.label == "nora"
    for box in (founder, nora):
        assert names(box, "nora") == ["nora/own"]
        assert sorted(names(box, label)) == [f"{label}/{name}" for name in FILES]
    assert not any(forgotten(box) for box in (founder, host, nora))


@pytest.mark.full
def test_the_old_folder_stays_until_a_steward_has_all_of_it_in_the_new_one() -> None:
    wire, rest, new, old, label = replaced((Import,))
    boxes = [*rest, new]
    assert wire.run(60.0, lambda: bool(new.asked_for(Import)))
    [order] = new.asked_for(Import)
    new.write("other", b"shared before the old files are in")
    assert wire.run(30.0, lambda: all(f"{label}/other" in names(box, label) for box in boxes))
    wire.run(10.0)
    assert not any(forgotten(box) for box in boxes), "a share that lacks some does not replace it"
    wire.ignored = (effects.Place,)
    new.hear(Imported(order.order, (), (("/Shared/x/f", "no space"),)))
    heir = ManifestName.own(new.me)
    founder = rest[0].index
    held = partial(founder.holds_all, ManifestName.own(old.me), heir)
    assert wire.run(BRING_AGAIN_S + 60.0, held)
    wire.run(10.0)
    assert founder.needs.missing(heir).files == len(FILES)
    assert not any(forgotten(box) for box in boxes), "nor does one that is not here"


def test_where_the_group_has_no_room_for_that_word_it_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed = list[DeviceId]()

    def no_room(_: Forgetting, device: DeviceId) -> bool:
        signed.append(device)
        return False

    monkeypatch.setattr(Forgetting, "sign", no_room)
    wire, rest, new, old, _ = replaced()
    founder = rest[0]
    assert wire.run(60.0, lambda: bool(founder.told("old_folder_stays")))
    wire.run(30.0)
    assert signed == [old.me]
    [told] = founder.told("old_folder_stays")
    folder = founder.engine.node.layout.name_of(old.me)
    assert "the group has no room for more words of this device, so its folder stays" in told
    assert told.endswith(f"forget {folder}")
    assert not any(forgotten(box) for box in (*rest, new))


def test_a_folder_that_cannot_make_room_is_not_taken_for_that_of_the_new_device() -> None:
    wire, boxes, old = sharing()
    founder, label = boxes[0], old.label
    founder.hear(RemoveAsked(1, label))
    assert wire.run(5.0, lambda: old.left)
    del wire.boxes[old.address]
    carry = wire.carry

    def mounted(box: Box, effect: Effect) -> None:
        if isinstance(effect, MoveFolder) and effect.former == label:
            moved = FolderMoved(effect.order, "something is mounted on it", ())
            wire.later(partial(box.hear, moved))
        else:
            carry(box, effect)

    wire.carry = mounted  # type: ignore[method-assign]
    heir = installed_anew(wire, boxes, old)
    wire.run(60.0)
    heir.write("a", b"of the new one")
    wire.run(30.0)
    for box in [each for each in boxes if each is not old]:
        layout = box.engine.node.layout
        assert layout.name_of(old.me) != layout.name_of(heir.me)
        assert box.disk[path_of(f"{layout.name_of(heir.me)}/a")] == b"of the new one"
