"""Taking: a copy of somebody else's file, or folder, comes into the own folder.

Strategy: what the index says stands here of that path is listed with its hashes, and the disk
copies just that (shells/disk/importing.py): the copy of each file is hashed before it gets its
name. What is not here, or not as its owner shared it, is said and not copied. A taken name gets
another one, as with `add`; what arrived is shared as ever.

Guarantees: each act has one reply. Nothing is said to be copied that the disk did not check, or
that did not stand there before. Nothing in anybody's folder is changed but added to, in the own
one. Limits: TAKE_MAX files and folders at once; an empty folder is not looked at, so more of them
than the index knows may come; nothing outlives a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from potluck.core.content.facts import NO_ROOM, OF_THE_DISK, PlaceRow, Spot
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import Root, piece_size_for
from potluck.core.errors import DiskTrouble, NotFound, Refused, UnsafePath, UsageError
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import set_off, typable
from potluck.engine.effects import Import, ListedFile, Reply
from potluck.engine.events import Imported, OrderId
from potluck.engine.index.listings import Span
from potluck.engine.node import Node
from potluck.engine.own.imports import LEAVING, NOT_IN_PLACE, START_AGAIN, WAS_ENDED
from potluck.engine.own.restored import LINES
from potluck.engine.person_acts import TakeAsked

TAKE_MAX: Final = 20_000
"""Files and folders: to list more would keep the loop too long."""
LACKING_SHOWN: Final = 1000  # of what is not here so many are counted


@dataclass(frozen=True, slots=True)
class Taken:
    """One copy that is being made."""

    act: TakeAsked
    path: str  # below Shared/
    lacking: int  # of it, here


class Taking:
    """Copies that are being made."""

    def __init__(self, node: Node) -> None:
        """Copy nothing yet."""
        self._node = node
        self._asked: dict[OrderId, Taken] = {}

    def __repr__(self) -> str:
        """Return how many are under way."""
        return f"<Taking: {len(self._asked)} under way>"

    def begin(self, act: TakeAsked) -> None:
        """A person wants a copy of that; raises PotluckError."""
        node = self._node
        if not node.share_present:
            raise Refused("The share is offline: nothing was copied.", NOT_IN_PLACE, "status")
        into = self._into(act.into)
        path = _parsed(act.path, "ls")
        name = node.layout.manifest_at(path)
        if name == node.own_manifest:
            raise Refused(
                f"{set_off(str(path))} is in the folder of this device already.",
                "`take` copies what somebody else shares",
                "ls",
            )
        if name is None:
            raise _unknown(path)
        spot = node.layout.spot_at(path)
        inner = spot.path if spot is not None else b""
        top = [node.index.places.get(name, inner)] if inner else []
        rows = [row for row in top if row is not None]
        rows += node.index.places.under(name, inner, TAKE_MAX + 1)
        lacking = self._lacking(Spot(name, inner))
        self._check(path, rows, lacking)
        order = node.number()
        listed = tuple(self._listed(Spot(name, row.path), row) for row in rows if _is_file(row))
        self._asked[order] = Taken(act, str(path), lacking)
        whole = f"{node.settings.folder}/Shared/{path}"
        node.do(Import(order, (whole,), "reflink", into, listed))

    def _into(self, text: str) -> SafePath:
        """Return where in the own folder it comes; raises UsageError."""
        top = self._node.layout.top_of(self._node.own_manifest)
        inner = text.strip("/")
        return top.joined(_parsed(inner, "take PATH TO")) if inner else top

    def _lacking(self, spot: Spot) -> int:
        """Return how much at and below a path is not here as its owner shares it, or the most."""
        index, (name, inner) = self._node.index, spot
        prefix = inner + b"/" if inner else b""
        after = [one.path for one, _ in index.needs.lacking_after(name, prefix, LACKING_SHOWN)]
        inside = sum(path.startswith(prefix) for path in after)
        found = index.listings.page(name, Span.of(inner), 1) if inner else []
        return inside + sum(one.lacking for one in found)

    def _check(self, path: SafePath, rows: list[PlaceRow], lacking: int) -> None:
        """Find out that there is something to copy, and not too much of it; raises."""
        if len(rows) > TAKE_MAX:
            raise Refused(
                f"{set_off(str(path))} has more than {TAKE_MAX:,} files and folders.",
                "so many are not copied at once: copy the folders in it, one after the other",
                f"ls {typable(str(path), '')}".rstrip(),
            )
        if not rows and lacking:
            raise Refused(
                f"Nothing of {set_off(str(path))} is here yet.",
                "only what is here can be copied",
                f"why {typable(str(path), '')}".rstrip(),
            )
        if not rows:
            raise _unknown(path)

    def _listed(self, spot: Spot, row: PlaceRow) -> ListedFile:
        """Return what the index knows of a file that stands here."""
        node, record = self._node, self._node.index.manifests.get(*spot)
        size = piece_size_for(row.size)
        if record is not None and record.root == row.root:
            size = record.piece_size
        path = f"{node.settings.folder}/Shared/{node.layout.path_of(spot)}"
        return ListedFile(path, Root(row.root), size)

    # -- what came of it ---------------------------------------------------------------------------
    def on_imported(self, event: Imported) -> None:
        """An import ended, perhaps one of ours."""
        taken = self._asked.pop(event.order, None)
        if taken is not None:
            self._node.do(self._reply(taken, event))

    def _reply(self, taken: Taken, event: Imported) -> Reply:
        label, path, instead = self._node.own_label, set_off(taken.path), dict(event.instead)
        lines = list[str]()
        for name in event.added:
            line = f"copied {path} as {set_off(f'{label}/{name}')}"
            lines.append(f"{line}: its own name is taken there" if name in instead else line)
        for _, name in event.already:
            lines.append(f"{path} is there already, as {set_off(f'{label}/{name}')}")
        if taken.lacking and not event.failed:
            lines.append(f"not copied: {_amount(taken.lacking)} of it, not here as shared now")
        top = f"{self._node.settings.folder}/Shared/"
        failed = [f"not copied: {one.removeprefix(top)} ({why})" for one, why in event.failed]
        lines += failed[:LINES]
        if len(failed) > LINES:
            lines.append(f"… and {len(failed) - LINES:,} more")
        reasons = {reason for _, reason in event.failed}
        code = DiskTrouble.code if reasons & OF_THE_DISK else ""
        fix = "make room on this disk, then try again" if reasons & NO_ROOM else ""
        cause, lacks = "", taken.lacking and not failed
        if lacks:
            code, cause = Refused.code, "only what is here as it is shared now can be copied"
            fix = f"why {typable(taken.path, '')}".rstrip()
        ok = not failed and not lacks
        return Reply(taken.act.command, ok, "\n".join(lines), code, cause, fix)

    def on_leaving(self) -> None:
        """The device leaves: nobody will hear how these went."""
        for taken in self._asked.values():
            fix = f"{START_AGAIN}\ntake {typable(taken.path, 'PATH')}"
            reply = Reply(taken.act.command, ok=False, text=LEAVING, cause=WAS_ENDED, fix=fix)
            self._node.do(reply)
        self._asked.clear()


def _is_file(row: PlaceRow) -> bool:
    return row.kind is Kind.FILE


def _amount(count: int) -> str:
    more = "at least " if count >= LACKING_SHOWN else ""
    return f"{more}{count:,} {'file or folder' if count == 1 else 'files and folders'}"


def _parsed(text: str, command: str) -> SafePath:
    """Return the path that a person means; raises UsageError."""
    try:
        return parse_wire_path(text.strip("/").encode(errors="replace"))
    except UnsafePath as error:
        raise UsageError(
            f"{set_off(text)} is no path of the share.", error.cause, command
        ) from error


def _unknown(path: SafePath) -> NotFound:
    return NotFound(
        f"Nothing of {set_off(str(path))} is known here.",
        "the name was mistyped, or its owner shares it no more",
        "ls",
    )
