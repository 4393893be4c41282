"""Holders: who may be asked for a content that others share, and the effect that asks.

Strategy: a holder is taken to have what it says of the whole folder: its owner is the first, then
who lacks least of it. Whoever says of the version that is known here that it lacks all of it is not
asked. Guarantees: only devices that are linked. Limits: what they say may be a lie; whether one has
a content is found by asking (core/content/swarm says what becomes of liars).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download, Order, What
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileAsk, FilesAsk, PiecesAsk
from potluck.engine.effects import Fetch
from potluck.engine.events import OrderId
from potluck.engine.node import Node, dialable_at

UNTOLD_FILES = 2**53  # lacks more than any holder can say: it never told what it holds
Waiting = Mapping[Root, Mapping[ManifestName, Mapping[Spot, object]]]
"""Who waits for a content."""


def fetch_of(node: Node, number: OrderId, order: Order, downloads: Sequence[Download]) -> Fetch:
    """Return the effect that carries an order out."""
    addresses = dialable_at(node, order.peer)
    match order.what:
        case What.PACK:
            sizes = tuple((d.size_bytes, d.piece_size) for d in downloads)
            return Fetch(number, order.peer, addresses, FilesAsk(list(order.roots)), None, sizes)
        case What.LIST:
            sizes = tuple((d.size_bytes, d.piece_size) for d in downloads)
            return Fetch(number, order.peer, addresses, PiecesAsk(order.roots[0]), None, sizes)
        case _:
            ask = FileAsk(order.roots[0], list(order.pieces))
            return Fetch(number, order.peer, addresses, ask, downloads[0].content, ())


def known_holders(node: Node, waiting: Waiting) -> Callable[[Root], list[DeviceId]]:
    """Return who may be asked: owners first, then who holds that whole folder, then who might."""
    linked = node.linked()
    known = dict[ManifestName, list[DeviceId]]()

    def rank(name: ManifestName, device: DeviceId) -> tuple[bool, int]:
        kept = node.peers[device].kept.get(name)
        return device != name.owner, kept.missing_files if kept is not None else UNTOLD_FILES

    def of(name: ManifestName) -> list[DeviceId]:
        if name not in known:
            candidates = [d for d in linked if d == name.owner or _may_hold(node, name, d)]
            known[name] = sorted(candidates, key=lambda device: rank(name, device))
        return known[name]

    def holders(root: Root) -> list[DeviceId]:
        names = waiting.get(root, {})
        if len(names) == 1:
            return of(next(iter(names)))
        return list(dict.fromkeys(device for name in sorted(names) for device in of(name)))

    return holders


def _may_hold(node: Node, name: ManifestName, device: DeviceId) -> bool:
    """Whether a device that does not own a folder said that it has any of it."""
    kept = node.peers[device].kept.get(name)
    if kept is None:
        return False
    head = node.index.manifests.head(name)
    if head is None or (kept.generation, kept.seq) != (head.generation, head.seq):
        return True  # of another version
    files, _, size_bytes = node.index.manifests.amount(name)
    return kept.missing_files < files or kept.missing_bytes < size_bytes
