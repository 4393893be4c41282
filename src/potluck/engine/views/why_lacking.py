"""Why a file of somebody else is not here: for each that lacks, the first of these that holds.

Strategy: the way of a file is: its owner's list names it, it is decided about, its content is asked
for, comes, and is put in its place. `STEPS` follows that way; each entry looks at one state and
says why a file is in it, or nothing. The last one says that nothing is known, so no file is without
an answer.

Guarantees: what is said of a file is what the parts know at this moment. Limits: of very many files
that lack only the first are looked at; whose folder they are in tells how many there are.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import FileRecord
from potluck.core.wording import listed, of_size, set_off, typable
from potluck.engine.events import Outcome
from potluck.engine.index.listings import Span
from potluck.engine.others.disk_room import SPACE
from potluck.engine.others.hindrances import command_of
from potluck.engine.others.holders import known_holders
from potluck.engine.others.skipping import unwanted_words
from potluck.engine.troubles import TroubleKind
from potluck.engine.views.asked_path import AskedPath
from potluck.engine.views.reasons import Reason, ReasonKind, WhyParts
from potluck.engine.views.why_lists import absence_words, blocked

LACKING_MAX: Final = 500  # files that are looked at for one answer: some milliseconds
SKIPPED_MAX: Final = 50  # of those that are skipped, in each folder: to know of, nobody waits
ANSWERED: Mapping[Outcome, str] = {
    Outcome.DONE: "did not bring all of it",
    Outcome.GONE: "does not have it (any more)",
    Outcome.BUSY: "has no room for the question just now",
    Outcome.BROKEN: "was asked and the connection broke",
    Outcome.WRONG: "sent wrong bytes",
    Outcome.DISK: "sent it and it could not be written here",
}
"""How the last question to a device ended."""


@dataclass(frozen=True, slots=True)
class LackingFile:
    """A record whose file, or folder, does not stand here as its owner has it."""

    spot: Spot
    record: FileRecord
    path: str  # below Shared/
    changing: bool  # a group commit has it in hand, or it is ready for one
    holders: tuple[DeviceId, ...]  # who may be asked for it now


def lacking_reasons(parts: WhyParts, asked: AskedPath) -> Iterator[Reason]:
    """Yield why each of the files that lack here, of those that are meant, does."""
    changing, left = set(parts.commits.spots()), LACKING_MAX
    holders = known_holders(parts.node, parts.downloads.waiting)
    for name in sorted(map(ManifestName.of, parts.node.index.manifests.heads())):
        if not asked.has(name) or name == parts.node.own_manifest:
            continue
        for record in _lacking(parts, name, asked.inner, left):
            left -= 1
            spot = Spot(name, record.path)
            path, who = str(parts.node.layout.path_of(spot)), tuple(holders(Root(record.root)))
            yield _reason(parts, LackingFile(spot, record, path, spot in changing, who))


def _lacking(parts: WhyParts, name: ManifestName, inner: bytes, limit: int) -> Iterator[FileRecord]:
    """Yield the records at and below a path that lack here, at most so many."""
    index, after = parts.node.index, b""
    if inner:
        found = index.listings.page(name, Span.of(inner), 1)
        yield from (one.record for one in found if one.lacking)
        after = inner + b"/"
    wanted = index.needs.lacking_after(name, after, limit, skipped=False)
    skipped = index.needs.lacking_after(name, after, min(limit, SKIPPED_MAX), skipped=True)
    for record, _ in (*wanted, *skipped):
        if record.path.startswith(after):
            yield record


def _reason(parts: WhyParts, lacking: LackingFile) -> Reason:
    for step in STEPS:
        found = step(parts, lacking)
        if found is not None:
            return found
    text = "it is not known here why: it is decided about again when anything changes"
    return Reason(ReasonKind.NOT_KNOWN, lacking.path, text)


# -- the way of a file -----------------------------------------------------------------------------
def _offline(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    if parts.node.share_present:
        return None
    return Reason(ReasonKind.OFFLINE, lacking.path, "the share is offline: nothing is fetched")


def _kept(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    if not parts.receiving.held.has(lacking.spot):
        return None
    owner = lacking.spot.manifest.owner
    label = parts.node.label_of(owner)
    text = f"{label} replaced it with very much else: what stood here stays until that is confirmed"
    command = f"confirm {typable(label, short_id(owner))}"
    return Reason(ReasonKind.HELD, lacking.path, text, command=command, wrong=True)


def _skipped(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    """A person does not want it here: that is to know, and nothing waits for it."""
    text = unwanted_words(parts.node, lacking.spot, lacking.record)
    if text is None:
        return None
    command = f"get {typable(lacking.path, '')}".rstrip()
    return Reason(ReasonKind.SKIPPED, lacking.path, text, command=command, open=False)


def _hidden(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    """Another disk hides what stands here: as long as it does, nothing is fetched or placed."""
    spot, node = lacking.spot, parts.node
    point = node.mounts.above(node.layout.path_of(spot))
    if point is None or not parts.replica_check.hidden.may_hide(spot):
        return None
    if node.index.places.get(*spot) is None:
        return None  # what stands nowhere is hidden by nothing: it comes, and finds no place
    hides = "may hide" if spot.manifest in parts.progress.unseen else "hides"
    text = f"another disk is mounted at {set_off(str(point))} and {hides} what stands here of it: "
    text += "nothing is put in its place while that is so"
    command = f"findmnt {shlex.quote(f'{node.settings.folder}/Shared/{point}')}"
    return Reason(ReasonKind.HIDDEN, lacking.path, text, command=command, wrong=True)


def _undecided(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    waits = lacking.spot in parts.receiving.pending or any(
        name == lacking.spot.manifest and lacking.spot.path > after
        for name, after in parts.receiving.catching_up
    )
    if not waits:
        return None
    return Reason(ReasonKind.PLACING, lacking.path, "it is about to be decided what to do for it")


def _placing(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    root = Root(lacking.record.root)
    arrived = root in parts.downloads.parts and not parts.receiving.setbacks.rests(lacking.spot)
    if not lacking.changing and not arrived:
        return None
    return Reason(ReasonKind.PLACING, lacking.path, "all of it is here: it is put in its place")


def _in_the_way(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    found = blocked(parts, lacking.spot)
    if found is not None or not parts.receiving.setbacks.rests(lacking.spot):
        return found
    text = "what it was to be made from is gone: it is made in another way in a moment"
    return Reason(ReasonKind.PLACING, lacking.path, text)


def _coming(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    download = _download(parts, lacking)
    if download is None or not download.orders:
        return None
    orders = [one for one in parts.downloads.orders.values() if download.root in one.roots]
    sources = sorted({parts.node.label_of(one.peer) for one in orders})
    here, size = of_size(download.done_bytes), of_size(download.size_bytes)
    text = f"it is on its way from {listed(sources)}"
    if not download.small:
        text += f": {here} of {size} are here"
    return Reason(ReasonKind.COMING, lacking.path, text)


def _no_room(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    """The whole disk lacks room, or this file finds none beside what was begun."""
    node, room, path = parts.node, parts.downloads.swarm.room, lacking.path
    folder = node.settings.folder
    if parts.downloads.paused:
        for one in node.troubles.of(TroubleKind.DISK):
            if one.subject == SPACE:
                rest = (one.since_s, one.next_s, one.command)
                return Reason(ReasonKind.NO_ROOM, path, one.reason, *rest, wrong=True)
    need_bytes = room.refused.get(Root(lacking.record.root))
    if need_bytes is None or _download(parts, lacking) is None:
        return None
    text = f"it takes {of_size(need_bytes)}, which the disk of {folder} has not to spare beside "
    text += "what is under way and what stays free"
    command = command_of("disk full", folder)
    return Reason(ReasonKind.NO_ROOM, path, text, command=command, wrong=True)


def _nobody(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    """Nobody who is here can be asked: its owner is away, and no other said that it has any."""
    download = _download(parts, lacking)
    if download is None or lacking.holders:
        return None
    away = absence_words(parts, lacking.spot.manifest.owner)
    text = f"{away}, and nobody who is here says that it has any of that folder"
    text += _already_here(download)
    return Reason(ReasonKind.OWNER_AWAY, lacking.path, text)


def _in_vain(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    """Everybody who may have it was asked, and did not bring it."""
    download, holders, node = _download(parts, lacking), lacking.holders, parts.node
    if download is None or not holders or download.willing(holders, node.now):
        return None
    answers = parts.downloads.answers.of(download.root)
    if all(_has_none(download, one, answers) for one in holders):
        return _held_by_nobody(parts, lacking, download)
    failed = parts.downloads.room.failed_words
    words = [f"{node.label_of(one)} {_answer(download, one, answers, failed)}" for one in holders]
    away = absence_words(parts, lacking.spot.manifest.owner)
    text = "; ".join([*words, *([away] if away else [])]) + _already_here(download)
    rests = [download.retry_s[one] for one in holders if download.strikes[one] < limits.STRIKES]
    return Reason(ReasonKind.REFUSED, lacking.path, text, next_s=min(rests, default=None))


def _held_by_nobody(parts: WhyParts, lacking: LackingFile, download: Download) -> Reason:
    """Everybody who is here said that it does not have it: nothing helps but somebody who has."""
    text = "nobody who is here has this version: it waits until somebody who has it comes"
    others = [one.label for one in parts.picture.devices() if not one.here]
    if others:
        text += f" ({listed(others)} {'is' if len(others) == 1 else 'are'} away)"
    return Reason(ReasonKind.REFUSED, lacking.path, text + _already_here(download))


def _waits(parts: WhyParts, lacking: LackingFile) -> Reason | None:
    """It is wanted, somebody may be asked, and nobody is at this moment."""
    download, node = _download(parts, lacking), parts.node
    if download is None:
        return None
    answers = parts.downloads.answers.of(download.root)
    holders = download.willing(lacking.holders, node.now)
    busy = [one for one in holders if answers.get(one) is Outcome.BUSY]
    if busy == holders:
        text = f"{listed(map(node.label_of, busy))} {ANSWERED[Outcome.BUSY]}: asked again soon"
        return Reason(ReasonKind.REFUSED, lacking.path, text)
    text = f"it waits for its turn: {listed(map(node.label_of, holders))} can be asked for it"
    return Reason(ReasonKind.QUEUED, lacking.path, text + _already_here(download))


STEPS: tuple[Callable[[WhyParts, LackingFile], Reason | None], ...] = (
    _offline, _kept, _skipped, _hidden, _in_the_way, _undecided, _placing, _coming, _no_room,
    _nobody, _in_vain, _waits,
)  # fmt: skip
"""The first that says something is the reason."""


def _download(parts: WhyParts, lacking: LackingFile) -> Download | None:
    """Return what is fetched for a file, None if it does not wait for a content."""
    root, downloads = Root(lacking.record.root), parts.downloads
    if lacking.spot not in downloads.waiting.get(root, {}).get(lacking.spot.manifest, {}):
        return None
    return downloads.swarm.downloads.get(root)


def _answer(
    download: Download, device: DeviceId, answers: Mapping[DeviceId, Outcome], failed: str
) -> str:
    """Return how the last question to a device ended; `failed`: why nothing could be written."""
    if download.strikes[device] >= limits.STRIKES:
        return "sent wrong bytes again and again: it is not asked for it any more"
    outcome = answers.get(device)
    if _has_none(download, device, answers):
        outcome = Outcome.GONE
    why = f": {failed}" if failed and outcome is Outcome.DISK else ""
    return "could not bring it" if outcome is None else ANSWERED[outcome] + why


def _has_none(download: Download, device: DeviceId, answers: Mapping[DeviceId, Outcome]) -> bool:
    """Say whether a device answered that it lacks it: a pack is without what its holder lacks."""
    outcome = answers.get(device)
    left_out = outcome is Outcome.DONE and download.small and not download.strikes[device]
    return left_out or outcome is Outcome.GONE


def _already_here(download: Download) -> str:
    if not download.done_bytes:
        return ""
    return f"; {of_size(download.done_bytes)} of {of_size(download.size_bytes)} are here"
