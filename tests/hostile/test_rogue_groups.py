"""A rogue with the best of all groups, a new one for each question: the newcomer asks others, too.

Strategy: a newcomer and an honest group, all with closed doors, and a rogue that answers every
question with a fresh group of the lowest of tags and much company, and says no to whoever comes.
The proof: where only tags rest, and no hosts, the newcomer never gets to the honest one.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import msgspec
import pytest

from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Doorkeeper
from potluck.core.group.founding import tag_of
from potluck.core.group.roster import Roster
from potluck.core.group.statements import found
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import CLEAR, PAIRING, Cause, Offer, PairReveal, Solicit, encode
from potluck.shells.links import tls
from potluck.shells.links.hello import accept_hello, hear_hello
from potluck.shells.links.stream import Stream
from tests.devices import free_port
from tests.hostile.daemons import HOST, pair, within
from tests.hostile.rogue import WAIT_S
from tests.hostile.test_closed_door import Closed

pytestmark = [pytest.mark.full, pytest.mark.timeout(120)]

ROGUE_HOST = "127.0.0.2"
ASKED_S = 10.0  # the honest member, whoever answers besides
GROUPS = 12  # that are made beforehand; each is in force until it was asked
LOW = 1  # the first byte of their tags is below this: lower than nearly every honest one
MEMBERS = 50
MANY = 3  # groups that are asked one after the other: nobody else has a turn
AT_ONCE = 2 * MANY  # groups: some are left when so many were asked between two questions


class RogueGroups:
    """Answers for group after group, and lets nobody in."""

    def __init__(self) -> None:
        self.key, self.instance, self.asked = DeviceKey(os.urandom(64)), os.urandom(16), 0
        drawn = (Roster(found(self.key, "Home", "desk", os.urandom(32))) for _ in count())
        low = (group for group in drawn if tag_of(group.group)[0] < LOW)
        drawn_low = [next(low) for _ in range(GROUPS)]
        self.groups = sorted(drawn_low, key=lambda group: tag_of(group.group))
        self._held = ExitStack()
        self._server = self._held.enter_context(socket.create_server((ROGUE_HOST, 0)))
        self.port = self._server.getsockname()[1]
        self._questions = self._held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._questions.bind((ROGUE_HOST, self.port))
        for work in (self._answer, self._serve):
            threading.Thread(target=work, daemon=True).start()

    @property
    def group(self) -> Roster:
        """The one that it has now."""
        return self.groups[self.asked % GROUPS]

    def _answer(self) -> None:
        with suppress(OSError, msgspec.MsgspecError):
            while True:
                data, source = self._questions.recvfrom(2000)
                with suppress(ProtocolError):
                    question = CLEAR.decode(data)
                    if isinstance(question, Solicit):
                        for group in self.groups[self.asked : self.asked + AT_ONCE]:
                            said = (question.nonce, tag_of(group.group), "", "", self.port)
                            offer = Offer(*said, MEMBERS, open=False)
                            self._questions.sendto(encode(offer), source)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._server.accept()
                with sock, suppress(OSError, EOFError, ProtocolError, AssertionError):
                    self._refuse(sock)

    def _refuse(self, sock: socket.socket) -> None:
        sock.settimeout(WAIT_S)
        sock.sendall(os.urandom(16))
        assert sock.recv(1) == b"P"
        stream = Stream(tls.accept_stranger(sock, tls.pairing_context(), lambda _sock: None))
        with closing(stream):
            self._talk(stream)

    def _talk(self, stream: Stream) -> None:
        accept_hello(stream, hear_hello(stream, pairing=True).link, self.instance)
        keeper = Doorkeeper(self.key, self.group, "desk", os.urandom(16))
        message = None
        while not isinstance(message, PairReveal):
            message = stream.receive(PAIRING, WAIT_S)
            for answer in keeper.hear(message):  # type: ignore[arg-type]
                stream.send(answer)
        self.asked += 1
        for answer in keeper.deny("no", Cause.DENIED):
            stream.send(answer)
        time.sleep(0.1)  # so that it is read before the connection ends

    def close(self) -> None:
        """Be gone."""
        self._held.close()


@contextmanager
def beside_a_rogue(base: Path, *unguarded: str) -> Iterator[tuple[Closed, RogueGroups]]:
    """A newcomer that can ask the rogue, or a group of two whose doors are closed."""
    newcomer = Closed(base / "cedar", "cedar")
    if unguarded:
        newcomer.program = ("tests.hostile.unguarded", *unguarded, "--")
    with pair(base) as members, ExitStack() as held:
        for device in members.devices:
            device.client.post("/api/v1/door", {"open": False})
        held.callback(newcomer.close)
        rogue = RogueGroups()
        held.callback(rogue.close)
        peers = ("--peer", f"{ROGUE_HOST}:{rogue.port}", "--peer", f"{HOST}:{members.a.port}")
        newcomer.begin(free_port(), *peers)
        yield newcomer, rogue


def asks_the_honest_one(newcomer: Closed) -> bool:
    """Whether it asks the group of two."""
    return HOST in [one["address"] for one in newcomer.state()["requests"]]


def test_who_invents_the_best_groups_has_no_more_than_its_turn(tmp_path: Path) -> None:
    with beside_a_rogue(tmp_path) as (newcomer, rogue):
        within(ASKED_S, lambda: asks_the_honest_one(newcomer), newcomer.said)
        assert rogue.asked <= MANY


@pytest.mark.proof
def test_where_only_groups_rest_nobody_else_is_asked(tmp_path: Path) -> None:
    with beside_a_rogue(tmp_path, "hosts") as (newcomer, rogue):
        within(2 * ASKED_S, lambda: rogue.asked > MANY, newcomer.said)
        assert not asks_the_honest_one(newcomer)
