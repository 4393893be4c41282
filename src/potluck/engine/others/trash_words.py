"""Trash words: what people are told of what goes to the trash of this device.

Guarantees: a number of days is named only where the trash keeps what it has for so long. Limits:
what goes early later on is told then (disk_room.py).
"""

from __future__ import annotations

from typing import Final

from potluck.core import limits
from potluck.core.content.facts import Amount
from potluck.core.wording import of_amount, set_off
from potluck.engine.node import Node
from potluck.engine.others.disk_room import lacks_room

TRASH_DAYS: Final = round(limits.TRASH_S / 86_400)  # the age at which the trash lets a file go


def goes_to_trash(node: Node, amount: Amount) -> str:
    """Say of so much, in bytes, where it goes; folders alone just go.

    What a person edited here of somebody else's folder is put aside, and not known by number.
    """
    goes = "goes" if amount.files + amount.folders == 1 else "go"
    if not amount.files:
        return f"{of_amount(*amount)} {goes}"
    days = "" if lacks_room(node) else f", for {TRASH_DAYS} days"
    trash = set_off(f"{node.settings.folder}/.potluck/trash")
    aside = f" (what was edited here: to {set_off('Put aside')})"
    return f"{of_amount(*amount)} {goes} to {trash}{days}{aside}"
