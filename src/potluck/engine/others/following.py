"""Following: bringing other owners' manifests up to a newer head, and never to anything else.

Strategy: whoever holds a manifest completely announces its signed head. A head that is newer than
ours is followed page by page into a staging table (`Fetch` of `ManifestAsk`), by change number,
from its owner or anybody who announced it, and counts only when root and count of the result equal
the signed head of the last page. If they do not, or the delete log of the other side is too short,
the whole manifest is asked once more from the beginning; how far each manifest is stands in a
pursuit of its own (engine/others/pursuit.py). Manifests take turns (engine/others/page_turns.py).

Guarantees: nobody acts on an unsigned head; a manifest is either wholly at one head or wholly at
another. After a change of generation deletes are held back. Two signed heads of one number and
different content freeze the folder until its owner goes one generation up. What a source can make
us stage is bounded by what the owner signed (engine/others/page_budget.py); an owner that signed
more than one owner may have is not followed further, and nobody else suffers. Limits: no repair by
buckets yet, a mismatch costs the whole manifest. The folder `everyone` is not followed yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol, assert_never

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import head_is_signed, newer
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Head, ManifestPage
from potluck.engine.events import (
    FetchEnded,
    FetchHeard,
    ManifestHeard,
    OrderId,
    Outcome,
    SpaceSeen,
)
from potluck.engine.node import Node
from potluck.engine.others import forked_heads, frozen_heads
from potluck.engine.others.delete_logs import DeleteLogs
from potluck.engine.others.index_room import IndexRoom
from potluck.engine.others.owner_faults import OwnerFaults
from potluck.engine.others.page_budget import PageVerdict
from potluck.engine.others.page_turns import PageTurns
from potluck.engine.others.pursuit import PageRequest, Pursuit


class FollowingListener(Protocol):
    """Hears how far the manifests of others are held."""

    def on_applied(self, head: Head, paths: Sequence[bytes], *, held: bool) -> None:
        """Another manifest is held up to this head, which changed these paths.

        `held`: what it lacks now is not to be deleted.
        """

    def on_frozen(self) -> None:
        """An owner contradicted itself: neither of two states of its folder is believed."""

    def on_own_head(self, head: Head) -> None:
        """Somebody holds a head that this device signed."""

    def on_own_fetched(self, head: Head) -> None:
        """All of the own manifest at a head that this device lost is staged."""


class Following:
    """Follows every other device's manifest."""

    def __init__(self, node: Node, listener: FollowingListener) -> None:
        """Follow nothing yet."""
        self._node, self._listener = node, listener
        self.pursuits: dict[ManifestName, Pursuit] = {}  # of whatever was heard of in this run
        self._faults, self._logs = OwnerFaults(node), DeleteLogs(node.index.manifests)
        self._strangers: set[DeviceId] = set()  # who told heads of owners that are no members yet
        self._turns, self._room = PageTurns(node), IndexRoom(node)
        self._look_s = math.inf  # when somebody may be asked next

    def __repr__(self) -> str:
        """Return how many manifests are followed, and how many are behind."""
        behind = sum(pursuit.newest is not None for pursuit in self.pursuits.values())
        return f"<Following {len(self.pursuits)} manifests, {behind} behind>"

    # -- heads -------------------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A link to a member is open: what an earlier run of it announced counts no more."""
        self._node.peer(device).heads.clear()

    def on_heads(self, device: DeviceId, heads: Sequence[Head]) -> None:
        """A member announced manifests that it holds."""
        for head in heads:
            self._on_head(device, head)
        self._look_s = self._node.now

    def strangers(self) -> list[DeviceId]:
        """Return, and forget, who told heads of owners that were no members then."""
        told, self._strangers = sorted(self._strangers), set()
        return told

    def _on_head(self, device: DeviceId, head: Head) -> None:
        node, name = self._node, ManifestName.of(head)
        if frozen_heads.is_strange(node, head):
            self._strangers.add(device)
        if node.roster is None or not frozen_heads.counts(node, head):
            return
        pursuit = self.pursuits.get(name) or frozen_heads.taken_up(
            self, node, name, self._faults.tell_frozen
        )
        held = node.index.manifests.head(name)
        known = [held, pursuit.newest]
        if head not in known and not head_is_signed(head, node.roster.vouches):
            return
        node.peer(device).heads[name] = (head.generation, head.seq)
        if name.owner == node.me:
            self._listener.on_own_head(head)
            return
        self.pursuits[name] = pursuit
        forked_heads.on_told(node, pursuit, device, is_held=head == held)
        if frozen_heads.is_disputed(node, head, known):
            self._freeze(pursuit, head.generation)
        elif frozen_heads.leads_away(node, head, held):
            forked_heads.tell(node, pursuit)
        elif frozen_heads.is_news(node, head, held, pursuit):
            if head.count > limits.OWNER_RECORDS:
                self._give_up(pursuit, head)
            elif pursuit.on_news(head):  # perhaps in a new generation: it is believed again
                self._faults.tell_thawed(pursuit)

    def seek_own(self, head: Head) -> None:
        """Bring the whole manifest of a head of this device's own that it does not have."""
        name = ManifestName.of(head)
        self._node.index.manifests.drop_staged(name)
        self.pursuits[name] = Pursuit(name)
        self.pursuits[name].on_news(head)
        self._look_s = self._node.now

    def _freeze(self, pursuit: Pursuit, generation: int) -> None:
        """The owner signed two heads of one number: believe neither, until it goes up by one."""
        begun = pursuit.begun
        if not pursuit.on_contradiction(generation):
            return
        if begun:
            self._drop(pursuit)
        frozen_heads.keep_frost(self._node, pursuit)
        self._faults.tell_frozen(pursuit)
        self._listener.on_frozen()

    def _give_up(self, pursuit: Pursuit, head: Head) -> None:
        """The owner signed more than one owner may have: it stays as it is held."""
        begun = pursuit.begun
        pursuit.on_excess(head)
        if begun:
            self._drop(pursuit)
        self._faults.tell_too_large(head)

    def on_space(self, event: SpaceSeen) -> None:
        """How full the disk of the index is: while it is almost full nothing is staged."""
        if self._room.on_space(event):
            self._look_s = self._node.now

    # -- pages -------------------------------------------------------------------------------------
    def on_page(self, event: ManifestHeard) -> None:
        """A page came."""
        under_way, page = _under_way(self.pursuits.values(), event.order), event.page
        if under_way is None:
            return
        pursuit, request = under_way
        self._turns.on_answer(request.source)
        if self._room.lacks:
            pursuit.on_busy()
            self._drop(pursuit)
            return
        if event.unsafe:
            self._faults.tell_unsafe(pursuit)
        if event.unsafe or not _is_plausible(pursuit, request, page):
            self._fail(pursuit, request)
        elif not pursuit.whole and request.since < page.floor:
            pursuit.on_misfit()  # changes alone do not lead to the head: ask for everything
            self._drop(pursuit)
        elif self._stage(pursuit, request, page):
            if page.head is not None:
                self._judge(pursuit, request, page.head)
                return
            if not self._turns.go_on(pursuit, request, page.upto):
                self._look_s = self._node.now

    def on_heard(self, event: FetchHeard) -> None:
        """How a page under way comes: one that holds up others is called off."""
        under_way = _under_way(self.pursuits.values(), event.order)
        if under_way is not None and self._turns.on_heard(*under_way, event):
            self._look_s = self._node.now

    def _stage(self, pursuit: Pursuit, request: PageRequest, page: ManifestPage) -> bool:
        """Keep a page apart if it is within its budget; returns whether it is."""
        assert pursuit.budget is not None, "a request under way has a budget"
        match pursuit.budget.take(page):
            case PageVerdict.WITHIN:
                manifests = self._node.index.manifests
                manifests.stage(pursuit.name, page.records, page.deleted, whole=pursuit.whole)
                return True
            case PageVerdict.ANEW:
                pursuit.on_misfit()  # changes alone do not lead to the head: ask for everything
                self._drop(pursuit)
            case PageVerdict.MOVED if pursuit.on_moved():
                self._drop(pursuit)
            case PageVerdict.MOVED:
                self._faults.tell_restless(pursuit, request.source)
                self._fail(pursuit, request)
            case PageVerdict.BEYOND:
                self._faults.tell_beyond(pursuit, request.source)
                self._fail(pursuit, request)
            case PageVerdict.TOO_LARGE:
                self._give_up(pursuit, pursuit.budget.goal)
            case verdict:
                assert_never(verdict)
        return False

    def on_ended(self, event: FetchEnded) -> bool:
        """A fetch ended; returns whether it was one of ours and brought no page."""
        brought = event.outcome is Outcome.DONE
        self._turns.end(event.order, brought=brought)
        if self._turns.waited_for:
            self._look_s = self._node.now
        under_way = _under_way(self.pursuits.values(), event.order)
        if under_way is None:
            return False
        pursuit, request = under_way
        if event.outcome is Outcome.BUSY:
            self._turns.on_busy(request.source)
            pursuit.on_busy()
            self._drop(pursuit)
        else:
            self._turns.on_answer(request.source)
            self._fail(pursuit, request)
        return True

    def _judge(self, pursuit: Pursuit, request: PageRequest, head: Head) -> None:
        """The last page is in: does it all add up to a signed head that is news?"""
        node, name, manifests = self._node, pursuit.name, self._node.index.manifests
        known = manifests.head(name)
        signed = node.roster is not None and head_is_signed(head, node.roster.vouches)
        if name.owner == node.me:
            leads_on = head == pursuit.newest
        else:
            leads_on = frozen_heads.leads_on(node, head, known)
        if not signed or ManifestName.of(head) != name or not leads_on:
            self._fail(pursuit, request)
            return
        if pursuit.whole:
            manifests.stage_rest_as_deleted(name, head.seq)
        if manifests.staged_root(name) == (head.root, head.count):
            if name.owner == node.me:
                del self.pursuits[name]
                self._listener.on_own_fetched(head)
            else:
                self._apply(pursuit, request, head)
        elif pursuit.whole:
            self._fail(pursuit, request)
        else:
            pursuit.on_misfit()  # changes alone do not lead to the head: ask for everything
            self._drop(pursuit)

    def _apply(self, pursuit: Pursuit, request: PageRequest, head: Head) -> None:
        """All of it is in, and as its owner signed it."""
        node, name, manifests = self._node, pursuit.name, self._node.index.manifests
        known = manifests.head(name)
        paths = manifests.apply_staged(head)
        if pursuit.whole:
            self._logs.on_whole(head)
            if known is not None and newer(known, head):
                self._logs.on_whole(known)  # what ended on the way there is not handed on
                frozen_heads.tell_back(node, head)
        else:
            assert pursuit.budget is not None, "a request under way has a budget"
            self._logs.on_applied(head, pursuit.budget)
        pursuit.on_applied(request.source, head)
        if pursuit.excess is not None and newer(head, pursuit.excess):
            pursuit.excess = None
            self._faults.clear_too_large(pursuit)
        self._look_s = self._node.now
        forked_heads.clear(node, pursuit)
        frozen_heads.forget_frost(node, name)  # what is held now is of one number again
        held = newer(head, known) and not forked_heads.follows_by_itself(head, known)
        self._listener.on_applied(head, paths, held=held)

    # -- asking ------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._look_s if self._look_s < math.inf else None

    def on_tick(self) -> None:
        """Ask for every manifest that is behind, from somebody who holds it: one request each."""
        if self._node.now < self._look_s:
            return
        if self._room.lacks:
            self._look_s = math.inf
            return
        for pursuit in self.pursuits.values():
            if pursuit.stop is not None and pursuit.stop.source not in self._node.linked():
                pursuit.on_busy()
                self._drop(pursuit)
        for pursuit, source in self._turns.look(self.pursuits.values()):
            self._turns.ask(pursuit, source)
        self._look_s = self._turns.next_look_s(self.pursuits.values())

    def _fail(self, pursuit: Pursuit, request: PageRequest) -> None:
        """This source cannot serve; perhaps another one can."""
        pursuit.on_failed(request.source, self._node.now)
        self._drop(pursuit)

    def _drop(self, pursuit: Pursuit) -> None:
        """What came counts no more; ask again."""
        self._node.index.manifests.drop_staged(pursuit.name)
        self._look_s = self._node.now


def _under_way(pursuits: Iterable[Pursuit], order: OrderId) -> tuple[Pursuit, PageRequest] | None:
    """Return the request with this number, and whose it is."""
    for pursuit in pursuits:
        if pursuit.request is not None and pursuit.request.order == order:
            return pursuit, pursuit.request
    return None


def _is_plausible(pursuit: Pursuit, request: PageRequest, page: ManifestPage) -> bool:
    """Say whether a page is of this manifest and its changes are numbered as they must be."""
    if ManifestName.of(page) != pursuit.name or page.upto > pursuit.goal[1] + limits.AHEAD_CHANGES:
        return False
    numbers = [record.seq for record in page.records] + [path.seq for path in page.deleted]
    if page.head is None and not numbers:
        return False  # it would lead nowhere
    if len(set(numbers)) < len(numbers):
        return False
    return all(request.since < number <= page.upto for number in numbers)
