"""The notice board: a flood is counted, the newest word is told, nobody else's notices go."""

from __future__ import annotations

import pytest

from potluck.engine import notice_board as module
from potluck.engine.effects import Effect, Tell
from potluck.engine.notice_board import (
    COUNTED_S,
    NOTICES_KEPT,
    OF_ALL,
    OF_ONE_DEVICE,
    RELEASED,
    NoticeBoard,
    crowded_out,
    device_in,
)

ME = "me"


class Reader:
    """Reads what is told, in a time of its own."""

    def __init__(self) -> None:
        self.board = NoticeBoard(self)
        self.now = 0.0
        self.told: list[Tell] = []

    def do(self, *effects: Effect) -> None:
        self.told += [effect for effect in effects if isinstance(effect, Tell)]

    def put(self, text: str, subject: str = "nas", code: str = "node_left") -> None:
        self.board.put(Tell(code, text, "info", subject), ME)

    def wait(self, seconds: float) -> None:
        """Let time pass, from one deadline to the next."""
        end = self.now + seconds
        while (due := self.board.deadline()) is not None and due <= end:
            self.now = due
            self.board.on_tick()
        self.now = end
        self.board.on_tick()

    def read(self) -> list[str]:
        """What was told since it was read last."""
        told, self.told = self.told, []
        return [tell.text for tell in told]


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_what_happens_now_and_then_is_told_at_once(reader: Reader) -> None:
    for number in range(OF_ONE_DEVICE):
        reader.put(str(number))
    assert reader.read() == [str(number) for number in range(OF_ONE_DEVICE)]
    assert reader.board.deadline() is None
    assert reader.board.kept[0] == (1, 0.0, Tell("node_left", "0", "info", "nas"))


def test_of_a_flood_the_newest_is_told_once_in_a_while_with_how_many_there_were(
    reader: Reader,
) -> None:
    for number in range(1000):
        reader.put(str(number))
    assert len(reader.read()) == OF_ONE_DEVICE
    assert repr(reader.board) == "<NoticeBoard: 30 kept, 970 untold>"
    assert reader.board.deadline() == COUNTED_S
    reader.now = COUNTED_S - 0.1
    reader.board.on_tick()
    assert reader.read() == []
    reader.wait(COUNTED_S)
    assert reader.read() == ["999 (and 969 more such notices about nas)"]
    assert reader.board.deadline() is None
    reader.put("again")
    assert reader.read() == [], "it goes on"
    reader.wait(COUNTED_S)
    assert reader.read() == ["again"]
    reader.wait(COUNTED_S)
    reader.put("later")
    assert reader.read() == ["later"], "it was quiet for long"


def test_a_cause_is_one_kind_about_one_device(reader: Reader) -> None:
    for number in range(OF_ONE_DEVICE):
        reader.put(str(number), "nas/deep/path")
    reader.read()
    reader.put("counted", "nas")
    reader.put("another kind", "nas", code="node_joined")
    reader.put("another device", "laptop")
    assert reader.read() == ["another kind", "another device"]


def test_invented_devices_together_are_a_flood_too(reader: Reader) -> None:
    for number in range(OF_ALL + 50):
        reader.put(f"fake{number} is a member", f"fake{number}", code="member_new")
    assert len(reader.read()) == OF_ALL
    reader.put("of another kind", "nas")
    assert reader.read() == ["of another kind"]
    for pause in range(50 // RELEASED):
        reader.wait(COUNTED_S)
        first = OF_ALL + pause * RELEASED
        told = [f"fake{number} is a member" for number in range(first, first + RELEASED)]
        assert reader.read() == told
    assert reader.board.deadline() is None
    reader.put("of that kind", "nas", code="member_new")
    assert reader.read() == []
    reader.wait(2 * COUNTED_S)
    assert reader.read() == ["of that kind"]
    reader.put("later", "nas", code="member_new")
    assert reader.read() == ["later"], "it was quiet for long"


def test_invented_devices_without_end_put_off_the_word_about_another_but_do_not_replace_it(
    reader: Reader,
) -> None:
    for number in range(OF_ALL + 3):
        reader.put(f"fake{number}", f"fake{number}")
    reader.put("an older word about cora", "cora")
    reader.put("the word about cora", "cora")
    told = []
    for number in range(100):
        reader.put(f"more {number}", f"more{number}")
        reader.wait(COUNTED_S / 10)
        told += reader.read()
    assert "the word about cora (and 1 more such notices about cora)" in told
    assert len(told) == OF_ALL + 10 * RELEASED


def test_a_flood_about_one_device_holds_up_no_other_of_its_kind(reader: Reader) -> None:
    for number in range(OF_ONE_DEVICE + 5):
        reader.put(str(number))
    reader.read()
    reader.put("another device", "laptop")
    assert reader.read() == ["another device"]


def test_what_is_about_this_device_is_told_always(reader: Reader) -> None:
    for number in range(OF_ALL + 10):
        reader.put(str(number), f"{ME}/{number}")
    assert len(reader.read()) == OF_ALL + 10


def test_what_is_about_nobody_is_counted_without_a_name(reader: Reader) -> None:
    for _ in range(OF_ONE_DEVICE + 2):
        reader.put("a pairing failed", "")
    reader.read()
    reader.wait(COUNTED_S)
    assert reader.read() == ["a pairing failed (and 1 more such notices)"]


def test_of_what_is_kept_nobody_crowds_out_anybody_else(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OF_ONE_DEVICE", 10_000)
    monkeypatch.setattr(module, "OF_ALL", 10_000)
    reader.put("founded", "", code="founded")
    reader.put("about nas")
    for number in range(3 * NOTICES_KEPT):
        reader.put(str(number), "rogue")
    kept = [tell.text for _, _, tell in reader.board.kept]
    assert len(kept) == NOTICES_KEPT
    assert kept[:2] == ["founded", "about nas"]
    assert kept[2:] == [str(2 * NOTICES_KEPT + 2 + number) for number in range(NOTICES_KEPT - 2)]
    assert crowded_out(["a", "b/x", "c", "b"]) == 1
    assert device_in("b/x/y") == device_in("b") == "b"


def test_only_so_many_causes_are_remembered_and_what_finds_no_room_is_counted_together(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CAUSES", 2)
    monkeypatch.setattr(module, "OF_ONE_DEVICE", 1)
    for about in "abc":
        reader.put(f"first of {about}", about)
    assert reader.read() == ["first of a", "first of b", "first of c"]
    for about in "abcd":
        reader.put(f"second of {about}", about)
    assert repr(reader.board) == "<NoticeBoard: 3 kept, 4 untold>"
    reader.wait(COUNTED_S)
    together = "second of d (and 1 more such notices)"
    assert reader.read() == ["second of a", "second of b", together]
    reader.wait(COUNTED_S)
    reader.put("third of d", "d")
    assert reader.read() == ["third of d"], "what was quiet for long is forgotten"
    assert list(reader.board._kinds["node_left"].devices) == ["d"]
