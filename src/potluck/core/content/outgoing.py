"""Outgoing: who here is not known to have everything of mine, as one sentence with its reasons.

Strategy: a row says of one receiver what followed from its words; the sentence names first who
lacks something, then who keeps something as it was, since its owner deleted or replaced very much
at once and nobody there confirmed that (engine/others/loss_breaker.py), then who said nothing yet.
Guarantees: pure; of a hold is said who has to confirm it, and where, and what takes the change back
here, if it was not taken back yet. Limits: which files they are nobody says, only how many; what a
device says is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.last_words import no_room_words
from potluck.core.wording import TO_TYPE, TO_TYPE_THERE, lack_words, listed, of_amount, typable

_SINCE = "since very many were deleted or replaced at once"


class OwnerName(NamedTuple):
    """Whose folder it is, as it is typed: the id where the label cannot be."""

    label: str
    id: str


@dataclass(frozen=True, slots=True)
class Receiver:
    """A device that is here and is not known to have all that is mine."""

    label: str
    wants: Amount = NOTHING  # it said that it lacks; nothing: it spoke of no newest list yet
    no_room: Amount = NOTHING  # of that
    held: Amount = NOTHING  # it keeps as it was, until a person confirms

    @property
    def waits_for_person(self) -> bool:
        """Whether it is not known to lack anything, and a person has to confirm something."""
        return self.held != NOTHING and self.wants == NOTHING


def held_of(held: Mapping[ManifestName, Amount], names: Iterable[ManifestName]) -> Amount:
    """Return what a device keeps as it was of these folders: no part of what there is here."""
    return Amount.total(held.get(name, NOTHING) for name in names)


def outgoing_words(rows: Sequence[Receiver], owner: OwnerName, *, can_undo: bool = True) -> str:
    """Return who lacks what of mine, and why; `owner`: how the others call me; `can_undo`: what
    went last here was not taken back.
    """
    lacking = [one for one in rows if one.wants != NOTHING]
    held = [one for one in rows if one.held != NOTHING]
    silent = [one.label for one in rows if one.wants == one.held == NOTHING]
    parts = list[str]()
    if lacking:
        what = lack_words([one.wants for one in lacking])
        short = no_room_words([(one.label, one.no_room) for one in lacking])
        parts += [f"{listed(one.label for one in lacking)} still {what} of mine"]
        parts += [short] if short else []
    if held:
        keep = keep_words((one.label, one.held) for one in held)
        parts.append(f"{keep}; {_next_words(owner, can_undo=can_undo)}")
    if not parts:
        have = "has" if len(silent) == 1 else "have"
        return f"{listed(silent)} {have} not said yet what is there of my newest files"
    return "; ".join(parts)


def keep_words(held: Iterable[tuple[str, Amount]]) -> str:
    """Say which devices keep how much of mine as it was, and why."""
    keep = listed(f"{label} keeps {of_amount(*amount)}" for label, amount in held)
    return f"{keep} of mine as before, {_SINCE}"


def held_words(held: Amount, owner: OwnerName, *, can_undo: bool = True) -> str:
    """Say what a device that is here keeps as it was, why, and what to type."""
    then = _next_words(owner, can_undo=can_undo)
    return f"it keeps {of_amount(*held)} of that folder as before, {_SINCE}; {then}"


def held_before_words(held: Amount) -> str:
    """Say what a device that is away kept as it was, by its last word."""
    return f"by its last word it kept {of_amount(*held)} of that folder as before, {_SINCE}"


def coming_words(owner: OwnerName) -> str:
    """Say how what is shared now comes from a device that keeps something as it was."""
    come = "what I share now comes from the trash there, as far as it is in it, once that is"
    return f"{come} confirmed: {TO_TYPE_THERE}confirm {typable(*owner)}"


def _next_words(owner: OwnerName, *, can_undo: bool) -> str:
    """Say what to do if that was meant, and if it was not: then nothing if it was taken back."""
    meant = f"if that was meant, {TO_TYPE_THERE}confirm {typable(*owner)}"
    if not can_undo:
        return meant
    return f"{meant}; if not, here {TO_TYPE}undo (what went last in one go comes back)"
