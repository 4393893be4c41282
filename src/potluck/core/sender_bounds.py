"""Sender bounds: how much of what waits came from whom, so that no sender crowds out others.

Strategy: whatever is kept because somebody sent it is noted here under a key, with its sender. A
sender that has its share already makes room itself, by its oldest; when all is full the sender with
the most does. The values stay with whoever keeps them; this only says which key has to go.

Guarantees: no sender ever has more than its share, all together never more than fits, and a sender
with nothing here is never turned away because of what others sent. Limits: who can speak in many
names has many shares; what a name costs is for whoever gives names to say (a link of its own, an
address that answers, an admission).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class SenderBounds(Generic[K]):
    """Keys in the order in which they came, by sender."""

    def __init__(self, each: int, in_all: int) -> None:
        """Leave room for so many of each sender, and for so many in all."""
        self._each: Final = each
        self._in_all: Final = in_all
        self._sender_of: dict[K, Hashable] = {}
        self._keys_of: dict[Hashable, dict[K, None]] = {}  # a set that knows its order

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._sender_of)

    def __repr__(self) -> str:
        """Say how much there is of how many senders."""
        return f"<SenderBounds {len(self)}/{self._in_all} of {len(self._keys_of)} senders>"

    def note(self, key: K, sender: Hashable) -> K | None:
        """Take a key in, unless it is here; return the one that has to go for it, if one has to."""
        if key in self._sender_of:
            return None
        crowd, gone = self._keys_of.get(sender, {}), None
        if len(crowd) < self._each and len(self) >= self._in_all:
            crowd = max(self._keys_of.values(), key=len)
        if len(crowd) >= self._each or len(self) >= self._in_all:
            gone = next(iter(crowd))
            self.forget(gone)
        self._sender_of[key] = sender
        self._keys_of.setdefault(sender, {})[key] = None
        return gone

    def forget(self, key: K) -> None:
        """That is not kept any more, if it ever was."""
        if key not in self._sender_of:
            return
        sender = self._sender_of.pop(key)
        keys = self._keys_of[sender]
        del keys[key]
        if not keys:
            del self._keys_of[sender]

    def clear(self) -> None:
        """Nothing is kept any more."""
        self._sender_of.clear()
        self._keys_of.clear()
