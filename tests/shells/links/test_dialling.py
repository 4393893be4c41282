"""Dialling: a link, or exactly one reason why not.

Strategy: each reason is produced by a listener that fails in that way; the fake ones are a few
lines of plain socket.
"""

import errno
import os
import socket
import threading
import time
from functools import partial

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import Address, LinkKind
from potluck.engine.effects import Dial, DialToServe, Introduce, OpenDoor
from potluck.engine.events import (
    CallEnded,
    DialFailed,
    IntroductionAnswered,
    IntroductionHeard,
    LinkOpened,
    OrderId,
    PathStalled,
    TrustSeen,
)
from potluck.shells.links import dialling as dialling_module
from potluck.shells.links import tls
from potluck.shells.links.dialling import DialRequest, NoLink, open_link
from potluck.shells.links.segments import Segments
from tests.shells.peers import (
    WAIT_S,
    Peer,
    at_some_pace,
    ends,
    new_key,
    occupied,
    peers,
    trust_of,
    until,
)

US, THEM, OTHER = new_key(11), new_key(12), new_key(13)


def failure(address, peer=THEM, trust=None, wait_s=WAIT_S, kind=LinkKind.CONTROL):
    trust = trust or trust_of(US, THEM)
    request = DialRequest(peer and peer.device, address, kind)
    with pytest.raises(NoLink) as caught:
        open_link(trust, request, time.monotonic() + wait_s, Segments())
    return caught.value


@pytest.fixture
def listener():
    """A listener that treats its one connection as the test says."""
    threads = []

    def start(treat):
        server = socket.create_server(("127.0.0.1", 0))

        def serve():
            with server, server.accept()[0] as sock:
                sock.settimeout(WAIT_S)
                treat(sock)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return Address("127.0.0.1", server.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(WAIT_S)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = Address("127.0.0.1", gone.getsockname()[1])
    error = failure(address)
    assert (error.reason, error.refused, error.knock_refused) == ("refused", True, False)


@pytest.mark.parametrize("host", ["no such host.invalid", "256.256.256.256", "x" * 64])
def test_an_address_that_is_none(host):
    error = failure(Address(host, 1))
    assert error.reason.startswith(("not made: ", "not an address: "))
    assert not error.refused


def refusing_to_connect(monkeypatch, *numbers):
    """The first connections that are tried end with these; returns what is left of them."""
    left, connected = list(numbers), dialling_module._connected

    def connect(*args):
        if left:
            raise OSError(left[0], os.strerror(left.pop(0)))
        return connected(*args)

    monkeypatch.setattr(dialling_module, "_connected", connect)
    return left


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.EPERM, "unreachable"),
        (errno.EMFILE, "not tried"),
        (errno.EADDRNOTAVAIL, "not made"),
        (errno.ECONNRESET, "not made"),
    ],
)
def test_only_what_the_network_says_is_said_of_the_way_there(monkeypatch, number, how):
    refusing_to_connect(monkeypatch, number)
    assert failure(Address("127.0.0.1", 9)).reason == f"{how}: {os.strerror(number)}"


def test_what_this_system_breaks_off_is_tried_once_more_and_then_no_firewalls_doing(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = Address("127.0.0.1", gone.getsockname()[1])
    refusing_to_connect(monkeypatch, errno.ECONNABORTED)
    assert failure(address).reason == "refused"
    left = refusing_to_connect(monkeypatch, errno.ECONNABORTED, errno.ECONNABORTED)
    assert failure(address).reason == "not made: Software caused connection abort"
    assert not left


def test_closed_before_a_word_is_no_potluck(listener):
    error = failure(listener(lambda sock: None))
    assert error.reason.startswith("no potluck there")
    assert not error.knock_refused


def test_closed_right_after_the_knock(listener):
    error = failure(listener(lambda sock: (sock.sendall(bytes(16)), sock.recv(49))))
    assert (error.reason, error.refused, error.knock_refused) == ("knock refused", False, True)


def test_closed_with_unread_bytes_after_the_knock(listener):
    error = failure(
        listener(lambda sock: (sock.sendall(bytes(16)), sock.recv(49, socket.MSG_PEEK)))
    )
    assert error.knock_refused


@pytest.mark.parametrize("said", [b"", bytes(16)], ids=["no challenge", "no TLS"])
def test_somebody_who_says_nothing(listener, said):
    def falls_silent(wait_s):
        error = failure(listener(lambda sock: (sock.sendall(said), ends(sock))), wait_s=wait_s)
        # no firewall kept us out; who has taken part and falls silent may not hear us
        return (error.reason, error.stalled) == ("the other side fell silent", bool(said))

    at_some_pace(falls_silent)


def test_a_host_that_falls_silent_is_told_besides(listener, monkeypatch):
    def is_told(handshake_s):
        monkeypatch.setattr(limits, "HANDSHAKE_S", handshake_s)
        address = listener(lambda sock: (sock.sendall(bytes(16)), ends(sock)))
        with peers(1) as (node,):
            node.trust(THEM)
            node.dialling.dial(Dial(OrderId(1), LinkKind.CONTROL, THEM.device, address))
            (failed,) = node.wait(DialFailed)
            told = node.of(PathStalled) == [PathStalled(address.host)]
            return told and failed.reason == "the other side fell silent"

    at_some_pace(is_told)


def call(node, other, number=1, addresses=None):
    where = (other.address,) if addresses is None else addresses
    node.dialling.call(DialToServe(OrderId(number), other.device, where, LinkKind.BULK))
    return until(lambda: next((e for e in node.of(CallEnded) if e.call == number), None)).reason


def test_a_device_that_asked_is_dialled_and_served():
    with peers() as (holder, fetcher):
        nobody = Address("127.0.0.1", 1)
        assert call(holder, fetcher, 1, (nobody, fetcher.address)) == ""
        until(fetcher.fetching.idle.deadline, "the link waits among the idle ones")
        assert holder.serving._links[LinkKind.BULK, fetcher.device] == 1
        assert call(holder, fetcher, 2) == ""
        assert call(holder, fetcher, 3) == "busy", "two links of a pair"


def test_a_call_that_leads_nowhere_keeps_no_worker():
    with peers() as (holder, fetcher):
        assert call(holder, fetcher, 1, (Address("127.0.0.1", 1),)) == "refused"
        assert call(holder, fetcher, 2, ()) == "no address"
        nowhere = (Address("127.0.0.1", 1), Address("256.256.256.256", 1))
        assert call(holder, fetcher, 4, nowhere) == "refused", "the first address is the likeliest"
        assert not holder.serving._links
        with occupied(holder.dialling._workers):
            holder.dialling.call(DialToServe(OrderId(3), fetcher.device, (), LinkKind.BULK))
            holder.dialling.close(0)
        assert [end.reason for end in holder.wait(CallEnded, 4)][-1] == "stopping"


def test_something_that_is_not_tls(listener):
    error = failure(
        listener(
            lambda sock: (
                sock.sendall(bytes(16)),
                sock.recv(49),
                sock.sendall(b"220 welcome\r\n" * 5),
                ends(sock),
            )
        )
    )
    assert error.reason.startswith("tls:")
    assert not error.knock_refused


def test_another_device_answers_there(monkeypatch):
    with peers(1) as (node,):
        node.trust(US)
        trust = trust_of(US, node.key, OTHER)
        secret = trust.book.secret(node.device)
        # or the knock alone would stop us
        monkeypatch.setattr(trust.book, "secret", lambda _device: secret)
        assert failure(node.address, peer=OTHER, trust=trust).reason == "not the device"


def test_ourselves_are_dialled_for_a_control_link_alone():
    with peers(1) as (node,):
        alone = failure(node.address, peer=node.key, trust=node.current_trust)
        assert alone.reason == "not a member", "there is nobody to tell"
        node.trust(OTHER)
        bulk = failure(node.address, peer=node.key, trust=node.current_trust, kind=LinkKind.BULK)
        assert bulk.reason == "not a member"
        request = DialRequest(node.key.device, node.address, LinkKind.CONTROL)
        reached = open_link(node.current_trust, request, time.monotonic() + WAIT_S, Segments())
        reached.stream.close()
        assert reached.instance == node.current_trust.instance, "this is the same run"
        (event,) = node.wait(LinkOpened, 1)
        assert event.peer == node.key.device
        # Our own address under another's name: a knock is symmetric, so TLS has to notice.
        assert (
            failure(node.address, peer=OTHER, trust=node.current_trust).reason == "not the device"
        )
        assert len(node.of(LinkOpened)) == 1


def test_our_own_identity_gets_no_bulk_link(monkeypatch):
    with peers(1) as (node,):
        node.trust(OTHER)
        monkeypatch.setattr(tls.TrustBook, "__contains__", lambda _book, _device: True)
        trust = node.current_trust
        refused = failure(node.address, peer=node.key, trust=trust, kind=LinkKind.BULK)
        assert refused.reason.startswith(("tls", "no hello"))


def test_who_does_not_know_us_refuses_the_knock():
    with peers(1) as (node,):
        assert failure(node.address, peer=node.key, trust=trust_of(US, node.key)).knock_refused


def test_removed_between_looking_and_dialling(listener, monkeypatch):
    trust = trust_of(US, THEM)
    address = listener(lambda sock: (sock.sendall(bytes(16)), sock.recv(49)))
    real = dialling_module._connect

    def connect_late(*args):
        trust.trust([])
        return real(*args)

    monkeypatch.setattr(dialling_module, "_connect", connect_late)
    assert failure(address, trust=trust).reason == "not a member"


def test_removed_between_knock_and_tls(listener, monkeypatch):
    trust = trust_of(US, THEM)
    address = listener(lambda sock: (sock.sendall(bytes(16)), sock.recv(49)))
    real = dialling_module._answer_challenge

    def answer_and_lose(*args):
        real(*args)
        trust.trust([])

    monkeypatch.setattr(dialling_module, "_answer_challenge", answer_and_lose)
    assert failure(address, trust=trust).reason == "not a member"


@pytest.mark.parametrize("kind", [LinkKind.CONTROL, LinkKind.PAIRING])
def test_tls_that_cannot_be_prepared_here_is_no_fault_of_the_other_side(
    listener, monkeypatch, kind
):
    address = listener(lambda sock: (sock.sendall(bytes(16)), sock.recv(49)))
    monkeypatch.setattr(tls, "_context", no_context)
    error = failure(address, peer=None if kind is LinkKind.PAIRING else THEM, kind=kind)
    assert error.reason == "not tried: TLS cannot be prepared: no such protocol"
    assert not error.knock_refused


def no_context(_protocol, _alpn):
    raise ValueError("no such protocol")


def test_a_door_that_cannot_be_prepared_is_told_and_the_next_one_ends_it(monkeypatch):
    with peers() as (one, two):
        with monkeypatch.context() as patch:
            patch.setattr(tls, "_show_certificate", lambda *_: no_context(0, ""))
            two.dial(one)
            assert [[each.links for each in seen.unprepared] for seen in two.wait(TrustSeen)] == [
                [tls.GOING]
            ]
        two.dial(one)
        one.wait(LinkOpened)
        assert two.of(TrustSeen)[-1] == TrustSeen((), ())


def test_the_server_may_reject_our_certificate_only_after_the_handshake(monkeypatch):
    with peers(1) as (node,):
        node.trust(US, OTHER)
        real = node.current_trust.book.who_knocked
        monkeypatch.setattr(
            node.current_trust.book, "who_knocked", lambda *args: real(*args) and OTHER.device
        )
        error = failure(node.address, peer=node.key, trust=trust_of(US, node.key))
        assert error.reason.startswith(("tls:", "no hello:"))
        assert not error.knock_refused


# -- the pool --------------------------------------------------------------------------------------
def test_a_dial_ends_in_a_link_on_both_sides():
    with peers() as (one, two):
        one.dial(two, number=4)
        opened = one.wait(LinkOpened)[0]
        assert (opened.dial, opened.peer, opened.address) == (4, two.device, two.address)
        assert opened.instance == two.current_trust.instance
        assert two.wait(LinkOpened)[0].dial is None


def test_both_may_dial_at_once():
    with peers() as (one, two):
        one.dial(two)
        two.dial(one)
        assert len(one.wait(LinkOpened, 2)) == len(two.wait(LinkOpened, 2)) == 2


def test_a_dial_for_pairing_names_nobody():
    with peers() as (one, two):
        two.do(lambda: two.doorway.open_door(OpenDoor(open=True)))
        one.dial(two, kind=LinkKind.PAIRING)
        opened = one.wait(LinkOpened)[0]
        assert (opened.peer, opened.instance, opened.kind) == (None, b"", LinkKind.PAIRING)


def test_a_dial_that_fails_says_so_once():
    with peers() as (one, two):
        two.trust()
        one.dial(two, number=8)
        failed = one.wait(DialFailed)
        assert [(each.dial, each.knock, each.refused) for each in failed] == [(8, True, False)]


def test_after_close_a_dial_fails_at_once():
    node = Peer(1)
    assert node.dialling.close(5)
    node.dialling.dial(Dial(OrderId(1), LinkKind.CONTROL, THEM.device, Address("127.0.0.1", 1)))
    assert node.wait(DialFailed)[0].reason == "stopping"
    node.stop()


def test_a_dial_that_never_began_fails_too():
    node = Peer(1)
    with occupied(node.dialling._workers):
        address = Address("127.0.0.1", 1)
        node.dialling.dial(Dial(OrderId(1), LinkKind.CONTROL, THEM.device, address))
        node.dialling.introduce(Introduce(address, b"sealed"))  # nobody waits for it
        node.dialling.close(0)
        assert node.wait(DialFailed) == [DialFailed(OrderId(1), "stopping", False, False)]
    node.stop()


def test_hosts_that_asked_to_be_dialled_and_stall_keep_no_member_waiting():
    with peers() as (one, two), socket.create_server(("127.0.0.1", 0), backlog=64) as stalled:
        address = Address("127.0.0.1", stalled.getsockname()[1])
        for number in range(limits.PAIRING_CALLS):
            one.dialling.dial(Dial(OrderId(100 + number), LinkKind.PAIRING, None, address))
        for number in range(limits.FETCHES_PER_PEER):
            call = DialToServe(OrderId(200 + number), two.device, (address,), LinkKind.BULK)
            one.dialling.call(call)
        one.dial(two, number=4)
        assert one.wait(LinkOpened)[0].dial == 4
        assert not one.of(DialFailed)
        assert not one.of(CallEnded)


@pytest.mark.parametrize("accepted", [True, False])
def test_an_introduction_is_carried_over(accepted, caplog):
    from potluck.engine.effects import AnswerIntroduction

    with caplog.at_level("INFO"), peers() as (one, two):
        one.dialling.introduce(Introduce(two.address, b"sealed"))
        heard = two.wait(IntroductionHeard)[0]
        assert heard.sealed == b"sealed"
        two.do(lambda: two.doorway.answer_introduction(AnswerIntroduction(heard.knock, accepted)))
        until(lambda: ("not accepted" in caplog.text) != accepted and "accepted" in caplog.text)


def _is_told(side, said):
    return said in side.of(type(said))


def test_what_stands_behind_the_byte_of_an_answer_is_told_whole():
    from potluck.engine.effects import AnswerIntroduction

    with peers() as (one, two):
        for sealed in (os.urandom(limits.INTRODUCTION_BYTES), b"why"):
            one.dialling.introduce(Introduce(two.address, b"sealed"))
            until(lambda: two.of(IntroductionHeard))
            answer = AnswerIntroduction(two.of(IntroductionHeard)[-1].knock, False, sealed)
            two.do(partial(two.doorway.answer_introduction, answer))
            said = IntroductionAnswered(sealed)
            until(partial(_is_told, one, said))
            two.heard.clear()


@pytest.mark.parametrize("sealed", [b"x", bytes(limits.INTRODUCTION_BYTES + 1)])
def test_an_introduction_that_fails_is_only_logged(sealed, caplog):
    with caplog.at_level("INFO"), peers() as (one, two):
        address = two.address if len(sealed) > 1 else Address("127.0.0.1", 1)
        one.dialling.introduce(Introduce(address, sealed))
        until(lambda: "failed" in caplog.text)
