"""The group facts of an index: what no folder and no other device can give back.

Strategy: lists of files follow from the folder and come from the others; who is in the group, its
keys, where the others were, and what this device keeps about itself do not. These are taken out of
an index that is whole, or out of what is left of a damaged one, and put into a new one. Of two such
sets that are not whole (a copy beside the index, and what is left of it) the records are united.

Guarantees: nothing counts in which this device is not a member by signatures that are whole; single
values carry no signature, so they count with such a roster only. What belongs to the lists (`runs`,
numbers, what is held) is not carried over: in a new index it would speak of lists that are not
there. Limits: a value that is damaged in itself, while SQLite finds its page whole, is not noticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from blake3 import blake3
from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder

from potluck.core.errors import Malformed
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceId
from potluck.core.limits import KEY_BYTES
from potluck.core.wire.catalogue import Address, RosterRecord
from potluck.engine.index.database import Row, rows_left
from potluck.engine.index.index import Index

VALUES_CARRIED: Final = frozenset(
    {"group_keys", "out", "others before", "cloned", "kept here", "share", "marked", "mounted"}
    | {"ignore.said", "ignore.whole", "name given", "second steward", "reached", "skipped here"}
)
"""Single values that hold without any list."""
VALUES_ABOUT: Final = ("frost ", "inherited ", "old folder stays ", "former label of ")
"""And the beginnings of those that are about one device each."""
KEYS_OF_GROUP: Final = "group_keys"
"""Under which the keys of the group stand, one behind the other."""
_META: Final = "SELECT key, value FROM meta"
_ROSTER: Final = "SELECT id, digest, record FROM roster"
_ADDRESS: Final = "SELECT device, host, port, seen FROM address"
_RECORD: Final = Decoder(RosterRecord)

AddressRow = tuple[bytes, str, int, int]
"""A device, its host and port, and when it was there, as the index counts."""


class Carried(Struct, frozen=True, forbid_unknown_fields=True):
    """What is carried over."""

    device: bytes  # whose they are
    records: list[RosterRecord] = []
    values: dict[str, bytes] = {}
    addresses: list[AddressRow] = []


def carried_by(index: Index, device: DeviceId) -> Carried:
    """Return those of a whole index; raises IndexDamaged, or DiskTrouble."""
    try:
        records = index.roster.all()
    except DecodeError as error:
        raise index.damage(f"a record of the group cannot be read: {error}") from error
    every = index.meta.beginning_with("")
    values = {key: value for key, value in every.items() if _is_carried(key)}
    return Carried(device, records, values, index.addresses.rows())


def carry_into(index: Index, facts: Carried) -> None:
    """Have an index know these; raises DiskTrouble."""
    index.begin()
    index.roster.replace(facts.records)
    for key, value in facts.values.items():
        index.meta.set(key, value)
    for device, host, port, seen in facts.addresses:
        index.addresses.remember(DeviceId(device), Address(host, port), seen)
    index.commit()


def carried_left(path: str, device: DeviceId) -> tuple[Carried, bool]:
    """Return what is left of them in a damaged file, and whether the roster and values are whole.

    A log of something else may lie beside it: then the file counts as it is without.
    """
    found = [_left(path, device, with_log=with_log) for with_log in (True, False)]
    return next((each for each in found if each[1] and is_member(each[0])), found[0])


def best_of(left: Carried, copied: Carried, *, whole: bool) -> Carried:
    """Return what a new index begins with, without records if this device is in none of them."""
    if whole and is_member(left):
        return with_news(left, copied)
    both = [*copied.records, *(each for each in left.records if each not in copied.records)]
    for records in (both, left.records):
        roster = _roster(device := copied.device, records)
        if roster is not None:
            return Carried(device, roster.kept(), _values(left, copied), copied.addresses)
    return Carried(copied.device)


def with_news(facts: Carried, copied: Carried) -> Carried:
    """Return whole facts with what a copy knows beside them of the same group.

    An index whose log is lost is whole and older than the copy: who was removed since stays so.
    """
    news = [each for each in copied.records if each not in facts.records]
    if not news or facts.records[:1] != copied.records[:1]:
        return facts
    roster = _roster(facts.device, [*facts.records, *news])
    if roster is None:
        return facts
    values = facts.values | _both_keys(copied.values, facts.values)
    return Carried(facts.device, roster.kept(), values, facts.addresses)


def is_member(facts: Carried) -> bool:
    """Say whether the device is in the group that follows from the records."""
    return _roster(facts.device, facts.records) is not None


def _roster(device: bytes, records: Sequence[RosterRecord]) -> Roster | None:
    """Return the roster of these records, None if that is none with this device."""
    if not records:
        return None
    try:
        roster = Roster.replay(records)
    except Malformed:
        return None
    return roster if device in roster.members else None


def _values(left: Carried, copied: Carried) -> dict[str, bytes]:
    """Return the single values: what was read counts only beside a roster with this device.

    A key is told by its hash, so one that the copy had not yet cannot be a wrong one.
    """
    read = left.values if is_member(left) else {}
    return read | copied.values | _both_keys(copied.values, read)


def _both_keys(*values: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the keys that stand in any of these."""
    kept = [each.get(KEYS_OF_GROUP, b"") for each in values]
    keys = [one[at : at + KEY_BYTES] for one in kept for at in range(0, len(one), KEY_BYTES)]
    return {KEYS_OF_GROUP: b"".join(dict.fromkeys(keys))} if keys else {}


def _left(path: str, device: DeviceId, *, with_log: bool) -> tuple[Carried, bool]:
    roster, all_records = rows_left(path, _ROSTER, "id", with_log=with_log)
    meta, all_values = rows_left(path, _META, "key", with_log=with_log)
    addresses, _ = rows_left(path, _ADDRESS, "device, host, port", with_log=with_log)
    records = _whole_records(sorted(row for row in roster if isinstance(row[0], int)))
    values = {
        key: value
        for key, value in meta
        if isinstance(key, str) and isinstance(value, bytes) and _is_carried(key)
    }
    reached = [row for row in addresses if list(map(type, row)) == [bytes, str, int, int]]
    whole = all_records and all_values and len(records) == len(roster)
    return Carried(device, records, values, reached), whole


def _whole_records(rows: Sequence[Row]) -> list[RosterRecord]:
    """Return the records that are what they were when they were written."""
    found = list[RosterRecord]()
    for _, digest, record in rows:
        if isinstance(record, bytes) and blake3(record).digest() == digest:
            found.append(_RECORD.decode(record))
    return found


def _is_carried(key: str) -> bool:
    return key in VALUES_CARRIED or key.startswith(VALUES_ABOUT)
