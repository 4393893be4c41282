"""Following: bringing other owners' manifests up to a newer head, and never to anything else.

Strategy: whoever holds a manifest completely announces its signed head. A head that is newer than
ours is followed page by page into a staging table (`Fetch` of `ManifestAsk`), by change number,
from its owner or anybody who announced it, and counts only when root and count of the result equal
the signed head of the last page. If they do not, or the delete log of the other side is too short,
the whole manifest is asked once more from the beginning; if that fails too, that source is left
alone for a while, ever longer.

Guarantees: nobody acts on an unsigned head; a manifest is either wholly at one head or wholly at
another. After a change of generation deletes are held back. Two signed heads of one number and
different content freeze the folder until its owner goes one generation up. What a source can make
us stage is bounded by what the owner signed. Limits: no repair by buckets yet, a mismatch costs the
whole manifest. The folder `everyone` is not followed yet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import contradicts, head_is_signed, newer
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder, Head, ManifestAsk, ManifestPage
from potluck.engine.effects import Fetch
from potluck.engine.events import FetchEnded, ManifestHeard, OrderId
from potluck.engine.node import Node

PAUSE_MIN_S = 1.0  # a source that failed is left alone this long,
PAUSE_MAX_S = 60.0  # doubled each time up to this
AHEAD_MAX = (
    100 * limits.PAGE_RECORDS
)  # changes that an owner may have made since the newest head we heard


@dataclass(slots=True)
class Pursuit:
    """One manifest that is being brought up to a newer head."""

    name: ManifestName
    source: DeviceId
    since: int
    whole: bool  # asked from the beginning: what does not come is not there
    order: OrderId  # of the page under way


@dataclass(frozen=True, slots=True)
class Failure:
    """How often a source could not serve what it announced, and until when it is left alone."""

    times: int
    until_s: float


NEVER = Failure(0, 0.0)


class FollowingListener(Protocol):
    """Hears how far the manifests of others are held."""

    def on_applied(self, head: Head, paths: Sequence[bytes], *, held: bool) -> None:
        """Another manifest is held up to this head, which changed these paths; `held`: what it
        lacks now is not to be deleted.
        """

    def on_own_head(self, head: Head) -> None:
        """Somebody holds a head that this device signed."""


class Following:
    """Follows every other device's manifest."""

    def __init__(self, node: Node, listener: FollowingListener) -> None:
        """Follow nothing yet."""
        self._node, self._listener = node, listener
        self._newest: dict[ManifestName, Head] = {}  # newer than what we hold
        self._pursuits: dict[ManifestName, Pursuit] = {}
        self._whole: set[ManifestName] = set()  # to be asked from the beginning next time
        self._failures: dict[tuple[ManifestName, DeviceId], Failure] = {}
        # the generation in which the owner contradicted itself
        self._frozen: dict[ManifestName, int] = {}
        self._told_unsafe: set[ManifestName] = set()
        self._strangers: set[DeviceId] = set()  # who told heads of owners that are no members yet
        self._look_s = math.inf  # when somebody may be asked next

    # -- heads -------------------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open: what an earlier run of it announced does not count
        any more.
        """
        self._node.peer(device).heads.clear()

    def on_heads(self, device: DeviceId, heads: Sequence[Head]) -> None:
        """A member announced manifests that it holds."""
        for head in heads:
            self._on_head(device, head)
        self._look_s = self._node.now

    def strangers(self) -> list[DeviceId]:
        """Return, and forget, who told heads that could not be believed yet; asked when the roster
        grew.
        """
        told, self._strangers = sorted(self._strangers), set()
        return told

    def _on_head(self, device: DeviceId, head: Head) -> None:
        node, name = self._node, ManifestName.of(head)
        if node.roster is None or head.folder is not Folder.OWN:
            return
        if name.owner not in node.roster.members:
            self._strangers.add(device)
            return
        known = node.index.manifests.head(name)
        if head not in (known, self._newest.get(name)) and not head_is_signed(
            head, node.roster.verify
        ):
            return
        node.peer(device).heads[name] = (head.generation, head.seq)
        if name.owner == node.me:
            self._listener.on_own_head(head)
        elif any(
            other is not None and contradicts(head, other)
            for other in (known, self._newest.get(name))
        ):
            self._freeze(name, head.generation)
        elif newer(head, known) and newer(head, self._newest.get(name)):
            self._newest[name] = head
            self._thaw(name, head.generation)

    def _freeze(self, name: ManifestName, generation: int) -> None:
        """The owner signed two heads of one number: believe neither, until it goes one generation
        up.
        """
        if name in self._frozen:
            return
        self._frozen[name] = generation
        self._newest.pop(name, None)
        if name in self._pursuits:
            self._drop(self._pursuits[name])
        label = self._node.label_of(name.owner)
        text = f"{label} told two different things under one number: its folder is frozen here"
        self._node.tell("folder_frozen", text, level="error", subject=label)

    def _thaw(self, name: ManifestName, generation: int) -> None:
        if generation > self._frozen.get(name, generation):
            del self._frozen[name]
            label = self._node.label_of(name.owner)
            self._node.tell(
                "folder_thawed", f"{label} began anew: its folder is followed again", subject=label
            )

    # -- pages -------------------------------------------------------------------------------------
    def on_page(self, event: ManifestHeard) -> None:
        """A page came."""
        pursuit = self._pursuit(event.order)
        if pursuit is None:
            return
        page, name = event.page, pursuit.name
        if event.unsafe and name not in self._told_unsafe:
            self._told_unsafe.add(name)
            label = self._node.label_of(name.owner)
            self._node.tell(
                "manifest_refused", f"{label} names files unsafely", level="warning", subject=label
            )
        if event.unsafe or not _is_plausible(pursuit, page, self._newest[name].seq):
            self._fail(pursuit)
        elif not pursuit.whole and pursuit.since < page.floor:
            self._begin_anew(pursuit)
        else:
            self._node.index.manifests.stage(name, page.records, page.deleted)
            if page.head is None:
                self._ask(
                    Pursuit(name, pursuit.source, page.upto, pursuit.whole, self._node.number())
                )
            else:
                self._judge(pursuit, page.head)

    def on_ended(self, event: FetchEnded) -> bool:
        """A fetch ended; returns whether it was one of ours and brought no page."""
        pursuit = self._pursuit(event.order)
        if pursuit is not None:
            self._fail(pursuit)
        return pursuit is not None

    def _judge(self, pursuit: Pursuit, head: Head) -> None:
        """The last page is in: does it all add up to a signed head that is news?"""
        node, name, manifests = self._node, pursuit.name, self._node.index.manifests
        known = manifests.head(name)
        signed = node.roster is not None and head_is_signed(head, node.roster.verify)
        if not signed or ManifestName.of(head) != name or not newer(head, known):
            self._fail(pursuit)
            return
        if pursuit.whole:
            manifests.stage_rest_as_deleted(name, head.seq)
        if manifests.staged_root(name) == (head.root, head.count):
            self._apply(
                pursuit, head, held=known is not None and known.generation != head.generation
            )
        elif pursuit.whole:
            self._fail(pursuit)
        else:
            self._begin_anew(pursuit)

    def _apply(self, pursuit: Pursuit, head: Head, *, held: bool) -> None:
        name, manifests = pursuit.name, self._node.index.manifests
        paths = manifests.apply_staged(head)
        if pursuit.whole:
            manifests.raise_floor(name, head.seq)
        del self._pursuits[name]
        self._failures.pop((name, pursuit.source), None)
        if not newer(self._newest.get(name, head), head):
            self._newest.pop(name, None)
        self._look_s = self._node.now
        self._listener.on_applied(head, paths, held=held)

    # -- asking ------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._look_s if self._look_s < math.inf else None

    def on_tick(self) -> None:
        """Ask for every manifest that is behind, from somebody who holds it, one request at a time
        each.
        """
        now = self._node.now
        if now < self._look_s:
            return
        for name in self._waiting():
            head, known = self._newest[name], self._node.index.manifests.head(name)
            source = self._source(name, head)
            if source is not None:
                same = (
                    known is not None
                    and known.generation == head.generation
                    and name not in self._whole
                )
                since = known.seq if known is not None and same else 0
                self._whole.discard(name)
                self._ask(Pursuit(name, source, since, since == 0, self._node.number()))
        waiting = set(self._waiting())
        pauses = (
            failure.until_s for (name, _), failure in self._failures.items() if name in waiting
        )
        self._look_s = min((until_s for until_s in pauses if until_s > now), default=math.inf)

    def _waiting(self) -> list[ManifestName]:
        return [
            name for name in self._newest if name not in self._pursuits and name not in self._frozen
        ]

    def _source(self, name: ManifestName, head: Head) -> DeviceId | None:
        """The owner first, else whoever announced that head and failed least."""
        node, state, ready = self._node, (head.generation, head.seq), []
        for device in node.linked():
            failure = self._failures.get((name, device), NEVER)
            if node.peers[device].heads.get(name, (0, 0)) >= state and failure.until_s <= node.now:
                ready.append((device != name.owner, failure.times, device))
        return min(ready)[-1] if ready else None

    def _ask(self, pursuit: Pursuit) -> None:
        self._pursuits[pursuit.name] = pursuit
        ask = ManifestAsk(*pursuit.name, pursuit.since, self._newest[pursuit.name].generation)
        addresses = self._node.addresses_of(pursuit.source)
        self._node.do(Fetch(pursuit.order, pursuit.source, addresses, ask, None, ()))

    def _pursuit(self, order: OrderId) -> Pursuit | None:
        return next(
            (pursuit for pursuit in self._pursuits.values() if pursuit.order == order), None
        )

    def _fail(self, pursuit: Pursuit) -> None:
        """This source is left alone for a while; perhaps another one can serve."""
        key = (pursuit.name, pursuit.source)
        times = self._failures.get(key, NEVER).times + 1
        pause_s = min(PAUSE_MIN_S * 2 ** (times - 1), PAUSE_MAX_S)
        self._failures[key] = Failure(times, self._node.now + pause_s)
        self._drop(pursuit)

    def _begin_anew(self, pursuit: Pursuit) -> None:
        """Changes alone do not lead to the head: ask for the whole manifest."""
        self._whole.add(pursuit.name)
        self._drop(pursuit)

    def _drop(self, pursuit: Pursuit) -> None:
        self._node.index.manifests.drop_staged(pursuit.name)
        del self._pursuits[pursuit.name]
        self._look_s = self._node.now


def _is_plausible(pursuit: Pursuit, page: ManifestPage, newest: int) -> bool:
    """Say whether a page is of this manifest and its changes are numbered as they must be."""
    numbers = [record.seq for record in page.records] + [path.seq for path in page.deleted]
    goes_on = page.head is not None or bool(numbers)
    ordered = len(set(numbers)) == len(numbers) and all(
        pursuit.since < number <= page.upto for number in numbers
    )
    return (
        ManifestName.of(page) == pursuit.name
        and goes_on
        and ordered
        and page.upto <= newest + AHEAD_MAX
    )
