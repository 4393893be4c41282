"""Fetching: a pool of workers that each carry one order over a bulk link.

Strategy: a worker takes an order, an idle link to its peer if there is one or a new one to the
first address that answers, and lets exchanges.py do the rest. Links that are still in step
afterwards wait for the next order; one that went stale while idle and fails before its first reply
byte is replaced once, silently. Calling an order off sets a flag that is looked at between pieces
and in every quarter second of silence.

Guarantees: every submitted order ends in exactly one FetchEnded, whatever happens; a link is used
by one worker at a time; at most `limits.FETCHES_PER_PEER` links per device stay open unused, and
none longer than `limits.BULK_IDLE_S`. Limits: which peer to ask, and how often, is the engine's
business.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from potluck.core import limits
from potluck.core.errors import DiskTrouble, PotluckError, WrongContent
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, LinkKind
from potluck.engine.effects import CancelFetch, Fetch
from potluck.engine.events import FetchEnded, OrderId, Outcome
from potluck.shells.bulk.asking import BulkExchange, Cancelled, Fact, HoldsParts, carry_out
from potluck.shells.links.dialling import DialRequest, NoLink, open_link
from potluck.shells.links.hello import BUSY
from potluck.shells.links.stream import Stream
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.workers import Workers

REUSE_S: Final = limits.BULK_IDLE_S - 5.0  # the other side closes an idle link itself soon after


@dataclass(frozen=True, slots=True)
class _Idle:
    stream: Stream
    since: float


class IdleLinks:
    """Bulk links that wait for their next order; shared by the workers."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._idle: Final[dict[DeviceId, list[_Idle]]] = {}

    def take(self, peer: DeviceId) -> Stream | None:
        """Return the link used last, if one still lives."""
        while True:
            with self._lock:
                waiting = self._idle.get(peer)
                if not waiting:
                    return None
                idle = waiting.pop()
            if time.monotonic() - idle.since < REUSE_S and not idle.stream.unread():
                return idle.stream
            idle.stream.close()

    def put(self, peer: DeviceId, stream: Stream) -> None:
        """Keep a link that is in step, or close it if there are enough."""
        with self._lock:
            waiting = self._idle.setdefault(peer, [])
            if len(waiting) < limits.FETCHES_PER_PEER:
                waiting.append(_Idle(stream, time.monotonic()))
                return
        stream.close()

    def deadline(self) -> float | None:
        """Return when the oldest is to be closed, monotonic."""
        with self._lock:
            return min(
                (one.since + REUSE_S for waiting in self._idle.values() for one in waiting),
                default=None,
            )

    def close_older(self, than: float) -> None:
        """Close those idle since before `than` (monotonic)."""
        old: list[_Idle] = []
        with self._lock:
            for peer, waiting in list(self._idle.items()):
                old += [one for one in waiting if one.since <= than]
                self._idle[peer] = [one for one in waiting if one.since > than]
                if not self._idle[peer]:
                    del self._idle[peer]
        for one in old:
            one.stream.close()


class Fetching:
    """The pool; `submit`, `cancel` and the timer are called by the loop thread."""

    def __init__(
        self,
        standing: CurrentTrust,
        parts: HoldsParts,
        post: Callable[[Fact | FetchEnded], None],
        workers: int = limits.WORKERS,
    ) -> None:
        """`post` must be safe to call from any thread; `workers` orders are carried at once."""
        self._standing: Final = standing
        self._parts: Final = parts
        self._post: Final = post
        self._workers: Final = Workers("fetch", workers)
        self._idle: Final = IdleLinks()
        self._orders: Final[
            dict[OrderId, threading.Event]
        ] = {}  # live orders and whether they are called off

    def submit(self, fetch: Fetch) -> None:
        """Queue an order; ends in one FetchEnded."""
        self._orders[fetch.order] = threading.Event()
        if not self._workers.submit(lambda: self._carry(fetch)):
            self._end(fetch.order, Outcome.BROKEN, "stopping")

    def cancel(self, effect: CancelFetch) -> None:
        """Call an order off; its FetchEnded says BROKEN, "cancelled", unless it was faster."""
        order = self._orders.get(effect.order)
        if order is not None:
            order.set()

    def deadline(self) -> float | None:
        """Return when `on_tick` wants to be called, monotonic."""
        return self._idle.deadline()

    def on_tick(self, now: float) -> None:
        """Close links that have been idle for long."""
        self._idle.close_older(now - REUSE_S)

    def close(self, wait_s: float) -> bool:
        """Call everything off and stop; say whether all threads are gone."""
        for order in list(self._orders.values()):
            order.set()
        gone = self._workers.close(wait_s)
        self._idle.close_older(time.monotonic())
        return gone

    def _end(self, order: OrderId, outcome: Outcome, detail: str) -> None:
        self._orders.pop(order, None)
        self._post(FetchEnded(order, outcome, detail))

    def _carry(self, fetch: Fetch) -> None:
        """Carry one order to its end; the job of a worker."""
        # stands only if something unforeseen is raised
        outcome, detail = (
            Outcome.BROKEN,
            "an error of ours",
        )
        try:
            outcome, detail = self._try(fetch), ""
        except Cancelled:
            detail = "cancelled"
        except NoLink as error:
            outcome = Outcome.BUSY if error.reason == BUSY else Outcome.BROKEN
            detail = error.reason
        except DiskTrouble as error:
            outcome, detail = Outcome.DISK, error.cause
        except WrongContent as error:
            outcome, detail = Outcome.WRONG, f"{error.what} {error.cause}".strip()
        except (PotluckError, OSError, EOFError) as error:
            detail = str(error) or type(error).__name__
        finally:
            self._end(fetch.order, outcome, detail)

    def _try(self, fetch: Fetch) -> Outcome:
        self._checker(fetch.order)()
        stream = self._idle.take(fetch.peer) if fetch.peer in self._standing.book else None
        if stream is not None:
            stream.heard = False
            try:
                return self._use(fetch, stream)
            except (OSError, EOFError):
                if stream.heard:
                    raise
                # Closed by the other side at the very moment we wanted to use it again.
        return self._use(fetch, self._connect(fetch))

    def _use(self, fetch: Fetch, stream: Stream) -> Outcome:
        """Run the exchange on a stream; keep it for the next order only if both sides are still in
        step.
        """
        check = self._checker(fetch.order)
        stream.on_silence = check
        in_step = False
        try:
            outcome = carry_out(BulkExchange(fetch, stream, self._parts, self._post, check))
            in_step = True
        finally:
            if in_step:
                self._idle.put(fetch.peer, stream)
            else:
                stream.close()
        return outcome

    def _connect(self, fetch: Fetch) -> Stream:
        """Dial the addresses in order; raises the last NoLink."""
        failure = NoLink("no address")
        for address in fetch.addresses:
            self._checker(fetch.order)()
            try:
                return self._dial(fetch.peer, address)
            except NoLink as error:
                failure = error
                if error.reason == BUSY:
                    break
        raise failure

    def _dial(self, peer: DeviceId, address: Address) -> Stream:
        deadline = time.monotonic() + limits.HANDSHAKE_S
        return open_link(self._standing, DialRequest(peer, address, LinkKind.BULK), deadline).stream

    def _checker(self, order: OrderId) -> Callable[[], None]:
        """Return a function that raises Cancelled once the order is called off."""
        called_off = self._orders[order]

        def check() -> None:
            if called_off.is_set():
                raise Cancelled

        return check
