"""The key ring: the group keys that a device has, and which of them is for what.

Strategy: the roster says by their ids which keys are valid (core/group/removals.py); without any
removal it is the first one, of the genesis record. A valid key seals and opens everything. Others
that are known open nothing but a hint: somebody who was away while another was removed calls under
an older key, and has to be found.

Guarantees: pure; at most limits.GROUP_KEYS are kept, the oldest that is not valid goes first. A key
that the roster does not name is not learned. Limits: where no valid key is known, the newest known
one seals, which a removed device may have; it is good for a call and no more.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core import limits
from potluck.core.group.statements import key_id


class KeyRing:
    """Group keys by their ids, in the order in which they were learned."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        """Know these."""
        self._known = {key_id(key): key for key in keys}

    def __repr__(self) -> str:
        return f"<KeyRing {len(self._known)} keys>"

    @property
    def keys(self) -> list[bytes]:
        """All keys that were learned, the first of the group not among them."""
        return list(self._known.values())

    def learn(self, key: bytes, named: Iterable[bytes]) -> bool:
        """Keep a key if it is among those named, and say whether it is new."""
        valid, known = set(named), key_id(key)
        if known not in valid or known in self._known:
            return False
        self._known[known] = key
        for old in [each for each in self._known if each not in valid]:
            if len(self._known) <= limits.GROUP_KEYS:
                break
            del self._known[old]
        return True

    def lacking(self, valid: Iterable[bytes]) -> list[bytes]:
        """Return the ids of valid keys that are not known."""
        return [each for each in valid if each not in self._known]

    def valid(self, first: bytes, valid: Iterable[bytes]) -> list[bytes]:
        """Return the keys known that are valid; `first` is if no other is."""
        ids = list(valid)
        return [self._known[each] for each in ids if each in self._known] if ids else [first]

    def older(self, first: bytes, valid: Iterable[bytes]) -> list[bytes]:
        """Return the keys known that were valid once, the newest first."""
        now = self.valid(first, valid)
        return [key for key in [*reversed(self.keys), first] if key not in now]

    def sealing(self, first: bytes, valid: Iterable[bytes]) -> bytes:
        """Return the key to seal with."""
        ids = list(valid)
        return [*self.valid(first, ids), *self.older(first, ids)][0]
