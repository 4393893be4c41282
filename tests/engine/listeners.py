"""A listener for any part of the engine: notes what it is told, and passes it on.

Strategy: one class has every method of the parts' Protocols, so mypy sees when one of them changes.
A test that plays the other parts itself names who hears, `Heard(on_wish=pairings.ask)`; whoever
belongs to a circle of parts is named afterwards, `heard.tell["on_wish"] = …`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from potluck.core import limits
from potluck.core.content.facts import Amount, ManifestName, SharedChange, Spot
from potluck.core.content.paths import SafePath
from potluck.core.group.admission import WayIn
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Beacon, Gap, Head, RosterRecord
from potluck.engine.events import Hashed, Imported, LinkId
from potluck.engine.node import Node
from potluck.engine.others.downloads import Want
from potluck.engine.others.group_commit import SpotOutcome


class Heard:
    """What parts of the engine told."""

    def __init__(self, **tell: Callable[..., object]) -> None:
        self.tell = tell
        self.notes: list[tuple[Any, ...]] = []  # name of what was told, and what came with it

    def of(self, name: str) -> list[Any]:
        """What came with each telling of that name: nothing, one thing or several."""
        told = [tuple(rest) for what, *rest in self.notes if what == name]
        return [rest[0] if len(rest) == 1 else rest for rest in told]

    def on_confirmed(self, name: ManifestName) -> None:
        self._note("on_confirmed", name)

    def on_skips_changed(self) -> None:
        self._note("on_skips_changed")

    def on_doubled(self, device: DeviceId, places: tuple[Address, Address]) -> None:
        self._note("on_doubled", device, places)

    def on_clone(self, place: Address) -> None:
        self._note("on_clone", place)

    def on_clone_heads(self, heads: Sequence[Head]) -> None:
        self._note("on_clone_heads", list(heads))

    def on_decided(self, place: Address) -> None:
        self._note("on_decided", place)

    def on_left(self) -> None:
        self._note("on_left")

    def restore(self, name: str, done: Imported) -> str | None:
        self._note("restore", name, done)
        return None

    def _note(self, name: str, *what: object) -> None:
        self.notes.append((name, *what))
        if name in self.tell:
            self.tell[name](*what)

    def _say(self, name: str, *what: object, otherwise: bool) -> bool:
        return bool(self.tell[name](*what)) if name in self.tell else otherwise

    # -- engine/group ------------------------------------------------------------------------------
    def on_regrouped(self) -> None:
        self._note("on_regrouped")

    def on_relabelled(self) -> None:
        self._note("on_relabelled")

    def on_members_changed(self) -> None:
        self._note("on_members_changed")

    def on_wish(self, wish: FoundGroup) -> None:
        self._note("on_wish", wish)

    def say_yes(self, link: LinkId, by: str, way: WayIn) -> None:
        self._note("say_yes", link)

    def say_no(self, link: LinkId, by: str) -> None:
        self._note("say_no", link)

    def on_wish_refused(self, wish: FoundGroup) -> None:
        self._note("on_wish_refused", wish)

    def on_wish_withdrawn(self, why: str) -> None:
        self._note("on_wish_withdrawn", why)

    def on_answered(self, link: LinkId, by: str, *, yes: bool) -> None:
        self.notes.append(("on_answered", link, by, yes))
        if "on_answered" in self.tell:
            self.tell["on_answered"](link, by, yes=yes)

    def on_met(self, device: DeviceId, address: Address) -> None:
        self._note("on_met", device, address)

    def on_door_unreached(self, wish: FoundGroup) -> None:
        self._note("on_door_unreached", wish)

    def on_door_blocked(self, who: str, address: Address, reason: str) -> None:
        self._note("on_door_blocked", who, address, reason)

    def on_door_reached(self, who: str) -> None:
        self._note("on_door_reached", who)

    def on_call_asked(self, address: Address) -> None:
        self._note("on_call_asked", address)

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

    def on_undialled(self, device: DeviceId, address: Address, reason: str) -> None:
        self._note("on_undialled", device, address, reason)

    def on_unserved(self, device: DeviceId, address: Address, reason: str) -> None:
        self._note("on_unserved", device, address, reason)

    def on_served(self, device: DeviceId) -> None:
        self._note("on_served", device)

    def on_hung(self, host: str) -> None:
        self._note("on_hung", host)

    def on_introduced(self, records: Sequence[RosterRecord]) -> None:
        self._note("on_introduced", records)

    # -- engine/own and engine/others --------------------------------------------------------------
    def on_published(self, head: Head) -> None:
        self._note("on_published", head)

    def on_shared(self, changes: Sequence[SharedChange]) -> None:
        self._note("on_shared", changes)

    def on_held_changed(self) -> None:
        self._note("on_held_changed")

    def on_damaged_changed(self, spot: Spot) -> None:
        self._note("on_damaged_changed", spot)

    def on_came(self, paths: Iterable[SafePath]) -> None:
        self._note("on_came", list(paths))

    def on_verified(self, spot: Spot, hashed: Hashed) -> None:
        self._note("on_verified", spot, hashed)

    def on_whole(self, spot: Spot) -> None:
        self._note("on_whole", spot)

    def is_damaged(self, spot: Spot) -> bool:
        return self._say("is_damaged", spot, otherwise=False)

    def on_forgotten(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        self._note("on_forgotten", name, list(paths))

    def on_applied(self, head: Head, paths: Sequence[bytes], *, held: bool) -> None:
        self._note("on_applied", head, paths, held)

    def on_frozen(self) -> None:
        self._note("on_frozen")

    def on_own_head(self, head: Head) -> None:
        self._note("on_own_head", head)

    def on_own_fetched(self, head: Head) -> None:
        self._note("on_own_fetched", head)

    def on_lost_state(self, head: Head) -> None:
        self._note("on_lost_state", head)

    def on_arrived(self, wants: Sequence[Want]) -> None:
        self._note("on_arrived", wants)

    def on_received(self, device: DeviceId, size_bytes: int) -> None:
        self._note("on_received", device, size_bytes)

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        self._note("on_committed", done)

    def on_settled(self, done: Sequence[SpotOutcome]) -> None:
        self._note("on_settled", done)

    def look_again(self, spot: Spot) -> None:
        self._note("look_again", spot)

    def leaves(self, spot: Spot) -> bool:
        return self._say("leaves", spot, otherwise=True)

    def on_places_changed(self) -> None:
        self._note("on_places_changed")

    def on_replicas_changed(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        self._note("on_replicas_changed", name, paths)

    def on_cleared(self, spot: Spot) -> None:
        self._note("on_cleared", spot)

    def is_hidden(self, spot: Spot) -> bool:
        return self._say("is_hidden", spot, otherwise=False)

    def is_left_alone(self, spot: Spot) -> bool:
        return self._say("is_left_alone", spot, otherwise=False)

    def spelled_otherwise(self, paths: Sequence[SafePath]) -> list[SafePath]:
        asked = self.tell.get("spelled_otherwise", lambda _: [])
        return list(asked(paths))

    def on_hidden_changed(self) -> None:
        self._note("on_hidden_changed")

    def is_placing(self, spot: Spot) -> bool:
        return self._say("is_placing", spot, otherwise=False)

    def is_placing_any(self) -> bool:
        return self._say("is_placing_any", otherwise=False)

    def on_folder_moved(self, top: SafePath) -> None:
        self._note("on_folder_moved", str(top))

    def is_hindered(self) -> bool:
        return self._say("is_hindered", otherwise=False)

    def is_settling(self) -> bool:
        return self._say("is_settling", otherwise=False)

    def is_busy(self) -> bool:
        return self._say("is_busy", otherwise=False)


class Partly:
    """What is on its way, as a test says."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.fetching = False
        self.here: dict[ManifestName, int] = {}
        self.changing: set[ManifestName] = set()
        self.short: dict[ManifestName, Amount] = {}
        self.held: dict[ManifestName, Amount] = {}
        self.which: dict[ManifestName, tuple[Gap, ...]] = {}

    @property
    def room_mark(self) -> object:
        return tuple(self.short.items())

    def held_back(self) -> dict[ManifestName, Amount]:
        return dict(self.held)

    def no_room(self) -> dict[ManifestName, Amount]:
        return self.short

    def gaps(self) -> dict[ManifestName, tuple[Gap, ...]]:
        return self.which

    doubted = False

    def unsettled(self) -> set[ManifestName]:
        return self.changing

    def skipped(self) -> dict[ManifestName, Amount]:
        index = self._node.index
        names = map(ManifestName.of, index.manifests.heads())
        return {name: index.needs.skipped(name) for name in names}

    def lacking(self) -> dict[ManifestName, Amount]:
        index, found = self._node.index, dict[ManifestName, Amount]()
        for name in map(ManifestName.of, index.manifests.heads()):
            of = index.needs.missing if self._node.share_present else index.manifests.amount
            files, folders, size_bytes = of(name)
            found[name] = Amount(files, folders, max(size_bytes - self.here.get(name, 0), 0))
        return found


class Neighbour:
    """Who is asked now and then: a device of the test's choice."""

    def __init__(self, device: DeviceId) -> None:
        self.device = device

    def last(self) -> DeviceId:
        return self.device
