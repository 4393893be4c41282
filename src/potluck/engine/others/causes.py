"""Causes: what keeps paths from being placed, told once for each cause and not once a path.

Strategy: paths that fail for one reason of the disk (another one is mounted there, it is full, it
is read-only, …) are one trouble for each owner's folder, paths in one folder where this user may
not write are one, and whatever a path has for itself is its own. A trouble is called by the first
of its paths and says how many more there are; what is typed against it is what helps that one.

Guarantees: a path is in one trouble at most; the trouble lasts as long as one of its paths. It is
said to last since the path it is called by failed, for whatever reason at first. It costs as much
for the hundred-thousandth path as for the first. Limits: that two paths fail for one reason need
not mean that one thing is behind both, two disks may be mounted; then what is left shows when the
first is well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from potluck.core.content.facts import Hindrance, ManifestName, Spot
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

ONE_FOR_ALL = frozenset({
    Hindrance.SPACE, Hindrance.QUOTA, Hindrance.INODES, Hindrance.READ_ONLY,
    Hindrance.DESCRIPTORS, Hindrance.OTHER_DISK, Hindrance.IO, Hindrance.AWAY,
})  # fmt: skip
ONE_IN_FOLDER = frozenset({Hindrance.DENIED})

CauseKey = tuple[ManifestName, bytes, str]
"""Whose folder; which path, or what it is in, or b"" for all of it; the detail of what failed."""


@dataclass(frozen=True, slots=True)
class Failing:
    """One path that could not be placed."""

    path: str  # below Shared/
    detail: str  # a Hindrance, or other words
    reason: str  # for people
    command: str
    due_s: float | None  # when it is tried again
    group: bytes | None = None  # a path: what fails for the same reason at and below it is one


@dataclass(slots=True)
class _Shared:
    """What several paths fail for."""

    next_s: float | None = None
    paths: dict[Spot, tuple[Failing, float]] = field(default_factory=dict)  # and since when
    gone: int = 0  # paths that were taken out since `paths` was made anew
    subject: str = ""  # in the register


class Causes:
    """Everything that keeps a path from being placed, in the register."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._keys: dict[Spot, CauseKey] = {}
        self._causes: dict[CauseKey, _Shared] = {}

    def __repr__(self) -> str:
        """Return how many paths fail, and for how many causes."""
        return f"<Causes: {len(self._keys)} paths, {len(self._causes)} causes>"

    def note(self, spot: Spot, failing: Failing) -> bool:
        """A path failed, perhaps once more or for another reason; return whether none did so."""
        now, key = self._node.now, _key_of(spot, failing)
        before, since_s = self._keys.get(spot), now
        if before is not None:
            _, since_s = self._causes[before].paths[spot]
            if before != key:
                self.clear(spot)
        self._keys[spot], is_new = key, key not in self._causes
        cause = self._causes.setdefault(key, _Shared())
        cause.paths[spot] = failing, since_s
        if cause.next_s is None or cause.next_s <= now:
            cause.next_s = failing.due_s
        elif failing.due_s is not None:
            cause.next_s = min(cause.next_s, failing.due_s)
        self._register(cause)
        return is_new

    def of(self, spot: Spot) -> tuple[Failing, float] | None:
        """Return what a path fails for, and since when; None if nothing is known."""
        key = self._keys.get(spot)
        return None if key is None else self._causes[key].paths[spot]

    def spots(self) -> Iterable[Spot]:
        """Return every path that fails."""
        return self._keys.keys()

    def clear(self, spot: Spot) -> None:
        """A path is well, or something else is wanted there."""
        key = self._keys.pop(spot, None)
        if key is None:
            return
        cause = self._causes[key]
        del cause.paths[spot]
        cause.gone += 1
        if cause.gone > len(cause.paths):  # else the first is sought among ever more that are gone
            cause.paths, cause.gone = dict(cause.paths), 0
        if cause.paths:
            self._register(cause)
        else:
            del self._causes[key]
            self._node.troubles.clear(TroubleKind.BLOCKED, cause.subject)

    def _register(self, cause: _Shared) -> None:
        """Have `status` tell it."""
        (first, since_s), more = next(iter(cause.paths.values())), len(cause.paths) - 1
        subject = f"{first.path} and {more:,} more" if more else first.path
        troubles, kind = self._node.troubles, TroubleKind.BLOCKED
        if subject != cause.subject:
            troubles.clear(kind, cause.subject)
        cause.subject = subject
        troubles.note(Trouble(kind, subject, first.reason, first.command, since_s, cause.next_s))


def _key_of(spot: Spot, failing: Failing) -> CauseKey:
    (manifest, path), detail = spot, failing.detail
    if failing.group is not None:
        return manifest, failing.group, detail
    if detail in ONE_FOR_ALL:
        return manifest, b"", detail
    if detail in ONE_IN_FOLDER:
        return manifest, path.rpartition(b"/")[0], detail
    return manifest, path, ""
