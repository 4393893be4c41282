"""The `.potluckignore` of the own folder: which of the texts that were read there count.

Strategy: every walk reads the file and is told what it is expected to say. Says it something else,
nothing is looked at, and two seconds later the next walk is told to expect that: if it still stands
there it counts, else it is waited for once more. So neither an editor that empties a file before it
writes, nor one that replaces it, shares what was not shared, or deletes what was. A text without a
fault counts alone. One with lines that cannot be understood counts beside the last one without:
what was ignored stays ignored until a person has mended it.

Guarantees: a file that cannot be read, is too large or no file changes nothing, also not in a later
run: the texts are kept in the index. Faults are told once, by line, and stay in the register until
they are mended. Limits: a file that is written without pause keeps the own folder from being looked
at, and the device `busy`; with the index the last rules are lost, so where one cannot be read after
that, none count.
"""

from __future__ import annotations

import shlex

from potluck.core.content.ignore_rules import IGNORE_FILE
from potluck.core.wording import set_off
from potluck.engine.folder_facts import IgnoreFileSeen
from potluck.engine.index.group import Meta
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

RULES_SETTLE_S = 2.0  # a text must stand so long: editors that write a file in two steps take less
SAID = "ignore.said"  # the key of what it said last, in the index
WHOLE = "ignore.whole"  # and of what it said last without a fault


class IgnoreFile:
    """What counts of it."""

    def __init__(self, node: Node) -> None:
        """Know what the index knows."""
        self._node = node
        meta = node.index.meta
        self._said = meta.get(SAID) or b""
        self._whole = meta.get(WHOLE) or b""
        self._new: IgnoreFileSeen | None = None  # what it says now, and may say in two seconds
        self._settled_s = 0.0
        self._faults: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return how much counts, and whether that changes."""
        return f"<IgnoreFile {len(self._said)} bytes changing={self._new is not None}>"

    @property
    def rules(self) -> tuple[bytes, ...]:
        """What the next walk goes by: first what it is to expect."""
        if self._new is not None and self._new.text is not None:
            said, beside = self._new.text, self._whole if self._new.faults else self._new.text
        else:
            said, beside = self._said, self._whole
        texts = (said,) if said == beside else (said, beside)
        # a walk says nothing of a file that is not there, unless there is something to say
        awaited = self._new is not None or self._said or self._faults
        return texts if awaited or any(texts) else ()

    @property
    def waits(self) -> bool:
        """Whether nothing may be looked at: it said something new a moment ago."""
        return self._new is not None and self._node.now < self._settled_s

    @property
    def changes(self) -> bool:
        """Whether it said something new that does not count yet."""
        return self._new is not None

    def deadline(self) -> float | None:
        """Return when it may be read again."""
        return self._settled_s if self.waits else None

    def clear(self) -> None:
        """What it said may have been in another folder."""
        self._new = None

    def on_seen(self, seen: IgnoreFileSeen) -> bool:
        """A walk read it; return whether it went by what counts, else nothing was looked at."""
        expected = self._said if self._new is None else self._new.text
        if seen.text is None and self._new is not None:
            self._new = None  # the walk went by rules that do not count yet
            return False
        if seen.text is not None and seen.text != expected:
            self._new, self._settled_s = seen, self._node.now + RULES_SETTLE_S
            return False
        self._note(seen)
        if self._new is not None:
            self._keep(self._new)
        return True

    def _keep(self, seen: IgnoreFileSeen) -> None:
        """It counts from now on, also in a later run."""
        meta, self._new, self._said = self._node.index.meta, None, seen.text or b""
        meta.set(SAID, self._said)
        if not seen.faults:
            self._whole = self._said
            meta.set(WHOLE, self._whole)

    def _note(self, seen: IgnoreFileSeen) -> None:
        """Say what is wrong with it, unless that was said."""
        if seen.faults == self._faults:
            return
        node, self._faults = self._node, seen.faults
        subject = f"{node.own_label}/{IGNORE_FILE}"
        node.troubles.clear_kind(TroubleKind.IGNORE_FILE)
        if not seen.faults:
            return
        where = shlex.quote(f"{node.settings.folder}/Shared/{subject}")
        what = "the rules before count on" if seen.text is None else "its other lines count"
        also = "" if seen.text is None else ", and so do the last rules without a fault"
        more = f" and {len(seen.faults) - 1} more" if len(seen.faults) > 1 else ""
        reason = f"{seen.faults[0]}{more}; {what}{also}"
        command = f"ls -la {where}" if seen.text is None else f"cat -n {where}"
        trouble = Trouble(TroubleKind.IGNORE_FILE, subject, reason, command, node.now, None)
        node.troubles.note(trouble)
        text = f"not understood: {set_off(subject)} ({reason}); try: {command}"
        node.tell("ignore_file", text, level="warning", subject=subject, command=command)


def counted_rules(meta: Meta) -> tuple[bytes, ...]:
    """Return the texts that count, as the last walk that went by them left them in the index."""
    texts = (meta.get(SAID) or b"", meta.get(WHOLE) or b"")
    return tuple(dict.fromkeys(text for text in texts if text))
