"""Group names: how groups near by are called, as they said when they were asked.

Strategy: a closed door says nothing of itself in clear; its name, and that of the device behind it,
come in the conversation and are kept here by its tag, so that a person knows it again. Each of a
group's devices answers for it: the label is told of the address where it was said, and of no other.
Guarantees: bounded; the oldest goes. Limits: what strangers call themselves proves nothing.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.group.asking_turns import GroupTag
from potluck.core.group.founding import FoundGroup
from potluck.core.wire.catalogue import Address


class GroupNames:
    """Names of groups, and of the devices that answered for them."""

    def __init__(self) -> None:
        """Know none."""
        # the name, who said it, and where that is
        self._names: dict[GroupTag, tuple[str, str, Address]] = {}

    def __repr__(self) -> str:
        """Say how many are known."""
        return f"<GroupNames {len(self._names)}>"

    def note(self, found: FoundGroup, name: str, label: str) -> None:
        """The group that was asked says how it is called, and who answers for it there."""
        self._names.pop(found.tag, None)
        self._names[found.tag] = name, label, found.address
        while len(self._names) > limits.OFFERS:
            del self._names[next(iter(self._names))]

    def of(self, found: FoundGroup) -> tuple[str, str]:
        """Return how a group is called, and who answers for it at its address; "" if unknown."""
        known = self._names.get(found.tag)
        if known is None:
            return found.name, found.label
        name, label, address = known
        return name, label if address == found.address else found.label
