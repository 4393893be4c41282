"""Chance: where the core's randomness comes from.

Strategy: nothing here draws a number by itself. Whoever needs chance is given a `Chance` at
construction: the operating system's in a real run, a seeded one in tests and in the simulation, so
that a seed repeats a run. Limits: what must be unguessable (keys, nonces) comes from `bytes` and
nowhere else; `uniform` only decides who goes first.
"""

from __future__ import annotations

from typing import Protocol

# `uniform` may return its upper end: this much below a count, the whole part is a valid index.
_BELOW = 1e-9


class Chance(Protocol):
    """Where randomness comes from; seeded in tests."""

    def bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""

    def uniform(self, low: float, high: float) -> float:
        """Return a number between `low` and `high`."""


def draw_index(chance: Chance, count: int) -> int:
    """Return a whole number from 0 to `count` - 1, each equally likely; `count` is at least 1."""
    return int(chance.uniform(0, count - _BELOW))
