"""Withheld owners: whose heads are not followed here, since two machines speak for that device.

Strategy: one number for each such owner, the highest generation that was heard of its folder when
two were seen (engine/others/doubled_owners.py). A head counts again if its generation is far above
that: only a person's decision goes so far (`DECIDED_GENERATIONS`), while a device that merely lost
its memory goes up by one, at most every ten seconds (engine/own/publishing.py). Half of the step is
enough, since whoever decides may have heard of fewer generations than we have.

Guarantees: what is withheld is in the index, so a restart of this device frees nothing; every path
on which a head comes is asked here (engine/others/frozen_heads.py). Limits: state only; who is
withheld, and how people hear of it, is decided elsewhere.
"""

from __future__ import annotations

from typing import Protocol

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder, Head

DECIDED_GENERATIONS = 1 << 16  # a decision goes up by so many; single steps took a week for that
DECIDED_LEAST = DECIDED_GENERATIONS // 2  # so far above is a decision, whatever was heard where
KEEP_HERE = "clone keep-here"  # commands of ours, by which a person decides
NEW_IDENTITY = "clone new-identity"
ENDS_THEN = "ends when it hears of that, and begins as a new device at its next start"
"""The machine that is not kept; `NEW_IDENTITY` typed there is no decision for this one."""
_WITHHELD = "withheld "  # in the index, before the device in hexadecimal letters
_GENERATION_BYTES = 8


class KeptByName(Protocol):
    """Where single values are kept by name: the index."""

    def set(self, key: str, value: bytes) -> None:
        """Put the value of a key."""

    def remove(self, key: str) -> None:
        """Have no value for a key."""

    def beginning_with(self, prefix: str) -> dict[str, bytes]:
        """Return the values whose keys begin so, by what follows in the key."""


class WithheldOwners:
    """Whose heads are not followed, and up to which generation."""

    def __init__(self, kept: KeptByName) -> None:
        """Know what an earlier run withheld."""
        self._kept = kept
        self._generations = {
            DeviceId(bytes.fromhex(owner)): int.from_bytes(value)
            for owner, value in kept.beginning_with(_WITHHELD).items()
        }

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<WithheldOwners: {len(self._generations)}>"

    def __contains__(self, owner: DeviceId) -> bool:
        """Say whether heads of that device are withheld."""
        return owner in self._generations

    def owners(self) -> list[DeviceId]:
        """Return whose heads are withheld, in a fixed order."""
        return sorted(self._generations)

    def begin(self, owner: DeviceId, generation: int) -> None:
        """Withhold the heads of that device; `generation` is the highest that was heard of it."""
        self._generations[owner] = generation
        self._kept.set(_WITHHELD + owner.hex(), generation.to_bytes(_GENERATION_BYTES))

    def end(self, owner: DeviceId) -> None:
        """Follow that device again."""
        self._generations.pop(owner, None)
        self._kept.remove(_WITHHELD + owner.hex())

    def withholds(self, head: Head) -> bool:
        """Say whether a head is not to be followed."""
        generation = self._generations.get(DeviceId(head.owner))
        if generation is None or head.folder is not Folder.OWN:
            return False
        return not is_decision(head.generation, generation)


def is_decision(generation: int, before: int) -> bool:
    """Say whether a generation is so far above another one that a person decided it."""
    return generation >= before + DECIDED_LEAST
