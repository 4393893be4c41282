"""The imports: files a person wants in the own folder, from elsewhere on this machine.

Strategy: the disk copies, this part only remembers which command waits for which order and says how
it went, in one line for each path; why not and what to type are parts of their own, since the faces
know how a command is typed. What was in the own folder already is said with its path there,
and is as good as added. What arrived is found by the next look at the own folder, like
any other file. What makes this device itself is not brought in, nor what else potluck keeps in its
home, and a locked backup of an identity is, with a word of warning. A `restore` waits here like an
`add`, and is answered in words of its own (restored.py); what the trash here has not may be with
others, which another part sees to.

Guarantees: each command gets exactly one reply, also when the device is about to leave. Limits:
nothing outlives a run; a person whose command was cut short types it again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from potluck.core.content.facts import NO_ROOM, OF_THE_DISK
from potluck.core.content.known_versions import KnownVersion
from potluck.core.content.paths import SafePath
from potluck.core.content.version_names import parse_version
from potluck.core.errors import DiskTrouble, PotluckError, UnsafePath
from potluck.engine.effects import Import, Reply
from potluck.engine.events import AddAsked, Imported, OrderId
from potluck.engine.node import Node
from potluck.engine.own.restored import RESTORE, reply_of

LEAVING = "this device is leaving: nothing was done"
WAS_ENDED = "it was asked to end"
START_AGAIN = "start it again: potluck up"
OFFLINE = "the share is offline: nothing was added"
NOT_RESTORED = "the share is offline: nothing was restored"
NOT_IN_PLACE = "its folder is not where it was, or something else is in its place"

PRIVATE = "it is what makes this device itself"
"""The reason for which neither the home nor its keys and its index are shared."""
KEEP_PRIVATE = "it holds the keys of this device or of its group, and everybody would have them"
LOCKED_COPY = "for a copy that is locked: potluck backup-identity FILE"
OWN_FILE = "potluck keeps it in its home, for itself"
"""The reason for which the other files that it keeps there are not shared."""
OF_THIS_DEVICE = "it is about this device alone, and changes while potluck runs"
ADD_A_COPY = "to share what is in it now, copy it elsewhere and add the copy"
NOT_LISTED = "its owner shares no such file, as far as is known here"
NOT_AS_LISTED = "what stands here is not what its owner shared: it is put right, try again"
"""The reasons for which a file of somebody else is not copied."""
LOCKED_BACKUP = (
    "is the backup of an identity: everybody in the group gets it, locked by its passphrase\n"
    "  next: delete it there if that is not what you want"
)


class Elsewhere(Protocol):
    """Knows what of the own folder the trash of others may hold."""

    def restore(self, name: str, done: Imported) -> str | None:
        """Have come what the trash here did not give; return what follows, None if nothing does.

        Raises PotluckError.
        """


class Imports:
    """Commands that wait for files to be brought in."""

    def __init__(self, node: Node, elsewhere: Elsewhere) -> None:
        """Wait for nothing yet; what is not in the trash here may be `elsewhere`."""
        self._node, self._elsewhere = node, elsewhere
        self._commands: dict[OrderId, AddAsked] = {}

    def __repr__(self) -> str:
        """Return how many commands wait."""
        return f"<Imports: {len(self._commands)} commands wait>"

    def on_add(self, event: AddAsked, into: SafePath) -> None:
        """A person wants these files in the own folder `into`."""
        if self._node.leaving:
            self._node.do(_left_undone(event))
            return
        if not self._node.share_present:  # what stands there now is not what is shared
            text = NOT_RESTORED if event.mode == RESTORE else OFFLINE
            self._node.do(
                Reply(event.command, ok=False, text=text, cause=NOT_IN_PLACE, fix="status")
            )
            return
        order = self._node.number()
        self._commands[order] = event
        known = self._known(event.paths[0]) if event.mode == RESTORE else ()
        self._node.do(Import(order, event.paths, event.mode, into, known=known))

    def _known(self, text: str) -> tuple[KnownVersion, ...]:
        """Return what the versions may be that a person names."""
        try:
            path = parse_version(text).path
        except UnsafePath:
            return ()  # the disk says so
        layout = self._node.layout
        name, spot = layout.manifest_at(path), layout.spot_at(path)
        if name is None:
            return ()
        inner = spot.path if spot is not None else b""
        return tuple(self._node.index.former.contents(name, inner, path.parts[0]))

    def on_imported(self, event: Imported) -> None:
        """An import ended."""
        asked = self._commands.pop(event.order, None)
        if asked is None:
            return
        if asked.mode == RESTORE:
            self._node.do(self._restored(asked, event))
            return
        label, own_names = self._node.own_label, dict(event.instead)
        lines = [_added(label, name, own_names.get(name, name)) for name in event.added]
        left = "; the original was left where it is" if asked.mode == "move" else ""
        lines += [
            f"already shared: {path}, as {label}/{name}{left}" for path, name in event.already
        ]
        lines += [f"not added: {path} ({reason})" for path, reason in event.failed]
        reasons, code = {reason for _, reason in event.failed}, ""
        if reasons & OF_THE_DISK:
            code = DiskTrouble.code
        lines += [f"{label}/{name} {LOCKED_BACKUP}" for name in event.backups]
        text = "\n".join(lines) or "nothing to add"
        cause, fix = _explained(reasons)
        self._node.do(Reply(asked.command, not event.failed, text, code, cause, fix))

    def _restored(self, asked: AddAsked, event: Imported) -> Reply:
        """Return what came of a restore, from here or from elsewhere."""
        local = reply_of(asked.command, self._node.own_label, event)
        try:
            more = self._elsewhere.restore(asked.paths[0], event)
        except PotluckError as error:
            why, fix, code = error.cause, error.fix, error.code
            return Reply(asked.command, ok=False, text=error.what, code=code, cause=why, fix=fix)
        if more is None:
            return local
        if not event.added and not event.already:
            return Reply(asked.command, ok=True, text=more)
        here = reply_of(asked.command, self._node.own_label, replace(event, failed=()))
        return replace(here, text=f"{here.text}\n{more}")

    def on_leaving(self) -> None:
        """The device leaves: nobody will hear how these went."""
        for asked in self._commands.values():
            self._node.do(_left_undone(asked))
        self._commands.clear()


def _left_undone(asked: AddAsked) -> Reply:
    fix = f"{START_AGAIN}\nthen {'restore' if asked.mode == RESTORE else 'add'} again"
    return Reply(asked.command, ok=False, text=LEAVING, cause=WAS_ENDED, fix=fix)


def _explained(reasons: set[str]) -> tuple[str, str]:
    """Return the causes that the reasons do not say themselves, and what to do, a line each."""
    causes, steps = list[str](), list[str]()
    if PRIVATE in reasons:
        causes.append(KEEP_PRIVATE)
        steps.append(LOCKED_COPY)
    if OWN_FILE in reasons:
        causes.append(OF_THIS_DEVICE)
        steps.append(ADD_A_COPY)
    if reasons & NO_ROOM:
        steps.append("make room on this disk, then add again")
    return "\n".join(causes), "\n".join(steps)


def _added(label: str, name: str, own_name: str) -> str:
    """Return what became of one that was added; whose own name was taken has another."""
    if name == own_name:
        return f"added {name}"
    taken = f"{label}/{own_name} is there already, and is not the same"
    return f"added {own_name} as {name}: {taken}"
