"""Admission: joiner and doorkeeper talk over a fake wire; every input in every state; every lie."""

from __future__ import annotations

from itertools import product

import pytest
from msgspec import structs

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group import admission
from potluck.core.group.admission import (
    DOORKEEPER,
    JOINER,
    Doorkeeper,
    DoorkeeperInput,
    DoorkeeperState,
    Joiner,
    JoinerInput,
    JoinerState,
)
from potluck.core.group.roster import Roster
from potluck.core.group.statement_set import ROSTER_RECORDS
from potluck.core.group.statements import Appoint, admit, found, group_id, sign_act
from potluck.core.group.words import three_words
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import (
    PAIRING,
    Bye,
    Cause,
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
from tests.core.keys.reencodings import is_read, reencodings

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
        assert carry(keeper.allow(), joiner) == []
        assert joiner.state is JoinerState.OFFERED
        assert not keeper.agreed
        carry(joiner.want(), keeper)
    assert keeper.agreed
    assert carry(keeper.welcome(admitted_records(keeper)), joiner) == []
    assert joiner.state is JoinerState.DONE
    assert set(joiner.roster().members) == {key(1).device, key(2).device}


def test_both_sides_have_heard_the_same() -> None:
    joiner, keeper = revealed()
    assert joiner.transcript == keeper.transcript


def test_the_words_depend_on_what_the_joiner_reveals_last() -> None:
    """Who sits in the middle has to say everything before it knows the joiner's transcript."""
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
    assert [frame.last for frame in frames[1:]] == [False, True]  # type: ignore[union-attr]
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
        assert joiner.state is JoinerState.REFUSED
    else:
        keeper.deny("closed")
    assert keeper.state is DoorkeeperState.REFUSED


# -- the tables ------------------------------------------------------------------------------------
JOINER_PAIRS = [*product(JoinerState, JoinerInput)]
DOORKEEPER_PAIRS = [*product(DoorkeeperState, DoorkeeperInput)]


@pytest.mark.parametrize(("state", "happened"), JOINER_PAIRS)
def test_every_input_in_every_state_of_a_joiner_goes_where_the_table_says_or_is_refused(
    state: JoinerState, happened: JoinerInput
) -> None:
    joiner, _ = pair()
    joiner.state = state
    if (state, happened) in JOINER:
        joiner._fire(happened)
        assert joiner.state is JOINER[state, happened]
    else:
        with pytest.raises(ProtocolError, match=f"{happened.name} may not come while {state.name}"):
            joiner._fire(happened)


@pytest.mark.parametrize(("state", "happened"), DOORKEEPER_PAIRS)
def test_every_input_in_every_state_of_a_doorkeeper_goes_where_the_table_says_or_is_refused(
    state: DoorkeeperState, happened: DoorkeeperInput
) -> None:
    _, keeper = pair()
    keeper.state = state
    if (state, happened) in DOORKEEPER:
        keeper._fire(happened)
        assert keeper.state is DOORKEEPER[state, happened]
    else:
        with pytest.raises(ProtocolError, match=f"{happened.name} may not come while {state.name}"):
            keeper._fire(happened)


def reachable(table: dict, without: object = None) -> set[str]:
    """The names of the states that are reached from the start, if one input never comes."""
    reached, before = {"START"}, set[str]()
    while reached != before:
        before = set(reached)
        reached |= {
            after.name
            for (state, happened), after in table.items()
            if state.name in reached and happened is not without
        }
    return reached


@pytest.mark.parametrize("table", [JOINER, DOORKEEPER], ids=["joiner", "doorkeeper"])
def test_every_state_is_reached_and_nothing_but_a_breach_comes_after_the_last(table: dict) -> None:
    assert {state.name for state, _ in table} == reachable(table)
    last = {happened.name for state, happened in table if state.name in {"DONE", "REFUSED"}}
    assert last == {"BREACH"}


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (DOORKEEPER, DoorkeeperInput.ALLOW),
        (DOORKEEPER, DoorkeeperInput.CONSENT),
        (JOINER, JoinerInput.WANT),
        (JOINER, JoinerInput.VERDICT_YES),
    ],
)
def test_nobody_is_admitted_without_both_words(table: dict, word: object) -> None:
    assert "DONE" in reachable(table)
    assert "DONE" not in reachable(table, word)


@pytest.mark.parametrize("table", [JOINER, DOORKEEPER], ids=["joiner", "doorkeeper"])
def test_a_breach_refuses_in_every_state(table: dict) -> None:
    breaches = {
        state.name: after.name
        for (state, happened), after in table.items()
        if happened.name == "BREACH"
    }
    assert breaches == dict.fromkeys(reachable(table), "REFUSED")


# -- lies ------------------------------------------------------------------------------------------
def refused(side: Joiner | Doorkeeper, message: PairingMessage, match: str) -> None:
    with pytest.raises(ProtocolError, match=match):
        side.hear(message)
    assert side.state.name == "REFUSED"


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
    other = key(3)
    (reveal,) = joiner.hear(
        structs.replace(nonce, certificate=other.certificate, sealing=other.sealing_public)
    )
    refused(keeper, reveal, "joiner's signature")


def test_no_side_names_a_sealing_key_that_its_certificate_does_not() -> None:
    joiner, keeper = pair()
    (nonce,) = carry(joiner.begin(), keeper)
    assert isinstance(nonce, PairNonce)
    wrong = structs.replace(nonce, sealing=key(3).sealing_public)
    refused(joiner, wrong, "not the one in the certificate")
    newcomer = Joiner(key(2), "laptop", b"j" * 16)
    newcomer.key = with_certificate(key(2), key(2).certificate, key(3).sealing_public)
    refused_at_the_door(newcomer, "not the one in the certificate")


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_no_side_gets_on_with_another_writing_of_its_certificate() -> None:
    read = 0
    for name, certificate in reencodings(key(2)):
        newcomer = Joiner(with_certificate(key(2), certificate), "laptop", b"j" * 16)
        keeper = refused_at_the_door(newcomer, "certificate")
        assert keeper.newcomer is None, name
        read += is_read(certificate)
    assert read >= 200
    for name, certificate in reencodings(key(1)):
        joiner, keeper = pair()
        keeper.key = with_certificate(key(1), certificate)
        (nonce,) = keeper.hear(*joiner.begin())
        refused(joiner, nonce, "certificate")
        assert joiner.group is None, name


def with_certificate(owner: DeviceKey, certificate: bytes, sealing: bytes = b"") -> DeviceKey:
    """A device that shows another certificate, or says another sealing key, than it has."""
    made = DeviceKey(owner.secret)
    vars(made)["certificate"] = certificate
    vars(made)["sealing_public"] = sealing or owner.sealing_public
    return made


def refused_at_the_door(newcomer: Joiner, why: str) -> Doorkeeper:
    """What it reveals ends the conversation."""
    _, keeper = pair()
    (reveal,) = carry(keeper.hear(*newcomer.begin()), newcomer)
    refused(keeper, reveal, why)
    return keeper


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
    joiner.hear(PairRecords([HOME] * ROSTER_RECORDS, last=False))
    refused(joiner, PairRecords([HOME], last=False), "too long")


def test_a_strangers_roster_is_derived_so_often_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "WHOLE_STEPS", 3)
    group = group_id(HOME)
    words = [sign_act(key(1), Appoint(group, key(n).certificate)) for n in range(20, 40)]
    entered = admit(key(1), group, key(2).certificate, key(2).sealing_public, "anna")
    joiner = done(PairRecords([HOME, entered, *words], last=True))
    derived = list[Roster]()
    real = Roster._derive

    def derive(self: Roster) -> None:
        derived.append(self)
        real(self)

    monkeypatch.setattr(Roster, "_derive", derive)
    assert len(joiner.roster().standing.stewards) == 21
    assert len(derived) <= 3 + 4


def test_a_roster_that_is_not_complete_is_none() -> None:
    for joiner in (
        pair()[0],
        done(PairRecords([HOME], last=False)),
        done(PairRecords([], last=True)),
    ):
        with pytest.raises(ProtocolError, match="not complete"):
            joiner.roster()


def test_a_roster_of_another_group_or_without_us_is_refused() -> None:
    elsewhere = Roster(found(key(3), "Elsewhere", "x", bytes(32)))
    us = key(2)
    with_us = admit(key(3), elsewhere.group, us.certificate, us.sealing_public, "laptop")
    for records in ([*elsewhere.records(), with_us], [HOME]):
        with pytest.raises(ProtocolError, match="not that of the group"):
            done(PairRecords(records, last=True)).roster()


def test_both_sides_say_how_they_stand_and_tell_no_key() -> None:
    joiner, keeper = pair()
    assert repr(joiner) == "<Joiner START, group '', 0 records>"
    assert repr(keeper) == "<Doorkeeper START, newcomer ''>"
    joiner, keeper = revealed()
    assert repr(joiner) == "<Joiner OFFERED, group 'Home', 0 records>"
    assert repr(keeper) == "<Doorkeeper REVEALED, newcomer 'laptop'>"


def test_both_show_the_same_words_and_who_sits_in_the_middle_has_others() -> None:
    joiner, keeper = revealed()
    assert three_words(joiner.transcript) == three_words(keeper.transcript)
    middle = Doorkeeper(key(7), Roster(HOME), "desk", b"m" * 16)
    duped = Joiner(key(2), "laptop", b"j" * 16)
    assert carry(carry(carry(duped.begin(), middle), duped), middle) == []
    member = Doorkeeper(key(1), Roster(HOME), "desk", b"m" * 16)
    posing = Joiner(key(8), "laptop", b"j" * 16)
    assert carry(carry(carry(posing.begin(), member), posing), member) == []
    assert three_words(duped.transcript) != three_words(member.transcript)


def test_the_member_says_why_it_is_a_no() -> None:
    joiner, keeper = revealed()
    carry(keeper.deny("no", Cause.DENIED), joiner)
    assert joiner.refused is Cause.DENIED
