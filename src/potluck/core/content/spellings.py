"""Which of one owner's paths a disk holds that takes some names for one: the byte-smaller ones.

Strategy: every path, and every folder above it, is noted under the key of its names
(core/content/name_limits.py). Of those with one key the smallest is placed, compared name by name
and byte by byte; a path is placed if that is so of it and of every folder above it. A path whose
name cannot be held is never noted, so it keeps no other one out.

Guarantees: which are placed follows from the set of paths alone, whatever came first, so it is the
same on every start; exactly one of those with one key is placed, if their folders are. Of what is
left of former paths, the spelling stays known as one that may stand on the disk. Limits: names
that are one to the disk and have two keys are not seen here; the disk is asked before anything is
touched (shells/disk/receiving/spelled.py). Of one key so many spellings are noted; further ones are
kept out as long as those are there, until all paths are read again, for each costs a comparison
with all of its key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from potluck.core.content.name_limits import NameLimits

SPELLINGS_MAX: Final = 50
"""Of one name in one folder: nobody has two of them by chance more than a few times."""


class Spellings:
    """The paths of one owner, by the keys of their names."""

    def __init__(self, limits: NameLimits) -> None:
        """Know of no path."""
        self._limits = limits
        # by key: every spelling, with how many paths are it or below it; 0: it may still stand
        self._by_key: dict[bytes, dict[bytes, int]] = {}
        self._paths: set[bytes] = set()

    def __repr__(self) -> str:
        """Return how many paths there are, and for how many keys."""
        return f"<Spellings: {len(self._paths)} paths, {len(self._by_key)} keys>"

    def set(self, path: bytes, *, wanted: bool) -> set[bytes]:
        """A path is shared, or not any more; return those above or at which that decides anew."""
        if wanted == (path in self._paths) or self.why_refused(path):
            return set()
        if wanted and self._is_crowded(path):
            return set()
        (self._paths.add if wanted else self._paths.remove)(path)
        changed = set[bytes]()
        for key, spelling in self._nodes(path):
            spelled = self._by_key.setdefault(key, {})
            before = _smallest(spelled)
            spelled[spelling] = spelled.get(spelling, 0) + (1 if wanted else -1)
            after = _smallest(spelled)
            if before != after:
                changed |= {before, after}
        return changed - {b""}

    def may_stand(self, path: bytes) -> None:
        """Something stands at a path, which may be shared or not."""
        for key, spelling in self._nodes(path):
            self._by_key.setdefault(key, {}).setdefault(spelling, 0)

    def stands_no_more(self, path: bytes) -> None:
        """Nothing stands at a path; if it is not shared either, it is forgotten."""
        key = self._key(path)
        spelled = self._by_key.get(key, {})
        if spelled.get(path) == 0:
            del spelled[path]
        if not spelled:
            self._by_key.pop(key, None)

    # -- questions ---------------------------------------------------------------------------------
    def placed_instead(self, path: bytes) -> bytes:
        """Return what is placed in the place of a path or of a folder above it, b"" if nothing."""
        return next(self.all_instead(path), b"")

    def all_instead(self, path: bytes) -> Iterator[bytes]:
        """Yield what is placed in the place of the folders above a path, and in its own."""
        for key, spelling in self._nodes(path):
            smallest = _smallest(self._by_key.get(key, {}))
            if smallest not in {b"", spelling}:
                yield smallest

    def others(self, path: bytes) -> list[bytes]:
        """Return what else of the same key, or of that of a folder above it, may stand."""
        return [
            other
            for key, spelling in self._nodes(path)
            for other in sorted(self._by_key.get(key, ()))
            if other != spelling
        ]

    def has_below(self, path: bytes) -> bool:
        """Say whether anything below a path is shared."""
        count = self._by_key.get(self._key(path), {}).get(path, 0)
        return count > (path in self._paths)

    def why_refused(self, path: bytes) -> str:
        """Return why the disk cannot hold the name of a path or of a folder above it, or ""."""
        if not self._limits.refused:
            return ""
        names = path.decode().split("/")
        return next(filter(None, map(self._limits.why_refused, names)), "")

    def _is_crowded(self, path: bytes) -> bool:
        """Say whether a path would be one spelling too many; what only may stand makes room."""
        for key, spelling in self._nodes(path):
            spelled = self._by_key.get(key, {})
            if len(spelled) >= SPELLINGS_MAX and spelling not in spelled:
                for former in [each for each, count in spelled.items() if not count]:
                    del spelled[former]
                if len(spelled) >= SPELLINGS_MAX:
                    return True
        return False

    def _nodes(self, path: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the folders above a path and itself, each as its key and its spelling."""
        key = spelling = b""
        for name in path.split(b"/"):
            key += self._limits.key(name.decode()).encode() + b"/"
            spelling += b"/" + name if spelling else name
            yield key, spelling

    def _key(self, path: bytes) -> bytes:
        return b"".join(self._limits.key(n).encode() + b"/" for n in path.decode().split("/"))


def _smallest(spelled: dict[bytes, int]) -> bytes:
    """Return the smallest spelling that is shared, b"" if none is."""
    if len(spelled) == 1:  # nearly always
        ((spelling, count),) = spelled.items()
        return spelling if count else b""
    shared = (spelling for spelling, count in spelled.items() if count)
    return min(shared, key=lambda spelling: spelling.split(b"/"), default=b"")
