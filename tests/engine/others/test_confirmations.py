"""Confirmations: whose word counts, who hears it, and how whole devices do what one person said."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import count

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.breakers import MASS_FILES
from potluck.core.content.facts import ManifestName
from potluck.core.content.loss_confirms import LossOrigin, sign_confirm
from potluck.core.content.manifest import run_end, sign_head
from potluck.core.group.statements import Forget, Remove, key_id, sign_act, sign_removal
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder, Head, LossConfirm, LossConfirms
from potluck.engine.effects import Reply, Send
from potluck.engine.events import LinkId
from potluck.engine.index import Index
from potluck.engine.node import Node
from potluck.engine.others.confirmations import CONFIRMS_PAUSE_S, Confirmations, hearers
from potluck.engine.person_acts import ConfirmAsked
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import flush, group, key, node
from tests.engine.listeners import Heard
from tests.engine.wire import Box, Wire, one_ring, ring

ANNA = key(2)
ANNAS = ManifestName.own(ANNA.device)


def head(seq: int, owner: int = 2, folder: Folder = Folder.OWN) -> Head:
    made = Head(key(owner).device, folder, 1, seq, 1, b"r" * 32, b"run")
    return sign_head(made, key(owner))


class Here:
    """Device 1 of five; 2 is Anna, whose list is held here up to change 10."""

    def __init__(self, index: Index | None = None) -> None:
        self.node: Node = node(1, index=index)
        self.node.roster = group(1, 2, 3, 4, 5)
        self.heard = Heard()
        self.node.index.manifests.set_head(head(10))
        self.part = Confirmations(self.node, self.heard)

    def word(self, by: int, seq: int = 10, owner: int = 2) -> LossConfirm:
        assert self.node.roster is not None
        return sign_confirm(self.node.roster.group, head(seq, owner), key(by))

    def hear(self, *words: LossConfirm, device: int = 3) -> None:
        self.part.on_heard(key(device).device, words)

    def link(self, *numbers: int) -> None:
        for number in numbers:
            self.node.peer(key(number).device).link = LinkId(number)

    def covered(self, seq: int = 10, change: int | None = None) -> dict[DeviceId, list[bytes]]:
        """Who confirmed what was lost so."""
        origin = LossOrigin(run_end(head(seq)), seq if change is None else change)
        return self.part.covered(ANNAS, {b"a": origin})

    def said(self) -> list[tuple[int, list[LossConfirm]]]:
        """What was said on which link, of confirmations."""
        sent = [effect for effect in flush(self.node) if isinstance(effect, Send)]
        return [
            (int(each.link), list(each.message.confirms))
            for each in sent
            if isinstance(each.message, LossConfirms)
        ]

    def ticks(self) -> list[tuple[int, list[LossConfirm]]]:
        self.part.on_tick()
        return self.said()

    @property
    def refused(self) -> int:
        return self.node.counters["confirmations refused"]

    def removes(self, number: int, *, forget: bool = False) -> None:
        """The founder, which is this device, removes one."""
        roster = self.node.roster
        assert roster is not None
        out, by = key(number).device, key(1)
        accepted = roster.signed_by(out)
        removal = Remove(roster.group, out, [], b"", None, key_id(b"k" * 32), [])
        roster.add(sign_removal(by, removal, accepted))
        if forget:
            roster.add([sign_act(by, Forget(roster.group, out))])
        roster.settle()
        self.part.on_members()


@pytest.fixture
def here() -> Here:
    return Here()


# -- whose word counts -----------------------------------------------------------------------------
def test_a_members_word_about_another_covers_what_was_lost_until_then(here: Here) -> None:
    assert here.covered() == {}
    here.hear(here.word(4))
    assert repr(here.part) == "<Confirmations: 1 words>"
    assert here.heard.of("on_confirmed") == [ANNAS]
    assert here.covered() == {key(4).device: [b"a"]}
    assert here.covered(11) == {}
    assert here.part.reached(ManifestName.own(key(3).device)) == (), "nothing of it is held"


def test_of_two_words_each_loss_is_told_of_one(here: Here) -> None:
    here.hear(here.word(4), here.word(3, 8))
    first, second = sorted([key(3).device, key(4).device])
    now, before = LossOrigin(run_end(head(10)), 10), LossOrigin(run_end(head(8)), 8)
    found = here.part.covered(ANNAS, {b"a": now, b"b": before})
    assert sorted(path for paths in found.values() for path in paths) == [b"a", b"b"]
    assert set(found) <= {first, second}


def test_a_word_ahead_of_the_list_here_waits_for_it(here: Here) -> None:
    here.hear(here.word(4, 12))
    assert here.covered() == {}
    here.node.index.manifests.set_head(head(12))
    assert here.covered() == {key(4).device: [b"a"]}


def test_what_is_not_signed_as_it_must_be_is_refused(here: Here) -> None:
    good = here.word(4)
    forged = msgspec.structs.replace(good, by=key(3).device)
    invented = msgspec.structs.replace(head(10), seq=10**6)
    far = sign_confirm(here.node.roster.group, invented, key(4))  # type: ignore[union-attr]
    itself = here.word(2)
    everyone = head(10, folder=Folder.EVERYONE)
    common = sign_confirm(here.node.roster.group, everyone, key(4))  # type: ignore[union-attr]
    here.hear(forged, far, itself, common)
    assert (here.refused, here.covered(), repr(here.part)) == (4, {}, "<Confirmations: 0 words>")
    assert here.heard.notes == []


def test_of_one_signer_and_owner_the_newest_is_kept_and_known_ones_cost_nothing(
    here: Here,
) -> None:
    here.hear(here.word(4), here.word(4), here.word(4, 9))
    assert here.heard.of("on_confirmed") == [ANNAS]
    here.hear(here.word(4, 11))
    assert here.heard.of("on_confirmed") == [ANNAS, ANNAS]
    assert repr(here.part) == "<Confirmations: 1 words>"


def test_of_one_signer_only_so_many_are_kept(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONFIRMS_OF_ONE", 2)
    here.hear(here.word(4), here.word(4, owner=3), here.word(4, owner=5))
    assert repr(here.part) == "<Confirmations: 2 words>"
    here.hear(here.word(4, 11), here.word(3))
    assert repr(here.part) == "<Confirmations: 3 words>"
    assert here.refused == 0


def test_what_nobody_would_keep_of_this_device_is_not_said(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONFIRMS_OF_ONE", 1)
    assert here.part.sign(ANNAS)
    here.node.index.manifests.set_head(head(10, owner=3))
    assert not here.part.sign(ManifestName.own(key(3).device))
    here.node.index.manifests.set_head(head(11))
    assert here.part.sign(ANNAS), "in the place of the one before"
    assert repr(here.part) == "<Confirmations: 1 words>"


# -- members come and go ---------------------------------------------------------------------------
def test_the_word_of_who_is_removed_counts_no_more_and_cannot_be_brought_again(here: Here) -> None:
    word = here.word(4)
    here.hear(word)
    here.said()
    here.removes(4)
    assert (here.covered(), repr(here.part)) == ({}, "<Confirmations: 0 words>")
    here.hear(word)
    assert (here.covered(), here.refused) == ({}, 1)
    assert Here(here.node.index).covered() == {}


def test_who_is_removed_confirms_nothing_even_before_that_is_put_down(here: Here) -> None:
    here.hear(here.word(4))
    here.link(3)
    here.node.roster = group(1, 2, 3)
    assert here.covered() == {}
    here.part.on_linked(key(3).device)
    assert here.said() == []
    here.node.roster = None
    assert here.covered() == {}


def test_what_a_removed_device_lost_can_be_confirmed_until_it_is_forgotten(here: Here) -> None:
    here.hear(here.word(4))
    here.removes(2)
    assert here.covered() == {key(4).device: [b"a"]}
    here.removes(2, forget=True)
    assert here.covered() == {}
    here.hear(here.word(3))
    assert here.refused == 1


def test_a_word_of_a_stranger_waits_until_it_is_a_member(here: Here) -> None:
    words = [here.word(number) for number in (6, 7)]
    here.hear(*words)
    assert (here.covered(), here.refused) == ({}, 0)
    full, numbers = here.node.roster, (1, 2, 3, 4, 5, 6)
    here.node.roster = group(*numbers)
    assert full is not None
    assert here.node.roster.group == full.group
    here.part.on_members()
    assert here.covered() == {key(6).device: [b"a"]}


def test_only_so_many_words_of_strangers_wait(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONFIRMS_OF_ONE", 1)
    here.hear(here.word(7), here.word(6))
    here.node.roster = group(1, 2, 3, 6)
    here.part.on_members()
    assert here.covered() == {}


def test_nothing_is_heard_in_no_group_nor_kept_in_another_one(here: Here) -> None:
    word = here.word(4)
    here.hear(word, here.word(6))
    here.part.restart()
    assert (here.covered(), here.ticks()) == ({}, [])
    assert Here(here.node.index).covered() == {}
    here.node.roster = None
    here.hear(word)
    assert here.covered() == {}


# -- telling ---------------------------------------------------------------------------------------
def test_what_a_person_says_here_is_signed_kept_and_told(here: Here) -> None:
    here.link(3, 4)
    assert here.part.deadline() is None
    assert here.part.sign(ANNAS)
    assert here.part.deadline() == -float("inf")
    word = here.word(1)
    assert here.ticks() == [(3, [word]), (4, [word])]
    assert not here.part.sign(ANNAS), "that was said before"
    assert here.ticks() == []
    assert Here(here.node.index).covered() == {key(1).device: [b"a"]}


def test_news_is_told_once_a_second_in_its_newest_form(here: Here) -> None:
    here.link(4)
    here.hear(here.word(3))
    assert [len(words) for _, words in here.ticks()] == [1]
    here.hear(here.word(3, 11), here.word(3, 12))
    assert here.ticks() == []
    assert here.part.deadline() == CONFIRMS_PAUSE_S
    here.node.now = CONFIRMS_PAUSE_S
    assert here.ticks() == [(4, [here.word(3, 12)])]


def test_who_links_hears_all_in_messages_that_fit(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONFIRMS_CHUNK", 2)
    here.hear(here.word(3), here.word(4), here.word(5))
    here.link(4)
    here.part.on_linked(key(4).device)
    assert [len(words) for _, words in here.said()] == [2, 1]


def test_without_anybody_else_or_a_list_nothing_is_signed(here: Here) -> None:
    assert not here.part.sign(ManifestName.own(key(3).device)), "nothing of it is held here"
    assert hearers(here.node, ANNA.device) == sorted(key(n).device for n in (3, 4, 5))
    here.node.roster = group(1, 2)
    assert not here.part.sign(ANNAS)
    here.node.roster = None
    assert not here.part.sign(ANNAS)
    assert hearers(here.node, ANNA.device) == []


def test_what_the_index_took_back_was_never_said(here: Here) -> None:
    here.node.index.commit()
    here.node.index.begin()
    assert here.part.sign(ANNAS)
    here.node.index.rollback()
    here.node.index.begin()
    here.link(3)
    assert here.ticks() == []
    assert here.covered() == {}
    assert here.part.sign(ANNAS)


# -- whole devices ---------------------------------------------------------------------------------
FILES = 60
NUMBERS = count(1)  # of commands


def held(box: Box) -> list[str]:
    return [each.subject for each in box.engine.node.troubles.of(TroubleKind.KEPT)]


def contents(box: Box, owner: str) -> list[bytes]:
    """What stands there of an owner."""
    return sorted(data for path, data in box.disk.items() if path.parts[0] == owner)


def filled(devices: int) -> tuple[Wire, list[Box], list[bytes]]:
    """A ring whose first device shares files that everybody has."""
    wire, boxes = ring(devices)
    for number in range(FILES):
        boxes[0].write(str(number), b"before %d" % number)
    before = contents(boxes[0], boxes[0].label)
    everywhere(wire, boxes, boxes[0].label, before)
    return wire, boxes, before


def everywhere(wire: Wire, boxes: Sequence[Box], label: str, wanted: list[bytes]) -> None:
    assert wire.run(30.0, lambda: all(contents(box, label) == wanted for box in boxes))


def rewrite(box: Box, text: bytes, numbers: range = range(FILES)) -> list[bytes]:
    for number in numbers:
        box.write(str(number), text + b" %d" % number)
    return contents(box, box.label)


def confirm(box: Box, label: str) -> str:
    """What a person hears who types it there."""
    (reply,) = [
        effect
        for effect in box.hear(ConfirmAsked(next(NUMBERS), label))
        if isinstance(effect, Reply)
    ]
    return reply.code or reply.text


def test_what_is_confirmed_on_one_device_is_done_on_all_that_hold_it() -> None:
    wire, boxes, before = filled(4)
    ann, ben, *others = boxes
    after = rewrite(ann, b"after")
    assert wire.run(30.0, lambda: all(held(box) for box in boxes[1:]))
    assert all(contents(box, ann.label) == before for box in boxes[1:])
    said = confirm(ben, ann.label)
    assert "counts for the others, too" in said
    everywhere(wire, boxes, ann.label, after)
    assert not any(held(box) for box in boxes)
    for box in others:
        (told,) = box.told("losses_confirmed")
        assert told.startswith(
            f"what {ann.label} deleted or replaced is confirmed by {ben.label}: {FILES} files"
        )
    again = rewrite(ann, b"again")
    assert wire.run(30.0, lambda: all(held(box) for box in boxes[1:])), "it is asked anew"
    assert all(contents(box, ann.label) == after for box in boxes[1:])
    confirm(others[0], ann.label)
    everywhere(wire, boxes, ann.label, again)


def test_who_was_away_hears_of_it_from_anybody_and_asks_about_later_ones_only() -> None:
    wire, boxes, before = filled(4)
    ann, ben, cleo, dora = boxes
    dora.crash()
    after = rewrite(ann, b"after")
    assert wire.run(30.0, lambda: bool(held(ben) and held(cleo)))
    confirm(ben, ann.label)
    everywhere(wire, [ben, cleo], ann.label, after)
    ann.write("new", b"new")
    everywhere(wire, [ann, ben, cleo], ann.label, sorted([*after, b"new"]))
    wire.run(1.0)
    ben.crash()
    dora = wire.again(dora)
    everywhere(wire, [ann, cleo, dora], ann.label, sorted([*after, b"new"]))
    assert not held(dora)
    assert len(dora.told("losses_confirmed")) == 1
    dora.crash()
    ann.crash()
    ann = wire.again(ann)
    assert wire.run(30.0, lambda: one_ring([ann, cleo]))
    last = rewrite(ann, b"last")
    assert wire.run(30.0, lambda: bool(held(cleo)))
    dora = wire.again(dora)
    assert wire.run(30.0, lambda: bool(held(dora)))
    assert contents(dora, ann.label) == sorted([*after, b"new"])
    assert confirm(ann, cleo.label) == "not_found"
    confirm(dora, ann.label)
    everywhere(wire, [ann, cleo, dora], ann.label, last)
    assert before != after


def test_a_device_that_holds_nothing_may_say_it_for_one_that_has_no_screen() -> None:
    wire, boxes, _ = filled(3)
    ann, ben, cleo = boxes
    after = rewrite(ann, b"after")
    assert wire.run(30.0, lambda: bool(held(ben) and held(cleo)))
    wire.run(2.0)
    confirm(ben, ann.label)
    everywhere(wire, boxes, ann.label, after)
    ann.write("new", b"new")
    everywhere(wire, boxes, ann.label, sorted([*after, b"new"]))
    assert confirm(cleo, ann.label).startswith(f"Nothing of {ann.label} is held here. It counts")
    assert confirm(cleo, ann.label) == "not_found", "that was said already"
    wire.run(2.0)
    assert confirm(ben, ann.label) == "not_found", "and by somebody else"


def heads(boxes: Sequence[Box], owner: Box) -> set[tuple[int, int]]:
    name = ManifestName.own(owner.me)
    held = [box.index.manifests.head(name) for box in boxes if box.up]
    return {(head.generation, head.seq) for head in held if head is not None}


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_replaced_that_nobody_confirmed_whoever_comes_and_goes(seed: int) -> None:
    """One rewrites all its files again and again; others restart, and one of them confirms."""
    chance = random.Random(seed)
    wire, boxes, _ = filled(4)
    allowed = {b"before", b"more"}
    versions = [b"version-%d" % number for number in range(4)]

    def lawful() -> None:
        """So few may go unasked as the breaker lets go of any folder."""
        for box in boxes[1:]:
            texts = [data.rpartition(b" ")[0] for data in contents(box, boxes[0].label)]
            assert sum(text not in allowed for text in texts) <= MASS_FILES, (box.label, texts)

    def all_hold_it() -> bool:
        there = [box for box in boxes if box.up]
        return all(held(box) for box in there[1:]) and len(heads(there, boxes[0])) == 1

    for version in versions:
        away = chance.choice([0, *range(1, 4)])
        boxes[away].crash()
        if away == 0:
            boxes[0] = wire.again(boxes[0])
        wire.run(chance.uniform(1.0, 8.0))
        after = rewrite(boxes[0], version)
        assert wire.run(60.0, all_hold_it)
        wire.run(chance.uniform(0.0, 3.0))
        lawful()
        allowed.add(version)
        confirm(chance.choice([box for box in boxes[1:] if box.up]), boxes[0].label)
        if boxes[0].up and chance.random() < 0.7:
            wire.run(chance.uniform(0.0, 3.0))
            boxes[0].write(f"{version.decode()} more", b"more 1")
            after = contents(boxes[0], boxes[0].label)
        boxes = [box if box.up else wire.again(box) for box in boxes]
        everywhere(wire, boxes, boxes[0].label, after)
        assert not any(held(box) for box in boxes)
        lawful()
