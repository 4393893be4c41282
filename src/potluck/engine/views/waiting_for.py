"""Waiting for: what a lonely device beside another group waits for, and what a person types.

Strategy: one sentence for `status`, `why` and the live view, from what is known of the groups near
by (neighbourhood.py). Where exactly one group is there to be asked, the command that asks it stands
beside the sentence; else `peers`, which says what can be done about each. Guarantees: pure; no
conversation is promised where none can follow: of a group that is only heard it is said that nobody
there answers, and where none of those near by can be talked to (another version, a removed key)
that is a trouble and no wait. Limits: what became of a request is told of one group, the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from potluck.core.wording import typable
from potluck.engine.group.request_ends import Bar
from potluck.engine.views.values import FoundView

UNANSWERED = "a group is near and none of its devices answers"
LOST = "a group was near a moment ago and is looked for again"
NO_MEMBER = "a group is near and this device is not a member of it"

_MENDED = {Bar.VERSION, Bar.REMOVED}  # by a person, and not by waiting


class WaitingFor(NamedTuple):
    """What is waited for."""

    words: str
    command: str
    wrong: bool = False  # there is nothing to wait for: a person has to mend something


def waiting_for(found: Sequence[FoundView], *, heard: bool) -> WaitingFor:
    """Return what a device waits for near which these groups answer; `heard`: one does not."""
    if not found:
        return WaitingFor(UNANSWERED if heard else LOST, "peers")
    if all(one.bar in _MENDED for one in found):
        first = found[0]
        return WaitingFor(f"{first.name or first.address}: {first.ended}", "peers", wrong=True)
    ended = next((f"; the last request is over: {one.ended}" for one in found if one.ended), "")
    return WaitingFor(NO_MEMBER + ended, _asking(found))


def _asking(found: Sequence[FoundView]) -> str:
    if len(found) > 1 or found[0].bar:
        return "peers"
    return f"approve {typable(found[0].name, found[0].address)}"
