"""Scrubbing: files that nobody touches are read again, so that what the disk did to them is found.

Strategy: in idle time, a few files at a time and slowly, a round over all of them in about three
months: after each few the pause is as long as their share of the files and of the bytes is of a
round. A person can have all of it, or what is below a path, read at once and as fast as the disk
can (`verify`). What does not read as the index says is read once more; if it is wrong again, with
the stat that the index knows, it is damaged: whoever looks after that folder is told.

Guarantees: the walk goes on after a restart where it was. A file that changed since it was asked
for means nothing, and one wrong reading alone does not either. Limits: only the time in which
potluck runs and rests counts; a file that the disk cannot read at all is told and not exchanged.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec.msgpack import Decoder

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import SafePath
from potluck.core.content.verification import Verification
from potluck.core.errors import NotFound, Refused
from potluck.core.keys.identity import DeviceId
from potluck.core.limits import MIB
from potluck.core.wire.catalogue import encode
from potluck.core.wording import set_off
from potluck.engine.effects import Hash
from potluck.engine.events import FilesHashed, Hashed, OrderId
from potluck.engine.node import Node
from potluck.engine.scrub_walk import ScrubWalk, StandingCopy
from potluck.engine.views.asked_path import AskedPath, asked_path

ROUND_S = 90 * 86_400.0  # of time in which potluck runs: about one file of a hundred a day
SLICE_S = 3_600.0  # of a round: what is read in one go
SLOWLY_BYTES_S = 2 * MIB  # nobody notices it
FIRST_S = 600.0  # after the start others have more to do
SCRUB_BUSY_S = 60.0  # something is being done: look again then
SLICE_FILES = 64
VERIFY_FILES = 256
_REACHED: Final = "scrubbed up to"  # in the index
_SPOT: Final = Decoder(tuple[bytes, bytes])


class ScrubListener(Protocol):
    """Hears what was found, and knows what else is under way."""

    def is_busy(self) -> bool:
        """Say whether a content may be on its way into the index or the share."""

    def on_verified(self, spot: Spot, hashed: Hashed) -> None:
        """A file reads otherwise than the index says, twice."""

    def on_whole(self, spot: Spot) -> None:
        """A file reads as the index says."""


class Scrub:
    """Reads files again."""

    def __init__(self, node: Node, listener: ScrubListener) -> None:
        """Have nothing to do before `start`."""
        self._node, self._listener = node, listener
        self._due_s: float | None = None
        self._round: ScrubWalk | None = None  # the slow one; None: it is to begin
        self._wanted: ScrubWalk | None = None  # what a person wants read
        self._order: OrderId | None = None
        self._asked: dict[SafePath, StandingCopy] = {}
        self._doubted: dict[SafePath, StandingCopy] = {}  # read wrong once
        self._again = False  # whether what is being read was read wrong before

    def __repr__(self) -> str:
        """Return what is under way."""
        return f"<Scrub reading {len(self._asked)}, due {self._due_s}, {self._wanted}>"

    def start(self) -> None:
        """Begin soon, but let the start of the program pass."""
        self._due_s = self._node.now + FIRST_S

    def restart(self) -> None:
        """The index failed: what was read may have been dropped, so it is asked for anew."""
        self._order = None
        self._asked.clear()

    def verify(self, text: str) -> str:
        """Have all that is here of a path read again; return what follows. Raises PotluckError."""
        node, asked = self._node, asked_path(self._node, text)
        running = node.verification
        if running is not None and running.running:
            if running.path == asked.text:
                return f"It is being done: {running.words} so far."
            what = set_off(running.path) if running.path else "Everything"
            raise Refused(f"{what} is being read again.", "one at a time", "when it has ended")
        if not node.share_present:
            raise Refused("Nothing can be read now.", "the folder is not here", "status")
        if asked.text and not self._stands(asked):
            raise NotFound(
                f"There is no file {set_off(asked.text)} here that is shared.",
                "the name was mistyped, or nothing of it is on this device",
                "ls",
            )
        self._wanted = ScrubWalk(node, asked)
        node.verification = Verification(asked.text)
        what = f"of {set_off(asked.text)}" if asked.text else "of what is shared"
        return f"Reading again all that is here {what}."

    def _stands(self, asked: AskedPath) -> bool:
        """Say whether something that is meant stands here."""
        places, name = self._node.index.places, asked.name
        if name is None:
            return False
        below = asked.inner + b"/" if asked.inner else b""
        inside = places.files_after(name, below, 1)
        if any(row.path.startswith(below) for row in inside):
            return True
        return asked.inner != b"" and places.get(name, asked.inner) is not None

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if self._order is not None or self._due_s is None:
            return None
        ready = self._node.share_present and not self._node.moving
        if ready and (self._doubted or self._wanted is not None):
            return self._node.now
        return self._due_s

    def on_tick(self) -> None:
        """Read what is next, if it is time."""
        node = self._node
        if self._order is not None or self._due_s is None:
            return
        if not node.share_present or node.moving:
            if node.now >= self._due_s:
                self._due_s = node.now + SCRUB_BUSY_S
        elif self._doubted:
            doubted, self._doubted = list(self._doubted.values()), {}
            self._read(doubted, again=True)
        elif self._wanted is not None:
            self._read_wanted(self._wanted)
        elif node.now >= self._due_s:
            self._read_slice()

    def _read_wanted(self, walk: ScrubWalk) -> None:
        """Read the next of what a person wants; when there is no more that is told."""
        files = walk.step(VERIFY_FILES) if not walk.ended else []
        if files:
            self._read(files)
        elif walk.ended:
            self._wanted, done = None, self._node.verification
            assert done is not None, "it was made with the walk"
            done.running = False
            bad = done.damaged.count or done.unreadable.count
            level = "error" if bad else "info"
            self._node.tell("verified", done.words, level=level, subject=done.path)

    def _read_slice(self) -> None:
        """Read the next few of the slow round, and say when those after them are due."""
        node = self._node
        if self._listener.is_busy():
            self._due_s = node.now + SCRUB_BUSY_S
            return
        walk = self._round = self._round or ScrubWalk(
            node, AskedPath("", None, b""), _reached(node)
        )
        chosen, pause_s = _slice(node, walk.step(SLICE_FILES))
        if chosen:
            walk.go_back(chosen[-1].spot)
            self._read(chosen, bytes_s=SLOWLY_BYTES_S)
        _note_reached(node, walk)
        if walk.ended:
            self._round = None
        self._due_s = node.now + max(pause_s, SCRUB_BUSY_S)

    def _read(self, files: list[StandingCopy], *, again: bool = False, bytes_s: int = 0) -> None:
        layout = self._node.layout
        self._asked = {layout.path_of(one.spot): one for one in files}
        self._order, self._again = self._node.number(), again
        asked = tuple((path, one.piece_size) for path, one in self._asked.items())
        self._node.do(Hash(self._order, asked, afresh=True, bytes_s=bytes_s))

    # -- what was read -----------------------------------------------------------------------------
    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read."""
        if event.order != self._order:
            return
        wanted = self._node.verification if self._wanted is not None else None
        for hashed in event.files:
            one = self._asked.pop(hashed.path, None)
            if one is not None:
                self._on_read(one, hashed, wanted)
        unreadable = {each.path for each in event.unreadable}
        for path in event.unstable:
            if self._asked.pop(path, None) is not None and wanted is not None:
                if path in unreadable:
                    wanted.unreadable.add(str(path))
                else:
                    wanted.skipped += 1
        if event.last:
            self._order = None
            self._asked.clear()

    def _on_read(self, one: StandingCopy, hashed: Hashed, wanted: Verification | None) -> None:
        """One file was read; what it should be may be something else by now."""
        if self._node.index.places.get(*one.spot) != one.row:
            return
        if wanted is not None and not self._again:
            wanted.files += 1
            wanted.size_bytes += hashed.stat.size
        if hashed.pieces.root == one.row.root:
            self._listener.on_whole(one.spot)
        elif not self._again:
            self._doubted[hashed.path] = one
        else:
            if wanted is not None:
                wanted.damaged.add(str(hashed.path))
            self._listener.on_verified(one.spot, hashed)


def _slice(node: Node, files: list[StandingCopy]) -> tuple[list[StandingCopy], float]:
    """Return the first of these that make a slice, and which part of a round they are, in time."""
    names = map(ManifestName.of, node.index.manifests.heads())
    totals = [node.index.places.totals(name) for name in names]
    all_files = max(sum(files for files, _ in totals), 1)
    all_bytes = max(sum(size for _, size in totals), 1)
    chosen, part_s = list[StandingCopy](), 0.0
    for one in files:
        if chosen and part_s >= SLICE_S:
            break
        chosen.append(one)
        part_s += ROUND_S * (1 / all_files + one.row.size / all_bytes) / 2
    return chosen, part_s


def _reached(node: Node) -> Spot | None:
    """Return where the round of an earlier run was."""
    kept = node.index.meta.get(_REACHED)
    if kept is None:
        return None
    owner, path = _SPOT.decode(kept)
    return Spot(ManifestName.own(DeviceId(owner)), path)


def _note_reached(node: Node, walk: ScrubWalk) -> None:
    """Have the index say where the round is."""
    if walk.ended or walk.after is None:
        node.index.meta.remove(_REACHED)
    else:
        node.index.meta.set(_REACHED, encode((walk.after.manifest.owner, walk.after.path)))
