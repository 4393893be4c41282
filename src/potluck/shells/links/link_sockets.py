"""Link sockets: for what the selector looks on each control and pairing link, and which of them are
not read for a moment.

Strategy: whoever handles what a link brought says how long that took; core/reading_shares.py says
whether the link rests. While it does, the selector does not look whether there is something to
read, so what the other side says waits in its connection, and in the end on its side. What is to be
sent to it is sent.

Guarantees: a link that rests is read again in time without anything else happening, if `wake` is
called when `deadline` says. A member has one share, however many links it opens, one after another
or at once. Limits: that a link has ended is noticed when its rest is over.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from potluck.core.reading_shares import ReadingShares
from potluck.engine.events import Event

OnReady = Callable[[int], list[Event]]
"""What is called with the mask of what a socket is ready for."""


@dataclass(slots=True)
class _Watched:
    sender: Hashable
    on_ready: OnReady
    writes: bool = False
    rests_until_s: float | None = None


class LinkSockets:
    """All sockets of links; owned by the loop thread."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Watch none yet."""
        self._selector: Final = selector
        self._shares: Final[ReadingShares[Hashable]] = ReadingShares()
        self._watched: Final[dict[socket.socket, _Watched]] = {}
        # removed while what they brought was handled, which is still to be counted
        self._gone: Final[dict[socket.socket, Hashable]] = {}
        self._until_s: dict[Hashable, float] = {}  # how long each sender rests that does

    def __repr__(self) -> str:
        """Show how many there are, and how many of them rest."""
        return f"<LinkSockets: {len(self._watched)}, {len(self._resting())} rest, {self._shares!r}>"

    def add(self, sock: socket.socket, sender: Hashable, on_ready: OnReady) -> None:
        """Look from now on whether there is something to read; `sender` is who says it."""
        self._watched[sock] = _Watched(sender, on_ready, rests_until_s=self._until_s.get(sender))
        self._follow(sock)

    def remove(self, sock: socket.socket) -> None:
        """Look no more; before it is closed."""
        self._gone[sock] = self._watched.pop(sock).sender
        if sock in self._selector.get_map():
            self._selector.unregister(sock)

    def watch(self, sock: socket.socket, *, writes: bool) -> None:
        """Look also whether it can be written to, or no more."""
        self._watched[sock].writes = writes
        self._follow(sock)

    def rests(self, sock: socket.socket) -> bool:
        """Say whether it is not to be read now."""
        watched = self._watched.get(sock)
        return watched is not None and watched.rests_until_s is not None

    def took(self, sock: object, seconds: float, now: float) -> None:
        """What a socket brought took so long of this thread's time, if it is one of these."""
        if not isinstance(sock, socket.socket):
            return
        watched, gone = self._watched.get(sock), self._gone.pop(sock, None)
        sender = watched.sender if watched is not None else gone
        if sender is None:
            return
        rest_s = self._shares.take(sender, seconds, now)
        if rest_s:
            self._until_s[sender] = now + rest_s
            for other, one in self._watched.items():
                if one.sender == sender:
                    one.rests_until_s = now + rest_s
                    self._follow(other)

    def wake(self, now: float) -> None:
        """Look again whether there is something to read where the rest is over."""
        self._gone.clear()
        self._until_s = {one: until_s for one, until_s in self._until_s.items() if until_s > now}
        for sock, watched, until_s in self._resting():
            if until_s <= now:
                watched.rests_until_s = None
                self._follow(sock)

    def deadline(self) -> float | None:
        """Return when the first rest is over."""
        return min((until_s for _, _, until_s in self._resting()), default=None)

    def _resting(self) -> list[tuple[socket.socket, _Watched, float]]:
        return [
            (sock, watched, watched.rests_until_s)
            for sock, watched in self._watched.items()
            if watched.rests_until_s is not None
        ]

    def _follow(self, sock: socket.socket) -> None:
        """Have the selector look for what is wanted of a socket."""
        watched = self._watched[sock]
        reads = selectors.EVENT_READ if watched.rests_until_s is None else 0
        mask = reads | (selectors.EVENT_WRITE if watched.writes else 0)
        key = self._selector.get_map().get(sock)
        if key is None:
            if mask:
                self._selector.register(sock, mask, watched.on_ready)
        elif not mask:
            self._selector.unregister(sock)
        elif key.events != mask:
            self._selector.modify(sock, mask, watched.on_ready)
