"""Views: the engine's state as frozen values for the faces.

Strategy: a view is built from the node and its parts when somebody looks, at most a few times a second, and encoded as
JSON by the control shell; its field names are the local API's (docs/faces.md). Faces never see an engine object.

Guarantees: building a view changes nothing and reads only counts that the index keeps up to date.
Limits: lists are bounded, so that a page of 100,000 refused names costs no more than one of a hundred.
"""

from __future__ import annotations

from msgspec import Struct

from potluck.core.identity import DeviceId, short_id
from potluck.core.members import IN_RING
from potluck.core.messages import Folder, Head, MemberRecord
from potluck.engine.circle import Circle
from potluck.engine.doors import Doors
from potluck.engine.library import Library
from potluck.engine.meeting import Meeting
from potluck.engine.node import Node
from potluck.engine.service import Service
from potluck.engine.supply import Supplier

LIST_MAX = 200
OWN = Folder.OWN


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

    def __init__(self, node: Node, parts: tuple[Meeting, Doors, Circle, Library, Supplier, Service]) -> None:
        """Look at these."""
        self._node = node
        self._meeting, self._doors, self._circle, self._library, self._supply, self._service = parts

    def state(self) -> StateView:
        """Return everything a face shows."""
        node, roster = self._node, self._node.roster
        needs = [node.index.needs.missing(DeviceId(head.owner), head.folder) for head in self._others()]
        totals = [
            (node.index.manifests.count(DeviceId(h.owner), h.folder), node.index.manifests.total_bytes(DeviceId(h.owner), h.folder))
            for h in node.known_heads()
        ]
        state, reason = self._state(sum(files for files, _ in needs))
        own = str(self._library.top)
        return StateView(
            device={"id": short_id(node.me), "label": node.own_label},
            group={"id": short_id(roster.group), "name": roster.name} if roster else None,
            node=self._place(),
            ring=[self._ring_view(n, record) for n, record in enumerate(self._circle.ring.nodes())],
            state=state,
            reason=reason,
            devices=[self._device(device) for device in sorted(roster.members if roster else ())],
            files=sum(files for files, _ in totals),
            bytes=sum(size for _, size in totals),
            need_files=sum(files for files, _ in needs),
            need_bytes=sum(size for _, size in needs),
            received_bytes=self._supply.received_bytes,
            sent_bytes=self._service.sent_bytes,
            transfers=self._transfers(),
            folder=node.settings.folder,
            own_folder=f"{node.settings.folder}/Shared/{own}" if node.settings.folder else own,
            port=node.settings.port,
            door=self._door(),
            found=self._found(),
            tried={"interfaces": list(self._meeting.interfaces), "neighbours": self._meeting.neighbours},
            refused=[{"path": p, "reason": r} for p, r in list(self._library.refused.items())[:LIST_MAX]],
        )

    def files(self, prefix: str, limit: int = 10_000) -> list[FileView]:
        """Return the files of the share whose path below Shared/ starts with `prefix`."""
        node, found = self._node, list[FileView]()
        for head in node.known_heads():
            owner = DeviceId(head.owner)
            label = node.label_of(owner)
            if not (label.startswith(prefix) or prefix.startswith((label + "/", label))):
                continue
            inner = prefix[len(label) + 1 :].encode() if prefix.startswith(label + "/") else b""
            for record in node.index.manifests.listing(owner, head.folder, inner, limit - len(found)):
                stands = node.index.places.get(owner, head.folder, record.path)
                here = stands is not None and (stands.root == record.root or record.kind.value == "folder")
                path = f"{label}/{record.path.decode()}"
                found.append(FileView(path, record.kind.value, record.size, label, here, record.root.hex()))
        return found

    def _others(self) -> list[Head]:
        return [head for head in self._node.known_heads() if head.owner != self._node.me]

    def _place(self) -> dict[str, object] | None:
        nodes = self._circle.ring.nodes()
        number = self._circle.number_of(self._node.me)
        if number is None:
            return None
        last, following = nodes[number - 1], nodes[(number + 1) % len(nodes)]
        return {
            "number": number,
            "of": len(nodes),
            "last": self._node.label_of(DeviceId(last.device)),
            "next": self._node.label_of(DeviceId(following.device)),
            "digest": self._circle.ring.digest.hex(),
        }

    def _ring_view(self, number: int, record: MemberRecord) -> RingView:
        label = self._node.label_of(DeviceId(record.device))
        return RingView(number, short_id(record.device), label, record.seat, record.status.value)

    def _device(self, device: DeviceId) -> DeviceView:
        node, me = self._node, device == self._node.me
        record = self._circle.ring.beliefs.get(device)
        peer, sighting = node.peers.get(device), self._meeting.sightings.known.get(device)
        in_ring = me or (self._circle.ring.seated and record is not None and record.status in IN_RING)
        address = peer.address if peer is not None else None
        heads = [(DeviceId(h.owner), h.folder) for h in node.known_heads()]
        lacks_all = [(node.index.manifests.count(*h), node.index.manifests.total_bytes(*h)) for h in heads if h[0] != device]
        if me:
            lacking = [node.index.needs.missing(*name) for name in heads if name[0] != device]
        else:
            kept = peer.kept if peer is not None else {}
            lacking = [
                (kept[name].missing_files, kept[name].missing_bytes) if name in kept else lack
                for name, lack in zip([h for h in heads if h[0] != device], lacks_all, strict=True)
            ]
        total = sum(node.index.manifests.count(*name) for name in heads)
        need = sum(files for files, _ in lacking)
        return DeviceView(
            id=short_id(device),
            label=node.label_of(device),
            me=me,
            online=in_ring,
            node=self._circle.number_of(device) if in_ring else None,
            address=f"{address.host}:{address.port}" if address is not None else "",
            found_by="" if me or sighting is None else sighting.found_by,
            have_files=total - need,
            need_files=need,
            need_bytes=sum(size for _, size in lacking),
        )

    def _state(self, needed: int) -> tuple[str, str | None]:
        if not self._node.share_present:
            return "trouble", f"the share is offline: marker {self._library.share_reason}"
        if self._supply.paused:
            return "paused", self._supply.paused
        founding = self._doors.founding
        if founding is not None and founding.waiting:
            return "waiting", "a group is near and this device is not a member of it"
        if needed:
            return "busy", f"{needed} files to come"
        return ("busy", "looking at the own files") if self._library.busy or self._supply.busy else ("in_sync", None)

    def _transfers(self) -> list[TransferView]:
        node, supply, seen = self._node, self._supply, list[TransferView]()
        asked: dict[bytes, set[DeviceId]] = {}
        for order in supply.swarm.orders.values():
            for root in order.roots:
                asked.setdefault(root, set()).add(order.peer)
        for root, download in supply.swarm.downloads.items():
            path = supply.path_of(root) if root in asked else None
            if path is not None and len(seen) < LIST_MAX:
                sources = sorted(node.label_of(device) for device in asked[root])
                seen.append(TransferView(str(path), sources, download.done_bytes, download.size_bytes))
        return seen

    def _door(self) -> dict[str, object]:
        until = self._doors.open_until_s
        left = None if until is None or until == float("inf") else max(0.0, until - self._node.now)
        return {"open": self._doors.is_open, "until_s": left}

    def _found(self) -> list[FoundView]:
        return [
            FoundView(group.name, group.label, f"{group.address.host}:{group.address.port}", group.members, group.open)
            for group in self._doors.found
        ]
