"""The own folder's relay: who hears what the parts of engine/own tell.

Strategy: as in engine/wiring.py, of which this is a part: one method for each thing that is told,
one line for each part that hears it. Guarantees and limits are those of wiring.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from potluck.core.content.facts import SharedChange, Spot
from potluck.core.content.paths import SafePath
from potluck.core.wire.catalogue import Head
from potluck.engine.bringing_back import BringingBackListener
from potluck.engine.own.lost_state import LostStateListener
from potluck.engine.own.own_folder import is_open
from potluck.engine.own.publishing import PublishingListener

if TYPE_CHECKING:
    from potluck.engine.wiring import Wiring


class OwnRelay(PublishingListener, LostStateListener, BringingBackListener):
    """Who hears what engine/own tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_published(self, head: Head) -> None:
        """The own manifest has a new head."""
        self._parts.announcing.on_published(head)
        self._parts.undelivered.on_published()

    def on_shared(self, changes: Sequence[SharedChange]) -> None:
        """This is what is new in it."""
        self._parts.happenings.on_shared(changes)
        self._parts.undelivered.on_shared(changes)

    def on_held_changed(self) -> None:
        """More, or less, of the own folder is gone here, and held."""
        self._parts.bringing_back.on_held_changed()
        self._parts.announcing.on_places_changed()

    def on_damaged_changed(self, spot: Spot) -> None:
        """One of the own folder is damaged, or whole again."""
        self._parts.receiving.look_again(spot)
        self._parts.announcing.on_places_changed()

    def on_lost_state(self, head: Head) -> None:
        """Others hold a state of the own folder that this device does not remember."""
        self._parts.following.seek_own(head)

    def on_wanted(self, spot: Spot) -> None:
        """One of the own folder is to be brought back, or no more."""
        self._parts.receiving.look_again(spot)

    def on_came(self, paths: Iterable[SafePath]) -> None:
        """Something stands there that was brought back, or was in the way."""
        self._parts.own_folder.look_at(paths)

    def is_looking_at(self, paths: Collection[bytes]) -> bool:
        """Say whether one of these, below the own folder, is yet to be looked at, or read."""
        return not self._parts.node.share_present or is_open(self._parts.own_folder, paths)
