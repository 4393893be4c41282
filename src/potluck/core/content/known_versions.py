"""Known versions: which contents a version in the trash can be, by what is remembered of its path.

Strategy: a version with size and time of one that is remembered is that one. One whose time nobody
knows is taken for another that came to the trash here and is not found there any more, if their
sizes are equal: what changes bytes mostly changes the time. Either way it must hold a content that
is remembered of this path with this size, whichever that is.

Guarantees: a version that is as it came, and is remembered, is never found to be changed; of one
that nothing is known of nothing is said. Limits: what got another size is not told from what is not
remembered; of a content that came twice, with two times, the last time alone is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from potluck.core import limits
from potluck.core.content.pieces import Root, piece_size_for

_PIECE_SIZES: Final = tuple(
    limits.PIECE_MIN_BYTES << shift
    for shift in range((limits.PIECE_MAX_BYTES // limits.PIECE_MIN_BYTES).bit_length())
)

SizeAndTime = tuple[int, int]
"""In bytes, and in nanoseconds since 1970."""


class KnownVersion(NamedTuple):
    """A content that was shared, or stood, at a path before."""

    path: str  # below Shared/
    size: int
    mtime_ns: int
    root: Root
    piece_size: int  # 0: not known
    kept: bool  # it came into the trash here

    @property
    def stat(self) -> SizeAndTime:
        """What tells it from others of its path."""
        return self.size, self.mtime_ns


def possible_contents(
    version: SizeAndTime, lying: Collection[SizeAndTime], known: Sequence[KnownVersion]
) -> list[KnownVersion]:
    """Return what a version must hold one of; none: that is not known.

    `lying` are all that the trash has of its path, and `known` is what is remembered of that.
    """
    same = [one for one in known if one.size == version[0]]
    is_known = any(one.stat == version for one in same)
    is_missed = any(one.kept and one.stat not in lying for one in same)
    return same if is_known or is_missed else []


def piece_sizes(known: Sequence[KnownVersion]) -> Iterator[int]:
    """Yield the piece sizes that these may have, each once, the likely first."""
    sizes = dict.fromkeys(one.piece_size or piece_size_for(one.size) for one in known)
    for one in known:
        sizes |= dict.fromkeys(piece_size_for(one.size, before) for before in _PIECE_SIZES)
    yield from sizes
