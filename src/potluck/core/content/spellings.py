"""Which of one owner's paths a disk holds that takes some names for one: the byte-smaller ones.

Strategy: every path, and every folder above it, is noted under the key of its names
(core/content/name_limits.py). Of those with one key in one folder the smallest is placed, compared
byte by byte, or the one of which the caller says that it stays; a path is placed if that is so of
it and of every folder above it. What is in a folder that is not placed is compared with nothing, so
it keeps nothing out. A path whose name cannot be held is never noted, so neither does it.

Guarantees: which are placed follows from the set of paths, and from what stays, whatever came
first; exactly one of those with one key is placed, if their folders are. Of what is left of
former paths, the spelling stays known as one that may stand on the disk. Limits: names
that are one to the disk and have two keys are not seen here; the disk is asked before anything is
touched (shells/disk/receiving/spelled.py). Of one key so many spellings are noted; further ones are
kept out as long as those are there, until all paths are read again, for each costs a comparison
with all of its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
            before, had = _smallest(_beside(spelled, spelling)), spelled.get(spelling, 0)
            spelled[spelling] = had + (1 if wanted else -1)
            after = _smallest(_beside(spelled, spelling))
            if before != after or not (had and spelled[spelling]):
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
    def placed_instead(
        self, path: bytes, stays: Callable[[bytes], bool] = lambda _: False
    ) -> bytes:
        """Return what is placed in the place of a path or of a folder above it, b"" if nothing.

        `stays` says of a path whether no other spelling, however small, takes its place.
        """
        for key, spelling in self._nodes(path):
            spelled = self._by_key.get(key, {})
            # what is shared and was never noted is one too many: whatever was noted comes first
            rivals = _beside(spelled, spelling) if spelled.get(spelling) else _shared(spelled)
            first = _smallest(filter(stays, rivals)) if len(rivals) > 1 else b""
            first = first or _smallest(rivals)
            if first not in {b"", spelling}:
                return first
        return b""

    def smaller(self, path: bytes) -> bytes:
        """Return the smallest other spelling of a last name that comes before it, b"" if none."""
        spelled = self._by_key.get(self._key(path), {})
        smallest = _smallest(_beside(spelled, path))
        return smallest if spelled.get(path) and smallest != path else b""

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


def _shared(spelled: dict[bytes, int]) -> list[bytes]:
    """Return the spellings that are shared."""
    return [spelling for spelling, count in spelled.items() if count]


def _beside(spelled: dict[bytes, int], spelling: bytes) -> list[bytes]:
    """Return the spellings that are shared in the same folder as this one, itself among them."""
    if len(spelled) == 1:  # nearly always
        return _shared(spelled)
    folder = spelling.rpartition(b"/")[0]
    return [each for each in _shared(spelled) if each.rpartition(b"/")[0] == folder]


def _smallest(spellings: Iterable[bytes]) -> bytes:
    """Return the smallest spelling, compared name by name; b"" if there is none."""
    return min(spellings, key=lambda spelling: spelling.split(b"/"), default=b"")
