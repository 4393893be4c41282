"""Reasons: why something is not in sync, one word and one sentence for each state that waits.

Strategy: a reason is found by a function that looks at the parts and yields what it sees of the
path that is asked about; such functions stand in tables (why_here.py, why_lists.py, why_lacking.py,
why_own.py), so that a new reason is one entry. Equal reasons of several paths are told once, with
how many.

Guarantees: nothing is changed by asking. Limits: a list is bounded; what is beyond is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from potluck.engine.node import Node, legible
from potluck.engine.others.answers import Answers
from potluck.engine.others.commits import Commits
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.following import Following
from potluck.engine.others.progress import Progress
from potluck.engine.others.receiving import Receiving
from potluck.engine.others.replica_check import ReplicaCheck
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.publishing import Publishing
from potluck.engine.views.neighbourhood import Neighbourhood
from potluck.engine.views.path_values import ReasonView
from potluck.engine.views.picture import Picture

REASONS_MAX: Final = 100  # that are told; more help nobody


class ReasonKind(StrEnum):
    """What keeps something from being in sync; the names are the local API's."""

    GROUP = "group"  # this device is not let in yet
    OFFLINE = "share_offline"
    TROUBLE = "trouble"  # as the register has it
    UNSEEN = "not_looked_at"
    READING = "being_read"
    UNTOLD = "not_told_yet"  # read, and in no list yet
    LIST = "list_coming"
    LIST_WAITS = "list_waits"
    OWNER_AWAY = "owner_away"
    REMOVED = "owner_removed"
    FROZEN = "owner_stopped"
    ABSENT = "looked_for_again"
    HELD = "kept"
    SKIPPED = "skipped"
    HIDDEN = "hidden"  # by another disk that is mounted there
    BLOCKED = "in_the_way"
    NO_ROOM = "no_room"
    PLACING = "being_placed"
    COMING = "downloading"
    REFUSED = "asked_in_vain"
    QUEUED = "waits_for_its_turn"
    RECEIVER_LACKS = "receiver_lacks"
    RECEIVER_SILENT = "receiver_not_known"
    RECEIVER_SKIPS = "receiver_skips"
    RECEIVER_AWAY = "receiver_away"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something waits."""

    kind: ReasonKind
    path: str  # below Shared/, "" for all of it
    text: str
    since_s: float | None = None  # in the engine's time
    next_s: float | None = None  # the same: when it is tried again
    command: str = ""
    wrong: bool = False  # a person has to see to it
    open: bool = True  # False: to know, nothing is waited for
    more: int = 0  # paths that it is about beside that one


class WhyParts(NamedTuple):
    """What is looked at."""

    node: Node
    picture: Picture
    neighbourhood: Neighbourhood
    own_folder: OwnFolder
    publishing: Publishing
    following: Following
    downloads: Downloads
    receiving: Receiving
    commits: Commits
    progress: Progress
    replica_check: ReplicaCheck
    answers: Answers


def gathered(reasons: Iterable[Reason]) -> list[Reason]:
    """Return reasons, those that several paths share once, with how many; the first path counts."""
    found = dict[tuple[ReasonKind, str, str], Reason]()
    for one in reasons:
        key = (one.kind, one.text, one.command)
        before = found.get(key)
        if before is None:
            found[key] = one
        elif one.path != before.path:
            times = [time for time in (before.next_s, one.next_s) if time is not None]
            more = before.more + one.more + 1
            found[key] = replace(before, more=more, next_s=min(times, default=None))
    return list(found.values())


def reason_view(one: Reason, now: float) -> ReasonView:
    """Return a reason as faces are shown it."""
    since_s = None if one.since_s is None else max(0.0, now - one.since_s)
    next_s = None if one.next_s is None else max(0.0, one.next_s - now)
    return ReasonView(
        kind=one.kind.value,
        path=legible(one.path),
        more=one.more,
        text=legible(one.text),
        since_s=since_s,
        next_s=next_s,
        command=one.command,
        open=one.open,
    )
