"""The private files: what makes this device itself, so that it is never shared by mistake, and what
else potluck keeps in its home.

Strategy: a file that potluck keeps in its home is known by what it is, not by how it was reached:
device and inode are compared, so another path, a link or a second name hide nothing. The key is
known by its bytes as well, wherever a copy of it lies: who compares looks at files of just that
size only, so that costs nothing. A locked backup begins with a line that says so.

Guarantees: nothing is changed; a home that cannot be looked at holds nothing that could be named.
Limits: a copy of the index, or a key packed into another file, is not recognised; other files that
somebody keeps in the home are not private.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from potluck.core.keys.locked import LOCKED_MAGIC, is_locked
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import open_regular, stat_at

HOME_KEY: Final = "device.key"
HOME_KEY_BYTES: Final = 64  # an Ed25519 seed and an X25519 key
_NAMES: Final = frozenset(
    {"lock", "control.sock", "ballast", "folder", "folder.new", "config.toml"}
)
_RECORDS: Final = "flight-"
_IDENTITY: Final = (HOME_KEY, "potluck.sqlite", "group.copy")  # with what is kept beside them


def is_of_identity(name: str) -> bool:
    """Say whether a file of that name in the home is of what makes this device itself."""
    return name.startswith(_IDENTITY)


def is_for_itself(name: str) -> bool:
    """Say whether a file of that name in the home is another one that potluck keeps there."""
    return name in _NAMES or name.startswith(_RECORDS)


def is_private(home_fd: int, found: os.stat_result) -> bool:
    """Say whether that is the home, or of what makes this device itself, under whatever name."""
    if os.path.samestat(found, os.fstat(home_fd)):
        return True
    return _is_one(home_fd, found, is_of_identity)


def is_own_file(home_fd: int, found: os.stat_result) -> bool:
    """Say whether that is another file that potluck keeps in the home, under whatever name."""
    return _is_one(home_fd, found, is_for_itself)


def _is_one(home_fd: int, found: os.stat_result, meant: Callable[[str], bool]) -> bool:
    kept = [stat_at(home_fd, name) for name in names_in(home_fd) if meant(name)]
    return any(one is not None and os.path.samestat(found, one) for one in kept)


def is_key(home_fd: int, descriptor: int) -> bool:
    """Say whether an open file holds the private key of this device; raises OSError."""
    if os.fstat(descriptor).st_size != HOME_KEY_BYTES or stat_at(home_fd, HOME_KEY) is None:
        return False
    key_fd = open_regular(home_fd, HOME_KEY)
    try:
        return os.pread(key_fd, HOME_KEY_BYTES, 0) == os.pread(descriptor, HOME_KEY_BYTES, 0)
    finally:
        os.close(key_fd)


def is_backup(descriptor: int) -> bool:
    """Say whether an open file claims to be the locked backup of an identity; raises OSError."""
    return is_locked(os.pread(descriptor, len(LOCKED_MAGIC), 0))
