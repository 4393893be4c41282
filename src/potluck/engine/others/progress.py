"""Progress: what is done about files that are lacking, and how much of them is here already.

Strategy: read from downloads and commits when somebody asks; a content that several folders wait
for counts in each of them. While the share is offline all of it is lacking, whatever the index
says; so is what was not found here and waits for a second look, and what another disk hides of the
own folder, or took along. A folder that was not looked at since the start is unsettled, the own one
too, and so is one in which something is held (held_replicas.py). What is told to people and to the
others comes from here.

Guarantees: nothing is changed. Limits: costs a look at every content that is wanted, so it is asked
for a few times a second and not for every piece.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, Protocol

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.gaps import gaps_of
from potluck.core.content.paths import SafePath
from potluck.core.wire.catalogue import Gap
from potluck.engine.node import Node
from potluck.engine.others.commits import Commits
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.holders import known_holders
from potluck.engine.others.receiving import Receiving
from potluck.engine.others.replica_check import ReplicaCheck

GAPS_OF: Final = 1_000
"""Of more files and folders that lack nobody tells which they are; so many are read in 2 ms."""


class OwnAbsent(Protocol):
    """Whoever knows what of the own folder is not here (engine/own/absent_files.py)."""

    @property
    def amount(self) -> Amount:
        """How much that is, or went with its disk."""

    @property
    def unseen(self) -> bool:
        """Whether nobody looked since the start."""

    @property
    def doubted(self) -> bool:
        """Whether something seems to be gone, and is looked for once more."""


class Progress:
    """Looks at downloads, decisions and commits."""

    def __init__(
        self,
        node: Node,
        downloads: Downloads,
        commits: Commits,
        receiving: Receiving,
        replica_check: ReplicaCheck,
        own: OwnAbsent,
    ) -> None:
        """Look at these."""
        self._node, self._downloads = node, downloads
        self._commits, self._receiving = commits, receiving
        self._replica_check, self._own = replica_check, own

    def __repr__(self) -> str:
        """Return whether anything is on its way."""
        return f"<Progress fetching={self.fetching}>"

    @property
    def fetching(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._downloads.orders)

    @property
    def placing(self) -> bool:
        """Whether anything is being decided about, or put in its place."""
        return self._receiving.deciding or self._commits.settling or bool(self._commits.spots())

    @property
    def unseen(self) -> set[ManifestName]:
        """The folders of others at which nobody looked since the start."""
        return self._replica_check.unseen()

    def unsettled(self) -> set[ManifestName]:
        """Return the folders in which something is still to be seen, decided, or put in place."""
        pending = {spot.manifest for spot in self._receiving.pending}
        behind = {name for name, _ in self._receiving.catching_up}
        changing = {spot.manifest for spot in self._commits.spots()}
        own = {self._node.own_manifest} if self._own.unseen else set[ManifestName]()
        return pending | behind | changing | self.unseen | self.held | own

    @property
    def doubted(self) -> bool:
        """Whether what is here of the own folder is not known: something of it is looked for."""
        return self._own.doubted and self._node.share_present

    @property
    def held(self) -> set[ManifestName]:
        """The folders of which something stays here that its owner deleted or replaced."""
        return self._receiving.held.names

    def held_back(self) -> dict[ManifestName, Amount]:
        """Return how much that is, by folder; of an offline share nothing is said."""
        if not self._node.share_present:
            return {}
        held = self._receiving.held
        lots = ((name, held.lot(name)) for name in held.names)
        return {name: lot.amount for name, lot in lots if lot is not None}

    @property
    def paused(self) -> str:
        """Why nothing is fetched, "" if that is not so."""
        return self._downloads.paused

    @property
    def absent(self) -> Mapping[ManifestName, Amount]:
        """What of each folder was not found here and is looked for once more."""
        return self._replica_check.missing.absent()

    def in_vain(self, name: ManifestName) -> bool:
        """Say whether whoever is here was asked for all that lacks of a folder, and brought none.

        A transfer that broke counts too, until it is tried again a moment later.
        """
        downloads, waiting = self._downloads.swarm.downloads, self._downloads.waiting
        holders = known_holders(self._node, waiting)
        roots = [root for root, names in waiting.items() if name in names]
        wanted = [downloads[root] for root in roots if root in downloads]
        if not wanted or len(wanted) < len(roots) or any(one.orders for one in wanted):
            return False
        return all(one.failed(peer) for one in wanted for peer in holders(one.root))

    def senders(self) -> list[str]:
        """Return the labels of those who are asked for content now."""
        orders = self._downloads.orders.values()
        return sorted({self._node.label_of(order.peer) for order in orders})

    def lacking(self) -> dict[ManifestName, Amount]:
        """Return what this disk lacks of each manifest that is held; pieces here do not count."""
        index, here = self._node.index, Counter[ManifestName]()
        lacking_of = index.manifests.amount
        if self._node.share_present:
            here, lacking_of = self._here_bytes(), index.needs.missing
        found = dict[ManifestName, Amount]()
        for name in map(ManifestName.of, index.manifests.heads()):
            own = self._own.amount if name == self._node.own_manifest else NOTHING
            absent = Amount.total([lacking_of(name), self.absent.get(name, NOTHING), own])
            files, folders, size_bytes = map(min, absent, index.manifests.amount(name))
            size_bytes = min(max(size_bytes - here[name], 0), limits.FILE_MAX_BYTES)
            found[name] = Amount(files, folders, size_bytes)
        return found

    def skipped(self) -> dict[ManifestName, Amount]:
        """Return how much of what lacks is not wanted here; of an offline share nothing is said."""
        index = self._node.index
        names = map(ManifestName.of, index.manifests.heads())
        others = [name for name in names if name != self._node.own_manifest]
        if not self._node.share_present:
            return {}
        return {name: index.needs.skipped(name) for name in others}

    def gaps(self) -> dict[ManifestName, tuple[Gap, ...]]:
        """Return what this disk lacks of folders of others, where that is all that may lack."""
        index, absent = self._node.index, self.absent
        if not self._node.share_present:
            return {}
        unsure = self.unseen | self.held | {self._node.own_manifest}
        found = dict[ManifestName, tuple[Gap, ...]]()
        for name in map(ManifestName.of, index.manifests.heads()):
            missing = index.needs.missing(name)
            few = 0 < missing.files + missing.folders <= GAPS_OF
            if few and name not in unsure and absent.get(name, NOTHING) == NOTHING:
                found[name] = gaps_of(index.needs.seqs(name, GAPS_OF))
        return found

    @property
    def room_mark(self) -> tuple[object, ...]:
        """What changes whenever `no_room` may; nothing if all has room."""
        downloads, room = self._downloads, self._downloads.swarm.room
        if not downloads.paused and not room.refused:
            return ()
        return downloads.paused, room.changes, len(downloads.waiting), len(downloads.orders)

    def no_room(self) -> dict[ManifestName, Amount]:
        """Return how much of what lacks is not begun, or goes on no more, for want of room here.

        On a disk that is almost full that is all that waits for a content and is not on its way.
        """
        downloads, found = self._downloads, dict[ManifestName, Amount]()
        if not self._node.share_present:
            return found
        for root in downloads.waiting if downloads.paused else downloads.swarm.room.refused:
            download = downloads.swarm.downloads.get(root)
            if download is None or download.complete or download.orders:
                continue
            for name, spots in downloads.waiting.get(root, {}).items():
                to_come = download.size_bytes * len(spots) - download.done_bytes
                amount = Amount(len(spots), 0, to_come)
                found[name] = Amount.total([found.get(name, NOTHING), amount])
        return found

    def _here_bytes(self) -> Counter[ManifestName]:
        """Return how much is here already of contents that each manifest still lacks."""
        here, waiting = Counter[ManifestName](), self._downloads.waiting
        for download in self._downloads.swarm.downloads.values():
            if download.done_bytes:
                for name in waiting.get(download.root, {}):
                    here[name] += download.done_bytes
        return here

    def sample(self) -> tuple[SafePath, int] | None:
        """Return one path that waits for its content, and how many bytes of that are here."""
        for root, names in self._downloads.waiting.items():
            download = self._downloads.swarm.downloads.get(root)
            if download is not None:
                spot = next(iter(next(iter(names.values()))))
                return self._node.layout.path_of(spot), download.done_bytes
        return None
