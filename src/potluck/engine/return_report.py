"""The return report: what became of the own files that were to be brought back, in one line.

Strategy: what came is counted as it comes. Of what could not be put in its place, since something
stands there, it is not known yet what that is: it may be the very thing that was wanted, as where
a disk that hid it was unmounted. So it is counted once it was looked at and read. What is shared by
then is an edit; anything else is in the way, and is named with what leads on.

Guarantees: what has the wanted content is never called something else, and what has another one
never counts as back. Limits: where nothing is seen that can be shared, it is something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from potluck.core.content.facts import NOTHING, Amount, PlaceRow
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import of_amount, plural, set_off
from potluck.engine.own.in_the_way import in_the_way_words

_SOMETHING: Final = "something else stands there"


class ReturnReport:
    """Counts what came, what was found here again, and where something else stands."""

    def __init__(self) -> None:
        """Count nothing yet."""
        # something stands at these, which nobody looked at yet: where, b"" if that is not known
        self.unclear: dict[bytes, bytes] = {}
        self.in_the_way: set[bytes] = set()  # what is not shared, and keeps out what was wanted
        self._came, self._again = NOTHING, NOTHING
        self._taken = self._kept_out = 0  # by something else that is not known, or is an edit

    def __repr__(self) -> str:
        """Return what was counted."""
        return f"<ReturnReport: {self._came.files} came, {self._again.files} here again>"

    def begin(self) -> None:
        """Count anew."""
        self.unclear.clear()
        self.in_the_way.clear()
        self._came, self._again = NOTHING, NOTHING
        self._taken = self._kept_out = 0

    def on_came(self, records: Iterable[FileRecord]) -> None:
        """These came from the others."""
        self._came = Amount.total([self._came, total_of(records)])

    def on_ended(self, record: FileRecord, stands: PlaceRow | None) -> bytes:
        """This need not come any more; something, or nothing, stands there. Return what keeps it
        out, b"" if that is nothing that is known, or is shared.
        """
        at = self.unclear.pop(record.path, None)
        if is_here(record, stands):
            self._again = Amount.total([self._again, total_of([record])])
        elif at and stands is None:
            self._kept_out += 1
            self.in_the_way.add(at)
            return at
        elif at is not None:
            self._taken += 1
        return b""

    def text(self, top: str) -> str:
        """Return what a person reads of it, "" if there is nothing to say; `top`: what the own
        folder is called.
        """
        if not (self._taken or self._kept_out or self._came != NOTHING or self._again != NOTHING):
            return ""
        parts = list[str]()
        if self._came != NOTHING or self._again == NOTHING:
            parts.append(f"{of_amount(*self._came)} brought back from the other devices")
        if self._again != NOTHING:
            parts.append(f"{of_amount(*self._again)} found here again, as wanted")
        if self._kept_out:
            left, why = plural(self._kept_out, "path"), in_the_way_words(top, self.in_the_way)
            parts.append(f"{left} left alone, since {why}")
        if self._taken:
            parts.append(f"{plural(self._taken, 'path')} left alone, since {_SOMETHING}")
        return f"{set_off(top)}: {'; '.join(parts)}"


def is_here(record: FileRecord, stands: PlaceRow | None) -> bool:
    """Say whether what stands at a path is what is shared there; its time may be another one."""
    if stands is None or stands.kind is not record.kind:
        return False
    return record.kind is Kind.FOLDER or stands.root == record.root


def total_of(records: Iterable[FileRecord]) -> Amount:
    """Return how much these are."""
    every = list(records)
    files = [one for one in every if one.kind is Kind.FILE]
    return Amount(len(files), len(every) - len(files), sum(one.size for one in files))
