"""Plain steps: what they take, and that the rest stays as it was (tests/laws compares them)."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.group.plain_steps import PlainSteps, StepsBase
from potluck.core.group.removals import judge
from potluck.core.group.roster import Roster
from potluck.core.group.statement_set import StatementSet
from potluck.core.group.statements import Appoint, Forget, Relabel, Succeed, record_hash, sign_act
from potluck.core.keys.identity import DeviceId, DeviceKey, identity_of
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import key
from tests.core.group.test_roster import (
    ANN,
    BEN,
    CLEO,
    FOUNDER,
    GENESIS,
    GROUP,
    admission,
    out,
    settled,
    signed,
)


class Steps:
    """From what is in force in a group of the founder, Ann and Ben; and what came after."""

    def __init__(self, *more: RosterRecord) -> None:
        home = settled(admission(FOUNDER, ANN, "a"), admission(FOUNDER, BEN, "b"), *more)
        self.force, self.kept = home.force.copy(), StatementSet(GENESIS)
        publics = {}
        for each in map(key, range(1, 11)):
            publics[each.device] = identity_of(each.certificate).public
        for record in home.records()[1:]:
            statement = self.kept.read(record, publics[DeviceId(record.by)], GROUP)
            assert statement is not None
            self.kept.put(record_hash(record), statement)
        standing = judge(FOUNDER.device, self.kept.acts)
        self.plain = PlainSteps(StepsBase(self.force, self.kept, standing, publics, GROUP))

    def take(self, record: RosterRecord) -> list[bytes] | None:
        fresh = self.plain.take(record)
        assert (record_hash(record) in self.kept.records) == (fresh is not None)
        return fresh

    def label(self, whom: DeviceKey) -> str:
        return self.force.entries[whom.device].label


def relabel(by: DeviceKey, whom: DeviceKey, label: str, number: int = 1) -> RosterRecord:
    return sign_act(by, Relabel(GROUP, whom.device, label, number))


def test_a_device_that_nobody_spoke_of_is_let_in_under_a_free_label() -> None:
    steps = Steps()
    for number, label in ((8, "b"), (9, "c")):
        record = admission(ANN, key(number), label)
        assert steps.take(record) == [record_hash(record)]
    assert steps.label(key(9)) == "c"
    assert steps.label(key(8)).startswith("b-")
    assert repr(steps.plain) == "<PlainSteps from <InForce 5 devices, 0 gone>>"


def test_whom_somebody_spoke_of_or_a_stranger_lets_in_is_for_the_whole_derivation() -> None:
    steps = Steps(
        relabel(FOUNDER, CLEO, "cleo"), sign_act(FOUNDER, Appoint(GROUP, key(7).certificate))
    )
    for record in (
        admission(ANN, CLEO), admission(ANN, key(7)), admission(key(11), key(9)),
        sign_act(FOUNDER, Appoint(GROUP, ANN.certificate)), out(FOUNDER, BEN),
        sign_act(FOUNDER, Succeed(GROUP, ANN.device, BEN.device)),
    ):  # fmt: skip
        assert steps.take(record) is None


def test_a_second_admission_changes_nothing_unless_it_may_be_a_word() -> None:
    steps = Steps(admission(ANN, CLEO, "c"))
    assert steps.take(admission(BEN, CLEO, "other")) == []
    assert steps.take(admission(FOUNDER, CLEO, "word")) is None
    assert steps.label(CLEO) == "c"
    said = sign_act(FOUNDER, Succeed(GROUP, BEN.device, CLEO.device))
    assert Steps(admission(ANN, CLEO, "c"), said).take(admission(BEN, CLEO, "other")) == []


def test_the_last_word_about_a_label_counts_and_others_are_kept() -> None:
    steps = Steps(relabel(ANN, ANN, "anna"))
    assert steps.take(relabel(BEN, ANN, "stolen", 5)) == []
    second = relabel(ANN, ANN, "b", 3)
    assert steps.take(second) == [record_hash(second)]
    assert steps.label(ANN).startswith("b-")
    assert steps.take(relabel(ANN, ANN, "late", 2)) == []
    most = limits.RELABEL_OWN_MAX + limits.WORD_STEP
    assert steps.take(relabel(FOUNDER, ANN, "far", most + 1)) == []
    bridge = relabel(FOUNDER, ANN, "bridge", most)
    [known] = steps.take(bridge) or [b""]
    assert known != record_hash(bridge)
    assert steps.label(ANN) == "far"
    assert steps.take(relabel(FOUNDER, key(9), "nobody")) == [], "it is no member yet"
    assert steps.take(admission(ANN, key(9), "n")) is None, "it has a label when it comes"


def test_what_changes_nobodys_place_is_kept_and_what_says_nothing_is_not() -> None:
    steps = Steps()
    again = admission(FOUNDER, ANN, "a")
    assert (steps.take(again), steps.plain.take(admission(ANN, key(9), ".."))) == ([], [])
    assert steps.kept.void == 1
    assert steps.take(sign_act(FOUNDER, Forget(GROUP, CLEO.device))) == []
    assert steps.take(signed(ANN, {"t": "of a later version"})) == []


@pytest.mark.parametrize("number", [3, 200])
def test_a_roster_of_plain_words_is_derived_a_few_times_only(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [relabel(FOUNDER, ANN, f"a{n}", n + 1) for n in range(number)]
    derived = list[Roster]()
    real = Roster._derive

    def derive(self: Roster) -> None:
        derived.append(self)
        real(self)

    monkeypatch.setattr(Roster, "_derive", derive)
    again = Roster.replay([GENESIS, admission(FOUNDER, ANN, "a"), *words])
    assert again.members[ANN.device].label == f"a{number - 1}"
    assert len(derived) == 2
