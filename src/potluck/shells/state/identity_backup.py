"""Identity backup: what makes a device this one, in one locked file, and back from it.

Strategy: the file holds the device key and, for each device of the group to be known at once, the
records of the group as they stand, and its keys; not the files and not what is known of them, which
come from the others. It is locked by a passphrase (core/keys/locked.py). To restore is to write the
same into a home that no potluck runs on: all of it is written under other names first, and then
what was there and what is to be there are renamed, the key last.

Guarantees: the file is 0600, never replaces another one, and is never written where it would be
shared. A home that has a key keeps it unless that is forced, and then it is kept beside
(shells/state/kept_beside.py), and so is the index. A
restore that fails leaves the home the device that it was; one that is cut off leaves a home on
which no device starts before it is done again. Nothing secret is in an error. Limits: records that
came after the backup come from the others; two machines that run with one identity at the same time
disturb each other, and nothing here can see that.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from potluck.core.content.paths import printable
from potluck.core.errors import DiskTrouble, IndexDamaged, Malformed, NotFound, Refused
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceKey, short_id
from potluck.core.keys.locked import LOCK_NONCE_BYTES, LOCK_SALT_BYTES, lock, unlock
from potluck.core.limits import MIB
from potluck.core.wire.catalogue import RosterRecord
from potluck.core.wire.framing import decoded
from potluck.engine.group.membership import OUT
from potluck.engine.index import Index
from potluck.shells.state.group_copy import device_of_home, read_copy
from potluck.shells.state.home import KEY_NAME, SECRET_BYTES, claim_home, device_secret
from potluck.shells.state.kept_beside import has_identity, keep_beside, move
from potluck.shells.state.private_home import (
    INDEX_NAME,
    INDEX_PARTS,
    RESTORING,
    OpenedHome,
    make_private,
)
from potluck.shells.state.shared_place import is_shared_place

BACKUP_BYTES: Final = 16 * MIB  # more than the largest roster, several times
_GROUP_KEYS: Final = "group_keys"  # the key under which the index has them
_RESTORE: Final = "potluck restore-identity FILE"


class IdentityFile(Struct, frozen=True, forbid_unknown_fields=True):
    """What is locked in a backup."""

    secret: bytes  # of the device key
    records: list[RosterRecord]  # of the group, in the order that is its memory
    group_keys: bytes  # as the index has them; empty: there are none but the first


class Known(NamedTuple):
    """What a backup is of, for people."""

    device: str  # short id
    label: str  # "" if it is in no group
    group: str  # its name, "" if there is none
    devices: int  # in it


class Restored(NamedTuple):
    """What a restore has done."""

    known: Known
    was_open: OpenedHome  # to others
    kept: tuple[str, ...]  # names in the home, of what it was before


_DECODER: Final = Decoder(IdentityFile)
_ENCODER: Final = Encoder()


def back_up(state_dir: str, path: str, passphrase: bytes) -> Known:
    """Write the identity of a home to a file; raises NotFound, Refused or DiskTrouble."""
    if not os.path.exists(os.path.join(state_dir, KEY_NAME)):
        raise NotFound(
            f"There is no identity in {printable(state_dir)}.",
            "potluck never ran with that home",
            "potluck up",
        )
    if os.path.lexists(path):
        raise _is_there(path)
    _check_not_shared(path)
    secret = device_secret(state_dir)
    records, keys, is_out = _of_index(state_dir)
    if is_out:
        raise Refused(
            f"The identity in {printable(state_dir)} was given up.",
            "it is out of its group, or another machine goes on with it",
            "potluck up",
        )
    known = _known(secret, records)
    held = _ENCODER.encode(IdentityFile(secret, records, keys))
    salt, nonce = secrets.token_bytes(LOCK_SALT_BYTES), secrets.token_bytes(LOCK_NONCE_BYTES)
    try:
        _write_new(path, lock(passphrase, held, salt, nonce))
    except FileExistsError as error:
        raise _is_there(path) from error
    except OSError as error:
        what = f"{printable(path)} cannot be written: {error.strerror or error}."
        why = "its folder, its rights or its disk"
        raise DiskTrouble(what, why, "name another file") from error
    return known


def identity_in(state_dir: str) -> Known | None:
    """Return which device that home is of, None if of none; raises Refused or DiskTrouble.

    One that was given up is none: the next start makes a new one.
    """
    if not os.path.exists(os.path.join(state_dir, KEY_NAME)):
        return None
    records, _, is_out = _of_index(state_dir)
    return None if is_out else _known(device_secret(state_dir), records)


def restore(state_dir: str, path: str, passphrase: bytes, *, force: bool) -> Restored:
    """Make a home the device of a backup; raises NotFound, Refused or DiskTrouble."""
    held = _opened(path, passphrase)
    was_open = make_private(state_dir)
    claim = claim_home(state_dir)  # AlreadyRunning while one runs
    try:
        if not force and has_identity(state_dir):
            raise Refused(
                f"The home {printable(state_dir)} has an identity already.",
                "a home is one device",
                "choose another with --home DIR; or --force, which keeps the old one beside",
            )
        kept = _put_in_place(state_dir, held)
    finally:
        claim.release()
    return Restored(_known(held.secret, held.records), was_open, kept)


def _put_in_place(state_dir: str, held: IdentityFile) -> tuple[str, ...]:
    """Write an identity and let it take the place of the one there; return what that is called."""
    index, key = (os.path.join(state_dir, name) for name in (INDEX_NAME, KEY_NAME))
    try:
        was_cut_off = os.path.lexists(f"{key}{RESTORING}")
        _drop_prepared(state_dir, also_key=False)
        with ExitStack() as undo:
            undo.callback(_drop_prepared, state_dir, also_key=not was_cut_off)
            _write_index(f"{index}{RESTORING}", held)
            _write_new(f"{key}{RESTORING}.new", held.secret)
            os.replace(f"{key}{RESTORING}.new", f"{key}{RESTORING}")
            kept = keep_beside(state_dir, undo)
            for part in (*INDEX_PARTS, ""):
                with suppress(FileNotFoundError):
                    move(f"{index}{RESTORING}{part}", f"{index}{part}", undo)
            move(f"{key}{RESTORING}", key, undo)
            _sync_folder(key)
            undo.pop_all()
    except OSError as error:
        raise DiskTrouble(
            f"The identity was not restored in {printable(state_dir)}.",
            f"{printable(str(error.filename or state_dir))}: {error.strerror or error}",
            f"see to the disk and to the rights of that home, then once more: {_RESTORE} --force",
        ) from error
    return kept


def _drop_prepared(state_dir: str, *, also_key: bool) -> None:
    """Remove what was written for a restore; the key, which no start overlooks, not where an index
    would be left without its own.
    """
    index, key = (os.path.join(state_dir, name) for name in (INDEX_NAME, KEY_NAME))
    prepared = [f"{index}{RESTORING}{part}" for part in ("", *INDEX_PARTS)]
    for path in (*prepared, f"{key}{RESTORING}.new"):
        with suppress(FileNotFoundError):
            os.unlink(path)
    if also_key and (os.path.lexists(key) or not has_identity(state_dir)):
        with suppress(FileNotFoundError):
            os.unlink(f"{key}{RESTORING}")


def _of_index(state_dir: str) -> tuple[list[RosterRecord], bytes, bool]:
    """Return the roster, the keys of the group, and whether this identity was given up."""
    path = os.path.join(state_dir, INDEX_NAME)
    if not os.path.exists(path):
        return [], b"", False
    try:
        index = Index.open(path)
        try:
            keys = index.meta.get(_GROUP_KEYS) or b""
            return index.roster.all(), keys, bool(index.meta.get(OUT))
        finally:
            index.close()
    except IndexDamaged:  # the next start begins with the copy as well
        device = device_of_home(state_dir)
        facts = None if device is None else read_copy(state_dir, device)
        if facts is None or not facts.records:
            raise
        return facts.records, facts.values.get(_GROUP_KEYS, b""), bool(facts.values.get(OUT))


def _write_index(path: str, held: IdentityFile) -> None:
    """Write a new index with that group; raises OSError or DiskTrouble."""
    _write_new(path, b"")  # SQLite takes the rights of that file for those it makes beside it
    index = Index.open(path)
    try:
        index.begin()
        index.roster.replace(held.records)
        if held.group_keys:
            index.meta.set(_GROUP_KEYS, held.group_keys)
        index.commit()
    finally:
        index.close()


def _opened(path: str, passphrase: bytes) -> IdentityFile:
    try:
        with Path(path).open("rb") as file:
            locked = file.read(BACKUP_BYTES + 1)
    except FileNotFoundError as error:
        what = f"There is no file {printable(path)}."
        raise NotFound(what, "its name was mistyped", _RESTORE) from error
    except OSError as error:
        what = f"{printable(path)} cannot be read: {error.strerror}."
        raise DiskTrouble(what, "it is no file, or it is not yours", _RESTORE) from error
    try:
        held = decoded(_DECODER, unlock(passphrase, locked), BACKUP_BYTES)
    except Malformed as error:
        raise Refused(
            f"{printable(path)} was not opened.",
            error.what if error.cause == "" else error.cause,
            "type the passphrase of that backup, or use another copy of it",
        ) from error
    if len(held.secret) != SECRET_BYTES:
        what = f"{printable(path)} holds no identity."
        raise Refused(what, "it was written by something else", _RESTORE)
    return held


def _known(secret: bytes, records: list[RosterRecord]) -> Known:
    me = DeviceKey(secret).device
    roster = None
    with suppress(Malformed, ValueError):
        roster = Roster.replay(records)
    if roster is None or me not in roster.members:
        return Known(short_id(me), "", "", 0)
    return Known(short_id(me), roster.members[me].label, roster.name, len(roster.members))


def _write_new(path: str, data: bytes) -> None:
    """Write a file of ours alone, durable, where none is; raises OSError and leaves none then."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path)
    except OSError:
        with suppress(OSError):
            os.unlink(path)  # half of it is none
        raise


def _sync_folder(path: str) -> None:
    """Make the name of that file durable; raises OSError."""
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_not_shared(path: str) -> None:
    """Refuse a place below `Shared/` of any share; raises Refused."""
    if is_shared_place(path):
        raise Refused(
            f"{printable(path)} is in a folder that is shared.",
            "everybody in the group would get the backup, and could try passphrases",
            "name a file that is not below Shared/",
        )


def _is_there(path: str) -> Refused:
    what = f"{printable(path)} is there already."
    return Refused(what, "a backup never replaces a file", "name another")
