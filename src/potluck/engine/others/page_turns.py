"""Page turns: which manifest is asked for next, of whom, and whose pages wait meanwhile.

Strategy: at each source two manifests are asked for at once: its own, and one that it relays, so
that its own news never waits for a long one of somebody else. In all so many are that no source
holds up others (page_paces.py). Of those that wait, whoever had slots for the shortest time of late
comes first (core/content/swarm/fair_turns.py). The pages of one manifest keep their slot for
PAGE_TURN_S, and from then on until somebody waits for one: it is given back between two pages, what
came stays staged, and it goes on at the same source when its turn comes. A source that was busy is
asked again when a request ends there, or a moment later, always as soon.

Guarantees: whatever others bring, who waits for a slot, of all or at a source, has one after
PAGE_TURN_S and one page of those that have one, or once a page is slow (page_paces.py). Limits: a
manifest whose source is gone while its pages wait begins anew elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.swarm.fair_turns import FairTurns
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import ManifestAsk
from potluck.engine.effects import CancelFetch, Fetch
from potluck.engine.events import FetchHeard, OrderId
from potluck.engine.node import Node, dialable_at
from potluck.engine.others import frozen_heads
from potluck.engine.others.page_budget import PageBudget
from potluck.engine.others.page_paces import PagePaces
from potluck.engine.others.pursuit import NEVER, PageRequest, PageStop, Pursuit

PAGE_TURN_S = 4.0  # long enough to see that a page drips (pace.py LATE_MIN_S)
PAGE_LOOK_S = 1.0  # who waits for a slot looks again so often, whatever happens

SourceSlot = tuple[DeviceId, bool]
"""Room for one request: at whom, and whether for that device's own manifest."""


class PageTurns:
    """Who is asked for pages of manifests, and what is under way."""

    def __init__(self, node: Node) -> None:
        """Nothing is under way."""
        self._node, self._paces = node, PagePaces()
        self._turns = FairTurns[ManifestName]()
        self._since_s: dict[ManifestName, float] = {}  # when its turn began
        self._full: dict[DeviceId, float] = {}  # who was busy is not asked until then
        self.waited_for = False  # somebody got no slot at the last look

    def __repr__(self) -> str:
        """Return what is under way, and whether somebody waits."""
        waits = ", somebody waits" if self.waited_for else ""
        return f"<PageTurns: {self._turns!r}{waits}>"

    # -- requests ----------------------------------------------------------------------------------
    def ask(self, pursuit: Pursuit, source: DeviceId) -> None:
        """It is the turn of a manifest: begin, or go on where it stopped."""
        node, number = self._node, self._node.number()
        if pursuit.stop is not None:
            request = PageRequest(source, pursuit.stop.since, number)
            pursuit.on_asked_on(request)
        else:
            request = PageRequest(source, _since(node, pursuit), number)
            pursuit.on_asked(request, _budget(node, pursuit, request.since))
        self._since_s[pursuit.name] = node.now
        self._begin(pursuit, request)

    def go_on(self, pursuit: Pursuit, request: PageRequest, upto: int) -> bool:
        """All up to a number is here: ask for the next page; False if others have their turn."""
        if self.waited_for and self._node.now - self._since_s[pursuit.name] >= PAGE_TURN_S:
            pursuit.on_stop(PageStop(request.source, upto))
            return False
        further = PageRequest(request.source, upto, self._node.number(), request.order)
        pursuit.on_asked_on(further)
        self._begin(pursuit, further)
        return True

    def _begin(self, pursuit: Pursuit, request: PageRequest) -> None:
        node, name = self._node, pursuit.name
        self._paces.begin(request, node.now)
        self._turns.begin(request.order, name, node.now)
        ask = ManifestAsk(*name, request.since, pursuit.goal[0])
        addresses = dialable_at(node, request.source)
        node.do(Fetch(request.order, request.source, addresses, ask, None, ()))

    def on_heard(self, pursuit: Pursuit, request: PageRequest, event: FetchHeard) -> bool:
        """How a page comes; one that holds up others is called off.

        Returns whether it takes no slot from now on.
        """
        slow = self._paces.on_heard(event, self._node.now)
        owner_waits = self._owner_waits(pursuit, request)
        if self._paces.overdue(request, owner_waits=owner_waits):
            self._node.do(CancelFetch(request.order))
        return slow

    def end(self, order: OrderId, *, brought: bool) -> None:
        """A request is over, whatever it was for; `brought`: its answer came to its end."""
        if self._paces.end(order, self._node.now, brought=brought):
            self._turns.end(order, self._node.now)

    def on_busy(self, source: DeviceId) -> None:
        """A source has no room for a question at this moment."""
        self._full[source] = self._node.now + limits.BUSY_AGAIN_S

    def on_answer(self, source: DeviceId) -> None:
        """A request ended at a source, which has room again."""
        self._full.pop(source, None)

    # -- looks -------------------------------------------------------------------------------------
    def look(self, pursuits: Iterable[Pursuit]) -> Iterator[tuple[Pursuit, DeviceId]]:
        """Find whom to ask for each manifest that waits; ask before the next one is looked for."""
        now = self._node.now
        self._full = {source: until_s for source, until_s in self._full.items() if until_s > now}
        self.waited_for = False
        by_name = {pursuit.name: pursuit for pursuit in pursuits}
        taken = _taken(by_name.values())
        in_line = [name for name, pursuit in by_name.items() if pursuit.in_line]
        for name in self._turns.in_turn(in_line, now):
            pursuit = by_name[name]
            sources = self._sources(pursuit, taken)
            barred = self._paces.barred(sources, now)
            source = next((each for each in sources if each not in barred), None)
            if source is not None:
                taken.add(_slot(pursuit, source))
                yield pursuit, source
            elif sources or self._sources(pursuit, set()):
                self.waited_for = True

    def next_look_s(self, pursuits: Iterable[Pursuit]) -> float:
        """Return when somebody may be asked who may not now, if nothing happens."""
        now, waiting = self._node.now, [pursuit for pursuit in pursuits if pursuit.in_line]
        again_s = [failure.until_s for each in waiting for failure in each.failures.values()]
        if waiting:
            again_s += self._full.values()
        if self.waited_for:
            again_s.append(now + PAGE_LOOK_S)
        return min((until_s for until_s in again_s if until_s > now), default=math.inf)

    def _sources(self, pursuit: Pursuit, taken: set[SourceSlot]) -> Sequence[DeviceId]:
        """Return who has room to be asked for a manifest, best first.

        The owner comes first, else whoever announced that head and failed least. What waits between
        two pages goes on where it was.
        """
        node, name, ready = self._node, pursuit.name, []
        for device in node.linked():
            failure = pursuit.failures.get(device, NEVER)
            announced = node.peers[device].heads.get(name, (0, 0))
            if device in self._full or _slot(pursuit, device) in taken:
                continue
            if pursuit.stop is not None:
                serves = device == pursuit.stop.source
            else:
                serves = frozen_heads.serves(node, pursuit, announced)
            if serves and failure.until_s <= node.now:
                ready.append((device != name.owner, failure.times, device))
        return [device for _, _, device in sorted(ready)]

    def _owner_waits(self, pursuit: Pursuit, request: PageRequest) -> bool:
        """Say whether somebody else was asked for a manifest whose owner is there and has it."""
        node, owner = self._node, pursuit.name.owner
        if owner == request.source or owner not in node.linked():
            return False
        rests = pursuit.failures.get(owner, NEVER).until_s > node.now
        return not rests and node.peers[owner].heads.get(pursuit.name, (0, 0)) >= pursuit.goal


def _slot(pursuit: Pursuit, source: DeviceId) -> SourceSlot:
    return source, source == pursuit.name.owner


def _taken(pursuits: Iterable[Pursuit]) -> set[SourceSlot]:
    """Return which slots are taken by requests under way."""
    return {
        _slot(pursuit, pursuit.request.source)
        for pursuit in pursuits
        if pursuit.request is not None
    }


def _since(node: Node, pursuit: Pursuit) -> int:
    """Return the number after which changes lead from what is held to the goal; 0: none do.

    A lost state of the own folder is wanted whole: it is compared with what stands here.
    """
    known = node.index.manifests.head(pursuit.name)
    if known is None or pursuit.whole or pursuit.name.owner == node.me:
        return 0
    if known.generation != pursuit.goal[0]:
        return 0
    return known.seq if known.seq <= pursuit.goal[1] else 0


def _budget(node: Node, pursuit: Pursuit, since: int) -> PageBudget:
    """Return what may come in pages from that number on."""
    assert pursuit.newest is not None, "who is behind knows a newer head"
    few = pursuit.newest.count * limits.PATH_BYTES <= limits.OWNER_PATH_BYTES
    if since and not few and pursuit.path_bytes is None:
        pursuit.path_bytes = node.index.manifests.path_lengths(pursuit.name).live_bytes
    held = pursuit.path_bytes if since else None
    return PageBudget(pursuit.newest, since, held or 0)
