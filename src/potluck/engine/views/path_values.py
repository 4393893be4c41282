"""What faces are shown of one path: what is known of it, and why it is not in sync.

Strategy: as in values.py, the field names are the local API's (docs/faces.md). Guarantee: nothing
in a value is alive, and every number fits JSON. Limits: what a field means is summed up in
explaining.py and the modules beside it.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from potluck.engine.views.values import EntryView

ROOT_DIGITS: Final = 16  # of a content's name, as people are shown it


class CopyView(Struct, frozen=True):
    """What is known of one other device's copy of a path."""

    label: str
    known: str  # "all": it has it; "lacks", "unknown" or "away"
    last_word: str  # of who is away: what followed from its last word, in the same words
    why: str  # "" if it has it


class CopyCount(Struct, frozen=True):
    """On how many devices a path is known to be now."""

    on: int  # this one too, if it is here
    devices: int  # of the group, with this one; 0: there is more in it than is looked at
    alone: str  # "only": it is here and every other device said to lack it; "known": nobody is
    # known to have it but this one; else ""


class CopiedEntry(EntryView, frozen=True, kw_only=True):
    """What stands directly in a folder, with its copies."""

    on: int
    devices: int  # 0: not known
    alone: str


class InfoView(Struct, frozen=True):
    """What is known of one file, or of a folder with all that is in it."""

    path: str
    known: bool  # False: nobody shares a thing of that path
    kind: str = ""
    owner: str = ""
    mine: bool = False  # it is in this device's own folder
    files: int = 0
    folders: int = 0  # below it
    size: int = 0
    counted: bool = True  # False: there is more in it than was looked at
    mtime_ns: int | None = None  # of a file
    root: str = ""
    here: bool = False  # all of it
    stands: bool | None = True  # False: the file is not here at all; None: not known now
    copies: list[CopyView] = []  # one for each other device
    on: int = 0  # devices that are known to have it now, this one too if it is here
    devices: int = 0  # of the group, with this one
    safe: bool = False  # to remove it here
    safe_why: str = ""
    skipped: bool = False  # a person does not want it here
    removed: bool = False  # since it was removed here
    untold: str = ""  # what of mine stands here instead, or was done here, and waits to be told
    unshared: str = ""  # of what is not known: why what stands there is not shared, if that is
    unshared_command: str = ""  # what shares it, or shows it, in a shell


class ReasonView(Struct, frozen=True):
    """One reason why something is not in sync, or one thing to know beside."""

    kind: str  # a stable name: engine/views/reasons.py
    path: str  # the first it is about; "" for all of the share
    more: int  # paths that it is about beside that one
    text: str
    since_s: float | None  # how long it lasts, as far as it is known
    next_s: float | None  # in how long it is tried again
    command: str
    open: bool  # False: something to know, nothing is waited for


class WhyView(Struct, frozen=True):
    """Everything that keeps a path, or what is below it, from being in sync."""

    path: str  # "" for all of the share
    known: bool  # False: nothing is known of such a path
    in_sync: bool
    state: str  # "in_sync", "busy" or "trouble"
    text: str  # what being in sync means here; "" if it is not
    reasons: list[ReasonView]
    more: int  # that are not listed
    unshared: str = ""  # of what is not known: why what stands there is not shared, if that is
    unshared_command: str = ""  # what shares it, or shows it, in a shell


class FormerVersion(Struct, frozen=True):
    """A file that this device shared at a path before."""

    path: str  # below Shared/
    size: int
    mtime_ns: int


class FormerPage(Struct, frozen=True):
    """Those of a path and of what is below it, the last first."""

    versions: list[FormerVersion]
    complete: bool  # False: there are more
