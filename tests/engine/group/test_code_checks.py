"""Code checks: a try counts when it begins, and right and wrong are answered equally late."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Doorkeeper, Newcomer
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code
from potluck.core.group.word_list import WORDS
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import PairCodeRefused, PairProof, PairShare
from potluck.engine.effects import Effect, Send
from potluck.engine.events import LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.code_checks import SHARE_AFTER_S, VERDICT_AFTER_S, CodeChecks
from potluck.engine.group.invitations import Invitations
from potluck.engine.group.membership import Membership
from potluck.engine.node import Node
from tests.engine.builders import Chance, group, key, node
from tests.engine.listeners import Heard

LINK, TALK = LinkId(5), b"t" * 32
BEN = key(2).device


class Door:
    """A member with a code in force, and whoever comes."""

    def __init__(self) -> None:
        self.node: Node = node(open_s=None)
        self.heard = Heard()
        policy = AdmissionPolicy(self.node, Membership(self.node, self.heard), self.heard)
        self.invitations = Invitations(self.node, policy, WORDS)
        self.checks = CodeChecks(self.node, self.invitations, self.heard)
        self.code = self.invitations.invite(600.0)

    def keeper(self, device: DeviceId = BEN, talk: bytes = TALK) -> Doorkeeper:
        """A conversation in which that device has revealed itself."""
        keeper = Doorkeeper(self.node.key, group(1), "d1", bytes(16))
        keeper.newcomer = Newcomer(device, b"", b"", "d2", by_code=True)
        keeper.transcript = talk
        return keeper

    def newcomer(self, code: str = "", device: DeviceId = BEN) -> CodeProof:
        words = (code or self.code).split("-")
        return CodeProof(Code(words), device, self.node.me, Chance(7), joins=True)

    def begin(self, side: CodeProof, link: LinkId = LINK, device: DeviceId = BEN) -> None:
        self.checks.hear(link, PairShare(side.share), self.keeper(device), "10.0.0.2")

    def pass_(self, seconds: float) -> list[Effect]:
        """Let time pass to then and return what was sent."""
        self.node.now += seconds
        self.checks.on_tick()
        return [effect for effect in self.node.take() if isinstance(effect, Send)]

    def share(self, side: CodeProof, link: LinkId = LINK) -> None:
        """Begin, and take the member's share."""
        self.begin(side, link)
        (sent,) = self.pass_(SHARE_AFTER_S)
        assert isinstance(sent, Send)
        assert isinstance(sent.message, PairShare)
        side.take_share(sent.message.share)

    def prove(self, side: CodeProof, link: LinkId = LINK) -> None:
        self.checks.hear(link, PairProof(side.proof(TALK)), self.keeper(), "10.0.0.2")


def test_who_knows_the_code_is_told_to_the_listener_after_the_own_proof() -> None:
    door = Door()
    side = door.newcomer()
    door.share(side)
    assert door.checks.deadline() is None
    door.prove(side)
    assert door.checks.deadline() == SHARE_AFTER_S + VERDICT_AFTER_S
    (sent,) = door.pass_(VERDICT_AFTER_S)
    assert isinstance(sent, Send)
    assert isinstance(sent.message, PairProof)
    assert side.is_proved(sent.message.proof, TALK)
    assert door.heard.of("say_yes") == [LINK]
    assert repr(door.checks) == "<CodeChecks 0 under way>"


@pytest.mark.parametrize("right", [True, False])
def test_right_and_wrong_are_answered_at_the_same_time(right: bool) -> None:
    door = Door()
    side = door.newcomer("" if right else "-".join(WORDS[:3]))
    door.begin(side)
    assert door.checks.deadline() == SHARE_AFTER_S
    assert door.pass_(SHARE_AFTER_S - 0.01) == []
    (sent,) = door.pass_(0.01)
    assert isinstance(sent, Send)
    assert isinstance(sent.message, PairShare)
    side.take_share(sent.message.share)
    door.prove(side)
    assert door.checks.deadline() == SHARE_AFTER_S + VERDICT_AFTER_S
    assert door.pass_(VERDICT_AFTER_S - 0.01) == []
    (sent,) = door.pass_(0.02)
    assert isinstance(sent, Send)
    assert isinstance(sent.message, PairProof if right else PairCodeRefused)


def test_who_does_not_know_it_hears_how_many_tries_are_left() -> None:
    door = Door()
    for left in (2, 1, 0):
        side = door.newcomer("-".join(WORDS[:3]))
        door.share(side)
        door.prove(side)
        (sent,) = door.pass_(VERDICT_AFTER_S)
        assert isinstance(sent, Send)
        assert sent.message == PairCodeRefused(left, running=True)
    assert door.heard.of("say_no") == [LINK] * 3
    assert door.invitations.left_s is None
    side = door.newcomer()
    door.begin(side)
    assert door.pass_(VERDICT_AFTER_S - 0.01) == []
    (sent,) = door.pass_(0.02)
    assert isinstance(sent, Send)
    assert sent.message == PairCodeRefused(0, running=False)
    assert door.node.counters["codes without an invite"] == 1


def test_many_at_once_have_no_more_tries_than_one() -> None:
    door = Door()
    links = [LinkId(number) for number in range(10, 20)]
    for link in links:
        door.begin(door.newcomer("-".join(WORDS[:3])), link)
    assert door.invitations.tries_left == 0
    sent = door.pass_(SHARE_AFTER_S)
    assert len(sent) == limits.CODE_TRIES
    late = door.pass_(VERDICT_AFTER_S)
    assert [one.message for one in late if isinstance(one, Send)] == (
        [PairCodeRefused(0, running=False)] * 7
    )
    for link in links[:3]:
        door.checks.on_gone(link)
    assert door.invitations.left_s is None, "nobody of the three went on"


def test_a_link_that_ends_has_used_up_its_try() -> None:
    door = Door()
    door.begin(door.newcomer())
    door.checks.on_gone(LINK)
    door.checks.on_gone(LINK)
    assert door.invitations.tries_left == 2
    assert door.pass_(9.0) == []


def test_what_is_no_share_uses_up_a_try_as_well() -> None:
    door = Door()
    with pytest.raises(ProtocolError):
        door.checks.hear(LINK, PairShare(bytes(33)), door.keeper(), "10.0.0.2")
    assert door.invitations.tries_left == 2
    door.checks.on_gone(LINK)
    assert "1 try left" not in str(door.node.take())


def test_a_code_comes_after_the_own_keys_as_these_said() -> None:
    door = Door()
    keeper = door.keeper()
    for newcomer in (None, Newcomer(BEN, b"", b"", "d2")):
        keeper.newcomer = newcomer
        with pytest.raises(ProtocolError):
            door.checks.hear(LINK, PairShare(bytes(33)), keeper, "10.0.0.2")
    assert door.invitations.tries_left == 3


def test_one_try_in_a_conversation() -> None:
    door = Door()
    door.begin(door.newcomer())
    with pytest.raises(ProtocolError):
        door.begin(door.newcomer())
    assert door.invitations.tries_left == 2


def test_a_proof_comes_after_the_shares_once() -> None:
    door = Door()
    side = door.newcomer()
    with pytest.raises(ProtocolError):
        door.checks.hear(LINK, PairProof(bytes(32)), door.keeper(), "10.0.0.2")
    door.begin(side)
    with pytest.raises(ProtocolError):
        door.checks.hear(LINK, PairProof(bytes(32)), door.keeper(), "10.0.0.2")
    door.invitations.uninvite()
    door.begin(side, LinkId(6))
    with pytest.raises(ProtocolError):
        door.checks.hear(LinkId(6), PairProof(bytes(32)), door.keeper(), "10.0.0.2")
    door = Door()
    door.share(side := door.newcomer())
    door.prove(side)
    with pytest.raises(ProtocolError):
        door.prove(side)


def test_a_proof_for_another_conversation_or_device_is_wrong() -> None:
    door = Door()
    side = door.newcomer()
    door.share(side)
    door.checks.hear(LINK, PairProof(side.proof(b"u" * 32)), door.keeper(), "10.0.0.2")
    (sent,) = door.pass_(VERDICT_AFTER_S)
    assert isinstance(sent, Send)
    assert sent.message == PairCodeRefused(2, running=True)
    other = door.newcomer(device=key(3).device)
    door.share(other)
    door.prove(other)
    (sent,) = door.pass_(VERDICT_AFTER_S)
    assert isinstance(sent, Send)
    assert sent.message == PairCodeRefused(1, running=True)


@pytest.mark.parametrize("right", [True, False])
def test_a_code_that_was_used_meanwhile_counts_no_more(right: bool) -> None:
    door = Door()
    first, second = door.newcomer(), door.newcomer("" if right else "-".join(WORDS[:3]))
    door.share(first)
    door.share(second, LinkId(6))
    door.prove(first)
    door.prove(second, LinkId(6))
    sent = door.pass_(VERDICT_AFTER_S)
    assert [type(one.message) for one in sent if isinstance(one, Send)] == [
        PairProof,
        PairCodeRefused,
    ]
    assert door.heard.of("say_yes") == [LINK]
    assert isinstance(sent[1], Send)
    assert sent[1].message == PairCodeRefused(0, running=False)


def test_it_shows_nothing_of_the_code() -> None:
    door = Door()
    door.begin(door.newcomer())
    assert repr(door.checks) == "<CodeChecks 1 under way>"
    shown = repr(door.checks._checks)
    assert not any(word in shown for word in door.code.split("-"))
