"""An asked path: what a person means by a path below Shared/.

Strategy: the first part says whose folder it is, the rest is a path of that owner's list; nothing
is everything. Guarantees: any text is a path that may lead nowhere, none raises. Limits: a name
that is refused has no place in any list; it is compared as people read it, so the name itself and
its escaped spelling are one path, and two such names that are read alike are one, too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount, ManifestName, Spot
from potluck.core.content.paths import parse_wire_path, printable
from potluck.core.errors import UnsafePath
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.index import Index
from potluck.engine.index.listings import Span
from potluck.engine.node import Node

ROWS_MAX: Final = 4000  # of one folder that are looked at for one answer: 10 ms


class AskedPath(NamedTuple):
    """Which path is meant."""

    text: str  # below Shared/, as people read it; "" for everything
    name: ManifestName | None  # whose folder it is in; None: everybody's, or nobody's
    inner: bytes  # in that folder; b"" for all of it

    @property
    def spot(self) -> Spot | None:
        """The one spot that is meant, None for a whole folder of a device, or everything."""
        return Spot(self.name, self.inner) if self.name is not None and self.inner else None

    def covers(self, path: str) -> bool:
        """Say whether a path is this one, or below it."""
        return not self.text or path == self.text or path.startswith(f"{self.text}/")

    def concerns(self, path: str) -> bool:
        """Say whether what is true of a path, and of what is below it, has to do with this one."""
        return self.covers(path) or self.text.startswith(f"{path}/")

    def has(self, name: ManifestName) -> bool:
        """Say whether some of that device's folder is meant."""
        return not self.text or self.name == name

    def holds(self, spot: Spot) -> bool:
        """Say whether a spot is meant."""
        if not self.has(spot.manifest):
            return False
        return not self.inner or spot.path == self.inner or spot.path.startswith(self.inner + b"/")


class Below(NamedTuple):
    """The records that are meant, summed up."""

    amount: Amount  # without the folder itself that is asked about
    newest_seq: int
    lacking: int  # of them, here
    counted: bool  # False: there are more than were looked at
    top: FileRecord | None  # of the path itself
    seqs: tuple[int, ...] = ()  # of each of them; of a whole folder of an owner nobody asks

    @property
    def meant(self) -> Amount:
        """All of it, a folder itself too."""
        itself = self.top is not None and self.top.kind is Kind.FOLDER
        return self.amount._replace(folders=self.amount.folders + itself)


def asked_path(node: Node, text: str) -> AskedPath:
    """Return what a text means."""
    text = printable(text.strip("/"))  # no name that can be shared becomes another one by that
    if not text:
        return AskedPath("", None, b"")
    try:
        path = parse_wire_path(text.encode())
    except UnsafePath:
        return AskedPath(text, None, b"")
    name = node.layout.manifest_at(path)
    if name is None or len(path.parts) == 1:
        return AskedPath(text, name, b"")
    spot = node.layout.spot_at(path)
    return AskedPath(text, name, b"" if spot is None else spot.path)


def below(index: Index, name: ManifestName, inner: bytes) -> Below:
    """Return what the list of an owner has at a path and below it, as far as the bound goes."""
    if not inner:
        head = index.manifests.head(name)
        seq = 0 if head is None else head.seq
        missing = index.needs.missing(name)
        every = index.manifests.amount(name)
        return Below(every, seq, missing.files + missing.folders, counted=True, top=None)
    top = index.manifests.get(name, inner)
    found = index.listings.page(name, Span.of(inner), 1)
    inside = index.listings.page(name, Span.below(inner + b"/"), ROWS_MAX)
    files = [one.record for one in inside if one.record.kind is Kind.FILE]
    found += inside
    alone = [top] if top is not None and top.kind is Kind.FILE else []
    size_bytes = min(sum(one.size for one in files + alone), limits.SEQ_MAX)
    amount = Amount(len(files) + len(alone), len(inside) - len(files), size_bytes)
    newest = max((one.record.seq for one in found), default=0)
    counted = len(inside) < ROWS_MAX
    if not counted:  # what was not looked at may be newer than all that was
        head = index.manifests.head(name)
        newest = newest if head is None else head.seq
    lacking = sum(one.lacking for one in found)
    seqs = tuple(one.record.seq for one in found) if counted else ()
    return Below(amount if found else NOTHING, newest, lacking, counted, top, seqs)
