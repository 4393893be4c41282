"""Who sits in the middle: keys swapped at a relay on the pairing port give two screens other words.

Strategy: one honest device cannot see the other but through a relay, a real server and a real
client with keys of its own on either side. The people look at both screens. The proof: with words
that do not depend on the conversation, both screens show the same, and people would say yes.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Doorkeeper, Joiner
from potluck.core.group.founding import tag_of
from potluck.core.group.roster import Roster
from potluck.core.group.statements import found
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import CLEAR, PAIRING, Address, LinkKind, Offer, Solicit, encode
from potluck.shells.links import tls
from potluck.shells.links.dialling import DialRequest, open_link
from potluck.shells.links.hello import accept_hello, hear_hello, say_hello
from potluck.shells.links.segments import Segments
from potluck.shells.links.stream import Stream
from tests.devices import free_port, until
from tests.fair_time import at_least
from tests.hostile.daemons import HOST, within
from tests.hostile.rogue import WAIT_S, Deaf, deadline
from tests.hostile.test_closed_door import Closed

pytestmark = [pytest.mark.full, pytest.mark.timeout(120)]

SHOWN_S = 10.0  # an honest newcomer's request, whoever asks besides
CROWD = 12  # addresses of a flood: more than people are asked about at once
STANDS_S = 12.0  # so long an honest request stands at least: a little less than is promised


class Relay:
    """Has a group of its own for whoever comes, and comes to the honest door itself."""

    def __init__(self, target: Address) -> None:
        self.target, self.instance = target, os.urandom(16)
        self.key, self.other = DeviceKey(os.urandom(64)), DeviceKey(os.urandom(64))
        self.group = Roster(found(self.key, "Home", "desk", os.urandom(32)))
        self.keeper = Doorkeeper(self.key, self.group, "desk", os.urandom(16))
        self.joiner = Joiner(self.other, "laptop", os.urandom(16))
        self._held = ExitStack()
        self._server = self._held.enter_context(socket.create_server((HOST, 0)))
        self.port = self._server.getsockname()[1]
        self._questions = self._held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._questions.bind((HOST, self.port))
        for work in (self._answer, self._serve, self._come):
            threading.Thread(target=work, daemon=True).start()

    def _answer(self) -> None:
        """Say that there is a closed door here, to whoever asks."""
        with suppress(OSError, msgspec.MsgspecError):
            while True:
                data, source = self._questions.recvfrom(2000)
                with suppress(ProtocolError):
                    question = CLEAR.decode(data)
                    if isinstance(question, Solicit):
                        tag = tag_of(self.group.group)
                        offer = Offer(question.nonce, tag, "", "", self.port, 2, open=False)
                        self._questions.sendto(encode(offer), source)

    def _serve(self) -> None:
        """Be the member that the honest newcomer talks to."""
        with suppress(OSError, EOFError, ProtocolError):
            sock, _ = self._server.accept()
            self._held.enter_context(sock)
            sock.settimeout(WAIT_S)
            sock.sendall(os.urandom(16))
            assert sock.recv(1) == b"P"
            context = tls.pairing_context()
            stream = Stream(tls.accept_stranger(sock, context, lambda _sock: None))
            self._held.callback(stream.close)
            accept_hello(stream, hear_hello(stream, pairing=True).link, self.instance)
            _talk(stream, self.keeper)

    def _come(self) -> None:
        """Be the newcomer that the honest member talks to."""
        standing = tls.CurrentTrust(self.other, self.instance, Deaf())
        with suppress(OSError, EOFError, ProtocolError):
            request = DialRequest(None, self.target, LinkKind.PAIRING)
            stream = open_link(standing, request, deadline(), Segments()).stream
            self._held.callback(stream.close)
            for message in self.joiner.begin():
                stream.send(message)
            _talk(stream, self.joiner)

    def close(self) -> None:
        """Be gone."""
        self._held.close()


def _talk(stream: Stream, side: Doorkeeper | Joiner) -> None:
    end = time.monotonic() + 4 * WAIT_S
    while time.monotonic() < end:
        with suppress(TimeoutError):
            for answer in side.hear(stream.receive(PAIRING, WAIT_S)):  # type: ignore[arg-type]
                stream.send(answer)


@contextmanager
def in_the_middle(base: Path, *unguarded: str) -> Iterator[tuple[Closed, Closed, Relay]]:
    """An honest member, an honest newcomer that sees the relay only, and the relay."""
    member, newcomer = Closed(base / "alder", "alder"), Closed(base / "birch", "birch")
    with ExitStack() as held:
        for device in (member, newcomer):
            held.callback(device.close)
            if unguarded:
                device.program = ("tests.hostile.unguarded", *unguarded, "--")
        member.begin(free_port())
        relay = Relay(member.address)
        held.callback(relay.close)
        newcomer.begin(free_port(), "--peer", f"{HOST}:{relay.port}")
        until(lambda: request_of(member) and request_of(newcomer), newcomer.said)
        yield member, newcomer, relay


def request_of(device: Closed) -> dict[str, Any]:
    """What stands on its screen."""
    requests = device.state().get("requests") or [{}]
    found: dict[str, Any] = requests[0]
    return found


def test_swapped_keys_are_other_words_and_a_no_on_one_side_keeps_all_out(tmp_path: Path) -> None:
    with in_the_middle(tmp_path) as (member, newcomer, relay):
        here, there = request_of(member), request_of(newcomer)
        assert len(here["words"]) == len(there["words"]) == 3
        assert here["words"] != there["words"]
        assert here["id"] != there["id"]
        member.client.act("deny", {"name": here["name"]})
        newcomer.client.act("deny", {"name": there["name"]})
        within(at_least(5), lambda: not (request_of(member) or request_of(newcomer)), member.said)
        within(at_least(5), lambda: relay.joiner.state.name == "REFUSED", member.said)
        for device in (member, newcomer):
            assert len(device.state()["devices"]) == 1, device.said()


@pytest.mark.proof
def test_with_words_that_depend_on_nothing_both_screens_are_the_same(tmp_path: Path) -> None:
    with in_the_middle(tmp_path, "words") as (member, newcomer, _):
        assert request_of(member)["words"] == request_of(newcomer)["words"] != []


@contextmanager
def a_desk(folder: Path, *guards: str) -> Iterator[Closed]:
    """An honest member whose door is closed."""
    device = Closed(folder / "alder", "alder")
    if guards:
        device.program = ("tests.hostile.unguarded", *guards, "--")
    try:
        device.begin(free_port())
        yield device
    finally:
        device.close()


def ask_from(host: str, desk: Closed, label: str) -> Stream | None:
    """A newcomer at that address says everything but its yes."""
    sock = socket.create_connection((HOST, desk.port), WAIT_S, source_address=(host, 0))
    try:
        sock.recv(16)
        sock.sendall(b"P")
        stream = Stream(tls.dial_stranger(sock, tls.newcomer_context()))
        say_hello(stream, LinkKind.PAIRING, b"")
        joiner = Joiner(DeviceKey(os.urandom(64)), label, os.urandom(16))
        (commit,) = joiner.begin()
        stream.send(commit)
        for answer in joiner.hear(stream.receive(PAIRING, WAIT_S)):  # type: ignore[arg-type]
            stream.send(answer)
    except (OSError, EOFError, ProtocolError):
        sock.close()
        return None
    return stream


@contextmanager
def crowd(desk: Closed) -> Iterator[None]:
    """A dozen addresses, each of which asks again as soon as it can."""
    going, held = threading.Event(), list[Stream]()

    def flood() -> None:
        number = 0
        while not going.is_set():
            stream = ask_from(f"127.0.1.{1 + number % CROWD}", desk, f"evil{number}")
            held.extend([] if stream is None else [stream])
            number += 1

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        going.set()
        for thread in threads:
            thread.join(WAIT_S)
        for stream in held:
            stream.close()


def words_of(desk: Closed, name: str) -> list[str]:
    """The words of that request, [] if it is not on the screen."""
    return next((one["words"] for one in desk.state()["requests"] if one["name"] == name), [])


def stands_for_s(desk: Closed) -> float:
    """For how long an honest request stays, once all of the crowd had their turn."""
    seen = set[str]()

    def all_were_shown() -> bool:
        seen.update(one["address"] for one in desk.state()["requests"])
        return len(seen) >= CROWD

    with crowd(desk):
        within(4 * SHOWN_S, all_were_shown, desk.said)
        honest = ask_from("127.0.2.1", desk, "honest")
        assert honest is not None
        within(SHOWN_S, lambda: bool(words_of(desk, "honest")), desk.said)
        words, begun_s = words_of(desk, "honest"), time.monotonic()
        while words_of(desk, "honest") == words and time.monotonic() - begun_s < STANDS_S:
            assert len(desk.state()["requests"]) <= limits.REQUESTS
            time.sleep(0.1)
        stood_s = time.monotonic() - begun_s
        if stood_s >= STANDS_S:
            desk.client.act("approve", {"name": "honest"})
        honest.close()
    return stood_s


def test_in_a_crowd_an_honest_request_is_shown_soon_and_stays(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        assert stands_for_s(desk) >= STANDS_S


@pytest.mark.proof
def test_where_nobody_stays_the_crowd_pushes_it_off(tmp_path: Path) -> None:
    with a_desk(tmp_path, "turns") as desk:
        assert stands_for_s(desk) < STANDS_S
