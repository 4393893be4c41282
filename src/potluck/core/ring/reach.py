"""Reach: which devices can be dialled from here, as far as dialling them has shown.

Strategy: a firewall that lets nothing in lets everything out, so of two devices often only one can
dial. Whoever could not be dialled is not dialled for a while: it is asked to dial us instead. After
that it is tried again, ever more rarely, since a firewall that is taken away is not announced. One
dial that works ends all doubt.

Guarantees: pure; a device nobody tried to dial may be dialled. Limits: nothing is remembered over a
restart; a device is taken as a whole, not address by address.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from potluck.core import limits
from potluck.core.keys.identity import DeviceId


@dataclass(frozen=True, slots=True)
class _Undialable:
    """A device that could not be dialled."""

    times: int
    again_s: float


class Reach:
    """Who can be dialled."""

    def __init__(self) -> None:
        """Doubt nobody."""
        self._undialled: dict[DeviceId, _Undialable] = {}

    def __repr__(self) -> str:
        """Return how many could not be dialled."""
        return f"<Reach: {len(self._undialled)} could not be dialled>"

    def on_dialled(self, device: DeviceId) -> None:
        """A dial to that device worked."""
        self._undialled.pop(device, None)

    def on_undialled(self, device: DeviceId, now: float) -> None:
        """A dial to that device failed: it is tried again later."""
        before = self._undialled.get(device)
        if before is not None and now < before.again_s:
            return  # a dial of the same time: it says nothing new
        times = 0 if before is None else before.times
        pauses = limits.UNDIALLED_S
        pause_s = pauses[min(times, len(pauses) - 1)]
        self._undialled[device] = _Undialable(times + 1, now + pause_s)

    def on_not_called(self, device: DeviceId, now: float) -> None:
        """That device was asked to dial us and did not: dialling it is as good as waiting."""
        undialled = self._undialled.get(device)
        if undialled is not None:
            self._undialled[device] = replace(undialled, again_s=now)

    def dialable(self, device: DeviceId, now: float) -> bool:
        """Say whether that device may be dialled now."""
        undialled = self._undialled.get(device)
        return undialled is None or now >= undialled.again_s
