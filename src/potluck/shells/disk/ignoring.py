"""What a walk of the own folder leaves out, because its owner said so in `.potluckignore`.

Strategy: the file is read before each walk, by the walk itself, so a rule that stood there before a
file did is never too late. It is expected to say what it said last; while it does not, nothing is
looked at, and whoever asked decides when the new rules count. What it says is understood in
core/content/ignore_rules.py.

Guarantees: the file is opened in the held folder, through no link, and at most IGNORE_MAX_BYTES of
it are read. What cannot be read changes nothing: the rules that were handed over count. Limits: one
file, directly in the own folder; those in folders inside it are files like any other.
"""

from __future__ import annotations

import os
from typing import Final

from potluck.core.content.ignore_rules import (
    IGNORE_FILE,
    IGNORE_MAX_BYTES,
    IgnoreRules,
    parse_rules,
)
from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath
from potluck.engine.folder_facts import IgnoreFileSeen
from potluck.shells.disk.fsops import Share, open_regular


class Ignoring:
    """The rules that one walk goes by."""

    def __init__(self, share: Share, top: SafePath, known: tuple[bytes, ...]) -> None:
        """Read the file in the own folder `top`; `known` is as in Scan.rules."""
        found = _read(share, top)
        is_as_expected = found.text is None or found.text == (known[0] if known else b"")
        self.changed: Final = not is_as_expected
        trivial = not known and found.text == b""
        self.seen: Final = None if trivial else found
        self._rules: Final[tuple[IgnoreRules, ...]] = tuple(map(parse_rules, known))

    def __repr__(self) -> str:
        return f"<Ignoring changed={self.changed} {len(self._rules)} rules>"

    def leaves_out(self, path: SafePath, *, is_folder: bool) -> bool:
        """Say whether what stands at a path is left out."""
        above = path.parts[:-1]
        return bool(above) and self.leaves_out_in(inside(above), path.name, is_folder=is_folder)

    def leaves_out_in(self, folder: str, name: str, *, is_folder: bool) -> bool:
        """Say whether `name` is left out, in a folder `inside` the own one."""
        return any(rules.ignores(folder, name, is_folder=is_folder) for rules in self._rules)

    def around(self, path: SafePath) -> SafePath | None:
        """Return the outermost folder above a path that is left out."""
        above = list[SafePath]()
        folder = path.parent if self._rules else None
        while folder is not None and folder.parent is not None:
            above.append(folder)
            folder = folder.parent
        for each in reversed(above):
            if self.leaves_out(each, is_folder=True):
                return each
        return None


def inside(parts: tuple[str, ...]) -> str:
    """Return the path of a folder inside the own one, whose label is the first of its parts."""
    return "/".join(parts[1:])


def _read(share: Share, top: SafePath) -> IgnoreFileSeen:
    """Return what the file says; without the folder it is not known what it would say."""
    try:
        folder = share.open_folder(top)
        try:
            return _read_in(folder)
        finally:
            os.close(folder)
    except UnsafePath as error:
        return IgnoreFileSeen(None, (f"it is a {error.cause}",))
    except OSError as error:
        return IgnoreFileSeen(None, (os.strerror(error.errno or 0),))


def _read_in(folder: int) -> IgnoreFileSeen:
    try:
        descriptor = open_regular(folder, IGNORE_FILE)
    except FileNotFoundError:
        return IgnoreFileSeen(b"")
    try:
        text = os.read(descriptor, IGNORE_MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(text) > IGNORE_MAX_BYTES:
        return IgnoreFileSeen(None, (f"it is larger than {IGNORE_MAX_BYTES // 1024} KiB",))
    faults = parse_rules(text).faults
    return IgnoreFileSeen(text, tuple(f"line {fault.line}: {fault.cause}" for fault in faults))
