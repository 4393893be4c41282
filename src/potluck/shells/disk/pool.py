"""The disk pool: every effect that needs the disk, done by a few threads that post what came of it.

Strategy: two lanes that never wait for each other. The *prompt* lane is one thread for what
somebody waits for: a look, a group commit, a small hash. The *patient* lane has two, for what may
take minutes: scans, imports, big files. A Hash is split between them by size, so that a note saved
beside a film being hashed is shared at once.

Guarantees: effects of the prompt lane are done in the order they were submitted; every effect ends
in its event, whatever the disk does: an error becomes FAILED items, `unstable` files or
`complete=False`, and is told through `report`. No error ends a thread. Limits: lanes overtake each
other, so a Look may answer before an older Scan; the engine judges by what is seen, not by order.
`close` gives up queued work: the engine asks again at the next start.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from potluck.core import limits
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import Root
from potluck.core.errors import PotluckError, UnsafePath
from potluck.engine.effects import (
    DropParts,
    Hash,
    Import,
    Look,
    MakeFolders,
    MarkShare,
    Place,
    PlaceItem,
    Scan,
    Settle,
)
from potluck.engine.events import (
    BatchPlaced,
    BatchSettled,
    Event,
    FilesHashed,
    Finding,
    Imported,
    PartFound,
    PartsFound,
    Placed,
    Placement,
    ShareSeen,
    TreeSeen,
)
from potluck.shells.disk.fsops import Share, reason_of, stat_at
from potluck.shells.disk.hashing import hash_files
from potluck.shells.disk.importing import import_paths
from potluck.shells.disk.scanner import look_at, scan
from potluck.shells.loop.workers import Workers

DiskEffect = Look | Scan | Hash | Place | Settle | DropParts | MarkShare | MakeFolders | Import

# one may be hashing a huge file while the other scans; there may be only two cores
PATIENT_THREADS: Final = 2
PROMPT_BYTES: Final = 16 * limits.MIB  # of one Hash on the prompt lane: about 10 ms
PROMPT_FILES: Final = limits.COMMIT_FILES  # likewise


class PlacesBatches(Protocol):
    """Whoever carries out group commits: shells/placing.py."""

    def place(self, effect: Place) -> BatchPlaced:
        """Carry a batch out."""

    def settle(self, effect: Settle) -> BatchSettled:
        """Find out what an interrupted batch left."""


class KeepsParts(Protocol):
    """Whoever keeps the part files: shells/parts.py."""

    def found(self) -> tuple[PartFound, ...]:
        """Return the part files of earlier runs."""

    def drop(self, roots: Iterable[Root]) -> None:
        """Remove the part files of these contents."""


@dataclass(frozen=True, slots=True)
class Whose:
    """What the marker of this share must say."""

    device: bytes  # id of this device
    share: bytes  # id of the share, as STATE remembers it


@dataclass(frozen=True, slots=True)
class _DiskJob:
    """One effect in a lane; it holds nothing before it begins, since its work is a generator."""

    do: Callable[[Iterator[Event], Callable[[str], Event | None]], None]
    work: Iterator[Event]
    instead: Callable[[str], Event | None]

    def run(self) -> None:
        """Do the work and post what comes of it."""
        self.do(self.work, self.instead)

    def dropped(self) -> None:
        """The program ends; the engine asks again at the next start."""


class DiskPool:
    """Takes effects, posts events; `report(code, text)` hears of trouble that a person should know."""

    def __init__(
        self,
        share: Share,
        placer: PlacesBatches,
        parts: KeepsParts,
        post: Callable[[Event], None],
        whose: Whose,
        report: Callable[[str, str], None],
    ) -> None:
        self._share: Final = share
        self._placer: Final = placer
        self._parts: Final = parts
        self._post: Final = post
        self._whose: Final = whose
        self._report: Final = report
        self._stopping: Final = threading.Event()
        self._prompt: Final = Workers("disk-prompt", 1)
        self._patient: Final = Workers("disk-patient", PATIENT_THREADS)

    def submit(self, effect: DiskEffect) -> None:
        """Queue an effect; after `close` nothing happens."""
        match effect:
            case Look():
                self._prompt.submit(
                    _DiskJob(self._do, self._looked(effect), partial(_not_seen, effect))
                )
            case Place():
                self._prompt.submit(
                    _DiskJob(self._do, self._placed(effect), partial(_not_placed, effect))
                )
            case Settle():
                self._prompt.submit(
                    _DiskJob(self._do, self._settled(effect), partial(_not_settled, effect))
                )
            case DropParts():
                self._prompt.submit(_DiskJob(self._do, self._dropped(effect), _nothing))
            case MarkShare():
                self._prompt.submit(_DiskJob(self._do, self._marked(effect), _not_marked))
            case MakeFolders():
                self._prompt.submit(_DiskJob(self._do, self._made(effect), _nothing))
            case Hash():
                self._prompt.submit(
                    _DiskJob(self._do, self._hashed(effect), partial(_not_hashed, effect))
                )
            case Scan():
                self._patient.submit(
                    _DiskJob(self._do, self._scanned(effect), partial(_not_seen, effect))
                )
            case Import():
                self._patient.submit(
                    _DiskJob(self._do, self._imported(effect), partial(_not_imported, effect))
                )

    def find_parts(self) -> None:
        """Queue the search for part files of earlier runs; ends in PartsFound."""
        self._patient.submit(_DiskJob(self._do, _parts_found(self._parts), _no_parts))

    def see_space(self) -> None:
        """Queue a look at how full the disk is; ends in SpaceSeen."""
        self._prompt.submit(_DiskJob(self._do, self._space_seen(), _nothing))

    def tidy(self, work: Callable[[], object]) -> None:
        """Queue work that has no event, like pruning the trash, behind what somebody waits for."""
        self._patient.submit(_DiskJob(self._do, _tidied(work), _nothing))

    def close(self, timeout_s: float) -> bool:
        """Let the running batches end, at most `timeout_s` long, drop the rest; say whether all
        threads ended.
        """
        deadline = time.monotonic() + timeout_s
        self._stopping.set()
        ended = self._prompt.close(timeout_s)
        return self._patient.close(max(0.0, deadline - time.monotonic())) and ended

    def _do(self, work: Iterator[Event], instead: Callable[[str], Event | None]) -> None:
        """Post what `work` yields; where it fails, report that and post what is true instead."""
        try:
            for event in work:
                self._post(event)
                if self._stopping.is_set():
                    return
        except (OSError, PotluckError) as error:
            reason = _reason(error)
            self._report("disk_trouble", f"the disk did not do what was asked: {reason}")
            event_instead = instead(reason)
            if event_instead is not None:
                self._post(event_instead)

    # -- what each effect does: generators, so that nothing happens before a worker takes them -----
    def _looked(self, effect: Look) -> Iterator[Event]:
        """Look; but where something is missing, see first whether the share itself is still there."""
        checked = False
        for page in look_at(self._share, effect):
            if not checked and any(seen.finding is Finding.MISSING for seen in page.seen):
                checked = True
                state = self._state(())
                if not state.present:
                    yield from _offline(effect, state)
                    return
            yield page

    def _scanned(self, effect: Scan) -> Iterator[Event]:
        state = self._state(effect.tops if effect.own else ())
        if not effect.own:
            yield from scan(self._share, effect) if state.present else (_not_seen(effect, ""),)
        elif state.present:
            yield state
            yield from scan(self._share, effect)
        else:
            yield from _offline(effect, state)

    def _hashed(self, effect: Hash) -> Iterator[Event]:
        """Hash the small files here; the rest goes to the patient lane and ends the order there."""
        small, rest = self._split(effect)
        if rest.files:
            later = _DiskJob(self._do, self._hashed_patiently(rest), partial(_not_hashed, rest))
            for part in hash_files(self._share, small, self._report, self._stopping.is_set):
                if part.files or part.unstable:
                    yield replace(part, last=False)
            self._patient.submit(later)
        else:
            yield from hash_files(self._share, small, self._report, self._stopping.is_set)

    def _hashed_patiently(self, effect: Hash) -> Iterator[Event]:
        yield from hash_files(self._share, effect, self._report, self._stopping.is_set)

    def _placed(self, effect: Place) -> Iterator[Event]:
        yield self._placer.place(effect)

    def _settled(self, effect: Settle) -> Iterator[Event]:
        yield self._placer.settle(effect)

    def _dropped(self, effect: DropParts) -> Iterator[Event]:
        self._parts.drop(effect.roots)
        yield from ()

    def _marked(self, effect: MarkShare) -> Iterator[Event]:
        own = parse_wire_path(effect.label.encode())
        if effect.former:
            _take_along(self._share, parse_wire_path(effect.former.encode()), own)
        os.close(self._share.open_folder(own, create=True))
        os.fsync(self._share.shared_fd)
        self._share.write_marker(effect.group, self._whose.device, self._whose.share)
        yield self._state((own,))

    def _made(self, effect: MakeFolders) -> Iterator[Event]:
        for label in effect.labels:
            if self._share.stat(parse_wire_path(label.encode())).finding is Finding.MISSING:
                os.close(self._share.open_folder(parse_wire_path(label.encode()), create=True))
        yield from ()

    def _imported(self, effect: Import) -> Iterator[Event]:
        yield import_paths(self._share, effect)

    def _space_seen(self) -> Iterator[Event]:
        yield self._share.space()

    def _state(self, tops: tuple[SafePath, ...]) -> ShareSeen:
        """Check the marker, and that every top folder stands on its disk."""
        state = self._share.marker_state(self._whose.share)
        for top in tops:
            if state.present:
                state = self._share.marker_state(self._whose.share, top)
        return state

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
        return Hash(effect.order, tuple(small)), Hash(effect.order, tuple(rest))


def _size(share: Share, path: SafePath) -> int:
    """Return the size of a file; 0 where there is none to be seen, which hashing will say better."""
    try:
        stat = share.stat(path).stat
    except (OSError, UnsafePath):
        return 0
    return stat.size if stat is not None else 0


def _parts_found(parts: KeepsParts) -> Iterator[Event]:
    yield PartsFound(parts.found())


def _tidied(work: Callable[[], object]) -> Iterator[Event]:
    work()
    yield from ()


def _take_along(share: Share, former: SafePath, own: SafePath) -> None:
    """Rename the former own folder, if it is a folder and nothing stands at the new name."""
    if stat_at(share.shared_fd, own.name) is not None:
        return
    try:
        os.close(share.open_folder(former))
    except (FileNotFoundError, NotADirectoryError, UnsafePath):
        return
    os.rename(former.name, own.name, src_dir_fd=share.shared_fd, dst_dir_fd=share.shared_fd)


def _reason(error: OSError | PotluckError) -> str:
    if isinstance(error, OSError | UnsafePath):
        return reason_of(error)
    return ": ".join(part for part in (error.what, error.cause) if part)


def _nothing(_reason: str) -> Event | None:
    return None


def _offline(effect: Look | Scan, state: ShareSeen) -> Iterator[Event]:
    """Say that the share is not there, and that nothing was looked at, so nothing may be taken for
    missing.
    """
    yield state
    yield TreeSeen(effect.order, (), (), last=True, complete=False)


def _not_seen(effect: Look | Scan, _reason: str) -> Event:
    return TreeSeen(effect.order, (), (), last=True, complete=False)


def _not_hashed(effect: Hash, _reason: str) -> Event:
    return FilesHashed(effect.order, (), tuple(path for path, _ in effect.files), last=True)


def _not_placed(effect: Place, reason: str) -> Event:
    return BatchPlaced(effect.batch, tuple(_failed(item, reason) for item in effect.items))


def _not_settled(effect: Settle, reason: str) -> Event:
    return BatchSettled(effect.batch, tuple(_failed(item, reason) for item in effect.items))


def _failed(item: PlaceItem, reason: str) -> Placed:
    root = item.content.root if item.content is not None else None
    return Placed(item.path, root, Placement.FAILED, None, put_aside="", detail=reason)


def _not_marked(_reason: str) -> Event:
    return ShareSeen(present=False, reason="unreadable")


def _not_imported(effect: Import, reason: str) -> Event:
    return Imported(effect.order, (), tuple((path, reason) for path in effect.paths))


def _no_parts(_reason: str) -> Event:
    return PartsFound(())
