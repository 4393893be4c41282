"""Strange files: what a person put into somebody else's folder here, while it stands there.

Strategy: whoever looks at such a folder notes what its owner does not share, and what of it has
gone. What is known is one entry in the register of troubles for each owner: how many there are, the
first of them, and the line that moves these into the own folder.

Guarantees: nothing is looked at for it; of one owner at most `STRANGERS_MAX` are known, and it is
said if there were more. Limits: what its owner shares by now, and does not stand here as its own,
is none any more if it is one of the first, and else with the next scan; what no look found yet is
not known; after a start, or
while the share was away, nothing is until the folder was scanned. Links count only where there is
nothing else, and folders where there are no files.
"""

from __future__ import annotations

import heapq
import shlex
from collections.abc import Iterable
from typing import Final, NamedTuple

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.wording import LISTED, listed, plural, set_off
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

STRANGERS_MAX: Final = 1000
"""So many are remembered for each owner; more help nobody."""
FIRST: Final = 20
"""Of so many it is seen, before they are told, whether their owner shares them by now, and in which
folder they are moved.
"""


class Strange(NamedTuple):
    """What stands there."""

    is_file: bool
    plain: bool  # a file or a folder, which can be shared where it is moved


class StrangeFiles:
    """What stands in other people's folders and is not theirs."""

    def __init__(self, node: Node) -> None:
        """Know of nothing."""
        self._node = node
        self._known: dict[ManifestName, dict[bytes, Strange]] = {}
        self._told: dict[ManifestName, str] = {}  # by which label each stands in the register
        self._changed: set[ManifestName] = set()
        self._doubted: set[ManifestName] = set()  # to be looked at again before it is told
        self._folders: dict[ManifestName, set[bytes]] = {}  # in which they stand, once asked for
        self._left_out: set[ManifestName] = set()  # of which there were more than are known

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<StrangeFiles: {sum(map(len, self._known.values()))}>"

    def at(self, spot: Spot) -> Strange | None:
        """Return what is known to stand at a spot, None if nothing is, or it is no stranger."""
        return self._known.get(spot.manifest, {}).get(spot.path)

    # -- facts -------------------------------------------------------------------------------------
    def note(self, spot: Spot, strange: Strange) -> bool:
        """It stands there; returns whether that is news, and remembered."""
        known = self._known.setdefault(spot.manifest, {})
        if spot.path in known:
            return False
        if len(known) >= STRANGERS_MAX:
            self._left_out.add(spot.manifest)
            return False
        known[spot.path] = strange
        self._folders.pop(spot.manifest, None)
        self._changed.add(spot.manifest)
        return True

    def forget(self, spot: Spot) -> None:
        """It stands there no more, or is what its owner shares."""
        if self._known.get(spot.manifest, {}).pop(spot.path, None) is not None:
            self._folders.pop(spot.manifest, None)
            self._changed.add(spot.manifest)

    def forget_all(self, spot: Spot) -> None:
        """Nothing stands there any more, so nothing is in it either."""
        self.forget(spot)
        known, below = self._known.get(spot.manifest, {}), spot.path + b"/"
        if spot.path in self._folders_of(spot.manifest):
            for path in [each for each in known if each.startswith(below)]:
                self.forget(Spot(spot.manifest, path))

    def _folders_of(self, name: ManifestName) -> set[bytes]:
        """Return the folders in which something is known to stand; many ask, and little changes."""
        if name not in self._folders:
            spots = [Spot(name, path) for path in self._known.get(name, ())]
            self._folders[name] = {above.path for spot in spots for above in spot.above()}
        return self._folders[name]

    def keep(self, name: ManifestName, seen: set[bytes]) -> None:
        """A scan saw all that stands in a folder: nothing else does."""
        index = self._node.index
        if len(self._known.get(name, {})) < STRANGERS_MAX:
            self._left_out.discard(name)
        for path in list(self._known.get(name, {})):
            spot = Spot(name, path)
            if path not in seen or index.places.get(*spot) or index.manifests.get(*spot):
                self.forget(spot)
        if name in self._doubted:
            self._doubted.discard(name)
            self._changed.add(name)

    # -- the register ------------------------------------------------------------------------------
    def settle(self) -> None:
        """Have the register say what is known now."""
        for name, label in self._told.items():
            if self._node.label_of(name.owner) != label:
                self._changed.add(name)
        for name in sorted(self._changed):
            self._register(name)
        self._changed.clear()

    def doubt(self) -> None:
        """The share is away, or the index failed: nothing is told until it was looked at again."""
        self._doubted.update(self._known)
        self._changed.update(self._told)
        self.settle()

    def _register(self, name: ManifestName) -> None:
        troubles, told = self._node.troubles, self._told.pop(name, None)
        shared = self._node.index.manifests
        for path in [each for each in self._first(name) if shared.get(name, each) is not None]:
            del self._known[name][path]
            self._folders.pop(name, None)
        known, label = self._known.get(name), self._node.label_of(name.owner)
        if not self._node.layout.has_folder(name):
            self._known.pop(name, None)
            known = None
        if told is not None and (told != label or not known or name in self._doubted):
            troubles.clear(TroubleKind.STRANGE, told)
        if known and name not in self._doubted:
            self._told[name] = label
            words, moving = self._words(name, known), self._command(name, known)
            kind, now = TroubleKind.STRANGE, self._node.now
            troubles.note(Trouble(kind, label, words, moving, now, None))

    def _first(self, name: ManifestName) -> list[bytes]:
        """Return those of which some may be named."""
        return heapq.nsmallest(FIRST, self._known.get(name, ()))

    def _words(self, name: ManifestName, known: dict[bytes, Strange]) -> str:
        moved = {path: one for path, one in known.items() if one.plain}
        files = sorted(path for path, one in (moved or known).items() if one.is_file or not moved)
        shown = files or _topmost(moved)
        what = plural(len(shown), "file" if files else "folder")
        if name in self._left_out:
            what += " or more"
        stand = "stands" if len(shown) == 1 else "stand"
        names = listed(set_off(self._path(name, path)) for path in shown)
        text = f"{what} {stand} in its folder here that it does not share: {names}"
        return text + ("; what is moved to the own folder is shared" if moved else "")

    def _command(self, name: ManifestName, known: dict[bytes, Strange]) -> str:
        top = _topmost(known)
        whole = dict[Spot, None]()
        for path in [each for each in top if known[each].plain][:FIRST]:
            if len(whole) < LISTED:
                whole[self._whole(Spot(name, path))] = None
        if whole:
            return self._moving(self._path(*spot) for spot in whole)
        return f"ls -la {self._quoted(self._path(name, top[0]))}"

    def _whole(self, spot: Spot) -> Spot:
        """Return the outermost folder in which nothing of its owner's is known, or the spot."""
        index = self._node.index
        for folder in reversed(spot.above()):
            stands = index.places.get(*folder) or index.places.under(*folder)
            if not (stands or index.manifests.get(*folder)):
                return folder
        return spot

    def command_for(self, spot: Spot) -> str:
        """Return the line that moves what stands at a spot into the own folder, "" if none does."""
        strange = self.at(spot)
        if strange is None or not strange.plain:
            return ""
        return self._moving([self._path(spot.manifest, spot.path)])

    def _moving(self, paths: Iterable[str]) -> str:
        sources = " ".join(map(self._quoted, paths))
        return f"mv -n {sources} {self._quoted(self._node.own_label + '/')}"

    def _path(self, name: ManifestName, path: bytes) -> str:
        return str(self._node.layout.path_of(Spot(name, path)))

    def _quoted(self, path: str) -> str:
        return shlex.quote(f"{self._node.settings.folder}/Shared/{path}")


def _topmost(known: dict[bytes, Strange]) -> list[bytes]:
    """Return those that are in no other one."""
    found = list[bytes]()
    for path in sorted(known, key=lambda one: one.split(b"/")):
        if not found or not path.startswith(found[-1] + b"/"):
            found.append(path)
    return found
