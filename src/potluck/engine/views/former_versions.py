"""Former versions: what this device remembers to have shared at a path, for people to choose from.

Strategy: one question to the index; what is shared there again is left out. Guarantees: nothing is
said of folders of others, of which only their owner can have that back. Limits: whether any other
device still has one of them nobody knows.
"""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.engine.node import Node
from potluck.engine.views.asked_path import ROWS_MAX, asked_path
from potluck.engine.views.path_values import FormerPage, FormerVersion


def former_versions(node: Node, text: str) -> FormerPage:
    """Return the versions of a path of the own folder, and of what is below it, the last first."""
    asked, own = asked_path(node, text), ManifestName.own(node.me)
    if not asked.has(own):
        return FormerPage([], complete=True)
    found = node.index.former.below(own, asked.inner, ROWS_MAX)
    top = node.layout.name_of(node.me)
    versions = [
        FormerVersion(f"{top}/{one.record.path.decode()}", one.record.size, one.record.mtime_ns)
        for one in found
        if not one.back
    ]
    return FormerPage(versions, complete=len(found) < ROWS_MAX)
