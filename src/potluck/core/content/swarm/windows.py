"""Windows: how many bytes may be on their way on one link, so that no queue grows in front of it.

Strategy: TCP sends until something is lost, so on a slow link whole seconds of bytes stand in the
queue of a router or a modem, and everything else, a question of 50 bytes too, waits behind them.
Whoever receives can prevent that, wherever on the way the queue is: it lets the other side have no
more on its way than came in `queue_s` seconds. As long as the way itself takes less than that, the
link stays full: with less in the queue the bytes come sooner, and then more may be on their way.
Links with news get more of such time than links with pieces: so what is on its way for news grows
until it takes the larger part of a slow link, and pieces wait for news, not the other way round.
(LEDBAT, RFC 6817, wants the same and measures delay; here both ends need no common clock.)

Guarantees: pure; the best of the last samples counts, so neither a short pause between two requests
nor a slow disk of ours makes the window small. Limits: a way that takes longer than `queue_s` both
ways without any queue gets its bytes through more slowly, down to WINDOW_MIN_BYTES each round trip:
this is a program for a LAN. Each link is measured for itself: on a slow one they share what is
there. After WINDOW_SAMPLES answers of a few bytes, with long pauses, a link begins small again.
"""

from __future__ import annotations

from collections import deque

from potluck.core import limits


class ReceiveWindow:
    """What one link may have on its way."""

    def __init__(self, now: float, queue_s: float) -> None:
        """Begin the first sample; what comes in `queue_s` seconds may be on its way."""
        self._since_s, self._queue_s = now, queue_s
        self._came_bytes = 0
        self._rates: deque[float] = deque(maxlen=limits.WINDOW_SAMPLES)  # bytes a second

    def __repr__(self) -> str:
        return f"<ReceiveWindow of {self.size_bytes} bytes>"

    @property
    def size_bytes(self) -> int:
        """What may be on its way, by what was measured so far."""
        best = max(self._rates, default=0.0)
        return max(limits.WINDOW_MIN_BYTES, int(best * self._queue_s))

    def on_bytes(self, count: int, now: float) -> int | None:
        """Bytes came; returns the window's size when a sample is whole, to be set anew."""
        self._came_bytes += count
        took_s = now - self._since_s
        if took_s < limits.WINDOW_SAMPLE_S:
            return None
        self._rates.append(self._came_bytes / took_s)
        self._since_s, self._came_bytes = now, 0
        return self.size_bytes
