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
    reader.wait(COUNTED_S)
    last = OF_ALL + 49
    assert reader.read() == [f"fake{last} is a member (and 49 more such notices)"]


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


def test_as_many_causes_as_there_may_be_are_remembered_and_none_is_lost_untold(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CAUSES", 4)
    monkeypatch.setattr(module, "OF_ONE_DEVICE", 1)
    for text in ("first", "second", "third"):
        reader.put(text, "a")
    reader.put("b", "b")
    assert reader.read() == ["first", "b"]
    reader.put("c", "c")
    assert reader.read() == ["c"]
    reader.put("d", "d")
    assert reader.read() == ["third (and 1 more such notices about a)", "d"]
    reader.put("e", "e")
    assert reader.read() == ["e"], "what was told needs no word more"
    reader.now = 2 * COUNTED_S
    reader.put("f", "f")
    assert len(reader.board._causes) == 2, "what was quiet for long is forgotten"
