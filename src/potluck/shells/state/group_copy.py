"""The group copy: what makes this device a member, once more beside the index.

Strategy: the index is one file, and a disk that damages it may take all of it. So what nobody else
can give back (engine/index/carried.py) stands in STATE/group.copy as well: a chore of the disk
threads looks every few seconds whether the log of the index has changed, and writes the copy anew
if these facts have. A hash over the whole stands in front, and the id of the device whose they are.

Guarantees: a copy is replaced by a whole one or not at all, is 0600, and one that is damaged, or of
another device, is none. It is written only of an index in which this device is a member, so a
damaged index never takes the place of a good copy. Limits: the last seconds before a damage are in
the index alone; whoever reads the copy reads the keys of the group, as in the index.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from blake3 import blake3
from msgspec import DecodeError
from msgspec.msgpack import Decoder, Encoder

from potluck.core.errors import PotluckError
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.limits import MIB
from potluck.engine.index import Index
from potluck.engine.index.carried import Carried, carried_by, is_member
from potluck.shells.state.home import KEY_NAME, SECRET_BYTES
from potluck.shells.state.private_home import GROUP_COPY_NAME, INDEX_NAME

COPY_BYTES: Final = 16 * MIB  # more than the largest roster, several times
_HASH_BYTES: Final = 32
_DECODER: Final = Decoder(Carried)
_ENCODER: Final = Encoder()


class GroupCopy:
    """Keeps the copy of one running device up to date."""

    def __init__(self, state_dir: str, device: DeviceId) -> None:
        """Nothing is written before the first `refresh`."""
        self._state_dir: Final = state_dir
        self._device: Final = device
        self._seen: tuple[int, ...] = ()
        self._written: Carried | None = None

    def __repr__(self) -> str:
        """Show whether one was written."""
        return f"<GroupCopy: written={self._written is not None}>"

    def refresh(self) -> None:
        """Write the copy if the index says something else; others tell what is wrong with it."""
        path = os.path.join(self._state_dir, INDEX_NAME)
        seen = _changed_at(f"{path}-wal")
        if seen == self._seen:
            return
        with suppress(PotluckError, OSError):
            index = Index.open(path)
            try:
                facts = carried_by(index, self._device)
            finally:
                index.close()
            if facts != self._written and is_member(facts):
                write_copy(self._state_dir, facts)
                self._written = facts
            self._seen = seen


def write_copy(state_dir: str, facts: Carried) -> None:
    """Put a copy in the place of the one there, durable; raises OSError."""
    data = _ENCODER.encode(facts)
    path = os.path.join(state_dir, GROUP_COPY_NAME)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(f"{path}.new", flags, 0o600), "wb") as file:
        file.write(blake3(data).digest() + data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
    folder = os.open(state_dir, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_copy(state_dir: str, device: DeviceId) -> Carried:
    """Return what the copy says of a device; nothing where there is no whole one of it."""
    with suppress(OSError, DecodeError):
        with Path(state_dir, GROUP_COPY_NAME).open("rb") as file:
            held = file.read(COPY_BYTES)
        if blake3(held[_HASH_BYTES:]).digest() == held[:_HASH_BYTES]:
            facts = _DECODER.decode(held[_HASH_BYTES:])
            if facts.device == device:
                return facts
    return Carried(device)


def device_of_home(state_dir: str) -> DeviceId | None:
    """Return which device a home is of, None while it has no key that can be read."""
    with suppress(OSError):
        secret = Path(state_dir, KEY_NAME).read_bytes()
        if len(secret) == SECRET_BYTES:
            return DeviceKey(secret).device
    return None


def _changed_at(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return (0,)
    return found.st_ino, found.st_size, found.st_mtime_ns
