"""Fetching: two pools of workers that each carry one order over a bulk or a news link.

Strategy: news and pieces have workers and links of their own, so a manifest or a small file never
waits behind the pieces of a large one. A worker takes an order, an idle link of its kind to its
peer if there is one or a new one to the first address that answers, and lets asking.py do the rest.
Where none answers the engine hears of it (it asks the other side to dial us), and the worker waits
a moment for the link that comes of it: whoever dialled a link, it waits among the idle ones until
somebody takes it. How much may be on its way on a link follows what came on it
(core/content/swarm/windows.py); while news comes from a device, its pieces are let come only as
slowly as can be, since they stand in the same queues. Links that are still in step afterwards wait
for the next order; one that went stale while idle and fails before its first reply byte is replaced
once, silently. Calling an order off sets a flag that is looked at between pieces and in every
quarter second of silence. How what is waited for comes is told to the engine about once a second;
orders that are slow by its measure have workers beside those of the others.

Guarantees: every submitted order ends in exactly one FetchEnded, whatever happens, also if it never
begins; a link is used by one worker at a time; nothing comes any more from a device that is no
member (`cut_off`). Limits: which peer to ask, and how often, is the engine's business; a dial that
is under way to a device that was just removed ends with its handshake.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from potluck.core import limits
from potluck.core.content.swarm.pace import SLOW_MAX
from potluck.core.errors import DiskTrouble, PotluckError, WrongContent
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import LinkKind, link_for
from potluck.engine.effects import CancelFetch, Fetch
from potluck.engine.events import (
    BulkSearch,
    FetchEnded,
    FetchHeard,
    OrderId,
    Outcome,
    PathStalled,
    SearchStep,
)
from potluck.shells.bulk.asking import BulkExchange, Cancelled, carry_out
from potluck.shells.bulk.fetch_links import REUSE_S, IdleLinks, LinkKey, UsedLinks
from potluck.shells.bulk.holding import HoldsParts
from potluck.shells.links.dialling import DialRequest, NoLink, open_first
from potluck.shells.links.hello import BUSY_REASON
from potluck.shells.links.segments import Segments
from potluck.shells.links.stream import STEP_S, Stream
from potluck.shells.links.tls import CurrentTrust
from potluck.shells.loop.inbox import Inbox
from potluck.shells.loop.workers import Workers, all_gone

# what may be on its way on a link of each kind: as much as comes in so many seconds
QUEUES_S: Final = {LinkKind.BULK: limits.QUEUE_S, LinkKind.NEWS: limits.NEWS_QUEUE_S}


class NewsUnderWay:
    """From whom news comes at this moment; shared by the workers."""

    def __init__(self) -> None:
        """Nothing comes."""
        self._lock: Final = threading.Lock()  # guards the counts
        self._orders: Final[Counter[DeviceId]] = Counter()

    def __repr__(self) -> str:
        """Show how much is under way."""
        return f"<NewsUnderWay: {self._orders.total()} orders>"

    def comes_from(self, peer: DeviceId) -> bool:
        """Say whether an order of news is being answered by a device."""
        return self._orders[peer] > 0

    @contextlib.contextmanager
    def order(self, key: LinkKey) -> Iterator[None]:
        """An order is under way for the time of this block; one of pieces does not count."""
        peer, kind = key
        count = 1 if kind is LinkKind.NEWS else 0
        with self._lock:
            self._orders[peer] += count
        try:
            yield
        finally:
            with self._lock:
                self._orders[peer] -= count


class Fetching:
    """The pools; `submit`, `cancel` and the timer are called by the loop thread."""

    def __init__(
        self,
        trust: CurrentTrust,
        parts: HoldsParts,
        inbox: Inbox,
        segments: Segments,
        workers: int = limits.WORKERS,
    ) -> None:
        """Write into `parts`, put facts into `inbox`; `workers` orders of pieces at once."""
        self.trust: Final = trust
        self.parts: Final = parts
        self.inbox: Final = inbox
        self.segments: Final = segments
        self.idle: Final = IdleLinks(trust)
        self.used: Final = UsedLinks()
        self.news: Final = NewsUnderWay()
        self._workers: Final = Workers("fetch", workers + SLOW_MAX)
        self._news_workers: Final = Workers("fetch-news", limits.NEWS_WORKERS + 2 * SLOW_MAX)
        self._orders: Final[dict[OrderId, _Order]] = {}  # those that have not ended

    def __repr__(self) -> str:
        """Show how busy it is."""
        pools = f"{self._workers!r}, {self._news_workers!r}"
        return f"<Fetching: {len(self._orders)} orders, {self.idle!r}, {pools}>"

    def submit(self, fetch: Fetch) -> None:
        """Queue an order; ends in one FetchEnded."""
        order = _Order(self, fetch)
        self._orders[fetch.order] = order
        news = order.key[1] is LinkKind.NEWS
        (self._news_workers if news else self._workers).submit(order)

    def cancel(self, effect: CancelFetch) -> None:
        """Call an order off; its FetchEnded says BROKEN, "cancelled", unless it was faster."""
        order = self._orders.get(effect.order)
        if order is not None:
            order.called_off.set()

    def cut_off(self, gone: Collection[DeviceId]) -> None:
        """These devices are no members any more: end the links with them."""
        self.idle.cut_off(gone)
        self.used.cut_off(gone)

    def deadline(self) -> float | None:
        """Return when `on_tick` wants to be called, monotonic."""
        return self.idle.deadline()

    def on_tick(self, now: float) -> None:
        """Close links that have been idle for long."""
        self.idle.close_older(now - REUSE_S)

    def close(self, wait_s: float) -> bool:
        """Call everything off and stop; say whether all threads are gone."""
        for order in list(self._orders.values()):
            order.called_off.set()
        self.idle.close()
        return all_gone([self._workers, self._news_workers], wait_s)

    def end(self, order: OrderId, outcome: Outcome, detail: str) -> None:
        """An order has ended; from any thread."""
        self._orders.pop(order, None)
        self.inbox.post(FetchEnded(order, outcome, detail))


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """One order, carried to its end by a worker."""

    owner: Fetching
    fetch: Fetch
    called_off: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> LinkKey:
        """To whom it needs a link, and of which kind."""
        return self.fetch.peer, link_for(self.fetch.ask)

    def check(self) -> None:
        """Raise Cancelled once the order is called off."""
        if self.called_off.is_set():
            raise Cancelled

    def on_heard(self, size_bytes: int, waited_s: float) -> None:
        """How it comes: whether that is too slow is for the engine to say."""
        self.owner.inbox.post(FetchHeard(self.fetch.order, size_bytes, waited_s))

    def dropped(self) -> None:
        """The program ends before its turn came."""
        self.owner.end(self.fetch.order, Outcome.BROKEN, "stopping")

    def run(self) -> None:
        """Carry it out and say how it ended."""
        # stands only if something unforeseen is raised
        outcome, detail = Outcome.BROKEN, "an error of ours"
        try:
            outcome, detail = self._try(), ""
        except Cancelled:
            detail = "cancelled"
        except NoLink as error:
            outcome = Outcome.BUSY if error.reason == BUSY_REASON else Outcome.BROKEN
            detail = error.reason
        except DiskTrouble as error:
            outcome, detail = Outcome.DISK, error.cause
        except WrongContent as error:
            outcome, detail = Outcome.WRONG, f"{error.what} {error.cause}".strip()
        except (PotluckError, OSError, EOFError) as error:
            detail = str(error) or type(error).__name__
        finally:
            self.owner.end(self.fetch.order, outcome, detail)

    def _try(self) -> Outcome:
        self.check()
        stream = None
        if self.fetch.peer in self.owner.trust.book:
            stream = self.owner.idle.take(self.key)
        if stream is not None:
            stream.heard = False
            try:
                return self._use(stream)
            except (OSError, EOFError):
                if stream.heard:
                    raise
                # Closed by the other side at the very moment we wanted to use it again.
        return self._use(self._connect())

    def _use(self, stream: Stream) -> Outcome:
        """Run the exchange on a stream; keep it only if both sides are still in step."""
        stream.user = self
        stream.tell(self.on_heard)
        owner, (peer, kind) = self.owner, self.key
        stream.measure(QUEUES_S[kind])
        if kind is LinkKind.BULK:
            stream.gives_way = partial(owner.news.comes_from, peer)
        in_step = False
        try:
            with owner.used.hold(peer, stream), owner.news.order(self.key):
                if peer not in owner.trust.book:  # since it was dialled
                    raise Cancelled
                outcome = carry_out(
                    BulkExchange(self.fetch, stream, owner.parts, owner.inbox, self)
                )
            in_step = True
        except TimeoutError:
            owner.inbox.post(PathStalled(stream.host))
            raise
        finally:
            stream.user = None
            stream.tell(None)
            if in_step:
                owner.idle.put(self.key, stream)
            else:
                stream.close()
        return outcome

    def _connect(self) -> Stream:
        """Dial, or have the other side dial us; raises NoLink."""
        try:
            return self._reach()
        except NoLink as error:
            if error.reason == BUSY_REASON or self.fetch.peer not in self.owner.trust.book:
                raise
            return self._await(error)

    def _await(self, failure: NoLink) -> Stream:
        """Say that no link can be dialled, and wait for one that the other side dials."""
        reason = failure.reason if self.fetch.addresses else ""
        self._tell(SearchStep.LACKING, reason)
        give_up = time.monotonic() + limits.CALLED_S
        while time.monotonic() < give_up:
            self.check()
            came = self.owner.idle.wait(self.key, STEP_S)
            stream = self.owner.idle.take(self.key) if came else None
            if stream is not None:
                self._tell(SearchStep.FOUND, reason)
                return stream
        self._tell(SearchStep.MISSED, reason)
        raise failure

    def _tell(self, step: SearchStep, reason: str) -> None:
        self.owner.inbox.post(BulkSearch(*self.key, step, reason))

    def _reach(self) -> Stream:
        """Dial the addresses in order; raises the NoLink of the first, or of who is busy."""
        owner = self.owner
        return open_first(owner.trust, self._requests(), owner.segments, owner.inbox)

    def _requests(self) -> Iterator[DialRequest]:
        """Return whom to dial where; raises Cancelled before the next one once it is called off."""
        peer, kind = self.key
        for address in self.fetch.addresses:
            self.check()
            yield DialRequest(peer, address, kind)
