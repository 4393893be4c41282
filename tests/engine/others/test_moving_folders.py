"""Moving folders: when they are renamed, in which order, and what goes on meanwhile."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.group.roster import Roster
from potluck.core.group.statements import Remove, Succeed, key_id, sign_act, sign_removal
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import ManifestAsk
from potluck.engine import effects
from potluck.engine.effects import MakeFolders, MoveFolder, Tell
from potluck.engine.events import FolderMoved, OrderId
from potluck.engine.node import Node
from potluck.engine.others.moving_folders import RENAME_AGAIN_S, UNANSWERED_S, MovingFolders
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import flush, group, key, node, taken
from tests.engine.listeners import Heard
from tests.engine.wire import Box, Wire, ring
from tests.fakes.disk import path_of

ANNA, BERT = key(2).device, key(3).device


class Moving:
    """The part over a node whose others have other labels than their folders."""

    def __init__(self, **former: str) -> None:
        self.node: Node = node(1, folder="/f")
        self.node.roster = group(1, 2, 3)
        for label, name in former.items():
            device = {"d2": ANNA, "d3": BERT}[label]
            self.node.former.note(device, name, label)
        self.busy = False
        self.heard = Heard(is_placing_any=lambda: self.busy)
        self.part = MovingFolders(self.node, self.heard)

    @property
    def roster(self) -> Roster:
        assert self.node.roster is not None
        return self.node.roster

    def tick(self) -> list[MoveFolder]:
        self.part.on_tick()
        return [effect for effect in flush(self.node) if isinstance(effect, MoveFolder)]

    def moved(self, order: OrderId, reason: str = "", aside: tuple[str, ...] = ()) -> list[str]:
        self.node.take()
        self.part.on_moved(FolderMoved(order, reason, aside))
        return [effect.text for effect in self.node.take() if isinstance(effect, Tell)]


def test_nothing_is_asked_for_where_folders_are_called_as_their_devices() -> None:
    made = Moving()
    assert (made.tick(), made.node.moving, made.part.deadline()) == ([], False, None)
    made.node.former.note(made.node.me, "me", "d1")
    assert (made.tick(), made.node.moving) == ([], False), "the own one goes with its marker"


def test_a_folder_is_renamed_when_the_label_is_on_the_disk_and_nothing_is_placed() -> None:
    made = Moving(d2="anna")
    made.busy = True
    assert (made.tick(), made.node.moving) == ([], True)
    made.busy = False
    made.part.on_tick()
    assert taken(made.node, MoveFolder) == [], "not durable yet"
    made.node.on_synced(1)
    [move] = taken(made.node, MoveFolder)
    assert (move.former, move.label, made.node.moving) == ("anna", "d2", True)
    assert str(made.node.layout.top_of(ManifestName.own(ANNA))) == "anna"
    assert (made.tick(), made.part.deadline()) == ([], UNANSWERED_S)
    assert repr(made.part) == "<MovingFolders: 1, asked=True>"
    assert made.moved(OrderId(move.order + 99)) == [], "nobody asked for that"
    assert made.moved(move.order) == ["anna is called d2 now, and so is its folder"]
    assert made.heard.of("on_folder_moved") == ["d2"]
    assert str(made.node.layout.top_of(ManifestName.own(ANNA))) == "d2"
    assert (made.tick(), made.node.moving) == ([], False)


def test_what_stood_at_the_new_name_is_told() -> None:
    made = Moving(d2="anna")
    [move] = made.tick()
    _, told = made.moved(move.order, aside=("Put aside/d2/d2", "Put aside/d2/d2 2"))
    where = "“Put aside/d2/d2” and “Put aside/d2/d2 2”"
    assert told == f"something else stood where d2's folder belongs: it is in {where}"


def test_while_the_share_is_away_nothing_is_renamed() -> None:
    made = Moving(d2="anna")
    made.node.share_present = False
    assert (made.tick(), made.node.moving, made.part.deadline()) == ([], False, None)
    made.node.share_present = True
    assert len(made.tick()) == 1


def test_what_cannot_be_renamed_keeps_its_name_and_is_tried_again() -> None:
    made = Moving(d2="anna")
    [move] = made.tick()
    [told] = made.moved(move.order, "something is mounted there")
    assert "Shared/anna" in told
    assert "something is mounted there; try: findmnt /f/Shared/anna" in told
    [trouble] = made.node.troubles.of(TroubleKind.MISNAMED)
    assert (trouble.subject, trouble.next_s) == ("Shared/anna", RENAME_AGAIN_S)
    assert (made.tick(), made.node.moving, made.part.deadline()) == ([], False, RENAME_AGAIN_S)
    assert str(made.node.layout.top_of(ManifestName.own(ANNA))) == "anna"
    made.node.now = RENAME_AGAIN_S
    [move] = made.tick()
    made.moved(move.order)
    assert made.node.troubles.of(TroubleKind.MISNAMED) == []


def test_without_a_folder_name_the_place_is_told_below_shared() -> None:
    made = Moving(d2="anna")
    made.node.settings = node(1, folder="").settings
    [move] = made.tick()
    [told] = made.moved(move.order, "no")
    assert told.endswith("try: findmnt Shared/anna")


def test_a_name_that_another_folder_still_has_is_taken_when_that_one_has_moved() -> None:
    made = Moving(d2="d3", d3="bert")
    [first] = made.tick()
    assert (first.former, first.label) == ("bert", "d3") or first.label == "d2"
    made = Moving(d2="anna", d3="d2")  # d3's folder has the name that d2 is to get
    [first] = made.tick()
    assert (first.former, first.label) == ("d2", "d3")
    made.moved(first.order)
    [second] = made.tick()
    assert (second.former, second.label) == ("anna", "d2")


def test_two_names_that_change_places_go_by_a_third() -> None:
    made = Moving(d2="d3", d3="d2")
    asked, told = [], []
    while moves := made.tick():
        [move] = moves
        asked.append((move.former, move.label))
        told += made.moved(move.order)
    first = BERT if asked[0][0] == "d2" else ANNA
    label = made.node.label_of(first)
    spare = f"{label} {short_id(first)} (waits for its name)"
    assert len(asked) == 3
    assert asked[0] == (asked[0][0], spare)
    assert {asked[1], asked[2]} in (
        {("d2", "d3"), (spare, "d2")},
        {("d3", "d2"), (spare, "d3")},
    )
    swapped, moved = ("d3", "d2") if label == "d2" else ("d2", "d3")
    when = "as soon as another folder has left that name"
    assert told == [
        f"{swapped} is called {moved} now, and so is its folder, {when}",
        f"{moved} is called {swapped} now, and so is its folder",
    ]
    assert list(made.node.former) == []


def test_who_waits_for_a_name_that_another_keeps_is_not_moved_at_all() -> None:
    made = Moving(d2="d3", d3="bert")
    made.node.former.stands(BERT, "d2", "d3")
    made.node.former.stands(ANNA, "anna", "d2")  # where bert's folder is still, which cannot go
    [move] = made.tick()
    assert (move.former, move.label) == ("d2", "d3")
    made.moved(move.order, "something is mounted there")
    for _ in range(5):
        assert (made.tick(), made.node.moving) == ([], False), "all goes on meanwhile"
    made.node.now = RENAME_AGAIN_S
    [move] = made.tick()
    made.moved(move.order)
    [move] = made.tick()
    assert (move.former, move.label) == ("anna", "d2")


def test_in_a_circle_with_the_own_folder_the_other_one_makes_room_once() -> None:
    made = Moving(d2="d1")
    made.node.former.stands(made.node.me, "d2", "d1")
    [move] = made.tick()
    assert (move.former, move.label) == ("d1", f"d2 {short_id(ANNA)} (waits for its name)")
    [told] = made.moved(move.order)
    assert told.startswith("d1 is called d2 now, and so is its folder, as soon as")
    assert (made.tick(), made.node.moving) == ([], False), "the own one goes with its marker"
    made.node.former.forget(made.node.me)
    [move] = made.tick()
    assert move.label == "d2"
    made.node.take()
    made.part.on_moved(FolderMoved(move.order, "", ()))
    assert list(map(type, made.node.take())) == [MakeFolders], "there may have been none"


def test_no_folder_is_moved_whose_name_is_the_own_ones_or_another_ones_as_well() -> None:
    made = Moving(d2="d1")  # as nobody should have noted it: the own folder is called so
    assert made.tick() == []
    made = Moving(d2="d3")
    assert made.tick() == []


def test_a_spare_name_ends_without_a_folder_for_who_is_out() -> None:
    made = Moving(d2="anna")
    said = Remove(made.roster.group, ANNA, [], b"", None, key_id(b"k" * 32), [])
    made.roster.add(sign_removal(key(1), said, made.roster.signed_by(ANNA)))
    made.node.former.stands(ANNA, made.node.former.spare(ANNA, {ANNA: "d2"}), "d2")
    [move] = made.tick()
    made.node.take()
    made.part.on_moved(FolderMoved(move.order, "", ()))
    assert made.node.take() == []


def test_a_label_that_changes_while_the_folder_is_renamed_is_followed_once_more() -> None:
    made = Moving(d2="anna")
    [move] = made.tick()
    label_of = made.node.label_of
    made.node.label_of = lambda device: "ann" if device == ANNA else label_of(device)  # type: ignore[method-assign]
    made.node.former.note(ANNA, "d2", "ann")
    assert made.moved(move.order) == []
    [again] = made.tick()
    assert (again.former, again.label) == ("d2", "ann")


def test_a_label_that_changes_while_a_folder_waits_under_a_spare_name_is_told_when_that_ends() -> (
    None
):
    made = Moving()
    for known_as, told in (("ann", ["ann is called d2 now, and so is its folder"]), ("d2", [])):
        spare = made.node.former.spare(ANNA, {ANNA: known_as})
        made.node.former.stands(ANNA, spare, "d2")
        [move] = made.tick()
        assert made.moved(move.order) == told


def test_what_is_not_answered_is_asked_for_again() -> None:
    made = Moving(d2="anna")
    [first] = made.tick()
    assert made.part.deadline() == UNANSWERED_S
    made.node.now = UNANSWERED_S - 1
    assert made.tick() == []
    made.node.now = UNANSWERED_S
    [second] = made.tick()
    assert (second.former, second.label) == (first.former, first.label)
    assert made.moved(first.order) == []
    assert made.moved(second.order) != []


# -- whole devices ---------------------------------------------------------------------------------
def sharing() -> tuple[Wire, list[Box], Box]:
    """Three devices; one that did not found the group shares three files, which all have."""
    wire, boxes = ring(3)
    founder = next(b for b in boxes if b.engine.node.roster.founder == b.me)  # type: ignore[union-attr]
    owner = next(box for box in boxes if box is not founder)
    for name in ("a", "f/b", "f/g/c"):
        owner.write(name, name.encode() * 100)
    wire.run(20.0)
    former = owner.label
    assert all(len(names(box, former)) == 3 for box in boxes)
    return wire, [founder, *[box for box in boxes if box is not founder]], owner


def names(box: Box, label: str) -> list[str]:
    return [str(path) for path in box.disk if path.parts[0] == label]


def fetched(boxes: list[Box], since: float) -> list[effects.Fetch]:
    """What was asked for that moves content."""
    return [
        fetch
        for box in boxes
        for fetch in box.asked_for(effects.Fetch, since)
        if not isinstance(fetch.ask, ManifestAsk)
    ]


def placed(boxes: list[Box], since: float) -> list[effects.Place]:
    return [place for box in boxes for place in box.asked_for(effects.Place, since)]


def test_all_folders_follow_a_label_by_one_rename_and_nothing_is_fetched_or_placed() -> None:
    wire, boxes, owner = sharing()
    former, since = owner.label, wire.now
    label = wire.relabel(boxes[0], owner)
    wire.run(20.0)
    assert owner.label == label
    for box in boxes:
        assert names(box, former) == []
        assert len(names(box, label)) == 3
        assert (box.tree.trash, box.tree.aside) == ([], [])
        assert (
            box.told("deleted_here") == box.told("files_missing") == box.told("stray_files") == []
        )
        assert box.engine.view(wire.now).state == "in_sync"
    assert fetched(boxes, since) == []
    assert placed(boxes, since) == []
    owner.write("later", b"new")
    wire.run(10.0)
    assert all(f"{label}/later" in names(box, label) for box in boxes)


def test_who_was_off_meanwhile_renames_when_it_hears_of_it() -> None:
    wire, boxes, owner = sharing()
    former = owner.label
    away = next(box for box in boxes[1:] if box is not owner)
    away.crash()
    label = wire.relabel(boxes[0], owner)
    wire.run(20.0)
    since = wire.now
    back = wire.again(away)
    wire.run(40.0)
    assert (names(back, former), len(names(back, label))) == ([], 3)
    assert fetched([back], since) == []
    assert back.tree.trash == back.tree.aside == []


@pytest.mark.parametrize("renamed", [False, True])
def test_a_crash_before_or_after_the_rename_loses_nothing(renamed: bool) -> None:
    wire, boxes, owner = sharing()
    former = owner.label
    wire.ignored = (effects.MoveFolder,)
    label = wire.relabel(boxes[0], owner)
    wire.run(5.0)
    other = next(box for box in boxes[1:] if box is not owner)
    [move] = other.asked_for(effects.MoveFolder)
    if renamed:
        other.tree.move_top(path_of(move.former), path_of(move.label))
    other.crash()
    wire.ignored, since = (), wire.now
    back = wire.again(other)
    wire.run(40.0)
    assert (names(back, former), len(names(back, label))) == ([], 3)
    assert fetched([back], since) == []
    assert back.tree.trash == back.tree.aside == []
    assert back.told("files_missing") == []


def test_what_is_on_its_way_arrives_under_the_new_name() -> None:
    wire, boxes, owner = sharing()
    for number in range(300):
        owner.write(f"many/{number}", str(number).encode() * 50)
    others = [box for box in boxes if box is not owner]
    begun = lambda: any(3 < len(names(box, owner.label)) < 303 for box in others)  # noqa: E731
    assert wire.run(5.0, begun), "else nothing is on its way"
    label = wire.relabel(boxes[0], owner)
    wire.run(40.0)
    for box in boxes:
        assert len(names(box, label)) == 303
        assert box.tree.trash == box.tree.aside == []
        assert {path.parts[0] for path in box.disk} == {label}


def replaced(heir: DeviceId) -> Moving:
    """Anna was removed, and another device has her place."""
    made = Moving()
    roster = made.node.roster
    assert roster is not None
    said = Remove(roster.group, ANNA, [], b"", None, key_id(b"k" * 32), [])
    roster.add(sign_removal(key(1), said, roster.signed_by(ANNA)))
    roster.add([sign_act(key(1), Succeed(roster.group, ANNA, heir))])
    roster.settle()
    return made


def test_the_machine_that_has_the_place_of_a_removed_one_is_told_that_it_is_itself() -> None:
    made = replaced(me := key(1).device)
    made.node.former.note(me, "d1", "d2")
    made.node.former.note(ANNA, "d2", made.node.layout.wanted_name(ANNA))
    [move] = made.tick()
    before = f"d2-{short_id(ANNA)}"
    assert made.moved(move.order) == [f"this device is d2 now: the folder of before is {before}"]


def test_the_folder_of_a_machine_that_was_replaced_makes_room_for_that_of_the_new_one() -> None:
    made = replaced(BERT)
    assert made.node.label_of(BERT) == "d2"
    made.node.former.note(BERT, "d3", "d2")
    made.node.former.note(ANNA, "d2", made.node.layout.wanted_name(ANNA))
    [first] = made.tick()
    before = f"d2-{short_id(ANNA)}"
    assert (first.former, first.label) == ("d2", before)
    assert made.moved(first.order) == [
        f"another device is d2 now: the folder of before is {before}"
    ]
    [second] = made.tick()
    assert (second.former, second.label) == ("d3", "d2")
    made.moved(second.order)
    assert made.tick() == []
