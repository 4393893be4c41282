"""Versions over the local API: what the trash here holds, and having some of it back.

Strategy: the trash folder itself is read, by the thread that asks, so a lost index hides nothing
and the loop is not kept from its work. What is to be brought back goes the way of `add`: the engine
says whether that may be now and where, a disk thread does it, and its Reply comes back.

Guarantees: every call is thread-safe and takes at most ten seconds; an answer that is not all of it
says so. Limits: what other devices hold in their trash nobody knows here; of the own folder it is
remembered what they may hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from potluck.core.content.paths import SafePath
from potluck.core.content.version_names import parse_version
from potluck.core.errors import (
    ERRORS_BY_CODE,
    DiskTrouble,
    NotFound,
    PotluckError,
    Refused,
    TimedOut,
    UnsafePath,
)
from potluck.engine.effects import Reply
from potluck.engine.events import AddAsked
from potluck.engine.own.restored import RESTORE
from potluck.shells.api.commands import Commands
from potluck.shells.disk.fsops import Share, reason_of
from potluck.shells.disk.trash_days import day_now
from potluck.shells.disk.trash_layout import Top, Why
from potluck.shells.disk.trash_walk import KeptFile, came_ns, numbered_versions, versions_below
from potluck.shells.loop.loop import Loop

VERSIONS_MAX: Final = 10_000  # of one answer: about 1.5 MB
RESTORE_S: Final = 9.0  # longest wait for an answer: server.py promises ten
_NS_A_S: Final = 1e9
_Numbered = tuple[int, SafePath, KeptFile]


class TrashVersions:
    """Looks into the trash of a running program."""

    def __init__(self, commands: Commands, former: Callable[[str], dict[str, Any]]) -> None:
        """Nothing is known before `attach`; `former` knows what this device shared before."""
        self._commands: Final = commands
        self._former: Final = former
        self._loop: Loop | None = None
        self._share: Share | None = None

    def __repr__(self) -> str:
        """Show whose trash it is."""
        return f"<TrashVersions of {self._share!r}>"

    def attach(self, loop: Loop, share: Share) -> None:
        """Look into the trash of this share from now on."""
        self._loop, self._share = loop, share

    def trash(self, path: str, limit: int) -> dict[str, Any]:
        """Return the newest versions of `path` and of what is below it: {versions, more, …}.

        Raises PotluckError.
        """
        return self._answer(path, limit)[0]

    def history(self, path: str, limit: int) -> dict[str, Any]:
        """Return the same, and what the trash of others may hold of the own folder: `elsewhere`.

        Raises PotluckError.
        """
        answer, each = self._answer(path, limit)
        former = self._former(str(_parsed(path)) if path else "")
        elsewhere = numbered_after(each, former["versions"])
        shown = elsewhere[: max(0, min(limit, VERSIONS_MAX))]
        more = len(elsewhere) - len(shown)
        known = {"elsewhere": shown, "elsewhere_more": more, "remembered": former["complete"]}
        return {**answer, **known}

    def _answer(self, path: str, limit: int) -> tuple[dict[str, Any], list[_Numbered]]:
        """Return what is answered of the trash, and every version that it is about."""
        if self._share is None:
            raise _not_yet()
        try:
            below = _parsed(path) if path else None
            found = versions_below(self._share.trash_fd, below, time.monotonic() + RESTORE_S)
            day = day_now(self._share)
        except OSError as error:
            where = f"{self._share.folder}/.potluck/trash"
            raise DiskTrouble(
                "The trash cannot be read.", reason_of(error), f"ls -la {where}"
            ) from error
        each = list(numbered_versions(found.versions))
        shown = each[: max(0, min(limit, VERSIONS_MAX))]
        answer = {
            "versions": [_version(number, of, kept, day) for number, of, kept in shown],
            "more": len(each) - len(shown),
            "size": sum(kept.found.st_size for _, _, kept in each),
            "others": found.others,
            "complete": found.complete,
            "where": f"{self._share.folder}/.potluck/trash",
        }
        return answer, each

    def restore(self, path: str) -> dict[str, Any]:
        """Bring back what a person named: {text}; raises PotluckError, also if it was not done."""
        if self._loop is None:
            raise _not_yet()
        _parsed(path)
        asked = partial(AddAsked, paths=(path,), mode=RESTORE)
        reply = self._commands.ask(self._loop, asked, RESTORE_S, adds=True)
        if reply is None:
            return {"text": "still restoring, which goes on; what came is in the folder"}
        if not reply.ok:
            raise _refusal(reply)
        return {"text": reply.text}


def numbered_after(
    here: Iterable[_Numbered], former: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what was shared before and is not in the trash here, ready for JSON.

    The numbers of each path go on after those of the trash here, as `restore` counts them.
    """
    known: dict[str, list[tuple[int, int]]] = {}
    for _, path, kept in here:
        known.setdefault(str(path), []).append((kept.found.st_size, kept.found.st_mtime_ns))
    numbers = {path: len(stats) for path, stats in known.items()}
    elsewhere = []
    for one in former:
        path, stat = one["path"], (one["size"], one["mtime_ns"])
        if stat not in known.get(path, ()):
            numbers[path] = numbers.get(path, 0) + 1
            when = {"size": one["size"], "modified_s": one["mtime_ns"] / _NS_A_S}
            elsewhere.append({"path": path, "number": numbers[path], **when})
    return elsewhere


def _version(number: int, path: SafePath, kept: KeptFile, day: int) -> dict[str, Any]:
    """Return what is known of a version, ready for JSON."""
    top, came = kept.top or Top(day, Why.UNKNOWN), came_ns(kept.found)
    return {
        "path": str(path),
        "number": number,
        "size": kept.found.st_size,
        "came_s": came / _NS_A_S if came is not None else None,
        "days": max(0, day - top.day),
        "why": str(top.why),
    }


def _parsed(text: str) -> SafePath:
    try:
        return parse_version(text).path
    except UnsafePath as error:
        raise NotFound("That is no path of a shared file.", error.cause, "trash") from error


def _not_yet() -> PotluckError:
    return TimedOut("potluck is just starting.", "nothing was done", "try again in a moment")


def _refusal(reply: Reply) -> PotluckError:
    kind = ERRORS_BY_CODE.get(reply.code, Refused)
    return kind(reply.text, reply.cause, reply.fix)
