"""Listed: large contents whose piece lists are here, of each owner, until they are complete.

Strategy: they are looked at in the order their lists came, from the first one each time. What wants
a slot stays where it is: there are few of them, as lists are asked only a little ahead. Of those
that nobody can bring, or that have no room here, there may be any number: where so many were looked
at that a look stops, they go behind all others, and the next look sees those that stood behind
them.

Guarantees: pure; in a round each of them is looked at. Limits: which are in vain, the caller says.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.lines import Owner


class ListedContents:
    """Contents of which pieces may be asked, by owner."""

    def __init__(self) -> None:
        """There are none."""
        self._of: dict[Owner, dict[Root, Download]] = {}
        self._unseen: dict[Owner, int] = {}

    def __repr__(self) -> str:
        return f"<ListedContents: {sum(map(len, self._of.values()))} of {len(self._of)} owners>"

    def add(self, owner: Owner, download: Download) -> None:
        """One more, behind the others; it stands there once."""
        self._of.setdefault(owner, {}).setdefault(download.root, download)

    def remove(self, download: Download) -> None:
        """It is complete, or not wanted any more."""
        for owner in download.owners:
            contents = self._of.get(owner, {})
            contents.pop(download.root, None)
            if not contents:
                self._of.pop(owner, None)

    def owners(self) -> list[Owner]:
        """Return who has any."""
        return list(self._of)

    def of(self, owner: Owner) -> list[Download]:
        """Return those of an owner, in their order."""
        return list(self._of.get(owner, {}).values())

    # -- rounds ------------------------------------------------------------------------------------
    def begin_round(self) -> None:
        """Something happened: each of them is to be looked at once more."""
        self._unseen = {owner: len(contents) for owner, contents in self._of.items()}

    def put_back(self, owner: Owner, idle: Sequence[Download]) -> bool:
        """A look stopped behind these: they are the last now; whether more are to be seen."""
        contents = self._of[owner]
        for download in idle:
            contents[download.root] = contents.pop(download.root)
        self._unseen[owner] = self._unseen.get(owner, 0) - len(idle)
        return self._unseen[owner] > 0
