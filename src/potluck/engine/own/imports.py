"""The imports: files a person wants in the own folder, from elsewhere on this machine.

Strategy: the disk copies, this part only remembers which command waits for which order and says how
it went, in one line for each path. What was in the own folder already is said with its path there,
and is as good as added. What arrived is found by the next look at the own folder, like
any other file.

Guarantees: each command gets exactly one reply, also when the device is about to leave. Limits:
nothing outlives a run; a person whose command was cut short types it again.
"""

from __future__ import annotations

from potluck.core.content.facts import Hindrance
from potluck.core.content.paths import SafePath
from potluck.core.errors import DiskTrouble
from potluck.engine.effects import Import, Reply
from potluck.engine.events import AddAsked, Imported, OrderId
from potluck.engine.node import Node

LEAVING = "this device is leaving: nothing was added\n  next: start it again, then add"

OFFLINE = (
    "the share is offline: nothing was added\n"
    "  why:  its folder is not where it was, or something else is in its place\n"
    "  next: status says what is missing; then add again"
)


NO_ROOM = frozenset({Hindrance.SPACE, Hindrance.QUOTA, Hindrance.INODES})
OF_THE_DISK = NO_ROOM | {Hindrance.READ_ONLY, Hindrance.IO}
"""Reasons for which a person looks at the disk, and not at what was to be added."""


class Imports:
    """Commands that wait for files to be brought in."""

    def __init__(self, node: Node) -> None:
        """Wait for nothing yet."""
        self._node = node
        self._commands: dict[OrderId, AddAsked] = {}

    def __repr__(self) -> str:
        """Return how many commands wait."""
        return f"<Imports: {len(self._commands)} commands wait>"

    def on_add(self, event: AddAsked, into: SafePath) -> None:
        """A person wants these files in the own folder `into`."""
        if self._node.leaving:
            self._node.do(Reply(event.command, ok=False, text=LEAVING))
            return
        if not self._node.share_present:  # what stands there now is not what is shared
            self._node.do(Reply(event.command, ok=False, text=OFFLINE))
            return
        order = self._node.number()
        self._commands[order] = event
        self._node.do(Import(order, event.paths, event.mode, into))

    def on_imported(self, event: Imported) -> None:
        """An import ended."""
        asked = self._commands.pop(event.order, None)
        if asked is None:
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
        if reasons & NO_ROOM:
            lines.append("  next: make room on this disk, then add again")
        text = "\n".join(lines) or "nothing to add"
        self._node.do(Reply(asked.command, not event.failed, text, code))

    def on_leaving(self) -> None:
        """The device leaves: nobody will hear how these went."""
        for asked in self._commands.values():
            self._node.do(Reply(asked.command, ok=False, text=LEAVING))
        self._commands.clear()


def _added(label: str, name: str, own_name: str) -> str:
    """Return what became of one that was added; whose own name was taken has another."""
    if name == own_name:
        return f"added {name}"
    taken = f"{label}/{own_name} is there already, and is not the same"
    return f"added {own_name} as {name}: {taken}"
