"""Windows: how many bytes may be on their way on one link, so that no queue grows in front of it.

Strategy: TCP sends until something is lost, so on a slow link whole seconds of bytes stand in the
queue of a router or a modem, and everything else, a question of 50 bytes too, waits behind them.
Whoever receives can prevent that, wherever on the way the queue is: it lets the other side have no
more on its way than came in `limits.QUEUE_S`. As long as the way itself takes less than that, the
link stays full: with less in the queue the bytes come sooner, and then more may be on their way.
(LEDBAT, RFC 6817, wants the same and measures delay; here both ends need no common clock.)

Guarantees: pure; the best of the last samples counts, so neither a pause between two requests nor a
slow disk of ours makes the window small. Limits: a way that takes longer than QUEUE_S both ways
without any queue gets its bytes through more slowly, down to WINDOW_MIN_BYTES each round trip: this
is a program for a LAN. Each link is measured for itself: on a slow one they share what is there.
"""

from __future__ import annotations

from collections import deque

from potluck.core import limits


class ReceiveWindow:
    """What one link may have on its way."""

    def __init__(self, now: float) -> None:
        """Begin the first sample."""
        self._since_s = now
        self._came_bytes = 0
        self._rates: deque[float] = deque(maxlen=limits.WINDOW_SAMPLES)  # bytes a second

    def __repr__(self) -> str:
        return f"<ReceiveWindow of {self.size_bytes} bytes>"

    @property
    def size_bytes(self) -> int:
        """What may be on its way, by what was measured so far."""
        best = max(self._rates, default=0.0)
        return max(limits.WINDOW_MIN_BYTES, int(best * limits.QUEUE_S))

    def on_bytes(self, count: int, now: float) -> int | None:
        """Bytes came; returns the window's size when a sample is whole, to be set anew."""
        self._came_bytes += count
        took_s = now - self._since_s
        if took_s < limits.WINDOW_SAMPLE_S:
            return None
        self._rates.append(self._came_bytes / took_s)
        self._since_s, self._came_bytes = now, 0
        return self.size_bytes
