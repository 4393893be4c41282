"""Folder descriptors below one root, kept open for the length of a batch.

Strategy: a batch of 256 files mostly goes into few folders. Each is walked to once, component by
component without following links, from the descriptor of its parent; where something was changed is
remembered and fsynced once, at the end, or earlier when too many folders are open.

Guarantees: a folder that was made has its parent fsynced too; a failed fsync is remembered and
never tried again; of what was made in vain nothing goes but empty folders. Limits: one thread; a
folder that another program moves away meanwhile takes along what is written into it, and an empty
one that it makes where one is to be made goes with what was made in vain.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final, Self

from potluck.core.errors import UnsafePath
from potluck.shells.disk.fsops import enter, reason_of

_OPEN: Final = 64
"""Descriptors kept for one batch: most need fewer than ten, and a process may have 1,024."""

Components = tuple[str, ...]


class Folders:
    """Open folders below one root, by their components."""

    def __init__(self, root_fd: int) -> None:
        """Keep a duplicate of the root's descriptor."""
        self._root_fd = os.dup(root_fd)
        self._open: dict[Components, int] = {}
        self._touched: set[Components] = set()
        self._failed: dict[Components, str] = {}

    def __repr__(self) -> str:
        return f"Folders({len(self._open)} open, {len(self._touched)} touched)"

    def get(self, components: Components, *, create: bool = False) -> int:
        """Return the descriptor of a folder, valid until `trim`; raises UnsafePath or OSError."""
        if not components:
            return self._root_fd
        descriptor = self._open.get(components)
        if descriptor is None:
            parent = self.get(components[:-1], create=create)
            try:
                descriptor = enter(parent, components[-1])
            except FileNotFoundError:
                if not create:
                    raise
                descriptor = enter(parent, components[-1], create=True)
                self.touch(components[:-1])
            self._open[components] = descriptor
        return descriptor

    def standing(self, components: Components) -> int:
        """Return how many parts of a folder's path stand; raises UnsafePath or OSError."""
        for depth in range(len(components), 0, -1):
            with suppress(FileNotFoundError):
                self.get(components[:depth])
                return depth
        return 0

    def drop_made(self, components: Components, stood: int) -> None:
        """Remove what was made of a folder's path in vain, unless something came into it; so many
        parts `stood` before.
        """
        for depth in range(len(components), stood, -1):
            self.forget(components[:depth])
            try:
                os.rmdir(components[depth - 1], dir_fd=self.get(components[: depth - 1]))
            except FileNotFoundError:
                continue  # so far it was not made
            except (OSError, UnsafePath):
                return

    def touch(self, components: Components) -> None:
        """Note that an entry of this folder changed."""
        self._touched.add(components)

    def forget(self, components: Components) -> None:
        """Close a folder and those below it: another thing stands at its name now."""
        for known in [each for each in self._open if each[: len(components)] == components]:
            os.close(self._open.pop(known))
            self._touched.discard(known)

    def trim(self) -> None:
        """Between two items: if too many folders are open, fsync and close them all."""
        if len(self._open) > _OPEN:
            self.sync()
            self._close_all()

    def sync(self) -> dict[Components, str]:
        """Fsync every folder that was touched; return the failures so far, with their reasons."""
        for components in sorted(self._touched, reverse=True):  # the deeper first
            try:
                os.fsync(self.get(components))
            except OSError as error:
                self._failed[components] = reason_of(error)
        self._touched.clear()
        return self._failed

    def close(self) -> None:
        """Close everything; without `sync` nothing is durable."""
        self._close_all()
        os.close(self._root_fd)

    def _close_all(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
