"""A small node made of the real network shells and a fake engine, for tests of those shells over
127.0.0.1.

Strategy: one loop thread per node, as in the program; what it hears is kept in a list that tests
wait on with a deadline, never for a fixed time. The fake engine answers requests with whatever the
test put in `answers`; the share and the parts are dictionaries, so that no test here depends on the
disk.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import Bitfield, PieceList, Root, file_root, piece_hash
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.wire.catalogue import Address, Done, FileAsk, LinkKind
from potluck.engine.effects import Answer, Dial, Member, Trust
from potluck.engine.events import OrderId, RequestHeard
from potluck.shells.bulk.fetching import Fetching
from potluck.shells.bulk.serving import Serving
from potluck.shells.links.control_links import ControlLinks
from potluck.shells.links.dialling import Dialling, DialRequest, Reached, open_link
from potluck.shells.links.doorway import Doorway
from potluck.shells.links.handshakes import Handshakes
from potluck.shells.links.segments import Segments
from potluck.shells.links.strangers import Strangers
from potluck.shells.links.stream import Stream, set_options
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.inbox import Inbox, OpenedLink
from potluck.shells.loop.workers import Workers
from tests.conditions import Condition
from tests.fair_time import FairTime

WAIT_S = 20.0
PACES_S = (0.2, 4.0, 15.0)


def new_key(number: int) -> DeviceKey:
    """A device key that is the same in every run."""
    return DeviceKey(bytes([number]) * 64)


def member_of(key: DeviceKey) -> Member:
    """What a shell knows of the device with this key."""
    return Member(key.device, key.certificate, key.sealing_public)


def trust_of(key: DeviceKey, *trusted: DeviceKey) -> CurrentTrust:
    """Who we are, with these devices as the group."""
    trust = CurrentTrust(key, bytes([7]) * 16, Kept())
    trust.trust([member_of(other) for other in trusted])
    return trust


class Kept(Inbox):
    """An inbox without a loop: what is posted stays for the test to look at."""

    def __init__(self) -> None:
        self.facts: list[Any] = []

    def post(self, item: Any) -> None:
        self.facts.append(item)


def until(condition: Callable[[], Any], what: str = "") -> Any:
    """Wait for a condition; fail after WAIT_S."""
    asked = Condition(condition)
    with FairTime() as clock:
        while not (value := asked()):
            assert clock.spent() < WAIT_S, (what or "it did not happen in time") + asked.missed
            threading.Event().wait(0.002)
    return value


def at_some_pace(attempt: Callable[[float], bool]) -> None:
    """Try with a short time-out, then with longer ones; fail if none was right.

    Where something must be done before a time-out runs out, a busy machine may need long for it.
    """
    assert any(attempt(pace_s) for pace_s in PACES_S)


def content_named(data: bytes, piece_size: int = 1 << 18) -> PieceList:
    """The piece list of `data`."""
    hashes = b"".join(
        piece_hash(data[at : at + piece_size]) for at in range(0, len(data), piece_size)
    )
    return PieceList(file_root(len(data), piece_size, hashes), len(data), piece_size, hashes)


def pieces_of(request: RequestHeard) -> tuple[int, ...]:
    """The pieces a FILE request asks for."""
    assert isinstance(request.message, FileAsk)
    return tuple(request.message.pieces)


class Gate:
    """A job that keeps a worker until it is opened."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._open = threading.Event()

    def run(self) -> None:
        self.begun.set()
        self._open.wait(WAIT_S)

    def dropped(self) -> None:
        self.open()

    def open(self) -> None:
        self._open.set()


@contextmanager
def occupied(workers: Workers) -> Iterator[None]:
    """Every thread of a pool is busy, so what is submitted waits."""
    gates = [Gate() for _ in range(workers.count)]
    try:
        for gate in gates:
            workers.submit(gate)
        for gate in gates:
            assert gate.begun.wait(WAIT_S)
        yield
    finally:
        for gate in gates:
            gate.open()


class Shelf:
    """A share whose files are bytes in memory."""

    def __init__(self) -> None:
        self.files: dict[SafePath, bytes] = {}

    def put(self, name: str, data: bytes) -> SafePath:
        path = parse_wire_path(name.encode())
        self.files[path] = data
        return path

    def open_file(self, path: SafePath) -> int:
        if path not in self.files:
            raise FileNotFoundError(str(path))
        descriptor = os.memfd_create("shelf")
        os.pwrite(descriptor, self.files[path], 0)
        return descriptor


class Drawer:
    """Parts in memory; `full` makes every write fail."""

    def __init__(self) -> None:
        self.pieces: dict[tuple[Root, int], bytes] = {}
        self.marked: list[int] = []
        self.left: dict[Root, list[int]] = {}  # pieces that an earlier run left
        self.whole: dict[Root, bytes] = {}
        self.full = False
        self.opened = 0

    def open(self, content: PieceList) -> DrawerPart:
        self.opened += 1
        return DrawerPart(self, content)

    def write_whole(self, content: PieceList, data: memoryview) -> None:
        self.check()
        self.whole[content.root] = bytes(data)

    def check(self) -> None:
        if self.full:
            raise OSError(28, "No space left on device")


class DrawerPart:
    """One content in a Drawer."""

    def __init__(self, drawer: Drawer, content: PieceList) -> None:
        self.drawer = drawer
        self.content = content

    def write(self, piece: int, data: memoryview) -> None:
        self.drawer.check()
        self.drawer.pieces[self.content.root, piece] = bytes(data)

    def mark(self, pieces: tuple[int, ...]) -> None:
        self.drawer.marked += pieces

    def have(self) -> Bitfield:
        here = Bitfield(self.content.count)
        for piece in self.drawer.left.get(self.content.root, ()):
            here.add(piece)
        return here

    def close(self) -> None:
        self.drawer.opened -= 1


class Peer:
    """One node: the shells, a loop thread and a fake engine."""

    def __init__(self, number: int) -> None:
        self.key = new_key(number)
        self.heard: list[Any] = []
        self.answers: Callable[[RequestHeard], Any] = lambda _request: Done()
        self.shelf, self.drawer = Shelf(), Drawer()
        self._selector = selectors.DefaultSelector()
        self._inbox = Inbox(self._selector)
        self.current_trust = CurrentTrust(self.key, bytes([number]) * 16, self._inbox)
        self.serving = Serving(self.current_trust, self.shelf, self._inbox)
        strangers = Strangers()
        self.segments = Segments()
        self.fetching = Fetching(self.current_trust, self.drawer, self._inbox, self.segments)
        self.handshakes = Handshakes(
            self.current_trust, strangers, self.serving, self.fetching.idle, self._inbox
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.doorway = Doorway(
            listener, self._selector, self.current_trust, self.handshakes, strangers
        )
        self.dialling = Dialling(self.current_trust, self._inbox, self.serving, self.segments)
        self.links = ControlLinks(self._selector)
        self._running = True
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.doorway.port)

    @property
    def device(self) -> DeviceId:
        return self.key.device

    def post(self, fact: Any) -> None:
        self._inbox.post(fact)

    def do(self, act: Callable[[], Any]) -> None:
        """Have the loop thread do something, as it does effects; returns when it is done."""
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self.post(run)
        assert done.wait(WAIT_S)

    def trust(self, *others: Peer | DeviceKey) -> None:
        keys = [other.key if isinstance(other, Peer) else other for other in others]
        effect = Trust(tuple(member_of(key) for key in keys))
        self.do(lambda: self._follow(effect))

    def _follow(self, effect: Trust) -> None:
        """Do what the loop does."""
        gone = self.current_trust.trust(effect.members)
        for part in (self.serving, self.fetching, self.doorway.strangers):
            part.cut_off(gone)

    def dial(self, other: Peer, number: int = 1, kind: LinkKind = LinkKind.CONTROL) -> OrderId:
        peer = None if kind is LinkKind.PAIRING else other.device
        self.dialling.dial(Dial(OrderId(number), kind, peer, other.address))
        return OrderId(number)

    def of(self, kind: type) -> list[Any]:
        """Every fact of one class heard so far."""
        return [fact for fact in list(self.heard) if isinstance(fact, kind)]

    def wait(self, kind: type, count: int = 1) -> list[Any]:
        """Wait until `count` facts of one class were heard."""
        return until(
            lambda: found if len(found := self.of(kind)) >= count else None, f"no {kind.__name__}"
        )

    def stop(self) -> None:
        self._running = False
        self.post(lambda: None)
        self._thread.join(WAIT_S)
        self.doorway.close()
        self.links.close()
        for pool in (self.fetching, self.dialling, self.handshakes, self.serving):
            pool.close(0.5)
        self._inbox.close()
        assert not self._selector.get_map(), "everything that listened has stopped"
        self._selector.close()

    def _loop(self) -> None:
        while self._running:
            for key, mask in self._selector.select(self._patience()):
                self._take(key.data(mask))
            self._take(self._inbox.take(1000))
            now = time.monotonic()
            self._take(self.links.on_tick(now))
            self.doorway.on_tick(now)
            self.fetching.on_tick(now)

    def _patience(self) -> float:
        times = [self.links.deadline(), self.doorway.deadline(), self.fetching.deadline()]
        return min([0.5, *(max(0.0, at - time.monotonic()) for at in times if at is not None)])

    def _take(self, facts: list[Any]) -> None:
        for fact in facts:
            match fact:
                case OpenedLink():
                    self._take(self.links.adopt(fact))
                case RequestHeard():
                    self.heard.append(fact)
                    reply = self.answers(fact)
                    if reply is not None:
                        self.serving.answer(Answer(fact.request, reply))
                case _ if callable(fact):
                    fact()
                case _:
                    self.heard.append(fact)


@contextmanager
def peers(count: int = 2) -> Iterator[list[Peer]]:
    """Nodes that trust each other."""
    nodes = [Peer(number + 1) for number in range(count)]
    try:
        for node in nodes:
            node.trust(*(other for other in nodes if other is not node))
        yield nodes
    finally:
        for node in nodes:
            node.stop()


def reach(key: DeviceKey, node: Peer, kind: LinkKind = LinkKind.BULK) -> Reached:
    """Open a link to a node by hand, as the device with `key`."""
    peer = None if kind is LinkKind.PAIRING else node.device
    return open_link(
        trust_of(key, node.key),
        DialRequest(peer, node.address, kind),
        time.monotonic() + WAIT_S,
        Segments(),
    )


def connect(node: Peer) -> socket.socket:
    """A plain connection to a node."""
    sock = socket.create_connection((node.address.host, node.address.port), WAIT_S)
    set_options(sock)
    return sock


def ends(sock: socket.socket) -> bytes:
    """Read until the other side closes; return what came."""
    data = b""
    try:
        while more := sock.recv(4096):
            data += more
    except (ConnectionError, ssl.SSLError):
        pass
    return data


def stream_pair() -> tuple[Stream, Stream]:
    """Two ends of one TLS connection: the side that dialled, and the side that accepted."""
    from potluck.shells.links import tls

    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), WAIT_S)
        server, _ = listener.accept()
    server.settimeout(WAIT_S)
    box: list[ssl.SSLSocket] = []
    context = tls.pairing_context()
    thread = threading.Thread(
        target=lambda: box.append(tls.accept_stranger(server, context, lambda _sock: None))
    )
    thread.start()
    secured = tls.dial_stranger(client, tls.newcomer_context())
    thread.join(WAIT_S)
    return Stream(secured), Stream(box[0])
