"""Fake control and pairing links: the knock, TLS, frames, partitions and crashes, without a socket.

Strategy: a connection is two ends; each end has a queue of encoded frames that a pump moves to the
other end's FrameReader, so every message is really encoded, bounded and decoded. Who may connect
follows the latest Trust of both sides. Guarantees: reliable and in order while both ways are open;
a partition stalls a link, and after 5 s each side gives up by itself; a killed process resets its
links, a power cut leaves them silent. Limits: no half handshakes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    CONTROL,
    PAIRING,
    Address,
    Bye,
    FrameReader,
    LinkKind,
    Message,
    encode_frame,
)
from potluck.engine.effects import AnswerIntroduction, Dial, Drop, Introduce, OpenDoor, Send, Trust
from potluck.engine.events import (
    DialFailed,
    IntroductionHeard,
    LinkClosed,
    LinkId,
    LinkOpened,
    MessageHeard,
    OrderId,
)
from tests.sim.hosts import Process

if TYPE_CHECKING:
    from tests.sim.hosts import Host
    from tests.sim.world import World

GIVE_UP_S = 5.0  # TCP user time-out: how long an unanswered link lives


@dataclass(eq=False)
class End:
    """One process's end of a connection."""

    process: Process
    link: LinkId
    kind: LinkKind
    device: DeviceId | None  # whom TLS proved at the other end
    queue: deque[tuple[float, bytes]] = field(default_factory=deque)
    other: End | None = None
    open: bool = True  # LinkClosed was not posted yet
    talking: bool = True  # our side may still send
    silent: bool = False  # the machine lost power: no reset is ever sent

    def __post_init__(self) -> None:
        self.reader: FrameReader[Any] = FrameReader(
            CONTROL if self.kind is LinkKind.CONTROL else PAIRING
        )


class Links:
    """Every connection of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ends: list[End] = []
        self.sent: dict[str, int] = {}
        self._stalled: set[int] = set()
        self._next = 0
        self.handlers: dict[type, Callable[[Process, Any], None]] = {
            Dial: self.dial,
            Send: self.send,
            Drop: self.drop,
            Trust: self.trust,
            OpenDoor: self.open_door,
            Introduce: self.introduce,
            AnswerIntroduction: self.answer_introduction,
        }

    # -- trust and doors ---------------------------------------------------------------------------
    def trust(self, process: Process, effect: Trust) -> None:
        """Swap the certificates a process accepts."""
        process.trust = {member.device: member for member in effect.members}

    def open_door(self, process: Process, effect: OpenDoor) -> None:
        """Answer strangers, or stop."""
        process.door = effect.open

    def introduce(self, process: Process, effect: Introduce) -> None:
        """Carry a sealed chain of admissions to whoever listens there."""
        if len(effect.sealed) > limits.INTRODUCTION_BYTES:
            self.world.fail(f"an introduction of {len(effect.sealed)} bytes")
        target = self.world.host_at(effect.address)
        if target is None or not self.world.network.both_ways(process.host, target):
            return
        source = Address(process.host.address.host, 0)
        event = IntroductionHeard(OrderId(self._new()), effect.sealed, source)
        delay = 2 * self.world.network.latency(process.host, target)
        self.world.later(delay, lambda: target.process.post(event) if target.process else None)

    def answer_introduction(self, process: Process, effect: AnswerIntroduction) -> None:
        """Nothing: the one who introduced itself dials again by its own clock."""

    # -- dialling ----------------------------------------------------------------------------------
    def dial(self, process: Process, effect: Dial) -> None:
        """Try to open a link; LinkOpened or DialFailed follows."""
        target = self.world.host_at(effect.address)
        if target is None or not target.powered:
            self._fail(process, effect, limits.KNOCK_S, "timeout")
            return
        there = self.world.network.latency(process.host, target)
        self.world.later(3 * there, lambda: self._knock(process, target, effect))

    def _knock(self, process: Process, target: Host, effect: Dial) -> None:
        listener = target.process
        if not target.powered or not self.world.network.dialable(process.host, target):
            self._fail(process, effect, limits.KNOCK_S, "timeout")
        elif listener is None or effect.address.port != target.address.port:
            self._fail(process, effect, 0.0, "refused", refused=True)
        elif listener.paused:
            self._fail(process, effect, limits.KNOCK_S, "timeout")
        elif effect.kind is LinkKind.PAIRING:
            if listener.door:
                self._connect(process, listener, effect)
            else:
                self._fail(process, effect, 0.0, "the door is closed")
        elif listener.host.device != effect.peer:
            self._fail(process, effect, 0.0, "not the device")
        elif process.host.device not in listener.trust:
            self._fail(process, effect, 0.0, "knock refused", knock=True)
        elif effect.peer not in process.trust:
            self._fail(process, effect, 0.0, "tls: unknown certificate")
        else:
            self._connect(process, listener, effect)

    def _fail(
        self,
        process: Process,
        effect: Dial,
        delay: float,
        reason: str,
        *,
        refused: bool = False,
        knock: bool = False,
    ) -> None:
        event = DialFailed(effect.dial, reason, refused, knock)
        self.world.later(delay, lambda: process.post(event))

    def _connect(self, caller: Process, listener: Process, effect: Dial) -> None:
        known = effect.kind is LinkKind.CONTROL
        near = End(
            caller, LinkId(self._new()), effect.kind, listener.host.device if known else None
        )
        far = End(listener, LinkId(self._new()), effect.kind, caller.host.device if known else None)
        near.other, far.other = far, near
        back = self.world.network.latency(listener.host, caller.host)
        # nothing the listener says overtakes the caller's LinkOpened
        far.queue.append((self.world.now + back, b""))
        self._open(far, Address(caller.host.address.host, 0), None, 0.0)
        self._open(near, effect.address, effect.dial, back)

    def _open(self, end: End, address: Address, dial: OrderId | None, delay: float) -> None:
        assert end.other is not None
        end.process.links[end.link] = end
        self.ends.append(end)
        instance = end.other.process.instance if end.device else b""
        opened = LinkOpened(end.link, end.kind, end.device, address, instance, dial)
        self.world.later(delay, lambda: self._opened(end, opened))

    def _opened(self, end: End, event: LinkOpened) -> None:
        if end.process.alive and end.open:
            end.process.post(event)
        other = end.other
        assert other is not None
        if not other.process.alive and other.process.host.powered and not other.queue:
            self._reset(other)

    # -- frames ------------------------------------------------------------------------------------
    def send(self, process: Process, effect: Send) -> None:
        """Queue a message."""
        end = process.links.get(effect.link)
        if end is None or not end.talking:
            return
        name = type(effect.message).__name__
        self.sent[name] = self.sent.get(name, 0) + 1
        frame = encode_frame(effect.message)
        if len(frame) - 4 > end.reader.catalogue.frame_bytes:
            self.world.fail(f"a {name} of {len(frame)} bytes on a {end.kind} link")
        self._queue(end, frame)

    def _queue(self, end: End, frame: bytes) -> None:
        assert end.other is not None
        source, target = end.process.host, end.other.process.host
        ready = self.world.now + self.world.network.latency(source, target) + len(frame) / 100e6
        if end.queue:
            ready = max(ready, end.queue[-1][0])
        end.queue.append((ready, frame))
        self.world.later(ready - self.world.now, lambda: self._pump(end))

    def _pump(self, end: End) -> None:
        other = end.other
        assert other is not None
        if not self.world.network.both_ways(end.process.host, other.process.host):
            self.reach_changed()
            return
        while end.queue and end.queue[0][0] <= self.world.now + 1e-9:
            _ready, frame = end.queue.popleft()
            if other.open and other.process.alive:
                self._receive(other, frame)
        if end.open and not other.open and other.process.host.powered and not other.queue:
            self._reset(other)

    def _receive(self, end: End, frame: bytes) -> None:
        try:
            messages: list[Message] = end.reader.feed(frame)  # type: ignore[assignment]
        except ProtocolError as error:
            self.world.fail(f"a frame on a {end.kind} link is refused by its reader: {error}")
        for message in messages:
            if isinstance(message, Bye):
                self._close(end, f"bye: {message.reason}", clean=True)
            elif end.open:
                end.process.post(MessageHeard(end.link, message))

    # -- ends --------------------------------------------------------------------------------------
    def drop(self, process: Process, effect: Drop) -> None:
        """Flush, say BYE, close."""
        end = process.links.get(effect.link)
        if end is not None:
            self._farewell(end, effect.reason)
            self.world.later(
                0.001, lambda: self._close(end, f"dropped: {effect.reason}", clean=True)
            )

    def _farewell(self, end: End, reason: str) -> None:
        if end.talking:
            end.talking = False
            self._queue(end, encode_frame(Bye(reason[:200])))

    def process_ended(self, process: Process, *, polite: bool) -> None:
        """Close what a process had open: with BYE, or by the kernel's reset."""
        for end in list(process.links.values()):
            if polite:
                self._farewell(end, "leaving")
            elif process.host.powered:
                self._reset(end)
            else:
                end.silent = True
                self._give_up_later(end)
            end.open = end.talking = False
        process.links.clear()

    def _reset(self, dead: End) -> None:
        """Let the other end of a dead one learn it, one packet later."""
        other = dead.other
        assert other is not None
        delay = self.world.network.latency(dead.process.host, other.process.host)
        self.world.later(delay, lambda: self._heard_reset(dead, other))

    def _heard_reset(self, dead: End, other: End) -> None:
        if self.world.network.both_ways(dead.process.host, other.process.host):
            self._close(other, "connection reset", clean=False)
        else:
            self._give_up_later(dead)

    def reach_changed(self) -> None:
        """Start giving up on what is cut off, and push on what is not."""
        self.ends = [end for end in self.ends if end.open or end.queue]
        for end in self.ends:
            other = end.other
            assert other is not None
            if self.world.network.both_ways(end.process.host, other.process.host):
                if end.link in self._stalled:
                    self._stalled.discard(end.link)
                    delay = self.world.chance.uniform(0.2, 1.0)  # the next retransmission
                    self.world.later(delay, lambda end=end: self._pump(end))  # type: ignore[misc]
            elif end.link not in self._stalled:
                self._stalled.add(end.link)
                self._give_up_later(other)

    def cut(self, end: End) -> None:
        """Break one link at both ends, each in its own time (an address went away)."""
        assert end.other is not None
        self._close(end, "address gone", clean=False)

    def _give_up_later(self, gone: End) -> None:
        other = gone.other
        assert other is not None
        delay = GIVE_UP_S + self.world.chance.uniform(0, 1)
        self.world.later(delay, lambda: self._give_up(gone, other))

    def _give_up(self, gone: End, other: End) -> None:
        if gone.silent or not gone.open or other.link in self._stalled:
            self._close(other, "time-out", clean=False)

    def _close(self, end: End, reason: str, *, clean: bool) -> None:
        if not end.open:
            return
        end.open = end.talking = False
        end.process.links.pop(end.link, None)
        end.process.post(LinkClosed(end.link, reason, clean))
        other = end.other
        assert other is not None
        if not clean and other.open and other.process.alive:
            self._reset(end)  # our own kernel answers their next packet

    def _new(self) -> int:
        self._next += 1
        return self._next
