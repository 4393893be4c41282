"""Fetch links: the bulk and news links on which this device asks, waiting for an order or used.

Strategy: a link that is in step after an order waits for the next one, whoever dialled it; a worker
takes the one used last. While an order is answered its link stands in `UsedLinks`, so that it can
be ended from another thread by its socket alone, whatever comes on it.

Guarantees: at most as many links of a kind per device stay open unused as its server keeps workers
for, and none longer than `limits.BULK_IDLE_S`; none with a device that is no member, from the
moment in which it is none: it is looked for when a link comes, and when the members change. Limits:
a link that went stale while idle may look well until it is used.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import LinkKind
from potluck.shells.links.stream import Stream
from potluck.shells.links.tls import CurrentTrust

# links of each kind that may wait for their next order
IDLE_MAX: Final = {LinkKind.BULK: limits.FETCHES_PER_PEER, LinkKind.NEWS: limits.NEWS_PER_PEER}
REUSE_S: Final = limits.BULK_IDLE_S - 5.0  # the other side closes an idle link itself soon after


@dataclass(frozen=True, slots=True)
class _Idle:
    """A link that waits."""

    stream: Stream
    since: float


LinkKey = tuple[DeviceId, LinkKind]
"""To whom, and for what."""


class IdleLinks:
    """Bulk and news links that wait for their next order; shared by the workers."""

    def __init__(self, trust: CurrentTrust) -> None:
        """Begin with none; a link with nobody whom `trust` names is closed instead of kept."""
        self._trust: Final = trust
        # guards what follows; nothing is closed under it; told when a link comes to wait
        self._lock: Final = threading.Condition()
        self._idle: Final[dict[LinkKey, list[_Idle]]] = {}
        self._closed = False

    def __repr__(self) -> str:
        """Show how many wait."""
        with self._lock:
            count = sum(len(waiting) for waiting in self._idle.values())
        return f"<IdleLinks: {count} of {len(self._idle)} kinds, closed={self._closed}>"

    def take(self, key: LinkKey) -> Stream | None:
        """Return the link used last, if one still lives."""
        while True:
            with self._lock:
                waiting = self._idle.get(key)
                if not waiting:
                    return None
                idle = waiting.pop()
            if time.monotonic() - idle.since < REUSE_S and not idle.stream.unread():
                return idle.stream
            idle.stream.close()

    def put(self, key: LinkKey, stream: Stream) -> None:
        """Keep a link that is in step, or close it: if there are enough, or nobody wants it."""
        with self._lock:
            waiting = self._idle.setdefault(key, [])
            wanted = key[0] in self._trust.book and not self._closed
            if len(waiting) < IDLE_MAX[key[1]] and wanted:
                waiting.append(_Idle(stream, time.monotonic()))
                self._lock.notify_all()
                return
        stream.close()

    def wait(self, key: LinkKey, wait_s: float) -> bool:
        """Wait until such a link waits; False if there is none after `wait_s`."""
        with self._lock:
            return self._lock.wait_for(lambda: bool(self._idle.get(key)), wait_s)

    def close(self) -> None:
        """Close all, and whatever would come to wait later."""
        with self._lock:
            self._closed = True
        self.close_older(time.monotonic())

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
            for key, waiting in list(self._idle.items()):
                old += [one for one in waiting if one.since <= than]
                self._idle[key] = [one for one in waiting if one.since > than]
                if not self._idle[key]:
                    del self._idle[key]
        for one in old:
            one.stream.close()

    def cut_off(self, gone: Collection[DeviceId]) -> None:
        """These devices are no members any more: close the links with them."""
        with self._lock:
            keys = [key for key in self._idle if key[0] in gone]
            old = [one for key in keys for one in self._idle.pop(key)]
        for one in old:
            one.stream.close()


class UsedLinks:
    """The links that an order is being answered on; shared by the workers."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock: Final = threading.Lock()  # guards what follows: a link in it is not closed
        self._used: Final[dict[Stream, DeviceId]] = {}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"<UsedLinks: {len(self._used)}>"

    @contextlib.contextmanager
    def hold(self, peer: DeviceId, stream: Stream) -> Iterator[None]:
        """A link is used for the time of this block."""
        with self._lock:
            self._used[stream] = peer
        try:
            yield
        finally:
            with self._lock:
                del self._used[stream]

    def cut_off(self, gone: Collection[DeviceId]) -> None:
        """These devices are no members any more: end the links with them, whatever comes there.

        The socket only: its TLS object is of the thread that reads it.
        """
        with self._lock:
            for stream, peer in self._used.items():
                if peer in gone:
                    stream.cut()
