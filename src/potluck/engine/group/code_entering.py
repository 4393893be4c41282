"""Code entering: the conversation in which this device is let into a group by a code.

Strategy: an ordinary pairing (core/group/admission.py), in which the code stands for the words:

    pair_commit, pair_nonce, pair_reveal     as always; the reveal says that a code comes
    pair_share, pair_share, pair_proof       joining.py has the code, and does the arithmetic
    pair_consent                             the code was typed: that is this person's yes
    pair_proof, pair_verdict, pair_records   the member's proof comes first, or its yes is void

Guarantees: this device enters a group by a code only if the member on this very link proved to know
it, over this very conversation. One conversation at a time, which ends in time. Limits: which
device is talked to is joining.py's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Joiner, JoinerState
from potluck.core.group.founding import FoundGroup, tag_of
from potluck.core.keys.identity import device_of
from potluck.core.wire.catalogue import (
    Cause,
    Message,
    PairCodeRefused,
    PairingMessage,
    PairNonce,
    PairProof,
    PairShare,
    PairVerdict,
)
from potluck.engine.effects import Drop, Send
from potluck.engine.events import LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.entering import EnteringListener
from potluck.engine.group.invitations import Invitations
from potluck.engine.group.joining import Joining
from potluck.engine.group.membership import Membership
from potluck.engine.node import Node


@dataclass(frozen=True, slots=True)
class _Talk:
    """A conversation with a member that says it has a code in force."""

    link: LinkId
    joiner: Joiner
    found: FoundGroup
    until_s: float


class Codes(NamedTuple):
    """What codes there are on this device: its own, and one that was typed."""

    invitations: Invitations
    joining: Joining


class CodeEntering:
    """The one conversation about the code that was typed."""

    def __init__(
        self,
        node: Node,
        membership: Membership,
        admission_policy: AdmissionPolicy,
        joining: Joining,
        listener: EnteringListener,
    ) -> None:
        """Talk with nobody."""
        self._node, self._membership, self._admission_policy = node, membership, admission_policy
        self._joining, self._listener = joining, listener
        self._talk: _Talk | None = None

    def __contains__(self, link: LinkId) -> bool:
        """Say whether that link is the one of this conversation."""
        return self._talk is not None and self._talk.link == link

    def __repr__(self) -> str:
        return f"<CodeEntering talks={self._talk is not None}>"

    def begin(self, link: LinkId, found: FoundGroup) -> None:
        """Ask to be let in."""
        node = self._node
        nonce = node.chance.bytes(limits.PAIRING_NONCE_BYTES)
        joiner = Joiner(node.key, node.own_label, nonce, by_code=True)
        self._talk = _Talk(link, joiner, found, node.now + limits.PAIRING_S)
        self._send(joiner.begin())

    def hear(self, message: PairingMessage) -> bool:
        """The member said something; returns whether we are in. Raises ProtocolError."""
        talk = self._talk
        assert talk is not None, "whoever asks knows that there is one"
        joiner = talk.joiner
        if isinstance(message, PairShare | PairProof | PairCodeRefused):
            self._send(self._joining.hear(message))
            self._send(joiner.want() if isinstance(message, PairShare) else [])
            return False
        if isinstance(message, PairVerdict) and message.admitted:
            self._joining.require_proof()
        self._send(joiner.hear(message))
        if isinstance(message, PairNonce):
            self._meet(talk, message)
        if joiner.state is JoinerState.REFUSED:
            self.end("refused", removed=joiner.refused is Cause.REMOVED)
        return joiner.state is JoinerState.DONE and self._enter(talk)

    def on_unreached(self, reason: str) -> None:
        """The door of the group that was to be asked could not be reached; as in DialFailed."""
        self._joining.on_ended(unreached=reason)

    def end(self, why: str, *, removed: bool = False) -> None:
        """The conversation came to nothing, or is not needed any more."""
        talk, self._talk = self._talk, None
        if talk is not None:
            self._node.do(Drop(talk.link, why))
            self._joining.on_ended(removed=removed)

    def _meet(self, talk: _Talk, said: PairNonce) -> None:
        """The member has shown who it is: begin to prove."""
        group = talk.joiner.group
        if group is None or tag_of(group) != talk.found.tag:
            raise ProtocolError("that is not the group that was offered")
        member = device_of(said.certificate)
        share = self._joining.start(member, talk.joiner.transcript, talk.joiner.member_label)
        if not share:
            self.end("the code is wrong here, as was said before")
            return
        self._send(share)
        self._listener.on_met(member, talk.found.address)

    def _enter(self, talk: _Talk) -> bool:
        self._membership.enter(talk.joiner.roster())
        self._talk = None
        self._node.do(Drop(talk.link, "admitted"))
        self._admission_policy.on_members()
        self._joining.on_entered()
        return True

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._talk.until_s if self._talk is not None else None

    def on_tick(self) -> None:
        """End what takes too long."""
        if self._talk is not None and self._talk.until_s <= self._node.now:
            self.end("too slow")

    def _send(self, messages: Sequence[Message]) -> None:
        assert self._talk is not None, "there is a conversation to say it in"
        self._node.do(*(Send(self._talk.link, message) for message in messages))
