"""Troubles: everything on this device that is not as it should be, for `status` to tell.

Strategy: one register for the whole engine. Whoever meets trouble notes it under its kind and what
it is about (a path, a device, a limit), with the reason, what a person can type, and when it is
tried next; whoever sees it gone clears it. Noting it again keeps since when it lasts. Nothing is
told here: a notice is a line that scrolls by, this is what stays until it is over.

Guarantees: at most `KIND_MAX` of one kind are kept with their reasons, the others are counted, so
that each of 100,000 bad names costs a hash and no more. Limits: nothing survives a restart; whoever
noted it meets it again. Two subjects with one hash of 64 bits, made with a key of this run, would
be counted as one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

KIND_MAX = 200  # as many as a list in a view may be long; more help nobody


class TroubleKind(Enum):
    """What kind of thing is wrong; the order is that in which people are told."""

    OFFLINE = "the share is offline"  # its marker is missing or another one
    INDEX = "the index cannot be written"
    SILENT = "a disk keeps potluck waiting"
    CLONE = "two machines run with one identity"
    DISK = "the disk is full or fails"
    KEPT = "an owner deleted or replaced very much: it stays here until a person confirms"
    UNREADABLE = "a folder or file of mine cannot be read"
    HELD = "held, not deleted"  # until a person says that they were meant
    OLDER = "files of mine with another content than is shared are here"
    COVERED = "another disk hides files, or took them along"  # what is mounted below Shared/
    UNWATCHED = "changes are found by scans only"  # no watches to be had
    RESTLESS = "a file of mine never holds still"
    IGNORE_FILE = "the list of what is not shared is not understood"
    REFUSED = "a name of mine cannot be shared"
    DAMAGED = "a file of mine is damaged on this disk"
    BLOCKED = "a file cannot be put in its place"
    FROZEN = "an owner contradicts itself"
    FORKED = "an owner goes on from an older state"
    TLS = "links cannot be prepared here"
    CERTIFICATE = "a device's certificate cannot be loaded here"
    TOO_LARGE = "an owner shares more than is followed"
    CODE = "the code of the start was given in vain"
    LINK = "a device cannot be reached"
    MISNAMED = "a folder has the former name of its device"
    STRAY = "something belongs to nobody"
    STRANGE = "files in the folder of another device are none of its own"
    LEFT_BEHIND = "an owner came back without files that stay here"
    LOST = "files of mine went before anybody else said to have them"
    WRITTEN = "a file of mine is still being written"


ASIDE = frozenset({
    TroubleKind.STRAY, TroubleKind.STRANGE, TroubleKind.LEFT_BEHIND, TroubleKind.LOST,
})  # fmt: skip
"""What is only to be known: nothing waits for it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong."""

    kind: TroubleKind
    subject: str  # what it is about: a path below Shared/, a device's label, a limit
    reason: str  # one sentence without the subject
    command: str  # what a person can type against it, "" if nothing helps but waiting
    since_s: float  # in the engine's time
    next_s: float | None  # when it is tried again, None if nobody knows

    @property
    def wrong(self) -> bool:
        """Whether somebody has to see to it: else it is a fact that hinders nothing else."""
        return self.kind not in ASIDE and self.kind is not TroubleKind.WRITTEN


class Troubles:
    """Everything that is wrong now."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._known: dict[TroubleKind, dict[str, Trouble]] = {}
        self._untold: dict[TroubleKind, set[int]] = {}  # hashes: a path may have 4,000 bytes

    def __repr__(self) -> str:
        """Return how much of what kind is wrong."""
        counts = ", ".join(f"{kind.name} {self.count(kind)}" for kind in self._known)
        return f"<Troubles: {counts or 'none'}>"

    def note(self, trouble: Trouble) -> bool:
        """Something is wrong, or still is; returns whether that is news (or its reason is)."""
        known = self._known.setdefault(trouble.kind, {})
        before = known.get(trouble.subject)
        if before is not None:
            known[trouble.subject] = replace(trouble, since_s=before.since_s)
            return before.reason != trouble.reason
        others = self._untold.setdefault(trouble.kind, set())
        fresh = hash(trouble.subject) not in others
        if len(known) < KIND_MAX:
            known[trouble.subject] = trouble
            others.discard(hash(trouble.subject))
        else:
            others.add(hash(trouble.subject))
        return fresh

    def clear(self, kind: TroubleKind, subject: str) -> None:
        """That is over, if it ever was."""
        self._known.get(kind, {}).pop(subject, None)
        self._untold.get(kind, set()).discard(hash(subject))
        if not self.count(kind):
            self.clear_kind(kind)

    def clear_kind(self, kind: TroubleKind) -> None:
        """Everything of this kind is over."""
        self._known.pop(kind, None)
        self._untold.pop(kind, None)

    def count(self, kind: TroubleKind) -> int:
        """Return how many of a kind there are."""
        return len(self._known.get(kind, {})) + len(self._untold.get(kind, ()))

    @property
    def total(self) -> int:
        """How many there are of all kinds."""
        return sum(self.count(kind) for kind in self._known)

    def of(self, kind: TroubleKind) -> list[Trouble]:
        """Return those of a kind whose reasons are kept, the oldest first."""
        return list(self._known.get(kind, {}).values())

    def all(self) -> list[Trouble]:
        """Return everything whose reason is kept, by kind, the oldest of each first."""
        kinds = [kind for kind in TroubleKind if kind in self._known] if self._known else []
        return [trouble for kind in kinds for trouble in self.of(kind)]
