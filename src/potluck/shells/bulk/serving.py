"""Serving bulk and news links: one thread per link, strictly request after request.

Strategy: a request goes to the engine as `RequestHeard` and its `Answer` comes back through a box
of one; the thread then carries it out. Content is read into one buffer that also holds the frame in
front of it, hashed again, and sent in one call: bytes are copied by the kernel and by TLS and by
nobody else. What no longer matches its hash is not sent, and the scanner gets a hint to look there.
News links (manifests, piece lists, small files) have workers of their own, of which no piece takes
one: a link says what it is for in HELLO, before a worker is given.

Guarantees: no byte leaves that does not hash to what was asked for; every request gets an end
(`Done`, `Gone`, `Busy`, or the reply itself); of each kind at most so many links in all and per
device (`ROOM`); once all are taken a link of the line that has the most makes room for one of a
line that has fewer (core/group/line_shares.py), so nobody, however slowly it reads and however many
devices it invents, takes another's; a device that leaves the group is cut off at once, whatever its
links are at (`cut_off`).
Buffers are bounded by our own limits, not by what is asked for. Limits: one read at a time per
link; several links of a pair overlap disk, hash and network.
"""

from __future__ import annotations

import itertools
import logging
import os
import queue
import threading
from collections import Counter
from collections.abc import Collection
from typing import Final, Protocol

from potluck.core import limits
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import PieceList, Root, piece_hash
from potluck.core.errors import PotluckError, ProtocolError
from potluck.core.group.line_shares import who_makes_room
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    BULK_REQUEST,
    NEWS_REQUEST,
    BulkReply,
    BulkRequest,
    Busy,
    Bye,
    Done,
    FilesHeader,
    Gone,
    LinkKind,
    Message,
    PieceHeader,
    Unknown,
    encode_frame,
)
from potluck.engine.effects import Answer, ServeFiles, ServePieces
from potluck.engine.events import PathStalled, PathsTouched, RequestHeard, RequestId
from potluck.shells.bulk.asking import NOT_HERE, content_of
from potluck.shells.disk.hashing import read_exactly
from potluck.shells.links.stream import Stream
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.inbox import Inbox
from potluck.shells.loop.workers import Workers, all_gone

# the engine answers within milliseconds; beyond this something is wrong with us
ANSWER_S: Final = 10.0
ROOM: Final = {
    LinkKind.BULK: (limits.SERVERS, limits.FETCHES_PER_PEER),
    LinkKind.NEWS: (limits.NEWS_SERVERS, limits.NEWS_PER_PEER),
}
"""How many links of a kind are served at once: in all, and with one device."""
# the longest frame in front of raw bytes: 256 lengths of 5 bytes
FRAME_ROOM_BYTES: Final = 4 * limits.KIB

_log = logging.getLogger(__name__)


class OpensFiles(Protocol):
    """The share, as far as serving needs it: disk/fsops.py."""

    def open_file(self, path: SafePath) -> int:
        """Return a descriptor for reading; raises OSError or PotluckError."""


Work = BulkReply | ServePieces | ServeFiles


class Serving:
    """The pools of serving threads and the box in which each waits for its Answer."""

    def __init__(self, trust: CurrentTrust, share: OpensFiles, inbox: Inbox) -> None:
        """Ask the engine through `inbox`."""
        self.trust: Final = trust
        self.share: Final = share
        self.inbox: Final = inbox
        self.stopping = False
        self._pools: Final = {
            kind: Workers("serve" if kind is LinkKind.BULK else "serve-news", in_all)
            for kind, (in_all, _) in ROOM.items()
        }
        self._lock: Final = threading.Lock()  # guards the three that follow; held for a moment only
        self._links: Final[Counter[tuple[LinkKind, DeviceId]]] = Counter()
        self._sessions: Final[set[_Session]] = set()  # of those, whom a thread serves or will
        self._boxes: Final[dict[RequestId, queue.SimpleQueue[Work]]] = {}
        self._numbers: Final = itertools.count(1)

    def __repr__(self) -> str:
        """Show how busy it is."""
        with self._lock:
            bulk, news = self._in_all(LinkKind.BULK), self._in_all(LinkKind.NEWS)
            state = f"{bulk} bulk and {news} news links, {len(self._boxes)} requests waiting"
        return f"<Serving: {state}, {', '.join(map(repr, self._pools.values()))}>"

    def reserve(self, peer: DeviceId, kind: LinkKind) -> bool:
        """Keep a worker for one more link; False if none is left, or the peer has its share."""
        in_all, per_peer = ROOM[kind]
        with self._lock:
            if self._links[kind, peer] >= per_peer:
                return False
            if self._in_all(kind) >= in_all and not self._make_room(peer, kind):
                return False
            self._links[kind, peer] += 1
            return True

    def release(self, peer: DeviceId, kind: LinkKind) -> None:
        """Give back what `reserve` kept."""
        with self._lock:
            self._give_back(peer, kind)

    def end(self, session: _Session) -> None:
        """A link is over: its place is free, unless it was taken from it before."""
        with self._lock:
            if session in self._sessions:
                self._sessions.discard(session)
                self._give_back(session.peer, session.kind)

    def _give_back(self, peer: DeviceId, kind: LinkKind) -> None:
        self._links[kind, peer] -= 1
        if not self._links[kind, peer]:
            del self._links[kind, peer]

    def _make_room(self, peer: DeviceId, kind: LinkKind) -> bool:
        """End a link of a line that has more than its share, an idle one first, if there is one."""
        descent = self.trust.book.descent
        held = {
            device: (descent(device), count)
            for (of, device), count in self._links.items()
            if of is kind
        }
        for device in who_makes_room(descent(peer), held):
            served = [one for one in self._sessions if one.kind is kind and one.peer == device]
            if served:
                session = min(served, key=lambda one: one.sending)
                self._sessions.discard(session)
                self._give_back(device, kind)
                session.cut()
                return True
        return False

    def _in_all(self, kind: LinkKind) -> int:
        return sum(count for (of, _), count in self._links.items() if of is kind)

    def serve(self, peer: DeviceId, kind: LinkKind, stream: Stream) -> None:
        """Serve a link for which `reserve` kept a worker; never blocks."""
        session = _Session(self, peer, kind, stream)
        with self._lock:
            self._sessions.add(session)
            if peer not in self.trust.book:  # since its handshake
                session.cut()
        self._pools[kind].submit(session)

    def cut_off(self, gone: Collection[DeviceId]) -> None:
        """These devices are no members any more: end their links."""
        with self._lock:
            for session in self._sessions:
                if session.peer in gone:
                    session.cut()

    def answer(self, effect: Answer) -> None:
        """Hand an answer to the thread that waits for it; nothing if it waits no longer."""
        with self._lock:
            box = self._boxes.pop(effect.request, None)
        if box is not None:
            box.put(effect.reply)

    def close(self, wait_s: float) -> bool:
        """Stop; say whether all threads are gone: those that wait notice within a step."""
        self.stopping = True
        with self._lock:
            waiting = list(self._boxes.values())
            self._boxes.clear()
        for box in waiting:
            box.put(Busy())
        return all_gone(list(self._pools.values()), wait_s)

    def ask(self, peer: DeviceId, message: BulkRequest) -> Work:
        """Have the engine decide about a request; Busy if it does not in time."""
        box: queue.SimpleQueue[Work] = queue.SimpleQueue()
        with self._lock:
            request = RequestId(next(self._numbers))
            self._boxes[request] = box
        self.inbox.post(RequestHeard(request, peer, message))
        try:
            return box.get(timeout=ANSWER_S)
        except queue.Empty:
            with self._lock:
                self._boxes.pop(request, None)
            return Busy()


class _Session:
    """One link, served by a worker; it owns the stream and the place that was kept for it."""

    def __init__(self, serving: Serving, peer: DeviceId, kind: LinkKind, stream: Stream) -> None:
        """Own the stream from now on."""
        self._serving: Final = serving
        self.peer: Final = peer
        self.kind: Final = kind
        self._stream: Final = stream
        self._buffer = bytearray()
        self._host: Final = stream.host
        self.sending = False  # else silence is the other side's right
        stream.user = self

    def __repr__(self) -> str:
        """Show how large its buffer has become."""
        return f"<_Session: buffer of {len(self._buffer)} bytes>"

    def run(self) -> None:
        """Serve until the link ends."""
        try:
            self._answer_requests()
        except (OSError, EOFError, ProtocolError) as error:
            _log.debug("a bulk link ended: %s", error)
            if isinstance(error, TimeoutError) and self.sending:
                self._serving.inbox.post(PathStalled(self._host))
        finally:
            self.dropped()

    def dropped(self) -> None:
        """Give the kept place back and close."""
        self._serving.end(self)
        self._stream.close()

    def cut(self) -> None:
        """Have the link end, whatever its thread waits for; not of TLS, which is that thread's."""
        self._stream.cut()

    def check(self) -> None:
        """Raise EOFError if this device leaves, or the other is no member any more."""
        if self._serving.stopping:
            raise EOFError("stopping")
        if self.peer not in self._serving.trust.book:
            raise EOFError("no longer a member")

    def _answer_requests(self) -> None:
        """Answer requests until BYE, silence or a failure."""
        while True:
            request = self._next_request()
            self.check()
            if isinstance(request, Bye):
                return
            self.sending = True
            self._carry_out(self._decide(request))
            self.sending = False

    def _next_request(self) -> BulkRequest | Unknown:
        """Return what may be asked on a link of this kind; no pieces where news is."""
        if self.kind is LinkKind.NEWS:
            return self._stream.receive(NEWS_REQUEST, wait_s=limits.BULK_IDLE_S)
        return self._stream.receive(BULK_REQUEST, wait_s=limits.BULK_IDLE_S)

    def _decide(self, request: Message | Unknown) -> Work:
        if isinstance(request, BulkRequest):
            return self._serving.ask(self.peer, request)
        return (
            Gone()
        )  # of a newer version, or not for this link: the one who asks need not wait for it

    def _carry_out(self, work: Work) -> None:
        match work:
            case ServePieces():
                self._serve_pieces(work)
            case ServeFiles():
                self._serve_files(work)
            case _:
                self._stream.send(work)

    # -- pieces of one content ---------------------------------------------------------------------
    def _serve_pieces(self, work: ServePieces) -> None:
        """Send every piece that still matches, then Done, or Gone if one did not."""
        try:
            descriptor = self._serving.share.open_file(work.path)
        except (OSError, PotluckError) as error:
            self._hint(work.path, str(error))
            self._stream.send(Gone())
            return
        try:
            sent = [self._serve_piece(descriptor, work.content, piece) for piece in work.pieces]
        finally:
            os.close(descriptor)
        if all(sent):
            self._stream.send(Done())
            return
        self._hint(work.path, "a piece does not match any more")
        self._stream.send(Gone())

    def _serve_piece(self, descriptor: int, content: PieceList, piece: int) -> bool:
        """Read, hash and send one piece; say whether it matched."""
        self.check()
        if piece >= content.count:
            return False
        length = content.length_of(piece)
        room = self._room(length)
        data = room[FRAME_ROOM_BYTES : FRAME_ROOM_BYTES + length]
        if not read_exactly(descriptor, data, piece * content.piece_size):
            return False
        if piece_hash(data) != content.hash_of(piece):
            return False
        self._send_behind(PieceHeader(piece, length), room, length)
        return True

    # -- many small contents -----------------------------------------------------------------------
    def _serve_files(self, work: ServeFiles) -> None:
        lengths: list[int] = []
        room = self._room(limits.PACK_BYTES)
        at = FRAME_ROOM_BYTES
        for root, path, size_bytes, piece_size in work.files:
            data = room[at : at + size_bytes]
            room_left = len(data) == size_bytes
            if path is None or not room_left or not self._read_file(path, root, data, piece_size):
                lengths.append(NOT_HERE)
                continue
            lengths.append(size_bytes)
            at += size_bytes
        self.check()
        self._send_behind(FilesHeader(lengths), room, at - FRAME_ROOM_BYTES)

    def _read_file(self, path: SafePath, root: Root, data: memoryview, piece_size: int) -> bool:
        """Read a whole small file into `data`; say whether it is the content `root`."""
        try:
            descriptor = self._serving.share.open_file(path)
            try:
                whole = read_exactly(descriptor, data, 0)
            finally:
                os.close(descriptor)
        except (OSError, PotluckError) as error:
            self._hint(path, str(error))
            return False
        if whole and content_of(data, piece_size).root == root:
            return True
        self._hint(path, "the file does not match any more")
        return False

    # -- both --------------------------------------------------------------------------------------
    def _room(self, length: int) -> memoryview:
        """Return a buffer with room for a frame and `length` bytes; the same one each time."""
        if len(self._buffer) < FRAME_ROOM_BYTES + length:
            self._buffer = bytearray(FRAME_ROOM_BYTES + length)
        return memoryview(self._buffer)

    def _send_behind(self, header: Message, room: memoryview, length: int) -> None:
        """Send `header` right before the `length` bytes at FRAME_ROOM_BYTES, in one call."""
        frame = encode_frame(header)
        start = FRAME_ROOM_BYTES - len(frame)
        room[start:FRAME_ROOM_BYTES] = frame
        self._stream.send_bytes(room[start : FRAME_ROOM_BYTES + length])

    def _hint(self, path: SafePath, why: str) -> None:
        _log.info("not served: %s: %s", path, why)
        self._serving.inbox.post(PathsTouched((path,), overflow=False))
