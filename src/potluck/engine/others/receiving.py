"""Receiving: from what other people's folders lack here to files that stand.

Strategy: the index knows what is lacking (records against places). What changed is looked at in
slices, one a tick, so that a manifest of 100,000 files stops nobody. The decisions say of each spot
what makes the disk right; what needs bytes goes to the downloads, what has its bytes goes to the
commits, and what both tell comes back here. Each decision replaces the one before it.

Guarantees: a spot that changes while it is fetched or placed is decided about anew, so the last
change wins. A rename moves no content: the file that is to go is moved. What failed is tried again
later, told once, and in the register until it is well (setbacks). Deletes after a change of
generation are held, also across restarts (holds), and so is what an owner lost too much of at once
(held_replicas). What cannot be seen, since something is mounted
over it, is left alone until it can. Limits: a held file stays until its owner shares that path
again and then removes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import Hindrance, ManifestName, PlaceRow, Source, Spot
from potluck.core.content.paths import SafePath
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from potluck.engine.node import Node
from potluck.engine.others.commits import Commits
from potluck.engine.others.decisions import Decisions, HiddenPlaces
from potluck.engine.others.downloads import Downloads, Want
from potluck.engine.others.group_commit import Placeable, SpotOutcome, folder_row, gone_spots
from potluck.engine.others.held_replicas import HeldReplicas
from potluck.engine.others.hindrances import RESTLESS
from potluck.engine.others.holds import Holds
from potluck.engine.others.local_names import LocalNames
from potluck.engine.others.setbacks import Setbacks

SLICE = 500  # spots looked at in one tick: a few milliseconds


class ReceivingListener(HiddenPlaces, Protocol):
    """Hears how much stands on this disk, and knows what cannot be seen of it."""

    def on_places_changed(self) -> None:
        """More, or less, stands here than before."""


class Receiving:
    """Makes other people's folders stand on this disk."""

    def __init__(
        self,
        node: Node,
        downloads: Downloads,
        commits: Commits,
        holds: Holds,
        held: HeldReplicas,
        listener: ReceivingListener,
    ) -> None:
        """Lack what the index says; both parts tell this one (engine/wiring.py)."""
        self._node, self._downloads, self._commits = node, downloads, commits
        self._listener = listener
        self.setbacks = Setbacks(node)
        self.holds, self.held = holds, held
        facts = (self.holds, self.setbacks, downloads.parts, self.held, listener)
        self._decisions = Decisions(node, *facts)
        self.names = self._decisions.names
        self.pending: dict[Spot, None] = {}  # to be looked at, in this order
        self.catching_up: deque[tuple[ManifestName, bytes]] = deque()
        self._again: set[Spot] = set()  # changed while a batch was under way for them
        self._elsewhere = list[Placeable]()  # on another disk, where nothing is placed
        self._hidden: set[Spot] = set()  # to be decided about when they can be seen

    def start(self) -> None:
        """Settle what a crash interrupted, then take up what is lacking, or is there too much."""
        self._commits.start()
        self.holds.start()
        self.held.start()
        self.names.restart()
        self.judge_again()

    def judge_again(self) -> None:
        """Decide anew about all that lacks, or is there too much."""
        node = self._node
        names = {ManifestName.of(head) for head in node.index.manifests.heads()}
        names |= {ManifestName.own(device) for device in _forgotten(node)}
        others = sorted(names - {node.own_manifest})
        self.catching_up = deque((name, b"") for name in others if node.layout.has_folder(name))

    def __repr__(self) -> str:
        """Return how much is to be looked at."""
        pending, manifests = len(self.pending), len(self.catching_up)
        return f"<Receiving {pending=} {manifests=} to catch up with>"

    # -- what others see ---------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        """Whether something is lacking that is being worked on."""
        fetching = bool(self._downloads.swarm.downloads)
        commits = self._commits
        return self.deciding or fetching or commits.settling or bool(commits.spots())

    # -- what changed ------------------------------------------------------------------------------
    def on_changed(self, name: ManifestName, paths: Sequence[bytes], *, held: bool) -> None:
        """A manifest changed at these paths; `held`: what it lacks now is not to be deleted."""
        for spot in self.names.on_changed(name, paths):
            self.look_again(spot)
        if not self._node.layout.has_folder(name):
            return
        if held:
            self.holds.hold(name, _missing(self._node, self._commits, name, paths))
        elif name.owner in _forgotten(self._node):
            self.holds.release(name, paths)
            self.held.release_all(name)
        for spot in [Spot(name, path) for path in sorted(paths)]:
            self.setbacks.clear(spot)
            self.look_again(spot)
        _look_at_folders(self, self._node, [Spot(name, path) for path in paths])

    def on_disturbed(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """Something else, or nothing, stands at these paths: who did that may go on doing it."""
        if not self._node.layout.has_folder(name):
            return
        _make_way(self, self.names, [Spot(name, path) for path in paths])
        for spot in [Spot(name, path) for path in sorted(paths)]:
            self.setbacks.disturb(spot)
            self.look_again(spot)
        _look_at_folders(self, self._node, [Spot(name, path) for path in paths])

    def on_cleared(self, spot: Spot) -> None:
        """A thing of nobody's has gone from here: perhaps it kept a folder from going."""
        for folder in spot.above():
            self.setbacks.hurry(folder)

    def on_hidden_changed(self) -> None:
        """What could not be seen may be seen now; what was decided about may be hidden."""
        waiting = set(filter(self._listener.is_hidden, self._commits.spots()))
        for spot in sorted(self._hidden | waiting):
            self.look_again(spot)
        self._hidden.clear()

    def on_folder_moved(self, top: SafePath) -> None:
        """A folder has another name: whatever was ready, or failed, was so by paths of before."""
        for spot in self._commits.spots():
            self._commits.discard(spot)
            self.look_again(spot)
        self.setbacks.hurry_below([top])

    def look_again(self, spot: Spot) -> None:
        """Decide about a spot anew, soon."""
        self.pending[spot] = None

    def leaves(self, spot: Spot) -> bool:
        """Say whether what stands at a spot is to go."""
        return self._decisions.leaves(spot)

    # -- time --------------------------------------------------------------------------------------
    @property
    def deciding(self) -> bool:
        """Whether something is still to be looked at."""
        return bool(self.pending or self.catching_up)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if self.deciding and not self._commits.settling:
            return self._node.now
        times = (self.setbacks.deadline(), self._downloads.deadline(), self._commits.deadline())
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Decide about the next slice, ask, commit."""
        for spot in self.setbacks.due():
            self.look_again(spot)
        if not self._commits.settling:
            self._decide_slice()
        self.setbacks.note(map(_not_placed, self._elsewhere))
        self._elsewhere.clear()
        for folder in self.held.settle():
            self.look_again(folder)
        self._downloads.ask()
        self._commits.flush(deciding=self.deciding, fetching=bool(self._downloads.orders))

    def _decide_slice(self) -> None:
        index = self._node.index
        self._decisions.look_again()
        for spot in list(islice(self.pending, SLICE)):
            del self.pending[spot]
            self._consider(spot, index.manifests.get(*spot), index.places.get(*spot))
        if not self.pending and self.catching_up:
            name, after = self.catching_up.popleft()
            lacking = index.needs.lacking_after(name, after, SLICE)
            for record, stands in lacking:
                self._consider(Spot(name, record.path), record, stands)
            if len(lacking) == SLICE:
                self.catching_up.appendleft((name, lacking[-1][0].path))
            else:
                self.pending |= {Spot(name, one.path): None for one in index.needs.surplus(name)}
        self.holds.settle()
        if not self.deciding:
            self._downloads.leftovers.drop()

    # -- deciding ----------------------------------------------------------------------------------
    def _consider(self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None) -> None:
        """Decide about one spot: nothing, fetch, or place; what was decided before is void."""
        if self._commits.busy(spot):
            self._again.add(spot)
            return
        if self.setbacks.rests(spot):
            return
        self._commits.discard(spot)
        self.holds.see(spot, record, stands)
        choice = self._decisions.choose(spot, record, stands)
        if choice.hidden:
            self._hidden.add(spot)
        if choice.waits and record is not None:
            self._downloads.want(Want(spot, record, stands))
        else:
            self._downloads.release(spot)
        if choice.kept_out is not None:
            self.setbacks.keep_out(spot, choice.kept_out)
        if choice.ready is not None and _is_elsewhere(self._node, choice.ready.item):
            self._elsewhere.append(choice.ready)  # the disk there is not asked: it may hang
        elif choice.ready is not None:
            self._commits.add(choice.ready)
        elif not choice.kept_out and not choice.waits:
            self.setbacks.clear(spot)

    # -- what came of it ---------------------------------------------------------------------------
    def on_arrived(self, wants: Sequence[Want]) -> None:
        """A content is here; of very many spots that wait for it the later ones copy the first."""
        self._decisions.look_again()
        for want in wants[: limits.COMMIT_FILES]:
            self._consider(want.spot, want.record, want.stands)
        for want in wants[limits.COMMIT_FILES :]:
            self.look_again(want.spot)

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over, its rows are written."""
        well = {each.ready.spot for each in done if each.well}
        for spot in _bereft(self._downloads, done):
            if spot not in well:
                self.look_again(spot)
        failed = []
        self.names.tell_trashed(done)
        for spot in self.names.on_placed(_new_folders(done)):
            self.look_again(spot)
        for each in done:
            spot = each.ready.spot
            if spot in well or self._listener.is_left_alone(spot):
                if self.names.keeps_out(spot) is None:
                    self.setbacks.clear(spot)
                else:  # it is kept out as before, unless it is not shared any more
                    self.look_again(spot)
                self._downloads.release(spot)
            else:
                failed.append((spot, _failure(each), each.ready.source))
        self.setbacks.note(failed)
        self.look_above(done)
        for spot in [spot for spot in self._again if not self._commits.busy(spot)]:
            self._again.discard(spot)
            self.look_again(spot)
        self._listener.on_places_changed()

    def look_above(self, done: Sequence[SpotOutcome]) -> None:
        """Something has gone: perhaps its folder can go now too, or give way to a file."""
        gone = {each.ready.spot for each in done if each.vanished}
        moved = (each.ready.moved_from for each in done)
        gone |= {spot for spot in moved if spot is not None}
        _make_way(self, self.names, gone_spots(done))
        for each in done:
            if each.respelled is not None:
                self.names.on_respelled(each.ready.spot)
                _make_way(self, self.names, [each.respelled])
        for folder in sorted({above[0] for spot in gone if (above := spot.above())} - gone):
            self.setbacks.hurry(folder)
            if _is_left_over(self._node, folder):
                self._node.index.places.put(folder.manifest, [folder_row(folder.path)])
                self.look_again(folder)


def _look_at_folders(receiving: Receiving, node: Node, spots: Sequence[Spot]) -> None:
    """What is skipped of a folder may change with what is in it: decide about it anew."""
    if any(node.index.needs.bends(name) for name in {spot.manifest for spot in spots}):
        for folder in sorted({folder for spot in spots for folder in spot.above()}):
            receiving.look_again(folder)


def _make_way(receiving: Receiving, names: LocalNames, gone: Iterable[Spot]) -> None:
    """Nothing stands at these spots: what is the same name to this disk may come now."""
    for spot in names.on_gone(gone):
        receiving.setbacks.hurry(spot)
        receiving.look_again(spot)


def _new_folders(done: Sequence[SpotOutcome]) -> list[Spot]:
    """Return the folders that stand since this group commit."""
    return [each.ready.spot for each in done if each.stands and each.placed.stat is None]


def _bereft(downloads: Downloads, done: Sequence[SpotOutcome]) -> Iterator[Spot]:
    """Let part files go that were placed, and yield who waits for one of them.

    Of several spots placed from one part file the last got the file, the others got copies.
    """
    last_of = {each.ready.part: each for each in done if each.ready.part is not None}
    for root, last in last_of.items():
        if last.placed.placement in (Placement.PLACED, Placement.SOURCE_GONE):
            yield from downloads.on_part_gone(root)


def _failure(done: SpotOutcome) -> Placed:
    """Return how a spot failed; what was placed and does not stand was taken away by others."""
    if done.placed.placement is not Placement.PLACED:
        return done.placed
    return replace(done.placed, placement=Placement.FAILED, detail=RESTLESS)


def _is_elsewhere(node: Node, item: PlaceItem) -> bool:
    """Say whether something is to be placed where another disk is mounted."""
    return item.source is not Source.NONE and node.mounts.above(item.path) is not None


def _not_placed(ready: Placeable) -> tuple[Spot, Placed, Spot | None]:
    """Return what would become of it where another disk is mounted."""
    path, content = ready.item.path, ready.item.content
    root = content.root if content is not None else None
    failed = Placed(path, root, Placement.FAILED, None, "", Hindrance.OTHER_DISK)
    return ready.spot, failed, ready.source


def _missing(
    node: Node, commits: Commits, name: ManifestName, paths: Sequence[bytes]
) -> list[bytes]:
    """Return what of these its owner came back without, and is here."""
    missing = [path for path in paths if node.index.manifests.get(name, path) is None]
    return [path for path in missing if _is_here(node, commits, Spot(name, path))]


def _forgotten(node: Node) -> frozenset[DeviceId]:
    """Return the removed devices whose folder goes from here, also what was held in it."""
    return node.roster.forgotten if node.roster is not None else frozenset()


def _is_here(node: Node, commits: Commits, spot: Spot) -> bool:
    """Say whether something stands at a spot, or is being placed there."""
    return commits.busy(spot) or node.index.places.get(*spot) is not None


def _is_left_over(node: Node, folder: Spot) -> bool:
    """Say whether a folder stands there for nothing.

    It was made only for what was in it, so no record and no row names it, and nothing is in it.
    """
    index = node.index
    named = index.manifests.get(*folder) is not None or index.places.get(*folder) is not None
    return not named and not index.places.under(*folder)
