"""Small tables about the group: single values, roster records, and where devices were reached.

Strategy: roster records and addresses are sets; adding what is there changes nothing. Addresses are
ordered by a counter that the caller gives (a run number or seconds of its own), never by a clock of
this module; the newest come first.

Limits: at most ADDRESSES_PER_DEVICE addresses are kept for a device, the oldest go. Roster records
are never removed: what is void stays, as core/group judges the whole set.
"""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3
from msgspec.msgpack import Decoder

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, RosterRecord, encode
from potluck.engine.index.database import Database

_ROSTER_RECORD = Decoder(RosterRecord)


class Meta:
    """Single values by name."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database
        self.undone = 0  # how often something may have been taken back, with its transaction

    def forget_memory(self) -> None:
        """What was set last was perhaps never set: the transaction was rolled back."""
        self.undone += 1

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None."""
        rows = self._database.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return next((value for (value,) in rows), None)

    def set(self, key: str, value: bytes) -> None:
        """Put the value of a key."""
        self._database.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def remove(self, key: str) -> None:
        """Have no value for a key."""
        self._database.run("DELETE FROM meta WHERE key = ?", (key,))

    def beginning_with(self, prefix: str) -> dict[str, bytes]:
        """Return the values whose keys begin so, by what follows in the key."""
        sql = "SELECT key, value FROM meta WHERE substr(key, 1, ?) = ? ORDER BY key"
        rows = self._database.rows(sql, (len(prefix), prefix))
        return {key[len(prefix) :]: value for key, value in rows}


class RosterTable:
    """The set of all roster records, valid or not."""

    def __init__(self, database: Database) -> None:
        """Keep it in this database."""
        self._database = database

    def add(self, record: RosterRecord) -> bool:
        """Put a record into the set and say whether it is new."""
        encoded = encode(record)
        sql = "INSERT OR IGNORE INTO roster (digest, record) VALUES (?, ?)"
        return self._database.run(sql, (blake3(encoded).digest(), encoded)) == 1

    def replace(self, records: Iterable[RosterRecord]) -> None:
        """Put this set in place of the one here: a provisional group dissolved into another."""
        self._database.run("DELETE FROM roster")
        for record in records:
            self.add(record)

    def all(self) -> list[RosterRecord]:
        """Return every record, in the order they came."""
        rows = self._database.rows("SELECT record FROM roster ORDER BY id")
        return [_ROSTER_RECORD.decode(encoded) for (encoded,) in rows]


class Addresses:
    """Where devices were linked, and listen; hints that outlive a restart."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database

    def remember(self, device: DeviceId, address: Address, seen: int) -> None:
        """Note that a device listens there as of `seen`, a counter that never falls."""
        self._database.run(
            "INSERT OR REPLACE INTO address VALUES (?, ?, ?, ?)",
            (device, address.host, address.port, seen),
        )
        self._database.run(
            "DELETE FROM address WHERE device = ?1 AND (host, port) NOT IN"
            " (SELECT host, port FROM address WHERE device = ?1"
            " ORDER BY seen DESC, host, port LIMIT ?2)",
            (device, limits.ADDRESSES_PER_DEVICE),
        )

    def of(self, device: DeviceId) -> list[Address]:
        """Return the addresses of a device, the last one that worked first."""
        rows = self._database.rows(
            "SELECT host, port FROM address WHERE device = ? ORDER BY seen DESC, host, port",
            (device,),
        )
        return [Address(host, port) for host, port in rows]

    def rows(self) -> list[tuple[bytes, str, int, int]]:
        """Return all that `remember` was told and still counts."""
        sql = "SELECT device, host, port, seen FROM address ORDER BY device, host, port"
        return [(device, host, port, seen) for device, host, port, seen in self._database.rows(sql)]

    def all(self) -> dict[DeviceId, list[Address]]:
        """Return the addresses of every device, the last one that worked first."""
        rows = self._database.rows(
            "SELECT device, host, port FROM address ORDER BY device, seen DESC, host, port"
        )
        found: dict[DeviceId, list[Address]] = {}
        for device, host, port in rows:
            found.setdefault(DeviceId(device), []).append(Address(host, port))
        return found
