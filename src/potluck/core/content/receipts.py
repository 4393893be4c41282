"""Receipts: what can be said of one path on another device, from what that device said of a folder.

Strategy: a KEPT speaks of a whole folder at one head and says how much of it lacks, and where that
is little also what (core/content/gaps.py). So a device has a path for certain if it lacks nothing,
or lacks other things than that, of a head in which the path stands as it does here: one of the same
generation, not older than the path's own change number, not newer than the list that is held here.
It lacks a path for certain if it says so, or lacks all there is. Everything between is not known.
If exactly one file lacks, what is smaller than what lacks of it is not that file; of several
nothing follows, since of each all may have come but a part. That is said, and yet does not make it
certain that the smaller one stands there: a device tells how much lacks also before it has looked
at all that it has, and only of a folder that lacks nothing, and of what lacks, it waits until then.

Guarantees: nothing is said of a device that is not here but what its last word was, called so.
Limits: what a device says of itself is believed; what it lost since is known when it noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from potluck.core.content.facts import NOTHING, Amount
from potluck.core.content.gaps import lacking_of
from potluck.core.content.knowledge import (
    CopyKnown,
    DeviceKnown,
    ManifestKnown,
    no_room_there,
)
from potluck.core.content.last_words import LastWord
from potluck.core.wording import listed, of_amount


@dataclass(frozen=True, slots=True)
class PathKnown:
    """What is asked about: one path, or a folder with all that is in it."""

    newest_seq: int  # of all records that are meant
    amount: Amount  # of them
    counted: bool = True  # False: there are more than were looked at
    seqs: tuple[int, ...] = ()  # of each of them, if all were looked at one by one


@dataclass(frozen=True, slots=True)
class CopyReceipt:
    """What is known of one other device."""

    label: str
    known: CopyKnown
    why: str  # in words, "" if it has it
    last_word: CopyKnown = CopyKnown.UNKNOWN  # of who is away: what followed from that


def receipt(device: DeviceKnown, manifest: ManifestKnown, path: PathKnown) -> CopyReceipt:
    """Say what is known of a device's copy of a path as it is held here."""
    said = device.said.get(manifest.name)
    last_word = _by_word(said, manifest, path)
    if device.device == manifest.name.owner:
        last_word = _of_owner(said, manifest, path)
    if not device.here:
        why = _AWAY_WORDS[last_word].format(_all_of(path))
        return CopyReceipt(device.label, CopyKnown.AWAY, why, last_word)
    if last_word is CopyKnown.ALL:
        return CopyReceipt(device.label, CopyKnown.ALL, "", last_word)
    if last_word is CopyKnown.LACKS:
        skips = said is not None and said.skipped == said.missing
        why = f"it {'skips' if skips else 'lacks'} {_all_of(path)}"
        why += _no_room_words(device, manifest, path)
        return CopyReceipt(device.label, CopyKnown.LACKS, why, last_word)
    return CopyReceipt(device.label, CopyKnown.UNKNOWN, _unknown_words(device, manifest, path))


_AWAY_WORDS = {
    CopyKnown.ALL: "away; by its last word it had it",
    CopyKnown.LACKS: "away; by its last word it lacked {}",
    CopyKnown.UNKNOWN: "away; it did not say before whether it has it",
}


def _all_of(path: PathKnown) -> str:
    return "this file" if path.amount[:2] == (1, 0) else "everything there"


def _by_word(said: LastWord | None, manifest: ManifestKnown, path: PathKnown) -> CopyKnown:
    """Return what follows from what a device said of somebody's folder."""
    held = manifest.held
    if said is None or held is None or not _speaks_of(said, manifest, path):
        return CopyKnown.UNKNOWN
    if said.missing == NOTHING:
        return CopyKnown.ALL
    if said.gaps and path.seqs:
        lacks = len(lacking_of(said.gaps, path.seqs))
        some = CopyKnown.LACKS if lacks == len(path.seqs) else CopyKnown.UNKNOWN
        return some if lacks else CopyKnown.ALL
    whole, meant = manifest.whole, path.amount
    all_files = not meant.files or said.missing.files >= whole.files
    all_folders = not meant.folders or said.missing.folders >= whole.folders
    if said.number == held and all_files and all_folders:
        return CopyKnown.LACKS
    return CopyKnown.UNKNOWN


def _of_owner(said: LastWord | None, manifest: ManifestKnown, path: PathKnown) -> CopyKnown:
    """Return what follows from an owner's own list, but for what it says that it lacks; of one that
    says nothing of it, nothing: it has not looked yet, or is in doubt.
    """
    if said is None or said.is_taken_back:
        return CopyKnown.UNKNOWN
    if said.missing != NOTHING:
        return _by_word(said, manifest, path)
    return CopyKnown.ALL if manifest.held == manifest.heard else CopyKnown.UNKNOWN


def _speaks_of(said: LastWord, manifest: ManifestKnown, path: PathKnown) -> bool:
    """Say whether a word is about a head in which the path stands as it does here.

    A head of another generation may be of other files under the same numbers; what a head that is
    newer than ours says of the path is not known here.
    """
    held, number = manifest.held, said.number
    if held is None or number.generation != held.generation:
        return False
    return path.newest_seq <= number.seq <= held.seq


def _unknown_words(device: DeviceKnown, manifest: ManifestKnown, path: PathKnown) -> str:
    """Say why it is not known whether a device that is here has a path."""
    said = device.said.get(manifest.name)
    if said is None:
        return "it has not said yet what it has of that folder"
    if said.is_taken_back:
        why = "it looks for something there, is in doubt, or holds another list of it"
        return f"nothing it says of that folder counts now: {why}"
    if not _speaks_of(said, manifest, path):
        newer = manifest.held is not None and said.number > manifest.held
        if newer or device.device == manifest.name.owner:
            return "it spoke of a newer list of files than this device has"
        return "it has not spoken yet of the list that this is in"
    if said.missing == NOTHING:
        return "it has a newer list of its files than this device"
    words = f"{_lack_words(said)} of that folder, {_which_words(said, path)}"
    return words + _no_room_words(device, manifest, path)


def _which_words(said: LastWord, path: PathKnown) -> str:
    """Say whether what lacks may be what is meant."""
    if said.gaps and path.seqs:
        lacks = len(lacking_of(said.gaps, path.seqs))
        return f"{lacks:,} of which {'is' if lacks == 1 else 'are'} in here"
    folders = path.amount.folders and said.missing.folders
    if folders or not _is_another(said.missing, path):
        return "and does not say what"
    alone = path.amount.files == 1 and not path.amount.folders
    which = "another one, since this is smaller" if alone else "not in here: all of this is smaller"
    return f"which is {which}; it does not say whether it has looked at all others"


def _is_another(lacks: Amount, path: PathKnown) -> bool:
    """Say whether what lacks is one file that is certainly none of those that are meant.

    Pieces that came already do not count, so that file has at least as many bytes as lack, and may
    have more: only what is smaller, all together, is ruled out, and only if a single file lacks.
    """
    smaller = path.counted and path.amount.size_bytes < lacks.size_bytes
    return lacks.files == 1 and path.amount.files > 0 and smaller


def _no_room_words(device: DeviceKnown, manifest: ManifestKnown, path: PathKnown) -> str:
    """Say how much of that folder has no room there, and that these may be what is meant."""
    short = no_room_there(device, manifest)
    if not short.files or not path.amount.files:
        return ""
    words = f"; it has no room for {of_amount(*short)}"
    if path.amount.files >= manifest.whole.files:
        return words  # all of that folder is meant
    if _is_another(device.said[manifest.name].no_room, path):
        return words
    if path.amount.files == 1:
        return f"{words}, of which this may be one"
    return f"{words}, some of which may be these"


def _lack_words(said: LastWord) -> str:
    if said.missing == said.skipped:
        return f"it skips {of_amount(*said.skipped)}"
    skips = f" (and skips {of_amount(*said.skipped)} of that)" if said.skipped != NOTHING else ""
    return f"it lacks {of_amount(*said.missing)}{skips}"


# -- all of them -----------------------------------------------------------------------------------
def is_safe(receipts: Sequence[CopyReceipt], *, here: bool, settled: bool) -> tuple[bool, str]:
    """Say whether a path may go from here, and why: somebody else must be known to have it now.

    `here`: it stands on this disk; `settled`: nothing newer of it is known that is not told, or not
    here yet.
    """
    have = [one.label for one in receipts if one.known is CopyKnown.ALL]
    has = "has" if len(have) == 1 else "have"
    if not here:
        return False, "not all of it is here"
    if not settled:
        return False, "something about it is still open, see why"
    if not have:
        return False, "no other device is known to have it now"
    return True, f"{listed(have)} {has} it now, by what was said last"
