"""What of the own folder is left out by its owner's rules: how much, and what was shared before.

Strategy: a walk names what it leaves out and does not go into it. A scan of everything counts it
for `status`. What a scan lacks because it is left out was shared until now; it is doubtful and then
gone like anything else that is not met twice, and a person is told how much that is.

Guarantees: a file that is being read when it is left out is not shared. Limits: a folder that is
left out counts as one, whatever is in it, and a name that is refused anyway does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable

from potluck.core.content.ignore_rules import IGNORE_FILE
from potluck.core.content.paths import SafePath, within
from potluck.core.wording import plural, set_off
from potluck.engine.node import Node
from potluck.engine.own.reading import Reading


class IgnoredPaths:
    """What is left out."""

    def __init__(self, node: Node, reading: Reading) -> None:
        """Know of nothing."""
        self._node, self._reading = node, reading
        self.count = 0  # files and folders, when everything was looked at last

    def __repr__(self) -> str:
        """Return how much."""
        return f"<IgnoredPaths: {self.count}>"

    def note(self, ignored: Iterable[SafePath]) -> None:
        """A walk met these: nothing that is read of them counts."""
        if len(self._reading):
            wires = {path.wire for path in ignored}
            self._reading.cancel([p for p in self._reading.paths if within(p.wire, wires)])

    def on_scanned(
        self, ignored: Container[bytes], lacking: Iterable[bytes], doubted: Collection[bytes]
    ) -> None:
        """A scan lacks these of what is shared; some were `doubted` before."""
        before = set(doubted)
        ending = sum(within(path, ignored) for path in lacking if path not in before)
        if not ending:
            return
        subject = f"{self._node.own_label}/{IGNORE_FILE}"
        text = (
            f"not shared any more because of {set_off(subject)}: {plural(ending, 'path')}; for the "
            "others that is a delete like any other"
        )
        self._node.tell("left_out", text, level="warning", subject=subject)
