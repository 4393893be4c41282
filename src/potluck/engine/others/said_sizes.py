"""Said sizes: owners say different sizes of one content; which is tried next, and of whom.

Strategy: a content is its root and two numbers that the root does not prove until its piece list or
its bytes are here. An order that brings nothing may have asked for a size that is not the true one.
Next is tried what the one who was asked says itself, else one size of each owner in turn; and who
says a size is asked for it before others.

Guarantees: pure; each size that is said is tried, and however many one owner says, what another
says is tried after at most one of them, counted from the first failure. Limits: what a holder
answers about another size, in its piece list, is not heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Protocol

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.pieces import PieceList, Root
from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.looks import Holders
from potluck.core.content.swarm.orders import Swarm
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord

# records of one owner that are looked at for the size they say of one content
SAYINGS = 8


class HasRecord(Protocol):
    """Something that waits for the content of a record."""

    @property
    def record(self) -> FileRecord:
        """What its owner says of it."""


Said = Mapping[ManifestName, Mapping[Spot, HasRecord]]
"""Whose records say something of one content, by manifest and spot."""


def cut_of(content: PieceList | Download) -> tuple[int, int]:
    """Return into what a content is cut: its size, and that of its pieces."""
    return content.size_bytes, content.piece_size


def next_cut(
    download: Download, waiting: Said, asked: DeviceId
) -> tuple[tuple[int, int], DeviceId | None]:
    """Return the next of the sizes that are said of a content, and who says it.

    First what the one who was asked says itself, then one of each owner in turn: whoever says many
    delays others by one try for each of theirs. The same one if all say it.
    """
    tried = cut_of(download)
    said: dict[DeviceId, set[tuple[int, int]]] = {}
    for name, spots in waiting.items():
        cuts = said.setdefault(name.owner, set())
        cuts |= {(want.record.size, want.record.piece_size) for want in spots.values()}
    tries = download.tries
    tries.update(owner for owner, cuts in said.items() if tried in cuts)
    owners = [owner for owner, cuts in said.items() if cuts != {tried}]
    if not owners:
        return tried, None
    itself = asked in owners and tried not in said[asked]
    owner = asked if itself else min(owners, key=lambda each: (tries[each], each))
    in_turn = sorted(said[owner])
    following = tries[owner] % len(in_turn)
    if in_turn[following] == tried:
        following = (following + 1) % len(in_turn)
    return in_turn[following], owner


def saying_it_first(swarm: Swarm, waiting: Mapping[Root, Said], holders: Holders) -> Holders:
    """Of those who may be asked for a content prefer who says itself the size that is asked for."""

    def ordered(root: Root) -> Sequence[DeviceId]:
        peers, said = holders(root), waiting.get(root, {})
        download = swarm.downloads.get(root)
        if download is None or download.have is not None or len(said) < 2:
            return peers
        cut = cut_of(download)
        say_it = {name.owner for name, spots in said.items() if _says(spots, cut)}
        return sorted(peers, key=lambda peer: peer not in say_it)

    return ordered


def _says(spots: Mapping[Spot, HasRecord], cut: tuple[int, int]) -> bool:
    """Whether one of the first records of an owner says this size; who is honest says one only."""
    first = islice(spots.values(), SAYINGS)
    return any((want.record.size, want.record.piece_size) == cut for want in first)
