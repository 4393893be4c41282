"""The group's relay: who hears what the parts of engine/group tell.

Strategy: as in engine/wiring.py, of which this is a part: one method for each thing that is told,
one line for each part that hears it. Guarantees and limits are those of wiring.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from potluck.core import limits
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address
from potluck.engine.events import LinkId
from potluck.engine.group.admission_policy import AdmissionListener
from potluck.engine.group.membership import MembershipListener
from potluck.engine.group.pairings import PairingsListener
from potluck.engine.group.questions import QuestionsListener
from potluck.engine.group.requests import RequestsListener
from potluck.engine.group.stewardship import StewardshipListener
from potluck.engine.others.frozen_heads import forget_further_heads
from potluck.engine.ring.circle import forget_former

if TYPE_CHECKING:
    from potluck.engine.wiring import Wiring


class GroupRelay(
    MembershipListener,
    AdmissionListener,
    PairingsListener,
    QuestionsListener,
    RequestsListener,
    StewardshipListener,
):
    """Who hears what engine/group tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_regrouped(self) -> None:
        """This device is in another group now: nothing of the old ring counts."""
        self._parts.discovery.drop_all("joined another group")
        self._parts.sealed_datagrams.restart()
        self._parts.key_exchange.restart()
        self._parts.confirmations.restart()
        self._parts.circle.restart()
        self._parts.discovery.on_members()
        self._parts.own_folder.await_marker()
        self._parts.invitations.on_regrouped()
        self._parts.joining.on_members()

    def on_relabelled(self) -> None:
        """The own folder has another name now."""
        self._parts.own_folder.await_marker()

    def on_members_changed(self) -> None:
        """The group has other members now."""
        self._parts.admission_policy.on_members()
        self._parts.joining.on_members()
        self._parts.discovery.on_members()
        forget_former(self._parts.circle, self._parts.node)
        self._parts.announcing.on_members()
        self._parts.strays.on_members()
        self._parts.doubled_owners.on_members()
        forget_further_heads(self._parts.following, self._parts.node)
        self._parts.forgotten_folders.on_members()
        self._parts.confirmations.on_members()
        self._parts.loss_breaker.on_members()
        self._parts.holds.renew()
        self._parts.stewardship.on_members()

    def on_left(self) -> None:
        """This device belongs to its group no more."""
        self._parts.farewell.on_leave_asked(limits.PUT_OUT_S)

    def on_decided(self, place: Address) -> None:
        """This machine keeps the identity that another one has, too."""
        self._parts.own_calls.call_now(place)

    def on_wish(self, wish: FoundGroup) -> None:
        """A lonely device wishes to be in that group."""
        self._parts.pairings.ask(wish)

    def on_wish_refused(self, wish: FoundGroup) -> None:
        """That group was asked in vain: is there anything new?"""
        self._parts.questions.ask(wish.address)

    def on_wish_withdrawn(self, why: str) -> None:
        """No group is to be asked any more."""
        self._parts.pairings.withdraw(why)

    def on_answered(self, link: LinkId, by: str, *, yes: bool) -> None:
        """A person said yes or no to whom this device talks to."""
        self._parts.pairings.on_answered(link, by, yes=yes)

    def on_door_unreached(self, wish: FoundGroup) -> None:
        """The door of that group cannot be reached: its device is asked to dial ours."""
        self._parts.questions.ask_to_call(wish)

    def on_call_asked(self, address: Address) -> None:
        """A newcomer there cannot reach our door: it is dialled."""
        self._parts.pairings.call(address)

    def on_door_blocked(self, who: str, address: Address, reason: str) -> None:
        """Neither could a door be dialled, nor did its device dial us; or the other way round."""
        self._parts.link_troubles.on_door_blocked(who, address, reason)
        self._parts.pairings.on_door_blocked(address, reason)

    def on_door_reached(self, who: str) -> None:
        """A door, or a newcomer, was reached."""
        self._parts.link_troubles.on_reached(who)

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member of the group we enter is at that address."""
        self._parts.discovery.on_met(device, address)
