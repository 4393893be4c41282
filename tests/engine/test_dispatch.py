"""The switchboard: every fact of the network reaches the part whose business it is, and nothing
else happens.
"""

from __future__ import annotations

from itertools import count
from operator import attrgetter

import pytest

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Bye,
    Done,
    Heads,
    HeadsAsk,
    Kept,
    LinkKind,
    Message,
    Offer,
    PairConsent,
    Ping,
    ProbeFor,
    RosterDigest,
    RosterRecords,
    Solicit,
    Unknown,
    Update,
    encode,
)
from potluck.engine import effects, events
from potluck.engine.dispatch import Dispatch
from potluck.engine.events import (
    DatagramHeard,
    DialFailed,
    LinkClosed,
    LinkId,
    LinkOpened,
    MessageHeard,
    OrderId,
)
from potluck.engine.wiring import Wiring
from tests.engine.builders import address, group, key, node

BEN = key(2).device
LINK = LinkId(5)
RUNS = count(1)  # a new run each time, else the second datagram would be a repetition
CALLS = [
    ("membership", "on_roster"),
    ("pairings", "on_link_opened"),
    ("admission_policy", "on_foreign"),
    ("questions", "on_clear"),
    ("discovery", "on_interfaces"),
    ("discovery", "on_beacon"),
    ("discovery", "on_link_opened"),
    ("discovery", "on_introduction"),
    ("circle", "on_message"),
    ("circle", "on_probe"),
    ("circle", "on_digest"),
    ("circle", "on_addresses"),
    ("announcing", "on_heads"),
    ("announcing", "on_heads_ask"),
    ("announcing", "on_kept"),
    ("announcing", "on_digest"),
    ("receiving.downloads", "on_kept"),
]
ANSWERS = [
    ("pairings", "on_dial_failed"),
    ("pairings", "on_link_closed"),
    ("pairings", "on_message"),
]
MEMBERS_TOO = [("discovery", "on_dial_failed"), ("discovery", "on_link_closed")]


class Board:
    """A switchboard whose parts only note that they were called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = node(1)
        self.node.roster = group(1, 2)
        self.parts = Wiring(self.node)
        self.board = Dispatch(self.parts)
        self.calls: list[str] = []
        self.pairing = False  # whether the pairings say that it was theirs
        for part, name in CALLS + MEMBERS_TOO:
            monkeypatch.setattr(
                attrgetter(part)(self.parts), name, self._noting(f"{part}.{name}", answer=None)
            )
        for part, name in ANSWERS:
            monkeypatch.setattr(
                attrgetter(part)(self.parts), name, self._noting(f"{part}.{name}", answer=self)
            )
        self.node.link_owner[LINK] = BEN

    def _noting(self, name: str, answer: Board | None):
        def call(*_: object) -> bool:
            self.calls.append(name)
            return answer.pairing if answer is not None else False

        return call

    def called(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    return Board(monkeypatch)


def sealed_by_ben(message: Message, roster_of: Board | None = None) -> bytes:
    """A datagram as d2 would send it."""
    ben = node(2, run=next(RUNS))
    ben.roster = roster_of.node.roster if roster_of is not None else group(3, 2)
    Wiring(ben).sealed_datagrams.transmit(message, address(1))
    (sent,) = [effect for effect in ben.take() if isinstance(effect, effects.Transmit)]
    return sent.data


# -- datagrams -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "message", [Solicit(bytes(16), bytes(64)), Offer(bytes(16), bytes(32), "", "", 1, 1, open=True)]
)
def test_a_datagram_in_clear_is_a_question_of_strangers(board: Board, message: Message) -> None:
    board.board.on_datagram(DatagramHeard(encode(message), address(2), "unicast"))
    assert board.called() == ["questions.on_clear"]


def test_a_beacon_is_a_sighting_and_a_digest(board: Board) -> None:
    beacon = board.parts.discovery.beacon()
    board.board.on_datagram(DatagramHeard(sealed_by_ben(beacon, board), address(2), "multicast"))
    assert board.called() == ["discovery.on_beacon", "circle.on_digest"]


def test_a_sealed_probe_is_for_the_circle_and_carries_a_digest_of_heads(board: Board) -> None:
    board.board.on_datagram(
        DatagramHeard(sealed_by_ben(Ping(1, b"", b""), board), address(2), "unicast")
    )
    assert board.called() == ["circle.on_probe", "announcing.on_digest"]
    board.board.on_datagram(
        DatagramHeard(sealed_by_ben(ProbeFor(1, bytes(32)), board), address(2), "unicast")
    )
    assert board.called() == ["circle.on_probe"]


def test_what_another_group_sealed_is_counted_and_noticed(board: Board) -> None:
    board.board.on_datagram(DatagramHeard(sealed_by_ben(Ping(1, b"", b"")), address(2), "unicast"))
    assert board.called() == ["admission_policy.on_foreign"]
    assert board.board.counters == {"datagrams refused": 1}


def test_what_comes_twice_is_counted_and_nothing_else(board: Board) -> None:
    data = sealed_by_ben(ProbeFor(1, bytes(32)), board)
    for _ in range(2):
        board.board.on_datagram(DatagramHeard(data, address(2), "unicast"))
    assert board.called() == ["circle.on_probe"]
    assert board.board.counters == {"datagrams refused": 1}


# -- links -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "peer", "part"),
    [(LinkKind.PAIRING, None, "pairings"), (LinkKind.CONTROL, BEN, "discovery")],
)
def test_links_of_strangers_and_of_members(
    board: Board, kind: LinkKind, peer: DeviceId | None, part: str
) -> None:
    board.board.on_link_opened(LinkOpened(LINK, kind, peer, address(2), b"", None))
    assert board.called() == [f"{part}.on_link_opened"]


def test_what_ends_is_a_pairings_or_else_the_meetings(board: Board) -> None:
    failed, closed = (
        DialFailed(OrderId(1), "", refused=True, knock=False),
        LinkClosed(LINK, "", clean=True),
    )
    board.board.on_dial_failed(failed)
    board.board.on_link_closed(closed)
    assert board.called() == [
        "pairings.on_dial_failed",
        "discovery.on_dial_failed",
        "pairings.on_link_closed",
        "discovery.on_link_closed",
    ]
    board.pairing = True
    board.board.on_dial_failed(failed)
    board.board.on_link_closed(closed)
    assert board.called() == ["pairings.on_dial_failed", "pairings.on_link_closed"]


def test_networks_and_introductions(board: Board) -> None:
    board.board.on_interfaces(events.InterfacesSeen((), ()))
    board.board.on_introduction(events.IntroductionHeard(OrderId(1), b"", address(2)))
    assert board.called() == [
        "discovery.on_interfaces",
        "circle.on_addresses",
        "discovery.on_introduction",
    ]


# -- messages --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("message", "calls"),
    [
        (Update([], b""), ["circle.on_message"]),
        (Ping(1, b"", b""), ["circle.on_probe", "announcing.on_digest"]),
        (ProbeFor(1, bytes(32)), ["circle.on_probe"]),
        (RosterDigest(b""), ["membership.on_roster"]),
        (RosterRecords([]), ["membership.on_roster"]),
        (Heads([]), ["announcing.on_heads"]),
        (HeadsAsk(b""), ["announcing.on_heads_ask"]),
        (Kept([]), ["announcing.on_kept", "receiving.downloads.on_kept"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_members_message_goes_where_it_belongs(
    board: Board, message: Message, calls: list[str]
) -> None:
    board.board.on_message(MessageHeard(LINK, message))
    assert board.called() == ["pairings.on_message", *calls]
    board.board.on_message(MessageHeard(LinkId(99), message))
    assert board.called() == ["pairings.on_message"], "nobody owns that link"
    board.pairing = True
    board.board.on_message(MessageHeard(LINK, message))
    assert board.called() == ["pairings.on_message"]
    assert not board.board.counters


def test_a_last_word_is_heard_by_nobody(board: Board) -> None:
    board.board.on_message(MessageHeard(LINK, Bye("so long")))
    assert board.called() == []


def test_the_unknown_and_the_unexpected_are_counted(board: Board) -> None:
    board.board.on_message(MessageHeard(LINK, Unknown("from the future")))
    board.board.on_message(MessageHeard(LINK, PairConsent()))
    board.board.on_message(MessageHeard(LINK, Done()))
    assert board.called() == ["pairings.on_message"] * 2
    assert board.board.counters == {
        "messages unknown": 1,
        "unexpected PairConsent": 1,
        "unexpected Done": 1,
    }


# -- after the farewell ----------------------------------------------------------------------------
def test_a_device_that_has_said_farewell_hears_nothing(board: Board) -> None:
    board.node.leaving = True
    board.board.on_interfaces(events.InterfacesSeen((), ()))
    board.board.on_datagram(DatagramHeard(encode(Solicit(bytes(16), b"")), address(2), "unicast"))
    board.board.on_dial_failed(DialFailed(OrderId(1), "", refused=True, knock=False))
    board.board.on_message(MessageHeard(LINK, Heads([])))
    board.board.on_link_opened(LinkOpened(LinkId(6), LinkKind.CONTROL, BEN, address(2), b"", None))
    board.board.on_introduction(events.IntroductionHeard(OrderId(1), b"", address(2)))
    assert board.called() == []
    assert board.node.take() == [
        effects.Drop(LinkId(6), "leaving"),
        effects.AnswerIntroduction(OrderId(1), accepted=False),
    ]
    board.board.on_link_closed(LinkClosed(LINK, "", clean=True))
    assert board.called() == ["pairings.on_link_closed", "discovery.on_link_closed"], (
        "so that it is not dropped once more"
    )
