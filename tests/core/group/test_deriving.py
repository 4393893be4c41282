"""Deriving: members, labels and successors from what is in force and what is said."""

from __future__ import annotations

from itertools import permutations

from potluck.core import limits
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    Appoint,
    Relabel,
    Remove,
    Succeed,
    record_hash,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import key
from tests.core.group.test_roster import GENESIS, GROUP, admission, labels, settled

FOUNDER, ANN, BEN, CLEO, DORA = (key(number) for number in range(1, 6))


def out(by: DeviceKey, whom: DeviceKey, *accepted: bytes) -> RosterRecord:
    (record,) = sign_removal(by, Remove(GROUP, whom.device, [], b"", None, b"", []), accepted)
    return record


def called(by: DeviceKey, whom: DeviceKey, label: str, number: int = 1) -> RosterRecord:
    return sign_act(by, Relabel(GROUP, whom.device, label, number))


def follows(by: DeviceKey, old: DeviceKey, new: DeviceKey) -> RosterRecord:
    return sign_act(by, Succeed(GROUP, old.device, new.device))


def home(*more: RosterRecord) -> Roster:
    """Ann and Ben by the founder, Cleo by Ann; and what came after."""
    return settled(
        admission(FOUNDER, ANN, "a"),
        admission(FOUNDER, BEN, "b"),
        admission(ANN, CLEO, "c"),
        *more,
    )


def again(roster: Roster) -> Roster:
    made = Roster.replay(roster.kept())
    assert labels(made) == labels(roster)
    assert made.digest == roster.digest
    assert made.former.keys() == roster.former.keys()
    return made


def test_a_device_and_a_steward_change_its_label_and_nobody_else() -> None:
    roster = home(called(BEN, ANN, "stolen"), called(CLEO, CLEO, "mine"), called(FOUNDER, BEN, "x"))
    assert labels(roster) == {
        FOUNDER.device: "desk", ANN.device: "a", BEN.device: "x", CLEO.device: "mine",
    }  # fmt: skip
    roster.add([sign_act(FOUNDER, Appoint(GROUP, BEN.certificate)), called(BEN, ANN, "by ben", 2)])
    assert labels(roster)[ANN.device] == "by ben"
    roster.settle()
    again(roster)


def test_of_several_words_about_a_label_the_highest_number_counts() -> None:
    roster = home(called(CLEO, CLEO, "third", 3), called(FOUNDER, CLEO, "second", 2))
    assert labels(roster)[CLEO.device] == "third"
    again(roster)


def test_a_stewards_word_counts_above_whatever_a_device_says_in_any_order() -> None:
    most = limits.RELABEL_OWN_MAX
    hers = [called(CLEO, CLEO, "top", limits.SEQ_MAX), called(CLEO, CLEO, "most", most)]
    hers += [called(CLEO, CLEO, f"at-{number}", most + number) for number in (1, 1000)]
    his = [called(FOUNDER, CLEO, "desk's", most)]
    far = called(FOUNDER, CLEO, "too far", most + 2 * limits.WORD_STEP)
    for words in (hers + his, his + hers, [far, *hers[::-1], *his]):
        assert labels(home(*words))[CLEO.device] == "desk's"
    assert labels(home(*hers))[CLEO.device] == "most"
    bridge = called(FOUNDER, CLEO, "bridge", most + limits.WORD_STEP)
    for words in ([bridge, far, *hers], [far, *hers, bridge]):
        roster = home(*words)
        assert labels(roster)[CLEO.device] == "too far"
        again(roster)


def test_when_the_word_that_counted_is_void_the_others_count_again() -> None:
    appoint = sign_act(FOUNDER, Appoint(GROUP, BEN.certificate))
    high = limits.RELABEL_OWN_MAX + limits.WORD_STEP
    roster = home(appoint, called(CLEO, CLEO, "mine"), called(BEN, CLEO, "bens", high))
    roster.add([called(BEN, ANN, "bens too", high)])
    roster.settle()
    assert (labels(roster)[CLEO.device], labels(roster)[ANN.device]) == ("bens", "bens too")
    roster.add([out(FOUNDER, BEN)])
    roster.settle()
    assert (labels(roster)[CLEO.device], labels(roster)[ANN.device]) == ("mine", "bens too")
    roster.add([called(ANN, ANN, "anna", 1), called(FOUNDER, CLEO, "cleo", 2)])
    roster.settle()
    assert (labels(roster)[CLEO.device], labels(roster)[ANN.device]) == ("cleo", "anna")
    again(roster)


def test_a_label_that_another_has_or_had_goes_to_nobody() -> None:
    roster = home(called(CLEO, CLEO, "A"), called(BEN, BEN, "renamed"), called(CLEO, CLEO, "b", 2))
    assert labels(roster)[CLEO.device].startswith("b-")
    assert labels(roster)[ANN.device] == "a"
    again(roster)


def test_without_its_admission_a_device_is_no_member_and_with_another_it_is_again() -> None:
    roster = home(admission(CLEO, DORA, "d"), admission(BEN, CLEO, "other"), out(FOUNDER, ANN))
    assert set(labels(roster)) == {each.device for each in (FOUNDER, BEN, CLEO, DORA)}
    assert labels(roster)[CLEO.device] == "c"
    assert roster.members[CLEO.device].admitted_by == BEN.device
    again(roster)


def test_whom_a_void_admission_let_in_is_out_with_all_it_let_in() -> None:
    roster = home(admission(CLEO, DORA, "d"), out(FOUNDER, ANN))
    assert set(labels(roster)) == {FOUNDER.device, BEN.device}
    assert set(roster.former) == {each.device for each in (ANN, CLEO, DORA)}
    assert len(roster.records()) == 1 + 2 + 1, "their statements are gone"
    assert repr(roster.force) == "<InForce 3 devices, 2 gone>"
    roster.add(
        [admission(BEN, key(9), "d"), admission(BEN, DORA, "x"), admission(FOUNDER, CLEO, "C3")]
    )
    roster.settle()
    assert labels(roster)[key(9).device].startswith("d-"), "a label that was somebody's stays so"
    assert labels(roster)[DORA.device] == "d"
    assert labels(roster)[CLEO.device] == "C3", "the founder's word"
    again(roster)


def test_what_a_removal_accepts_stays_and_so_do_those_behind() -> None:
    before = home(admission(CLEO, DORA, "d"))
    accepted = before.signed_by(ANN.device)
    roster = home(admission(CLEO, DORA, "d"), out(FOUNDER, ANN, *accepted))
    assert CLEO.device in roster.members
    assert DORA.device in roster.members
    assert ANN.device not in roster.members
    assert len(roster.chain(DORA.device)) == 3
    again(roster)


def test_a_new_device_takes_the_place_of_a_removed_one() -> None:
    gone = [admission(FOUNDER, DORA, "b-2"), out(FOUNDER, BEN)]
    for steward in (follows(FOUNDER, BEN, DORA), follows(FOUNDER, BEN, CLEO)):
        roster = home(*gone, steward)
        (new,) = roster.force.successors.values()
        assert labels(roster)[new] == "b"
        assert roster.force.successors == {BEN.device: new}
        again(roster)


def test_the_first_succession_stays_and_nobody_has_two_places() -> None:
    roster = home(admission(ANN, DORA, "b-2"), out(FOUNDER, BEN), follows(FOUNDER, BEN, DORA))
    assert labels(roster)[DORA.device] == "b"
    more = [follows(FOUNDER, BEN, CLEO), out(FOUNDER, CLEO), follows(FOUNDER, CLEO, DORA)]
    roster.add([*more, follows(FOUNDER, key(8), DORA), follows(FOUNDER, CLEO, key(8))])
    roster.settle()
    assert roster.force.successors == {BEN.device: DORA.device}, "the first one stays"
    again(roster)
    assert home(admission(ANN, DORA, "b-2"), follows(FOUNDER, BEN, DORA)).force.successors == {}


def test_whoever_lets_a_device_in_gives_it_nobodys_place_whatever_both_say() -> None:
    let_in, gone = admission(ANN, DORA, "dora"), out(FOUNDER, BEN)
    words = [follows(ANN, BEN, DORA), follows(DORA, BEN, DORA), follows(CLEO, BEN, DORA)]
    for more in permutations([let_in, gone, *words]):
        roster = home(*more)
        assert roster.force.successors == {}
        assert labels(roster)[DORA.device] == "dora"
        again(roster)


def test_in_whatever_order_the_words_come_the_same_device_has_the_place() -> None:
    let_in, gone = admission(ANN, DORA, "dora"), out(FOUNDER, BEN)
    for more in permutations([let_in, gone, follows(FOUNDER, BEN, DORA)]):
        roster = home()
        for word in more:
            roster.add([word])
            roster.settle()
        assert roster.force.successors == {BEN.device: DORA.device}
        assert labels(roster)[DORA.device] == "b"
        assert BEN.device not in roster.members
        again(roster)


def test_a_place_that_was_given_is_in_force_also_after_a_restart() -> None:
    roster = home(admission(ANN, DORA, "dora"), out(FOUNDER, BEN), follows(FOUNDER, BEN, DORA))
    roster.add([called(DORA, DORA, "mine"), called(CLEO, CLEO, "dora")])
    roster.settle()
    assert labels(again(roster)) == labels(roster)


def test_the_founders_word_about_a_device_that_is_out_leaves_the_label_it_had() -> None:
    roster = home(admission(BEN, DORA, "d"), called(DORA, DORA, "mine"), out(FOUNDER, BEN))
    roster.add([admission(FOUNDER, DORA, "d")])
    roster.settle()
    assert labels(roster)[DORA.device] == "mine"
    again(roster)


def test_the_founders_word_about_a_device_that_stays_counts_beside_a_removal() -> None:
    roster = home(out(FOUNDER, BEN), admission(FOUNDER, CLEO, "worded"))
    assert labels(roster)[CLEO.device] == "worded"
    again(roster)
    other = Roster(GENESIS)
    other.add(roster.records())
    assert other.members.keys() == roster.members.keys()


def test_who_was_let_in_later_may_lead_to_who_was_there_before() -> None:
    roster = home(
        admission(FOUNDER, DORA, "d"), admission(DORA, CLEO, "x"), out(FOUNDER, ANN),
        admission(BEN, key(9), "n"), out(FOUNDER, BEN),
    )  # fmt: skip
    assert set(labels(roster)) == {FOUNDER.device, DORA.device, CLEO.device}
    roster.add([admission(CLEO, key(7), "seven")])
    roster.settle()
    assert key(7).device in roster.members
    again(roster)


def test_a_device_that_is_out_is_called_as_it_said_last_whatever_comes_first() -> None:
    mine, never = called(BEN, BEN, "mine"), called(BEN, BEN, "never", 2)
    one, both = home(mine), home(mine, out(FOUNDER, BEN, record_hash(mine)))
    one.add([out(FOUNDER, BEN, record_hash(mine))])
    one.settle()
    for roster in (one, both):
        assert roster.former[BEN.device].label == "mine"
        roster.add([never])
        roster.settle()
        assert roster.former[BEN.device].label == "mine", "its removal does not name that word"
        assert again(roster).former[BEN.device].label == "mine"


def test_a_device_that_left_has_the_words_that_its_goodbye_names() -> None:
    mine, never = called(BEN, BEN, "mine"), called(BEN, BEN, "never", 2)
    roster = home(never, mine, out(BEN, BEN, record_hash(mine)))
    assert roster.former[BEN.device].label == "mine"
    again(roster)


def test_a_successor_is_called_as_the_old_one_was_last_also_when_all_comes_at_once() -> None:
    mine = called(BEN, BEN, "mine")
    gone = out(FOUNDER, BEN, record_hash(mine))
    heir = [admission(FOUNDER, DORA, "anew"), follows(FOUNDER, BEN, DORA)]
    slowly = home(mine)
    for record in (gone, *heir):
        slowly.add([record])
        slowly.settle()
    for roster in (slowly, home(mine, gone, *heir)):
        assert labels(roster)[DORA.device] == "mine"
        assert roster.former[BEN.device].label.startswith("mine-")
        assert again(roster).former[BEN.device].label.startswith("mine-")


def test_of_two_that_get_one_label_at_once_the_same_one_has_it_after_a_restart() -> None:
    roster = home(called(CLEO, CLEO, "c2"))
    roster.add([called(ANN, ANN, "same"), called(CLEO, CLEO, "same", 2)])
    roster.settle()
    assert labels(roster)[ANN.device] == "same"
    again(roster)


def places(*batches: list[RosterRecord]) -> dict[DeviceId, DeviceId]:
    """Who has whose place where it is heard in this order; a restart changes nothing."""
    roster = home(sign_act(FOUNDER, Appoint(GROUP, ANN.certificate)), admission(FOUNDER, DORA, "d"))
    for batch in [[out(FOUNDER, BEN)], *batches]:
        roster.add(batch)
        roster.settle()
    assert again(roster).force.successors == roster.force.successors
    assert sorted(labels(roster).values()) == sorted(set(labels(roster).values()))
    return dict(roster.force.successors)


def test_a_place_given_by_a_word_that_counts_no_more_is_free_again() -> None:
    """Who heard of it before the removal of that steward kept it for good, and others did not."""
    kept = record_hash(admission(ANN, CLEO, "c"))
    bad, good = [follows(ANN, BEN, CLEO)], [follows(FOUNDER, BEN, DORA)]
    gone = [out(FOUNDER, ANN, kept)]
    assert places(bad) == {BEN.device: CLEO.device}
    assert places(bad, gone) == places(gone, bad) == {}
    wanted = {BEN.device: DORA.device}
    assert places(bad, gone, good) == places(gone, bad, good) == places(gone + bad + good) == wanted
    goodbye = [out(ANN, ANN, kept)]
    assert places(bad, goodbye) == places(goodbye, bad) == {}
    named = [out(ANN, ANN, kept, record_hash(bad[0]))]
    assert places(bad, named) == places(named, bad) == {BEN.device: CLEO.device}


def test_with_the_place_the_label_goes_back_unless_it_was_changed_since() -> None:
    appoint = sign_act(FOUNDER, Appoint(GROUP, ANN.certificate))
    kept = record_hash(admission(ANN, CLEO, "c"))
    gone = out(FOUNDER, ANN, kept, record_hash(called(CLEO, CLEO, "mine")))
    for words, label in ([], "c"), ([called(CLEO, CLEO, "mine")], "mine"):
        roster = home(appoint, out(FOUNDER, BEN), follows(ANN, BEN, CLEO))
        assert labels(roster)[CLEO.device] == "b"
        roster.add(words)
        roster.settle()
        roster.add([gone])
        roster.settle()
        assert labels(roster)[CLEO.device] == label
        assert again(roster).former[BEN.device].label == roster.former[BEN.device].label
