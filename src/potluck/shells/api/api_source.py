"""What the local API needs of the program, as Protocols.

Strategy: the server (server.py) knows nothing else of the program; source.py, versions.py and
path_questions.py are it. Guarantees: every call is thread-safe, and takes at most 10 s.
Limits: a restart of the daemon is another source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from potluck.engine.person_acts import PersonAct


class ApiVersions(Protocol):
    """What the trash here holds: versions.py. Every call is as those of ApiSource."""

    def trash(self, path: str, limit: int) -> dict[str, Any]:
        """The newest versions that are `path` or below it: {versions, more, …}.

        Each is {path, number, size, came_s, days, why}; `came_s` is None where the disk keeps none.
        """

    def history(self, path: str, limit: int) -> dict[str, Any]:
        """The same, and `elsewhere`: what the trash of others may hold of the own folder.

        Each is {path, number, size, modified_s}.
        """

    def restore(self, path: str) -> dict[str, Any]:
        """Bring back what a person named: {text}; raises PotluckError, also if it was not done."""


class AnswersOfPaths(Protocol):
    """What is asked of one path: path_questions.py."""

    def why(self, path: str) -> dict[str, Any]:
        """Why a path below Shared/, or what is below it, is not in sync: path_values.WhyView."""

    def copied(self, path: str, after: str) -> dict[str, Any]:
        """Return what is in a folder, and on how many devices that is."""

    def info(self, path: str) -> dict[str, Any]:
        """What is known of a path, and of who has it: path_values.InfoView."""


class ApiSource(Protocol):
    """What the local API needs of the program: source.py.

    Every call is thread-safe and takes at most 10 s.
    """

    @property
    def paths(self) -> AnswersOfPaths:
        """Whoever answers what is asked of one path."""

    def state(self, *, fresh: bool = False) -> dict[str, Any]:
        """A snapshot, ready for JSON: docs/faces.md §2; the last one unless it must be `fresh`.

        Raises PotluckError if there is none at all.
        """

    def notices(self, after: int) -> list[dict[str, Any]]:
        """What people were told, numbered above `after`.

        Each is {number, code, text, level, subject, at_s}.
        """

    def files(self, path: str, after: str, limit: int) -> dict[str, Any]:
        """The next `limit` files and folders above `after` that are `path` or below it.

        {files, next}; each file is {path, kind, size, owner, here, root}.
        """

    def folder(self, path: str, after: str) -> dict[str, Any]:
        """What is directly in a folder below Shared/, or in Shared/ itself.

        {entries, next, known}; each entry is {name, kind, files, folders, size, here}. One that is
        large comes in parts, under the same name in answers that follow each other.
        """

    def keepers(self) -> dict[str, Any]:
        """Which heads are held here, and which others said that they hold them."""

    def flush(self, patience_s: float, waited_s: float) -> dict[str, Any]:
        """Have everybody tell what is in its folder by now: {ok, text: who is silent}.

        Who was answered so goes on asking, and says for how long it has `waited_s`.
        """

    def door(self, open_s: float | None) -> dict[str, Any]:
        """Open the door for so long (math.inf: until the end) or close it: {open, until_s}."""

    def leave(self) -> None:
        """Ask for the end; returns at once."""

    def add(self, paths: list[str], mode: str) -> dict[str, Any]:
        """Bring absolute `paths` into the own folder by "copy", "move" or "reflink".

        Returns {ok, text}, and the code of the error if it is one of the disk.
        """

    def act(self, act: Callable[[int], PersonAct]) -> dict[str, Any]:
        """Do what a person asks of the group: {text}; raises PotluckError, also if it said no."""

    def rescan(self) -> None:
        """Ask for a full look at the own folder; returns at once."""

    @property
    def versions(self) -> ApiVersions:
        """Whoever knows the trash."""
