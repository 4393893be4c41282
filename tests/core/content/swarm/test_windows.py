"""Windows: no more on its way than comes in a moment; in a model of a link with a queue, too."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.swarm.windows import ReceiveWindow

SAMPLE_S = limits.WINDOW_SAMPLE_S
MEGABIT = 125_000  # bytes a second


def test_nothing_is_said_before_a_sample_is_whole() -> None:
    window = ReceiveWindow(0.0, limits.QUEUE_S)
    assert window.on_bytes(500_000, SAMPLE_S / 2) is None
    size = window.on_bytes(500_000, SAMPLE_S)
    assert size == pytest.approx(1_000_000 / SAMPLE_S * limits.QUEUE_S)
    assert window.on_bytes(1, SAMPLE_S * 1.5) is None


def test_it_never_falls_below_a_few_packets() -> None:
    window = ReceiveWindow(0.0, limits.QUEUE_S)
    assert window.size_bytes == limits.WINDOW_MIN_BYTES
    assert window.on_bytes(1, 100.0) == limits.WINDOW_MIN_BYTES


def test_a_pause_does_not_make_it_small_and_a_slower_link_does() -> None:
    window = ReceiveWindow(0.0, limits.QUEUE_S)
    fast = window.on_bytes(1_000_000, 1.0)
    now = 1.0
    sizes = []
    for _ in range(limits.WINDOW_SAMPLES):
        now += 1.0
        sizes.append(window.on_bytes(200_000, now))
    assert sizes[:-1] == [fast] * (limits.WINDOW_SAMPLES - 1)
    assert sizes[-1] == 200_000 * limits.QUEUE_S
    assert repr(window) == "<ReceiveWindow of 20000 bytes>"


def stand_in_queue_s(rate: float, way_s: float) -> tuple[float, float]:
    """Let bytes cross a link with a queue without end; return the queue in the end in seconds, and
    which part of the link was used.
    """
    window, size, step_s = ReceiveWindow(0.0, limits.QUEUE_S), 65536, 0.01
    queue = came = 0.0
    on_the_way = [0.0] * max(1, round(way_s / step_s))
    for step in range(1, 3001):
        passed = min(queue, rate * step_s)
        queue -= passed
        on_the_way.append(passed)
        arrived = on_the_way.pop(0)
        came += arrived if step > 1000 else 0
        size = window.on_bytes(round(arrived), step * step_s) or size
        queue += max(0.0, size - queue - sum(on_the_way))  # the sender sends all it may
    return queue / rate, came / (20 * rate)


@pytest.mark.parametrize("megabits", [1, 40, 1000])
@pytest.mark.parametrize("way_s", [0.01, 0.05])
def test_the_link_stays_full_and_its_queue_short(megabits: int, way_s: float) -> None:
    queue_s, used = stand_in_queue_s(megabits * MEGABIT, way_s)
    assert used > 0.95
    assert queue_s <= limits.QUEUE_S + SAMPLE_S
