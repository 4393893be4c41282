"""A decoder with a fault that only somebody finds who looks at coverage: each right byte is a step.

Strategy: blind mutation would have to guess three bytes at once. The fault is a plain KeyError,
which the decoder's own refusal does not cover. Limits: only tests/fuzz/test_guided.py uses it.
"""

from __future__ import annotations

from tests.fuzz import decoders
from tests.fuzz.decoders import Target

check = decoders.check


def _planted(data: bytes) -> None:
    # one step a line: each that is reached is news to who looks at coverage
    if data[0:1] != b"\xfe":
        raise ValueError(data)
    if data[1:2] != b"p":
        raise ValueError(data)
    if data[2:3] != b"\x07":
        raise ValueError(data)
    raise KeyError(data)


TARGETS = {"planted": Target("planted", _planted, (ValueError,), (b"......",))}
