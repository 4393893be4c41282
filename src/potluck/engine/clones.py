"""Clones: what a device does while another machine runs with its identity, and how that ends.

Strategy: engine/ring/own_calls.py proves that there is another one (a copied home, an identity that
was restored twice). From then on, over restarts, this device publishes nothing (`Node.cloned`) and
gathers its changes, says so, and waits for a person: nobody else knows which is the copy.
`clone keep-here` publishes in a generation far above all that was heard of the own folder
(engine/withheld.py): a decision, which the others follow again. The other machine hears of it, from
whoever holds that head or on a link between the two, ends, and its next start begins as a new
device, like that of a removed one; so does `clone new-identity` where it is typed. That is refused
where the other machine was not met for a minute: it may have become another device itself, and then
nobody would be left with the identity, whose folder, and whose word as a steward, nobody else has.

A device where `keep-here` was typed does not wait again when it meets the other one, unless that
one decided, too: then nothing is decided. Guarantees: only a link made with the own key begins it,
only a head that the own key signed ends this device, and only while it waits; no file is touched.
Limits: what was published before counts. Of two that give it up within the same minute neither
hears of the other one. A copy that is started after the decision may go one
generation above it before both meet; then a person decides once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from potluck.core.errors import Refused
from potluck.core.wire.catalogue import Address, Head
from potluck.core.wording import TO_TYPE_THERE, of_time, set_off
from potluck.engine.group.membership import Membership
from potluck.engine.group.stewardship import StewardshipListener
from potluck.engine.node import Node, stewards_in, tell_trouble
from potluck.engine.own.publishing import Publishing
from potluck.engine.person_acts import KeepHereAsked, NewIdentityAsked
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.withheld import DECIDED_GENERATIONS, ENDS_THEN, KEEP_HERE, is_decision

MET_S = 60.0  # two that run meet every ten seconds or so: who was not met for this long may be gone
_CLONED = "cloned"  # in the index: another machine runs with this identity, and where it was
_UNKNOWN = (
    "They hold a state of it that is not known here: afterwards, repair brings back what of that is"
    " not here."
)
_KEPT = "kept here"  # in the index: a person decided for this machine


class ClonesListener(StewardshipListener, Protocol):
    """Hears what was decided; `on_left`: this machine is another device from now on."""

    def on_decided(self, place: Address) -> None:
        """This machine keeps the identity; the other one was there, and is to hear of it."""


class Clones:
    """Waits for a person while two machines run with one identity."""

    def __init__(
        self,
        node: Node,
        publishing: Publishing,
        membership: Membership,
        listener: ClonesListener,
    ) -> None:
        """Know of none; `start` says what an earlier run knew."""
        self._node, self._publishing = node, publishing
        self._membership, self._listener = membership, listener
        self._place: Address | None = None  # where the other one listens, if that is known
        self._subject = ""  # under which name it was told
        self._met_s: float | None = None  # when it proved itself last, in this run

    def __repr__(self) -> str:
        """Say whether there is another one."""
        return f"<Clones cloned={self._node.cloned}>"

    def start(self) -> None:
        """Go on waiting if an earlier run did."""
        where = self._node.index.meta.get(_CLONED)
        if where is not None:
            self._begin(where.decode(errors="replace"))

    # -- facts -------------------------------------------------------------------------------------
    def on_clone(self, place: Address) -> None:
        """Another machine runs with this identity: it has proved it."""
        self._met_s = self._node.now
        if place.port:
            self._place = place
        if self._node.cloned or self._node.index.meta.get(_KEPT) is not None:
            return
        where = f"{place.host}:{place.port}" if place.port else place.host
        self._node.index.meta.set(_CLONED, where.encode())
        self._begin(where)

    def on_clone_heads(self, heads: Sequence[Head]) -> None:
        """The other machine says how far it is: was it decided for one of the two?"""
        for head in heads:
            if self._is_against(head):
                self._node.cloned = True  # as it met the other one a moment ago
                self.on_own_head(head)
            elif self._node.index.meta.get(_KEPT) is not None and not self._is_for(head):
                self._node.index.meta.remove(_KEPT)  # for both, so for none
                if self._place is not None:
                    self.on_clone(self._place)

    def on_own_head(self, head: Head) -> None:
        """Somebody holds a head that this device's key signed."""
        if self._node.cloned and head.instance != self._node.instance and self._is_against(head):
            self._go("is kept on another machine, where a person decided so; its files stay here")

    def _is_against(self, head: Head) -> bool:
        return is_decision(head.generation, self._publishing.generation)

    def _is_for(self, head: Head) -> bool:
        return is_decision(self._publishing.generation, head.generation)

    # -- what a person decides ---------------------------------------------------------------------
    def keep_here(self, act: KeepHereAsked) -> str:
        """This machine keeps the identity: publish, far above all that was heard; say so."""
        node = self._node
        if act.preview:
            unseen = "" if node.cloned else "No other machine with this identity was seen here. "
            unknown = f" {_UNKNOWN}" if node.unmerged else ""
            return (
                f"{unseen}{node.own_label} stays this machine: its folder is shared from here. "
                f"What the others have of it and is not here stays with them.{unknown} "
                "Another machine with this identity ends when it hears of it, and begins as a new "
                "device at its next start; its files stay on its disk."
            )
        node.index.meta.remove(_CLONED)
        node.index.meta.set(_KEPT, b"1")
        node.cloned = False
        node.troubles.clear(TroubleKind.CLONE, self._subject)
        self._publishing.begin_anew(DECIDED_GENERATIONS)
        if self._place is not None:
            self._listener.on_decided(self._place)
        return f"{node.own_label} is this machine from now on; its folder is shared from here."

    def renew(self, act: NewIdentityAsked) -> str:
        """This machine gives the identity up; say what follows; raises Refused."""
        if not self._node.cloned:
            raise Refused(
                "No other machine with this identity was seen here: nothing was given up.",
                "none runs, or it reaches the others and not this device",
                f"on the one that is to be this device: {KEEP_HERE}",
            )
        met = self._need_met()
        if act.preview:
            return (
                f"This machine stops being {self._node.own_label} and potluck ends here; its next "
                "start begins as a new device, which asks to be let in. All files stay here. "
                f"The other machine was met {met} ago. Afterwards, on it, "
                f"{TO_TYPE_THERE}{KEEP_HERE}"
                f"\n{self._nobody_left()}"
            )
        label = self._node.own_label
        self._go("got a new identity here; its files stay here")
        return (
            f"This machine is {label} no more; its files stay here. On the other one "
            f"{TO_TYPE_THERE}{KEEP_HERE}"
        )

    # -- insides -----------------------------------------------------------------------------------
    def _need_met(self) -> str:
        """Return how long ago the other machine was met; raises Refused if that is too long."""
        if self._met_s is None:
            when = "since potluck was started here"
        elif (ago_s := self._node.now - self._met_s) < MET_S:
            return of_time(ago_s)
        else:
            when = f"for {of_time(ago_s)}"
        raise Refused(
            f"The other machine with this identity was not met {when}: nothing was given up.",
            f"it is off, or cannot be reached, or is another device by now. {self._nobody_left()}",
            f"where no other one is to be {set_off(self._node.own_label)}, here: {KEEP_HERE}\n"
            f"else on the other one: {KEEP_HERE}",
        )

    def _nobody_left(self) -> str:
        """Say what is lost if both machines give the identity up."""
        label = set_off(self._node.own_label)
        text = f"If both become new devices, nobody is {label} any more: its folder stays with the"
        text += " others as it is there"
        if stewards_in(self._node) == [self._node.me]:
            text += f", and since {label} is the only steward, nobody can remove a device then"
        return f"{text}."

    def _begin(self, where: str) -> None:
        """Publish nothing from now on, and say so."""
        node = self._node
        node.cloned, self._subject = True, node.own_label
        reason = (
            f"another machine runs with the identity of this device (at {where}), so neither shares"
            " its changes; probably its home was copied, or its identity restored, on one of them;"
            f" on the one that is to be {set_off(node.own_label)} {TO_TYPE_THERE}{KEEP_HERE} –"
            f" the other one {ENDS_THEN}"
        )
        trouble = Trouble(TroubleKind.CLONE, self._subject, reason, KEEP_HERE, node.now, None)
        tell_trouble(node, trouble, "clone_seen", level="error")

    def _go(self, how: str) -> None:
        """This machine is another device from its next start on."""
        node = self._node
        label = node.own_label
        node.index.meta.remove(_CLONED)
        self._membership.forget(f"was {label}, which {how}")
        node.tell("removed", f"this machine was {label}, which {how}", level="warning")
        self._listener.on_left()
