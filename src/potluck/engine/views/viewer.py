"""The viewer: everything a face shows, summed up from the parts when somebody looks.

Strategy: a view is built at most a few times a second. The word for how things are, the counts and
the rows of other devices follow from one picture (engine/views/picture.py); devices and files are
looked at in the modules beside this one, transfers here. Faces never see an engine object.

Guarantees: building a view changes nothing and reads only counts that the index keeps up to date,
but for folders that come, of which a bounded number of rows is counted (folder_counts.py).
Limits: lists are bounded, so that a page of 100,000 refused names costs no more than one of a
hundred.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import (
    DeviceKnown,
    ManifestKnown,
    no_room_there,
    situation,
)
from potluck.core.content.last_words import HeadNumber
from potluck.core.content.outgoing import held_of
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import What
from potluck.core.content.verification import Verification
from potluck.core.keys.identity import DeviceId, short_id
from potluck.engine.node import Node, legible
from potluck.engine.others.answers import Answers
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.uploads import Handing
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.views.folder_counts import FolderCounts
from potluck.engine.views.listing import Listing
from potluck.engine.views.neighbourhood import (
    LIST_MAX,
    Neighbourhood,
    bounded,
    former_members,
)
from potluck.engine.views.picture import Picture
from potluck.engine.views.values import (
    DeliveryView,
    HeadView,
    KeepersView,
    KeeperView,
    KeptView,
    StateView,
    TransferView,
    TroubleView,
    UploadView,
    VerifyView,
)


class Viewer:
    """Looks at the parts of the engine."""

    def __init__(
        self,
        node: Node,
        neighbourhood: Neighbourhood,
        picture: Picture,
        own_folder: OwnFolder,
        downloads: Downloads,
        answers: Answers,
    ) -> None:
        """Look at these."""
        self._node, self._neighbourhood, self._own_folder = node, neighbourhood, own_folder
        self._picture, self._downloads, self._answers = picture, downloads, answers
        self.listing, self._folder_counts = Listing(node, own_folder.untold), FolderCounts(node)

    def state(self) -> StateView:
        """Return everything a face shows."""
        node, around = self._node, self._neighbourhood
        knowledge = self._picture.knowledge()
        handings = self._answers.uploads.handings()
        under_way = {one.device: one.size_bytes for one in handings}
        deliveries = around.deliveries(knowledge, under_way)
        whole, word = knowledge.whole(), situation(knowledge)
        skipped = Amount.total(one.skipped for one in knowledge.manifests)
        only_here = self._picture.only_here(knowledge)
        missing = knowledge.to_come() if node.share_present else NOTHING  # nothing of that comes
        return StateView(
            device={"id": short_id(node.me), "label": node.own_label},
            group=around.group(),
            node=around.place(),
            ring=around.ring(),
            state=word.state.value,
            reason=legible(word.reason) or None,
            command=word.command or None,
            synced=knowledge.synced,
            devices=around.devices(knowledge),
            files=whole.files,
            folders=whole.folders,
            bytes=bounded(whole.size_bytes),
            **_fields("need", missing),
            received_bytes=self._downloads.received_bytes,
            sent_bytes=self._answers.sent_bytes,
            transfers=self._transfers(),
            deliveries=deliveries,
            uploads=self._uploads(handings, deliveries),
            troubles=self._troubles(),
            trouble_count=node.troubles.total,
            folder=node.settings.folder,
            own_folder=self._own_path(),
            port=node.settings.port,
            door=around.door(),
            invite=around.invite(),
            found=around.found(),
            tried=around.tried(),
            former=former_members(self._node),
            refused=self._refused(),
            counters=dict(node.counters),
            requests=around.requests(),
            **_fields("skipped", skipped),
            ignored=self._own_folder.left_out.count,
            verify=_verify_view(node.verification),
            undelivered_files=only_here.files,
            undelivered_bytes=bounded(only_here.size_bytes),
        )

    def keepers(self) -> KeepersView:
        """Return which heads are held here, and what the others said last that they hold."""
        manifests = tuple(self._picture.manifests())
        held = [(one.name, one.held) for one in manifests]
        known = {one.name: one for one in manifests}
        heads = [_head_view(name, number) for name, number in held if number is not None]
        devices = [_keeper_view(one, known) for one in self._picture.devices()]
        return KeepersView(heads, devices)

    def _own_path(self) -> str:
        """Return where the own folder is on this machine, as far as the engine was told."""
        folder, own = self._node.settings.folder, str(self._own_folder.top)
        return f"{folder}/Shared/{own}" if folder else own

    def _troubles(self) -> list[TroubleView]:
        """Return what is not as it should be, the most important first."""
        now = self._node.now
        return [
            TroubleView(
                kind=trouble.kind.name.lower(),
                subject=legible(trouble.subject),
                reason=legible(trouble.reason),
                command=trouble.command,
                since_s=now - trouble.since_s,
                next_s=None if trouble.next_s is None else max(trouble.next_s - now, 0.0),
                wrong=trouble.wrong,
            )
            for trouble in islice(self._node.troubles.all(), LIST_MAX)
        ]

    def _transfers(self) -> list[TransferView]:
        """Return what is being received: each large content, and each folder of small ones."""
        swarm, asked = self._downloads.swarm, dict[Root, set[DeviceId]]()
        small = set[DeviceId]()
        for order in swarm.orders.values():
            if order.what is What.PACK:
                small.add(order.peer)
                continue
            for root in order.roots:
                asked.setdefault(root, set()).add(order.peer)
        seen = []
        for root in islice(asked, LIST_MAX):
            path, download = self._downloads.path_of(root), swarm.downloads.get(root)
            if path is None or download is None:
                continue
            done, size = download.done_bytes, download.size_bytes
            seen.append(TransferView(str(path), self._labels(asked[root]), done, size))
        return seen + self._small_transfers(small)

    def _small_transfers(self, peers: set[DeviceId]) -> list[TransferView]:
        """Return the folders whose small files are on their way, or the one file there is."""
        found = list[TransferView]()
        if not peers:
            return found
        layout, sources = self._node.layout, self._labels(peers)
        folders = dict(islice(self._downloads.folders.folders.items(), LIST_MAX))
        many = {folder: len(waiting) for folder, waiting in folders.items() if len(waiting) > 1}
        counts = self._folder_counts.look(many)
        for folder, waiting in folders.items():
            size_bytes = bounded(sum(waiting.values()))
            path = layout.name_of(folder.manifest.owner)
            if len(waiting) == 1:
                path = str(layout.path_of(next(iter(waiting))))
            elif folder.path:
                path += "/" + folder.path.decode()
            files, every = counts.get(folder, (1, None))
            found.append(TransferView(legible(path), sources, 0, size_bytes, files, every))
        return found

    def _uploads(self, handings: list[Handing], deliveries: list[DeliveryView]) -> list[UploadView]:
        """Return what is being handed over to each device that lacks something.

        Who is known to lack less than that has the rest, also from before. Of who has said nothing
        yet, or lacks other things as well, nobody knows how much of these it has.
        """
        rows, found = {one.id: one for one in deliveries}, list[UploadView]()
        for one in handings:
            row = rows.get(short_id(one.device))
            if row is None or not row.online:
                continue
            size_bytes, came_bytes = bounded(one.size_bytes), bounded(one.came_bytes)
            there_bytes = None
            if row.known and row.need_bytes <= size_bytes:
                there_bytes = max(came_bytes, size_bytes - row.need_bytes)
            sent_bytes = None if there_bytes is None and not came_bytes else came_bytes
            path = _paths_of(one)
            found.append(UploadView(path, row.label, sent_bytes, size_bytes, there_bytes))
        return found

    def _labels(self, devices: set[DeviceId]) -> list[str]:
        return sorted(map(self._node.label_of, devices))

    def _refused(self) -> list[dict[str, str]]:
        """Return the names in the own folder that are not shared, and why."""
        refused = islice(self._own_folder.refused.items(), LIST_MAX)
        return [{"path": path, "reason": reason} for path, reason in refused]


def _paths_of(handing: Handing) -> str:
    """Return the path that is handed over, or the first of them and how many more."""
    first, more = str(handing.uploads[0].path), len(handing.uploads) - 1
    return f"{first} and {more:,} more" if more else first


def _head_view(name: ManifestName, number: HeadNumber) -> HeadView:
    return HeadView(short_id(name.owner), name.folder.value, number.generation, number.seq)


def _fields(name: str, amount: Amount) -> dict[str, Any]:
    """Return an amount as three fields of a state."""
    files, folders, size_bytes = amount
    return {
        f"{name}_files": files,
        f"{name}_folders": folders,
        f"{name}_bytes": bounded(size_bytes),
    }


def _count(amount: Amount) -> int:
    return amount.files + amount.folders


def _keeper_view(device: DeviceKnown, known: Mapping[ManifestName, ManifestKnown]) -> KeeperView:
    """Return what a device said last, and how much of the folders that are known here it keeps."""
    held = held_of(device.held, known)
    amount = (bounded(held.files), bounded(held.size_bytes))
    views = _kept_views(device, known)
    return KeeperView(short_id(device.device), device.label, device.here, views, *amount)


def _kept_views(device: DeviceKnown, known: Mapping[ManifestName, ManifestKnown]) -> list[KeptView]:
    """Return what a device said last, by manifest; a number of two states tells nothing.

    Of a folder that is not known here it is not told what has no room there: that may be anything.
    """
    found = list[KeptView]()
    for name, said in sorted(device.said.items()):
        manifest = known.get(name)
        if manifest is not None and manifest.forked:
            continue
        short = no_room_there(device, manifest) if manifest is not None else NOTHING
        amounts = (_count(said.missing), _count(said.skipped), short.files)
        head = _head_view(name, said.number)
        found.append(KeptView(head, *amounts, bounded(short.size_bytes)))
    return found


def _verify_view(done: Verification | None) -> VerifyView | None:
    if done is None:
        return None
    found = (done.damaged, done.unreadable)
    names = [[legible(name) for name in each.names] for each in found]
    counts = (done.files, bounded(done.size_bytes), done.skipped)
    bad, closed = done.damaged.count, done.unreadable.count
    text = legible(done.words)
    return VerifyView(done.path, done.running, text, *counts, names[0], bad, names[1], closed)
