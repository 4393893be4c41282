"""Waiting statements: those whose signer is not known as a member yet.

Strategy: a statement is kept by its hash until somebody vouches for its signer; `take` hands out,
all at once, those that can be judged now, so that whatever one of them leads to none stays behind.
Each sender has a share of the room (core/sender_bounds.py), and its oldest makes room for its
newest. Guarantees: nobody shuts out what others sent. Limits: nothing is judged here, not even the
signature, since no key is known; who speaks in many names has many shares.
"""

from __future__ import annotations

from collections.abc import Container

from potluck.core.sender_bounds import SenderBounds
from potluck.core.wire.catalogue import RosterRecord

WAITING_MAX = 1000  # in all: 4 MB at most
WAITING_EACH = 100  # of one sender: rosters are sent in an order in which few have to wait


class WaitingStatements:
    """What waits, and who sent it."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._records: dict[bytes, RosterRecord] = {}
        self._bounds = SenderBounds[bytes](WAITING_EACH, WAITING_MAX)

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._records)

    def __repr__(self) -> str:
        """Say how many wait."""
        return f"<WaitingStatements {len(self)}>"

    def add(self, known: bytes, record: RosterRecord, sender: bytes) -> None:
        """Let a statement wait; `sender` is the device that showed it, empty if it has no name."""
        gone = self._bounds.note(known, sender)
        if gone is not None:
            del self._records[gone]
        self._records[known] = record

    def is_ready(self, members: Container[bytes]) -> bool:
        """Say whether one of these signed one that waits."""
        return any(record.by in members for record in self._records.values())

    def take(self, members: Container[bytes]) -> list[tuple[bytes, RosterRecord]]:
        """Return those that one of these signed; they wait no longer."""
        ready = [(h, record) for h, record in self._records.items() if record.by in members]
        for known, _ in ready:
            del self._records[known]
            self._bounds.forget(known)
        return ready
