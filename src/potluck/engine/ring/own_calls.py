"""Own calls: what seems to speak in this device's own name is dialled, to see who it is.

Strategy: a sealed datagram in our name, or a member record that our key signed in another run, is a
hint and never believed: any member can make the one, and keep the other from a former run. So the
address in it is dialled for our own identity (`SELF_DIAL_S` between two such dials). A link there
whose other side names another run was made with our key by a machine that runs now, since the TLS
handshake cannot be made without it; that is proof, whichever side dialled. If it names this run it
is ourselves, perhaps by way of somebody. On such a link both sides say their own head, by which
each sees how far the other one is (engine/clones.py), and it ends soon.

Guarantees: nobody without our key makes it seem that another machine runs with it. Nothing but an
address in our own networks is dialled, not our own one, one at a time; what is waiting is bounded.
Limits: a member that makes up hints without end delays the dial that would find the other machine;
the other one dials us just as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Head, Heads, LinkKind, Message, Unknown
from potluck.engine.effects import Dial, Drop, Send
from potluck.engine.events import LinkId, LinkOpened
from potluck.engine.node import Node
from potluck.engine.ring.circle import Circle

SELF_DIAL_S = 10.0  # between two dials: a hint costs whoever makes it nothing
SUSPECTS = 8  # addresses that wait to be dialled: a machine has few, and there is one more
SELF_LINK_S = 5.0  # of a link with another run of ourselves: both have said all long before
SAME_RUN = "this is the same run of one device"
SEEN = "two runs of one device have seen each other"


class OwnCallsListener(Protocol):
    """Hears of other runs of this device."""

    def on_clone(self, place: Address) -> None:
        """Another machine, there, runs with the identity of this device: it has proved it."""

    def on_clone_heads(self, heads: Sequence[Head]) -> None:
        """The other machine said what it holds of the own folder, nothing if it never shared."""


class OwnCalls:
    """Finds out whether another machine runs with this device's identity."""

    def __init__(self, node: Node, circle: Circle, listener: OwnCallsListener) -> None:
        """Suspect nothing; `circle` knows what is said in the ring."""
        self._node, self._circle, self._listener = node, circle, listener
        self._suspects: dict[Address, None] = {}  # where another run may be, the oldest first
        self._links: dict[LinkId, float] = {}  # with other runs, and when each ends
        self._dial_s = -math.inf  # when the next one may be dialled

    def __repr__(self) -> str:
        """Say how many hints wait, and how many links there are."""
        return f"<OwnCalls suspects={len(self._suspects)}, links={len(self._links)}>"

    # -- hints -------------------------------------------------------------------------------------
    def on_call(self, address: Address) -> None:
        """A datagram in our name came from there, in another run."""
        self._suspect([address])

    def call_now(self, address: Address) -> None:
        """The other machine was there: dial it at once, to tell it what was decided."""
        self._suspects = {address: None, **self._suspects}
        self._dial_s = -math.inf

    def _suspect(self, addresses: Iterable[Address]) -> None:
        node, own = self._node, self._circle.ring.beliefs.own.addresses
        for address in addresses:
            may = address not in own and node.address_book.own.may_dial(node.me, address)
            if may and len(self._suspects) < SUSPECTS:
                self._suspects[address] = None

    # -- links -------------------------------------------------------------------------------------
    def on_link_opened(self, event: LinkOpened) -> None:
        """A link is open whose other side has our own identity."""
        node = self._node
        if event.instance == node.instance:
            node.do(Drop(event.link, SAME_RUN))
            return
        self._links[event.link] = node.now + SELF_LINK_S
        self._listener.on_clone(event.address)
        head = node.index.manifests.head(node.own_manifest)
        node.when_durable([Send(event.link, Heads([head] if head is not None else []))])

    def on_message(self, link: LinkId, message: Message | Unknown) -> bool:
        """Something was said on a link; returns whether that is one with another run of us."""
        if link not in self._links:
            return False
        if isinstance(message, Heads):
            mine = [head for head in message.heads if DeviceId(head.owner) == self._node.me]
            self._listener.on_clone_heads(mine)
        return True

    def on_closed(self, link: LinkId) -> bool:
        """A link is gone; returns whether it was one of these."""
        return self._links.pop(link, None) is not None

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = list(self._links.values())
        if self._circle.ring.beliefs.rival is not None:
            times.append(self._node.now)
        if self._suspects:
            times.append(self._dial_s)
        return min(times, default=None)

    def on_tick(self) -> None:
        """Dial whoever is suspected longest; end links on which all was said."""
        node, beliefs = self._node, self._circle.ring.beliefs
        if beliefs.rival is not None:
            self._suspect(beliefs.rival.addresses)
            beliefs.rival = None
        if self._suspects and node.now >= self._dial_s:
            address = next(iter(self._suspects))
            del self._suspects[address]
            self._dial_s = node.now + SELF_DIAL_S
            node.do(Dial(node.number(), LinkKind.CONTROL, node.me, address))
        for link, end_s in list(self._links.items()):
            if node.now >= end_s:
                del self._links[link]
                node.do(Drop(link, SEEN))
