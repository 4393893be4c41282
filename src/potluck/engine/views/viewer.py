"""Views: the engine's state as frozen values for the faces.

Strategy: a view is built from the node and its parts when somebody looks, at most a few times a
second, and encoded as JSON by the control shell; its field names are the local API's
(docs/faces.md). Faces never see an engine object.

Guarantees: building a view changes nothing and reads only counts that the index keeps up to date.
Words of strangers are shown without what moves a cursor. Limits: lists are bounded, so that a page
of 100,000 refused names costs no more than one of a hundred; so are sums, for an owner may claim
any size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice

from msgspec import Struct

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow
from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import FileRecord, Kind, MemberRecord
from potluck.engine.node import printable
from potluck.engine.wiring import Wiring

LIST_MAX = 200
FILES_MAX = 10_000


class DeviceView(Struct, frozen=True):
    """One device of the group."""

    id: str
    label: str
    me: bool
    online: bool
    node: int | None
    address: str
    found_by: str
    have_files: int
    need_files: int
    need_bytes: int


class RingView(Struct, frozen=True):
    """One node of the ring."""

    number: int
    id: str
    label: str
    seat: int
    status: str


class TransferView(Struct, frozen=True):
    """One content that is being received."""

    path: str
    sources: list[str]
    done: int
    size: int


class FoundView(Struct, frozen=True):
    """A group near by that this device is not a member of."""

    name: str
    label: str
    address: str
    members: int
    open: bool


class FileView(Struct, frozen=True):
    """One path of the share."""

    path: str
    kind: str
    size: int
    owner: str
    here: bool
    root: str


class StateView(Struct, frozen=True):
    """Everything a face shows."""

    device: dict[str, str]
    group: dict[str, str] | None
    node: dict[str, object] | None
    ring: list[RingView]
    state: str
    reason: str | None
    devices: list[DeviceView]
    files: int
    bytes: int
    need_files: int
    need_bytes: int
    received_bytes: int
    sent_bytes: int
    transfers: list[TransferView]
    folder: str
    own_folder: str
    port: int
    door: dict[str, object]
    found: list[FoundView]
    tried: dict[str, object]
    refused: list[dict[str, str]]


class Viewer:
    """Looks at the parts of the engine."""

    def __init__(self, parts: Wiring) -> None:
        """Look at these."""
        self._node, self._parts = parts.node, parts

    def state(self) -> StateView:
        """Return everything a face shows."""
        node, parts, roster = self._node, self._parts, self._node.roster
        whole = self._whole()
        lacking = [node.index.needs.missing(name) for name in whole if name.owner != node.me]
        state, reason = self._state(sum(files for files, _ in lacking))
        own = str(parts.own_folder.top)
        return StateView(
            device={"id": short_id(node.me), "label": node.own_label},
            group={"id": short_id(roster.group), "name": roster.name} if roster else None,
            node=self._place(),
            ring=[self._ring_view(n, record) for n, record in enumerate(parts.circle.ring.nodes())],
            state=state,
            reason=reason,
            devices=[
                self._device(device, whole) for device in sorted(roster.members if roster else ())
            ],
            files=sum(files for files, _ in whole.values()),
            bytes=_shown(size for _, size in whole.values()),
            need_files=sum(files for files, _ in lacking),
            need_bytes=_shown(size for _, size in lacking),
            received_bytes=parts.receiving.received_bytes,
            sent_bytes=parts.service.sent_bytes,
            transfers=self._transfers(),
            folder=node.settings.folder,
            own_folder=f"{node.settings.folder}/Shared/{own}" if node.settings.folder else own,
            port=node.settings.port,
            door=self._door(),
            found=self._found(),
            tried={
                "interfaces": list(parts.discovery.interfaces),
                "neighbours": parts.discovery.neighbours,
            },
            refused=[
                {"path": p, "reason": r}
                for p, r in islice(parts.own_folder.refused.items(), LIST_MAX)
            ],
        )

    def files(self, prefix: str, limit: int = FILES_MAX) -> list[FileView]:
        """Return the files of the share whose path below Shared/ starts with `prefix`."""
        node, found = self._node, list[FileView]()
        for head in node.index.manifests.heads():
            name = ManifestName.of(head)
            label = node.label_of(name.owner)
            if not (label.startswith(prefix) or prefix.startswith(label + "/")):
                continue
            inner = prefix[len(label) + 1 :].encode(errors="replace")
            for record in node.index.manifests.listing(name, inner, limit - len(found)):
                here = _stands(record, node.index.places.get(name, record.path))
                path = f"{label}/{record.path.decode()}"
                found.append(
                    FileView(path, record.kind.value, record.size, label, here, record.root.hex())
                )
        return found

    def _whole(self) -> dict[ManifestName, tuple[int, int]]:
        """Return of each manifest held completely how many files it has, and their bytes."""
        manifests = self._node.index.manifests
        names = map(ManifestName.of, manifests.heads())
        return {name: (manifests.count(name), manifests.total_bytes(name)) for name in names}

    def _place(self) -> dict[str, object] | None:
        circle, label = self._parts.circle, self._node.label_of
        nodes, number = circle.ring.nodes(), circle.number_of(self._node.me)
        if number is None:
            return None
        last, following = nodes[number - 1], nodes[(number + 1) % len(nodes)]
        return {
            "number": number,
            "of": len(nodes),
            "last": label(DeviceId(last.device)),
            "next": label(DeviceId(following.device)),
            "digest": circle.ring.digest.hex(),
        }

    def _ring_view(self, number: int, record: MemberRecord) -> RingView:
        label = self._node.label_of(DeviceId(record.device))
        return RingView(number, short_id(record.device), label, record.seat, record.status.value)

    def _device(self, device: DeviceId, whole: dict[ManifestName, tuple[int, int]]) -> DeviceView:
        node, me, discovery = self._node, device == self._node.me, self._parts.discovery
        peer, sighting = node.peers.get(device), discovery.sightings.known.get(device)
        number = self._parts.circle.number_of(device)
        address = peer.address if peer is not None else None
        lacking = [
            self._lacking(device, name, every)
            for name, every in whole.items()
            if name.owner != device
        ]
        need = sum(files for files, _ in lacking)
        return DeviceView(
            id=short_id(device),
            label=node.label_of(device),
            me=me,
            online=me or number is not None,
            node=number,
            address=f"{address.host}:{address.port}" if address is not None else "",
            found_by="" if me or sighting is None else sighting.found_by,
            have_files=sum(files for files, _ in whole.values()) - need,
            need_files=need,
            need_bytes=_shown(size for _, size in lacking),
        )

    def _lacking(
        self, device: DeviceId, name: ManifestName, every: tuple[int, int]
    ) -> tuple[int, int]:
        """Return how many files, and bytes, of one folder a device lacks; all of them unless it
        says otherwise.
        """
        if device == self._node.me:
            return self._node.index.needs.missing(name)
        peer = self._node.peers.get(device)
        kept = peer.kept.get(name) if peer is not None else None
        return (
            every
            if kept is None
            else (min(kept.missing_files, every[0]), min(kept.missing_bytes, every[1]))
        )

    def _state(self, needed: int) -> tuple[str, str | None]:
        own_folder, receiving, founding = (
            self._parts.own_folder,
            self._parts.receiving,
            self._parts.admission_policy.founding,
        )
        if not self._node.share_present:
            return "trouble", f"the share is offline: marker {own_folder.share_reason}"
        if receiving.paused:
            return "paused", receiving.paused
        if founding is not None and founding.waiting:
            return "waiting", "a group is near and this device is not a member of it"
        if needed:
            return "busy", f"{needed} files to come"
        return (
            ("busy", "looking at the own files")
            if own_folder.busy or receiving.busy
            else ("in_sync", None)
        )

    def _transfers(self) -> list[TransferView]:
        receiving, asked = self._parts.receiving, dict[Root, set[DeviceId]]()
        for order in receiving.swarm.orders.values():
            for root in order.roots:
                asked.setdefault(root, set()).add(order.peer)
        seen = []
        for root in islice(asked, LIST_MAX):
            path, download = receiving.path_of(root), receiving.swarm.downloads.get(root)
            if path is not None and download is not None:
                sources = sorted(self._node.label_of(device) for device in asked[root])
                seen.append(
                    TransferView(str(path), sources, download.done_bytes, download.size_bytes)
                )
        return seen

    def _door(self) -> dict[str, object]:
        admission_policy = self._parts.admission_policy
        until = admission_policy.open_until_s if admission_policy.is_open else None
        return {
            "open": admission_policy.is_open,
            "until_s": None if until in (None, math.inf) else until - self._node.now,
        }

    def _found(self) -> list[FoundView]:
        return [
            FoundView(
                printable(g.name),
                printable(g.label),
                f"{g.address.host}:{g.address.port}",
                g.members,
                g.open,
            )
            for g in self._parts.admission_policy.found[:LIST_MAX]
        ]


def _shown(sizes: Iterable[int]) -> int:
    """Return a sum of sizes as JSON can hold it: owners may claim any."""
    return min(sum(sizes), limits.SEQ_MAX)


def _stands(record: FileRecord, row: PlaceRow | None) -> bool:
    """Say whether what a record names stands on this disk."""
    if row is None or row.kind is not record.kind:
        return False
    return record.kind is Kind.FOLDER or row.root == record.root
