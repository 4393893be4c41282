"""What of an event or effect may be shown to others: its shape, never its names, keys or contents.

Strategy: a walk over the fields of frozen dataclasses and message Structs into plain values for
JSON. Everything that is text or bytes is replaced by a short keyed digest unless its field stands
in `PLAIN`, the list of words that are the program's own; a text with slashes is replaced component
by component. So whatever is added later is hidden until somebody says that it need not be.

Guarantees: equal names have equal digests wherever they stand, as long as the salt is the same, and
without the salt nobody can try names out. Numbers, enums and lengths stay. Long lists are cut.
Limits: sizes and times of files stay readable, as do the port and the order of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Final

from blake3 import blake3

from potluck.core.content.paths import SafePath

SALT_BYTES: Final = 32  # the key of keyed BLAKE3
NAME_DIGEST_BYTES: Final = 4  # of a name: enough to tell thousands apart, short enough to read
LIST_SHOWN: Final = 16  # members of a list; more show nothing new
# fields whose text is one of the program's own words
PLAIN: Final = frozenset({
    "AddAsked.mode", "BulkSearch.reason", "Bye.reason", "CallEnded.reason", "DatagramHeard.way",
    "DialFailed.reason", "Drop.reason", "InterfacesSeen.firewall", "InterfacesSeen.tools",
    "Import.mode", "LinkClosed.reason", "NameRefused.reason", "ShareSeen.reason", "Tell.code",
    "Tell.level", "Unknown.tag",
})  # fmt: skip
# fields that are a path though their type is bytes
PATHS: Final = frozenset({"DeletedPath.path", "FileRecord.path"})


_FIELDS: Final[dict[type, tuple[str, ...]]] = {}  # a cache: classes do not change


def fields_of(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass or Struct; none for anything else."""
    known = _FIELDS.get(kind)
    if known is None:
        known = tuple(getattr(kind, "__struct_fields__", ()))
        if is_dataclass(kind):
            known = tuple(field.name for field in fields(kind))
        _FIELDS[kind] = known
    return known


class Redaction:
    """Hides what belongs to people, with one salt."""

    def __init__(self, salt: bytes) -> None:
        """Take SALT_BYTES random bytes, which are kept to ourselves."""
        self._salt: Final = salt

    def shown(self, value: object, where: str = "") -> object:
        """Return a value for JSON; `where` is the field it stands in, "Class.field"."""
        shown: object = None
        match value:
            case Enum():
                shown = value.value
            case None | bool() | int() | float():
                shown = value
            case str():
                shown = value if where in PLAIN else self._path(value.split("/"))
            case bytes() if where in PATHS:
                shown = self._path(value.decode("utf-8", "replace").split("/"))
            case bytes():
                shown = f"{len(value)}:{self._digest(value)}"
            case SafePath():
                shown = self._path(value.parts)
            case tuple() | list():
                shown = self._members(value, where)
            case _:
                shown = self._object(value)
        return shown

    def _object(self, value: object) -> dict[str, object]:
        kind = type(value)
        shown: dict[str, object] = {"is": kind.__name__}
        for name in fields_of(kind):
            shown[name] = self.shown(getattr(value, name), f"{kind.__name__}.{name}")
        return shown

    def _members(self, values: Sequence[object], where: str) -> list[object]:
        shown = [self.shown(value, where) for value in values[:LIST_SHOWN]]
        if len(values) > LIST_SHOWN:
            shown.append({"more": len(values) - LIST_SHOWN})
        return shown

    def _path(self, parts: Sequence[str]) -> str:
        return "/".join(self._digest(part.encode("utf-8", "replace")) for part in parts if part)

    def _digest(self, data: bytes) -> str:
        return blake3(data, key=self._salt).hexdigest(length=NAME_DIGEST_BYTES)
