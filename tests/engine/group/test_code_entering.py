"""Code entering: the member must prove the code on this very link before its yes counts.

Strategy: the member is played by hand, with core/group/admission.py and code_proofs.py.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Doorkeeper
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code, TypedCode
from potluck.core.group.founding import FoundGroup, tag_of
from potluck.core.group.roster import Roster
from potluck.core.group.word_list import WORDS
from potluck.core.wire.catalogue import (
    PairCodeRefused,
    PairCommit,
    PairConsent,
    PairingMessage,
    PairNonce,
    PairProof,
    PairReveal,
    PairShare,
    PairVerdict,
)
from potluck.engine.effects import Drop, Reply, Send
from potluck.engine.events import LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.code_entering import CodeEntering
from potluck.engine.group.joining import FIND_S, Joining
from potluck.engine.group.membership import Membership
from potluck.engine.person_acts import JoinAsked
from tests.engine.builders import Chance, address, flush, group, key, member, node
from tests.engine.listeners import Heard

LINK = LinkId(5)
WORD = "-".join(WORDS[:3])


class Play:
    """Device 1, to which a code was typed, and a member of the group of 2 and 3 that it asks."""

    def __init__(self, offered: Roster | None = None) -> None:
        self.node, self.heard = node(open_s=None), Heard()
        membership = Membership(self.node, self.heard)
        policy = AdmissionPolicy(self.node, membership, self.heard)
        self.joining = Joining(self.node, policy, WORDS, self.heard)
        self.entering = CodeEntering(self.node, membership, policy, self.joining, self.heard)
        policy.start(kept=membership.start())
        self.roster = group(2, 3)
        self.joining.begin(JoinAsked(7, TypedCode(WORD)))
        found = found_at(offered or self.roster)
        policy.inviters[found.address] = found
        self.joining.on_tick()
        self.node.take()
        self.keeper = Doorkeeper(key(2), self.roster, "d2", bytes(16))
        self.entering.begin(LINK, found)
        (self.commit,) = self.said()

    def said(self) -> list[PairingMessage]:
        """What this device said since."""
        effects = flush(self.node)
        assert all(effect.link == LINK for effect in effects if isinstance(effect, Send))
        self.dropped = [effect.reason for effect in effects if isinstance(effect, Drop)]
        self.replies = [effect for effect in effects if isinstance(effect, Reply)]
        return [
            effect.message
            for effect in effects
            if isinstance(effect, Send) and isinstance(effect.message, PairingMessage)
        ]

    def hear(self, *messages: PairingMessage) -> list[PairingMessage]:
        for message in messages:
            self.inside = self.entering.hear(message)
        return self.said()

    def reveal(self) -> PairShare:
        """Up to the joiner's share."""
        reveal, share = self.hear(*self.keeper.hear(self.commit))
        assert isinstance(reveal, PairReveal)
        assert isinstance(share, PairShare)
        self.keeper.hear(reveal)
        return share

    def prove(self, code: str = WORD) -> CodeProof:
        """Up to the joiner's consent."""
        share, me = self.reveal(), self.node.me
        side = CodeProof(Code(code.split("-")), me, key(2).device, Chance(9), joins=False)
        side.take_share(share.share)
        proof, consent = self.hear(PairShare(side.share))
        assert isinstance(proof, PairProof)
        assert side.is_proved(proof.proof, self.keeper.transcript) == (code == WORD)
        self.keeper.hear(consent)
        return side

    def welcome(self) -> list[PairingMessage]:
        """The yes, and the roster with device 1 in it."""
        self.keeper.allow()
        self.roster.add([member(key(2), self.roster, self.node.key, "d1")])
        return self.keeper.welcome(self.roster.records())


def found_at(roster: Roster) -> FoundGroup:
    return FoundGroup(
        tag=tag_of(roster.group),
        name="Home",
        label="d2",
        address=address(2),
        members=2,
        open=False,
        heard_s=0.0,
        by_code=True,
    )


def test_a_member_that_proves_the_code_lets_this_device_in() -> None:
    play = Play()
    assert isinstance(play.commit, PairCommit)
    assert LINK in play.entering
    assert play.entering.deadline() == limits.PAIRING_S
    side = play.prove()
    assert play.keeper.newcomer is not None
    assert play.keeper.newcomer.by_code
    assert play.heard.of("on_met") == [(key(2).device, address(2))]
    play.hear(PairProof(side.proof(play.keeper.transcript)), *play.welcome())
    assert play.inside
    assert play.dropped == ["admitted"]
    assert [reply.ok for reply in play.replies] == [True]
    assert play.node.roster is not None
    assert play.node.roster.group == play.roster.group
    assert LINK not in play.entering
    assert play.entering.deadline() is None


@pytest.mark.parametrize("proves", [False, True])
def test_a_yes_of_whoever_does_not_know_the_code_is_void(proves: bool) -> None:
    play = Play()
    side = play.prove("-".join(WORDS[3:6]))
    own = play.node.roster
    with pytest.raises(ProtocolError):
        play.hear(*[PairProof(side.proof(play.keeper.transcript))] * proves, *play.welcome())
    play.said()
    assert [reply.code for reply in play.replies] == ["untrusted"]
    assert play.node.roster is own


def test_a_yes_before_the_proof_is_void_also_of_who_could_prove_it() -> None:
    play = Play()
    play.prove()
    with pytest.raises(ProtocolError):
        play.hear(*play.welcome())


def test_a_no_ends_the_conversation_and_others_may_follow() -> None:
    play = Play()
    play.prove()
    assert play.hear(PairCodeRefused(2, running=True)) == []
    assert not play.inside
    assert LINK in play.entering
    play.hear(*play.keeper.deny("no"))
    assert play.dropped == ["refused"]
    assert LINK not in play.entering
    assert play.replies == []
    assert play.joining.deadline() is not None


def test_another_group_than_the_one_that_was_found_is_not_entered() -> None:
    play = Play(offered=group(4, 5))
    with pytest.raises(ProtocolError):
        play.reveal()


def test_the_consent_comes_after_the_proof_only() -> None:
    play = Play()
    share = play.reveal()
    assert not isinstance(share, PairConsent)
    with pytest.raises(ProtocolError):
        play.hear(PairVerdict(admitted=True, reason="", signature=b""))


def test_a_member_that_breaks_the_rules_is_not_listened_to() -> None:
    play = Play()
    with pytest.raises(ProtocolError):
        play.hear(PairNonce(bytes(16), b"", bytes(32), bytes(32), "", ""))


def test_a_door_that_cannot_be_reached_makes_room_for_the_next() -> None:
    play = Play()
    play.entering.end("gone")
    play.entering.on_unreached("timeout")
    assert play.joining.deadline() == FIND_S


def test_what_takes_too_long_ends() -> None:
    play = Play()
    play.node.now = limits.PAIRING_S - 0.1
    play.entering.on_tick()
    assert LINK in play.entering
    play.node.now = limits.PAIRING_S
    play.entering.on_tick()
    assert LINK not in play.entering
    play.said()
    assert play.dropped == ["too slow"]
    play.entering.on_tick()
    play.entering.end("again")
    play.said()
    assert play.dropped == []


def test_it_shows_its_state() -> None:
    assert repr(Play().entering) == "<CodeEntering talks=True>"


def test_a_code_that_was_wrong_there_before_is_not_tried_again() -> None:
    play = Play()
    play.reveal()
    play.hear(PairCodeRefused(2, running=True))
    play.entering.end("refused")
    play.node.now += FIND_S
    play.joining.on_tick()
    play.joining.begin(JoinAsked(8, TypedCode(WORD)))
    found = found_at(play.roster)
    play.joining._policy.inviters[found.address] = found
    play.joining.on_tick()
    play.keeper = Doorkeeper(key(2), play.roster, "d2", bytes(16))
    play.said()
    play.entering.begin(LINK, found)
    (commit,) = play.said()
    (reveal,) = play.hear(*play.keeper.hear(commit))
    assert isinstance(reveal, PairReveal), "and no share, which would begin a try"
    assert len(play.dropped) == 1
    play.node.now += FIND_S
    play.joining.on_tick()
    play.said()
    (reply,) = play.replies
    assert "not tried there again" in reply.text
