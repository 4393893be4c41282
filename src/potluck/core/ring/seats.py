"""Seats: which one a joiner gets, so that the same JOIN gets the same seat.

Strategy: a newcomer sits behind everybody, so its seat is one above the largest that is taken or
promised. A promise is kept until the joiner is seen in the ring, or for ten seconds. A node that
runs anew before anybody noticed that it was gone gets its old seat.

Guarantees: pure and bounded; a seat that a record cannot hold is never promised. Limits: two nodes
that admit at the same moment may promise the same seat; the ring then orders by device id.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import MemberRecord


class Seats:
    """The promises of one node to those who asked it for a seat."""

    def __init__(self) -> None:
        """Nobody has asked."""
        # joiner -> seat promised (0: none yet), when its first JOIN came
        self._asked: dict[DeviceId, tuple[int, float]] = {}

    def __repr__(self) -> str:
        return f"<Seats {len(self._asked)} joiners>"

    def promise(
        self, joiner: DeviceId, ring: Sequence[MemberRecord], now: float, *, admits: bool
    ) -> int:
        """Return the seat of a joiner, 0 if node 0 must be asked.

        `admits`: we are node 0. Anybody else becomes its deputy when the same node asks again half
        a second later.
        """
        self._asked = {
            d: (seat, s) for d, (seat, s) in self._asked.items() if now - s < limits.RESERVED_S
        }
        seat, asked_s = self._asked.get(joiner, (0, now))
        if seat == 0 and (admits or now - asked_s >= limits.DEPUTY_S):
            held = next((record.seat for record in ring if record.device == joiner), 0)
            seat = held or self.free(ring)
        self._asked[joiner] = (seat, asked_s)
        return seat

    def settle(self, device: DeviceId) -> None:
        """The ring knows that node now: its seat is taken or free, and need not be promised."""
        self._asked.pop(device, None)

    def free(self, ring: Sequence[MemberRecord]) -> int:
        """Return the seat behind all others."""
        taken = [record.seat for record in ring]
        promised = [seat for seat, _ in self._asked.values()]
        return min(1 + max([0, *taken, *promised]), limits.SEQ_MAX)
