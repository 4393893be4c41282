"""Bringing back: own files that only the others have are fetched again, since a person wants that.

Strategy: what is held of the own folder (engine/own/held_paths.py) is shared and is not here. When
a person says `repair`, these paths are noted in the index, and each goes the way of what lacks in
somebody else's folder: decided about, fetched, placed. What came is held no more.

Guarantees: nobody else ever has anything of the own folder placed: only paths that were noted and
are held still, and the disk adds them only where nothing stands (shells/disk/receiving/adding.py).
Where something stands it is the person's, so that path is looked at, and noted no more once it was:
what is wanted may stand there already (engine/return_report.py); else it is named, with what leads
on (engine/own/in_the_way.py). An empty file, to which one that is held was cut off, is exchanged.
What the rules of `.potluckignore` leave out never comes: it would not count as here. It goes on
after a restart. Limits: what is noted in the index is written when half of it came; so what is lost
once more before that, in the same repair, comes back after a restart without being asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

from msgspec.msgpack import Decoder

from potluck.core.content.facts import Spot
from potluck.core.content.paths import SafePath
from potluck.core.errors import NotFound, Refused
from potluck.core.wire.catalogue import FileRecord, encode
from potluck.core.wording import of_amount, plural, set_off
from potluck.engine.events import Placement
from potluck.engine.index.group import Meta
from potluck.engine.node import Node
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.own.emptied_files import exchange_emptied
from potluck.engine.own.held_elsewhere import held_elsewhere
from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.held_words import ignore_file_command, left_out_text
from potluck.engine.own.in_the_way import (
    files_in_the_way,
    in_the_way_words,
    kept_out_by,
    rename_command,
)
from potluck.engine.own.left_out import RuledOut
from potluck.engine.own.publishing import Publishing
from potluck.engine.return_report import ReturnReport, is_here, total_of

_PATHS: Final = Decoder(list[bytes])
_NOTED: Final = "own files to bring back"  # in the index


class BringingBackListener(Protocol):
    """Hears what is to be decided, or looked at, anew."""

    def on_wanted(self, spot: Spot) -> None:
        """One is to be brought back, or no more: decide about it."""

    def on_came(self, paths: Iterable[SafePath]) -> None:
        """Something stands there that a look may not have seen."""

    def is_looking_at(self, paths: Collection[bytes]) -> bool:
        """Say whether something stands unseen at one of these, or may: no look or read is over."""


class BringingBack:
    """The paths of the own folder that are to be brought back."""

    def __init__(self, node: Node, publishing: Publishing, listener: BringingBackListener) -> None:
        """Want nothing; `start` says what an earlier run was to bring back."""
        self._node, self._publishing, self._listener = node, publishing, listener
        self._held = publishing.held
        self._paths: dict[bytes, FileRecord] = {}  # and what is to come there
        self._written = 0  # how many the index has noted
        self._report = ReturnReport()  # of this run

    def __repr__(self) -> str:
        """Return how much is to come."""
        return f"<BringingBack {len(self._paths)} paths>"

    def start(self) -> None:
        """Go on with what an earlier run was to bring back, as far as it is held still."""
        kept = self._node.index.meta.get(_NOTED)
        paths = _PATHS.decode(kept) if kept is not None else []
        self._written = len(paths)
        self._paths |= _records_at(self._held, paths)
        for one in RuledOut(self._node).among(list(self._paths.values())):
            del self._paths[one.path]  # what comes there shows nothing
        self._note()
        self._want(self._paths)

    def leaves_alone(self, spot: Spot) -> bool:
        """Say whether a spot is of the own folder, and not one to bring back."""
        if spot.manifest != self._node.own_manifest or self.exchanges(spot):
            return False
        comes = spot.path in self._paths and spot.path in self._held
        return not comes or spot.path in self._report.unclear

    def exchanges(self, spot: Spot) -> bool:
        """Say whether what stands at a spot of the own folder is to be exchanged: it is damaged, or
        an earlier version, and the one that is shared is wanted.
        """
        wrong = (self._publishing.damaged, self._publishing.older.files)
        return any(files.heals(spot) for files in wrong)

    # -- what a person wants -----------------------------------------------------------------------
    def repair(self) -> str:
        """Bring back all that is held; return what follows. Raises PotluckError."""
        standing = self._publishing.stands
        self.check()
        held, out = _split(self._node, self._held)
        exchange_emptied(self._node, self._publishing, {one.path for one in held})
        in_the_way = files_in_the_way(self._held, self._publishing.kept.items())
        self._publishing.breaker.in_the_way = in_the_way  # anything else is tried anew
        kept_out = kept_out_by(held, in_the_way)
        held = [one for one in held if one.path in self._held and one.path not in kept_out]
        earlier = self._publishing.older.want()
        if not held and not earlier:
            raise _nothing(self._node, out, in_the_way, older=bool(self._publishing.older.files))
        records = [one for one in held if standing(one.path) is None]
        here = sum(is_here(one, standing(one.path)) for one in held)
        self._paths = {one.path: one for one in records}
        self._report.begin()
        self._write()
        self._note()
        self._want(self._paths)
        parts = [f"{plural(here, 'path')} here again already."] if here else []
        if not parts or here < len(held) or earlier:
            parts.insert(0, self._follows(records, len(held) - len(records) - here, earlier))
        if kept_out:
            parts.append(f"Not brought back: {_kept_out_text(self._top, kept_out, in_the_way)}.")
        if out:
            parts.append(f"Not brought back: {left_out_text(self._node, out)}.")
        return " ".join(parts)

    def check(self) -> None:
        """Raise Refused where nothing can be brought back now."""
        why = ""
        if not self._node.share_present:
            why = "the folder is not here: its disk is away, or another folder is in its place"
        elif self._node.cloned:
            why = "another machine runs with the identity of this device"
        if why:
            raise Refused("Nothing can be brought back now.", why, "status")

    def bring(self, paths: Collection[bytes]) -> None:
        """Bring these, too, which are held from now on (engine/taking_back.py)."""
        if not self._paths:
            self._report.begin()
        self._paths |= _records_at(self._held, paths)
        self._write()
        self._note()
        self._want(paths)

    @property
    def unwanted(self) -> bool:
        """Whether something is held that nobody wants back yet."""
        return any(one.path not in self._paths for one in self._held.records())

    def _follows(self, records: Sequence[FileRecord], taken: int, earlier: int) -> str:
        """Return what a person reads of what is going to happen."""
        what = of_amount(*total_of(records))
        known = held_elsewhere(self._node, records).words
        text = f"{what} wanted back into {set_off(self._top)}, as far as others have it: {known}."
        if earlier:
            more = f"{plural(earlier, 'file')} to be exchanged for what was shared last;"
            text = f"{text} " if records else ""
            text += f"{more} what stands here goes to {set_off('Put aside')}."
        if not self._node.linked():
            text += " No other device is linked now: it waits until one is that has them."
        if taken:
            text += f" {plural(taken, 'path')} left alone: something else stands there."
        return text

    # -- what comes --------------------------------------------------------------------------------
    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over, its rows are written: some of it may be of the own folder."""
        node, name = self._node, self._node.own_manifest
        own = [each for each in done if each.ready.spot.manifest == name]
        here = [each for each in own if each.ready.item.path.parts[0] == self._top]
        # the folder got another name meanwhile: a look says what came along
        node.index.places.remove(name, [one.ready.spot.path for one in own if one not in here])
        back = [each for each in here if each.ready.item.expected is None]  # else it was damaged
        came = [each.ready.spot.path for each in back if each.stands]
        taken = [one for one in back if one.placed.placement is Placement.BLOCKED]
        records = [node.index.manifests.get(name, path) for path in came]
        self._report.on_came(filter(None, records))
        self._report.unclear |= {
            one.ready.spot.path: _inner(one.placed.in_the_way)
            for one in taken
            if one.ready.spot.path in self._paths
        }
        self._held.release(came)
        self._publishing.older.end(came)  # what is shared stands there now, whatever did before
        self._listener.on_came(node.layout.path_of(each.ready.spot) for each in own)
        self._settle(came)

    def on_held_changed(self) -> None:
        """More, or less, is held: what is held no more need not come."""
        ended = [path for path in self._paths if path not in self._held]
        self._end(ended)
        self._want(ended)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        unclear = self._report.unclear
        looked = unclear and not self._listener.is_looking_at(unclear)
        return self._node.now if looked else None

    def on_tick(self) -> None:
        """Where something stood in the way it is known what that is, once all was looked at."""
        if self.deadline() is not None:
            unclear = sorted(self._report.unclear)
            for path in exchange_emptied(self._node, self._publishing, set(unclear)):
                del self._report.unclear[path]
            self._end(unclear)

    def _end(self, paths: Sequence[bytes]) -> None:
        """These need not come any more, whether what was wanted stands there or something else."""
        for path in paths:
            at = self._report.on_ended(self._paths[path], self._publishing.stands(path))
            self._publishing.breaker.in_the_way.update([at] if at else [])
        self._settle(paths)

    @property
    def _top(self) -> str:
        """What the own folder is called."""
        return self._node.layout.name_of(self._node.me)

    def _settle(self, paths: Iterable[bytes]) -> None:
        """These need not come any more; tell when it was the last."""
        ended = [path for path in paths if self._paths.pop(path, None) is not None]
        for path in ended:
            self._report.unclear.pop(path, None)
        if not ended:
            return
        self._note()
        text = "" if self._paths else self._report.text(self._top)
        if text:
            self._node.tell("brought_back", text, subject=self._top)

    def _want(self, paths: Iterable[bytes]) -> None:
        """Have these decided about, folders before what is in them."""
        for path in sorted(paths):
            self._listener.on_wanted(Spot(self._node.own_manifest, path))

    def _note(self) -> None:
        """Have the index say what is still to come, if that is much less now, and `status`."""
        if 2 * len(self._paths) < self._written:
            self._write()
        self._publishing.breaker.say_returning(self._paths)

    def _write(self) -> None:
        self._written = len(self._paths)
        if self._paths:
            self._node.index.meta.set(_NOTED, encode(sorted(self._paths)))
        else:
            self._node.index.meta.remove(_NOTED)


def note_wanted(meta: Meta, paths: Iterable[bytes]) -> None:
    """Have the next run bring these back, as far as they are held then."""
    meta.set(_NOTED, encode(sorted(paths)))


def _records_at(held: HeldPaths, paths: Iterable[bytes]) -> dict[bytes, FileRecord]:
    """Return what is to come at those of these paths that are held."""
    records = {one.path: one for one in held.records()}
    return {path: records[path] for path in paths if path in records}


def _split(node: Node, held: HeldPaths) -> tuple[list[FileRecord], list[FileRecord]]:
    """Return what of that which is held can come, and what the rules leave out."""
    every = list(held.records())
    out = RuledOut(node).among(every)
    paths = {one.path for one in out}
    return [one for one in every if one.path not in paths], out


def _inner(path: SafePath | None) -> bytes:
    """Return which path of the own folder that is, b"" if none is known."""
    return "/".join(path.parts[1:]).encode() if path is not None else b""


def _kept_out_text(top: str, paths: Collection[bytes], in_the_way: Collection[bytes]) -> str:
    return f"{plural(len(paths), 'path')} – {in_the_way_words(top, in_the_way)}"


def _nothing(
    node: Node, out: Sequence[FileRecord], in_the_way: Collection[bytes], *, older: bool
) -> NotFound | Refused:
    """Return why nothing comes: `out` is left out, these files are `in_the_way`; `older`: something
    stands there that cannot be exchanged.
    """
    what = f"Nothing of {set_off(node.own_label)} can be brought back."
    if in_the_way:
        why = in_the_way_words(node.layout.name_of(node.me), in_the_way)
        return Refused(what, why, rename_command(node, in_the_way))
    if out:
        return Refused(what, left_out_text(node, out), ignore_file_command(node))
    if older:
        why = "what is on a disk that is mounted there cannot be exchanged: unmount it first"
    else:
        what = f"Nothing of {set_off(node.own_label)} has to be brought back."
        why = "all that is shared of it is here, or what is not here is not held"
    return NotFound(what, why, "status")
