"""Why, as far as it is about this device's own folder: what is not told yet, and who lacks it.

Strategy: first what is open here (not looked at, being read, in no list yet), then what is known of
each other device's copy (core/content/receipts.py), with why it is not known where that can be
said, and what a device keeps as it was until a person there confirms what was done here. Who is
away keeps nothing from being in sync, and is named. Limits: what is in hand is known
for a file; of a folder it is said that something in it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from potluck.core.content.facts import NOTHING
from potluck.core.content.knowledge import (
    LACKS_ALL_OWN,
    CopyKnown,
    DeviceKnown,
    ManifestKnown,
    OwnWork,
)
from potluck.core.content.outgoing import OwnerName, held_before_words, held_words
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.receipts import PathKnown, receipt
from potluck.core.errors import UnsafePath
from potluck.core.keys.identity import short_id
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import of_size, of_time, plural
from potluck.engine.troubles import TroubleKind
from potluck.engine.views.asked_path import AskedPath, below
from potluck.engine.views.reasons import Reason, ReasonKind, WhyParts

AWAY_NOTE: Final = "nobody waits for it"


def _mine(parts: WhyParts, asked: AskedPath) -> bool:
    """Say whether some of the own folder is meant."""
    return asked.has(parts.node.own_manifest)


def _work(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """Something about the own folder is open, and it is not known yet which files that is about."""
    if not _mine(parts, asked) or not parts.node.share_present:
        return
    top = str(parts.own_folder.top)
    if parts.node.unmerged:
        yield Reason(ReasonKind.UNSEEN, top, OwnWork.MERGING.value)
    for work in parts.own_folder.work:
        if work in {OwnWork.UNSEEN, OwnWork.LOOKING, OwnWork.DOUBTED}:
            yield Reason(ReasonKind.UNSEEN, top, work.value)
        elif work is OwnWork.READING and asked.spot is None:
            yield Reason(ReasonKind.READING, top, work.value)


def _reading(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """The asked file is being read, or left alone until it is read again."""
    path = _as_path(asked)
    if path is None or not _mine(parts, asked):
        return
    reading = parts.own_folder.reading
    if reading.has(path):
        due_s = reading.due_s(path)
        text = "it is being read" if due_s is None else "it is to be read once more"
        yield Reason(ReasonKind.READING, asked.text, text, next_s=due_s)
    elif len(reading) and not asked.covers(str(parts.own_folder.top)):
        inside = any(one.starts_with(path) for one in reading.paths)
        if inside:
            yield Reason(ReasonKind.READING, asked.text, "files in it are being read")


def _being_written(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """Somebody is writing what was asked about: what is shared of it is what it was before."""
    path, written = _as_path(asked), parts.own_folder.written
    if path is None or not _mine(parts, asked) or asked.covers(str(parts.own_folder.top)):
        return
    told = {one.subject for one in parts.node.troubles.of(TroubleKind.WRITTEN)}
    if path in written and str(path) not in told:
        text = "it is still being written: it is shared as it was before, if it was"
        yield Reason(ReasonKind.READING, asked.text, text)
    elif any(one.starts_with(path) for one in written if one != path):
        yield Reason(ReasonKind.READING, asked.text, "files in it are still being written")


def _untold(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """What was found is in no list yet."""
    publishing = parts.publishing
    if not _mine(parts, asked) or not publishing.pending:
        return
    spot = asked.spot
    if spot is not None:
        changed, gone = publishing.untold
        listed = parts.node.index.manifests.get(*spot)
        is_folder = listed is not None and listed.kind is Kind.FOLDER
        if not (is_folder or spot.path in changed or spot.path in gone):
            return
    why = parts.own_folder.untold.why
    yield Reason(ReasonKind.UNTOLD, asked.text or str(parts.own_folder.top), why)


def _receivers(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """Who of the others is not known to have it."""
    if not _mine(parts, asked):
        return
    mine = parts.node.own_manifest
    known = next((one for one in parts.picture.manifests() if one.name == mine), None)
    if known is None:
        return
    found = below(parts.node.index, mine, asked.inner)
    newest_seq, top = found.newest_seq, str(parts.own_folder.top)
    if not asked.inner and known.held is not None:
        newest_seq = known.held.seq  # of all of it what was deleted last is news, too
    if found.meant == NOTHING and not newest_seq:
        return
    path = PathKnown(newest_seq, found.meant, found.counted, found.seqs)
    for device in parts.picture.devices():
        reason = _receiver(parts, device, known, path)
        if reason is not None:
            yield Reason(reason[0], asked.text or top, reason[1], open=reason[2])


def _receiver(
    parts: WhyParts, device: DeviceKnown, known: ManifestKnown, path: PathKnown
) -> tuple[ReasonKind, str, bool] | None:
    """Return what is to be said of another device's copy: what kind, in words, and if it waits."""
    said, label = receipt(device, known, path), device.label
    if said.known is CopyKnown.ALL:
        return None
    held = device.held.get(known.name, NOTHING)
    if said.known is CopyKnown.AWAY:
        away = f"{label} is {said.why}"
        if device.away_s is not None:
            away = f"{label}, for {of_time(device.away_s)}: {said.why}"
        if held != NOTHING:
            away += f"; {held_before_words(held)}"
        return ReasonKind.RECEIVER_AWAY, f"{away}; {AWAY_NOTE}", False
    if device.offline:
        text = f"{label} {LACKS_ALL_OWN}; {AWAY_NOTE}"
        return ReasonKind.RECEIVER_LACKS, text, False
    text = f"{label}: {said.why}" + _handing(parts, device)
    if held != NOTHING:
        owner = OwnerName(parts.node.own_label, short_id(parts.node.me))
        text += f"; {held_words(held, owner, can_undo=parts.picture.can_undo)}"
    word = device.said.get(known.name)
    if word is not None and word.skipped == word.missing != NOTHING and word.number == known.held:
        return ReasonKind.RECEIVER_SKIPS, text, held != NOTHING
    if said.known is CopyKnown.LACKS:
        return ReasonKind.RECEIVER_LACKS, text, True
    return ReasonKind.RECEIVER_SILENT, text, True


def _handing(parts: WhyParts, device: DeviceKnown) -> str:
    """Return what is being handed over to a device now, as part of a sentence."""
    for handing in parts.answers.uploads.handings():
        if handing.device == device.device:
            size_bytes = sum(one.size_bytes for one in handing.uploads)
            files = plural(len(handing.uploads), "file")
            return f"; {files} ({of_size(size_bytes)}) handed over to it now"
    return ""


OWN: tuple[Callable[[WhyParts, AskedPath], Iterator[Reason]], ...] = (
    _work, _reading, _being_written, _untold, _receivers,
)  # fmt: skip
"""Each says what it sees."""


def _as_path(asked: AskedPath) -> SafePath | None:
    """Return what was asked about as a path, None if no path is like that."""
    try:
        return parse_wire_path(asked.text.encode()) if asked.text else None
    except UnsafePath:
        return None
