"""The mount memory: which folders of the own folder other disks were mounted at, across restarts.

Strategy: paths below the own folder, in one value of the index, written in the transaction of what
is known of the files there. Only that something was mounted is kept, and nothing of what it was:
numbers of devices and mounts are given anew at every start. Each says whether all below it had been
seen in its place. Paths do not begin with the label, so they hold when that changes.

Guarantees: what is read is what was written last and not rolled back. Limits: what was mounted and
went while potluck did not run was never known, and nothing of it was shared.
"""

from __future__ import annotations

from collections.abc import Mapping

from potluck.engine.index.group import Meta

MOUNTED_ONCE = "mounted"  # the key; one value: per path one byte, the path and a NUL
_END = b"\0"  # no path holds one
_SETTLED, _OPEN = b"s", b"o"


class MountMemory:
    """Folders at which something was mounted, by path below the own folder; b"" is that itself."""

    def __init__(self, meta: Meta) -> None:
        """Keep it there."""
        self._meta = meta

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<MountMemory: {len(self.folders())}>"

    def folders(self) -> dict[bytes, bool]:
        """Return what is remembered, and whether all that is known below was seen there."""
        kept = self._meta.get(MOUNTED_ONCE) or b""
        return {entry[1:]: entry.startswith(_SETTLED) for entry in kept.split(_END)[:-1]}

    def keep(self, folders: Mapping[bytes, bool]) -> None:
        """Remember these and no others."""
        if folders == self.folders():
            return
        if not folders:
            self._meta.remove(MOUNTED_ONCE)
            return
        entries = [(_SETTLED if folders[each] else _OPEN) + each + _END for each in sorted(folders)]
        self._meta.set(MOUNTED_ONCE, b"".join(entries))
