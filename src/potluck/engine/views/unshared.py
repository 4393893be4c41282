"""Unshared: why what stands at a path is not shared, as far as this device can tell.

Strategy: what a look met in the own folder that is no file is remembered by its name; the rules of
`.potluckignore` are asked as a walk asks them, from the outermost folder down; in the folder of
somebody else nothing is shared but what its owner's list has. Guarantees: nothing is looked at on
the disk, so it is said of whatever stands there; whoever shows it knows whether anything does.
Limits: files that editors make beside others are not known here, and of a very long list of refused
names only the first are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from potluck.core.content.ignore_rules import IGNORE_FILE, deciding_line, parse_rules
from potluck.core.wording import set_off
from potluck.engine.views.asked_path import AskedPath
from potluck.engine.views.reasons import WhyParts

NO_FILES: Final = {"symbolic link", "named pipe", "socket", "device"}
"""What a look calls something that is neither a file nor a folder (NameRefused)."""


def unshared_words(parts: WhyParts, asked: AskedPath) -> str:
    """Return why what stands at a path that nobody shares is not shared, "" if that is not known.

    As part of a sentence, that begins with the thing.
    """
    node = parts.node
    if asked.name is None or not asked.inner:
        return ""
    if asked.name == node.own_manifest:
        return _refused(parts, asked) or _left_out(parts.own_folder.ignore_file.rules, asked)
    if node.index.manifests.head(asked.name) is None:
        return ""
    owner = set_off(node.label_of(asked.name.owner))
    return f"it stands in the folder of {owner}, and {owner} does not share it"


def _refused(parts: WhyParts, asked: AskedPath) -> str:
    """Say what a look met at the path, or above it."""
    names = asked.text.split("/")
    for end in range(len(names), 1, -1):
        path = "/".join(names[:end])
        reason = parts.own_folder.refused.get(path)
        if reason is None:
            continue
        it = "it" if end == len(names) else set_off(path)
        if reason in NO_FILES:
            return f"{it} is a {reason}: only files and folders are shared"
        return f"{it} cannot be shared ({reason})"
    return ""


def _left_out(rules: Sequence[bytes], asked: AskedPath) -> str:
    """Say which line leaves out the path, or a folder above it."""
    for at, text in enumerate(rules):
        found = parse_rules(text)
        for what, folder, name, is_folder in _steps(asked):
            if not found.ignores(folder, name, is_folder=is_folder):
                continue
            number, line = deciding_line(text, folder, name, is_folder=is_folder)
            if at:
                return f"{what} left out by “{line}”, as {IGNORE_FILE} said before the fault"
            return f"{what} left out by {IGNORE_FILE}, line {number}: “{line}”"
    return ""


def _steps(asked: AskedPath) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what a walk asks about on its way to a path: words, folder, name, if it is a folder."""
    names = asked.text.split("/")[1:]
    for at in range(len(names) - 1):
        inner = "/".join(names[: at + 1])
        yield f"the folder {set_off(inner)} is", "/".join(names[:at]), names[at], True
    above = "/".join(names[:-1])
    yield "it is", above, names[-1], False
    yield "as a folder it is", above, names[-1], True
