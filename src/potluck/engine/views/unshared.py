"""Unshared: why what stands at a path is not shared, as far as this device can tell.

Strategy: what a look met in the own folder that is no file is remembered by its name; the rules of
`.potluckignore` are asked as a walk asks them, from the outermost folder down; names that editors
give to files of their own are known (core/content/editor_files.py); in the folder of somebody else
nothing is shared but what its owner's list has; what belongs to no device is in the register of
troubles. With the reason goes the line that shares it, where there is one.

Guarantees: nothing is looked at on the disk, so it is said of whatever stands there; whoever shows
it knows whether anything does. Limits: whether a folder or a file has such a name is not known
here; of a very long list of refused names, or of what is nobody's, only the first are known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from potluck.core.content.editor_files import ignored
from potluck.core.wording import set_off
from potluck.engine.own.left_out import left_out_words
from potluck.engine.troubles import TroubleKind
from potluck.engine.views.asked_path import AskedPath
from potluck.engine.views.reasons import WhyParts

NO_FILES: Final = {"symbolic link", "named pipe", "socket", "device"}
"""What a look calls something that is neither a file nor a folder (NameRefused)."""


EDITORS: Final = (
    "a file of such a name is never shared, since editors and file browsers make them beside others"
)
OTHER_NAME: Final = "; to share it, give it another name"


class Unshared(NamedTuple):
    """Why something is not shared."""

    text: str = ""  # a part of a sentence that begins with the thing; "": not known
    command: str = ""  # a line for a shell that shares it, or shows it


def why_unshared(parts: WhyParts, asked: AskedPath) -> Unshared:
    """Return why what stands at a path that nobody shares is not shared, as far as is known."""
    node, name = parts.node, asked.name
    if name is None:
        named = _refused(parts, asked) or _nobodys(parts, asked)  # no list has a refused name
        return named or _editors(asked) or Unshared()
    if not asked.inner:
        return Unshared()
    if name == node.own_manifest:
        rules, inner = parts.own_folder.ignore_file.rules, asked.text.partition("/")[2]
        left_out = Unshared(left_out_words(rules, inner))
        refused = _refused(parts, asked) or (left_out if left_out.text else None)
        return refused or _editors(asked, OTHER_NAME) or Unshared()
    strange = parts.replica_check.changes.strange
    known = asked.spot is not None and strange.at(asked.spot) is not None
    if not known and (editors := _editors(asked)) is not None:
        return editors
    if node.index.manifests.head(name) is None:
        return Unshared()
    owner = set_off(node.label_of(name.owner))
    command = strange.command_for(asked.spot) if asked.spot is not None else ""
    return Unshared(f"it stands in the folder of {owner}, and {owner} does not share it", command)


def _nobodys(parts: WhyParts, asked: AskedPath) -> Unshared | None:
    """Say it of what stands directly in Shared/ and belongs to no device, and of what is in it."""
    top, _, inner = asked.text.partition("/")
    for one in parts.node.troubles.of(TroubleKind.STRAY):
        if one.subject == f"Shared/{top}":
            it = set_off(one.subject) if inner else "it"
            return Unshared(f"{it} {one.reason}", one.command)
    return None


def _editors(asked: AskedPath, step: str = "") -> Unshared | None:
    return Unshared(EDITORS + step) if ignored(asked.text.rpartition("/")[2]) else None


def _refused(parts: WhyParts, asked: AskedPath) -> Unshared | None:
    """Say what a look met at the path, or above it, and what gives that another name."""
    commands = {one.subject: one.command for one in parts.node.troubles.of(TroubleKind.REFUSED)}
    names = asked.text.split("/")
    for end in range(len(names), 1, -1):
        path = "/".join(names[:end])
        reason = parts.own_folder.refused.get(path)
        if reason is None:
            continue
        it = "it" if end == len(names) else set_off(path)
        if reason in NO_FILES:
            return Unshared(f"{it} is a {reason}: only files and folders are shared")
        return Unshared(f"{it} cannot be shared ({reason})", commands.get(path, ""))
    return None
