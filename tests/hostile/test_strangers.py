"""Strangers: hosts of the same network that are no members, at the door and by datagram."""

from __future__ import annotations

import os
import socket
import ssl
import time
from contextlib import ExitStack, suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from potluck.core import limits
from potluck.core.keys.identity import DeviceKey
from potluck.core.keys.sealing import MAGIC, is_sealed, seal_datagram
from potluck.core.wire.catalogue import Beacon, Offer, Solicit, encode
from potluck.shells.links import knock, tls
from potluck.shells.links.knock import CHALLENGE_BYTES
from tests.devices import until
from tests.fair_time import FairTime
from tests.hostile.daemons import HOST, Daemon, Pair
from tests.hostile.rogue import WAIT_S, Rogue

CLOSED_S = limits.KNOCK_S + 2.0
STEP_S = 0.1
SILENT_S = 0.3
ANSWERED_S = 0.5


def connect(daemon: Daemon) -> socket.socket:
    """A plain connection to a daemon."""
    return socket.create_connection((HOST, daemon.port), WAIT_S)


def all_that_comes(sock: socket.socket, wait_s: float = CLOSED_S) -> bytes:
    """Read until the other side ends; fail if it does not in time."""
    heard = b""
    sock.settimeout(STEP_S)
    with FairTime() as clock, suppress(ConnectionError):
        while clock.spent() < wait_s:
            try:
                more = sock.recv(4096)
            except TimeoutError:
                continue
            if not more:
                return heard
            heard += more
        pytest.fail("the connection stays open")
    return heard


def udp() -> socket.socket:
    """A socket of somebody on the network."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    sock.settimeout(SILENT_S)
    return sock


def client_hello() -> bytes:
    """The first bytes of a TLS client."""
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(
            ssl.MemoryBIO(), outgoing, server_hostname="home"
        ).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: home\r\n\r\n",
        client_hello(),
        bytes(range(255, 0, -1)) * 64,
        b"K" + bytes(20),  # half a knock, then silence
        b"",
        b"K" + bytes(knock.CHALLENGE_BYTES + knock.PROOF_BYTES),  # wrong
        b"I\xff\xff\xff\xff",
        b"I\0\0\0\0",
        b"I\0\0\0\x40" + bytes(64),
    ],
    ids=[
        "http",
        "tls",
        "random",
        "half",
        "silence",
        "wrong",
        "giant-chain",
        "empty-chain",
        "garbage-chain",
    ],
)
def test_what_is_no_knock_is_answered_by_nothing(attacked: Pair, said: bytes) -> None:
    with connect(attacked.a) as sock:
        with suppress(ConnectionError):
            sock.sendall(said)
        heard = all_that_comes(sock)
    refusal = knock.UNWELCOME if said.startswith(b"I\0\0\0\x40") else b""
    assert heard[CHALLENGE_BYTES:] == refusal
    assert len(heard) <= CHALLENGE_BYTES + 1


@pytest.mark.full
def test_a_chain_that_trickles_in_is_cut_off(attacked: Pair) -> None:
    with connect(attacked.a) as sock:
        sock.sendall(b"I\0\0\xff\xff")
        with FairTime() as clock, suppress(ConnectionError):
            while clock.spent() < 2 * limits.HANDSHAKE_S:
                sock.sendall(b"x")
                time.sleep(0.1)
        assert clock.spent() < limits.HANDSHAKE_S + 1


def test_two_hundred_connections_of_one_address_keep_nobody_out(attacked: Pair) -> None:
    with ExitStack() as held:
        for _ in range(200):
            with suppress(OSError):
                held.enter_context(connect(attacked.a))
        attacked.unharmed()


def test_a_member_gets_in_while_strangers_hold_the_door(attacked: Pair, rogue: Rogue) -> None:
    with ExitStack() as held:
        for _ in range(100):
            held.enter_context(connect(attacked.a)).sendall(b"P")
        with FairTime() as took:
            rogue.control(attacked.a).close()
        assert took.spent() < 2


def test_pairing_knocks_that_stall_keep_no_member_out(attacked: Pair) -> None:
    """The members' handshakes have threads of their own."""
    with ExitStack() as held:
        for _ in range(8):
            sock = held.enter_context(connect(attacked.a))
            sock.sendall(b"P" + client_hello()[:40])
        attacked.unharmed()


def member_knocks(rogue: Rogue, daemon: Daemon) -> socket.socket:
    """Connect and knock rightly."""
    sock = connect(daemon)
    challenge = sock.recv(CHALLENGE_BYTES, socket.MSG_WAITALL)
    secret = rogue.standing.book.secret(rogue.device_of(daemon))
    sock.sendall(knock.member_knock(secret, challenge, os.urandom(CHALLENGE_BYTES)))
    return sock


def shaken(context: ssl.SSLContext, sock: socket.socket) -> bytes:
    """Do a handshake and read what comes; b"" if that is refused, as it must be."""
    try:
        with context.wrap_socket(sock) as secured:
            return secured.recv(100)
    except (ssl.SSLError, ConnectionError):
        return b""


def bare_context() -> ssl.SSLContext:
    """A TLS client without a certificate that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([limits.ALPN])
    return context


def test_tls_1_2_is_refused(attacked: Pair, rogue: Rogue) -> None:
    context = bare_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    sock = member_knocks(rogue, attacked.a)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(sock)
    sock.close()


def test_no_certificate_is_refused(attacked: Pair, rogue: Rogue) -> None:
    with member_knocks(rogue, attacked.a) as sock:
        assert shaken(bare_context(), sock) == b""


def test_the_certificate_of_somebody_else_is_refused(attacked: Pair, rogue: Rogue) -> None:
    context = bare_context()
    tls._show_certificate(context, DeviceKey(os.urandom(64)))
    with member_knocks(rogue, attacked.a) as sock:
        assert shaken(context, sock) == b""


def namesake(key: DeviceKey) -> DeviceKey:
    """Another key, with a certificate of its own that bears the name and number of that one's."""
    other, shown = DeviceKey(os.urandom(64)), x509.load_der_x509_certificate(key.certificate)
    private = load_pem_private_key(other.private_pem, None)
    assert isinstance(private, Ed25519PrivateKey)
    builder = x509.CertificateBuilder(shown.issuer, shown.subject, private.public_key())
    builder = builder.serial_number(shown.serial_number)
    builder = builder.not_valid_before(shown.not_valid_before_utc)
    builder = builder.not_valid_after(shown.not_valid_after_utc)
    for extension in shown.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(private, None)
    vars(other)["certificate"] = made.public_bytes(Encoding.DER)
    return other


def test_a_certificate_with_the_name_of_a_member_is_refused(attacked: Pair, rogue: Rogue) -> None:
    context = bare_context()
    tls._show_certificate(context, namesake(rogue.key))
    with member_knocks(rogue, attacked.a) as sock:
        assert shaken(context, sock) == b""


def test_whatever_server_name_is_asked_for_the_same_device_answers(
    attacked: Pair, rogue: Rogue
) -> None:
    context = bare_context()
    tls._show_certificate(context, rogue.key)
    shown = set()
    for name in (None, "home", attacked.b.label, "x" * 60 + ".example", "xn--a.b"):
        sock = member_knocks(rogue, attacked.a)
        with sock, context.wrap_socket(sock, server_hostname=name) as secured:
            shown.add(secured.getpeercert(binary_form=True))
    own = rogue.roster.members[rogue.device_of(attacked.a)]
    assert shown == {own.certificate}


@pytest.mark.parametrize("alpn", [[], ["h2"], [tls.PAIRING_ALPN]])
def test_another_alpn_is_refused(attacked: Pair, rogue: Rogue, alpn: list[str]) -> None:
    context = bare_context()
    if alpn:
        context.set_alpn_protocols(alpn)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tls._show_certificate(context, rogue.key)
    with member_knocks(rogue, attacked.a) as sock:
        assert shaken(context, sock) == b""


def test_giant_and_garbage_datagrams(attacked: Pair) -> None:
    with udp() as sock:
        for port in (attacked.a.port, attacked.discovery_port):
            for size in (0, 1, 4, 100, 1200, 1201, 60_000):
                sock.sendto(os.urandom(size), (HOST, port))
                sock.sendto((MAGIC + os.urandom(size))[:65_000], (HOST, port))
            for body in (
                b"\x81" * 1000,
                b"\xdd\xff\xff\xff\xff",
                b"\x81\xa1t\xa7solicit",
                b"\x81\xa1t\xa5offer",
            ):
                sock.sendto(body, (HOST, port))


def test_replayed_and_forged_beacons(attacked: Pair, rogue: Rogue) -> None:
    """What was captured is a hint at most; what was sealed with another key is not even that."""
    captured = captured_beacons(attacked, rogue)
    mine = rogue.datagram(encode({"t": "beacon"}), attacked.a)  # sealed rightly, and no beacon
    with udp() as sock:
        for data in (*captured, mine, seal_datagram(os.urandom(32), os.urandom(12), captured[0])):
            for _ in range(200):
                sock.sendto(data, (HOST, attacked.a.port))
        assert not is_answered(sock)


def is_answered(sock: socket.socket) -> bool:
    """Say whether a sealed answer comes; a question in clear is what strangers are asked."""
    end_s = time.monotonic() + ANSWERED_S
    while (left_s := end_s - time.monotonic()) > 0:
        sock.settimeout(left_s)
        with suppress(TimeoutError):
            if is_sealed(sock.recv(2000)):
                return True
    return False


def captured_beacons(pair: Pair, rogue: Rogue) -> list[bytes]:
    """What goes over the wire when a member asks who is there: the question, the answers."""
    with udp() as ear:
        ear.settimeout(WAIT_S)
        question = rogue.datagram(encode(Beacon(1, 1, bytes(8), 1, ask=True)), pair.a, ear)
        answer = ear.recv(2000)
    assert answer.startswith(MAGIC)
    return [question, answer]


def test_forged_offers_draw_nobody_out_of_a_group(attacked: Pair) -> None:
    before = attacked.a.state()["group"]["id"]
    with udp() as sock:
        for number in range(300):
            offer = Offer(
                os.urandom(16),
                bytes([number % 256]) * 32,
                "Evil\n\x1b[2J",
                "x" * 64,
                1,
                50,
                open=True,
            )
            sock.sendto(encode(offer), (HOST, attacked.a.port))
            sock.sendto(encode(offer), (HOST, attacked.discovery_port))
    assert attacked.a.state()["group"]["id"] == before


def offers(sock: socket.socket, attacked: Pair) -> bool:
    """Ask once; whether an answer comes soon: none does while this host is muted."""
    sock.settimeout(SILENT_S)
    sock.sendto(encode(Solicit(os.urandom(16), bytes(320))), (HOST, attacked.a.port))
    try:
        return bool(sock.recv(2000))
    except TimeoutError:
        return False


def test_a_flood_of_questions_is_answered_sparingly(attacked: Pair) -> None:
    """At most ten answers a second to one source, and never longer than the question."""
    with udp() as sock:
        until(lambda: offers(sock, attacked))  # attacks before this one may have muted us
        sock.sendto(encode(Solicit(os.urandom(16), b"")), (HOST, attacked.a.port))
        with pytest.raises(TimeoutError):  # an answer would be longer
            sock.recv(2000)
        assert offers(sock, attacked)
    with udp() as sock:
        start = time.monotonic()
        lengths = []
        for number in range(2000):
            question = encode(Solicit(os.urandom(16), bytes((0, 100, 300, 512)[number % 4])))
            sock.sendto(question, (HOST, attacked.a.port))
            lengths.append(len(question))
        sock.settimeout(WAIT_S)
        answers = [len(sock.recv(2000))]
        sock.settimeout(SILENT_S)
        with suppress(TimeoutError):
            while True:
                answers.append(len(sock.recv(2000)))
        spent = time.monotonic() - start
    assert len(answers) <= limits.ANSWERS_PER_S * (spent + 1)
    assert max(answers) <= max(lengths)


def test_the_open_door_keeps_working_after_all_that(attacked: Pair) -> None:
    until(lambda: Rogue("afterwards", attacked))
