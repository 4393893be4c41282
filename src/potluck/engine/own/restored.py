"""What came of a `restore`, in words.

Strategy: pure functions from what the disk did (an Imported) to the reply that a person reads: a
line for each path, and where nothing came why, and what to type. What is not as it came into the
trash can be had by hand. Guarantees: nothing is said to be restored that does not stand in the own
folder now. Limits: of many paths the first ones are named, and of what is to be had by hand one.
"""

from __future__ import annotations

from potluck.core.content.facts import NO_ROOM, OF_THE_DISK
from potluck.core.errors import DiskTrouble, NotFound
from potluck.core.wording import set_off, typable
from potluck.engine.effects import Reply
from potluck.engine.events import Imported

RESTORE = "restore"
"""The mode of an Import whose paths are names of versions (core/content/version_names.py)."""
NOT_IN_TRASH = "the trash here holds no version of it"
TOO_FEW = "the trash here holds no version with that number"
STANDS_ALL = "nothing is missing there: name one file to have it back"
NOT_AS_IT_CAME = "its bytes in the trash here are none that it is known to have had"
NOT_HELD = frozenset({NOT_IN_TRASH, TOO_FEW})
LINES = 20  # of a folder; the rest is counted


def reply_of(command: int, label: str, event: Imported) -> Reply:
    """Return what the person reads who wanted versions back in the folder `label`."""
    came_as = dict(event.instead)
    lines = [_restored(label, name, came_as.get(name), event) for name in event.added]
    lines += [f"{set_off(of)} stands as {set_off(name)} already" for of, name in event.already]
    lines += [f"not restored: {path} ({reason})" for path, reason in event.failed]
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"… and {len(lines) - LINES:,} more"]
    reasons, code, cause, fix = {reason for _, reason in event.failed}, "", "", ""
    if reasons & OF_THE_DISK:
        code = DiskTrouble.code
        fix = "make room on this disk, then try again" if reasons & NO_ROOM else ""
    elif event.changed:
        cause = "the disk damaged it, another program wrote to it, or it is not remembered"
        lies = typable(event.changed[0], "")
        fix = f"to have it as it is: cp -n {lies} ." if lies else "trash"
    elif reasons & NOT_HELD:
        code, fix = NotFound.code, "history"
        cause = "it was mistyped, nothing of it went, or the trash let go of it"
    elif STANDS_ALL in reasons:
        cause, fix = "a folder comes back only as far as something in it is missing", "history"
    text = "\n".join(lines) or "nothing to restore"
    return Reply(command, not event.failed, text, code, cause, fix)


def _restored(label: str, name: str, of: str | None, event: Imported) -> str:
    """Return what became of one version; `of`: the path of somebody else that it is of."""
    if of is not None:
        owner = set_off(of.partition("/")[0])
        came = set_off(f"{label}/{name}")
        return f"restored {set_off(of)} as {came}: the folder of {owner} stays as its owner has it"
    kept = "; what stood there is in the trash now" if name in event.kept else ""
    return f"restored {set_off(f'{label}/{name}')}{kept}"
