"""The doorway against everybody who knocks: right, wrong, slow, many, or not at all.

Strategy: a whole node listens; strangers are plain sockets. What must not happen is read off the
wire: after its 16 random bytes the node says nothing to a stranger, whatever the stranger did
wrong.
"""

import errno
import os
import selectors
import socket
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import LinkKind
from potluck.engine.effects import AnswerIntroduction, OpenDoor
from potluck.engine.events import IntroductionHeard, LinkOpened
from potluck.shells.links import doorway as doorway_module
from potluck.shells.links import knock
from potluck.shells.links.doorway import DOOR_REST_S, Doorway
from potluck.shells.links.strangers import Strangers
from potluck.shells.net.attention import FOLLOW_S, Budget
from tests.fair_time import FairTime
from tests.shells.peers import connect, ends, new_key, peers, reach, trust_of, until

HELLO_OF_TLS = bytes.fromhex("16030100050100000100")


@pytest.fixture
def node():
    with peers(1) as (peer,):
        peer.trust(new_key(9))
        yield peer


def silence_after(node, said):
    """What a node answers to these bytes after its challenge."""
    with connect(node) as sock:
        challenge = sock.recv(16)
        assert len(challenge) == 16
        sock.sendall(said)
        return ends(sock)


def proof_for(node, key, challenge):
    return knock.member_knock(
        trust_of(key, node.key).book.secret(node.device), challenge, os.urandom(16)
    )


@pytest.mark.parametrize(
    "said",
    [
        b"K" + bytes(48),
        HELLO_OF_TLS,
        b"GET / HTTP/1.1\r\n\r\n",
        b"P",
        b"I" + (2**32 - 1).to_bytes(4, "big"),
        b"I" + (0).to_bytes(4, "big"),
    ],
    ids=[
        "wrong knock",
        "TLS at once",
        "plain bytes",
        "door closed",
        "long introduction",
        "empty introduction",
    ],
)
def test_strangers_learn_nothing(node, said):
    assert silence_after(node, said) == b""
    until(lambda: len(node.doorway.strangers) == 0)


def test_challenges_are_fresh(node):
    with connect(node) as one, connect(node) as other:
        assert one.recv(16) != other.recv(16)


def test_a_replayed_knock_is_wrong(node):
    with connect(node) as sock:
        right = proof_for(node, new_key(9), sock.recv(16))
    assert silence_after(node, right) == b""


def test_a_former_member_learns_nothing(node):
    with connect(node) as sock:
        node.trust()
        sock.sendall(proof_for(node, new_key(9), sock.recv(16)))
        assert ends(sock) == b""


def test_no_knock_and_half_a_knock_end_with_the_time(node, monkeypatch):
    monkeypatch.setattr(limits, "KNOCK_S", 0.15)
    begun = time.monotonic()
    with FairTime() as clock:
        assert silence_after(node, b"") == b""
        with suppress(ConnectionError):  # we were stopped for so long that it has closed already
            assert silence_after(node, b"K" + bytes(20)) == b""
    assert time.monotonic() - begun > 0.25
    assert clock.spent() < 5


def test_a_dripping_knock_has_no_more_time_than_others(node, monkeypatch):
    monkeypatch.setattr(limits, "KNOCK_S", 0.2)
    with connect(node) as sock, FairTime() as clock:
        sock.recv(16)
        sock.settimeout(0.03)
        heard = None
        while heard is None and clock.spent() < 5:
            try:
                sock.sendall(b"K")
                heard = sock.recv(1)
            except TimeoutError:
                continue
            except ConnectionError:
                heard = b""
        assert heard == b""
        assert clock.spent() < 4.5  # five if a drip were worth something


def test_a_right_knock_in_two_parts_is_right(node):
    with connect(node) as sock:
        right = proof_for(node, new_key(9), sock.recv(16))
        sock.sendall(right[:10])
        until(lambda: any(v.reader.wanted == 39 for v in list(node.doorway._visitors.values())))
        sock.sendall(right[10:])
        until(lambda: not node.doorway._visitors)
        assert len(node.doorway.strangers) == 1, "it is with the handshake workers now"


def test_the_ninth_of_one_address_pushes_out_the_first(node):
    socks = []
    for _ in range(limits.STRANGERS_PER_ADDRESS + 1):
        socks.append(connect(node))
        socks[-1].recv(16)
    assert ends(socks[0]) == b""
    assert len(node.doorway.strangers) == limits.STRANGERS_PER_ADDRESS
    socks[-1].settimeout(0.05)
    with pytest.raises(TimeoutError):
        socks[-1].recv(1)
    for sock in socks:
        sock.close()


def test_a_crowd_of_silent_strangers_does_not_keep_a_member_out(node):
    socks = [connect(node) for _ in range(20)]
    reached = reach(new_key(9), node)
    reached.stream.close()
    for sock in socks:
        sock.close()


def test_the_open_door_answers_pairing_and_the_closed_one_does_not(node):
    node.do(lambda: node.doorway.open_door(OpenDoor(open=True)))
    reached = reach(new_key(5), node, LinkKind.PAIRING)
    assert node.wait(LinkOpened)[0].peer is None
    node.do(lambda: node.doorway.open_door(OpenDoor(open=False)))
    assert silence_after(node, b"P") == b""
    reached.stream.close()


@pytest.mark.parametrize(("accepted", "byte"), [(True, b"Y"), (False, b"N")])
def test_an_introduction_is_heard_and_answered_with_one_byte(node, accepted, byte):
    sealed = os.urandom(limits.INTRODUCTION_BYTES)
    with connect(node) as sock:
        assert len(sock.recv(16)) == 16
        sock.sendall(knock.introduction_knock(sealed))
        heard = node.wait(IntroductionHeard)[0]
        assert (heard.sealed, heard.source.host) == (sealed, "127.0.0.1")
        answer = AnswerIntroduction(heard.knock, accepted)
        node.do(lambda: node.doorway.answer_introduction(answer))
        assert ends(sock) == byte
    node.do(lambda: node.doorway.answer_introduction(answer))  # a second answer goes nowhere
    assert len(node.doorway.strangers) == 0


def test_the_one_introduced_may_be_gone_before_the_answer(node):
    with connect(node) as sock:
        sock.recv(16)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.sendall(knock.introduction_knock(b"x"))
        heard = node.wait(IntroductionHeard)[0]
    node.do(
        lambda: node.doorway.answer_introduction(AnswerIntroduction(heard.knock, accepted=True))
    )
    assert len(node.doorway.strangers) == 0


def test_an_introduction_nobody_answers_is_closed_in_time(node, monkeypatch):
    monkeypatch.setattr(limits, "HANDSHAKE_S", 0.2)
    assert silence_after(node, knock.introduction_knock(b"x")) == b""
    assert node.of(IntroductionHeard)


def test_introductions_are_few_a_second(node, monkeypatch):
    node.do(lambda: setattr(node.doorway, "_introductions", 1.0))
    monkeypatch.setattr(doorway_module, "INTRODUCTIONS_PER_S", 1)
    now = time.monotonic()  # all in one moment, however long it takes us
    monkeypatch.setattr(doorway_module, "time", SimpleNamespace(monotonic=lambda: now))
    with connect(node) as sock:
        sock.recv(16)
        sock.sendall(knock.introduction_knock(b"first"))
        node.wait(IntroductionHeard)
        assert silence_after(node, knock.introduction_knock(b"second")) == b""
    assert len(node.of(IntroductionHeard)) == 1


def test_closing_the_doorway_ends_everybody_in_it():
    with peers(1) as (node,):
        waiting, introduced = connect(node), connect(node)
        assert len(waiting.recv(16)) == len(introduced.recv(16)) == 16
        introduced.sendall(knock.introduction_knock(b"x"))
        node.wait(IntroductionHeard)
    assert ends(waiting) == ends(introduced) == b""
    waiting.close()
    introduced.close()


class Failing(socket.socket):
    """A listener whose next accepts fail in these ways."""

    def __init__(self, *failures):
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.failures = list(failures)
        self.bind(("127.0.0.1", 0))
        self.listen()

    def accept(self):
        if self.failures:
            raise OSError(self.failures.pop(0), "no")
        return super().accept()


class NoHandshakes:
    """Whoever would carry right knocks on."""

    def take(self, knocked):
        raise AssertionError(knocked)


@pytest.fixture
def failing():
    """A doorway without a loop at such a listener, its selector, and somebody who waits outside."""
    with selectors.DefaultSelector() as selector, socket.socket() as outside:

        def at(*failures):
            listener = Failing(*failures)
            key = new_key(1)
            doorway = Doorway(listener, selector, trust_of(key), NoHandshakes(), Strangers())
            outside.connect(listener.getsockname())
            outside.settimeout(0.0)
            return doorway, selector, outside

        yield at


def turn(selector):
    """One look of the loop; how many sockets had something."""
    ready = selector.select(1.0)
    for key, mask in ready:
        key.data(mask)
    return len(ready)


@pytest.mark.parametrize("why", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_who_cannot_be_held_waits_outside_and_costs_next_to_nothing(failing, why, caplog):
    doorway, selector, outside = failing(why, why)
    begun_s = time.monotonic()
    for _ in range(2):
        assert turn(selector) == 1
        assert selector.select(0.0) == [], "what is ready all the time makes a loop spin"
        assert begun_s < doorway.deadline() <= time.monotonic() + DOOR_REST_S
        doorway.on_tick(begun_s)
        assert selector.select(0.0) == []
        doorway.on_tick(doorway.deadline())
    assert turn(selector) == 1
    assert len(outside.recv(16)) == 16
    assert caplog.text.count("nobody can be let in") == 1
    doorway.close()


def test_a_doorway_that_rests_can_be_closed(failing):
    doorway, selector, outside = failing(errno.EMFILE)
    turn(selector)
    doorway.close()
    assert not selector.get_map()
    with pytest.raises(ConnectionResetError):
        outside.recv(16)


def test_who_gave_up_before_it_was_let_in_keeps_nobody_waiting(failing, caplog):
    doorway, selector, outside = failing(errno.ECONNABORTED)
    assert turn(selector) == 1
    assert len(outside.recv(16)) == 16
    assert not caplog.text, "strangers choose how often"
    doorway.close()


def test_a_visitor_is_closed_by_its_socket_and_nobody_else_is(failing):
    doorway, selector, outside = failing()
    assert turn(selector) == 1
    assert len(outside.recv(16)) == 16
    (visitor,) = doorway._visitors.values()
    assert not doorway.cut(object())
    assert doorway.cut(visitor.slot.sock)
    assert not doorway.cut(visitor.slot.sock)
    assert outside.recv(16) == b""
    assert len(doorway.strangers) == 0
    doorway.close()


def test_in_a_crowd_the_loud_are_not_let_in_and_hosts_of_members_are(failing, monkeypatch):
    budget = Budget(all_burst=1, all_per_s=0, host_burst=1, host_per_s=0)
    monkeypatch.setattr(doorway_module, "CALLERS_HEARD", budget)
    doorway, selector, first = failing()
    assert turn(selector) == 1
    assert len(first.recv(16)) == 16

    def calls():
        """What another connection hears before its knock."""
        with socket.create_connection(("127.0.0.1", doorway.port), timeout=20.0) as sock:
            turn(selector)
            return sock.recv(16)

    assert calls() == b"", "no room for all"
    assert calls() == b"", "it is loud"
    doorway.on_tick(time.monotonic() + FOLLOW_S)
    with socket.socket() as muted:
        muted.settimeout(0.0)
        with pytest.raises(BlockingIOError):
            muted.connect(("127.0.0.1", doorway.port))
        assert selector.select(0.0) == [], "the kernel keeps it out"
    member, outside = socket.socketpair()
    doorway.strangers.leave(doorway.strangers.enter(member, "127.0.0.1"), proved=True)
    doorway.on_tick(time.monotonic() + 2 * FOLLOW_S)
    assert len(calls()) == 16
    for sock in (member, outside):
        sock.close()
    doorway.close()
