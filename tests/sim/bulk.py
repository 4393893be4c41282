"""Fake bulk links: Fetch on one side, RequestHeard and Answer on the other, verified bytes into
part files.

Strategy: a `Transfer` is one worker of the asker; it sends a request, takes the reply as a list of
timed chunks, and posts facts as they arrive. Bytes really come off the server's fake disk and are
really hashed on both sides, cards have a bandwidth, and every chunk checks that the way is open and
both processes live. Requests and replies pass through their catalogues, frame limits included.
Guarantees: one Fetch, one FetchEnded; nothing unverified reaches a part file. Limits: no link
reuse; a host may misbehave ("wrong", "gone", "busy", "break") with a chance per reply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from potluck.core import limits
from potluck.core.content.pieces import piece_hash
from potluck.core.errors import ProtocolError
from potluck.core.wire.catalogue import (
    BULK_REPLY,
    BULK_REQUEST,
    Address,
    BulkRequest,
    Busy,
    FilesHeader,
    Gone,
    LinkKind,
    Message,
    PiecesAsk,
    Unknown,
    encode,
    link_for,
)
from potluck.engine.effects import (
    Answer,
    CancelFetch,
    DialToServe,
    DropParts,
    Fetch,
    ServeFiles,
    ServePieces,
)
from potluck.engine.events import (
    BulkSearch,
    CallEnded,
    FetchEnded,
    Outcome,
    RequestHeard,
    RequestId,
    SearchStep,
)
from tests.fakes.disk import pieces_of
from tests.sim.hosts import Process
from tests.sim.receiving import take_files, take_message, take_piece

if TYPE_CHECKING:
    from tests.sim.hosts import Host
    from tests.sim.world import World

PER_PAIR = {LinkKind.BULK: limits.FETCHES_PER_PEER, LinkKind.NEWS: limits.NEWS_PER_PEER}
"""Links of a kind that a device serves to one other."""

IN_ALL = {LinkKind.BULK: limits.WORKERS, LinkKind.NEWS: limits.NEWS_WORKERS}
"""Fetches of a kind that a device carries out at once."""

Chunk = tuple[int, Callable[["Transfer"], None]]
"""Bytes on the wire, and what the asker does when they have arrived."""


@dataclass(eq=False)
class Request:
    """One request that waits for its Answer at the serving side."""

    transfer: Transfer
    server: Process
    answered: bool = False

    def server_died(self) -> None:
        """The process that should have answered is gone."""
        self.transfer.broken("the holder went away")


class Transfer:
    """One Fetch in progress."""

    def __init__(self, world: World, asker: Process, order: Fetch) -> None:
        self.world = world
        self.asker = asker
        self.order = order
        self.server: Process | None = None
        self.kind = link_for(order.ask)
        self.cancelled = False
        self.ended = False
        self.awaits = False
        self.moved_at = world.now
        self.hashes = b""

    # -- asking ------------------------------------------------------------------------------------
    def dial(self, addresses: tuple[Address, ...]) -> None:
        """Try one address after the other."""
        if not addresses:
            self._await()
            return
        target = self.world.host_at(addresses[0])
        process = target.process if target else None
        reached = (
            target is not None
            and target.powered
            and self.world.network.dialable(self.asker.host, target)
        )
        delay = (
            0.002
            if reached and process is not None and not process.paused
            else 1.0
            if not reached
            else 0.001
        )
        self.world.later(delay, lambda: self._dialled(process, addresses[1:]))

    def _dialled(self, process: Process | None, others: tuple[Address, ...]) -> None:
        good = process is not None and self._accepted(process)
        if not good or process is None:
            self.dial(others)
            return
        self.server = process
        self.ask(self.order.ask)

    def _await(self) -> None:
        """Nobody can be dialled: wait until the holder dials."""
        if self.order.peer not in self.asker.trust:
            self.end(Outcome.BROKEN, "not a member")
            return
        self.awaits = True
        reason = "timeout" if self.order.addresses else ""
        self._tell(SearchStep.LACKING, reason)

        def missed() -> None:
            if self.awaits and not self.ended:
                self.awaits = False
                self._tell(SearchStep.MISSED, reason)
                self.end(Outcome.BROKEN, "no address answers")

        self.world.later(limits.CALLED_S, missed)

    def _tell(self, step: SearchStep, reason: str) -> None:
        self.asker.post(BulkSearch(self.order.peer, LinkKind.BULK, step, reason))

    def on_dialled(self, server: Process) -> None:
        """The holder dialled."""
        self.awaits = False
        self.server = server
        self._tell(SearchStep.FOUND, "")
        self.ask(self.order.ask)

    def _accepted(self, process: Process) -> bool:
        me, peer = self.asker, self.order.peer
        known = me.host.device in process.trust and peer in me.trust
        reached = self.world.network.dialable(me.host, process.host)
        return process.alive and process.host.device == peer and known and reached

    def ask(self, message: BulkRequest) -> None:
        """Send one request and wait for its answer, at most BULK_STALL_S."""
        body = encode(message)
        if len(body) > BULK_REQUEST.frame_bytes:
            self.world.fail(f"a request of {len(body)} bytes")
        heard = BULK_REQUEST.decode(body)
        assert self.server is not None
        if isinstance(heard, Unknown):
            self.world.fail(f"nobody understands the request {heard.tag}")
        self.moved_at = self.world.now
        server = self.server
        latency = self.world.network.latency(self.asker.host, server.host)
        self.world.later(latency, lambda: self._heard(server, heard))
        self._watch_stall(self.moved_at)

    def _heard(self, server: Process, message: Message) -> None:
        if self.ended or not self.world.network.both_ways(self.asker.host, server.host):
            return
        if not server.alive:
            self.broken("connection reset")
            return
        mine = [one for one in self.asker.transfers.values() if one.server is server]
        if sum(one.kind is self.kind for one in mine) > PER_PAIR[self.kind]:
            self.end(Outcome.BUSY, "busy")
            return
        request = RequestId(self.world.new_number())
        server.requests[request] = Request(self, server)
        server.post(RequestHeard(request, self.asker.host.device, message))  # type: ignore[arg-type]

    def _watch_stall(self, since: float) -> None:
        def stalled() -> None:
            if not self.ended and self.moved_at == since:
                self.end(Outcome.BROKEN, "stalled")

        self.world.later(limits.BULK_STALL_S, stalled)

    # -- receiving ---------------------------------------------------------------------------------
    def receive(self, chunks: list[Chunk], broken_after: int) -> None:
        """Let the next chunk come over the wire; the last one ends the fetch, unless its act asks
        on.
        """
        if self.ended or self.server is None:
            return
        if not chunks or broken_after == 0:
            self.end(*((Outcome.DONE, "") if not chunks else (Outcome.BROKEN, "connection reset")))
            return
        arrival = self._wire(chunks[0][0])
        self.world.later(arrival - self.world.now, lambda: self._arrived(chunks, broken_after))

    def _wire(self, size_bytes: int) -> float:
        assert self.server is not None
        source, target = self.server.host, self.asker.host
        rate = self.world.network.between(source, target).rate
        start = max(self.world.now, source.up_free_at, target.down_free_at)
        done = start + size_bytes / rate
        source.up_free_at = target.down_free_at = done
        return done + self.world.network.latency(source, target)

    def _arrived(self, chunks: list[Chunk], broken_after: int) -> None:
        if self.ended or self.server is None:
            return
        if not self.world.network.both_ways(self.asker.host, self.server.host):
            # retransmitted, until it stalls
            self.world.later(0.25, lambda: self._arrived(chunks, broken_after))
            return
        if not self.server.alive:
            self.broken("connection reset")
            return
        self.moved_at = self.world.now
        self._watch_stall(self.moved_at)
        chunks[0][1](self)
        if self.cancelled:
            self.end(Outcome.BROKEN, "cancelled")
        elif len(chunks) > 1:
            self.receive(chunks[1:], broken_after - 1)
        elif not isinstance(self.order.ask, PiecesAsk):
            self.end(Outcome.DONE, "")  # nothing, if the act has ended it otherwise

    def broken(self, why: str) -> None:
        """The link failed."""
        self.world.later(0.002, lambda: self.end(Outcome.BROKEN, why))

    def end(self, outcome: Outcome, detail: str) -> None:
        """Post the one FetchEnded."""
        if not self.ended:
            self.ended = True
            self.asker.transfers.pop(self.order.order, None)
            self.asker.post(FetchEnded(self.order.order, outcome, detail))
            self.world.bulk.next_fetch(self.asker, self.kind)


class Bulk:
    """Every bulk link of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.content_bytes: dict[
            str, int
        ] = {}  # label of the asker -> verified bytes of content fetched
        self.served_bytes: dict[str, int] = {}  # label of the holder -> bytes of content sent
        self.handlers: dict[type, Callable[[Process, Any], None]] = {
            Fetch: self.fetch,
            CancelFetch: self.cancel,
            Answer: self.answer,
            DropParts: self.drop_parts,
            DialToServe: self.dial_to_serve,
        }
        self._waiting: dict[tuple[int, LinkKind], list[Transfer]] = {}

    def fetch(self, process: Process, effect: Fetch) -> None:
        """Give an order to one of the two pools of fetch workers."""
        if effect.order in process.transfers:
            self.world.fail(f"order {effect.order} was given twice")
        transfer = Transfer(self.world, process, effect)
        busy = sum(one.kind is transfer.kind for one in process.transfers.values())
        process.transfers[effect.order] = transfer
        if busy < IN_ALL[transfer.kind]:
            self.world.later(0.0, lambda: transfer.dial(effect.addresses))
        else:
            self._waiting.setdefault((id(process), transfer.kind), []).append(transfer)

    def next_fetch(self, process: Process, kind: LinkKind) -> None:
        """A worker is free: start the next order that waits."""
        waiting = self._waiting.get((id(process), kind))
        if waiting and process.alive:
            transfer = waiting.pop(0)
            self.world.later(0.0, lambda: transfer.dial(transfer.order.addresses))

    def cancel(self, process: Process, effect: CancelFetch) -> None:
        """Give a fetch up between two pieces."""
        transfer = process.transfers.get(effect.order)
        if transfer is not None:
            transfer.cancelled = True
            self.world.later(0.01, lambda: transfer.end(Outcome.BROKEN, "cancelled"))

    def drop_parts(self, process: Process, effect: DropParts) -> None:
        """Forget part files."""
        for root in effect.roots:
            process.host.disk.parts.pop(root, None)

    def dial_to_serve(self, process: Process, effect: DialToServe) -> None:
        """Dial a device that asked for it; whoever waits there for this holder goes on."""
        target = self.world.host_at(effect.addresses[0])
        asker = target.process if target is not None else None
        reached = target is not None and self.world.network.dialable(process.host, target)
        if asker is None or not reached or process.host.device not in asker.trust:
            self.world.later(1.0, lambda: process.post(CallEnded(effect.call, "timeout")))
            return
        process.post(CallEnded(effect.call, ""))
        waiting = (one for one in asker.transfers.values() if one.awaits)
        transfer = next((one for one in waiting if one.order.peer == process.host.device), None)
        if transfer is not None:
            transfer.on_dialled(process)

    # -- serving -----------------------------------------------------------------------------------
    def answer(self, process: Process, effect: Answer) -> None:
        """Carry out the one answer a request gets."""
        request = process.requests.pop(effect.request, None)
        if request is None:
            self.world.fail(f"request {effect.request} was answered twice, or never asked")
        chance, bad = self.world.chance, process.host.misbehaviour
        broken_after = chance.randint(0, 3) if chance.random() < bad.get("break", 0) else -1
        if chance.random() < bad.get("busy", 0):
            chunks = self._message(request.transfer, Busy())
        elif chance.random() < bad.get("gone", 0):
            chunks = self._message(request.transfer, Gone())
        elif isinstance(effect.reply, ServePieces):
            chunks = self._pieces(process.host, request.transfer, effect.reply)
        elif isinstance(effect.reply, ServeFiles):
            chunks = self._files(process.host, request.transfer, effect.reply)
        else:
            chunks = self._message(request.transfer, effect.reply)
        self.world.later(0.0005, lambda: request.transfer.receive(chunks, broken_after))

    def _message(self, transfer: Transfer, message: object) -> list[Chunk]:
        body = encode(message)
        if len(body) > BULK_REPLY.frame_bytes:
            self.world.fail(f"a {type(message).__name__} of {len(body)} bytes")
        try:
            heard = BULK_REPLY.decode(body)
        except ProtocolError as error:
            self.world.fail(f"a {type(message).__name__} is refused by its reader: {error}")
        return [(len(body) + 4, lambda transfer: take_message(transfer, heard))]

    def _pieces(self, host: Host, transfer: Transfer, serve: ServePieces) -> list[Chunk]:
        file = host.disk.read(serve.path)
        chunks: list[Chunk] = []
        for piece in serve.pieces:
            at = piece * serve.content.piece_size
            data = file.data[at : at + serve.content.length_of(piece)] if file else b""
            if file is None or piece_hash(data) != serve.content.hash_of(piece):
                return [*chunks, *self._message(transfer, Gone())]
            sent = self._spoilt(host, data)
            self.served_bytes[host.label] = self.served_bytes.get(host.label, 0) + len(sent)
            chunks.append((len(sent) + 30, partial(take_piece, piece=piece, data=sent)))
        return chunks

    def _files(self, host: Host, transfer: Transfer, serve: ServeFiles) -> list[Chunk]:
        contents: list[bytes | None] = []
        for root, path, size, piece_size in serve.files:
            file = host.disk.read(path) if path else None
            good = (
                file is not None
                and len(file.data) == size
                and pieces_of(file.data, piece_size).root == root
            )
            contents.append(self._spoilt(host, file.data) if good and file else None)
        lengths = [-1 if data is None else len(data) for data in contents]
        [(header, _)] = self._message(transfer, FilesHeader(lengths))
        size = sum(len(data) for data in contents if data is not None)
        self.served_bytes[host.label] = self.served_bytes.get(host.label, 0) + size
        return [(header + size, lambda transfer: take_files(transfer, contents))]

    def _spoilt(self, host: Host, data: bytes) -> bytes:
        if data and self.world.chance.random() < host.misbehaviour.get("wrong", 0):
            return bytes([data[0] ^ 0xFF]) + data[1:]
        return data
