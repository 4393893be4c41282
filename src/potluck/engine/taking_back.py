"""Taking back: own files that this device deleted or replaced come back out of the others' trash.

Strategy: whoever deletes an own file has no copy of it, but the others moved theirs to the trash.
So what was shared is remembered (engine/own/endings.py), and what a person wants back is shared
again as it was: each device that has such a version in its trash copies it from there to its place
(engine/others/decisions.py), and this device fetches it like any own file that only others have
(engine/bringing_back.py). Nobody serves what lies in a trash, and nobody asks for it by a path.
`restore` names one path or folder, `undo` takes all that went in the last go
(engine/own/last_change.py); what of that is held (engine/own/owners_breaker.py) comes as in a
`repair`. A file that was replaced in that go, and not
changed since, comes back to its own path: what took its place is then like what an older copy
brought (engine/own/older_files.py), and changes places with it.

Guarantees: nothing that stands, or is shared, is lost: what `undo` exchanges goes to `Put aside/`
and to the trash of the others, and what cannot come to its own path comes beside it. What the
rules of `.potluckignore` leave out is not shared again, and that is said. It goes on after a
restart. Limits: nobody knows here whether any other device still has
a version, so one that none has stays lacking until `confirm` gives it up; empty folders do not come
back; a device with an earlier potluck does not look into its trash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.version_names import VersionName, parse_version
from potluck.core.errors import NotFound, Refused
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import LISTED, TO_TYPE, of_amount, plural, set_off, typable
from potluck.engine.bringing_back import BringingBack
from potluck.engine.events import Imported
from potluck.engine.index.former_files import FORMER_MAX, FormerFile
from potluck.engine.node import Node
from potluck.engine.others.group_commit import folder_row
from potluck.engine.own.covered import CoveredFiles
from potluck.engine.own.free_paths import FreePaths
from potluck.engine.own.held_words import CONFIRM, REPAIR, ignore_file_command, left_out_text
from potluck.engine.own.last_change import Change
from potluck.engine.own.left_out import RuledOut
from potluck.engine.own.pending_record import record_about
from potluck.engine.own.publishing import Publishing
from potluck.engine.own.restored import NOT_HELD, STANDS_ALL
from potluck.engine.return_report import total_of

UNDO: Final = "undo"
"""A command of ours, by which what went in the last go comes back."""
_EARLIER: Final = "earlier version"
_TOLD_BEFORE: Final = (
    "In the same go more went, which is not held, since the others were told of it:"
)


class TakingBack:
    """Has former own files come back."""

    def __init__(
        self,
        node: Node,
        publishing: Publishing,
        bringing_back: BringingBack,
        covered: CoveredFiles,
    ) -> None:
        """Share them by `publishing`; `bringing_back` fetches them. What is `covered` did not go
        for good.
        """
        self._node, self._publishing, self._bringing = node, publishing, bringing_back
        self._covered = covered
        self._free_paths, self._last = FreePaths(publishing), publishing.last_change

    def __repr__(self) -> str:
        return f"<TakingBack on {self._node.own_label}>"

    # -- what a person wants -----------------------------------------------------------------------
    def restore(self, name: str, done: Imported) -> str | None:
        """Have come what the trash here did not give; return what follows, None if nothing does.

        `done` is what came out of it. Raises PotluckError.
        """
        wanted = parse_version(name)
        spot = self._node.layout.spot_at(wanted.path)
        path = spot.path if spot is not None else b""
        reasons = {reason for _, reason in done.failed}
        if self._node.layout.manifest_at(wanted.path) != self._own or reasons - _ELSEWHERE:
            return None
        records = self._wanted(wanted, path, done)
        if out := RuledOut(self._node).among(records):
            if len(out) == len(records):
                raise self._left_out(name, out)
            left_out = {one.path for one in out}
            records = [one for one in records if one.path not in left_out]
            return f"{self._bring(records) or _raise_nothing()}\n{self._left_out_line(out)}"
        if not records:
            if reasons and (path in self._publishing.held or (path and self._covered.went(path))):
                raise self._not_gone(name, path)
            return None
        return self._bring(records) or _raise_nothing()

    def _not_gone(self, name: str, path: bytes) -> Refused:
        """Return why a path that is held, or went with a disk, needs no version of it back."""
        if out := RuledOut(self._node).among(self._publishing.held.at(path)):
            return self._left_out(name, out)
        if path not in self._publishing.held:
            return Refused(
                f"{set_off(name)} is shared still, and is not here.",
                "it went with a disk that was mounted there, and nobody said that it is to go",
                REPAIR,
            )
        if not self._bringing.leaves_alone(Spot(self._own, path)):
            why, then = "it comes as soon as a device that has it is linked", "status"
            return Refused(f"{set_off(name)} is to come back already.", why, then)
        return Refused(
            f"{set_off(name)} is shared still, and is not here.",
            "it is held, since it is not here any more and nobody said that it is to go",
            REPAIR,
        )

    def undo(self) -> str:
        """Have all come back that went in the last go; return what follows.

        Raises PotluckError.
        """
        if (
            self._publishing.breaker.unwanted
        ):  # too much went, so it is held: that was deleted nowhere
            return self._undo_held()
        change = self._last.find()
        others = self._of_others(change.burst if change is not None else 0)
        if self._publishing.breaker.in_the_way and (change is None or not change.lost):
            return self._bringing.repair()  # or what keeps it out
        if change is None:
            raise NotFound(
                f"No change of {set_off(self._top)} is known that could be taken back.",
                others or "nothing of it was deleted since potluck remembers that",
                "history",
            )
        if change.left_out and not change.lost:
            raise self._left_out(self._top, change.left_out)
        if not change.lost:
            raise NotFound(
                f"The last change of {set_off(self._top)} is taken back already.",
                others or "all that went with it is shared again",
                "status",
            )
        text = self._take_back(change) or _raise_nothing()
        return f"{text}{f' Besides: {others}.' if others else ''}"

    def _undo_held(self) -> str:
        """Have all come back that is held, and what went in the same go and is not."""
        text, change = self._bringing.repair(), self._last.with_held()
        more = self._take_back(change) if change is not None and change.lost else ""
        return f"{text}\n{_TOLD_BEFORE}\n{more}" if more else text

    def _take_back(self, change: Change) -> str:
        """Have all of a change come back; return what follows, "" if all of it stands there."""
        over = self._replaced(change.replaced)
        paths = {one.path for one in over}
        text = self._bring([one for one in change.lost if one.path not in paths], over)
        if text and change.elsewhere:
            count = plural(change.elsewhere, "file")
            text += f"\nRenamed and not deleted, as it seems, so left as they are: {count}."
        if text and change.left_out:
            text += f"\n{self._left_out_line(change.left_out)}"
        return text

    def _left_out(self, name: str, records: Sequence[FileRecord]) -> Refused:
        """Return why nothing of a path is shared again: all these are left out by the rules."""
        what = f"Nothing of {set_off(name)} can be shared again."
        return Refused(what, left_out_text(self._node, records), ignore_file_command(self._node))

    def _left_out_line(self, records: Sequence[FileRecord]) -> str:
        return f"Not shared again: {left_out_text(self._node, records)}."

    # -- what comes --------------------------------------------------------------------------------
    def _bring(self, wanted: Sequence[FileRecord], over: Sequence[FileRecord] = ()) -> str:
        """Share these again, and have them brought, some `over` what stands there; return what
        follows, "" if all of it stands there already. Raises Refused.
        """
        self._bringing.check()
        given, beside = dict[bytes, FileRecord](), list[tuple[bytes, bytes]]()
        for record in wanted:
            path = self._free_paths.path_for(record, _EARLIER, given)
            if path is None:
                continue  # the same stands there, and was not told yet
            given[path] = msgspec.structs.replace(record, path=path)
            if path != record.path:
                beside.append((record.path, path))
        came = [*given.values(), *over]
        if not came:
            return ""
        amount, first = total_of(came), min(one.path for one in came)
        for path in sorted(given):
            self._add_folders(path, given)
        if given:
            self._publishing.share_again([given[path] for path in sorted(given)])
            self._bringing.bring(given)
        if over:
            self._publishing.share_again(over, instead=True)
        what = f"{of_amount(*amount)} of {set_off(self._top)} shared again as before"
        text = f"{what}: to come from the others, as far as one of them has it in its trash."
        if not self._node.linked():
            text += " No other device is linked now: it waits until one is that has it."
        one = typable(f"{self._top}/{first.decode()}", "PATH") if amount.files == 1 else "PATH"
        if over:
            text += f" What stands in place of {plural(len(over), 'file')} stays until then, and"
            text += f" goes to {set_off('Put aside')}. Where that is very much at once for another"
            text += " device, a person is asked first, on one of them."
        text += f" What none of them has stays lacking; to give that up, {TO_TYPE}{CONFIRM} {one}"
        return "\n".join([text, *self._beside_lines(beside)])

    def _add_folders(self, path: bytes, given: dict[bytes, FileRecord]) -> None:
        """Share the folders above a path, too, where there are none."""
        while path := path.rpartition(b"/")[0]:
            if path in given or self._publishing.record(path) is not None:
                return
            given[path] = record_about(folder_row(path), 0)

    def _beside_lines(self, beside: Sequence[tuple[bytes, bytes]]) -> list[str]:
        lines = [
            f"{self._named(of)} as {self._named(path)}, since something else has that path"
            for of, path in beside[:LISTED]
        ]
        more = len(beside) - len(lines)
        return [*lines, f"… and {more:,} more of that kind"] if more else lines

    def _named(self, path: bytes) -> str:
        return set_off(f"{self._top}/{path.decode()}")

    # -- what is meant -----------------------------------------------------------------------------
    @property
    def _own(self) -> ManifestName:
        return self._node.own_manifest

    @property
    def _top(self) -> str:
        """What the own folder is called."""
        return self._node.layout.name_of(self._node.me)

    def _wanted(self, wanted: VersionName, path: bytes, done: Imported) -> list[FileRecord]:
        """Return what a person named, as far as it is not in the trash here."""
        found = self._node.index.former.below(self._own, path, FORMER_MAX)
        known = [one.record for one in found if not one.back]
        exact = [one for one in known if one.path == path]
        if not wanted.is_folder and (exact or done.versions):
            elsewhere = without_those(exact, done.versions)
            number = wanted.number - len(done.versions)
            return elsewhere[number - 1 : number] if done.failed and number > 0 else []
        if wanted.number != 1:
            return []
        came = {name.encode() for name in done.added}
        newest = dict[bytes, FileRecord]()
        for record in known:
            newest.setdefault(record.path, record)
        return [one for one in newest.values() if one.path not in came and self._lacks(one.path)]

    def _lacks(self, path: bytes) -> bool:
        """Say whether nothing is shared, and nothing stands, at a path."""
        return self._publishing.record(path) is None and self._publishing.stands(path) is None

    def _replaced(self, lost: Sequence[FormerFile]) -> list[FileRecord]:
        """Return those at whose path that stands, and is shared, which took their place then."""
        index, publishing, found = self._node.index, self._publishing, list[FileRecord]()
        for one, burst in ((each.record, each.burst) for each in lost):
            stands, shared = publishing.stands(one.path), index.manifests.get(self._own, one.path)
            if stands is None or shared is None or stands.kind is not Kind.FILE:
                continue
            told = shared.root == stands.root and shared == publishing.record(one.path)
            if told and index.former.burst_at(self._own, one.path) == burst:
                found.append(one)
        kept_there = set(self._publishing.older.files.on_disk(one.path for one in found))
        return [one for one in found if one.path not in kept_there]

    def _of_others(self, burst: int) -> str:
        """Return what of others went here since that go; "" if that is nothing to speak of."""
        counts = self._node.index.former.of_others(self._own, burst)
        told = []
        for owner, count in counts.most_common(LISTED):
            label = set_off(self._node.label_of(owner))
            came = f"{plural(count, 'version')} of what {label} shares came into the trash here"
            told.append(f"{came}; to have what went last shared again: {UNDO}, typed on {label}")
        return "; ".join(told)


def _raise_nothing() -> NoReturn:
    """Say that all of it stands there."""
    raise NotFound("Nothing has to come back.", "all of it stands there already", "status")


def without_those(
    records: Sequence[FileRecord], versions: Sequence[tuple[int, int]]
) -> list[FileRecord]:
    """Return the records of contents that are not among these versions, (size, mtime_ns) each."""
    return [one for one in records if (one.size, one.mtime_ns) not in versions]


_ELSEWHERE: Final = NOT_HELD | {STANDS_ALL}
"""Why nothing came out of the trash here, where it may come from that of others."""
