"""Manifests by number: a small integer for each name, and what is known of it as a whole.

Strategy: a name is 32 bytes and a word; rows of every other table carry the number instead.
Numbers, flags and totals are few and asked for constantly, so all are held in memory and written
through.

Guarantee: the memory is dropped at a rollback, so it never says what the file does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core.content.facts import ManifestName
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder
from potluck.engine.index.database import Database


@dataclass(slots=True)
class Named:
    """One manifest as a whole."""

    name: ManifestName
    number: int
    received: bool  # somebody sent it to us, so the disk has to follow it
    count: int  # live records
    folders: int  # of them
    total_bytes: int  # their sizes together


class Names:
    """Every manifest this device has heard of."""

    def __init__(self, database: Database) -> None:
        """Keep them in this database."""
        self._database = database
        self._named: dict[ManifestName, Named] | None = None

    def __repr__(self) -> str:
        """Return how many are in memory."""
        return f"<Names: {len(self._named or ())} in memory>"

    def find(self, name: ManifestName) -> Named | None:
        """Return what is known of a manifest, or None."""
        return self._all().get(name)

    def make(self, name: ManifestName) -> Named:
        """Return what is known of a manifest, beginning to know it if need be."""
        named = self.find(name)
        if named is None:
            sql = "INSERT INTO manifest (owner, folder) VALUES (?, ?) RETURNING id"
            ((number,),) = self._database.rows(sql, (name.owner, name.folder.value))
            named = Named(name, number, received=False, count=0, folders=0, total_bytes=0)
            self._all()[name] = named
        return named

    def mark_received(self, named: Named) -> None:
        """Note that the disk has to follow this manifest."""
        if not named.received:
            named.received = True
            self._database.run("UPDATE manifest SET received = 1 WHERE id = ?", (named.number,))

    def set_totals(self, named: Named, count: int, folders: int, total_bytes: int) -> None:
        """Note how many live records a manifest has, its folders, and the sizes together."""
        named.count, named.folders, named.total_bytes = count, folders, total_bytes
        values = (count, folders, str(total_bytes), named.number)
        sql = "UPDATE manifest SET count = ?, folders = ?, bytes = ? WHERE id = ?"
        self._database.run(sql, values)

    def forget_memory(self) -> None:
        """Read everything again: the transaction was rolled back."""
        self._named = None

    def _all(self) -> dict[ManifestName, Named]:
        if self._named is None:
            rows = self._database.rows(
                "SELECT id, owner, folder, received, count, folders, bytes FROM manifest"
            )
            named = [
                Named(
                    ManifestName(DeviceId(owner), Folder(folder)), number, received == 1,
                    count, folders, int(size),
                )
                for number, owner, folder, received, count, folders, size in rows
            ]  # fmt: skip
            self._named = {one.name: one for one in named}
        return self._named
