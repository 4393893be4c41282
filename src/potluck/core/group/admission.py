"""Admission: who may enter, and what both sides must have said before.

Strategy: a short conversation inside a TLS channel that proves nothing by itself (both certificates
are ephemeral). The joiner commits to its nonce and keys before it sees the member's, so nobody can
grind keys until two conversations look alike; then each side signs everything that was said:

    joiner                                   member
    PAIR_COMMIT  H(nonce, certificate, sealing, label)
                                             PAIR_NONCE   nonce, certificate, sealing, group
    PAIR_REVEAL  what was committed to, signature
    PAIR_CONSENT                             PAIR_ALLOW, if its yes comes first
                                             PAIR_VERDICT signature
                                             PAIR_RECORDS the roster, in frames that fit

Each side is a machine of its own, with one table that says what may happen in which state
(`JOINER`, `DOORKEEPER`). Whatever breaks the protocol is an input too (`BREACH`), and the last: it
leads to REFUSED from everywhere. Whether a person is asked is not decided here: `WANT` and `ALLOW`
are inputs, which may come at any time once everything is revealed, in either order: at once from an
open door, later from a person, or from whatever else proves that both belong together (`WayIn`).
The `transcript` is what the three words that people compare are derived from (words.py), once the
joiner's nonce is revealed: before that, who sits in the middle still chooses what to say and could
try until both sides' words are equal.

Guarantees: a message that raises ProtocolError ends the conversation; no roster record leaves
before both said yes; no joiner is in a group it did not consent to; a signature over the transcript
binds both device keys, both nonces and the group, so neither side can be swapped in the middle
without the other noticing once words are compared. Limits: an open door does not compare words, and
so trusts the network for the length of the conversation; it says so loudly. Source: commit before
reveal as in ZRTP's short authentication string (RFC 6189 §4.4.1).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import Enum, auto

from blake3 import blake3

from potluck.core import limits
from potluck.core.errors import Malformed, ProtocolError
from potluck.core.group.roster import Roster
from potluck.core.group.roster_frames import pairing_frames
from potluck.core.group.statement_set import ROSTER_RECORDS
from potluck.core.keys.identity import (
    DeviceId,
    DeviceKey,
    GroupId,
    Identity,
    identity_of,
    verify,
)
from potluck.core.transitions import follow
from potluck.core.wire.catalogue import (
    Cause,
    PairAllow,
    PairCommit,
    PairConsent,
    PairingMessage,
    PairNonce,
    PairRecords,
    PairReveal,
    PairVerdict,
    RosterRecord,
    encode,
)

WHOLE_STEPS = 100  # statements of a stranger's roster for which all is derived anew


class JoinerState(Enum):
    """Where a conversation stands for the side that wants to enter."""

    START = auto()  # nothing is said
    COMMITTED = auto()  # the commitment is sent
    OFFERED = auto()  # the group is known and everything revealed: a yes is needed here
    CONSENTED = auto()  # this side wants it; the verdict is the member's
    ADMITTED = auto()  # the verdict is yes, the roster on its way
    DONE = auto()  # the roster is complete
    REFUSED = auto()  # it came to nothing


class JoinerInput(Enum):
    """What can happen to the side that wants to enter."""

    BEGIN = auto()  # here: say the commitment
    NONCE = auto()  # the member's nonce, keys and group came
    WANT = auto()  # here: the person, or the open door, wants this group
    ALLOWED = auto()  # the member would let us in as soon as we want it
    VERDICT_YES = auto()  # the member said yes
    VERDICT_NO = auto()  # the member said no
    RECORDS = auto()  # part of the roster came
    RECORDS_LAST = auto()  # its last part came
    BREACH = auto()  # the member broke the protocol


JOINER: dict[tuple[JoinerState, JoinerInput], JoinerState] = {
    (JoinerState.START, JoinerInput.BEGIN): JoinerState.COMMITTED,
    (JoinerState.COMMITTED, JoinerInput.NONCE): JoinerState.OFFERED,
    (JoinerState.COMMITTED, JoinerInput.VERDICT_NO): JoinerState.REFUSED,
    (JoinerState.OFFERED, JoinerInput.WANT): JoinerState.CONSENTED,
    (JoinerState.OFFERED, JoinerInput.ALLOWED): JoinerState.OFFERED,
    (JoinerState.OFFERED, JoinerInput.VERDICT_NO): JoinerState.REFUSED,
    (JoinerState.CONSENTED, JoinerInput.ALLOWED): JoinerState.CONSENTED,
    (JoinerState.CONSENTED, JoinerInput.VERDICT_YES): JoinerState.ADMITTED,
    (JoinerState.CONSENTED, JoinerInput.VERDICT_NO): JoinerState.REFUSED,
    (JoinerState.ADMITTED, JoinerInput.RECORDS): JoinerState.ADMITTED,
    (JoinerState.ADMITTED, JoinerInput.RECORDS_LAST): JoinerState.DONE,
    (JoinerState.START, JoinerInput.BREACH): JoinerState.REFUSED,
    (JoinerState.COMMITTED, JoinerInput.BREACH): JoinerState.REFUSED,
    (JoinerState.OFFERED, JoinerInput.BREACH): JoinerState.REFUSED,
    (JoinerState.CONSENTED, JoinerInput.BREACH): JoinerState.REFUSED,
    (JoinerState.ADMITTED, JoinerInput.BREACH): JoinerState.REFUSED,
    (JoinerState.DONE, JoinerInput.BREACH): JoinerState.REFUSED,
    (JoinerState.REFUSED, JoinerInput.BREACH): JoinerState.REFUSED,
}
"""The side that wants to enter: nobody is in a group it did not consent to."""


class DoorkeeperState(Enum):
    """Where a conversation stands for the side that may let somebody in."""

    START = auto()  # nothing is said
    CHALLENGED = auto()  # the commitment is heard, the own nonce, keys and group are sent
    REVEALED = auto()  # both know both keys
    CONSENTED = auto()  # the joiner wants it, this side has not decided
    ALLOWED = auto()  # this side has decided, the joiner has not said that it wants it
    DONE = auto()  # both said yes: the verdict and the roster may leave
    REFUSED = auto()  # it came to nothing


class DoorkeeperInput(Enum):
    """What can happen to the side that may let somebody in."""

    COMMIT = auto()  # the joiner's commitment came
    REVEAL = auto()  # what it committed to came, and is true
    CONSENT = auto()  # the joiner wants this group
    ALLOW = auto()  # here: the person, or the open door, says yes
    DENY = auto()  # here: no
    BREACH = auto()  # the joiner broke the protocol


DOORKEEPER: dict[tuple[DoorkeeperState, DoorkeeperInput], DoorkeeperState] = {
    (DoorkeeperState.START, DoorkeeperInput.COMMIT): DoorkeeperState.CHALLENGED,
    (DoorkeeperState.CHALLENGED, DoorkeeperInput.REVEAL): DoorkeeperState.REVEALED,
    (DoorkeeperState.REVEALED, DoorkeeperInput.CONSENT): DoorkeeperState.CONSENTED,
    (DoorkeeperState.REVEALED, DoorkeeperInput.ALLOW): DoorkeeperState.ALLOWED,
    (DoorkeeperState.CONSENTED, DoorkeeperInput.ALLOW): DoorkeeperState.DONE,
    (DoorkeeperState.ALLOWED, DoorkeeperInput.CONSENT): DoorkeeperState.DONE,
    (DoorkeeperState.START, DoorkeeperInput.DENY): DoorkeeperState.REFUSED,
    (DoorkeeperState.CHALLENGED, DoorkeeperInput.DENY): DoorkeeperState.REFUSED,
    (DoorkeeperState.REVEALED, DoorkeeperInput.DENY): DoorkeeperState.REFUSED,
    (DoorkeeperState.CONSENTED, DoorkeeperInput.DENY): DoorkeeperState.REFUSED,
    (DoorkeeperState.ALLOWED, DoorkeeperInput.DENY): DoorkeeperState.REFUSED,
    (DoorkeeperState.START, DoorkeeperInput.BREACH): DoorkeeperState.REFUSED,
    (DoorkeeperState.CHALLENGED, DoorkeeperInput.BREACH): DoorkeeperState.REFUSED,
    (DoorkeeperState.REVEALED, DoorkeeperInput.BREACH): DoorkeeperState.REFUSED,
    (DoorkeeperState.CONSENTED, DoorkeeperInput.BREACH): DoorkeeperState.REFUSED,
    (DoorkeeperState.ALLOWED, DoorkeeperInput.BREACH): DoorkeeperState.REFUSED,
    (DoorkeeperState.DONE, DoorkeeperInput.BREACH): DoorkeeperState.REFUSED,
    (DoorkeeperState.REFUSED, DoorkeeperInput.BREACH): DoorkeeperState.REFUSED,
}
"""The side that may let somebody in: no roster record leaves before both said yes."""


class WayIn(Enum):
    """What says yes on one side, and so decides."""

    OPEN = auto()  # the door is open: nobody is asked
    WORDS = auto()  # a person compares three words
    CODE = auto()  # a one-time code was typed here and is known there: that is the yes


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The device a member is asked to admit."""

    device: DeviceId
    certificate: bytes
    sealing: bytes
    label: str
    by_code: bool = False  # it says that a code comes, and nobody need compare words


@dataclass(slots=True)
class Joiner:
    """The side that wants to enter."""

    key: DeviceKey
    label: str
    nonce: bytes
    by_code: bool = False  # a code was typed here: it decides, not words
    state: JoinerState = JoinerState.START
    group: GroupId | None = None
    group_name: str = ""
    member_label: str = ""
    transcript: bytes = b""
    refused: Cause = Cause.OTHER  # why it said no
    _member_public: bytes = b""
    _records: list[RosterRecord] = field(default_factory=list)

    def __repr__(self) -> str:
        return (
            f"<Joiner {self.state.name}, group {self.group_name!r}, {len(self._records)} records>"
        )

    def begin(self) -> list[PairingMessage]:
        """Return the commitment."""
        self._fire(JoinerInput.BEGIN)
        commitment = _commitment(
            self.nonce, self.key.certificate, self.key.sealing_public, self.label
        )
        self.transcript = commitment
        return [PairCommit([limits.PROTOCOL_VERSION], commitment)]

    def hear(self, message: PairingMessage) -> list[PairingMessage]:
        """Take one message of the member; raises ProtocolError, after which nothing goes on."""
        try:
            return self._take(message)
        except ProtocolError:
            self._fire(JoinerInput.BREACH)
            raise

    def want(self) -> list[PairingMessage]:
        """The person here (or the open door here) wants this group."""
        self._fire(JoinerInput.WANT)
        return [PairConsent()]

    def roster(self) -> Roster:
        """Return the roster of the group we are in now; raises ProtocolError if it is another."""
        if self.state is not JoinerState.DONE or not self._records:
            raise ProtocolError("the admission is not complete")
        roster = Roster.replay(self._records, WHOLE_STEPS)
        if roster.group != self.group or self.key.device not in roster.members:
            raise ProtocolError("the roster is not that of the group that was offered")
        return roster

    def _take(self, message: PairingMessage) -> list[PairingMessage]:
        match message:
            case PairNonce():
                self._fire(JoinerInput.NONCE)
                self.transcript = blake3(self.transcript + encode(message)).digest()
                self._member_public = _identity(message).public
                self.group, self.group_name = GroupId(message.group), message.name
                self.member_label = message.label
                signature = self.key.sign(b"pair joiner", self.transcript)
                own = (self.nonce, self.key.certificate, self.key.sealing_public, self.label)
                self.transcript = _revealed(self.transcript, *own)
                return [PairReveal(*own, signature, self.by_code)]
            case PairAllow():
                self._fire(JoinerInput.ALLOWED)
                return []
            case PairVerdict(admitted, _, signature, cause):
                self._fire(JoinerInput.VERDICT_YES if admitted else JoinerInput.VERDICT_NO)
                self.refused = cause
                if admitted:
                    self._check(signature)
                return []
            case PairRecords(records, last):
                self._fire(JoinerInput.RECORDS_LAST if last else JoinerInput.RECORDS)
                self._records += records
                if len(self._records) > ROSTER_RECORDS:
                    raise ProtocolError("the roster sent at admission is too long")
                return []
            case _:
                raise ProtocolError(f"{type(message).__name__} is not for a joiner")

    def _check(self, signature: bytes) -> None:
        if not verify(self._member_public, b"pair member", self.transcript, signature):
            raise ProtocolError("the member's signature over the conversation is wrong")

    def _fire(self, happened: JoinerInput) -> None:
        self.state = follow(JOINER, self.state, happened)


@dataclass(slots=True)
class Doorkeeper:
    """The side that may let somebody enter."""

    key: DeviceKey
    roster: Roster
    label: str
    nonce: bytes
    state: DoorkeeperState = DoorkeeperState.START
    newcomer: Newcomer | None = None
    transcript: bytes = b""
    _commitment: bytes = b""

    def __repr__(self) -> str:
        who = self.newcomer.label if self.newcomer is not None else ""
        return f"<Doorkeeper {self.state.name}, newcomer {who!r}>"

    def hear(self, message: PairingMessage) -> list[PairingMessage]:
        """Take one message of the joiner; raises ProtocolError, after which nothing goes on."""
        try:
            return self._take(message)
        except ProtocolError:
            self._fire(DoorkeeperInput.BREACH)
            raise

    def allow(self) -> list[PairingMessage]:
        """The person here (or the open door here) says yes; told if the joiner has not yet."""
        self._fire(DoorkeeperInput.ALLOW)
        return [] if self.agreed else [PairAllow()]

    def deny(self, reason: str, cause: Cause = Cause.OTHER) -> list[PairingMessage]:
        """Say no, and why."""
        self._fire(DoorkeeperInput.DENY)
        return [PairVerdict(admitted=False, reason=reason, signature=b"", cause=cause)]

    @property
    def agreed(self) -> bool:
        """Whether both sides said yes."""
        return self.state is DoorkeeperState.DONE

    def welcome(self, records: list[RosterRecord]) -> list[PairingMessage]:
        """Return the verdict and the roster with the newcomer's admission; raises ProtocolError."""
        if not self.agreed:
            raise ProtocolError("not both sides have said yes")
        signature = self.key.sign(b"pair member", self.transcript)
        verdict = PairVerdict(admitted=True, reason="", signature=signature)
        return [verdict, *pairing_frames(records)]

    def _take(self, message: PairingMessage) -> list[PairingMessage]:
        match message:
            case PairCommit(versions, commitment):
                self._fire(DoorkeeperInput.COMMIT)
                if limits.PROTOCOL_VERSION not in versions:
                    raise ProtocolError(
                        "the other side speaks no version of the protocol that we speak"
                    )
                self._commitment = commitment
                own = (self.nonce, self.key.certificate, self.key.sealing_public)
                reply = PairNonce(*own, self.roster.group, self.roster.name, self.label)
                self.transcript = blake3(commitment + encode(reply)).digest()
                return [reply]
            case PairReveal():
                self._fire(DoorkeeperInput.REVEAL)
                self.newcomer = self._check(message)
                return []
            case PairConsent():
                self._fire(DoorkeeperInput.CONSENT)
                return []
            case _:
                raise ProtocolError(f"{type(message).__name__} is not for a member")

    def _check(self, reveal: PairReveal) -> Newcomer:
        said = (reveal.nonce, reveal.certificate, reveal.sealing, reveal.label)
        if not hmac.compare_digest(_commitment(*said), self._commitment):
            raise ProtocolError("what was revealed is not what was committed to")
        who = _identity(reveal)
        if not verify(who.public, b"pair joiner", self.transcript, reveal.signature):
            raise ProtocolError("the joiner's signature over the conversation is wrong")
        self.transcript = _revealed(self.transcript, *said)
        return Newcomer(who.device, reveal.certificate, who.sealing, reveal.label, reveal.code)

    def _fire(self, happened: DoorkeeperInput) -> None:
        self.state = follow(DOORKEEPER, self.state, happened)


def _identity(said: PairNonce | PairReveal) -> Identity:
    """Return who says this; raises Malformed for a certificate that nobody can have.

    Or for another sealing key than the one in it.
    """
    who = identity_of(said.certificate)
    if who.sealing != said.sealing:
        raise Malformed("the sealing key is not the one in the certificate")
    return who


def _commitment(nonce: bytes, certificate: bytes, sealing: bytes, label: str) -> bytes:
    if len(nonce) != limits.PAIRING_NONCE_BYTES:
        raise Malformed(f"a nonce is {limits.PAIRING_NONCE_BYTES} bytes")
    said = encode((nonce, certificate, sealing, label))
    return blake3(said, derive_key_context="potluck pairing v1").digest()


def _revealed(
    transcript: bytes, nonce: bytes, certificate: bytes, sealing: bytes, label: str
) -> bytes:
    """Add what was committed to; not the signature, of which its maker can produce any number."""
    return blake3(transcript + encode((nonce, certificate, sealing, label))).digest()
