"""Introductions: what a device shows whose knock was refused, and what it may be answered.

Strategy: a member that is not known here yet shows the chain of admissions that made it one; a
device that was removed while it was off shows the same, since it knows nothing of that. Who hears
the chain says in one byte whether it makes a member here. If it is that of a former member, the
appointments and removals by which it is out go with the answer, sealed to the key that this device
had here, so nobody else reads them. Whoever gets them judges them by the rules of the roster like
any others, finds itself out, and ends as it would have if it had been there. It is shown the same
when it only calls (engine/ring/removed_callers.py).

Guarantees: a stranger gets one byte, and so does whoever cannot seal to our key; an answer is
never longer than an introduction may be. No single member makes another one believe that it is
out: only what stewards signed counts for that (core/group/removals.py). What is malformed is no
chain. Limits: of removals in so many parts that they do not fit what comes first is handed over,
which is enough to prove them (core/group/removal_proofs.py); what stands of the device may be
lacking. A founder has no chain: that it shows none is its sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.group.roster import Roster
from potluck.core.group.roster_frames import batches
from potluck.core.group.statements import Admit, MemberEntry, entry_of, read_statement
from potluck.core.keys.sealing import open_sealed, seal_to
from potluck.core.wire.catalogue import RosterRecord, decoded, encode
from potluck.engine.effects import AnswerIntroduction
from potluck.engine.events import OrderId
from potluck.engine.node import Node

_RECORDS = msgspec.msgpack.Decoder(list[RosterRecord])
_INTRODUCTION = b"introduction"
_ANSWER = b"introduction answered"
EPHEMERAL_BYTES = 32  # of the one-time key that seals either
SEALING_BYTES = 64  # a public key, a tag, and the length of the list


def introduction(node: Node, to: MemberEntry) -> bytes:
    """Return what made this device a member, sealed to the one that refused its knock."""
    chain = node.roster.chain(node.me) if node.roster is not None else []
    return _sealed(node, to, _INTRODUCTION, chain)


def removal(node: Node, of: MemberEntry) -> bytes:
    """Return why a former member is one no more, as an introduction that only it can read."""
    proof = _that_fit(node.roster.why_out(of.device)) if node.roster is not None else []
    return _sealed(node, of, _INTRODUCTION, proof)


def chain_in(node: Node, sealed: bytes) -> list[RosterRecord] | None:
    """Return the chain that somebody shows; None if it was not sealed to us."""
    return _opened(node, _INTRODUCTION, sealed)


def records_in(node: Node, sealed: bytes) -> list[RosterRecord]:
    """Return the statements that came with the answer to an introduction."""
    return _opened(node, _ANSWER, sealed) or []


def answer_to(
    node: Node, knock: OrderId, chain: Sequence[RosterRecord] | None
) -> AnswerIntroduction:
    """Return the answer to an introduction, when what it says is in the roster."""
    roster = node.roster
    if roster is None or chain is None:
        return AnswerIntroduction(knock, accepted=False)
    entry = _entry_at_end(roster, chain)
    if entry is not None and entry.device in roster.members:
        # it may be void: then it makes nobody a member though that one is
        known = set(roster.records()).issuperset(chain) and bool(chain)
        return AnswerIntroduction(knock, accepted=known)
    former = roster.former.get(entry.device) if entry is not None else None
    if former is None:
        return AnswerIntroduction(knock, accepted=False)
    proof = _that_fit(roster.why_out(former.device))
    return AnswerIntroduction(knock, accepted=False, sealed=_sealed(node, former, _ANSWER, proof))


def _entry_at_end(roster: Roster, chain: Sequence[RosterRecord]) -> MemberEntry | None:
    """Return the device that a chain is about: the last one that it admits, or the founder."""
    if not chain:
        return roster.entry_of(roster.founder)
    try:
        said = read_statement(chain[-1])
    except Malformed:
        return None
    return entry_of(said, chain[-1]) if isinstance(said, Admit) else None


def _that_fit(records: Sequence[RosterRecord]) -> list[RosterRecord]:
    """Return as many, from the first on, as one answer has room for."""
    room = limits.INTRODUCTION_BYTES - SEALING_BYTES
    return next(batches(records, room, limits.INTRODUCTION_RECORDS), [])


def _sealed(node: Node, to: MemberEntry, purpose: bytes, records: list[RosterRecord]) -> bytes:
    secret = node.chance.bytes(EPHEMERAL_BYTES)
    return seal_to(to.sealing, secret, purpose, encode(records))


def _opened(node: Node, purpose: bytes, sealed: bytes) -> list[RosterRecord] | None:
    opened = open_sealed(node.key, purpose, sealed)
    if opened is None:
        return None
    try:
        records = decoded(_RECORDS, opened, limits.INTRODUCTION_BYTES)
    except Malformed:
        return None
    return records[: limits.INTRODUCTION_RECORDS]
