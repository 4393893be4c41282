"""Control links: messages both ways, ends of every kind, and that nothing a peer sends raises to
the loop.

Strategy: whole nodes where two well-behaved sides meet; a hand-made stream where one side must
misbehave. Each test ends in the one LinkClosed that the link owes, and says whether it must be
clean.
"""

import select
import selectors
import socket
import time

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.wire.catalogue import (
    CONTROL,
    Address,
    Bye,
    Done,
    LinkKind,
    PairConsent,
    Ping,
    Pong,
    RosterRecord,
    RosterRecords,
    encode,
    encode_frame,
)
from potluck.engine.effects import Drop, OpenDoor, Send
from potluck.engine.events import LinkClosed, LinkId, LinkOpened, MessageHeard
from potluck.shells.links import control_links as links_module
from potluck.shells.links.control_links import (
    ENDINGS,
    ControlLink,
    ControlLinkInput,
    ControlLinks,
    ControlLinkState,
)
from potluck.shells.loop.inbox import OpenedLink
from tests.fair_time import FairTime
from tests.shells.peers import WAIT_S, new_key, peers, reach, stream_pair, until

MEMBER = new_key(9)


# about 7 MB in all: more than loopback buffers hold, less than UNSENT_BYTES
LARGE_BYTES, LARGE_COUNT = 4000 * 10, 180


def ping(number):
    return Ping(number, b"", b"")


def large(number):
    """A message of LARGE_BYTES that says its number; few fill a connection quickly."""
    record = RosterRecord(number.to_bytes(4, "big") * 1000, bytes(32), bytes(64))
    return RosterRecords([record] * (LARGE_BYTES // 4000))


@pytest.fixture
def pair():
    """Two nodes with a control link; yields each node and its link."""
    with peers() as (one, two):
        one.dial(two)
        yield (one, one.wait(LinkOpened)[0].link), (two, two.wait(LinkOpened)[0].link)


@pytest.fixture
def guest():
    """A node and a hand-made stream of a member to it."""
    with peers(1) as (node,):
        node.trust(MEMBER)
        stream = reach(MEMBER, node, LinkKind.CONTROL).stream
        node.wait(LinkOpened)
        yield node, stream
        stream.close()


def drop(node, link, reason="enough"):
    node.do(lambda: node.links.drop(Drop(link, reason), time.monotonic()))


def send(node, link, *messages):
    node.do(lambda: [node.links.send(Send(link, message)) for message in messages])


# -- the table -------------------------------------------------------------------------------------
PAIRS = [(state, happened) for state in ControlLinkState for happened in ControlLinkInput]


@pytest.fixture(scope="module")
def connection():
    near, far = stream_pair()
    yield near.sock
    near.close()
    far.close()


@pytest.mark.parametrize(
    ("state", "happened"), PAIRS, ids=[f"{state.name} {fact.name}" for state, fact in PAIRS]
)
def test_every_pair_leads_on_or_is_refused(connection, state, happened):
    control = ControlLink(connection, LinkKind.CONTROL)
    control.state, control.reason = state, "before"
    if (state, happened) in ENDINGS:
        control.fire(happened, "why")
        assert (control.state, control.reason) == (ENDINGS[state, happened], "why")
    else:
        with pytest.raises(ProtocolError):
            control.fire(happened, "why")
        assert (control.state, control.reason) == (state, "before")


def test_a_link_that_is_over_stays_over_and_every_other_can_end():
    over = {ControlLinkState.PARTED, ControlLinkState.BROKEN}
    assert {state for state, _ in ENDINGS} == set(ControlLinkState) - over
    for state in set(ControlLinkState) - over:
        assert (state, ControlLinkInput.CUT) in ENDINGS
        assert (state, ControlLinkInput.STOP) in ENDINGS
    assert ENDINGS[ControlLinkState.OPEN, ControlLinkInput.CUT] is ControlLinkState.BROKEN
    broken = [pair for pair, after in ENDINGS.items() if after is ControlLinkState.BROKEN]
    assert broken == [(ControlLinkState.OPEN, ControlLinkInput.CUT)], "who said BYE parts cleanly"


# -- links -----------------------------------------------------------------------------------------
def test_messages_go_both_ways_in_order(pair):
    (one, link), (two, other) = pair
    send(one, link, *(ping(number) for number in range(500)))
    send(two, other, Pong(1, b"", b""))
    assert [heard.message.sequence for heard in two.wait(MessageHeard, 500)] == list(range(500))
    assert one.wait(MessageHeard)[0] == MessageHeard(link, Pong(1, b"", b""))


def test_a_drop_says_bye_and_both_ends_are_clean(pair):
    (one, link), (two, other) = pair
    send(one, link, ping(1))
    drop(one, link)
    assert one.wait(LinkClosed) == [LinkClosed(link, "enough", clean=True)]
    assert two.wait(LinkClosed) == [LinkClosed(other, "enough", clean=True)]
    assert len(two.of(MessageHeard)) == 1, "what was queued before the drop still arrived"
    until(lambda: not one.links._lingering)


def test_both_may_drop_at_once(pair):
    (one, link), (two, other) = pair
    drop(one, link)
    drop(two, other)
    assert one.wait(LinkClosed)[0].clean
    assert two.wait(LinkClosed)[0].clean


def test_a_bye_is_read_even_if_our_own_message_could_not_be_sent(guest):
    node, stream = guest
    opened = node.of(LinkOpened)[0]

    def race():
        stream.send(Bye("duplicate"))
        stream.close()
        time_over = time.monotonic() + WAIT_S
        while not node.of(LinkClosed) and time.monotonic() < time_over:
            node.links.send(Send(opened.link, ping(1)))
            node._take(node.links.on_tick(time.monotonic()))

    node.do(race)
    assert node.wait(LinkClosed) == [LinkClosed(opened.link, "duplicate", clean=True)]


@pytest.mark.parametrize("rests", [False, True])
@pytest.mark.parametrize("turns", [1, links_module.LAST_TURNS])
def test_a_bye_behind_a_crowd_of_messages_is_read_where_sending_failed(monkeypatch, turns, rests):
    near, far = stream_pair()
    control = ControlLink(near.sock, LinkKind.CONTROL, rests=lambda: rests)
    count, frame = links_module.TURN_MESSAGES + 8, encode_frame(ping(1))
    monkeypatch.setattr(links_module, "LAST_TURNS", turns)
    try:
        for _ in range(count // 8):
            far.send_bytes(frame * 8)
        far.send(Bye("enough"))
        far.sock.shutdown(socket.SHUT_WR)
        end = select.poll()
        end.register(near.sock, select.POLLRDHUP)
        until(lambda: end.poll(0))  # so all that was before the end is here
        monkeypatch.setattr(near.sock, "send", refused)
        heard = control.queue(ping(1))
    finally:
        near.close()
        far.close()
    assert len(heard) == (0 if rests else links_module.LAST_MESSAGES) < count
    if turns == 1:
        assert control.state is ControlLinkState.BROKEN, "bounded"
    else:
        assert control.state is ControlLinkState.PARTED
        assert control.reason == "enough"


def refused(_data):
    raise ConnectionResetError(104, "Connection reset by peer")


def test_after_a_bye_nothing_more_is_heard(guest):
    node, stream = guest
    stream.send_bytes(encode_frame(Bye("done")) + encode_frame(ping(1)))
    assert node.wait(LinkClosed)[0].reason == "done"
    assert not node.of(MessageHeard)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ((limits.CONTROL_FRAME_BYTES + 1).to_bytes(4, "big"), "frame_too_long"),
        ((2**32 - 1).to_bytes(4, "big"), "frame_too_long"),
        ((4).to_bytes(4, "big") + b"\xc1\xc1\xc1\xc1", "malformed"),
        ((0).to_bytes(4, "big"), "malformed"),
        (encode_frame({"t": "ping", "sequence": -1, "digest": b"", "heads": b""}), "malformed"),
    ],
    ids=["64 KiB and one", "4 GiB", "no msgpack", "empty frame", "field out of bounds"],
)
def test_what_breaks_the_protocol_ends_the_link_and_nothing_else(guest, sent, reason):
    node, stream = guest
    stream.send_bytes(encode_frame(ping(1)) + sent)
    closed = node.wait(LinkClosed)[0]
    assert closed.reason.startswith(reason)
    assert not closed.clean
    assert len(node.of(LinkClosed)) == 1


def test_a_message_of_a_newer_version_is_handed_on_as_unknown(guest):
    node, stream = guest
    stream.send_bytes(encode_frame({"t": "later", "x": 1}))
    stream.send(Done())  # a tag of another kind of link is unknown here too
    assert [heard.message.tag for heard in node.wait(MessageHeard, 2)] == ["later", "done"]
    assert not node.of(LinkClosed)


@pytest.mark.parametrize(
    "half",
    [b"", b"\0\0", encode_frame(Bye("x"))[:-1]],
    ids=["nothing", "half length", "half frame"],
)
def test_an_end_without_bye_is_not_clean(guest, half):
    node, stream = guest
    if half:
        stream.send_bytes(half)
    stream.close()
    closed = node.wait(LinkClosed)[0]
    assert not closed.clean
    assert not node.of(MessageHeard)


def test_truncated_by_a_tls_close_is_not_clean_either(guest):
    node, stream = guest
    stream.sock.settimeout(WAIT_S)
    try:
        stream.sock.unwrap().close()  # close_notify, but no BYE
    except OSError:
        stream.close()
    assert not node.wait(LinkClosed)[0].clean


def test_one_byte_at_a_time(guest):
    node, stream = guest
    for byte in encode_frame(ping(7)):
        stream.send_bytes(bytes([byte]))
    assert node.wait(MessageHeard)[0].message == ping(7)


def test_a_peer_that_reads_slowly_is_cut_off(guest, monkeypatch):
    monkeypatch.setattr(limits, "UNSENT_BYTES", 1 << 20)
    node, _ = guest
    link = node.of(LinkOpened)[0].link
    send(node, link, *(large(number) for number in range(LARGE_COUNT)))
    closed = node.wait(LinkClosed)[0]
    assert (closed.reason, closed.clean) == ("reads too slowly", False)


def test_a_full_buffer_empties_when_the_peer_reads_on(guest):
    node, stream = guest
    link = node.of(LinkOpened)[0].link
    send(node, link, *(large(number) for number in range(LARGE_COUNT)))
    assert any(control.wants_write for control in node.links._links.values())
    for number in range(LARGE_COUNT):
        assert stream.receive(CONTROL) == large(number)
    until(lambda: not any(control.wants_write for control in node.links._links.values()))


def test_a_peer_that_does_not_read_cannot_hold_a_drop_up(guest, monkeypatch):
    monkeypatch.setattr(links_module, "FLUSH_S", 0.2)
    node, _ = guest
    link = node.of(LinkOpened)[0].link
    send(node, link, *(large(number) for number in range(LARGE_COUNT)))
    with FairTime() as clock:
        drop(node, link)
        drop(node, link)
        send(node, link, ping(1))  # silently nothing
        assert node.wait(LinkClosed) == [LinkClosed(link, "enough", clean=True)]
    assert clock.spent() < links_module.USER_TIMEOUT_S * 0.9


def test_a_peer_that_never_closes_is_let_go(guest, monkeypatch):
    monkeypatch.setattr(links_module, "FLUSH_S", 0.2)
    node, stream = guest
    drop(node, node.of(LinkOpened)[0].link)
    assert node.wait(LinkClosed)[0].clean
    stream.send(ping(1))
    until(lambda: not node.links._lingering)


def test_what_came_right_behind_hello_is_not_forgotten():
    near, far = stream_pair()
    near.send_bytes(encode_frame(PairConsent()) * 2)
    until(lambda: len(far.sock.recv(0)) == 0)
    with selectors.DefaultSelector() as selector:
        links = ControlLinks(selector)
        events = []
        link = OpenedLink(far.sock, LinkKind.PAIRING, None, Address("x", 0), b"", None)
        events += links.adopt(link)
        deadline = time.monotonic() + WAIT_S
        while len(events) < 3 and time.monotonic() < deadline:
            for key, mask in selector.select(0.1):
                events += key.data(mask)
        assert [type(event) for event in events] == [LinkOpened, MessageHeard, MessageHeard]
        links.close()
        assert [type(event) for event in links.on_tick(0)] == [LinkClosed]
        assert links.deadline() is None
    near.close()


def test_a_pairing_link_takes_small_frames_only():
    with peers() as (one, two):
        two.do(lambda: two.doorway.open_door(OpenDoor(open=True)))
        stream = reach(one.key, two, LinkKind.PAIRING).stream
        two.wait(LinkOpened)
        stream.send_bytes((limits.PAIRING_FRAME_BYTES + 1).to_bytes(4, "big"))
        assert two.wait(LinkClosed)[0].reason.startswith("frame_too_long")
        stream.close()


def test_effects_on_a_link_that_is_gone_do_nothing():
    with selectors.DefaultSelector() as selector:
        links = ControlLinks(selector)
        links.send(Send(LinkId(5), ping(1)))
        links.drop(Drop(LinkId(5), "x"), 0.0)
        assert links.on_tick(0) == []
        assert len(links) == 0


def test_a_flood_is_read_in_turns(guest):
    node, stream = guest
    body = encode({"t": "later", "x": bytes(60_000)})
    for _ in range(20):
        stream.send_bytes(len(body).to_bytes(4, "big") + body)
    assert len(node.wait(MessageHeard, 20)) == 20


def test_a_flood_of_small_messages_leaves_the_others_their_turn():
    near, far = stream_pair()
    control = ControlLink(near.sock, LinkKind.CONTROL)
    heard, turns, count = 0, 0, 4 * links_module.TURN_MESSAGES
    frame = encode_frame(ping(1))
    try:
        for _ in range(count // 8):  # records of their own, as one sends who says one at a time
            far.send_bytes(frame * 8)
        with FairTime() as clock:
            while heard < count and clock.spent() < WAIT_S:
                messages = control.on_readable()
                assert len(messages) <= links_module.TURN_MESSAGES + 8
                heard, turns = heard + len(messages), turns + bool(messages)
    finally:
        near.close()
        far.close()
    assert heard == count
    assert turns >= 4


# -- faults of ours --------------------------------------------------------------------------------
def test_a_link_is_cut_by_its_socket_and_the_engine_hears_of_it(pair):
    (one, link), (two, _) = pair

    def cut():
        (control,) = one.links._links.values()
        assert one.links.cut(object()) is None
        events = one.links.cut(control.sock)
        one.links._late.extend(events)
        assert one.links.cut(control.sock) is None

    one.do(cut)
    (closed,) = one.wait(LinkClosed)
    assert (closed.link, closed.clean, closed.reason) == (link, False, "a fault of potluck itself")
    assert len(two.wait(LinkClosed)) == 1


def test_a_link_that_is_over_already_is_only_cleared_away(guest):
    node, _ = guest

    def cut():
        (control,) = node.links._links.values()
        control.fire(ControlLinkInput.CUT, "before")
        node.links._late.extend(node.links.cut(control.sock))

    node.do(cut)
    (closed,) = node.wait(LinkClosed)
    assert (closed.clean, closed.reason) == (False, "before")
