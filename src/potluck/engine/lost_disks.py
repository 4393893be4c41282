"""Lost disks: what went with a disk for good is brought back, or given up, as a person says.

Strategy: what went with a disk that was mounted inside the own folder is in question until it is
seen (engine/own/covered.py). Once a person says `repair`, or `confirm` with a path of it, it is
held (engine/own/held_paths.py), and is brought back, or let go, with whatever else is held there.
Where a disk is mounted, what is not to be seen on it may be hidden, or be deleted on it elsewhere:
nothing can be brought back there, and `confirm` with a path ends that, too.

Guarantees: only what a person was told of is held like this, and nothing to be brought back that a
disk hides now; `confirm` without a path, or with one above the folder of the disk, as other words
may advise, gives up nothing of it, for the disk may be mounted again; nothing of it is brought
back, or held, where nothing can be brought back at all. Limits: `repair` brings back what went with
every such disk; where one is mounted later, it hides what came. What was given up, and had only
been hidden, is shared again once it is seen.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core.content.paths import within
from potluck.core.errors import NotFound, Refused
from potluck.core.wording import set_off, typable
from potluck.engine.bringing_back import BringingBack
from potluck.engine.node import Node
from potluck.engine.own.covered import CoveredFiles
from potluck.engine.own.held_words import CONFIRM
from potluck.engine.own.publishing import Publishing


class LostDisks:
    """Has what went with a disk brought back, or given up, with what else is held."""

    def __init__(
        self,
        node: Node,
        covered: CoveredFiles,
        publishing: Publishing,
        bringing_back: BringingBack,
    ) -> None:
        """What is `covered` is held by `publishing`, and fetched by `bringing_back`."""
        self._node, self._covered = node, covered
        self._publishing, self._bringing = publishing, bringing_back

    def __repr__(self) -> str:
        """Return how much went."""
        return f"<LostDisks: {len(self._covered.went())} paths>"

    def repair(self) -> str:
        """Bring back all that is held, or went with a disk; return what follows.

        Raises PotluckError.
        """
        self._bringing.check()
        self._hold(self._covered.went())
        try:
            return self._bringing.repair()
        except NotFound as error:
            hidden = self._covered.went(hidden=True)
            if not hidden:
                raise
            raise self._stays_hidden(hidden[0]) from error

    def confirm(self, path: bytes = b"") -> str | None:
        """Let what is held at a path, or below it, go; b"" is all but what a disk hides, or took
        along.

        Return what follows, None if nothing is held there; raises Refused.
        """
        if path:
            self._hold(self._covered.went(path, hidden=True))
        follows = self._publishing.confirm(path)
        went = [] if follows else self._covered.went(hidden=bool(path))
        went = [one for one in went if not path or within(one, {path})]
        if went:
            first = f"{self._node.own_label}/{went[0].decode()}"
            away = "is hidden by a disk, or went with one" if path else "went with a disk"
            raise Refused(
                f"Nothing was given up: {set_off(first)} {away}, which may come back.",
                "what is to go of that has to be named, no more than the folder of that disk",
                f"{CONFIRM} {typable(first, 'PATH')}",
            )
        return follows

    def _stays_hidden(self, path: bytes) -> NotFound:
        """Return why nothing comes where a disk is mounted."""
        shown = f"{self._node.own_label}/{path.decode()}"
        return NotFound(
            f"{set_off(shown)} cannot be brought back now.",
            "a disk is mounted there that hides it, or lacks it, and nothing is put on that disk:"
            " unmount it first, or give up what is not to be seen there",
            f"{CONFIRM} {typable(shown, 'PATH')}",
        )

    def _hold(self, lost: Iterable[bytes]) -> None:
        """Hold these, which a disk hides, or took along, but for what another change is about to be
        told of.
        """
        node, publishing, name = self._node, self._publishing, self._node.own_manifest
        every = [path for path in lost if path not in publishing.held]
        told = node.index.manifests
        paths = [path for path in every if publishing.record(path) == told.get(name, path)]
        if paths:
            node.index.places.remove(name, paths)
            publishing.held.hold(paths)
            publishing.held.write()
            self._covered.on_held(paths)
