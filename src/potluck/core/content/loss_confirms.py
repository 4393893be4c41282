"""Confirmed losses: a person's word that what an owner deleted or replaced was meant, signed once.

Strategy: the device on which a person confirms signs the newest head of that owner that it holds.
The owner signed that head, too, so nobody confirms what was not shared yet. Each receiver knows of
each file that it holds by which change of its owner it was lost, and at which head it was seen
(`LossOrigin`). A confirmation covers it if the head that was confirmed continues the one at which
the loss was seen, or is an earlier one of the same line with the change in it. Numbers alone decide
nothing: two runs of an owner that lost its memory bear the same ones. So the heads must follow one
from the other (core/content/manifest.py), and earlier ones count within one generation only, since
two lives of an owner are only ever merged by a new one.

Guarantees: pure; nothing that came after the confirmed head is covered, nothing of another life of
its owner, and nothing as long as the own list is not held up to that head. Limits: that the signer
had the same files, or looked at anything, cannot be proved. Of a file that was deleted whoever
handed on the list says by which change; a source that lies there can have a later one covered.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from potluck.core.content.manifest import (
    continues,
    contradicts,
    head_is_signed,
    newer,
)
from potluck.core.keys.identity import DeviceId, GroupId, Signer, Verifier
from potluck.core.wire.catalogue import Head, LossConfirm, RunEnd, encode

_PURPOSE = b"loss confirm"


class LossOrigin(NamedTuple):
    """Since when a file is lost to its owner."""

    seen: RunEnd  # the head with which it was seen here
    change: int  # the owner's change that did it, or a later one where that is not known


def sign_confirm(group: GroupId, head: Head, signer: Signer) -> LossConfirm:
    """Return the word of a device about what the owner of this head deleted or replaced."""
    confirm = LossConfirm(head, signer.device)
    return replace(confirm, signature=signer.sign(_PURPOSE, _signed_part(group, head)))


def confirm_is_signed(
    group: GroupId, confirm: LossConfirm, member: Verifier, known: Verifier
) -> bool:
    """Say whether a member other than the owner signed it, and a known owner the head."""
    if confirm.by == confirm.head.owner:
        return False
    signed = _signed_part(group, confirm.head)
    if not member(DeviceId(confirm.by), _PURPOSE, signed, confirm.signature):
        return False
    return head_is_signed(confirm.head, known)


def is_reached(confirmed: Head, held: Head) -> bool:
    """Say whether the list that is held continues the head that was confirmed, or is that one."""
    return continues(held, confirmed) and not contradicts(held, confirmed)


def covers(confirmed: Head, origin: LossOrigin, held: Head) -> bool:
    """Say whether a loss is one of those confirmed; `held`: the list here, which has reached it."""
    if continues(confirmed, origin.seen):
        return True
    if newer(confirmed, origin.seen) or confirmed.generation != held.generation:
        return False
    one_line = origin.seen.generation == held.generation
    return one_line and origin.change <= confirmed.seq


def _signed_part(group: GroupId, head: Head) -> bytes:
    return encode((group, head))
