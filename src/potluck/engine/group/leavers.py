"""Leavers: at which head the folder stays of a device that put itself out, and when that is said.

Strategy: whoever leaves names the head of its own folder, and may name any: one that nobody can
bring, or one so high that all that it signs later comes before it. So its word is no more than a
goal: a steward waits until it holds that head, `LEAVER_S` at most, and then names the one that it
holds itself. The same wait holds for each device, from when it is first seen here to have left;
what it says again later makes it no longer. What stands of its statements is what the goodbye
names that was known here when it was seen to have left, and whom it was known by then to have let
in: nothing that comes later counts, whoever has its key, and no later goodbye takes anything back.

Guarantees: the first steward that says it names no head that it does not hold, so there is somebody
who can bring it; others say that one again.
What is to be said of a device is said once in a run. Limits: what the steward had not brought by
then is not in the folder, and goes to the trash where it is (engine/others/frozen_heads.py). A
steward that starts again waits anew, and takes for known at first what it knows by then. While no
steward is here nothing ends.
"""

from __future__ import annotations

from typing import NamedTuple

from potluck.core.content.facts import ManifestName
from potluck.core.group.roster import Roster
from potluck.core.group.statements import LastHead, Remove
from potluck.core.keys.identity import DeviceId
from potluck.engine.node import Node

LEAVER_S = 60.0  # a list and its pages come in seconds; and so long an accomplice can add to it
LEAVER_LOOK_S = 1.0  # as often it is seen whether the head that was named is here


class KnownWords(NamedTuple):
    """What was known of a device when it was seen to have left."""

    signed: frozenset[bytes]  # its statements that stand, without what it said after it left
    goodbyes: frozenset[bytes]  # the digests of what each goodbye names
    head: LastHead | None  # the one that it named


class Leavers:
    """Those that left, of which no steward has said where their folder stays."""

    def __init__(self, node: Node) -> None:
        """Nobody left yet."""
        self._node = node
        self._since_s: dict[DeviceId, float] = {}
        self._known: dict[DeviceId, KnownWords] = {}  # of each when it was first seen to have left
        self._said = set[DeviceId]()
        self._look_s = 0.0

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Leavers: {len(self._open())} open>"

    def deadline(self) -> float | None:
        """Return when `is_due` says yes next; None while nobody is waited for."""
        return self._look_s if self._open() else None

    def is_due(self) -> bool:
        """Say whether it is time to look again at who is ready."""
        return bool(self._open()) and self._node.now >= self._look_s

    def ready(self) -> dict[DeviceId, set[bytes]]:
        """Return of whom it is time to say where its folder stays, and what of each stands."""
        now, waiting = self._node.now, self._open()
        self._look_s = now + LEAVER_LOOK_S
        for device in waiting:
            self._since_s.setdefault(device, now)
            self._known.setdefault(device, self._words_known(device))
        ready = [device for device in waiting if not self._is_awaited(device)]
        return {device: self._words_of(device) for device in ready}

    def on_said(self, device: DeviceId) -> None:
        """It was said of that one: not again in this run, also if the roster did not take it."""
        self._said.add(device)

    def last_of(self, device: DeviceId) -> LastHead | None:
        """Return the head at which a folder stays: the one that it is at, else what is held."""
        return self._roster.standing.last_head(device) or self.held(device)

    def held(self, device: DeviceId) -> LastHead | None:
        """Return the head of a device's folder that is held here."""
        head = self._node.index.manifests.head(ManifestName.own(device))
        return LastHead(head.generation, head.seq, head.root) if head is not None else None

    def _open(self) -> list[DeviceId]:
        roster = self._node.roster
        if roster is None or not roster.standing.left:
            return []
        return sorted(roster.standing.left - roster.standing.removals.keys() - self._said)

    def _is_awaited(self, device: DeviceId) -> bool:
        """Say whether the head that a device named may still come."""
        if self._node.now >= self._since_s[device] + LEAVER_S:
            return False
        named, held = self._known[device].head, self.held(device)
        if named is None or held is None:
            return named is not None
        return (named.generation, named.seq) > (held.generation, held.seq)

    def _words_known(self, device: DeviceId) -> KnownWords:
        """Return what is known just now of a device that left."""
        roster, acts, in_time = self._roster, self._roster.acts, self._roster.standing.is_in_time
        signed = set(roster.done_by(device))
        late = {h for h in signed & acts.keys() if not in_time(h, device)}
        goodbyes = {h for h in late if isinstance(acts[h].act, Remove) and acts[h].about == device}
        names = frozenset(said.whole for said in self._goodbyes(device))
        return KnownWords(frozenset(signed - late | goodbyes), names, roster.left_at(device))

    def _words_of(self, device: DeviceId) -> set[bytes]:
        """Return what a device that left had signed, as far as it was known, and by its goodbye."""
        known, named = self._known[device], dict[bytes, set[bytes]]()
        for said in self._goodbyes(device):
            if said.whole in known.goodbyes:
                named.setdefault(said.whole, set()).update(said.accepted)
        waits = set(self._roster.signed_by(device)) - set(self._roster.done_by(device))
        return (set.intersection(*named.values()) | known.signed) - waits

    def _goodbyes(self, device: DeviceId) -> list[Remove]:
        every = [said.act for said in self._roster.acts.values() if said.by == device]
        return [act for act in every if isinstance(act, Remove) and act.device == device]

    @property
    def _roster(self) -> Roster:
        assert self._node.roster is not None, "who left did so by its records"
        return self._node.roster
