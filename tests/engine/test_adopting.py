"""Adopting: the folder of a removed device becomes part of the own one, and nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.errors import Refused
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Holding
from potluck.engine import effects, events
from potluck.engine.adopting import COPIED_S, stands_everywhere
from potluck.engine.effects import DropFolder, Import, Reply
from potluck.engine.events import Imported, LeaveAsked, Mount, MountsSeen, OrderId
from potluck.engine.group.forgetting import Forgetting
from potluck.engine.person_acts import AdoptAsked, AppointAsked, ForgetAsked
from tests.engine.builders import group, node
from tests.engine.others.test_forgotten_folders import gone, removed
from tests.engine.others.test_moving_folders import fetched, names
from tests.engine.wire import Box, Wire, ring
from tests.fakes.disk import path_of


def adopt(box: Box, label: str) -> Reply | None:
    """Ask for it; return what is answered at once."""
    before = len(box.asked_for(Reply))
    box.hear(AdoptAsked(2, label))
    return next(iter(box.asked_for(Reply)[before:]), None)


def replied(wire: Wire, box: Box) -> Reply:
    before = len(box.asked_for(Reply))
    assert wire.run(5.0, lambda: len(box.asked_for(Reply)) > before)
    return box.asked_for(Reply)[-1]


def test_a_steward_adopts_a_folder_and_all_have_it_there_and_nothing_is_sent() -> None:
    wire, boxes, owner = removed()
    founder, _ = boxes
    wire.run(5.0)
    since = wire.now
    assert adopt(founder, owner.label) is None
    reply = replied(wire, founder)
    place = f"{founder.label}/{owner.label}"
    assert reply.ok
    assert reply.text == (
        f"The files of {owner.label} are in {place} now. The folder {owner.label} goes when the "
        "other devices that are here have copied them, or have had 10 min for it."
    )
    assert wire.run(30.0, lambda: all(gone(box, owner) for box in boxes))
    for box in boxes:
        assert sorted(names(box, founder.label)) == [f"{place}/{n}" for n in ("a", "f/b", "f/g/c")]
        assert box.asked_for(DropFolder)
    assert fetched(boxes, since) == []
    assert repr(founder.engine.wiring.adopting) == "<Adopting: 0 under way, 0 to be forgotten>"


def test_who_is_no_steward_is_told_who_can_have_the_old_folder_go() -> None:
    wire, (founder, other), owner = removed()
    assert adopt(other, owner.label) is None
    text = replied(wire, other).text
    assert text.endswith(f"until a steward ({founder.label}) types: forget {owner.label}")
    wire.run(20.0)
    assert len(names(founder, owner.label)) == 3
    assert len(names(founder, other.label)) == 3


def test_a_device_that_is_out_by_nobodys_word_may_be_unknown_to_every_steward(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire, (_, other), owner = removed()
    monkeypatch.setattr(Forgetting, "is_void", lambda _, device: device == owner.me)
    assert adopt(other, owner.label) is None
    assert replied(wire, other).text.endswith(
        f"The old folder stays; a steward that knew the device can have it go: forget {owner.label}"
    )


def test_what_never_came_is_forgotten_where_a_steward_types_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire, boxes, owner = removed()
    wire.ignored = (effects.Fetch, effects.Look, effects.Scan)
    name, fixes = ManifestName.own(owner.me), list[str]()
    for box in boxes:
        monkeypatch.setattr(box.index.places, "all_paths", lambda _: [])
        monkeypatch.setattr(box.index.manifests, "count", lambda each: int(each != name))
        refused = adopt(box, owner.label)
        assert refused is not None
        assert refused.text == f"There is nothing in the folder {owner.label}."
        fixes.append(refused.fix)
    monkeypatch.setattr(Forgetting, "is_void", lambda _, device: device == owner.me)
    refused = adopt(boxes[1], owner.label)
    assert refused is not None
    how = f"forget {owner.label}"
    assert [*fixes, refused.fix] == [
        how,
        f"on a steward: {how}",
        f"on a steward that knew it: {how}",
    ]


def lacks(box: Box, owner: Box) -> None:
    del box.disk[path_of(f"{owner.label}/a")]
    box.index.begin()
    box.index.places.remove(ManifestName.own(owner.me), [b"a"])
    box.index.commit()


def test_what_is_not_whole_here_is_not_adopted() -> None:
    wire, (founder, _), owner = removed()
    wire.ignored = (effects.Fetch, effects.Look, effects.Scan)
    lacks(founder, owner)
    refused = adopt(founder, owner.label)
    assert refused is not None
    assert refused.text == f"1 files of {owner.label} are not here yet."
    assert refused.cause == "they come from devices that have them, as far as there are any"
    founder.index.begin()
    founder.index.unwanted.add(ManifestName.own(owner.me), [b"a"])
    founder.index.needs.judge_skips(ManifestName.own(owner.me))
    founder.index.commit()
    refused = adopt(founder, owner.label)
    assert refused is not None
    assert refused.cause == "they are skipped here, or were removed: get fetches them again"


def test_what_cannot_be_seen_or_is_away_is_not_adopted() -> None:
    wire, (founder, _), owner = removed()
    wire.ignored = (effects.Look, effects.Scan)
    founder.hear(MountsSeen((Mount(path_of(f"{owner.label}/f"), 7),)))
    refused = adopt(founder, owner.label)
    assert refused is not None
    assert refused.text == f"Not all of {owner.label} can be seen."
    founder.hear(events.ShareSeen(present=False, reason="missing"))
    refused = adopt(founder, owner.label)
    assert refused is not None
    assert refused.text == "The share is offline: nothing was adopted."
    assert not founder.asked_for(Import)


def test_where_nothing_came_from_it_it_can_only_be_forgotten() -> None:
    wire, (founder, _), owner = removed()
    founder.index.begin()
    name = ManifestName.own(owner.me)
    founder.index.forget(name)
    founder.index.places.remove(name, founder.index.places.all_paths(name))
    founder.index.commit()
    refused = adopt(founder, owner.label)
    assert refused is not None
    assert (refused.ok, refused.fix) == (False, f"forget {owner.label}")
    del wire


def test_what_could_not_be_brought_in_is_told_and_nothing_is_forgotten() -> None:
    wire, (founder, _), owner = removed()
    wire.ignored = (Import,)
    adopt(founder, owner.label)
    [order] = [each.order for each in founder.asked_for(Import)]
    founder.hear(Imported(OrderId(order + 99), (), ()))
    founder.hear(Imported(order, (), (("/x", "no space"),)))
    reply = founder.asked_for(Reply)[-1]
    assert (reply.ok, reply.text) == (False, "not adopted: /x (no space)")
    assert (reply.cause != "", reply.fix) == (True, f"adopt {owner.label}")
    wire.run(COPIED_S)
    assert len(names(founder, owner.label)) == 3


def test_what_was_there_already_is_as_good_as_adopted() -> None:
    wire, boxes, owner = removed()
    founder, other = boxes
    there = [(str(path).split("/", 1)[1], path) for path in founder.disk]
    for name, path in there:
        founder.write(f"{owner.label} (2)/{name}", founder.disk[path])
    wire.run(5.0)
    wire.ignored = (Import,)
    adopt(founder, owner.label)
    [order] = [each.order for each in founder.asked_for(Import)]
    founder.hear(Imported(order, (), (), (("/x", f"{owner.label} (2)"),)))
    assert f"{founder.label}/{owner.label} (2)" in founder.asked_for(Reply)[-1].text
    assert wire.run(30.0, lambda: all(gone(box, owner) for box in (founder, other)))


def test_who_never_says_that_it_has_all_is_not_waited_for_for_ever() -> None:
    wire, boxes, owner = removed()
    founder, other = boxes
    wire.ignored = (effects.Place,)
    adopt(founder, owner.label)
    replied(wire, founder)
    wire.run(COPIED_S / 2)
    assert len(names(other, owner.label)) == 3
    forgotten: Any = founder.engine.node.roster
    assert owner.me not in forgotten.forgotten
    wire.run(COPIED_S / 2 + 5.0)
    assert owner.me in forgotten.forgotten


def test_the_folder_of_one_that_is_out_by_nobodys_word_goes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire, boxes, owner = removed()
    asked = list[DeviceId]()
    monkeypatch.setattr(Forgetting, "frozen", property(lambda _: set()))
    monkeypatch.setattr(Forgetting, "_void", property(lambda _: {owner.me}))

    def sign(_: Forgetting, device: DeviceId) -> bool:
        asked.append(device)
        return True

    monkeypatch.setattr(Forgetting, "sign", sign)
    adopt(boxes[0], owner.label)
    assert replied(wire, boxes[0]).ok
    assert wire.run(60.0, lambda: asked == [owner.me])


def test_a_folder_that_is_forgotten_meanwhile_is_not_forgotten_again() -> None:
    wire, boxes, owner = removed()
    founder, other = boxes
    founder.hear(AppointAsked(3, other.label))
    wire.run(3.0)
    wire.ignored = (effects.Place,)
    adopt(founder, owner.label)
    replied(wire, founder)
    other.hear(ForgetAsked(4, owner.label))
    wire.ignored = ()
    wire.run(60.0)
    roster: Any = founder.engine.node.roster
    said = [each for each in roster.acts.values() if type(each.act).__name__ == "Forget"]
    assert len(said) == 1
    assert all(gone(box, owner) for box in boxes)


def test_other_files_that_are_shared_meanwhile_do_not_count_as_the_adopted_ones() -> None:
    wire, (founder, other), owner = removed()
    wire.ignored = (Import,)
    adopt(founder, owner.label)
    [order] = [each.order for each in founder.asked_for(Import)]
    founder.hear(Imported(order, (owner.label,), ()))
    for number in range(4):
        founder.write(f"mine {number}", b"another one")
    wire.run(60.0)
    assert (len(names(founder, owner.label)), founder.told("adopted_stays")) == (3, [])
    wire.run(COPIED_S)
    assert (len(names(founder, owner.label)), len(names(other, owner.label))) == (3, 3)
    text = "not all of it is shared from this device's own folder; to have it go: forget "
    assert founder.told("adopted_stays") == [
        f"the folder {owner.label} stays though it was adopted: {text}{owner.label}"
    ]


def test_while_nobody_is_here_the_old_folder_stays() -> None:
    wire, (founder, other), owner = removed()
    other.crash()
    assert wire.run(30.0, lambda: not founder.engine.node.linked())
    adopt(founder, owner.label)
    replied(wire, founder)
    wire.run(COPIED_S + 60.0)
    assert len(names(founder, owner.label)) == 3
    other = wire.again(other)
    assert wire.run(60.0, lambda: all(gone(box, owner) for box in (founder, other)))
    assert len(names(other, founder.label)) == 3


def test_who_is_alone_waits_for_nobody() -> None:
    here = node(1)
    here.roster = group(1)
    assert stands_everywhere(here, here.own_manifest, (1, 1))
    here.roster = group(1, 2)
    assert not stands_everywhere(here, here.own_manifest, (1, 1)), "nobody is linked"


def test_where_the_word_has_no_room_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wire, (founder, _), owner = removed()
    monkeypatch.setattr(Forgetting, "sign", lambda *_: False)
    adopt(founder, owner.label)
    assert wire.run(60.0, lambda: bool(founder.told("adopted_stays")))
    assert "no room" in founder.told("adopted_stays")[0]


def test_who_leaves_is_answered_once() -> None:
    wire, (founder, _), owner = removed()
    wire.ignored = (Import,)
    adopt(founder, owner.label)
    founder.hear(LeaveAsked())
    [reply] = [reply for reply in founder.asked_for(Reply) if reply.command == 2]
    assert (reply.ok, reply.code) == (False, Refused.code)
    assert reply.cause
    assert reply.fix == f"start it again: potluck up\nadopt {owner.label}"


def test_a_member_is_not_adopted() -> None:
    _, (founder, other), _ = removed()
    with pytest.raises(Refused):
        founder.engine.wiring.adopting.begin(AdoptAsked(1, other.label))


def test_who_has_a_lost_list_does_not_have_what_was_adopted() -> None:
    wire, (ann, ben, cyd) = ring(3)
    ann.write("a", b"1")
    wire.run(10.0)
    here, name = ben.engine.node, ManifestName.own(ann.me)
    head, peer = here.index.manifests.head(name), here.peer(cyd.me)
    assert head is not None
    lost = b"l" * 16
    for seq, instance, stands in [
        (head.seq, head.instance, True),
        (head.seq, lost, False),
        (head.seq + 4, lost, False),
        (head.seq + 4, b"", True),  # an earlier version names no run
    ]:
        peer.kept[name] = Holding(*name, head.generation, seq, 0, 0, instance=instance)
        assert stands_everywhere(here, name, (head.generation, head.seq)) is stands
