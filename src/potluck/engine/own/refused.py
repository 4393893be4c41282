"""Refused: what stands in the own folder and is not shared, and what a person can do about it.

Strategy: a walk names what it leaves out, with the reason. A link, a pipe, a socket or a device is
not shared by rule: that is a fact, told once and listed, and hinders nothing. A file or folder
whose name is refused is one that somebody wanted to be shared: it is trouble, with the command that
gives it another name.

Guarantees: a name is told again only if its reason is another one, and forgotten when a complete
round does not meet it. Of the names of a page that are left out by rule one line is told. A command
never replaces a file without asking. Limits: the engine knows a name only as it is shown; what
cannot be shown stands in the command as the `*` of the shell, and `mv -T` refuses to move several
files.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from potluck.core import limits
from potluck.core.content.paths import SafePath, within
from potluck.core.wording import listed, set_off
from potluck.engine.events import NameRefused
from potluck.engine.folder_facts import TOO_LARGE
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

REFUSED_MAX = limits.LIST_ITEMS  # names told and shown; more help nobody
BAD_LETTER = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\")
"""A letter that cannot be shown, as core/content/paths.py escapes it, or a backslash."""
TOO_FAR = {"too long", "too deep"}  # not the name: where it stands


class RefusedNames:
    """Names that are not shared: each is told once, and forgotten when it is gone."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self.reasons: dict[str, str] = {}  # path as a person reads it -> reason

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<RefusedNames: {len(self.reasons)}>"

    def note(self, refusals: Iterable[NameRefused]) -> set[str]:
        """A look or a scan met these; returns their paths as a person reads them."""
        met, by_rule = set[str](), dict[str, str]()
        for refusal in refusals:
            path = f"{refusal.folder}/{refusal.name}"
            met.add(path)
            known = self.reasons.get(path)
            if known == refusal.reason or (known is None and len(self.reasons) >= REFUSED_MAX):
                continue
            self.reasons[path] = refusal.reason
            if refusal.no_file:
                by_rule[path] = refusal.reason
                self._node.troubles.clear(TroubleKind.REFUSED, path)
            else:
                self._tell_bad(refusal, path)
        if by_rule:
            text = f"not shared: {listed(map(set_off, by_rule))} ({listed(by_rule.values())})"
            self._node.tell("file_refused", text, subject=next(iter(by_rule)))
        return met

    def _tell_bad(self, refusal: NameRefused, path: str) -> None:
        """Say, now and in the register, what could be shared under another name."""
        folder, now = f"{self._node.settings.folder}/Shared", self._node.now
        command = _command(
            f"{folder}/{refusal.folder}", f"{folder}/{refusal.folder.parts[0]}", refusal
        )
        self._node.troubles.note(
            Trouble(TroubleKind.REFUSED, path, refusal.reason, command, now, None)
        )
        text = f"not shared: {set_off(path)} ({refusal.reason})"
        if command:
            text += f"; try: {command}"
        self._node.tell("file_refused", text, level="warning", subject=path, command=command)

    def forget(
        self,
        asked: Iterable[SafePath],
        met: AbstractSet[str],
        held: Iterable[SafePath] = (),
    ) -> None:
        """All below `asked`, but not below `held`, was looked at: what is known there and was not
        met is gone.
        """
        tops, closed = {path.wire for path in asked}, {path.wire for path in held}
        for path in self.reasons.keys() - met:
            if within(path.encode(), tops) and not within(path.encode(), closed):
                self._forget(path)

    def clear(self) -> None:
        """The folder has another name now, and so have these."""
        for path in list(self.reasons):
            self._forget(path)

    def _forget(self, path: str) -> None:
        del self.reasons[path]
        self._node.troubles.clear(TroubleKind.REFUSED, path)


def _command(folder: str, top: str, refusal: NameRefused) -> str:
    """Return what gives something another name, or brings it nearer; "" if neither helps."""
    if refusal.reason == TOO_LARGE:
        return ""
    source = shlex.quote(f"{folder}/") + _pattern(refusal.name)
    name = BAD_LETTER.sub("_", refusal.name)
    if refusal.reason in TOO_FAR:
        return f"mv -i {source} {shlex.quote(top)}/"
    if name == refusal.name:
        name = f"renamed {name}"
    return f"mv -iT {source} {shlex.quote(f'{folder}/{name}')}"


def _pattern(name: str) -> str:
    """Return a name as a shell finds it: each letter that cannot be typed as `*`, since some shells
    match bytes with `?`.
    """
    parts = BAD_LETTER.split(name)
    return "*".join(shlex.quote(part) if part else "" for part in parts)
