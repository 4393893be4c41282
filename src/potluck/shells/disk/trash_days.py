"""The age of the trash: counted by the time this program has seen pass, not by any clock of a day.

Strategy: `.potluck/trash.days` holds for how many seconds potluck has run with this folder. Every
ten minutes what has passed by the monotonic clock is added. What comes into the trash stands in the
folder of the day that this makes, so its age is the difference of two such days. What has no such
name (of an earlier potluck, or put there by hand), or that of a day that has not been yet, is
renamed and counts as come today; without the file that is everything.

Guarantees: no clock that is wrong, at the start or later, makes anything older; a step counts for
twenty minutes at most, whatever the machine did meanwhile; the file is the old or the new one at
every moment. Limits: while the machine or the program does not run nothing ages, nor in the last
minutes of each run. Whoever may write to FOLDER may forge the file, and may as well empty the
trash.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from itertools import count
from typing import Final

from potluck.core.errors import UnsafePath
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import (
    Share,
    make_file,
    open_regular,
    remove_file,
    stat_at,
    write_all,
)
from potluck.shells.disk.trash_layout import (
    DAY_MAX,
    Why,
    read_top,
    taken_over_name,
    top_name,
)

AGE_STEP_S: Final = 600.0  # between two times that what has passed is added
_STEP_MAX_S: Final = 2 * AGE_STEP_S
_DAY_S: Final = 86_400
_LEDGER: Final = "trash.days"
_LEDGER_BYTES: Final = 20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_TAKEN: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EISDIR})


class TrashDays:
    """Adds up the time that passes; one thread at a time."""

    def __init__(self, share: Share, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count now."""
        self._share: Final = share
        self._clock: Final = clock
        self._counted_s = clock()

    def __repr__(self) -> str:
        return f"<TrashDays: counted until {self._counted_s:.0f}>"

    def count(self) -> None:
        """Add what has passed, and take over what has no day yet; raises OSError."""
        now, known_s = self._clock(), _read(self._share)
        passed_s = min(max(0.0, now - self._counted_s), _STEP_MAX_S)
        self._counted_s = now
        day = _day_of(known_s)
        _take_over(self._share.trash_fd, day, everything=known_s is None)
        try:
            _write(self._share, min(int((known_s or 0) + passed_s), DAY_MAX * _DAY_S))
        except OSError as error:
            if error.errno not in _FULL:  # that is told by others; what passed is not counted
                raise


def day_now(share: Share) -> int:
    """Return how many days potluck has run with this folder; raises OSError."""
    return _day_of(_read(share))


def _day_of(seconds: int | None) -> int:
    return (seconds or 0) // _DAY_S


def _read(share: Share) -> int | None:
    """Return the seconds that were counted, None where nothing of ours says any."""
    try:
        descriptor = open_regular(share.private_fd, _LEDGER)
    except (FileNotFoundError, UnsafePath):
        return None
    try:
        data = os.read(descriptor, _LEDGER_BYTES)
    finally:
        os.close(descriptor)
    seconds = int(data) if data.strip().isdigit() else None
    return seconds if seconds is not None and seconds <= DAY_MAX * _DAY_S else None


def _write(share: Share, seconds: int) -> None:
    private_fd, new = share.private_fd, f"{_LEDGER}.new"
    remove_file(private_fd, new)
    descriptor = make_file(private_fd, new)
    try:
        write_all(descriptor, b"%d\n" % seconds)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(new, _LEDGER, src_dir_fd=private_fd, dst_dir_fd=private_fd)


def _take_over(trash_fd: int, day: int, *, everything: bool) -> None:
    """Rename what says no day that has been, so that it came today; raises OSError."""
    for name in names_in(trash_fd):
        top = read_top(name)
        if top is None or top.day > day or (everything and top.day != day):
            _rename_free(trash_fd, name, day)


def _rename_free(trash_fd: int, name: str, day: int) -> None:
    """Give a thing in the trash the first free name of that day; one that cannot have it stays."""
    top = read_top(name)
    for series in count(1):
        if top is None or top.why is Why.UNKNOWN:
            free = taken_over_name(day, top.was if top is not None else name, series)
        else:
            free = top_name(day, top.why, series, whole=top.turn > 0)
        if stat_at(trash_fd, free) is not None:
            continue
        try:
            os.rename(name, free, src_dir_fd=trash_fd, dst_dir_fd=trash_fd)
        except OSError as error:
            if error.errno in _TAKEN:  # since we looked
                continue
        return
