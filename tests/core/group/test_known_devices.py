"""Known devices: members and former ones, their chains, labels and signatures."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.group.statement_set import RECORDS_MAX
from potluck.core.group.statements import (
    Appoint,
    Forget,
    LastHead,
    Regroup,
    Relabel,
    Remove,
    Succeed,
    record_hash,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import key
from tests.core.group.test_roster import ANN, BEN, CLEO, FOUNDER, GROUP, admission, settled

LAST = LastHead(3, 4, b"r" * 32)


def signed(by: DeviceKey) -> bytes:
    return by.sign(b"head", b"x")


def test_members_and_former_ones_are_known_and_only_members_count() -> None:
    said = Remove(GROUP, ANN.device, [], b"", LAST, b"", [])
    home = settled(
        admission(FOUNDER, ANN, "a"),
        admission(FOUNDER, BEN, "b"),
        admission(BEN, CLEO, "c"),
        *sign_removal(FOUNDER, said, []),
    )
    assert set(home.former) == {ANN.device}
    assert home.entry_of(ANN.device) == home.former[ANN.device]
    assert home.entry_of(b"nobody") is None  # type: ignore[arg-type]  # an id of nobody
    assert home.frozen_at(ANN.device) == LAST
    assert home.frozen_at(FOUNDER.device) is None
    assert [home.is_frozen(one.device) for one in (ANN, BEN)] == [True, False]
    assert not home.is_frozen(b"nobody")  # type: ignore[arg-type]  # an id of nobody
    assert len(home.chain(CLEO.device)) == 2
    assert home.chain(ANN.device) == []
    assert [home.verify(one.device, b"head", b"x", signed(one)) for one in (ANN, BEN)] == [
        False, True,
    ]  # fmt: skip
    assert [home.vouches(one.device, b"head", b"x", signed(BEN)) for one in (ANN, BEN)] == [
        False, True,
    ]  # fmt: skip
    assert home.vouches(ANN.device, b"head", b"x", signed(ANN))
    assert home.are_apart(FOUNDER.device, BEN.device)
    assert not home.are_apart(FOUNDER.device, ANN.device)
    assert not home.are_apart(ANN.device, FOUNDER.device)


def test_what_a_device_has_said_and_whom_it_let_in() -> None:
    words = [admission(ANN, BEN, "b"), sign_act(ANN, Forget(GROUP, BEN.device))]
    home = settled(admission(FOUNDER, ANN, "a"), *words)
    assert set(home.signed_by(ANN.device)) == {record_hash(word) for word in words}
    assert home.admitted_by(ANN.device) == {record_hash(words[0]): BEN.device}
    assert home.signed_by(BEN.device) == []


def test_why_a_device_is_out_are_the_removals_and_what_made_their_signers_stewards() -> None:
    appointed = [sign_act(FOUNDER, Appoint(GROUP, BEN.certificate))]
    appointed += [sign_act(BEN, Appoint(GROUP, CLEO.certificate))]
    said = Remove(GROUP, ANN.device, [], b"", LAST, b"", [])
    out = sign_removal(CLEO, said, [])
    home = settled(
        admission(FOUNDER, ANN, "a"),
        admission(FOUNDER, BEN, "b"),
        admission(BEN, CLEO, "c"),
        admission(ANN, key(7), "guest"),
        *appointed,
        *out,
    )
    assert home.why_out(ANN.device) == [*appointed, *out]
    assert home.why_out(key(7).device) == home.why_out(ANN.device), "its admission is void by it"
    assert home.why_out(key(9).device) == home.why_out(BEN.device) == []


def test_a_free_label_is_one_that_nobody_has_or_had() -> None:
    said = Remove(GROUP, ANN.device, [], b"", None, b"", [])
    home = settled(admission(FOUNDER, ANN, "a"), *sign_removal(FOUNDER, said, []))
    assert home.free_label("a") == "a-2"
    assert home.free_label("new") == "new"
    assert home.free_label("..") == home.free_label("x" * (limits.LABEL_BYTES + 1)) == "device"
    assert home.free_label("A", ANN.device) == "A", "its own of before"
    assert home.free_label("a", BEN.device) == "a-2"


def test_the_folder_of_a_forgotten_device_is_not_frozen() -> None:
    said = Remove(GROUP, ANN.device, [], b"", LAST, b"", [])
    word = sign_act(FOUNDER, Forget(GROUP, ANN.device))
    home = settled(admission(FOUNDER, ANN, "a"), *sign_removal(FOUNDER, said, []), word)
    assert home.forgotten == {ANN.device}
    assert not home.is_frozen(ANN.device)
    assert home.frozen_at(ANN.device) is None


def test_whether_a_word_would_be_taken_and_count_is_known_before_it_is_said() -> None:
    home = settled(admission(FOUNDER, ANN, "a"), admission(FOUNDER, BEN, "b"))
    before = home.digest
    mine = Relabel(GROUP, ANN.device, "anna", 1)
    assert home.would_count(sign_act(ANN, mine))
    assert not home.would_count(sign_act(BEN, mine)), "it is not its own name"
    assert home.would_count(sign_act(ANN, Regroup(GROUP, "Office", 1)))
    assert not home.would_count(sign_act(ANN, Regroup(GROUP, " ", 1))), "it says nothing possible"
    assert not home.would_count(admission(ANN, key(9), "guest")), "that is no act"
    forged = sign_act(ANN, mine)
    assert not home.would_count(RosterRecord(forged.body, ANN.device, b"x" * 64))
    home.add([sign_act(FOUNDER, Relabel(GROUP, ANN.device, "ann", 5))])
    home.settle()
    assert not home.would_count(sign_act(ANN, mine))
    home.add([sign_act(BEN, Regroup(GROUP, f"{number}", 1)) for number in range(RECORDS_MAX)])
    home.settle()
    assert not home.would_count(sign_act(BEN, Relabel(GROUP, BEN.device, "ben", 1))), "no room"
    assert home.digest != before


def test_the_next_word_about_the_groups_name_counts() -> None:
    home = settled(sign_act(FOUNDER, Regroup(GROUP, "Flat", 4)))
    assert home.next_name_number == 5


def test_the_folder_of_a_device_that_left_stays_as_it_says_until_a_steward_says_how() -> None:
    heads = [LAST, LastHead(3, 9, b"s" * 32), None]
    said = [Remove(GROUP, ANN.device, [], b"", head, b"", []) for head in heads]
    home = settled(admission(FOUNDER, ANN, "a"), *sign_removal(ANN, said[0], []))
    assert home.left_at(FOUNDER.device) is None
    assert home.frozen_at(ANN.device) == heads[0]
    for word in said[1:]:
        home.add(sign_removal(ANN, word, []))
        assert home.left_at(ANN.device) is None, "who names several has named none"
        assert home.frozen_at(ANN.device) is None
    assert home.settled_at(ANN.device) is None
    home.add(sign_removal(FOUNDER, said[0], []))
    assert (home.left_at(ANN.device), home.frozen_at(ANN.device)) == (None, heads[0])
    assert (home.settled_at(ANN.device), home.settled_at(FOUNDER.device)) == (heads[0], None)
    nameless = settled(admission(FOUNDER, ANN, "a"), *sign_removal(ANN, said[0], []))
    nameless.add(sign_removal(FOUNDER, said[2], []))
    assert nameless.frozen_at(ANN.device) is None, "the steward had nothing of it"


def test_what_waits_for_the_removal_of_another_has_done_nothing_yet() -> None:
    words = [
        sign_act(FOUNDER, Appoint(GROUP, ANN.certificate)),
        sign_act(ANN, Forget(GROUP, BEN.device)),
        sign_act(ANN, Succeed(GROUP, BEN.device, CLEO.device)),
        sign_act(ANN, Regroup(GROUP, "Away", 1)),
    ]
    home = settled(
        admission(FOUNDER, ANN, "a"),
        admission(FOUNDER, BEN, "b"),
        admission(FOUNDER, CLEO, "c"),
        *words,
    )
    said = list(map(record_hash, words[1:]))
    assert home.signed_by(ANN.device) == said
    assert home.done_by(ANN.device) == said[2:]
    home.add(sign_removal(FOUNDER, Remove(GROUP, BEN.device, [], b"", None, b"", []), []))
    home.settle()
    assert home.done_by(ANN.device) == said
