"""TLS: who gets in and who does not, by real handshakes over socket pairs.

Strategy: `shake` runs both sides, the server in a thread, and returns what each ended with, a
socket or an error. A TLS 1.3 client that is rejected sees a successful handshake, so verdicts are
read at the server unless the client is the one that refuses.
"""

import datetime
import errno
import os
import socket
import ssl
import threading
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.engine.effects import Member
from potluck.engine.events import NO_COMMON_VERSION, TrustSeen, Unprepared
from potluck.shells.links import knock, tls
from tests.core.keys.reencodings import is_read, reencodings, signed_again
from tests.shells.peers import WAIT_S, Kept, member_of, new_key, trust_of

SERVER, CLIENT, OTHER = new_key(1), new_key(2), new_key(3)
ERRORS = (OSError, EOFError, tls.NotTheDevice, Malformed)


def hold(_sock):
    """Nobody evicts anybody here."""


def attempt(act, sock, ends):
    try:
        ends.append(act(sock))
    except ERRORS as error:
        sock.close()
        ends.append(error)


@pytest.fixture
def shake():
    made: list[socket.socket] = []

    def run(serve, dial):
        near, far = socket.socketpair()
        near.settimeout(WAIT_S)
        far.settimeout(WAIT_S)
        made.extend((near, far))
        served: list[Any] = []
        dialled: list[Any] = []
        thread = threading.Thread(target=attempt, args=(serve, near, served))
        thread.start()
        attempt(dial, far, dialled)
        thread.join(WAIT_S)
        made.extend(one for one in served + dialled if isinstance(one, ssl.SSLSocket))
        return served[0], dialled[0]

    yield run
    for sock in made:
        sock.close()


def accepting(*members, claimed=CLIENT):
    trust = trust_of(SERVER, *members)
    return lambda sock: tls.accept_member(sock, trust, claimed.device, hold)


def dialling(key=CLIENT, expected=SERVER):
    trust = trust_of(key, expected)
    return lambda sock: tls.dial_member(sock, trust, expected.device)


def told(trust: tls.CurrentTrust) -> list[Any]:
    """What the engine was told so far."""
    assert isinstance(trust._inbox, Kept)
    return trust._inbox.facts


def dialling_as_stranger(sock):
    return tls.dial_stranger(sock, trust_of(CLIENT).newcomer_context())


def raw_client(alpn=limits.ALPN, key=None, versions=None, certificate=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if versions:
        context.maximum_version = versions
    if alpn:
        context.set_alpn_protocols([alpn])
    if key:
        tls._show_certificate(context, key)
    if certificate:
        context.load_cert_chain(*certificate)
    return context.wrap_socket


def test_two_members_shake_hands(shake):
    served, dialled = shake(accepting(CLIENT, OTHER), dialling())
    assert (served.version(), dialled.version()) == ("TLSv1.3", "TLSv1.3")
    assert served.getpeercert(True) == CLIENT.certificate
    assert dialled.getpeercert(True) == SERVER.certificate
    assert not served.suppress_ragged_eofs


@pytest.mark.parametrize(
    "client",
    [
        raw_client(),  # no certificate
        raw_client(key=OTHER),  # a certificate nobody knows
        raw_client(key=CLIENT, versions=ssl.TLSVersion.TLSv1_2),
        raw_client(key=CLIENT, alpn=None),
        raw_client(key=CLIENT, alpn="http/1.1"),
        raw_client(key=CLIENT, alpn=tls.PAIRING_ALPN),
    ],
    ids=[
        "no certificate",
        "unknown certificate",
        "TLS 1.2",
        "no ALPN",
        "other ALPN",
        "ALPN of pairing",
    ],
)
def test_the_server_refuses(shake, client):
    served, _ = shake(accepting(CLIENT), client)
    assert isinstance(served, ssl.SSLError | Malformed)


def test_the_raw_client_of_these_tests_gets_in_when_everything_is_right(shake):
    served, _ = shake(accepting(CLIENT), raw_client(key=CLIENT))
    assert isinstance(served, ssl.SSLSocket)


def test_a_group_of_nobody_lets_nobody_in(shake):
    served, _ = shake(accepting(), dialling())
    assert isinstance(served, ssl.SSLError)


def test_a_member_that_knocked_with_anothers_secret_is_refused(shake):
    served, _ = shake(accepting(CLIENT, OTHER, claimed=OTHER), dialling())
    assert isinstance(served, tls.NotTheDevice)


def test_a_member_cannot_vouch_for_a_certificate_it_issued(shake, tmp_path):
    # Members' certificates are anchors, so OpenSSL accepts what they sign; the device id does not.
    stranger = Ed25519PrivateKey.generate()
    issuer = x509.load_der_x509_certificate(CLIENT.certificate)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CLIENT.device.hex()[::-1])])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject)
        .public_key(stranger.public_key())
        .serial_number(7)
        .not_valid_before(datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC))
        .sign(Ed25519PrivateKey.from_private_bytes(CLIENT.secret[:32]), None)
    )
    (tmp_path / "chain").write_bytes(
        made.public_bytes(Encoding.PEM) + issuer.public_bytes(Encoding.PEM)
    )
    (tmp_path / "key").write_bytes(
        stranger.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    served, _ = shake(
        accepting(CLIENT), raw_client(certificate=(tmp_path / "chain", tmp_path / "key"))
    )
    assert isinstance(served, Malformed)


def test_a_member_cannot_pose_as_another_one(shake):
    _, dialled = shake(accepting(CLIENT), dialling(expected=OTHER))
    assert isinstance(dialled, ssl.SSLCertVerificationError)


def test_who_was_removed_during_the_handshake_is_refused(shake):
    trust = trust_of(SERVER, CLIENT)

    gone = []

    def serve(sock):
        def remove(_sock):
            gone.append(trust.trust([]))

        return tls.accept_member(sock, trust, CLIENT.device, remove)

    served, _ = shake(serve, dialling())
    assert isinstance(served, tls.NotTheDevice)
    assert gone == [{CLIENT.device}]


def test_the_client_checks_alpn_too(shake):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls._show_certificate(context, SERVER)
    _, dialled = shake(lambda sock: context.wrap_socket(sock, server_side=True), dialling())
    assert isinstance(dialled, Malformed)
    assert NO_COMMON_VERSION in str(dialled), "told as another version, not as a broken link"


def test_pairing_takes_anybody_and_names_nobody(shake):
    context = tls.pairing_context()
    served, dialled = shake(
        lambda sock: tls.accept_stranger(sock, context, hold), dialling_as_stranger
    )
    assert served.selected_alpn_protocol() == dialled.selected_alpn_protocol() == tls.PAIRING_ALPN
    shown = dialled.getpeercert(True)
    assert shown
    assert SERVER.device.hex().encode() not in shown
    assert tls.pairing_context().get_ca_certs() == []


def test_the_door_for_members_does_not_open_for_pairing(shake):
    served, _ = shake(accepting(CLIENT), dialling_as_stranger)
    assert isinstance(served, ssl.SSLError)


def test_a_cut_connection_is_not_a_clean_end(shake):
    served, dialled = shake(accepting(CLIENT), dialling())
    dialled.close()
    with pytest.raises((ssl.SSLEOFError, ConnectionError)):
        served.recv(1)


def test_no_ticket_is_ever_given(shake):
    served, dialled = shake(accepting(CLIENT), dialling())
    served.sendall(b"x")
    assert dialled.recv(1) == b"x"
    assert dialled.session is None or not dialled.session.has_ticket


def test_equal_names_do_not_confuse_and_a_hundred_members_are_few(shake):
    crowd = [new_key(number) for number in range(10, 110)]
    served, _ = shake(accepting(*crowd, claimed=crowd[50]), dialling(key=crowd[50]))
    assert served.getpeercert(True) == crowd[50].certificate


def test_no_descriptor_is_left_after_loading_certificates():
    before = set(os.listdir("/proc/self/fd"))
    _ = trust_of(SERVER, CLIENT).book.server_context
    assert len(os.listdir("/proc/self/fd")) <= len(before)


def test_the_descent_of_a_device_begins_with_whoever_the_founder_let_in():
    above, nobody = DeviceId(b"above"), DeviceId(b"nobody")
    lines = (CLIENT.device, above)
    let_in = Member(CLIENT.device, CLIENT.certificate, CLIENT.sealing_public, lines)
    book = tls.TrustBook(SERVER, [let_in])
    assert book.descent(CLIENT.device) == (above, CLIENT.device)
    assert trust_of(SERVER, CLIENT).book.descent(CLIENT.device) == (CLIENT.device,)
    assert book.descent(nobody) == (nobody,)


# -- certificates in another writing ---------------------------------------------------------------
def showing(owner, certificate):
    """A key that shows another certificate than its own."""
    made = DeviceKey(owner.secret)
    vars(made)["certificate"] = certificate
    return made


def member_with(certificate, device=CLIENT.device):
    return Member(device, certificate, CLIENT.sealing_public)


def test_a_certificate_in_another_writing_is_void_on_a_link_even_if_it_is_the_anchor(shake):
    """As many as OpenSSL can show are shown in real handshakes."""
    shown = 0
    for name, certificate in reencodings(CLIENT):
        try:
            client = raw_client(key=showing(CLIENT, certificate))
        except ssl.SSLError:
            continue
        trust = trust_of(SERVER)
        trust.trust([member_with(certificate)])
        served, _ = shake(
            lambda sock, to=trust: tls.accept_member(sock, to, CLIENT.device, hold), client
        )
        if isinstance(served, ssl.SSLSocket):  # OpenSSL read BER and showed DER
            assert served.getpeercert(True) == CLIENT.certificate, name
        shown += isinstance(served, Malformed)
    assert shown >= 100


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_whatever_certificate_tls_proved_only_the_canonical_one_is_taken():
    trust, read = trust_of(SERVER, CLIENT), 0
    for name, certificate in reencodings(CLIENT):
        with pytest.raises(Malformed):
            tls._checked(proved(certificate), trust, CLIENT.device)
        assert name
        read += is_read(certificate)
    assert read >= 200
    good = proved(CLIENT.certificate)
    assert tls._checked(good, trust, CLIENT.device) is good


def proved(certificate) -> Any:
    return Proved(certificate)


class Proved:
    """A connection on which the other side has proved that this certificate is its own."""

    def __init__(self, certificate):
        self.certificate = certificate

    def getpeercert(self, binary_form):
        assert binary_form
        return self.certificate

    def selected_alpn_protocol(self):
        return limits.ALPN

    def close(self):
        """Nothing to close."""


def crooked():
    """Members with every writing of a certificate there is; some OpenSSL cannot load."""
    variants = enumerate(reencodings(OTHER))
    return [member_with(bad, number.to_bytes(32)) for number, (_, bad) in variants]


def test_anchors_that_do_not_load_are_left_out_and_told_and_cost_nobody_a_link(shake):
    trust = trust_of(SERVER)
    trust.trust([*crooked(), member_of(CLIENT)])
    seen = told(trust)[-1]
    assert len(seen.refused) > 20
    assert all(why for _, why in seen.refused)
    served, dialled = shake(
        lambda sock: tls.accept_member(sock, trust, CLIENT.device, hold), dialling()
    )
    assert served.getpeercert(True) == CLIENT.certificate
    assert dialled.getpeercert(True) == SERVER.certificate
    served, dialled = shake(
        accepting(SERVER, claimed=SERVER), lambda sock: tls.dial_member(sock, trust, CLIENT.device)
    )
    assert isinstance(dialled, tls.NotTheDevice | ssl.SSLError)  # it is SERVER that answers
    for who, _ in seen.refused:
        with pytest.raises(Malformed, match="cannot be loaded"):
            trust.client_context(who)
    trust.trust([member_of(CLIENT)])
    assert told(trust)[-1] == TrustSeen((), ())


def test_loaded_all_at_once_a_single_one_would_cost_everybody_the_links():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    refused = dict(book_of(crooked()).refused)
    bad = next(one.certificate for one in crooked() if one.device in refused)
    with pytest.raises(ssl.SSLError):
        context.load_verify_locations(cadata=bad + CLIENT.certificate)


def book_of(members):
    return tls.TrustBook(SERVER, members)


def test_what_does_not_load_is_tried_once_and_told_again_while_it_stands():
    trust = trust_of(SERVER)
    bad = next(one for one in crooked() if book_of([one]).refused)
    trust.trust([bad])
    trust.trust([bad, member_of(CLIENT)])
    first, second = told(trust)
    assert first == second
    assert [who for who, _ in first.refused] == [bad.device]
    trust.trust([member_with(CLIENT.certificate, bad.device)])
    assert trust.book.refused == {}


def test_a_device_with_two_certificates_confuses_others_about_itself_alone(shake):
    again = showing(CLIENT, signed_again(CLIENT))
    served, _ = shake(accepting(CLIENT, OTHER), raw_client(key=again))
    assert isinstance(served, ssl.SSLError)
    served, _ = shake(accepting(again, OTHER, claimed=OTHER), dialling(key=OTHER))
    assert served.getpeercert(True) == OTHER.certificate


# -- contexts that cannot be made ------------------------------------------------------------------
def exhausted(_context, _key):
    raise OSError(errno.EMFILE, "Too many open files")


def outdated(_context, _key):
    raise ssl.SSLError(1, "no such group")


@pytest.mark.parametrize(
    ("links", "make"),
    [
        (tls.COMING, lambda trust: trust.server_context()),
        (tls.GOING, lambda trust: trust.client_context(CLIENT.device)),
        (tls.PAIRING_LINKS, lambda trust: trust.pairing_context()),
    ],
)
def test_a_context_that_cannot_be_made_is_told_once_and_its_end_too(monkeypatch, links, make):
    trust = trust_of(SERVER, CLIENT)
    for fails, found in (
        (exhausted, Unprepared(links, "Too many open files", descriptors=True)),
        (outdated, Unprepared(links, "no such group", descriptors=False)),
    ):
        monkeypatch.setattr(tls, "_show_certificate", fails)
        for _ in range(3):
            with pytest.raises(tls.NoContext, match=found.why):
                make(trust)
        assert told(trust)[-1] == TrustSeen((), (found,))
    assert links in repr(trust)
    monkeypatch.undo()
    assert make(trust) is make(trust)
    assert told(trust)[-1] == TrustSeen((), ())
    assert len(told(trust)) == 3


def test_one_that_cannot_be_made_says_nothing_of_another(monkeypatch):
    trust = trust_of(SERVER, CLIENT)
    with monkeypatch.context() as patch:
        patch.setattr(tls, "_show_certificate", exhausted)
        for make in (trust.server_context, trust.pairing_context):
            with pytest.raises(tls.NoContext):
                make()
    trust.pairing_context()
    assert [each.links for each in told(trust)[-1].unprepared] == [tls.COMING]


def test_who_is_no_member_is_no_fault_of_ours():
    trust = trust_of(SERVER, CLIENT)
    with pytest.raises(KeyError):
        trust.client_context(OTHER.device)
    assert told(trust) == []


# -- the book --------------------------------------------------------------------------------------
def test_a_knock_is_known_by_its_member_and_by_nobody_else():
    book = trust_of(SERVER, CLIENT, OTHER).book
    secret = trust_of(CLIENT, SERVER).book.secret(SERVER.device)
    challenge, nonce = b"c" * 16, b"n" * 16
    heard = knock.Knock(
        knock.KnockKind.MEMBER, nonce=nonce, proof=knock.proof_of(secret, challenge, nonce)
    )
    assert book.who_knocked(challenge, heard) == CLIENT.device
    assert book.who_knocked(b"d" * 16, heard) is None
    assert trust_of(SERVER, OTHER).book.who_knocked(challenge, heard) is None


def test_we_are_never_in_our_own_book():
    book = trust_of(SERVER, SERVER, CLIENT).book
    assert SERVER.device not in book
    assert CLIENT.device in book


def test_a_new_book_keeps_what_did_not_change_and_nothing_else():
    trust = trust_of(SERVER, CLIENT, OTHER)
    before = trust.book
    kept, context = before.secret(CLIENT.device), before.client_context(CLIENT.device)
    before.secret(OTHER.device)
    server_context = before.server_context
    trust.trust([member_of(CLIENT)])
    assert trust.book is not before
    assert trust.book.secret(CLIENT.device) is kept
    assert trust.book.client_context(CLIENT.device) is context
    assert trust.book.server_context is not server_context
    assert OTHER.device not in trust.book._secrets
    with pytest.raises(KeyError):
        trust.book.client_context(OTHER.device)


def test_a_member_whose_key_is_none_shares_no_secret_and_hides_nobody() -> None:
    me, ghost, friend = new_key(1), new_key(2), new_key(3)
    members = [Member(ghost.device, ghost.certificate, bytes(32)), member_of(friend)]
    book = tls.TrustBook(me, members)
    with pytest.raises(KeyError):
        book.secret(ghost.device)
    said = knock.member_knock(book.secret(friend.device), bytes(16), bytes(16))
    heard = knock.KnockReader().feed(said)
    assert heard is not None
    assert book.who_knocked(bytes(16), heard) == friend.device
