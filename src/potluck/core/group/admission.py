"""Admission: who may enter, and what both sides must have said before.

Strategy: a short conversation inside a TLS channel that proves nothing by itself (both certificates
are ephemeral). The joiner commits to its nonce and keys before it sees the member's, so nobody can
grind keys until two conversations look alike; then each side signs everything that was said:

    joiner                                   member
    PAIR_COMMIT  H(nonce, certificate, sealing, label)
                                             PAIR_NONCE   nonce, certificate, sealing, group
    PAIR_REVEAL  what was committed to, signature
    PAIR_CONSENT
                                             PAIR_VERDICT signature
                                             PAIR_RECORDS the roster, in chunks

One table says what may happen in which state (`TABLE`); what is absent raises ProtocolError.
Whether a person is asked is not decided here: `ALLOWED` and `WANTED` are inputs, given at once by
an open door and by a yes otherwise. The `transcript` is what three words are derived from when
people compare them, once the joiner's nonce is revealed: before that, who sits in the middle still
chooses what to say and could try until both sides' words are equal.

Guarantees: a ProtocolError ends the conversation (REFUSED); no roster record leaves before both
said yes; no joiner is in a group it did not consent to; a signature over the transcript binds both
device keys, both nonces and the group, so neither side can be swapped in the middle without the
other noticing once words are compared. Limits: an open door does not compare words, and so trusts
the network for the length of the conversation; it says so loudly. Source: commit before reveal as
in ZRTP's short authentication string (RFC 6189 §4.4.1).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import Enum, auto

from blake3 import blake3

from potluck.core import limits
from potluck.core.errors import Malformed, ProtocolError
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import (
    DeviceId,
    DeviceKey,
    GroupId,
    device_of,
    public_bytes_of,
    verify,
)
from potluck.core.wire.catalogue import (
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

RECORDS_PER_FRAME = 4  # about 0.9 KiB each, within a pairing frame


class State(Enum):
    """Where a conversation stands."""

    START = auto()
    COMMITTED = auto()  # the commitment is sent or heard
    OFFERED = auto()  # joiner: knows the group, waits for a yes here; member: has sent its nonce
    REVEALED = auto()  # both know both keys
    CONSENTED = auto()  # the joiner wants it, the member has not decided
    ALLOWED = auto()  # the member has decided, the joiner has not said it wants it
    ADMITTED = auto()  # verdict given, roster on its way
    DONE = auto()
    REFUSED = auto()


class Input(Enum):
    """What can happen to a conversation."""

    BEGIN = auto()
    COMMIT = auto()
    NONCE = auto()
    REVEAL = auto()
    CONSENT = auto()
    ALLOW = auto()
    WANT = auto()
    VERDICT_YES = auto()
    VERDICT_NO = auto()
    RECORDS = auto()
    RECORDS_LAST = auto()
    DENY = auto()


JOINER: dict[tuple[State, Input], State] = {
    (State.START, Input.BEGIN): State.COMMITTED,
    (State.COMMITTED, Input.NONCE): State.OFFERED,
    (State.OFFERED, Input.WANT): State.CONSENTED,
    (State.OFFERED, Input.DENY): State.REFUSED,
    (State.OFFERED, Input.VERDICT_NO): State.REFUSED,
    (State.COMMITTED, Input.VERDICT_NO): State.REFUSED,
    (State.CONSENTED, Input.VERDICT_YES): State.ADMITTED,
    (State.CONSENTED, Input.VERDICT_NO): State.REFUSED,
    (State.ADMITTED, Input.RECORDS): State.ADMITTED,
    (State.ADMITTED, Input.RECORDS_LAST): State.DONE,
}
MEMBER: dict[tuple[State, Input], State] = {
    (State.START, Input.COMMIT): State.OFFERED,
    (State.OFFERED, Input.REVEAL): State.REVEALED,
    (State.REVEALED, Input.CONSENT): State.CONSENTED,
    (State.REVEALED, Input.ALLOW): State.ALLOWED,
    (State.CONSENTED, Input.ALLOW): State.DONE,
    (State.ALLOWED, Input.CONSENT): State.DONE,
    (State.START, Input.DENY): State.REFUSED,
    (State.OFFERED, Input.DENY): State.REFUSED,
    (State.REVEALED, Input.DENY): State.REFUSED,
    (State.CONSENTED, Input.DENY): State.REFUSED,
    (State.ALLOWED, Input.DENY): State.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The device a member is asked to admit."""

    device: DeviceId
    certificate: bytes
    sealing: bytes
    label: str


@dataclass(slots=True)
class Joiner:
    """The side that wants to enter."""

    key: DeviceKey
    label: str
    nonce: bytes
    state: State = State.START
    group: GroupId | None = None
    group_name: str = ""
    member_label: str = ""
    transcript: bytes = b""
    _member_public: bytes = b""
    _records: list[RosterRecord] = field(default_factory=list)

    def begin(self) -> list[PairingMessage]:
        """Return the commitment."""
        self._fire(Input.BEGIN)
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
            self.state = State.REFUSED
            raise

    def want(self) -> list[PairingMessage]:
        """The person here (or the open door here) wants this group."""
        self._fire(Input.WANT)
        return [PairConsent()]

    def roster(self) -> Roster:
        """Return the roster of the group we are now in; raises ProtocolError if it is not the one
        offered.
        """
        if self.state is not State.DONE or not self._records:
            raise ProtocolError("the admission is not complete")
        roster = Roster(self._records[0])
        roster.add(self._records[1:])
        if roster.group != self.group or self.key.device not in roster.members:
            raise ProtocolError("the roster is not that of the group that was offered")
        return roster

    def _take(self, message: PairingMessage) -> list[PairingMessage]:
        match message:
            case PairNonce():
                self._fire(Input.NONCE)
                self.transcript = blake3(self.transcript + encode(message)).digest()
                self._member_public = public_bytes_of(message.certificate)
                self.group, self.group_name = GroupId(message.group), message.name
                self.member_label = message.label
                signature = self.key.sign(b"pair joiner", self.transcript)
                own = (self.nonce, self.key.certificate, self.key.sealing_public, self.label)
                self.transcript = _revealed(self.transcript, *own)
                return [PairReveal(*own, signature)]
            case PairVerdict(admitted, _, signature):
                self._fire(Input.VERDICT_YES if admitted else Input.VERDICT_NO)
                if admitted and not verify(
                    self._member_public, b"pair member", self.transcript, signature
                ):
                    raise ProtocolError("the member's signature over the conversation is wrong")
                return []
            case PairRecords(records, last):
                self._fire(Input.RECORDS_LAST if last else Input.RECORDS)
                self._records += records
                if len(self._records) > limits.LIST_ITEMS:
                    raise ProtocolError("the roster sent at admission is too long")
                return []
            case _:
                raise ProtocolError(f"{type(message).__name__} is not for a joiner")

    def _fire(self, happened: Input) -> None:
        self.state = _next(JOINER, self.state, happened)


@dataclass(slots=True)
class Doorkeeper:
    """The side that may let somebody enter."""

    key: DeviceKey
    roster: Roster
    label: str
    nonce: bytes
    state: State = State.START
    newcomer: Newcomer | None = None
    transcript: bytes = b""
    _commitment: bytes = b""

    def hear(self, message: PairingMessage) -> list[PairingMessage]:
        """Take one message of the joiner; raises ProtocolError, after which nothing goes on."""
        try:
            return self._take(message)
        except ProtocolError:
            self.state = State.REFUSED
            raise

    def _take(self, message: PairingMessage) -> list[PairingMessage]:
        match message:
            case PairCommit(versions, commitment):
                self._fire(Input.COMMIT)
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
                self._fire(Input.REVEAL)
                self.newcomer = self._check(message)
                return []
            case PairConsent():
                self._fire(Input.CONSENT)
                return []
            case _:
                raise ProtocolError(f"{type(message).__name__} is not for a member")

    def allow(self) -> None:
        """The person here (or the open door here) says yes."""
        self._fire(Input.ALLOW)

    def deny(self, reason: str) -> list[PairingMessage]:
        """Say no, and why."""
        self._fire(Input.DENY)
        return [PairVerdict(admitted=False, reason=reason, signature=b"")]

    @property
    def agreed(self) -> bool:
        """Whether both sides said yes."""
        return self.state is State.DONE

    def welcome(self, records: list[RosterRecord]) -> list[PairingMessage]:
        """Return the verdict and the roster, the newcomer's own admission included; raises
        ProtocolError.
        """
        if not self.agreed:
            raise ProtocolError("not both sides have said yes")
        signature = self.key.sign(b"pair member", self.transcript)
        frames: list[PairingMessage] = [PairVerdict(admitted=True, reason="", signature=signature)]
        for at in range(0, len(records), RECORDS_PER_FRAME):
            chunk = records[at : at + RECORDS_PER_FRAME]
            frames.append(PairRecords(chunk, last=at + RECORDS_PER_FRAME >= len(records)))
        return frames

    def _check(self, reveal: PairReveal) -> Newcomer:
        said = (reveal.nonce, reveal.certificate, reveal.sealing, reveal.label)
        if not hmac.compare_digest(_commitment(*said), self._commitment):
            raise ProtocolError("what was revealed is not what was committed to")
        public = public_bytes_of(reveal.certificate)
        if not verify(public, b"pair joiner", self.transcript, reveal.signature):
            raise ProtocolError("the joiner's signature over the conversation is wrong")
        self.transcript = _revealed(self.transcript, *said)
        return Newcomer(
            device_of(reveal.certificate), reveal.certificate, reveal.sealing, reveal.label
        )

    def _fire(self, happened: Input) -> None:
        self.state = _next(MEMBER, self.state, happened)


def _next(table: dict[tuple[State, Input], State], state: State, happened: Input) -> State:
    try:
        return table[state, happened]
    except KeyError:
        raise ProtocolError(f"{happened.name} may not come while {state.name}") from None


def _commitment(nonce: bytes, certificate: bytes, sealing: bytes, label: str) -> bytes:
    if len(nonce) != 16:
        raise Malformed("a nonce is 16 bytes")
    said = encode((nonce, certificate, sealing, label))
    return blake3(said, derive_key_context="potluck pairing v1").digest()


def _revealed(
    transcript: bytes, nonce: bytes, certificate: bytes, sealing: bytes, label: str
) -> bytes:
    """Add what was committed to; not the signature, of which its maker can produce any number."""
    return blake3(transcript + encode((nonce, certificate, sealing, label))).digest()
