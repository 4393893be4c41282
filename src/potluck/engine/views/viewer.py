"""The viewer: everything a face shows, summed up from the parts when somebody looks.

Strategy: a view is built at most a few times a second; devices and files are looked at in the
modules beside this one, transfers and the one word for how things are here. Faces never see an
engine object.

Guarantees: building a view changes nothing and reads only counts that the index keeps up to date.
Limits: lists are bounded, so that a page of 100,000 refused names costs no more than one of a
hundred.
"""

from __future__ import annotations

from itertools import islice

from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId, short_id
from potluck.engine.node import Node
from potluck.engine.others.answers import Answers
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.receiving import Receiving
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.views.listing import Listing
from potluck.engine.views.neighbourhood import LIST_MAX, Neighbourhood
from potluck.engine.views.shared_files import SharedFiles, bounded_sum
from potluck.engine.views.values import StateView, TransferView


class Viewer:
    """Looks at the parts of the engine."""

    def __init__(
        self,
        node: Node,
        neighbourhood: Neighbourhood,
        own_folder: OwnFolder,
        receiving: Receiving,
        downloads: Downloads,
        answers: Answers,
    ) -> None:
        """Look at these."""
        self._node, self._neighbourhood, self._own_folder = node, neighbourhood, own_folder
        self._receiving, self._downloads, self._answers = receiving, downloads, answers
        self._files = SharedFiles(node)
        self.listing = Listing(node)

    def state(self) -> StateView:
        """Return everything a face shows."""
        node, around = self._node, self._neighbourhood
        whole = self._files.whole()
        need_files, need_bytes = self._files.lacking(node.me, whole)
        state, reason = self._state(need_files)
        return StateView(
            device={"id": short_id(node.me), "label": node.own_label},
            group=around.group(),
            node=around.place(),
            ring=around.ring(),
            state=state,
            reason=reason,
            command=None,
            synced=state == "in_sync",
            folders=0,
            need_folders=0,
            deliveries=[],
            uploads=[],
            troubles=[],
            trouble_count=0,
            devices=around.devices(self._files, whole),
            files=sum(files for files, _ in whole.values()),
            bytes=bounded_sum(size for _, size in whole.values()),
            need_files=need_files,
            need_bytes=need_bytes,
            received_bytes=self._downloads.received_bytes,
            sent_bytes=self._answers.sent_bytes,
            transfers=self._transfers(),
            folder=node.settings.folder,
            own_folder=self._own_path(),
            port=node.settings.port,
            door=around.door(),
            found=around.found(),
            tried=around.tried(),
            refused=self._refused(),
        )

    def _own_path(self) -> str:
        """Return where the own folder is on this machine, as far as the engine was told."""
        folder, own = self._node.settings.folder, str(self._own_folder.top)
        return f"{folder}/Shared/{own}" if folder else own

    def _state(self, needed: int) -> tuple[str, str | None]:
        """Return the one word for how things are, and why."""
        own_folder, paused = self._own_folder, self._downloads.paused
        if not self._node.share_present:
            return "trouble", f"the share is offline: marker {own_folder.share.reason}"
        if paused:
            return "paused", paused
        if self._neighbourhood.waits:
            return "waiting", "a group is near and this device is not a member of it"
        if needed:
            return "busy", f"{needed} files to come"
        if own_folder.busy or self._receiving.busy:
            return "busy", "looking at the own files"
        return "in_sync", None

    def _transfers(self) -> list[TransferView]:
        """Return what is being received, each content under one of its paths."""
        swarm, asked = self._downloads.swarm, dict[Root, set[DeviceId]]()
        for order in swarm.orders.values():
            for root in order.roots:
                asked.setdefault(root, set()).add(order.peer)
        seen = []
        for root in islice(asked, LIST_MAX):
            path, download = self._downloads.path_of(root), swarm.downloads.get(root)
            if path is None or download is None:
                continue
            sources = sorted(self._node.label_of(device) for device in asked[root])
            done, size = download.done_bytes, download.size_bytes
            seen.append(TransferView(str(path), sources, done, size))
        return seen

    def _refused(self) -> list[dict[str, str]]:
        """Return the names in the own folder that are not shared, and why."""
        refused = islice(self._own_folder.refused.items(), LIST_MAX)
        return [{"path": path, "reason": reason} for path, reason in refused]
