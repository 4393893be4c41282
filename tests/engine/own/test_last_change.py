"""The last change: what of it is to be taken back, and whether anything is."""

from __future__ import annotations

from potluck.engine.own.endings import ENDINGS_PAUSE_S
from potluck.engine.own.last_change import GOES_LOOKED_AT, REPLACED_MANY, LastChange
from potluck.engine.own.publishing import Publishing
from tests.engine.builders import node
from tests.engine.index.builders import place, record
from tests.engine.listeners import Heard


class Home:
    """A device `d1` that shares these."""

    def __init__(self, count: int) -> None:
        self.node = node(1)
        self.publishing = Publishing(self.node, Heard())
        self.publishing.start()
        self.part = self.publishing.last_change
        self.put(count, "")

    def put(self, count: int, text: str) -> None:
        for number in range(count):
            each = record(f"{number:02}", text=f"{number} {text}")
            self.publishing.put(place(each), each.piece_size)
        self.publish()

    def rm(self, *numbers: int) -> None:
        self.publishing.drop([f"{number:02}".encode() for number in numbers])
        self.publish()

    def publish(self) -> None:
        self.node.now += ENDINGS_PAUSE_S
        self.publishing.on_tick(0)


def test_a_go_is_known_by_its_number_and_a_few_edits_are_none() -> None:
    home = Home(REPLACED_MANY)
    assert home.part.find() is None
    home.put(REPLACED_MANY, "replaced")
    home.put(REPLACED_MANY - 1, "edited")
    assert repr(home.part) == "<LastChange 2>"
    change = home.part.find()
    assert change is not None
    assert (change.burst, change.deleted, change.elsewhere) == (1, [], 0)
    assert len(change.replaced) == len(change.lost) == REPLACED_MANY
    home.rm(3)
    change = home.part.find()
    assert change is not None
    assert [one.path for one in change.lost] == [b"03"]


def test_undo_brings_something_until_all_of_it_is_shared_again() -> None:
    home = Home(REPLACED_MANY)
    assert not home.part.can_undo, "nothing is known that went"
    home.put(REPLACED_MANY, "replaced")
    assert home.part.can_undo
    change = home.part.find()
    assert change is not None
    home.publishing.share_again(change.lost, instead=True)
    assert not home.part.can_undo
    again = home.part.find()
    assert again is not None
    assert (again.burst, again.lost) == (change.burst, [])


def test_it_is_looked_up_once_for_each_head() -> None:
    home = Home(2)
    home.rm(0)
    looked = list[bool]()

    def find(_: int) -> None:
        looked.append(True)

    home.part.find = find  # type: ignore[assignment, method-assign]
    assert [home.part.can_undo for _ in range(3)] == [False] * 3
    assert len(looked) == 1
    home.rm(1)
    assert not home.part.can_undo
    assert len(looked) == 2


def test_what_is_held_can_be_had_back_unless_it_is_wanted_already() -> None:
    home = Home(60)
    home.rm(*range(50))
    assert len(home.publishing.held) == 50
    assert home.part.can_undo
    assert home.part.with_held() is None
    home.publishing.breaker.say_returning({one.path for one in home.publishing.held.records()})
    assert not home.part.can_undo


def test_nothing_is_known_before_anything_is_shared() -> None:
    made = node(1)
    publishing = Publishing(made, Heard())
    assert isinstance(publishing.last_change, LastChange)
    assert not publishing.last_change.can_undo


def test_what_went_in_an_earlier_go_did_not_go_with_what_is_held() -> None:
    home = Home(2)
    home.rm(0)
    endings = home.publishing._endings
    endings._note_held_go(1)
    change = home.part.with_held()
    assert change is not None
    assert [one.path for one in change.lost] == [b"00"]
    endings._note_held_go(2)  # all that went then went once more since
    assert home.part.with_held() is None


def test_after_many_goes_of_edits_nobody_is_advised_to_take_it_back() -> None:
    home = Home(REPLACED_MANY)
    home.rm(3)
    for number in range(GOES_LOOKED_AT - 1):
        home.put(1, str(number))
    assert home.part.can_undo
    home.put(1, "once more")
    assert not home.part.can_undo
    assert home.part.find() is not None, "who types it has it back all the same"
