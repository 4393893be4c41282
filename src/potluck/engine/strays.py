"""Strays: what stands directly in Shared/ and belongs to no device of the group.

Strategy: a folder there is shared if a member has its name as label; anything else is seen by
nobody, and whoever put it there should know. The top is looked at whenever the marker was checked,
after something was touched there, and when the group has other members. What is nobody's is kept
in the register, with the command that makes it this device's, and told once.

Guarantees: nothing is touched; what goes, or turns out to be a member's, is cleared. Looks are at
least `TOP_SETTLE_S` apart, whatever writes there, the checks of the marker aside. Limits:
`Everyone`, which is to be the common folder, is left out, although nothing in it is shared yet. Of
more entries than a look tells some are missed, and those that go are cleared only when all can be
told again.
"""

from __future__ import annotations

import shlex

from potluck.core.wording import listed, set_off
from potluck.engine.effects import LookAtTop
from potluck.engine.events import PathsTouched, ShareSeen, TopEntry, TopSeen
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

TOP_SETTLE_S = 1.0  # after something was touched, or a member came: its folder is being made
COMMON_FOLDER = "everyone"  # the common folder, whatever the case of its letters
REASON = "belongs to no device of this group: it is not shared"


class Strays:
    """What is nobody's."""

    def __init__(self, node: Node) -> None:
        """Know of nothing."""
        self._node = node
        self._known: set[str] = set()
        self._due_s: float | None = None

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Strays: {len(self._known)}>"

    # -- when to look ------------------------------------------------------------------------------
    def on_share(self, event: ShareSeen) -> None:
        """The marker was checked: what is there is looked at, what is not there is nobody's."""
        if event.present:
            self._node.do(LookAtTop())
        else:
            self._node.troubles.clear_kind(TroubleKind.STRAY)
            self._known.clear()

    def on_touched(self, event: PathsTouched) -> None:
        """The watcher noticed something."""
        for path in event.paths:
            if len(path.parts) == 1 and not self._belongs(path.name):
                self._look_soon()

    def on_members(self) -> None:
        """The group has other members now, or they have other labels."""
        self._look_soon()

    def _look_soon(self) -> None:
        if self._due_s is None:
            self._due_s = self._node.now + TOP_SETTLE_S

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._due_s

    def on_tick(self) -> None:
        """Look, if it is time."""
        if self._due_s is None or self._node.now < self._due_s:
            return
        self._due_s = None
        if self._node.share_present:  # else the marker is checked first
            self._node.do(LookAtTop())

    # -- what was seen -----------------------------------------------------------------------------
    def on_top(self, event: TopSeen) -> None:
        """That is what stands directly in Shared/."""
        strays = [entry for entry in event.entries if not self._belongs(entry.name)]
        names = {entry.name for entry in strays}
        gone = self._known - names
        if not event.complete:
            gone = {name for name in gone if self._belongs(name)}
        for name in gone:
            self._node.troubles.clear(TroubleKind.STRAY, _subject(name))
        self._known = (self._known - gone) | names
        self._tell([entry for entry in strays if self._is_news(entry)])

    def _is_news(self, entry: TopEntry) -> bool:
        subject, command = _subject(entry.name), self._command(entry)
        now = self._node.now
        trouble = Trouble(TroubleKind.STRAY, subject, REASON, command, now, None)
        return self._node.troubles.note(trouble)

    def _tell(self, fresh: list[TopEntry]) -> None:
        if not fresh:
            return
        names = listed(set_off(_subject(entry.name)) for entry in fresh)
        command = self._command(max(fresh, key=lambda entry: entry.plain))
        text = f"{names} {REASON}; to share it: {command}"
        if len(fresh) > 1:
            text = f"{names} belong to no device of this group: not shared; to share one: {command}"
        subject = _subject(fresh[0].name)
        self._node.tell("stray", text, level="warning", subject=subject, command=command)

    def _belongs(self, name: str) -> bool:
        roster = self._node.roster
        labels = {entry.label for entry in roster.members.values()} if roster else set()
        return name in labels or name == self._node.own_label or name.casefold() == COMMON_FOLDER

    def _command(self, entry: TopEntry) -> str:
        shared = f"{self._node.settings.folder}/Shared"
        if not entry.plain:
            return f"find {shlex.quote(shared)} -maxdepth 1 -ls"
        source, target = f"{shared}/{entry.name}", f"{shared}/{self._node.own_label}/"
        return f"mv -n {shlex.quote(source)} {shlex.quote(target)}"


def _subject(name: str) -> str:
    return f"Shared/{name}"
