"""What the tests of all shells share.

Strategy: a stranger has a second for its knock and five for its handshake, which a busy machine may
take away from both ends. So here they have a minute; a test of what happens when the time is over
shortens it itself.
"""

from __future__ import annotations

import pytest

from potluck.core import limits

PATIENT_S = 60.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is too slow for the door."""
    monkeypatch.setattr(limits, "KNOCK_S", PATIENT_S)
    monkeypatch.setattr(limits, "HANDSHAKE_S", PATIENT_S)
