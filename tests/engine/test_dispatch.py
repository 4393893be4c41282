"""Dispatch: every fact reaches the part whose business it is, and nothing else happens."""

from __future__ import annotations

from functools import partial
from itertools import count
from operator import attrgetter
from typing import get_args

import msgspec
import pytest

from potluck.core.group.codes import TypedCode
from potluck.core.group.statements import Remove, key_id, sign_removal
from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import seal_datagram
from potluck.core.wire.catalogue import (
    Beacon,
    Bye,
    DialMe,
    Done,
    Envelope,
    FilesAsk,
    FlushAsk,
    Flushed,
    Folder,
    Heads,
    HeadsAsk,
    Kept,
    LinkKind,
    ManifestPage,
    Message,
    Offer,
    PairConsent,
    Ping,
    Pong,
    ProbeFor,
    ProbeResult,
    RosterDigest,
    RosterRecords,
    Solicit,
    Unknown,
    Update,
    encode,
)
from potluck.engine import effects, events, person_acts
from potluck.engine.dispatch import Dispatch
from potluck.engine.events import (
    BatchId,
    DatagramHeard,
    DialFailed,
    LinkClosed,
    LinkId,
    LinkOpened,
    MessageHeard,
    OrderId,
    Outcome,
    RequestId,
)
from potluck.engine.wiring import Wiring
from tests.engine.builders import address, group, key, node
from tests.engine.heads import signed_head
from tests.fakes.disk import pieces_of

BEN = key(2).device
LINK = LinkId(5)
RUNS = count(1)  # a new run each time, else the second datagram would be a repetition
CALLS = [
    ("membership", "on_roster"),
    ("durability", "on_made"),
    ("durability", "on_failed"),
    ("durability", "on_log"),
    ("pairings", "on_link_opened"),
    ("pairings", "on_dial_failed"),
    ("pairings", "on_link_closed"),
    ("pairings", "on_message"),
    ("admission_policy", "on_foreign"),
    ("admission_policy", "on_door_asked"),
    ("questions", "on_clear"),
    ("questions", "on_foreign"),
    ("bulk_calls", "on_search"),
    ("bulk_calls", "on_call_ended"),
    ("bulk_calls", "on_dial_me"),
    ("narrow_paths", "on_stalled"),
    ("trust_troubles", "on_seen"),
    ("link_troubles", "on_heard"),
    ("link_troubles", "on_served"),
    ("questions", "ask_around"),
    ("discovery", "on_interfaces"),
    ("discovery", "on_beacon"),
    ("discovery", "on_link_opened"),
    ("discovery", "on_dial_failed"),
    ("discovery", "on_link_closed"),
    ("discovery", "on_introduction"),
    ("own_calls", "on_call"),
    ("circle", "on_heard"),
    ("circle", "on_message"),
    ("circle", "on_probe"),
    ("circle", "on_digest"),
    ("circle", "on_addresses"),
    ("following", "on_heads"),
    ("announcing", "on_heads_ask"),
    ("announcing", "on_kept"),
    ("answers", "on_came"),
    ("announcing", "on_digest"),
    ("announcing", "on_share"),
    ("announcing", "on_places_changed"),
    ("following", "on_page"),
    ("following", "on_heard"),
    ("downloads", "on_heard"),
    ("following", "on_ended"),
    ("downloads", "on_kept"),
    ("downloads", "on_list"),
    ("downloads", "on_pieces"),
    ("downloads", "on_files"),
    ("downloads", "on_ended"),
    ("downloads", "on_parts"),
    ("downloads", "on_space"),
    ("commits", "on_placed"),
    ("removed_callers", "on_unread"),
    ("commits", "on_settled"),
    ("answers", "on_request"),
    ("own_folder", "on_touched"),
    ("own_folder", "on_watcher"),
    ("own_folder", "on_tree"),
    ("own_folder", "on_hashed"),
    ("own_folder", "on_share"),
    ("own_folder", "on_imported"),
    ("own_folder", "scan"),
    ("own_folder.covered", "on_mounts"),
    ("own_folder.covered", "take_news"),
    ("replica_check", "on_touched"),
    ("replica_check", "on_mounts"),
    ("receiving.setbacks", "hurry_below"),
    ("replica_check", "on_tree"),
    ("replica_check", "on_hashed"),
    ("scrub", "on_hashed"),
    ("replica_check", "scan"),
    ("forgotten_folders", "on_share"),
    ("adopting", "on_imported"),
    ("succession", "on_imported"),
    ("adopting", "on_leaving"),
    ("silent_disk", "on_silent"),
    ("strays", "on_touched"),
    ("strays", "on_share"),
    ("strays", "on_top"),
    ("moving_folders", "on_moved"),
    ("flushing", "on_asked"),
    ("flushing", "on_drained"),
    ("flushing", "on_flush_ask"),
    ("flushing", "on_flushed"),
    ("imports", "on_add"),
    ("imports", "on_imported"),
    ("joining", "on_leaving"),
    ("pairings", "on_leaving"),
    ("farewell", "on_leave_asked"),
    ("acts", "handle"),
]


class Board:
    """A dispatch whose parts only note that they were called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.node = node(1)
        self.node.roster = group(1, 2)
        self.parts = Wiring(self.node)
        self.dispatch = Dispatch(self.parts)
        self.calls: list[str] = []
        self.theirs: set[str] = set()  # calls that say it was theirs
        for part, name in CALLS:
            called = f"{part}.{name}"
            monkeypatch.setattr(attrgetter(part)(self.parts), name, partial(self._note, called))
        self.node.link_owner[LINK] = BEN

    def _note(self, called: str, *_: object) -> bool:
        self.calls.append(called)
        return called in self.theirs

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
    board.dispatch.handle(DatagramHeard(encode(message), address(2), "unicast"))
    assert board.called() == ["questions.on_clear"]


def test_a_beacon_is_a_sighting_and_a_digest(board: Board) -> None:
    beacon = Beacon(7685, 1, b"", 2)
    board.dispatch.handle(DatagramHeard(sealed_by_ben(beacon, board), address(2), "multicast"))
    assert board.called() == [
        "circle.on_heard",
        "link_troubles.on_heard",
        "discovery.on_beacon",
        "circle.on_digest",
    ]


def test_a_sealed_probe_is_for_the_circle_and_carries_a_digest_of_heads(board: Board) -> None:
    board.dispatch.handle(
        DatagramHeard(sealed_by_ben(Ping(1, b"", b""), board), address(2), "unicast")
    )
    assert board.called() == [
        "circle.on_heard",
        "link_troubles.on_heard",
        "circle.on_probe",
        "announcing.on_digest",
    ]
    board.dispatch.handle(
        DatagramHeard(sealed_by_ben(ProbeFor(1, bytes(32)), board), address(2), "unicast")
    )
    assert board.called() == ["circle.on_heard", "link_troubles.on_heard", "circle.on_probe"]


def test_what_another_group_sealed_is_counted_and_noticed(board: Board) -> None:
    board.dispatch.handle(DatagramHeard(sealed_by_ben(Ping(1, b"", b"")), address(2), "unicast"))
    assert board.called() == [
        "removed_callers.on_unread", "admission_policy.on_foreign", "questions.on_foreign",
    ]  # fmt: skip
    assert board.dispatch.counters == {"datagrams refused": 1}


def test_what_is_called_in_our_own_name_is_looked_at(board: Board) -> None:
    me, roster = board.node.me, board.node.roster
    assert roster is not None
    body = msgspec.Raw(encode(Beacon(7, 1, b"", 1)))
    said = encode(Envelope(me, b"another", 1, body))
    data = seal_datagram(roster.group_key, bytes(12), said)
    board.dispatch.handle(DatagramHeard(data, address(2), "unicast"))
    assert board.called() == ["own_calls.on_call"]


def test_a_link_with_our_own_identity_is_no_members(board: Board) -> None:
    me, link = board.node.me, LinkId(9)
    board.dispatch.handle(LinkOpened(link, LinkKind.CONTROL, me, address(2), b"other", None))
    assert (board.called(), board.node.cloned) == ([], True)
    decided = signed_head(1, generation=1 << 20)
    board.dispatch.handle(LinkClosed(link, "", clean=True))
    assert board.called() == []
    board.dispatch.handle(MessageHeard(link, Heads([decided])))
    assert board.called() == ["pairings.on_message"], "that link is over"
    board.dispatch.handle(LinkOpened(link, LinkKind.CONTROL, me, address(2), b"other", None))
    board.dispatch.handle(MessageHeard(link, Heads([decided])))
    assert board.called() == ["pairings.on_message", "farewell.on_leave_asked"]


def test_an_old_link_is_heard_for_its_answer_alone(board: Board) -> None:
    peer, link = board.node.peer(BEN), LinkId(9)
    peer.link = link
    new = LinkId(10)
    board.parts.discovery.rivals.ask(peer, new, address(3))
    sent = [effect for effect in board.node.take() if isinstance(effect, effects.Send)]
    number, _ = [each.message.sequence for each in sent if isinstance(each.message, Ping)]
    board.dispatch.handle(MessageHeard(new, Pong(number, b"", b"")))
    assert board.called() == ["pairings.on_message"]
    board.dispatch.handle(MessageHeard(link, Heads([])))
    assert board.called() == ["pairings.on_message"]
    assert BEN not in board.node.withheld
    board.dispatch.handle(MessageHeard(link, Pong(number, b"", b"")))
    assert BEN in board.node.withheld


def test_what_comes_under_an_older_key_is_a_hint(board: Board) -> None:
    roster = board.node.roster
    assert roster is not None
    data = sealed_by_ben(Beacon(1, 1, b"", 1), board)
    said = Remove(roster.group, key(3).device, [], b"", None, key_id(b"k" * 32), [])
    founder = next(key(n) for n in (1, 2, 3) if key(n).device == roster.founder)
    roster.add(sign_removal(founder, said, []))
    assert roster.standing.keys
    board.dispatch.handle(DatagramHeard(data, address(2), "unicast"))
    assert board.called() == ["discovery.on_beacon"]
    assert not board.dispatch.counters


def test_what_comes_twice_is_counted_and_nothing_else(board: Board) -> None:
    data = sealed_by_ben(ProbeFor(1, bytes(32)), board)
    for _ in range(2):
        board.dispatch.handle(DatagramHeard(data, address(2), "unicast"))
    assert board.called() == [
        "circle.on_heard", "link_troubles.on_heard", "circle.on_probe", "removed_callers.on_unread",
    ]  # fmt: skip
    assert board.dispatch.counters == {"datagrams refused": 1}


# -- links -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "peer", "part"),
    [
        (LinkKind.PAIRING, None, "pairings"),
        (LinkKind.PAIRING, BEN, "pairings"),
        (LinkKind.CONTROL, None, "pairings"),
        (LinkKind.CONTROL, BEN, "discovery"),
    ],
)
def test_links_of_strangers_and_of_members(
    board: Board, kind: LinkKind, peer: DeviceId | None, part: str
) -> None:
    board.dispatch.handle(LinkOpened(LINK, kind, peer, address(2), b"", None))
    assert board.called() == [f"{part}.on_link_opened"]


def test_what_ends_is_a_pairings_or_else_discoverys(board: Board) -> None:
    failed, closed = (
        DialFailed(OrderId(1), "", refused=True, knock=False),
        LinkClosed(LINK, "", clean=True),
    )
    board.dispatch.handle(failed)
    board.dispatch.handle(closed)
    assert board.called() == [
        "pairings.on_dial_failed",
        "discovery.on_dial_failed",
        "pairings.on_link_closed",
        "discovery.on_link_closed",
    ]
    board.theirs = {"pairings.on_dial_failed", "pairings.on_link_closed"}
    board.dispatch.handle(failed)
    board.dispatch.handle(closed)
    assert board.called() == ["pairings.on_dial_failed", "pairings.on_link_closed"]


def test_networks_and_introductions(board: Board) -> None:
    board.dispatch.handle(events.InterfacesSeen((), ()))
    board.dispatch.handle(events.PathStalled("10.0.0.2"))
    board.dispatch.handle(events.TrustSeen((), ()))
    board.dispatch.handle(events.IntroductionHeard(OrderId(1), b"", address(2)))
    board.dispatch.handle(events.IntroductionAnswered(b""))
    assert board.called() == [
        "discovery.on_interfaces",
        "circle.on_addresses",
        "narrow_paths.on_stalled",
        "trust_troubles.on_seen",
        "discovery.on_introduction",
        "discovery.on_introduction",
    ]


# -- messages --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("message", "calls"),
    [
        (Update([], b""), ["circle.on_message"]),
        (Ping(1, b"", b""), ["circle.on_probe", "announcing.on_digest"]),
        (ProbeFor(1, bytes(32)), ["circle.on_probe"]),
        (ProbeResult(1, bytes(32)), ["circle.on_probe", "link_troubles.on_heard"]),
        (DialMe(LinkKind.BULK), ["bulk_calls.on_dial_me"]),
        (RosterDigest(b""), ["membership.on_roster"]),
        (RosterRecords([]), ["membership.on_roster"]),
        (Heads([]), ["following.on_heads"]),
        (HeadsAsk(b""), ["announcing.on_heads_ask"]),
        (Kept([]), ["announcing.on_kept", "answers.on_came", "downloads.on_kept"]),
        (FlushAsk(1), ["flushing.on_flush_ask"]),
        (Flushed(1, None), ["flushing.on_flushed"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_members_message_goes_where_it_belongs(
    board: Board, message: Message, calls: list[str]
) -> None:
    board.dispatch.handle(MessageHeard(LINK, message))
    assert board.called() == ["pairings.on_message", "circle.on_heard", *calls]
    board.dispatch.handle(MessageHeard(LinkId(99), message))
    assert board.called() == ["pairings.on_message"], "nobody owns that link"
    board.theirs = {"pairings.on_message"}
    board.dispatch.handle(MessageHeard(LINK, message))
    assert board.called() == ["pairings.on_message"]
    assert not board.dispatch.counters


def test_a_last_word_is_heard_by_nobody(board: Board) -> None:
    board.dispatch.handle(MessageHeard(LINK, Bye("so long")))
    assert board.called() == []


@pytest.mark.parametrize(
    ("closed", "count"),
    [
        (LinkClosed(LINK, "malformed: Input data was truncated", clean=False), 1),
        (LinkClosed(LINK, "frame_too_long: the limit here is 8192", clean=False), 1),
        (LinkClosed(LINK, "malformed: says the other side", clean=True), 0),
        (LinkClosed(LINK, "cut off", clean=False), 0),
    ],
)
def test_links_that_brought_no_messages_are_counted(
    board: Board, closed: LinkClosed, count: int
) -> None:
    board.dispatch.handle(closed)
    assert board.dispatch.counters["links that brought no messages"] == count


def test_the_unknown_and_the_unexpected_are_counted(board: Board) -> None:
    board.dispatch.handle(MessageHeard(LINK, Unknown("from the future")))
    assert board.called() == ["circle.on_heard"], "its sender is there, whatever it wants"
    board.dispatch.handle(MessageHeard(LINK, PairConsent()))
    board.dispatch.handle(MessageHeard(LINK, Done()))
    assert board.called() == ["pairings.on_message", "circle.on_heard"] * 2
    assert board.dispatch.counters == {
        "messages unknown": 1,
        "unexpected PairConsent": 1,
        "unexpected Done": 1,
    }


# -- everything else -------------------------------------------------------------------------------
ORDER = OrderId(1)
PIECES = pieces_of(b"x")
FACTS: list[tuple[events.Event, list[str]]] = [
    (
        events.PathsTouched((), overflow=False),
        ["own_folder.on_touched", "replica_check.on_touched", "strays.on_touched"],
    ),
    (events.WatchesRefused((), "", 0), ["own_folder.on_watcher"]),
    (events.RestlessSeen(()), ["own_folder.on_watcher"]),
    (
        events.MountsSeen(()),
        [
            "own_folder.covered.on_mounts",
            "replica_check.on_mounts",
            "receiving.setbacks.hurry_below",
        ],
    ),
    (
        events.TreeSeen(ORDER, (), (), last=True, complete=True),
        ["own_folder.on_tree", "own_folder.covered.take_news", "replica_check.on_tree"],
    ),
    (
        events.FilesHashed(ORDER, (), (), last=True),
        ["own_folder.on_hashed", "replica_check.on_hashed", "scrub.on_hashed"],
    ),
    (
        events.ShareSeen(present=True, reason=""),
        [
            "own_folder.on_share",
            "announcing.on_share",
            "forgotten_folders.on_share",
            "strays.on_share",
        ],
    ),
    (events.FolderMoved(OrderId(1), ""), ["moving_folders.on_moved"]),
    (events.TopSeen((), complete=True), ["strays.on_top"]),
    (
        events.RequestHeard(RequestId(1), BEN, FilesAsk([])),
        ["link_troubles.on_served", "answers.on_request"],
    ),
    (
        events.ManifestHeard(ORDER, ManifestPage(BEN, Folder.OWN, [], [], 0, 0, None), 0),
        ["following.on_page"],
    ),
    (events.PieceListHeard(ORDER, PIECES), ["downloads.on_list"]),
    (events.PiecesVerified(ORDER, PIECES.root, (), 0), ["downloads.on_pieces"]),
    (events.FilesVerified(ORDER, (), 0), ["downloads.on_files"]),
    (events.FetchHeard(ORDER, 0, 1.0), ["following.on_heard", "downloads.on_heard"]),
    (
        events.BulkSearch(BEN, LinkKind.BULK, events.SearchStep.LACKING, ""),
        ["bulk_calls.on_search"],
    ),
    (events.CallEnded(ORDER, ""), ["bulk_calls.on_call_ended"]),
    (
        events.FetchEnded(ORDER, Outcome.DONE, ""),
        ["following.on_ended", "downloads.on_ended"],
    ),
    (events.PartsFound(()), ["downloads.on_parts"]),
    (events.BatchPlaced(BatchId(1), ()), ["commits.on_placed"]),
    (events.BatchSettled(BatchId(1), ()), ["commits.on_settled"]),
    (events.MadeDurable(1), ["durability.on_made"]),
    (events.NotDurable("", "", None), ["durability.on_failed"]),
    (events.LogStuck("", "", 1.0), ["durability.on_log"]),
    (events.LogMoved(), ["durability.on_log"]),
    (events.SpaceSeen(1, 2), ["downloads.on_space"]),
    (events.DiskSilent((), 30.0), ["silent_disk.on_silent"]),
    (events.AddAsked(1, (), "copy"), ["imports.on_add"]),
    (
        events.Imported(ORDER, (), ()),
        [
            "adopting.on_imported",
            "succession.on_imported",
            "imports.on_imported",
            "own_folder.on_imported",
        ],
    ),
    (events.FlushAsked(1, 5.0), ["flushing.on_asked"]),
    (events.WatchDrained(ORDER, sees_all=True), ["flushing.on_drained"]),
    (events.RescanAsked(), ["own_folder.scan", "replica_check.scan"]),
    (
        events.LeaveAsked(),
        [
            "joining.on_leaving",
            "pairings.on_leaving",
            "adopting.on_leaving",
            "farewell.on_leave_asked",
        ],
    ),
    (events.DoorAsked(60.0), ["admission_policy.on_door_asked"]),
    (person_acts.ApproveAsked(1, "bert"), ["acts.handle"]),
    (person_acts.DenyAsked(1, "bert"), ["acts.handle"]),
    (person_acts.AskAsked(1, "Home"), ["acts.handle"]),
    (person_acts.InviteAsked(1, 600.0), ["acts.handle"]),
    (person_acts.UninviteAsked(1), ["acts.handle"]),
    (person_acts.JoinAsked(1, TypedCode("")), ["acts.handle"]),
    (person_acts.RemoveAsked(1, "bert"), ["acts.handle"]),
    (person_acts.ForgetAsked(1, "bert"), ["acts.handle"]),
    (person_acts.AdoptAsked(1, "bert"), ["acts.handle"]),
    (person_acts.LeaveForGoodAsked(1), ["acts.handle"]),
    (person_acts.AppointAsked(1, "bert"), ["acts.handle"]),
    (person_acts.KeepHereAsked(1), ["acts.handle"]),
    (person_acts.ConfirmAsked(1), ["acts.handle"]),
    (person_acts.RepairAsked(1), ["acts.handle"]),
    (person_acts.VerifyAsked(1), ["acts.handle"]),
    (person_acts.SkipAsked(1), ["acts.handle"]),
    (person_acts.KeepAsked(1, ("*.iso",)), ["acts.handle"]),
    (person_acts.GetAsked(1, ("*.iso",)), ["acts.handle"]),
    (person_acts.TakeAsked(1, "bert/a"), ["acts.handle"]),
    (person_acts.UndoAsked(1), ["acts.handle"]),
    (person_acts.NewIdentityAsked(1), ["acts.handle"]),
    (person_acts.RenameDeviceAsked(1, "", "bert"), ["acts.handle"]),
    (person_acts.RenameGroupAsked(1, "Home"), ["acts.handle"]),
]


@pytest.mark.parametrize(("event", "calls"), FACTS, ids=lambda value: type(value).__name__)
def test_a_fact_of_disk_bulk_or_people_goes_where_it_belongs(
    board: Board, event: events.Event, calls: list[str]
) -> None:
    board.dispatch.handle(event)
    assert board.called() == calls
    board.node.leaving = True
    board.dispatch.handle(event)
    after = [] if isinstance(event, events.DoorAsked) else calls
    assert board.called() == after, "what was begun before the farewell still comes in"


def test_that_other_files_of_mine_are_covered_is_told(board: Board) -> None:
    board.theirs.add("own_folder.covered.take_news")
    board.dispatch.handle(events.TreeSeen(ORDER, (), (), last=True, complete=True))
    assert "announcing.on_places_changed" in board.called()


def test_a_door_that_is_open_now_is_asked_for_around(board: Board) -> None:
    board.parts.admission_policy.door.open_until_s = 60.0
    board.dispatch.handle(events.DoorAsked(60.0))
    assert board.called() == ["admission_policy.on_door_asked", "questions.ask_around"]


def test_every_fact_but_those_of_the_network_is_in_the_table_above() -> None:
    named = {type(event) for event, _ in FACTS}
    assert named == set(get_args(events.Event)) - set(get_args(events.NetworkEvent))


def test_a_fetch_of_a_page_is_not_one_of_content(board: Board) -> None:
    board.theirs = {"following.on_ended"}
    board.dispatch.handle(events.FetchEnded(ORDER, Outcome.DONE, ""))
    assert board.called() == ["following.on_ended"]


def test_it_shows_its_state_in_one_line(board: Board) -> None:
    board.dispatch.handle(MessageHeard(LINK, Unknown("from the future")))
    assert repr(board.dispatch) == "<Dispatch 1 refused, unknown or unexpected>"


# -- after the farewell ----------------------------------------------------------------------------
def test_a_device_that_has_said_farewell_hears_nothing(board: Board) -> None:
    board.node.leaving = True
    board.dispatch.handle(events.InterfacesSeen((), ()))
    board.dispatch.handle(DatagramHeard(encode(Solicit(bytes(16), b"")), address(2), "unicast"))
    board.dispatch.handle(DialFailed(OrderId(1), "", refused=True, knock=False))
    board.dispatch.handle(MessageHeard(LINK, Heads([])))
    board.dispatch.handle(LinkOpened(LinkId(6), LinkKind.CONTROL, BEN, address(2), b"", None))
    board.dispatch.handle(events.IntroductionAnswered(b""))
    board.dispatch.handle(events.IntroductionHeard(OrderId(1), b"", address(2)))
    assert board.called() == []
    assert board.node.take() == [
        effects.Drop(LinkId(6), "leaving"),
        effects.AnswerIntroduction(OrderId(1), accepted=False),
    ]
    board.dispatch.handle(LinkClosed(LINK, "", clean=True))
    assert board.called() == ["pairings.on_link_closed", "discovery.on_link_closed"], (
        "so that it is not dropped once more"
    )
