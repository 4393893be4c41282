"""Owner faults: what owners and sources of manifests did that is no way to share, told by name.

Strategy: one method for each fault, from names and numbers to one sentence; what lasts stands in
the register (engine/troubles.py) until it is over. What somebody can do again and again is told
once in a run, or for each of its causes.

Guarantees: only the owner, or the source, that did it is named; nothing here changes what is
followed. Limits: words only; engine/others/following.py says when.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Head
from potluck.core.wording import TO_TYPE_THERE, of_size, set_off
from potluck.engine.node import Node, tell_trouble
from potluck.engine.others.pursuit import Pursuit
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.withheld import KEEP_HERE


class OwnerFaults:
    """Tells what is wrong with manifests of others."""

    def __init__(self, node: Node) -> None:
        """Nobody did anything wrong yet."""
        self._node = node
        self._beyond: set[DeviceId] = set()  # sources that said more than was signed
        self._restless: set[DeviceId] = set()  # owners whose heads moved on and on

    def __repr__(self) -> str:
        """Return how many sources said more than an owner signed."""
        return f"<OwnerFaults: {len(self._beyond)} sources>"

    def tell_frozen(self, pursuit: Pursuit) -> None:
        """An owner signed two heads of one number; it may do so without end."""
        node, label = self._node, self._node.label_of(pursuit.name.owner)
        text = f"{label} told two different things under one number: its folder is frozen here"
        if pursuit.frosts == 1:  # then the trouble says it
            node.tell("folder_frozen", text, level="error", subject=label)
        reason = (
            "it told two different things under one number, so neither is believed; to have its"
            f" folder followed again, on {set_off(label)} {TO_TYPE_THERE}{KEEP_HERE}"
        )
        node.troubles.note(Trouble(TroubleKind.FROZEN, label, reason, "", node.now, None))

    def tell_thawed(self, pursuit: Pursuit) -> None:
        """That owner began anew."""
        label = self._node.label_of(pursuit.name.owner)
        text = f"{label} began anew: its folder is followed again"
        if pursuit.frosts == 1:
            self._node.tell("folder_thawed", text, subject=label)
        self._node.troubles.clear(TroubleKind.FROZEN, label)

    def tell_unsafe(self, pursuit: Pursuit) -> None:
        """An owner names files unsafely: said once in a run."""
        if not pursuit.told_unsafe:
            pursuit.told_unsafe = True
            label = self._node.label_of(pursuit.name.owner)
            text = f"{label} names files unsafely"
            self._node.tell("manifest_refused", text, level="warning", subject=label)

    def tell_beyond(self, pursuit: Pursuit, source: DeviceId) -> None:
        """A source named more than an owner signed: said once in a run."""
        if source not in self._beyond:
            self._beyond.add(source)
            owner, label = self._node.label_of(pursuit.name.owner), self._node.label_of(source)
            text = f"{label} names more files in the folder of {owner} than {owner} signed"
            text += ": what it said is dropped"
            self._node.tell("manifest_refused", text, level="warning", subject=label)

    def tell_restless(self, pursuit: Pursuit, source: DeviceId) -> None:
        """An owner's heads moved on each time its pages came: said once in a run."""
        if pursuit.name.owner not in self._restless:
            self._restless.add(pursuit.name.owner)
            owner = self._node.label_of(pursuit.name.owner)
            text = (
                f"{owner} signed newer and newer states of its folder, each time before its pages "
            )
            text += f"had come from {self._node.label_of(source)}: it is asked less often"
            self._node.tell("manifest_refused", text, level="warning", subject=owner)

    def tell_too_large(self, head: Head) -> None:
        """An owner signed more than one owner may have."""
        label, reason = self._node.label_of(DeviceId(head.owner)), "the names of its files take"
        if head.count > limits.OWNER_RECORDS:
            reason = f"it has {head.count:,} files and folders, more than the"
            reason += f" {limits.OWNER_RECORDS:,} that are followed of one device"
        else:
            reason += f" more than the {of_size(limits.OWNER_PATH_BYTES)} there are for one device"
        reason += ": its folder stays as it is here, until it has fewer"
        trouble = Trouble(TroubleKind.TOO_LARGE, label, reason, "", self._node.now, None)
        tell_trouble(self._node, trouble, "folder_too_large", level="error")

    def clear_too_large(self, pursuit: Pursuit) -> None:
        """That owner has less now."""
        label = self._node.label_of(pursuit.name.owner)
        self._node.troubles.clear(TroubleKind.TOO_LARGE, label)
