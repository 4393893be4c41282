"""Strays: what stands directly in Shared/ and belongs to no device of the group.

Strategy: a folder there is shared if a member has its name as label; anything else is seen by
nobody, and whoever put it there should know. The top is looked at whenever the marker was checked,
after something was touched there, and when the group has other members. What is nobody's is kept
in the register and told once, with the command that makes it this device's: a file or folder is
moved, what a link points at is copied, and what is never shared or stands in no command is shown.
So is the folder of another device of a group that was left, under whatever name that it had there:
it stays, and is not to become this device's own. The own folder of before is told as that. The
state of this device may be of an older backup and not remember all of its group: a folder that no
device known here has is not to become the own one before somebody of the group was met in this run.

Guarantees: nothing is touched; what goes, or turns out to be a member's, is cleared. Looks are at
least `TOP_SETTLE_S` apart, whatever writes there, the checks of the marker aside. Limits: of more
entries than a look tells some are missed, and those that go are cleared only when all can be told
again. Whoever is met first may have an old state, too. `Everyone`, which is to be the common
folder, is a stray in this version, also an empty one: nothing is looked into.
"""

from __future__ import annotations

import shlex
from typing import NamedTuple, assert_never

from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import collision_key
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import listed, set_off
from potluck.engine.effects import LookAtTop
from potluck.engine.events import PathsTouched, ShareSeen, TopEntry, TopKind, TopSeen
from potluck.engine.group.membership import OTHERS_BEFORE, OWN_BEFORE
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

TOP_SETTLE_S = 1.0  # after something was touched, or a member came: its folder is being made
COMMON_FOLDER = "everyone"  # the common folder, whatever the case of its letters
REASON = "belongs to no device of this group: it is not shared"


class WhyUnshared(NamedTuple):
    """Why something is not shared, and what the command about it does."""

    one: str  # of one thing
    several: str  # of several
    step: str  # what the command does with "{it}"
    command: str  # what does it


NOBODYS = WhyUnshared(
    REASON,
    "belong to no device of this group: not shared",
    "share {it}",
    "mv -n {source} {own}",
)
ALONE = WhyUnshared(
    f"{REASON}; leave it if it is of a group that this device is about to join",
    f"{NOBODYS.several}; leave what is of a group that this device is about to join",
    NOBODYS.step,
    NOBODYS.command,
)
UNMET = WhyUnshared(
    "belongs to no device that this one knows of: it is not shared; nobody of the group was met "
    "since the start, and an older state may not remember all of it: wait for the others",
    "belong to no device that this one knows of: not shared; nobody of the group was met "
    "since the start, and an older state may not remember all of it: wait for the others",
    "see what is in {it}",
    "ls -la {source}",
)
ANOTHERS = WhyUnshared(
    "was another device's folder, in a group before: it stays as it is and is not shared",
    "were other devices' folders, in a group before: they stay as they are and are not shared",
    UNMET.step,
    UNMET.command,
)
FORMER_OWN = WhyUnshared(
    "was this device's own folder, in a group before: it is not shared now",
    "were this device's own folders, in groups before: they are not shared now",
    NOBODYS.step,
    NOBODYS.command,
)
COMMON = WhyUnshared(
    "bears the name of the common folder, which is not shared in this version",
    "bear the name of the common folder, which is not shared in this version",
    NOBODYS.step,
    NOBODYS.command,
)
UNFIT = WhyUnshared(
    "is named after this host, but no device can be called that: it is not shared",
    "are named after this host, but no device can be called that: not shared",
    NOBODYS.step,
    NOBODYS.command,
)
LINK = WhyUnshared(
    "is a symbolic link, which is never shared",
    "are symbolic links, which are never shared",
    "share a copy of what {it} points at",
    "cp -rLn {source} {own}",
)
SPECIAL = WhyUnshared(
    "is a pipe, a socket or a device, which is never shared",
    "are pipes, sockets or devices, which are never shared",
    "see {it}",
    "ls -ld {source}",
)


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

    def on_linked(self) -> None:
        """Somebody of the group is met: what it knows of the group is known in a moment."""
        if self._known:
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
        why, now = self._why(entry).one, self._node.now
        trouble = Trouble(TroubleKind.STRAY, subject, why, command, now, None)
        return self._node.troubles.note(trouble)

    def _tell(self, fresh: list[TopEntry]) -> None:
        """Tell what is new, in one line for all that stand there for the same reason."""
        for why in dict.fromkeys(map(self._why, fresh)):
            self._tell_of(why, [one for one in fresh if self._why(one) == why])

    def _tell_of(self, why: WhyUnshared, fresh: list[TopEntry]) -> None:
        names = listed(set_off(_subject(entry.name)) for entry in fresh)
        sample = max(fresh, key=lambda entry: entry.plain)
        command = self._command(sample)
        step = why.step if sample.plain else SPECIAL.step
        if len(fresh) == 1:
            words, step = why.one, step.format(it="it")
        else:
            words, step = why.several, step.format(it="one" if sample.plain else "them")
        text = f"{names} {words}; to {step}: {command}"
        subject = _subject(fresh[0].name)
        self._node.tell("stray", text, level="warning", subject=subject, command=command)

    def _belongs(self, name: str) -> bool:
        roster = self._node.roster
        known = [*roster.members.values(), *roster.former.values()] if roster else []
        former = self._node.former
        labels = {entry.label for entry in known if not self._is_forgotten(entry.device)}
        if name in labels or name == self._node.own_label:  # a removed one's folder stays its own
            return True
        return any(former.of(device) == name for device in former)

    def _is_forgotten(self, device: DeviceId) -> bool:
        """Say whether nothing of a removed device is to be here, and nothing that is known is."""
        roster = self._node.roster
        if roster is None or device not in roster.forgotten:
            return False
        return not self._node.index.places.all_paths(ManifestName.own(device))

    def _why(self, entry: TopEntry) -> WhyUnshared:
        if entry.kind is TopKind.FOLDER and entry.name in self._node.settings.unfit:
            return UNFIT
        before = self._why_before(entry)
        if before is not None:
            return before
        match entry.kind:
            case TopKind.FILE | TopKind.FOLDER:
                if entry.name.casefold() == COMMON_FOLDER:
                    return COMMON
                return self._why_nobodys(entry)
            case TopKind.LINK:
                return LINK
            case TopKind.SPECIAL:
                return SPECIAL
            case _:
                assert_never(entry.kind)

    def _why_nobodys(self, entry: TopEntry) -> WhyUnshared:
        """Say of a file or folder that no device known here has its name."""
        roster = self._node.roster
        if roster is None or entry.kind is TopKind.FILE:  # no device has a file there
            return NOBODYS
        if len(roster.members) == 1:
            return ALONE
        peers = self._node.peers.values()
        met = any(peer.link is not None or peer.gone_s is not None for peer in peers)
        return NOBODYS if met else UNMET

    def _why_before(self, entry: TopEntry) -> WhyUnshared | None:
        """Say of a folder of a group that was left with this home whose it was."""
        if entry.kind is not TopKind.FOLDER:
            return None
        known, name = self._node.index.meta.get(OTHERS_BEFORE) or b"", collision_key(entry.name)
        before = {collision_key(each) for each in known.decode().splitlines()}
        if name in before:
            return ANOTHERS
        return FORMER_OWN if OWN_BEFORE + name in before else None

    def _command(self, entry: TopEntry) -> str:
        shared = f"{self._node.settings.folder}/Shared"
        if not entry.plain:
            return f"find {shlex.quote(shared)} -maxdepth 1 -ls"
        source, own = f"{shared}/{entry.name}", f"{shared}/{self._node.own_label}/"
        command = self._why(entry).command
        return command.format(source=shlex.quote(source), own=shlex.quote(own))


def _subject(name: str) -> str:
    return f"Shared/{name}"
