"""Attacks on one guard each: with the guard they achieve nothing, without it they do.

Strategy: an attack is a function of an honest pair and a rogue that it has let in; it returns
whether it achieved what it is after, and looks no longer than it takes. Each is made against a pair
with all guards and against one without that guard (unguarded.py).
"""

from __future__ import annotations

import itertools
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.keys.sealing import MAGIC, OVERHEAD_BYTES
from potluck.core.wire.catalogue import (
    Beacon,
    Envelope,
    Heads,
    Holding,
    Kept,
    ManifestAsk,
    Solicit,
    Status,
    Update,
    encode,
)
from potluck.core.wire.catalogue import Folder as Manifest
from potluck.shells.links import tls
from tests.hostile import daemons
from tests.hostile.daemons import HOST, Pair
from tests.hostile.rogue import Rogue, heads_of
from tests.hostile.sharer import Sharer
from tests.hostile.test_control_links import record_of
from tests.hostile.test_strangers import (
    bare_context,
    captured_beacons,
    connect,
    is_answered,
    member_knocks,
    udp,
)

pytestmark = pytest.mark.full
SHOWS_S = 4.0  # an attack that works shows by then on a machine that is not busy
PROOF_S = 30.0  # a proof ends as soon as it shows
MOMENT_S = 0.5
CROWD = 200
MANY = 80  # at once: ten times what one address may have, and what is accepted in one turn
QUESTIONS = 300
GIANT_BYTES = 48 * limits.MIB


def shows(condition: Callable[[], object], seconds: float | None = None) -> bool:
    """Whether something becomes true in a while."""
    end_s = time.monotonic() + (SHOWS_S if seconds is None else seconds)
    while time.monotonic() < end_s:
        if condition():
            return True
        time.sleep(0.02)
    return False


def stays_open(sock: socket.socket, seconds: float = MOMENT_S) -> bool:
    """Whether the other side waits for more."""
    sock.settimeout(seconds)
    try:
        while sock.recv(4096):
            pass
    except TimeoutError:
        return True
    except OSError:
        return False
    return False


# -- strangers -------------------------------------------------------------------------------------
def answers_without_end(pair: Pair, _rogue: Rogue) -> bool:
    """Have the pair answer more than it is asked to bear."""
    with udp() as sock:
        begun_s, answers = time.monotonic(), 0
        for _ in range(QUESTIONS):
            sock.sendto(encode(Solicit(os.urandom(16), bytes(512))), (HOST, pair.a.port))
            time.sleep(0.001)
        sock.settimeout(MOMENT_S)
        with suppress(TimeoutError):
            while sock.recv(2000):
                answers += 1
        spent_s = time.monotonic() - begun_s
    return answers > 2 * limits.ANSWERS_PER_S * (spent_s + 1)


def crowded(pair: Pair, _rogue: Rogue) -> bool:
    """Stand in the doorway, all of us at once; where we were too loud, again when we are heard."""
    return shows(lambda: is_crowded(pair))


def is_crowded(pair: Pair) -> bool:
    """Whether a crowd that comes now stands in the doorway."""
    descriptors = Path(f"/proc/{pair.a.process.pid}/fd")
    before = len(os.listdir(descriptors))
    with ExitStack() as held:
        for _ in range(CROWD):
            with suppress(OSError):
                held.enter_context(connect(pair.a))
            if len(os.listdir(descriptors)) > before + MANY:
                return True
        return shows(lambda: len(os.listdir(descriptors)) > before + MANY, limits.KNOCK_S)


def half_a_knock(pair: Pair, _rogue: Rogue) -> bool:
    """Begin to knock and stay."""
    with connect(pair.a) as sock:
        sock.sendall(b"K" + bytes(20))
        return stays_open(sock, limits.KNOCK_S + 2.0)


def a_beacon_without_the_key(pair: Pair, rogue: Rogue) -> bool:
    """Ask in the name of a member."""
    asks = encode(Beacon(1, 1, bytes(8), 1, ask=True))
    envelope = encode(Envelope(rogue.key.device, os.urandom(16), 1, msgspec.Raw(asks)))
    with udp() as sock:
        sock.sendto(MAGIC.ljust(OVERHEAD_BYTES, b"\0") + envelope, (HOST, pair.a.port))
        return is_answered(sock)


def a_beacon_once_more(pair: Pair, rogue: Rogue) -> bool:
    """Say again what a member said."""
    question, _ = captured_beacons(pair, rogue)
    with udp() as sock:
        sock.sendto(question, (HOST, pair.a.port))
        return is_answered(sock)


# -- TLS -------------------------------------------------------------------------------------------
def old_tls(pair: Pair, rogue: Rogue) -> bool:
    """Agree on a TLS that shows certificates to everybody who listens."""
    context = bare_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    tls._show_certificate(context, rogue.key)
    sock = member_knocks(rogue, pair.a)
    with sock, suppress(ssl.SSLError, ConnectionError), context.wrap_socket(sock) as secured:
        return secured.version() == "TLSv1.2"
    return False


def another_protocol(pair: Pair, rogue: Rogue) -> bool:
    """Speak another protocol than potluck's."""
    context = bare_context()
    context.set_alpn_protocols(["h2"])
    tls._show_certificate(context, rogue.key)
    return is_let_in(context, member_knocks(rogue, pair.a))


def as_another_member(pair: Pair, rogue: Rogue) -> bool:
    """Knock as one member and be another one."""
    other = Rogue(f"{rogue.label}-other", pair)
    context = bare_context()
    tls._show_certificate(context, other.key)
    return is_let_in(context, member_knocks(rogue, pair.a))


def is_let_in(context: ssl.SSLContext, sock: socket.socket) -> bool:
    """Whether the handshake is followed by patience."""
    with sock, suppress(ssl.SSLError, ConnectionError), context.wrap_socket(sock) as secured:
        return stays_open(secured)
    return False


# -- members ---------------------------------------------------------------------------------------
def a_head_of_somebody_else(pair: Pair, rogue: Rogue) -> bool:
    """Sign for another owner, and be asked for its files."""
    rogue.asked.clear()
    rogue.listen(pair.a)
    control = rogue.control(pair.a)
    head = heads_of(rogue.key, [record_of(b"x")], 9)
    owner = rogue.device_of(pair.b)

    def is_asked() -> bool:
        control.say(Heads([replace(head, owner=owner, generation=9)]))
        control.say(Kept([Holding(owner, Manifest.OWN, 9, 9, 0, 0)]))
        return any(isinstance(one, ManifestAsk) for one in rogue.asked)

    try:
        return shows(is_asked)
    finally:
        control.close()


def the_leave_of_somebody_else(pair: Pair, rogue: Rogue) -> bool:
    """Say that another node has left."""
    control, other = rogue.control(pair.a), rogue.control(pair.b)
    record = other.record()
    incarnations = itertools.count(record.incarnation + 5, 5)  # it will say that it is there

    def is_believed() -> bool:
        left = replace(record, status=Status.LEFT, incarnation=next(incarnations))
        control.say(Update([left], b""))
        return pair.a.of() not in {0, len(pair.devices)}

    try:
        return shows(is_believed)
    finally:
        control.close()
        other.close()


def a_giant_frame(pair: Pair, rogue: Rogue) -> bool:
    """Fill the memory with one frame."""
    control = rogue.control(pair.a)
    before = pair.a.memory_bytes
    control.raw((1 << 31).to_bytes(4, "big"))
    try:
        for _ in range(GIANT_BYTES // limits.MIB):
            control.raw(bytes(limits.MIB))
        return shows(lambda: pair.a.memory_bytes - before > GIANT_BYTES // 2, MOMENT_S)
    finally:
        control.close()


class Liar(Sharer):
    """Sends other bytes than it promised."""

    def content(self, root: bytes) -> bytes:
        """As many, at least."""
        return b"liar!"[: len(self.contents[root])]


def wrong_bytes(pair: Pair, rogue: Rogue) -> bool:
    """Send other bytes than were promised."""
    liar = Liar(rogue, pair.a)
    liar.share({b"promised": b"good"})
    copy = pair.a.folder / "Shared" / rogue.label / "promised"
    try:
        return shows(lambda: copy.exists() and copy.read_bytes() == b"liar")
    finally:
        liar.close()


ATTACKS: dict[str, Callable[[Pair, Rogue], bool]] = {
    "answers": answers_without_end,
    "doorway": crowded,
    "deadline": half_a_knock,
    "sealing": a_beacon_without_the_key,
    "windows": a_beacon_once_more,
    "tls": old_tls,
    "alpn": another_protocol,
    "peer": as_another_member,
    "frames": a_giant_frame,
    "bytes": wrong_bytes,
}
SIGNED = {"head": a_head_of_somebody_else, "leave": the_leave_of_somebody_else}


@pytest.mark.parametrize("attack", [*ATTACKS.values(), *SIGNED.values()], ids=[*ATTACKS, *SIGNED])
def test_with_its_guard_an_attack_achieves_nothing(
    attacked: Pair, attack: Callable[[Pair, Rogue], bool]
) -> None:
    rogue = Rogue(f"guarded-{time.monotonic_ns() % 10**6}", attacked)
    try:
        assert not attack(attacked, rogue)
    finally:
        rogue.close()


def achieved(base: Path, guard: str, attack: Callable[[Pair, Rogue], bool]) -> bool:
    """What an attack achieves without that guard."""
    with daemons.pair(base, guard) as pair:
        rogue = Rogue("rogue", pair)
        try:
            return attack(pair, rogue)
        finally:
            rogue.close()


@pytest.mark.proof
@pytest.mark.parametrize("guard", ATTACKS)
def test_without_its_guard_it_does(
    tmp_path: Path, guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SHOWS_S", PROOF_S)
    assert achieved(tmp_path, guard, ATTACKS[guard])


@pytest.mark.proof
@pytest.mark.parametrize("attack", SIGNED.values(), ids=SIGNED)
def test_where_no_signature_is_looked_at_it_does(
    tmp_path: Path, attack: Callable[[Pair, Rogue], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SHOWS_S", PROOF_S)
    assert achieved(tmp_path, "signatures", attack)
