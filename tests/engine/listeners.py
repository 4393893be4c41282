"""A listener for any part of engine/group and engine/ring: notes what it is told, and passes it on.

Strategy: one class has every method of the Protocols there, so mypy sees when one of them changes. A
test that plays the other parts itself names who hears, `Heard(on_wish=pairings.ask)`; whoever
belongs to a circle of parts is named afterwards, `heard.tell["on_wish"] = …`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from potluck.core import limits
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Beacon, RosterRecord


class Heard:
    """What parts of the engine told."""

    def __init__(self, **tell: Callable[..., object]) -> None:
        self.tell = tell
        self.notes: list[tuple[Any, ...]] = []  # name of what was told, and what came with it

    def of(self, name: str) -> list[Any]:
        """What came with each telling of that name: nothing, one thing or several."""
        told = [tuple(rest) for what, *rest in self.notes if what == name]
        return [rest[0] if len(rest) == 1 else rest for rest in told]

    def _note(self, name: str, *what: object) -> None:
        self.notes.append((name, *what))
        if name in self.tell:
            self.tell[name](*what)

    # -- engine/group ------------------------------------------------------------------------------
    def on_regrouped(self) -> None:
        self._note("on_regrouped")

    def on_relabelled(self) -> None:
        self._note("on_relabelled")

    def on_members_changed(self) -> None:
        self._note("on_members_changed")

    def on_wish(self, wish: FoundGroup) -> None:
        self._note("on_wish", wish)

    def on_wish_refused(self, wish: FoundGroup) -> None:
        self._note("on_wish_refused", wish)

    def on_met(self, device: DeviceId, address: Address) -> None:
        self._note("on_met", device, address)

    # -- engine/ring -------------------------------------------------------------------------------
    def beacon(self) -> Beacon:
        return Beacon(limits.PORT, 0, b"", 1)

    def on_called(self, to: Address | None) -> None:
        self._note("on_called", to)

    def on_linked(self, device: DeviceId) -> None:
        self._note("on_linked", device)

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        self._note("on_unlinked", device, clean)

    def on_refused(self, device: DeviceId) -> None:
        self._note("on_refused", device)

    def on_introduced(self, records: Sequence[RosterRecord]) -> None:
        self._note("on_introduced", records)
