"""Serving: what leaves is what was asked for, or nothing; every request gets an end; links and
buffers are bounded.

Strategy: a whole node serves from a shelf in memory; the side that asks is a hand-made stream.
"""

import os
import socket
from contextlib import closing
from typing import Any, cast

import pytest

from potluck.core import limits
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import (
    BULK_REPLY,
    Busy,
    Bye,
    Done,
    FileAsk,
    FilesAsk,
    FilesHeader,
    Gone,
    LinkKind,
    PieceHeader,
    PiecesAsk,
    Ping,
    encode_frame,
)
from potluck.engine.effects import Answer, Member, ServeFiles, ServePieces
from potluck.engine.events import PathsTouched, RequestHeard, RequestId
from potluck.shells.bulk import serving as serving_module
from potluck.shells.bulk.serving import ROOM
from potluck.shells.links import stream as stream_module
from potluck.shells.links.stream import Stream
from tests.fair_time import FairTime
from tests.shells.peers import (
    WAIT_S,
    content_named,
    ends,
    member_of,
    new_key,
    occupied,
    peers,
    pieces_of,
    reach,
    until,
)

MEMBER = new_key(9)
DATA = bytes(range(256)) * 4000  # four pieces, the last one short
CONTENT = content_named(DATA)
CUT_S = 2.0  # promised: S7


@pytest.fixture
def node(monkeypatch):
    monkeypatch.setattr(stream_module, "STEP_S", 0.02)
    with peers(1) as (peer,):
        peer.trust(MEMBER)
        yield peer


@pytest.fixture
def asker(node):
    stream = reach(MEMBER, node).stream
    yield stream
    stream.close()


def read_piece(stream, header):
    room = bytearray(header.length)
    stream.receive_into(memoryview(room))
    return bytes(room)


def test_pieces_are_sent_with_their_bytes_and_then_done(node, asker):
    path = node.shelf.put("Shared/a/file", DATA)
    node.answers = lambda request: ServePieces(path, CONTENT, pieces_of(request))
    asker.send(FileAsk(CONTENT.root, [3, 0]))
    for piece in (3, 0):
        header = asker.receive(BULK_REPLY)
        assert header == PieceHeader(piece, CONTENT.length_of(piece))
        start = piece * CONTENT.piece_size
        assert read_piece(asker, header) == DATA[start : start + header.length]
    assert asker.receive(BULK_REPLY) == Done()
    assert [(heard.peer, heard.message) for heard in node.of(RequestHeard)] == [
        (MEMBER.device, FileAsk(CONTENT.root, [3, 0]))
    ]


def test_a_piece_that_does_not_match_is_not_sent_and_the_scanner_hears(node, asker):
    damaged = bytearray(DATA)
    damaged[0] ^= 1
    path = node.shelf.put("Shared/a/file", bytes(damaged))
    node.answers = lambda request: ServePieces(path, CONTENT, pieces_of(request))
    asker.send(FileAsk(CONTENT.root, [0, 1]))
    header = asker.receive(BULK_REPLY)
    assert header.piece == 1
    read_piece(asker, header)
    assert asker.receive(BULK_REPLY) == Gone()
    assert node.wait(PathsTouched) == [PathsTouched((path,), overflow=False)]


@pytest.mark.parametrize("data", [DATA[:-1], b""], ids=["shorter", "empty"])
def test_a_file_that_shrank(node, asker, data):
    path = node.shelf.put("Shared/a/file", data)
    node.answers = lambda request: ServePieces(path, CONTENT, (3,))
    asker.send(FileAsk(CONTENT.root, [3]))
    assert asker.receive(BULK_REPLY) == Gone()


def test_a_file_that_is_gone_and_a_piece_that_never_was(node, asker):
    path = node.shelf.put("Shared/a/file", DATA)
    node.answers = lambda request: ServePieces(path, CONTENT, pieces_of(request))
    asker.send(FileAsk(CONTENT.root, [4]))
    assert asker.receive(BULK_REPLY) == Gone()
    node.shelf.files.clear()
    asker.send(FileAsk(CONTENT.root, [0]))
    assert asker.receive(BULK_REPLY) == Gone()
    assert node.wait(PathsTouched, 2)


def files_of(node, *texts):
    made = []
    for number, text in enumerate(texts):
        content = content_named(text)
        made.append(
            (
                content.root,
                node.shelf.put(f"Shared/a/{number}", text),
                len(text),
                content.piece_size,
            )
        )
    return made


def test_small_files_come_in_one_answer_with_gaps_marked(node, asker):
    one, changed, missing, empty = files_of(node, b"one", b"changed", b"gone", b"")
    node.shelf.files[changed[1]] = b"CHANGED"
    del node.shelf.files[missing[1]]
    unknown = (Root(bytes(32)), None, 5, 1 << 18)
    node.answers = lambda _request: ServeFiles((one, changed, missing, unknown, empty, one))
    asker.send(FilesAsk([one[0]]))
    assert asker.receive(BULK_REPLY) == FilesHeader([3, -1, -1, -1, 0, 3])
    room = bytearray(6)
    asker.receive_into(memoryview(room))
    assert room == b"oneone"
    assert {touched.paths for touched in node.wait(PathsTouched, 2)} == {
        (changed[1],),
        (missing[1],),
    }


def test_nobody_makes_us_read_more_than_a_pack(node, asker):
    big = os.urandom(limits.PACK_BYTES - 10)
    files = files_of(node, big, b"x" * 20, b"y" * 10)
    node.answers = lambda _request: ServeFiles(
        (*files, (files[0][0], files[0][1], 1 << 40, 1 << 18))
    )
    asker.send(FilesAsk([files[0][0]]))
    assert asker.receive(BULK_REPLY) == FilesHeader([len(big), -1, 10, -1])
    room = bytearray(limits.PACK_BYTES)
    asker.receive_into(memoryview(room))
    assert room == big + b"y" * 10


def test_the_longest_header_has_room(node, asker):
    files = files_of(node, b"x")
    node.answers = lambda _request: ServeFiles(tuple(files * limits.PACK_FILES))
    asker.send(FilesAsk([files[0][0]]))
    assert asker.receive(BULK_REPLY) == FilesHeader([1] * limits.PACK_FILES)
    longest = FilesHeader([limits.PIECE_MAX_BYTES] * limits.PACK_FILES)
    assert len(encode_frame(longest)) <= serving_module.FRAME_ROOM_BYTES


def test_a_message_is_an_answer_too_and_requests_follow_each_other(node, asker):
    for reply in (Gone(), Busy(), Done()):
        node.answers = lambda _request, reply=reply: reply
        asker.send(PiecesAsk(bytes(32)))
        assert asker.receive(BULK_REPLY) == reply


def test_a_request_of_a_newer_version_is_gone(node, asker):
    asker.send(Ping(1, b"", b""))
    assert asker.receive(BULK_REPLY) == Gone()
    assert not node.of(RequestHeard)


def test_an_engine_that_does_not_answer_in_time_is_busy(node, asker, monkeypatch):
    monkeypatch.setattr(serving_module, "ANSWER_S", 0.1)
    node.answers = lambda _request: None
    asker.send(PiecesAsk(bytes(32)))
    assert asker.receive(BULK_REPLY) == Busy()
    late = Answer(node.of(RequestHeard)[0].request, Done())
    node.serving.answer(late)  # too late: goes nowhere
    node.serving.answer(Answer(RequestId(999), Done()))
    assert not node.serving._boxes


@pytest.mark.parametrize(
    "sent", [b"\xff\xff\xff\xff", (2).to_bytes(4, "big") + b"\xc1\xc1"], ids=["4 GiB", "no message"]
)
def test_what_breaks_the_protocol_ends_the_link(node, asker, sent):
    asker.send_bytes(sent)
    asker.sock.settimeout(WAIT_S)
    assert ends(asker.sock) == b""
    until(lambda: not node.serving._links)


def test_bye_ends_the_link(node, asker):
    asker.send(Bye("done"))
    asker.sock.settimeout(WAIT_S)
    assert ends(asker.sock) == b""
    until(lambda: not node.serving._links)


def test_an_idle_link_is_closed(node, monkeypatch):
    monkeypatch.setattr(limits, "BULK_IDLE_S", 0.1)
    stream = reach(MEMBER, node).stream
    stream.sock.settimeout(WAIT_S)
    assert ends(stream.sock) == b""
    stream.close()
    until(lambda: not node.serving._links)


def test_who_is_removed_is_cut_off_while_idle_and_when_asking(node, asker):
    node.trust()
    asker.sock.settimeout(WAIT_S)
    assert ends(asker.sock) == b""
    until(lambda: not node.serving._links)


@pytest.mark.parametrize("silent", [True, False], ids=["reads nothing", "sends drop by drop"])
def test_who_is_removed_is_cut_off_whatever_its_link_is_at(node, asker, silent):
    path = node.shelf.put("Shared/a/file", os.urandom(32 << 20))
    content = content_named(node.shelf.files[path], 16 << 20)
    node.answers = lambda request: ServePieces(path, content, (0, 1))
    frame = encode_frame(FileAsk(content.root, [0]))
    asker.sock.sendall(frame if silent else frame[:5])
    session = until(lambda: next(iter(node.serving._sessions), None))
    if silent:
        asker.receive(BULK_REPLY)  # and nothing of what follows it
    session.check = lambda: None  # nobody asks it while something is sent, or comes
    with FairTime() as took:
        node.trust()
        until(lambda: not node.serving._links)
    assert took.spent() < CUT_S


def test_who_is_removed_between_its_handshake_and_its_turn_is_not_served(node, monkeypatch):
    monkeypatch.setattr(serving_module._Session, "check", lambda _session: None)
    assert node.serving.reserve(MEMBER.device, LinkKind.BULK)
    node.current_trust.trust([])  # and nobody has been cut off yet
    with socket.create_server(("127.0.0.1", 0)) as door:
        theirs = socket.create_connection(door.getsockname())
        ours, _ = door.accept()
    with ours, theirs:
        theirs.settimeout(WAIT_S)
        node.serving.serve(MEMBER.device, LinkKind.BULK, Stream(cast("Any", ours)))
        assert theirs.recv(1) == b""
    until(lambda: not node.serving._sessions)


def test_the_asker_may_leave_in_the_middle(node):
    path = node.shelf.put("Shared/a/file", os.urandom(32 << 20))
    content = content_named(node.shelf.files[path], 1 << 20)
    node.answers = lambda request: ServePieces(path, content, tuple(range(content.count)))
    stream = reach(MEMBER, node).stream
    stream.send(FileAsk(content.root, [0]))
    stream.receive(BULK_REPLY)
    stream.close()
    until(lambda: not node.serving._links)


def test_after_close_a_link_is_not_taken(node):
    assert node.serving.reserve(MEMBER.device, LinkKind.BULK)
    assert node.serving.close(WAIT_S)

    class Closed:
        closed, host = False, "127.0.0.1"

        def close(self):
            self.closed = True

    stream = Closed()
    node.serving.serve(MEMBER.device, LinkKind.BULK, stream)
    assert stream.closed
    assert not node.serving._links


def test_a_link_that_waits_for_a_worker_is_closed_and_its_place_given_back(node):
    with occupied(node.serving._pools[LinkKind.BULK]):
        stream = reach(MEMBER, node).stream
        until(lambda: node.serving._pools[LinkKind.BULK]._jobs)
        node.serving.close(0)
        assert not node.serving._links
        stream.sock.settimeout(WAIT_S)
        assert ends(stream.sock) == b""
        stream.close()


@pytest.mark.parametrize(("kind", "other"), [tuple(ROOM), tuple(reversed(ROOM))])
def test_the_pool_is_bounded_for_all_together_and_for_each_kind_apart(
    node, monkeypatch, kind, other
):
    monkeypatch.setitem(ROOM, kind, (3, 2))
    devices = [new_key(number).device for number in range(20, 24)]
    assert [node.serving.reserve(device, kind) for device in devices] == [True, True, True, False]
    assert node.serving.reserve(devices[3], other)
    node.serving.release(devices[0], kind)
    assert [node.serving.reserve(devices[1], kind) for _ in range(2)] == [True, False]
    in_all = [node.serving._in_all(of) for of in (kind, other)]
    assert in_all == [3, 1]
    assert "3 " in repr(node.serving)


@pytest.mark.parametrize(("kind", "links"), [(kind, most) for kind, (_, most) in ROOM.items()])
def test_one_device_has_its_share_of_each_kind(node, kind, links):
    assert [node.serving.reserve(MEMBER.device, kind) for _ in range(links + 1)] == [
        *[True] * links,
        False,
    ]


def test_a_slow_reader_takes_no_place_of_another(node, asker):
    path = node.shelf.put("Shared/a/file", os.urandom(32 << 20))
    content = content_named(node.shelf.files[path], 1 << 20)
    everything = tuple(range(content.count))
    node.answers = lambda request: ServePieces(path, content, everything)
    slow = [asker, reach(MEMBER, node).stream]
    for stream in slow:  # they ask, and then read nothing
        stream.send(FileAsk(content.root, [0]))
    node.wait(RequestHeard, 2)
    other = new_key(10)
    node.trust(MEMBER, other)
    quick = reach(other, node).stream
    quick.send(FileAsk(content.root, [0]))
    assert quick.receive(BULK_REPLY) == PieceHeader(0, 1 << 20)
    quick.close()
    slow[1].close()


def test_no_pieces_are_asked_where_news_is(node):
    path = node.shelf.put("Shared/a/file", DATA)
    node.answers = lambda request: ServePieces(path, CONTENT, (0,))
    with closing(reach(MEMBER, node, LinkKind.NEWS).stream) as stream:
        stream.send(FileAsk(CONTENT.root, [0]))
        assert stream.receive(BULK_REPLY) == Gone()
        assert not node.of(RequestHeard)
        node.answers = lambda request: Done()
        stream.send(PiecesAsk(CONTENT.root))
        assert stream.receive(BULK_REPLY) == Done()


def led(key, *above):
    """A member that was let in by these, one after the other."""
    member = member_of(key)
    return Member(member.device, member.certificate, member.sealing, (key.device, *above))


def test_a_line_with_too_many_links_makes_room_for_one_of_another_line(node, monkeypatch):
    monkeypatch.setitem(ROOM, LinkKind.BULK, (4, 2))
    rogue, invented = new_key(30), [new_key(number) for number in (31, 32)]
    node.current_trust.trust([member_of(MEMBER), *(led(key, rogue.device) for key in invented)])
    streams = [reach(key, node).stream for key in invented for _ in range(2)]
    until(lambda: len(node.serving._sessions) == 4)
    mine = reach(MEMBER, node).stream
    until(lambda: len(node.serving._sessions) == 4)
    assert node.serving._links[LinkKind.BULK, MEMBER.device] == 1
    until(lambda: any(stream.unread() for stream in streams))
    path = node.shelf.put("Shared/a/file", DATA)
    node.answers = lambda request: ServePieces(path, CONTENT, pieces_of(request))
    mine.send(FileAsk(CONTENT.root, [0]))
    assert mine.receive(BULK_REPLY) == PieceHeader(0, CONTENT.length_of(0))
    for stream in (mine, *streams):
        stream.close()
    until(lambda: not node.serving._links)
    assert not node.serving._sessions


def test_a_place_for_which_there_is_no_link_yet_is_not_taken_away(node, monkeypatch):
    monkeypatch.setitem(ROOM, LinkKind.BULK, (2, 2))
    rogue = new_key(30)
    assert [node.serving.reserve(rogue.device, LinkKind.BULK) for _ in range(2)] == [True, True]
    assert not node.serving.reserve(MEMBER.device, LinkKind.BULK)
