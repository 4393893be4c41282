"""The ballast: a few megabytes to give up when the index itself cannot be written any more.

Strategy: a file beside the index, filled with ones so that no disk stores it as a hole. When a
write of the index fails for want of space the loop removes it and tries that write once more: what
potluck knows stays true, and the device can still leave, while the person makes room. It is laid
again once the disk has plenty.

Guarantees: `free` says whether it gave anything; `lay` never takes space that is short and never
raises for want of it. Limits: whoever writes to the same disk may be faster; then the index rests
until there is room (engine/index_trouble.py).
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from potluck.core import limits

# so much must be free: with less it would be in the way sooner than of use
PLENTY_BYTES: Final = 8 * limits.BALLAST_BYTES
_FILL: Final = b"\xff" * limits.BALLAST_BYTES


class Ballast:
    """One file that is there to be removed."""

    def __init__(self, path: str) -> None:
        """Keep it at this path, on the disk of the index; nothing is written yet."""
        self._path: Final = path

    def __repr__(self) -> str:
        """Show whether it lies there."""
        return f"<Ballast: lies={os.path.lexists(self._path)}>"

    def lay(self) -> None:
        """Write it, unless it is there or space is short; takes a moment, so not on the loop."""
        try:
            disk = os.statvfs(os.path.dirname(self._path))
            if disk.f_bavail * disk.f_frsize < PLENTY_BYTES:
                return
            descriptor = os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
        # it is there, or the disk is in trouble that others report: a reserve is not worth a word
        except OSError:
            return
        try:
            whole = os.write(descriptor, _FILL) == len(_FILL)
        except OSError:
            whole = False
        finally:
            os.close(descriptor)
        if not whole:  # space ran out meanwhile: half a ballast only takes room
            self.free()

    def free(self) -> bool:
        """Remove it; say whether there was any to remove."""
        with suppress(OSError):
            os.unlink(self._path)
            return True
        return False
