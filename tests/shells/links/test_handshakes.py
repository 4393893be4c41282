"""From the right knock to HELLO_OK: half handshakes, wrong first words, full pools, and who gets
in.

Strategy: a whole node listens; the other side is made by hand where it must misbehave. The
doorway's count of strangers shows that every connection ends and gives its place back.
"""

import errno
import os
import socket
import threading

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import Bye, Hello, LinkKind, encode_frame
from potluck.engine.effects import OpenDoor
from potluck.engine.events import LinkOpened, TrustSeen, Unprepared
from potluck.shells.links import handshakes as handshakes_module
from potluck.shells.links import knock, tls
from potluck.shells.links.dialling import NoLink
from potluck.shells.links.handshakes import Handshakes
from potluck.shells.links.stream import Stream
from potluck.shells.loop.workers import Workers
from tests.fair_time import FairTime
from tests.shells.peers import (
    WAIT_S,
    at_some_pace,
    connect,
    ends,
    new_key,
    occupied,
    peers,
    reach,
    trust_of,
    until,
)

MEMBER, OTHER = new_key(9), new_key(8)


@pytest.fixture
def node():
    with peers(1) as (peer,):
        peer.trust(MEMBER)
        yield peer


def knocked(node, host: str = "") -> socket.socket:
    """A connection, from `host` if given, on which the member has knocked."""
    to = node.address.host, node.address.port
    sock = socket.create_connection(to, WAIT_S, (host, 0)) if host else connect(node)
    secret = trust_of(MEMBER, node.key).book.secret(node.device)
    sock.sendall(knock.member_knock(secret, sock.recv(16), os.urandom(16)))
    return sock


def secured(node) -> Stream:
    """A connection on which the member has finished TLS."""
    return Stream(tls.dial_member(knocked(node), trust_of(MEMBER, node.key), node.device))


def test_who_is_removed_in_the_middle_of_its_handshake_is_cut_off(node):
    half, whole = knocked(node), secured(node)
    with half, FairTime() as took:
        node.trust()
        assert ends(half) == b""
        assert ends(whole.sock) == b""
        until(lambda: len(node.doorway.strangers) == 0)
    whole.close()
    assert took.spent() < limits.HANDSHAKE_S / 2


def test_a_control_link_reaches_the_loop(node):
    reached = reach(MEMBER, node, LinkKind.CONTROL)
    opened = node.wait(LinkOpened)[0]
    assert (opened.kind, opened.peer, opened.dial) == (LinkKind.CONTROL, MEMBER.device, None)
    assert (opened.address.host, opened.address.port) == ("127.0.0.1", 0)
    assert opened.instance == bytes([7]) * 16
    assert reached.instance == node.current_trust.instance
    until(lambda: len(node.doorway.strangers) == 0)
    assert "127.0.0.1" in node.doorway.strangers._known
    reached.stream.close()


def test_two_dials_of_one_member_are_both_good(node):
    links = [reach(MEMBER, node, LinkKind.CONTROL) for _ in range(2)]
    node.wait(LinkOpened, 2)
    for one in links:
        one.stream.close()


def test_a_half_handshake_ends_with_the_time(node, monkeypatch):
    def both_end(handshake_s):
        monkeypatch.setattr(limits, "HANDSHAKE_S", handshake_s)
        try:
            with knocked(node) as sock:
                sock.sendall(bytes.fromhex("160301"))
                ends(sock)
            silent = secured(node).sock
        except OSError:  # the time was over before we came so far
            return False
        with silent:
            silent.settimeout(WAIT_S)
            ends(silent)
        return True

    at_some_pace(both_end)
    until(lambda: len(node.doorway.strangers) == 0)
    assert not node.of(LinkOpened)


def test_plain_bytes_after_a_right_knock(node):
    with knocked(node) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        ends(sock)
    until(lambda: len(node.doorway.strangers) == 0)


@pytest.mark.parametrize(
    "first",
    [
        encode_frame(Bye("nothing")),
        (2**31).to_bytes(4, "big"),
        (limits.PAIRING_FRAME_BYTES + 1).to_bytes(4, "big"),
        (2).to_bytes(4, "big") + b"\xc1\xc1",
        encode_frame(Hello([1], [], b"", LinkKind.PAIRING)),
    ],
    ids=["BYE", "2 GiB", "8 KiB and one", "no message", "pairing behind a member's knock"],
)
def test_other_first_words_close_the_link(node, first):
    stream = secured(node)
    stream.send_bytes(first)
    stream.sock.settimeout(WAIT_S)
    assert ends(stream.sock) == b""
    stream.close()
    until(lambda: len(node.doorway.strangers) == 0)
    assert not node.of(LinkOpened)


def test_a_third_bulk_link_is_told_busy(node):
    links = [reach(MEMBER, node) for _ in range(limits.FETCHES_PER_PEER)]
    with pytest.raises(NoLink) as caught:
        reach(MEMBER, node)
    assert caught.value.reason == "busy"
    for one in links:
        one.stream.close()
    until(lambda: not node.serving._links)
    reach(MEMBER, node).stream.close()


def test_a_kept_worker_is_given_back_if_hello_ok_cannot_be_sent(node, monkeypatch):
    def fail(*_args):
        raise BrokenPipeError

    monkeypatch.setattr(handshakes_module, "accept_hello", fail)
    with pytest.raises(NoLink):
        reach(MEMBER, node)
    until(lambda: not node.serving._links and len(node.doorway.strangers) == 0)


def test_stalling_strangers_do_not_delay_members(node):
    node.do(lambda: node.doorway.open_door(OpenDoor(open=True)))
    stalling = []
    for _ in range(handshakes_module.STRANGER_THREADS + 2):
        sock = connect(node)
        sock.recv(16)
        sock.sendall(b"P")
        stalling.append(sock)
    reach(MEMBER, node, LinkKind.CONTROL).stream.close()
    node.wait(LinkOpened)
    for sock in stalling:
        sock.close()


def test_a_member_that_stalls_delays_no_other_and_its_own_wait_for_their_turn(node):
    node.trust(MEMBER, OTHER)
    count = limits.STRANGERS_PER_ADDRESS - 1
    stalling = [knocked(node) for _ in range(count)]
    waiting = f"{count - handshakes_module.EACH_MEMBER} out of turn"
    until(lambda: waiting in repr(node.handshakes))
    reach(OTHER, node, LinkKind.CONTROL).stream.close()
    assert node.wait(LinkOpened)[0].peer == OTHER.device
    assert waiting in repr(node.handshakes), "and nobody had to give up for that"
    for sock in stalling:
        sock.close()
    until(lambda: not len(node.doorway.strangers))
    reach(MEMBER, node, LinkKind.CONTROL).stream.close()
    until(lambda: not node.handshakes._members._begun)


def test_who_was_evicted_while_it_waits_for_its_turn_is_closed(node):
    stalling = [knocked(node, "127.0.0.2") for _ in range(handshakes_module.EACH_MEMBER)]
    until(lambda: node.handshakes._members._begun[MEMBER.device] == len(stalling))
    for _ in range(3 * limits.STRANGERS_PER_ADDRESS):
        knocked(node, "127.0.0.3").close()
    waiting = node.handshakes._members._waiting[MEMBER.device]
    assert len(waiting) <= limits.STRANGERS_PER_ADDRESS + 1
    for sock in stalling:
        sock.close()
    until(lambda: not len(node.doorway.strangers) and not node.handshakes._members._begun)


def test_a_member_links_again_after_no_thread_could_be_started(node, monkeypatch):
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("handshake"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        stuck = [knocked(node) for _ in range(handshakes_module.EACH_MEMBER + 1)]
        until(lambda: "1 out of turn" in repr(node.handshakes))
    for sock in stuck:
        sock.close()
    with occupied(Workers("other", 1)):  # any other pool has a job
        reach(MEMBER, node, LinkKind.CONTROL).stream.close()


def test_strangers_of_one_host_have_one_thread(node):
    node.do(lambda: node.doorway.open_door(OpenDoor(open=True)))
    stalling = [connect(node) for _ in range(3)]
    for sock in stalling:
        sock.recv(16)
        sock.sendall(b"P")
    until(lambda: "2 out of turn" in repr(node.handshakes))
    assert node.handshakes._newcomers._begun == {"127.0.0.1": handshakes_module.EACH_STRANGER}
    node.handshakes.close(0)
    assert "2 out of turn" not in repr(node.handshakes)
    for sock in stalling[1:]:
        assert ends(sock) == b"", "it was dropped"
    for sock in stalling:
        sock.close()


def test_an_evicted_handshake_ends_at_once(node):
    with knocked(node) as sock:
        slot = until(lambda: next(iter(list(node.doorway.strangers._slots)), None))
        until(lambda: not node.doorway._visitors)
        slot.evict()
        sock.settimeout(WAIT_S)
        ends(sock)
    until(lambda: len(node.doorway.strangers) == 0)


def test_after_close_a_knock_is_turned_away(node):
    assert node.handshakes.close(5)
    with knocked(node) as sock:
        assert ends(sock) == b""
    until(lambda: len(node.doorway.strangers) == 0)


def test_a_knock_that_waits_for_a_worker_is_closed_and_its_slot_freed(node):
    with occupied(node.handshakes._members._workers), knocked(node) as sock:
        slot = until(lambda: next(iter(list(node.doorway.strangers._slots)), None))
        until(lambda: node.handshakes._members._workers._jobs)
        node.handshakes.close(0)
        assert slot.sock.fileno() < 0
        assert len(node.doorway.strangers) == 0
        assert ends(sock) == b""


def test_something_unforeseen_closes_the_connection(node, monkeypatch):
    said = []
    monkeypatch.setattr(threading, "excepthook", lambda args: said.append(args.exc_value))
    monkeypatch.setattr(handshakes_module, "hear_hello", lambda *_a, **_k: 1 // 0)
    with pytest.raises(NoLink):
        reach(MEMBER, node)
    until(lambda: len(node.doorway.strangers) == 0)
    assert isinstance(until(lambda: said)[0], ZeroDivisionError)


@pytest.mark.parametrize("links", [tls.COMING, tls.PAIRING_LINKS])
def test_a_context_of_our_own_that_cannot_be_made_is_told_and_made_the_next_time(
    node, monkeypatch, links
):
    node.do(lambda: node.doorway.open_door(OpenDoor(open=True)))

    def come() -> None:
        if links == tls.COMING:
            secured(node).close()
        else:
            reach(new_key(7), node, kind=LinkKind.PAIRING).stream.close()

    real, theirs = tls._show_certificate, threading.current_thread()

    def fails_there(context, key):
        if threading.current_thread() is not theirs:
            raise OSError(errno.EMFILE, "Too many open files")
        real(context, key)

    with monkeypatch.context() as patch:
        patch.setattr(tls, "_show_certificate", fails_there)
        with pytest.raises((OSError, NoLink)):
            come()
    found = Unprepared(links, "Too many open files", descriptors=True)
    assert node.wait(TrustSeen) == [TrustSeen((), (found,))]
    come()
    assert node.wait(TrustSeen, 2)[-1] == TrustSeen((), ())


def test_pools_are_threads_of_their_own(node):
    assert isinstance(node.handshakes, Handshakes)
    reach(MEMBER, node, LinkKind.CONTROL).stream.close()
    names = {thread.name for thread in threading.enumerate()}
    assert "handshake-1" in names
    assert "handshake-pairing-1" not in names
