"""Lost states: what others hold of the own folder and this device does not remember.

Strategy (docs/protocol.md §6): whoever holds an own head that no newer one continues keeps it and
goes on saying so. This device asks its lineage (engine/own/lineage.py): a state that it has had is
named once more in a new head. One that it has not had was lost, with an old backup, a lost index or
a new disk: all of it is fetched, as any other manifest is, and once the own folder is looked
through, both are merged (core/content/merging.py) under a head that continues both. What is on
another disk only is held from then on (engine/own/held_paths.py): it is shared as it was, and a
person says whether it is brought back or goes. What both had and the lost one ended is here again,
and shared; how many files that are is told.

Guarantees: nothing that any holder of a lost state has is deleted by a head of ours before it was
merged; a merge is one transaction, and a state of which something is not here any more is fetched
again instead. One lost state at a time, and a new generation at most once in ten seconds. Limits:
nobody knows of a state that only devices hold which are away; a merge looks at all paths of the
lost state in one go, two seconds for 150,000 that are not here; an empty folder that a state had
from before what it continues is forgotten.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from potluck.core.content.knowledge import OwnWork
from potluck.core.content.manifest import continues
from potluck.core.wire.catalogue import FileRecord, Head, Kind
from potluck.core.wording import plural, set_off
from potluck.engine.node import Node
from potluck.engine.own.free_paths import FreePaths
from potluck.engine.own.publishing import Publishing

RENEWAL_PAUSE_S = 10.0  # between two new generations
WANTED_S = 60.0  # then another state is tried; doubled each time, for one that comes slowly
WANTED_MAX_S = 3_600.0
UNREAD = {OwnWork.UNSEEN, OwnWork.READING}  # until that is done more may be here than is known


class LostStateListener(Protocol):
    """Fetches what others hold of the own folder."""

    def on_lost_state(self, head: Head) -> None:
        """The whole manifest of this own head is wanted."""


class LookedThrough(Protocol):
    """The own folder."""

    @property
    def work(self) -> tuple[OwnWork, ...]:
        """What is not looked at, not read, or not told yet."""


class LostState:
    """Finds states of the own folder that were lost, and merges them."""

    def __init__(
        self,
        node: Node,
        publishing: Publishing,
        folder: LookedThrough,
        listener: LostStateListener,
    ) -> None:
        """Know of none; what is not in the own `folder` is held."""
        self._node, self._publishing = node, publishing
        self._folder, self._listener = folder, listener
        self._free_paths = FreePaths(publishing)
        self._wanted: Head | None = None  # all of it comes, or is here
        self._here = False
        self._here_at = 0  # how often the index had taken something back when it was staged
        self._wanted_s = 0.0  # since when it is wanted
        self._patience_s = WANTED_S  # how long nothing else is wanted instead
        self._away: Head | None = None  # a state of the past that somebody is still at
        self._renewed_s: float | None = None  # when the last new generation began

    def __repr__(self) -> str:
        """Say what is being fetched."""
        where = f"{self._wanted.generation}.{self._wanted.seq}" if self._wanted else "nothing"
        return f"<LostState: {where} is lost, here={self._here}>"

    @property
    def open(self) -> bool:
        """Whether a state of the own folder is known that is not merged yet."""
        return self._wanted is not None

    # -- facts -------------------------------------------------------------------------------------
    def on_own_head(self, head: Head) -> None:
        """Somebody holds a head of ours."""
        if head.instance == self._node.instance:
            return
        self._publishing.on_other_run(head)
        lineage = self._publishing.lineage
        if lineage.names(head):
            return
        if lineage.knows(head):
            self._away = head
        elif self._wanted is None:
            self._patience_s = WANTED_S
            self._want(head)
        elif self._instead_of(self._wanted, head):
            self._want(head)

    def on_fetched(self, head: Head) -> None:
        """The whole manifest of an own head is staged."""
        if head == self._wanted:
            self._here, self._here_at = True, self._node.index.meta.undone

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if self._taken_back:
            return self._node.now
        if self._node.cloned or (self._away is None and not self._ready):
            return None
        after = self._renewed_s
        return self._node.now if after is None else after + RENEWAL_PAUSE_S

    def on_tick(self) -> None:
        """Merge what is here, or name what somebody is still at, if it is time."""
        time = self.deadline()
        if time is None or self._node.now < time:
            return
        if self._taken_back and self._wanted is not None:
            self._want(self._wanted)
            return
        self._renewed_s = self._node.now
        if self._ready:
            self._merge()
        else:
            self._recall()

    @property
    def _ready(self) -> bool:
        """Whether all of a lost state is here, and so is what it is to be merged with."""
        if not self._here:
            return False
        return self._node.share_present and UNREAD.isdisjoint(self._folder.work)

    @property
    def _taken_back(self) -> bool:
        """Whether the index may lack some of what was staged, since it failed."""
        return self._here and self._here_at != self._node.index.meta.undone

    def _want(self, head: Head) -> None:
        """All of that is fetched, from its beginning."""
        self._wanted, self._here, self._wanted_s = head, False, self._node.now
        self._node.unmerged = True
        self._listener.on_lost_state(head)

    def _instead_of(self, wanted: Head, head: Head) -> bool:
        """Say whether a head is wanted and another one no more: it continues that one, nobody has
        that one now, or whoever has it has not brought it for long.
        """
        if head == wanted:
            return False
        if continues(head, wanted):
            return True
        if self._here:
            return False
        node, name = self._node, self._node.own_manifest
        told = [node.peers[device].heads.get(name) for device in node.linked()]
        if (wanted.generation, wanted.seq) not in told:
            return True
        if node.now < self._wanted_s + self._patience_s:
            return False
        self._patience_s = min(2 * self._patience_s, WANTED_MAX_S)
        return True

    def _recall(self) -> None:
        away, self._away = self._away, None
        assert away is not None, "nothing else is due"
        self._publishing.lineage.recall(away)
        self._publishing.begin_anew(0)

    # -- merging -----------------------------------------------------------------------------------
    def _merge(self) -> None:
        node, name, lost = self._node, self._node.own_manifest, self._wanted
        assert lost is not None, "what is here was wanted"
        if node.index.lost_records.count(name) != lost.count:
            self._want(lost)
            return
        self._wanted, self._here, node.unmerged = None, False, False
        words = f"other version {lost.generation}-{lost.seq}"
        back = self._unknown_here(lost, words)
        ended = node.index.lost_records.ended(name, self._publishing.lineage.common_seq(lost))
        self._publishing.lineage.adopt(lost)
        self._publishing.begin_anew(1)
        self._publishing.share_again(back)
        node.index.manifests.drop_staged(name)
        files = sum(record.kind is Kind.FILE for record in back)
        place = set_off(f"Shared/{node.own_label}")
        text = "others hold a state of this device's own files that it does not remember"
        if files:
            stay = "stays" if files == 1 else "stay"
            text += f"; {plural(files, 'file')} of it, not here in {place}, {stay} with them"
        if ended:
            were, are = ("was", "is") if ended == 1 else ("were", "are")
            text += f"; {plural(ended, 'file')} that {were} deleted or renamed in it {are} here"
            text += f" in {place} again, and shared"
        node.tell("lost_state", text, level="warning")

    def _unknown_here(self, lost: Head, words: str) -> list[FileRecord]:
        """Find what was lost, under the paths at which it is shared again.

        What both states had once and this one deleted or replaced since is not: of a file that is
        known. Its number alone would not tell, for a state that was merged itself has some from
        before what it continues.
        """
        common, given = self._publishing.lineage.common_seq(lost), dict[bytes, FileRecord]()
        folders = dict[bytes, FileRecord]()  # that went since, unless something in them comes
        for record in self._node.index.lost_records.since(self._node.own_manifest, 0):
            path = self._free_paths.path_for(record, words, given)
            if path is None:
                continue
            if record.seq > common or not self._had(record):
                given[path] = msgspec.structs.replace(record, path=path)
            elif record.kind is Kind.FOLDER:
                folders[record.path] = record
        for path in list(given):
            while (path := path.rpartition(b"/")[0]) in folders:
                given[path] = folders[path]
        return [given[path] for path in sorted(given)]

    def _had(self, record: FileRecord) -> bool:
        """Say whether this state had that once; of a folder nobody knows, nor of an empty file that
        has a content now.
        """
        if record.kind is Kind.FOLDER:
            return True
        if not record.size and self._publishing.stands(record.path) is not None:
            return True
        return self._node.index.former.has(self._node.own_manifest, record.path, record.root)
