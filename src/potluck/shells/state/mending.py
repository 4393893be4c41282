"""Mending: a damaged index is put aside, and a new one begins with what makes this device a member.

Strategy: before a start believes the index it is opened and its group is read. A file that SQLite
does not take or that has not its tables, a folder in its place, one that is empty although this
device was in a group, and one in which another device is the member are damaged; so is one that
says that it is another device's, and one of which SQLite said so while the program ran. Where there
is none, or one of no length, although this device was in a group, it is missing: a new one begins,
and nothing is put aside. What is left of the group facts of a damaged one is read
(engine/index/carried.py), united with the copy beside it (group_copy.py) and written there; then
the files get dated names, the index before its log, and a new index begins with these facts. All
else comes again: own files from the folder, the lists of others from them (docs/protocol.md §6,
lost states).

Guarantees: no file of FOLDER is touched, and the damaged index is kept. A mending that is cut off
is done again by the next start, since the copy was written first. Where an index is damaged again
and again no new one is begun. The next start tells what was done. Limits: a start that is cut off
while it begins a missing one leaves one that the next puts aside. `DAMAGED_KEPT` damaged ones are
kept, and every folder; a page that is damaged and never read is not noticed; where neither file nor
copy gives the roster back, this device is alone and has to be let in again.
"""

from __future__ import annotations

import os
import shlex
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from potluck.core.content.paths import printable
from potluck.core.errors import DiskTrouble, IndexDamaged
from potluck.core.keys.identity import DeviceId
from potluck.engine.effects import Tell
from potluck.engine.index import Index
from potluck.engine.index.carried import (
    KEYS_OF_GROUP,
    Carried,
    best_of,
    carried_by,
    carried_left,
    carry_into,
    is_member,
    with_news,
)
from potluck.shells.loop.people import warning
from potluck.shells.state.group_copy import device_of_home, read_copy, write_copy
from potluck.shells.state.kept_beside import check_whole
from potluck.shells.state.private_home import DAMAGED, INDEX_NAME, INDEX_PARTS, make_private

DAMAGED_KEPT: Final = 3
DAMAGED_AGAIN_S: Final = 3_600.0  # so many within this time: no new index helps against that
_MENDED: Final = "mended"  # in the new index: under which name the damaged one is kept, if any
_ANEW: Final = "is built anew from the folder and from the others; no file was touched"
_WAS: Final = "mended was"  # in the new index: what was wrong with that one
_DAMAGED, _OF_ANOTHER = "damaged", "that of another device"
_WHOSE: Final = "whose index"  # in the index: the id of its device
_OUT: Final = "out"  # in the index: this device is in its group no more (membership.py)


class _IndexOfAnother(IndexDamaged):
    """It says that it is another device's."""


def mend(state_dir: str, found: IndexDamaged | None = None) -> bool:
    """Begin a new index if that of a claimed home is damaged or missing; say whether that was so.

    `found`: a run has found out that it is. Raises DiskTrouble if it cannot be done, Refused where
    an identity is half restored.
    """
    check_whole(state_dir)
    path, device = os.path.join(state_dir, INDEX_NAME), device_of_home(state_dir)
    owner = device if device is not None else DeviceId(b"")
    _finish_putting_aside(path)
    _check_link(path)
    copied = read_copy(state_dir, owner)
    if found is None and copied.records and _is_missing(path):
        make_private(state_dir)
        _begin_anew(path, best_of(Carried(owner), copied, whole=False), "", "")
        return True
    why = found if found is not None else _damage(path, owner, copied)
    if why is None:
        _catch_up(path, owner, copied)
        return False
    recent = _recently_damaged(state_dir)
    if recent >= DAMAGED_KEPT:
        raise DiskTrouble(
            f"The index was damaged {recent + 1} times within an hour.",
            f"{why.cause}; the disk of {printable(state_dir)}, or the memory, fails",
            "look at both: dmesg; then start potluck again in an hour",
        )
    is_of_another = isinstance(why, _IndexOfAnother)
    left, whole = carried_left(path, owner)
    if is_of_another:
        left, whole = _of_group(left, copied), False
    facts = best_of(left, copied, whole=whole)
    try:
        if facts.records:
            write_copy(state_dir, facts)
        kept = _put_aside(path)
        make_private(state_dir)
        _begin_anew(path, facts, kept, _OF_ANOTHER if is_of_another else _DAMAGED)
        _forget_oldest(state_dir, kept)
    except OSError as error:
        raise DiskTrouble(
            "The index is damaged, and no new one could be begun.",
            f"{printable(str(error.filename or path))}: {error.strerror or error}",
            f"see to the disk and the rights of {printable(state_dir)}, then start potluck again",
        ) from error
    return True


def mended_notice(index: Index, state_dir: str) -> Tell | None:
    """Return what a person is told of a mending, once."""
    kept = index.meta.get(_MENDED)
    if kept is None:
        return None
    index.begin()
    was = (index.meta.get(_WAS) or _DAMAGED.encode()).decode()
    index.meta.remove(_MENDED)
    index.meta.remove(_WAS)
    index.commit()
    where = printable(state_dir)
    if kept:
        text = f"the index was {was} and {_ANEW}; the one that was there is kept as"
        text += f" {kept.decode()} in {where}"
    else:
        text = f"the index was missing in {where} and {_ANEW}"
        before = [each.name for each in _kept(state_dir)]
        text += f"; one that was damaged before is kept as {before[-1]} there" if before else ""
    if not index.roster.all():
        text += "; to which group this device belonged could not be read: join it again"
    return warning("index_mended", text)


def note_whose(index: Index, device: DeviceId) -> None:
    """Have an index that is believed and does not say whose it is say so, if its disk takes that;
    raises IndexDamaged.
    """
    if index.meta.get(_WHOSE) is not None:
        return
    try:
        index.begin()
        index.meta.set(_WHOSE, device)
        index.commit()
    except IndexDamaged:
        raise
    except DiskTrouble:  # the next start says it; what is wrong with the disk others tell
        index.rollback()


def _check_link(path: str) -> None:
    """Raise DiskTrouble where the index is a link that leads nowhere, perhaps to an absent disk."""
    if Path(path).is_symlink() and not os.path.exists(path):
        raise DiskTrouble(
            "the index cannot be opened",
            f"{printable(path)} is a link to {printable(os.readlink(path))}, where nothing is",
            f"ls -la {shlex.quote(os.path.dirname(path))}",
        )


def _is_missing(path: str) -> bool:
    """Say whether there is no index, or a file with nothing in it."""
    try:
        found = os.lstat(path)
    except OSError as error:  # any other one is told by whoever opens it
        return isinstance(error, FileNotFoundError)
    return stat.S_ISREG(found.st_mode) and not found.st_size


def _damage(path: str, device: DeviceId, copied: Carried) -> IndexDamaged | None:
    """Return what is wrong with an index before it is believed; raises DiskTrouble."""
    if Path(path).is_dir():
        return IndexDamaged(cause=f"{path}: it is a folder")
    try:
        index = Index.open(path)
        try:
            facts, whose = carried_by(index, device), index.meta.get(_WHOSE)
        finally:
            index.close()
    except IndexDamaged as error:
        return error
    if device and whose is not None and len(whose) == len(device) and whose != device:
        return _IndexOfAnother(cause=f"{path}: it is {_OF_ANOTHER}")
    wrong = _wrong_facts(facts, copied)
    return IndexDamaged(cause=f"{path}: it is {wrong}") if wrong else None


def _of_group(left: Carried, copied: Carried) -> Carried:
    """Return what the index of another member has for this device, too: what it says of its own
    device is not true of this one.
    """
    if copied.records:
        return Carried(left.device)
    keys = {key: value for key, value in left.values.items() if key == KEYS_OF_GROUP}
    return Carried(left.device, left.records, keys, left.addresses)


def _wrong_facts(facts: Carried, copied: Carried) -> str:
    """Return what is wrong with what a whole index says of the group, "" for nothing."""
    if not copied.records or facts.records == copied.records or facts.values.get(_OUT):
        return ""
    if not facts.records:
        return "empty"
    return "" if is_member(facts) or not is_member(copied) else "not that of this device"


def _catch_up(path: str, device: DeviceId, copied: Carried) -> None:
    """Have a whole index know what the copy knows of the same group; raises DiskTrouble.

    Where the log of an index is lost SQLite takes the file as it was before, and says nothing.
    """
    if not copied.records:
        return
    index = Index.open(path)
    try:
        facts = carried_by(index, device)
        newer = facts if facts.values.get(_OUT) else with_news(facts, copied)
        if newer != facts:
            carry_into(index, newer)
    finally:
        index.close()


def _put_aside(path: str) -> str:
    """Give the damaged files dated names; return that of the index. Raises OSError.

    The index goes first: without what is in its log it would be whole, perhaps, and an old one.
    """
    seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
    mark = f"{DAMAGED}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(seconds))}-{nanos:09}"
    for part in ("", *INDEX_PARTS):
        with suppress(FileNotFoundError):
            os.rename(f"{path}{part}", f"{path}{mark}{part}")
    return f"{INDEX_NAME}{mark}"


def _finish_putting_aside(path: str) -> None:
    """Give what an interrupted mending left of the index the name that the rest has already."""
    kept = _kept(os.path.dirname(path))
    if kept and not os.path.lexists(path):
        for part in INDEX_PARTS:
            if not os.path.lexists(f"{kept[-1]}{part}"):
                with suppress(FileNotFoundError):
                    os.rename(f"{path}{part}", f"{kept[-1]}{part}")


def _begin_anew(path: str, facts: Carried, kept: str, was: str) -> None:
    """Make the new index; what it is in the middle of when it is cut off, the copy has.

    `kept`: under which name the one before is kept, empty where there was none; `was`: what was
    wrong with it.
    """
    index = Index.open(path)
    try:
        carry_into(index, facts)
        index.begin()
        index.meta.set(_MENDED, kept.encode())
        index.meta.set(_WAS, was.encode())
        index.commit()
    finally:
        index.close()


def _kept(state_dir: str) -> list[Path]:
    """Return the damaged ones, the oldest first."""
    found = Path(state_dir).glob(f"{INDEX_NAME}{DAMAGED}-*")
    return sorted(each for each in found if not each.name.endswith(INDEX_PARTS))


def _recently_damaged(state_dir: str) -> int:
    """Count those of the last hour, by when they were put aside."""
    now, count = time.time(), 0
    for each in _kept(state_dir):
        with suppress(OSError):
            count += 0 <= now - each.lstat().st_ctime < DAMAGED_AGAIN_S
    return count


def _forget_oldest(state_dir: str, newest: str) -> None:
    """Remove all but the last ones; dates decide that, but never about the newest."""
    others = [each for each in _kept(state_dir) if each.name != newest and not each.is_dir()]
    for old in others[: 1 - DAMAGED_KEPT]:
        for part in (*INDEX_PARTS, ""):
            with suppress(FileNotFoundError):
                os.unlink(f"{old}{part}")
