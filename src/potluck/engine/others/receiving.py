"""The supply: decides about each path of other people's folders, from what is lacking here to files
that stand.

Strategy: the index knows what is lacking (records against places). What changed is looked at in
slices, one a tick, so that a manifest of 100,000 files stops nobody. The decisions say of each spot
what makes the disk right; what needs bytes goes to the downloads, what has its bytes goes to the
commits, and what both tell comes back here. Each decision replaces the one before it.

Guarantees: a spot that changes while it is fetched or placed is decided about anew, so the last
change wins. A rename moves no content: the file that is to go is moved. What failed is tried again
later and told once (setbacks). Deletes after a change of generation are held, also across restarts
(held). Limits: a held file stays until its owner shares that path again and then removes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow, Source, Spot
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.orders import Swarm
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.events import Placed, Placement
from potluck.engine.node import Node
from potluck.engine.others.commits import Commits, SpotOutcome
from potluck.engine.others.decisions import Decisions
from potluck.engine.others.downloads import Downloads, Want
from potluck.engine.others.holds import Holds
from potluck.engine.others.setbacks import Setbacks

SLICE = 500  # spots looked at in one tick: a few milliseconds


class Receiving:
    """Makes other people's folders stand on this disk."""

    def __init__(self, node: Node) -> None:
        """Lack what the index says."""
        self._node = node
        self.downloads = Downloads(node)
        self.commits = Commits(node)
        self.changed: Callable[[], None] = _ignore  # more (or less) stands here; wired by engine.py
        self._setbacks = Setbacks(node)
        self._held = Holds(node.index)
        self._decisions = Decisions(node, self._held, self._setbacks, self.downloads.parts)
        self._pending: dict[Spot, None] = {}  # to be looked at, in this order
        self._catching_up: deque[tuple[ManifestName, bytes]] = deque()
        self._again: set[Spot] = set()  # changed while a batch was under way for them
        self._returned: set[Spot] = set()  # held, and shared again
        self.downloads.arrived = self._on_arrived
        self.commits.ended = self._on_ended
        self.commits.look_again = self._look_again
        self.commits.leaves = self._decisions.leaves

    def start(self) -> None:
        """Settle what a crash interrupted, then take up everything that is lacking, and what is
        there too much.
        """
        self.commits.start()
        node = self._node
        names = {ManifestName.of(head) for head in node.index.manifests.heads()}
        others = sorted(names - {node.own_manifest})
        self._catching_up = deque((name, b"") for name in others if node.layout.has_folder(name))

    # -- what others see ---------------------------------------------------------------------------
    @property
    def swarm(self) -> Swarm:
        """What is being received."""
        return self.downloads.swarm

    @property
    def paused(self) -> str:
        """Why nothing is fetched, or ""."""
        return self.downloads.paused

    @property
    def received_bytes(self) -> int:
        """Bytes of content that came in this run."""
        return self.downloads.received_bytes

    @property
    def busy(self) -> bool:
        """Whether something is lacking that is being worked on."""
        return self._deciding or bool(self.swarm.downloads) or not self.commits.idle

    def path_of(self, root: Root) -> SafePath | None:
        """Return one path where a content is wanted, for people."""
        return self.downloads.path_of(root)

    # -- what changed ------------------------------------------------------------------------------
    def on_changed(
        self,
        name: ManifestName,
        paths: Sequence[bytes],
        held: bool,  # noqa: FBT001 - a hook
    ) -> None:
        """A manifest changed at these paths; `held`: what it lacks now is not to be deleted."""
        if not self._node.layout.has_folder(name):
            return
        if held:
            self._hold(name, paths)
        for spot in [Spot(name, path) for path in sorted(paths)]:
            self._setbacks.clear(spot)
            self._look_again(spot)

    def _hold(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        index = self._node.index
        missing = [path for path in paths if index.manifests.get(name, path) is None]
        known = (
            self.commits.busy(Spot(name, path)) or index.places.get(name, path) for path in missing
        )
        count = self._held.hold(
            name, [path for path, here in zip(missing, known, strict=True) if here]
        )
        if count:
            label = self._node.label_of(name.owner)
            text = f"{label} came back without {count} of its files: they are kept here"
            self._node.tell("deletes_held", text, level="warning", subject=label)

    def _look_again(self, spot: Spot) -> None:
        self._pending[spot] = None

    # -- time --------------------------------------------------------------------------------------
    @property
    def _deciding(self) -> bool:
        return bool(self._pending or self._catching_up)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if self._deciding and not self.commits.settling:
            return self._node.now
        times = (self._setbacks.deadline(), self.downloads.deadline(), self.commits.deadline())
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Decide about the next slice, ask, commit."""
        for spot in self._setbacks.due():
            self._look_again(spot)
        if not self.commits.settling:
            self._decide_slice()
        self.downloads.ask()
        self.commits.flush(deciding=self._deciding, fetching=bool(self.downloads.orders))

    def _decide_slice(self) -> None:
        index = self._node.index
        self._decisions.look_again()
        for spot in list(islice(self._pending, SLICE)):
            del self._pending[spot]
            self._consider(spot, index.manifests.get(*spot), index.places.get(*spot))
        if not self._pending and self._catching_up:
            self._catch_up_slice()
        for name in {spot.manifest for spot in self._returned}:
            self._held.release(name, [path for its, path in self._returned if its == name])
        self._returned.clear()
        if not self._deciding:
            self.downloads.drop_leftovers()

    def _catch_up_slice(self) -> None:
        name, after = self._catching_up.popleft()
        lacking = self._node.index.needs.lacking_after(name, after, SLICE)
        for record, stands in lacking:
            self._consider(Spot(name, record.path), record, stands)
        if len(lacking) == SLICE:
            self._catching_up.appendleft((name, lacking[-1][0].path))
            return
        for stands in self._node.index.needs.surplus(name):
            self._look_again(Spot(name, stands.path))

    # -- deciding ----------------------------------------------------------------------------------
    def _consider(self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None) -> None:
        """Decide about one spot: nothing, fetch, or place. Whatever was decided before counts no
        more.
        """
        if self.commits.busy(spot):
            self._again.add(spot)
            return
        if self._setbacks.rests(spot):
            return
        self.commits.discard(spot)
        if record is not None and self._held.has(spot):
            self._returned.add(spot)
        choice = self._decisions.choose(spot, record, stands)
        if choice.waits and record is not None:
            self.downloads.want(Want(spot, record, stands))
        else:
            self.downloads.release(spot)
        if choice.ready is not None:
            self.commits.add(choice.ready)
        elif not choice.waits:
            self._setbacks.clear(spot)

    # -- what came of it ---------------------------------------------------------------------------
    def _on_arrived(self, wants: Sequence[Want]) -> None:
        """A content is here; of very many spots that wait for it the first ones come first, the
        others copy them.
        """
        self._decisions.look_again()
        for want in wants[: limits.COMMIT_FILES]:
            self._consider(want.spot, want.record, want.stands)
        for want in wants[limits.COMMIT_FILES :]:
            self._look_again(want.spot)

    def _on_ended(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over, its rows are written."""
        well = {
            each.ready.spot
            for each in done
            if each.stands or each.placed.placement is Placement.REMOVED
        }
        # Of several spots placed from one part file the last one got the file itself, the others
        # got copies.
        for root, last in {
            each.ready.part: each for each in done if each.ready.part is not None
        }.items():
            if last.placed.placement in (Placement.PLACED, Placement.SOURCE_GONE):
                for spot in self.downloads.on_part_gone(root):
                    if spot not in well:
                        self._look_again(spot)
        failed = []
        for each in done:
            spot = each.ready.spot
            if spot in well:
                self._setbacks.clear(spot)
                self.downloads.release(spot)
            else:
                failed.append((spot, _failure(each), each.ready.source))
        self._setbacks.note(failed)
        self._look_above(done)
        for spot in [spot for spot in self._again if not self.commits.busy(spot)]:
            self._again.discard(spot)
            self._look_again(spot)
        self.changed()

    def _look_above(self, done: Sequence[SpotOutcome]) -> None:
        """Something has gone: the folder it was in may be able to go now, or to give way to a file."""
        gone = {each.ready.spot for each in done if each.vanished}
        gone |= {
            each.ready.source
            for each in done
            if each.ready.item.source is Source.MOVED and each.ready.source
        }
        index = self._node.index
        for folder in sorted({above[0] for spot in gone if (above := spot.above())}):
            self._setbacks.hurry(folder)
            named = index.manifests.get(*folder) or index.places.get(*folder)
            if named is None and not index.places.under(*folder):
                # It was made only for what was in it: no record names it. Now it stands there for
                # nothing.
                row = PlaceRow(folder.path, Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
                index.places.put(folder.manifest, [row])
                self._look_again(folder)


def _failure(done: SpotOutcome) -> Placed:
    """Return how a spot failed; one that was placed and does not stand was taken away by somebody
    else.
    """
    if done.placed.placement is not Placement.PLACED:
        return done.placed
    return replace(
        done.placed, placement=Placement.FAILED, detail="another program took it away at once"
    )


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""
