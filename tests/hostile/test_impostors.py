"""Impostors: who answers a code that it does not know is unmasked, and gets no member.

Strategy: a rogue says to every question that an invite of its own is in force. A real device beside
it types its code by the program's own `join --stdin`. The rogue says yes without a proof, or proves
what it does not know; the person must be told that somebody else answers, by exit code 4 as well,
and the device must be in no other group. The proof: where nobody looks whether a code was proved,
the device sits in the rogue's group. Limits: the rogue is a few threads of the test.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError, Untrusted
from potluck.core.group.admission import Doorkeeper
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code
from potluck.core.group.founding import tag_of
from potluck.core.group.roster import Roster
from potluck.core.group.statements import admit, found
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import (
    CLEAR,
    PAIRING,
    Message,
    Offer,
    PairConsent,
    PairProof,
    PairShare,
    Solicit,
    encode,
)
from potluck.shells.links import tls
from potluck.shells.links.hello import accept_hello, hear_hello
from potluck.shells.links.stream import Stream
from tests.devices import ROOT, free_port
from tests.hostile.daemons import TRACEBACK
from tests.hostile.rogue import WAIT_S
from tests.hostile.test_closed_door import Closed
from tests.hostile.test_codes import SystemChance

pytestmark = [pytest.mark.full, pytest.mark.hostile, pytest.mark.timeout(120)]

ROGUE_HOST = "127.0.0.2"
CODE = "zebra zero zoo"
GUESS = "able able able"
JOIN_WAIT_S = 60.0


class Impostor:
    """Says that it invites, to whoever asks, and lets in whoever comes."""

    def __init__(self, *, proves: bool) -> None:
        self.proves = proves
        self.key, self.instance = DeviceKey(os.urandom(64)), os.urandom(16)
        self.group = Roster(found(self.key, "Home", "desk", os.urandom(32)))
        self._held = ExitStack()
        self._server = self._held.enter_context(socket.create_server((ROGUE_HOST, 0)))
        self.port = self._server.getsockname()[1]
        self._questions = self._held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._questions.bind((ROGUE_HOST, self.port))
        for work in (self._answer, self._serve):
            threading.Thread(target=work, daemon=True).start()

    def _answer(self) -> None:
        with suppress(OSError, msgspec.MsgspecError):
            while True:
                data, source = self._questions.recvfrom(2000)
                with suppress(ProtocolError):
                    question = CLEAR.decode(data)
                    if isinstance(question, Solicit):
                        said = (question.nonce, tag_of(self.group.group), "", "", self.port, 2)
                        offer = Offer(*said, open=False, invite=True)
                        self._questions.sendto(encode(offer), source)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._server.accept()
                with sock, suppress(OSError, EOFError, ProtocolError):
                    self._welcome(sock)

    def _welcome(self, sock: socket.socket) -> None:
        sock.settimeout(WAIT_S)
        sock.sendall(os.urandom(16))
        sock.recv(1)
        stream = Stream(tls.accept_stranger(sock, tls.pairing_context(), lambda _sock: None))
        with closing(stream):
            accept_hello(stream, hear_hello(stream, pairing=True).link, self.instance)
            _Talk(self, stream).go_on()
            with suppress(TimeoutError):
                stream.receive(PAIRING, WAIT_S)

    def close(self) -> None:
        """Be gone."""
        self._held.close()


class _Talk:
    """One conversation of an impostor with a device that typed a code."""

    def __init__(self, impostor: Impostor, stream: Stream) -> None:
        self.impostor, self.stream = impostor, stream
        self.keeper = Doorkeeper(impostor.key, impostor.group, "desk", os.urandom(16))

    def go_on(self) -> None:
        """Let it in."""
        message = None
        while not isinstance(message, PairConsent):
            message = self.stream.receive(PAIRING, WAIT_S)
            self._say(self._answers(message))
        if self.impostor.proves:
            self._say([PairProof(secrets.token_bytes(limits.CODE_PROOF_BYTES))])
        newcomer = self.keeper.newcomer
        assert newcomer is not None
        group, key = self.impostor.group, self.impostor.key
        certified = newcomer.certificate, newcomer.sealing
        group.add([admit(key, group.group, *certified, newcomer.label)])
        self._say(self.keeper.allow())
        self._say(self.keeper.welcome(group.records()))

    def _answers(self, message: object) -> Sequence[Message]:
        newcomer = self.keeper.newcomer
        if isinstance(message, PairShare) and newcomer is not None:
            words, me = Code(GUESS.split()), self.impostor.key.device
            side = CodeProof(words, newcomer.device, me, SystemChance(), joins=False)
            return [PairShare(side.share)]
        if isinstance(message, PairProof):
            return []
        return [*self.keeper.hear(message)]  # type: ignore[arg-type]

    def _say(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.stream.send(message)


@contextmanager
def beside_an_impostor(base: Path, *unguarded: str, proves: bool) -> Iterator[Closed]:
    """A device in no group that can ask the impostor only."""
    device = Closed(base / "cedar", "cedar")
    if unguarded:
        device.program = ("tests.hostile.unguarded", *unguarded, "--")
    with ExitStack() as held:
        held.callback(device.close)
        impostor = Impostor(proves=proves)
        held.callback(impostor.close)
        device.begin(free_port(), "--peer", f"{ROGUE_HOST}:{impostor.port}")
        yield device
        assert TRACEBACK not in device.said()


def join(device: Closed, *options: str) -> subprocess.CompletedProcess[str]:
    """Type the code at that device."""
    words = [sys.executable, "-m", "potluck", "--home", str(device.home), "join", "--stdin"]
    kept = {name: os.environ[name] for name in ("PATH",)}
    environment = {**kept, "HOME": str(device.home), "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [*words, *options],
        input=CODE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=JOIN_WAIT_S,
        check=False,
    )


def unmasks(device: Closed) -> bool:
    """Whether the device told who answers, and stayed where it was; fails if it did neither."""
    before = device.state()["group"]
    done = join(device)
    if done.returncode == 0:
        return False
    assert done.returncode == Untrusted.exit_code, done.stderr + device.said()
    assert "Somebody else answers for the group: this device has not joined." in done.stderr
    assert "type at the other device: invite" in done.stderr
    assert not any(word in done.stdout + done.stderr + device.said() for word in CODE.split())
    assert device.state()["group"] == before
    return len(device.state()["devices"]) == 1


def test_who_says_yes_without_a_proof_is_unmasked(tmp_path: Path) -> None:
    with beside_an_impostor(tmp_path, proves=False) as device:
        assert unmasks(device)


@pytest.mark.proof
def test_where_a_yes_needs_no_proof_the_device_is_the_impostors(tmp_path: Path) -> None:
    with beside_an_impostor(tmp_path, "proved", proves=False) as device:
        assert not unmasks(device)
        assert len(device.state()["devices"]) == 2


def test_who_proves_what_it_does_not_know_is_unmasked(tmp_path: Path) -> None:
    with beside_an_impostor(tmp_path, proves=True) as device:
        assert unmasks(device)


@pytest.mark.proof
def test_where_any_proof_will_do_the_device_is_the_impostors(tmp_path: Path) -> None:
    with beside_an_impostor(tmp_path, "proofs", proves=True) as device:
        assert not unmasks(device)
        assert len(device.state()["devices"]) == 2
