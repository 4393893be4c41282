"""Pairing dials: how a newcomer and a member get a link to talk on, whoever of them can dial.

Strategy: a newcomer dials the door it was offered. If that leads nowhere within half a second, the
device behind the door is asked, by datagram, to dial ours (questions.py); whichever link comes
first is used. So a member whose firewall lets nobody in admits newcomers all the same, and so does
a newcomer behind one reach a group. A member dials whoever asked it in the right way, a few at once
and each host rarely.

Guarantees: one wish at a time, and each ends: in a link, or given up in time. A link that somebody
else dialled counts for a wish only if it comes from the host that was asked. A newcomer makes a
member dial no other host than the one it receives at. Where neither side can dial the other, both
are told; of a newcomer that came by itself meanwhile nothing is told. Limits: where datagrams are
dropped as well, nobody learns of anybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol

from potluck.core import limits
from potluck.core.group.founding import FoundGroup
from potluck.core.hosts import host_of
from potluck.core.wire.catalogue import Address, LinkKind
from potluck.engine.effects import Dial
from potluck.engine.events import DialFailed, OrderId
from potluck.engine.node import Node


class Dialled(Enum):
    """Whom a dial of ours has reached, if not the door of a group we wish to enter."""

    NEWCOMER = auto()  # it asked to be dialled
    NOT_WANTED = auto()  # another link was faster, or it took too long


@dataclass(slots=True)
class _Wish:
    """A group whose door is being dialled."""

    found: FoundGroup
    dial: OrderId
    call_s: float  # when its device is asked to dial us
    until_s: float = math.inf  # when it is given up
    reason: str = ""  # why our dial failed; "" if somebody is there who did not let us in


class FailedWish(NamedTuple):
    """A group that could not be talked to."""

    found: FoundGroup
    reason: str  # why our dial failed, as in DialFailed; "" if somebody is there


class PairingDialsListener(Protocol):
    """Hears that a door cannot be reached."""

    def on_door_unreached(self, wish: FoundGroup) -> None:
        """The device behind that door is to be asked to dial us."""

    def on_door_blocked(self, who: str, address: Address, reason: str) -> None:
        """Neither side can dial the other; `reason`: why we cannot dial that door or newcomer."""

    def on_door_reached(self, who: str) -> None:
        """That device, or a newcomer at that host, was reached."""


class PairingDials:
    """The dials for pairing, on both sides."""

    def __init__(self, node: Node, listener: PairingDialsListener) -> None:
        """Dial nobody."""
        self._node, self._listener = node, listener
        self._wish: _Wish | None = None
        self._late: set[OrderId] = set()  # dials of wishes that are over
        self._calls: dict[OrderId, Address] = {}
        self._came: set[OrderId] = set()  # calls of those who came by themselves meanwhile
        self._called_s: dict[str, float] = {}  # when a host was called last

    def __repr__(self) -> str:
        """Say whether a door is being dialled, and how many newcomers are."""
        wish = self._wish is not None
        return f"<PairingDials {wish=}, calls={len(self._calls)}, late={len(self._late)}>"

    # -- a newcomer --------------------------------------------------------------------------------
    def ask(self, wish: FoundGroup) -> None:
        """Dial the door of that group."""
        self.let_go()
        dial = self._node.number()
        self._wish = _Wish(wish, dial, self._node.now + limits.PAIRING_CALL_AFTER_S)
        self._node.do(Dial(dial, LinkKind.PAIRING, None, wish.address))

    def take_turn(self, host: str) -> FoundGroup | None:
        """A member at that host dialled us: return the group we asked it for, None if we did not.

        From then on that wish is a conversation.
        """
        wish = self._wish
        if wish is None or wish.found.address.host != host or wish.call_s < math.inf:
            return None
        self.let_go()
        self._listener.on_door_reached(_called(wish.found))
        return wish.found

    def let_go(self) -> None:
        """The wish under way is over, if any; its dial may still come to something."""
        if self._wish is not None and self._wish.until_s == math.inf:
            self._late.add(self._wish.dial)
        self._wish = None

    # -- a member ----------------------------------------------------------------------------------
    def call(self, newcomer: Address) -> None:
        """Dial a newcomer that asked for it, within bounds."""
        now, rest_s = self._node.now, limits.PAIRING_CALL_REST_S
        self._called_s = {host: s for host, s in self._called_s.items() if now - s < rest_s}
        host = host_of(newcomer.host)
        if len(self._calls) >= limits.PAIRING_CALLS or host in self._called_s:
            return
        if any(host_of(called.host) == host for called in self._calls.values()):
            return  # it may let us wait, but takes no other newcomer's place
        self._called_s[host] = now
        dial = self._node.number()
        self._calls[dial] = newcomer
        self._node.do(Dial(dial, LinkKind.PAIRING, None, newcomer))

    def came(self, host: str) -> None:
        """Somebody at that host dialled us and is at the door."""
        self._came |= {dial for dial, newcomer in self._calls.items() if newcomer.host == host}
        self._listener.on_door_reached(host)

    # -- both --------------------------------------------------------------------------------------
    def opened(self, dial: OrderId) -> FoundGroup | Dialled:
        """A dial of ours has led to a link: say to whom."""
        newcomer = self._calls.pop(dial, None)
        if newcomer is not None:
            self._came.discard(dial)
            self._listener.on_door_reached(newcomer.host)
            return Dialled.NEWCOMER
        wish = self._wish
        if wish is None or wish.dial != dial:
            self._late.discard(dial)
            return Dialled.NOT_WANTED
        self._wish = None
        self._listener.on_door_reached(_called(wish.found))
        return wish.found

    def failed(self, event: DialFailed) -> bool:
        """A dial failed; returns whether it was for pairing."""
        dial = event.dial
        newcomer = self._calls.pop(dial, None)
        if newcomer is not None and not event.knock and dial not in self._came:
            self._listener.on_door_blocked(newcomer.host, newcomer, event.reason)
        if newcomer is not None or dial in self._late:
            self._late.discard(dial)
            self._came.discard(dial)
            return True
        wish = self._wish
        if wish is None or wish.dial != dial:
            return False
        wish.until_s = self._node.now + limits.PAIRING_CALLED_S
        wish.reason = "" if event.knock else event.reason
        self._ask_to_call(wish)
        return True

    def _ask_to_call(self, wish: _Wish) -> None:
        if wish.call_s < math.inf:
            wish.call_s = math.inf
            self._listener.on_door_unreached(wish.found)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if self._wish is None:
            return None
        time = min(self._wish.call_s, self._wish.until_s)
        return time if time < math.inf else None

    def on_tick(self) -> FailedWish | None:
        """Ask to be dialled, if the own dial takes long; returns a wish that came to nothing."""
        wish, now = self._wish, self._node.now
        if wish is None:
            return None
        if now >= wish.call_s:
            self._ask_to_call(wish)
        if now < wish.until_s:
            return None
        self._wish = None
        if wish.reason:
            self._listener.on_door_blocked(_called(wish.found), wish.found.address, wish.reason)
        return FailedWish(wish.found, wish.reason)


def _called(found: FoundGroup) -> str:
    """Return what people know that device by: behind a closed door it tells no label."""
    return found.label or found.address.host
