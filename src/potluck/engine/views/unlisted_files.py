"""Unlisted files: what is known of one that stands here and that its owner's list does not name.

Strategy: its owner went on without it, and it is kept, or it is in the own folder and was not told
to the others yet (engine/own/untold_paths.py); so only what stands on this disk is known.
Guarantees: nothing is said of other copies, and it is not called safe to remove. Limits: what is in
such a folder is not summed up.
"""

from __future__ import annotations

from typing import Final

from potluck.core.content.facts import PlaceRow, amount_of
from potluck.core.wire.catalogue import Kind
from potluck.engine.node import legible
from potluck.engine.views.asked_path import AskedPath
from potluck.engine.views.path_values import ROOT_DIGITS, InfoView
from potluck.engine.views.reasons import WhyParts

UNLISTED: Final = "its owner's list does not name it, so nothing is known of other copies"
ONLY_MINE: Final = "it is not shared yet, so nobody else is known to have it"


def unlisted_info(parts: WhyParts, asked: AskedPath, row: PlaceRow, untold: str = "") -> InfoView:
    """Return what is known of it; `untold`: it is mine, and why it is in no list yet."""
    node, is_file, amount = parts.node, row.kind is Kind.FILE, amount_of(row)
    roster, here = node.roster, node.share_present
    owner = node.label_of(asked.name.owner) if asked.name is not None else ""
    mtime_ns = row.mtime_ns if is_file else None
    devices = len(roster.members) if roster is not None else 1
    return InfoView(
        path=legible(asked.text),
        known=True,
        kind=row.kind.value,
        owner=owner,
        mine=bool(untold),
        files=amount.files,
        size=row.size,
        mtime_ns=mtime_ns,
        root=row.root.hex()[:ROOT_DIGITS],
        here=here,
        stands=here or None,
        on=int(here),
        devices=devices,
        safe_why=ONLY_MINE if untold else UNLISTED,
        untold=untold,
    )
