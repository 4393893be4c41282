"""A removed member: cut off at once, and nothing that it or an accomplice shows brings it back.

Strategy: two honest daemons, a member that is removed and another that helps it: the accomplice is
a member still, so whatever the removed one signs, old or dated back, is shown to the honest ones on
its link. The proofs: where `GroupStanding.stands` says yes to all, a statement dated back lets
somebody in; where the doors go on trusting whoever they trusted once, a removed device gets in
again.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from potluck.core.group.admission import Joiner
from potluck.core.group.statements import Remove, admit, read_statement
from potluck.core.keys.identity import DeviceKey
from potluck.core.keys.sealing import seal_to
from potluck.core.wire.catalogue import (
    PAIRING,
    Beacon,
    Cause,
    FileAsk,
    LinkKind,
    PairVerdict,
    RosterRecord,
    RosterRecords,
    Unknown,
    encode,
    encode_frame,
)
from potluck.shells.bulk.serving import ROOM
from potluck.shells.links.dialling import DialRequest, NoLink, open_link
from potluck.shells.links.knock import CHALLENGE_BYTES, WELCOME, introduction_knock, member_knock
from potluck.shells.links.segments import Segments
from potluck.shells.links.tls import CurrentTrust
from tests.devices import free_port, one_ring, until
from tests.fair_time import PATIENCE, FairTime, at_least
from tests.figures import record
from tests.hostile.daemons import HOST, Daemon, Pair
from tests.hostile.rogue import WAIT_S, Control, Deaf, Rogue, deadline
from tests.hostile.sharer import Sharer

CUT_S = 2.0  # promised: S7


class DatedBack(Daemon):
    """A daemon for which all that a removed device signs stands."""

    program = ("tests.hostile.unguarded", "removals", "--")


class Trusting(Daemon):
    """A daemon for which whoever was a member once is one for ever."""

    program = ("tests.hostile.unguarded", "trust", "--")


@contextmanager
def company(base: Path, kind: type[Daemon]) -> Iterator[tuple[Daemon, Daemon, Rogue, Rogue]]:
    """The founder, another honest member, one that will be removed, and its accomplice."""
    discovery_port = free_port()
    with ExitStack() as held:
        pair = [kind(base / label, label) for label in ("alder", "birch")]
        for device in pair:
            device.begin(discovery_port)
            held.callback(device.close)
        until(lambda: one_ring(*pair), pair[0].said)
        rogues = []
        for label in ("rogue", "accomplice"):
            rogues.append(Rogue(label, Pair(base, discovery_port, *pair)))
            held.callback(rogues[-1].close)
        rogue, accomplice = rogues
        if rogue.roster.founder != rogue.device_of(pair[0]):
            pair.reverse()
        yield pair[0], pair[1], rogue, accomplice


def labels(device: Daemon) -> set[str]:
    return {each["label"] for each in device.state().get("devices", [])}


def control(held: ExitStack, rogue: Rogue, device: Daemon) -> Control:
    """A control link, which is closed with the test."""
    link = rogue.control(device)
    held.callback(link.close)
    return link


def gets_in(rogue: Rogue, device: Daemon) -> bool:
    """Whether a link of a member can be opened."""
    request = DialRequest(rogue.device_of(device), device.address, LinkKind.CONTROL)
    try:
        link = open_link(rogue.standing, request, deadline(), Segments())
    except (NoLink, OSError, EOFError):
        return False
    link.stream.close()
    return True


def refused(device: Daemon) -> int:
    """How many datagrams a device could not use."""
    count: int = device.state()["counters"].get("datagrams refused", 0)
    return count


def refused_more(device: Daemon, before: int) -> bool:
    return refused(device) > before


def dated_back(rogue: Rogue, label: str) -> RosterRecords:
    """An admission that the removed device signs now, and might have signed before."""
    ghost = DeviceKey(os.urandom(64))
    roster = rogue.roster
    made = admit(rogue.key, roster.group, ghost.certificate, ghost.sealing_public, label)
    return RosterRecords([made])


pytestmark = pytest.mark.full


def test_a_removed_member_is_out_and_stays_out(tmp_path: Path, record_property: Any) -> None:
    with company(tmp_path, Daemon) as (alder, birch, rogue, accomplice), ExitStack() as held:
        until(lambda: labels(birch) >= {"rogue", "accomplice"}, birch.said)
        links = [control(held, rogue, device) for device in (alder, birch)]
        old = RosterRecords(rogue.roster.records())
        began = time.monotonic()
        alder.client.act("remove", {"name": "rogue"})
        for link in links:
            assert link.ended.wait(at_least(CUT_S) * PATIENCE), "it is not cut off"
        record_property("S7 seconds until both cut it off", time.monotonic() - began)
        heard = [m for m in links[0].heard if isinstance(m, RosterRecords)]
        said = [read_statement(record) for message in heard for record in message.records]
        assert any(isinstance(act, Remove) and act.device == rogue.key.device for act in said)
        ways = [control(held, accomplice, device) for device in (alder, birch)]
        for way in ways:
            way.say(old, dated_back(rogue, "ghost"))
            assert way.answers()
        for device in (alder, birch):
            assert labels(device) == {"alder", "birch", "accomplice"}
            assert not gets_in(rogue, device)
            before = refused(device)
            rogue.datagram(encode(Beacon(1, 1, bytes(8), 1)), device)
            until(partial(refused_more, device, before), device.said)
        for device in (alder, birch):
            device.again()
        until(lambda: one_ring(alder, birch), alder.said)
        for device in (alder, birch):
            assert "rogue" not in labels(device)
            assert not gets_in(rogue, device)


class Watched:
    """Links that are only held open, each with a thread that notes when it ends."""

    def __init__(self) -> None:
        self.ended_s: list[float] = []
        self._threads: list[threading.Thread] = []

    def hold(self, sock: socket.socket) -> None:
        """Keep one, and read until its end."""
        self._threads.append(threading.Thread(target=self._read, args=(sock,), daemon=True))
        self._threads[-1].start()

    def _read(self, sock: socket.socket) -> None:
        sock.settimeout(WAIT_S)
        with suppress(OSError):
            while sock.recv(4096):
                pass
        self.ended_s.append(time.monotonic())

    def __len__(self) -> int:
        return len(self._threads)

    @property
    def over(self) -> bool:
        """Whether all have ended."""
        return len(self.ended_s) == len(self)


def hold_all_links(held: ExitStack, rogue: Rogue, device: Daemon, watched: Watched) -> None:
    """Open as many links of each kind as there is room for; one sends drop by drop."""
    links = [rogue.open(device, kind) for kind, (_, each) in ROOM.items() for _ in range(each)]
    links[0].sock.sendall(encode_frame(FileAsk(bytes(32), [0]))[:5])
    for link in links:
        held.callback(link.close)
        watched.hold(link.sock)
    half = held.enter_context(socket.create_connection((HOST, device.port), WAIT_S))
    secret = rogue.standing.book.secret(rogue.device_of(device))
    half.sendall(member_knock(secret, half.recv(16), os.urandom(16)))
    watched.hold(half)


def test_every_link_of_a_removed_member_ends_at_once(tmp_path: Path) -> None:
    with company(tmp_path, Daemon) as (alder, birch, rogue, _), ExitStack() as held:
        devices, watched = (alder, birch), Watched()
        until(lambda: "rogue" in labels(birch), birch.said)
        sharer = Sharer(rogue, *devices)
        held.callback(sharer.close)
        sharer.share({b"a": b"bait"})
        for device in devices:
            until((device.folder / "Shared/rogue/a").exists, device.said)
        assert rogue.serving, "they keep a link for the next file"
        for device in devices:
            hold_all_links(held, rogue, device, watched)
        assert not watched.ended_s
        with FairTime() as clock:
            alder.client.act("remove", {"name": "rogue"})
            until(lambda: all("rogue" not in labels(device) for device in devices), birch.said)
            listed_s = clock.spent()
            controls = [link.ended for link in sharer.links]
            until(
                lambda: (
                    watched.over and not rogue.serving and all(ended.is_set() for ended in controls)
                ),
                alder.said,
            )
            cut_s = clock.spent()
        record(
            "S7",
            f"{len(watched) + len(controls)} idle or half open links ended within {cut_s:.2f} s "
            f"of the act, out of both members' lists after {listed_s:.2f} s",
            held=max(cut_s, listed_s) <= CUT_S,
        )
        assert cut_s <= at_least(CUT_S)
        assert listed_s <= at_least(CUT_S)


def introduced(rogue: Rogue, device: Daemon, chain: list[RosterRecord]) -> bool:
    """Show a chain of admissions at the door; return whether it is said to be good."""
    entry = rogue.roster.members[rogue.device_of(device)]
    sealed = seal_to(entry.sealing, os.urandom(32), b"introduction", encode(chain))
    with socket.create_connection((HOST, device.port), WAIT_S) as sock:
        sock.recv(CHALLENGE_BYTES)
        sock.sendall(introduction_knock(sealed))
        return sock.recv(1) == WELCOME


def admitted_by(accomplice: Rogue, key: DeviceKey) -> list[RosterRecord]:
    """A whole chain that ends in what the accomplice signs for that key."""
    roster = accomplice.roster
    said = admit(accomplice.key, roster.group, key.certificate, key.sealing_public, "rogue")
    return [*roster.chain(accomplice.key.device), said]


def verdict(rogue: Rogue, device: Daemon, *, by_code: bool) -> PairVerdict:
    """Ask to be let in once more, with the own key; return what was said."""
    request = DialRequest(None, device.address, LinkKind.PAIRING)
    stream = open_link(rogue.standing, request, deadline(), Segments()).stream
    try:
        joiner = Joiner(rogue.key, "another", os.urandom(16), by_code=by_code)
        said = joiner.begin()
        while True:
            for message in said:
                stream.send(message)
            heard = stream.receive(PAIRING, WAIT_S)
            assert not isinstance(heard, Unknown)
            if isinstance(heard, PairVerdict):
                return heard
            said = joiner.hear(heard)
    finally:
        stream.close()


def test_no_accomplice_and_no_certificate_brings_a_removed_member_back(tmp_path: Path) -> None:
    with company(tmp_path, Daemon) as (alder, birch, rogue, accomplice), ExitStack() as held:
        until(lambda: labels(birch) >= {"rogue", "accomplice"}, birch.said)
        old = rogue.roster.chain(rogue.key.device)
        assert introduced(rogue, alder, old), "the proof: a member that does so is welcome"
        alder.client.act("remove", {"name": "rogue"})
        until(lambda: "rogue" not in labels(alder) | labels(birch), birch.said)
        anew = DeviceKey(rogue.key.secret[:32] + os.urandom(32))
        assert anew.device == rogue.key.device
        assert anew.certificate != rogue.key.certificate
        chains = [old, *(admitted_by(accomplice, key) for key in (rogue.key, anew))]
        keys = rogue.key, anew
        for device in (alder, birch):
            way = control(held, accomplice, device)
            for chain in chains:
                assert not introduced(rogue, device, chain)
                way.say(RosterRecords(chain))
            assert way.answers()
            for key in keys:
                rogue.key = key
                rogue.standing = CurrentTrust(key, rogue.instance, Deaf())
                rogue.trust()
                assert not gets_in(rogue, device)
                for by_code in (False, True):
                    said = verdict(rogue, device, by_code=by_code)
                    assert (said.admitted, said.cause) == (False, Cause.REMOVED)
                    assert "rogue was removed from this group; its machine" in said.reason
            assert labels(device) == {"alder", "birch", "accomplice"}


@pytest.mark.proof
def test_without_the_guard_what_is_dated_back_lets_somebody_in(tmp_path: Path) -> None:
    with company(tmp_path, DatedBack) as (alder, _, rogue, accomplice), ExitStack() as held:
        alder.client.act("remove", {"name": "rogue"})
        until(lambda: "rogue" not in labels(alder), alder.said)
        way = control(held, accomplice, alder)
        way.say(dated_back(rogue, "ghost"))
        until(lambda: "ghost" in labels(alder), alder.said)


@pytest.mark.proof
def test_where_the_doors_forget_nobody_a_removed_device_gets_in_again(tmp_path: Path) -> None:
    with company(tmp_path, Trusting) as (alder, _, rogue, _accomplice):
        alder.client.act("remove", {"name": "rogue"})
        until(lambda: "rogue" not in labels(alder), alder.said)
        assert gets_in(rogue, alder)
