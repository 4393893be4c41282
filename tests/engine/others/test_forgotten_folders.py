"""Forgotten folders: they go to the trash on every device, and nothing else does."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.group.statements import Forget, Remove, sign_act, sign_removal
from potluck.core.keys.identity import short_id
from potluck.engine import effects, events
from potluck.engine.effects import DropFolder, Reply, Tell
from potluck.engine.others.disk_room import SPACE
from potluck.engine.others.forgotten_folders import ForgottenFolders
from potluck.engine.person_acts import ForgetAsked, RemoveAsked
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import flush, group, key, node, taken
from tests.engine.listeners import Heard
from tests.engine.others.test_moving_folders import names, sharing
from tests.engine.wire import Box, Wire
from tests.fakes.disk import path_of

ANNA = key(2).device


def removed() -> tuple[Wire, list[Box], Box]:
    """Two devices of three, the founder first, with the folder of the third, which was removed."""
    wire, boxes, owner = sharing()
    founder, *others = boxes
    other = next(box for box in others if box is not owner)
    founder.hear(RemoveAsked(1, owner.label))
    assert wire.run(5.0, lambda: owner.left)
    wire.run(3.0)
    assert len(names(founder, owner.label)) == len(names(other, owner.label)) == 3
    return wire, [founder, other], owner


def gone(box: Box, owner: Box) -> bool:
    index, name = box.engine.node.index, ManifestName.own(owner.me)
    return not (names(box, owner.label) or index.places.all_paths(name))


def answer(box: Box, act: ForgetAsked | RemoveAsked) -> Reply:
    box.hear(act)
    return box.asked_for(Reply)[-1]


def test_a_forgotten_folder_goes_to_the_trash_everywhere_and_nothing_else_does() -> None:
    wire, boxes, owner = removed()
    founder, other = boxes
    other.write("mine", b"mine")
    wire.run(5.0)
    assert answer(founder, ForgetAsked(2, owner.label)).ok
    assert wire.run(10.0, lambda: all(gone(box, owner) for box in boxes))
    wire.run(5.0)
    for box in boxes:
        assert len(box.tree.trash) == 3
        assert box.tree.aside == []
        assert [str(path) for path in box.disk] == [f"{other.label}/mine"]
        assert [drop.label for drop in box.asked_for(DropFolder)] == [owner.label]
        assert box.index.manifests.head(ManifestName.own(owner.me)) is None
        [told] = box.told("folder_forgotten")
        assert told == (
            f"{founder.label} had the folder of {owner.label} forgotten"
            ", which is out of the group: what stood in it here goes to "
            f"{box.engine.node.settings.folder}/.potluck/trash, for 30 days"
        )
        assert not any("deleted" in each for each in box.told("happened")), "no deed of its owner"
        assert box.told("stray") == box.told("files_missing") == []
        assert box.engine.view(wire.now).state == "in_sync"
    wire.run(120.0)
    assert [box.index.manifests.head(ManifestName.own(owner.me)) for box in boxes] == [None, None]


def test_a_device_is_removed_and_its_folder_goes_in_one() -> None:
    wire, boxes, owner = sharing()
    said = answer(boxes[0], RemoveAsked(1, owner.label, forget=True, preview=True))
    assert "Its files go to the trash" in said.text
    assert answer(boxes[0], RemoveAsked(1, owner.label, forget=True)).text == (
        f"{owner.label} ({short_id(owner.me)}) is removed; "
        "its files go to the trash on every device of the group."
    )
    rest = [box for box in boxes if box is not owner]
    assert wire.run(10.0, lambda: all(gone(box, owner) for box in rest))
    wire.run(5.0)
    for box in rest:
        (told,) = box.told("member_out")
        assert told.endswith(f"by {boxes[0].label}; its files go to the trash")
    assert len(names(owner, owner.label)) == 3, "what it has it keeps"


def test_who_was_away_does_it_when_it_hears_of_it() -> None:
    wire, (founder, other), owner = removed()
    other.crash()
    founder.hear(ForgetAsked(2, owner.label))
    assert wire.run(10.0, lambda: gone(founder, owner))
    back = wire.again(other)
    assert wire.run(60.0, lambda: gone(back, owner))
    assert len(back.tree.trash) == 3


@pytest.mark.parametrize("placed", [False, True])
def test_a_crash_in_between_is_made_up_for_by_the_next_run(placed: bool) -> None:
    wire, (founder, other), owner = removed()
    wire.ignored = (effects.Place, DropFolder) if not placed else (DropFolder,)
    founder.hear(ForgetAsked(2, owner.label))
    wire.run(5.0)
    assert bool(names(other, owner.label)) is not placed
    other.crash()
    wire.ignored, since = (), wire.now
    back = wire.again(other)
    assert wire.run(30.0, lambda: gone(back, owner))
    assert wire.run(30.0, lambda: bool(back.asked_for(DropFolder, since)))
    assert len(back.tree.trash) == 3


def test_while_the_share_is_away_nothing_goes() -> None:
    wire, (founder, other), owner = removed()
    wire.ignored = (effects.Scan, effects.LookAtTop)
    other.hear(events.ShareSeen(present=False, reason="missing"))
    founder.hear(ForgetAsked(2, owner.label))
    wire.run(5.0)
    assert (len(names(other, owner.label)), other.asked_for(DropFolder)) == (3, [])
    wire.ignored = ()
    other.hear(events.ShareSeen(present=True, reason=""))
    assert wire.run(30.0, lambda: gone(other, owner))


def test_what_nobody_shared_stays_and_what_was_changed_is_put_aside() -> None:
    wire, (founder, other), owner = removed()
    wire.ignored = (effects.Scan, effects.Look)
    other.disk[path_of(f"{owner.label}/own notes")] = b"notes"
    other.disk[path_of(f"{owner.label}/a")] = b"edited"
    founder.hear(ForgetAsked(2, owner.label))
    wire.run(10.0)
    assert names(other, owner.label) == [f"{owner.label}/own notes"]
    assert (len(other.tree.trash), len(other.tree.aside)) == (2, 1)
    assert wire.run(5.0, lambda: bool(other.told("stray"))), "it is nobody's now"


class Forgotten:
    """The part over a node of which one other device was removed."""

    def __init__(self) -> None:
        self.node = node(1)
        self.roster = self.node.roster = group(1, 2, 3)
        self.heard = Heard()
        self.part = ForgottenFolders(self.node, self.heard)

    def remove(self) -> None:
        said = Remove(self.roster.group, ANNA, [], b"", None, b"", [])
        self.roster.add(sign_removal(key(1), said, self.roster.signed_by(ANNA)))
        self.roster.settle()

    def forget(self) -> None:
        self.roster.add([sign_act(key(1), Forget(self.roster.group, ANNA))])
        self.roster.settle()


def test_it_says_no_more_of_the_trash_than_is_known() -> None:
    made = Forgotten()
    made.remove()
    made.forget()
    lack = Trouble(TroubleKind.DISK, SPACE, "no room for d3/b", "", 0.0, None)
    made.node.troubles.note(lack)
    made.part._tell(ManifestName.own(ANNA), is_empty=False)
    made.part._tell(ManifestName.own(ANNA), is_empty=True)
    why = "d1 had the folder of d2 forgotten, which is out of the group"
    assert [told.text for told in taken(made.node, Tell)] == [
        f"{why}: what stood in it here goes to {made.node.settings.folder}/.potluck/trash",
        why,
    ]


def test_before_a_steward_says_so_nothing_goes() -> None:
    made = Forgotten()
    made.part.on_members()
    made.remove()
    made.part.on_members()
    assert (flush(made.node), made.heard.notes) == ([], [])
    made.forget()
    made.part.on_committed()
    assert [drop.label for drop in taken(made.node, DropFolder)] == ["d2"]
    made.part.on_share()
    assert flush(made.node) == [], "once in a run"
    assert repr(made.part) == "<ForgottenFolders: 1, 1 gone>"
    made.node.roster = None
    made.part.on_members()
    assert repr(made.part) == "<ForgottenFolders: 0, 0 gone>"


def test_a_folder_gets_its_name_before_it_goes() -> None:
    made = Forgotten()
    made.remove()
    made.node.former.note(ANNA, "anna", "d2")
    made.forget()
    made.part.on_members()
    assert taken(made.node, DropFolder) == []
    made.node.former.forget(ANNA)
    made.node.share_present = False
    made.part.on_share()
    assert taken(made.node, DropFolder) == []


def test_what_was_held_goes_with_the_rest() -> None:
    wire, (founder, other), owner = removed()
    other.index.begin()
    holds = other.engine.wiring.holds
    assert holds.hold(ManifestName.own(owner.me), [b"a"]) == 1
    other.index.commit()
    founder.hear(ForgetAsked(2, owner.label))
    assert wire.run(10.0, lambda: gone(other, owner))
