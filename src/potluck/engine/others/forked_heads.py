"""Forked heads: a newer head of an owner that does not continue the state that is held here.

Strategy (docs/protocol.md §6): an owner that was restored from an old backup, or lost its memory,
goes on from an earlier state than the others hold. Its heads name the runs that they continue
(core/content/manifest.py). One that does not lead on from what is held is not followed: that stays
and is announced as ever, so its owner hears of it, merges both (engine/own/lost_state.py), and its
next head continues both. Only a person's decision (engine/withheld.py) goes on without.

Guarantees: no file is deleted or replaced here by an owner that has not had the state that is held.
Until it is over the manifest is not in sync, and nothing follows from what others say of theirs:
two states may bear one number. Limits: what such an owner shares anew does not come here until it
has met somebody who holds the other state; people are told so once.
"""

from __future__ import annotations

from potluck.core.content.manifest import continues, newer
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Head
from potluck.core.wording import set_off
from potluck.engine.node import Node, tell_trouble
from potluck.engine.others.pursuit import Pursuit
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.withheld import is_decision


def follows(head: Head, held: Head | None) -> bool:
    """Say whether a member's head leads on from the state that is held."""
    if held is None or not newer(head, held):
        return held is None
    return continues(head, held) or is_decision(head.generation, held.generation)


def follows_by_itself(head: Head, held: Head | None) -> bool:
    """Say whether a head leads on from that state without a person's decision: then what it lacks
    was removed.
    """
    decided = held is not None and is_decision(head.generation, held.generation)
    return continues(head, held) and not decided


def is_forked(head: Head, held: Head | None) -> bool:
    """Say whether a head of another life of its owner is newer, or as new."""
    if held is None or newer(held, head) or head == held:
        return False
    return head.instance != held.instance and not follows(head, held)


def tell(node: Node, pursuit: Pursuit) -> None:
    """An owner goes on from another state than the one that is held."""
    label = node.label_of(pursuit.name.owner)
    if pursuit.forked != label:
        clear(node, pursuit)
    pursuit.forked = label
    reason = (
        "it goes on from an older state of its folder than the one that is held here (it was "
        f"perhaps restored from a backup), so what is here stays, until {set_off(label)} has met "
        "this device and merged both"
    )
    trouble = Trouble(TroubleKind.FORKED, label, reason, "", node.now, None)
    tell_trouble(node, trouble, "folder_forked", level="warning")


def on_told(node: Node, pursuit: Pursuit, device: DeviceId, *, is_held: bool) -> None:
    """A device announced a head, perhaps the one that is held: its owner may be where it was."""
    if is_held and device == pursuit.name.owner:
        clear(node, pursuit)


def clear(node: Node, pursuit: Pursuit) -> None:
    """The owner goes on from what is held, or nothing that it says counts any more."""
    if pursuit.forked:
        node.troubles.clear(TroubleKind.FORKED, pursuit.forked)
        pursuit.forked = ""
