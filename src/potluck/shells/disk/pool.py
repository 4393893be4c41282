"""The disk pool: every effect that needs the disk, done by a few threads that post what came of it.

Strategy: two lanes that never wait for each other. The *prompt* lane is one thread for what
somebody waits for: a look, a group commit, a small hash. The *patient* lane has two, for what may
take minutes: scans, imports, big files. A Hash is split between them by size, so that a note saved
beside a film being hashed is shared at once. What is read afresh (engine/scrubbing.py) has a thread
of its own, so that it is in nobody's way, and so has what is looked at or read where another disk
is mounted, which may hang. Imports can be given a lane of their own, with rights
of its own (docs/decisions/010-landlock.md). What does not answer at all is told (unanswered.py).

Guarantees: what is mounted below Shared/ is told before anything that was seen there (mounts.py);
effects of the prompt lane are done in the order they were submitted, so a Place after a
MarkShare knows the label it brought; every effect ends in its event, whatever the disk does (see
disk_effects.py), and trouble is told through `people`. No error ends a thread. Limits: lanes
overtake each other, so a Look may answer before an older Scan; the engine judges by what is seen,
not by order. `close` gives up queued work: the engine asks again at the next start.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, assert_never

from potluck.core import limits
from potluck.core.content.facts import Finding
from potluck.core.content.paths import SafePath
from potluck.core.errors import PotluckError, UnsafePath
from potluck.engine.effects import (
    DropFolder,
    DropParts,
    Hash,
    Import,
    Look,
    LookAtTop,
    MakeFolders,
    MarkShare,
    MoveFolder,
    Place,
    PruneTrash,
    Scan,
    Settle,
)
from potluck.engine.events import BatchSettled, Event, FilesHashed, PartsFound, TreeSeen
from potluck.engine.own.restored import RESTORE
from potluck.shells.disk.disk_effects import DiskEffect, fact_instead, nothing_seen
from potluck.shells.disk.fsops import Share, reason_at
from potluck.shells.disk.hashing import hash_files
from potluck.shells.disk.importing import import_paths
from potluck.shells.disk.marker import ShareMarker, Whose
from potluck.shells.disk.mounts import MountTeller
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.restoring import restore_paths
from potluck.shells.disk.scanner import look_at, scan
from potluck.shells.disk.stamping import FolderStamps
from potluck.shells.disk.top import look_at_top
from potluck.shells.disk.trash import prune_trash
from potluck.shells.disk.unanswered import UnansweredCalls, asked_of
from potluck.shells.loop.inbox import Inbox
from potluck.shells.loop.people import People, warning
from potluck.shells.loop.workers import Workers

_log = logging.getLogger(__name__)

PATIENT_THREADS: Final = 2
"""One may be hashing a huge file while the other scans; there may be only two cores."""
PROMPT_BYTES: Final = 16 * limits.MIB
"""Of one Hash on the prompt lane: about 10 ms."""
PROMPT_FILES: Final = limits.COMMIT_FILES
"""Likewise: as many small files as one group commit may have."""


_Glance = Callable[[], Iterator[Event]]


@dataclass(frozen=True, slots=True)
class _DiskJob:
    """What one lane does at once; it holds nothing before it begins: its work is a generator."""

    tell: Callable[[Iterator[Event], Callable[[str], Event | None]], None]
    facts: Iterator[Event]
    instead: Callable[[str], Event | None]

    def run(self) -> None:
        """Do the work and post what comes of it."""
        self.tell(self.facts, self.instead)

    def dropped(self) -> None:
        """The program ends; the engine asks again at the next start."""


class DiskPool:
    """Takes effects, posts events; `people` hear of what a person should know."""

    def __init__(
        self,
        share: Share,
        batches: Batches,
        part_files: PartFiles,
        inbox: Inbox,
        whose: Whose,
        people: People,
    ) -> None:
        self._share: Final = share
        self._batches: Final = batches
        self._part_files: Final = part_files
        self._marker: Final = ShareMarker(share, whose)
        self._mounts: Final = MountTeller(share, inbox)
        self._inbox: Final = inbox
        self._people: Final = people
        self._unanswered: Final = UnansweredCalls(inbox)
        self._stopping: Final = threading.Event()
        self._was_there: bool | None = None  # the share, when its marker was looked at for that
        self._glances: Final[set[_Glance]] = set()  # that wait for their turn
        self._prompt: Final = Workers("disk-prompt", 1)
        self._patient: Final = Workers("disk-patient", PATIENT_THREADS)
        self._afresh: Final = Workers("disk-afresh", 1)
        self._mounted: Final = Workers("disk-mounted", 1)
        self._importing = self._patient
        self.stamps: FolderStamps | None = None  # renewed now and then, with a scan of the own

    def __repr__(self) -> str:
        state = "stopping" if self._stopping.is_set() else "open"
        return f"<DiskPool {state}: {self._prompt!r}, {self._patient!r}>"

    def import_on(self, lane: Workers) -> None:
        """Have imports done by these threads, which are closed with the others."""
        self._importing = lane

    def submit(self, effect: DiskEffect) -> None:
        """Queue an effect; after `close` nothing happens."""
        facts = self._facts(effect)
        if not isinstance(effect, Import):  # which may wait for the disk that it comes from
            facts = self._unanswered.watched(asked_of(effect), facts)
        job = _DiskJob(self._tell, facts, partial(fact_instead, effect))
        match effect:
            case Hash(afresh=True):
                self._afresh.submit(job)
            case Look() | Hash() if self._mounts.concerns(asked_of(effect)):
                self._mounted.submit(job)
            case Look() | LookAtTop() | Hash() | Place() | Settle() | DropParts():
                self._prompt.submit(job)
            case MarkShare() | MakeFolders() | MoveFolder() | DropFolder():
                self._prompt.submit(job)
            case Scan() | PruneTrash():
                self._patient.submit(job)
            case Import():  # what is restored comes from the trash: it needs no other rights
                lane = self._patient if effect.mode == RESTORE else self._importing
                lane.submit(job)
            case _:
                assert_never(effect)

    def find_parts(self) -> None:
        """Queue the search for part files of earlier runs; ends in PartsFound."""
        facts = self._unanswered.watched((), _parts_in(self._part_files))
        self._patient.submit(_DiskJob(self._tell, facts, _no_parts))

    def see_share(self) -> None:
        """Queue a look at the marker; ends in ShareSeen if it came or went since the last one.

        Before that in MountsSeen, if something was mounted below it or is no more; and at once in
        DiskSilent, if something does not answer, or does again.
        """
        self._unanswered.look()
        self._glance(self._share_looked_at)

    def see_space(self) -> None:
        """Queue a look at how full the disk is; ends in SpaceSeen."""
        self._glance(self._space_seen)

    def _glance(self, glance: _Glance) -> None:
        """Queue a look of every few seconds unless the last one waits: a disk may hang for days."""
        if glance not in self._glances:
            self._glances.add(glance)
            facts = self._unanswered.watched((), _begun(glance, self._glances))
            self._prompt.submit(_DiskJob(self._tell, facts, _nothing))

    def tidy(self, work: Callable[[], object]) -> None:
        """Queue work that has no event, like laying the ballast, behind what somebody waits for."""
        self._patient.submit(_DiskJob(self._tell, _tidied(work), _nothing))

    def close(self, timeout_s: float) -> bool:
        """Let the running batches end, drop the rest; say whether all threads ended in time."""
        deadline = time.monotonic() + timeout_s
        self._stopping.set()
        ended = self._prompt.close(timeout_s)
        for lane in (self._patient, self._importing, self._afresh, self._mounted):
            ended = lane.close(max(0.0, deadline - time.monotonic())) and ended
        self._mounts.close()
        return ended

    # -- on a worker -------------------------------------------------------------------------------
    def _tell(self, facts: Iterator[Event], instead: Callable[[str], Event | None]) -> None:
        """Post the facts as they come; where the disk fails, report that and post what is true."""
        try:
            for fact in facts:
                if isinstance(fact, TreeSeen):
                    self._mounts.tell()
                self._inbox.post(fact)
                if self._stopping.is_set():
                    return
        except Exception as error:  # noqa: BLE001 # house: whoever asked waits for an answer
            reason = _reason(error, self._share.top_fd)
            text = f"the disk did not do what was asked: {reason}"
            self._people.told(warning("disk_trouble", text))
            fact_of_failure = instead(reason)
            if fact_of_failure is not None:
                self._inbox.post(fact_of_failure)

    def _facts(self, effect: DiskEffect) -> Iterator[Event]:
        """Do what an effect asks for, and yield what came of it."""
        match effect:
            case Look():
                yield from self._looked(effect)
            case Scan():
                yield from self._scanned(effect)
            case Hash():
                yield from self._hashed(effect)
            case Place():
                yield self._batches.place(effect)
            case Settle():
                yield from _settled(self._marker, self._batches, effect)
            case DropParts():
                self._part_files.drop(effect.roots)
            case PruneTrash():
                yield prune_trash(self._share, effect.wanted)
            case LookAtTop() | MarkShare() | MakeFolders() | MoveFolder() | DropFolder():
                yield from self._topped(effect)
            case Import():
                bring = restore_paths if effect.mode == RESTORE else import_paths
                yield bring(self._share, effect)
            case _:
                assert_never(effect)

    def _topped(
        self, effect: LookAtTop | MarkShare | MakeFolders | MoveFolder | DropFolder
    ) -> Iterator[Event]:
        """Do what is about folders directly in Shared/, and yield what came of it."""
        match effect:
            case LookAtTop():
                yield look_at_top(self._share)
            case MarkShare():
                yield self._marker.mark(effect)
            case MakeFolders():
                self._marker.make_folders(effect.labels)
            case MoveFolder():
                yield self._marker.move_folder(effect)
            case DropFolder(label):
                self._marker.drop_folder(label)
                yield look_at_top(self._share)
            case _:
                assert_never(effect)

    def _looked(self, effect: Look) -> Iterator[Event]:
        """Look; where something is missing, see first whether the share itself is still there."""
        checked, tops = False, effect.paths if effect.own else ()
        for page in look_at(self._share, effect):
            if not checked and (page.ignore_file is not None or _misses(page)):
                checked = True
                state = self._marker.state(*tops)
                if not state.present:
                    yield state
                    yield nothing_seen(effect.order)
                    return
            yield page

    def _scanned(self, effect: Scan) -> Iterator[Event]:
        state = self._marker.state(*effect.tops) if effect.own else self._marker.state()
        if effect.own:  # the state of somebody else's folder is not that of the share
            yield self.stamps.on_seen(state) if self.stamps is not None else state
        if state.present:
            yield from scan(self._share, effect)
        else:
            yield nothing_seen(effect.order)

    def _hashed(self, effect: Hash) -> Iterator[Event]:
        """Hash the small files here; the rest goes to the patient lane and ends the order there."""
        small, rest = (effect, None) if effect.afresh else self._split(effect)
        if rest is None or not rest.files:
            yield from self._read(small)
            return
        for part in self._read(small):
            if part.files or part.unstable:
                yield replace(part, last=False)
        facts = self._unanswered.watched(asked_of(rest), self._read(rest))
        later = _DiskJob(self._tell, facts, partial(fact_instead, rest))
        self._patient.submit(later)

    def _read(self, effect: Hash) -> Iterator[FilesHashed]:
        yield from hash_files(self._share, effect, self._stopping.is_set, self._stopping.wait)

    def _split(self, effect: Hash) -> tuple[Hash, Hash]:
        """Return what of a Hash the prompt lane can do in passing, and the rest."""
        small: list[tuple[SafePath, int]] = []
        rest = list(effect.files[PROMPT_FILES:])
        room_bytes = PROMPT_BYTES
        for path, piece_size_before in effect.files[:PROMPT_FILES]:
            size = _size(self._share, path)
            if size <= room_bytes:
                small.append((path, piece_size_before))
                room_bytes -= size
            else:
                rest.append((path, piece_size_before))
        return replace(effect, files=tuple(small)), replace(effect, files=tuple(rest))

    def _share_looked_at(self) -> Iterator[Event]:
        """Yield the state of the share if it is news; that a new one has no marker yet is none."""
        self._mounts.tell()
        state, before = self._marker.glance(), self._was_there
        if state is None:
            return
        self._was_there = state.present
        if before is not None and before is not state.present:
            yield state

    def _space_seen(self) -> Iterator[Event]:
        yield self._share.space()


def _size(share: Share, path: SafePath) -> int:
    """Return the size of a file; 0 where none is to be seen, which hashing will say better."""
    try:
        stat = share.stat(path).stat
    except (OSError, UnsafePath):
        return 0
    return stat.size if stat is not None else 0


def _misses(page: TreeSeen) -> bool:
    return any(seen.finding is Finding.MISSING for seen in page.seen)


def _settled(marker: ShareMarker, batches: Batches, effect: Settle) -> Iterator[Event]:
    """Settle; what a crash left is on the share itself, so not while another folder is held."""
    state = marker.state()
    if state.present:
        yield batches.settle(effect)
        return
    yield state
    yield BatchSettled(effect.batch, (), looked=False)


def _begun(glance: _Glance, waiting: set[_Glance]) -> Iterator[Event]:
    waiting.discard(glance)
    yield from glance()


def _parts_in(part_files: PartFiles) -> Iterator[Event]:
    yield PartsFound(part_files.found())


def _tidied(work: Callable[[], object]) -> Iterator[Event]:
    work()
    yield from ()


def _no_parts(_reason: str) -> Event | None:
    return PartsFound(())


def _nothing(_reason: str) -> Event | None:
    return None


def _reason(error: Exception, descriptor: int) -> str:
    if isinstance(error, OSError | UnsafePath):
        return reason_at(error, descriptor)
    if not isinstance(error, PotluckError):
        _log.error("a job for the disk met a fault of ours", exc_info=error)
        return f"a fault of potluck ({type(error).__name__}); its log says more"
    return ": ".join(part for part in (error.what, error.cause) if part)
