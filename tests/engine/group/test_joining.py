"""Joining: one code, one answer; and no yes counts from whoever does not know the code.

Strategy: the stories are played by whole engines; a member that breaks the rules is played by hand
against the part alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from potluck.core.errors import PotluckError, ProtocolError, Refused, UsageError
from potluck.core.group.asking_turns import GroupTag
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code, TypedCode
from potluck.core.group.founding import FoundGroup, Founding, FoundingState
from potluck.core.group.word_list import WORDS
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Address,
    PairCodeRefused,
    PairingMessage,
    PairProof,
    PairShare,
)
from potluck.engine.effects import Reply, Tell
from potluck.engine.events import DIAL_TIMEOUT, NO_COMMON_VERSION, DoorAsked, LeaveAsked
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.joining import (
    ASKED_MAX,
    FIND_S,
    JOIN_S,
    WRONG_MAX,
    Joining,
)
from potluck.engine.group.joining_ends import ASK_FOR_ONE, AT_START, REFUSALS_SHOWN, TRIED_AGAIN
from potluck.engine.group.membership import Membership
from potluck.engine.person_acts import JoinAsked, RemoveAsked
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import Chance, address, flush, group, key, node, taken
from tests.engine.group.code_stories import (
    CLOSED,
    alone,
    answer,
    ask,
    invite,
    join,
    together,
    two,
    uninvite,
    wrong,
)
from tests.engine.listeners import Heard

TALK = b"t" * 32
WORD = "-".join(WORDS[:3])


# -- stories ---------------------------------------------------------------------------------------
def test_who_types_the_code_is_in() -> None:
    _, ann, ben = two()
    reply = join(ben, invite(ann).upper().replace("-", " "))
    assert reply.ok, reply
    assert "Home" in reply.text
    assert together(ann, ben)
    assert ann.told("admitted") == ["admitted d2 because it knew the code"]
    assert not ann.door


def test_a_code_is_used_once() -> None:
    wire, ann, ben = two()
    cleo = wire.add(3, **CLOSED)
    wire.run(3.0)
    code = invite(ann)
    assert join(ben, code).ok
    reply = join(cleo, code)
    assert (reply.ok, reply.code) == (False, "timed_out")
    assert alone(cleo)
    assert join(cleo, invite(ben)).ok
    assert wire.run(5.0, lambda: together(ann, ben, cleo))


def test_a_wrong_code_is_refused_and_says_how_many_tries_are_left() -> None:
    _, ann, ben = two()
    code = invite(ann)
    address = ann.address.host
    for turn, left in enumerate(("2 tries are left", "one try is left", "the last try"), 1):
        reply = join(ben, wrong(code, turn))
        assert (reply.ok, reply.code) == (False, "refused")
        assert left in reply.text
        assert f"{address} (d1)" in reply.text, "whose code it is not"
    reply = join(ben, code)
    assert (reply.ok, reply.code) == (False, "timed_out"), reply
    assert alone(ann)
    assert alone(ben)
    assert len(ann.told("code_wrong")) == 3
    assert len(ann.told("invite_over")) == 1


def test_a_wrong_code_that_is_typed_again_uses_up_no_more_tries() -> None:
    _, ann, ben = two()
    code = invite(ann)
    assert "2 tries are left" in join(ben, wrong(code)).text
    for _ in range(4):
        reply = join(ben, wrong(code))
        assert (reply.ok, reply.code) == (False, "refused")
        assert "was not tried there again" in reply.text
    assert len(ann.told("code_wrong")) == 1
    assert join(ben, code).ok


def test_a_code_of_somebody_else_costs_each_that_invites_one_try() -> None:
    wire, ann, ben = two(seed=3)
    cleo = wire.add(3, **CLOSED)
    wire.run(3.0)
    code = invite(ann)
    other = invite(cleo)
    reply = join(ben, wrong(code))
    assert reply.text.count("2 tries are left there") == 2
    assert [len(box.told("code_wrong")) for box in (ann, cleo)] == [1, 1]
    assert join(ben, other).ok


@pytest.mark.parametrize("end", ["old", "back"])
def test_a_code_that_is_over_is_no_way_in(end: str) -> None:
    wire, ann, ben = two()
    code = invite(ann, 5.0)
    if end == "old":
        wire.run(6.0)
    else:
        assert uninvite(ann).ok
    assert not join(ben, code).ok
    assert alone(ben)


def test_the_right_one_of_two_who_invite_is_found() -> None:
    wire, ann, ben = two(seed=3)
    cleo = wire.add(3, **CLOSED)
    wire.run(3.0)
    codes = invite(ann), invite(cleo)
    reply = join(ben, codes[1])
    assert reply.ok
    assert together(ben, cleo)
    assert alone(ann)


def test_where_nobody_is_the_answer_comes_in_time_and_names_the_next_step() -> None:
    wire, _ann, ben = two()
    began = wire.now
    reply = join(ben, WORD)
    assert (reply.ok, reply.code) == (False, "timed_out")
    assert reply.cause
    assert "invite" in reply.fix
    assert JOIN_S <= wire.now - began < JOIN_S + 0.1


def test_what_is_no_code_is_refused_before_anybody_is_asked() -> None:
    _, _, ben = two()
    reply = join(ben, "one two", wait_s=0.0)
    assert (reply.ok, reply.code) == (False, "usage")


def test_a_device_with_company_stays_where_it_is() -> None:
    wire, ann, ben = two()
    assert join(ben, invite(ann)).ok
    cleo = wire.add(3, **CLOSED)
    wire.run(3.0)
    reply = join(ben, invite(cleo), wait_s=0.0)
    assert (reply.ok, reply.code) == (False, "refused")
    assert together(ann, ben)


def test_one_code_at_a_time() -> None:
    _, ann, ben = two()
    code = invite(ann)
    first = ask(ben, JoinAsked, TypedCode(code))
    second = join(ben, code, wait_s=0.0)
    assert (second.ok, second.code) == (False, "refused")
    ben.wire.run(9.0)
    done = answer(ben, first)
    assert done is not None
    assert done.ok


def test_who_leaves_meanwhile_is_answered() -> None:
    _, ann, ben = two()
    command = ask(ben, JoinAsked, TypedCode(invite(ann)))
    ben.hear(LeaveAsked())
    done = answer(ben, command)
    assert done is not None
    assert (done.ok, done.code) == (False, "refused")
    ben.hear(LeaveAsked())


def test_an_open_door_asks_nobody_while_a_code_is_tried() -> None:
    wire, ann, ben = two()
    cleo = wire.add(3)  # open: without the code ben would go there, or it would come
    code = invite(ann)
    command = ask(ben, JoinAsked, TypedCode(code))
    ben.hear(DoorAsked(60.0))
    assert wire.run(9.0, lambda: answer(ben, command) is not None)
    assert together(ann, ben)
    assert alone(cleo)


def test_a_member_that_falls_silent_is_told_as_such() -> None:
    wire, ann, ben = two()
    code = invite(ann)
    wire.silent = lambda one, other: True
    reply = join(ben, code)
    assert (reply.ok, reply.code) == (False, "timed_out")
    assert "did not answer" in reply.text
    wire.silent = lambda one, other: False
    wire.run(3.0)
    assert join(ben, code).ok


# -- a member that breaks the rules ----------------------------------------------------------------
class Alone:
    """The part of a device without company, and who it talks to."""

    def __init__(self) -> None:
        self.node, self.heard = node(open_s=None), Heard()
        membership = Membership(self.node, self.heard)
        self.policy = AdmissionPolicy(self.node, membership, self.heard)
        self.joining = Joining(self.node, self.policy, WORDS, self.heard)
        self.policy.start(kept=membership.start())
        self.node.take()

    def begin(self, peer: Address | None = None, *, waits: bool = False) -> None:
        self.joining.begin(JoinAsked(7, TypedCode(WORD), peer, waits))
        self.tick()

    def troubles(self) -> list[Trouble]:
        return self.node.troubles.of(TroubleKind.CODE)

    def tick(self, seconds: float = 0.0) -> None:
        self.node.now += seconds
        self.joining.on_tick()

    def offer(self, number: int, **others: Any) -> FoundGroup:
        wanted = {"open": False, "by_code": True, "address": address(number), **others}
        tag = GroupTag(bytes([number]) * 32)
        found = FoundGroup(tag, "Home", f"d{number}", members=1, heard_s=0.0, **wanted)
        self.policy.inviters[found.address] = found
        return found

    def asked(self) -> list[FoundGroup]:
        return self.heard.of("on_wish")

    def replies(self) -> list[Reply]:
        return [effect for effect in flush(self.node) if isinstance(effect, Reply)]

    def talk(self, code: str = WORD) -> CodeProof:
        """A conversation with a member that knows that code, both shares sent."""
        self.begin()
        self.offer(2)
        self.tick()
        (share,) = self.joining.start(key(2).device, TALK, "d2")
        assert isinstance(share, PairShare)
        words = Code(code.split("-"))
        member = CodeProof(words, self.node.me, key(2).device, Chance(5), joins=False)
        member.take_share(share.share)
        (proof,) = self.joining.hear(PairShare(member.share))
        assert isinstance(proof, PairProof)
        assert member.is_proved(proof.proof, TALK) == (code == WORD)
        return member


def test_a_yes_without_a_proof_is_nobodys() -> None:
    here = Alone()
    here.talk()
    with pytest.raises(ProtocolError):
        here.joining.require_proof()
    (reply,) = here.replies()
    assert (reply.ok, reply.code) == (False, "untrusted")
    assert here.heard.of("on_wish_withdrawn") == [
        "a code is being tried instead",
        "the code was tried",
    ]
    assert not here.policy.door.joins
    assert here.joining.deadline() is None


def test_nor_is_one_with_a_false_proof() -> None:
    here = Alone()
    here.talk("-".join(WORDS[3:6]))
    with pytest.raises(ProtocolError):
        here.joining.hear(PairProof(bytes(32)))
    (reply,) = here.replies()
    assert (reply.ok, reply.code) == (False, "untrusted")
    assert reply.cause
    assert reply.fix


def test_a_true_proof_makes_the_yes_count() -> None:
    here = Alone()
    member = here.talk()
    assert here.joining.hear(PairProof(member.proof(TALK))) == []
    here.joining.require_proof()
    here.joining.on_entered()
    (reply,) = here.replies()
    assert (reply.ok, reply.text) == (True, "This device is in “Home” now.")
    here.joining.on_entered()
    assert here.replies() == []


@pytest.mark.parametrize("message", [PairShare(bytes(33)), PairProof(bytes(32))])
def test_what_comes_too_early_breaks_the_rules(message: PairShare | PairProof) -> None:
    here = Alone()
    with pytest.raises(ProtocolError):
        here.joining.hear(message)
    here.begin()
    here.offer(2)
    here.tick()
    with pytest.raises(ProtocolError):
        here.joining.hear(message)
    here.joining.start(key(2).device, TALK, "d2")
    with pytest.raises(ProtocolError):
        here.joining.hear(message)
    assert here.replies() == []


def test_a_proof_of_the_conversation_before_counts_in_no_other() -> None:
    here = Alone()
    member = here.talk()
    here.joining.hear(PairProof(member.proof(TALK)))
    here.joining.on_ended()
    here.offer(3)
    here.tick()
    with pytest.raises(ProtocolError):
        here.joining.require_proof()


def test_each_that_invites_is_asked_once_and_not_more_than_a_few() -> None:
    here = Alone()
    here.offer(99)
    here.begin()
    here.offer(2)
    for number in range(2, 2 + 2 * ASKED_MAX):
        here.offer(number)
    for _ in range(2 * ASKED_MAX):
        here.tick()
        here.tick()
        here.joining.on_ended()
        here.offer(2)
        here.offer(50)
    assert len(here.asked()) == ASKED_MAX
    assert [found.address for found in here.asked()[:2]] == [address(2), address(3)]
    assert here.replies() == []
    here.tick(FIND_S)
    (reply,) = here.replies()
    assert (reply.ok, reply.code) == (False, "timed_out")


ENDS = [
    (PairCodeRefused(2, running=True), "refused", "2 tries"),
    (PairCodeRefused(1, running=True), "refused", "one try"),
    (PairCodeRefused(0, running=True), "refused", "last try"),
    (PairCodeRefused(0, running=False), "refused", "counts no more"),
]


@pytest.mark.parametrize(("refusal", "code", "text"), ENDS)
def test_why_nobody_let_it_in(refusal: PairCodeRefused, code: str, text: str) -> None:
    here = Alone()
    here.begin()
    here.offer(2)
    here.tick()
    assert here.joining.hear(refusal) == list[PairingMessage]()
    here.joining.on_ended()
    here.tick()
    assert here.replies() == [], "somebody else may know it"
    here.tick(FIND_S)
    (reply,) = here.replies()
    assert (reply.ok, reply.code, text in reply.text) == (False, code, True)
    assert reply.cause
    assert reply.fix


def test_what_several_said_is_shown_for_a_few() -> None:
    here = Alone()
    here.begin()
    for number in range(2, 2 + REFUSALS_SHOWN + 1):
        here.offer(number)
        here.tick()
        here.joining.hear(PairCodeRefused(0, running=True))
        here.joining.on_ended()
    here.tick(FIND_S)
    (reply,) = here.replies()
    assert "And 1 more." in reply.text
    assert reply.fix == ASK_FOR_ONE


def test_what_is_remembered_of_wrong_codes_is_bounded() -> None:
    here = Alone()
    here.begin()
    for number in range(WRONG_MAX + 9):
        here.joining.start(DeviceId(number.to_bytes(32, "big")), TALK, "")
        here.joining.hear(PairCodeRefused(2, running=True))
    assert len(here.joining._wrong) == WRONG_MAX


def test_who_is_asked_has_time_until_the_end() -> None:
    here = Alone()
    here.joining.on_tick()
    here.begin()
    assert here.joining.deadline() == JOIN_S
    here.offer(2)
    assert here.joining.deadline() == here.node.now
    here.tick(1.0)
    assert here.joining.deadline() == JOIN_S
    here.tick(JOIN_S - 1.0)
    (reply,) = here.replies()
    assert reply.code == "timed_out"
    assert "did not answer" in reply.text


def test_who_invites_and_runs_another_version_is_told_as_that() -> None:
    """The network was blamed, and the advice was to try again."""
    here = Alone()
    here.begin()
    here.offer(2)
    here.tick(1.0)
    here.joining.on_ended(unreached=DIAL_TIMEOUT)
    assert not here.joining._under_way().tries.other_version
    here.joining.on_ended(unreached=f"tls: {NO_COMMON_VERSION}: 2")
    here.joining.on_ended()
    here.tick(JOIN_S)
    (reply,) = here.replies()
    assert reply.code == "timed_out"
    assert "another version" in reply.text
    assert reply.cause is not None
    assert "the one there is newer" in reply.cause
    assert reply.fix is not None
    assert "up to date" in reply.fix


def test_who_was_asked_before_is_asked_no_more() -> None:
    here = Alone()
    here.policy.founding = Founding(GroupTag(bytes(32)), 0.0, open_door=True, kept=True)
    here.policy.founding.state = FoundingState.KEPT_ASKING
    here.begin()
    assert not here.policy.founding.asking
    assert here.heard.of("on_wish_withdrawn") == ["a code is being tried instead"]


def test_company_meanwhile_ends_it() -> None:
    here = Alone()
    here.begin()
    here.policy.founding = None
    here.tick()
    (reply,) = here.replies()
    assert (reply.ok, reply.code) == (False, "refused")
    with pytest.raises(PotluckError):
        here.begin()


def test_who_leaves_without_a_code_has_nothing_to_answer() -> None:
    here = Alone()
    here.joining.on_leaving()
    here.joining.on_ended()
    assert here.replies() == []
    with pytest.raises(ProtocolError):
        here.joining.require_proof()


def test_it_shows_its_state_and_nothing_of_the_code() -> None:
    here = Alone()
    assert repr(here.joining) == "<Joining no code>"
    here.begin()
    here.offer(2)
    assert repr(here.joining) == "<Joining asked=0, near=1>"
    assert not any(word in repr(here.joining._attempt) for word in WORD.split("-"))


def test_a_removed_device_hears_that_its_key_counts_no_more() -> None:
    wire, ann, ben = two()
    assert join(ben, invite(ann)).ok
    assert wire.run(5.0, lambda: together(ann, ben))
    roster = ann.engine.node.roster
    assert roster is not None
    home = roster.group
    ann.hear(RemoveAsked(1, "d2"))
    assert wire.run(5.0, lambda: together(ann))
    back = wire.add(2, **CLOSED)  # with the key of before and nothing else
    wire.run(3.0)
    reply = join(back, invite(ann))
    assert (reply.ok, reply.code) == (False, "refused")
    assert "was removed" in reply.text
    assert alone(back)
    assert roster.group == home


# -- whom the person named -------------------------------------------------------------------------
def test_whom_the_person_named_is_asked_before_all_that_were_quicker() -> None:
    talks = Alone()
    talks.begin(address(99))
    for number in range(2, 2 + ASKED_MAX + 1):
        talks.offer(number)
    talks.tick()
    assert talks.asked() == [], "it may still answer"
    assert talks.joining.deadline() == FIND_S
    named = talks.offer(99)
    assert talks.joining.deadline() == talks.node.now
    talks.tick()
    assert talks.asked() == [named]
    talks.joining.on_ended()
    for _ in range(ASKED_MAX):
        talks.tick()
        talks.joining.on_ended()
    assert len(talks.asked()) == ASKED_MAX, "then the others"


def test_whom_the_person_named_has_a_try_also_after_all_others() -> None:
    talks = Alone()
    talks.begin(address(99))
    for number in range(2, 2 + ASKED_MAX + 1):
        talks.offer(number)
    talks.node.now = FIND_S
    for _ in range(ASKED_MAX):
        talks.tick()
        talks.joining.on_ended()
    assert len(talks.asked()) == ASKED_MAX
    named = talks.offer(99)
    talks.tick()
    assert talks.asked()[-1] is named


# -- a code that was given at the start ------------------------------------------------------------
UNANSWERED = (
    "nobody near by has a code in force: it was used, is too old or was taken back, or the other "
    "device is off or on another network"
)


def test_that_nobody_answers_to_the_code_of_the_start_is_told_once_and_stands_in_status() -> None:
    play = Alone()
    for _ in range(2):
        play.begin(waits=True)
        play.tick(JOIN_S)
        play.node.now += 2.0
    assert [(each.subject, each.reason, each.command) for each in play.troubles()] == [
        (AT_START, f"{UNANSWERED}; {TRIED_AGAIN}; {ASK_FOR_ONE}", "peers")
    ]
    (told,) = taken(play.node, Tell)
    reason = f"{UNANSWERED}; {TRIED_AGAIN}; {ASK_FOR_ONE}"
    assert (told.code, told.text) == ("code_unanswered", f"{AT_START}: {reason}; try: peers")
    play.joining.on_members()
    assert play.troubles(), "it is alone still"
    play.node.roster = group(1, 2)
    play.joining.on_members()
    assert play.troubles() == []
    play.node.roster = None
    play.joining.on_members()


def test_when_the_code_of_the_start_is_tried_no_more_nothing_says_that_it_is() -> None:
    play = Alone()
    play.begin(waits=True)
    play.tick(JOIN_S)
    assert TRIED_AGAIN == "it is tried again by itself, until 10 minutes after the start"
    assert TRIED_AGAIN in play.troubles()[0].reason
    taken(play.node, Tell)
    play.joining.begin(JoinAsked(8, TypedCode(WORD), waits=True, last=True))
    play.tick(JOIN_S)
    assert [each.reason for each in play.troubles()] == [f"{UNANSWERED}; {ASK_FOR_ONE}"]
    assert taken(play.node, Tell) == [], "whoever gave it says so"


def test_a_no_to_the_code_of_the_start_stands_there_too_and_is_told_by_whoever_gave_it() -> None:
    play = Alone()
    play.begin(waits=True)
    play.joining._end(Refused("That code counts no more.", "it was used", "next"))
    (trouble,) = play.troubles()
    assert trouble.reason == f"that code counts no more: it was used; {ASK_FOR_ONE}"
    for waits in (True, False):
        with pytest.raises(UsageError):
            play.joining.begin(JoinAsked(8, TypedCode("no code"), waits=waits))
    assert "a code is three words" in play.troubles()[0].reason
    assert taken(play.node, Tell) == []


def test_a_code_that_is_typed_takes_the_place_of_that_of_the_start() -> None:
    play = Alone()
    play.begin(waits=True)
    play.begin()
    (reply,) = taken(play.node, Reply)
    assert (reply.ok, reply.text) == (
        False,
        "The code that was given at the start is given up.",
    )
    assert play.troubles() == []
    for waits in (True, False):
        with pytest.raises(Refused, match="is being tried already"):
            play.begin(waits=waits)
    play.tick(JOIN_S)
    assert play.troubles() == [], "whoever typed it has the answer"
