"""A signed head of an empty folder, by any device of a test, in any run."""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import sign_head
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import Head
from tests.engine.builders import key


def signed_head(number: int, *, generation: int = 1, seq: int = 1, run: bytes = b"another") -> Head:
    """What that device signed of its own folder."""
    who = key(number)
    return sign_head(Head(*ManifestName.own(who.device), generation, seq, 0, EMPTY_ROOT, run), who)
