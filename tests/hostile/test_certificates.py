"""Certificates in another writing: a stranger at the open door shows them, a member admits them.

Strategy: every writing in tests/core/keys/reencodings.py that a library can read as a device's
certificate, those first that OpenSSL cannot load as a trust anchor. The oracle: nobody is admitted,
what a stranger tried is told, and *new* links are made, since those that are open feel nothing. The
proofs run the same against daemons whose guards are off (unguarded.py): then somebody is admitted,
and without the second guard no link can be made any more.
"""

from __future__ import annotations

import os
import ssl
import warnings
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import pytest

from potluck.core.group.admission import Joiner, JoinerState
from potluck.core.group.statements import Admit
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import (
    PAIRING,
    Bye,
    LinkKind,
    PairingMessage,
    PairVerdict,
    RosterRecord,
    RosterRecords,
    encode,
)
from potluck.shells.links import tls
from potluck.shells.links.dialling import DialRequest, NoLink, open_link
from potluck.shells.links.segments import Segments
from potluck.shells.links.stream import Stream
from tests.core.keys.reencodings import is_read, reencodings
from tests.devices import one_ring, until
from tests.hostile import daemons
from tests.hostile.daemons import Daemon, Pair
from tests.hostile.rogue import WAIT_S, Control, Deaf, Rogue, deadline

LABEL = "crooked"
CHUNK = 20  # records in a message: far below a control frame
AT_THE_DOOR = 12  # pairings; each has its own connection
OWNER = DeviceKey(os.urandom(64))


@cache
def crooked() -> list[bytes]:
    """What a library reads as OWNER's certificate; first what OpenSSL does not load."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of serial numbers
        read = [bad for _, bad in reencodings(OWNER) if is_read(bad)]
    return sorted(read, key=loads)


def loads(certificate: bytes) -> bool:
    """Whether OpenSSL takes it for an anchor."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=certificate)
    except ssl.SSLError:
        return False
    return True


def test_some_of_them_would_be_anchors_that_do_not_load() -> None:
    assert len(crooked()) >= 200
    assert not loads(crooked()[0])
    assert loads(OWNER.certificate)


# -- a stranger ------------------------------------------------------------------------------------
def showing(certificate: bytes) -> DeviceKey:
    """OWNER, with that certificate for its own."""
    key = DeviceKey(OWNER.secret)
    vars(key)["certificate"] = certificate
    return key


def is_let_in(daemon: Daemon, key: DeviceKey, label: str = LABEL) -> bool:
    """Ask at the open door; whether the answer is yes."""
    trust = tls.CurrentTrust(key, os.urandom(16), Deaf())
    request = DialRequest(None, daemon.address, LinkKind.PAIRING)
    stream = until(lambda: reached(trust, request))
    try:
        return converses(stream, Joiner(key, label, os.urandom(16)))
    except (OSError, EOFError):  # the door was closed on it
        return False
    finally:
        stream.close()


def reached(trust: tls.CurrentTrust, request: DialRequest) -> Stream | None:
    """A pairing link, unless the doorway is full just now."""
    with suppress(NoLink):
        return open_link(trust, request, deadline(), Segments()).stream
    return None


def converses(stream: Stream, joiner: Joiner) -> bool:
    """Say what a joiner says; whether the verdict is yes."""
    for message in joiner.begin():
        stream.send(message)
    while True:
        heard = stream.receive(PAIRING, WAIT_S)
        if isinstance(heard, Bye):
            return False
        assert isinstance(heard, PairingMessage)
        for answer in joiner.hear(heard):
            stream.send(answer)
        if isinstance(heard, PairVerdict):
            return heard.admitted
        if joiner.state is JoinerState.OFFERED:
            for answer in joiner.want():
                stream.send(answer)


def labels(daemon: Daemon) -> list[str]:
    return [device["label"] for device in daemon.state()["devices"]]


def crooked_ones(daemon: Daemon) -> list[str]:
    return [label for label in labels(daemon) if label.startswith(LABEL)]


def links_anew(rogue: Rogue, pair: Pair) -> None:
    """Whoever is a member can make a new link to each of them."""
    for device in pair.devices:
        rogue.control(device).close()


def test_a_stranger_with_such_a_certificate_is_not_let_in(attacked: Pair, rogue: Rogue) -> None:
    for certificate in crooked()[:AT_THE_DOOR]:
        assert not is_let_in(attacked.a, showing(certificate))
    until(lambda: "pairing_failed" in attacked.a.codes(), attacked.said)
    assert [crooked_ones(device) for device in attacked.devices] == [[], []]
    links_anew(rogue, attacked)


def test_the_door_is_open_all_the_time(attacked: Pair) -> None:
    """So what is refused above is not refused for another reason."""
    assert not is_let_in(attacked.a, showing(b""))
    assert is_let_in(attacked.a, DeviceKey(os.urandom(64)), "straight")


# -- a member --------------------------------------------------------------------------------------
def admission(rogue: Rogue, certificate: bytes) -> RosterRecord:
    """A member admits OWNER, with that certificate."""
    body = encode(Admit(rogue.roster.group, certificate, OWNER.sealing_public, LABEL))
    return RosterRecord(body, rogue.key.device, rogue.key.sign(b"roster", body))


def admits(link: Control, rogue: Rogue, certificates: list[bytes]) -> None:
    """Have it say so, and wait until all was heard."""
    records = [admission(rogue, certificate) for certificate in certificates]
    for at in range(0, len(records), CHUNK):
        link.say(RosterRecords(records[at : at + CHUNK]))
    assert link.answers()


def test_a_member_that_admits_such_a_certificate_admits_nobody(
    attacked: Pair, rogue: Rogue, link: Control
) -> None:
    admits(link, rogue, crooked())
    assert [crooked_ones(device) for device in attacked.devices] == [[], []]
    links_anew(rogue, attacked)


# -- the proofs ------------------------------------------------------------------------------------
def is_told(daemon: Daemon, code: str) -> bool:
    return code in daemon.codes()


@pytest.mark.full
@pytest.mark.proof
def test_without_the_first_guard_it_is_admitted_and_the_second_keeps_the_links(
    tmp_path: Path,
) -> None:
    with daemons.pair(tmp_path, "canonical") as pair:
        rogue = Rogue("rogue", pair)
        assert is_let_in(pair.a, showing(crooked()[0]))
        for device in pair.devices:
            until(partial(crooked_ones, device), pair.said)
            until(partial(is_told, device, "certificate_unusable"), pair.said)
        links_anew(rogue, pair)
        pair.unharmed()
        troubles = pair.a.state()["troubles"]
        assert [one["subject"] for one in troubles] == [LABEL], troubles
        rogue.close()


@pytest.mark.full
@pytest.mark.proof
def test_without_both_nobody_can_make_a_link_and_with_them_that_is_over(tmp_path: Path) -> None:
    with daemons.pair(tmp_path, "canonical", "anchors") as pair:
        rogue = Rogue("rogue", pair)
        link = rogue.control(pair.a)
        admits(link, rogue, crooked()[:1])
        until(lambda: all(crooked_ones(device) for device in pair.devices), pair.said)
        request = DialRequest(rogue.device_of(pair.a), pair.a.address, LinkKind.CONTROL)
        with pytest.raises(NoLink):
            open_link(rogue.standing, request, deadline(), Segments())
        until(lambda: is_told(pair.a, "tls_unprepared"), pair.said)
        link.close()
        rogue.close()
        for device in pair.devices:
            device.again()
        until(lambda: one_ring(*pair.devices), pair.said)
        assert [crooked_ones(device) for device in pair.devices] == [[], []]
        pair.unharmed()
