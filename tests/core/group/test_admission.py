"""Admission: a joiner and a doorkeeper talk over a fake wire; every input in every state; every
lie.
"""

from __future__ import annotations

from itertools import product

import pytest
from msgspec import structs

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import JOINER, MEMBER, Doorkeeper, Input, Joiner, State, _next
from potluck.core.group.roster import Roster, admit, found
from potluck.core.wire.catalogue import (
    PAIRING,
    Bye,
    PairCommit,
    PairConsent,
    PairingMessage,
    PairNonce,
    PairRecords,
    PairReveal,
    PairVerdict,
    encode,
)
from tests.core.fakes import key

HOME = found(key(1), "Home", "desk", bytes(32))


def pair() -> tuple[Joiner, Doorkeeper]:
    return Joiner(key(2), "laptop", b"j" * 16), Doorkeeper(key(1), Roster(HOME), "desk", b"m" * 16)


def carry(messages: list[PairingMessage], to: Joiner | Doorkeeper) -> list[PairingMessage]:
    """Over the wire: encoded, decoded, within the frame of a stranger."""
    answers = []
    for message in messages:
        body = encode(message)
        assert len(body) <= limits.PAIRING_FRAME_BYTES
        heard = PAIRING.decode(body)
        assert heard == message
        answers += to.hear(message)
    return answers


def revealed() -> tuple[Joiner, Doorkeeper]:
    joiner, keeper = pair()
    assert carry(carry(carry(joiner.begin(), keeper), joiner), keeper) == []
    return joiner, keeper


def admitted_records(keeper: Doorkeeper) -> list:
    assert keeper.newcomer is not None
    new = keeper.newcomer
    keeper.roster.add(
        [admit(keeper.key, keeper.roster.group, new.certificate, new.sealing, new.label)]
    )
    return keeper.roster.records()


# -- whole conversations ---------------------------------------------------------------------------
@pytest.mark.parametrize("who_first", ["joiner", "member"])
def test_two_times_yes_is_an_admission(who_first: str) -> None:
    joiner, keeper = revealed()
    assert (joiner.group_name, joiner.member_label) == ("Home", "desk")
    assert keeper.newcomer is not None
    assert (keeper.newcomer.device, keeper.newcomer.label) == (key(2).device, "laptop")
    if who_first == "joiner":
        carry(joiner.want(), keeper)
        assert not keeper.agreed
        keeper.allow()
    else:
        keeper.allow()
        assert not keeper.agreed
        carry(joiner.want(), keeper)
    assert keeper.agreed
    assert carry(keeper.welcome(admitted_records(keeper)), joiner) == []
    assert joiner.state is State.DONE
    assert set(joiner.roster().members) == {key(1).device, key(2).device}


def test_both_sides_have_heard_the_same() -> None:
    joiner, keeper = revealed()
    assert joiner.transcript == keeper.transcript


def test_the_words_depend_on_what_the_joiner_reveals_last() -> None:
    """Who sits in the middle must not know the joiner's transcript before it has said everything
    itself.
    """
    transcripts = []
    for nonce in (b"1" * 16, b"2" * 16):
        joiner, keeper = pair()
        joiner.nonce = nonce
        commit = joiner.begin()
        joiner.transcript = b"the same commitment"
        carry(keeper.hear(commit[0]), joiner)
        transcripts.append(joiner.transcript)
    assert transcripts[0] != transcripts[1]


def test_the_signature_is_no_part_of_the_words() -> None:
    joiner, keeper = pair()
    (reveal,) = carry(carry(joiner.begin(), keeper), joiner)
    keeper._check(reveal)  # type: ignore[arg-type]
    assert joiner.transcript == keeper.transcript


def test_a_long_roster_comes_in_chunks() -> None:
    joiner, keeper = revealed()
    carry(joiner.want(), keeper)
    keeper.allow()
    for number in range(10, 20):
        other = key(number)
        keeper.roster.add(
            [
                admit(
                    key(1),
                    keeper.roster.group,
                    other.certificate,
                    other.sealing_public,
                    f"n{number}",
                )
            ]
        )
    frames = keeper.welcome(admitted_records(keeper))
    assert [frame.last for frame in frames[1:]] == [False, False, True]  # type: ignore[union-attr]
    carry(frames, joiner)
    assert len(joiner.roster().members) == 12


@pytest.mark.parametrize("steps", range(4))
def test_no_is_heard_at_any_time(steps: int) -> None:
    joiner, keeper = pair()
    if steps:
        answers = carry(joiner.begin(), keeper)
        if steps > 1:
            answers = carry(answers, joiner)
            if steps > 2:
                carry(answers, keeper)
                carry(joiner.want(), keeper)
        carry(keeper.deny("not today"), joiner)
        assert joiner.state is State.REFUSED
    else:
        keeper.deny("closed")
    assert keeper.state is State.REFUSED


# -- the tables ------------------------------------------------------------------------------------
@pytest.mark.parametrize("table", [JOINER, MEMBER], ids=["joiner", "member"])
def test_every_input_in_every_state_goes_where_the_table_says_or_is_refused(table: dict) -> None:
    for state, happened in product(State, Input):
        if (state, happened) in table:
            assert _next(table, state, happened) is table[state, happened]
        else:
            with pytest.raises(
                ProtocolError, match=f"{happened.name} may not come while {state.name}"
            ):
                _next(table, state, happened)


@pytest.mark.parametrize("table", [JOINER, MEMBER], ids=["joiner", "member"])
def test_every_state_is_reached_from_the_start_and_the_last_ones_are_final(table: dict) -> None:
    reached, before = {State.START}, set[State]()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _), after in table.items() if state in reached}
    assert {state for state, _ in table} <= reached
    assert not {state for state, _ in table} & {State.DONE, State.REFUSED}


def test_nobody_is_admitted_without_both_words() -> None:
    for table, yes in (
        (MEMBER, {Input.ALLOW, Input.CONSENT}),
        (JOINER, {Input.WANT, Input.VERDICT_YES}),
    ):
        for missing in yes:
            reached, before = {State.START}, set[State]()
            while reached != before:
                before = set(reached)
                reached |= {
                    after for (s, i), after in table.items() if s in reached and i is not missing
                }
            assert State.DONE not in reached


# -- lies ------------------------------------------------------------------------------------------
def refused(side: Joiner | Doorkeeper, message: PairingMessage, match: str) -> None:
    with pytest.raises(ProtocolError, match=match):
        side.hear(message)
    assert side.state is State.REFUSED


def offered() -> tuple[Joiner, Doorkeeper, PairReveal]:
    joiner, keeper = pair()
    (reveal,) = carry(carry(joiner.begin(), keeper), joiner)
    assert isinstance(reveal, PairReveal)
    return joiner, keeper, reveal


def test_another_version_is_refused() -> None:
    _, keeper = pair()
    refused(keeper, PairCommit([99], bytes(32)), "no version")


@pytest.mark.parametrize("field", ["nonce", "certificate", "sealing", "label"])
def test_what_was_not_committed_to_is_refused(field: str) -> None:
    _, keeper, reveal = offered()
    other = {
        "nonce": b"x" * 16,
        "certificate": key(3).certificate,
        "sealing": bytes(32),
        "label": "other",
    }[field]
    refused(keeper, structs.replace(reveal, **{field: other}), "not what was committed to")


def test_a_nonce_of_another_length_is_refused() -> None:
    _, keeper, reveal = offered()
    refused(keeper, structs.replace(reveal, nonce=b""), "16 bytes")


def test_a_joiner_that_does_not_hold_its_key_is_refused() -> None:
    _, keeper, reveal = offered()
    refused(keeper, structs.replace(reveal, signature=bytes(64)), "joiner's signature")
    assert keeper.newcomer is None
    with pytest.raises(ProtocolError):
        keeper.allow()


def test_a_member_that_does_not_hold_its_key_is_refused() -> None:
    joiner, _ = revealed()
    joiner.want()
    refused(
        joiner, PairVerdict(admitted=True, reason="", signature=bytes(64)), "member's signature"
    )


def test_keys_swapped_in_the_middle_are_noticed_by_the_signatures() -> None:
    joiner, keeper = pair()
    (nonce,) = carry(joiner.begin(), keeper)
    assert isinstance(nonce, PairNonce)
    (reveal,) = joiner.hear(structs.replace(nonce, sealing=key(3).sealing_public))
    refused(keeper, reveal, "joiner's signature")


@pytest.mark.parametrize("message", [PairConsent(), Bye("x"), PairCommit([1], bytes(32))])
def test_a_joiner_hears_only_what_is_for_it(message: PairingMessage) -> None:
    refused(pair()[0], message, "not for a joiner")


@pytest.mark.parametrize("message", [PairRecords([], last=True), Bye("x")])
def test_a_member_hears_only_what_is_for_it(message: PairingMessage) -> None:
    refused(pair()[1], message, "not for a member")


def test_no_roster_leaves_before_both_said_yes() -> None:
    _, keeper = revealed()
    with pytest.raises(ProtocolError, match="not both"):
        keeper.welcome([HOME])


def done(*chunks: PairRecords) -> Joiner:
    joiner, keeper = revealed()
    carry(joiner.want(), keeper)
    keeper.allow()
    joiner.hear(keeper.welcome([])[0])
    for chunk in chunks:
        joiner.hear(chunk)
    return joiner


def test_a_roster_without_end_is_refused() -> None:
    joiner = done()
    for _ in range(limits.LIST_ITEMS // 8):
        joiner.hear(PairRecords([HOME] * 8, last=False))
    refused(joiner, PairRecords([HOME], last=False), "too long")


def test_a_roster_that_is_not_complete_is_none() -> None:
    for joiner in (
        pair()[0],
        done(PairRecords([HOME], last=False)),
        done(PairRecords([], last=True)),
    ):
        with pytest.raises(ProtocolError, match="not complete"):
            joiner.roster()


def test_a_roster_of_another_group_or_without_us_is_refused() -> None:
    elsewhere = found(key(3), "Elsewhere", "x", bytes(32))
    for genesis in (elsewhere, HOME):
        with pytest.raises(ProtocolError, match="not that of the group"):
            done(PairRecords([genesis], last=True)).roster()
