"""A rogue: one that was really admitted and then says whatever a test wants, on control and bulk
links.

Strategy: the rogue enters through the open door as any newcomer (core/group/admission.py) and opens
links with the real knock, TLS and HELLO; from there on everything is raw. To be asked for content
it listens itself and says so in a sealed beacon; what it answers is a function of the test,
`(request, stream) -> None`.

Guarantees: nothing here is refused for its form, so that whatever a daemon survives it survives by
its own checks. Limits: it never takes a seat, so the ring of the honest does not count it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import msgspec
from msgspec.structs import replace

from potluck.core.content.manifest import (
    BucketTree,
    bucket_hash,
    bucket_of,
    record_digest,
    sign_head,
)
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Joiner, JoinerState
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.keys.sealing import NONCE_BYTES, seal_datagram
from potluck.core.wire.catalogue import (
    BULK_REPLY,
    BULK_REQUEST,
    CONTROL,
    PAIRING,
    Address,
    Beacon,
    Bye,
    Envelope,
    FileRecord,
    Folder,
    Head,
    LinkKind,
    MemberRecord,
    PairNonce,
    Ping,
    Pong,
    Unknown,
    Update,
    encode,
)
from potluck.engine.effects import Member
from potluck.shells.links import tls
from potluck.shells.links.dialling import DialRequest, NoLink, open_link
from potluck.shells.links.hello import accept_hello, hear_hello
from potluck.shells.links.knock import Knock, KnockReader
from potluck.shells.links.segments import Segments
from potluck.shells.links.stream import Stream
from tests.devices import until
from tests.hostile.daemons import HOST, Daemon, Pair

WAIT_S = 20.0  # nothing is promised: a rogue on a busy machine is slow itself
Answers = Callable[[Any, Stream], None]


def _knock(heard: bytes) -> Knock:
    knock = KnockReader().feed(heard)
    assert knock is not None, "half a knock"
    return knock


def deadline() -> float:
    """Until when a handshake may take."""
    return time.monotonic() + WAIT_S


def heads_of(owner: DeviceKey, records: list[FileRecord], seq: int, **others: Any) -> Head:
    """Return the head an honest owner would sign over these records; `others` are lies in it."""
    tree = BucketTree()
    buckets: dict[int, list[bytes]] = {}
    for record in records:
        buckets.setdefault(bucket_of(record.path), []).append(record_digest(record))
    for bucket, digests in buckets.items():
        tree.set(bucket, bucket_hash(b"".join(sorted(digests))))
    head = Head(owner.device, Folder.OWN, 1, seq, len(records), tree.root(), bytes(16))
    return sign_head(replace(head, **others), owner)


class Control:
    """A control link on which anything can be said."""

    def __init__(self, stream: Stream, peer: DeviceId) -> None:
        self.stream = stream
        self.peer = peer
        self.ended = threading.Event()
        self.heard: list[Any] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._lock = threading.Lock()
        self._going = True
        self._thread.start()

    def _listen(self) -> None:
        """Read in short turns, since one OpenSSL object is for one thread at a time."""
        buffer = bytearray()
        while self._going:
            with self._lock:
                self.stream.sock.settimeout(0.002)
                try:
                    data = self.stream.sock.recv(65536)
                except TimeoutError:
                    data = None
                except OSError:
                    break
            if data is None:
                time.sleep(0.002)
                continue
            if not data:
                break
            buffer += data
            while len(buffer) >= 4 and len(buffer) >= (
                end := 4 + int.from_bytes(buffer[:4], "big")
            ):
                with suppress(ProtocolError):
                    self.heard.append(CONTROL.decode(bytes(buffer[4:end])))
                del buffer[:end]
        self.ended.set()

    def ask(self) -> int:
        """Ask for a sign of life; the number of the question."""
        number = int.from_bytes(os.urandom(4))
        self.say(Ping(number, b"", b""))
        return number

    def answered(self, number: int) -> bool:
        """Whether the other side has answered that: it has heard all that was said before it."""
        pongs = [one for one in list(self.heard) if isinstance(one, Pong)]
        return any(one.sequence == number for one in pongs)

    def answers(self, patience_s: float = WAIT_S) -> bool:
        """Wait until the other side answers: it lives, and has heard all that was said so far."""
        number = self.ask()
        return bool(until(lambda: self.answered(number), patience_s=patience_s))

    def raw(self, data: bytes) -> None:
        """Send bytes as they are; a link that was cut meanwhile is no failure of the attack."""
        with self._lock, suppress(OSError):
            self.stream.sock.settimeout(WAIT_S)
            self.stream.sock.sendall(data)

    def body(self, body: bytes) -> None:
        """Send a frame with any body."""
        self.raw(len(body).to_bytes(4, "big") + body)

    def say(self, *messages: object) -> None:
        """Send messages."""
        for message in messages:
            self.body(encode(message))

    def wait_for(self, kind: type) -> Any:
        """Return the newest message of one kind."""
        end = time.monotonic() + WAIT_S
        while not (found := [message for message in list(self.heard) if isinstance(message, kind)]):
            assert time.monotonic() < end, (
                f"no {kind.__name__} in {[type(one).__name__ for one in self.heard]}"
            )
            time.sleep(0.005)
        return found[-1]

    def record(self) -> MemberRecord:
        """Return the newest record heard of the device at the other end."""

        def heard() -> list[MemberRecord]:
            updates = [one for one in list(self.heard) if isinstance(one, Update)]
            return [r for one in updates for r in one.records if r.device == self.peer]

        records: list[MemberRecord] = until(
            heard, lambda: f"no record in {[type(one).__name__ for one in self.heard]}"
        )
        return max(records, key=lambda record: record.incarnation)

    def close(self) -> None:
        """Cut the link without BYE."""
        self._going = False
        self._thread.join(WAIT_S)
        self.stream.close()


class Deaf:
    """Does not care how its links fare."""

    def post(self, item: object, /) -> None:
        """Hear nothing."""


class Rogue:
    """A member with a bad mind."""

    def __init__(self, label: str, pair: Pair) -> None:
        self.key, self.label, self.pair = DeviceKey(os.urandom(64)), label, pair
        self.instance = os.urandom(16)
        self.standing = tls.CurrentTrust(self.key, self.instance, Deaf())
        self.answers: Answers = lambda _request, stream: stream.send({"t": "gone"})
        self.asked: list[Any] = []
        self.serving: set[Stream] = set()  # links that others opened to ask
        self.nonces: list[bytes] = []  # of the pairing, ours and that of whoever let us in
        self._counter = 0
        self._listener: socket.socket | None = None
        self._opened: list[Stream] = []
        self._controls: list[Control] = []
        self.roster = self._enter(pair.a)
        self.trust()

    def _enter(self, device: Daemon) -> Roster:
        """Pair through the open door, as any newcomer; who was too slow for it tries again."""
        end = deadline()
        while True:
            try:
                return self._pair(device)
            except (NoLink, OSError, EOFError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def _pair(self, device: Daemon) -> Roster:
        stream = open_link(
            self.standing,
            DialRequest(None, device.address, LinkKind.PAIRING),
            deadline(),
            Segments(),
        ).stream
        try:
            return self._converse(stream)
        finally:
            stream.close()

    def _converse(self, stream: Stream) -> Roster:
        self.nonces = [os.urandom(16)]
        joiner = Joiner(self.key, self.label, self.nonces[0])
        for message in joiner.begin():
            stream.send(message)
        while joiner.state is not JoinerState.DONE:
            heard = stream.receive(PAIRING, WAIT_S)
            assert not isinstance(heard, Unknown)
            if isinstance(heard, PairNonce):
                self.nonces.append(heard.nonce)
            for answer in joiner.hear(heard):
                stream.send(answer)
            if joiner.state is JoinerState.OFFERED:
                for answer in joiner.want():
                    stream.send(answer)
        return joiner.roster()

    def trust(self) -> None:
        """Take the members of the roster for the group."""
        members = self.roster.members.values()
        self.standing.trust([Member(one.device, one.certificate, one.sealing) for one in members])

    def device_of(self, daemon: Daemon) -> DeviceId:
        """Return the id of an honest daemon."""
        return next(one.device for one in self.roster.members.values() if one.label == daemon.label)

    # -- links -------------------------------------------------------------------------------------
    def open(self, daemon: Daemon, kind: LinkKind) -> Stream:
        """Open a link as a member does; another daemon may not know us yet, so try for a while."""
        end = deadline()
        while True:
            try:
                stream = open_link(
                    self.standing,
                    DialRequest(self.device_of(daemon), daemon.address, kind),
                    deadline(),
                    Segments(),
                ).stream
            except NoLink:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                self._opened.append(stream)
                return stream

    def control(self, daemon: Daemon) -> Control:
        """Open a control link."""
        control = Control(self.open(daemon, LinkKind.CONTROL), self.device_of(daemon))
        self._controls.append(control)
        return control

    def ask(self, stream: Stream, request: object) -> Any:
        """Ask one thing on a bulk link; returns the first reply."""
        stream.send(request)
        return stream.receive(BULK_REPLY, WAIT_S)

    # -- being asked -------------------------------------------------------------------------------
    def listen(self, daemon: Daemon) -> Address:
        """Serve bulk links from now on, and tell a daemon where."""
        if self._listener is None:
            self._listener = socket.create_server((HOST, 0), backlog=64)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        address = Address(HOST, self._listener.getsockname()[1])
        self.datagram(encode(Beacon(address.port, 1, bytes(8), 1)), daemon)
        return address

    def datagram(self, body: bytes, daemon: Daemon, sock: socket.socket | None = None) -> bytes:
        """Send something sealed with the group key, from `sock` if it is given; returns the
        datagram.
        """
        self._counter += 1
        envelope = encode(
            Envelope(self.key.device, self.instance, self._counter, msgspec.Raw(body))
        )
        sealed = seal_datagram(self.roster.group_key, os.urandom(NONCE_BYTES), envelope)
        if sock is None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
                own.sendto(sealed, (HOST, daemon.port))
        else:
            sock.sendto(sealed, (HOST, daemon.port))
        return sealed

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with ExitStack() as held, suppress(OSError, EOFError, ProtocolError, msgspec.MsgspecError):
            held.enter_context(sock)
            sock.settimeout(WAIT_S)
            challenge = os.urandom(16)
            sock.sendall(challenge)
            heard = b""
            while len(heard) < 49:
                heard += sock.recv(49 - len(heard)) or b"?" * 49
            claimed = self.standing.book.who_knocked(challenge, _knock(heard))
            if claimed is None:
                return  # it hung up before it knocked: it has what it wanted from somebody else
            stream = Stream(tls.accept_member(sock, self.standing, claimed, lambda _sock: None))
            held.callback(stream.close)
            hello = hear_hello(stream, pairing=False)
            if hello.link is LinkKind.CONTROL:
                # else it would have two, and one of them would be dropped
                stream.send(Bye("the rogue dials itself"))
                return
            accept_hello(stream, hello.link, self.instance)
            self.serving.add(stream)
            held.callback(self.serving.discard, stream)
            while True:
                request = stream.receive(BULK_REQUEST, 30.0)
                self.asked.append(request)
                self.answers(request, stream)

    def close(self) -> None:
        """Stop listening, and close what is open of the links that were opened."""
        if self._listener is not None:
            self._listener.close()
        for control in self._controls:
            control.close()
        for stream in self._opened:
            stream.close()
